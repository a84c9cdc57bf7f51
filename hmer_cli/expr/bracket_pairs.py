"""Matching brackets of a row, and whether they stretch with their content.

Input: a symbol layout tree. Output: the index of the opening bracket for each closing one.
"""

from __future__ import annotations

from hmer_cli.expr.commands import STACKS
from hmer_cli.expr.glyphs import BIG, CLOSING, OPENING
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


def is_tall(node: Node) -> bool:
    """Whether brackets round the sign should grow."""
    tall = node.symbol in STACKS or node.symbol in BIG
    return tall or bool(node.cells or node.above or node.below) or any(map(is_tall, node.inside))
