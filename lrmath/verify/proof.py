"""The first oracle: a proof that two lines are equal, for all values and all sizes.

A proof has three parts. *Meaning*: definitions are unfolded and derivatives, limits and entries of matrices are carried
out; on the way, every division and every logarithm leaves an obligation (this must not be zero, this must be positive).
*Obligations*: each must follow from the conditions that are given. *Equality*: the difference of the two meanings is
reduced to exactly zero. Sums with symbolic bounds are reduced by the rules of finite sums:

    c Sum f = Sum c f            Sum f + Sum g = Sum (f + g)        Sum_i Sum_k f = Sum_k Sum_i f
    Sum_k f(k) delta_kj = f(j)   if lo <= j <= hi is given          log Product f = Sum log f  if f > 0
    Sum_{k=0}^{d} f(k) = f(0) + Sum_{k=1}^{d} f(k)                  Sum_{i=1}^{n} c = n c

so two sums are equal when their terms are, for an index that stands for every place. A sum with high = low - 1 is empty,
and the last rule is used only where low - 1 <= high is known. A rule that fails leaves a step unproved; none of them can
make a wrong step right.
"""

import random
from itertools import pairwise, permutations, product

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.matrices.expressions import (
    DiagMatrix,
    HadamardProduct,
    MatrixSymbol,
    OneMatrix,
)

from .language import (
    ELEMENTWISE,
    INDICES,
    KEEP_FORM,
    At,
    D,
    Elementwise,
    Entry,
    Grad,
    Jacobian,
    LanguageError,
    Lim,
    array,
    entry_name,
    function,
    index_range,
    show_shape,
    signature,
)
from .printing import text


class NotProved(Exception):
    """The proof was not found: the step may be wrong, or a condition is missing, or the rules do not reach it."""


