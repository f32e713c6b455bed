"""The chapters as files: what is stored is what the code gives, and every cell earns its place.

nbval compares the stored outputs with a new run. It cannot see what was never stored, so the tests here ask that everything
was. The last part damages copies of a chapter and asks that each damage is seen.
"""

import ast
import copy
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import nbformat
import pytest

from lrmath.verify.ledger import MEASURED, MEDIA_TYPE

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "book"
CHAPTERS = sorted(BOOK.glob("*.ipynb"))

spec = importlib.util.spec_from_file_location("execute", BOOK / "execute.py")
execute = importlib.util.module_from_spec(spec)
spec.loader.exec_module(execute)

SHOWN = {"text/plain", "text/latex", "text/markdown", "text/html", "image/svg+xml", "image/png"}
MACHINE_PATH = re.compile(
    r"(?<![\w.:/-])/(?:home|work|root|tmp|Users|private|var/folders)/|\b[A-Z]:\\+(?:Users|Windows|Program)"
    rf"|{re.escape(str(ROOT))}(?![\w-])"
)
EMPTY_ALT = re.compile(r"(?:an?\s+|the\s+|this\s+)?(?:figure|plot|graph|chart|image|picture|diagram)\b", re.IGNORECASE)


# --- What is asked of a chapter --------------------------------------------------------------------------------------------


def code_cells(notebook):
    """The code cells that hold code, each with its position in the notebook."""
    return [(i, cell) for i, cell in enumerate(notebook.cells) if cell.cell_type == "code" and cell.source.strip()]


def tree(cell):
    """The syntax tree of a cell; IPython's own lines (`%config ...`) are left out."""
    return ast.parse("\n".join("pass" if re.match(r"[%!?]", line) else line for line in cell.source.splitlines()))


def names_bound(node):
    """The names that a cell leaves behind for later ones."""
    bound = set()
    for one in ast.walk(node):
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store):
            bound.add(one.id)
        elif isinstance(one, (ast.FunctionDef, ast.ClassDef)):
            bound.add(one.name)
        elif isinstance(one, (ast.Import, ast.ImportFrom)):
            bound.update((alias.asname or alias.name).split(".")[0] for alias in one.names)
    return bound


def names_read(node):
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}


def checks_something(node):
    """An assert, a `check_...` call, a derivation or a step of one."""
    for one in ast.walk(node):
        if isinstance(one, ast.Assert):
            return True
        if isinstance(one, ast.Call):
            name = getattr(one.func, "attr", getattr(one.func, "id", ""))
            if name.startswith("check_") or name in ("Derivation", "then"):
                return True
    return False


def text_of(output):
    """Everything in an output that a reader may see as text. PNG is base64, in which any letters can meet."""
    if output.output_type == "stream":
        return output.text
    if output.output_type == "error":
        return "\n".join(output.traceback)
    return "\n".join(str(value) for kind, value in output.data.items() if kind != "image/png")


def problems(notebook):
    """What is wrong with a chapter, one sentence each."""
    found = []
    cells = code_cells(notebook)
    trees = [tree(cell) for _, cell in cells]
    read_later = [set().union(*(names_read(later) for later in trees[k + 1 :])) for k in range(len(trees))]

    for k, (i, cell) in enumerate(cells):
        where = f"cell {i} ({cell.source.splitlines()[0][:60]!r})"
        if cell.execution_count != k + 1:
            found.append(f"{where}: execution count {cell.execution_count}, expected {k + 1}; run `make execute`")
        if not (cell.outputs or checks_something(trees[k]) or names_bound(trees[k]) & read_later[k]):
            found.append(f"{where}: it checks nothing, shows nothing, and leaves nothing that a later cell reads")
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "").strip()
        for output in cell.outputs:
            if output.output_type == "error":
                found.append(f"{where}: stored error {output.ename}: {output.evalue}")
            if output.output_type == "stream" and output.name == "stderr":
                found.append(f"{where}: stored stderr {output.text[:80]!r}")
            if MACHINE_PATH.search(text_of(output)):
                found.append(f"{where}: path of a machine in an output: {MACHINE_PATH.search(text_of(output)).group()!r}")
            if "data" in output and not SHOWN & set(output.data):
                found.append(f"{where}: an output that no reader sees, {sorted(output.data)}")
            if "image/png" in output.get("data", {}) and "show_noise" not in cell.source:
                found.append(f"{where}: a figure stored as pixels, which nbval does not compare; let it be SVG")
            if any(kind.startswith("image/") for kind in output.get("data", {})):
                if len(alt) < 40 or EMPTY_ALT.match(alt):
                    found.append(
                        f"{where}: a figure needs metadata.mystnb.image.alt of at least 40 characters that says what it "
                        f"shows, not that it is one; it has {alt!r}"
                    )
    sources = [one for node in trees for one in ast.walk(node)]
    if not any(
        isinstance(one, ast.ImportFrom) and (one.module or "").split(".")[0] == "lrmath"
        or isinstance(one, ast.Import) and any(alias.name.split(".")[0] == "lrmath" for alias in one.names)
        for one in sources
    ):
        found.append("it imports nothing from lrmath")
    return found


