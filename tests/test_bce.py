"""The losses of lrmath.bce against the Bernoulli likelihood."""

import doctest
import importlib

import mpmath
import numpy as np
import pytest
from ulps import probabilities, reference, scores, worst

from lrmath import bce, bce_from_logits, sigmoid

pytestmark = pytest.mark.filterwarnings("error")

BOTH = [bce, bce_from_logits]


def likelihood(y, p, q):
    return p**y * q ** (1 - y)


def define_bce(y):
    return lambda p: -mpmath.log(likelihood(y, p, 1 - p))


def define_bce_from_logits(y):
    # No precision is enough for 1 - p where z is large, so q is written as the sigmoid of -z.
    return lambda z: -mpmath.log(likelihood(y, 1 / (1 + mpmath.exp(-z)), 1 / (1 + mpmath.exp(z))))


def few(points):
    # The formulas are measured at every point in tests/test_sigmoid.py.
    return points()[::2]


@pytest.fixture(scope="module")
def exact():
    return {
        (name, y): reference(define(y), few(points))
        for name, define, points in (
            ("p", define_bce, probabilities),
            ("z", define_bce_from_logits, scores),
        )
        for y in (0, 1)
    }


def of_probabilities(formula, y):
    p = few(probabilities)
    return formula(np.full(p.shape, y), p), p


def of_scores(formula, y):
    z = few(scores)
    return formula(np.full(z.shape, y), z), z


@pytest.mark.parametrize("y", [0, 1])
class TestAccuracy:
    """Within 1.5 ulps of the definition at these points; see tests/test_sigmoid.py for a search."""

    def test_from_probabilities(self, y, exact):
        loss, p = of_probabilities(lambda y, p: bce(y, p, reduction="none"), y)
        error, at = worst(loss, exact["p", y], p)
        assert error <= 1.5, f"bce({y}, {at!r}) is {error:.3g} ulps off"

    def test_from_logits(self, y, exact):
        loss, z = of_scores(lambda y, z: bce_from_logits(y, z, reduction="none"), y)
        error, at = worst(loss, exact["z", y], z)
        assert error <= 1.5, f"bce_from_logits({y}, {at!r}) is {error:.3g} ulps off"

    @pytest.mark.parametrize(
        "formula",
        [
            lambda y, z: bce(y, sigmoid(z), reduction="none"),
            lambda y, z: np.maximum(z, 0) - z * y + np.log(1 + np.exp(-np.abs(z))),
            lambda y, z: np.log(1 + np.exp((1 - 2 * y) * z)),
            # Losses swapped between the classes.
            lambda y, z: bce_from_logits(1 - y, z, reduction="none"),
        ],
    )
    def test_control_naive_from_logits(self, formula, y, exact):
        with np.errstate(all="ignore"):
            loss, z = of_scores(formula, y)
        assert worst(loss, exact["z", y], z)[0] > 1.5

    def test_control_swapped_labels(self, y, exact):
        loss, p = of_probabilities(lambda y, p: bce(1 - y, p, reduction="none"), y)
        assert worst(loss, exact["p", y], p)[0] > 1.5


def test_control_log_of_one_minus_p(exact):
    loss, p = of_probabilities(lambda y, p: -np.log(1 - p), 0)
    assert worst(loss, exact["p", 0], p)[0] > 1.5


@pytest.mark.parametrize(
    ("y", "p", "loss"),
    [(1, 1, 0.0), (0, 0, 0.0), (1, 0, np.inf), (0, 1, np.inf), (1, 0.5, np.log(2))],
)
def test_ends_of_bce(y, p, loss):
    with np.errstate(all="raise"):
        for result in (bce(y, p), bce(y, p, reduction="mean"), bce(y, p, reduction="none")):
            assert result == loss
            # -0.0 would print with its sign.
            assert not np.signbit(result)
        assert bce([y, y], [p, p]) == 2 * loss


