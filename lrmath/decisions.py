"""From probabilities to decisions, and when there is no minimiser (chapter "Decisions")."""

from fractions import Fraction
from typing import NamedTuple

import numpy as np

from lrmath._separation import separating_direction
from lrmath._validate import count, labels, number, one_axis, probabilities, problem, same_shape
from lrmath.bce import _reduce


class CalibrationCurve(NamedTuple):
    """Mean forecast and share of class 1, for each bin that holds a sample."""

    predicted: np.ndarray
    """Mean probability of the samples in the bin."""

    observed: np.ndarray
    """Share of the samples in the bin with ``y = 1``."""

    count: np.ndarray
    """Number of samples in the bin, int."""


def find_separation(X, y):
    r"""Look for a direction that separates the classes: a proof that the loss has no minimiser.

    ``d`` with ``(2 * y - 1) * (X @ d) >= 0``, not 0 everywhere.

    Along ``d`` no loss rises and some fall for ever, so ``irls`` without a ridge has nothing to
    find. If there is no such ``d``, a minimiser exists. The separation is complete if some ``d``
    gives all samples scores above 0 in this formula, else quasi-complete.

    Parameters
    ----------
    X : array_like
        Samples, shape (n, d+1), finite, with the column of ones first.
    y : array_like
        Labels 0 or 1, shape (n,). If all are equal, the intercept separates.

    Returns
    -------
    Separation or None
        The direction, its margin (the least of the n numbers above) and the kind, "complete" or
        "quasi-complete". None if the classes overlap.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If an entry is outside its range, or the shapes do not fit.

    Notes
    -----
    Derived in the chapter "Decisions", ``thm-certificate``. What is found can be verified without
    trust in the search: ``((2 * y - 1) * (X @ direction)).min()`` is 0 or more. In a quasi-complete
    separation some scores are 0 in theory. Where floats cannot give that 0, with several columns of
    long fractions, the minimum may be a rounding error below it. None is an answer up to rounding:
    a difference between samples that drowns in the rounding errors of ``X`` counts as none.
    Literature: A. Albert and J. A. Anderson, "On the existence of maximum likelihood estimates in
    logistic regression models", Biometrika 71 (1984) 1-10.

    Examples
    --------
    >>> from lrmath import find_separation
    >>> X, y = [[1, 1], [1, 2], [1, 3], [1, 4]], [0, 0, 1, 1]
    >>> found = find_separation(X, y)
    >>> found.kind, found.margin > 0
    ('complete', True)
    >>> print(find_separation(X, [0, 1, 0, 1]))
    None
    """
    X, y, _ = problem(X, y, None)
    return separating_direction((2 * y - 1)[:, None] * X)


def bayes_threshold(cost_fp, cost_fn, *, trained_share=None, deployed_share=None):
    r"""Probability from which on class 1 is the cheaper decision.

    ``threshold / (1 - threshold) = cost_fp / cost_fn``, so
    ``threshold = cost_fp / (cost_fp + cost_fn)``.

    Predict 1 where ``p >= threshold``. If the share of class 1 differs between the samples that
    the model was trained on and those that it is used on, these odds are multiplied by
    ``trained_odds / deployed_odds``, each ``share / (1 - share)``. The threshold then applies to
    the ``p`` of the model as it was trained.

    Parameters
    ----------
    cost_fp : float
        Cost of a false positive (1 is predicted, 0 is true), 0 or more.
    cost_fn : float
        Cost of a false negative (0 is predicted, 1 is true), 0 or more. A right prediction is free.
    trained_share, deployed_share : float, optional
        Share of class 1 in training and in use, between 0 and 1; both or neither.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    TypeError
        If an argument is not a real number, or only one share is given.
    ValueError
        If a cost is negative or not finite, both are 0, or a share is not between 0 and 1.

    Notes
    -----
    Derived in the chapter "Decisions", ``thm-threshold`` and ``thm-prior-shift``. The shift assumes
    that within each class the features are distributed in use as in training.
    Literature: C. Elkan, "The foundations of cost-sensitive learning", Proceedings of the 17th
    International Joint Conference on Artificial Intelligence (2001) 973-978. M. Saerens, P. Latinne
    and C. Decaestecker, "Adjusting the outputs of a classifier to new a priori probabilities",
    Neural Computation 14 (2002) 21-41.

    Examples
    --------
    >>> from lrmath import bayes_threshold
    >>> bayes_threshold(1, 4)
    0.2
    >>> round(bayes_threshold(1, 4, trained_share=0.5, deployed_share=0.1), 4)
    0.6923
    """
    costs = number("cost_fp", cost_fp, least=0), number("cost_fn", cost_fn, least=0)
    if not any(costs):
        raise ValueError(
            "cost_fp and cost_fn are both 0; no decision is cheaper. Raise one."
        )
    if (trained_share is None) != (deployed_share is None):
        missing = "trained_share" if trained_share is None else "deployed_share"
        raise TypeError(
            f"{missing} is missing; pass both shares of class 1, or neither."
        )
    # Fractions neither overflow nor underflow, and the result is rounded once.
    fp, fn = map(Fraction, costs)
    if trained_share is not None:
        trained = Fraction(_share("trained_share", trained_share))
        deployed = Fraction(_share("deployed_share", deployed_share))
        fp, fn = fp * trained * (1 - deployed), fn * (1 - trained) * deployed
    return float(fp / (fp + fn))


