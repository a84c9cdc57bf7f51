"""A synthetic page of notes: prose and displayed expressions on ruled paper.

Output: a grayscale image (H, W), drawn with the stroke font of `strokes`.
"""

from __future__ import annotations

import re

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.expr.tokens import tokenize
from hmer_cli.expr.tree import parse
from hmer_cli.ink.render import draw
from hmer_cli.synthesis.engine import inscribe
from hmer_cli.synthesis.font import FontWriter
from hmer_cli.synthesis.glyph import Points, join
from hmer_cli.synthesis.writer_style import WriterStyle

TEXT = r"""the roots of a polynomial of degree two, for all
real numbers a, b and c, are:
$x = \frac { - b \pm \sqrt { b ^ { 2 } - 4 a c } } { 2 a }$
where the number under the root says how many
there are. a sum that took long to find:
$\sum \limits _ { n = 1 } ^ { \infty } \frac { 1 } { n ^ { 2 } } = \frac { \pi ^ { 2 } } { 6 }$
and a limit that we need for the derivative:
$\lim \limits _ { x \rightarrow 0 } \frac { \sin x } { x } = 1$
the sides of a right triangle:
$a ^ { 2 } + b ^ { 2 } = c ^ { 2 }$"""
WIDTH, HEIGHT = 1240, 1180
LEFT, INDENT, TOP = 100, 320, 150
X = 21.0  # pixels: the height of an x
PITCH = 66
SHADE = 205
WRITER = 3


class Lecturer:
    """Writes lines from the top down."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.style = WriterStyle.of(WRITER)
        self.writer = FontWriter(self.random, self.style)
        self.strokes: list[Points] = []
        self.y = float(TOP)

    def prose(self, line: str) -> None:
        """One line of words on its rule."""
        x = float(LEFT)
        for word in re.findall(r"\w+|\W", line):
            if word == " ":
                x += 0.8 * X
                continue
            glyphs = [self.writer.glyph(letter) for letter in word]
            strokes = [(s * X).astype(np.float32) for s in join(word, glyphs, 0.14, None).strokes]
            x += self.put(strokes, x, self.y) + 0.25 * X
        self.y += PITCH

    def display(self, label: str) -> None:
        """One expression, with space over and under it."""
        strokes, _, _ = inscribe(parse(tokenize(label)), self.style, self.random)
        scaled = [(stroke * X / 100).astype(np.float32) for stroke in strokes]
        points = np.concatenate(scaled)
        top, foot = float(points[:, 1].min()), float(points[:, 1].max())
        self.put(scaled, INDENT, self.y - PITCH / 2 - top)
        rows = int(np.ceil((foot - top + PITCH / 2) / PITCH))
        self.y += rows * PITCH

    def put(self, strokes: list[Points], x: float, y: float) -> float:
        """Strokes with their left edge at x, their baseline at y; their width."""
        points = np.concatenate(strokes)
        left, right = float(points[:, 0].min()), float(points[:, 0].max())
        shift = np.array([x - left, y], np.float32)
        self.strokes += [(stroke + shift).astype(np.float32) for stroke in strokes]
        return right - left


def lecture() -> NDArray[np.uint8]:
    """The page, (H, W), at 150 dots an inch."""
    writer = Lecturer(seed=6)
    for line in TEXT.splitlines():
        if line.startswith("$"):
            writer.display(line.strip("$"))
        else:
            writer.prose(line)
    ink = draw(writer.strokes, (HEIGHT, WIDTH), 3.0)
    paper = np.full_like(ink, 255)
    for y in range(TOP % PITCH + 6, HEIGHT, PITCH):
        cv2.line(paper, (0, y), (WIDTH, y + 2), SHADE, 1, cv2.LINE_AA)
    return np.minimum(ink, paper)
