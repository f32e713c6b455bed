"""The second oracle: the value of a line at a point, by arithmetic alone.

The proof of a step rewrites formulas. This module knows no rewriting. It draws numbers for every name, small sizes for
n, d and K, and computes each line with 30 digits: sums by looping, derivatives by mpmath's numerical differentiation,
limits by going near, from each side that is allowed. A step must pass both, so that a mistake in one of them is caught
by the other; and where two lines differ, this is what finds the values at which they do.
"""

import operator
import random
from functools import cache

import mpmath
import sympy as sp

from .language import LanguageError, array, entry_name, index_range, signature

DIGITS = 30
TOLERANCE = mpmath.mpf("1e-12")
# A limit is read off at 10**13, 10**26 and 10**39, or that near to its target.
FAR = (13, 26, 39)
LIMIT_DIGITS = 100
# Beyond this, a number would need more memory than there is.
LARGEST_EXPONENT = mpmath.mpf(10) ** 40
LONGEST_SUM = 10**4


class Undefined(ValueError):
    """The line has no real value at this point (a division by zero, the logarithm of a negative number)."""


class Point:
    """Values for every name, drawn when first needed, so that one point serves both sides of a line.

    Parameters
    ----------
    seed : int or str
    constraints : dict
        For the signature of a name, the set it lies in and the conditions that mention it alone.
    definitions : dict
        For the signature of a name, its parameters and its body.
    fixed : list
        Pairs of an entry and its value, such as (x[i, 0], 1), for every i.
    small : bool
        Sizes 1 and 2 and few indices, so that indices coincide; otherwise sizes that are all different.
    """

    def __init__(self, seed, constraints=None, definitions=None, fixed=(), small=False):
        self.seed = seed
        self.constraints = constraints or {}
        self.definitions = definitions or {}
        self.fixed = fixed
        self.small = small
        self.drawn = {}

    def draw(self, name, indices=(), kind="real"):
        key = (name, *indices)
        if key not in self.drawn:
            generator = random.Random(f"{self.seed}:{key}")
            sets, predicates = self.constraints.get((name, len(indices)), ([], []))
            for attempt in range(400):
                # Conditions such as z > 100 or 0 < t < 1/100 need other scales than most.
                scale = mpmath.mpf((1, 1, 10, 100, "0.1", "0.01")[attempt % 6 if attempt > 20 else 0])
                value = mpmath.mpf(generator.choice(sets)) if sets else self.candidate(generator, kind, scale)
                if all(holds(value) for holds in predicates):
                    break
            else:
                raise Undefined(f"no value of {name} was found that satisfies the conditions")
            self.drawn[key] = value
        return self.drawn[key]

    def candidate(self, generator, kind, scale):
        if kind == "size":
            if self.small:
                return generator.randint(1, 2)
            taken = {value for key, value in self.drawn.items() if isinstance(value, int)}
            return generator.choice([size for size in (2, 3, 4, 5) if size not in taken] or [3])
        if kind == "index":
            return generator.randint(0, int((2 if self.small else 5) * max(scale, 1)))
        return scale * generator.randint(-3000, 3000) / 1009

    def smooth(self, name, arguments):
        """Some smooth function stands for a function without a definition: the same one for the whole point."""
        generator = random.Random(f"{self.seed}:{name}")
        value, mixed = mpmath.mpf(generator.randint(-200, 200)) / 101, mpmath.mpf(0)
        for argument in arguments:
            slope, phase = (mpmath.mpf(generator.randint(50, 150)) / 101 for _ in range(2))
            value, mixed = value + 2 * mpmath.sin(slope * argument + phase), mixed + slope * argument
        return value + mpmath.cos(mixed)

    def show(self):
        """The drawn values, rounded, for a message."""
        parts = []
        for (name, *indices), value in sorted(self.drawn.items(), key=str):
            where = f"[{', '.join(map(str, indices))}]" if indices else ""
            number = str(value) if isinstance(value, int) else mpmath.nstr(value, 6)
            parts.append(f"{name}{where} = {number.removesuffix('.0')}")
        return ", ".join(parts)


