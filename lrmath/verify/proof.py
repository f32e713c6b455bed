"""The first oracle: a proof that two lines are equal, for all values and all sizes.

A proof has three parts. *Meaning*: definitions are unfolded and derivatives, limits and entries of matrices are carried
out; on the way, every division and every logarithm leaves an obligation (this must not be zero, this must be positive).
*Obligations*: each must follow from the conditions that are given. *Equality*: the difference of the two meanings is
reduced to exactly zero. Sums with symbolic bounds are reduced by the rules of finite sums:

    c Sum f = Sum c f            Sum f + Sum g = Sum (f + g)        Sum_i Sum_k f = Sum_k Sum_i f
    Sum_k f(k) delta_kj = f(j)   if lo <= j <= hi is given          log Product f = Sum log f  if f > 0
    Sum_{k=0}^{d} f(k) = f(0) + Sum_{k=1}^{d} f(k)                  Sum_{i=1}^{n} c = n c

so two sums are equal when their terms are, for an index that stands for every place. A rule that fails leaves a step
unproved; none of them can make a wrong step right.
"""

from itertools import permutations, product

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.matrices.expressions import DiagMatrix, HadamardProduct, MatrixSymbol, OneMatrix

from .language import At, D, Elementwise, Entry, Grad, Jacobian, Lim, array, entry_name, function, index_range
from .printing import text


class NotProved(Exception):
    """The proof was not found: the step may be wrong, or a condition is missing, or the rules do not reach it."""


