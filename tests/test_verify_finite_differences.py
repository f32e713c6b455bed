"""Finite differences: accurate within their own estimate; the checks accept right implementations and reject wrong ones."""

import math

import numpy as np
import pytest

from lrmath.verify import (
    CheckError,
    check_definition,
    check_derivative,
    check_gradient,
    check_hessian,
    check_jacobian,
    complex_step,
    random_points,
)
from lrmath.verify.finite_differences import EPS, Estimate, _controls, _order, derivative, gradient, hessian, jacobian

POINTS = random_points(1, 20)
ROWS = random_points(2, 6, dimension=3)
A = np.array([[2.0, 0.5, -1.0], [0.5, 3.0, 0.25], [-1.0, 0.25, 4.0]])


def sigma(z):
    return 1 / (1 + np.exp(-z))


def slope(z):
    return sigma(z) * (1 - sigma(z))


def loss(b):
    return np.log(np.cosh(A @ b)).sum() + np.exp(0.3 * b[0] * b[2])


def loss_gradient(b):
    tail = np.exp(0.3 * b[0] * b[2])
    return A.T @ np.tanh(A @ b) + 0.3 * tail * np.array([b[2], 0, b[0]])


def loss_hessian(b):
    tail = np.exp(0.3 * b[0] * b[2])
    cross = np.zeros((3, 3))
    cross[0, 2] = cross[2, 0] = 0.3 * tail
    along = 0.3 * np.array([b[2], 0, b[0]])
    return A.T @ np.diag(1 - np.tanh(A @ b) ** 2) @ A + tail * np.outer(along, along) + cross


def maps(b):
    return np.array([np.sin(b[0]) * b[1], np.exp(b[2] - b[0])])


def maps_jacobian(b):
    tail = np.exp(b[2] - b[0])
    return np.array([[np.cos(b[0]) * b[1], np.sin(b[0]), 0], [-tail, 0, tail]])


