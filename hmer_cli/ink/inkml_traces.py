"""Parses the numbers of an InkML ``<trace>``: channels, difference coding, invalid values.

Input: the text of one trace and which of its channels are X, Y and the tip switch. Output: float32
points of shape (N, 2), NaN where the pen is up. Method: plain numbers are split and converted in
bulk; everything else goes through one scanner whose repeats are possessive, so that its time is
linear in the text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from hmer_cli.errors import InputError
from hmer_cli.ink.ink import Stroke

Table = NDArray[np.float64]

# Values may stand without a space between them: 23'43"7-8,3-5 (InkML 3.3).
VALUE = re.compile(
    r"""\s*+([!'"]?+)\s*+(?:([TF*?])|([-+]?+)\s*+"""
    r"""(\#[0-9A-Fa-f]++|(?:\d++\.?+\d*+|\.\d++)(?:[eE][+-]?+\d++)?+))""",
)
"""One value: prefix, then a word, or sign and number. Possessive: failing costs what was read."""

_CODE = re.compile(r"""[^\d\s.,eE+-]""")
_LARGEST = 1e9
"""Device units; beyond, float32 would round away the shape of the strokes."""

_REMEDY = "export the ink again"


@dataclass(frozen=True)
class Channels:
    """The indices of X and Y among a point's values, and their map to the canvas.

    ``x_scale`` and ``y_scale`` hold the direction (-1: mirrored axis) and the ratio of the
    channels' units or resolutions; ``in_lengths``: their units are of length. ``affine``, the rows
    of a 2 x 3 matrix, replaces both where a canvas transform is given. ``width`` is the number of
    values of a point, 0 where it is not declared. ``tip`` is the index of the tip switch, None
    where there is none.
    """

    x: int = 0
    y: int = 1
    tip: int | None = None
    x_scale: float = 1
    y_scale: float = 1
    width: int = 0
    affine: tuple[tuple[float, ...], ...] | None = None
    in_lengths: bool = False

    def placed(self, points: Table) -> Table:
        """Points of shape (N, 2), in channel values, on the canvas with y pointing down."""
        if self.affine is None:
            return points * (self.x_scale, self.y_scale)
        matrix = np.array(self.affine)
        return points @ matrix[:, :2].T + matrix[:, 2]


def read_trace(text: str, channels: Channels, what: str) -> Stroke:
    """The points of one trace, float32 of shape (N, 2); those at which the tip does not touch are
    NaN, see `runs`, and others without X or Y (``?``) are left out.

    ``what`` names the trace in errors. A value that is no number, such as NaN, refuses the file:
    a stroke with a hole in it would be read as another symbol. Points that are not separated by
    commas are split by the number of channels, ``x,y x,y`` is read in pairs.
    Raises InputError.
    """
    rows = [row for row in text.split(",") if row.strip()]
    if not rows:
        return np.zeros((0, 2), np.float32)
    table = None if _CODE.search(text) else _plain(rows, channels, what)
    if table is None:
        table = _coded(rows, channels, what)
    points = table[:, :2]
    known = ~np.isnan(points).any(axis=1)
    points = channels.placed(points)
    if known.any() and not np.abs(points[known]).max() <= _LARGEST:
        raise InputError(f"{what} has a coordinate beyond {_LARGEST:g}", _REMEDY)
    up = _is_up(table[:, 2])  # parts strokes, also where it is not reported at which place
    points[up] = math.nan
    return np.asarray(points[known | up], dtype=np.float32)


def _is_up(tips: Table) -> NDArray[np.bool_]:
    """Of each point, whether the tip does not touch; what is not reported stays as it was, at first
    down."""
    states = np.concatenate([[1.0], tips])
    last = np.maximum.accumulate(np.where(np.isnan(states), 0, np.arange(len(states))))
    return np.asarray(states[last[1:]] == 0)


def runs(points: Stroke) -> list[Stroke]:
    """The strokes of a trace: its points between those at which the pen is up."""
    down = ~np.isnan(points[:, 0])
    if down.all():
        return [points] if len(points) else []
    starts = np.flatnonzero(np.diff(down)) + 1
    return [run for run in np.split(points, starts) if not np.isnan(run[0, 0])]


def row_width(text: str) -> int:
    """The number of values in the first point of a trace with commas; 0 without commas."""
    first, comma, _ = text.partition(",")
    return len(first.split()) if comma and not _CODE.search(first) else 0


def _plain(rows: Sequence[str], channels: Channels, what: str) -> Table | None:
    """X, Y and the tip switch of each point, (N, 3), NaN where there is no such switch, where all
    values are plain numbers, as nearly always; else None."""
    values = _without_commas(rows, channels, what) or [row.split() for row in rows]
    if _is_in_pairs(values):
        flat = list(chain.from_iterable(values))
        values = [flat[start : start + 2] for start in range(0, len(flat), 2)]
    if len({len(row) for row in values}) != 1:
        return None
    try:
        numbers = np.array(list(map(float, chain.from_iterable(values))))
    except ValueError:
        return None
    table = numbers.reshape(len(values), -1)
    if table.shape[1] <= max(channels.x, channels.y):
        raise InputError(f"{what} has points without both X and Y", _REMEDY)
    has_tip = channels.tip is not None and channels.tip < table.shape[1]
    tips = table[:, channels.tip] if has_tip else np.full(len(table), math.nan)
    return np.stack([table[:, channels.x], table[:, channels.y], tips], axis=1)


def _without_commas(rows: Sequence[str], channels: Channels, what: str) -> list[list[str]] | None:
    """The points of a trace that has no comma: one a line, else as many values as channels.

    None where the trace is a single point. Raises InputError where it cannot be divided.
    """
    if len(rows) > 1:
        return None
    values = rows[0].split()
    width = channels.width or (2 if len(values) > 3 else len(values))  # X Y F: a dot with pressure
    if len(values) <= width:
        return None
    lines = [line.split() for line in rows[0].splitlines() if line.strip()]
    if len(lines) > 1 and len({len(line) for line in lines}) == 1 and len(lines[0]) >= 2:
        return lines
    if len(values) % width:
        raise InputError(
            f"{what} has {len(values)} values without a comma, for {width} channels", _REMEDY
        )
    return [values[start : start + width] for start in range(0, len(values), width)]


def _is_in_pairs(values: Sequence[Sequence[str]]) -> bool:
    """Whether commas stand inside the points, as in SVG: ``x,y x,y``."""
    ends = len(values[0]), len(values[-1])
    middle = values[1:-1]
    return bool(middle) and ends == (1, 1) and all(len(row) == 2 for row in middle)


def _coded(rows: Sequence[str], channels: Channels, what: str) -> Table:
    """As `_plain`, from the whole grammar of InkML 3.3; NaN for a value not reported, too.

    Other channels are not kept: rows may be of any length, each of another.
    """
    columns = [channels.x, channels.y, *([] if channels.tip is None else [channels.tip])]
    states = [_Channel() for _ in columns]
    table: list[list[float]] = []
    for number, row in enumerate(rows, start=1):
        values = _values(row, max(columns) + 1)
        if values is None:
            raise InputError(
                f"{what}, point {number}: {row.strip()[:40]!r} is not a list of numbers", _REMEDY
            )
        if len(values) <= max(channels.x, channels.y):
            raise InputError(f"{what}, point {number}: lacks X or Y", _REMEDY)
        point = [math.nan] * 3
        for place, (column, state) in enumerate(zip(columns, states, strict=True)):
            if column < len(values):
                point[place] = state.next(*values[column])
        if any(map(math.isinf, point)):
            raise InputError(f"{what}, point {number}: has a value too large to compute", _REMEDY)
        table.append(point)
    return np.array(table)


def _values(row: str, most: int) -> list[tuple[str, str]] | None:
    """Prefix and signed number of each value of a point, of the first ``most``; None where
    something else stands there."""
    found: list[tuple[str, str]] = []
    at, end = 0, len(row.rstrip())
    while at < end:
        match = VALUE.match(row, at)
        if match is None:
            return None
        if len(found) < most:
            found.append((match[1], match[2] or match[3] + match[4]))
        at = match.end()
    return found


class _Channel:
    """One channel's value, velocity and acceleration, updated point by point."""

    def __init__(self) -> None:
        self.order = "!"
        self.value = self.velocity = self.acceleration = 0.0

    def next(self, order: str, token: str) -> float:
        """The channel's value at the next point; ``order`` is its prefix, '' to keep the last."""
        self.order = order or self.order
        if token == "?":
            return math.nan
        if self.order == "!":
            number = self.value if token == "*" else _number(token)
            self.velocity, self.value = number - self.value, number
            return self.value
        if self.order == "'":
            if token != "*":
                self.velocity = _number(token)
        else:
            if token != "*":
                self.acceleration = _number(token)
            self.velocity += self.acceleration
        self.value += self.velocity
        return self.value


def _number(token: str) -> float:
    """Infinity where it is too large for a float."""
    if token in "TF":
        return float(token == "T")
    sign, digits = -1 if token.startswith("-") else 1, token.lstrip("+-")
    if not digits.startswith("#"):
        return sign * float(digits)
    # 256 hexadecimal digits are the largest float
    return sign * (float(int(digits[1:], 16)) if len(digits) < 256 else math.inf)
