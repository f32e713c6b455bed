"""The language in which lines of a derivation are written.

A line is a Python expression in a string, for instance ``"exp(-z) / (1 + exp(-z))**2"``. It is parsed by Python's own
grammar, never evaluated as code, and kept as written: ``1 + exp(-z)`` stays in this order and a product of two fractions
stays two fractions. The result is an ordinary SymPy expression, so a SymPy expression is as good a line as a string.

========================================  =====================================================================
``z``, ``p``, ``n``                       a real number; ``n``, ``d``, ``m``, ``K`` are sizes, ``i j k l r s`` indices
``y[i]``, ``x[i, j]``                     an entry of a vector or a matrix
``sigma(z)``, ``L(y, p)``                 a function, with the definition given by ``where``
``exp log sqrt Abs Max Min``              as in SymPy; ``e**z`` is not a power of a symbol, write ``exp(z)``
``D(f, z)``                               the derivative of ``f`` in ``z``; ``z`` may be an entry such as ``beta[j]``
``At(f, p, sigma(z))``                    ``f`` with ``sigma(z)`` in the place of ``p``
``Lim(f, z, oo)``                         a limit
``Sum(f, (i, 1, n))``, ``Product(...)``   sums and products with their index
``delta(i, j)``                           Kronecker's delta
``Cases((a, z >= 0), (b, z < 0))``        a definition by cases
``X.T @ (p - y)``, ``diag(w)``            matrices, if their shapes were given; ``(X.T @ r)[j]`` is an entry
``Jacobian(eta, beta)``, ``Grad(J, eta)`` the matrix of ``D(eta[i], beta[j])``; the column of ``D(J, eta[i])``
========================================  =====================================================================
"""

import ast

import sympy as sp
from sympy.core.symbol import Str
from sympy.matrices.expressions import DiagMatrix, HadamardProduct, MatAdd, MatMul, MatrixExpr, MatrixSymbol, OneMatrix
from sympy.matrices.expressions.transpose import Transpose

SIZES = ("n", "d", "m", "K")
INDICES = ("i", "j", "k", "l", "r", "s")


class LanguageError(ValueError):
    """A line that is not in the language; the message says which part and what to write instead."""


class D(sp.Expr):
    """The derivative of an expression in a symbol or an entry, not carried out (SymPy's own drops some to zero)."""

    is_real = True

    def __new__(cls, expression, variable):
        if not isinstance(variable, (sp.Symbol, sp.Indexed)):
            raise LanguageError(f"cannot differentiate in {variable}: only in a name or an entry such as beta[j]")
        return sp.Expr.__new__(cls, expression, variable)


class At(sp.Expr):
    """An expression with a value in the place of a symbol: the bar of f|_{p = a}."""

    is_real = True


class Lim(sp.Expr):
    """The limit of an expression as a symbol tends to a point."""

    is_real = True


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


def array(name):
    return sp.IndexedBase(name, real=True)


def entry_name(matrix):
    """The name of the entries of a matrix: X has the entries x[i, j], a vector p the entries p[i]."""
    return matrix.lower() if len(matrix) == 1 else matrix


def index_range(size):
    """First and last value of an index that runs over `size` places.

    Samples and classes count from 1. Columns of X count from 0, because column 0 holds the ones: a size that is written
    ``d + 1`` runs from 0 to d.
    """
    size = sp.sympify(size)
    if size.is_Add and size.args[0] == 1:
        return sp.Integer(0), size - 1
    return sp.Integer(1), size


