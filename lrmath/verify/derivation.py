"""A derivation: lines of mathematics, each proved equal to the one before it, typeset from what was proved."""

import re

import mpmath
import sympy as sp

from .controls import perturbed
from .evaluate import Point, Undefined, differ, value
from .language import SIZES, LanguageError, parse
from .ledger import register
from .printing import latex, text
from .proof import NotProved, Rules, prove

#: What every chapter means by these names; `where` adds to it.
STANDARD = {
    "sigma(z)": "1/(1 + exp(-z))",
    "logit(p)": "log(p/(1 - p))",
    "softplus(z)": "log(1 + exp(z))",
    "L(y, p)": "-y*log(p) - (1 - y)*log(1 - p)",
}
POINTS = 3
CONTROLS_PER_STEP = 5
RELATIONS = {"=": "=", "<": "<", "<=": r"\le", ">": ">", ">=": r"\ge"}


class DerivationError(ValueError):
    """A step that is wrong, or not proved; the message names it and gives values at which its two sides differ."""


class Derivation:
    r"""A chain of lines, each proved from the line before.

    A line is text in the language of `lrmath.verify.language`, or a SymPy expression. Two independent oracles must agree
    on every step: a proof by SymPy for all values and all sizes, and the arithmetic of both sides at random points.
    Then wrong versions of the line are tried, and each must be rejected.

    Parameters
    ----------
    label : str
        The name of the result, the same as the label of its theorem.
    start : str or sympy expression
        The first line.
    given : sequence of str or sympy conditions
        The conditions under which the lines are equal. They are shown, and they may be used; a step that needs a
        condition that is not here is refused. A condition on ``p[i]`` holds for every i.
    where : dict
        Definitions, such as ``{"p[i]": "sigma(eta[i])"}``. The names of `STANDARD` need none.
    shapes : dict
        The shapes of the names that stand for whole vectors and matrices.

    Examples
    --------
    >>> d = Derivation("symmetry", "sigma(-z)")
    >>> d = d.then("1/(1 + exp(z))", because="the definition, at -z")
    >>> d = d.then("1 - sigma(z)", because="put over one denominator")
    >>> print(d)
    symmetry, for all real z
      sigma(-z)
      = 1/(1 + exp(z))    the definition, at -z
      = 1 - sigma(z)      put over one denominator
    2 steps proved, 10 wrong versions rejected

    >>> d.then("1 + sigma(z)", because="a slip")
    Traceback (most recent call last):
    lrmath.verify.derivation.DerivationError: derivation 'symmetry', step 3 (a slip): the two lines are not equal
      line 3:  1 - sigma(z)
      line 4:  1 + sigma(z)
      at z = 0.51338
      line 3 = 0.374402
      line 4 = 1.6256
    """

    def __init__(self, label, start, *, given=(), where=None, shapes=None):
        self.label = label
        self.shapes = dict(shapes or {})
        self.where = dict(where or {})
        self.definitions = definitions_of(self.where, self.shapes)
        given = [given] if isinstance(given, (str, sp.Basic)) else given
        self.given = [parse(condition) for condition in given]
        self.lines = [parse(start, self.shapes)]
        self.reasons = []
        self.relations = []
        self.controls = 0
        self._rules = Rules(self.given, self.definitions)
        self._constraints = _constraints(self.given)
        self._fixed = [c.args for c in self.given if isinstance(c, sp.Eq)]
        self._points = {}
        register(self)

    def then(self, line, because, relation="="):
        """Add a line, after proving that it follows from the one before.

        Parameters
        ----------
        line : str or sympy expression
        because : str
            The reason, shown beside the line. A formula in backticks is typeset, and an equation in backticks is proved.
        relation : {"=", "<", "<=", ">", ">="}

        Raises
        ------
        DerivationError
            The line is wrong, or not proved, or a wrong version of it was accepted.
        """
        if relation not in RELATIONS:
            raise ValueError(f"relation is {relation!r}; it must be one of {', '.join(RELATIONS)}")
        before, after = self.lines[-1], parse(line, self.shapes)
        step = f"derivation {self.label!r}, step {len(self.reasons) + 1} ({because})"
        self._check(before, after, relation, step)
        for formula in re.findall(r"`([^`]*)`", because):
            side = parse(formula, self.shapes)
            if isinstance(side, sp.Eq):
                self._check(*side.args, "=", f"{step}, in its reason")
        self.controls += self._count_controls(before, after, relation, step)
        self.lines.append(after)
        self.reasons.append(because)
        self.relations.append(relation)
        return self

    def _check(self, before, after, relation, step):
        numbers = len(self.lines), len(self.lines) + 1
        try:
            prove(before, after, self._rules, relation)
        except NotProved as reason:
            found = self._difference(before, after, relation, points=12)
            sides = "".join(f"\n  line {number}:  {text(side)}" for number, side in zip(numbers, (before, after)))
            if found is None:
                raise DerivationError(f"{step}: not proved. {_sentence(str(reason))} No values were found at which the two "
                                      f"lines differ; add a condition to `given`, or a step between them.{sides}") from None
            point, values = found
            values = "".join(f"\n  line {number} = {shown}" for number, shown in zip(numbers, values))
            verdict = "the two lines are not equal" if relation == "=" else f"the line does not satisfy {relation}"
            at = f"\n  at {point}" if point else ""
            raise DerivationError(f"{step}: {verdict}{sides}{at}{values}") from None
        except LanguageError as error:
            raise DerivationError(f"{step}: {error}") from None
        found = self._difference(before, after, relation, points=POINTS)
        if found is not None:
            raise DerivationError(f"{step}: proved, but at {found[0]} the two lines are {found[1][0]} and {found[1][1]}. "
                                  "One of the two oracles is wrong; please report this derivation.")

    def _difference(self, before, after, relation, points):
        """The first of some random points at which the step fails, with the two values there."""
        for seed in range(points):
            point = self._point(seed)
            if point is None:
                continue
            values = [self._value(side, seed) for side in (before, after)]
            if values[0] is None and values[1] is None:
                continue
            if None in values or _violates(*values, relation):
                return point.show(), [_shown(v) for v in values]
        return None

    def _point(self, seed):
        """The same random point for every step; None where its values leave a definition without a value."""
        if seed not in self._points:
            point = Point(f"{self.label}:{seed}", self._constraints, self.definitions, self._fixed)
            try:
                self._admits(point)
            except Undefined:
                point = None
            self._points[seed] = point, {}
        return self._points[seed][0]

    def _value(self, side, seed):
        point, values = self._points[seed]
        if side not in values:
            try:
                values[side] = value(side, point)
            except Undefined:
                values[side] = None
        return values[side]

    def _admits(self, point):
        """Draw values until the conditions on several names hold together."""
        several = [c for c in self.given if not _single_name(c) and not isinstance(c, sp.Eq)]
        for attempt in range(200):
            if all(value(condition, point) for condition in several):
                return True
            point.drawn.clear()
            point.seed = f"{point.seed}:{attempt}"
        raise LanguageError(f"no values were found that satisfy {', '.join(text(c) for c in several)}")

    def _count_controls(self, before, after, relation, step):
        count = 0
        if relation != "=":
            turned = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}[relation]
            try:
                prove(before, after, self._rules, turned)
            except NotProved:
                count = 1
            else:
                raise DerivationError(f"{step}: the relation was accepted the other way round as well")
        for kind, wrong in perturbed(after, limit=3 * CONTROLS_PER_STEP):
            if count == CONTROLS_PER_STEP:
                break
            try:
                # A version that is equal after all (a factor 1 dropped) is not wrong, so it is no control.
                if self._difference(before, wrong, relation, points=POINTS if relation == "=" else 12) is None:
                    continue
            except (TypeError, ValueError):
                pass
            try:
                prove(before, wrong, self._rules, relation)
            except (NotProved, LanguageError, TypeError, ValueError):
                count += 1
            else:
                raise DerivationError(f"{step}: a wrong version of the line was accepted ({kind}): {text(wrong)}")
        if not count:
            raise DerivationError(f"{step}: no wrong version of the line could be made, so this check cannot fail")
        return count

    # What it shows

    kind = "derivation"

    def row(self):
        """What the ledger keeps."""
        return {
            "kind": self.kind, "label": self.label, "statement": f"${self.statement}$", "steps": len(self.reasons),
            "method": f"proved in {self.summary.split(',')[0].replace(' proved', '')} for {self.scope}",
            "scope": self.scope, "given": [text(c) for c in self.given], "general": self.general, "controls": self.controls,
        }

    @property
    def general(self):
        """Whether every sum runs over a symbolic range: a proof for n = 3 is an example."""
        return not any(limit[1].is_number and limit[2].is_number
                       for line in self.lines for s in line.atoms(sp.Sum, sp.Product) for limit in s.limits)

    @property
    def statement(self):
        """The result in LaTeX: the first line, the relation of the whole chain, the last line."""
        return f"{latex(self.lines[0])} {RELATIONS[self.relation]} {latex(self.lines[-1])}"

    @property
    def relation(self):
        """The relation between the first line and the last."""
        signs = "".join(dict.fromkeys("".join(self.relations)))
        strict = any(r in "<>" for r in self.relations)
        direction = "<" if "<" in signs else ">" if ">" in signs else ""
        if "<" in signs and ">" in signs:
            raise DerivationError(f"derivation {self.label!r} goes up and down, so its ends are not comparable")
        return direction + ("" if strict and direction else "=")

    @property
    def scope(self):
        """For which values and sizes the derivation holds, in words."""
        used = set().union(*[_names(line, self.definitions) for line in self.lines])
        used |= {size for shape in self.shapes.values() for size in re.findall(r"[a-zA-Z]\w*", str(shape))}
        sizes = [name for name in SIZES if name in used]
        reals = sorted(s for s in used if s not in SIZES)
        parts = [f"all real {', '.join(reals)}"] if reals and not sizes else []
        return " and ".join([f"all {', '.join(sizes)}"] * bool(sizes) + parts) or "all values"

    def __str__(self):
        conditions = "".join(f", given {text(c)}" for c in self.given)
        width = max((len(text(line)) for line in self.lines[1:]), default=0)
        rows = [f"{self.label}, for {self.scope}{conditions}", f"  {text(self.lines[0])}"]
        for relation, line, reason in zip(self.relations, self.lines[1:], self.reasons):
            rows.append(f"  {relation} {text(line):{width}}    {reason.replace('`', '')}")
        return "\n".join([*rows, self.summary])

    @property
    def summary(self):
        steps = len(self.reasons)
        return f"{steps} step{'s' * (steps != 1)} proved, {self.controls} wrong versions rejected"

    def _repr_latex_(self):
        rows = []
        start = latex(self.lines[0])
        alone = len(re.sub(r"\\[a-zA-Z]+|[{}^_ ]", "", start)) > 24
        first = rf"& {start} \\" + "\n" if alone else start + " "
        for relation, line, reason in zip(self.relations, self.lines[1:], self.reasons):
            indent = r"\quad " if alone else ""
            rows.append(rf"&{indent}{RELATIONS[relation]} {latex(line)} && {_typeset(reason, self.shapes)}")
        notes = [rf"{latex(parse(head))} = {latex(parse(body, self.shapes))}" for head, body in self.where.items()]
        notes = [r"\text{where } " + r",\quad ".join(notes)] if notes else []
        if self.given:
            notes.append(r"\text{for } " + r",\; ".join(latex(c) for c in self.given))
        tail = "".join(rf" \\[2pt] & \small {note}" for note in notes)
        stamp = rf" \\[2pt] & \small \checkmark\ \text{{{self.summary}, for {self.scope}}}"
        return "$$\\begin{aligned}\n" + first + " \\\\\n".join(rows) + tail + stamp + "\n\\end{aligned}$$"

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/latex": self._repr_latex_(), "text/plain": str(self)}


