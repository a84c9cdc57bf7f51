"""Between which neighbours along a line one expression ends and the next begins."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.detect.candidates import Indices, Line, relations
from hmer_cli.page.detect.component_graph import Predictions
from hmer_cli.page.detect.components import RASTER, InkComponents
from hmer_cli.page.detect.integral import Floats
from hmer_cli.page.detect.network_features import gap_scores
from hmer_cli.page.detect.symbol_classes import SYMBOL_CLASSES

FAR = 20.0  # letter heights: further than this is all the same
CUT_FEATURES = 97 + 4 * len(SYMBOL_CLASSES)
GAP_SCORES = slice(CUT_FEATURES - 2, CUT_FEATURES)
"""The columns of what is seen at a gap that the network's links across it say."""

_NOWHERE = -1.0  # what is measured beyond the ends of a line


def part_features(parts: InkComponents, likely: Floats) -> Floats:
    """What is added up over the parts of a group, (N, K)."""
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
        parts.features[:, 7],
        relation,
        relation & (width > 1.1 * unit),
    ]
    return np.stack(columns, 1).astype(np.float32)


def group_features(line: Line, groups: Floats, unit: float) -> Floats:
    """What tells a group from others at a glance, (G, F): an equals sign, an arrow, a letter."""
    size = (line.boxes[:, 2:] - line.boxes[:, :2]) / unit
    bars = (groups[:, 5] == groups[:, 0]) * groups[:, 0]
    share = groups[:, 2] / groups[:, 1]
    columns = [size, groups[:, [0, 3, 5, 6, 11, 12]], np.stack([bars, share], 1)]
    return np.concatenate(columns, 1).astype(np.float32)


def white_between(line: Line, unit: float) -> Floats:
    """White before each group and after the last, (G + 1,) in letter heights."""
    reached = np.maximum.accumulate(line.boxes[:, 2])
    between = (line.boxes[1:, 0] - reached[:-1]) / unit
    return np.concatenate([[FAR], between, [FAR]]).astype(np.float32)


def cut_features(
    line: Line, parts: InkComponents, groups: Floats, kinds: Floats, views: Predictions
) -> Floats:
    """What is seen at each of the gaps between neighbouring groups, (G - 1, F).

    ``groups`` (G, P): what is added up over the parts of each; ``kinds`` (G, K): which kinds of
    signs they look like; ``views``: what the network says of all parts.
    """
    count = len(line.members)
    if count < 2:
        return np.zeros((0, CUT_FEATURES), np.float32)
    portrait = np.concatenate([group_features(line, groups, parts.unit), kinds], 1)
    white = white_between(line, parts.unit)
    looks = np.stack([_look(parts, members) for members in line.members])
    left, right = np.arange(count - 1), np.arange(1, count)
    columns: list[Floats] = [
        _white_around(white, count),
        _heights(line, parts.unit, left, right),
        portrait[left],
        portrait[right],
        _shifted(portrait, left - 1),
        _shifted(portrait, right + 1),
        looks[left],
        looks[right],
        np.broadcast_to(_summary(line, groups, white), (count - 1, 7)),
        np.stack([left, count - 1 - right], 1),
        gap_scores(line, views),
    ]
    return np.concatenate(columns, 1).astype(np.float32)


def _white_around(white: Floats, count: int) -> Floats:
    """The gap itself, the ones beside it, and by how much it is wider."""
    here, before, after = white[1:count], white[: count - 1], white[2 : count + 1]
    inner = white[1:count]
    usual = np.full(count - 1, np.median(inner))
    rank = (inner[:, None] > inner[None]).mean(1)
    wider = here - np.minimum(before, after)
    return np.stack([here, before, after, wider, here - usual, usual, rank], 1)


def _heights(line: Line, unit: float, left: Indices, right: Indices) -> Floats:
    """How two neighbours lie beside each other: overlap, shift of their middles, both spans."""
    top, foot = line.boxes[:, 1] / unit, line.boxes[:, 3] / unit
    shared = np.minimum(foot[left], foot[right]) - np.maximum(top[left], top[right])
    lower = np.minimum(foot[left] - top[left], foot[right] - top[right])
    shift = (top[right] + foot[right] - top[left] - foot[left]) / 2
    return np.stack([shared, shared / lower, shift], 1)


def _look(parts: InkComponents, members: Indices) -> Floats:
    """The largest part of a group, as it looks: shape, and a raster of 3 by 3."""
    largest = members[np.argmax(parts.mass[members])]
    own = parts.features[largest]
    size = RASTER.stop - RASTER.start
    side = round(size**0.5)
    raster = own[RASTER].reshape(side // 2, 2, side // 2, 2).mean((1, 3))
    return np.concatenate([own[: RASTER.start - 1], raster.reshape(-1)])


def _shifted(portrait: Floats, index: NDArray[np.int64]) -> Floats:
    outside = (index < 0) | (index >= len(portrait))
    return np.where(outside[:, None], _NOWHERE, portrait[np.clip(index, 0, len(portrait) - 1)])


def _summary(line: Line, groups: Floats, white: Floats) -> Floats:
    """What the whole line is like, (7,)."""
    whole = groups.sum(0)
    inner = white[1:-1]
    spread = float(np.std(inner)) if len(inner) else 0.0
    share = whole[2] / whole[1]
    return np.array([len(groups), whole[0], share, whole[4], whole[11], whole[12], spread])
