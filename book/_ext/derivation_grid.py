"""Derivations as rows, so that the reasons can be read on a phone.

A derivation arrives as one LaTeX block: lines on the left, reasons on the right. On a wide page it looks like that. On a
narrow one the reasons would lie outside the screen. So the block is taken apart at the row ends that
`lrmath.verify.Derivation` writes: each formula becomes a formula of its own, each reason becomes text with formulas in it,
and book.css lays them out, the reason beside its line or below it. No formula is changed on the way.
"""

import re

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

BLOCK = re.compile(r"\s*\\begin\{array\}\{l\}\n\\begin\{aligned\}\n(?P<rows>.*?)\n\\end\{aligned\}(?P<notes>.*)\n\\end\{array\}\s*", re.DOTALL)
ROW = re.compile(r"(?P<left>.*?)&(?P<right>.*?)(?: && (?P<reason>.*))?", re.DOTALL)


def box(name, *children):
    return nodes.container("", *children, classes=[name])


def formula(latex, display=False):
    return nodes.math("", (r"\displaystyle " if display else "") + latex.strip())


def pieces(latex):
    """What stands in \\text{...}, and what stands between: pairs of (words, None) and (None, formula)."""
    for words, rest in re.findall(r"\\text\{((?:[^{}\\]|\\.)*)\}|((?:(?!\\text\{).)+)", latex, re.DOTALL):
        if words:
            yield words, None
        elif rest.strip():
            yield None, rest


def prose(latex):
    """Text with formulas in it: what stands in \\text{...} becomes text, the rest stays a formula."""
    for words, rest in pieces(latex):
        yield formula(rest, True) if words is None else nodes.Text(re.sub(r"\\([%&#_${}])", r"\1", words))


def grid(rows, notes):
    result = box("derivation")
    for row in rows.split(" \\\\\n"):
        left, right, reason = ROW.fullmatch(row).groups()
        if left.strip():
            result += box("derivation-left", formula(left, True))
        right = formula(right.replace(r"\quad", "", 1), True)
        if reason is None:
            result += box("derivation-start", right)
        else:
            result += [box("derivation-right", right), box("derivation-reason", *prose(reason))]
    for note in re.split(r" \\\\\[4pt\]\n\\small ", notes)[1:]:
        if note.startswith(r"\checkmark\ "):
            sign = nodes.raw("", '<span aria-hidden="true">✓</span> ', format="html")
            result += box("derivation-stamp", sign, *prose(note.removeprefix(r"\checkmark\ ")))
        else:
            parts = [list(prose(part)) for part in note.split(r",\quad ")]
            commas = [[nodes.Text(", ")] for _ in parts[1:]]
            result += box("derivation-note", *[n for pair in zip(parts, commas + [[]]) for part in pair for n in part])
    return result


class DerivationGrid(SphinxPostTransform):
    default_priority = 400
    formats = ("html",)

    def run(self):
        for block in list(self.document.findall(nodes.math_block)):
            match = BLOCK.fullmatch(block.astext())
            if match:
                block.replace_self(grid(match["rows"], match["notes"]))


def setup(app):
    app.add_post_transform(DerivationGrid)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
