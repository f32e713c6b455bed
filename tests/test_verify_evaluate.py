"""The second oracle: what a line is worth at a point, by arithmetic alone."""

import mpmath
import pytest
import sympy as sp

from lrmath.verify import LanguageError, parse
from lrmath.verify.derivation import definitions_of
from lrmath.verify.evaluate import Point, Undefined, differ, value

SHAPES = {"X": "n, d + 1", "beta": "d + 1", "v": "d + 1", "y": "n", "w": "n", "p": "n"}
# n = 2 and d = 1, so X is 2 x 2: its rows are numbered from 1, its columns from 0.
ENTRIES = {
    ("n",): 2, ("d",): 1, ("K",): 3,
    ("x", 1, 0): 1, ("x", 1, 1): 2, ("x", 2, 0): 3, ("x", 2, 1): 5,
    ("beta", 0): 7, ("beta", 1): 11, ("y", 1): 13, ("y", 2): 17, ("w", 1): 2, ("w", 2): 3,
}  # fmt: skip


def at(line, where=None, given=None, **names):
    """The value of a line where the names have these values."""
    bound = {(name,): number for name, number in names.items()}
    point = Point(0, given, definitions_of(where, SHAPES))
    return value(parse(line, SHAPES), point, {**ENTRIES, **bound})


@pytest.mark.parametrize(
    ("line", "result"),
    [
        ("1 + 2*3", 7),
        ("2 - 3 - 4", -5),
        ("2**10", 1024),
        ("(-2)**3", -8),
        ("0**2", 0),
        ("3/4", mpmath.mpf("0.75")),
        ("Abs(-3)", 3),
        ("Max(2, 3)", 3),
        ("Min(2, 3)", 2),
        ("delta(1, 1) + 10*delta(1, 2)", 1),
        ("delta(n, d) + 10*delta(n, d + 1)", 10),
        ("Lim(1/z, z, oo)", 0),
        ("Lim(exp(z), z, -oo)", 0),
        ("Lim(z**3, z, -oo)", -mpmath.inf),
        ("Lim((z**2 - 4)/(z - 2), z, 2)", 4),
        ("Sum(i**2, (i, 1, 3))", 14),
        ("Sum(i, (i, 0, n))", 3),
        ("Sum(i, (i, 2, 1))", 0),
        ("Product(i, (i, 2, 4))", 24),
        ("Product(i, (i, 2, 1))", 1),
        ("Sum(10*i + k, (k, 1, 2), (i, 1, 3))", 129),
        ("Sum(i*Sum(10*i + k, (k, 1, 2)), (i, 1, 3))", 298),
        ("Sum(x[i, k]*beta[k], (k, 0, d), (i, 1, n))", 29 + 76),
        ("Cases((1, 2 < 3), (2, True))", 1),
        ("Cases((1, 3 < 3), (2, True))", 2),
        ("Cases((1, 3 <= 3), (2, True))", 1),
        ("Cases((1, 4 <= 3), (2, True))", 2),
        ("Cases((1, 3 > 3), (2, True))", 2),
        ("Cases((1, 4 > 3), (2, True))", 1),
        ("Cases((1, 3 >= 3), (2, True))", 1),
        ("Cases((1, 2 >= 3), (2, True))", 2),
        ("Cases((1, 3 == 3), (2, True))", 1),
        ("Cases((1, 2 == 3), (2, True))", 2),
        ("Cases((1, 3 != 3), (2, True))", 2),
        ("Cases((1, 2 != 3), (2, True))", 1),
        ("Cases((1, 2 < 3 < 3), (2, True))", 2),
        ("Cases((1, 2 < 3 < 4), (2, True))", 1),
        ("Cases((1, 3 in {0, 1}), (2, True))", 2),
        ("Cases((1, 1 in {0, 1}), (2, True))", 1),
        ("At(D(z**3, z), z, 2)", 12),
        ("D(x[1, 0]*x[1, 1], x[1, 0])", 2),
        ("D(Sum(x[i, 0]**2, (i, 1, n)), x[2, 0])", 6),
        ("At(Sum(y[i], (i, 1, n)), y[2], 1)", 14),
        ("At(At(z*q, z, q), q, 3)", 9),
        ("Lim(exp(-z), z, oo)", 0),
        ("Lim(exp(z), z, -oo)", 0),
        ("Lim((exp(z) - 1)/z, z, 0)", 1),
        ("Lim(z**2, z, 3)", 9),
        ("Lim(z, z, oo)", mpmath.inf),
        ("Lim(-z, z, oo)", -mpmath.inf),
        ("Lim(z, z, -oo)", -mpmath.inf),
        ("X", [[1, 2], [3, 5]]),
        ("X.T", [[1, 3], [2, 5]]),
        ("beta", [[7], [11]]),
        ("X @ beta", [[29], [76]]),
        ("-2*X @ beta", [[-58], [-152]]),
        ("X.T @ diag(w) @ X", [[29, 49], [49, 83]]),
        ("diag(w)", [[2, 0], [0, 3]]),
        ("y + w - 1", [[14], [19]]),
        ("y*w*w", [[52], [153]]),
        ("(beta.T @ beta)", 170),
        ("(X @ beta)[1]", 29),
        ("(X.T @ X)[0, 1]", 17),
        ("(beta.T)[1]", 11),
        ("Grad(Sum(beta[k]**2, (k, 0, d)), beta)", [[14], [22]]),
        ("Abs(y - 14)", [[1], [3]]),
    ],
)
def test_value(line, result):
    assert not differ(at(line), result)


