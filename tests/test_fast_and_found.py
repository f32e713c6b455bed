"""The style sheet keeps what the pages use, and the pages say about themselves what others need to find them."""

import re
import struct
import sys
from xml.etree import ElementTree

import pytest
from bs4 import BeautifulSoup
from conftest import ROOT, build, pages
from test_site import tiny

sys.path.insert(0, str(ROOT / "book" / "_ext"))

import fast_pages  # noqa: E402
import findable  # noqa: E402

# --- The style sheet ---------------------------------------------------------------------------------------------------------

PAGE = '<div class="box open" id="top"><p>x</p></div>'


@pytest.mark.parametrize(
    "rule",
    [
        ".box{color:red}",
        "#top .box>p:first-child{color:red}",
        "div.box:not(.gone)::before{color:red}",
        ".shown-by-script{color:red}",
        "@media print{.box{color:red}}",
        "html[data-theme=\"dark\"] .box{--used:1px;color:red;margin:var(--used)}",
        "@keyframes turn{from{rotate:0deg}to{rotate:90deg}}",
    ],
)
def test_a_rule_in_use_stays(rule):
    assert fast_pages.used_part(rule, [PAGE], ["one.classList.add('shown-by-script')"]) == rule


@pytest.mark.parametrize(
    "rule",
    [
        ".gone{color:red}",
        "#gone{color:red}",
        ".box .gone{color:red}",
        "table{color:red}",
        "@media print{.gone{color:red}}",
        ".box{--unused:1px}",
        ".box{--unused-a:var(--unused-b);--unused-b:1px}",
        "@font-face{font-family:icons;src:url(vendor/fontawesome/icons.woff2)}",
        "/* a comment */",
        ".box::file-selector-button{color:red}",
        ".box{-moz-user-select:none}",
    ],
)
def test_a_rule_without_use_goes(rule):
    assert fast_pages.used_part(rule, [PAGE], []) == ""


def test_of_several_selectors_only_those_in_use_stay():
    assert fast_pages.used_part(".gone, .box > p , table{color:red}", [PAGE], []) == ".box>p{color:red}"


def test_the_sheet_is_small_and_every_address_in_it_exists(site):
    sheet = site / "_static" / "site.css"
    text = sheet.read_text(encoding="utf-8")
    assert 20_000 < len(text) < 130_000
    for selector in (".math-scroll", ".derivation", ".katex", ".copybtn", ".pst-sidebar-hidden", ".dropdown-menu.show", ".highlight"):
        assert selector in text, selector
    for address in re.findall(r"url\(([^)\"']+)\)", text):
        assert (sheet.parent / address).is_file(), address


# --- Found -------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def heads(site):
    names = [*(f"{page}.html" for page in pages()), "search.html", "genindex.html", "404.html"]
    texts = {name: (site / name).read_text(encoding="utf-8") for name in names}
    return {name: BeautifulSoup(text[: text.index("</head>")], "html.parser") for name, text in texts.items()}


def content(head, name):
    found = head.select(f'meta[name="{name}"], meta[property="{name}"]')
    assert len(found) == 1, (name, found)
    return found[0]["content"]


def test_every_page_has_a_title_and_a_description_of_its_own(heads):
    titles = [head.title.get_text() for head in heads.values()]
    descriptions = [content(head, "description") for head in heads.values()]
    assert all("Logistic regression, line by line" in title for title in titles), titles
    assert len(set(titles)) == len(titles)
    assert len(set(descriptions)) == len(descriptions)
    for text in descriptions:
        assert 30 <= len(text) <= findable.LONGEST and not re.search(r"[\\$_{}]|\s\s", text), text
    for head in heads.values():
        assert content(head, "og:description") == content(head, "description")
        assert content(head, "og:title") and content(head, "viewport")


def test_the_card_has_the_size_that_its_page_states():
    head = (ROOT / "book" / "_static" / "card.png").read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", head[16:24]) == (1200, 630)


def test_robots_are_welcome(site):
    assert "Disallow" not in (site / "robots.txt").read_text(encoding="utf-8")


def test_with_an_address_everything_that_needs_one_is_there(tmp_path):
    folder = tiny(tmp_path / "book", "A page about the sigmoid function and its friends.\n\n[Home](page.md)")
    config = folder / "_config.yml"
    config.write_text(config.read_text(encoding="utf-8").replace('  url: ""', "  url: https://github.com/reader/book"), encoding="utf-8")
    status, log, html = build(folder, tmp_path / "out")
    assert status == 0, log[-3000:]
    home = "https://reader.github.io/book/"
    page = BeautifulSoup((html / "book" / "page.html").read_text(encoding="utf-8"), "html.parser")
    assert page.select_one("link[rel=canonical]")["href"] == f"{home}book/page.html"
    assert content(page, "og:url") == f"{home}book/page.html" and content(page, "og:image") == f"{home}_static/card.png"
    assert content(page, "description") == "A page about the sigmoid function and its friends."
    addresses = [one.text for one in ElementTree.parse(html / "sitemap.xml").iter() if one.tag.endswith("loc")]
    assert addresses == [f"{home}book/page.html"]
    assert f"Sitemap: {home}sitemap.xml" in (html / "robots.txt").read_text(encoding="utf-8")
    lost = BeautifulSoup((html / "404.html").read_text(encoding="utf-8"), "html.parser")
    own = [tag.get("href") or tag.get("src") for tag in lost.select("[href], [src]")]
    assert all(re.match(r"/book/|#|https?:", one) for one in own), own
    buttons = {link["href"] for link in page.select(".article-header-buttons a")}
    assert any("github.com/reader/book" in link for link in buttons), buttons


def test_the_book_is_cited_as_its_file_says(site, tmp_path):
    bibtex, apa = findable.citations(ROOT / "CITATION.cff", 2026)
    text = (site / f"{pages()[0]}.html").read_text(encoding="utf-8")
    shown = [block.get_text().strip() for block in BeautifulSoup(text, "html.parser").select(".cite-this-book pre")]
    assert shown == [bibtex, apa]
    other = tmp_path / "CITATION.cff"
    other.write_text(
        "title: A book\nversion: 1.2\ndate-released: 2031-02-03\nurl: https://example.org\nauthors:\n"
        "  - {family-names: Noether, given-names: Emmy}\n  - {family-names: Gauss, given-names: Carl}\n", encoding="utf-8"
    )  # fmt: skip
    bibtex, apa = findable.citations(other, 2026)
    assert "author = {Noether, Emmy and Gauss, Carl}" in bibtex and "year = {2031}" in bibtex and "url = {https://example.org}" in bibtex
    assert apa == "Noether, Emmy, & Gauss, Carl. (2031). A book (Version 1.2) [Computer software]. https://example.org"
