"""The ledger page, the badge of each theorem, and the coverage of the sources: made at every build from what ran.

The last cell of a chapter stores a row for each derivation and each check (`lrmath.verify.ledger`). Which theorem a row belongs
to follows from where its cell stands: it belongs to the theorem box or the exercise that comes before it in the same section,
else to the section. Where that is not so, a comment in the text says it: <!-- ledger: thm-... --> or <!-- ledger: text -->.
Which function computes a theorem follows from the docstrings, which name its label. Which sentences of a box are arguments in
words, the box says (`boxes`).

Nothing here proves anything. It counts and links.
"""

import functools
import inspect
import json
import re
import sys
from pathlib import Path

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

import lrmath
from lrmath.verify import latex, parse
from lrmath.verify.ledger import MEASURED, MEDIA_TYPE, counted

sys.path.insert(0, str(Path(__file__).parent))
import boxes  # noqa: E402

BOOK = Path(__file__).resolve().parent.parent
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


def cells_of(chapter):
    return json.loads((BOOK / f"{chapter}.ipynb").read_text(encoding="utf-8"))["cells"]


def boxes_of(chapter, rows):
    """The theorem boxes of a chapter: the label, the body, and the derivations that belong to it."""
    for cell in cells_of(chapter):
        for box in boxes.BOX.finditer("".join(cell["source"]) if cell["cell_type"] == "markdown" else ""):
            home = ("theorem", box["label"])
            yield box["label"], box["body"], [row for row in rows if row["home"] == home and row["kind"] == "derivation"]


def judged(chapter, rows):
    """For each theorem of a chapter what `boxes.judge` says of the sentences of its box."""
    return {label: list(boxes.judge(body, own)) for label, body, own in boxes_of(chapter, rows)}


def in_words(sentences):
    """Of the sentences of a box those that are arguments in words, each with the reason that the box gives."""
    line = lambda words: " ".join(re.sub(r"^\|.*$", "", words, flags=re.MULTILINE).split())
    # A display may bring a full stop of its own.
    stopped = lambda words: re.sub(r"\.\s*(\$*)\s*\.?$", r"\1.", words)
    return [(stopped(line(one.source)), line(one.reason)) for one in sentences if one.reason]


STRENGTHS = ("general", "partly in words", "for fixed sizes", "numeric only")


def strength(rows, words):
    """How strong what was done for a theorem is: one of STRENGTHS, the weakest that applies."""
    proofs = [row for row in rows if row["kind"] == "derivation"]
    if not proofs:
        return "numeric only"
    if not all(row["general"] for row in proofs):
        return "for fixed sizes"
    return "partly in words" if words else "general"


def read(chapter):
    """The theorems of a chapter, and its ledger's rows, each with its `home`: ("theorem" | "exercise" | "section", name)."""
    cells = cells_of(chapter)
    theorems, homes, rows, measured = {}, {}, [], []
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
                measured = output.get("data", {}).get(MEASURED, measured)
    measured = {(one["kind"], one["label"]): one for one in measured}
    for row in rows:
        row.update(measured.get((row["kind"], row["label"]), {}))
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


def largest(rows):
    """The largest error of some checks, as a share of the largest entry and in units of the last place."""
    ulps = [row for row in rows if row["kind"] == "definition"]
    shares = [row for row in rows if row["kind"] != "definition"]
    size = lambda error: float(error.removesuffix(" ulp"))
    return [max((row["error"] for row in own), key=size) for own in (shares, ulps) if own]


def typeset(scope):
    """The names of "all n, d" or "all real z" as a formula."""
    start, names = re.fullmatch(r"(all (?:real )?)(.*)", scope).groups()
    return f"{start}${', '.join(latex(parse(name)) for name in names.split(', '))}$"


