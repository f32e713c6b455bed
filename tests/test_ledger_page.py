"""The ledger page: each theorem has rows, each row has a place, and what the page says is what the chapters stored."""

import re
import sys
from pathlib import Path

import pytest

BOOK = Path(__file__).resolve().parent.parent / "book"
sys.path.insert(0, str(BOOK / "_ext"))

import boxes  # noqa: E402
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
    cells = [{"cell_type": "code", "source": ["1"], "outputs": [{"data": {ledger_page.MEDIA_TYPE: [{"label": "lost", "kind": "x"}]}}]}]
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
        {"kind": "derivation", "steps": 2, "controls": 9, "scope": "all n, d", "general": True},
        {"kind": "derivation", "steps": 1, "controls": 1, "scope": "all real z", "general": True},
        {"kind": "gradient", "controls": 6, "error": "3e-10"},
        {"kind": "hessian", "controls": 4, "error": "2e-09"},
        {"kind": "definition", "controls": 3, "error": "0.6 ulp"},
    ]
    assert ledger_page.summary(rows) == (
        "3 steps proved for all $n, d$; largest error of the checks 2e-09 and 0.6 ulp; 23 wrong versions rejected"
    )
    assert ledger_page.summary(rows[1:2]) == "1 step proved for all real $z$; 1 wrong version rejected"
    assert ledger_page.summary(rows[1:2], [("So it is.", "why")]).endswith("rejected; partly in words")
    assert ledger_page.summary([rows[0] | {"general": False}], [("So it is.", "why")]).endswith("rejected; for fixed sizes")
    assert ledger_page.strength(rows[2:], []) == "numeric only"
    # Sizes say more than real numbers, however many; conditions are never silent.
    reals = {"scope": "all real a, b, c", "given": ["a > 0"]}
    assert ledger_page.summary([rows[1] | reals, rows[1]]).startswith("2 steps proved for all real $a, b, c, z$, under the conditions")
    assert ledger_page.summary([rows[1] | reals, rows[0]]).startswith("3 steps proved for all $n, d$, under the conditions of the box;")


@pytest.mark.parametrize("chapter", LEDGERS)
def test_what_was_measured_is_on_the_page_and_within_what_was_allowed(chapter):
    _, rows = LEDGERS[chapter]
    checks = [row for row in rows if row["kind"] != "derivation"]
    assert checks
    number = lambda error: float(error.removesuffix(" ulp"))
    for row in checks:
        assert number(row["error"]) <= number(row["limit"]), row["label"]
        assert (row["estimate"] is None) == (row["kind"] == "definition")
        assert row["estimate"] is None or number(row["error"]) <= number(row["estimate"]), row["label"]
        assert row["error"] in ledger_page.Chapter.row(row)


# The boxes of the theorems


@pytest.mark.parametrize("chapter", LEDGERS)
def test_every_box_says_what_was_proved_or_that_it_does_not(chapter):
    theorems, rows = LEDGERS[chapter]
    judged = ledger_page.judged(chapter, rows)
    assert set(judged) == set(theorems)
    assert [(label, one.source, one.fault) for label, own in judged.items() for one in own if one.fault] == []


@pytest.mark.parametrize("chapter", LEDGERS)
def test_every_box_names_the_conditions_of_what_it_shows(chapter):
    found = {label: boxes.unsaid(body, own) for label, body, own in ledger_page.boxes_of(chapter, LEDGERS[chapter][1])}
    assert {label: conditions for label, conditions in found.items() if conditions} == {}


@pytest.mark.parametrize(
    ("box", "conditions"),
    [
        (r"$\sigma'(z) \le \tfrac14$.", ["z > 0"]),
        (r"$\sigma'(z) \le \tfrac14$ for $0<z$.", []),
        (r"It is flat for every $z$.", []),
        (r"For $0\le j\le d$, $[X^\mathsf T\operatorname{diag}(w)X]_{jk}=\sum_{i=1}^nw_ix_{ij}x_{ik}$.", [r"0 \le k \le d"]),
        (r"For $0\le j,k\le d$, $[X^\mathsf T\operatorname{diag}(w)X]_{jk}=\sum_{i=1}^nw_ix_{ij}x_{ik}$.", []),
        (r"Write $W=\operatorname{diag}(w)$. For $0\le j,k$, $[X^\mathsf TWX]_{jk}=\sum_{i=1}^nw_ix_{ij}x_{ik}$.",
         [r"0 \le j \le d", r"0 \le k \le d"]),
    ],
)  # fmt: skip
def test_a_condition_that_a_box_leaves_out(box, conditions):
    assert boxes.unsaid(box, PROVED) == conditions


