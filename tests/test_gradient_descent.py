"""Gradient descent against its formula, other solvers, and data on which it must not answer."""

import doctest
import importlib

import numpy as np
import pytest
import statsmodels.api as sm

from lrmath._fit import ConvergenceError, RankDeficiencyError, SeparationError
from lrmath.bce import bce_from_logits
from lrmath.chain_rule import add_intercept, gradient
from lrmath.data import load_challenger, load_wdbc
from lrmath.gradient_descent import gradient_descent
from lrmath.hessian import hessian
from lrmath.irls import irls
from lrmath.sigmoid import sigmoid

pytestmark = pytest.mark.filterwarnings("error")


def standardised(features):
    return add_intercept((features - features.mean(axis=0)) / features.std(axis=0))


def challenger():
    data = load_challenger()
    return standardised(data.features), data.y


def wdbc():
    data = load_wdbc()
    return standardised(data.features[:, [1, 4, 8]]), data.y


def overlapping(seed, n=60, d=2):
    rng = np.random.default_rng(seed)
    X = add_intercept(rng.normal(size=(n, d)))
    return X, (rng.random(n) < sigmoid(X @ rng.normal(size=d + 1))).astype(float)


PROBLEMS = [challenger(), wdbc(), overlapping(0), overlapping(1, 200, 4)]


def largest_curvature(X, s):
    return np.linalg.norm(np.sqrt(s)[:, None] * X, 2) ** 2 / 4


def by_hand(X, y, beta, rate, steps, s):
    """The textbook loop, with 1 - p by subtraction."""
    path = []
    for _ in range(steps + 1):
        p = 1 / (1 + np.exp(-X @ beta))
        path.append(-np.sum(s * (y * np.log(p) + (1 - y) * np.log(1 - p))))
        beta = beta - rate * X.T @ (s * (p - y))
    return np.array(path)


@pytest.mark.parametrize("k", range(len(PROBLEMS)))
class TestConverged:
    def test_takes_the_steps_of_the_formula(self, k):
        X, y = PROBLEMS[k]
        s = np.random.default_rng(k).uniform(0.5, 2, len(y))
        beta0 = np.random.default_rng(k).normal(size=X.shape[1])
        rate = 0.7 / largest_curvature(X, s)
        fit = gradient_descent(X, y, learning_rate=rate, beta0=beta0, sample_weight=s, tol=1e-6)
        path = by_hand(X, y, beta0, rate, fit.iterations, s)
        np.testing.assert_allclose(fit.path, path, rtol=1e-9)
        # Control: another rate or other weights give another path.
        for r, w in ((1.01 * rate, s), (rate, np.ones(len(y)))):
            assert not np.allclose(path, by_hand(X, y, beta0, r, fit.iterations, w), rtol=1e-5)

    def test_what_it_returns_is_true(self, k):
        X, y = PROBLEMS[k]
        fit = gradient_descent(X, y)
        assert fit.converged is True
        assert fit.gradient_norm == pytest.approx(
            np.abs(gradient(X, y, fit.beta)).max() / len(y), rel=1e-4
        )
        assert fit.gradient_norm <= 1e-8
        assert fit.loss == fit.path[-1] == pytest.approx(bce_from_logits(y, X @ fit.beta))
        assert len(fit.path) == fit.iterations + 1 > 10
        assert fit.path[0] == pytest.approx(len(y) * np.log(2))
        assert (fit.hessian == hessian(X, fit.beta)).all()

    def test_agrees_with_statsmodels(self, k):
        X, y = PROBLEMS[k]
        fit = gradient_descent(X, y)
        peer = sm.Logit(y, X).fit(disp=False, method="newton", tol=1e-12, maxiter=100)
        slopes = np.abs(gradient(X, y, fit.beta)) + np.abs(gradient(X, y, peer.params))
        # To first order, an error of the gradient changes beta by the inverse Hessian times it.
        allowed = 2 * np.abs(np.linalg.inv(hessian(X, fit.beta))) @ slopes + 1e-13
        assert (np.abs(fit.beta - peer.params) <= allowed).all()
        assert allowed.max() < 1e-5
        np.testing.assert_allclose(fit.standard_errors(), peer.bse, rtol=1e-5)

    def test_the_default_rate_is_1_over_L_and_the_loss_falls(self, k):
        X, y = PROBLEMS[k]
        s = np.random.default_rng(k).uniform(0.5, 2, len(y))
        rate = 1 / largest_curvature(X, s)
        fit = gradient_descent(X, y, sample_weight=s, tol=1e-4)
        same = gradient_descent(X, y, sample_weight=s, tol=1e-4, learning_rate=rate)
        np.testing.assert_allclose(fit.path, same.path, rtol=1e-12)
        assert (np.diff(fit.path) < 0).all()
        # The descent lemma: each step gains at least |gradient|**2 / (2 L).
        first = gradient(X, y, np.zeros(X.shape[1]), sample_weight=s)
        assert fit.path[0] - fit.path[1] >= rate / 2 * first @ first * (1 - 1e-12)

    def test_does_not_depend_on_the_order_of_the_rows(self, k):
        X, y = PROBLEMS[k]
        order = np.random.default_rng(k).permutation(len(y))
        a, b = gradient_descent(X, y, tol=1e-5), gradient_descent(X[order], y[order], tol=1e-5)
        np.testing.assert_allclose(a.beta, b.beta, rtol=1e-9)


