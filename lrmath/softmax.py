"""Softmax regression: gradient, Hessian and fit for K classes (chapter "Softmax regression").

``X`` is (n, d+1) with the column of ones first, ``B`` is (d+1, K) with one column for each class,
and the probabilities are ``P = softmax(X @ B)``, one row for each sample. Where ``B`` is written as
one vector, its columns follow each other, ``B.T.ravel()``: the Hessian has K blocks.
"""

import numbers

import numpy as np

from lrmath._fit import SeparationError, SoftmaxFit, not_reached
from lrmath._rank import (
    LEAST_PIVOT,
    least_pivot,
    refuse_dependent_columns,
    refuse_lost_digits,
    solve_scaled,
)
from lrmath._separation import separating_direction
from lrmath._validate import (
    class_numbers,
    count,
    finite,
    matrix,
    number,
    one_hot,
    ones_first,
    problem,
    real,
    row_weights,
)
from lrmath.log_sum_exp import softmax

# Rows that are handled together: a block of them stays in the cache while it is used.
_ROWS = 512
_SEPARATED = (
    "the classes are separated {}: some D has, in every sample of positive weight, no score X @ D "
    "above that of the sample's own class, and some below it, so the loss falls for ever along D. "
    "The error carries D as direction. Call fit_softmax with a ridge, or leave features out."
)


def softmax_gradient(X, Y, B, *, sample_weight=None):
    r"""Gradient of the summed cross-entropy of K classes with respect to ``B``.

    ``gradient = X.T @ (s * (P - Y))`` with ``P = softmax(X @ B)``.

    In the column of a sample's own class the residual ``p - 1`` is taken as minus the sum of the
    other probabilities. It is the same number, with all its digits where ``p`` is near 1.

    Parameters
    ----------
    X : array_like
        Samples, shape (n, d+1), finite, with the column of ones first.
    Y : array_like
        One-hot labels, shape (n, K): in each row one 1, at the class of the sample, and zeros.
    B : array_like
        Coefficients, shape (d+1, K), finite.
    sample_weight : array_like, optional
        Weights ``s``, shape (n,), finite and 0 or more; all 1 if left out.

    Returns
    -------
    numpy.ndarray
        Shape (d+1, K), float64 whatever the types of the arguments. Its rows add up to 0.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If an entry is outside its range, the shapes do not fit, or a product overflows.

    Notes
    -----
    Derived in the chapter "Softmax regression", ``thm-softmax-gradient``.
    Literature: C. M. Bishop, Pattern Recognition and Machine Learning, Springer 2006, eq. (4.109).

    Examples
    --------
    >>> from lrmath import softmax_gradient
    >>> X, Y = [[1, 2], [1, -1], [1, 0]], [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    >>> softmax_gradient(X, Y, [[0, 0, 0], [1, 0, 0]]).round(4).tolist()
    [[0.2757, -0.1378, -0.1378], [-0.5814, 0.7907, -0.2093]]
    """
    X, B = _two(X, B)
    Y = one_hot(Y, len(X), B.shape[1])
    s = row_weights(sample_weight, X)
    P = _probabilities(X, B)
    with np.errstate(all="ignore"):
        others = np.sum(np.where(Y == 1, 0, P), axis=1, keepdims=True)
        residual = np.where(Y == 1, -others, P)
        result = X.T @ (s[:, None] * residual)
        finite("gradient", result, "the sum overflows. Scale the columns of X.")
    return result


def softmax_hessian(X, B, *, sample_weight=None):
    r"""Second derivatives of the summed cross-entropy of K classes with respect to ``B``.

    Block (k, l) is ``X.T @ diag(s * p_k * (1[k=l] - p_l)) @ X`` with ``P = softmax(X @ B)``.

    The labels do not occur. One product is formed for each pair of classes,
    ``C = X.T @ diag(s * p_k * p_l) @ X``. The blocks (k, l) and (l, k) are ``-C``, and the block
    (k, k) is the sum of the ``C`` of all other classes, as ``1 - p_k`` is the sum of their
    probabilities: no digit is lost where ``p_k`` is near 1, and each row of blocks adds up to 0.

    Parameters
    ----------
    X : array_like
        Samples, shape (n, d+1), finite, with the column of ones first.
    B : array_like
        Coefficients, shape (d+1, K), finite.
    sample_weight : array_like, optional
        Weights ``s``, shape (n,), finite and 0 or more; all 1 if left out.

    Returns
    -------
    numpy.ndarray
        Shape ((d+1)K, (d+1)K), symmetric, float64 whatever the types of the arguments: K times K
        blocks, each (d+1, d+1). Zeros if n = 0.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If an entry is outside its range, the shapes do not fit, or a product overflows.

    Notes
    -----
    Derived in the chapter "Softmax regression", ``thm-softmax-hessian``; positive semidefinite by
    ``thm-softmax-psd``, and singular by ``thm-softmax-shift``.
    Literature: D. Boehning, "Multinomial logistic regression algorithm", Annals of the Institute of
    Statistical Mathematics 44 (1992) 197-200.

    Examples
    --------
    >>> from lrmath import softmax_hessian
    >>> softmax_hessian([[1], [1]], [[0, 0]]).tolist()
    [[0.5, -0.5], [-0.5, 0.5]]
    """
    X, B = _two(X, B)
    s = row_weights(sample_weight, X)
    P = _probabilities(X, B)
    with np.errstate(all="ignore"):
        result = _blocks(X, s, P.T)
        finite("hessian", result, "the sum overflows. Scale the columns of X.")
    return result


