"""The symbol bank: real ink of every token, each in the units of the line it was written in."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hmer_cli.data.mathbrush import read_symbols
from hmer_cli.ink.ink import Ink
from hmer_cli.synthesis.font import FontHand, knows
from hmer_cli.synthesis.glyph import Glyph, Points
from hmer_cli.synthesis.layout_statistics import KINDS, extents
from hmer_cli.training.compose.baselines import PlacedSymbol, placed_symbols
from hmer_cli.training.compose.examples import Example, example

_STEP = 0.04
"""Points nearer than this, in x heights, are left out of the bank."""

_ELASTIC = frozenset({r"\frac", r"\sqrt", r"\sum", r"\int", r"\prod", "|", "/"})
_FIXED = frozenset({"letter", "sign", "relation"})
_FLAT = 0.5
_WIDE = 2.2
"""Wider than so many median widths of its token is another sign, wrongly annotated."""

_ENOUGH = 8
"""The font writes as often as if it had this many inks of each token."""

_OWN, _FAMILY = 0.85, 0.7
"""How often a glyph is the writer's own where there is one, else from the same data set."""

_TRIES = 10
"""Among so many glyphs the one of the fittest shape is taken."""

MATHBRUSH = "mathbrush"


@dataclass
class _Shelf:
    """The inks of one token; which of them are by which writer and from which data set."""

    glyphs: list[Glyph] = field(default_factory=list)
    writers: dict[str, list[int]] = field(default_factory=dict)
    families: dict[str, list[int]] = field(default_factory=dict)


class SymbolBank:
    """Glyphs by token, writer and data set; what it has not, the font of our own writes."""

    def __init__(self) -> None:
        self._shelves: dict[str, _Shelf] = {}
        self._writers: dict[str, tuple[str, int]] = {}
        self._chances: tuple[list[str], NDArray[np.float64]] | None = None

    @classmethod
    def build(cls, inks: Iterable[Ink], mathbrush: Path | None = None) -> SymbolBank:
        """The bank of labelled inks, which must be training ink, and of MathBrush's symbols.

        Raises InputError where the MathBrush file cannot be read.
        """
        found: dict[str, list[tuple[Glyph, str, str]]] = defaultdict(list)
        for ink in inks:
            if ink.label:
                for glyph in glyphs(example(ink, ink.label)):
                    found[glyph.token].append((glyph, *origin(ink)))
        for token, strokes in read_symbols(mathbrush) if mathbrush is not None else ():
            if (isolated := _isolated(token, strokes)) is not None:
                found[token].append((isolated, MATHBRUSH, MATHBRUSH))
        bank = cls()
        for token, entries in found.items():
            widest = _WIDE * float(np.median([glyph.width for glyph, _, _ in entries])) + 0.3
            for glyph, writer, family in entries:
                if token in _ELASTIC or glyph.width < widest:
                    bank.add(glyph, writer, family)
        return bank

    def add(self, glyph: Glyph, writer: str, family: str) -> None:
        """Puts one more glyph into the bank."""
        shelf = self._shelves.setdefault(glyph.token, _Shelf())
        shelf.writers.setdefault(writer, []).append(len(shelf.glyphs))
        shelf.families.setdefault(family, []).append(len(shelf.glyphs))
        shelf.glyphs.append(glyph)
        self._writers[writer] = family, self._writers.get(writer, (family, 0))[1] + 1
        self._chances = None

    def count(self, token: str) -> int:
        """How many inks of the token there are."""
        shelf = self._shelves.get(token)
        return len(shelf.glyphs) if shelf else 0

    def can_write(self, token: str) -> bool:
        """Whether there is ink of the token, or a drawing in the font."""
        return self.count(token) > 0 or knows(token)

    @property
    def tokens(self) -> list[str]:
        """The tokens of which there is ink, sorted."""
        return sorted(self._shelves)

    def hand(self, rng: np.random.Generator) -> BankHand:
        """A writer of the bank, those with more ink more often; for an empty bank, of the font."""
        if not self._writers:
            return BankHand(self, "", "", rng)
        if self._chances is None:
            names = sorted(self._writers)
            weights = np.array([self._writers[name][1] for name in names], float) ** 0.7
            self._chances = names, np.cumsum(weights / weights.sum())
        names, ends = self._chances
        writer = names[min(int(np.searchsorted(ends, rng.random())), len(names) - 1)]
        return BankHand(self, writer, self._writers[writer][0], rng)

    def shelf(self, token: str) -> _Shelf | None:
        """The inks of a token; None where there are none."""
        return self._shelves.get(token)


