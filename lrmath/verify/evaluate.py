"""The second oracle: the value of a line at a point, by arithmetic alone.

The proof of a step rewrites formulas. This module knows no rewriting. It draws numbers for every name, small sizes for
n, d and K, and computes each line with 30 digits: sums by looping, derivatives by mpmath's numerical differentiation,
limits by going far. A step must pass both, so that a mistake in one of them is caught by the other; and where two lines
differ, this is what finds the values at which they do.
"""

import random

import mpmath
import sympy as sp

from .language import array, entry_name, index_range

DIGITS = 30
TOLERANCE = mpmath.mpf("1e-12")
# Far enough for exp(-x) to vanish at 30 digits, near enough for exp(x) to stay a number.
FAR = 10_000


class Undefined(ValueError):
    """The line has no real value at this point (a division by zero, the logarithm of a negative number)."""


class Point:
    """Values for every name, drawn when first needed, so that one point serves both sides of a line.

    Parameters
    ----------
    seed : int
    constraints : dict
        For a name, the conditions that mention it alone, with ``value`` for the name.
    definitions : dict
        For a name, its parameters and its body.
    fixed : list
        Pairs of an entry and its value, such as (x[i, 0], 1), for every i.
    """

    def __init__(self, seed, constraints=None, definitions=None, fixed=()):
        self.seed = seed
        self.constraints = constraints or {}
        self.definitions = definitions or {}
        self.fixed = fixed
        self.drawn = {}

    def draw(self, name, indices=(), integer=False):
        key = (name, *indices)
        if key not in self.drawn:
            generator = random.Random(f"{self.seed}:{key}")
            sets, predicates = self.constraints.get(name, ([], []))
            for _ in range(10_000):
                if sets:
                    value = mpmath.mpf(generator.choice(sets))
                elif integer:
                    value = generator.randint(*integer)
                else:
                    value = mpmath.mpf(generator.randint(-3000, 3000)) / 1009
                if all(holds(value) for holds in predicates):
                    break
            else:
                raise Undefined(f"no value of {name} was found that satisfies the conditions")
            self.drawn[key] = value
        return self.drawn[key]

    def smooth(self, name, arguments):
        """Some smooth function stands for a function without a definition: the same one for the whole point."""
        generator = random.Random(f"{self.seed}:{name}")
        value = mpmath.mpf(generator.randint(-200, 200)) / 101
        for argument in arguments:
            slope, phase = (mpmath.mpf(generator.randint(50, 150)) / 101 for _ in range(2))
            value = value + 2 * mpmath.sin(slope * argument + phase)
        return value

    def show(self):
        """The drawn values, rounded, for a message."""
        parts = []
        for (name, *indices), value in sorted(self.drawn.items(), key=str):
            where = f"[{', '.join(map(str, indices))}]" if indices else ""
            number = str(value) if isinstance(value, int) else mpmath.nstr(value, 6)
            parts.append(f"{name}{where} = {number.removesuffix('.0')}")
        return ", ".join(parts)


def value(expression, point, bound=None, digits=DIGITS):
    """The value of an expression at a point; a matrix gives a list of rows."""
    with mpmath.workdps(digits):
        try:
            return _Evaluator(point).at(expression, bound or {})
        except (ZeroDivisionError, OverflowError) as error:
            raise Undefined(str(error)) from None


def differ(left, right):
    """Whether two values differ by more than rounding; matrices differ where an entry or the shape does."""
    if isinstance(left, list) or isinstance(right, list):
        if not (isinstance(left, list) and isinstance(right, list)) or len(left) != len(right):
            return True
        return any(differ(a, b) for a, b in zip(left, right))
    return abs(left - right) > TOLERANCE * (1 + abs(left) + abs(right))


