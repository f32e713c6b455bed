"""Exercises whose answer is an expression: the reader's own is proved, or shown the numbers at which it fails."""

import html
import json
import re
from dataclasses import dataclass
from functools import lru_cache

import mpmath
import sympy as sp
from sympy.core.function import AppliedUndef

from .derivation import MOST_POINTS, POINTS, RELATIONS, STANDARD, Derivation, DerivationError, _violates
from .diagnosis import diagnose
from .evaluate import Undefined, value
from .language import (
    INDICES,
    SIZES,
    At,
    D,
    Elementwise,
    Grad,
    Jacobian,
    LanguageError,
    Lim,
    entry_name,
    parse,
    show_shape,
    signature,
)
from .printing import latex, text
from .proof import NotProved, prove
from .typed import BUILT_IN, OPERATORS, refuse_heavy, spell, unknown

MEDIA_TYPE = "application/vnd.lrmath.exercise+json"
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
        said = _render(f"{self.message} {self.hint}".strip(), dict(self.shapes))
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

    def _build(self, spec):
        self.spec, self.shapes, self.relation = spec, spec["shapes"], spec["relation"]
        self._line = Derivation(spec["label"], spec["left"], given=spec["given"], where=spec["where"], shapes=self.shapes)
        self.left, self.answer = self._line.lines[0], parse(spec["answer"], self.shapes)
        # An equal of the question is its answer, and its arithmetic is quicker: no differences, no limits.
        self._right = self.answer if self.relation == "=" else self.left
        names = {}
        for line in [spec["left"], spec["answer"], *spec["given"], *spec["where"], *spec["where"].values()]:
            names |= _names(parse(line, {} if line in spec["where"] else self.shapes))
        for name, shape in self.shapes.items():
            names[name, 0] = names[entry_name(name), sum(part.strip() != "1" for part in shape.split(","))] = name
        if spec["allowed"] is not None:
            allowed = {*spec["allowed"], *SIZES, *INDICES} | {entry_name(name) for name in spec["allowed"] if name in self.shapes}
            names = {key: shown for key, shown in names.items() if key[0] in allowed}
        self._shown = set(names.values())
        standard = {(head.split("(")[0], "()") for head in STANDARD} if spec["allowed"] is None else set()
        self._signatures = names.keys() | standard
        self._functions = BUILT_IN | OPERATORS | {name for name, rank in self._signatures if rank == "()"}

    def read(self, typed):
        """The expression that a reader typed; `LanguageError` says what to write instead."""
        line = spell(typed, {name for name, _ in self._signatures} | {*self.shapes}, self._functions)
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
        for key, name in _names(answer).items():
            if key not in self._signatures and not (name in SIZES and self.shapes):
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

    def _judge(self, answer):
        sign = RELATIONS[self.relation]
        line = lambda sign: rf"{latex(self.left)} {sign} {latex(answer)}"
        verdict = lambda kind, message, sign, hint="": Verdict(kind, message, hint, line(sign), tuple(self.shapes.items()))
        no = r"\ne" if self.relation == "=" else rf"\not{sign}"
        mine, wanted = _shape(answer), _shape(self.left)
        if mine != wanted:
            return verdict("wrong", f"The shape is {show_shape(answer)}, and it must be {show_shape(self.left)}.", no,
                           "Yours is transposed." if mine == wanted[::-1] else "")
        refuted = self._refuted(answer, POINTS)
        reason = None
        if not refuted:
            try:
                self._prove(answer)
            except NotProved as error:
                reason = str(error)
            except (TypeError, ValueError, ArithmeticError, AttributeError, RecursionError):
                reason = "the rules do not reach it"
            refuted = self._refuted(answer, MOST_POINTS) if reason else None
        if refuted:
            return verdict("wrong", refuted, no, self._diagnosis(answer))
        if reason:
            return verdict("unproved", f"I can neither prove nor refute this: {reason}. Try a simpler form.", rf"\overset{{?}}{{{sign}}}")
        weaker = self.relation.strip("=") + "="
        if self.relation != "=" and any(_violates(a, b, weaker) for _, a, b in self._pairs(answer, self.answer, MOST_POINTS)):
            return verdict("wrong", "True, but there is a sharper bound.", sign)
        return verdict("proved", "Proved.", sign)

    def _prove(self, answer):
        try:
            prove(self.answer, answer, self._line._rules, self.relation)
        except NotProved:
            prove(self.left, answer, self._line._rules, self.relation)

    # Arithmetic

    def _value(self, e, seed, bound=None):
        """The value of an expression at one of the random points, None where it has none."""
        point = self._line._point(seed)
        try:
            if bound is None:
                return None if point is None else self._line._value(e, seed)
            return None if point is None else value(e, point, bound)
        except Undefined:
            return None

    def _pairs(self, answer, right, points):
        """The values of both at some points where one of them at least has a value."""
        for seed in range(MOST_POINTS):
            pair = self._value(answer, seed), self._value(right, seed)
            if pair != (None, None):
                yield seed, *pair
                points -= 1
            if not points:
                return

    def _refuted(self, answer, points):
        """The numbers at which the answer fails, at the point that takes the fewest words; None if it does not fail."""
        found = []
        for seed, mine, right in self._pairs(answer, self._right, points):
            if mine is None or right is None or _violates(*((mine, right) if self.relation == "=" else (right, mine)), self.relation):
                found.append((self._line._point(seed).drawn, mine, right))
        if not found:
            return None
        drawn, mine, right = min(found, key=lambda one: len(one[0]))
        for digits in (3, 6, 15):
            shown = _number(mine, digits), _number(right, digits)
            if shown[0] != shown[1]:
                break
        if self.relation != "=":
            return f"That is no bound: {_place(drawn)}the left-hand side is {shown[1]}, yours is {shown[0]}."
        return f"Not equal: {_place(drawn)}yours is {shown[0]}, {CALLED.get(type(self.left), 'the right value')} is {shown[1]}."

    def _diagnosis(self, answer):
        if self.relation != "=":
            return ""
        flat = lambda v: [x for row in v for x in row] if isinstance(v, list) else None if v is None else [v]
        at = lambda e, seed, bound: flat(self._value(e, seed, bound))
        for line, said in self.spec["wrong"].items():
            slip = self.read(line)
            pairs = [(a, b) for _, a, b in self._pairs(answer, slip, POINTS)]
            if not any(None in pair or _violates(*pair, "=") for pair in pairs):
                return said
        return diagnose(answer, self._right, at, range(MOST_POINTS))

    # What it shows

    def __str__(self):
        given = ", ".join([*(f"{head} = {body}" for head, body in self.spec["where"].items()), *self.spec["given"]])
        return (f"{self.spec['ask'].replace('`', '')}: {text(self.left)} {self.relation} ?" + f" where {given}" * bool(given)
                + f'\nAnswer with check("..."); the names are {", ".join(sorted(self._shown))}.')

    def _given(self):
        """The definitions and the conditions, typeset."""
        return ([f"{latex(parse(head))} = {latex(parse(body, self.shapes))}" for head, body in self.spec["where"].items()]
                + [latex(condition) for condition in self._line.given])

    def _question(self):
        return f"{latex(self.left)} {RELATIONS[self.relation]}"

    def data(self):
        """What a page needs to ask the question: HTML with formulas between ``\\(`` and ``\\)``, and `spec` to build it again."""
        said = lambda line: _render(line, self.shapes, r"\(", r"\)", html.escape)
        return {"label": self.spec["label"], "ask": said(self.spec["ask"]), "latex": self._question(), "given": self._given(),
                "hints": [said(hint) for hint in self.spec["hints"]], "answer": self.spec["answer"],
                "answer_latex": latex(self.answer), "names": sorted(self._shown), "spec": self.spec}

    def _repr_mimebundle_(self, include=None, exclude=None):
        given = ",\\quad ".join(self._given())
        where = rf"\qquad\text{{where }} {given}" * bool(given)
        names = ", ".join(f"`{name}`" for name in sorted(self._shown))
        shown = (f"{_render(self.spec['ask'], self.shapes)}:\n\n$$\n{self._question()} \\;?{where}\n$$\n\n"
                 f'Answer with `check("...")`. The names are {names}.')
        return {"text/plain": str(self), "text/markdown": shown, MEDIA_TYPE: self.data()}


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
    said = lambda line: _render(line, exercise.shapes, r"\(", r"\)", html.escape)
    return {"verdict": verdict.verdict, "latex": verdict.latex, "message": said(verdict.message), "hint": said(verdict.hint)}


