"""The ledger page, the badge of each theorem, and the coverage of the sources: made at every build from what ran.

The last cell of a chapter stores a row for each derivation and each check (`lrmath.verify.ledger`). Which theorem a row belongs
to follows from where its cell stands: it belongs to the theorem box or the exercise that comes before it in the same section,
else to the section. Where that is not so, a comment in the text says it: <!-- ledger: thm-... --> or <!-- ledger: text -->. Which function computes a theorem follows from the docstrings, which name its label.

Nothing here proves anything. It counts and links.
"""

import inspect
import json
import re
from pathlib import Path

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

import lrmath

BOOK = Path(__file__).resolve().parent.parent
MEDIA_TYPE = "application/vnd.lrmath.ledger+json"
MARKERS = re.compile(
    r"^##\s+(?P<section>.+?)\s*$"
    r"|^:::+\{prf:theorem\}\s*(?P<title>.*?)\s*\n:label:\s*(?P<theorem>\S+)"
    r"|^:::+\{solution-start\}\s*(?P<exercise>\S+)"
    r"|^:::+\{solution-(?P<end>end)\}"
    r"|^<!-- ledger: (?P<place>thm-\S+|text) -->",
    re.MULTILINE,
)
# A label that is put together, as in f"bce-{y}", is known by its beginning.
LABEL = re.compile(r"\b(?:Derivation|check_\w+)\(\s*f?\"([^\"{]+)")


def chapters():
    """The chapters in the order of the table of contents."""
    toc = yaml.safe_load((BOOK.parent / "_toc.yml").read_text(encoding="utf-8"))
    files = [entry["file"] for part in toc.get("parts", []) for entry in part["chapters"]]
    return [Path(file).name for file in files if re.match(r"\d\d-", Path(file).name)]


def read(chapter):
    """The theorems of a chapter, and its ledger's rows, each with its `home`: ("theorem" | "exercise" | "section", name)."""
    cells = json.loads((BOOK / f"{chapter}.ipynb").read_text(encoding="utf-8"))["cells"]
    theorems, homes, rows = {}, {}, []
    section = home = ("section", "")
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            for marker in MARKERS.finditer(source):
                if marker["section"]:
                    section = home = ("section", marker["section"])
                elif marker["theorem"]:
                    home = ("theorem", marker["theorem"])
                    theorems[marker["theorem"]] = marker["title"]
                elif marker["exercise"]:
                    home = ("exercise", marker["exercise"])
                elif marker["place"] and marker["place"] != "text":
                    home = ("theorem", marker["place"])
                else:
                    home = section
        else:
            for label in LABEL.findall(source):
                homes.setdefault(label, home)
            for output in cell["outputs"]:
                rows = output.get("data", {}).get(MEDIA_TYPE, rows)
    for row in rows:
        label = row["label"]
        row["home"] = homes[label] if label in homes else next(homes[start] for start in homes if label.startswith(start))
    return theorems, rows


def computed_by():
    """For each theorem label, the public functions whose docstrings name it."""
    functions = {}
    for name in lrmath.__all__:
        for label in re.findall(r"``(thm-[\w-]+)``", inspect.getdoc(getattr(lrmath, name)) or ""):
            functions.setdefault(label, []).append(name)
    return functions


def summary(rows, scope="for"):
    """What was done for a theorem, in one line; with ``scope="for"`` in Markdown, with ``scope="scope"`` in plain words."""
    proofs = [row for row in rows if row["kind"] == "derivation"]
    checks = [row for row in rows if row["kind"] != "derivation"]
    steps = sum(row["steps"] for row in proofs)
    rejected = sum(row["controls"] for row in rows)
    parts = []
    if proofs:
        # Of the scopes, the one with the most sizes says for what the theorem was proved.
        widest = max(proofs, key=lambda row: (row["for"].count(","), r"\in" not in row["for"], len(row["for"])))
        for_all = f" for all {widest['for']}" if scope == "for" else f" for {widest['scope']}"
        parts.append(f"{steps} step{'s' * (steps != 1)} proved" + for_all * bool(widest[scope]))
    if checks:
        parts.append("checked to " + " and ".join(sorted({row["error"] for row in checks})))
    return "; ".join([*parts, f"{rejected} wrong versions rejected"])


class Generated(SphinxDirective):
    """A directive whose content is Markdown that is made here."""

    has_content = False

    def parse(self, lines):
        for path in [*(BOOK / f"{chapter}.ipynb" for chapter in chapters()), Path(__file__)]:
            self.env.note_dependency(str(path))
        node = nodes.container(classes=["ledger"])
        self.state.nested_parse(StringList(lines, self.env.docname), 0, node)
        return [node]


class Totals(Generated):
    """What all chapters together have proved and checked."""

    def run(self):
        table = ["| chapter | theorems | derivations | steps | for all sizes | checks | wrong versions rejected |",
                 "| :--- | ---: | ---: | ---: | ---: | ---: | ---: |"]
        sums = [0] * 6
        for chapter in chapters():
            theorems, rows = read(chapter)
            proofs = [row for row in rows if row["kind"] == "derivation"]
            numbers = [len(theorems), len(proofs), sum(row["steps"] for row in proofs),
                       sum(row["general"] for row in proofs), len(rows) - len(proofs), sum(row["controls"] for row in rows)]
            sums = [a + b for a, b in zip(sums, numbers)]
            table.append(f"| [](../book/{chapter}.ipynb) | " + " | ".join(map(str, numbers)) + " |")
        table.append("| **together** | " + " | ".join(f"**{number:,}**" for number in sums) + " |")
        return self.parse(table)


