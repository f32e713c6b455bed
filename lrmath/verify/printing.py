"""Typeset an expression in the order in which it was written.

SymPy's printers sort the terms of a sum and merge fractions, because their expressions carry no order. Ours keeps both:
what the author of a line wrote is what the reader sees. `latex` gives LaTeX, `text` gives a line that `parse` reads back.
"""

import re
from itertools import pairwise
from typing import ClassVar

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.printing.latex import translate

from .language import D, Lim, is_fraction

ADD, MUL, POW, ATOM = 1, 2, 3, 4


def latex(expression):
    r"""Typeset an expression, a condition or a matrix as LaTeX.

    Examples
    --------
    >>> from lrmath.verify import parse
    >>> print(latex(parse("1/(1 + exp(-z))")))
    \frac{1}{1 + e^{-z}}
    """
    return _Latex().show(expression)


def latex_shape(matrix):
    r"""Typeset the shape of a matrix.

    Examples
    --------
    >>> from lrmath.verify import parse
    >>> print(latex_shape(parse("X.T", {"X": "n, d + 1"})))
    (d + 1) \times n
    """
    sizes = [(latex(_as_said(size)), size.is_Add) for size in map(sp.sympify, matrix.shape)]
    return r" \times ".join(f"({size})" if bracket else size for size, bracket in sizes)


def text(expression):
    """Write an expression as a line of the language that `parse` reads.

    Examples
    --------
    >>> from lrmath.verify import parse
    >>> print(text(parse("1/(1+exp(-z))")))
    1/(1 + exp(-z))
    """
    return _Text().show(expression)


class _Printer:
    """What both printers share: dispatch on the class, and brackets where the binding of the operators asks for them."""

    def show(self, e, level=0):
        for cls in type(e).__mro__:
            method = getattr(self, "show_" + cls.__name__, None)
            if method is not None:
                string, binds = method(e)
                return self.brackets(string) if binds < level else string
        raise TypeError(f"no way to show {type(e).__name__}: {e}")

    def sum_of(self, terms):
        string = ""
        for position, term in enumerate(terms):
            minus, rest = _split_sign(term)
            # A sum inside a sum was bracketed by its author; a minus in front of one needs the bracket.
            shown = self.show(rest, MUL if rest.is_Add or getattr(rest, "is_MatAdd", False) else ADD + 1 if minus else ADD)
            string += ("-" if minus else "") + shown if position == 0 else (" - " if minus else " + ") + shown
        return string, ADD

    def show_Add(self, e):
        return self.sum_of(e.args)

    def show_MatAdd(self, e):
        return self.sum_of(e.args)

    def show_Integer(self, e):
        return str(e), ATOM if e >= 0 else ADD

    def show_And(self, e):
        parts = sorted(e.args, key=_chain_key)
        string = self.show(parts[0])
        for before, part in pairwise(parts):
            chained = part.is_Relational and before.is_Relational and before.args[1] == part.args[0]
            string += self.relation_tail(part) if chained else self.and_word + self.show(part)
        return string, ADD

    def relation_tail(self, e):
        return f" {self.relations[type(e).__name__]} {self.show(e.args[1])}"

    def show_Relational(self, e):
        return self.show(e.args[0]) + self.relation_tail(e), ADD


def _chain_key(condition):
    """Sort 0 < p before p < 1, so that the two print as 0 < p < 1."""
    return not (condition.is_Relational and condition.args[0].is_number), sp.default_sort_key(condition)


def _split_sign(term):
    if term.is_Integer and term < 0:
        return True, -term
    if (term.is_Mul or isinstance(term, sp.MatMul)) and term.args[0] == -1 and len(term.args) > 1:
        rest = term.args[1:]
        return True, rest[0] if len(rest) == 1 else term.func(*rest, evaluate=False) if term.is_Mul else sp.MatMul(*rest)
    if term.is_Rational and term < 0:
        return True, -term
    return False, term


def _above(derivative):
    """Whether what is differentiated is short enough to stand above the fraction bar."""
    function = derivative.args[0]
    while isinstance(function, D) and function.args[1] == derivative.args[1]:
        function = function.args[0]
    return isinstance(function, (sp.Symbol, sp.Indexed, AppliedUndef))


def _places(matrix, row, column):
    """The indices that a reader needs: one for a row or a column."""
    return [row] if matrix.shape[1] == 1 else [column] if matrix.shape[0] == 1 else [row, column]


def _as_said(index):
    """SymPy keeps i + 1 as 1 + i."""
    if not index.is_Add:
        return index
    return sp.Add(*sorted(index.args, key=lambda term: (term.is_number, sp.default_sort_key(term))), evaluate=False)


def _is_tall(string):
    return any(word in string for word in (r"\frac", r"\sum", r"\prod", r"\begin"))


