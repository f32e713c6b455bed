"""Minimising the loss by steps against its gradient (chapter "Gradient descent")."""

import numpy as np

from lrmath._fit import (
    SEPARATED,
    ConvergenceError,
    Fit,
    SeparationError,
    refuse_one_class,
)
from lrmath._rank import refuse_dependent_columns, solve_scaled
from lrmath._separation import separating_direction
from lrmath._validate import coefficients, count, number, problem
from lrmath.hessian import hessian
from lrmath.sigmoid import sigmoid, softplus


def gradient_descent(
    X,
    y,
    *,
    learning_rate=None,
    beta0=None,
    sample_weight=None,
    tol=1e-8,
    max_iter=10_000,
):
    r"""Minimise the summed cross-entropy by gradient descent.

    ``beta = beta - learning_rate * gradient``, from ``beta0`` on, until
    ``max(abs(gradient)) <= tol * sum(s)``.

    With ``L = lambda_max(X.T @ diag(s) @ X) / 4``, the slope of the gradient is at most ``L``. A
    ``learning_rate`` below ``2 / L`` lowers the loss at every step; the default is ``1 / L``.

    Parameters
    ----------
    X : array_like
        Samples, shape (n, d+1), finite, with the column of ones first.
    y : array_like
        Labels 0 or 1, shape (n,).
    learning_rate : float, optional
        Length of a step per unit of gradient, above 0; ``1 / L`` if left out.
    beta0 : array_like, optional
        Where to start, shape (d+1,); zeros if left out.
    sample_weight : array_like, optional
        Weights ``s``, shape (n,), finite and 0 or more; all 1 if left out.
    tol : float
        Bound on the mean gradient. It has the units of the columns of ``X``.
    max_iter : int
        Largest number of steps, 1 or more.

    Returns
    -------
    Fit
        Its ``path`` holds the loss at the start and after each step.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If an entry is outside its range, or the shapes do not fit.
    SeparationError
        If ``X @ beta`` puts all samples on the right side, or the small gradient is one of data
        that are separated with ties: the loss then has no minimiser.
    RankDeficiencyError
        If columns of ``X`` depend on each other: the minimiser is not unique.
    ConvergenceError
        If ``max_iter`` steps were not enough, the loss is no longer finite, or the gradient is
        small in its units only: a Newton step would still change a score by 0.5 or more.

    Notes
    -----
    Derived in the chapter "Gradient descent", ``thm-lipschitz``, ``thm-descent`` and
    ``thm-gd-rate``. A SeparationError and a ConvergenceError carry what was reached as ``fit``.
    Literature: Y. Nesterov, Lectures on Convex Optimization, 2nd edition, Springer 2018,
    section 2.1.5.

    Examples
    --------
    >>> from lrmath import gradient_descent
    >>> fit = gradient_descent([[1, -1], [1, 0], [1, 1], [1, 2]], [0, 1, 0, 1])
    >>> fit.beta.round(4).tolist()
    [-0.4541, 0.9082]
    """
    X, y, s = problem(X, y, sample_weight)
    beta = (
        np.zeros(X.shape[1])
        if beta0 is None
        else coefficients("beta0", beta0, X).copy()
    )
    tol, max_iter = number("tol", tol, above=0), count("max_iter", max_iter)
    refuse_dependent_columns(X)
    refuse_one_class(X, y)
    L = _largest_eigenvalue(X, s) / 4
    alpha = (
        1 / L
        if learning_rate is None
        else number("learning_rate", learning_rate, above=0)
    )

    # A loss is softplus(t * eta), and a residual p - y is t * sigmoid(t * eta).
    t = 1 - 2 * y
    path = []
    with np.errstate(all="ignore"):
        while True:
            wrong = np.nan_to_num(
                t * (X @ beta), nan=np.inf, posinf=np.inf, neginf=-np.inf
            )
            path.append(s @ softplus(wrong))
            gradient = X.T @ (s * t * sigmoid(wrong))
            norm = np.max(np.abs(gradient)) / np.sum(s)
            if norm <= tol or len(path) > max_iter or not np.isfinite(path[-1]):
                break
            beta = beta - alpha * gradient

    small = norm <= tol and np.all(np.isfinite(wrong))
    H = hessian(X, beta, sample_weight=s) if small else None
    with np.errstate(all="ignore"):
        # If the classes are separated, every Newton step changes a score by 1 or
        # more. (Half of that leaves room for rounding.)
        settled = bool(small and np.max(np.abs(X @ solve_scaled(H, gradient))) <= 0.5)
    fit = Fit(
        beta, float(path[-1]), len(path) - 1, settled, float(norm), np.array(path), H
    )
    if not settled:
        raise _reason(X, y, fit, alpha, 2 / L, tol)
    return fit


def _largest_eigenvalue(X, s):
    with np.errstate(all="ignore"):
        gram = X.T @ (s[:, None] * X)
    largest = np.linalg.eigvalsh(gram)[-1] if np.all(np.isfinite(gram)) else np.inf
    if not np.finfo(float).tiny < largest < np.inf:
        raise ValueError(
            f"the largest eigenvalue of X.T @ diag(s) @ X is {largest:.3g}, out of the range of "
            "floats. Scale the columns of X."
        )
    return largest


def _reason(X, y, fit, alpha, limit, tol):
    """The exception that says why there is no minimiser yet."""
    signs = 2 * y - 1
    with np.errstate(all="ignore"):
        if np.min(signs * (X @ fit.beta)) > 0:
            return SeparationError(SEPARATED.format("complete"), fit.beta, fit)
    if fit.gradient_norm <= tol:
        found = separating_direction(signs[:, None] * X)
        if found:
            return SeparationError(SEPARATED.format(found.kind), found.direction, fit)
        why = (
            f"max(abs(gradient)) / sum(s) is {fit.gradient_norm:.3g}, below tol = {tol:.3g}, but "
            "beta is far from the minimiser: a Newton step would change a score by 0.5 or more. "
            "Bring the columns of X to one scale, or lower tol."
        )
    elif alpha > limit and np.any(np.diff(fit.path) > 0):
        why = (
            f"the loss rose on the way and is {fit.path[-1]:.6g} at step {fit.iterations}. "
            f"learning_rate is {alpha:.3g}, and a step is sure to lower the loss only below "
            f"2 / L = {limit:.3g}. Leave learning_rate out to get 1 / L."
        )
    elif not np.isfinite(fit.path[-1]):
        why = (
            f"the loss is {fit.path[-1]} at step {fit.iterations}, because the scores overflow. "
            "Start from a smaller beta0, or scale the columns of X."
        )
    else:
        why = (
            f"max(abs(gradient)) / sum(s) is {fit.gradient_norm:.3g} at step {fit.iterations}, and "
            f"tol = {tol:.3g} was not reached. learning_rate is {alpha:.3g}, and 2 / L = "
            f"{limit:.3g} is the most that is sure to work. Bring the columns of X to one scale, "
            "raise max_iter, or use irls."
        )
    return ConvergenceError(why, fit)
