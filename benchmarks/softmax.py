"""fit_softmax against scikit-learn's newton-cholesky, in one run.

    python benchmarks/softmax.py

One thread; the two take turns, and the medians are printed. Both minimise the same objective until
max|gradient| / n <= 1e-8, and both results are checked: the gradient that each left, and that the
losses agree to 1e-12.

It needs what `pip install -e .[test]` brings.
"""

import warnings

# Before NumPy: it sets the number of threads.
from run import RIDGE, TOL, machine, medians, print_row, show, task  # isort: skip

import numpy as np
from sklearn.linear_model import LogisticRegression

from lrmath import (
    add_intercept,
    cross_entropy_from_logits,
    fit_softmax,
    load_iris,
    softmax_gradient,
)

# Samples, features, classes and repeats.
SIZES = {
    "10k x 20, K = 5": (10_000, 20, 5, 31),
    "100k x 20, K = 3": (100_000, 20, 3, 9),
    "10k x 50, K = 10": (10_000, 50, 10, 5),
    "2k x 300, K = 4": (2_000, 300, 4, 5),
}


def problem(case):
    """X with the ones first, y, and the number of repeats."""
    if case == "iris":
        data = load_iris()
        return add_intercept(data.features), data.y.astype(int), 101
    n, d, K, repeats = SIZES[case]
    rng = np.random.default_rng(0)
    # Neighbouring features have the correlation 0.9, as in run.py.
    mix = np.linalg.cholesky(0.9 ** np.abs(np.subtract.outer(np.arange(d), np.arange(d)))).T
    X = add_intercept(rng.standard_normal((n, d)) @ mix)
    B = rng.standard_normal((d + 1, K)) * 2 / np.sqrt(d)
    # The largest of scores plus Gumbel noise is class k with probability softmax(scores)[k].
    return X, np.argmax(X @ B + rng.gumbel(size=(n, K)), axis=1), repeats


def solve_lrmath(X, features, y):
    return fit_softmax(X, y, ridge=RIDGE, tol=TOL).B


def solve_scikit_learn(X, features, y):
    model = LogisticRegression(solver="newton-cholesky", C=1 / RIDGE, tol=TOL / 2, max_iter=10_000)
    model.fit(features, y)
    return np.vstack([model.intercept_, model.coef_.T])


SOLVERS = {
    "lrmath fit_softmax": solve_lrmath,
    "scikit-learn newton-cholesky": solve_scikit_learn,
}


def quality(X, y, B):
    """The objective, and max|gradient| / n."""
    gradient = softmax_gradient(X, np.eye(B.shape[1])[y], B)
    gradient[1:] += RIDGE * B[1:]
    loss = cross_entropy_from_logits(y, X @ B) + RIDGE / 2 * np.sum(B[1:] ** 2)
    return loss, np.abs(gradient).max() / len(y)


def main():
    warnings.simplefilter("ignore")
    print(f"## K classes\n\n{task()} ", end="")
    print("Times in milliseconds.\n")
    print_row("data", "steps", *SOLVERS, "times fit_softmax")
    print_row(":---", *["---:"] * (len(SOLVERS) + 2))
    for case in ["iris", *SIZES]:
        X, y, repeats = problem(case)
        features = np.ascontiguousarray(X[:, 1:])
        found = {name: quality(X, y, solve(X, features, y)) for name, solve in SOLVERS.items()}
        for name, (_, left) in found.items():
            assert left <= TOL, f"{case}: {name} left a gradient of {left:.1e}"
        losses = [loss for loss, _ in found.values()]
        assert abs(losses[0] - losses[1]) <= 1e-12 * losses[0], f"{case}: the losses are {losses}"
        ms = medians(
            {name: lambda s=solve: s(X, features, y) for name, solve in SOLVERS.items()}, repeats
        )
        ours, theirs = ms.values()
        steps = fit_softmax(X, y, ridge=RIDGE, tol=TOL).iterations
        print_row(case, steps, show(ours), show(theirs), f"{theirs / ours:.1f}")
    print()


if __name__ == "__main__":
    print(machine() + "\n")
    main()
