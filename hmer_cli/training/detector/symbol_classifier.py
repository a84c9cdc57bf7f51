"""Training of the symbol classifier: rasters of symbols -> a perceptron as ONNX.

Input: symbols of CROHME and MathBrush. Output: an ONNX file. No page is used, so that any page can
be scored by it. Seconds on one core.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx.utils import Extractor
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from hmer_cli.datasets.expressions import open_dataset
from hmer_cli.ink.render import draw
from hmer_cli.page.detect.symbol_classes import SYMBOL_CLASSES, SYMBOL_FEATURES, symbol_features
from hmer_cli.synthesis.glyph import Glyph
from hmer_cli.training.compose.symbol_bank import SymbolBank

EACH, LEAST = 2400, 60  # drawings of a kind, and of one of its tokens at least
HIDDEN = (96, 48)
EPOCHS = 14
OPSET = {"": 17, "ai.onnx.ml": 3}


def train(crohme: Path, symbols: Path | None, seed: int) -> tuple[onnx.ModelProto, float]:
    """The classifier, and its accuracy on the tenth of the drawings that was held out."""
    samples = open_dataset(str(crohme), "train")
    inks = [s.ink.with_label(s.label) for s in samples if s.error is None and s.ink and s.label]
    random = np.random.default_rng(seed)
    rows = list(_drawings(SymbolBank.build(inks, [symbols] if symbols else []), random))
    order = random.permutation(len(rows))
    looks = np.array([rows[i][0] for i in order])
    kinds = np.array([rows[i][1] for i in order])
    held = len(rows) // 10
    network = MLPClassifier(HIDDEN, max_iter=EPOCHS, batch_size=256, learning_rate_init=2e-3)
    # a kind that the data has not keeps its place among the outputs
    first = [looks[held:], np.zeros((len(SYMBOL_CLASSES), SYMBOL_FEATURES), np.float32)]
    known = [kinds[held:], np.arange(len(SYMBOL_CLASSES))]
    missing = len(set(kinds[held:].tolist())) < len(SYMBOL_CLASSES)
    network.set_params(random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the epochs are fixed
        network.fit(*(map(np.concatenate, (first, known)) if missing else (first[0], known[0])))
    return as_onnx(network), float(network.score(looks[:held], kinds[:held]))


def _drawings(
    bank: SymbolBank, random: np.random.Generator
) -> Iterator[tuple[NDArray[np.float32], int]]:
    """Sights of signs in many sizes, slants and pens, and their kinds."""
    for kind, tokens in enumerate(SYMBOL_CLASSES.values()):
        known = [(token, shelf) for token in tokens.split() if (shelf := bank.shelf(token))]
        each = max(LEAST, EACH // max(len(known), 1))
        for _, shelf in known:
            count = min(each, len(shelf.glyphs))
            for index in random.choice(len(shelf.glyphs), count, replace=False):
                yield _sight(shelf.glyphs[index], random), kind


def _sight(glyph: Glyph, random: np.random.Generator) -> NDArray[np.float32]:
    unit = float(random.uniform(14, 24))
    turn = np.array([[random.uniform(0.85, 1.15), 0], [random.normal(0, 0.06), 1]]) * unit
    strokes = [stroke @ turn for stroke in glyph.strokes]
    low = np.min([stroke.min(0) for stroke in strokes], 0) - 4
    high = np.max([stroke.max(0) for stroke in strokes], 0) + 5
    moved = [(stroke - low).astype(np.float32) for stroke in strokes]
    width, height = (high - low).astype(int)
    drawn = draw(moved, (int(height), int(width)), unit * float(random.uniform(0.08, 0.2)))
    ink = (drawn < 160).astype(np.uint8)
    rows, columns = np.nonzero(ink)
    if not len(rows):
        return np.zeros(SYMBOL_FEATURES, np.float32)
    box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    return symbol_features(
        ink, np.array([box], np.float32), unit * float(random.uniform(0.95, 1.6))
    )[0]


def as_onnx(network: MLPClassifier) -> onnx.ModelProto:
    """The classifier from sights (N, S) to shares (N, K), by skl2onnx."""
    whole = to_onnx(
        network,
        initial_types=[("sights", FloatTensorType([None, SYMBOL_FEATURES]))],
        options={"zipmap": False, "output_class_labels": False},
        target_opset=OPSET,
    )
    model = Extractor(whole).extract_model(["sights"], ["probabilities"])  # no labels
    onnx.checker.check_model(model)
    return model
