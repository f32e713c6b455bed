"""Newton's method against other solvers, the formulas, and data on which it must not answer."""

import doctest
import importlib
import pickle
import tracemalloc
import warnings

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.optimize import linprog
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from lrmath._fit import ConvergenceError, RankDeficiencyError, SeparationError
from lrmath._rank import dependent_columns, least_pivot, solve_scaled
from lrmath.bce import bce_from_logits
from lrmath.chain_rule import add_intercept, gradient
from lrmath.data import load_challenger, load_wdbc
from lrmath.hessian import hessian
from lrmath.irls import irls

pytestmark = pytest.mark.filterwarnings("error")

module = importlib.import_module("lrmath.irls")


def standardised(features):
    return add_intercept((features - features.mean(axis=0)) / features.std(axis=0))


def wdbc(columns=slice(None)):
    data = load_wdbc()
    return standardised(data.features[:, columns]), data.y


def challenger():
    data = load_challenger()
    return add_intercept(data.features), data.y


def random_problem(seed, n, d, spread=1.0):
    rng = np.random.default_rng(seed)
    X = add_intercept(rng.normal(size=(n, d)))
    beta = spread * rng.normal(size=d + 1) / np.sqrt(d)
    return X, (rng.random(n) < expit(X @ beta)).astype(float)


def heavy_tails():
    rng = np.random.default_rng(8)
    X = add_intercept(rng.standard_t(1.5, size=(300, 4)))
    return X, (rng.random(300) < expit(X.sum(axis=1) / 4)).astype(float)


OVERLAPPING = {
    "challenger": challenger(),
    "wdbc": wdbc([1, 4, 8]),
    "wdbc raw": (add_intercept(load_wdbc().features[:, :3]), load_wdbc().y),
    "small": random_problem(0, 25, 2),
    "larger": random_problem(1, 5000, 12, 2.0),
    "rare class": random_problem(6, 2000, 3, 1.0),
    "heavy tails": heavy_tails(),
}
overlapping = pytest.mark.parametrize("name", OVERLAPPING)


def penalty_of(X, ridge, penalize_intercept=False):
    R = np.full(X.shape[1], float(ridge))
    R[0] *= penalize_intercept
    return R


def slope(X, y, beta, R, s=None):
    return gradient(X, y, beta, sample_weight=s) + R * beta


def curvature(X, beta, R, s=None):
    return hessian(X, beta, sample_weight=s) + np.diag(R)


def assert_same_minimiser(X, y, fit, peer, R, s=None, most=1e-4):
    """Two solvers agree up to the gradients that they left."""
    left = np.abs(slope(X, y, fit.beta, R, s)) + np.abs(slope(X, y, peer, R, s))
    # To first order an error of the gradient changes beta by the inverse Hessian times it.
    inverse = np.linalg.inv(curvature(X, fit.beta, R, s))
    allowed = 2 * np.abs(inverse) @ left + 1e-12 * np.abs(peer)
    assert (np.abs(fit.beta - peer) <= allowed).all()
    # The bound must mean something: in standard errors.
    assert (allowed <= most * np.sqrt(np.diag(inverse))).all()


@overlapping
class TestUnpenalised:
    def test_agrees_with_statsmodels_logit(self, name):
        X, y = OVERLAPPING[name]
        fit = irls(X, y)
        peer = sm.Logit(y, X).fit(disp=False, method="newton", tol=1e-13, maxiter=200)
        assert_same_minimiser(X, y, fit, peer.params, np.zeros(X.shape[1]))
        np.testing.assert_allclose(fit.standard_errors(), peer.bse, rtol=1e-6)
        np.testing.assert_allclose(fit.covariance(), peer.cov_params(), rtol=1e-5, atol=1e-9)
        assert fit.loss == pytest.approx(-peer.llf, rel=1e-12)

    def test_agrees_with_statsmodels_glm_with_weights(self, name):
        X, y = OVERLAPPING[name]
        s = np.random.default_rng(3).integers(1, 5, len(y)).astype(float)
        fit = irls(X, y, sample_weight=s)
        model = sm.GLM(y, X, family=sm.families.Binomial(), freq_weights=s)
        peer = model.fit(tol=1e-13, maxiter=200)
        assert_same_minimiser(X, y, fit, peer.params, np.zeros(X.shape[1]), s)
        np.testing.assert_allclose(fit.standard_errors(), peer.bse, rtol=1e-6)
        # Control: without the weights it is another problem.
        assert np.abs(irls(X, y).beta - fit.beta).max() > 1e-3 * np.abs(fit.beta).max()

    def test_what_it_returns_is_true(self, name):
        X, y = OVERLAPPING[name]
        fit = irls(X, y)
        g = gradient(X, y, fit.beta)
        assert fit.converged is True
        assert fit.gradient_norm <= 1e-8
        # Rounding of the gradient, in the units of the columns.
        assert np.abs(g).max() <= 1e-8 * len(y) + 1e-14 * np.abs(X).sum(axis=0).max()
        assert fit.loss == fit.path[-1] == pytest.approx(bce_from_logits(y, X @ fit.beta))
        assert len(fit.path) == fit.iterations + 1
        assert fit.path[0] == pytest.approx(len(y) * np.log(2), rel=1e-12)
        assert (np.diff(fit.path) <= 1e-12 * fit.path[:-1]).all()
        H = hessian(X, fit.beta)
        scale = np.sqrt(np.diag(H))
        assert (np.abs(fit.hessian - H) <= 1e-9 * np.outer(scale, scale)).all()
        assert (fit.hessian == fit.hessian.T).all()
        # The stopping rule: one more Newton step would change no score by more than tol.
        step = np.linalg.solve(H / np.outer(scale, scale), -g / scale) / scale
        assert np.abs(X @ step).max() <= 2e-8

    def test_does_not_depend_on_blocks_order_or_layout(self, name, monkeypatch):
        X, y = OVERLAPPING[name]
        fit = irls(X, y)
        order = np.random.default_rng(0).permutation(len(y))
        others = [irls(X[order], y[order]), irls(np.asfortranarray(X), y), irls(X[::-1], y[::-1])]
        for rows in (7, 1000):
            monkeypatch.setattr(module, "_ROWS", rows)
            others.append(irls(X, y))
        for other in others:
            assert np.abs(expit(X @ other.beta) - expit(X @ fit.beta)).max() < 1e-8
            np.testing.assert_allclose(other.standard_errors(), fit.standard_errors(), rtol=1e-6)

    def test_the_first_step_is_weighted_least_squares(self, name):
        X, y = OVERLAPPING[name]
        with pytest.raises(ConvergenceError) as raised:
            irls(X, y, max_iter=1, tol=1e-15)
        # At beta = 0: w = 1/4 and the working response is (y - 1/2) / w.
        newton = np.linalg.lstsq(X, 4 * y - 2, rcond=None)[0]
        got = raised.value.fit.beta
        # A long step may be corrected in its length, never in its direction.
        length = (got @ newton) / (newton @ newton)
        assert 2.0**-3 <= length <= 2
        np.testing.assert_allclose(got, length * newton, rtol=1e-6, atol=1e-9)
        if np.abs(X @ newton).max() <= 1:
            assert length == pytest.approx(1)


