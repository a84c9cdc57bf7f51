"""Parts of ink of a photo of a few lines -> its lines, by boxes that were found and equals signs.

Input: connected components (N, 4) and boxes that the search found (R, 4). Output: a ``Line`` for
each row of signs. ``line_growth`` grows them; here is what may be a sign at all, what makes a line
an equation, and which lines are one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hmer_cli.geometry import Box, bounds
from hmer_cli.page.detect.components import RASTER, InkComponents
from hmer_cli.page.detect.integral import Floats
from hmer_cli.page.detect.line_growth import (
    Line,
    continues,
    cut_joined,
    equals_signs,
    grow,
    place_of,
)

MOST_PARTS = 150  # more are a page of notes
NEXT = 1.2  # letter heights to the next sign on a line
SIGNS = 3  # fewer parts are a number in the margin
SPECK = 0.25  # of a letter height: smaller is a speck

# All chosen on photos of notes; lengths in letter heights.
_SLENDER, _HIGHEST = (
    2.0,
    14.0,
)  # times as wide as high, and so high, at most: what sizes letters
_USUAL = 0.8  # of the median height that is weighted by height: a letter without its tail
_TALLEST_SIGN = 5.0  # higher is a drawing
_RULE = 4.0, 5.0  # times as wide as high, and wide: what is left of a printed line
_LETTER, _ROOTED = 0.5, 2  # so high is a letter; with so many in its box a long part is a root
_FRAMED = 2  # parts inside another, itself among them: of more it is a frame,
_SIDE = 0.8  # if ink is along so much of each of its sides
_WIDE, _SIZES = 0.4, 0.65  # of the widest line, and of the larger letters: lines of equations
_INSIDE = 0.6, 0.55  # of width and height: a line that is so far inside another is part of it


def are_equations(parts: InkComponents) -> bool:
    """Whether two lines with an equals sign each stand below each other: of one expression, the
    limits of sums alone have another, on a line that is short and of smaller letters.
    """
    if len(parts) > MOST_PARTS or not len(parts):
        return False
    parts = with_unit_of_letters(parts)
    none = np.zeros((0, 4), np.float32)
    lines = [line.signs for line in equations(free_parts(none, parts), none, parts)]
    widest = max((np.ptp(signs[:, [0, 2]]) for signs in lines), default=0.0)
    lines = [signs for signs in lines if np.ptp(signs[:, [0, 2]]) >= _WIDE * widest]
    pairs = ((a, b) for place, a in enumerate(lines) for b in lines[place + 1 :])
    return any(_stand_below(a, b, parts.unit) for a, b in pairs)


def _stand_below(some: Floats, others: Floats, unit: float) -> bool:
    """Whether two lines stand below each other and are of letters of one size."""
    a, b = bounds(some), bounds(others)
    if min(a[2], b[2]) <= max(a[0], b[0]):
        return False
    middle, height = place_of(some, b, unit)
    other, size = place_of(others, a, unit)
    return bool(
        abs(middle - other) >= max(height, size) and min(height, size) >= _SIZES * max(height, size)
    )


def equations(free: Floats, boxes: Floats, parts: InkComponents) -> list[Line]:
    """The lines that grow from equals signs among the free parts, each long enough to be one."""
    unit = parts.unit
    seeds = [Line(bounds(free[pair]), free[pair]) for pair in equals_signs(free, unit)]
    if not seeds:
        return []
    taken = np.concatenate([line.signs for line in seeds])
    rest = free[~(free[:, None] == taken[None]).all(2).any(1)]
    known = [Line(box, parts.boxes[within(parts.boxes, box[None])]) for box in boxes]
    known = [line for line in known if len(line.signs)]
    grown = grow([*seeds, *known], rest, unit)
    whole = [line for line in _united(grown[: len(seeds)], unit) if len(line.signs) > SIGNS]
    return cut_joined([*whole, *grown[len(seeds) :]], unit)[: len(whole)]


def _united(lines: list[Line], unit: float) -> list[Line]:
    """The lines, those with several equals signs as one."""
    rows = sorted(lines, key=lambda line: float(line.box[0]))
    done: list[Line] = []
    for line in rows:
        for place, other in enumerate(done):
            signs = np.concatenate([other.signs, line.signs])
            near = line.box[0] - other.box[2] <= 0.5 * NEXT * unit
            if continues(other.signs, line.signs, unit) or (
                near and _is_level(other.signs, line.signs, unit)
            ):
                seed = bounds(np.stack([other.seed, line.seed]))
                done[place] = Line(seed, signs, other.found or line.found)
                break
        else:
            done.append(line)
    return done


def _is_level(left: Floats, right: Floats, unit: float) -> bool:
    """Whether two runs of signs stand at one height where they meet."""
    a, height = place_of(left, right[np.argmin(right[:, 0])], unit)
    b, _ = place_of(right, left[np.argmax(left[:, 2])], unit)
    return abs(a - b) <= 0.5 * height


def with_neighbours(boxes: Floats, free: Floats, parts: InkComponents) -> list[Line]:
    """A line for each box and for each equals sign outside of them, with the free parts on it."""
    unit = parts.unit
    lines = []
    for box, signs in zip(boxes, signs_of(boxes, parts), strict=True):
        lines.append(Line(box, signs if len(signs) else box[None], found=True))
    pairs = equals_signs(free, unit)
    lines += [Line(bounds(free[pair]), free[pair]) for pair in pairs]
    taken = np.concatenate([np.zeros(0, np.int64), *pairs])
    grown = grow(lines, np.delete(free, taken, 0), unit)
    whole = _united(grown, unit)
    kept = [line for line in whole if line.found or len(line.signs) > SIGNS]
    return with_limits(cut_joined(kept, unit))


def with_limits(lines: list[Line]) -> list[Line]:
    """The lines; one that stands inside another, as the limits of a sum do, is part of it."""
    whole: list[Line] = []
    for line in sorted(lines, key=lambda line: float(line.box[1] - line.box[3])):
        for place, other in enumerate(whole):
            if (line.found and other.found) or not _stands_inside(line.box, other.box):
                continue
            signs, seed = (
                np.concatenate([other.signs, line.signs]),
                np.stack([other.seed, line.seed]),
            )
            whole[place] = Line(bounds(seed), signs, found=True)
            break
        else:
            whole.append(line)
    return whole


def _stands_inside(lower: Floats, higher: Floats) -> bool:
    """Whether most of the lower box is in the higher one."""
    shared = np.minimum(lower[2:], higher[2:]) - np.maximum(lower[:2], higher[:2])
    return bool((shared >= np.array(_INSIDE) * (lower[2:] - lower[:2])).all())


def signs_of(boxes: Floats, parts: InkComponents) -> list[Floats]:
    """The parts in each box; of those in several boxes, the one whose middle line is nearest."""
    ink = parts.boxes
    middle = ink[:, [1, 3]].mean(1)
    height = np.maximum(boxes[:, 3] - boxes[:, 1], 1)
    off = np.abs(middle[:, None] - boxes[None][..., [1, 3]].mean(2)) / height
    inside = np.stack([within(ink, box[None]) for box in boxes], 1)
    best = np.where(inside, off, np.inf).argmin(1)
    high = ink[:, 3] - ink[:, 1]
    return [
        ink[inside[:, row] & (best == row) & (high <= box[3] - box[1])]
        for row, box in enumerate(boxes)
    ]


def line_boxes(lines: list[Line]) -> Floats:
    """The boxes (R, 4) of lines, with the room that their seeds had."""
    return np.stack([bounds(np.stack([line.box, line.seed])) for line in lines])


def with_unit_of_letters(parts: InkComponents) -> InkComponents:
    """The parts, their unit that of letters though most of them are specks."""
    width, height = (parts.boxes[:, 2:] - parts.boxes[:, :2]).T
    high = np.sort(height[(width <= _SLENDER * height) & (height <= _HIGHEST * parts.unit)])
    if not len(high):
        return parts
    usual = float(high[np.searchsorted(high.cumsum(), high.sum() / 2)])
    return replace(parts, unit=max(parts.unit, _USUAL * usual))


def free_parts(boxes: Floats, parts: InkComponents) -> Floats:
    """The parts (N, 4) that may be signs and are in none of the boxes."""
    signs = possible_signs(parts)
    return signs[~within(signs, boxes)]


def possible_signs(parts: InkComponents) -> Floats:
    """The parts (N, 4) that may be signs: no specks, printed lines, frames or drawings."""
    ink, unit = parts.boxes, parts.unit
    width, height = ink[:, 2] - ink[:, 0], ink[:, 3] - ink[:, 1]
    speck = np.maximum(width, height) < SPECK * unit
    rule = (width > _RULE[0] * height) & (width > _RULE[1] * unit)
    letters = ink[(height >= _LETTER * unit) & (width <= _RULE[1] * unit)]
    rule[rule] = _count_within(letters, ink[rule]) < _ROOTED
    kept = ~speck & ~rule & (height <= _TALLEST_SIGN * unit)
    signs, frames = ink[kept], _go_round(parts)[kept]
    frames[frames] = _count_within(signs, signs[frames]) > _FRAMED
    return signs[~frames]


def _count_within(ink: Floats, boxes: Floats) -> NDArray[np.int64]:
    """How many of the parts (N, 4) have their middle in each of the boxes (R, 4).

    Parts are looked up by x: on full pages, all pairs would be many millions.
    """
    middle = ink.reshape(-1, 2, 2).mean(1)
    middle = middle[np.argsort(middle[:, 0])]
    first = np.searchsorted(middle[:, 0], boxes[:, 0], "left")
    last = np.searchsorted(middle[:, 0], boxes[:, 2], "right")
    spans = ((middle[a:b, 1], box) for a, b, box in zip(first, last, boxes, strict=True))
    counts = [((y >= box[1]) & (y <= box[3])).sum() for y, box in spans]
    return np.array(counts, np.int64)


def _go_round(parts: InkComponents) -> NDArray[np.bool_]:
    """Which parts have ink along all four sides of their box, as roots have not."""
    if parts.features.shape[1] < RASTER.stop:
        return np.ones(len(parts), bool)
    side = round((RASTER.stop - RASTER.start) ** 0.5)
    seen = parts.features[:, RASTER].reshape(-1, side, side) > 0
    edges = (seen[:, 0], seen[:, -1], seen[:, :, 0], seen[:, :, -1])
    return np.asarray(np.stack([edge.mean(1) >= _SIDE for edge in edges]).all(0))


def share_of_ink(boxes: Sequence[Box], parts: InkComponents, scale: float) -> float:
    """How much of the ink that no edge cuts is in boxes; of their pixels ``scale`` are one of the
    parts'."""
    size = np.array(parts.ink.shape[::-1])
    whole = (parts.boxes[:, :2] > 1).all(1) & (parts.boxes[:, 2:] < size - 1).all(1)
    inside = within(parts.boxes, np.array(boxes, np.float32).reshape(-1, 4) / scale)
    return float(parts.mass[whole & inside].sum() / max(parts.mass[whole].sum(), 1))


def within(ink: Floats, boxes: Floats) -> NDArray[np.bool_]:
    """Which parts (N, 4) have their middle in one of the boxes (R, 4)."""
    middle = ink.reshape(-1, 2, 2).mean(1)[:, None]
    inside = (middle >= boxes[None, :, :2]) & (middle <= boxes[None, :, 2:])
    return np.asarray(inside.all(2).any(1))
