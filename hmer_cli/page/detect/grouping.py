"""Boxes of the search -> boxes of whole expressions, completed by the ink beside them.

Input: boxes (R, 4) and the connected components. Output: completed boxes, and those that a tall
brace or bracket joins. The search scores runs on one line, and omits uncertain signs at their ends
and braces over several lines. ``join_bracketed`` joins the lines beside one tall part;
``complete_rows`` adds the ink next to each box on its line, and rows without a box. The latter is
for photos of a few lines only, where most ink is mathematics: on pages it would add prose.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hmer_cli.geometry import bounds
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
from hmer_cli.page.detect.neighbours import connected, related

Indices = NDArray[np.int64]

# All chosen on photos of notes; lengths in letter heights.
_TALL, _SLENDER = 2.0, 2.0  # a brace is so high, and so many times as high as wide
_ALONG = 0.6  # of its height: a part that runs so far along the edge of the picture is a shadow
_TALLEST = 14.0  # higher is a line of the margin
_HELD = 0.5  # of a box's height: a brace stands beside so much of it
_BESIDE = 3.0  # between a brace and what it holds
_CLOSES = 0.6  # of a brace's height: a bracket that ends it has so much beside it
_LONGER = 1.5  # times the height of all it holds: a longer line holds nothing

_MOST_PARTS = 150  # more are a page of notes
_FOUND = 0.35  # of the ink is in boxes, at least: else it is mostly prose
_BELOW = 3.0  # between a line that has no box and those that have
_SAME_LINE = 0.45  # of the lower one's height
_SAME_BOX = 0.65  # of the lower one's height: two boxes share so much, with room round their ink
_NEXT = 1.2  # to the next sign on a line,
_BEFORE, _DASH = 0.8, 0.4  # to one before it, to a dash before it: numbers of exercises are there
_SPECK = 0.25  # smaller is a speck
_SIGNS, _WIDTH = 3, 2.0  # of a line that has no box: fewer parts are a number in the margin
_DRAWN, _TALLEST_SIGN = 3.2, 5.0  # a higher line, or a higher sign of one: a drawing
_RULE = 4.0, 5.0  # times as wide as high, and wide: what is left of a printed line
_LETTER, _ROOTED = 0.5, 2  # so high is a letter; with so many in its box a long part is a root
_FRAMED = 2  # parts inside another, itself among them: of more it is a frame,
_WIDE, _SIZES = 0.4, 0.65  # of the widest line, and of the larger letters: lines of equations
_USUAL = 0.8  # of the median height that is weighted by height: a letter without its tail
_SIDE = 0.8  # if ink is along so much of each of its sides


class Bracketed(NamedTuple):
    """``box`` (4,) of a brace and all it holds; ``lines`` (L, 4) where these are a case each.

    There are no lines where a bracket closes it, too: a matrix is one.
    """

    box: Floats
    lines: Floats


def join_bracketed(boxes: Floats, parts: InkComponents) -> tuple[Floats, list[Bracketed]]:
    """The boxes (R, 4) that no brace or bracket holds, and those that one does.

    In pixels of the parts. The lines of a brace are completed as in ``complete_rows``.
    """
    unit, ink = parts.unit, parts.boxes
    width, height = ink[:, 2] - ink[:, 0], ink[:, 3] - ink[:, 1]
    tall = (height >= _TALL * unit) & (height >= _SLENDER * width) & (height <= _TALLEST * unit)
    tall &= ~_along_edge(parts)
    found = []
    for brace in ink[tall]:
        held = _held(boxes, brace, unit)
        if held.sum() < 2:
            continue
        span = boxes[held, 1].min(), boxes[held, 3].max()
        if brace[3] - brace[1] > _LONGER * (span[1] - span[0]):
            continue
        free = _free(boxes, parts)
        lines = np.stack([_grown(box, free, parts) for box in boxes[held]])
        whole = _union(np.concatenate([lines, brace[None]]))
        lines[:, 0] = np.maximum(lines[:, 0], brace[2] + 1)
        closed = _closed(ink[tall], brace, whole, unit) or _overlap(lines)
        found.append(Bracketed(whole, lines[:0] if closed else lines[np.argsort(lines[:, 1])]))
        boxes = boxes[~held]
    return boxes, found


def _along_edge(parts: InkComponents) -> NDArray[np.bool_]:
    """Which parts run along the left or right edge of the picture, as shadows do."""
    found = np.zeros(len(parts), bool)
    for column, reached in (
        (0, parts.boxes[:, 0] <= 1),
        (-1, parts.boxes[:, 2] >= parts.ink.shape[1] - 1),
    ):
        for index in np.flatnonzero(reached):
            top, foot = parts.boxes[index, [1, 3]].astype(int)
            edge = parts.ink[top:foot, column]
            found[index] = found[index] or bool(edge.size and edge.mean() >= _ALONG)
    return found


def _closed(tall: Floats, brace: Floats, whole: Floats, unit: float) -> bool:
    """Whether a second tall part ends what begins with the brace."""
    shared = np.minimum(tall[:, 3], brace[3]) - np.maximum(tall[:, 1], brace[1])
    beside = (tall[:, 0] > brace[2] + unit) & (tall[:, 0] < whole[2] + unit)
    return bool((beside & (shared > _CLOSES * (brace[3] - brace[1]))).any())


def _overlap(lines: Floats) -> bool:
    """Whether two lines stand beside each other and not one below the other."""
    middle = np.sort(lines[:, [1, 3]].mean(1))
    return bool((np.diff(middle) < 0.5 * np.median(lines[:, 3] - lines[:, 1])).any())


def _held(boxes: Floats, brace: Floats, unit: float) -> NDArray[np.bool_]:
    """Which boxes begin to the right of the brace and lie beside it."""
    shared = np.minimum(boxes[:, 3], brace[3]) - np.maximum(boxes[:, 1], brace[1])
    gap = boxes[:, 0] - brace[2]
    beside = (gap >= -unit) & (gap <= _BESIDE * unit) & (boxes[:, 2] > brace[2] + unit)
    return np.asarray(beside & (shared >= _HELD * (boxes[:, 3] - boxes[:, 1])))


def complete_rows(boxes: Floats, parts: InkComponents) -> Floats:
    """The boxes (R, 4) with the ink next to them on their lines, and boxes of lines left out.

    The same boxes where the page has more than a few lines. Where most of its ink is in none, only
    lines with an equals sign are added.
    """
    if len(parts) > _MOST_PARTS or not len(parts):
        return boxes
    parts = _with_unit_of_letters(parts)
    unit, free = parts.unit, _free(boxes, parts)
    held = parts.mass[_within(parts.boxes, boxes)].sum() if len(boxes) else 0.0
    if held < _FOUND * parts.mass.sum():
        lines = [line.box for line in _equations(free, boxes, parts)]
        return np.concatenate([boxes, np.stack(lines)]) if lines else boxes
    whole = _joined(_with_neighbours(boxes, free, parts), unit)
    left = free[~_within(free, whole)]
    lines = [left[line] for line in _lines(left, unit)]
    lines = [_union(line) for line in lines if _is_line(line, unit) and _is_near(line, whole, unit)]
    if not lines:
        return whole
    added = _merged(np.stack([_grown(line, left, parts) for line in lines]), unit)
    return np.concatenate([whole, added])


def are_equations(parts: InkComponents) -> bool:
    """Whether two lines with an equals sign each stand below each other: of one expression, the
    limits of sums alone have another, on a line that is short and of smaller letters.
    """
    if len(parts) > _MOST_PARTS or not len(parts):
        return False
    parts = _with_unit_of_letters(parts)
    none = np.zeros((0, 4), np.float32)
    lines = [line.signs for line in _equations(_free(none, parts), none, parts)]
    widest = max((np.ptp(signs[:, [0, 2]]) for signs in lines), default=0.0)
    lines = [signs for signs in lines if np.ptp(signs[:, [0, 2]]) >= _WIDE * widest]
    pairs = ((a, b) for place, a in enumerate(lines) for b in lines[place + 1 :])
    return any(_stand_below(a, b, parts.unit) for a, b in pairs)


def _stand_below(some: Floats, others: Floats, unit: float) -> bool:
    """Whether two lines stand below each other and are of letters of one size."""
    a, b = _union(some), _union(others)
    if min(a[2], b[2]) <= max(a[0], b[0]):
        return False
    middle, height = place_of(some, b, unit)
    other, size = place_of(others, a, unit)
    return bool(
        abs(middle - other) >= max(height, size) and min(height, size) >= _SIZES * max(height, size)
    )


def _equations(free: Floats, boxes: Floats, parts: InkComponents) -> list[Line]:
    """The lines that grow from equals signs among the free parts, each long enough to be one."""
    unit = parts.unit
    seeds = [Line(bounds(free[pair]), free[pair]) for pair in equals_signs(free, unit)]
    if not seeds:
        return []
    taken = np.concatenate([line.signs for line in seeds])
    rest = free[~(free[:, None] == taken[None]).all(2).any(1)]
    known = [Line(box, parts.boxes[_within(parts.boxes, box[None])]) for box in boxes]
    known = [line for line in known if len(line.signs)]
    grown = grow([*seeds, *known], rest, unit)
    whole = [line for line in _united(grown[: len(seeds)], unit) if len(line.signs) > _SIGNS]
    return cut_joined([*whole, *grown[len(seeds) :]], unit)[: len(whole)]


def _united(lines: list[Line], unit: float) -> list[Line]:
    """The lines, those with several equals signs as one."""
    rows = sorted(lines, key=lambda line: float(line.box[0]))
    done: list[Line] = []
    for line in rows:
        for place, other in enumerate(done):
            signs = np.concatenate([other.signs, line.signs])
            near = line.box[0] - other.box[2] <= 0.5 * _NEXT * unit
            if continues(other.signs, line.signs, unit) or (
                near and _is_level(other.signs, line.signs, unit)
            ):
                seed = _union(np.stack([other.seed, line.seed]))
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


def _with_neighbours(boxes: Floats, free: Floats, parts: InkComponents) -> list[Line]:
    """A line for each box and for each equals sign outside of them, with the free parts on it."""
    unit = parts.unit
    lines = []
    for box, signs in zip(boxes, _signs_of(boxes, parts), strict=True):
        lines.append(Line(box, signs if len(signs) else box[None], found=True))
    pairs = equals_signs(free, unit)
    lines += [Line(bounds(free[pair]), free[pair]) for pair in pairs]
    taken = np.concatenate([np.zeros(0, np.int64), *pairs])
    grown = grow(lines, np.delete(free, taken, 0), unit)
    whole = _united(grown, unit)
    kept = [line for line in whole if line.found or len(line.signs) > _SIGNS]
    return cut_joined(kept, unit)


def _signs_of(boxes: Floats, parts: InkComponents) -> list[Floats]:
    """The parts in each box; of those in several boxes, the one whose middle line is nearest."""
    ink = parts.boxes
    middle = ink[:, [1, 3]].mean(1)
    height = np.maximum(boxes[:, 3] - boxes[:, 1], 1)
    off = np.abs(middle[:, None] - boxes[None][..., [1, 3]].mean(2)) / height
    inside = np.stack([_within(ink, box[None]) for box in boxes], 1)
    best = np.where(inside, off, np.inf).argmin(1)
    high = ink[:, 3] - ink[:, 1]
    return [
        ink[inside[:, row] & (best == row) & (high <= box[3] - box[1])]
        for row, box in enumerate(boxes)
    ]


def _joined(lines: list[Line], unit: float) -> Floats:
    """The boxes (R, 4) of lines, with the room their seeds had, those next to each other as one."""
    boxes = [_union(np.stack([line.box, line.seed])) for line in lines]
    return _merged(np.stack(boxes), unit)


def _with_unit_of_letters(parts: InkComponents) -> InkComponents:
    """The parts, their unit that of letters though most of them are specks."""
    width, height = (parts.boxes[:, 2:] - parts.boxes[:, :2]).T
    high = np.sort(height[(width <= _SLENDER * height) & (height <= _TALLEST * parts.unit)])
    if not len(high):
        return parts
    usual = float(high[np.searchsorted(high.cumsum(), high.sum() / 2)])
    return replace(parts, unit=max(parts.unit, _USUAL * usual))


def _free(boxes: Floats, parts: InkComponents) -> Floats:
    """The parts (N, 4) that may be signs and are in none of the boxes."""
    ink, unit = parts.boxes, parts.unit
    width, height = ink[:, 2] - ink[:, 0], ink[:, 3] - ink[:, 1]
    speck = np.maximum(width, height) < _SPECK * unit
    rule = (width > _RULE[0] * height) & (width > _RULE[1] * unit)
    letters = ink[(height >= _LETTER * unit) & (width <= _RULE[1] * unit)]
    rule &= np.array([_within(letters, each[None]).sum() < _ROOTED for each in ink], bool)
    kept = ~speck & ~rule & (height <= _TALLEST_SIGN * unit)
    signs = ink[kept]
    around = np.array([_within(signs, sign[None]).sum() > _FRAMED for sign in signs], bool)
    frames = around & _go_round(parts)[kept]
    return signs[~frames & ~_within(signs, boxes)]


def _go_round(parts: InkComponents) -> NDArray[np.bool_]:
    """Which parts have ink along all four sides of their box, as roots have not."""
    if parts.features.shape[1] < RASTER.stop:
        return np.ones(len(parts), bool)
    side = round((RASTER.stop - RASTER.start) ** 0.5)
    seen = parts.features[:, RASTER].reshape(-1, side, side) > 0
    edges = (seen[:, 0], seen[:, -1], seen[:, :, 0], seen[:, :, -1])
    return np.asarray(np.stack([edge.mean(1) >= _SIDE for edge in edges]).all(0))


def _grown(box: Floats, free: Floats, parts: InkComponents) -> Floats:
    """The box with all free ink that follows on its line, one sign after the other.

    Signs are of its line by the box as it was given, so that it does not climb to the next line.
    """
    own = parts.boxes[_within(parts.boxes, box[None])]
    own = own[own[:, 3] - own[:, 1] <= box[3] - box[1]]
    unit = max([parts.unit, *([float(np.median(own[:, 3] - own[:, 1]))] if len(own) else [])])
    shared = np.minimum(free[:, 3], box[3]) - np.maximum(free[:, 1], box[1])
    lower = np.minimum(free[:, 3] - free[:, 1], box[3] - box[1])
    large = (free[:, 2:] - free[:, :2]).max(1) >= _SPECK * unit
    line = free[large & (shared >= _SAME_LINE * lower)]
    whole = _union(own) if len(own) else box
    while len(line):
        after, before = line[:, 0] - whole[2], whole[0] - line[:, 2]
        bar = line[:, 2] - line[:, 0] > 2 * (line[:, 3] - line[:, 1])
        near = (after <= _NEXT * unit) & (before <= np.where(bar, _DASH, _BEFORE) * unit)
        if not near.any():
            break
        whole = _union(np.concatenate([line[near], whole[None]]))
        line = line[~near]
    return _union(np.stack([whole, box]))


def _within(ink: Floats, boxes: Floats) -> NDArray[np.bool_]:
    """Which parts (N, 4) have their middle in one of the boxes (R, 4)."""
    middle = ink.reshape(-1, 2, 2).mean(1)[:, None]
    inside = (middle >= boxes[None, :, :2]) & (middle <= boxes[None, :, 2:])
    return np.asarray(inside.all(2).any(1))


def _merged(boxes: Floats, unit: float) -> Floats:
    """The boxes, those that follow each other on one line as one."""
    groups = _chains(boxes, _SAME_BOX, 0.5 * _NEXT * unit)
    return np.stack([_union(boxes[group]) for group in groups])


def _lines(ink: Floats, unit: float) -> list[Indices]:
    """The parts of each line, where they follow each other with little between."""
    return _chains(ink, _SAME_LINE, 1.5 * _NEXT * unit)


def _chains(boxes: Floats, same: float, most: float) -> list[Indices]:
    """The connected sets of boxes that share ``same`` of their height, with ``most`` between."""

    def follow(rows: Indices, columns: Indices) -> NDArray[np.bool_]:
        a, b = boxes[rows][:, None], boxes[columns][None]
        shared = np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1])
        lower = np.minimum(a[..., 3] - a[..., 1], b[..., 3] - b[..., 1])
        gap = np.maximum(a[..., 0], b[..., 0]) - np.minimum(a[..., 2], b[..., 2])
        return np.asarray((shared >= same * lower) & (gap <= most))

    return connected(len(boxes), *related(boxes, follow, 0.0))


def _is_line(ink: Floats, unit: float) -> bool:
    """Whether parts are a line of signs and no drawing or number of an exercise."""
    whole = _union(ink)
    wide, high = whole[2] - whole[0], whole[3] - whole[1]
    return bool(len(ink) >= _SIGNS and wide >= _WIDTH * unit and high <= _DRAWN * unit)


def _is_near(ink: Floats, boxes: Floats, unit: float) -> bool:
    """Whether a line stands above, between or below the boxes, as the next of their lines."""
    line, hull = _union(ink), _union(boxes)
    across = min(line[2], hull[2]) - max(line[0], hull[0])
    down = max(line[1], hull[1]) - min(line[3], hull[3])
    return bool(across > 0 and down <= _BELOW * unit)


def _union(boxes: Floats) -> Floats:
    return np.concatenate([boxes[:, :2].min(0), boxes[:, 2:].max(0)])
