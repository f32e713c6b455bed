"""The gradient of lrmath.chain_rule against differences of the loss, taken in mpmath."""

import doctest
import importlib

import mpmath
import numpy as np
import pytest

from lrmath import add_intercept, gradient, load_challenger, load_wdbc, sigmoid

pytestmark = pytest.mark.filterwarnings("error")


def define_loss(X, y, beta, s):
    """Minus the logarithm of the Bernoulli likelihood, from its definition."""
    total = mpmath.mpf(0)
    for row, label, weight in zip(X, y, s, strict=True):
        score = mpmath.fdot([mpmath.mpf(float(x)) for x in row], beta)
        p = 1 / (1 + mpmath.exp(-score))
        total -= float(weight) * mpmath.log(p if label == 1 else 1 - p)
    return total


def difference_gradient(X, y, beta, s=None):
    """Central differences with 60 digits: the step of 1e-20 leaves 40 digits right."""
    s = np.ones(len(y)) if s is None else s
    with mpmath.workdps(60):
        beta = [mpmath.mpf(float(b)) for b in beta]
        step = mpmath.mpf(10) ** -20
        slopes = []
        for j in range(len(beta)):
            ends = [[b + (k == j) * h for k, b in enumerate(beta)] for h in (step, -step)]
            up, down = (define_loss(X, y, end, s) for end in ends)
            slopes.append(float((up - down) / (2 * step)))
    return np.array(slopes)


def problems():
    """Seeded problems away from beta = 0 and from the optimum; one is square."""
    for seed, (n, d) in enumerate([(4, 3), (7, 1), (12, 4), (30, 2)]):
        rng = np.random.default_rng(seed)
        X = add_intercept(rng.normal(0, 2, (n, d)))
        y = (rng.random(n) < 0.5).astype(float)
        yield X, y, rng.normal(0, 1, d + 1), rng.uniform(0.5, 3, n)
    data = load_challenger()
    yield add_intercept(data.features), data.y, np.array([9.0, -0.13]), np.ones(23)
    data = load_wdbc()
    scaled = (data.features[:40, :5] - data.features[:, :5].mean(0)) / data.features[:, :5].std(0)
    beta = np.array([-0.5, 1.0, 0.5, 1.0, -1.0, 0.3])
    yield add_intercept(scaled), data.y[:40], beta, np.ones(40)


PROBLEMS = list(problems())


@pytest.fixture(scope="module")
def slopes():
    return [difference_gradient(X, y, beta) for X, y, beta, _ in PROBLEMS]


def agrees(result, slope, X):
    # Rounding of the scores and of the sum, in the units of each column.
    scale = np.abs(X).sum(axis=0)
    return result.shape == slope.shape and (np.abs(result - slope) <= 1e-14 * scale).all()


@pytest.mark.parametrize("k", range(len(PROBLEMS)))
class TestGradient:
    def test_is_the_difference_quotient_of_the_loss(self, k, slopes):
        X, y, beta, _ = PROBLEMS[k]
        # Near the optimum every gradient would agree.
        assert np.abs(slopes[k]).min() > 1e-3
        assert agrees(gradient(X, y, beta), slopes[k], X)

    def test_with_weights(self, k, slopes):
        X, y, beta, s = PROBLEMS[k]
        slope = difference_gradient(X, y, beta, s)
        assert agrees(gradient(X, y, beta, sample_weight=s), slope, 3 * X)

    @pytest.mark.parametrize(
        "wrong",
        [
            pytest.param(lambda X, y, b: X.T @ (y - sigmoid(X @ b)), id="sign"),
            pytest.param(lambda X, y, b: X.T @ (sigmoid(X[:, 1:] @ b[1:]) - y), id="intercept"),
            pytest.param(lambda X, y, b: X[:, 1:].T @ (sigmoid(X @ b) - y), id="column of ones"),
            pytest.param(lambda X, y, b: X.T @ (sigmoid(X @ b) - y) / len(y), id="mean"),
            pytest.param(lambda X, y, b: X.T @ (sigmoid(X @ b) - (1 - y)), id="classes"),
            pytest.param(lambda X, y, b: X.T @ sigmoid(X @ b), id="no y"),
            pytest.param(
                lambda X, y, b: X.T @ ((p := sigmoid(X @ b)) * (1 - p) * (p - y)), id="squared loss"
            ),
        ],
    )
    def test_control_wrong_gradients_fail(self, k, wrong, slopes):
        X, y, beta, _ = PROBLEMS[k]
        assert not agrees(wrong(X, y, beta), slopes[k], X)


