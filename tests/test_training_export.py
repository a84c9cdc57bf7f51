"""The weights file: what ONNX Runtime makes of it is what the model in PyTorch says."""

# ruff: noqa: E402 - torch decides whether the rest can be imported
from __future__ import annotations

import copy
import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper

from hmer_cli.ink.ink import Ink
from hmer_cli.ink.render import legible_ink_image
from hmer_cli.models.embedded import packed, unpacked
from hmer_cli.models.session import open_session
from hmer_cli.networks.ctc_model import CtcModel, Shape
from hmer_cli.networks.decoder import backwards
from hmer_cli.networks.layers import Attention
from hmer_cli.recognition.recogniser import Recogniser
from hmer_cli.recognition.rescoring import DecoderScorer
from hmer_cli.recognition.units import Units
from hmer_cli.training.batches.images import Drawn, collate
from hmer_cli.training.export.onnx import OPSET, export, restore, traced
from hmer_cli.training.export.shapes import fold_embedded, fold_shapes
from hmer_cli.training.export.transfer import transfer

pytestmark = pytest.mark.torch

TOKENS = ["+", "1", "7", "x"]


@pytest.fixture(scope="module")
def reader() -> CtcModel:
    torch.manual_seed(0)
    units, few = len(Units(TOKENS)), {"stem": 8, "low": 8, "mid": 8, "high": 16, "lstm": 8}
    return CtcModel(Shape(units=units, symbols=4, heads=2, context=1, **few)).eval()


