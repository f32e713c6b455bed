"""Gradient, Hessian and fit of lrmath.softmax against definitions, finite differences and peers."""

import doctest
import importlib
from fractions import Fraction
from functools import cache

import mpmath
import numpy as np
import pytest
import statsmodels.api as sm
from sklearn.linear_model import LogisticRegression

from lrmath import add_intercept, gradient, hessian, irls
from lrmath._fit import ConvergenceError, RankDeficiencyError, SeparationError
from lrmath.data import load_iris
from lrmath.log_sum_exp import cross_entropy_from_logits, softmax
from lrmath.softmax import fit_softmax, softmax_gradient, softmax_hessian
from lrmath.verify import check_gradient, check_hessian, check_jacobian, random_points

pytestmark = pytest.mark.filterwarnings("error")


def sample(n=300, d=3, K=4, seed=0, scale=0.8):
    """A random problem whose classes overlap: X, y, weights."""
    rng = np.random.default_rng(seed)
    X = add_intercept(rng.normal(size=(n, d)))
    B = scale * rng.normal(size=(d + 1, K))
    y = np.argmax(X @ B + rng.gumbel(size=(n, K)), axis=1)
    y[:K] = range(K)
    return X, y, rng.uniform(0.2, 3, n)


@cache
def iris(columns=(0, 1, 2, 3)):
    data = load_iris()
    return add_intercept(data.features[:, columns]), data.y


def objective(X, y, B, s=None, ridge=0.0):
    loss = cross_entropy_from_logits(y, X @ B, sample_weight=s)
    return loss + ridge / 2 * np.sum(B[1:] ** 2)


def slope(X, y, B, s=None, ridge=0.0):
    Y = np.eye(B.shape[1])[y]
    return softmax_gradient(X, Y, B, sample_weight=s) + ridge * np.vstack([0 * B[:1], B[1:]])


def assert_separates(direction, X, y):
    """The definition, in whole numbers: floats are fractions."""
    exact = [[Fraction(float(v)) for v in row] for row in direction]
    least = []
    for x, k in zip(X, y, strict=True):
        x = [Fraction(float(v)) for v in x]
        products = [[a * v for v in row] for a, row in zip(x, exact, strict=True)]
        scores = [sum(column) for column in zip(*products, strict=True)]
        least += [scores[k] - score for j, score in enumerate(scores) if j != k]
    assert min(least) >= 0
    assert max(least) > 0
    return min(least)


class TestGradient:
    X, y, s = sample(25)
    Y = np.eye(4)[y]

    def test_formula(self):
        B = random_points(1, 4, 4)
        P = softmax(self.X @ B)
        for s in (None, self.s):
            weights = np.ones(25) if s is None else s
            formula = self.X.T @ (weights[:, None] * (P - self.Y))
            result = softmax_gradient(self.X, self.Y, B, sample_weight=s)
            np.testing.assert_allclose(result, formula, rtol=1e-12, atol=1e-12)
            np.testing.assert_allclose(result.sum(axis=1), 0, atol=1e-12)

    def test_finite_differences(self):
        points = random_points(2, 4, 16)

        def loss(v):
            return objective(self.X, self.y, v.reshape(4, 4).T, self.s)

        def of(Y):
            return lambda v: softmax_gradient(
                self.X, Y, v.reshape(4, 4).T, sample_weight=self.s
            ).T.ravel()

        check_gradient("softmax-gradient", loss, of(self.Y), points)
        # Controls: the classes shifted by one; the blocks in the other order.
        with pytest.raises(AssertionError):
            check_gradient("softmax-gradient", loss, of(np.roll(self.Y, 1, axis=1)), points)
        with pytest.raises(AssertionError):
            check_gradient(
                "softmax-gradient",
                loss,
                lambda v: softmax_gradient(
                    self.X, self.Y, v.reshape(4, 4).T, sample_weight=self.s
                ).ravel(),
                points,
            )

    def test_two_classes_are_the_binary_gradient(self):
        X, y, s = sample(60, K=2)
        beta = random_points(3, 1, 4)[0]
        B = np.column_stack([np.zeros(4), beta])
        result = softmax_gradient(X, np.eye(2)[y], B, sample_weight=s)
        expected = gradient(X, y, beta, sample_weight=s)
        np.testing.assert_allclose(result[:, 1], expected, rtol=1e-12)
        np.testing.assert_allclose(result[:, 0], -expected, rtol=1e-12)

    def test_digits_where_a_probability_is_near_1(self):
        X = np.array([[1.0, 60.0]])
        B = np.array([[0.0, 0.5, 0.25], [1.0, 0.0, 0.0625]])
        result = softmax_gradient(X, [[1, 0, 0]], B)
        with mpmath.workdps(60):
            powers = [mpmath.exp(v) for v in (60, 0.5, 4)]
            truth = [float(-(powers[1] + powers[2]) / sum(powers))]
            truth += [float(power / sum(powers)) for power in powers[1:]]
        np.testing.assert_allclose(result[0], truth, rtol=1e-14)
        # The plain residual is 0.
        assert (softmax(X @ B) - [[1, 0, 0]])[0, 0] == 0

    def test_weight_zero_leaves_out(self):
        B = random_points(4, 4, 4)
        s = np.where(np.arange(25) < 20, self.s, 0)
        part = softmax_gradient(self.X[:20], self.Y[:20], B, sample_weight=s[:20])
        whole = softmax_gradient(self.X, self.Y, B, sample_weight=s)
        np.testing.assert_allclose(whole, part, rtol=1e-13)

    def test_no_samples(self):
        assert (softmax_gradient(np.zeros((0, 2)), np.zeros((0, 3)), np.ones((2, 3))) == 0).all()
        assert (softmax_hessian(np.zeros((0, 2)), np.ones((2, 3))) == np.zeros((6, 6))).all()


