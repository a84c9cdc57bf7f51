"""The graph model on ONNX Runtime: its scores are the model's, its proposals are labels."""

# ruff: noqa: E402 - torch decides whether the rest can be imported
from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")


from hmer_cli.expr.validity import problems
from hmer_cli.models.session import open_session
from hmer_cli.networks.graph_model import GraphModel, GraphShape
from hmer_cli.recognition.components import Components, components
from hmer_cli.recognition.graph_decoder import (
    DECODER_STEP,
    ENCODER,
    FRONTS,
    GraphDecoder,
    GraphScorer,
    Nodes,
    front_of,
)
from hmer_cli.recognition.pieces import Pieces, pieces
from hmer_cli.recognition.strokes import StrokeFeatures, stroke_features
from hmer_cli.recognition.units import Units
from hmer_cli.training.export.onnx import graph_models

pytestmark = pytest.mark.torch

UNITS = Units(["+", "1", "x", "^", "{", "}", "\\frac"])


@pytest.fixture(scope="module")
def reader() -> GraphModel:
    torch.manual_seed(3)
    few = {"channels": 16, "heads": 2, "curves": (4, 8), "pictures": (2, 4, 4), "layers": 2}
    shape = GraphShape(units=len(UNITS), symbols=4, fronts=FRONTS, **few)  # type: ignore[arg-type]
    reader = GraphModel(shape).eval()
    torch.nn.init.ones_(reader.decoder.out.bias[:1])  # every label ends
    return reader


@pytest.fixture(scope="module")
def graph_decoder(reader: GraphModel) -> GraphDecoder:
    models = graph_models(reader)
    parts = {name: open_session(models[name]) for name in models}
    return GraphDecoder(parts, parts[ENCODER], parts[DECODER_STEP])


def ink(count: int) -> StrokeFeatures:
    rng = np.random.default_rng(count)
    return stroke_features(
        [rng.normal((40 * i, 0), 15, (6, 2)).astype(np.float32) for i in range(count)]
    )


def page(count: int) -> np.ndarray:
    rng = np.random.default_rng(count)
    paper = np.zeros((40, 40 * count), np.uint8)
    for i in range(count):
        paper[5:35, 40 * i + 5 : 40 * i + 35] = cv2.resize(
            rng.integers(120, 255, (3, 3)) * 1.0, (30, 30)
        )
    return paper


def image(count: int) -> Components:
    found = components(page(count))
    assert found is not None
    return found[0]


def strokes_of_image(count: int) -> Pieces:
    bars = np.zeros((40, 40 * count), np.uint8)
    bars[5:35, 18::40] = bars[5:35, 19::40] = 255
    found = pieces(bars)
    assert found is not None
    return found[0]


def scorer_of(graph_decoder: GraphDecoder, count: int) -> GraphScorer:
    return graph_decoder.scorer(ink(count))


def tensors(nodes: Nodes) -> tuple[str, list[torch.Tensor], torch.Tensor]:
    name, looks = front_of(nodes)
    told = [torch.from_numpy(look)[None] for look in looks.values()]
    return name, told, torch.from_numpy(nodes.boxes)[None]


@pytest.mark.parametrize("count", [1, 2, 9])
@pytest.mark.parametrize("seen", [ink, image, strokes_of_image])
def test_scores_are_those_of_the_model(
    reader: GraphModel, graph_decoder: GraphDecoder, seen: Callable[[int], Nodes], count: int
) -> None:
    name, looks, boxes = tensors(seen(count))
    there = torch.ones(1, count, dtype=torch.bool)
    labels = [(2,), (1, 3, 4, 3), (2, 1)]
    padded = torch.tensor([[*label, *[0] * (4 - len(label))] for label in labels])
    with torch.no_grad():
        x = getattr(reader, name)(*looks, boxes)
        features, bias = reader.encode(x, boxes, torch.tensor([seen is ink]), there)
        meant = reader.decoder.likelihood(reader.decoder_memory(features), bias, padded).mean(dim=1)
    outputs = graph_decoder.scorer(seen(count))(labels)
    assert np.allclose(outputs, meant, atol=1e-2)
    assert np.allclose(graph_decoder.scorer(seen(count))(labels[:1]), outputs[:1], atol=1e-3)


