"""Figures that move: a still figure gets controls, and numbers that lrmath computes while the site is built.

What a figure needs stands in `FIGURES`: a script in book/figures/, the data that it draws, the controls, and one sentence that
says what to move and what to watch. Without scripts, in print and in the PDF the still figure stays as it is.
"""

import functools
import html
import json
from collections import namedtuple
from pathlib import Path

import contourpy
import numpy as np
from docutils import nodes
from sphinx.util.fileutil import copy_asset

from lrmath import add_intercept, bce_from_logits, hessian, irls, load_challenger, load_wdbc

SCRIPTS = Path(__file__).resolve().parent.parent / "figures"
Moving = namedtuple("Moving", "script data controls hint")


# --- What the scripts draw ----------------------------------------------------------------------------------------------------


def level_lines(X, labels, x, y, levels):
    """The curves on which the loss of two coefficients has the values `levels`, to a thousandth of the picture."""
    # Wider than the axes: a script that keeps both scales equal shows more of one of them.
    across, up = (np.linspace(low - (high - low) / 2, high + (high - low) / 2, 121) for low, high in (x, y))
    scores = np.stack(np.meshgrid(across, up), axis=-1) @ X.T
    losses = bce_from_logits(np.broadcast_to(labels, scores.shape), scores, reduction="none").sum(axis=-1)
    generator = contourpy.contour_generator(across, up, losses)
    digits = [3 - int(np.floor(np.log10(high - low))) for low, high in (x, y)]
    return [np.stack([line[:, 0].round(digits[0]), line[:, 1].round(digits[1])], axis=1).tolist()
            for level in levels for line in generator.lines(level)]


def rings():
    challenger = load_challenger()
    return challenger.features[:, 0], challenger.y


@functools.cache
def paths():
    temperature, damage = rings()
    X = add_intercept((temperature[:, None] - 60) / 10)
    L = np.linalg.eigvalsh(X.T @ X)[-1] / 4
    fit = irls(X, damage, tol=1e-12)
    x, y = (-1.6, 3.2), (-4.2, 1.2)
    return {
        "X": X.tolist(), "damage": damage.tolist(), "L": float(L), "minimum": fit.beta.tolist(), "loss": fit.loss, "x": x, "y": y,
        # Beyond 2 / lambda_max(H) at the minimum, in units of 1/L, the minimum repels.
        "stable": float(2 * L / np.linalg.eigvalsh(hessian(X, fit.beta))[-1]),
        "contours": level_lines(X, damage, x, y, [10.3, 10.8, 11.8, 13.5, 16, 20, 26]),
    }


@functools.cache
def loss_plane():
    temperature, damage = rings()
    origin = 70
    X = add_intercept(temperature[:, None] - origin)
    fit = irls(X, damage, tol=1e-12)
    x, y = (-3.2, 1.2), (-0.52, 0.08)
    return {
        "temperature": temperature.tolist(), "damage": damage.tolist(), "origin": origin, "minimum": fit.beta.tolist(),
        "loss": fit.loss, "x": x, "y": y, "contours": level_lines(X, damage, x, y, [10.5, 11.5, 13, 15, 18, 22]),
    }


@functools.cache
def ridge_path():
    wdbc = load_wdbc()
    X = add_intercept((wdbc.features - wdbc.features.mean(axis=0)) / wdbc.features.std(axis=0))
    strengths = 10.0 ** np.linspace(-3, 4, 43)
    path, beta = [], None
    for strength in strengths[::-1]:  # from the easy end, each fit from the one before
        beta = irls(X, wdbc.y, ridge=strength, beta0=beta).beta
        path.insert(0, beta)
    path = np.array(path)
    # Six digits are more than a picture or a printed number of it shows.
    short = lambda values: [float(f"{value:.6g}") for value in values]
    return {
        "strengths": short(strengths), "names": list(wdbc.feature_names), "weights": [short(column) for column in path[:, 1:].T],
        "norms": short(np.linalg.norm(path[:, 1:], axis=1)),
        "losses": short(bce_from_logits(wdbc.y, X @ beta, reduction="mean") for beta in path),
        "named": ["worst texture", "mean radius", "worst concave points", "perimeter error"],
    }


