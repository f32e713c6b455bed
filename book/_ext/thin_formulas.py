"""KaTeX's formulas made of three fifths of the elements, every glyph in the same place.

KaTeX wraps each sign in a span, whatever it is, and sets a subscript in a table of twelve elements, because a table copes with
all that may stand there. Nearly every script in this book is a few letters, for which one raised span does. A chapter has two
thousand scripts, and a phone feels each element. `tests/test_formulas.py` measures that no glyph moves.
"""

import html
import re
from collections import Counter
from dataclasses import dataclass, field
from xml.etree import ElementTree

SIZES = [0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.2, 1.44, 1.728, 2.074, 2.488]  # size1 to size11 of katex.min.css
SPACES = {0.1667: "thin", 0.2222: "medium", 0.2778: "thick"}  # classes of book.css
SCRIPTS = {0.7: "script", round(0.5 / 0.7, 4): "script-script"}  # by size; classes of book.css as well
# What TeX calls a sign. The classes have no rule in katex.min.css, so a span that has no other says nothing.
SILENT = {"mord", "mbin", "mrel", "mopen", "mclose", "mpunct", "minner", "mtight"}


@dataclass
class Span:
    tag: str
    attributes: dict
    children: list = field(default_factory=list)  # of Span and str

    @property
    def names(self):
        return self.attributes.get("class", "").split()

    @property
    def style(self):
        """The lengths of the style attribute, in em; None if there is something else in it."""
        pairs = [part.split(":") for part in self.attributes.get("style", "").split(";") if part]
        if any(not re.fullmatch(r"-?[\d.]+(em)?", value) for _, value in pairs):
            return None
        return {name: float(value.removesuffix("em")) for name, value in pairs}

    def set_style(self, lengths):
        self.attributes["style"] = ";".join(f"{name}:{round(value, 4):g}em" for name, value in lengths.items() if round(value, 4))

    def elements(self):
        return [child for child in self.children if isinstance(child, Span)]

    def below(self):
        for child in self.elements():
            yield child
            yield from child.below()


def thin(formula):
    """The HTML of a formula as KaTeX writes it, made of fewer elements."""
    tree = read(ElementTree.fromstring(formula))
    [mathml] = [one for one in tree.below() if one.tag == "math"]
    [semantics] = mathml.children
    # What is left out here is the LaTeX source once more, and a row around everything, which `math` is itself.
    mathml.attributes.pop("xmlns", None)
    content = semantics.children[0]
    mathml.children = content.children if content.tag == "mrow" else [content]
    for one in tree.below():
        if "katex-html" in one.names:
            simplify(one)
            if "katex-display" not in tree.names:
                keep_whole(one)
    return write(tree)


RELATIONS = ("=", "<", ">", "≤", "≥")
SHORT, SHORT_BRACKET = 16, 24  # signs: about a third of a line on a phone, and half of one


def keep_whole(formula):
    """A line may end at a sign such as = or +, but not in a short formula, nor inside a short bracket."""
    if len(signs_of(formula)) <= SHORT:
        formula.attributes["class"] += " unbroken"
        return
    children, open_ = [], []
    for base in formula.children:
        open_.append(base)
        signs = "".join(map(signs_of, open_))
        if base is formula.children[0] and signs in RELATIONS:
            continue  # the first sign of a line of a derivation does not stand alone
        if sum(map(signs.count, "([{")) <= sum(map(signs.count, ")]}")) or base is formula.children[-1]:
            whole = len(open_) > 1 and (len(signs) <= SHORT_BRACKET or signs.startswith(RELATIONS))
            children += [Span("span", {"class": "unbroken"}, open_)] if whole else open_
            open_ = []
    formula.children = children


def is_whole(html):
    """Whether no line ends in a formula that is made of fewer elements already."""
    return 'class="katex-html unbroken"' in html


def signs_of(one):
    """What a reader sees of a formula, without the spaces of no width."""
    return one.replace("\u200b", "") if isinstance(one, str) else "".join(map(signs_of, one.children))


def simplify(span):
    for child in span.elements():
        simplify(child)
    if span.names == ["base"] and span.children[0].names == ["strut"]:
        # The strut becomes the part of `base` that book.css puts before it.
        lengths = span.children.pop(0).style
        span.attributes["style"] = f"--h:{lengths['height']:g}em" + (f";--d:{lengths['vertical-align']:g}em" if lengths.get("vertical-align") else "")
    span.children = [raised(merged(between(child))) if isinstance(child, Span) else child for child in span.children]
    if "vlist" in span.names:
        return
    children = []
    for child in span.children:
        space = isinstance(child, Span) and child.names == ["mspace"] and (child.style or {}).get("margin-right", 0)
        if space > 0 and children and set(child.style) == {"margin-right"} and add_space(children, space):
            continue
        if is_silent(child) and not is_row(span):
            children += child.children
        else:
            children.append(child)
    span.children = children