def value(expression, point, bound=None, digits=DIGITS):
    """The value of an expression at a point; a matrix gives a list of rows, one of a single entry that entry.

    ``bound`` holds values that go before those of the point: ``{"i": 2}`` for an index or a parameter, seen by this
    expression alone, ``{("z",): 1}`` or ``{("x", 1, 0): 1}`` for a name or an entry, seen by the definitions as well.
    """
    with mpmath.workdps(digits):
        try:
            result = _Evaluator(point).at(expression, bound or {})
            return result[0][0] if isinstance(result, list) and len(result) == len(result[0]) == 1 else result
        except (ZeroDivisionError, OverflowError, mpmath.libmp.NoConvergence, MemoryError) as error:
            raise Undefined(str(error)) from None


def differ(left, right):
    """Whether two values differ by more than rounding; matrices differ where an entry or the shape does."""
    if isinstance(left, list) or isinstance(right, list):
        if not (isinstance(left, list) and isinstance(right, list)) or len(left) != len(right):
            return True
        return any(differ(a, b) for a, b in zip(left, right))
    if left == right:
        return False
    # Every comparison with NaN is false, so it is "not near", rather than "far", that decides.
    return not abs(left - right) <= TOLERANCE * (1 + abs(left) + abs(right)) < mpmath.inf


def _settles(values):
    """What three values nearer and nearer to a limit tend to."""
    first, second, third = values
    if abs(third - second) <= TOLERANCE * (1 + abs(third)):
        return third
    if abs(third) > abs(second) > abs(first):
        return mpmath.sign(third) * mpmath.inf
    raise Undefined("no limit was seen")


