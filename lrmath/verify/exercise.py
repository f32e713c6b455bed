"""Exercises whose answer is an expression: the reader's own is proved, or shown the numbers at which it fails."""

import html
import json
import re
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from .derivation import MOST_POINTS, POINTS, RELATIONS, STANDARD, Derivation, DerivationError, _violates
from .diagnosis import diagnose, place, two_shown
from .evaluate import Undefined, value
from .language import INDICES, SIZES, At, D, Grad, Jacobian, LanguageError, Lim, entry_name, parse, show_shape
from .printing import latex, text
from .proof import NotProved, prove
from .typed import BUILT_IN, OPERATORS, in_order, names_in, refuse_heavy, spell, unknown

MEDIA_TYPE = "application/vnd.lrmath.exercise+json"
# What SymPy raises where its own rules end.
UNREACHED = (TypeError, ValueError, ArithmeticError, AttributeError, LookupError, NotImplementedError, RecursionError)
CALLED = {D: "the derivative", Grad: "the gradient", Jacobian: "the Jacobian", Lim: "the limit", sp.Sum: "the sum"}


@dataclass(frozen=True)
class Verdict:
    """What became of an answer; true if it was proved.

    Attributes
    ----------
    verdict : str
        ``"proved"``, ``"wrong"``, ``"unproved"`` or ``"unreadable"``.
    message, hint : str
        What was found, and what went wrong where that is known; formulas stand in backticks.
    latex : str
        The question with the answer, typeset; empty if the answer could not be read.
    """

    verdict: str
    message: str
    hint: str = ""
    latex: str = ""
    shapes: tuple = ()

    def __bool__(self):
        return self.verdict == "proved"

    def __str__(self):
        return f"{self.message} {self.hint}".strip().replace("`", "")

    def _repr_mimebundle_(self, include=None, exclude=None):
        said = _typeset(f"{self.message} {self.hint}".strip(), dict(self.shapes))
        return {"text/plain": str(self), "text/markdown": said + f"\n\n$$\n{self.latex}\n$$" * bool(self.latex)}


