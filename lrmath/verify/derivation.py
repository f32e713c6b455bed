"""A derivation: lines of mathematics, each proved equal to the one before it, typeset from what was proved."""

import re
from itertools import combinations

import mpmath
import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational

from .controls import perturbed
from .evaluate import Point, Undefined, differ, value
from .language import SIZES, At, Elementwise, LanguageError, Lim, array, entry_name, function, parse, signature, symbol
from .ledger import register
from .printing import latex, text
from .proof import NotProved, Rules, prove, text_or_str

#: What every chapter means by these names; `where` adds to it.
STANDARD = {
    "sigma(z)": "1/(1 + exp(-z))",
    "logit(p)": "log(p/(1 - p))",
    "softplus(z)": "log(1 + exp(z))",
    "L(y, p)": "-y*log(p) - (1 - y)*log(1 - p)",
}
# Points at which both lines must agree; one of them has sizes 1 and 2. More are tried where the lines have no value.
POINTS = 3
MOST_POINTS = 12
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
        self.reasons = []
        self.relations = []
        self.controls = 0
        given = [given] if isinstance(given, (str, sp.Basic)) else given
        try:
            _refuse_twins(self.shapes)
            self.definitions = definitions_of(self.where, self.shapes)
            self.given = [parse(condition) for condition in given]
            self._rules = Rules(self.given, self.definitions)
            self.lines = [self._line(start)]
        except LanguageError as error:
            raise DerivationError(f"derivation {label!r}: {error}") from None
        self._constraints = _constraints(self.given)
        self._fixed = [c.args for c in self._rules.given if isinstance(c, sp.Eq)]
        self._points = {}
        fixed_well = all(holds(value(fixed, Point(0))) for entry, fixed in self._fixed if fixed.is_number
                         for holds in self._constraints.get(signature(entry), ([], []))[1])
        if self.given and not (fixed_well and any(self._point(seed) for seed in range(POINTS))):
            raise DerivationError(f"derivation {label!r}: no values were found that satisfy "
                                  f"{', '.join(text(c) for c in self.given)}")

    def _line(self, line):
        line = parse(line, self.shapes)
        if not isinstance(line, sp.Expr):
            raise LanguageError(f"{text(line)} is a condition, and a line is a number or a matrix; give the relation by "
                                "relation=\"<=\" and the like")
        return line

    def then(self, line, because, relation="="):
        """Add a line, after proving that it follows from the one before.

        Parameters
        ----------
        line : str or sympy expression
        because : str
            The reason, shown beside the line. A formula in backticks is typeset; an equation or an inequality there is
            proved as well.
        relation : {"=", "<", "<=", ">", ">="}

        Raises
        ------
        DerivationError
            The line is wrong, or not proved, or a wrong version of it was accepted.
        """
        if relation not in RELATIONS:
            raise ValueError(f"relation is {relation!r}; it must be one of {', '.join(RELATIONS)}")
        if {relation, *self.relations} & {"<", "<="} and {relation, *self.relations} & {">", ">="}:
            raise DerivationError(f"derivation {self.label!r} goes up and down, so its ends are not comparable: "
                                  f"{relation!r} after {', '.join(self.relations)}")
        step = f"derivation {self.label!r}, step {len(self.reasons) + 1} ({because})"
        try:
            before, after = self.lines[-1], self._line(line)
            _refuse_lookalikes([*self.lines, after, *self.given, *(body for _, body in self.definitions.values())])
            claims = [claim for formula in _formulas(because)
                      for claim in sp.And.make_args(parse(formula, self.shapes)) if not isinstance(claim, sp.Expr)]
        except LanguageError as error:
            raise DerivationError(f"{step}: {error}") from None
        self._check(before, after, relation, step)
        for claim in claims:
            if not isinstance(claim, Relational):
                raise DerivationError(f"{step}, in its reason: {text(claim)} cannot be proved; say it in words")
            self._check(*claim.args, claim.rel_op.replace("==", "="), f"{step}, in its reason")
        controls = self._count_controls(before, after, relation, step)
        self.controls += controls
        self.lines.append(after)
        self.reasons.append(because)
        self.relations.append(relation)
        register(self)
        return self

    def _check(self, before, after, relation, step):
        numbers = len(self.lines), len(self.lines) + 1
        sides = "".join(f"\n  line {number}:  {text_or_str(side)}" for number, side in zip(numbers, (before, after)))
        try:
            reason = None
            prove(before, after, self._rules, relation)
        except NotProved as error:
            reason = _sentence(str(error))
        except LanguageError as error:
            raise DerivationError(f"{step}: {error}{sides}") from None
        except RecursionError:
            reason = "The lines are too deep for the rules."
        found = self._difference(before, after, relation, points=MOST_POINTS if reason else POINTS)
        if found is NOWHERE:
            raise DerivationError(
                f"{step}: not proved. Neither line has a value at any point that was tried.{sides}") from None
        if reason is None:
            if found is not None:
                point, (left, right) = found
                raise DerivationError(f"{step}: proved, but at {point} the two lines are {left} and {right}. "
                                      "One of the two oracles is wrong; please report this derivation.")
            return
        if found is None:
            raise DerivationError(f"{step}: not proved. {reason} No values were found at which the step fails; "
                                  f"add a condition to `given`, or a step between them.{sides}") from None
        point, values = found
        values = "".join(f"\n  line {number} = {shown}" for number, shown in zip(numbers, values))
        verdict = "the two lines are not equal" if relation == "=" else f"the line does not satisfy {relation}"
        at = f"\n  at {point}" if point else ""
        if "given" in reason:
            values += f"\n  {reason}"
        raise DerivationError(f"{step}: {verdict}{sides}{at}{values}") from None

    def _difference(self, before, after, relation, points):
        """The first of some random points at which the step fails, with the two values there; None if it holds at all."""
        tried = 0
        for seed in range(MOST_POINTS):
            point = self._point(seed)
            if point is None:
                continue
            values = [self._value(side, seed) for side in (before, after)]
            if values[0] is None and values[1] is None:
                continue
            if None in values or _violates(*values, relation):
                return point.show(), [_shown(v) for v in values]
            tried += 1
            if tried == points:
                break
        return None if tried else NOWHERE

    def _point(self, seed):
        """The same random point for every step; None where its values leave a definition without a value."""
        if seed not in self._points:
            # The second point has sizes 1 and 2, where indices coincide and sums are short.
            point = Point(f"{self.label}:{seed}", self._constraints, self.definitions, self._fixed, small=seed == 1)
            self._points[seed] = (point if self._admits(point) else None), {}
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
        """Draw values until all conditions hold together."""
        apart = [c for c in self.given if not _single_name(c) or _defined(c, self.definitions)]
        for attempt in range(200):
            try:
                for name, rank in self._constraints:
                    value(sp.Indexed(array(name), *[1] * rank) if rank else symbol(name), point)
                if all(value(condition, point) for condition in apart):
                    return True
            except Undefined:
                pass
            if not apart:
                return False
            point.drawn.clear()
            point.seed = f"{point.seed}:{attempt}"
        return False

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
                if self._difference(before, wrong, relation, points=POINTS if relation == "=" else MOST_POINTS) is None:
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
            "method": f"{self._steps}{self._for_scope()}{self._conditions()}",
            "scope": self.scope, "for": self._scope_latex(), "given": [text(c) for c in self.given],
            "general": self.general, "controls": self.controls,
            # What the boxes of the theorems are compared with.
            "lines": [latex(line) for line in self.lines], "relations": [RELATIONS[r] for r in self.relations],
            "conditions": [latex(c) for c in self.given],
            "where": [[latex(parse(head)), latex(parse(body, self.shapes))] for head, body in self.where.items()],
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
        """The relation between the first line and the last: one "<" makes the whole chain strict."""
        return min(self.relations, key=["<", ">", "<=", ">=", "="].index, default="=")

    def _free(self):
        """The sizes and the real numbers that the lines speak of."""
        used = set().union(*[_names(line, self.definitions) for line in self.lines])
        used |= {size for shape in self.shapes.values() for size in re.findall(r"[a-zA-Z]\w*", str(shape))}
        used |= {s.name for condition in self.given for s in condition.free_symbols if str(s) in SIZES}
        sizes = [name for name in SIZES if name in used]
        return sizes, sorted(used - set(SIZES))

    def _scope_latex(self):
        sizes, reals = self._free()
        return f"${_typeset_names(sizes)}$" if sizes else rf"${_typeset_names(reals)} \in \mathbb R$" if reals else ""

    @property
    def scope(self):
        """For which values and sizes the derivation holds, in words."""
        sizes, reals = self._free()
        parts = [f"all real {', '.join(reals)}"] if reals and not sizes else []
        return " and ".join([f"all {', '.join(sizes)}"] * bool(sizes) + parts)

    def __str__(self):
        width = max((len(text(line)) for line in self.lines[1:]), default=0)
        rows = [f"{self.label}{self._for_scope(',')}{self._conditions()}", f"  {text(self.lines[0])}"]
        for relation, line, reason in zip(self.relations, self.lines[1:], self.reasons):
            rows.append(f"  {relation} {text(line):{width}}    {reason.replace('`', '')}")
        return "\n".join([*rows, self.summary])

    @property
    def summary(self):
        return f"{self._steps}, {self._rejected}"

    def _for_scope(self, comma=""):
        return f"{comma} for {self.scope}" if self.scope else ""

    def _conditions(self):
        return " with " * bool(self.given) + ", ".join(text(c) for c in self.given)

    @property
    def _steps(self):
        return f"{len(self.reasons)} step{'s' * (len(self.reasons) != 1)} proved"

    @property
    def _rejected(self):
        return f"{self.controls} wrong version{'s' * (self.controls != 1)} rejected"

    def _used(self):
        """The definitions that the lines rest on, directly or through another one."""
        used, lines = set(), [*self.lines, *self.given]
        while lines:
            line = lines.pop()
            names = {signature(a) for a in line.atoms(sp.Symbol, sp.Indexed, AppliedUndef)}
            names |= {signature(array(entry_name(m.name))[(1,) * (1 + (m.shape[1] != 1))]) for m in line.atoms(sp.MatrixSymbol)}
            names |= {signature(function(e.args[0].name)(0)) for e in line.atoms(Elementwise)}
            lines += [self.definitions[name][1] for name in names & self.definitions.keys() - used]
            used |= names
        return used

    def _repr_latex_(self):
        """The lines with their reasons, then what they rest on, then what was checked."""
        start = latex(self.lines[0])
        # A long first line stands alone, so that the relation signs of the others stay on the page.
        signs = lambda shown: len(re.sub(r"\\[a-zA-Z]+|[{}^_ ]", "", shown))
        longest = max((signs(latex(line)) for line in self.lines[1:]), default=0)
        alone = signs(start) > 24 or signs(start) > 12 and signs(start) + longest > 56
        rows = [f"& {start}"] if alone else []
        for relation, line, reason in zip(self.relations, self.lines[1:], self.reasons):
            left = "" if alone or rows else start + " "
            gap = r"\quad " if alone else ""
            rows.append(f"{left}&{gap}{RELATIONS[relation]} {latex(line)} && {_typeset(reason, self.shapes)}")
        notes = []
        used = self._used()
        definitions = [f"{latex(parse(head))} = {latex(parse(body, self.shapes))}"
                       for head, body in self.where.items() if signature(parse(head)) in used]
        if definitions:
            notes.append(r"\text{where }" + r",\quad ".join(definitions))
        sizes, reals = self._free()
        scope = r"\text{ for all }" + _typeset_names(sizes) if sizes else r"\text{ for all real }" * bool(reals) + _typeset_names(reals)
        conditions = r"\text{ with }" * bool(self.given) + r",\ ".join(map(latex, self.given))
        notes.append(rf"\checkmark\ \text{{{self._steps}}}{scope}{conditions}\text{{; {self._rejected}}}")
        lines = " \\\\\n".join(rows)
        return ("$$\\begin{array}{l}\n\\begin{aligned}\n" + lines + "\n\\end{aligned}"
                + "".join(rf" \\[4pt]{chr(10)}\small {note}" for note in notes) + "\n\\end{array}$$")

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/latex": self._repr_latex_(), "text/plain": str(self)}


