"""The shape of the project: the table of contents is the import graph, and chapters, modules and tests run in parallel."""

import ast
import doctest
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "lrmath"


def chapters():
    """The chapters in the order of `_toc.yml`, for example `["01-sigmoid", "02-bce"]`."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    files = [entry["file"] for part in toc["parts"] for entry in part["chapters"]]
    return [Path(file).name for file in files if re.match(r"\d\d-", Path(file).name)]


def module_name(chapter):
    return chapter[3:].replace("-", "_")


ORDER = [module_name(chapter) for chapter in chapters()]
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))


def imports(source, package):
    """Every module that `source`, a module inside `package`, imports; relative imports are made absolute."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join(parents + ([node.module] if node.module else []))
            # `from lrmath import sigmoid` may name a module or a function; both depend on lrmath.sigmoid or on all of it.
            found.update(f"{base}.{alias.name}" for alias in node.names)
    return found


def place(dotted):
    """Where an import lands: ("chapter", i), ("helper",), ("data",), ("verify",), ("package",) or ("outside", name)."""
    parts = dotted.split(".")
    if parts[0] != "lrmath":
        return ("outside", parts[0])
    if len(parts) == 1:
        return ("package",)
    if parts[1] in ORDER:
        return ("chapter", ORDER.index(parts[1]))
    if parts[1] in ("verify", "data"):
        return (parts[1],)
    return ("helper",) if parts[1].startswith("_") else ("package",)


def violations(source, relative):
    """What `source`, standing at `relative` inside the package (`verify/finite.py`), may not import. A list of sentences."""
    parts = Path(relative).with_suffix("").parts
    package = ".".join(("lrmath", *parts[:-1]))
    inside = ".".join(("lrmath", *parts)) if parts[-1] != "__init__" else package
    here = place(inside)
    outside = {"numpy"} | ({"sympy", "mpmath"} if here == ("verify",) else set())
    bad = []
    for name in sorted(imports(source, package)):
        there = place(name)
        if there[0] == "outside":
            allowed = there[1] in outside or there[1] in sys.stdlib_module_names
        elif parts == ("__init__",):
            allowed = there[0] in ("chapter", "data", "helper")
        elif here[0] == "chapter":
            allowed = there[0] in ("helper", "data") or (there[0] == "chapter" and there[1] < here[1])
        else:  # verify, data and the helpers know no chapter
            allowed = there == here or there[0] == "helper"
        if not allowed:
            bad.append(f"lrmath/{relative} must not import {name}")
    return bad


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_imports_only_from_earlier_chapters(path):
    assert violations(path.read_text(encoding="utf-8"), path.relative_to(PACKAGE).as_posix()) == []


@pytest.mark.parametrize(
    ("relative", "source"),
    [
        (f"{ORDER[0]}.py", f"from .{ORDER[1]} import something"),
        (f"{ORDER[0]}.py", f"from . import {ORDER[-1]}"),
        (f"{ORDER[0]}.py", f"def f():\n    import lrmath.{ORDER[1]}"),
        (f"{ORDER[1]}.py", "from lrmath import sigmoid_of_all"),
        (f"{ORDER[1]}.py", "from lrmath.verify import Derivation"),
        (f"{ORDER[1]}.py", "import sympy"),
        (f"{ORDER[1]}.py", "from scipy.special import expit"),
        ("verify/finite.py", f"from ..{ORDER[0]} import {ORDER[0]}"),
        ("verify/finite.py", "import lrmath"),
        ("verify/finite.py", "import matplotlib.pyplot"),
        ("_checks.py", f"from .{ORDER[0]} import {ORDER[0]}"),
        ("data/__init__.py", f"from ..{ORDER[0]} import {ORDER[0]}"),
        ("__init__.py", "from .verify import Derivation"),
    ],
)
def test_a_wrong_import_is_seen(relative, source):
    assert len(violations(source, relative)) == 1


@pytest.mark.parametrize(
    ("relative", "source"),
    [
        (f"{ORDER[1]}.py", f"import math\nimport numpy as np\nfrom .{ORDER[0]} import {ORDER[0]}\nfrom . import _checks"),
        ("verify/finite.py", "import sympy\nfrom .derivation import Derivation\nfrom .._checks import as_array"),
        ("__init__.py", f"from .{ORDER[0]} import {ORDER[0]}\nfrom .data import load"),
    ],
)
def test_a_right_import_is_allowed(relative, source):
    assert violations(source, relative) == []


def test_every_public_module_is_a_chapter():
    public = {path.stem for path in PACKAGE.glob("*.py") if not path.stem.startswith("_")}
    assert public == set(ORDER)


def test_a_public_name_is_never_a_module():
    # Chapter 9's module and chapter 8's function are both called softmax.
    package = importlib.import_module("lrmath")
    assert [name for name in package.__all__ if isinstance(getattr(package, name), type(re))] == []


@pytest.mark.parametrize("chapter", chapters())
def test_chapter_module_and_test_share_a_name(chapter):
    name = module_name(chapter)
    for file in (f"book/{chapter}.ipynb", f"lrmath/{name}.py", f"tests/test_{name}.py"):
        assert (ROOT / file).is_file(), f"chapter {chapter} has no {file}"


def test_every_chapter_file_is_in_the_table_of_contents():
    assert sorted(path.stem for path in (ROOT / "book").glob("[0-9]*.ipynb")) == sorted(chapters())


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [("lrmath", ("sympy", "matplotlib", "mpmath", "lrmath.verify")), ("lrmath.verify", ("matplotlib",))],
)
def test_importing_loads_no_more_than_it_needs(module, unwanted):
    code = f"import sys, {module}; print([name for name in {unwanted!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def dotted(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("name", [dotted(path) for path in MODULES])
def test_examples_in_docstrings(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0, f"{result.failed} examples of {name} failed, see the output above"
    if name.removeprefix("lrmath.") in ORDER:
        assert result.attempted > 0, f"{name} is a chapter's module and shows no example"