def test_steps_are_those_of_iteratively_reweighted_least_squares():
    # All steps are short here, so that their lengths are 1.
    X, y = random_problem(4, 80, 3, 0.5)
    beta = np.zeros(4)
    for steps in range(1, 5):
        p = expit(X @ beta)
        w = p * (1 - p)
        u = X @ beta + (y - p) / w
        root = np.sqrt(w)
        beta = np.linalg.lstsq(root[:, None] * X, root * u, rcond=None)[0]
        with pytest.raises(ConvergenceError) as raised:
            irls(X, y, max_iter=steps, tol=1e-16)
        np.testing.assert_allclose(raised.value.fit.beta, beta, rtol=1e-9)


def full_steps(X, y, R, tol=1e-8):
    """How many full Newton steps it takes."""
    beta, steps = np.zeros(X.shape[1]), 0
    while True:
        g = slope(X, y, beta, R)
        step = np.linalg.solve(curvature(X, beta, R), -g)
        if np.abs(g).max() <= tol * len(y) and np.abs(X @ step).max() <= tol:
            return steps
        beta, steps = beta + step, steps + 1


@pytest.mark.parametrize("ridge", [0.1, 1.0])
def test_the_length_of_long_steps_saves_steps(ridge):
    X, y = wdbc()
    fit = irls(X, y, ridge=ridge)
    assert fit.iterations <= full_steps(X, y, penalty_of(X, ridge)) - 2


def test_a_step_that_changes_a_score_by_more_than_1_gets_a_better_length():
    X, y = random_problem(4, 80, 3, 0.7)
    newton = np.linalg.lstsq(X, 4 * y - 2, rcond=None)[0]
    assert 1 < np.abs(X @ newton).max() < 2
    with pytest.raises(ConvergenceError) as raised:
        irls(X, y, max_iter=1)
    assert raised.value.fit.loss < bce_from_logits(y, X @ newton) - 1e-3


@pytest.mark.parametrize("seed", range(5))
def test_the_length_is_a_newton_step_of_its_own(seed):
    rng = np.random.default_rng(seed)
    X, y = wdbc()
    s, R = rng.uniform(0.5, 2, len(y)), penalty_of(X, 1.0)
    beta, step = 0.1 * rng.normal(size=31), 0.1 * rng.normal(size=31)
    got = module._length(1 - 2 * y, s, X @ (beta + step), X @ step, beta + step, step, R)
    g, H = slope(X, y, beta + step, R, s), curvature(X, beta + step, R, s)
    assert got == pytest.approx(np.clip(1 - (step @ g) / (step @ H @ step), 0.5, 2), rel=1e-9)


def test_converges_quadratically():
    X, y = OVERLAPPING["challenger"]
    best = irls(X, y, tol=1e-13)
    gaps = best.path[:-1] - best.loss
    gaps = gaps[gaps > 1e-11]
    # The gap of the loss is a square of the error, which is squared in each step.
    assert len(gaps) >= 4
    assert (gaps[2:] < gaps[1:-1] ** 1.5).all()


RIDGED = {
    **OVERLAPPING,
    "separable": wdbc(),
    "duplicate": (np.column_stack([challenger()[0], challenger()[0][:, 1]]), challenger()[1]),
    "n < d": random_problem(2, 10, 20),
}


