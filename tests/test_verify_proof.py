"""The first oracle by itself: which steps it proves, which it refuses, and what its answers rest on."""

import pytest
import test_verify_derivation as steps

from lrmath.verify import LanguageError, parse
from lrmath.verify.derivation import definitions_of
from lrmath.verify.proof import NotProved, Rules, prove


def rules(given=(), where=None, shapes=None):
    given = [given] if isinstance(given, str) else given
    return Rules([parse(condition) for condition in given], definitions_of(where, shapes))


def try_to_prove(start, line, relation="=", given=(), where=None, shapes=None):
    prove(parse(start, shapes), parse(line, shapes), rules(given, where, shapes), relation)


@pytest.mark.parametrize(("start", "line", "relation", "options"), steps.TRUE)
def test_a_right_step_is_proved(start, line, relation, options):
    try_to_prove(start, line, relation, **options)


@pytest.mark.parametrize(
    ("start", "line", "relation", "options"), steps.WRONG + steps.MISSING_CONDITION + steps.ATTACKS + steps.BEYOND
)
def test_a_wrong_step_is_refused(start, line, relation, options):
    with pytest.raises((NotProved, LanguageError)):
        try_to_prove(start, line, relation, **options)


SHAPES = {"X": "n, d + 1", "v": "d + 1", "y": "n", "w": "n"}
SIX = ", ".join(f"({index}, 1, n)" for index in "ijklrs")
PLACE = ["1 <= i", "i <= n", "0 <= j", "j <= d"]


def step(start, line, given=(), relation="=", **options):
    return pytest.param(start, line, relation, {"given": given, **options}, id=f"{start} {relation} {line}, {given}")