class Rules:
    """What may be used in a proof: the conditions that are given, and the definitions of names.

    Parameters
    ----------
    given : list of SymPy conditions
        A condition on ``p[i]`` holds for every i; one on ``x[i, 0]`` for every i, but for column 0 only.
    definitions : dict
        For the signature of a name, a tuple of parameters and a body.
    """

    def __init__(self, given=(), definitions=None):
        self.definitions = definitions or {}
        self.split = False     # whether the term of index 0 is written apart, see `split_where_needed`
        self._memory = {}      # what was worked out before, for the lines and sums that come again
        self.given = [part for condition in given for part in sp.And.make_args(condition)]
        self.bounds = {}       # for an index of a sum, its first and last value
        self.values = {}       # for a name, the finite set of its values
        self.ends = {}         # for a name, the ends of its range and whether they belong to it
        self.forms = {}        # for a name, what makes its condition hold by itself: 0 < p < 1 is p = u/(1 + u), u > 0
        self.fixed = []        # (entry, value) for equations such as x[i, 0] == 1, true for every i
        self.known = []        # (expression, "positive" | "nonnegative" | "nonzero") for every other condition
        for condition in self.given:
            if isinstance(condition, sp.Contains):
                _require_every_place(condition.args[0], condition)
                self.values[signature(condition.args[0])] = list(condition.args[1].args)
            elif isinstance(condition, sp.Eq):
                _require_equation(condition)
                if any(matches(condition.lhs, pattern) or matches(pattern, condition.lhs) for pattern, _ in self.fixed):
                    raise LanguageError(f"two equations are given for {text(condition.lhs)}")
                self.fixed.append(condition.args)
            elif isinstance(condition, sp.Ne):
                self.known.append((condition.lhs - condition.rhs, "nonzero"))
            elif condition.is_Relational:
                kind = "positive" if isinstance(condition, (sp.Lt, sp.Gt)) else "nonnegative"
                self.known.append((condition.gts - condition.lts, kind))
            else:
                raise LanguageError(f"{text_or_str(condition)} is not a condition, such as 0 < p")
        self._choose_forms()

    def _choose_forms(self):
        for expression, kind in self.known:
            names = [a for a in expression.atoms(sp.Symbol, sp.Indexed) if not a.is_integer and signature(a)]
            if len(names) != 1 or not _is_every_place(names[0]):
                continue
            slope = expression.diff(names[0])
            if slope not in (1, -1):
                continue
            end = -(expression - slope * names[0]) * slope
            if end.is_number:
                side = "hole" if kind == "nonzero" else "low" if slope == 1 else "high"
                self.ends.setdefault(signature(names[0]), {})[side] = (end, kind)
        for name, ends in self.ends.items():
            low, high = ends.get("low"), ends.get("high")
            if low and high and low[1] == high[1] == "positive":
                self.forms[name] = "positive", lambda u, lo=low[0], hi=high[0]: (lo + hi * u) / (1 + u)
            else:
                end, kind = low or high or ends["hole"]
                self.forms[name] = kind, lambda u, end=end, side=-1 if high and not low else 1: end + side * u

    def substitute_forms(self, e):
        if not self.forms:
            return e
        swap = {}
        for atom in e.atoms(sp.Symbol, sp.Indexed):
            name = signature(atom)
            if name in self.forms and not atom.is_integer:
                kind, form = self.forms[name]
                free = f"{name[0]}'free"
                if isinstance(atom, sp.Indexed):
                    swap[atom] = form(sp.Function(free, **{kind: True})(*atom.indices))
                else:
                    swap[atom] = form(sp.Symbol(free, **{kind: True}))
        return e.xreplace(swap)

    # Facts

    def is_nonnegative_integer(self, e):
        """Whether e >= 0 follows for an integer expression in indices and sizes, from one condition or from two."""
        e = sp.expand(e)
        if e.is_nonnegative:
            return True
        facts = [k - int(kind == "positive") for k, kind in self.known if k.is_integer and kind != "nonzero"]
        for index in e.free_symbols & self.bounds.keys():
            low, high = self.bounds[index]
            facts += [index - low, high - index]
        return any(sp.expand(e - f).is_nonnegative for f in facts) or any(
            sp.expand(e - f - g).is_nonnegative for f in facts for g in facts)

    def remember(self, work, *key):
        key = work.__name__, self.split, *key
        if key not in self._memory:
            self._memory[key] = work(*key[2:])
        return self._memory[key]

    def split_where_needed(self, *sides):
        """Sums from 0 and from 1 meet only where column 0 stands apart; elsewhere splitting doubles the work."""
        ends = {limit[1:] for side in sides for s in side.atoms(sp.Sum) for limit in s.limits}
        self.split = any((1, high) in ends for low, high in ends if low == 0) or any(
            0 in e.indices for side in sides for e in side.atoms(sp.Indexed))

    def has(self, e, kind):
        """Whether an expression is positive, nonnegative or nonzero wherever the conditions hold."""
        return self.remember(self._has, e, kind)

    def _has(self, e, kind):
        if kind == "covered":
            return self.is_zero(e - 1)
        e = self.substitute_forms(e)
        # As written first: a sum of squares shows its sign only as long as nobody expands it.
        if _is_visibly(self.settle(e), kind):
            return True
        e = self.settle(self.canonical(e))
        if _is_visibly(e, kind):
            return True
        for known, known_kind in self.known:
            # e is a positive multiple of what is known, or such a multiple and something not negative.
            fact = self.settle(self.canonical(self.substitute_forms(known)))
            ratio = sp.cancel(e / fact) if fact != 0 else sp.Integer(0)
            if known_kind in (kind, "positive") and (ratio.is_positive or kind == "nonzero" and ratio.is_negative):
                return True
            share = sp.expand(e).coeff(sp.Add.make_args(fact)[-1])
            if known_kind != "nonzero" and share.is_positive:
                rest = self.settle(e - share * fact)
                if rest.is_positive or rest.is_nonnegative and (known_kind == "positive" or kind == "nonnegative"):
                    return True
        if e.is_Mul or e.is_Pow and e.exp.is_Integer:
            return all(self.has(factor.as_base_exp()[0], kind) for factor in sp.Mul.make_args(e))
        return False

    def settle(self, e):
        """A form in which SymPy can see the sign: one fraction, factored, sums of positive terms named."""
        def name_sum(s):
            *inner, (index, low, high) = s.limits
            body = sp.Sum(s.function, *inner) if inner else s.function
            filled = self.is_nonnegative_integer(high - low)
            for kind in ("positive", "nonnegative"):
                if (filled or kind == "nonnegative") and getattr(self.settle(body), "is_" + kind):
                    return sp.Dummy(**{kind: True})
            return sp.Dummy(real=True)

        e = e.replace(lambda s: isinstance(s, sp.Sum), name_sum)
        e, back = _exponentials_to_symbols(e)
        # exp(a) exceeds 1 where a is positive.
        exponents = {u: power.args[0] for u, power in back.items() if isinstance(power, sp.exp)}
        above_one = {u: 1 + sp.Dummy(**{"positive" if a.is_positive else "nonnegative": True})
                     for u, a in exponents.items() if a.is_nonnegative}
        return sp.factor(sp.together(e.xreplace(above_one))).xreplace(back)

    # Meaning

    def meaning(self, e, obligations, hidden=frozenset()):
        """Unfold definitions and carry out derivatives, limits and entries; collect what must hold for that."""
        result, mine = self.remember(self._meaning, e, hidden)
        obligations += mine
        return result

    def _meaning(self, e, hidden):
        obligations = []
        return self._unfold(e, obligations, hidden), obligations

    def _unfold(self, e, obligations, hidden):
        again = lambda x: self.meaning(x, obligations, hidden)
        if e.is_Number or isinstance(e, (sp.core.numbers.NumberSymbol, sp.logic.boolalg.BooleanAtom)):
            return e
        if isinstance(e, (sp.Symbol, sp.Indexed)):
            if signature(e) in self.definitions and signature(e) not in hidden:
                return again(self._instance(e, getattr(e, "indices", ())))
            return e
        if isinstance(e, AppliedUndef):
            arguments = [again(a) for a in e.args]
            return again(self._instance(e, arguments)) if signature(e) in self.definitions else e.func(*arguments)
        if isinstance(e, (sp.Sum, sp.Product)):
            return self._meaning_of_sum(e, obligations, hidden)
        if isinstance(e, (D, At, Lim)) and any(value.has(e.args[1]) for _, value in self.fixed):
            raise NotProved(f"an equation is given with {text(e.args[1])}: does it hold for another value as well?")
        if isinstance(e, D):
            inside, variable = e.args
            mine = []
            body = self.meaning(inside, mine, hidden | {signature(variable)})
            slope = differentiate(body, variable, mine)
            # A root has no derivative at the end of its domain, so there "not negative" is not enough.
            obligations += [(again(x), "positive" if kind == "nonnegative" else kind) for x, kind in mine]
            return again(self.tidy(slope))
        if isinstance(e, At):
            inside, variable, replacement = e.args
            mine = []
            body = self.meaning(inside, mine, hidden | {signature(variable)})
            others = {a for a in body.atoms(sp.Indexed) if signature(a) == signature(variable)} - {variable}
            if others:
                raise NotProved(f"a value for {text(variable)} alone leaves open what {text(others.pop())} is")
            replacement = again(replacement)
            put = lambda x: _put(x, {variable: replacement})
            obligations += [(again(put(x)), kind) for x, kind in mine]
            return again(put(body))
        if isinstance(e, Lim):
            return self._limit(e, obligations, hidden)
        if isinstance(e, Entry):
            matrix, row, column = e.args
            self._require_place(row, matrix.shape[0])
            if matrix.shape[1] != 1:
                self._require_place(column, matrix.shape[1])
            return again(self.entry(matrix, row, column))
        if isinstance(e, sp.Piecewise):
            cases = [(again(value), self._condition(c, again)) for value, c in e.args]
            if cases[-1][1] != sp.true:
                obligations.append((sp.Piecewise(*[(sp.Integer(1), c) for _, c in cases], evaluate=False), "covered"))
            return sp.Piecewise(*cases, evaluate=False)
        arguments = [again(a) for a in e.args]
        if isinstance(e, (sp.Max, sp.Min)) and (sp.zoo in arguments or sp.nan in arguments):  # SymPy would stop with an error
            raise NotProved(f"a part of {text_or_str(e)} is not defined")
        if isinstance(e, sp.Pow):
            base, exponent = arguments
            _require_small_power(base, exponent)
            if not exponent.is_nonnegative:
                obligations.append((base, "nonzero"))
            if not exponent.is_integer:
                obligations.append((base, "nonnegative" if exponent.is_Rational and exponent > 0 else "positive"))
        if isinstance(e, sp.log):
            obligations.append((arguments[0], "positive"))
        if isinstance(e, sp.KroneckerDelta) and not all(a.is_integer for a in arguments):
            raise NotProved(f"what stands in {text_or_str(e)} is no index")
        return e.func(*arguments)

    def _condition(self, condition, again):
        if condition in (sp.true, sp.false):
            return condition
        part = (lambda c: self._condition(c, again)) if isinstance(condition, sp.And) else again
        return condition.func(*map(part, condition.args))

    def _instance(self, e, arguments):
        parameters, body = self.definitions[signature(e)]
        if len(parameters) != len(arguments):
            raise LanguageError(f"{signature(e)[0]} takes {len(parameters)} arguments, got {len(arguments)}: "
                                f"{text_or_str(e)}")
        taken = {signature(operator.args[1]) for operator in body.atoms(D, At, Lim)}
        if any(signature(a) in taken for argument in arguments for a in argument.atoms(sp.Symbol, sp.Indexed)):
            raise NotProved(f"the definition of {signature(e)[0]} has a name of its own that occurs in {text_or_str(e)}")
        # eta[i] = Sum(x[i, k]*beta[k]) used as eta[k]: the k of the sum is another k.
        bound = {limit[0] for s in body.atoms(sp.Sum, sp.Product) for limit in s.limits}
        body = _put(body, {index: sp.Dummy(index.name, integer=True) for index in sorted(bound, key=str)})
        return _put(body, dict(zip(parameters, arguments)))

    def tidy(self, e):
        """A derivative as one factored fraction under each sum: a second derivative then starts from something small."""
        if isinstance(e, sp.Add):
            return e.func(*map(self.tidy, e.args))
        if isinstance(e, sp.Sum):
            return e.func(self.tidy(e.function), *e.limits)
        if isinstance(e, sp.Mul) and e.has(sp.Sum):
            sums = [f for f in e.args if f.has(sp.Sum)]
            return sp.Mul(*map(self.tidy, sums), self.tidy(sp.Mul(*[f for f in e.args if f not in sums])))
        if not e.has(sp.exp) or e.has(sp.Piecewise, sp.Sum, sp.Product):
            return e
        named, back = _exponentials_to_symbols(e)
        return sp.factor(sp.together(named)).xreplace(back)

    def _limit(self, e, obligations, hidden):
        """A limit by SymPy, for elementary functions only, and from the side on which the variable stays."""
        inside, variable, target = e.args
        mine = []
        body = self.meaning(inside, mine, hidden | {signature(variable)})
        if any(part.has(variable) for part in body.atoms(*NO_LIMIT)):
            raise NotProved(f"no rule for the limit of {text_or_str(inside)}")
        if any(matches(variable, pattern) for pattern, _ in self.fixed):
            raise NotProved(f"an equation is given for {text(variable)}, so it does not tend to {text(target)}")
        ends = self.ends.get(signature(variable), {})
        side = "+-"
        if target.is_finite:
            side = {target: "+"}.get(ends.get("low", [None])[0], {target: "-"}.get(ends.get("high", [None])[0], "+-"))
        for x, kind in mine:
            # Near the target, and not at it: a function of this kind that is not zero everywhere has no zeros there.
            if not x.has(variable):
                obligations.append((x, kind))
            elif any(signature(a) in hidden for a in x.atoms(sp.Symbol, sp.Indexed)):
                raise NotProved(f"the conditions speak of another value than that in {text_or_str(x)}")
            elif kind == "nonzero" and self.is_zero(x):
                raise NotProved(f"{text_or_str(x)} is zero")
            elif not self.has(x, kind) and (x.free_symbols != {variable} or kind != "nonzero" and not _limit_of(
                    x, variable, target, side).is_extended_positive):
                raise NotProved(f"it does not follow from what is given that {text_or_str(x)} {_IN_WORDS[kind]} near "
                                f"{text(target)}")
        result = _limit_by_parts(body, variable, lambda part: _limit_of(part, variable, target, side))
        return self.meaning(result, obligations, hidden)

    def _meaning_of_sum(self, e, obligations, hidden):
        # Fresh index names: a derivative or a definition may use the same letter for something else.
        body, limits = e.function, []
        for index, low, high in e.limits:
            if any(signature(size) in self.definitions for size in low.free_symbols | high.free_symbols):
                raise NotProved(f"{text(low)} or {text(high)} has a definition, so it is no bound of a sum")
            fresh = sp.Dummy(index.name, integer=True)
            body = _put(body, {index: fresh})
            self.bounds[fresh] = (low, high)
            limits.append((fresh, low, high))
        return e.func(self.meaning(body, obligations, hidden), *limits)

    def _require_place(self, index, size):
        low, high = index_range(size)
        if not (self.is_nonnegative_integer(index - low) and self.is_nonnegative_integer(high - index)):
            raise NotProved(f"{text(low)} <= {text(index)} <= {text(high)} is not given")

    def entry(self, m, row, column):
        """One entry of a matrix expression, as a scalar with sums over symbolic ranges."""
        if isinstance(m, MatrixSymbol):
            return sp.Indexed(array(entry_name(m.name)), row, *([] if m.shape[1] == 1 else [column]))
        if isinstance(m, OneMatrix):
            return sp.Integer(1)
        if isinstance(m, sp.Transpose):
            return self.entry(m.args[0], column, row)
        if isinstance(m, DiagMatrix):
            return sp.Mul(self.entry(m.args[0], row, sp.Integer(0)), sp.KroneckerDelta(row, column), evaluate=False)
        if isinstance(m, Elementwise):
            name = m.args[0].name
            return ELEMENTWISE.get(name, function(name))(self.entry(m.args[1], row, column))
        if isinstance(m, Grad):
            return D(m.args[0], self.entry(m.args[1], row, column))
        if isinstance(m, Jacobian):
            return D(self.entry(m.args[0], row, sp.Integer(0)), self.entry(m.args[1], column, sp.Integer(0)))
        if isinstance(m, (sp.MatAdd, HadamardProduct)):
            combine = sp.Add if isinstance(m, sp.MatAdd) else sp.Mul
            return combine(*[self.entry(a, row, column) for a in m.args], evaluate=False)
        if isinstance(m, sp.MatMul):
            scalars = [a for a in m.args if not a.is_Matrix]
            factors = [a for a in m.args if a.is_Matrix]
            limits, indices = [], [row]
            for factor in factors[:-1]:
                if factor.shape[1] == 1:
                    indices.append(sp.Integer(0))
                    continue
                index = sp.Dummy("k", integer=True)
                self.bounds[index] = index_range(factor.shape[1])
                limits.append((index, *self.bounds[index]))
                indices.append(index)
            indices.append(column)
            entries = [self.entry(factor, *place) for factor, place in zip(factors, pairwise(indices))]
            body = sp.Mul(*scalars, *entries, evaluate=False)
            return sp.Sum(body, *limits) if limits else body
        raise NotProved(f"no rule for the entries of {type(m).__name__}")

    # Equality

    def canonical(self, e):
        """Rewrite from the inside out: sums split into terms, logarithms of products into sums of logarithms."""
        return self.remember(self._canonical, e)

    def _canonical(self, e):
        if not e.args or isinstance(e, sp.Indexed):
            return next((value for pattern, value in self.fixed if matches(e, pattern)), e)
        if isinstance(e, sp.Sum):
            *inner, (index, low, high) = e.limits
            body = self.canonical(sp.Sum(e.function, *inner) if inner else e.function)
            return self._sum(body, index, low, high)
        if isinstance(e, sp.Piecewise):
            return e
        if isinstance(e, sp.Product):
            return self._product(e)
        arguments = [self.canonical(a) for a in e.args]
        if isinstance(e, sp.KroneckerDelta) and self._differ(*arguments):
            return sp.Integer(0)
        if isinstance(e, sp.log):
            return self._logarithm(arguments[0])
        if isinstance(e, sp.exp):
            return sp.exp(_expand(arguments[0]))
        if isinstance(e, sp.Pow) and not arguments[1].is_Rational and self._positive(arguments[0]):
            return sp.exp(_expand(arguments[1] * self._logarithm(arguments[0])))
        return e.func(*arguments)

    def _positive(self, e):
        return e.is_positive or self.has(e, "positive")

    def _differ(self, a, b):
        return any(kind != "nonnegative" and (a - b - fact == 0 or b - a - fact == 0) for fact, kind in self.known)

    def _product(self, e):
        """A product of positive factors is the exponential of a sum of logarithms."""
        *inner, (index, low, high) = e.limits
        body = self.canonical(sp.Product(e.function, *inner) if inner else e.function)
        if (high - low).is_number and high - low > LARGEST_EXPONENT:
            raise NotProved(f"a product of {text(high - low + 1)} factors is too large to work out")
        if self._positive(body):
            return sp.exp(_expand(self._sum(self._logarithm(body), index, low, high)))
        return self._named(body, index, low, high, sp.Product)

    def _logarithm(self, e):
        if isinstance(e, sp.exp):
            return e.args[0]
        result = sp.Integer(0)
        e, back = _exponentials_to_symbols(e)
        factored = sp.factor(sp.together(e))
        if factored.is_Add:
            factored = sp.factor_terms(factored)
        factors = [factor.as_base_exp() for factor in sp.Mul.make_args(factored)]
        if all((base.is_positive or self._positive(base.xreplace(back))) and power.is_real for base, power in factors):
            for base, power in factors:
                base = back[base].args[0] if isinstance(back.get(base), sp.exp) else sp.log(base.xreplace(back))
                result += power.xreplace(back) * base
            return result
        return result + sp.log(factored.xreplace(back))

    def _sum(self, body, index, low, high):
        total = sp.Integer(0)
        for term in sp.Add.make_args(_expand(body)):
            collapsed = self._collapse(term, index, low, high)
            if collapsed is not None:
                total += collapsed
                continue
            if not term.has(index):
                if term != 0 and not self.is_nonnegative_integer(high - low + 1):
                    raise NotProved(f"it does not follow from what is given that {text(low)} <= {text(high + 1)}, "
                                    "so a sum may have a negative number of terms")
                total += term * (high - low + 1)
                continue
            free, bound = _split_off(term, index)
            if self.split and low == 0 and high.is_nonnegative:
                total += free * (bound.xreplace({index: sp.Integer(0)}) + self._named(bound, index, sp.Integer(1), high))
            else:
                total += free * self._named(bound, index, low, high)
        return total

    def _named(self, body, index, low, high, kind=sp.Sum):
        """The sum under an index that depends on its range and depth alone, so that equal sums look equal."""
        depth = 0
        while body.has(_numbered(depth, low, high)):
            depth += 1
        name = _numbered(depth, low, high)
        self.bounds[name] = (low, high)
        return kind(body.xreplace({index: name}), (name, low, high))

    def _collapse(self, term, index, low, high):
        """The sum of a term with a delta: the term at one place, zero if that is outside the range, None without a delta."""
        for delta in sp.Mul.make_args(term):
            if isinstance(delta, sp.KroneckerDelta) and index in delta.args:
                place = sum(delta.args) - index
                if place.has(index):
                    continue
                if self.is_nonnegative_integer(low - 1 - place) or self.is_nonnegative_integer(place - high - 1):
                    return sp.Integer(0)
                if not (self.is_nonnegative_integer(place - low) and self.is_nonnegative_integer(high - place)):
                    raise NotProved(f"{text_or_str(low)} <= {text_or_str(place)} <= {text_or_str(high)} is not given")
                return (term / delta).xreplace({index: place})
        return None

    def is_zero(self, e):
        """Whether an expression reduces to exactly zero. False means only that it did not."""
        e = self.substitute_forms(self.canonical(e))
        e = self.canonical(e) if self.forms or self.fixed else e
        e = _merge_deltas(e)
        if self._is_zero_term(e):
            return True
        if not e.has(sp.Sum):
            return False
        numerator = _fraction_over_sums(e)
        groups = {}
        for term in _gathered(sp.Add.make_args(_expand(numerator))):
            ranges, body = self._flatten(term)
            groups.setdefault(ranges, []).append(body)
        for ranges, bodies in sorted(groups.items(), key=lambda item: -len(item[0])):
            body = self._symmetric(sum(bodies), ranges)
            if not self._is_zero_term(_merge_deltas(body)):
                return False
        return True

    def _flatten(self, term):
        """A product of sums as one sum over several indices: its ranges, and its body in the indices _place(0, ...), ..."""
        found = []

        def walk(x):
            result = sp.Integer(1)
            for factor in sp.Mul.make_args(x):
                base, power = factor.as_base_exp()
                if isinstance(base, sp.Sum) and power.is_Integer and power > 0:
                    for _ in range(power):
                        fresh = {index: sp.Dummy(integer=True) for index, _, _ in base.limits}
                        for index, low, high in base.limits:
                            self.bounds[fresh[index]] = (low, high)
                            found.append((fresh[index], low, high))
                        result *= walk(base.function.xreplace(fresh))
                else:
                    result *= factor
            return result

        body = walk(term)
        found.sort(key=lambda item: sp.default_sort_key(sp.Tuple(*item[1:])))
        names = {}
        for position, (fresh, low, high) in enumerate(found):
            names[fresh] = _place(position, low, high)
            self.bounds[names[fresh]] = (low, high)
        return tuple((low, high) for _, low, high in found), body.xreplace(names)

    def _symmetric(self, body, ranges):
        """The sum over all exchanges of indices with the same range: each exchange alone leaves the value as it is."""
        positions = range(len(ranges))
        if len(ranges) > LARGEST_EXCHANGE:
            return body
        swaps = [p for p in permutations(positions) if all(ranges[a] == ranges[b] for a, b in enumerate(p))]
        if len(swaps) == 1:
            return body
        return sum(body.xreplace({_place(a, *ranges[a]): _place(b, *ranges[b]) for a, b in enumerate(p)}) for p in swaps)

    def _is_zero_term(self, e):
        """Zero test without sums to take apart: cases first, then one fraction whose numerator must vanish."""
        # What stands under a sum has its own index: y[i] = 0 in one case must not make every term zero.
        e = e.xreplace({s: sp.Dummy(real=True) for s in _outermost(e, (sp.Sum, sp.Product))})
        return self._is_zero_in_every_case(e)

    def _is_zero_in_every_case(self, e):
        if e == 0:
            return True
        finite = [a for a in e.atoms(sp.Symbol, sp.Indexed) if signature(a) in self.values]
        if finite:
            choices = product(*[self.values[signature(a)] for a in finite])
            return all(self._is_zero_in_every_case(self.canonical(e.xreplace(dict(zip(finite, c))))) for c in choices)
        kinks = e.atoms(sp.Abs, sp.Max, sp.Min, sp.Piecewise, sp.sign)
        inside = {a for kink in kinks for a in kink.atoms(sp.Symbol, sp.Indexed, AppliedUndef) if a.is_integer is not True}
        inside = sorted((a for a in inside if not a.is_positive and not any(a != b and b.has(a) for b in inside)),
                        key=sp.default_sort_key)
        if inside and len(inside) <= 2:
            u, a = sp.Dummy(positive=True), inside[0]
            signs = [u] + [-u] * (not a.is_nonnegative) + [sp.Integer(0)] * (not a.is_nonzero)
            return all(self._is_zero_in_every_case(self.canonical(_piece(e.xreplace({a: s})))) for s in signs)
        e, _ = _exponentials_to_symbols(_piece(e))
        return _is_zero_fraction(_atoms_named(e))


