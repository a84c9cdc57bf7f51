"""Trained models -> one ONNX weights file, and back to parameters.

Input: a system and its model. Output: a file whose metadata hold vocabulary, geometry, recipe,
metrics and the embedded models.
"""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from hmer_cli import files
from hmer_cli.errors import InputError, MissingError
from hmer_cli.models.embedded import packed, unpacked
from hmer_cli.models.session import content
from hmer_cli.networks.ctc_model import CtcModel
from hmer_cli.networks.graph_model import DecodeStep, GraphModel, NodeEncoder
from hmer_cli.networks.language_transformer import LanguageTransformer
from hmer_cli.recognition.components import SIDE
from hmer_cli.recognition.expression_recogniser import LANGUAGE, LANGUAGE_MODELS, TRANSFORMER
from hmer_cli.recognition.graph_decoder import (
    ATTENTION,
    COMPONENT,
    DECODER_STEP,
    ENCODER,
    PIECE,
    STROKE,
)
from hmer_cli.recognition.pieces import LAYERS
from hmer_cli.recognition.recogniser import DECODER
from hmer_cli.recognition.scorer_sets import GRAPH, SECOND
from hmer_cli.recognition.strokes import CHANNELS, POINTS
from hmer_cli.recognition.weights_file import GRAPH_ALONE, METADATA
from hmer_cli.training.batches.images import Batch
from hmer_cli.training.export.quantise import (
    BYTES,
    STEPS,
    Feed,
    quantise,
    quantise_convolutions,
)
from hmer_cli.training.export.shapes import fold_embedded, fold_shapes

OPSET = 17

Axes = Mapping[str, Mapping[int, str]]

PASS_AXES: Axes = {
    "images": {0: "B", 2: "H", 3: "W"},
    "sizes": {0: "B"},
    "frames": {0: "B", 1: "T"},
    "places": {0: "B", 1: "T"},
    "seen": {0: "B", 1: "S"},
    "bias": {0: "B", 3: "S"},
}
DECODER_AXES: Axes = {
    "seen": {1: "S"},
    "bias": {3: "S"},
    "labels": {0: "N", 1: "L"},
    "scores": {0: "N"},
}
FRONT_AXES: Axes = {name: {0: "N"} for name in ("looks", "pictures", "boxes")} | {"x": {1: "N"}}
ENCODER_AXES: Axes = {"x": {1: "N"}, "boxes": {1: "N"}, "kept": {4: "N"}}
STEP_AXES: Axes = {
    "kept": {4: "N"},
    "past": {2: "B", 4: "P"},
    "units": {0: "B", 1: "L"},
    "ways": {0: "B"},
    "said": {0: "B", 1: "L"},
    "now": {2: "B", 4: "Q"},
    ATTENTION: {0: "B", 1: "L", 2: "N"},
}
TREE_AXES: Axes = {
    "tokens": {1: "N"},
    "places": {1: "N"},
    "seen": {1: "N", 2: "N"},
    "logs": {1: "N"},
}


class DecoderScores(nn.Module):
    """The decoder as a module of its own, with the parameter names of the whole model."""

    def __init__(self, reader: CtcModel) -> None:
        super().__init__()
        self.decoder = reader.decoder

    def forward(self, seen: Tensor, bias: Tensor, labels: Tensor) -> Tensor:
        """See `Decoder.likelihood`."""
        return self.decoder.likelihood(seen, bias, labels)


def export(
    reader: CtcModel, metadata: dict[str, Any], path: Path, shown: Sequence[Batch] = ()
) -> None:
    """Write a CTC model as one file, with matrices in INT8.

    Convolutions are quantised by the ranges of activations on the batches ``shown``; without any
    they stay in full precision. The file is the CTC pass; the decoder is embedded in its metadata,
    as ONNX Runtime would otherwise run both. Tensors keep the names of the parameters, by which
    `restore` finds them.
    """
    reader.eval()
    images, sizes = torch.zeros(2, reader.shape.channels, 64, 96), torch.tensor([[8, 12], [7, 10]])
    model = traced(
        reader, {"images": images, "sizes": sizes}, ["frames", "places", "seen", "bias"], PASS_AXES
    )
    with torch.no_grad():
        *_, seen, bias = reader(images[:1], sizes[:1])
    labels = torch.tensor([[1, 1], [1, 0]])
    decoder = traced(
        DecoderScores(reader),
        {"seen": seen, "bias": bias, "labels": labels},
        ["scores"],
        DECODER_AXES,
    )
    if shown:
        quantise_convolutions(model, [_feed(batch, reader.shape.channels) for batch in shown])
    _complete([model, decoder], reader)
    quantise(model)
    quantise(decoder)
    _put(model, METADATA, json.dumps(metadata, sort_keys=True))
    _put(model, DECODER, packed(_bytes(decoder)))
    files.replace(path, _bytes(model))