class _Latex(_Printer):
    relations: ClassVar = {"StrictLessThan": "<", "LessThan": r"\le", "StrictGreaterThan": ">", "GreaterThan": r"\ge",
                           "Equality": "=", "Unequality": r"\ne"}
    and_word = r",\; "

    def brackets(self, string):
        return rf"\left({string}\right)" if _is_tall(string) else f"({string})"

    def name(self, name, upright=r"\mathrm"):
        """beta_0 and beta0 have a subscript, lam is a Greek letter, a word is upright: in italics it reads as a product."""
        base, *index = self.split(name)
        shown = {"lam": r"\lambda", "eps": r"\varepsilon"}.get(base) or translate(base)
        if len(shown) > 1 and shown.isalnum():
            shown = rf"{upright}{{{shown}}}"
        return shown + (f"_{{{','.join(i if i.isdigit() else self.name(i) for i in index)}}}" if index else "")

    def split(self, name):
        """beta_0 and beta0 into beta and 0."""
        return re.findall(r"[^\W\d_]+(?=\d+$)|\d+$|[^_]+", name) if re.fullmatch(r"[^\W\d_]+\d+", name) else re.findall(
            "[^_]+", name)

    def indices(self, indices):
        shown = [self.show(_as_said(index)) for index in indices]
        return ("," if any(len(index) > 1 for index in shown) else "").join(shown)

    def show_Symbol(self, e):
        return self.name(e.name), ATOM

    def show_Str(self, e):
        return self.name(e.name), ATOM

    def show_MatrixSymbol(self, e):
        return self.name(e.name), ATOM

    def show_Infinity(self, e):
        return r"\infty", ATOM

    def show_NegativeInfinity(self, e):
        return r"-\infty", ADD

    def show_Pi(self, e):
        return r"\pi", ATOM

    def show_Exp1(self, e):
        return "e", ATOM

    def show_Rational(self, e):
        sign = "-" if e < 0 else ""
        return rf"{sign}\frac{{{abs(e.p)}}}{{{e.q}}}", ATOM if e > 0 else ADD

    def show_Indexed(self, e):
        name = self.name(e.base.name)
        if name.endswith("}") and "_{" in name:
            return f"{name[:-1]},{self.indices(e.indices)}}}", ATOM
        return f"{name}_{{{self.indices(e.indices)}}}", ATOM

    def show_KroneckerDelta(self, e):
        return rf"\delta_{{{self.indices(e.args)}}}", ATOM

    def show_Mul(self, e):
        minus, rest = _split_sign(e)
        if minus:
            return "-" + self.show(rest, MUL if rest.is_Mul else ADD + 1), ADD
        if is_fraction(e):
            return rf"\frac{{{self.show(e.args[0])}}}{{{self.show(e.args[1].base)}}}", MUL
        return self.product(e.args), MUL

    def show_MatMul(self, e):
        minus, rest = _split_sign(e)
        if minus:
            return "-" + self.show(rest, MUL), ADD
        return self.product(e.args), MUL

    def show_HadamardProduct(self, e):
        return r" \odot ".join(self.show(factor, ATOM) for factor in e.args), MUL

    def product(self, factors):
        string = ""
        for position, factor in enumerate(factors):
            last = position == len(factors) - 1
            shown = self.show(factor, MUL if position == 0 else ATOM if factor.is_Mul and not is_fraction(factor) else MUL)
            # Otherwise the next factor would read as a part of the sum, the logarithm or what is differentiated.
            swallows = isinstance(factor, (sp.log, sp.Sum, sp.Product, Lim)) or isinstance(factor, D) and not _above(factor)
            if not last and swallows and not shown.endswith(r"\right)"):
                shown = self.brackets(shown)
            if position:
                string += self.times(factors[position - 1], string, factor, shown)
            string += shown
        return string

    def times(self, left, shown_left, right, shown_right):
        plain = (sp.Symbol, sp.Indexed, sp.MatrixSymbol)
        if shown_right[0].isdigit() or shown_right.startswith(r"\frac") and shown_left.endswith("}"):
            return r" \cdot "
        word = any(isinstance(e, plain) and r"\mathrm" in self.show(e) for e in (left, right))
        if left.is_Integer or isinstance(left, plain) and isinstance(right, plain) and not word:
            return " "
        return r"\,"

    def show_Pow(self, e):
        if e.exp == sp.Rational(1, 2):
            return rf"\sqrt{{{self.show(e.base)}}}", ATOM
        base = self.show(e.base, ATOM)
        if isinstance(e.base, (sp.Pow, sp.exp, sp.log, sp.Sum, D)) or is_fraction(e.base):
            base = rf"\left({self.show(e.base)}\right)"
        return f"{base}^{{{self.show(e.exp)}}}", ATOM

    def show_exp(self, e):
        return f"e^{{{self.show(e.args[0])}}}", ATOM

    def show_log(self, e):
        argument = e.args[0]
        shown = self.show(argument)
        if argument.is_Symbol or isinstance(argument, sp.Indexed) or argument.is_Integer:
            return rf"\log {shown}", MUL
        return rf"\log{self.bracketed(shown)}", MUL

    def bracketed(self, string):
        opened = self.brackets(string)
        return opened.replace(r"\left(", r"\!\left(", 1) if opened.startswith(r"\left(") else opened

    def show_Abs(self, e):
        return rf"\lvert {self.show(e.args[0])} \rvert", ATOM

    def show_Max(self, e):
        arguments = sorted(e.args, key=lambda a: (a.is_number, sp.default_sort_key(a)))
        return rf"\{type(e).__name__.lower()}({', '.join(map(self.show, arguments))})", ATOM

    show_Min = show_Max

    def show_AppliedUndef(self, e):
        arguments = ", ".join(map(self.show, e.args))
        return self.name(e.func.__name__, r"\operatorname") + self.bracketed(arguments), ATOM

    def show_Sum(self, e, sign=r"\sum"):
        string = ""
        for index, low, high in reversed(e.limits):
            low, high = self.show(_as_said(low)), self.show(_as_said(high))
            string += rf"{sign}_{{{self.show(index)}={low}}}^{{{high}}} "
        if e.function.is_Add:
            return string + self.square(self.show(e.function)), MUL
        return string + self.show(e.function, MUL), MUL

    def square(self, string):
        return rf"\left[{string}\right]" if _is_tall(string) else rf"\bigl[{string}\bigr]"

    def show_Product(self, e):
        return self.show_Sum(e, r"\prod")

    def show_D(self, e):
        function, variable = e.args
        order = 1
        while isinstance(function, D) and function.args[1] == variable:
            function, order = function.args[0], order + 1
        power = f"^{{{order}}}" if order > 1 else ""
        others = {s for s in function.free_symbols if not s.is_integer} - variable.free_symbols
        d = r"\partial" if others or isinstance(variable, sp.Indexed) else "d"
        gap = " " if d.startswith("\\") else ""
        below = rf"{d}{gap}{self.show(variable)}{power}"
        if _above(e):
            return rf"\frac{{{d}{power}{gap}{self.show(function)}}}{{{below}}}", MUL
        inside = self.show(function)
        product = function.is_Mul and not is_fraction(function)
        if product or function.is_Add or isinstance(function, sp.Sum):
            inside = self.square(inside)
        else:
            inside = r"\," + self.show(function, MUL)
        return rf"\frac{{{d}{power}}}{{{below}}}{inside}", MUL

    def show_At(self, e):
        return rf"\left.{self.show(e.args[0], MUL)}\right|_{{{self.show(e.args[1])} = {self.show(e.args[2])}}}", ATOM

    def show_Lim(self, e):
        return rf"\lim_{{{self.show(e.args[1])} \to {self.show(e.args[2])}}} {self.show(e.args[0], MUL)}", MUL

    def show_Piecewise(self, e):
        when = lambda condition: r"\text{otherwise}" if condition == sp.true else rf"\text{{if }} {self.show(condition)}"
        rows = r" \\ ".join(rf"{self.show(value)} & {when(condition)}" for value, condition in e.args)
        return rf"\begin{{cases}} {rows} \end{{cases}}", ATOM

    def show_Transpose(self, e):
        # Two superscripts in a row are an error in LaTeX.
        return self.show(e.args[0], ATOM + isinstance(e.args[0], sp.Transpose)) + r"^{\mathsf T}", ATOM

    def show_DiagMatrix(self, e):
        return rf"\operatorname{{diag}}{self.brackets(self.show(e.args[0]))}", ATOM

    def show_OneMatrix(self, e):
        return r"\mathbf 1", ATOM

    def show_Elementwise(self, e):
        if e.args[0].name == "exp":
            return f"e^{{{self.show(e.args[1])}}}", ATOM
        if e.args[0].name == "sqrt":
            return rf"\sqrt{{{self.show(e.args[1])}}}", ATOM
        if e.args[0].name == "Abs":
            return rf"\lvert {self.show(e.args[1])} \rvert", ATOM
        name = r"\log" if e.args[0].name == "log" else self.name(e.args[0].name, r"\operatorname")
        return name + self.bracketed(self.show(e.args[1])), ATOM

    def show_Entry(self, e):
        matrix, row, column = e.args
        return rf"\left[{self.show(matrix)}\right]_{{{self.indices(_places(matrix, row, column))}}}", ATOM

    def show_Jacobian(self, e):
        return rf"\frac{{\partial {self.show(e.args[0])}}}{{\partial {self.show(e.args[1])}}}", MUL

    def show_Grad(self, e):
        return rf"\nabla_{{\!{self.show(e.args[1])}}}\, {self.show(e.args[0], ATOM)}", MUL

    def show_Contains(self, e):
        return rf"{self.show(e.args[0])} \in {self.show(e.args[1])}", ADD

    def show_FiniteSet(self, e):
        return rf"\{{{', '.join(map(self.show, e.args))}\}}", ATOM


