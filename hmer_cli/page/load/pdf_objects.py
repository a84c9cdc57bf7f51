"""The paths of a PDF page, as PDFium lists its objects: in the order of drawing, nested forms too;
and the places of its images, of stamps that show one, and of its text.

Coordinates are points of the page as it is shown (CropBox and Rotate applied), y down. Clip paths
are no page objects, and of text only its place is looked at.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as raw
from numpy.typing import NDArray

from hmer_cli.geometry import Box
from hmer_cli.page.load.pdf_geometry import PageGeometry

Points = NDArray[np.float64]
Colour = tuple[int, int, int, int]
"""Red, green, blue, alpha; 0 to 255."""

MAX_OBJECTS = 20_000
"""Page objects; a page of notes has up to some thousand. More are a map or a plot."""
MAX_SEGMENTS = 2_000_000
MAX_DEPTH = 12  # of forms within forms: a PDF library nests a few; PDFium itself stops loops

_FLATNESS = 5  # pieces of a Bezier curve: pens make short ones
_FARTHEST = 1e6  # units of the page from its origin; the largest page has 14,400
_UNIT_SQUARE = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
"""What an image fills before it is placed (ISO 32000-1, 8.9.5.1)."""
_HIDDEN = 0x02 | 0x20  # annotation flags Hidden and NoView (ISO 32000-1, 12.5.3)


class TooManyPathsError(Exception):
    """The page holds more paths than any handwriting."""


@dataclass(frozen=True)
class Path:
    """One path: its ``subpaths`` (N, 2) in points, whether each is ``closed``, and how it is drawn.

    ``width`` is that of the line in points, ``transparent`` says of an opacity, a soft mask or a
    blend mode, ``even_odd`` of the rule by which it is filled (ISO 32000-1, 8.5.3.3), ``plain`` of
    one colour for its line and its inside.
    """

    subpaths: tuple[Points, ...]
    closed: tuple[bool, ...]
    stroked: bool
    filled: bool
    width: float
    colour: Colour
    transparent: bool
    even_odd: bool = False
    plain: bool = True


class PageObjects(NamedTuple):
    """The paths of a page, those of its ink annotations behind them, and the boxes of its
    ``images``, of the ``stamps`` that show one, and of the ``texts`` that it shows."""

    paths: list[Path]
    images: list[Box]
    stamps: list[Box]
    texts: list[Box]


def page_objects(page: pdfium.PdfPage) -> PageObjects:
    """What a page holds. Raises TooManyPathsError."""
    walk = _Walk(_shown(page))
    for index in range(raw.FPDFPage_CountObjects(page)):
        walk.visit(raw.FPDFPage_GetObject(page, index), np.eye(3), 0)
    paths, stamps = list(walk.paths), list[Box]()
    for annotation in _annotations(page):
        kind = raw.FPDFAnnot_GetSubtype(annotation)
        if kind == raw.FPDF_ANNOT_INK:
            paths += _ink_list(annotation, walk.shown)
        elif kind == raw.FPDF_ANNOT_STAMP and _shows_image(annotation):
            stamps += walk.box_of(annotation)
    return PageObjects(paths, walk.images, stamps, walk.texts)


class _Walk:
    """The objects of a page one by one, counted."""

    def __init__(self, shown: Points) -> None:
        self.shown = shown
        self.paths: list[Path] = []
        self.images: list[Box] = []
        self.texts: list[Box] = []
        self._objects = self._segments = 0

    def visit(self, item: raw.FPDF_PAGEOBJECT, outer: Points, depth: int) -> None:
        self._objects += 1
        if self._objects > MAX_OBJECTS:
            raise TooManyPathsError
        kind = raw.FPDFPageObj_GetType(item)
        if kind == raw.FPDF_PAGEOBJ_FORM and depth < MAX_DEPTH:
            inner = _matrix(item) @ outer
            for index in range(raw.FPDFFormObj_CountObjects(item)):
                self.visit(raw.FPDFFormObj_GetObject(item, index), inner, depth + 1)
        elif kind == raw.FPDF_PAGEOBJ_PATH:
            path = self._path(item, _matrix(item) @ outer)
            if path is not None:
                self.paths.append(path)
        elif kind == raw.FPDF_PAGEOBJ_IMAGE:
            self.images += self._box(_UNIT_SQUARE, _matrix(item) @ outer)
        elif kind == raw.FPDF_PAGEOBJ_TEXT:
            hidden = raw.FPDFTextObj_GetTextRenderMode(item) == raw.FPDF_TEXTRENDERMODE_INVISIBLE
            x0, y0, x1, y1 = sides = [ctypes.c_float() for _ in range(4)]
            if not hidden and raw.FPDFPageObj_GetBounds(item, *sides):
                corners = [(x.value, y.value) for x in (x0, x1) for y in (y0, y1)]
                self.texts += self._box(corners, outer)

    def box_of(self, annotation: raw.FPDF_ANNOTATION) -> Iterator[Box]:
        """The box of an annotation, into which its appearance is fitted."""
        place = raw.FS_RECTF()
        if raw.FPDFAnnot_GetRect(annotation, place):
            ends = [(place.left, place.top), (place.right, place.bottom)]
            yield from self._box(ends, np.eye(3))

    def _box(self, points: list[tuple[float, float]], matrix: Points) -> Iterator[Box]:
        """The box on the page round points of an object."""
        for placed, _ in _placed(points, None, matrix @ self.shown):
            (left, top), (right, foot) = placed.min(0).tolist(), placed.max(0).tolist()
            yield left, top, right, foot

    def _path(self, item: raw.FPDF_PAGEOBJECT, matrix: Points) -> Path | None:
        filling, stroking = ctypes.c_int(), ctypes.c_int()
        if not raw.FPDFPath_GetDrawMode(item, filling, stroking):
            return None
        if not (filling.value or stroking.value):
            return None
        segments = raw.FPDFPath_CountSegments(item)
        self._segments += max(segments, 0)
        if self._segments > MAX_SEGMENTS:
            raise TooManyPathsError
        width = ctypes.c_float()
        raw.FPDFPageObj_GetStrokeWidth(item, width)
        total = matrix @ self.shown
        subpaths = list(_subpaths(item, segments, total))
        if not subpaths:
            return None
        return Path(
            tuple(points for points, _ in subpaths),
            tuple(closed for _, closed in subpaths),
            bool(stroking.value),
            bool(filling.value),
            float(width.value) * math.sqrt(abs(np.linalg.det(total[:2, :2]))),
            _colour(item, bool(stroking.value)),
            bool(raw.FPDFPageObj_HasTransparency(item)),
            filling.value == raw.FPDF_FILLMODE_ALTERNATE,
            _colour(item, True) == _colour(item, False),
        )


def _subpaths(
    item: raw.FPDF_PAGEOBJECT, count: int, matrix: Points
) -> Iterator[tuple[Points, bool]]:
    """The subpaths of a path, curves flattened; what is not finite ends the path."""
    x, y = ctypes.c_float(), ctypes.c_float()
    points: list[tuple[float, float]] = []
    control: list[tuple[float, float]] = []
    segment = None
    for index in range(count):
        before, segment = segment, raw.FPDFPath_GetPathSegment(item, index)
        kind = raw.FPDFPathSegment_GetType(segment)
        if not raw.FPDFPathSegment_GetPoint(segment, x, y):
            break
        here = (x.value, y.value)
        if kind == raw.FPDF_SEGMENT_BEZIERTO:
            control.append(here)
            if len(control) == 3:
                points += _curve(points[-1], *control) if points else control
                control = []
        elif kind == raw.FPDF_SEGMENT_MOVETO:
            yield from _placed(points, before, matrix)
            points = [here]
        else:
            points.append(here)
    yield from _placed(points, segment, matrix)


def _placed(
    points: list[tuple[float, float]], last: raw.FPDF_PATHSEGMENT | None, matrix: Points
) -> Iterator[tuple[Points, bool]]:
    with np.errstate(over="ignore", invalid="ignore"):
        placed = np.array(points, np.float64).reshape(-1, 2) @ matrix[:2, :2] + matrix[2, :2]
    if len(placed) and (np.abs(placed) <= _FARTHEST).all():
        yield placed, bool(last is not None and raw.FPDFPathSegment_GetClose(last))


def _curve(
    start: tuple[float, float], *control: tuple[float, float]
) -> Iterator[tuple[float, float]]:
    """Points of a cubic Bezier curve behind its start."""
    (x0, y0), ((x1, y1), (x2, y2), (x3, y3)) = start, control
    for step in range(1, _FLATNESS + 1):
        t = step / _FLATNESS
        a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
        yield a * x0 + b * x1 + c * x2 + d * x3, a * y0 + b * y1 + c * y2 + d * y3


def _matrix(item: raw.FPDF_PAGEOBJECT) -> Points:
    """The transformation of an object, for rows (x, y, 1)."""
    m = raw.FS_MATRIX()
    if not raw.FPDFPageObj_GetMatrix(item, m):
        return np.eye(3)
    return np.array([[m.a, m.b, 0], [m.c, m.d, 0], [m.e, m.f, 1]], np.float64)


def _shown(page: pdfium.PdfPage) -> Points:
    """From the user space of a page to the page as it is shown, for rows (x, y, 1)."""
    a, b, c, d, e, f = PageGeometry(page.get_bbox(), page.get_rotation() // 90).shown()
    return np.array([[a, b, 0], [c, d, 0], [e, f, 1]], np.float64)


def _colour(item: raw.FPDF_PAGEOBJECT, stroked: bool) -> Colour:
    parts = [ctypes.c_uint() for _ in range(4)]
    ask = raw.FPDFPageObj_GetStrokeColor if stroked else raw.FPDFPageObj_GetFillColor
    if not ask(item, *parts):
        return 0, 0, 0, 255
    red, green, blue, alpha = (part.value for part in parts)
    return red, green, blue, alpha


def _annotations(page: pdfium.PdfPage) -> Iterator[raw.FPDF_ANNOTATION]:
    """Those of a page that are shown, open until the next is asked for."""
    for index in range(min(raw.FPDFPage_GetAnnotCount(page), MAX_OBJECTS)):
        annotation = raw.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        try:
            if not raw.FPDFAnnot_GetFlags(annotation) & _HIDDEN:
                yield annotation
        finally:
            raw.FPDFPage_CloseAnnot(annotation)


def _shows_image(annotation: raw.FPDF_ANNOTATION) -> bool:
    """Whether there is an image among the objects of an appearance, in its forms, too."""
    count = min(raw.FPDFAnnot_GetObjectCount(annotation), MAX_OBJECTS)
    todo = [(raw.FPDFAnnot_GetObject(annotation, index), 0) for index in range(count)]
    for seen in range(MAX_OBJECTS):
        if seen == len(todo):
            break
        item, depth = todo[seen]
        kind = raw.FPDFPageObj_GetType(item)
        if kind == raw.FPDF_PAGEOBJ_IMAGE:
            return True
        if kind == raw.FPDF_PAGEOBJ_FORM and depth < MAX_DEPTH:
            inside = range(min(raw.FPDFFormObj_CountObjects(item), MAX_OBJECTS))
            todo += [(raw.FPDFFormObj_GetObject(item, index), depth + 1) for index in inside]
    return False


def _drawn_width(annotation: raw.FPDF_ANNOTATION) -> float:
    """The width of the lines by which an annotation is drawn, since PDFium tells that of its border
    style (``/BS``) nowhere; 1, the default, where there are none."""
    widths, filling, stroking = [], ctypes.c_int(), ctypes.c_int()
    for index in range(min(raw.FPDFAnnot_GetObjectCount(annotation), MAX_OBJECTS)):
        item, width = raw.FPDFAnnot_GetObject(annotation, index), ctypes.c_float()
        is_line = raw.FPDFPath_GetDrawMode(item, filling, stroking) and stroking.value
        if is_line and raw.FPDFPageObj_GetStrokeWidth(item, width):
            widths.append(width.value * math.sqrt(abs(np.linalg.det(_matrix(item)[:2, :2]))))
    return float(np.median(widths)) if widths else 1.0


def _ink_list(annotation: raw.FPDF_ANNOTATION, shown: Points) -> Iterator[Path]:
    """The lines of an ink annotation (InkList; ISO 32000-1, 12.5.6.13)."""
    parts = [ctypes.c_uint() for _ in range(4)]
    told = raw.FPDFAnnot_GetColor(annotation, raw.FPDFANNOT_COLORTYPE_Color, *parts)
    red, green, blue, alpha = (part.value for part in parts) if told else (0, 0, 0, 255)
    border = [ctypes.c_float() for _ in range(3)]
    told = raw.FPDFAnnot_GetBorder(annotation, *border)
    width = border[2].value if told else _drawn_width(annotation)
    for number in range(raw.FPDFAnnot_GetInkListCount(annotation)):
        count = raw.FPDFAnnot_GetInkListPath(annotation, number, None, 0)
        if not 0 < count <= MAX_SEGMENTS:
            continue
        buffer = (raw.FS_POINTF * count)()
        raw.FPDFAnnot_GetInkListPath(annotation, number, buffer, count)
        points = np.array([(point.x, point.y) for point in buffer], np.float64)
        placed = points @ shown[:2, :2] + shown[2, :2]
        if np.isfinite(placed).all():
            colour = (red, green, blue, alpha)
            yield Path((placed,), (False,), True, False, width, colour, alpha < 255)
