"""lrmath against its peers and against the floor of the hardware, in one run.

    python benchmarks/run.py                        # everything, a few minutes
    python benchmarks/run.py WDBC "10k x 20"        # some of the cases

Everything runs on one thread. The contestants take turns, so that a slow moment of the machine hits
all of them; the medians are printed. All of them minimise the same objective until
max|gradient| / n <= 1e-8, which is checked.

The floor is what no Newton method on one thread can beat: per step one product X'X (by BLAS dsyrk,
half of the entries) and two products of X with a vector, and nothing else.

It needs what `pip install -e .[test]` brings.
"""

import os

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"  # must be set before NumPy is loaded

import platform
import subprocess
import sys
import time
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import scipy
import sklearn
from scipy.linalg.blas import dsyrk
from sklearn.linear_model import LogisticRegression

import lrmath
from lrmath import add_intercept, gradient, irls, load_wdbc

RIDGE, TOL = 1.0, 1e-8
SIZES = {
    "10k x 20": (10_000, 20),
    "100k x 50": (100_000, 50),
    "1M x 20": (1_000_000, 20),
    "20k x 500": (20_000, 500),
}
REPEATS = {"WDBC": 101, "10k x 20": 31, "100k x 50": 9, "1M x 20": 7, "20k x 500": 5}


def problem(case):
    """X with the ones first, and y."""
    if case == "WDBC":
        data = load_wdbc()
        features = (data.features - data.features.mean(axis=0)) / data.features.std(axis=0)
        return add_intercept(features), data.y
    n, d = SIZES[case]
    rng = np.random.default_rng(0)
    # Neighbouring features have the correlation 0.9; independent ones are too kind to lbfgs.
    mix = np.linalg.cholesky(0.9 ** np.abs(np.subtract.outer(np.arange(d), np.arange(d)))).T
    X = np.ones((n, d + 1))
    for start in range(0, n, 10_000):
        X[start : start + 10_000, 1:] = rng.standard_normal((10_000, d)) @ mix
    beta = rng.standard_normal(d + 1) * 2 / np.sqrt(d)
    return X, (rng.random(n) < lrmath.sigmoid(X @ beta)).astype(float)


def solve_lrmath(X, features, y):
    return irls(X, y, ridge=RIDGE, tol=TOL).beta


def solve_scikit_learn(solver):
    def solve(X, features, y):
        model = LogisticRegression(solver=solver, C=1 / RIDGE, tol=TOL / 2, max_iter=10_000)
        model.fit(features, y)
        return np.concatenate([model.intercept_, model.coef_[0]])

    return solve


SOLVERS = {
    "lrmath irls": solve_lrmath,
    "scikit-learn newton-cholesky": solve_scikit_learn("newton-cholesky"),
    "scikit-learn lbfgs": solve_scikit_learn("lbfgs"),
}


def floor(X, y, beta, steps):
    for _ in range(steps):
        dsyrk(1.0, X.T)
        X @ beta
        X.T @ y


def medians(jobs, repeats):
    """The median time of each job, in milliseconds; the jobs take turns."""
    times = {name: [] for name in jobs}
    for _ in range(repeats + 1):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            times[name].append(time.perf_counter() - start)
    # The first round warms up.
    return {name: 1e3 * float(np.median(t[1:])) for name, t in times.items()}


def measure(case):
    """Milliseconds of the floor and of each solver, and max|gradient| / n that each left."""
    X, y = problem(case)
    # Scikit-learn adds the intercept itself; the copy is made outside of the clock.
    features = np.ascontiguousarray(X[:, 1:])
    R = np.arange(X.shape[1]) > 0
    left = {}
    for name, solve in SOLVERS.items():
        beta = solve(X, features, y)
        left[name] = np.abs(gradient(X, y, beta) + RIDGE * R * beta).max() / len(y)
    steps = irls(X, y, ridge=RIDGE, tol=TOL).iterations
    jobs = {"floor": lambda: floor(X, y, np.zeros(X.shape[1]), steps)}
    for name, solve in SOLVERS.items():
        jobs[name] = lambda solve=solve: solve(X, features, y)
    return medians(jobs, REPEATS[case]), left, steps


def extra_memory(solver, case="1M x 20"):
    """Megabytes that a fit allocates on top of its data, at most; measured in a fresh process."""
    code = f"import run; run.print_extra_memory({solver!r}, {case!r})"
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=here, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def print_extra_memory(solver, case):
    X, y = problem(case)
    features = np.ascontiguousarray(X[:, 1:])
    warnings.simplefilter("ignore")
    tracemalloc.start()
    SOLVERS[solver](X, features, y)
    print(tracemalloc.get_traced_memory()[1] / 1e6)


def machine():
    """The processor, without the name of the computer."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        cpu = platform.processor() or platform.machine()
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return (
        f"{cpu}, one thread. Python {platform.python_version()}, NumPy {np.__version__} "
        f"({blas['name']} {blas['version']}), SciPy {scipy.__version__}, "
        f"scikit-learn {sklearn.__version__}, lrmath {lrmath.__version__}."
    )


def print_row(*cells):
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def task():
    exponent = round(np.log10(TOL))
    return rf"Ridge {RIDGE:g}, until $\max\lvert\nabla J\rvert/n\le10^{{{exponent}}}$."


def show(ms):
    return f"{ms:,.0f}" if ms >= 100 else f"{ms:.3g}"


def binary(cases):
    print(f"## Two classes\n\n{task()} ", end="")
    print("Times in milliseconds.\n")
    peers = [name for name in SOLVERS if name != "lrmath irls"]
    head = ["data", "steps", "floor", "irls", "times the floor"]
    for name in peers:
        head += [name, "times irls"]
    print_row(*head)
    print_row(":---", *["---:"] * (len(head) - 1))
    early = {}
    for case in cases:
        ms, left, steps = measure(case)
        ours = ms["lrmath irls"]
        row = [case, steps, show(ms["floor"]), show(ours), f"{ours / ms['floor']:.1f}"]
        for name in peers:
            row += [show(ms[name]), f"{ms[name] / ours:.1f}"]
            # A solver that stopped early has not done the work.
            if left[name] > TOL:
                early.setdefault(name, []).append(f"{left[name]:.1e} at {case}")
        assert left["lrmath irls"] <= TOL, f"{case}: irls left {left['lrmath irls']:.1e}"
        print_row(*row)
    for name, rests in early.items():
        print(f"\nStopped before that: {name}, which left {', '.join(rests)}.")
    if "1M x 20" in cases:
        print("\nExtra memory at 1M x 20, where the matrix $X$ has 168 MB:\n")
        print_row("", "MB")
        print_row(":---", "---:")
        for name in SOLVERS:
            print_row(name, f"{extra_memory(name):.0f}")
    print()


def main(arguments):
    cases = arguments or ["WDBC", *SIZES]
    unknown = [case for case in cases if case not in REPEATS]
    if unknown:
        sys.exit(f"unknown case {unknown[0]!r}; the cases are {', '.join(REPEATS)}")
    warnings.simplefilter("ignore")
    print(machine() + "\n")
    binary(cases)
    # The classifier with K classes has a file of its own.
    if not arguments:
        import softmax

        softmax.main()


if __name__ == "__main__":
    main(sys.argv[1:])