@pytest.mark.parametrize(
    ("line", "result"),
    [
        ("exp(2)", mpmath.exp),
        ("log(2)", mpmath.log),
        ("sqrt(2)", mpmath.sqrt),
        ("2**(1/2)", mpmath.sqrt),
        ("pi/2", lambda z: mpmath.pi / z),
        ("sigma(2)", lambda z: 1 / (1 + mpmath.exp(-z))),
        ("logit(1/2 + 1/4)", lambda z: mpmath.log(3)),
        ("exp(diag(w))[1, 1]", mpmath.exp),
        ("log(w)[1]", mpmath.log),
        ("sqrt(w)[1]", mpmath.sqrt),
        ("sigma(w)[1]", lambda z: 1 / (1 + mpmath.exp(-z))),
    ],
)
def test_functions_are_worth_what_mpmath_says_to_thirty_digits(line, result):
    line = line.replace("exp(diag(w))", "(exp(diag(w)))").replace("(w)[", "(w))[")
    line = line if line.count("(") == line.count(")") else "(" + line
    with mpmath.workdps(40):
        assert abs(at(line) - result(mpmath.mpf(2))) < mpmath.mpf(10) ** -28


@pytest.mark.parametrize(
    ("line", "names", "result"),
    [
        ("sqrt(q)", {"q": 0}, 0),
        ("q**z", {"q": 0, "z": 0}, 1),
        ("q**z", {"q": 1, "z": -1}, 1),
        ("log(q)", {"q": mpmath.mpf("0.5")}, -mpmath.log(2)),
        ("(sqrt(w - 2))[1]", {}, 0),
        ("(sqrt((w - 2)/4))[2]", {}, mpmath.mpf("0.5")),
        ("(log(w/4))[1]", {}, -mpmath.log(2)),
    ],
)
def test_at_the_ends_of_a_domain(line, names, result):
    assert not differ(at(line, **names), result)


def test_what_sympy_alone_can_write():
    assert value(sp.false, Point(0)) is False and value(sp.true, Point(0)) is True
    assert value(parse(-sp.oo), Point(0)) == -mpmath.inf
    for line, result in ((sp.sign(sp.Symbol("z", real=True)), -1), (sp.E, mpmath.e)):
        assert not differ(value(parse(line), Point(0), {("z",): -3}), result)


@pytest.mark.parametrize(
    "line",
    [
        "1/z",
        "z**(-2)",
        "log(z)",
        "log(z - 1)",
        "sqrt(z - 1)",
        "(z - 1)**(1/3)",
        "Cases((1, z > 0))",
        "0*log(z)",
        "exp(exp(10**9))",
        "exp(-exp(10**9))",
        "2**exp(1000000000)",
        "Lim(1/q, q, 0)",
        "Lim(Abs(q)/q, q, 0)",
        "Lim((-1)**n*q, q, 0) + Lim(log(q), q, 0)",
        "(X @ beta)[0]",
        "(X @ beta)[3]",
        "(X.T @ X)[0, 2]",
        "(X.T @ X)[2, 0]",
        "(2*w)[0]",
        "log(w - 2)",
        "sqrt(w - 3)",
    ],
)
def test_where_a_line_has_no_value(line):
    with pytest.raises(Undefined):
        at(line, z=0)


def test_a_limit_is_taken_from_the_sides_that_the_conditions_leave():
    positive, negative = (lambda z: z > 0), (lambda z: z < 0)
    for conditions, result in (([positive], mpmath.inf), ([negative], -mpmath.inf)):
        assert at("Lim(1/z, z, 0)", given={("z", 0): ([], conditions)}) == result
    with pytest.raises(Undefined):
        at("Lim(1/z, z, 0)", given={("z", 0): ([], [positive, negative])})


class TestDefinitions:
    def test_a_body_sees_its_parameters_and_no_index_of_the_line(self):
        where = {"eta[i]": "Sum(x[i, k]*beta[k], (k, 0, d))", "f(a, b)": "a - 2*b"}
        assert at("Sum(eta[k], (k, 1, n))", where) == 29 + 76
        assert at("f(5, 1) + 10*f(1, 5)", where) == 3 - 90

    def test_a_derivative_reaches_into_it(self):
        where = {"eta[i]": "Sum(x[i, k]*beta[k], (k, 0, d))", "q": "z**2"}
        assert not differ(at("D(eta[2], beta[1])", where), 5)
        assert not differ(at("D(q, z)", where, z=3), 6)
        assert not differ(at("Jacobian(p, beta)", {"p[i]": "Sum(x[i, k]*beta[k], (k, 0, d))"}), [[1, 2], [3, 5]])

    def test_a_vector_in_a_function_gives_a_vector(self):
        assert at("f(beta)", {"f(z)": "z + 1"}) == [[8], [12]]

    def test_the_number_of_arguments_is_checked(self):
        with pytest.raises(LanguageError, match="takes 1 arguments, got 2"):
            at("sigma(z, z)", z=1)


