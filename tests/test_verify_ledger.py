"""The ledger: what was proved and checked, as a table and as data."""

import json

import numpy as np
import pytest

from lrmath.verify import Derivation, check_derivative, ledger, random_points
from lrmath.verify import ledger as ledger_of
from lrmath.verify.ledger import MEASURED, MEDIA_TYPE, clear


@pytest.fixture(autouse=True)
def empty():
    clear()
    yield
    clear()


def symmetry(label="symmetry"):
    return (
        Derivation(label, "sigma(-z)").then("1/(1 + exp(z))", because="definition").then("1 - sigma(z)", because="algebra")
    )


def sine():
    return check_derivative("sine", np.sin, np.cos, random_points(0, 5))


def test_rows():
    proof, check = symmetry(), sine()
    first, second = ledger("chapter").rows
    assert (first["chapter"], first["kind"], first["label"], first["steps"]) == ("chapter", "derivation", "symmetry", 2)
    assert (first["scope"], first["given"], first["general"]) == ("all real z", [], True)
    assert first["statement"] == r"$\sigma(-z) = 1 - \sigma(z)$"
    assert first["controls"] == proof.controls > 0
    assert (second["kind"], second["label"], second["points"]) == ("derivative", "sine", 5)
    assert second["limit"] == check.bound
    assert first["lines"][0] == r"\sigma(-z)" and first["lines"][-1] == r"1 - \sigma(z)"
    assert (first["relations"], first["conditions"], first["where"]) == (["=", "="], [], [])
    assert ledger("chapter").measured == [{"kind": "derivative", "label": "sine", **check.measured()}]


def test_totals():
    # One derivation and two checks, so that neither number can stand for the other.
    proof, check = symmetry(), sine()
    other = check_derivative("cosine", np.cos, lambda z: -np.sin(z), random_points(0, 5))
    assert ledger("chapter").totals() == {
        "derivations": 1,
        "steps": 2,
        "checks": 2,
        "controls": proof.controls + check.controls + other.controls,
    }


def test_markdown():
    symmetry()
    sine()
    table = ledger("chapter").markdown()
    assert r"$\sigma(-z) = 1 - \sigma(z)$" in next(line for line in table.splitlines() if "symmetry" in line)
    assert "1e-" in next(line for line in table.splitlines() if "sine" in line)
    blocks = [[line.count("|") for line in block.splitlines()] for block in table.split("\n\n") if block.startswith("|")]
    assert all(len(set(columns)) == 1 for columns in blocks)
    assert "2 steps" in table.splitlines()[-1]


def test_no_statement_stands_without_its_conditions():
    Derivation("falls", "D(log(sigma(-z)), z)", given="z > 0").then("-sigma(z)", because="the slope of a logarithm")
    sine()
    book = ledger("chapter")
    assert r"| $z \in \mathbb R$ |" in book.markdown() and r"= -\sigma(z)$ if $z > 0$ |" in book.markdown()
    assert "falls: 1 step proved for all real z with z > 0\n" in str(book)
    assert "What a letter stands for" not in book.markdown()
    Derivation("defined", "2*p", where={"p": "sigma(z)"}).then("p + p", because="twice")
    assert "What a letter stands for" in ledger("chapter").markdown()


def test_bundle():
    symmetry()
    sine()
    bundle = ledger("chapter")._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/markdown", MEDIA_TYPE, MEASURED}
    assert json.loads(json.dumps(bundle))[MEASURED] == ledger("chapter").measured
    # The digit depends on the processor, so nothing that nbval compares may show it.
    shown = bundle["text/plain"] + bundle["text/markdown"] + json.dumps(bundle[MEDIA_TYPE])
    assert ledger("chapter").measured[0]["error"] not in shown
    assert MEDIA_TYPE == "application/vnd.lrmath.ledger+json"
    assert json.loads(json.dumps(bundle))[MEDIA_TYPE] == ledger("chapter").rows
    assert bundle["text/plain"] == str(ledger("chapter"))


def test_running_again_replaces():
    symmetry()
    symmetry()
    sine()
    sine()
    assert [row["label"] for row in ledger("chapter").rows] == ["symmetry", "sine"]


def test_a_failed_start_is_not_registered():
    with pytest.raises(ValueError, match="no values"):
        Derivation("impossible", "p", given=["p > 0", "p < 0"])
    symmetry()
    assert [row["label"] for row in ledger("chapter").rows] == ["symmetry"]


def test_empty():
    with pytest.raises(ValueError, match="nothing was proved or checked in chapter 'chapter'"):
        ledger_of("chapter")


def test_a_pipe_in_a_formula_stays_in_its_cell():
    Derivation("modulus", "sqrt(z**2)").then("Abs(z)", because="the root is not negative")
    table = ledger("chapter").markdown().splitlines()
    assert len({line.count("|") for line in table if line.startswith("|")}) == 1


def test_a_bar_in_a_formula_does_not_end_a_cell():
    Derivation("bar", "At(D(z**2, z), z, 1)").then("2", because="power rule")
    rows = [line for line in ledger("chapter").markdown().splitlines() if line.startswith("| bar")]
    assert len(rows) == 1 and rows[0].count("|") == 6 and r"\right\vert " in rows[0]
