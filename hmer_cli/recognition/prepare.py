"""Image of one expression -> input of the CTC model: cropped, scaled, ink bright on black.

Input: (H, W) uint8, dark on white, or ink. Output: a `Prepared` image whose typical symbol has the
size that the model was trained on, with the transform back to the source.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.ink.motion import Motion, motion
from hmer_cli.ink.render import InkImage, Readable, image_of
from hmer_cli.page.clean.illumination import paper_level
from hmer_cli.recognition.scale import (
    CELL,
    MIN_WIDTH,
    PADDING,
    SYMBOL,
    component_boxes,
    typical,
)

LEAST_CONTRAST = 24
"""Minimal contrast of ink against the paper, in gray levels."""

SPECK = 0.25
NEAR = 1.5
"""Components smaller than SPECK symbol sizes are noise, unless a larger one is within NEAR."""

LONGEST = 1600
TALLEST = 512
LARGEST = 150_000
"""`Limits` of the CTC model, whose memory grows with the square of the area, to 0.9 GB; a region of
a page may be no writing at all. Of 864 images of CROHME 2014 and scan-crops one is larger.
"""


@dataclass(frozen=True)
class Limits:
    """Maximal width, height and area in pixels; larger images are shrunk, whatever their symbol
    size."""

    width: int = LONGEST
    height: int = TALLEST
    area: int = LARGEST


CTC_LIMITS = Limits()


@dataclass(frozen=True)
class Prepared:
    """An input of the CTC model.

    Attributes:
        pixels: (H, W) uint8, ink bright on black; its point (x, y) is (x, y) / scale + origin in
            the source image.
        scale: pixels per source pixel.
        size: that of a typical symbol in source pixels.
        origin: x and y of the crop in the source image.
        motion: channels of the pen's motion, if strokes are known.
    """

    pixels: NDArray[np.uint8]
    scale: float
    size: float
    origin: tuple[float, float]
    motion: Motion | None = None

    @property
    def cells(self) -> tuple[int, int]:
        """Rows and columns of the feature map that the image covers."""
        height, width = self.pixels.shape
        return -(-height // CELL), -(-width // CELL)


@dataclass(frozen=True)
class Measured:
    """The ink of an image (H, W), bright on black, the size of a typical symbol in pixels, and the
    box of the writing: x, y, width, height."""

    ink: NDArray[np.uint8]
    size: float
    box: tuple[int, int, int, int]


def measure(image: Readable) -> Measured | None:
    """What `prepare` does for any symbol size; None without ink."""
    ink = stretch(image_of(image))
    if ink is None:
        return None
    low, high = component_boxes(ink)
    if not len(low):
        return None
    size = typical(low.astype(float), high.astype(float))
    return Measured(ink, size, _writing(low, high, (ink.shape[0], ink.shape[1]), size))


def prepare(
    image: Readable,
    symbol: float = SYMBOL,
    measured: Measured | None = None,
    limits: Limits = CTC_LIMITS,
) -> Prepared | None:
    """Crop to the ink and scale it to a symbol size in pixels; None without ink.

    The image is (H, W) uint8, dark ink on white paper; ``measured`` is `measure` of it, if known.
    Beyond the ``limits`` symbols are smaller.
    """
    measured = measured or measure(image)
    if measured is None:
        return None
    ink = measured.ink
    x, y, width, height = measured.box
    most = math.sqrt(limits.area / (width * height))
    room = limits.width / width, limits.height / height, most
    scale = min(symbol / measured.size, *room)
    margin = int(np.ceil(PADDING / scale))
    crop = np.pad(ink, margin)[y : y + height + 2 * margin, x : x + width + 2 * margin]
    shape = max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = brighten(np.asarray(cv2.resize(crop, shape, interpolation=method), np.uint8))
    wider = max(0, MIN_WIDTH - small.shape[1])
    pixels = np.pad(small, ((0, 0), (0, wider)))
    origin = (x - margin, y - margin)
    moved = _motion_of(image, pixels.shape, scale, origin) if isinstance(image, InkImage) else None
    return Prepared(pixels, scale, measured.size, origin, moved)


def _motion_of(
    written: InkImage, shape: tuple[int, ...], scale: float, origin: tuple[int, int]
) -> Motion:
    strokes = [(stroke - origin) * scale for stroke in written.strokes]
    return motion(strokes, (shape[0], shape[1]), written.pen * scale)


def stretch(image: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Ink bright on black, contrast stretched to the full range, paper at 0; None without ink."""
    if image.size == 0:
        return None
    paper = paper_level(image)
    depth = np.clip(paper - image.astype(np.float32), 0, None)
    ink = depth[depth > LEAST_CONTRAST]
    if not ink.size:
        return None
    full = float(np.percentile(ink, 75))
    floor = min(LEAST_CONTRAST, full) / 2
    return np.clip((depth - floor) * (255 / max(full - floor, 1)), 0, 255).astype(np.uint8)


def _writing(
    low: NDArray[np.int32], high: NDArray[np.int32], shape: tuple[int, int], size: float
) -> tuple[int, int, int, int]:
    """x, y, width, height of the ink without isolated specks.

    ``low`` and ``high`` are the corners (N, 2) of its components, N > 0. Small ones near a larger
    one are kept as dots; ``size`` is that of a typical symbol.
    """
    large = (high - low).max(axis=1) > SPECK * size
    if large.any():
        reach = math.ceil(NEAR * size)
        around = np.zeros(shape, np.uint8)
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
    """Contrast stretched again after shrinking, which makes thin lines faint."""
    lit = ink[ink > LEAST_CONTRAST]
    if not lit.size:
        return ink
    gain = 255 / max(float(np.percentile(lit, 80)), 1)
    return np.clip(ink * max(gain, 1.0), 0, 255).astype(np.uint8)
