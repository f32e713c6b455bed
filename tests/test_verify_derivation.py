"""Derivations: wrong mathematics is rejected, right mathematics is accepted, and what is not proved is never called true."""

import os
import random

import mpmath
import pytest
import sympy as sp

from lrmath.verify import Derivation, DerivationError, derivation, ledger, parse, text
from lrmath.verify.evaluate import Point, Undefined, differ, value
from lrmath.verify.printing import latex
from lrmath.verify.proof import NotProved, prove

SHAPES = {"X": "n, d + 1", "beta": "d + 1", "v": "d + 1", "y": "n", "p": "n", "eta": "n", "w": "n"}
J_RANGE = ["0 <= j", "j <= d"]
K_RANGE = ["1 <= k", "k <= K", "1 <= j", "j <= K"]
P = "0 < p < 1"
ETA = {"eta[i]": "Sum(x[i, k]*beta[k], (k, 0, d))"}
LOSS = {**ETA, "J": "Sum(L(y[i], sigma(eta[i])), (i, 1, n))"}
SOFTMAX = {"Z[i]": "Sum(exp(a[i, k]), (k, 1, K))", "q[i, k]": "exp(a[i, k])/Z[i]"}
LINEAR = {"a[i, k]": "Sum(x[i, r]*b[r, k], (r, 0, d))", **SOFTMAX}


def case(name, start, line, relation="=", **options):
    return pytest.param(start, line, relation, options, id=name)


def derive(start, line, relation, options):
    return Derivation("test", start, **options).then(line, because="a reason", relation=relation)


WRONG = [
    case("sign", "D(sigma(z), z)", "-sigma(z)*(1 - sigma(z))"),
    case("sign of an argument", "sigma(-z)", "1 + sigma(z)"),
    case("factor", "D(z**2, z)", "z"),
    case("missing term", "L(y, p)", "-y*log(p)", given=P),
    case("wrong exponent", "D(sigma(z), z)", "exp(-z)/(1 + exp(-z))**3"),
    case("product rule forgotten", "D(z*exp(z), z)", "exp(z)"),
    case("chain rule forgotten", "D(sigma(2*z), z)", "sigma(2*z)*(1 - sigma(2*z))"),
    case("wrong definition", "sigma(z)", "exp(z)/(1 + exp(z))", where={"sigma(z)": "1/(1 + exp(z))"}),
    case("another variable", "D(L(y, p), y)", "(p - y)/(p*(1 - p))", given=P),
    case("partial for total", "D(p*z, z)", "p", where={"p": "sigma(z)"}),
    case("wrong branch", "Max(z, 0)", "Cases((0, z >= 0), (z, z < 0))"),
    case("wrong case at the end", "Cases((1, z >= 0), (0, z < 0))", "Cases((1, z > 0), (0, z <= 0))"),
    case("case left out", "Cases((z, z > 0))", "z"),
    case("wrong limit", "Lim(sigma(z), z, oo)", "0"),
    case("limit from the other end", "Lim(sigma(z), z, -oo)", "1"),
    case("limit that does not exist", "Lim(1/z, z, 0)", "oo"),
    case("two limits from two sides", "Lim(sigma(1/z), z, 0)", "1"),
    case("bound too low", "Sum(a[i], (i, 1, n))", "Sum(a[i], (i, 0, n))"),
    case("bound too high", "Sum(a[k], (k, 0, d))", "Sum(a[k], (k, 0, d + 1))"),
    case("first term forgotten", "(beta.T @ beta)[0]", "Sum(beta[k]**2, (k, 1, d))", shapes=SHAPES),
    case("sum for mean", "Sum(a[i], (i, 1, n))/n", "Sum(a[i], (i, 1, n))"),
    case("shifted index", "Sum(a[i]*b[i], (i, 1, n))", "Sum(a[i]*b[i + 1], (i, 1, n))"),
    case("product of sums for sum of products", "Sum(a[i]*b[i], (i, 1, n))", "Sum(a[i], (i, 1, n))*Sum(b[i], (i, 1, n))"),
    case("square inside the sum", "Sum(a[i], (i, 1, n))**2", "Sum(a[i]**2, (i, 1, n))"),
    case("exp inside the sum", "exp(Sum(a[i], (i, 1, n)))", "Sum(exp(a[i]), (i, 1, n))"),
    case("log of a sum", "log(Sum(exp(a[k]), (k, 1, K)))", "Sum(a[k], (k, 1, K))"),
    case("modulus of a sum", "Abs(Sum(a[i], (i, 1, n)))", "Sum(Abs(a[i]), (i, 1, n))"),
    case("all labels alike", "Sum(y[i], (i, 1, n))*(n - Sum(y[i], (i, 1, n)))", "0", given="y[i] in {0, 1}"),
    case("transposed index", "D(eta[i], beta[j])", "x[j, i]", where=ETA, given=J_RANGE),
    case("index of the definition", "eta[k]", "Sum(x[k, k]*beta[k], (k, 0, d))", where=ETA),
    case(
        "transposed in a double sum",
        "Sum(Sum(x[i, k]*a[i], (i, 1, n)), (k, 1, n))",
        "Sum(Sum(x[k, i]*a[i], (i, 1, n)), (k, 1, n))",
    ),
    case("ranges exchanged", "Sum(Sum(x[i, k], (i, 1, n)), (k, 1, K))", "Sum(Sum(x[i, k], (i, 1, K)), (k, 1, n))"),
    case("missing delta", "D(q[i, k], a[i, j])", "q[i, k]*(1 - q[i, j])", where=SOFTMAX, given=K_RANGE),
    case("delta of the wrong indices", "D(y[i, k], y[i, j])", "delta(i, j)"),
    case("matrix and vector of one name", "D(y[i, k], y[j])", "delta(i, j)"),
    case(
        "sign in the gradient", "(X.T @ (p - y))[j]", "Sum((y[i] - p[i])*x[i, j], (i, 1, n))", shapes=SHAPES, given=J_RANGE
    ),
    case("missing transpose", "Jacobian(eta, beta)", "X.T", shapes=SHAPES, where=ETA),
    case("swapped product", "X.T @ X", "X @ X.T", shapes=SHAPES),
    case("row for column", "X.T @ y", "y.T @ X", shapes=SHAPES),
    case("wrong shape", "X @ beta", "beta", shapes=SHAPES),
    case("number for matrix", "X @ beta", "0", shapes=SHAPES),
    case("missing weight", "X.T @ diag(w) @ X", "X.T @ X", shapes=SHAPES),
    case("row outside", "(X @ beta)[i]", "Sum(x[i, k]*beta[k], (k, 0, d))", shapes=SHAPES),
    case("empty sum", "Sum(1, (i, 1, n - 2))", "n - 2"),
    case("value at one place only", "At(Sum(a[k], (k, 1, n)), a[i], 0)", "Sum(a[k], (k, 1, n))"),
    case("variable exchanged twice", "At(At(z*q, z, q), q, 2)", "2*z"),
    case("mixed derivative", "D(D(f(z, q), z), q)", "0"),
    case("derivative of an unknown function", "D(f(z), z) + f(z)", "f(z)"),
    case("tends the wrong way", "D(log(1 - p), p)", "1/(1 - p)", given=P),
    case("not below", "sigma(z)", "1/2", "<"),
    case("turned round", "sigma(z)", "1", ">"),
    case("turned round, with sums", "Sum(a[i]**2, (i, 1, n))", "0", "<="),
]