def fit_softmax(X, y, *, ridge=0.0, reference=None, sample_weight=None, tol=1e-8, max_iter=50):
    r"""Minimise the summed cross-entropy of K classes, with or without a ridge, by Newton's method.

    ``B = B + step`` with ``hessian @ step = -gradient``, the columns one after the other, for the
    objective ``sum(s * loss) + ridge / 2 * sum(B[1:]**2)``. A long step gets a better length first,
    and is halved while it moves a score by more than 1/2 and the objective does not fall.

    With ``reference=k`` column k of ``B`` stays 0 and the others are differences to that class.
    Without, all K columns are fitted. Adding one vector to all of them leaves the probabilities as
    they are; of all such ``B`` the one of least size is returned, whose rows add up to 0. A ridge
    fixes all rows but the first by itself.

    Parameters
    ----------
    X : array_like
        Samples, shape (n, d+1), finite, with the column of ones first.
    y : array_like
        Class numbers 0, 1, ..., K-1, shape (n,). Every class must occur, and there must be two.
    ridge : float
        Strength of the penalty, 0 or more. The intercepts, row 0 of ``B``, are not penalised.
    reference : int, optional
        The class whose column of ``B`` is fixed at 0. With a ridge the choice matters.
    sample_weight : array_like, optional
        Weights ``s``, shape (n,), finite and 0 or more; all 1 if left out. A weight of 0 leaves the
        sample out.
    tol : float
        The iteration stops when ``max(abs(gradient)) / n`` is at most ``tol``, n the total weight,
        and a further step would move no score by more than ``tol``.
    max_iter : int
        The largest number of steps.

    Returns
    -------
    SoftmaxFit
        With ``B``, shape (d+1, K).

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If an entry is outside its range, the shapes do not fit, or a class does not occur.
    RankDeficiencyError
        If columns of X depend on each other and there is no ridge.
    SeparationError
        If the classes can be separated and there is no ridge, so that there is no minimiser. Its
        ``direction`` is a ``D`` in the shape of ``B``: for no sample is ``X @ D`` larger at another
        class than at its own, and for some it is smaller.
    ConvergenceError
        If ``max_iter`` steps are not enough, or floats cannot hold the Hessian. It carries the
        unfinished fit.

    Notes
    -----
    Derived in the chapter "Softmax regression", ``thm-softmax-gradient``, ``thm-softmax-hessian``
    and ``thm-softmax-ridge-sum``. Standard errors need a reference class. With two classes and
    ``reference=0``, column 1 is the ``beta`` of ``irls``; without one, a ridge of ``2 * r`` gives
    the probabilities that ``irls`` gives with a ridge of ``r``.
    Literature: A. Agresti, Categorical Data Analysis, 3rd edition, Wiley 2013, section 8.1.

    Examples
    --------
    >>> from lrmath import add_intercept, fit_softmax, load_iris
    >>> data = load_iris()
    >>> fit = fit_softmax(add_intercept(data.features[:, 2:]), data.y, ridge=1)
    >>> fit.B.round(2).tolist()
    [[11.13, 3.23, -14.35], [-2.75, 0.08, 2.67], [-1.17, -0.91, 2.08]]
    """
    X, y, s, K = _problem(X, y, sample_weight)
    free = _free_columns(reference, K)
    tol, max_iter = number("tol", tol, above=0), count("max_iter", max_iter)
    penalty = np.full((X.shape[1], 1), number("ridge", ridge, least=0))
    if penalty.any():
        ones_first(X, "Call add_intercept.")
    penalty[0] = 0

    B, n = np.zeros((X.shape[1], K)), np.sum(s)
    with np.errstate(all="ignore"):
        loss, gradient, H, worst = _sums(X, y, s, B, penalty)
        path = [loss]
        while True:
            step = np.zeros(B.shape)
            step[:, free] = _newton_step(H, gradient, free)
            longest = np.max(np.abs(X @ step))
            norm = np.max(np.abs(gradient[:, free])) / n
            # A loss below log(2) is a probability above 1/2, and so the largest score.
            separated = not penalty.any() and worst < 0.69
            converged = norm <= tol and longest <= min(tol, 0.25) and not separated
            if converged or separated or len(path) > max_iter or not np.isfinite(longest):
                break
            # A step that moves no difference of scores by more than 1 lowers the objective.
            if longest > 1 / 2:
                length = _length(X, y, s, B, step, penalty)
                step, longest = length * step, length * longest
            while True:
                new = _sums(X, y, s, B + step, penalty)
                if new[0] < loss or longest <= 1 / 2:
                    break
                step, longest = step / 2, longest / 2
            B = B + step
            loss, gradient, H, worst = new
            path.append(loss)

        converged = bool(converged and least_pivot(_definite(H, free)) >= LEAST_PIVOT)
        fit = SoftmaxFit(
            B,
            float(loss),
            len(path) - 1,
            converged,
            float(norm),
            np.array(path),
            _of_columns(H, free),
            reference if reference is None else int(reference),
        )
        if not converged:
            _refuse(X, y, penalty, fit, free, separated, longest, tol)
    return fit


