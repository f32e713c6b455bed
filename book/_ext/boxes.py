r"""Is what a theorem's box displays what was proved? Each formula of a box is compared with the lines of its derivations.

A box is read sentence by sentence. A sentence passes if each of its formulas that has a relation sign is

- proved: its two sides are two lines of one derivation that belongs to the theorem, with that relation between them;
- a condition (`given`) or a definition (`where`) of one of them;
- or only says where something lies, as in $v \in \mathbb R^d$;

and if at least one of them is proved, unless the sentence is a hypothesis ("Let ..."). A sentence "Write $W = \operatorname{diag}(w)$"
gives a name to what the derivations write out. Any other sentence is an argument in words, and must say so, in words without
formulas: <!-- words: reason -->, right after its full stop. A condition of a derivation whose result the box shows must stand in
the box as well.

The comparison is one of strings, after the ways to space, to size and to abbreviate are taken out of the LaTeX. It knows no
mathematics, so it cannot be talked into anything.
"""

import re
from typing import NamedTuple

from lrmath.verify import latex, parse
from lrmath.verify.derivation import STANDARD

BOX = re.compile(r"^(:::+)\{prf:theorem\}[^\n]*\n:label: (?P<label>\S+)\n(?P<body>.*?)^\1\s*$", re.MULTILINE | re.DOTALL)
FORMULA = re.compile(r"\$\$(?P<display>.+?)\$\$(?:[ ]*\(eq-[\w-]+\))?|\$(?P<inline>[^$]+)\$", re.DOTALL)
SENTENCE = re.compile(r"(?P<text>.+?)(?:(?<=\.)(?=\s|\Z)|(?=\s*<!--)|\Z)\s*(?:<!-- words: (?P<reason>.+?) -->)?", re.DOTALL)
HYPOTHESIS = re.compile(r"(?:Let|Put|Call|Suppose|Number|Write)\b")

NOTHING = {r"\,", r"\;", r"\:", r"\!", r"\ ", "~", r"\displaystyle", r"\left", r"\right", r"\limits", "&"}
NOTHING |= {"\\" + size + side for size in ("big", "Big", "bigg", "Bigg") for side in ("", "l", "r", "m")}
SAME = {r"\dfrac": r"\frac", r"\tfrac": r"\frac", "[": "(", "]": ")", r"\leq": r"\le", r"\geq": r"\ge", r"\ast": "*"}
ARGUMENTS = {r"\frac": 2, r"\sqrt": 1, r"\mathsf": 1, r"\mathrm": 1, r"\mathbf": 1, r"\mathbb": 1, r"\operatorname": 1,
             r"\text": 1, r"\bar": 1, r"\hat": 1, r"\begin": 1, r"\end": 1}
TURNED = {"=": "=", "<": ">", ">": "<", r"\le": r"\ge", r"\ge": r"\le"}
OTHERS = {r"\in", r"\to", r"\ne"}
OPEN, CLOSE = {"(", "{", r"\{", r"\begin"}, {")", "}", r"\}", r"\end"}
TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|\s+|.", re.DOTALL)


def normal(formula):
    """A formula as a list of tokens, the same for every way to space, to size and to abbreviate it."""
    formula = re.sub(r"(\\?[a-zA-Z]+)''\((\w)\)", r"\\frac{d^2\1(\2)}{d\2^2}", formula)
    formula = re.sub(r"(\\?[a-zA-Z]+)'\((\w)\)", r"\\frac{d\1(\2)}{d\2}", formula)
    # A name set upright is one token, with or without its command.
    formula = re.sub(r"\\(?:operatorname|mathrm|text)\{([\w ]+)\}", lambda m: rf"\mathrm{{{m[1]}}}", formula)
    tokens = [SAME.get(token, token) for token in TOKEN.findall(formula) if not token.isspace() and token not in NOTHING]
    return _group(tokens, 0, None)[0]


def _group(tokens, at, end):
    out = []
    while at < len(tokens) and tokens[at] != end:
        piece, at = _one(tokens, at)
        out += piece
    return _twice(_scripts(out)), at