def test_control_transposed_gradient_fails(slopes):
    X, y, beta, _ = PROBLEMS[0]
    # Only a square X lets the mistake through without an error about shapes.
    assert X.shape == (4, 4)
    assert not agrees(X @ (sigmoid(X @ beta) - y), slopes[0], X)
    assert not agrees(X.T @ (sigmoid(X.T @ beta) - y), slopes[0], X)


def test_is_the_formula():
    for X, y, beta, s in PROBLEMS:
        formula = X.T @ (s * (sigmoid(X @ beta) - y))
        assert agrees(gradient(X, y, beta, sample_weight=s), formula, 3 * X)


def test_weights_are_repeated_rows():
    X, y, beta, _ = PROBLEMS[3]
    counts = np.random.default_rng(5).integers(0, 4, len(y))
    weighted = gradient(X, y, beta, sample_weight=counts)
    repeated = gradient(np.repeat(X, counts, axis=0), np.repeat(y, counts), beta)
    np.testing.assert_allclose(weighted, repeated, rtol=1e-13)
    assert not np.allclose(weighted, gradient(X, y, beta))
    assert (gradient(X, y, beta, sample_weight=0 * counts) == 0).all()


def test_keeps_its_digits_where_p_is_almost_1():
    X, y, beta = np.array([[1.0, 0.0], [1.0, 1.0]]), np.ones(2), np.array([40.0, 1.0])
    slope = difference_gradient(X, y, beta)
    np.testing.assert_allclose(gradient(X, y, beta), slope, rtol=1e-14)
    # Control: the plain difference has none left.
    assert (X.T @ (sigmoid(X @ beta) - y) == 0).all()


def test_shapes_and_types():
    X, y, beta, _ = PROBLEMS[1]
    result = gradient(X, y, beta)
    assert result.shape == beta.shape
    for kind in (np.float32, np.float64):
        again = gradient(X.astype(kind), y.astype(kind), beta.astype(kind))
        assert again.dtype == np.float64
        np.testing.assert_allclose(again, result, rtol=1e-5)
    assert (gradient(X.tolist(), y.astype(bool), beta.tolist()) == result).all()
    assert (gradient(X, y.astype(int), beta) == result).all()


def test_no_samples():
    assert gradient(np.empty((0, 3)), [], [1, 2, 3]).tolist() == [0, 0, 0]
    assert add_intercept(np.empty((0, 2))).shape == (0, 3)
    assert add_intercept(np.empty((2, 0))).tolist() == [[1], [1]]


def test_no_flag_of_the_processor_leaks():
    X = [[1, 1e300], [1, -1e300], [1, 1e-320]]
    with np.errstate(all="raise"):
        result = gradient(X, [0, 0, 1], [1e-10, 1e5])
        assert result.tolist()[1] == 1e300
        assert np.isfinite(gradient(X, [0, 0, 1], [1e-310, 1e-310])).all()


def test_add_intercept():
    features = np.array([[2, 3], [4, 5]], dtype=np.float32)
    X = add_intercept(features)
    assert X.dtype == np.float64
    assert X.tolist() == [[1, 2, 3], [1, 4, 5]]
    X[:] = 0
    assert features.tolist() == [[2, 3], [4, 5]]


