"""Negative controls: which wrong versions of a line are written, and in which order."""

import pytest

from lrmath.verify import parse, text
from lrmath.verify.controls import perturbed

SHAPES = {"X": "n, d + 1", "beta": "d + 1", "y": "n", "w": "n", "r": "n"}

VERSIONS = {
    "z": "-z",
    "0": "-0  1",
    "-1": "-(-1)",
    "3": "-3  4",
    "a - b": "-(a - b)  a - 1  -b  -a - b  a  a - (-b)",
    "a + b + c": "-(a + b + c)  b + c  -a + b + c  a + c  a - b + c  a + b  a + b - c",
    "a*b*c": "-a*b*c  b*c  a*c  a*b",
    "2*z": "-2*z  z  3*z  2",
    "-a*b": "-(-a*b)  -1  -b  -a",
    "a/b": "-a/b  a  1/b",
    "1/b": "-1/b  1  2/b",
    "2/b": "-2/b  2  3/b  1/b",
    "z**3": "-z**3  z**4",
    "z**(a + b)": "-z**(a + b)  z**b  z**(-a + b)  z**a  z**(a - b)",
    "(a + b)**z": "-(a + b)**z  b**z  (-a + b)**z  a**z  (a - b)**z",
    "exp(z)": "-exp(z)  exp(-z)",
    "log(a*b)": "-log(a*b)  log(b)  log(a)",
    "Abs(a*b)": "-Abs(a*b)  Abs(b)  Abs(a)",
    "Max(z, 0)": "-Max(z, 0)  Max(z, 1)",
    "Min(2, z)": "-Min(z, 2)  Min(z, 3)",
    "sigma(z)": "-sigma(z)  sigma(-z)",
    "f(a, b)": "-f(a, b)",
    "y[i]": "-y[i]  y[i + 1]",
    "x[i, k]": "-x[i, k]  x[k, i]  x[i + 1, k]  x[i, k + 1]",
    "x[i, 0]": "-x[i, 0]  x[0, i]  x[i + 1, 0]",
    "delta(j, k)": "-delta(j, k)",
    "Cases((z, z > 0), (0, True))": "-Cases((z, z > 0), (0, True))",
    "Sum(2, (i, 1, n))": "-Sum(2, (i, 1, n))  Sum(3, (i, 1, n))  Sum(2, (i, 2, n))  Sum(2, (i, 1, n - 1))",
    "Product(3, (i, 0, n))": "-Product(3, (i, 0, n))  Product(4, (i, 0, n))  Product(3, (i, 1, n))  "
                             "Product(3, (i, 0, n - 1))",
    "Sum(2, (k, 1, K), (i, 0, n))": "-Sum(2, (k, 1, K), (i, 0, n))  Sum(3, (k, 1, K), (i, 0, n))  "
                                    "Sum(2, (k, 1, K), (i, 1, n))  Sum(2, (k, 1, K), (i, 0, n - 1))",
    "D(z**2, z)": "-D(z**2, z)  D(z**3, z)",
    "D(J, b[j, k])": "-D(J, b[j, k])  D(J, b[j + 1, k + 1])",
    "At(z**2, z, 3)": "-At(z**2, z, 3)  At(z**3, z, 3)",
    "Lim(z + 2, z, 1)": "-Lim(z + 2, z, 1)  Lim(2, z, 1)  Lim(z + 3, z, 1)  Lim(-z + 2, z, 1)  Lim(z, z, 1)  "
                        "Lim(z + 2, z, 2)  Lim(z - 2, z, 1)",
    "X.T": "-X.T  X",
    "X.T @ y": "-X.T @ y  y  X @ y  X.T",
    "2*X @ beta": "-2*X @ beta  X @ beta  3*X @ beta  2*beta  2*X",
    "y*w": "-y*w  w  y",
    "y + w + r": "-(y + w + r)  w + r  -y + w + r  y + r  y - w + r  y + w  y + w - r",
    "(X.T @ X)[j, k]": "-(X.T @ X)[j, k]  (X)[j, k]  (X.T @ X)[k, j]  (X @ X)[j, k]  (X.T)[j, k]",
    "(X.T @ y)[j]": "-(X.T @ y)[j]  (y)[j]  (X @ y)[j]  (X.T)[j, 0]",
    "diag(y*w)": "-diag(y*w)  diag(w)  diag(y)",
}  # fmt: skip


@pytest.mark.parametrize("line", VERSIONS)
def test_each_version_has_one_thing_wrong(line):
    assert [text(version) for _, version in perturbed(parse(line, SHAPES), limit=99)] == VERSIONS[line].split("  ")


def test_one_version_of_each_kind_comes_before_the_second_of_any():
    line = parse("Sum(2*x[i, k]*exp(z) + 1, (i, 1, n))")
    kinds = [kind for kind, _ in perturbed(line, limit=99)]
    first = ["sign", "factor", "term", "index", "number", "bound", "argument"]
    assert kinds[:7] == first
    assert kinds[7:13] == first[:6]
    assert len(kinds) > 13
    assert [kind for kind, _ in perturbed(line, limit=9)] == kinds[:9]


def test_no_version_is_the_line_itself_or_comes_twice():
    for line in ("y[i] + y[i]", "x[i, i]", "a*a"):
        line = parse(line)
        versions = perturbed(line, limit=99)
        assert len(set(versions)) == len(versions)
        assert line not in [version for _, version in versions]
