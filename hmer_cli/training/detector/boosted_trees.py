"""Gradient boosted trees: grown with LightGBM, written as ONNX, so that reading needs neither."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import lightgbm
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

Array = NDArray[Any]
Trees = lightgbm.Booster

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

MEASURE: dict[str, Any] = {"objective": "l1", "num_leaves": 15}


def grow(
    features: Array,
    truth: Array,
    weights: Array,
    folds: NDArray[np.int64],
    count: int,
    threads: int,
    other: dict[str, Any] | None = None,
) -> list[Trees]:
    """``count`` trees for each fold, grown without its rows.

    They tell (N, F) rows that are true (N,) from the others; ``folds`` (N,) numbers them. With
    ``other`` settings `MEASURE` they say a number.
    """
    settings = SETTINGS | (other or {}) | {"num_threads": threads}
    table = lightgbm.Dataset(
        features, truth.astype(np.float32), weight=weights, params=settings, free_raw_data=False
    ).construct()
    return [
        lightgbm.train(settings, table.subset(np.flatnonzero(folds != fold)), count)
        for fold in range(int(folds.max()) + 1)
    ]


def answer(trees: Trees, features: Array) -> NDArray[np.float32]:
    """How likely each of (N, F) rows is true, (N,)."""
    if not len(features):
        return np.zeros(0, np.float32)
    return np.asarray(trees.predict(features, num_threads=1), dtype=np.float32)


def as_onnx(grown: Sequence[Trees]) -> onnx.ModelProto:
    """All ensembles in one of as many targets: raw scores, before the sigmoid."""
    table: dict[str, list[Any]] = {
        key: []
        for key in (
            "nodes_treeids nodes_nodeids nodes_featureids nodes_modes nodes_values "
            "nodes_truenodeids nodes_falsenodeids "
            "target_treeids target_nodeids target_ids target_weights"
        ).split()
    }
    count = 0
    for target, trees in enumerate(grown):
        for tree in trees.dump_model()["tree_info"]:
            _add(table, tree["tree_structure"], count, target)
            count += 1
    node = helper.make_node(
        "TreeEnsembleRegressor",
        ["features"],
        ["scores"],
        domain="ai.onnx.ml",
        n_targets=len(grown),
        **table,
    )
    real = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [node],
        "trees",
        [helper.make_tensor_value_info("features", real, ["N", grown[0].num_feature()])],
        [helper.make_tensor_value_info("scores", real, ["N", len(grown)])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    onnx.checker.check_model(model)
    return model


def _add(table: dict[str, list[Any]], root: dict[str, Any], tree: int, target: int) -> None:
    """One tree, its nodes numbered as they are met."""
    waiting, count = [(root, 0)], 1
    while waiting:
        node, index = waiting.pop()
        leaf = "leaf_value" in node
        row = {
            "nodes_treeids": tree,
            "nodes_nodeids": index,
            "nodes_featureids": 0 if leaf else node["split_feature"],
            "nodes_modes": "LEAF" if leaf else "BRANCH_LEQ",
            "nodes_values": 0.0 if leaf else float(np.float32(node["threshold"])),
            "nodes_truenodeids": 0 if leaf else count,
            "nodes_falsenodeids": 0 if leaf else count + 1,
        }
        if leaf:
            row |= {
                "target_treeids": tree,
                "target_nodeids": index,
                "target_ids": target,
                "target_weights": float(node["leaf_value"]),
            }
        else:
            waiting += [(node["left_child"], count), (node["right_child"], count + 1)]
            count += 2
        for key, value in row.items():
            table[key].append(value)
