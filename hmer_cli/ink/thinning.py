"""Ink mask -> its skeleton, one pixel wide: parallel thinning after Guo and Hall (CACM, 1989).

Each pass is a neighbourhood code by one convolution and a look-up among its 256 values.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.uint8]
"""(H, W), 1 where there is ink, else 0."""

AROUND = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
"""Rows and columns to the eight neighbours, clockwise from the one above: bits 0 to 7 of a code."""

_BITS = (np.arange(256)[:, None] >> np.arange(8) & 1).astype(np.uint8)
"""Whether each neighbour is set, (256, 8), by code."""

_PASSES = 512
"""Maximal number of passes; ink of `hmer_cli.recognition.prepare` is at most twice as wide."""


def _kernel() -> NDArray[np.float32]:
    kernel = np.zeros((3, 3), np.float32)
    for bit, (row, column) in enumerate(AROUND):
        kernel[1 + row, 1 + column] = 1 << bit
    return kernel


_KERNEL = _kernel()


def neighbours(mask: Mask) -> Mask:
    """The code (H, W) of the eight neighbours of each pixel; outside there is no ink."""
    return np.asarray(cv2.filter2D(mask, -1, _KERNEL, borderType=cv2.BORDER_CONSTANT), np.uint8)


def _kept(step: int) -> NDArray[np.uint8]:
    """Whether a pixel stays in one of the two sub-iterations, (256,) by code."""
    n, ne, e, se, s, sw, w, nw = _BITS.T.astype(bool)
    pairs = ((n, ne, e), (e, se, s), (s, sw, w), (w, nw, n))
    crossings = sum((~a & (b | c)).astype(int) for a, b, c in pairs)
    first = sum((a | b).astype(int) for a, b in ((nw, n), (ne, e), (se, s), (sw, w)))
    second = sum((a | b).astype(int) for a, b in ((n, ne), (e, se), (s, sw), (w, nw)))
    count = np.minimum(first, second)
    inner = ((n | ne | ~se) & e) if step else ((s | sw | ~nw) & w)
    gone = (crossings == 1) & (count >= 2) & (count <= 3) & ~inner
    return (~gone).astype(np.uint8)


_KEPT = _kept(0), _kept(1)


def thinned(mask: Mask) -> Mask:
    """The skeleton of a mask: connected as it is, ends kept."""
    left = cv2.countNonZero(mask)
    for _ in range(_PASSES):
        for kept in _KEPT:
            mask = cv2.bitwise_and(mask, cv2.LUT(neighbours(mask), kept))  # type: ignore[assignment]
        before, left = left, cv2.countNonZero(mask)
        if left == before:
            break
    return mask


def _linked() -> NDArray[np.uint8]:
    """Which neighbours a skeleton's pixel is joined to, by code, as a code.

    All of the four beside it, and those aslant that are joined to it by none of these.
    """
    joined = _BITS.copy()
    for bit in (1, 3, 5, 7):
        joined[:, bit] &= ~(_BITS[:, bit - 1] | _BITS[:, (bit + 1) % 8]) & 1
    return (joined << np.arange(8)).sum(axis=1).astype(np.uint8)


LINKED = _linked()
"""The neighbours that a pixel is joined to (m-adjacency), as a code, by the code of all (256,)."""

DEGREE = _BITS[LINKED].sum(axis=1)
"""The number of them, (256,)."""
