"""What a document is made of: its blocks with their items, and displays of one row.

Input: blocks of one column. Output: the same, expressions that stand side by side as one display,
with the signs beside them and the number of the equation at its end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import inf
from typing import Literal

from hmer_cli.document.records import Record, TextWord
from hmer_cli.geometry import Box, union

Kind = Literal["heading", "item", "paragraph", "display", "drawing"]

SHARED = 0.5  # of the lower one's height: what two things of one row share
NO_WORDS = ("unread", "math")
_ASIDE = 12.0  # in heights of a line: between two expressions of one row # convention
_SET = ("display", "paragraph")  # kinds that may be mathematics alone
_EQUATION = re.compile(r"\(\d{1,3}(\.\d{1,3}){0,2}[a-z]?\)")  # its number


@dataclass(frozen=True)
class Item:
    """A word, an expression or a drawing (the name of its picture) in its place."""

    box: Box
    word: TextWord | None = None
    record: Record | None = None
    drawing: str = ""


@dataclass(frozen=True)
class Block:
    """What stands by itself; ``number`` is that of a list item, empty for a bullet."""

    kind: Kind
    items: tuple[Item, ...]
    number: str = ""

    @property
    def box(self) -> Box:
        """Round all of it."""
        return union([item.box for item in self.items])


def in_row(box: Box, other: Box, away: float) -> bool:
    """Whether two boxes share much of their height, with no more white between."""
    shared = min(box[3], other[3]) - max(box[1], other[1])
    level = shared >= SHARED * min(box[3] - box[1], other[3] - other[1])
    return level and max(box[0] - other[2], other[0] - box[2]) <= away


def is_text(block: Block) -> bool:
    """Whether it is a row of words; numbers and signs by themselves make no column."""
    if block.kind != "paragraph":
        return block.kind not in ("display", "drawing")
    return any(item.word is None or _is_word(item.word) for item in block.items)


def _is_word(word: TextWord) -> bool:
    said = not _EQUATION.fullmatch(word.text) and any(map(str.isalpha, word.text))
    return said and word.mark not in NO_WORDS


def is_equation_number(row: Sequence[Item]) -> bool:
    """Whether a row is the number of an equation alone, as ``(7)``."""
    words = [item.word for item in row if item.word is not None and item.word.mark == ""]
    return len(row) == len(words) == 1 and _EQUATION.fullmatch(words[0].text) is not None


def side_by_side(column: Sequence[Block], usual: float) -> list[Block]:
    """The blocks; displays of one row are one, from left to right, with the signs beside them and
    their number, however far."""
    done: list[Block] = []
    rows: list[list[Item]] = []
    for block in sorted(column, key=lambda block: block.box[0]):
        if is_equation_number(block.items):
            row = _numbered(block.box, rows, done)
        elif block.kind in _SET and all(map(_is_set, block.items)):
            away = _ASIDE * usual
            beside = (row for row in rows if in_row(row[-1].box, block.items[0].box, away))
            row = next(beside, None)
            if row is None:
                rows.append(row := [])
        else:
            row = None
        if row is None:
            done.append(block)
        else:
            row += block.items  # several, where it is of a column
    for whole in rows:
        signs = all(item.record is None for item in whole)
        done.append(Block("paragraph" if signs else "display", tuple(_from_above(whole))))
    return done


def _numbered(place: Box, rows: Sequence[list[Item]], others: Sequence[Block]) -> list[Item] | None:
    """The row of expressions that a number stands right of, with nothing between."""
    before = [row for row in rows if in_row(_round(row), place, inf)]
    last = max(before, key=lambda row: _round(row)[2], default=None)
    if last is None or all(item.record is None for item in last):
        return None
    right = _round(last)[2]
    between = any(each.box[2] > right and in_row(each.box, place, inf) for each in others)
    return None if between or place[0] < last[0].box[2] else last


def _round(row: Sequence[Item]) -> Box:
    return union([item.box for item in row])


def _from_above(row: Sequence[Item]) -> list[Item]:
    """The row; numbers beside the lines of one expression from the top down."""
    found: list[Item] = []
    for numbers, some in groupby(row, key=lambda item: is_equation_number([item])):
        items = list(some)
        found += sorted(items, key=lambda item: item.box[1]) if numbers else items
    return found


def _is_set(item: Item) -> bool:
    """Whether it is mathematics that LaTeX sets."""
    if item.word is not None:
        return item.word.mark == "math"
    return item.record is not None and item.record.usable
