"""The symbol bank: real ink of every token, in units of the line it was written in.

Input: labelled expressions and isolated symbols. Output: a glyph of a token, preferably by the same
writer.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hmer_cli.data.symbol_files import IsolatedSymbol
from hmer_cli.expr.commands import FONTS
from hmer_cli.expr.symbol_classes import layout_class
from hmer_cli.ink.ink import Ink
from hmer_cli.synthesis.font import WORD_GAP, WORDS, FontWriter, knows, sample, spelled
from hmer_cli.synthesis.glyph import Glyph, Points
from hmer_cli.synthesis.layout_statistics import extents
from hmer_cli.synthesis.pen_kinematics import link
from hmer_cli.training.compose.agreement import checked_symbols
from hmer_cli.training.compose.baselines import PlacedSymbol, placed_symbols
from hmer_cli.training.compose.examples import Example, example

_STEP = 0.04
"""Minimal distance of points, in x heights."""

_ELASTIC = frozenset({r"\frac", r"\sqrt", r"\sum", r"\int", r"\prod", "|", "/"})
_FIXED = frozenset({"letter", "sign", "relation"})
_FLAT = 0.5
_WIDE = 2.2
"""Largest width in median widths of the token; wider ink is wrongly annotated."""

_ENOUGH = 8
"""Weight of the font, as a number of inks of each token."""

_OWN, _FAMILY = 0.85, 0.7
"""Probabilities of a glyph by the writer, and from the same data set, if there is one."""

_TRIES = 10
"""Number of glyphs of which the one nearest to the wanted aspect ratio is taken."""

_UNEVEN = 0.08
"""The deviation of an isolated sign's size (log) and height over the line, in x heights; within
CROHME's lines both are 0.13 to 0.19, a part of which is the fit of the line."""  # chosen on CROHME

_FORMS = {"x": ("n", "n", "n", "u", r"\alpha"), r"\pi": ("n",)}
_FORMED = 0.07
"""Forms that some hands write in place of a sign, so that only the formula tells it, as in
``\\sin n`` for ``\\sin x``; the share of hands that do."""  # seen on scanned crops, convention

_ABROAD = {r"\tan": ("tg",), r"\cot": ("ctg", "cotg"), r"\arctan": ("arctg",), r"\csc": ("cosec",)}
_CAPITAL = {r"\ln": ("Ln",)}
_OTHERWISE = 0.1
"""Names of functions as they are written in many countries; the share of hands that write the ones
or the other."""  # seen on scanned crops, convention

_SPELLED, _JOINED = 0.25, 0.4
"""How often a function's name is put together from letters though there is ink of it, and how
often such letters hang together."""  # convention


@dataclass
class _Shelf:
    """The inks of one token; which of them are by which writer and from which data set."""

    glyphs: list[Glyph] = field(default_factory=list)
    writers: dict[str, list[int]] = field(default_factory=dict)
    families: dict[str, list[int]] = field(default_factory=dict)

    def family(self, rng: np.random.Generator) -> list[int]:
        """The glyphs of a data set; one that has four times as many comes twice as often."""
        pools = list(self.families.values())
        ends = np.cumsum([len(pool) ** 0.5 for pool in pools])
        return pools[int(np.searchsorted(ends, rng.random() * ends[-1]))]


