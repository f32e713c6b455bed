"""Break lrmath on purpose, one small change at a time, and see whether the tests notice.

    python tests/mutants.py                       every module but the data (make mutants)
    python tests/mutants.py hessian verify.proof  these
    python tests/mutants.py verify --sample 50    50 mutants of each module of lrmath.verify, others with another --seed

Each mutant is the package with one operator, comparison, constant or call changed. It is killed if the tests of its
module fail or run for too long. A survivor is either a gap in the tests, or no change at all: then it stands in
`tests/mutants.txt` with the reason. The run fails if there is a survivor that is not listed.

Why no ready-made tool: those that run on this Python start a whole interpreter for each mutant, and importing NumPy, SciPy and
SymPy takes longer than most tests here. This script collects the tests once; for each mutant it forks and puts the code of the
mutant into the functions that are there. So it needs Linux or macOS.
"""

import argparse
import ast
import importlib
import multiprocessing
import os
import random
import resource
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from types import FunctionType

import pytest
from _pytest.runner import runtestprotocol

ROOT = Path(__file__).resolve().parent.parent
LISTED = Path(__file__).with_suffix(".txt")
# The tests that a module answers to, beside the one of its own name.
TESTS = {
    "_fit": ["irls", "softmax"],
    "_rank": ["irls", "gradient_descent", "softmax"],
    "_separation": ["decisions", "irls"],
    "_validate": ["validate"],
    "verify.diagnosis": ["verify_exercise"],
    "verify.printing": ["verify_language"],
    "verify.typed": ["verify_exercise"],
}  # fmt: skip
# A test that takes this many times as long as without the change, and five seconds more, is taken to run for ever.
PATIENCE = 10
GIGABYTES = 4
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
    """Messages and documentation do not compute; their words are not tested letter by letter. `strict=` guards against ourselves."""
    while node is not None:
        if isinstance(node, (ast.JoinedStr, ast.Raise, ast.arguments, ast.AnnAssign)):
            return True
        if isinstance(node, ast.keyword) and node.arg == "strict" or is_unknown_length(node, parents):
            return True
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return True
        node = parents.get(node)
    return False


def is_unknown_length(node, parents):
    """The -1 in `reshape(-1, 2)`, where NumPy takes any negative number."""
    call = parents.get(node)
    return isinstance(node, ast.UnaryOp) and isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "reshape"


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
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    nodes, parts, seen = list(ast.walk(tree)), [ast.unparse(part) for part in tree.body], {}
    for number, field, position, new in list(changes(tree)):
        statement = nodes[number]
        while not isinstance(statement, ast.stmt):
            statement = parents[statement]
        part = statement
        while parents[part] is not tree:
            part = parents[part]
        before = ast.unparse(statement).splitlines()[0]
        undo = change(nodes[number], parents, field, position, new)
        after, changed = ast.unparse(statement).splitlines()[0], ast.unparse(part)
        undo()
        if before == after:  # the change lies in a later line of a compound statement, where it has a name of its own
            continue
        name = f"{module}: {before}  ->  {after}"
        seen[name] = seen.get(name, 0) + 1
        place = tree.body.index(part)
        yield name + f"  (#{seen[name]})" * (seen[name] > 1), "\n".join([*parts[:place], changed, *parts[place + 1:]])


def change(node, parents, field, position, new):
    """Make one change; the result is a function that takes it back."""
    if isinstance(new, ast.UAdd):  # a sign or a `not` is dropped
        parent = parents[node]
        return put(parent, *next((name, i) for name, i, child in children(parent) if child is node), node.operand)
    return put(node, field, position, new)


def children(node):
    for name, value in ast.iter_fields(node):
        yield from ((name, i, item) for i, item in enumerate(value)) if isinstance(value, list) else [(name, None, value)]


def put(node, field, position, new):
    holder, key = (vars(node), field) if position is None else (getattr(node, field), position)
    old, holder[key] = holder[key], new
    return lambda: holder.__setitem__(key, old)


def tests(module):
    names = TESTS.get(module, [module.replace(".", "_")])
    return [str(ROOT / "tests" / f"test_{name}.py") for name in names]


def put_in_place(module, source):
    """Give the functions of the module the code of this source; whoever imported one of them gets it too."""
    live, fresh = vars(module), {"__name__": module.__name__, "__package__": module.__package__}
    before, after = ast.parse(Path(module.__file__).read_text(encoding="utf-8")), ast.parse(source)
    exec(compile(after, module.__file__, "exec"), fresh)  # noqa: S102
    for name, value in fresh.items():
        if getattr(value, "__module__", None) == module.__name__:
            transplant(live[name], value)
    # Names that are no functions, such as TOLERANCE = 1e-12, here and where they were imported.
    for old, new in zip(before.body, after.body, strict=True):
        if isinstance(new, ast.Assign) and ast.dump(old) != ast.dump(new):
            name = new.targets[0].id
            for other in [m for key, m in sys.modules.items() if key.startswith("lrmath")]:
                if vars(other).get(name) is live[name] and other is not module:
                    setattr(other, name, fresh[name])
            live[name] = fresh[name]


