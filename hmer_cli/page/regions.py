"""A page -> the boxes on it that hold one expression each.

An image of one expression, as people cut them out, has one region: the box of all its ink. On a
page the expressions are searched for among prose and drawings; see ``layout.py``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np

from hmer_cli.errors import UsageError
from hmer_cli.ink.render import InkImage, Readable
from hmer_cli.page.detect.search import FEWEST_PARTS, find_boxes, is_page, prepare_page
from hmer_cli.page.load.images import Pixels
from hmer_cli.page.load.pages import Box, Page

Layout = Literal["auto", "expression", "page"]
"""What an image is taken for; ``auto`` looks whether it could be a single expression."""

LEAST_CONTRAST = 32  # gray levels between paper and ink: fainter than any pencil is no ink
_MARGIN = 4


@dataclass(frozen=True)
class Region:
    """``box`` is x0, y0, x1, y1 in pixels of the source, for ink in its units.

    ``image`` is the cut out part of the page with a small margin, (H, W), dark ink on white; its
    top left corner lies at ``origin`` in the page's image. Where its strokes are known, it is to
    be read as ``written``, at the size that suits its signs; the units of that ink are pixels of
    the page's image, unless it is all of the page.
    """

    box: Box
    image: Pixels
    origin: tuple[int, int] = (0, 0)
    written: InkImage | None = None

    @property
    def seen(self) -> Readable:
        """What is there to be read."""
        return self.image if self.written is None else self.written

    @property
    def place(self) -> Box:
        """The box of ``image`` in pixels of the page's image."""
        (left, top), (height, width) = self.origin, self.image.shape
        return left, top, left + width, top + height

    def on_page(self, box: Box) -> Box:
        """A box on what is ``seen``, in pixels of the page's image."""
        (x0, y0, x1, y1), (x, y), scale = box, self.origin, 1.0
        if self.written is not None and self.written.image is not self.image:
            (scale, _, x), (_, _, y), _ = self.written.to_ink.tolist()
        return x0 * scale + x, y0 * scale + y, x1 * scale + x, y1 * scale + y

    @property
    def key(self) -> str:
        """SHA-256 of the ink, black or white and trimmed: the same wherever on a page it lies."""
        mask = _ink(self.image)
        x0, y0, x1, y1 = _box(mask) or (0, 0, *reversed(mask.shape))
        ink = mask[y0:y1, x0:x1]
        return hashlib.sha256(b"%d %d " % ink.shape + np.packbits(ink).tobytes()).hexdigest()


def find_regions(page: Page, layout: Layout = "auto") -> list[Region]:
    """The regions of the page in reading order; none where it holds no ink or, if it is a page
    of notes, no mathematics.

    Where the strokes are known, and are all that a box holds, it is read by them. Raises
    UsageError for a layout that there is not, MissingError where the weights that find regions are
    not installed.
    """
    if layout not in get_args(Layout):
        raise UsageError(f"layout {layout!r} is not known", "name auto, expression or page")
    if page.written is not None and not _is_searched(page, layout):
        return [_whole(page, page.written)]
    box = ink_box(page.image)
    if box is None:
        return []
    if layout != "expression":
        found = prepare_page(page)
        in_lines = page.redrawn and page.ink is not None and page.ink.in_lines
        if layout == "page" or in_lines or is_page(found.parts):
            boxes = find_boxes(found)
            if boxes or page.written is None:
                return [_cut(page, found.image, each, 0) for each in boxes]
            return [_whole(page, page.written)]
    return [_cut(page, page.image, box, _MARGIN)]


def _is_searched(page: Page, layout: Layout) -> bool:
    """Whether a page of nothing but ink is taken for more than one expression."""
    if layout != "auto" or page.ink is None:
        return layout == "page"
    return page.ink.in_lines or (
        len(page.ink) >= FEWEST_PARTS and is_page(prepare_page(page).parts)
    )


def _whole(page: Page, written: InkImage) -> Region:
    """All the ink of a page, as it is."""
    return Region(written.ink.box(), page.image, written=written)


def _cut(page: Page, image: Pixels, box: Box, margin: int) -> Region:
    """A copy, so that a region does not keep its whole page in memory."""
    left, top = max(0, int(box[0]) - margin), max(0, int(box[1]) - margin)
    right, foot = int(np.ceil(box[2])) + margin, int(np.ceil(box[3])) + margin
    cut = image[top:foot, left:right].copy()
    ink = None if page.ink is None else page.ink.written(box, cut, (left, top))
    return Region(page.in_source(box), cut, (left, top), ink)


def ink_box(image: Pixels) -> tuple[int, int, int, int] | None:
    """The box of the ink, dust aside; None where there is none. (H, W), dark ink on white."""
    return _box(_ink(image))


def _ink(image: Pixels) -> Pixels:
    """1 where there is ink, else 0, (H, W).

    Otsu's threshold, but never so high that the grain of the paper counts as ink.
    """
    step = max(1, max(image.shape) // 1000)
    faintest = float(np.median(image[::step, ::step])) - LEAST_CONTRAST
    otsu, _ = cv2.threshold(image, 0, 255, cv2.THRESH_OTSU)
    return (image <= min(otsu, faintest)).astype(np.uint8)


def _box(mask: Pixels) -> tuple[int, int, int, int] | None:
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    parts = stats[1:]
    sizes = np.maximum(parts[:, cv2.CC_STAT_WIDTH], parts[:, cv2.CC_STAT_HEIGHT])
    dust = max(1, max(mask.shape) // 500)
    kept = parts[sizes > dust]
    if not len(kept):
        return None
    x0, y0 = kept[:, cv2.CC_STAT_LEFT].min(), kept[:, cv2.CC_STAT_TOP].min()
    x1 = (kept[:, cv2.CC_STAT_LEFT] + kept[:, cv2.CC_STAT_WIDTH]).max()
    y1 = (kept[:, cv2.CC_STAT_TOP] + kept[:, cv2.CC_STAT_HEIGHT]).max()
    return int(x0), int(y0), int(x1), int(y1)
