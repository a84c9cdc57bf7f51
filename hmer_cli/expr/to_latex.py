r"""Label -> LaTeX as a person types it: ``\frac{-b \pm \sqrt{b^2-4ac}}{2a}`` for pasting.

The symbol layout tree is spelled with the fewest braces and blanks that read well; brackets round
what is taller than a line grow by ``\left`` and ``\right``. ``normalise`` of the result is the
label.
"""

from __future__ import annotations

import re

from hmer_cli.expr.bracket_pairs import growing_pairs
from hmer_cli.expr.commands import COVERS, GREEK, OPERATORS, STACKING, STACKS
from hmer_cli.expr.faces import INSTEAD, printed
from hmer_cli.expr.glyphs import BIG, SPACED
from hmer_cli.expr.lexer import WORDS
from hmer_cli.expr.names import with_names
from hmer_cli.expr.node import Node, Tree
from hmer_cli.expr.parser import LabelError
from hmer_cli.expr.tokens import tokenize
from hmer_cli.expr.tree import parse

PUNCTUATION = frozenset(",.;")

_WORD = re.compile(rf"(?<![A-Za-z\\])(?:{'|'.join(WORDS)})(?![A-Za-z])")
_TAKEN = re.compile(r"(?<=\\\\ )[*\[](?= |$)|(?<=\\begin\{aligned\} )\[(?= |$)")
_BARE = frozenset("*+-") | GREEK | {r"\infty", r"\circ", r"\dagger", r"\ast"}
"""Scripts of one sign that need no braces, besides letters and digits; macros of several do."""

_FRAMES = STACKS | {r"\sqrt"}
_CHARACTERS = frozenset("=<>")
_WIDE = frozenset(token for token in SPACED if token[0] == "\\" and token != r"\|") | _CHARACTERS
_WIDE_ACCENTS = {r"\hat": r"\widehat", r"\tilde": r"\widetilde"}
_AFTER_WORD = re.compile(r"\\[A-Za-z]+$")
_BARE_SCRIPT = re.compile(r"[_^][A-Za-z0-9]$")


def to_latex(label: str) -> str:
    r"""The label as LaTeX to be pasted; what is no label is returned as it is.

    A label says ``\limits`` of every operator that could have them, so here they stand where
    LaTeX puts them: under and over a sum, beside an integral.
    """
    try:
        tree = parse(tokenize(label))
    except LabelError:
        return label
    # Letters that spell a function would be read as it.
    return _WORD.sub(lambda word: f"{word[0][0]} {word[0][1:]}", _row(with_names(tree)))


def latex_of_tokens(label: str) -> str:
    r"""The label's own tokens as LaTeX, which takes a star or a bracket after ``\\`` for its own,
    and a bracket after ``aligned``: these stand in braces. What it would print as other signs is as
    in `to_latex`."""
    return _TAKEN.sub(r"{ \g<0> }", printed(label))


def split_punctuation(label: str) -> tuple[str, str]:
    """The label without the punctuation of the sentence that it ends, and that punctuation."""
    tokens = tokenize(label)
    if len(tokens) > 1 and tokens[-1] in PUNCTUATION and tokens[-2] not in PUNCTUATION:
        return " ".join(tokens[:-1]), tokens[-1]
    return " ".join(tokens), ""


def _row(tree: Tree, loose: bool = True) -> str:
    """The row; ``loose`` has blanks round relations, which scripts do without."""
    text, left = "", None
    grown = _grown(tree)
    for i, node in enumerate(tree):
        spelled = grown.get(i, "") + _sign(node, loose) + _scripts(node)
        if left is not None:
            text += _blank(tree, left, i, text, spelled, loose)
        text, left = text + spelled, i
        if grown.get(i) == r"\left" or grown.get(i + 1) == r"\right":
            text, left = f"{text} ", None
    return text


