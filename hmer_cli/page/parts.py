"""The connected parts of the ink on a page, and what can be measured of each and around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.images import Pixels
from hmer_cli.page.sums import Floats, Sums

_LEAST_CONTRAST = 28  # gray levels between paper and ink: fainter than any pencil is no ink
RASTER = slice(10, 46)
"""The columns of the features that are a part's own shape on a small raster."""

_STEPS = 6  # a part's own shape is seen on a raster of this many steps a side
_WINDOWS = (  # left, up, right, down of a part's middle, in letter heights
    (-1.5, -1.2, 1.5, 1.2),
    (-4, -1, 4, 1),
    (-10, -1.2, 10, 1.2),
    (-30, -1.5, 30, 1.5),
    (-5, -1, 0, 1),
    (0, -1, 5, 1),
    (-2, -3, 2, -0.8),
    (-2, 0.8, 2, 3),
    (-8, -6, 8, 6),
)


@dataclass(frozen=True)
class Parts:
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


def find_parts(image: Pixels) -> Parts:
    """The parts of the ink, specks aside. ``image``: (H, W), dark ink on evenly white paper."""
    ink = _ink(image)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    size = stats[:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1].max(axis=1)
    kept = np.flatnonzero((size >= 4) & (np.arange(count) > 0))
    left, top = stats[kept, 0], stats[kept, 1]
    boxes = np.stack([left, top, left + stats[kept, 2], top + stats[kept, 3]], 1)
    boxes = boxes.astype(np.float32)
    mass = stats[kept, cv2.CC_STAT_AREA].astype(np.float32)
    unit = _letter_height(boxes)
    if not len(kept):
        return Parts(boxes, mass, unit, np.zeros((0, 0), np.float32), ink)
    shapes = _shapes(image, ink, np.asarray(labels, np.int32), boxes, kept)
    own = _own(boxes, mass, unit, shapes)
    around = _around(ink, boxes, mass, unit, shapes)
    return Parts(boxes, mass, unit, np.concatenate([own, around], 1), ink)


def _ink(image: Pixels) -> Pixels:
    """1 where there is ink: pencil is, what shines through from the back is not."""
    step = max(1, max(image.shape) // 1000)
    sample = image[::step, ::step]
    otsu, _ = cv2.threshold(sample, 0, 255, cv2.THRESH_OTSU)
    dark = sample[sample <= otsu]
    level = 255 - 0.25 * (255 - float(np.median(dark))) if len(dark) else 0.0
    return (image <= min(level, 255 - _LEAST_CONTRAST)).astype(np.uint8)


def _letter_height(boxes: Floats) -> float:
    heights = boxes[:, 3] - boxes[:, 1]
    letters = heights[heights >= 8]
    return float(np.median(letters)) if len(letters) else 16.0


def _shapes(
    image: Pixels,
    ink: Pixels,
    labels: NDArray[np.int32],
    boxes: Floats,
    kept: NDArray[np.int64],
) -> Floats:
    """What needs a look at the pixels: rim, holes, darkness and a small raster, (N, 3 + S * S)."""
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


def _own(boxes: Floats, mass: Floats, unit: float, shapes: Floats) -> Floats:
    """What a part is by itself, (N, F)."""
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


def _around(ink: Pixels, boxes: Floats, mass: Floats, unit: float, shapes: Floats) -> Floats:
    """What lies around each part: sums over windows, (N, F)."""
    sums = Sums(ink.shape)
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    middle = np.stack([boxes[:, [0, 2]].mean(1), boxes[:, [1, 3]].mean(1)], 1)
    flat = (width > 2.5 * height) & (width > unit / 2)
    upright = (height > 2.5 * width) & (height > unit)
    dot = np.maximum(width, height) < unit / 2
    sums.add_points(middle, np.ones(len(boxes)))
    for kind in (flat, upright, dot, width > 2.5 * unit, shapes[:, 1] > 0):
        sums.add_points(middle, kind)
    sums.add_points(middle, np.minimum(width, 6 * unit) / unit)
    sums.add_points(middle, np.minimum(height, 6 * unit) / unit)
    sums.add_points(middle, np.minimum(shapes[:, 0] / (width + height), 6))
    for channel in _directions(ink):
        sums.add(channel)
    columns = []
    for window in _WINDOWS:
        reach = np.concatenate([middle, middle], 1) + np.array(window) * unit
        seen = sums.within(reach.astype(np.float32))
        area = (window[2] - window[0]) * (window[3] - window[1])
        columns += [seen[:, :1] / area, seen[:, 9:].sum(1, keepdims=True) / (area * unit)]
        columns.append(seen[:, 1:9] / np.maximum(seen[:, :1], 1))
        columns.append(seen[:, 9:] / np.maximum(seen[:, 9:].sum(1, keepdims=True), 1))
    columns.append(_places(boxes, ink.shape))
    return np.concatenate(columns, 1).astype(np.float32)


def _places(boxes: Floats, shape: tuple[int, ...]) -> Floats:
    """How near the edges of the page a part lies, whichever edge it is."""
    height, width = shape[:2]
    x = np.minimum(boxes[:, 0], width - boxes[:, 2]) / width
    y = np.minimum(boxes[:, 1], height - boxes[:, 3]) / height
    return np.stack([x, y], 1)


def _directions(ink: Pixels) -> Iterator[Floats]:
    """Edges of the ink by direction: across, down, and the two slants, (H, W) each."""
    smooth = cv2.GaussianBlur(ink * np.uint8(255), (5, 5), 1.0)
    dx = cv2.Sobel(smooth, cv2.CV_32F, 1, 0) / 255
    dy = cv2.Sobel(smooth, cv2.CV_32F, 0, 1) / 255
    strength, angle = cv2.cartToPolar(dx, dy, angleInDegrees=True)
    sector = np.floor((angle + 22.5) / 45) % 4
    for which in range(4):
        yield np.where(sector == which, strength, 0).astype(np.float32)