def summary(rows, words=()):
    """What was done for a theorem, in one line."""
    proofs = [row for row in rows if row["kind"] == "derivation"]
    checks = [row for row in rows if row["kind"] != "derivation"]
    parts = []
    if proofs:
        # The most sizes; where there are none, every real number that a line speaks of.
        scopes = [row["scope"] for row in proofs if row["scope"]]
        sizes = [scope for scope in scopes if not scope.startswith("all real ")]
        reals = sorted({name for scope in scopes for name in scope.removeprefix("all real ").split(", ")})
        widest = max(sizes, key=lambda scope: scope.count(",")) if sizes else f"all real {', '.join(reals)}"
        for_all = f" for {typeset(widest)}" * bool(scopes) + ", under the conditions of the box" * any(row.get("given") for row in proofs)
        parts.append(counted(sum(row["steps"] for row in proofs), "step") + " proved" + for_all)
    if checks:
        parts.append("largest error of the checks " + " and ".join(largest(checks)))
    parts.append(counted(sum(row["controls"] for row in rows), "wrong version") + " rejected")
    weak = strength(rows, words)
    return "; ".join(parts + [weak] * (weak != "general"))


class Generated(SphinxDirective):
    """A directive whose content is Markdown that is made here."""

    has_content = False
    classes = ("ledger",)

    def parse(self, lines):
        node = nodes.container(classes=[*self.classes])
        for path in [*(BOOK / f"{chapter}.ipynb" for chapter in chapters()), Path(__file__), Path(boxes.__file__)]:
            self.env.note_dependency(str(path))
        self.state.nested_parse(StringList(lines, self.env.docname), 0, node)
        return [node]


def table(head, rows):
    """A table of numbers with a row for each chapter, and their sums."""
    lines = ["| chapter | " + " | ".join(head) + " |", "| :--- |" + " ---: |" * len(head)]
    lines += [f"| [](../book/{chapter}.ipynb) | {' | '.join(map(str, numbers))} |" for chapter, numbers in rows.items()]
    sums = [f"**{sum(column):,}**" for column in zip(*rows.values())]
    return [*lines, f"| **together** | {' | '.join(sums)} |"]


class Totals(Generated):
    """What all chapters together have proved and checked."""

    def run(self):
        strengths, work = {}, {}
        for chapter in chapters():
            theorems, rows = read(chapter)
            sentences = judged(chapter, rows)
            kinds = [strength([row for row in rows if row["home"] == ("theorem", label)], in_words(sentences[label]))
                     for label in theorems]
            strengths[chapter] = [len(theorems), *map(kinds.count, STRENGTHS)]
            proofs = [row for row in rows if row["kind"] == "derivation"]
            work[chapter] = [len(proofs), sum(row["steps"] for row in proofs), sum(row["general"] for row in proofs),
                             len(rows) - len(proofs), sum(row["controls"] for row in rows)]
        total, *parts = map(sum, zip(*strengths.values()))
        found = "; ".join(f"**{number}** {kind}" for number, kind in zip(parts, STRENGTHS))
        return self.parse([
            f"Of **{total}** theorems: {found}.", "",
            *table(["theorems", *STRENGTHS], strengths), "",
            *table(["derivations", "steps", "for all sizes", "checks", "wrong versions rejected"], work),
        ])


