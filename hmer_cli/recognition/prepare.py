"""Image -> what the model sees: ink at one scale, bright on black, with a little paper around."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.ink.motion import Motion, motion
from hmer_cli.ink.render import InkImage, Readable, image_of
from hmer_cli.recognition.scale import CELL, MIN_WIDTH, PADDING, SYMBOL, symbol_size

LEAST_CONTRAST = 24
"""Gray levels: what is nearer to the paper than this is no ink."""

SPECK = 0.25
NEAR = 1.5
"""Components smaller than SPECK symbols are dust, unless a larger one is within NEAR symbols."""

LONGEST = 1600
TALLEST = 512
LARGEST = 150_000
"""Pixels a side and in all; larger writing is shrunk to fit, whatever its symbols measure.

Memory grows with the square of the last, to 0.9 GB: what is cut out of a page may be no writing at
all. Of 864 images of CROHME 2014 and scan-crops one is larger.
"""


@dataclass(frozen=True)
class Prepared:
    """Ink 255 on black, (H, W); a point (x, y) of it is (x, y) / scale + origin in the image.

    ``motion`` is that of the pen, where it is known.
    """

    pixels: NDArray[np.uint8]
    scale: float
    origin: tuple[float, float]
    motion: Motion | None = None

    @property
    def cells(self) -> tuple[int, int]:
        """Rows and columns of the feature map that the image itself covers."""
        height, width = self.pixels.shape
        return -(-height // CELL), -(-width // CELL)


def prepare(seen: Readable, symbol: float = SYMBOL) -> Prepared | None:
    """Crop to the ink and scale it to a symbol size in pixels; None where there is no ink.

    The image is (H, W), dark ink on white paper.
    """
    ink = stretch(image_of(seen))
    if ink is None:
        return None
    size = symbol_size(ink)
    box = writing(ink, size)
    if box is None:
        return None
    x, y, width, height = box
    room = LONGEST / width, TALLEST / height, math.sqrt(LARGEST / (width * height))
    scale = min(symbol / size, *room)
    margin = int(np.ceil(PADDING / scale))
    crop = np.pad(ink, margin)[y : y + height + 2 * margin, x : x + width + 2 * margin]
    shape = max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = brighten(np.asarray(cv2.resize(crop, shape, interpolation=method), np.uint8))
    wider = max(0, MIN_WIDTH - small.shape[1])
    pixels = np.pad(small, ((0, 0), (0, wider)))
    origin = (x - margin, y - margin)
    moved = _moved(seen, pixels.shape, scale, origin) if isinstance(seen, InkImage) else None
    return Prepared(pixels, scale, origin, moved)


def _moved(
    written: InkImage, shape: tuple[int, ...], scale: float, origin: tuple[int, int]
) -> Motion:
    strokes = [(stroke - origin) * scale for stroke in written.strokes]
    return motion(strokes, (shape[0], shape[1]), written.pen * scale)


def stretch(image: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Ink bright on black over the full range, paper at 0; None where nothing stands out."""
    if image.size == 0:
        return None
    paper = float(np.median(image))
    depth = np.clip(paper - image.astype(np.float32), 0, None)
    ink = depth[depth > LEAST_CONTRAST]
    if not ink.size:
        return None
    full = float(np.percentile(ink, 75))
    floor = min(LEAST_CONTRAST, full) / 2
    return np.clip((depth - floor) * (255 / max(full - floor, 1)), 0, 255).astype(np.uint8)


def writing(ink: NDArray[np.uint8], size: float) -> tuple[int, int, int, int] | None:
    """x, y, width, height of the ink, without specks that lie far from it; None without ink.

    A dot belongs to the writing where something larger is near; ``size`` is that of a symbol.
    """
    _, _, stats, _ = cv2.connectedComponentsWithStats((ink > 127).astype(np.uint8))
    low = stats[1:, [cv2.CC_STAT_LEFT, cv2.CC_STAT_TOP]]
    high = low + stats[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    if not len(low):
        return None
    large = (high - low).max(axis=1) > SPECK * size
    if large.any():
        reach = math.ceil(NEAR * size)
        around = np.zeros_like(ink)
        begins, ends = np.maximum(low - reach, 0)[large], high[large] + reach
        for (x0, y0), (x1, y1) in zip(begins, ends, strict=True):
            around[y0:y1, x0:x1] = 1
        sums = cv2.integral(around)
        (x0, y0), (x1, y1) = low.T, high.T
        near = sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0] > 0
        low, high = low[near], high[near]
    (x0, y0), (x1, y1) = low.min(axis=0), high.max(axis=0)
    return int(x0), int(y0), int(x1 - x0), int(y1 - y0)


def brighten(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lines that shrinking made faint, back to full strength."""
    lit = ink[ink > LEAST_CONTRAST]
    if not lit.size:
        return ink
    gain = 255 / max(float(np.percentile(lit, 80)), 1)
    return np.clip(ink * max(gain, 1.0), 0, 255).astype(np.uint8)