LARGEST_EXPONENT = 1000
LARGEST_EXCHANGE = 5
# What a limit must not go through: SymPy would answer, and not always rightly.
NO_LIMIT = (sp.Sum, sp.Product, sp.Piecewise, sp.Abs, sp.sign, sp.Max, sp.Min, sp.KroneckerDelta, AppliedUndef, sp.Indexed)


def _is_visibly(e, kind):
    return getattr(e, "is_" + kind) or kind == "nonzero" and (e.is_positive or e.is_negative)


def _is_every_place(e):
    """Whether a name stands for all its entries: p, p[i], x[i, j], but not x[i, 0] and not x[i, i]."""
    indices = getattr(e, "indices", ())
    return signature(e) is not None and len(set(indices)) == len(indices) and all(str(i) in INDICES for i in indices)


def _require_every_place(e, condition):
    if not isinstance(e, (sp.Symbol, sp.Indexed)) or not _is_every_place(e):
        raise LanguageError(f"{text_or_str(condition)}: a set is given for a name such as y or y[i], for every i")


def _require_equation(condition):
    left, right = condition.args
    indices = getattr(left, "indices", ())
    letters = [i for i in indices if not i.is_Integer]
    if not isinstance(left, (sp.Symbol, sp.Indexed)) or left.is_integer or len(set(letters)) < len(letters) or any(
            str(i) not in INDICES for i in letters) or right.free_symbols & set(letters) or right.has(left):
        raise LanguageError(f"{text_or_str(condition)}: an equation is given for a name or an entry, such as x[i, 0] == 1; "
                            "put a definition into `where`")


