"""Exercises: any right answer is proved, a wrong one gets its numbers, and nothing that a stranger types does any harm."""

import json
import re
import time
from pathlib import Path

import pytest
import sympy as sp

from lrmath.verify import DerivationError, Exercise, LanguageError, diagnosis, exercise, judge, parse, preview
from lrmath.verify import typed as typed_module
from lrmath.verify.ledger import _entries
from lrmath.verify.exercise import MEDIA_TYPE

BOOK = Path(__file__).resolve().parent.parent / "book"
CHAPTERS = sorted(BOOK.glob("[01]*.ipynb"))


def slope(**changes):
    arguments = {
        "label": "slope", "left": "D(sigma(z), z)", "ask": "The slope, in terms of `s == sigma(z)`",
        "where": {"s": "sigma(z)"}, "allowed": ["s"], "answer": "s*(1 - s)", "hints": ["Is it `s < 1`, or a<b?"],
        "wrong": {"s*(1 + s)": "Look at `1 - sigma(z)`."},
    }  # fmt: skip
    return Exercise(**{**arguments, **changes})


SLOPE = slope()
MODEL = {"J": "Sum(L(y[i], p[i]), (i, 1, n))", "p[i]": "sigma(eta[i])", "eta[i]": "Sum(x[i, k]*beta[k], (k, 0, d))"}
ENTRY = Exercise("entry", "D(J, beta[j])", "The slope", where=MODEL, given="0 <= j <= d",
                 answer="Sum((p[i] - y[i])*x[i, j], (i, 1, n))")
SUM = "Sum((p[i] - y[i])*x[i, j], (i, 1, n))"
MATRIX = Exercise("matrix", "Grad(J, beta)", "The gradient", where=MODEL, allowed=["X", "p", "y"], answer="X.T @ (p - y)",
                  shapes={"X": "n, d + 1", "beta": "d + 1", "eta": "n", "p": "n", "y": "n"})
JACOBIAN = Exercise("jacobian", "D(p[k], a[l])", "The slope", given=["1 <= k <= K", "1 <= l <= K"], allowed=["p"],
                    where={"p[k]": "exp(a[k])/Sum(exp(a[r]), (r, 1, K))"}, answer="p[k]*(delta(k, l) - p[l])")
LOSS = Exercise("loss", "D(L(y, p), p)", "The slope", given="0 < p < 1", answer="(p - y)/(p*(1 - p))")
BOUND = Exercise("bound", "sigma(z)*(1 - sigma(z))", "A bound", relation="<=", answer="1/4")


# --- Right answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", [
    "s*(1 - s)", "s - s**2", "s-s^2", "s(1-s)", "(1-s)s", "s (1 - s)", "-s(s - 1)", "0.5*2s(1 - s)", "s - s²", "s·(1 − s)",
    "s*(1 - s)*s/s", "exp(ln(s))*(1-s)", "1/4 - (s - 0.5)^2", "min(s(1-s), s(1-s))",
])
def test_every_form_of_the_answer_is_proved(typed):
    assert SLOPE(typed), SLOPE(typed)


@pytest.mark.parametrize(("check", "typed"), [
    (ENTRY, "Sum(x[i,j]p[i],(i,1,n)) - Sum(x[i,j]y[i],(i,1,n))"), (ENTRY, "-Sum(x[l, j]*(y[l] - p[l]), (l, 1, n))"),
    (ENTRY, "sum(x[i,j](σ(η[i]) - y[i]), (i, 1, n))"), (MATRIX, "X.T @ p - X.T @ y"), (MATRIX, "-(X.T@(y - p))"),
    (JACOBIAN, "p[l]*(delta(k, l) - p[k])"), (LOSS, "-y/p + (1-y)/(1-p)"), (BOUND, "0.25"), (BOUND, "1/2 - 1/4"),
])  # fmt: skip
def test_sums_and_matrices_in_other_forms(check, typed):
    assert check(typed), check(typed)


def test_an_answer_that_cannot_be_proved_is_not_called_wrong():
    check = slope(allowed=["s", "z"])
    verdict = check("s*(1 - s)*z/z")
    assert verdict.verdict == "unproved" and not verdict
    assert str(verdict) == ("I can neither prove nor refute this: it does not follow from what is given that z is not zero. "
                            "Try a simpler form.")


# --- Wrong answers, and why ------------------------------------------------------------------------------------------------


