"""Pages that arrive quickly: one style sheet that holds the rules in use, and no script that a page does without.

The theme brings 560 KB of style sheets and 1.6 MB of scripts. A page uses a tenth of the first. Of the second it uses what
`book/_static/book.js` does in a hundred lines, silently and on native elements, so the theme's own scripts stay out.
"""

import hashlib
import math
import re
from pathlib import Path
from urllib.parse import urlsplit

import tinycss2
from docutils import nodes
from pygments.formatters import HtmlFormatter
from sphinx.highlighting import PygmentsBridge
from sphinx_exercise.nodes import depart_solution_node, solution_node, visit_solution_node
from thin_formulas import share_styles

# --- Scripts: those of the theme and its kin stay out; what remains waits until the page is there ----------------------------

LEFT_OUT = re.compile(
    r"bootstrap|fontawesome|pydata-sphinx-theme|sphinx-book-theme|togglebutton|copybutton|clipboard|design-tabs|thebe"
    r"|documentation_options|doctools|sphinx_highlight"
)
LEFT_OUT_INLINE = re.compile(r"toggleHint|toggleOpenOnPrint|togglebuttonSelector|DOCUMENTATION_OPTIONS|thebe", re.IGNORECASE)
# What the search page needs of Sphinx; the index comes last, because its arrival starts the search.
SEARCH = ["documentation_options.js", "doctools.js", "sphinx_highlight.js", "searchtools.js", "language_data.js"]


def is_used(script):
    if not script.filename:
        return not LEFT_OUT_INLINE.search(script.attributes.get("body") or "")
    return not LEFT_OUT.search(Path(urlsplit(script.filename).path).name)


def choose_assets(app, pagename, templatename, context, doctree):
    context["script_files"] = [script for script in context.get("script_files", []) if is_used(script)]
    for script in context["script_files"]:
        if script.filename and script.attributes.get("type") != "module":
            script.attributes.setdefault("defer", "defer")
    context["search_scripts"] = [f"_static/{name}" for name in SEARCH] + ["searchindex.js"]
    # book/_templates/layout.html links the one sheet that `write_sheet` makes of these.
    for sheet in context.get("css_files", []):
        name = urlsplit(str(sheet.filename)).path
        if name not in app.sheets:
            app.sheets.append(name)
    context["css_files"] = []
    body = context.get("body")
    if body:
        sizes = {name: size_of(Path(app.srcdir) / source) for source, name in app.builder.images.items()}
        context["body"] = keep_room(first_images_first(body, sizes), doctree)


def size_of(path):
    """Width and height of an image in CSS pixels, from the head of the file; None where it does not say."""
    if not path.is_file():
        return None
    head = path.read_bytes()[:1000]
    if head.startswith(b"\x89PNG"):
        return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
    points = re.search(rb'<svg[^>]* width="([\d.]+)pt" height="([\d.]+)pt"', head)
    return points and tuple(round(float(length) * 4 / 3) for length in points.groups())


def first_images_first(body, sizes):
    """Images below the first one wait until the reader comes near; until then the page keeps the room that they will take."""
    count = 0

    def attributes(tag):
        nonlocal count
        count += 1
        added = "" if count == 1 or " loading=" in tag[0] else ' loading="lazy" decoding="async"'
        size = sizes.get(re.search(r'src="(?:[^"]*/)?([^"/]*)"', tag[0])[1])
        if size and " width=" not in tag[0]:
            added += f' width="{size[0]}" height="{size[1]}"'
        return tag[0].replace("<img", "<img" + added, 1)

    return re.sub(r"<img\b[^>]*>", attributes, body)


def keep_room(body, doctree):
    """A section that is not laid out yet takes about the room that it will take, so that nothing jumps or overlaps (book.css)."""
    sections = doctree.findall(nodes.section) if doctree else []
    rooms = {name: 200 * math.ceil(height_of(section) / 200) for section in sections for name in section["ids"]}
    return re.sub(
        r'<section[^>]* id="([^"]+)"',
        lambda tag: f'{tag[0]} style="--room:{rooms[tag[1]]}px"' if tag[1] in rooms else tag[0], body,
    )  # fmt: skip