def matches(e, pattern):
    """Whether an equation about `pattern` speaks of `e`: the same name, and the same number wherever it has a number."""
    return signature(e) is not None and signature(e) == signature(pattern) and all(
        a == b or not b.is_Integer for a, b in zip(getattr(e, "indices", ()), getattr(pattern, "indices", ())))


def _limit_by_parts(e, variable, limit_of):
    """A limit by continuity, down to parts that hold no other name: SymPy takes q*z for large with z, also where q is 0."""
    if not e.has(variable):
        return e
    if e.free_symbols == {variable}:
        return limit_of(e)
    combine, parts = e.func, e.args
    if isinstance(e, sp.exp) and (split := e.args[0].as_independent(variable, as_Add=True))[0] != 0:
        combine, parts = sp.Mul, [sp.exp(part) for part in split]
    elif e.is_Add or e.is_Mul:
        pure = [a for a in e.args if a.free_symbols == {variable}]
        parts = [a for a in e.args if a not in pure] + [e.func(*pure)] * bool(pure)
    limits = [_limit_by_parts(part, variable, limit_of) for part in parts]
    if any(limit.has(sp.oo, -sp.oo) for limit in limits):
        raise NotProved("no limit was found (a part of it is not finite)")
    return combine(*limits, evaluate=False)


