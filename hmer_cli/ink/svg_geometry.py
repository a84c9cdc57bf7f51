"""Geometry of SVG elements: lengths, transforms, viewports and basic shapes.

Input: attributes. Output: lengths in user units, matrices for rows (x, y, 1), and the outlines of
shapes (N, 2) with whether they are closed. (SVG 1.1, chapters 7 to 9; CSS Transforms 2.)
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from hmer_cli.errors import InputError
from hmer_cli.ink.css_math import evaluate, is_function
from hmer_cli.ink.svg_path import NUMBER, Points, is_path_data, path_lines

Matrix = NDArray[np.float64]
LENGTHS = frozenset("stroke-width x y width height cx cy r rx ry".split())
"""The properties that are lengths."""
TRANSFORMS = {"translate": "translate3d", "rotate": "rotate", "scale": "scale3d"}
"""The properties that are transforms, in their order before ``transform``, as functions of it."""
Get = Callable[[str], str | None]
"""The attribute or property of an element by its name."""

_TRANSFORM = re.compile(r"(\w{1,20})\s*\(([^()]*)\)")  # linear in any text
_WORD = re.compile(r"(?:[^\s()]|\((?:[^()]|\([^()]*\))*\))+")  # a function is one
_LENGTH = re.compile(rf"\s*+((?>{NUMBER}))\s*+([A-Za-z]{{1,5}}|%)?+\s*+")
_ARGUMENT = re.compile(rf"{NUMBER}[A-Za-z%]*")  # numbers may touch: ``.5.5``, ``10-5``
_UNITS = {"": 1.0, "px": 1.0, "pt": 4 / 3, "pc": 16.0, "mm": 96 / 25.4, "cm": 96 / 2.54,
          "in": 96.0, "q": 96 / 101.6, "em": 16.0, "rem": 16.0, "ex": 8.0, "rex": 8.0, "ch": 8.0,
          "rch": 8.0, "ic": 16.0, "ric": 16.0, "cap": 11.2, "rcap": 11.2, "lh": 19.2,
          "rlh": 19.2}  # fmt: skip
"""CSS Values 4, section 6; those of the font for one of 16 px."""
_OF_WINDOW = re.compile(r"[sld]?v([whib]|min|max)")
_POSITIVE = frozenset("stroke-width width height r rx ry".split())
_MAY_BE_AUTO = frozenset("width height rx ry".split())
_ANGLE = re.compile(rf"\s*+((?>{NUMBER}))\s*+(deg|rad|grad|turn)?+\s*+", re.IGNORECASE)
_ANGLES = {"": 1.0, "deg": 1.0, "rad": 180 / math.pi, "grad": 0.9, "turn": 360.0}
_SIDES = 32  # of a circle
_SIDES_NAMED = {"left": "0%", "top": "0%", "center": "50%", "right": "100%", "bottom": "100%"}
_ALIGNED = {"min": 0.0, "mid": 0.5, "max": 1.0}


def length(
    text: str | None, full: float, default: float = 0.0, window: tuple[float, float] | None = None
) -> float:
    """A length in user units; ``full`` is what 100 % is, and ``window`` the width and height that
    ``vw`` and ``vh`` are of. Raises ValueError for what is none, or not understood."""
    if text is None or text.strip() in ("", "auto"):
        return default

    def unit(name: str) -> float:
        return full / 100 if name == "%" else _unit(name, window)

    if is_function(text):
        return evaluate(text, unit)
    match = _LENGTH.fullmatch(text)
    if match is None:
        raise ValueError(text[:40])
    return float(match[1]) * unit((match[2] or "").lower())


def _unit(unit: str, window: tuple[float, float] | None) -> float:
    if unit in _UNITS:
        return _UNITS[unit]
    match = _OF_WINDOW.fullmatch(unit)
    if match is None or window is None:
        raise ValueError(unit)
    wide, high = window
    sides = {"w": wide, "i": wide, "h": high, "b": high, "min": min(window), "max": max(window)}
    return sides[match[1]] / 100


def is_valid(name: str, text: str) -> bool:
    """Whether a property has a value that CSS knows; else it counts as not given. Only lengths are
    looked at, and what is empty; a function counts, understood or not."""
    if not text.strip():
        return False
    if name not in LENGTHS or is_function(text):
        return True
    if text.strip().lower() == "auto":
        return name in _MAY_BE_AUTO
    try:
        return length(text, 1.0, window=(1.0, 1.0)) >= 0 or name not in _POSITIVE
    except ValueError:
        return False


def numbers(text: str) -> list[float]:
    """The numbers in a text."""
    return [float(number) for number in re.findall(NUMBER, text)]


def view_box(text: str | None) -> tuple[float, float, float, float] | None:
    """x, y, width and height of a viewBox; None where there is none."""
    found = numbers(text or "")
    if len(found) != 4 or found[2] <= 0 or found[3] <= 0:
        return None
    return found[0], found[1], found[2], found[3]


def viewport(
    box: tuple[float, float, float, float], size: tuple[float, float], aspect: str
) -> Matrix:
    """From the user space of a viewBox to a viewport of this width and height at the origin;
    ``aspect`` is ``preserveAspectRatio``."""
    x, y, width, height = box
    across, down = size[0] / width, size[1] / height
    places = re.match(r"\s*x(Min|Mid|Max)Y(Min|Mid|Max)", aspect)
    share = [_ALIGNED[p.lower()] for p in places.groups()] if places else [0.5, 0.5]
    if "none" not in aspect:
        across = down = max(across, down) if "slice" in aspect else min(across, down)
    left = (size[0] - width * across) * share[0] - x * across
    top = (size[1] - height * down) * share[1] - y * down
    return np.array([[across, 0, 0], [0, down, 0], [left, top, 1]])


def transform_of(style: Mapping[str, str], size: tuple[float, float]) -> Matrix:
    """The matrix of an element with this style, in a viewport of this size (CSS Transforms 2,
    section 3). Raises InputError for what is not understood."""
    origin = style.get("transform-origin", "")
    if origin and style.get("transform-box", "view-box") != "view-box":
        origin = "of the shape itself"  # is not understood, where it matters
    given = [_as_function(key, style[key], size) for key in TRANSFORMS if key in style]
    return transform(" ".join([*given, style.get("transform", "")]), origin, size)


def _as_function(kind: str, value: str, size: tuple[float, float]) -> str:
    """``translate: 1px 50%`` as a function of ``transform``, in a viewport of this size."""
    words = _WORD.findall(value.lower())
    if kind == "rotate" and len(words) == 2 and "z" in words:
        words.remove("z")
    if words == ["none"]:
        return ""
    try:
        if kind == "translate":
            words = [f"{length(*each):f}" for each in zip(words, (*size, math.nan), strict=False)]
        if not 0 < len(words) <= (1 if kind == "rotate" else 3) or "nan" in words:
            raise ValueError(kind)
        transform(found := f"{TRANSFORMS[kind]}({' '.join(words)})")
    except (InputError, ValueError) as error:
        what = f"{kind} {value[:40]!r} is not understood"
        raise InputError(what, "export it again") from error
    return found


def transform(
    text: str, origin: str = "", size: tuple[float, float] = (math.nan, math.nan)
) -> Matrix:
    """A list of transforms, of an attribute or of CSS, as one matrix, about an ``origin`` (two
    lengths, or such as ``center``) in a viewport of this size. Raises InputError for what is not
    understood."""
    total = np.eye(3)
    for kind, arguments in _TRANSFORM.findall(text):
        try:
            total = _matrix(kind, arguments) @ total
        except (IndexError, ValueError) as error:
            raise InputError(f"transform {kind!r} is not understood", "export it again") from error
    parts = [_SIDES_NAMED.get(part, part) for part in origin.lower().split()]
    if parts and not np.array_equal(total[:2, :2], np.eye(2)):
        try:
            x, y = length(parts[0], size[0]), length((*parts, "50%")[1], size[1])
        except ValueError:
            x = y = math.nan
        if not math.isfinite(x + y):
            raise InputError(f"transform-origin {origin!r} is not understood", "export it again")
        total = _moved(-x, -y) @ total @ _moved(x, y)
    return total


def _moved(x: float, y: float) -> Matrix:
    return np.array([[1, 0, 0], [0, 1, 0], [x, y, 1]])


def _matrix(kind: str, arguments: str) -> Matrix:
    parts = _ARGUMENT.findall(arguments)
    if _ARGUMENT.sub("", arguments).replace(",", " ").strip():
        raise ValueError(arguments)
    if kind in ("rotate", "rotateZ"):  # the others turn out of the plane
        middle = [length(part, 0) for part in parts[1:3]]
        return _turned(_angle(parts[0]), *(middle if len(middle) == 2 else (0, 0)))
    if kind.startswith("skew"):
        angles = [math.tan(math.radians(_angle(part))) for part in parts]
        x, y = (0.0, angles[0]) if kind == "skewY" else (angles[0], (*angles, 0.0)[1])
        return np.array([[1, y, 0], [x, 1, 0], [0, 0, 1]])
    v = [length(part, 1.0 if kind.startswith("scale") else math.nan) for part in parts]
    if any(map(math.isnan, v)):
        raise ValueError(arguments)  # a percentage of the shape
    if kind == "matrix":
        a, b, c, d, e, f = v
        return np.array([[a, b, 0], [c, d, 0], [e, f, 1]])
    if kind in ("translate", "translateX", "translate3d"):
        return _moved(v[0], v[1] if len(v) > 1 else 0)
    if kind == "translateY":
        return _moved(0, v[0])
    if kind in ("scale", "scale3d"):
        return np.diag([v[0], v[1] if len(v) > 1 else v[0], 1])
    if kind in ("scaleX", "scaleY"):
        return np.diag([v[0], 1, 1] if kind == "scaleX" else [1, v[0], 1])
    raise ValueError(kind)


def _angle(text: str) -> float:
    match = _ANGLE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return float(match[1]) * _ANGLES[(match[2] or "").lower()]


def _turned(degrees: float, x: float, y: float) -> Matrix:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return _moved(-x, -y) @ np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]]) @ _moved(x, y)


_NO_NUMBER = re.compile(r"[^\s,\d.eE+-]")
SHAPES = frozenset(("path", "line", "polyline", "polygon", "rect", "circle", "ellipse"))


def outlines(
    tag: str, get: Get, size: tuple[float, float], window: tuple[float, float]
) -> list[tuple[Points, bool]]:
    """The lines of a shape (N, 2), and whether each is closed, in its user space.

    ``size`` is that of the viewport, for percentages, and ``window`` as in `length`. Raises
    InputError for a path, and ValueError for what is no length.
    """
    wide, high = size

    def of(key: str, full: float) -> float:
        return length(get(key), full, window=window)

    if tag == "path":
        return path_lines(get("d") or "", "path")
    if tag == "line":
        ends = [of(key, full) for key, full in _pairs("x1 y1 x2 y2", size)]
        return [(np.array(ends).reshape(-1, 2), False)]
    if tag in ("polyline", "polygon"):
        listed = re.finditer(NUMBER, _NO_NUMBER.split(get("points") or "", maxsplit=1)[0])
        found = np.fromiter((float(number[0]) for number in listed), np.float64)
        points = found[: len(found) // 2 * 2].reshape(-1, 2)
        closed = tag == "polygon"
        if closed and len(points):
            points = np.concatenate([points, points[:1]])
        return [(points, closed)] if len(points) else []
    if tag == "rect":
        x, y, width, height = (of(k, f) for k, f in _pairs("x y width height", size))
        if width <= 0 or height <= 0:
            return []
        corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y)]
        return [(np.array(corners), True)]
    x, y = (of(key, full) for key, full in _pairs("cx cy", size))
    diagonal = math.hypot(wide, high) / math.sqrt(2)
    if tag == "circle":
        across = down = of("r", diagonal)
    else:
        across, down = of("rx", wide), of("ry", high)
        across, down = (
            across or down,
            down or across,
        )  # SVG 2: one that is not given is as the other
    if across <= 0 or down <= 0:
        return []
    angles = np.linspace(0, 2 * np.pi, _SIDES + 1)
    return [(np.stack([x + across * np.cos(angles), y + down * np.sin(angles)], axis=1), True)]


def is_damaged(tag: str, get: Get) -> bool:
    """Whether some of a line is not drawn, as there is an error in its data: browsers draw it up to
    there."""
    if tag in ("polyline", "polygon"):
        return _NO_NUMBER.search(get("points") or "") is not None
    return tag == "path" and not is_path_data(get("d") or "")


def _pairs(keys: str, size: tuple[float, float]) -> list[tuple[str, float]]:
    """Each attribute with what is its 100 %."""
    return [(key, size[number % 2]) for number, key in enumerate(keys.split())]
