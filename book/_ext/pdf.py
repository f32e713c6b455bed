"""The book on paper: what the LaTeX writer of Sphinx is told to write (`make pdf`, book/make_pdf.py).

The numbers of theorems, equations, figures and exercises are those that Sphinx gave for the site. They are written out, so LaTeX
counts nothing but pages, chapters and sections. How things look is in book/print/lrbook.sty.

Figures stay SVG here. book/make_pdf.py converts them, so that the tests can read the .tex without any TeX installed.
"""

import re

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.texescape import escape
from sphinx_exercise.nodes import exercise_enumerable_node, exercise_latex_number_reference, solution_node
from sphinx_proof.nodes import NODE_TYPES

from lrmath.verify import Derivation

from derivation_grid import BLOCK, ROW, pieces

PROOF_NODES = tuple(NODE_TYPES.values())
ADMONITIONS = (nodes.admonition, nodes.note, nodes.tip, nodes.hint, nodes.important, nodes.warning, nodes.caution, nodes.danger)
# A formula may have line breaks of its own; those need `aligned` around them.
ROW_END = re.compile(r"\\\\|(?<!\\)&")


def latex(code):
    return nodes.raw("", code, format="latex")


def docname_of(node):
    while not ("docname" in node and isinstance(node, (addnodes.start_of_file, nodes.document))):
        node = node.parent
    return node["docname"]


def label(docname, name, number):
    return rf"\lrlabel{{{docname}:{name}}}{{{number}}}"


def text_line(parts):
    """A reason or a note: words are words, so that the line can break, and formulas are formulas."""
    return "".join(
        rf"$\displaystyle {formula.strip()}$" if words is None else re.sub(r"(?<!\\)([_#&%$])", r"\\\1", words)
        for words, formula in parts
    )


def derivation(match):
    """The rows of a derivation as TeX: a line cannot break, between two lines a page can."""
    rows = []
    for row in match["rows"].split(" \\\\\n"):
        left, right, reason = ROW.fullmatch(row).groups()
        kind, right = ("start" if reason is None else "row"), right.replace(r"\quad", "", 1)
        rows.append(rf"\lr{kind}{{{left.strip()}}}{{{right.strip()}}}{{{text_line(pieces(reason or ''))}}}")
    notes = []
    for note in re.split(r" \\\\\[4pt\]\n\\small ", match["notes"])[1:]:
        kind = "stamp" if note.startswith(r"\checkmark\ ") else "note"
        parts = [text_line(pieces(part)) for part in note.removeprefix(r"\checkmark\ ").split(r",\quad ")]
        notes.append(rf"\lr{kind}{{{', '.join(parts)}}}")
    return "\\lrderivation{%\n" + "%\n".join(rows) + "}{%\n" + "%\n".join(notes) + "}\n"


def cover():
    """The derivation on the cover is proved like any other, at this moment."""
    residual = (
        Derivation("cover", "D(L(y, sigma(z)), z)")
        .then("At(D(L(y, p), p), p, sigma(z)) * D(sigma(z), z)", because="chain rule")
        .then("(-y/sigma(z) + (1 - y)/(1 - sigma(z))) * (sigma(z)*(1 - sigma(z)))", because="both slopes")
        .then("-y*(1 - sigma(z)) + (1 - y)*sigma(z)", because="the denominators cancel")
        .then("sigma(z) - y", because="the products cancel")
    )
    return derivation(BLOCK.fullmatch(residual._repr_latex_().strip("$")))