class Rules:
    """What may be used in a proof: the conditions that are given, and the definitions of names.

    Parameters
    ----------
    given : list of SymPy conditions
    definitions : dict
        For a name, a tuple of parameters and a body.
    """

    def __init__(self, given=(), definitions=None):
        self.definitions = definitions or {}
        self._memory = {}      # what was worked out before, for the lines and sums that come again
        self.given = [part for condition in given for part in sp.And.make_args(condition)]
        self.bounds = {}       # for an index of a sum, its first and last value
        self.values = {}       # for a name, the finite set of its values
        self.forms = {}        # for a name, what makes its condition hold by itself: 0 < p < 1 is p = u/(1 + u), u > 0
        self.fixed = []        # (entry, value) for equations such as x[i, 0] == 1, true for every i
        self.known = []        # (expression, "positive" | "nonnegative" | "nonzero") for every other condition
        for condition in self.given:
            if isinstance(condition, sp.Contains):
                self.values[_name(condition.args[0])] = list(condition.args[1].args)
            elif isinstance(condition, sp.Eq):
                self.fixed.append(condition.args)
            elif isinstance(condition, sp.Ne):
                self.known.append((condition.lhs - condition.rhs, "nonzero"))
            elif condition.is_Relational:
                kind = "positive" if isinstance(condition, (sp.Lt, sp.Gt)) else "nonnegative"
                self.known.append((condition.gts - condition.lts, kind))
        self._choose_forms()

    def _choose_forms(self):
        limits = {}
        for expression, kind in self.known:
            names = [a for a in expression.atoms(sp.Symbol, sp.Indexed) if not a.is_integer and _name(a)]
            names = [a for a in names if isinstance(a, sp.Indexed) or not any(isinstance(b, sp.Indexed) for b in names)]
            if len(names) != 1:
                continue
            slope = expression.diff(names[0])
            if slope not in (1, -1):
                continue
            end = -(expression - slope * names[0]) * slope
            if end.is_number:
                limits.setdefault(_name(names[0]), {})["low" if slope == 1 else "high"] = (end, kind)
        for name, ends in limits.items():
            low, high = ends.get("low"), ends.get("high")
            if low and high and low[1] == high[1] == "positive":
                self.forms[name] = "positive", lambda u, lo=low[0], hi=high[0]: (lo + hi * u) / (1 + u)
            elif low or high:
                end, kind = low or high
                self.forms[name] = kind, lambda u, end=end, side=1 if low else -1: end + side * u

    def substitute_forms(self, e):
        if not self.forms:
            return e
        swap = {}
        for atom in e.atoms(sp.Symbol, sp.Indexed):
            if _name(atom) in self.forms and not atom.is_integer:
                kind, form = self.forms[_name(atom)]
                free = f"{_name(atom)}_free"
                entry = isinstance(atom, sp.Indexed)
                swap[atom] = form(sp.Function(free, **{kind: True})(*atom.indices) if entry else sp.Symbol(free, **{kind: True}))
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
        if (work.__name__, *key) not in self._memory:
            self._memory[work.__name__, *key] = work(*key)
        return self._memory[work.__name__, *key]

    def has(self, e, kind):
        """Whether an expression is positive, nonnegative or nonzero wherever the conditions hold."""
        return self.remember(self._has, e, kind)

    def _has(self, e, kind):
        e = self.settle(e)
        if getattr(e, "is_" + kind) or kind == "nonzero" and (e.is_positive or e.is_negative):
            return True
        for known, known_kind in self.known:
            strong = known_kind in (kind, "positive")
            for scale in (1, -1) if kind == "nonzero" else (1,):
                if strong and self.is_zero(e - scale * known):
                    return True
            fact = self.substitute_forms(known)
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
        e = self.canonical(self.substitute_forms(e))

        def name_sum(s):
            body, (index, low, high) = s.function, s.limits[0]
            self.bounds[index] = (low, high)
            filled = self.is_nonnegative_integer(high - low)
            for kind in ("positive", "nonnegative"):
                if (filled or kind == "nonnegative") and getattr(self.settle(body), "is_" + kind):
                    return sp.Dummy(**{kind: True})
            return sp.Dummy(real=True)

        e = e.replace(lambda s: isinstance(s, sp.Sum), name_sum)
        e, back = _exponentials_to_symbols(e)
        # exp(a) exceeds 1 where a is positive.
        above_one = {u: 1 + sp.Dummy(positive=True) for u, power in back.items() if power.args[0].is_positive}
        return sp.factor(sp.together(e.xreplace(above_one)))

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
            name = _name(e)
            if name in self.definitions and name not in hidden:
                return again(self._instance(name, getattr(e, "indices", ())))
            return e
        if isinstance(e, AppliedUndef):
            name = e.func.__name__
            if name in self.definitions:
                return again(self._instance(name, e.args))
            return e.func(*map(again, e.args))
        if isinstance(e, (sp.Sum, sp.Product)):
            return self._meaning_of_sum(e, obligations, hidden)
        if isinstance(e, D):
            inside, variable = e.args
            mine = []
            body = self.meaning(inside, mine, hidden | {_name(variable)})
            obligations += [(again(x), kind) for x, kind in mine]
            return again(differentiate(body, variable))
        if isinstance(e, At):
            inside, variable, replacement = e.args
            mine = []
            body = self.meaning(inside, mine, hidden | {_name(variable)})
            replacement = again(replacement)
            put = lambda x: x.xreplace({variable: replacement})
            obligations += [(put(x), kind) for x, kind in mine]
            return again(put(body))
        if isinstance(e, Lim):
            return sp.limit(again(e.args[0]), *e.args[1:])
        if isinstance(e, Entry):
            matrix, row, column = e.args
            self._require_place(row, matrix.shape[0])
            if matrix.shape[1] != 1:
                self._require_place(column, matrix.shape[1])
            return again(self.entry(matrix, row, column))
        if isinstance(e, sp.Piecewise):
            return sp.Piecewise(*[(again(value), condition) for value, condition in e.args], evaluate=False)
        arguments = [again(a) for a in e.args]
        if isinstance(e, sp.Pow):
            base, exponent = arguments
            if exponent.is_negative or (exponent.is_number and exponent < 0):
                obligations.append((base, "nonzero"))
            if not exponent.is_integer:
                obligations.append((base, "nonnegative" if exponent.is_Rational and exponent > 0 else "positive"))
        if isinstance(e, sp.log):
            obligations.append((arguments[0], "positive"))
        return e.func(*arguments)

    def _instance(self, name, arguments):
        parameters, body = self.definitions[name]
        return body.xreplace(dict(zip(parameters, arguments))) if parameters else body

    def _meaning_of_sum(self, e, obligations, hidden):
        # Fresh index names: a derivative or a definition may use the same letter for something else.
        body, limits = e.function, []
        for index, low, high in e.limits:
            fresh = sp.Dummy(index.name, integer=True)
            body = body.xreplace({index: fresh})
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
            return self.entry(m.args[0], row, sp.Integer(0)) * sp.KroneckerDelta(row, column)
        if isinstance(m, Elementwise):
            name = m.args[0].name
            return getattr(sp, name, None if name in ("exp", "log") else function(name))(self.entry(m.args[1], row, column)) \
                if name in ("exp", "log") else function(name)(self.entry(m.args[1], row, column))
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
            body = sp.Mul(*scalars, *[self.entry(f, indices[a], indices[a + 1]) for a, f in enumerate(factors)], evaluate=False)
            return sp.Sum(body, *limits) if limits else body
        raise NotProved(f"no rule for the entries of {type(m).__name__}")

    # Equality

    def canonical(self, e):
        """Rewrite from the inside out: sums split into terms, logarithms of products into sums of logarithms."""
        return self.remember(self._canonical, e)

    def _canonical(self, e):
        if not e.args or isinstance(e, sp.Indexed):
            return next((value for pattern, value in self.fixed if _matches(e, pattern)), e)
        if isinstance(e, sp.Sum):
            *inner, (index, low, high) = e.limits
            body = self.canonical(sp.Sum(e.function, *inner) if inner else e.function)
            self.bounds[index] = (low, high)
            return self._sum(body, index, low, high)
        if isinstance(e, sp.Piecewise):
            return e
        arguments = [self.canonical(a) for a in e.args] if not isinstance(e, sp.Product) else [self.canonical(e.function), *e.limits]
        if isinstance(e, sp.log):
            return self._logarithm(arguments[0])
        if isinstance(e, sp.exp):
            return sp.exp(_expand(arguments[0]))
        if isinstance(e, sp.Pow) and not arguments[1].is_Rational and self._positive(arguments[0]):
            return sp.exp(_expand(arguments[1] * self._logarithm(arguments[0])))
        return e.func(*arguments)

    def _positive(self, e):
        if isinstance(e, sp.Product):
            self.bounds[e.limits[0][0]] = e.limits[0][1:]
            return self.has(e.function, "positive")
        return e.is_positive or self.has(e, "positive")

    def _logarithm(self, e):
        result = sp.Integer(0)
        for factor in sp.Mul.make_args(e):
            if isinstance(factor, sp.Product) and len(factor.limits) == 1 and self._positive(factor):
                index, low, high = factor.limits[0]
                result += self._sum(self._logarithm(self.canonical(factor.function)), index, low, high)
                e = e / factor
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
            term = self._collapse(term, index, low, high)
            if not term.has(index):
                total += term if term.has(_DONE) else term * (high - low + 1)
                continue
            free, bound = term.as_independent(index, as_Add=False)
            if low == 0 and high.is_nonnegative:
                total += free * (bound.xreplace({index: sp.Integer(0)}) + self._named(bound, index, sp.Integer(1), high))
            else:
                total += free * self._named(bound, index, low, high)
        return total.xreplace({_DONE: sp.Integer(1)})

    def _named(self, body, index, low, high):
        """The sum under an index that depends on its range and depth alone, so that equal sums look equal."""
        depth = 0
        while True:
            name = _numbered(depth, low, high)
            if not body.has(name):
                break
            depth += 1
        self.bounds[name] = (low, high)
        return sp.Sum(body.xreplace({index: name}), (name, low, high))

    def _collapse(self, term, index, low, high):
        for delta in term.atoms(sp.KroneckerDelta):
            if delta.has(index) and delta in sp.Mul.make_args(term):
                other = [a for a in delta.args if a != index]
                if len(other) == 1 and not other[0].has(index):
                    other = other[0]
                    if not (self.is_nonnegative_integer(other - low) and self.is_nonnegative_integer(high - other)):
                        raise NotProved(f"{text(low)} <= {text(other)} <= {text(high)} is not given")
                    # The term is one place of the sum, not the same at every place: the mark keeps the two apart.
                    return _DONE * (term / delta).xreplace({index: other})
        return term

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
        for term in sp.Add.make_args(_expand(numerator)):
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
                        index, low, high = base.limits[0]
                        fresh = sp.Dummy(integer=True)
                        self.bounds[fresh] = (low, high)
                        found.append((fresh, low, high))
                        result *= walk(base.function.xreplace({index: fresh}))
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
        """The mean over all exchanges of indices with the same range, which leaves the sum as it is."""
        positions = range(len(ranges))
        swaps = [p for p in permutations(positions) if all(ranges[a] == ranges[b] for a, b in enumerate(p))]
        if len(swaps) == 1:
            return body
        return sum(body.xreplace({_place(a, *ranges[a]): _place(b, *ranges[b]) for a, b in enumerate(p)}) for p in swaps)

    def _is_zero_term(self, e):
        """Zero test without sums to take apart: cases first, then one fraction whose numerator must vanish."""
        if e == 0:
            return True
        finite = [a for a in e.atoms(sp.Symbol, sp.Indexed) if _name(a) in self.values]
        if finite:
            choices = product(*[self.values[_name(a)] for a in finite])
            return all(self._is_zero_term(self.canonical(e.xreplace(dict(zip(finite, c))))) for c in choices)
        kinks = e.atoms(sp.Abs, sp.Max, sp.Min, sp.Piecewise, sp.sign)
        inside = sorted({a for kink in kinks for a in kink.atoms(sp.Symbol, sp.Indexed)
                         if not a.is_integer and not a.is_positive}, key=sp.default_sort_key)
        inside = [a for a in inside if not any(a in b.free_symbols and a != b for b in inside)]
        if inside and len(inside) <= 2:
            u = sp.Dummy(positive=True)
            signs = [u, -u] + [sp.Integer(0)]
            return all(self._is_zero_term(self.canonical(_piece(e.xreplace({inside[0]: s})))) for s in signs)
        e, _ = _exponentials_to_symbols(_piece(e))
        atoms = [a for a in e.atoms(sp.log, sp.Sum, AppliedUndef, sp.Indexed, sp.Pow, sp.Abs, sp.KroneckerDelta, sp.Product)
                 if not (isinstance(a, sp.Pow) and a.exp.is_Integer)]
        atoms.sort(key=sp.count_ops, reverse=True)
        for atom in atoms:
            e = e.subs(atom, sp.Dummy()) if isinstance(atom, sp.Pow) else e.xreplace({atom: sp.Dummy()})
        numerator, _ = sp.fraction(sp.together(e))
        return sp.expand(numerator) == 0


