"""Break lrmath on purpose, one small change at a time, and see whether the tests notice.

    python tests/mutants.py                       every module that computes, and a sample of lrmath.verify (make mutants)
    python tests/mutants.py hessian verify.proof  these, every mutant
    python tests/mutants.py verify --sample 50    50 mutants of each module of lrmath.verify, drawn anew for each --seed

Each mutant is a copy of the package with one operator, comparison, constant or call changed. It is killed if the tests of its
module fail or run for too long. A survivor is either a gap in the tests, or no change at all: then it stands in
`tests/mutants.txt` with the reason. The run fails if there is a survivor that is not listed.

Why no ready-made tool: those that run on this Python start a whole interpreter for each mutant, and importing NumPy, SciPy and
scikit-learn takes longer than most tests here. This script imports them once and forks, so it needs Linux or macOS.
"""

import argparse
import ast
import copy
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LISTED = Path(__file__).with_suffix(".txt")
# The tests that a module answers to, beside the one of its own name.
TESTS = {
    "_fit": ["irls", "softmax"],
    "_rank": ["irls", "gradient_descent", "softmax"],
    "_separation": ["decisions", "irls"],
    "_validate": ["sigmoid", "bce", "chain_rule", "hessian", "gradient_descent", "irls", "regularization",
                  "log_sum_exp", "softmax", "decisions"],
    "verify.printing": ["verify_language"],
}  # fmt: skip
# A test that needs this much more processor time than without the change, and five seconds on top, runs for ever.
PATIENCE = 10
GIGABYTES = 4
# How many mutants of each module of lrmath.verify a run without arguments tries; there, each takes seconds.
SAMPLE = 25
FORKING = threading.Lock()

OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
CALLS = {
    "maximum": "minimum", "minimum": "maximum", "max": "min", "min": "max", "all": "any", "any": "all",
    "argmax": "argmin", "argmin": "argmax", "log1p": "expm1", "expm1": "log1p", "floor": "ceil", "zeros": "ones",
    "ones": "zeros",
}  # fmt: skip


def modules(package=""):
    """Every module of lrmath that computes, or those of one package in it: "hessian", "verify.proof"."""
    folder = ROOT / "lrmath" / package
    return sorted(f"{package}.{path.stem}".lstrip(".") for path in folder.glob("*.py") if path.stem != "__init__")


def path_of(module):
    return Path(*module.split(".")).with_suffix(".py")


def skipped(node, parents):
    """Messages and documentation do not compute; their words are not tested letter by letter."""
    while node is not None:
        if isinstance(node, (ast.JoinedStr, ast.Raise, ast.arguments, ast.AnnAssign)):
            return True
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return True
        node = parents.get(node)
    return False


def changes(tree):
    """Every (line, what, function that makes the change in a copy of the tree)."""
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for number, node in enumerate(ast.walk(tree)):
        if skipped(node, parents):
            continue
        for field, value in ast.iter_fields(node):
            if type(value) in OPERATORS:
                yield number, field, None, OPERATORS[type(value)]()
            if field == "ops":
                for position, operator in enumerate(value):
                    if type(operator) in OPERATORS:
                        yield number, field, position, OPERATORS[type(operator)]()
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            yield number, "value", None, (not node.value) if isinstance(node.value, bool) else node.value + 1
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Not, ast.Invert)):
            yield number, "op", None, ast.UAdd()
        if isinstance(node, ast.Attribute) and node.attr in CALLS:
            yield number, "attr", None, CALLS[node.attr]
        if isinstance(node, ast.Name) and node.id in CALLS and isinstance(parents.get(node), ast.Call):
            yield number, "id", None, CALLS[node.id]


def mutants(module):
    """The name and the source of every mutant of a module."""
    tree = ast.parse((ROOT / "lrmath" / path_of(module)).read_text(encoding="utf-8"))
    seen = {}
    for number, field, position, new in changes(tree):
        mutant = copy.deepcopy(tree)
        node = list(ast.walk(mutant))[number]
        statement = smallest_statement(mutant, node)
        before = ast.unparse(statement).splitlines()[0]
        if isinstance(new, ast.UAdd):
            replace(mutant, node, node.operand)
        elif position is None:
            setattr(node, field, new)
        else:
            getattr(node, field)[position] = new
        after = ast.unparse(statement).splitlines()[0]
        if before == after:  # the change lies in a later line of a compound statement, where it has a name of its own
            continue
        name = f"{module}: {before}  ->  {after}"
        seen[name] = seen.get(name, 0) + 1
        yield name + f"  (#{seen[name]})" * (seen[name] > 1), ast.unparse(ast.fix_missing_locations(mutant))


def smallest_statement(tree, node):
    found = None
    for statement in ast.walk(tree):
        if isinstance(statement, ast.stmt) and any(child is node for child in ast.walk(statement)):
            found = statement
    return found


def replace(tree, old, new):
    for node in ast.walk(tree):
        for field, value in ast.iter_fields(node):
            if value is old:
                setattr(node, field, new)
            elif isinstance(value, list):
                value[:] = [new if item is old else item for item in value]


def tests(module):
    names = TESTS.get(module, [module.replace(".", "_")])
    return [str(ROOT / "tests" / f"test_{name}.py") for name in names]


