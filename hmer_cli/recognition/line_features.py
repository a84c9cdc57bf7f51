"""Strokes of a line of text -> a sequence of features, one row for each point of the pen's way.

Input: strokes (N, 2), y down, in any unit, as they were written or from a skeleton. Output: float32
(T, FEATURES). Points lie at equal distances along the strokes; features of each: the way from the
point before, direction and curvature (Graves et al., IEEE TPAMI 2009), its height in the line, and
the ink in the columns around it. Strokes of a skeleton are cut into narrow pieces, from left to
right, as nobody knows in which order they were written.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hmer_cli.ink.ink import Stroke

Floats = NDArray[np.float64]

ROWS, COLUMNS = 10, 3
"""Cells of the ink around a point: over the height of the line, and before, at and after it."""

FEATURES = 11 + ROWS * COLUMNS

STEP = 0.28
"""Distance between points, in units: a character has some twelve."""  # convention

_UNIT = 1.6
"""The unit, about the height of an x, in standard deviations of the height of the ink."""

_CELL_WIDTH, _CELL_HEIGHT = 0.5, 0.5
_PIECE = 1.0
"""Width of the pieces that the strokes of a skeleton are cut into, in units."""

_STEEP = 0.3
"""Slope of a line at most; words of a few letters tell none."""
_LONG = 6.0
"""Lines so many times as wide as the ink is high have a slope of their own."""

_WIDEST = 200
"""Units that ink extends over at most, as the cells around points are counted over all of it."""

MOST = 6000
"""Points of one line; ink of more is sampled more coarsely."""


def line_features(
    strokes: Sequence[Stroke], skeleton: bool = False, zoom: float = 1.0
) -> NDArray[np.float32]:
    """(T, FEATURES) of strokes that have a point at least.

    ``skeleton``: they are not in the order of writing; ``zoom``: the factor of their size.
    """
    return placed_features(strokes, skeleton, zoom)[0]


def placed_features(
    strokes: Sequence[Stroke], skeleton: bool = False, zoom: float = 1.0
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """The same, and the x (T,) of each point in units of the strokes."""
    points, lengths = _flat(strokes)
    level, centre, unit = _levelled(points, lengths)
    places, owner = _resampled(level * (zoom / unit), lengths)
    if skeleton:
        places, owner = _sorted_pieces(places, owner)
    told = np.concatenate([_motion(places, owner, skeleton), _around(places)], axis=1)
    return told.astype(np.float32), places[:, 0] * (unit / zoom) + centre


def unit_of(strokes: Sequence[Stroke]) -> float:
    """The unit of a line, about the height of an x."""
    return _levelled(*_flat(strokes))[2]


def _flat(strokes: Sequence[Stroke]) -> tuple[Floats, NDArray[np.intp]]:
    """All points (P, 2), and how many of them each stroke has."""
    points = np.concatenate(list(strokes)).astype(np.float64)
    return points, np.array([len(stroke) for stroke in strokes])


def _levelled(points: Floats, lengths: NDArray[np.intp]) -> tuple[Floats, float, float]:
    """The points about the middle of their line, which is made level; its x; and the unit."""
    ends = np.cumsum(lengths)
    inside = np.ones(len(points) - 1, bool)
    inside[ends[:-1] - 1] = False
    step = np.diff(points, axis=0)
    weight = np.where(inside, np.hypot(step[:, 0], step[:, 1]), 0)
    if weight.sum() <= 0:
        centre = points.mean(axis=0)
        unit = max(1.0, float(np.ptp(points, axis=0).max()) / _WIDEST)
        return points - centre, float(centre[0]), unit
    middle = (points[1:] + points[:-1]) / 2
    centre = np.average(middle, axis=0, weights=weight)
    x, y = (middle - centre).T
    across, down = (float(np.average(v * v, weights=weight)) for v in (x, y))
    slope = 0.0
    if across > _LONG * down:
        slope = float(np.clip(np.average(x * y, weights=weight) / across, -_STEEP, _STEEP))
    level = points - centre
    level[:, 1] -= slope * level[:, 0]
    spread = float(np.sqrt(np.average((y - slope * x) ** 2, weights=weight)))
    extent = float(np.ptp(level, axis=0).max())
    unit = max(_UNIT * spread, extent / _WIDEST, float(weight.sum()) * STEP / MOST, 1e-6)
    return level, float(centre[0]), unit


def _resampled(points: Floats, lengths: NDArray[np.intp]) -> tuple[Floats, NDArray[np.intp]]:
    """Places (T, 2) at equal distances along each stroke, and which stroke each is of."""
    begins = np.cumsum(lengths) - lengths
    step = np.hypot(*np.diff(points, axis=0, prepend=points[:1]).T)
    step[begins] = 0
    along = np.cumsum(step)
    total = along[begins + lengths - 1] - along[begins]
    count = np.maximum(2, np.round(total / STEP).astype(int) + 1)
    owner = np.repeat(np.arange(len(lengths)), count)
    rank = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    share = rank / (count[owner] - 1)
    # Strokes are held apart, so that no place lies between two of them.
    apart = np.arange(len(lengths)) * (along[-1] + 1.0)
    asked = along[begins][owner] + share * total[owner] + apart[owner]
    known = along + np.repeat(apart, lengths)
    places = [np.interp(asked, known, points[:, axis]) for axis in range(2)]
    return np.stack(places, axis=1), owner


def _sorted_pieces(places: Floats, owner: NDArray[np.intp]) -> tuple[Floats, NDArray[np.intp]]:
    """The points cut into pieces that are narrow, from left to right by their middles."""
    piece = np.zeros(len(places), np.intp)
    number, before = -1, -1
    low = high = 0.0
    for i, (x, stroke) in enumerate(zip(places[:, 0].tolist(), owner.tolist(), strict=True)):
        low, high = min(low, x), max(high, x)
        if stroke != before or high - low > _PIECE:
            number, before, low, high = number + 1, stroke, x, x
        piece[i] = number
    middle = np.bincount(piece, places[:, 0]) / np.bincount(piece)
    rank = np.empty(number + 1, np.intp)
    rank[np.argsort(middle, kind="stable")] = np.arange(number + 1)
    order = np.argsort(rank[piece], kind="stable")
    return places[order], rank[piece][order]


def _motion(places: Floats, owner: NDArray[np.intp], skeleton: bool) -> Floats:
    """(T, 11): the way, start, end, height, direction, curvature, kind and length of stroke."""
    count = len(places)
    index = np.arange(count)
    ends = np.flatnonzero(np.diff(owner, append=-1))
    begins = np.concatenate([[0], ends[:-1] + 1])
    rank = np.cumsum(np.diff(owner, prepend=owner[0]) != 0)
    first, last = begins[rank], ends[rank]
    way = np.diff(places, axis=0, prepend=places[:1])
    across = places[np.minimum(index + 1, last)] - places[np.maximum(index - 1, first)]
    across /= np.maximum(np.hypot(across[:, 0], across[:, 1]), 1e-6)[:, None]
    before, after = across[np.maximum(index - 1, first)], across[np.minimum(index + 1, last)]
    cosine = (before * after).sum(axis=1)
    sine = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    size = np.log((last - first) * STEP + 0.1)
    told = [
        np.clip(way[:, 0], -4, 4),
        np.clip(way[:, 1], -4, 4),
        (index == first).astype(float),
        (index == last).astype(float),
        np.clip(places[:, 1], -4, 4),
        across[:, 0],
        across[:, 1],
        cosine,
        sine,
        np.full(count, float(skeleton)),
        np.clip(size, -2, 3) / 2,
    ]
    return np.stack(told, axis=1)


def _around(places: Floats) -> Floats:
    """(T, ROWS * COLUMNS): how much ink is in the cells of the columns around each point."""
    x = (places[:, 0] - places[:, 0].min()) / _CELL_WIDTH
    column = x.astype(np.intp) + 1
    row = np.clip(places[:, 1] / _CELL_HEIGHT + ROWS / 2, 0, ROWS - 1).astype(np.intp)
    width = int(column.max()) + 2
    counts = np.bincount(column * ROWS + row, minlength=width * ROWS).reshape(width, ROWS)
    ink = np.minimum(counts * STEP / _CELL_WIDTH, 2.0)
    return np.concatenate([ink[column + shift] for shift in (-1, 0, 1)], axis=1)