@pytest.mark.parametrize("name", RIDGED)
@pytest.mark.parametrize("ridge", [1e-2, 1.0, 100.0])
class TestRidge:
    def test_agrees_with_scikit_learn(self, name, ridge):
        X, y = RIDGED[name]
        s = np.random.default_rng(5).uniform(0.5, 2, len(y))
        fit = irls(X, y, ridge=ridge, sample_weight=s)
        peer = LogisticRegression(solver="newton-cholesky", C=1 / ridge, tol=1e-10, max_iter=200)
        with warnings.catch_warnings():
            # It warns when its own line search has nothing left to gain.
            warnings.simplefilter("ignore")
            peer.fit(X[:, 1:], y, sample_weight=s)
        beta = np.concatenate([peer.intercept_, peer.coef_[0]])
        R = penalty_of(X, ridge)
        assert_same_minimiser(X, y, fit, beta, R, s, most=1e-2)
        assert np.abs(expit(X @ beta) - expit(X @ fit.beta)).max() < 1e-6

    def test_what_it_returns_is_true(self, name, ridge):
        X, y = RIDGED[name]
        for both in (False, True):
            R = penalty_of(X, ridge, both)
            fit = irls(X, y, ridge=ridge, penalize_intercept=both)
            rounding = 1e-14 * np.abs(X).sum(axis=0).max()
            assert np.abs(slope(X, y, fit.beta, R)).max() <= 1e-8 * len(y) + rounding
            objective = bce_from_logits(y, X @ fit.beta) + R @ fit.beta**2 / 2
            assert fit.loss == pytest.approx(objective, rel=1e-12)
            H = curvature(X, fit.beta, R)
            assert (np.abs(fit.hessian - H) <= 1e-9 * np.abs(H).max(axis=0)).all()
            covariance = np.linalg.inv(H)
            np.testing.assert_allclose(fit.standard_errors() ** 2, np.diag(covariance), rtol=1e-5)
            # Controls: another strength, and the other treatment of the intercept.
            left = max(np.abs(slope(X, y, fit.beta, R)).max(), 1e-8)
            assert np.abs(slope(X, y, fit.beta, 1.01 * R)).max() > 100 * left
            assert np.abs(slope(X, y, fit.beta, penalty_of(X, ridge, not both))).max() > 100 * left


def test_ridge_zero_is_no_ridge():
    X, y = OVERLAPPING["small"]
    assert (irls(X, y, ridge=0).beta == irls(X, y).beta).all()
    # Numbers of any kind.
    for ridge in (1, np.int64(1), np.float32(1)):
        assert (irls(X, y, ridge=ridge).beta == irls(X, y, ridge=1.0).beta).all()