def _two(X, B):
    """Return X and B, which fit together, as float64 arrays."""
    X = matrix("X", X)
    B, _ = real("B", B)
    finite("B", B)
    if B.ndim != 2 or B.shape[0] != X.shape[1] or B.shape[1] == 0:
        raise ValueError(
            f"B has shape {B.shape} and X has shape {X.shape}; B must have shape "
            f"({X.shape[1]}, K), one row for each column of X and one column for each class. "
            f"If X lacks the column of ones, call add_intercept first."
        )
    return X, B


def _probabilities(X, B):
    """Return ``softmax(X @ B)``, or raise ValueError if the scores overflow."""
    with np.errstate(all="ignore"):
        scores = X @ B
    finite("(X @ B)", scores, "the scores overflow. Scale the columns of X.")
    return softmax(scores)


def _blocks(X, s, P):
    """The Hessian of the loss from the probabilities, P with one row for each class."""
    (K, n), m = P.shape, X.shape[1]
    products = [np.zeros((k * m, m)) for k in range(K)]
    for start in range(0, n, _ROWS):
        rows = slice(start, start + _ROWS)
        # p_k * x for all classes, side by side.
        A = np.sqrt(s[rows])[:, None] * X[rows]
        Z = (P[:, rows].T[:, :, None] * A[:, None, :]).reshape(-1, K * m)
        for k in range(1, K):
            products[k] += Z[:, : k * m].T @ Z[:, k * m : (k + 1) * m]
    H = np.zeros((K, m, K, m))
    for k in range(1, K):
        for j, C in enumerate(products[k].reshape(k, m, m)):
            # Symmetric in theory, and now to the last digit.
            C = (C + C.T) / 2
            H[k, :, j] = H[j, :, k] = -C
            H[k, :, k] += C
            H[j, :, j] += C
    return H.reshape(K * m, K * m)


def _sums(X, y, s, B, penalty):
    """The objective, its gradient and its Hessian, and the largest loss."""
    losses, residuals, P = _terms(y, B.T @ X.T)
    if np.any(B):
        H = _blocks(X, s, P)
    else:
        # All probabilities are 1 / K, so that one pair of classes does for all.
        C = _blocks(X, s, P[:2])[: len(B), : len(B)]
        H = np.kron(len(P) * np.eye(len(P)) - 1, C)
    H.flat[:: len(H) + 1] += np.tile(penalty[:, 0], len(P))
    loss = s @ losses + np.sum(penalty * B**2) / 2
    return loss, ((s * residuals) @ X).T + penalty * B, H, np.max(losses)


def _terms(y, scores):
    """The loss of each sample, and ``(P - Y).T`` and ``P.T``; scores (K, n)."""
    # cross_entropy_from_logits and softmax, which share the exponentials; the last digits do not
    # matter here. Arrays with one row for each class are the faster ones.
    own = y, np.arange(len(y))
    a = scores - np.max(scores, axis=0)
    P = np.exp(a)
    e = P[own]
    P[own] = 0
    others = np.sum(P, axis=0)
    total = e + others
    # Where the sample's own score is the largest, e is 1 and total - 1 would round.
    losses = np.log1p(np.where(e == 1, others, total - 1)) - a[own]
    P /= total
    residuals = P.copy()
    residuals[own] = -others / total
    P[own] = e / total
    return losses, residuals, P


