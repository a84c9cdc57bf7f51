"""The graph reader on ONNX Runtime: which labels it proposes, and how likely it finds others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hmer_cli.expr.grammar import Prefix
from hmer_cli.recognition.components import Components
from hmer_cli.recognition.ctc import extended
from hmer_cli.recognition.pieces import Pieces
from hmer_cli.recognition.rescoring import Label
from hmer_cli.recognition.strokes import StrokeFeatures
from hmer_cli.recognition.units import BLANK, Units

Floats = NDArray[np.float32]

FRONTS = STROKE, COMPONENT, PIECE = "stroke", "component", "piece"
"""The names of the fronts that graph readers may have."""

LOOK, SAY = "look", "say"
"""The names of the other parts of a graph reader: its trunk and its decoder."""

Nodes = StrokeFeatures | Components | Pieces
"""What is seen of an expression."""

WIDTH = 5
"""Labels that the search keeps at a time, and proposes at most."""

LONGEST = 200
"""Units of a label, at most."""

MOST_NODES = 256
"""What has more strokes or components, and is no one expression, is read by CTC alone.

Time and memory of the graph reader grow with the square of them.
"""


class Session(Protocol):
    """What is needed of an ONNX Runtime session."""

    def run(self, names: Sequence[str], given: Mapping[str, NDArray[Any]]) -> Any:
        """The outputs of these names."""
        ...


@dataclass(frozen=True)
class GraphDecoder:
    """The parts of a graph reader: a front sees nodes, the trunk relates them, and one says labels.

    See `Seeing`, `GraphReader.forward` and `Decoder.say`.
    """

    fronts: Mapping[str, Session]
    look: Session
    say: Session

    def judge(self, nodes: Nodes, weight: float = 1.0) -> GraphScorer:
        """Who knows these nodes, and counts so much."""
        name, looks = front_of(nodes)
        (x,) = self.fronts[name].run(["x"], {**looks, "boxes": nodes.boxes})
        ordered = np.array([name == STROKE])
        given = {"x": x, "boxes": nodes.boxes[None], "ordered": ordered}
        (kept,) = self.look.run(["kept"], given)
        return GraphScorer(self, kept, weight)


def front_of(nodes: Nodes) -> tuple[str, dict[str, NDArray[Any]]]:
    """The name of the front that sees such nodes, and what it is given of them beside boxes."""
    if isinstance(nodes, StrokeFeatures):
        return STROKE, {"looks": nodes.shapes}
    if isinstance(nodes, Components):
        return COMPONENT, {"looks": nodes.pictures}
    return PIECE, {"looks": nodes.shapes, "pictures": nodes.pictures}


@dataclass(frozen=True)
class _Path:
    """One hypothesis of the search: its units, log-probability and the grammar's state."""

    units: Label
    score: float
    state: Prefix


@dataclass(frozen=True)
class GraphScorer:
    """What the graph reader makes of one expression, ``kept`` (layers, 2, 1, heads, N, d).

    ``heard`` are the labels that it was asked about before, and its answers.
    """

    scribe: GraphDecoder
    kept: Floats
    weight: float
    heard: dict[Label, float] = field(default_factory=dict)

    def __call__(self, labels: Sequence[Label]) -> NDArray[np.float64]:
        """The log of each label's probability, the mean of both directions."""
        unheard = sorted({*labels} - self.heard.keys())
        if unheard:
            self.heard.update(zip(unheard, self._likelihood(unheard).tolist(), strict=True))
        return np.array([self.heard[label] for label in labels])

    def _likelihood(self, labels: Sequence[Label]) -> NDArray[np.float64]:
        rows = [row for label in labels for row in (label, label[::-1])]
        units = np.full((len(rows), max(map(len, rows)) + 1), BLANK, np.int64)
        for line, row in zip(units, rows, strict=True):
            line[1 : len(row) + 1] = row
        ways = np.tile(np.array([0, 1]), len(labels))
        said, _ = self._say(units, ways, self._nothing(len(rows)))
        following = np.append(units[:, 1:], np.full((len(rows), 1), BLANK), axis=1)
        logs = np.take_along_axis(said, following[..., None], axis=2)[..., 0].astype(np.float64)
        there = np.arange(units.shape[1]) <= np.array([len(row) for row in rows])[:, None]
        mean: NDArray[np.float64] = (logs * there).sum(axis=1).reshape(-1, 2).mean(axis=1)
        return mean

    def propose(
        self, units: Units, width: int = WIDTH, allowed: NDArray[np.bool_] | None = None
    ) -> list[Label]:
        """The likeliest labels of the grammar, best first, by beam search from the left.

        They hold none of the units that are not ``allowed``.
        """
        paths, past, last = [_Path((), 0.0, Prefix())], self._nothing(1), [BLANK]
        ended: list[_Path] = []
        for _ in range(LONGEST):
            said, past = self._say(np.array(last)[:, None], np.zeros(len(last), np.int64), past)
            rows = said[:, -1] if allowed is None else np.where(allowed, said[:, -1], -np.inf)
            grown: list[tuple[_Path, int]] = []
            for row, path in enumerate(paths):
                for unit in np.argsort(-rows[row], kind="stable")[: width + 1].tolist():
                    score = path.score + float(rows[row, unit])
                    if unit == BLANK:
                        if path.state.complete:
                            ended.append(_Path(path.units, score, path.state))
                    elif (state := extended(path.state, units.names[unit])) is not None:
                        grown.append((_Path((*path.units, unit), score, state), row))
            ended = sorted(ended, key=lambda path: -path.score)[:width]
            least = ended[-1].score if len(ended) == width else -np.inf
            grown = sorted(grown, key=lambda entry: -entry[0].score)[:width]
            grown = [entry for entry in grown if entry[0].score > least]
            if not grown:
                break
            paths, last = [path for path, _ in grown], [path.units[-1] for path, _ in grown]
            past = past[:, :, [row for _, row in grown]]
        return [path.units for path in ended]

    def _say(
        self, units: NDArray[np.int64], ways: NDArray[np.int64], past: Floats
    ) -> tuple[Floats, Floats]:
        given: dict[str, NDArray[Any]] = {
            "kept": self.kept,
            "past": past,
            "units": units,
            "ways": ways,
        }
        said, now = self.scribe.say.run(["said", "now"], given)
        return said, now

    def _nothing(self, count: int) -> Floats:
        """The past of so many labels that have not begun."""
        layers, both, _, heads, _, d = self.kept.shape
        return np.zeros((layers, both, count, heads, 0, d), np.float32)
