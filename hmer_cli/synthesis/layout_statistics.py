"""The statistics of a layout (``layout.json``), and a writer's own way with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from hmer_cli.expr.commands import OPERATORS
from hmer_cli.expr.node import Node
from hmer_cli.expr.symbol_classes import layout_class

_FILE = Path(__file__).with_name("layout.json")


def gap(left: str, right: str) -> str:
    """The name of the gap between two neighbours, by their tokens."""
    return f"gap.{layout_class(left)}.{layout_class(right)}"


def spelled_rows(node: Node) -> list[str]:
    """The names of the node's rows in the order in which its label spells them."""
    first = ["below", "above"] if node.symbol in OPERATORS else ["above", "inside", "below"]
    return [name for name in (*first, "sub", "sup") if getattr(node, name)]


@dataclass(frozen=True)
class Measure:
    """One length or log ratio: its mean is ``offset + slope * x``.

    ``between`` is the standard deviation from one expression to the next, ``within`` that inside
    an expression. The unit is the height of a lower-case x of the line it is measured in.
    """

    offset: float
    slope: float = 0.0
    between: float = 0.0
    within: float = 0.0


_TIGHT = 0.6

Measures = Mapping[str, Measure]


@cache
def learnt() -> Measures:
    """Measures of CROHME's training ink, found by ``python -m hmer_cli.training.fit.layout``."""
    table = json.loads(_FILE.read_text(encoding="utf-8"))
    return {name: Measure(*row) for name, row in table["measures"].items()}


@cache
def families() -> tuple[str, ...]:
    """The first words of the measures' names; measures of one family share a writer's habit."""
    return tuple(sorted({name.partition(".")[0] for name in learnt()}))


@cache
def extents() -> dict[str, tuple[float, float]]:
    """The usual top and bottom of tokens, in x heights from their baseline."""
    table = json.loads(_FILE.read_text(encoding="utf-8"))
    return {token: (top, bottom) for token, (top, bottom) in table["extents"].items()}


@dataclass
class LayoutStyle:
    """One writer's layout, drawn at random: wide gaps stay wide through the expression.

    ``even`` is how much of the usual unevenness inside an expression the writer has, ``tight`` by
    how much neighbours are at most nearer to each other than usual, in x heights.
    """

    measures: Measures
    rng: np.random.Generator
    habits: dict[str, float] = field(default_factory=dict)
    even: float = 1.0
    tight: float = 0.0

    def draw(self, name: str, x: float = 0.0) -> float:
        """One value of the measure for this writer; ``x`` is what it depends on.

        Measures with the same first word share a habit. A gap that was never seen is taken as
        that between two letters.
        """
        measure = self.measures.get(name) or self.measures["gap.letter.letter"]
        family = name.partition(".")[0]
        if family not in self.habits:
            self.habits[family] = self._chance()
        spread = measure.between * self.habits[family] + measure.within * self.even * self._chance()
        return measure.offset + measure.slope * x + spread

    def space(self, name: str, least: float = 0.0) -> float:
        """A gap: as `draw`, but below the mean it varies less, since ink seldom touches ink."""
        measure = self.measures.get(name) or self.measures["gap.letter.letter"]
        value = self.draw(name)
        if value < measure.offset:
            value = measure.offset + _TIGHT * (value - measure.offset)
        if self.tight:
            nearer = self.tight * float(self.rng.random())
            return max(value - nearer, least - nearer)
        return max(value, least)

    def _chance(self) -> float:
        """A normal deviate within two and a half deviations, so that nothing flies off."""
        return min(max(float(self.rng.standard_normal()), -2.5), 2.5)