# Once accepted, each of them: what must hold for a line was lost on the way to the proof.
ATTACKS = [
    case("nothing times what is not defined", "0*(1/0)", "0"),
    case("a difference of what is not defined", "exp(1/0) - exp(1/0)", "0"),
    case("a power that is not defined", "2**(1/0) - 2**(1/0)", "0"),
    case("a sum of what is not defined", "Sum(1/0, (i, 1, n)) - Sum(1/0, (i, 1, n))", "0"),
    case("a maximum of what is not defined", "Max(1/0, 1) - Max(1/0, 1)", "0"),
    case("a logarithm of zero", "log(0) - log(0)", "0"),
    case("zero through a minus", "z/(-0)", "z/(-0) + 0"),
    case("division in a sum", "Sum(a[i]/a[i], (i, 1, n))", "n"),
    case("logarithm in a sum", "Sum(exp(log(a[i] + 10)), (i, 1, n))", "Sum(a[i], (i, 1, n)) + 10*n"),
    case("division in a product", "Product(a[i]/a[i], (i, 1, n))", "1"),
    case("division in the definition of an entry", "q[k]", "1", where={"q[i]": "a[i]/a[i]"}),
    case("logarithm in the definition of a function", "f(z)", "z", where={"f(q)": "exp(log(q + 10)) - 10"}),
    case("division in an argument", "sigma(z/z)", "sigma(1)"),
    case("division in a diagonal", "diag(q/q*w)", "diag(w)", shapes={"w": "n"}),
    case("division in a matrix product", "X @ (v*(q/q))", "X @ v", shapes={"X": "n, d", "v": "d"}),
    case("a number for a vector", "exp(log(p[i] + 10))", "p[i] + 10", given="p > 0"),
    case("a number for a vector in a sum", "Sum(p[i] + 10, (i, 1, n))", "0", ">", given="p > 0"),
    case(
        "a number exchanged in a vector", "At(Cases((1, p[1] == p), (0, True)), p, q) + z",
        "Cases((1, q[1] == q), (0, True)) + z",
    ),
    case("limit that another name decides", "Lim(q*z/(q*z + 1), z, oo)", "1"),
    case("limit that a square decides", "Lim(1/(1 + q**2*z), z, oo)", "0"),
    case("limit with a factor outside", "q*Lim(z/(q*z + 1), z, oo)", "1"),
    case("condition for another value", "At(Lim(log(z*t)/t, t, oo), z, q + 100)", "0", given=["z > 0", "t > 0"]),
    case("limit of a name that is fixed", "Lim(t*log(t + q**2 - 1/1000000), t, 0)", "0", given=["t == 3"]),
    case("limit from a hole", "Lim(exp(-1/z), z, 0)", "0", given="z != 0"),
    case("delta of a number", "z + delta(s, 1/2)", "z", where={"s": "sigma(z)"}),
    case("delta in a condition", "D(z + Cases((1, 1 - 2*delta(z, 0) > 0), (2, True)), z)", "1"),
    case("no case applies", "0*Cases((1, z > 0), (1, z < 0))", "0"),
    case("no case applies below", "Cases((1, z > -100))", "0", ">"),
    case("cases of a set", "D(Cases((z, z in {0}), (2*z, True)), z)", "Cases((1, z in {0}), (2, True))"),
    case("variable captured by At", "g(z + 1)", "0", where={"g(q)": "At(Cases((1, q == z), (0, True)), z, 5)"}),
    case("variable captured by D", "g(z)", "2*z", where={"g(q)": "D(q*z, z)"}),
    case(
        "index of a condition", "Sum(delta(i, k), (k, 0, n)) + 0*log(z - w)", "1",
        given=["Sum(a[i], (i, 0, n)) > 0", "z - w > 0", "i <= n"],
    ),
    case("size that is 0", "Sum(exp(a[k]), (k, 1, n))", "0", ">", where={"n": "Cases((0, z == 0), (1, True))"}),
    case("infinity in a case", "0*Cases((oo, z > 100), (1, True))", "0"),
    case("derivative of a name that is fixed", "D(q*q, z)", "0", given="q == z**2"),
]  # fmt: skip

MISSING_CONDITION = [
    case("division", "z/z", "1"),
    case("cancelled factor", "(z**2 - 1)/(z - 1)", "z + 1"),
    case("inner fraction", "1/(1 + 1/z)", "z/(1 + z)", given="z != 0"),
    case("logarithm", "exp(log(p))", "p"),
    case("logarithm lost by zero", "0*log(p)", "0"),
    case("logarithm of a square", "log(z**2)", "2*log(z)"),
    case("root of a square", "sqrt(z**2)", "z"),
    case("square of a root", "sqrt(z)**2", "z"),
    case("inverse of sigma", "sigma(logit(p))", "p"),
    case("product of powers", "z**i*z**(-i)", "1"),
    case("log of a product", "log(Product(a[i], (i, 1, n)))", "Sum(log(a[i]), (i, 1, n))"),
    case("modulus at zero", "D(Abs(z), z)", "Cases((1, z > 0), (0, z == 0), (-1, z < 0))"),
    case("positive part at zero", "D(Max(z, 0), z)", "Cases((1, z > 0), (1/2, z == 0), (0, z < 0))"),
    case("cases at zero", "D(Cases((z**2, z >= 0), (-z, z < 0)), z)", "Cases((2*z, z >= 0), (-1, z < 0))"),
    case("root at zero", "D(sqrt(z), z)", "1/(2*sqrt(z))", given="z >= 0"),
    case("place of a delta", "Sum(delta(j, k)*a[k], (k, 1, K))", "a[j]"),
    case("place of a delta, one too far", "Sum(delta(j, k)*a[k], (k, 1, K))", "a[j]", given=["1 <= j", "j <= K + 1"]),
    case("column", "D(eta[i], beta[j])", "x[i, j]", where=ETA, given="0 <= j"),
    case("condition on another rank", "exp(log(p))", "p", given="0 < p[i] < 1"),
    case("condition on another column", "exp(log(x[i, 1]))", "x[i, 1]", given="x[i, 0] > 0"),
    case("equation for another column", "x[i, 1]", "1", given="x[i, 0] == 1"),
    case("strict", "z**2", "0", ">"),
    case("strict at the top", "p*(1 - p)", "1/4", "<"),
    case("equal classes", "delta(j, k)*a[j]", "0", given="j >= k"),
]

