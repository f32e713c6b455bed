"""What search engines, previews of links and people who cite need: descriptions, cards, a map of the site, a page for 404.

Whatever needs a public address is left out while there is none (`html_baseurl`, see lrmath_site.py).
"""

import datetime
import html
import re
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import yaml
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parent.parent.parent
LONGEST = 200
# Pages that are made and not written.
UNWRITTEN = {
    "search": "Search the book by words, by terms and by the names of functions.",
    "genindex": "Every function and every term of the book, in the order of the alphabet.",
}

# --- A description of each page: its own first sentences --------------------------------------------------------------------


def plain(paragraph):
    """The sentences of a paragraph up to the first one with a formula, as many as fit into a description."""
    text = ""
    for child in paragraph.children:
        if isinstance(child, nodes.math) or (not isinstance(child, nodes.Text) and list(child.findall(nodes.math))):
            break
        text += child.astext()
    else:
        text += " "
    sentences = re.findall(r"\S.*?[.?!](?=\s)", " ".join(text.split()) + (" " if text.endswith(" ") else ""))
    kept = ""
    for sentence in sentences:
        if len(kept) + len(sentence) > LONGEST:
            break
        kept = f"{kept} {sentence}".strip()
    return kept


def description(doctree):
    """What the page says about itself first, outside boxes, tables and lists."""
    for paragraph in doctree.findall(nodes.paragraph):
        if isinstance(paragraph.parent, nodes.section) and (text := plain(paragraph)):
            return text
    return ""


def describe(app, pagename, templatename, context, doctree):
    meta = context.get("meta") or {}
    text = meta.get("description") or (description(doctree) if doctree else "")
    text = text or UNWRITTEN.get(pagename) or f"{context.get('title')}: a page of the book “{app.config.project}”."
    context["metatags"] = re.sub(r'<meta[^>]*name="(?:description|viewport)"[^>]*>', "", context.get("metatags") or "")
    title = re.sub(r"<[^>]+>", "", context.get("title") or pagename.capitalize())
    tags = [
        ("name", "description", text),
        ("property", "og:title", html.unescape(title)),
        ("property", "og:description", text),
        ("property", "og:site_name", app.config.project),
        ("property", "og:type", "website" if pagename == app.config.root_doc else "article"),
        ("name", "twitter:card", "summary_large_image"),
    ]
    if app.config.html_baseurl:
        address = urljoin(app.config.html_baseurl, "_static/card.png")
        alt = "The title of the book, and a derivation in two lines with its check mark."
        tags += [("property", "og:url", context.get("pageurl") or app.config.html_baseurl)]
        tags += [("property", "og:image", address), ("property", "og:image:alt", alt)]
        tags += [("property", "og:image:width", "1200"), ("property", "og:image:height", "630")]
    context["metatags"] += "".join(f'\n    <meta {kind}="{name}" content="{html.escape(value)}">' for kind, name, value in tags)


# --- A page for addresses that lead nowhere, robots.txt and the map of the site ------------------------------------------------


def lost_page(app):
    body = (
        "<h1>There is no such page</h1>"
        "<p>The address leads nowhere. It may have a slip, or the page has moved.</p>"
        '<p>The contents are beside this text, or behind the button with the three lines. '
        f'You can also <a href="{app.builder.get_target_uri("search")}">search the book</a> '
        f'or begin at its <a href="{app.builder.get_target_uri(app.config.root_doc)}">first page</a>.</p>'
    )
    yield "404", {"title": "There is no such page", "body": body}, "page.html"


def write_files(app, exception):
    if exception or app.builder.name != "html":
        return
    site, address = Path(app.outdir), app.config.html_baseurl
    # A host shows this page at any depth, so its links begin at the root of the site.
    lost = site / "404.html"
    root = urlsplit(address).path or "/"
    text = re.sub(r'\b(href|src|action)="(?![a-z]+:|[#/])', rf'\1="{root}', lost.read_text(encoding="utf-8"))
    lost.write_text(text.replace(f'href="{root}#"', 'href="#"'), encoding="utf-8")
    robots = "User-agent: *\nAllow: /\n"
    if address:
        pages = [app.builder.get_target_uri(name) for name in sorted(app.env.found_docs)]
        urls = "\n".join(f"  <url><loc>{html.escape(urljoin(address, page))}</loc></url>" for page in pages)
        head = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
        (site / "sitemap.xml").write_text(f"{head}\n{urls}\n</urlset>\n", encoding="utf-8")
        robots += f"Sitemap: {urljoin(address, 'sitemap.xml')}\n"
    (site / "robots.txt").write_text(robots, encoding="utf-8")


# --- "Cite this book": from CITATION.cff -------------------------------------------------------------------------------------


def citations(path, year, address=""):
    """The book as a BibTeX entry and as a line in the style of APA, from a CITATION.cff."""
    cff = yaml.safe_load(path.read_text(encoding="utf-8"))
    people = [one.get("name") or f"{one['family-names']}, {one['given-names']}" for one in cff["authors"]]
    year = str(cff.get("date-released") or year)[:4]
    address = cff.get("url") or cff.get("repository-code") or address
    fields = {
        "author": " and ".join(f"{{{one}}}" if "," not in one else one for one in people),
        "title": f"{{{cff['title']}}}", "year": year, "version": cff["version"], "url": address,
    }  # fmt: skip
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items() if value)
    names = people[0] if len(people) == 1 else ", ".join(people[:-1]) + f", & {people[-1]}"
    apa = f"{names}. ({year}). {cff['title']} (Version {cff['version']}) [Computer software]." + f" {address}" * bool(address)
    return f"@software{{lrmath,\n{lines}\n}}", apa


class CiteThisBook(SphinxDirective):
    def run(self):
        path = ROOT / "CITATION.cff"
        self.env.note_dependency(str(path))
        year = re.search(r"\d{4}", self.config.copyright or "")
        year = year[0] if year else str(datetime.date.today().year)
        bibtex, apa = citations(path, year, self.config.html_theme_options.get("repository_url", ""))
        box = nodes.container(classes=["cite-this-book"])
        for name, text, language in (("BibTeX", bibtex, "bibtex"), ("APA", apa, "text")):
            block = nodes.literal_block(text, text)
            block["language"] = language
            box += [nodes.paragraph("", name, classes=["cite-style"]), block]
        return [box]


def end_with_slash(app, config):
    """An address that someone typed without its last slash names a file; joining anything to it would drop the last part."""
    if config.html_baseurl:
        config.html_baseurl = config.html_baseurl.rstrip("/") + "/"


def setup(app):
    # After lrmath_site, which derives the address from the repository.
    app.connect("config-inited", end_with_slash, priority=200)
    app.add_directive("cite-this-book", CiteThisBook)
    app.connect("html-page-context", describe, priority=950)
    app.connect("html-collect-pages", lost_page)
    # Before fast_pages reads the pages.
    app.connect("build-finished", write_files, priority=800)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
