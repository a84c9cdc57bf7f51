"""Image -> nodes of the graph model: a thumbnail and the box of each connected component.

Input: ink (H, W) uint8, bright on black. Output: `Components`, and a map (H, W) from pixels to
components. After Mahdavi et al., ICDAR 2019.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.recognition.scale import typical

SIDE = 32
"""Pixels per side of the thumbnail of a component."""

SYMBOL = 30
"""Size in pixels of a typical symbol in the input image."""

INK = 110
"""Threshold of ink; a little below 128, so that thin lines stay connected."""

_ROOM = 2
"""Margin in pixels around a component in its thumbnail."""

_LEAST = 0.2
"""Components smaller than this, in typical symbol sizes, are enlarged only as if they had it."""

SPECK = 3
"""Components of fewer pixels are noise, unless there is nothing else."""


@dataclass(frozen=True)
class Components:
    """The N connected components of one image, from left to right.

    Attributes:
        pictures: thumbnails (N, SIDE, SIDE) uint8, ink bright on black, each component alone.
        boxes: x0, y0, x1, y1 (N, 4) relative to the centre of the expression, in typical symbol
            sizes.
    """

    pictures: NDArray[np.uint8]
    boxes: NDArray[np.float32]


def components(ink: NDArray[np.uint8]) -> tuple[Components, NDArray[np.int32]] | None:
    """The components of ink (H, W), bright on black, and the index of the component of each pixel.

    The index is -1 elsewhere. None without ink.
    """
    _, labels, stats, _ = cv2.connectedComponentsWithStats((ink >= INK).astype(np.uint8))
    stats = stats[1:]
    if not len(stats):
        return None
    large = stats[:, cv2.CC_STAT_AREA] >= SPECK
    kept = np.flatnonzero(large) if large.any() else np.arange(len(stats))
    kept = kept[np.argsort(stats[kept, cv2.CC_STAT_LEFT], kind="stable")]
    places = np.full(len(stats) + 1, -1, np.int32)
    places[kept + 1] = np.arange(len(kept))
    stats = stats[kept]
    low, sides = stats[:, :2].astype(np.float64), stats[:, 2:4].astype(np.float64)
    size = max(typical(low, low + sides), 1.0)
    pictures = np.zeros((len(kept), SIDE, SIDE), np.uint8)
    for picture, i, (x, y, w, h) in zip(pictures, kept + 1, stats[:, :4], strict=True):
        crop = np.where(labels[y : y + h, x : x + w] == i, ink[y : y + h, x : x + w], 0)
        _put(picture, crop, (SIDE - 2 * _ROOM) / max(w, h, _LEAST * size))
    centre = (low.min(axis=0) + (low + sides).max(axis=0)) / 2
    boxes = np.concatenate([low - centre, low + sides - centre], axis=1) / size
    return Components(pictures, boxes.astype(np.float32)), places[labels]


def _put(picture: NDArray[np.uint8], crop: NDArray[np.uint8], scale: float) -> None:
    """The crop in the middle of the picture, ``scale`` times as large, its ink at full strength."""
    height, width = (max(1, round(n * scale)) for n in crop.shape)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(crop, (width, height), interpolation=method)
    y, x = (SIDE - height) // 2, (SIDE - width) // 2
    full = np.minimum(small * (255 / max(float(small.max()), 1.0)), 255)
    picture[y : y + height, x : x + width] = full