def test_a_wrong_answer_gets_its_numbers():
    verdict = SLOPE("s/2")
    found = re.fullmatch(r"Not equal: at z = (\S+) yours is (\S+), the derivative is (\S+)\.", verdict.message)
    z, mine, right = map(float, found.groups())
    s = 1 / (1 + 2.718281828459045**-z)
    assert mine == pytest.approx(s / 2, rel=0.01) and right == pytest.approx(s * (1 - s), rel=0.02)
    assert verdict.latex == r"\frac{d\sigma(z)}{dz} \ne \frac{s}{2}"


@pytest.mark.parametrize(("check", "typed", "hint"), [
    (SLOPE, "s*(1 + s)", "Look at `1 - sigma(z)`."),
    (SLOPE, "s*s + s", "Look at `1 - sigma(z)`."),
    (SLOPE, "s(s - 1)", "The sign is wrong."),
    (SLOPE, "2s(1-s)", "A factor is wrong: yours is 2 times what it should be."),
    (SLOPE, "s(1-s)/3", "A factor is wrong: yours is 1/3 times what it should be."),
    (SLOPE, "s", "A factor is missing."),
    (SLOPE, "s*s*(1 - s)", "There is a factor too many."),
    (SLOPE, "s*(1 - s) + s", "A number is off by one."),
    (ENTRY, f"{SUM} + beta[j]", "There is a term too many."),
    (ENTRY, f"{SUM}/n", "The factor n is missing."),
    (ENTRY, f"n*{SUM}", "The factor n is one too many."),
    (ENTRY, "Sum(p[i]*x[i, j], (i, 1, n))", "A term is missing. It is right for y = 0 only."),
    (ENTRY, "Sum(p[i] - y[i], (i, 1, n))", "A factor is missing."),
    (ENTRY, "Sum((p[i] - y[i])*x[i, j], (i, 2, n))", "A bound of the sum is off by one."),
    (ENTRY, "Sum((p[i] - y[i])*x[j, i], (i, 1, n))", "An index is wrong."),
    (JACOBIAN, "p[k]*(1 - p[l])", "It is right only where k and l are equal."),
    (JACOBIAN, "-p[k]*p[l]", "A term is missing."),
    (LOSS, "-y/p - (1 - y)/(1 - p)", "A sign is wrong. It is right for y = 1 only."),
    (LOSS, "p - y", "A factor is missing."),
    (MATRIX, "(p - y).T @ X", "Yours is transposed."),
    (MATRIX, "X.T @ p", "A term is missing. It is right for y = 0 only."),
    (SLOPE, "s**5 + 1/7", ""),
    (SLOPE, "1/(s - s)", ""),
])  # fmt: skip
def test_a_slip_is_named(check, typed, hint):
    verdict = check(typed)
    assert (verdict.verdict, verdict.hint) == ("wrong", hint)


def test_a_bound():
    assert BOUND("1").message == "True, but there is a sharper bound."
    assert BOUND("1/5").message.startswith("That is no bound: at z = ")
    assert not BOUND("1") and not BOUND("1/5")


def test_the_message_of_a_bound_shows_the_left_hand_side():
    left = float(re.search(r"the left-hand side is ([\d.]+), yours is ([\d.]+)", BOUND("1/50").message)[1])
    assert 1 / 50 < left < 1 / 4


def test_a_slip_is_recognised_only_where_it_agrees_everywhere():
    check = Exercise("slip", "D(L(y, sigma(z)), z)", "The slope", where={"p": "sigma(z)"}, given="y in {0, 1}",
                     answer="p - y", wrong={"p": "The label is forgotten."})
    assert check("p").hint == "The label is forgotten."
    # For y = 0 this is p as well, for y = 1 it is not.
    assert {int(check._line._point(seed).drawn["y",]) for seed in range(3)} == {0, 1}
    verdict = check("p - 2*y")
    assert verdict.verdict == "wrong" and verdict.hint != "The label is forgotten."


def test_the_numbers_are_those_of_the_smallest_sum():
    check = Exercise("sum", "Sum(a[i] + a[i], (i, 1, n))", "The sum", answer="2*Sum(a[i], (i, 1, n))")
    message = check("3*Sum(a[i], (i, 1, n))").message
    drawn = [len(check._line._point(seed).drawn) for seed in range(3)]
    assert message.count(" = ") == min(drawn) < max(drawn)