TRUE = [
    case("a name for a number and for a vector", "D(p[i] + p, p)", "1"),
    case("a mean", "q", "Sum(q[i], (i, 1, n))/n", where={"q": "Sum(q[i], (i, 1, n))/n"}),
    case("limit of a root", "Lim(sqrt(z), z, 0)", "0", given="z >= 0"),
    case("limit of a sum with another name", "Lim(q + 1/z, z, oo)", "q"),
    case("order of the conditions", "logit(p)", "log(p) - log(1 - p)", given=["0 < p < 1", "p != 1/2"]),
    case("order of the conditions, the other", "logit(p)", "log(p) - log(1 - p)", given=["p != 1/2", "0 < p < 1"]),
    case("cases that cover all", "Cases((1, z > 0), (1, z <= 0))", "1"),
    case("division that is allowed", "Sum(a[i]/a[i], (i, 1, n))", "n", given="a[i] != 0"),
    case("quotient rule", "D(sigma(z), z)", "exp(-z)/(1 + exp(-z))**2"),
    case("sigma'", "D(sigma(z), z)", "sigma(z)*(1 - sigma(z))"),
    case("sigma''", "D(D(sigma(z), z), z)", "sigma(z)*(1 - sigma(z))*(1 - 2*sigma(z))"),
    case("symmetry", "sigma(-z)", "1 - sigma(z)"),
    case("two fractions", "1/(1 + exp(-z))*(exp(-z)/(1 + exp(-z)))", "exp(-z)/(1 + exp(-z))**2"),
    case("stable sigma", "sigma(z)", "Cases((1/(1 + exp(-z)), z >= 0), (exp(z)/(1 + exp(z)), z < 0))"),
    case("inverse", "logit(sigma(z))", "z"),
    case("inverse of the inverse", "sigma(logit(p))", "p", given=P),
    case("log sigma", "log(sigma(z))", "Min(z, 0) - log(1 + exp(-Abs(z)))"),
    case("softplus", "softplus(z) - softplus(-z)", "z"),
    case("stable loss", "L(y, sigma(z))", "Max(z, 0) - y*z + log(1 + exp(-Abs(z)))"),
    case("slope of the loss", "D(L(y, p), p)", "(p - y)/(p*(1 - p))", given=P),
    case("chain rule", "At(D(L(y, p), p), p, sigma(z))*D(sigma(z), z)", "sigma(z) - y"),
    case("chain rule for any functions", "D(f(g(z)), z)", "At(D(f(q), q), q, g(z))*D(g(z), z)"),
    case("quotient of any functions", "D(g(z)/h(z), z)", "(D(g(z), z)*h(z) - g(z)*D(h(z), z))/h(z)**2", given="h(z) != 0"),
    case("likelihood by cases", "L(y, p)", "Cases((-log(p), y == 1), (-log(1 - p), y == 0))", given=["y in {0, 1}", P]),
    case(
        "likelihood",
        "log(Product(p[i]**y[i]*(1 - p[i])**(1 - y[i]), (i, 1, n)))",
        "Sum(y[i]*log(p[i]) + (1 - y[i])*log(1 - p[i]), (i, 1, n))",
        given="0 < p[i] < 1",
    ),
    case("Gaussian likelihood", "Product(exp(-(y[i] - mu)**2/2), (i, 1, n))", "exp(-Sum((y[i] - mu)**2, (i, 1, n))/2)"),
    case("divergence", "p*log(p/q)", "p*log(p) - p*log(q)", given=[P, "0 < q < 1"]),
    case("score by index, any d", "D(eta[i], beta[j])", "x[i, j]", where=ETA, given=J_RANGE),
    case(
        "gradient, any n and d", "D(J, beta[j])", "Sum((sigma(eta[i]) - y[i])*x[i, j], (i, 1, n))", where=LOSS, given=J_RANGE
    ),
    case("gradient as a matrix", "Grad(J, beta)", "X.T @ (sigma(eta) - y)", where=LOSS, shapes=SHAPES),
    case("intercept", "Sum((p[i] - y[i])*x[i, 0], (i, 1, n))", "Sum(p[i] - y[i], (i, 1, n))", given="x[i, 0] == 1"),
    case("ridge", "D(lam/2*Sum(beta[k]**2, (k, 1, d)), beta[j])", "lam*beta[j]", given=["1 <= j", "j <= d"]),
    case("ridge leaves the intercept", "D(lam/2*Sum(beta[k]**2, (k, 1, d)), beta[0])", "0*lam"),
    case("Jacobian of the scores", "Jacobian(eta, beta)", "X", where=ETA, shapes=SHAPES),
    case("diagonal Jacobian", "Jacobian(p, eta)", "diag(p*(1 - p))", where={"p[i]": "sigma(eta[i])"}, shapes=SHAPES),
    case(
        "Hessian entry",
        "(X.T @ diag(w) @ X)[j, k]",
        "Sum(w[i]*x[i, j]*x[i, k], (i, 1, n))",
        shapes=SHAPES,
        given=[*J_RANGE, "0 <= k", "k <= d"],
    ),
    case("Hessian is symmetric", "(X.T @ diag(w) @ X).T", "X.T @ diag(w) @ X", shapes=SHAPES),
    case(
        "quadratic form",
        "(v.T @ X.T @ diag(w) @ X @ v)[0]",
        "Sum(w[i]*Sum(x[i, k]*v[k], (k, 0, d))**2, (i, 1, n))",
        shapes=SHAPES,
    ),
    case("semidefinite", "Sum(w[i]*Sum(x[i, k]*v[k], (k, 0, d))**2, (i, 1, n))", "0", ">=", given="w[i] >= 0"),
    case(
        "least squares",
        "Sum((y[i] - eta[i])**2, (i, 1, n))",
        "((y - X @ beta).T @ (y - X @ beta))[0]",
        where=ETA,
        shapes=SHAPES,
    ),
    case("dot product", "(v.T @ beta)[0]", "(beta.T @ v)[0]", shapes=SHAPES),
    case("distributive", "X @ (v + beta)", "X @ v + X @ beta", shapes=SHAPES),
    case("softmax sums to one, any K", "Sum(q[i, k], (k, 1, K))", "1", where=SOFTMAX),
    case("softmax Jacobian", "D(q[i, k], a[i, j])", "q[i, k]*(delta(k, j) - q[i, j])", where=SOFTMAX, given=K_RANGE),
    case(
        "softmax loss",
        "D(-Sum(y[i, k]*log(q[i, k]), (k, 1, K)), a[i, j])",
        "q[i, j]*Sum(y[i, k], (k, 1, K)) - y[i, j]",
        where=SOFTMAX,
        given=["1 <= j", "j <= K"],
    ),
    case(
        "softmax in the coefficients",
        "D(log(Z[i]), b[j, k])",
        "q[i, k]*x[i, j]",
        where=LINEAR,
        given=[*J_RANGE, "1 <= k", "k <= K"],
    ),
    case("log-sum-exp shift", "log(Sum(exp(a[k]), (k, 1, K)))", "c + log(Sum(exp(a[k] - c), (k, 1, K)))"),
    case("shift invariance", "exp(a[k] + c)/Sum(exp(a[l] + c), (l, 1, K))", "exp(a[k])/Sum(exp(a[l]), (l, 1, K))"),
    case("binary softmax", "exp(b1)/(exp(b1) + exp(b2))", "sigma(b1 - b2)"),
    case(
        "variance",
        "Sum(Sum(v[k]*(delta(k, l)*q[k] - q[k]*q[l])*v[l], (k, 1, K)), (l, 1, K))",
        "Sum(q[k]*v[k]**2, (k, 1, K)) - Sum(q[k]*v[k], (k, 1, K))**2",
    ),
    case(
        "about the mean",
        "Sum((y[i] - mu)**2, (i, 1, n))",
        "Sum((y[i] - m1)**2, (i, 1, n)) + n*(m1 - mu)**2",
        where={"m1": "Sum(y[i], (i, 1, n))/n"},
    ),
    case("double sum", "Sum(Sum(a[i]*b[k], (i, 1, n)), (k, 1, n))", "Sum(a[i], (i, 1, n))*Sum(b[k], (k, 1, n))"),
    case("sums exchanged", "Sum(Sum(x[i, k], (i, 1, n)), (k, 1, n))", "Sum(Sum(x[k, i], (i, 1, n)), (k, 1, n))"),
    case("delta collapses", "Sum(delta(j, k)*a[k], (k, 1, K))", "a[j]", given=["1 <= j", "j <= K"]),
    case("delta outside", "Sum(delta(k, 0)*a[k], (k, 1, K))", "0"),
    case("different classes", "delta(j, k)*a[j] + b[j]", "b[j]", given="j != k"),
    case("limit", "Lim(sigma(z), z, oo)", "1"),
    case("infinite limit", "Lim(log(z), z, oo)", "oo"),
    case("limit from the side that is given", "Lim(p*log(p), p, 0)", "0", given="0 < p"),
    case("limit of a quotient", "Lim((exp(z) - 1)/z, z, 0)", "1"),
    case("modulus away from zero", "D(Abs(z), z)", "z/Abs(z)", given="z != 0"),
    case("below one", "sigma(z)", "1", "<"),
    case("steepest at the middle", "D(sigma(z), z)", "1/4", "<="),
    case("a sympy derivative", sp.Derivative(1 / (1 + sp.exp(-sp.Symbol("z"))), sp.Symbol("z")), "sigma(z)*(1 - sigma(z))"),
    case("another index of a definition", "eta[k]", "Sum(x[k, r]*beta[r], (r, 0, d))", where=ETA),
]

