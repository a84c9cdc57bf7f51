"""Connected components of the ink on a page, with features of each.

Input: a page (H, W), dark ink on white. Output: `InkComponents`: boxes, mass, and features by the
names in `PART_COLUMNS` followed by a small raster of its shape. Method: Otsu's threshold (1979)
relative to the usual darkness of ink, raised where specks outnumber letters.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.clean.remembered import remembered
from hmer_cli.page.detect.integral import Floats
from hmer_cli.page.load.images import Pixels

_LEAST_CONTRAST = 28  # gray levels between paper and ink; pencil has more
_SHARES = (
    0.25,
    0.4,
    0.55,
)  # of the usual darkness: thresholds, tried in turn on cluttered pages
_LETTER = 8  # pixels: smaller components may be specks
_MANY, _SPECKS = 4, 500  # specks per letter, and on the page, above which a page is cluttered

PART_COLUMNS = (
    *("width", "height", "aspect", "density", "rim", "rim_of_box", "holes", "darkness", "pen"),
    "page_pen",
)
"""Names of the features of a component before its raster."""

RASTER = slice(len(PART_COLUMNS), len(PART_COLUMNS) + 36)
"""Columns of the raster of a component."""

_STEPS = 6  # cells per side of the raster of a component


@dataclass(frozen=True)
class InkComponents:
    """N connected parts: ``boxes`` (N, 4) as x0, y0, x1, y1 in pixels, ``features`` (N, F).

    ``unit`` is the height of a letter on this page in pixels; ``ink`` is the (H, W) mask, and
    ``mass`` (N,) the pixels of each part.
    """

    boxes: Floats
    mass: Floats
    unit: float
    features: Floats
    ink: Pixels

    def __len__(self) -> int:
        return len(self.boxes)

    @cached_property
    def coarse(self) -> Floats:
        """The features of each, but for those of the page, with a raster of a quarter of the
        cells, (N, F)."""
        half = _STEPS // 2
        raster = self.features[:, RASTER].reshape(-1, half, 2, half, 2).mean((2, 4))
        own = self.features[:, : RASTER.start - 1]
        return np.concatenate([own, raster.reshape(len(self), -1)], 1)


@remembered
def find_components(image: Pixels) -> InkComponents:
    """The parts of the ink, specks aside; of a page that is cluttered at any threshold, all smaller
    than letters. ``image``: (H, W), dark ink on evenly white paper."""
    ink, labels, stats = _labelled_ink(image)
    size = stats[:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1].max(axis=1)
    least = _LETTER if _cluttered(stats) else 4
    kept = np.flatnonzero((size >= least) & (np.arange(len(stats)) > 0))
    left, top = stats[kept, 0], stats[kept, 1]
    boxes = np.stack([left, top, left + stats[kept, 2], top + stats[kept, 3]], 1)
    boxes = boxes.astype(np.float32)
    mass = stats[kept, cv2.CC_STAT_AREA].astype(np.float32)
    unit = letter_height(boxes)
    if not len(kept):
        return InkComponents(boxes, mass, unit, np.zeros((0, 0), np.float32), ink)
    shapes = _shapes(image, ink, labels, boxes, kept)
    return InkComponents(boxes, mass, unit, _features(boxes, mass, unit, shapes), ink)


def ink_contrast(image: Pixels) -> float:
    """The median contrast of ink with white paper, in gray levels; by Otsu's threshold."""
    step = max(1, max(image.shape) // 1000)
    sample = image[::step, ::step]
    otsu, _ = cv2.threshold(sample, 0, 255, cv2.THRESH_OTSU)
    dark = sample[sample <= otsu]
    return 255 - float(np.median(dark)) if len(dark) else 255.0


def ink_level(contrast: float, share: float = _SHARES[0]) -> int:
    """The lightest gray level that is ink, by the usual ``contrast`` of ink with the paper."""
    return int(255 - max(share * contrast, _LEAST_CONTRAST))


def _labelled_ink(image: Pixels) -> tuple[Pixels, NDArray[np.int32], NDArray[np.int32]]:
    """1 for ink, including pencil, 0 for paper and bleed-through; with the labels (H, W) of its
    components and the statistics of each, as OpenCV gives them."""
    usual = ink_contrast(image)
    for share in _SHARES:
        ink = (image <= ink_level(usual, share)).astype(np.uint8)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
        if not _cluttered(stats):
            break
    return ink, np.asarray(labels, np.int32), np.asarray(stats, np.int32)


def _cluttered(stats: NDArray[Any]) -> bool:
    """Whether specks far outnumber letters, as pieces of faint lines do in deep shadow."""
    size = stats[1:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1].max(axis=1)
    specks = int((size < _LETTER).sum())
    return specks > max(_SPECKS, _MANY * (len(size) - specks))


def letter_height(boxes: Floats) -> float:
    """The median height of parts, (N, 4), that are no specks, in pixels."""
    heights = boxes[:, 3] - boxes[:, 1]
    letters = heights[heights >= _LETTER]
    return float(np.median(letters)) if len(letters) else 16.0


def _shapes(
    image: Pixels,
    ink: Pixels,
    labels: NDArray[np.int32],
    boxes: Floats,
    kept: NDArray[np.int64],
) -> Floats:
    """Features from pixels: length of the outline, holes, darkness and raster, (N, 3 + S * S)."""
    place = np.full(int(labels.max()) + 1, -1)
    place[kept] = np.arange(len(kept))
    table = np.zeros((len(kept), 3 + _STEPS * _STEPS), np.float32)
    contours, tree = cv2.findContours(ink, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    for contour, (_, _, _, parent) in zip(contours, tree[0], strict=True):
        outer = contours[parent] if parent >= 0 else contour
        x, y = outer[0, 0]
        index = place[labels[y, x]]
        if index >= 0:
            table[index, 0] += len(contour)
            table[index, 1] += parent >= 0
    for index, (x0, y0, x1, y1) in enumerate(boxes.astype(int)):
        own = (labels[y0:y1, x0:x1] == kept[index]).astype(np.uint8)
        table[index, 2] = cv2.mean(image[y0:y1, x0:x1], own)[0]
        raster = cv2.resize(own * 255, (_STEPS, _STEPS), interpolation=cv2.INTER_AREA)
        table[index, 3:] = raster.reshape(-1)
    return table


def _features(boxes: Floats, mass: Floats, unit: float, shapes: Floats) -> Floats:
    """Features of each component by itself, (N, F)."""
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    ink = 255 - shapes[:, 2]
    pen = 2 * mass / np.maximum(shapes[:, 0], 1)
    columns = [
        width / unit,
        height / unit,
        np.log(width / height),
        mass / (width * height),
        shapes[:, 0] / unit,
        shapes[:, 0] / (width + height),
        shapes[:, 1],
        ink / np.median(ink),
        pen / np.median(pen),
        np.full(len(boxes), np.median(pen) / unit, np.float32),
    ]
    return np.concatenate([np.stack(columns, 1).astype(np.float32), shapes[:, 3:]], 1)
