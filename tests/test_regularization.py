"""lrmath.regularization against its definitions, the conditions of the minimum, and its peers."""

import doctest
import importlib
import warnings

import numpy as np
import pytest
import statsmodels.api as sm
from sklearn.linear_model import LogisticRegression

from lrmath._fit import ConvergenceError, RankDeficiencyError, SeparationError
from lrmath.bce import bce_from_logits
from lrmath.chain_rule import add_intercept, gradient
from lrmath.data import load_wdbc
from lrmath.hessian import hessian
from lrmath.irls import irls
from lrmath.regularization import l1_max, lasso, soft_threshold
from lrmath.sigmoid import logit, sigmoid

pytestmark = pytest.mark.filterwarnings("error")


class TestSoftThreshold:
    @pytest.mark.parametrize("t", [0, 0.3, 1, 2.5])
    def test_is_the_minimiser_on_a_grid(self, t):
        x = np.random.default_rng(0).normal(0, 2, 40)
        b = np.linspace(-8, 8, 32001)  # it contains 0
        values = (b - x[:, None]) ** 2 / 2 + t * np.abs(b)
        best = b[np.argmin(values, axis=1)]
        # Half a step of the grid, and rounding of values that are flat at their minimum.
        assert np.max(np.abs(soft_threshold(x, t) - best)) <= 0.00026
        # Control: the neighbours of the soft threshold do not pass.
        for wrong in (np.where(np.abs(x) > t, x, 0), x - t, soft_threshold(x, 1.1 * t + 0.01)):
            assert t == 0 or np.max(np.abs(wrong - best)) > 0.001
        assert ((soft_threshold(x, t) == 0) == (np.abs(x) <= t)).all()

    def test_is_the_formula(self):
        x, t = np.random.default_rng(1).normal(size=(2, 3, 50))
        t = np.abs(t)
        np.testing.assert_array_equal(
            soft_threshold(x, t), np.sign(x) * np.maximum(np.abs(x) - t, 0)
        )
        np.testing.assert_array_equal(soft_threshold(x, 0), x)

    def test_zeros_have_no_sign(self):
        zeros = soft_threshold([-1.0, -0.5, -0.0, 0.0, 1.0], 1)
        assert (zeros == 0).all()
        assert not np.signbit(zeros).any()

    def test_infinity(self):
        with np.errstate(all="raise"):
            assert soft_threshold([-np.inf, np.inf], 3).tolist() == [-np.inf, np.inf]
            assert soft_threshold(1e308, 1.7e308) == 0
            assert soft_threshold(1.5, 5e-324) == 1.5

    def test_types_and_shapes(self):
        for kind in (np.float16, np.float32, np.float64):
            assert soft_threshold(np.array([1, -2], dtype=kind), 0.5).dtype == kind
        assert soft_threshold(np.array([1, -2]), 0.5).dtype == np.float64
        assert type(soft_threshold(2, 1)) is np.float64
        assert soft_threshold(np.ones((2, 3, 4)), 0.5).shape == (2, 3, 4)
        assert soft_threshold([], 1).shape == (0,)

    @pytest.mark.parametrize(
        ("x", "t", "error", "message"),
        [
            ([1, np.nan], 1, ValueError, r"^x\[1\] is nan"),
            ([1, 2], -0.5, ValueError, r"^t is -0\.5; a threshold must be 0 or more"),
            ([1, 2], [1, -1], ValueError, r"^t\[1\] is -1\.0; a threshold must be 0 or more"),
            ([1, 2], np.inf, ValueError, r"^t is inf; a threshold must be finite"),
            (
                [1, 2],
                [1, 2, 3],
                ValueError,
                r"^t has shape \(3,\) and x has shape \(2,\); pass one",
            ),
            (1, [1], ValueError, r"^t has shape \(1,\) and x has shape \(\)"),
            (None, 1, TypeError, r"^x is None"),
            ([1], "a", TypeError, r"^t is 'a'"),
        ],
    )
    def test_bad_input(self, x, t, error, message):
        with pytest.raises(error, match=message):
            soft_threshold(x, t)


