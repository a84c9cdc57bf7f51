"""Is a layout what its graph says? A ruler's answer, which needs no recogniser.

A reader tells ``x^2`` from ``x2`` by how far the second sign stands over the line of the first.
That line is taken from the sign's own box and the usual extents of its token; signs as high as
what they hold (brackets, roots, sums) only say where their middle is. Limits were set on real
boxes: those of CROHME's training symbols keep 99 % of the relations of their labels.
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
"""A neighbour at the right is no further above or below, in x heights of its line; nor beside a
sign that may be taller than its line."""

SHRINK = 0.4
"""So far off its line counts a neighbour that is smaller by a factor of e: small and a little low
is a subscript."""

RISE = 0.3
"""A script is off the line of its base by so much at least, in the same measure."""

_HIGH = 0.4
"""Beside a tall sign, anything within so much of its height from its middle stands level."""

_TOUCH = 0.4
"""Ink may reach over an edge that it should not by so much, in x heights."""

_SIZED = 0.5
_TALL = frozenset(("open", "close", "bar", "large", "root", "frac"))


@dataclass(frozen=True)
class Ruler:
    """The boxes of one expression, measured.

    ``middles`` (N, 2) are the centres, ``lines`` (N, 2) the same with the y of the middle of an x
    in the line of each sign, ``units`` (N,) the height of that x, ``below`` (N, N) is true where
    the second sign follows from the first: it stands right of it or hangs on it, or on one that
    does.
    """

    graph: SymbolGraph
    boxes: Boxes
    middles: Boxes
    lines: Boxes
    units: Boxes
    below: NDArray[np.bool_]

    @classmethod
    def of(cls, graph: SymbolGraph, boxes: Boxes) -> Ruler:
        """Measures the signs."""
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
        """Whether the second sign stands so to the first, by its box or that of its whole row."""
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
            apart = left >= -0.5 * narrow - _TOUCH * self.units[first]
            return bool(apart and self._level(first, second))
        prime = self.graph.symbols[second] == r"\prime"
        at = self.middles if prime else self.lines
        up = (at[first, 1] - at[second, 1]) * (1 if relation is Relation.SUP else -1)
        return bool(up > 0 and (prime or self._off(first, second) > RISE))

    def _level(self, first: int, second: int) -> bool:
        """Whether two signs stand in one line."""
        kinds = [layout_class(self.graph.symbols[i]) for i in (first, second)]
        if _TALL.isdisjoint(kinds):
            return self._off(first, second) <= LEVEL
        unit = max(self.units[first], self.units[second])
        high = max(self.boxes[i, 3] - self.boxes[i, 1] for i in (first, second))
        off = abs(self.lines[first, 1] - self.lines[second, 1])
        return bool(off <= max(LEVEL_TALL * unit, _HIGH * high))

    def _off(self, first: int, second: int) -> float:
        """How far the second sign is off the line of the first, and how much smaller."""
        one, other = self.units[first], self.units[second]
        off = abs(self.lines[first, 1] - self.lines[second, 1]) / max(one, other)
        return float(off + SHRINK * max(0.0, np.log(one / other)))

    def _over(self, first: int, part: Boxes) -> bool:
        """The middle of the row lies over or under the sign; loosely so for limits."""
        room = _TOUCH * self.units[first]
        x0, _, x1, _ = self.boxes[first]
        if self.graph.symbols[first] in OPERATORS:
            return bool(part[0] < x1 + 2 * room and part[2] > x0 - 2 * room)
        return bool(x0 - room < (part[0] + part[2]) / 2 < x1 + room)

    def _inside(self, first: int, second: int) -> bool:
        """The row begins under the radical's bar, and none of its signs has its middle beyond."""
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
    """The edges of the tree: each sign but the first, and how it stands to the one before it."""
    first, second = np.nonzero(
        (graph.relations > Relation.NONE) & (graph.relations <= Relation.INSIDE)
    )
    order = np.argsort(second)
    return [
        (int(i), Relation(int(graph.relations[i, j])), int(j))
        for i, j in zip(first[order], second[order], strict=True)
    ]


def relations_held(graph: SymbolGraph, boxes: Boxes) -> list[bool]:
    """Which of the `edges` of the graph its boxes show."""
    ruler = Ruler.of(graph, np.asarray(boxes, float))
    return [ruler.holds(*edge) for edge in edges(graph)]


def aligned(boxes: Boxes, to: Boxes) -> Boxes:
    """The boxes moved and scaled, the aspect kept, to come nearest to others by least squares."""
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
    """The height of an x by each sign that says it, the usual one of the expression elsewhere."""
    units = np.full(len(symbols), np.nan)
    for i, token in enumerate(symbols):
        top, bottom = extents().get(token, (0.0, 0.0))
        if token not in LAYOUT_CLASSES and bottom - top > _SIZED:
            units[i] = (boxes[i, 3] - boxes[i, 1]) / (bottom - top)
    heights = boxes[:, 3] - boxes[:, 1]
    usual = np.nanmedian(units) if np.isfinite(units).any() else np.median(heights) / 1.5
    return np.where(np.isfinite(units), units, max(usual, 1e-6))
