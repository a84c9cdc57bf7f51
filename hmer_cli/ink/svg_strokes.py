"""SVG drawings -> ink: what is drawn by a line is a stroke, what is filled a pen's outline.

Read are ``path`` (SVG 1.1, section 8.3), ``polyline`` and ``line`` with the transforms around them;
curves become short lines. Boxes, circles, text and images are no strokes. Coordinates are those of
the drawing's user space (its viewBox).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from lxml import etree
from numpy.typing import NDArray

from hmer_cli.errors import InputError
from hmer_cli.ink.centre_line import centre_line
from hmer_cli.ink.ink import Ink, Stroke
from hmer_cli.ink.packed_text import parse_xml
from hmer_cli.ink.strokes import ink_of, stroke_of

Matrix = NDArray[np.float64]

_HIDDEN = frozenset(("defs", "symbol", "clipPath", "mask", "pattern", "marker", "metadata"))
_MISFIT = 0.35  # of the pen's width: as in PDF
_OPAQUE = 0.6  # what lets more through is a highlighter
_PIECES = 5  # lines for a curve
_MAX_DEPTH = 200

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_TOKENS = re.compile(rf"[MmLlHhVvCcSsQqTtAaZz]|{_NUMBER}")
_COMMAND = re.compile(r"[ \t\r\n,]*([MmLlHhVvCcSsQqTtAaZz]?)")
_TRANSFORM = re.compile(r"(\w{1,20})\s*\(([^()]*)\)")  # linear in any text
_KINDS = "nn nn n n nnnnnn nnnn nnnn nn nnnffnn".split()  # n: number, f: flag, one character
_PATTERNS = {"n": rf"[ \t\r\n,]*+((?>{_NUMBER}))", "f": r"[ \t\r\n,]*+([01])"}
_ARGUMENTS = {
    command: re.compile("".join(_PATTERNS[kind] for kind in kinds))
    for command, kinds in zip("MLHVCSQTAZ", [*_KINDS, ""], strict=True)
}


def is_svg(data: bytes) -> bool:
    """Whether this is an SVG drawing."""
    return re.search(rb"<(\w+:)?svg[\s>]", data[:4000]) is not None


def read_svg(data: bytes, name: str) -> list[Ink]:
    """The ink of the drawing, as one page. Raises InputError."""
    root = parse_xml(data, name)
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused by its place
        strokes = list(_drawn(root, np.eye(3), {}, name, 0))
    if not strokes:
        raise InputError(f"{name}: no strokes in it", "give a drawing of lines, or an image")
    return [ink_of(strokes, name)]


def _drawn(
    element: etree._Element, outer: Matrix, style: dict[str, str], name: str, depth: int
) -> Iterator[Stroke]:
    """The strokes of an element and those inside it, in the order of drawing."""
    if not isinstance(element.tag, str):
        return
    if depth > _MAX_DEPTH:
        raise InputError(f"{name}: nested deeper than {_MAX_DEPTH} elements", "export it again")
    tag = etree.QName(element).localname
    style = {**style, **_style(element)}
    if tag in _HIDDEN or style.get("display") == "none" or style.get("visibility") == "hidden":
        return
    matrix = _transform(element.get("transform") or "", name) @ outer
    for points in _lines(element, tag, name):
        with np.errstate(all="ignore"):  # what is not finite is refused below
            placed = points @ matrix[:2, :2] + matrix[2, :2]
        stroke = _stroke(placed, style)
        if stroke is not None:
            yield stroke_of(stroke, f"{name}: {tag}")
    for child in element:
        yield from _drawn(child, matrix, style, name, depth + 1)


def _style(element: etree._Element) -> dict[str, str]:
    """The properties that an element sets, as attributes or in its style."""
    known = ("fill", "stroke", "display", "visibility", "opacity", "stroke-opacity", "fill-opacity")
    found = {key: value for key in known if (value := element.get(key)) is not None}
    for part in (element.get("style") or "").split(";"):
        key, _, value = part.partition(":")
        if key.strip() in known:
            found[key.strip()] = value.strip()
    return found


def _stroke(points: Matrix, style: dict[str, str]) -> Matrix | None:
    """The stroke that a line or the outline of a pen is; None where it is neither."""
    if style.get("stroke", "none") != "none":
        return points if _is_opaque(style, "stroke-opacity") else None
    if style.get("fill", "black") == "none" or len(points) < 3:
        return None
    line = centre_line(points) if _is_opaque(style, "fill-opacity") else None
    return line.points if line is not None and line.misfit <= _MISFIT else None


def _is_opaque(style: dict[str, str], own: str) -> bool:
    try:
        return float(style.get("opacity", 1)) * float(style.get(own, 1)) >= _OPAQUE
    except ValueError:
        return True


def _lines(element: etree._Element, tag: str, name: str) -> list[Matrix]:
    if tag == "path":
        return _path(element.get("d") or "", f"{name}: path")
    if tag == "polyline":
        numbers = [float(n) for n in re.findall(_NUMBER, element.get("points") or "")]
        return [np.array(numbers[: len(numbers) // 2 * 2]).reshape(-1, 2)] if numbers else []
    if tag == "line":
        given = [(element.get(key) or "0").removesuffix("px") for key in ("x1", "y1", "x2", "y2")]
        try:
            return [np.array(list(map(float, given))).reshape(-1, 2)]
        except ValueError as error:
            raise InputError(f"{name}: line from {given[:2]} to {given[2:]}") from error
    return []


def _transform(text: str, name: str) -> Matrix:
    """A list of transforms as one matrix, for rows (x, y, 1)."""
    total = np.eye(3)
    for kind, arguments in _TRANSFORM.findall(text):
        values = [float(n) for n in re.findall(_NUMBER, arguments)]
        try:
            total = _matrix(kind, values) @ total
        except (IndexError, ValueError) as error:
            raise InputError(f"{name}: transform {kind!r} is not understood") from error
    return total


def _matrix(kind: str, v: list[float]) -> Matrix:
    if kind == "matrix":
        a, b, c, d, e, f = v
        return np.array([[a, b, 0], [c, d, 0], [e, f, 1]])
    if kind == "translate":
        return np.array([[1, 0, 0], [0, 1, 0], [v[0], v[1] if len(v) > 1 else 0, 1]])
    if kind == "scale":
        return np.diag([v[0], v[1] if len(v) > 1 else v[0], 1])
    if kind == "rotate":
        cos, sin = math.cos(math.radians(v[0])), math.sin(math.radians(v[0]))
        turned = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
        if len(v) < 3:
            return turned
        return _matrix("translate", [-v[1], -v[2]]) @ turned @ _matrix("translate", v[1:3])
    if kind in ("skewX", "skewY"):
        slope = math.tan(math.radians(v[0]))
        x, y = (slope, 0.0) if kind == "skewX" else (0.0, slope)
        return np.array([[1, y, 0], [x, 1, 0], [0, 0, 1]])
    raise ValueError(kind)


def _path(text: str, what: str) -> list[Matrix]:
    """The subpaths of path data, curves as short lines."""
    if _TOKENS.sub("", text).strip(" \t\r\n,"):
        raise InputError(f"{what} data is not understood: {text[:40]!r}", "export it again")
    pen = _Pen()
    text = text.rstrip(" \t\r\n,")
    command, at = "", 0
    while at < len(text):
        found = _COMMAND.match(text, at)
        if found is not None and found[1]:
            command, at = found[1], found.end()
        elif command.upper() in ("", "Z"):
            raise InputError(f"{what} data has numbers without a command", "export it again")
        values = _ARGUMENTS[command.upper()].match(text, at)
        if values is None:
            break  # an error in path data ends the path: SVG 1.1, F.2
        pen.draw(command, [float(value) for value in values.groups()])
        at = values.end()
        command = {"M": "L", "m": "l"}.get(command, command)
    return [np.array(line) for line in pen.lines if line]


class _Pen:
    """Path commands as lines."""

    def __init__(self) -> None:
        self.lines: list[list[tuple[float, float]]] = []
        self._here = self._start = 0j
        self._control: tuple[str, complex] = ("", 0j)

    def draw(self, command: str, values: list[float]) -> None:
        """One command with its numbers."""
        kind = command.upper()
        origin = self._here if command.islower() else 0j
        if kind == "H":
            self._line(complex(origin.real + values[0], self._here.imag))
        elif kind == "V":
            self._line(complex(self._here.real, origin.imag + values[0]))
        elif kind == "Z":
            self._line(self._start)
        elif kind == "A":
            self._arc(values, origin + complex(*values[5:]))
        else:
            ends = [origin + complex(x, y) for x, y in zip(values[::2], values[1::2], strict=True)]
            self._curve(kind, ends)
        if kind not in "CSQT":
            self._control = ("", 0j)

    def _curve(self, kind: str, ends: list[complex]) -> None:
        if kind == "M":
            self._here = self._start = ends[0]
            self.lines.append([(ends[0].real, ends[0].imag)])
            return
        if kind in "ST":
            before = ("C", "S") if kind == "S" else ("Q", "T")
            mirrored = 2 * self._here - self._control[1]
            ends = [mirrored if self._control[0] in before else self._here, *ends]
        if kind in "CSQT":
            self._control = (kind, ends[-2])
        self._bezier(ends)

    def _bezier(self, ends: list[complex]) -> None:
        points = [self._here, *ends]
        pieces = 1 if len(points) == 2 else _PIECES
        for step in range(1, pieces + 1):
            t, line = step / pieces, points
            while len(line) > 1:  # de Casteljau
                line = [a * (1 - t) + b * t for a, b in pairwise(line)]
            self._line(line[0])

    def _line(self, end: complex) -> None:
        if not self.lines:
            self.lines.append([(self._here.real, self._here.imag)])
        self.lines[-1].append((end.real, end.imag))
        self._here = end

    def _arc(self, values: list[float], end: complex) -> None:
        """An elliptical arc by its centre (SVG 1.1, F.6.5)."""
        rx, ry, turn = abs(values[0]), abs(values[1]), math.radians(values[2])
        if not (rx and ry) or end == self._here:
            return self._line(end)
        way = complex(math.cos(turn), math.sin(turn))
        half = (self._here - end) / 2 / way
        x, y = half.real / rx, half.imag / ry
        reach = math.hypot(x, y)
        if reach > 1:
            rx, ry, x, y = rx * reach, ry * reach, x / reach, y / reach
        rest = math.sqrt(max(1 / max(x * x + y * y, 1e-12) - 1, 0))
        side = rest if bool(values[3]) != bool(values[4]) else -rest
        middle = complex(y * side, -x * side)
        begin = math.atan2(y - middle.imag, x - middle.real)
        sweep = math.atan2(-y - middle.imag, -x - middle.real) - begin
        sweep += 2 * math.pi * ((sweep < 0) - (sweep > 0)) * (bool(values[4]) != (sweep > 0))
        centre = (self._here + end) / 2 + complex(middle.real * rx, middle.imag * ry) * way
        pieces = max(2, math.ceil(abs(sweep) / 0.3))
        for step in range(1, pieces):
            angle = begin + sweep * step / pieces
            self._line(centre + complex(rx * math.cos(angle), ry * math.sin(angle)) * way)
        return self._line(end)
