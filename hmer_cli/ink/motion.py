"""Pen motion as image channels: strokes -> direction, progress and stroke index for each pixel.

Input: strokes (N, 2) in pixels. Output: int8 (4, H, W), zero off the ink; images without strokes
have zeros throughout. Method: direction features of online character recognition (Bai and Huo,
ICDAR 2005), rasterised.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hmer_cli.ink.ink import Stroke

Motion = NDArray[np.int8]
"""int8 of shape (4, H, W), -127 to 127 on ink, else 0.

Cosine and sine of the pen's direction, y down; the position along its stroke, -127 at the start;
and the index of the stroke modulo 5, so that the strokes of one symbol differ.
"""

CHANNELS = 4

_DENSE = 0.5
"""Distance between samples of a stroke, in pixels."""  # convention

_REACH = 3
"""The direction is measured over this number of samples before and after."""  # convention

_AT_ONCE = 20_000  # samples drawn together, so that memory does not grow with the ink

TURNS = 5
"""The period of the stroke index."""  # convention


def motion(strokes: Sequence[Stroke], shape: tuple[int, int], pen: float, first: int = 0) -> Motion:
    """Rasterise the motion of strokes in pixels on an image of ``shape`` (H, W), at least ``pen``
    pixels wide.

    At crossings the later stroke wins. ``first`` is the index of the first stroke.
    """
    drawn = np.zeros((CHANNELS, *shape), np.int8)
    if not strokes:
        return drawn
    places, stroke, along = _places(strokes)
    ends = np.flatnonzero(np.diff(stroke, append=-1))
    begins = np.concatenate([[0], ends[:-1] + 1])
    index = np.arange(len(stroke))
    ahead = places[np.minimum(index + _REACH, ends[stroke])]
    step = ahead - places[np.maximum(index - _REACH, begins[stroke])]
    step /= np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-6)[:, None]
    turn = ((stroke + first) % TURNS) * (2 / (TURNS - 1)) - 1
    values = np.round(127 * np.stack([step[:, 0], step[:, 1], along, turn])).astype(np.int8)
    brush = _brush(pen)
    pixels = np.floor(places).astype(int)
    covered = (pixels[1:] == pixels[:-1]).all(axis=1)  # by the next sample
    last = index[~np.append(covered, False)]
    for start in range(0, len(last), _AT_ONCE):
        some = last[start : start + _AT_ONCE]
        x, y = (pixels[some, None] + brush).transpose(2, 0, 1)
        visible = (x >= 0) & (y >= 0) & (x < shape[1]) & (y < shape[0])
        which = np.broadcast_to(some[:, None], visible.shape)[visible]
        drawn[:, y[visible], x[visible]] = values[:, which]
    return drawn


def _places(
    strokes: Sequence[Stroke],
) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.float64]]:
    """Samples (N, 2) along the strokes, the stroke index of each, its progress, -1 to 1."""
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
    """Offsets (N, 2) of the pixels that the pen covers, soft edges included."""
    radius = pen / 2 + 0.5
    reach = np.arange(-int(np.ceil(radius)), int(np.ceil(radius)) + 1)
    x, y = np.meshgrid(reach, reach)
    near = np.hypot(x, y) <= radius + 0.2
    return np.stack([x[near], y[near]], axis=1)
