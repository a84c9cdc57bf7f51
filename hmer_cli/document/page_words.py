"""Regions that the search found -> regions that hold mathematics, by what the line reader says.

Each region is read as a line of text. One that says words alone is left out; words at the ends of a
formula are cut off; two pieces of a formula with ink between them that says no word are joined; and
formulas that the reader sees among the words of a line, where no region is, are added. On pages
whose words it cannot read, being of another language, regions stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hmer_cli.document.records import TextWord
from hmer_cli.expr.symbol_classes import ALIGNED_RELATIONS
from hmer_cli.geometry import Box, bounds, union
from hmer_cli.page.detect.integral import Floats
from hmer_cli.page.detect.search import (
    MOST_PARTS,
    PreparedPage,
    in_reading_order,
    prepare_page,
)
from hmer_cli.page.load.pages import Page
from hmer_cli.page.regions import Layout, Region, find_regions, is_cut_off
from hmer_cli.page.text_regions import TextLine, find_text, region_of
from hmer_cli.recognition.line_reader import LineReader, LineReading, LineWord, shipped_lines
from hmer_cli.recognition.reading import Reading

FUNCTIONS = frozenset(
    "log ln lg exp sin cos tan cot sec arcsin arccos arctan sinh cosh tanh lim limsup liminf max "
    "min sup inf arg argmin argmax det dim ker deg gcd mod div curl grad rank tr sgn erf".split()
)
"""Names of functions, which are words of mathematics."""

COMMON = frozenset("of in is as to if or on at by be we so it no an and for all the".split())
"""Words that stand beside formulas, the shorter of which signs may look like."""

# Chosen on notes-truth.
_FEW_PARTS, _FOREIGN = 6, (20, 0.58)
"""Parts of a line that may tell the language of a page; its letters, and their confidence.