def wdbc(columns=30):
    data = load_wdbc()
    features = data.features[:, :columns]
    return add_intercept((features - features.mean(axis=0)) / features.std(axis=0)), data.y


def missed(X, y, beta, l1, s=None, penalize_intercept=False):
    """How far 0 is from the subgradients of the objective, coefficient by coefficient."""
    s = np.ones(len(y)) if s is None else s
    g = X.T @ (s * (sigmoid(X @ beta) - y))
    distances = []
    for j, (slope, b) in enumerate(zip(g, beta, strict=True)):
        strength = l1 if j or penalize_intercept else 0
        low, high = (strength * np.sign(b),) * 2 if b else (-strength, strength)
        distances.append(max(slope + low, -slope - high, 0) if b == 0 else abs(slope + low))
    return np.array(distances)


def objective(X, y, beta, l1, s=None, penalize_intercept=False):
    penalised = beta if penalize_intercept else beta[1:]
    return bce_from_logits(y, X @ beta, sample_weight=s) + l1 * np.sum(np.abs(penalised))


def problem(seed):
    """A seeded problem of one of eight kinds, with weights or without, and a strength."""
    rng = np.random.default_rng(seed)
    n, d = rng.integers(4, 90), rng.integers(1, 25)
    F = rng.normal(size=(n, d))
    kind = seed % 8
    if kind == 1:
        F = F @ rng.normal(size=(d, d))
    elif kind == 2:
        F = np.hstack([F, F[:, :1], -F[:, :1], 0 * F[:, :1], 0 * F[:, :1] + 3])
    elif kind == 3:
        F = (rng.random((n, d)) < 0.2).astype(float)
    elif kind == 4:
        F = F * 10.0 ** rng.integers(-3, 4, d)
    elif kind == 5:
        F = F + 100
    elif kind == 6:
        F = rng.normal(size=(n, 1)) + 1e-4 * F
    elif kind == 7:
        F = np.round(F)
    X = add_intercept(F)
    z = X @ (rng.normal(size=X.shape[1]) * rng.integers(0, 2, X.shape[1]))
    z = z / max(z.std(), 1e-9)
    y = (z > np.median(z) if seed % 5 == 0 else rng.random(n) < sigmoid(z)).astype(float)
    y[:2] = [0, 1]
    s = rng.integers(0, 4, n).astype(float) if seed % 3 == 0 else np.ones(n)
    s[:2] = 1
    return X, y, s, l1_max(X, y, sample_weight=s) * 10.0 ** rng.uniform(-5, 0)


