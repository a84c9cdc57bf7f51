"""A page -> the boxes on it that hold one expression each.

An image of one expression, as people cut them out, has one region: the box of all its ink. On a
page the expressions are searched for among prose and drawings; see ``layout.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np

from hmer_cli.errors import UsageError
from hmer_cli.page.images import Pixels
from hmer_cli.page.layout import find_boxes, is_page, study
from hmer_cli.page.open import Page

Layout = Literal["auto", "expression", "page"]
"""What an image is taken for; ``auto`` looks whether it could be a single expression."""

LEAST_CONTRAST = 32  # gray levels between paper and ink: fainter than any pencil is no ink
_MARGIN = 4


@dataclass(frozen=True)
class Region:
    """``box`` is x0, y0, x1, y1 in pixels of the page, for InkML in units of its ink.

    ``image`` is the cut out part of the page with a small margin, (H, W), dark ink on white.
    """

    box: tuple[float, float, float, float]
    image: Pixels


def find_regions(page: Page, layout: Layout = "auto") -> list[Region]:
    """The regions of the page in reading order; none where it holds no ink or, if it is a page
    of notes, no mathematics.

    InkML holds one expression whatever the layout. Raises UsageError for a layout that there is
    not, MissingError where the weights that find regions are not installed.
    """
    if layout not in get_args(Layout):
        raise UsageError(f"layout {layout!r} is not known", "name auto, expression or page")
    if page.ink is not None:
        return [Region(page.ink.box(), page.image)]
    box = ink_box(page.image)
    if box is None:
        return []
    if layout != "expression":
        found = study(page.image)
        if layout == "page" or is_page(found.parts):
            return [Region(each, _cut(found.image, each, 0)) for each in find_boxes(found)]
    return [Region(box, _cut(page.image, box, _MARGIN))]


def _cut(image: Pixels, box: tuple[float, float, float, float], margin: int) -> Pixels:
    x0, y0, x1, y1 = box
    rows = slice(max(0, int(y0) - margin), int(np.ceil(y1)) + margin)
    columns = slice(max(0, int(x0) - margin), int(np.ceil(x1)) + margin)
    return image[rows, columns]


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
