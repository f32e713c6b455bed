r"""Finite differences with an error estimate, and the checks of an implementation that rest on them.

A central difference is wrong for two reasons. Cutting off the Taylor series costs about |f'''| h^2 / 6, and rounding costs
about eps |f| / h. The step h = eps^(1/3) times the scale of x balances the two. Both costs are estimated here, so a check
compares an error with what the error may be, not with a tolerance that somebody chose.
"""

import math
from decimal import ROUND_UP, Context
from functools import partial
from typing import NamedTuple

import mpmath
import numpy as np

from .derivation import definitions_of
from .evaluate import Point, value
from .language import parse
from .ledger import register

EPS = np.finfo(float).eps


class CheckError(AssertionError):
    """An implementation disagrees with finite differences or with its definition; the message says where."""


class Estimate(NamedTuple):
    """A derivative by differences, and a bound on its error that holds unless f changes wildly within one step."""

    value: np.ndarray
    error: np.ndarray


def derivative(f, x, *, scale=None, size=0.0, step=EPS ** (1 / 3)):
    """The derivative of a function of one variable, at each element of x.

    ``(f(x + h) - f(x - h)) / (2*h)`` with ``h = step * scale``.

    Parameters
    ----------
    f : callable
        Acts on each element of an array.
    x : float or ndarray
    scale : float or ndarray, optional
        The distance over which f changes; ``max(abs(x), 1)`` if not given. Near an end of the domain it is the distance
        to that end.
    size : float or ndarray
        The size of the terms that f adds up, if they cancel: the rounding of f is then a part of them and not of f.
    step : float
        The step as a part of the scale.

    Returns
    -------
    Estimate

    Examples
    --------
    >>> slope = derivative(np.exp, 1.0)
    >>> bool(abs(slope.value - np.e) <= slope.error < 1e-8)
    True
    """
    x = np.asarray(x, dtype=float)
    h = step * (np.maximum(np.abs(x), 1) if scale is None else np.asarray(scale, dtype=float))
    h = (x + h) - x  # the step that is really taken, free of rounding
    near, far = _central(f, x, h), _central(f, x, 2 * h)
    rounding = 8 * EPS * np.maximum(np.maximum(np.abs(f(x + h)), np.abs(f(x - h))), size) / h
    return Estimate(near, np.abs(far - near) + rounding)


def _central(f, x, h):
    return (f(x + h) - f(x - h)) / (2 * h)


def jacobian(f, x, *, size=0.0, step=EPS ** (1 / 3)):
    """The Jacobian of a function of a vector: row i, column j is the derivative of f_i in x_j.

    Parameters
    ----------
    f : callable
        Takes an array of shape (d,), returns an array of shape (m,) or a number.
    x : ndarray of shape (d,)
    size : float or ndarray of shape (m,)
        The size of the terms that f adds up, if they cancel; see `derivative`.

    Returns
    -------
    Estimate
        Arrays of shape (m, d), or (d,) if f returns a number.
    """
    x = np.asarray(x, dtype=float)
    columns = []
    for j in range(x.size):
        along = lambda t, j=j: np.asarray(f(np.concatenate([x[:j], [float(t)], x[j + 1:]])), dtype=float)
        columns.append(derivative(along, x[j], size=size, step=step))
    return Estimate(*(np.stack([np.asarray(part) for part in parts], axis=-1) for parts in zip(*columns)))


def gradient(f, x, *, step=EPS ** (1 / 3)):
    """The gradient of a number-valued function of a vector, as `jacobian` of one row."""
    return jacobian(f, x, step=step)


def hessian(f, x, *, step=EPS ** (1 / 4)):
    """The matrix of second derivatives, by central differences of f alone.

    Parameters
    ----------
    f : callable
        Takes an array of shape (d,), returns a number.
    x : ndarray of shape (d,)

    Returns
    -------
    Estimate
        Arrays of shape (d, d).
    """
    x = np.asarray(x, dtype=float)
    h = step * np.maximum(np.abs(x), 1)

    def second(h):
        table = np.empty((x.size, x.size))
        for i in range(x.size):
            for j in range(i + 1):
                a, b = np.eye(x.size)[i] * h[i], np.eye(x.size)[j] * h[j]
                table[i, j] = table[j, i] = (f(x + a + b) - f(x + a - b) - f(x - a + b) + f(x - a - b)) / (4 * h[i] * h[j])
        return table

    near, far = second(h), second(2 * h)
    rounding = 8 * EPS * np.abs(f(x)) / np.outer(h, h)
    return Estimate(near, np.abs(far - near) + rounding)