class TestLasso:
    @pytest.mark.parametrize("first", range(0, 200, 25))
    def test_meets_the_conditions_of_the_minimum(self, first):
        for seed in range(first, first + 25):
            X, y, s, l1 = problem(seed)
            free = bool(seed % 7)
            fit = lasso(X, y, l1, sample_weight=s, penalize_intercept=not free)
            distance = missed(X, y, fit.beta, l1, s, not free).max() / s.sum()
            # 1e-15 for the rounding of the sum, in the units of the columns.
            rounding = 1e-15 * np.max(np.abs(X)) * len(y)
            assert distance <= 1e-8 + rounding
            assert fit.gradient_norm == pytest.approx(distance, abs=rounding)
            assert fit.converged
            assert fit.loss == fit.path[-1]
            assert fit.loss == pytest.approx(objective(X, y, fit.beta, l1, s, not free), rel=1e-14)
            assert len(fit.path) == fit.iterations + 1
            # A score is rounded as its largest terms are, which may cancel, and the loss has the slope p - y in it.
            slopes, terms = s * np.abs(sigmoid(X @ fit.beta) - y), np.abs(X) @ np.abs(fit.beta)
            assert (np.diff(fit.path) <= 1e-13 * fit.path[0] + 1e-15 * slopes @ terms).all()

    def test_control_the_conditions_refuse_neighbours(self):
        X, y = wdbc(10)
        l1 = 0.05 * l1_max(X, y)
        beta = lasso(X, y, l1).beta
        assert 0 < np.count_nonzero(beta == 0) < 10
        assert missed(X, y, beta, l1).max() / len(y) < 1e-8
        assert missed(X, y, beta, 1.01 * l1).max() / len(y) > 1e-4
        for j in range(len(beta)):
            for change in (1e-3, -1e-3):
                other = beta.copy()
                other[j] += change
                assert missed(X, y, other, l1).max() / len(y) > 1e-5

    @pytest.mark.parametrize("seed", range(12))
    def test_nothing_is_lower(self, seed):
        # Without gradients: points around the minimiser, and the ends of the path of l1.
        X, y, s, l1 = problem(seed)
        fit = lasso(X, y, l1, sample_weight=s)
        rng = np.random.default_rng(seed)
        for size in (1e-4, 1e-2, 1, 10):
            for _ in range(20):
                other = fit.beta + size * rng.normal(size=len(fit.beta)) * rng.integers(0, 2)
                other *= rng.random(len(other)) < 0.8
                assert objective(X, y, other, l1, s) >= fit.loss * (1 - 1e-13)

    def test_zeros_are_zeros_and_come_with_l1(self):
        X, y = wdbc()
        top = l1_max(X, y)
        counts = [
            np.count_nonzero(lasso(X, y, top * part).beta[1:]) for part in (1e-3, 0.1, 0.9, 1)
        ]
        assert counts[0] > counts[1] > counts[2] >= 1
        assert counts[3] == 0

    def test_l1_of_0_is_irls(self):
        X, y = wdbc(3)
        fit, newton = lasso(X, y, 0), irls(X, y)
        assert (fit.beta == newton.beta).all()
        np.testing.assert_array_equal(fit.hessian, newton.hessian)
        # The limit: the minimiser moves by at most H^-1 times the penalty's slope.
        near = lasso(X, y, 1e-6).beta
        limit = np.abs(np.linalg.inv(newton.hessian)).sum(axis=1) * 1e-6
        assert (np.abs(near - newton.beta) <= 1.1 * limit + 1e-10).all()

    def test_weights_are_repeated_rows(self):
        X, y = wdbc(8)
        counts = np.random.default_rng(3).integers(0, 3, len(y))
        weighted = lasso(X, y, 5, sample_weight=counts)
        repeated = lasso(np.repeat(X, counts, axis=0), np.repeat(y, counts), 5)
        np.testing.assert_allclose(weighted.beta, repeated.beta, atol=1e-8)
        dropped = lasso(X[counts > 0], y[counts > 0], 5, sample_weight=counts[counts > 0])
        np.testing.assert_allclose(weighted.beta, dropped.beta, atol=1e-8)
        # Control: the weights matter here.
        assert not np.allclose(weighted.beta, lasso(X, y, 5).beta, atol=1e-3)

    def test_separated_classes_have_a_minimiser(self):
        X, y = wdbc()
        with pytest.raises(SeparationError):
            lasso(X, y, 0)
        for l1 in (1e-6, 1e-3, 1):
            fit = lasso(X, y, l1)
            assert missed(X, y, fit.beta, l1).max() / len(y) <= 1.01e-8

    def test_dependent_columns_leave_the_probabilities_unique(self):
        X, y = wdbc(6)
        twice = np.hstack([X, X[:, 1:4], X[:, 1:2] * 0])
        one, two = lasso(X, y, 2), lasso(twice, y, 2)
        with pytest.raises(RankDeficiencyError):
            lasso(twice, y, 0)
        assert two.loss == pytest.approx(one.loss, rel=1e-12)
        np.testing.assert_allclose(sigmoid(twice @ two.beta), sigmoid(X @ one.beta), atol=1e-7)
        assert two.beta[-1] == 0

    def test_more_columns_than_rows(self):
        rng = np.random.default_rng(4)
        X, y = add_intercept(rng.normal(size=(20, 60))), np.arange(20) % 2
        fit = lasso(X, y, 0.5)
        assert missed(X, y, fit.beta, 0.5).max() / 20 <= 1.01e-8
        assert np.count_nonzero(fit.beta) <= 20

    @pytest.mark.parametrize("label", [0, 1])
    def test_one_class(self, label):
        X, _ = wdbc(4)
        y = np.full(len(X), label)
        with pytest.raises(SeparationError, match=f"^y is {label} .* penalize_inter") as info:
            lasso(X, y, 1)
        assert ((2 * y - 1) * (X @ info.value.direction)).min() > 0
        assert info.value.direction[1:].tolist() == [0] * 4
        # A weight of 0 takes the other class out.
        y[0], s = 1 - label, np.ones(len(y))
        s[0] = 0
        with pytest.raises(SeparationError):
            lasso(X, y, 1, sample_weight=s)
        # A penalised intercept stays finite; without features its minimiser has a closed form.
        ones, y = np.ones((9, 1)), np.full(9, label)
        fit = lasso(ones, y, 2, penalize_intercept=True)
        # 9 * (1 - p) = 2 for the right class.
        assert sigmoid(fit.beta[0] * (2 * label - 1)) == pytest.approx(7 / 9, abs=1e-8)

    def test_intercept_alone(self):
        for first in (1, 2, -0.5):
            fit = lasso(np.full((5, 1), first), [0, 1, 1, 1, 1], 3)
            assert fit.beta[0] * first == pytest.approx(np.log(4), rel=1e-12)
            assert fit.iterations == 0  # it starts there

    def test_without_a_column_of_ones(self):
        X, y = wdbc(4)
        X = X[:, 1:]
        with pytest.raises(ValueError, match="the first column must hold ones"):
            lasso(X, y, 8)
        fit = lasso(X, y, 8, penalize_intercept=True)
        assert missed(X, y, fit.beta, 8, penalize_intercept=True).max() / len(y) <= 1.01e-8

    def test_entries_whose_squares_underflow(self):
        X, y = wdbc(2)
        with pytest.raises(ValueError, match=r"^X\[:, 1\] is so small that the squares .* Scale the col"):
            lasso(np.where(np.arange(len(y))[:, None] == 0, [1, 0, 1], X * [1, 1e-200, 1]), y, 1e-202)
        # A column of zeros has no curvature either, and a coefficient of 0 is right.
        fit = lasso(X * [1, 0, 1], y, 8)
        assert fit.beta[1] == 0
        np.testing.assert_allclose(fit.beta[[0, 2]], lasso(X[:, [0, 2]], y, 8).beta, rtol=1e-10)

    def test_the_first_step_minimises_the_quadratic_model(self):
        X, y = wdbc()
        l1, start = 0.01 * l1_max(X, y), np.append(logit(y.mean()), np.zeros(30))
        with pytest.raises(ConvergenceError) as info:
            lasso(X, y, l1, max_iter=1)
        beta = info.value.fit.beta
        slope = gradient(X, y, start) + hessian(X, start) @ (beta - start)
        strength = np.append(0, np.full(30, l1))
        zero = beta == 0
        assert 5 < zero.sum() < 25
        assert (np.abs(slope[zero]) <= l1).all()
        np.testing.assert_allclose(slope[~zero], -(strength * np.sign(beta))[~zero], atol=1e-9 * l1)

    @pytest.mark.parametrize(
        ("share", "ratio", "part", "halvings"), [(1e-3, 2.95, 0.05, 1), (1e-6, 243, 1e-5, 6)]
    )
    def test_a_step_is_halved_until_the_objective_falls(self, share, ratio, part, halvings):
        # Class 1 is rare, and in a small part of the samples ``ratio`` times as frequent. Full
        # steps, of scores that change by 2 and by 242, would raise the objective.
        X, y = np.array([[1, 1], [1, 1], [1, 0], [1, 0]]), np.array([1, 0, 1, 0])
        ones = share * np.array([ratio * part, 1 - ratio * part])
        s = np.array([ones[0], part - ones[0], ones[1], 1 - part - ones[1]])
        fit = lasso(X, y, 1e-18, sample_weight=s)
        assert (np.diff(fit.path) < 0).all()
        start = np.array([logit(share), 0])
        g, H = gradient(X, y, start, sample_weight=s), hessian(X, start, sample_weight=s)
        newton = np.linalg.solve(H, -g)
        assert objective(X, y, start + newton, 1e-18, s) > fit.path[0]
        with pytest.raises(ConvergenceError) as info:
            lasso(X, y, 1e-18, sample_weight=s, max_iter=1)
        first = info.value.fit.beta - start
        np.testing.assert_allclose(first, newton / 2**halvings, rtol=1e-6)

    def test_a_condition_missed_by_exactly_tol_is_met(self):
        X, y = wdbc(2)
        X = X * [1, 1e6, 1]  # so that the conditions decide, and not the scores
        fit = lasso(X, y, 1e3, tol=1e-2)
        assert fit.iterations == lasso(X, y, 1e3, tol=fit.gradient_norm).iterations

    def test_too_few_steps(self):
        X, y = wdbc()
        with pytest.raises(
            ConvergenceError, match=r"^after 2 steps a condition .* max_iter"
        ) as info:
            lasso(X, y, 0.1, max_iter=2)
        fit = info.value.fit
        assert not fit.converged
        assert (fit.iterations, len(fit.path)) == (2, 3)
        assert fit.gradient_norm > 1e-8

    def test_has_no_covariance(self):
        X, y = wdbc(3)
        fit = lasso(X, y, 1)
        assert fit.hessian is None
        with pytest.raises(ValueError, match="no covariance"):
            fit.standard_errors()

    def test_no_flag_of_the_processor_leaks(self):
        X, y = wdbc()
        with np.errstate(all="raise"):
            for l1 in (1e-8, 1.0, 1e5):
                lasso(X, y, l1)

    def test_arguments_stay_as_they_are(self):
        X, y = wdbc(3)
        copies = X.copy(), y.copy()
        lasso(X, y, 1)
        assert (X == copies[0]).all()
        assert (y == copies[1]).all()
        again = lasso(X.tolist(), y.astype(bool), 1)
        assert (again.beta == lasso(X, y, 1.0).beta).all()


