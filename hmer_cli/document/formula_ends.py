"""The parts at the ends of a formula's box that are of the text around it.

Input: the parts in a box, the letters of words beside it, and how other lines of the page begin.
Output: which parts are the formula's. Not its own are the number of an exercise, as ``2.``, and
the dash or dot of an item before it, and at both ends letters that stand nearer to the rest of
their word than to the formula.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.detect.integral import Floats

Indices = NDArray[np.intp]

# In letter heights; chosen on composed pages of notes, white on minus signs and decimals of CROHME.
_DOT = 0.35  # largest side of a dot
_DIGIT, _DIGITS = (0.5, 1.6), 2  # least height and largest width of a digit; digits of a number
_AT_FOOT = 0.6, 1.35  # of the height of a digit: where its dot is
_MIDDLE = 0.2, 0.8  # of the height of what follows: where the dot or dash of an item is
_DASH = (0.3, 1.6), 0.4  # least and largest width of a dash, and its largest height
_BEHIND = {"number": 0.6, "dash": 0.4, "dot": 0.4}  # least white behind a mark,
_WIDER = 1.3  # times the white before the dot of a number, and the usual white behind others
_ALONE = 0.9  # white behind a number with a dot, where no other line begins with one, and behind
# dashes of a list without words: some lines with a minus before them are no list
_SAME_COLUMN, _ANOTHER_LINE = 0.7, 1.0  # between the marks of two items
_DASHES = 2  # other lines that begin with a dash and _ALONE behind, if none of them says words
_LETTERS = 3  # of a word that are in the box
_SMALL, _LETTER_SPACE = 0.5, 0.35  # a dot, a comma; between two letters of a word
_PARTED, _NEARER = 0.3, 0.5  # white between formula and word; of that: to the rest of the word
_LEVEL = 0.3  # of the lower one's height: what two letters share
_FEWEST = 2  # parts of a formula


@dataclass(frozen=True)
class Mark:
    """What a line may begin with as an item, by its shape: so many ``columns`` of parts, with
    ``white`` behind, ``usual`` behind others; and whether the line says ``words``. In letter
    heights."""

    kind: Literal["number", "dash", "dot"]
    columns: int
    left: float
    middle: float
    white: float
    usual: float
    words: bool = False

    def is_item(self, others: Sequence[Mark]) -> bool:
        """Whether it is the mark of an item, by how other lines begin."""
        if self.white < _WIDER * self.usual and self.kind != "dot":
            return False
        alike = [other for other in others if self._is_of_list(other)]
        if self.kind == "number" and self.usual > 0 and self.white >= _ALONE:
            return True
        if self.kind == "dash":
            apart = sum(min(self.white, other.white) >= _ALONE for other in alike)
            return apart >= _DASHES or any(other.words for other in alike)
        return bool(alike)

    def _is_of_list(self, other: Mark) -> bool:
        same = other.kind == self.kind and abs(other.left - self.left) <= _SAME_COLUMN
        return same and abs(other.middle - self.middle) >= _ANOTHER_LINE


def of_formula(
    parts: Floats, beside: Floats, marks: Sequence[Mark], unit: float
) -> NDArray[np.bool_]:
    """Which of the parts (N, 4) of a box are its formula's; ``beside`` (M, 4) are letters of words
    outside of it, ``marks`` what lines of the page begin with."""
    own = np.ones(len(parts), bool)
    columns = _columns(parts)
    mark = mark_of(parts, unit)
    if mark is not None and mark.is_item(marks):
        columns = columns[mark.columns :]
    begin, end = _letters(parts, beside, columns, unit)
    mine = columns[begin : len(columns) - end]
    if sum(map(len, mine)) >= _FEWEST:
        own[:] = False
        own[np.concatenate(mine)] = True
    return own


def mark_of(line: Floats, unit: float, words: bool = False) -> Mark | None:
    """What the parts (N, 4) of a line begin with, if it may be the mark of an item."""
    parts = line / unit
    columns = _columns(parts)
    gaps = _gaps(parts, columns)
    for count, kind in _shapes(parts, columns, gaps):
        if gaps[count - 1] < _BEHIND[kind]:
            continue
        own = parts[np.concatenate(columns[:count])]
        rest = gaps[count:]
        usual = float(np.median(rest)) if rest else 0.0
        left, middle = float(own[:, 0].min()), float(own[:, [1, 3]].mean())
        return Mark(kind, count, left, middle, gaps[count - 1], usual, words)
    return None


def _columns(parts: Floats) -> list[Indices]:
    """The parts above each other together, from left to right."""
    order = np.argsort(parts[:, 0], kind="stable")
    reach = np.maximum.accumulate(parts[order, 2])
    return np.split(order, np.flatnonzero(parts[order[1:], 0] > reach[:-1]) + 1)


def _gaps(parts: Floats, columns: Sequence[Indices]) -> list[float]:
    """The white between each two columns that follow each other."""
    return [float(parts[b, 0].min() - parts[a, 2].max()) for a, b in pairwise(columns)]


def _shapes(
    parts: Floats, columns: Sequence[Indices], gaps: Sequence[float]
) -> Iterator[tuple[int, Literal["number", "dash", "dot"]]]:
    """How many columns at the left have the shape of a mark, and of which."""
    sizes = [np.ptp(parts[column].reshape(-1, 2, 2), (0, 1)) for column in columns[: _DIGITS + 1]]
    if len(columns) > 1 and len(columns[0]) == 1:
        wide, high = sizes[0]
        if _MIDDLE[0] <= _place(parts[columns[0]], parts[columns[1]]) <= _MIDDLE[1]:
            if max(wide, high) <= _DOT and max(wide, high) < _DASH[0][0]:
                yield 1, "dot"
            elif _DASH[0][0] <= wide <= _DASH[0][1] and high <= min(_DASH[1], wide):
                yield 1, "dash"
    for count in range(1, min(_DIGITS, len(columns) - 2) + 1):
        digit, mark = columns[count - 1], columns[count]
        wide, high = sizes[count - 1]
        if high < _DIGIT[0] or wide > _DIGIT[1] or len(digit) > 2:
            return
        if len(mark) != 1 or gaps[count] < _WIDER * gaps[count - 1]:
            continue
        at_foot = _AT_FOOT[0] <= _place(parts[mark], parts[digit]) <= _AT_FOOT[1]
        if sizes[count].max() <= _DOT and at_foot:
            yield count + 1, "number"


def _place(part: Floats, others: Floats) -> float:
    """How far down the height of others (N, 4) the middle of a part is, 0 at their top."""
    top, foot = float(others[:, 1].min()), float(others[:, 3].max())
    return (float(part[:, [1, 3]].mean()) - top) / max(foot - top, 1e-6)


def _letters(
    parts: Floats, beside: Floats, columns: Sequence[Indices], unit: float
) -> tuple[int, int]:
    """How many columns at the left and at the right are letters of words."""
    mirrored, beyond = (each[:, [2, 1, 0, 3]] * (-1, 1, -1, 1) for each in (parts, beside))
    left = _letters_right(mirrored, beyond, columns[::-1], unit)
    return left, _letters_right(parts, beside, columns, unit)


def _letters_right(parts: Floats, beside: Floats, columns: Sequence[Indices], unit: float) -> int:
    """How many columns at the right end are letters of the word that goes on there."""
    if len(columns) < 2 or not len(beside):
        return 0
    last = parts[columns[-1]]
    x0, top, end, foot = last[:, 0].min(), last[:, 1].min(), last[:, 2].max(), last[:, 3].max()
    shared = np.minimum(beside[:, 3], foot) - np.maximum(beside[:, 1], top)
    lower = np.minimum(beside[:, 3] - beside[:, 1], foot - top)
    small = (beside[:, 2:] - beside[:, :2]).max(1) <= _SMALL * unit
    follows = (shared >= _LEVEL * lower) & ~small & (beside.reshape(-1, 2, 2).mean(1)[:, 0] > x0)
    follows &= beside[:, 2] > end
    if not follows.any():
        return 0
    rest = max(0.0, float(beside[follows, 0].min() - end))
    gaps = _gaps(parts, columns)[::-1]
    for count in range(1, min(_LETTERS, len(columns) - 1) + 1):
        white = gaps[count - 1]
        if white >= _PARTED * unit:
            return count if rest <= min(_LETTER_SPACE * unit, _NEARER * white) else 0
    return 0