def _limit_of(e, variable, target, side):
    try:
        result = sp.limit(e, variable, target, "-" if target is sp.oo else "+" if target is -sp.oo else side)
    except (NotImplementedError, TypeError, ValueError, RecursionError) as error:
        raise NotProved(f"no limit was found ({error})") from None
    if result.has(sp.Limit, sp.nan, sp.zoo, sp.AccumBounds, variable, sp.I) or result.has(sp.oo, -sp.oo) and result.args:
        raise NotProved(f"no limit was found ({result})")
    return result


def _require_small_power(base, exponent):
    if base.is_number and exponent.is_number and abs(exponent) > LARGEST_EXPONENT:
        raise NotProved(f"{text_or_str(base)}**{text_or_str(exponent)} is too large to work out")


def _put(e, values):
    """Substitute, as `xreplace` does, but work nothing out: in z/z it is still to be seen that z must not be zero."""
    if e in values:
        return values[e]
    if not e.has(*values):
        return e
    arguments = [_put(a, values) for a in e.args]
    return e.func(*arguments, evaluate=False) if isinstance(e, KEEP_FORM) else e.func(*arguments)


def _outermost(e, classes):
    if isinstance(e, classes):
        return {e}
    return set().union(*[_outermost(a, classes) for a in e.args]) if e.has(*classes) else set()