class TestPeers:
    """The distance to a peer is at most what the peer misses, over the least curvature."""

    @staticmethod
    def allowed(X, y, peer, ours, l1, penalize_intercept):
        miss = missed(X, y, peer, l1, None, penalize_intercept)
        # Half the curvature at our fit: the peer's is not the same.
        return 2 * np.linalg.norm(miss) / np.linalg.eigvalsh(hessian(X, ours))[0] + 1e-9

    @pytest.mark.parametrize("l1", [0.3, 3.0, 30.0])
    @pytest.mark.parametrize("solver", ["liblinear", "saga"])
    def test_scikit_learn_all_penalised(self, solver, l1):
        X, y = wdbc(8)
        peer = LogisticRegression(
            l1_ratio=1, C=1 / l1, solver=solver, fit_intercept=False, tol=1e-9, max_iter=100_000
        )
        beta = peer.fit(X, y).coef_[0]
        ours = lasso(X, y, l1, penalize_intercept=True)
        limit = self.allowed(X, y, beta, ours.beta, l1, True)
        assert limit < 1e-3
        assert np.linalg.norm(beta - ours.beta) <= limit
        assert ours.loss <= objective(X, y, beta, l1, None, True) + 1e-10

    def test_scikit_learn_free_intercept(self):
        X, y = wdbc(5)
        peer = LogisticRegression(l1_ratio=1, C=0.5, solver="saga", tol=1e-9, max_iter=100_000)
        peer.fit(X[:, 1:], y)
        beta = np.append(peer.intercept_, peer.coef_[0])
        ours = lasso(X, y, 2)
        limit = self.allowed(X, y, beta, ours.beta, 2, False)
        assert limit < 1e-3
        assert np.linalg.norm(beta - ours.beta) <= limit
        # Control: a penalised intercept is another problem.
        other = lasso(X, y, 2, penalize_intercept=True).beta
        assert np.linalg.norm(other - ours.beta) > 1e-2

    def test_statsmodels(self):
        X, y = wdbc(4)
        l1 = 6.0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            peer = sm.Logit(y, X).fit_regularized(
                alpha=[0] + [l1] * 4, acc=1e-12, maxiter=1000, disp=False, trim_mode="off"
            )
        ours = lasso(X, y, l1)
        # Sequential least squares leaves 1e-17 where the minimiser has 0.
        beta = np.where(np.abs(peer.params) < 1e-12, 0, peer.params)
        limit = self.allowed(X, y, beta, ours.beta, l1, False)
        assert limit < 1e-2
        assert np.linalg.norm(beta - ours.beta) <= limit
        assert ours.loss <= objective(X, y, beta, l1) + 1e-10


