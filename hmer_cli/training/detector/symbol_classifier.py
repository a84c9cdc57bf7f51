"""Train the network that tells kinds of signs: CROHME's ink -> weights/hmer-signs-1.onnx.

    python train/signs.py --inks ../shared/data/crohme.zip \
        --mathbrush ../shared/data/mathbrush-symbols.txt.gz --out weights

needs scikit-learn and onnx; takes seconds. No page is used, so that pages can be judged by it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from ship import SHIPPED, enter
from sklearn.neural_network import MLPClassifier

from hmer_cli.data.datasets import open_dataset
from hmer_cli.ink.render import draw
from hmer_cli.page.detect.detector import SIGNS
from hmer_cli.page.detect.symbol_classes import SYMBOL_CLASSES, SYMBOL_FEATURES, symbol_features
from hmer_cli.synthesis.glyph import Glyph
from hmer_cli.training.compose.symbol_bank import SymbolBank

EACH, LEAST = 2400, 60  # drawings of a kind, and of one of its tokens at least
HIDDEN = (96, 48)
EPOCHS = 14


def main() -> None:
    """Draw, train, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inks", required=True, help="CROHME package")
    parser.add_argument("--mathbrush", type=Path, help="isolated symbols as strokes")
    parser.add_argument("--out", type=Path, default=Path("weights"))
    options = parser.parse_args()
    samples = open_dataset(options.inks, "train")
    inks = [s.ink.with_label(s.label) for s in samples if s.error is None and s.ink and s.label]
    random = np.random.default_rng(0)
    rows = list(_drawings(SymbolBank.build(inks, options.mathbrush), random))
    order = random.permutation(len(rows))
    looks = np.array([rows[i][0] for i in order])
    kinds = np.array([rows[i][1] for i in order])
    held = len(rows) // 10
    network = MLPClassifier(HIDDEN, max_iter=EPOCHS, batch_size=256, learning_rate_init=2e-3)
    network.set_params(random_state=0).fit(looks[held:], kinds[held:])
    sys.stderr.write(
        f"right on a tenth held out: {network.score(looks[:held], kinds[:held]):.3f}\n"
    )
    onnx.save(as_onnx(network.coefs_, network.intercepts_), options.out / SIGNS)
    if options.out.resolve() == SHIPPED:
        enter(SHIPPED / SIGNS, "tells kinds of signs on a page")


def _drawings(bank: SymbolBank, random: np.random.Generator) -> Iterator[tuple[NDArray, int]]:
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


def as_onnx(weights: list[NDArray], offsets: list[NDArray]) -> onnx.ModelProto:
    """The network from sights (N, S) to shares (N, K)."""
    nodes, held, name = [], [], "sights"
    for layer, (weight, offset) in enumerate(zip(weights, offsets, strict=True)):
        held.append(numpy_helper.from_array(weight.astype(np.float32), f"w{layer}"))
        held.append(numpy_helper.from_array(offset.astype(np.float32), f"b{layer}"))
        nodes.append(helper.make_node("Gemm", [name, f"w{layer}", f"b{layer}"], [f"z{layer}"]))
        last = layer == len(weights) - 1
        name = "kinds" if last else f"a{layer}"
        nodes.append(helper.make_node("Softmax" if last else "Relu", [f"z{layer}"], [name]))
    real = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "signs",
        [helper.make_tensor_value_info("sights", real, ["N", SYMBOL_FEATURES])],
        [helper.make_tensor_value_info("kinds", real, ["N", len(SYMBOL_CLASSES)])],
        held,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


if __name__ == "__main__":
    main()
