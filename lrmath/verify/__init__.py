"""Derivations that are proved line by line, and implementations that are checked against them.

The differences themselves are in `finite_differences` (``finite_differences.gradient(f, x)`` and so on), under a name of
their own so that they are not mistaken for the formulas that they check.
"""

from . import finite_differences
from .derivation import STANDARD, Derivation, DerivationError
from .exercise import Exercise, Verdict, judge, preview
from .finite_differences import (
    Check,
    CheckError,
    check_definition,
    check_derivative,
    check_gradient,
    check_hessian,
    check_jacobian,
    complex_step,
    random_points,
)
from .language import LanguageError, parse
from .ledger import ledger
from .printing import latex, latex_shape, text

__all__ = [
    "STANDARD", "Check", "CheckError", "Derivation", "DerivationError", "Exercise", "LanguageError", "Verdict",
    "check_definition", "check_derivative", "check_gradient", "check_hessian", "check_jacobian", "complex_step",
    "finite_differences", "judge", "latex", "latex_shape", "ledger", "parse", "preview", "random_points", "text",
]
