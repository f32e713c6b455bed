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


def first_figure():
    """The number of the first cell that draws."""
    cells = json.loads((SITE / "lite" / "files" / CHAPTER).read_text(encoding="utf-8"))["cells"]
    return next(number for number, cell in enumerate(cells) if "plt.show()" in "".join(cell["source"]))


def run(page):
    page.keyboard.press("Shift+Enter")


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
    page.locator(".jp-NotebookPanel .jp-Cell").first.wait_for(timeout=60_000)
    assert page.locator(".jp-Dialog").count() == 0, page.locator(".jp-Dialog").inner_text()
    # JupyterLab drops what is run before it has a kernel.
    page.get_by_text(re.compile(r"^Python \(Pyodide\) \| Idle$")).wait_for(timeout=180_000)
    ready = time.monotonic() - page.started

    page.locator(".jp-NotebookPanel .jp-Cell").first.click()
    for _ in range(first_figure() + 1):  # JupyterLab takes away what is far out of sight, so the others come after the figure
        run(page)
    failed = page.locator(".jp-OutputArea-output[data-mime-type*=stderr], .jp-RenderedText[data-mime-type*=error]")
    figure = page.locator(".jp-NotebookPanel .jp-RenderedSVG img, .jp-NotebookPanel .jp-RenderedSVG svg").first
    figure.or_(failed.first).wait_for(timeout=180_000)
    shown = time.monotonic() - page.started
    assert failed.count() == 0, failed.first.inner_text()
    assert figure.bounding_box()["height"] > 100

    for _ in range(4):  # imports and a derivation
        run(page)
    page.keyboard.press("b")
    page.keyboard.press("Enter")
    page.keyboard.insert_text(OURS)
    run(page)
    answer = page.get_by_text(re.compile(r"refused: \w+ \d+"))
    answer.first.or_(failed.first).wait_for(timeout=120_000)
    assert failed.count() == 0, failed.first.inner_text()
    assert answer.first.inner_text().strip() == "refused: DerivationError 23"
    assert page.locator(".jp-RenderedLatex mjx-container").count() > 0, "no derivation is set"

    assert page.outside == [], "it asked another host"
    scipy = sum(size for url, size in page.loaded.items() if "/scipy-" in url)
    megabytes = (sum(page.loaded.values()) - scipy) / 1e6
    assert scipy > 1e6 and megabytes > 20, "the sizes are not those of what was loaded"
    (SITE / "lite" / "measured.json").write_text(json.dumps({"megabytes": megabytes, "scipy": scipy / 1e6}), encoding="utf-8")
    print(f"\n{megabytes:.1f} MB, and {scipy / 1e6:.1f} MB for SciPy; ready in {ready:.0f} s, first figure after {shown:.0f} s")
