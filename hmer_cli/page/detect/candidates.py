"""Parts of the ink -> boxes that may hold one expression: runs of neighbours along a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hmer_cli.geometry import bounds
from hmer_cli.page.detect.components import InkComponents
from hmer_cli.page.detect.integral import Floats

Indices = NDArray[np.int64]

_LIKELY = (0.1, 0.4)  # parts less likely to be mathematics than this are in no run
_ABOVE = (0.15, 0.5, 1.0)  # letter heights between what stands above each other in one symbol group
_STACKED = 0.6  # letter heights: further away, nothing is above or below a bar
_BESIDE = 0.3  # letter heights between what stands side by side in one symbol group
_LINE_GAP = 6.0  # letter heights between neighbours along one line
_SCRIPT = (0.6, 0.25)  # letter heights beside and above: a raised script this near is of the line
_LONGEST = 20  # groups in a run
_LINKED = (0.3, 0.5, 0.7)  # parts linked more strongly than this may be one expression


@dataclass(frozen=True)
class Line:
    """Groups of parts from left to right: ``boxes`` (G, 4), and the parts in each."""

    boxes: Floats
    members: tuple[Indices, ...]

    def runs(self) -> tuple[Indices, Indices, Floats]:
        """Every run of neighbours: its first group, its last one, both included, and its box."""
        count = len(self.members)
        first, last = np.triu_indices(count)
        short = last - first < _LONGEST
        tops = [np.minimum.accumulate(self.boxes[start:, :2]) for start in range(count)]
        ends = [np.maximum.accumulate(self.boxes[start:, 2:]) for start in range(count)]
        boxes = np.concatenate([np.concatenate(tops), np.concatenate(ends)], 1)
        return first[short], last[short], boxes[short]


def find_lines(parts: InkComponents, likely: Floats, links: Floats) -> Iterator[Line]:
    """Lines of symbol groups under several ideas of what is mathematics and what is a group.

    ``likely`` (N,): how likely each part is to be mathematics; ``links`` (N, N): how likely two
    stand in one expression. What is linked is a line too, for the limits that hang far below
    others. A part is in several lines.
    """
    for least in _LIKELY:
        chosen = np.flatnonzero(likely > least)
        for above in _ABOVE:
            yield from _lines(parts.boxes, parts.unit, chosen, above, above == _ABOVE[-1])
    chosen = np.flatnonzero(likely > _LIKELY[0])
    for least in _LINKED:
        for linked in _joined(links[np.ix_(chosen, chosen)] > least):
            groups, hulls = _groups(parts.boxes, parts.unit, chosen[linked], _ABOVE[1])
            yield _from_left(groups, hulls, np.arange(len(groups)))


def _lines(
    boxes: Floats, unit: float, chosen: Indices, above: float, raised: bool
) -> Iterator[Line]:
    """Symbol groups, and groups side by side; ``raised`` scripts too, high over their base."""
    if not len(chosen):
        return
    groups, hulls = _groups(boxes, unit, chosen, above)
    for line in _joined(_beside(hulls / unit, raised)):
        yield _from_left(groups, hulls, line)


def _groups(
    boxes: Floats, unit: float, chosen: Indices, above: float
) -> tuple[list[Indices], Floats]:
    """The symbol groups of the chosen parts, one at least, and their boxes."""
    scaled = boxes[chosen] / unit
    groups = [chosen[group] for group in _joined(_grouped(scaled, relations(scaled), above))]
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
    across, down = gaps(boxes)
    narrower = np.minimum(width[:, None], width[None])
    near = (-across > narrower / 2) & (down < _STACKED) & ~flat[None]
    return flat & ~near.any(1)


def _grouped(boxes: Floats, relation: NDArray[np.bool_], above: float) -> NDArray[np.bool_]:
    """Which parts belong to one symbol group, (N, N): they touch, overlap or stack closely.

    What relates two sides belongs to neither.
    """
    across, down = gaps(boxes)
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    narrower = np.minimum(width[:, None], width[None])
    lower = np.minimum(height[:, None], height[None])
    stacked = (-across > narrower / 2) & (down < above)
    adjacent = (across < _BESIDE) & (-down > lower / 2)
    return (stacked | adjacent) & (relation[:, None] == relation[None])


def _beside(boxes: Floats, raised: bool) -> NDArray[np.bool_]:
    """Which groups follow each other along a line, (G, G)."""
    across, down = gaps(boxes)
    height = boxes[:, 3] - boxes[:, 1]
    lower = np.minimum(height[:, None], height[None])
    follow = (across < _LINE_GAP) & (-down > 0.4 * lower)
    return follow | ((across < _SCRIPT[0]) & (down < _SCRIPT[1])) if raised else follow


def gaps(boxes: Floats) -> tuple[Floats, Floats]:
    """White between each two boxes across and down, (N, N) each; negative where they overlap."""
    starts = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    ends = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    white = starts - ends
    return white[..., 0], white[..., 1]


def _joined(linked: NDArray[np.bool_]) -> list[Indices]:
    """The connected sets of a symmetric relation."""
    unseen = np.ones(len(linked), dtype=bool)
    sets = []
    for start in range(len(linked)):
        if not unseen[start]:
            continue
        reached = np.zeros(len(linked), dtype=bool)
        frontier = np.array([start])
        while len(frontier):
            reached[frontier] = True
            frontier = np.flatnonzero(linked[frontier].any(0) & ~reached)
        unseen &= ~reached
        sets.append(np.flatnonzero(reached))
    return sets