def _length(X, y, s, B, step, penalty):
    """Newton's step for the length, from 1: the objective along ``step`` is a function of it."""
    _, residuals, P = _terms(y, (B + step).T @ X.T)
    move = step.T @ X.T
    mean = np.sum(P * move, axis=0)
    slope = s @ np.sum(residuals * move, axis=0) + np.sum(penalty * step * (B + step))
    curvature = s @ np.sum(P * (move - mean) ** 2, axis=0) + np.sum(penalty * step**2)
    # In this order NaN, from scores that overflow, gives 2, and the halving takes over.
    return max(0.5, min(2.0, 1 - slope / curvature))


def _newton_step(H, gradient, free):
    """The columns of the step that are free, each of length d+1."""
    step = solve_scaled(_definite(H, free), -gradient[:, free].T.ravel())
    return step.reshape(-1, len(gradient)).T


def _of_columns(H, free):
    """The rows and columns of ``H`` that belong to the free columns of ``B``."""
    kept = np.repeat(free, len(H) // len(free))
    return H if np.all(free) else H[np.ix_(kept, kept)]


def _definite(H, free):
    """The Hessian of the free columns, with its null space filled if no column is fixed.

    Adding one vector to all columns of ``B`` changes no probability, so ``H`` is singular. The
    gradient has no part in these directions. A multiple of the projector to them gives ``H`` an
    inverse, and the step no part in them.
    """
    K = len(free)
    if not np.all(free):
        return _of_columns(H, free)
    size = H.diagonal().reshape(K, -1).mean(axis=0)
    return H + np.tile(np.diag(size), (K, K)) / K


def _free_columns(reference, K):
    """Which columns of ``B`` are fitted."""
    free = np.ones(K, dtype=bool)
    if reference is not None:
        if isinstance(reference, bool) or not isinstance(reference, numbers.Integral):
            raise TypeError(
                f"reference is {reference!r}; pass the number of a class, or None for K columns."
            )
        if not 0 <= reference < K:
            raise ValueError(
                f"reference is {reference}; there are {K} classes, numbered 0 to {K - 1}."
            )
        free[reference] = False
    return free


def _problem(X, y, sample_weight):
    """Return X, y and the weights of a fit, without the rows of weight 0, and K."""
    X, y, s = problem(X, y, sample_weight, class_numbers)
    present = np.unique(y)
    if len(present) == 1:
        raise ValueError(
            f"y is {present[0]} in all samples of positive weight; a fit needs two classes or more."
        )
    missing = np.flatnonzero(present != np.arange(len(present)))
    if len(missing):
        raise ValueError(
            f"y holds class {present[-1]} and lacks class {missing[0]} in the samples of positive "
            f"weight. Number the classes without gaps: np.unique(y, return_inverse=True)[1]."
        )
    return X, y, s, len(present)


def _refuse(X, y, penalty, fit, free, separated, longest, tol):
    """Raise the error that says why there is no minimiser, or why it was not found."""
    # With a ridge, the objective is that of X with these rows added.
    rows = np.vstack([X, np.diag(np.sqrt(penalty[:, 0]))]) if penalty.any() else X
    refuse_dependent_columns(rows, fit)
    if separated:
        raise SeparationError(_SEPARATED.format("completely"), fit.B, fit)
    # With one, only the intercepts are free, and with all classes present nothing pulls them away.
    if not penalty.any() and (found := _separation(X, y, len(free))):
        direction = np.zeros(fit.B.shape)
        direction[:, 1:] = found.direction.reshape(len(free) - 1, -1).T
        how = "completely" if found.kind == "complete" else "with ties"
        raise SeparationError(_SEPARATED.format(how), direction, fit)
    advice = "The classes are all but separated: call fit_softmax with a larger ridge."
    # With a reference class, its block is left out already.
    H = _definite(fit.hessian, free) if np.all(free) else fit.hessian
    refuse_lost_digits(H, rows, fit, advice)
    raise not_reached(X, fit, longest, tol, "Raise max_iter.")


def _separation(X, y, K):
    """A direction that separates the classes, its column 0 left out, as one vector; else None."""
    # One row for each sample and each class that is not its own: by how much the score of its own
    # class is the larger one.
    E = np.eye(K)[:, 1:]
    signed = [(E[y[y != k]] - E[k])[:, :, None] * X[y != k][:, None, :] for k in range(K)]
    return separating_direction(np.concatenate(signed).reshape(-1, (K - 1) * X.shape[1]))
