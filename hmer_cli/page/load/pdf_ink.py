"""Paths of a PDF page -> strokes of its handwriting, without print and drawings.

Input: paths (`pdf_objects.py`). Output: strokes. Stroked paths are strokes as they are, filled ones
if they are the outline of a pen (``ink/centre_line.py``; with holes, ``ink/region_lines.py``), also
with a line of their colour round them.
Excluded are highlighters, rules, boxes and grids, shapes that recur exactly on the page (print,
bullets, plot markers), graphs of functions, fills that no pen leaves, and duplicates. Visibility on
the page is not checked here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pypdfium2 as pdfium

from hmer_cli.geometry import Box
from hmer_cli.ink.region_lines import Tracer, regions
from hmer_cli.page.load.pdf_objects import Colour, Path, Points, TooManyPathsError, page_objects

_FAINTEST = 16  # levels of a colour channel between paper and ink, as the ink is drawn
_MARKER = 3.0  # times the usual pen: what is as wide, and transparent, is a highlighter
_MISFIT = 0.35  # of the pen's width: the outlines of notes/ are all below
_REPEATED = 3  # places at which a closed shape returns exactly: nobody writes so
_LONG = 2.0  # widths of the pen: what is shorter is a dot; as in SVG
_MOST_PRINT = 0.5  # of all filled shapes: where more are no pen's, none is
_LEVEL = 1e-3  # of its length: how far a line drawn by a machine is from level or upright
_RULES = 3  # lines of one length: a grid, a table, a staff
_SHORT, _MANY = 3.0, 20  # usual strokes, and lines: what is longer, or more alike, is no sign
_SPAN = 0.6  # of the page: a level line that long is a rule
_JOINED = 1e-2  # points: where one path begins as another ends, the pen was not lifted
_SAMPLED, _EVEN = 12, 0.02  # points at least of a graph, and how equal its steps along x are
_FEWEST, _CURVED = 3, 0.2  # strokes, and the share of them that is not straight: else a drawing


@dataclass(frozen=True)
class PenStroke:
    """One stroke on a page: ``points`` (N, 2) and the width of the ``pen``, in points (1/72 inch);
    ``colour`` as the path has it, ``outline`` where it was filled."""

    points: Points
    pen: float
    colour: Colour
    outline: bool = False


class PageStrokes(NamedTuple):
    """The strokes of a page in the order of drawing, and the boxes of its images, of stamps that
    show one and of its print, in points of the page as it is shown."""

    strokes: list[PenStroke]
    images: list[Box]
    stamps: list[Box]
    printed: list[Box]


def page_strokes(page: pdfium.PdfPage) -> PageStrokes:
    """The strokes of a PDF page; none where there are too few, or so many paths that they are a map
    or a plot."""
    try:
        paths, images, stamps, texts = page_objects(page)
    except TooManyPathsError:
        return PageStrokes([], [], [], [])
    strokes = handwriting(paths, page.get_size())
    return PageStrokes(strokes, images, stamps, [*texts, *printed(paths, strokes)])


def handwriting(paths: Sequence[Path], size: tuple[float, float]) -> list[PenStroke]:
    """The strokes among the paths of a page of this width and height in points."""
    dark = [path for path in paths if _is_dark(path)]
    widths = [path.width for path in dark if path.stroked]
    usual = float(np.median(widths)) if widths else 0.0
    shapes = _repeated(dark)
    found: list[PenStroke] = []
    fills = pens = 0
    tracer = Tracer()
    for path in dark:
        outlines = _outlines(path, shapes, tracer) if path.filled and _is_area(path) else []
        if path.stroked and not (outlines and all(map(_is_long, outlines))):
            if not (path.transparent and path.width > _MARKER * usual):
                found += _lines(path, shapes)
            continue
        fills += sum(each.is_simple for each in outlines)
        pens += sum(each.is_pen for each in outlines)
        found += [stroke for each in outlines for stroke in each.strokes]
    if pens < (1 - _MOST_PRINT) * fills:
        found = [stroke for stroke in found if not stroke.outline]
    kept = _without_rules(_joined(_once(found)), size)
    return kept if _is_handwriting(kept) else []


def printed(paths: Sequence[Path], strokes: Sequence[PenStroke]) -> list[Box]:
    """The boxes of what a machine drew beside these strokes: rules, boxes, graphs, highlighters and
    print. What `handwriting` left out for other reasons, a person may have drawn."""
    if not strokes:
        return []
    usual = float(np.median([np.ptp(stroke.points, axis=0).max() for stroke in strokes]))
    pen = float(np.median([stroke.pen for stroke in strokes]))
    dark = [path for path in paths if _is_dark(path)]
    shapes = _repeated(dark)
    signs = shapes - _pasted(dark, shapes)
    alike = Counter(_level_length(points) for path in dark for points in path.subpaths)
    middles = np.array([(s.points.min(0) + s.points.max(0)) / 2 for s in strokes if s.outline])
    found: list[Box] = []
    for path in dark:
        marker = path.transparent and path.stroked and path.width > _MARKER * pen
        for points in path.subpaths:
            length = _level_length(points)
            is_rule = length is not None and (max(length) > _SHORT * usual or alike[length] > _MANY)
            is_print = path.filled and len(signs) >= _RULES and not _holds_any(points, middles)
            if marker or is_rule or is_print or _shape(points) in signs or _is_graph(points):
                found.append(_around(points, path))
            elif _is_box(_closed(points)) and not _is_bar(points, usual, pen):
                sides = [points] if path.filled else pairwise(_closed(points))
                found += [_around(np.array(side), path) for side in sides]
    return found


def _pasted(paths: Sequence[Path], shapes: frozenset[Hashable]) -> frozenset[Hashable]:
    """Those of the repeated shapes that a pen left, where most of them are such: pasted writing."""
    tracer = Tracer()
    fits: dict[Hashable, bool] = {}
    for path in paths:
        for points in path.subpaths if path.filled else ():
            shape = _shape(points)
            if shape in shapes and shape not in fits and len(points) >= 3:
                fits[shape] = _is_long(_outline(points, [], path, tracer))
    most = sum(fits.values()) >= _MOST_PRINT * len(fits)
    return frozenset(shape for shape, fit in fits.items() if fit and most)


def _level_length(points: Points) -> tuple[float, float] | None:
    return _machine_length(PenStroke(points, 0.0, (0, 0, 0, 255)))


def _is_bar(points: Points, usual: float, pen: float) -> bool:
    """Whether a box is the outline of a straight stroke, such as a minus."""
    short, long = sorted(np.ptp(points, axis=0).tolist())
    return bool(short <= _MARKER * pen and long <= _SHORT * usual)


def _holds_any(points: Points, middles: Points) -> bool:
    """Whether one of these points (N, 2) lies in the box of a shape."""
    if not len(middles):
        return False
    inside = (middles >= points.min(0)) & (middles <= points.max(0))
    return bool(inside.all(axis=1).any())


def _around(points: Points, path: Path) -> Box:
    room = path.width / 2 if path.stroked else 0.0
    (x0, y0), (x1, y1) = (points.min(0) - room).tolist(), (points.max(0) + room).tolist()
    return x0, y0, x1, y1


def _is_dark(path: Path) -> bool:
    red, green, blue, alpha = path.colour
    return (255 - min(red, green, blue)) * alpha / 255 >= _FAINTEST


def _is_area(path: Path) -> bool:
    """Whether a filled path may be the outline of a pen: with a line round it, one that is closed
    and of the same colour."""
    return not path.stroked or (path.plain and all(path.closed))


def _lines(path: Path, shapes: frozenset[Hashable]) -> list[PenStroke]:
    """The subpaths of a stroked path; boxes, markers and graphs of functions aside."""
    found = []
    for points, closed in zip(path.subpaths, path.closed, strict=True):
        if closed and _shape(points) in shapes:
            continue
        line = _closed(points) if closed else points
        if not _is_box(line) and not _is_graph(line):
            found.append(PenStroke(line, path.width, path.colour))
    return found


def _is_box(line: Points) -> bool:
    """Whether a line is a rectangle, level and closed."""
    steps = np.abs(np.diff(line, axis=0))
    tolerance = _LEVEL * float(steps.sum())
    if len(line) != 5 or np.abs(line[0] - line[-1]).max() > tolerance:
        return False
    return bool((steps.min(axis=1) <= tolerance).all())


def _is_graph(line: Points) -> bool:
    """Whether a line is the graph of a function: bent, and its points equally far apart along x,
    or some of them left out; a pen is sampled in time."""
    steps = np.diff(line[:, 0])
    if len(line) < _SAMPLED or not ((steps > 0).all() or (steps < 0).all()) or _is_straight(line):
        return False
    step = float(np.median(steps))
    multiple = steps / step
    whole = np.maximum(np.round(multiple), 1)
    even = bool((np.abs(multiple - whole) <= _EVEN * whole).all())
    rises = np.diff(line[:, 1]) / step  # a slow pen of a coarse digitiser has whole ones, too
    return even and bool((np.abs(rises - np.round(rises)) > _EVEN).any())


class _Outline(NamedTuple):
    """A filled region: the strokes of the pen that left it, whether it is simple, without holes,
    and whether it then is the outline of one stroke that does not meet itself."""

    strokes: tuple[PenStroke, ...] = ()
    is_simple: bool = True
    is_pen: bool = False


def _outlines(path: Path, shapes: frozenset[Hashable], tracer: Tracer) -> list[_Outline]:
    """Each region of a filled path."""
    subpaths = [points for points in path.subpaths if len(points) >= 3]
    found = regions(subpaths, path.even_odd) if subpaths else {}
    outlines = []
    for number, holes in (found or {}).items():
        outside = subpaths[number]
        if _shape(outside) in shapes or _is_box(_closed(outside)):
            outlines.append(_Outline())
        else:
            outlines.append(_outline(outside, [subpaths[i] for i in holes], path, tracer))
    return outlines


def _is_long(outline: _Outline) -> bool:
    """Whether an outline is a pen's, and longer than a dot."""
    length = sum(float(np.hypot(*np.diff(s.points, axis=0).T).sum()) for s in outline.strokes)
    return any(length > _LONG * stroke.pen for stroke in outline.strokes)


