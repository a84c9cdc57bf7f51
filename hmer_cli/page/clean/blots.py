"""An image of one expression -> the same without what else the photo shows along its edges.

Corners of dark things, fingers and pens reach into a photo from an edge and are thicker than any
stroke; an edge of the sheet is a line from side to side, or from the head to the foot, far from the
writing; beyond it there is hardly any ink. Pages of notes are
not cleaned so: the search for expressions leaves such parts out by itself.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.load.images import Pixels

_INK = 190  # gray levels: what is darker is ink
_BLOT, _THICKEST = 2.5, 3.0  # times as thick as strokes, and pixels from its rim: no stroke
_ACROSS, _THIN = 0.5, 12  # of the width, and times as wide as high: a line along an edge of paper
_THROUGH, _BEYOND = 0.95, 0.1  # of the width; of the ink: what a line from side to side cuts off
_TALL = 2.5  # times as high as all signs together: an upright line along an edge of paper
_TIGHT = 0.02  # of the longer side: signs so near to an edge are in a tight crop
_FAR, _SPECK = 0.8, 0.01  # of the height of the other ink; of the image: smaller is no writing


def remove_blots(image: Pixels) -> Pixels:
    """The image with paper in place of thick things at its edges, and of lines far from its ink.

    ``image`` and the result: (H, W), dark ink on evenly white paper.
    """
    ink = (image < _INK).astype(np.uint8)
    count, marks, table, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    if count < 3:
        return image
    labels, stats = np.asarray(marks, np.int32), np.asarray(table, np.int32)
    found = _blots(ink, labels)
    found |= _lone_lines(stats, found, ink.shape)
    found |= _upright_lines(stats, found, ink.shape)
    if not found.any() or found[1:].all():
        return image
    gone = cv2.dilate(found[labels].astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    return np.where(gone & ~((ink > 0) & ~found[labels]), 255, image).astype(np.uint8)


def _blots(ink: Pixels, labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Which components at an edge are far thicker than strokes."""
    at_edge = np.zeros(int(labels.max()) + 1, bool)
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        at_edge[edge] = True
    at_edge[0] = False
    if not at_edge.any():
        return at_edge
    thick = cv2.distanceTransform(np.pad(ink, 1, mode="edge"), cv2.DIST_L2, 3)[1:-1, 1:-1]
    deepest = np.zeros(len(at_edge), np.float32)
    inside = ink > 0
    np.maximum.at(deepest, labels[inside], thick[inside])
    mass = np.bincount(labels[inside], minlength=len(deepest)).astype(np.float64)
    mass[at_edge] = 0
    if not mass.any():
        return np.zeros(len(deepest), bool)
    order = np.argsort(deepest)
    usual = deepest[order[np.searchsorted(mass[order].cumsum(), mass.sum() / 2)]]
    return np.asarray(at_edge & (deepest > max(_BLOT * float(usual), _THICKEST)))


def _lone_lines(
    stats: NDArray[np.int32], gone: NDArray[np.bool_], shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Which components are of a line from an edge with all the writing far on one side of it.

    A bar of a fraction has writing on both sides, and the bar of a root is near it.
    """
    height, width = shape
    left, top = stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_TOP]
    wide, high = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    foot, right = top + high, left + wide
    flat = (wide >= _ACROSS * width) & (high * _THIN <= wide)
    line = flat & ((left <= 1) | (right >= width - 1))
    line[0] = False
    found = np.zeros(len(stats), bool)
    for index in np.flatnonzero(line):
        pieces = (top < foot[index] + high[index]) & (foot > top[index] - high[index])
        pieces &= (high <= 2 * high[index]) | (np.arange(len(stats)) == index)
        others = ~pieces & ~gone & (np.maximum(wide, high) > _SPECK * max(height, width))
        others[0] = False
        beyond = _beyond(stats, index, others, shape)
        others &= ~beyond
        if not others.any():
            continue
        usual = np.max if beyond.any() else np.median  # a denominator may be one small sign
        room = _FAR * float(usual(high[others]))
        above, below = top[others].min() - foot[index], top[index] - foot[others].max()
        if max(above, below) > room:
            found |= pieces | beyond
    found[0] = False
    return found


def _beyond(
    stats: NDArray[np.int32], line: np.intp, others: NDArray[np.bool_], shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Which of the others, a few of them, are on the other side of a line from side to side; in a
    tight crop it may be the bar of a fraction."""
    height, width = shape
    top, foot = stats[:, cv2.CC_STAT_TOP], stats[:, cv2.CC_STAT_TOP] + stats[:, cv2.CC_STAT_HEIGHT]
    over, under = others & (foot <= top[line]), others & (top >= foot[line])
    areas = stats[:, cv2.CC_STAT_AREA]
    few, most = (over, under) if areas[over].sum() < areas[under].sum() else (under, over)
    is_edge = stats[line, cv2.CC_STAT_WIDTH] >= _THROUGH * width
    is_few = areas[few].sum() <= _BEYOND * areas[others].sum()
    near = _TIGHT * max(shape)
    is_tight = bool((most & ((top <= near) | (foot >= height - near))).any())
    return few if is_edge and is_few and not is_tight else np.zeros(len(stats), bool)


def _upright_lines(
    stats: NDArray[np.int32], gone: NDArray[np.bool_], shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """The same of upright lines, which are far higher than all signs together.

    None of a pair with the signs between, as of a determinant, and none in a tight crop, where the
    highest sign, as an integral, touches its edges.
    """
    found = _lone_lines(stats[:, [1, 0, 3, 2, 4]], gone, shape[::-1])
    left, top, wide, high = stats[:, :4].T
    right, foot = left + wide, top + high
    signs = ~found & ~gone & (np.maximum(wide, high) > _SPECK * max(shape))
    signs[0] = False
    none = np.zeros_like(found)
    if not found.any() or not signs.any():
        return none
    begin, end = left[signs].min(), right[signs].max()
    near = _TIGHT * max(shape)
    is_tight = begin <= near or end >= shape[1] - near
    is_pair = (right[found] <= begin).any() and (left[found] >= end).any()
    low = high[found].max() < _TALL * (foot[signs].max() - top[signs].min())
    return none if is_tight or is_pair or low else found
