"""The backend that Matplotlib draws with in the reader's browser: figures go to the page, not into a window."""

import io

import matplotlib.pyplot as plt
from kernel import display
from matplotlib.backends.backend_agg import FigureCanvasAgg as FigureCanvas
from matplotlib.figure import Figure

__all__ = ["FigureCanvas", "show"]


def show(*, block=None):
    """Show every open figure and close it."""
    figures = [plt.figure(number) for number in plt.get_fignums()]
    plt.close("all")
    display(*figures)


def print_figure(figure, fmt="png", bbox_inches="tight", **options):
    """As the function of this name in IPython: a figure as bytes, or as text if it is SVG."""
    buffer = io.BytesIO()
    style = {"facecolor": figure.get_facecolor(), "edgecolor": figure.get_edgecolor(), "dpi": figure.dpi}
    figure.canvas.print_figure(buffer, format=fmt, bbox_inches=bbox_inches, **{**style, **options})
    return buffer.getvalue().decode() if fmt == "svg" else buffer.getvalue()


# Who does not `import style` sees pixels.
Figure._repr_png_ = print_figure
