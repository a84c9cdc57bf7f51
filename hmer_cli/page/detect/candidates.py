"""Parts of the ink -> boxes that may hold one expression: runs of neighbours along a line."""

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

_LIKELY = (0.1, 0.4)  # parts less likely to be mathematics than this are in no run
_ABOVE = (0.15, 0.5, 1.0)  # letter heights between what stands above each other in one symbol group
_STACKED = 0.6  # letter heights: further away, nothing is above or below a bar
_BESIDE = 0.3  # letter heights between what stands side by side in one symbol group
_LINE_GAP = 6.0  # letter heights between neighbours along one line
_SCRIPT = (0.6, 0.25)  # letter heights beside and above: a raised script this near is of the line
_LONGEST = 20  # groups in a run
_REACH = 1.0  # letter heights down the page: what is further apart is neither grouped nor beside
_LINKED = (0.3, 0.5, 0.7)  # parts linked more strongly than this may be one expression


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
    """Lines of symbol groups under several ideas of what is mathematics and what is a group.

    ``likely`` (N,): how likely each part is to be mathematics; ``links``: how likely two
    stand in one expression. What is linked is a line too, for the limits that hang far below
    others. A part is in several lines.
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
    """Symbol groups, and groups side by side; ``raised`` scripts too, high over their base."""
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