_DONE = sp.Symbol("done_", positive=True)


def _name(e):
    return e.base.name if isinstance(e, sp.Indexed) else e.name if isinstance(e, sp.Symbol) and not isinstance(e, sp.Dummy) else None


def _matches(e, pattern):
    """Whether an equation about `pattern` speaks of `e`: the same name, and the same number wherever it has a number."""
    if not isinstance(pattern, sp.Indexed):
        return e == pattern
    return _name(e) == _name(pattern) and len(getattr(e, "indices", ())) == len(pattern.indices) and all(
        a == b or not b.is_number for a, b in zip(e.indices, pattern.indices))


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
    names = {s: sp.Dummy() for s in e.atoms(sp.Sum)}
    outer = {s: d for s, d in names.items() if not any(s in t.atoms(sp.Sum) for t in names if t != s)}
    numerator, _ = sp.fraction(sp.together(e.xreplace(outer)))
    return numerator.xreplace({d: s for s, d in outer.items()})


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


def differentiate(e, variable):
    """The derivative of an evaluated expression in a symbol or an entry, through sums of symbolic length.

    d/db_j b_k is delta_kj, so d/db_j Sum_k x_k b_k is Sum_k x_k delta_kj. SymPy's own derivative is used only on what is
    left when the sums and the entries have been named: it then has nothing to misread.
    """
    name = _name(variable)
    parts = {}

    def collect(x):
        if isinstance(x, (sp.Sum, sp.Product)):
            if any(_name(a) == name for a in x.atoms(sp.Symbol, sp.Indexed)):
                parts[x] = sp.Dummy(real=True)
        elif isinstance(x, sp.Indexed) or isinstance(x, sp.Symbol):
            if type(x) is type(variable) or isinstance(x, sp.Indexed) and isinstance(variable, sp.Indexed):
                if _name(x) == name:
                    parts[x] = sp.Dummy(real=True)
        else:
            for a in x.args:
                collect(a)

    collect(e)
    named = e.xreplace(parts)
    result = sp.Integer(0)
    for part, symbol in parts.items():
        outer = sp.diff(named, symbol).xreplace({s: p for p, s in parts.items()})
        if isinstance(part, sp.Sum):
            inner = sp.Sum(differentiate(part.function, variable), *part.limits)
        elif isinstance(part, sp.Product):
            raise NotProved("the derivative of a product over an index: take its logarithm first")
        elif isinstance(part, sp.Indexed):
            inner = sp.Mul(*[sp.KroneckerDelta(a, b) for a, b in zip(part.indices, variable.indices)])
        else:
            inner = sp.Integer(1)
        result += outer * inner
    return result


