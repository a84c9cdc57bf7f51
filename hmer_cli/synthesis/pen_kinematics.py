"""How a pen moves: strokes drawn to be looked at -> strokes as a hand makes them.

A quick hand aims at one point after the other and leaves for the next before it has arrived. By the
kinematic theory of rapid movements (Plamondon, 1995; O'Reilly and Plamondon, 2009: the
sigma-lognormal model) the answer to each aim is a lognormal; with aims close together, the path is
the drawn one, smoothed by that answer. So a pen rounds corners, the more the quicker it is, leaves
and arrives slowly, and lags a little behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from hmer_cli.synthesis.glyph import Points

_SIGMA = 0.45
"""The logarithmic response time of a hand."""

_SHORT = 6
"""Strokes of fewer points have no hooks: dots, primes."""

_BEND = 0.3
"""How fast a line of writing bends, in radians an x height."""


@cache
def answer(tempo: float) -> NDArray[np.float64]:
    """The lognormal answer to one aim, over the aims that follow; they are ``tempo`` behind."""
    after = np.arange(0.5, max(3.5 * tempo, 1.0))
    lognormal = np.exp(-0.5 * (np.log(after / tempo) / _SIGMA) ** 2) / after
    return lognormal / lognormal.sum()


def glide(stroke: Points, tempo: float) -> Points:
    """The stroke (N, 2) as a hand of this tempo moves along it; it begins and ends where it did."""
    kernel = answer(tempo)
    rest = len(kernel) - 1
    aims = np.concatenate([stroke[:1].repeat(rest, 0), stroke, stroke[-1:].repeat(rest, 0)])
    x, y = (np.convolve(axis, kernel, "valid") for axis in aims.T)
    return np.stack([x, y], axis=1).astype(np.float32)


def hook(stroke: Points, landing: Points, leaving: Points) -> Points:
    """The stroke with the pen already moving when it lands, and still moving when it leaves.

    ``landing`` and ``leaving`` (2,) are where the pen is off its first and last point.
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
    """The strokes on a line that is neither level nor straight.

    ``slope`` is its rise over its length, ``wave`` how far it strays, in x heights of ``unit``.
    """
    points = np.concatenate(list(strokes))
    x = points[:, 0] / unit
    points[:, 1] += ((slope * x + wave * np.sin(x * _BEND + phase)) * unit).astype(np.float32)
    return np.split(points, np.cumsum([len(s) for s in strokes])[:-1])


def link(before: Points, after: Points) -> Points:
    """Two strokes as one: the pen stays down between them."""
    start, end = before[-1], after[0]
    t = np.linspace(0, 1, 7, dtype=np.float32)[1:-1, None]
    sag = np.array([0.5 * (start[0] + end[0]), max(start[1], end[1])], np.float32)
    between = (1 - t) ** 2 * start + 2 * t * (1 - t) * sag + t**2 * end
    return np.concatenate([before, between, after])
