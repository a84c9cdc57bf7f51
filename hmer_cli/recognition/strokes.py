"""Strokes -> nodes of the graph model: the resampled shape of each, and its box.

Input: strokes, (P, 2) points in any unit. Output: `StrokeFeatures`: points at equal distances with
their directions, normalised by the stroke's box.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hmer_cli.ink.ink import Stroke
from hmer_cli.recognition.scale import typical

POINTS = 32
"""Points per stroke, at equal distances along it."""

CHANNELS = 4
"""Features per point: x, y, cosine and sine of the pen direction."""

_LEAST = 0.1
"""Strokes smaller than this, in typical symbol sizes, are enlarged only as if they had it."""


@dataclass(frozen=True)
class StrokeFeatures:
    """The N strokes of one expression, in the order in which they were written.

    Attributes:
        shapes: (N, CHANNELS, POINTS), x and y in the stroke's box (-1 to 1 along its longer
            side), and directions.
        boxes: x0, y0, x1, y1 (N, 4) relative to the centre of the expression, in typical symbol
            sizes.
    """

    shapes: NDArray[np.float32]
    boxes: NDArray[np.float32]


def stroke_features(strokes: Sequence[Stroke]) -> StrokeFeatures:
    """Features of strokes in any unit, y down; each has at least one point."""
    lengths = np.array([len(stroke) for stroke in strokes])
    points = np.concatenate(list(strokes)).astype(np.float64)
    begins = np.cumsum(lengths) - lengths
    low, high = np.minimum.reduceat(points, begins), np.maximum.reduceat(points, begins)
    size = stroke_size(low, high)
    places = _resampled(points, begins, lengths)
    middle = (low + high)[:, None] / 2
    half = np.maximum((high - low).max(axis=1), _LEAST * size)[:, None, None] / 2
    direction = np.gradient(places, axis=1)
    direction /= np.maximum(np.hypot(direction[..., 0], direction[..., 1]), 1e-6 * size)[..., None]
    shapes = np.concatenate([(places - middle) / half, direction], axis=2).transpose(0, 2, 1)
    centre = (low.min(axis=0) + high.max(axis=0)) / 2
    boxes = np.concatenate([low - centre, high - centre], axis=1) / size
    return StrokeFeatures(shapes.astype(np.float32), boxes.astype(np.float32))


def stroke_size(low: NDArray[np.float64], high: NDArray[np.float64]) -> float:
    """Typical size of strokes with boxes from ``low`` to ``high`` (N, 2), positive."""
    extent = float((high.max(axis=0) - low.min(axis=0)).max())
    return typical(low, np.maximum(high, low + (extent / 60 or 1.0)))


def _resampled(
    points: NDArray[np.float64], begins: NDArray[np.intp], lengths: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Points (N, POINTS, 2) at equal distances along each stroke."""
    steps = np.hypot(*np.diff(points, axis=0, prepend=points[:1]).T)
    steps[begins] = 0
    along = np.cumsum(steps)
    ends = begins + lengths - 1
    share = np.linspace(0, 1, POINTS)
    wanted = along[begins][:, None] + (along[ends] - along[begins])[:, None] * share
    # Strokes are separated along the axis of interpolation, so that no point lies between two.
    apart = np.arange(len(lengths)) * (along[-1] + 1.0)
    known = along + np.repeat(apart, lengths)
    wanted = (wanted + apart[:, None]).ravel()
    both = [np.interp(wanted, known, points[:, axis]) for axis in range(2)]
    return np.stack(both, axis=1).reshape(len(lengths), POINTS, 2)