def test_weights_are_repeated_rows_and_weight_0_drops_a_row():
    X, y = PROBLEMS[3]
    counts = np.random.default_rng(1).integers(0, 4, len(y))
    rate = 1 / largest_curvature(X, counts)
    weighted = gradient_descent(X, y, sample_weight=counts, learning_rate=rate)
    repeated = gradient_descent(
        np.repeat(X, counts, axis=0), np.repeat(y, counts), learning_rate=rate
    )
    np.testing.assert_allclose(weighted.beta, repeated.beta, rtol=1e-10)
    assert weighted.iterations == repeated.iterations
    used = counts > 0
    dropped = gradient_descent(X[used], y[used], sample_weight=counts[used], learning_rate=rate)
    assert (dropped.beta == weighted.beta).all()
    assert not np.allclose(weighted.beta, gradient_descent(X, y).beta)


def test_starts_where_it_is_told():
    X, y = challenger()
    done = gradient_descent(X, y)
    again = gradient_descent(X, y, beta0=done.beta)
    assert again.iterations == 0
    assert (again.beta == done.beta).all()
    assert gradient_descent(X, y, beta0=[3, 3]).path[0] == bce_from_logits(y, X @ [3, 3])


def test_does_not_change_its_arguments():
    X, y = challenger()
    beta0, s = np.ones(2), np.ones(23)
    copies = [a.copy() for a in (X, y, beta0, s)]
    gradient_descent(X, y, beta0=beta0, sample_weight=s)
    assert all((a == b).all() for a, b in zip((X, y, beta0, s), copies, strict=True))


def test_too_large_a_rate_is_named():
    X, y = challenger()
    limit = 2 / largest_curvature(X, np.ones(23))
    # At the minimiser the curvature is less than L, so that the rate must be well above 2 / L.
    message = rf"the loss rose .*learning_rate is 1, .* below 2 / L = {limit:.3g}\."
    with pytest.raises(ConvergenceError, match=message) as raised:
        gradient_descent(X, y, learning_rate=1, max_iter=60)
    fit = raised.value.fit
    assert fit.converged is False
    assert fit.hessian is None
    assert len(fit.path) == 61
    assert np.diff(fit.path).max() > 0
    np.testing.assert_allclose(fit.path, by_hand(X, y, np.zeros(2), 1, 60, np.ones(23)), rtol=1e-6)
    with pytest.raises(ValueError, match="did not converge"):
        fit.covariance()
    # A loss in smaller units rises by less, and no less truly.
    small = np.full(23, 1e-3)
    with pytest.raises(ConvergenceError, match="the loss rose"):
        gradient_descent(X, y, learning_rate=1000, max_iter=60, sample_weight=small)