def _one(tokens, at):
    """The piece that starts at a token: a group, a command with its arguments, a script, or the token."""
    token = tokens[at]
    if token == "{":
        inside, at = _group(tokens, at + 1, "}")
        return inside, at + 1
    if token in ("^", "_"):
        inside, at = _one(tokens, at + 1)
        return [token + "{ " + " ".join(inside) + " }"], at
    if token == r"\underbrace":
        inside, at = _one(tokens, at + 1)
        return inside, _one(tokens, at)[1]  # what stands below the brace is a remark
    count, out, at = ARGUMENTS.get(token, 0), token, at + 1
    for _ in range(count):
        inside, at = _one(tokens, at)
        out += "{ " + " ".join(inside) + " }"
    return [out], at


def _scripts(pieces):
    """A subscript before a superscript, however they were written."""
    for i in range(len(pieces) - 1):
        if pieces[i].startswith("^{ ") and pieces[i + 1].startswith("_{ "):
            pieces[i], pieces[i + 1] = pieces[i + 1], pieces[i]
    return pieces


def _twice(pieces):
    """A mixed second derivative as the derivative of a derivative."""
    mixed = re.compile(r"\\frac\{ \\partial \^\{ 2 \} (.*) \}\{ \\partial (.+) \\partial (.+) \}")
    apart = r"\\frac{ \\partial }{ \\partial \2 }|\\frac{ \\partial \1 }{ \\partial \3 }"
    apart = [mixed.sub(apart, piece).split("|") if mixed.fullmatch(piece) else [piece] for piece in pieces]
    return [part for parts in apart for part in parts]


def text(formula):
    """The normal form as a string."""
    return " ".join(normal(formula))


def chains(formula):
    """The chains of a formula: lists of sides and relation signs in turn. Rows and `\\qquad` part them."""
    formula = re.sub(r"\\(?:begin|end)\{aligned\}|&|(?<=\\\\)\[\d+pt\]", " ", formula)
    parts = [[]]
    depth = 0
    for token in TOKEN.findall(formula):
        depth += (token in OPEN) - (token in CLOSE)
        if depth == 0 and token in (r"\\", r"\qquad", r"\quad", ";"):
            parts.append([])
        elif depth == 0 and token in TURNED.keys() | OTHERS | {r"\leq", r"\geq"}:
            parts[-1] += ["\0" + SAME.get(token, token) + "\0"]
        else:
            parts[-1].append(token)
    found = []
    for part in parts:
        pieces = "".join(part).split("\0")
        pieces = [text(re.sub(r"(?:\\,|[\s.,:])+$", "", side)) if i % 2 == 0 else side for i, side in enumerate(pieces)]
        if len(pieces) > 1 and not pieces[0] and found:
            found[-1] += pieces[1:]
        elif any(pieces):
            found.append(pieces)
    return found


def proved(derivations):
    """Every (side, relation, side) that the derivations prove, in both directions, and every condition and definition."""
    facts, known = set(), {(text(latex(parse(head))), "=", text(latex(parse(body)))) for head, body in STANDARD.items()}
    for row in derivations:
        lines = [text(line) for line in row["lines"]]
        for i in range(len(lines)):
            for j in range(i + 1, len(lines)):
                relation = min(row["relations"][i:j], key=["<", ">", r"\le", r"\ge", "="].index)
                facts |= {(lines[i], relation, lines[j]), (lines[j], TURNED[relation], lines[i])}
        for condition in row["conditions"]:
            for chain in chains(condition):
                known |= set(pairs(chain))
        known |= {(text(head), "=", text(body)) for head, body in row["where"]}
    return facts, known


def pairs(chain):
    """The neighbours of a chain, each list of names taken apart: `0 \\le j, k` says two things."""
    for i in range(0, len(chain) - 2, 2):
        for left in chain[i].split(" , "):
            for right in chain[i + 2].split(" , "):
                yield left, chain[i + 1], right
                if chain[i + 1] in TURNED:
                    yield right, TURNED[chain[i + 1]], left


