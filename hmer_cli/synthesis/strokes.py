"""Placed glyphs (marks) -> strokes.

Input: glyphs with boxes. Output: points (N, 2). Method: an affine map from each glyph's box to the
mark's box.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from hmer_cli.synthesis.blocks import Mark
from hmer_cli.synthesis.glyph import Points

Symbols = tuple[tuple[int, ...], ...]

_THIN = 1e-3


def fill(marks: Sequence[Mark], unit: float = 100.0) -> tuple[list[Points], Symbols]:
    """The strokes of all marks, and of each mark the indices of its strokes.

    ``unit`` is the size of an x in the units of the ink.
    """
    pieces = [mark.glyph.points for mark in marks]
    counts = [len(piece) for piece in pieces]
    moves = np.array([_move(mark) for mark in marks], np.float32) * np.float32(unit)
    each = np.repeat(moves, counts, axis=0)
    points = np.concatenate(pieces) * each[:, :2] + each[:, 2:]
    start = 0
    for mark, count in zip(marks, counts, strict=True):
        if mark.knee is not None and mark.glyph.knee is not None:
            points[start : start + count, 0] = _kneed(mark, mark.knee, mark.glyph.knee) * unit
        start += count
    lengths = [length for mark in marks for length in mark.glyph.lengths]
    ends = np.cumsum([0, *(len(mark.glyph.lengths) for mark in marks)]).tolist()
    symbols = tuple(tuple(range(a, b)) for a, b in pairwise(ends))
    return np.split(points, np.cumsum(lengths)[:-1]), symbols


def _move(mark: Mark) -> tuple[float, float, float, float]:
    """Scales and shifts that take the glyph's box to the mark's."""
    x0, y0, x1, y1 = mark.box
    gx0, gy0, gx1, gy1 = mark.glyph.box
    sx = (x1 - x0) / (gx1 - gx0) if gx1 - gx0 > _THIN else 1.0
    sy = (y1 - y0) / (gy1 - gy0) if gy1 - gy0 > _THIN else 1.0
    return sx, sy, (x0 + x1) / 2 - sx * (gx0 + gx1) / 2, (y0 + y1) / 2 - sy * (gy0 + gy1) / 2


def _kneed(mark: Mark, to: float, knee: float) -> Points:
    """The x of a radical's points: hook and bar are scaled separately."""
    gx0, _, gx1, _ = mark.glyph.box
    targets = (mark.box[0], to, mark.box[2])
    knee = min(max(knee, gx0 + _THIN), gx1 - _THIN)
    return np.interp(mark.glyph.points[:, 0], (gx0, knee, gx1), targets).astype(np.float32)


def stretched(mark: Mark) -> list[Points]:
    """The strokes of a mark's glyph, stretched to its box; a radical's hook as its bar."""
    scale_x, scale_y, x, y = _move(mark)
    scale = np.array((scale_x, scale_y), np.float32)
    return [stroke * scale + np.array((x, y), np.float32) for stroke in mark.glyph.strokes]
