"""Connected parts of ink -> lines of writing, words and formulas alike, in reading order.

Letters make lines: what stands beside each other and shares much of its height, with no more white
than between words. Dots, commas and accents, which share none, join the line they are nearest to;
what is too high for a letter is in no line.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.detect.integral import Floats
from hmer_cli.page.detect.neighbours import connected, related

Indices = NDArray[np.int64]

# In letter heights; conventions.
_SAME = 0.45  # of the lower one's height: what two letters of a line share
_SPACE = 3.0  # between two words
_SMALL = 0.45  # a dot, a comma
_HIGHEST = 3.2  # a letter
_NEAR = 0.9  # of a dot to its line
_LEVEL = 0.6  # of two parts of a line: how far apart their middles are


def text_lines(boxes: Floats, unit: float) -> list[Indices]:
    """The parts (N, 4) of each line, from left to right; lines from the top down."""
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    small = np.maximum(width, height) < _SMALL * unit
    letters = np.flatnonzero(~small & (height <= _HIGHEST * unit))
    if not len(letters):
        return []
    some = boxes[letters] / unit
    pairs = related(some, lambda rows, columns: _follow(some[rows], some[columns]), 0.0)
    lines = [letters[line] for line in connected(len(letters), *pairs)]
    lines = _with_dots(lines, np.flatnonzero(small), boxes, unit)
    lines = [line[np.argsort(boxes[line, 0], kind="stable")] for line in lines]
    return sorted(lines, key=lambda line: float(np.median(boxes[line, 1] + boxes[line, 3])))


def _follow(boxes: Floats, others: Floats) -> NDArray[np.bool_]:
    """Which parts follow each other on a line, (R, C)."""
    a, b = boxes[:, None], others[None]
    shared = np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1])
    lower = np.minimum(a[..., 3] - a[..., 1], b[..., 3] - b[..., 1])
    gap = np.maximum(a[..., 0], b[..., 0]) - np.minimum(a[..., 2], b[..., 2])
    apart = np.abs(a[..., 1] + a[..., 3] - b[..., 1] - b[..., 3]) / 2
    level = apart <= _LEVEL + 0.25 * np.abs((a[..., 3] - a[..., 1]) - (b[..., 3] - b[..., 1]))
    return np.asarray((shared >= _SAME * lower) & (gap <= _SPACE) & level)


def _with_dots(lines: list[Indices], dots: Indices, boxes: Floats, unit: float) -> list[Indices]:
    """The lines with the small parts near them."""
    hulls = np.stack([[*boxes[i, :2].min(0), *boxes[i, 2:].max(0)] for i in lines])
    middle = boxes[dots].reshape(-1, 2, 2).mean(1)
    out = np.maximum(hulls[None, :, :2] - middle[:, None], middle[:, None] - hulls[None, :, 2:])
    far = np.hypot(*np.maximum(out, 0).transpose(2, 0, 1)) / unit
    nearest = far.argmin(axis=1) if len(dots) else np.zeros(0, np.int64)
    kept = far[np.arange(len(dots)), nearest] <= _NEAR
    return [np.concatenate([line, dots[kept & (nearest == i)]]) for i, line in enumerate(lines)]
