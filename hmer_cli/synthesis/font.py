"""The stroke font (``glyphs.txt``) and a writer that draws it with random variation.

Input: a token. Output: a `Glyph`. Each symbol has variants, given as control points of Catmull-Rom
curves; the probability, size and position of each variant (``glyph_variants.json``) are fitted to
CROHME's training ink by `hmer_cli.training.fit.font`. The control points are perturbed once per
writer and once per symbol, then slanted and smoothed (`pen_kinematics`).
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
_VARIANTS = Path(__file__).with_name("glyph_variants.json")
_STEP = 9.0
"""Distance between points of a curve, in hundredths of an x height."""

_UPRIGHT = 0.4
"""Share of the writer's slant that symbols other than letters get."""  # convention

WORDS = {
    rf"\{word}": word
    for word in """sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh coth log ln exp lim
    max min sup inf det arg dim ker limsup liminf deg gcd lg""".split()
}
"""Function names, which are drawn letter by letter."""

WORD_GAP = 0.12
"""The mean gap between their letters, in x heights."""  # convention

_TWO_WORDS, _BETWEEN = frozenset({r"\limsup", r"\liminf"}), 0.45
"""Names of two words of three letters, and the gap between the words, in x heights."""


@dataclass(frozen=True)
class Outline:
    """One variant of a symbol: N points from its P control points.

    ``controls`` (P, 2) in hundredths of an x height; ``curve`` (N, P) are the weights of points on
    a smooth curve, ``chord`` (N, P) on straight lines; ``lengths``: points a stroke; ``share``: the
    relative frequency of the variant among writers.
    """

    controls: NDArray[np.float64]
    curve: NDArray[np.float64]
    chord: NDArray[np.float64]
    lengths: tuple[int, ...]
    share: float = 1.0

    def pulled(self, share: float, wide: float, high: float, down: float) -> Outline:
        """The outline with this frequency, scaled about its middle, moved by ``down`` x heights."""
        points = self.curve @ self.controls
        middle = (points.min(axis=0) + points.max(axis=0)) / 2
        controls = (self.controls - middle) * (wide, high) + middle + (0, 100 * down)
        return replace(self, controls=controls, share=share)

    def glyph(self, token: str) -> Glyph:
        """The glyph without any variation."""
        points = (self.curve @ self.controls / 100).astype(np.float32)
        return Glyph.of(token, np.split(points, np.cumsum(self.lengths)[:-1]))


@cache
def outlines() -> dict[str, tuple[Outline, ...]]:
    r"""The variants of every symbol of the font, fitted; letters in a font as ``\mathbb{R}``."""
    variants = json.loads(_VARIANTS.read_text(encoding="utf-8"))
    return {
        token: tuple(
            one.pulled(*variant) for one, variant in zip(drawn, variants[token], strict=True)
        )
        for token, drawn in drawings().items()
    }


@cache
def drawings() -> dict[str, tuple[Outline, ...]]:
    """The variants as they stand in the font's file, equally frequent."""
    found: dict[str, tuple[Outline, ...]] = {}
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            token, _, drawn = line.partition(" ")
            found[token] = (*found.get(token, ()), _outline(drawn))
    return found


def knows(token: str) -> bool:
    """Whether the font can draw the token, alone or letter by letter."""
    return _key(token) in outlines() or token in WORDS


class FontWriter:
    """Draws glyphs of the font in one writer's style, sampled from ``rng`` if none is given.

    Every glyph is perturbed anew; those of one token share their variant and control points.
    """

    def __init__(self, rng: np.random.Generator, writer_style: WriterStyle | None = None) -> None:
        self.rng = rng
        self.writer_style = writer_style or WriterStyle.of(int(rng.integers(2**63)))
        self._forms: dict[str, tuple[Outline, NDArray[np.float64]]] = {}

    def glyph(self, token: str, aspect: float | None = None) -> Glyph:
        """A new glyph of the token; raises KeyError where the font has none."""
        if token in WORDS:
            letters = [self.glyph(letter) for letter in WORDS[token]]
            gap = float(self.rng.normal(WORD_GAP, 0.03))
            return spelled(token, letters, gap, link if self.writer_style.joined else None)
        outline, controls = self._form(_key(token))
        jitter = self.rng.normal(0, self.writer_style.jitter, controls.shape)
        angular = self.writer_style.angular
        points = outline.curve @ (controls + jitter)
        points += angular * (outline.chord @ (controls + jitter) - points)
        upright = layout_class(token) != "letter"
        points = self._leaned(points / 100, _UPRIGHT if upright else 1.0).astype(np.float32)
        strokes: list[Points] = np.split(points, np.cumsum(outline.lengths)[:-1])
        return Glyph.of(token, [self._moved(stroke) for stroke in strokes])

    def _form(self, key: str) -> tuple[Outline, NDArray[np.float64]]:
        """The writer's variant of a symbol: its outline and mean control points (P, 2)."""
        if key not in self._forms:
            variants = outlines()[key]
            most = max(len(outline.controls) for outline in variants)
            variant, own = self.writer_style.form(
                key, [outline.share for outline in variants], most
            )
            controls = variants[variant].controls + own[: len(variants[variant].controls)]
            if key.isalnum() or key in GREEK:
                controls[:, 1] = _proportioned(controls[:, 1], self.writer_style)
            self._forms[key] = variants[variant], controls
        return self._forms[key]

    def _leaned(self, points: NDArray[np.float64], share: float) -> NDArray[np.float64]:
        """The points of a symbol scaled, rotated a little and sheared by ``share`` of the slant."""
        turn, wide, high = self.rng.normal(0, (0.025, 0.04, 0.03))
        writer_style = self.writer_style
        matrix = [
            [writer_style.wide * (1 + wide), -(share * writer_style.slant + turn)],
            [turn, 1 + high],
        ]
        return points @ np.array(matrix).T

    def _moved(self, stroke: Points) -> Points:
        writer_style = self.writer_style
        return glide(hook(stroke, writer_style.landing, writer_style.leaving), writer_style.tempo)


def _proportioned(y: NDArray[np.float64], writer_style: WriterStyle) -> NDArray[np.float64]:
    """The y of a letter with its ascender and descender scaled."""
    over = np.clip(y + 100, None, 0)
    under = np.clip(y, 0, None)
    return y + (writer_style.high - 1) * over + (writer_style.deep - 1) * under


def spelled(
    token: str,
    letters: Sequence[Glyph],
    gap: float,
    link: Callable[[Points, Points], Points] | None = None,
) -> Glyph:
    """A function name composed of these letters, ``gap`` x heights between; see `glyph.join`."""
    if token not in _TWO_WORDS:
        return join(token, letters, gap, link)
    words = [join(token, part, gap, link) for part in (letters[:3], letters[3:])]
    return join(token, words, _BETWEEN)


def sample(token: str) -> Glyph:
    """The token without variation, for measuring."""
    if token in WORDS:
        return spelled(token, [sample(letter) for letter in WORDS[token]], WORD_GAP)
    return drawings()[_key(token)][0].glyph(token)


def _key(token: str) -> str:
    return token.replace(" ", "")


def _outline(drawn: str) -> Outline:
    """Parse one line of the font: strokes separated by ``|``, corners marked with ``*``."""
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
