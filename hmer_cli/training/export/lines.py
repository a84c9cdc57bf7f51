"""Export of the line reader: network and metadata -> weights file.

Output: one ONNX model with the metadata as JSON. Large tensors are stored as float16 and cast to
float32 on loading.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from hmer_cli import files
from hmer_cli.networks.line_model import LineModel
from hmer_cli.recognition.line_features import FEATURES
from hmer_cli.recognition.weights_file import METADATA
from hmer_cli.training.export.onnx import traced

_SMALL = 4096
"""Smaller tensors stay float32."""


def export_lines(model: LineModel, metadata: dict[str, Any], path: Path) -> None:
    """Write the model, features (1, T, C) -> frames (1, T / 4, V), with its metadata."""
    example = {"features": torch.zeros(1, 64, FEATURES)}
    axes = {"features": {1: "T"}, "frames": {1: "F"}}
    made = traced(model.eval(), example, ["frames"], axes, folded=True, fused=True)
    _halve(made)
    entry = made.metadata_props.add()
    entry.key, entry.value = METADATA, json.dumps(metadata, sort_keys=True)
    onnx.checker.check_model(made)
    files.replace(path, made.SerializeToString(deterministic=True))


def _halve(model: onnx.ModelProto) -> None:
    """Store large tensors as float16, followed by a cast to float32."""
    casts = []
    for tensor in list(model.graph.initializer):
        value = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or value.size < _SMALL:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(value.astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
