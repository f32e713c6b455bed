"""What a stranger typed, in the words of the language: kinder about spelling than `parse`, and stricter about size."""

import re
from fractions import Fraction
from math import comb, prod

import sympy as sp
from sympy.core.function import AppliedUndef

from .language import INDICES, SIZES, Elementwise, LanguageError, signature, symbol
from .printing import text

LONGEST = 300   # characters
DEEPEST = 40    # brackets inside each other
DIGITS = 9      # of a number
DEGREE = 24     # of all powers together
MONOMIALS = 500  # of a sum, multiplied out
TERMS = 500     # of all sums together, where sizes are 5
BUILT_IN = {"exp", "log", "sqrt", "Abs", "Max", "Min", "Sum", "Product", "delta", "diag", "Cases"}
CONSTANTS = {"pi", "oo", "True"}
OPERATORS = {"D", "At", "Lim", "Grad", "Jacobian"}
KEYBOARD = {
    "\N{MINUS SIGN}": "-", "\N{EN DASH}": "-", "\N{MIDDLE DOT}": "*", "\N{DOT OPERATOR}": "*", "\N{MULTIPLICATION SIGN}": "*",
    "\N{INFINITY}": " oo ", "\N{SUPERSCRIPT TWO}": "**2", "^": "**", "\N{GREEK SMALL LETTER SIGMA}": " sigma ",
    "\N{GREEK SMALL LETTER ETA}": " eta ", "\N{GREEK SMALL LETTER BETA}": " beta ", "\N{GREEK SMALL LETTER LAMDA}": " lambda ",
    "\N{GREEK SMALL LETTER DELTA}": " delta ", "\N{GREEK SMALL LETTER PI}": " pi ",
}  # fmt: skip
SPELLED = {"ln": "log", "lambda": "lamda", "lam": "lamda", "abs": "Abs", "max": "Max", "min": "Min", "sum": "Sum", "inf": "oo"}
TOKEN = re.compile(r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_]\w*)"
                   r"|(?P<sign>\*\*|<=|>=|==|!=|\.T\b|[-+*/@()\[\],<>]))\s*", re.ASCII)
ELSEWHERE = {"=": "type only what stands on the right of the equals sign", "|": "write Abs(z) for an absolute value",
             "!": "factorials are not used here", ".": "the only dot is that of a decimal and of X.T"}


def spell(typed, names, functions):
    """Ordinary notation as a line for `parse`: a product needs no sign, a power may be ``^``, a decimal becomes a fraction.

    ``names`` are those that may occur; the ones that are in ``functions`` take an argument, so ``p(1 - p)`` is a product.
    """
    if not isinstance(typed, str) or not typed.strip():
        raise LanguageError("type your answer as an expression")
    if len(typed) > LONGEST:
        raise LanguageError(f"an answer has at most {LONGEST} characters, and this has {len(typed)}")
    line = "".join(KEYBOARD.get(letter, " " if letter.isspace() else letter) for letter in typed).strip()
    parts, depth, position = [], 0, 0
    while position < len(line):
        found = TOKEN.match(line, position)
        if found is None:
            letter = line[position:].strip()[0]
            raise LanguageError(f"cannot read {letter!r}: "
                                + ELSEWHERE.get(letter, "an answer is made of names, numbers and + - * / ** ( ) [ ] ,"))
        position, token = found.end(), found[0].strip()
        if found["name"]:
            token = _name(token, names)
        if found["number"]:
            if len(token) > DIGITS:
                raise LanguageError(f"the number {token[:DIGITS]}... is too long to be meant")
            token = token if token.isdigit() else f"({Fraction(token)})"
        depth += (token in "([") - (token in ")]")
        if depth > DEEPEST:
            raise LanguageError(f"more than {DEEPEST} brackets inside each other")
        after_value = parts and (parts[-1][-1].isalnum() or parts[-1][-1] in "_)]")
        if after_value and (found["name"] or found["number"] or token == "(") and not (token == "(" and parts[-1] in functions):
            parts.append("*")
        parts.append(token)
    if depth:
        raise LanguageError("a bracket is missing")
    return " ".join(parts)


def _name(token, names):
    if token == "e":
        raise LanguageError("write exp(z) for e to the power z")
    ours = token if token in names else SPELLED.get(token, token)
    if ours not in {*names, *INDICES, *BUILT_IN, *CONSTANTS, *OPERATORS}:
        raise unknown(token, names)
    return ours


def unknown(name, names):
    names = in_order(names)
    return LanguageError(f"there is no {name} here; the "
                         + (f"names are {', '.join(names)}" if len(names) > 1 else f"only name is {names[0]}" if names else
                            "answer has no names"))


def in_order(names):
    """Sizes and indices come last."""
    return sorted(names, key=lambda name: (name in SIZES + INDICES, name))


def names_in(e):
    """The signatures of the names in an expression, with how each is written; the index of a sum is not one of them."""
    hidden = {limit[0].name for s in e.atoms(sp.Sum, sp.Product) for limit in s.limits}
    hidden |= {entry.base.name for entry in e.atoms(sp.Indexed)}
    names = {(m.name, 0): m.name for m in e.atoms(sp.MatrixSymbol)}
    names |= {(f.args[0].name, "()"): f"{f.args[0].name}(...)" for f in e.atoms(Elementwise) if f.args[0].name not in BUILT_IN}
    for atom in sorted(e.atoms(sp.Symbol, sp.Indexed, AppliedUndef), key=str):
        if not (isinstance(atom, sp.Symbol) and atom.name in hidden):
            names.setdefault(signature(atom), text(atom))
    return names


def refuse_heavy(e):
    """Refuse what could keep a machine busy: huge powers, towers of exponentials, sums of many terms."""
    if _degree(e) > DEGREE:
        raise LanguageError(f"powers beyond {DEGREE} cannot be meant")
    if any(_monomials(part) > MONOMIALS for part in sp.preorder_traversal(e)):
        raise LanguageError("a power of a sum this long cannot be meant")
    if any(x.is_number and (x.args[0].has(sp.exp) or abs(x.args[0]) > 100) for x in e.atoms(sp.exp)):
        raise LanguageError("an exponential this large cannot be meant")
    if _terms(e) > TERMS:
        raise LanguageError("a sum of so many terms cannot be meant; its bounds are sizes such as n")


def _terms(e):
    """How many terms all sums together have, where sizes are 5."""
    terms = sum(_terms(a) for a in e.args if isinstance(a, sp.Basic))
    if not isinstance(e, (sp.Sum, sp.Product)):
        return terms
    for _, low, high in e.limits:
        terms = max(terms, 1) * max(0, (high - low).subs({symbol(size): 5 for size in SIZES}) + 1)
    return terms


def _monomials(e):
    """How many terms multiplying out would give."""
    if e.is_Pow and e.exp.is_Integer:
        return comb(_monomials(e.base) + abs(int(e.exp)) - 1, abs(int(e.exp)))
    parts = [_monomials(a) for a in e.args] if getattr(e, "is_Add", False) or getattr(e, "is_Mul", False) else [1]
    return sum(parts) if getattr(e, "is_Add", False) else prod(parts)


def _degree(e):
    """How many factors multiplying out would give."""
    if e.is_Pow and e.exp.is_number:
        return _degree(e.base) * max(1, abs(e.exp))
    degrees = [_degree(a) for a in e.args if isinstance(a, sp.Basic)]
    if e.is_Mul or isinstance(e, (sp.MatMul, sp.HadamardProduct)):
        return sum(degrees)
    return max(degrees, default=1)
