"""Elements of an Excalidraw drawing -> what is painted, in order.

Input: the parsed JSON of a file. Output: `Painted` lines and shapes in units of the scene, and what
is left out, such as text and images. Freehand lines, lines, arrows with their heads, rectangles,
diamonds and ellipses are taken with their place and angle; what is deleted or as faint as a marker
is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmer_cli.errors import InputError
from hmer_cli.ink.colours import BLACK, Colour, colour_of
from hmer_cli.ink.ink import LeftOut
from hmer_cli.ink.painted import Painted

Points = NDArray[np.float64]

_FAINTEST = 50  # of 100: the opacity of a marker; convention
_SIDES = 32  # of an ellipse
_HEAD, _SPREAD = 30.0, 20.0  # units and degrees of an arrow head, as Excalidraw draws it
_FREEHAND = 4.25  # times its ``strokeWidth``: the width of a freehand line
_LINES = ("freedraw", "line", "arrow")
_SHAPES = ("rectangle", "diamond", "ellipse")
_SILENT = ("frame", "magicframe", "selection")  # draw nothing of the user's
_NOT_READ = {"text": "text", "image": "image", "embeddable": "embedded page",
             "iframe": "embedded page"}  # fmt: skip


def paper_of(content: dict[str, Any]) -> Colour | None:
    """The colour of the canvas, where the file says it."""
    state = content.get("appState")
    named = state.get("viewBackgroundColor") if isinstance(state, dict) else None
    return colour_of(named) if isinstance(named, str) else None


def painted_by(content: dict[str, Any], name: str, left_out: list[LeftOut]) -> Iterator[Painted]:
    """What the elements paint, in order; what is not read is added to ``left_out``.

    ``name`` is that of the file, for errors. Raises InputError.
    """
    for number, element in enumerate(content["elements"], start=1):
        kind = element.get("type") if isinstance(element, dict) else None
        if kind is None or element.get("isDeleted") or _is_faint(element) or kind in _SILENT:
            continue
        try:
            if kind in _LINES or kind in _SHAPES:
                with np.errstate(all="ignore"):  # what is not finite is refused by its place
                    yield from _element(element, kind)
            elif kind != "text" or str(element.get("text") or "").strip():
                left_out.append(LeftOut(_NOT_READ.get(kind, str(kind)[:40]), _box(element)))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            what = f"{name}: element {number} ({str(kind)[:40]}) is not understood"
            raise InputError(what, "save it again") from error


def _is_faint(element: dict[str, Any]) -> bool:
    opacity = element.get("opacity")
    return isinstance(opacity, float) and opacity <= _FAINTEST


def _box(element: dict[str, Any]) -> tuple[float, float, float, float] | None:
    values = [element.get(key) for key in ("x", "y", "width", "height")]
    if not all(isinstance(value, float) for value in values):
        return None
    x, y, width, height = map(float, values)  # type: ignore[arg-type]
    return x, y, x + width, y + height


def _element(element: dict[str, Any], kind: str) -> Iterator[Painted]:
    place = np.array([element["x"], element["y"]], np.float64)
    colour = _colour(element, "strokeColor", BLACK)
    width = float(element.get("strokeWidth") or 0.0) * (_FREEHAND if kind == "freedraw" else 1)
    if kind in _SHAPES:
        points = _outline(kind, float(element["width"]), float(element["height"]))
    else:
        points = np.array([point[:2] for point in element["points"]], np.float64).reshape(-1, 2)
    if not len(points):
        return
    fill = _colour(element, "backgroundColor", None)
    if kind == "arrow" or element.get("fillStyle", "solid") != "solid":
        fill = None
    closed = kind in _SHAPES or (len(points) > 2 and bool((points[0] == points[-1]).all()))
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    lines = [points, *(_heads(element, points) if kind == "arrow" else [])]
    for line in lines:
        turned = _turned(line - middle, element.get("angle") or 0.0) + middle + place
        yield Painted(turned, colour, fill if closed else None, width, closed, kind in _SHAPES)


def _colour(element: dict[str, Any], key: str, default: Colour | None) -> Colour | None:
    named = element.get(key)
    return (colour_of(named) or default) if isinstance(named, str) else default


def _outline(kind: str, width: float, height: float) -> Points:
    """The outline of a shape, closed, from its top left corner."""
    if kind == "ellipse":
        angles = np.linspace(0, 2 * np.pi, _SIDES + 1)
        circle = np.stack([1 + np.cos(angles), 1 + np.sin(angles)], axis=1) / 2
        return circle * (width, height)
    corners = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]
    if kind == "diamond":
        corners = [(0.5, 0), (1, 0.5), (0.5, 1), (0, 0.5), (0.5, 0)]  # type: ignore[list-item]
    return np.array(corners) * (width, height)


def _heads(element: dict[str, Any], points: Points) -> Iterator[Points]:
    """The heads of an arrow, each one line of two strokes; whatever their form."""
    ends = ((points[::-1], element.get("startArrowhead")),
            (points, element.get("endArrowhead", "arrow")))  # fmt: skip
    for line, form in ends:
        if form is None or len(line) < 2:
            continue
        back = line[-2] - line[-1]
        length = float(np.hypot(*back))
        if length > 0:
            side = back / length * min(_HEAD, length / 2)
            spread = np.radians(_SPREAD)
            yield np.stack([_turned(side, spread), np.zeros(2), _turned(side, -spread)]) + line[-1]


def _turned(points: Points, angle: float) -> Points:
    """Points, or one, turned about the origin by an angle in radians."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.asarray(points @ np.array([[cos, sin], [-sin, cos]]))
