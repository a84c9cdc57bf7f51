"""Grow the trees that tell where a row of writing ends: ink -> weights/hmer-rows-1.onnx.gz.

    python -m hmer_cli.training.detector.row_trees ../shared/data/crohme.zip --out weights

needs lightgbm and onnx; takes two minutes. Expressions of the training split are drawn alone and
two to four below each other, at any distance and a little aslant: the white between two
expressions ends a row, the white inside of one does not.
"""

from __future__ import annotations

import argparse
import gzip
import random
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hmer_cli.datasets.expressions import open_dataset
from hmer_cli.ink.render import legible_ink_image
from hmer_cli.page.detect.components import find_components
from hmer_cli.page.detect.detector import ROWS
from hmer_cli.page.detect.rows import bands_of, gap_features, levelled
from hmer_cli.training.detector.boosted_trees import as_onnx, grow

Array = NDArray[np.float32]

SINGLES = 4000
STACKS = 4000
TREES = 200
WHITE = (0.05, 3.0)  # letter heights between two expressions
ASIDE = (-3.0, 5.0)  # letter heights from the left edge of one to that of the next
SLOPE = 4.0  # degrees
FOLDS = 5
LETTER = 8  # pixels: what is smaller is no letter, as `parts` has it


def main() -> None:
    """Measure by folds over writers' files, then write all folds' trees as one file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("weights"))
    options = parser.parse_args()
    random.seed(0)
    singles = drawn(str(options.data))
    features, truth, folds = table(singles)
    weights = np.where(truth, 1.0, 4.0)  # a formula cut in two is worse than two read as one
    other = {"num_leaves": 15, "feature_fraction": 0.5, "min_data_in_leaf": 20}
    grown = [grow(features, truth, weights, folds, fold, TREES, 1, other) for fold in range(FOLDS)]
    told = np.zeros(len(truth))
    for fold, trees in enumerate(grown):
        told[folds == fold] = trees.predict(features[folds == fold], num_threads=1)
    for least in (0.5, 0.8, 0.9, 0.95):
        sys.stderr.write(
            f"at {least}: {np.mean(told[truth] >= least):.3f} of the ends found, "
            f"{np.mean(told[~truth] >= least):.4f} of other gaps taken for one\n"
        )
    data = gzip.compress(
        as_onnx(grown, [f"gap.{i}" for i in range(features.shape[1])]).SerializeToString(), mtime=0
    )
    (options.out / ROWS).write_bytes(data)


def drawn(data: str) -> list[Array]:
    """The boxes of the parts of each expression, (N, 4), in letter heights."""
    samples = open_dataset(data, "train")
    random.shuffle(samples)
    found = []
    for sample in samples[:SINGLES]:
        if sample.ink is None:
            continue
        parts = find_components(legible_ink_image(sample.ink).image)
        if len(parts.boxes):
            found.append(parts.boxes / parts.unit)
    return found


def table(singles: list[Array]) -> tuple[Array, NDArray[np.bool_], NDArray[np.int64]]:
    """Features of gaps (G, F), which of them end a row (G,), and their folds (G,)."""
    features, truth, folds = [], [], []
    for index in range(len(singles) + STACKS):
        fold = index % FOLDS
        own = singles[fold::FOLDS]
        stack = (
            [singles[index]]
            if index < len(singles)
            else random.sample(own, random.choice((2, 2, 3, 4)))
        )
        boxes, row = stacked(stack)
        bands = bands_of(boxes)
        if len(bands) < 2:
            continue
        features.append(gap_features(boxes, bands))
        truth += [row[a].max() < row[b].min() for a, b in pairwise(bands)]
        folds += [fold] * (len(bands) - 1)
    return np.concatenate(features), np.array(truth), np.array(folds)


def stacked(expressions: list[Array]) -> tuple[Array, NDArray[np.int64]]:
    """Expressions below each other, their boxes in letter heights of the whole, and which box is
    of which."""
    boxes, row = [expressions[0]], [np.zeros(len(expressions[0]), np.int64)]
    for number, each in enumerate(expressions[1:], 1):
        each = each * random.uniform(0.85, 1.15)
        left = boxes[0][:, 0].min() + random.uniform(*ASIDE)
        top = boxes[-1][:, 3].max() + random.uniform(*WHITE) * random.random()
        shift = np.array([left - each[:, 0].min(), top - each[:, 1].min()] * 2)
        boxes.append((each + shift).astype(np.float32))
        row.append(np.full(len(each), number))
    every, rows = np.concatenate(boxes), np.concatenate(row)
    slope = np.tan(np.radians(random.uniform(-SLOPE, SLOPE))) * (random.random() < 0.3)
    down = slope * every[:, [0, 2]].mean(1, keepdims=True)
    every = every + down * np.array([0, 1, 0, 1])
    height = every[:, 3] - every[:, 1]
    unit = float(np.median(height[height >= LETTER / 40])) if len(height) else 1.0
    return levelled((every / unit).astype(np.float32)), rows


if __name__ == "__main__":
    main()
