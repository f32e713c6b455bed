"""The pages that are no notebooks: what they show is compared with what the code gives today."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

import lrmath
import lrmath.verify
from lrmath.verify import Derivation, latex, parse

BOOK = Path(__file__).resolve().parent.parent / "book"
sys.path.insert(0, str(BOOK / "_ext"))

import title_page  # noqa: E402

SHAPES = {"X": "n, d + 1", "beta": "d + 1", "eta": "n", "p": "n", "y": "n"}


def language_rows():
    """The rows of the two tables of the language: what one writes, and what the page shows."""
    page = (BOOK / "notation.md").read_text(encoding="utf-8")
    scalars, matrices = page[page.index("## The language of the derivations"):].split("`shapes={")
    return [
        pytest.param(line, formula.replace(r"\|", "|"), shapes, id=line)
        for part, shapes in ((scalars, None), (matrices, SHAPES))
        for line, formula in re.findall(r"^\| `([^`]+)` \| \$(.+?)\$ \|", part, flags=re.MULTILINE)
    ]


def test_the_tables_were_found():
    assert len(language_rows()) >= 20


@pytest.mark.parametrize(("line", "formula", "shapes"), language_rows())
def test_the_language_is_typeset_as_the_notation_page_says(line, formula, shapes):
    assert latex(parse(line, shapes)) == formula


def test_the_title_page_refuses_its_slip_and_would_not_refuse_a_right_line():
    proved = title_page.derivation()
    place, above, here = title_page.refusal(proved, title_page.SLIP)
    assert place.startswith("y = ") and float(above) == -float(here) != 0
    with pytest.raises(ValueError, match="it was accepted"):
        title_page.refusal(proved, "-(y - sigma(z))")


def test_the_derivation_of_the_introduction_is_the_one_that_its_code_gives():
    page = (BOOK / "intro.md").read_text(encoding="utf-8")
    derivation = (
        Derivation("symmetry", "sigma(-z)")
        .then("1/(1 + exp(z))", because="the definition, at -z")
        .then("1 - sigma(z)", because="put over one denominator")
    )
    assert derivation._repr_latex_().strip("$") in page


@pytest.mark.parametrize("module", [lrmath, lrmath.verify], ids=lambda module: module.__name__)
def test_the_reference_has_every_public_name(module):
    page = (BOOK / "api.md").read_text(encoding="utf-8")
    names = [name for name in module.__all__ if not isinstance(getattr(module, name), ModuleType)]
    listed = re.findall(rf"^\.\. (?:auto\w+|py:data):: {re.escape(module.__name__)}\.(\w+)", page, re.MULTILINE)
    assert set(names) - set(listed) == set()
