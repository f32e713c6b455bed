"""The site in a real browser: quick, silent, self-contained, and usable by everyone."""

import json
import re

import pytest
from conftest import pages

pytest.importorskip("playwright", reason="Playwright is not installed; the tests in a browser did not run")

CHAPTERS = [page for page in pages() if re.match(r"book/\d\d-", page)]
EVERY = [*pages(), "search", "genindex", "404"]
# The rules that depend on the theme. The others depend on the width: what is hidden, what scrolls.
COLOURS = ["color-contrast", "link-in-text-block"]
WITH_FORMULAS = ["book/notation", "book/01-sigmoid"]


# --- What is asked of a page: each returns a list of what is wrong -------------------------------------------------------------


@pytest.fixture(scope="session")
def axe():
    from axe_playwright_python.base import AXE_FILE_PATH

    return AXE_FILE_PATH.read_text(encoding="utf-8")


# What makes axe slow and finds nothing new: the formulas, of which two pages keep a hundred, and the hundreds of equal spans of
# highlighted code.
PREPARE = """(formulas) => {
    document.querySelectorAll("details").forEach((fold) => { fold.open = true; });
    [...document.querySelectorAll(".katex")].slice(formulas).forEach((formula) => formula.replaceChildren("x"));
    const seen = new Set();
    for (const span of document.querySelectorAll("div.highlight pre span")) {
        const kind = `${span.className} in ${span.closest(".cell_output, .cell_input")?.className}`;
        if (seen.has(kind)) span.replaceWith(span.textContent);
        seen.add(kind);
    }
}"""
# For the colours one element of each kind is enough, a kind being its classes and those around it. All pages have one style
# sheet, so what was judged on one page need not be judged on the next. Such elements get the mark `look`, once for each width.
MARK = """([width, known]) => {
    const seen = new Set(known), fresh = [];
    for (const one of document.querySelectorAll("body *")) {
        if (![...one.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.data.trim())) continue;
        if (one.closest(".katex, title, script, style") || !one.checkVisibility()) continue;
        let kind = "";
        for (let up = one; up; up = up.parentElement) kind += `${up.tagName}.${up.className}.${up.getAttribute("style") ?? ""} `;
        if (seen.has(kind)) continue;
        seen.add(kind);
        fresh.push(kind);
        one.classList.add(`look-${width}`);
    }
    return fresh;
}"""
# axe looks at every element of the page to know what lies behind a text, so the rest goes.
KEEP_MARKED = """() => document.querySelectorAll("body *").forEach((one) => {
    if (!one.matches("[class*=look-]") && !one.querySelector("[class*=look-]")) one.remove();
})"""


def prepare(page, axe, formulas=0):
    """axe-core in the page, whose folds are open afterwards and whose formulas are gone but for the first few."""
    page.evaluate(axe)
    page.add_style_tag(content="*, ::before, ::after { content-visibility: visible !important; transition: none !important; }")
    page.evaluate(PREPARE, formulas)


