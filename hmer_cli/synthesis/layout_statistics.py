"""Layout statistics (``layout.json``) and their sampling for one writer.

Input: names of measures such as ``gap.letter.relation``. Output: lengths in x heights and log
scales, drawn from normal distributions with a writer, an expression and a symbol component, fitted
by `hmer_cli.training.fit.layout` to CROHME's training ink.
"""

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
"""Factor on the deviation of gaps below the mean, as ink seldom touches ink."""  # convention

Measures = Mapping[str, Measure]


@cache
def learnt() -> Measures:
    """Measures of CROHME's training ink, fitted by ``python -m hmer_cli.training.fit.layout``."""
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
    """A sampler of measures for one writer.

    ``habits``: z-score of each family of measures, constant over the expression and drawn on first
    use. ``even``: factor on the deviation within an expression. ``tight``: neighbours are up to so
    many x heights nearer than usual. ``near``: symbols may be as near as people's, which is nearer
    than is easy to read.
    """

    measures: Measures
    rng: np.random.Generator
    habits: dict[str, float] = field(default_factory=dict)
    even: float = 1.0
    tight: float = 0.0
    near: bool = False

    def draw(self, name: str, x: float = 0.0) -> float:
        """A sample of the measure; ``x`` is the value of its linear predictor.

        Measures with the same first word share a habit. An unknown gap is sampled as that between
        two letters.
        """
        measure = self.measures.get(name) or self.measures["gap.letter.letter"]
        family = name.partition(".")[0]
        if family not in self.habits:
            self.habits[family] = self._chance()
        spread = measure.between * self.habits[family] + measure.within * self.even * self._chance()
        return measure.offset + measure.slope * x + spread

    def space(self, name: str, least: float = 0.0) -> float:
        """A gap of at least ``least``: as `draw`, with a smaller deviation below the mean."""
        measure = self.measures.get(name) or self.measures["gap.letter.letter"]
        value = self.draw(name)
        if value < measure.offset and not self.near:
            value = measure.offset + _TIGHT * (value - measure.offset)
        if self.tight:
            nearer = self.tight * float(self.rng.random())
            return max(value - nearer, least - nearer)
        return max(value, least)

    def _chance(self) -> float:
        """A normal deviate clipped to two and a half deviations."""
        return min(max(float(self.rng.standard_normal()), -2.5), 2.5)