def definitions_of(where=None, shapes=None):
    """For the signature of every name that has a definition, its parameters and its body."""
    definitions = {}
    for head, body in {**STANDARD, **(where or {})}.items():
        name = parse(head)
        parameters = tuple(name.indices if isinstance(name, sp.Indexed) else name.args)
        if signature(name) is None or len(set(parameters)) < len(parameters) or not all(
                isinstance(p, sp.Symbol) for p in parameters):
            raise LanguageError(f"{head!r} cannot be defined: only a name, an entry such as p[i], or a function f(z)")
        if head in (shapes or {}):
            raise LanguageError(f"{head!r} has a shape, so define its entries: {head}[i]")
        # A parameter is a number, even where its name stands for a vector elsewhere.
        outside = {k: v for k, v in (shapes or {}).items() if k not in map(str, parameters)}
        expression = parse(body, outside)
        if not isinstance(expression, sp.Expr) or expression.is_Matrix:
            raise LanguageError(f"{head!r} must be defined as a number, not as {body!r}")
        definitions[signature(name)] = parameters, expression
    for name in definitions:
        _refuse_circle(name, definitions, ())
    return definitions


def _refuse_twins(shapes):
    """X has the entries x[i, j]: beside it, a matrix x would be the same one."""
    for one, other in combinations(shapes, 2):
        if entry_name(one) == entry_name(other):
            raise LanguageError(f"{one} and {other} would have the same entries; write another letter for one of them")