class TestWeights:
    def test_an_integer_weight_is_a_repeated_row(self):
        X, y = OVERLAPPING["wdbc"]
        counts = np.random.default_rng(0).integers(0, 4, len(y))
        weighted = irls(X, y, sample_weight=counts)
        repeated = irls(np.repeat(X, counts, axis=0), np.repeat(y, counts))
        np.testing.assert_allclose(weighted.beta, repeated.beta, rtol=1e-9)
        np.testing.assert_allclose(weighted.hessian, repeated.hessian, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(weighted.path, repeated.path, rtol=1e-9)
        assert weighted.gradient_norm <= 1e-8

    def test_weight_0_drops_the_row(self):
        X, y = OVERLAPPING["wdbc"]
        s = np.random.default_rng(0).uniform(0.5, 2, len(y))
        s[::3] = 0
        fit, dropped = irls(X, y, sample_weight=s), irls(X[s > 0], y[s > 0], sample_weight=s[s > 0])
        assert (fit.beta == dropped.beta).all()
        assert (fit.hessian == dropped.hessian).all()
        assert (fit.path == dropped.path).all()

    def test_rows_of_weight_0_hide_neither_separation_nor_dependence(self):
        X, y = OVERLAPPING["wdbc"]
        s = np.ones(len(y))
        s[y == 0] = 0
        with pytest.raises(SeparationError):
            irls(X, y, sample_weight=s)
        # A column that is constant where it counts.
        s = (X[:, 1] < 0).astype(float)
        step = np.column_stack([X, np.maximum(X[:, 1], 0)])
        irls(step, y)
        with pytest.raises(RankDeficiencyError) as raised:
            irls(step, y, sample_weight=s)
        assert raised.value.columns == (4,)

    @pytest.mark.parametrize("factor", [1e-300, 1e-12, 1e12, 1e300])
    def test_the_unit_of_the_weights_does_not_matter(self, factor):
        X, y = OVERLAPPING["wdbc"]
        s = np.random.default_rng(0).uniform(0.5, 2, len(y))
        fit, other = irls(X, y, sample_weight=s), irls(X, y, sample_weight=factor * s)
        np.testing.assert_allclose(other.beta, fit.beta, rtol=1e-9)
        np.testing.assert_allclose(
            other.standard_errors() * np.sqrt(factor), fit.standard_errors(), rtol=1e-9
        )


class TestUnits:
    @pytest.mark.parametrize("factor", [1e8, 1e-8, 1e4, 1e-30])
    @pytest.mark.parametrize("column", [0, 1, 2, 3])
    def test_the_unit_of_a_column_does_not_matter(self, column, factor):
        X, y = OVERLAPPING["wdbc"]
        scale = np.ones(4)
        scale[column] = factor
        fit, other = irls(X, y), irls(X * scale, y)
        assert np.abs(expit(X * scale @ other.beta) - expit(X @ fit.beta)).max() <= 1e-8
        np.testing.assert_allclose(
            other.standard_errors() * scale, fit.standard_errors(), rtol=1e-6
        )
        assert other.gradient_norm <= 1e-8

    @pytest.mark.parametrize("factor", [1e100, 1e200, 1e-200, 1e-320])
    def test_units_out_of_range_are_named(self, factor):
        X, y = OVERLAPPING["wdbc"]
        with pytest.raises(ConvergenceError, match=r"olumn 2 of X.*[Ss]cale"):
            irls(X * [1, 1, factor, 1], y)

    @pytest.mark.parametrize("ridge", [0, 1.0])
    @pytest.mark.parametrize("offset", [2020, 1e4, 1e5])
    def test_an_offset_does_not_matter(self, offset, ridge):
        X, y = OVERLAPPING["wdbc"]
        years = np.random.default_rng(0).integers(-5, 6, len(y))
        near = irls(np.column_stack([X, years]), y, ridge=ridge)
        far = irls(np.column_stack([X, years + offset]), y, ridge=ridge)
        difference = np.column_stack([X, years]) @ near.beta
        difference -= np.column_stack([X, years + offset]) @ far.beta
        assert np.abs(difference).max() <= 1e-6
        np.testing.assert_allclose(far.standard_errors()[1:], near.standard_errors()[1:], rtol=1e-5)

    @pytest.mark.parametrize("ridge", [0, 1.0])
    @pytest.mark.parametrize("offset", [1e7, 1e9, 1e12])
    def test_an_offset_that_leaves_no_digits_is_named(self, offset, ridge):
        X, y = OVERLAPPING["wdbc"]
        years = offset + np.random.default_rng(0).integers(-5, 6, len(y))
        with pytest.raises(RankDeficiencyError, match="depend on each other.*Subtract") as raised:
            irls(np.column_stack([X, years]), y, ridge=ridge)
        assert raised.value.columns == (0, 4)


class TestStart:
    @pytest.mark.parametrize("size", [0.1, 2, 5, 30])
    @pytest.mark.parametrize("seed", range(3))
    def test_the_start_does_not_matter(self, seed, size):
        X, y = OVERLAPPING["wdbc"]
        beta0 = size * np.random.default_rng(seed).normal(size=4)
        fit, other = irls(X, y), irls(X, y, beta0=beta0, max_iter=200)
        np.testing.assert_allclose(other.beta, fit.beta, rtol=1e-7)
        assert other.path[0] == pytest.approx(bce_from_logits(y, X @ beta0))
        assert (np.diff(other.path) <= 1e-12 * other.path[:-1]).all()

    def test_control_full_steps_diverge_from_there(self):
        X, y = OVERLAPPING["wdbc"]
        beta0 = np.array([3.0, -3.0, 3.0, 3.0])
        full = beta0 - np.linalg.solve(hessian(X, beta0), gradient(X, y, beta0))
        assert bce_from_logits(y, X @ full) > 10 * bce_from_logits(y, X @ beta0)
        assert irls(X, y, beta0=beta0).converged

    def test_a_start_at_the_minimiser_takes_no_step(self):
        X, y = OVERLAPPING["wdbc"]
        fit = irls(X, y, tol=1e-12)
        again = irls(X, y, beta0=fit.beta)
        assert again.iterations == 0
        assert (again.beta == fit.beta).all()

    def test_a_start_out_of_range_is_named(self):
        X, y = OVERLAPPING["wdbc"]
        for size in (1e6, 1e300):
            with pytest.raises(ConvergenceError, match="probabilities are 0 or 1.*beta0 nearer to"):
                irls(X, y, beta0=np.full(4, size))

    @pytest.mark.parametrize("seed", range(5))
    def test_a_far_start_is_answered_right_or_named(self, seed):
        X, y = OVERLAPPING["wdbc"]
        beta0 = 300 * np.random.default_rng(seed).normal(size=4)
        try:
            fit = irls(X, y, beta0=beta0)
        except ConvergenceError as error:
            assert "beta0 nearer to 0" in str(error)
            fit = error.fit
        else:
            np.testing.assert_allclose(fit.beta, irls(X, y).beta, rtol=1e-7)
        assert (np.diff(fit.path) <= 1e-12 * fit.path[:-1]).all()

    def test_arguments_are_left_alone(self):
        X, y = OVERLAPPING["wdbc"]
        s, beta0 = np.full(len(y), 2.0), np.ones(4)
        copies = [a.copy() for a in (X, y, s, beta0)]
        irls(X, y, sample_weight=s, beta0=beta0, ridge=1)
        assert all((a == b).all() for a, b in zip((X, y, s, beta0), copies, strict=True))


def certified(error, X, y, s=None):
    """Whether the direction proves that the classes are separated."""
    used = np.ones(len(y), bool) if s is None else s > 0
    margins = ((2 * y - 1) * (X @ error.direction))[used]
    return bool(margins.min() >= 0 and margins.max() > 0)


SEPARATED = {
    "wdbc, all features": wdbc(),
    "wdbc, raw": (add_intercept(load_wdbc().features), load_wdbc().y),
    "one feature": (add_intercept([[0], [1], [2], [2.5], [3], [4]]), np.array([0, 0, 0, 1, 1, 1])),
    "hardly": (add_intercept([[0], [1], [2 - 1e-9], [2], [3]])[:, ::-1], np.array([1, 1, 1, 0, 0])),
    "two rows": (np.array([[1, 0], [1, 1.0]]), np.array([0, 1])),
}
group = np.repeat([0.0, 1.0], [60, 8])
noise = np.random.default_rng(7).normal(size=(68, 2))
mixed = (np.random.default_rng(9).random(68) < 0.5).astype(float)
TIED = {
    "tied point": (add_intercept([[0], [1], [2], [2], [3], [4]]), np.array([0, 0, 0, 1, 1, 1])),
    "indicator": (add_intercept(group[:, None]), np.where(group == 1, 1, mixed)),
    "indicator, 0": (add_intercept(group[:, None]), np.where(group == 1, 0, mixed)),
    "indicator and features": (np.column_stack([np.ones(68), noise, group]),
                               np.where(group == 1, 1, mixed)),
    "units": (np.column_stack([np.ones(68), 1e6 * noise, 1e-6 * group]),
              np.where(group == 1, 1, mixed)),
}  # fmt: skip


class TestSeparation:
    @pytest.mark.parametrize("name", SEPARATED)
    def test_complete(self, name):
        X, y = SEPARATED[name]
        with pytest.raises(SeparationError, match=r"\(complete separation\).*ridge") as raised:
            irls(X, y)
        assert certified(raised.value, X, y)
        assert ((2 * y - 1) * (X @ raised.value.direction)).min() > 0
        assert raised.value.fit.converged is False
        assert len(raised.value.fit.path) == raised.value.fit.iterations + 1

    def test_a_complete_separation_is_seen_at_the_first_beta_that_has_it(self):
        X, y = wdbc()
        with pytest.raises(SeparationError) as raised:
            irls(X, y)
        fit = raised.value.fit
        assert (fit.beta == raised.value.direction).all()
        # One step earlier the search for a direction has to find one.
        with pytest.raises(SeparationError) as before:
            irls(X, y, max_iter=fit.iterations - 1)
        assert ((2 * y - 1) * (X @ before.value.fit.beta)).min() < 0
        # The scores may be far below 1.
        X, y = SEPARATED["one feature"]
        with pytest.raises(SeparationError) as raised:
            irls(X, y)
        assert (raised.value.fit.beta == raised.value.direction).all()

    def test_with_a_ridge_a_beta_that_separates_is_no_reason(self):
        X, y = SEPARATED["one feature"]
        with pytest.raises(ConvergenceError, match="Raise max_iter") as raised:
            irls(X, y, ridge=1e-3, max_iter=1)
        assert ((2 * y - 1) * (X @ raised.value.fit.beta)).min() > 0

    def test_a_score_of_0_is_on_neither_side(self):
        X, y = add_intercept([[-2], [-1], [0]]), np.array([0, 0, 1])
        with pytest.raises(SeparationError, match="complete separation") as raised:
            irls(X, y, beta0=[0, 1000])
        assert raised.value.fit.beta.tolist() == [0, 1000]
        assert ((2 * y - 1) * (X @ raised.value.direction)).min() > 0

    @pytest.mark.parametrize("name", TIED)
    def test_with_ties(self, name):
        X, y = TIED[name]
        with pytest.raises(SeparationError, match=r"\(quasi-complete separation\)") as raised:
            irls(X, y)
        assert certified(raised.value, X, y)
        with pytest.raises(SeparationError):
            irls(X, y, max_iter=2000)

    @pytest.mark.parametrize("name", TIED)
    def test_far_out_along_the_direction(self, name):
        # The gradient and all curvature along it are 0 there, to all digits that matter.
        X, y = TIED[name]
        with pytest.raises(SeparationError) as raised:
            irls(X, y)
        direction = raised.value.direction / np.abs(X @ raised.value.direction).max()
        for size in (20, 45, 1000):
            with pytest.raises(SeparationError) as raised:
                irls(X, y, beta0=size * direction)
            assert certified(raised.value, X, y)

    @pytest.mark.parametrize("name", [*SEPARATED, *TIED])
    def test_a_newton_step_changes_a_score_by_1_or_more(self, name):
        # So the stopping rule cannot hold. By X'(p - y) = -X'WX step, along the direction d:
        # sum_i q_i a_i'd ((1 - q_i) move_i - 1) = 0, where q_i is the probability of the other
        # class and a_i'd >= 0. Some move_i is at least 1.
        X, y = {**SEPARATED, **TIED}[name]
        X = X / np.abs(X).max(axis=0)
        for size in (0, 0.3, 1):
            beta = size * np.random.default_rng(0).normal(size=X.shape[1])
            step = np.linalg.lstsq(hessian(X, beta), -gradient(X, y, beta), rcond=1e-15)[0]
            assert ((2 * y - 1) * (X @ step)).max() >= 1 - 1e-6

    @pytest.mark.parametrize("name", [*SEPARATED, *TIED])
    def test_a_ridge_gives_an_answer(self, name):
        X, y = {**SEPARATED, **TIED}[name]
        fit = irls(X, y, ridge=1e-3, penalize_intercept=bool(np.ptp(X[:, 0]) > 0))
        assert fit.converged

    def test_data_that_overlap_by_little_are_answered(self):
        X = add_intercept([[0], [1], [2 + 1e-6], [2], [3], [4]])
        y = np.array([0, 0, 0, 1, 1, 1])
        fit = irls(X, y)
        assert np.abs(gradient(X, y, fit.beta)).max() <= 1e-7

    @pytest.mark.parametrize("ridge", [0, 1.0])
    @pytest.mark.parametrize("label", [0, 1])
    def test_one_class(self, label, ridge):
        X, _ = wdbc([1, 4, 8])
        y = np.full(len(X), label)
        with pytest.raises(SeparationError, match=rf"y is {label} in every sample") as raised:
            irls(X, y, ridge=ridge)
        assert raised.value.direction.tolist() == [2 * label - 1, 0, 0, 0]
        with pytest.raises(SeparationError, match=rf"y is {label} in every sample"):
            irls(X[:1], y[:1], ridge=ridge)
        assert irls(X, y, ridge=1, penalize_intercept=True).converged

    def test_one_class_without_intercept(self):
        X, _ = wdbc([1, 4, 8])
        # Centred features separate nothing by themselves, and beta = 0 is the minimiser.
        y = np.ones(len(X))
        for unit in (1, 0.1):
            assert np.abs(irls(unit * X[:, 1:], y).beta).max() < 1e-7
        # The first column separates, or the second, or the first in all rows but one.
        but_one = np.append(0, y[1:])
        pairs = [(X[:, 1] - 10, X[:, 2]), (X[:, 1], -y), (but_one, X[:, 1]), (-but_one, X[:, 1])]
        for columns in map(np.column_stack, pairs):
            with pytest.raises(SeparationError) as raised:
                irls(columns, y)
            assert certified(raised.value, columns, y)

    def test_a_first_column_that_separates_is_no_column_of_ones(self):
        X, y = wdbc([1, 4, 8])
        X = np.column_stack([np.where(y == 1, 1.0, -1.0), X[:, 1:]])
        with pytest.raises(ValueError, match="the first column must hold ones"):
            irls(X, y, ridge=1.0)


class TestRank:
    @pytest.mark.parametrize(
        ("extra", "columns"),
        [
            pytest.param(lambda X: X[:, 1], (1, 4), id="duplicate"),
            pytest.param(lambda X: -1e-9 * X[:, 1], (1, 4), id="multiple"),
            pytest.param(lambda X: X[:, 1] + X[:, 2], (1, 2, 4), id="sum"),
            pytest.param(lambda X: X[:, 1:] @ [0.1, 0.3, 1e5], (1, 2, 3, 4), id="combination"),
            pytest.param(lambda X: np.full(len(X), 3.7), (0, 4), id="constant"),
            pytest.param(lambda X: np.zeros(len(X)), (4,), id="zeros"),
            pytest.param(lambda X: 1 - X[:, 1], (0, 1, 4), id="complement"),
        ],
    )
    @pytest.mark.parametrize("name", ["wdbc", "larger"])
    def test_dependent_columns_are_named(self, name, extra, columns):
        X, y = OVERLAPPING[name]
        X = np.column_stack([X[:, :4], extra(X[:, :4])])
        with pytest.raises(RankDeficiencyError, match="depend on each other") as raised:
            irls(X, y)
        # A column with a share of 1e-5 or less in the combination may go unnamed.
        assert set(raised.value.columns) <= set(columns)
        assert 4 in raised.value.columns
        if "combination" not in str(columns) and columns != (1, 2, 3, 4):
            assert raised.value.columns == columns
        assert irls(X, y, ridge=1.0, penalize_intercept=True).converged

    def test_fewer_samples_than_columns(self):
        X, y = random_problem(2, 10, 20)
        with pytest.raises(RankDeficiencyError) as raised:
            irls(X, y)
        assert raised.value.columns == tuple(range(21))
        # The same samples many times are no more.
        with pytest.raises(RankDeficiencyError):
            irls(np.tile(X, (50, 1)), np.tile(y, 50))

    def test_a_ridge_that_is_lost_in_rounding(self):
        X, y = OVERLAPPING["wdbc"]
        twice = np.column_stack([X, X[:, 1]])
        with pytest.raises(RankDeficiencyError, match="larger ridge") as raised:
            irls(twice, y, ridge=1e-11)
        assert raised.value.columns == (1, 4)
        fit = irls(twice, y, ridge=1e-3)
        assert fit.beta[1] == pytest.approx(fit.beta[4], rel=1e-6)

    def test_a_ridge_needs_the_free_column_only(self):
        X, y = OVERLAPPING["wdbc"]
        fit = irls(np.column_stack([X, np.zeros(len(X))]), y, ridge=1.0)
        assert fit.beta[4] == 0
        with pytest.raises(ValueError, match=r"^X\[:, 0\] holds 0\.0 in a sample of positive weight; the first column must hold ones"):
            irls(np.column_stack([np.zeros(len(X)), X[:, 1:]]), y, ridge=1.0)

    def test_almost_dependent_columns_still_have_an_answer(self):
        X, y = OVERLAPPING["wdbc"]
        rng = np.random.default_rng(0)
        X = np.column_stack([X, X[:, 1] + 1e-4 * rng.normal(size=len(X))])
        peer = sm.GLM(y, X, family=sm.families.Binomial()).fit(tol=1e-13, maxiter=200)
        np.testing.assert_allclose(irls(X, y).standard_errors(), peer.bse, rtol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_the_solution_of_a_system_has_the_same_digits_in_all_units(seed):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(9, 6))
    H, right, units = A.T @ A, rng.normal(size=6), np.ldexp(1.0, rng.integers(-300, 300, 6))
    solution = solve_scaled(H, right)
    np.testing.assert_allclose(H @ solution, right, rtol=1e-10)
    assert (solve_scaled(units[:, None] * H * units, units * right) * units == solution).all()


def test_the_rank_does_not_depend_on_the_number_of_rows():
    rng = np.random.default_rng(0)
    x = rng.normal(size=50)
    X = np.column_stack([x, x + 5e-3 * rng.normal(size=50), rng.normal(size=50)])
    for times in (1, 2000):
        rows = np.tile(X, (times, 1))
        assert dependent_columns(rows, smallest=1e-2) == (0, 1)
        assert dependent_columns(rows, smallest=1e-3) == ()


def linear_program(X, y):
    """Whether some b has (2y - 1) X b >= 0, not all 0: the sum of the margins can then grow."""
    A = (2 * y - 1)[:, None] * X
    found = linprog(-A.sum(axis=0), A_ub=-A, b_ub=np.zeros(len(y)), bounds=(-1, 1))
    return -found.fun > 1e-7


@pytest.mark.parametrize("block", range(6))
def test_sweep_of_small_problems(block):
    """Whole-number data with ties, dependent columns and every kind of separation."""
    outcomes = {"fit": 0, "separated": 0, "dependent": 0}
    for seed in range(40 * block, 40 * (block + 1)):
        rng = np.random.default_rng(seed)
        n, d = rng.integers(4, 30), rng.integers(1, 4)
        X = add_intercept(rng.integers(-2, 3, (n, d)))
        if seed % 5 == 0:
            X[:, d] = 1 - X[:, 1]
        y = (rng.random(n) < expit(1.5 * X[:, 1] + rng.normal())).astype(float)
        s = rng.integers(0, 3, n) if seed % 3 == 0 else np.ones(n)
        if not s.any():
            continue
        used = s > 0
        X, full = X * np.ldexp(1.0, rng.integers(-20, 20, d + 1)), X
        rank = np.linalg.matrix_rank(full[used])
        try:
            fit = irls(X, y, sample_weight=s)
        except SeparationError as error:
            outcomes["separated"] += 1
            assert certified(error, X, y, s)
            # One class is said before the rank is looked at.
            assert rank == d + 1 or len(set(y[used])) == 1
        except RankDeficiencyError as error:
            outcomes["dependent"] += 1
            assert rank < d + 1
            rest = np.delete(full, error.columns[0], axis=1)
            assert np.linalg.matrix_rank(rest[used]) == rank
        else:
            outcomes["fit"] += 1
            assert rank == d + 1
            assert not linear_program(full[used], y[used])
            g = gradient(X, y, fit.beta, sample_weight=s)
            assert np.abs(g).max() <= 1e-7 * np.sum(s)
    # The sweep must meet all three.
    assert min(outcomes.values()) >= 2, outcomes


@pytest.mark.parametrize("seed", range(20))
def test_sweep_of_ridges(seed):
    rng = np.random.default_rng(100 + seed)
    n, d = rng.integers(2, 60), rng.integers(1, 30)
    X = add_intercept(rng.standard_t(2, size=(n, d)) * 10.0 ** rng.integers(-3, 4, d))
    y = (rng.random(n) < 0.5).astype(float)
    y[:2] = [0, 1]
    ridge, s = 10.0 ** rng.uniform(-2, 4), rng.uniform(0.1, 3, n)
    fit = irls(X, y, ridge=ridge, sample_weight=s)
    left = slope(X, y, fit.beta, penalty_of(X, ridge), s)
    rounding = 1e-14 * (s @ np.abs(X) + ridge * np.abs(fit.beta)).max()
    assert np.abs(left).max() <= 1e-8 * s.sum() + rounding
    assert (np.diff(fit.path) <= 1e-12 * fit.path[:-1]).all()


def test_memory_does_not_grow_with_the_columns():
    X, y = random_problem(3, 100_000, 20)
    irls(X[:5000], y[:5000], ridge=1.0)
    tracemalloc.start()
    try:
        irls(X, y, ridge=1.0)
        peak = tracemalloc.get_traced_memory()[1]
        # Control: one array as large as X would be seen.
        copy = 2 * X
        assert tracemalloc.get_traced_memory()[1] > copy.nbytes > 2 * peak
    finally:
        tracemalloc.stop()
    assert peak < 6e6


def test_types_of_arguments():
    X, y = OVERLAPPING["small"]
    fit = irls(X, y)
    assert fit.beta.dtype == fit.hessian.dtype == fit.path.dtype == np.float64
    assert type(fit.loss) is type(fit.gradient_norm) is float
    for same in (irls(X.tolist(), y.tolist()), irls(X, y.astype(bool)), irls(X, y.astype(int))):
        assert (same.beta == fit.beta).all()
    single = irls(X.astype(np.float32), y.astype(np.float32))
    assert single.beta.dtype == np.float64
    np.testing.assert_allclose(single.beta, fit.beta, rtol=1e-4)


def test_an_intercept_alone_is_the_logit_of_the_share():
    y = np.array([0, 1, 1, 0, 1])
    fit = irls(np.ones((5, 1)), y)
    assert fit.beta[0] == pytest.approx(np.log(3 / 2), abs=1e-12)
    assert fit.standard_errors()[0] == pytest.approx(1 / np.sqrt(5 * 0.6 * 0.4))


def test_max_iter_counts_steps():
    X, y = OVERLAPPING["wdbc"]
    steps = irls(X, y).iterations
    assert irls(X, y, max_iter=steps).iterations == steps
    with pytest.raises(ConvergenceError, match=rf"at step {steps - 1}.*Raise max_iter") as raised:
        irls(X, y, max_iter=steps - 1)
    fit = raised.value.fit
    assert fit.converged is False
    assert fit.iterations == steps - 1
    with pytest.raises(ValueError, match="did not converge"):
        fit.standard_errors()
    # In other units of the weights, the Hessian is small, and nothing is wrong with it.
    with pytest.raises(ConvergenceError, match="Raise max_iter"):
        irls(X, y, sample_weight=np.full(len(y), 1e-6), max_iter=steps - 1)


def test_a_gradient_of_exactly_tol_is_small_enough():
    X, y = challenger()
    X = X * [1, 1e6]  # so that the gradient decides, and not the scores
    fit = irls(X, y, tol=1e-2)
    assert fit.iterations == irls(X, y, tol=fit.gradient_norm).iterations


def test_a_tolerance_below_rounding_is_named():
    X, y = OVERLAPPING["wdbc"]
    with pytest.raises(ConvergenceError, match="what is left is rounding"):
        irls(X, y, tol=1e-20)
    huge = X * [1, 1e14, 1, 1]
    huge[0, 1] = 0
    with pytest.raises(ConvergenceError, match="what is left is rounding. Column 1 of X has"):
        irls(huge, y)


def test_no_flag_of_the_processor_leaks():
    with np.errstate(all="raise"):
        for X, y in OVERLAPPING.values():
            irls(X, y)
        for X, y in TIED.values():
            with pytest.raises(SeparationError):
                irls(X, y)


X4, Y4 = [[1, -1], [1, 0], [1, 1], [1, 2]], [0, 1, 0, 1]
BAD = [
    (X4, Y4, {"ridge": -1}, ValueError, r"^ridge is -1\.0; it must be finite and 0 or more"),
    (X4, Y4, {"ridge": np.nan}, ValueError, r"^ridge is nan"),
    (X4, Y4, {"ridge": np.inf}, ValueError, r"^ridge is inf"),
    (X4, Y4, {"ridge": "1"}, TypeError, r"^ridge is '1'; pass one real number"),
    (X4, Y4, {"ridge": [1, 1]}, TypeError, r"^ridge is \[1, 1\]"),
    (X4, Y4, {"ridge": True}, TypeError, r"^ridge is True"),
    (X4, Y4, {"penalize_intercept": "no"}, TypeError, r"^penalize_intercept is 'no'; pass True or"),
    (X4, Y4, {"penalize_intercept": 1}, TypeError, r"^penalize_intercept is 1; pass True or"),
    (X4, Y4, {"tol": -1e-8}, ValueError, r"^tol is -1e-08; it must be finite and above 0"),
    (X4, Y4, {"tol": 0}, ValueError, r"^tol is 0\.0"),
    (X4, Y4, {"max_iter": 0}, ValueError, r"^max_iter is 0; it must be 1 or more"),
    (X4, Y4, {"max_iter": 1.5}, TypeError, r"^max_iter is 1\.5; pass a whole number"),
    (X4, Y4, {"beta0": [1, 2, 3]}, ValueError, r"^beta0 has shape \(3,\) and X has shape \(4, 2\)"),
    (X4, Y4, {"beta0": [1, np.inf]}, ValueError, r"^beta0\[1\] is inf"),
    (X4, Y4, {"sample_weight": [0] * 4}, ValueError, r"^sample_weight is 0 everywhere; .*above 0"),
    (X4, Y4, {"sample_weight": [1, -1, 1, 1]}, ValueError, r"^sample_weight\[1\] is -1\.0"),
    (X4, Y4, {"sample_weight": [1, np.nan, 1, 1]}, ValueError, r"^sample_weight\[1\] is nan"),
    (X4, Y4, {"sample_weight": [1]}, ValueError, r"^sample_weight has shape \(1,\)"),
    (X4, [1, 2, 1, 2], {}, ValueError, r"^y\[1\] is 2\.0; .*\{1, 2\}, pass y - 1"),
    (X4, [-1, 1, -1, 1], {}, ValueError, r"^y\[0\] is -1\.0; .*\(y \+ 1\) / 2"),
    (X4, [0, 0.5, 1, 1], {}, ValueError, r"^y\[1\] is 0\.5"),
    (X4, [0, np.nan, 1, 1], {}, ValueError, r"^y\[1\] is nan"),
    (X4, ["a", "b", "a", "b"], {}, TypeError, r"^y\[0\] is 'a'"),
    (X4, [0, 1, 1], {}, ValueError, r"^y has shape \(3,\) and X has shape \(4, 2\)"),
    (X4, [[0], [1], [0], [1]], {}, ValueError, r"^y has shape \(4, 1\) .*y\.ravel\(\)"),
    ([[1, 1], [1, np.inf], [1, 2], [1, 3]], Y4, {}, ValueError, r"^X\[1, 1\] is inf"),
    ([[1, 1], [1, np.nan], [1, 2], [1, 3]], Y4, {}, ValueError, r"^X\[1, 1\] is nan"),
    ([1, 2, 3, 4], Y4, {}, ValueError, r"^X has shape \(4,\); it must be 2-d"),
    (np.empty((0, 2)), [], {}, ValueError, r"^X has no rows"),
    (np.empty((4, 0)), Y4, {}, ValueError, r"^X has no columns; call add_intercept"),
    (None, Y4, {}, TypeError, r"^X is None"),
]  # fmt: skip


@pytest.mark.parametrize(("X", "y", "options", "error", "message"), BAD)
def test_bad_input(X, y, options, error, message):
    with np.errstate(all="raise"), pytest.raises(error, match=message):
        irls(X, y, **options)


def test_examples_in_the_docstrings():
    results = doctest.testmod(module)
    assert results.failed == 0
    assert results.attempted >= 4


def test_the_least_pivot_of_a_diagonal_matrix_is_1():
    assert least_pivot(np.diag([1e-8, 1.0, 1e8])) == pytest.approx(1, rel=1e-12)
    # A pivot is 1 - R**2 of a column on those before it.
    assert least_pivot(np.array([[1.0, 0.6], [0.6, 1.0]])) == pytest.approx(0.64, rel=1e-12)
    assert least_pivot(np.array([[1.0, 2.0], [2.0, 1.0]])) == 0


def test_a_fit_cannot_be_changed():
    fit = irls(np.ones((4, 1)), [0, 1, 0, 1])
    with pytest.raises(AttributeError):
        fit.beta = np.zeros(1)


def test_errors_come_back_from_another_process():
    apart = np.array([[1.0, -1.0], [1.0, 1.0]]), [0, 1]
    twins = np.ones((4, 2)), [0, 1, 0, 1]
    for X, y in (apart, twins):
        with pytest.raises((SeparationError, RankDeficiencyError)) as caught:
            irls(X, y)
        again = pickle.loads(pickle.dumps(caught.value))
        assert type(again) is type(caught.value) and str(again) == str(caught.value)
        name = "direction" if isinstance(again, SeparationError) else "columns"
        assert np.array_equal(getattr(again, name), getattr(caught.value, name))
    with pytest.raises(ConvergenceError) as caught:
        irls(add_intercept(load_wdbc().features[:, :3]), load_wdbc().y, max_iter=1)
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value) and again.fit.loss == caught.value.fit.loss


@pytest.mark.parametrize("tol", [1, 2, 10])
def test_a_large_tolerance_is_no_way_to_fit_separated_data(tol):
    x = add_intercept(np.array([[-1.0], [0.0], [0.0], [1.0]]))
    with pytest.raises((SeparationError, ConvergenceError)):
        irls(x, [0, 0, 1, 1], tol=tol)


def test_a_ridge_wants_the_ones_first():
    x = np.random.default_rng(8).normal(size=(40, 2))
    y = np.arange(40) % 2
    with pytest.raises(ValueError, match=r"^X\[:, 0\] holds .*; the first column must hold ones"):
        irls(x, y, ridge=1.0)
    with pytest.raises(ValueError, match=r"Call add_intercept"):
        irls(np.column_stack([x, np.ones(40)]), y, ridge=1.0)
    assert irls(x, y, ridge=1.0, penalize_intercept=True).converged
    assert irls(x, y).converged


def test_fits_can_be_compared_and_collected():
    fit = irls(np.ones((4, 1)), [0, 1, 0, 1])
    assert fit == fit and len({fit}) == 1
