"""Composition of a synthetic page of lecture notes: places words and formulas line by line.

Input: a symbol bank, fonts and a source of labels. Output: ink drawn on a `Sheet`, which records
the boxes (x0, y0, x1, y1) of the expressions in pixels. `lecture_page` decides what is placed.
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

SET = 0.25  # share of writers without the project's own font whose words are set in another font
TRIES = 12  # expressions sampled at most until one fits

MARKS = r"f g x y n r a k h 0 1 2 3 A B C \infty \rightarrow \Rightarrow \rightarrow".split()


@dataclass
class PageComposer:
    """A page, its writer and its lines.

    Attributes:
        sheet: the page that is drawn on; its ``y`` is the current baseline.
        writer: glyphs and style of words and formulas.
        formulas: source of labels beside the templates.
        pitch: distance of the lines, in pixels.
        top: baseline of the first line, in pixels.
        font: draws the words instead of the writer.
        shades: gray levels of the inks on the page.
        end: right edge of the writing, in pixels.
        number: number of the last numbered equation.
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
        """Draw words from (x, y) on, as `DrawText`, in the writer's glyphs or in the font."""
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
        """Draw words on the current line; returns the x of the next word."""
        x = self.sheet.write(self.sheet.page, text, x, self.sheet.y)
        return x + (self.writer.space if self.font is not None else 0)

    def mark(self, x: float, mark: str = "") -> float:
        """Draw a single symbol within words, random if empty; not annotated as an expression."""
        strokes = self.writer.maths(mark or self.sheet.one(*MARKS))
        self.sheet.ink(placed(strokes, x, self.sheet.y))
        return x + right_of(strokes) + self.writer.space

    def maths(self, sources: Sequence[Callable[[], str]], x: float, most: float) -> Box | None:
        """Draw an expression on the current line from x on; its box, or None if none fits.

        ``most`` is its maximal height in letter heights. Tall expressions lower the line.
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
        """A label of the inline templates, with random letters and digits."""
        return instantiate(INLINE, self.sheet)

    def known(self) -> str:
        """A label of the templates of displayed equations, with random letters and digits."""
        return instantiate(DISPLAY, self.sheet)

    def found(self) -> str:
        """A label of ``formulas``."""
        return self.formulas.sample(self.sheet.random)

    def feed(self, foot: float = 0.0) -> None:
        """Advance to the next line, below ``foot``, the lower edge of what was drawn."""
        sheet = self.sheet
        sheet.y = max(sheet.y + self.pitch, foot + sheet.room(1.5, 2.2))

    def ends(self, lines: float) -> bool:
        """Whether fewer than ``lines`` lines are left on the page."""
        return self.sheet.y > HEIGHT - lines * self.pitch


def _unset(page: Pixels, text: str, x: float, y: float) -> float:
    return x
