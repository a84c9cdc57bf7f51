"""Examples -> nodes of graph models, and batches of them, bucketed by length.

Input: examples with strokes. Output: `Batch` of B expressions of up to N nodes, with targets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hmer_cli.ink.render import draw
from hmer_cli.recognition import scale
from hmer_cli.recognition.components import SYMBOL, components
from hmer_cli.recognition.graph_decoder import COMPONENT, PIECE, front_of
from hmer_cli.recognition.graph_decoder import Nodes as Seen
from hmer_cli.recognition.pieces import pieces
from hmer_cli.recognition.scale import PADDING
from hmer_cli.recognition.strokes import stroke_features, stroke_size
from hmer_cli.recognition.units import Units
from hmer_cli.training.augment.camera import Warp, degrade, seen
from hmer_cli.training.augment.ink import Points, Spread, augment
from hmer_cli.training.batches.images import UNKNOWN, bilevel, placed, turned
from hmer_cli.training.batches.targets import Targets, shifted
from hmer_cli.training.compose.examples import UNTIED, Example
from hmer_cli.training.recipe import Drawing

UNORDERED = 0.3
"""The share of expressions of which nobody says in which order the strokes were written."""

LARGER = SYMBOL / scale.SYMBOL
"""How much larger than to the recogniser images are to the reader of their components."""

MOSTLY = 0.7
"""A piece of which a smaller share is of one sign is of none."""

PEN = 2.6
"""Pixels that lines are wide in the image of an expression as it was written."""


@dataclass(frozen=True)
class Nodes:
    """One training expression: what is seen of its nodes, and of each which sign it belongs to.

    ``places`` (N,) counts the signs in the order of the label, ``names`` (N,) says what they
    are; both UNKNOWN where nobody tells.
    """

    seen: Seen
    ordered: bool
    label: list[int]
    places: NDArray[np.int64]
    names: NDArray[np.int64]

    @property
    def count(self) -> int:
        """The number of nodes."""
        return len(self.places)

    @property
    def front(self) -> str:
        """Which front of the reader sees them."""
        return front_of(self.seen)[0]


@dataclass(frozen=True)
class GraphBatch(Targets):
    """Tensors ready for the model; see `hmer_cli.networks.graph_model` for the letters.

    looks, each (M, ...), of the nodes that are there, one after the other, for the ``front`` that
    sees them; boxes (B, N, 4), ordered (B,) and there (B, N) as the model takes them; places and
    names (B, N) int64, see `Nodes`.
    """

    front: str
    looks: tuple[Tensor, ...]
    boxes: Tensor
    ordered: Tensor
    there: Tensor
    places: Tensor
    names: Tensor


def collate(group: Sequence[Nodes]) -> GraphBatch:
    """Pad to the most nodes and the longest label; all are for the same front."""
    b, n = len(group), max(nodes.count for nodes in group)
    boxes = np.zeros((b, n, 4), np.float32)
    there = np.zeros((b, n), bool)
    places, names = np.full((b, n), UNKNOWN, np.int64), np.full((b, n), UNKNOWN, np.int64)
    for i, nodes in enumerate(group):
        boxes[i, : nodes.count] = nodes.seen.boxes
        there[i, : nodes.count] = True
        places[i, : nodes.count], names[i, : nodes.count] = nodes.places, nodes.names
    before, after, lengths = shifted([nodes.label for nodes in group])
    told = zip(*(front_of(nodes.seen)[1].values() for nodes in group), strict=True)
    looks = tuple(torch.from_numpy(np.concatenate(arrays)) for arrays in told)
    arrays = boxes, np.array([nodes.ordered for nodes in group]), there, places, names
    front = group[0].front
    return GraphBatch(before, after, lengths, 0, front, looks, *map(torch.from_numpy, arrays))


def bucketed(waiting: Sequence[Nodes], most: int) -> list[list[Nodes]]:
    """Groups of like length and for one front, whose padded nodes and units are about ``most``."""
    groups: list[list[Nodes]] = [[]]
    longest = 0
    for nodes in sorted(waiting, key=lambda nodes: (nodes.front, _length(nodes))):
        other = groups[-1] and nodes.front != groups[-1][0].front
        longest = _length(nodes) if other else max(longest, _length(nodes))
        if groups[-1] and (other or (len(groups[-1]) + 1) * longest > most):
            groups.append([])
            longest = _length(nodes)
        groups[-1].append(nodes)
    return groups


def _length(nodes: Nodes) -> int:
    return max(nodes.count, len(nodes.label))


@dataclass(frozen=True)
class NodeSampler:
    """Shows examples as the model is to see them, with or without augmentation.

    ``symbols`` are the numbers of the names of signs.
    """

    units: Units
    symbols: Mapping[str, int]
    drawing: Drawing
    spread: Spread

    def varied(self, example: Example, rng: np.random.Generator) -> Nodes | None:
        """The example in another hand, its strokes or an image; None where no ink is left of it."""
        if not example.strokes:
            return self.still(example)
        size = _size(example.strokes)
        strokes = augment(example.strokes, example.symbols, size, rng, self.spread)
        chance = rng.random()
        if chance < self.drawing.images:
            front = PIECE if chance < self.drawing.pieces else COMPONENT
            return self._of_image(example, *self._painted(strokes, size, rng), front)
        places, names = self._signs(example)
        ordered = bool(rng.random() >= UNORDERED)
        label = self.units.encode(example.tokens)
        return Nodes(stroke_features(turned(strokes, rng)), ordered, label, places, names)

    @property
    def _front(self) -> str:
        """Which front sees what is an image."""
        return PIECE if self.drawing.pieces else COMPONENT

    def _painted(
        self, strokes: Sequence[Points], size: float, rng: np.random.Generator
    ) -> tuple[list[Points], NDArray[np.uint8]]:
        """Strokes in pixels and the ink (H, W) of an image of them, bright on black."""
        drawing = self.drawing
        zoom = SYMBOL * float(np.exp(rng.normal(0, drawing.zoom))) / size
        strokes, shape = placed(strokes, zoom, PADDING + rng.integers(-3, 6, 4))
        pen = LARGER * float(rng.uniform(*drawing.pen))
        chance = rng.random() - drawing.degraded
        if chance < 0:
            warp = Warp.sample(shape, rng, drawing.degradation)
            strokes = [warp.points(stroke) for stroke in strokes]
            return strokes, seen(degrade(draw(strokes, warp.shape, pen), rng, drawing.degradation))
        if chance < drawing.bilevel:
            return strokes, bilevel(strokes, shape, rng)
        return strokes, 255 - draw(strokes, shape, pen)

    def still(self, example: Example, as_image: bool = False) -> Nodes:
        """The example as it was written, or an image of it, or the image as which it came."""
        nodes = self._still(example, as_image)
        assert nodes is not None, "what was written or prepared has ink"
        return nodes

    def _still(self, example: Example, as_image: bool) -> Nodes | None:
        label = self.units.encode(example.tokens)
        if example.image is not None:
            return self._of_image(example, (), example.image.pixels, self._front)
        places, names = self._signs(example)
        if not as_image:
            return Nodes(stroke_features(example.strokes), True, label, places, names)
        zoom = SYMBOL / _size(example.strokes)
        strokes, shape = placed(example.strokes, zoom, np.full(4, PADDING))
        return self._of_image(example, strokes, 255 - draw(strokes, shape, PEN), self._front)

    def _of_image(
        self, example: Example, strokes: Sequence[Points], ink: NDArray[np.uint8], front: str
    ) -> Nodes | None:
        """What a front sees of an image; None where there is no ink."""
        label = self.units.encode(example.tokens)
        if front == PIECE:
            if (cut := pieces(ink)) is None:
                return None
            return Nodes(cut[0], False, label, *self._signs_of_pieces(example, strokes, cut[1]))
        if (found := components(ink)) is None:
            return None
        return Nodes(found[0], False, label, *self._signs_of_components(example, strokes, found[1]))

    def _signs_of_pieces(
        self, example: Example, strokes: Sequence[Points], where: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """As `_signs`, of each piece of an image: that of most of the ink that goes through it.

        Where all ink is known, what no ink goes through has the name of nothing.
        """
        count = int(where.max()) + 1
        places, names = np.full((2, count), UNKNOWN, np.int64)
        of_stroke, names_of_stroke = self._signs(example)
        if not len(strokes) or (of_stroke == UNKNOWN).all():
            return places, names
        drawn = np.zeros(where.shape, np.int16)
        for i, stroke in enumerate(strokes):
            line = np.round(stroke - 0.5).astype(np.int32)  # pixels by their centres
            cv2.polylines(drawn, [line], False, i + 1)
        through = (drawn > 0) & (where >= 0)
        pairs = where[through] * len(strokes) + drawn[through] - 1
        votes = np.bincount(pairs, minlength=count * len(strokes)).reshape(count, -1)
        signs = of_stroke.max() + 1
        tally = np.zeros((count, signs + 1), np.int64)
        np.add.at(tally.T, of_stroke, votes.T)  # the last column is of strokes of no known sign
        best = tally.argmax(axis=1)
        seen = tally.sum(axis=1)
        told = (best < signs) & (tally.max(axis=1) >= MOSTLY * seen) & (seen > 0)
        name = np.full(signs + 1, UNKNOWN, np.int64)
        name[of_stroke] = names_of_stroke
        places[told], names[told] = best[told], name[best[told]]
        if (of_stroke != UNKNOWN).all():
            names[seen == 0] = 0
        return places, names

    def _signs_of_components(
        self, example: Example, strokes: Sequence[Points], where: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """As `_signs`, of each component: that of all strokes through it, if that is one."""
        places, names = np.full((2, int(where.max()) + 1), UNKNOWN, np.int64)
        taken: list[set[tuple[int, ...]]] = [set() for _ in places]
        signs = np.stack(self._signs(example), axis=1)
        for sign, stroke in zip(signs.tolist(), strokes, strict=True):
            x, y = np.clip(stroke.T.astype(int), 0, np.array(where.shape)[::-1, None] - 1)
            for component in set(where[y, x].tolist()) - {-1}:
                taken[component].add(tuple(sign))
        for i, through in enumerate(taken):
            if len(through) == 1:
                places[i], names[i] = next(iter(through))
        return places, names

    def _signs(self, example: Example) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Of each stroke the place of its sign among those of the label, and its name."""
        places, names = np.full((2, len(example.strokes)), UNKNOWN, np.int64)
        for token, place in zip(example.tokens, example.places or (), strict=False):
            if place == UNTIED:
                continue
            for i in example.symbols[place]:
                if places[i] == UNKNOWN:  # of the two tokens of one sign, the first names it
                    places[i], names[i] = place, self.symbols[token]
        return places, names


def _size(strokes: Sequence[Points]) -> float:
    low, high = (np.stack([f(s, axis=0) for s in strokes]) for f in (np.min, np.max))
    return stroke_size(low.astype(np.float64), high.astype(np.float64))
