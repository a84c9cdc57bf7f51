"""Rows of writing: connected components of ink grouped into rows, one formula in one row.

Input: boxes (N, 4) of components. Output: the components of each row. Method: bands between white
rows, after levelling of sloping writing, are joined unless boosted trees say that a row ends. The
white between a fraction bar and its halves, or an operator and its limits, looks like that between
rows; the trees use sizes, widths and bars on both sides
(`hmer_cli.training.detector.row_trees`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.detect.integral import Floats
from hmer_cli.page.detect.line_growth import equals_signs

Indices = NDArray[np.int64]
Judge = Callable[[Floats], Floats]
"""Features of white gaps (G, F) -> probabilities (G,) that a row ends there."""

LEAST = 0.8  # chosen on CROHME 2014 offline: of every fifth of its expressions 1 in 198 is cut
LEAST_FOUND = 0.3  # less is asked of the white between two expressions that the search found
_SPANS = 0.5  # of each row's height: a brace stands beside so much of it,
_TALL = 2.0  # is so many letters high,
_NEAR = 4.0  # and so many letter heights away at most
_BELOW = 0.25  # of the narrower one's width: two rows share so much
_BAR = 0.9, 6.0  # of the width of both halves: so long is a fraction bar; times its height
_OPERATOR = 0.6, 2.0, 5.0  # letter heights: least width and height of a large one, and most width
_LIMIT_WHITE = 1.0  # letter heights: largest white between an operator and its limit
_LIMIT_WIDTH, _LIMIT_HEIGHT = 1.6, 0.5  # of the operator's: largest size of its limit
_STEEPEST, _STEP = 5.0, 0.5  # degrees: by so much rows of a photo slope, and how finely it is tried
_CLEARER = 1.25  # times as much white as level rows have: then they slope
_FLAT = 2.5  # times as wide as high: a bar

_SIDE_COLUMNS = ("height", "width", "parts", "letter", "tallest", "bar")
ROW_COLUMNS = (
    *("white", "white_in_letters", "letter_ratio", "overlap", "left_shift", "right_shift"),
    *(f"{side}_{name}" for side in ("above", "below", "over", "under") for name in _SIDE_COLUMNS),
)
"""Names of the features of a gap between bands (`gap_features`), in their order."""


def find_rows(boxes: Floats, unit: float, judge: Judge) -> list[Indices]:
    """The parts of each row, from the top down; every part is in one.

    ``boxes`` (N, 4) as x0, y0, x1, y1 in pixels; ``unit``: the height of a letter in pixels.
    """
    if not len(boxes):
        return []
    level = levelled(boxes / unit)
    bands = bands_of(level)
    if len(bands) == 1:
        return bands
    ends = judge(gap_features(level, bands)) >= LEAST
    ends &= ~np.array([_are_limits(level[a], level[b]) for a, b in pairwise(bands)], bool)
    starts = [0, *(np.flatnonzero(ends) + 1).tolist(), len(bands)]
    return [np.concatenate(bands[first:last]) for first, last in pairwise(starts)]


def are_rows(boxes: Floats, unit: float, found: Floats, judge: Judge) -> bool:
    """Whether two of the ``found`` expressions (R, 4) stand in rows of their own.

    ``boxes`` (N, 4) are those of the parts; one tall part beside both holds them together.
    """
    middle = np.stack([boxes[:, [0, 2]].mean(1), boxes[:, [1, 3]].mean(1)], 1)
    order = np.argsort(found[:, 1])
    for place, upper in enumerate(order):
        for lower in order[place + 1 :]:
            pair = found[upper], found[lower]
            if pair[1][1] < pair[0][3] - 0.25 * min(box[3] - box[1] for box in pair):
                continue
            bands = [np.flatnonzero(_inside(middle, box)) for box in pair]
            if min(map(len, bands)) < 2 or _is_held(boxes, unit, *pair):
                continue
            if not _overlap(*pair) or _is_fraction(boxes, unit, *pair):
                continue
            if judge(gap_features(boxes / unit, bands))[0] >= LEAST_FOUND:
                return True
    return False


def _inside(points: Floats, box: Floats) -> NDArray[np.bool_]:
    return np.asarray(((points >= box[:2]) & (points <= box[2:])).all(1))


def _is_held(boxes: Floats, unit: float, upper: Floats, lower: Floats) -> bool:
    """Whether a brace or bracket stands beside both."""
    tall = boxes[:, 3] - boxes[:, 1] >= _TALL * unit
    beside = (boxes[:, 2] > min(upper[0], lower[0]) - _NEAR * unit) & (
        boxes[:, 0] < max(upper[2], lower[2]) + _NEAR * unit
    )
    shared = [
        np.minimum(boxes[:, 3], box[3]) - np.maximum(boxes[:, 1], box[1])
        >= _SPANS * (box[3] - box[1])
        for box in (upper, lower)
    ]
    return bool((tall & beside & shared[0] & shared[1]).any())


def _overlap(upper: Floats, lower: Floats) -> bool:
    """Whether two boxes stand below each other: a numerator does not below what is before it."""
    shared = min(upper[2], lower[2]) - max(upper[0], lower[0])
    return bool(shared >= _BELOW * min(upper[2] - upper[0], lower[2] - lower[0]))


def _is_fraction(boxes: Floats, unit: float, upper: Floats, lower: Floats) -> bool:
    """Whether a bar between two boxes is as long as the ink of both, which are no equations."""
    middle = boxes.reshape(-1, 2, 2).mean(1)
    flat = boxes[:, 2] - boxes[:, 0] > _BAR[1] * (boxes[:, 3] - boxes[:, 1])
    between = (middle[:, 1] > upper[[1, 3]].mean()) & (middle[:, 1] < lower[[1, 3]].mean())
    inside = _inside(middle, upper) | _inside(middle, lower)
    ink = boxes[inside & ~(flat & between)]
    sides = (boxes[_inside(middle, box) & ~between] for box in (upper, lower))
    if not len(ink) or all(equals_signs(side, unit) for side in sides):
        return False
    left, right = _span(ink)
    reach = np.minimum(boxes[:, 2], right) - np.maximum(boxes[:, 0], left)
    return bool((flat & between & (reach >= _BAR[0] * (right - left))).any())


def _are_limits(above: Floats, below: Floats) -> bool:
    """Whether one of two bands is a limit over or under a large operator in the other.

    The boxes (N, 4) of both are in letter heights.
    """
    white = below[:, 1].min() - above[:, 3].max()
    for large, small, edge in ((above, below, 3), (below, above, 1)):
        left, right = _span(small)
        size = large[:, 2:] - large[:, :2]
        near = large[:, edge].max() if edge == 3 else large[:, edge].min()
        operator = (size[:, 1] >= _OPERATOR[1]) & (size[:, 0] >= _OPERATOR[0])
        operator &= size[:, 0] <= _OPERATOR[2]
        operator &= np.abs(large[:, edge] - near) <= _LIMIT_WHITE
        operator &= (large[:, 0] <= (left + right) / 2) & (large[:, 2] >= (left + right) / 2)
        operator &= right - left <= _LIMIT_WIDTH * size[:, 0]
        operator &= np.ptp(small[:, [1, 3]]) <= _LIMIT_HEIGHT * size[:, 1]
        holds = [int(_inside(large.reshape(-1, 2, 2).mean(1), box).sum()) for box in large]
        operator &= np.array(holds) == 1  # else it is a root
        if white <= _LIMIT_WHITE and operator.any():
            return True
    return False


def levelled(boxes: Floats) -> Floats:
    """The boxes (N, 4), each moved up or down so that sloping rows are level.

    The slope with most white between rows is taken, if it has much more than none has.
    """
    middle = boxes[:, [0, 2]].mean(1)
    angles = np.arange(-_STEEPEST, _STEEPEST + _STEP / 2, _STEP)
    tried = [_moved(boxes, -np.tan(np.radians(angle)) * middle) for angle in angles]
    white = [_white(each) for each in tried]
    best = int(np.argmax(white))
    return tried[best] if white[best] > _CLEARER * _white(boxes) + 0.2 else boxes


def bands_of(boxes: Floats) -> list[Indices]:
    """The parts between white rows, from the top down. ``boxes`` (N, 4)."""
    order = np.argsort(boxes[:, 1], kind="stable")
    foot = np.maximum.accumulate(boxes[order, 3])
    cuts = np.flatnonzero(boxes[order[1:], 1] > foot[:-1]) + 1
    return np.split(order, cuts)


def gap_features(boxes: Floats, bands: Sequence[Indices]) -> Floats:
    """Features of the white between adjacent bands, (G, F).

    ``boxes`` (N, 4) are in letter heights. Each side is described twice: by the band next to the
    white, and by all bands on that side.
    """
    rows = []
    for index in range(len(bands) - 1):
        above, below = boxes[bands[index]], boxes[bands[index + 1]]
        over = boxes[np.concatenate(bands[: index + 1])]
        under = boxes[np.concatenate(bands[index + 1 :])]
        white = below[:, 1].min() - above[:, 3].max()
        sides = [_side(part) for part in (above, below, over, under)]
        a, b = _span(above), _span(below)
        letters = sides[0][3], sides[1][3]
        rows.append(
            [
                white,
                white / max(letters),
                letters[0] / letters[1],
                min(a[1], b[1]) - max(a[0], b[0]),
                a[0] - b[0],
                a[1] - b[1],
                *np.concatenate(sides).tolist(),
            ]
        )
    return np.array(rows, np.float32)


def _side(boxes: Floats) -> tuple[float, ...]:
    """Height, width, number of parts, usual and greatest height of a letter, longest bar."""
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    flat = width > _FLAT * height
    letters = height[~flat]
    left, right = _span(boxes)
    return (
        float(boxes[:, 3].max() - boxes[:, 1].min()),
        right - left,
        float(len(boxes)),
        float(np.median(letters)) if len(letters) else 0.1,
        float(height.max()),
        float(width[flat].max(initial=0)),
    )


def _span(boxes: Floats) -> tuple[float, float]:
    return float(boxes[:, 0].min()), float(boxes[:, 2].max())


def _moved(boxes: Floats, down: Floats) -> Floats:
    return np.asarray(boxes + down[:, None] * np.array([0, 1, 0, 1], np.float32), np.float32)


def _white(boxes: Floats) -> float:
    """The height of all white rows between parts."""
    order = np.argsort(boxes[:, 1])
    foot = np.maximum.accumulate(boxes[order, 3])
    return float(np.maximum(boxes[order[1:], 1] - foot[:-1], 0).sum())
