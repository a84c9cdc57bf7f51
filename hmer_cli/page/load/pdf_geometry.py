"""Where a PDF page lies: its box in the units of its file, its rotation -> pixels of its drawing.

Input: the page's box, rotation and UserUnit (ISO 32000-1, 7.7.3.3) as PDFium has them, inherited
ones included. Output: the size of its drawing, and the affine maps between what is drawn and the
units of the file. Drawing, regions, strokes and the text of searchable PDFs all have it from here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from hmer_cli.geometry import MAX_SIDE

POINTS_PER_INCH = 72
DPI = 200
"""Regions are in pixels of a page at this resolution, and pages are drawn at it where they fit."""
MAX_DRAWN = 50_000_000
"""Pixels of a drawing: A1 at DPI has 31 million, a canvas of 600 x 10,000 points 46 million."""

Affine = tuple[float, float, float, float, float, float]
"""a, b, c, d, e, f of ``x' = a x + c y + e``, ``y' = b x + d y + f``, as PDF writes them."""


@dataclass(frozen=True)
class PageGeometry:
    """``box`` is left, foot, right and top of what is shown of the page, in units of its file, each
    ``unit`` points (1/72 inch); it is shown turned clockwise by ``quarters`` right angles."""

    box: tuple[float, float, float, float]
    quarters: int = 0
    unit: float = 1.0

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the page as it is shown, in units of its file."""
        left, foot, right, top = self.box
        sides = right - left, top - foot
        return (sides[1], sides[0]) if self.quarters % 2 else sides

    @property
    def scale(self) -> float:
        """Pixels a unit of the file, as the page is drawn: DPI, or less where the drawing would
        be too large; 0 where not one an inch would fit."""
        width, height = (max(side, 1e-6) for side in self.size)
        fits = math.sqrt(MAX_DRAWN / (width * height)), (MAX_SIDE - 1) / max(width, height)
        scale = min(self._whole_scale, *fits)
        return scale if scale * POINTS_PER_INCH / self.unit >= 1 else 0.0

    @property
    def whole(self) -> tuple[int, int]:
        """Width and height in pixels at DPI, in which regions are given."""
        return self._pixels(self._whole_scale)

    @property
    def drawn(self) -> tuple[int, int]:
        """Width and height in pixels of the drawing."""
        return self._pixels(self.scale)

    def enlargement(self, drawn: tuple[int, int]) -> tuple[float, float]:
        """Pixels at DPI that a pixel of a drawing of this width and height is wide and high; 1 and
        1 where that is what it is drawn at."""
        if self.drawn == self.whole:
            return 1.0, 1.0
        (width, height), (across, down) = self.whole, drawn
        return width / across, height / down

    def to_file(self) -> Affine:
        """From pixels at DPI, y down from the corner as it is shown, to units of the file."""
        (across, down), (width, height) = self.whole, self.size
        x, y = width / across, height / down
        left, foot, right, top = self.box
        turned: tuple[Affine, ...] = (
            (x, 0, 0, -y, left, top),
            (0, x, y, 0, left, foot),
            (-x, 0, 0, y, right, foot),
            (0, -x, -y, 0, right, top),
        )
        return turned[self.quarters % 4]

    def shown(self) -> Affine:
        """From units of the file to the page as it is shown, y down from its corner, in units."""
        left, foot, right, top = self.box
        turned: tuple[Affine, ...] = (
            (1, 0, 0, -1, -left, top),
            (0, 1, 1, 0, -foot, -left),
            (-1, 0, 0, 1, right, -foot),
            (0, -1, -1, 0, top, right),
        )
        return turned[self.quarters % 4]

    @property
    def _whole_scale(self) -> float:
        return DPI / POINTS_PER_INCH * self.unit

    def _pixels(self, scale: float) -> tuple[int, int]:
        width, height = (max(1, math.ceil(side * scale)) for side in self.size)
        return width, height
