r"""Label -> mathematics of Typst (typst.app/docs/reference/math), without the dollars round it.

Symbols are the characters of Unicode that Typst knows by their classes; constructs are its
functions. What Typst would take for syntax is escaped, and blanks part all else, as letters in a
row would be one name.
"""

from __future__ import annotations

from hmer_cli.expr.bracket_pairs import BARS, bracket_pairs, growing_pairs
from hmer_cli.expr.commands import COVERS, STACKING, STACKS
from hmer_cli.expr.glyphs import BRACES, CLOSING, GLYPHS, NAMED_OPERATORS, OPENING, SPACED
from hmer_cli.expr.names import BINARY, is_function, upright
from hmer_cli.expr.node import Node, Tree, place_limits
from hmer_cli.expr.to_mathml import TIGHT
from hmer_cli.expr.tokens import tokenize
from hmer_cli.expr.tree import parse

_COVERS = {
    r"\hat": "hat", r"\check": "caron", r"\tilde": "tilde", r"\acute": "acute", r"\grave": "grave",
    r"\dot": "dot", r"\ddot": "dot.double", r"\breve": "breve", r"\bar": "macron", r"\vec": "arrow",
    r"\overline": "overline", r"\underline": "underline", r"\overrightarrow": "arrow",
    r"\overleftarrow": "arrow.l", r"\overbrace": "overbrace", r"\underbrace": "underbrace",
}  # fmt: skip
_NAMES = {name: name[1:] for name in NAMED_OPERATORS}
_NAMES |= {name: f'op("{GLYPHS[name][1]}", limits: #true)' for name in (r"\injlim", r"\projlim")}
_DELIMITERS = {"pmatrix": '"("', "bmatrix": '"["', "Bmatrix": '"{"', "vmatrix": '"|"'}
_DELIMITERS |= {"Vmatrix": '"‖"', "matrix": "#none", "aligned": "#none"}
_SYNTAX = frozenset("#$&/\\^_\"'@`~*<>()[]{}⟨⟩⌈⌉⌊⌋⌜⌝⌞⌟√")
_STACKING = STACKING | (SPACED.keys() - BARS - {"!"})
"""Signs whose scripts would stand over and under them, as they do for Typst's relations."""
_SEPARATORS = {",": "comma", ";": "semi", ":": "colon"}


def to_typst(label: str) -> str:
    """Raises LabelError if the label is not LaTeX."""
    tree = place_limits(parse(tokenize(label)))
    if len(tree) == 1 and tree[0].symbol == r"\begin{aligned}" and not (tree[0].sub or tree[0].sup):
        return _lines(tree[0])
    return _row(tree)


def _lines(node: Node) -> str:
    return " \\\n".join(" & ".join(map(_row, row)) for row in node.cells)


def _row(tree: Tree) -> str:
    """The row; digits that follow each other are one number."""
    grown = {i for pair in bracket_pairs(tree).items() for i in pair}
    tall = {j: i for j, i in growing_pairs(tree).items() if tree[j].symbol in BARS}
    bars = dict.fromkeys(tall, "%s)") | dict.fromkeys(tall.values(), "lr(%s")
    text, number = "", False
    for i, node in enumerate(tree):
        digit = len(node.symbol) == 1 and (node.symbol.isdigit() or node.symbol == ".")
        sign = bars[i] % GLYPHS[node.symbol][1] if i in bars else _sign(node, paired=i in grown)
        part = _dressed(node, sign)
        text += part if (number and digit) or not text else f" {part}"
        number = digit and part == node.symbol
    return text


def _sign(node: Node, *, paired: bool) -> str:
    """The symbol with its arguments, without scripts and limits."""
    if not node.symbol:
        return '""'
    if node.symbol in STACKS:
        name = "frac" if node.symbol == r"\frac" else "binom"
        return f"{name}({_argument(node.above)}, {_argument(node.below)})"
    if node.symbol == r"\sqrt":
        inside = _argument(node.inside)
        return f"root({_argument(node.above)}, {inside})" if node.above else f"sqrt({inside})"
    if node.symbol in COVERS:
        return f"{_COVERS[node.symbol]}({_argument(node.inside)})"
    if node.cells:
        return _grid(node)
    if node.symbol in _NAMES:
        return _NAMES[node.symbol]
    if node.symbol == BINARY:
        return 'class("binary", "mod")'
    if word := upright(node.symbol):
        return f'op("{word}")' if is_function(node.symbol) else f"upright({word})"
    glyph = GLYPHS.get(node.symbol, ("mtext", node.symbol))[1]
    if glyph in _SEPARATORS:
        return _SEPARATORS[glyph]
    if glyph in TIGHT and glyph != "/":
        return f'class("normal", {glyph})'
    bare = paired and node.symbol in OPENING | CLOSING
    return glyph if bare or glyph not in _SYNTAX else f"\\{glyph}"


def _argument(tree: Tree) -> str:
    return _row(tree) or '""'


def _grid(node: Node) -> str:
    name = node.symbol[7:-1]
    if name == "cases":
        return f"cases({', '.join(' & '.join(map(_argument, row)) for row in node.cells)})"
    rows = "; ".join(", ".join(map(_argument, row)) for row in node.cells)
    return f"mat(delim: {_DELIMITERS[name]}, {rows})"


def _dressed(node: Node, base: str) -> str:
    """The symbol with what is over, under and beside it."""
    above, below = node.above, node.below
    if node.symbol in STACKS or node.symbol == r"\sqrt":
        above, below = (), ()
    sub, sup = node.sub, node.sup
    note = sup if node.symbol == r"\overbrace" else sub
    if node.symbol in BRACES and note:
        base = f"{base[:-1]}, {_row(note)})"
        sub, sup = (() if row is note else row for row in (sub, sup))
    places = {"t": above, "b": below, "tr": sup, "br": sub}
    plain = not (above or below) and node.symbol not in _STACKING and node.symbol
    if plain:
        return base + _script("_", sub) + _script("^", sup)
    held = [f"{place}: {_row(row)}" for place, row in places.items() if row]
    if above or below:
        base = f"limits({base})"
    return f"attach({', '.join([base, *held])})" if held else base


def _script(sign: str, row: Tree) -> str:
    return f"{sign}({_row(row)})" if row else ""
