"""Candidate boxes of expressions: runs of neighbouring symbol groups along a line.

Input: the connected components of a page, with the probability of each of being mathematics and
of pairs of being in one expression. Output: `Line` objects, whose runs are the candidates. Method:
components are grouped into symbols and lines by several thresholds of distance (conventions, in
letter heights), so that most expressions are among the candidates.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.detect.component_graph import Links
from hmer_cli.page.detect.components import InkComponents
from hmer_cli.page.detect.integral import Floats
from hmer_cli.page.detect.neighbours import blocks, connected, gaps, labels, related

Indices = NDArray[np.int64]

_LIKELY = (0.1, 0.4)  # least probability of being mathematics of the parts of a run
_ABOVE = (0.15, 0.5, 1.0)  # letter heights between stacked parts of one symbol group
_STACKED = 0.6  # letter heights: reach of a fraction bar up and down
_BESIDE = 0.3  # letter heights between adjacent parts of one symbol group
_LINE_GAP = 6.0  # letter heights between neighbours along one line
_SCRIPT = (0.6, 0.25)  # letter heights beside and above: distance of a raised script from its line
_LONGEST = 20  # groups in a run
_REACH = 1.0  # letter heights: largest vertical distance of parts of a group or line
_LINKED = (0.3, 0.5, 0.7)  # least probability of a link between parts of one expression


@dataclass(frozen=True)
class Line:
    """Groups of parts from left to right: ``boxes`` (G, 4), and the parts in each."""

    boxes: Floats
    members: tuple[Indices, ...]

    def runs(self) -> tuple[Indices, Indices, Floats]:
        """Every run of neighbours: its first group, its last one, both included, and its box."""
        count = len(self.members)
        hulls = [self.boxes]
        for more in range(1, min(_LONGEST, count)):
            shorter, added = hulls[-1][:-1], self.boxes[more:]
            tops = np.minimum(shorter[:, :2], added[:, :2])
            hulls.append(np.concatenate([tops, np.maximum(shorter[:, 2:], added[:, 2:])], 1))
        first = np.concatenate([np.arange(len(hull)) for hull in hulls])
        last = first + np.repeat(np.arange(len(hulls)), [len(hull) for hull in hulls])
        order = np.lexsort((last, first))
        return first[order], last[order], np.concatenate(hulls)[order]


def find_lines(parts: InkComponents, likely: Floats, links: Links) -> Iterator[Line]:
    """Lines of symbol groups for several thresholds of mathematics and of distance.

    ``likely`` (N,) is the probability of each part of being mathematics, ``links`` those of pairs
    of being in one expression. Linked parts are a line too, for limits far below an operator. A
    part is in several lines.
    """
    near = _NearPairs.of(parts.boxes / parts.unit)
    for least in _LIKELY:
        chosen = likely > least
        for above in _ABOVE:
            groups, hulls = _groups(parts.boxes, near, chosen, above)
            yield from _lines(groups, hulls, parts.unit, above == _ABOVE[-1])
    chosen = likely > _LIKELY[0]
    for least in _LINKED:
        rows, columns = links.stronger(least)
        both = chosen[rows] & chosen[columns]
        linked = labels(len(parts), rows[both], columns[both])
        groups, hulls = _groups(parts.boxes, near, chosen, _ABOVE[1], linked)
        first = np.array([group[0] for group in groups], np.int64)
        _, line = np.unique(linked[first], return_inverse=True)
        for some in _each(line):
            yield _from_left(groups, hulls, some)


def _lines(groups: list[Indices], hulls: Floats, unit: float, raised: bool) -> Iterator[Line]:
    """Lines of adjacent symbol groups; with ``raised`` also scripts high above their base."""
    scaled = hulls / unit
    pairs = related(scaled, lambda rows, some: _beside(scaled[rows], scaled[some], raised), _REACH)
    for line in connected(len(groups), *pairs):
        yield _from_left(groups, hulls, line)


@dataclass(frozen=True)
class _NearPairs:
    """The pairs of parts that may be of one symbol group: P of ``rows`` and ``columns``.

    ``down`` (P,) is the white between two that stand one above the other, in letter heights,
    infinite for others; ``beside`` (P,) says of adjacent ones; ``flat`` (N,) are the parts that
    look like a bar.
    """

    rows: Indices
    columns: Indices
    down: Floats
    beside: NDArray[np.bool_]
    flat: NDArray[np.bool_]

    @classmethod
    def of(cls, boxes: Floats) -> _NearPairs:
        """Of parts with these boxes (N, 4) in letter heights."""
        found: list[tuple[NDArray[Any], ...]] = []
        for rows, some in blocks(boxes, _REACH):
            across, down = gaps(boxes[rows], boxes[some])
            narrower, lower = _smaller(boxes[rows], boxes[some])
            stacked = (-across > narrower / 2) & (down < _REACH)
            beside = (across < _BESIDE) & (-down > lower / 2)
            row, column = np.nonzero(stacked | beside)
            white = np.where(stacked[row, column], down[row, column], np.float32(np.inf))
            found.append((rows[row], some[column], white, beside[row, column]))
        if not found:
            none = np.zeros(0, np.int64)
            return cls(none, none, boxes[:0, 0], none > 0, _flat(boxes))
        rows, columns, white, adjacent = (
            np.concatenate([each[place] for each in found]) for place in range(4)
        )
        return cls(rows, columns, white, adjacent, _flat(boxes))

    def among(self, kept: NDArray[np.bool_]) -> _NearPairs:
        """Some of the pairs, ``kept`` (P,)."""
        rows, columns = self.rows[kept], self.columns[kept]
        return _NearPairs(rows, columns, self.down[kept], self.beside[kept], self.flat)


def _groups(
    boxes: Floats,
    near: _NearPairs,
    chosen: NDArray[np.bool_],
    above: float,
    sets: Indices | None = None,
) -> tuple[list[Indices], Floats]:
    """The symbol groups of the ``chosen`` parts (N,) and their boxes; each in one of the ``sets``.

    ``above``: letter heights between parts that stand one above the other, at most; ``sets`` (N,):
    a number of each part.
    """
    kept = chosen[near.rows] & chosen[near.columns]
    if sets is not None:
        kept &= sets[near.rows] == sets[near.columns]
    pairs = near.among(kept)
    held = (pairs.down < _STACKED) & ~near.flat[pairs.columns]
    relation = near.flat.copy()
    relation[pairs.rows[held]] = False
    alike = relation[pairs.rows] == relation[pairs.columns]
    joined = alike & ((pairs.down < above) | pairs.beside)
    label = labels(len(boxes), pairs.rows[joined], pairs.columns[joined])
    places = np.flatnonzero(chosen)
    if not len(places):
        return [], np.zeros((0, 4), np.float32)
    order = places[np.argsort(label[places], kind="stable")]
    starts = np.flatnonzero(np.diff(label[order], prepend=-1))
    corners = [np.minimum.reduceat(boxes[order, :2], starts, 0)]
    corners.append(np.maximum.reduceat(boxes[order, 2:], starts, 0))
    return np.split(order, starts[1:]), np.concatenate(corners, 1)


def _each(labels: Indices) -> list[Indices]:
    """The places of each label, which are 0, 1 and so on."""
    order = np.argsort(labels, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(labels[order])) + 1) if len(labels) else []


def _from_left(groups: list[Indices], hulls: Floats, line: Indices) -> Line:
    order = line[np.lexsort((hulls[line, 1], hulls[line, 0]))]
    return Line(hulls[order], tuple(groups[index] for index in order))


def relations(boxes: Floats) -> NDArray[np.bool_]:
    """Which parts look like a relation or an arrow, (N,): flat, and nothing above or below.

    ``boxes`` (N, 4) in letter heights. A fraction bar has something on both sides; the two bars
    of an equals sign have each other.
    """
    near = _NearPairs.of(boxes)
    held = (near.down < _STACKED) & ~near.flat[near.columns]
    free = near.flat.copy()
    free[near.rows[held]] = False
    return free


def _flat(boxes: Floats) -> NDArray[np.bool_]:
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    return np.asarray((width > 1.8 * height) & (width > 0.4) & (height < 0.9))


def _beside(boxes: Floats, others: Floats, raised: bool) -> NDArray[np.bool_]:
    """Which groups follow each other along a line, (R, C)."""
    across, down = gaps(boxes, others)
    _, lower = _smaller(boxes, others)
    follow = (across < _LINE_GAP) & (-down > 0.4 * lower)
    return follow | ((across < _SCRIPT[0]) & (down < _SCRIPT[1])) if raised else follow


def _smaller(boxes: Floats, others: Floats) -> tuple[Floats, Floats]:
    """The lesser width and the lesser height of each two boxes, (R, C) each."""
    here, there = (each[:, 2:] - each[:, :2] for each in (boxes, others))
    width, height = (np.minimum.outer(here[:, axis], there[:, axis]) for axis in range(2))
    return width, height
