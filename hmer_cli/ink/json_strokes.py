"""Strokes in JSON, as web canvases and note plugins give them -> ink.

Understood are a list of strokes, or an object that has one as ``strokes``, ``ink`` or ``paths``.
A stroke is a list of points or an object that has one as ``points`` or ``path``, or the columns
``x`` and ``y``; a point is ``[x, y, ...]`` or ``{"x": .., "y": ..}``. A stroke that is a flat list
of numbers is x0, y0, x1, y1 ...; strokes of rows ``[[x0, x1, ...], [y0, y1, ...], ...]`` are known
by rows that are longer than four. Excalidraw's drawings (``elements`` of the type ``freedraw``) are
read, too. y points down; units are the file's own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from hmer_cli.errors import InputError
from hmer_cli.ink.ink import Ink, Stroke
from hmer_cli.ink.strokes import ink_of, stroke_of

MAX_BYTES = 32 << 20
"""A larger file is refused: parsed, it would take twenty times the memory."""

_LISTS = ("strokes", "ink", "paths")
_POINTS = ("points", "path")
_LONG = 4  # values: a point has x, y, pressure and time at most
_REMEDY = 'write it as {"strokes": [[[x, y], ...], ...]}'


def is_json(data: bytes) -> bool:
    """Whether this may be JSON, by its first character."""
    return data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")


def read_json(data: bytes, name: str) -> list[Ink]:
    """The ink of the file, as one page. Raises InputError."""
    if len(data) > MAX_BYTES:
        raise InputError(f"{name}: JSON larger than {MAX_BYTES >> 20} MiB", "split it")
    try:
        content = json.loads(data, parse_int=float)  # one too large for a float is infinite
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name}: not valid JSON ({error})", _REMEDY) from error
    given = _given(content)
    if not isinstance(given, list) or not given:
        raise InputError(f"{name}: JSON without strokes", _REMEDY)
    rows = all(_is_rows(stroke) for stroke in given) and any(len(s[0]) > _LONG for s in given)
    strokes = [_stroke(s, rows, f"{name}: stroke {n}") for n, s in enumerate(given, start=1)]
    ink = ink_of(strokes, name)
    if not ink.strokes:
        raise InputError(f"{name}: JSON without strokes", _REMEDY)
    return [ink]


def _given(content: Any) -> Any:
    """The list of strokes of a document."""
    if not isinstance(content, dict):
        return content
    if isinstance(content.get("elements"), list):
        return [_freedraw(each) for each in content["elements"] if _is_freedraw(each)]
    return next((content[key] for key in _LISTS if key in content), None)


def _is_freedraw(element: Any) -> bool:
    if not isinstance(element, dict) or element.get("isDeleted"):
        return False
    opacity = element.get("opacity")
    marker = isinstance(opacity, float) and opacity <= 50
    return element.get("type") == "freedraw" and not marker


def _freedraw(element: dict[str, Any]) -> list[list[float]]:
    """A stroke of Excalidraw: points from its place; a turned one is turned about its middle."""
    try:
        points = np.array([point[:2] for point in element["points"]], np.float64)
        with np.errstate(all="ignore"):  # what is not finite is refused by its place
            middle = (points.min(axis=0) + points.max(axis=0)) / 2
            cos, sin = np.cos(element.get("angle") or 0), np.sin(element.get("angle") or 0)
            turned = (points - middle) @ np.array([[cos, sin], [-sin, cos]]) + middle
            return list((turned + np.array([element["x"], element["y"]])).tolist())
    except (KeyError, TypeError, ValueError, IndexError):
        return []


def _is_rows(stroke: Any) -> bool:
    """Whether a stroke may be rows of x, y and more, all of one length."""
    if not isinstance(stroke, list) or not 2 <= len(stroke) <= _LONG:
        return False
    if not all(isinstance(row, list) and row for row in stroke):
        return False
    return len({len(row) for row in stroke}) == 1


def _stroke(given: Any, rows: bool, what: str) -> Stroke:
    points = next((given[key] for key in _POINTS if key in given), given) if _is(given) else given
    try:
        if _is(points):
            return stroke_of(np.stack([points["x"], points["y"]], axis=1), what)
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
    return (point["x"], point["y"]) if _is(point) else (point[0], point[1])