X3, Y3, B2 = [[1, 2], [1, 3], [1, 4]], [0, 1, 1], [0.5, 0.25]
BAD = [
    # X
    (None, Y3, B2, None, TypeError, r"^X is None"),
    ([1, 2, 3], Y3, B2, None, ValueError, r"^X has shape \(3,\); it must be 2-d.*X\.reshape"),
    (1.0, Y3, B2, None, ValueError, r"^X has shape \(\); it must be 2-d"),
    ([[1, 2], [1, np.nan], [1, 4]], Y3, B2, None, ValueError, r"^X\[1, 1\] is nan; Drop or fill"),
    ([[1, 2], [1, 3], [1, np.inf]], Y3, B2, None, ValueError, r"^X\[2, 1\] is inf; Entries must"),
    ([[1, 2], [1], [1, 4]], Y3, B2, None, ValueError, r"^X\[1\] is \[1\], unlike X\[0\]"),
    ([[1, "a"], [1, 3], [1, 4]], Y3, B2, None, TypeError, r"^X\[0, 1\] is 'a'"),
    ([[1, 1j], [1, 3], [1, 4]], Y3, B2, None, TypeError, r"^X\[0, 1\] is 1j"),
    (np.array(X3, dtype=object), Y3, B2, None, TypeError, r"^X has dtype object"),
    (np.ma.array(X3), Y3, B2, None, TypeError, r"^X is a masked array"),
    # y
    (X3, None, B2, None, TypeError, r"^y is None"),
    (X3, [1, 2, 1], B2, None, ValueError, r"^y\[1\] is 2\.0; .*\{1, 2\}, pass y - 1\."),
    (X3, [1, -1, 1], B2, None, ValueError, r"^y\[1\] is -1\.0; .*\(y \+ 1\) / 2"),
    (X3, [1, 0, np.nan], B2, None, ValueError, r"^y\[2\] is nan"),
    (X3, ["a", "b", "a"], B2, None, TypeError, r"^y\[0\] is 'a'"),
    (X3, [0, 1], B2, None, ValueError, r"^y has shape \(2,\) and X has shape \(3, 2\); y must have "
     r"shape \(3,\), one entry for each row of X"),
    (X3, [[0], [1], [1]], B2, None, ValueError, r"^y has shape \(3, 1\) and X.*y\.ravel\(\)"),
    (X3, 1, B2, None, ValueError, r"^y has shape \(\) and X"),
    # beta
    (X3, Y3, None, None, TypeError, r"^beta is None"),
    (X3, Y3, [1, np.inf], None, ValueError, r"^beta\[1\] is inf; Entries must be finite"),
    (X3, Y3, [np.nan, 1], None, ValueError, r"^beta\[0\] is nan"),
    (X3, Y3, ["a", 1], None, TypeError, r"^beta\[0\] is 'a'"),
    (X3, Y3, [1, 2, 3], None, ValueError, r"^beta has shape \(3,\) and X has shape \(3, 2\); beta "
     r"must have shape \(2,\), one entry for each column of X\. .*call add_intercept first"),
    (X3, Y3, [[1], [2]], None, ValueError, r"^beta has shape \(2, 1\)"),
    # weights
    (X3, Y3, B2, [1, 1, -2], ValueError, r"^sample_weight\[2\] is -2\.0; weights must be 0 or"),
    (X3, Y3, B2, [np.inf, 1, 1], ValueError, r"^sample_weight\[0\] is inf"),
    (X3, Y3, B2, [1, np.nan, 1], ValueError, r"^sample_weight\[1\] is nan"),
    (X3, Y3, B2, [1, 1], ValueError, r"^sample_weight has shape \(2,\) and X has shape \(3, 2\)"),
    (X3, Y3, B2, ["a", "b", "c"], TypeError, r"^sample_weight\[0\] is 'a'"),
    (X3, Y3, B2, np.ma.array([1, 1, 1]), TypeError, r"^sample_weight is a masked array"),
    # overflow of finite input
    ([[1, 1e300], [1, 0], [1, 0]], Y3, [0, 1e300], None, ValueError, r"^\(X @ beta\)\[0\] is inf; "
     r"the scores overflow\. Scale"),
    ([[1e300, 1e300], [1, 0], [1, 0]], Y3, [-1e300, 1e300], None, ValueError, r"^\(X @ beta\)\[0\] "
     r"is -?(inf|nan); the scores overflow"),
    ([[1, 1.7e308], [1, 1.7e308], [1, 0]], [0, 0, 1], [9, 0], None, ValueError, r"^gradient\[1\] is "
     r"inf; the sum overflows\. Scale"),
]  # fmt: skip


@pytest.mark.parametrize(("X", "y", "beta", "s", "error", "message"), BAD)
def test_bad_input_to_gradient(X, y, beta, s, error, message):
    with np.errstate(all="raise"), pytest.raises(error, match=message):
        gradient(X, y, beta, sample_weight=s)


@pytest.mark.parametrize(
    ("features", "error", "message"),
    [
        (None, TypeError, r"^features is None"),
        ([1, 2], ValueError, r"^features has shape \(2,\); it must be 2-d.*features\.reshape"),
        (3.0, ValueError, r"^features has shape \(\)"),
        (np.ones((2, 2, 2)), ValueError, r"^features has shape \(2, 2, 2\)"),
        ([[1, np.nan]], ValueError, r"^features\[0, 1\] is nan"),
        ([[1, 2], [-np.inf, 1]], ValueError, r"^features\[1, 0\] is -inf"),
        ([[1, 2], [3]], ValueError, r"^features\[1\] is \[3\], unlike features\[0\]"),
        ([["a"]], TypeError, r"^features\[0, 0\] is 'a'"),
        ([[1j]], TypeError, r"^features\[0, 0\] is 1j"),
        (np.ma.array([[1]]), TypeError, r"^features is a masked array"),
    ],
)
def test_bad_input_to_add_intercept(features, error, message):
    with pytest.raises(error, match=message):
        add_intercept(features)


def test_examples_in_the_docstrings():
    results = doctest.testmod(importlib.import_module("lrmath.chain_rule"))
    assert results.failed == 0
    assert results.attempted >= 4