# True, but the rules do not reach it.
BEYOND = [
    case("condition on a definition", "Cases((1, sigma(z) >= 1/2), (0, True))", "Cases((1, z >= 0), (0, True))"),
    case("Jensen", "log(Sum(exp(a[k]), (k, 1, K))/K)", "Sum(a[k], (k, 1, K))/K", ">="),
    case("Cauchy-Schwarz", "Sum(a[i]*b[i], (i, 1, n))**2", "Sum(a[i]**2, (i, 1, n))*Sum(b[i]**2, (i, 1, n))", "<="),
    case("telescope", "Sum(a[i + 1] - a[i], (i, 1, n))", "a[n + 1] - a[1]"),
]


@pytest.mark.parametrize(("start", "line", "relation", "options"), WRONG)
def test_wrong(start, line, relation, options):
    with pytest.raises(DerivationError) as error:
        derive(start, line, relation, options)
    message = str(error.value)
    assert message.startswith("derivation 'test'")
    assert "One of the two oracles is wrong" not in message  # the proof alone must refuse


@pytest.mark.parametrize(("start", "line", "relation", "options"), MISSING_CONDITION)
def test_missing_condition(start, line, relation, options):
    with pytest.raises(DerivationError, match="not proved|not equal|does not satisfy") as error:
        derive(start, line, relation, options)
    assert "One of the two oracles is wrong" not in str(error.value)


@pytest.mark.parametrize(("start", "line", "relation", "options"), ATTACKS)
def test_attack(start, line, relation, options):
    with pytest.raises(DerivationError) as error:
        derive(start, line, relation, options)
    assert "One of the two oracles is wrong" not in str(error.value)


def test_names_that_a_reader_could_confuse_are_refused():
    with pytest.raises(DerivationError, match="A and a would have the same entries"):
        Derivation("test", "A + a", shapes={"A": "n, d", "a": "n, d"})
    with pytest.raises(DerivationError, match="look the same when typeset"):
        Derivation("test", "D(q, beta[0])", where={"q": "beta_0*z"}).then("0", because="no beta[0] in it")


@pytest.mark.parametrize("shape", ["n - 5", "0", "1, d", "n, 0"])
def test_shapes_that_no_matrix_has(shape):
    with pytest.raises(DerivationError, match="is not a shape"):
        Derivation("test", "z", shapes={"X": shape})


@pytest.mark.parametrize("line", ["Product(9, (i, 1, 999999999))", "Sum(z, (i, 1, 999999999))"])
def test_a_sum_too_long_to_add_up_is_refused_at_once(line):
    with pytest.raises(DerivationError, match="not proved"):
        Derivation("test", line).then(f"{line} + 0*z", because="nothing is added")


@pytest.mark.parametrize(("start", "line", "relation", "options"), TRUE)
def test_true(start, line, relation, options):
    result = derive(start, line, relation, options)
    assert len(result.reasons) == 1
    assert result.controls >= 1


@pytest.mark.parametrize(("start", "line", "relation", "options"), BEYOND)
def test_true_but_not_proved(start, line, relation, options):
    with pytest.raises(DerivationError, match="not proved.*No values were found"):
        derive(start, line, relation, options)


@pytest.mark.parametrize(
    ("start", "line"),
    [("0/0", "0/0"), ("1/0", "1/0"), ("log(-exp(z))", "log(-exp(z)) + 0"), ("log(-1 - p**2)", "sqrt(-1 - p**2)")],
)
def test_nothing_is_proved_where_nothing_has_a_value(start, line):
    with pytest.raises(DerivationError, match="not proved"):
        Derivation("test", start).then(line, because="nowhere")