class Print(SphinxPostTransform):
    """Each kind of block as one environment of lrbook.sty. After all references are resolved."""

    default_priority = 390
    formats = ("latex",)

    def run(self):
        # sphinx-exercise moves nodes into a solution without telling them.
        for node in self.document.findall():
            for child in node.children:
                child.parent = node
        self.set_math()
        for node in list(self.document.findall(lambda node: isinstance(node, (*PROOF_NODES, exercise_enumerable_node)))):
            self.set_numbered(node)
        for node in list(self.document.findall(solution_node)):
            self.box(node, "lrsolution", "", self.labels(node, ""))
        for node in list(self.document.findall(lambda node: isinstance(node, ADMONITIONS))):
            # A note has no title of its own.
            title = [] if isinstance(node[0], nodes.title) else [nodes.Text(type(node).__name__.title())]
            self.box(node, "lradmonition", "", "", title)
        for node in list(self.document.findall(exercise_latex_number_reference)):
            target = self.env.sphinx_exercise_registry[node["refid"]]["docname"]
            node.replace_self([latex(rf"\hyperref[\detokenize{{{target}:{node['refid']}}}]{{"), nodes.Text(node.astext()), latex("}")])
        for node in list(self.document.findall(lambda node: "theorem-badge" in node.get("classes", ()) if isinstance(node, nodes.Element) else False)):
            node.insert(0, latex(r"\lrbadge{"))
            node += latex("}")
        self.set_cells()
        for node in list(self.document.findall(nodes.figure)):
            self.set_figure(node)
        self.set_chapters()

    def number(self, node, kind):
        return ".".join(map(str, self.env.toc_fignumbers.get(docname_of(node), {}).get(kind, {}).get(node["ids"][0], ())))

    def labels(self, node, number):
        return "".join(label(docname_of(node), name, number) for name in dict.fromkeys([*node["ids"], node.get("label")]) if name)

    def set_math(self):
        for node in list(self.document.findall(nodes.math_block)):
            formula = node.astext().strip()
            match = BLOCK.fullmatch(formula)
            if match:
                node.replace_self(latex(derivation(match)))
                continue
            if ROW_END.search(formula):
                formula = rf"\begin{{aligned}}{formula}\end{{aligned}}"
            number = self.number(node, "displaymath") if node.get("label") else ""
            tag = rf"\tag{{{number}}}\label{{equation:{docname_of(node)}:{node['label']}}}" if number else r"\notag"
            node.replace_self(latex(f"\\begin{{equation}}\\lrfit{{{formula}}}{tag}\\end{{equation}}%\n"))

    def set_numbered(self, node):
        if isinstance(node, exercise_enumerable_node):
            environment, kind, number = "lrexercise", "Exercise", self.number(node, "exercise")
        else:
            kind = node["realtype"].title()
            environment, number = f"lr{node['realtype']}", self.number(node, node["countertype"])
        # The title is "(Name)", after its kind and number in an exercise.
        title = node[0]
        if title.children and isinstance(title[0], nodes.Text):
            start = re.sub(rf"^{kind} {re.escape(number)}", "", title[0]).lstrip()
            title[0] = nodes.Text(start.removeprefix("("))
            title[-1] = nodes.Text(title[-1].removesuffix(")")) if isinstance(title[-1], nodes.Text) else title[-1]
        self.box(node, environment, f"{{{kind} {number}}}", self.labels(node, number))

    def box(self, node, environment, head, labels, title=()):
        first = [] if title else node[0].children
        body = node.children if title else node.children[1:]
        # sphinx-proof and sphinx-exercise wrap the text in a section, which would count as one.
        body = [child for part in body for child in (part.children if isinstance(part, nodes.section) else [part])]
        # The words of a title are inside a macro's argument, outside any paragraph.
        head = nodes.inline("", "", latex(f"\n\\begin{{{environment}}}{head}{{"), *title, *first, latex(f"}}{labels}%\n"))
        node.replace_self([head, *body, latex(f"\n\\end{{{environment}}}\n")])

    def set_cells(self):
        """On paper, the code that only draws a figure is left out; the notebooks have it."""
        for node in list(self.document.findall(nodes.container)):
            if "tag_hide-input" in node["classes"] and any(node.findall(nodes.image)):
                for child in list(node.findall(nodes.container)):
                    if "cell_input" in child["classes"]:
                        child.parent.remove(child)
        for node in list(self.document.findall(nodes.container)):
            for name in {"cell_input", "cell_output"} & set(node["classes"]):
                node.replace_self([latex(f"\n\\begin{{lr{name.removeprefix('cell_')}}}"), *node.children,
                                   latex(f"\n\\end{{lr{name.removeprefix('cell_')}}}\n")])

    def set_figure(self, node):
        number = self.number(node, "figure")
        caption = next(node.findall(nodes.caption))
        begin = latex(f"\n\\begin{{lrfigure}}{{{number}}}{self.labels(node, number)}")
        between = nodes.inline("", "", latex(r"\lrcaption{"), *caption.children, latex("}"))
        pictures = [child for child in node.children if child is not caption]
        node.replace_self([begin, *pictures, between, latex("\n\\end{lrfigure}\n")])

    def set_chapters(self):
        """The title page of the site becomes the first chapter, and the groups of the contents become parts."""
        root = self.document.next_node(nodes.section)
        outer = nodes.section("", nodes.title("", self.config.project))
        root.replace_self(outer)
        files = [node for node in root.findall(addnodes.start_of_file)]
        for node in files:
            node.parent.remove(node)
        root[0].replace_self(nodes.title("", "About this book"))
        numbered, reference = False, False
        outer += [latex("\\setcounter{secnumdepth}{-1}\n"), root]
        for node in files:
            number = self.env.toc_secnumbers.get(node["docname"], {}).get("")
            if number and not numbered:
                outer += latex("\\lrpart{Chapters}\\setcounter{secnumdepth}{1}\n")
            if numbered and not number and not reference:
                reference = True
                outer += latex("\\lrpart{Reference}\\setcounter{secnumdepth}{-1}\\lrreference\n")
            if number:
                outer += latex(f"\\setcounter{{chapter}}{{{number[0] - 1}}}\n")
            numbered = bool(number)
            outer += node


def set_up_writer(app):
    if app.builder.name != "latex":
        return
    app.builder.supported_image_types = ["application/pdf", "image/svg+xml", "image/png"]
    title = escape(app.config.project).replace(", ", r",\\ ")
    app.builder.context["maketitle"] = rf"\lrcover{{{title}}}{{{cover()}}}"


def set_up_book(app, config):
    name = "logistic-regression-line-by-line"
    config.latex_documents = [(config.root_doc, f"{name}.tex", config.project, config.author, "manual")]
    config.latex_elements["preamble"] = (
        r"\usepackage{lrbook}" "\n"
        rf"\hypersetup{{pdftitle={{{escape(config.project)}}}, pdfauthor={{{escape(config.author)}}}}}" "\n"
    )
    config.latex_additional_files = [str(app.srcdir / "book/print/lrbook.sty")]


def setup(app):
    app.add_post_transform(Print)
    app.connect("config-inited", set_up_book, priority=900)
    app.connect("builder-inited", set_up_writer)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
