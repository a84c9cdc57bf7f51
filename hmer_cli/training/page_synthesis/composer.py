"""State of a page of lecture notes while it is composed: sheet, writer, current line.

Places words and formulas, and records the boxes of expressions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hmer_cli.errors import InputError
from hmer_cli.synthesis.labels import LabelSource
from hmer_cli.training.compose.symbol_bank import SymbolBank
from hmer_cli.training.page_synthesis.prose_page import with_font
from hmer_cli.training.page_synthesis.sheet import (
    HEIGHT,
    WIDTH,
    Box,
    DrawText,
    Pixels,
    Random,
    Sheet,
)
from hmer_cli.training.page_synthesis.templates import DISPLAY, INLINE, instantiate
from hmer_cli.training.page_synthesis.writer import Writer, placed, right_of

SET = 0.25  # of those who do not write our own font have their words set in another
TRIES = 12

MARKS = r"f g x y n r a k h 0 1 2 3 A B C \infty \rightarrow \Rightarrow \rightarrow".split()


@dataclass
class PageComposer:
    """The page, who writes it, and where its lines are: ``pitch`` pixels apart from ``top`` on.

    ``formulas`` are what to write beside what every lecture has; ``font`` writes the words where
    the writer does not; nothing is written beyond ``end``.
    """

    sheet: Sheet
    writer: Writer
    formulas: LabelSource
    pitch: float
    top: float
    font: DrawText | None = None
    shades: tuple[int, ...] = (0,)
    end: float = WIDTH - 60.0
    number: int = 0

    @classmethod
    def sample(
        cls, bank: SymbolBank, fonts: Sequence[Path], formulas: LabelSource, random: Random
    ) -> PageComposer:
        """An empty page and a random writer."""
        writer = Writer.sample(bank, random)
        x = writer.x
        pen = max(1.6, x * float(random.uniform(0.08, 0.22)))
        pitch, top = x * float(random.uniform(2.4, 4.2)), float(random.uniform(90, 220))
        sheet = Sheet(random, _unset, x, pen, float(random.uniform(60, 200)), top)
        book = cls(sheet, writer, formulas, pitch, top)
        sheet.write = book.written
        if fonts and writer.lean and sheet.chance(SET):
            book.font = with_font(fonts[int(random.integers(len(fonts)))], x, random)
        if sheet.chance(0.6):
            book.shades = (0, int(random.integers(60, 150)), int(random.integers(0, 120)))
        return book

    def written(self, page: Pixels, text: str, x: float, y: float) -> float:
        """As `DrawText`, in this writer's hand."""
        if self.font is not None:
            return self.font(page, text, x, y)
        for word in text.split():
            strokes = self.writer.word(word)
            if strokes:
                self.sheet.ink(placed(strokes, x, y))
                x += right_of(strokes)
            x += self.writer.space * float(self.sheet.random.uniform(0.8, 1.3))
        return x

    def say(self, text: str, x: float) -> float:
        """Words on the line, and where the next one begins."""
        x = self.sheet.write(self.sheet.page, text, x, self.sheet.y)
        return x + (self.writer.space if self.font is not None else 0)

    def mark(self, x: float, mark: str = "") -> float:
        """A single sign within words, this one or any: no more an expression than they are."""
        strokes = self.writer.maths(mark or self.sheet.one(*MARKS))
        self.sheet.ink(placed(strokes, x, self.sheet.y))
        return x + right_of(strokes) + self.writer.space

    def maths(self, sources: Sequence[Callable[[], str]], x: float, most: float) -> Box | None:
        """An expression on the line from x on; None, and nothing written, where none fits.

        ``most`` is how high it may be, in letter heights. The line goes down where it rises high.
        """
        sheet, random = self.sheet, self.sheet.random
        for _ in range(TRIES):
            try:
                strokes = self.writer.maths(sources[int(random.integers(len(sources)))]())
            except (InputError, KeyError, ValueError):
                continue
            points = np.concatenate(strokes)
            (_, top), (right, foot) = points.min(0).tolist(), points.max(0).tolist()
            if x + right < self.end and foot - top < most * sheet.letter:
                sheet.y += max(0, -top - 1.6 * sheet.letter)
                if sheet.y + foot > HEIGHT - 20:
                    return None
                return sheet.equation(placed(strokes, x, sheet.y))
        return None

    def inline(self) -> str:
        """A short expression, in other letters."""
        return instantiate(INLINE, self.sheet)

    def known(self) -> str:
        """What lectures are full of, in other letters."""
        return instantiate(DISPLAY, self.sheet)

    def found(self) -> str:
        """An expression of the formulas."""
        return self.formulas.sample(self.sheet.random)

    def feed(self, foot: float = 0.0) -> None:
        """On to the next line, below what reaches down to ``foot``."""
        sheet = self.sheet
        sheet.y = max(sheet.y + self.pitch, foot + sheet.room(1.5, 2.2))

    def ends(self, lines: float) -> bool:
        """Whether there are no more than so many lines left on the page."""
        return self.sheet.y > HEIGHT - lines * self.pitch


def _unset(page: Pixels, text: str, x: float, y: float) -> float:
    return x