def definitions_of(where=None, shapes=None):
    """For every name that has a definition, its parameters and its body."""
    definitions = {}
    for head, body in {**STANDARD, **(where or {})}.items():
        name = parse(head)
        parameters = name.indices if isinstance(name, sp.Indexed) else name.args
        # A parameter is a number, even where its name stands for a vector elsewhere.
        outside = {k: v for k, v in (shapes or {}).items() if k not in map(str, parameters)}
        definitions[_key(name)] = (tuple(parameters), parse(body, outside))
    return definitions


def _key(e):
    return e.base.name if isinstance(e, sp.Indexed) else e.name if isinstance(e, sp.Symbol) else e.func.__name__


def _typeset(reason, shapes):
    parts = re.split(r"`([^`]*)`", reason)
    shown = []
    for position, part in enumerate(parts):
        if position % 2:
            shown.append(latex(parse(part, shapes)))
        elif part:
            escaped = re.sub(r"([%&#_$])", r"\\\1", part)
            shown.append(rf"\text{{{escaped}}}")
    return "".join(shown)


def _sentence(reason):
    return reason[0].upper() + reason[1:] + "."


def _names(e, definitions, seen=()):
    """The names of numbers that a line speaks of, definitions unfolded."""
    names = set()
    for atom in sp.preorder_traversal(e):
        key = atom.base.name if isinstance(atom, sp.Indexed) else getattr(getattr(atom, "func", None), "__name__", None) \
            if isinstance(atom, sp.core.function.AppliedUndef) else atom.name if isinstance(atom, sp.Symbol) else None
        if key in definitions and key not in seen:
            parameters, body = definitions[key]
            names |= _names(body, definitions, (*seen, key)) - {p.name for p in parameters}
    bound = {limit[0].name for s in e.atoms(sp.Sum, sp.Product) for limit in s.limits}
    bases = {a.base.name for a in e.atoms(sp.Indexed)}
    return names | {s.name for s in e.free_symbols if isinstance(s, sp.Symbol) and s.name not in bound | bases
                    and (not s.is_integer or s.is_positive) and s.name not in definitions}


