"""Synthetic pages of lecture notes with boxes of their expressions.

Input: a symbol bank, fonts and a source of labels. Output: the page, (H, W) uint8, dark ink on
white, and boxes (x0, y0, x1, y1) in pixels. Method: blocks (prose, lists, statements, displayed
equations, derivations, rows, drawings) are sampled with weights of the page. Words and formulas
use the same letters (symbols of CROHME and MathBrush, or the project's own font), some words a
font. Negatives that resemble formulas: single letters, abbreviations in brackets, equation numbers,
bullets, labels of drawings. A page is clean in several gray levels, as exported by note-taking
programs, or scanned.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hmer_cli.synthesis.labels import LabelSource
from hmer_cli.training.compose.symbol_bank import SymbolBank
from hmer_cli.training.page_synthesis.composer import TRIES, PageComposer
from hmer_cli.training.page_synthesis.sheet import HEIGHT, WIDTH, Box, Pixels, Random, Sheet

SCANNED = 0.55  # share of the pages that are scans
TALLEST = 9.0  # letter heights: maximal height of a displayed equation

BULLETS = ("-", "*", ".", "@)", "(@)", "@.", r"\rightarrow")
FEW = ("if", "then", "and", "so", "where", "as", "is", "for", "let", "since", "or")


def lecture_page(
    bank: SymbolBank, fonts: Sequence[Path], formulas: LabelSource, random: Random
) -> tuple[Pixels, list[Box]]:
    """A page and the boxes of its equations, which are templates or labels of ``formulas``."""
    notes = PageComposer.sample(bank, fonts, formulas, random)
    _fill(notes)
    sheet = notes.sheet
    if not sheet.chance(SCANNED):
        return sheet.page, sheet.boxes
    if sheet.chance(0.7):
        sheet.rule(notes.pitch, notes.top + 0.2 * notes.writer.x)
    return sheet.aged(), sheet.boxes


def _fill(notes: PageComposer) -> None:
    """Sample blocks until the page is full, with weights drawn once per page."""
    sheet = notes.sheet
    if sheet.chance(0.4):
        sheet.title()
    ways = (_words, _list, _statement, _display, _derivation, _row, _drawing)
    usual = np.array([0.25, 0.1, 0.2, 0.15, 0.15, 0.1, 0.05])
    shares = usual * sheet.random.gamma(1.5, 1, len(ways))
    while not notes.ends(5):
        if sheet.chance(0.3):
            sheet.shade = notes.shades[int(sheet.random.integers(len(notes.shades)))]
        left = sheet.left
        if sheet.chance(0.35):
            sheet.left += sheet.room(2, 14)
        start = sheet.y
        ways[int(sheet.random.choice(len(ways), p=shares / shares.sum()))](notes)
        if sheet.chance(0.12):
            _remark(notes, start)
        sheet.left = left
        sheet.y += sheet.room(0, 2) if sheet.chance(0.4) else 0


def _remark(notes: PageComposer, start: float) -> None:
    """Draw a remark to the right of the last block, if there is room."""
    sheet, foot = notes.sheet, notes.sheet.y
    near = [box[2] for box in sheet.boxes if box[3] > start] + [0.55 * WIDTH]
    inked = np.flatnonzero((sheet.page[max(0, int(start - notes.pitch)) : int(foot)] < 200).any(0))
    left = max(*near, float(inked.max(initial=0))) + sheet.room(2, 4)
    if left > WIDTH - 14 * sheet.letter:
        return
    sheet.left, sheet.y = left, start
    _statement(notes)
    if sheet.chance(0.5) and not notes.ends(5):
        _display(notes)
    sheet.y = max(sheet.y, foot)


def _words(notes: PageComposer) -> None:
    """Draw lines of words with short expressions and single letters among them, or a heading."""
    sheet = notes.sheet
    heading = sheet.chance(0.15)
    rich = float(sheet.random.choice([0.0, 0.05, 0.15]))
    for _ in range(1 if heading else int(sheet.random.integers(1, 5))):
        start = x = sheet.left
        foot, end = 0.0, notes.end - sheet.room(0, 12)
        if notes.ends(3):
            return
        while x < end - 6 * sheet.letter:
            if not heading and sheet.chance(rich):
                box = notes.maths([notes.inline], x, 3.5)
                if box:
                    x, foot = box[2] + notes.writer.space, max(foot, box[3])
                    x = _comma(notes, x)
            elif not heading and sheet.chance(0.05):
                x = notes.mark(x)
            else:
                x = notes.say(sheet.word(), x)
            if sheet.chance(0.25 if heading else 0.03):
                break
        if heading or sheet.chance(0.08):
            low = sheet.y + sheet.room(0.3, 0.6)
            sheet.underline(start, x - notes.writer.space, low)
        notes.feed(foot)


def _comma(notes: PageComposer, x: float) -> float:
    """Draw punctuation after an inline expression in one of four cases; returns the next x."""
    if not notes.sheet.chance(0.25):
        return x
    back = (notes.writer.blank - 0.4) * notes.sheet.letter
    return notes.say(notes.sheet.one(",", ",", ".", ":", "?", ")"), x - back)


def _list(notes: PageComposer) -> None:
    """Draw a list with bullets or numbers."""
    sheet = notes.sheet
    bullet = sheet.one(*BULLETS)
    counted = sheet.one("123456", "abcdef", "ABCDEF")
    for place in range(int(sheet.random.integers(2, 6))):
        if notes.ends(4):
            return
        if bullet.startswith("\\"):
            x = notes.mark(sheet.left, bullet)
        else:
            x = notes.say(bullet.replace("@", counted[place]), sheet.left)
        foot = 0.0
        for _ in range(int(sheet.random.integers(1, 7))):
            if x > notes.end - 7 * sheet.letter:
                break
            if sheet.chance(0.12):
                box = notes.maths([notes.inline, notes.known], x, 4)
                if box:
                    x, foot = box[2] + 1.5 * sheet.letter, max(foot, box[3])
            else:
                x = notes.say(sheet.word(), x)
        notes.feed(foot)


def _statement(notes: PageComposer) -> None:
    """Draw one line of alternating words and expressions."""
    sheet = notes.sheet
    x, foot = sheet.left, 0.0
    speaks = sheet.chance(0.6)
    for _ in range(int(sheet.random.integers(2, 7))):
        if x > notes.end - 7 * sheet.letter:
            break
        if speaks:
            text = sheet.one(*FEW)
            if sheet.chance(0.6):
                text = sheet.words(int(sheet.random.integers(1, 4)))
            for word in text.split():
                if x < notes.end - 7 * sheet.letter:
                    x = notes.say(word, x)
            x += sheet.room(0, 0.8)
        else:
            box = notes.maths([notes.inline, notes.inline, notes.known, notes.found], x, 6)
            if box is None:
                break
            x, foot = box[2] + notes.writer.space, max(foot, box[3])
            x = _comma(notes, x) + sheet.room(0, 1)
            if sheet.chance(0.1):
                x = notes.mark(x, sheet.one(r"\rightarrow", r"\Rightarrow", r"\leftrightarrow"))
        speaks = not speaks
    notes.feed(foot)


def _display(notes: PageComposer) -> None:
    """Draw a displayed equation with a frame, a label, an equation number or a remark."""
    sheet = notes.sheet
    x = sheet.left + sheet.room(0, 10)
    box = notes.maths([notes.known, notes.found, notes.found], x, TALLEST)
    if box is None:
        notes.feed()
        return
    foot, x = box[3], box[2] + sheet.room(1.5, 4)
    if sheet.chance(0.1):
        sheet.frame(box, 0.7)
        foot += 0.7 * sheet.letter
    elif sheet.chance(0.15):
        foot = _labelled(notes, box)
    if sheet.chance(0.2) and x < WIDTH - 8 * sheet.letter:
        notes.number += 1
        number = sheet.one(f"({notes.number})", "(*)", f"({notes.number}.{notes.number + 2})")
        notes.say(number, WIDTH - 6 * sheet.letter)
    elif sheet.chance(0.3):
        remark = sheet.one("QED", "(why?)", "No", "ok", sheet.words(2), f"({sheet.words(2)})")
        for word in remark.split():
            if x < WIDTH - 9 * sheet.letter:
                x = notes.say(word, x)
    notes.feed(foot)


def _labelled(notes: PageComposer, box: Box) -> float:
    """Draw a bracket or a line and a word below part of an expression; returns their foot."""
    sheet = notes.sheet
    x0 = float(sheet.random.uniform(box[0], (box[0] + box[2]) / 2))
    x1 = float(sheet.random.uniform(x0 + sheet.letter, max(box[2], x0 + 2 * sheet.letter)))
    y = box[3] + sheet.room(0.6, 1.0)
    if sheet.chance(0.5):
        sheet.underline(x0, x1, y)
    else:
        up = 0.5 * sheet.letter
        sheet.ink([np.array([(x0, y - up), (x0, y), (x1, y), (x1, y - up)])])
    sheet.write(sheet.page, sheet.word(), x0, y + sheet.room(1.8, 2.4))
    return y + 2.6 * sheet.letter


def _derivation(notes: PageComposer) -> None:
    """Draw a derivation over several lines, its relations aligned in one column."""
    sheet = notes.sheet
    x = sheet.left + sheet.room(0, 4)
    if sheet.chance(0.4):
        x = notes.say(sheet.one("so", "then", "Let", "now", "thus", sheet.word()), x)
    left = notes.maths([lambda: _side(notes, 9)], x, 5)
    if left is None:
        notes.feed()
        return
    column, low = left[2] + sheet.room(0.3, 0.8), left[3]
    for line in range(int(sheet.random.integers(2, 6))):
        box = notes.maths([lambda: f"{_relation(sheet)} {_side(notes, 24)}"], column, 6)
        if box is None:
            break
        if not line:
            right, whole = np.array(sheet.boxes.pop()), np.array(sheet.boxes.pop())
            ends = np.minimum(right[:2], whole[:2]), np.maximum(right[2:], whole[2:])
            sheet.boxes.append(tuple(np.concatenate(ends).tolist()))
        if sheet.chance(0.15) and box[2] < WIDTH - 14 * sheet.letter:
            reason = f"{sheet.one('(by', 'using', 'since', 'as')} {sheet.word()}"
            notes.say(reason, box[2] + sheet.room(1.5, 4))
        low = max(low, box[3])
        notes.feed(low)
        if notes.ends(3):
            return
    notes.feed(low)


def _relation(sheet: Sheet) -> str:
    return "=" if sheet.chance(0.85) else sheet.one(r"\leq", "<", r"\approx", r"\geq")


def _side(notes: PageComposer, most: int) -> str:
    """A label of one side of an equation, of at most ``most`` tokens."""
    for _ in range(TRIES):
        label = notes.known() if notes.sheet.chance(0.4) else notes.found()
        side = label.partition(" = ")[0 if notes.sheet.chance(0.5) else 2] or label
        if len(side.split()) <= most and "cases" not in side and side[-1] not in "=.,":
            return side
    return "f ( x )"


def _row(notes: PageComposer) -> None:
    """Draw rows of short equations beside each other."""
    sheet = notes.sheet
    for _ in range(int(sheet.random.integers(1, 4))):
        x, foot = sheet.left, 0.0
        for _ in range(int(sheet.random.integers(1, 4))):
            box = notes.maths([notes.inline, notes.known], x, 5)
            if box is None:
                break
            x, foot = box[2] + sheet.room(2.5, 8), max(foot, box[3])
            if sheet.chance(0.2):
                notes.say(",", box[2] + 0.3 * sheet.letter)
        notes.feed(foot)
        if notes.ends(4):
            return


def _drawing(notes: PageComposer) -> None:
    """Draw a sketch with letters beside it, which are not annotated as expressions."""
    sheet = notes.sheet
    size = sheet.room(6, 14)
    x = float(sheet.random.uniform(100, WIDTH - size - 100))
    if sheet.y + size > HEIGHT - 60:
        notes.feed()
        return
    sheet.drawing(size, x)
    top = sheet.y
    for _ in range(int(sheet.random.integers(0, 5))):
        sheet.y = top + float(sheet.random.uniform(0.1, 1.1)) * size
        notes.mark(x + float(sheet.random.uniform(-0.1, 1.1)) * size)
    sheet.y = top + 1.1 * size
    notes.feed()
