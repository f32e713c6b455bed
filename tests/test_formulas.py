"""Formulas made of fewer elements look as KaTeX made them: every glyph of hundreds of them, in a browser."""

import json
import re
import sys
from pathlib import Path

import pytest
from docutils import nodes

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))

import derivation_grid  # noqa: E402
import lrmath_site  # noqa: E402
import thin_formulas  # noqa: E402

# What the book does not have, or has once: each is a case of its own in KaTeX's tables.
MORE = [r"x_i^2", r"x_{i_j}^{k^2}", r"f'(z)^{\frac{1}{2}}", r"\sqrt[3]{x_1}", r"\hat\beta_{k}", r"\left.\frac{a}{b}\right|_{z=0}", r"\underbrace{a+b}_{n}",
        r"a\!b\,c\;d\quad e", r"\begin{cases} a & b>0\\ c & d\end{cases}", r"\begin{pmatrix} a & b\\ c & d\end{pmatrix}", r"\operatorname{diag}(w)_{ii}",
        r"\overline{x}\ge\tfrac12", r"\text{if } x_i", r"\sum_{i=1}^{n} x_{ij}", r"\textstyle\sum_{i=1}^{n} x_{ij}", r"2^{2^{2}}", r"x_{\rm max}", "\\mathsf{T}", "{}_{2}x"]  # fmt: skip


def formulas(*names):
    """The different formulas of some notebooks and pages, as pairs of LaTeX and whether they are displayed."""
    found = dict.fromkeys((latex, display) for latex in MORE for display in (False, True))
    for name in names:
        path = ROOT / "book" / name
        if path.suffix == ".md":
            texts, outputs = [path.read_text(encoding="utf-8")], []
        else:
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
            outputs = [output.get("data", {}).get("text/latex", []) for cell in cells for output in cell.get("outputs", [])]
        for text in texts:
            found |= dict.fromkeys((latex, True) for latex in re.findall(r"\$\$\n(.+?)\n\$\$", text, re.DOTALL))
            found |= dict.fromkeys((latex, False) for latex in re.findall(r"(?<!\$)\$([^$\n]+)\$(?!\$)", text))
        for output in filter(None, outputs):  # derivations, taken apart as on the site
            rows = derivation_grid.BLOCK.fullmatch("".join(output).strip("$\n "))
            if rows:
                found |= dict.fromkeys((one.astext(), False) for one in derivation_grid.grid(*rows.groups()).findall(nodes.math))
    return [(lrmath_site.render(*one).get("html"), one) for one in found]


GLYPHS = """() => [...document.querySelectorAll("p")].map((line) => {
    const start = line.getBoundingClientRect(), walk = document.createTreeWalker(line.querySelector(".katex-html"), NodeFilter.SHOW_TEXT);
    const places = [["line", 0, 0, line.querySelector(".katex-html").getBoundingClientRect().width, start.height]];
    for (let node = walk.nextNode(); node; node = walk.nextNode()) {
        for (let at = 0; at < node.data.length; at++) {
            if (node.data[at] === "\\u200b" || /[\\uDC00-\\uDFFF]/.test(node.data[at])) continue;
            const range = document.createRange();
            range.setStart(node, at);
            range.setEnd(node, at + (node.data.codePointAt(at) > 0xffff ? 2 : 1));
            const box = range.getBoundingClientRect();
            places.push([range.toString(), box.left - start.left, box.top - start.top, box.width, box.height]);
        }
    }
    return places;
})"""


