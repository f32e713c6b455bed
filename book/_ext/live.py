"""Live cells and the exercises "Your turn": the page's side of book/live.

A chapter gets one small script; what that loads when the reader asks lies in `_live/` of the site. The
output of an `Exercise` becomes the question with its hints and its answer, which need no script; the script adds the form.
"""

import gzip
import hashlib
import html
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from docutils import nodes
from sphinx.util import logging
from sphinxcontrib import katex

SOURCE = Path(__file__).resolve().parents[1] / "live"
sys.path.append(str(SOURCE))
import fetch  # noqa: E402

logger = logging.getLogger(__name__)
EXERCISE = "application/vnd.lrmath.exercise+json"
ROOT = fetch.ROOT
WHEEL = ["lrmath", "pyproject.toml", "README.md", "LICENSE", "THIRD-PARTY.md"]
RUNTIME = ["pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip"]


@cache
def available():
    """Whether everything is there. If not, the book is built without live cells; fetch.py has said why."""
    return not fetch.missing()


# --- Files --------------------------------------------------------------------------------------------------------------------


def build_wheel(folder):
    """A wheel of the package as it is now, built beside the source and not in it."""
    with tempfile.TemporaryDirectory() as scratch:
        for name in WHEEL:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, Path(scratch, name))
        code = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
        # The same source gives the same bytes, so a browser need not load it again.
        environment = {**os.environ, "SOURCE_DATE_EPOCH": "1577836800"}
        subprocess.run([sys.executable, "-c", code, folder], cwd=scratch, env=environment, check=True, capture_output=True)
    return next(folder.glob("lrmath-*.whl"))


def write_lock(folder, wheel):
    """Pyodide's lock file: what lock.json names, and our wheel."""
    lock = json.loads(fetch.LOCK.read_text(encoding="utf-8"))
    lock["packages"]["lrmath"] = {
        "name": "lrmath", "version": wheel.name.split("-")[1], "file_name": wheel.name, "sha256": fetch.sha256(wheel.read_bytes()),
        "install_dir": "site", "package_type": "package", "imports": ["lrmath"], "depends": ["numpy"], "unvendored_tests": False,
    }
    (folder / "pyodide-lock.json").write_text(json.dumps({key: lock[key] for key in ("info", "packages")}), encoding="utf-8")
    return lock["packages"]


def closure(packages, names):
    found = set()
    while names:
        found |= set(names)
        names = {one for name in names for one in packages[name]["depends"]} - found
    return {packages[name]["file_name"] for name in found}


def write_files(app):
    """Put everything into `_live/` before the pages are written, because they name the sizes and the version."""
    if app.builder.format != "html" or not available():
        return
    folder = Path(app.outdir, "_live")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in fetch.wanted():
        link_or_copy(fetch.FOLDER / name, folder / name)
    for name in ("live.js", "worker.js", "kernel.py", "figures.py"):
        shutil.copy(SOURCE / name, folder)
    shutil.copy(SOURCE.parent / "style.py", folder)
    shutil.copy(Path(katex.__file__).with_name("katex.min.js"), folder)
    packages = write_lock(folder, build_wheel(folder))
    sizes = {path.name: (path.stat().st_size, compressed(path)) for path in folder.iterdir()}
    (folder / "files.json").write_text(json.dumps(sizes), encoding="utf-8")

    def together(*names):
        return sum(sizes[name][1] for name in {*RUNTIME, *closure(packages, names)})

    verify, cells, all_ = together("lrmath", "sympy"), together("lrmath", "sympy", "matplotlib"), together("lrmath", "sympy", "matplotlib", "scipy")
    changing = [p for p in sorted(folder.iterdir()) if p.name not in fetch.wanted()]
    version = hashlib.sha256(b"".join(path.read_bytes() for path in changing)).hexdigest()[:8]
    app.env.live_facts = {"version": version, "verify": verify, "cells": cells, "scipy": all_ - cells}


def link_or_copy(source, target):
    try:
        os.link(source, target)
    except OSError:
        shutil.copy(source, target)


@cache
def compressed(path):
    """The size of a file as web hosts send it. Wheels are compressed already and travel as they are."""
    if path.suffix in (".whl", ".zip"):
        return path.stat().st_size
    return len(gzip.compress(path.read_bytes(), 6))


