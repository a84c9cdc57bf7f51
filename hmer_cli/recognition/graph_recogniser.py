"""The recogniser of weights files that hold a graph model and no CTC model, on ONNX Runtime.

Input: images (H, W) of one expression each, or ink. Output: a `Reading` each. Method: the graph
model reads strokes of the pen and, where these are unknown or leave it unsure, components of the
image or strokes of its skeleton; see `hmer_cli.recognition.expression_recogniser`. Tokens stand
where the decoder attends to (Bahdanau et al., ICLR 2015).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hmer_cli.expr.commands import UNWRITTEN
from hmer_cli.geometry import Box
from hmer_cli.ink.render import Readable
from hmer_cli.recognition.expression_recogniser import ExpressionRecogniser, open_embedded
from hmer_cli.recognition.graph_decoder import WIDTH, GraphScorer
from hmer_cli.recognition.prepare import measure
from hmer_cli.recognition.rescoring import Label, Ranked
from hmer_cli.recognition.scorer_sets import GraphModels
from hmer_cli.recognition.weights_file import WeightsFile

Scorers = Sequence[GraphScorer]


class GraphRecogniser(ExpressionRecogniser[Scorers]):
    """A loaded weights file of a graph model alone, which is the graph encoder of it.

    Expressions of more than `graph_decoder.MOST_NODES` nodes give `EMPTY_READING`.
    """

    def __init__(
        self, file: WeightsFile, charset: str | None = None, threads: int | None = None
    ) -> None:
        graphs = GraphModels(file.embedded, open_embedded, file.session)
        super().__init__(file.metadata, file.embedded, graphs, WIDTH, charset, threads)
        self._written = np.array([not UNWRITTEN.issuperset(x.split()) for x in self.units.names])

    def _certainty(self, image: Readable) -> float:
        """The mean log-probability of the units of the label that is found greedily."""
        scorers = next(self._graphs.cascade(image), None)
        if scorers is None:
            return -math.inf
        found = scorers[0].propose(self.units, width=1, allowed=self._allowed)
        if not found:
            return -math.log(len(self.units))  # as if any unit were as likely
        return scorers[0].known[0][found[0]] / (len(found[0]) + 1)

    def _searched(self, image: Readable, width: int) -> tuple[Scorers | None, Ranked | None]:
        """The graph models that were asked, and the n-best list; None without nodes."""
        scorers, best = self._by_graphs(image, measure(image), width=width)
        return (scorers, best) if best else (None, None)

    def _places(self, evidence: Scorers, label: Label) -> list[tuple[float, Box]]:
        """The probability of each unit given the others, and a box round what is attended to."""
        weights = [scorer.weight for scorer in evidence]
        logs = np.average([s.choices(label) for s in evidence], axis=0, weights=weights)
        if self._allowed is not None:
            logs = np.where(self._allowed, logs, -np.inf)
        total = np.logaddexp.reduce(logs, axis=1)
        sure = np.exp(logs[np.arange(len(label)), label] - total)
        first = evidence[0]
        assert first.boxes is not None
        boxes = attended(first.attention(label), first.boxes(), self._written[list(label)])
        return list(zip(sure.tolist(), map(tuple, boxes.tolist()), strict=True))


def attended(
    attention: NDArray[np.float64], boxes: NDArray[np.float64], written: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """The boxes (L, 4) of units that attend to nodes by ``attention`` (L, N).

    Each node, of box (N, 4), belongs to that of the ``written`` units (L,), which leave ink, that
    attends most to it; units without any stand where they attend to most.
    """
    chosen = np.zeros(attention.shape, bool)
    rivals = np.where(written[:, None], attention, -1)
    chosen[rivals.argmax(axis=0), np.arange(len(boxes))] = written.any()
    alone = ~chosen.any(axis=1)
    chosen[alone, attention[alone].argmax(axis=1)] = True
    low = np.where(chosen[..., None], boxes[:, :2], np.inf).min(axis=1)
    high = np.where(chosen[..., None], boxes[:, 2:], -np.inf).max(axis=1)
    return np.concatenate([low, high], axis=1)
