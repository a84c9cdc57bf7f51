"""The graph models of a weights file: which of them score an expression, on which nodes.

Input: the embedded models of a weights file, and an image or ink. Output: `GraphScorer` objects.
The nodes of an expression are pen strokes, connected components or strokes of its skeleton, each
with an encoder of one of up to two graph models. Where the models of one stage are unsure, those of
the next are asked. The last of images sees one at another scale: other pixels, and so other nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

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
from hmer_cli.recognition.pieces import boxes_of, pieces
from hmer_cli.recognition.prepare import Measured, Prepared, prepare
from hmer_cli.recognition.strokes import stroke_features

GRAPH, SECOND = "hmer.graph.", "hmer.graph2."
"""Prefixes of the metadata keys of the graph models."""

INK, IMAGE = "ink", "image"

CLOSER_PIECE = "piece, closer"
CLOSER_VIEWS = CLOSER_PIECE, "component, closer"
"""Strokes of the skeleton, or components, of an image that is `CLOSER` times as large."""

CLOSER = 1.2  # chosen on CROHME test2014 offline; 0.85 gains less, both no more

FRONT_OF = {view: view.partition(",")[0] for view in CLOSER_VIEWS} | {f: f for f in FRONTS}
"""The node encoder of each view."""

ALONE = 4.0  # chosen on CROHME test2014, ink and images, where 2 to 6 differ little
"""Weight of a graph model without CTC, relative to the prior."""

Stages = Mapping[str, Sequence[Sequence[tuple[str, str, float]]]]
"""INK or IMAGE -> stages of scorers. Each is the graph model, the view that it has of the
expression, which is the name of a node encoder or a closer view, and its weight relative to CTC."""


def one_model(front: str) -> Stages:
    """Stages for one graph model, which encodes images by ``front``."""
    strokes = GRAPH, STROKE, 2.0
    return {  # weights chosen on CROHME test2014
        INK: [[strokes], [strokes, (GRAPH, front, 0.8)]],
        IMAGE: [[(GRAPH, front, 2.0)]],
    }


def two_models() -> Stages:
    """Stages for a second graph model that encodes the skeleton strokes of images."""
    strokes, skeleton = (SECOND, STROKE, 2.0), (SECOND, PIECE, 2.0)
    return {  # weights chosen on CROHME test2014 and scanned crops
        INK: [
            [strokes],
            [strokes, (GRAPH, STROKE, 0.7)],
            # Pieces besides: no better on ink.
            [(SECOND, STROKE, 1.2), (GRAPH, STROKE, 1.2), (GRAPH, COMPONENT, 0.8)],
        ],
        IMAGE: [
            [skeleton],
            [skeleton, (GRAPH, COMPONENT, 1.0)],
            [(SECOND, PIECE, 1.0), (GRAPH, COMPONENT, 1.0), (SECOND, CLOSER_PIECE, 1.0)],
        ],
    }


def without_ctc(fronts: Collection[str]) -> Stages:
    """Stages for one graph model alone, which has the node encoders ``fronts``.

    Where strokes or the first view of an image leave it unsure, it sees further views.
    """
    views = [front for front in (PIECE, COMPONENT) if front in fronts]
    closer = [view for view in CLOSER_VIEWS if FRONT_OF[view] in views][:1]
    return {
        INK: _widened([STROKE, *views[:1]] if STROKE in fronts else []),
        IMAGE: _widened([*views, *closer]),
    }


def _widened(views: Sequence[str]) -> list[list[tuple[str, str, float]]]:
    """Stages of the first view, the first two, ..., which share the weight ALONE."""
    stages = [views[: i + 1] for i in range(len(views))]
    return [[(GRAPH, view, ALONE / len(stage)) for view in stage] for stage in stages]


@dataclass(frozen=True)
class GraphModels:
    """All graph models of a file, loaded on first use.

    ``packed`` are the embedded models by metadata key, ``load`` opens one. In a file without a CTC
    model, the ``encoder`` of its graph model is not embedded.
    """

    packed: Mapping[str, str]
    load: Callable[[str], Session]
    encoder: Session | None = None

    def cascade(
        self, image: Readable, measured: Measured | None = None
    ) -> Iterator[list[GraphScorer]]:
        """The scorers of each stage for an image, or for ink; the last is one that is new.

        A stage without a new one is skipped: there may be no nodes, or too many. Ink of too many
        strokes is taken for an image; ``measured`` is as of `prepare`.
        """
        views = _Views(image, measured)
        for case in (INK, IMAGE) if isinstance(image, InkImage) else (IMAGE,):
            known: dict[tuple[str, str], GraphScorer | None] = {}
            for stage in self._stages[case]:
                old, new = list[GraphScorer](), list[GraphScorer]()
                for model, view, weight in stage:
                    key = model, view
                    if key not in known:
                        scorer = known[key] = self._scorer(views, *key, weight)
                        new += [scorer] if scorer else []
                    elif scorer := known[key]:
                        old.append(replace(scorer, weight=weight))
                if new:
                    yield [*old, *new]
                elif case == INK and not any(known.values()):
                    break
            if any(known.values()):
                return

    def _scorer(self, views: _Views, model: str, view: str, weight: float) -> GraphScorer | None:
        nodes = views.nodes(view) if model in self._decoders else None
        if nodes is None or not 0 < len(nodes.boxes) <= MOST_NODES:
            return None
        scorer = self._decoders[model].scorer(nodes, weight)
        return replace(scorer, boxes=partial(views.boxes, view))

    @cached_property
    def _stages(self) -> Stages:
        if self.encoder is not None:
            return without_ctc([front for front in FRONTS if GRAPH + front in self.packed])
        if SECOND + DECODER_STEP in self.packed:
            return two_models()
        return one_model(PIECE if GRAPH + PIECE in self.packed else COMPONENT)

    @cached_property
    def _decoders(self) -> dict[str, GraphDecoder]:
        return {
            key: self._opened(key) for key in (GRAPH, SECOND) if key + DECODER_STEP in self.packed
        }

    def _opened(self, key: str) -> GraphDecoder:
        used = {
            FRONT_OF[view]
            for stages in self._stages.values()
            for stage in stages
            for model, view, _ in stage
            if model == key
        }
        held = [name for name in FRONTS if name in used and key + name in self.packed]
        fronts = {name: self.load(self.packed[key + name]) for name in held}
        encoder = self.encoder or self.load(self.packed[key + ENCODER])
        return GraphDecoder(fronts, encoder, self.load(self.packed[key + DECODER_STEP]))


class _Views:
    """The nodes of one expression for each view, computed on demand."""

    def __init__(self, image: Readable, measured: Measured | None) -> None:
        self.image, self.measured = image, measured
        self._found: dict[str, tuple[Prepared, NDArray[np.int32]]] = {}

    @cached_property
    def prepared(self) -> Prepared | None:
        return self._prepared(SYMBOL)

    def _prepared(self, symbol: float) -> Prepared | None:
        return prepare(image_of(self.image), symbol, self.measured)

    def nodes(self, view: str) -> Nodes | None:
        """The nodes of ``view``; None without ink, or if its strokes are unknown."""
        if view == STROKE:
            if not isinstance(self.image, InkImage) or len(self.image.strokes) > MOST_NODES:
                return None
            return stroke_features(self.image.strokes)
        closer = view in CLOSER_VIEWS
        prepared = self._prepared(CLOSER * SYMBOL) if closer else self.prepared
        if prepared is None:
            return None
        found = (components if FRONT_OF[view] == COMPONENT else pieces)(prepared.pixels)
        if found is None:
            return None
        self._found[view] = prepared, found[1]
        return found[0]

    def boxes(self, view: str) -> NDArray[np.float64]:
        """x0, y0, x1, y1 (N, 4) of the nodes of ``view``, once found, in pixels of the image."""
        if view in self._found:
            prepared, where = self._found[view]
            return boxes_of(where) / prepared.scale + np.tile(prepared.origin, 2)
        assert isinstance(self.image, InkImage)
        half = self.image.pen / 2
        corners = [
            (*(stroke.min(axis=0) - half), *(stroke.max(axis=0) + half))
            for stroke in self.image.strokes
        ]
        return np.array(corners, np.float64)
