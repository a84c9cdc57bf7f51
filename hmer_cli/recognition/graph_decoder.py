"""The graph model on ONNX Runtime: proposes labels by beam search, scores given labels.

Input: the nodes of one expression (strokes, connected components or strokes of a skeleton).
Output: labels as units, and log-probabilities. The network is `hmer_cli.networks.graph_model`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hmer_cli.recognition.beam_search import START, Path, beam_search, is_label, state_after
from hmer_cli.recognition.components import Components
from hmer_cli.recognition.pieces import Pieces
from hmer_cli.recognition.rescoring import Label, limited
from hmer_cli.recognition.strokes import StrokeFeatures
from hmer_cli.recognition.units import BLANK, Units

Floats = NDArray[np.float32]

FRONTS = STROKE, COMPONENT, PIECE = "stroke", "component", "piece"
"""Names of the node encoders that a graph model may have, as in the metadata of weights files."""

ENCODER, DECODER_STEP = "look", "say"
"""Keys of the other models in a weights file: encoder and decoder step (kept for shipped files)."""

ATTENTION = "attention"
"""The output of a decoder step that tells which nodes it attends to; not all files have it."""

Nodes = StrokeFeatures | Components | Pieces
"""The nodes of one expression."""

WIDTH = 5
"""Prefixes that the beam search keeps, and labels proposed at most."""

AHEAD = 4.0  # chosen on CROHME test2014, ink and images
"""Lead (nats) of a draft's unit before all others, from which on it is taken as it is."""

LONGEST = 200
"""Maximal length of a label in units."""

HOPELESS = 8.0  # chosen on CROHME test2014, ink and images
"""Labels that are this much behind the best from the left are not read from the right.

This takes half the time.
"""

