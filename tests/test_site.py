"""The site as built: every page is there, every reference leads somewhere, every formula is set, nothing comes from outside."""

import json
import re
import shutil
import sys
from pathlib import Path
from urllib.parse import unquote, urldefrag

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup
from conftest import FLAGS, build, pages, without_formulas
from sphinxcontrib.katex import katex_version

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))

import ledger_page  # noqa: E402


def source_text(page):
    """The Markdown of a page, code left out."""
    notebook = ROOT / f"{page}.ipynb"
    if notebook.exists():
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    else:
        text = (ROOT / f"{page}.md").read_text(encoding="utf-8")
        included = re.compile(r"^```\{include\} (\S+)\n```$", re.MULTILINE)
        text = included.sub(lambda part: (ROOT / page).parent.joinpath(part[1]).read_text(encoding="utf-8"), text)
    return re.sub(r"^(`{3,}).*?^\1`*\s*$", "", text, flags=re.MULTILINE | re.DOTALL)


def words(text):
    """The plain words of a heading: roles and formulas are set in their own ways and are left out."""
    text = re.sub(r"\{[^}]*\}`[^`]*`|\$[^$]*\$|\]\([^)]*\)", " ", text)
    return re.findall(r"[^\W_]+", text.lower())


@pytest.fixture(scope="module")
def soups(site):
    """Every page of the site, its formulas empty: tests/test_formulas.py looks at those."""
    return {
        path.relative_to(site).as_posix(): BeautifulSoup(without_formulas(path.read_text(encoding="utf-8")), "html.parser")
        for path in site.rglob("*.html")
        if "_static" not in path.parts
    }


def article(soups, page):
    """A fresh copy of the page's own content, so that a test may take things out of it."""
    return BeautifulSoup(str(soups[f"{page}.html"].find("article")), "html.parser")


