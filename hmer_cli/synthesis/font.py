"""The stroke font of our own (``glyphs.txt``), and the unsteady hand that writes with it.

How often each way of a sign is taken, and how large it is written, is people's
(``glyph_variants.json``, see `hmer_cli.training.fit.font`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hmer_cli.expr.commands import GREEK
from hmer_cli.expr.symbol_classes import layout_class
from hmer_cli.synthesis.glyph import Glyph, Points, join
from hmer_cli.synthesis.pen_kinematics import glide, hook, link
from hmer_cli.synthesis.writer_style import WriterStyle

_FILE = Path(__file__).with_name("glyphs.txt")
_WAYS = Path(__file__).with_name("glyph_variants.json")
_STEP = 9.0
"""A curve has a point for every so many hundredths of an x."""

_UPRIGHT = 0.4
"""Brackets, signs and operators lean that much less than letters."""

WORDS = {
    rf"\{word}": word
    for word in """sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh coth log ln exp lim
    max min sup inf det arg dim ker limsup liminf deg gcd lg""".split()
}
"""Function names, which are written letter by letter."""

WORD_GAP = 0.12
"""The usual gap between their letters."""

_TWO_WORDS, _BETWEEN = frozenset({r"\limsup", r"\liminf"}), 0.45
"""Names of two words of three letters, and the usual gap between those."""


@dataclass(frozen=True)
class Outline:
    """One way to write a sign: N points from its P control points.

    ``curve`` (N, P) makes them lie on a smooth curve, ``chord`` (N, P) on straight lines.
    ``share`` is that of the writers who write so.
    """

    controls: NDArray[np.float64]
    curve: NDArray[np.float64]
    chord: NDArray[np.float64]
    lengths: tuple[int, ...]
    share: float = 1.0

    def pulled(self, share: float, wide: float, high: float, down: float) -> Outline:
        """The outline for so many writers, pulled about its middle, and moved by x heights."""
        points = self.curve @ self.controls
        middle = (points.min(axis=0) + points.max(axis=0)) / 2
        controls = (self.controls - middle) * (wide, high) + middle + (0, 100 * down)
        return replace(self, controls=controls, share=share)

    def glyph(self, token: str) -> Glyph:
        """The token as it is drawn, in no hand."""
        points = (self.curve @ self.controls / 100).astype(np.float32)
        return Glyph.of(token, np.split(points, np.cumsum(self.lengths)[:-1]))


@cache
def outlines() -> dict[str, tuple[Outline, ...]]:
    r"""Every sign of the font and the ways to write it; letters in a font as ``\mathbb{R}``."""
    ways = json.loads(_WAYS.read_text(encoding="utf-8"))
    return {
        token: tuple(one.pulled(*way) for one, way in zip(drawn, ways[token], strict=True))
        for token, drawn in drawings().items()
    }


@cache
def drawings() -> dict[str, tuple[Outline, ...]]:
    """The same as they stand in the font's file, each way as likely as the next."""
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
    """A writer of the font, whose manner is drawn at random where none is given.

    No two signs come out alike, but all of one kind resemble each other.
    """

    def __init__(self, rng: np.random.Generator, manner: WriterStyle | None = None) -> None:
        self.rng = rng
        self.manner = manner or WriterStyle.of(int(rng.integers(2**63)))
        self._forms: dict[str, tuple[Outline, NDArray[np.float64]]] = {}

    def glyph(self, token: str, aspect: float | None = None) -> Glyph:
        """A new glyph of the token; raises KeyError where the font has none."""
        if token in WORDS:
            letters = [self.glyph(letter) for letter in WORDS[token]]
            gap = float(self.rng.normal(WORD_GAP, 0.03))
            return spelled(token, letters, gap, link if self.manner.joined else None)
        outline, controls = self._form(_key(token))
        waver = self.rng.normal(0, self.manner.unrest, controls.shape)
        angular = self.manner.angular
        points = outline.curve @ (controls + waver)
        points += angular * (outline.chord @ (controls + waver) - points)
        upright = layout_class(token) != "letter"
        points = self._leaned(points / 100, _UPRIGHT if upright else 1.0).astype(np.float32)
        strokes: list[Points] = np.split(points, np.cumsum(outline.lengths)[:-1])
        return Glyph.of(token, [self._moved(stroke) for stroke in strokes])

    def _form(self, key: str) -> tuple[Outline, NDArray[np.float64]]:
        """The writer's way with a sign: the outline and where its control points usually are."""
        if key not in self._forms:
            ways = outlines()[key]
            most = max(len(outline.controls) for outline in ways)
            way, own = self.manner.form(key, [outline.share for outline in ways], most)
            controls = ways[way].controls + own[: len(ways[way].controls)]
            if key.isalnum() or key in GREEK:
                controls[:, 1] = _proportioned(controls[:, 1], self.manner)
            self._forms[key] = ways[way], controls
        return self._forms[key]

    def _leaned(self, points: NDArray[np.float64], share: float) -> NDArray[np.float64]:
        """The points of one sign, as wide as this writer's are, a little turned, and slanted.

        ``share`` is how much of the writer's slant the sign has.
        """
        turn, wide, high = self.rng.normal(0, (0.025, 0.04, 0.03))
        manner = self.manner
        matrix = [[manner.wide * (1 + wide), -(share * manner.slant + turn)], [turn, 1 + high]]
        return points @ np.array(matrix).T

    def _moved(self, stroke: Points) -> Points:
        manner = self.manner
        return glide(hook(stroke, manner.landing, manner.leaving), manner.tempo)


