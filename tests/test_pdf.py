"""The printed book. `make pdf` runs these tests on what it has just set, before it publishes it; alone they are skipped."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parent.parent
FOLDER = os.environ.get("LRMATH_PDF")
built = pytest.mark.skipif(not FOLDER, reason="the PDF is checked by `make pdf`, which needs LaTeX; LRMATH_PDF names the folder of the .tex")
sys.path[:0] = [str(ROOT / "book"), str(ROOT / "book" / "_ext")]
import make_pdf  # noqa: E402
import pdf  # noqa: E402


def file(suffix):
    return Path(FOLDER, f"{pdf.NAME}{suffix}")


def complaints(log):
    """What a log of XeLaTeX says that a reader would see on paper."""
    # TeX breaks its lines after 79 characters.
    found = [line for line in log.splitlines() if re.search(r"Missing character|undefined references|multiply defined", line)]
    found += re.findall(r"(?:Reference|Citation|Hyper reference) [`'].*?undefined", log, re.DOTALL)
    return found + [line for line in log.splitlines()
                    if (wide := re.search(r"Overfull \\hbox \((\d+\.?\d*)pt", line)) and float(wide[1]) > 2]


@pytest.mark.parametrize("line", ["Overfull \\hbox (2.5pt too wide) in paragraph", "Missing character: There is no x in font y!",
                                  "LaTeX Warning: Reference `a' on page 1 undefined", "LaTeX Warning: There were undefined references."])
def test_each_complaint_of_the_log_is_seen(line):
    assert complaints(f"before\n{line}\nafter")
    assert not complaints("Overfull \\hbox (1.5pt too wide)\nall is well")


def numbers_on_the_site(site):
    found = {}
    for path in sorted((site / "book").glob("*.html")):
        page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for box in page.select("div.admonition[id], figure[id]"):
            number = box.select_one(".caption-number")
            if number:
                found[f"book/{path.stem}:{box['id']}"] = re.search(r"[\d.]+\d", number.text)[0]
        for box in page.select("div.math[id]"):
            found[f"equation:book/{path.stem}:{box['id'].removeprefix('equation-')}"] = re.search(r"[\d.]+\d", box.select_one(".eqno").text)[0]
    return found


@built
def test_every_number_is_the_one_of_the_site(site):
    aux = dict(re.findall(r"\\newlabel\{([^}]*)\}\{\{\{?([^}]*)\}", file(".aux").read_text(encoding="utf-8")))
    numbers = numbers_on_the_site(site)
    assert len(numbers) > 200
    assert {label: (number, aux.get(label)) for label, number in numbers.items() if aux.get(label) != number} == {}


@built
def test_the_log_has_no_complaint():
    assert complaints(file(".log").read_text(encoding="utf-8", errors="replace")) == []


@built
def test_no_reference_is_open_and_no_markup_is_left():
    text = subprocess.run(["pdftotext", str(file(".pdf")), "-"], capture_output=True, text=True, check=True).stdout
    assert not re.search(r"\?\?|<Figure size|:::|\{prf:ref\}|\{eq\}", text)
    assert 200 < text.count("\f") < 500


@built
def test_fonts_are_embedded_and_the_file_says_what_it_is():
    fonts = subprocess.run(["pdffonts", str(file(".pdf"))], capture_output=True, text=True, check=True).stdout.splitlines()[2:]
    assert fonts
    assert [line for line in fonts if line.split()[-5] != "yes"] == []
    about = subprocess.run(["pdfinfo", str(file(".pdf"))], capture_output=True, text=True, check=True).stdout
    for line in ("Title: +Logistic regression, line by line", "Author: +the lrmath authors", "Subject: +The math", "Keywords: +logistic"):
        assert re.search(line, about), line
    assert "A4" in about


@built
def test_figures_are_vectors():
    pictures = set(re.findall(r"\\sphinxincludegraphics(?:\[[^]]*\])?\{\{[^}]*\}\.(\w+)\}", file(".tex").read_text(encoding="utf-8")))
    assert pictures == {"pdf", "png"}
    assert len(list(Path(FOLDER).glob("*.png"))) == 2  # the two figures of rounding errors, see style.show_noise


def test_what_is_missing_is_named_with_its_package(monkeypatch, capsys):
    monkeypatch.setattr(make_pdf.shutil, "which", lambda name: None)
    assert make_pdf.main() == 1
    said = capsys.readouterr().err
    assert "xelatex" in said and "sudo apt-get install" in said and "texlive-xetex" in said


def test_a_derivation_becomes_rows_that_keep_every_formula():
    latex = pdf.cover()
    assert latex.count(r"\lrrow") == 4 and latex.count(r"\lrstamp") == 1
    assert r"{= \sigma(z) - y}{the products cancel}" in latex


def test_a_change_in_what_is_printed_outdates_the_pdf(monkeypatch, tmp_path):
    for name in ("_config.yml", "_toc.yml", "CITATION.cff", "lrmath/verify/language.py", "book/notation.md"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("before", encoding="utf-8")
    monkeypatch.setattr(pdf, "ROOT", tmp_path)
    seen = {pdf.sources()}
    for name in ("_config.yml", "CITATION.cff", "lrmath/verify/language.py", "book/notation.md"):
        (tmp_path / name).write_text("after", encoding="utf-8")
        seen.add(pdf.sources())
    assert len(seen) == 5
