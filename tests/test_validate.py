"""The input checks by themselves: what passes, and which entry, value and advice a refusal names."""

from fractions import Fraction

import numpy as np
import pytest

from lrmath import _validate as check

NAN, INF = np.nan, np.inf
LONG = np.longdouble(1)
X = np.array([[1.0, 2.0], [1.0, 3.0], [1.0, 5.0]])
Y = np.array([0.0, 1.0, 1.0])


def refused(call, error, *parts):
    with pytest.raises(error) as caught:
        call()
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize("kind", [bool, np.int8, np.uint16, np.int64, np.float16, np.float32, np.float64])
def test_real_numbers_of_every_type_become_float64(kind):
    array, given_back = check.real("x", np.array([0, 1], dtype=kind))
    assert array.dtype == np.float64
    assert array.tolist() == [0, 1]
    assert given_back == (kind if np.dtype(kind).kind == "f" else np.float64)


@pytest.mark.parametrize(
    ("value", "error", "parts"),
    [
        (None, TypeError, ["x is None"]),
        (np.ma.masked_array([1.0, 2.0], [0, 1]), TypeError, ["x is a masked array", "x.compressed()"]),
        ([[1, 2], [3, 4], [5]], ValueError, ["x[2] is [5], unlike x[0] in length", "rows of equal length"]),
        ([[1, 2], 3], ValueError, ["x[1] is 3, unlike x[0] in length"]),
        ([[[1], [2, 3]], [[4], [5, 6]]], ValueError, ["which is no rectangular array"]),
        ([1, "a", "b"], TypeError, ["x[1] is 'a'; entries must be real"]),
        ([[1, 2], [3, 4j]], TypeError, ["x[1, 1] is 4j"]),
        ("a", TypeError, ["x is 'a'"]),
        ([Fraction(1, 2)], TypeError, ["x has dtype object", "np.asarray(x, dtype=float)"]),
        ([[0, 1], [NAN, NAN]], ValueError, ["x[1, 0] is nan", "missing values"]),
        (NAN, ValueError, ["x is nan"]),
    ],
    ids=str,
)
def test_what_is_not_real_is_refused(value, error, parts):
    refused(lambda: check.real("x", value), error, *parts)


@pytest.mark.skipif(np.finfo(np.longdouble).nmant == 52, reason="long double is float64 here")
def test_long_double_is_refused():
    refused(lambda: check.real("x", LONG), TypeError, "x has dtype", "x.astype(float)")


def test_infinity_is_real_and_not_finite():
    array, _ = check.real("x", [INF, -INF])
    assert array.tolist() == [INF, -INF]
    refused(lambda: check.finite("x", np.array([[1.0, 2.0], [-INF, INF]])), ValueError, "x[1, 0] is -inf; Entries must be")
    check.finite("x", np.array([1e308, 1e308]))  # only their sum is infinite


def test_a_result_has_the_type_of_the_caller_without_a_warning():
    with np.errstate(all="raise"):
        assert check.restore(np.array(1e300), np.float32) == INF
        assert check.restore(np.array([1e-300]), np.float16).tolist() == [0]
    assert type(check.restore(np.array(2.0), np.float16)) is np.float16


def test_shapes():
    assert check.matrix("X", [[1, 2]]).shape == (1, 2)
    refused(lambda: check.matrix("X", [1, 2]), ValueError, "X has shape (2,); it must be 2-d", "X.reshape(-1, 1)")
    refused(lambda: check.matrix("X", [[1, INF]]), ValueError, "X[0, 1] is inf")
    check.same_shape("p", Y, "y", Y)
    refused(lambda: check.same_shape("p", Y, "y", X), ValueError, "p has shape (3,) and y has shape (3, 2)")
    check.fits("y", Y, X, 0)
    check.fits("beta", np.zeros(2), X, 1)
    refused(lambda: check.fits("y", np.zeros(2), X, 0, "Advice."), ValueError, "(3,), one entry for each row of X. Advice.")
    refused(lambda: check.fits("b", Y, X, 1), ValueError, "b must have shape (2,), one entry for each column of X.")
    assert check.one_axis("y", Y) is Y
    refused(lambda: check.one_axis("y", X), ValueError, "y has shape (3, 2); it must be 1-d", "y.ravel()")
    check.two_axes("A", X)
    refused(lambda: check.two_axes("A", Y), ValueError, "A has shape (3,); it must be 2-d")
    assert check.coefficients("beta0", [1, 2], X).tolist() == [1, 2]
    refused(lambda: check.coefficients("beta0", [1, 2, 3], X), ValueError, "beta0 must have shape (2,)", "add_intercept")
    refused(lambda: check.coefficients("beta0", [1, INF], X), ValueError, "beta0[1] is inf")


