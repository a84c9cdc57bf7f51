r"""Names of functions, and numbers, which labels spell sign by sign, as one sign each.

Input and output: a symbol layout tree. The sign of a name is ``\operatorname{rank}`` or ``\bmod``,
as LaTeX has it, that of a number its digits; ``\mathrm{d}`` is one letter that was typed upright,
``\mathbf{1}`` a 1 that was typed bold.
"""

from __future__ import annotations

import re
from dataclasses import replace

from hmer_cli.expr.commands import FONTS
from hmer_cli.expr.glyphs import NAMED_OPERATORS, OPENING
from hmer_cli.expr.node import Node, Tree, rebuild_rows
from hmer_cli.expr.spellings import UPRIGHT

NAMES = frozenset(
    """tr Tr rank diag sgn sign span grad div rot curl vol proj Var Cov Hom End Aut Gal lcm adj
    supp conv mod argmax argmin sech csch""".split()
)
r"""Names of functions that LaTeX has no command for; ``\operatorname`` sets them."""

KNOWN_NAMES = NAMES | {name[1:] for name in NAMED_OPERATORS}

BINARY = r"\bmod"

BOLD_ONE = r"\mathbf{1}"
r"""As it was typed, such as a vector of ones; the label has ``\mathbb { 1 }``, as it is written."""

OF_SEVERAL = frozenset("argmax argmin limsup liminf".split())
r"""Names that are ``\arg \max`` and their like as operators; a label of letters is not."""

_UPRIGHT = UPRIGHT - frozenset(r"\mathit \mathnormal \textit \emph \mathop".split())
_UPRIGHT |= frozenset(r"\rm \sf \tt".split())
_JOINED = re.compile(r"\\(?:operatorname|mathrm)\{([A-Za-z]+)\}")


def in_upright(font: str, tokens: list[str], named: bool) -> list[str]:
    r"""The tokens of an argument in a font of text, by its command: ``l n`` is ``\ln``; everything
    else just loses the font, also ``int``, unless it is ``named``."""
    word = "".join(tokens)
    if f"\\{word}" in NAMED_OPERATORS and word.islower():
        return [f"\\{word}"]
    if not named or font not in _UPRIGHT:
        return tokens
    if word in KNOWN_NAMES:
        return [rf"\operatorname{{{word}}}"]
    return [
        rf"\mathrm{{{token}}}" if _is_plain(tokens, i) else token for i, token in enumerate(tokens)
    ]


def _is_plain(tokens: list[str], at: int) -> bool:
    """Whether a token is a letter, and in no font of its own."""
    faced = at >= 2 and tokens[at - 1] == "{" and tokens[at - 2] in FONTS
    return len(tokens[at]) == 1 and tokens[at].isalpha() and not faced


def with_names(tree: Tree) -> Tree:
    """The tree with each name that its letters spell as one sign, with the scripts of the last."""
    return rebuild_rows(tree, _with_names)


def with_numbers(tree: Tree) -> Tree:
    """The tree with each number as one sign, with the scripts of its last digit."""
    return rebuild_rows(tree, _with_numbers)


def upright(symbol: str) -> str:
    """The letters of a sign that is a name, or one upright letter or a bold 1; empty for any
    other."""
    if symbol == BINARY:
        return "mod"
    if symbol == BOLD_ONE:
        return "\N{MATHEMATICAL BOLD DIGIT ONE}"
    found = _JOINED.fullmatch(symbol)
    return found[1] if found else ""


def is_function(symbol: str) -> bool:
    """Whether a sign is the name of a function or operator, which blanks part from others."""
    return symbol in NAMED_OPERATORS or (symbol != BINARY and len(upright(symbol)) > 1)


def _with_names(row: Tree) -> Tree:
    out: list[Node] = []
    i = 0
    while i < len(row):
        end = _named(row, i)
        if end is None:
            out.append(row[i])
            i += 1
        else:
            name = "".join(node.symbol for node in row[i : end + 1])
            binary = name == "mod" and i and row[i - 1].symbol not in OPENING
            font = r"\mathrm" if name in OF_SEVERAL else r"\operatorname"
            out.append(replace(row[end], symbol=BINARY if binary else rf"{font}{{{name}}}"))
            i = end + 1
    return tuple(out)


def _named(row: Tree, begin: int) -> int | None:
    """The index of the last letter of a function's name that begins here; None for no name."""
    if begin and _is_letter(row[begin - 1]):
        return None
    end = begin
    while end < len(row) and _is_letter(row[end]):
        end += 1
        if any(row[end - 1].rows):
            break
    name = "".join(node.symbol for node in row[begin:end])
    if name not in NAMES or row[end - 1].above or row[end - 1].below:
        return None
    applied = end < len(row) and row[end].symbol in OPENING
    return end - 1 if applied or len(name) > 3 or name == "mod" else None


def _is_letter(node: Node) -> bool:
    return len(node.symbol) == 1 and node.symbol.isalpha()


def _with_numbers(row: Tree) -> Tree:
    out: list[Node] = []
    for i, node in enumerate(row):
        number = out[-1].symbol if out and not any(out[-1].rows) else ""
        digit = _is_digit(node) and number[-1:].isdigit()
        ends = i + 1 < len(row) and _is_digit(row[i + 1])
        point = node == Node(".") and number.isdigit() and ends
        after_point = _is_digit(node) and number[:1].isdigit() and number[-1:] == "."
        if digit or point or after_point:
            out[-1] = replace(node, symbol=number + node.symbol)
        else:
            out.append(node)
    return tuple(out)


def _is_digit(node: Node) -> bool:
    return len(node.symbol) == 1 and node.symbol.isdigit() and not (node.above or node.below)