def test_a_loss_that_did_not_rise_is_not_said_to_have_risen():
    X, y = challenger()
    rate = 2.1 / largest_curvature(X, np.ones(23))
    with pytest.raises(ConvergenceError, match="tol = 1e-08 was not reached") as raised:
        gradient_descent(X, y, learning_rate=rate, max_iter=7)
    assert (np.diff(raised.value.fit.path) < 0).all()
    # The loss is even, and the steps end up going to and fro between b and -b.
    X, y, beta0 = [[1], [1]], [0, 1], [1.0]
    for _ in range(2):
        with pytest.raises(ConvergenceError) as raised:
            gradient_descent(X, y, learning_rate=4.5, max_iter=999, beta0=beta0)
        beta0 = raised.value.fit.beta
    assert "not reached" in str(raised.value)
    assert beta0[0] != 0
    assert (np.diff(raised.value.fit.path) == 0).all()


def test_too_few_steps_are_named():
    X, y = wdbc()
    with pytest.raises(ConvergenceError, match=r"at step 7, and tol = 1e-08 was not reached") as e:
        gradient_descent(X, y, max_iter=7)
    assert e.value.fit.iterations == 7
    assert len(e.value.fit.path) == 8
    assert e.value.fit.gradient_norm > 1e-8


def test_max_iter_counts_steps():
    X, y = challenger()
    steps = gradient_descent(X, y).iterations
    assert gradient_descent(X, y, max_iter=steps).iterations == steps
    with pytest.raises(ConvergenceError):
        gradient_descent(X, y, max_iter=steps - 1)


def test_a_gradient_of_exactly_tol_is_small_enough():
    X, y = challenger()
    fit = gradient_descent(X, y, tol=1e-4)
    same = gradient_descent(X, y, tol=fit.gradient_norm)
    assert same.iterations == fit.iterations
    X, y = TIED
    with pytest.raises(SeparationError) as raised:
        gradient_descent(X, y, beta0=[0, 20])
    with pytest.raises(SeparationError):
        gradient_descent(X, y, beta0=[0, 20], tol=raised.value.fit.gradient_norm)


def test_a_loss_that_is_not_finite_stops_at_once():
    X, y = challenger()
    with pytest.raises(ConvergenceError, match="the loss is inf at step 0.*beta0") as raised:
        gradient_descent(X, y, beta0=[1e308, 1e308])
    assert raised.value.fit.path.tolist() == [np.inf]
    with pytest.raises(ConvergenceError, match=r"the loss rose .* is inf at step 1\."):
        gradient_descent(X, y, learning_rate=1e308)


COMPLETE = add_intercept([[-2], [-1], [1], [2.0]]), np.array([0, 0, 1, 1])
TIED = add_intercept([[-2], [-1], [0], [0], [1], [2.0]]), np.array([0, 0, 0, 1, 1, 1])


@pytest.mark.parametrize("rate", [None, 0.1, 1.0, 1e5, 1e308])
def test_complete_separation_is_never_answered(rate):
    X, y = COMPLETE
    with pytest.raises(SeparationError, match=r"complete separation.*Call irls with a r") as raised:
        gradient_descent(X, y, learning_rate=rate, max_iter=200)
    assert ((2 * y - 1) * (X @ raised.value.direction)).min() > 0
    fit = raised.value.fit
    assert fit.converged is False
    assert fit.path[0] == pytest.approx(4 * np.log(2))
    assert fit.path[-1] < 0.2
    # The control: with the large rate the gradient alone would have said "converged".
    assert (fit.gradient_norm <= 1e-8) == (rate in (1e5, 1e308))


