"""What a drawing paints, in order -> the strokes of a pen, and what else is seen there.

Input: lines and filled shapes with their colours. Output: strokes (N, 2), and `LeftOut` for shapes
that no pen leaves. Method: the paper is the first shape that lies under all others; what has its
colour, and erasers, cover what was drawn before them (`erasing.py`); a filled shape is the outline
of a pen (`centre_line.py`; with holes, or where strokes cross in it, `region_lines.py`), a dot, or
left out. Translucent paint is a highlighter's, but for lines no broader than the pens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hmer_cli.geometry import Box
from hmer_cli.ink.colours import BLACK, OPAQUE, UNKNOWN, WHITE, Colour
from hmer_cli.ink.erasing import Line, erased
from hmer_cli.ink.ink import LeftOut
from hmer_cli.ink.region_lines import RegionLines, Tracer

Points = NDArray[np.float64]

_MISFIT = 0.35  # of the pen's width: as in PDF
_LONG = 2.0  # widths of the pen: what is shorter is a dot; convention
_SOLID = 0.75  # of its box: the area of what can be paper; a disc has pi / 4
_COMPACT, _ROUND = 0.45, 2.0  # of its box: the area of a dot; its length by its width; convention
_EDGE = 0.02  # of the page: how far paper and frames may be from its edge
_THICK = 4.0  # times the usual pen, or
_LARGE = 0.5  # of the usual stroke: more is no dot and no pen; convention
_LEVEL = 1e-3  # of its length: how far the side of a frame is from level or upright
_FEWEST_SHAPES = 3  # filled, of a drawing
_FEWEST_PENS = 0.5  # of them: where fewer are a pen's, none is; as in PDF
_LUMA, _DIM = (0.299, 0.587, 0.114), 0.28  # what is dimmer is no pen for dark paper; convention
_PALE = 0.4  # alpha: what lets more through is a grid or a watermark; convention
_BROADER = 2.0  # times the usual pen: a translucent line that is as broad is a marker's
_PLAIN = 4.0  # times as long as wide: what is longer, and alone, is a stroke and no paper
_MAX_COMPARED = 1_000_000_000
"""Boxes compared with each other in one drawing, some seconds."""


@dataclass(frozen=True)
class Painted:
    """One line or shape, ``points`` (N, 2), with the colours of its line and its inside; None where
    it has none. ``width`` is that of its line, 0 if unknown; ``closed``: it ends where it began;
    ``shape``: it was drawn as a circle or the like, and not by a pen; ``erases`` whatever its
    colour; ``holes``: what is cut out of it; ``stamped``: the file has it once and shows it here.
    """

    points: Points
    line: Colour | None = None
    fill: Colour | None = None
    width: float = 0.0
    closed: bool = False
    shape: bool = False
    erases: bool = False
    holes: tuple[Points, ...] = ()
    stamped: bool = False

    @property
    def box(self) -> Box:
        """x0, y0, x1, y1 of its points."""
        (x0, y0), (x1, y1) = self.points.min(0).tolist(), self.points.max(0).tolist()
        return x0, y0, x1, y1

    @property
    def extent(self) -> float:
        """Its longer side."""
        return float(np.ptp(self.points, axis=0).max())


def strokes_of(
    painted: Sequence[Painted], paper: Colour | None = None, page: Box | None = None
) -> tuple[list[Points], list[LeftOut]]:
    """The strokes in order, and the shapes that are none.

    ``paper`` is its colour where the file says so, ``page`` its box. Where neither says what the
    paper is, it is white, or black if the strokes say so.
    """
    pen = _translucent_pen(painted)
    seen = [each for item in painted if (each := _opaque(item, pen)) is not None]
    found, seen = _paper(seen, page)
    paper = paper if paper is not None and paper.alpha >= OPAQUE else None
    unread: list[LeftOut] = []
    if found is None and paper is None:
        found, unread = _assumed(seen)
    colour = found or paper or WHITE
    strokes, left_out = _Sheet(colour, seen, page).strokes()
    pale = [each.box for each in painted if _is_pale(each, colour)]
    shown = [box for box in pale if page is None or not _holds(box, page, _EDGE)]
    named = [LeftOut("translucent shape", box, doubtful=False) for box in shown]
    return strokes, left_out + unread + named


def _assumed(items: Sequence[Painted]) -> tuple[Colour, list[LeftOut]]:
    """The colour of paper of which nothing says it, and the strokes in white that it hides.

    Black where everything is white, or nothing dark and most of the white lies over no other ink,
    so that it erases nothing: notes on dark slides.
    """
    colours = [c for item in items if (c := item.line or item.fill) and not item.erases]
    bare = _over_nothing(items)
    if bare is None:
        return WHITE, [LeftOut("white ink beyond counting")]
    white = sum(map(_is_white_line, items))
    dark = any(np.dot(_LUMA, colour[:3]) < _DIM for colour in colours)
    light = bool(colours) and not any(colour.differs(WHITE) for colour in colours)
    if light or (not dark and 2 * len(bare) > white):
        return BLACK, []
    return WHITE, [LeftOut("white ink", item.box) for item in bare]


def _over_nothing(items: Sequence[Painted]) -> list[Painted] | None:
    """The lines in white whose boxes meet no ink that was drawn before them; None where there are
    too many to compare."""
    is_ink = np.array([_is_other_ink(item) for item in items], bool)
    counts = np.cumsum(is_ink).tolist()
    white = [(item, n) for item, n in zip(items, counts, strict=True) if _is_white_line(item)]
    if sum(count for _, count in white) > _MAX_COMPARED:
        return None
    ink = _columns(items)[:, is_ink]
    return [item for item, count in white if not _meet(ink[:, :count], item.box).any()]


def _columns(items: Sequence[Painted]) -> NDArray[np.float64]:
    """The boxes of items, x0, y0, x1 and y1 a row each, as they are compared fast."""
    return np.ascontiguousarray(np.array([item.box for item in items]).reshape(-1, 4).T)


def _meet(columns: NDArray[np.float64], box: Box) -> NDArray[np.bool_]:
    """Which boxes meet another."""
    x0, y0, x1, y1 = columns
    found: NDArray[np.bool_] = x0 <= box[2]
    return found & (y0 <= box[3]) & (x1 >= box[0]) & (y1 >= box[1])


def _is_white_line(item: Painted) -> bool:
    if item.line is None or item.fill is not None or item.erases:
        return False
    return not item.line.differs(WHITE)


def _is_other_ink(item: Painted) -> bool:
    return not item.erases and any(
        c is not None and c.differs(WHITE) for c in (item.line, item.fill)
    )


def _translucent_pen(items: Sequence[Painted]) -> float:
    """The width from which on a translucent line is a marker's: by the opaque lines, else, where
    nothing but paper is opaque, by the translucent ones; without any that have a width, 0."""
    lines = [item for item in items if item.line is not None and not item.erases]
    opaque = [item for item in lines if item.line is not None and item.line.alpha >= OPAQUE]
    opaque = [item for item in opaque if not _is_white_line(item)] or opaque
    filled = any(i.fill is not None and i.fill.alpha >= OPAQUE and not _is_solid(i) for i in items)
    given = opaque if opaque or filled else lines
    return _BROADER * _usual([item.width for item in given if item.width > 0])


def _opaque(item: Painted, pen: float) -> Painted | None:
    """The item without what lets the paper through, lines narrower than ``pen`` aside; None where
    nothing is left."""
    line = item.line if item.line is not None and item.line.alpha >= OPAQUE else None
    fill = item.fill if item.fill is not None and item.fill.alpha >= OPAQUE else None
    if line is None and item.line is not None and item.line.alpha >= _PALE:
        line = item.line if 0 < item.width < pen else None
    if not len(item.points) or (line is None and fill is None and not item.erases):
        return None
    return replace(item, line=line, fill=fill)


def _is_pale(item: Painted, paper: Colour) -> bool:
    """Whether a shape without a line lets paper of this colour through, but less than a watermark:
    it may be a pen's, or mark what lies under it."""
    if item.fill is None or item.line is not None or item.erases or len(item.points) < 3:
        return False
    return _PALE <= item.fill.alpha < OPAQUE and item.fill.differs(paper)


