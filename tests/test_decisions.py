"""lrmath.decisions, and the search for a separation, against linear programs and peers."""

import doctest
import importlib
from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import linprog, nnls
from sklearn import calibration, metrics
from sklearn.utils.class_weight import compute_sample_weight

from lrmath._fit import SeparationError
from lrmath._separation import (
    _candidates,
    _few_bits,
    _floats,
    _holds,
    _independent_rows,
    _null_space,
    _orders_minimum,
    _origin,
    _polish,
    _short,
    _solve,
    _whole,
    exact_product,
    nonnegative_least_squares,
    separating_direction,
)
from lrmath.chain_rule import add_intercept
from lrmath.data import load_challenger, load_wdbc
from lrmath.decisions import (
    bayes_threshold,
    brier_score,
    calibration_curve,
    class_weights,
    find_separation,
)
from lrmath.irls import irls
from lrmath.sigmoid import sigmoid

pytestmark = pytest.mark.filterwarnings("error")


def signed(X, y):
    return (2 * np.asarray(y) - 1)[:, None] * X


def kind_by_linear_program(A):
    """The largest sum of t with ``A @ b >= t``, 0 <= t <= 1; b may be long: each t is 0 or 1."""
    n, m = A.shape
    A = A / np.maximum(np.abs(A).max(axis=0), 1e-300)
    result = linprog(
        np.append(np.zeros(m), -np.ones(n)),
        A_ub=np.hstack([-A, np.eye(n)]),
        b_ub=np.zeros(n),
        bounds=[(None, None)] * m + [(0, 1)] * n,
        method="highs",
    )
    assert result.status == 0
    return name_kind(result.x[m:] > 0.5)


def kind_in_fractions(A):
    """The same program without rounding: the simplex method with Bland's rule."""
    n, m = A.shape
    one = [[Fraction(int(i == k)) for k in range(n)] for i in range(n)]
    zero = [Fraction(0)] * n
    # Columns: b, -b, t, and a slack for each row.
    table = []
    for i in range(n):
        row = [Fraction(float(v)) for v in A[i]]
        table.append([-v for v in row] + row + one[i] + one[i] + zero + [Fraction(0)])
    table += [[Fraction(0)] * (2 * m) + one[i] + zero + one[i] + [Fraction(1)] for i in range(n)]
    cost = [Fraction(0)] * (2 * m) + [Fraction(-1)] * n + zero + zero + [Fraction(0)]
    basis = list(range(2 * m + n, 2 * m + 3 * n))
    while (j := next((j for j, c in enumerate(cost[:-1]) if c < 0), None)) is not None:
        ratios = [(row[-1] / row[j], basis[i], i) for i, row in enumerate(table) if row[j] > 0]
        i = min(ratios)[2]
        pivot = [v / table[i][j] for v in table[i]]
        for row in [*table, cost]:
            if (factor := row[j]) and row is not table[i]:
                row[:] = [v - factor * p if p else v for v, p in zip(row, pivot, strict=True)]
        table[i], basis[i] = pivot, j
    t = dict(zip(basis, (row[-1] for row in table), strict=True))
    return name_kind([t.get(2 * m + i, 0) > 0 for i in range(n)])


def name_kind(positive):
    return "overlap" if not any(positive) else "complete" if all(positive) else "quasi-complete"


def kind_found(A):
    found = separating_direction(A)
    if found is None:
        return "overlap"
    scores = A @ found.direction
    assert found.margin == scores.min()
    assert 1 <= np.abs(scores).max() < 2
    # A few roundings, in the size of the longest score.
    assert found.margin > 0 if found.kind == "complete" else abs(found.margin) < 1e-14
    return found.kind


def small_problem(seed):
    """A seeded problem of one of six kinds of columns and four kinds of labels."""
    rng = np.random.default_rng(seed)
    n, d = rng.integers(2, 40), rng.integers(1, 6)
    F = rng.normal(size=(n, d))
    kind = seed % 6
    if kind == 1:
        F = rng.integers(0, 2, (n, d)).astype(float)
    elif kind == 2:
        F = rng.integers(-3, 4, (n, d)).astype(float)
    elif kind == 3:
        F = np.round(F, 1)
    elif kind == 4:
        F = np.hstack([F, rng.integers(0, 2, (n, 2))])
    elif kind == 5:
        F = np.round(F, 1) * 10.0 ** rng.integers(-8, 9, d)
    X = add_intercept(F)
    z = (X / np.maximum(np.abs(X).max(axis=0), 1e-300)) @ np.round(rng.normal(size=X.shape[1]), 1)
    labels = seed // 6 % 4
    if labels == 0:
        y = z > 0
    elif labels == 1:
        y = rng.random(n) < 0.5
    elif labels == 2:
        y = z + 0.3 * rng.normal(size=n) > 0
    else:  # some rows twice, the first of them with both labels
        k = n // 3
        X, y = np.vstack([X, X[:k], X[:1]]), np.concatenate([z > 0, z[:k] > 0, z[:1] <= 0])
    return X, y.astype(float)


