"""Opens chapter 1 in the JupyterLab that lies in the built site, runs its first cells, and looks at what they give.

`make lite` and `make test-lite` run this. It is no part of `make test`, because that builds a site of its own, and JupyterLab
would make it too slow.
"""

import json
import re
import time

import pytest
from conftest import ROOT, serve

SITE = ROOT / "_build" / "html"
CHAPTER = "01-sigmoid.ipynb"
OURS = """from scipy.special import expit
from lrmath.verify import Derivation
assert abs(sigmoid(np.log(3)) - 0.75) < 1e-15 and abs(expit(np.log(3)) - 0.75) < 1e-15
try:
    Derivation("wrong", "D(sigma(z), z)").then("sigma(z)*(1 + sigma(z))", because="a wrong sign")
except Exception as error:
    print("refused:", type(error).__name__, len(load_challenger()[0]))"""


def first(text):
    """The number of the first cell that holds this text."""
    cells = json.loads((SITE / "lite" / "files" / CHAPTER).read_text(encoding="utf-8"))["cells"]
    return next(number for number, cell in enumerate(cells) if text in "".join(cell["source"]))


def run(page):
    page.keyboard.press("Shift+Enter")


def wait(page, locator, what, seconds=180):
    from playwright.sync_api import TimeoutError

    try:
        locator.wait_for(timeout=1000 * seconds)
    except TimeoutError as error:
        said = "\n".join(page.complaints) or "nothing"
        pytest.fail(f"{what} did not come within {seconds} s ({error.message.splitlines()[0]}). The browser said:\n{said}", pytrace=False)


@pytest.fixture
def lab(new_page):
    """JupyterLab with the chapter open, and what it has loaded so far: address and size of each file, as it travels."""
    if not (SITE / "lite" / "lab" / "index.html").is_file():
        pytest.fail("There is no JupyterLab in _build/html/lite. Run `make lite`.", pytrace=False)
    running = serve(SITE)
    page = new_page(width=1280, height=1000)
    page.loaded = {}
    page.on("response", lambda one: page.loaded.setdefault(one.url, int(one.headers.get("content-length", 0))))
    page.started = time.monotonic()
    page.goto(f"http://127.0.0.1:{running.server_port}/lite/lab/index.html?path={CHAPTER}")
    yield page
    page.close()
    running.shutdown()


def test_a_chapter_runs_in_jupyterlab_in_the_browser(lab):
    page = lab
    wait(page, page.locator(".jp-NotebookPanel .jp-Cell").first, "The notebook")
    assert page.locator(".jp-Dialog").count() == 0, page.locator(".jp-Dialog").inner_text()
    # JupyterLab drops what is run before it has a kernel.
    wait(page, page.get_by_text(re.compile(r"^Python \(Pyodide\) \| Idle$")), "The kernel")
    ready = time.monotonic() - page.started

    figure_cell, derivation_cell = first("plt.show()"), first("(Derivation(")
    page.locator(".jp-NotebookPanel .jp-Cell").first.click()
    for _ in range(figure_cell + 1):  # JupyterLab takes away what is far out of sight, so the others come after the figure
        run(page)
    failed = page.locator(".jp-OutputArea-output[data-mime-type*=stderr], .jp-RenderedText[data-mime-type*=error]")
    figure = page.locator(".jp-NotebookPanel .jp-RenderedSVG img, .jp-NotebookPanel .jp-RenderedSVG svg").first
    wait(page, figure.or_(failed.first), "The first figure")
    shown = time.monotonic() - page.started
    assert failed.count() == 0, failed.first.inner_text()
    assert figure.bounding_box()["height"] > 100

    for _ in range(derivation_cell - figure_cell):
        run(page)
    page.keyboard.press("b")
    page.keyboard.press("Enter")
    page.keyboard.insert_text(OURS)
    run(page)
    answer = page.get_by_text(re.compile(r"refused: \w+ \d+"))
    wait(page, answer.first.or_(failed.first), "The answer of our own cell")
    assert failed.count() == 0, failed.first.inner_text()
    assert answer.first.inner_text().strip() == "refused: DerivationError 23"
    assert page.locator(".jp-RenderedLatex mjx-container").count() > 0, "no derivation is set"

    assert page.outside == [], "it asked another host"
    scipy = sum(size for url, size in page.loaded.items() if "/scipy-" in url)
    megabytes = (sum(page.loaded.values()) - scipy) / 1e6
    assert scipy > 1e6 and megabytes > 20, "the sizes are not those of what was loaded"
    (SITE / "lite" / "measured.json").write_text(json.dumps({"megabytes": megabytes, "scipy": scipy / 1e6}), encoding="utf-8")
    print(f"\n{megabytes:.1f} MB, and {scipy / 1e6:.1f} MB for SciPy; ready in {ready:.0f} s, first figure after {shown:.0f} s")
