"""What each part of a page is among its neighbours: what a network over the page is told and says.

Every part looks at the parts nearest to it. The network
(`hmer_cli.training.detector.component_network`) says of each how likely it is mathematics and where
it thinks the box of its expression ends, and of each two neighbours how likely they stand in one
expression.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.detect.components import InkComponents
from hmer_cli.page.detect.integral import Floats
from hmer_cli.page.detect.neighbours import blocks, within
from hmer_cli.page.detect.symbol_classes import SYMBOL_CLASSES, SYMBOL_FEATURES, symbol_features

NEIGHBOURS = 16
"""How many parts each part looks at, itself among them."""

OWN = 10
"""The columns of the features of parts that say what a part is by itself."""

NODE_FEATURES = SYMBOL_FEATURES + len(SYMBOL_CLASSES) + OWN
RELATIONS = 10

_REACH = 3.0  # letter heights: farther neighbours are looked for where there are too few
_ALONG = 0.5  # white along a line parts less than white between lines

SymbolClassifier = Callable[[Floats], Floats]
"""(N, S) sights of ink to (N, K) shares: how likely it is a sign of each kind."""


@dataclass(frozen=True)
class ComponentGraph:
    """What is seen of N parts: the ``looks`` of each by itself, (N, LOOKS), its ``neighbours`` by
    their places, (N, K), and how they lie from it, ``relations`` (N, K, RELATIONS)."""

    looks: Floats
    neighbours: NDArray[np.int64]
    relations: Floats

    @property
    def kinds(self) -> Floats:
        """How likely each part is a sign of each kind, (N, len(KINDS))."""
        return self.looks[:, SYMBOL_FEATURES : SYMBOL_FEATURES + len(SYMBOL_CLASSES)]


@dataclass(frozen=True)
class Predictions:
    """What the network says of N parts: how likely each is mathematics, ``maths`` (N,), and the
    box of its expression, ``boxes`` (N, 4) in pixels; how likely two neighbours stand in one
    expression, and which are neighbours, ``links``."""

    maths: Floats
    boxes: Floats
    links: Links


@dataclass(frozen=True)
class Links:
    """A symmetric relation of ``count`` parts by its pairs: E of ``rows``, ascending, and
    ``columns`` with the value ``same`` of each. No part is its own neighbour."""

    count: int
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    same: Floats

    @classmethod
    def of(cls, neighbours: NDArray[np.int64], same: Floats) -> Links:
        """From what each of N parts says of its neighbours, (N, K) each; the mean of two."""
        count, width = neighbours.shape
        rows, columns = np.repeat(np.arange(count), width), neighbours.reshape(-1)
        others = rows != columns
        rows, columns, said = rows[others], columns[others], same.reshape(-1)[others]
        keys = np.concatenate([rows * count + columns, columns * count + rows])
        pairs, which = np.unique(keys, return_inverse=True)
        total, times = np.zeros((2, len(pairs)), np.float32)
        np.add.at(total, which, np.concatenate([said, said]))
        np.add.at(times, which, 1)
        return cls(count, pairs // count, pairs % count, (total / times).astype(np.float32))

    def stronger(self, least: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The pairs with a value above ``least``."""
        strong = self.same > least
        return self.rows[strong], self.columns[strong]

    def among(self, chosen: NDArray[np.bool_]) -> Links:
        """The pairs of chosen parts, ``chosen`` (N,) alone."""
        kept = chosen[self.rows] & chosen[self.columns]
        return Links(self.count, self.rows[kept], self.columns[kept], self.same[kept])

    def pairs_of(self, parts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The pairs of each of some parts: which of them it is, and the place of the pair."""
        start, end = np.searchsorted(self.rows, [parts, parts + 1])
        lengths = end - start
        which = np.repeat(np.arange(len(parts)), lengths)
        return which, np.arange(lengths.sum()) - np.repeat(
            np.cumsum(lengths) - lengths - start, lengths
        )

    def between(self, chosen: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """The values, and 1 for each pair there is, among n chosen parts, (n, n) each."""
        place = np.full(self.count, -1)
        place[chosen] = np.arange(len(chosen))
        same, known = np.zeros((2, len(chosen), len(chosen)), np.float32)
        row, at = self.pairs_of(chosen)
        column = place[self.columns[at]]
        kept = column >= 0
        same[row[kept], column[kept]] = self.same[at[kept]]
        known[row[kept], column[kept]] = 1
        return same, known


def component_graph(parts: InkComponents, signer: SymbolClassifier) -> ComponentGraph:
    """The parts of a page as the network is shown them; there must be one at least."""
    looks = symbol_features(parts.ink, parts.boxes, parts.unit)
    own = parts.features[:, :OWN]
    squashed = np.sign(own) * np.log1p(np.abs(own))
    boxes = parts.boxes / parts.unit
    neighbours = nearest(boxes)
    return ComponentGraph(
        np.concatenate([looks, signer(looks), squashed], 1).astype(np.float32),
        neighbours,
        relations(boxes, neighbours),
    )


def nearest(boxes: Floats) -> NDArray[np.int64]:
    """The parts nearest to each, itself first, (N, K); itself again where there are too few.

    ``boxes`` (N, 4) in letter heights.
    """
    found = np.repeat(np.arange(len(boxes))[:, None], NEIGHBOURS, 1)
    count = min(NEIGHBOURS, len(boxes))
    for rows, some in blocks(boxes, _REACH):
        columns, reach = some, _REACH
        while True:
            distance = _distances(boxes, rows, columns)
            if len(columns) == len(boxes):
                break
            # White down the page is a part of the distance: what is out of reach is further.
            kth = min(count, len(columns)) - 1
            furthest = float(np.partition(distance, kth, 1)[:, kth].max())
            if len(columns) >= count and furthest < reach:
                break
            reach = max(2 * reach, 1.01 * furthest)
            columns = within(boxes, rows, reach)
        chosen = np.argsort(distance, 1, kind="stable")[:, :count]
        found[rows, :count] = columns[chosen]
    return found.astype(np.int64)


def _distances(boxes: Floats, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Floats:
    """How far apart boxes are, (R, C); a box is before all others nearest to itself."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    here, there = boxes[rows][:, None], boxes[columns][None]
    white = np.maximum(
        np.maximum(here[..., :2], there[..., :2]) - np.minimum(here[..., 2:], there[..., 2:]), 0
    )
    apart = np.abs(middle[rows][:, None] - middle[columns][None]) / 10 + white
    distance = apart[..., 0] * _ALONG + apart[..., 1]
    distance[rows[:, None] == columns] = -1
    return np.asarray(distance)


def relations(boxes: Floats, neighbours: NDArray[np.int64]) -> Floats:
    """How neighbours lie from each part, (N, K, RELATIONS): the shifts of their middles and edges,
    and the white between; far is felt less than near. ``boxes`` as above."""
    here, there = boxes[:, None], boxes[neighbours]
    edges = there - here
    middle = (edges[..., :2] + edges[..., 2:]) / 2
    white = np.maximum(here[..., :2], there[..., :2]) - np.minimum(here[..., 2:], there[..., 2:])
    shared = (neighbours == np.arange(len(boxes))[:, None])[..., None] * np.ones(2)
    columns = [np.arcsinh(2 * edges), np.arcsinh(2 * middle), np.arcsinh(2 * white), shared]
    return np.concatenate(columns, -1).astype(np.float32)


def predict(
    parts: InkComponents, told: ComponentGraph, maths: Floats, ends: Floats, same: Floats
) -> Predictions:
    """The answers of the network for every part, tied together.

    ``maths`` (N,) and ``same`` (N, K) are shares; ``ends`` (N, 4) the way from the middle of a
    part to each edge of its expression, in logarithms of letter heights.
    """
    middle = (parts.boxes[:, :2] + parts.boxes[:, 2:]) / 2
    away = np.exp(np.clip(ends, -4, 4)) * parts.unit
    boxes = np.concatenate([middle - away[:, :2], middle + away[:, 2:]], 1)
    return Predictions(maths, boxes.astype(np.float32), Links.of(told.neighbours, same))
