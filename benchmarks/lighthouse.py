"""Lighthouse scores of the built site, as a table: `make lighthouse`, or `python benchmarks/lighthouse.py 01-sigmoid ...`.

Lighthouse comes from npm by `npx` (or is on PATH), Chromium is the one that CHROME_PATH names or that is on PATH. The server
compresses, as web hosts do. The performance is the median of three runs; the phone is the slow one that lighthouse simulates.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from conftest import find_browser, serve  # noqa: E402

SITE = ROOT / "_build" / "html"
RUNS = int(os.environ.get("RUNS", "3"))
CHROME = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")


def lighthouse(address, device, categories):
    """The report of one run, or None where lighthouse gave up: it waits 30 s for an answer of the page, no longer."""
    program = [shutil.which("lighthouse")] if shutil.which("lighthouse") else ["npx", "--yes", "lighthouse@12.8"]
    flags = ["--output=json", "--quiet", "--only-categories=" + ",".join(categories)]
    flags += ["--preset=desktop"] if device == "desktop" else []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as profile:
            chrome = f"--chrome-flags={CHROME} --user-data-dir={profile}"
            run = subprocess.run([*program, address, *flags, chrome], capture_output=True, text=True, timeout=300)
        if run.returncode == 0:
            return json.loads(run.stdout)
    print(f"lighthouse failed three times on {address}: {run.stderr[-300:]}", file=sys.stderr)
    return None


def row(page, address, device):
    """A line of the table: the median of the performance, one run of the other scores, and what was lost in them."""
    runs = [report for report in (lighthouse(address, device, CATEGORIES[:1]) for _ in range(RUNS)) if report]
    other = lighthouse(address, device, CATEGORIES[1:])
    cells = ["-"] * 8
    if runs:
        runs.sort(key=lambda report: report["categories"]["performance"]["score"])
        middle = runs[len(runs) // 2]
        audits = middle["audits"]
        items = audits["network-requests"]["details"]["items"]
        loaded = sum(item.get("transferSize", 0) for item in items if item.get("resourceType") != "Image") / 1000
        fcp, lcp, tbt, cls = (
            audits[name]["numericValue"]
            for name in ("first-contentful-paint", "largest-contentful-paint", "total-blocking-time", "cumulative-layout-shift")
        )
        cells = [
            f"{100 * middle['categories']['performance']['score']:.0f}", f"{loaded:.0f}", str(len(items)), f"{fcp / 1000:.1f} s",
            f"{lcp / 1000:.1f} s", f"{tbt:.0f} ms", f"{cls:.3f}", f"{audits['dom-size']['numericValue']:.0f}",
        ]  # fmt: skip
    scores, lost = ["-"] * 3, ""
    if other:
        scores = [f"{100 * other['categories'][name]['score']:.0f}" for name in CATEGORIES[1:]]
        lost = ", ".join(sorted(name for name, audit in other["audits"].items() if audit["score"] == 0))
    return f"| {page} | {device} | {' | '.join([cells[0], *scores, *cells[1:], lost])} |"


def main(names):
    program = find_browser()
    if program is None:
        sys.exit("No Chromium or Chrome found. Install one, or name it in CHROME_PATH.")
    if not (SITE / "index.html").is_file():
        sys.exit(f"There is no site in {SITE.relative_to(ROOT)}. Build it first: make book")
    os.environ["CHROME_PATH"] = program
    pages = [f"book/{name}.html" for name in names] or sorted(
        path.relative_to(SITE).as_posix() for folder in (SITE, SITE / "book") for path in folder.glob("*.html")
        if path != SITE / "index.html"  # it only leads to the title page
    )  # fmt: skip
    running = serve(SITE)
    print("| page | device | performance | accessibility | best practices | SEO | KB | requests | FCP | LCP | TBT | CLS | nodes | lost |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|")
    for page in pages:
        for device in ("mobile", "desktop"):
            print(row(page, f"http://127.0.0.1:{running.server_port}/{page}", device), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