def _outline(outside: Points, holes: Sequence[Points], path: Path, tracer: Tracer) -> _Outline:
    found = tracer.lines(outside, holes)
    is_pen = found is not None and found.misfit <= _MISFIT and not holes
    if not (is_pen or holes):  # strokes may cross in it
        found = tracer.skeleton(outside, holes)
    if found is None or found.misfit > _MISFIT:
        return _Outline((), not holes)
    pen = found.pen + (path.width if path.stroked else 0.0)
    strokes = (PenStroke(line, pen, path.colour, outline=True) for line in found.lines)
    return _Outline(tuple(strokes), not holes, is_pen)


def _closed(points: Points) -> Points:
    return points if (points[0] == points[-1]).all() else np.concatenate([points, points[:1]])


def _repeated(paths: Sequence[Path]) -> frozenset[Hashable]:
    """The closed shapes that return exactly, at other places; drawn again at one it counts once."""
    places: set[tuple[Hashable, Hashable]] = set()
    for path in paths:
        for points, closed in zip(path.subpaths, path.closed, strict=True):
            if path.filled or closed:
                places.add((_shape(points), np.round(points[0] * 10).tobytes()))
    counts = Counter(shape for shape, _ in places)
    return frozenset(shape for shape, count in counts.items() if count >= _REPEATED)


