"""What went wrong in an answer, as far as arithmetic shows it: a sentence is said only if it holds at every point."""

from fractions import Fraction
from itertools import combinations

import mpmath
import sympy as sp

from .controls import perturbed
from .evaluate import differ
from .language import INDICES, SIZES, symbol

# What a wrong version of the right answer lacks, and what the reader's answer has instead when one change makes it right.
LESS = {"sign": "A sign is wrong.", "term": "A term is missing.", "factor": "A factor is missing.", "index": "An index is wrong.",
        "number": "A number is off by one.", "bound": "A bound of the sum is off by one.",
        "argument": "The sign of an argument is wrong.", "matrix": "A matrix needs to be transposed, or the order changed."}
MORE = {**LESS, "term": "There is a term too many.", "factor": "There is a factor too many."}
VERSIONS = 40
SMALL = 1  # the seed of the point with sizes 1 and 2


def diagnose(answer, right, at, seeds):
    """One sentence, or nothing.

    ``at(expression, seed, bound)`` is the list of its values at a random point, None where it has no value.
    """

    def same(left, right, seed, bound=None):
        """Whether two expressions agree at a point; None if one of them has no value there, or the shapes do not fit."""
        try:
            pair = at(left, seed, bound), at(right, seed, bound)
        except (TypeError, ValueError, ArithmeticError, AttributeError, LookupError):
            return None
        return None if None in pair else len(pair[0]) == len(pair[1]) and not any(map(differ, *pair))

    found = {seed: same(answer, right, seed) for seed in seeds}
    # Where the two differ comes first, and before the others the small point, which is quick.
    found = {seed: found[seed] for seed in sorted(found, key=lambda s: (found[s] is not False, s != SMALL)) if found[seed] is not None}

    def agree(left, right, bound=None):
        return len(found) > 1 and all(same(left, right, seed, bound) for seed in found)

    def times(factor, e):
        return sp.MatMul(factor, e) if e.is_Matrix else sp.Mul(factor, e, evaluate=False)

    ratio = next((a / b for seed in found for a, b in zip(at(answer, seed, None), at(right, seed, None))
                  if a and b and abs(a / b) < 100), None)
    if ratio is not None:
        factor = Fraction(float(ratio)).limit_denominator(12)
        if factor not in (0, 1) and agree(answer, times(sp.Rational(factor), right)):
            return "The sign is wrong." if factor == -1 else f"A factor is wrong: yours is {factor} times what it should be."
    for size in sorted({s.name for s in right.free_symbols | answer.free_symbols} & {*SIZES}):
        if agree(times(symbol(size), answer), right):
            return f"The factor {size} is missing."
        if agree(answer, times(symbol(size), right)):
            return f"The factor {size} is one too many."
    only = ""
    for labels in ({("y",)}, {("y", i) for i in range(13)}):
        right_for = [label for label in (0, 1) if agree(answer, right, dict.fromkeys(labels, label))]
        if len(right_for) == 1:
            only = f"It is right for y = {right_for[0]} only."
    for kind, version in perturbed(right, VERSIONS):
        if agree(answer, version):
            return f"{LESS[kind]} {only}".strip()
    for kind, version in perturbed(answer, VERSIONS):
        if agree(version, right):
            return f"{MORE[kind]} {only}".strip()
    if only:
        return only
    for one, other in combinations(sorted({s.name for s in right.free_symbols} & {*INDICES}), 2):
        equals = {seed: at(symbol(one), seed, None) == at(symbol(other), seed, None) for seed in found}
        for equal in (True, False):
            if {*found.values()} == {True, False} and all(found[s] == (equals[s] == equal) for s in found):
                return f"It is right only where {one} and {other} are {'equal' if equal else 'different'}."
    return ""


def place(drawn):
    """Where numbers were taken, in words; of long vectors only the names."""
    single = {name: number for (name, *indices), number in drawn.items() if not indices}
    several = sorted({name for name, *indices in drawn if indices})
    if len(drawn) > 6:
        return f"at {', '.join(f'{n} = {shown(v)}' for n, v in sorted(single.items()))} and some values of {', '.join(several)} "
    places = sorted((len(key), f"{key[0]}{[*key[1:]] or ''} = {shown(number)}") for key, number in drawn.items())
    return f"at {', '.join(words for _, words in places)} " * bool(places)


def two_shown(one, other):
    """Two numbers with as many digits as it takes to see that they differ."""
    for digits in (3, 6, 15):
        pair = shown(one, digits), shown(other, digits)
        if pair[0] != pair[1]:
            break
    return pair


def shown(number, digits=3):
    if number is None:
        return "not defined"
    if isinstance(number, list):
        return f"[{', '.join(shown(x[0] if isinstance(x, list) and len(x) == 1 else x, digits) for x in number)}]"
    return mpmath.nstr(mpmath.mpf(number), digits).removesuffix(".0")
