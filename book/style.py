"""How the figures of the book look: import it once, at the top of a chapter, before drawing.

A figure is drawn once and must be readable on a white page and on a dark one. So it has no background of its own, and
every colour here has a contrast of at least 4.5 : 1 with white, as words need it, and of 3 : 1 with a dark page. On the dark
pages of the site the figures are shown brighter (book/_static/book.css), which makes that 4.5 : 1 as well. The four hues
differ for readers with any kind of colour blindness, and no figure relies on colour alone: lines also differ in their
dashes or carry their name. On a phone a figure is three quarters as wide as it is drawn; its letters are large enough for that.
"""

import ast
import inspect
import io
import re
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
from IPython import get_ipython
from IPython.core.pylabtools import print_figure, select_figure_formats
from IPython.display import Image, Markdown, display
from matplotlib import font_manager
from matplotlib.figure import Figure

BLUE, VERMILLION, GREEN, PURPLE = "#0072b2", "#c45200", "#00815c", "#a8538f"
GREY = "#707070"

plt.rcParams.update({
    "figure.figsize": (5, 3.2),
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "axes.edgecolor": GREY,
    "axes.labelcolor": GREY,
    "axes.titlecolor": GREY,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": plt.cycler(color=[BLUE, VERMILLION, GREEN, PURPLE], linestyle=["-", "--", "-.", ":"]),
    "font.size": 11,
    "legend.frameon": False,
    "legend.labelcolor": GREY,
    "lines.linewidth": 2,
    "mathtext.fontset": "cm",
    "text.color": GREY,
    "xtick.color": GREY,
    "ytick.color": GREY,
    # Letters as outlines look the same everywhere, and the fixed salt makes equal figures equal files.
    "svg.fonttype": "path",
    "svg.hashsalt": "lrmath",
})


def prefer_own_fonts(manager):
    """Matplotlib's own fonts go before those of the machine, which may have another edition of the same font."""
    others = manager.ttflist[:]
    for font in sorted(Path(matplotlib.get_data_path(), "fonts", "ttf").glob("*.ttf")):
        manager.addfont(font)
    manager.ttflist = manager.ttflist[len(others):] + others


prefer_own_fonts(font_manager.fontManager)


def _svg(figure):
    """A figure as SVG, to a hundredth of a point.

    Other processors round the last digit of an exponential in another way. That must not make another figure, because the
    stored one is compared with a new one in every test.
    """
    svg = print_figure(figure, "svg", metadata={"Date": None, "Creator": None})
    # Scales stay as they are: the one of the letters is 1/64.
    svg = re.sub(r"scale\([^)]*\)|\d+\.\d{3,}", lambda part: part[0] if part[0][0] == "s" else _hundredths(part[0]), svg)
    # Clip paths and markers are named by a hash of numbers with all their digits; count them instead.
    names = {}
    return re.sub(r"\b[mp][0-9a-f]{10}\b", lambda part: names.setdefault(part[0], f"{part[0][0]}{len(names)}"), svg)


def _hundredths(number):
    return f"{float(number):.2f}".rstrip("0").rstrip(".")


# A backend chooses its own formats at the moment it is loaded, so it is loaded first.
plt.switch_backend(plt.get_backend())
select_figure_formats(get_ipython(), [])
get_ipython().display_formatter.formatters["image/svg+xml"].for_type(Figure, _svg)


def show_noise(figure):
    """Show a figure of rounding errors, as pixels.

    Rounding errors are not the same on every machine, so such a figure is not compared; the asserts beside it are.
    """
    pixels = io.BytesIO()
    figure.savefig(pixels, dpi=192, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)
    display(Image(pixels.getvalue()))


def name_line(axes, x, y, text, color, **keywords):
    """Write the name of a line beside it, in its colour: easier to read than a legend."""
    axes.annotate(text, (x, y), color=color, **{"xytext": (4, 4), "textcoords": "offset points", **keywords})


def show(function):
    """The source of a function as it is in the package, without its docstring: what the reader sees is what runs."""
    source = inspect.getsource(function)
    docstring = ast.parse(source).body[0].body[0]
    lines = source.splitlines()
    code = "\n".join(lines[: docstring.lineno - 1] + lines[docstring.end_lineno:])
    return Markdown(f"```python\n{code}\n```")
