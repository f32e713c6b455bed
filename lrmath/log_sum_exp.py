"""Log-sum-exp, softmax and the cross-entropy of many classes (chapter "Log-sum-exp").

``logsumexp``, ``softmax`` and ``log_softmax`` work along one axis. They compute in float64; float16
and float32 input gives output of the same type, integers and booleans give float64, and long double
is refused. NaN is refused. A score of -inf stands for an impossible class, so it may mask one.

All three are computed from the same parts. With the largest score ``m``, every ``exp(a - m)`` is at
most 1 and one of them is exactly 1. The rest are added up without it, so that no digit of a small
sum is lost beside the 1. A difference ``a - m`` is rounded, and ``exp`` turns that rounding into a
relative error of its size; the rounding is therefore computed as well, and put back at the end.
"""

import numpy as np

from lrmath._validate import axis_of, class_labels, real, refuse_slices, restore, two_axes
from lrmath.bce import _reduce

# Of the whole numbers from 64 to 599, the one whose exp(-x) is nearest to a float: 0.001 ulps off.
_LIFT = 211.0


def logsumexp(a, axis=-1):
    r"""Logarithm of the sum of exponentials; a smooth form of ``max(a)``.

    ``logsumexp(a) = log(sum(exp(a))) = m + log1p(sum of the other exp(a - m))`` with
    ``m = max(a)``.

    The result is within 2 ulps, or within ``1.5 * eps * sum(softmax(a) * abs(a))`` where that is
    more, ``eps = 2**-52``: where it is near 0, ``m`` and the logarithm cancel. A score of inf gives
    inf. Scores that are all -inf, and no scores at all, give -inf, the logarithm of an empty sum:
    joining two arrays always gives the ``numpy.logaddexp`` of their results.

    Parameters
    ----------
    a : array_like
        Scores, of any shape with at least one axis; infinity is allowed.
    axis : int
        The axis that is summed over.

    Returns
    -------
    numpy.ndarray or scalar
        Values in [max(a), max(a) + log(K)] for K scores, in the shape of ``a`` without ``axis``.

    Raises
    ------
    TypeError
        If ``a`` does not hold real numbers, or ``axis`` is no integer.
    ValueError
        If ``a`` holds NaN or is ragged, or has no such axis.

    Notes
    -----
    Derived in the chapter "Log-sum-exp", ``thm-lse-shift`` and ``thm-lse-bounds``; its gradient is
    the softmax, ``thm-lse-gradient``.
    Literature: P. Blanchard, D. J. Higham and N. J. Higham, "Accurately computing the log-sum-exp
    and softmax functions", IMA Journal of Numerical Analysis 41 (2021) 2311-2330.

    Examples
    --------
    >>> from lrmath import logsumexp
    >>> float(logsumexp([1000, 1000]).round(4))
    1000.6931
    >>> logsumexp([[0, 0, 0], [-1000, 0, 2]]).round(4).tolist()
    [1.0986, 2.1269]
    """
    a, kind = real("a", a)
    axis = axis_of("a", a, axis)
    if a.shape[axis] == 0:
        return restore(np.full(np.sum(a, axis).shape, -np.inf), kind)
    with np.errstate(all="ignore"):
        m, _, _, rest, low = _parts(a, axis)
        return restore(np.squeeze(m + _log1p(rest, low), axis), kind)