class TestMessage:
    def test_wrong_step(self):
        proof = Derivation("my-label", "sigma(-z)").then("1 - sigma(z)", because="symmetry")
        with pytest.raises(DerivationError) as error:
            proof.then("1 + sigma(z)", because="a slip")
        first, *rest = str(error.value).splitlines()
        assert first == "derivation 'my-label', step 2 (a slip): the two lines are not equal"
        assert rest[:2] == ["  line 2:  1 - sigma(z)", "  line 3:  1 + sigma(z)"]
        assert rest[2].startswith("  at z = ")
        before, after = (float(line.split(" = ")[1]) for line in rest[3:])
        assert after > 1 > before

    def test_it_says_which_condition_is_missing(self):
        with pytest.raises(DerivationError, match=r"1 <= j <= K is not given"):
            Derivation("test", "Sum(delta(j, k)*a[k], (k, 1, K))").then("a[j]", because="r")
        with pytest.raises(DerivationError, match=r"It does not follow from what is given that p is positive"):
            Derivation("test", "0*log(p)", given="p > -5").then("0*p", because="r")

    def test_a_failed_step_leaves_the_derivation_as_it_was(self):
        proof = Derivation("test", "sigma(-z)").then("1 - sigma(z)", because="symmetry")
        before = str(proof), proof._repr_latex_()
        with pytest.raises(DerivationError):
            proof.then("2*sigma(z)", because="a slip")
        assert (str(proof), proof._repr_latex_()) == before

    @pytest.mark.parametrize(
        ("given", "why"),
        [
            (["p > 0", "p < 0"], "no values"),
            ("0 < p < 0", "no values"),
            (["p == 0", "p == 1"], "two equations"),
            (["p == 0", "p > 1"], "no values"),
            (["p < q", "q < p"], "no values"),
            ("p", "not a condition"),
            ("p + 1", "not a condition"),
            ("p*q == 1", "an equation is given for a name"),
            ("x[i, i] == 1", "an equation is given for a name"),
            ("y[1] in {0, 1}", "a set is given for a name"),
            ("n == 2", "an equation is given for a name"),
            (["x[i, 0] == 1", "x[i, j] > 2"], "no values"),
        ],
        ids=str,
    )
    def test_impossible_conditions(self, given, why):
        with pytest.raises(DerivationError, match=rf"derivation 'test': .*{why}"):
            Derivation("test", "p", given=given)

    def test_condition_against_a_definition(self):
        with pytest.raises(DerivationError, match="no values"):
            Derivation("test", "p", given="p > 2", where={"p": "sigma(z)"})

    @pytest.mark.parametrize(
        ("where", "why"),
        [
            ({"q": "q + 1"}, "leads back"),
            ({"f(z)": "g(z)", "g(z)": "f(z)"}, "leads back"),
            ({"f(2)": "1"}, "cannot be defined"),
            ({"x[i, 0]": "1"}, "cannot be defined"),
            ({"x[i, i]": "1"}, "cannot be defined"),
            ({"1": "2"}, "cannot be defined"),
            ({"p": "sigma(eta)"}, "define its entries"),
            ({"q": "z > 0"}, "as a number"),
            ({"q": "X"}, "as a number"),
        ],
        ids=str,
    )
    def test_impossible_definitions(self, where, why):
        with pytest.raises(DerivationError, match=rf"derivation 'test': .*{why}"):
            Derivation("test", "z", where=where, shapes=SHAPES)

    @pytest.mark.parametrize(
        ("line", "why"),
        [
            ("z > 0", "is a condition"),
            ("sigma(z, z)", "takes 1 argument"),
            ("beta_0*beta[0]", "look the same"),
            ("1 +", "cannot read"),
            ("import_me.now", "the only attribute"),
            (sp.Integral(sp.Symbol("z")), "Integral is not in the language"),
            (sp.Symbol("z", positive=True), "assumed to be positive"),
        ],
        ids=str,
    )
    def test_lines_outside_the_language(self, line, why):
        with pytest.raises(DerivationError, match=rf"derivation 'test', step 1 \(r\): .*{why}"):
            Derivation("test", "z").then(line, because="r")

    def test_chains(self):
        chain = Derivation("test", "sigma(z)*(1 - sigma(z))").then("1/4", because="r", relation="<=")
        chain.then("1/2", because="r", relation="<")
        assert chain.relation == "<"
        with pytest.raises(DerivationError, match="goes up and down"):
            chain.then("0", because="r", relation=">")
        with pytest.raises(ValueError, match="relation is '~'"):
            chain.then("1", because="r", relation="~")

    def test_matrices_are_not_ordered(self):
        with pytest.raises(DerivationError):
            Derivation("test", "X.T @ X", shapes=SHAPES).then("2*X.T @ X", because="r", relation="<=")


class TestReasons:
    def test_an_equation_is_proved(self):
        Derivation("test", "sigma(-z)").then("1 - sigma(z)", because="since `1/(1 + exp(z)) == 1 - sigma(z)`")
        with pytest.raises(DerivationError, match=r"in its reason: the two lines are not equal"):
            Derivation("test", "sigma(-z)").then("1 - sigma(z)", because="since `1/(1 + exp(z)) == sigma(z)`")

    @pytest.mark.parametrize("claim", ["sigma(z) > 1", "0 < sigma(z) < 1/2", "z != 0", "z in {0, 1}"])
    def test_so_is_every_other_claim(self, claim):
        with pytest.raises(DerivationError, match="in its reason"):
            Derivation("test", "sigma(-z)").then("1 - sigma(z)", because=f"since `{claim}`")
        assert Derivation("test", "sigma(-z)").then("1 - sigma(z)", because="as `0 < sigma(z) < 1`").controls

    def test_text_cannot_pass_for_mathematics(self):
        shown = Derivation("test", "sigma(-z)").then("1 - sigma(z)", because=r"r} = 0 \\ \text{^2 $x$ 5% ~")._repr_latex_()
        assert r"\text{r\} = 0 \textbackslash{}\textbackslash{} \textbackslash{}text\{" in shown
        assert r"\$x\$ 5\%" in shown


