"""The matrix of second derivatives of the loss (chapter "The Hessian")."""

import numpy as np

from lrmath._validate import coefficients, finite, matrix, row_weights
from lrmath.sigmoid import sigmoid_derivative


def hessian(X, beta, *, sample_weight=None):
    r"""Second derivatives of the summed cross-entropy with respect to ``beta``.

    ``hessian = X.T @ diag(s * w) @ X`` with ``w = sigmoid_derivative(X @ beta)``.

    The labels do not occur. The product is taken as ``A.T @ A`` with ``A = sqrt(s * w) * X``, row
    by row, which makes the result symmetric to the last digit; NumPy then computes one half of it
    only. ``w`` is ``p * (1 - p)`` with all its digits, also where ``p`` is near 1.

    Parameters
    ----------
    X : array_like
        Samples, shape (n, d+1), finite, with the column of ones first.
    beta : array_like
        Coefficients, shape (d+1,), finite.
    sample_weight : array_like, optional
        Weights ``s``, shape (n,), finite and 0 or more; all 1 if left out.

    Returns
    -------
    numpy.ndarray
        Shape (d+1, d+1), symmetric, float64 whatever the types of the arguments. Zeros if n = 0.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If an entry is outside its range, the shapes do not fit, or a product overflows.

    Notes
    -----
    Derived in the chapter "The Hessian", ``thm-hessian``; positive semidefinite by ``thm-psd``.
    Literature: T. Hastie, R. Tibshirani and J. Friedman, The Elements of Statistical Learning,
    2nd edition, Springer 2009, section 4.4.1.

    Examples
    --------
    >>> from lrmath import hessian
    >>> hessian([[1, 2], [1, -1], [1, 0]], [0, 0]).tolist()
    [[0.75, 0.25], [0.25, 1.25]]
    """
    X = matrix("X", X)
    beta = coefficients("beta", beta, X)
    s = row_weights(sample_weight, X)
    # Overflow is looked for in the two products, where it can be named.
    with np.errstate(all="ignore"):
        eta = X @ beta
        finite("(X @ beta)", eta, "the scores overflow. Scale the columns of X.")
        A = np.sqrt(s * sigmoid_derivative(eta))[:, None] * X
        result = A.T @ A
        finite("hessian", result, "the sum overflows. Scale the columns of X.")
    return result
