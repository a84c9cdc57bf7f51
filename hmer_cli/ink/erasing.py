"""Strokes and what erases them -> what is left of the strokes.

Input: lines in the order of drawing; those of an eraser, or in the colour of the paper, cover what
lies under them. Output: the rest of each, (N, 2). Method: distances of points along a stroke to the
pieces of the eraser's line, or whether they lie in a filled shape.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

_STEP = 0.25  # of the radius: points along a stroke that are tried
_MOST = 2_000  # of them a stroke
_SCRAP = 0.1  # of a stroke: what is left of it, and shorter, is nothing
_BOX = 100  # tests: what comparing two boxes costs
_MAX_TESTS = 30_000_000
"""Points tried against pieces of erasers in one drawing, some seconds; further ones stay."""


@dataclass(frozen=True)
class Line:
    """A stroke (N, 2), or an eraser: with the ``width`` of its line, or a closed shape (width 0)
    that covers what is inside it."""

    points: Points
    erases: bool = False
    width: float = 0.0


@dataclass(frozen=True)
class Rest:
    """What is left of the strokes, and whether all was tried that could be erased."""

    strokes: tuple[Points, ...]
    complete: bool = True


def erased(lines: Sequence[Line]) -> Rest:
    """What is left of the strokes when each eraser has gone over those drawn before it."""
    kept: list[Points] = []
    tests = 0
    for line in lines:
        if not line.erases:
            kept.append(line.points)
            continue
        near = _near(line, kept)
        tests += _BOX * len(kept) + sum(min(len(kept[i]) + 100, _MOST) for i in near) * len(
            line.points
        )
        if tests > _MAX_TESTS:
            return Rest(tuple(e.points for e in lines if not e.erases), complete=False)
        hit = set(near)
        kept = [
            part
            for number, stroke in enumerate(kept)
            for part in (_rest(stroke, line) if number in hit else [stroke])
        ]
    return Rest(tuple(kept))


def _near(line: Line, strokes: Sequence[Points]) -> list[int]:
    """The indices of the strokes whose boxes meet that of an eraser."""
    if not strokes:
        return []
    low, high = line.points.min(0) - line.width / 2, line.points.max(0) + line.width / 2
    ends = np.array([[stroke.min(0), stroke.max(0)] for stroke in strokes])
    meets = (ends[:, 0] <= high).all(axis=1) & (ends[:, 1] >= low).all(axis=1)
    return [int(i) for i in np.flatnonzero(meets)]


def _rest(stroke: Points, eraser: Line) -> Iterator[Points]:
    """The pieces of a stroke that an eraser leaves; itself where it leaves it alone."""
    dense = _dense(stroke, eraser)
    gone = _covered(dense, eraser)
    if not gone.any():
        yield stroke
        return
    least = _SCRAP * _length(dense)
    edges = np.flatnonzero(np.diff(np.pad((~gone).astype(np.int8), 1)))
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        piece = dense[begin:end]
        if len(piece) > 1 and _length(piece) > least:
            yield piece


def _length(points: Points) -> float:
    return float(np.hypot(*np.diff(points, axis=0).T).sum())


def _dense(stroke: Points, eraser: Line) -> Points:
    """The points of a stroke with others between them, near enough for this eraser."""
    if len(stroke) < 2:
        return stroke
    extent = float(np.ptp(eraser.points, axis=0).max())
    step = _STEP * (eraser.width / 2 or extent / 10)
    along = np.concatenate([[0.0], np.hypot(*np.diff(stroke, axis=0).T).cumsum()])
    more = min(int(along[-1] / step) + 2, _MOST) if step > 0 else 2
    asked = np.union1d(along, np.linspace(0, along[-1], more))
    return np.stack([np.interp(asked, along, column) for column in stroke.T], axis=1)


def _covered(points: Points, eraser: Line) -> NDArray[np.bool_]:
    """Which points lie under an eraser, (N,)."""
    if eraser.width <= 0:
        shape = eraser.points.astype(np.float32)
        return np.array(
            [cv2.pointPolygonTest(shape, (float(x), float(y)), False) >= 0 for x, y in points]
        )
    covered = np.zeros(len(points), bool)
    ends = eraser.points if len(eraser.points) > 1 else eraser.points.repeat(2, axis=0)
    for begin, end in pairwise(ends):
        way = end - begin
        share = np.clip((points - begin) @ way / max(float(way @ way), 1e-12), 0, 1)
        away = points - begin - share[:, None] * way
        covered |= np.hypot(*away.T) <= eraser.width / 2
    return covered