class TestHessian:
    X, y, s = sample(25)

    @staticmethod
    def by_definition(X, B, s):
        P = softmax(X @ B)
        K = B.shape[1]
        return np.block(
            [
                [X.T @ np.diag(s * P[:, k] * ((k == j) - P[:, j])) @ X for j in range(K)]
                for k in range(K)
            ]
        )

    def test_formula(self):
        B = random_points(5, 4, 4)
        H = softmax_hessian(self.X, B, sample_weight=self.s)
        np.testing.assert_allclose(H, self.by_definition(self.X, B, self.s), rtol=1e-10)
        assert (H == H.T).all()
        H = softmax_hessian(self.X, B)
        np.testing.assert_allclose(H, self.by_definition(self.X, B, np.ones(25)), rtol=1e-10)

    def test_more_rows_than_a_block(self):
        X, _, s = sample(1300, K=3)
        B = random_points(6, 4, 3)
        H = softmax_hessian(X, B, sample_weight=s)
        np.testing.assert_allclose(H, self.by_definition(X, B, s), rtol=1e-10)

    def test_finite_differences(self):
        points = random_points(7, 3, 16)

        def loss(v):
            return objective(self.X, self.y, v.reshape(4, 4).T, self.s)

        def grad(v):
            Y = np.eye(4)[self.y]
            return softmax_gradient(self.X, Y, v.reshape(4, 4).T, sample_weight=self.s).T.ravel()

        def of(sign):
            return lambda v: sign * softmax_hessian(self.X, v.reshape(4, 4).T, sample_weight=self.s)

        check_hessian("softmax-hessian", loss, of(1), points)
        check_jacobian("softmax-hessian-of-gradient", grad, of(1), points)
        # Controls: the sign of the log-likelihood; p (1[k=l] - p) without the off-diagonal blocks.
        with pytest.raises(AssertionError):
            check_hessian("softmax-hessian", loss, of(-1), points)
        with pytest.raises(AssertionError):
            mask = np.kron(np.eye(4), np.ones((4, 4)))
            check_jacobian("softmax-hessian", grad, lambda v: mask * of(1)(v), points)

    def test_null_space_is_the_shift(self):
        B = random_points(8, 4, 4)
        H = softmax_hessian(self.X, B, sample_weight=self.s)
        for v in np.eye(4):
            assert np.abs(H @ np.tile(v, 4)).max() <= 1e-12 * np.abs(H).max()
        values = np.linalg.eigvalsh(H)
        assert (np.abs(values[:4]) <= 1e-12 * values[-1]).all()
        assert values[4] > 1e-3

    def test_two_classes_are_the_binary_hessian(self):
        X, _, s = sample(60, K=2)
        beta = random_points(9, 1, 4)[0]
        H = softmax_hessian(X, np.column_stack([np.zeros(4), beta]), sample_weight=s)
        expected = hessian(X, beta, sample_weight=s)
        np.testing.assert_allclose(H, np.kron([[1, -1], [-1, 1]], expected), rtol=1e-11)

    def test_digits_where_a_probability_is_near_1(self):
        B = np.array([[60.0, 0.0, 1.0]])
        H = softmax_hessian([[1.0]], B)
        with mpmath.workdps(60):
            powers = [mpmath.exp(v) for v in (60, 0, 1)]
            p = [power / sum(powers) for power in powers]
            truth = [[float(p[k] * ((k == j) - p[j])) for j in range(3)] for k in range(3)]
        np.testing.assert_allclose(H, truth, rtol=1e-14)
        p = softmax(B)[0]
        assert (np.diag(p) - np.outer(p, p))[0, 0] == 0