class _Text(_Printer):
    relations: ClassVar = {"StrictLessThan": "<", "LessThan": "<=", "StrictGreaterThan": ">", "GreaterThan": ">=",
                           "Equality": "==", "Unequality": "!="}
    and_word = ", "

    def brackets(self, string):
        return f"({string})"

    def call(self, name, arguments):
        return f"{name}({', '.join(self.show(a) for a in arguments)})", ATOM

    def show_Symbol(self, e):
        return e.name, ATOM

    show_MatrixSymbol = show_Str = show_Symbol

    def show_Infinity(self, e):
        return "oo", ATOM

    def show_NegativeInfinity(self, e):
        return "-oo", ADD

    def show_Pi(self, e):
        return "pi", ATOM

    def show_Exp1(self, e):
        return "exp(1)", ATOM

    def show_Rational(self, e):
        return f"{e.p}/{e.q}", MUL if e > 0 else ADD

    def show_Indexed(self, e):
        return f"{e.base.name}[{', '.join(self.show(_as_said(index)) for index in e.indices)}]", ATOM

    def show_BooleanTrue(self, e):
        return "True", ATOM

    def show_KroneckerDelta(self, e):
        return self.call("delta", e.args)

    def show_Mul(self, e):
        minus, rest = _split_sign(e)
        if minus:
            return "-" + self.show(rest, MUL if rest.is_Mul else ADD + 1), ADD
        if is_fraction(e):
            numerator, denominator = e.args[0], e.args[1].base
            return f"{self.show(numerator, MUL)}/{self.show(denominator, POW)}", MUL
        shown = [self.show(e.args[0], MUL)] + [self.show(f, POW) for f in e.args[1:]]
        return "*".join(shown), MUL

    def show_MatMul(self, e):
        minus, rest = _split_sign(e)
        if minus:
            return "-" + self.show(rest, MUL), ADD
        numbers = "".join(self.show(f, MUL if is_fraction(f) else POW) + "*" for f in e.args if not f.is_Matrix)
        return numbers + " @ ".join(self.show(f, ATOM) for f in e.args if f.is_Matrix), MUL

    def show_HadamardProduct(self, e):
        return "*".join(self.show(f, ATOM) for f in e.args), MUL

    def show_Pow(self, e):
        if e.exp == sp.Rational(1, 2):
            return self.call("sqrt", e.args[:1])
        base = self.brackets(self.show(e.base)) if e.base.is_Pow else self.show(e.base, ATOM)
        return f"{base}**{self.show(e.exp, ATOM)}", POW

    def show_exp(self, e):
        return self.call(type(e).__name__, e.args)

    show_log = show_Abs = show_exp

    def show_Max(self, e):
        return self.call(type(e).__name__, sorted(e.args, key=lambda a: (a.is_number, sp.default_sort_key(a))))

    show_Min = show_Max

    def show_AppliedUndef(self, e):
        return self.call(e.func.__name__, e.args)

    def show_Sum(self, e):
        limits = ", ".join(f"({', '.join(self.show(_as_said(part)) for part in limit)})" for limit in e.limits)
        return f"{type(e).__name__}({self.show(e.function)}, {limits})", ATOM

    show_Product = show_Sum

    def show_D(self, e):
        return self.call(type(e).__name__, e.args)

    show_At = show_Lim = show_Jacobian = show_Grad = show_D

    def show_Piecewise(self, e):
        return f"Cases({', '.join(f'({self.show(v)}, {self.show(c)})' for v, c in e.args)})", ATOM

    def show_Transpose(self, e):
        return self.show(e.args[0], ATOM) + ".T", ATOM

    def show_DiagMatrix(self, e):
        return self.call("diag", e.args)

    def show_OneMatrix(self, e):
        return "1", ATOM

    def show_Elementwise(self, e):
        return f"{e.args[0].name}({self.show(e.args[1])})", ATOM

    def show_Entry(self, e):
        matrix, row, column = e.args
        indices = _places(matrix, row, column)
        return f"({self.show(matrix)})[{', '.join(self.show(_as_said(index)) for index in indices)}]", ATOM

    def show_Contains(self, e):
        return f"{self.show(e.args[0])} in {self.show(e.args[1])}", ADD

    def show_FiniteSet(self, e):
        return "{" + ", ".join(map(self.show, e.args)) + "}", ATOM
