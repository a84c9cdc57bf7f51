"""The ink of an image and its box.

Input: (H, W), dark ink on evenly white paper. Output: a mask, or the box x0, y0, x1, y1 of what is
larger than dust. Method: Otsu's threshold (N. Otsu, IEEE Trans. SMC, 1979). It parts ink of two
pens where the paler one wrote little: the box then also holds the paler parts.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.clean.faint import STRONG
from hmer_cli.page.clean.illumination import paper_level
from hmer_cli.page.clean.remembered import remembered
from hmer_cli.page.detect.bands import sheet_height
from hmer_cli.page.load.images import Pixels

LEAST_CONTRAST = 32  # gray levels between paper and ink: fainter than any pencil is no ink
_SOME = 32  # part of the rows of a page, in which ink is looked for first
_FINE = 500  # part of the longer side of a sheet: dust

PixelBox = tuple[int, int, int, int]


def ink_box(image: Pixels) -> PixelBox | None:
    """The box of the ink, dust aside; None where there is none."""
    mask = ink_mask(image)
    dust = dust_size(mask)
    found = bounding_box(mask, dust)
    return found and bounding_box(mask | _paler(image, mask, dust), dust)


def has_ink(image: Pixels) -> bool:
    """Whether there is ink, dust aside."""
    mask = ink_mask(image)
    dust = dust_size(mask)
    fullest, some = int(mask.sum(1).argmax()), len(mask) // _SOME + dust + 1
    band = mask[max(0, fullest - some) : fullest + some]
    # Ink in some of the rows is a piece of what is ink on the page, and soon found.
    return bounding_box(band, dust) is not None or bounding_box(mask, dust) is not None


@remembered
def ink_mask(image: Pixels) -> Pixels:
    """1 where there is ink, else 0, (H, W).

    Otsu's threshold, but never so high that the grain of the paper counts as ink.
    """
    otsu, _ = cv2.threshold(image, 0, 255, cv2.THRESH_OTSU)
    return (image <= min(otsu, _faintest(image))).astype(np.uint8)


def dust_size(mask: Pixels) -> int:
    """The longest side of a speck in pixels."""
    return max(1, max(sheet_height(mask.shape), mask.shape[1]) // _FINE)


def bounding_box(mask: Pixels, dust: int) -> PixelBox | None:
    """The box of the parts whose longer side is more than that of ``dust``."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    kept = stats[1:][_size(stats[1:]) > dust]
    if not len(kept):
        return None
    x0, y0 = kept[:, :2].min(0).tolist()
    x1, y1 = (kept[:, :2] + kept[:, 2:4]).max(0).tolist()
    return x0, y0, x1, y1


def _paler(image: Pixels, mask: Pixels, dust: int) -> Pixels:
    """1 for parts larger than dust that are nowhere in the mask, but as dark as `faint` leaves
    them, beside ink of its usual darkness."""
    usual = 255 - float(np.median(image[mask > 0]))
    pale = (image <= min(255 - STRONG * usual, _faintest(image))).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(pale, connectivity=8)
    kept = _size(stats) > dust
    kept[0] = False
    kept[labels[mask > 0]] = False
    return np.asarray(kept[labels], np.uint8)


def _size(stats: NDArray[Any]) -> NDArray[Any]:
    return np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])


def _faintest(image: Pixels) -> float:
    step = max(1, max(image.shape) // 1000)
    return paper_level(image[::step, ::step]) - LEAST_CONTRAST