# A fit to the heights in a wide window, in CSS pixels, and rather too much.
HEIGHTS = {nodes.literal_block: 135, nodes.math_block: 350, nodes.math: 6, nodes.image: 445, nodes.row: 40, solution_node: 40}


def height_of(node):
    if isinstance(node, nodes.Text):
        return 0.6 * len(node)
    folded = isinstance(node, (solution_node, nodes.math_block, nodes.math))
    return HEIGHTS.get(type(node), 0) + (0 if folded else sum(map(height_of, node.children)))


# --- Code: a span only around what has a colour of its own ------------------------------------------------------------------


class ColouredOnly(HtmlFormatter):
    """Names and brackets have the colour of the block in both themes. They are half of all the spans of a page."""

    plain = {"n", "nn", "nx", "p", "pm", "w"}

    def _get_css_classes(self, ttype):
        return "" if super()._get_css_class(ttype) in self.plain else super()._get_css_classes(ttype)


# --- A solution is folded by the browser itself, with or without scripts ----------------------------------------------------


def visit_solution(self, node):
    if "dropdown" not in node["classes"]:
        return visit_solution_node(self, node)
    title = node.pop(0).astext()
    self.body.append(self.starttag(node, "details", CLASS="admonition"))
    self.body.append(f'<summary class="admonition-title">{self.encode(title)}</summary>\n')


def depart_solution(self, node):
    if "dropdown" not in node["classes"]:
        return depart_solution_node(self, node)
    self.body.append("</details>\n")


# --- One style sheet --------------------------------------------------------------------------------------------------------


def read_sheet(static, name):
    """The text of a style sheet with its imports in place and its addresses as seen from `_static`."""
    path = static / name.removeprefix("_static/")
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    address = re.compile(r"""url\(\s*(["']?)(?!data:|https?:|[#/])([^"')]+)\1\s*\)""")
    text = address.sub(lambda found: f"url({relative(path, found[2], static)})", text)
    return re.sub(r'@import "([^"]+)";', lambda found: read_sheet(static, relative(path, found[1], static)), text)


def relative(sheet, address, static):
    return (sheet.parent / address).resolve().relative_to(static.resolve()).as_posix()


def used_names(pages, scripts):
    """Every class, id and element of the pages, and every word of the scripts, because a script may add any of them."""
    names = {"html", "body", "root"}
    for text in pages:
        for value in re.findall(r'\s(?:class|id)="([^"]*)"', text):
            names.update(value.split())
        names.update(re.findall(r"<([a-z][a-z0-9]*)", text))
    for text in scripts:
        names.update(re.findall(r"[\w-]+", text))
    return names


def selectors(prelude):
    """The selectors of a rule, each as a list of tokens."""
    found = [[]]
    for token in prelude:
        if token.type == "literal" and token.value == ",":
            found.append([])
        else:
            found[-1].append(token)
    return found


# Parts of form fields that the book does not have: files, dates, numbers.
NOWHERE = re.compile(r"file-selector-button|datetime-edit|calendar-picker|spin-button|file-upload|-moz-")


def is_alive(selector, names):
    """Whether everything that a selector names outside its functions, such as `:not(...)`, is on some page."""
    if NOWHERE.search(tinycss2.serialize(selector)):
        return False
    before = ""
    for token in selector:
        if token.type == "hash" and token.value not in names:
            return False
        if token.type == "ident" and before != ":" and token.value not in names:
            return False
        before = token.value if token.type == "literal" else ""
    return True


def prune(rules, names, variables):
    """CSS text of the rules that can apply. Variables of which nobody asks for the value are left out as well."""
    out = []
    for rule in rules:
        if rule.type == "qualified-rule":
            alive = [re.sub(r"\s*>\s*", ">", tinycss2.serialize(one).strip()) for one in selectors(rule.prelude) if is_alive(one, names)]
            body = declarations(rule.content, variables)
            if alive and body:
                out.append(f"{','.join(alive)}{{{body}}}")
        elif rule.type == "at-rule" and rule.lower_at_keyword != "charset":  # which may stand only at the top of a file
            head = f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude).rstrip()}"
            if rule.content is None:
                out.append(f"{head};")
            elif rule.lower_at_keyword in ("media", "supports", "layer", "container"):
                inner = prune(tinycss2.parse_rule_list(rule.content, True, True), names, variables)
                if inner:
                    out.append(f"{head}{{{inner}}}")
            else:
                out.append(f"{head}{{{' '.join(tinycss2.serialize(rule.content).split())}}}")
    return "".join(out)