# --- Which names an answer may hold ----------------------------------------------------------------------------------------


def test_sigma_is_known_where_no_names_are_prescribed():
    long = {"left": "D(1/(1 + exp(-z)), z)", "answer": "exp(-z)/(1 + exp(-z))**2", "where": {}, "wrong": {}, "hints": []}
    assert slope(**long, allowed=None)("sigma(z)*(1 - sigma(z))")
    assert slope(**long, allowed=["z"])("sigma(z)*(1 - sigma(z))").verdict == "unreadable"


def test_what_has_a_shape_may_be_used_whole_and_by_entries():
    check = Exercise("gram", "X.T @ X + X.T @ X", "The sum", answer="2*(X.T @ X)", shapes={"X": "n, d + 1", "w": "n", "a": "d + 1"})
    for typed in ("X.T @ diag(w) @ X", "w[1]*(X.T @ X)", "x[1, 0]*(X.T @ X)", "a[0]*(X.T @ X)", "n*(X.T @ X)"):
        assert check(typed).verdict == "wrong", check(typed)
    for typed in ("q*(X.T @ X)", "w[1, 1]*(X.T @ X)", "x[1]*(X.T @ X)"):
        assert check(typed).verdict == "unreadable", check(typed)
    assert SLOPE("n*s").verdict == "unreadable"


# --- What is refused, at once and with a reason ----------------------------------------------------------------------------

REFUSED = {
    "": "Type your answer", "   ": "Type your answer", "s" * 301: "at most 300 characters", "q": "There is no q here",
    "sigma(z)": "There is no sigma here; the only name is s", "s[i]": "There is no i here", "s[1]": "There is no s[1] here",
    "i": "There is no i here", "z": "There is no z here", "D(s, s)": "cannot differentiate in s", "x = 2": "There is no x",
    "= s": "right of the equals sign", "s == 1": "not a condition", "s < 1": "not a condition", "s! ": "factorials",
    "|s|": "write Abs(z)", "e**s": "Write exp(z)", "factorial(factorial(99))": "no factorial",
    "__import__('os')": "no __import__", "().__class__": "the only dot", "s.T": ".T", "s.real": "the only dot",
    "lambda: 0": "no lambda", "f'{s}'": "no f here", "(s := 1)": "':'", "s if s else s": "no if", "[s for s in s]": "no for",
    "'s'": "Cannot read", '"""': "Cannot read", "s;s": "Cannot read", "s#": "Cannot read", "s\\": "Cannot read", "`s`": "Cannot read",
    "{1, 2}": "Cannot read", "[1, 2]": "Cannot read", "s, s": "Cannot read", "exp": "Cannot read", "exp()": "Cannot read",
    "exp(s, s)": "Cannot read", "-": "something is missing", "s*": "something is missing", "(s": "bracket", "s)": "bracket",
    ")s(": "unmatched", "(" * 140 + "s" + ")" * 140: "40 brackets", "-" * 299 + "s": "inside each other",
    "\0": "Cannot read", "s\0": "Cannot read", "\N{GRINNING FACE}": "Cannot read", "\N{FULLWIDTH LATIN SMALL LETTER S}": "Cannot read",
    "9**9**9": "power", "s**101": "power", "s**99": "Powers beyond", "((s**4)**4)**4": "Powers beyond", "(10**9)**99": "power",
    "1234567890": "too long", "1" * 290: "too long", "exp(exp(exp(99)))": "exponential", "exp(999)": "exponential",
    "Sum(s, (i, 1, 10**9))": "so many terms", "Sum(s, (i, 1, 99999))": "so many terms", "Sum(s, (i, 1, z))": "no z",
    "Product(2, (i, 1, 999))": "so many terms", "Sum(s, i)": "three parts", "Sum(s)": "index", "oo - oo": "oo", "True": "Cannot read",
    "1e9": "no e9", "0x10": "no x10", "s @ s": "@", "D": "Cannot read", "Cases((s, True))": "", "os.system": "no os", "1_000": "no _000",
}  # fmt: skip


@pytest.mark.parametrize("typed", REFUSED, ids=lambda typed: repr(typed[:20]))
def test_what_no_answer_is_gets_a_reason_at_once(typed):
    start = time.process_time()
    verdict = SLOPE(typed)
    assert time.process_time() - start < 0.2
    if REFUSED[typed]:
        assert verdict.verdict == "unreadable", verdict
        assert REFUSED[typed] in verdict.message
    shown = preview(SLOPE.spec, typed)
    assert list(shown) == ["error" if REFUSED[typed] else "latex"]


