"""The language in which lines of a derivation are written.

A line is a Python expression in a string, for instance ``"exp(-z) / (1 + exp(-z))**2"``. It is parsed by Python's own
grammar, never evaluated as code, and kept as written: ``1 + exp(-z)`` stays in this order and a product of two fractions
stays two fractions. The result is an ordinary SymPy expression, so a SymPy expression is as good a line as a string.

========================================  =====================================================================
``z``, ``p``, ``n``                       a real number; ``n``, ``d``, ``m``, ``K`` are sizes, ``i j k l r s`` indices
``y[i]``, ``x[i, j]``                     an entry of a vector or a matrix
``sigma(z)``, ``L(y, p)``                 a function, with the definition given by ``where``
``exp log sqrt Abs Max Min``              as in SymPy; ``e`` is no name, write ``exp(z)``
``D(f, z)``                               the derivative of ``f`` in ``z``; ``z`` may be an entry such as ``beta[j]``
``At(f, p, sigma(z))``                    ``f`` with ``sigma(z)`` in the place of ``p``
``Lim(f, z, oo)``                         a limit
``Sum(f, (i, 1, n))``, ``Product(...)``   sums and products with their index
``delta(i, j)``                           Kronecker's delta
``Cases((a, z >= 0), (b, z < 0))``        a definition by cases; the last condition may be ``True``
``X.T @ (p - y)``, ``diag(w)``            matrices, if their shapes were given; ``(X.T @ r)[j]`` is an entry
``Jacobian(eta, beta)``, ``Grad(J, eta)`` the matrix of ``D(eta[i], beta[j])``; the column of ``D(J, eta[i])``
========================================  =====================================================================
"""

import ast
from itertools import pairwise

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.core.symbol import Str
from sympy.matrices.expressions import (
    DiagMatrix,
    HadamardProduct,
    MatAdd,
    MatMul,
    MatrixExpr,
    MatrixSymbol,
    OneMatrix,
)
from sympy.matrices.expressions.transpose import Transpose

SIZES = ("n", "d", "m", "K")
INDICES = ("i", "j", "k", "l", "r", "s")
LONGEST = 2000       # characters of a line
DEEPEST = 60         # brackets and operators inside each other; SymPy works by recursion
LARGEST_POWER = 100  # of a number: 9**9**9 has more digits than memory


class LanguageError(ValueError):
    """A line that is not in the language; the message says which part and what to write instead."""


def _require_variable(variable, what):
    if not isinstance(variable, (sp.Symbol, sp.Indexed)) or variable.is_integer:
        raise LanguageError(f"cannot {what} {variable}: only a real name such as z or an entry such as beta[j]")


class D(sp.Expr):
    """The derivative of an expression in a symbol or an entry, not carried out (SymPy's own drops some to zero)."""

    is_real = True

    def __new__(cls, expression, variable):
        _require_variable(variable, "differentiate in")
        return sp.Expr.__new__(cls, expression, variable)


class At(sp.Expr):
    """An expression with a value in the place of a symbol: the bar of f|_{p = a}."""

    is_real = True

    def __new__(cls, expression, variable, replacement):
        _require_variable(variable, "put a value in the place of")
        return sp.Expr.__new__(cls, expression, variable, replacement)


class Lim(sp.Expr):
    """The limit of an expression as a symbol tends to a point: from both sides, or from the side that is given."""

    is_real = True

    def __new__(cls, expression, variable, target):
        if isinstance(variable, sp.Indexed):
            raise LanguageError(f"cannot take a limit in the entry {variable}: give it a name of its own")
        _require_variable(variable, "take a limit in")
        if target.has(variable):
            raise LanguageError(f"{variable} cannot tend to {target}")
        return sp.Expr.__new__(cls, expression, variable, target)


class Entry(sp.Expr):
    """Entry (row, column) of a matrix expression; the column of a vector is 0."""

    is_real = True


class Jacobian(MatrixExpr):
    """The matrix of all D(f[i], v[j]), one row for each entry of f (numerator layout)."""

    def __new__(cls, function, variable):
        return MatrixExpr.__new__(cls, function, variable)

    shape = property(lambda self: (self.args[0].shape[0], self.args[1].shape[0]))


