"""Filled outline of a pen stroke -> its centre line and the width of the pen.

Input: a closed polygon (N, 2). Output: a `CentreLine`. Method: the outline of a stroke of width w
runs along one side, around the end, back along the other side and around the start. Offset inwards
by w / 2, both sides coincide with the centre line and the round ends shrink to points: a closed
curve traversed forth and back. Its turning points are those of the best mirror symmetry in time;
the mean of both traversals is the centre line, also for varying pen width. Since nothing is
rasterised or thinned, loops are preserved and touching strokes stay separate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Places = NDArray[np.complex128]
"""Points as complex numbers."""
Indices = NDArray[np.int64]

_STEP = 0.25  # of the pen's width: samples along an outline; chosen on the PDFs of notes/
_FEWEST, _MOST = 32, 300  # samples
_SMOOTHED = 0.5  # of the pen's width: corners of polygons, and spurs at the inside of turns
_COARSE = 3  # samples between folds that are tried
_DRIFT = 0.12  # of its length: how far one way may run ahead of the other
_TIE = 0.05  # of a sample's distance: what running ahead costs
_ROUNDS = 3  # of moving inwards by more: spurs at the inside of turns lengthen the
_SETTLED = 0.1  # outline, so that the pen may be wider than area and perimeter say
_BEHIND, _AROUND, _LOST = 0.5, 0.8, 0.6  # of the pen's width: what an end is judged by, and gains
_DOT = 0.35  # of the pen's width: what is no longer is a dot


@dataclass(frozen=True)
class CentreLine:
    """``points`` (N, 2) in the order of drawing, ``pen`` its width in their unit.

    ``misfit`` is how far both sides are from agreeing, in widths of the pen.
    """

    points: Points
    pen: float
    misfit: float


def centre_line(outline: Points) -> CentreLine | None:
    """The centre line of a closed outline (N, 2); None where it has no area.

    It begins at the end of the stroke that is nearer to the outline's first point.
    """
    ring = outline[:, 0] + 1j * outline[:, 1]
    lengths = np.abs(_rolled(ring, -1) - ring)
    perimeter = float(lengths.sum())
    area = float((ring.conj() * _rolled(ring, -1)).imag.sum() / 2)
    pen = pen_width(abs(area), perimeter)
    if pen <= 1e-6 * perimeter or not math.isfinite(pen):
        return None
    if perimeter / 2 - math.pi * pen / 2 < _DOT * pen:
        return CentreLine(outline.mean(axis=0, keepdims=True), pen, _roundness(outline, pen))
    count = 2 * int(np.clip(perimeter / (2 * _STEP * pen), _FEWEST / 2, _MOST / 2))
    (even,) = _resampled(ring, count)
    for _ in range(_ROUNDS):
        curve = _inwards(even, perimeter / count, math.copysign(pen, area))
        line, apart, wide = _folded(*curve, ring[0], count)
        if apart < _SETTLED * pen:
            break
        pen += apart
    line = _to_the_ends(line, ring, wide)
    return CentreLine(np.stack([line.real, line.imag], axis=1), wide, apart / pen)


def pen_width(area: float, perimeter: float) -> float:
    """The width w of a round pen that left this: area = L w + pi w^2 / 4, perimeter = 2 L + pi w.

    The area counts what is crossed as often as it is crossed.
    """
    rest = max(perimeter**2 / 4 - math.pi * area, 0.0)
    return (perimeter / 2 - math.sqrt(rest)) / (math.pi / 2)


def _resampled(ring: Places, count: int, *others: Places) -> list[Places]:
    """``count`` points at equal distances along a closed line, which does not repeat its first,
    and the points of other lines where these are."""
    closed = np.concatenate([ring, ring[:1]])
    along = np.concatenate([[0.0], np.abs(np.diff(closed)).cumsum()])
    asked = np.arange(count) * (along[-1] / count)
    lines = (closed, *(np.concatenate([each, each[:1]]) for each in others))
    return [np.interp(asked, along, line) for line in lines]


def _inwards(even: Places, step: float, pen: float) -> tuple[Places, Places]:
    """The outline moved inwards by half the pen, which is negative for one that runs clockwise,
    and the outline itself beside it; ``even`` are its points, one every ``step``."""
    reach = max(1, round(_SMOOTHED * abs(pen) / step))
    following = _rolled(even, -1)
    way = following - even
    around = _rolled(even, -reach - 1) - _rolled(even, reach)
    forward = (way * around.conj()).real > 0
    way /= np.maximum(np.abs(way), 1e-9 * step)
    middle = (even + following) / 2
    inner = middle + 1j * way * pen / 2
    return _smoothed(inner[forward], reach), _smoothed(middle[forward], reach)


def _rolled(places: Places, by: int) -> Places:
    by %= len(places)
    return np.concatenate([places[-by:], places[:-by]]) if by else places


def _to_the_ends(line: Places, outline: Places, pen: float) -> Places:
    """The line extended where smoothing shortened it: to half the pen width before the outline."""
    found = line.copy()
    for some in (found, found[::-1]):
        end = some[0]
        behind = np.abs(some - end) >= _BEHIND * pen
        way = end - some[behind.argmax() if behind.any() else -1]
        length = abs(way)
        around = outline - end
        near = around[np.abs(around) < _AROUND * pen]
        if length > 0 and len(near):
            lost = float((near * way.conj()).real.max()) / length - pen / 2
            some[0] = end + way / length * min(max(lost, 0.0), _LOST * pen)
    return found


def _smoothed(curve: Places, reach: int) -> Places:
    reach = min(reach, (len(curve) - 1) // 2)
    if reach < 1:
        return curve
    around = np.concatenate([[0], curve[-reach:], curve, curve[:reach]]).cumsum()
    return np.asarray((around[2 * reach + 1 :] - around[: -2 * reach - 1]) / (2 * reach + 1))


def _folded(
    centre: Places, outside: Places, start: complex, count: int
) -> tuple[Places, float, float]:
    """The mean of both traversals of a closed curve, the median distance between them, and that
    between those of the outline beside it."""
    centre, outside = _resampled(centre, count, outside)
    folds, there, back = _foldings(count)
    fold = int(folds[np.abs(centre[there] - centre[back]).sum(axis=1).argmin()])
    ways = np.arange(count // 2 + 1)
    there, back = (fold + ways) % count, (fold - ways) % count
    match, nearest = _matched(centre[there], centre[back])
    line = (centre[there] + centre[back[match]]) / 2
    wide = _median(np.abs(outside[there] - outside[back[match]]))
    return line if abs(line[0] - start) <= abs(line[-1] - start) else line[::-1], nearest, wide


@lru_cache(maxsize=256)
def _foldings(count: int) -> tuple[Indices, Indices, Indices]:
    """For a closed curve of ``count`` samples: the folds that are tried, and for each (F, S) the
    samples on the way there and on the way back."""
    folds, steps = np.arange(0, count // 2, _COARSE), np.arange(0, count // 2 + 1, _COARSE)
    return folds, (folds[:, None] + steps) % count, (folds[:, None] - steps) % count


def _matched(there: Places, back: Places) -> tuple[Indices, float]:
    """The nearest monotone match of the way back to each point of the way there.

    The second value is their median distance.
    """
    places, shifts = _shifts(len(there))
    apart = np.abs(there[:, None] - back[places])
    step = float(np.abs(np.diff(there)).mean())
    chosen = (apart + _TIE * step * np.abs(shifts)).argmin(axis=1)
    found = places[np.arange(len(there)), chosen]
    least, most = np.maximum.accumulate(found), np.minimum.accumulate(found[::-1])[::-1]
    return (least + most) // 2, _median(apart.min(axis=1))


@lru_cache(maxsize=256)
def _shifts(count: int) -> tuple[Indices, Indices]:
    """The samples of the way back that may match each of ``count`` samples, (N, S), and their
    offsets."""
    reach = max(1, round(_DRIFT * count))
    shifts = np.arange(-reach, reach + 1)
    return np.clip(np.arange(count)[:, None] + shifts, 0, count - 1), shifts


def _median(values: Points) -> float:
    """As `numpy.median`, without its tests for NaN, which dominate its time."""
    middle = len(values) // 2
    ordered = np.sort(values)
    return float(ordered[middle] if len(values) % 2 else ordered[middle - 1 : middle + 1].mean())


def _roundness(outline: Points, pen: float) -> float:
    """How far a dot is from a disc, in widths of the pen."""
    away = np.hypot(*(outline - outline.mean(axis=0)).T)
    return float(np.abs(away - pen / 2).max()) / pen
