"""Lighthouse scores of the built site, as a table: `make lighthouse`, or `python benchmarks/lighthouse.py 01-sigmoid ...`.

Lighthouse comes from npm by `npx` (or is on PATH), Chromium is the one that CHROME_PATH names or that is on PATH. The server
compresses, as web hosts do. Each score is the median of three runs; the phone is the slow one that lighthouse simulates.
"""

import json
import os
import shutil
import statistics
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


def measure(address, device):
    """Four scores, kilobytes on the wire without images, and the times that the performance score is made of."""
    program = [shutil.which("lighthouse")] if shutil.which("lighthouse") else ["npx", "--yes", "lighthouse@12.8"]
    with tempfile.TemporaryDirectory() as profile:
        flags = ["--output=json", "--quiet", "--only-categories=" + ",".join(CATEGORIES)]
        flags += ["--preset=desktop"] if device == "desktop" else []
        chrome = f"--chrome-flags={CHROME} --user-data-dir={profile}"
        run = subprocess.run([*program, address, *flags, chrome], capture_output=True, text=True, timeout=300)
    if run.returncode:
        sys.exit(f"lighthouse failed on {address}:\n{run.stderr[-2000:]}")
    report = json.loads(run.stdout)
    audits = report["audits"]
    items = audits["network-requests"]["details"]["items"]
    loaded = sum(item.get("transferSize", 0) for item in items if item.get("resourceType") != "Image")
    lost = [
        name for key in CATEGORIES[1:] for name in (ref["id"] for ref in report["categories"][key]["auditRefs"])
        if audits[name]["score"] not in (1, None) and audits[name]["scoreDisplayMode"] not in ("informative", "notApplicable", "manual")
    ]  # fmt: skip
    times = [audits[name]["numericValue"] for name in ("first-contentful-paint", "largest-contentful-paint")]
    return {
        "scores": [round(100 * report["categories"][name]["score"]) for name in CATEGORIES],
        "kilobytes": loaded / 1000,
        "requests": len(items),
        "fcp": times[0] / 1000,
        "lcp": times[1] / 1000,
        "tbt": audits["total-blocking-time"]["numericValue"],
        "cls": audits["cumulative-layout-shift"]["numericValue"],
        "nodes": audits["dom-size"].get("numericValue", 0) if "dom-size" in audits else 0,
        "lost": lost,
    }


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
    print("| page | device | performance | accessibility | best practices | SEO | KB | requests | FCP | LCP | TBT | CLS | nodes |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|---|")
    for page in pages:
        for device in ("mobile", "desktop"):
            results = [measure(f"http://127.0.0.1:{running.server_port}/{page}", device) for _ in range(RUNS)]
            results.sort(key=lambda result: result["scores"][0])
            middle = results[len(results) // 2]
            performance = round(statistics.median(result["scores"][0] for result in results))
            print(
                f"| {page} | {device} | {performance} | {' | '.join(map(str, middle['scores'][1:]))} | {middle['kilobytes']:.0f} "
                f"| {middle['requests']} | {middle['fcp']:.1f} s | {middle['lcp']:.1f} s | {middle['tbt']:.0f} ms "
                f"| {middle['cls']:.3f} | {middle['nodes']:.0f} |" + (f" lost: {', '.join(middle['lost'])}" if middle["lost"] else ""),
                flush=True,
            )


if __name__ == "__main__":
    main(sys.argv[1:])
