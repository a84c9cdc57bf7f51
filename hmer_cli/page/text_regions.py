"""Lines of writing on a page, each cut out without the ink of other lines.

Input: a page. Output: regions of lines, for the line reader.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hmer_cli.geometry import Box, bounding_box
from hmer_cli.page.detect.integral import Floats
from hmer_cli.page.detect.search import PreparedPage
from hmer_cli.page.detect.text_lines import text_lines
from hmer_cli.page.load.pages import Page
from hmer_cli.page.regions import Region, cut_region

_ROOM = 2  # pixels around the ink


@dataclass(frozen=True)
class TextLine:
    """A line: the ``region`` to be read, and the boxes of its parts (N, 4), from left to right, in
    pixels of the page's image; ``indices`` are theirs among all parts of the page."""

    region: Region
    parts: Floats
    indices: NDArray[np.int64]


def find_text(page: Page, found: PreparedPage) -> list[TextLine]:
    """The lines of writing on a page, words and formulas alike, from the top down."""
    parts = found.parts
    boxes = parts.boxes * found.scale
    return [
        TextLine(region_of_parts(page, found, boxes[line]), boxes[line], line)
        for line in text_lines(parts.boxes, parts.unit)
    ]


def region_of(page: Page, found: PreparedPage, box: Box) -> Region:
    """What a box of the page holds, as a region to be read."""
    return cut_region(page, found.image, box, _ROOM)


def region_of_parts(page: Page, found: PreparedPage, parts: Floats) -> Region:
    """The region round parts (N, 4) of ink; in its image, nothing but these."""
    region = region_of(page, found, bounding_box(parts))
    if region.written is not None:
        return region
    alone = np.full_like(region.image, 255)
    left, top = region.origin
    for x0, y0, x1, y1 in parts.astype(int).tolist():
        rows = slice(max(0, y0 - top - 1), y1 - top + 2)
        columns = slice(max(0, x0 - left - 1), x1 - left + 2)
        alone[rows, columns] = region.image[rows, columns]
    return replace(region, image=alone)