SMOOTH = {
    "exp": (np.exp, np.exp),
    "sin": (np.sin, np.cos),
    "sigma": (sigma, slope),
    "cube": (lambda z: z**3, lambda z: 3 * z**2),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "large": (lambda z: 1e8 * np.exp(z), lambda z: 1e8 * np.exp(z)),
    "small": (lambda z: 1e-8 * np.sin(z), lambda z: 1e-8 * np.cos(z)),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_derivative(name):
    f, df = SMOOTH[name]
    estimate = derivative(f, POINTS)
    assert np.all(np.abs(estimate.value - df(POINTS)) <= estimate.error)
    assert np.all(estimate.error <= 1e-5 * np.max(np.abs(df(POINTS))))


def test_scale_near_the_end_of_a_domain():
    x = np.array([1e-9, 1e-5, 0.1])
    estimate = derivative(np.log, x, scale=x)
    assert np.all(np.abs(estimate.value - 1 / x) <= estimate.error)
    assert np.all(estimate.error <= 1e-6 / x)


@pytest.mark.parametrize("b", ROWS, ids=lambda b: f"{b[0]:.2f}")
def test_of_vectors(b):
    for estimate, exact in [
        (gradient(loss, b), loss_gradient(b)),
        (jacobian(maps, b), maps_jacobian(b)),
        (hessian(loss, b), loss_hessian(b)),
    ]:
        assert estimate.value.shape == exact.shape
        assert np.all(np.abs(estimate.value - exact) <= estimate.error)
    assert np.all(hessian(loss, b).error < 1e-3)
    assert np.all(gradient(loss, b).error < 1e-6)


@pytest.mark.parametrize("name", ["exp", "sin", "sigma", "cube", "tanh"])
def test_complex_step(name):
    f, df = SMOOTH[name]
    assert np.allclose(complex_step(f, POINTS), df(POINTS), rtol=1e-14, atol=1e-16)


def test_random_points():
    assert random_points(3, 5).shape == (5,)
    assert random_points(3, 5, dimension=2, scale=10).shape == (5, 2)
    assert np.array_equal(random_points(3, 5), random_points(3, 5))
    assert not np.array_equal(random_points(3, 5), random_points(4, 5))


RIGHT = {
    "derivative": lambda: check_derivative("c", sigma, slope, POINTS),
    "gradient": lambda: check_gradient("c", loss, loss_gradient, ROWS),
    "jacobian": lambda: check_jacobian("c", maps, maps_jacobian, ROWS),
    "hessian": lambda: check_hessian("c", loss, loss_hessian, ROWS),
}


@pytest.mark.parametrize("kind", RIGHT)
def test_right(kind):
    check = RIGHT[kind]()
    assert check.kind == kind
    assert check.order == pytest.approx(2, abs=0.1)
    assert check.ratio <= 1
    assert check.controls >= 4
    assert f"{kind} checked at {check.points} points" in repr(check)
    assert "order 2.0" in check.method


WRONG = {
    "derivative, sign": lambda: check_derivative("c", sigma, lambda z: -slope(z), POINTS),
    "derivative, factor 1.001": lambda: check_derivative("c", sigma, lambda z: 1.001 * slope(z), POINTS),
    "derivative, factor 1 + 1e-6": lambda: check_derivative("c", sigma, lambda z: (1 + 1e-6) * slope(z), POINTS),
    "derivative, another function": lambda: check_derivative("c", sigma, sigma, POINTS),
    "derivative, nan at one point": lambda: check_derivative(
        "c", sigma, lambda z: np.where(z > 0.5, np.nan, slope(z)), POINTS
    ),
    "derivative, nan": lambda: check_derivative("c", sigma, lambda z: np.nan * z, POINTS),
    "derivative, shape": lambda: check_derivative("c", sigma, lambda z: slope(z)[:, None], POINTS),
    "derivative, a kink": lambda: check_derivative("c", np.abs, np.sign, np.append(POINTS, 1e-9)),
    "gradient, sign": lambda: check_gradient("c", loss, lambda b: -loss_gradient(b), ROWS),
    "gradient, order": lambda: check_gradient("c", loss, lambda b: loss_gradient(b)[::-1], ROWS),
    "gradient, one entry": lambda: check_gradient("c", loss, lambda b: loss_gradient(b) * [1, 1.001, 1], ROWS),
    "gradient, mean": lambda: check_gradient("c", loss, lambda b: loss_gradient(b) / 3, ROWS),
    "gradient, shape": lambda: check_gradient("c", loss, lambda b: loss_gradient(b)[:, None], ROWS),
    "gradient, nan": lambda: check_gradient("c", loss, lambda b: loss_gradient(b) * [1, np.nan, 1], ROWS),
    "jacobian, transposed": lambda: check_jacobian("c", maps, lambda b: maps_jacobian(b).T, ROWS),
    "jacobian, transposed square": lambda: check_jacobian(
        "c", lambda b: A[:2, :2] @ np.sin(b[:2]) * [1, 2], lambda b: ([[1], [2]] * A[:2, :2] * np.cos(b[:2])).T, ROWS[:, :2]
    ),
    "jacobian, rows exchanged": lambda: check_jacobian("c", maps, lambda b: maps_jacobian(b)[::-1], ROWS),
    "hessian, sign": lambda: check_hessian("c", loss, lambda b: -loss_hessian(b), ROWS),
    "hessian, factor": lambda: check_hessian("c", loss, lambda b: 2 * loss_hessian(b), ROWS),
    "hessian, diagonal alone": lambda: check_hessian("c", loss, lambda b: np.diag(np.diag(loss_hessian(b))), ROWS),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong(name):
    with pytest.raises(CheckError, match="check 'c'"):
        WRONG[name]()


@pytest.mark.parametrize(
    ("points", "why"),
    [
        (np.zeros((3, 3)), "zero in every coordinate"),
        (np.vstack([ROWS, np.zeros(3)]), "zero in every coordinate"),
        (ROWS[:1], "a single point"),
        (np.vstack([ROWS[:1]] * 4), "a single point"),
        (ROWS * [1, np.nan, 1], "not finite"),
        (ROWS * [1, np.inf, 1], "not finite"),
    ],
    ids=["zeros", "one zero", "one", "one, repeated", "nan", "inf"],
)
def test_points_that_hide_mistakes(points, why):
    with pytest.raises(ValueError, match=why):
        check_gradient("c", loss, loss_gradient, points)


def test_at_the_optimum_every_gradient_agrees():
    best = np.array([[1.0, -2.0, 0.5]] * 2) + [[0.0], [1e-13]]
    with pytest.raises(CheckError, match="check 'c'"):
        check_gradient("c", lambda b: ((b - best[0]) ** 2).sum(), lambda b: 2 * (b - best[0]), best)


def test_the_message_names_coordinate_values_and_point():
    with pytest.raises(CheckError) as error:
        check_gradient("my-check", lambda b: b[0] + 3 * b[1], lambda b: np.array([1.0, 4.0]), [[1.0, 2.0], [5.0, 7.0]])
    message = str(error.value)
    for part in (
        "check 'my-check'",
        "entry (1,) of the gradient is 4",
        "give 3",
        "with an error of at most",
        "at the point [1. 2.]",
    ):
        assert part in message


def test_a_quadratic_has_no_truncation_error():
    check = check_gradient("c", lambda b: b @ A @ b / 2, lambda b: A @ b, ROWS)
    assert check.order is None
    assert "no truncation error" in check.method


def test_the_order_is_observed():
    assert check_derivative("c", np.sin, np.cos, POINTS).order == pytest.approx(2, abs=0.02)
    # Where the second derivative jumps nearby, the slope is right and the order is not.
    with pytest.raises(CheckError, match="not 2"):
        check_derivative("c", lambda z: z * np.abs(z), lambda z: 2 * np.abs(z), np.array([1e-3, 2e-3, 3e-3]))


# The definition


def doubled(z):
    return sigma(2 * z)


def test_only_the_definition_sees_a_wrong_function():
    assert check_derivative("c", doubled, lambda z: 2 * doubled(z) * (1 - doubled(z)), POINTS).order
    with pytest.raises(CheckError, match=r"but its definition gives .* ulp, where 3 are allowed"):
        check_definition("c", doubled, "1/(1 + exp(-z))", POINTS)


def test_definition():
    check = check_definition("c", sigma, "sigma(z)", POINTS)
    assert check.error <= check.limit == 3
    assert check.controls == 3
    assert "definition checked at 20 points" in repr(check)


@pytest.mark.parametrize(
    "f",
    [
        lambda z: 1 - sigma(z),
        lambda z: sigma(z) * (1 + 1e-14),
        lambda z: np.where(z > 0.3, np.nan, sigma(z)),
        lambda z: np.where(z > 0.3, np.inf, sigma(z)),
    ],
    ids=["reflected", "scaled", "nan", "inf"],
)
def test_wrong_definition(f):
    with pytest.raises(CheckError, match="check 'c'"):
        check_definition("c", f, "sigma(z)", POINTS)


def test_definition_with_names_of_its_own():
    check_definition("c", lambda q: q**3 + q, "f(q)", POINTS, variable="q", where={"f(p)": "p**3 + p"})
    check_definition("c", lambda q: q**3 + q, "a", POINTS, variable="q", where={"a": "q**3 + q"})


def test_points_too_kind_for_a_definition():
    with pytest.raises(CheckError, match="would not notice"):
        check_definition("c", lambda z: 0 * z + 0.5, "1/2", np.array([1.0, 2.0]))


def test_printed_bounds_are_powers_of_ten():
    assert RIGHT["derivative"]().bound.startswith("1e-")
    assert math.log10(float(RIGHT["derivative"]().bound)) % 1 == 0


def test_an_error_within_its_estimate_but_above_the_limit_is_refused():
    # Coarse differences agree with much: the estimate alone would let them pass.
    at = random_points(1, 10)
    assert check_derivative("limit", np.sin, np.cos, at).error < 1e-8
    with pytest.raises(CheckError, match="the largest error is .*, where 1e-14 is allowed"):
        check_derivative("limit", np.sin, np.cos, at, limit=1e-14)


@pytest.mark.parametrize("kind", ["derivative", "gradient", "jacobian", "hessian"])
def test_an_error_above_its_estimate_is_refused_whatever_the_limit_allows(kind):
    check, f, df, at, difference = {
        "derivative": (check_derivative, sigma, slope, POINTS, derivative),
        "gradient": (check_gradient, loss, loss_gradient, ROWS, gradient),
        "jacobian": (check_jacobian, maps, maps_jacobian, ROWS, jacobian),
        "hessian": (check_hessian, loss, loss_hessian, ROWS, hessian),
    }[kind]

    def off(part):
        """An implementation whose every error is this part of its estimate."""

        def wrong(x):
            estimate = difference(f, x)
            return estimate.value + part * estimate.error

        return wrong

    passed = check("c", f, off(0.99), at, limit=1)
    assert 0.9 < passed.ratio < 1 and passed.error < passed.estimate < 1
    with pytest.raises(CheckError, match="with an error of at most"):
        check("c", f, off(1.01), at, limit=1)


def test_what_is_measured_is_rounded_up_to_one_digit():
    check = RIGHT["gradient"]()
    check.error, check.estimate = 2.1e-10, 9.3e-10
    assert check.measured() == {"error": "3e-10", "estimate": "1e-09"}
    check.error = 0.0
    assert check.measured()["error"] == "0e+00"
    definition = check_definition("c", sigma, "sigma(z)", POINTS)
    definition.error = 0.51
    assert definition.measured() == {"error": "0.6 ulp", "estimate": None}


def test_what_is_measured_lies_within_its_estimate():
    for name, check in RIGHT.items():
        measured = check().measured()
        assert 0 < float(measured["error"]) <= float(measured["estimate"]), name


def test_size_allows_for_terms_that_cancel():
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(4000, 2)), rng.uniform(size=4000)
    g = lambda b: X.T @ (sigma(X @ b) - y)
    H = lambda b: X.T @ (slope(X @ b)[:, None] * X)
    at = random_points(4, 40, dimension=2, scale=0.1)
    size = np.abs(X).sum(axis=0)
    with pytest.raises(CheckError, match="entry"):
        check_jacobian("cancel", g, H, at)
    check_jacobian("cancel", g, H, at, size=size)
    with pytest.raises(CheckError, match="entry"):
        check_jacobian("cancel", g, lambda b: 1.0001 * H(b), at, size=size)


# --- The numbers themselves, where they are known by hand ---------------------------------------------------------------------


def test_the_error_of_a_cube_and_of_a_fourth_power():
    # ((x + h)^3 - (x - h)^3)/(2 h) is 3 x^2 + h^2, with twice the step 3 x^2 + 4 h^2; the step is relative from 1 on.
    x = np.array([-10.0, -0.1, 0.5, 10.0])
    h = 2.0**-7 * np.array([10, 1, 1, 10])
    estimate = derivative(lambda z: z**3, x, step=2.0**-7)
    np.testing.assert_allclose(estimate.value - 3 * x**2, h**2, rtol=1e-6)
    np.testing.assert_allclose(estimate.error, 3 * h**2, rtol=1e-6)
    second = [hessian(lambda b: b[0] ** 4, [place], step=2.0**-7) for place in x]
    np.testing.assert_allclose([e.value.item() for e in second] - 12 * x**2, 8 * h**2, rtol=1e-5)
    np.testing.assert_allclose([e.error.item() for e in second], 24 * h**2, rtol=1e-5)


def test_the_allowance_for_rounding():
    # All of this is exact in binary digits, so that nothing but the allowance remains.
    h = 2.0**-10
    line = derivative(lambda z: 1 + z, 1.0, step=h)
    assert (line.value, line.error) == (1, 8 * EPS * (2 + h) / h)
    falling = derivative(lambda z: 3 - z, 1.0, step=h)
    assert (falling.value, falling.error) == (-1, 8 * EPS * (2 + h) / h)
    assert derivative(lambda z: 1 + z, 1.0, step=h, size=100).error == 8 * EPS * 100 / h
    level = hessian(lambda b: 3.0, np.array([1.0, 4.0]), step=h)
    assert level.error.tolist() == (8 * EPS * 3 / np.outer([h, 4 * h], [h, 4 * h])).tolist()


@pytest.mark.parametrize("factor", [0.01, 1.0, 300.0])
def test_what_a_check_measures(factor):
    f, grad = (lambda b: factor * loss(b)), (lambda b: factor * loss_gradient(b))
    check = check_gradient("gradient", f, grad, ROWS)
    estimates = [gradient(f, b) for b in ROWS]
    errors = np.array([np.abs(e.value - grad(b)) for e, b in zip(estimates, ROWS)])
    allowed = np.array([e.error for e in estimates])
    size = max(1, max(np.abs(grad(b)).max() for b in ROWS))
    assert check.error == errors.max() / size
    assert check.estimate == allowed.flat[errors.argmax()] / size
    assert check.ratio == max((e / a).max() for e, a in zip(errors, allowed)) < 1
    assert (check.points, check.controls, check.oracle) == (len(ROWS), 6, "central differences")
    # The largest error is not that of the first point, nor the smallest one's, so the choice shows.
    assert errors.argmax() >= 3 and errors.max(axis=1).argmin() != errors.max(axis=1).argmax()


def test_an_error_of_nothing_is_within_an_estimate_of_nothing():
    check = check_derivative("relu", lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0, np.array([-1.0, 2.0]))
    assert check.controls == 4 and 0 <= check.ratio < 1


def test_a_zero_in_one_coordinate_hides_nothing():
    rows = ROWS.copy()
    rows[:, 1] = 0
    assert check_gradient("loss", loss, loss_gradient, rows).points == len(rows)


def test_one_point_that_notices_is_enough():
    # At the first point the gradient vanishes, and so do its sign and every factor.
    square, rows = (lambda b: np.sum((b - 1) ** 2)), np.array([[1.0, 1.0, 1.0], [2.0, 3.0, 4.0]])
    assert check_gradient("square", square, lambda b: 2 * (b - 1), rows).controls == 6


@pytest.mark.parametrize(
    ("kind", "values", "error", "unnoticed"),
    [
        ("derivative", [1.0, 2.0], 1e-2, "a factor of 1.001"),
        ("derivative", [1.0, 2.0], 1.5e-3, "an added 0.001"),
        ("derivative", [100.0, 200.0], 0.05, "an added 0.001"),
        ("hessian", [1.0, 2.0], 1e-4, None),
        ("gradient", [2.0, 2.0], 1e-4, "the order of the coordinates"),
        ("jacobian", [0.0, 5.0], 1e-4, "the first coordinate left out"),
        ("gradient", [1.0, 2.0], 1e-4, None),
    ],
)
def test_which_mistake_would_not_be_noticed(kind, values, error, unnoticed):
    values = np.array(values)
    estimates = [Estimate(values, np.full(2, error))]
    if unnoticed is None:
        assert _controls("test", kind, estimates, [values]) == (6 if kind == "gradient" else 4)
    else:
        with pytest.raises(CheckError, match=f"would not notice a mistake in {unnoticed}:"):
            _controls("test", kind, estimates, [values])


@pytest.mark.parametrize("order", [1.5, 1.7, 1.9, 2.0, 2.1, 2.3, 2.5, 3.0])
def test_orders_far_from_two_are_refused(order):
    values = [np.array([1e-3, 0.2]), np.array([1e-3, 1e-3])]
    at_step = lambda step: [v + step**order for v in values]
    if 1.8 < order < 2.2:
        assert _order(values, at_step, "test") == pytest.approx(order, abs=1e-9)
    else:
        with pytest.raises(CheckError, match=rf"by a factor of 2\^{order:.2f}, not 2\^2"):
            _order(values, at_step, "test")


def test_no_order_is_read_from_rounding_errors():
    # 1e-7 is nothing next to 1000, wherever the 1000 stands.
    values = [np.array([1e-3, 1e3]), np.array([1e-3, 1e-3])]
    assert _order(values, lambda step: [v + step * 1e-5 for v in values], "test") is None
    assert _order(values[::-1], lambda step: [v + step * 1e-5 for v in values[::-1]], "test") is None


def test_points_are_scaled():
    assert random_points(3, 5, scale=4.0).tolist() == (4 * random_points(3, 5)).tolist()


STEP = "Cases((0, z < 1), (1, z >= 1))"


@pytest.mark.parametrize(
    ("f", "line", "at", "ulps", "unnoticed"),
    [
        # 2 z stays on the same side as z; 3 z and 2/z do not.
        (lambda z: (z >= 1) * 1.0, STEP, [0.4, -3.0], 3, "the argument doubled"),
        (lambda z: (z >= 1) * 1.0, STEP, [0.1, -3.0], 3, "the argument doubled"),
        (lambda z: z * z, "z**2", [2.0, -3.0], 3, "the argument with the other sign"),
        (lambda z: 3 * z, "3*z", [2.0, -3.0], 1e4, "the value scaled by 1 . 1e-12"),
    ],
)
def test_which_mistake_in_a_definition_would_not_be_noticed(f, line, at, ulps, unnoticed):
    with pytest.raises(CheckError, match=f"would not notice {unnoticed};"):
        check_definition("test", f, line, at, ulps=ulps)


def test_what_a_check_of_a_definition_measures():
    def root(z):
        if np.any(np.asarray(z) < 0):
            raise ValueError("z is negative")
        return np.sqrt(z)

    check = check_definition("root", root, "sqrt(z)", [2.0, 3.0, 0.1])
    assert (check.controls, check.oracle, check.estimate) == (3, "its definition, 400 digits", None)
    assert 0 < check.error <= 0.5  # a square root is rounded correctly
    assert check_definition("double", lambda z: 2 * z, "2*z", [2.0, 3.0]).error == 0


def test_a_function_that_returns_fewer_values_is_refused():
    with pytest.raises(CheckError, match=r"f of an array of shape \(20,\) has shape \(1,\)"):
        check_definition("sigma", lambda z: sigma(z)[:1], "1/(1 + exp(-z))", POINTS)
