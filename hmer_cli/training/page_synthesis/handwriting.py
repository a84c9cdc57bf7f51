r"""Handwriting that was written elsewhere, measured, so that it can be set on the rows of a page.

Input: inks of formulas with their symbols, lines of text. Output: `Written` pieces on a baseline,
with letters of height 1: the formulas and symbols of each writer as a `Hand`, the words of a line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from hmer_cli.datasets.lines import WrittenLine
from hmer_cli.expr.tokens import tokenize
from hmer_cli.geometry import Box
from hmer_cli.ink.ink import Ink, Stroke

_BINS = 80  # rows in which the ink of a line is counted
_HALF = 0.5  # of the fullest row: such are the rows between baseline and top of an x
_TALL, _DESCENDING = 0.62, frozenset("gjpqy")  # an x of a capital's height
_LOW = frozenset((*"acemnorsuvwxz", r"\alpha", r"\sigma", r"\omega", r"\pi", r"\theta"))
_STRUCTURE = frozenset(("{", "}", "^", "_", r"\limits"))
_SIGNS = frozenset(
    (*"^_=+-<>/", *r"\frac \sqrt \leq \geq \neq \in \times \pm \int \sum \lim".split())
)
_FEWEST = 12  # formulas of a writer whose page it is
_GAP = 0.35  # letter heights between two words, at least


@dataclass(frozen=True)
class Written:
    """Handwriting with its baseline at y = 0, its left end at x = 0, and letters 1 high."""

    strokes: tuple[Stroke, ...]
    label: str = ""

    @property
    def box(self) -> Box:
        """Of its ink."""
        return Ink(self.strokes).box()

    @property
    def width(self) -> float:
        """Of its ink."""
        return self.box[2]

    def moved(self, x: float, y: float, scale: float = 1.0) -> tuple[Stroke, ...]:
        """Its strokes, larger, with its left end and its baseline there."""
        there = np.array([x, y], np.float32)
        return tuple(
            (stroke * np.float32(scale) + there).astype(np.float32) for stroke in self.strokes
        )


@dataclass(frozen=True)
class Hand:
    """The formulas of a writer, and his symbols by their labels."""

    formulas: tuple[Written, ...]
    symbols: dict[str, list[Written]]


def on_baseline(strokes: Sequence[Stroke], base: float, unit: float, label: str = "") -> Written:
    """The strokes of a file, whose baseline and letter height these are."""
    left = min(float(stroke[:, 0].min()) for stroke in strokes)
    origin = np.array([left, base], np.float32)
    return Written(
        tuple(((s - origin) / np.float32(unit)).astype(np.float32) for s in strokes), label
    )


def hand_of(inks: Sequence[Ink]) -> Hand:
    """The hand of a writer; formulas whose letters do not tell a baseline are left out."""
    formulas, symbols = [], defaultdict[str, list[Written]](list)
    for ink in inks:
        measured = _measured(ink)
        if measured is None or not ink.label:
            continue
        if _SIGNS.isdisjoint(tokenize(ink.label)):  # a number or a name, as text has them
            continue
        base, unit = measured
        formulas.append(on_baseline(ink.strokes, base, unit, ink.label))
        for symbol, depth in zip(ink.symbols, _depths(ink), strict=True):
            if depth == 0:
                own = [ink.strokes[i] for i in symbol.strokes]
                symbols[symbol.label].append(on_baseline(own, base, unit, symbol.label))
    return Hand(tuple(formulas), dict(symbols))


def _depths(ink: Ink) -> list[int]:
    """How deep in braces each symbol stands; empty where they do not follow the label."""
    found, names, depth = [], [], 0
    for token in tokenize(ink.label or ""):
        depth += (token == "{") - (token == "}")
        if token not in _STRUCTURE:
            names.append("-" if token == r"\frac" else token)
            found.append(depth)
    same = sorted(names) == sorted(symbol.label for symbol in ink.symbols)
    in_order = names == [symbol.label for symbol in ink.symbols]
    if same and not in_order:  # a bar may come after its numerator
        by_name = defaultdict[str, list[int]](list)
        for name, deep in zip(names, found, strict=True):
            by_name[name].append(deep)
        return [by_name[symbol.label].pop(0) for symbol in ink.symbols]
    return found if in_order else []


def _measured(ink: Ink) -> tuple[float, float] | None:
    """The baseline and the letter height of a formula, by the letters and digits on its line."""
    depths = _depths(ink)
    if not depths:
        return None
    bases, units, middles = [], [], []
    for symbol, depth in zip(ink.symbols, depths, strict=True):
        _, y0, _, y1 = ink.box(symbol.strokes)
        name = symbol.label
        if depth == 0 and (name in _LOW or (name.isalnum() and name not in _DESCENDING)):
            bases.append(y1)
            units.append((y1 - y0) * (1 if name in _LOW else _TALL))
        elif depth == 0 and name in ("=", "+", "-"):
            middles.append((y0 + y1) / 2)
        elif name in _LOW or name.isdigit():
            units.append((y1 - y0) * (1 if name in _LOW else _TALL))
    if not units or not (bases or middles) or min(units) <= 0:
        return None
    unit = float(np.median(units))
    return float(np.median(bases)) if bases else float(np.median(middles)) + unit / 2, unit


def words_of(line: WrittenLine) -> list[Written]:
    """The words of a line, level, parted at its widest gaps."""
    points = np.concatenate(list(line.strokes)).astype(np.float64)
    slope = float(np.polyfit(points[:, 0], points[:, 1], 1)[0])
    level = [
        np.stack([s[:, 0], s[:, 1] - slope * s[:, 0]], 1).astype(np.float32) for s in line.strokes
    ]
    rows, edges = np.histogram(np.concatenate(level)[:, 1], _BINS)
    smooth = np.convolve(rows, np.ones(3), "same")
    full = np.flatnonzero(smooth >= _HALF * smooth.max())
    top, base = float(edges[full[0]]), float(edges[full[-1] + 1])
    order = sorted(level, key=lambda stroke: float(stroke[:, 0].min()))
    ends = np.maximum.accumulate([float(stroke[:, 0].max()) for stroke in order])
    gaps = np.array([float(s[:, 0].min()) for s in order[1:]]) - ends[:-1]
    widest = np.argsort(-gaps)[: len(line.text.split()) - 1]
    cuts = sorted(int(i) + 1 for i in widest if gaps[i] > _GAP * (base - top))
    parts = [order[a:b] for a, b in zip([0, *cuts], [*cuts, len(order)], strict=True)]
    return [on_baseline(part, base, base - top) for part in parts]


def hands(inks: Sequence[Ink]) -> Iterator[Hand]:
    """The hand of each writer with enough formulas, and one of all others."""
    by_writer, rest = defaultdict[str, list[Ink]](list), []
    for ink in inks:
        by_writer[ink.annotations.get("writer", "")].append(ink)
    for _, own in sorted(by_writer.items()):
        if len(own) >= _FEWEST:
            yield hand_of(own)
        else:
            rest += own
    if rest:
        yield hand_of(rest)