class SymbolBank:
    """Glyphs by token, writer and data set; missing tokens are drawn in the stroke font."""

    def __init__(self) -> None:
        self._shelves: dict[str, _Shelf] = {}
        self._writers: dict[str, tuple[str, int]] = {}
        self._chances: tuple[list[str], NDArray[np.float64]] | None = None

    @classmethod
    def build(cls, inks: Iterable[Ink], symbols: Sequence[Path] = ()) -> SymbolBank:
        """The bank of labelled inks, which must be training ink, and of files of symbols.

        Raises InputError where a file of symbols cannot be read.
        """
        found: dict[str, list[tuple[Glyph, str, str]]] = defaultdict(list)
        for ink in inks:
            if ink.label:
                for glyph in glyphs(example(ink, ink.label)):
                    found[glyph.token].append((glyph, *origin(ink)))
        for path in symbols:
            uneven = np.random.default_rng(0)
            for symbol in checked_symbols(path):
                if (isolated := _placed(symbol, uneven)) is not None:
                    found[symbol.token].append((isolated, symbol.writer, symbol.source))
        if "-" in found and r"\frac" not in found:  # files of symbols have no bars of fractions
            found[r"\frac"] = [(replace(g, token=r"\frac"), who, by) for g, who, by in found["-"]]
        bank = cls()
        for token, entries in found.items():
            widest = _WIDE * float(np.median([glyph.width for glyph, _, _ in entries])) + 0.3
            for glyph, writer, family in entries:
                if token in _ELASTIC or glyph.width < widest:
                    bank.add(glyph, writer, family)
        return bank

    def add(self, glyph: Glyph, writer: str, family: str) -> None:
        """Add a glyph; ``writer`` is empty if unknown."""
        shelf = self._shelves.setdefault(glyph.token, _Shelf())
        shelf.families.setdefault(family, []).append(len(shelf.glyphs))
        if writer:
            shelf.writers.setdefault(writer, []).append(len(shelf.glyphs))
            self._writers[writer] = family, self._writers.get(writer, (family, 0))[1] + 1
        shelf.glyphs.append(glyph)
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

    def hand(self, rng: np.random.Generator, forms: bool = True) -> BankHand:
        """A writer of the bank, those with more ink more often; for an empty bank, of the font.

        A data set with four times the ink of another has its turn twice as often. Without ``forms``
        no sign has the form of another.
        """
        if not self._writers:
            return BankHand(self, "", "", rng, forms)
        if self._chances is None:
            names = sorted(self._writers)
            weights = np.array([self._writers[name][1] for name in names], float) ** 0.7
            families = np.array([self._writers[name][0] for name in names])
            for family in np.unique(families):
                those = families == family
                weights[those] *= weights[those].sum() ** -0.5
            self._chances = names, np.cumsum(weights / weights.sum())
        names, ends = self._chances
        writer = names[min(int(np.searchsorted(ends, rng.random())), len(names) - 1)]
        return BankHand(self, writer, self._writers[writer][0], rng, forms)

    def shelf(self, token: str) -> _Shelf | None:
        """The inks of a token; None where there are none."""
        return self._shelves.get(token)


class BankHand:
    """Glyphs of one writer, else of the same data set, else of others, else of the font."""

    def __init__(
        self,
        bank: SymbolBank,
        writer: str,
        family: str,
        rng: np.random.Generator,
        forms: bool = True,
    ) -> None:
        self.bank = bank
        self.writer = writer
        self.family = family
        self.rng = rng
        self.font = FontWriter(rng)
        self.forms = {
            token: others[int(rng.integers(len(others)))]
            for token, others in (_FORMS.items() if forms else ())
            if rng.random() < _FORMED
        }
        self.names = {
            token: spellings[int(rng.integers(len(spellings)))]
            for names in (_ABROAD, _CAPITAL)
            if rng.random() < _OTHERWISE
            for token, spellings in names.items()
        }

    def glyph(self, token: str, aspect: float | None = None) -> Glyph:
        """A glyph of the token; of several the one nearest in width over height to ``aspect``.

        Raises KeyError where neither bank nor font has the token.
        """
        if token in self.forms:
            return replace(self._glyph(self.forms[token], aspect), token=token)
        return self._glyph(token, aspect)

    def _glyph(self, token: str, aspect: float | None) -> Glyph:
        shelf = self.bank.shelf(token)
        if token in self.names:
            return self._word(token, self.names[token])
        if token in WORDS and (shelf is None or self.rng.random() < _SPELLED):
            return self._word(token, WORDS[token])
        if shelf is None:
            return self.font.glyph(token, aspect)
        rare = _ENOUGH / (_ENOUGH + len(shelf.glyphs))
        if knows(token) and self.rng.random() < rare:
            return self.font.glyph(token, aspect)
        pool = self._pool(shelf, aspect is not None)
        if aspect is None:
            return shelf.glyphs[self._one(pool)]
        tries = [shelf.glyphs[self._one(pool)] for _ in range(_TRIES)]
        return min(tries, key=lambda glyph: abs(math.log(_aspect(glyph) / aspect)))

    def _word(self, token: str, spelling: str) -> Glyph:
        """A function's name letter by letter, close together, or all of it in the font."""
        if not all(self.bank.count(letter) for letter in spelling):
            return self.font.glyph(token)
        letters = [self.glyph(letter) for letter in spelling]
        gap = float(max(self.rng.normal(0.8 * WORD_GAP, 0.06), -0.05))
        joined = self.rng.random() < _JOINED
        return spelled(token, letters, gap, link if joined else None)

    def _pool(self, shelf: _Shelf, choosy: bool) -> Sequence[int]:
        """Indices of the glyphs to choose from."""
        own = shelf.writers.get(self.writer, ())
        if len(own) > (_TRIES if choosy else 0) and self.rng.random() < _OWN:
            return own
        near = shelf.families.get(self.family, ())
        return near if near and self.rng.random() < _FAMILY else shelf.family(self.rng)

    def _one(self, pool: Sequence[int]) -> int:
        return pool[int(self.rng.integers(len(pool)))]


