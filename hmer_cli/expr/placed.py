r"""Rows over and under signs, as ``\overset`` places them -> the spelling of labels.

Input: the tokens of arguments, in braces. Output: tokens. A label has a row over or under one sign
only, so what people place over several is spelt another way, where labels have one.
"""

from __future__ import annotations

from hmer_cli.expr.commands import FUNCTIONS, OPERATORS, STACKS
from hmer_cli.expr.names import upright
from hmer_cli.expr.spellings import SYNONYMS
from hmer_cli.expr.tree import LabelError, Tree, parse

_OF_LETTERS = {"argmax": [r"\arg", r"\max"], "argmin": [r"\arg", r"\min"]}
_OF_LETTERS |= {"limsup": [r"\limsup"], "liminf": [r"\liminf"]}
_OF_LETTERS |= {word[1:]: [token] for word, token in SYNONYMS.items() if token in FUNCTIONS}  # tg

_DEFINING = frozenset(("=", r"\equiv", r"\Leftrightarrow"))
"""Signs that define with a colon beside them."""

_OVER = {r"\rightarrow": r"\overrightarrow", r"\leftarrow": r"\overleftarrow"}
"""Signs over several others -> the command that has them as its argument."""

_FRAMES = STACKS | {r"\sqrt"}
"""Signs that can have no row over or under them."""


def placed(command: str, row: list[str], base: list[str]) -> list[str]:
    r"""A row over or under a base. Labels can have it on one sign only: of ``:=`` it is on the
    equals sign, and an arrow over several signs is ``\overrightarrow``."""
    signs = base[1:-1]
    others = [sign for sign in signs if sign != ":"]
    if len(others) == 1 < len(signs) and others[0] in _DEFINING:
        at = signs.index(others[0])
        return [*signs[:at], command, *row, "{", *others, "}", *signs[at + 1 :]]
    if command == r"\overset" and row[1:-1] and row[1] in _OVER and len(row) == 3 and _many(base):
        return [_OVER[row[1]], *base]
    return [command, *row, *base]


def _many(tokens: list[str]) -> bool:
    """Whether a group holds several signs, or a fraction or root; False where it is no LaTeX, as
    the parser will say."""
    tree = _tree(tokens)
    return len(tree) > 1 or any(node.symbol in _FRAMES for node in tree)


def _tree(tokens: list[str]) -> Tree:
    try:
        return parse(tokens)
    except LabelError:
        return ()


def is_one_sign(base: list[str]) -> bool:
    """Whether a group holds one sign that can have a row over it, and is no operator or name."""
    signs = [node.symbol for node in _tree(base)]
    return len(signs) == 1 and signs[0] not in OPERATORS | _FRAMES and not upright(signs[0])


def under(row: list[str], base: list[str]) -> list[str]:
    """The base, with the row under it unless that is empty."""
    return ["{", r"\underset", *row, *base, "}"] if row[1:-1] else base


def as_operator(base: list[str]) -> list[str]:
    r"""``\arg \max`` for its letters, which could not have a row under them; ``\tan`` for tg."""
    word = "".join(upright(token) or token.strip("{}\\") for token in base)
    return ["{", *_OF_LETTERS[word], "}"] if word in _OF_LETTERS else base
