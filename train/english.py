"""English pages to grow the region detector on: handwriting fonts beside real equations.

The equations are inks of CROHME, the prose is drawn in fonts that look handwritten, so that the
detector does not take every Latin letter for mathematics. Fonts are not part of the project:
name a folder of .ttf or .woff files.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from hmer_cli.ink.ink import Ink
from hmer_cli.ink.render import draw
from hmer_cli.write.pages import WORDS

Pixels = NDArray[np.uint8]
Box = tuple[float, float, float, float]
Random = np.random.Generator

WIDTH, HEIGHT = 1240, 1754


def english_page(
    inks: Sequence[Ink], fonts: Sequence[Path], random: Random
) -> tuple[Pixels, list[Box]]:
    """A page and the boxes of its equations; ``inks`` are chosen among at random."""
    page = np.full((HEIGHT, WIDTH), 255, np.uint8)
    letter = float(random.uniform(15, 30))
    font = ImageFont.truetype(str(random.choice(np.array(fonts, dtype=object))), int(letter * 2.1))
    pen, left = float(random.uniform(2, 4)), float(random.uniform(50, 160))
    boxes: list[Box] = []
    y = float(random.uniform(50, 150))
    while y < HEIGHT - 8 * letter:
        if random.random() < 0.5:
            y = _prose(page, boxes, inks, font, letter, pen, left, y, random)
        else:
            y = _display(page, boxes, inks, font, letter, pen, left, y, random)
        if random.random() < 0.06:
            y = _drawing(page, letter, y, random)
    if random.random() < 0.6:
        _rule(page, letter, random)
    return _aged(page, random), boxes


def _write(page: Pixels, text: str, font: ImageFont.FreeTypeFont, x: float, y: float) -> float:
    """Draws text with its top at y and gives where it ends."""
    image = Image.fromarray(page)
    ImageDraw.Draw(image).text((x, y), text, fill=30, font=font)
    page[:] = np.asarray(image)
    return x + font.getlength(text)


def _prose(
    page: Pixels, boxes: list[Box], inks: Sequence[Ink], font: ImageFont.FreeTypeFont,
    letter: float, pen: float, left: float, y: float, random: Random,
) -> float:  # fmt: skip
    for _ in range(int(random.integers(1, 5))):
        x, tall = left, 2.4 * letter
        while x < WIDTH - 9 * letter and y < HEIGHT - 4 * letter:
            if random.random() < 0.05:
                box = _equation(page, _short(inks, random), letter, pen, x, y + letter, random)
                if box and box[2] < WIDTH - 20:
                    boxes.append(box)
                    x, tall = box[2] + letter, max(tall, box[3] - y)
                    continue
            ending = str(random.choice(["", "", "", "", "", ",", ".", ":"]))
            x = _write(page, str(random.choice(WORDS)) + ending + " ", font, x, y)
        y += tall + float(random.uniform(0.2, 1.0)) * letter
        if random.random() < 0.2:
            break
    return y


def _display(
    page: Pixels, boxes: list[Box], inks: Sequence[Ink], font: ImageFont.FreeTypeFont,
    letter: float, pen: float, left: float, y: float, random: Random,
) -> float:  # fmt: skip
    x = left + float(random.uniform(0, 12)) * letter
    if random.random() < 0.3:
        x = _write(page, str(random.choice(WORDS)) + ": ", font, x, y)
    foot = y + 2 * letter
    for _ in range(int(random.choice([1, 1, 1, 2, 2, 3]))):
        ink = inks[int(random.integers(len(inks)))]
        box = _equation(page, ink, letter, pen, x, y, random)
        if box is None or box[2] > WIDTH - 20:
            break
        boxes.append(box)
        foot = max(foot, box[3])
        x = box[2] + float(random.uniform(3.5, 10)) * letter
    if random.random() < 0.15 and x < WIDTH - 12 * letter:
        _write(page, f"({random.integers(1, 40)})", font, WIDTH - 6 * letter, (y + foot) / 2)
    return foot + float(random.uniform(0.6, 2)) * letter


def _short(inks: Sequence[Ink], random: Random) -> Ink:
    """An equation that fits into a sentence: the shortest of a handful."""
    few = [inks[int(index)] for index in random.integers(len(inks), size=8)]
    return min(few, key=lambda ink: len(ink.strokes))


def _equation(
    page: Pixels, ink: Ink, letter: float, pen: float, x: float, y: float, random: Random
) -> Box | None:
    """Draws ink with its corner at (x, y); None, and nothing drawn, where it does not fit."""
    heights = [float(np.ptp(stroke[:, 1])) for stroke in ink.strokes]
    tall = [height for height in heights if height > 0.3 * max(heights)] or [1.0]
    scale = letter * float(random.uniform(1.0, 1.5)) / max(float(np.median(tall)), 1e-3)
    x0, y0, x1, y1 = ink.box()
    box = (x, y, x + (x1 - x0) * scale, y + (y1 - y0) * scale)
    if box[2] > WIDTH - 10 or box[3] > HEIGHT - 10 or box[3] - box[1] > 9 * letter:
        return None
    moved = [(stroke - (x0, y0)) * scale + 4 for stroke in ink.strokes]
    shape = (int(box[3] - y) + 8, int(box[2] - x) + 8)
    drawn = draw([stroke.astype(np.float32) for stroke in moved], shape, pen)
    top, left = max(0, int(y) - 4), max(0, int(x) - 4)
    place = page[top : top + shape[0], left : left + shape[1]]
    np.minimum(place, drawn[: place.shape[0], : place.shape[1]], out=place)
    pad = 0.3 * letter
    return box[0] - pad, box[1] - pad, box[2] + pad, box[3] + pad


def _drawing(page: Pixels, letter: float, y: float, random: Random) -> float:
    """Axes with a curve."""
    x, size = float(random.uniform(100, 800)), float(random.uniform(8, 14)) * letter
    if y + size > HEIGHT - 60:
        return y
    across = np.linspace(0, 1, 60)
    curve = 0.5 + 0.4 * np.sin(across * random.uniform(3, 12)) * across
    for points in (
        [(0, 0.9), (1, 0.88)],
        [(0.1, 0), (0.1, 1)],
        list(zip(across, curve, strict=True)),
    ):
        line = (np.array(points) * size + (x, y)).astype(np.int32)
        cv2.polylines(page, [line], False, 40, int(random.integers(2, 4)), cv2.LINE_AA)
    return y + size + letter


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
    """A scan of the page: soft, uneven, grainy."""
    soft = cv2.GaussianBlur(page, (0, 0), float(random.uniform(0.4, 1.0))).astype(np.float32)
    shade = (
        np.linspace(1, random.uniform(0.75, 1), WIDTH)[None]
        * np.linspace(random.uniform(0.85, 1), 1, HEIGHT)[:, None]
    )
    grain = random.normal(0, random.uniform(1, 5), page.shape)
    return np.clip(soft * shade + grain, 0, 255).astype(np.uint8)