class FastestFirst:
    """A plugin of pytest: the tests that killed before, then the others by their time; and a limit for each of them."""

    def __init__(self, durations, kills):
        self.known, self.kills = dict(durations), kills
        self.durations, self.failed = {}, None

    def pytest_collection_modifyitems(self, items):
        items.sort(key=lambda item: (-self.kills.get(item.nodeid, 0), self.known.get(item.nodeid, 0)))

    def pytest_runtest_logstart(self, nodeid):
        self.started = time.process_time()
        if self.known:
            # Processor time, so that a busy machine ends no test. The signal ends the process.
            signal.setitimer(signal.ITIMER_PROF, 5 + PATIENCE * self.known.get(nodeid, 0))

    def pytest_runtest_logfinish(self, nodeid):
        signal.setitimer(signal.ITIMER_PROF, 0)
        self.durations[nodeid] = time.process_time() - self.started

    def pytest_runtest_logreport(self, report):
        self.failed = self.failed or (report.nodeid if report.failed else None)


def run_tests(module, source, plugin, answer):
    """In a process of its own: run the tests with this source in the place of the module's; the exit status is pytest's."""
    import pytest

    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    # A mutant that would fill the memory gets a MemoryError.
    resource.setrlimit(resource.RLIMIT_AS, (GIGABYTES << 30, GIGABYTES << 30))
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "lrmath"
        shutil.copytree(ROOT / "lrmath", package)  # with what is compiled: only the mutant is compiled again
        (package / path_of(module)).write_text(source, encoding="utf-8")
        # The folder comes first on the path, before the installed package.
        sys.path.insert(0, folder)
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # loading them takes longer than most tests
        options = ["-x", "-q", "-p", "no:cacheprovider", "--rootdir", str(ROOT)]
        status = pytest.main([*options, *tests(module)], plugins=[plugin])
        assert sys.modules["lrmath"].__file__.startswith(folder), "the tests imported another lrmath"
    answer.send((plugin.failed, plugin.durations))
    answer.close()
    os._exit(status)


def survives(module, source, durations, kills):
    """Whether the tests pass with this source in the place of the module's; it notes which of them did not."""
    plugin = FastestFirst(durations, kills)
    with FORKING:  # a second process would hold this pipe open, and its end would not be seen
        receiver, sender = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context("fork").Process(target=run_tests, args=(module, source, plugin, sender))
        process.start()
        sender.close()
    try:
        failed, times = receiver.recv()
    except EOFError:  # the process was ended: it ran for too long, or a change broke pytest itself
        failed, times = None, {}
    process.join()
    if failed:
        kills[failed] = kills.get(failed, 0) + 1
    if process.exitcode == 0:
        durations.update(times)
    return process.exitcode == 0


def listed():
    """The survivors that are known to change nothing, each with its reason."""
    entries = {}
    for line in LISTED.read_text(encoding="utf-8").splitlines() if LISTED.exists() else []:
        if line.strip() and not line.startswith("#"):
            name, _, reason = line.partition("  |  ")
            entries[name] = reason.strip()
    return entries


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Break lrmath on purpose and see whether the tests notice.")
    every = [*modules(), *modules("verify")]
    parser.add_argument("modules", nargs="*", help=f"of {', '.join(every)}; `verify` is all of its modules (default: all)")
    parser.add_argument("--sample", type=int, help=f"only so many mutants of each module (default: all, but {SAMPLE} of "
                        "each module of lrmath.verify if no module is named)")
    parser.add_argument("--seed", type=int, default=0, help="which sample (default: 0)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="mutants at a time (default: one for each processor)")
    options = parser.parse_args(arguments)
    names = [name for given in options.modules for name in (modules("verify") if given == "verify" else [given])] or every
    for heavy in ("mpmath", "numpy", "pytest", "scipy.optimize", "scipy.special", "sklearn.linear_model", "statsmodels.api",
                  "sympy"):
        __import__(heavy)  # here, so that no mutant has to
    known, unexplained, stale = listed(), [], []
    for module in names:
        durations, kills = {}, {}
        if not survives(module, (ROOT / "lrmath" / path_of(module)).read_text(encoding="utf-8"), durations, kills):
            sys.exit(f"the tests of {module} fail without any change")
        found = list(mutants(module))
        size = options.sample or (SAMPLE if module.startswith("verify.") and not options.modules else len(found))
        drawn = random.Random(f"{options.seed}:{module}").sample(found, min(size, len(found)))
        alive, new = [], []
        with ThreadPoolExecutor(options.jobs) as pool:
            lives = pool.map(lambda mutant: survives(module, mutant[1], durations, kills), drawn)
            for name in (name for (name, _), survived in zip(drawn, lives) if survived):
                alive.append(name)
                if name not in known:
                    new.append(name)
                    print(f"    {name}", flush=True)
        tried = f"{len(found)} mutants" if len(drawn) == len(found) else f"{len(drawn)} of {len(found)} mutants"
        print(f"{module}: {tried}, {len(drawn) - len(alive)} killed, {len(alive) - len(new)} equivalent, "
              f"{len(new)} unexplained", flush=True)
        unexplained += new
        made, ran = {name for name, _ in found}, {name for name, _ in drawn}
        stale += [name for name in known if name.split(":")[0] == module and (name not in made or name in ran - set(alive))]
    for name in stale:
        print(f"listed, but it does not survive: {name}")
    if unexplained or stale:
        sys.exit(f"{len(unexplained)} survivors without a reason, {len(stale)} reasons without a survivor")


if __name__ == "__main__":
    main()