def _shape(points: Points) -> Hashable:
    """Equal for shapes that differ in their place alone; dots, which all look alike, are none."""
    moved = np.round((points - points[0]) * 50).astype(np.int64)
    return moved.tobytes() if np.ptp(moved, axis=0).max() > 150 else object()


def _once(strokes: Sequence[PenStroke]) -> list[PenStroke]:
    """Each stroke once, however often it is drawn at its place."""
    kept: dict[Hashable, PenStroke] = {}
    for stroke in strokes:
        places = stroke.points[np.linspace(0, len(stroke.points) - 1, 8).astype(int)]
        kept.setdefault(np.round(places * 10).astype(np.int64).tobytes(), stroke)
    return list(kept.values())


def _joined(strokes: Sequence[PenStroke]) -> list[PenStroke]:
    """Lines that go on where the one before them ended, as one stroke: many writers of PDF draw
    each piece of a stroke by itself, as wide as the pen was pressed there."""
    groups: list[list[PenStroke]] = []
    for stroke in strokes:
        last = groups[-1][-1] if groups else None
        if last is not None and _goes_on(last, stroke):
            groups[-1].append(stroke)
        else:
            groups.append([stroke])
    return [_as_one(group) for group in groups]


def _goes_on(last: PenStroke, stroke: PenStroke) -> bool:
    if last.outline or stroke.outline or last.colour != stroke.colour:
        return False
    return bool(np.abs(last.points[-1] - stroke.points[0]).max() <= _JOINED)


def _as_one(group: Sequence[PenStroke]) -> PenStroke:
    if len(group) == 1:
        return group[0]
    points = [group[0].points, *(stroke.points[1:] for stroke in group[1:])]
    pen = float(np.median([stroke.pen for stroke in group]))
    return PenStroke(np.concatenate(points), pen, group[0].colour)


def _without_rules(strokes: Sequence[PenStroke], size: tuple[float, float]) -> list[PenStroke]:
    """Level lines of two points that are long, or that have others of their length, left out."""
    lengths = [_machine_length(stroke) for stroke in strokes]
    alike = Counter(length for length in lengths if length is not None)
    longest = _SPAN * min(size)
    return [
        stroke
        for stroke, length in zip(strokes, lengths, strict=True)
        if length is None or (alike[length] < _RULES and np.abs(length).max() < longest)
    ]


def _machine_length(stroke: PenStroke) -> tuple[float, float] | None:
    """Width and height of what is straight between two points, and level or upright; else None."""
    extent = np.ptp(stroke.points, axis=0)
    if len(stroke.points) > 2 or extent.min() > _LEVEL * extent.max() or not extent.max():
        return None
    return round(float(extent[0]), 1), round(float(extent[1]), 1)


def _is_handwriting(strokes: Sequence[PenStroke]) -> bool:
    if len(strokes) < _FEWEST:
        return False
    return sum(not _is_straight(stroke.points) for stroke in strokes) >= _CURVED * len(strokes)


def _is_straight(points: Points) -> bool:
    length = float(np.hypot(*np.diff(points, axis=0).T).sum())
    chord = float(np.hypot(*(points[-1] - points[0])))
    return len(points) < 3 or length - chord <= _LEVEL * length
