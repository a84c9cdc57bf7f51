"""Examples -> nodes of graph models, and batches of them, bucketed by length.

Input: examples with strokes. Output: `Batch` of B expressions of up to N nodes, with targets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hmer_cli.ink.render import draw
from hmer_cli.recognition import scale
from hmer_cli.recognition.components import SYMBOL, components
from hmer_cli.recognition.graph_decoder import COMPONENT, PIECE, front_of
from hmer_cli.recognition.graph_decoder import Nodes as NodeFeatures
from hmer_cli.recognition.pieces import pieces
from hmer_cli.recognition.scale import PADDING
from hmer_cli.recognition.strokes import stroke_features, stroke_size
from hmer_cli.recognition.units import Units
from hmer_cli.training.augment.camera import Warp, degrade, prepared
from hmer_cli.training.augment.ink import Points, Spread, augment
from hmer_cli.training.batches.images import UNKNOWN, bilevel, placed, turned
from hmer_cli.training.batches.targets import Targets, shifted
from hmer_cli.training.compose.examples import UNTIED, Example
from hmer_cli.training.recipe import Drawing

UNORDERED = 0.3
"""Share of expressions whose strokes are presented as unordered."""

LARGER = SYMBOL / scale.SYMBOL
"""Scale of images for the graph model relative to the CTC model."""

MOSTLY = 0.7
"""Least share of a piece that belongs to one symbol; other pieces belong to none."""

PEN = 2.6
"""Pen width in pixels without augmentation."""


@dataclass(frozen=True)
class Nodes:
    """One training expression of N nodes.

    Attributes:
        features: inputs of the node encoder.
        ordered: whether the nodes are in the order of writing.
        label: unit indices.
        places: index, in the label, of the symbol of each node, (N,); UNKNOWN if not annotated.
        names: class of that symbol, (N,).
        ink: of an image, the same expression as its strokes, if asked for.
    """

    features: NodeFeatures
    ordered: bool
    label: list[int]
    places: NDArray[np.int64]
    names: NDArray[np.int64]
    ink: Nodes | None = None

    @property
    def count(self) -> int:
        """The number of nodes."""
        return len(self.places)

    @property
    def front(self) -> str:
        """Name of the node encoder."""
        return front_of(self.features)[0]


@dataclass(frozen=True)
class GraphBatch(Targets):
    """Tensors ready for the model; see `hmer_cli.networks.graph_model` for the letters.

    Attributes:
        front: name of the node encoder.
        looks: its inputs, (M, ...) each, for the M nodes of all expressions.
        boxes, ordered, there: inputs of the graph encoder, (B, N, 4), (B,) and (B, N).
        places, names: targets (B, N) int64, see `Nodes`.
        inked: which of the expressions come with their strokes, (B,).
        ink: these expressions as strokes, if there are any.
    """

    front: str
    looks: tuple[Tensor, ...]
    boxes: Tensor
    ordered: Tensor
    there: Tensor
    places: Tensor
    names: Tensor
    inked: Tensor
    ink: GraphBatch | None = None


def collate(group: Sequence[Nodes]) -> GraphBatch:
    """Pad to the most nodes and the longest label; all have the same node encoder."""
    b, n = len(group), max(nodes.count for nodes in group)
    boxes = np.zeros((b, n, 4), np.float32)
    there = np.zeros((b, n), bool)
    places, names = np.full((b, n), UNKNOWN, np.int64), np.full((b, n), UNKNOWN, np.int64)
    for i, nodes in enumerate(group):
        boxes[i, : nodes.count] = nodes.features.boxes
        there[i, : nodes.count] = True
        places[i, : nodes.count], names[i, : nodes.count] = nodes.places, nodes.names
    before, after, lengths = shifted([nodes.label for nodes in group])
    inputs = zip(*(front_of(nodes.features)[1].values() for nodes in group), strict=True)
    looks = tuple(torch.from_numpy(np.concatenate(arrays)) for arrays in inputs)
    inks = [nodes.ink for nodes in group if nodes.ink is not None]
    return GraphBatch(
        before, after, lengths, 0,
        front=group[0].front,
        looks=looks,
        boxes=torch.from_numpy(boxes),
        ordered=torch.tensor([nodes.ordered for nodes in group]),
        there=torch.from_numpy(there),
        places=torch.from_numpy(places),
        names=torch.from_numpy(names),
        inked=torch.tensor([nodes.ink is not None for nodes in group]),
        ink=collate(inks) if inks else None,
    )  # fmt: skip


def bucketed(waiting: Sequence[Nodes], most: int) -> list[list[Nodes]]:
    """Groups of similar length for one node encoder, of about ``most`` padded nodes or units."""
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
    """Makes `Nodes` of examples, with or without augmentation.

    ``symbols`` are the indices of the symbol classes; ``inks`` says whether augmented images come
    with their strokes.
    """

    units: Units
    symbols: Mapping[str, int]
    drawing: Drawing
    spread: Spread
    inks: bool = False

    def augmented(self, example: Example, rng: np.random.Generator) -> Nodes | None:
        """The augmented example, as strokes or as an image; None if no ink is left."""
        if not example.strokes:
            return self.still(example)
        size = _size(example.strokes)
        strokes = augment(example.strokes, example.symbols, size, rng, self.spread)
        chance = rng.random()
        if chance < self.drawing.images:
            front = PIECE if chance < self.drawing.pieces else COMPONENT
            nodes = self._of_image(example, *self._rendered(strokes, size, rng), front)
            return nodes and replace(
                nodes, ink=self._of_ink(example, strokes) if self.inks else None
            )
        ordered = bool(rng.random() >= UNORDERED)
        return self._of_ink(example, turned(strokes, rng), ordered)

    def _of_ink(self, example: Example, strokes: Sequence[Points], ordered: bool = True) -> Nodes:
        """The nodes of strokes, augmented or not, of an example."""
        label = self.units.encode(example.tokens)
        return Nodes(stroke_features(strokes), ordered, label, *self._symbols(example))

    @property
    def _front(self) -> str:
        """Name of the node encoder of images."""
        return PIECE if self.drawing.pieces else COMPONENT

    def _rendered(
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
            return strokes, prepared(
                degrade(draw(strokes, warp.shape, pen), rng, drawing.degradation)
            )
        if chance < drawing.bilevel:
            return strokes, bilevel(strokes, shape, rng)
        return strokes, 255 - draw(strokes, shape, pen)

    def still(self, example: Example, as_image: bool = False) -> Nodes:
        """The example without augmentation: strokes, an image of them, or the image it came as."""
        nodes = self._still(example, as_image)
        assert nodes is not None, "strokes and prepared images have ink"
        return nodes

    def _still(self, example: Example, as_image: bool) -> Nodes | None:
        if example.image is not None:
            return self._of_image(example, (), example.image.pixels, self._front)
        if not as_image:
            return self._of_ink(example, example.strokes)
        zoom = SYMBOL / _size(example.strokes)
        strokes, shape = placed(example.strokes, zoom, np.full(4, PADDING))
        return self._of_image(example, strokes, 255 - draw(strokes, shape, PEN), self._front)

    def _of_image(
        self, example: Example, strokes: Sequence[Points], ink: NDArray[np.uint8], front: str
    ) -> Nodes | None:
        """The nodes of an image for a node encoder; None without ink."""
        label = self.units.encode(example.tokens)
        if front == PIECE:
            if (cut := pieces(ink)) is None:
                return None
            return Nodes(cut[0], False, label, *self._symbols_of_pieces(example, strokes, cut[1]))
        if (found := components(ink)) is None:
            return None
        return Nodes(
            found[0], False, label, *self._symbols_of_components(example, strokes, found[1])
        )

    def _symbols_of_pieces(
        self, example: Example, strokes: Sequence[Points], where: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """As `_symbols`, for each piece of an image, by a majority vote of the strokes through it.

        If all strokes are annotated, pieces without a stroke get class 0.
        """
        count = int(where.max()) + 1
        places, names = np.full((2, count), UNKNOWN, np.int64)
        of_stroke, names_of_stroke = self._symbols(example)
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
        votes_cast = tally.sum(axis=1)
        clear = (best < signs) & (tally.max(axis=1) >= MOSTLY * votes_cast) & (votes_cast > 0)
        name = np.full(signs + 1, UNKNOWN, np.int64)
        name[of_stroke] = names_of_stroke
        places[clear], names[clear] = best[clear], name[best[clear]]
        if (of_stroke != UNKNOWN).all():
            names[votes_cast == 0] = 0
        return places, names

    def _symbols_of_components(
        self, example: Example, strokes: Sequence[Points], where: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """As `_symbols`, for each component: the symbol of all strokes through it, if it is one."""
        places, names = np.full((2, int(where.max()) + 1), UNKNOWN, np.int64)
        taken: list[set[tuple[int, ...]]] = [set() for _ in places]
        signs = np.stack(self._symbols(example), axis=1)
        for sign, stroke in zip(signs.tolist(), strokes, strict=True):
            x, y = np.clip(stroke.T.astype(int), 0, np.array(where.shape)[::-1, None] - 1)
            for component in set(where[y, x].tolist()) - {-1}:
                taken[component].add(tuple(sign))
        for i, through in enumerate(taken):
            if len(through) == 1:
                places[i], names[i] = next(iter(through))
        return places, names

    def _symbols(self, example: Example) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Index in the label and class of the symbol of each stroke, (N,) each."""
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
