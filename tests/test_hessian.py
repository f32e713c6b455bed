"""The Hessian of lrmath.hessian against its definition and against differences of the gradient."""

import doctest
import importlib

import mpmath
import numpy as np
import pytest

from lrmath.bce import bce_from_logits
from lrmath.chain_rule import add_intercept, gradient
from lrmath.data import load_challenger, load_wdbc
from lrmath.hessian import hessian
from lrmath.sigmoid import sigmoid
from lrmath.verify import CheckError, check_hessian, check_jacobian, random_points

pytestmark = pytest.mark.filterwarnings("error")


def problems():
    """Seeded problems away from beta = 0, where W = I / 4 would hide mistakes; one is square."""
    for seed, (n, d) in enumerate([(4, 3), (7, 1), (12, 4), (30, 2)]):
        rng = np.random.default_rng(seed)
        X = add_intercept(rng.normal(0, 2, (n, d)))
        yield X, rng.normal(0, 1, d + 1), rng.uniform(0.5, 3, n)
    data = load_challenger()
    yield add_intercept(data.features), np.array([9.0, -0.13]), np.ones(23)
    data = load_wdbc()
    scaled = (data.features[:40, :5] - data.features[:, :5].mean(0)) / data.features[:, :5].std(0)
    yield add_intercept(scaled), np.array([-0.5, 1.0, 0.5, 1.0, -1.0, 0.3]), np.ones(40)


PROBLEMS = list(problems())


def define(X, beta, s):
    """Sums of s_i w_i x_ij x_ik, one entry at a time, with w from its definition in 50 digits."""
    m = X.shape[1]
    H = mpmath.zeros(m, m)
    with mpmath.workdps(50):
        for row, weight in zip(X, s, strict=True):
            p = 1 / (1 + mpmath.exp(-mpmath.fdot(row.tolist(), beta.tolist())))
            for j in range(m):
                for k in range(m):
                    H[j, k] += float(weight) * p * (1 - p) * float(row[j]) * float(row[k])
    return np.array(H.tolist(), dtype=float)


def agrees(result, exact, X):
    # Rounding of the scores and of the sums, in the units of the columns.
    size = np.abs(X).T @ np.abs(X)
    return result.shape == exact.shape and bool((np.abs(result - exact) <= 1e-14 * size).all())


@pytest.mark.parametrize("k", range(len(PROBLEMS)))
class TestHessian:
    def test_is_its_definition(self, k):
        X, beta, s = PROBLEMS[k]
        assert agrees(hessian(X, beta), define(X, beta, np.ones(len(X))), X)
        assert agrees(hessian(X, beta, sample_weight=s), define(X, beta, s), 3 * X)

    @pytest.mark.parametrize(
        "wrong",
        [
            pytest.param(lambda X, b, w: -X.T @ (w[:, None] * X), id="sign"),
            pytest.param(lambda X, b, w: X.T @ (w[:, None] * X) / len(X), id="mean"),
            pytest.param(lambda X, b, w: X.T @ X / 4, id="bound"),
            pytest.param(lambda X, b, w: X.T @ (w[:, None] ** 2 * X), id="square"),
            pytest.param(lambda X, b, w: X.T @ (np.sqrt(w)[:, None] * X), id="root"),
            pytest.param(lambda X, b, w: X.T @ (sigmoid(X @ b)[:, None] * X), id="p"),
            pytest.param(lambda X, b, w: np.diag(np.diag(X.T @ (w[:, None] * X))), id="diagonal"),
            pytest.param(lambda X, b, w: X[:, 1:].T @ (w[:, None] * X[:, 1:]), id="ones"),
            pytest.param(lambda X, b, w: X.T @ (w[::-1, None] * X), id="order"),
        ],
    )
    def test_control_wrong_hessians_fail(self, k, wrong):
        X, beta, _ = PROBLEMS[k]
        p = sigmoid(X @ beta)
        assert not agrees(wrong(X, beta, p * (1 - p)), define(X, beta, np.ones(len(X))), X)

    def test_is_symmetric_to_the_last_digit_and_positive_semidefinite(self, k):
        X, beta, s = PROBLEMS[k]
        H = hessian(X, beta, sample_weight=s)
        assert (H == H.T).all()
        assert np.linalg.eigvalsh(H).min() >= -1e-14 * np.trace(H)


@pytest.mark.parametrize("seed", range(3))
def test_is_the_derivative_of_the_gradient_and_of_the_loss(seed):
    rng = np.random.default_rng(seed)
    X, y = add_intercept(rng.normal(size=(12, 3))), (rng.random(12) < 0.5).astype(float)
    s, points = rng.uniform(0.5, 2, 12), random_points(seed, 3, 4)

    def slope(beta):
        return gradient(X, y, beta, sample_weight=s)

    def loss(beta):
        return float(bce_from_logits(y, X @ beta, sample_weight=s))

    def second(beta):
        return hessian(X, beta, sample_weight=s)

    # The gradient is a sum of terms that cancel, each at most s * abs(X).
    size = s @ np.abs(X)
    assert check_jacobian("hessian", slope, second, points, size=size).controls > 0
    assert check_hessian("hessian", loss, second, points).controls > 0
    for wrong in (lambda b: hessian(X, b), lambda b: 1.01 * second(b), lambda b: X.T @ X / 4):
        with pytest.raises(CheckError):
            check_jacobian("wrong", slope, wrong, points, size=size)


