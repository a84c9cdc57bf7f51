"""The whole expression on a canvas of one fixed size, for the CRNNs of Monawwar and Chung (2025).

Input: strokes, or ink bright on black. Output: image (H, W) uint8, dark ink on white.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.ink.ink import Ink, Stroke
from hmer_cli.ink.render import WHITE, Image, InkImage, Readable, render
from hmer_cli.recognition.prepare import prepare

_LIT = 127
"""What is brighter is ink."""


@dataclass(frozen=True)
class CanvasSize:
    """The size of a canvas, its free margin and the width of the pen, in pixels."""

    height: int = 64
    width: int = 512
    padding: int = 8
    pen: float = 2.0


def on_canvas(readable: Readable, size: CanvasSize) -> Image | None:
    """The image of one expression, or its ink if that is known, on a canvas; None without ink."""
    if isinstance(readable, InkImage):
        return draw_strokes(readable.strokes, size)
    prepared = prepare(readable)
    return None if prepared is None else draw_pixels(prepared.pixels, size)


def draw_strokes(strokes: Sequence[Stroke], size: CanvasSize, turned: float = 0.0) -> Image:
    """Strokes drawn as wide or high as the canvas is wide, then stretched over the canvas.

    Before that they are ``turned`` clockwise, in radians.
    """
    cos, sin = np.cos(turned), np.sin(turned)
    turn = np.array([[cos, -sin], [sin, cos]], np.float32)
    ink = Ink(tuple(stroke @ turn.T for stroke in strokes))
    return _stretched(render(ink, size=size.width, padding=size.padding, pen=size.pen), size)


def draw_pixels(ink: NDArray[np.uint8], size: CanvasSize, turned: float = 0.0) -> Image:
    """The same of ink bright on black, its lines made as thin as those of strokes are."""
    turn = cv2.getRotationMatrix2D((ink.shape[1] / 2, ink.shape[0] / 2), -np.rad2deg(turned), 1)
    ink = np.asarray(cv2.warpAffine(ink, turn, ink.shape[::-1]), np.uint8)
    x, y, width, height = cv2.boundingRect((ink > _LIT).astype(np.uint8))
    if not width:
        return np.full((size.height, size.width), WHITE, np.uint8)
    scale = (size.width - 2 * size.padding) / max(width, height)
    shape = max(1, round(width * scale)), max(1, round(height * scale))
    crop = ink[y : y + height, x : x + width]
    large = np.pad(cv2.resize(crop, shape, interpolation=cv2.INTER_LINEAR), 1)
    inside = _thinned(np.asarray(large, np.uint8), size.pen)[1:-1, 1:-1]
    return _stretched(np.pad(WHITE - inside, size.padding, constant_values=WHITE), size)


def _thinned(ink: NDArray[np.uint8], wanted: float) -> NDArray[np.uint8]:
    depth = cv2.distanceTransform((ink > _LIT).astype(np.uint8), cv2.DIST_L2, 5)
    pen = 2 * float(np.percentile(depth[depth > 0], 80)) if depth.any() else 0.0
    if pen <= wanted:
        return ink
    # Lines are deepest in their middle, whatever their width there.
    reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (round(pen) | 1, round(pen) | 1))
    middle = (depth > 0) & (depth > cv2.dilate(depth, reach) - (wanted + 1) / 2)
    return np.asarray(cv2.GaussianBlur(np.where(middle, 255, 0).astype(np.uint8), (3, 3), 0))


def _stretched(image: Image, size: CanvasSize) -> Image:
    shape = size.width, min(size.height, image.shape[0])
    # Lines that shrink fade, but never fall between two pixels.
    image = np.asarray(cv2.resize(image, (image.shape[1], shape[1]), interpolation=cv2.INTER_AREA))
    return np.asarray(cv2.resize(image, (size.width, size.height)), np.uint8)