# --- The chapters ----------------------------------------------------------------------------------------------------------


@pytest.fixture(params=CHAPTERS, ids=lambda path: path.stem)
def chapter(request):
    return request.param


def test_chapter_is_a_valid_notebook(chapter):
    nbformat.validate(nbformat.read(chapter, as_version=4))


def test_chapter_has_no_problem(chapter):
    assert problems(nbformat.read(chapter, as_version=4)) == []


def test_chapter_is_stored_as_make_execute_writes_it(chapter):
    # No timings, no editor's metadata, no other spelling of the same notebook: a change in the file is a change of content.
    stored = chapter.read_text(encoding="utf-8")
    notebook = execute.clean(nbformat.reads(stored, as_version=4))
    assert stored == nbformat.writes(notebook).rstrip("\n") + "\n", "run `make execute`"


# --- The gate: each kind of damage is seen ---------------------------------------------------------------------------------

PRINTED_NUMBER = re.compile(r"\d+\.\d+")


def synthetic():
    """A chapter in miniature, for as long as there is none to copy."""
    new = nbformat.v4
    notebook = new.new_notebook(
        cells=[
            new.new_code_cell("from IPython.display import Math\nimport lrmath", execution_count=1),
            new.new_code_cell(
                "print(f'{0.5:.4f}')", execution_count=2, outputs=[new.new_output("stream", name="stdout", text="0.5000\n")]
            ),
            new.new_code_cell(
                "Math(r'\\sigma = 1')",
                execution_count=3,
                outputs=[
                    new.new_output(
                        "execute_result",
                        execution_count=3,
                        data={"text/plain": "<IPython.core.display.Math object>", "text/latex": r"$\displaystyle \sigma = 1$"},
                    )
                ],
            ),
        ]
    )
    return execute.clean(notebook)


def is_number(output):
    return output.output_type == "stream" and bool(PRINTED_NUMBER.search(output.text))


def is_latex(output):
    return "text/latex" in output.get("data", {})