class TestSeparation:
    @pytest.mark.parametrize("first", range(0, 480, 60))
    def test_agrees_with_a_linear_program(self, first):
        kinds = []
        for seed in range(first, first + 60):
            A = signed(*small_problem(seed))
            kinds.append(kind_by_linear_program(A))
            assert kind_found(A) == kinds[-1], seed
        assert set(kinds) == {"overlap", "complete", "quasi-complete"}

    def test_agrees_with_exact_arithmetic(self):
        kinds = []
        for seed in range(1000, 1150):
            A = signed(*small_problem(seed))
            if len(A) <= 16:
                kinds.append(kind_in_fractions(A))
                assert kind_found(A) == kinds[-1], seed
        assert min(kinds.count(kind) for kind in ("overlap", "complete", "quasi-complete")) >= 5

    @pytest.mark.parametrize("seed", range(40))
    def test_with_many_columns(self, seed):
        rng = np.random.default_rng(seed)
        n, d = rng.integers(20, 150), rng.integers(3, 30)
        X = add_intercept(rng.normal(size=(n, d)) * 10.0 ** rng.integers(-8, 9, d))
        z = X / np.abs(X).max(axis=0) @ rng.normal(size=d + 1)
        y = (z + (seed % 3) * 0.3 * z.std() * rng.normal(size=n) > 0).astype(float)
        if seed % 4 == 0:  # a rare event that only class 1 shows
            X = np.hstack([X, (y * (rng.random(n) < 0.1))[:, None]])
        if seed % 4 == 1:
            X, y = np.vstack([X, X[:3]]), np.append(y, 1 - y[:3])
        A = signed(X, y)
        assert kind_found(A) == kind_by_linear_program(A)

    @pytest.mark.parametrize("factor", [1e8, 1e-8, 1e150, 1e-300])
    def test_units_do_not_matter(self, factor):
        for seed in range(60):
            X, y = small_problem(seed)
            A, other = signed(X, y), signed(X, y)
            other[:, -1] *= factor
            # A row's length does not matter either.
            other *= 10.0 ** np.random.default_rng(seed).integers(-6, 7, (len(A), 1))
            one, two = separating_direction(A), separating_direction(other)
            assert (one is None) == (two is None)
            assert one is None or one.kind == two.kind

    def test_scores_of_indicators_and_whole_numbers_are_exactly_0(self):
        seen = 0
        for seed in [seed for seed in range(400) if seed % 6 in (1, 2)]:
            X, y = small_problem(seed)
            found = find_separation(X, y)
            if found is not None and found.kind == "quasi-complete":
                seen += 1
                scores = (2 * y - 1) * (X @ found.direction)
                assert found.margin == scores.min() == 0
                assert scores.max() > 0
                true = exact_product(signed(X, y), found.direction)
                assert (np.sign(true) == np.sign(scores)).all()
        assert seen > 30

    def test_one_feature_touches_exactly(self):
        rng = np.random.default_rng(6)
        for _ in range(50):
            x = rng.normal(20, 10, 15) * 10.0 ** rng.integers(-5, 6)
            y = (x > x[0]).astype(float)
            X, y = add_intercept(np.append(x, x[0])[:, None]), np.append(y, 1)
            found = find_separation(X, y)
            if len(set(y[:-1])) == 1:
                continue
            assert found.kind == "quasi-complete"
            assert found.margin == ((2 * y - 1) * (X @ found.direction)).min() == 0
            exact = [Fraction(a) + Fraction(b) * Fraction(v) for v in x[:1] for a, b in [found[0]]]
            assert exact == [0]

    def test_almost_always_the_user_sees_no_negative_score(self):
        quasi = [found for seed in range(600) if (found := find_separation(*small_problem(seed)))]
        margins = np.array([found.margin for found in quasi if found.kind == "quasi-complete"])
        assert len(margins) > 60
        assert (margins >= 0).mean() > 0.95
        assert margins.min() > -1e-15

    def test_wdbc(self):
        data = load_wdbc()
        X = add_intercept(data.features)
        found = find_separation(X, data.y)
        assert found.kind == "complete"
        assert ((2 * data.y - 1) * (X @ found.direction)).min() == found.margin > 1e-5
        exact = [
            sum((Fraction(a) * Fraction(b) for a, b in zip(row, found.direction, strict=True)), 0)
            for row in X.tolist()
        ]
        assert all((score > 0) == (label == 1) for score, label in zip(exact, data.y, strict=True))
        for columns in (slice(0, 3), slice(0, 10), slice(10, 20), slice(20, 30)):
            part = add_intercept(data.features[:, columns])
            assert kind_by_linear_program(signed(part, data.y)) == "overlap"
            assert find_separation(part, data.y) is None

    def test_challenger(self):
        data = load_challenger()
        X = add_intercept(data.features)
        assert find_separation(X, data.y) is None
        # All flights below 65 degrees show damage, and some of the others.
        cold = (data.features[:, :1] < 65).astype(float)
        assert find_separation(add_intercept(cold), data.y).kind == "quasi-complete"

    @pytest.mark.parametrize("step", [1e-6, 1e-10, 1e-13])
    def test_tiny_differences(self, step):
        x = 1 + step * np.arange(6)
        X = add_intercept(x[:, None])
        for y, kind in (
            ([0, 0, 0, 1, 1, 1], "complete"),
            ([0, 0, 1, 0, 1, 1], "overlap"),
            ([0, 1, 1, 1, 1, 0], "overlap"),
        ):
            assert kind_found(signed(X, y)) == kind == kind_in_fractions(signed(X, y))
        both, y = np.vstack([X, X[2]]), np.array([0, 0, 0, 1, 1, 1, 1])
        assert kind_found(signed(both, y)) == "quasi-complete"

    def test_differences_below_the_roundings_count_as_none(self):
        X = add_intercept([[1.0], [np.nextafter(1, 2)]])
        assert kind_in_fractions(signed(X, [0, 1])) == "complete"
        assert find_separation(X, [0, 1]) is None

    def test_large_offsets_and_powers(self):
        rng = np.random.default_rng(7)
        year = 2020.0 + rng.integers(-5, 6, 18)
        seconds = 1.7e9 + rng.integers(0, 86400, 18)
        t = np.arange(1.0, 15)
        for X, cut in (
            (add_intercept(year[:, None]), year > 2019),
            (add_intercept(seconds[:, None]), seconds > np.median(seconds)),
            (add_intercept(np.column_stack([seconds, seconds**2])), seconds > np.median(seconds)),
            (np.vander(t, 6, increasing=True), (t > 4) ^ (t > 9) ^ (t > 11)),
        ):
            for y in (cut, rng.random(len(cut)) < 0.5):
                A = signed(X, y.astype(float))
                assert kind_found(A) == kind_in_fractions(A)
        assert kind_found(signed(X, cut)) == "complete"

    def test_dependent_columns(self):
        rng = np.random.default_rng(8)
        x, z = rng.normal(size=(2, 14))
        noisy, clean = (x + rng.normal(size=14) > 0), x > 0
        for F in (
            [x, x],
            [x, 0 * x],
            [x, 0 * x + 3.7],
            [x, 0.1 * x],
            [x, z, x + z],
            [x, z, x - 2 * z],
        ):
            X = add_intercept(np.column_stack(F))
            for y in (noisy, clean):
                A = signed(X, y)
                assert kind_found(A) == kind_by_linear_program(A)

    @pytest.mark.parametrize("seed", range(12))
    def test_almost_dependent_columns(self, seed):
        # Singular values down to 1e-14 of the largest; the labels are separated by construction.
        rng = np.random.default_rng(seed)
        n, d = 200, 20
        sizes = 10.0 ** rng.uniform(-14, 0, d)
        X = add_intercept(rng.normal(size=(n, d)) @ (sizes[:, None] * rng.normal(size=(d, d))))
        scores = X @ rng.normal(size=d + 1)
        y = scores > np.median(scores)
        assert np.linalg.cond(X) > 1e12
        assert kind_found(signed(X, y)) == "complete"

    def test_many_columns_and_a_rare_event(self):
        rng = np.random.default_rng(19)
        X = add_intercept(rng.normal(size=(600, 80)))
        y = rng.random(600) < 0.5
        X = np.hstack([X, (y & (rng.random(600) < 0.02))[:, None]])
        found = find_separation(X, y)
        assert (found.kind, found.margin) == ("quasi-complete", 0)
        assert (found.direction != 0).tolist() == [False] * 81 + [True]

    def test_tied_in_steps(self):
        # The first direction leaves ties, which the second resolves, and so on.
        X = np.tril(np.ones((5, 5))) * 10.0 ** -np.arange(5)
        found = find_separation(X, np.ones(5))
        assert found.kind == "complete"
        rows = np.vstack([X[1:], -X[1:], X[:1]])
        assert kind_found(rows) == kind_in_fractions(rows) == "quasi-complete"

    def test_rows_that_depend_on_those_in_use(self):
        # Three classes, and four: the rows of a pair of classes are differences of other rows.
        # Taken for new ones because of a rounding error, they made the rows overlap.
        own = [(2.54, -1.42), (0.6, -0.46), (0.95, 1.77)]
        both = [(1.58, -0.71), (0.72, 1.64), (-2.15, 0.67), (1.13, 0.29), (2.54, -1.42)]
        both += [(0.45, 1.34), (0.74, 0.32), (0.54, -0.13), (1.38, -0.04), (1.54, -1.24)]
        both += [(-0.61, -0.94), (0.6, -0.46), (0.15, 1.85), (0.95, 1.77)]
        three = [np.kron([1, 0], [1, *x]) for x in own]
        three += [np.kron([-1, 0], [1, 2.34, -1.02])]
        three += [np.kron([1, -1], [1, *x]) for x in both[:-2]]
        three += [np.kron([0, -1], [1, 2.34, -1.02])]
        three += [np.kron([1, -1], [1, *x]) for x in both[-2:]]
        first = [(0.4, 1.64), (1.4, -0.25)]
        second = [(0.32, 1.89), (0.19, 0.64), (-0.17, 0.08), (-0.09, 1.03), (-0.5, 1.47)]
        second += [(0.45, -0.69), (0.4, 1.64), (1.4, -0.25), (-0.2, 0.36), (0.71, 1.08)]
        four = [np.kron([0, 1], [1, -0.32, 0.72]), np.kron([-1, 1], [1, -0.74, -0.42])]
        four += [np.kron([-1, 0], [1, *x]) for x in first]
        four += [np.kron([0, -1], [1, *x]) for x in second]
        four += [np.kron([1, -1], [1, 1.02, -0.7])]
        for rows in (three, four):
            A = np.array(rows)
            assert kind_found(A) == kind_in_fractions(A) == "quasi-complete"
            exact = exact_product(A, separating_direction(A).direction)
            assert exact.min() == 0 < exact.max()

    def test_ties_survive_mixed_columns(self):
        # Combinations of the columns, of sizes from 1 to 1e-6: ties only up to rounding errors.
        kinds = []
        for seed in range(240):
            A = signed(*small_problem(seed))
            if kind_by_linear_program(A) != "quasi-complete":
                continue
            rng, m = np.random.default_rng(seed), A.shape[1]
            U, V = (np.linalg.qr(rng.normal(size=(m, m)))[0] for _ in range(2))
            A = A / np.maximum(np.abs(A).max(axis=0), 1e-300)
            found = separating_direction(A @ (U * 10.0 ** -np.linspace(0, 6, m)) @ V)
            # The margin is a rounding error of scores whose terms are 1e6 times as large.
            assert found is None or abs(found.margin) < 1e-8
            kinds.append(found and found.kind)
        assert len(kinds) > 40
        assert kinds.count("quasi-complete") / len(kinds) > 0.97

    def test_rows_that_are_tied_only_up_to_rounding(self):
        # No vector but 0 has score 0 on both, so there is nothing to replace d by.
        A, d = np.array([[1, -1e-11], [-1, -1e-11], [0, 1]]), np.array([0.0, 1.0])
        assert _polish(A, d, np.array([True, True, False])).tolist() == [0, 1]

    @pytest.mark.parametrize("label", [0, 1])
    def test_one_class(self, label):
        X = add_intercept(np.random.default_rng(9).normal(size=(10, 2)))
        found = find_separation(X, np.full(10, label))
        assert found.kind == "complete"
        assert ((2 * label - 1) * (X @ found.direction)).min() == found.margin > 0

    def test_rows_of_zeros_are_tied(self):
        assert find_separation(np.zeros((3, 2)), [0, 1, 1]) is None
        found = find_separation([[0, 0], [1, 2]], [0, 1])
        assert (found.kind, found.margin) == ("quasi-complete", 0)

    def test_no_rows(self):
        assert separating_direction(np.empty((0, 3))) is None

    def test_extreme_sizes(self):
        x = np.random.default_rng(10).normal(size=(2, 12))
        for scale in (1e300, 1e-300, 1e-310):
            X = add_intercept((x * [[scale], [1]]).T)
            with np.errstate(all="raise"):
                found = find_separation(X, x[0] > 0)
            assert found.kind == "complete"
            assert np.isfinite(found.direction).all()
            with np.errstate(over="ignore"):
                scores = (2 * (x[0] > 0) - 1) * (X @ found.direction)
            assert scores.min() > 0

    def test_many_rows(self):
        rng = np.random.default_rng(11)
        X = add_intercept(rng.normal(size=(20_000, 10)))
        z = X @ rng.normal(size=11)
        y = (z > 0).astype(float)
        assert find_separation(X, y).kind == "complete"
        y[0] = 1 - y[0]
        assert find_separation(X, y) is None
        y[0] = 1 - y[0]
        rare = (y == 1) & (rng.random(len(y)) < 1e-3)
        noise = (rng.random(len(y)) < 0.5) | rare
        found = find_separation(np.hstack([X, rare[:, None]]), noise)
        assert (found.kind, found.margin) == ("quasi-complete", 0)
        assert (found.direction != 0).tolist() == [False] * 11 + [True]
        twice = np.vstack([X, X[:2]]), np.append(y, 1 - y[:2])
        found = find_separation(*twice)
        assert found is None or found.kind == "quasi-complete"

    def test_is_the_reason_why_irls_fails(self):
        for seed in range(120):
            X, y = small_problem(seed)
            if np.linalg.matrix_rank(X / np.abs(X).max(axis=0).clip(1e-300)) < X.shape[1]:
                continue
            if find_separation(X, y) is None:
                assert irls(X, y).converged
            else:
                with pytest.raises(SeparationError):
                    irls(X, y)

    def test_exact_product(self):
        rng = np.random.default_rng(12)
        A, d = rng.normal(size=(50, 7)), rng.normal(size=7)
        A[:, 6] = -(A[:, :6] @ d[:6]) / d[6]  # nearly 0: the plain product has no digit right
        exact = [
            float(sum((Fraction(a) * Fraction(b) for a, b in zip(row, d, strict=True)), 0))
            for row in A.tolist()
        ]
        assert exact_product(A, d).tolist() == exact
        assert (np.sign(A @ d) != np.sign(exact)).any()

    def test_what_is_returned_is_verified(self):
        rng = np.random.default_rng(20)
        A, d = rng.normal(size=(1000, 7)), rng.normal(size=7)
        A[:, 6] = -(A[:, :6] @ d[:6]) / d[6]
        clear, none = np.eye(7)[0] * np.sign(d[0]), np.zeros(2, dtype=bool)
        seen = set()
        for row, true in zip(A, exact_product(A, d), strict=True):
            pair = np.array([clear, row])
            computed = (pair @ d)[1]
            assert _holds(pair, d, none) == (computed > 0 and true > 0)
            seen.add((computed > 0, true > 0))
        assert len(seen) == 4
        # A score that is 0 and computed as positive, because its terms cancel, is not positive.
        computed = set()
        for _ in range(100):
            u = rng.normal(size=5) * 10.0 ** rng.integers(-2, 3, 5)
            row = rng.permutation(np.concatenate([u, -u]))
            pair = np.array([np.abs(row), row])
            computed.add(bool((pair @ np.ones(10))[1] > 0))
            assert not _holds(pair, np.ones(10), none)
        assert True in computed
        # Tied rows may be off by a rounding error, and by no more.
        tied = np.array([False, True])
        for score, right in ((0, True), (2e-16, True), (-2e-16, True), (1e-13, False), (1, False)):
            assert _holds(np.array([[1.0, 0.0], [1.0, score - 1]]), np.ones(2), tied) == right
        long = np.array([[1e-10, 0.0], [1.0, 1e-15 - 1]])
        assert not _holds(long, np.ones(2), tied)

    @pytest.mark.parametrize(
        ("X", "y", "error", "message"),
        [
            ([[1, np.inf], [1, 2]], [0, 1], ValueError, r"^X\[0, 1\] is inf"),
            ([[1, 2], [1, 3]], [1, 2], ValueError, r"^y\[1\] is 2\.0"),
            ([[1, 2], [1, 3]], [1], ValueError, r"^y has shape \(1,\) and X has shape \(2, 2\)"),
            (np.empty((0, 2)), [], ValueError, r"^X has no rows"),
            (None, [1], TypeError, r"^X is None"),
        ],
    )
    def test_bad_input(self, X, y, error, message):
        with pytest.raises(error, match=message):
            find_separation(X, y)