@pytest.fixture(scope="module")
def weights(reader: CtcModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "tiny.onnx"
    export(reader, {"name": "tiny", "tokens": TOKENS, "symbol": 24}, path)
    return path


def ink(width: int) -> np.ndarray:
    image = np.full((60, width), 255, np.uint8)
    image[10:50, 10:13] = image[30:33, 20 : width - 10] = 0
    return image


def test_the_file_holds_every_parameter(reader: CtcModel, weights: Path) -> None:
    tensors, metadata = restore(weights)
    assert metadata["tokens"] == TOKENS
    for name, value in reader.named_parameters():
        step = value.detach().abs().max() / 127
        assert torch.allclose(tensors[name], value, atol=float(step)), name


@pytest.mark.parametrize("width", [60, 150, 400])
def test_frames_and_scores_are_those_of_the_model(
    reader: CtcModel, weights: Path, width: int
) -> None:
    restored = CtcModel(reader.shape).eval()
    restored.load_state_dict(restore(weights)[0], strict=False)
    recogniser = Recogniser.load(str(weights))
    first = recogniser._pass(ink(width), 24, 10)
    assert first is not None and recogniser._decoder is not None
    pixels = first.prepared.pixels
    image = torch.zeros(
        1, 1, *(-(-n // m) * m for n, m in zip(pixels.shape, (16, 32), strict=True))
    )
    image[0, 0, : pixels.shape[0], : pixels.shape[1]] = torch.from_numpy(pixels / 255)
    labels = [(1,), (2, 3, 4, 3), (4, 1, 2)]
    padded = torch.tensor([[*label, *[0] * (4 - len(label))] for label in labels])
    with torch.no_grad():
        found = restored.read(image, torch.tensor([first.prepared.cells]))
        scores = restored.decoder.likelihood(found.memory, found.bias, padded)
    assert np.allclose(first.frames, found.frames[0], atol=1e-3)
    scorer = DecoderScorer(recogniser._decoder, [first])
    said = scorer(labels)
    assert np.allclose(said, scores.mean(dim=1), atol=1e-3)
    (alone,) = scorer(labels[:1])
    assert alone == pytest.approx(said[0], abs=1e-4)  # the others add nothing to it


def test_convolutions_in_whole_numbers_say_the_same(reader: CtcModel, tmp_path: Path) -> None:
    turned = copy.deepcopy(reader)
    for name, module in turned.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.manual_seed(len(name))
            module.running_mean.normal_(0, 0.1)
            module.weight.data.normal_(0, 1)  # some turn the sign of their channel
    images = [ink(width) for width in range(60, 240, 20)]
    shown = [collate([Drawn(255 - image, [1, 2], 2, None)], {}) for image in images]
    metadata = {"name": "tiny", "tokens": TOKENS, "symbol": 24}
    export(turned, metadata, tmp_path / "whole.onnx", shown)
    export(turned, metadata, tmp_path / "float.onnx")
    whole, exact = (Recogniser.load(str(tmp_path / f"{n}.onnx")) for n in ("whole", "float"))
    for image in images:
        said, meant = (r._pass(image, 24, 10) for r in (whole, exact))
        assert said is not None and meant is not None
        assert np.abs(said.memory["seen"] - meant.memory["seen"]).mean() < 0.05
        assert meant.memory["seen"].std() > 0.5
    kept, _ = restore(tmp_path / "whole.onnx")
    for name, value in turned.named_parameters():
        step = value.detach().abs().max() / 63
        assert torch.allclose(kept[name], value, atol=float(step)), name


def test_a_reader_of_images_becomes_one_of_motion_and_says_the_same(
    reader: CtcModel, weights: Path
) -> None:
    before, after = CtcModel(reader.shape), CtcModel(replace(reader.shape, channels=5))
    for model in (before, after):
        transfer(restore(weights)[0], TOKENS, model, TOKENS)
    images, sizes = torch.rand(1, 5, 32, 64), torch.tensor([[4, 8]])
    with torch.no_grad():
        said = before.eval()(images[:, :1], sizes)[0], after.eval()(images, sizes)[0]
    assert torch.allclose(*said, atol=1e-5)


def test_a_reader_of_more_tokens_says_of_those_it_knew_what_it_said(reader: CtcModel) -> None:
    old = copy.deepcopy(reader)
    torch.nn.init.normal_(old.second.out.weight)
    torch.nn.init.normal_(old.second.out.bias)
    tokens = ["*", *TOKENS, "y"]
    wider = CtcModel(replace(reader.shape, units=len(Units(tokens)), symbols=6)).eval()
    transfer(old.state_dict(), TOKENS, wider, tokens)
    image, sizes = torch.rand(1, 1, 32, 64), torch.tensor([[4, 8]])
    with torch.no_grad():
        known, said = (model.read(image, sizes, torch.tensor(6)) for model in (old, wider))
    rows = [Units(tokens).names.index(name) for name in Units(TOKENS).names]
    both = known.frames, said.frames[..., rows]
    assert torch.allclose(*(x - x[..., :1] for x in both), atol=0.1)
    assert not torch.allclose(
        known.first - known.first[..., :1], both[0] - both[0][..., :1], atol=1
    )


def test_products_in_whole_numbers_say_the_same(
    reader: CtcModel, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "hmer_cli.training.export.quantise._SMALL", 64
    )  # the matrices of this reader are tiny
    export(reader, {"name": "tiny", "tokens": TOKENS, "symbol": 24}, tmp_path / "whole.onnx")
    products = [n.op_type for n in onnx.load(str(tmp_path / "whole.onnx")).graph.node]
    assert products.count("MatMulInteger") > 10
    assert products.count("DynamicQuantizeLSTM") == 2
    assert "LSTM" not in products
    whole, exact = Recogniser.load(str(tmp_path / "whole.onnx")), Recogniser.load(str(weights))
    for width in (60, 150, 400):
        said, meant = (r._pass(ink(width), 24, 10) for r in (whole, exact))
        assert said is not None and meant is not None
        assert np.abs(said.frames - meant.frames).mean() < 0.05
        assert meant.frames.std() > 0.1
    kept, _ = restore(tmp_path / "whole.onnx")
    for name, value in reader.named_parameters():
        step = value.detach().abs().max() / 63
        assert torch.allclose(kept[name], value, atol=float(step)), name


def test_motion_is_read_where_it_is_known(tmp_path: Path) -> None:
    torch.manual_seed(0)
    units, few = len(Units(TOKENS)), {"stem": 8, "low": 8, "mid": 8, "high": 16, "lstm": 8}
    sees = CtcModel(Shape(units=units, symbols=4, channels=5, heads=2, context=1, **few)).eval()
    assert sees.encoder.motion is not None
    torch.nn.init.normal_(sees.encoder.motion[2].weight)  # it begins as nothing
    export(sees, {"name": "tiny", "tokens": TOKENS, "symbol": 24}, tmp_path / "sees.onnx")
    images = torch.rand(1, 5, 32, 64)
    images[:, 1:] = 0
    alone = sees.encoder(images[:, :1])
    assert torch.allclose(alone, sees.encoder(images), atol=1e-5)
    recogniser = Recogniser.load(str(tmp_path / "sees.onnx"))
    strokes = np.array([[0, 0], [0, 30]], np.float32), np.array([[20, 10], [60, 12]], np.float32)
    there, back = (legible_ink_image(Ink(s)) for s in (strokes, tuple(s[::-1] for s in strokes)))
    assert np.array_equal(there.image, back.image)
    passes = [recogniser._pass(seen, 24, 10) for seen in (there, back, there.image)]
    said = [each.memory["seen"] for each in passes if each is not None]
    assert all(np.abs(a - b).max() > 1e-3 for a, b in itertools.combinations(said, 2))


def test_labels_are_turned_round_without_their_padding() -> None:
    labels = torch.tensor([[3, 4, 5, 0], [7, 0, 0, 0], [0, 0, 0, 0]])
    assert backwards(labels).tolist() == [[5, 4, 3, 0], [7, 0, 0, 0], [0, 0, 0, 0]]


def test_ctc_can_answer_alone(weights: Path) -> None:
    assert Recogniser.load(str(weights), rescoring=False).read([ink(90)])


def test_sizes_that_never_change_are_constants_and_all_sizes_are_read() -> None:
    attention, axes = Attention(8, 2).eval(), {"B": 0, "N": 1}
    given = {"x": torch.zeros(2, 3, 8), "memory": torch.zeros(2, 5, 8), "bias": torch.zeros(1)}
    named = {
        "x": {at: name for name, at in axes.items()},
        "memory": {0: "B", 1: "M"},
        "y": {at: name for name, at in axes.items()},
    }
    model = traced(attention, given, ["y"], named)
    written = packed(model.SerializeToString())
    fold_shapes(model)
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("Reshape") == 3
    assert "Shape" not in kinds
    assert len(onnx.load_from_string(unpacked(fold_embedded(written))).graph.node) == len(kinds)
    session = open_session(model.SerializeToString())
    for batch, count, places in itertools.product((1, 4), (1, 7), (1, 6)):
        x, memory = torch.randn(batch, count, 8), torch.randn(batch, places, 8)
        feed = {"x": x.numpy(), "memory": memory.numpy(), "bias": np.zeros(1, np.float32)}
        with torch.no_grad():
            wanted = attention(x, memory, torch.zeros(1)).numpy()
        np.testing.assert_allclose(session.run(["y"], feed)[0], wanted, atol=1e-5)


def test_several_sizes_that_are_read_at_once_are_constants_too() -> None:
    places = helper.make_tensor("places", TensorProto.INT64, [2], [2, -2])
    unused = helper.make_tensor("head", TensorProto.FLOAT, [1], [1.0])
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", "places"], ["sizes"]),
        helper.make_node("ConstantOfShape", ["sizes"], ["y"]),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["B", 3, 4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, None])
    graph = helper.make_graph(nodes, "sizes", [x], [y], [places, unused])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    fold_shapes(model)
    assert [node.op_type for node in model.graph.node] == ["Constant", "ConstantOfShape"]
    assert "head" in {tensor.name for tensor in model.graph.initializer}  # training goes on with it
    session = open_session(model.SerializeToString())
    assert session.run(["y"], {"x": np.zeros((1, 3, 4), np.float32)})[0].shape == (4, 3)