def test_the_question_is_no_answer():
    check = Exercise("odds", "sigma(z)/(1 - sigma(z))", "The odds", answer="exp(z)")
    assert check("D(exp(z), z)").message == "An answer with D repeats the question; work it out."
    assert check("sigma(z)/(1 - sigma(z))").message == "That repeats the question."
    assert check("1/exp(-z)")


# --- Exercises that cannot exist -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("changes", "error", "message"), [
    ({"answer": "s*(1 + s)"}, DerivationError, "exercise 'slope': the two lines are not equal"),
    ({"wrong": {"s - s**2": "right after all"}}, DerivationError, "the answer s - s[*][*]2 is proved"),
    ({"wrong": {"q": "not readable"}}, DerivationError, "the answer q is unreadable"),
    ({"answer": "D(s, z)"}, DerivationError, "is unreadable"),
    ({"allowed": ["s", "t"]}, ValueError, "allowed has t, and the question has no such name"),
    ({"relation": "~"}, ValueError, "relation is '~'"),
])  # fmt: skip
def test_a_faulty_exercise_is_refused(changes, error, message):
    with pytest.raises(error, match=message):
        slope(**changes)


def test_it_is_a_question_and_no_result():
    before = dict(_entries)
    slope()("s - s**2")
    assert _entries == before


# --- What a page gets ------------------------------------------------------------------------------------------------------


def test_the_data_of_a_page_are_json_and_safe_html():
    bundle = SLOPE._repr_mimebundle_()
    data = json.loads(json.dumps(bundle[MEDIA_TYPE]))
    assert data == bundle[MEDIA_TYPE]
    assert data["latex"] == r"\frac{d\sigma(z)}{dz} =" and data["given"] == [r"s = \sigma(z)"]
    assert data["ask"] == r"The slope, in terms of \(s = \sigma(z)\)"
    assert data["hints"] == [r"Is it \(s &lt; 1\), or a&lt;b?"]
    assert (data["label"], data["answer"], data["answer_latex"]) == ("slope", "s*(1 - s)", r"s\,(1 - s)")
    for kind in ("text/plain", "text/markdown"):
        assert "1 - s" not in bundle[kind], "the answer is given away"
        assert 'check("...")' in bundle[kind]


def test_a_page_judges_without_proving_the_stored_answer_again(monkeypatch):
    spec = json.loads(json.dumps(slope(label="rebuilt").spec))
    calls = []
    monkeypatch.setattr(exercise, "prove", lambda *arguments: calls.append(arguments))
    assert preview(spec, "s(1-s)") == {"latex": r"s\,(1 - s)"} and calls == []
    assert judge(spec, "s - s^2")["verdict"] == "proved" and len(calls) == 1


def test_a_page_gets_the_verdict_of_the_notebook():
    for typed in ("s - s^2", "s(1+s)", "q"):
        verdict, judged = SLOPE(typed), judge(SLOPE.spec, typed)
        assert json.loads(json.dumps(judged)) == judged
        assert (judged["verdict"], judged["latex"]) == (verdict.verdict, verdict.latex)
    assert judge(SLOPE.spec, "s(1+s)")["hint"] == r"Look at \(1 - \sigma(z)\)."
    assert preview(SLOPE.spec, "'<b>'")["error"].startswith("cannot read &quot;&#x27;&quot;: ")


# --- The chapters ----------------------------------------------------------------------------------------------------------


def turns(path):
    """For each exercise of "Your turn": its label, the data of its output, and the verdicts that its solution shows."""
    found, label, part = {}, None, None
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            for marker in re.finditer(r"\{exercise\}.*\n:label: (\S+)|\{solution-start\} (\S+)", source):
                label, part = marker[1] or marker[2], "solution" if marker[2] else "task"
                if label.startswith("turn-"):
                    found.setdefault(label, {"task": [], "solution": []})
        elif label and label.startswith("turn-"):
            found[label][part] += [output["data"] for output in cell["outputs"]]
    return found


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_chapter_has_exercises_with_a_right_an_equal_and_a_refused_answer(path):
    found = turns(path)
    assert len(found) >= 4
    for label, parts in found.items():
        (task,) = parts["task"]
        data = task[MEDIA_TYPE]
        assert data["label"] == label and data["hints"], label
        right, same, wrong = ("".join(output["text/plain"]) for output in parts["solution"])
        assert right == same == "Proved.", label
        assert re.match(r"Not equal: |The shape is |That is no bound: ", wrong), label
        lines = ["".join(output["text/markdown"]) for output in parts["solution"]]
        assert lines[0] != lines[1], f"{label}: the second form is the first"
        # A page builds it again from these data alone.
        assert judge(data["spec"], data["answer"])["verdict"] == "proved", label


