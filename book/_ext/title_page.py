"""The first screen of the book: a derivation at work, with a slip that is refused, and what the whole book has proved.

All of it is made at every build: the derivation is proved here, the slip is refused here, the numbers come from the ledger.
"""

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from derivation_grid import BLOCK, box, formula, grid
from ledger_page import chapters, read
from lrmath.verify import Derivation, DerivationError, latex

SLIP = "y - sigma(z)"


def derivation():
    return (
        Derivation("residual", "D(L(y, sigma(z)), z)")
        .then("(-y/sigma(z) + (1 - y)/(1 - sigma(z))) * D(sigma(z), z)", because="chain rule")
        .then("(-y/sigma(z) + (1 - y)/(1 - sigma(z))) * (sigma(z)*(1 - sigma(z)))", because="slope of the sigmoid")
        .then("-y*(1 - sigma(z)) + (1 - y)*sigma(z)", because="the denominators cancel")
        .then("sigma(z) - y", because="multiply out")
    )


def refusal(proved, slip):
    """Where the slip and the last proved line differ, in the words of the checker: ("y = ..., z = ...", value, value)."""
    try:
        proved.then(slip, because="a slip")
    except DerivationError as error:
        place, above, here = str(error).splitlines()[-3:]
        return place.strip().removeprefix("at "), above.split(" = ")[1], here.split(" = ")[1]
    raise ValueError(f"{slip} was to be refused, and it was accepted")


class DerivationAtWork(SphinxDirective):
    """A proved derivation, and below it a line that does not follow."""

    def run(self):
        proved = derivation()
        place, above, here = refusal(proved, SLIP)
        match = BLOCK.fullmatch(proved._repr_latex_().strip().strip("$"))
        shown = grid(match["rows"], match["notes"])
        cross = nodes.raw("", '<span aria-hidden="true">✗</span> ', format="html")
        reason = nodes.paragraph("", "", cross, nodes.strong("", "Refused. "),
                                 nodes.inline("", f"At {place} the line above is {above}, and this is {here}."))
        refused = [box("derivation-right", formula("= " + latex(proved._line(SLIP)), True)), box("derivation-reason", reason)]
        for node in refused:
            node["classes"].append("derivation-refused")
        shown[-1:-1] = refused  # above the line with the check mark
        return [nodes.container("", shown, classes=["title-derivation"])]


class BookTotals(SphinxDirective):
    """How many theorems, steps and refused versions the ledger counts."""

    def run(self):
        theorems = steps = refused = 0
        for chapter in chapters():
            own, rows = read(chapter)
            theorems += len(own)
            steps += sum(row.get("steps", 0) for row in rows)
            refused += sum(row["controls"] for row in rows)
        counts = ((theorems, "theorems"), (steps, "proved steps"), (refused, "wrong versions refused"))
        items = [nodes.list_item("", nodes.paragraph("", "", nodes.strong("", f"{number:,}"), nodes.Text(f" {what}")))
                 for number, what in counts]
        return [nodes.bullet_list("", *items, classes=["title-totals"])]


def setup(app):
    app.add_directive("derivation-at-work", DerivationAtWork)
    app.add_directive("book-totals", BookTotals)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