def softmax(a, axis=-1):
    r"""Probabilities that belong to the scores ``a``.

    ``softmax(a) = exp(a) / sum(exp(a)) = exp(a - m) / (1 + sum of the other exp(a - m))`` with
    ``m = max(a)``.

    The result is within 2.5 ulps, subnormal values included. A score of -inf gives exactly 0. For
    the logarithm use ``log_softmax``: the softmax rounds to 0 below 5e-324, and its logarithm loses
    digits near 1.

    Parameters
    ----------
    a : array_like
        Scores, of any shape with at least one axis; -inf is allowed.
    axis : int
        The axis of the classes, along which the probabilities add up to 1.

    Returns
    -------
    numpy.ndarray
        Values in [0, 1], in the shape of ``a``.

    Raises
    ------
    TypeError
        If ``a`` does not hold real numbers, or ``axis`` is no integer.
    ValueError
        If ``a`` holds NaN or inf or is ragged, has no such axis or no entry along it, or if all
        scores along it are -inf.

    Notes
    -----
    Derived in the chapter "Log-sum-exp", ``thm-softmax-stable``.
    Literature: J. S. Bridle, "Probabilistic interpretation of feedforward classification network
    outputs", Neurocomputing, NATO ASI Series 68, Springer 1990, 227-236.

    Examples
    --------
    >>> from lrmath import softmax
    >>> softmax([[0, 0], [1000, 1001]]).round(4).tolist()
    [[0.5, 0.5], [0.2689, 0.7311]]
    """
    a, kind, axis = _scores("a", a, axis)
    with np.errstate(all="ignore"):
        _, (_, c), e, rest, low = _parts(a, axis)
        total = 1 + rest
        low = low + (rest - (total - 1))
        p = e / total
        return restore(p + p * (c - low / total), kind)


def log_softmax(a, axis=-1):
    r"""Logarithm of the softmax.

    ``log_softmax(a) = a - logsumexp(a) = (a - m) - log1p(sum of the other exp(a - m))`` with
    ``m = max(a)``.

    The result is within 2 ulps. Both terms are 0 or less, so nothing cancels; ``a - logsumexp(a)``
    would cancel wherever a probability is near 1. A score of -inf gives -inf.

    Parameters
    ----------
    a : array_like
        Scores, of any shape with at least one axis; -inf is allowed.
    axis : int
        The axis of the classes.

    Returns
    -------
    numpy.ndarray
        Values in [-inf, 0], in the shape of ``a``.

    Raises
    ------
    TypeError
        If ``a`` does not hold real numbers, or ``axis`` is no integer.
    ValueError
        If ``a`` holds NaN or inf or is ragged, has no such axis or no entry along it, or if all
        scores along it are -inf.

    Notes
    -----
    Derived in the chapter "Log-sum-exp", ``thm-softmax-stable``.
    Literature: P. Blanchard, D. J. Higham and N. J. Higham, "Accurately computing the log-sum-exp
    and softmax functions", IMA Journal of Numerical Analysis 41 (2021) 2311-2330.

    Examples
    --------
    >>> from lrmath import log_softmax
    >>> log_softmax([0, 0, -1000]).round(4).tolist()
    [-0.6931, -0.6931, -1000.6931]
    """
    a, kind, axis = _scores("a", a, axis)
    with np.errstate(all="ignore"):
        _, (d, c), _, rest, low = _parts(a, axis)
        return restore(d + (c - _log1p(rest, low)), kind)