class TestL1Max:
    def test_is_the_gradient_of_the_fit_with_an_intercept_only(self):
        for seed in range(24):
            X, y, s, _ = problem(seed)
            start = irls(np.ones((len(y), 1)), y, sample_weight=s, tol=1e-12).beta
            g = gradient(X, y, np.append(start, np.zeros(X.shape[1] - 1)), sample_weight=s)
            # The probabilities of irls are right to its tol.
            scale = np.abs(s[:, None] * X).sum(axis=0).max()
            expected = np.abs(g[1:]).max()
            assert l1_max(X, y, sample_weight=s) == pytest.approx(expected, abs=1e-12 * scale)

    @pytest.mark.parametrize("seed", range(1, 24))
    def test_is_the_border(self, seed):
        X, y, s, _ = problem(seed)
        top = l1_max(X, y, sample_weight=s)
        if seed % 8 == 2 or top == 0:
            return
        for l1 in (top, 1.5 * top, 1e6 * top):
            assert (lasso(X, y, l1, sample_weight=s).beta[1:] == 0).all()
        assert np.any(lasso(X, y, top * 0.999, sample_weight=s, tol=1e-10).beta[1:] != 0)

    def test_nothing_to_tell(self):
        assert l1_max(np.ones((3, 1)), [0, 1, 1]) == 0
        assert l1_max([[1, 5], [1, 5]], [0, 1]) == 0

    def test_needs_a_column_of_ones(self):
        with pytest.raises(ValueError, match=r"^X\[:, 0\] holds 2\.0 .*; the first column must hold ones"):
            l1_max([[1, 5], [2, 5]], [0, 1])


