"""The ledger page: each theorem has rows, each row has a place, and what the page says is what the chapters stored."""

import re
import sys
from pathlib import Path

import pytest

BOOK = Path(__file__).resolve().parent.parent / "book"
sys.path.insert(0, str(BOOK / "_ext"))

import ledger_page  # noqa: E402

LEDGERS = {chapter: ledger_page.read(chapter) for chapter in ledger_page.chapters()}
THEOREMS = {label for theorems, _ in LEDGERS.values() for label in theorems}


def source(chapter):
    return (BOOK / f"{chapter}.ipynb").read_text(encoding="utf-8")


@pytest.mark.parametrize("chapter", LEDGERS)
def test_every_theorem_has_a_proof(chapter):
    theorems, rows = LEDGERS[chapter]
    assert len(theorems) == source(chapter).count("{prf:theorem}") > 0
    proved = {row["home"][1] for row in rows if row["kind"] == "derivation"}
    assert set(theorems) - proved == set()


@pytest.mark.parametrize("chapter", LEDGERS)
def test_every_row_has_a_place(chapter):
    theorems, rows = LEDGERS[chapter]
    for row in rows:
        kind, name = row["home"]
        assert name in theorems if kind == "theorem" else name in source(chapter), row["label"]


@pytest.mark.parametrize("chapter", LEDGERS)
def test_every_derivation_is_general(chapter):
    assert [row["label"] for row in LEDGERS[chapter][1] if row.get("general") is False] == []


def test_a_cell_belongs_to_the_theorem_or_exercise_before_it(tmp_path, monkeypatch):
    def cell(kind, text, **more):
        return {"cell_type": kind, "source": [text], **more}

    rows = [{"label": name, "kind": "derivation"} for name in ("early", "inside", "check-1", "solved", "late")]
    cells = [
        cell("markdown", "# Title\n\n## One\n"),
        cell("code", '(Derivation("early", "x")', outputs=[]),
        cell("markdown", ":::{prf:theorem} A name\n:label: thm-a\n\ntext\n:::\n"),
        cell("code", '(Derivation(\n    "inside", "x")\ncheck_gradient(f"check-{i}", f)', outputs=[]),
        cell("markdown", "## Two\n\n:::{solution-start} ex-b\n:::\n"),
        cell("code", 'Derivation("solved", "x")', outputs=[]),
        cell("markdown", ":::{solution-end}\n:::\n"),
        cell("code", 'Derivation("late", "x")', outputs=[{"data": {ledger_page.MEDIA_TYPE: rows}}]),
    ]
    (tmp_path / "01-a.ipynb").write_text(ledger_page.json.dumps({"cells": cells}), encoding="utf-8")
    monkeypatch.setattr(ledger_page, "BOOK", tmp_path)
    theorems, found = ledger_page.read("01-a")
    assert theorems == {"thm-a": "A name"}
    assert {row["label"]: row["home"] for row in found} == {
        "early": ("section", "One"), "inside": ("theorem", "thm-a"), "check-1": ("theorem", "thm-a"),
        "solved": ("exercise", "ex-b"), "late": ("section", "Two"),
    }  # fmt: skip


def test_a_row_without_a_cell_stops_the_build(tmp_path, monkeypatch):
    cells = [{"cell_type": "code", "source": ["1"], "outputs": [{"data": {ledger_page.MEDIA_TYPE: [{"label": "lost"}]}}]}]
    (tmp_path / "01-a.ipynb").write_text(ledger_page.json.dumps({"cells": cells}), encoding="utf-8")
    monkeypatch.setattr(ledger_page, "BOOK", tmp_path)
    with pytest.raises(StopIteration):
        ledger_page.read("01-a")


def test_docstrings_name_theorems_that_exist():
    named = ledger_page.computed_by()
    assert set(named) - THEOREMS == set()
    assert len(named) >= 30


def test_every_chapter_is_on_the_page():
    page = (BOOK / "ledger.md").read_text(encoding="utf-8")
    assert re.findall(r"^```\{ledger-chapter\} (\S+)$", page, re.MULTILINE) == ledger_page.chapters()
    titles = [re.search(r'"# ([^"\\]+)', source(chapter))[1] for chapter in ledger_page.chapters()]
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == titles


def test_the_summary_counts():
    rows = [
        {"kind": "derivation", "steps": 2, "controls": 9, "for": "$n, d$", "scope": "all n, d"},
        {"kind": "derivation", "steps": 1, "controls": 5, "for": r"$z \in \mathbb R$", "scope": "all real z"},
        {"kind": "gradient", "controls": 6, "error": "1e-08"},
    ]
    assert ledger_page.summary(rows) == "3 steps proved for all $n, d$; checked to 1e-08; 20 wrong versions rejected"
    assert ledger_page.summary(rows[1:2], "scope") == "1 step proved for all real z; 5 wrong versions rejected"


def test_every_statement_of_the_sources_has_a_place():
    claims = [claim for own in ledger_page.claims().values() for claim in own]
    ids = [claim["id"] for claim in claims]
    assert len(ids) == len(set(ids)) == 292
    assert {claim["verdict"] for claim in claims} == {"right", "imprecise", "wrong"}
    for claim in claims:
        assert claim["place"] and claim["says"], claim["id"]
        assert bool(claim.get("erratum")) == (claim["verdict"] != "right"), claim["id"]


def test_every_mistake_has_an_erratum_that_runs():
    errata = (BOOK / "errata.ipynb").read_text(encoding="utf-8")
    anchors = re.findall(r"\((err-[^)\s]+)\)=", errata)
    assert len(anchors) == len(set(anchors))
    wanted = {f"err-{claim['id'].lower()}" for own in ledger_page.claims().values() for claim in own if claim.get("erratum")}
    assert wanted - set(anchors) == set()
    cells = ledger_page.json.loads(errata)["cells"]
    kinds = ["".join(cell["source"]) for cell in cells]
    for number, cell in enumerate(cells):
        if "### " in kinds[number] and cell["cell_type"] == "markdown":
            following = cells[number + 1]
            assert following["cell_type"] == "code", kinds[number][:80]
            assert re.search(r"\bassert\b|\bverdict\(", kinds[number + 1]), kinds[number][:80]
