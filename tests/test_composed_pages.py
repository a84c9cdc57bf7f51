"""Pages composed of others' handwriting, on which pages are measured."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

from hmer_cli.datasets.lines import WrittenLine
from hmer_cli.datasets.pages import PageDataset, TrueExpression, open_any
from hmer_cli.geometry import inside
from hmer_cli.ink.ink import Ink
from hmer_cli.metrics.pages import ReadExpression, score_page
from hmer_cli.synthesis.engine import InkEngine
from hmer_cli.training.page_synthesis.handwriting import Hand, hand_of, words_of
from hmer_cli.training.page_synthesis.notes_page import SIZE, ComposedPage, Composer

LABELS = (
    "x = 1 + a", "a + b = c", "x ^ { 2 }", "f ( x ) = 3", r"\frac { a } { b } = 2", "n + 1",
    "( a + 4 ) x", r"y \leq 5", r"\sqrt { x } + 0", "7 ( x + 6 ) = 8 - 9",
)  # fmt: skip


def ink(label: str, seed: int) -> Ink:
    found = InkEngine().write(label, seed, np.random.default_rng(seed)).ink
    assert found is not None
    return found


@pytest.fixture(scope="module")
def hand() -> Hand:
    return hand_of([ink(label, seed) for seed in range(2) for label in LABELS])


def page_of(hand: Hand, seed: int, columns: int = 1) -> ComposedPage:
    said = [ink(word, 1) for word in ("m n o", "a b c d", "x v w z")]
    words = [piece for each in said for piece in words_of(WrittenLine("", "ab", each.strokes))]
    return Composer(hand, words, columns, np.random.default_rng(seed)).page()


@pytest.mark.parametrize("columns", [1, 2])
def test_true_boxes_lie_on_the_page_apart_from_each_other_and_hold_ink(
    hand: Hand, columns: int
) -> None:
    page = page_of(hand, 3, columns)
    boxes = [each.box for each in page.expressions]
    assert len(boxes) > 10
    for box in boxes:
        assert box[0] >= 0 and box[1] >= 0 and box[2] <= SIZE[0] and box[3] <= SIZE[1]
        assert all(inside(box, other) < 0.5 for other in boxes if other is not box)
        assert any(inside(Ink((stroke,)).box(), box) > 0.99 for stroke in page.strokes)
    assert {each.kind for each in page.expressions} == {"display", "inline"}


def test_formulas_are_as_high_as_the_words_beside_them(hand: Hand) -> None:
    (formula,) = hand_of([ink("x = a", 1)]).formulas
    (word,) = words_of(WrittenLine("", "xa", ink("x a", 1).strokes))
    high = max(float(np.ptp(stroke[:, 1])) for stroke in word.strokes)
    assert formula.label == "x = a"
    assert formula.box[3] == pytest.approx(0, abs=0.4) and word.box[3] == pytest.approx(0, abs=0.4)
    assert 0.6 < high < 1.7


def test_numbers_and_names_are_no_formulas_of_a_page() -> None:
    found = hand_of([ink(label, 1) for label in ("1 2", "a b", "a + b")])
    assert [each.label for each in found.formulas] == ["a + b"]


def script(name: str) -> ModuleType:
    path = Path(__file__).parent.parent / "benchmarks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    return script("composed_pages")


@pytest.mark.parametrize("images", [False, True])
def test_every_file_is_opened_with_the_ink_of_its_true_boxes(
    hand: Hand, benchmark: ModuleType, tmp_path: Path, images: bool
) -> None:
    benchmark.written(iter([page_of(hand, 5)] * 3), tmp_path, images, 0)
    dataset = open_any(str(tmp_path))
    assert isinstance(dataset, PageDataset) and len(dataset.pages) == 3
    assert {path.suffix for path in tmp_path.iterdir()} == (
        {".json", ".png"} if images else {".json", ".xopp", ".pdf", ".inkml"}
    )
    for page in dataset.pages:
        image, there = page.picture()
        for box in page.boxes[:5]:
            corners = np.array([[box[:2]], [box[2:]]], np.float64)
            (x0, y0), (x1, y1) = cv2.perspectiveTransform(corners, there)[:, 0]
            rows = image[int(y0) : int(y1) + 1, int(x0) : int(x1) + 1]
            edge = np.concatenate([rows[0], rows[-1], rows[:, 0], rows[:, -1]])
            assert rows.min() < 120 and edge.mean() > 200


def test_what_is_read_and_of_no_truth_counts_as_wrong(benchmark: ModuleType) -> None:
    box, far = (0.0, 0.0, 10.0, 10.0), (50.0, 50.0, 60.0, 60.0)
    reads = [ReadExpression(box, "x", 0.9), ReadExpression(far, "y", 0.6)]
    page = score_page("a", [TrueExpression(box, "x")], reads)
    assert [right for _, right in benchmark.answers([page])] == [True, False]
    lines = list(benchmark.said([page]))
    assert "ok 2, of these wrong 1; right but not ok 0" in lines
    assert "| 0.5 | 2 | 50.00 % |" in lines and "| 0.7 | 1 | 0.00 % |" in lines


def test_evidence_against_a_region_gets_the_weight_that_its_answers_ask_for(
    benchmark: ModuleType,
) -> None:
    assert benchmark.BOUNDS
    trust, rng = script("page_trust"), np.random.default_rng(1)
    halves = []
    for offset in (0.0, -1.0):  # pages of another difficulty
        told = rng.integers(0, 2, (4000, 3)).astype(float)
        odds = rng.normal(1, 1, 4000)
        sure = 1 / (1 + np.exp(-(odds + offset + told @ [-2.0, 0.0, 1.0])))
        halves.append((told, odds, (rng.random(4000) < sure).astype(float)))
    weights = trust.fitted(halves)
    assert weights[0] == pytest.approx(-2, abs=0.2)
    assert -0.15 < weights[1] <= 0 and weights[2] == 0
