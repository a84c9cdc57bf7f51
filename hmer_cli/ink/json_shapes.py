"""JSON of well-known programs and services -> the form that `json_strokes.py` reads.

Input: the parsed JSON. Output: an object with ``strokes``, one a page, or the JSON itself where it
is none of these: Mathpix (``x`` and ``y``, a row a stroke), Quick, Draw! (``drawing``), MyScript
(``strokeGroups``, JIIX with its ``items``, and the ``symbols`` of iinkTS), Google's handwriting
service (``requests``), React Native's sketch canvas (``x,y`` as text), free drawing of fabric.js
(``objects``), and tldraw (``records``, or the ``store`` of a snapshot).
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmer_cli.errors import InputError
from hmer_cli.ink.svg_path import check_points, is_path_data, path_lines

LISTS = ("strokes", "ink", "inks", "paths", "lines")
"""Where an object has a list of strokes of its own."""
_BESIDE = ("drawing", "requests", "strokeGroups", "objects")
"""Where programs have strokes that may stand beside such a list."""
LONG = 4
"""Values: a point has x, y, pressure and time at most; what is longer is a row of many points."""
_FABRIC = ("path", "group", "line", "polyline", "image", "rect", "circle", "ellipse", "triangle",
           "polygon", "text", "i-text", "textbox")  # fmt: skip
_MAX_DEPTH = 32  # of JIIX: an expression in an expression; of tldraw: a group in a group
_HELD = ("items", "expressions", "operands", "elements", "children", "words", "rows", "cells")
"""Where JIIX has parts of an element."""
_GROUPED = ("children", "strokes")
"""Where iinkTS has them."""
_TLDRAW_WIDTHS = {"s": 2.0, "m": 3.5, "l": 5.0, "xl": 10.0}


def known_pages(content: Any) -> list[Any]:
    """The JSON of each page with its strokes as a list of objects with ``points``, or as it is.
    Raises KeyError, TypeError, ValueError or AttributeError where it is damaged, InputError for a
    path."""
    found = _known(content)
    paged = found is not content and isinstance(found, dict) and "pages" in found
    return list(found["pages"]) if paged else [found]


def _known(content: Any) -> Any:
    if isinstance(content, list):
        return [_sketch(each) for each in content] if all(map(_is_sketch, content)) else content
    if not isinstance(content, dict):
        return content
    inner = content.get("strokes")
    if isinstance(inner, dict):  # Mathpix's request, strokes in strokes
        return _known(inner)
    if _are_rows(content.get("x")) and _are_rows(content.get("y")):
        columns = zip(content["x"], content["y"], strict=True)
        return {"strokes": [{"x": x, "y": y} for x, y in columns]}
    for key, read in _READERS.items():
        if isinstance(content.get(key), list | dict) and (found := read(content)) is not None:
            return _with_own(found, content) if key in _BESIDE else found
    return content


def _with_own(found: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
    """The strokes of a program's own form, and before them those that are a list of their own, each
    once, as where a program writes both."""
    named = [key for key in LISTS if isinstance(content.get(key), list) and content[key]]
    if not named:
        return found
    own = content[named[0]]
    if not all(map(_may_be_stroke, own)):  # such as lines of text
        return {**{key: content[key] for key in named}, **found}
    if all(map(_are_rows, own)) and any(len(stroke[0]) > LONG for stroke in own):
        own = (_rows(own) or {"strokes": own})["strokes"]
    there = {json.dumps(stroke) for stroke in found["strokes"]}
    strokes = [stroke for stroke in own if json.dumps(stroke) not in there]
    others = {key: content[key] for key in named[1:]}  # is named as left out
    return {**others, **found, "strokes": [*strokes, *found["strokes"]]}


def _may_be_stroke(given: Any) -> bool:
    if isinstance(given, dict):
        return not {"points", "path", "paths", "pointers", "x"}.isdisjoint(given)
    return isinstance(given, list)


def _are_rows(given: Any) -> bool:
    return isinstance(given, list) and bool(given) and all(isinstance(row, list) for row in given)


def _rows(given: Any) -> dict[str, Any] | None:
    """Strokes as rows of x, y and perhaps time."""
    if not isinstance(given, list) or not all(_are_rows(s) and len(s) >= 2 for s in given):
        return None
    return {"strokes": [{"x": stroke[0], "y": stroke[1]} for stroke in given]}


def _requested(content: dict[str, Any]) -> dict[str, Any] | None:
    requests = content["requests"]
    known = [each["ink"] for each in requests if isinstance(each, dict) and "ink" in each]
    return _rows([stroke for ink in known for stroke in ink]) if known else None


def _grouped(content: dict[str, Any]) -> dict[str, Any]:
    """Groups of strokes, as MyScript's batch requests have them."""
    groups = content["strokeGroups"]
    return {"strokes": [stroke for group in groups for stroke in group["strokes"]]}


