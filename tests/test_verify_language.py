"""The language of derivations: what it reads, what it refuses, and how it is typeset."""

import time

import pytest
import sympy as sp

from lrmath.verify import LanguageError, latex, parse, text

SHAPES = {"X": "n, d + 1", "beta": "d + 1", "v": "d + 1", "y": "n", "w": "n", "r": "n"}
NAMES = {"z", "p", "q", "a", "b", "c", "J"}

ROUND_TRIP = [
    "1/(1 + exp(-z))",
    "sigma(z)*(1 - sigma(z))",
    "exp(-z)/(1 + exp(-z))**2",
    "a - (b - c)",
    "a - b - c",
    "-(a + b)",
    "-a*b",
    "-a/b",
    "a/b/c",
    "a/(b*c)",
    "a/b*c",
    "a*(b*c)",
    "(-z)**2",
    "-z**2",
    "(z**2)**3",
    "a**(b**c)",
    "(a/b)**c",
    "2**(1/2)",
    "2*3",
    "a*(-b)",
    "sqrt(z)",
    "Abs(z)",
    "Max(z, 0)",
    "Min(z, 0)",
    "log(p/(1 - p))",
    "log(p)/log(q)",
    "D(f(z), z)",
    "D(D(f(z), z), z)",
    "At(D(L(q, p), p), p, sigma(z))",
    "Lim(sigma(z), z, oo)",
    "Lim(sigma(z), z, -oo)",
    "Sum(p[i], (i, 1, n))/n",
    "Sum(x[i, k]*b[k], (k, 0, d))",
    "Product(p[i]**q[i], (i, 1, n))",
    "delta(j, k)",
    "Sum(x[i, k], (k, 1, K), (i, 1, n)) + c",
    "Cases((z, z >= 0), (-z, z < 0))",
    "Cases((z, z >= 0), (-z, True))",
    "X.T @ (y - r)",
    "X.T @ diag(w) @ X",
    "(X.T @ y)[j]",
    "(X.T @ X)[j, k]",
    "sigma(X @ beta)",
    "2*X @ beta",
    "1/n*X.T @ y",
    "-X @ beta",
    "y*log(w) + (1 - y)*log(1 - w)",
    "Jacobian(y, beta)",
    "Grad(J, beta)",
    "(beta.T @ v)[0]",
    "0 < p",
    "z != 0",
    "z in {0, 1}",
    "x[i, 0] == 1",
    "pi",
    "x[i + 1, 0]",
    "f(a, b)",
]