def parse(text, shapes=None):
    """Turn a line into a SymPy expression that keeps the order in which it was written.

    Parameters
    ----------
    text : str or sympy expression
        A SymPy expression is returned as it is.
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
    if isinstance(text, (sp.Basic, int)):
        return sp.sympify(text)
    if not isinstance(text, str):
        raise LanguageError(f"a line is a string or a SymPy expression, not {type(text).__name__}")
    if len(text) > 2000:
        raise LanguageError(f"a line of {len(text)} characters: the limit is 2000")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise LanguageError(f"cannot read {text!r}: {getattr(error, 'msg', error)}") from None
    return _Reader(text, shapes or {}).read(tree)


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
        return {"oo": sp.oo, "pi": sp.pi}.get(node.id) or symbol(node.id)

    def read_UnaryOp(self, node):
        operand = self.read(node.operand)
        if isinstance(node.op, ast.USub):
            return MatMul(-1, operand) if operand.is_Matrix else _negative(operand)
        return self.refuse(node, "the only sign in front of a term is -")

    def read_BinOp(self, node):
        left, right = self.read(node.left), self.read(node.right)
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
        indices = [self.read(index) for index in indices]
        if isinstance(node.value, ast.Name):
            return sp.Indexed(array(entry_name(node.value.id)), *map(_evaluated, indices))
        matrix = self.read(node.value)
        if not matrix.is_Matrix:
            self.refuse(node, "an index follows the name of a vector or a matrix expression")
        return Entry(matrix, *indices, *([sp.Integer(0)] * (2 - len(indices))))

    def read_Call(self, node):
        if not isinstance(node.func, ast.Name) or node.keywords or not node.args:
            self.refuse(node, "a function is a name with its arguments")
        name = node.func.id
        if name in ("Sum", "Product"):
            body = self.read(node.args[0])
            limits = [self.limits(argument) for argument in node.args[1:]]
            if not limits:
                self.refuse(node, f"{name} needs its index, as in {name}(f, (i, 1, n))")
            return getattr(sp, name)(body, *limits)
        if name == "Cases":
            return sp.Piecewise(*[self.case(argument) for argument in node.args], evaluate=False)
        arguments = [self.read(argument) for argument in node.args]
        if len(arguments) == 1 and arguments[0].is_Matrix and name != "diag":
            return Elementwise(name, arguments[0])
        if name in _BUILDERS:
            builder, count = _BUILDERS[name]
            if count is not None and len(arguments) != count:
                self.refuse(node, f"{name} takes {count} argument{'s' * (count > 1)}, got {len(arguments)}")
            try:
                return builder(*arguments)
            except LanguageError:
                raise
            except (AttributeError, TypeError, ValueError) as error:
                return self.refuse(node, str(error))
        return function(name)(*arguments)

    def limits(self, node):
        if not isinstance(node, ast.Tuple) or len(node.elts) != 3:
            self.refuse(node, "an index has three parts, as in (i, 1, n)")
        index, low, high = map(self.read, node.elts)
        return index, _evaluated(low), _evaluated(high)

    def case(self, node):
        if not isinstance(node, ast.Tuple) or len(node.elts) != 2:
            self.refuse(node, "a case has two parts, as in (z, z >= 0)")
        return self.read(node.elts[0]), self.read(node.elts[1])

    def read_Compare(self, node):
        sides = [self.read(side) if not isinstance(side, ast.Set) else
                 sp.FiniteSet(*map(self.read, side.elts)) for side in [node.left, *node.comparators]]
        parts = []
        for left, operator, right in zip(sides, node.ops, sides[1:]):
            relation = {ast.Lt: sp.Lt, ast.LtE: sp.Le, ast.Gt: sp.Gt, ast.GtE: sp.Ge, ast.Eq: sp.Eq, ast.NotEq: sp.Ne,
                        ast.In: sp.Contains}.get(type(operator))
            if relation is None:
                self.refuse(node, "the relations are < <= > >= == != and in")
            parts.append(relation(left, right, evaluate=False))
        return parts[0] if len(parts) == 1 else sp.And(*parts, evaluate=False)


def _shape(shape):
    parts = shape.split(",") if isinstance(shape, str) else shape
    return tuple(_evaluated(parse(part) if isinstance(part, str) else sp.sympify(part)) for part in parts)


def _evaluated(expression):
    """The same expression built again with SymPy's usual evaluation, for indices, limits and sizes."""
    if not expression.args:
        return expression
    return expression.func(*map(_evaluated, expression.args))


