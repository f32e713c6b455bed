"""What went wrong in an answer, as far as arithmetic shows it: a sentence is said only if it holds at every point."""

from fractions import Fraction
from itertools import combinations

import sympy as sp

from .controls import perturbed
from .evaluate import differ
from .language import INDICES, SIZES, symbol

# What a wrong version of the right answer lacks, and what the reader's answer has instead when one change makes it right.
LESS = {"sign": "A sign is wrong.", "term": "A term is missing.", "factor": "A factor is missing.", "index": "An index is wrong.",
        "number": "A number is off by one.", "bound": "A bound of the sum is off by one.",
        "argument": "The sign of an argument is wrong.", "matrix": "A matrix needs to be transposed, or the order changed."}
MORE = {**LESS, "term": "There is a term too many.", "factor": "There is a factor too many."}
VERSIONS = 60


def diagnose(answer, right, at, seeds):
    """One sentence, or nothing.

    ``at(expression, seed, bound)`` is the list of its values at a random point, None where it has no value.
    """

    def compare(left, right, bound=None):
        """Whether two expressions agree at each point; the points where one of them has no value tell nothing."""
        for seed in seeds:
            try:
                pair = at(left, seed, bound), at(right, seed, bound)
            except (TypeError, ValueError, ArithmeticError, AttributeError):
                return
            if None not in pair:
                yield seed, len(pair[0]) == len(pair[1]) and not any(map(differ, *pair))

    def agree(left, right, bound=None):
        seen = 0
        for _, same in compare(left, right, bound):
            if not same:
                return False
            seen += 1
        return seen > 1

    def times(factor, e):
        return sp.MatMul(factor, e) if e.is_Matrix else sp.Mul(factor, e, evaluate=False)

    ratio = next((a / b for seed in seeds if None not in (pair := (at(answer, seed, None), at(right, seed, None)))
                  for a, b in zip(*pair) if a and b and abs(a / b) < 100), None)
    if ratio is not None:
        factor = Fraction(float(ratio)).limit_denominator(12)
        if factor and agree(answer, times(sp.Rational(factor), right)):
            return "The sign is wrong." if factor == -1 else f"A factor is wrong: yours is {factor} times what it should be."
    for size in sorted({s.name for s in right.free_symbols | answer.free_symbols} & {*SIZES}):
        if agree(times(symbol(size), answer), right):
            return f"The factor {size} is missing."
        if agree(answer, times(symbol(size), right)):
            return f"The factor {size} is one too many."
    for kind, version in perturbed(right, VERSIONS):
        if agree(answer, version):
            return LESS[kind]
    for kind, version in perturbed(answer, VERSIONS):
        if agree(version, right):
            return MORE[kind]
    for labels in ({("y",): 0}, {("y", i): 0 for i in range(13)}):
        right_for = [label for label in (0, 1) if agree(answer, right, dict.fromkeys(labels, label))]
        if len(right_for) == 1:
            return f"It is right for y = {right_for[0]} only."
    for one, other in combinations(sorted({s.name for s in right.free_symbols} & {*INDICES}), 2):
        same = {seed: at(symbol(one), seed, None) == at(symbol(other), seed, None) for seed in seeds}
        found = dict(compare(answer, right))
        for equal in (True, False):
            if found and {*found.values()} == {True, False} and all(found[s] == (same[s] == equal) for s in found):
                return f"It is right only where {one} and {other} are {'equal' if equal else 'different'}."
    return ""
