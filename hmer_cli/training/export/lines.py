"""The line reader's weights file: network and metadata -> file, and a file -> parameters.

One ONNX model with the metadata as JSON. Large tensors are stored as float16 and cast to float32 on
loading.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from hmer_cli import files
from hmer_cli.errors import MissingError
from hmer_cli.models.session import content
from hmer_cli.networks.line_model import EPSILON, LineModel
from hmer_cli.recognition.line_features import FEATURES
from hmer_cli.recognition.weights_file import METADATA
from hmer_cli.training.export.onnx import traced

_SMALL = 4096
"""Smaller tensors stay float32."""

_OPERATORS = ("Conv", "LSTM", "MatMul")
"""Those that have parameters."""


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


def restore_lines(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The parameters of a `LineModel` from its weights file, and the metadata.

    Batch normalisation is folded into the convolutions there; its own parameters are those that
    change nothing (see `LineModel.unfold_batch_norm`). Raises MissingError for another file.
    """
    try:
        model = onnx.load_from_string(content(path))
        entries = {entry.key: entry.value for entry in model.metadata_props}
        return _parameters(model), json.loads(entries[METADATA])
    except Exception as error:  # protobuf's own errors share no base class with others
        raise MissingError(f"{path} holds no line reader", "give others") from error


def _parameters(model: onnx.ModelProto) -> dict[str, Tensor]:
    """The state of a `LineModel`, by the operators that use each tensor, in their order."""
    tensors = {
        tensor.name.removesuffix(".half"): torch.tensor(numpy_helper.to_array(tensor)).float()
        for tensor in model.graph.initializer
    }
    used = {kind: [n for n in model.graph.node if n.op_type == kind] for kind in _OPERATORS}
    state: dict[str, Tensor] = {}
    for i, node in enumerate(used["Conv"]):
        weight, bias = (tensors[name] for name in node.input[1:3])
        state[f"front.{3 * i}.weight"] = weight
        state |= {
            f"front.{3 * i + 1}.weight": torch.ones_like(bias),
            f"front.{3 * i + 1}.bias": bias,
            f"front.{3 * i + 1}.running_mean": torch.zeros_like(bias),
            f"front.{3 * i + 1}.running_var": torch.full_like(bias, 1 - EPSILON),
            f"front.{3 * i + 1}.num_batches_tracked": torch.tensor(0),
        }
    for i, node in enumerate(used["LSTM"]):
        for k, suffix in enumerate(("", "_reverse")):
            cells = tensors[node.input[2]].shape[2]
            inward, recurrent, bias = (_gates(tensors[name][k], cells) for name in node.input[1:4])
            state |= {
                f"lstm.weight_ih_l{i}{suffix}": inward,
                f"lstm.weight_hh_l{i}{suffix}": recurrent,
                f"lstm.bias_ih_l{i}{suffix}": bias[: len(inward)],
                f"lstm.bias_hh_l{i}{suffix}": bias[len(inward) :],
            }
    state["out.weight"] = tensors[used["MatMul"][0].input[1]].T
    state["out.bias"] = tensors["out.bias"]
    return state


def _gates(rows: Tensor, cells: int) -> Tensor:
    """Rows of the gates i, o, f, c of ONNX as those of PyTorch, i, f, c, o; biases have both."""
    i, o, f, c = rows.reshape(-1, 4, cells, *rows.shape[1:]).unbind(1)
    return torch.stack([i, f, c, o], 1).reshape(rows.shape)