Of the nine pages of notes-truth none has less than 0.67, of four of scan-pages, which are Persian,
none more than 0.49.
"""
_LETTERS, _SURE, _DOUBTED = 3, 0.6, 0.45  # letters, and their confidence: words without a doubt
_BETWEEN, _IN_LINE = (2, 0.35), (2, 0.5)  # the same of a word between two pieces, by itself and not
_CUT_OFF = 3, 0.75  # the same of a word that is cut off
_FEWEST = 2  # parts that are left of a region without its words
_GAP, _FAR, _WHITE = (
    7.0,
    12.0,
    2.2,
)  # letter heights between two pieces; if surely mathematics; white
_INK = 0.65  # letter heights: the ink between two pieces
_WIDE_INK, _WIDE_SIGN, _SIGN = 1.5, 1.0, 0.7  # ink so wide, or read as mathematics, joins them
_SAME_LINE = 0.5  # of the lower one's height: what two pieces share
_BESIDE = 1.8  # letter heights between a piece and what is added to it
_LIMIT = 1.6, 0.4  # letter heights of a limit, and of the white between it and its sign
_ADDED = 0.75  # confidence of a formula that is in no region,
_PARTS, _WIDTH = 3, 2.0  # its parts, and its letter heights
_LONG, _FORMULA = 5, 0.5  # its tokens, or its confidence

_RELATIONS = ALIGNED_RELATIONS | {"\\to", "\\rightarrow", "\\in"}


@dataclass(frozen=True)
class MathRegions:
    """The regions in reading order; with each, what it says if it is words, and whether it was
    ``added`` to those that the search found. ``readable``: there is text, as it lies on the page.
    ``text`` are the words in none of them, where they are asked for.
    """

    regions: tuple[Region, ...] = ()
    words: tuple[str, ...] = ()
    added: tuple[bool, ...] = ()
    readable: bool = False
    text: tuple[TextWord, ...] = ()

    @classmethod
    def of(cls, regions: Sequence[Region]) -> MathRegions:
        """Regions as they were found."""
        return cls(tuple(regions), ("",) * len(regions), (False,) * len(regions))

    def __iter__(self) -> Iterator[tuple[Region, str, bool]]:
        return zip(self.regions, self.words, self.added, strict=True)


NO_REGIONS = MathRegions()


def find_mathematics(page: Page, layout: Layout, text: bool = False) -> MathRegions:
    """The regions of a page, as `find_regions` has them, without those that the words of the page
    show to be none; with its ``text`` where that is asked for.

    As they are where the page is one expression, or the weights that read words are not installed.
    """
    seen: list[PreparedPage] = []

    def prepare(page: Page) -> PreparedPage:
        seen[:] = seen or [prepare_page(page)]
        return seen[0]

    regions = find_regions(page, layout, prepare)
    plain = MathRegions.of(regions)
    if layout == "expression" or not seen or not 0 < len(seen[0].parts) <= MOST_PARTS:
        return plain
    reader = shipped_lines()
    if reader is None:
        return plain
    finder = WordFinder(page, seen[0], reader)
    refined = finder.refined(regions)
    return replace(refined, text=finder.text(refined.regions)) if text else refined


def is_formula(reading: Reading) -> bool:
    """Whether what was added reads as a formula: with a relation, and long or read surely."""
    tokens = reading.label.split()
    enough = len(tokens) >= _LONG or reading.confidence >= _FORMULA
    return enough and not _RELATIONS.isdisjoint(tokens)


def words_alone(reading: LineReading) -> str:
    """The text of a line that may be nothing but words, else nothing."""
    words = [word for word in reading.words if _letters(word)]
    letters = sum(map(_letters, words))
    if letters < _LETTERS or any(word.is_math for word in reading.words):
        return ""
    if any(_plain(word) in FUNCTIONS for word in words):
        return ""
    return reading.text if _confidence(words) >= _DOUBTED else ""


def without_doubt(reading: LineReading) -> bool:
    """Whether words that a line says are so clear that no formula reader is asked."""
    return _confidence([word for word in reading.words if _letters(word)]) >= _SURE


def _confidence(words: Sequence[LineWord]) -> float:
    letters = sum(map(_letters, words))
    return sum(word.confidence * _letters(word) for word in words) / max(letters, 1)


def _letters(word: LineWord) -> int:
    return sum(c.isalpha() for c in word.text)


def _plain(word: LineWord) -> str:
    return "".join(c for c in word.text.lower() if c.isalpha())


class WordFinder:
    """Looks through the regions of one page."""

    def __init__(self, page: Page, found: PreparedPage, reader: LineReader) -> None:
        self.page, self.found, self.reader = page, found, reader
        self.unit = found.parts.unit * found.scale
        self.parts = found.parts.boxes * found.scale
        self._known: dict[Box, LineReading] = {}

    def refined(self, regions: Sequence[Region]) -> MathRegions:
        """The regions of mathematics of a page on which these were found."""
        lines = [line for line in find_text(self.page, self.found) if len(line.parts) > 1]
        free = [line for line in lines if not self._within(line.parts, regions).all()]
        if len(regions) <= 1 and not free:
            return MathRegions.of(regions)
        if self._is_foreign(free):
            return MathRegions.of(regions)
        letters = 0
        kept: list[Region] = []
        for region in regions:
            reading = None if region.lines else self._read(region)
            if reading is not None and words_alone(reading) and without_doubt(reading):
                letters += sum(map(_letters, reading.words))
            elif reading is None or self._is_worth(rest := self._trimmed(region, reading), region):
                kept.append(region if reading is None else rest)
        pieces = self._joined([(region, False) for region in kept])
        whole = [*regions, *(region for region, _ in pieces)]
        system = any(region.lines for region in regions)  # whose neighbours are cut off
        for box in (box for line in free for box in self._formulas(line, whole)):
            if not (system and is_cut_off(self.page, box)):
                pieces = self._with(pieces, box)
        return self._ordered(self._joined(pieces), letters >= _FOREIGN[0])

    def _is_foreign(self, lines: Sequence[TextLine]) -> bool:
        """Whether the words of lines are of a language or a script that the reader cannot read."""
        long = [line for line in lines if len(line.parts) >= _FEW_PARTS]
        words = [word for line in long for word in self._read(line.region).words]
        words = [word for word in words if not word.is_math and _letters(word) >= _LETTERS]
        return sum(map(_letters, words)) >= _FOREIGN[0] and _confidence(words) < _FOREIGN[1]

    def _with(self, pieces: list[tuple[Region, bool]], box: Box) -> list[tuple[Region, bool]]:
        """The pieces and a formula that is in none, joined to the one that it stands next to."""
        for i, (region, added) in enumerate(pieces):
            if not region.lines and self._touches(region.place, box):
                whole = region_of(self.page, self.found, union([region.place, box]))
                return [*pieces[:i], (whole, added), *pieces[i + 1 :]]
        return [*pieces, (region_of(self.page, self.found, box), True)]

    def _touches(self, piece: Box, box: Box) -> bool:
        """Whether a formula stands next to a piece, on its line."""
        shared = min(piece[3], box[3]) - max(piece[1], box[1])
        white = max(piece[0], box[0]) - min(piece[2], box[2])
        lower = min(piece[3] - piece[1], box[3] - box[1])
        beside = shared >= _SAME_LINE * lower and white <= _BESIDE * self.unit
        narrow = box[3] - box[1] <= _LIMIT[0] * self.unit and box[2] - box[0] < piece[2] - piece[0]
        under = white <= -0.5 * (box[2] - box[0]) and -shared <= _LIMIT[1] * self.unit
        return beside or (narrow and under)

    def text(self, regions: Sequence[Region]) -> tuple[TextWord, ...]:
        """The words that are in none of the regions, line by line."""
        found = []
        for number, line in enumerate(find_text(self.page, self.found)):
            words = self._read(line.region).words
            if not words:
                continue
            owner = self._owners(line.parts, words, _left(line.region))
            free = ~self._within(line.parts, regions)
            for i, word in enumerate(words):
                parts = line.parts[(owner == i) & free]
                if len(parts) and not word.is_math:
                    box = self.page.in_source(_box(parts))
                    found.append(TextWord(word.text, box, number, round(word.confidence, 4)))
        return tuple(found)

    def _ordered(self, pieces: list[tuple[Region, bool]], readable: bool) -> MathRegions:
        places = [region.place for region, _ in pieces]
        order = [places.index(place) for place in in_reading_order(places)]
        regions = tuple(pieces[i][0] for i in order)
        words = tuple("" if r.lines else words_alone(self._read(r)) for r in regions)
        return MathRegions(regions, words, tuple(pieces[i][1] for i in order), readable)

    def _read(self, region: Region) -> LineReading:
        """What a region says as a line of text; read once."""
        if region.place not in self._known:
            self._known[region.place] = self.reader.read(region.seen)
        return self._known[region.place]

    def _within(self, parts: Floats, regions: Sequence[Region]) -> NDArray[np.bool_]:
        """Which parts (N, 4) have their middle in a region."""
        places = np.array([region.place for region in regions], np.float64).reshape(-1, 4)
        middle = parts.reshape(-1, 2, 2).mean(1)[:, None]
        inside = (middle >= places[None, :, :2]) & (middle <= places[None, :, 2:])
        return np.asarray(inside.all(2).any(1))

    def _owners(self, parts: Floats, words: Sequence[LineWord], left: float) -> NDArray[np.intp]:
        """The word that each part is of; words begin ``left`` of where the page does."""
        middle = (parts[:, 0] + parts[:, 2]) / 2 - left
        begins = np.array([word.left for word in words])
        ends = np.array([word.right for word in words])
        away = np.maximum(begins[None] - middle[:, None], middle[:, None] - ends[None])
        return np.asarray(np.maximum(away, 0).argmin(axis=1))

    def _trimmed(self, region: Region, reading: LineReading) -> Region:
        """The region without clear words before and after its formula."""
        words = reading.words
        maths = [i for i, word in enumerate(words) if word.is_math]
        if not maths or len(words) == 1:
            return region
        first, last = 0, len(words) - 1
        while first < maths[0] and _is_cut_off(words[first]):
            first += 1
        while last > maths[-1] and _is_cut_off(words[last]):
            last -= 1
        if first == 0 and last == len(words) - 1:
            return region
        own = self.parts[self._within(self.parts, [region])]
        if not len(own):
            return region
        owner = self._owners(own, words, _left(region))
        kept = own[(owner >= first) & (owner <= last)]
        return region_of(self.page, self.found, _box(kept)) if len(kept) else region

    def _is_worth(self, rest: Region, region: Region) -> bool:
        """Whether what is left of a region without its words is more than one sign."""
        return rest is region or int(self._within(self.parts, [rest]).sum()) >= _FEWEST

    def _formulas(self, line: TextLine, regions: Sequence[Region]) -> list[Box]:
        """The boxes of formulas of a line that are in no region."""
        reading = self._read(line.region)
        words = reading.words
        if not any(word.is_math for word in words):
            return []
        owner = self._owners(line.parts, words, _left(line.region))
        covered = self._within(line.parts, regions)
        sure = [word.is_math and word.confidence >= _ADDED for word in words]
        free = np.array([sure[i] for i in owner]) & ~covered
        ends = np.flatnonzero(np.diff(free.astype(int), prepend=0, append=0))
        boxes = []
        for begin, end in ends.reshape(-1, 2).tolist():
            parts = line.parts[begin:end]
            x0, _, x1, _ = bounds(parts).tolist()
            if len(parts) >= _PARTS and x1 - x0 >= _WIDTH * self.unit:
                boxes.append(_box(parts))
        return boxes

    def _joined(self, pieces: list[tuple[Region, bool]]) -> list[tuple[Region, bool]]:
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
        """The piece to the right that goes on with what a region begins."""
        x0, y0, x1, y1 = region.place
        beside = [
            (other.place[0], i)
            for i, other in enumerate(others)
            if other.place[0] > x1 - 0.3 * self.unit
            and min(y1, other.place[3]) - max(y0, other.place[1])
            >= _SAME_LINE * min(y1 - y0, other.place[3] - other.place[1])
        ]
        if not beside or region.lines:
            return None
        _, nearest = min(beside)
        other = others[nearest]
        joined = not other.lines and self._goes_on(region.place, other.place)
        return nearest if joined else None

    def _goes_on(self, piece: Box, other: Box) -> bool:
        """Whether what stands between two pieces is mathematics, too."""
        gap = (other[0] - piece[2]) / self.unit
        if gap > _FAR:
            return False
        top, foot = max(piece[1], other[1]), min(piece[3], other[3])
        middle = self.parts.reshape(-1, 2, 2).mean(1)
        between = (middle >= (piece[2], top)) & (middle <= (other[0], foot))
        ink = self.parts[between.all(1)]
        if not len(ink):
            return False
        wide = float(ink[:, 2].max() - ink[:, 0].min()) / self.unit
        white = _widest_white(ink, piece[2], other[0]) / self.unit
        between_them = region_of(self.page, self.found, (piece[2], top, other[0], foot))
        words = self._read(between_them).words
        if wide < _INK or white > _WHITE or any(_is_word(word, *_BETWEEN) for word in words):
            return False
        if any(_is_word(word, *_IN_LINE) for word in self._words_within(piece, other)):
            return False
        maths = (word for word in words if word.is_math or _plain(word) in FUNCTIONS)
        sign = max((word.confidence for word in maths), default=0.0)
        told = sign >= _SIGN or (sign > 0 and wide >= _WIDE_SIGN)
        return told or (wide >= _WIDE_INK and gap <= _GAP)

    def _words_within(self, piece: Box, other: Box) -> list[LineWord]:
        """The words between two pieces where both are read as one line."""
        whole = region_of(self.page, self.found, union([piece, other]))
        left = _left(whole)
        return [
            word
            for word in self._read(whole).words
            if piece[2] < left + (word.left + word.right) / 2 < other[0]
        ]


def _is_cut_off(word: LineWord) -> bool:
    """Whether a word at the end of a formula is none of its own."""
    common = _plain(word) in COMMON and word.confidence >= _CUT_OFF[1]
    return common or _is_word(word, *_CUT_OFF)


def _is_word(word: LineWord, letters: int, least: float) -> bool:
    """Whether a word has so many letters, and is so sure."""
    enough = _letters(word) >= letters and word.confidence >= least
    return enough and not word.is_math and _plain(word) not in FUNCTIONS


def _widest_white(ink: Floats, left: float, right: float) -> float:
    """The widest gap that parts (N, 4) leave from left to right."""
    order = np.argsort(ink[:, 0])
    ends = np.maximum.accumulate(np.concatenate([[left], ink[order, 2]]))
    starts = np.concatenate([ink[order, 0], [right]])
    return float((starts - ends).max())


def _left(region: Region) -> float:
    """Where the pixels of a region's image, or the units of its ink, begin on the page."""
    return 0.0 if region.written is not None else float(region.origin[0])


def _box(parts: Floats) -> Box:
    x0, y0, x1, y1 = bounds(parts).tolist()
    return x0, y0, x1, y1
