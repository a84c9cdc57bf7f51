"""How the pen moved, drawn beside the ink: what tablets know and images have lost.

Images of directions have long helped recognisers of online characters (Bai and Huo, ICDAR 2005);
here they are channels of the image that the recogniser reads, zero where nobody knows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hmer_cli.ink.ink import Stroke

Motion = NDArray[np.int8]
"""int8 of shape (4, H, W), -127 to 127 where there is ink, else 0.

Cosine and sine of the direction of the pen, y down; how far along its stroke, -127 where it begins;
and which stroke it is, counted in fifths, so that the strokes of one sign lie side by side.
"""

CHANNELS = 4

_DENSE = 0.5
"""Pixels between two places at which the motion is asked."""

_REACH = 3
"""The direction is that between so many places before and behind."""

TURNS = 5
"""Strokes after which counting begins anew."""


def motion(strokes: Sequence[Stroke], shape: tuple[int, int], pen: float, first: int = 0) -> Motion:
    """The motion of strokes in pixels of an image of ``shape`` (H, W), as wide as ``pen`` and more.

    Where strokes cross, the later one is seen. ``first`` is the number of the first stroke.
    """
    drawn = np.zeros((CHANNELS, *shape), np.int8)
    if not strokes:
        return drawn
    places, stroke, along = _places(strokes)
    ends = np.flatnonzero(np.diff(stroke, append=-1))
    begins = np.concatenate([[0], ends[:-1] + 1])
    index = np.arange(len(stroke))
    ahead = places[np.minimum(index + _REACH, ends[stroke])]
    way = ahead - places[np.maximum(index - _REACH, begins[stroke])]
    way /= np.maximum(np.hypot(way[:, 0], way[:, 1]), 1e-6)[:, None]
    turn = ((stroke + first) % TURNS) * (2 / (TURNS - 1)) - 1
    values = np.round(127 * np.stack([way[:, 0], way[:, 1], along, turn])).astype(np.int8)
    brush = _brush(pen)
    x, y = (np.floor(places)[:, None] + brush).astype(int).transpose(2, 0, 1)
    seen = (x >= 0) & (y >= 0) & (x < shape[1]) & (y < shape[0])
    which = np.broadcast_to(index[:, None], seen.shape)[seen]
    drawn[:, y[seen], x[seen]] = values[:, which]
    return drawn


def _places(
    strokes: Sequence[Stroke],
) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.float64]]:
    """Places (N, 2) all along the strokes, which stroke, and how far along it, -1 to 1."""
    points = np.concatenate(list(strokes)).astype(np.float64)
    owner = np.repeat(np.arange(len(strokes)), [len(stroke) for stroke in strokes])
    step = np.diff(points, axis=0, append=points[-1:])
    step[:-1][owner[1:] != owner[:-1]] = 0
    count = np.maximum(1, np.ceil(np.hypot(step[:, 0], step[:, 1]) / _DENSE)).astype(int)
    segment = np.repeat(np.arange(len(points)), count)
    starts = np.cumsum(count) - count
    share = (np.arange(len(segment)) - starts[segment]) / count[segment]
    stroke = owner[segment]
    total = np.bincount(stroke)
    before = np.cumsum(total) - total
    along = (np.arange(len(stroke)) - before[stroke]) / np.maximum(total[stroke] - 1, 1)
    return points[segment] + share[:, None] * step[segment], stroke, 2 * along - 1


def _brush(pen: float) -> NDArray[np.int64]:
    """The pixels (N, 2) that the pen covers around the one it is in, soft edges included."""
    radius = pen / 2 + 0.5
    reach = np.arange(-int(np.ceil(radius)), int(np.ceil(radius)) + 1)
    x, y = np.meshgrid(reach, reach)
    near = np.hypot(x, y) <= radius + 0.2
    return np.stack([x[near], y[near]], axis=1)
