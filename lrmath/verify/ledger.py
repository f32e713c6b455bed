"""The ledger: what was proved and checked while a chapter ran.

`ledger("sigmoid")` at the end of a chapter shows a table of everything that the chapter registered. The same cell output
carries the rows as data (media type ``application/vnd.lrmath.ledger+json``), so a page of all chapters can be generated
from the executed notebooks alone: from what ran, not from what somebody typed.

The errors that occurred are data of their own (``application/vnd.lrmath.measured+json``). Their digit depends on the
processor, so a run elsewhere may differ there and nowhere else.
"""

MEDIA_TYPE = "application/vnd.lrmath.ledger+json"
MEASURED = "application/vnd.lrmath.measured+json"
_entries = {}


def register(entry):
    """Keep a derivation or a check under its kind and label; running a cell again replaces it."""
    _entries[entry.kind, entry.label] = entry


def clear():
    """Forget everything, for a test."""
    _entries.clear()


class Ledger:
    """The rows of one chapter, for display in a notebook."""

    def __init__(self, chapter, leave_out=()):
        self.chapter = chapter
        entries = [entry for entry in _entries.values() if entry.label not in leave_out]
        self.rows = [{"chapter": chapter, **entry.row()} for entry in entries]
        self.measured = [{"kind": entry.kind, "label": entry.label, **entry.measured()}
                         for entry in entries if hasattr(entry, "measured")]
        if not self.rows:
            raise ValueError(f"nothing was proved or checked in chapter {chapter!r}")

    def totals(self):
        """Numbers of derivations, steps, checks and rejected wrong versions."""
        return {
            "derivations": sum(row["kind"] == "derivation" for row in self.rows),
            "steps": sum(row.get("steps", 0) for row in self.rows),
            "checks": sum(row["kind"] != "derivation" for row in self.rows),
            "controls": sum(row["controls"] for row in self.rows),
        }

    def __str__(self):
        lines = [f"{row['label']}: {row['method']}" for row in self.rows]
        total = "{derivations} with {steps}, {checks}, {controls} rejected".format(**self._counted())
        return "\n".join([*lines, total])

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": str(self), "text/markdown": self.markdown(), MEDIA_TYPE: self.rows, MEASURED: self.measured}

    def markdown(self):
        """Two tables: what was proved, and what was checked."""
        proved = [row for row in self.rows if row["kind"] == "derivation"]
        checked = [row for row in self.rows if row["kind"] != "derivation"]
        parts = []
        if proved:
            parts.append(_table(["proved", "steps", "rejected", "for all", "statement"], "lrrll",
                                [[r["label"], r["steps"], r["controls"], r["for"], _statement(r)] for r in proved]))
            if any(row["where"] for row in proved):
                parts.append("What a letter stands for is said where the derivation stands.")
        if checked:
            parts.append(_table(["checked", "against", "points", "allowed error", "rejected"], "llrrr",
                                [[r["label"], r["oracle"], r["points"], r["limit"], r["controls"]] for r in checked]))
        parts.append("**{derivations} with {steps} and {checks}; {controls} rejected.**".format(**self._counted()))
        return "\n\n".join(parts)

    def _counted(self):
        name = lambda what: "wrong version" if what == "controls" else what[:-1]
        return {what: counted(number, name(what)) for what, number in self.totals().items()}


def _statement(row):
    """A result and its conditions."""
    return row["statement"] + " if " * bool(row["conditions"]) + ", ".join(f"${condition}$" for condition in row["conditions"])


def counted(number, what):
    """A number with its noun, which takes an s unless the number is 1."""
    return f"{number} {what}{'s' * (number != 1)}"


def _table(head, sides, rows):
    lines = [head, [{"l": "---", "r": "---:"}[side] for side in sides], *rows]
    # A bar inside a formula would end the cell.
    return "\n".join("| " + " | ".join(str(cell).replace("|", r"\vert ") for cell in line) + " |" for line in lines)


def ledger(chapter, leave_out=()):
    """Everything that was proved and checked since the kernel started, under the name of a chapter.

    ``leave_out`` names labels that are no results: a slip that was shown, a wrong function that a check cannot see.
    """
    return Ledger(chapter, leave_out)
