"""JupyterLab with the chapters, for a browser and without a server: JupyterLite, put into `lite/` of the built site.

It runs on the Python that the live cells of the site use, out of `_live/`, so a reader who has run one of them has most of it
already. What JupyterLab's kernel needs besides (IPython and its kin) comes by pip, which compares each wheel with
`requirements.txt` beside this file. Nothing is fetched from another host when a reader opens it.

`build.py` builds; `build.py --link` then puts a link on the page of each chapter. `make lite` does both, and between them
tests/check_lite.py opens a chapter in a browser, runs cells and counts what the browser loads.
"""

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "_build" / "html"
LITE, LIVE = SITE / "lite", SITE / "_live"
KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"
MEASURED = "measured.json"
PRELOADED = ["lrmath", "sympy", "matplotlib", "ipython", "jedi", "comm", "micropip"]  # SciPy comes when a cell imports it


def chapters():
    """What the download button of a chapter gives."""
    return sorted(SITE.glob("_sources/book/[0-9][0-9]-*.ipynb"))


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def entry(wheel, wheels):
    """What Pyodide's lock file says of a wheel. Dependencies that are not among the wheels are for other systems."""
    with zipfile.ZipFile(wheel) as archive:
        metadata = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        needs = re.findall(r"^Requires-Dist: ([\w.-]+)(?!.*extra ==)", archive.read(metadata).decode(), re.MULTILINE)
        modules = {name.split("/")[0].removesuffix(".py") for name in archive.namelist() if ".dist-info/" not in name}
    name, version = wheel.name.split("-")[:2]
    return normal(name), {
        "name": normal(name), "version": version, "file_name": wheel.name, "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "install_dir": "site", "package_type": "package", "imports": sorted(modules), "unvendored_tests": False,
        "depends": [normal(need) for need in needs if normal(need) in wheels],
    }


def write_wheels(source, folder):
    """The wheels of the kernel, and a lock file that names these and, where they lie, those of the live cells."""
    lock = json.loads((LIVE / "pyodide-lock.json").read_text(encoding="utf-8"))
    for package in lock["packages"].values():
        package["file_name"] = f"../../_live/{package['file_name']}"
    wheels = {normal(path.name.split("-")[0]): path for path in sorted(source.glob("*.whl"))}
    folder.mkdir()
    for wheel in wheels.values():
        shutil.copy(wheel, folder)
        name, description = entry(wheel, wheels)
        lock["packages"].setdefault(name, description)
    (folder / "pyodide-lock.json").write_text(json.dumps(lock), encoding="utf-8")


def write_contents(folder):
    """The chapters without outputs: what the reader sees there, the reader has run. The site shows the stored ones."""
    folder.mkdir(parents=True)
    for path in chapters():
        notebook = json.loads(path.read_text(encoding="utf-8"))
        notebook["metadata"]["kernelspec"] = {"name": "python", "display_name": "Python (Pyodide)", "language": "python"}
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell.update(outputs=[], execution_count=None)
        (folder / path.name).write_text(json.dumps(notebook, ensure_ascii=False), encoding="utf-8")
    shutil.copy(ROOT / "book" / "style.py", folder)


def settings():
    return {
        "jupyter-lite-schema-version": 0,
        "jupyter-config-data": {
            "appName": "Logistic regression, line by line",
            "disabledExtensions": ["@jupyterlab/extensionmanager-extension", "@jupyterlab/apputils-extension:announcements"],
            "litePluginSettings": {KERNEL: {
                "pyodideUrl": "./../_live/pyodide.mjs",
                "disablePyPIFallback": True,
                "loadPyodideOptions": {"lockFileURL": "./wheels/pyodide-lock.json", "packages": PRELOADED},
            }},
        },
    }  # fmt: skip


def build(wheels):
    if not (LIVE / "pyodide-lock.json").is_file():
        sys.exit("JupyterLab in the browser runs on the Python of the live cells, and the site in _build/html has none.\n"
                 "Run `make book` first. If it says that this Python could not be fetched: it needs the network, once.")
    if not chapters():
        sys.exit("The site in _build/html has no chapters to open in JupyterLab. Run `make book` first.")
    link(False)  # until the new one is complete and checked
    shutil.rmtree(LITE, ignore_errors=True)
    scratch = ROOT / "_build" / "lite"
    shutil.rmtree(scratch, ignore_errors=True)
    write_contents(scratch / "files")
    (scratch / "jupyter-lite.json").write_text(json.dumps(settings()), encoding="utf-8")
    command = [sys.executable, "-m", "jupyterlite_core", "build", "--lite-dir", scratch, "--contents", scratch / "files",
               "--output-dir", LITE, "--apps", "lab", "--no-unused-shared-packages", "--no-sourcemaps"]
    done = subprocess.run([str(part) for part in command], cwd=scratch, capture_output=True, text=True)
    if done.returncode or not (LITE / "lab" / "index.html").is_file():
        sys.exit(f"JupyterLite could not be built:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    write_wheels(wheels, LITE / "wheels")
    shutil.rmtree(scratch)


def link(wanted=True):
    """Put the link on the page of each chapter, or take it away."""
    megabytes = ""
    if wanted and (LITE / MEASURED).is_file():
        megabytes = f", {json.loads((LITE / MEASURED).read_text(encoding='utf-8'))['megabytes']:.0f} MB"
    for path in chapters():
        page = SITE / "book" / f"{path.stem}.html"
        text = re.sub(r'\n<p class="lite-link">.*?</p>', "", page.read_text(encoding="utf-8"))
        if wanted:
            place = '<div class="live-switch"></div>'
            if text.count(place) != 1:
                sys.exit(f"{page.name} has no place for the link to JupyterLab: {place} is there {text.count(place)} times, not once.")
            address = f"../lite/lab/index.html?path={path.name}"
            text = text.replace(place, f'{place}\n<p class="lite-link"><a href="{address}">Open in JupyterLab</a> (in your browser{megabytes})</p>')
        page.write_text(text, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--wheels", type=Path, help="the folder of the wheels that requirements.txt names")
    parser.add_argument("--link", action="store_true", help="put the links on the pages of the chapters")
    arguments = parser.parse_args()
    if arguments.link:
        link()
    else:
        build(arguments.wheels)


if __name__ == "__main__":
    main()