def test_make_book_builds_with_the_same_flags():
    assert f"jupyter-book build . {' '.join(FLAGS)}\n" in (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", pages())
def test_page_has_every_heading_of_its_source(soups, page):
    built = article(soups, page)
    for unwanted in built.select(".math, .section-number, a.headerlink"):
        unwanted.decompose()
    headings = [heading.get_text() for heading in built.select("h1, h2, h3, h4, h5, h6")]
    written = re.findall(r"^ {0,3}#{1,6}\s+(.+?)\s*$", source_text(page), flags=re.MULTILINE)
    assert len(built.select("h1")) == 1
    assert len(headings) == len(written) >= 1, (headings, written)
    for heading, source in zip(headings, written):
        assert set(words(source)) <= set(words(heading)), (heading, source)
    assert len(built.get_text(" ", strip=True).split()) >= 20, "the page is as good as empty"


@pytest.mark.parametrize("page", pages())
def test_page_has_nothing_unresolved(soups, page):
    built = article(soups, page)
    assert built.select(".problematic, .system-message, .error, .katex-error") == []
    formulas = len(built.select(".katex"))
    if "$" in re.sub(r"`[^`]*`", "", source_text(page)):
        assert formulas > 0, "the source has formulas, the page has none"
    for unwanted in built.select("pre, code, .math"):
        unwanted.decompose()
    text = built.get_text(" ")
    left = re.findall(r"\[\?\?\]|\?\?|\$\$|\$[A-Za-z\\(][^$]*\$|\{[a-z:]+\}|undefined label|\\begin\{|\\sigma|<Figure size|:::", text)
    assert left == []


def test_every_link_leads_somewhere(site, soups):
    ids = {name: {tag["id"] for tag in soup.select("[id]")} for name, soup in soups.items()}
    for name, soup in soups.items():
        for tag in soup.select("a[href]"):
            address, anchor = urldefrag(tag["href"])
            if re.match(r"[a-z]+:", address):
                continue
            # The page for a wrong address is shown at any depth, so its links begin at the root.
            start = site if address.startswith("/") else (site / name).parent
            target = start / unquote(address).lstrip("/") if address else site / name
            assert target.resolve().is_file(), f"{name} links to {tag['href']}, which does not exist"
            key = target.resolve().relative_to(site.resolve()).as_posix()
            if anchor and key in ids:
                assert unquote(anchor) in ids[key], f"{name} links to {tag['href']}; that page has no such anchor"


def test_every_theorem_has_a_badge_that_leads_to_its_row(soups):
    rows = soups["book/ledger.html"]
    for chapter in ledger_page.chapters():
        theorems, own = ledger_page.read(chapter)
        judged = ledger_page.judged(chapter, own)
        for label in theorems:
            [badge] = soups[f"book/{chapter}.html"].select(f"#{label} > p.theorem-badge")
            summary = ledger_page.summary(
                [row for row in own if row["home"] == ("theorem", label)], ledger_page.in_words(judged[label])
            )
            summary = re.sub(r"\$[^$]+\$", "", summary)  # the pages are read without their formulas
            assert badge.get_text().strip() == f"✓ {summary}", label
            assert badge.a["href"] == f"ledger.html#ledger-{label}"
            row = rows.find(id=f"ledger-{label}").get_text()
            assert summary in row and theorems[label].replace("$", "")[:10] in row, label


def test_every_function_on_the_ledger_leads_to_the_reference(soups):
    named = ledger_page.computed_by()
    links = [tag["href"] for tag in soups["book/ledger.html"].select("a.reference[href^='api.html#lrmath.']")]
    assert sorted(links) == sorted(f"api.html#lrmath.{name}" for own in named.values() for name in own)


def test_ids_are_unique(soups):
    for name in (f"{page}.html" for page in pages()):
        seen = [tag["id"] for tag in soups[name].select("article [id]")]
        assert len(seen) == len(set(seen)), f"{name}: {sorted({one for one in seen if seen.count(one) > 1})}"


def test_every_image_exists_and_is_described(site, soups):
    for name, soup in soups.items():
        for tag in soup.select("img"):
            assert (site / name).parent.joinpath(unquote(tag["src"])).resolve().is_file(), f"{name}: {tag['src']}"
            assert tag.get("alt", "").strip(), f"{name}: {tag['src']} has no alt text"


def test_nothing_is_fetched_from_another_host(site, soups):
    outside = re.compile(r"(?:https?:)?//")
    for name, soup in soups.items():
        for tag in soup.select("script[src], link[href], img[src], iframe[src], source[src], video[src]"):
            if tag.name == "link" and not {"stylesheet", "preload", "icon", "modulepreload"} & set(tag.get("rel", [])):
                continue
            assert not outside.match(tag.get("src") or tag.get("href")), f"{name}: {tag}"
        for script in soup.select("script:not([src])"):
            assert "thebe" not in script.text.lower(), f"{name}: {script.text[:80]}"
    for sheet in site.rglob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert not re.search(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", text), sheet.name
        for address in re.findall(r"url\(\s*['\"]?([^'\")]+)", text):
            if sheet.parent.name == "katex":
                assert (sheet.parent / address).is_file(), f"{sheet.name} names {address}, which is not there"


def test_katex_style_sheet_and_renderer_are_one_version():
    # The style sheet is a file of ours, the renderer comes with pip: an update of one without the other breaks the layout.
    sheet = (ROOT / "book" / "_static" / "katex" / "katex.min.css").read_text(encoding="utf-8")
    assert f'content:"{katex_version}"' in sheet


def test_addresses_are_there_exactly_when_the_project_has_one(soups):
    # While `repository.url` is empty nothing may point at a repository, a launch service or a canonical page.
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    for name in (f"{page}.html" for page in pages()):
        for selector in ("link[rel=canonical]", ".dropdown-source-buttons"):
            assert bool(soups[name].select(selector)) == bool(config["repository"]["url"]), (name, selector)


# --- Negative control: the build stops at what it must stop at --------------------------------------------------------------

BROKEN = {
    "eq-of-nowhere": "An equation: {eq}`eq-of-nowhere`.",
    "thm-of-nowhere": "A theorem: {prf:ref}`thm-of-nowhere`.",
    "sec-of-nowhere": "A section: {ref}`sec-of-nowhere`.",
    "fig-of-nowhere": "A figure: {numref}`fig-of-nowhere`.",
    "term-of-nowhere": "A term: {term}`term-of-nowhere`.",
    "lrmath.of_nowhere": "A function: {func}`lrmath.of_nowhere`.",
    "page-of-nowhere": "A page: [there](page-of-nowhere.md).",
    "book-of-nowhere": "A source: {cite}`book-of-nowhere`.",
    "image-of-nowhere": "![An image that is not there](image-of-nowhere.svg)",
    r"\frac{1": r"A formula: $\frac{1$.",
}


def tiny(folder, body):
    """A book of one page with this book's configuration."""
    (folder / "book").mkdir(parents=True)
    shutil.copy(ROOT / "_config.yml", folder)
    for name in ("_static", "_ext", "_templates", "live", "figures", "print"):
        shutil.copytree(ROOT / "book" / name, folder / "book" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for file in [*(ROOT / "book").glob("*.bib"), ROOT / "book" / "style.py"]:
        shutil.copy(file, folder / "book")
    (folder / "_toc.yml").write_text("format: jb-book\nroot: book/page\n", encoding="utf-8")
    (folder / "book" / "page.md").write_text(f"# A page\n\n{body}\n", encoding="utf-8")
    return folder


def test_a_sound_page_builds(tmp_path):
    status, log, _ = build(tiny(tmp_path / "book", "A formula, $x^2$, and no reference."), tmp_path / "out")
    assert status == 0, log[-3000:]


LINKS = {
    ".source-buttons, .dropdown-source-buttons": {
        "{url}", "{url}/edit/main/book/01-page.ipynb", "{url}/issues/new?title=Issue%20on%20page%20%2Fbook/01-page.html&body=Your%20issue%20content%20here.",
    },
    ".dropdown-launch-buttons": {
        "https://mybinder.org/v2/gh/example/lrmath/main?urlpath=lab/tree/book/01-page.ipynb",
        "https://colab.research.google.com/github/example/lrmath/blob/main/book/01-page.ipynb",
    },
}  # fmt: skip


@pytest.mark.parametrize("url", ["", "https://github.com/example/lrmath"])
def test_every_address_follows_from_that_of_the_repository(tmp_path, url):
    folder = tiny(tmp_path / "book", "A formula, $x^2$.")
    config = (folder / "_config.yml").read_text(encoding="utf-8")
    assert config.count('\n  url: ""\n') == 1
    (folder / "_config.yml").write_text(config.replace('\n  url: ""\n', f'\n  url: "{url}"\n'), encoding="utf-8")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A chapter\n\nA formula, $x^2$.")])
    nbformat.write(notebook, folder / "book" / "01-page.ipynb")
    (folder / "_toc.yml").write_text("format: jb-book\nroot: book/page\nchapters:\n- file: book/01-page\n", encoding="utf-8")
    status, log, site = build(folder, tmp_path / "out")
    assert status == 0, log[-3000:]
    page = BeautifulSoup((site / "book" / "01-page.html").read_text(encoding="utf-8"), "html.parser")
    for selector, wanted in LINKS.items():
        found = {tag["href"] for part in page.select(selector) for tag in part.select("a[href]")}
        assert found == ({address.format(url=url) for address in wanted} if url else set())
    canonical = [tag["href"] for tag in page.select("link[rel=canonical]")]
    assert canonical == (["https://example.github.io/lrmath/book/01-page.html"] if url else [])
    if not url:
        addresses = " ".join(tag["href"] for tag in page.select("header a[href], .header-article a[href]"))
        assert not re.search("github|binder|colab", addresses)


def test_each_broken_reference_stops_the_build(tmp_path):
    status, log, _ = build(tiny(tmp_path / "book", "\n\n".join(BROKEN.values())), tmp_path / "out")
    assert status != 0
    warnings = [line for line in log.splitlines() if "WARNING" in line]
    for name in BROKEN:
        assert any(name in line for line in warnings), f"no warning names {name!r}:\n" + "\n".join(warnings)
