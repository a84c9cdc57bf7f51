"""Drawing on a synthetic page: strokes, headings, sketches, ruled lines, scanner artefacts.

Input: strokes (N, 2) in pixels, text and a random generator. Output: the page, (HEIGHT, WIDTH)
uint8, dark ink on white, drawn in place, and the boxes (x0, y0, x1, y1) of its equations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from hmer_cli.ink.render import draw
from hmer_cli.synthesis.pages import WORDS

Pixels = NDArray[np.uint8]
Box = tuple[float, float, float, float]
Random = np.random.Generator
DrawText = Callable[[Pixels, str, float, float], float]
"""Page, text, x, y -> draws the text from x on, on the baseline y; returns the x of its end."""

WIDTH, HEIGHT = 1240, 1754
PAD = 0.3  # letter heights: margin of an annotated box around the ink

SHORT = """iff st wlog qed ie eg thm defn cts def ex pf cor wrt deg max min b/c w/ s.t. i.e. e.g.
a.e. 1st 2nd 3D 2D n-th k-th iii ii iv""".split()
NAMES = """Rolle Taylor Fourier Euler Newton Gauss Cauchy Laplace Bayes Case Def Ex Note Proof
Remark Recall Observe Let If Then So But Now Use We The This It Here Conclusion Thm Lemma Step
Part Hint Question Answer Consider Given Find Show Solve Suppose HW MVT ODE IVP PDE SVD QED
Q A I""".split()


@cache
def vocabulary() -> tuple[list[str], NDArray[np.float64]]:
    """Words of lectures by falling frequency, and their cumulative probabilities (Zipf)."""
    common = (Path(__file__).parent / "words.txt").read_text(encoding="utf-8").split()
    words = list(dict.fromkeys([*common[:60], *WORDS, *NAMES, *SHORT, *common]))
    shares = (np.arange(len(words)) + 25.0) ** -0.8
    return words, np.cumsum(shares / shares.sum())


@dataclass
class Sheet:
    """A page that is drawn on, with the boxes of its equations.

    Attributes:
        random: source of all randomness.
        write: draws words.
        letter: height of a letter, in pixels.
        pen: line width, in pixels.
        left: left margin, in pixels.
        y: current baseline, in pixels.
        page: (HEIGHT, WIDTH) uint8.
        boxes: those of the equations so far, in pixels.
        shade: gray level of the ink, 0 is black.
    """

    random: Random
    write: DrawText
    letter: float
    pen: float
    left: float
    y: float
    page: Pixels = field(default_factory=lambda: np.full((HEIGHT, WIDTH), 255, np.uint8))
    boxes: list[Box] = field(default_factory=list)
    shade: int = 0

    def chance(self, share: float) -> bool:
        """True with probability ``share``."""
        return bool(self.random.random() < share)

    def room(self, low: float, high: float) -> float:
        """A random length in pixels, between ``low`` and ``high`` letter heights."""
        return float(self.random.uniform(low, high)) * self.letter

    def one(self, *ways: str) -> str:
        """One of the texts, at random."""
        return ways[int(self.random.integers(len(ways)))]

    def word(self) -> str:
        """A random word, sometimes with punctuation or in parentheses."""
        words, ends = vocabulary()
        word = words[min(int(np.searchsorted(ends, self.random.random())), len(words) - 1)]
        if self.chance(0.2):
            word += self.one(",", ",", ",", ".", ".", ".", ":", "?", "!")
        return f"({word})" if self.chance(0.03) else word

    def words(self, count: int) -> str:
        """``count`` random words."""
        return " ".join(self.word() for _ in range(count))

    def ink(self, strokes: Sequence[NDArray[np.floating]]) -> None:
        """Draw strokes (N, 2) in pixels of the page; the darker pixel wins."""
        if not strokes:
            return
        points = np.concatenate(list(strokes))
        low = np.maximum(np.floor(points.min(0)) - 6, 0).astype(int)
        high = np.minimum(np.ceil(points.max(0)) + 6, (WIDTH, HEIGHT)).astype(int)
        if (high <= low).any():
            return
        moved = [(stroke - low).astype(np.float32) for stroke in strokes]
        drawn = draw(moved, (int(high[1] - low[1]), int(high[0] - low[0])), self.pen)
        if self.shade:
            drawn = (255 - (255 - drawn.astype(np.float32)) * (1 - self.shade / 255)).astype(
                np.uint8
            )
        place = self.page[low[1] : high[1], low[0] : high[0]]
        np.minimum(place, drawn, out=place)

    def frame(self, box: Box, room: float) -> None:
        """Draw a rectangle around a box, ``room`` letter heights away from it."""
        away = room * self.letter
        corners = [
            (int(box[0] - away), int(box[1] - away)),
            (int(box[2] + away), int(box[3] + away)),
        ]
        thick = max(2, round(self.pen))
        cv2.rectangle(self.page, corners[0], corners[1], max(40, self.shade), thick, cv2.LINE_AA)

    def equation(self, strokes: Sequence[NDArray[np.floating]]) -> Box:
        """Draw an equation and record its box; returns the box of its ink, without margin."""
        self.ink(strokes)
        points, pad = np.concatenate(list(strokes)), PAD * self.letter
        (x0, y0), (x1, y1) = points.min(0).tolist(), points.max(0).tolist()
        self.boxes.append((x0 - pad, y0 - pad, x1 + pad, y1 + pad))
        return x0, y0, x1, y1

    def underline(self, x0: float, x1: float, y: float) -> None:
        """Draw a wavering horizontal line from x0 to x1."""
        x = np.linspace(x0, x1, 12)
        wave = np.cumsum(self.random.normal(0, 0.05 * self.letter, 12))
        self.ink([np.stack([x, y + wave], 1)])

    def title(self) -> None:
        """Draw a printed heading with a date, as of a note-taking program."""
        image = Image.fromarray(self.page)
        pen = ImageDraw.Draw(image)
        size = self.room(1.8, 3)
        pen.text((self.left, 40), self.words(4), fill=30, font=ImageFont.load_default(size))
        under = (self.left, 50 + 1.4 * size)
        date = "Monday, 24 August 2020"
        pen.text(under, date, fill=110, font=ImageFont.load_default(size / 2))
        self.page[:] = np.asarray(image)
        self.y = max(self.y, 60 + 2 * size + 3 * self.letter)

    def drawing(self, size: float, x: float) -> None:
        """Draw axes with a curve, or circles with an arrow, ``size`` pixels wide from x on."""
        across = np.linspace(0, 1, 60)
        if self.chance(0.5):
            curve = 0.5 + 0.4 * np.sin(across * self.random.uniform(3, 12)) * across
            lines = [np.array([(0, 0.9), (1, 0.88)]), np.array([(0.1, 0), (0.1, 1)])]
            lines.append(np.stack([across, curve], 1))
        else:
            turn = np.stack([np.cos(across * 2 * np.pi), np.sin(across * 2 * np.pi)], 1)
            lines = [turn * r + (self.random.uniform(0.3, 0.7), 0.5) for r in (0.45, 0.12)]
            lines.append(np.array([(0.5, 0.5), (1, 0.2), (0.92, 0.2), (1, 0.2), (0.97, 0.28)]))
        self.ink([line * size + (x, self.y) for line in lines])
        if self.chance(0.5) and x + size < WIDTH - 10 * self.letter:
            self.write(self.page, self.word(), x + size, self.y + 0.3 * size)

    def rule(self, step: float, first: float) -> None:
        """Draw ruled or squared paper: lines ``step`` pixels apart, the first at ``first``."""
        tilt, shade = float(self.random.uniform(-6, 6)), int(self.random.integers(150, 225))
        paper, thick = np.full_like(self.page, 255), int(self.random.integers(1, 3))
        for y in np.arange(first % step, HEIGHT, step):
            cv2.line(paper, (0, int(y)), (WIDTH, int(y + tilt)), shade, thick)
        if self.chance(0.3):
            for x in np.arange(self.random.uniform(10, 60), WIDTH, step):
                cv2.line(paper, (int(x), 0), (int(x - tilt), HEIGHT), shade, 1)
        elif self.chance(0.5):
            margin = int(self.random.uniform(40, 130))
            cv2.line(paper, (margin, 0), (int(margin - tilt), HEIGHT), shade - 20, thick)
        np.minimum(self.page, paper, out=self.page)

    def aged(self) -> Pixels:
        """A scan of the page: blur, uneven light, grain and bleed-through."""
        random, page = self.random, self.page
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