LATEX = {
    "1/(1 + exp(-z))": r"\frac{1}{1 + e^{-z}}",
    "1/(1 + exp(-z)) * (exp(-z)/(1 + exp(-z)))": r"\frac{1}{1 + e^{-z}} \cdot \frac{e^{-z}}{1 + e^{-z}}",
    "sigma(z)*(1 - sigma(z))": r"\sigma(z)\,(1 - \sigma(z))",
    "exp(-z)/(1 + exp(-z))**2": r"\frac{e^{-z}}{(1 + e^{-z})^{2}}",
    "log(p/(1 - p))": r"\log\!\left(\frac{p}{1 - p}\right)",
    "-q*log(p) - (1 - q)*log(1 - p)": r"-q\,\log p - (1 - q)\,\log(1 - p)",
    "Sum(x[i, k]*b[k], (k, 0, d))": r"\sum_{k=0}^{d} x_{ik} b_{k}",
    "Sum(p[i] - q[i], (i, 1, n))": r"\sum_{i=1}^{n} \bigl[p_{i} - q_{i}\bigr]",
    "Sum(p[i], (i, 1, n))*c": r"\left(\sum_{i=1}^{n} p_{i}\right)\,c",
    "Sum(Sum(x[i, k], (k, 1, K)), (i, 1, n))": r"\sum_{i=1}^{n} \sum_{k=1}^{K} x_{ik}",
    "Product(p[i]**q[i]*(1 - p[i])**(1 - q[i]), (i, 1, n))": r"\prod_{i=1}^{n} p_{i}^{q_{i}}\,(1 - p_{i})^{1 - q_{i}}",
    "D(sigma(z), z)": r"\frac{d\sigma(z)}{dz}",
    "D(D(sigma(z), z), z)": r"\frac{d^{2}\sigma(z)}{dz^{2}}",
    "D(z**2, z)*q": r"\left(\frac{d}{dz}\,z^{2}\right)\,q",
    "D(J, b[j])": r"\frac{\partial J}{\partial b_{j}}",
    "D(f(z, q), z)": r"\frac{\partial f(z, q)}{\partial z}",
    "Lim(sigma(z), z, oo)": r"\lim_{z \to \infty} \sigma(z)",
    "At(z**2, z, 1)": r"\left.z^{2}\right|_{z = 1}",
    "delta(j, k)": r"\delta_{jk}",
    "delta(j + 1, k)": r"\delta_{k,j + 1}",
    "x[1, 10]": "x_{1,10}",
    "X.T @ (y - r)": r"X^{\mathsf T}\,(y - r)",
    "X.T @ diag(w) @ X": r"X^{\mathsf T}\,\operatorname{diag}(w)\,X",
    "(X.T @ X)[j + 1, k]": r"\left[X^{\mathsf T}\,X\right]_{j + 1,k}",
    "y*log(w)": r"y \odot \log(w)",
    "Jacobian(y, beta)": r"\frac{\partial y}{\partial \beta}",
    "Grad(J, beta)": r"\nabla_{\!\beta}\, J",
    "Cases((z, z >= 0), (0, True))": r"\begin{cases} z & \text{if } z \ge 0 \\ 0 & \text{otherwise} \end{cases}",
    "sqrt(z)": r"\sqrt{z}",
    "Max(z, 0) + log(1 + exp(-Abs(z)))": r"\max(z, 0) + \log(1 + e^{-\lvert z \rvert})",
    "lam/2": r"\frac{\lambda}{2}",
    "beta_0": r"\beta_{0}",
    "c_fp": r"c_{\mathrm{fp}}",
    "cost": r"\mathrm{cost}",
    "eta_new[i]": r"\eta_{\mathrm{new},i}",
    "softplus(z)": r"\operatorname{softplus}(z)",
    "log(z)**2": r"\left(\log z\right)^{2}",
    "log(z)*p": r"(\log z)\,p",
}

