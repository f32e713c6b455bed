"""The book on paper: what the LaTeX writer of Sphinx is told to write (`make pdf`, book/make_pdf.py).

The numbers of theorems, equations, figures and exercises are those that Sphinx gave for the site. They are written out, so LaTeX
counts nothing but pages, chapters and sections. How things look is in book/print/lrbook.sty.

Figures stay SVG here. book/make_pdf.py converts them, so that the tests can read the .tex without any TeX installed.
"""

import hashlib
import re
import shutil
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective
from sphinx.util.texescape import escape
from sphinx_exercise.nodes import exercise_enumerable_node, exercise_latex_number_reference, solution_node
from sphinx_proof.nodes import NODE_TYPES

from lrmath.verify import Derivation

from derivation_grid import BLOCK, ROW, pieces

ROOT = Path(__file__).resolve().parents[2]
NAME = "logistic-regression-line-by-line"
# Outside _build, which `make book` removes.
PDF = ROOT / "dist" / f"{NAME}.pdf"
PROOF_NODES = tuple(NODE_TYPES.values())
ADMONITIONS = (nodes.admonition, nodes.note, nodes.tip, nodes.hint, nodes.important, nodes.warning, nodes.caution, nodes.danger)
# About so many letters of a table stand in a line.
LINE = 92
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


def columns(table):
    """The widths of a table's columns: what each needs, and of the rest a share for those with long text."""
    rows = [[cell for cell in row if isinstance(cell, nodes.entry)] for row in table.findall(nodes.row)]
    numbers = [all(re.fullmatch(r"[\d.,%]*", cell.astext()) for cell in column) for column in zip(*rows[1:])]
    texts = [[set_width(cell) for cell in column] for column in zip(*rows)]
    least = [max(max(words, default=0) for words in column) + 3 for column in texts]
    wish = [max(sum(words) + len(words) for words in column) + 3 for column in texts]
    room = LINE - sum(least)
    if sum(wish) > LINE and room > 0:
        wanted = sum(w - m for w, m in zip(wish, least))
        wish = [m + room * (w - m) / wanted for w, m in zip(wish, least)]
    total = max(LINE, sum(wish))
    return "".join(rf">{{\{'raggedleft' if number else 'raggedright'}\arraybackslash}}\X{{{round(1000 * w / total)}}}{{1000}}"
                   for w, number in zip(wish, numbers or [False] * len(wish)))


def formula_width(node):
    return len(re.sub(r"\\(?:begin|end)\{\w+\}|\\[a-zA-Z]+|\\.|[{}^_&\s]", "", node.astext())) * 0.9


def set_width(cell):
    """The widths of the unbreakable parts of a cell, in letters, roughly."""
    parts = []
    for node in cell.findall(lambda node: isinstance(node, (nodes.Text, nodes.math))):
        if isinstance(node, nodes.math):
            parts.append(formula_width(node))
        elif not isinstance(node.parent, nodes.math):
            wide = isinstance(node.parent, nodes.literal) or isinstance(cell.parent.parent, nodes.thead)
            parts += [len(word) * (1.15 if wide else 0.95) for word in node.split()]
    return parts


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
            self.box(node, "lrsolution", "", self.labels(node, ""), [])
        for node in list(self.document.findall(lambda node: isinstance(node, ADMONITIONS))):
            # A note has no title of its own.
            title = None if isinstance(node[0], nodes.title) else [nodes.Text(type(node).__name__.title())]
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
        for node in list(self.document.findall(nodes.table)):
            node.parent.insert(node.parent.index(node), addnodes.tabular_col_spec(spec=columns(node)))
            if len(list(node.findall(nodes.row))) > 9:
                node["classes"].append("longtable")
            for formula in list(node.findall(nodes.math)):
                # TeX cannot break a line inside tall brackets; a formula that is alone, or a long one, shrinks instead.
                if len(formula.parent) == 1 or formula_width(formula) > 36:
                    formula.replace_self(latex(rf"\lrcell{{{formula.astext()}}}"))
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
        # The title is "(Name)", in an exercise after its kind and number.
        name = list(node[0].children)[isinstance(node, exercise_enumerable_node):]
        if name:
            name[0] = nodes.Text(name[0].lstrip(" ("))
            name[-1] = nodes.Text(name[-1].removesuffix(")"))
        self.box(node, environment, f"{{{kind} {number}}}", self.labels(node, number), name)

    def box(self, node, environment, head, labels, title=None):
        # The first child is the title, unless the node is a note without one.
        title = node[0].children if title is None else title
        body = node.children[isinstance(node[0], nodes.title):]
        # sphinx-proof and sphinx-exercise wrap the text in a section, which would count as one.
        body = [child for part in body for child in (part.children if isinstance(part, nodes.section) else [part])]
        # The words of a title are inside a macro's argument, outside any paragraph.
        head = nodes.inline("", "", latex(f"\n\\begin{{{environment}}}{head}{{"), *title, latex(f"}}{labels}%\n"))
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
    config.latex_documents = [(config.root_doc, f"{NAME}.tex", config.project, config.author, "manual")]
    about = {"pdftitle": config.project, "pdfauthor": config.author, "pdfsubject": "The mathematics of logistic regression",
             "pdfkeywords": "logistic regression, derivations, proofs, numerical analysis, NumPy, SymPy"}
    settings = ", ".join(f"{key}={{{escape(value)}}}" for key, value in about.items())
    config.latex_elements["preamble"] = f"\\usepackage{{lrbook}}\n\\hypersetup{{{settings}}}\n"
    config.latex_additional_files = [str(ROOT / "book/print/lrbook.sty")]


