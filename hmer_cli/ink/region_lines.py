"""Filled region with holes -> the lines of the pen that left it, and the width of the pen.

Input: rings (N, 2), in the order of their path. Output: which rings are the outside of a region and
which are holes in it (SVG 1.1, 11.3, ``fill-rule``); and the centre lines of a region. Method: the
region is drawn, and its skeleton followed (`skeleton.py`). As programs write it that unite the
outline of a stroke with itself: a stroke that crosses or meets itself, as in e, 0 and 8, leaves
holes, for which `centre_line.py`, which follows the outline forth and back, has no answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.ink.centre_line import centre_line
from hmer_cli.ink.skeleton import skeleton

Points = NDArray[np.float64]
Ring = NDArray[np.floating]

_PEN = 10.0  # pixels: as wide the pen is drawn
_LEAST = 4.0  # pixels: of a pen that is thinner, as the region is so large, no skeleton is made
_THICKEST = 1.5  # times the width of the pen: half of what is thicker somewhere was left by no pen
_PIXELS = 2_000_000  # of a region as it is drawn
_ALL_PIXELS = 20_000_000  # of a page: a million takes 0.1 s, or 2 s if it has very many branches
_FIXED = 4  # bits of OpenCV's fixed point
_SAMPLES = 200  # of an outline
_BRANCHING, _SURE = 0.1, 0.25  # of an outline; misfit: those of 40 inks of CROHME, united or not,
# with and without pressure, tell both apart
_TRIED = 8  # points of a ring that must lie in another
_MOST_RINGS, _MOST_TESTS = 3000, 100_000  # of a path; pairs of rings that are compared in full


@dataclass(frozen=True)
class RegionLines:
    """``lines`` (N, 2) each, ``pen`` the width of the pen, and ``misfit``, the share of the region
    that this pen along these lines does not leave, or leaves beyond it."""

    lines: tuple[Points, ...]
    pen: float
    misfit: float


def regions(rings: Sequence[Ring], even_odd: bool) -> dict[int, list[int]] | None:
    """The rings that are the outside of a region, by index, each with its holes.

    Rings with the same paint on both sides are left out. None where the rings are too many.
    """
    if len(rings) == 1:
        return {0: []}
    if len(rings) > _MOST_RINGS:
        return None
    around = _containers(rings)
    if around is None:
        return None
    turns = [1 if _area(ring) >= 0 else -1 for ring in rings]
    found: dict[int, list[int]] = {}
    holes: list[int] = []
    for number, others in enumerate(around):
        outside = len(others) if even_odd else sum(turns[other] for other in others)
        inside = outside + (1 if even_odd else turns[number])
        painted = [bool(value % 2 if even_odd else value) for value in (outside, inside)]
        if painted == [False, True]:
            found[number] = []
        elif painted == [True, False]:
            holes.append(number)
    for hole in holes:
        owners = [other for other in around[hole] if other in found]
        if owners:  # rings that cross each other may have none
            found[max(owners, key=lambda other: len(around[other]))].append(hole)
    return found


def _containers(rings: Sequence[Ring]) -> list[list[int]] | None:
    """For each ring the others that it lies in; None where too many would have to be compared."""
    low, high = np.stack([x.min(0) for x in rings]), np.stack([x.max(0) for x in rings])
    found: list[list[int]] = []
    tests = 0
    for number, ring in enumerate(rings):
        inside = ((low[number] >= low) & (high[number] <= high)).all(axis=1)
        near = [i for i in np.flatnonzero(inside).tolist() if i != number and len(rings[i]) > 2]
        tests += len(near)
        if tests > _MOST_TESTS:
            return None
        some = ring[:: max(1, len(ring) // _TRIED)].tolist()
        found.append([other for other in near if _holds(rings[other], some)])
    return found


def _holds(ring: Ring, points: Sequence[Sequence[float]]) -> bool:
    shape = ring.astype(np.float32)
    return all(cv2.pointPolygonTest(shape, (x, y), False) > 0 for x, y in points)


class Tracer:
    """Finds the lines of regions, up to a number of pixels in all."""

    def __init__(self) -> None:
        self._left = _ALL_PIXELS

    def lines(self, outside: Ring, holes: Sequence[Ring] = ()) -> RegionLines | None:
        """The lines of the pen that left a region; None where it has no area. ``misfit`` is that
        of `centre_line`, where it has no holes.

        A stroke that goes back on itself for a while has a branch, and no hole, once it is united.
        """
        if holes:
            return self.skeleton(outside, holes)
        line = centre_line(np.asarray(outside, np.float64))
        if line is None:
            return None
        found = RegionLines((line.points,), line.pen, line.misfit)
        far = _far(outside, found)
        if far > _BRANCHING and len(line.points) > 1:
            branched = self.skeleton(outside, ())
            if branched and branched.misfit <= _SURE and _far(outside, branched) < far / 2:
                return RegionLines(branched.lines, branched.pen, line.misfit)
        return found

    def skeleton(self, outside: Ring, holes: Sequence[Ring]) -> RegionLines | None:
        """The lines of a region by its skeleton; None where it has no area, or is too large."""
        rings = [outside, *holes]
        area = abs(_area(outside)) - sum(abs(_area(hole)) for hole in holes)
        size = np.ptp(outside, axis=0)
        if area <= 0 or not math.isfinite(area) or not size.min() > 0:
            return None
        pen = 2 * area / sum(_length(ring) for ring in rings)
        scale = min(_PEN / pen, math.sqrt(_PIXELS / float(np.prod(size))))
        pixels = float(np.prod(size * scale + 2))
        if scale * pen < _LEAST or scale * size.max() > _PIXELS / _LEAST or pixels > self._left:
            return None
        self._left -= int(pixels)
        return _traced(rings, scale)


def _far(outside: Ring, found: RegionLines) -> float:
    """The share of an outline that is farther from the lines than the pen is wide."""
    ring = np.concatenate([outside, outside[:1]]).astype(np.float64)
    along = np.concatenate([[0.0], np.hypot(*np.diff(ring, axis=0).T).cumsum()])
    asked = np.linspace(0, along[-1], _SAMPLES, endpoint=False)
    x, y = (np.interp(asked, along, column) for column in ring.T)
    points = np.concatenate(found.lines)
    points = points[:: max(1, len(points) // _SAMPLES)]
    away = np.hypot(x[:, None] - points[:, 0], y[:, None] - points[:, 1]).min(axis=1)
    return float((away > found.pen).mean())


def _traced(rings: Sequence[Ring], scale: float) -> RegionLines | None:
    """The lines of a region that is drawn at a scale."""
    low = rings[0].min(axis=0)
    width, height = (int(side) for side in np.ceil(np.ptp(rings[0], axis=0) * scale) + 2)
    mask = np.zeros((height, width), np.uint8)
    drawn = [np.round((ring - low) * scale * (1 << _FIXED)).astype(np.int32) for ring in rings]
    cv2.fillPoly(mask, [ring + (1 << _FIXED) for ring in drawn], 1, cv2.LINE_8, _FIXED)
    depth = cv2.distanceTransform(np.pad(mask, 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    if depth.max() > _THICKEST * _PEN:
        return None
    found = skeleton(mask)
    if found is None:
        return None
    strokes = [stroke.astype(np.float64) for stroke in found.strokes]
    x, y = np.concatenate(strokes).round().astype(int).T
    wide = 2 * float(np.median(depth[y.clip(0, height - 1), x.clip(0, width - 1)]))
    lines = tuple((stroke - 1) / scale + low for stroke in strokes)
    return RegionLines(lines, max(wide - 2, 1.0) / scale, _misfit(mask, strokes, wide))


def _misfit(mask: NDArray[np.uint8], strokes: Sequence[Points], pen: float) -> float:
    """The share of a region that a pen along the strokes does not leave, or leaves beyond it."""
    again = np.zeros_like(mask)
    lines = [np.round(stroke * (1 << _FIXED)).astype(np.int32) for stroke in strokes]
    cv2.polylines(again, lines, False, 1, max(1, round(pen)), cv2.LINE_8, _FIXED)
    return float(np.count_nonzero(again != mask) / np.count_nonzero(mask))


def _area(ring: Ring) -> float:
    x, y = (ring - ring[0]).T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def _length(ring: Ring) -> float:
    return float(np.hypot(*(np.roll(ring, -1, axis=0) - ring).T).sum())
