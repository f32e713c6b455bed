"""Iteratively reweighted least squares (chapter "Newton's method and IRLS")."""

import numpy as np

from lrmath._fit import SEPARATED, Fit, SeparationError, not_reached, refuse_one_class
from lrmath._rank import (
    LEAST_PIVOT,
    least_pivot,
    refuse_dependent_columns,
    refuse_lost_digits,
    solve_scaled,
)
from lrmath._separation import separating_direction
from lrmath._validate import coefficients, count, flag, number, ones_first, problem

# Rows that are handled together: a block of them stays in the cache while it is used.
_ROWS = 4096
# Near the minimum a step changes the objective by less than it is rounded.
_ROUNDING = 1e-12


def irls(
    X,
    y,
    *,
    ridge=0.0,
    penalize_intercept=False,
    sample_weight=None,
    beta0=None,
    tol=1e-8,
    max_iter=50,
):
    r"""Minimise the summed cross-entropy, with or without a ridge, by Newton's method.

    ``beta = beta + step`` with ``hessian @ step = -gradient``, where

    - ``gradient = X.T @ (s * (p - y)) + ridge * R @ beta``
    - ``hessian = X.T @ diag(s * w) @ X + ridge * R``, with ``w = p * (1 - p)``

    belong to the objective ``sum(s * loss) + ridge / 2 * beta @ R @ beta``. ``R`` is
    ``diag(0, 1, ..., 1)``, or the identity if the intercept is penalised too.

    The iteration stops when ``max(abs(gradient)) <= tol * sum(s)`` and the next step would change
    no score by more than ``tol``. The gradient has the units of the columns, the scores have none;
    along a separating direction the scores would go on for ever, so that is never taken for a
    minimum.

    A step that changes a score by more than 1 may be too long or too short for the quadratic model
    behind it. Its length is corrected by one Newton step in the length alone, and then halved while
    the objective does not fall. A step that changes no score by more than 1 always makes it fall.

    Parameters
    ----------
    X : array_like
        Samples, shape (n, d+1), finite, with the column of ones first.
    y : array_like
        Labels 0 or 1, shape (n,).
    ridge : float
        Strength of the penalty, 0 or more. It is ``1 / C`` of scikit-learn's
        ``LogisticRegression(C=C)``, which leaves the intercept free too.
    penalize_intercept : bool
        Whether the penalty includes ``beta[0]``. If not, the first column of ``X`` must hold ones.
    sample_weight : array_like, optional
        Weights ``s``, shape (n,), finite and 0 or more; all 1 if left out. A sample of weight 0
        is left out.
    beta0 : array_like, optional
        Where to start, shape (d+1,); zeros if left out.
    tol : float
        Bound on the mean gradient, which has the units of the columns, and on the change of the
        scores. Where entries of ``X`` are above 1e9, rounding alone may exceed 1e-8; scale them.
    max_iter : int
        Largest number of steps, 1 or more.

    Returns
    -------
    Fit
        Its ``hessian`` is taken at its ``beta``, and its ``path`` holds the objective.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If an entry is outside its range, or the shapes do not fit.
    SeparationError
        If the classes can be separated, completely or with ties. With a ridge, if the intercept
        alone can do it, because there is only one class.
    RankDeficiencyError
        If columns of ``X`` depend on each other in the rows of positive weight, or almost so, and
        no ridge makes up for it.
    ConvergenceError
        If ``max_iter`` steps were not enough, or floats cannot hold the Hessian.

    Notes
    -----
    Derived in the chapter "Newton's method and IRLS", ``thm-newton``, ``thm-irls``,
    ``thm-short-step`` and ``thm-separated-step``. The errors carry what was
    reached as ``fit``. Besides ``X``, the largest arrays have n entries.
    Literature: P. J. Green, "Iteratively reweighted least squares for maximum likelihood
    estimation, and some robust and resistant alternatives", Journal of the Royal Statistical
    Society B 46 (1984) 149-192.

    Examples
    --------
    >>> from lrmath import irls
    >>> fit = irls([[1, -1], [1, 0], [1, 1], [1, 2]], [0, 1, 0, 1])
    >>> fit.beta.round(4).tolist()
    [-0.4541, 0.9082]
    >>> fit.standard_errors().round(4).tolist()
    [1.2429, 1.0852]
    """
    X, y, s = problem(X, y, sample_weight)
    beta = (
        np.zeros(X.shape[1])
        if beta0 is None
        else coefficients("beta0", beta0, X).copy()
    )
    tol, max_iter = number("tol", tol, above=0), count("max_iter", max_iter)
    penalty = np.full(X.shape[1], number("ridge", ridge, least=0))
    if not flag("penalize_intercept", penalize_intercept):
        if penalty.any():
            ones_first(X, "Call add_intercept, or pass penalize_intercept=True.")
        penalty[0] = 0
    if penalty[0] == 0:
        refuse_one_class(X, y)

    n, t = np.sum(s), 1 - 2 * y
    with np.errstate(all="ignore"):
        eta = X @ beta
        loss, gradient, H = _sums(X, t, s, eta, beta, penalty)
        path = [loss]
        while True:
            step = solve_scaled(H, -gradient)
            move = X @ step
            longest = np.abs(move).max()
            norm = np.abs(gradient).max() / n
            separated = not penalty.any() and (t * eta).max() < 0
            # On separated data no step is short;
            # half of that leaves room for rounding.
            converged = norm <= tol and longest <= min(tol, 0.5) and not separated
            if (
                converged
                or separated
                or len(path) > max_iter
                or not np.isfinite(longest)
            ):
                break
            if longest > 1:
                length = _length(t, s, eta + move, move, beta + step, step, penalty)
                step, move = length * step, length * move
            while True:
                new = _sums(X, t, s, eta + move, beta + step, penalty)
                falls = new[0] <= loss + _ROUNDING * loss
                if falls or np.abs(move).max() <= 1:
                    break
                step, move = step / 2, move / 2
            if not falls:
                break
            beta, eta = beta + step, eta + move
            loss, gradient, H = new
            path.append(loss)

        converged = bool(converged and least_pivot(H) >= LEAST_PIVOT)
        fit = Fit(
            beta,
            float(loss),
            len(path) - 1,
            converged,
            float(norm),
            np.array(path),
            H,
        )
        if not converged:
            _refuse(X, y, penalty, fit, longest, tol)
    return fit