class TestDisplay:
    proof = Derivation("shown", "D(J, beta[j])", where=LOSS, given="0 <= j <= d").then(
        "Sum((sigma(eta[i]) - y[i])*x[i, j], (i, 1, n))", because="chain rule, with `p[i]`"
    )

    def test_bundle(self):
        bundle = self.proof._repr_mimebundle_()
        assert set(bundle) == {"text/latex", "text/plain"}
        assert bundle["text/plain"] == str(self.proof)
        latex = bundle["text/latex"]
        assert latex.startswith("$$\\begin{")
        assert latex.endswith("}$$")
        assert latex.count("{") == latex.count("}")
        for part in (
            r"\frac{\partial J}{\partial \beta_{j}}",
            r"(\sigma(\eta_{i}) - y_{i})\,x_{ij}",
            r"\text{chain rule, with }p_{i}",
            "where",
            r"0 \le j \le d",
            "1 step proved",
        ):
            assert part in latex

    def test_text(self):
        first, start, step, summary = str(self.proof).splitlines()
        assert first == "shown, for all n, d with 0 <= j <= d"
        assert start == "  D(J, beta[j])"
        assert step.startswith("  = Sum((sigma(eta[i]) - y[i])*x[i, j], (i, 1, n))")
        assert summary == f"1 step proved, {self.proof.controls} wrong versions rejected"

    def test_row(self):
        row = self.proof.row()
        assert row["label"] == "shown"
        assert row["statement"] == f"${self.proof.statement}$"
        assert (row["steps"], row["general"], row["scope"]) == (1, True, "all n, d")
        assert row["controls"] == self.proof.controls >= 3

    def test_a_fixed_size_is_not_general(self):
        assert not Derivation("test", "Sum(a[i], (i, 1, 3))").general
        assert Derivation("test", "Sum(a[i], (i, 1, n))").general

    def test_scope(self):
        assert Derivation("test", "sigma(z)*q").scope == "all real q, z"


class TestOracles:
    """Each oracle alone must stop a wrong step."""

    def test_numbers_against_a_prover_that_believes_everything(self, monkeypatch):
        monkeypatch.setattr(derivation, "prove", lambda *arguments: None)
        with pytest.raises(DerivationError, match=r"proved, but at z = .* One of the two oracles is wrong"):
            Derivation("test", "sigma(-z)").then("1 + sigma(z)", because="r")

    @pytest.mark.parametrize(
        ("start", "line", "relation", "options"),
        [
            w
            for w in WRONG
            if w.id
            not in {"wrong shape", "limit that does not exist", "two limits from two sides", "empty sum", "row outside"}
        ],
    )
    def test_numbers_alone(self, start, line, relation, options, monkeypatch):
        monkeypatch.setattr(derivation, "prove", lambda *arguments: None)
        with pytest.raises(DerivationError):
            derive(start, line, relation, options)

    def test_proof_against_numbers_that_agree_with_everything(self, monkeypatch):
        monkeypatch.setattr(Derivation, "_difference", lambda *arguments, **options: None)
        with pytest.raises(DerivationError, match="not proved"):
            Derivation("test", "sigma(-z)").then("1 + sigma(z)", because="r")

    def test_a_control_that_is_equal_is_no_control(self, monkeypatch):
        monkeypatch.setattr(derivation, "perturbed", lambda line, limit: [("sign", line)])
        with pytest.raises(DerivationError, match="this check cannot fail"):
            Derivation("test", "sigma(-z)").then("1 - sigma(z)", because="r")

    def test_a_wrong_version_that_is_accepted_is_an_error(self, monkeypatch):
        monkeypatch.setattr(derivation, "prove", lambda *arguments: None)
        with pytest.raises(DerivationError, match=r"a wrong version of the line was accepted \(sign\)"):
            Derivation("test", "sigma(-z)").then("1 - sigma(z)", because="r")

    def test_nan_is_never_equal(self):
        nan, inf = float("nan"), float("inf")
        assert differ(nan, nan)
        assert differ(nan, 1)
        assert differ(inf, 1)
        assert not differ(inf, inf)

    @pytest.mark.parametrize("line", ["exp(exp(exp(exp(z))))", "z**z**z**z**9**9", "exp(10**10)**100", "2**(10**9)*0"])
    def test_huge_numbers_do_not_hang(self, line):
        with pytest.raises((DerivationError, Undefined)):
            Derivation("test", line, given="z > 2").then(f"{line} + 1", because="r")

    def test_points_include_small_sizes_and_equal_indices(self):
        small, large = Point("s", small=True), Point("s")
        sizes = [value(parse(name), large) for name in ("n", "d", "K")]
        assert len(set(sizes)) == 3
        assert min(sizes) >= 2
        assert {value(parse(name), small) for name in ("n", "d", "K")} <= {1, 2}


# Soundness: what the numbers refute must not be proved

FUZZED = [
    c
    for c in TRUE
    if c.id
    in {
        "quotient rule",
        "sigma'",
        "symmetry",
        "stable sigma",
        "inverse of the inverse",
        "log sigma",
        "softplus",
        "stable loss",
        "slope of the loss",
        "chain rule",
        "quotient of any functions",
        "likelihood by cases",
        "divergence",
        "score by index, any d",
        "intercept",
        "ridge",
        "Hessian entry",
        "quadratic form",
        "softmax sums to one, any K",
        "softmax Jacobian",
        "variance",
        "log-sum-exp shift",
        "about the mean",
        "double sum",
        "delta collapses",
        "limit",
        "below one",
        "modulus away from zero",
    }
]


def mutant(e, generator, pool):
    """The expression with one or two places changed: exchanged, repeated, dropped, shifted or replaced."""
    places = [node for node in sp.preorder_traversal(e) if isinstance(node, sp.Expr) and not node.is_Matrix]
    node = generator.choice(places)
    swap = generator.choice(pool)
    arguments = list(node.args)
    choices = [
        swap,
        node + swap,
        node * swap,
        -node,
        node + 1,
        sp.exp(node),
        node**2,
        sp.Abs(node),
        sp.Integer(generator.randint(0, 2)),
    ]
    if len(arguments) > 1 and node.is_Add | node.is_Mul:
        choices += [node.func(*arguments[1:]), node.func(*arguments, arguments[0]), sp.Add(*arguments), sp.Mul(*arguments)]
    if isinstance(node, sp.Sum):
        index, low, high = node.limits[0]
        choices += [
            sp.Sum(node.function, (index, low + 1, high)),
            sp.Sum(node.function, (index, low, high - 1)),
            sp.Product(node.function, (index, low, high)),
            node.function,
            sp.Sum(node.function**2, (index, low, high)),
        ]
    if isinstance(node, sp.Indexed):
        choices += [sp.Indexed(node.base, *[generator.choice([i, i + 1, i - 1, sp.Integer(1)]) for i in node.indices])] * 6
        choices += [sp.Indexed(node.base, *node.indices[::-1])] * 2
    return e.xreplace({node: generator.choice(choices)})


