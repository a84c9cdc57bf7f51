"""Strokes -> what the graph reader sees: the shape of each, and its box among the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hmer_cli.ink.ink import Stroke
from hmer_cli.recognition.scale import typical

POINTS = 32
"""Points that each stroke is told by, at equal distances along it."""

CHANNELS = 4
"""Of each point: x and y, cosine and sine of the way that the pen went."""

_LEAST = 0.1
"""Strokes are enlarged to one size; what is smaller than this, in typical symbols, not as much."""


@dataclass(frozen=True)
class StrokeFeatures:
    """The strokes of one expression, N of them, in the order in which they were written.

    shapes (N, CHANNELS, POINTS): places in the stroke's box, its longer side 2, and directions;
    boxes (N, 4): x0, y0, x1, y1 about the middle of the expression, in typical symbols.
    """

    shapes: NDArray[np.float32]
    boxes: NDArray[np.float32]


def stroke_features(strokes: Sequence[Stroke]) -> StrokeFeatures:
    """What the reader sees of strokes in any unit, y down; each has a point at least."""
    lengths = np.array([len(stroke) for stroke in strokes])
    points = np.concatenate(list(strokes)).astype(np.float64)
    begins = np.cumsum(lengths) - lengths
    low, high = np.minimum.reduceat(points, begins), np.maximum.reduceat(points, begins)
    size = stroke_size(low, high)
    places = _resampled(points, begins, lengths)
    middle = (low + high)[:, None] / 2
    half = np.maximum((high - low).max(axis=1), _LEAST * size)[:, None, None] / 2
    way = np.gradient(places, axis=1)
    way /= np.maximum(np.hypot(way[..., 0], way[..., 1]), 1e-6 * size)[..., None]
    shapes = np.concatenate([(places - middle) / half, way], axis=2).transpose(0, 2, 1)
    centre = (low.min(axis=0) + high.max(axis=0)) / 2
    boxes = np.concatenate([low - centre, high - centre], axis=1) / size
    return StrokeFeatures(shapes.astype(np.float32), boxes.astype(np.float32))


def stroke_size(low: NDArray[np.float64], high: NDArray[np.float64]) -> float:
    """The typical size of strokes in boxes from ``low`` to ``high`` (N, 2), more than 0."""
    extent = float((high.max(axis=0) - low.min(axis=0)).max())
    return typical(low, np.maximum(high, low + (extent / 60 or 1.0)))


def _resampled(
    points: NDArray[np.float64], begins: NDArray[np.intp], lengths: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Places (N, POINTS, 2) at equal distances along each stroke."""
    steps = np.hypot(*np.diff(points, axis=0, prepend=points[:1]).T)
    steps[begins] = 0
    along = np.cumsum(steps)
    ends = begins + lengths - 1
    share = np.linspace(0, 1, POINTS)
    asked = along[begins][:, None] + (along[ends] - along[begins])[:, None] * share
    # Strokes are held apart, so that no place lies between two of them.
    apart = np.arange(len(lengths)) * (along[-1] + 1.0)
    known = along + np.repeat(apart, lengths)
    asked = (asked + apart[:, None]).ravel()
    both = [np.interp(asked, known, points[:, axis]) for axis in range(2)]
    return np.stack(both, axis=1).reshape(len(lengths), POINTS, 2)
