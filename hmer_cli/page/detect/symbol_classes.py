"""Features of ink for the symbol classifier, a small perceptron over rasters.

Input: an ink mask (H, W) and boxes (N, 4). Output: features (N, SYMBOL_FEATURES), of which the
classifier makes probabilities of `SYMBOL_CLASSES`. Classes such as relation, digit or bracket,
and their positions, separate mathematics from words.
"""

from __future__ import annotations

import cv2
import numpy as np

from hmer_cli.expr.symbol_classes import APPEARANCES
from hmer_cli.page.detect.integral import Floats
from hmer_cli.page.load.images import Pixels

SYMBOL_CLASSES = APPEARANCES
"""The outputs of the network, in this order, and the tokens of each."""

SIDE = 14
"""Cells per side of the raster."""

SYMBOL_FEATURES = SIDE * SIDE + 2


def symbol_features(ink: Pixels, boxes: Floats, unit: float) -> Floats:
    """Raster and log size of the ink in boxes (N, 4), (N, SYMBOL_FEATURES).

    ``ink`` (H, W) is 1 for ink, ``unit`` the height of a letter in pixels.
    """
    table = np.zeros((len(boxes), SYMBOL_FEATURES), np.float32)
    for row, (x0, y0, x1, y1) in zip(table, boxes.astype(int), strict=True):
        width, height = max(x1 - x0, 1), max(y1 - y0, 1)
        scale = SIDE / max(width, height)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = cv2.resize(
            ink[y0 : y0 + height, x0 : x0 + width] * np.uint8(255),
            size,
            interpolation=cv2.INTER_AREA,
        )
        square = np.zeros((SIDE, SIDE), np.float32)
        top, left = (SIDE - size[1]) // 2, (SIDE - size[0]) // 2
        square[top : top + size[1], left : left + size[0]] = small / 255
        row[:-2] = square.reshape(-1)
        row[-2:] = np.log((width / unit + 0.05, height / unit + 0.05))
    return table