def _refuse_circle(name, definitions, above):
    if name in above:
        raise LanguageError(f"the definition of {name[0]} leads back to {name[0]}")
    parameters, body = definitions[name]
    for atom in body.atoms(sp.Symbol, sp.Indexed, AppliedUndef):
        if signature(atom) in definitions and atom not in parameters:
            _refuse_circle(signature(atom), definitions, (*above, name))


def _refuse_lookalikes(expressions):
    """Two variables that look the same would let a reader see a formula that was not proved."""
    names = set().union(*[e.atoms(sp.Symbol, sp.Indexed, sp.MatrixSymbol) for e in expressions])
    for a, b in combinations(sorted(names, key=sp.default_sort_key), 2):
        if signature(a) != signature(b) and str(a) != str(b) and latex(a) == latex(b):
            raise LanguageError(f"{text(a)} and {text(b)} look the same when typeset; write one of them throughout")


def _defined(condition, definitions):
    return any(signature(a) in definitions for a in condition.atoms(sp.Symbol, sp.Indexed, AppliedUndef))


def _formulas(reason):
    return re.findall(r"`([^`]*)`", reason)


def _typeset_names(names):
    return ", ".join(latex(symbol(name)) for name in names)


def _typeset(reason, shapes):
    parts = re.split(r"`([^`]*)`", reason)
    shown = []
    for position, part in enumerate(parts):
        if position % 2:
            shown.append(latex(parse(part, shapes)))
        elif part:
            # Text stays text: a brace or a backslash would let it pass for mathematics.
            escaped = re.sub(r"[%&#_${}^~\\]", lambda m: _ESCAPES.get(m[0], "\\" + m[0]), part)
            shown.append(rf"\text{{{escaped}}}")
    return "".join(shown)


