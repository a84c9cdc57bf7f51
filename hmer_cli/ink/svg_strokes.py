"""SVG drawings -> ink: drawn lines are strokes, filled shapes outlines of a pen, or dots.

Read are the shapes of SVG 1.1 (chapters 8 and 9) in groups, links, nested drawings and ``use``,
with their transforms and style (`svg_style.py`); curves become short lines. What is painted then
goes through `painted.py`. Text, images, markers and what is masked are named as left out.
Coordinates are those of the drawing's user space (`svg_page.py`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from lxml import etree

from hmer_cli.errors import InputError
from hmer_cli.geometry import Box
from hmer_cli.ink.colours import BLACK, OPAQUE, UNKNOWN, Colour, colour_of
from hmer_cli.ink.ink import Ink, LeftOut
from hmer_cli.ink.packed_text import parse_xml, root_name
from hmer_cli.ink.painted import Painted, strokes_of
from hmer_cli.ink.region_lines import regions
from hmer_cli.ink.stroke_pieces import whole
from hmer_cli.ink.strokes import check_count, ink_of, stroke_of
from hmer_cli.ink.svg_geometry import (
    SHAPES,
    Get,
    Matrix,
    length,
    transform_of,
    view_box,
    viewport,
)
from hmer_cli.ink.svg_outlines import Outlines, svg_tag
from hmer_cli.ink.svg_page import page_of
from hmer_cli.ink.svg_path import Points
from hmer_cli.ink.svg_style import Style, StyleSheet, local_name

_XLINK = "{http://www.w3.org/1999/xlink}href"
_GROUPS = frozenset(("svg", "g", "a", "symbol"))
_NOT_READ = {"text": "text", "image": "image", "foreignObject": "embedded page", "video": "video"}
_SIZES = ("width", "height")
MAX_BYTES = 64 << 20
"""A larger file is refused: parsed, it would take many times the memory."""
_MAX_DEPTH = 200
_MAX_USED = 50_000
"""Elements drawn by ``use``; what is more is a bomb."""
_POINTS = 100  # that count as an element


def is_svg(data: bytes) -> bool:
    """Whether this is an SVG drawing."""
    return root_name(data) == "svg"


def read_svg(data: bytes, name: str) -> list[Ink]:
    """The ink of the drawing, as one page. Raises InputError."""
    if len(data) > MAX_BYTES:
        what = f"{name}: SVG larger than {MAX_BYTES >> 20} MiB"
        raise InputError(what, "split it, or export it without images")
    root = parse_xml(data, name)
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused by its place
        drawing = _Drawing(root, name)
        painted = whole(*drawing.painted(), drawing.page)
        check_count(painted, name)
        for item in painted:
            stroke_of(item.points, f"{name}: shape")  # refused where it is not finite
        strokes, shapes = strokes_of(painted, drawing.paper, drawing.page)
    left_out, strokes = [*drawing.left_out, *shapes], _once(strokes)
    if not strokes:
        what = f", but {', '.join(sorted({each.what for each in left_out}))}" if left_out else ""
        raise InputError(f"{name}: no strokes in it{what}", "give a drawing of lines, or an image")
    return [ink_of([stroke_of(stroke, f"{name}: shape") for stroke in strokes], name, left_out)]


@dataclass(frozen=True)
class _Place:
    """What is around an element: the matrix to the drawing's user space, style, opacity, the size
    of the viewport, how deep it lies, the elements that ``use`` shows, and the box beyond which
    nothing is seen."""

    matrix: Matrix = field(default_factory=lambda: np.eye(3))
    style: Style = field(default_factory=dict)
    opacity: float = 1.0
    size: tuple[float, float] = (100.0, 100.0)
    depth: int = 0
    used: tuple[etree._Element, ...] = ()
    clip: Box | None = None


class _Drawing:
    """One SVG document: its ``page`` and the colour of its ``paper``, where they are known, and
    after `painted` what is ``left_out``."""

    def __init__(self, root: etree._Element, name: str) -> None:
        self._root, self._name = root, name
        elements = [each for each in root.iter() if isinstance(each.tag, str)]
        styles = [
            "".join(each.itertext())
            for each in elements
            if local_name(each) == "style" and (each.get("media") or "").strip() != "print"
        ]
        self._sheet = StyleSheet(styles, name)
        self._by_id = {key: each for each in reversed(elements) if (key := each.get("id"))}
        self._number, self._shown = 0, 0.0
        self.left_out: list[LeftOut] = []
        page = page_of(root, self._sheet.style(root, {}))
        self.page = page.box
        style = root.get("style") or ""
        colours = re.findall(r"(?:^|[;\s])background(?:-color)?\s*:\s*([^;]{1,80})", style)
        self.paper: Colour | None = next(filter(None, map(colour_of, colours)), None)
        self._top = _Place(matrix=page.matrix, size=page.size, clip=page.seen)
        self._outlines = Outlines(page.size)
        self._clips: dict[tuple[object, ...], Box | None] = {}

    def painted(self) -> tuple[list[Painted], list[int]]:
        """What is painted, in order, and the number of the element that paints each. Raises
        InputError."""
        try:
            found = [(item, self._number) for item in self._element(self._root, self._top)]
            return [item for item, _ in found], [number for _, number in found]
        except InputError as error:
            known = error.what.startswith(f"{self._name}: ")
            what = error.what if known else f"{self._name}: {error.what}"
            raise InputError(what, error.remedy) from error

    def _element(self, element: etree._Element, around: _Place) -> Iterator[Painted]:
        """What an element paints, and those inside it."""
        tag = svg_tag(element)
        if tag not in _GROUPS | SHAPES and tag not in _NOT_READ and tag not in ("use", "switch"):
            return
        self._count(around)
        style = self._sheet.style(element, around.style)
        if style.get("display") == "none":
            return
        opacity = around.opacity * _share(style.get("opacity"))
        matrix = transform_of(style, around.size)
        place = replace(
            around, matrix=matrix @ around.matrix, style=style, opacity=opacity,
            depth=around.depth + 1,
        )  # fmt: skip
        place = self._clipped(place)
        if style.get("mix-blend-mode") in ("multiply", "darken"):
            return  # a highlighter
        masked = style.get("mask", "none") != "none"
        if masked and style.get("visibility") != "hidden":
            self.left_out.append(LeftOut("mask"))
        if tag in SHAPES:
            yield from self._shape(element, tag, place)
        elif tag == "use":
            yield from self._used(element, place)
        elif tag in _NOT_READ:
            self._not_read(element, tag, place)
        else:
            yield from self._children(element, tag, place)

    def _count(self, place: _Place) -> None:
        if place.depth > _MAX_DEPTH:
            raise InputError(f"nested deeper than {_MAX_DEPTH} elements", "export it again")
        self._number += 1
        self._show(bool(place.used))

    def _show(self, elements: int, points: int = 0) -> None:
        """Count what is shown again, beside what the file says once."""
        self._shown += elements + points / _POINTS
        if self._shown > _MAX_USED:
            raise InputError(
                f"<use> and clip paths show more than {_MAX_USED} elements, "
                f"or {_MAX_USED * _POINTS} points", "export it again"
            )  # fmt: skip

    def _children(self, element: etree._Element, tag: str, place: _Place) -> Iterator[Painted]:
        if tag == "svg" and element is not self._root:
            nested = self._nested(element, place, element.get)
            if nested is None:
                return
            place = nested
        children = [child for child in element if tag != "switch" or _is_understood(child)]
        for child in children[:1] if tag == "switch" else children:
            if svg_tag(child) != "symbol":
                yield from self._element(child, place)

    def _nested(self, element: etree._Element, place: _Place, get: Get) -> _Place | None:
        """Inside a nested drawing or a symbol, whose place and size ``get`` says; None, and named,
        where it says none."""
        wide, high = place.size
        try:
            x, y = self._outlines.length(get("x"), wide), self._outlines.length(get("y"), high)
            width = self._outlines.length(get("width"), wide, wide)
            height = self._outlines.length(get("height"), high, high)
        except ValueError:
            self.left_out.append(LeftOut("damaged shape"))
            return None
        matrix = np.array([[1, 0, 0], [0, 1, 0], [x, y, 1]]) @ place.matrix
        size = width, height
        box = view_box(element.get("viewBox"))
        if box is not None and min(size) > 0:
            matrix = viewport(box, size, element.get("preserveAspectRatio") or "") @ matrix
            size = box[2:]
        return replace(place, matrix=matrix, size=size)

    def _used(self, use: etree._Element, place: _Place) -> Iterator[Painted]:
        """What ``use`` shows. SVG 1.1, 5.6; of a circle of them, nothing."""
        link = (use.get("href") or use.get(_XLINK) or "").strip()
        target = self._by_id.get(link.removeprefix("#")) if link.startswith("#") else None
        if target is None:
            if link:
                self.left_out.append(LeftOut("use of what is not in the file"))
            return
        if target in place.used or target in use.iterancestors():
            return
        try:
            x, y = (
                self._outlines.length(use.get("x"), place.size[0]),
                self._outlines.length(use.get("y"), place.size[1]),
            )
        except ValueError:
            self.left_out.append(LeftOut("damaged shape"))
            return
        matrix = np.array([[1, 0, 0], [0, 1, 0], [x, y, 1]]) @ place.matrix
        inside = replace(place, matrix=matrix, used=(*place.used, target))
        if svg_tag(target) != "symbol":
            yield from self._element(target, inside)
        elif nested := self._nested(target, inside, {key: use.get(key) for key in _SIZES}.get):
            yield from self._element(target, nested)

    def _clipped(self, place: _Place) -> _Place:
        """The place with the box of its clip path; a clip path without shapes is none."""
        link = re.match(r"url\(\s*[\"']?#([^\"')]+)", place.style.get("clip-path", ""))
        clip = self._by_id.get(link[1]) if link else None
        if clip is None or clip.get("clipPathUnits") == "objectBoundingBox":
            return place
        key = clip, place.matrix.tobytes(), place.size
        if key not in self._clips:
            points = self._outlines.of_clip(
                clip, place.size, lambda each: self._sheet.style(each, {})
            )
            self._show(1, len(points))
            self._clips[key] = _box([points], place.matrix)
        box = self._clips[key]
        if box is None:
            return place
        (x0, y0, x1, y1), around = box, place.clip
        if around is not None:
            x0, y0 = max(x0, around[0]), max(y0, around[1])
            x1, y1 = min(x1, around[2]), min(y1, around[3])
        return replace(place, clip=(x0, y0, x1, y1))

    def _not_read(self, element: etree._Element, tag: str, place: _Place) -> None:
        """Text, images and the like, where they are seen."""
        hidden = place.style.get("visibility") in ("hidden", "collapse") or place.opacity < OPAQUE
        if hidden or (tag == "text" and not "".join(element.itertext()).strip()):
            return
        wide, high = place.size
        given = {**dict(next(element.iter("{*}tspan"), element).attrib), **dict(element.attrib)}
        keys = (("x", wide), ("y", high), ("width", wide), ("height", high))
        x, y, width, height = (_first(given.get(key), full) for key, full in keys)
        corners = np.array([(x, y, 1), (x + width, y, 1), (x, y + height, 1),
                            (x + width, y + height, 1)]) @ place.matrix  # fmt: skip
        (x0, y0, _), (x1, y1, _) = corners.min(0).tolist(), corners.max(0).tolist()
        self.left_out.append(LeftOut(_NOT_READ[tag], (x0, y0, x1, y1)))

    def _shape(self, element: etree._Element, tag: str, place: _Place) -> Iterator[Painted]:
        style = place.style
        if style.get("visibility") in ("hidden", "collapse"):
            return
        stroke, fill, width = self._pen(tag, place)
        is_painted = stroke is not None or fill is not None
        try:
            outline = self._outlines.of(element, style, place.size, keep=bool(place.used))
        except ValueError:
            if is_painted:
                self.left_out.append(LeftOut("damaged shape"))
            return
        lines = outline.lines
        if place.used:
            self._show(0, outline.points)
        if outline.damaged:
            drawn = [points for points, _ in lines]
            self.left_out.append(LeftOut("damaged path", _box(drawn, place.matrix)))
        if not lines:
            return
        if any(value != "none" for key, value in style.items() if key.startswith("marker")):
            self.left_out.append(LeftOut("arrowhead or other marker"))
        if not is_painted:
            return
        with np.errstate(all="ignore"):  # what is not finite is refused later
            placed = [points @ place.matrix[:2, :2] + place.matrix[2, :2] for points, _ in lines]
        outlined = stroke is None or (stroke == fill and all(closed for _, closed in lines))
        holes = self._regions(placed, style) if fill is not None and outlined else None
        for number, (points, (_, closed)) in enumerate(zip(placed, lines, strict=True)):
            closed = closed or bool((points[0] == points[-1]).all())
            if holes is not None and number not in holes:
                continue
            if not _is_within(points, self._top.clip):
                self.left_out.append(LeftOut("line outside the page", doubtful=False))
            elif _is_within(points, place.clip):
                inside = tuple(placed[hole] for hole in holes[number]) if holes else ()
                yield Painted(points, stroke, fill, width, closed, tag != "path",
                              holes=inside, stamped=bool(place.used))  # fmt: skip

    def _pen(self, tag: str, place: _Place) -> tuple[Colour | None, Colour | None, float]:
        """The colours of the line and the inside of a shape, and how broad its line is: 0 where
        that is not understood."""
        style = place.style
        try:
            width = self._outlines.length(
                style.get("stroke-width"), math.hypot(*place.size) / math.sqrt(2), 1.0
            )
        except ValueError:  # a function that is not understood
            width = math.nan
        stroke = None if width <= 0 else _paint(style, "stroke", "none", place.opacity)
        fill = None if tag == "line" else _paint(style, "fill", "black", place.opacity)
        stretch = math.sqrt(abs(float(np.linalg.det(place.matrix[:2, :2]))))
        return stroke, fill, 0.0 if math.isnan(width) else width * stretch

    def _regions(self, rings: list[Points], style: Style) -> dict[int, list[int]]:
        """The rings of a filled path that are the outside of a region, each with its holes."""
        if not all(np.isfinite(ring).all() for ring in rings):
            return {number: [] for number in range(len(rings))}  # is refused later
        found = regions(rings, style.get("fill-rule", "nonzero").strip() == "evenodd")
        if found is None:
            self.left_out.append(LeftOut("path of very many shapes"))
        return found or {}


def _once(strokes: list[Points]) -> list[Points]:
    """Each stroke once, however often it is drawn at its place."""
    return list({stroke.tobytes(): stroke for stroke in strokes}.values())


def _box(lines: list[Points], matrix: Matrix) -> Box | None:
    """The box of lines that are placed by a matrix; None where there are none."""
    if not sum(map(len, lines)):
        return None
    with np.errstate(all="ignore"):
        points = np.concatenate(lines) @ matrix[:2, :2] + matrix[2, :2]
    (x0, y0), (x1, y1) = points.min(0).tolist(), points.max(0).tolist()
    return (x0, y0, x1, y1) if math.isfinite(x0 + y0 + x1 + y1) else None


def _is_within(points: Points, clip: Box | None) -> bool:
    """Whether a part of a line is seen."""
    if clip is None or not np.isfinite(points).all():
        return True
    (x0, y0), (x1, y1) = points.min(0), points.max(0)
    return bool(x1 >= clip[0] and y1 >= clip[1] and x0 <= clip[2] and y0 <= clip[3])


def _is_understood(child: etree._Element) -> bool:
    """Whether a child of ``switch`` is shown: it asks for no extension."""
    return svg_tag(child) != "" and not (child.get("requiredExtensions") or "").strip()


def _share(text: str | None) -> float:
    """An opacity; 1 where it is none."""
    match = re.fullmatch(r"\s*([-+.\deE]+)\s*(%?)\s*", text or "1")
    try:
        value = float(match[1]) / (100 if match[2] else 1) if match else 1.0
    except ValueError:
        return 1.0
    return min(max(value, 0.0), 1.0)


def _first(text: str | None, full: float) -> float:
    """The first of a list of lengths; 0 where there is none."""
    try:
        return length(re.split(r"[\s,]+", (text or "").strip())[0], full)
    except ValueError:
        return 0.0


def _paint(style: Style, key: str, default: str, opacity: float) -> Colour | None:
    """The colour of the line or the inside; None where it is not painted."""
    text = style.get(key, default).strip()
    if text.lower() == "none":
        return None
    if text.lower() == "currentcolor":
        text = style.get("color", "black")
    unknown = text.startswith(("url(", "context-"))
    colour = UNKNOWN if unknown else colour_of(text) or BLACK
    return colour._replace(alpha=colour.alpha * opacity * _share(style.get(f"{key}-opacity")))