class TestPoint:
    def test_a_name_keeps_its_value_and_another_seed_gives_another(self):
        line = parse("z")
        point = Point(1)
        assert value(line, point) == value(line, point) == value(line, Point(1))
        assert value(line, point) != value(line, Point(2))
        assert value(parse("x[1, 2]"), point) != value(parse("x[2, 1]"), point)

    def test_sizes_are_small_or_all_different(self):
        small = [value(parse(name), Point(seed, small=True)) for seed in range(20) for name in ("n", "d", "K")]
        assert set(small) == {1, 2}
        for seed in range(20):
            point = Point(seed)
            sizes = [value(parse(name), point) for name in ("n", "d", "K")]
            assert len(set(sizes)) == 3
            assert set(sizes) <= {2, 3, 4, 5}

    def test_indices_are_whole_and_not_negative(self):
        indices = [value(parse("i"), Point(seed)) for seed in range(60)]
        assert set(indices) == {0, 1, 2, 3, 4, 5}
        assert {value(parse("i"), Point(seed, small=True)) for seed in range(40)} == {0, 1, 2}

    def test_numbers_have_both_signs_and_moderate_size(self):
        numbers = [value(parse("z"), Point(seed)) for seed in range(100)]
        assert min(numbers) < -2
        assert max(numbers) > 2
        assert max(map(abs, numbers)) < 3

    @pytest.mark.parametrize(
        "holds",
        [lambda z: z > 100, lambda z: 0 < z < 0.01, lambda z: 0.5 < z < 1, lambda z: -0.2 < z < -0.1],
        ids=["above 100", "0 to 0.01", "0.5 to 1", "-0.2 to -0.1"],
    )
    def test_conditions_are_met_on_any_scale(self, holds):
        for seed in range(10):
            assert holds(value(parse("z"), Point(seed, {("z", 0): ([], [holds])})))

    def test_a_set_is_drawn_from(self):
        drawn = {value(parse("y[i]"), Point(seed, {("y", 1): ([0, 1], [])}), {"i": 1}) for seed in range(20)}
        assert drawn == {0, 1}

    def test_conditions_that_nothing_meets(self):
        with pytest.raises(Undefined, match="no value of z was found"):
            value(parse("z"), Point(0, {("z", 0): ([], [lambda z: False])}))

    def test_an_equation_fixes_an_entry(self):
        point = Point(0, fixed=[(parse("x[i, 0]"), parse("1")), (parse("q"), parse("2"))])
        assert value(parse("x[3, 0] + 10*x[4, 0] + 100*q"), point) == 211
        assert value(parse("x[0, 1]"), point) not in (1, 2)

    def test_an_unknown_function_is_the_same_one_everywhere_and_depends_on_each_argument(self):
        point = Point(0)
        f = lambda line: value(parse(line), point)
        assert f("f(1, 2)") == f("f(1, 1 + 1)")
        assert len({f("f(1, 2)"), f("f(2, 1)"), f("f(1, 1)"), f("f(2, 2)"), f("g(1, 2)")}) == 5
        # Not a sum of functions of one argument each: its mixed derivative is not 0.
        assert abs(f("D(D(f(z, q), z), q)")) > 1e-3
        assert value(parse("f(1)"), Point(1)) != value(parse("f(1)"), point)

    def test_what_was_drawn_is_shown_rounded(self):
        point = Point(0)
        value(parse("z + n + x[1, 0]"), point, {("z",): 1})
        point.drawn[("q",)] = mpmath.mpf(2)
        assert point.show() == f"n = {point.drawn[('n',)]}, q = 2, x[1, 0] = {mpmath.nstr(point.drawn[('x', 1, 0)], 6)}"


class TestDiffer:
    @pytest.mark.parametrize(
        ("left", "right", "result"),
        [
            (1, 1, False),
            (mpmath.mpf(1), 1 + mpmath.mpf("1e-12"), False),
            (mpmath.mpf(1), 1 + mpmath.mpf("1e-11"), True),
            (mpmath.mpf("1e9"), mpmath.mpf("1e9") + mpmath.mpf("1e-4"), False),
            (mpmath.mpf(0), mpmath.mpf("1e-11"), True),
            (1, -1, True),
            (mpmath.inf, mpmath.inf, False),
            (mpmath.inf, -mpmath.inf, True),
            (mpmath.inf, 1, True),
            ([[1, 2]], [[1, 2]], False),
            ([[1, 2]], [[1, 3]], True),
            ([[1], [2]], [[1]], True),
            ([[1]], 1, True),
            (1, [[1]], True),
        ],
    )
    def test_numbers_and_matrices(self, left, right, result):
        assert differ(left, right) is result
