"""The L1 penalty: soft threshold and lasso (chapter "Regularisation"); the ridge is in ``irls``."""

import numpy as np

from lrmath._fit import ConvergenceError, Fit, refuse_one_class
from lrmath._validate import (
    count,
    finite,
    flag,
    number,
    ones_first,
    problem,
    real,
    refuse,
    refuse_tiny_columns,
    restore,
)
from lrmath.bce import bce_from_logits
from lrmath.chain_rule import gradient
from lrmath.hessian import hessian
from lrmath.irls import irls
from lrmath.sigmoid import logit


def soft_threshold(x, t):
    r"""Move ``x`` towards 0 by ``t``, and to 0 if it is nearer than that.

    ``soft_threshold(x, t) = x - clip(x, -t, t)``, which is ``sign(x) * max(abs(x) - t, 0)``.

    It is the minimiser over ``b`` of ``(b - x)**2 / 2 + t * abs(b)``.

    Parameters
    ----------
    x : array_like
        Numbers, of any shape; infinity is allowed.
    t : array_like
        Thresholds, finite and 0 or more: one number, or one for each entry of ``x``.

    Returns
    -------
    numpy.ndarray or scalar
        In the shape and the float type of ``x``; exactly 0 where ``abs(x) <= t``.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If ``x`` holds NaN, ``t`` is negative or infinite, or the shapes do not fit.

    Notes
    -----
    Derived in the chapter "Regularisation", ``thm-soft-threshold``.
    Literature: D. L. Donoho, "De-noising by soft-thresholding", IEEE Transactions on Information
    Theory 41 (1995) 613-627.

    Examples
    --------
    >>> from lrmath import soft_threshold
    >>> soft_threshold([-3, -0.5, 0, 2], 1).tolist()
    [-2.0, 0.0, 0.0, 1.0]
    """
    x, kind = real("x", x)
    t, _ = real("t", t)
    finite("t", t, "a threshold must be finite.")
    refuse("t", t, t < 0, "a threshold must be 0 or more.")
    if t.ndim and t.shape != x.shape:
        raise ValueError(
            f"t has shape {t.shape} and x has shape {x.shape}; "
            f"pass one threshold, or one for each entry of x."
        )
    return restore(x - np.clip(x, -t, t), kind)


def l1_max(X, y, *, sample_weight=None):
    r"""The smallest ``l1`` at which ``lasso`` sets all coefficients but the intercept to 0.

    ``l1_max = max(abs(X[:, 1:].T @ (s * (share - y))))`` with ``share = sum(s * y) / sum(s)``.

    This is the gradient at the fit with an intercept only, whose probabilities all equal the share
    of class 1. The intercept is not penalised.

    Parameters
    ----------
    X : array_like
        Samples, shape (n, d+1), finite, with the column of ones first.
    y : array_like
        Labels 0 or 1, shape (n,).
    sample_weight : array_like, optional
        Weights ``s``, shape (n,), finite and 0 or more; all 1 if left out.

    Returns
    -------
    float
        0 if there are no features, or if no feature tells the classes apart.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If an entry is outside its range, the shapes do not fit, or the first column is not ones.

    Notes
    -----
    Derived in the chapter "Regularisation", ``thm-l1-max``.
    Literature: K. Koh, S.-J. Kim and S. Boyd, "An interior-point method for large-scale
    l1-regularized logistic regression", Journal of Machine Learning Research 8 (2007) 1519-1555.

    Examples
    --------
    >>> from lrmath import l1_max
    >>> l1_max([[1, -1], [1, 0], [1, 1], [1, 2]], [0, 1, 0, 1])
    1.0
    """
    X, y, s = problem(X, y, sample_weight)
    ones_first(X, "Call add_intercept.")
    share = s @ y / np.sum(s)
    return float(np.max(np.abs(X[:, 1:].T @ (s * (share - y))), initial=0))


