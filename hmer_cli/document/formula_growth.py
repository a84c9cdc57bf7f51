"""Parts of ink and what their line says they are -> the parts of each formula.

Input: boxes of parts, with the words that they belong to or how likely they are mathematics.
Output: runs of a line's parts, the formulas of a region apart from its words, and the box of a
formula with the signs beside it that go on with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from hmer_cli.geometry import Box, bounding_box, bounds
from hmer_cli.page.detect.integral import Floats

# In letter heights; chosen on notes-truth.
_NEAR = 1.6  # to a sign that goes on
_NEAR_WORDLESS = 0.8  # to one that is in no line of writing, as tall brackets are
_HIGHEST = 4.5  # such a sign
_SMALL = 0.55  # a dot, a comma: no sign by itself
_BEYOND = 0.2  # so far above or below the formula the middle of a sign may lie
_LEVEL = 0.4  # of the lower one's height: what a sign and the formula share
_DASH = 0.9, 0.45  # farther before it, what is so low is no minus: it begins an item
_TALL, _NARROW, _TOUCHING = 1.0, 0.7, 0.35  # a bracket is so high, so slender, and so near
_SPACE = 0.5  # between signs; between words there is more
_FOOT, _IN_LINE = 0.6, 0.7  # lower, small ink is a comma; of a sign's height: what is in a line
_RULE = 2.5, 0.5  # a rule is so wide and so low
_DOT = 0.1, 0.5  # a dot is so large at least and at most
_DOTS, _NEXT, _ROW = 3, 1.2, 0.4  # an ellipsis: so many, so near each other, and at one height
_ACCENT, _OVER, _CLEAR = 0.2, 0.9, 0.6  # a dot above a letter: its size, white below and above


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


def grown(
    box: Box,
    free: Floats,
    likely: NDArray[np.float64],
    unit: float,
    least: float,
    goes_on: bool = False,
) -> Box:
    """The box with the free parts (N, 4) that follow each other from its ends.

    ``likely`` (N,) is how likely each is mathematics, NaN for those in no line of writing; what is
    less likely than ``least`` is none, but what stands right beside the box like a bracket. What
    ends at an equals sign ``goes_on`` to the right, over more white and to what is half as likely.
    """
    width, high = free[:, 2] - free[:, 0], free[:, 3] - free[:, 1]
    lone = np.isnan(likely)
    taken = (np.maximum(width, high) >= _SMALL * unit) & (high <= _HIGHEST * unit)
    wanted = goes_on & (free[:, 0] >= box[2])
    maths = lone | (np.nan_to_num(likely) >= np.where(wanted, least / 2, least))
    bracket = (high >= _TALL * unit) & (width <= _NARROW * high) & ~maths
    wordless = np.where(wanted, _NEAR, _NEAR_WORDLESS)
    reach = np.select([bracket, lone], [np.full(len(free), _TOUCHING), wordless], _NEAR)
    shared = np.minimum(free[:, 3], box[3]) - np.maximum(free[:, 1], box[1])
    middle = (free[:, 1] + free[:, 3]) / 2
    level = shared >= _LEVEL * np.minimum(high, box[3] - box[1])
    level |= (middle >= box[1] - _BEYOND * unit) & (middle <= box[3] + _BEYOND * unit)
    rule = (width >= _RULE[0] * unit) & (high <= _RULE[1] * unit)  # that the formula stands on
    level &= np.where(rule | bracket, (middle >= box[1]) & (middle <= box[3]), True)
    taken &= (maths | bracket) & level
    for i in np.flatnonzero(taken & (high <= _DASH[1] * unit) & (free[:, 2] <= box[0])):
        if not _is_stacked(free[i], free):
            reach[i] = min(reach[i], _DASH[0])
    signs, reach = free[taken], reach[taken] * unit
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


def _is_stacked(part: Floats, parts: Floats) -> bool:
    """Whether a part has another above or below, as the two of an equals sign."""
    middle, wide = (part[0] + part[2]) / 2, part[2] - part[0]
    over = (middle >= parts[:, 0]) & (middle <= parts[:, 2])
    near = np.maximum(part[1] - parts[:, 3], parts[:, 1] - part[3]) <= 2 * wide
    return int((over & near).sum()) > 1  # itself and another


def is_beside(box: Box, free: Floats, unit: float) -> bool:
    """Whether one of the free parts (N, 4) stands in the line of a box as near as its signs do."""
    width, high = free[:, 2] - free[:, 0], free[:, 3] - free[:, 1]
    shared = np.minimum(free[:, 3], box[3]) - np.maximum(free[:, 1], box[1])
    gap = np.maximum(free[:, 0] - box[2], box[0] - free[:, 2])
    sign = (np.maximum(width, high) >= _SMALL * unit) & (high <= _HIGHEST * unit)
    low = ((free[:, 1] + free[:, 3]) / 2 >= box[1] + _FOOT * (box[3] - box[1])) & (high <= unit)
    level = shared >= _IN_LINE * high
    near = (gap >= -_TOUCHING * unit) & (gap <= _SPACE * unit)
    return bool((sign & level & near & ~low).any())


def with_dots(box: Box, parts: Floats, free: NDArray[np.bool_], unit: float) -> Box:
    """The box with the ``free`` ones of the parts (N, 4) that are the rest of an ellipsis at its
    right end, or dots above its letters."""
    side = np.maximum(parts[:, 2] - parts[:, 0], parts[:, 3] - parts[:, 1])
    dot = (side >= _DOT[0] * unit) & (side <= _DOT[1] * unit)
    more = [np.array([box], np.float32)]
    more.append(_ellipsis(box, parts[dot], free[dot], unit))
    inside = ~free & (parts[:, 0] < box[2]) & (parts[:, 2] > box[0])
    own = parts[inside & (parts[:, 1] < box[3]) & (parts[:, 3] > box[1])]
    above = dot & free & (side >= _ACCENT * unit) & (parts[:, 3] <= box[1] + _SMALL * unit)
    for i in np.flatnonzero(above):
        rest = np.delete(parts, i, 0)
        if _is_accent(parts[i], own, rest, unit):
            more.append(parts[i : i + 1])
    return bounding_box(np.concatenate(more))


def _ellipsis(box: Box, dots: Floats, free: NDArray[np.bool_], unit: float) -> Floats:
    """The free dots of a row of dots that begins where the box ends."""
    middle = (dots[:, 1] + dots[:, 3]) / 2
    level = (middle >= box[1]) & (middle <= box[3]) & (dots[:, 2] >= box[2] - _NEXT * unit)
    order = np.flatnonzero(level)[np.argsort(dots[level, 0])]
    row: list[int] = []
    end = box[2]
    for i in order.tolist():
        if row and abs(middle[i] - middle[row[0]]) > _ROW * unit:
            continue
        if dots[i, 0] - end > _NEXT * unit:
            break
        row.append(i)
        end = max(end, float(dots[i, 2]))
    taken = [i for i in row if free[i]]
    return dots[taken] if len(row) >= _DOTS else dots[:0]


def _is_accent(dot: Floats, own: Floats, rest: Floats, unit: float) -> bool:
    """Whether a dot stands above a letter of the formula, and under no other ink."""
    middle = (dot[0] + dot[2]) / 2
    over = (own[:, 0] <= middle) & (own[:, 2] >= middle)
    down = own[over, 1] - dot[3]
    up = dot[1] - rest[(rest[:, 0] <= middle) & (rest[:, 2] >= middle), 3]
    near = bool(len(down)) and 0 <= float(down.min()) <= _OVER * unit
    return near and not ((up >= -_DOT[1] * unit) & (up <= _CLEAR * unit)).any()
