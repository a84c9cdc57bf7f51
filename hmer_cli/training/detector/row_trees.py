"""Training of boosted trees that separate rows of writing.

Input: training ink. Output: an ONNX model, and scores by cross-validation. Method: expressions are
rendered alone and in stacks of two to four at random distances and slopes; white gaps between
expressions are positive examples, those within one are negative. Two minutes on one core.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import onnx
from numpy.typing import NDArray

from hmer_cli.datasets.expressions import open_dataset
from hmer_cli.ink.render import legible_ink_image
from hmer_cli.page.detect.components import find_components
from hmer_cli.page.detect.detector import FOLDS
from hmer_cli.page.detect.rows import LEAST, ROW_COLUMNS, bands_of, gap_features, levelled
from hmer_cli.training.detector.boosted_trees import Trees, as_onnx, grow

Array = NDArray[np.float32]
Table = tuple[Array, NDArray[np.bool_], NDArray[np.int64]]
"""Features of gaps (G, F), which of them end a row (G,), and their folds (G,)."""

WHITE = (0.05, 3.0)  # letter heights between two expressions
ASIDE = (-3.0, 5.0)  # letter heights from the left edge of one to that of the next
SLOPE, SLOPING = 4.0, 0.3  # degrees at most, and the share of examples that slope
SIZES = (0.85, 1.15)  # of the later expressions, times that of the first
COUNTS = (2, 2, 3, 4)  # expressions below each other, one of these
LETTER = 8 / 40  # letter heights: what is smaller is no letter, as `find_components` has it
CUT = 4.0  # weight of gaps inside: a formula cut in two is worse than two read as one
SETTINGS = {"num_leaves": 15, "feature_fraction": 0.5, "min_data_in_leaf": 20}


@dataclass(frozen=True)
class RowPlan:
    """How many expressions stand alone, how many stacks there are, how many trees a fold has."""

    singles: int = 4000
    stacks: int = 4000
    trees: int = 200


def train(
    crohme: Path, plan: RowPlan, seed: int, threads: int = 1
) -> tuple[onnx.ModelProto, dict[str, float]]:
    """One ensemble a fold, and by cross-validation: the share of ends found, and that of other
    gaps taken for one."""
    random = Random(seed)
    singles = drawn(crohme, plan.singles, random)
    features, truth, folds = table(singles, plan.stacks, random)
    weights = np.where(truth, 1.0, CUT)
    grown = [
        grow(features, truth, weights, folds, fold, plan.trees, threads, SETTINGS)
        for fold in range(FOLDS)
    ]
    found = held_out(grown, features, folds) >= LEAST
    scores = {"gaps": float(len(truth)), "found": _share(found[truth])}
    return as_onnx(grown, ROW_COLUMNS), scores | {"cut": _share(found[~truth])}


def held_out(grown: Sequence[Trees], features: Array, folds: NDArray[np.int64]) -> Array:
    """Out-of-fold predictions (G,): of each fold by the trees grown without it."""
    told = np.zeros(len(folds), np.float32)
    for fold, trees in enumerate(grown):
        if (held := folds == fold).any():
            told[held] = trees.predict(features[held], num_threads=1)
    return told


def _share(values: NDArray[np.bool_]) -> float:
    return round(float(values.mean()), 4) if len(values) else 0.0


def drawn(crohme: Path, count: int, random: Random) -> list[Array]:
    """Boxes (N, 4) of the components of each of ``count`` expressions, in letter heights."""
    samples = open_dataset(str(crohme), "train")
    random.shuffle(samples)
    found = []
    for sample in samples[:count]:
        if sample.error is not None or sample.ink is None:
            continue
        parts = find_components(legible_ink_image(sample.ink).image)
        if len(parts.boxes):
            found.append(parts.boxes / parts.unit)
    return found


def table(singles: Sequence[Array], stacks: int, random: Random) -> Table:
    """The gaps of all single expressions and of ``stacks`` stacks; a stack is in one fold."""
    features, truth, folds = [], list[bool](), list[int]()
    for index in range(len(singles) + stacks):
        fold = index % FOLDS
        if index < len(singles):
            stack = [singles[index]]
        else:
            stack = random.choices(singles[fold::FOLDS], k=random.choice(COUNTS))
        boxes, row = stacked(stack, random)
        bands = bands_of(boxes)
        if len(bands) > 1:
            features.append(gap_features(boxes, bands))
            truth += [bool(row[a].max() < row[b].min()) for a, b in pairwise(bands)]
            folds += [fold] * (len(bands) - 1)
    return np.concatenate(features), np.array(truth), np.array(folds)


def stacked(expressions: Sequence[Array], random: Random) -> tuple[Array, NDArray[np.int64]]:
    """Expressions below each other: their boxes (N, 4), in letter heights of the whole, and which
    expression each box is of, (N,)."""
    boxes, row = [expressions[0]], [np.zeros(len(expressions[0]), np.int64)]
    for number, each in enumerate(expressions[1:], 1):
        each = each * random.uniform(*SIZES)
        left = boxes[0][:, 0].min() + random.uniform(*ASIDE)
        top = boxes[-1][:, 3].max() + random.uniform(*WHITE) * random.random()
        shift = np.array([left - each[:, 0].min(), top - each[:, 1].min()] * 2)
        boxes.append((each + shift).astype(np.float32))
        row.append(np.full(len(each), number))
    every, rows = np.concatenate(boxes), np.concatenate(row)
    slope = np.tan(np.radians(random.uniform(-SLOPE, SLOPE))) * (random.random() < SLOPING)
    down = slope * every[:, [0, 2]].mean(1, keepdims=True)
    every = every + down * np.array([0, 1, 0, 1])
    height = every[:, 3] - every[:, 1]
    unit = float(np.median(height[height >= LETTER])) if (height >= LETTER).any() else 1.0
    return levelled((every / unit).astype(np.float32)), rows
