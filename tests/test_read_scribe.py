"""The stroke reader on ONNX Runtime: its scores are the model's, its proposals are labels."""

# ruff: noqa: E402 - torch decides whether the rest can be imported
from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

import onnxruntime as ort

from hmer_cli.expr.validity import problems
from hmer_cli.learn.export import stroke_models
from hmer_cli.read.recogniser import LOOK, SAY
from hmer_cli.read.scribe import Scribe, StrokeJudge
from hmer_cli.read.stroke_reader import StrokeReader, StrokeShape
from hmer_cli.read.strokes import Traces, traced
from hmer_cli.read.units import Units

pytestmark = pytest.mark.torch

UNITS = Units(["+", "1", "x", "^", "{", "}", "\\frac"])


@pytest.fixture(scope="module")
def reader() -> StrokeReader:
    torch.manual_seed(3)
    few = {"channels": 16, "heads": 2, "curves": (4, 8), "layers": 2, "decoder": 2}
    return StrokeReader(StrokeShape(units=len(UNITS), symbols=4, **few)).eval()  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def scribe(reader: StrokeReader) -> Scribe:
    models = stroke_models(reader)
    return Scribe(*(ort.InferenceSession(models[key]) for key in (LOOK, SAY)))


def ink(count: int) -> Traces:
    rng = np.random.default_rng(count)
    return traced([rng.normal((40 * i, 0), 15, (6, 2)).astype(np.float32) for i in range(count)])


def judge(scribe: Scribe, count: int) -> StrokeJudge:
    return scribe.judge(ink(count))


@pytest.mark.parametrize("count", [1, 2, 9])
def test_scores_are_those_of_the_model(reader: StrokeReader, scribe: Scribe, count: int) -> None:
    traces = ink(count)
    shapes, boxes = torch.from_numpy(traces.shapes)[None], torch.from_numpy(traces.boxes)[None]
    there = torch.ones(1, count, dtype=torch.bool)
    labels = [(2,), (1, 3, 4, 3), (2, 1)]
    padded = torch.tensor([[*label, *[0] * (4 - len(label))] for label in labels])
    with torch.no_grad():
        features, bias = reader.look(shapes, boxes, there[:, 0], there)
        meant = reader.decoder.likelihood(reader.seen(features), bias, padded).mean(dim=1)
    said = judge(scribe, count)(labels)
    assert np.allclose(said, meant, atol=1e-2)
    assert np.allclose(judge(scribe, count)(labels[:1]), said[:1], atol=1e-3)


def test_strokes_of_the_padding_change_nothing(reader: StrokeReader) -> None:
    traces = ink(3)
    shapes, boxes = torch.from_numpy(traces.shapes)[None], torch.from_numpy(traces.boxes)[None]
    padded = [torch.cat([x, torch.rand_like(x)], dim=1) for x in (shapes, boxes)]
    there = torch.tensor([[True] * 3 + [False] * 3])
    with torch.no_grad():
        alone, _ = reader.look(shapes, boxes, there[:, 0], there[:, :3])
        beside, _ = reader.look(padded[0], padded[1], there[:, 0], there)
    assert torch.allclose(alone, beside[:, :3], atol=1e-5)


def test_proposals_are_labels_the_likeliest_first(scribe: Scribe) -> None:
    for count in range(1, 8):
        proposed = judge(scribe, count).propose(UNITS, width=4)
        assert 0 < len(proposed) <= 4 and len(set(proposed)) == len(proposed)
        for label in proposed:
            assert problems(" ".join(UNITS.decode(label))) == []


def test_a_wider_search_finds_nothing_less_likely(scribe: Scribe) -> None:
    for count in range(1, 8):
        found = judge(scribe, count)
        narrow, wide = (_forwards(found, found.propose(UNITS, width)[0]) for width in (1, 30))
        assert wide >= narrow - 1e-4


def _forwards(found: StrokeJudge, label: tuple[int, ...]) -> float:
    units = np.array([[0, *label]])
    said, _ = found._say(units, np.zeros(1, np.int64), found._nothing(1))
    return float(sum(said[0, i, unit] for i, unit in enumerate([*label, 0])))


def test_proposals_keep_to_what_is_allowed(scribe: Scribe) -> None:
    allowed = np.array([name in ("", "1", "+") for name in UNITS.names])
    for count in range(1, 6):
        for label in judge(scribe, count).propose(UNITS, 3, allowed):
            assert set(UNITS.decode(label)) <= {"1", "+"}