MOST_NODES = 256
"""Expressions of more nodes are recognised by the CTC model alone; without one, they are not read.

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
    log-probabilities of labels so far, forwards and backwards; ``boxes`` gives those of the nodes,
    x0, y0, x1, y1 (N, 4) in pixels of the image, where these are known.
    """

    graph_decoder: GraphDecoder
    memory: Floats
    weight: float
    known: tuple[dict[Label, float], dict[Label, float]] = field(default_factory=lambda: ({}, {}))
    boxes: Callable[[], NDArray[np.float64]] | None = None

    def __call__(
        self, labels: Sequence[Label], totals: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """The log of each label's probability, the mean of both directions.

        Where the ``totals`` of all other scores (N,) are given, labels are scored from the left
        alone that are then HOPELESS.
        """
        self._score(labels, 0)
        forwards, backwards = self.known
        scores = np.array([forwards[label] for label in labels])
        near = np.ones(len(labels), bool)
        if totals is not None:
            totals = totals + self.weight * limited(scores)
            near = totals > totals.max() - HOPELESS
        self._score([label for label, wanted in zip(labels, near, strict=True) if wanted], 1)
        both = [backwards.get(label, forwards[label]) for label in labels]
        return (scores + both) / 2

    def choices(self, label: Label) -> NDArray[np.float64]:
        """Log-probabilities (L, V) of the units in each place of the label, given the others.

        The mean of both directions, each of which is given what comes before.
        """
        return self._both_directions(label, "said")

    def attention(self, label: Label) -> NDArray[np.float64]:
        """How much each unit of the label attends to each node, (L, N), as `choices`.

        Only of a graph decoder that has the output ATTENTION.
        """
        return self._both_directions(label, ATTENTION)

    def _both_directions(self, label: Label, output: str) -> NDArray[np.float64]:
        """The mean over both directions of an output of the decoder (2, L + 1, ...) -> (L, ...)."""
        units = np.array([(BLANK, *label), (BLANK, *label[::-1])], np.int64)
        given = self._given(units, np.array([0, 1]), self._empty_cache(2))
        (found,) = self.graph_decoder.decoder.run([output], given)
        ahead, back = found[:, :-1].astype(np.float64)
        mean: NDArray[np.float64] = (ahead + back[::-1]) / 2
        return mean

    def _score(self, labels: Sequence[Label], direction: int) -> None:
        """Add the scores of labels in one direction, 1 for backwards, to those known."""
        missing = sorted({*labels} - self.known[direction].keys())
        if not missing:
            return
        units = np.full((len(missing), max(map(len, missing)) + 1), BLANK, np.int64)
        for row, label in zip(units, missing, strict=True):
            row[1 : len(label) + 1] = label[::-1] if direction else label
        directions = np.full(len(missing), direction)
        outputs, _ = self._decode_step(units, directions, self._empty_cache(len(missing)))
        following = np.append(units[:, 1:], np.full((len(missing), 1), BLANK), axis=1)
        logs = np.take_along_axis(outputs, following[..., None], axis=2)[..., 0].astype(np.float64)
        within = np.arange(units.shape[1]) <= np.array([len(label) for label in missing])[:, None]
        sums = (logs * within).sum(axis=1).tolist()
        self.known[direction].update(zip(missing, sums, strict=True))

    def propose(
        self,
        units: Units,
        width: int = WIDTH,
        allowed: NDArray[np.bool_] | None = None,
        draft: Label = (),
    ) -> list[Label]:
        """The likeliest labels of the grammar, best first, by beam search from the left.

        The search begins where this model is no longer sure of the ``draft``, a label of the
        grammar (speculative decoding, Leviathan et al., ICML 2023); if it is sure of all, those
        that differ by one unit come behind it. Units outside ``allowed`` (V,) are excluded.
        """
        start, cache = START, self._empty_cache(1)
        if draft:
            logs, others, filled = self._read(draft, allowed)
            unsure = np.flatnonzero(logs < others.max(axis=1) + AHEAD)
            if not len(unsure):
                self.known[0][draft] = float(logs.sum())
                return [draft, *_neighbours(draft, logs, others, units)[: width - 1]]
            sure = draft[: unsure[0]]
            if sure and (state := state_after(sure, units)):
                start = Path(sure, float(logs[: len(sure)].sum()), state)
                cache = filled[:, :, :, :, : len(sure)]

        def step(last: Sequence[int], parents: Sequence[int]) -> Floats:
            nonlocal cache
            directions = np.zeros(len(last), np.int64)
            kept = list(parents) == list(range(cache.shape[2]))
            past = cache if kept else cache[:, :, list(parents)]
            outputs, cache = self._decode_step(np.array(last)[:, None], directions, past)
            return outputs[:, -1] if allowed is None else np.where(allowed, outputs[:, -1], -np.inf)

        complete, _ = beam_search(step, units, width, LONGEST, count=width, start=start)
        self.known[0].update((path.units, path.score) for path in complete)
        return [path.units for path in complete]

    def _read(
        self, label: Label, allowed: NDArray[np.bool_] | None
    ) -> tuple[Floats, Floats, Floats]:
        """The log-probabilities (L + 1,) of a label's units and of its end after those before,
        those (L + 1, V) of all others there, and the cache."""
        given = np.array([[BLANK, *label]])
        outputs, cache = self._decode_step(given, np.zeros(1, np.int64), self._empty_cache(1))
        rows = outputs[0] if allowed is None else np.where(allowed, outputs[0], -np.inf)
        places, following = np.arange(len(label) + 1), np.array([*label, BLANK])
        others = rows.copy()
        others[places, following] = -np.inf
        return rows[places, following], others, cache

    def _decode_step(
        self, units: NDArray[np.int64], directions: NDArray[np.int64], past: Floats
    ) -> tuple[Floats, Floats]:
        given = self._given(units, directions, past)
        outputs, cache = self.graph_decoder.decoder.run(["said", "now"], given)
        return outputs, cache

    def _given(
        self, units: NDArray[np.int64], directions: NDArray[np.int64], past: Floats
    ) -> dict[str, NDArray[Any]]:
        """The inputs of the decoder."""
        return {"kept": self.memory, "past": past, "units": units, "ways": directions}

    def _empty_cache(self, count: int) -> Floats:
        """The cache of ``count`` empty prefixes."""
        layers, both, _, heads, _, d = self.memory.shape
        return np.zeros((layers, both, count, heads, 0, d), np.float32)


def _neighbours(label: Label, logs: Floats, others: Floats, units: Units) -> list[Label]:
    """The labels that differ by one unit, or end early: by the likeliest other unit of each place.

    ``logs`` and ``others`` are those of the label; best first.
    """
    found = []
    for i in np.argsort(logs - others.max(axis=1), kind="stable").tolist():
        unit = int(others[i].argmax())
        near = label[:i] if unit == BLANK else (*label[:i], unit, *label[i + 1 :])
        if near and is_label(near, units):
            found.append(near)
    return found