X3, Y3 = [[1, 2], [1, 3], [1, 4]], [0, 1, 0]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"l1": -1}, ValueError, r"^l1 is -1\.0; it must be finite and 0 or more"),
        ({"l1": np.inf}, ValueError, r"^l1 is inf"),
        ({"l1": np.nan}, ValueError, r"^l1 is nan"),
        ({"l1": [1, 2]}, TypeError, r"^l1 is \[1, 2\]; pass one real number"),
        ({"l1": None}, TypeError, r"^l1 is None"),
        ({"tol": 0}, ValueError, r"^tol is 0\.0; it must be finite and above 0"),
        ({"max_iter": 0}, ValueError, r"^max_iter is 0"),
        ({"max_iter": 1.5}, TypeError, r"^max_iter is 1\.5"),
        ({"y": [0, 1, 2]}, ValueError, r"^y\[2\] is 2\.0"),
        ({"y": [0, 1]}, ValueError, r"^y has shape \(2,\) and X has shape \(3, 2\)"),
        ({"X": [[1, 2], [1, np.nan], [1, 4]]}, ValueError, r"^X\[1, 1\] is nan"),
        ({"X": [1, 2, 3]}, ValueError, r"^X has shape \(3,\)"),
        ({"sample_weight": [1, -1, 1]}, ValueError, r"^sample_weight\[1\] is -1\.0"),
        ({"sample_weight": [0, 0, 0]}, ValueError, r"^sample_weight is 0 everywhere"),
    ],
)
def test_bad_input(change, error, message):
    arguments = {"X": X3, "y": Y3, "l1": 1.0} | change
    with pytest.raises(error, match=message):
        lasso(**arguments)
    if change.keys() <= {"X", "y", "sample_weight"}:
        arguments.pop("l1")
        with pytest.raises(error, match=message):
            l1_max(**arguments)


def test_examples_in_the_docstrings():
    results = doctest.testmod(importlib.import_module("lrmath.regularization"))
    assert results.failed == 0
    assert results.attempted >= 6