def test_labels_are_zeros_and_ones():
    assert check.labels([True, False]).tolist() == [1, 0]
    refused(lambda: check.labels([1, 2]), ValueError, "y[1] is 2.0", "pass y - 1")
    refused(lambda: check.labels([1, -1]), ValueError, "y[1] is -1.0", "(y + 1) / 2")
    refused(lambda: check.labels([0, 1, 0.5, 2]), ValueError, "y[2] is 0.5", "y == that_class")


def test_probabilities_lie_in_0_to_1():
    assert check.probabilities([0, 1, 0.5], "")[0].tolist() == [0, 1, 0.5]
    for p in (-1e-300, 1 + 2**-52):
        refused(lambda p=p: check.probabilities([0, p], "Advice."), ValueError, f"p[1] is {p}", "[0, 1]. Advice.")


def test_weights():
    ones, kind = check.weights(None, Y)
    assert ones.tolist() == [1, 1, 1]
    assert kind == np.float16
    assert check.row_weights(None, X).tolist() == [1, 1, 1]
    for weights in (lambda s: check.weights(s, Y)[0], lambda s: check.row_weights(s, X)):
        assert weights([0, 1, 2]).tolist() == [0, 1, 2]
        refused(lambda w=weights: w([0, 1, -1]), ValueError, "sample_weight[2] is -1.0", "0 or more")
        refused(lambda w=weights: w([0, 1, INF]), ValueError, "sample_weight[2] is inf")
        refused(lambda w=weights: w([0, 1]), ValueError, "sample_weight has shape (2,)")


def test_a_problem_leaves_out_the_samples_of_weight_0():
    same, y, s = check.problem(X, Y, None)
    assert (same.tolist(), y.tolist(), s.tolist()) == (X.tolist(), Y.tolist(), [1, 1, 1])
    fewer, y, s = check.problem(X, Y, [0, 2, 1e-300])
    assert (fewer.tolist(), y.tolist(), s.tolist()) == (X[1:].tolist(), [1, 1], [2, 1e-300])
    refused(lambda: check.problem(np.zeros((3, 0)), Y, None), ValueError, "X has no columns")
    refused(lambda: check.problem(np.zeros((0, 2)), [], None), ValueError, "X has no rows")
    refused(lambda: check.problem(X, [[0], [1], [1]], None), ValueError, "y has shape (3, 1)", "y.ravel()")
    refused(lambda: check.problem(X, Y, [0, 0, 0]), ValueError, "sample_weight is 0 everywhere")
    with np.errstate(all="raise"):
        refused(lambda: check.problem(X, Y, [1e308, 1e308, 1]), ValueError, "sample_weight has an infinite sum")


def test_one_number():
    assert check.number("tol", np.float32(0.5), above=0) == 0.5
    assert check.number("ridge", 0, least=0) == 0
    assert type(check.number("ridge", 1, least=0)) is float
    refused(lambda: check.number("ridge", -1e-300, least=0), ValueError, "ridge is -1e-300", "finite and 0 or more")
    refused(lambda: check.number("tol", 0, above=0), ValueError, "tol is 0.0", "finite and above 0")
    for value in (INF, NAN):
        refused(lambda v=value: check.number("tol", v, above=0), ValueError, f"tol is {value}")
        refused(lambda v=value: check.number("ridge", v, least=0), ValueError, f"ridge is {value}")
    for value in (True, np.True_, "1", None, [1.0], 1j):
        refused(lambda v=value: check.number("tol", v, above=0), TypeError, "tol is", "pass one real number")


def test_a_count_and_a_flag():
    assert check.count("max_iter", np.int8(1)) == 1
    assert type(check.count("max_iter", np.int8(1))) is int
    refused(lambda: check.count("max_iter", 0), ValueError, "max_iter is 0; it must be 1 or more")
    for value in (True, np.True_, 1.0, "1", None):
        refused(lambda v=value: check.count("max_iter", v), TypeError, "max_iter is", "whole number")
    assert check.flag("f", np.True_) is True
    assert check.flag("f", False) is False
    for value in (1, 0, None, "yes"):
        refused(lambda v=value: check.flag("f", v), TypeError, "f is", "pass True or False")


def test_an_axis_is_counted_from_0():
    assert [check.axis_of("a", X, axis) for axis in (-2, -1, 0, np.int8(1))] == [0, 1, 0, 1]
    for axis in (-3, 2):
        refused(lambda a=axis: check.axis_of("a", X, a), ValueError, f"axis is {axis}", "Pass an axis from -2 to 1")
    refused(lambda: check.axis_of("a", np.array(1.0), 0), ValueError, "for example [a]")
    for axis in (True, np.True_, 1.0, None, (0, 1)):
        refused(lambda a=axis: check.axis_of("a", X, a), TypeError, "axis is", "a.ravel()")