REFUSED = {
    # Nothing is executed: these are not even looked up.
    "__import__('os')": "only whole numbers",
    "__import__(z)": "is not a name",
    "open(z).read()": "a function is a name",
    "z.__class__": "the only attribute",
    "(lambda: z)()": "a function is a name",
    "lambda: z": "not in the language",
    "[z for z in y]": "not in the language",
    "f'{z}'": "not in the language",
    "'z'": "only whole numbers",
    "(q := z)": "not in the language",
    "z if p else q": "not in the language",
    "f(*z)": "not in the language",
    "f(z=1)": "a function is a name",
    "z; p": "invalid syntax",
    "z = p": "invalid syntax",
    "import os": "invalid syntax",
    "": "invalid syntax",
    "z z": "invalid syntax",
    "x[1:2]": "not in the language",
    "{0, 1}": "not in the language",
    "(z, p)": "not in the language",
    "yield": "invalid syntax",
    "await z": "invalid syntax|not in the language",
    # Numbers.
    "0.5": "write 1/2",
    "1j": "only whole numbers",
    "True": "only whole numbers",
    "None": "only whole numbers",
    "10**10**10": "cannot be meant",
    "9**9**9": "cannot be meant",
    "(9**9)**9": "cannot be meant",
    "z**1000": "cannot be meant",
    "10000000000": "cannot be meant",
    "oo - oo": "oo is not a number",
    "exp(oo)": "oo is not a number",
    # Too long, too deep.
    "z + " * 600 + "z": "limit is 2000",
    "+".join(["z"] * 300): "inside each other",
    "-" * 1900 + "z": "inside each other",
    "(" * 150 + "z" + ")" * 150 + "(" * 20: "cannot read",
    "exp(" * 90 + "z" + ")" * 90: "inside each other",
    # Names.
    "e**z": "write exp",
    "exp": r"write exp\(",
    "_z": "is not a name",
    "α": "is not a name",
    # Operators and conditions.
    "~z": "the only sign",
    "not z": "the only sign",
    "z % 2": "the operators",
    "z // 2": "the operators",
    "z and p": "not in the language",
    "p is q": "the relations",
    "z in p": "a set of numbers",
    "z in {p}": "must hold numbers",
    "(z > 0)*2": "a condition stands only",
    "exp(z > 0)": "a condition stands only",
    "Cases((z, p))": "a condition is needed",
    "Cases(z)": "two parts",
    # Functions.
    "exp()": "a function is a name",
    "exp(z, p)": "takes 1 argument",
    "Max(z)": "takes 2 arguments",
    "D(z)": "takes 2 arguments",
    "D(z, 2)": "cannot differentiate",
    "D(z, i)": "cannot differentiate",
    "D(z, n)": "cannot differentiate",
    "D(z, z + 1)": "cannot differentiate",
    "At(z, i, 2)": "cannot put a value",
    "Lim(z, z, z)": "cannot tend",
    "Lim(p[i], p[i], 0)": "a name of its own",
    # Sums and indices.
    "Sum(z)": "needs its index",
    "Sum(z, i)": "three parts",
    "Sum(p[i], (p, 1, n))": "not an index",
    "Sum(p[i], (i, 1, j))": "not a bound",
    "Sum(x[i, k], (k, 1, i), (i, 1, n))": "not a bound",
    "Sum(z, (i, 1, oo))": "is not",
    "Sum(z, (i, 1, n), (i, 1, K))": "an index of its own",
    "Sum(z, (n, 1, n))": "an index of its own",
    "x[p]": "not an index",
    "x[1/2]": "not an index",
    "x[i][j]": "an index follows",
    # Matrices.
    "X @ X": "shapes do not fit",
    "X.T @ beta": "shapes do not fit",
    "X + beta": "shapes do not fit",
    "X*beta": "shapes do not fit",
    "y - beta": "shapes do not fit",
    "X @ z": "between two matrices",
    "X**2": "power of a matrix",
    "z/X": "below a fraction bar",
    "X[0]": "has the shape",
    "beta[0, 1]": "has the shape",
    "(X.T @ X)[i]": "two indices",
    "z.T": "of a matrix",
    "diag(X)": "diag takes",
    "diag(z)": "diag takes",
    "D(X, z)": "takes numbers",
    "D(J, beta)": "takes numbers",
    "Jacobian(z, beta)": "names of two vectors",
    "Grad(X, beta)": "Grad takes",
    "X < 1": "a number",
    "Sum(X, (i, 1, n))": "a number",
}


def readable(line):
    return line if len(line) < 60 else line[:20] + "..."


@pytest.mark.parametrize("line", ROUND_TRIP)
def test_what_is_written_is_read_back(line):
    expression = parse(line, SHAPES)
    assert text(expression) == line
    assert parse(text(expression), SHAPES) == expression


@pytest.mark.parametrize("line", LATEX)
def test_latex(line):
    assert latex(parse(line, SHAPES)) == LATEX[line]


@pytest.mark.parametrize("line", REFUSED, ids=readable)
def test_refused(line):
    start = time.perf_counter()
    with pytest.raises(LanguageError, match=REFUSED[line]):
        parse(line, SHAPES)
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize("line", [None, 0.5, True, b"z", ["z"], sp.Matrix([1])], ids=str)
def test_a_line_is_text_or_an_expression(line):
    with pytest.raises(LanguageError, match="a line is a string or a SymPy expression"):
        parse(line)


