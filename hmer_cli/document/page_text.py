"""What is on a page besides its formulas -> words with their marks, and drawings.

Input: lines of writing and what they say, and the regions of formulas. Output: words, those of list
items and underlined ones marked, ink that was not read, what is too high for a line among it, and
boxes of drawings: large ink that is in no line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from hmer_cli.document.formula_pieces import left_of
from hmer_cli.document.line_words import owners, without_doubt, words_alone
from hmer_cli.document.records import Drawing, Mark, TextWord
from hmer_cli.geometry import Box, bounding_box, inside_of
from hmer_cli.page.detect.components import PART_COLUMNS
from hmer_cli.page.detect.integral import Floats
from hmer_cli.page.detect.neighbours import connected, related
from hmer_cli.page.detect.search import PreparedPage
from hmer_cli.page.ink_box import ink_box, ink_mask
from hmer_cli.page.load.pages import Page
from hmer_cli.page.regions import Region, cut_region
from hmer_cli.page.text_regions import TextLine, find_text, region_of_parts
from hmer_cli.recognition.line_reader import LineReading, LineWord

_FEWEST = 2  # parts of a formula

# In letter heights; conventions.
_RULE = 1.5, 0.45, 4.0  # a rule is so wide and so low at most, and so many times as wide as high
_ASLANT = 7.0, 0.9  # or, aslant, so many times as wide as high, and so high at most
_UNDER = -0.3, 0.9  # from the foot of a word to the rule under it
_MOST = 0.5  # of a word's width: what the rule under it has
_SIGN = 0.8  # ink that is less is no sign
_BULLET = 0.75, 0.15  # a dot or a dash is so large at most, and at least,
_DASH = 1.3, 0.35  # or so wide and so low,
_BEFORE = 0.35, 3.5  # and so far before its line
_DOTS = 2, 2.5  # an ellipsis has so many parts, and is so many times as wide as high
_UPRIGHT = 0.25, 20.0  # a rule down the page is so wide at most, or so many times as high as wide
_LARGE, _LOW = 3.2, 1.5  # ink of a drawing; what is lower is a rule
_SLENDER = 0.4  # times as wide as high: a bracket
_TALL = 6.0  # a bracket is no higher
_NEAR = 1.0  # between two parts of a drawing
_DRAWN = 4.0  # a drawing is so wide or so high; with labels in it, both
_AS_DARK = 0.7  # of the usual ink: no writing of the other side; as that of `signs_apart`
_MARGIN = 2  # pixels around the number of an exercise
_ITEM = re.compile(r"\(?\d{1,2} ?[.)-]?")  # what it reads as
_LABEL = 0.5  # of a line: what lies in a drawing of one that is its label


class PageText:
    """The words and drawings of one page; ``read`` says a region as a line of text."""

    def __init__(
        self, page: Page, found: PreparedPage, read: Callable[[Region], LineReading]
    ) -> None:
        self.page, self.found, self._reader = page, found, read
        self._known: dict[Box, LineReading] = {}
        self.unit = found.parts.unit * found.scale
        self.parts = found.parts.boxes * found.scale
        width, height = (self.parts[:, 2:] - self.parts[:, :2]).T
        self._rules = (width >= _RULE[0] * self.unit) & (height <= _RULE[1] * self.unit)
        self._rules &= width >= _RULE[2] * height
        self._rules |= (width >= _ASLANT[0] * height) & (height <= _ASLANT[1] * self.unit)
        upright = (width <= _UPRIGHT[0] * self.unit) | (height >= _UPRIGHT[1] * width)
        self._upright_rules = upright & (height >= _LARGE * self.unit)
        dark = found.parts.features[:, PART_COLUMNS.index("darkness")]
        self._dark = dark >= _AS_DARK * np.median(dark)

    def _read(self, region: Region) -> LineReading:
        """What a line says; read once."""
        if region.place not in self._known:
            self._known[region.place] = self._reader(region)
        return self._known[region.place]

    def words(
        self, regions: Sequence[Region], drawings: Sequence[Drawing]
    ) -> tuple[tuple[TextWord, ...], tuple[Region, ...]]:
        """The words that are in none of the regions and drawings, line by line; with those in the
        box of a formula that are none of it. Of each that was not read the region."""
        found: list[tuple[TextWord, Region | None]] = []
        lines = find_text(self.page, self.found)
        places = [drawing.box for drawing in drawings]
        wide = [box for box in places if min(_sides(box)) >= _DRAWN * self.unit]
        for number, line in enumerate(lines):
            taken = [region.place for region in regions if self._holds(region, line)]
            free = ~inside_of(line.parts, taken) & ~self._rules[line.indices]
            drawn = inside_of(line.parts, wide)
            if drawn.mean() >= _LABEL:
                free &= ~drawn
            mark = len(line.parts) == 1 and self._is_mark(bounding_box(line.parts))
            if free.any() and not mark:
                found += self._words(line, free, number)
        rest = ~inside_of(self.parts, [*(region.place for region in regions), *places])
        rest[[at for line in lines for at in line.indices.tolist()]] = False
        found += self._in_no_line(rest, len(lines))
        found += self._item_number(regions, 1 + max((word.line for word, _ in found), default=-1))
        unread = tuple(region for _, region in found if region is not None)
        return tuple(word for word, _ in found), unread

    def _in_no_line(
        self, rest: NDArray[np.bool_], number: int
    ) -> Iterator[tuple[TextWord, Region | None]]:
        """What is too high for a line, each on a line of its own from this number."""
        rest &= (self.parts[:, 2:] - self.parts[:, :2]).max(1) >= _SIGN * self.unit
        rest &= self._dark & ~self._upright_rules & ~self._rules
        high = [at for at in np.flatnonzero(rest).tolist() if not self._runs_round(at)]
        for at, group in enumerate(self._groups(np.array(high, np.int64))):
            yield self._unread(self.parts[group], number + at)

    def _item_number(
        self, regions: Sequence[Region], number: int
    ) -> Iterator[tuple[TextWord, Region | None]]:
        """The number of an exercise that was left out of the page."""
        item = self.found.item
        box = None if item is None else ink_box(item)
        if item is None or box is None:
            return
        if inside_of(np.array([box], np.float32), [region.place for region in regions]).any():
            return
        region = cut_region(self.page, item, box, _MARGIN)
        reading = self._reader(region)
        where = self.page.in_source(box)
        if _ITEM.fullmatch(reading.text):
            sure = round(min(word.confidence for word in reading.words), 4)
            yield TextWord(reading.text.replace(" ", ""), where, number, sure), None
        else:
            yield TextWord("", where, number, 0.0, "unread"), region

    def _unread(self, parts: Floats, number: int) -> tuple[TextWord, Region]:
        where = self.page.in_source(bounding_box(parts))
        region = region_of_parts(self.page, self.found, parts)
        return TextWord("", where, number, 0.0, "unread"), region

    def _holds(self, region: Region, line: TextLine) -> bool:
        """Whether a formula may hold parts of a line: not where that is sure words, and the formula
        has other parts."""
        if region.lines or len(line.parts) < 2 or not inside_of(line.parts, [region.place]).any():
            return True
        reading = self._read(line.region)
        if not (words_alone(reading) and without_doubt(reading)):
            return True
        others = inside_of(self.parts, [region.place])
        others[line.indices] = False
        return int(others.sum()) < _FEWEST

    def _words(
        self, line: TextLine, free: NDArray[np.bool_], number: int
    ) -> Iterator[tuple[TextWord, Region | None]]:
        words = () if self._is_flat(line) else self._read(line.region).words
        if not words:
            if self._is_sign(bounding_box(line.parts[free])):
                yield self._unread(line.parts[free], number)
            return
        owner = owners(line.parts, words, left_of(line.region), self.unit)
        item = self._is_item(line)
        held = self._with_shared(line, words, owner)
        for i, word in enumerate(words):
            parts = line.parts[held[i] & free]
            if not len(parts):
                continue
            box = bounding_box(parts)
            if (held[:, held[i] & free].sum(0) > 1).any():
                box = _within(box, word, left_of(line.region))
            where = self.page.in_source(box)
            if word.is_math:
                if self._is_ellipsis(parts):
                    yield TextWord("...", where, number, round(word.confidence, 4)), None
                elif self._is_sign(box):
                    yield self._unread(parts, number)
                continue
            mark: Mark = "item" if item else "underlined" if self._is_underlined(box) else ""
            item = False
            yield TextWord(word.text, where, number, round(word.confidence, 4), mark), None

    def _with_shared(
        self, line: TextLine, words: Sequence[LineWord], owner: NDArray[np.intp]
    ) -> NDArray[np.bool_]:
        """Which parts each word has, (W, P): a word that owns none, as one that is written in one
        stroke with the next, has the parts of other words that its middle is in."""
        held = np.arange(len(words))[:, None] == owner[None]
        maths = np.array([word.is_math for word in words])
        for i in np.flatnonzero(~held.any(1) & ~maths).tolist():
            middle = left_of(line.region) + (words[i].left + words[i].right) / 2
            over = (line.parts[:, 0] <= middle) & (middle <= line.parts[:, 2])
            held[i] = over & ~maths[owner]
        return held

    def _is_sign(self, box: Box) -> bool:
        """Whether ink is large enough for a sign."""
        return max(_sides(box)) >= _SIGN * self.unit

    def _is_flat(self, line: TextLine) -> bool:
        """Whether a line is one stroke, as wide and low as no word in one stroke is."""
        width, height = _sides(bounding_box(line.parts))
        low = width >= _RULE[2] * height and height <= _ASLANT[1] * self.unit
        return len(line.parts) == 1 and low

    def _is_mark(self, box: Box) -> bool:
        """Whether ink by itself is no sign: a part of one, such as a comma, or a rule, which may
        be less straight under other ink."""
        width, height = _sides(box)
        if not self._is_sign(box):
            return True
        if width < _RULE[2] * height or height > _ASLANT[1] * self.unit:
            return False
        straight = height <= _RULE[1] * self.unit or width >= _ASLANT[0] * height
        return straight or self._is_under_ink(box)

    def _is_under_ink(self, box: Box) -> bool:
        """Whether a rule runs under other ink."""
        middle = (self.parts[:, 0] + self.parts[:, 2]) / 2
        down = (box[1] - self.parts[:, 3]) / self.unit
        above = (middle > box[0]) & (middle < box[2]) & (down >= _UNDER[0]) & (down <= _UNDER[1])
        return bool(above.any())

    def _is_ellipsis(self, parts: Floats) -> bool:
        """Whether parts are dots on a line, of which two may have run together."""
        x0, y0, x1, y1 = bounding_box(parts)
        sizes = (parts[:, 2:] - parts[:, :2]).max(axis=1)
        low = y1 - y0 <= min(_BULLET[0] * self.unit, (x1 - x0) / _DOTS[1])
        return bool(len(parts) >= _DOTS[0] and low and sizes.max() <= _BULLET[0] * self.unit)

    def _is_underlined(self, box: Box) -> bool:
        """Whether a rule runs under a word."""
        rules = self.parts[self._rules]
        shared = np.minimum(rules[:, 2], box[2]) - np.maximum(rules[:, 0], box[0])
        down = (rules[:, 1] - box[3]) / self.unit
        under = (down >= _UNDER[0]) & (down <= _UNDER[1])
        return bool((under & (shared >= _MOST * (box[2] - box[0]))).any())

    def _is_item(self, line: TextLine) -> bool:
        """Whether a dot or a dash stands before a line, with nothing before that."""
        width, height = (self.parts[:, 2:] - self.parts[:, :2]).T / self.unit
        dot = (np.maximum(width, height) <= _BULLET[0]) & (np.minimum(width, height) >= _BULLET[1])
        mark = dot | ((width <= _DASH[0]) & (height <= _DASH[1]))
        own = np.zeros(len(self.parts), bool)
        own[line.indices] = ~mark[line.indices]
        if not own.any():
            return False
        x0, y0, _, y1 = bounding_box(self.parts[own])
        middle = (self.parts[:, 1] + self.parts[:, 3]) / 2
        away = (x0 - self.parts[:, 2]) / self.unit
        level = (middle > y0) & (middle < y1)
        before = level & (away >= _BEFORE[0]) & (away <= _BEFORE[1])
        return bool(before.any() and (mark | ~before).all() and before.sum() == 1)

    def drawings(self, regions: Sequence[Region]) -> tuple[Drawing, ...]:
        """The boxes of large ink in no region of a formula, what lies together as one; what is no
        higher than a line is of a line. Frames and circles round words are none where they are
        lower or narrower than `_DRAWN`: what stands in larger ones is part of the drawing."""
        large = self._large() & ~inside_of(self.parts, [region.place for region in regions])
        least = _DRAWN * self.unit
        found: list[Box] = []
        for group in self._groups(np.flatnonzero(large)):
            box = bounding_box(self.parts[group])
            if min(_sides(box)) >= least:
                found.append(box)
                continue
            high = self.parts[group, 3] - self.parts[group, 1] > _LARGE * self.unit
            high &= (self._dark & ~self._upright_rules)[group]
            for some in self._groups(group[high]):  # others may be words in one stroke
                box = bounding_box(self.parts[some])
                if max(_sides(box)) >= least and not any(map(self._runs_round, some.tolist())):
                    found.append(box)
        return tuple(Drawing(self.page.in_source(box), box) for box in found)

    def _large(self) -> NDArray[np.bool_]:
        """Which parts are as large as those of drawings, and are no brackets."""
        width, height = (self.parts[:, 2:] - self.parts[:, :2]).T / self.unit
        large = (np.maximum(width, height) >= _LARGE) & (height >= _LOW)
        return large & ~((width <= _SLENDER * height) & (height <= _TALL))

    def _groups(self, some: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """These parts, those that lie near each other together."""
        if not len(some):
            return []
        ink = self.parts[some] / self.unit
        pairs = related(ink, lambda r, c: _touch(ink[r], ink[c]), _NEAR)
        return [some[group] for group in connected(len(ink), *pairs)]

    def _runs_round(self, part: int) -> bool:
        """Whether a part has ink on all four sides of others, as a frame and a circle have."""
        x0, y0, x1, y1 = self.parts[part].astype(int).tolist()
        held = (self.parts[:, :2] > (x0, y0)).all(1) & (self.parts[:, 2:] < (x1, y1)).all(1)
        if not held.any() or not self._is_sign(bounding_box(self.parts[held])):
            return False
        ink = ink_mask(self.found.image[y0 : y1 + 1, x0 : x1 + 1])
        boxes = self.parts[held] - np.array((x0, y0, x0, y0), self.parts.dtype)
        for left, top, right, foot in boxes.astype(int).tolist():
            ink[top : foot + 1, left : right + 1] = 0
        left, top, right, foot = map(int, bounding_box(boxes))
        level, below = slice(top, foot + 1), slice(left, right + 1)
        sides = ink[level, :left], ink[level, right:], ink[:top, below], ink[foot:, below]
        return all(side.any() for side in sides)


def _within(box: Box, word: LineWord, left: float) -> Box:
    """The part of a box where a word stands that shares its ink with others."""
    x0, y0, x1, y1 = box
    begin = min(max(x0, left + word.left), x1 - 1)
    return begin, y0, max(begin + 1, min(x1, left + word.right)), y1


def _sides(box: Box) -> tuple[float, float]:
    """Width and height."""
    return box[2] - box[0], box[3] - box[1]


def _touch(boxes: Floats, others: Floats) -> NDArray[np.bool_]:
    """Which boxes lie near each other, (R, C)."""
    a, b = boxes[:, None], others[None]
    gap = np.maximum(a[..., :2], b[..., :2]) - np.minimum(a[..., 2:], b[..., 2:])
    return np.asarray((gap <= _NEAR).all(2))
