"""Each chapter as a notebook to take along: the download button of a chapter gives plain Markdown, with the numbers of the site.

The source of a chapter is written in MyST, which Jupyter and Colab show as raw markup. So a copy is written in which theorems,
references and numbers are plain text. Code cells and their outputs stay as they are. What this module does not know is
reported, and the build of the site stops.

A downloaded notebook is one file and works alone. Its first code cell writes `style.py`, the look of the figures, when it is not
there, and installs lrmath or says how to.
"""

import ast
import re
from pathlib import Path

import nbformat
from pybtex.database import parse_file
from sphinx.util import logging

from ledger_page import in_words, judged, read, summary

logger = logging.getLogger(__name__)

BOOK = Path(__file__).resolve().parent.parent
# Code is left alone: fenced, or between backticks that no role stands before.
CODE = re.compile(r"^(`{3,})(?!\{).*?^\1`*[ \t]*$|\{[a-z:-]+\}`[^`]+`|(?<!`)(`{1,2})(?!`).+?(?<!`)\2(?!`)", re.MULTILINE | re.DOTALL)
ROLE = re.compile(r"\{([a-z:-]+)\}`([^`]+)`")
EXPLICIT = re.compile(r"(.+?)\s*<(.+)>", re.DOTALL)
DIRECTIVE = re.compile(r"^:::+\{([a-z:-]+)\}[ \t]*(.*)\n((?::[a-z]+:.*\n)*)(?s:(.*?))^:::+[ \t]*$", re.MULTILINE)
EQUATION = re.compile(r"^\$\$\n(?s:(.*?))\n\$\$ \(([\w-]+)\)$", re.MULTILINE)
LEFT = re.compile(r"^:::.*$|^\([\w-]+\)=$|\{[a-z:-]+\}`[^`]*`|^\$\$ *\(.*\)$|^```\{.*$|^%.*$", re.MULTILINE)
# What a chapter imports and its own package does not bring.
PACKAGES = ("matplotlib", "scipy")