def _split_off(term, index):
    """The factor without the index, and the factor with it; exp(a[k] - c) counts as exp(-c) exp(a[k])."""
    free, bound = term.as_independent(index, as_Add=False)
    for factor in sp.Mul.make_args(bound):
        if isinstance(factor, sp.exp):
            outside, inside = factor.args[0].as_independent(index, as_Add=True)
            if outside != 0:
                free, bound = free * sp.exp(outside), bound / factor * sp.exp(inside)
    return free, bound


def _atoms_named(e):
    """The same expression as a rational function: a symbol for each part that is not one of a sum, product or power."""
    opaque = (sp.log, AppliedUndef, sp.Indexed, sp.Abs, sp.KroneckerDelta, sp.Piecewise, sp.Max, sp.Min, sp.sign)
    e = e.xreplace({a: sp.Dummy() for a in _outermost(e, opaque)})
    powers = sorted((p for p in e.atoms(sp.Pow) if not p.exp.is_Integer), key=sp.count_ops, reverse=True)
    for power in powers:
        e = e.subs(power, sp.Dummy())
    exponentials = e.atoms(sp.exp)
    return e.xreplace({a: sp.Dummy() for a in exponentials})


def _is_zero_fraction(e):
    # Most wrong lines are seen at one point, without working out the fraction. (A root would have SymPy factor integers.)
    if all(power.exp.is_Integer for power in e.atoms(sp.Pow)):
        generator = random.Random(0)
        number = lambda: sp.Rational(generator.randint(10**6, 10**7), 10**5 + 3)
        there = e.xreplace({s: number() for s in sorted(e.free_symbols, key=str)})
        if there.is_Rational and there != 0:
            return False
    numerator, _ = sp.fraction(sp.together(e))
    return sp.expand(numerator) == 0