def export_graph(
    reader: GraphModel,
    metadata: dict[str, Any],
    path: Path,
    language: Mapping[str, str] | None = None,
) -> None:
    """Write a graph model as a file that `GraphRecogniser` reads with.

    Its graph encoder is the file, in whose metadata the others are embedded, and packed
    ``language`` models by the keys `LANGUAGE_MODELS`.
    """
    models = _graph_models(reader, attends=True)
    model = models.pop(ENCODER)
    held = {GRAPH + name: packed(_bytes(part)) for name, part in models.items()}
    held |= dict(language or {})
    held[METADATA] = json.dumps({**metadata, GRAPH_ALONE: True}, sort_keys=True)
    for key in sorted(held):
        _put(model, key, held[key])
    files.replace(path, _bytes(model))


def graph_models(reader: GraphModel) -> dict[str, bytes]:
    """The ONNX models of a `GraphDecoder` by name, with matrices in INT8."""
    return {name: _bytes(model) for name, model in _graph_models(reader).items()}


def _graph_models(reader: GraphModel, attends: bool = False) -> dict[str, onnx.ModelProto]:
    """The same as protobufs; the attention of the decoder is an output where it ``attends``."""
    reader.eval()
    boxes = torch.tensor([[0.0, 0.0, 1.0, 1.0], [2.0, 0.0, 3.0, 1.0], [4.0, 0.5, 5.0, 0.6]])
    curve = torch.zeros(3, CHANNELS, POINTS)
    looks = {
        STROKE: {"looks": curve},
        COMPONENT: {"looks": torch.zeros(3, SIDE, SIDE).byte()},
        PIECE: {"looks": curve, "pictures": torch.zeros(3, LAYERS, SIDE, SIDE).byte()},
    }
    models = {
        name: traced(NodeEncoder(reader, name), {**looks[name], "boxes": boxes}, ["x"], FRONT_AXES)
        for name in reader.shape.fronts
    }
    x = torch.zeros(1, 3, reader.shape.channels)
    given = {"x": x, "boxes": boxes[None], "ordered": torch.tensor([True])}
    models[ENCODER] = traced(reader, given, ["kept"], ENCODER_AXES)
    with torch.no_grad():
        kept = reader(*given.values())
    layers, both, _, heads, _, d = kept.shape
    units, ways = torch.tensor([[1, 1], [1, 0]]), torch.tensor([0, 1])
    past = torch.zeros(layers, both, 2, heads, 3, d)
    given = {"kept": kept, "past": past, "units": units, "ways": ways}
    outputs = ["said", "now", ATTENTION] if attends else ["said", "now"]
    axes = {name: STEP_AXES[name] for name in (*given, *outputs)}
    models[DECODER_STEP] = traced(DecodeStep(reader, attends), given, outputs, axes)
    _complete(list(models.values()), reader)
    for model in models.values():
        quantise(model)
        fold_shapes(model)
    return models


def language_model(path: Path) -> tuple[str, str]:
    """The metadata key of a language model in a file, and its text; raises InputError."""
    try:
        if path.suffix == ".onnx":
            return TRANSFORMER, packed(path.read_bytes())
        return LANGUAGE, path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}", "give a file of a language model") from error


def language_transformer(model: LanguageTransformer, metadata: Mapping[str, str]) -> bytes:
    """The ONNX model of a `LabelTransformer`, with matrices in INT8."""
    model.eval()
    tokens, places = torch.tensor([[0, 3, 4, 4]]), torch.tensor([[0, 1, 2, 2]])
    seen = torch.eye(4, dtype=torch.bool)[None]
    given = {"tokens": tokens, "places": places, "seen": seen}
    found = traced(model, given, ["logs"], TREE_AXES)
    quantise(found)
    fold_shapes(found)
    for key in sorted(metadata):
        _put(found, key, metadata[key])
    return _bytes(found)


def join(
    path: Path,
    parts: dict[str, bytes],
    metadata: dict[str, Any],
    out: Path,
    beside: bool = False,
    language: Mapping[str, str] | None = None,
) -> None:
    """Write the CTC model of one file with a graph model and other metadata to another.

    The decoder of the CTC model is dropped. Of its graph models, the new one replaces the first, or
    the second if it is added ``beside`` the first. Packed ``language`` models, by the keys
    `LANGUAGE_MODELS`, replace its own.
    """
    model = onnx.load_from_string(content(path))
    new, other = (SECOND, GRAPH) if beside else (GRAPH, SECOND)
    kept = {new + name: packed(part) for name, part in parts.items()}
    own = {entry.key: entry.value for entry in model.metadata_props}
    kept |= {key: fold_embedded(text) for key, text in own.items() if key.startswith(other)}
    kept |= {key: own[key] for key in LANGUAGE_MODELS if key in own} | dict(language or {})
    kept[METADATA] = json.dumps(metadata, sort_keys=True)
    del model.metadata_props[:]
    for key in sorted(kept):
        _put(model, key, kept[key])
    files.replace(out, _bytes(model))