class Exercise:
    """A question whose answer is an expression.

    Parameters
    ----------
    label : str
        The label of the exercise in the book.
    left : str
        What the reader must find an equal to, in the language of the derivations.
    ask : str
        The question in words, with formulas in backticks.
    answer : str
        It is proved when the exercise is made, so no exercise has a wrong one.
    where, given, shapes
        As for `Derivation`.
    relation : str
        Other than ``"="`` it asks for a bound, and one that is weaker than ``answer`` is refused.
    allowed : sequence of str, optional
        The names that an answer may contain; all names of the question if not given. The functions ``exp``, ``log`` and so on need
        not be named. ``D``, ``At``, ``Lim``, ``Grad`` and ``Jacobian`` do: as a rule they would only repeat the question.
    hints : sequence of str
        They lead to the answer, one step each.
    wrong : dict
        For an answer that shows what went wrong, the sentence to say.

    Examples
    --------
    >>> check = Exercise("slope", "D(sigma(z), z)", "The slope, in terms of `s == sigma(z)`",
    ...                  where={"s": "sigma(z)"}, allowed=["s"], answer="s*(1 - s)")
    >>> print(check("s - s^2"))
    Proved.
    >>> print(check("s(1 + s)"))
    Not equal: at z = 1.48 yours is 1.48, the derivative is 0.151. A sign is wrong.
    """

    def __init__(self, label, left, ask, *, answer, where=None, given=(), shapes=None, relation="=", allowed=None, hints=(),
                 wrong=None):
        if relation not in RELATIONS:
            raise ValueError(f"relation is {relation!r}; it must be one of {', '.join(RELATIONS)}")
        self._build({
            "label": label, "left": left, "ask": ask, "answer": answer, "where": dict(where or {}),
            "given": [given] if isinstance(given, str) else list(given), "shapes": dict(shapes or {}), "relation": relation,
            "allowed": None if allowed is None else list(allowed), "hints": list(hints), "wrong": dict(wrong or {}),
        })  # fmt: skip
        self._line._check(self.left, self.answer, relation, f"exercise {label!r}")
        for line in (answer, *self.spec["wrong"]):
            verdict = self(line)
            if verdict.verdict != ("proved" if line == answer else "wrong"):
                raise DerivationError(f"exercise {label!r}: the answer {line} is {verdict.verdict}. {verdict}")
            verdict._repr_mimebundle_()

    def _build(self, spec):
        self.spec, self.shapes, self.relation = spec, spec["shapes"], spec["relation"]
        self._line = Derivation(spec["label"], spec["left"], given=spec["given"], where=spec["where"], shapes=self.shapes)
        self.left, self.answer = self._line.lines[0], parse(spec["answer"], self.shapes)
        # What is proved equal to the question stands for it: its arithmetic is quicker, without differences and limits.
        self._right = self.answer if self.relation == "=" else self.left
        # Two formulas differ nearly everywhere; a false bound may fail in a small place only.
        self._most = MOST_POINTS if self.relation == "=" else 5*MOST_POINTS
        names = {}
        for line in [spec["left"], spec["answer"], *spec["given"], *spec["where"], *spec["where"].values()]:
            names |= names_in(parse(line, {} if line in spec["where"] else self.shapes))
        for name in self.shapes:
            names[name, 0] = names[entry_name(name), sum(size != 1 for size in parse(name, self.shapes).shape)] = name
        if spec["allowed"] is not None:
            allowed = {*spec["allowed"], *map(entry_name, {*spec["allowed"]} & self.shapes.keys())}
            if missing := allowed - {name for name, _ in names} - OPERATORS:
                raise ValueError(f"allowed has {', '.join(sorted(missing))}, and the question has no such name")
            names = {key: shown for key, shown in names.items() if key[0] in allowed.union(SIZES, INDICES)}
        self._shown = in_order(set(names.values()))
        # A reader may use what every chapter means by sigma, also where the question does without it.
        standard = {(head.split("(")[0], "()") for head in STANDARD} if spec["allowed"] is None else set()
        self._signatures = names.keys() | standard
        self._functions = BUILT_IN | OPERATORS | {name for name, rank in self._signatures if rank == "()"}

    # Judging

    def read(self, typed):
        """The expression that a reader typed; `LanguageError` says what to write instead."""
        line = spell(typed, {name for name, _ in self._signatures}, self._functions)
        try:
            answer = parse(line, self.shapes)
        except LanguageError as error:
            why = str(error).split(f"{line!r}: ")[-1].replace("invalid syntax", "something is missing or in the wrong place")
            raise LanguageError(f"cannot read this: {why}") from None
        if not isinstance(answer, sp.Expr):
            raise LanguageError("an answer is an expression, not a condition")
        for kind in (D, At, Lim, Grad, Jacobian):
            if answer.has(kind) and kind.__name__ not in (self.spec["allowed"] or ()):
                raise LanguageError(f"an answer with {kind.__name__} repeats the question; work it out")
        if answer.has(self.left):
            raise LanguageError("that repeats the question")
        for key, name in names_in(answer).items():
            if key not in self._signatures and not (self.shapes and name in SIZES):
                raise unknown(name, self._shown)
        refuse_heavy(answer)
        return answer

    def __call__(self, typed):
        """Judge an answer.

        Returns
        -------
        Verdict
        """
        try:
            return self._judge(self.read(typed))
        except LanguageError as error:
            said = str(error)
            return Verdict("unreadable", said[0].upper() + said[1:] + ".")
        except UNREACHED:
            return Verdict("unproved", "I can neither prove nor refute this: the rules do not reach it. Try a simpler form.")

    def _judge(self, answer):
        sign = RELATIONS[self.relation]
        no = r"\ne" if self.relation == "=" else rf"\not{sign}"

        def verdict(kind, message, sign, hint=""):
            return Verdict(kind, message, hint, rf"{latex(self.left)} {sign} {latex(answer)}", tuple(self.shapes.items()))

        mine, wanted = _shape(answer), _shape(self.left)
        if mine != wanted:
            return verdict("wrong", f"The shape is {show_shape(answer)}, and it must be {show_shape(self.left)}.", no,
                           "Yours is transposed." if mine == wanted[::-1] else "")
        # Arithmetic first: it is quick, and only a right answer needs a proof.
        refuted = self._refuted(answer, POINTS)
        reason = "" if refuted else self._unproved(answer, self.answer) and self._unproved(answer, self.left)
        if reason:
            refuted = self._refuted(answer, self._most)
        if refuted:
            return verdict("wrong", refuted, no, self._diagnosis(answer))
        if reason:
            return verdict("unproved", f"I can neither prove nor refute this: {reason}. Try a simpler form.",
                           rf"\overset{{?}}{{{sign}}}")
        if self.relation != "=":
            if any(_violates(a, b, self.relation.strip("=") + "=") for _, a, b in self._pairs(answer, self.answer, POINTS)):
                return verdict("wrong", "True, but there is a sharper bound.", sign)
            if self._unproved(self.answer, answer):
                return verdict("unproved", "That is a bound, but whether there is a sharper one I cannot see.", sign)
        return verdict("proved", "Proved.", sign)

    def _unproved(self, answer, below):
        """Why no proof was found that the relation holds; empty if there is one."""
        try:
            prove(below, answer, self._line._rules, self.relation)
        except NotProved as error:
            return str(error)
        except UNREACHED as error:
            if isinstance(error, LanguageError):
                raise
            return "the rules do not reach it"
        return ""

    def _value(self, e, seed, bound=None):
        """The value of an expression at one of the random points, None where it has none."""
        point = self._line._point(seed)
        if point is None:
            return None
        try:
            return self._line._value(e, seed) if bound is None else value(e, point, bound)
        except Undefined:
            return None

    def _pairs(self, answer, right, points):
        """The values of both at some points where one of them at least has a value."""
        for seed in range(self._most):
            pair = self._value(answer, seed), self._value(right, seed)
            if points and pair != (None, None):
                points -= 1
                yield seed, *pair

    def _refuted(self, answer, points):
        """The numbers at which the answer fails, at the point that takes the fewest words; None if it does not fail."""
        found = [(self._drawn(seed, answer), mine, right) for seed, mine, right in self._pairs(answer, self._right, points)
                 if None in (mine, right) or _violates(right, mine, self.relation)]
        if not found:
            return None
        drawn, mine, right = min(found, key=lambda one: len(one[0]))
        mine, right = two_shown(mine, right)
        if self.relation != "=":
            return f"That is no bound: {place(drawn)}the left-hand side is {right}, yours is {mine}."
        return f"Not equal: {place(drawn)}yours is {mine}, {CALLED.get(type(self.left), 'the right value')} is {right}."

    def _drawn(self, seed, answer):
        """The numbers of a point that these two formulas ask for; earlier answers may have asked for others."""
        point = copy(self._line._point(seed))
        point.drawn = _Asked(point.drawn)
        for e in (answer, self._right):
            with suppress(Undefined):
                value(e, point)
        return point.drawn.asked

    def _diagnosis(self, answer):
        if self.relation != "=":
            return ""
        for line, said in self.spec["wrong"].items():
            pairs = [pair for _, *pair in self._pairs(answer, self.read(line), POINTS)]
            if not any(None in pair or _violates(*pair, "=") for pair in pairs):
                return said
        flat = lambda v: [x for row in v for x in row] if isinstance(v, list) else None if v is None else [v]
        return diagnose(answer, self._right, lambda e, seed, bound: flat(self._value(e, seed, bound)), range(MOST_POINTS))

    # What it shows

    def data(self):
        """What a page needs to ask the question: HTML with formulas between ``\\(`` and ``\\)``, and `spec` to build it again."""
        return {"label": self.spec["label"], "ask": _html(self.spec["ask"], self.shapes), "latex": self._question,
                "given": self._given, "hints": [_html(hint, self.shapes) for hint in self.spec["hints"]],
                "answer": self.spec["answer"], "answer_latex": latex(self.answer), "names": self._shown, "spec": self.spec}

    @property
    def _question(self):
        return f"{latex(self.left)} {RELATIONS[self.relation]}"

    @property
    def _given(self):
        """The definitions and the conditions, typeset."""
        return ([f"{latex(parse(head))} = {latex(parse(body, self.shapes))}" for head, body in self.spec["where"].items()]
                + [latex(condition) for condition in self._line.given])

    def __str__(self):
        given = ", ".join([*(f"{head} = {body}" for head, body in self.spec["where"].items()), *self.spec["given"]])
        return (f"{self.spec['ask'].replace('`', '')}: {text(self.left)} {self.relation} ?" + f" where {given}" * bool(given)
                + f'\nAnswer with check("..."). The names are {", ".join(self._shown)}.')

    def _repr_mimebundle_(self, include=None, exclude=None):
        rows = [rf"\displaystyle {self._question} \;?", *(rf"\small {line}" for line in self._given)]
        question = r"\begin{array}{l}" + " \\\\[4pt]\n".join(rows) + r"\end{array}"
        shown = (f"{_typeset(self.spec['ask'], self.shapes)}:\n\n$$\n{question}\n$$\n\n"
                 f'Answer with `check("...")`. The names are {", ".join(f"`{name}`" for name in self._shown)}.')
        return {"text/plain": str(self), "text/markdown": shown, MEDIA_TYPE: self.data()}


