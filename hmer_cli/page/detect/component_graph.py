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
from hmer_cli.page.detect.symbol_classes import SYMBOL_CLASSES, SYMBOL_FEATURES, symbol_features

NEIGHBOURS = 16
"""How many parts each part looks at, itself among them."""

OWN = 10
"""The columns of the features of parts that say what a part is by itself."""

NODE_FEATURES = SYMBOL_FEATURES + len(SYMBOL_CLASSES) + OWN
RELATIONS = 10

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
    expression, ``same`` (N, N), and which are neighbours, ``known`` (N, N), 1 or 0."""

    maths: Floats
    boxes: Floats
    same: Floats
    known: Floats

    def of(self, chosen: NDArray[np.int64]) -> Predictions:
        """The views of the chosen parts alone."""
        pairs = np.ix_(chosen, chosen)
        return Predictions(
            self.maths[chosen], self.boxes[chosen], self.same[pairs], self.known[pairs]
        )


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
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    starts = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    white = np.maximum(starts - np.minimum(boxes[:, None, 2:], boxes[None, :, 2:]), 0)
    apart = np.abs(middle[:, None] - middle[None]) / 10 + white
    distance = apart[..., 0] * _ALONG + apart[..., 1]
    np.fill_diagonal(distance, -1)
    count = min(NEIGHBOURS, len(boxes))
    chosen = np.argsort(distance, 1, kind="stable")[:, :count]
    missing = np.repeat(np.arange(len(boxes))[:, None], NEIGHBOURS - count, 1)
    return np.concatenate([chosen, missing], 1).astype(np.int64)


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
    count = len(parts)
    total, times = np.zeros((2, count, count), np.float32)
    rows = np.repeat(np.arange(count), told.neighbours.shape[1])
    columns = told.neighbours.reshape(-1)
    np.add.at(total, (rows, columns), same.reshape(-1))
    np.add.at(times, (rows, columns), 1)
    np.fill_diagonal(times, 0)
    np.fill_diagonal(total, 0)
    total, times = total + total.T, times + times.T
    known = (times > 0).astype(np.float32)
    links = (total / np.maximum(times, 1)).astype(np.float32)
    return Predictions(maths, boxes.astype(np.float32), links, known)
