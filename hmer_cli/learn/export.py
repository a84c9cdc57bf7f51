"""Trained weights -> one ONNX file that says everything about itself, and back again."""

from __future__ import annotations

import io
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from hmer_cli.errors import MissingError
from hmer_cli.read.model import Reader
from hmer_cli.read.recogniser import METADATA

OPSET = 17

BYTES, STEPS = ".int8", ".step"
"""Endings of the names of a matrix in bytes and of the value of one step in each of its rows."""

_SMALL = 4096
"""Tensors of fewer numbers stay as they are."""


def export(reader: Reader, metadata: dict[str, Any], path: Path) -> None:
    """Write the CTC pass of a reader, matrices in bytes on disk and in full precision at work.

    Tensors keep the names of the reader's parameters, so that `restore` finds them.
    """
    reader.eval()
    images, sizes = torch.zeros(2, 1, 64, 96), torch.tensor([[8, 12], [7, 10]])
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # The tracer warns of sizes it might have fixed; the tests read images of other sizes.
        warnings.simplefilter("ignore")
        _trace(reader, images, sizes, buffer)
    model = onnx.load_from_string(buffer.getvalue())
    _complete(model, reader)
    quantise(model)
    entry = model.metadata_props.add()
    entry.key, entry.value = METADATA, json.dumps(metadata, sort_keys=True)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString(deterministic=True))


def _trace(reader: Reader, images: Tensor, sizes: Tensor, buffer: io.BytesIO) -> None:
    torch.onnx.export(
        reader,
        (images, sizes),
        buffer,  # type: ignore[arg-type]
        input_names=["images", "sizes"],
        output_names=["frames", "places"],
        dynamic_axes={
            "images": {0: "B", 2: "H", 3: "W"},
            "sizes": {0: "B"},
            "frames": {0: "B", 1: "T"},
            "places": {0: "B", 1: "T"},
        },
        opset_version=OPSET,
        # Nothing folded or fused: ONNX Runtime does that when it loads the file.
        do_constant_folding=False,
        training=torch.onnx.TrainingMode.PRESERVE,
        dynamo=False,
    )


def _complete(model: onnx.ModelProto, reader: Reader) -> None:
    """Add the parameters that reading has no use for but further training has."""
    there = {tensor.name for tensor in model.graph.initializer}
    there |= {name for node in model.graph.node for name in node.output}
    for name, value in reader.state_dict().items():
        if name not in there and value.is_floating_point():
            model.graph.initializer.append(numpy_helper.from_array(value.numpy(), name))


def restore(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The parameters in a weights file by their names, and its metadata.

    Raises MissingError where the file holds no weights of hmer.
    """
    try:
        model = onnx.load(str(path))
        metadata = {entry.key: entry.value for entry in model.metadata_props}[METADATA]
    except Exception as error:  # protobuf's own errors share no base class with others
        raise MissingError(f"{path} holds no weights of hmer", "give others") from error
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
    floats = {name: value.float() for name, value in tensors.items() if value.is_floating_point()}
    return floats, json.loads(metadata)


def quantise(model: onnx.ModelProto) -> None:
    """Matrices in bytes, with one step a row; what makes them float again is folded at loading."""
    graph = model.graph
    unpacked = []
    for tensor in list(graph.initializer):
        value = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or value.ndim < 2 or value.size < _SMALL:
            continue
        name = tensor.name
        most = np.abs(value).max(axis=tuple(range(1, value.ndim)), keepdims=True)
        step = np.where(most > 0, most / 127, 1).astype(np.float32)
        rounded = np.round(value / step).astype(np.int8)
        tensor.CopyFrom(numpy_helper.from_array(rounded, f"{name}{BYTES}"))
        graph.initializer.append(numpy_helper.from_array(step, f"{name}{STEPS}"))
        unpacked += [
            helper.make_node("Cast", [f"{name}{BYTES}"], [f"{name}.float"], to=TensorProto.FLOAT),
            helper.make_node("Mul", [f"{name}.float", f"{name}{STEPS}"], [name]),
        ]
    nodes = [*unpacked, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
