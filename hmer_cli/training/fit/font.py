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

Way = tuple[float, float, float, float]
"""Probability of a variant, factors of its width and height, and its shift down in x heights."""

Pull = tuple[float, float, float]
"""The last three of a `Way`; the factors as logarithms."""

_EACH = 4
"""Samples of a token per writer at most, so that no writer dominates."""

_POINTS = 32
"""Points by which two shapes are compared."""

_SHORT = 0.3
"""The shorter side of a shape counts as this share of the longer one at least."""

_THIN = 0.25
"""Least side of a variant, in x heights, that is scaled."""

_FEW = 8.0
"""Pseudo-count of writers of the mean `Pull` of a symbol class."""

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
class Followers:
    """Those who write a sign in one way: how many, and the boxes of their ink (N, 4)."""

    count: float
    boxes: NDArray[np.float64]


def fit(bank: SymbolBank) -> dict[str, list[Way]]:
    """A `Way` for every drawing of every sign of the font."""
    drawn = {
        token: [Shape.of(outline.glyph(token)) for outline in outlines]
        for token, outlines in drawings().items()
    }
    people = {token: followers(bank, token, shapes) for token, shapes in drawn.items()}
    pulls: dict[str, list[Pull]] = defaultdict(list)
    for token, shapes in drawn.items():
        for shape, those in zip(shapes, people[token], strict=True):
            if those.count >= _FEW:
                pulls[_kind(token)].append(_pull(token, shape, those))
    usual = {kind: tuple(np.median(rows, axis=0).tolist()) for kind, rows in pulls.items()}
    return {token: list(_ways(token, drawn[token], people[token], usual)) for token in drawn}


def followers(bank: SymbolBank, token: str, drawn: Sequence[Shape]) -> list[Followers]:
    """The bank's writers of a token, each with the drawing that is nearest to his ink."""
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
        Followers(float(count), np.array(some, float).reshape(-1, 4))
        for count, some in zip(counts, boxes, strict=True)
    ]


def _ways(
    token: str,
    drawn: Sequence[Shape],
    people: Sequence[Followers],
    usual: Mapping[str, Sequence[float]],
) -> Iterator[Way]:
    """Shares and pulls of a token: the fewer write so, the nearer to those of its kind."""
    total = sum(those.count for those in people)
    for shape, those in zip(drawn, people, strict=True):
        share = round((those.count + 1) / (total + len(drawn)), 3)
        if token in _FITTED:
            yield share, 1.0, 1.0, 0.0
            continue
        pull = np.array(usual.get(_kind(token), (0.0, 0.0, 0.0)))
        if those.count:
            own = np.array(_pull(token, shape, those))
            pull += (own - pull) * those.count / (those.count + _FEW)
        wide, high = np.exp(pull[:2] * _pulled(token, shape)).round(3).tolist()
        yield share, wide, high, round(float(pull[2]), 3)


def _pull(token: str, drawn: Shape, those: Followers) -> Pull:
    """The `Pull` that maps the box of a drawing to the mean box of its training ink."""
    x0, y0, x1, y1 = np.median(those.boxes, axis=0).tolist()
    left, top, right, bottom = drawn.box
    wide = math.log(max(x1 - x0, 0.01) / max(right - left, 0.01))
    high = math.log(max(y1 - y0, 0.01) / max(bottom - top, 0.01))
    if _kind(token) in _HELD:  # the layout makes it higher and, by the root of that, wider
        return wide - high / 2, 0.0, 0.0
    return wide, high, (y0 + y1 - top - bottom) / 2


def _pulled(token: str, drawn: Shape) -> tuple[bool, bool]:
    """Whether a drawing is pulled in width and in height."""
    left, top, right, bottom = drawn.box
    return right - left > _THIN, bottom - top > _THIN and _kind(token) not in _HELD


def _kind(token: str) -> str:
    return layout_class(token)


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


def table(ways: Mapping[str, Sequence[Way]]) -> str:
    """JSON with one token a line."""
    rows = (
        f"{json.dumps(token)}: {json.dumps([*map(list, rows)])}" for token, rows in ways.items()
    )
    return "{\n" + ",\n".join(rows) + "\n}\n"


if __name__ == "__main__":
    main(sys.argv[1])
