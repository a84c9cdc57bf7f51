"""A page -> the boxes on it that hold one expression each.

For now a page holds one expression, and its region is the box of all its ink.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from hmer_cli.page.images import Pixels
from hmer_cli.page.open import Page

LEAST_CONTRAST = 32  # gray levels between paper and ink: fainter than any pencil is no ink
_MARGIN = 4


@dataclass(frozen=True)
class Region:
    """``box`` is x0, y0, x1, y1 in pixels of the page, for InkML in units of its ink.

    ``image`` is the cut out part of the page with a small margin, (H, W), dark ink on white.
    """

    box: tuple[float, float, float, float]
    image: Pixels


def find_regions(page: Page) -> list[Region]:
    """The regions of the page in reading order; none where it holds no ink."""
    if page.ink is not None:
        return [Region(page.ink.box(), page.image)]
    box = ink_box(page.image)
    if box is None:
        return []
    x0, y0, x1, y1 = box
    rows = slice(max(0, y0 - _MARGIN), y1 + _MARGIN)
    columns = slice(max(0, x0 - _MARGIN), x1 + _MARGIN)
    return [Region((x0, y0, x1, y1), page.image[rows, columns])]


def ink_box(image: Pixels) -> tuple[int, int, int, int] | None:
    """The box of the ink, dust aside; None where there is none. (H, W), dark ink on white.

    Otsu's threshold, but never so high that the grain of the paper counts as ink.
    """
    step = max(1, max(image.shape) // 1000)
    faintest = float(np.median(image[::step, ::step])) - LEAST_CONTRAST
    otsu, _ = cv2.threshold(image, 0, 255, cv2.THRESH_OTSU)
    mask = (image <= min(otsu, faintest)).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    parts = stats[1:]
    sizes = np.maximum(parts[:, cv2.CC_STAT_WIDTH], parts[:, cv2.CC_STAT_HEIGHT])
    dust = max(1, max(image.shape) // 500)
    kept = parts[sizes > dust]
    if not len(kept):
        return None
    x0, y0 = kept[:, cv2.CC_STAT_LEFT].min(), kept[:, cv2.CC_STAT_TOP].min()
    x1 = (kept[:, cv2.CC_STAT_LEFT] + kept[:, cv2.CC_STAT_WIDTH]).max()
    y1 = (kept[:, cv2.CC_STAT_TOP] + kept[:, cv2.CC_STAT_HEIGHT]).max()
    return int(x0), int(y0), int(x1), int(y1)