class Grad(MatrixExpr):
    """The column of all D(J, v[j])."""

    def __new__(cls, scalar, variable):
        return MatrixExpr.__new__(cls, scalar, variable)

    shape = property(lambda self: (self.args[1].shape[0], sp.Integer(1)))


class Elementwise(MatrixExpr):
    """A function applied to each entry of a matrix."""

    def __new__(cls, name, matrix):
        return MatrixExpr.__new__(cls, Str(str(name)), matrix)

    shape = property(lambda self: self.args[1].shape)


def symbol(name):
    """The symbol of that name: a positive integer for a size, an integer for an index, else a real number."""
    if name in SIZES:
        return sp.Symbol(name, integer=True, positive=True)
    if name in INDICES:
        return sp.Symbol(name, integer=True)
    return sp.Symbol(name, real=True)


def function(name):
    return sp.Function(name, real=True)


class Label(sp.Symbol):
    """The name of a vector: no number itself, so p = 1 says nothing about p[i]."""


def array(name):
    return sp.IndexedBase(Label(name, real=True))


def signature(e):
    """What tells names apart: p, p[i], p[i, j] and p(z) are four things. None for what has no name of its own."""
    if isinstance(e, sp.Indexed):
        return e.base.name, len(e.indices)
    if isinstance(e, AppliedUndef):
        return e.func.__name__, "()"
    if isinstance(e, sp.Symbol) and not isinstance(e, (sp.Dummy, Label)):
        return e.name, 0
    return None


def entry_name(matrix):
    """The name of the entries of a matrix: X has the entries x[i, j], a vector p the entries p[i]."""
    return matrix.lower() if len(matrix) == 1 else matrix


def index_range(size):
    """First and last value of an index that runs over `size` places.

    Samples and classes count from 1. Columns of X count from 0, because column 0 holds the ones: a size that is written
    ``d + 1`` runs from 0 to d. The only column of a vector is 0.
    """
    size = sp.sympify(size)
    if size == 1:
        return sp.Integer(0), sp.Integer(0)
    if size.is_Add and size.args[0] == 1:
        return sp.Integer(0), size - 1
    return sp.Integer(1), size