def calibration_curve(y, p, bins=10):
    r"""Compare forecasts with frequencies, in bins of equal width.

    Bin ``k`` of ``K`` holds the samples with ``k / K <= p < (k + 1) / K``; the last one also holds
    ``p = 1``. For each bin: the mean of ``p``, the mean of ``y`` and the number of samples. Bins
    without samples are left out.

    Parameters
    ----------
    y : array_like
        Labels 0 or 1, shape (n,).
    p : array_like
        Probabilities in [0, 1], shape (n,).
    bins : int
        Number of bins ``K``, 1 or more.

    Returns
    -------
    CalibrationCurve
        ``predicted``, ``observed`` and ``count``, one entry for each bin with samples, in order.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers, or ``bins`` is not a whole number.
    ValueError
        If an entry is outside its range, or the shapes do not fit.

    Notes
    -----
    Derived in the chapter "Decisions", ``thm-calibration``.
    Literature: A. H. Murphy and R. L. Winkler, "Reliability of subjective probability forecasts of
    precipitation and temperature", Applied Statistics 26 (1977) 41-47.

    Examples
    --------
    >>> from lrmath import calibration_curve
    >>> curve = calibration_curve([0, 0, 1, 1], [0.1, 0.3, 0.4, 0.9], bins=2)
    >>> curve.predicted.round(4).tolist(), curve.observed.round(4).tolist(), curve.count.tolist()
    ([0.2667, 0.9], [0.3333, 1.0], [3, 1])
    """
    y = one_axis("y", labels(y))
    p, _ = probabilities(p, "If p holds scores, pass sigmoid(p).")
    same_shape("p", p, "y", y)
    bins = count("bins", bins)
    edges = np.arange(1, bins) / bins
    number_of_bin = np.searchsorted(edges, p, side="right")
    held, index, size = np.unique(
        number_of_bin, return_inverse=True, return_counts=True
    )
    means = [np.bincount(index, values, len(held)) / size for values in (p, y)]
    return CalibrationCurve(*means, size)


def class_weights(y):
    r"""Weights for the samples that give both classes the same total.

    ``weight[i] = n / (2 * n_c)`` with ``n_c`` the number of samples in the class of sample ``i``.

    The weights are meant for ``sample_weight``; they add up to ``n``. A model fitted with them
    forecasts as if the classes were equally frequent, so its probabilities are no longer
    calibrated. Unequal costs call for ``bayes_threshold`` instead.

    Parameters
    ----------
    y : array_like
        Labels 0 or 1, shape (n,), of both classes.

    Returns
    -------
    numpy.ndarray
        Shape (n,), float64.

    Raises
    ------
    TypeError
        If ``y`` does not hold real numbers.
    ValueError
        If an entry is not 0 or 1, ``y`` is not 1-d, or a class is missing.

    Notes
    -----
    Derived in the chapter "Decisions", ``thm-weights`` and ``thm-class-weights``.
    Literature: G. King and L. Zeng, "Logistic regression in rare events data", Political Analysis 9
    (2001) 137-163.

    Examples
    --------
    >>> from lrmath import class_weights
    >>> class_weights([0, 0, 0, 1]).round(4).tolist()
    [0.6667, 0.6667, 0.6667, 2.0]
    """
    y = one_axis("y", labels(y))
    sizes = np.bincount(y.astype(int), minlength=2)
    if not np.all(sizes):
        raise ValueError(
            f"y holds no sample of class {int(np.argmin(sizes))}; "
            f"weights that balance two classes need samples of both."
        )
    return len(y) / (2 * sizes[y.astype(int)])


def brier_score(y, p, *, sample_weight=None, reduction="mean"):
    r"""Squared error of the probabilities ``p``.

    ``loss = (p - y)**2``

    ==========  ===========================
    reduction   result
    ==========  ===========================
    ``"sum"``   ``sum(s * loss)``
    ``"mean"``  ``sum(s * loss) / sum(s)``
    ``"none"``  ``s * loss``
    ==========  ===========================

    As a score it is customarily a mean, unlike the losses that are minimised in this book.

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
        A float64 scalar for "sum" and "mean", the shape of ``y`` for "none".

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If an entry is outside its range, the shapes differ, ``reduction`` is unknown, or the mean
        is asked for with no samples or with a total weight of 0.

    Notes
    -----
    Derived in the chapter "Decisions", ``thm-proper-scores``.
    Literature: G. W. Brier, "Verification of forecasts expressed in terms of probability", Monthly
    Weather Review 78 (1950) 1-3.

    Examples
    --------
    >>> from lrmath import brier_score
    >>> float(brier_score([1, 0, 1], [0.9, 0.2, 0.5]).round(4))
    0.1
    """
    y = labels(y)
    p, kind = probabilities(p, "If p holds scores, pass sigmoid(p).")
    same_shape("p", p, "y", y)
    with np.errstate(under="ignore"):
        loss = (p - y) ** 2
    return _reduce(loss, y, kind, sample_weight, reduction)


def _share(name, value):
    value = number(name, value, above=0)
    if value >= 1:
        raise ValueError(f"{name} is {value}; a share of class 1 lies between 0 and 1.")
    return value