def _aspect(glyph: Glyph) -> float:
    return max(glyph.width, 0.05) / max(glyph.height, 0.05)


def origin(ink: Ink) -> tuple[str, str]:
    """Writer and data set of a CROHME ink, as far as its file names them."""
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
        for mark in row.walk():
            glyph = _glyph(written, mark)
            if glyph is not None and _sound(glyph):
                found.append(glyph)
    return found


def _glyph(written: Example, mark: PlacedSymbol) -> Glyph | None:
    strokes = [written.strokes[i] for i in written.symbols[mark.symbol]]
    token, line = mark.node.symbol, mark.line
    if not line.unit:
        return _isolated(token, strokes)
    origin = np.array([mark.box[0], line.base], np.float32)
    return Glyph.of(token, [_thinned((s - origin) / np.float32(line.unit)) for s in strokes])


def _placed(symbol: IsolatedSymbol, uneven: np.random.Generator) -> Glyph | None:
    """An isolated symbol in a line: of the usual size of its token, with random variation."""
    glyph = _isolated(symbol.token, symbol.strokes)
    if glyph is None:
        return None
    size, shift = np.clip(uneven.normal(0, _UNEVEN, 2), -2 * _UNEVEN, 2 * _UNEVEN)
    base = glyph.box[3] if layout_class(symbol.token) == "letter" else glyph.middle
    points = (glyph.points - (0, base)) * math.exp(size) + (0, base + shift)
    strokes = np.split(points.astype(np.float32), np.cumsum(glyph.lengths)[:-1])
    return Glyph.of(symbol.token, strokes)


def _isolated(token: str, strokes: Sequence[Points]) -> Glyph | None:
    """A glyph of unknown line, as large and as high as its token usually is."""
    usual = usual_extent(token)
    if usual is None:
        return None
    top, bottom = usual
    points = np.concatenate(list(strokes))
    low, high = points.min(axis=0), points.max(axis=0)
    width, height = (high - low).tolist()
    if bottom - top > _FLAT:
        scale = (bottom - top) / max(height, 1e-6)
    else:
        scale = _usual_side(token) / max(width, height, 1e-6)
    middle = np.array([low[0], (low[1] + high[1]) / 2])
    shift = np.array([0, (top + bottom) / 2])
    moved = [((s - middle) * scale + shift).astype(np.float32) for s in strokes]
    return Glyph.of(token, [_thinned(stroke) for stroke in moved])


def usual_extent(token: str) -> tuple[float, float] | None:
    """The usual top and bottom of a token, in x heights; a letter in a font is as the bare one."""
    table = extents()
    font, _, letter = token.partition(" ")
    return table.get(token) or table.get(letter[2:-2] if font in FONTS else token)


def _usual_side(token: str) -> float:
    """The longer side of a low sign: dots are small, dashes are not."""
    if not knows(token):
        return 0.9
    glyph = sample(token)
    return max(glyph.width, glyph.height)


def _sound(glyph: Glyph) -> bool:
    """Whether the ink is about as large and as high as its token usually is."""
    extent = usual_extent(glyph.token)
    if extent is None:
        return False
    if glyph.knee is not None:
        hook = (glyph.knee - glyph.box[0]) / max(glyph.height, 0.1)
        return 0.15 < hook < min(1.2, 0.8 * glyph.width / max(glyph.height, 0.1))
    if glyph.token in _ELASTIC or layout_class(glyph.token) not in _FIXED:
        return glyph.width < 40 and glyph.height < 15
    top, bottom = extent
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