def lasso(
    X, y, l1, *, penalize_intercept=False, sample_weight=None, tol=1e-8, max_iter=100
):
    r"""Minimise the summed cross-entropy plus ``l1`` times the absolute values of coefficients.

    ``objective = sum(s * loss) + l1 * sum(abs(beta[1:]))``

    Each step minimises the quadratic model of the loss at ``beta``, as in Newton's method, plus
    the penalty: one coordinate after the other by a soft threshold, then those that are not 0
    together. It is halved until the objective falls; if it changes no score by more than 1, it
    falls anyway. A coefficient that the penalty holds at 0 is exactly 0.

    At the minimiser minus the gradient of the loss is a subgradient of the penalty:

    ==================  ==========================================
    coefficient         condition on ``g = gradient[j]``
    ==================  ==========================================
    not penalised       ``g = 0``
    ``beta[j] != 0``    ``g = -l1 * sign(beta[j])``
    ``beta[j] == 0``    ``abs(g) <= l1``
    ==================  ==========================================

    The fit stops when no condition is missed by more than ``tol * sum(s)`` and the next step would
    change no score by more than ``tol``.

    Parameters
    ----------
    X : array_like
        Samples, shape (n, d+1), finite, with the column of ones first.
    y : array_like
        Labels 0 or 1, shape (n,).
    l1 : float
        Strength of the penalty, 0 or more. With 0, this is ``irls``.
    penalize_intercept : bool
        Whether the first coefficient counts in the penalty as well.
    sample_weight : array_like, optional
        Weights ``s``, shape (n,), finite and 0 or more; all 1 if left out.
    tol : float
        Bound on what the conditions are missed by, for each sample, and on the change of the
        scores.
    max_iter : int
        Largest number of steps, 1 or more.

    Returns
    -------
    Fit
        ``gradient_norm`` is the largest amount by which a condition is missed, divided by
        ``sum(s)``. There is no ``hessian`` if ``l1 > 0``.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If an entry is outside its range, the shapes do not fit, a product overflows, or the squares
        of a column are 0 in floats.
    SeparationError
        If the intercept alone separates the classes, because there is only one. With ``l1 = 0``,
        as in ``irls``.
    RankDeficiencyError
        With ``l1 = 0``, as in ``irls``.
    ConvergenceError
        If ``max_iter`` steps were not enough.

    Notes
    -----
    Derived in the chapter "Regularisation", ``thm-l1-optimality`` and ``thm-soft-threshold``. A
    minimiser exists for separated classes too, and for columns that depend on each other. In the
    latter case there may be several; their probabilities are the same, and one is returned.
    Literature: J. Friedman, T. Hastie and R. Tibshirani, "Regularization paths for generalized
    linear models via coordinate descent", Journal of Statistical Software 33 (2010) 1-22. J. D.
    Lee, Y. Sun and M. A. Saunders, "Proximal Newton-type methods for minimizing composite
    functions", SIAM Journal on Optimization 24 (2014) 1420-1443.

    Examples
    --------
    >>> from lrmath import lasso
    >>> X = [[1, -1, 0], [1, 0, 1], [1, 1, 1], [1, 2, 0]]
    >>> lasso(X, [0, 1, 0, 1], 0.5).beta.round(4).tolist()
    [-0.2057, 0.4115, 0.0]
    """
    X, y, s = problem(X, y, sample_weight)
    l1, tol = number("l1", l1, least=0), number("tol", tol, above=0)
    max_iter = count("max_iter", max_iter)
    free = not flag("penalize_intercept", penalize_intercept)
    if l1 == 0:
        return irls(X, y, sample_weight=s, tol=tol, max_iter=max_iter)
    refuse_tiny_columns(X, s)
    penalty = np.full(X.shape[1], l1)
    beta = np.zeros(X.shape[1])
    if free:
        ones_first(X, "Call add_intercept, or pass penalize_intercept=True.")
        penalty[0] = 0
        refuse_one_class(
            X, y, "Give samples of both classes, or pass penalize_intercept=True."
        )
        beta[0] = logit(s @ y / np.sum(s)) / X[0, 0]

    with np.errstate(all="ignore"):
        path = [_objective(X, y, s, beta, penalty)]
        while True:
            g = gradient(X, y, beta, sample_weight=s)
            H = hessian(X, beta, sample_weight=s)
            step = _minimise_model(g, H, beta, penalty) - beta
            move = np.max(np.abs(X @ step))
            norm = np.max(_missed(g, beta, penalty)) / np.sum(s)
            converged = bool(norm <= tol and move <= tol)
            if converged or len(path) > max_iter or not np.isfinite(move):
                break
            while True:
                objective = _objective(X, y, s, beta + step, penalty)
                if objective < path[-1] or move <= 1:
                    break
                step, move = step / 2, move / 2
            beta = beta + step
            path.append(objective)

    fit = Fit(
        beta, float(path[-1]), len(path) - 1, converged, float(norm), np.array(path)
    )
    if not converged:
        raise ConvergenceError(
            f"after {fit.iterations} steps a condition of the minimiser is missed by "
            f"{norm:.3g} for each sample, and the next step would change a score by "
            f"{move:.3g}; tol is {tol:.3g}. Bring the columns of X to one scale, "
            "raise max_iter, or raise l1.",
            fit,
        )
    return fit


def _objective(X, y, s, beta, penalty):
    return bce_from_logits(y, X @ beta, sample_weight=s) + penalty @ np.abs(beta)


def _missed(g, beta, penalty):
    """Distance of ``-g`` from the subgradients of the penalty, for each coefficient."""
    at_zero = np.maximum(np.abs(g) - penalty, 0)
    return np.where(beta == 0, at_zero, np.abs(g + penalty * np.sign(beta)))


def _minimise_model(g, H, beta, penalty):
    """Minimise ``g @ d + d @ H @ d / 2 + penalty @ abs(b)`` over ``b = beta + d``."""
    b, slope, h = beta.copy(), g.copy(), H.diagonal()
    for _ in range(1000):
        signs = np.sign(b)
        # The model in one coordinate is minimised by a soft threshold.
        for j in np.flatnonzero((h > 0) & (_missed(slope, b, penalty) > 0)):
            a, t, old = b[j] - slope[j] / h[j], penalty[j] / h[j], b[j]
            b[j] = a - min(max(a, -t), t)
            slope += H[j] * (b[j] - old)
        # As long as no sign changes, the penalty is linear, and a Newton step finds the minimum.
        # A coefficient whose sign would change stops at 0.
        stopped = True
        while np.any(stopped):
            S = np.flatnonzero((h > 0) & ((b != 0) | (penalty == 0)))
            step = _solve(H[np.ix_(S, S)], -slope[S] - penalty[S] * np.sign(b[S]))
            share = np.where(b[S] * (b[S] + step) < 0, -b[S] / step, np.inf)
            length = np.min(share, initial=1)
            stopped = share <= length
            b[S] = np.where(stopped, 0, b[S] + length * step)
            slope = g + H @ (b - beta)
        if np.all(np.sign(b) == signs):
            break
    return b


def _solve(H, right):
    """Solve ``H @ x = right``, scaled to a unit diagonal; dependent columns are allowed."""
    scale = 1 / np.sqrt(H.diagonal())
    scaled = scale[:, None] * H * scale
    scaled.flat[:: len(H) + 1] += 1e-13
    return scale * np.linalg.solve(scaled, scale * right)
