"""Grow the trees that find regions: pages with known boxes -> weights/hmer-*.onnx.

    python train/regions.py --pages ../shared/data/scan-pages.zip \
        --inks ../shared/data/crohme.zip --fonts FOLDER --out weights

needs scikit-learn and onnx; reading needs neither. Each of the three ensembles is grown five
times, without one fifth of the pages each time, and judges the pages it never saw; that is what
the next ensemble is grown on, and what ``hmer eval`` scores. Pages in English are made here
(english.py) and share a fifth with all pages in the same font; they carry no score.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from english import english_page
from numpy.typing import NDArray
from onnx import helper
from sklearn.ensemble import HistGradientBoostingClassifier

from hmer_cli.judge.regions import PageOutcome, as_tables, overlaps
from hmer_cli.learn.datasets import open_dataset
from hmer_cli.page import detector, layout
from hmer_cli.page.candidates import find_lines
from hmer_cli.page.clean import clean
from hmer_cli.page.cuts import cut_features, part_kinds
from hmer_cli.page.images import decode
from hmer_cli.page.runs import Runs, find_runs

Array = NDArray[Any]
Grown = HistGradientBoostingClassifier

INSIDE = 0.6  # of a part's box that has to be in a true box for the part to belong to it
GOOD = 0.6  # the IoU from which on a candidate counts as the expression
KEPT = 0.3  # of the candidates that are none: there are many, and they are much alike
ENGLISH = 70
SETTINGS: dict[str, Any] = {
    "learning_rate": 0.12,
    "max_leaf_nodes": 31,
    "min_samples_leaf": 40,
    "l2_regularization": 1.0,
    "max_features": 0.3,
    "early_stopping": False,
    "random_state": 0,
}
TREES = {detector.PARTS: 140, detector.CUTS: 110, detector.RUNS: 130}


@dataclass
class Example:
    """A page, its true boxes in pixels of its study, and what was found out about it."""

    name: str
    fold: int
    scored: bool
    study: layout.Study
    truth: Array
    owner: Array = field(default_factory=lambda: np.zeros(0, int))
    likely: Array = field(default_factory=lambda: np.zeros(0, np.float32))
    runs: Runs | None = None


def main() -> None:
    """Grow, score and write."""
    options = _options()
    started = time.perf_counter()
    TREES.update({name: round(trees * options.trees) for name, trees in TREES.items()})
    examples = list(_scans(options.pages, options.every))
    if options.fonts:
        examples += _english(options.inks, options.fonts, options.english)
    for example in examples:
        example.owner = _owners(example)
    _say(f"{len(examples)} pages", started)

    parts = _grow(examples, detector.PARTS, lambda e: (e.study.parts.features, e.owner >= 0))
    for example in examples:
        example.likely = _answer(parts[example.fold], example.study.parts.features)
    _say("parts", started)

    cuts = _grow(examples, detector.CUTS, _cuts)
    for example in examples:
        trees = cuts[example.fold]
        example.runs = find_runs(
            example.study.parts, example.likely, lambda gaps, trees=trees: _answer(trees, gaps)
        )
    _say("cuts", started)

    runs = _grow(examples, detector.RUNS, _candidates)
    _say("runs", started)
    options.out.mkdir(exist_ok=True)
    for name, grown in ((detector.PARTS, parts), (detector.CUTS, cuts), (detector.RUNS, runs)):
        onnx.save(_as_onnx(grown), options.out / name)
    for scored in (True, False):
        chosen = [example for example in examples if example.scored == scored]
        for least in (0.15, 0.2, 0.25, 0.3, 0.35, 0.4):
            if chosen:
                _report(chosen, runs, least, "scans" if scored else "English")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=Path, required=True, help="zip of pages with boxes")
    parser.add_argument("--inks", help="CROHME package to write English pages with")
    parser.add_argument("--fonts", type=Path, help="folder of handwriting fonts")
    parser.add_argument("--english", type=int, default=ENGLISH, help="pages to make")
    parser.add_argument("--every", type=int, default=1, help="N: every Nth page with boxes")
    parser.add_argument("--trees", type=float, default=1.0, help="times the usual number")
    parser.add_argument("--out", type=Path, default=Path("weights"))
    return parser.parse_args()


def _say(what: str, started: float) -> None:
    sys.stderr.write(f"{time.perf_counter() - started:6.0f} s  {what}\n")


def _scans(path: Path, every: int) -> Iterator[Example]:
    with zipfile.ZipFile(path) as archive:
        for name in sorted(n for n in archive.namelist() if n.endswith(".json"))[::every]:
            data = archive.read(name[: -len(".json")] + ".jpg")
            boxes = np.array(json.loads(archive.read(name))["formulas"], float).reshape(-1, 4)
            study = layout.study(clean(decode(data, name)))
            yield Example(name, detector.fold_of(data), True, study, boxes / study.scale)


def _english(inks: str, folder: Path, count: int) -> Iterator[Example]:
    random = np.random.default_rng(0)
    fonts = sorted(path for path in folder.rglob("*") if path.suffix in (".ttf", ".otf", ".woff"))
    samples = open_dataset(inks, "train")[::9]
    written = [s.ink for s in samples if s.error is None and s.ink and len(s.ink.strokes) > 1]
    for number in range(count):
        fold = number % detector.FOLDS
        mine = fonts[fold :: detector.FOLDS]
        image, boxes = english_page(written, mine, random)
        study = layout.study(clean(image))
        truth = np.array(boxes).reshape(-1, 4) / study.scale
        yield Example(f"english-{number}", fold, False, study, truth)


def _owners(example: Example) -> Array:
    """The true box that each part belongs to, -1 for none."""
    boxes, truth = example.study.parts.boxes[:, None], example.truth[None]
    if not len(example.truth):
        return np.full(len(boxes), -1)
    sides = np.minimum(boxes[..., 2:], truth[..., 2:]) - np.maximum(boxes[..., :2], truth[..., :2])
    inside = np.maximum(sides, 0).prod(-1) / (boxes[..., 2:] - boxes[..., :2]).prod(-1)
    return np.where(inside.max(1) >= INSIDE, inside.argmax(1), -1)


def _cuts(example: Example) -> tuple[Array, Array]:
    """Every gap of every line, and whether an expression ends there."""
    kinds = part_kinds(example.study.parts, example.likely)
    features, ends = [], []
    for line in find_lines(example.study.parts, example.likely):
        groups = np.stack([kinds[members].sum(0) for members in line.members])
        owners = np.array([_usual(example.owner[members]) for members in line.members])
        features.append(cut_features(line, example.study.parts, groups))
        ends.append((owners[1:] != owners[:-1]) | (owners[1:] < 0))
    if not features:
        return np.zeros((0, 1), np.float32), np.zeros(0, bool)
    return np.concatenate(features), np.concatenate(ends)


def _usual(values: Array) -> int:
    found, counts = np.unique(values, return_counts=True)
    return int(found[counts.argmax()])


def _candidates(example: Example) -> tuple[Array, Array]:
    """The features of candidates and whether they are expressions, most that are none left out."""
    assert example.runs is not None
    room = np.array([-1, -1, 1, 1]) * layout.PADDING * example.study.parts.unit
    boxes = example.runs.boxes + room
    best = overlaps(boxes, example.truth).max(1, initial=0)
    random = np.random.default_rng(len(best))
    kept = (best > GOOD) | (random.random(len(best)) < KEPT)
    return example.runs.features[kept], best[kept] > GOOD


def _grow(
    examples: Sequence[Example], name: str, table: Callable[[Example], tuple[Array, Array]]
) -> list[Grown]:
    """One ensemble a fold, grown without it."""
    tables = [table(example) for example in examples]
    grown = []
    for fold in range(detector.FOLDS):
        chosen = [t for t, e in zip(tables, examples, strict=True) if e.fold != fold and len(t[1])]
        features = np.concatenate([x for x, _ in chosen])
        truth = np.concatenate([y for _, y in chosen])
        weights = np.where(truth | (name != detector.RUNS), 1, 1 / KEPT)
        trees = Grown(max_iter=TREES[name], **SETTINGS)
        grown.append(trees.fit(features, truth, sample_weight=weights))
    return grown


def _answer(trees: Grown, features: Array) -> NDArray[np.float32]:
    if not len(features):
        return np.zeros(0, np.float32)
    return trees.predict_proba(features)[:, 1].astype(np.float32)


def _report(examples: Sequence[Example], grown: list[Grown], least: float, what: str) -> None:
    outcomes = []
    for example in examples:
        assert example.runs is not None
        answers = _answer(grown[example.fold], example.runs.features)
        room = np.array([-1, -1, 1, 1]) * layout.PADDING * example.study.parts.unit
        found = example.runs.boxes[layout.select(example.runs, answers, least)] + room
        outcomes.append(PageOutcome(example.name, found.tolist(), example.truth.tolist()))
    rows = {row[0]: row[1:] for row in as_tables(outcomes, 0.0)[0].rows}
    for score in ("precision", "recall", "F1"):
        sys.stderr.write(f"{what} from {least}: {score} {' '.join(rows[score])}\n")


def _as_onnx(grown: Sequence[Grown]) -> onnx.ModelProto:
    """All folds in one ensemble of as many targets: raw scores, before the sigmoid."""
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
        for (tree,) in trees._predictors:
            _add_tree(table, tree.nodes, count, target)
            count += 1
    node = helper.make_node(
        "TreeEnsembleRegressor",
        ["features"],
        ["scores"],
        domain="ai.onnx.ml",
        n_targets=len(grown),
        base_values=[float(np.ravel(trees._baseline_prediction)[0]) for trees in grown],
        **table,
    )
    width = grown[0].n_features_in_
    real = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [node],
        "trees",
        [helper.make_tensor_value_info("features", real, ["N", width])],
        [helper.make_tensor_value_info("scores", real, ["N", len(grown)])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    onnx.checker.check_model(model)
    return model


def _add_tree(table: dict[str, list[Any]], nodes: Array, tree: int, target: int) -> None:
    for index, node in enumerate(nodes):
        leaf = bool(node["is_leaf"])
        row = {
            "nodes_treeids": tree,
            "nodes_nodeids": index,
            "nodes_featureids": 0 if leaf else int(node["feature_idx"]),
            "nodes_modes": "LEAF" if leaf else "BRANCH_LEQ",
            "nodes_values": 0.0 if leaf else float(np.float32(node["num_threshold"])),
            "nodes_truenodeids": 0 if leaf else int(node["left"]),
            "nodes_falsenodeids": 0 if leaf else int(node["right"]),
        }
        if leaf:
            row |= {
                "target_treeids": tree,
                "target_nodeids": index,
                "target_ids": target,
                "target_weights": float(node["value"]),
            }
        for key, value in row.items():
            table[key].append(value)


if __name__ == "__main__":
    main()
