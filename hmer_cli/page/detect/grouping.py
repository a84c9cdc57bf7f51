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

from hmer_cli.page.detect.components import InkComponents
from hmer_cli.page.detect.integral import Floats
from hmer_cli.page.detect.neighbours import connected, related

Indices = NDArray[np.int64]

# All chosen on photos of notes; lengths in letter heights.
_TALL, _SLENDER = 2.0, 2.0  # a brace is so high, and so many times as high as wide
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
_FRAMED = 2  # parts inside another, itself among them: of more it is a frame


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

    The same boxes where the page has more than a few lines or most of its ink is in none.
    """
    if not len(boxes) or len(parts) > _MOST_PARTS:
        return boxes
    unit = parts.unit
    if parts.mass[_within(parts.boxes, boxes)].sum() < _FOUND * parts.mass.sum():
        return boxes
    free = _free(boxes, parts)
    whole = _merged(np.stack([_grown(box, free, parts) for box in boxes]), unit)
    left = free[~_within(free, whole)]
    lines = [left[line] for line in _lines(left, unit)]
    lines = [_union(line) for line in lines if _is_line(line, unit) and _is_near(line, whole, unit)]
    if not lines:
        return whole
    added = _merged(np.stack([_grown(line, left, parts) for line in lines]), unit)
    return np.concatenate([whole, added])


def _free(boxes: Floats, parts: InkComponents) -> Floats:
    """The parts (N, 4) that may be signs and are in none of the boxes."""
    ink, unit = parts.boxes, parts.unit
    width, height = ink[:, 2] - ink[:, 0], ink[:, 3] - ink[:, 1]
    speck = np.maximum(width, height) < _SPECK * unit
    rule = (width > _RULE[0] * height) & (width > _RULE[1] * unit)
    signs = ink[~speck & ~rule & (height <= _TALLEST_SIGN * unit)]
    frames = np.array([_within(signs, sign[None]).sum() > _FRAMED for sign in signs], bool)
    return signs[~frames & ~_within(signs, boxes)]


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
