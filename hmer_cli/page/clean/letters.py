"""What has the size of letters, darker or lighter than the paper around it: writing in a photo.

Input: a photo (H, W) of some hundred pixels. Output: masks (H, W), and what an area is like.
Method: a closing removes dark strokes from the paper, an opening light ones; what differs from the
result is a stroke.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.load.images import Pixels

STROKE = 0.35  # of the light around it: least contrast of ink, above that of wood grain
SHADE = 0.42  # of the paper's brightness: paper in the shade is brighter, as are some tables
_FLAT, _LEVEL = 0.5, 1  # least share of pixels of one gray level, within so many: JPEG has noise
_FEW = 4  # components: least writing


def without_dark(small: Pixels) -> Pixels:
    """The photo without dark strokes."""
    return _without(small, cv2.MORPH_CLOSE)


def without_light(small: Pixels) -> Pixels:
    """The photo without light strokes."""
    return _without(small, cv2.MORPH_OPEN)


def _without(small: Pixels, operation: int) -> Pixels:
    size = max(small.shape) // 40 | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray(cv2.medianBlur(cv2.morphologyEx(small, operation, kernel), 5), np.uint8)


def dark_letters(small: Pixels, blank: Pixels, largest: int = 20) -> Pixels:
    """Mask of dark components of the size of letters or smaller, on paper of this shade; (H, W).

    ``largest``: part of the longer side.
    """
    depth = 1 - small.astype(np.float32) / np.maximum(blank, 1)
    return _of_their_size(depth > STROKE, largest)


def light_letters(small: Pixels, dark: Pixels, paper: float, largest: int = 20) -> Pixels:
    """The same of light ones, on dark paper of this shade beside lighter ``paper``."""
    return _of_their_size(small.astype(np.float32) - dark > STROKE * paper, largest)


def _of_their_size(strokes: NDArray[np.bool_], largest: int) -> Pixels:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(strokes.astype(np.uint8), connectivity=8)
    sizes = stats[:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1].max(axis=1)
    small = (sizes > 2) & (sizes < max(strokes.shape) / largest)
    return (small[labels] & strokes).astype(np.uint8)


def is_lettered(letters: Pixels, where: NDArray[np.bool_]) -> bool:
    """Whether there are more letters somewhere than crumbs lie on a table."""
    count, _ = cv2.connectedComponents((letters * where).astype(np.uint8), connectivity=8)
    return count > _FEW


def is_flat(small: Pixels, where: NDArray[np.bool_]) -> bool:
    """Whether most of an area has one gray level, as programs draw paper. In photos, what is light
    on dark ground is a room's as often as writing."""
    levels = small[where].astype(np.int16)
    return bool(len(levels)) and float((abs(levels - np.median(levels)) <= _LEVEL).mean()) >= _FLAT