def _jiix(content: dict[str, Any]) -> dict[str, Any] | None:
    """The strokes of JIIX, the exchange format of MyScript, each once, as they were written."""
    found: dict[Any, Any] = {}
    for number, stroke in enumerate(_items(content, 0)):
        found.setdefault(str(stroke["id"]) if stroke["id"] is not None else number, stroke)
    strokes = list(found.values())
    if all(isinstance(stroke["timestamp"], str) for stroke in strokes):
        strokes.sort(key=lambda stroke: str(stroke["timestamp"]))  # 2018-10-11 11:17:22.306000
    return {"strokes": strokes} if strokes else None


def is_jiix(content: Any) -> bool:
    """Whether this is JIIX with strokes in it."""
    return next(_items(content, 0), None) is not None


def _items(given: Any, depth: int) -> Iterator[dict[str, Any]]:
    if not isinstance(given, dict) or depth > _MAX_DEPTH:
        return
    if isinstance(given.get("X"), list) and isinstance(given.get("Y"), list):
        known = {key: given.get(key) for key in ("id", "timestamp")}
        yield {"x": given["X"], "y": given["Y"], **known}
        return
    for key in _HELD:
        if isinstance(given.get(key), list):
            for each in given[key]:
                yield from _items(each, depth + 1)


def _symbols(content: dict[str, Any]) -> dict[str, Any] | None:
    """The strokes of MyScript's iinkTS, and those in its groups; others are named as their kind."""
    if any(isinstance(content.get(key), list) and content[key] for key in LISTS):
        return None  # beside strokes they are labels of them
    strokes: list[dict[str, Any]] = []
    others: list[str] = []
    todo = [(each, 0) for each in reversed(content["symbols"])]
    while todo:
        symbol, depth = todo.pop()
        inside = [symbol[key] for key in _GROUPED if isinstance(symbol.get(key), list)]
        if "pointers" in symbol:
            strokes.append(symbol)
        elif inside and depth < _MAX_DEPTH:
            todo += [(each, depth + 1) for each in reversed(inside[0])]
        else:
            others.append(str(symbol["type"]))
    return {"strokes": strokes, "shapes": others} if strokes else None


def _is_sketch(given: Any) -> bool:
    """Whether this is a path of React Native's sketch canvas."""
    path = given.get("path") if isinstance(given, dict) else None
    return isinstance(path, dict) and isinstance(path.get("data"), list)


def _sketch(given: dict[str, Any]) -> dict[str, Any]:
    path = given["path"]
    points = [[float(part) for part in str(each).split(",")] for each in path["data"]]
    return {"points": points, "width": path.get("width"), "color": path.get("color")}


def _fabric(content: dict[str, Any]) -> dict[str, Any] | None:
    """The paths of fabric.js; what else is drawn is named as its kind."""
    objects = content["objects"]
    kinds = [str(each.get("type", "")).lower() for each in objects if isinstance(each, dict)]
    if not kinds or len(kinds) < len(objects) or not set(kinds) <= set(_FABRIC):
        return None
    strokes: list[dict[str, Any]] = []
    count = 0
    for each, kind in zip(objects, kinds, strict=True):
        if kind == "path" and each.get("stroke"):
            with np.errstate(all="ignore"):
                strokes += (found := list(_fabric_path(each)))
            count += sum(len(stroke["points"]) for stroke in found)
            check_points(2 * count, "the drawing")  # a list takes more than a row of numbers
    others = [kind for kind in kinds if kind != "path"]
    return {"strokes": strokes, "background": content.get("background"), "shapes": others}