def set_width(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    # book.js looks at the boxes again after a change of size.
    page.evaluate("async () => { for (let i = 0; i < 4; i++) await new Promise(requestAnimationFrame); }")


def run_axe(page, context, rules):
    options = {"resultTypes": ["violations"], **rules}
    found = page.evaluate("([context, options]) => axe.run(context, options)", [context, options])["violations"]
    return [f"{one['id']}: {node['html'][:150]}" for one in found for node in one["nodes"]]


def violations(page, width):
    """What axe-core finds at a width, colours apart."""
    set_width(page, width)
    return run_axe(page, {"include": [["html"]]}, {"rules": {name: {"enabled": False} for name in COLOURS}})


def bad_colours(page, known):
    """What axe-core finds of colours, by width and theme; `known` lists for each width the kinds of text that were judged.

    Of the page only those elements are left afterwards whose colours were judged here.
    """
    fresh = {}
    for width in known:
        set_width(page, width)
        fresh[width] = page.evaluate(MARK, [width, known[width]])
    page.evaluate(KEEP_MARKED)
    found = {}
    for width in filter(fresh.get, known):
        set_width(page, width)
        for theme in ("light", "dark"):
            page.evaluate("theme => { document.documentElement.dataset.mode = document.documentElement.dataset.theme = theme; }", theme)
            found[width, theme] = run_axe(page, {"include": [[f".look-{width}"]]}, {"runOnly": {"type": "rule", "values": COLOURS}})
        known[width] += fresh[width]
    return found


def too_wide(page):
    """By how many pixels the page scrolls sideways, with the elements that cause it."""
    return page.evaluate("""() => {
        const root = document.documentElement, room = root.clientWidth;
        if (root.scrollWidth <= room) return [];
        return [`${root.scrollWidth} > ${room}`, ...[...document.querySelectorAll("body *")]
            .filter((one) => one.getBoundingClientRect().right > room + 1).slice(0, 5).map((one) => one.outerHTML.slice(0, 100))];
    }""")


def focus_unseen(page):
    """The focused element, unless one can see that it is focused."""
    return page.evaluate("""() => {
        const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
        const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
        const there = box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight;
        return ring && there ? [] : [one.outerHTML.slice(0, 120)];
    }""")


# --- Every page: one load, then two themes and three widths ------------------------------------------------------------------


@pytest.fixture(scope="module")
def judged():
    """The kinds of text whose colours axe has judged on earlier pages, by width."""
    return {390: [], 1280: []}


@pytest.mark.parametrize("name", EVERY)
def test_every_page_is_silent_self_contained_fits_and_has_no_violation(server, new_page, axe, judged, name):
    with new_page() as page:
        page.goto(f"{server}/{name}.html", wait_until="load")
        requests = page.evaluate("""() => performance.getEntries().filter((one) => one.transferSize !== undefined).map((one) => (
            {name: one.name, kind: one.initiatorType, size: one.transferSize, blocking: one.renderBlockingStatus}))""")
        images = re.compile(r"\.(?:svg|png|jpe?g|webp)(?:\?|$)")
        light = [one for one in requests if not images.search(one["name"])]
        found = {"outside": page.outside}
        found["scripts that keep the page from being painted"] = [
            one["name"] for one in requests if one["kind"] == "script" and one["blocking"] == "blocking"
        ]
        if name in CHAPTERS:
            size = sum(one["size"] for one in light)
            found["weight"] = [f"{size / 1000:.0f} KB"] if not 20_000 < size <= 350_000 else []
            # Of 18: eleven fonts, of which most are formulas', four files of the page, one of the live cells, two of a figure that moves.
            found["requests"] = [one["name"] for one in light] if len(light) > 18 else []
            formulas, mathml = (page.locator(f"article {kind}").count() for kind in (".katex", ".katex math"))
            found["formulas without MathML"] = [] if formulas == mathml > 50 else [f"{formulas} formulas, {mathml} with MathML"]
        # Roots and tall brackets are pictures inside a formula, which a rule for pictures can flatten to nothing.
        found["flat signs"] = page.evaluate("""() => [...document.querySelectorAll("article .katex svg")]
            .filter((one) => one.getBoundingClientRect().height < 3).map((one) => one.closest(".math").textContent)""")
        for width in (1280, 390, 360):
            page.set_viewport_size({"width": width, "height": 800})
            found[f"too wide at {width}"] = too_wide(page)
        prepare(page, axe, formulas=100 * (name in WITH_FORMULAS))
        for width in (390, 1280):
            found[f"axe, {width}"] = violations(page, width)
        found["console"] = list(page.complaints)  # before most of the page is taken away
        for pair, wrong in bad_colours(page, judged).items():
            found[f"axe, colours, {pair}"] = wrong
    assert {what: wrong for what, wrong in found.items() if wrong} == {}


def test_each_of_these_checks_can_fail(server, new_page, axe):
    with new_page(width=390) as page:
        page.goto(f"{server}/book/glossary.html")
        prepare(page, axe)
        assert violations(page, 390) == too_wide(page) == page.outside == page.complaints == []
        page.evaluate("document.querySelector('article').insertAdjacentHTML('beforeend', '<img src=\"../_static/favicon.svg\">')")
        assert "image-alt" in violations(page, 390)[0]
        page.evaluate("document.querySelector('article').insertAdjacentHTML('beforeend', '<div style=\"width: 999px\">x</div>')")
        assert len(too_wide(page)) > 1
        page.evaluate("console.error('something is wrong')")
        page.evaluate("fetch('https://example.org/script.js').catch(() => 0)")
        page.wait_for_timeout(100)
        assert page.outside == ["https://example.org/script.js"] and "error: something is wrong" in page.complaints
        page.add_style_tag(content="a:focus-visible { outline: none !important; }")
        page.keyboard.press("Tab")
        assert len(focus_unseen(page)) == 1
        known = {390: [], 1280: []}
        assert bad_colours(page, known) == {(width, theme): [] for width in known for theme in ("light", "dark")}
        assert min(map(len, known.values())) > 20
    with new_page() as page:
        page.goto(f"{server}/book/bibliography.html")
        prepare(page, axe)
        page.evaluate("document.querySelector('article h1').style.color = '#ccc'")
        found = bad_colours(page, known)
        assert "color-contrast" in found[390, "light"][0] and found[390, "dark"] == []


# --- With the keyboard alone -----------------------------------------------------------------------------------------------


@pytest.fixture
def chapter(server, new_page):
    with new_page() as page:
        page.goto(f"{server}/{CHAPTERS[0]}.html")
        yield page
        assert page.complaints == page.outside == []


def test_the_first_stop_leads_past_the_contents(chapter):
    chapter.keyboard.press("Tab")
    assert chapter.evaluate("document.activeElement.textContent.trim()") == "Skip to main content"
    assert focus_unseen(chapter) == []
    chapter.keyboard.press("Enter")
    assert chapter.evaluate("location.hash") == "#main-content"
    chapter.keyboard.press("Tab")
    assert chapter.evaluate("!!document.activeElement.closest('main')")


def test_the_focus_is_always_seen(chapter):
    stops = set()
    for _ in range(60):
        chapter.keyboard.press("Tab")
        assert focus_unseen(chapter) == []
        stops.add(chapter.evaluate("[...document.querySelectorAll('*')].indexOf(document.activeElement)"))
    assert len(stops) > 40, "the focus goes round in a circle"


def test_a_solution_opens_from_the_keyboard(chapter):
    fold = chapter.locator("details.solution").first
    fold.locator("summary").focus()
    chapter.keyboard.press("Enter")
    assert fold.evaluate("fold => fold.open")


def test_the_search_finds_the_soft_threshold(chapter):
    chapter.keyboard.press("Control+k")
    assert chapter.evaluate("document.querySelector('#pst-search-dialog').open")
    chapter.keyboard.press("Escape")
    assert not chapter.evaluate("document.querySelector('#pst-search-dialog').open")
    chapter.keyboard.press("Control+k")
    chapter.keyboard.type("soft threshold")
    chapter.keyboard.press("Enter")
    chapter.wait_for_url("**/search.html?q=*")
    hit = chapter.locator("#search-results a[href*='07-regularization']").first
    hit.wait_for(timeout=10_000)
    # An excerpt shows a formula once, and no menu.
    excerpts = chapter.locator("#search-results p.context")
    excerpts.first.wait_for()
    shown = " ".join(excerpts.all_inner_texts())
    assert "soft threshold" in shown.lower() and "Contents" not in shown
    assert re.findall(r"(\b\w+\(\w+\))\1", shown) == []
    hit.click()
    chapter.wait_for_url("**/07-regularization.html*")


def test_a_wide_box_shows_that_it_goes_on_and_can_be_scrolled(server, new_page):
    with new_page(width=360) as page:
        page.goto(f"{server}/{CHAPTERS[2]}.html")
        box = page.evaluate_handle("""() => [...document.querySelectorAll(".math-scroll")].find((one) => {
            one.scrollIntoView(); return one.scrollWidth > one.clientWidth + 40; })""").as_element()
        page.wait_for_timeout(300)
        masks = []
        for place in (0, 0.5, 1):
            box.evaluate("(one, place) => { one.scrollLeft = place * (one.scrollWidth - one.clientWidth); }", place)
            page.wait_for_timeout(100)
            masks.append(box.evaluate("one => getComputedStyle(one).maskImage"))
        assert len(set(masks)) == 3 and "none" not in masks, masks
        assert box.evaluate("one => one.tabIndex") == 0
        narrow = page.evaluate("""() => { const one = [...document.querySelectorAll(".math-scroll")].find((box) =>
            box.clientWidth && box.scrollWidth <= box.clientWidth); return getComputedStyle(one).maskImage; }""")
        assert narrow == "none"


# --- The buttons -------------------------------------------------------------------------------------------------------------


def test_the_buttons_of_a_wide_window(chapter):
    bar = chapter.locator("#pst-primary-sidebar")
    toggle = chapter.locator(".bd-header-article .primary-toggle")
    assert bar.is_visible()
    toggle.click()
    bar.wait_for(state="hidden")
    toggle.click()
    bar.wait_for(state="visible")
    menu = chapter.locator(".dropdown-download-buttons")
    menu.locator("button.dropdown-toggle").click()
    link = menu.locator("a[href$='.ipynb']")
    link.wait_for()
    box = menu.locator(".dropdown-menu").bounding_box()
    assert box["x"] > 0 and box["x"] + box["width"] < 1280
    notebook = chapter.request.get(link.evaluate("link => link.href"))
    assert notebook.ok and json.loads(notebook.text())["nbformat"] == 4
    chapter.keyboard.press("Escape")
    assert not link.is_visible() or menu.evaluate("menu => menu.matches(':hover')")


def test_the_theme_switch_goes_round_and_is_remembered(chapter):
    seen = []
    for _ in range(3):
        chapter.locator(".theme-switch-button").first.click()
        seen.append(chapter.evaluate("[document.documentElement.dataset.mode, getComputedStyle(document.body).backgroundColor]"))
        if seen[-1][0] == "dark":
            chapter.reload()
            assert chapter.evaluate("document.documentElement.dataset.theme") == "dark"
    assert {mode for mode, _ in seen} == {"auto", "light", "dark"}
    assert len({colour for _, colour in seen}) == 2


def test_dark_follows_the_system(server, new_page):
    with new_page(theme="dark") as page:
        page.goto(f"{server}/{CHAPTERS[0]}.html")
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        page.emulate_media(color_scheme="light")
        page.wait_for_function("document.documentElement.dataset.theme === 'light'")


def test_the_buttons_of_a_phone(server, new_page):
    with new_page(width=390) as page:
        page.goto(f"{server}/{CHAPTERS[0]}.html")
        for name in ("primary", "secondary"):
            dialog = page.locator(f"#pst-{name}-sidebar-modal")
            page.locator(f".bd-header-article .{name}-toggle").click()
            dialog.wait_for()
            assert dialog.locator("a").count() > 5
            page.keyboard.press("Escape")
            dialog.wait_for(state="hidden")
        page.locator(".bd-header-article .secondary-toggle").click()
        page.locator("#pst-secondary-sidebar-modal a").nth(3).click()
        page.locator("#pst-secondary-sidebar-modal").wait_for(state="hidden")
        assert page.evaluate("""() => Math.abs(document.getElementById(decodeURIComponent(location.hash.slice(1)))
            .getBoundingClientRect().top) < 200""")
        page.locator(".bd-header-article .search-button").click()
        page.locator("#pst-search-dialog input").wait_for()
        assert page.complaints == []


def test_the_copy_button_leaves_prompts_and_outputs_out(server, new_page):
    with new_page() as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.goto(f"{server}/book/intro.html")
        block = page.locator("div.highlight:has(.gp)").first
        block.hover()
        block.locator(".copybtn").click()
        page.locator(".copybtn.success").wait_for()
        text = page.evaluate("navigator.clipboard.readText()")
        assert text.startswith("d = Derivation(") and ">>>" not in text


def test_previous_and_next_go_through_the_book(server, new_page):
    with new_page() as page:
        page.goto(f"{server}/{pages()[0]}.html")
        for name in pages()[1:4]:
            # What is near the end is laid out when the reader comes there, and moves the link a little.
            page.locator("a.right-next").scroll_into_view_if_needed()
            page.wait_for_timeout(300)
            page.locator("a.right-next").click()
            page.wait_for_url(f"**/{name}.html")
        page.locator("a.left-prev").click()
        page.wait_for_url(f"**/{pages()[2]}.html")


# --- Other ways to read ------------------------------------------------------------------------------------------------------


def test_a_page_reads_without_javascript(server, new_page):
    with new_page(javascript=False) as page:
        page.goto(f"{server}/{CHAPTERS[0]}.html")
        assert page.locator("article h1").is_visible()
        formula = page.locator("article .katex-html").first
        assert formula.is_visible() and formula.bounding_box()["width"] > 3
        assert page.locator(".bd-docs-nav a").nth(3).is_visible()
        fold = page.locator("details.solution").first
        fold.locator("summary").click()
        fold.locator("p, .cell").nth(0).wait_for(state="visible")  # the browser lays it out in its own time
        dead = page.locator(".theme-switch-button, .search-button__button, .sidebar-toggle, .dropdown-toggle, .copybtn")
        assert [one for one in dead.all() if one.is_visible()] == []


def test_no_line_begins_with_a_full_stop_after_a_short_formula(server, new_page):
    parted = """() => {
        const ends = [...document.querySelectorAll("article .unbroken")].filter(
            (one) => one.checkVisibility() && one.lastChild.nodeType === Node.TEXT_NODE && one.querySelector(".base"));
        return [ends.length, ends.filter((one) => {
            const stop = document.createRange();
            stop.selectNodeContents(one.lastChild);
            return stop.getBoundingClientRect().left < [...one.querySelectorAll(".base")].at(-1).getBoundingClientRect().right - 2;
        }).map((one) => one.textContent)];
    }"""
    with new_page(width=390) as page:
        page.goto(f"{server}/book/05-gradient-descent.html")
        page.add_style_tag(content="* { content-visibility: visible !important; }")
        count, wrong = page.evaluate(parted)
        assert count > 100 and wrong == []
        page.add_style_tag(content=".unbroken, .unbroken .katex { white-space: normal !important; }")
        assert page.evaluate(parted)[1] != []


def test_less_motion_when_asked_for(server, new_page):
    with new_page(reduced_motion="reduce") as page:
        page.goto(f"{server}/{CHAPTERS[0]}.html")
        moving = page.evaluate("""() => [...document.querySelectorAll("body *")].filter((one) =>
            getComputedStyle(one).transitionDuration.split(",").some((time) => parseFloat(time) > 0)).length""")
        assert moving == 0


def test_paper_shows_the_text_alone(chapter):
    chapter.emulate_media(media="print")
    hidden = chapter.locator("#pst-primary-sidebar, #pst-secondary-sidebar, .bd-header-article, .prev-next-footer, .copybtn")
    assert [one for one in hidden.all() if one.is_visible()] == []
    assert chapter.locator("article h1").is_visible()
    chapter.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert chapter.locator("details:not([open])").count() == 0
    chapter.evaluate("dispatchEvent(new Event('afterprint'))")
    assert chapter.locator("details.solution:not([open])").count() > 0


def test_a_lost_reader_is_led_home_from_any_depth(server, new_page):
    with new_page() as page:
        answer = page.goto(f"{server}/book/of/nowhere/page.html")
        assert answer.status == 404 and page.locator("article h1").inner_text() == "There is no such page"
        assert page.evaluate("[...document.styleSheets].some((sheet) => sheet.cssRules.length > 100)")
        page.locator("article a").last.click()
        page.wait_for_url(f"**/{pages()[0]}.html")
        assert page.outside == []
