"""Inputs and outputs of the network that classifies connected components in context.

Input: the connected components of a page. Output: a `ComponentGraph` (features of each component,
its nearest neighbours and their relative geometry) for the network, and `Predictions` made of its
outputs: for each component the probability of being mathematics and the box of its expression, for
each pair of neighbours the probability of being in one expression. The network is
`hmer_cli.training.detector.component_network`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.detect.components import InkComponents
from hmer_cli.page.detect.integral import Floats
from hmer_cli.page.detect.neighbours import blocks, gaps, within
from hmer_cli.page.detect.symbol_classes import SYMBOL_CLASSES, SYMBOL_FEATURES, symbol_features

NEIGHBOURS = 16
"""Neighbours of each component that the network attends to, itself included."""

OWN = 10
"""Number of leading columns of the component features that describe it by itself."""

RELATIONS = 10
"""Features of the relative geometry of two neighbours."""

_REACH = 3.0  # letter heights: first radius of the search for neighbours
_ALONG = 0.5  # weight of horizontal relative to vertical distance

SymbolClassifier = Callable[[Floats], Floats]
"""Symbol features (N, S) -> probabilities (N, K) of the symbol classes."""


@dataclass(frozen=True)
class ComponentGraph:
    """Inputs of the network for N components.

    Attributes:
        looks: features of each by itself, (N, F).
        neighbours: indices of its nearest components, (N, K).
        relations: geometry of these relative to it, (N, K, RELATIONS).
    """

    looks: Floats
    neighbours: NDArray[np.int64]
    relations: Floats

    @property
    def kinds(self) -> Floats:
        """Probabilities of the symbol classes of each component, (N, len(SYMBOL_CLASSES))."""
        return self.looks[:, SYMBOL_FEATURES : SYMBOL_FEATURES + len(SYMBOL_CLASSES)]


@dataclass(frozen=True)
class Predictions:
    """Outputs of the network for N components.

    Attributes:
        maths: probability of being mathematics, (N,).
        boxes: predicted box of its expression, (N, 4) in pixels.
        links: probabilities of neighbours of being in one expression.
    """

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
        """The mean of both directions of each pair of neighbours; both arguments are (N, K)."""
        count, width = neighbours.shape
        rows, columns = np.repeat(np.arange(count), width), neighbours.reshape(-1)
        others = rows != columns
        rows, columns, values = rows[others], columns[others], same.reshape(-1)[others]
        keys = np.concatenate([rows * count + columns, columns * count + rows])
        pairs, which = np.unique(keys, return_inverse=True)
        total, times = np.zeros((2, len(pairs)), np.float32)
        np.add.at(total, which, np.concatenate([values, values]))
        np.add.at(times, which, 1)
        return cls(count, pairs // count, pairs % count, (total / times).astype(np.float32))

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """The place of the first pair of each part, and the number of all, (N + 1,)."""
        return np.searchsorted(self.rows, np.arange(self.count + 1))

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
        start, end = self.starts[parts], self.starts[parts + 1]
        lengths = end - start
        which = np.repeat(np.arange(len(parts)), lengths)
        return which, np.arange(lengths.sum()) - np.repeat(
            np.cumsum(lengths) - lengths - start, lengths
        )


def component_graph(parts: InkComponents, classify: SymbolClassifier) -> ComponentGraph:
    """The inputs of the network for a page of at least one component."""
    looks = symbol_features(parts.ink, parts.boxes, parts.unit)
    own = parts.features[:, :OWN]
    squashed = np.sign(own) * np.log1p(np.abs(own))
    boxes = parts.boxes / parts.unit
    neighbours = nearest(boxes)
    return ComponentGraph(
        np.concatenate([looks, classify(looks), squashed], 1).astype(np.float32),
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
            kth = _kth(distance, count)
            if len(columns) == len(boxes):
                break
            # White down the page is a part of the distance: what is out of reach is further.
            furthest = float(kth.max())
            if len(columns) >= count and furthest < reach:
                break
            reach = max(2 * reach, 1.01 * furthest)
            columns = within(boxes, rows, reach)
        found[rows, :count] = columns[_least(distance, kth, count)]
    return found.astype(np.int64)


def _kth(table: Floats, count: int) -> Floats:
    """The value that ``count`` of each row do not exceed, (R, 1)."""
    kth = min(count, table.shape[1]) - 1
    return np.asarray(np.partition(table, kth, 1)[:, kth, None])


def _least(table: Floats, kth: Floats, count: int) -> NDArray[np.int64]:
    """The places of the least values of each row of (R, C), ascending; of equal ones the first.

    The same as a stable argsort of whole rows, which takes long; ``kth`` is that of `_kth`.
    """
    few = table <= kth
    if (few.sum(1) > count).any():
        last = table == kth
        spare = count - (few & ~last).sum(1)
        few &= ~last | (last.cumsum(1) <= spare[:, None])
    places = np.nonzero(few)[1].reshape(-1, count)
    order = np.argsort(np.take_along_axis(table, places, 1), 1, kind="stable")
    return np.take_along_axis(places, order, 1)


def _distances(boxes: Floats, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Floats:
    """How far apart boxes are, (R, C); a box is before all others nearest to itself."""
    here, there = boxes[rows], boxes[columns]
    middles = [(each[:, :2] + each[:, 2:]) / 2 for each in (here, there)]
    across, down = (
        np.abs(np.subtract.outer(*(each[:, axis] for each in middles))) / 10 + np.maximum(white, 0)
        for axis, white in enumerate(gaps(here, there))
    )
    distance = across * _ALONG + down
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
    parts: InkComponents, graph: ComponentGraph, maths: Floats, ends: Floats, same: Floats
) -> Predictions:
    """`Predictions` from the raw outputs of the network.

    ``maths`` (N,) and ``same`` (N, K) are probabilities; ``ends`` (N, 4) are distances from the
    centre of a component to each edge of its expression, as logarithms of letter heights.
    """
    middle = (parts.boxes[:, :2] + parts.boxes[:, 2:]) / 2
    away = np.exp(np.clip(ends, -4, 4)) * parts.unit
    boxes = np.concatenate([middle - away[:, :2], middle + away[:, 2:]], 1)
    return Predictions(maths, boxes.astype(np.float32), Links.of(graph.neighbours, same))
