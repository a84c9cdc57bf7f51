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

HALF = ".half"
"""Ending of the names of tensors in half precision."""

_SMALL = 256
"""Tensors of fewer numbers stay in full precision."""


def export(reader: Reader, metadata: dict[str, Any], path: Path) -> None:
    """Write the CTC pass of a reader, in half precision on disk and full precision at work.

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
    halve(model)
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
    """Add the parameters that reading has no use for but further training has.

    Not the decoder's: they would be a sixth of the file.
    """
    there = {tensor.name for tensor in model.graph.initializer}
    there |= {name for node in model.graph.node for name in node.output}
    for name, value in reader.state_dict().items():
        if name not in there and value.is_floating_point() and not name.startswith("decoder."):
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
        tensor.name.removesuffix(HALF): torch.from_numpy(numpy_helper.to_array(tensor).copy())
        for tensor in model.graph.initializer
    }
    for node in model.graph.node:  # equal tensors are stored once
        if node.op_type == "Identity" and node.input[0] in tensors:
            tensors[node.output[0]] = tensors[node.input[0]]
    floats = {name: value.float() for name, value in tensors.items() if value.is_floating_point()}
    return floats, json.loads(metadata)


def halve(model: onnx.ModelProto) -> None:
    """Store the weights in half precision; a cast, folded at loading, makes them float again."""
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < _SMALL:
            continue
        name = tensor.name
        half = numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16))
        tensor.CopyFrom(half)
        tensor.name = f"{name}{HALF}"
        casts.append(helper.make_node("Cast", [tensor.name], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