def parse(text, shapes=None):
    """Turn a line into a SymPy expression that keeps the order in which it was written.

    Parameters
    ----------
    text : str or sympy expression
        A SymPy expression keeps its form. Its symbols become those of the language (a plain ``Symbol("z")`` becomes the
        real number z), its derivatives and limits become ours, and what the language does not have is refused.
    shapes : dict, optional
        Shapes of the names that stand for whole vectors and matrices, such as ``{"X": "n, d + 1", "p": "n"}``.

    Raises
    ------
    LanguageError
        The text is not in the language. Nothing in it is ever executed.

    Examples
    --------
    >>> parse("1/(1 + exp(-z))").args
    (1, 1/(1 + exp(-z)))
    """
    if isinstance(text, int) and not isinstance(text, bool):
        return sp.Integer(text)
    if isinstance(text, sp.Basic):
        return admit(text)
    if not isinstance(text, str):
        raise LanguageError(f"a line is a string or a SymPy expression, not {type(text).__name__}")
    if len(text) > LONGEST:
        raise LanguageError(f"a line of {len(text)} characters: the limit is {LONGEST}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        hint = "; write lamda: the other spelling is a word of Python's own" if "lambda" in text else ""
        raise LanguageError(f"cannot read {text!r}: {getattr(error, 'msg', error)}{hint}") from None
    if _depth(tree) > DEEPEST:
        raise LanguageError(f"cannot read {text[:40]!r}...: more than {DEEPEST} parts inside each other")
    return _Reader(text, shapes or {}).read(tree)


def _depth(tree):
    deepest, level = 0, [tree]
    while level:
        deepest, level = deepest + 1, [child for node in level for child in ast.iter_child_nodes(node)]
    return deepest


def admit(e):
    """A SymPy expression in the words of the language, its form kept; `LanguageError` for what the language lacks."""
    if isinstance(e, sp.Symbol):
        return _admit_symbol(e)
    if isinstance(e, sp.Idx):
        return _admit_symbol(e.label)
    if isinstance(e, sp.Indexed):
        indices = [admit(index) for index in e.indices]
        _require_integers(indices, e)
        return sp.Indexed(array(_checked_name(str(e.base.label))), *indices)
    if isinstance(e, AppliedUndef):
        return function(_checked_name(e.func.__name__))(*map(admit, e.args))
    if isinstance(e, MatrixSymbol):
        return MatrixSymbol(_checked_name(e.name), *map(admit, e.shape))
    if isinstance(e, sp.Derivative):
        result = admit(e.expr)
        for variable, count in e.variable_count:
            if not count.is_Integer:
                raise LanguageError(f"a derivative of order {count} is not in the language")
            for _ in range(count):
                result = D(result, admit(variable))
        return result
    if isinstance(e, sp.Subs):
        if len(e.variables) != 1:
            raise LanguageError(f"{e} puts in several values at once; use At for one after the other")
        return At(admit(e.expr), admit(e.variables[0]), admit(e.point[0]))
    if isinstance(e, sp.Limit):
        body, variable, target, side = e.args
        if not _is_oo(target) and str(side) != "+-":
            raise LanguageError(f"{e} is a limit from one side; use Lim, and say in `given` on which side {variable} stays")
        return Lim(*map(admit, (body, variable, target)))
    if isinstance(e, (sp.Sum, sp.Product)):
        limits = [tuple(map(admit, limit)) for limit in e.limits]
        _require_limits(limits, e)
        return e.func(admit(e.function), *limits)
    if isinstance(e, sp.Piecewise):
        return sp.Piecewise(*[(admit(value), admit(condition)) for value, condition in e.args], evaluate=False)
    if e in (sp.nan, sp.zoo) or not isinstance(e, _ADMITTED):
        raise LanguageError(f"{type(e).__name__} is not in the language: {e}")
    if not e.args or isinstance(e, (sp.FiniteSet, Str)):
        return e
    arguments = [admit(a) for a in e.args]
    if e.is_Pow:
        _require_small(*arguments)
    if any(map(_is_oo, arguments)) and not isinstance(e, Lim):
        raise LanguageError(f"oo is not a number: {e}")
    if isinstance(e, (MatAdd, HadamardProduct, MatMul)):
        matrices = [a for a in arguments if a.is_Matrix]
        for a, b in pairwise(matrices):
            if isinstance(e, MatMul) and a.shape[1] != b.shape[0] or not isinstance(e, MatMul) and a.shape != b.shape:
                raise LanguageError(f"the shapes do not fit: {show_shape(a)} and {show_shape(b)} in {e}")
    if tuple(arguments) == e.args:
        return e
    return e.func(*arguments, evaluate=False) if isinstance(e, KEEP_FORM) else e.func(*arguments)


def _admit_symbol(e):
    ours = symbol(_checked_name(e.name))
    if isinstance(e, (sp.Dummy, sp.Wild)):
        raise LanguageError(f"{type(e).__name__} {e} is not in the language; use a name")
    extra = [fact for fact, value in e._assumptions_orig.items() if ours.assumptions0.get(fact) != value]
    if extra:
        raise LanguageError(f"the symbol {e} is assumed to be {', '.join(extra)}, which the reader would not see; "
                            f"use Symbol({e.name!r}) and say it in `given`")
    return ours


def _checked_name(name):
    """A name is what `parse` reads as one: nothing else can be typeset without risk of showing what was not proved."""
    if not (name.isascii() and name.isidentifier()) or name.startswith("_"):
        raise LanguageError(f"{name!r} is not a name: a name is made of letters a-z, digits and _ (write alpha for the "
                            "Greek letter)")
    if name in _RESERVED:
        raise LanguageError(f"{name} is not a name here; " + ("write exp(1)" if name == "e" else f"write {name}(...)"))
    return name


def _require_integers(indices, where):
    for index in indices:
        if not index.is_integer:
            raise LanguageError(f"{index} is not an index in {where}: indices are {', '.join(INDICES)} and whole numbers")


def _require_limits(limits, where):
    seen = set()
    for limit in limits:
        if len(limit) != 3 or limit[0] in seen or str(limit[0]) not in INDICES:
            raise LanguageError(f"{where} needs an index of its own for each sum, as in (i, 1, n); "
                                f"indices are {', '.join(INDICES)}")
        seen.add(limit[0])
        for end in limit[1:]:
            # A bound that moves with another index would have to be renamed with it; no chapter needs that.
            if not end.is_integer or any(s.name not in SIZES for s in end.free_symbols):
                raise LanguageError(f"{end} is not a bound in {where}: bounds are made of {', '.join(SIZES)} and whole "
                                    "numbers")


class _Reader:
    """Walks Python's syntax tree; every node that is not listed here is refused."""

    def __init__(self, text, shapes):
        self.text = text
        self.shapes = {name: _shape(shape) for name, shape in shapes.items()}

    def refuse(self, node, why):
        part = ast.get_source_segment(self.text.strip(), node) or self.text
        raise LanguageError(f"cannot read {part!r} in {self.text!r}: {why}")

    def read(self, node):
        reader = getattr(self, "read_" + type(node).__name__, None)
        if reader is None:
            self.refuse(node, "this is not in the language of derivations")
        return reader(node)

    def number(self, node):
        """Read what must be a number, not a condition and not a matrix."""
        value = self.read(node)
        if not isinstance(value, sp.Expr) or value.is_Matrix or _is_oo(value):
            self.refuse(node, "a number is needed here, and oo is not a number")
        return value

    def term(self, node):
        """Read what must be a number or a matrix."""
        value = self.read(node)
        if not isinstance(value, sp.Expr):
            self.refuse(node, "a condition stands only in `given` and in Cases")
        return value

    def finite(self, node):
        """Read what may stand in arithmetic."""
        value = self.term(node)
        if _is_oo(value):
            self.refuse(node, "oo is not a number; it stands as the target of Lim, and as the value of one")
        return value

    def integer(self, node):
        value = _evaluated(self.number(node))
        try:
            _require_integers([value], self.text)
        except LanguageError as error:
            self.refuse(node, str(error))
        return value

    def read_Constant(self, node):
        if isinstance(node.value, bool) or not isinstance(node.value, int):
            self.refuse(node, "only whole numbers; write 1/2 for 0.5")
        if abs(node.value) > 10**9:
            self.refuse(node, "a number this large cannot be meant")
        return sp.Integer(node.value)

    def read_Name(self, node):
        if node.id in self.shapes:
            shape = self.shapes[node.id]
            return MatrixSymbol(node.id, *(shape if len(shape) == 2 else (*shape, 1)))
        if node.id in ("oo", "pi"):
            return {"oo": sp.oo, "pi": sp.pi}[node.id]
        return symbol(self.checked(node, node.id))

    def checked(self, node, name):
        try:
            return _checked_name(name)
        except LanguageError as error:
            return self.refuse(node, str(error))

    def read_UnaryOp(self, node):
        operand = self.term(node.operand)
        if isinstance(node.op, ast.USub):
            return MatMul(-1, operand) if operand.is_Matrix else _negative(operand)
        return self.refuse(node, "the only sign in front of a term is -")

    def read_BinOp(self, node):
        left, right = self.finite(node.left), self.finite(node.right)
        combine = {ast.Add: _add, ast.Sub: _subtract, ast.Mult: _multiply, ast.Div: _divide, ast.Pow: _power,
                   ast.MatMult: _matrix_product}.get(type(node.op))
        if combine is None:
            self.refuse(node, "the operators are + - * / ** and @")
        try:
            return combine(left, right)
        except (sp.ShapeError, TypeError, ValueError) as error:
            return self.refuse(node, str(error))

    def read_Attribute(self, node):
        value = self.read(node.value)
        if node.attr != "T" or not value.is_Matrix:
            self.refuse(node, "the only attribute is .T, of a matrix whose shape was given")
        return Transpose(value)

    def read_Subscript(self, node):
        indices = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        indices = [self.integer(index) for index in indices]
        if isinstance(node.value, ast.Name):
            return self.entry_of_name(node, indices)
        matrix = self.read(node.value)
        if not getattr(matrix, "is_Matrix", False):
            self.refuse(node, "an index follows the name of a vector or a matrix expression")
        if len(indices) != (2 if matrix.shape[1] != 1 and matrix.shape[0] != 1 else 1):
            self.refuse(node, "a matrix has two indices and a vector one")
        if len(indices) == 1:
            indices = [*indices, sp.Integer(0)] if matrix.shape[1] == 1 else [sp.Integer(0), *indices]
        return Entry(matrix, *indices)

    def entry_of_name(self, node, indices):
        name = node.value.id
        if name in self.shapes and len(indices) != len([size for size in self.shapes[name] if size != 1]):
            self.refuse(node, f"{name} has the shape ({', '.join(map(str, self.shapes[name]))})")
        return sp.Indexed(array(entry_name(self.checked(node, name))), *indices)

    def read_Call(self, node):
        if not isinstance(node.func, ast.Name) or node.keywords or not node.args:
            self.refuse(node, "a function is a name with its arguments")
        name = node.func.id
        if name in ("Sum", "Product"):
            return self.sum(node, getattr(sp, name))
        if name == "Cases":
            return sp.Piecewise(*[self.case(argument) for argument in node.args], evaluate=False)
        arguments = [self.term(argument) if name == "Lim" else self.finite(argument) for argument in node.args]
        if len(arguments) == 1 and arguments[0].is_Matrix and name != "diag":
            if name in _RESERVED and name not in ELEMENTWISE:
                self.refuse(node, f"{name} takes a number, not a matrix")
            return Elementwise(name if name in ELEMENTWISE else self.checked(node, name), arguments[0])
        matrices = [a for a in arguments if a.is_Matrix]
        if matrices and name not in ("diag", "Jacobian", "Grad"):
            self.refuse(node, f"{name} takes numbers; an entry of a matrix expression is written (...)[i]")
        if name in _BUILDERS:
            builder, count = _BUILDERS[name]
            if count is not None and len(arguments) != count:
                self.refuse(node, f"{name} takes {count} argument{'s' * (count > 1)}, got {len(arguments)}")
            try:
                return builder(*arguments)
            except (AttributeError, TypeError, ValueError) as error:
                return self.refuse(node, str(error))
        return function(self.checked(node, name))(*arguments)

    def sum(self, node, kind):
        body = self.number(node.args[0])
        limits = [self.limits(argument) for argument in node.args[1:]]
        if not limits:
            self.refuse(node, f"{kind.__name__} needs its index, as in {kind.__name__}(f, (i, 1, n))")
        try:
            _require_limits(limits, kind.__name__)
        except LanguageError as error:
            self.refuse(node, str(error))
        return kind(body, *limits)

    def limits(self, node):
        if not isinstance(node, ast.Tuple) or len(node.elts) != 3:
            self.refuse(node, "an index has three parts, as in (i, 1, n)")
        return tuple(self.integer(part) for part in node.elts)

    def case(self, node):
        if not isinstance(node, ast.Tuple) or len(node.elts) != 2:
            self.refuse(node, "a case has two parts, as in (z, z >= 0)")
        value, condition = node.elts
        if isinstance(condition, ast.Constant) and condition.value is True:
            return self.number(value), sp.true
        if not isinstance(condition, ast.Compare):
            self.refuse(condition, "a condition is needed here, such as z >= 0")
        condition = self.read(condition)
        if condition.has(sp.Piecewise):
            self.refuse(node, "Cases do not stand inside a condition")
        return self.number(value), condition

    def read_Compare(self, node):
        if len(node.ops) == 1 and isinstance(node.ops[0], ast.In):
            return self.membership(node)
        sides = [self.number(side) for side in [node.left, *node.comparators]]
        parts = []
        for left, operator, right in zip(sides, node.ops, sides[1:]):
            relation = {ast.Lt: sp.Lt, ast.LtE: sp.Le, ast.Gt: sp.Gt, ast.GtE: sp.Ge, ast.Eq: sp.Eq,
                        ast.NotEq: sp.Ne}.get(type(operator))
            if relation is None:
                self.refuse(node, "the relations are < <= > >= == != and, with a set such as {0, 1}, in")
            parts.append(relation(left, right, evaluate=False))
        return parts[0] if len(parts) == 1 else sp.And(*parts, evaluate=False)

    def membership(self, node):
        values = node.comparators[0]
        if not isinstance(values, ast.Set):
            self.refuse(node, "after `in` stands a set of numbers, such as {0, 1}")
        values = [_evaluated(self.number(value)) for value in values.elts]
        if not all(value.is_Rational for value in values):
            self.refuse(node, "the set must hold numbers")
        return sp.Contains(self.number(node.left), sp.FiniteSet(*values), evaluate=False)


def _shape(shape):
    parts = shape.split(",") if isinstance(shape, str) else shape
    sizes = tuple(_evaluated(parse(part)) for part in parts)
    known = all(size.is_integer and size.is_positive and all(s.name in SIZES for s in size.free_symbols) for size in sizes)
    if len(sizes) not in (1, 2) or not known or len(sizes) == 2 and sizes[0] == 1 != sizes[1]:
        raise LanguageError(f"{shape!r} is not a shape: one or two sizes, made of {', '.join(SIZES)} and whole numbers")
    return sizes


def _evaluated(expression):
    """The same expression built again with SymPy's usual evaluation, for indices, limits and sizes."""
    if not expression.args:
        return expression
    return expression.func(*map(_evaluated, expression.args))


def is_fraction(expression):
    """Whether an expression was written as numerator / denominator."""
    return (expression.is_Mul and len(expression.args) == 2 and expression.args[1].is_Pow
            and expression.args[1].exp == -1)


def _is_oo(e):
    # SymPy's own `is_infinite` now and then fails on what is kept as it was written, such as -0.
    return e in (sp.oo, -sp.oo, sp.Mul(-1, sp.oo, evaluate=False))


def _negative(a):
    # Minus zero keeps its sign, because its author wrote one: 1 - 0.
    return -a if a.is_Integer and a != 0 else sp.Mul(-1, a, evaluate=False)


def _spread(scalar, matrix):
    """A number beside a matrix stands for that number in every place, as in NumPy."""
    if scalar.is_Matrix:
        return scalar
    ones = OneMatrix(*matrix.shape)
    return ones if scalar == 1 else MatMul(scalar, ones)


def _require_same_shape(a, b, sign):
    if a.shape != b.shape:
        raise LanguageError(f"the shapes do not fit: {show_shape(a)} {sign} {show_shape(b)}")


def _add(a, b):
    if a.is_Matrix or b.is_Matrix:
        a, b = _spread(a, b), _spread(b, a)
        _require_same_shape(a, b, "+")
        return MatAdd(*(a.args if isinstance(a, MatAdd) else (a,)), b)
    return sp.Add(*(a.args if a.is_Add else (a,)), b, evaluate=False)


def _subtract(a, b):
    if a.is_Matrix or b.is_Matrix:
        return _add(a, MatMul(-1, _spread(b, a)))
    return _add(a, _negative(b))


def _is_negative(a):
    return a.is_Integer and a < -1 or a.is_Mul and len(a.args) == 2 and a.args[0] == -1


def _multiply(a, b):
    if _is_negative(a):
        # Python reads -y*log(p) as (-y)*log(p); a mathematician reads -(y*log(p)).
        rest = _multiply(-a if a.is_Integer else a.args[1], b)
        return MatMul(-1, *_matrix_factors(rest)) if rest.is_Matrix else _negative(rest)
    if a.is_Matrix and b.is_Matrix:
        _require_same_shape(a, b, "*")
        if isinstance(a, MatMul) and a.args[0] == -1:
            return MatMul(-1, HadamardProduct(MatMul(*a.args[1:]), b))
        return HadamardProduct(a, b)
    if a.is_Matrix or b.is_Matrix:
        return MatMul(*((b, a) if a.is_Matrix else (a, b)))
    flat = a.is_Mul and not is_fraction(a) and a.args[0] != -1
    return sp.Mul(*(a.args if flat else (a,)), b, evaluate=False)


def _divide(a, b):
    if b.is_Matrix:
        raise LanguageError("a matrix cannot stand below a fraction bar; write the entry")
    if _is_negative(a) or a == -1:
        return _negative(_divide(-a if a.is_Integer else a.args[1], b))
    if a.is_Matrix:
        return MatMul(sp.Mul(1, sp.Pow(b, -1, evaluate=False), evaluate=False), a)
    return sp.Mul(a, sp.Pow(b, -1, evaluate=False), evaluate=False)


def _power(a, b):
    if a.is_Matrix or b.is_Matrix:
        raise LanguageError("a power of a matrix is not in the language; write the product")
    _require_small(a, b)
    return sp.Pow(a, b, evaluate=False)


def _require_small(base, exponent):
    whole = lambda e: any(abs(power.exp) > 1 for power in e.atoms(sp.Pow) if power.exp.is_number)
    tower = exponent.is_number and whole(exponent) or base.is_number and whole(base) and abs(exponent) != 1
    if tower or exponent.is_Integer and abs(exponent) > LARGEST_POWER:
        raise LanguageError(f"a power beyond {LARGEST_POWER} cannot be meant")


def _matrix_product(a, b):
    if not (a.is_Matrix and b.is_Matrix):
        raise LanguageError("@ stands between two matrices whose shapes were given")
    if a.shape[1] != b.shape[0]:
        raise LanguageError(f"the shapes do not fit: {show_shape(a)} @ {show_shape(b)}")
    return MatMul(*_matrix_factors(a), b)


def _matrix_factors(a):
    return a.args if isinstance(a, MatMul) else (a,)


def show_shape(e):
    """The shape in words, for a message."""
    return " x ".join(f"({size})" if size.is_Add else str(size) for size in e.shape) if e.is_Matrix else "a number"


def _unevaluated(function_class):
    return lambda *arguments: function_class(*arguments, evaluate=False)


def _diagonal(vector):
    if not vector.is_Matrix or vector.shape[1] != 1:
        raise LanguageError("diag takes a vector whose shape was given")
    return DiagMatrix(vector)


def _jacobian(function_vector, variable):
    if not all(isinstance(v, MatrixSymbol) and v.shape[1] == 1 for v in (function_vector, variable)):
        raise LanguageError("Jacobian takes the names of two vectors whose shapes were given")
    return Jacobian(function_vector, variable)


def _gradient(scalar, variable):
    if scalar.is_Matrix or not isinstance(variable, MatrixSymbol) or variable.shape[1] != 1:
        raise LanguageError("Grad takes a number and the name of a vector whose shape was given")
    return Grad(scalar, variable)


#: Functions of a number that are not defined by a line.
ELEMENTWISE = {
    "exp": _unevaluated(sp.exp), "log": _unevaluated(sp.log), "Abs": _unevaluated(sp.Abs),
    "sqrt": lambda a: sp.Pow(a, sp.Rational(1, 2), evaluate=False),
}
_BUILDERS = {
    **{name: (builder, 1) for name, builder in ELEMENTWISE.items()},
    "Max": (_unevaluated(sp.Max), 2), "Min": (_unevaluated(sp.Min), 2),
    "delta": (lambda *indices: sp.KroneckerDelta(*sorted(indices, key=sp.default_sort_key), evaluate=False), 2),
    "D": (D, 2), "At": (At, 3), "Lim": (Lim, 3),
    "diag": (_diagonal, 1), "Jacobian": (_jacobian, 2), "Grad": (_gradient, 2),
}
# Names that mean something, so they cannot name a variable as well.
_RESERVED = {*_BUILDERS, "Sum", "Product", "Cases", "e", "oo", "pi"}
# What may stand in an expression, besides the classes that `admit` rebuilds.
KEEP_FORM = (sp.Add, sp.Mul, sp.Pow, sp.exp, sp.log, sp.Abs, sp.Max, sp.Min, sp.And, sp.core.relational.Relational)
_ADMITTED = (*KEEP_FORM, sp.Rational, sp.core.numbers.Infinity, sp.core.numbers.NegativeInfinity, sp.core.numbers.Pi,
             sp.core.numbers.Exp1, sp.logic.boolalg.BooleanTrue, sp.sign, sp.KroneckerDelta, sp.Contains, sp.FiniteSet, Str,
             D, At, Lim, Entry, Jacobian, Grad, Elementwise, Transpose, DiagMatrix, HadamardProduct, MatAdd, MatMul,
             OneMatrix)
