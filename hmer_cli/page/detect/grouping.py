"""Boxes of the search -> boxes of whole expressions, completed by the ink beside them.

Input: boxes (R, 4) and the connected components. Output: completed boxes, and those that a tall
brace or bracket joins. The search scores runs on one line, and omits uncertain signs at their ends
and braces over several lines. ``join_bracketed`` joins the lines beside one tall part;
``complete_rows`` adds the ink next to each box on its line, and rows without a box. The latter is
for photos of a few lines only, where most ink is mathematics: on pages it would add prose.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hmer_cli.geometry import bounds
from hmer_cli.page.detect.components import InkComponents
from hmer_cli.page.detect.equations import (
    MOST_PARTS,
    NEXT,
    SIGNS,
    SPECK,
    equations,
    free_parts,
    line_boxes,
    possible_signs,
    signs_of,
    with_limits,
    with_neighbours,
    with_unit_of_letters,
    within,
)
from hmer_cli.page.detect.integral import Floats
from hmer_cli.page.detect.line_growth import Line
from hmer_cli.page.detect.neighbours import connected, related
from hmer_cli.page.detect.rows import bands_of, levelled

Indices = NDArray[np.int64]

# All chosen on photos of notes; lengths in letter heights.
_TALL, _SLENDER = 2.0, 2.0  # a brace is so high, and so many times as high as wide
_ALONG = 0.6  # of its height: a part that runs so far along the edge of the picture is a shadow
_TALLEST = 14.0  # higher is a line of the margin
_HELD = 0.4  # of a box's height: a brace stands beside so much of it
_BESIDE = 3.0  # between a brace and what it holds
_POINTS = 1 / 6  # of a brace's height: off its middle; two or more lines, but for one, are farther
_CLOSES = 0.6  # of a brace's height: a bracket that ends it has so much beside it
_LONGER = 1.5  # times the height of all it holds: a longer line holds nothing

_FOUND = 0.35  # of the ink is in boxes, at least: else it is mostly prose
_BELOW = 3.0  # between a line that has no box and those that have
_SAME_LINE = 0.45  # of the lower one's height
_SAME_BOX = 0.65  # of the lower one's height: two boxes share so much, with room round their ink
_BEFORE, _DASH = 0.8, 0.4  # to one before it, to a dash before it: numbers of exercises are there
_WIDTH = 2.0  # of a line that has no box, at least
_DRAWN = 3.2  # a higher line: a drawing


class Bracketed(NamedTuple):
    """``box`` (4,) of a brace and all it holds; ``lines`` (L, 4) where these are a case each.

    There are no lines where a bracket closes it, too: a matrix is one.
    """

    box: Floats
    lines: Floats

    def has_before(self, boxes: Floats, unit: float) -> NDArray[np.bool_]:
        """Which boxes (R, 4) stand before the brace where it points, as `f(x) =` does.

        Rows of another system, cut off at the edge of a photo, stand beside its lines.
        """
        gap = self.box[0] - boxes[:, 2]
        off = np.abs(boxes[:, [1, 3]].mean(1) - self.box[[1, 3]].mean())
        points = off <= _POINTS * (self.box[3] - self.box[1])
        return np.asarray((gap >= -unit) & (gap <= _BESIDE * unit) & points)


def join_bracketed(boxes: Floats, parts: InkComponents) -> tuple[Floats, list[Bracketed]]:
    """The boxes (R, 4) that no brace or bracket holds, and those that one does.

    In pixels of the parts. The lines of a brace are completed as in ``complete_rows``.
    """
    unit, ink = parts.unit, parts.boxes
    width, height = ink[:, 2] - ink[:, 0], ink[:, 3] - ink[:, 1]
    tall = (height >= _TALL * unit) & (height >= _SLENDER * width) & (height <= _TALLEST * unit)
    tall &= ~_along_edge(parts)
    found = []
    signs: Floats | None = None
    for brace in ink[tall]:
        held = _held(boxes, brace, unit)
        if held.sum() < 2:
            continue
        span = boxes[held, 1].min(), boxes[held, 3].max()
        if brace[3] - brace[1] > _LONGER * (span[1] - span[0]):
            continue
        signs = possible_signs(parts) if signs is None else signs
        free = signs[~within(signs, boxes) & ~(signs == brace).all(1)]
        lines = np.stack([_grown(box, free, parts) for box in boxes[held]])
        whole = bounds(np.concatenate([lines, brace[None]]))
        lines[:, 0] = np.maximum(lines[:, 0], brace[2] + 1)
        closed = _closed(ink[tall], brace, whole, unit) or _overlap(lines)
        found.append(Bracketed(whole, lines[:0] if closed else lines[np.argsort(lines[:, 1])]))
        boxes = boxes[~held]
    return boxes, found


def begins_with_brace(parts: InkComponents) -> bool:
    """Whether a tall part stands before two or more rows, as the brace of a system does."""
    if not 2 * SIGNS < len(parts) <= MOST_PARTS:
        return False
    unit, ink = with_unit_of_letters(parts).unit, parts.boxes
    width, height = ink[:, 2] - ink[:, 0], ink[:, 3] - ink[:, 1]
    tall = (height >= _TALL * unit) & (height >= _SLENDER * width) & (height <= _TALLEST * unit)
    for brace in ink[tall & ~_along_edge(parts)]:
        beside = (ink[:, 0] > brace[0]) & (ink[:, 3] > brace[1]) & (ink[:, 1] < brace[3])
        beside &= (np.maximum(width, height) >= SPECK * unit) & (height < brace[3] - brace[1])
        bands = bands_of(levelled(ink[beside] / unit)) if beside.any() else []
        if sum(len(band) >= SIGNS for band in bands) >= 2:
            return True
    return False


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
    if len(parts) > MOST_PARTS or not len(parts):
        return boxes
    parts = with_unit_of_letters(parts)
    unit, free = parts.unit, free_parts(boxes, parts)
    held = parts.mass[within(parts.boxes, boxes)].sum() if len(boxes) else 0.0
    if held < _FOUND * parts.mass.sum():
        held_by = signs_of(boxes, parts) if len(boxes) else []
        known = [
            Line(box, signs if len(signs) else box[None], found=True)
            for box, signs in zip(boxes, held_by, strict=True)
        ]
        lines = with_limits([*known, *equations(free, boxes, parts)])
        return line_boxes(lines) if lines else boxes
    whole = _joined(with_neighbours(boxes, free, parts), unit)
    left = free[~within(free, whole)]
    rows = [left[row] for row in _lines(left, unit)]
    rows = [bounds(row) for row in rows if _is_line(row, unit) and _is_near(row, whole, unit)]
    if not rows:
        return whole
    added = _merged(np.stack([_grown(row, left, parts) for row in rows]), unit)
    return np.concatenate([whole, added])


def _joined(lines: list[Line], unit: float) -> Floats:
    """The boxes (R, 4) of lines, with the room their seeds had, those next to each other as one."""
    return _merged(line_boxes(lines), unit)


def _grown(box: Floats, free: Floats, parts: InkComponents) -> Floats:
    """The box with all free ink that follows on its line, one sign after the other.

    Signs are of its line by the box as it was given, so that it does not climb to the next line.
    """
    own = parts.boxes[within(parts.boxes, box[None])]
    own = own[own[:, 3] - own[:, 1] <= box[3] - box[1]]
    unit = max([parts.unit, *([float(np.median(own[:, 3] - own[:, 1]))] if len(own) else [])])
    shared = np.minimum(free[:, 3], box[3]) - np.maximum(free[:, 1], box[1])
    lower = np.minimum(free[:, 3] - free[:, 1], box[3] - box[1])
    large = (free[:, 2:] - free[:, :2]).max(1) >= SPECK * unit
    line = free[large & (shared >= _SAME_LINE * lower)]
    whole = bounds(own) if len(own) else box
    while len(line):
        after, before = line[:, 0] - whole[2], whole[0] - line[:, 2]
        bar = line[:, 2] - line[:, 0] > 2 * (line[:, 3] - line[:, 1])
        near = (after <= NEXT * unit) & (before <= np.where(bar, _DASH, _BEFORE) * unit)
        if not near.any():
            break
        whole = bounds(np.concatenate([line[near], whole[None]]))
        line = line[~near]
    return bounds(np.stack([whole, box]))


def _merged(boxes: Floats, unit: float) -> Floats:
    """The boxes, those that follow each other on one line as one."""
    groups = _chains(boxes, _SAME_BOX, 0.5 * NEXT * unit)
    return np.stack([bounds(boxes[group]) for group in groups])


def _lines(ink: Floats, unit: float) -> list[Indices]:
    """The parts of each line, where they follow each other with little between."""
    return _chains(ink, _SAME_LINE, 1.5 * NEXT * unit)


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
    whole = bounds(ink)
    wide, high = whole[2] - whole[0], whole[3] - whole[1]
    return bool(len(ink) >= SIGNS and wide >= _WIDTH * unit and high <= _DRAWN * unit)


def _is_near(ink: Floats, boxes: Floats, unit: float) -> bool:
    """Whether a line stands above, between or below the boxes, as the next of their lines."""
    line, hull = bounds(ink), bounds(boxes)
    across = min(line[2], hull[2]) - max(line[0], hull[0])
    down = max(line[1], hull[1]) - min(line[3], hull[3])
    return bool(across > 0 and down <= _BELOW * unit)
