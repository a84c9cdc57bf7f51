r"""Label -> Office Math (OMML, ECMA-376 part 1, 22.1), the mathematics of Word.

The symbol layout tree maps to one element a construct: a sum takes what follows it as its operand,
paired brackets are one delimiter and grow, a grid is a matrix within its brackets.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from hmer_cli.expr.bracket_pairs import bracket_pairs, growing_pairs
from hmer_cli.expr.commands import COVERS, STACKS
from hmer_cli.expr.glyphs import BIG, BRACES, GLYPHS, UNDER
from hmer_cli.expr.names import BINARY, is_function, upright, with_numbers
from hmer_cli.expr.node import Node, Tree, place_limits
from hmer_cli.expr.to_mathml import FENCES
from hmer_cli.expr.tokens import tokenize
from hmer_cli.expr.tree import parse

NAMESPACE = "http://schemas.openxmlformats.org/officeDocument/2006/math"

_ACCENTS = {
    r"\hat": "\u0302", r"\check": "\u030c", r"\tilde": "\u0303", r"\acute": "\u0301",
    r"\grave": "\u0300", r"\dot": "\u0307", r"\ddot": "\u0308", r"\breve": "\u0306",
    r"\bar": "\u0305", r"\vec": "\u20d7", r"\overrightarrow": "\u20d7", r"\overleftarrow": "\u20d6",
}  # fmt: skip
_BARS = {r"\overline": "top", r"\underline": "bot"}
_GROUPS = {r"\overbrace": ("⏞", "top", "bot"), r"\underbrace": ("⏟", "bot", "top")}
_NOTHING = "\u200b"  # Word shows an empty part as a dotted box


def to_omml(label: str) -> str:
    """The content of an ``m:oMath`` element, with the prefix m for its namespace.

    Raises LabelError if the label is not LaTeX.
    """
    return _row(with_numbers(place_limits(parse(tokenize(label)))))


def _element(tag: str, *parts: str) -> str:
    return f"<m:{tag}>{''.join(parts)}</m:{tag}>"


def _value(tag: str, value: str | int) -> str:
    return f'<m:{tag} m:val="{escape(str(value))}"/>'


def _part(tag: str, tree: Tree) -> str:
    return _element(tag, _row(tree) or _run(_NOTHING))


def _run(text: str, *, upright: bool = False) -> str:
    style = _element("rPr", _value("sty", "p")) if upright else ""
    space = ' xml:space="preserve"' if text != text.strip() else ""
    return _element("r", style, f"<m:t{space}>{escape(text, quote=False)}</m:t>")


def _row(tree: Tree) -> str:
    """The elements of the row; what stands in brackets is one."""
    found = bracket_pairs(tree) | growing_pairs(tree)
    pairs = {opening: closing for closing, opening in found.items()}
    parts: list[str] = []
    waiting: list[tuple[int, str]] = []  # operators: where they stand in parts, and their sign
    i = 0
    while i < len(tree):
        node = tree[i]
        if i in pairs:
            inner, last = tree[i + 1 : pairs[i]], tree[pairs[i]]
            fenced = _fenced(_glyph(node), _glyph(last), _row(inner) or _run(_NOTHING))
            parts.append(_dressed(last, fenced))
            i = pairs[i]
        elif node.symbol in BIG or is_function(node.symbol):
            waiting.append((len(parts), _operator(node)))
            parts.append("")
        else:
            parts.append(_dressed(node, _sign(node)))
        i += 1
    for at, sign in reversed(waiting):
        parts[at : at + 2] = [_applied(sign, "".join(parts[at + 1 : at + 2]))]
    return "".join(parts)


def _operator(node: Node) -> str:
    """A sum or a name, up to its operand."""
    if node.symbol not in BIG:
        return _element("fName", _dressed(node, _run(_glyph(node), upright=True)))
    stacked = bool(node.above or node.below)
    low, high = node.below + node.sub, node.above + node.sup
    properties = [
        _value("chr", _glyph(node)),
        _value("limLoc", "undOvr" if stacked else "subSup"),
        *([] if low else [_value("subHide", 1)]),
        *([] if high else [_value("supHide", 1)]),
    ]
    parts = (_element("naryPr", *properties), _element("sub", _row(low)))
    return "".join((*parts, _element("sup", _row(high))))


def _applied(sign: str, operand: str) -> str:
    if not sign.startswith("<m:fName>"):
        return _element("nary", sign, _element("e", operand or _run(_NOTHING)))
    if not operand:
        return sign.removeprefix("<m:fName>").removesuffix("</m:fName>")
    return _element("func", sign, _element("e", operand))


def _glyph(node: Node) -> str:
    if node.symbol == BINARY:
        return " mod "
    return upright(node.symbol) or GLYPHS.get(node.symbol, ("mtext", node.symbol))[1]


def _sign(node: Node) -> str:
    """The symbol with its arguments, without scripts and limits."""
    if not node.symbol:
        return _run(_NOTHING)
    if node.symbol in STACKS:
        return _stack(node)
    if node.symbol == r"\sqrt":
        hidden = "" if node.above else _element("radPr", _value("degHide", 1))
        degree = _element("deg", _row(node.above))
        return _element("rad", hidden, degree, _part("e", node.inside))
    if node.symbol in COVERS:
        return _cover(node)
    if node.cells:
        return _grid(node)
    return _run(_glyph(node), upright=GLYPHS.get(node.symbol, ("mtext",))[0] != "mi")


def _stack(node: Node) -> str:
    halves = (_part("num", node.above), _part("den", node.below))
    if node.symbol == r"\frac":
        return _element("f", *halves)
    return _fenced("(", ")", _element("f", _element("fPr", _value("type", "noBar")), *halves))


def _cover(node: Node) -> str:
    inner = _part("e", node.inside)
    if node.symbol in _BARS:
        return _element("bar", _element("barPr", _value("pos", _BARS[node.symbol])), inner)
    if node.symbol in _GROUPS:
        sign, position, side = _GROUPS[node.symbol]
        properties = (_value("chr", sign), _value("pos", position), _value("vertJc", side))
        return _element("groupChr", _element("groupChrPr", *properties), inner)
    return _element("acc", _element("accPr", _value("chr", _ACCENTS[node.symbol])), inner)


def _grid(node: Node) -> str:
    name = node.symbol[7:-1]
    count = max(map(len, node.cells))
    sides = {"cases": ("left",), "aligned": ("right", "left")}.get(name, ("center",))
    columns = [
        _element("mc", _element("mcPr", _value("count", 1), _value("mcJc", sides[i % len(sides)])))
        for i in range(count)
    ]
    rows = (
        _element("mr", *(_part("e", cell) for cell in [*row, *[()] * (count - len(row))]))
        for row in node.cells
    )
    matrix = _element("m", _element("mPr", _element("mcs", *columns)), *rows)
    fences = FENCES.get(name)
    return _fenced(fences[0], fences[1].strip(), matrix) if fences else matrix


def _fenced(opening: str, closing: str, content: str) -> str:
    properties = _element("dPr", _value("begChr", opening), _value("endChr", closing))
    return _element("d", properties, _element("e", content))


def _dressed(node: Node, base: str) -> str:
    """The symbol with what is above and below it, then its scripts."""
    braced = node.symbol in BRACES
    above = node.above if not braced else node.above + node.sup
    below = node.below if not braced else node.below + node.sub
    if node.symbol not in STACKS and node.symbol != r"\sqrt":
        first, second = ("limUpp", above), ("limLow", below)
        for tag, row in (second, first) if node.symbol in UNDER else (first, second):
            if row:
                base = _element(tag, _element("e", base), _part("lim", row))
    return base if braced else _scripted(base, node.sub, node.sup)


def _scripted(base: str, sub: Tree, sup: Tree) -> str:
    held: Sequence[str] = [_part(tag, row) for tag, row in (("sub", sub), ("sup", sup)) if row]
    if not held:
        return base
    tag = "sSubSup" if len(held) == 2 else "sSub" if sub else "sSup"
    return _element(tag, _element("e", base), *held)
