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

TALL = 2.5
"""What is so much higher than wide may be a bracket."""

DOT, REACH = 0.15, 0.6
"""Letters between brackets are larger than so much of them, as dots are not, and reach so far."""


def symbol_size(image: NDArray[np.uint8]) -> float:
    """The typical size of a symbol in pixels; 0 where there is no ink.

    The image is (H, W), ink above 127 on black. The size is the median over the connected
    components of the longer side of the box, of the height where ruled lines or ligatures make
    one more than twice as wide as high. Long bars (fractions, minus signs) do not count unless
    there is nothing else, nor does what is small beside the reference: the median weighted by
    size, which specks do not move however many they are. The large brackets of a matrix of few
    letters are no reference for these, which stand in all of their height.
    """
    count, _, stats, _ = cv2.connectedComponentsWithStats((image > 127).astype(np.uint8))
    if count < 2:
        return 0.0
    low = stats[1:, [cv2.CC_STAT_LEFT, cv2.CC_STAT_TOP]].astype(float)
    return typical(low, low + stats[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]])


def typical(low: NDArray[np.floating], high: NDArray[np.floating]) -> float:
    """The size that `symbol_size` tells of components from ``low`` to ``high`` (N, 2), N > 0."""
    width, height = (high - low).T
    bars = width >= 3 * height
    if not bars.all():
        low, high, width, height = low[~bars], high[~bars], width[~bars], height[~bars]
    size = np.where(width > 2 * height, height, np.maximum(width, height))
    return float(np.median(size[size > SPECK * _reference(size, low, high)]))


def _reference(
    size: NDArray[np.floating], low: NDArray[np.floating], high: NDArray[np.floating]
) -> float:
    """What tells symbols of these sizes from specks; see `symbol_size`."""
    width, height = (high - low).T
    largest = _weighted_median(size)
    inner = height < TALL * width
    if not inner.any():
        return largest
    letter = _weighted_median(size[inner])
    letters = inner & (size > SPECK * letter)
    reach = high[letters, 1].max() - low[letters, 1].min()
    bracketed = DOT * largest < letter <= SPECK * largest and reach > REACH * largest
    return letter if bracketed else largest


def _weighted_median(size: NDArray[np.floating]) -> float:
    """The median of sizes, each weighted by itself."""
    size = np.sort(size)
    return float(size[np.searchsorted(size.cumsum(), size.sum() / 2)])
