"""Synthetic handwritten pages: prose and expressions on paper, with the box of each expression.

Input: a source of labels, the number of a writer, a random generator. Output: an A4 page at
150 dpi, plain, ruled or squared, with boxes in pixels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np

from hmer_cli.expr.tokens import tokenize
from hmer_cli.expr.tree import parse
from hmer_cli.geometry import Box
from hmer_cli.ink.render import WHITE, Image, draw
from hmer_cli.synthesis.engine import inscribe
from hmer_cli.synthesis.font import FontWriter
from hmer_cli.synthesis.glyph import Points, join
from hmer_cli.synthesis.pen_kinematics import link
from hmer_cli.synthesis.writer_style import WriterStyle

WIDTH, HEIGHT = 1240, 1754
"""A4 at 150 dots an inch, in pixels."""

PAPERS = ("plain", "ruled", "squared")

WORDS = """the of and to in is that we for it as with on be by this are from or which let then
where since hence thus suppose assume function value point given every some there exists such
number integer real positive continuous derivative integral limit series converges theorem proof
lemma example note recall definition solution find compute show first second case interval root
equation order method error approximate between small large constant matrix vector space set
bounded unique if only because both sides divide multiply substitute into using above below so
now have has can cannot must therefore what when how same also next step term sum product graph
slope line area under curve change rate time energy field law mean average rule chain""".split()

_MARGIN = 70
_PITCH = 3.4
"""Line pitch of prose, in x heights."""  # convention

_MARK_GAP = 0.3
"""The gap before a comma, in x heights, so that its tail is not part of a letter."""

_PAD = 0.3
"""Padding of the boxes of expressions, in x heights."""  # convention

_INLINE = (9.0, 3.0)
"""The largest width and height of an inline expression, in x heights."""  # convention


_DISPLAY = 12.0
"""The largest height of a displayed expression, in x heights."""  # convention

_LAYOUTS, _DRAWS = 40, 400
"""Labels that are laid out, and that are drawn, for one expression."""  # convention

_TRIES = 3
"""Layouts of a label, which differ, that are too large for a page before it is tried no more."""

Kind = Literal["display", "inline"]


@dataclass
class Page:
    """A page: pixels (H, W), and of every expression the box in pixels, the label and the kind;
    ``too_large`` are labels that fit nowhere on it, whatever way they are written."""

    image: Image
    boxes: list[Box] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    kinds: list[Kind] = field(default_factory=list)
    too_large: list[str] = field(default_factory=list)


def write_page(source: Callable[[], str], style: int, rng: np.random.Generator) -> Page:
    """A page in the style of writer number ``style``.

    ``source`` returns a label per call; those that do not fit are left out, and named.
    """
    return _PageWriter(source, WriterStyle.of(style), rng).page()


@dataclass
class _Piece:
    """Strokes in pixels, baseline at y = 0, left edge at x = 0, and their box."""

    strokes: list[Points]
    box: Box

    @classmethod
    def of(cls, strokes: list[Points], scale: float) -> _Piece:
        points = np.concatenate(strokes)
        (x0, y0), (x1, y1) = points.min(axis=0) * scale, points.max(axis=0) * scale
        shift = np.array([x0, 0], np.float32)
        moved = [(stroke * scale - shift).astype(np.float32) for stroke in strokes]
        return cls(moved, (0.0, float(y0), float(x1 - x0), float(y1)))


class _PageWriter:
    def __init__(
        self, source: Callable[[], str], writer_style: WriterStyle, rng: np.random.Generator
    ) -> None:
        self.source = source
        self.writer_style = writer_style
        self.rng = rng
        self.writer = FontWriter(rng, writer_style)
        self.x = float(rng.uniform(13, 20))
        self.pitch = _PITCH * self.x * float(rng.uniform(0.9, 1.2))
        self.left = _MARGIN + float(rng.uniform(0, 80))
        self.top = 2 * _MARGIN + float(rng.uniform(0, 60))
        self.paper = PAPERS[int(rng.integers(len(PAPERS)))]
        self.strokes: list[Points] = []
        self.misfits: Counter[str] = Counter()
        self.found = Page(np.full((HEIGHT, WIDTH), WHITE, np.uint8))

    def page(self) -> Page:
        """Fill the page with paragraphs and displayed expressions."""
        y = self.top
        while y < HEIGHT - _MARGIN - self.pitch:
            y = self.prose(self.on_line(y)) if self.rng.random() < 0.45 else self.display(y)
        pen = float(np.clip(self.writer_style.pen * self.x, 1.5, 4.0))
        ink = draw(self.strokes, (HEIGHT, WIDTH), pen)
        paper = _paper(self.paper, self.top % self.pitch, self.pitch, self.rng)
        self.found.image = np.minimum(ink, paper)
        placed = set(self.found.labels)
        self.found.too_large = [label for label in self.misfits if label not in placed]
        return self.found

    def on_line(self, y: float) -> float:
        """The y of the next printed line on ruled paper; the same y on other paper."""
        if self.paper != "ruled":
            return y
        return self.top + self.pitch * float(np.ceil((y - self.top) / self.pitch - 0.1))

    def prose(self, y: float) -> float:
        """Add one to four lines of words with inline expressions; the y of the next line."""
        for _ in range(int(self.rng.integers(1, 5))):
            x, end = self.left, WIDTH - _MARGIN - float(self.rng.uniform(0, 150))
            if y > HEIGHT - _MARGIN:
                break
            while True:
                piece, label = self.word(), ""
                if self.rng.random() < 0.06:
                    piece, label = self.expression(_INLINE)
                if x + piece.box[2] > end:
                    break
                self.put(piece, x, y, label, "inline")
                x += piece.box[2] + self.x * float(self.rng.uniform(0.8, 1.3))
            y += self.pitch
        return y + 0.3 * self.pitch

    def display(self, y: float) -> float:
        """Add one to three displayed expressions; the y of the next line."""
        x = self.left + self.x * float(self.rng.uniform(0, 12))
        for _ in range(int(self.rng.choice([1, 1, 2, 3]))):
            piece, label = self.expression(((WIDTH - _MARGIN - x) / self.x, _DISPLAY))
            base = y - piece.box[1]
            if base + piece.box[3] > HEIGHT - _MARGIN:
                return float(HEIGHT)
            self.put(piece, x, base, label, "display")
            y = base + piece.box[3] + float(self.rng.uniform(1.0, 1.8)) * self.x
        return y + 2.4 * self.x

    def word(self) -> _Piece:
        """A random word, in two of seven cases followed by a comma or a full stop."""
        letters = str(self.rng.choice(WORDS))
        mark = str(self.rng.choice(["", "", "", "", "", ",", "."]))
        glyphs = [self.writer.glyph(letter) for letter in letters]
        joining = link if self.writer_style.joined else None
        word = join(letters, glyphs, float(self.rng.normal(0.14, 0.03)), joining)
        if mark:
            word = join(letters + mark, [word, self.writer.glyph(mark)], _MARK_GAP)
        return _Piece.of(word.strokes, self.x)

    def expression(self, most: tuple[float, float]) -> tuple[_Piece, str]:
        """An expression within this width and height (x heights), and its label.

        After 40 labels that do not fit, a word and an empty label. One that the widest display
        has no room for is not tried again and again.
        """
        tried = 0
        for _ in range(_DRAWS):
            label = self.source()
            if self.misfits[label] >= _TRIES:
                continue
            strokes, _, _ = inscribe(parse(tokenize(label)), self.writer_style, self.rng)
            piece = _Piece.of(strokes, self.x / 100)
            x0, y0, x1, y1 = piece.box
            if x1 - x0 <= most[0] * self.x and y1 - y0 <= most[1] * self.x:
                return piece, label
            if x1 - x0 > WIDTH - _MARGIN - self.left or y1 - y0 > _DISPLAY * self.x:
                self.misfits[label] += 1
            tried += 1
            if tried == _LAYOUTS:
                break
        return self.word(), ""

    def put(self, piece: _Piece, x: float, y: float, label: str, kind: Kind) -> None:
        """Add strokes at x on the baseline y, and the box of an expression if it has a label."""
        shift = np.array([x, y], np.float32)
        self.strokes += [stroke + shift for stroke in piece.strokes]
        if label:
            x0, y0, x1, y1 = piece.box
            pad = _PAD * self.x
            self.found.boxes.append((x + x0 - pad, y + y0 - pad, x + x1 + pad, y + y1 + pad))
            self.found.labels.append(label)
            self.found.kinds.append(kind)


def _paper(kind: str, first: float, pitch: float, rng: np.random.Generator) -> Image:
    """An empty sheet with the lines of its kind, one of them ``first`` pixels from the top."""
    paper = np.full((HEIGHT, WIDTH), WHITE, np.uint8)
    if kind == "plain":
        return paper
    step = pitch if kind == "ruled" else pitch / 2
    tilt, shade = float(rng.uniform(-4, 4)), int(rng.integers(165, 225))
    for y in np.arange(first, HEIGHT, step):
        cv2.line(paper, (0, int(y)), (WIDTH, int(y + tilt)), shade, 1, cv2.LINE_AA)
    for x in np.arange(first, WIDTH if kind == "squared" else 0, step):
        cv2.line(paper, (int(x), 0), (int(x - tilt), HEIGHT), shade, 1, cv2.LINE_AA)
    return paper