def _proportioned(y: NDArray[np.float64], manner: WriterStyle) -> NDArray[np.float64]:
    """Heights of a letter with the part over the x and that under the line pulled apart."""
    over = np.clip(y + 100, None, 0)
    under = np.clip(y, 0, None)
    return y + (manner.high - 1) * over + (manner.deep - 1) * under


def spelled(
    token: str,
    letters: Sequence[Glyph],
    gap: float,
    link: Callable[[Points, Points], Points] | None = None,
) -> Glyph:
    """A function's name of these letters, ``gap`` apart; see `glyph.join`."""
    if token not in _TWO_WORDS:
        return join(token, letters, gap, link)
    words = [join(token, part, gap, link) for part in (letters[:3], letters[3:])]
    return join(token, words, _BETWEEN)


def sample(token: str) -> Glyph:
    """The token as the font's file has it, in no hand: for measuring."""
    if token in WORDS:
        return spelled(token, [sample(letter) for letter in WORDS[token]], WORD_GAP)
    return drawings()[_key(token)][0].glyph(token)


def _key(token: str) -> str:
    return token.replace(" ", "")


def _outline(drawn: str) -> Outline:
    """Parses one line of the font: strokes apart by ``|``, corners marked with ``*``."""
    controls: list[tuple[float, float]] = []
    pieces: list[list[tuple[NDArray[np.float64], NDArray[np.float64]]]] = []
    for stroke in drawn.split("|"):
        marks = stroke.split()
        first = len(controls)
        for mark in marks:
            x, y = mark.rstrip("*").split(",")
            controls.append((float(x), float(y)))
        corners = [i for i, mark in enumerate(marks) if mark.endswith("*")]
        pieces.append(list(_pieces(controls, first, corners)))
    size = len(controls)
    curve, chord = (
        np.concatenate([_padded(both[which], size) for piece in pieces for both in piece])
        for which in (0, 1)
    )
    lengths = tuple(sum(len(both[0]) for both in piece) for piece in pieces)
    return Outline(np.array(controls), curve, chord, lengths)


def _pieces(
    controls: list[tuple[float, float]], first: int, corners: list[int]
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """The smooth pieces of one stroke, from corner to corner, as weights of all its points.

    Each comes twice, as curve and as chord.
    """
    ends = [first, *(first + corner for corner in corners), len(controls) - 1]
    for i, (start, end) in enumerate(pairwise(ends)):
        both = []
        for piece in _smooth(controls[start : end + 1]):
            weights = np.zeros((len(piece), len(controls)))
            weights[:, start : end + 1] = piece
            both.append(weights[i > 0 :])
        curve, chord = both
        yield curve, chord


def _smooth(
    points: list[tuple[float, float]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights (N, P) of the points on a Catmull-Rom curve through them, and of those between."""
    last = len(points) - 1
    curve, chord = [np.eye(len(points))[:1]], [np.eye(len(points))[:1]]
    for start in range(last):
        pieces = max(1, round(math.dist(points[start], points[start + 1]) / _STEP))
        t = np.arange(1, pieces + 1)[:, None] / pieces
        row, straight = np.zeros((2, pieces, len(points)))
        for index, weight in (
            (max(start - 1, 0), (-t + 2 * t**2 - t**3) / 2),
            (start, (2 - 5 * t**2 + 3 * t**3) / 2),
            (start + 1, (t + 4 * t**2 - 3 * t**3) / 2),
            (min(start + 2, last), (t**3 - t**2) / 2),
        ):
            row[:, index : index + 1] += weight
        straight[:, start : start + 1], straight[:, start + 1 : start + 2] = 1 - t, t
        curve.append(row)
        chord.append(straight)
    return np.concatenate(curve), np.concatenate(chord)


def _padded(row: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    return np.pad(row, ((0, 0), (0, size - row.shape[1])))