def cross_entropy_from_logits(y, A, *, sample_weight=None, reduction="sum"):
    r"""Cross-entropy of the classes ``y`` under scores ``A``, one column for each class.

    ``loss[i] = -log_softmax(A[i])[y[i]] = logsumexp(A[i]) - A[i, y[i]]``

    ==========  ===========================
    reduction   result
    ==========  ===========================
    ``"sum"``   ``sum(s * loss)``
    ``"mean"``  ``sum(s * loss) / sum(s)``
    ``"none"``  ``s * loss``
    ==========  ===========================

    Softmax and logarithm are taken in one step, so that a loss is right where the probability
    rounds to 0 or to 1. With two classes and scores ``A = [0, z]`` it is ``bce_from_logits(y, z)``.
    A class whose score is -inf has loss inf. A sample of weight 0 counts 0, even if its loss is
    infinite.

    Parameters
    ----------
    y : array_like
        Class numbers 0, 1, ..., K-1, shape (n,).
    A : array_like
        Scores, shape (n, K); -inf is allowed.
    sample_weight : array_like, optional
        Weights ``s``, finite and 0 or more, shape (n,); all 1 if left out.
    reduction : {"sum", "mean", "none"}
        How the losses are combined.

    Returns
    -------
    numpy.ndarray or scalar
        A float64 scalar for "sum" and "mean", shape (n,) for "none". The sum over no samples is 0.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If an entry is outside its range, the shapes do not fit, ``reduction`` is unknown, or the
        mean is asked for with no samples or with a total weight of 0.

    Notes
    -----
    Derived in the chapter "Log-sum-exp", ``thm-fused``.
    Literature: K. P. Murphy, Probabilistic Machine Learning: An Introduction, MIT Press 2022,
    section 10.3.

    Examples
    --------
    >>> from lrmath import cross_entropy_from_logits
    >>> A = [[0, 0, 0], [1000, 0, 0]]
    >>> cross_entropy_from_logits([0, 2], A, reduction="none").round(4).tolist()
    [1.0986, 1000.0]
    """
    A, kind = real("A", A)
    two_axes("A", A)
    A, _, _ = _scores("A", A, -1)
    y = class_labels(y, *A.shape)
    # 0 - log(1) is 0, whereas -log(1) is -0 and would print as such.
    loss = 0 - log_softmax(A)[np.arange(len(A)), y]
    return _reduce(loss, y, kind, sample_weight, reduction)


def _scores(name, a, axis):
    """Scores that have a softmax, their float type, and the axis counted from 0."""
    a, kind = real(name, a)
    axis = axis_of(name, a, axis)
    if a.shape[axis] == 0:
        raise ValueError(
            f"{name} has shape {a.shape}; there are no classes along axis {axis}, and "
            f"probabilities of no classes cannot add up to 1. Pass at least one score."
        )
    refuse_slices(name, a, axis)
    return a, kind, axis


def _parts(a, axis):
    """What all three functions share: ``m``, ``a - m``, ``exp(a - m)`` and the sum of its others.

    The difference is a pair ``(d, c)`` with ``d + c = a - m``. The exponential is that of ``d``:
    ``exp(a - m) = exp(d) * (1 + c)``, as ``c`` is tiny.
    """
    top = np.argmax(a, axis, keepdims=True)
    m = np.take_along_axis(a, top, axis)
    d, c = _difference(a, m)
    others = d.copy()
    np.put_along_axis(others, top, -np.inf, axis)
    # Subnormal terms have few digits; if all of them are, they are added up where they have more.
    lift = np.where(np.max(others, axis, keepdims=True) < -690, _LIFT, 0.0)
    e = np.exp(others + lift)
    rest, low = _sum(e, e * c, axis)
    e, rest, low = (np.exp(-lift) * part for part in (e, rest, low))
    np.put_along_axis(e, top, 1, axis)
    return m, (d, c), e, rest, low


def _difference(a, m):
    """``a - m`` rounded, and what the rounding took away (Knuth's two-sum)."""
    # Equal scores differ by 0, infinite ones too.
    d = np.where(a == m, 0, a - m)
    b = d - a
    c = (a - (d - b)) - (m + b)
    return d, np.where(np.isfinite(c), c, 0)


def _sum(terms, corrections, axis):
    """``sum(terms + corrections)`` for terms of 0 or more, as if they were rounded once.

    Every term is cut at one place. The high parts are multiples of one power of 2, and so few bits
    wide that their sum is exact; only the low parts round, far below (Rump's extraction).
    """
    largest = np.max(terms, axis, keepdims=True)
    cut = np.ldexp(1.0, np.frexp(largest)[1] + terms.shape[axis].bit_length())
    high = (cut + terms) - cut
    low = (terms - high) + corrections
    high, low = np.sum(high, axis, keepdims=True), np.sum(low, axis, keepdims=True)
    total = high + low
    return total, low - (total - high)


def _log1p(x, low):
    """``log1p(x + low)`` for a ``low`` below the last digit of ``x``."""
    return np.log1p(x) + low / (1 + x)