def test_keeps_its_digits_where_p_is_almost_1():
    X, beta = np.array([[1.0, 0.5], [1.0, 2.0]]), np.array([40.0, 1.0])
    exact = define(X, beta, np.ones(2))
    np.testing.assert_allclose(hessian(X, beta), exact, rtol=1e-14)
    # Control: p * (1 - p) has no digit left.
    p = sigmoid(X @ beta)
    assert (X.T @ ((p * (1 - p))[:, None] * X) == 0).all()


def test_does_not_depend_on_the_sign_of_the_scores():
    X, beta, _ = PROBLEMS[2]
    assert (hessian(X, beta) == hessian(X, -beta)).all()


def test_weights_are_repeated_rows():
    X, beta, _ = PROBLEMS[3]
    counts = np.random.default_rng(5).integers(0, 4, len(X))
    weighted = hessian(X, beta, sample_weight=counts)
    np.testing.assert_allclose(weighted, hessian(np.repeat(X, counts, axis=0), beta), rtol=1e-13)
    assert not np.allclose(weighted, hessian(X, beta))
    assert (hessian(X, beta, sample_weight=0 * counts) == 0).all()


def test_shapes_and_types():
    X, beta, _ = PROBLEMS[1]
    result = hessian(X, beta)
    assert result.shape == (2, 2)
    for kind in (np.float32, np.float64):
        again = hessian(X.astype(kind), beta.astype(kind))
        assert again.dtype == np.float64
        np.testing.assert_allclose(again, result, rtol=1e-5)
    assert (hessian(X.tolist(), beta.tolist()) == result).all()
    np.testing.assert_allclose(hessian(np.asfortranarray(X), beta), result, rtol=1e-14)
    assert hessian(np.empty((0, 3)), [1, 2, 3]).tolist() == np.zeros((3, 3)).tolist()


def test_no_flag_of_the_processor_leaks():
    X = [[1, 1e100], [1, -1e100], [1, 1e-320]]
    with np.errstate(all="raise"):
        assert np.isfinite(hessian(X, [1e-10, 1e-310])).all()
        assert (hessian([[1, 2]], [800, 0]) == 0).all()


X3, B2 = [[1, 2], [1, 3], [1, 4]], [0.5, 0.25]
BAD = [
    (None, B2, None, TypeError, r"^X is None"),
    ([1, 2, 3], B2, None, ValueError, r"^X has shape \(3,\); it must be 2-d"),
    ([[1, 2], [1, np.nan], [1, 4]], B2, None, ValueError, r"^X\[1, 1\] is nan; Drop or fill"),
    ([[1, 2], [1, 3], [1, np.inf]], B2, None, ValueError, r"^X\[2, 1\] is inf; Entries must"),
    ([[1, np.inf], [1, -np.inf], [1, 4]], B2, None, ValueError, r"^X\[0, 1\] is inf; Entries must"),
    ([[1, "a"], [1, 3], [1, 4]], B2, None, TypeError, r"^X\[0, 1\] is 'a'"),
    (X3, None, None, TypeError, r"^beta is None"),
    (X3, [1, np.inf], None, ValueError, r"^beta\[1\] is inf; Entries must be finite"),
    (X3, [np.nan, 1], None, ValueError, r"^beta\[0\] is nan"),
    (X3, [1, 2, 3], None, ValueError, r"^beta has shape \(3,\) and X has shape \(3, 2\); beta "
     r"must have shape \(2,\), one entry for each column of X\. .*call add_intercept first"),
    (X3, [[1], [2]], None, ValueError, r"^beta has shape \(2, 1\)"),
    (X3, B2, [1, 1, -2], ValueError, r"^sample_weight\[2\] is -2\.0; weights must be 0 or"),
    (X3, B2, [np.inf, 1, 1], ValueError, r"^sample_weight\[0\] is inf; weights must be finite"),
    (X3, B2, [1, 1], ValueError, r"^sample_weight has shape \(2,\) and X has shape \(3, 2\); "
     r"sample_weight must have shape \(3,\), one entry for each row of X"),
    (X3, B2, ["a", "b", "c"], TypeError, r"^sample_weight\[0\] is 'a'"),
    ([[1, 1e300], [1, 0], [1, 0]], [0, 1e300], None, ValueError, r"^\(X @ beta\)\[0\] is inf; "
     r"the scores overflow\. Scale"),
    ([[1, 1e200], [1, 0], [1, 0]], [0, 0], None, ValueError, r"^hessian\[1, 1\] is inf; the sum "
     r"overflows\. Scale"),
]  # fmt: skip


@pytest.mark.parametrize(("X", "beta", "s", "error", "message"), BAD)
def test_bad_input(X, beta, s, error, message):
    with np.errstate(all="raise"), pytest.raises(error, match=message):
        hessian(X, beta, sample_weight=s)


def test_examples_in_the_docstrings():
    results = doctest.testmod(importlib.import_module("lrmath.hessian"))
    assert results.failed == 0
    assert results.attempted >= 2