class Chapter(Generated):
    """The ledger of one chapter: its theorems with their rows, then the rows of exercises and of the running text."""

    required_arguments = 1

    def run(self):
        chapter = self.arguments[0]
        theorems, rows = read(chapter)
        sentences = judged(chapter, rows)
        functions = computed_by()
        lines, others = [], {}
        for label, title in theorems.items():
            own = [row for row in rows if row["home"] == ("theorem", label)]
            words = in_words(sentences[label])
            by = ", ".join(f"{{func}}`lrmath.{name}`" for name in functions.get(label, ()))
            lines += [f"(ledger-{label})=", f"{{prf:ref}}`{label}`: **{title}.** {summary(own, words)}."
                      + f" Computed by {by}." * bool(by), ""]
            lines += [*map(self.row, own), *(f"- In words: “{sentence}” The reason: {reason}." for sentence, reason in words), ""]
        for row in rows:
            if row["home"][0] != "theorem":
                others.setdefault(row["home"], []).append(row)
        [shown] = self.parse(lines)
        lines = []
        for (kind, name), own in others.items():
            # The formula stands there; it is not repeated, so that the page stays light.
            where = f"{{ref}}`{name}`" if kind == "exercise" else f"In the text, under “{name}”"
            lines += [f"- {where}: " + "; ".join(map(self.short, own)) + "."]
        if lines:
            kinds = [row["kind"] for own in others.values() for row in own]
            proofs = kinds.count("derivation")
            what = [counted(number, name) for number, name in ((proofs, "derivation"), (len(kinds) - proofs, "check")) if number]
            title = f"{' and '.join(what)} in the text and in the exercises"
            shown += [nodes.raw("", f"<details><summary>{title}</summary>", format="html"), *self.parse(lines),
                      nodes.raw("", "</details>", format="html")]
        return [shown]

    @staticmethod
    def row(row):
        if row["kind"] == "derivation":
            given = f", given {', '.join(f'${condition}$' for condition in row['conditions'])}" if row["given"] else ""
            scope = f" for {typeset(row['scope'])}" if row["scope"] else ""
            size = "" if row["general"] else " This is for fixed sizes."
            return (f"- {row['statement']}{scope}{given}: `{row['label']}`, {counted(row['steps'], 'step')}, "
                    f"{row['controls']} rejected.{size}")
        what = "Function" if row["kind"] == "definition" else row["kind"].capitalize()
        allowed = f"its estimate {row['estimate']}, " * bool(row["estimate"]) + f"{row['limit']} allowed"
        return (f"- {what} against {row['oracle']}, at {row['points']} points: largest error {row['error']}, {allowed}. "
                f"`{row['label']}`, {row['controls']} rejected.")

    @staticmethod
    def short(row):
        what = counted(row["steps"], "step") if row["kind"] == "derivation" else f"{row['kind']} to {row['error']}"
        return f"`{row['label']}`, {what}, {row['controls']} rejected"


@functools.cache
def claims():
    """The statements of each source, from `book/sources.yml`."""
    sources = yaml.safe_load((BOOK / "sources.yml").read_text(encoding="utf-8"))
    return {source["source"]: source["claims"] for source in sources}


class CoverageTotals(Generated):
    """How many statements of each source are right, imprecise and wrong."""

    classes = ("ledger", "sources")

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
    classes = ("ledger", "sources")
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
    sentences = judged(name, rows)
    for node in doctree.findall(lambda node: "thm-" in str(node.get("label", "")) if isinstance(node, nodes.Element) else False):
        label = node["label"]
        own = [row for row in rows if row["home"] == ("theorem", label)]
        if label not in theorems or not own:
            continue
        badge = nodes.paragraph(classes=["theorem-badge"])
        link = addnodes.pending_xref("", refdomain="std", reftype="ref", reftarget=f"ledger-{label}", refexplicit=True,
                                     refdoc=docname, refwarn=True)
        link += nodes.inline("", summary(own, in_words(sentences[label])))
        badge += nodes.raw("", '<span aria-hidden="true">✓</span> ', format="html")
        badge += link
        node.append(badge)


def typeset_badges(app, doctree, docname):
    """Sphinx turns what stands in a link into words; what stands between dollar signs there becomes a formula again."""
    for badge in doctree.findall(lambda node: isinstance(node, nodes.paragraph) and "theorem-badge" in node["classes"]):
        for words in list(badge.findall(nodes.Text)):
            pieces = re.split(r"\$([^$]+)\$", words)
            if len(pieces) > 1:
                words.parent.children = [nodes.math("", piece) if at % 2 else nodes.Text(piece) for at, piece in enumerate(pieces)]


def link_theorems(app, what, name, obj, options, lines):
    """The reference names a theorem as the book does, and leads to it; a docstring has its label."""
    lines[:] = [re.sub(r"``(thm-[\w-]+)``", r":prf:ref:`\1`", line) for line in lines]


def setup(app):
    app.add_directive("ledger-totals", Totals)
    app.add_directive("ledger-chapter", Chapter)
    app.add_directive("sources", Coverage)
    app.add_directive("sources-totals", CoverageTotals)
    app.connect("autodoc-process-docstring", link_theorems)
    app.connect("doctree-read", add_badges)
    app.connect("doctree-resolved", typeset_badges)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