def transplant(old, new):
    if isinstance(old, type):
        for name, value in vars(new).items():
            if isinstance(function_of(value), FunctionType) and name in vars(old):
                transplant(vars(old)[name], value)
            elif isinstance(value, (int, float, dict)) and not name.startswith("__"):
                setattr(old, name, value)
    elif isinstance(function_of(old), FunctionType):
        old, new = function_of(old), function_of(new)
        old.__code__, old.__defaults__, old.__kwdefaults__ = new.__code__, new.__defaults__, new.__kwdefaults__


def function_of(value):
    """What a property, a class method or a cache wraps."""
    for wrapper in ("fget", "__func__", "__wrapped__"):
        value = getattr(value, wrapper, value)
    return value


class Mutants:
    """A plugin of pytest that has the collected tests and runs them on each mutant, the likeliest to fail first."""

    def __init__(self, module, work):
        self.module, self.work = module, work
        self.times, self.kills = {}, {}

    def pytest_runtestloop(self, session):
        self.items = session.items
        self.work(self)
        return True

    def survives(self, source):
        """Whether the tests pass with this source in the place of the module's; it notes which of them did not."""
        with FORKING:  # a second process would hold this pipe open, and its end would not be seen
            receiver, sender = multiprocessing.Pipe(duplex=False)
            process = multiprocessing.get_context("fork").Process(target=self.run, args=(source, sender))
            process.start()
            sender.close()
        try:
            failed, times = receiver.recv()
        except EOFError:  # the process was ended, because it ran for too long
            return False
        finally:
            process.join()
        self.kills[failed] = self.kills.get(failed, 0) + 1
        self.times = self.times or times
        return failed is None

    def run(self, source, answer):
        """In a process of its own: the name of the first test that fails, and the time that each took."""
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        # A mutant that would fill the memory gets a MemoryError.
        resource.setrlimit(resource.RLIMIT_AS, (GIGABYTES << 30, GIGABYTES << 30))
        failed, times = "import", {}
        try:
            put_in_place(importlib.import_module(f"lrmath.{self.module}"), source)
            order = lambda item: (-self.kills.get(item.nodeid, 0), self.times.get(item.nodeid, 0))
            for item, following in pairwise([*sorted(self.items, key=order), None]):
                started = time.process_time()
                if self.times:
                    # Processor time, so that a busy machine ends no test. The signal ends the process.
                    signal.setitimer(signal.ITIMER_PROF, 5 + PATIENCE * self.times[item.nodeid])
                failed = item.nodeid
                if any(report.failed for report in runtestprotocol(item, nextitem=following, log=False)):
                    break
                times[item.nodeid] = time.process_time() - started
            else:
                failed = None
        finally:
            answer.send((failed, times))
            answer.close()
            os._exit(0)


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
    parser.add_argument("--sample", type=int, help="only so many mutants of each module (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="which sample (default: 0)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="mutants at a time (default: one for each processor)")
    options = parser.parse_args(arguments)
    names = [name for given in options.modules for name in (modules("verify") if given == "verify" else [given])] or every
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    sys.path.insert(0, str(ROOT))
    known, unexplained, stale = listed(), [], []

    def work(plugin):
        module = plugin.module
        if not plugin.survives((ROOT / "lrmath" / path_of(module)).read_text(encoding="utf-8")):
            sys.exit(f"the tests of {module} fail without any change: {plugin.kills}")
        found = list(mutants(module))
        size = min(options.sample or len(found), len(found))
        drawn = random.Random(f"{options.seed}:{module}").sample(found, size)
        alive, new = [], []
        with ThreadPoolExecutor(options.jobs) as pool:
            lives = pool.map(lambda mutant: plugin.survives(mutant[1]), drawn)
            for name in (name for (name, _), survived in zip(drawn, lives) if survived):
                alive.append(name)
                if name not in known:
                    new.append(name)
                    print(f"    {name}", flush=True)
        tried = f"{len(found)} mutants" if len(drawn) == len(found) else f"{len(drawn)} of {len(found)} mutants"
        print(f"{module}: {tried}, {len(drawn) - len(alive)} killed, {len(alive) - len(new)} equivalent, "
              f"{len(new)} unexplained", flush=True)
        unexplained.extend(new)
        made, killed = {name for name, _ in found}, {name for name, _ in drawn} - set(alive)
        mine = [name for name in known if name.split(":")[0] == module]
        stale.extend(name for name in mine if name not in made or name in killed)

    for module in names:
        pytest.main(["-qq", "-s", "--no-header", "--no-summary", "-p", "no:cacheprovider", "--rootdir", str(ROOT), *tests(module)],
                    plugins=[Mutants(module, work)])
    for name in stale:
        print(f"listed, but it does not survive: {name}")
    if unexplained or stale:
        sys.exit(f"{len(unexplained)} survivors without a reason, {len(stale)} reasons without a survivor")


if __name__ == "__main__":
    main()
