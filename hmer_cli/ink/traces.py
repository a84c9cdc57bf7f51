"""The numbers inside an InkML ``<trace>``: channels, difference coding, wrong values."""

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
_VALUE = re.compile(
    r"""([!'"]?)\s*(-?\s*(?:\#[0-9A-Fa-f]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|[TF*?])""",
)
_CODE = re.compile(r"""[^\d\s.,eE+-]""")
_LARGEST = 1e9
"""Device units; beyond, float32 would round away the shape of the strokes."""


@dataclass(frozen=True)
class Channels:
    """Where X and Y stand among a point's values, and their direction (-1: axis mirrored)."""

    x: int = 0
    y: int = 1
    x_sign: int = 1
    y_sign: int = 1


def read_trace(text: str, channels: Channels, what: str) -> Stroke:
    """The points of one trace, float32 of shape (N, 2); points without X or Y (``?``) are left out.

    ``what`` names the trace in errors. A value that is no number, such as NaN, refuses the file:
    a stroke with a hole in it would be read as another symbol.
    Raises InputError.
    """
    rows = [row for row in text.split(",") if row.strip()]
    if not rows:
        return np.zeros((0, 2), np.float32)
    table = None if _CODE.search(text) else _plain(rows)
    if table is None:
        table = _coded(rows, what)
    if table.shape[1] <= max(channels.x, channels.y):
        raise InputError(f"{what} has points without both X and Y", "export the ink again")
    points = table[:, (channels.x, channels.y)]
    points = points[~np.isnan(points).any(axis=1)]
    if len(points) and np.abs(points).max() > _LARGEST:
        raise InputError(f"{what} has a coordinate beyond {_LARGEST:g}", "export the ink again")
    return np.asarray(points * (channels.x_sign, channels.y_sign), dtype=np.float32)


def _plain(rows: Sequence[str]) -> Table | None:
    """The table of values where all are plain numbers, as nearly always; else None."""
    values = [row.split() for row in rows]
    if len({len(row) for row in values}) != 1:
        return None
    try:
        flat = np.array(list(map(float, chain.from_iterable(values))))
    except ValueError:
        return None
    return flat.reshape(len(values), -1)


def _coded(rows: Sequence[str], what: str) -> Table:
    """The table of values from the whole grammar of InkML 3.3; NaN for a value not reported."""
    states: list[_Channel] = []
    table: list[list[float]] = []
    for number, row in enumerate(rows, start=1):
        if _VALUE.sub("", row).strip():
            raise InputError(
                f"{what}, point {number}: {row.strip()[:40]!r} is not a list of numbers",
                "export the ink again",
            )
        values = _VALUE.findall(row)
        states += [_Channel() for _ in values[len(states) :]]
        table.append([state.next(*value) for state, value in zip(states, values, strict=False)])
    width = max(map(len, table))
    return np.array([row + [math.nan] * (width - len(row)) for row in table])


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
    if token in "TF":
        return float(token == "T")
    sign, digits = (-1, token[1:].lstrip()) if token.startswith("-") else (1, token)
    return sign * (float(int(digits[1:], 16)) if digits.startswith("#") else float(digits))
