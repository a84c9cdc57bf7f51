"""Strokes in JSON, as web canvases and note plugins give them -> ink.

Understood are a list of strokes, or an object that has one as ``strokes``, ``ink``, ``inks``,
``paths`` or ``lines``. A stroke is a list of points or an object that has one as ``points``,
``path``, ``paths`` or ``pointers``, or the columns ``x`` and ``y``; a point is ``[x, y, ...]`` or
``{"x": .., "y": ..}``. A stroke that is a flat list of numbers is x0, y0, x1, y1 ...; strokes of
rows ``[[x0, x1, ...], [y0, y1, ...], ...]`` are known by rows that are longer than four. Drawings
of Excalidraw (`excalidraw.py`) and what some programs have instead (`json_shapes.py`) are read,
too. A stroke that is an object may say its tool, colour, width and opacity, by itself or in its
``style``: erasers, and strokes in the colour of the canvas, erase what lies under them;
highlighters are no ink. y points down; units are the file's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmer_cli.errors import InputError
from hmer_cli.ink import excalidraw
from hmer_cli.ink.colours import BLACK, Colour, colour_of
from hmer_cli.ink.ink import Ink, LeftOut, Stroke
from hmer_cli.ink.json_shapes import LISTS, LONG, is_jiix, known_pages
from hmer_cli.ink.painted import Painted, strokes_of
from hmer_cli.ink.strokes import LARGEST, check_count, check_pages, ink_of, stroke_of

Points = NDArray[np.float64]

MAX_BYTES = 32 << 20
"""A larger file is refused: parsed, it would take twenty times the memory."""

_POINTS = ("points", "path", "paths", "pointers")
_OTHERS = ("texts", "images", "shapes")  # not read
_TOOLS = ("tool", "type", "mode", "brush", "pen", "toolType", "pointerType",
          "globalCompositeOperation", "compositeOperation")  # fmt: skip
_MARKERS = ("highlight", "laser")
_ERASES = ("eraser", "isEraser", "erase", "isErasing")
_GONE = ("deleted", "isDeleted", "hidden", "erased")
_COLOURS = ("color", "colour", "strokeColor", "brushColor", "penColor", "strokeStyle", "stroke")
_WIDTHS = ("width", "strokeWidth", "lineWidth", "penWidth", "brushSize", "thickness", "size")
_PAPERS = ("background", "backgroundColor", "viewBackgroundColor", "canvasColor")
_REMEDY = 'write it as {"strokes": [[[x, y], ...], ...]}'


def is_json(data: bytes) -> bool:
    """Whether this may be JSON, by its first character."""
    return data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")


def read_json(data: bytes, name: str) -> list[Ink]:
    """The ink of every page; of all but tldraw there is one. Raises InputError."""
    if len(data) > MAX_BYTES:
        raise InputError(f"{name}: JSON larger than {MAX_BYTES >> 20} MiB", "split it")
    try:
        return _read(data, name)
    except RecursionError as error:  # of what looks into its lists
        raise InputError(f"{name}: JSON that is nested too deep", _REMEDY) from error


def _read(data: bytes, name: str) -> list[Ink]:
    try:
        content = json.loads(data, parse_int=float)  # one too large for a float is infinite
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name}: not valid JSON ({error})", _REMEDY) from error
    is_scene = _is(content) and isinstance(content.get("elements"), list) and not is_jiix(content)
    contents = [content] if is_scene else _known(content, name)
    check_pages(len(contents), name)
    pages = [_page(each, name, is_scene) for each in contents]
    if not any(page.strokes for page in pages):
        left_out = sorted({each.what for page in pages for each in page.left_out})
        what = f", but {', '.join(left_out)}" if left_out else ""
        raise InputError(f"{name}: JSON without strokes{what}", _REMEDY)
    return pages


def _known(content: Any, name: str) -> list[Any]:
    try:
        return known_pages(content)
    except InputError as error:
        raise InputError(f"{name}: {error.what}", error.remedy) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{name}: strokes in it are not understood", _REMEDY) from error


def _page(content: Any, name: str, is_scene: bool) -> Ink:
    """One page; a scene is Excalidraw's. Raises InputError."""
    left_out: list[LeftOut] = []
    if is_scene:
        paper = excalidraw.paper_of(content)
        painted = list(excalidraw.painted_by(content, name, left_out))
    else:
        paper = _paper(content) if _is(content) else None
        painted = _strokes(content, name, left_out)
    check_count(painted, name)
    for number, item in enumerate(painted, start=1):
        stroke_of(item.points, f"{name}: stroke {number}")  # refused where it is not finite
    lines, shapes = strokes_of(painted, paper)
    left_out += shapes
    return ink_of([stroke_of(line, name) for line in lines], name, left_out)


