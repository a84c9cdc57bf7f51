"""Augmentation of ink: other handwriting from the same strokes.

Input: strokes (N, 2) and a random generator. Output: strokes. Method: random affine maps of the
expression and of single symbols, smooth displacement and jitter of points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hmer_cli.training.quantities import Amount

Points = NDArray[np.float32]


@dataclass(frozen=True)
class Spread:
    """How far the augmentation goes: standard deviations."""

    stretch: Amount = 0.10
    shear: Amount = 0.15
    rotation: Amount = 0.04
    symbol_size: Amount = 0.08
    symbol_shift: Amount = 0.04
    symbol_rotation: Amount = 0.05
    wobble: Amount = 0.015


def affine(
    points: Points,
    centre: Points,
    rng: np.random.Generator,
    stretch: float,
    rotation: float,
    shear: float = 0.0,
) -> Points:
    """A random stretch, shear (of x by y) and rotation (radians) about the centre."""
    sx, sy = np.exp(rng.normal(0, stretch, 2))
    angle = rng.normal(0, rotation)
    cos, sin = np.cos(angle), np.sin(angle)
    matrix = np.array([[cos, -sin], [sin, cos]]) @ np.array([[sx, rng.normal(0, shear)], [0, sy]])
    return ((points - centre) @ matrix.T + centre).astype(np.float32)


def wobble(points: Points, size: float, rng: np.random.Generator) -> Points:
    """Smooth noise along one stroke, with a few random bends."""
    bends = rng.normal(0, size, (2, 4))
    t = np.linspace(0, 1, len(points))
    waves = np.stack([np.ones_like(t), np.cos(np.pi * t), np.cos(2 * np.pi * t), t])
    return points + (bends @ waves).T.astype(np.float32) * 0.5


def augment(
    strokes: Sequence[Points],
    symbols: Sequence[tuple[int, ...]],
    size: float,
    rng: np.random.Generator,
    spread: Spread,
) -> list[Points]:
    """New strokes; ``size`` is the ink's typical symbol size in its own units.

    Symbols that span others (roots and fraction bars are wide) keep their place.
    """
    out = [np.asarray(s, np.float32) for s in strokes]
    for members in symbols:
        points = np.concatenate([out[i] for i in members])
        low, high = points.min(axis=0), points.max(axis=0)
        if (high - low).max() > 2 * size:
            continue
        shift = rng.normal(0, spread.symbol_shift * size, 2).astype(np.float32)
        state = rng.integers(0, 2**63)
        for i in members:
            same = np.random.default_rng(state)
            moved = affine(
                out[i], (low + high) / 2, same, spread.symbol_size, spread.symbol_rotation
            )
            out[i] = moved + shift
    out = [wobble(s, spread.wobble * size, rng) if len(s) > 2 else s for s in out]
    lengths = np.cumsum([len(s) for s in out])[:-1]
    points = np.concatenate(out)
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    points = affine(points, centre, rng, spread.stretch, spread.rotation, spread.shear)
    return np.split(points, lengths)