@pytest.mark.parametrize(
    ("y", "z", "loss"),
    [(1, np.inf, 0.0), (0, -np.inf, 0.0), (1, -np.inf, np.inf), (0, np.inf, np.inf)],
)
def test_ends_of_bce_from_logits(y, z, loss):
    with np.errstate(all="raise"):
        for result in (bce_from_logits(y, z), bce_from_logits(y, z, reduction="none")):
            assert result == loss
            assert not np.signbit(result)
        assert bce_from_logits([y, y], [z, z], reduction="mean") == loss


def sample(n=60):
    rng = np.random.default_rng(8)
    y = rng.integers(0, 2, n).astype(float)
    z = rng.normal(0, 3, n)
    return y, z, rng.integers(0, 4, n)


@pytest.mark.parametrize("function", BOTH)
class TestReductions:
    @staticmethod
    def forecast(function):
        y, z, counts = sample()
        return y, (z if function is bce_from_logits else sigmoid(z)), counts

    def test_both_agree_away_from_the_ends(self, function):
        y, forecast, _ = self.forecast(function)
        with mpmath.workdps(40):
            define = define_bce if function is bce else define_bce_from_logits
            total = sum(define(int(a))(mpmath.mpf(float(b))) for a, b in zip(y, forecast))
        assert function(y, forecast) == pytest.approx(float(total), rel=1e-14)

    def test_sum_and_mean(self, function):
        y, forecast, _ = self.forecast(function)
        losses = function(y, forecast, reduction="none")
        assert losses.shape == y.shape
        assert function(y, forecast) == function(y, forecast, reduction="sum") == losses.sum()
        assert function(y, forecast, reduction="mean") == losses.sum() / len(y)

    def test_weights_are_repeated_rows(self, function):
        y, forecast, counts = self.forecast(function)
        for reduction in ("sum", "mean"):
            weighted = function(y, forecast, sample_weight=counts, reduction=reduction)
            repeated = function(
                np.repeat(y, counts), np.repeat(forecast, counts), reduction=reduction
            )
            assert weighted == pytest.approx(repeated, rel=1e-14)
            # Control: the weights matter here.
            assert weighted != pytest.approx(function(y, forecast, reduction=reduction), rel=1e-3)

    def test_scale_of_the_weights(self, function):
        y, forecast, counts = self.forecast(function)
        mean = function(y, forecast, sample_weight=counts, reduction="mean")
        for scale in (2.0**1020, 2.0**-1070):
            s = counts * scale
            assert function(y, forecast, sample_weight=s, reduction="mean") == mean
        s = np.full(y.shape, 1.7e308)
        plain = function(y, forecast, reduction="mean")
        with np.errstate(all="raise"):
            result = function(y, forecast, sample_weight=s, reduction="mean")
        assert result == pytest.approx(plain, rel=1e-14)

    def test_weight_zero_leaves_out_an_infinite_loss(self, function):
        wrong = 0 if function is bce else -np.inf
        with np.errstate(all="raise"):
            for reduction in ("sum", "mean"):
                result = function(
                    [1, 1], [wrong, 0.5], sample_weight=[0, 1], reduction=reduction
                )
                assert result == function(1, 0.5)
            none = function([1, 1], [wrong, 0.5], sample_weight=[0, 1], reduction="none")
        assert none.tolist() == [0.0, function(1, 0.5)]

    def test_only_zero_weights(self, function):
        assert function([1, 0], [0.5, 0.5], sample_weight=[0, 0]) == 0
        with pytest.raises(ValueError, match="^sample_weight is 0 everywhere; .* Give at least"):
            function([1, 0], [0.5, 0.5], sample_weight=[0, 0], reduction="mean")

    def test_no_samples(self, function):
        assert function([], []) == 0
        assert function([], [], reduction="none").shape == (0,)
        with pytest.raises(ValueError, match='^y is empty; .*reduction="sum", which gives 0'):
            function([], [], reduction="mean")

    @pytest.mark.parametrize("reduction", ["avg", "SUM", "", None, 1, ["sum"], np.array(["sum"])])
    def test_unknown_reduction(self, function, reduction):
        with pytest.raises(ValueError, match='^reduction is .*; pass "sum", "mean" or "none"'):
            function([1], [0.5], reduction=reduction)