def places(new_page, server, lines):
    """What each glyph of each line is, where it stands, and how large it is."""
    lines, shared = thin_formulas.share_styles(lines, at_least=3)
    sheets = [(ROOT / "book" / "_static" / name).read_text(encoding="utf-8") for name in ("katex/katex.min.css", "book.css")]
    sheets[0] = sheets[0].replace("url(fonts/", f"url({server}/_static/katex/fonts/")
    head = "".join(f"<style>{sheet}</style>" for sheet in [*sheets, shared, "body { width: 6000px; }", "p { margin: 20px; white-space: nowrap; }"])
    with new_page() as page:
        page.goto(f"{server}/robots.txt")  # any page, so that the fonts come from the same host
        page.set_content(f"<!doctype html>{head}{''.join(f'<p>{line}</p>' for line in lines)}", timeout=60_000)
        page.evaluate("document.fonts.ready")
        return page.evaluate(GLYPHS)


def moved(old, new):
    """By how many pixels a glyph moved at most; 99 if there are others."""
    if [one[0] for one in old] != [one[0] for one in new]:
        return 99
    return max(abs(a - b) for one, other in zip(old, new) for a, b in zip(one[1:], other[1:]))


def test_no_glyph_moves(new_page, server):
    rendered = formulas("07-regularization.ipynb", "09-softmax.ipynb", "notation.md")
    broken = [source for html, source in rendered if html is None]
    assert broken == [] and len(rendered) > 900
    plain = [html for html, _ in rendered]
    thin = [thin_formulas.thin(html) for html in plain]
    count = lambda texts: sum(len(re.findall("<[a-z]", text)) for text in texts)
    assert count(thin) < 0.65 * count(plain)
    shifts = [moved(old, new) for old, new in zip(places(new_page, server, plain), places(new_page, server, thin))]
    # Browsers place text to 1/64 pixel; a row of thirty signs adds up their roundings.
    assert [(source, shift) for (_, source), shift in zip(rendered, shifts) if shift > 0.4] == []


def test_a_glyph_that_moves_is_seen(new_page, server):
    [(html, _)] = [one for one in formulas() if one[1] == (r"x_{i_j}^{k^2}", False)]
    thin = thin_formulas.thin(html)
    other = [thin, re.sub(r"vertical-align:-[\d.]+em", "vertical-align:-.3em", thin), thin.replace(">x<", ">y<"), thin.replace(' class="mord mathnormal"', "")]
    same, *seen = [moved(old, new) for old, new in zip(places(new_page, server, [html] * 4), places(new_page, server, other))]
    assert same < 0.4 and all(shift > 0.4 for shift in seen), (same, seen)


@pytest.mark.parametrize("latex", [r"\frac{a<b}{c}", r"x \& y", r"\text{a “b” c}"])
def test_signs_of_html_stay_what_they_are(latex):
    plain = lrmath_site.render(latex, False)["html"]
    text = lambda html: re.sub(r"<annotation.*?</annotation>|<[^>]*>|\u200b", "", html)
    assert text(thin_formulas.thin(plain)) == text(plain)


def unbroken(latex, display=False):
    """The parts of a formula between which a line may end."""
    html = thin_formulas.thin(lrmath_site.render(latex, display)["html"])
    tree = thin_formulas.read(thin_formulas.ElementTree.fromstring(html))
    [formula] = [one for one in tree.below() if "katex-html" in one.names]
    if "unbroken" in formula.names:
        return [thin_formulas.signs_of(formula)]
    return [thin_formulas.signs_of(one) for one in formula.children]


def test_a_line_ends_neither_in_a_short_formula_nor_in_a_short_bracket():
    assert unbroken("d = 2") == ["d=2"]
    assert unbroken(r"X^{\mathsf T}(p - y) = \sigma(z - \log m) + 1") == ["XT(p−y)=", "σ(z−logm)+", "1"]
    assert unbroken("= (b - c)(b + c)(a - b)(a + b)(c - d)(c + d) + f") == ["=(b−c)(b+c)(a−b)(a+b)(c−d)(c+d)+", "f"]
    long = unbroken("a + (b + c + d + e + f + g + h + i + j + k + l + m + n + o)")
    assert long[:3] == ["a+", "(b+", "c+"]  # it would not fit on a phone
    assert len(unbroken("a + b = (c + d) + e + f + g + h + i", display=True)) == 1 + 8
