"""Metrics of a layout: do the boxes show the relations of their symbol graph? No recogniser needed.

Input: a `SymbolGraph` and boxes (N, 4). Output: which relations hold, IoU, diversity. Method: the
x height and baseline of each symbol are estimated from its box and the usual extents of its token;
a relation holds if the vertical offset and the size ratio are within limits. Stretchable symbols
(brackets, roots, sums) give a middle only. The limits were chosen on the boxes of CROHME's training
symbols, of whose relations 99 % hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hmer_cli.expr.commands import COVERS, OPERATORS
from hmer_cli.expr.symbol_classes import LAYOUT_CLASSES, layout_class
from hmer_cli.geometry import iou
from hmer_cli.synthesis.layout_statistics import extents
from hmer_cli.synthesis.symbol_graph import Relation, SymbolGraph

Boxes = NDArray[np.floating]
"""(N, 4): left, top, right, bottom, y down, in any unit."""

LEVEL, LEVEL_TALL = 0.66, 1.1
"""The largest vertical offset of a Right neighbour, in x heights; the second beside a symbol that
may be taller than its line."""  # chosen on CROHME train

SHRINK = 0.4
"""Offset, in x heights, that a size ratio of e counts for: a small, slightly low symbol is a
subscript."""  # chosen on CROHME train

RISE = 0.3
"""The least offset of a script, in the same measure."""  # chosen on CROHME train

_HIGH = 0.4
"""Beside a tall symbol, offsets up to this share of its height are level."""

_TOUCH = 0.4
"""Tolerance of overlaps, in x heights."""  # chosen on CROHME train

_SIZED = 0.5
_TALL = frozenset(("open", "close", "bar", "large", "root", "frac"))


@dataclass(frozen=True)
class LayoutChecker:
    """Checks relations of one expression by its boxes.

    ``middles`` (N, 2) are the centres; ``lines`` (N, 2) the same with the y of the middle of the x
    height of each symbol's line; ``units`` (N,) that x height; ``below`` (N, N) is true where the
    second symbol is a descendant of the first.
    """

    graph: SymbolGraph
    boxes: Boxes
    middles: Boxes
    lines: Boxes
    units: Boxes
    below: NDArray[np.bool_]

    @classmethod
    def of(cls, graph: SymbolGraph, boxes: Boxes) -> LayoutChecker:
        """Estimate lines and units from the boxes (N, 4)."""
        middles = (boxes[:, :2] + boxes[:, 2:]) / 2
        units = _units(graph.symbols, boxes)
        lines = middles.copy()
        for i, token in enumerate(graph.symbols):
            if layout_class(token) in ("letter", "mark"):
                top, bottom = extents().get(token, (-1.0, 0.0))
                lines[i, 1] -= ((top + bottom) / 2 + 0.5) * units[i]
        below = np.eye(len(boxes), dtype=bool)
        related = edges(graph)
        for first, _, second in related:
            below[:, second] |= below[:, first]
        for first, relation, second in reversed(related):
            if relation is Relation.INSIDE and graph.symbols[first] in COVERS:
                lines[first, 1], units[first] = lines[second, 1], units[second]
        return cls(graph, boxes, middles, lines, units, below)

    def holds(self, first: int, relation: Relation, second: int) -> bool:
        """Whether the second symbol, or its whole row, has this relation to the first."""
        if relation in (Relation.RIGHT, Relation.SUP, Relation.SUB):
            return self._beside(first, relation, second)
        token = self.graph.symbols[first]
        row = self.boxes[self.below[second]]
        part = np.concatenate([row[:, :2].min(0), row[:, 2:].max(0)])
        if relation is Relation.INSIDE:
            return self._cover(first, part) if token in COVERS else self._inside(first, second)
        if token == r"\sqrt":
            return bool((self.middles[second] < self.middles[first]).all())
        up = 1 if relation is Relation.ABOVE else -1
        middle = (part[1] + part[3]) / 2 if token in OPERATORS else (part[3], part[1])[up < 0]
        room = 0.0 if token in OPERATORS else _TOUCH * self.units[first]
        return bool(up * (self.middles[first, 1] - middle) > -room) and self._over(first, part)

    def _beside(self, first: int, relation: Relation, second: int) -> bool:
        ahead = self.middles[second, 0] - self.middles[first, 0]
        if ahead <= 0:
            return False
        if relation is Relation.RIGHT:
            left = self.boxes[second, 0] - self.boxes[first, 2]
            narrow = min(self.boxes[i, 2] - self.boxes[i, 0] for i in (first, second))
            separate = left >= -0.5 * narrow - _TOUCH * self.units[first]
            return bool(separate and self._level(first, second))
        prime = self.graph.symbols[second] == r"\prime"
        at = self.middles if prime else self.lines
        up = (at[first, 1] - at[second, 1]) * (1 if relation is Relation.SUP else -1)
        return bool(up > 0 and (prime or self._off(first, second) > RISE))

    def _level(self, first: int, second: int) -> bool:
        """Whether two symbols stand in one line."""
        kinds = [layout_class(self.graph.symbols[i]) for i in (first, second)]
        if _TALL.isdisjoint(kinds):
            return self._off(first, second) <= LEVEL
        unit = max(self.units[first], self.units[second])
        high = max(self.boxes[i, 3] - self.boxes[i, 1] for i in (first, second))
        off = abs(self.lines[first, 1] - self.lines[second, 1])
        return bool(off <= max(LEVEL_TALL * unit, _HIGH * high))

    def _off(self, first: int, second: int) -> float:
        """Vertical offset of the second symbol from the first's line plus a penalty on its size."""
        one, other = self.units[first], self.units[second]
        off = abs(self.lines[first, 1] - self.lines[second, 1]) / max(one, other)
        return float(off + SHRINK * max(0.0, np.log(one / other)))

    def _over(self, first: int, part: Boxes) -> bool:
        """Whether the middle of the row lies over or under the symbol; for limits, whether they
        overlap."""
        room = _TOUCH * self.units[first]
        x0, _, x1, _ = self.boxes[first]
        if self.graph.symbols[first] in OPERATORS:
            return bool(part[0] < x1 + 2 * room and part[2] > x0 - 2 * room)
        return bool(x0 - room < (part[0] + part[2]) / 2 < x1 + room)

    def _inside(self, first: int, second: int) -> bool:
        """Whether the row begins under the radical's bar and no symbol's middle lies beyond it."""
        room = _TOUCH * self.units[first]
        x0, y0, x1, y1 = self.boxes[first]
        row = self.below[second]
        across = (
            x0 - room < self.boxes[row, 0].min() and self.middles[row, 0].max() < x1 + 1.5 * room
        )
        return bool(across and y0 - room < self.middles[row, 1].mean() < y1 + 2 * room)

    def _cover(self, first: int, part: Boxes) -> bool:
        under = self.graph.symbols[first] == r"\underline"
        down = (part[1] + part[3]) / 2 - self.middles[first, 1]
        return bool((down > 0) != under) and self._over(first, part)


