"""The sigmoid, its derivative, its logarithm and its inverse (chapter "The sigmoid").

All functions work entry by entry on arrays of any shape, and give a scalar for a scalar. They
compute in float64; float16 and float32 input gives output of the same type, integers and booleans
give float64, and long double is refused. NaN is refused; infinity stands for the limit.
"""

import numpy as np

from lrmath._validate import probabilities, real, restore

# Below this z, exp(z) is less than half the spacing of the floats at 1, so 1 + exp(z) rounds to 1.
_FAR = -53 * np.log(2)


def sigmoid(z):
    r"""Probability that belongs to the score ``z``.

    ``sigmoid(z) = 1 / (1 + exp(-z))``, and ``exp(z)`` once ``1 + exp(-z)`` rounds to ``exp(-z)``.

    The second branch keeps ``exp(-z)`` from overflowing and gives the subnormal values right.
    Rounding keeps the order here: if ``a <= b`` then ``sigmoid(a) <= sigmoid(b)``, to the last
    digit. The common form ``e / (1 + e)`` with ``e = exp(z)`` for negative ``z`` does not.
    For ``1 - sigmoid(z)`` use ``sigmoid(-z)``: the subtraction loses digits as ``z`` grows.

    Parameters
    ----------
    z : array_like
        Scores, of any shape; infinity is allowed.

    Returns
    -------
    numpy.ndarray or scalar
        Values in [0, 1], in the shape of ``z``.

    Raises
    ------
    TypeError
        If ``z`` does not hold real numbers.
    ValueError
        If ``z`` holds NaN or is ragged.

    Notes
    -----
    Derived in the chapter "The sigmoid", ``thm-logit-inverse`` and ``thm-sigmoid-symmetry``.
    Literature: D. R. Cox, "The regression analysis of binary sequences", Journal of the Royal
    Statistical Society B 20 (1958) 215-242.

    Examples
    --------
    >>> from lrmath import sigmoid
    >>> sigmoid([-2, 0, 2]).round(4).tolist()
    [0.1192, 0.5, 0.8808]
    """
    z, kind = real("z", z)
    with np.errstate(under="ignore"):
        far = np.exp(np.minimum(z, _FAR))
        near = 1 / (1 + np.exp(-np.maximum(z, _FAR)))
        return restore(np.where(z < _FAR, far, near), kind)


def sigmoid_derivative(z):
    r"""Slope of the sigmoid at ``z``.

    ``sigmoid_derivative(z) = sigmoid(z) * (1 - sigmoid(z)) = e / (1 + e)**2``
    with ``e = exp(-abs(z))``. The slope is the same at ``z`` and ``-z``, so ``e`` need never
    overflow. The square is written out, ``1 + e * (2 + e)``, which rounds less.

    Parameters
    ----------
    z : array_like
        Scores, of any shape; infinity is allowed.

    Returns
    -------
    numpy.ndarray or scalar
        Values in [0, 1/4], in the shape of ``z``.

    Raises
    ------
    TypeError
        If ``z`` does not hold real numbers.
    ValueError
        If ``z`` holds NaN or is ragged.

    Notes
    -----
    Derived in the chapter "The sigmoid", ``thm-sigmoid-derivative``.
    Literature: C. M. Bishop, Pattern Recognition and Machine Learning, Springer 2006, eq. (4.88).

    Examples
    --------
    >>> from lrmath import sigmoid_derivative
    >>> sigmoid_derivative([-2, 0, 2]).round(4).tolist()
    [0.105, 0.25, 0.105]
    """
    z, kind = real("z", z)
    with np.errstate(under="ignore"):
        e = np.exp(-np.abs(z))
        return restore(e / (1 + e * (2 + e)), kind)


