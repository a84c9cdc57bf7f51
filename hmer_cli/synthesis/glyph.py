"""A glyph: the strokes of one symbol in units of its text line (x height, baseline at 0).

Immutable; made by `hmer_cli.synthesis.font`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hmer_cli.geometry import Box

Points = NDArray[np.float32]

_RISE, _TOP = 0.6, 0.12
"""A radical reaches its bar within this width and this distance from its top, in heights."""

_EXIT, _HIGH, _BACK, _AHEAD = 0.25, -0.6, 0.1, 0.6
"""Condition for joining a letter to the next: its stroke ends within _EXIT widths of its right
edge and below _HIGH, and the next stroke begins at most _BACK x heights before that point and
_AHEAD of its own width after its left edge. (A c joined at its upper end would be an e.)"""


@dataclass(frozen=True, slots=True)
class Glyph:
    """Strokes of one symbol: ``points`` (N, 2) float32, y down; ``lengths``: points a stroke.

    The unit is the x height of the symbol's line, y = 0 its baseline. ``knee`` is the x at which a
    radical becomes its bar or an arrow over letters its head, None for other symbols.
    """

    token: str
    points: Points
    lengths: tuple[int, ...]
    box: Box
    knee: float | None = None

    @classmethod
    def of(cls, token: str, strokes: Sequence[Points]) -> Glyph:
        """The glyph of these strokes, each (N, 2)."""
        points = np.concatenate(list(strokes)).astype(np.float32)
        (x0, y0), (x1, y1) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        knee = None
        if token == r"\sqrt":
            knee = _knee(points, y0, y1)
        elif token == r"\overrightarrow":
            knee = _neck(strokes, x0 + (x1 - x0) / 4)
        return cls(token, points, tuple(len(s) for s in strokes), (x0, y0, x1, y1), knee)

    @property
    def width(self) -> float:
        """The width of the ink."""
        return self.box[2] - self.box[0]

    @property
    def height(self) -> float:
        """The height of the ink."""
        return self.box[3] - self.box[1]

    @property
    def middle(self) -> float:
        """The y of the middle of the ink."""
        return (self.box[1] + self.box[3]) / 2

    @property
    def strokes(self) -> list[Points]:
        """The strokes one by one."""
        return np.split(self.points, np.cumsum(self.lengths)[:-1])


class GlyphWriter(Protocol):
    """A source of glyphs: one of a token at a time."""

    def glyph(self, token: str, aspect: float | None = None) -> Glyph:
        """A glyph of the token; ``aspect`` is the width over height it will be stretched to.

        Raises KeyError if there is none of the token.
        """
        ...


def _knee(points: Points, top: float, bottom: float) -> float:
    """The x where a radical, rising from its lowest point, first comes near its bar."""
    lowest = points[points[:, 1].argmax()]
    height = bottom - top
    rising = points[points[:, 0] >= lowest[0]]
    near = rising[rising[:, 0] <= lowest[0] + _RISE * height]
    return float(rising[rising[:, 1] <= near[:, 1].min() + _TOP * height, 0].min())


def _neck(strokes: Sequence[Points], least: float) -> float | None:
    """The x where the head of an arrow begins: the last stroke, or what follows its tip.

    None where that is less than ``least``, as of an arrow whose head was written first.
    """
    last = strokes[-1][:, 0]
    neck = float((last if len(strokes) > 1 else last[last.argmax() :]).min())
    return neck if neck > least else None


def join(
    token: str,
    glyphs: Sequence[Glyph],
    gap: float,
    link: Callable[[Points, Points], Points] | None = None,
) -> Glyph:
    """Several glyphs side by side, ``gap`` x heights between, as one: a word of letters.

    ``link`` makes one stroke of two; if given, letters that end at the lower right are joined to
    the next (cursive).
    """
    strokes: list[Points] = []
    end, main = 0.0, None
    for glyph in glyphs:
        first, *others = (s + np.array([end - glyph.box[0], 0], np.float32) for s in glyph.strokes)
        end += glyph.width
        ahead = first[0, 0] - end + glyph.width
        near = main is not None and first[0, 0] > strokes[main][-1, 0] - _BACK
        if link and main is not None and near and ahead < _AHEAD * glyph.width:
            strokes[main] = first = link(strokes[main], first)
        else:
            main = len(strokes)
            strokes.append(first)
        if first[-1, 0] < end - _EXIT * glyph.width or first[-1, 1] < _HIGH:
            main = None
        strokes += others
        end += gap
    return Glyph.of(token, strokes)