def edges(graph: SymbolGraph) -> list[tuple[int, Relation, int]]:
    """The edges of the tree: (parent, relation, child) for each symbol but the first."""
    first, second = np.nonzero(
        (graph.relations > Relation.NONE) & (graph.relations <= Relation.INSIDE)
    )
    order = np.argsort(second)
    return [
        (int(i), Relation(int(graph.relations[i, j])), int(j))
        for i, j in zip(first[order], second[order], strict=True)
    ]


def relations_held(graph: SymbolGraph, boxes: Boxes) -> list[bool]:
    """For each of the `edges` of the graph, whether its boxes (N, 4) show it."""
    checker = LayoutChecker.of(graph, np.asarray(boxes, float))
    return [checker.holds(*edge) for edge in edges(graph)]


def aligned(boxes: Boxes, to: Boxes) -> Boxes:
    """The boxes translated and scaled (one factor) to fit others by least squares, (N, 4)."""
    points, goal = (np.asarray(b, float).reshape(-1, 2) for b in (boxes, to))
    centre, middle = points.mean(0), goal.mean(0)
    spread = ((points - centre) ** 2).sum()
    scale = ((points - centre) * (goal - middle)).sum() / max(spread, 1e-9)
    return ((points - centre) * scale + middle).reshape(-1, 4)


def overlap(boxes: Boxes, truth: Boxes) -> float:
    """The mean intersection over union of each box with the true one, after `aligned`."""
    return float(iou(aligned(boxes, truth), truth).mean())


def diversity(samples: Sequence[Boxes]) -> float:
    """The standard deviation of the sides of the boxes over samples of one expression.

    Each sample is aligned to the first; the unit is the mean longer side of its boxes.
    """
    first = np.asarray(samples[0], float)
    unit = (first[:, 2:] - first[:, :2]).max(1).mean()
    stack = np.stack([aligned(sample, first) for sample in samples]) / unit
    return float(np.sqrt(stack.var(0).mean()))


def _units(symbols: Sequence[str], boxes: Boxes) -> NDArray[np.float64]:
    """The x height (N,) by each symbol of known extents; elsewhere the expression's median."""
    units = np.full(len(symbols), np.nan)
    for i, token in enumerate(symbols):
        top, bottom = extents().get(token, (0.0, 0.0))
        if token not in LAYOUT_CLASSES and bottom - top > _SIZED:
            units[i] = (boxes[i, 3] - boxes[i, 1]) / (bottom - top)
    heights = boxes[:, 3] - boxes[:, 1]
    usual = np.nanmedian(units) if np.isfinite(units).any() else np.median(heights) / 1.5
    return np.where(np.isfinite(units), units, max(usual, 1e-6))
