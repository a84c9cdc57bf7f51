"""Boxes of expressions on a page -> crops that hold the ink of their own expression alone.

On tightly written pages the box of a line holds the tails of the line above and the heads of the
line below, which the recogniser reads as accents and scripts. Input: a cleaned page (H, W) and the
boxes (R, 4) on it. Each connected component of ink belongs to the box that holds most of it; in
the crop of another box it is painted as paper, and the crop of its own box grows to hold all of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.geometry import Box
from hmer_cli.page.detect.components import ink_contrast
from hmer_cli.page.load.images import Pixels

# Shares of a component's pixels or of a box's sides; chosen on photos of notes.
_OWN = 0.5  # held by a box: it belongs there
_JOINED = 0.1  # held, of a component that no line has: signs joined with a rule, or over lines
_LONG = 1.3, 5.0  # times the height of the box: so high or wide that is
_PIECE = 0.4  # of the height of the box: so high is what it has of a sign there
_BEYOND = 0.45  # of the height of the box: no sign of its own reaches farther beyond it
_LEAST = 24, 0.3  # gray levels below the paper, and of the usual darkness of ink: ink has both
_SOFT = 5  # pixels: soft edges of strokes go with them


class Crops:
    """The crops of boxes on one page; ``boxes`` are all that may own ink, in pixels of it."""

    def __init__(self, image: Pixels, boxes: Sequence[Box]) -> None:
        self._image = image
        self._ink = _ink(image)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(self._ink, connectivity=8)
        self._labels = np.asarray(labels, np.int32)
        self._stats = np.asarray(stats, np.int64)
        self._boxes = list(boxes)

    def cut(self, box: Box) -> tuple[Pixels, tuple[int, int]]:
        """A copy of the page in a box, and the left and top of that in pixels of the page."""
        height, width = self._image.shape
        x0, y0 = max(0, int(box[0])), max(0, int(box[1]))
        x1, y1 = min(width, int(np.ceil(box[2]))), min(height, int(np.ceil(box[3])))
        counts = np.bincount(self._labels[y0:y1, x0:x1].ravel(), minlength=len(self._stats))
        there = np.flatnonzero(counts[1:]) + 1
        own = self._own(box, there, counts[there])
        if not len(there) or not own.any():
            return self._image[y0:y1, x0:x1].copy(), (x0, y0)
        x0, y0, x1, y1 = self._grown((x0, y0, x1, y1), there[own])
        labels = self._labels[y0:y1, x0:x1]
        kept = np.zeros(len(self._stats), bool)
        kept[there[own]] = True
        mine, all_ink = kept[labels], labels > 0
        crop = self._image[y0:y1, x0:x1].copy()
        crop[_dilated(all_ink & ~mine, _SOFT) & ~_dilated(mine, 3)] = 255
        crop[all_ink & ~mine] = 255
        return crop, (x0, y0)

    def _own(
        self, box: Box, there: NDArray[np.int64], counts: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Which of the components that a box holds some pixels of belong to it."""
        share = counts / self._stats[there, cv2.CC_STAT_AREA]
        high = box[3] - box[1]
        long = self._stats[there, cv2.CC_STAT_HEIGHT] > _LONG[0] * high
        long |= self._stats[there, cv2.CC_STAT_WIDTH] > _LONG[1] * high
        own = share >= _OWN
        for place in np.flatnonzero(long & (share >= _JOINED) & ~own):
            own[place] = self._piece(there[place], box) >= _PIECE * high
        for place in np.flatnonzero(share >= _OWN):
            own[place] = self._nearest(there[place], box)
        return np.asarray(own, bool)

    def _piece(self, component: int, box: Box) -> int:
        """The height of what a box holds of a component."""
        x0, y0, x1, y1 = (max(0, round(edge)) for edge in box)
        rows = np.flatnonzero((self._labels[y0:y1, x0:x1] == component).any(1))
        return int(rows[-1] - rows[0]) if len(rows) else 0

    def _nearest(self, component: int, box: Box) -> bool:
        """Whether no other box that holds a component, too, has it nearer to its middle line."""
        left, top, width, height, _ = self._stats[component].tolist()
        x, y = left + width / 2, top + height / 2
        held = [b for b in self._boxes if b[0] <= x <= b[2] and b[1] <= y <= b[3]]
        return not any(_off(other, y) < _off(box, y) - 1e-6 for other in held)

    def _grown(
        self, place: tuple[int, int, int, int], own: NDArray[np.int64]
    ) -> tuple[int, int, int, int]:
        """The place with all of its own components, as far as signs reach beyond a line."""
        x0, y0, x1, y1 = place
        room = round(_BEYOND * (y1 - y0))
        stats = self._stats[own]
        left, top = stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_TOP]
        right, foot = left + stats[:, cv2.CC_STAT_WIDTH], top + stats[:, cv2.CC_STAT_HEIGHT]
        near = (left >= x0 - room) & (top >= y0 - room) & (right <= x1 + room) & (foot <= y1 + room)
        if not near.any():
            return place
        return (
            min(x0, int(left[near].min())),
            min(y0, int(top[near].min())),
            max(x1, int(right[near].max())),
            max(y1, int(foot[near].max())),
        )


def _off(box: Box, y: float) -> float:
    """How far a height is from the middle line of a box, in heights of the box."""
    return abs(y - (box[1] + box[3]) / 2) / max(box[3] - box[1], 1)


def _ink(image: Pixels) -> Pixels:
    """1 where there is ink, soft edges and pencil too, else 0, (H, W)."""
    return (image <= 255 - max(_LEAST[0], _LEAST[1] * ink_contrast(image))).astype(np.uint8)


def _dilated(mask: NDArray[np.bool_], size: int) -> NDArray[np.bool_]:
    kernel = np.ones((size, size), np.uint8)
    return np.asarray(cv2.dilate(mask.astype(np.uint8), kernel) > 0)