def _sums(X, t, s, eta, beta, penalty):
    """The objective, its gradient and its Hessian at scores ``eta``, in one pass over the rows."""
    m = X.shape[1]
    loss, gradient, H = 0.0, np.zeros(m), np.zeros((m, m))
    for start in range(0, len(X), _ROWS):
        rows = slice(start, start + _ROWS)
        A, S = X[rows], s[rows]
        losses, residuals, w = _terms(t[rows], eta[rows])
        loss += S @ losses
        gradient += A.T @ (S * residuals)
        A = np.sqrt(S * w)[:, None] * A
        H += A.T @ A
    H.flat[:: m + 1] += penalty
    return loss + beta @ (penalty * beta) / 2, gradient + penalty * beta, H


def _terms(t, eta):
    """Loss, ``p - y`` and ``p * (1 - p)`` of each sample; ``t = 1 - 2 * y``."""
    # softplus(z), t * sigmoid(z) and sigmoid_derivative(z),
    # which share one exponential.
    z = t * eta
    e = np.exp(-np.abs(z))
    u = 1 + e
    return (
        np.maximum(z, 0) + np.log1p(e),
        t * np.where(z >= 0, 1.0, e) / u,
        e / (u * u),
    )


def _length(t, s, eta, move, beta, step, penalty):
    """Newton's step for the length, from 1: the objective along ``step`` is a function of it."""
    slope, curvature = step @ (penalty * beta), step @ (penalty * step)
    for start in range(0, len(t), _ROWS):
        rows = slice(start, start + _ROWS)
        _, residuals, w = _terms(t[rows], eta[rows])
        weighted = s[rows] * move[rows]
        slope += weighted @ residuals
        curvature += weighted @ (w * move[rows])
    # In this order a NaN becomes 2, and the halving ends.
    return max(0.5, min(2.0, 1 - slope / curvature))


def _refuse(X, y, penalty, fit, longest, tol):
    """Raise the error that says why there is no minimiser, or why it was not found."""
    # With a ridge, the objective is that of X with these rows added.
    rows = np.vstack([X, np.diag(np.sqrt(penalty))]) if penalty.any() else X
    refuse_dependent_columns(rows, fit)
    # With one, only an intercept is free, and with both classes present nothing pulls it away.
    if not penalty.any():
        signs = 2 * y - 1
        if np.min(signs * (X @ fit.beta)) > 0:
            raise SeparationError(SEPARATED.format("complete"), fit.beta, fit)
        if found := separating_direction(signs[:, None] * X):
            raise SeparationError(SEPARATED.format(found.kind), found.direction, fit)
    refuse_lost_digits(fit.hessian, rows, fit, "Start from a beta0 nearer to 0, or leave it out.")
    raise not_reached(X, fit, longest, tol, "Raise max_iter, or leave beta0 out.")