def _grown(tree: Tree) -> dict[int, str]:
    r"""Index of a bracket round something tall -> ``\left`` or ``\right``."""
    grown: dict[int, str] = {}
    for j, i in growing_pairs(tree).items():
        grown |= {i: r"\left", j: r"\right"}
    return grown


def _sign(node: Node, loose: bool) -> str:
    """The sign with what belongs to it and what is placed over or under it."""
    text = _bare_sign(node, loose)
    if node.symbol in OPERATORS and not (node.sub or node.sup):
        if not (node.above or node.below):
            return text
        limits = "" if node.symbol in STACKING else r"\limits"
        return text + limits + _script("_", node.below) + _script("^", node.above)
    if node.symbol not in _FRAMES:
        if node.below:
            text = rf"\underset{_braced(node.below, False)}{{{text}}}"
        if node.above:
            text = rf"\overset{_braced(node.above, False)}{{{text}}}"
        elif node.below and node.sub:  # a second subscript to MathJax
            text = f"{{{text}}}"
    return text


def _bare_sign(node: Node, loose: bool) -> str:
    if not node.symbol:
        return "{}"
    if node.symbol in STACKS:
        return node.symbol + _braced(node.above, loose) + _braced(node.below, loose)
    if node.symbol == r"\sqrt":
        return node.symbol + _index(node.above) + _braced(node.inside, loose)
    if node.symbol in COVERS:
        wide = _WIDE_ACCENTS.get(node.symbol) if len(node.inside) > 1 else None
        return (wide or node.symbol) + _braced(node.inside, loose)
    if node.cells:
        rows = (" & ".join(_row(cell) for cell in row) for row in node.cells)
        # LaTeX takes a star or a bracket after \\ for its own, and a bracket after aligned.
        first, *others = (row.strip(" ") for row in rows)
        if node.symbol == r"\begin{aligned}":
            first = re.sub(r"^\[", "{[}", first)
        body = r" \\ ".join([first, *(re.sub(r"^[*\[]", r"{\g<0>}", row) for row in others)])
        return f"{node.symbol} {body} {node.symbol.replace('begin', 'end')}"
    return INSTEAD.get(node.symbol) or "".join(node.symbol.split())


def _index(index: Tree) -> str:
    if not index:
        return ""
    text = _row(index, False)
    return f"[{{{text}}}]" if "]" in text else f"[{text}]"


def _braced(tree: Tree, loose: bool) -> str:
    return f"{{{_row(tree, loose)}}}"


def _scripts(node: Node) -> str:
    """Subscript, then superscript, whose leading primes are ticks."""
    primes = 0
    while primes < len(node.sup) and node.sup[primes] == Node(r"\prime"):
        primes += 1
    return _script("_", node.sub) + "'" * primes + _script("^", node.sup[primes:])


def _script(sign: str, tree: Tree) -> str:
    if not tree:
        return ""
    (first, *others) = tree
    if not others and not any(first.rows) and not first.cells:
        token = first.symbol
        if token in _BARE or (len(token) == 1 and token.isalnum()):
            return sign + token
    return sign + _braced(tree, False)


def _blank(tree: Tree, left: int, right: int, before: str, after: str, loose: bool) -> str:
    """What parts two signs: a blank where TeX needs one or a reader likes one."""
    a, b = tree[left].symbol, tree[right].symbol
    if _AFTER_WORD.search(before) and after[0].isalpha():
        return " "
    if after.startswith(r"\bmod") or before.endswith(r"\bmod"):
        return " "
    if _is_wide(a, loose) or _is_wide(b, loose):
        return " "
    if a in ",;":
        number = b.isdigit() and left > 0 and tree[left - 1].symbol.isdigit()
        return " " if loose and not number else ""
    if a in OPERATORS and (after[0].isalnum() or after[0] == "\\" or a in BIG):
        return " "
    return " " if _BARE_SCRIPT.search(before) and after[0].isalnum() else ""


def _is_wide(token: str, loose: bool) -> bool:
    return token in _WIDE and (loose or token not in _CHARACTERS)
