"""Removes overlaps from a predicted layout: boxes of symbols -> boxes with a least gap.

A layout network predicts each box relative to its parent in the tree, not to the parent's scripts,
so a long subscript may overlap the next symbol, and a fraction bar may be shorter than its content.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hmer_cli.expr.commands import OPERATORS
from hmer_cli.expr.node import Node, Tree
from hmer_cli.synthesis.layout_statistics import spelled_rows

Boxes = NDArray[np.float64]


def separate(tree: Tree, boxes: Boxes, least: float) -> Boxes:
    """The boxes with a gap of at least ``least`` between neighbours and their scripts.

    ``boxes`` (N, 4) are left, top, right, bottom of the symbols in the order of the label. Fraction
    bars and radicals are extended over their content; no other box changes its size.
    """
    boxes = np.array(boxes, float)
    _Spacer(boxes, least).row(tree, 0)
    return boxes


class _Spacer:
    def __init__(self, boxes: Boxes, least: float) -> None:
        self.boxes = boxes
        self.least = least

    def row(self, tree: Tree, start: int) -> tuple[int, float]:
        """Space a row that begins at this index; the index after it, how far its end moved."""
        moved, reach = 0.0, -np.inf
        for node in tree:
            end = self.node(node, start)
            part = self.boxes[start:end, ::2]
            part += moved
            lack = max(0.0, reach + self.least - float(part.min()))
            part += lack
            moved, reach = moved + lack, max(reach, float(part.max()))
            start = end
        return start, moved

    def node(self, node: Node, at: int) -> int:
        """Space the rows attached to the symbol with this index; the index after all of them."""
        start = at + 1
        for name in spelled_rows(node):
            end, moved = self.row(getattr(node, name), start)
            if name != "inside" and (node.symbol == r"\frac" or node.symbol in OPERATORS):
                self.boxes[start:end, ::2] -= moved / 2
            if node.symbol == r"\frac" or (node.symbol == r"\sqrt" and name == "inside"):
                self.cover(at, self.boxes[start:end], name)
            start = end
        return start

    def cover(self, at: int, held: Boxes, name: str) -> None:
        """Extend a fraction bar or a radical over its content."""
        own = self.boxes[at]
        own[0] = min(own[0], held[:, 0].min())
        own[2] = max(own[2], held[:, 2].max())
        if name == "inside":
            own[1] = min(own[1], held[:, 1].min() - self.least)
