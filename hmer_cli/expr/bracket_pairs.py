"""Matching brackets of a row, whether they stretch with their content, and where operands end.

Input: a symbol layout tree. Output: the index of the opening bracket for each closing one; for each
sign, whether it can be the last of an operand.
"""

from __future__ import annotations

from hmer_cli.expr.commands import STACKS
from hmer_cli.expr.glyphs import BIG, CLOSING, GLYPHS, OPENING
from hmer_cli.expr.node import Node, Tree


def bracket_pairs(tree: Tree) -> dict[int, int]:
    """Index of a closing bracket -> that of its opening one; kinds may mix, as in ``[ 0 , 1 )``.

    Left out are pairs with something over or under one of the two, which is not over the pair.
    """
    pairs: dict[int, int] = {}
    waiting: list[int] = []
    for i, node in enumerate(tree):
        if node.symbol in OPENING and not any(node.rows):
            waiting.append(i)
        elif node.symbol in CLOSING and waiting:
            opening = waiting.pop()
            if not (node.above or node.below):
                pairs[i] = opening
    return pairs


BARS = frozenset(("|", r"\|"))


def growing_pairs(tree: Tree) -> dict[int, int]:
    """Those of brackets and of bars round something tall, which grow with it."""
    pairs = bracket_pairs(tree)
    found = pairs | _bar_pairs(tree, pairs)
    return {j: i for j, i in found.items() if any(map(is_tall, tree[i + 1 : j]))}


def _bar_pairs(tree: Tree, pairs: dict[int, int]) -> dict[int, int]:
    """Index of a closing bar -> that of its opening one, where each has a partner."""
    bars = [i for i, node in enumerate(tree) if node.symbol in BARS]
    if len(bars) % 2:
        return {}
    return {
        j: i
        for j, i in zip(bars[1::2], bars[::2], strict=True)
        if not (any(tree[i].rows) or tree[j].above or tree[j].below) and _same_level(pairs, i, j)
    }


def _same_level(pairs: dict[int, int], first: int, last: int) -> bool:
    """Whether no bracket pair parts two bars."""
    return not any((i < first < j) != (i < last < j) for j, i in pairs.items())


def operand_ends(tree: Tree, pairs: dict[int, int]) -> list[bool]:
    """Whether each sign can end an operand, so that a minus behind it is binary.

    A bar closes the last one open within the same brackets (``pairs``) if an operand ends before
    it; any other opens. An angle that no bracket closes is closed by a bar, as in a bra. A bar with
    scripts ends what it is evaluated of.
    """
    ends: list[bool] = []
    paired = set(pairs.values())
    waiting: list[list[str]] = [[]]  # the bars that are open, within each bracket
    for i, node in enumerate(tree):
        operand = bool(ends) and ends[-1]
        if node.symbol in BARS:
            bars = waiting[-1]
            closing = operand and node.symbol in bars
            scripted = bool(node.sub or node.sup)
            if closing:
                while bars.pop() != node.symbol:
                    pass
            elif not scripted:
                bars.append(node.symbol)
            ends.append(closing or scripted)
        elif node.symbol in OPENING:
            if i in paired:
                waiting.append([])
            elif node.symbol == r"\langle":
                waiting[-1].append("|")
            ends.append(False)
        elif node.symbol in CLOSING:
            if i in pairs:
                waiting.pop()
            ends.append(i in pairs or operand)
        else:
            operator = GLYPHS.get(node.symbol, ("",))[0] == "mo" or node.symbol == r"\bmod"
            ends.append(node.symbol == "!" or not operator)
    return ends


def is_tall(node: Node) -> bool:
    """Whether brackets round the sign should grow."""
    tall = node.symbol in STACKS or node.symbol in BIG
    return tall or bool(node.cells or node.above or node.below) or any(map(is_tall, node.inside))
