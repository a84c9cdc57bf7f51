"""The graph models of a weights file: which of them score an expression, on which nodes.

Input: the embedded models of a weights file, and an image or ink. Output: `GraphScorer` objects.
The nodes of an expression are pen strokes, connected components or strokes of its skeleton, each
with an encoder of one of up to two graph models. The metadata entry `SCORERS` lists the models for
ink and for images. The first is asked alone; where those asked so far are unsure, the next joins.
The last of images sees one at another scale: other pixels, and so other nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from hmer_cli.ink.render import InkImage, Readable, image_of
from hmer_cli.models.session import Session
from hmer_cli.recognition.components import SYMBOL, components
from hmer_cli.recognition.graph_decoder import (
    COMPONENT,
    DECODER_STEP,
    ENCODER,
    FRONTS,
    MOST_NODES,
    PIECE,
    STROKE,
    GraphDecoder,
    GraphScorer,
    Nodes,
)
from hmer_cli.recognition.pieces import pieces
from hmer_cli.recognition.prepare import Measured, Prepared, prepare
from hmer_cli.recognition.strokes import stroke_features

GRAPH, SECOND = "hmer.graph.", "hmer.graph2."
"""Prefixes of the metadata keys of the graph models."""

SCORERS = "scorers"
"""Metadata key of the `Entries`."""

INK, INK_UNSURE = "ink", "ink, unsure"
IMAGE, IMAGE_UNSURE, IMAGE_CLOSER = "image", "image, unsure", "image, closer"

Entries = Mapping[str, Sequence[tuple[str, str, float]]]
"""Case -> the graph model, its node encoder and its weight relative to CTC, for each scorer.

Those of IMAGE_CLOSER see the image `CLOSER`; what they saw before then has this weight, too.
"""

CLOSER = 1.2  # chosen on CROHME test2014 offline; 0.85 gains less, both no more
"""Scale of the second view of an image relative to the first."""


def one_model(front: str) -> Entries:
    """Entries for one graph model, which encodes images by ``front``."""
    return {  # weights chosen on CROHME test2014
        INK: [(GRAPH, STROKE, 2.0)],
        INK_UNSURE: [(GRAPH, front, 0.8)],
        IMAGE: [(GRAPH, front, 2.0)],
    }


def two_models() -> Entries:
    """Entries for a second graph model that encodes the skeleton strokes of images."""
    return {  # weights chosen on CROHME test2014 and scanned crops
        INK: [(SECOND, STROKE, 2.0), (GRAPH, STROKE, 0.7)],
        INK_UNSURE: [(GRAPH, COMPONENT, 0.8)],  # pieces besides: no better on ink
        IMAGE: [(SECOND, PIECE, 2.0)],
        IMAGE_UNSURE: [(GRAPH, COMPONENT, 1.0)],
        IMAGE_CLOSER: [(SECOND, PIECE, 1.0)],
    }


@dataclass(frozen=True)
class GraphModels:
    """All graph models of a file, loaded on first use.

    ``packed`` are the embedded models by metadata key, ``load`` opens one; ``entries`` default to
    `one_model`.
    """

    packed: Mapping[str, str]
    load: Callable[[str], Session]
    entries: Entries | None = field(default=None)

    def cascade(
        self, image: Readable, measured: Measured | None = None
    ) -> Iterator[list[GraphScorer]]:
        """The scorers of an image, or of ink: of each stage those asked so far, the new one last.

        Ink of too many strokes is taken for an image; ``measured`` is as of `prepare`.
        """
        views = _Views(image, measured)
        cases = (INK, INK_UNSURE), (IMAGE, IMAGE_UNSURE)
        for first, unsure in cases if isinstance(image, InkImage) else cases[1:]:
            asked: dict[tuple[str, str], GraphScorer] = {}
            for case in (first, unsure):
                for key, scorer in self._scorers(views, case):
                    asked[key] = scorer
                    yield [*asked.values()]
                if not asked:
                    break
            if asked:
                if first == IMAGE:
                    yield from self._closer(_Views(image, measured, CLOSER), asked)
                return

    def _closer(
        self, views: _Views, asked: dict[tuple[str, str], GraphScorer]
    ) -> Iterator[list[GraphScorer]]:
        """Second views of those asked, each with the weight of its first."""
        for key, scorer in self._scorers(views, IMAGE_CLOSER):
            before = {**asked, key: replace(asked[key], weight=scorer.weight)}
            yield [*before.values(), scorer]

    def _scorers(self, views: _Views, case: str) -> Iterator[tuple[tuple[str, str], GraphScorer]]:
        """Those of one case. Skipped are those for which there are no nodes or too many."""
        for model, front, weight in self._entries.get(case, ()):
            nodes = views.nodes(front) if model in self._decoders else None
            if nodes is not None and 0 < len(nodes.boxes) <= MOST_NODES:
                yield (model, front), self._decoders[model].scorer(nodes, weight)

    @cached_property
    def _entries(self) -> Entries:
        if self.entries is not None:
            return self.entries
        return one_model(PIECE if GRAPH + PIECE in self.packed else COMPONENT)

    @cached_property
    def _decoders(self) -> dict[str, GraphDecoder]:
        return {
            key: self._opened(key) for key in (GRAPH, SECOND) if key + DECODER_STEP in self.packed
        }

    def _opened(self, key: str) -> GraphDecoder:
        used = {front for each in self._entries.values() for at, front, _ in each if at == key}
        held = [name for name in FRONTS if name in used and key + name in self.packed]
        parts = {
            name: self.load(self.packed[key + name]) for name in (*held, ENCODER, DECODER_STEP)
        }
        return GraphDecoder(parts, parts[ENCODER], parts[DECODER_STEP])


class _Views:
    """The nodes of one expression for each node encoder, computed on demand."""

    def __init__(self, image: Readable, measured: Measured | None, scale: float = 1.0) -> None:
        self.image, self.measured, self.scale = image, measured, scale

    @cached_property
    def prepared(self) -> Prepared | None:
        return prepare(image_of(self.image), self.scale * SYMBOL, self.measured)

    def nodes(self, front: str) -> Nodes | None:
        """The nodes for ``front``; None without ink, or if its strokes are unknown."""
        if front == STROKE:
            if not isinstance(self.image, InkImage) or len(self.image.strokes) > MOST_NODES:
                return None
            return stroke_features(self.image.strokes)
        if self.prepared is None:
            return None
        found = (pieces if front == PIECE else components)(self.prepared.pixels)
        return None if found is None else found[0]
