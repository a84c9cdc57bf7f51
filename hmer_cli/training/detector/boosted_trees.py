"""Gradient boosted trees: tables of features in, one ensemble a fold out, as one ONNX model.

Trained by LightGBM, converted by onnxmltools: inference needs neither.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import lightgbm
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import compose, helper
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

Array = NDArray[Any]
Trees = lightgbm.Booster

OPSET = 15  # the newest that onnxmltools knows

SETTINGS: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.1,
    "num_leaves": 31,
    "min_data_in_leaf": 40,
    "lambda_l2": 1.0,
    "feature_fraction": 0.25,
    "bagging_fraction": 0.4,
    "bagging_freq": 1,
    "max_bin": 63,
    "seed": 0,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}

REGRESSION: dict[str, Any] = {"objective": "l1", "num_leaves": 15}


def grow(
    features: Array,
    truth: Array,
    weights: Array,
    folds: NDArray[np.int64],
    fold: int,
    count: int,
    threads: int,
    other: dict[str, Any] | None = None,
) -> Trees:
    """An ensemble of ``count`` trees, grown without the rows of ``fold``.

    It tells (N, F) rows that are true (N,) from the others; ``folds`` (N,) numbers them. With
    ``other`` settings `REGRESSION` it predicts a number.
    """
    settings = SETTINGS | (other or {}) | {"num_threads": threads}
    table = lightgbm.Dataset(
        features, truth.astype(np.float32), weight=weights, params=settings, free_raw_data=False
    ).construct()
    return lightgbm.train(settings, table.subset(np.flatnonzero(folds != fold).tolist()), count)


def as_onnx(grown: Sequence[Trees], columns: Sequence[str]) -> onnx.ModelProto:
    """All ensembles in one model of as many outputs: raw scores (N, E), before any sigmoid.

    ``columns`` are the names of the features, which are written into the metadata.
    """
    model = _concatenated([_converted(trees, f"e{i}_") for i, trees in enumerate(grown)])
    entry = model.metadata_props.add()
    entry.key, entry.value = "columns", json.dumps(list(columns))
    onnx.checker.check_model(model)
    return model


def _converted(trees: Trees, prefix: str) -> onnx.ModelProto:
    """One ensemble as a regression, whose output is the raw score whatever it was trained for."""
    text = re.sub(r"^objective=.*$", "objective=regression", trees.model_to_string(), flags=re.M)
    text = re.sub(r"^\[objective: .*\]$", "[objective: regression]", text, flags=re.M)
    width = trees.num_feature()
    model = convert_lightgbm(
        lightgbm.Booster(model_str=text),
        initial_types=[("features", FloatTensorType([None, width]))],
        target_opset=OPSET,
        zipmap=False,
    )
    return compose.add_prefix(model, prefix)


def _concatenated(models: Sequence[onnx.ModelProto]) -> onnx.ModelProto:
    """The models side by side, all fed with ``features``, their outputs in one: ``scores``."""
    nodes, held, ends = [], [], []
    for model in models:
        graph = model.graph
        for node in graph.node:
            node.input[:] = ["features" if x == graph.input[0].name else x for x in node.input]
        nodes += graph.node
        held += graph.initializer
        ends.append(graph.output[0].name)
    nodes.append(helper.make_node("Concat", ends, ["scores"], axis=1))
    real = onnx.TensorProto.FLOAT
    width = models[0].graph.input[0].type.tensor_type.shape.dim[1].dim_value
    whole = helper.make_graph(
        nodes,
        "trees",
        [helper.make_tensor_value_info("features", real, ["N", width])],
        [helper.make_tensor_value_info("scores", real, ["N", len(models)])],
        held,
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(whole, opset_imports=opsets, ir_version=8)