class TestFit:
    @pytest.mark.parametrize("reference", [None, 0, 2])
    @pytest.mark.parametrize("ridge", [0.0, 0.7])
    def test_is_a_minimum(self, ridge, reference):
        X, y, s = sample()
        fit = fit_softmax(X, y, ridge=ridge, reference=reference, sample_weight=s)
        assert fit.converged is True
        assert fit.B.shape == (4, 4)
        free = [k for k in range(4) if k != reference]
        slopes = slope(X, y, fit.B, s, ridge)[:, free]
        assert np.abs(slopes).max() / s.sum() <= 1e-8
        assert fit.gradient_norm == pytest.approx(np.abs(slopes).max() / s.sum(), abs=1e-14)
        assert fit.loss == pytest.approx(objective(X, y, fit.B, s, ridge), rel=1e-13)
        rng = np.random.default_rng(1)
        for size in (1e-2, 1e-1, 1):
            moved = fit.B.copy()
            moved[:, free] += size * rng.normal(size=(4, len(free)))
            assert objective(X, y, moved, s, ridge) > fit.loss
        assert fit.path[0] == pytest.approx(s.sum() * np.log(4))
        assert fit.path[-1] == fit.loss
        assert len(fit.path) == fit.iterations + 1
        assert (np.diff(fit.path) <= 1e-12 * fit.path[0]).all()
        assert fit.iterations <= 10
        if reference is not None:
            assert (fit.B[:, reference] == 0).all()
        else:
            np.testing.assert_allclose(fit.B.sum(axis=1), 0, atol=1e-12)

    def test_hessian_of_the_fit(self):
        X, y, s = sample()
        R = np.diag([0.0, 1, 1, 1])
        whole = fit_softmax(X, y, ridge=0.7, sample_weight=s)
        H = softmax_hessian(X, whole.B, sample_weight=s) + np.kron(np.eye(4), 0.7 * R)
        np.testing.assert_allclose(whole.hessian, H, rtol=1e-9, atol=1e-9)
        part = fit_softmax(X, y, ridge=0.7, reference=1, sample_weight=s)
        H = softmax_hessian(X, part.B, sample_weight=s) + np.kron(np.eye(4), 0.7 * R)
        kept = np.r_[0:4, 8:16]
        np.testing.assert_allclose(part.hessian, H[np.ix_(kept, kept)], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(part.covariance() @ part.hessian, np.eye(12), atol=1e-9)
        assert part.reference == 1
        assert whole.reference is None

    def test_the_reference_does_not_matter_without_a_ridge(self):
        X, y, s = sample()
        whole = fit_softmax(X, y, sample_weight=s)
        for k in range(4):
            part = fit_softmax(X, y, reference=k, sample_weight=s)
            np.testing.assert_allclose(part.B, whole.B - whole.B[:, [k]], atol=1e-7)
            assert part.loss == pytest.approx(whole.loss, rel=1e-12)
        with_ridge = [fit_softmax(X, y, ridge=5, reference=k).loss for k in range(2)]
        assert abs(with_ridge[0] - with_ridge[1]) > 1e-3

    def test_order_of_the_classes(self):
        X, y, s = sample()
        fit = fit_softmax(X, y, ridge=1, sample_weight=s)
        names = np.array([2, 0, 3, 1])
        other = fit_softmax(X, names[y], ridge=1, sample_weight=s)
        np.testing.assert_allclose(other.B[:, names], fit.B, atol=1e-8)

    def test_two_classes_with_a_reference_are_irls(self):
        X, y, s = sample(K=2)
        for ridge in (0.0, 1.3):
            binary = irls(X, y, ridge=ridge, sample_weight=s)
            fit = fit_softmax(X, y, ridge=ridge, reference=0, sample_weight=s)
            np.testing.assert_allclose(fit.B[:, 1], binary.beta, atol=1e-8)
            assert (fit.B[:, 0] == 0).all()
            assert fit.loss == pytest.approx(binary.loss, rel=1e-12)
            errors = fit.standard_errors()
            np.testing.assert_allclose(errors[:, 1], binary.standard_errors(), rtol=1e-7)
            assert (errors[:, 0] == 0).all()
            other = fit_softmax(X, y, ridge=ridge, reference=1, sample_weight=s)
            np.testing.assert_allclose(other.B[:, 0], -binary.beta, atol=1e-8)

    def test_two_classes_without_one_have_half_the_ridge(self):
        X, y, s = sample(K=2)
        fit = fit_softmax(X, y, ridge=2.6, sample_weight=s)
        beta = fit.B[:, 1] - fit.B[:, 0]
        np.testing.assert_allclose(beta, irls(X, y, ridge=1.3, sample_weight=s).beta, atol=1e-8)
        assert np.abs(beta - irls(X, y, ridge=2.6, sample_weight=s).beta).max() > 1e-3

    def test_weights_are_repeated_rows(self):
        X, y, _ = sample()
        counts = np.random.default_rng(2).integers(0, 4, len(y))
        for kwargs in ({}, {"ridge": 0.5}, {"reference": 3}):
            weighted = fit_softmax(X, y, sample_weight=counts, **kwargs)
            repeated = fit_softmax(np.repeat(X, counts, axis=0), np.repeat(y, counts), **kwargs)
            np.testing.assert_allclose(weighted.B, repeated.B, atol=1e-9)
            assert weighted.loss == pytest.approx(repeated.loss, rel=1e-12)
            assert np.abs(weighted.B - fit_softmax(X, y, **kwargs).B).max() > 1e-2
            kept = counts > 0
            dropped = fit_softmax(X[kept], y[kept], sample_weight=counts[kept], **kwargs)
            assert (dropped.B == weighted.B).all()

    def test_scale_of_the_weights(self):
        X, y, s = sample()
        fit = fit_softmax(X, y, sample_weight=s)
        for factor in (2.0**-300, 2.0**300):
            other = fit_softmax(X, y, sample_weight=s * factor)
            np.testing.assert_allclose(other.B, fit.B, atol=1e-8)

    def test_arguments_stay_as_they_are(self):
        X, y, s = sample(40)
        before = X.copy(), y.copy(), s.copy()
        fit_softmax(X, y, sample_weight=s, ridge=1)
        for array, copy in zip((X, y, s), before, strict=True):
            assert (array == copy).all()

    def test_types_of_the_labels(self):
        X, y, _ = sample(60)
        fit = fit_softmax(X, y, ridge=1)
        for kind in (float, np.uint8, np.float32):
            assert (fit_softmax(X, y.astype(kind), ridge=1).B == fit.B).all()
        assert (fit_softmax(X.tolist(), y.tolist(), ridge=np.float32(1)).B == fit.B).all()
        assert (fit_softmax(np.asfortranarray(X), y, ridge=1).B.shape) == (4, 4)
        assert (fit_softmax(X, y, reference=np.int64(1), ridge=1).B[:, 1] == 0).all()

    def test_intercepts_alone_give_the_shares(self):
        y = np.repeat([0, 1, 2], [10, 30, 60])
        fit = fit_softmax(np.ones((100, 1)), y, ridge=3)
        np.testing.assert_allclose(softmax(fit.B)[0], [0.1, 0.3, 0.6], rtol=1e-7)

    def test_nothing_to_do(self):
        X = np.ones((12, 1))
        fit = fit_softmax(X, np.arange(12) % 3)
        assert fit.iterations == 0
        np.testing.assert_allclose(fit.hessian, softmax_hessian(X, np.zeros((1, 3))), rtol=1e-13)
        assert fit.hessian[0, 0] == pytest.approx(12 * 2 / 9)

    def test_many_classes(self):
        X, y, _ = sample(2000, d=2, K=12, seed=3)
        fit = fit_softmax(X, y, reference=11)
        assert np.abs(slope(X, y, fit.B)[:, :11]).max() / 2000 <= 1e-8


class TestRidge:
    def test_rows_sum_to_zero(self):
        X, y, s = sample()
        for ridge in (1e-3, 1, 1e3):
            fit = fit_softmax(X, y, ridge=ridge, sample_weight=s)
            np.testing.assert_allclose(fit.B.sum(axis=1), 0, atol=1e-10)

    def test_the_intercepts_are_free(self):
        X, y, _ = sample()
        fit = fit_softmax(X, y, ridge=1e9)
        np.testing.assert_allclose(fit.B[1:], 0, atol=1e-6)
        np.testing.assert_allclose(softmax(fit.B[0]), np.bincount(y) / len(y), rtol=1e-5)

    def test_a_shift_of_a_feature_changes_the_intercepts_only(self):
        X, y, _ = sample()
        fit = fit_softmax(X, y, ridge=1)
        moved = X + [0, 10, 0, 0]
        other = fit_softmax(moved, y, ridge=1)
        np.testing.assert_allclose(other.B[1:], fit.B[1:], atol=1e-7)
        np.testing.assert_allclose(softmax(moved @ other.B), softmax(X @ fit.B), atol=1e-7)

    def test_more_columns_than_samples(self):
        rng = np.random.default_rng(4)
        X = add_intercept(rng.normal(size=(12, 30)))
        y = np.arange(12) % 3
        fit = fit_softmax(X, y, ridge=0.1)
        assert np.abs(slope(X, y, fit.B, ridge=0.1)).max() / 12 <= 1e-8


@pytest.mark.parametrize("ridge", [1e-3, 1.0, 50.0])
def test_agrees_with_scikit_learn_with_a_ridge(ridge):
    for X, y, s in ((*iris(), None), sample(seed=5), sample(seed=6, K=3, d=6)):
        y = y.astype(int)
        peer = LogisticRegression(solver="newton-cholesky", C=1 / ridge, tol=1e-10, max_iter=200)
        peer.fit(X[:, 1:], y, sample_weight=s)
        theirs = np.vstack([peer.intercept_, peer.coef_.T])
        fit = fit_softmax(X, y, ridge=ridge, sample_weight=s)
        # Scikit-learn leaves the sum of the intercepts open.
        theirs[0] -= theirs[0].mean()
        np.testing.assert_allclose(fit.B, theirs, atol=1e-5 * np.abs(theirs).max())
        assert fit.loss <= objective(X, y, theirs, s, ridge) * (1 + 1e-13)
        np.testing.assert_allclose(softmax(X @ fit.B), peer.predict_proba(X[:, 1:]), atol=1e-6)


def test_agrees_with_scikit_learn_without_a_ridge():
    X, y, s = sample(seed=7)
    peer = LogisticRegression(solver="newton-cholesky", C=np.inf, tol=1e-10)
    peer.fit(X[:, 1:], y, sample_weight=s)
    fit = fit_softmax(X, y, sample_weight=s)
    np.testing.assert_allclose(softmax(X @ fit.B), peer.predict_proba(X[:, 1:]), atol=1e-7)


@pytest.mark.parametrize("seed", [8, 9, 10])
def test_agrees_with_statsmodels(seed):
    X, y, _ = sample(n=400, d=2 + seed % 3, K=3 + seed % 2, seed=seed)
    peer = sm.MNLogit(y, X).fit(disp=0, method="newton", tol=1e-13)
    fit = fit_softmax(X, y, reference=0)
    np.testing.assert_allclose(fit.B[:, 1:], peer.params, atol=1e-7)
    np.testing.assert_allclose(fit.standard_errors()[:, 1:], peer.bse, rtol=1e-6)
    assert fit.loss == pytest.approx(-peer.llf, rel=1e-12)


def test_agrees_with_statsmodels_on_two_iris_species():
    X, y = iris((2, 3))
    X, y = X[50:], y[50:] - 1
    peer = sm.Logit(y, X).fit(disp=0, tol=1e-13)
    fit = fit_softmax(X, y, reference=0)
    np.testing.assert_allclose(fit.B[:, 1], peer.params, rtol=1e-6)
    np.testing.assert_allclose(fit.standard_errors()[:, 1], peer.bse, rtol=1e-6)


class TestIris:
    def test_cannot_be_fitted_without_a_ridge(self):
        X, y = iris()
        with pytest.raises(SeparationError, match="^the classes are separated with ties") as caught:
            fit_softmax(X, y)
        assert assert_separates(caught.value.direction, X, y.astype(int)) == 0
        assert caught.value.fit.converged is False

    def test_with_a_ridge(self):
        X, y = iris()
        fit = fit_softmax(X, y, ridge=1)
        hits = np.argmax(X @ fit.B, axis=1) == y
        assert hits.sum() == 146
        # With steps of length 1 it takes 8.
        assert fit.iterations <= 6

    def test_two_species_and_two_features_overlap(self):
        X, y = iris((0, 1))
        assert fit_softmax(X[50:], y[50:] - 1).converged
        # A line through the sepals still separates setosa.
        with pytest.raises(SeparationError, match="with ties") as caught:
            fit_softmax(X, y)
        assert assert_separates(caught.value.direction, X, y.astype(int)) == 0


class TestNoMinimiser:
    @pytest.mark.parametrize("reference", [None, 0, 1])
    def test_complete_separation(self, reference):
        rng = np.random.default_rng(11)
        X = add_intercept(rng.normal(size=(60, 2)))
        y = np.argmax(X @ rng.normal(size=(3, 3)), axis=1)
        assert len(set(y)) == 3
        with pytest.raises(SeparationError, match="^the classes are separated compl") as caught:
            fit_softmax(X, y, reference=reference)
        D = caught.value.direction
        assert D.shape == (3, 3)
        assert assert_separates(D, X, y) > 0
        scores = X @ D
        own = scores[np.arange(60), y]
        scores[np.arange(60), y] = -np.inf
        assert (own > scores.max(axis=1)).all()
        # It is seen as soon as an iterate is the proof.
        assert caught.value.fit.iterations <= 12
        # A ridge cures it.
        assert fit_softmax(X, y, ridge=1e-3, reference=reference).converged

    @pytest.mark.parametrize("reference", [None, 2])
    def test_one_class_apart(self, reference):
        # Class 2 is apart, 0 and 1 overlap.
        rng = np.random.default_rng(12)
        x = np.concatenate([rng.normal(size=40), rng.normal(size=10) + 20])
        y = np.concatenate([np.arange(40) % 2, np.full(10, 2)])
        with pytest.raises(SeparationError, match="with ties") as caught:
            fit_softmax(add_intercept(x[:, None]), y, reference=reference)
        assert assert_separates(caught.value.direction, add_intercept(x[:, None]), y) == 0

    def test_a_tie_at_the_boundary(self):
        x = np.array([0.0, 1, 2, 2, 3, 4, 4, 5])
        y = np.array([0, 0, 0, 1, 1, 1, 2, 2])
        X = add_intercept(x[:, None])
        with pytest.raises(SeparationError, match="with ties") as caught:
            fit_softmax(X, y)
        assert_separates(caught.value.direction, X, y)

    def test_an_empty_cell(self):
        # A dummy variable that never occurs with class 1.
        rng = np.random.default_rng(13)
        y = np.arange(60) % 3
        dummy = (rng.uniform(size=60) < 0.4) & (y != 1)
        X = add_intercept(np.column_stack([dummy, rng.normal(size=60)]))
        with pytest.raises(SeparationError, match="with ties") as caught:
            fit_softmax(X, y)
        assert_separates(caught.value.direction, X, y)

    def test_a_sample_of_weight_zero_does_not_help(self):
        x = np.array([0.0, 1, 2, 3, 4, 5, 9])
        y = np.array([0, 0, 1, 1, 2, 2, 0])
        X = add_intercept(x[:, None])
        s = np.array([1, 1, 1, 1, 1, 1, 0])
        with pytest.raises(SeparationError) as caught:
            fit_softmax(X, y, sample_weight=s)
        assert_separates(caught.value.direction, X[:6], y[:6])

    @pytest.mark.parametrize("reference", [None, 0, 1])
    def test_columns_that_depend_up_to_rounding_are_named_with_every_reference(self, reference):
        X, y = add_intercept([[3e6 + x] for x in (-1, 0, 1, 2, 0.5, -0.3)]), [0, 1, 0, 1, 1, 0]
        with pytest.raises(RankDeficiencyError, match="columns that depend on each other but for a tiny rest: 0, 1"):
            fit_softmax(X, y, reference=reference)

    def test_columns_that_a_ridge_makes_independent_are_not_blamed(self):
        X, y, _ = sample(K=3)
        with pytest.raises(ConvergenceError, match="Raise max_iter"):
            fit_softmax(np.hstack([X, X[:, 1:]]), y, ridge=1, max_iter=1)

    def test_overlap_is_not_separation(self):
        for seed in range(12):
            X, y, _ = sample(40, d=2, K=3, seed=100 + seed)
            fit = fit_softmax(X, y)
            assert np.abs(slope(X, y, fit.B)).max() / 40 <= 1e-8

    def test_a_ridge_wants_the_ones_first(self):
        X, y, _ = sample(K=3)
        with pytest.raises(ValueError, match="the first column must hold ones.* Call add_intercept"):
            fit_softmax(X[:, 1:], y, ridge=1)
        assert fit_softmax(X[:, 1:], y).converged

    @pytest.mark.parametrize("tol", [0.6, 2])
    def test_a_large_tolerance_is_no_way_to_fit_separated_data(self, tol):
        X, y = np.array([[1.0, -1.0], [1.0, 0.0], [1.0, 0.0], [1.0, 1.0]]), [0, 0, 1, 1]
        with pytest.raises((SeparationError, ConvergenceError)):
            fit_softmax(X, y, tol=tol)

    @pytest.mark.parametrize("reference", [None, 1])
    def test_dependent_columns(self, reference):
        X, y, _ = sample()
        for column in (X[:, 1], 2 * X[:, 1] - X[:, 2], np.full(300, 7.0), np.zeros(300)):
            wide = np.column_stack([X, column])
            with pytest.raises(RankDeficiencyError, match="depend on each other") as caught:
                fit_softmax(wide, y, reference=reference)
            assert 4 in caught.value.columns
            fit = fit_softmax(wide, y, ridge=0.1, reference=reference)
            assert fit.converged

    def test_more_columns_than_samples(self):
        rng = np.random.default_rng(14)
        X = add_intercept(rng.normal(size=(9, 20)))
        with pytest.raises(RankDeficiencyError):
            fit_softmax(X, np.arange(9) % 3)

    def test_nearly_dependent_columns(self):
        X, y, _ = sample()
        near = np.column_stack([X, X[:, 1] + 1e-7 * np.random.default_rng(16).normal(size=300)])
        with pytest.raises(RankDeficiencyError, match="but for a tiny rest: 1, 4, ") as caught:
            fit_softmax(near, y)
        assert caught.value.columns == (1, 4)

    def test_a_ridge_too_small_for_float64(self):
        X, y = iris()
        with pytest.raises(ConvergenceError, match="^rounding has left .* with a larger ridge"):
            fit_softmax(X, y, ridge=1e-12)

    def test_out_of_steps(self):
        X, y, _ = sample()
        with pytest.raises(ConvergenceError, match="Raise max_iter") as caught:
            fit_softmax(X, y, max_iter=2)
        fit = caught.value.fit
        assert fit.converged is False
        assert fit.iterations == 2
        assert len(fit.path) == 3
        with pytest.raises(ValueError, match="did not converge"):
            fit.covariance()
        # In other units of the weights, the Hessian is small, and nothing is wrong with it.
        with pytest.raises(ConvergenceError, match="Raise max_iter"):
            fit_softmax(X, y, max_iter=2, sample_weight=np.full(300, 1e-6))

    def test_a_gradient_of_exactly_tol_is_small_enough(self):
        X, y, _ = sample()
        X = X * [1, 1e6, 1, 1]  # so that the gradient decides, and not the scores
        fit = fit_softmax(X, y, tol=1e-2)
        assert fit.iterations == fit_softmax(X, y, tol=fit.gradient_norm).iterations

    def test_entries_out_of_range(self):
        X, y, _ = sample()
        for factor in (1e200, 1e-200):
            with pytest.raises(ConvergenceError, match="for column 1 of X, .* Scale the column"):
                fit_softmax(X * [1, factor, 1, 1], y)
        huge = X * [1, 1e20, 1, 1]
        huge[0, 1] = 0
        with pytest.raises(ConvergenceError, match=r"what is left is rounding\. Column 1 of X"):
            fit_softmax(huge, y)

    def test_no_covariance_without_a_reference(self):
        X, y, _ = sample()
        for ridge in (0, 1):
            fit = fit_softmax(X, y, ridge=ridge)
            with pytest.raises(ValueError, match="without a reference class.*reference=k"):
                fit.standard_errors()


class TestConditioning:
    @pytest.mark.parametrize("factor", [1e8, 1e-8])
    @pytest.mark.parametrize("reference", [None, 0])
    def test_units_of_a_column(self, factor, reference):
        X, y, _ = sample()
        fit = fit_softmax(X, y, reference=reference)
        scaled = X * [1, factor, 1, 1]
        other = fit_softmax(scaled, y, reference=reference)
        np.testing.assert_allclose(softmax(scaled @ other.B), softmax(X @ fit.B), atol=1e-8)

    def test_a_year(self):
        X, y, _ = sample()
        moved = X + [0, 2020, 0, 0]
        expected = softmax(X @ fit_softmax(X, y).B)
        np.testing.assert_allclose(softmax(moved @ fit_softmax(moved, y).B), expected, atol=1e-7)

    def test_nearly_separated(self):
        # One sample in 3000 keeps the classes from being separated.
        rng = np.random.default_rng(15)
        x = rng.uniform(-4, 4, 3000)
        y = 1 * (x > -1) + (x > 1)
        assert y[0] == 2
        y[0] = 0
        X = add_intercept(x[:, None])
        with pytest.raises(SeparationError):
            fit_softmax(X[1:], y[1:])
        fit = fit_softmax(X, y, reference=1)
        assert np.abs(slope(X, y, fit.B)).max() / 3000 <= 1e-8
        peer = sm.MNLogit(np.array([1, 0, 2])[y], X).fit(disp=0, method="newton", maxiter=100)
        np.testing.assert_allclose(fit.B[:, [0, 2]], peer.params, rtol=1e-5)

    def test_a_small_ridge_on_separated_classes(self):
        X, y = iris()
        for ridge in (1e-2, 1e-4, 1e-6):
            fit = fit_softmax(X, y, ridge=ridge)
            assert np.abs(slope(X, y.astype(int), fit.B, ridge=ridge)).max() / 150 <= 1e-8

    @pytest.mark.parametrize("K", [2, 3])
    def test_digits_of_nearly_certain_samples(self, K):
        # With so small a ridge all losses are about 1e-11, and p - 1 has no digits left.
        x = np.arange(4.0 * K)
        X, y = add_intercept(x[:, None] - x.mean()), np.arange(4 * K) // 4
        fit = fit_softmax(X, y, ridge=1e-12)
        assert softmax(X @ fit.B)[[0, -1], y[[0, -1]]].min() > 1 - 1e-11
        assert fit.loss == pytest.approx(objective(X, y, fit.B, ridge=1e-12), rel=1e-12, abs=0)
        assert fit.gradient_norm <= 1e-18
        assert np.abs(slope(X, y, fit.B, ridge=1e-12)).max() <= 1e-17

    @pytest.mark.parametrize("seed", [36, 79, 87, 130, 148])
    def test_full_steps_would_go_round_in_circles(self, seed):
        rng = np.random.default_rng(seed)
        X = add_intercept(rng.standard_cauchy(size=(30, 2)))
        y = np.argmax(3 * X @ rng.normal(size=(3, 3)) + rng.gumbel(size=(30, 3)), axis=1)
        fit = fit_softmax(X, y, ridge=1e-3)
        assert np.abs(slope(X, y, fit.B, ridge=1e-3)).max() / 30 <= 1e-8
        assert (np.diff(fit.path) <= 1e-13 * fit.path[0]).all()


OK = (np.eye(3, 2) + 1, [0, 1, 1])
BAD_FIT = [
    ((OK[0], [0, 2, 2]), {}, ValueError, r"^y holds class 2 and lacks class 1 in.*np\.unique"),
    ((OK[0], [1, 2, 2]), {}, ValueError, r"^y holds class 2 and lacks class 0"),
    ((OK[0], [0, 0, 0]), {}, ValueError, r"^y is 0 in all samples of positive weight; a fit needs"),
    ((OK[0], [0, 1, 2]), {"sample_weight": [1, 0, 1]}, ValueError, r"^y holds class 2 and lacks c"),
    ((OK[0], [0, 1.5, 1]), {}, ValueError, r"^y\[1\] is 1\.5; classes are numbered 0, 1.*np\.un"),
    ((OK[0], [0, -1, 1]), {}, ValueError, r"^y\[1\] is -1\.0; classes are numbered"),
    ((OK[0], [0, np.nan, 1]), {}, ValueError, r"^y\[1\] is nan"),
    ((OK[0], [0, np.inf, 1]), {}, ValueError, r"^y\[1\] is inf"),
    ((OK[0], ["a", "b", "c"]), {}, TypeError, r"^y\[0\] is 'a'"),
    ((OK[0], None), {}, TypeError, r"^y is None"),
    ((OK[0], [0, 1]), {}, ValueError, r"^y has shape \(2,\) and X has shape \(3, 2\)"),
    ((OK[0], [[0], [1], [1]]), {}, ValueError, r"^y has shape \(3, 1\)"),
    (([[1, np.nan]] * 3, OK[1]), {}, ValueError, r"^X\[0, 1\] is nan"),
    (([[1, np.inf]] * 3, OK[1]), {}, ValueError, r"^X\[0, 1\] is inf"),
    (([1, 2, 3], OK[1]), {}, ValueError, r"^X has shape \(3,\)"),
    ((np.zeros((0, 2)), []), {}, ValueError, r"^X has no rows"),
    ((np.zeros((3, 0)), OK[1]), {}, ValueError, r"^X has no columns"),
    (OK, {"ridge": -1}, ValueError, r"^ridge is -1\.0; it must be finite and 0 or more"),
    (OK, {"ridge": np.nan}, ValueError, r"^ridge is nan"),
    (OK, {"ridge": "1"}, TypeError, r"^ridge is '1'"),
    (OK, {"reference": 2}, ValueError, r"^reference is 2; there are 2 classes, numbered 0 to 1"),
    (OK, {"reference": -1}, ValueError, r"^reference is -1; there are 2 classes"),
    (OK, {"reference": 1.0}, TypeError, r"^reference is 1\.0; pass the number of a class, or None"),
    (OK, {"reference": True}, TypeError, r"^reference is True"),
    (OK, {"tol": 0}, ValueError, r"^tol is 0\.0"),
    (OK, {"max_iter": 0}, ValueError, r"^max_iter is 0"),
    (OK, {"max_iter": 1.5}, TypeError, r"^max_iter is 1\.5"),
    (OK, {"sample_weight": [1, 1]}, ValueError, r"^sample_weight has shape \(2,\)"),
    (OK, {"sample_weight": [1, -1, 1]}, ValueError, r"^sample_weight\[1\] is -1\.0"),
    (OK, {"sample_weight": [0, 0, 0]}, ValueError, r"^sample_weight is 0 everywhere"),
]


@pytest.mark.parametrize(("args", "kwargs", "error", "message"), BAD_FIT)
def test_bad_input_of_the_fit(args, kwargs, error, message):
    with pytest.raises(error, match=message):
        fit_softmax(*args, **kwargs)


B = np.ones((2, 3))
Y = np.eye(3)
BAD = [
    (OK[0], Y, np.ones((3, 3)), ValueError, r"^B has shape \(3, 3\) and X has shape \(3, 2\); B"),
    (OK[0], Y, np.ones(2), ValueError, r"^B has shape \(2,\) and X has shape .*call add_intercept"),
    (OK[0], Y, np.ones((2, 0)), ValueError, r"^B has shape \(2, 0\)"),
    (OK[0], Y, B * np.nan, ValueError, r"^B\[0, 0\] is nan"),
    (OK[0], Y, B + np.inf, ValueError, r"^B\[0, 0\] is inf"),
    (OK[0], Y, None, TypeError, r"^B is None"),
    (OK[0] + np.inf, Y, B, ValueError, r"^X\[0, 0\] is inf"),
    (OK[0] * 1e300, Y, B * 1e300, ValueError, r"^\(X @ B\)\[0, 0\] is inf; the scores overflow"),
]
BAD_LABELS = [
    (np.eye(3)[:, :2], r"^Y has shape \(3, 2\); it must have shape \(3, 3\)"),
    ([0, 1, 2], r"^Y has shape \(3,\); .*np\.eye\(K\)\[y\]"),
    (Y + 1, r"^Y\[0, 0\] is 2\.0; labels must be one-hot"),
    (Y / 2, r"^Y\[0, 0\] is 0\.5; labels must be one-hot"),
    (np.ones((3, 3)), r"^Y\[0, :\] adds up to 3; each row must hold exactly one 1"),
    (np.diag([1, 0, 1]), r"^Y\[1, :\] adds up to 0; each row"),
]


@pytest.mark.parametrize(("X", "Y", "B", "error", "message"), BAD)
def test_bad_input_of_both_derivatives(X, Y, B, error, message):
    with pytest.raises(error, match=message):
        softmax_gradient(X, Y, B)
    with pytest.raises(error, match=message):
        softmax_hessian(X, B)


@pytest.mark.parametrize(("labels", "message"), BAD_LABELS)
def test_labels_must_be_one_hot(labels, message):
    with pytest.raises(ValueError, match=message):
        softmax_gradient(OK[0], labels, B)


def test_an_overflow_is_named():
    X = np.array([[1e308], [-1e308]])
    with pytest.raises(ValueError, match=r"^gradient\[0, 0\] is -?inf; the sum overflows"):
        softmax_gradient(X, [[1, 0, 0], [0, 1, 0]], np.zeros((1, 3)), sample_weight=[9, 9])
    with pytest.raises(ValueError, match=r"^hessian\[0, 0\] is (nan|-?inf); the sum overflows"):
        softmax_hessian(X, np.zeros((1, 3)))


def test_examples_in_the_docstrings():
    results = doctest.testmod(importlib.import_module("lrmath.softmax"))
    assert results.failed == 0
    assert results.attempted >= 9


def test_a_softmax_fit_cannot_be_changed():
    fit = fit_softmax(np.ones((4, 1)), [0, 1, 0, 1], reference=0)
    with pytest.raises(AttributeError):
        fit.B = np.zeros((1, 2))