@pytest.mark.parametrize(("start", "line", "relation", "options"), FUZZED)
def test_fuzz(start, line, relation, options):
    seed = int(os.environ.get("LRMATH_FUZZ_SEED", "20"))
    generator = random.Random(f"{seed}:{start}")
    proof = Derivation("test", start, **options)
    before, after = proof.lines[0], parse(line, options.get("shapes"))
    pool = sorted(
        (
            a
            for e in (before, after)
            for a in e.atoms(sp.Symbol, sp.Indexed, sp.core.function.AppliedUndef)
            if not a.is_integer and not isinstance(a, sp.IndexedBase)
        ),
        key=str,
    ) or [sp.Integer(2)]
    refuted = 0
    for number in range(60):
        try:
            wrong = mutant(after, generator, pool)
            if number % 3 == 2:
                wrong = mutant(wrong, generator, pool)
            wrong = parse(wrong)
            if not proof._difference(before, wrong, relation, points=3):
                continue
        except (TypeError, ValueError):
            continue  # not in the language
        refuted += 1
        try:
            prove(before, wrong, proof._rules, relation)
        except (NotProved, ValueError):
            if refuted == 8:
                break
        else:
            pytest.fail(f"seed {seed}, version {number}: proved {text(before)} {relation} {text(wrong)}")
    assert refuted >= 3


def test_the_ledger_holds_what_was_derived():
    Derivation("in-the-ledger", "sigma(-z)").then("1 - sigma(z)", because="symmetry")
    assert "in-the-ledger" in [row["label"] for row in ledger("test").rows]


def test_functions_of_a_whole_vector_act_on_its_entries_in_both_oracles():
    shapes = {"y": "n", "p": "n"}
    line = Derivation("vector", "Sum(y[i]*log(p[i]), (i, 1, n))", given="p[i] > 0", shapes=shapes)
    line.then("y.T @ log(p)", because="a row times a column is a number")
    with pytest.raises(DerivationError, match="not equal"):
        line.then("y.T @ Abs(log(p))", because="log(p) may be negative")
    with pytest.raises(DerivationError, match="the shapes differ|not equal"):
        line.then("y * log(p)", because="a vector is not a number")


@pytest.mark.parametrize(
    ("left", "right", "holds"),
    [
        (1, 1, {"=", "<=", ">="}),
        (1, 2, {"<", "<=", "!="}),
        (2, 1, {">", ">=", "!="}),
        # Rounding may not fail what holds with equality, and a strict relation needs a gap.
        (mpmath.mpf(1) + mpmath.mpf("1e-14"), mpmath.mpf(1), {"=", ">", ">="}),
        (mpmath.mpf("1e-22"), mpmath.mpf(0), {"=", "<=", ">", ">="}),
        (mpmath.mpf("1e-11"), mpmath.mpf(0), {"!=", ">", ">="}),
        (mpmath.mpf("1e6"), mpmath.mpf("1e6") * (1 - mpmath.mpf("1e-14")), {"=", ">", ">="}),
        ([[1]], [[1]], {"="}),
        ([[1]], [[2]], {"!="}),
    ],
)
def test_which_relations_two_values_satisfy(left, right, holds):
    assert {r for r in ("=", "!=", "<", "<=", ">", ">=") if not derivation._violates(left, right, r)} == holds


@pytest.mark.parametrize(
    ("condition", "alone"),
    [
        ("p > 0", True),
        ("0 < p < 1", True),
        ("p[i] > 0", True),
        ("x[i, j] > 0", True),
        ("y[i] in {0, 1}", True),
        ("j > 0", True),
        ("p > q", False),
        ("p[i] > q", False),
        ("p[i] > p[j]", False),
        ("p[i] > n", False),
        ("x[i, 0] > 0", False),
        ("sigma(p) > 0", False),
        ("Sum(p[i], (i, 1, n)) > 0", False),
    ],
)
def test_a_value_is_drawn_to_satisfy_what_speaks_of_one_name(condition, alone):
    assert derivation._single_name(parse(condition)) is alone


class TestWhatIsClaimed:
    @pytest.mark.parametrize(
        ("start", "options", "scope", "shown"),
        [
            ("1 + 1", {}, "", ""),
            ("sigma(z)*q", {}, "all real q, z", r"$q, z \in \mathbb R$"),
            ("Sum(a[i]*z, (i, 1, n))", {}, "all n", "$n$"),
            ("Sum(x[i, k], (k, 1, K), (i, 1, n))", {}, "all n, K", "$n, K$"),
            ("At(z**2, z, q)", {}, "all real q", r"$q \in \mathbb R$"),
            ("p", {"where": {"p": "sigma(z)"}}, "all real z", r"$z \in \mathbb R$"),
            ("z", {"shapes": {"X": "n, d + 1"}}, "all n, d", "$n, d$"),
            ("Sum(a[i], (i, 1, 3))", {"given": "m > 1"}, "all m", "$m$"),
            ("z*p[i]", {"given": "p[i] > 0"}, "all real z", r"$z \in \mathbb R$"),
        ],
    )
    def test_for_all_that_the_lines_speak_of(self, start, options, scope, shown):
        result = Derivation("test", start, **options)
        assert (result.scope, result.row()["for"]) == (scope, shown)
        assert str(result).splitlines()[0].startswith("test, for all" if scope else "test")

    @pytest.mark.parametrize(
        ("relations", "whole"),
        [("=", "="), ("= <=", "<="), ("<= =", "<="), ("<= <", "<"), ("< <=", "<"), (">= =", ">="), (">= >", ">")],
    )
    def test_one_strict_relation_makes_the_chain_strict(self, relations, whole):
        chain = Derivation("test", "0")
        chain.relations = relations.split()
        assert chain.relation == whole

    def test_a_sum_with_a_fixed_end_and_a_free_one_is_general(self):
        assert Derivation("test", "Sum(a[i], (i, 1, n))").general
        assert not Derivation("test", "z").then("z + Sum(0, (i, 1, 2))", because="r").general

    def test_numbers_of_steps_and_of_rejected_versions(self):
        none = Derivation("test", "sigma(-z)")
        assert none.summary == "0 steps proved, 0 wrong versions rejected"
        none.controls, none.reasons = 1, ["r"]
        assert none.summary == "1 step proved, 1 wrong version rejected"

    def test_at_most_five_wrong_versions_of_a_step(self):
        line = "1/(1 + exp(-z)) + a*b*c + a*b + a*c + b*c"
        assert Derivation("test", "sigma(z) + a*b*c + a*b + a*c + b*c").then(line, because="r").controls == 5
        assert Derivation("test", "sigma(z)").then("1/(1 + exp(-z)) + exp(z)", because="r", relation="<").controls == 5

    def test_a_missing_condition_is_named_where_the_step_fails(self):
        with pytest.raises(DerivationError) as error:
            Derivation("test", "exp(log(p))").then("p", because="r")
        message = str(error.value)
        assert "line 1 = not defined" in message
        assert "It does not follow from what is given that p is positive." in message

    def test_a_short_first_line_shares_its_row_and_a_long_one_stands_alone(self):
        short = Derivation("test", "sigma(-z)").then("1 - sigma(z)", because="r")._repr_latex_()
        assert "\n\\sigma(-z) &= 1 - \\sigma(z) && " in short
        for names, first in (("a b c g h p q t u v", " &= 1 - "), ("a b c g h p q t u v w", " \\\\\n&\\quad = 1 - ")):
            rest = " + " + " + ".join(names.split())
            step = Derivation("test", "sigma(-z)" + rest).then("1 - sigma(z)" + rest, because="r")
            assert f"\\sigma(-z){rest}{first}" in step._repr_latex_()
            assert ("\n& \\sigma" in step._repr_latex_()) is ("quad" in first)

    def test_the_definitions_that_are_used_are_shown(self):
        where = {"p": "sigma(eta)", "eta": "2*z", "q": "3", "f(a)": "a + 1", "r[i]": "1"}
        shown = Derivation("test", "p + f(z)", where=where).then("sigma(2*z) + z + 1", because="r")._repr_latex_()
        assert r"\text{where }p = \sigma(\eta),\quad \eta = 2 z,\quad f(a) = a + 1" in shown
        assert "q = 3" not in shown
        vectors = Derivation("test", "r", where={"r[i]": "y[i] + 1"}, shapes={"r": "n", "y": "n"})
        assert r"\text{where }r_{i} = y_{i} + 1" in vectors.then("y + 1", because="r")._repr_latex_()