def test_scores_without_a_softmax_are_refused():
    check.refuse_slices("a", np.array([[-INF, 0.0], [1.0, -INF]]), 1)
    refused(lambda: check.refuse_slices("a", np.array([[0.0, 1.0], [2.0, INF]]), 1), ValueError, "a[1, 1] is inf")
    nothing = np.array([[0.0, -INF], [1.0, -INF]])
    refused(lambda: check.refuse_slices("a", nothing, 0), ValueError, "a[:, 1] is -inf throughout")
    refused(lambda: check.refuse_slices("a", nothing.T, 1), ValueError, "a[1, :] is -inf throughout")


def test_class_numbers():
    assert check.class_numbers([0, 2.0, 1]).tolist() == [0, 2, 1]
    assert check.class_numbers([2.0**53]).tolist() == [2**53]
    for value in (-1, 0.5, 2.0**53 + 2, INF):
        refused(lambda v=value: check.class_numbers([0, v]), ValueError, f"y[1] is {float(value)}", "np.unique")
    assert check.class_labels([0, 2], 2, 3).tolist() == [0, 2]
    refused(lambda: check.class_labels([0, 3], 2, 3), ValueError, "y[1] is 3; there are 3 classes, numbered 0 to 2")
    refused(lambda: check.class_labels([[0], [1]], 2, 3), ValueError, "shape (2, 1)", "y.ravel()")
    refused(lambda: check.class_labels(np.eye(2, 3), 2, 3), ValueError, "shape (2, 3)", "y.argmax(axis=1)")
    refused(lambda: check.class_labels([0, 1, 1], 2, 3), ValueError, "it must have shape (2,)")


def test_one_hot_labels():
    assert check.one_hot(np.eye(2, 3), 2, 3).tolist() == [[1, 0, 0], [0, 1, 0]]
    refused(lambda: check.one_hot([0, 1], 2, 3), ValueError, "Y has shape (2,); it must have shape (2, 3)", "np.eye(K)[y]")
    refused(lambda: check.one_hot(np.eye(3), 2, 3), ValueError, "Y has shape (3, 3)")
    refused(lambda: check.one_hot([[1, 0], [0.5, 0.5]], 2, 2), ValueError, "Y[1, 0] is 0.5")
    refused(lambda: check.one_hot([[1, 0], [1, 1]], 2, 2), ValueError, "Y[1, :] adds up to 2")
    refused(lambda: check.one_hot([[1, 0], [0, 0]], 2, 2), ValueError, "Y[1, :] adds up to 0")


def test_a_first_column_that_stands_for_the_intercept():
    check.ones_first(X, "")
    check.ones_first(-2 * X, "")
    check.ones_first(X[:1], "")
    refused(lambda: check.ones_first(X[:, 1:], "Advice."), ValueError, "X[:, 0] holds 3.0 in a", "Advice.")
    refused(lambda: check.ones_first(0 * X, ""), ValueError, "X[:, 0] holds 0.0 in a")
    refused(lambda: check.ones_first(np.array([[0.0], [1.0]]), ""), ValueError, "X[:, 0] holds 0.0 in a")


def test_a_list_of_masked_arrays_keeps_no_masks():
    rows = [np.ma.masked_array([1.0, 2.0]), np.ma.masked_array([1.0, -999.0], mask=[False, True])]
    for value in (rows, tuple(rows), [[1.0, 2.0], rows[1]], [[rows[0]], [rows[1]]]):
        refused(lambda value=value: check.real("X", value), TypeError, "X is a masked array")


def test_columns_whose_squares_vanish():
    tiny = np.array([[1, 1e-200, 0], [1, 0, 0], [1, -1e-200, 0]])
    refused(lambda: check.refuse_tiny_columns(tiny, np.ones(3)), ValueError, "X[:, 1] is so small that", "Scale the column")
    check.refuse_tiny_columns(tiny * [1, 0, 1], np.ones(3))
    check.refuse_tiny_columns(np.array([[1, 1e200], [1, 1e-200]]), np.ones(2))
    check.refuse_tiny_columns(np.array([[1.0, 1], [1, -1], [1, 0]]), np.ones(3))  # what adds up to 0 is not lost


def test_numbers_that_no_float_holds():
    for sign, shown in ((1, "inf"), (-1, "-inf")):
        refused(lambda sign=sign: check.number("ridge", sign * 10**400, least=0), ValueError, f"ridge is {shown}; it must be fin")
    ragged = [np.array(1.0), [1, 2]]
    refused(lambda: check.real("z", ragged), ValueError, "z[1] is [1, 2], unlike z[0] in length")