class _Asked(dict):
    """Keeps the items that were asked for."""

    def __init__(self, items):
        super().__init__(items)
        self.asked = {}

    def __getitem__(self, key):
        self.asked[key] = super().__getitem__(key)
        return self.asked[key]


@lru_cache(maxsize=64)
def _rebuilt(spec):
    """The exercise of a chapter in another interpreter; its answer was proved when the chapter ran."""
    exercise = Exercise.__new__(Exercise)
    exercise._build(json.loads(spec))
    return exercise


def preview(spec, typed):
    """Typeset what a reader has typed so far: ``{"latex": ...}``, or ``{"error": ...}`` if it cannot be read."""
    try:
        return {"latex": latex(_rebuilt(json.dumps(spec)).read(typed))}
    except LanguageError as error:
        return {"error": html.escape(str(error))}


def judge(spec, typed):
    """Judge an answer in a page: ``verdict``, ``latex``, ``message`` and ``hint``, the last two as HTML."""
    exercise = _rebuilt(json.dumps(spec))
    verdict = exercise(typed)
    return {"verdict": verdict.verdict, "latex": verdict.latex, "message": _html(verdict.message, exercise.shapes),
            "hint": _html(verdict.hint, exercise.shapes)}


def _typeset(line, shapes):
    """Words as Markdown, with typeset formulas in the place of the backticks."""
    return "".join(f"${latex(parse(part, shapes))}$" if odd % 2 else re.sub(r"([\\*_<>$|\[\]])", r"\\\1", part)
                   for odd, part in enumerate(line.split("`")))


def _html(line, shapes):
    return "".join(html.escape(rf"\({latex(parse(part, shapes))}\)" if odd % 2 else part)
                   for odd, part in enumerate(line.split("`")))


def _shape(e):
    return tuple(e.shape) if e.is_Matrix and e.shape != (1, 1) else ()
