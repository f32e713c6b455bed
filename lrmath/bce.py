"""Binary cross-entropy from probabilities and from scores (chapter "Binary cross-entropy").

``y`` and ``p`` (or ``z``) have the same shape, any shape; nothing is broadcast. The losses are
computed in float64. With ``reduction="none"`` they come back in the float type of ``p`` (or ``z``)
and the weights; a sum or a mean is always float64, and inf if it exceeds the largest float64.
"""

import numpy as np

from lrmath._validate import labels, probabilities, real, restore, same_shape, weights
from lrmath.sigmoid import softplus


def bce(y, p, *, sample_weight=None, reduction="sum"):
    r"""Binary cross-entropy of labels ``y`` under probabilities ``p``.

    ``loss = -log(p)`` where ``y`` is 1 and ``-log(1 - p)`` where ``y`` is 0.

    ==========  ===========================
    reduction   result
    ==========  ===========================
    ``"sum"``   ``sum(s * loss)``
    ``"mean"``  ``sum(s * loss) / sum(s)``
    ``"none"``  ``s * loss``
    ==========  ===========================

    The loss is exact at the ends: 0 for a certain and right forecast, inf for a certain and wrong
    one. A sample of weight 0 counts 0, even if its loss is infinite. If ``p`` comes from scores,
    ``bce_from_logits`` is more accurate.

    Parameters
    ----------
    y : array_like
        Labels 0 or 1, of any shape.
    p : array_like
        Probabilities in [0, 1], in the shape of ``y``.
    sample_weight : array_like, optional
        Weights ``s``, finite and 0 or more, in the shape of ``y``; all 1 if left out.
    reduction : {"sum", "mean", "none"}
        How the losses are combined.

    Returns
    -------
    numpy.ndarray or scalar
        A float64 scalar for "sum" and "mean", the shape of ``y`` for "none". The sum over no
        samples is 0.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If an entry is outside its range, the shapes differ, ``reduction`` is unknown, or the mean
        is asked for with no samples or with a total weight of 0.

    Notes
    -----
    Derived in the chapter "Binary cross-entropy", ``thm-bce-likelihood``.
    Literature: I. J. Good, "Rational decisions", Journal of the Royal Statistical Society B 14
    (1952) 107-114.

    Examples
    --------
    >>> from lrmath import bce
    >>> bce([1, 0, 1], [0.9, 0.2, 0.5], reduction="none").round(4).tolist()
    [0.1054, 0.2231, 0.6931]
    >>> float(bce([1, 0, 1], [0.9, 0.2, 0.5]).round(4))
    1.0217
    """
    y = labels(y)
    p, kind = probabilities(p, "If p holds scores, call bce_from_logits.")
    same_shape("p", p, "y", y)
    with np.errstate(divide="ignore", under="ignore"):
        # 0 - log(1) is 0, whereas -log(1) is -0 and would print as such.
        loss = 0 - np.where(y == 1, np.log(p), np.log1p(-p))
    return _reduce(loss, y, kind, sample_weight, reduction)


def bce_from_logits(y, z, *, sample_weight=None, reduction="sum"):
    r"""Binary cross-entropy of labels ``y`` under scores ``z``.

    ``loss = softplus((1 - 2 * y) * z)``, which is ``bce(y, sigmoid(z))`` without its rounding.

    ==========  ===========================
    reduction   result
    ==========  ===========================
    ``"sum"``   ``sum(s * loss)``
    ``"mean"``  ``sum(s * loss) / sum(s)``
    ``"none"``  ``s * loss``
    ==========  ===========================

    At ``z = inf`` or ``-inf`` the loss is 0 or inf. A sample of weight 0 counts 0, even if its
    loss is infinite.

    Parameters
    ----------
    y : array_like
        Labels 0 or 1, of any shape.
    z : array_like
        Scores, in the shape of ``y``; infinity is allowed.
    sample_weight : array_like, optional
        Weights ``s``, finite and 0 or more, in the shape of ``y``; all 1 if left out.
    reduction : {"sum", "mean", "none"}
        How the losses are combined.

    Returns
    -------
    numpy.ndarray or scalar
        A float64 scalar for "sum" and "mean", the shape of ``y`` for "none". The sum over no
        samples is 0.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If an entry is outside its range, the shapes differ, ``reduction`` is unknown, or the mean
        is asked for with no samples or with a total weight of 0.

    Notes
    -----
    Derived in the chapter "Binary cross-entropy", ``thm-bce-logits`` and ``thm-bce-stable``.
    Literature: K. P. Murphy, Probabilistic Machine Learning: An Introduction, MIT Press 2022,
    section 10.2.

    Examples
    --------
    >>> from lrmath import bce_from_logits
    >>> bce_from_logits([1, 0, 1], [2, 0, -1000], reduction="none").round(4).tolist()
    [0.1269, 0.6931, 1000.0]
    """
    y = labels(y)
    z, kind = real("z", z)
    same_shape("z", z, "y", y)
    loss = softplus((1 - 2 * y) * z)
    return _reduce(loss, y, kind, sample_weight, reduction)


def _reduce(loss, y, kind, sample_weight, reduction):
    if not isinstance(reduction, str) or reduction not in ("sum", "mean", "none"):
        raise ValueError(f'reduction is {reduction!r}; pass "sum", "mean" or "none".')
    s, s_kind = weights(sample_weight, y)
    if reduction == "mean":
        if y.size == 0:
            raise ValueError(
                'y is empty; no samples have no mean. Pass reduction="sum", which gives 0.'
            )
        if not np.any(s):
            raise ValueError(
                "sample_weight is 0 everywhere; a mean needs a positive total weight. "
                "Give at least one sample a weight above 0."
            )
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        if reduction == "mean":
            # A power of 2 changes no digit of the ratio, and keeps sum(s) from overflowing.
            s = np.ldexp(s, -np.frexp(np.max(s))[1])
        # Not s * loss alone: 0 * inf would be NaN.
        weighted = np.where(s > 0, s * loss, 0.0)
        if reduction == "none":
            return restore(weighted, np.result_type(kind, s_kind))
        total = np.sum(weighted)
        return total if reduction == "sum" else total / np.sum(s)