def test_complete_separation_is_seen_at_any_beta_that_has_it():
    X, y = COMPLETE
    # After a single step, with scores far below 1; and where some scores overflow.
    for options in ({"learning_rate": 0.01, "max_iter": 1}, {"beta0": [0, 1e308]}):
        with pytest.raises(SeparationError, match="complete separation") as raised:
            gradient_descent(X, y, **options)
        assert (raised.value.direction == raised.value.fit.beta).all()


def test_a_score_of_0_is_on_neither_side():
    X, y = add_intercept([[-2], [-1], [0]]), np.array([0, 0, 1])
    with pytest.raises(SeparationError, match="complete separation") as raised:
        gradient_descent(X, y, beta0=[0, 1000], tol=0.5)
    assert raised.value.fit.beta.tolist() == [0, 1000]
    assert ((2 * y - 1) * (X @ raised.value.direction)).min() > 0


def test_one_large_step_is_not_taken_for_an_answer():
    # Here the Newton step changes both scores by 1 exactly, or by a little less in rounding.
    X, y = np.array([[1, 0], [-1, 1]]), np.array([0, 1])
    for rate in np.linspace(20, 60, 100):
        with pytest.raises(SeparationError) as raised:
            gradient_descent(X, y, learning_rate=rate, tol=0.1)
        assert raised.value.fit.iterations == 1
        assert ((2 * y - 1) * (X @ raised.value.direction)).min() > 0


def test_one_class_is_refused_before_the_first_step():
    X, _ = challenger()
    with pytest.raises(SeparationError, match="y is 1 in every sample.*samples of both classes") as raised:
        gradient_descent(X, np.ones(len(X)))
    assert (X @ raised.value.direction).min() > 0 and raised.value.fit is None


def test_the_start_stays_the_callers():
    X, y = challenger()
    start = irls(X, y).beta
    for fit in (gradient_descent(X, y, beta0=start, tol=1e-3), irls(X, y, beta0=start, tol=1e-3)):
        assert fit.iterations == 0 and not np.shares_memory(fit.beta, start)


def test_separation_with_ties_is_never_answered():
    X, y = TIED
    direction = np.array([0, 40.0])
    # Far out along the direction the gradient is 0 to all digits.
    assert np.abs(gradient(X, y, direction)).max() < 1e-15
    with pytest.raises(SeparationError, match="quasi-complete separation") as raised:
        gradient_descent(X, y, beta0=direction)
    margins = (2 * y - 1) * (X @ raised.value.direction)
    assert margins.min() >= 0
    assert margins.max() > 0
    with pytest.raises(ConvergenceError):
        gradient_descent(X, y, max_iter=50)


def test_a_gradient_that_is_small_for_its_units_only_is_no_minimum():
    X, y = challenger()
    X = X * [1, 1e-9]
    with pytest.raises(ConvergenceError, match=r"below tol.*step would change a score by 0\.5"):
        gradient_descent(X, y)


def test_one_class():
    X, _ = challenger()
    for y in (np.zeros(23), np.ones(23)):
        with pytest.raises(SeparationError) as raised:
            gradient_descent(X, y, max_iter=100)
        assert ((2 * y - 1) * (X @ raised.value.direction)).min() > 0


@pytest.mark.parametrize(
    ("extra", "columns"),
    [
        (lambda X: X[:, 1], (1, 2)),
        (lambda X: np.full(len(X), 3.0), (0, 2)),
        (lambda X: np.zeros(len(X)), (2,)),
    ],
)
def test_dependent_columns_are_named(extra, columns):
    X, y = challenger()
    with pytest.raises(RankDeficiencyError, match="depend on each other") as raised:
        gradient_descent(np.column_stack([X, extra(X)]), y)
    assert raised.value.columns == columns


def test_no_flag_of_the_processor_leaks():
    X, y = challenger()
    with np.errstate(all="raise"):
        gradient_descent(X, y, beta0=[1e-310, 1e-310], tol=1e-3)
        for c, size in ((1e-200, "0"), (1e200, "inf"), ([1, 1e200], "inf")):
            with pytest.raises(ValueError, match=f"largest eigenvalue .* is {size}, out of the r"):
                gradient_descent(c * X, y)
        # The largest size at which 1 / L is infinite.
        with pytest.raises(ValueError, match="largest eigenvalue .* is 2.23e-308, out of the r"):
            gradient_descent([[2.0**-511], [0]], [1, 0])