class BankHand:
    """One writer's ink as far as it goes, then that of the same data set, of others, the font."""

    def __init__(
        self, bank: SymbolBank, writer: str, family: str, rng: np.random.Generator
    ) -> None:
        self.bank = bank
        self.writer = writer
        self.family = family
        self.rng = rng
        self.font = FontHand(rng)

    def glyph(self, token: str, aspect: float | None = None) -> Glyph:
        """A glyph of the token; of several the one nearest in width over height to ``aspect``.

        Raises KeyError where neither bank nor font has the token.
        """
        shelf = self.bank.shelf(token)
        if shelf is None:
            return self.font.glyph(token, aspect)
        rare = _ENOUGH / (_ENOUGH + len(shelf.glyphs))
        if knows(token) and self.rng.random() < rare:
            return self.font.glyph(token, aspect)
        pool = self._pool(shelf, aspect is not None)
        if aspect is None:
            return shelf.glyphs[self._one(pool, len(shelf.glyphs))]
        tries = [shelf.glyphs[self._one(pool, len(shelf.glyphs))] for _ in range(_TRIES)]
        return min(tries, key=lambda glyph: abs(math.log(_aspect(glyph) / aspect)))

    def _pool(self, shelf: _Shelf, choosy: bool) -> Sequence[int] | None:
        """Indices of the glyphs to choose from; None for all."""
        own = shelf.writers.get(self.writer, ())
        if len(own) > (_TRIES if choosy else 0) and self.rng.random() < _OWN:
            return own
        near = shelf.families.get(self.family, ())
        return near if near and self.rng.random() < _FAMILY else None

    def _one(self, pool: Sequence[int] | None, count: int) -> int:
        if pool is None:
            return int(self.rng.integers(count))
        return pool[int(self.rng.integers(len(pool)))]


def _aspect(glyph: Glyph) -> float:
    return max(glyph.width, 0.05) / max(glyph.height, 0.05)


def origin(ink: Ink) -> tuple[str, str]:
    """The writer of a CROHME ink and the data set it came from, as far as its file tells."""
    notes = ink.annotations
    family = notes.get("copyright") or "crohme"
    writer = notes.get("writer", "")
    if writer in ("", "Unknown"):
        writer = notes.get("UI", ink.name).strip('"').rpartition("-")[0] or ink.name
    return f"{family}/{writer}", family


def glyphs(written: Example) -> list[Glyph]:
    """The glyphs of an example in the units of their lines; misshapen ones are left out."""
    found = []
    for row in placed_symbols(written, extents()) or ():
        for sight in row.walk():
            glyph = _glyph(written, sight)
            if glyph is not None and _sound(glyph):
                found.append(glyph)
    return found


def _glyph(written: Example, sight: PlacedSymbol) -> Glyph | None:
    strokes = [written.strokes[i] for i in written.symbols[sight.symbol]]
    token, line = sight.node.symbol, sight.line
    if not line.unit:
        return _isolated(token, strokes)
    origin = np.array([sight.box[0], line.base], np.float32)
    return Glyph.of(token, [_thinned((s - origin) / np.float32(line.unit)) for s in strokes])


def _isolated(token: str, strokes: Sequence[Points]) -> Glyph | None:
    """A glyph of unknown line, as large and as high as its token usually is."""
    if token not in extents():
        return None
    top, bottom = extents()[token]
    points = np.concatenate(list(strokes))
    low, high = points.min(axis=0), points.max(axis=0)
    width, height = (high - low).tolist()
    if bottom - top > _FLAT:
        scale = (bottom - top) / max(height, 1e-6)
    else:
        scale = 0.9 / max(width, height, 1e-6)
    middle = np.array([low[0], (low[1] + high[1]) / 2])
    shift = np.array([0, (top + bottom) / 2])
    moved = [((s - middle) * scale + shift).astype(np.float32) for s in strokes]
    return Glyph.of(token, [_thinned(stroke) for stroke in moved])


def _sound(glyph: Glyph) -> bool:
    """Whether the ink is about as large and as high as its token usually is."""
    table: Mapping[str, tuple[float, float]] = extents()
    if glyph.token not in table:
        return False
    if glyph.knee is not None:
        hook = (glyph.knee - glyph.box[0]) / max(glyph.height, 0.1)
        return 0.15 < hook < min(1.2, 0.8 * glyph.width / max(glyph.height, 0.1))
    if glyph.token in _ELASTIC or KINDS.get(glyph.token, "letter") not in _FIXED:
        return glyph.width < 40 and glyph.height < 15
    top, bottom = table[glyph.token]
    usual = max(bottom - top, 0.6)
    off = abs((glyph.box[1] + glyph.box[3]) / 2 - (top + bottom) / 2)
    return 0.5 * (bottom - top) <= glyph.height < 1.8 * usual and off < 0.8 and glyph.width < 6


def _thinned(stroke: Points) -> Points:
    """The stroke with about one point a step."""
    if len(stroke) < 3:
        return stroke
    path = (np.hypot(*np.diff(stroke, axis=0).T).cumsum() / _STEP).astype(int)
    keep = np.ones(len(stroke), bool)
    keep[1:-1] = path[1:] != path[:-1]
    return stroke[keep]