# Each step needs the rule that it stands under.
PROVED = [
    # What is given: a range, one end of it, a multiple, two facts together.
    step("exp(log((p - 2)*(5 - p)))", "(p - 2)*(5 - p)", "2 < p < 5"),
    step("exp(log(p - 1))", "p - 1", "p > 2"),
    step("exp(log(p))", "p", "p >= 1"),
    step("exp(log(3 - p))", "3 - p", "p < 2"),
    step("sqrt(p - 2)**2", "p - 2", "p >= 2"),
    step("sqrt(1 - p)**2", "1 - p", "0 <= p <= 1"),
    step("exp(log(2*p - 1))", "2*p - 1", "2*p > 1"),
    step("exp(log(-p - 1))", "-p - 1", "-p > 1"),
    step("exp(log(p[i]))", "p[i]", "p[k] > 0"),
    step("exp(log(x[i, 0]))", "x[i, 0]", "x[i, 0] > 0"),
    step("(q - p)/(q - p)", "1", "p < q"),
    step("(p - q)/(p - q)", "1", "p < q"),
    step("(p - q)/(p - q)", "1", "p != q"),
    step("exp(log(3*q - 3*p))", "3*q - 3*p", "p < q"),
    step("sqrt(q - p)**2", "q - p", "p <= q"),
    step("exp(log(q - p + 1))", "q - p + 1", "p <= q"),
    step("exp(log(q - p + z**2))", "q - p + z**2", "p < q"),
    step("sqrt(q - p + z**2)**2", "q - p + z**2", "p <= q"),
    step("exp(log((p - q)*(a - b)))", "(p - q)*(a - b)", ["p > q", "a > b"]),
    step("exp(log((p - q)**3))", "(p - q)**3", "p > q"),
    step("q*z", "2*z", "q == 2"),
    step("y**2", "y", "y in {0, 1}"),
    step("(y - 1)*(y - 2)*q", "0", ["y in {1, 2}"]),
    step("y[i]**2*q[i]", "y[i]*q[i]", ["y[i] in {0, 1}"]),
    # Where the sign is visible.
    step("exp(log(exp(p) - 1))", "exp(p) - 1", "p > 0"),
    step("sqrt(exp(p) - 1)**2", "exp(p) - 1", "p >= 0"),
    step("exp(log(Sum(p[i], (i, 1, n))))", "Sum(p[i], (i, 1, n))", "p[i] > 0"),
    step("sqrt(Sum(a[i]**2, (i, 2, n)))**2", "Sum(a[i]**2, (i, 2, n))"),
    step("exp(z)", "0", (), "!="),
    step("1 + z**2", "0", (), ">"),
    step("z**2", "0", (), ">="),
    step("-z**2", "0", (), "<="),
    step("p*(1 - p)", "0", "0 < p < 1", ">"),
    # Places of a delta and lengths of a sum.
    step("Sum(delta(j, k)*a[k], (k, 0, d))", "a[j]", ["1 <= j", "j <= d"]),
    step("Sum(delta(j, k)*a[k], (k, 1, d))", "a[j]", ["1 <= i", "i <= j", "j <= d"]),
    step("Sum(delta(j, k)*a[k], (k, 1, K))", "a[j]", ["0 < j", "j < K + 1"]),
    step("Sum(delta(k, 1)*a[k], (k, 1, K))", "a[1]"),
    step("Sum(delta(k, K)*a[k], (k, 1, K))", "a[K]"),
    step("Sum(delta(k, K + 1)*a[k], (k, 1, K))", "0"),
    step("Sum(delta(j, k)*delta(k, i)*a[k], (k, 1, K))", "delta(i, j)*a[i]", ["1 <= j", "j <= K", "1 <= i", "i <= K"]),
    step("Sum(delta(j + 1, k)*a[k], (k, 1, K))", "a[j + 1]", ["0 <= j", "j < K"]),
    step("2*Sum(delta(k, 2*k)*a[k], (k, 1, K))", "Sum(2*delta(k, 2*k)*a[k], (k, 1, K))"),
    step("delta(j, k)*a[j]", "delta(j, k)*a[k]"),
    step("delta(j, k)**2*a[j]", "delta(j, k)**2*a[k]"),
    step("delta(j, k)*a[j]", "0", "k != j"),
    step("delta(j, k)*a[j]", "0", "j > k"),
    step("delta(j, k)*a[j]", "0", "j < k"),
    step("Sum(c, (i, 0, d))", "(d + 1)*c"),
    step("Sum(c, (i, 2, n))", "(n - 1)*c"),
    step("Sum(1, (i, 1, n - 2))", "n - 2", "n >= 2"),
    step("Sum(1, (i, 1, n - 2))", "n - 2", "n > 1"),
    step("Sum(0*c, (i, 1, n - 3))", "0"),
    step("Sum(a[k], (k, 0, d))", "a[0] + Sum(a[k], (k, 1, d))"),
    step("Sum(c*a[i] + b[i], (i, 1, n))", "c*Sum(a[i], (i, 1, n)) + Sum(b[i], (i, 1, n))"),
    step("Sum(exp(a[i] + c), (i, 1, n))", "exp(c)*Sum(exp(a[i]), (i, 1, n))"),
    step("Sum(a[i], (i, 1, n))**2", "Sum(a[i]*a[k], (k, 1, n), (i, 1, n))"),
    step("Sum(a[i], (i, 1, n))**3", "Sum(a[i]*a[k]*a[l], (l, 1, n), (k, 1, n), (i, 1, n))"),
    step("Sum(x[i, k]*x[k, l], (i, 1, n), (k, 1, n), (l, 1, n))", "Sum(x[l, i]*x[i, k], (i, 1, n), (k, 1, n), (l, 1, n))"),
    step("Sum(x[i, k] - x[k, i], (k, 1, n), (i, 1, n))", "0"),
    step("Sum(a[i], (i, 1, n))/Sum(b[i], (i, 1, n))*Sum(b[k], (k, 1, n))", "Sum(a[k], (k, 1, n))", "b[i] > 0"),
    # Logarithms, products and powers.
    step("log(p/q)", "log(p) - log(q)", ["p > 0", "q > 0"]),
    step("log(2*p**3)", "log(2) + 3*log(p)", "p > 0"),
    step("log(p*exp(z))", "log(p) + z", "p > 0"),
    step("log(p**a)", "a*log(p)", "p > 0"),
    step("log(exp(z)/(1 + exp(z)))", "z - log(1 + exp(z))"),
    step("log((p - q)*exp(z))", "log(p - q) + z", "p > q"),
    step("p**i*p**(-i)", "1", "p > 0"),
    step("z**i*z", "z**(i + 1)", "z > 0"),
    step("2**z*2", "2**(z + 1)"),
    step("Product(a[i], (i, 1, n))*z", "z*Product(a[k], (k, 1, n))"),
    step("Product(exp(x[i, k]), (k, 1, K), (i, 1, n))", "exp(Sum(x[i, k], (k, 1, K), (i, 1, n)))"),
    step("log(Product(p[i], (i, 1, n)))", "Sum(log(p[i]), (i, 1, n))", "p[i] > 0"),
    step("log(p*exp(z/2))", "log(p) + z/2", "p > 0"),
    step("sqrt(q**2 + 1)*sqrt(q**2 + 1)", "q**2 + 1"),
    step("1/sqrt(q**2 + 1)", "sqrt(q**2 + 1)/(q**2 + 1)"),
    step("exp(z/2)*exp(z/3)", "exp(5*z/6)"),
    # Kinks, by the sign of what is inside.
    step("Abs(z*q)", "Abs(z)*Abs(q)"),
    step("Abs(z)**2", "z**2"),
    step("Abs(p)", "p", "p >= 0"),
    step("Max(z, 0) - Max(-z, 0)", "z"),
    step("Min(z, 0) + Max(z, 0)", "z"),
    step("Cases((z, z > 0), (0, True))", "Max(z, 0)"),
    step("Cases((z, 0 < z), (0, True))", "Max(z, 0)"),
    step("Cases((1, z > 0), (1, z == 0), (1, z < 0))", "1"),
    step("Cases((z, q >= 0), (0, True))", "Max(z, 0)", where={"q": "z"}),
    step("exp(log(p - 1))", "p - 1", "1 < p < 2"),
    step("exp(log(2 - p))", "2 - p", "1 < p < 2"),
    step("exp(log((p - 1)/(2 - p)))", "(p - 1)/(2 - p)", "1 < p < 2"),
    step("exp(log(5 + p))", "5 + p", ["-5 < p", "p < 5"]),
    step("log((p - 1)*(2 - p))", "log(p - 1) + log(2 - p)", "1 < p < 2"),
    # Derivatives.
    step("D(sqrt(z), z)", "1/(2*sqrt(z))", "z > 0"),
    step("D(z**z, z)", "z**z*(log(z) + 1)", "z > 0"),
    step("D(Abs(z)**2, z)", "2*z", "z != 0"),
    step("D(Abs(2*z + q), z)", "2", ["z > 0", "q > 0"]),
    # Where a name is the variable, what it stands for stays out.
    step("D(p**2, p)", "2*p", where={"p": "sigma(z)"}),
    step("D(D(p**2*q, p), q)", "2*p", where={"p": "sigma(z)", "q": "p + z"}),
    step("At(p**2 + q, p, 3)", "9 + q", where={"p": "sigma(z)"}),
    step("Lim(p**2, p, 1)", "1", where={"p": "sigma(z)"}),
    step("D(D(Abs(z), z), z)", "0", "z != 0"),
    step("D(Max(z, 0), z)", "1", "z > 0"),
    step("D(Max(z, 0), z)", "0", "z < 0"),
    step("D(Min(z, 0), z)", "1", "z < 0"),
    step("D(Min(z, 0), z)", "0", "z > 0"),
    step("D(Cases((z**2, z >= 0), (-z, z < 0)), z)", "2*z", "z > 0"),
    step("D(Cases((z**2, z >= 0), (-z, z < 0)), z)", "-1", "z < 0"),
    step("D(f(z, 2*q), q)", "2*At(D(f(z, a), a), a, 2*q)"),
    step("D(f(z, z), z)", "At(D(f(a, z), a), a, z) + At(D(f(z, b), b), b, z)"),
    step("D(x[i, k], x[j, k])", "delta(i, j)"),
    step("D(Sum(x[i, k]**2, (k, 1, K), (i, 1, n)), x[r, s])", "2*x[r, s]", ["1 <= r", "r <= n", "1 <= s", "s <= K"]),
    step("D(D(z**3*q, z), q)", "3*z**2"),
    step("At(D(z**2, z), z, q + 1)", "2*q + 2"),
    step("At(a[i]**2, a[i], 3)", "9"),
    # Limits.
    step("Lim(log(q)*exp(-z), z, oo)", "0", "q > 0"),
    step("Lim(log(p), p, 0)", "-Lim(z, z, oo)", "p > 0"),
    step("Lim(log(1 - p), p, 1)", "-Lim(z, z, oo)", "p < 1"),
    step("Lim(1/p, p, 0)", "Lim(z, z, oo)", "p > 0"),
    step("Lim(-1/p, p, 0)", "Lim(z, z, oo)", "p < 0"),
    step("Lim(sqrt(z), z, oo)", "Lim(z**2, z, oo)"),
    step("Lim(1/z, z, -oo)", "0"),
    step("Lim(q*sigma(z), z, oo)", "q"),
    step("Lim(q*z*exp(-z), z, oo)", "0"),
    step("Lim(q + z*exp(-z), z, oo)", "q"),
    step("Lim(exp(q - 1/z), z, oo)", "exp(q)"),
    # Matrices.
    step("v.T @ v", "Sum(v[k]**2, (k, 0, d))", shapes=SHAPES),
    step("(y @ w.T @ X)[i, j]", "y[i]*Sum(w[k]*x[k, j], (k, 1, n))", PLACE, shapes=SHAPES),
    step("(y @ w.T).T", "w @ y.T", shapes=SHAPES),
    step("(2*X @ v)[i]", "2*Sum(x[i, k]*v[k], (k, 0, d))", PLACE, shapes=SHAPES),
    step("(1 - y)*w", "w - y*w", shapes=SHAPES),
    step("y.T @ log(w)", "Sum(y[i]*log(w[i]), (i, 1, n))", "w[i] > 0", shapes=SHAPES),
    step("exp(y)*exp(w)", "exp(y + w)", shapes=SHAPES),
    step("diag(w) @ y", "w*y", shapes=SHAPES),
    step("diag(w)", "diag(w).T", shapes=SHAPES),
]  # fmt: skip