def _paper(items: list[Painted], page: Box | None) -> tuple[Colour | None, list[Painted]]:
    """The colour of the paper that is drawn, and what is drawn on it."""
    colour = None
    after = _boxes_after(items)
    for number, item in enumerate(items):
        if item.fill is None or not _is_solid(item):
            return colour, items[number:]
        alone = number + 1 == len(items) and _is_level(item) and _ratio(item) < _PLAIN
        around = alone if number + 1 == len(items) else _holds(item.box, after[number])
        if not around and not (page is not None and _holds(item.box, page, _EDGE)):
            return colour, items[number:]
        colour = colour if item.fill == UNKNOWN else item.fill
    return colour, []


def _boxes_after(items: Sequence[Painted]) -> list[Box]:
    """The box round all that is drawn after each but the last."""
    if not items:
        return []
    boxes = np.array([item.box for item in items])
    low = np.minimum.accumulate(boxes[:0:-1, :2])[::-1]
    high = np.maximum.accumulate(boxes[:0:-1, 2:])[::-1]
    return [(x0, y0, x1, y1) for x0, y0, x1, y1 in np.hstack([low, high]).tolist()]


def _is_solid(item: Painted, share: float = _SOLID) -> bool:
    """Whether a shape fills a share of its box."""
    x, y = item.points.T
    area = abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2
    width, height = np.ptp(item.points, axis=0).tolist()
    return not item.holes and len(x) > 2 and area >= share * width * height > 0


