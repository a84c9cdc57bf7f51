"""What is far fainter than the writing -> painted as paper: watermarks, grain, what shines through.

Hysteresis thresholding (J. Canny, A computational approach to edge detection, PAMI 1986): a
connected component of faint ink stays where any of it is as dark as strokes are. How dark these are
is the median over all components of the darkest pixel of each, weighted by their areas; solid ones
do not count, as a black object beside a page of pencil has more area than all of its writing.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.clean.remembered import remembered
from hmer_cli.page.load.images import Pixels

INK = 24  # gray levels below the paper: what is fainter is no ink
WEAK, STRONG = 0.2, 0.4  # of the usual darkness; chosen on scanned crops, whose strokes have more
_DOT, _LIGHT = 0.6, 0.7  # of a square of the pen's width; of the usual darkness: a light speck
_SOLID = 5  # times as thick as the median outline: no stroke
SOFT = 7  # pixels: as far around strokes their soft edges reach


@remembered
def remove_faint(image: Pixels) -> Pixels:
    """The image without components that are nowhere as dark as its strokes.

    ``image`` and the result: (H, W), dark ink on evenly white paper.
    """
    depth = 255 - image
    usual = usual_depth(depth)
    if usual is None:
        return image
    weak = (depth > int(max(WEAK * usual, INK / 2))).astype(np.uint8)
    count, labels = cv2.connectedComponents(weak, connectivity=8)
    strong = np.zeros(count, bool)
    strong[labels[depth >= math.ceil(STRONG * usual)]] = True
    strong[0] = False
    kept = cv2.dilate(strong[labels].astype(np.uint8), np.ones((SOFT, SOFT), np.uint8))
    paper = np.uint8(np.median(image))  # white would make a rim of the grain around strokes
    return np.where(kept > 0, image, np.maximum(image, paper)).astype(np.uint8)


def remove_light_specks(image: Pixels) -> Pixels:
    """The image without specks that are smaller than a dot of the pen and lighter than its strokes.

    Such are the dots of a printed line. For what is read, not for what is searched: the search was
    trained with them. ``image`` and the result: (H, W), dark ink on evenly white paper.
    """
    depth = 255 - image
    usual = usual_depth(depth)
    if usual is None:
        return image
    ink = (depth > int(STRONG * usual)).astype(np.uint8)
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    rim = int(ink.sum()) - int(cv2.erode(ink, cross).sum())
    pen = 2 * int(ink.sum()) / max(rim, 1)
    weak = (depth > int(max(WEAK * usual, INK / 2))).astype(np.uint8)
    _, marks, stats, _ = cv2.connectedComponentsWithStats(weak, connectivity=8)
    labels = np.asarray(marks, np.int32)
    darkest = np.zeros(len(stats), np.uint8)
    inside = weak > 0
    np.maximum.at(darkest, labels[inside], depth[inside])
    specks = (stats[:, cv2.CC_STAT_AREA] < _DOT * pen * pen) & (darkest < _LIGHT * usual)
    specks[0] = False
    return np.where(specks[labels], np.uint8(np.median(image)), image).astype(np.uint8)


@remembered
def usual_depth(depth: Pixels) -> float | None:
    """How dark the strokes are, in gray levels below the paper; None where there is no ink."""
    ink = depth > INK
    count, marks = cv2.connectedComponents(ink.astype(np.uint8), connectivity=8)
    if count < 2:
        return None
    labels = np.asarray(marks, np.int32)[ink]
    darkest = np.zeros(count, np.uint8)
    np.maximum.at(darkest, labels, depth[ink])
    rim = cv2.erode(ink.astype(np.uint8), np.ones((3, 3), np.uint8))[ink] == 0
    area, outline = (np.bincount(each, minlength=count) for each in (labels, labels[rim]))
    thick = area / np.maximum(outline, 1)
    area[thick > _SOLID * _median(thick, outline)] = 0
    return _median(darkest, area)


def _median(values: NDArray[Any], weights: NDArray[np.int64]) -> float:
    order = np.argsort(values)
    return float(values[order[np.searchsorted(weights[order].cumsum(), weights.sum() / 2)]])