def complex_step(f, x, *, step=1e-100):
    """The derivative from one evaluation at x + ih: no subtraction, so no rounding to balance.

    ``f(x + i*h).imag / h``. It works where f is analytic and its code takes complex numbers; a function that uses ``abs``
    or compares its argument is not analytic, and the answer would be wrong, so those must not be given.
    """
    return np.imag(f(np.asarray(x) + 1j * step)) / step


def random_points(seed, count, dimension=None, scale=1.0):
    """Seeded normal points for a check: an array of shape (count,) or (count, dimension)."""
    shape = count if dimension is None else (count, dimension)
    return scale * np.random.default_rng(seed).normal(size=shape)


class Check:
    """The result of a check.

    Attributes
    ----------
    label, kind : str
    points : int
        The number of points.
    limit, error : float
        The error that was allowed and the largest that occurred: in ulps for a definition, else as a part of the largest
        entry (or of 1, if that is larger). The limit is shown, because the last bits of the error depend on the processor;
        the error is in `measured`.
    estimate : float
        What the error may be by its own estimate, where the largest error occurred, in the same unit. None for a definition.
    ratio : float
        The largest error as a part of its own estimate, below 1. None for a definition.
    order : float
        The observed order of the differences, 2. None for a definition, and where there is no truncation error.
    controls : int
        The number of wrong versions that were rejected.
    """

    def __init__(self, label, kind, points, limit, error, controls, estimate=None, ratio=None, order=None):
        self.label, self.kind, self.points, self.limit, self.error = label, kind, points, limit, error
        self.estimate, self.ratio, self.order, self.controls = estimate, ratio, order, controls
        register(self)

    def row(self):
        """What the ledger keeps."""
        return {"kind": self.kind, "label": self.label, "statement": "", "method": self.method, "oracle": self.oracle,
                "limit": self.bound, "points": self.points, "controls": self.controls}

    def measured(self):
        """The largest error that occurred and its estimate, each rounded up to one digit."""
        return {"error": self._shown(self.error), "estimate": None if self.estimate is None else self._shown(self.estimate)}

    def _shown(self, error):
        # Rounded up, so that what is shown is never less than what occurred.
        digit = float(Context(prec=1, rounding=ROUND_UP).create_decimal(error))
        return f"{digit:g} ulp" if self.kind == "definition" else f"{digit:.0e}"

    @property
    def oracle(self):
        """What the implementation was compared with."""
        return "its definition, 400 digits" if self.kind == "definition" else "central differences"

    @property
    def bound(self):
        """The error that was allowed, in words."""
        return f"{self.limit:g} ulp" if self.kind == "definition" else f"{self.limit:.0e}"

    @property
    def method(self):
        """What was compared, and how well it agreed."""
        if self.kind == "definition":
            return f"definition checked at {self.points} points, to {self.bound}"
        order = "no truncation error" if self.order is None else f"order {self.order:.1f}"
        return f"{self.kind} checked at {self.points} points, to {self.bound} and within the estimated error, {order}"

    def __repr__(self):
        return f"{self.label}: {self.method}, {self.controls} wrong versions rejected"


def check_derivative(label, f, df, at, *, scale=None, limit=1e-8):
    """Check an implementation ``df`` against finite differences of an implementation ``f``, element by element.

    Parameters
    ----------
    label : str
    f, df : callable
    at : ndarray of shape (points,)
        Not all zero, and not where ``df`` vanishes: there, every wrong derivative would pass.
    scale : callable, optional
        Gives the scale of f at x; see `derivative`.
    limit : float
        The error allowed, as a part of the largest entry (or of 1, if that is larger). The estimate of the error at each
        entry must hold as well.

    Returns
    -------
    Check

    Raises
    ------
    CheckError
        With the position, both values, the estimated error and the point.
    """
    at = np.asarray(at, dtype=float)
    _refuse_blind(at.reshape(-1, 1), label)
    scale_at = scale(at) if scale else None
    return _check(label, "derivative", at, limit, [derivative(f, at, scale=scale_at)], [np.asarray(df(at))],
                  lambda step: [derivative(f, at, scale=scale_at, step=step).value])


