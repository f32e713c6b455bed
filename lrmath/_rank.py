"""Linear systems whose columns have any units, and columns that depend on each other."""

import numpy as np

from lrmath._fit import ConvergenceError, RankDeficiencyError

DEPENDENT = (
    "X has columns that are 0 or depend on each other, in the rows of positive weight: {}, counted "
    "from 0. Infinitely many coefficients then give the same loss. Leave columns out until the "
    "rest is independent, or call irls or fit_softmax with a ridge."
)
NEARLY_DEPENDENT = (
    "X has columns that depend on each other but for a tiny rest: {}, counted from 0. Rounding "
    "leaves few digits in the standard errors. Subtract its mean from a column whose values hardly "
    "differ, leave a column out, or call irls or fit_softmax with a larger ridge."
)
# The least pivot of a Hessian whose diagonal is scaled to 1. With less, rounding (1e-16) would
# leave fewer than six digits in a standard error.
LEAST_PIVOT = 1e-10


def solve_scaled(H, right):
    """The solution of ``H @ x = right`` for a positive definite ``H``; NaN if there is none."""
    # Scaled to a unit diagonal, so that the units of the columns of X cost no digits.
    scale = 1 / np.sqrt(H.diagonal())
    try:
        return scale * np.linalg.solve(scale[:, None] * H * scale, scale * right)
    except np.linalg.LinAlgError:
        return np.full(right.shape, np.nan)


def least_pivot(H):
    """The least pivot of ``H`` after its diagonal was scaled to 1; 0 if there is none.

    A pivot is ``1 - R**2`` of a column on those before it.
    """
    with np.errstate(all="ignore"):
        scale = 1 / np.sqrt(H.diagonal())
        try:
            return np.min(np.linalg.cholesky(scale[:, None] * H * scale).diagonal()) ** 2
        except np.linalg.LinAlgError:
            return 0.0


def refuse_dependent_columns(X, fit=None):
    """Raise RankDeficiencyError if columns of X depend on each other."""
    columns = dependent_columns(X)
    if columns:
        raise RankDeficiencyError(DEPENDENT.format(", ".join(map(str, columns))), columns, fit)


def refuse_lost_digits(H, rows, fit, advice):
    """Raise an error if floats cannot hold or invert the Hessian at ``fit``.

    ``H`` has a block for each class, and ``rows`` one column for each row of a block.
    """
    diagonal = H.diagonal()
    out_of_range = ~(np.isfinite(diagonal) & (diagonal > 0))
    if np.any(out_of_range):
        raise ConvergenceError(
            f"the Hessian has {diagonal[out_of_range][0]} on its diagonal for column "
            f"{np.argmax(out_of_range) % rows.shape[1]} of X, at step {fit.iterations}: the entries "
            "of the column are too large or too small, or all probabilities are 0 or 1. Scale the "
            f"column. {advice}",
            fit,
        )
    if least_pivot(H) < LEAST_PIVOT:
        columns = dependent_columns(rows, smallest=1e-4)
        if columns:
            message = NEARLY_DEPENDENT.format(", ".join(map(str, columns)))
            raise RankDeficiencyError(message, columns, fit)
        raise ConvergenceError(
            f"rounding has left too few digits in the Hessian at step {fit.iterations}: nearly all "
            f"probabilities are 0 or 1 there. {advice}",
            fit,
        )


def dependent_columns(X, smallest=1e-12):
    """Columns that take part in a linear dependence, a tuple of int; empty if there is none.

    Columns depend on each other if, scaled to length 1, they have a singular value below
    ``smallest``. Rounding leaves about 1e-15 where 0 should be, even with 1e6 rows or 1e3 columns.
    X is taken as it is: in ``X.T @ X`` a singular value of 1e-9 would be lost.
    """
    largest = np.max(np.abs(X), axis=0, initial=0)
    # A power of 2 first: the squares of very large or small entries would leave the floats.
    scaled = np.ldexp(X, -np.frexp(largest)[1])
    scaled /= np.where(largest == 0, 1, np.linalg.norm(scaled, axis=0))
    _, sizes, V = np.linalg.svd(np.linalg.qr(scaled, mode="r"), full_matrices=True)
    rank = np.count_nonzero(sizes > smallest)
    # Each row of V that is left holds a combination of the columns that gives 0, or nearly so.
    takes_part = np.linalg.norm(V[rank:], axis=0) > max(1e-6, 10 * smallest)
    return tuple(np.flatnonzero(takes_part).tolist())
