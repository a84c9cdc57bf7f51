"""An image of one expression -> the same without what its writer has crossed out.

A zigzag through writing, or several lines, close dozens of small areas in one component of ink; the
loops of signs that touch are a few.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.load.images import Pixels

_INK = 190  # gray levels: threshold of ink, as in `blots`
# Chosen on photos that are composed (benchmarks/composed_photos.py); no component of CROHME 2014
# offline and of the photos in field has more than five such holes.
_HOLES, _SMALL = 7, 0.5  # holes of a component; their largest side, in heights of a sign
_STUDIED = 300  # pixels: height at which holes are counted
_GRAIN = 2  # pixels: smaller holes are grain
_LEFT = 0.1  # of the ink: least share that is left


def without_crossed_out(image: Pixels) -> Pixels:
    """The image with paper in place of what is crossed out, if something else is written.

    ``image`` and the result: (H, W), dark ink on evenly white paper.
    """
    height, width = image.shape
    scale = min(1.0, _STUDIED / max(height, 1))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if scale < 1 else image
    ink = (small < _INK).astype(np.uint8)
    count, marks, table, centres = cv2.connectedComponentsWithStats(ink, connectivity=8)
    if count < 3:
        return image
    labels, stats = np.asarray(marks, np.int32), np.asarray(table, np.int32)
    crossed = _crossed(labels, stats)
    if not crossed.any():
        return image
    x, y = centres.T
    for left, top, wide, high, _ in stats[crossed]:
        crossed |= (left <= x) & (x < left + wide) & (top <= y) & (y < top + high)
    crossed[0] = False
    if stats[1:, cv2.CC_STAT_AREA][~crossed[1:]].sum() < _LEFT * stats[1:, cv2.CC_STAT_AREA].sum():
        return image
    gone = cv2.dilate(crossed[labels].astype(np.uint8), np.ones((5, 5), np.uint8))
    gone[(ink > 0) & ~crossed[labels]] = 0
    there = cv2.resize(gone, (width, height), interpolation=cv2.INTER_NEAREST) > 0
    return np.where(there, 255, image).astype(np.uint8)


def _crossed(labels: NDArray[np.int32], stats: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Which components have so many small holes."""
    sides = stats[:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1]
    most = (_SMALL * float(np.median(sides[1:].max(axis=1)))) ** 2
    found = np.zeros(len(stats), bool)
    for index in range(1, len(stats)):
        left, top, wide, high, _ = stats[index].tolist()
        if wide * high < _HOLES * _GRAIN:
            continue
        own = np.pad(labels[top : top + high, left : left + wide] != index, 1, constant_values=True)
        _, _, areas, _ = cv2.connectedComponentsWithStats(own.astype(np.uint8), connectivity=4)
        holes = areas[2:, cv2.CC_STAT_AREA]  # the first is what is outside
        found[index] = ((holes >= _GRAIN) & (holes < most)).sum() >= _HOLES
    return found
