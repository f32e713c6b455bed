"""Errors in ulps against mpmath, and the floats at which to look for them."""

import math

import mpmath
import numpy as np

# exp(-745) has its first digit 1075 bits below 1. With this precision even the definitions that
# cancel, such as log(1 / (1 + exp(-z))), keep enough digits to judge a subnormal result.
BITS = 1300


def reference(definition, points):
    """Values of ``definition`` at the points, as mpmath numbers."""
    with mpmath.workprec(BITS):
        return [definition(mpmath.mpf(float(point))) for point in points]


def ulp_error(computed, exact):
    """Distance in ulps of the correctly rounded ``exact``; subnormals count in the smallest ulp."""
    computed = float(computed)
    rounded = float(exact)
    if math.isinf(rounded) or not math.isfinite(computed):
        return 0.0 if computed == rounded else math.inf
    with mpmath.workprec(BITS):
        return float(abs(mpmath.mpf(computed) - exact) / math.ulp(rounded))


def worst(computed, exact, points):
    """The largest error in ulps, and the point at which it occurs."""
    errors = [ulp_error(c, e) for c, e in zip(computed, exact, strict=True)]
    at = int(np.argmax(errors))
    return errors[at], float(points[at])


def _with_neighbours(points):
    points = np.asarray(points, dtype=float)
    below, above = np.nextafter(points, -np.inf), np.nextafter(points, np.inf)
    return np.concatenate([points, below, above, np.nextafter(above, np.inf)])


def scores():
    """Scores over the whole range of float64, dense where formulas change or break."""
    rng = np.random.default_rng(20240101)
    positive = np.concatenate(
        [
            np.logspace(-308, -20, 70),
            np.logspace(3, 308, 20),
            np.logspace(-20, 3, 150),
            5e-324 * np.array([1, 2, 3, 1000, 2.0**40]),
            rng.uniform(0, 1, 150),
            rng.uniform(0, 5, 300),
            rng.uniform(0, 45, 300),
            rng.uniform(0, 760, 150),
            # Where e / (1 + e)**2 errs by more than 3.5 ulps, found by a search.
            [13.868145313637951, 9.02061739420473, 3.4312898159704766, 3.463770860667834],
            _with_neighbours(
                # ln 2; 2**-53 against 1; exp(-z) as the least normal, the least subnormal, zero.
                [0.5, math.log(2), 1, 2, 18, 20, 33.3, 36.04, 53 * math.log(2), 37, 37.43, 40]
                + [708.396, 709.08, 709.78, 710, 744.44, 745.13, 745.2, 746]
            ),
        ]
    )
    return np.unique(np.concatenate([positive, -positive, [0.0]]))


def probabilities():
    """Probabilities over the whole of (0, 1), dense at both ends and at 1/2."""
    rng = np.random.default_rng(20240102)
    small = np.concatenate(
        [
            np.logspace(-323, -0.31, 200),
            rng.uniform(0, 0.5, 600),
            5e-324 * np.array([1, 2, 3, 1000, 2.0**40]),
            _with_neighbours([2.3e-308, 5.6e-309, 1e-17, 2.0**-54, 0.1, 0.2, 0.25, 0.3, 0.4]),
        ]
    )
    middle = 0.5 + np.outer([-1, 1], np.logspace(-16, -1, 100)).ravel()
    points = np.concatenate([small, 1 - small, middle, _with_neighbours([0.5, 0.75])])
    return np.unique(points[(points > 0) & (points < 1)])