class TestPartsOfTheSearch:
    def test_least_squares_agree_with_scipy(self):
        lengths = []
        for seed in range(300):
            rng = np.random.default_rng(seed)
            n, m = rng.integers(1, 25), rng.integers(1, 7)
            C, f = rng.normal(size=(n, m)), rng.normal(size=m)
            if seed % 3 == 0:  # rows that depend on one another, and a target that they reach
                C = np.vstack([C, C[: n // 2], C[:1] + C[-1:]])
                f = C.T @ (rng.random(len(C)) < 0.3)
            elif seed % 3 == 1:  # all rows on one side: some are dropped on the way
                C[:, 0] = np.abs(C[:, 0]) + 0.1
            rounding = 1e-15 * np.linalg.norm(C, axis=1)
            u, length = nnls(C.T, f)
            residual = nonnegative_least_squares(C, f, rounding, small=1e-13)
            np.testing.assert_allclose(residual, f - C.T @ u, atol=1e-12)
            lengths.append(length)
            # It stops as soon as the residual is short enough. A residual of 0 is computed as a rounding error.
            early = nonnegative_least_squares(C, f, rounding, small=2 * length + 1e-12)
            assert np.linalg.norm(early) <= 2 * length + 1e-12
        assert sum(length > 0.1 for length in lengths) > 50 < sum(length < 1e-12 for length in lengths)

    def test_independent_rows_span_the_others(self):
        for seed in range(60):
            rng = np.random.default_rng(seed)
            n, m = rng.integers(1, 20), rng.integers(1, 8)
            rank = rng.integers(0, min(n, m) + 1)
            A = rng.integers(-4, 5, (n, rank)) @ rng.integers(-4, 5, (rank, m)) * 1.0
            A = np.ldexp(A, -rng.integers(0, 9, (n, 1)) * (seed % 2))
            rows = _independent_rows(A)
            # Of large rows none is taken for a remainder of the others by a rounding error, and no remainder is forgotten.
            assert len(rows) == np.linalg.matrix_rank(A) == np.linalg.matrix_rank(A[rows])
            assert not rows or rows[0] == np.argmax((A**2).sum(axis=1))
        almost = np.array([[1, 1, 0], [1, 1, 1e-9], [1, 1 - 1e-7, 0]])
        assert sorted(_independent_rows(almost)) == [0, 1, 2]
        # The longest remainder comes first: here that is the row at a right angle, though the other is longer.
        assert _independent_rows(np.array([[3.0, 0, 0], [2, 1e-3, 0], [0, 1, 0]])) == [0, 2]

    def test_the_null_space_is_exact(self):
        seen = 0
        for seed in range(120):
            rng = np.random.default_rng(seed)
            n, m = rng.integers(1, 8), rng.integers(2, 8)
            rank = rng.integers(1, min(n, m) + 1)
            A = 1.0 * rng.integers(-4, 5, (n, rank)) @ rng.integers(-4, 5, (rank, m))
            rank = np.linalg.matrix_rank(A)
            A = np.ldexp(A, -np.frexp(np.abs(A).max(axis=1, keepdims=True))[1])  # as the search scales its rows
            null = _null_space(A) if A.any() else None
            if rank == m or not A.any():
                assert null is None
                continue
            pivots, free, solution, common = null
            assert sorted([*pivots, *free]) == list(range(m))
            d = rng.normal(size=m)
            exact = _solve(*null, d)
            assert common > 0
            assert [sum(Fraction(a) * v for a, v in zip(row, exact, strict=True)) for row in A.tolist()] == [0] * n
            # The free entries keep their ratios to one another, and so do all entries without their common factor.
            assert len({Fraction(exact[j]) / Fraction(d[j]) for j in free}) == 1
            whole = _whole(exact)
            assert np.gcd.reduce(np.array(whole, dtype=object)) == 1
            assert all(v * exact[free[0]] == w * whole[free[0]] for v, w in zip(whole, exact, strict=True))
            seen += len(free)
        assert seen > 100

    def test_whole_numbers_become_floats_of_their_ratios(self):
        assert _whole([12, -18, 0]) == [2, -3, 0]
        assert _whole([0, 0]) == [0, 0]
        assert _floats([3, -5, 0]).tolist() == [3, -5, 0]
        large = [3 * 2**2000, -(2**2001), 1]
        assert (_floats(large) * 2.0**-60).tolist() == [0.75, -0.5, 0]
        assert 1 / 2 <= np.max(np.abs(_floats(large))) / 2**60 <= 1

    def test_short_numbers(self):
        d = np.array([4 / 3, -0.3, 1e-3])
        assert _short(d, 0).tolist() == [1, 0, 0]
        assert _short(d, 3).tolist() == [1, -0.25, 0]
        assert _few_bits(d, 1).tolist() == [1, -0.25, 2.0**-10]
        assert _few_bits(d, 3).tolist() == [1.25, -0.3125, 2.0**-10]

    def test_candidates(self):
        # 1/3 and 2/3 have no end in binary digits; whole numbers in their ratio do.
        d = np.array([1 / 3 + 1e-12, 2 / 3])
        tried = list(_candidates(np.array([[-2.0, 1.0]]), d))
        assert any(c[0] and 2 * c[0] == c[1] for c in tried)
        # From the simplest numbers to long ones, then exact solutions, then their multiples.
        assert tried[0].tolist() == [1, 1]
        assert len(tried) == 59 + 60 + 11 * 50
        assert len(list(_candidates(np.eye(2), d))) == 59

    def test_the_least_score_in_any_order(self):
        assert _orders_minimum(np.array([[1.0, 2, 3, 4], [-1, -2, 0, 0], [9, 9, 9, 9]]), np.ones(4)) == -3
        # Sums that cancel: the orders give different numbers, and the least of them counts.
        rng, apart = np.random.default_rng(24), 0
        for _ in range(200):
            d = rng.normal(size=9)
            A = rng.normal(size=(3, 9))
            A[:, 8] = -(A[:, :8] @ d[:8]) / d[8]
            orders = [(A @ d).min(), (np.asfortranarray(A) @ d).min(), (A * d).sum(axis=1).min()]
            assert _orders_minimum(A, d) == min(orders)
            apart += min(orders) < max(orders)
        assert apart > 50

    def test_the_origin(self):
        A = np.array([[2.0, 4, 6], [-2, 1, 1], [2, 0, 0]])
        assert _origin(A).tolist() == [0, 2, 3]
        assert _origin(-A).tolist() == _origin(A[:1]).tolist() == [0, 2, 3]
        for other in (A * [[1], [2], [1]], A * [0, 1, 1], np.empty((0, 3))):
            assert _origin(other).tolist() == [0, 0, 0]


class TestBayesThreshold:
    def test_is_the_cheapest_on_a_grid(self):
        p = np.linspace(0, 1, 2001)
        for fp, fn in ((1, 1), (1, 4), (7, 2), (1e-3, 5)):
            # The expected cost of each decision for a sample with probability p.
            cheaper = fp * (1 - p) < fn * p
            t = bayes_threshold(fp, fn)
            assert t == fp / (fp + fn)
            assert (cheaper == (p > t))[np.abs(p - t) > 1e-12].all()
            # Control: the costs the wrong way round.
            swapped = p > bayes_threshold(fn, fp)
            assert fp == fn or (cheaper != swapped).any()

    def test_costs_and_shares_of_any_size(self):
        least = 5e-324
        assert bayes_threshold(least, 1) == least
        assert bayes_threshold(1e308, 1e308) == 0.5
        trained, deployed = 1e-310, 1 - 2.0**-53
        fp, fn = Fraction(trained) * (1 - Fraction(deployed)), Fraction(least) * 5 * (1 - Fraction(trained)) * Fraction(deployed)
        assert bayes_threshold(1, 5 * least, trained_share=trained, deployed_share=deployed) == float(fp / (fp + fn))

    @pytest.mark.parametrize(("trained", "deployed"), [(0.5, 0.1), (0.2, 0.7), (0.3, 0.3)])
    def test_shifted_shares_by_total_cost(self, trained, deployed):
        # Two normal distributions: the model is right where it was trained, the cost is counted
        # where it is used, and the best threshold is looked for among all.
        x = np.linspace(-8, 9, 4001)
        one, zero = np.exp(-((x - 1) ** 2) / 2), np.exp(-(x**2) / 2)
        p = trained * one / (trained * one + (1 - trained) * zero)
        fp, fn = 1.0, 3.0
        wrongly_one = np.cumsum((zero / zero.sum())[::-1])[::-1]
        wrongly_zero = np.append(0, np.cumsum(one / one.sum())[:-1])
        cost = fp * (1 - deployed) * wrongly_one + fn * deployed * wrongly_zero
        t = bayes_threshold(fp, fn, trained_share=trained, deployed_share=deployed)
        best = np.argmin(cost)
        assert p[best - 1] <= t <= p[best + 1]
        # Control: without the shift, another threshold.
        if trained != deployed:
            assert not p[best - 1] <= bayes_threshold(fp, fn) <= p[best + 1]

    def test_is_the_formula(self):
        rng = np.random.default_rng(13)
        for _ in range(50):
            fp, fn = rng.uniform(0.1, 9, 2)
            trained, deployed = rng.uniform(0.01, 0.99, 2)
            t = bayes_threshold(fp, fn, trained_share=trained, deployed_share=deployed)
            odds = fp / fn * (trained / (1 - trained)) * ((1 - deployed) / deployed)
            assert t / (1 - t) == pytest.approx(odds, rel=1e-12)
            same = bayes_threshold(fp, fn, trained_share=trained, deployed_share=trained)
            assert same == pytest.approx(bayes_threshold(fp, fn), rel=1e-14)
            # Only the ratio of the costs matters.
            assert bayes_threshold(1024 * fp, 1024 * fn) == bayes_threshold(fp, fn)

    def test_ends(self):
        assert bayes_threshold(0, 1) == 0
        assert bayes_threshold(3, 0) == 1
        assert bayes_threshold(1.7e308, 1.7e308) == 0.5
        assert bayes_threshold(5e-324, 5e-324) == 0.5
        assert bayes_threshold(1.7e308, 1e-300) == 1
        assert type(bayes_threshold(1, 2)) is float

    @pytest.mark.parametrize(
        ("arguments", "shares", "error", "message"),
        [
            ((-1, 1), {}, ValueError, r"^cost_fp is -1\.0; it must be finite and 0 or more"),
            ((1, np.inf), {}, ValueError, r"^cost_fn is inf"),
            ((0, 0), {}, ValueError, r"^cost_fp and cost_fn are both 0"),
            ((1, [1]), {}, TypeError, r"^cost_fn is \[1\]; pass one real number"),
            ((1, 1), {"trained_share": 0.5}, TypeError, r"^deployed_share is missing; pass both"),
            ((1, 1), {"deployed_share": 0.5}, TypeError, r"^trained_share is missing"),
            (
                (1, 1),
                {"trained_share": 0, "deployed_share": 0.5},
                ValueError,
                r"^trained_share is 0\.0",
            ),
            (
                (1, 1),
                {"trained_share": 0.5, "deployed_share": 1},
                ValueError,
                r"^deployed_share is 1\.0; a share of class 1 lies between 0 and 1",
            ),
        ],
    )
    def test_bad_input(self, arguments, shares, error, message):
        with pytest.raises(error, match=message):
            bayes_threshold(*arguments, **shares)


def forecasts(n=400):
    rng = np.random.default_rng(14)
    p = sigmoid(rng.normal(0, 2, n))
    return (rng.random(n) < p).astype(float), p


class TestCalibrationCurve:
    @pytest.mark.parametrize("bins", [1, 2, 5, 10, 37, 1000])
    def test_scikit_learn(self, bins):
        y, p = forecasts()
        curve = calibration_curve(y, p, bins)
        observed, predicted = calibration.calibration_curve(y, p, n_bins=bins)
        np.testing.assert_allclose(curve.predicted, predicted, rtol=1e-13)
        np.testing.assert_allclose(curve.observed, observed, rtol=1e-13)
        assert curve.count.sum() == len(y)

    @pytest.mark.parametrize("bins", [1, 3, 10])
    def test_is_the_definition(self, bins):
        y, p = forecasts(60)
        rows = []
        for k in range(bins):
            held = (p >= k / bins) & ((p < (k + 1) / bins) | (k == bins - 1))
            if held.any():
                rows.append((p[held].mean(), y[held].mean(), held.sum()))
        for result, expected in zip(calibration_curve(y, p, bins), zip(*rows), strict=True):
            np.testing.assert_allclose(result, expected, rtol=1e-13)

    def test_edges(self):
        curve = calibration_curve([0, 1, 1, 0, 1], [0, 0.5, 1, 0.25, 0.75], bins=4)
        assert curve.count.tolist() == [1, 1, 1, 2]
        assert curve.predicted.tolist() == [0, 0.25, 0.5, 0.875]
        assert curve.observed.tolist() == [0, 0, 1, 1]
        assert curve.count.dtype.kind == "i"
        for part in calibration_curve([], []):
            assert part.shape == (0,)

    def test_means_combine_to_the_totals(self):
        y, p = forecasts()
        curve = calibration_curve(y, p)
        assert curve.count @ curve.predicted == pytest.approx(p.sum())
        assert curve.count @ curve.observed == pytest.approx(y.sum())
        # In the large: with a free intercept, the fit's mean probability is the mean label.
        X = add_intercept(np.random.default_rng(15).normal(size=(len(y), 2)))
        for ridge in (0.0, 10.0):
            fitted = sigmoid(X @ irls(X, y, ridge=ridge).beta)
            assert fitted.mean() == pytest.approx(y.mean(), abs=1e-8)

    @pytest.mark.parametrize(
        ("y", "p", "bins", "error", "message"),
        [
            ([0, 1], [0.5, 1.5], 10, ValueError, r"^p\[1\] is 1\.5; .* pass sigmoid\(p\)"),
            ([0, 2], [0.5, 0.5], 10, ValueError, r"^y\[1\] is 2\.0"),
            ([0, 1], [0.5], 10, ValueError, r"^p has shape \(1,\) and y has shape \(2,\)"),
            ([[0, 1]], [[0.5, 0.5]], 10, ValueError, r"^y has shape \(1, 2\); it must be 1-d"),
            ([0, 1], [0.5, 0.5], 0, ValueError, r"^bins is 0"),
            ([0, 1], [0.5, 0.5], 2.5, TypeError, r"^bins is 2\.5"),
        ],
    )
    def test_bad_input(self, y, p, bins, error, message):
        with pytest.raises(error, match=message):
            calibration_curve(y, p, bins)


class TestClassWeights:
    def test_scikit_learn(self):
        for seed in range(10):
            y = np.random.default_rng(seed).random(50) < 0.2
            np.testing.assert_allclose(
                class_weights(y), compute_sample_weight("balanced", y), rtol=1e-14
            )

    def test_balances(self):
        y = np.array([1, 0, 0, 0, 0, 1, 0])
        s = class_weights(y)
        assert s[y == 1].sum() == pytest.approx(3.5, rel=1e-15)
        assert s[y == 0].sum() == pytest.approx(3.5, rel=1e-15)
        # The fit then forecasts one half on average, in the weighted sample.
        X = add_intercept(np.random.default_rng(16).normal(size=(300, 1)))
        y = (np.random.default_rng(17).random(300) < 0.1 * np.exp(0.3 * X[:, 1])).astype(float)
        s = class_weights(y)
        p = sigmoid(X @ irls(X, y, sample_weight=s).beta)
        assert s @ p / s.sum() == pytest.approx(0.5, abs=1e-8)
        assert abs(p.mean() - y.mean()) > 0.2

    @pytest.mark.parametrize(
        ("y", "error", "message"),
        [
            ([1, 1], ValueError, r"^y holds no sample of class 0; "),
            ([0], ValueError, r"^y holds no sample of class 1; "),
            ([], ValueError, r"^y holds no sample of class 0; "),
            ([0, 1, 3], ValueError, r"^y\[2\] is 3\.0"),
            ([[0], [1]], ValueError, r"^y has shape \(2, 1\); it must be 1-d.*y\.ravel"),
            (None, TypeError, r"^y is None"),
        ],
    )
    def test_bad_input(self, y, error, message):
        with pytest.raises(error, match=message):
            class_weights(y)


class TestBrierScore:
    def test_scikit_learn(self):
        y, p = forecasts()
        s = np.random.default_rng(18).integers(0, 4, len(y))
        assert brier_score(y, p) == pytest.approx(metrics.brier_score_loss(y, p), rel=1e-13)
        assert brier_score(y, p, sample_weight=s) == pytest.approx(
            metrics.brier_score_loss(y, p, sample_weight=s), rel=1e-13
        )

    def test_is_the_formula(self):
        y, p = forecasts()
        losses = (p - y) ** 2
        np.testing.assert_array_equal(brier_score(y, p, reduction="none"), losses)
        assert brier_score(y, p, reduction="sum") == losses.sum()
        assert brier_score(y, p) == losses.sum() / len(y)
        assert brier_score(1, np.float32(0.25), reduction="none").dtype == np.float32
        with np.errstate(all="raise"):
            assert brier_score([0], [1e-200]) == 0

    def test_honesty_pays(self):
        q, p = 0.3, np.linspace(0, 1, 1001)
        expected = q * (1 - p) ** 2 + (1 - q) * p**2
        ours = [brier_score([1, 0], [x, x], sample_weight=[q, 1 - q], reduction="sum") for x in p]
        np.testing.assert_allclose(ours, expected, rtol=1e-12)
        assert p[np.argmin(ours)] == pytest.approx(q)

    @pytest.mark.parametrize(
        ("y", "p", "options", "error", "message"),
        [
            ([0, 1], [0.5, -2], {}, ValueError, r"^p\[1\] is -2\.0; .* pass sigmoid\(p\)"),
            ([0, 1], [0.5], {}, ValueError, r"^p has shape \(1,\)"),
            ([0, 1], [0.5, 0.5], {"reduction": "avg"}, ValueError, r"^reduction is 'avg'"),
            ([0, 1], [0.5, 0.5], {"sample_weight": [0, 0]}, ValueError, r"^sample_weight is 0 ev"),
            ([], [], {}, ValueError, r"^y is empty"),
        ],
    )
    def test_bad_input(self, y, p, options, error, message):
        with pytest.raises(error, match=message):
            brier_score(y, p, **options)


def test_examples_in_the_docstrings():
    results = doctest.testmod(importlib.import_module("lrmath.decisions"))
    assert results.failed == 0
    assert results.attempted >= 10
