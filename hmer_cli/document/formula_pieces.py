"""Pieces of a formula that the search cut in two or more -> whole formulas.

Input: regions of a page and what their ink says as lines of text. Output: the regions, those of one
formula as one: what shares ink, what goes on with an equals sign or a bracket, and two with ink
between them that is mathematics and no word.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from hmer_cli.document.line_words import FUNCTIONS, is_word, plain
from hmer_cli.geometry import Box, inside_of, union
from hmer_cli.page.detect.integral import Floats
from hmer_cli.page.detect.line_growth import equals_signs
from hmer_cli.page.detect.search import PreparedPage
from hmer_cli.page.load.pages import Page
from hmer_cli.page.regions import Region
from hmer_cli.page.text_regions import region_of
from hmer_cli.recognition.line_reader import LineReading, LineWord

# Chosen on notes-truth.
_BETWEEN, _IN_LINE = (2, 0.3), (2, 0.4)  # the same of a word between two pieces, by itself and not
_GAP, _FAR = 7.0, 12.0  # letter heights between two pieces; if surely mathematics
_WHITE = 2.2  # letter heights: more white parts two pieces
_INK = 0.65  # letter heights: the ink between two pieces
_WIDE_INK, _WIDE_SIGN, _SIGN = 1.5, 1.0, 0.7  # ink so wide, or read as mathematics, joins them
_OVERLAP = 0.3  # letter heights that two pieces share: one formula
_ADJACENT = 1.6  # letter heights between two pieces of which one ends at an equals sign
_THICK = 1.15  # times as thick as elsewhere may the bars of that be
_BRACKETS, _TALL, _SLENDER = 1.0, 1.0, 0.7  # the same at two brackets; so high, so narrow is one
_LEVEL = 0.75  # of the lower one's height: two that share ink share so much
_SAME_LINE = 0.5  # of the lower one's height: what two pieces share


class PieceJoiner:
    """Joins the pieces of the formulas of one page; ``read`` says a region as a line of text."""

    def __init__(
        self, page: Page, found: PreparedPage, read: Callable[[Region], LineReading]
    ) -> None:
        self.page, self.found, self._read = page, found, read
        self.unit = found.parts.unit * found.scale
        self.parts = found.parts.boxes * found.scale

    def joined(self, pieces: list[tuple[Region, bool]]) -> list[tuple[Region, bool]]:
        """The pieces, those of one formula as one."""
        done: list[tuple[Region, bool]] = []
        todo = sorted(pieces, key=lambda piece: piece[0].place)
        while todo:
            region, added = todo.pop(0)
            while (other := self._next(region, [piece[0] for piece in todo])) is not None:
                more, new = todo.pop(other)
                whole = union([region.place, more.place])
                region, added = region_of(self.page, self.found, whole), added and new
            done.append((region, added))
        return done

    def _next(self, region: Region, others: Sequence[Region]) -> int | None:
        """The piece to the right that goes on with what a region begins, or shares ink with it."""
        x0, y0, x1, y1 = region.place
        beside = [
            (other.place[0], i)
            for i, other in enumerate(others)
            if min(y1, other.place[3]) - max(y0, other.place[1])
            >= _SAME_LINE * min(y1 - y0, other.place[3] - other.place[1])
        ]
        beside = [each for each in beside if others[each[1]].place[2] > x0]
        if not beside or region.lines:
            return None
        _, nearest = min(beside)
        other = others[nearest]
        if other.lines:
            return None
        if other.place[0] <= x1 - _OVERLAP * self.unit:
            shared = min(y1, other.place[3]) - max(y0, other.place[1])
            lower = min(y1 - y0, other.place[3] - other.place[1])
            return nearest if shared >= _LEVEL * lower else None
        return nearest if self._goes_on(region.place, other.place) else None

    def _goes_on(self, piece: Box, other: Box) -> bool:
        """Whether what stands between two pieces is mathematics, too."""
        gap = (other[0] - piece[2]) / self.unit
        if gap > _FAR:
            return False
        low = max(piece[1], other[1]), min(piece[3], other[3])
        high = min(piece[1], other[1]), max(piece[3], other[3])
        if not len(self._between(piece, other, *high)):
            return self._adjoins(piece, other, gap)
        if any(is_word(word, *_IN_LINE) for word in self._words_within(piece, other)):
            return False
        seen = [self._seen_between(piece, other, *rows) for rows in (low, high)]
        words = [word for _, found in seen for word in found]
        if any(is_word(word, *_BETWEEN) for word in words):
            return False
        return any(self._is_formula(ink, found, piece, other) for ink, found in seen if len(ink))

    def _adjoins(self, piece: Box, other: Box, gap: float) -> bool:
        """Whether two pieces with nothing between are one: at an equals sign, or as two brackets
        right beside each other."""
        left, right = (self._own(box) for box in (piece, other))
        if gap > _ADJACENT or not len(left) or not len(right):
            return False
        begin, reach = float(right[:, 0].min()), _OVERLAP * self.unit
        relations = equals_signs(right, _THICK * self.unit)
        if any(right[pair, 0].min() <= begin + reach for pair in relations):
            return True
        if ends_at_equals(left, self.unit):
            return True
        meeting = np.stack([left[left[:, 2].argmax()], right[right[:, 0].argmin()]])
        wide, high = (meeting[:, 2:] - meeting[:, :2]).T
        brackets = (high >= _TALL * self.unit) & (wide <= _SLENDER * high)
        return gap <= _BRACKETS and bool(brackets.all())

    def _own(self, box: Box) -> Floats:
        """The parts in a piece."""
        return self.parts[inside_of(self.parts, [box])]

    def _between(self, piece: Box, other: Box, top: float, foot: float) -> Floats:
        """The parts between two pieces, from ``top`` to ``foot``."""
        middle = self.parts.reshape(-1, 2, 2).mean(1)
        between = (middle >= (piece[2], top)) & (middle <= (other[0], foot))
        return self.parts[between.all(1)]

    def _seen_between(
        self, piece: Box, other: Box, top: float, foot: float
    ) -> tuple[Floats, tuple[LineWord, ...]]:
        """The parts between two pieces, from ``top`` to ``foot``, and what they say as a line."""
        ink = self._between(piece, other, top, foot)
        if not len(ink):
            return ink, ()
        return ink, self._read(
            region_of(self.page, self.found, (piece[2], top, other[0], foot))
        ).words

    def _is_formula(self, ink: Floats, words: Sequence[LineWord], piece: Box, other: Box) -> bool:
        """Whether ink between two pieces, which says these words, is of one formula with them."""
        wide = float(ink[:, 2].max() - ink[:, 0].min()) / self.unit
        white = _widest_white(ink, piece[2], other[0]) / self.unit
        if wide < _INK or white > _WHITE:
            return False
        maths = (word for word in words if word.is_math or plain(word) in FUNCTIONS)
        sign = max((word.confidence for word in maths), default=0.0)
        told = sign >= _SIGN or (sign > 0 and wide >= _WIDE_SIGN)
        told |= len(equals_signs(ink, self.unit)) > 0
        return told or (wide >= _WIDE_INK and other[0] - piece[2] <= _GAP * self.unit)

    def _words_within(self, piece: Box, other: Box) -> list[LineWord]:
        """The words between two pieces where both are read as one line."""
        whole = region_of(self.page, self.found, union([piece, other]))
        left = left_of(whole)
        return [
            word
            for word in self._read(whole).words
            if piece[2] < left + (word.left + word.right) / 2 < other[0]
        ]


def ends_at_equals(parts: Floats, unit: float) -> bool:
    """Whether an equals sign is the last of some parts (N, 4)."""
    pairs = equals_signs(parts, _THICK * unit)
    return any(parts[pair, 2].max() >= parts[:, 2].max() - _OVERLAP * unit for pair in pairs)


def _widest_white(ink: Floats, left: float, right: float) -> float:
    """The widest gap that parts (N, 4) leave from left to right."""
    order = np.argsort(ink[:, 0])
    ends = np.maximum.accumulate(np.concatenate([[left], ink[order, 2]]))
    starts = np.concatenate([ink[order, 0], [right]])
    return float((starts - ends).max())


def left_of(region: Region) -> float:
    """Where the pixels of a region's image, or the units of its ink, begin on the page."""
    return 0.0 if region.written is not None else float(region.origin[0])
