"""Fits the variants of the stroke font to CROHME's training ink.

    python -m hmer_cli.training.fit.font crohme.zip

Output: ``hmer_cli/synthesis/glyph_variants.json`` with the probability, size and position of each
variant (such as a 7 with or without a bar). Derived numbers only; the outlines are drawn by hand.
"""

from __future__ import annotations

import json
import math
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hmer_cli import synthesis
from hmer_cli.datasets.expressions import open_dataset
from hmer_cli.expr.commands import COVERS
from hmer_cli.expr.symbol_classes import layout_class
from hmer_cli.geometry import Box
from hmer_cli.synthesis.font import drawings
from hmer_cli.synthesis.glyph import Glyph, Points
from hmer_cli.training.compose.examples import inks
from hmer_cli.training.compose.symbol_bank import SymbolBank

Variant = tuple[float, float, float, float]
"""Probability of a variant, factors of its width and height, and its shift down in x heights."""

Adjustment = tuple[float, float, float]
"""The last three of a `Variant`; the factors as logarithms."""

_EACH = 4
"""Samples of a token per writer at most, so that no writer dominates."""

_POINTS = 32
"""Points by which two shapes are compared."""

_SHORT = 0.3
"""The shorter side of a shape counts as this share of the longer one at least."""

_THIN = 0.25
"""Least side of a variant, in x heights, that is scaled."""

_FEW = 8.0
"""Pseudo-count of writers of the median `Adjustment` of a symbol class."""

_FITTED = frozenset({r"\frac", r"\sqrt", *COVERS})
"""Symbols whose width the layout determines."""

_HELD = frozenset({"open", "close", "bar"})
"""Symbol classes whose height follows their content."""


@dataclass(frozen=True)
class Shape:
    """Ink to be compared: its box, and points (N, 2) along it in a box of side 1."""

    box: Box
    points: NDArray[np.float64]

    @classmethod
    def of(cls, glyph: Glyph) -> Shape:
        """The shape of a glyph."""
        paths = [np.hypot(*np.diff(stroke, axis=0).T).cumsum() for stroke in glyph.strokes]
        whole = sum(float(path[-1]) for path in paths if len(path)) + 1e-6
        points = np.concatenate(
            [_spaced(s, p, whole) for s, p in zip(glyph.strokes, paths, strict=True)]
        )
        low, high = points.min(axis=0), points.max(axis=0)
        sides = np.maximum(high - low, _SHORT * (high - low).max() + 1e-6)
        return cls(glyph.box, (points - (low + high) / 2) / sides)

    def off(self, other: Shape) -> float:
        """The mean distance of the points of each from the nearest of the other."""
        apart = np.hypot(*(self.points[:, None] - other.points[None]).transpose(2, 0, 1))
        return float(apart.min(0).mean() + apart.min(1).mean()) / 2


@dataclass(frozen=True)
class VariantInk:
    """Training ink of one variant of a symbol: the number of its writers, and its boxes (N, 4)."""

    count: float
    boxes: NDArray[np.float64]


def fit(bank: SymbolBank) -> dict[str, list[Variant]]:
    """A `Variant` for every drawing of every symbol of the font."""
    drawn = {
        token: [Shape.of(outline.glyph(token)) for outline in outlines]
        for token, outlines in drawings().items()
    }
    found = {token: inks_of_variants(bank, token, shapes) for token, shapes in drawn.items()}
    adjustments: dict[str, list[Adjustment]] = defaultdict(list)
    for token, shapes in drawn.items():
        for shape, ink in zip(shapes, found[token], strict=True):
            if ink.count >= _FEW:
                adjustments[layout_class(token)].append(_adjustment(token, shape, ink))
    usual = {kind: tuple(np.median(rows, axis=0).tolist()) for kind, rows in adjustments.items()}
    return {token: list(_variants(token, drawn[token], found[token], usual)) for token in drawn}


