"""Pens of a bright colour beside dark ink -> as dark as ink, where their brightness hides them.

Input: gray levels (H, W) and their RGB (H, W, 3). Output: the gray levels, with the weakest colour
(on dark paper the strongest) in strokes of such pens. An orange pen is a third as dark as a black
one, and would be taken for a watermark beside it. Only pages on paper of one colour are changed, as
programs draw them: not photos, nor scans with a tint or grain. Markers are broader than the pen;
rules, grids and dots of printed paper are longer than signs, or many.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.load.pens import extremes

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]

_STUDIED = 1000  # pixels of the longer side at which the paper is looked at
_FLAT, _EVEN = 0.5, 2  # least share of pixels of one colour, within so many levels
_LIGHT, _NEUTRAL = 225, 16  # of the paper: least level, and largest difference of its colours
_CHROMA = 100  # levels between the strongest and the weakest colour: more than rules of paper have
_DARK, _PALEST = 100, 230  # gray levels: what is darker is ink anyway, what is lighter no ink
_PALE = 127  # mean gray level of strokes that are paler than half of black
_FEWEST = 30  # pixels of dark ink
_BROAD, _MORE = 1.8, 1.0  # times the dark strokes, and pixels: a marker is broader
_LONG = 0.5  # of the image: no sign is longer, and no row holds as much of it
_FRINGE = 0.5  # share beside dark ink: the edge of a dark stroke


def with_pale_pens(gray: Pixels, colours: Pixels) -> Pixels:
    """The gray levels with pale coloured strokes dark; themselves where there are none."""
    step = -(-max(gray.shape) // _STUDIED)
    sample = cv2.split(np.ascontiguousarray(colours[::step, ::step]))
    paper = np.array([np.median(levels) for levels in sample])
    even = [abs(levels - usual) <= _EVEN for levels, usual in zip(sample, paper, strict=True)]
    if np.logical_and.reduce(even).mean() < _FLAT or np.ptp(paper) > _NEUTRAL:
        return gray
    if paper.min() >= _LIGHT:
        return _darkened(gray, colours)
    if paper.max() <= 255 - _LIGHT:
        return np.asarray(255 - _darkened(255 - gray, 255 - colours), np.uint8)
    return gray


def _darkened(gray: Pixels, colours: Pixels) -> Pixels:
    """The same on white paper."""
    weakest, chroma = extremes(colours)
    pale = (chroma >= _CHROMA) & (gray > _DARK) & (gray <= _PALEST)
    dark = gray <= _DARK
    if not pale.any() or np.count_nonzero(dark) < _FEWEST:
        return gray
    strokes = _strokes(pale, dark, gray)
    if not strokes.any():
        return gray
    there = cv2.dilate(strokes.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    result = gray.copy()
    result[there] = np.minimum(gray, weakest)[there]
    return result


def _strokes(pale: Mask, dark: Mask, gray: Pixels) -> Mask:
    """Those pale pixels that are strokes of a pen, no broader than the dark ones."""
    opened = cv2.morphologyEx(pale.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    count, marks, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=8)
    labels = np.asarray(marks, np.int32)
    if count < 2:
        return np.zeros_like(pale)
    area = np.maximum(stats[:, cv2.CC_STAT_AREA], 1)
    size = stats[:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1].max(axis=1)
    pen = _width(dark)
    broad = _largest(_depth(pale | dark), labels, count)  # writing under a marker parts it
    level = np.bincount(labels.ravel(), gray.ravel(), count) / area
    near = cv2.dilate(dark.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    fringe = np.bincount(labels[near], minlength=count) / area
    rules = (pale.mean(axis=1) > _LONG)[:, None] | (pale.mean(axis=0) > _LONG)[None]
    ruled = np.bincount(labels[rules], minlength=count) / area
    kept = (2 * broad <= _BROAD * pen + _MORE) & (level > _PALE) & (fringe < _FRINGE)
    kept &= (size < _LONG * max(gray.shape)) & (ruled < 0.5)
    kept[0] = False
    dots = size <= _BROAD * pen + _MORE
    if np.count_nonzero(kept & dots) > np.count_nonzero(kept) / 2:
        kept &= ~dots  # of printed paper
    return np.asarray(kept[labels])


def _depth(mask: Mask) -> NDArray[np.float32]:
    """How far each pixel is inside of the strokes."""
    return np.asarray(cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3), np.float32)


def _largest(
    values: NDArray[np.float32], labels: NDArray[np.int32], count: int
) -> NDArray[np.float32]:
    """The largest value in each of the components."""
    found = np.zeros(count, np.float32)
    inside = labels > 0
    np.maximum.at(found, labels[inside], values[inside])
    return found


def _width(dark: Mask) -> float:
    """The width of a typical dark stroke."""
    count, labels = cv2.connectedComponents(dark.astype(np.uint8), connectivity=8)
    return 2 * float(np.median(_largest(_depth(dark), np.asarray(labels, np.int32), count)[1:]))