z, n, i = sp.symbols("z n i")
X = sp.MatrixSymbol("X", 2, 2)


@pytest.mark.parametrize(
    ("expression", "line"),
    [
        (z, "z"),
        (sp.Symbol("z", real=True), "z"),
        (n + 1, "1 + n"),
        (sp.Symbol("n", integer=True), "n"),
        (3, "3"),
        (sp.Derivative(sp.Function("sigma")(z), z), "D(sigma(z), z)"),
        (sp.Derivative(z**3, (z, 2)), "D(D(z**3, z), z)"),
        (sp.Limit(sp.exp(-z), z, sp.oo), "Lim(exp(-z), z, oo)"),
        (sp.Subs(sp.Function("f")(z), z, 3), "At(f(z), z, 3)"),
        (sp.Sum(sp.IndexedBase("y")[i], (i, 1, n)), "Sum(y[i], (i, 1, n))"),
        (sp.IndexedBase("y")[sp.Idx("j")], "y[j]"),
        (sp.KroneckerDelta(i, sp.Symbol("j")), "delta(i, j)"),
        (sp.Abs(z), "Abs(z)"),
        (sp.Max(z, 0), "Max(z, 0)"),
        (sp.Piecewise((z, z > 0), (0, True)), "Cases((z, z > 0), (0, True))"),
        (sp.Add(1, sp.exp(-z, evaluate=False), evaluate=False), "1 + exp(-z)"),
    ],
    ids=str,
)
def test_a_sympy_expression_means_the_same_as_text(expression, line):
    assert parse(expression) == parse(line)


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        (sp.Symbol("z", positive=True), "assumed to be positive"),
        (sp.Symbol("z", integer=True), "assumed to be integer"),
        (sp.Dummy("z"), "Dummy"),
        (sp.Symbol("z_{0} = 1"), "is not a name"),
        (sp.Symbol("e"), "write exp"),
        (sp.Function("f g")(z), "is not a name"),
        (sp.Integral(z, z), "Integral is not in the language"),
        (sp.Integral(z, (z, 0, 1)) + 1, "Integral is not in the language"),
        (sp.sin(z), "sin is not in the language"),
        (sp.tanh(z), "tanh is not in the language"),
        (sp.gamma(z), "gamma is not in the language"),
        (sp.Float(0.5), "Float is not in the language"),
        (2.0 * z, "Float is not in the language"),
        (sp.I, "ImaginaryUnit is not in the language"),
        (sp.nan, "NaN is not in the language"),
        (sp.zoo, "ComplexInfinity is not in the language"),
        (sp.Limit(z, z, 0), "from one side"),
        (sp.Sum(z, (i, 1, sp.oo)), "not a bound"),
        (sp.Sum(z, (z, 1, n)), "an index of its own"),
        (X[0, 0], "MatrixElement"),
        (X**-1, "Inverse"),
        (sp.Trace(X), "Trace"),
        (sp.Identity(2), "Identity"),
        (sp.Or(z > 0, z < -1), "Or is not in the language"),
        (sp.Tuple(z), "Tuple"),
        (sp.Pow(9, sp.Pow(9, 9, evaluate=False), evaluate=False), "cannot be meant"),
        (sp.IndexedBase("y")[z / 2], "is not an index"),
        (sp.floor(z), "floor"),
        (sp.Heaviside(z), "Heaviside"),
    ],
    ids=str,
)
def test_what_sympy_has_and_the_language_has_not(expression, why):
    with pytest.raises(LanguageError, match=why):
        parse(expression)


@pytest.mark.parametrize("shape", ["", "n, d, K", "p", "1/2", "j"])
def test_shapes(shape):
    with pytest.raises(LanguageError):
        parse("X", {"X": shape})