def log_sigmoid(z):
    r"""Logarithm of the sigmoid.

    ``log_sigmoid(z) = log(sigmoid(z)) = min(z, 0) - log1p(exp(-abs(z)))``

    Parameters
    ----------
    z : array_like
        Scores, of any shape; infinity is allowed.

    Returns
    -------
    numpy.ndarray or scalar
        Values in [-inf, 0], in the shape of ``z``.

    Raises
    ------
    TypeError
        If ``z`` does not hold real numbers.
    ValueError
        If ``z`` holds NaN or is ragged.

    Notes
    -----
    Derived in the chapter "The sigmoid", ``thm-log-sigmoid``.
    Literature: M. Maechler, "Accurately computing log(1 - exp(-abs(a)))", vignette of the R
    package Rmpfr (2012).

    Examples
    --------
    >>> from lrmath import log_sigmoid
    >>> log_sigmoid([-1000, 0, 2]).round(4).tolist()
    [-1000.0, -0.6931, -0.1269]
    """
    z, kind = real("z", z)
    with np.errstate(under="ignore"):
        return restore(np.minimum(z, 0) - np.log1p(np.exp(-np.abs(z))), kind)


def softplus(z):
    r"""Smooth form of ``max(z, 0)``; its derivative is the sigmoid.

    ``softplus(z) = log(1 + exp(z)) = max(z, 0) + log1p(exp(-abs(z)))``

    Parameters
    ----------
    z : array_like
        Scores, of any shape; infinity is allowed.

    Returns
    -------
    numpy.ndarray or scalar
        Values in [0, inf], in the shape of ``z``.

    Raises
    ------
    TypeError
        If ``z`` does not hold real numbers.
    ValueError
        If ``z`` holds NaN or is ragged.

    Notes
    -----
    Derived in the chapter "The sigmoid", ``thm-log-sigmoid``: ``softplus(z) = -log_sigmoid(-z)``.
    Literature: C. Dugas and others, "Incorporating second-order functional knowledge for better
    option pricing", Advances in Neural Information Processing Systems 13 (2001) 472-478.

    Examples
    --------
    >>> from lrmath import softplus
    >>> softplus([-2, 0, 1000]).round(4).tolist()
    [0.1269, 0.6931, 1000.0]
    """
    z, kind = real("z", z)
    with np.errstate(under="ignore"):
        return restore(np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z))), kind)


def logit(p):
    r"""Log-odds of the probability ``p``; the inverse of the sigmoid.

    ``logit(p) = log(p / (1 - p)) = log1p((2 * p - 1) / (1 - p))`` for ``p >= 1/2``, and
    ``logit(p) = -logit(1 - p)`` below. Near 1/2 the odds are close to 1; ``log1p`` of the odds
    minus 1 keeps the digits that ``log`` of the odds would lose.

    Parameters
    ----------
    p : array_like
        Probabilities in [0, 1], of any shape.

    Returns
    -------
    numpy.ndarray or scalar
        Values in [-inf, inf], in the shape of ``p``; the ends 0 and 1 give -inf and inf.

    Raises
    ------
    TypeError
        If ``p`` does not hold real numbers.
    ValueError
        If ``p`` leaves [0, 1], holds NaN or is ragged.

    Notes
    -----
    Derived in the chapter "The sigmoid", ``thm-logit-inverse``.
    Literature: J. Berkson, "Application of the logistic function to bio-assay", Journal of the
    American Statistical Association 39 (1944) 357-365.

    Examples
    --------
    >>> from lrmath import logit
    >>> logit([0, 0.25, 0.5, 1]).round(4).tolist()
    [-inf, -1.0986, 0.0, inf]
    """
    p, kind = probabilities(p, "If p holds percentages, pass p / 100.")
    with np.errstate(divide="ignore", over="ignore", under="ignore"):
        excess = (2 * p - 1) / np.minimum(p, 1 - p)
        near = np.copysign(np.log1p(np.abs(excess)), excess)
        # Here 1 - p rounds to 1, and the quotient would overflow for the smallest p.
        return restore(np.where(p < 1e-17, np.log(p), near), kind)
