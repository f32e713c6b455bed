"""Break lrmath on purpose, one small change at a time, and see whether the tests notice.

    python tests/mutants.py                  every module that computes (make mutants)
    python tests/mutants.py hessian irls     these

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
import shutil
import sys
import tempfile
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
}  # fmt: skip
SECONDS = 120

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


def modules():
    return sorted(path.stem for path in (ROOT / "lrmath").glob("*.py") if path.stem != "__init__")


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
    tree = ast.parse((ROOT / "lrmath" / f"{module}.py").read_text(encoding="utf-8"))
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
    names = TESTS.get(module, [module])
    return [str(ROOT / "tests" / f"test_{name}.py") for name in names]


def run_tests(module, source):
    """In a process of its own: run the tests with this source in the place of the module's; the exit status is pytest's."""
    import pytest

    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "lrmath"
        shutil.copytree(ROOT / "lrmath", package, ignore=shutil.ignore_patterns("__pycache__"))
        (package / f"{module}.py").write_text(source, encoding="utf-8")
        # The folder comes first on the path, before the installed package.
        sys.path.insert(0, folder)
        status = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir", str(ROOT), *tests(module)])
        assert sys.modules["lrmath"].__file__.startswith(folder), "the tests imported another lrmath"
    os._exit(status)


def survives(module, source):
    """Whether the tests pass with this source in the place of the module's."""
    process = multiprocessing.get_context("fork").Process(target=run_tests, args=(module, source))
    process.start()
    process.join(SECONDS)
    if process.is_alive():
        process.kill()
        process.join()
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
    parser.add_argument("modules", nargs="*", help=f"of {', '.join(modules())} (default: all)")
    options = parser.parse_args(arguments)
    names = options.modules or modules()
    for heavy in ("mpmath", "numpy", "pytest", "scipy.optimize", "scipy.special", "sklearn.linear_model", "statsmodels.api"):
        __import__(heavy)  # here, so that no mutant has to
    known, unexplained, used = listed(), [], set()
    for module in names:
        if not survives(module, (ROOT / "lrmath" / f"{module}.py").read_text(encoding="utf-8")):
            sys.exit(f"the tests of {module} fail without any change")
        every = list(mutants(module))
        with ThreadPoolExecutor(2) as pool:
            alive = [name for (name, _), lives in zip(every, pool.map(lambda m: survives(module, m[1]), every)) if lives]
        explained = [name for name in alive if name in known]
        used.update(explained)
        unexplained += [name for name in alive if name not in known]
        print(f"{module}: {len(every)} mutants, {len(every) - len(alive)} killed, {len(explained)} equivalent, "
              f"{len(alive) - len(explained)} unexplained", flush=True)
        for name in alive:
            if name not in known:
                print(f"    {name}", flush=True)
    stale = [name for name in known if name.split(":")[0] in names and name not in used]
    for name in stale:
        print(f"listed, but it does not survive: {name}")
    if unexplained or stale:
        sys.exit(f"{len(unexplained)} survivors without a reason, {len(stale)} reasons without a survivor")


if __name__ == "__main__":
    main()
