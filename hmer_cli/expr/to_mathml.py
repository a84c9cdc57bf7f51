r"""Label -> Presentation MathML (MathML Core), every element linked to its token.

Paired brackets stretch with their content, signs are prefix operators where TeX treats them so, and
function names are followed by a space. ``templates/mathml.js`` does the same in the browser for
typed LaTeX; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import pairwise
from xml.etree import ElementTree

from hmer_cli.expr.bracket_pairs import bracket_pairs, growing_pairs, operand_ends
from hmer_cli.expr.commands import COVERS, STACKS
from hmer_cli.expr.glyphs import (
    ACCENTS,
    BIG,
    BRACES,
    CLOSING,
    GLYPHS,
    NAMED_OPERATORS,
    OPENING,
    UNDER,
    WIDE,
)
from hmer_cli.expr.names import BINARY, KNOWN_NAMES, is_function, upright, with_numbers
from hmer_cli.expr.node import Node, Tree, place_limits
from hmer_cli.expr.tokens import tokenize
from hmer_cli.expr.tree import parse

TALL = frozenset("|‖∥↑↓↕⇑⇓⇕")
"""Characters that MathML would stretch with the whole row by default."""

TIGHT = frozenset("|‖/")
"""Characters that TeX sets as ordinary symbols, without space."""

SIGNED = frozenset(("+", "-", r"\pm", r"\mp"))
"""Operators that are prefix signs unless an operand precedes them."""

FENCES = {"pmatrix": "()", "bmatrix": "[]", "Bmatrix": "{}", "vmatrix": "||", "Vmatrix": "‖‖"}
FENCES["cases"] = "{ "
"""The brackets around a grid; a blank if there is no closing one."""

_SIDES = {"aligned": ("right", "left"), "cases": ("left",)}
"""Grid -> where its columns stand, in turn."""

_APPLIED = KNOWN_NAMES | {GLYPHS[name][1] for name in NAMED_OPERATORS}
_BEGINNINGS = frozenset((OPENING | BIG).values())
"""Operators that an argument may begin with."""
_SCRIPTED = frozenset("msub msup msubsup munder mover munderover".split())
_ROWS = frozenset("math mrow mtd msqrt".split())
_BINARY_GAP = "0.222em"

_SPACE = '<mspace width="0.167em"></mspace>'


def to_mathml(label: str) -> str:
    r"""A ``math`` element in display style; ``data-t`` is the index of the token of an element.

    Structural tokens (braces, ``^``) have no element. An unknown token becomes text. Limits stand
    where LaTeX sets them, see `place_limits`.
    Raises LabelError if the label is not LaTeX.
    """
    return _math(place_limits(parse(tokenize(label))))


def to_styled_mathml(label: str) -> str:
    """The same to stand by itself, without the style sheet of review pages: the columns of
    derivations and cases say how they are aligned, to browsers by a style and to other programs by
    attributes, and no element has a ``data-t``. Numbers are one element each, and names, which the
    label may have as signs (`hmer_cli.expr.names`), are applied to what follows."""
    root = ElementTree.fromstring(_math(with_numbers(place_limits(parse(tokenize(label))))))
    for element in root.iter():
        element.attrib.pop("data-t", None)
        _apply_names(element)
    for table in root.iter("mtable"):
        _align(table)
    return ElementTree.tostring(root, "unicode", short_empty_elements=False)


def _math(tree: Tree) -> str:
    return f'<math display="block">{_row(tree)}</math>'


def _apply_names(row: ElementTree.Element) -> None:
    """Puts the sign of application between each name of a row and its argument."""
    if row.tag not in _ROWS:
        return
    for i, (name, argument) in reversed([*enumerate(pairwise(row), 1)]):
        while name.tag in _SCRIPTED:
            name = name[0]
        operator = argument.tag == "mo" and argument.text not in _BEGINNINGS
        if name.tag == "mi" and name.text in _APPLIED and not operator:
            sign = ElementTree.Element("mo")
            sign.text = "\N{FUNCTION APPLICATION}"
            row.insert(i, sign)


def _align(table: ElementTree.Element) -> None:
    sides = _SIDES.get(table.get("class", ""))
    if sides is None:
        return
    columns = max(map(len, table))
    table.set("columnalign", " ".join(sides[i % len(sides)] for i in range(columns)))
    if len(sides) > 1:
        table.set("displaystyle", "true")
        table.set("columnspacing", " ".join("0 1em".split()[i % 2] for i in range(columns - 1)))
    for row in table:
        for i, cell in enumerate(row):
            side = sides[i % len(sides)]
            style = f"text-align: {side}; text-align: -webkit-{side}"  # which Chromium needs
            if len(sides) > 1:
                style += f"; padding-left: {'1em' if i and i % 2 == 0 else 0}; padding-right: 0"
            cell.set("style", style)


def _element(tag: str, at: int | None, content: str, attributes: str = "") -> str:
    tied = "" if at is None else f' data-t="{at}"'
    return f"<{tag}{attributes}{tied}>{content}</{tag}>"


def _row(tree: Tree) -> str:
    """The row as one element."""
    parts = _parts(tree)
    return parts[0] if len(parts) == 1 else _element("mrow", None, "".join(parts))


def _parts(tree: Tree) -> list[str]:
    """An element a node; brackets with what they hold are one."""
    pairs = bracket_pairs(tree)
    tall = growing_pairs(tree)
    ends = operand_ends(tree, pairs)
    growing = {i for pair in tall.items() for i in pair}
    pairs |= tall
    starts: dict[int, int] = {}
    parts: list[str] = []
    for i, node in enumerate(tree):
        previous = tree[i - 1] if i else None
        follows = i > 0 and ends[i - 1]
        if previous and _spaced(previous, node, follows):
            parts.append(_SPACE)
        starts[i] = len(parts)
        sign = _sign(node, "" if i in growing else _attributes(node, follows))
        if i in pairs:
            start = starts[pairs[i]]
            sign = _element("mrow", None, "".join([*parts[start:], sign]))
            del parts[start:]
        parts.append(_dressed(node, sign))
    return parts


def _kind(node: Node) -> str:
    return GLYPHS.get(node.symbol, ("", ""))[0]


def _spaced(left: Node, right: Node, follows: bool) -> bool:
    """Whether a name stands next to something that it could be taken for a part of; ``follows``:
    whether an operand ends before the right one."""
    if is_function(left.symbol):
        return right.symbol != BINARY and (_kind(right) != "mo" or right.symbol in BIG)
    return is_function(right.symbol) and follows


def _attributes(node: Node, follows: bool) -> str:
    """Those of an operator that does not grow; ``follows``: whether an operand ends before it."""
    if _kind(node) != "mo":
        return ""
    glyph = GLYPHS[node.symbol][1]
    if node.symbol in BIG:
        return ' movablelimits="false"' if node.above or node.below else ""
    if node.symbol in SIGNED:
        return "" if follows else ' form="prefix"'
    still = ' stretchy="false"' if glyph in TALL or node.symbol in OPENING | CLOSING else ""
    return still + (' lspace="0" rspace="0"' if glyph in TIGHT else "")


def _leaf(node: Node, attributes: str) -> str:
    kind, glyph = GLYPHS.get(node.symbol, ("mtext", node.symbol))
    if node.symbol[:1].isdigit():
        kind = "mn"
    elif word := upright(node.symbol):
        kind, glyph = "up", word
    if node.symbol == BINARY:
        return _element("mo", node.at, glyph, f' lspace="{_BINARY_GAP}" rspace="{_BINARY_GAP}"')
    if kind == "up":
        kind, attributes = "mi", ' mathvariant="normal"' if len(glyph) == 1 else ""
    return _element(kind, node.at, escape(glyph, quote=False), attributes)


def _sign(node: Node, attributes: str) -> str:
    """The symbol with its arguments, without scripts and limits."""
    if not node.symbol:
        return "<mrow></mrow>"
    if node.symbol in STACKS:
        return _stack(node)
    if node.symbol == r"\sqrt":
        inner = _row(node.inside)
        if node.above:
            return _element("mroot", node.at, inner + _row(node.above))
        return _element("msqrt", node.at, inner)
    if node.symbol in COVERS:
        return _cover(node)
    return _grid(node) if node.cells else _leaf(node, attributes)


def _stack(node: Node) -> str:
    halves = _row(node.above) + _row(node.below)
    if node.symbol == r"\frac":
        return _element("mfrac", node.at, halves)
    fraction = _element("mfrac", node.at, halves, ' linethickness="0"')
    return _element("mrow", None, f"<mo>(</mo>{fraction}<mo>)</mo>")


def _cover(node: Node) -> str:
    tag, name = ("munder", "accentunder") if node.symbol in UNDER else ("mover", "accent")
    stretchy = "true" if node.symbol in WIDE else "false"
    accent = _element("mo", node.at, ACCENTS[node.symbol], f' stretchy="{stretchy}"')
    attributes = f' class="{node.symbol[1:]}" {name}="true"'
    return _element(tag, None, _row(node.inside) + accent, attributes)


def _grid(node: Node) -> str:
    name = node.symbol[7:-1]
    rows = "".join(_element("mtr", None, _cells(row)) for row in node.cells)
    table = _element("mtable", node.at, rows, f' class="{name}"')
    fences = [f"<mo>{fence}</mo>".replace("<mo> </mo>", "") for fence in FENCES.get(name, "")]
    return _element("mrow", None, table.join(fences)) if fences else table


def _cells(row: Sequence[Tree]) -> str:
    return "".join(_element("mtd", None, "".join(_parts(cell))) for cell in row)


def _dressed(node: Node, base: str) -> str:
    """The symbol with its limits, then its scripts."""
    if node.symbol not in STACKS and node.symbol != r"\sqrt":
        base = _scripted("munder", "mover", base, node.below, node.above)
    if node.symbol in BRACES:
        return _scripted("munder", "mover", base, node.sub, node.sup)
    return _scripted("msub", "msup", base, node.sub, node.sup)


def _scripted(under: str, over: str, base: str, low: Tree, high: Tree) -> str:
    if not (low or high):
        return base
    tag = under + over[1:] if low and high else under if low else over
    return _element(tag, None, base + "".join(_row(row) for row in (low, high) if row))
