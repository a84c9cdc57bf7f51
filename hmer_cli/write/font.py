"""The stroke font of our own (``glyphs.txt``), and the unsteady hand that writes with it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hmer_cli.write.glyph import Glyph, join

_FILE = Path(__file__).with_name("glyphs.txt")
_STEP = 9.0
"""A curve has a point for every so many hundredths of an x."""

WORDS = {
    rf"\{word}": word
    for word in """sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh coth log ln exp lim
    max min sup inf det arg dim ker""".split()
}
"""Function names, which are written letter by letter."""


@dataclass(frozen=True)
class Outline:
    """One way to write a sign: ``curve`` (N, P) makes its N points of its P control points."""

    controls: NDArray[np.float64]
    curve: NDArray[np.float64]
    lengths: tuple[int, ...]


@cache
def outlines() -> dict[str, tuple[Outline, ...]]:
    r"""Every sign of the font and the ways to write it; letters in a font as ``\mathbb{R}``."""
    found: dict[str, tuple[Outline, ...]] = {}
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            token, _, drawn = line.partition(" ")
            found[token] = (*found.get(token, ()), _outline(drawn))
    return found


def knows(token: str) -> bool:
    """Whether the font can write the token, alone or letter by letter."""
    return _key(token) in outlines() or token in WORDS


class FontHand:
    """A writer of the font: one slant, one roundness and one unsteadiness, drawn at random.

    No two signs come out alike.
    """

    def __init__(self, rng: np.random.Generator, slant: bool = True) -> None:
        self.rng = rng
        self.slant = float(rng.normal(0.08, 0.08)) if slant else 0.0
        self.wide = math.exp(float(rng.normal(0, 0.1)))
        self.unrest = float(rng.uniform(1.5, 4.0))

    def glyph(self, token: str, aspect: float | None = None) -> Glyph:
        """A new glyph of the token; raises KeyError where the font has none."""
        if token in WORDS:
            letters = [self.glyph(letter) for letter in WORDS[token]]
            return join(token, letters, float(self.rng.normal(0.12, 0.03)))
        ways = outlines()[_key(token)]
        outline = ways[int(self.rng.integers(len(ways)))] if len(ways) > 1 else ways[0]
        points = outline.curve @ self._wavered(outline.controls) / 100
        strokes = np.split(points.astype(np.float32), np.cumsum(outline.lengths)[:-1])
        return Glyph.of(token, strokes)

    def _wavered(self, controls: NDArray[np.float64]) -> NDArray[np.float64]:
        """The control points where this hand puts them: slanted, turned and a little beside."""
        turn, wide, high = self.rng.normal(0, (0.03, 0.06, 0.04))
        matrix = np.array(
            [[self.wide * (1 + wide), -(self.slant + turn)], [turn, 1 + high]],
        )
        return controls @ matrix.T + self.rng.normal(0, self.unrest, controls.shape)


def sample(token: str) -> Glyph:
    """The token as the font has it, in no hand: for measuring."""
    if token in WORDS:
        return join(token, [sample(letter) for letter in WORDS[token]], 0.12)
    outline = outlines()[_key(token)][0]
    points = (outline.curve @ outline.controls / 100).astype(np.float32)
    return Glyph.of(token, np.split(points, np.cumsum(outline.lengths)[:-1]))


def _key(token: str) -> str:
    return token.replace(" ", "")


def _outline(drawn: str) -> Outline:
    """Parses one line of the font: strokes apart by ``|``, corners marked with ``*``."""
    controls: list[tuple[float, float]] = []
    pieces: list[list[NDArray[np.float64]]] = []
    for stroke in drawn.split("|"):
        marks = stroke.split()
        first = len(controls)
        for mark in marks:
            x, y = mark.rstrip("*").split(",")
            controls.append((float(x), float(y)))
        corners = [i for i, mark in enumerate(marks) if mark.endswith("*")]
        pieces.append(list(_pieces(controls, first, corners)))
    size = len(controls)
    rows = [np.concatenate([_padded(row, size) for row in piece]) for piece in pieces]
    lengths = tuple(len(row) for row in rows)
    return Outline(np.array(controls), np.concatenate(rows), lengths)


def _pieces(
    controls: list[tuple[float, float]], first: int, corners: list[int]
) -> Iterator[NDArray[np.float64]]:
    """The smooth pieces of one stroke, from corner to corner, as weights of all its points."""
    ends = [first, *(first + corner for corner in corners), len(controls) - 1]
    for i, (start, end) in enumerate(pairwise(ends)):
        piece = _smooth(controls[start : end + 1])
        weights = np.zeros((len(piece), len(controls)))
        weights[:, start : end + 1] = piece
        yield weights[i > 0 :]


def _smooth(points: list[tuple[float, float]]) -> NDArray[np.float64]:
    """A Catmull-Rom curve through the points as a matrix (N, P) of weights."""
    last = len(points) - 1
    rows = [np.eye(len(points))[:1]]
    for start in range(last):
        pieces = max(1, round(math.dist(points[start], points[start + 1]) / _STEP))
        t = np.arange(1, pieces + 1)[:, None] / pieces
        row = np.zeros((pieces, len(points)))
        for index, weight in (
            (max(start - 1, 0), (-t + 2 * t**2 - t**3) / 2),
            (start, (2 - 5 * t**2 + 3 * t**3) / 2),
            (start + 1, (t + 4 * t**2 - 3 * t**3) / 2),
            (min(start + 2, last), (t**3 - t**2) / 2),
        ):
            row[:, index : index + 1] += weight
        rows.append(row)
    return np.concatenate(rows)


def _padded(row: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    return np.pad(row, ((0, 0), (0, size - row.shape[1])))