class _Evaluator:
    def __init__(self, point):
        self.point = point

    def at(self, e, env):
        for cls in type(e).__mro__:
            method = getattr(self, "at_" + cls.__name__, None)
            if method is not None:
                result = method(e, env)
                if isinstance(result, mpmath.mpc) and result.imag != 0:
                    raise Undefined(f"{e} is not real")
                return result
        raise TypeError(f"no rule to compute {type(e).__name__}")

    # Numbers and names

    def at_Integer(self, e, env):
        return int(e)

    def at_Rational(self, e, env):
        return mpmath.mpf(e.p) / e.q

    def at_NumberSymbol(self, e, env):
        return {sp.E: mpmath.e, sp.pi: mpmath.pi}[e] * 1

    def at_Infinity(self, e, env):
        return FAR

    def at_NegativeInfinity(self, e, env):
        return -FAR

    def at_Symbol(self, e, env):
        if e.name in env:
            return env[e.name]
        if e.name in self.point.definitions:
            return self.at(self.point.definitions[e.name][1], env)
        for pattern, fixed in self.point.fixed:
            if pattern == e:
                return self.at(fixed, env)
        return self.point.draw(e.name, integer=(2, 4) if e.is_positive and e.is_integer else (0, 5) if e.is_integer else False)

    def entry(self, name, indices, env):
        if (name, *indices) in env:
            return env[(name, *indices)]
        if name in self.point.definitions:
            parameters, body = self.point.definitions[name]
            return self.at(body, {**env, **dict(zip((p.name for p in parameters), indices))})
        for pattern, fixed in self.point.fixed:
            if isinstance(pattern, sp.Indexed) and pattern.base.name == name and all(
                    not p.is_number or p == index for p, index in zip(pattern.indices, indices)):
                return self.at(fixed, env)
        return self.point.draw(name, indices)

    def at_Indexed(self, e, env):
        return self.entry(e.base.name, [self.at(index, env) for index in e.indices], env)

    def at_AppliedUndef(self, e, env):
        return self.apply(e.func.__name__, [self.at(a, env) for a in e.args], env)

    def apply(self, name, arguments, env):
        if name in ("exp", "log"):
            return getattr(self, name)(*arguments)
        if name in self.point.definitions:
            parameters, body = self.point.definitions[name]
            return self.at(body, {**env, **dict(zip((p.name for p in parameters), arguments))})
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
        return mpmath.mpf(base) ** exponent

    def exp(self, x):
        return mpmath.exp(x)

    def log(self, x):
        if isinstance(x, mpmath.mpc) or x <= 0:
            raise Undefined("the logarithm of a number that is not positive")
        return mpmath.log(x)

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

    def loop(self, e, env, start, combine):
        *inner, (index, low, high) = e.limits
        result = start
        for step in range(int(self.at(low, env)), int(self.at(high, env)) + 1):
            body = e.func(e.function, *inner) if inner else e.function
            result = combine(result, self.at(body, {**env, index.name: step}))
        return result

    def at_Sum(self, e, env):
        return self.loop(e, env, mpmath.mpf(0), lambda a, b: a + b)

    def at_Product(self, e, env):
        return self.loop(e, env, mpmath.mpf(1), lambda a, b: a * b)

    # Calculus

    def at_D(self, e, env):
        function, variable = e.args
        return self.derivative(function, variable, env)

    def key(self, variable, env):
        if isinstance(variable, sp.Indexed):
            return (variable.base.name, *(self.at(index, env) for index in variable.indices))
        return variable.name

    def derivative(self, function, variable, env):
        key = self.key(variable, env)
        return mpmath.diff(lambda t: self.at(function, {**env, key: t}), self.at(variable, env))

    def at_At(self, e, env):
        function, variable, replacement = e.args
        return self.at(function, {**env, self.key(variable, env): self.at(replacement, env)})

    def at_Lim(self, e, env):
        function, variable, target = e.args
        offset = 0 if target.is_infinite else mpmath.mpf(10) ** -20
        return self.at(function, {**env, variable.name: self.at(target, env) + offset})

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
        return [[self.apply(e.args[0].name, [entry], env) for entry in row] for row in self.at(e.args[1], env)]

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
        columns = self.places(matrix.shape[1], env) if matrix.shape[1] != 1 else [0]
        row, column = self.at(row, env), self.at(column, env)
        if row not in rows or column not in columns:
            raise Undefined(f"the matrix has no entry ({row}, {column})")
        return self.at(matrix, env)[rows.index(row)][columns.index(column)]
