"""Synthetic pages of English prose with equations, and the boxes of the equations.

Input: ink of single equations, a symbol bank and fonts. Output: the page, (H, W) uint8, dark ink on
white, and boxes (x0, y0, x1, y1) in pixels. Method: prose and displayed equations alternate at
random. The prose is set in handwriting-like fonts or composed of symbols of the same inks as the
equations, so that a detector cannot separate both by the style of the strokes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hmer_cli.ink.ink import Ink
from hmer_cli.training.compose.symbol_bank import BankHand, SymbolBank
from hmer_cli.training.page_synthesis.sheet import (
    HEIGHT,
    WIDTH,
    Box,
    DrawText,
    Pixels,
    Random,
    Sheet,
)

PRINTED = 0.45  # share of the pages whose prose is composed of inked symbols


def prose_page(
    inks: Sequence[Ink], bank: SymbolBank, fonts: Sequence[Path], random: Random
) -> tuple[Pixels, list[Box]]:
    """A page (HEIGHT, WIDTH) and the boxes of its equations, which are sampled from ``inks``."""
    letter, pen = float(random.uniform(15, 30)), float(random.uniform(2, 4.5))
    left, top = float(random.uniform(50, 160)), float(random.uniform(70, 170))
    sheet = Sheet(random, _silent, letter, pen, left, top)
    if sheet.chance(PRINTED) or not fonts:
        sheet.write = _inked(sheet, bank.hand(random))
    else:
        sheet.write = with_font(fonts[int(random.integers(len(fonts)))], letter, random)
    if sheet.chance(0.25):
        sheet.title()
    maths = float(random.uniform(0.15, 0.75))
    while sheet.y < HEIGHT - 8 * letter:
        (_display if sheet.chance(maths) else _prose)(sheet, inks)
        if sheet.chance(0.08):
            _drawing(sheet)
    if sheet.chance(0.6):
        sheet.rule(sheet.room(2.4, 4), float(random.uniform(40, 120)))
    return sheet.aged(), sheet.boxes


def _silent(page: Pixels, text: str, x: float, y: float) -> float:
    return x


def with_font(path: Path, letter: float, random: Random) -> DrawText:
    """A function that draws text in a font, with ``letter`` pixels for a letter's height."""
    font = ImageFont.truetype(str(path), int(letter * random.uniform(1.7, 2.3)))
    shade = int(random.integers(20, 100))

    def write(page: Pixels, text: str, x: float, y: float) -> float:
        image = Image.fromarray(page)
        ImageDraw.Draw(image).text((x, y), text, fill=shade, font=font, anchor="ls")
        page[:] = np.asarray(image)
        return x + font.getlength(text)

    return write


def _inked(sheet: Sheet, hand: BankHand) -> DrawText:
    """A function that draws text by glyphs of the symbol bank, letter by letter."""
    random = sheet.random
    unit = sheet.letter * float(random.uniform(0.6, 0.95))
    between, blank = float(random.uniform(0.02, 0.35)), float(random.uniform(0.7, 1.3))

    def write(page: Pixels, text: str, x: float, y: float) -> float:
        strokes = []
        for sign in text:
            if sign == " " or not hand.bank.can_write(sign):
                x += blank * unit
                continue
            glyph = hand.glyph(sign)
            place = np.array([x - glyph.box[0] * unit, y])
            strokes += [stroke * unit + place for stroke in glyph.strokes]
            x += (glyph.width + between * float(random.uniform(0.5, 1.5))) * unit
        sheet.ink(strokes)
        return x

    return write


