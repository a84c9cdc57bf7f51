"""Parts of ink and what their line says they are -> the parts of each formula.

Input: boxes of parts, with the words that they belong to or how likely they are mathematics.
Output: runs of a line's parts, the formulas of a region apart from its words, and the box of a
formula with the signs beside it that go on with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from hmer_cli.geometry import Box, bounds
from hmer_cli.page.detect.integral import Floats

# In letter heights; chosen on notes-truth.
_NEAR = 1.6  # to a sign that goes on
_NEAR_WORDLESS = 0.8  # to one that is in no line of writing, as tall brackets are
_HIGHEST = 4.5  # such a sign
_SMALL = 0.55  # a dot, a comma: no sign by itself
_BEYOND = 0.2  # so far above or below the formula the middle of a sign may lie
_LEVEL = 0.4  # of the lower one's height: what a sign and the formula share


def runs(parts: Floats, taken: NDArray[np.bool_], most: float) -> Iterator[Floats]:
    """The parts (N, 4), from left to right, that are taken, those that follow each other with no
    more white than ``most`` as one run."""
    run: list[int] = []
    for i in range(len(parts)):
        far = bool(run) and parts[i, 0] - parts[run, 2].max() > most
        if run and (far or not taken[i]):
            yield parts[run]
            run = []
        if taken[i]:
            run.append(i)
    if run:
        yield parts[run]


def apart(
    parts: Floats,
    owner: NDArray[np.intp],
    found: Sequence[tuple[int, int]],
    least: NDArray[np.float64],
) -> list[Floats]:
    """The parts (N, 4) of each formula among words, of which ``owner`` is that of each part.

    ``found`` are the first and the last word of each. What looks like a word and stands nearer to
    the formula than ``least`` of that word, as scripts do, is of the formula.
    """
    pieces = []
    for first, last in found:
        begin, end = first, last
        mine = parts[(owner >= first) & (owner <= last)]
        if not len(mine):
            continue
        before, after = parts[owner == first - 1], parts[owner == last + 1]
        if len(before) and mine[:, 0].min() - before[:, 2].max() < least[first - 1]:
            begin -= 1
        if len(after) and after[:, 0].min() - mine[:, 2].max() < least[last + 1]:
            end += 1
        pieces.append(parts[(owner >= begin) & (owner <= end)])
    return pieces


def grown(box: Box, free: Floats, likely: NDArray[np.float64], unit: float, least: float) -> Box:
    """The box with the free parts (N, 4) that follow each other from its ends.

    ``likely`` (N,) is how likely each is mathematics, NaN for those in no line of writing; what is
    less likely than ``least`` is none.
    """
    side = np.maximum(free[:, 2] - free[:, 0], free[:, 3] - free[:, 1])
    high = free[:, 3] - free[:, 1]
    lone = np.isnan(likely)
    taken = (side >= _SMALL * unit) & (high <= _HIGHEST * unit)
    taken &= lone | (np.nan_to_num(likely) >= least)
    signs, reach = free[taken], np.where(lone, _NEAR_WORDLESS, _NEAR)[taken] * unit
    shared = np.minimum(signs[:, 3], box[3]) - np.maximum(signs[:, 1], box[1])
    level = shared >= _LEVEL * np.minimum(signs[:, 3] - signs[:, 1], box[3] - box[1])
    middle = (signs[:, 1] + signs[:, 3]) / 2
    level |= (middle >= box[1] - _BEYOND * unit) & (middle <= box[3] + _BEYOND * unit)
    signs, reach = signs[level], reach[level]
    whole: Floats = np.array(box, np.float32)
    while len(signs):
        gap = np.maximum(signs[:, 0] - whole[2], whole[0] - signs[:, 2])
        near = gap <= reach
        if not near.any():
            break
        whole = bounds(np.concatenate([signs[near], whole[None]]))
        signs, reach = signs[~near], reach[~near]
    x0, y0, x1, y1 = whole.tolist()
    return x0, y0, x1, y1