# --- The site offers the PDF while there is one, of these very sources -------------------------------------------------------


def sources():
    """A fingerprint of all that the PDF is made of."""
    book = ROOT / "book"
    files = [ROOT / "_config.yml", ROOT / "_toc.yml", ROOT / "CITATION.cff", *ROOT.glob("benchmarks/*.md"),
             *ROOT.glob("lrmath/**/*.py"),
             *(path for kind in ("*.ipynb", "*.md", "*.yml", "*.bib", "print/*", "_ext/*.py") for path in book.glob(kind))]
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def available():
    """Whether there is a PDF of the sources as they are."""
    made_of = PDF.with_suffix(".sources")
    return PDF.exists() and made_of.exists() and made_of.read_text(encoding="utf-8").strip() == sources()


class BookPdf(SphinxDirective):
    """A line about the PDF of the book: a link when there is one, else how to make it."""

    def run(self):
        self.env.note_dependency(str(PDF))
        line = nodes.paragraph("", "", nodes.strong("", "On paper."), nodes.Text(" "))
        if available():
            up = "../" * self.env.docname.count("/")
            line += nodes.reference("", "The whole book as a PDF", refuri=f"{up}{PDF.name}", internal=True)
            line += nodes.Text(f" ({PDF.stat().st_size / 1e6:.1f} MB), with the same numbers as here.")
        else:
            line += [nodes.literal("", "make pdf"), nodes.Text(" sets the whole book as a PDF, with the same numbers as here.")]
        return [line]


def offer(app, pagename, templatename, context, doctree):
    """In the download menu of every page, the whole book instead of the browser's print dialogue."""
    for group in context.get("header_buttons", ()):
        if group.get("label") == "download-buttons":
            if app.lrmath_pdf:
                group["buttons"].append({"type": "link", "url": context["pathto"](PDF.name, 1), "text": "The book (.pdf)",
                                         "tooltip": "Download the whole book as a PDF", "icon": "fas fa-book", "label": "download-book-button"})


def copy_pdf(app, exception):
    if not exception and app.lrmath_pdf:
        shutil.copy(PDF, app.outdir)


def look_for_pdf(app):
    app.lrmath_pdf = app.builder.format == "html" and available()


def setup(app):
    app.add_post_transform(Print)
    app.add_directive("book-pdf", BookPdf)
    app.connect("config-inited", set_up_book, priority=900)
    app.connect("builder-inited", set_up_writer)
    app.connect("builder-inited", look_for_pdf)
    # After the theme has filled the menu.
    app.connect("html-page-context", offer, priority=800)
    app.connect("build-finished", copy_pdf)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
