"""Placed symbols (marks), and blocks of them, of which a layout is made.

Input: glyphs and boxes, y down; the unit is the x height. Output: a `Block`, which is scaled and
moved as a whole into another.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hmer_cli.geometry import Box, union
from hmer_cli.synthesis.glyph import Glyph


@dataclass(slots=True)
class Mark:
    """A placed symbol: the glyph is stretched to the box; ``knee``: the x where a radical's bar
    begins, or an arrow's head."""

    token: str
    glyph: Glyph
    box: Box
    knee: float | None = None


@dataclass
class Block:
    """Marks in the order of their label, and their bounding box; baseline at y = 0."""

    marks: list[Mark] = field(default_factory=list)
    box: Box = (0.0, 0.0, 0.0, 0.0)

    @property
    def width(self) -> float:
        """The width of the box."""
        return self.box[2] - self.box[0]

    @property
    def centre(self) -> float:
        """The x of the middle."""
        return (self.box[0] + self.box[2]) / 2

    @property
    def middle(self) -> float:
        """The y of the middle."""
        return (self.box[1] + self.box[3]) / 2

    @classmethod
    def of(cls, glyph: Glyph, box: Box) -> Block:
        """One glyph, stretched to the box."""
        return cls([Mark(glyph.token, glyph, box)], box)

    def add(self, other: Block, dx: float = 0.0, dy: float = 0.0, scale: float = 1.0) -> None:
        """Add the marks of another block, scaled about its origin and then moved."""
        if not other.marks:
            return
        for mark in other.marks:
            mark.box = _moved(mark.box, dx, dy, scale)
            mark.knee = None if mark.knee is None else mark.knee * scale + dx
        box = _moved(other.box, dx, dy, scale)
        self.box = union((self.box, box)) if self.marks else box
        self.marks += other.marks


def _moved(box: Box, dx: float, dy: float, scale: float) -> Box:
    x0, y0, x1, y1 = box
    return x0 * scale + dx, y0 * scale + dy, x1 * scale + dx, y1 * scale + dy
