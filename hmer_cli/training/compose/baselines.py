"""Baselines and x heights of the lines of labelled ink.

Input: an expression with segmented symbols. Output: for each line its baseline and x height, by
least squares over its symbols, whose usual extents are known (``x`` is one unit high, ``b`` 1.7).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from hmer_cli.expr.node import Node, Tree, placed
from hmer_cli.expr.tree import LabelError, parse, to_tokens
from hmer_cli.geometry import Box, union
from hmer_cli.synthesis.layout_statistics import spelled_rows
from hmer_cli.training.compose.examples import Example

Extents = Mapping[str, tuple[float, float]]
"""Top and bottom of each token in x heights, y down from the baseline."""

_ELASTIC = frozenset(
    r"""( ) [ ] | \{ \} / \sqrt \sum \int \prod \langle \rangle \| , . \prime \ldots \cdots
    \cdot""".split()
)
"""Symbols whose height depends on their content, or that are too small: not used in fits."""

_FLAT = 0.5
"""Symbols lower than this, in x heights, give the position of a line but not its size."""

_TRUST = 0.4
"""Weight of the unit of the whole expression relative to one symbol of a line."""

_LEAST = 0.3
"""Least unit of a line relative to that expected from the expression."""

_SCRIPT = 0.7
"""Usual unit of a script in units of its base."""


@dataclass
class Line:
    """A line of writing: the y of its baseline and the height of its x, in units of the ink."""

    depth: int
    base: float = 0.0
    unit: float = 0.0
    members: list[tuple[str, Box]] = field(default_factory=list)


@dataclass
class PlacedSymbol:
    """A node of the label's tree with the ink's box, its symbol and the line it stands in."""

    node: Node
    symbol: int
    box: Box
    line: Line
    rows: dict[str, list[PlacedSymbol]] = field(default_factory=dict)

    @property
    def extent(self) -> Box:
        """The box of the symbol with its scripts, limits and content."""
        boxes = [self.box, *(s.extent for row in self.rows.values() for s in row)]
        return union(boxes)

    def walk(self) -> Iterator[PlacedSymbol]:
        """This symbol and all in its rows."""
        yield self
        for row in self.rows.values():
            for mark in row:
                yield from mark.walk()


def placed_symbols(example: Example, extents: Extents) -> list[PlacedSymbol] | None:
    """The symbols of the example in their lines; None if label and ink do not match."""
    if example.places is None or not example.symbols:
        return None
    try:
        tree = parse(example.tokens)
    except LabelError:
        return None
    if tuple(to_tokens(tree)) != example.tokens:
        return None
    assignment = _Assignment(example)
    marks = assignment.row(tree, assignment.line(0))
    if marks is None or assignment.next != len(example.symbols) or not assignment.fit(extents):
        return None
    return marks


class _Assignment:
    """Assigns the symbols of the ink to the nodes of a tree, in the order of the label."""

    def __init__(self, example: Example) -> None:
        self.boxes = [_box(example, members) for members in example.symbols]
        self.next = 0
        self.lines: list[Line] = []

    def line(self, depth: int) -> Line:
        self.lines.append(Line(depth))
        return self.lines[-1]

    def row(self, tree: Tree, line: Line) -> list[PlacedSymbol] | None:
        marks = []
        for node in tree:
            mark = self.mark(node, line)
            if mark is None:
                return None
            marks.append(mark)
        return marks

    def mark(self, node: Node, line: Line) -> PlacedSymbol | None:
        if not node.symbol or node.cells or self.next >= len(self.boxes) or placed(node):
            return None
        mark = PlacedSymbol(node, self.next, self.boxes[self.next], line)
        line.members.append((node.symbol, mark.box))
        self.next += 1
        for name in spelled_rows(node):
            tree = getattr(node, name)
            below = line if name == "inside" else self.line(line.depth + _deeper(node, name))
            row = self.row(tree, below)
            if row is None:
                return None
            mark.rows[name] = row
        return mark

    def fit(self, extents: Extents) -> bool:
        """Fit baseline and unit of every line; False if no symbol determines the size."""
        sizes = [
            (box[3] - box[1]) / (extents[token][1] - extents[token][0]) / _SCRIPT**line.depth
            for line in self.lines
            for token, box in line.members
            if _sized(token, extents)
        ]
        if not sizes:
            return False
        for line in self.lines:
            _fit(line, float(np.median(sizes)) * _SCRIPT**line.depth, extents)
        return True


def _deeper(node: Node, row: str) -> int:
    return 0 if node.symbol == r"\frac" and row in ("above", "below") else 1


def _box(example: Example, members: tuple[int, ...]) -> Box:
    points = np.concatenate([example.strokes[i] for i in members])
    (x0, y0), (x1, y1) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return x0, y0, x1, y1


def _sized(token: str, extents: Extents) -> bool:
    top, bottom = extents.get(token, (0.0, 0.0))
    return token not in _ELASTIC and bottom - top > _FLAT


def _fit(line: Line, unit: float, extents: Extents) -> None:
    """Least squares of ``y = base + unit * extent`` over the tops, bottoms and middles."""
    rows = [(0.0, _TRUST, _TRUST * unit)]
    for token, (_, y0, _, y1) in line.members:
        top, bottom = extents.get(token, (0.0, 0.0))
        if _sized(token, extents):
            rows += [(1.0, top, y0), (1.0, bottom, y1)]
        elif token in extents and token not in _ELASTIC:
            rows.append((1.0, (top + bottom) / 2, (y0 + y1) / 2))
    if len(rows) > 1:
        table = np.array(rows)
        (base, unit), *_ = np.linalg.lstsq(table[:, :2], table[:, 2], rcond=None)
        line.base, line.unit = float(base), max(float(unit), _LEAST * rows[0][2] / _TRUST)
