"""Image -> nodes of the graph model: the strokes of its skeleton, with a thumbnail and box each.

Input: ink (H, W) uint8, bright on black. Output: `Pieces`, and a map (H, W) from pixels to pieces.
Strokes come from `hmer_cli.ink.skeleton` (Chan, arXiv 1905.06749).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.ink.skeleton import skeleton
from hmer_cli.recognition.components import INK, SIDE, SPECK
from hmer_cli.recognition.strokes import stroke_features

LAYERS = 2
"""Channels of a thumbnail: the ink of the piece alone, and all ink around it."""

_ROOM = 3
"""Margin in pixels around a piece in its thumbnail."""

_LEAST = 0.4
"""Pieces smaller than this, in typical symbol sizes, are enlarged only as if they had it."""


@dataclass(frozen=True)
class Pieces:
    """The N strokes of the skeleton of one image, from left to right.

    Attributes:
        shapes: resampled points, as of `StrokeFeatures`.
        pictures: thumbnails (N, LAYERS, SIDE, SIDE) uint8, ink bright on black.
        boxes: as of `StrokeFeatures`.
    """

    shapes: NDArray[np.float32]
    pictures: NDArray[np.uint8]
    boxes: NDArray[np.float32]


def pieces(ink: NDArray[np.uint8]) -> tuple[Pieces, NDArray[np.int32]] | None:
    """The pieces of ink (H, W), bright on black, and the index of the piece of each pixel.

    The index is -1 elsewhere. None without ink.
    """
    found = skeleton(_without_specks((ink >= INK).astype(np.uint8)))
    if found is None:
        return None
    features = stroke_features(found.strokes)
    size = _size(found.strokes, features.boxes)
    return Pieces(features.shapes, _pictures(ink, found.where, size), features.boxes), found.where


def _without_specks(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Without components of fewer pixels than SPECK, unless there is nothing else."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    large = stats[:, cv2.CC_STAT_AREA] >= SPECK
    large[0] = False
    return large.astype(np.uint8)[labels] if large.any() else mask


def _size(strokes: list[NDArray[np.float32]], boxes: NDArray[np.float32]) -> float:
    """Size in pixels of a typical symbol, the unit of the boxes."""
    pixels = max(float(np.ptp(stroke, axis=0).max()) for stroke in strokes)
    units = float((boxes[:, 2:] - boxes[:, :2]).max())
    return pixels / units if units > 0 else float(SIDE)


def _pictures(ink: NDArray[np.uint8], where: NDArray[np.int32], size: float) -> NDArray[np.uint8]:
    """Thumbnails (N, LAYERS, SIDE, SIDE) of a square around each piece."""
    boxes = boxes_of(where)
    pictures = np.zeros((len(boxes), SIDE, SIDE, LAYERS), np.uint8)
    height, width = ink.shape
    for i, (x0, y0, x1, y1) in enumerate(boxes.tolist()):
        side = max(x1 - x0, y1 - y0, _LEAST * size) * SIDE / (SIDE - 2 * _ROOM)
        left, top = math.floor((x0 + x1 - side) / 2), math.floor((y0 + y1 - side) / 2)
        right, bottom = min(left + math.ceil(side), width), min(top + math.ceil(side), height)
        begin = max(left, 0), max(top, 0)
        crop = ink[begin[1] : bottom, begin[0] : right]
        alone = cv2.bitwise_and(crop, cv2.inRange(where[begin[1] : bottom, begin[0] : right], i, i))
        _put(pictures[i], np.dstack((alone, crop)), (begin[0] - left, begin[1] - top), SIDE / side)
    return np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))


def boxes_of(where: NDArray[np.int32]) -> NDArray[np.int64]:
    """x0, y0, x1, y1 of the pixels of each of N nodes, (N, 4).

    ``where`` (H, W) is the index of the node of each pixel, -1 elsewhere; each has one at least.
    """
    y, x = np.nonzero(where >= 0)
    owner = where[y, x]
    order = np.argsort(owner, kind="stable")
    begins = np.flatnonzero(np.diff(owner[order], prepend=-1))
    places = np.stack([x, y], axis=1)[order]
    low, high = np.minimum.reduceat(places, begins), np.maximum.reduceat(places, begins)
    return np.concatenate([low, high + 1], axis=1)


def _put(
    picture: NDArray[np.uint8], crop: NDArray[np.uint8], at: tuple[int, int], scale: float
) -> None:
    """Paste the crop, scaled by ``scale``, at position ``at`` (x, y in pixels of the crop).

    Both are (H, W, LAYERS); contrast is stretched so that the first layer reaches 255.
    """
    height, width = (min(SIDE, max(1, round(n * scale))) for n in crop.shape[:2])
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = np.asarray(cv2.resize(crop, (width, height), interpolation=method), np.uint8)
    x, y = min(round(at[0] * scale), SIDE - width), min(round(at[1] * scale), SIDE - height)
    gain = 255 / max(int(small[:, :, 0].max()), 1)
    picture[y : y + height, x : x + width] = cv2.convertScaleAbs(small, alpha=gain)
