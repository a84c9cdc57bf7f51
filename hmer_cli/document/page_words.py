"""Regions that the search found -> regions that hold mathematics, by what the line reader says.

Each region is read as a line of text. One that says words alone is left out; words at the ends of a
formula are cut off; two pieces of a formula with ink between them that says no word are joined; and
formulas that the reader sees among the words of a line, where no region is, are added. On pages
whose words it cannot read, being of another language, regions stay as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hmer_cli.document.foreign_ink import foreign_ink, on_bar, without_ink
from hmer_cli.document.formula_ends import mark_of, of_formula
from hmer_cli.document.formula_growth import apart, grown, is_beside, runs, with_dots
from hmer_cli.document.formula_pieces import PieceJoiner, ends_at_equals, left_of
from hmer_cli.document.line_words import (
    are_beside_formulas,
    are_short,
    confidence,
    formulas,
    is_word,
    letters,
    likely_maths,
    owners,
    without_doubt,
    words_alone,
)
from hmer_cli.document.math_regions import MathRegions
from hmer_cli.document.page_language import FEWEST_LETTERS, is_foreign
from hmer_cli.document.region_trust import surroundings_of
from hmer_cli.document.signs_apart import signs_apart
from hmer_cli.geometry import Box, bounding_box, inside_of, union
from hmer_cli.page.detect.integral import Floats
from hmer_cli.page.detect.line_growth import equals_signs
from hmer_cli.page.detect.search import PreparedPage, in_reading_order
from hmer_cli.page.load.pages import Page
from hmer_cli.page.regions import Region
from hmer_cli.page.text_regions import TextLine, find_text, region_of
from hmer_cli.recognition.line_reader import LineReader, LineReading

# Chosen on notes-truth.
_LETTERS = 3  # of a clear word beside a formula
_MOST_LINES = 160  # convention: a page of two columns has 120; one with more is covered with specks
_FEWEST = 2  # parts that are left of a region without its words
_SPACE = 0.55  # letter heights between a formula and a word
_SAME_LINE = 0.5  # of the lower one's height: what two pieces share
_WHITE = 2.2  # letter heights: more white parts two formulas
_BESIDE = 1.8  # letter heights between a piece and what is added to it
_LIMIT = 1.6, 0.4  # letter heights of a limit, and of the white between it and its sign
_ADDED = 0.8  # confidence of a formula that is in no region,
_WITH_EQUALS = 0.4  # the same of one with an equals sign
_MOSTLY = 0.5  # of its parts that are in none,
_PARTS, _WIDTH = 3, 2.0  # its parts, and its letter heights
_GOES_ON = 0.5  # confidence of what is added to a formula beside it
_WORD = 2, 0.5  # letters of a word that is no formula's, and its confidence
_LINE = 8, 2.5  # parts of words and a formula on one line, and how many times as wide as high
_LIKELY = 3, 0.3  # the same of one that shows that there are words on a page
_LEFT_OUT = "ink right beside it was not read"
_APART = "stands by itself: is it mathematics?"
_NO_WORDS = LineReading(())


class WordFinder:
    """Looks through the regions of one page."""

    def __init__(self, page: Page, found: PreparedPage, reader: LineReader) -> None:
        self.page, self.found, self.reader = page, found, reader
        self.unit = found.parts.unit * found.scale
        self.parts = found.parts.boxes * found.scale
        self._known: dict[Box, LineReading] = {}
        self._joiner = PieceJoiner(page, found, self.read)

    def refined(self, regions: Sequence[Region]) -> MathRegions:
        """The regions of mathematics of a page on which these were found."""
        lines = [line for line in find_text(self.page, self.found) if len(line.parts) > 1]
        free = [line for line in lines if not self._within(line.parts, regions).all()]
        if len(regions) <= 1 and not free:
            return MathRegions.of([part for region in regions for part in self._of_line(region)])
        if len(lines) > _MOST_LINES or is_foreign(free, lambda line: self.read(line.region)):
            return MathRegions.of(regions)
        kept, words = self._of_search(regions)
        pieces = self._joiner.joined([(region, False) for region in kept])
        whole = [*regions, *(region for region, _ in pieces)]
        systems = [region.place for region in regions if region.lines]
        for box in (box for line in free for box in self._formulas(line, whole)):
            if not (self._is_word(box) or self.page.is_of_neighbour(box, systems)):
                pieces = self._with(pieces, box)
        pieces = self._grown(self._joiner.joined(pieces), free, words)
        pieces = [piece for piece in self._joiner.joined(pieces) if self._is_enough(*piece)]
        known = sum(letters(word) for region in words for word in self.read(region).words)
        pieces = self._without_words(pieces)
        saying = np.zeros(len(self.parts), bool)  # words
        for line in lines:
            halves = on_bar(line.parts, np.delete(self.parts, line.indices, 0), self.unit)
            saying[line.indices] = self._says_words(line.region) and not halves
        letters_too = saying.copy()
        for line in lines:
            letters_too[line.indices] |= self._of_words(line)
        pieces = self._without_text(pieces, lines, letters_too)
        pieces = [(self._alone(region, saying), added) for region, added in pieces]
        saying = letters_too | self._within(self.parts, words)
        alone: list[Region] = []
        if not (words or any(map(self._are_words, lines))):
            alone = signs_apart(self.page, self.found, [region for region, _ in pieces])
            pieces += [(region, False) for region in alone]
        short = [(region, False) for region in words if self._may_be_signs(region, lines)]
        pieces += short if len(pieces) + len(short) > 1 else []  # what is alone is no word
        places = {region.place for region in alone}
        refined = self._ordered(pieces, known >= FEWEST_LETTERS, ~saying, lines, places)
        about = surroundings_of(refined.regions, regions, self.parts, self.unit)
        return replace(refined, surroundings=about)

    def _of_line(self, region: Region) -> list[Region]:
        """The formulas of an image of one line, without words that are clear."""
        x0, y0, x1, y1 = region.place
        count = int(self._within(self.parts, [region]).sum())
        if region.lines or count < _LINE[0] or x1 - x0 < _LINE[1] * (y1 - y0):
            return [region]
        reading = self.read(region)
        return self._parted(region, reading) if are_beside_formulas(reading.words) else [region]

    def _are_words(self, line: TextLine) -> bool:
        """Whether there are likely words in a line."""
        return any(is_word(word, *_LIKELY) for word in self.read(line.region).words)

    def _of_words(self, line: TextLine) -> NDArray[np.bool_]:
        """Which parts of a line are of its words."""
        words = self.read(line.region).words
        if not words:
            return np.zeros(len(line.parts), bool)
        owner = owners(line.parts, words, left_of(line.region), self.unit)
        return np.array([is_word(word, *_WORD) for word in words])[owner]

    def _without_text(
        self,
        pieces: list[tuple[Region, bool]],
        lines: Sequence[TextLine],
        words: NDArray[np.bool_],
    ) -> list[tuple[Region, bool]]:
        """The pieces without what stands at their ends and is of the text around them."""
        begun = [mark_of(line.parts, self.unit, self._are_words(line)) for line in lines]
        marks = [mark for mark in begun if mark is not None]
        beside = self.parts[words & ~self._within(self.parts, [region for region, _ in pieces])]
        done = []
        for region, added in pieces:
            own = self.parts[self._within(self.parts, [region])]
            mine = own if region.lines else own[of_formula(own, beside, marks, self.unit)]
            if len(mine) < len(own):
                region = region_of(self.page, self.found, bounding_box(mine))
            done.append((region, added))
        return done

    def _alone(self, region: Region, words: NDArray[np.bool_]) -> Region:
        """A region without the words in its box, and without what marks it from below."""
        inside = self._within(self.parts, [region])
        if region.lines or not inside.any():
            return region
        kept = inside & ~words
        if kept.sum() >= _FEWEST:
            kept[kept] = ~foreign_ink(self.parts[kept], self.found.image, self.unit)
        own, foreign = self.parts[kept], self.parts[inside & ~kept]
        if len(own) < _FEWEST or not len(foreign):
            return region
        box = bounding_box(own)
        return without_ink(region_of(self.page, self.found, box), foreign, own)

    def _of_search(self, regions: Sequence[Region]) -> tuple[list[Region], list[Region]]:
        """The formulas of the regions that the search found, and those that are words."""
        kept: list[Region] = []
        words: list[Region] = []
        for region in regions:
            reading = None if region.lines else self.read(region)
            if reading is None:
                kept.append(region)
            elif words_alone(reading) and without_doubt(reading):
                words.append(region)
            else:
                rest = self._parted(region, reading)
                kept += [part for part in rest if self._is_worth(part, region)]
        return kept, words

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

    def _said(self, region: Region, lines: Sequence[TextLine]) -> LineReading:
        """The words that a region may be, by itself or by what its line says; else none."""
        if region.lines or words_alone(self.read(region)):
            return _NO_WORDS if region.lines else self.read(region)
        held = self._in_line(region, lines)
        return held if words_alone(held) and without_doubt(held) else _NO_WORDS

    def _in_line(self, region: Region, lines: Sequence[TextLine]) -> LineReading:
        """The words of the line that a region is in, as far as they hold its ink; else none."""
        count = self._within(self.parts, [region]).sum()
        for line in lines:
            own = self._within(line.parts, [region])
            words = self.read(line.region).words
            if own.any() and own.sum() == count and words:
                owner = owners(line.parts, words, left_of(line.region), self.unit)
                return LineReading(tuple(words[i] for i in sorted(set(owner[own].tolist()))))
        return _NO_WORDS

    def _may_be_signs(self, region: Region, lines: Sequence[TextLine]) -> bool:
        """Whether words are so short, in their line, too, that a formula may look like them."""
        return are_short(self.read(region)) and are_short(self._in_line(region, lines))

    def _ordered(
        self,
        pieces: list[tuple[Region, bool]],
        upright: bool,
        signs: NDArray[np.bool_],
        lines: Sequence[TextLine],
        alone: Collection[Box],
    ) -> MathRegions:
        """The pieces in reading order; ``signs`` right beside, and being ``alone``, are doubts."""
        places = [region.place for region, _ in pieces]
        order = [places.index(place) for place in in_reading_order(places)]
        regions = tuple(pieces[i][0] for i in order)
        said = [self._said(region, lines) for region in regions]
        free = self.parts[signs & ~self._within(self.parts, regions)]
        cut = [not r.lines and is_beside(r.place, free, self.unit) for r in regions]
        return MathRegions(
            regions,
            tuple(reading.text for reading in said),
            tuple(confidence(reading.words) for reading in said),
            tuple(pieces[i][1] for i in order),
            upright,
            doubts=tuple(
                _APART if r.place in alone else _LEFT_OUT if each else ""
                for r, each in zip(regions, cut, strict=True)
            ),
        )

    def read(self, region: Region) -> LineReading:
        """What a region says as a line of text; read once."""
        if region.place not in self._known:
            self._known[region.place] = self.reader.read(region.seen)
        return self._known[region.place]

    def read_text(self, region: Region) -> LineReading:
        """The same for text that is shown, with a second pass."""
        return self.reader.read(region.seen, second_pass=True)

    def _within(self, parts: Floats, regions: Sequence[Region]) -> NDArray[np.bool_]:
        """Which parts (N, 4) have their middle in a region."""
        return inside_of(parts, [region.place for region in regions])

    def _parted(self, region: Region, reading: LineReading) -> list[Region]:
        """The formulas of a region without clear words before, after and between."""
        words = reading.words
        found = list(formulas(words))
        own = self.parts[self._within(self.parts, [region])]
        if not found or found == [(0, len(words) - 1)] or not len(own):
            return [region]
        owner = owners(own, words, left_of(region), self.unit)
        short = [not word.is_math and letters(word) < _LETTERS for word in words]
        pieces = apart(own, owner, found, np.where(short, _SPACE * self.unit, -np.inf))
        if len(pieces) == 1 and len(pieces[0]) == len(own):
            return [region]
        return [region_of(self.page, self.found, bounding_box(piece)) for piece in pieces]

    def _without_words(self, pieces: list[tuple[Region, bool]]) -> list[tuple[Region, bool]]:
        """The pieces without the words that came in with what was joined to them."""
        return [
            (part, added)
            for region, added in pieces
            for part in ([region] if region.lines else self._parted(region, self.read(region)))
            if self._is_worth(part, region)
        ]

    def _grown(
        self, pieces: list[tuple[Region, bool]], lines: Sequence[TextLine], words: Sequence[Region]
    ) -> list[tuple[Region, bool]]:
        """The pieces with the ink that goes on with them; what ``words`` hold is none."""
        likely = np.full(len(self.parts), np.nan)
        for line in lines:
            read = self.read(line.region).words
            if read and len(line.parts) >= _PARTS:
                owner = owners(line.parts, read, left_of(line.region), self.unit)
                likely[line.indices] = np.array(likely_maths(read))[owner]
        taken = self._within(self.parts, [*(region for region, _ in pieces), *words])
        done = []
        for region, added in pieces:
            box = region.place
            if not region.lines:
                open_end = ends_at_equals(self.parts[self._within(self.parts, [region])], self.unit)
                free = self.parts[~taken], likely[~taken]
                more = grown(box, *free, self.unit, _GOES_ON, open_end)
                box = self._without_words_beside(box, more)
                box = with_dots(box, self.parts, ~taken, self.unit)
                taken |= inside_of(self.parts, [box])
            same = box == region.place
            done.append((region if same else region_of(self.page, self.found, box), added))
        return done

    def _without_words_beside(self, box: Box, more: Box) -> Box:
        """What a box has grown to, without the side on which the ink by itself is a word."""
        left, right = (more[0], more[1], box[0], more[3]), (box[2], more[1], more[2], more[3])
        if left[0] < left[2] and self._is_word(left):
            more = (box[0], *more[1:])
        if right[0] < right[2] and self._is_word(right):
            more = (*more[:2], box[2], more[3])
        return more

    def _is_word(self, box: Box) -> bool:
        """Whether the ink in a box, by itself, is words without a doubt."""
        return self._says_words(region_of(self.page, self.found, box))

    def _says_words(self, region: Region) -> bool:
        """Whether a region is words without a doubt."""
        reading = self.read(region)
        return bool(words_alone(reading)) and without_doubt(reading)

    def _is_enough(self, region: Region, added: bool) -> bool:
        """Whether a piece that the search did not find is more than a sign or two."""
        x0, _, x1, _ = region.place
        parts = int(self._within(self.parts, [region]).sum())
        return not added or (parts >= _PARTS and x1 - x0 >= _WIDTH * self.unit)

    def _is_worth(self, rest: Region, region: Region) -> bool:
        """Whether what is left of a region without its words is more than one sign."""
        return rest is region or int(self._within(self.parts, [rest]).sum()) >= _FEWEST

    def _formulas(self, line: TextLine, regions: Sequence[Region]) -> list[Box]:
        """The boxes of formulas of a line that are in no region."""
        words = self.read(line.region).words
        if not any(word.is_math for word in words):
            return []
        owner = owners(line.parts, words, left_of(line.region), self.unit)
        sure = np.array(likely_maths(words)) >= _ADDED
        equals = equals_signs(line.parts, self.unit)
        for i in {int(owner[pair[0]]) for pair in equals}:
            sure[i] |= words[i].is_math and words[i].confidence >= _WITH_EQUALS
        free = ~self._within(line.parts, regions)
        count, left = (np.bincount(owner, each, len(words)) for each in (None, free))
        new = np.array([word.is_math for word in words]) & (left >= _MOSTLY * count)
        begins = line.parts[free & new[owner], 0]
        boxes = map(bounding_box, runs(line.parts, free & sure[owner], _WHITE * self.unit))
        return [box for box in boxes if ((box[0] <= begins) & (begins <= box[2])).any()]