class Chapter(Generated):
    """The ledger of one chapter: its theorems with their rows, then the rows of exercises and of the running text."""

    required_arguments = 1

    def run(self):
        theorems, rows = read(self.arguments[0])
        functions = computed_by()
        lines = []
        for label, title in theorems.items():
            own = [row for row in rows if row["home"] == ("theorem", label)]
            by = ", ".join(f"{{func}}`lrmath.{name}`" for name in functions.get(label, ()))
            lines += [f"(ledger-{label})=", f"{{prf:ref}}`{label}`: **{title}.** {summary(own)}."
                      + f" Computed by {by}." * bool(by), ""]
            lines += [*map(self.row, own), ""]
        others = {}
        for row in rows:
            if row["home"][0] != "theorem":
                others.setdefault(row["home"], []).append(row)
        for (kind, name), own in others.items():
            where = f"{{ref}}`{name}`" if kind == "exercise" else f"In the text, under “{name}”"
            lines += [f"{where}:", "", *map(self.row, own), ""]
        return self.parse(lines)

    @staticmethod
    def row(row):
        if row["kind"] == "derivation":
            given = f", given {', '.join(f'`{condition}`' for condition in row['given'])}" if row["given"] else ""
            scope = f" for all {row['for']}" * bool(row["for"])
            size = "" if row["general"] else " This is for fixed sizes."
            return (f"- {row['statement']}{scope}{given}: `{row['label']}`, {row['steps']} "
                    f"step{'s' * (row['steps'] != 1)}, {row['controls']} rejected.{size}")
        what = "Function" if row["kind"] == "definition" else row["kind"].capitalize()
        return (f"- {what} against {row['oracle']}, at {row['points']} points, to {row['error']}: "
                f"`{row['label']}`, {row['controls']} rejected.")


def claims():
    """The statements of each source, from `book/sources.yml`."""
    sources = yaml.safe_load((BOOK / "sources.yml").read_text(encoding="utf-8"))
    return {source["source"]: source["claims"] for source in sources}


class CoverageTotals(Generated):
    """How many statements of each source are right, imprecise and wrong."""

    def run(self):
        verdicts = ("right", "imprecise", "wrong")
        lines = ["| source | statements | " + " | ".join(verdicts) + " |", "| :--- | ---: | ---: | ---: | ---: |"]
        counts = {name: [sum(c["verdict"] == v for c in own) for v in verdicts] for name, own in claims().items()}
        counts["**together**"] = [sum(column) for column in zip(*counts.values())]
        for number, (name, row) in enumerate(counts.items(), 1):
            name = name if name.startswith("*") else f"[{number}](sources-{name.lower()})"
            lines.append(f"| {name} | {sum(row)} | " + " | ".join(map(str, row)) + " |")
        return self.parse(lines)


class Coverage(Generated):
    """Every statement of one source, with the place in the book that derives, proves or corrects it."""

    required_arguments = 1
    ROLES = {"thm": "prf:ref", "rem": "prf:ref", "eq": "eq", "fig": "numref", "ex": "ref", "sec": "ref", "err": "ref"}

    def run(self):
        self.env.note_dependency(str(BOOK / "sources.yml"))
        lines = ["| where | says | place in this book |", "| :--- | :--- | :--- |"]
        for claim in claims()[self.arguments[0]]:
            verdict = "" if claim["verdict"] == "right" else f" *({claim['verdict']})*"
            place = ", ".join(map(self.link, self.places(claim)))
            lines.append(f"| {claim['where']} | {claim['says']}{verdict} | {place} |")
        return self.parse(lines)

    @staticmethod
    def places(claim):
        return [f"err-{claim['id'].lower()}"] * bool(claim.get("erratum")) + claim["place"]

    def link(self, label):
        role = self.ROLES[label.split("-")[0]]
        if label.startswith("err-"):
            return f"{{ref}}`correction <{label}>`"
        return f"{{{role}}}`{label}`"


def add_badges(app, doctree):
    """Below each theorem, what was done for it, with a link to its row on the ledger page."""
    docname = app.env.docname
    name = docname.rsplit("/", 1)[-1]
    if name not in chapters():
        return
    theorems, rows = read(name)
    for node in doctree.findall(lambda node: "thm-" in str(node.get("label", "")) if isinstance(node, nodes.Element) else False):
        label = node["label"]
        own = [row for row in rows if row["home"] == ("theorem", label)]
        if label not in theorems or not own:
            continue
        badge = nodes.paragraph(classes=["theorem-badge"])
        link = addnodes.pending_xref("", refdomain="std", reftype="ref", reftarget=f"ledger-{label}", refexplicit=True,
                                     refdoc=docname, refwarn=True)
        link += nodes.inline("", summary(own, "scope"))
        badge += nodes.raw("", '<span aria-hidden="true">✓</span> ', format="html")
        badge += link
        node.append(badge)


def setup(app):
    app.add_directive("ledger-totals", Totals)
    app.add_directive("ledger-chapter", Chapter)
    app.add_directive("sources", Coverage)
    app.add_directive("sources-totals", CoverageTotals)
    app.connect("doctree-read", add_badges)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