def test_the_chapters_are_there():
    assert len(CHAPTERS) == 10
    labels = [label for path in CHAPTERS for label in turns(path)]
    assert len(labels) == len(set(labels)) >= 40


# --- The parts: what a reader may type, and what is said of it -----------------------------------------------------------------


@pytest.mark.parametrize(("right", "wrong", "why"), [
    ("(" * 40 + "z" + ")" * 40, "(" * 41 + "z" + ")" * 41, "more than 40 brackets"),
    ("123456789", "1234567890", "too long to be meant"),
    ("z**24", "z**25", "powers beyond 24"),
    ("(z**24)**1", "(z**13)**2", "powers beyond 24"),
    ("1 + z**24", "1 + z**25", "powers beyond 24"),
    ("z**12*z**12", "z**12*z**13", "powers beyond 24"),
    ("exp(100)", "exp(101)", "an exponential this large"),
    ("Sum(z, (i, 1, 500))", "Sum(z, (i, 1, 501))", "so many terms"),
    ("Sum(z, (i, 2, 501))", "Sum(z, (i, 0, 500))", "so many terms"),
    ("Sum(z, (i, 1, n), (k, 1, n), (l, 1, n))", "Sum(z, (i, 1, n), (k, 1, n), (l, 1, n), (j, 1, n))", "so many terms"),
    ("Sum(z*Sum(z, (k, 1, 20)), (i, 1, 25))", "Sum(z*Sum(z, (k, 1, 20)), (i, 1, 26))", "so many terms"),
    ("Product(z, (i, 1, 250)) + Sum(z, (i, 1, 250))", "Product(z, (i, 1, 250)) + Sum(z, (i, 1, 251))", "so many terms"),
    ("(z + n + 1 + 2)**11", "(z + n + 1 + 2)**13", "a power of a sum this long"),
    ("(z + 1)*(z + 2)*(z + 3)*(z + 4)*(z + 5)*(z + 6)*(z + 7)*(z + 8)",
     "(z + 1)*(z + 2)*(z + 3)*(z + 4)*(z + 5)*(z + 6)*(z + 7)*(z + 8)*(z + 9)", "a power of a sum this long"),
])  # fmt: skip
def test_how_much_may_be_typed(right, wrong, why):
    take = lambda typed: typed_module.refuse_heavy(parse(typed_module.spell(typed, {"z", "n"}, typed_module.BUILT_IN)))
    take(right)
    with pytest.raises(LanguageError, match=why):
        take(wrong)


def test_names_that_an_expression_holds():
    shapes = {"X": "n, d + 1", "y": "n"}
    assert typed_module.names_in(parse("f(y) + exp(y)", shapes)) == {
        ("y", 0): "y", ("f", "()"): "f(...)", ("n", 0): "n",
    }  # fmt: skip
    assert typed_module.in_order({"n", "z", "i", "a"}) == ["a", "z", "i", "n"]
    for names, shown in ((["a", "b"], "the names are a, b"), (["a"], "the only name is a"), ([], "the answer has no names")):
        assert str(typed_module.unknown("q", names)) == f"there is no q here; {shown}"


def test_numbers_have_as_many_digits_as_tell_them_apart():
    assert diagnosis.two_shown(1 / 3, 2.5) == ("0.333", "2.5")
    assert diagnosis.two_shown(1.2341, 1.2349) == ("1.2341", "1.2349")
    assert diagnosis.two_shown(0.12345678, 0.12345679) == ("0.12345678", "0.12345679")
    assert diagnosis.two_shown(1, 1) == ("1", "1")


def test_long_vectors_are_named_and_not_listed():
    few = {("n",): 2, ("a", 1): 0.5, ("a", 2): -1.25, ("z",): 3}
    assert diagnosis.place(few) == "at n = 2, z = 3, a[1] = 0.5, a[2] = -1.25 "
    assert diagnosis.place(few | {("b", i): 1 for i in range(3)}) == "at n = 2, z = 3 and some values of a, b "
    assert diagnosis.place({}) == ""


