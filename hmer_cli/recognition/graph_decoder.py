"""The graph model on ONNX Runtime: proposes labels by beam search, scores given labels.

Input: the nodes of one expression (strokes, connected components or strokes of a skeleton).
Output: labels as units, and log-probabilities. The network is `hmer_cli.networks.graph_model`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hmer_cli.recognition.beam_search import beam_search
from hmer_cli.recognition.components import Components
from hmer_cli.recognition.pieces import Pieces
from hmer_cli.recognition.rescoring import Label
from hmer_cli.recognition.strokes import StrokeFeatures
from hmer_cli.recognition.units import BLANK, Units

Floats = NDArray[np.float32]

FRONTS = STROKE, COMPONENT, PIECE = "stroke", "component", "piece"
"""Names of the node encoders that a graph model may have, as in the metadata of weights files."""

ENCODER, DECODER_STEP = "look", "say"
"""Keys of the other models in a weights file: encoder and decoder step (kept for shipped files)."""

Nodes = StrokeFeatures | Components | Pieces
"""The nodes of one expression."""

WIDTH = 5
"""Prefixes that the beam search keeps, and labels proposed at most."""

LONGEST = 200
"""Maximal length of a label in units."""

MOST_NODES = 256
"""Expressions of more nodes are recognised by the CTC model alone.

Time and memory of the graph model grow with the square of their number.
"""


class Session(Protocol):
    """The part of the interface of an ONNX Runtime session that is used here."""

    def run(self, names: Sequence[str], given: Mapping[str, NDArray[Any]]) -> Any:
        """The outputs of these names."""
        ...


@dataclass(frozen=True)
class GraphDecoder:
    """The sessions of a graph model: node encoders by name, graph encoder, decoder step.

    See `NodeEncoder`, `GraphModel.forward` and `Decoder.decode_step` in `hmer_cli.networks`.
    """

    fronts: Mapping[str, Session]
    encoder: Session
    decoder: Session

    def scorer(self, nodes: Nodes, weight: float = 1.0) -> GraphScorer:
        """A scorer of labels for these nodes; ``weight`` is that of its scores in rescoring."""
        name, inputs = front_of(nodes)
        (x,) = self.fronts[name].run(["x"], {**inputs, "boxes": nodes.boxes})
        ordered = np.array([name == STROKE])
        given = {"x": x, "boxes": nodes.boxes[None], "ordered": ordered}
        (cache,) = self.encoder.run(["kept"], given)
        return GraphScorer(self, cache, weight)


def front_of(nodes: Nodes) -> tuple[str, dict[str, NDArray[Any]]]:
    """The name of the encoder of such nodes, and its inputs beside their boxes.

    Names of inputs and outputs here are those in shipped weights files.
    """
    if isinstance(nodes, StrokeFeatures):
        return STROKE, {"looks": nodes.shapes}
    if isinstance(nodes, Components):
        return COMPONENT, {"looks": nodes.pictures}
    return PIECE, {"looks": nodes.shapes, "pictures": nodes.pictures}


@dataclass(frozen=True)
class GraphScorer:
    """Log-probabilities of labels given one expression.

    ``memory`` (layers, 2, 1, heads, N, d) are the keys and values of its nodes; ``known`` the
    scores of labels so far.
    """

    graph_decoder: GraphDecoder
    memory: Floats
    weight: float
    known: dict[Label, float] = field(default_factory=dict)

    def __call__(self, labels: Sequence[Label]) -> NDArray[np.float64]:
        """The log of each label's probability, the mean of both directions."""
        missing = sorted({*labels} - self.known.keys())
        if missing:
            self.known.update(zip(missing, self._likelihood(missing).tolist(), strict=True))
        return np.array([self.known[label] for label in labels])

    def choices(self, label: Label) -> NDArray[np.float64]:
        """Log-probabilities (L, V) of the units in each place of the label, given the others.

        The mean of both directions, each of which is given what comes before.
        """
        units = np.array([(BLANK, *label), (BLANK, *label[::-1])], np.int64)
        outputs, _ = self._decode_step(units, np.array([0, 1]), self._empty_cache(2))
        ahead, back = outputs[:, :-1].astype(np.float64)
        mean: NDArray[np.float64] = (ahead + back[::-1]) / 2
        return mean

    def _likelihood(self, labels: Sequence[Label]) -> NDArray[np.float64]:
        rows = [row for label in labels for row in (label, label[::-1])]
        units = np.full((len(rows), max(map(len, rows)) + 1), BLANK, np.int64)
        for line, row in zip(units, rows, strict=True):
            line[1 : len(row) + 1] = row
        directions = np.tile(np.array([0, 1]), len(labels))
        outputs, _ = self._decode_step(units, directions, self._empty_cache(len(rows)))
        following = np.append(units[:, 1:], np.full((len(rows), 1), BLANK), axis=1)
        logs = np.take_along_axis(outputs, following[..., None], axis=2)[..., 0].astype(np.float64)
        within = np.arange(units.shape[1]) <= np.array([len(row) for row in rows])[:, None]
        mean: NDArray[np.float64] = (logs * within).sum(axis=1).reshape(-1, 2).mean(axis=1)
        return mean

    def propose(
        self, units: Units, width: int = WIDTH, allowed: NDArray[np.bool_] | None = None
    ) -> list[Label]:
        """The likeliest labels of the grammar, best first, by beam search from the left.

        Units outside ``allowed`` (V,) are excluded.
        """
        cache = self._empty_cache(1)

        def step(last: Sequence[int], parents: Sequence[int]) -> Floats:
            nonlocal cache
            directions = np.zeros(len(last), np.int64)
            past = cache[:, :, list(parents)]
            outputs, cache = self._decode_step(np.array(last)[:, None], directions, past)
            return outputs[:, -1] if allowed is None else np.where(allowed, outputs[:, -1], -np.inf)

        complete, _ = beam_search(step, units, width, LONGEST, count=width)
        return [path.units for path in complete]

    def _decode_step(
        self, units: NDArray[np.int64], directions: NDArray[np.int64], past: Floats
    ) -> tuple[Floats, Floats]:
        given: dict[str, NDArray[Any]] = {
            "kept": self.memory,
            "past": past,
            "units": units,
            "ways": directions,
        }
        outputs, cache = self.graph_decoder.decoder.run(["said", "now"], given)
        return outputs, cache

    def _empty_cache(self, count: int) -> Floats:
        """The cache of ``count`` empty prefixes."""
        layers, both, _, heads, _, d = self.memory.shape
        return np.zeros((layers, both, count, heads, 0, d), np.float32)