def test_nodes_of_the_padding_change_nothing(reader: GraphModel) -> None:
    _, looks, boxes = tensors(ink(3))
    there = torch.tensor([[True] * 3 + [False] * 3])
    with torch.no_grad():
        x = reader.stroke(*looks, boxes)
        alone, _ = reader.encode(x, boxes, there[:, 0], there[:, :3])
        x, boxes = (torch.cat([y, torch.rand_like(y)], dim=1) for y in (x, boxes))
        beside, _ = reader.encode(x, boxes, there[:, 0], there)
    assert torch.allclose(alone, beside[:, :3], atol=1e-5)


def test_proposals_are_labels_the_likeliest_first(graph_decoder: GraphDecoder) -> None:
    for count in range(1, 8):
        proposed = scorer_of(graph_decoder, count).propose(UNITS, width=4)
        assert 0 < len(proposed) <= 4 and len(set(proposed)) == len(proposed)
        for label in proposed:
            assert problems(" ".join(UNITS.decode(label))) == []


def test_a_wider_search_finds_nothing_less_likely(graph_decoder: GraphDecoder) -> None:
    for count in range(1, 8):
        found = scorer_of(graph_decoder, count)
        narrow, wide = (_forwards(found, found.propose(UNITS, width)[0]) for width in (1, 30))
        assert wide >= narrow - 1e-4


@pytest.mark.parametrize("ahead", [-np.inf, -1.0, 0.0, np.inf])
def test_a_search_begins_where_the_draft_is_no_longer_sure(
    graph_decoder: GraphDecoder, monkeypatch: pytest.MonkeyPatch, ahead: float
) -> None:
    monkeypatch.setattr("hmer_cli.recognition.graph_decoder.AHEAD", ahead)
    for count in range(1, 8):
        found = scorer_of(graph_decoder, count)
        alone = found.propose(UNITS)
        draft = alone[-1]
        proposed = found.propose(UNITS, draft=draft)
        assert ahead != np.inf or proposed == alone
        assert ahead != -np.inf or proposed[0] == draft
        assert 0 < len(proposed) <= 5 and len(set(proposed)) == len(proposed)
        for label in proposed:
            assert problems(" ".join(UNITS.decode(label))) == []
            found([label])
            assert found.known[0][label] == pytest.approx(_forwards(found, label), abs=0.02)


def test_labels_that_cannot_lead_are_scored_from_the_left_alone(
    graph_decoder: GraphDecoder,
) -> None:
    labels = [(2,), (1, 3, 4, 3), (2, 1)]
    both = scorer_of(graph_decoder, 3)(labels)
    found = scorer_of(graph_decoder, 3)
    scores = found(labels, np.array([0.0, 100.0, 99.0]))
    assert scores[0] == pytest.approx(_forwards(found, labels[0]), abs=0.02)
    assert scores[1:] == pytest.approx(both[1:], abs=0.02)
    assert found(labels) == pytest.approx(both, abs=0.02)


def _forwards(found: GraphScorer, label: tuple[int, ...]) -> float:
    units = np.array([[0, *label]])
    outputs, _ = found._decode_step(units, np.zeros(1, np.int64), found._empty_cache(1))
    return float(sum(outputs[0, i, unit] for i, unit in enumerate([*label, 0])))


def test_proposals_keep_to_what_is_allowed(graph_decoder: GraphDecoder) -> None:
    allowed = np.array([name in ("", "1", "+") for name in UNITS.names])
    for count in range(1, 6):
        for label in scorer_of(graph_decoder, count).propose(UNITS, 3, allowed):
            assert set(UNITS.decode(label)) <= {"1", "+"}