def _markdown(words):
    return re.sub(r"([\\*_<>$|\[\]])", r"\\\1", words)


def _render(line, shapes, opening="$", closing="$", escape=_markdown):
    """Words with typeset formulas in the place of the backticks."""
    typeset = lambda formula: f"{opening}{latex(parse(formula, shapes))}{closing}"
    escaped = html.escape if escape is html.escape else lambda formula: formula
    return "".join(escaped(typeset(part)) if odd % 2 else escape(part) for odd, part in enumerate(line.split("`")))


def _names(e):
    """The signatures of the names in an expression, with how each is written; indices of sums and sizes of shapes apart."""
    hidden = {limit[0].name for s in e.atoms(sp.Sum, sp.Product) for limit in s.limits}
    hidden |= {a.base.name for a in e.atoms(sp.Indexed)}
    names = {}
    for atom in sorted(e.atoms(sp.Symbol, sp.Indexed, AppliedUndef), key=str):
        if not (isinstance(atom, sp.Symbol) and atom.name in hidden):
            names.setdefault(signature(atom), text(atom))
    names |= {(m.args[0].name, "()"): f"{m.args[0].name}(...)" for m in e.atoms(Elementwise) if m.args[0].name not in BUILT_IN}
    return names | {(m.name, 0): m.name for m in e.atoms(sp.MatrixSymbol)}


def _shape(e):
    return tuple(e.shape) if e.is_Matrix and e.shape != (1, 1) else ()


def _place(drawn):
    """Where the numbers were taken, in words; of long vectors only the names."""
    single = {name: number for (name, *indices), number in drawn.items() if not indices}
    several = sorted({name for name, *indices in drawn if indices})
    if len(drawn) > 6:
        return f"at {', '.join(f'{n} = {_number(v)}' for n, v in sorted(single.items()))} and some values of {', '.join(several)} "
    places = sorted((len(key), f"{key[0]}{[*key[1:]] or ''} = {_number(number)}") for key, number in drawn.items())
    return f"at {', '.join(shown for _, shown in places)} " * bool(places)


def _number(number, digits=3):
    if number is None:
        return "not defined"
    if isinstance(number, list):
        return f"[{', '.join(_number(x[0] if isinstance(x, list) and len(x) == 1 else x, digits) for x in number)}]"
    return mpmath.nstr(mpmath.mpf(number), digits).removesuffix(".0")