def is_silent(child):
    return isinstance(child, Span) and child.tag == "span" and child.names and set(child.names) <= SILENT and child.style == {}


def is_row(span):
    """Whether this is a row of a KaTeX table, which sets its two children as blocks."""
    return "top" in (span.style or {})


def merged(span):
    """`<span sizing><span letter>x</span></span>` as one span."""
    if "sizing" in span.names and len(span.children) == 1 and isinstance(span.children[0], Span) and not span.attributes.get("style"):
        [child] = span.children
        if child.tag == "span" and not any(name.startswith(("size", "reset", "delim", "op-", "mspace", "vlist")) for name in child.names):
            child.attributes["class"] = " ".join(dict.fromkeys(span.names + child.names))
            return child
    return span


def between(span):
    """A fraction keeps its distance to both sides itself."""
    inner = [child.attributes.get("class") if isinstance(child, Span) else child for child in span.children]
    if set(span.names) <= SILENT and inner == ["mopen nulldelimiter", "mfrac", "mclose nulldelimiter"]:
        span.children[1].attributes["class"] = "mfrac between"
        return span.children[1]
    return span


def raised(span):
    """A superscript or a subscript alone as one raised span, if it is a line of letters."""
    if span.names != ["msupsub"]:
        return span
    cells = [one for row in span.children[0].elements() for cell in row.elements() for one in cell.elements()]
    cells = [one for one in cells if one.children]
    if len(cells) != 1 or len(cells[0].children) != 2:
        return span
    strut, content = cells[0].children
    size = re.search(r"\breset-size(\d+) size(\d+)\b", content.attributes["class"])
    scale = size and SIZES[int(size[2]) - 1] / SIZES[int(size[1]) - 1]
    name = SCRIPTS.get(round(scale, 4)) if scale else None
    spans = [content, *content.below()]
    if not name or any(one.tag != "span" or one.style is None or {"vlist-t", "mspace"} & set(one.names) for one in spans):
        return span
    place = {**cells[0].style, **content.style}
    shift = -(place.pop("top") + strut.style["height"])
    own = cells[0].style.get("margin-right", 0) + scale * content.style.get("margin-right", 0)
    place = {"vertical-align": shift, "margin-left": place.get("margin-left", 0), "margin-right": own}
    content.attributes["class"] = " ".join([name, *(one for one in content.names if one not in SILENT and "siz" not in one)])
    content.set_style({name: value / scale for name, value in place.items()})
    return content


def add_space(children, space):
    """Let what stands before a space keep the distance itself. Whether it can."""
    last = children[-1]
    if isinstance(last, str):
        last = Span("span", {}, [last])
    if last.style is None or set(last.style) - {"margin-left", "margin-right", "vertical-align"}:
        return False
    if any(re.match("siz|reset|delim|mspace|strut|null|newline|rule|thin|medium|thick|arraycolsep", name) for name in last.names):
        return False
    children[-1] = last
    if not last.style and space in SPACES and "between" not in last.names:
        last.attributes["class"] = " ".join([*(name for name in last.names if name not in SILENT), SPACES[space]])
    else:
        scale = {name: size for size, name in SCRIPTS.items()}.get((last.names or [""])[0], 1)
        own = last.style.get("margin-right", 0.12 if "between" in last.names else 0)
        last.set_style({**last.style, "margin-right": own + space / scale})
    return True


# --- What many elements say about their place, said once -----------------------------------------------------------------------

STYLED = re.compile(r'<span(?: class="([^"]*)")? style="([^"]*em;?)">')


def share_styles(pages, at_least=40):
    """Pages in which each style attribute that occurs often has become a class, and the rules of these classes."""
    counts = Counter(found[2] for page in pages for found in STYLED.finditer(page))
    names = {style: f"k{number}" for number, (style, count) in enumerate(counts.most_common()) if count >= at_least}

    def replace(found):
        name = names.get(found[2])
        return f'<span class="{f"{found[1]} " if found[1] else ""}{name}">' if name else found[0]

    # As specific as KaTeX's own rules and after them, because a style attribute would win against those as well.
    rules = "".join(f".katex .{name}.{name}{{{style.rstrip(';')}}}" for style, name in names.items())
    return [STYLED.sub(replace, page) for page in pages], rules


# --- In and out --------------------------------------------------------------------------------------------------------------


def read(element):
    span = Span(element.tag.rpartition("}")[2], dict(element.attrib), [element.text] if element.text else [])
    for child in element:
        span.children += [read(child), *([child.tail] if child.tail else [])]
    return span


def write(span):
    if isinstance(span, str):
        return html.escape(span, quote=False)
    attributes = "".join(f' {name}="{html.escape(value)}"' for name, value in span.attributes.items() if value)
    return f"<{span.tag}{attributes}>{''.join(map(write, span.children))}</{span.tag}>"
