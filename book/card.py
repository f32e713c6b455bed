"""Draws the card that social networks show for a link to the book: `python book/card.py`, after `make book`.

The derivation on it is proved while the card is drawn. The picture is committed, because drawing it takes a browser.
"""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

BOOK = Path(__file__).resolve().parent
sys.path[:0] = [str(BOOK / "_ext"), str(BOOK.parent / "tests")]

from conftest import find_browser  # noqa: E402
from lrmath_site import render  # noqa: E402

from lrmath.verify import Derivation  # noqa: E402

lines = Derivation("sigmoid-slope", "D(sigma(z), z)").then(
    "exp(-z)/(1 + exp(-z))**2", because="the definition and the chain rule"
).then("sigma(z)*(1 - sigma(z))", because="split the fraction")
formula = lines._repr_latex_().strip("$")
PAGE = """<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="{sheet}"><style>
body {{ margin: 0; width: 1200px; height: 630px; box-sizing: border-box; padding: 70px 80px; background: #fbfaf7; color: #1d2733;
  font-family: "DejaVu Serif", Georgia, serif; border-left: 18px solid #2f6db5; display: flex; flex-direction: column; }}
h1 {{ font-size: 62px; font-weight: 400; margin: 0; }} p {{ font-size: 29px; margin: 14px 0 0; color: #4d5a68; }}
div {{ margin: auto 0; font-size: 31px; border-left: 5px solid #2e8b57; padding: 10px 0 10px 34px; }} .katex-display {{ text-align: left; margin: 0; }}
.katex-display > .katex {{ text-align: left; }}
</style><h1>Logistic regression, line by line</h1><p>Every line is proved. Every formula runs.</p><div>{formula}</div>"""


def main():
    answer = render(formula, True)
    page = BOOK.parent / "_build" / "card.html"
    page.write_text(PAGE.format(sheet=(BOOK / "_static/katex/katex.min.css").as_uri(), formula=answer["html"]), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page(viewport={"width": 1200, "height": 630})
        tab.goto(page.as_uri())
        tab.evaluate("document.fonts.ready")
        tab.screenshot(path=BOOK / "_static" / "card.png")
        browser.close()


if __name__ == "__main__":
    main()