REFUSED = [
    step("exp(log(p - 1))", "p - 1", "p > 0", why="-1 . p is positive"),
    step("exp(log(3 - p))", "3 - p", "p < 4", why="3 - p is positive"),
    step("exp(log(p))", "p", "p >= 0", why="p is positive"),
    step("exp(log(p[1]))", "p[1]", "p[2] > 0", why="is positive"),
    step("exp(log(x[i, k]))", "x[i, k]", "x[i, i] > 0", why="is positive"),
    step("1/(q - p)", "1/(q - p)", "p <= q", why="q - p is not zero"),
    step("exp(log(p - q))", "p - q", "p < q", why="p - q is positive"),
    step("exp(log(q - p + z**2))", "q - p + z**2", "p <= q", why="is positive"),
    step("exp(log(q - p - 1))", "q - p - 1", "p < q", why="is positive"),
    step("exp(log(q - p + z))", "q - p + z", "p < q", why="is positive"),
    step("exp(log(q - p))", "q - p", "p != q", why="is positive"),
    step("exp(log((q - p)*(b - a)))", "(q - p)*(b - a)", "p < q", why="is positive"),
    step("exp(log((q - p)**2))", "(q - p)**2", (), why="is positive"),
    step("exp(log(exp(p) - 1))", "exp(p) - 1", "p >= 0", why="is positive"),
    step("exp(log(Sum(p[i], (i, 2, n))))", "Sum(p[i], (i, 2, n))", "p[i] > 0", why="is positive"),
    step("exp(log(Sum(a[i], (i, 1, n))))", "Sum(a[i], (i, 1, n))", why="is positive"),
    step("z", "0", (), "!=", why="the difference is not zero"),
    step("z**2", "0", (), ">", why="the difference is positive"),
    step("Sum(delta(j, k)*a[k], (k, 1, K))", "a[j]", ["0 <= j", "j <= K"], why="1 <= j <= K is not given"),
    step("Sum(delta(j, k)*a[k], (k, 1, K))", "a[j]", ["1 <= j", "j <= i"], why="1 <= j <= K is not given"),
    step("Sum(delta(j + 1, k)*a[k], (k, 1, K))", "a[j + 1]", ["0 <= j", "j <= K"], why="<= K is not given"),
    step("delta(j, k)*a[j]", "0", (), why="did not reduce"),
    step("Sum(1, (i, 1, n - 2))", "n - 2", (), why="1 <= -1 . n, so a sum may have a negative number"),
    step("(X @ v)[i]", "(X @ v)[i]", ["1 <= i"], shapes=SHAPES, why="1 <= i <= n is not given"),
    step("(X @ v)[i]", "(X @ v)[i]", ["0 <= i", "i <= n"], shapes=SHAPES, why="1 <= i <= n is not given"),
    step("sqrt(z)**2", "z", "p >= p", why="is not negative"),
    step("Sum(delta(j, k)*a[k], (k, 2, K))", "a[j]", ["z > 0", "j > z", "j <= K"], why="2 <= j <= K is not given"),
    step("exp(log(4 - p))", "4 - p", ["-5 < p", "p < 5"], why="is positive"),
    step("exp(log(p + 4))", "p + 4", ["-5 < p", "p < 5"], why="is positive"),
    step("exp(log(p - 3/2))", "p - 3/2", "1 < p < 2", why="is positive"),
    step("exp(log(p - 1))", "p - 1", "1 <= p", why="is positive"),
    step("(X.T @ X)[i, j]", "(X.T @ X)[i, j]", PLACE, shapes=SHAPES, why="0 <= i <= d is not given"),
    step("(X.T @ X)[j, i]", "(X.T @ X)[j, i]", PLACE, shapes=SHAPES, why="0 <= i <= d is not given"),
    step("Max(a, 0) - Max(-a, 0) + Max(b, 0) - Max(-b, 0) + Max(c, 0) - Max(-c, 0)", "a + b + c", why="did not reduce"),
    step("sqrt(q**2 + 1)", "q + 1", why="did not reduce"),
    # True, but there would be 720 ways to exchange the indices.
    step(f"Sum(x[i, j]*x[j, k]*x[k, l]*x[l, r]*x[r, s]*x[s, i]*a[i], {SIX})",
         f"Sum(x[j, i]*x[i, k]*x[k, l]*x[l, r]*x[r, s]*x[s, j]*a[j], {SIX})", why="did not reduce"),
    step("D(Abs(z), z)", "D(Abs(z), z)", why="z is not zero"),
    step("D(Max(z, q), z)", "D(Max(z, q), z)", why="is not zero"),
    step("D(Max(z, q), z)", "D(Max(z, q), z)", ["z > 0", "q > 0"], why="is not zero"),
    step("D(Cases((z, z > q), (0, True)), z)", "D(Cases((z, z > q), (0, True)), z)", why="z - q is not zero"),
    step("D(sqrt(z), z)", "D(sqrt(z), z)", "z >= 0", why="z is"),
    step("D(Product(a[i], (i, 1, n)), a[k])", "1", why="take its logarithm first"),
    step("At(a[k] + a[i], a[i], 3)", "3 + a[k]", why="leaves open what"),
    step("At(1/z, z, q)", "1/q", why="q is not zero"),
    step("At(At(z**q, z, 9), q, 1000000000)", "z", why="is too large to work out"),
    step("f(1000000000)", "1", where={"f(z)": "9**z"}, why="is too large to work out"),
    step("q**p", "1", where={"q": "9", "p": "1000000000"}, why="is too large to work out"),
    step("D(Min(z, 0), z)", "0", "z < 0", why="did not reduce"),
    step("Sum(z, (i, 1, n + m))", "z*(n + m)", where={"n": "2"}, why="has a definition"),
    step("delta(i, z)", "delta(i, z)", why="is no index"),
    step("log(w) - log(w) + y", "y", shapes=SHAPES, why="is positive"),
    step("Lim((q + exp(-z))/(q + 2*exp(-z)), z, oo)", "1", "q >= 0", why="q is not zero"),
    step("Sum(z, (i, n, n))", "z", where={"n": "q"}, why="has a definition"),
    step("Lim(f(z), z, 0)", "f(0)", why="no rule for the limit"),
    step("Lim(exp(q*z), z, oo)", "Lim(exp(q*z), z, oo)", why="no limit was found"),
    step("Lim(Abs(z), z, 0)", "0", why="no rule for the limit"),
    step("Lim(log(q)*exp(-z), z, oo)", "0", why="q is positive"),
    step("Lim(z/(q - q), z, 0)", "0", why="is not zero|no limit"),
    step("Lim(1/((z + 1)**2 - z**2 - 2*z - 1), z, 1)", "0", why="is zero"),
    step("Lim(log(z), z, 0)", "Lim(log(z), z, 0)", why="is positive near 0"),
    step("Lim(1/z, z, 0)", "1", why="no limit was found|did not reduce|not a finite"),
    step("Lim(z, z, oo)", "1", why="a side is not a finite number"),
    step("1", "Lim(z, z, oo)", (), "<", why="a side is not a finite number"),
    step("Lim(z, z, oo)", "Lim(z, z, -oo)", why="a side is not a finite number"),
    step("sigma(z, z)", "1", why="takes 1 arguments, got 2"),
    step("X", "X", (), "<=", shapes=SHAPES, why="two matrices do not stand in the relation <="),
    step("X", "X.T", shapes=SHAPES, why=r"the shapes differ: n x \(d \+ 1\) and \(d \+ 1\) x n"),
    step("y", "1", shapes=SHAPES, why="the shapes differ: n x 1 and a number"),
    step("z", "z", ["q == 1", "q == 2"], why="two equations are given for q"),
    step("z", "z", ["x[i, 0] == 1", "x[i, j] == 2"], why=r"two equations are given for x\[i, j\]"),
    step("z", "z", "q == q + 1", why="an equation is given for a name"),
    step("z", "z", "x[i, k] == i", why="an equation is given for a name"),
    step("z", "z", "x[1, 0] in {0, 1}", why="a set is given for a name"),
    step("z", "z", "p + 1", why="is not a condition"),
]  # fmt: skip


@pytest.mark.parametrize(("start", "line", "relation", "options"), PROVED)
def test_a_rule_reaches_what_it_is_for(start, line, relation, options):
    try_to_prove(start, line, relation, **options)


@pytest.mark.parametrize(("start", "line", "relation", "options"), REFUSED)
def test_a_rule_goes_no_further_and_says_why(start, line, relation, options):
    why = options["why"]
    with pytest.raises((NotProved, LanguageError), match=why):
        try_to_prove(start, line, relation, **{key: value for key, value in options.items() if key != "why"})
