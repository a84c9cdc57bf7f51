"""Which kind of sign a piece of ink looks like: a small network's opinion, learnt from ink.

It need not read: that a line holds relations, digits and brackets, and where they stand, tells
mathematics from words and one side of an equation from the other.
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
"""Ink is looked at on a raster of this many steps a side, and its size beside it."""

SYMBOL_FEATURES = SIDE * SIDE + 2


def symbol_features(ink: Pixels, boxes: Floats, unit: float) -> Floats:
    """How the ink in (N, 4) boxes looks, (N, SIGHT): each fitted into a square, and its size.

    ``ink``: (H, W), 1 where there is ink; ``unit``: the height of a letter in pixels.
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