def prove(left, right, rules, relation="="):
    """Prove ``left = right`` (or ``<``, ``<=``, ``>``, ``>=``) wherever the conditions hold, or raise `NotProved`."""
    if left.is_Matrix or right.is_Matrix:
        if not (left.is_Matrix and right.is_Matrix) or left.shape != right.shape:
            raise NotProved(f"the shapes differ: {_shape_of(left)} and {_shape_of(right)}")
        row, column = sp.Dummy("row", integer=True), sp.Dummy("column", integer=True)
        rules.bounds[row] = index_range(left.shape[0])
        if left.shape[1] == 1:
            column = sp.Integer(0)
        else:
            rules.bounds[column] = index_range(left.shape[1])
        left, right = rules.entry(left, row, column), rules.entry(right, row, column)
    obligations = []
    left, right = rules.meaning(left, obligations), rules.meaning(right, obligations)
    for expression, kind in dict.fromkeys(obligations):
        if not rules.has(expression, kind):
            what = {"nonzero": "is not zero", "positive": "is positive", "nonnegative": "is not negative"}[kind]
            raise NotProved(f"it does not follow from what is given that {text_or_str(expression)} {what}")
    if relation == "=":
        if not rules.is_zero(left - right):
            raise NotProved("the difference did not reduce to zero")
        return
    gap = right - left if relation in ("<", "<=") else left - right
    if not rules.has(gap, "positive" if relation in ("<", ">") else "nonnegative"):
        raise NotProved(f"it was not found that the difference is {'positive' if relation in '<>' else 'not negative'}")


def _shape_of(e):
    return " x ".join(map(str, e.shape)) if e.is_Matrix else "a number"


def text_or_str(e):
    try:
        return text(e)
    except TypeError:
        return str(e)