# --- Controls -----------------------------------------------------------------------------------------------------------------


def slider(name, label, low, high, step, value, half=False):
    return (
        f'<label{" class=half" if half else ""}>{html.escape(label)}'
        f'<input type="range" name="{name}" min="{low}" max="{high}" step="{step}" value="{value}" autocomplete="off"><output></output></label>'
    )


FIGURES = {
    "fig-paths": Moving(
        "paths.js",
        paths,
        [
            slider("rate", "learning rate α", 0.05, 6, 0.05, 1.9),
            slider("intercept", "start: intercept", -1.6, 3.2, 0.1, 0, half=True),
            slider("slope", "start: slope", -4.2, 1.2, 0.1, 0, half=True),
        ],
        "Raise α past 2/L and watch the path, of which the first 40 steps are drawn. Steps are counted until no entry of the "
        "mean gradient exceeds 10⁻⁸. The start can be dragged.",
    ),
    "fig-loss-plane": Moving(
        "loss-plane.js",
        loss_plane,
        [
            slider("intercept", "intercept", -3.2, 1.2, 0.05, 0),
            slider("slope", "slope per °F", -0.52, 0.08, 0.005, -0.1),
            '<button type="button">Go to the minimum</button>',
        ],
        "Bring the curve close to the points above (thin lines are the gaps) and watch the point walk downhill below. "
        "It can be dragged.",
    ),
    "fig-ridge-path": Moving(
        "ridge-path.js",
        ridge_path,
        [slider("at", "strength λ", 0, 42, 1, 18)],
        "Move λ and watch the points: together they shrink, some cross zero on the way, none stays there.",
    ),
    "fig-temperature": Moving(
        "temperature.js",
        dict,
        [
            slider("temperature", "temperature t", -1, 2, 0.05, 0),
            slider("first", "first score", -3, 5, 0.1, 2, half=True),
            slider("second", "second score", -3, 5, 0.1, 1, half=True),
            slider("third", "third score", -3, 5, 0.1, 0, half=True),
            slider("shift", "common shift", -5, 5, 0.1, 0, half=True),
        ],
        "Move one score: all three probabilities change. Move the shift: none does.",
    ),
}


def add_controls(app, doctree, docname):
    for figure in doctree.findall(nodes.figure):
        name = next((one for one in figure["ids"] if one in FIGURES), None)
        if name:
            moving = FIGURES[name]
            data = json.dumps(moving.data(), separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
            block = (
                f'<div class="moving"><div class="moving-controls">{"".join(moving.controls)}</div>'
                f'<p class="moving-hint">{moving.hint}</p><p class="moving-summary" aria-live="polite"></p>'
                f'<script type="application/json">{data}</script></div>'
            )
            at = next((i for i, child in enumerate(figure) if isinstance(child, nodes.caption)), len(figure))
            figure.insert(at, nodes.raw("", block, format="html"))


def add_scripts(app, pagename, templatename, context, doctree):
    """Only on a page that has such a figure; the scripts lie outside html_static_path, which Jupyter Book adds to every page."""
    scripts = [moving.script for name, moving in FIGURES.items() if f'id="{name}"' in (context.get("body") or "")]
    if scripts:
        address = lambda file: context["pathto"](f"_static/figures/{file}", 1)
        context["metatags"] += "".join(f'\n<script type="module" src="{address(script)}"></script>' for script in scripts)
        copy_asset(SCRIPTS, Path(app.outdir) / "_static" / "figures")


def setup(app):
    app.connect("doctree-resolved", add_controls)
    app.connect("html-page-context", add_scripts)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
