"""Sums over many windows of a page at once, by integral images (Crow, 1984).

Input: values at points, and windows (N, 4). Output: sums (N, C), on cells of 4 x 4 pixels.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_CELL = 4  # pixels: sums are kept on cells of this size


class IntegralImages:
    """Channels over a page of ``shape`` (H, W), and their sums inside windows."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.height, self.width = -(-shape[0] // _CELL), -(-shape[1] // _CELL)
        self.tables: list[NDArray[np.float64]] = []

    def add(self, points: Floats, values: NDArray[np.generic]) -> None:
        """Add a channel: values at points (N, 2), x and y inside the page, 0 elsewhere."""
        cells = np.zeros((self.height, self.width), np.float32)
        columns, rows = (points // _CELL).astype(int).T
        np.add.at(cells, (rows, columns), values.astype(np.float32))
        self.tables.append(np.asarray(cv2.integral(cells), dtype=np.float64))

    def within(self, windows: Floats) -> Floats:
        """The sums inside (N, 4) windows given as x0, y0, x1, y1 in pixels, (N, C)."""
        cells = np.rint(windows / _CELL).astype(int)
        x0, x1 = (np.clip(cells[:, i], 0, self.width) for i in (0, 2))
        y0, y1 = (np.clip(cells[:, i], 0, self.height) for i in (1, 3))
        found = [t[y1, x1] - t[y0, x1] - t[y1, x0] + t[y0, x0] for t in self.tables]
        return np.stack(found, 1).astype(np.float32)
