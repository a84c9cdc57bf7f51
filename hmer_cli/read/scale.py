"""How large the writing is: the one measure that training and reading share."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

CELL = 8
"""Pixels a side of one cell of the feature map."""

SLOT = 4
"""CTC frames for each symbol: braces and scripts are said between the symbols."""

SYMBOL = 22
"""Pixels that a typical symbol measures when the model sees it."""

PADDING = 8
"""Pixels of paper around the ink."""

MIN_WIDTH = 48
"""Narrower images are widened with paper."""


SPECK = 0.4
"""Components smaller than this share of the reference are dots, specks and broken lines."""


def symbol_size(image: NDArray[np.uint8]) -> float:
    """The typical size of a symbol in pixels; 0 where there is no ink.

    The image is (H, W), ink above 127 on black. The size is the median over the connected
    components of the longer side of the box, of the height where ruled lines or ligatures make
    one more than twice as wide as high. Long bars (fractions, minus signs) do not count unless
    there is nothing else, nor does what is small beside the reference: the median weighted by
    size, which specks do not move however many they are.
    """
    count, _, stats, _ = cv2.connectedComponentsWithStats((image > 127).astype(np.uint8))
    if count < 2:
        return 0.0
    width = stats[1:, cv2.CC_STAT_WIDTH].astype(float)
    height = stats[1:, cv2.CC_STAT_HEIGHT].astype(float)
    return typical(width, height)


def typical(width: NDArray[np.floating], height: NDArray[np.floating]) -> float:
    """The size that `symbol_size` tells of components (N,), of which there is one at least."""
    bars = width >= 3 * height
    if not bars.all():
        width, height = width[~bars], height[~bars]
    size = np.sort(np.where(width > 2 * height, height, np.maximum(width, height)))
    reference = size[np.searchsorted(size.cumsum(), size.sum() / 2)]
    return float(np.median(size[size > SPECK * reference]))
