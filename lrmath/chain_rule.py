"""The gradient of the loss by the chain rule (chapter "The chain rule")."""

import numpy as np

from lrmath._validate import coefficients, finite, fits, labels, matrix, row_weights
from lrmath.sigmoid import sigmoid


def add_intercept(features):
    r"""Put a column of ones before the features.

    ``X = [1, features]``

    Parameters
    ----------
    features : array_like
        Shape (n, d), finite.

    Returns
    -------
    numpy.ndarray
        ``X``, shape (n, d+1), float64. The first entry of ``beta`` then is the intercept.

    Raises
    ------
    TypeError
        If ``features`` does not hold real numbers.
    ValueError
        If ``features`` is not 2-d, or holds NaN or infinity.

    Notes
    -----
    Used from the chapter "The chain rule" on, ``thm-gradient``.
    Literature: T. Hastie, R. Tibshirani and J. Friedman, The Elements of Statistical Learning,
    2nd edition, Springer 2009, section 4.4.1.

    Examples
    --------
    >>> from lrmath import add_intercept
    >>> add_intercept([[2, 3], [4, 5]]).tolist()
    [[1.0, 2.0, 3.0], [1.0, 4.0, 5.0]]
    """
    features = matrix("features", features)
    return np.column_stack([np.ones(len(features)), features])


def gradient(X, y, beta, *, sample_weight=None):
    r"""Gradient of the summed cross-entropy with respect to ``beta``.

    ``gradient = X.T @ (s * (p - y))`` with ``p = sigmoid(X @ beta)``.

    The residual ``p - y`` is taken as ``t * sigmoid(t * (X @ beta))`` with ``t = 1 - 2 * y``. By
    ``sigmoid(z) - 1 = -sigmoid(-z)`` it is the same number, with all its digits where ``p`` is
    near 1.

    Parameters
    ----------
    X : array_like
        Samples, shape (n, d+1), finite, with the column of ones first.
    y : array_like
        Labels 0 or 1, shape (n,).
    beta : array_like
        Coefficients, shape (d+1,), finite.
    sample_weight : array_like, optional
        Weights ``s``, shape (n,), finite and 0 or more; all 1 if left out.

    Returns
    -------
    numpy.ndarray
        Shape (d+1,), float64 whatever the types of the arguments. Zeros if n = 0.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If an entry is outside its range, the shapes do not fit, or a product overflows.

    Notes
    -----
    Derived in the chapter "The chain rule", ``thm-gradient``.
    Literature: P. McCullagh and J. A. Nelder, Generalized Linear Models, 2nd edition, Chapman and
    Hall 1989, section 4.4.

    Examples
    --------
    >>> from lrmath import gradient
    >>> gradient([[1, 2], [1, -1], [1, 0]], [1, 0, 1], [0.5, 1.0]).round(4).tolist()
    [-0.0759, -0.5293]
    """
    X = matrix("X", X)
    y = labels(y)
    fits("y", y, X, 0, "A column of labels becomes one axis by y.ravel().")
    beta = coefficients("beta", beta, X)
    s = row_weights(sample_weight, X)
    # Overflow is looked for in the two products, where it can be named.
    with np.errstate(all="ignore"):
        eta = X @ beta
        finite("(X @ beta)", eta, "the scores overflow. Scale the columns of X.")
        t = 1 - 2 * y
        result = X.T @ (s * (t * sigmoid(t * eta)))
        finite("gradient", result, "the sum overflows. Scale the columns of X.")
    return result