@pytest.mark.parametrize("function", BOTH)
class TestTypesAndShapes:
    def test_scalars(self, function):
        for y in (1, True, 1.0, np.array(1)):
            for reduction in ("sum", "mean", "none"):
                result = function(y, 0.25, reduction=reduction)
                assert type(result) is np.float64
                assert result == function([1.0], [0.25])
        assert function(1, 0.25, sample_weight=3) == 3 * function(1, 0.25)

    @pytest.mark.parametrize("kind", [np.float16, np.float32])
    def test_float_types(self, function, kind):
        forecast = np.array([0.125, 0.7], dtype=kind)
        wide = function([1, 0], forecast.astype(float), reduction="none")
        for y in ([1, 0], [1.0, 0.0], [True, False]):
            result = function(y, forecast, reduction="none")
            assert result.dtype == kind
            assert (result == wide.astype(kind)).all()
        s = np.array([1, 1], dtype=kind)
        assert function([1, 0], forecast, sample_weight=s, reduction="none").dtype == kind
        assert function([1, 0], forecast, sample_weight=[1, 1], reduction="none").dtype == float
        assert function([1, 0], forecast) == wide.sum()
        assert type(function([1, 0], forecast)) is np.float64

    def test_many_axes(self, function):
        y = np.arange(24).reshape(2, 3, 4) % 2
        forecast = np.linspace(0.1, 0.9, 24).reshape(2, 3, 4)
        losses = function(y, forecast, reduction="none")
        assert losses.shape == (2, 3, 4)
        assert (losses.ravel() == function(y.ravel(), forecast.ravel(), reduction="none")).all()

    def test_arguments_stay_as_they_are(self, function):
        y, forecast, s = np.array([0.0, 1.0]), np.array([0.2, 0.3]), np.array([2.0, 0.0])
        for reduction in ("sum", "mean", "none"):
            function(y, forecast, sample_weight=s, reduction=reduction)
        assert (y.tolist(), forecast.tolist(), s.tolist()) == ([0, 1], [0.2, 0.3], [2, 0])


def test_a_total_beyond_float64_is_inf():
    with np.errstate(all="raise"):
        assert bce_from_logits([0, 0], [1e308, 1e308]) == np.inf
        assert bce_from_logits([0], [1e308], sample_weight=[10]) == np.inf
        narrow = bce_from_logits(
            np.array([0]),
            np.array([6e4], dtype="f2"),
            sample_weight=np.array([2], dtype="f2"),
            reduction="none",
        )
    assert narrow[0] == np.inf