def _strokes(content: Any, name: str, left_out: list[LeftOut]) -> list[Painted]:
    """The strokes of a document that are seen, in order, and its erasers."""
    given: Any = content
    if _is(content):
        named = [key for key in LISTS if key in content]
        given = content[named[0]] if named else None
        others = [*named[1:], *(key for key in _OTHERS if key in content)]
        left_out += [LeftOut(key) for key in others if content[key]]
    if not isinstance(given, list):
        raise InputError(f"{name}: JSON without strokes", _REMEDY)
    rows = all(_is_rows(stroke) for stroke in given) and any(len(s[0]) > LONG for s in given)
    painted: list[Painted] = []
    for number, stroke in enumerate(given, start=1):
        points = _stroke(stroke, rows, f"{name}: stroke {number}").astype(np.float64)
        painted += _painted(points, stroke) if len(points) else []
    return painted


def _painted(points: Points, given: Any) -> Iterator[Painted]:
    """A stroke with its pen, as far as it is known; none where it is hidden, or a highlighter's."""
    if not _is(given):
        yield Painted(points, BLACK)
        return
    given = {**given["style"], **given} if _is(given.get("style")) else given
    tools = [str(given[key]).lower() for key in _TOOLS if isinstance(given.get(key), str)]
    gone = any(given.get(key) is True for key in _GONE) or given.get("visible") is False
    if gone or any(word in tool for word in _MARKERS for tool in tools):
        return
    named = next((given[key] for key in _COLOURS if isinstance(given.get(key), str)), "black")
    colour = colour_of(named) or BLACK
    erases = (
        any("eras" in tool or tool == "destination-out" for tool in tools)
        or any(given.get(key) is True for key in _ERASES)
        or given.get("drawMode") is False
    )
    colour = colour._replace(alpha=colour.alpha * _opacity(given))
    yield Painted(points, colour, width=_width(given), erases=erases)


def _opacity(given: dict[str, Any]) -> float:
    """0 to 1; 1 where it is not given, or as none can be."""
    value = next((given[k] for k in ("opacity", "alpha") if isinstance(given.get(k), float)), 1.0)
    return float(value if value <= 1 else value / 100 if value <= 100 else 1.0)


def _width(given: dict[str, Any]) -> float:
    """The width of the pen; 0 where it is not given. Beside a height it is that of a box."""
    keys = [key for key in _WIDTHS if key != "width" or "height" not in given]
    width = next((given[key] for key in keys if isinstance(given.get(key), float)), 0.0)
    radius = given.get("brushRadius")
    width = 2 * radius if isinstance(radius, float) else width
    return float(width) if 0 < width < LARGEST else 0.0


def _paper(content: dict[str, Any]) -> Colour | None:
    """The colour of the canvas, where it is given."""
    named = next((content[key] for key in _PAPERS if isinstance(content.get(key), str)), "")
    return colour_of(named)


def _is_rows(stroke: Any) -> bool:
    """Whether a stroke may be rows of x, y and more, all of one length."""
    if not isinstance(stroke, list) or not 2 <= len(stroke) <= LONG:
        return False
    if not all(isinstance(row, list) and row for row in stroke):
        return False
    return len({len(row) for row in stroke}) == 1


def _stroke(given: Any, rows: bool, what: str) -> Stroke:
    points = next((given[key] for key in _POINTS if key in given), given) if _is(given) else given
    try:
        if _is(points):
            return stroke_of(np.stack(_xy(points), axis=1), what)
        if rows:
            return stroke_of(np.stack(points[:2], axis=1), what)
        if points and not isinstance(points[0], list | dict):
            return stroke_of(points, what)
        return stroke_of([_point(point) for point in points], what)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(f"{what} is not understood", _REMEDY) from error


def _is(given: Any) -> bool:
    return isinstance(given, dict)


def _point(point: Any) -> Sequence[float]:
    return _xy(point) if _is(point) else (point[0], point[1])


def _xy(given: dict[str, Any]) -> tuple[Any, Any]:
    return (given["x"], given["y"]) if "x" in given else (given["X"], given["Y"])
