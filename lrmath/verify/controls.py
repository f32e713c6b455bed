"""Negative controls: a line with one thing wrong must be rejected.

A check that accepts everything proves nothing. For every line of a derivation this module writes wrong versions of that
very line: a sign flipped, a term or a factor dropped, a number off by one, an index shifted or exchanged, a bound moved.
"""

from itertools import chain, zip_longest

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.tensor.indexed import IndexException

from .language import At, D, Entry, is_fraction

KINDS = ("sign", "factor", "term", "index", "number", "bound", "argument", "matrix")


def perturbed(line, limit):
    """At most `limit` wrong versions of a line with a word for what was done, of as many kinds as there are."""
    by_kind = {}
    for kind, version in chain([("sign", _minus(line))], _versions(line)):
        if version != line and version not in by_kind.get(kind, []):
            by_kind.setdefault(kind, []).append(version)
    rows = zip_longest(*[[(kind, v) for v in by_kind.get(kind, [])] for kind in KINDS])
    return [pair for row in rows for pair in row if pair is not None][:limit]


def _minus(e):
    return sp.MatMul(-1, e) if e.is_Matrix else sp.Mul(-1, e, evaluate=False)


def _rebuild(e, arguments):
    if isinstance(e, (sp.Add, sp.Mul, sp.Pow, sp.exp, sp.log, sp.Abs, sp.Max, sp.Min)):
        return e.func(*arguments, evaluate=False)
    return e.func(*arguments)


def _versions(e):
    yield from _here(e)
    fixed = isinstance(e, (sp.Indexed, sp.Symbol, sp.MatrixSymbol, sp.Piecewise, sp.KroneckerDelta))
    for position, argument in enumerate(e.args):
        # The limits of a sum, the variable of a derivative and the place of an entry are handled where they stand.
        if fixed or position and isinstance(e, (sp.Sum, sp.Product, D, At, Entry)) or not isinstance(argument, sp.Basic):
            continue
        for kind, version in _versions(argument):
            try:
                yield kind, _rebuild(e, [*e.args[:position], version, *e.args[position + 1:]])
            except (TypeError, ValueError, AttributeError, IndexException):
                continue


def _here(e):
    arguments = list(e.args)
    without = lambda position: arguments[:position] + arguments[position + 1:]
    put = lambda position, value: arguments[:position] + [value] + arguments[position + 1:]
    if isinstance(e, (sp.Add, sp.MatAdd)):
        for position, term in enumerate(arguments):
            yield "sign", _rebuild(e, put(position, _minus(term)))
        for position in range(len(arguments)):
            rest = without(position)
            yield "term", rest[0] if len(rest) == 1 else _rebuild(e, rest)
    elif e.is_Mul and is_fraction(e):
        yield "factor", arguments[0]
        yield "factor", _rebuild(e, put(0, sp.Integer(1)))
    elif e.is_Mul or isinstance(e, sp.HadamardProduct):
        for position, factor in enumerate(arguments):
            if factor not in (1, -1):
                rest = without(position)
                yield "factor", rest[0] if len(rest) == 1 else _rebuild(e, rest)
    elif isinstance(e, sp.Transpose):
        yield "matrix", e.args[0]
    elif e.is_Integer and e != -1:
        yield "number", e + 1
    elif isinstance(e, sp.Indexed):
        base, indices = e.base, list(e.indices)
        if len(indices) == 2:
            yield "index", sp.Indexed(base, *indices[::-1])
        for position, index in enumerate(indices):
            if not index.is_number:
                yield "index", sp.Indexed(base, *[i + 1 if q == position else i for q, i in enumerate(indices)])
    elif isinstance(e, (sp.Sum, sp.Product)):
        index, low, high = e.limits[-1]
        others = e.limits[:-1]
        yield "bound", e.func(e.function, *others, (index, low + 1, high))
        yield "bound", e.func(e.function, *others, (index, low, high - 1))
    elif isinstance(e, (sp.exp, AppliedUndef)) and len(arguments) == 1:
        yield "argument", _rebuild(e, [_minus(arguments[0])])
    elif isinstance(e, D) and isinstance(e.args[1], sp.Indexed):
        variable = e.args[1]
        yield "index", D(e.args[0], sp.Indexed(variable.base, *[i + 1 for i in variable.indices]))
    elif isinstance(e, Entry) and e.args[0].shape[1] != 1:
        yield "index", Entry(e.args[0], e.args[2], e.args[1])