def find(notebook, wanted):
    """The first output that is `wanted`, with its cell."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if wanted(output):
                return cell, output
    return None, None


def sample():
    """The beginning of a chapter, up to its first printed number and its first LaTeX output: enough to damage, quick to run."""
    shortest = None
    for path in CHAPTERS:
        notebook = nbformat.read(path, as_version=4)
        ends = [
            next((i for i, cell in enumerate(notebook.cells) if any(map(wanted, cell.get("outputs", [])))), None)
            for wanted in (is_number, is_latex)
        ]
        if None not in ends and (shortest is None or max(ends) + 1 < len(shortest.cells)):
            notebook.cells = [cell for cell in notebook.cells[: max(ends) + 1] if cell.cell_type == "code"]
            shortest = notebook
    return shortest or synthetic()


def change_number(notebook):
    _, output = find(notebook, is_number)
    last = PRINTED_NUMBER.search(output.text).end() - 1
    output.text = output.text[:last] + str((int(output.text[last]) + 1) % 10) + output.text[last + 1 :]


def change_latex(notebook):
    _, output = find(notebook, is_latex)
    latex = output.data["text/latex"]
    # A sign if there is one, else the last letter: the smallest misprint that a reader would believe.
    swap = {"+": "-", "-": "+"}
    at = next((i for i, letter in enumerate(latex) if letter in swap), None)
    output.data["text/latex"] = latex[:at] + swap[latex[at]] + latex[at + 1 :] if at is not None else latex.replace("1", "2", 1)


def plant_failing_assert(notebook):
    cell, _ = find(notebook, is_number)
    cell.source += "\nassert 1 + 1 == 3"


def strip_cell(notebook):
    cell, _ = find(notebook, is_number)
    cell.execution_count, cell.outputs = None, []


DAMAGE = {"number": change_number, "latex": change_latex, "assert": plant_failing_assert, "strip": strip_cell}


def run_nbval(folder):
    """For each notebook of a folder: did nbval see anything wrong?"""
    for helper in BOOK.glob("*.py"):  # chapters import their figures' style from their own folder; nbval reads conftest.py
        shutil.copy(helper, folder)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", str(folder), "-p", "no:cacheprovider",
         "-p", "no:xdist", "--nbval", "--nbval-current-env", "--junitxml", str(folder / "result.xml"), str(folder)],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    cases = ElementTree.parse(folder / "result.xml").getroot().iter("testcase")
    seen = {}
    for case in cases:
        name = re.search(r"(\w+)(?:\.ipynb|::ipynb)", f"{case.get('classname')} {case.get('file')} {case.get('name')}").group(1)
        seen.setdefault(name, False)
        seen[name] |= case.find("failure") is not None or case.find("error") is not None
    return seen


@pytest.fixture(scope="module")
def nbval(tmp_path_factory):
    """For an untouched copy and for each damaged one: did nbval see anything wrong?"""
    folder = tmp_path_factory.mktemp("gate")
    original = sample()
    for name, damage in {"untouched": lambda notebook: None, **DAMAGE}.items():
        notebook = copy.deepcopy(original)
        damage(notebook)
        assert (notebook == original) == (name == "untouched"), f"the damage {name!r} changed nothing"
        nbformat.write(notebook, folder / f"{name}.ipynb")
    return run_nbval(folder)


def test_gate_passes_an_untouched_copy(nbval):
    assert nbval["untouched"] is False
    assert [problem for problem in problems(sample()) if "checks nothing" not in problem] == []


@pytest.mark.parametrize("damage", ["number", "latex", "assert"])
def test_gate_sees_a_change(nbval, damage):
    assert nbval[damage] is True


def test_gate_sees_a_stripped_cell(nbval):
    # nbval does not: it compares nothing where nothing was stored. That is why `problems` exists.
    assert nbval["strip"] is False
    notebook = sample()
    before = problems(notebook)
    strip_cell(notebook)
    assert any("execution count None" in problem for problem in problems(notebook) if problem not in before)


def test_of_the_ledger_all_is_compared_but_the_digit_that_depends_on_the_processor(tmp_path):
    cells = ["import numpy as np\nfrom lrmath.verify import check_derivative, ledger, random_points",
             "check_derivative('sine', np.sin, np.cos, random_points(0, 5))", "ledger('a chapter')"]  # fmt: skip
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells]), tmp_path / "same.ipynb")
    stored = execute.execute(tmp_path / "same.ipynb")
    for name, kind, key in (("digit", MEASURED, "error"), ("row", MEDIA_TYPE, "limit")):
        notebook = nbformat.reads(stored, as_version=4)
        notebook.cells[-1].outputs[0].data[kind][0][key] = "7e-07"
        nbformat.write(notebook, tmp_path / f"{name}.ipynb")
    (tmp_path / "same.ipynb").write_text(stored, encoding="utf-8")
    assert run_nbval(tmp_path) == {"same": False, "digit": False, "row": True}


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda cell: cell.update(execution_count=7), "execution count 7"),
        (lambda cell: cell.update(source="x_unused = 1", outputs=[]), "checks nothing"),
        (lambda cell: cell.outputs.append(nbformat.v4.new_output("stream", name="stderr", text="careful")), "stderr"),
        (lambda cell: cell.outputs.append(nbformat.v4.new_output("error", ename="E", evalue="v")), "stored error"),
        (lambda cell: cell.outputs.append(nbformat.v4.new_output("stream", text="at /home/me/x.py")), "path of a machine"),
        (lambda cell: cell.outputs.append(nbformat.v4.new_output("display_data", {"image/png": ""})), "a figure needs"),
        (lambda cell: cell.outputs.append(nbformat.v4.new_output("display_data", {"image/png": ""})), "stored as pixels"),
        (lambda cell: cell.outputs.append(nbformat.v4.new_output("display_data", {"application/x": ""})), "no reader sees"),
    ],
    ids=["count", "purpose", "stderr", "error", "path", "alt", "pixels", "unseen"],
)
def test_each_problem_is_named(spoil, expected):
    notebook = synthetic()
    assert problems(notebook) == []
    spoil(notebook.cells[1])
    assert [problem for problem in problems(notebook) if expected in problem]


@pytest.mark.parametrize("alt", ["Figure of a sigmoid that rises from zero to one", "A plot of " + "x" * 40, "short", ""])
def test_alt_text_that_says_nothing_is_refused(alt):
    notebook = synthetic()
    notebook.cells[1].outputs.append(nbformat.v4.new_output("display_data", {"image/svg+xml": "<svg/>"}))
    notebook.cells[1].metadata["mystnb"] = {"image": {"alt": alt}}
    assert any("a figure needs" in problem for problem in problems(notebook))


# --- make execute ----------------------------------------------------------------------------------------------------------


def test_execute_is_reproducible_and_never_writes_a_failure(tmp_path):
    shutil.copy(BOOK / "execute.py", tmp_path)
    good, bad = tmp_path / "01-good.ipynb", tmp_path / "02-bad.ipynb"
    for path, source in ((good, "import sys\nprint(1)\nprint(2)\n3.5"), (bad, "print('before')\nassert False, 'planted'")):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, id="only")])
        notebook.cells[0].metadata["execution"] = {"iopub.execute_input": "2020-01-01"}
        nbformat.write(notebook, path)
    untouched = bad.read_bytes()

    def run(*chapters):
        return subprocess.run([sys.executable, tmp_path / "execute.py", *chapters], capture_output=True, text=True, timeout=120)

    result = run()
    assert result.returncode != 0
    assert "planted" in result.stderr and "02-bad.ipynb" in result.stderr
    assert bad.read_bytes() == untouched
    assert not list(tmp_path.glob(".*"))

    first = good.read_bytes()
    assert b"iopub" not in first and b'"id": "only"' in first and first.endswith(b"}\n")
    result = run("01-good")
    assert result.returncode == 0 and "unchanged" in result.stdout
    assert good.read_bytes() == first
