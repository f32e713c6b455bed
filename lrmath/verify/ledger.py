"""The ledger: what was proved and checked while a chapter ran.

`ledger("sigmoid")` at the end of a chapter shows a table of everything that the chapter registered. The same cell output
carries the rows as data (media type ``application/vnd.lrmath.ledger+json``), so a page of all chapters can be generated
from the executed notebooks alone: from what ran, not from what somebody typed.
"""

MEDIA_TYPE = "application/vnd.lrmath.ledger+json"
_entries = {}


def register(entry):
    """Keep a derivation or a check under its kind and label; running a cell again replaces it."""
    _entries[entry.kind, entry.label] = entry


def clear():
    """Forget everything, for a test."""
    _entries.clear()


class Ledger:
    """The rows of one chapter, for display in a notebook."""

    def __init__(self, chapter):
        self.chapter = chapter
        self.rows = [{"chapter": chapter, **entry.row()} for entry in _entries.values()]
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
        t = self.totals()
        lines = [f"{row['label']}: {row['method']}" for row in self.rows]
        return "\n".join([*lines, f"{t['derivations']} derivations with {t['steps']} steps, {t['checks']} checks, "
                                  f"{t['controls']} wrong versions rejected"])

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": str(self), "text/markdown": self.markdown(), MEDIA_TYPE: self.rows}

    def markdown(self):
        """A table: one row for each result, with what was proved and what was checked."""
        t = self.totals()
        head = "| label | statement | how | wrong versions rejected |\n| --- | --- | --- | ---: |\n"
        body = "".join(f"| `{row['label']}` | {row['statement']} | {row['method']} | {row['controls']} |\n" for row in self.rows)
        return head + body + (f"\n**{t['derivations']} derivations with {t['steps']} steps, {t['checks']} checks, "
                              f"{t['controls']} wrong versions rejected.**")


def ledger(chapter):
    """Everything that was proved and checked since the kernel started, under the name of a chapter."""
    return Ledger(chapter)