def inks_of_variants(bank: SymbolBank, token: str, drawn: Sequence[Shape]) -> list[VariantInk]:
    """The ink of a token in the bank, by the drawing that is nearest to it."""
    counts, boxes = np.zeros(len(drawn)), [list[Box]() for _ in drawn]
    shelf = bank.shelf(token)
    writers = (
        [[shelf.glyphs[i] for i in own[:_EACH]] for own in shelf.writers.values()] if shelf else []
    )
    for glyphs in writers:
        for shape in map(Shape.of, glyphs):
            nearest = int(np.argmin([shape.off(one) for one in drawn]))
            counts[nearest] += 1 / len(glyphs)
            boxes[nearest].append(shape.box)
    return [
        VariantInk(float(count), np.array(some, float).reshape(-1, 4))
        for count, some in zip(counts, boxes, strict=True)
    ]


def _variants(
    token: str,
    drawn: Sequence[Shape],
    found: Sequence[VariantInk],
    usual: Mapping[str, Sequence[float]],
) -> Iterator[Variant]:
    """The variants of a token; rare ones are shrunk towards the median of its symbol class."""
    total = sum(ink.count for ink in found)
    for shape, ink in zip(drawn, found, strict=True):
        share = round((ink.count + 1) / (total + len(drawn)), 3)
        if token in _FITTED:
            yield share, 1.0, 1.0, 0.0
            continue
        adjustment = np.array(usual.get(layout_class(token), (0.0, 0.0, 0.0)))
        if ink.count:
            own = np.array(_adjustment(token, shape, ink))
            adjustment += (own - adjustment) * ink.count / (ink.count + _FEW)
        wide, high = np.exp(adjustment[:2] * _adjusted(token, shape)).round(3).tolist()
        yield share, wide, high, round(float(adjustment[2]), 3)


def _adjustment(token: str, drawn: Shape, ink: VariantInk) -> Adjustment:
    """The `Adjustment` that maps the box of a drawing to the median box of its training ink."""
    x0, y0, x1, y1 = np.median(ink.boxes, axis=0).tolist()
    left, top, right, bottom = drawn.box
    wide = math.log(max(x1 - x0, 0.01) / max(right - left, 0.01))
    high = math.log(max(y1 - y0, 0.01) / max(bottom - top, 0.01))
    if layout_class(token) in _HELD:  # the layout makes it higher and, by the root of that, wider
        return wide - high / 2, 0.0, 0.0
    return wide, high, (y0 + y1 - top - bottom) / 2


def _adjusted(token: str, drawn: Shape) -> tuple[bool, bool]:
    """Whether width and height of a drawing are adjusted."""
    left, top, right, bottom = drawn.box
    return right - left > _THIN, bottom - top > _THIN and layout_class(token) not in _HELD


def _spaced(stroke: Points, path: NDArray[np.floating], whole: float) -> NDArray[np.float64]:
    """Points along a stroke at even distances, as many as its share of the whole ink."""
    if not len(path):
        return stroke.astype(float)
    at = np.linspace(0, path[-1], max(2, round(_POINTS * path[-1] / whole)))
    along = np.concatenate([[0.0], path])
    return np.stack([np.interp(at, along, axis) for axis in stroke.T.astype(float)], axis=1)


def main(dataset: str) -> None:
    """Fits the font and writes the table beside the code that uses it."""
    bank = SymbolBank.build(inks(open_dataset(dataset, "train")))
    path = Path(synthesis.__file__).with_name("glyph_variants.json")
    path.write_text(table(fit(bank)), encoding="utf-8")


def table(variants: Mapping[str, Sequence[Variant]]) -> str:
    """JSON with one token a line."""
    rows = (
        f"{json.dumps(token)}: {json.dumps([*map(list, rows)])}" for token, rows in variants.items()
    )
    return "{\n" + ",\n".join(rows) + "\n}\n"


if __name__ == "__main__":
    main(sys.argv[1])