def proof(*lines, relations=None, given=(), where=()):
    return {"lines": lines, "relations": relations or ["="] * (len(lines) - 1), "conditions": given, "where": where}


PROVED = [
    proof(r"\frac{d\sigma(z)}{dz}", r"\sigma(z)\,(1 - \sigma(z))", r"\frac{1}{4}", relations=["=", r"\le"], given=["z > 0"]),
    proof(r"\left[X^{\mathsf T}\,\operatorname{diag}(w)\,X\right]_{jk}", r"\sum_{i=1}^{n} w_{i} x_{ij} x_{ik}",
          given=["0 \\le j \\le d", "0 \\le k \\le d"], where=[["w_{i}", r"p_{i}\,(1 - p_{i})"]]),
]  # fmt: skip


@pytest.mark.parametrize(
    "box",
    [
        r"$\sigma'(z) = \sigma(z)(1-\sigma(z)) \le \tfrac14$ for every $z>0$.",
        "For $z>0$\n\n$$\n\\begin{aligned}\n\\sigma'(z) &= \\sigma(z)\\,\\bigl(1-\\sigma(z)\\bigr) \\\\\n&\\le \\dfrac14 .\n\\end{aligned}\n$$ (eq-x)\n",
        r"It is bounded: $\frac{1}{4} \ge \sigma'(z)$.",
        r"Let $w_i=p_i(1-p_i)$. For $0\le j,k\le d$ and $v\in\mathbb R^d$, $[X^\mathsf T\operatorname{diag}(w)X]_{jk}=\sum_{i=1}^nw_ix_{ij}x_{ik}$.",
        r"Write $W=\operatorname{diag}(w)$. Then $\bigl[X^{\mathsf T}WX\bigr]_{jk} = \sum_{i=1}^{n} w_i\,x_{ij}\,x_{ik}$.",
        r"$\sigma'(z) \le \tfrac14$. So it is flat.<!-- words: the slope is small -->",
    ],
)
def test_a_box_that_says_what_was_proved(box):
    assert [one.fault for one in boxes.judge(box, PROVED) if one.fault] == []


@pytest.mark.parametrize(
    ("box", "fault"),
    [
        (r"$\sigma'(z) = \sigma(z)(1+\sigma(z))$.", "no derivation proves"),
        (r"$\sigma'(z) = \tfrac14$.", "no derivation proves"),
        (r"$\sigma'(z) \ge \tfrac14$.", "no derivation proves"),
        (r"$\sigma'(z) < \tfrac14$.", "no derivation proves"),
        (r"For $z<0$, $\sigma'(z) \le \tfrac14$.", "z < 0"),
        (r"$[X^\mathsf T\operatorname{diag}(w)X]_{kj}=\sum_{i=1}^nw_ix_{ij}x_{ik}$.", "no derivation proves"),
        (r"Let $w_i=p_i(1+p_i)$. $\sigma'(z) \le \tfrac14$.", "w _{ i } = p _{ i } ( 1 + p _{ i } )"),
        ("The sigmoid is flat.", "no derivation proves a formula in it"),
        (r"$\sigma'(z) \le \tfrac14$.<!-- words: it is small -->", "must not be called an argument in words"),
        (r"$\sigma'(z) \le \tfrac14$ and $z=1$.<!-- words: it is small -->", "make it two sentences"),
        (r"Write $W=\operatorname{diag}(w)$ and $\sigma'(z) \ge \tfrac14$.", r"no derivation proves \frac{ d \sigma ( z ) }{ d z } \ge"),
        (r"Write $V=\operatorname{diag}(p)$. $[X^\mathsf TVX]_{jk}=\sum_{i=1}^nw_ix_{ij}x_{ik}$.", "no derivation proves"),
    ],
)
def test_a_box_that_says_something_else(box, fault):
    assert any(fault in (one.fault or "") for one in boxes.judge(box, PROVED)), [one.fault for one in boxes.judge(box, PROVED)]


def test_a_box_cannot_give_another_meaning_to_a_name_of_its_derivations():
    with pytest.raises(ValueError, match="means something in its derivations"):
        list(boxes.judge(r"Write $X=\operatorname{diag}(w)$.", PROVED))


def test_the_reasons_are_on_the_page():
    found = list(boxes.judge("So it is\nflat.<!-- words: the slope\n is small -->", PROVED))
    assert ledger_page.in_words(found) == [("So it is flat.", "the slope is small")]


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