def _place(position, low, high):
    return sp.Symbol(f"place_{position}_{low}_{high}", integer=True)


def _numbered(depth, low, high):
    return sp.Symbol(f"run_{depth}_{low}_{high}", integer=True)


def _expand(e):
    return sp.expand(e, log=False, power_base=False, power_exp=False, trig=False)


def _piece(e):
    return e.replace(lambda x: isinstance(x, sp.Piecewise), lambda x: sp.Piecewise(*x.args))


def _fraction_over_sums(e):
    """The numerator over a common denominator, with the sums inside left alone."""
    names = {s: sp.Dummy() for s in _outermost(e, (sp.Sum,))}
    numerator, _ = sp.fraction(sp.together(e.xreplace(names)))
    return numerator.xreplace({d: s for s, d in names.items()})


def _gathered(terms):
    """Sum f + Sum g as Sum (f + g) where neither holds a further sum, so that there is less to rename."""
    result, bodies = [], {}
    for term in terms:
        sums = [f for f in sp.Mul.make_args(term) if isinstance(f.as_base_exp()[0], sp.Sum)]
        if len(sums) == 1 and isinstance(sums[0], sp.Sum) and not any(
                isinstance(f.as_base_exp()[0], sp.Sum) for f in sp.Mul.make_args(sums[0].function)):
            bodies.setdefault(sums[0].limits, []).append(term / sums[0] * sums[0].function)
        else:
            result.append(term)
    return result + [sp.Sum(sp.Add(*body), *limits) for limits, body in bodies.items()]


def _merge_deltas(e):
    """delta_ab f(a) = delta_ab f(b): below a delta, one of its indices is enough."""
    if not e.has(sp.KroneckerDelta):
        return e
    result = sp.Integer(0)
    for term in sp.Add.make_args(_expand(e)):
        for delta in [f for f in sp.Mul.make_args(term) if isinstance(f.as_base_exp()[0], sp.KroneckerDelta)]:
            delta = delta.as_base_exp()[0]
            keep, drop = sorted(delta.args, key=sp.default_sort_key)
            if drop.is_Symbol:
                rest = sp.Mul(*[f for f in sp.Mul.make_args(term) if f.as_base_exp()[0] != delta])
                term = delta * rest.xreplace({drop: keep})
        result += term
    return result


def _exponentials_to_symbols(e):
    """Write every exp(a + 2 b) as A B**2 with positive symbols A and B, and say how to go back."""
    exponentials = [x for x in e.atoms(sp.exp) if not x.args[0].is_number]
    powers = {}
    for x in exponentials:
        for term in sp.Add.make_args(_expand(x.args[0])):
            coefficient, rest = term.as_coeff_Mul(rational=True)
            powers.setdefault(rest, []).append(coefficient)
    symbols, back = {}, {}
    for rest, coefficients in powers.items():
        unit = sp.Rational(1, sp.ilcm(1, *[c.q for c in coefficients]))
        u = sp.Dummy(positive=True)
        symbols[rest], back[u] = (u, unit), sp.exp(unit * rest)
    swap = {}
    for x in exponentials:
        value = sp.Integer(1)
        for term in sp.Add.make_args(_expand(x.args[0])):
            coefficient, rest = term.as_coeff_Mul(rational=True)
            u, unit = symbols[rest]
            value *= u ** (coefficient / unit)
        swap[x] = value
    return e.xreplace(swap), back


