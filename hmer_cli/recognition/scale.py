"""Size of the writing: the typical symbol size of an image, and the geometry of the CTC model.

Input: an image of ink (H, W), or boxes of its components. Output: a size in pixels, by which
training and inference scale images. Method: weighted medians over connected components.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

CELL = 8
"""Pixels a side of one cell of the feature map."""

SLOT = 4
"""CTC frames per symbol: braces and scripts are emitted between the symbols."""

SYMBOL = 22
"""Size in pixels of a typical symbol in the input of the CTC model."""

PADDING = 8
"""Pixels of paper around the ink."""

MIN_WIDTH = 48
"""Narrower images are padded to this width, in pixels."""

SPECK = 0.4
"""Components smaller than this share of the reference are dots, specks and broken lines."""

TALL = 2.5
"""Height to width ratio from which a component may be a bracket."""

DOT, REACH = 0.15, 0.6
"""Letters between brackets, relative to these: minimal size, larger than dots; minimal extent."""


def symbol_size(image: NDArray[np.uint8]) -> float:
    """The typical size of a symbol in pixels; 0 without ink.

    The image is (H, W) uint8, ink above 127 on black. The size is the median, over the connected
    components, of the longer side of the box, or of its height if ruled lines or ligatures make it
    more than twice as wide as high. Long bars (fractions, minus signs) are ignored unless there is
    nothing else, and so are components that are small relative to the reference: the median
    weighted by size, which is robust against any number of specks. Large brackets around few
    letters (a matrix) are excluded from the reference.
    """
    low, high = component_boxes(image)
    return typical(low.astype(float), high.astype(float)) if len(low) else 0.0


def component_boxes(image: NDArray[np.uint8]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The corners (N, 2) of the boxes of an image's connected components, both x, y."""
    _, _, stats, _ = cv2.connectedComponentsWithStats((image > 127).astype(np.uint8))
    low = np.asarray(stats[1:, [cv2.CC_STAT_LEFT, cv2.CC_STAT_TOP]], np.int32)
    sides = np.asarray(stats[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]], np.int32)
    return low, low + sides


def typical(low: NDArray[np.floating], high: NDArray[np.floating]) -> float:
    """`symbol_size` of components with boxes from ``low`` to ``high`` (N, 2), N > 0."""
    width, height = (high - low).T
    bars = width >= 3 * height
    if not bars.all():
        low, high, width, height = low[~bars], high[~bars], width[~bars], height[~bars]
    size = np.where(width > 2 * height, height, np.maximum(width, height))
    return float(np.median(size[size > SPECK * _reference(size, low, high)]))


def _reference(
    size: NDArray[np.floating], low: NDArray[np.floating], high: NDArray[np.floating]
) -> float:
    """The reference size that separates symbols from specks; see `symbol_size`."""
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
