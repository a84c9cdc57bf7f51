"""Which graph models score an expression: none sees a part of its nodes alone."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from hmer_cli.recognition.graph_decoder import MOST_NODES, GraphScorer, Nodes
from hmer_cli.recognition.scorer_sets import GRAPH, SECOND, GraphModels, two_models


class Decoder:
    """Counts the nodes that it is given."""

    def __init__(self) -> None:
        self.counts: list[int] = []

    def scorer(self, nodes: Nodes, weight: float) -> GraphScorer:
        self.counts.append(len(nodes.boxes))
        return GraphScorer(None, np.zeros(0, np.float32), weight)  # type: ignore[arg-type]


def crosses(count: int, apart: bool) -> np.ndarray:
    """So many crosses of two strokes each, which touch or not."""
    page = np.full((50 * (count // 20 + 1), 50 * 21), 255, np.uint8)
    for i in range(count):
        x, y = 20 + 50 * (i % 20), 20 + 50 * (i // 20)
        cv2.line(page, (x, y), (x + 24, y), 0, 3)
        cv2.line(page, (x + 12, y - (-6 if apart else 10)), (x + 12, y + 22), 0, 3)
    return page


@pytest.mark.parametrize(
    ("count", "apart", "pieces", "all_parts"),
    [(20, False, True, True), (150, False, False, True), (150, True, False, False)],
    ids=["few", "many strokes", "many components, too"],
)
def test_views_of_too_many_nodes_are_left_out(
    count: int, apart: bool, pieces: bool, all_parts: bool
) -> None:
    assert 150 <= MOST_NODES < 300
    models = GraphModels({}, lambda text: pytest.fail(text))
    first, second = Decoder(), Decoder()
    vars(models).update(_stages=two_models(), _decoders={GRAPH: first, SECOND: second})
    stages = list(models.cascade(crosses(count, apart)))
    assert set(second.counts) == ({2 * count} if pieces else set())
    assert first.counts == ([count] if all_parts else [])
    assert [len(stage) for stage in stages] == ([1, 2, 3] if pieces else [1] * all_parts)
