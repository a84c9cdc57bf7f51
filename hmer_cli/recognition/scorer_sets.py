"""The graph readers of a weights file: which of them judges what of an expression, and how much.

An expression can be seen as strokes, as connected components or as strokes of its skeleton, by one
graph reader or by two. A weights file says under `SCORERS` which of these are asked at first and
which besides where the first are not sure, once for ink and once for images.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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
from hmer_cli.recognition.prepare import Prepared, prepare
from hmer_cli.recognition.strokes import stroke_features

GRAPH, SECOND = "hmer.graph.", "hmer.graph2."
"""The beginnings of the keys under which a file holds the parts of its graph readers."""

SCORERS = "scorers"
"""The key in the metadata of what is asked when."""

INK, INK_UNSURE = "ink", "ink, unsure"
IMAGE, IMAGE_UNSURE = "image", "image, unsure"

Entries = Mapping[str, Sequence[tuple[str, str, float]]]
"""Case -> the graph reader, its front, and the weight beside CTC, for each that is asked."""


def one_reader(front: str) -> Entries:
    """What is asked of a file with one graph reader, which sees images by this front."""
    return {  # weights chosen on CROHME test2014
        INK: [(GRAPH, STROKE, 2.0)],
        INK_UNSURE: [(GRAPH, front, 0.8)],
        IMAGE: [(GRAPH, front, 2.0)],
    }


def two_readers() -> Entries:
    """The same where a second one sees images by the strokes of their skeletons."""
    return {  # weights chosen on CROHME test2014 and scanned crops
        INK: [(GRAPH, STROKE, 2.0)],
        INK_UNSURE: [(GRAPH, COMPONENT, 0.8)],  # pieces besides: no better on ink
        # Both at first: pieces alone never read Z or a line under letters back.
        IMAGE: [(SECOND, PIECE, 1.5), (GRAPH, COMPONENT, 1.5)],
    }


@dataclass(frozen=True)
class GraphReaders:
    """All graph readers of a file, loaded when one is first asked.

    ``packed`` are the models in the file by their keys, ``load`` opens one; ``entries`` of None
    are those of one reader.
    """

    packed: Mapping[str, str]
    load: Callable[[str], Session]
    entries: Entries | None = field(default=None)

    def scorers(self, image: Readable, case: str) -> list[GraphScorer]:
        """Those that are asked of an image, or of ink, in this case.

        Left out are those to which it has no nodes, or more than MOST_NODES.
        """
        views = _Views(image)
        found = []
        for reader, front, weight in self._entries.get(case, ()):
            nodes = views.nodes(front) if reader in self._decoders else None
            if nodes is not None and 0 < len(nodes.boxes) <= MOST_NODES:
                found.append(self._decoders[reader].scorer(nodes, weight))
        return found

    @cached_property
    def _entries(self) -> Entries:
        if self.entries is not None:
            return self.entries
        return one_reader(PIECE if GRAPH + PIECE in self.packed else COMPONENT)

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
    """One expression as each front sees it."""

    def __init__(self, image: Readable) -> None:
        self.image = image

    @cached_property
    def prepared(self) -> Prepared | None:
        return prepare(image_of(self.image), SYMBOL)

    def nodes(self, front: str) -> Nodes | None:
        """None where there is no ink, or nobody knows its strokes."""
        if front == STROKE:
            if not isinstance(self.image, InkImage) or len(self.image.strokes) > MOST_NODES:
                return None
            return stroke_features(self.image.strokes)
        if self.prepared is None:
            return None
        found = (pieces if front == PIECE else components)(self.prepared.pixels)
        return None if found is None else found[0]
