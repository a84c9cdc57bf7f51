"""Features of the gaps between neighbouring symbol groups: where does an expression end?

Input: a line of groups, and the predictions of the component network. Output: features (C, F) by
the names in `GAP_COLUMNS`, the input of the trees that score gaps: white, heights and overlap, the
groups on both sides, the line, and the links across the gap.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.detect.candidates import Indices, Line, relations
from hmer_cli.page.detect.component_graph import Predictions
from hmer_cli.page.detect.components import PART_COLUMNS, InkComponents
from hmer_cli.page.detect.integral import Floats
from hmer_cli.page.detect.network_features import gap_scores
from hmer_cli.page.detect.symbol_classes import SYMBOL_CLASSES

FAR = 20.0  # letter heights: white at the ends of a line


class GroupSum(IntEnum):
    """Columns of the sums over the components of a group."""

    PARTS = 0
    MASS = 1
    MATHS_MASS = 2
    MATHS = 3
    UNLIKELY = 4
    BAR = 5
    SMALL = 6
    UPRIGHT = 7
    AREA = 8
    HEIGHT = 9
    DARKNESS = 10
    RELATION = 11
    WIDE_RELATION = 12


_SHOWN = (
    GroupSum.PARTS,
    GroupSum.MATHS,
    GroupSum.BAR,
    GroupSum.SMALL,
    GroupSum.RELATION,
    GroupSum.WIDE_RELATION,
)
"""The sums among the features of a group."""

SUM_COLUMNS = tuple(column.name.lower() for column in GroupSum)
GROUP_COLUMNS = (
    *("width", "height"),
    *(column.name.lower() for column in _SHOWN),
    *("only_bars", "maths_share"),
    *(f"is_{kind}" for kind in SYMBOL_CLASSES),
)
"""Names of the features of a group: those of `group_features`, and symbol class probabilities."""

_LARGEST = (*PART_COLUMNS[:-1], *(f"raster_{i}" for i in range(9)))


def prefixed(prefix: str, names: Iterable[str]) -> tuple[str, ...]:
    """The names with a prefix, as ``prefix_name``."""
    return tuple(f"{prefix}_{name}" for name in names)


PARTING_COLUMNS = ("parting_near", "parting_across")
GAP_COLUMNS = (
    *prefixed("white", ("here", "before", "after", "wider", "unusual", "usual", "rank")),
    *("overlap", "overlap_of_lower", "middle_shift"),
    *prefixed("left", GROUP_COLUMNS),
    *prefixed("right", GROUP_COLUMNS),
    *prefixed("left2", GROUP_COLUMNS),
    *prefixed("right2", GROUP_COLUMNS),
    *prefixed("left_largest", _LARGEST),
    *prefixed("right_largest", _LARGEST),
    *prefixed("line", ("groups", "parts", "maths_share", "unlikely")),
    *prefixed("line", ("relation", "wide_relation", "white_deviation")),
    *("groups_before", "groups_after"),
    *PARTING_COLUMNS,
)
"""The names of the features of a gap, in their order."""

CUT_FEATURES = len(GAP_COLUMNS)
GAP_SCORES = slice(CUT_FEATURES - len(PARTING_COLUMNS), CUT_FEATURES)
"""Columns of `gap_scores`."""

_NOWHERE = -1.0  # value of all features beyond the ends of a line


def part_features(parts: InkComponents, likely: Floats) -> Floats:
    """The summands of each component, (N, len(GroupSum))."""
    width = parts.boxes[:, 2] - parts.boxes[:, 0]
    height = parts.boxes[:, 3] - parts.boxes[:, 1]
    unit = parts.unit
    relation = relations(parts.boxes / unit)
    columns = [
        np.ones(len(parts)),
        parts.mass / unit,
        parts.mass * likely / unit,
        likely,
        likely < 0.5,
        (width > 2.5 * height) & (width > unit / 2),
        np.maximum(width, height) < unit / 2,
        (height > 2.5 * width) & (height > unit),
        width * height / unit**2,
        height / unit,
        parts.features[:, PART_COLUMNS.index("darkness")],
        relation,
        relation & (width > 1.1 * unit),
    ]
    return np.stack(columns, 1).astype(np.float32)


def group_features(line: Line, groups: Floats, unit: float) -> Floats:
    """Size, sums and shares of each group, (G, F)."""
    size = (line.boxes[:, 2:] - line.boxes[:, :2]) / unit
    count = groups[:, GroupSum.PARTS]
    bars = (groups[:, GroupSum.BAR] == count) * count
    share = groups[:, GroupSum.MATHS_MASS] / groups[:, GroupSum.MASS]
    columns = [size, groups[:, _SHOWN], np.stack([bars, share], 1)]
    return np.concatenate(columns, 1).astype(np.float32)


def white_between(line: Line, unit: float) -> Floats:
    """White before each group and after the last, (G + 1,) in letter heights."""
    reached = np.maximum.accumulate(line.boxes[:, 2])
    between = (line.boxes[1:, 0] - reached[:-1]) / unit
    return np.concatenate([[FAR], between, [FAR]]).astype(np.float32)


def cut_features(
    line: Line, parts: InkComponents, groups: Floats, kinds: Floats, predictions: Predictions
) -> Floats:
    """Features of the gaps between the G groups of a line, (G - 1, F).

    ``groups`` (G, P) are sums over the components of each, ``kinds`` (G, K) symbol class
    probabilities, ``predictions`` those of the component network.
    """
    count = len(line.members)
    if count < 2:
        return np.zeros((0, CUT_FEATURES), np.float32)
    described = np.concatenate([group_features(line, groups, parts.unit), kinds], 1)
    white = white_between(line, parts.unit)
    largest_parts = parts.coarse[_largest_parts(parts, line)]
    left, right = np.arange(count - 1), np.arange(1, count)
    columns: list[Floats] = [
        _white_around(white, count),
        _heights(line, parts.unit, left, right),
        described[left],
        described[right],
        _shifted(described, left - 1),
        _shifted(described, right + 1),
        largest_parts[left],
        largest_parts[right],
        np.broadcast_to(_summary(line, groups, white), (count - 1, 7)),
        np.stack([left, count - 1 - right], 1),
        gap_scores(line, predictions),
    ]
    return np.concatenate(columns, 1).astype(np.float32)


def _white_around(white: Floats, count: int) -> Floats:
    """Width of each gap, of those beside it, and differences between them, (G - 1, 7)."""
    here, before, after = white[1:count], white[: count - 1], white[2 : count + 1]
    inner = white[1:count]
    usual = np.full(count - 1, np.median(inner))
    rank = (inner[:, None] > inner[None]).mean(1)
    wider = here - np.minimum(before, after)
    return np.stack([here, before, after, wider, here - usual, usual, rank], 1)


def _heights(line: Line, unit: float, left: Indices, right: Indices) -> Floats:
    """Vertical overlap of two neighbours, absolute and relative, and shift of their centres."""
    top, foot = line.boxes[:, 1] / unit, line.boxes[:, 3] / unit
    shared = np.minimum(foot[left], foot[right]) - np.maximum(top[left], top[right])
    lower = np.minimum(foot[left] - top[left], foot[right] - top[right])
    shift = (top[right] + foot[right] - top[left] - foot[left]) / 2
    return np.stack([shared, shared / lower, shift], 1)


def _largest_parts(parts: InkComponents, line: Line) -> Indices:
    """The largest component of each group of a line, (G,); of equal ones the first."""
    group = np.repeat(np.arange(len(line.members)), [len(members) for members in line.members])
    members = np.concatenate(line.members)
    order = np.lexsort((-parts.mass[members], group))
    return np.asarray(members[order[np.flatnonzero(np.diff(group, prepend=-1))]])


def _shifted(described: Floats, index: NDArray[np.int64]) -> Floats:
    outside = (index < 0) | (index >= len(described))
    return np.where(outside[:, None], _NOWHERE, described[np.clip(index, 0, len(described) - 1)])


def _summary(line: Line, groups: Floats, white: Floats) -> Floats:
    """Sums over the whole line, (7,)."""
    whole = groups.sum(0)
    inner = white[1:-1]
    spread = float(np.std(inner)) if len(inner) else 0.0
    share = whole[GroupSum.MATHS_MASS] / whole[GroupSum.MASS]
    sums = whole[[GroupSum.UNLIKELY, GroupSum.RELATION, GroupSum.WIDE_RELATION]]
    return np.array([len(groups), whole[GroupSum.PARTS], share, *sums, spread])