def is_fraction(expression):
    """Whether an expression was written as numerator / denominator."""
    return (expression.is_Mul and len(expression.args) == 2 and expression.args[1].is_Pow
            and expression.args[1].exp == -1)


def _negative(a):
    return sp.Mul(-1, a, evaluate=False) if not a.is_Integer else -a


def _spread(scalar, matrix):
    """A number beside a matrix stands for that number in every place, as in NumPy."""
    if scalar.is_Matrix:
        return scalar
    ones = OneMatrix(*matrix.shape)
    return ones if scalar == 1 else MatMul(scalar, ones)


def _add(a, b):
    if a.is_Matrix or b.is_Matrix:
        a, b = _spread(a, b), _spread(b, a)
        return MatAdd(*(a.args if isinstance(a, MatAdd) else (a,)), b)
    return sp.Add(*(a.args if a.is_Add else (a,)), b, evaluate=False)


def _subtract(a, b):
    if a.is_Matrix or b.is_Matrix:
        return _add(a, MatMul(-1, _spread(b, a)))
    return _add(a, _negative(b))


def _is_negative(a):
    return a.is_Integer and a < -1 or a.is_Mul and len(a.args) == 2 and a.args[0] == -1


def _multiply(a, b):
    if _is_negative(a) and not b.is_Matrix:
        # Python reads -y*log(p) as (-y)*log(p); a mathematician reads -(y*log(p)).
        return _negative(_multiply(-a if a.is_Integer else a.args[1], b))
    if a.is_Matrix and b.is_Matrix:
        if isinstance(a, MatMul) and a.args[0] == -1:
            return MatMul(-1, HadamardProduct(MatMul(*a.args[1:]) if len(a.args) > 2 else a.args[1], b))
        return HadamardProduct(a, b)
    if a.is_Matrix or b.is_Matrix:
        return MatMul(*((b, a) if a.is_Matrix else (a, b)))
    flat = a.is_Mul and not is_fraction(a) and a.args[0] != -1
    return sp.Mul(*(a.args if flat else (a,)), b, evaluate=False)


def _divide(a, b):
    if b.is_Matrix:
        raise LanguageError("a matrix cannot stand below a fraction bar; write the entry")
    if _is_negative(a):
        return _negative(_divide(-a if a.is_Integer else a.args[1], b))
    if a.is_Matrix:
        return MatMul(sp.Mul(1, sp.Pow(b, -1, evaluate=False), evaluate=False), a)
    return sp.Mul(a, sp.Pow(b, -1, evaluate=False), evaluate=False)


def _power(a, b):
    if a.is_Matrix or b.is_Matrix:
        raise LanguageError("a power of a matrix is not in the language; write the product")
    return sp.Pow(a, b, evaluate=False)


def _matrix_product(a, b):
    if not (a.is_Matrix and b.is_Matrix):
        raise LanguageError("@ stands between two matrices whose shapes were given")
    return MatMul(*(a.args if isinstance(a, MatMul) else (a,)), b)


def _unevaluated(function_class):
    return lambda *arguments: function_class(*arguments, evaluate=False)


def _jacobian(function_vector, variable):
    if not all(isinstance(v, MatrixSymbol) for v in (function_vector, variable)):
        raise LanguageError("Jacobian takes the names of two vectors whose shapes were given")
    return Jacobian(function_vector, variable)


_BUILDERS = {
    "exp": (_unevaluated(sp.exp), 1), "log": (_unevaluated(sp.log), 1), "Abs": (_unevaluated(sp.Abs), 1),
    "sqrt": (lambda a: sp.Pow(a, sp.Rational(1, 2), evaluate=False), 1),
    "Max": (_unevaluated(sp.Max), 2), "Min": (_unevaluated(sp.Min), 2),
    "delta": (sp.KroneckerDelta, 2), "D": (D, 2), "At": (At, 3), "Lim": (Lim, 3),
    "diag": (DiagMatrix, 1), "Jacobian": (_jacobian, 2), "Grad": (Grad, 2),
}