def check_gradient(label, f, grad, at, *, limit=1e-8):
    """Check a gradient of shape (d,) against finite differences of f, at each row of ``at``; see `check_derivative`."""
    return _check_at_rows(label, "gradient", gradient, f, grad, at, limit)


def check_jacobian(label, f, jac, at, *, size=0.0, limit=1e-8):
    """Check a Jacobian of shape (m, d) against finite differences of f, at each row of ``at``; see `check_derivative`.

    ``size`` is the size of the terms that f adds up, if they cancel, as in a gradient near its zero; see `derivative`.
    """
    return _check_at_rows(label, "jacobian", partial(jacobian, size=size), f, jac, at, limit)


def check_hessian(label, f, hess, at, *, limit=1e-5):
    """Check a Hessian of shape (d, d) against second differences of f, at each row of ``at``; see `check_derivative`."""
    return _check_at_rows(label, "hessian", hessian, f, hess, at, limit)


def _check_at_rows(label, kind, difference, f, analytic, at, limit):
    at = np.atleast_2d(np.asarray(at, dtype=float))
    _refuse_blind(at, label)
    return _check(label, kind, at, limit, [difference(f, x) for x in at], [np.asarray(analytic(x)) for x in at],
                  lambda step: [difference(f, x, step=step).value for x in at])


def _refuse_blind(at, label):
    if not np.all(np.isfinite(at)):
        raise ValueError(f"check {label!r}: at holds a point that is not finite")
    if np.any(np.all(at == 0, axis=1)):
        raise ValueError(f"check {label!r}: at holds a point that is zero in every coordinate. Symmetry hides errors "
                         "there (p = 1/2, W = I/4); use random_points(seed, count, dimension).")
    if len(np.unique(at, axis=0)) < 2:
        raise ValueError(f"check {label!r}: at holds a single point; give several, for instance by random_points")


def _check(label, kind, at, limit, estimates, values, at_step):
    for position, (estimate, analytic) in enumerate(zip(estimates, values)):
        if analytic.shape != estimate.value.shape:
            raise CheckError(f"check {label!r}: the {kind} has shape {analytic.shape}, finite differences have "
                             f"{estimate.value.shape}")
        wrong = _first_wrong(estimate, analytic)
        if wrong is not None:
            point = at[wrong[0]] if kind == "derivative" else at[position]
            raise CheckError(f"check {label!r}: entry {wrong} of the {kind} is {analytic[wrong]:.10g}, but finite "
                             f"differences give {estimate.value[wrong]:.10g} with an error of at most "
                             f"{estimate.error[wrong]:.1e}, "
                             f"at the point {np.array2string(np.asarray(point), precision=6)}")
    errors = [np.abs(e.value - a) for e, a in zip(estimates, values)]
    size = max(1, *(np.abs(a).max() for a in values))
    largest, allowed = max((e.flat[e.argmax()], s.error.flat[e.argmax()]) for e, s in zip(errors, estimates))
    error = float(largest / size)
    if error > limit:
        raise CheckError(f"check {label!r}: the largest error is {error:.1e}, where {limit:.0e} is allowed. It is within its "
                         "estimate, so the differences are coarse here: choose other points, a scale, or another limit.")
    # Where the estimate is 0, so is the error.
    ratio = max(np.divide(e, s.error, out=np.zeros_like(e), where=s.error > 0).max() for e, s in zip(errors, estimates))
    return Check(label, kind, len(at), limit, error, _controls(label, kind, estimates, values),
                 estimate=float(allowed / size), ratio=float(ratio), order=_order(values, at_step, label))


def _first_wrong(estimate, analytic):
    # A comparison with NaN is false, so "not (error <= estimate)" also rejects an analytic value that is NaN.
    wrong = ~(np.abs(estimate.value - analytic) <= estimate.error)
    return tuple(int(i) for i in np.argwhere(wrong)[0]) if wrong.any() else None


