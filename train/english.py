"""English pages to grow the region detector on: prose in many hands beside real equations.

The equations are inks of CROHME. The prose is drawn in fonts that look handwritten or, letter by
letter, in the very ink that the equations are made of: then nothing but the order of the signs
tells a word from a formula, as with people who print their letters. Fonts are not part of the
project: name a folder of .ttf or .woff files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from hmer_cli.ink.ink import Ink
from hmer_cli.ink.render import draw
from hmer_cli.learn.bank import BankHand, SymbolBank
from hmer_cli.write.pages import WORDS

Pixels = NDArray[np.uint8]
Box = tuple[float, float, float, float]
Random = np.random.Generator
Writer = Callable[[Pixels, str, float, float], float]
"""Writes a text from x on, on the baseline y, and gives where it ends."""

WIDTH, HEIGHT = 1240, 1754
PRINTED = 0.45  # of the pages: their prose is written letter by letter in ink
MORE = """a an not
but simple multiple length unit basis columns rows orthogonal independent wheels spin velocity
look motion world drive common axis forward angle directions speed page about more exists means
eventually faster than grows input size usually typically infinite valid sufficient equivalent
implies iff st wlog qed ie eg thm defn cts Rolle Taylor Fourier Euler Newton Case Def Ex Note
Proof Remark Recall Observe Let If Then So But Now Use We The This It Here Conclusion""".split()


@dataclass
class Sheet:
    """A page while it is written on, with the boxes of its equations; y is where to go on.

    ``letter`` is the height of a letter in pixels, ``pen`` the width of the line.
    """

    random: Random
    write: Writer
    letter: float
    pen: float
    left: float
    y: float
    page: Pixels = field(default_factory=lambda: np.full((HEIGHT, WIDTH), 255, np.uint8))
    boxes: list[Box] = field(default_factory=list)

    def chance(self, share: float) -> bool:
        """True so often."""
        return bool(self.random.random() < share)

    def room(self, low: float, high: float) -> float:
        """A random length between so many letter heights, in pixels."""
        return float(self.random.uniform(low, high)) * self.letter

    def word(self) -> str:
        """A word, with or without what follows words."""
        ending = str(self.random.choice(["", "", "", "", "", "", ",", ".", ":", "?", "!"]))
        word = str(self.random.choice([*WORDS, *MORE])) + ending
        return f"({word})" if self.chance(0.03) else word

    def words(self, count: int) -> str:
        """Several words."""
        return " ".join(self.word() for _ in range(count))


def english_page(
    inks: Sequence[Ink], bank: SymbolBank, fonts: Sequence[Path], random: Random
) -> tuple[Pixels, list[Box]]:
    """A page and the boxes of its equations; ``inks`` are chosen among at random."""
    letter, pen = float(random.uniform(15, 30)), float(random.uniform(2, 4.5))
    if random.random() < PRINTED:
        write = _inked(bank.hand(random), letter, pen, random)
    else:
        write = _set(fonts[int(random.integers(len(fonts)))], letter, random)
    left, top = float(random.uniform(50, 160)), float(random.uniform(70, 170))
    sheet = Sheet(random, write, letter, pen, left, top)
    if sheet.chance(0.25):
        _title(sheet)
    maths = float(random.uniform(0.15, 0.75))
    while sheet.y < HEIGHT - 8 * letter:
        (_display if sheet.chance(maths) else _prose)(sheet, inks)
        if sheet.chance(0.08):
            _drawing(sheet)
    if sheet.chance(0.6):
        _rule(sheet.page, letter, random)
    return _aged(sheet.page, random), sheet.boxes


def _set(path: Path, letter: float, random: Random) -> Writer:
    """A writer with a font."""
    font = ImageFont.truetype(str(path), int(letter * random.uniform(1.7, 2.3)))
    shade = int(random.integers(20, 100))

    def write(page: Pixels, text: str, x: float, y: float) -> float:
        image = Image.fromarray(page)
        ImageDraw.Draw(image).text((x, y), text, fill=shade, font=font, anchor="ls")
        page[:] = np.asarray(image)
        return x + font.getlength(text)

    return write


def _inked(hand: BankHand, letter: float, pen: float, random: Random) -> Writer:
    """A writer who prints letters, each of them ink of an equation."""
    unit = letter * float(random.uniform(0.6, 0.95))
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
        _draw(page, strokes, pen)
        return x

    return write


def _draw(page: Pixels, strokes: Sequence[NDArray[np.floating]], pen: float) -> None:
    """Draws strokes in pixels of the page on what is there."""
    if not strokes:
        return
    points = np.concatenate(list(strokes))
    low = np.maximum(np.floor(points.min(0)) - 6, 0).astype(int)
    high = np.minimum(np.ceil(points.max(0)) + 6, (WIDTH, HEIGHT)).astype(int)
    if (high <= low).any():
        return
    moved = [(stroke - low).astype(np.float32) for stroke in strokes]
    drawn = draw(moved, (int(high[1] - low[1]), int(high[0] - low[0])), pen)
    place = page[low[1] : high[1], low[0] : high[0]]
    np.minimum(place, drawn, out=place)


def _title(sheet: Sheet) -> None:
    """A printed heading, as note-taking programs set it."""
    image = Image.fromarray(sheet.page)
    pen = ImageDraw.Draw(image)
    size = sheet.room(1.8, 3)
    pen.text((sheet.left, 40), sheet.words(4), fill=30, font=ImageFont.load_default(size))
    under = (sheet.left, 50 + 1.4 * size)
    pen.text(under, "Monday, 24 August 2020", fill=110, font=ImageFont.load_default(size / 2))
    sheet.page[:] = np.asarray(image)
    sheet.y = max(sheet.y, 60 + 2 * size + 3 * sheet.letter)


def _prose(sheet: Sheet, inks: Sequence[Ink]) -> None:
    """Some lines of words, with short equations among them; or a heading; or a list."""
    indent = sheet.left + (sheet.room(0, 8) if sheet.chance(0.4) else 0)
    end = WIDTH - sheet.room(2, 14)
    bullet = str(sheet.random.choice(["", "", "", "- ", "* ", ". ", "1) ", "2) "]))
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
            _stroke(sheet, start, x, sheet.y + sheet.room(0.25, 0.5))
        sheet.y = max(sheet.y + sheet.room(2, 3.2), foot + sheet.room(1.2, 1.8))


def _display(sheet: Sheet, inks: Sequence[Ink]) -> None:
    """Equations in a row, with words before and behind, and a number at the margin."""
    x = sheet.left + sheet.room(0, 12)
    top = sheet.y - 0.8 * sheet.letter
    if sheet.chance(0.35):
        lead = sheet.words(int(sheet.random.integers(1, 3))) + str(sheet.random.choice([" ", ": "]))
        x = sheet.write(sheet.page, lead, x, sheet.y + sheet.room(0, 1)) + sheet.room(0.3, 1)
    foot = sheet.y + sheet.letter
    for _ in range(int(sheet.random.choice([1, 1, 1, 2, 2, 3]))):
        box = _equation(sheet, inks[int(sheet.random.integers(len(inks)))], x, top)
        if box is None:
            break
        foot, x = max(foot, box[3]), box[2] + sheet.room(3.5, 10)
        if sheet.chance(0.25):
            between = str(
                sheet.random.choice(["and", "so", "where", "if", "or", "for", sheet.word()])
            )
            x = sheet.write(sheet.page, between, x - 1.5 * sheet.letter, sheet.y) + sheet.room(1, 2)
    if sheet.chance(0.2) and x < WIDTH - 12 * sheet.letter:
        text = str(sheet.random.choice(["(product rule)", "QED", "(why?)", sheet.words(2)]))
        x = sheet.write(sheet.page, text, x, (top + foot) / 2 + sheet.letter / 2)
    if sheet.chance(0.2) and x < WIDTH - 8 * sheet.letter:
        number = f"({sheet.random.integers(1, 40)})"
        sheet.write(sheet.page, number, WIDTH - 5 * sheet.letter, (top + foot) / 2)
    sheet.y = foot + sheet.room(1.5, 3)


def _short(inks: Sequence[Ink], random: Random) -> Ink:
    """An equation that fits into a sentence: the shortest of a handful."""
    few = [inks[int(index)] for index in random.integers(len(inks), size=8)]
    return min(few, key=lambda ink: len(ink.strokes))


def _equation(sheet: Sheet, ink: Ink, x: float, y: float) -> Box | None:
    """Draws ink with its corner at (x, y); None, and nothing drawn, where it does not fit."""
    heights = [float(np.ptp(stroke[:, 1])) for stroke in ink.strokes]
    tall = [height for height in heights if height > 0.3 * max(heights)] or [1.0]
    scale = sheet.room(1.0, 1.5) / max(float(np.median(tall)), 1e-3)
    x0, y0, x1, y1 = ink.box()
    box = (x, y, x + (x1 - x0) * scale, y + (y1 - y0) * scale)
    if box[2] > WIDTH - 20 or box[3] > HEIGHT - 10 or box[3] - box[1] > 9 * sheet.letter:
        return None
    _draw(sheet.page, [(stroke - (x0, y0)) * scale + (x, y) for stroke in ink.strokes], sheet.pen)
    pad = 0.3 * sheet.letter
    sheet.boxes.append((box[0] - pad, box[1] - pad, box[2] + pad, box[3] + pad))
    if sheet.chance(0.06):
        corners = [(int(box[0] - 2 * pad), int(box[1] - 2 * pad))]
        corners += [(int(box[2] + 2 * pad), int(box[3] + 2 * pad))]
        cv2.rectangle(sheet.page, corners[0], corners[1], 40, max(2, round(sheet.pen)), cv2.LINE_AA)
    return box


def _stroke(sheet: Sheet, x0: float, x1: float, y: float) -> None:
    """A line under what was written, not quite straight."""
    x = np.linspace(x0, x1, 12)
    wave = np.cumsum(sheet.random.normal(0, 0.05 * sheet.letter, 12))
    _draw(sheet.page, [np.stack([x, y + wave], 1)], sheet.pen)


def _drawing(sheet: Sheet) -> None:
    """Axes with a curve and a word at it, or circles with an arrow."""
    size, letter = sheet.room(6, 14), sheet.letter
    x = float(sheet.random.uniform(100, WIDTH - size - 100))
    if sheet.y + size > HEIGHT - 60:
        return
    across = np.linspace(0, 1, 60)
    if sheet.chance(0.5):
        curve = 0.5 + 0.4 * np.sin(across * sheet.random.uniform(3, 12)) * across
        lines = [np.array([(0, 0.9), (1, 0.88)]), np.array([(0.1, 0), (0.1, 1)])]
        lines.append(np.stack([across, curve], 1))
    else:
        turn = np.stack([np.cos(across * 2 * np.pi), np.sin(across * 2 * np.pi)], 1)
        lines = [turn * r + (sheet.random.uniform(0.3, 0.7), 0.5) for r in (0.45, 0.12)]
        lines.append(np.array([(0.5, 0.5), (1, 0.2), (0.92, 0.2), (1, 0.2), (0.97, 0.28)]))
    _draw(sheet.page, [line * size + (x, sheet.y) for line in lines], sheet.pen)
    if sheet.chance(0.5) and x + size < WIDTH - 10 * letter:
        sheet.write(sheet.page, sheet.word(), x + size, sheet.y + 0.3 * size)
    sheet.y += size + 2 * letter


def _rule(page: Pixels, letter: float, random: Random) -> None:
    step, tilt = float(random.uniform(2.4, 4)) * letter, float(random.uniform(-6, 6))
    shade = int(random.integers(150, 225))
    paper = np.full_like(page, 255)
    for y in np.arange(random.uniform(40, 120), HEIGHT, step):
        cv2.line(paper, (0, int(y)), (WIDTH, int(y + tilt)), shade, int(random.integers(1, 3)))
    if random.random() < 0.4:
        for x in np.arange(random.uniform(10, 60), WIDTH, step):
            cv2.line(paper, (int(x), 0), (int(x - tilt), HEIGHT), shade, 1)
    np.minimum(page, paper, out=page)


def _aged(page: Pixels, random: Random) -> Pixels:
    """A scan of the page: soft, uneven, grainy, and its back shining through."""
    soft = cv2.GaussianBlur(page, (0, 0), float(random.uniform(0.4, 1.0))).astype(np.float32)
    if random.random() < 0.3:
        back = cv2.GaussianBlur(np.roll(page[:, ::-1], 37, 0), (0, 0), 1.5).astype(np.float32)
        soft = np.minimum(soft, 255 - (255 - back) * float(random.uniform(0.08, 0.3)))
    shade = (
        np.linspace(1, random.uniform(0.75, 1), WIDTH)[None]
        * np.linspace(random.uniform(0.85, 1), 1, HEIGHT)[:, None]
    )
    grain = random.normal(0, random.uniform(1, 5), page.shape)
    return np.clip(soft * shade + grain, 0, 255).astype(np.uint8)
