"""Path data of SVG -> lines (SVG 1.1, section 8.3); curves become short lines.

Input: the text of a ``d`` attribute. Output: its subpaths, (N, 2) each, and which of them are
closed. An error in the data ends the path, as browsers have it.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hmer_cli.errors import InputError

Points = NDArray[np.float64]

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"

MAX_POINTS = 10_000_000
"""Of the lines of a drawing, each of which counts as some more; 50,000 strokes of curves have half
as many."""

_LINE = 10  # points that a line counts as, beside its own
_PIECES = 5  # lines for a curve
_LARGEST = 1e12  # before any transform; sums and products of such are finite
_SPACE = " \t\r\n,"
_TOKENS = re.compile(rf"[MmLlHhVvCcSsQqTtAaZz]|{NUMBER}")
_COMMAND = re.compile(r"[ \t\r\n,]*([MmLlHhVvCcSsQqTtAaZz]?)")
_KINDS = "nn nn n n nnnnnn nnnn nnnn nn nnnffnn".split()  # n: number, f: flag, one character
_PATTERNS = {"n": rf"[ \t\r\n,]*+((?>{NUMBER}))", "f": r"[ \t\r\n,]*+([01])"}
_ARGUMENTS = {
    command: re.compile("".join(_PATTERNS[kind] for kind in kinds))
    for command, kinds in zip("MLHVCSQTAZ", [*_KINDS, ""], strict=True)
}


def path_lines(text: str, what: str) -> list[tuple[Points, bool]]:
    """The subpaths of path data, curves as short lines; with each, whether it is closed.

    ``what`` names the path in errors. Raises InputError for places that no drawing has.
    """
    pen = _Pen(what)
    text = text.rstrip(_SPACE)
    command, at = "", 0
    while at < len(text):
        named = _COMMAND.match(text, at)
        if named is not None and named[1]:
            command, at = named[1], named.end()
        elif command.upper() in ("", "Z"):
            break
        if command.upper() != "M" and not pen.lines:
            break  # nothing has a place before the first move
        values = _ARGUMENTS[command.upper()].match(text, at)
        if values is None:
            break  # an error in path data ends the path: SVG 1.1, F.2
        found = [float(value) for value in values.groups()]
        if not all(abs(value) <= _LARGEST for value in found):
            raise InputError(f"{what} has a coordinate beyond {_LARGEST:g}", "export it again")
        pen.draw(command, found)
        at = values.end()
        command = {"M": "L", "m": "l"}.get(command, command)
    drawn = zip(pen.lines, pen.closed, strict=True)
    return [
        (np.array(line).reshape(-1, 2), closed)
        for line, closed in drawn
        if len(line) > 2  # a move alone draws nothing: SVG 1.1, 11.4
    ]


def cost(lines: Iterable[tuple[Points, bool]]) -> int:
    """The points that lines count as."""
    return sum(len(points) + _LINE for points, _ in lines)


def check_points(count: int, what: str) -> None:
    """Raises InputError where there are too many to be held in memory."""
    if count > MAX_POINTS:
        raise InputError(f"{what} has more than {MAX_POINTS:,} points", "split it")


def is_path_data(text: str) -> bool:
    """Whether a text holds commands and numbers alone, from a command on; else some of the path
    is not drawn."""
    return not _TOKENS.sub("", text).strip(_SPACE) and (text.strip(_SPACE) or "M")[0].isalpha()


class _Pen:
    """Path commands as lines, each x0, y0, x1, y1 ..."""

    def __init__(self, what: str) -> None:
        self.lines: list[array[float]] = []
        self.closed: list[bool] = []
        self._what, self._count = what, 0
        self._here = self._start = 0j
        self._control: tuple[str, complex] = ("", 0j)
        self._is_closed = False

    def draw(self, command: str, values: list[float]) -> None:
        """One command with its numbers."""
        check_points(self._count, self._what)
        kind = command.upper()
        origin = self._here if command.islower() else 0j
        if kind == "H":
            self._line(complex(origin.real + values[0], self._here.imag))
        elif kind == "V":
            self._line(complex(self._here.real, origin.imag + values[0]))
        elif kind == "Z":
            if not self._is_closed:
                self._line(self._start)
                self.closed[-1] = self._is_closed = True
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
            self._begin()
            return
        if kind in "ST":
            before = ("C", "S") if kind == "S" else ("Q", "T")
            mirrored = 2 * self._here - self._control[1]
            ends = [mirrored if self._control[0] in before else self._here, *ends]
        if kind in "CSQT":
            self._control = (kind, ends[-2])
        self._bezier(ends)

    def _begin(self) -> None:
        """A subpath from here: after a move, and where drawing goes on from a closed one."""
        self._count += _LINE
        self.lines.append(array("d"))
        self._add(self._here)
        self.closed.append(False)
        self._is_closed = False

    def _bezier(self, ends: list[complex]) -> None:
        points = [self._here, *ends]
        pieces = 1 if len(points) == 2 else _PIECES
        for step in range(1, pieces + 1):
            t, line = step / pieces, points
            while len(line) > 1:  # de Casteljau
                line = [a * (1 - t) + b * t for a, b in pairwise(line)]
            self._line(line[0])

    def _line(self, end: complex) -> None:
        if not self.lines or self._is_closed:
            self._begin()
        self._add(end)
        self._here = end

    def _add(self, point: complex) -> None:
        self._count += 1
        line = self.lines[-1]
        line.append(point.real)
        line.append(point.imag)

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