def _violates(left, right, relation):
    if relation == "=":
        return differ(left, right)
    gap = right - left if relation in ("<", "<=") else left - right
    slack = 1e-20 * (1 + abs(left) + abs(right))
    return gap < -slack if "=" in relation else gap <= 0


def _shown(number):
    if number is None:
        return "not defined"
    if isinstance(number, list):
        return "[" + ", ".join(_shown(entry) for entry in number) + "]"
    return mpmath.nstr(mpmath.mpf(number), 6).removesuffix(".0")


def _single_name(condition):
    names = {a.base.name if isinstance(a, sp.Indexed) else a.name for a in condition.atoms(sp.Symbol, sp.Indexed)
             if not (isinstance(a, sp.Symbol) and a.is_integer)}
    bases = {a.base.label.name for a in condition.atoms(sp.Indexed)}
    integers = [a for a in condition.free_symbols if isinstance(a, sp.Symbol) and a.is_integer]
    outside = [a for a in integers if not bases]
    return len(names | bases) == 1 and not outside and not condition.has(sp.core.function.AppliedUndef)


def _constraints(given):
    """For each name, the finite sets it lies in and the conditions that mention it alone."""
    constraints = {}
    for condition in given:
        if not _single_name(condition):
            continue
        atoms = condition.atoms(sp.Indexed) or condition.atoms(sp.Symbol)
        atom = next(iter(atoms))
        name = atom.base.name if isinstance(atom, sp.Indexed) else atom.name
        sets, predicates = constraints.setdefault(name, ([], []))
        if isinstance(condition, sp.Contains):
            sets.extend(int(v) if v.is_Integer else v for v in condition.args[1].args)
        elif isinstance(condition, sp.Eq):
            continue
        else:
            stand_in = sp.Symbol("value_", real=True)
            test = condition.xreplace({atom: stand_in})
            predicates.append(lambda v, test=test: value(test, Point(0), {"value_": v}))
    return constraints