def _fabric_path(given: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A path where it was moved to, scaled and turned about its corner or its middle."""
    path = given["path"]
    if not isinstance(path, str):
        path = " ".join(str(part) for command in path for part in command)
    if not is_path_data(path):
        raise InputError(f"path data is not understood: {path[:40]!r}", "export it again")
    lines = [line for line, _ in path_lines(path, "path")]
    if not lines:
        return
    low = [min(float(line[:, axis].min()) for line in lines) for axis in (0, 1)]
    high = [max(float(line[:, axis].max()) for line in lines) for axis in (0, 1)]
    pen = float(given.get("strokeWidth") or 0)
    angle = math.radians(float(given.get("angle") or 0))
    across, down = float(given.get("scaleX") or 1), float(given.get("scaleY") or 1)
    way = complex(math.cos(angle), math.sin(angle))
    size = [(high[0] - low[0] + pen) * across, (high[1] - low[1] + pen) * down]
    centred = [given.get(key) == "center" for key in ("originX", "originY")]
    half = complex(*(0 if at else side / 2 for at, side in zip(centred, size, strict=True)))
    middle = complex(float(given["left"]), float(given["top"])) + half * way
    for line in lines:  # what is not finite is refused by its place
        x = (line[:, 0] - (low[0] + high[0]) / 2) * across * (-1 if given.get("flipX") else 1)
        y = (line[:, 1] - (low[1] + high[1]) / 2) * down * (-1 if given.get("flipY") else 1)
        placed = (x + 1j * y) * way + middle
        points = [[z.real, z.imag] for z in placed.tolist()]
        keys = ("stroke", "opacity", "visible", "globalCompositeOperation")
        yield {"points": points, "width": pen * math.sqrt(abs(across * down)),
               **{key: given[key] for key in keys if key in given}}  # fmt: skip


def _tldraw(content: dict[str, Any]) -> dict[str, Any] | None:
    """The free lines of tldraw's records, with their place and turn, page by page."""
    given = content.get("records", content.get("store"))
    records = list(given.values()) if isinstance(given, dict) else given
    records = [each for each in records or () if isinstance(each, dict)]
    shapes = [each for each in records if each.get("typeName") == "shape"]
    if not shapes:
        return None
    by_id = {each.get("id"): each for each in shapes}
    held: dict[Any, list[dict[str, Any]]] = {}
    for shape in sorted(shapes, key=lambda each: str(each.get("index")), reverse=True):
        held.setdefault(shape.get("parentId"), []).append(shape)
    listed = [each for each in records if each.get("typeName") == "page"]
    listed.sort(key=lambda each: str(each.get("index")))
    pages = dict.fromkeys(each.get("id") for each in listed)  # those without shapes count, too
    pages |= dict.fromkeys(key for key in held if key not in by_id)
    return {"pages": [_tldraw_page(held.get(page, []), held, by_id) for page in pages]}


def _tldraw_page(
    shapes: list[dict[str, Any]], held: dict[Any, list[dict[str, Any]]], by_id: dict[Any, Any]
) -> dict[str, Any]:
    """The shapes of a page, the last first, and those in their groups."""
    strokes, others, todo = [], [], list(shapes)
    while todo:
        shape = todo.pop()
        kind = shape.get("type")
        if kind in ("draw", "highlight"):
            strokes.append(_tldraw_line(shape, by_id))
        elif kind != "group":
            others.append(kind)
        todo += held.pop(shape.get("id"), ())
    return {"strokes": strokes, "shapes": others}


def _tldraw_line(shape: dict[str, Any], by_id: dict[Any, Any]) -> dict[str, Any]:
    props = shape["props"]
    across, down = float(props.get("scaleX", 1)), float(props.get("scaleY", 1))
    with np.errstate(all="ignore"):  # what is not finite is refused by its place
        parts = [_tldraw_points(segment) for segment in props["segments"]]
        points = np.concatenate([np.zeros(0, np.complex128), *parts])
        points = points.real * across + 1j * (points.imag * down)
        around: Any = shape
        for _ in range(_MAX_DEPTH):  # the groups that it lies in
            if around is None:
                break
            turn = float(around.get("rotation") or 0)
            place = complex(around["x"], around["y"])
            points = points * complex(math.cos(turn), math.sin(turn)) + place
            around = by_id.get(around.get("parentId"))
    if props.get("isClosed"):
        points = np.append(points, points[:1])
    return {
        "x": points.real,
        "y": points.imag,
        "tool": "highlighter" if shape["type"] == "highlight" else "pen",
        "color": str(props.get("color", "black")),
        "width": _TLDRAW_WIDTHS.get(str(props.get("size")), 3.5),
        "opacity": shape.get("opacity", 1.0),
    }


def _tldraw_points(segment: dict[str, Any]) -> NDArray[np.complex128]:
    """The points of a part of a line, x + iy: objects, or in base64, as the ``path`` of tldraw 4:
    the first as 32-bit floats, the others as 16-bit steps from the one before. ``dim`` is 2 where
    they have no pressure. For a while there were 16-bit points as ``points``, too."""
    given = segment["path"] if "path" in segment else segment["points"]
    if isinstance(given, list):
        return np.array([complex(each["x"], each["y"]) for each in given], np.complex128)
    data = base64.b64decode(given, validate=True)
    width = 2 if segment.get("dim") == 2 else 3
    if "path" not in segment:
        table = np.frombuffer(data, "<f2").astype(np.float64).reshape(-1, 3)
    else:
        first, steps = data[: 4 * width], data[4 * width :]
        values = np.concatenate([np.frombuffer(first, "<f4"), np.frombuffer(steps, "<f2")])
        table = values.astype(np.float64).reshape(-1, width).cumsum(axis=0)
    return np.asarray(table[:, 0] + 1j * table[:, 1], np.complex128)


def _snapshot(given: Any) -> dict[str, Any] | None:
    """The strokes of a snapshot of tldraw, as files of other programs hold it."""
    return _tldraw(given) if isinstance(given, dict) and "store" in given else None


_READERS: dict[str, Callable[[dict[str, Any]], dict[str, Any] | None]] = {
    "drawing": lambda content: _rows(content["drawing"]),
    "requests": _requested,
    "strokeGroups": _grouped,
    "objects": _fabric,
    "records": _tldraw,
    "store": _tldraw,
    "document": lambda content: _snapshot(content["document"]),
    "tldraw": lambda content: _snapshot(content["tldraw"]),
    "expressions": _jiix,
    "words": _jiix,
    "elements": _jiix,
    "children": _jiix,
    "items": _jiix,
    "symbols": _symbols,
}