def test_the_second_point_is_small():
    d = Derivation("sizes", "Sum(a[i], (i, 1, n))*Sum(b[k], (k, 1, K))")
    assert [d._point(seed).small for seed in range(4)] == [False, True, False, False]


def test_conditions_hold_together_at_every_point():
    # One point in twelve has it by chance; values are drawn until it holds.
    d = Derivation("rare", "z", given=["z + p > 3", "0 < p < 1"])
    assert all(value(parse("z + p"), d._point(seed)) > 3 for seed in range(12))
    # A condition on a name that has a definition is one on what stands behind it.
    d = Derivation("defined", "p[i]", where={"p[i]": "sigma(eta[i])"}, given="p[i] > 3/4")
    assert all(value(parse("p[i]"), d._point(seed)) > 3 / 4 for seed in range(12))


def test_lines_that_never_have_a_value_prove_nothing():
    with pytest.raises(DerivationError, match="Neither line has a value at any point"):
        Derivation("nowhere", "log(-1 - z**2)").then("log(-1 - z**2) + 0*z", because="nothing is added")


def test_a_line_without_a_value_differs_from_one_that_has_one():
    with pytest.raises(DerivationError, match=r"at z = -\d.*\n  line 1 = -\d.*\n  line 2 = not defined"):
        Derivation("lost", "z").then("exp(log(z))", because="their product")
    with pytest.raises(DerivationError, match=r"\n  line 1 = not defined\n  line 2 = -\d"):
        Derivation("won", "exp(log(z))").then("z", because="their product")


def test_one_sum_of_fixed_size_makes_a_proof_an_example():
    start = "Sum(a[i], (i, 1, n)) + Sum(b[i], (i, 1, 2))"
    assert not Derivation("test", start).then("Sum(b[i], (i, 1, 2)) + Sum(a[i], (i, 1, n))", because="turned round").general


def test_the_relation_turned_round_is_one_control():
    assert Derivation("test", "-z**2").then("0", because="a square", relation="<=").controls == 1


def test_text_has_its_reasons_below_one_another():
    d = Derivation("columns", "z + z").then("2*z", because="twice").then("z*(1 + 1)", because="factored").then("2*z", because="added")
    assert str(d).splitlines()[1:5] == [
        "  z + z",
        "  = 2*z          twice",
        "  = z*(1 + 1)    factored",
        "  = 2*z          added",
    ]


def test_the_first_line_is_set_once():
    short = Derivation("short", "z + z").then("2*z", because="twice").then("3*z - z", because="again")
    long = Derivation("long", "+".join(f"{a}*z" for a in range(10, 30))).then("390*z", because="added")
    for d, rows in ((short, 2), (long, 2)):
        tex = d._repr_latex_()
        assert tex.count(latex(d.lines[0])) == 1
        assert tex.split(r"\end{aligned}")[0].count("&&") == len(d.reasons)
    assert r"& " + latex(long.lines[0]) + " \\\\\n" in long._repr_latex_()


def test_definitions_that_are_used_are_shown():
    f = Derivation("elementwise", "f(eta) + f(eta)", shapes=SHAPES, where={"f(z)": "z**2 + 1", "g(z)": "z"})
    assert r"\text{where }f(z) = z^{2} + 1" in f.then("2*f(eta)", because="twice")._repr_latex_()
    m = Derivation("entries", "M + M", shapes={"M": "n, K"}, where={"M[i, k]": "a[i]*b[k]", "h": "2"})
    tex = m.then("2*M", because="twice")._repr_latex_()
    assert r"\text{where }" in tex and latex(parse("a[i]*b[k]")) in tex and "h" not in tex.split("where")[1].split("checkmark")[0]


def test_values_in_messages_have_six_digits():
    with pytest.raises(DerivationError) as caught:
        Derivation("symmetry", "1 - sigma(z)").then("1 + sigma(z)", because="a slip")
    shown = [line.split(" = ")[1] for line in str(caught.value).splitlines()[-2:]]
    assert all(len(number.lstrip("-").replace(".", "").lstrip("0")) <= 6 for number in shown) and any(len(n) > 5 for n in shown)


def test_what_the_last_line_says_is_typeset():
    reals = Derivation("reals", "c_a*beta", given="beta > 0").then("beta*c_a", because="exchange")
    assert r"\checkmark\ \text{1 step proved}\text{ for all real }\beta, c_{a}\text{ with }\beta > 0\text{; 3 wrong" in reals._repr_latex_()
    sizes = Derivation("sizes", "Sum(p[i], (i, 1, n)) + d*z").then("d*z + Sum(p[i], (i, 1, n))", because="exchange")
    assert r"\text{1 step proved}\text{ for all }n, d\text{; " in sizes._repr_latex_()
    plain = Derivation("plain", "1 + 2").then("3", because="add")
    assert r"\text{1 step proved}\text{; " in plain._repr_latex_()


def test_a_first_line_stands_alone_where_the_lines_beside_it_would_be_too_long():
    alone = lambda derivation: r"&\quad = " in derivation._repr_latex_()
    long = "a**2 + a*b + a*c + a*b + b**2 + b*c + a*c + b*c + c**2 + 0*a*b + 0*b*c + 0*c*a + 0*a + 0*b"
    first = "(a + b + c)*(a + b + c)"
    assert alone(Derivation("beside-long", first).then(long, because="multiply out").then("(a + b + c)**2", because="a square"))
    assert not alone(Derivation("beside-short", first).then("(a + b + c)**2", because="a square"))
    assert not alone(Derivation("short-beside-long", "(a + b + c)**2").then(long, because="multiply out"))
