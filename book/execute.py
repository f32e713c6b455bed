"""Run chapters in a clean kernel and write their outputs back.

    python book/execute.py              every chapter
    python book/execute.py 02-bce ...   these

Running it twice changes no byte: only what the code printed is kept, not when or where it ran. A chapter that fails is not
written at all.
"""

import argparse
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# A pending debugger warning on stderr is about this process, not about the chapter.
os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

BOOK = Path(__file__).resolve().parent
# Of a cell's metadata, what an author set. Editors add timings and the state of folds; those are not part of the book.
TRANSIENT = ("execution", "collapsed", "scrolled", "trusted", "jupyter", "ExecuteTime", "vscode", "editable", "slideshow")
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def clean(notebook):
    """Keep what the chapter says, drop what tells when, where and by which editor it was run."""
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for cell in notebook.cells:
        for key in TRANSIENT:
            cell.metadata.pop(key, None)
        for output in cell.get("outputs", []):
            output.pop("transient", None)
            if output.output_type in ("display_data", "execute_result"):
                output.metadata = nbformat.from_dict({})
    return notebook


def merge_streams(cell):
    """Join neighbouring pieces of one stream: how the kernel cuts them depends on timing."""
    merged = []
    for output in cell.outputs:
        if merged and output.output_type == "stream" == merged[-1].output_type and output.name == merged[-1].name:
            merged[-1].text += output.text
        else:
            merged.append(output)
    cell.outputs = merged


def execute(path):
    """Run one chapter and return the text of the new file."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    # The chapters' folder is the working directory, as in JupyterLab and in nbval.
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=120,
        record_timing=False,
        resources={"metadata": {"path": str(BOOK)}},
        # Errors only: the kernel otherwise warns that it talks to this process over an unencrypted local connection.
        extra_arguments=["--IPKernelApp.log_level=40"],
    )
    client.execute()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            merge_streams(cell)
    clean(notebook)
    nbformat.validate(notebook)
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def replace(path, text):
    """Write `text` so that a reader sees the old file or the new one, never half of one."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".tmp")
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(temporary, path.stat().st_mode)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Run chapters in a clean kernel and write their outputs back.")
    parser.add_argument("chapters", nargs="*", help="names such as 02-bce or book/02-bce.ipynb (default: all)")
    parser.add_argument("--jobs", type=int, default=2, help="chapters at a time (default: 2)")
    options = parser.parse_args(arguments)

    paths = [BOOK / f"{Path(name).stem}.ipynb" for name in options.chapters] or sorted(BOOK.glob("*.ipynb"))
    for path in paths:
        if not path.exists():
            parser.error(f"there is no chapter {path.name} in book/")

    def run(path):
        try:
            return path, execute(path), None
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            return path, None, error

    failed = []
    with ThreadPoolExecutor(max(1, options.jobs)) as pool:
        for path, text, error in pool.map(run, paths):
            if error is not None:
                failed.append(path.name)
                print(f"{path.name}: FAILED, file not touched\n{error}", file=sys.stderr)
            elif text == path.read_text(encoding="utf-8"):
                print(f"{path.name}: unchanged")
            else:
                replace(path, text)
                print(f"{path.name}: written")
    if failed:
        sys.exit(f"{len(failed)} of {len(paths)} chapters failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