def declarations(content, variables):
    parts = tinycss2.parse_blocks_contents(content, skip_comments=True, skip_whitespace=True)
    if any(part.type != "declaration" for part in parts):  # nested rules, or something newer than the parser: leave it alone
        return " ".join(tinycss2.serialize(content).split())
    return ";".join(
        f"{part.name}:{tinycss2.serialize(part.value).strip()}{'!important' if part.important else ''}"
        for part in parts
        if not (part.name.startswith("--") and variables is not None and part.name not in variables)
        and not part.name.startswith(("-moz-", "-ms-"))  # every browser of the last five years knows the plain name
    )


def used_part(css, pages, scripts):
    """The rules of `css` that can apply to one of the pages, whatever the scripts do."""
    names = used_names(pages, scripts)
    rules = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    elsewhere = set(re.findall(r"--[\w-]+", " ".join(scripts))) | {
        name for page in pages for name in re.findall(r"var\(\s*(--[\w-]+)", page)
    }
    text, before = prune(rules, names, None), ""
    while text != before:  # a variable may have been needed only by another one that is gone now
        before = text
        text = prune(rules, names, elsewhere | set(re.findall(r"var\(\s*(--[\w-]+)", text)))
    # The icons are masks in book.css; the theme's icon font would be fetched for nothing.
    return re.sub(r"@font-face\s*\{[^}]*fontawesome[^}]*\}", "", text)


def write_sheet(app, exception):
    if exception or app.builder.name != "html":
        return
    site = Path(app.outdir)
    static = site / "_static"
    paths = [path for path in site.rglob("*.html") if static not in path.parents]
    texts, places = share_styles([path.read_text(encoding="utf-8") for path in paths])
    pages = dict(zip(paths, texts))
    linked = {
        (path.parent / urlsplit(source).path).resolve()
        for path, text in pages.items() for source in re.findall(r'<script[^>]* src="([^":]+)"', text)
    }  # fmt: skip
    linked |= set((static / "figures").glob("*.js"))  # one of them is imported by the others
    scripts = [path.read_text(encoding="utf-8") for path in sorted(linked) if path.name != "searchindex.js" and path.is_file()]
    css = "\n".join(
        [read_sheet(static, name) for name in [*THEME_SHEETS, *app.sheets]]
        + [(Path(app.srcdir) / name).read_text(encoding="utf-8") for name in OWN_SHEETS]
    )
    css = used_part(css, pages.values(), scripts) + places
    (static / "site.css").write_text(css, encoding="utf-8")
    # A new sheet has a new address, so that no browser shows new pages in old clothes.
    digest = hashlib.sha256(css.encode()).hexdigest()[:8]
    for path, text in pages.items():
        path.write_text(text.replace("_static/site.css", f"_static/site.css?v={digest}"), encoding="utf-8")
    remove_what_nobody_links(static)


OWN_SHEETS = ["book/live/live.css", "book/figures/figures.css"]
THEME_SHEETS = ["_static/styles/theme.css", "_static/styles/pydata-sphinx-theme.css"]


def remove_what_nobody_links(static):
    """The theme's own scripts and sheets, with their maps: 6 MB that no page asks for."""
    for folder in ("scripts", "styles", "vendor", "locales"):
        for path in sorted((static / folder).rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        (static / folder).rmdir() if (static / folder).is_dir() else None


def setup(app):
    app.sheets = []
    app.setup_extension("sphinx_exercise")
    app.registry.add_translation_handlers(solution_node, html=(visit_solution, depart_solution))
    PygmentsBridge.html_formatter = ColouredOnly
    # After the theme and lrmath_site, which change the lists themselves.
    app.connect("html-page-context", choose_assets, priority=950)
    app.connect("build-finished", write_sheet, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