X4, Y4 = [[1, -1], [1, 0], [1, 1], [1, 2]], [0, 1, 0, 1]
BAD = [
    (X4, Y4, {"learning_rate": 0}, ValueError, r"^learning_rate is 0\.0; .* above 0"),
    (X4, Y4, {"learning_rate": -1}, ValueError, r"^learning_rate is -1\.0"),
    (X4, Y4, {"learning_rate": np.nan}, ValueError, r"^learning_rate is nan"),
    (X4, Y4, {"learning_rate": np.inf}, ValueError, r"^learning_rate is inf"),
    (X4, Y4, {"learning_rate": "1"}, TypeError, r"^learning_rate is '1'"),
    (X4, Y4, {"learning_rate": [1]}, TypeError, r"^learning_rate is \[1\]; pass one real number"),
    (X4, Y4, {"tol": 0}, ValueError, r"^tol is 0\.0"),
    (X4, Y4, {"tol": None}, TypeError, r"^tol is None"),
    (X4, Y4, {"max_iter": 0}, ValueError, r"^max_iter is 0; it must be 1 or more"),
    (X4, Y4, {"max_iter": 10.0}, TypeError, r"^max_iter is 10\.0; pass a whole number"),
    (X4, Y4, {"max_iter": True}, TypeError, r"^max_iter is True"),
    (X4, Y4, {"beta0": [1]}, ValueError, r"^beta0 has shape \(1,\) and X has shape \(4, 2\)"),
    (X4, Y4, {"beta0": [1, np.nan]}, ValueError, r"^beta0\[1\] is nan"),
    (X4, Y4, {"sample_weight": [0, 0, 0, 0]}, ValueError, r"^sample_weight is 0 everywhere"),
    (X4, Y4, {"sample_weight": [1, 1, 1, -1]}, ValueError, r"^sample_weight\[3\] is -1\.0"),
    (X4, Y4, {"sample_weight": [1, 1]}, ValueError, r"^sample_weight has shape \(2,\) and X has"),
    (X4, Y4, {"sample_weight": [1e308] * 4}, ValueError, r"^sample_weight has an infinite sum"),
    (X4, [1, 2, 1, 2], {}, ValueError, r"^y\[1\] is 2\.0; .*\{1, 2\}, pass y - 1"),
    (X4, [-1, 1, 1, 1], {}, ValueError, r"^y\[0\] is -1\.0; .*\(y \+ 1\) / 2"),
    (X4, [0, 0.5, 1, 1], {}, ValueError, r"^y\[1\] is 0\.5"),
    (X4, [[0], [1], [0], [1]], {}, ValueError, r"^y has shape \(4, 1\) .*y\.ravel\(\)"),
    (X4, [0, 1], {}, ValueError, r"^y has shape \(2,\) and X has shape \(4, 2\)"),
    (np.full((4, 2), np.nan), Y4, {}, ValueError, r"^X\[0, 0\] is nan"),
    (np.empty((0, 2)), [], {}, ValueError, r"^X has no rows"),
    (np.empty((4, 0)), Y4, {}, ValueError, r"^X has no columns"),
    ([1, 2, 3, 4], Y4, {}, ValueError, r"^X has shape \(4,\); it must be 2-d"),
]  # fmt: skip


@pytest.mark.parametrize(("X", "y", "options", "error", "message"), BAD)
def test_bad_input(X, y, options, error, message):
    with np.errstate(all="raise"), pytest.raises(error, match=message):
        gradient_descent(X, y, **options)


def test_examples_in_the_docstrings():
    results = doctest.testmod(importlib.import_module("lrmath.gradient_descent"))
    assert results.failed == 0
    assert results.attempted >= 3
