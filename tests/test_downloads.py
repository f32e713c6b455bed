"""The notebooks that the site offers: plain Markdown, the numbers of the site, all outputs, and they run alone."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from bs4 import BeautifulSoup
from conftest import without_formulas
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = sorted((ROOT / "book").glob("*.ipynb"))
sys.path.insert(0, str(ROOT / "book" / "_ext"))
import notebooks  # noqa: E402

RAW = re.compile(r":::|\{[a-z:]+\}`|^\([\w-]+\)=$|\$\$ *\([\w-]+\)|<!--|^% ", re.MULTILINE)


@pytest.fixture(params=CHAPTERS, ids=lambda path: path.stem)
def pair(request, site):
    """A chapter as it is in the repository, and as the site gives it away."""
    lowered = site / "_sources" / "book" / request.param.name
    return nbformat.read(request.param, as_version=4), nbformat.read(lowered, as_version=4)


def text_of(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def test_a_download_is_a_valid_notebook_without_raw_markup(pair):
    _, lowered = pair
    nbformat.validate(lowered)
    assert RAW.findall(re.sub(r"^```.*?^```", "", text_of(lowered), flags=re.MULTILINE | re.DOTALL)) == []


def test_a_download_keeps_every_cell_and_output(pair):
    original, lowered = pair
    kept = [cell for cell in lowered.cells if cell.cell_type == "code" and cell.id != "set-up"]
    cells = [cell for cell in original.cells if cell.cell_type == "code"]
    assert [(cell.source, cell.outputs) for cell in kept] == [(cell.source, cell.outputs) for cell in cells]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_download_has_the_numbers_of_the_site(site, path):
    page = BeautifulSoup(without_formulas((site / "book" / f"{path.stem}.html").read_text(encoding="utf-8")), "html.parser")
    text = text_of(nbformat.read(site / "_sources" / "book" / path.name, as_version=4))
    for number in page.select(".eqno"):
        for link in number.select("a"):
            link.decompose()
        assert rf"\tag{{{number.get_text(strip=True).strip('()')}}}" in text
    names = [name.get_text(strip=True) for name in page.select(".caption-number")]
    assert all(re.search(rf"{re.escape(name)}[ .:]", text) for name in names), names
    # What is referred to by number on the page is referred to by the same number here.
    shown = {link.get_text(strip=True) for link in page.select("article a.reference.internal")}
    for name in shown:
        if re.fullmatch(r"(?:Theorem|Figure|Exercise|Remark) [\d.]+", name):
            assert name in text, name


def test_a_download_says_of_each_theorem_what_the_site_says(site):
    """How it was proved, and whether partly in words: the chapter on the sigmoid has theorems of both kinds."""
    notebook = nbformat.read(site / "_sources" / "book" / "01-sigmoid.ipynb", as_version=4)
    downloaded = re.findall(r"^\u2713 \*(.+)\*$", "\n".join(cell.source for cell in notebook.cells), re.MULTILINE)
    page = BeautifulSoup(without_formulas((site / "book" / "01-sigmoid.html").read_text(encoding="utf-8")), "html.parser")
    shown = [badge.get_text(" ", strip=True) for badge in page.select(".theorem-badge")]
    partly = [[line.endswith("partly in words") for line in lines] for lines in (downloaded, shown)]
    assert partly[0] == partly[1] and True in partly[0] and False in partly[0]


def test_a_download_runs_alone(site, tmp_path):
    path = site / "_sources" / "book" / "01-sigmoid.ipynb"
    stored, notebook = nbformat.read(path, as_version=4), nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}},
                   extra_arguments=["--IPKernelApp.log_level=40"]).execute()
    assert (tmp_path / "style.py").read_bytes() == (ROOT / "book" / "style.py").read_bytes()
    printed = [[output.text for output in cell.outputs if output.output_type == "stream"]
               for book in (stored, notebook) for cell in book.cells if cell.cell_type == "code"]
    half = len(printed) // 2
    assert ["".join(part) for part in printed[:half]] == ["".join(part) for part in printed[half:]]


# --- Negative control: what cannot be lowered is named -----------------------------------------------------------------------


def lowering():
    domains = {"math": SimpleNamespace(equations={"eq-a": ("book/01-sigmoid", 1)}), "std": SimpleNamespace(labels={})}
    env = SimpleNamespace(srcdir=ROOT, config=SimpleNamespace(bibtex_bibfiles=["book/references.bib"], html_baseurl=""),
                          proof_list={}, titles={}, get_domain=domains.get,
                          toc_fignumbers={"book/01-sigmoid": {"displaymath": {"equation-eq-a": (1, 7)}}})
    return notebooks.Lower(env, "book/01-sigmoid")


@pytest.mark.parametrize("source", ["{abbr}`x`", "{eq}`eq-of-nowhere`", ":::{warning}\nx\n:::", "```{figure} x.png\n```", "[x](nowhere.md)"])
def test_what_nobody_lowered_is_reported(source):
    work = lowering()
    work.markdown(source)
    assert work.problems


@pytest.mark.parametrize(("source", "expected"), [
    ("$$\nx\n$$ (eq-a)", "$$\nx\n\\tag{1.7}\n$$"), ("See {eq}`eq-a`.", "See (1.7)."), ("`{eq}` and `$$ (a)`", "`{eq}` and `$$ (a)`"),
])
def test_what_is_lowered(source, expected):
    work = lowering()
    assert work.markdown(source) == expected
    assert not work.problems


def test_the_address_of_the_repository_is_used_once_it_is_set():
    config = SimpleNamespace(html_theme_options={"repository_url": "https://github.com/OWNER/NAME/", "repository_branch": "main"})
    assert notebooks.source_address(config) == "https://github.com/OWNER/NAME@main"
    assert notebooks.source_address(SimpleNamespace(html_theme_options={})) == ""