def _is_level(item: Painted) -> bool:
    """Whether a closed line is a rectangle, level."""
    steps = np.abs(np.diff(item.points, axis=0))
    return len(item.points) == 5 and bool((steps.min(axis=1) <= _LEVEL * steps.sum()).all())


def _ratio(item: Painted) -> float:
    short, long = sorted(np.ptp(item.points, axis=0).tolist())
    return float(long / short) if short > 0 else float("inf")


def _holds(outer: Box, inner: Box, room: float = 0.0) -> bool:
    """Whether a box lies in another, but for a share of its size."""
    x, y = room * (inner[2] - inner[0]), room * (inner[3] - inner[1])
    return (
        outer[0] <= inner[0] + x and outer[1] <= inner[1] + y
        and outer[2] >= inner[2] - x and outer[3] >= inner[3] - y
    )  # fmt: skip


class _Sheet:
    """What is drawn on paper of one colour."""

    def __init__(self, paper: Colour, items: Sequence[Painted], page: Box | None) -> None:
        self._paper, self._items, self._page = paper, items, page
        self._left_out: list[LeftOut] = []
        self._tracer = Tracer()
        fits = {id(item): found for item in items if (found := self._pen_lines(item)) is not None}
        self._fits = {key: found for key, found in fits.items() if found.misfit <= _MISFIT}
        self._areas = frozenset(fits)
        simple = [id(item) for item in items if id(item) in fits and not (item.holes or item.line)]
        penned = sum(key in self._fits for key in simple)
        self._print = len(simple) >= _FEWEST_SHAPES and penned < _FEWEST_PENS * len(simple)
        lines = [item for item in items if self._is_line(item) and id(item) not in self._fits]
        drawn = [line for found in self._fits.values() for line in found.lines]
        sizes = [item.extent for item in lines] + [
            float(np.ptp(line, axis=0).max()) for line in drawn
        ]
        sizes = [size for size in sizes if size > 0]
        pens = [item.width for item in lines if item.width > 0]
        pens += [found.pen for found in self._fits.values() if max(map(len, found.lines)) > 1]
        self._broad = max(_THICK * _usual(pens, 0), _LARGE * _usual(sizes, 0))
        self._most = max(_THICK * _usual(pens), _LARGE * _usual(sizes)) or np.inf
        self._boxes, self._compared = _columns(items), 0
        are_lines = np.array([self._is_line(item) for item in items], bool)
        self._line_boxes = np.ascontiguousarray(self._boxes[:, are_lines])
        ends = self._boxes[2:].max(1) - self._boxes[:2].min(1) if len(items) else np.zeros(2)
        self._side = float(ends.max())

    def strokes(self) -> tuple[list[Points], list[LeftOut]]:
        """The strokes in order, and the shapes that are none."""
        lines = [line for item in self._items for line in self._lines(item)]
        rest = erased(lines)
        if self._compared > _MAX_COMPARED:
            self._left_out.append(LeftOut("frames and erasers beyond counting"))
        if not rest.complete:
            self._left_out.append(LeftOut("erasers beyond counting"))
        return list(rest.strokes), self._left_out

    def _shows(self, colour: Colour | None) -> bool:
        return colour is not None and colour.differs(self._paper)

    def _is_line(self, item: Painted) -> bool:
        return self._shows(item.line) and not item.erases

    def _pen_lines(self, item: Painted) -> RegionLines | None:
        """The lines of the pen whose outline a filled shape is, as far as it is one; None of what
        has no area, or is a line whatever its inside."""
        if not self._shows(item.fill) or item.erases or len(item.points) < 3:
            return None
        if item.line is not None and (item.line != item.fill or item.shape or not item.closed):
            return None
        found = self._tracer.lines(item.points, item.holes)
        if item.line is not None:
            fits = found is not None and found.misfit <= _MISFIT and _is_long(found)
            return found if fits else None
        return found or (_UNKNOWN if item.holes else None)

    def _lines(self, item: Painted) -> Iterator[Line]:
        """The strokes and the erasers that an item is."""
        covers = item.fill is not None and not self._shows(item.fill)
        if covers and (item.closed or item.line is None) and len(item.points) > 2:
            yield Line(item.points, erases=True)
        if item.erases or (item.line is not None and not self._shows(item.line)):
            yield from self._eraser(item)
        elif item.line is not None and id(item) not in self._fits:
            yield from self._drawn(item)
            yield from map(Line, item.holes)
        elif not covers:
            yield from self._filled(item)

    def _eraser(self, item: Painted) -> Iterator[Line]:
        if not item.erases and item.line is not None and item.line.alpha < OPAQUE:
            return  # what is under it is seen
        if 0 < item.width <= self._side:  # one that is wider is in some other unit
            yield Line(item.points, erases=True, width=item.width)
            return
        if self._may_compare() and _meet(self._line_boxes, item.box).any():
            self._left_out.append(LeftOut("eraser of unknown width", item.box))

    def _drawn(self, item: Painted) -> Iterator[Line]:
        """A line; one that is filled and small is a dot."""
        filled = self._shows(item.fill) and item.closed
        if filled and item.extent <= self._dot(item):
            yield _dot(item)
        elif filled and item.shape and _ratio(item) < _PLAIN:
            self._left_out.append(LeftOut("filled shape", item.box))
        elif item.width > self._broad:
            self._left_out.append(LeftOut("broad line", item.box))  # a highlighter, or a beam
        elif self._is_frame(item):
            if self._page is None or not _holds(item.box, self._page, _EDGE):
                self._left_out.append(LeftOut("frame", item.box, doubtful=False))
        else:
            yield Line(item.points)

    def _dot(self, item: Painted) -> float:
        """The largest dot among these strokes; among none, as thick as its line says."""
        return self._most if np.isfinite(self._most) else _THICK * item.width

    def _is_frame(self, item: Painted) -> bool:
        """Whether a line is a level rectangle round other ink."""
        if not item.closed or not _is_level(item) or not self._may_compare():
            return False
        (left, top, right, bottom), (x0, y0, x1, y1) = item.box, self._boxes
        held = (x0 >= left) & (y0 >= top) & (x1 <= right) & (y1 <= bottom)
        return int(held.sum()) > 1  # itself and others

    def _may_compare(self) -> bool:
        """Whether the boxes of all items may be compared once more."""
        self._compared += len(self._items)
        return self._compared <= _MAX_COMPARED

    def _filled(self, item: Painted) -> Iterator[Line]:
        """The lines of the pen whose outline a shape is, or a dot."""
        if id(item) not in self._areas:
            return
        found = self._fits.get(id(item))
        is_sign = item.stamped and not item.shape
        small = not item.holes and item.extent <= self._most < np.inf
        compact = small and _ratio(item) < _ROUND and _is_solid(item, _COMPACT)
        if compact and not is_sign and (found is None or not _is_long(found)):
            yield _dot(item)
        elif self._print or is_sign:
            self._left_out.append(LeftOut("printed sign", item.box))
        elif (drawn := found or self._crossing(item)) and drawn.pen <= self._most:
            yield from map(Line, drawn.lines)
        elif small:
            yield _dot(item)
        else:
            self._left_out.append(LeftOut("filled shape", item.box))

    def _crossing(self, item: Painted) -> RegionLines | None:
        """The lines of a shape in which strokes cross; None where no pen left it."""
        found = None if item.shape or item.holes else self._tracer.skeleton(item.points, ())
        fits = found is not None and found.misfit <= _MISFIT and _is_long(found)
        return found if fits else None


def _is_long(found: RegionLines) -> bool:
    """Whether lines are longer than a dot's."""
    steps = (np.hypot(*np.diff(line, axis=0).T).sum() for line in found.lines)
    return float(sum(steps)) > _LONG * found.pen


_UNKNOWN = RegionLines((np.zeros((1, 2)),), 0.0, np.inf)
"""Of a region that no skeleton is made of."""


def _usual(values: Sequence[float], lower: int = 1) -> float:
    """The median, of an even number the ``lower`` one or the upper; 0 where there are none."""
    return sorted(values)[(len(values) - lower) // 2] if values else 0.0


def _dot(item: Painted) -> Line:
    return Line((item.points.min(axis=0, keepdims=True) + item.points.max(0)) / 2)
