"""The data sets: what the README beside them says is so."""

import doctest
import importlib
import re
import subprocess
import sys
from importlib.resources import files

import numpy as np
import pytest
import sklearn.datasets

import lrmath
from lrmath import add_intercept, bce_from_logits, load_challenger, load_iris, load_wdbc

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize(
    ("load", "n", "d", "counts"),
    [
        (load_wdbc, 569, 30, [357, 212]),
        (load_challenger, 23, 1, [16, 7]),
        (load_iris, 150, 4, [50, 50, 50]),
    ],
)
class TestEach:
    def test_sizes(self, load, n, d, counts):
        data = load()
        assert data.features.shape == (n, d)
        assert data.y.shape == (n,)
        assert data.features.dtype == data.y.dtype == np.float64
        assert [(data.y == k).sum() for k in range(len(counts))] == counts
        assert sum(counts) == n
        assert np.isfinite(data.features).all()
        assert len(set(data.feature_names)) == d
        assert str(n) in data.description

    def test_arrays_are_fresh(self, load, n, d, counts):
        first = load()
        first.features[:] = -1
        first.y[:] = -1
        assert load().features.min() >= 0
        assert (load().y == 1).sum() == counts[1]
        for array in (first.features, first.y):
            assert array.flags.owndata
            assert array.flags.c_contiguous

    def test_every_digit_survives(self, load, n, d, counts):
        data = load()
        name = load.__name__.removeprefix("load_") + ".csv"
        text = files("lrmath.data").joinpath(name).read_text(encoding="utf-8")
        header, *lines = text.splitlines()
        assert header.split(",")[:-1] == list(data.feature_names)
        table = [[float(field) for field in line.split(",")] for line in lines]
        assert np.column_stack([data.features, data.y]).tolist() == table

    def test_unpacks(self, load, n, d, counts):
        features, y, names, description = load()
        assert add_intercept(features).shape == (len(y), len(names) + 1)
        assert description


def test_wdbc_rows():
    data = load_wdbc()
    assert data.feature_names[:3] == ("mean radius", "mean texture", "mean perimeter")
    assert data.feature_names[-1] == "worst fractal dimension"
    first = [
        17.99, 10.38, 122.8, 1001, 0.1184, 0.2776, 0.3001, 0.1471, 0.2419, 0.07871,
        1.095, 0.9053, 8.589, 153.4, 0.006399, 0.04904, 0.05373, 0.01587, 0.03003, 0.006193,
        25.38, 17.33, 184.6, 2019, 0.1622, 0.6656, 0.7119, 0.2654, 0.4601, 0.1189,
    ]  # fmt: skip
    assert data.features[0].tolist() == first
    assert data.y[0] == 1
    assert data.features[-1, :3].tolist() == [7.76, 24.54, 47.92]
    assert data.y[-1] == 0


def test_wdbc_one_is_malignant():
    data = load_wdbc()
    radius = data.features[:, data.feature_names.index("mean radius")]
    # Malignant nuclei are larger; with the classes swapped this fails.
    assert radius[data.y == 1].mean() > radius[data.y == 0].mean() + 4


def test_wdbc_ranges_as_published():
    data = load_wdbc()
    smallest = dict(zip(data.feature_names, data.features.min(0), strict=True))
    largest = dict(zip(data.feature_names, data.features.max(0), strict=True))
    for name, low, high in [
        ("mean radius", 6.981, 28.11),
        ("mean texture", 9.71, 39.28),
        ("mean area", 143.5, 2501.0),
        ("area error", 6.802, 542.2),
        ("worst area", 185.2, 4254.0),
        ("worst concavity", 0.0, 1.252),
    ]:
        assert (smallest[name], largest[name]) == (low, high)


def test_challenger_rows():
    data = load_challenger()
    temperature = data.features[:, 0]
    assert sorted(temperature[data.y == 1]) == [53, 57, 58, 63, 70, 70, 75]
    assert (temperature.min(), temperature.max()) == (53, 81)
    assert (temperature[0], data.y[0]) == (66, 0)


def test_challenger_gives_the_published_fit():
    data = load_challenger()
    X = add_intercept(data.features)
    published = np.array([15.0429, -0.2322])
    deviance = 2 * bce_from_logits(data.y, X @ published)
    assert deviance == pytest.approx(20.315, abs=5e-4)
    # Control: with the classes swapped the same line fits badly.
    assert 2 * bce_from_logits(1 - data.y, X @ published) > 50


def test_iris_rows():
    data = load_iris()
    assert data.feature_names == (
        "sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"
    )  # fmt: skip
    assert data.features[0].tolist() == [5.1, 3.5, 1.4, 0.2]
    assert data.features[149].tolist() == [5.9, 3.0, 5.1, 1.8]
    assert (np.diff(data.y) >= 0).all()
    for k, species in enumerate(("setosa", "versicolor", "virginica")):
        assert re.search(rf"\b{k} is {species}", data.description)


def test_iris_is_as_fisher_published_it():
    features = load_iris().features
    # UCI's file has 0.1 for the 0.2 in the first, and 3.1 and 1.5 for the 3.6 and 1.4 in the other.
    assert features[34].tolist() == [4.9, 3.1, 1.5, 0.2]
    assert features[37].tolist() == [4.9, 3.6, 1.4, 0.1]


def test_iris_means_as_published():
    # Fisher (1936), table II: means of the species setosa, versicolor, virginica.
    data = load_iris()
    means = [data.features[data.y == k].mean(0) for k in range(3)]
    published = [
        [5.006, 3.428, 1.462, 0.246],
        [5.936, 2.770, 4.260, 1.326],
        [6.588, 2.974, 5.552, 2.026],
    ]
    np.testing.assert_allclose(means, published, atol=1e-12)


def test_iris_is_the_copy_of_scikit_learn():
    theirs = sklearn.datasets.load_iris()
    ours = load_iris()
    assert (ours.features == theirs.data).all()
    assert (ours.y == theirs.target).all()
    assert ours.feature_names == tuple(theirs.feature_names)


def test_the_readme_names_every_file():
    folder = files("lrmath.data")
    text = folder.joinpath("README.md").read_text(encoding="utf-8")
    for file in folder.iterdir():
        if file.name.endswith(".csv"):
            assert f"`{file.name}`" in text


def test_public_names():
    assert sorted(lrmath.__all__) == lrmath.__all__
    assert all(callable(getattr(lrmath, name)) for name in lrmath.__all__)


def test_import_needs_only_numpy():
    code = (
        "import sys, lrmath; lrmath.load_wdbc();"
        "print(sorted({'sympy', 'matplotlib', 'mpmath', 'scipy'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_examples_in_the_docstrings():
    results = doctest.testmod(importlib.import_module("lrmath.data"))
    assert results.failed == 0
    assert results.attempted >= 9