class Lower:
    """One chapter. Collects what it cannot lower."""

    def __init__(self, env, docname, address=""):
        self.env, self.docname, self.address, self.problems, self.cited = env, docname, address, [], []
        self.bibliography = parse_file(env.srcdir / env.config.bibtex_bibfiles[0]).entries
        self.theorems, self.rows = read(Path(docname).name)
        self.sentences = judged(Path(docname).name, self.rows)

    # --- Where a label is, and its number ---

    def find(self, label):
        """The page and the id of a label."""
        proofs = getattr(self.env, "proof_list", {})
        equations = self.env.get_domain("math").equations
        labels = self.env.get_domain("std").labels
        if label in proofs:
            return proofs[label]["docname"], label
        if label in equations:
            return equations[label][0], f"equation-{label}"
        if label in labels:
            return labels[label][:2]
        raise KeyError(label)

    def number(self, label, kind):
        docname, name = self.find(label)
        return ".".join(map(str, self.env.toc_fignumbers[docname][kind][name]))

    def link(self, text, docname):
        """To a chapter, the notebook beside this one; to another page, the site if it has an address."""
        if docname == self.docname:
            return text
        if self.env.doc2path(docname).endswith(".ipynb"):
            return f"[{text}]({Path(docname).name}.ipynb)"
        base = self.env.config.html_baseurl
        return f"[{text}]({base.rstrip('/')}/{docname}.html)" if base else text

    # --- References ---

    def role(self, match):
        name, content = match.groups()
        explicit = EXPLICIT.fullmatch(content)
        text, target = explicit.groups() if explicit else (None, content)
        try:
            if name == "prf:ref":
                proof = self.env.proof_list[target]
                shown = f"{proof['realtype'].title()} {self.number(target, proof['countertype'])}"
                return self.link(text or shown, proof["docname"])
            if name == "eq":
                return self.link(f"({self.number(target, 'displaymath')})", self.find(target)[0])
            if name == "numref":
                return self.link(f"Figure {self.number(target, 'figure')}", self.find(target)[0])
            if name == "ref":
                docname, _ = self.find(target)
                if target.startswith("ex-"):
                    return self.link(text or f"Exercise {self.number(target, 'exercise')}", docname)
                return self.link(text or self.env.get_domain("std").labels[target][2], docname)
            if name == "doc":
                docname = str(Path(self.docname).with_name(target)).replace("\\", "/")
                return self.link(text or self.env.titles[docname].astext(), docname)
            if name == "term":
                return text or target
            if name in ("cite:p", "cite:t"):
                return self.cite(target.split(","), name)
        except KeyError:
            self.problems.append(f"nothing is labelled {target!r} in {match[0]}")
            return match[0]
        self.problems.append(f"unknown role {match[0]}")
        return match[0]

    def cite(self, keys, name):
        self.cited += keys
        works = []
        for key in keys:
            entry = self.bibliography[key]
            authors = [" ".join(map(str, person.last_names)) for person in entry.persons["author"]]
            who = authors[0] + (" *et al.*" if len(authors) > 2 else f" and {authors[1]}" if len(authors) == 2 else "")
            works.append((who, entry.fields["year"]))
        if name == "cite:t":
            return ", ".join(f"{who} [{year}]" for who, year in works)
        return "[" + ", ".join(f"{who}, {year}" for who, year in works) + "]"

    # --- Boxes ---

    def directive(self, match):
        name, title, options, body = match.groups()
        label = re.search(r"^:label: *(\S+)", options, re.MULTILINE)
        label, body = label and label[1], body.strip("\n")
        if name in ("prf:theorem", "prf:remark"):
            kind = name.removeprefix("prf:")
            badge = [row for row in self.rows if row["home"] == ("theorem", label)]
            stamp = f"\n\n✓ *{summary(badge, in_words(self.sentences[label]))}*" if badge else ""
            return f"**{kind.title()} {self.number(label, kind)} ({title}).**\n\n{body}{stamp}"
        if name == "exercise":
            return f"### Exercise {self.number(label, 'exercise')}: {title}\n\n{body}"
        if name == "solution-start":
            return f"#### Solution\n\n{body}".rstrip()
        if name == "solution-end":
            return ""
        if name == "admonition":
            return f"**{title}**\n\n{body}"
        if name == "note":
            return f"**Note.** {body}"
        self.problems.append(f"unknown directive {match[0].splitlines()[0]}")
        return match[0]

    def markdown(self, source):
        kept = []

        def hide(match):
            if match[0].startswith("{"):
                return match[0]
            kept.append(match[0])
            return f"\0{len(kept) - 1}\0"

        text = CODE.sub(hide, source)
        text = re.sub(r"^<!--.*?-->\n?|[ \t]*<!--.*?-->", "", text, flags=re.MULTILINE | re.DOTALL)
        text = re.sub(r"^(\([\w-]+\)=|%.*)\n?", "", text, flags=re.MULTILINE)
        text = EQUATION.sub(lambda m: f"$$\n{m[1]}\n\\tag{{{self.number(m[2], 'displaymath')}}}\n$$", text)
        text = DIRECTIVE.sub(self.directive, text)
        text = ROLE.sub(self.role, text)
        text = re.sub(r"\[([^\]]*)\]\((\w[\w-]*)\.(md|ipynb)\)", self.page, text)
        self.problems += [f"markup that nobody lowered: {left}" for left in LEFT.findall(text)]
        text = re.sub(r"\n{3,}", "\n\n", text).strip("\n")
        return re.sub("\0(\\d+)\0", lambda match: kept[int(match[1])], text)

    def page(self, match):
        docname = str(Path(self.docname).with_name(match[2])).replace("\\", "/")
        if docname not in self.env.titles:
            self.problems.append(f"no such page: {match[0]}")
            return match[0]
        return self.link(match[1] or self.env.titles[docname].astext(), docname)

    # --- Cells ---

    def cells(self, notebook):
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                # A solution is a cell of its own, so that Jupyter can fold it.
                parts = re.split(r"^(?=#### Solution$|### Exercise |## )", self.markdown(cell.source), flags=re.MULTILINE)
                for position, part in enumerate(part.strip("\n") for part in parts if part.strip()):
                    new = nbformat.v4.new_markdown_cell(part, id=cell.id + f"-{position}" * bool(position))
                    if part.startswith("#### Solution"):
                        new.metadata["jp-MarkdownHeadingCollapsed"] = True
                    yield new
                continue
            figure = cell.metadata.pop("mystnb", {}).get("figure")
            if "hide-input" in cell.metadata.get("tags", []):
                cell.metadata["jupyter"] = {"source_hidden": True}
            yield cell
            if figure:
                caption = f"**Figure {self.number(figure['name'], 'figure')}.** {figure['caption']}"
                yield nbformat.v4.new_markdown_cell(caption, id=f"{cell.id}-caption")

    def references(self):
        works = []
        for key in sorted(set(self.cited), key=lambda key: str(self.bibliography[key].persons["author"][0])):
            entry = self.bibliography[key]
            authors = ", ".join(re.sub(r"[{}]", "", str(person)) for person in entry.persons["author"])
            where = entry.fields.get("journal") or entry.fields.get("publisher") or entry.fields.get("booktitle") or ""
            line = f"- {authors} ({entry.fields['year']}). *{entry.fields['title']}*. {where}".rstrip() + "."
            works.append(re.sub(r"[{}]|(?<=\.)\.", "", line))
        return nbformat.v4.new_markdown_cell("## References\n\n" + "\n".join(works), id="references")

    def setup(self, notebook):
        """How to get what the notebook needs, in words and as a cell that does it."""
        code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
        packages = [name for name in PACKAGES if re.search(rf"^\s*(?:import|from) {name}\b", code, re.MULTILINE)]
        style = (BOOK / "style.py").read_text(encoding="utf-8").replace("\\", "\\\\").replace('"""', r'\"\"\"')
        if self.address:
            words = "The first cell installs the package `lrmath` when it is missing."
            get = f'%pip install -q "lrmath[verify] @ git+{self.address}" {" ".join(packages)}'
        else:
            words = ("It needs the package `lrmath`. Get the source of the book, then, in its folder, run "
                     f"`pip install \".[verify]\" {' '.join(packages)}` in the environment of this notebook.")
            get = 'raise ModuleNotFoundError("This notebook needs lrmath. The text above says how to get it.")'
        note = f"*This is a chapter of {self.env.config.project}. {words} References to other chapters lead to their notebooks.*"
        cell = ("# What this notebook needs: the package of the book, and the look of its figures.\n"
                "import importlib.util\nfrom pathlib import Path\n\n"
                f'if importlib.util.find_spec("lrmath") is None:\n    {get}\n'
                f'if importlib.util.find_spec("style") is None:\n    Path("style.py").write_text("""\\\n{style}""", encoding="utf-8")\n'
                "    importlib.invalidate_caches()")
        if not self.address:
            ast.parse(cell)
        hidden = {"jupyter": {"source_hidden": True}}
        return [nbformat.v4.new_markdown_cell(note, id="about-this-file"), nbformat.v4.new_code_cell(cell, id="set-up", metadata=hidden)]


def lower(env, docname, address=""):
    """The chapter as a plain notebook, and what could not be lowered."""
    notebook = nbformat.read(env.doc2path(docname), as_version=4)
    work = Lower(env, docname, address)
    cells = list(work.cells(notebook))
    notebook.cells = [cells[0], *work.setup(notebook), *cells[1:]] + ([work.references()] if work.cited else [])
    nbformat.validate(notebook)
    return notebook, work.problems


def write_all(app, exception):
    """In place of the sources that Sphinx copied for the download button."""
    if exception or app.builder.format != "html" or not app.config.html_copy_source:
        return
    for docname in sorted(app.env.found_docs):
        target = Path(app.outdir, "_sources", f"{docname}.ipynb")
        if not target.exists():
            continue
        notebook, problems = lower(app.env, docname, source_address(app.config))
        for problem in problems:
            logger.warning("%s", problem, location=docname, type="notebooks")
        target.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")


def source_address(config):
    """From the one place, repository.url in _config.yml; book/_ext/lrmath_site.py says so to the theme."""
    options = config.html_theme_options
    url = (options.get("repository_url") or "").rstrip("/")
    return f"{url}@{options.get('repository_branch') or 'main'}" if url else ""


def setup(app):
    app.connect("build-finished", write_all)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
