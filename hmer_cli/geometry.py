"""Axis-aligned boxes (x0, y0, x1, y1; y down): area, intersection, IoU, union, shift.

Input: tuples or arrays (..., 4) in any unit. Negative sides count as 0, so an inverted box has no
area, and the IoU of two boxes without area is 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in the unit of its page or image, y down."""

MAX_SIDE = 32_767
"""Pixels: the largest side of an image; some functions of OpenCV use 16 bit coordinates."""

Floating = NDArray[np.floating[Any]]


def area(boxes: ArrayLike) -> Floating:
    """The areas of boxes (..., 4), of the shape (...)."""
    array = _floating(boxes)
    return _product(array[..., 2:] - array[..., :2])


def intersection(some: ArrayLike, others: ArrayLike) -> Floating:
    """Area of the intersection of boxes (..., 4), broadcast over all but the last axis."""
    a, b = _floating(some), _floating(others)
    # One axis at a time: NumPy is slow where the last axis has two elements.
    width, height = (
        np.minimum(a[..., axis + 2], b[..., axis + 2]) - np.maximum(a[..., axis], b[..., axis])
        for axis in range(2)
    )
    shared: Floating = np.maximum(width, 0) * np.maximum(height, 0)
    return shared


def iou(some: ArrayLike, others: ArrayLike) -> Floating:
    """Intersection over union of boxes (..., 4), broadcast over all but the last axis.

    float32 arrays give float32, tuples and integers float64.
    """
    shared = intersection(some, others)
    total = area(some) + area(others) - shared
    return np.asarray(np.divide(shared, total, out=np.zeros_like(shared), where=total > 0))


def iou_table(some: ArrayLike, others: ArrayLike) -> Floating:
    """Intersection over union of each of (N, 4) with each of (M, 4) boxes, (N, M)."""
    return iou(_floating(some).reshape(-1, 1, 4), _floating(others).reshape(1, -1, 4))


def inside(box: Box, other: Box) -> float:
    """Intersection over the area of ``box``, 0 to 1; 0 for a box without area."""
    whole = float(area(box))
    return float(intersection(box, other)) / whole if whole > 0 else 0.0


def inside_of(parts: Floating, boxes: ArrayLike) -> NDArray[np.bool_]:
    """Which parts (N, 4) have their middle in one of the boxes (M, 4)."""
    places = np.asarray(boxes, np.float64).reshape(-1, 4)
    middle = parts.reshape(-1, 2, 2).mean(1)[:, None]
    there = (middle >= places[None, :, :2]) & (middle <= places[None, :, 2:])
    return np.asarray(there.all(2).any(1))


def union(boxes: Iterable[Box]) -> Box:
    """The bounding box of at least one box. Raises ValueError if there is none."""
    left, top, right, foot = zip(*boxes, strict=True)
    return min(left), min(top), max(right), max(foot)


def bounds(boxes: Floating) -> Floating:
    """The bounding box (4,) of an array of boxes (N, 4), N >= 1."""
    return np.concatenate([boxes[:, :2].min(0), boxes[:, 2:].max(0)])


def bounding_box(boxes: Floating) -> Box:
    """`bounds` as a tuple."""
    x0, y0, x1, y1 = bounds(boxes).tolist()
    return x0, y0, x1, y1


def shift(box: Box, x: float, y: float) -> Box:
    """The box moved to the right and down."""
    return box[0] + x, box[1] + y, box[2] + x, box[3] + y


def _floating(boxes: ArrayLike) -> Floating:
    array = np.asarray(boxes)
    return array if np.issubdtype(array.dtype, np.floating) else array.astype(np.float64)


def _product(sides: Floating) -> Floating:
    return np.maximum(sides[..., 0], 0) * np.maximum(sides[..., 1], 0)


def projected(boxes: ArrayLike, homography: Sequence[float]) -> Floating:
    """The boxes (N, 4) round what these boxes are after a homography, nine numbers row by row."""
    x0, y0, x1, y1 = _floating(boxes).T
    corners = np.stack([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]).transpose(2, 0, 1)
    there = np.insert(corners, 2, 1, axis=2) @ np.array(homography).reshape(3, 3).T
    points = there[..., :2] / there[..., 2:]
    return np.hstack([points.min(1), points.max(1)])


def moved_boxes(boxes: Sequence[Box], homography: Floating) -> list[Box]:
    """`projected` boxes as tuples, by a matrix (3, 3)."""
    if not boxes:
        return []
    there = projected(boxes, homography.ravel().tolist()).tolist()
    return [(x0, y0, x1, y1) for x0, y0, x1, y1 in there]


def quarters_of(to_source: Sequence[float] | None) -> int:
    """How many quarters clockwise the right of a page is turned in its source, to which the
    matrix (9 numbers, row by row) leads."""
    if to_source is None:
        return 0
    right, down = to_source[0], to_source[3]
    if abs(right) >= abs(down):
        return 0 if right >= 0 else 2
    return 1 if down > 0 else 3
