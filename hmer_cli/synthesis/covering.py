"""Whether placed symbols lie on each other's ink, where nobody could read them.

Input: two blocks of marks and where the second is put, in x heights. Output: a shift to the right.
Method: the share of a symbol's points that are within a pen's width of the other block's points.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hmer_cli.synthesis.blocks import Block
from hmer_cli.synthesis.glyph import Points
from hmer_cli.synthesis.strokes import stretched

_PEN = 0.16
"""Two lines nearer than this, in x heights, are one: more than a broad pen's width."""
# convention

_COVERED = 0.4
"""The share of a symbol that the other block may cover."""  # convention

_STEP, _STEPS = 0.06, 8


def uncovered(block: Block, part: Block, x: float, y: float = 0.0, size: float = 1.0) -> float:
    """The least x, from this one on, at which no symbol of the two blocks is hidden by the other.

    ``part`` is scaled by ``size`` and moved to (x, y). It gives up half an x height on.
    """
    end = block.box[2] + _PEN
    if x + part.box[0] * size > end:
        return x
    left, top, foot = x + part.box[0] * size, y + part.box[1] * size, y + part.box[3] * size
    near = [
        mark
        for mark in block.marks
        if mark.box[2] > left - _PEN and mark.box[3] > top - _PEN and mark.box[1] < foot + _PEN
    ]
    if not near:
        return x
    highest, lowest = min(mark.box[1] for mark in near), max(mark.box[3] for mark in near)
    fixed = [np.concatenate(stretched(mark)) for mark in near]
    moving = [
        np.concatenate(stretched(mark)) * np.float32(size) + np.array((0, y), np.float32)
        for mark in part.marks
        if x + mark.box[0] * size < end
        and highest - _PEN < y + mark.box[3] * size
        and y + mark.box[1] * size < lowest + _PEN
    ]
    for _ in range(_STEPS):
        if not _hides(fixed, [points + np.array((x, 0), np.float32) for points in moving]):
            break
        x += _STEP
    return x


def _hides(some: Sequence[Points], others: Sequence[Points]) -> bool:
    """Whether a symbol of some is covered by the others' ink, or the other way round."""
    return _covers(some, others) or _covers(others, some)


def _covers(ink: Sequence[Points], symbols: Sequence[Points]) -> bool:
    if not ink:
        return False
    every = np.concatenate(ink)
    for own in symbols:
        near = _within(every, own)
        if not len(near):
            continue
        inner = _within(own, near)
        if len(inner) <= _COVERED * len(own):
            continue
        (x, y), (ink_x, ink_y) = inner.T, near.T
        squared = (x[:, None] - ink_x) ** 2 + (y[:, None] - ink_y) ** 2
        if (squared.min(axis=1) < _PEN**2).sum() > _COVERED * len(own):
            return True
    return False


def _within(points: Points, others: Points) -> Points:
    """Those of the points that are in the box of others, or a pen's width beside it."""
    low, high = others.min(axis=0) - _PEN, others.max(axis=0) + _PEN
    return points[((points >= low) & (points <= high)).all(axis=1)]
