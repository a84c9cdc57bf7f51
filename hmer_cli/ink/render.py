"""Rasterises ink: strokes -> antialiased image, for training, ``hmer render`` and generation.

Images are uint8 of shape (H, W), dark ink (0) on white paper (255). Pixel coordinates are
continuous: (0, 0) is the top left corner of the top left pixel, (W, H) the far corner.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.ink.ink import Ink, Stroke

Image = NDArray[np.uint8]
"""uint8 of shape (H, W), dark ink (0) on white paper (255)."""


_DOT = 0.12
"""Strokes smaller than this share of the usual height, the median of the strokes' heights weighted
by themselves, are dots."""  # convention


@dataclass(frozen=True)
class InkImage:
    """A rendered image with its strokes.

    ``strokes`` are those of the ``ink`` in pixels of the image, ``pen`` the width of the line in
    pixels.
    """

    ink: Ink
    image: Image
    strokes: tuple[Stroke, ...]
    pen: float

    @property
    def to_ink(self) -> NDArray[np.float64]:
        """The homography (3, 3) from pixels of the image to the units of the ink."""
        here = _extremes(self.strokes)
        there = _extremes(self.ink.strokes)
        extent = float((here[1] - here[0]).max())
        scale = float((there[1] - there[0]).max()) / extent if extent > 0 else 1.0
        x, y = there[0] - here[0] * scale
        return np.array([[scale, 0, x], [0, scale, y], [0, 0, 1]], np.float64)


def _extremes(strokes: Sequence[Stroke]) -> NDArray[np.float64]:
    """The corners x0, y0 and x1, y1 round the strokes, (2, 2)."""
    points = np.concatenate(list(strokes)).astype(np.float64)
    return np.stack([points.min(axis=0), points.max(axis=0)])


Readable = Image | InkImage
"""The input of a recogniser."""


def image_of(readable: Readable) -> Image:
    """The image without its strokes."""
    return readable.image if isinstance(readable, InkImage) else readable


WHITE = 255
_SHIFT = 6
_FINEST = 4.0
"""Canvas pixels per pixel at most."""


def fit(ink: Ink, size: float, padding: float) -> Ink:
    """The ink scaled and moved into a square of ``size`` pixels, at its top left corner.

    ``scale = (size - 2 * padding) / max(width, height)``, the same for x and y (Monawwar and
    Chung, 2025), and ``padding`` pixels free on each side. Ink without extent, such as one dot,
    keeps its scale.
    """
    x0, y0, x1, y1 = ink.box()
    extent = max(x1 - x0, y1 - y0)
    scale = (size - 2 * padding) / extent if extent > 0 else 1.0
    origin = np.array([x0, y0])
    strokes = tuple(
        ((stroke - origin) * scale + padding).astype(np.float32) for stroke in ink.strokes
    )
    return replace(ink, strokes=strokes)


def render(ink: Ink, *, size: int = 256, padding: int = 8, pen: float = 2.0) -> Image:
    """The image of an ink, ``size`` pixels on its longer side, trimmed to the ink plus padding.

    ``pen`` is the width of the line in pixels.
    """
    return ink_image(ink, size, padding, pen).image


def ink_image(ink: Ink, size: int, padding: int, pen: float) -> InkImage:
    """The same image with the strokes that are on it."""
    fitted = fit(ink, size, padding)
    _, _, x1, y1 = fitted.box()
    shape = (math.ceil(y1 + padding - 1e-3), math.ceil(x1 + padding - 1e-3))
    return InkImage(ink, draw(fitted.strokes, shape, pen), fitted.strokes, pen)


def legible_size(ink: Ink, symbol: float = 40.0, padding: int = 8) -> int:
    """The ``size`` for ``render`` that makes the typical symbol about ``symbol`` pixels large.

    With one size for all, long expressions would have too few pixels a symbol. The symbol size is
    estimated by the median extent of the strokes, without dots where most are dots. With a padding
    of 8 pixels it is at least 64, at most 4096 pixels; another leaves the ink as large.
    """
    sides = np.array([np.ptp(stroke, axis=0) for stroke in ink.strokes], np.float64)
    heights = np.sort(sides[:, 1])
    usual = heights[np.searchsorted(heights.cumsum(), heights.sum() / 2)]
    extents = sides.max(axis=1)
    if np.median(extents) <= _DOT * usual < extents.max():
        extents = extents[extents > _DOT * usual]
    typical = float(np.median(extents))
    x0, y0, x1, y1 = ink.box()
    least, most = (side - 16 + 2 * padding for side in (64, 4096))
    if typical <= 0:
        return least
    return round(min(max(max(x1 - x0, y1 - y0) * symbol / typical + 2 * padding, least), most))


def legible_ink_image(ink: Ink) -> InkImage:
    """The image of an ink with symbols of about 40 pixels and lines of 3.5 pixels.

    These are the proportions of CROHME's offline images.
    """
    return ink_image(ink, legible_size(ink), padding=8, pen=3.5)


def draw(strokes: Sequence[Stroke], shape: tuple[int, int], pen: float) -> Image:
    """Strokes in pixel coordinates, drawn ``pen`` pixels wide on white paper of ``shape`` (H, W).

    Antialiased, at subpixel positions, for any pen width from a third of a pixel. A stroke of a
    single point is a dot as wide as the pen. What lies outside the paper is cut off.
    """
    height, width = shape
    thickness, scale = _brush(pen)
    canvas = np.full((round(height * scale), round(width * scale)), WHITE, np.uint8)
    if strokes:
        stretch = np.array([canvas.shape[1] / width, canvas.shape[0] / height])
        lines = _lines(strokes, stretch)
        cv2.polylines(canvas, lines, False, 0, thickness, cv2.LINE_AA, _SHIFT)
    return np.asarray(cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _brush(pen: float) -> tuple[int, float]:
    """OpenCV's line thickness and the scale of the canvas at which it is ``pen`` pixels wide.

    OpenCV has integer thicknesses only, and its antialiased lines are wider than asked: 1.35
    for 1 and about t + 1.6 for an even t (ink per length, measured; 1.45 for a line of two points,
    1.8 for one of many; odd ones are as wide as the next even). So the canvas is larger than the
    image, by whatever makes the pen right.
    """
    thickness, wide = 1, 1.35
    while wide < 1.25 * pen:
        thickness = 2 if thickness == 1 else thickness + 2
        wide = thickness + 1.6
    return thickness, min(wide / pen, _FINEST)


def _lines(strokes: Sequence[Stroke], stretch: NDArray[np.float64]) -> list[NDArray[np.int32]]:
    """Polylines in OpenCV's fixed point, thinned to a point for about two canvas pixels.

    More would be slower and, as their soft edges add up, wider.
    """
    points = np.concatenate(list(strokes)) * stretch - 0.5
    ends = np.cumsum([len(stroke) for stroke in strokes])
    path = (np.abs(np.diff(points, axis=0)).sum(axis=1).cumsum() / 2).astype(np.int64)
    keep = np.ones(len(points), bool)
    keep[1:-1] = path[1:] != path[:-1]
    keep[ends[:-1]] = keep[ends - 1] = True
    limit = 2.0**30 / (1 << _SHIFT)
    fixed = np.round(np.clip(points[keep], -limit, limit) * (1 << _SHIFT)).astype(np.int32)
    lines = np.split(fixed, np.cumsum(keep)[ends[:-1] - 1])
    return [_dot(line[0]) if (line == line[0]).all() else line for line in lines]


def _dot(point: NDArray[np.int32]) -> NDArray[np.int32]:
    """A line one canvas pixel long: OpenCV draws none that is shorter at thickness 1."""
    return point + np.array([[-1, 0], [1, 0]], np.int32) * (1 << _SHIFT - 1)