# --- Pages --------------------------------------------------------------------------------------------------------------------


def add_to_page(app, pagename, templatename, context, doctree):
    facts = getattr(app.env, "live_facts", None)
    if facts is None or doctree is None or not context.get("body"):
        return
    code = "\n".join(cell.astext() for cell in doctree.findall(is_code))
    if not code:
        return
    pathto, version = context["pathto"], facts["version"]
    told = {
        "verify": facts["verify"], "cells": facts["cells"], "packages": ["matplotlib"],
        "more": facts["scipy"] if re.search(r"^\s*(?:from|import) scipy\b", code, re.MULTILINE) else 0,
        "notebook": pathto(f"_sources/{context['sourcename']}", True),
    }
    context["metatags"] = context.get("metatags", "") + (
        f'\n<script defer src="{pathto("_live/live.js", True)}?v={version}" data-facts="{html.escape(json.dumps(told))}"></script>'
    )
    # Empty, and of a fixed height where scripts run, so that nothing moves when the button comes.
    context["body"] = context["body"].replace("</h1>", '</h1>\n<div class="live-switch"></div>', 1)


def is_code(node):
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code_source"


# --- Exercises ------------------------------------------------------------------------------------------------------------------


def exercises(path):
    """The exercises that a notebook shows, by the number of their cell."""
    cells = json.loads(Path(path).read_text(encoding="utf-8"))["cells"]
    return {
        number: output["data"][EXERCISE]
        for number, cell in enumerate(cells) if cell["cell_type"] == "code"
        for output in cell["outputs"] if EXERCISE in output.get("data", {})
    }


def words(text):
    """HTML with formulas between ``\\(`` and ``\\)``, as nodes, so that the formulas are set like all others."""
    for plain, latex in re.findall(r"((?:(?!\\\().)+)|\\\((.*?)\\\)", text, re.DOTALL):
        yield nodes.Text(html.unescape(plain)) if plain else nodes.math("", html.unescape(latex))


def display(latex):
    return nodes.math_block("", latex, nowrap=False, number=None, label=None)


def raw(text):
    return nodes.raw("", text, format="html")


def fold(title, kind, *content):
    return [raw(f'<details class="turn-fold turn-{kind}"><summary>{title}</summary>'), *content, raw("</details>")]


def widget(data, code):
    """The question, the place of the form, and the hints and the answer, folded."""
    spec = html.escape(json.dumps(data["spec"]))
    names = html.escape("an expression in " + ", ".join(data.get("names", [])))
    yield raw(f'<div class="turn" id="{data["label"]}-form" data-spec="{spec}" data-names="{names}">')
    yield nodes.paragraph("", "", *words(data["ask"]))
    yield display(data["latex"] + r"\;?")
    if data["given"]:  # in a paragraph, which breaks where a phone ends
        yield nodes.paragraph("", "where ", *list(words(", ".join(rf"\({html.escape(one)}\)" for one in data["given"]))))
    yield raw('<div class="turn-form"></div>')
    hints = data["hints"]
    for number, hint in enumerate(hints, 1):
        yield from fold("Hint" if len(hints) == 1 else f"Hint {number}", "hint", nodes.paragraph("", "", *words(hint)))
    typed = nodes.paragraph("", "", nodes.Text("As one types it: "), nodes.literal("", data["answer"]))
    yield from fold("Answer", "answer", display(data["latex"] + " " + data["answer_latex"]), typed, *code)
    yield raw("</div>")


def place_exercises(app, doctree):
    if not app.env.doc2path(app.env.docname).endswith(".ipynb"):
        return
    found = exercises(app.env.doc2path(app.env.docname))
    for cell in list(doctree.findall(lambda node: isinstance(node, nodes.container) and node.get("nb_element") == "cell_code")):
        if cell.get("cell_index") in found:
            code = [child for child in cell.children if child.get("nb_element") == "cell_code_source"]
            cell.children = []
            cell.attributes.pop("hide_mode", None)  # the code is folded with the answer
            cell += list(widget(found[cell["cell_index"]], code))


def setup(app):
    app.connect("doctree-read", place_exercises)
    app.connect("env-updated", lambda app, env: write_files(app))
    app.connect("html-page-context", add_to_page, priority=950)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
