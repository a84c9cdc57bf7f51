"""Pen kinematics: ideal strokes -> strokes with rounded corners, hooks and baseline drift.

Input and output: strokes (N, 2). Method: the kinematic theory of rapid movements (Plamondon, 1995;
O'Reilly and Plamondon, 2009: the sigma-lognormal model). The response of the pen to each target
point is a lognormal; with close targets the trajectory is the ideal path convolved with it. Faster
writing (``tempo``) rounds corners more.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from hmer_cli.synthesis.glyph import Points

_SIGMA = 0.45
"""Sigma of the lognormal response, in log time."""  # convention

_SHORT = 6
"""Strokes of fewer points (dots, primes) get no hooks."""  # convention

_BEND = 0.3
"""Angular frequency of the baseline's wave, in radians an x height."""  # convention


@cache
def impulse_response(tempo: float) -> NDArray[np.float64]:
    """The normalised lognormal response over the target points that follow; median ``tempo``."""
    after = np.arange(0.5, max(3.5 * tempo, 1.0))
    lognormal = np.exp(-0.5 * (np.log(after / tempo) / _SIGMA) ** 2) / after
    return lognormal / lognormal.sum()


def glide(stroke: Points, tempo: float) -> Points:
    """The stroke (N, 2) convolved with the response; its end points are kept."""
    kernel = impulse_response(tempo)
    rest = len(kernel) - 1
    targets = np.concatenate([stroke[:1].repeat(rest, 0), stroke, stroke[-1:].repeat(rest, 0)])
    x, y = (np.convolve(axis, kernel, "valid") for axis in targets.T)
    return np.stack([x, y], axis=1).astype(np.float32)


def hook(stroke: Points, landing: Points, leaving: Points) -> Points:
    """The stroke (N, 2) with hooks at its ends.

    ``landing`` and ``leaving`` (2,) are the displacements of its first and last point.
    """
    if len(stroke) < _SHORT:
        return stroke
    fading = np.array([[1.0], [0.35]], np.float32)
    out = stroke.copy()
    out[:2] += fading * landing
    out[-2:] += fading[::-1] * leaving
    return out


def drift(
    strokes: Sequence[Points], unit: float, slope: float, wave: float, phase: float
) -> list[Points]:
    """The strokes on a sloped, wavy baseline.

    ``slope`` is its rise over its length, ``wave`` its amplitude in x heights of ``unit`` and
    ``phase`` its phase in radians.
    """
    points = np.concatenate(list(strokes))
    x = points[:, 0] / unit
    points[:, 1] += ((slope * x + wave * np.sin(x * _BEND + phase)) * unit).astype(np.float32)
    return np.split(points, np.cumsum([len(s) for s in strokes])[:-1])


def link(before: Points, after: Points) -> Points:
    """Two strokes joined to one by a quadratic Bezier curve."""
    start, end = before[-1], after[0]
    t = np.linspace(0, 1, 7, dtype=np.float32)[1:-1, None]
    sag = np.array([0.5 * (start[0] + end[0]), max(start[1], end[1])], np.float32)
    between = (1 - t) ** 2 * start + 2 * t * (1 - t) * sag + t**2 * end
    return np.concatenate([before, between, after])
