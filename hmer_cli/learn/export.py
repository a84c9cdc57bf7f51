"""Trained weights -> one ONNX file that says everything about itself."""

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

from hmer_cli.read.model import Reader
from hmer_cli.read.recogniser import METADATA

OPSET = 17

_SMALL = 256
"""Tensors of fewer numbers stay in full precision."""


def export(reader: Reader, metadata: dict[str, Any], path: Path) -> None:
    """Write the CTC pass of a reader, in half precision on disk and full precision at work."""
    reader.eval()
    images, sizes = torch.zeros(2, 1, 64, 96), torch.tensor([[8, 12], [7, 10]])
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # The tracer warns of sizes it might have fixed; the tests read images of other sizes.
        warnings.simplefilter("ignore")
        _trace(reader, images, sizes, buffer)
    model = halve(onnx.load_from_string(buffer.getvalue()))
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
        dynamo=False,
    )


def halve(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store the weights in half precision; a cast, folded at loading, makes them float again."""
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < _SMALL:
            continue
        name = tensor.name
        half = numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16))
        tensor.CopyFrom(half)
        tensor.name = f"{name}.half"
        casts.append(helper.make_node("Cast", [tensor.name], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return model