class _Evaluator:
    def __init__(self, point):
        self.point = point

    def at(self, e, env):
        result = self.method(type(e))(self, e, env)
        if isinstance(result, mpmath.mpc):
            if result.imag != 0:
                raise Undefined(f"{e} is not real")
            result = result.real
        if isinstance(result, mpmath.mpf) and mpmath.isnan(result):
            raise Undefined(f"{e} is not a number")
        return result

    @classmethod
    @cache
    def method(cls, kind):
        for ancestor in kind.__mro__:
            if hasattr(cls, "at_" + ancestor.__name__):
                return getattr(cls, "at_" + ancestor.__name__)
        raise TypeError(f"no rule to compute {kind.__name__}")

    # Numbers and names

    def at_Integer(self, e, env):
        return int(e)

    def at_Rational(self, e, env):
        return mpmath.mpf(e.p) / e.q

    def at_NumberSymbol(self, e, env):
        return {sp.E: mpmath.e, sp.pi: mpmath.pi}[e] * 1

    def at_Infinity(self, e, env):
        return mpmath.inf

    def at_NegativeInfinity(self, e, env):
        return -mpmath.inf

    def at_Symbol(self, e, env):
        if e.name in env:
            return env[e.name]
        kind = "size" if e.is_positive and e.is_integer else "index" if e.is_integer else "real"
        return self.named((e.name, 0), (), env, kind)

    def at_Indexed(self, e, env):
        return self.entry(e.base.name, [self.at(index, env) for index in e.indices], env)

    def entry(self, name, indices, env):
        return self.named((name, len(indices)), indices, env)

    def named(self, name, indices, env, kind="real"):
        """The value of a name or an entry: bound by a derivative, defined, fixed by an equation, or drawn."""
        if (name[0], *indices) in env:
            return env[(name[0], *indices)]
        if name in self.point.definitions:
            return self.defined(name, indices, env)
        for pattern, fixed in self.point.fixed:
            if signature(pattern) == name and all(
                    not p.is_number or p == index for p, index in zip(getattr(pattern, "indices", ()), indices)):
                return self.at(fixed, env)
        return self.point.draw(name[0], indices, kind)

    def defined(self, name, arguments, env):
        """The body of a definition sees its parameters and what a derivative binds, but no index of the line around it."""
        parameters, body = self.point.definitions[name]
        if len(parameters) != len(arguments):
            raise LanguageError(f"{name[0]} takes {len(parameters)} arguments, got {len(arguments)}")
        seen = {key: value for key, value in env.items() if isinstance(key, tuple)}
        return self.at(body, {**seen, **dict(zip((p.name for p in parameters), arguments))})

    def at_AppliedUndef(self, e, env):
        return self.apply(e.func.__name__, [self.at(a, env) for a in e.args], env)

    def apply(self, name, arguments, env):
        if (name, "()") in self.point.definitions:
            return self.defined((name, "()"), arguments, env)
        return self.point.smooth(name, arguments)

    # Arithmetic

    def at_Add(self, e, env):
        return sum(self.at(a, env) for a in e.args)

    def at_Mul(self, e, env):
        result = mpmath.mpf(1)
        for a in e.args:
            result *= self.at(a, env)
        return result

    def at_Pow(self, e, env):
        base, exponent = self.at(e.base, env), self.at(e.exp, env)
        if base == 0 and exponent < 0:
            raise Undefined("division by zero")
        if base != 0 and abs(exponent * mpmath.log(abs(base))) > LARGEST_EXPONENT:
            raise Undefined("a number too large to compute")
        return mpmath.mpf(base) ** exponent

    def exp(self, x):
        if abs(x) > LARGEST_EXPONENT:
            raise Undefined("a number too large to compute")
        return mpmath.exp(x)

    def log(self, x):
        if x <= 0:
            raise Undefined("the logarithm of a number that is not positive")
        return mpmath.log(x)

    def sqrt(self, x):
        if x < 0:
            raise Undefined("the root of a negative number")
        return mpmath.sqrt(x)

    def at_exp(self, e, env):
        return self.exp(self.at(e.args[0], env))

    def at_log(self, e, env):
        return self.log(self.at(e.args[0], env))

    def at_Abs(self, e, env):
        return abs(self.at(e.args[0], env))

    def at_sign(self, e, env):
        return mpmath.sign(self.at(e.args[0], env))

    def at_Max(self, e, env):
        return max(self.at(a, env) for a in e.args)

    def at_Min(self, e, env):
        return min(self.at(a, env) for a in e.args)

    def at_Piecewise(self, e, env):
        for branch, condition in e.args:
            if self.at(condition, env):
                return self.at(branch, env)
        raise Undefined("no case applies")

    def at_KroneckerDelta(self, e, env):
        return int(self.at(e.args[0], env) == self.at(e.args[1], env))

    def loop(self, e, limits, env, start, combine):
        if not limits:
            return self.at(e.function, env)
        *inner, (index, low, high) = limits
        result = start
        steps = range(int(self.at(low, env)), int(self.at(high, env)) + 1)
        if len(steps) > LONGEST_SUM:
            raise Undefined("a sum too long to add up")
        for step in steps:
            result = combine(result, self.loop(e, inner, {**env, index.name: step}, start, combine))
        return result

    def at_Sum(self, e, env):
        return self.loop(e, e.limits, env, mpmath.mpf(0), operator.add)

    def at_Product(self, e, env):
        return self.loop(e, e.limits, env, mpmath.mpf(1), operator.mul)

    # Calculus

    def at_D(self, e, env):
        function, variable = e.args
        return self.derivative(function, variable, env)

    def bind(self, variable, number, env):
        """The environment in which a name or an entry has another value, also for the definitions that mention it."""
        if isinstance(variable, sp.Indexed):
            return {**env, (variable.base.name, *(self.at(index, env) for index in variable.indices)): number}
        return {**{key: value for key, value in env.items() if key != variable.name}, (variable.name,): number}

    def derivative(self, function, variable, env):
        return mpmath.diff(lambda t: self.at(function, self.bind(variable, t, env)), self.at(variable, env))

    def at_At(self, e, env):
        function, variable, replacement = e.args
        return self.at(function, self.bind(variable, self.at(replacement, env), env))

    def at_Lim(self, e, env):
        function, variable, target = e.args
        at = self.at(target, env)
        sides = [1 if at > 0 else -1] if mpmath.isinf(at) else [1, -1]
        _, predicates = self.point.constraints.get(signature(variable), ([], []))
        found = []
        with mpmath.workdps(LIMIT_DIGITS):
            for side in sides:
                ten = mpmath.mpf(10)
                places = [side * ten**far if mpmath.isinf(at) else at + side / ten**far for far in FAR]
                if all(holds(place) for place in places for holds in predicates):
                    found.append(_settles([self.at(function, self.bind(variable, place, env)) for place in places]))
        if not found or differ(found[0], found[-1]):
            raise Undefined(f"{e} does not exist")
        return found[0]

    # Conditions

    def at_Relational(self, e, env):
        left, right = (self.at(a, env) for a in e.args)
        return {sp.Lt: left < right, sp.Le: left <= right, sp.Gt: left > right, sp.Ge: left >= right,
                sp.Eq: left == right, sp.Ne: left != right}[type(e)]

    def at_Contains(self, e, env):
        return self.at(e.args[0], env) in [self.at(a, env) for a in e.args[1].args]

    def at_And(self, e, env):
        return all(self.at(a, env) for a in e.args)

    def at_BooleanTrue(self, e, env):
        return True

    def at_BooleanFalse(self, e, env):
        return False

    # Matrices, as lists of rows

    def places(self, size, env):
        low, high = (int(self.at(end, env)) for end in index_range(size))
        return range(low, high + 1)

    def at_MatrixSymbol(self, e, env):
        rows, name = self.places(e.shape[0], env), entry_name(e.name)
        if e.shape[1] == 1:
            return [[self.entry(name, [r], env)] for r in rows]
        return [[self.entry(name, [r, c], env) for c in self.places(e.shape[1], env)] for r in rows]

    def at_Transpose(self, e, env):
        return [list(row) for row in zip(*self.at(e.args[0], env))]

    def at_OneMatrix(self, e, env):
        return [[mpmath.mpf(1) for _ in self.places(e.shape[1], env)] for _ in self.places(e.shape[0], env)]

    def at_DiagMatrix(self, e, env):
        column = self.at(e.args[0], env)
        return [[row[0] if i == k else mpmath.mpf(0) for k in range(len(column))] for i, row in enumerate(column)]

    def at_Elementwise(self, e, env):
        name = e.args[0].name
        known = {"exp": self.exp, "log": self.log, "Abs": abs, "sqrt": self.sqrt}
        act = known.get(name, lambda entry: self.apply(name, [entry], env))
        return [[act(entry) for entry in row] for row in self.at(e.args[1], env)]

    def at_MatAdd(self, e, env):
        terms = [self.at(a, env) for a in e.args]
        return [[sum(entries) for entries in zip(*rows)] for rows in zip(*terms)]

    def at_HadamardProduct(self, e, env):
        factors = [self.at(a, env) for a in e.args]
        return [[mpmath.fprod(entries) for entries in zip(*rows)] for rows in zip(*factors)]

    def at_MatMul(self, e, env):
        result, scalar = None, mpmath.mpf(1)
        for a in e.args:
            factor = self.at(a, env)
            if not isinstance(factor, list):
                scalar *= factor
            elif result is None:
                result = factor
            else:
                result = [[sum(x * y for x, y in zip(row, column)) for column in zip(*factor)] for row in result]
        return [[scalar * entry for entry in row] for row in result]

    def at_Grad(self, e, env):
        scalar, variable = e.args
        rows = self.places(variable.shape[0], env)
        return [[self.derivative(scalar, array(entry_name(variable.name))[r], env)] for r in rows]

    def at_Jacobian(self, e, env):
        f, v = e.args
        return [[self.derivative(array(entry_name(f.name))[r], array(entry_name(v.name))[c], env)
                 for c in self.places(v.shape[0], env)] for r in self.places(f.shape[0], env)]

    def at_Entry(self, e, env):
        matrix, row, column = e.args
        rows = self.places(matrix.shape[0], env)
        columns = self.places(matrix.shape[1], env)
        row, column = self.at(row, env), self.at(column, env)
        if row not in rows or column not in columns:
            raise Undefined(f"the matrix has no entry ({row}, {column})")
        return self.at(matrix, env)[rows.index(row)][columns.index(column)]