def differentiate(e, variable, obligations):
    """The derivative of an evaluated expression in a symbol or an entry, through sums of symbolic length.

    d/db_j b_k is delta_kj, so d/db_j Sum_k x_k b_k is Sum_k x_k delta_kj. SymPy's own derivative is used only on what is
    left when the sums, the entries and the functions with a kink have been named: it then has nothing to misread.
    What must hold for the derivative to exist is added to the obligations.
    """
    named_apart = (sp.Sum, sp.Product, sp.Indexed, sp.Symbol, AppliedUndef, sp.Abs, sp.Max, sp.Min, sp.sign, sp.Piecewise,
                   sp.KroneckerDelta)
    name = signature(variable)
    parts = {part: sp.Dummy(real=True) for part in sorted(_outermost(e, named_apart), key=sp.default_sort_key)
             if any(signature(a) == name for a in part.atoms(sp.Symbol, sp.Indexed))}
    named = e.xreplace(parts)
    back = {symbol: part for part, symbol in parts.items()}
    slope = lambda x: differentiate(x, variable, obligations)
    return sum((sp.diff(named, symbol).xreplace(back) * _slope_of_part(part, variable, slope, obligations)
                for part, symbol in parts.items()), sp.Integer(0))


def _slope_of_part(part, variable, slope, obligations):
    if isinstance(part, (sp.Symbol, sp.Indexed)):
        if not isinstance(part, sp.Indexed):
            return sp.Integer(1)
        return sp.Mul(*[sp.KroneckerDelta(a, b) for a, b in zip(part.indices, variable.indices)])
    if isinstance(part, sp.Sum):
        return sp.Sum(slope(part.function), *part.limits)
    if isinstance(part, AppliedUndef):
        # f' is a function of its own, named f'1 for the first argument.
        return sum(function(f"{part.func.__name__}'{place}")(*part.args) * slope(a) for place, a in enumerate(part.args, 1))
    if isinstance(part, (sp.Abs, sp.sign)):
        obligations.append((part.args[0], "nonzero"))
        return sp.sign(part.args[0]) * slope(part.args[0]) if isinstance(part, sp.Abs) else sp.Integer(0)
    if isinstance(part, (sp.Max, sp.Min)) and len(part.args) == 2:
        a, b = part.args
        obligations.append((a - b, "nonzero"))
        first = a > b if isinstance(part, sp.Max) else a < b
        return sp.Piecewise((slope(a), first), (slope(b), True), evaluate=False)
    if isinstance(part, sp.Piecewise):
        for condition in part.atoms(sp.core.relational.Relational, sp.Contains):
            values = condition.args[1].args if isinstance(condition, sp.Contains) else condition.args[1:]
            slope(condition.args[0] - values[0])  # a jump there is one here
            obligations += [(condition.args[0] - value, "nonzero") for value in values]
        return sp.Piecewise(*[(slope(value), condition) for value, condition in part.args], evaluate=False)
    if isinstance(part, sp.Product):
        raise NotProved("the derivative of a product over an index: take its logarithm first")
    raise NotProved(f"no rule for the derivative of {text_or_str(part)}")


def prove(left, right, rules, relation="="):
    """Prove ``left = right`` (or ``<``, ``<=``, ``>``, ``>=``, ``!=``) where the conditions hold, or raise `NotProved`."""
    left, right = (rules.entry(side, sp.Integer(0), sp.Integer(0)) if side.is_Matrix and side.shape == (1, 1) else side
                   for side in (left, right))
    if left.is_Matrix or right.is_Matrix:
        left, right = _general_entries(left, right, rules, relation)
    obligations = []
    left, right = rules.meaning(left, obligations), rules.meaning(right, obligations)
    rules.split_where_needed(left, right)
    for expression, kind in dict.fromkeys(obligations):
        if not rules.has(expression, kind):
            raise NotProved(f"it does not follow from what is given that {text_or_str(expression)} {_IN_WORDS[kind]}")
    if any(side.has(sp.oo, -sp.oo, sp.zoo, sp.nan) for side in (left, right)):
        if relation == "=" and left == right and left in (sp.oo, -sp.oo):
            return
        raise NotProved("a side is not a finite number")
    if relation == "=":
        if not rules.is_zero(left - right):
            raise NotProved("the difference did not reduce to zero")
        return
    gap = right - left if relation in ("<", "<=") else left - right
    kind = {"!=": "nonzero"}.get(relation, "positive" if relation in ("<", ">") else "nonnegative")
    if not rules.has(gap, kind):
        raise NotProved(f"it was not found that the difference {_IN_WORDS[kind]}")


_IN_WORDS = {"covered": "has a case that applies", "nonzero": "is not zero", "positive": "is positive", "nonnegative": "is not negative"}


def _general_entries(left, right, rules, relation):
    """The entries of two matrices at a place that stands for every place."""
    if not (left.is_Matrix and right.is_Matrix) or left.shape != right.shape:
        raise NotProved(f"the shapes differ: {show_shape(left)} and {show_shape(right)}")
    if relation != "=":
        raise NotProved(f"two matrices do not stand in the relation {relation}")
    place = []
    for name, size in zip(("row", "column"), left.shape):
        index = sp.Integer(0) if size == 1 else sp.Dummy(name, integer=True)
        rules.bounds[index] = index_range(size)
        place.append(index)
    return rules.entry(left, *place), rules.entry(right, *place)


def text_or_str(e):
    try:
        return text(e)
    except TypeError:
        return str(e)