def _prose(sheet: Sheet, inks: Sequence[Ink]) -> None:
    """Draw one to four lines of words with short equations among them, or a list."""
    indent = sheet.left + (sheet.room(0, 8) if sheet.chance(0.4) else 0)
    end = WIDTH - sheet.room(2, 14)
    bullet = sheet.one("", "", "", "- ", "* ", ". ", "1) ", "2) ")
    for line in range(int(sheet.random.integers(1, 5))):
        x, foot = indent, sheet.y
        if bullet and (line == 0 or sheet.chance(0.5)):
            x = sheet.write(sheet.page, bullet, x, sheet.y)
        start = x
        while x < end - 6 * sheet.letter and sheet.y < HEIGHT - 4 * sheet.letter:
            if sheet.chance(0.06):
                box = _equation(sheet, _short(inks, sheet.random), x, sheet.y - 1.2 * sheet.letter)
                if box:
                    x, foot = box[2] + sheet.letter, max(foot, box[3])
                    continue
            x = sheet.write(sheet.page, sheet.word() + " ", x, sheet.y)
            if sheet.chance(0.03):
                break
        if sheet.chance(0.12):
            sheet.underline(start, x, sheet.y + sheet.room(0.25, 0.5))
        sheet.y = max(sheet.y + sheet.room(2, 3.2), foot + sheet.room(1.2, 1.8))


def _display(sheet: Sheet, inks: Sequence[Ink]) -> None:
    """Draw a row of displayed equations, with words around them and a number at the margin."""
    x = sheet.left + sheet.room(0, 12)
    top = sheet.y - 0.8 * sheet.letter
    if sheet.chance(0.35):
        lead = sheet.words(int(sheet.random.integers(1, 3))) + sheet.one(" ", ": ")
        x = sheet.write(sheet.page, lead, x, sheet.y + sheet.room(0, 1)) + sheet.room(0.3, 1)
    foot = sheet.y + sheet.letter
    for _ in range(int(sheet.random.choice([1, 1, 1, 2, 2, 3]))):
        box = _equation(sheet, inks[int(sheet.random.integers(len(inks)))], x, top)
        if box is None:
            break
        foot, x = max(foot, box[3]), box[2] + sheet.room(3.5, 10)
        if sheet.chance(0.25):
            between = sheet.one("and", "so", "where", "if", "or", "for", sheet.word())
            x = sheet.write(sheet.page, between, x - 1.5 * sheet.letter, sheet.y) + sheet.room(1, 2)
    if sheet.chance(0.2) and x < WIDTH - 12 * sheet.letter:
        text = sheet.one("(product rule)", "QED", "(why?)", sheet.words(2))
        x = sheet.write(sheet.page, text, x, (top + foot) / 2 + sheet.letter / 2)
    if sheet.chance(0.2) and x < WIDTH - 8 * sheet.letter:
        number = f"({sheet.random.integers(1, 40)})"
        sheet.write(sheet.page, number, WIDTH - 5 * sheet.letter, (top + foot) / 2)
    sheet.y = foot + sheet.room(1.5, 3)


def _drawing(sheet: Sheet) -> None:
    size = sheet.room(6, 14)
    x = float(sheet.random.uniform(100, WIDTH - size - 100))
    if sheet.y + size <= HEIGHT - 60:
        sheet.drawing(size, x)
        sheet.y += size + 2 * sheet.letter


def _short(inks: Sequence[Ink], random: Random) -> Ink:
    """A short equation for a line of prose: the one of fewest strokes among eight."""
    few = [inks[int(index)] for index in random.integers(len(inks), size=8)]
    return min(few, key=lambda ink: len(ink.strokes))


def _equation(sheet: Sheet, ink: Ink, x: float, y: float) -> Box | None:
    """Draw ink with its top left corner at (x, y); its box, or None if it does not fit."""
    heights = [float(np.ptp(stroke[:, 1])) for stroke in ink.strokes]
    tall = [height for height in heights if height > 0.3 * max(heights)] or [1.0]
    scale = sheet.room(1.0, 1.5) / max(float(np.median(tall)), 1e-3)
    x0, y0, x1, y1 = ink.box()
    right, foot = x + (x1 - x0) * scale, y + (y1 - y0) * scale
    if right > WIDTH - 20 or foot > HEIGHT - 10 or foot - y > 9 * sheet.letter:
        return None
    box = sheet.equation([(stroke - (x0, y0)) * scale + (x, y) for stroke in ink.strokes])
    if sheet.chance(0.06):
        sheet.frame(box, 0.6)
    return box