def _feed(batch: Batch, channels: int) -> Feed:
    images = batch.given(channels).contiguous().numpy()
    return {"images": images, "sizes": batch.sizes.numpy()}


def _put(model: onnx.ModelProto, key: str, value: str) -> None:
    entry = model.metadata_props.add()
    entry.key, entry.value = key, value


def _bytes(model: onnx.ModelProto) -> bytes:
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def traced(
    module: nn.Module,
    inputs: Mapping[str, Tensor],
    outputs: Sequence[str],
    axes: Axes,
    *,
    folded: bool = False,
    fused: bool = False,
) -> onnx.ModelProto:
    """A module as ONNX, traced with these inputs; ``axes`` names the sizes that may change.

    Constants are ``folded``, and batch norm ``fused`` with convolutions, only on demand: ONNX
    Runtime does both when it loads the file, and parameters keep their names and values.
    """
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # The tracer warns of sizes it might have fixed; the tests read inputs of other sizes.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            tuple(inputs.values()),
            buffer,  # type: ignore[arg-type]
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes={name: dict(sizes) for name, sizes in axes.items()},
            opset_version=OPSET,
            do_constant_folding=folded,
            training=torch.onnx.TrainingMode.EVAL if fused else torch.onnx.TrainingMode.PRESERVE,
            dynamo=False,
        )
    return onnx.load_from_string(buffer.getvalue())


def _complete(models: Sequence[onnx.ModelProto], module: nn.Module) -> None:
    """Add to the first the parameters that inference does not use but further training does."""
    there = {t.name.removesuffix(BYTES) for model in models for t in model.graph.initializer}
    there |= {name for model in models for node in model.graph.node for name in node.output}
    for name, value in module.state_dict().items():
        if name not in there and value.is_floating_point():
            models[0].graph.initializer.append(numpy_helper.from_array(value.numpy(), name))


def restore(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The parameters of the CTC model in a weights file by name, and the metadata.

    Raises MissingError if the file holds no weights of hmer, or no CTC model.
    """
    model, packages, metadata = _opened(path)
    if GRAPH_ALONE in metadata:
        raise MissingError(f"{path} holds no CTC model", "give weights that have one")
    models = [model, *(package for key, package in packages.items() if key == DECODER)]
    return _all_tensors(models), metadata


def restore_graph(path: Path, front: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The same for its graph model; of two, the first with this node encoder.

    Raises MissingError if the file holds none.
    """
    _, packages, metadata = _opened(path)
    held = [key for key in (GRAPH, SECOND) if key + ENCODER in packages]
    found = next((key for key in held if key + front in packages), (held or [GRAPH])[-1])
    models = [package for key, package in packages.items() if key.startswith(found)]
    if not models:
        raise MissingError(f"{path} holds no graph model", "give weights that have one")
    return _all_tensors(models), metadata


def _opened(path: Path) -> tuple[onnx.ModelProto, dict[str, onnx.ModelProto], dict[str, Any]]:
    """The model of a file, the embedded models by metadata key, and the metadata.

    The graph encoder is among the embedded models, even where it is the model of the file.
    """
    try:
        model = onnx.load_from_string(content(path))
        found = {entry.key: entry.value for entry in model.metadata_props}
        metadata = json.loads(found.pop(METADATA))
        for key in LANGUAGE_MODELS:
            found.pop(key, None)
        packages = {key: onnx.load_from_string(unpacked(text)) for key, text in found.items()}
        if GRAPH_ALONE in metadata:
            packages[GRAPH + ENCODER] = model
    except Exception as error:  # protobuf's own errors share no base class with others
        raise MissingError(f"{path} holds no weights of hmer", "give others") from error
    return model, packages, metadata


def _all_tensors(models: Iterable[onnx.ModelProto]) -> dict[str, Tensor]:
    return {name: value for model in models for name, value in _tensors(model).items()}


def _tensors(model: onnx.ModelProto) -> dict[str, Tensor]:
    tensors = {
        tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy())
        for tensor in model.graph.initializer
    }
    for name in [name for name in tensors if name.endswith(BYTES)]:
        base = name.removesuffix(BYTES)
        tensors[base] = tensors.pop(name).float() * tensors.pop(f"{base}{STEPS}")
    for node in model.graph.node:  # equal tensors are stored once
        if node.op_type == "Identity" and node.input[0] in tensors:
            tensors[node.output[0]] = tensors[node.input[0]]
    return {name: value.float() for name, value in tensors.items() if value.is_floating_point()}
