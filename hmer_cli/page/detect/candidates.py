"""Candidate boxes of expressions: runs of neighbouring symbol groups along a line.

Input: the connected components of a page, with the probability of each of being mathematics and
of pairs of being in one expression. Output: `Line` objects, whose runs are the candidates. Method:
components are grouped into symbols and lines by several thresholds of distance (conventions, in
letter heights), so that most expressions are among the candidates.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hmer_cli.geometry import bounds
from hmer_cli.page.detect.component_graph import Links
from hmer_cli.page.detect.components import InkComponents
from hmer_cli.page.detect.integral import Floats
from hmer_cli.page.detect.neighbours import blocks, connected, related

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
    for least in _LIKELY:
        chosen = np.flatnonzero(likely > least)
        for above in _ABOVE:
            yield from _lines(parts.boxes, parts.unit, chosen, above, above == _ABOVE[-1])
    chosen = np.flatnonzero(likely > _LIKELY[0])
    place = np.full(len(parts), -1)
    place[chosen] = np.arange(len(chosen))
    for least in _LINKED:
        rows, columns = (place[each] for each in links.stronger(least))
        both = (rows >= 0) & (columns >= 0)
        for linked in connected(len(chosen), rows[both], columns[both]):
            groups, hulls = _groups(parts.boxes, parts.unit, chosen[linked], _ABOVE[1])
            yield _from_left(groups, hulls, np.arange(len(groups)))


def _lines(
    boxes: Floats, unit: float, chosen: Indices, above: float, raised: bool
) -> Iterator[Line]:
    """Lines of adjacent symbol groups; with ``raised`` also scripts high above their base."""
    if not len(chosen):
        return
    groups, hulls = _groups(boxes, unit, chosen, above)
    scaled = hulls / unit
    pairs = related(scaled, lambda rows, some: _beside(scaled[rows], scaled[some], raised), _REACH)
    for line in connected(len(groups), *pairs):
        yield _from_left(groups, hulls, line)


def _groups(
    boxes: Floats, unit: float, chosen: Indices, above: float
) -> tuple[list[Indices], Floats]:
    """The symbol groups of the chosen parts, one at least, and their boxes."""
    scaled = boxes[chosen] / unit
    relation = relations(scaled)

    def grouped(rows: Indices, some: Indices) -> NDArray[np.bool_]:
        alike = relation[rows][:, None] == relation[some]
        return alike & _grouped(scaled[rows], scaled[some], above)

    pairs = related(scaled, grouped, _REACH)
    groups = [chosen[group] for group in connected(len(chosen), *pairs)]
    return groups, np.stack([bounds(boxes[group]) for group in groups])


def _from_left(groups: list[Indices], hulls: Floats, line: Indices) -> Line:
    order = line[np.lexsort((hulls[line, 1], hulls[line, 0]))]
    return Line(hulls[order], tuple(groups[index] for index in order))


def relations(boxes: Floats) -> NDArray[np.bool_]:
    """Which parts look like a relation or an arrow, (N,): flat, and nothing above or below.

    ``boxes`` (N, 4) in letter heights. A fraction bar has something on both sides; the two bars
    of an equals sign have each other.
    """
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    flat = (width > 1.8 * height) & (width > 0.4) & (height < 0.9)
    free = flat.copy()
    for rows, some in blocks(boxes, _REACH):
        rows = rows[flat[rows]]
        across, down = gaps(boxes[rows], boxes[some])
        narrower = np.minimum(width[rows][:, None], width[some][None])
        near = (-across > narrower / 2) & (down < _STACKED) & ~flat[some][None]
        free[rows] = ~near.any(1)
    return free


def _grouped(boxes: Floats, others: Floats, above: float) -> NDArray[np.bool_]:
    """Which parts belong to one symbol group, (R, C): they touch, overlap or stack closely."""
    across, down = gaps(boxes, others)
    narrower, lower = _smaller(boxes, others)
    stacked = (-across > narrower / 2) & (down < above)
    adjacent = (across < _BESIDE) & (-down > lower / 2)
    return stacked | adjacent


def _beside(boxes: Floats, others: Floats, raised: bool) -> NDArray[np.bool_]:
    """Which groups follow each other along a line, (R, C)."""
    across, down = gaps(boxes, others)
    _, lower = _smaller(boxes, others)
    follow = (across < _LINE_GAP) & (-down > 0.4 * lower)
    return follow | ((across < _SCRIPT[0]) & (down < _SCRIPT[1])) if raised else follow


def gaps(boxes: Floats, others: Floats) -> tuple[Floats, Floats]:
    """White between boxes across and down, (R, C) each; negative where they overlap."""
    starts = np.maximum(boxes[:, None, :2], others[None, :, :2])
    ends = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    white = starts - ends
    return white[..., 0], white[..., 1]


def _smaller(boxes: Floats, others: Floats) -> tuple[Floats, Floats]:
    """The lesser width and the lesser height of each two boxes, (R, C) each."""
    here, there = (each[:, 2:] - each[:, :2] for each in (boxes, others))
    smaller = np.minimum(here[:, None], there[None])
    return smaller[..., 0], smaller[..., 1]