def test_more_slips_that_are_named():
    zero_first = Exercise("naught", "D(y*z**2/2, z)", "The slope", given="y in {0, 1}", answer="y*z")
    labels = [int(zero_first._line._point(seed).drawn["y",]) for seed in range(12)]
    assert set(labels) == {0, 1} and labels[1] == 0
    assert zero_first("2*y*z").hint == "A factor is wrong: yours is 2 times what it should be."
    assert zero_first("y*z + 7*(1 - y)").hint == "There is a term too many. It is right for y = 1 only."
    total = Exercise("total", "Sum(a, (i, 1, n))", "The sum", answer="n*a")
    assert total("a").hint == "The factor n is missing."
    assert total("n*n*a").hint == "The factor n is one too many."
    assert JACOBIAN("7*delta(k, l) - p[k]*p[l]").hint == "It is right only where k and l are different."
    assert JACOBIAN("p[k]*(4*delta(k, l) - 3*p[l])").hint == ""


def test_nothing_is_said_of_a_vector_that_is_right_in_one_entry():
    z = parse("z")
    half_right = lambda e, seed, bound: [float(e.subs(z, seed + 2)), 0.0]
    assert diagnosis.diagnose(parse("z**5 + 1/7"), z, half_right, range(6)) == ""
    assert diagnosis.diagnose(parse("2*z"), z, half_right, range(6)).startswith("A factor is wrong")


def test_nothing_is_said_of_indices_that_do_not_tell_right_from_wrong():
    """Right at some points and wrong at others, whether k and l are equal or not."""
    places, right = [(1, 1), (1, 2), (2, 2), (2, 1)], parse("7*k*l + 3")
    offset = [0, 0, 0.1234, 0.5678]
    at = lambda e, seed, bound: [float(e.subs({
        parse("k"): places[seed][0], parse("l"): places[seed][1],
        parse("q"): 7 * places[seed][0] * places[seed][1] + 3 + offset[seed],
    }))]  # fmt: skip
    assert diagnosis.diagnose(parse("q"), right, at, range(4)) == ""
    offset[:] = [0, 0.1234, 0, 0.5678]
    assert diagnosis.diagnose(parse("q"), right, at, range(4)) == "It is right only where k and l are equal."


# --- What strangers tried ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", [
    "s(1-s) + delta(s, 1/2)", "s(1-s) + 0*Cases((1, s < 1/2), (1, s > 1/2))", "exp(0/0)", "s + Cases((s, 1 < 0), (s, 1 > 0))**-1",
    "Cases((1, 0 < Cases((s, 0 < s), (1, True))), (0, True))",
    "s(1-s) + 0*Sum(s*Sum(s*Sum(s*Sum(s*Sum(s,(r,1,30)),(l,1,30)),(k,1,30)),(j,1,30)),(i,1,30))",
    "s(1-s) + 0/(1+(s+log(s+1)+log(s+2)+log(s+3)+log(s+4)+log(s+5)+log(s+6))**20)",
    "s(1-s)+0*exp(exp(exp(exp(exp(s)))))", "0*Cases((oo, s > 100), (1, True)) + s*(1 - s)",
])  # fmt: skip
def test_what_is_not_the_answer_is_not_proved_and_gets_a_verdict_soon(typed):
    started = time.monotonic()
    verdict = SLOPE(typed)
    assert verdict.verdict != "proved" and "yours is 1 times" not in verdict.hint
    assert time.monotonic() - started < 10


def test_a_weaker_bound_that_shows_only_far_away_is_not_called_proved():
    verdict = BOUND("1/4 + Max(0, z - 99)*exp(z)")
    assert verdict.verdict == "unproved" and "whether there is a sharper one" in verdict.message


def test_a_space_that_does_not_break_is_a_space():
    assert SLOPE("s\N{NO-BREAK SPACE}*\N{NO-BREAK SPACE}(1 - s)")


def test_a_message_names_no_numbers_of_an_earlier_answer():
    check = slope(allowed=["s", "z", "p"], where={"s": "sigma(z)", "p": "2*q"})
    assert "q = " in check("p*s").message
    assert re.match(r"Not equal: at z = \S+ yours", check("s/2").message)