_ESCAPES = {"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}"}


def _sentence(reason):
    return reason[0].upper() + reason[1:] + "."


def _names(e, definitions, seen=()):
    """The names of numbers that a line speaks of, definitions unfolded."""
    names = set()
    for atom in e.atoms(sp.Symbol, sp.Indexed, AppliedUndef):
        key = signature(atom)
        if key in definitions and key not in seen:
            parameters, body = definitions[key]
            names |= _names(body, definitions, (*seen, key)) - {p.name for p in parameters}
    bound = {limit[0].name for s in e.atoms(sp.Sum, sp.Product) for limit in s.limits}
    bound |= {str(s.args[1]) for s in e.atoms(At, Lim)}
    bases = {a.base.name for a in e.atoms(sp.Indexed)}
    return names | {s.name for s in e.free_symbols if isinstance(s, sp.Symbol) and s.name not in bound | bases
                    and (not s.is_integer or s.is_positive) and signature(s) not in definitions}


# What `_difference` gives when no point leaves both lines a value: then nothing was compared.
NOWHERE = ("", ("not defined", "not defined"))


def _violates(left, right, relation):
    if relation == "=":
        return differ(left, right)
    if relation == "!=":
        return not differ(left, right)
    if isinstance(left, list) or isinstance(right, list):
        return True
    gap = right - left if relation in ("<", "<=") else left - right
    slack = 1e-20 * (1 + abs(left) + abs(right))
    return not (gap >= -slack if "=" in relation else gap > 0)


def _shown(number):
    if number is None:
        return "not defined"
    if isinstance(number, list):
        return "[" + ", ".join(_shown(entry) for entry in number) + "]"
    return mpmath.nstr(mpmath.mpf(number), 6).removesuffix(".0")


def _single_name(condition):
    """Whether a condition mentions one name alone, so that its values can be drawn to satisfy it."""
    atoms = condition.atoms(sp.Indexed) or condition.atoms(sp.Symbol)
    indices = {index for a in atoms for index in getattr(a, "indices", ())}
    others = condition.free_symbols - indices - {a for a in atoms} - {b for a in atoms if isinstance(a, sp.Indexed)
                                                                     for b in a.base.free_symbols | {a.base}}
    special = condition.has(AppliedUndef, sp.Sum, sp.Product) or any(index.is_Integer for index in indices)
    return len(atoms) == 1 and not others and not special


def _constraints(given):
    """For the signature of each name, the set it lies in and the conditions that mention it alone."""
    constraints = {}
    for condition in given:
        if not _single_name(condition):
            continue
        atom = next(iter(condition.atoms(sp.Indexed) or condition.atoms(sp.Symbol)))
        sets, predicates = constraints.setdefault(signature(atom), ([], []))
        if isinstance(condition, sp.Contains):
            sets.extend(condition.args[1].args)
        elif not isinstance(condition, sp.Eq):
            stand_in = sp.Symbol("value_", real=True)
            test = condition.xreplace({atom: stand_in})
            predicates.append(lambda v, test=test: value(test, Point(0), {"value_": v}))
    return constraints