OK = [0.5, 0.5, 0.5]
BAD = [
    # y
    ([0, 1, 1, 2], [0.5] * 4, None, ValueError, r"^y\[3\] is 2\.0; labels must be 0 or 1\. If the "
     r"classes are coded \{1, 2\}, pass y - 1\.$"),
    ([1, -1, 1], OK, None, ValueError, r"^y\[1\] is -1\.0; .*coded \{-1, 1\}, pass \(y \+ 1\) / 2"),
    ([1, 0, 0.5], OK, None, ValueError, r"^y\[2\] is 0\.5; labels must be 0 or 1\. Choose"),
    ([1, np.inf, 0], OK, None, ValueError, r"^y\[1\] is inf; labels must be 0 or 1"),
    ([1, np.nan, 0], OK, None, ValueError, r"^y\[1\] is nan; Drop or fill"),
    ([1, None, 0], OK, None, TypeError, r"^y\[1\] is None; entries must be real"),
    (["M", "B", "M"], OK, None, TypeError, r"^y\[0\] is 'M'; entries must be real"),
    ([1, 0, 1j], OK, None, TypeError, r"^y\[2\] is 1j"),
    (None, OK, None, TypeError, r"^y is None"),
    (np.array([1, 0, 1], dtype=object), OK, None, TypeError, r"^y has dtype object"),
    (np.ma.array([1, 0, 1]), OK, None, TypeError, r"^y is a masked array"),
    ([[1, 0], [1]], OK, None, ValueError, r"^y\[1\] is \[1\], unlike y\[0\] in length"),
    # the forecast
    ([1, 0, 1], [0.5, np.nan, 0.5], None, ValueError, r"^{}\[1\] is nan; Drop or fill"),
    ([1, 0, 1], None, None, TypeError, r"^{} is None"),
    ([1, 0, 1], ["a", "b", "c"], None, TypeError, r"^{}\[0\] is 'a'"),
    ([1, 0, 1], [0.5, 0.5, 1j], None, TypeError, r"^{}\[2\] is 1j"),
    ([1, 0, 1], np.array(OK, dtype=object), None, TypeError, r"^{} has dtype object"),
    ([1, 0, 1], np.ma.array(OK), None, TypeError, r"^{} is a masked array"),
    # shapes
    ([1, 0, 1], [0.5, 0.5], None, ValueError, r"^{} has shape \(2,\) and y has shape \(3,\); they "
     r"must be equal, because nothing is broadcast\. Pass one entry"),
    ([1, 0, 1], 0.5, None, ValueError, r"^{} has shape \(\) and y has shape \(3,\)"),
    (1, [0.5], None, ValueError, r"^{} has shape \(1,\) and y has shape \(\)"),
    ([1, 0, 1], [[0.5], [0.5], [0.5]], None, ValueError, r"^{} has shape \(3, 1\) and y has"),
    # weights
    ([1, 0, 1], OK, [1, -1, 1], ValueError, r"^sample_weight\[1\] is -1\.0; weights must be 0 or"),
    ([1, 0, 1], OK, [1, 1, np.inf], ValueError, r"^sample_weight\[2\] is inf; weights must be fin"),
    ([1, 0, 1], OK, [1, np.nan, 1], ValueError, r"^sample_weight\[1\] is nan"),
    ([1, 0, 1], OK, ["a", 1, 1], TypeError, r"^sample_weight\[0\] is 'a'"),
    ([1, 0, 1], OK, [1j, 1, 1], TypeError, r"^sample_weight\[0\] is 1j"),
    ([1, 0, 1], OK, np.ma.array([1, 1, 1]), TypeError, r"^sample_weight is a masked array"),
    ([1, 0, 1], OK, 1.0, ValueError, r"^sample_weight has shape \(\) and y has shape \(3,\)"),
    ([1, 0, 1], OK, [1, 1], ValueError, r"^sample_weight has shape \(2,\) and y has shape \(3,\)"),
]  # fmt: skip


@pytest.mark.parametrize("function", BOTH)
@pytest.mark.parametrize(("y", "forecast", "s", "error", "message"), BAD)
@pytest.mark.parametrize("reduction", ["sum", "mean", "none"])
def test_bad_input(function, y, forecast, s, error, message, reduction):
    name = "p" if function is bce else "z"
    with pytest.raises(error, match=message.replace("{}", name)):
        function(y, forecast, sample_weight=s, reduction=reduction)


@pytest.mark.parametrize(
    ("p", "found"),
    [
        ([0.5, 0.5, 1.5], r"p\[2\] is 1\.5"),
        ([0, -1, 1], r"p\[1\] is -1\.0"),
        ([np.inf] * 3, r"p\[0\] is inf"),
    ],
)
def test_bce_outside_the_unit_interval(p, found):
    with pytest.raises(ValueError, match=f"^{found}.*lie in .0, 1.*call bce_from_logits"):
        bce([1, 0, 1], p)


@pytest.mark.skipif(np.finfo(np.longdouble).nmant == 52, reason="long double is float64 here")
@pytest.mark.parametrize("function", BOTH)
def test_long_double_is_refused(function):
    with pytest.raises(TypeError, match=r"^[pz] has dtype float\d+; lrmath computes in float64"):
        function([1], np.array([0.5], dtype=np.longdouble))


def test_examples_in_the_docstrings():
    results = doctest.testmod(importlib.import_module("lrmath.bce"))
    assert results.failed == 0
    assert results.attempted >= 5