def _controls(label, kind, estimates, values):
    """Each of these mistakes must be rejected somewhere, or the points of the check are too kind."""
    versions = {"the sign": lambda a: -a, "a factor of 1.001": lambda a: 1.001 * a, "a factor of 2": lambda a: 2 * a,
                "an added 0.001": lambda a: a + 1e-3}
    if kind in ("gradient", "jacobian"):
        versions["the order of the coordinates"] = lambda a: np.roll(a, 1, axis=-1)
        versions["the first coordinate left out"] = lambda a: np.where(np.arange(a.shape[-1]) == 0, 0, a)
    for name, version in versions.items():
        if all(_first_wrong(e, version(a)) is None for e, a in zip(estimates, values)):
            raise CheckError(f"check {label!r} would not notice a mistake in {name}: the points are too near a place where "
                             f"the {kind} vanishes, or f is too small there")
    return len(versions)


def _order(values, at_step, label):
    """Halving a large step must divide the error by four: the observed order is 2. None if there is no error to halve."""
    size = lambda parts: max(np.abs(p - v).max() for p, v in zip(parts, values))
    scale = max(np.abs(v).max() for v in values)
    coarse, fine = size(at_step(2e-2)), size(at_step(1e-2))
    if fine < 1e-9 * scale:
        return None
    order = math.log2(coarse / fine)
    if not 1.8 <= order <= 2.2:
        raise CheckError(f"check {label!r}: halving the step changes the error by a factor of 2^{order:.2f}, not 2^2")
    return order


def check_definition(label, f, line, at, *, variable="z", ulps=3.0, where=None):
    """Check an implementation against its definition, computed with 400 digits.

    Finite differences compare a derivative with its function. If the function itself is wrong (sigma(2 z) for sigma(z)),
    they agree and see nothing. This compares the function with the formula that defines it.

    Parameters
    ----------
    f : callable
        Acts on each element of an array.
    line : str
        The definition, in the language of `lrmath.verify`.
    at : ndarray of shape (points,)
    variable : str
        The name that takes the values ``at``.
    ulps : float
        The largest error allowed, in units of the last place of the exact value.
    where : dict
        Further definitions, as in `Derivation`.

    Raises
    ------
    CheckError
        The function is further from its definition than ``ulps``; the message says where.
    """
    at = np.asarray(at, dtype=float)
    definitions = definitions_of(where)
    expression = parse(line)
    point = Point(0, definitions=definitions)
    exact = [value(expression, point, {(variable,): x}, digits=400) for x in map(mpmath.mpf, at.tolist())]

    def largest(values):
        if np.shape(values) != at.shape:
            raise CheckError(f"check {label!r}: f of an array of shape {at.shape} has shape {np.shape(values)}")
        worst, place = 0.0, 0
        for i, (got, true) in enumerate(zip(np.asarray(values, dtype=float), exact)):
            ulp = np.spacing(abs(float(true)))
            error = float(abs(mpmath.mpf(float(got)) - true) / ulp) if np.isfinite(got) else math.inf
            if error > worst:
                worst, place = error, i
        return worst, place

    error, place = largest(f(at))
    if error > ulps:
        raise CheckError(f"check {label!r}: f({float(at[place])!r}) is {np.asarray(f(at))[place]:.17g}, but its definition "
                         f"gives {float(exact[place]):.17g}: {error:.3g} ulp, where {ulps:g} are allowed")
    wrong = {"the argument doubled": lambda: f(2 * at), "the argument with the other sign": lambda: f(-at),
             "the value scaled by 1 + 1e-12": lambda: np.asarray(f(at)) * (1 + 1e-12)}
    controls = 0
    for name, version in wrong.items():
        try:
            values = version()
        except ValueError:  # outside the domain of f: rejected before a number is compared
            controls += 1
            continue
        if largest(values)[0] <= ulps:
            raise CheckError(f"check {label!r} would not notice {name}; give other points")
        controls += 1
    return Check(label, "definition", at.size, ulps, error, controls)
