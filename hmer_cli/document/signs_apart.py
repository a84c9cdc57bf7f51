"""Ink in no region of a page that has no words -> boxes of what may be mathematics all the same.

Input: the boxes of the ink that is in no region, and the letter height of the page. Output: the
boxes of signs and groups of signs: a single letter, or a few in another hand, are too little for
the search. Method: parts of the size of signs whose surroundings meet are one group.
"""

from __future__ import annotations

import numpy as np

from hmer_cli.geometry import Box, bounding_box
from hmer_cli.page.detect.integral import Floats
from hmer_cli.page.detect.neighbours import Indices, connected

_SIGN = 0.5, 8.0  # letter heights: the least and the longest side of a sign
_AROUND = 0.5  # of its longer side: the surroundings of a part
_MOST = 40  # parts: more are a drawing


def signs_apart(free: Floats, unit: float) -> list[Box]:
    """The boxes round groups of the ``free`` parts, (N, 4), a sign at least in each; none where
    parts are too many or too large for signs."""
    least, most = _SIGN[0] * unit, _SIGN[1] * unit
    free = free[_sides(free).max(1, initial=0) >= least]
    sides = _sides(free)
    if not 0 < len(free) <= _MOST or sides.max() > most:
        return []
    around = free + np.array([-1, -1, 1, 1], np.float32) * (_AROUND * sides.max(1))[:, None]
    groups = connected(len(free), *_meeting(around))
    signs = [group for group in groups if sides[group].min(1).max() >= least]  # no bars alone
    return [bounding_box(free[group]) for group in signs]


def _sides(boxes: Floats) -> Floats:
    return boxes[:, 2:] - boxes[:, :2]


def _meeting(boxes: Floats) -> tuple[Indices, Indices]:
    """The pairs of boxes that meet."""
    a, b = boxes[:, None], boxes[None]
    rows, columns = np.nonzero(((a[..., :2] < b[..., 2:]) & (b[..., :2] < a[..., 2:])).all(2))
    return rows, columns
