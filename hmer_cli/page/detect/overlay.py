"""Debug picture of a page: the cleaned image with numbered boxes of its regions.

Input: a `Page` and boxes in its pixels. Output: (H, W, 3) as blue, green, red, or PNG bytes.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.geometry import Box
from hmer_cli.page.load.pages import Page

_COLOUR = (40, 60, 220)  # red in the order blue, green, red


def draw_regions(page: Page, boxes: Sequence[Box], names: Sequence[str] = ()) -> NDArray[np.uint8]:
    """The cleaned page, (H, W, 3) as blue, green, red, with frames that are numbered or named.

    ``boxes`` are in pixels of the page's own image, as `Region.place` has them.
    """
    picture = cv2.cvtColor(page.image, cv2.COLOR_GRAY2BGR)
    pen = max(1, round(max(page.image.shape) / 900))
    names = names or [str(number) for number in range(1, len(boxes) + 1)]
    for name, box in zip(names, boxes, strict=True):
        left, top, right, foot = (round(edge) for edge in box)
        cv2.rectangle(picture, (left, top), (right, foot), _COLOUR, pen)
        at = (left + 2 * pen, max(top - 3 * pen, 12 * pen))
        font = cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(picture, name, at, font, 0.4 * pen, _COLOUR, pen, cv2.LINE_AA)
    return np.asarray(picture, dtype=np.uint8)


def as_png(page: Page, boxes: Sequence[Box], names: Sequence[str] = ()) -> bytes:
    """The same as the bytes of a PNG file."""
    return cv2.imencode(".png", draw_regions(page, boxes, names))[1].tobytes()
