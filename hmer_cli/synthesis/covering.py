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
    begin = x + part.box[0] * size - _PEN
    fixed = [np.concatenate(stretched(mark)) for mark in block.marks if mark.box[2] > begin]
    moving = [
        np.concatenate(stretched(mark)) * np.float32(size) + np.array((0, y), np.float32)
        for mark in part.marks
        if x + mark.box[0] * size < end
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
        low, high = own.min(axis=0) - _PEN, own.max(axis=0) + _PEN
        near = every[((every >= low) & (every <= high)).all(axis=1)]
        if len(near):
            distance = np.hypot(*(own[:, None] - near).transpose(2, 0, 1)).min(axis=1)
            if (distance < _PEN).mean() > _COVERED:
                return True
    return False