def sentences(body):
    """The sentences of a box, each as (words with numbers in place of formulas, formulas, declared reason or None)."""
    formulas = []

    def keep(match):
        formulas.append(match["display"] or match["inline"])
        stop = re.search(r"\.\s*(?:\\end\{aligned\}\s*)?$", match["display"] or "")
        return f" \1{len(formulas) - 1}\2" + (". " if stop else "")

    body = FORMULA.sub(keep, body)
    body = re.sub(r"^\s*(?:\d+\.|-)\s+", "", body, flags=re.MULTILINE)
    for match in SENTENCE.finditer(body.strip()):
        words = match["text"].strip()
        if re.search(r"\w", words) or match["reason"]:
            yield words, [formulas[int(i)] for i in re.findall("\1(\\d+)\2", words)], match["reason"]


def names(body, derivations):
    """What the box writes for what, `W` for `diag(w)`. A name must be new to the derivations: it could hide what they prove."""
    taken = " ".join(text(line) for row in derivations for line in row["lines"])
    found = {}
    written = [formula for words, formulas, _ in sentences(body) if re.match(r"Write\b", words) for formula in formulas]
    for name, relation, meaning in (chain for formula in written for chain in chains(formula) if len(chain) == 3):
        if relation == "=" and f" {name} " in f" {taken} ":
            raise ValueError(f"the box writes {name} for {meaning}, but {name} means something in its derivations")
        if relation == "=":
            found[name] = meaning
    return found


class Sentence(NamedTuple):
    """A sentence of a box: its source, the formulas in it that are proved, those that are not, and the reason it gives."""

    source: str
    proved: list
    missing: list
    reason: str | None

    @property
    def stands(self):
        """Whether all that it says in formulas is proved."""
        return not self.missing and bool(self.proved or HYPOTHESIS.match(self.source))

    @property
    def fault(self):
        """What is wrong with it, or None."""
        if not self.reason:
            what = "; ".join(self.missing) or "a formula in it"
            return None if self.stands else f"no derivation proves {what}, and it gives no reason"
        if self.stands:
            return "it is proved, so it must not be called an argument in words"
        if self.proved:
            return f"it is an argument in words, but {'; '.join(self.proved)} is proved: make it two sentences"
        return None


def _reader(body, derivations):
    """A function that takes a formula apart into (side, relation, side), with the names that the box gives spelt out."""
    written = names(body, derivations)

    def spelt(side):
        for name, meaning in written.items():
            side = f" {side} ".replace(f" {name} ", f" {meaning} ").strip()
        return side

    def read(formula):
        for chain in chains(formula):
            if not (len(chain) == 3 and written.get(chain[0]) == chain[2]):
                sides = [spelt(piece) for piece in chain]
                yield from zip(sides[::2], chain[1::2], sides[2::2])

    return read


def unsaid(body, derivations):
    """The conditions of derivations whose results a box shows, and which the box does not name."""
    read = _reader(body, derivations)
    said = {triple for _, formulas, _ in sentences(body) for formula in formulas for triple in read(formula)}
    named = said | {pair for triple in said for pair in pairs(list(triple))}
    return sorted({
        condition
        for row in derivations if proved([row])[0] & said
        for condition in row["conditions"] for chain in chains(condition)
        if not {(chain[i], chain[i + 1], chain[i + 2]) for i in range(0, len(chain) - 2, 2)} <= named
    })  # fmt: skip


def judge(body, derivations):
    """The sentences of a box, held against the derivations of its theorem."""
    facts, known = proved(derivations)
    read = _reader(body, derivations)

    def holds(left, relation, right):
        if relation == r"\in" and right.startswith(r"\mathbb{ R }"):
            return True
        return (left, relation, right) in known or known.issuperset(
            (a, relation, b) for a in left.split(" , ") for b in right.split(" , ")
        )

    for words, formulas, reason in sentences(body):
        triples = [triple for formula in formulas for triple in read(formula)]
        found = [" ".join(triple) for triple in triples if triple in facts]
        missing = [" ".join(triple) for triple in triples if triple not in facts and not holds(*triple)]
        numbered = iter(formulas)
        yield Sentence(re.sub("\1\\d+\2", lambda _: f"${next(numbered).strip()}$", words), found, missing, reason)
