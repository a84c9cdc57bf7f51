"""Trees that tell where a row of writing ends: what they are grown from, and what they answer."""

from __future__ import annotations

import gzip
import random
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import pytest

pytest.importorskip("lightgbm")
pytest.importorskip("onnxmltools")

from hypothesis import given, settings
from hypothesis import strategies as st

from hmer_cli.errors import MissingError
from hmer_cli.page.detect.detector import FOLDS, ROWS, Detector
from hmer_cli.page.detect.rows import ROW_COLUMNS, bands_of, find_rows
from hmer_cli.training.detector.boosted_trees import Trees, as_onnx, grow
from hmer_cli.training.detector.row_trees import SETTINGS, Array, stacked, table

pytestmark = pytest.mark.torch


def line(letters: int) -> Array:
    """Letters beside each other, one letter height high."""
    left = np.arange(letters) * 1.3
    return np.stack([left, left * 0, left + 1, left * 0 + 1], 1).astype(np.float32)


def fraction(letters: int) -> Array:
    """A line, a bar and another line: white on both sides of the bar that ends no row."""
    above, width = line(letters), letters * 1.3
    bar = np.array([[0, 1.2, width, 1.3]], np.float32)
    return np.concatenate([above, bar, above + np.array([0, 1.5, 0, 1.5], np.float32)])


SINGLES = [shape(count) for count in range(3, 13) for shape in (line, fraction)] * 6


def grown(seed: int) -> list[Trees]:
    features, truth, folds = table(SINGLES, 240, Random(seed))
    ones = np.ones(len(truth))
    return [grow(features, truth, ones, folds, fold, 60, 1, SETTINGS) for fold in range(FOLDS)]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(0, 999))
@settings(max_examples=25, deadline=None)
def test_expressions_are_stacked_below_each_other_in_their_order(
    counts: list[int], seed: int
) -> None:
    boxes, row = stacked([line(count) for count in counts], Random(seed))
    assert np.bincount(row).tolist() == counts
    tops = [boxes[row == number, 1].min() for number in range(len(counts))]
    assert all(upper < lower for upper, lower in pairwise(tops))


def test_the_white_inside_of_an_expression_ends_no_row() -> None:
    _, inside, _ = table([fraction(4)] * FOLDS, 0, Random(0))
    _, between, folds = table([line(4)] * FOLDS, 50, Random(0))
    assert not inside.any() and between.all()
    assert set(folds.tolist()) == set(range(FOLDS))


def test_a_table_depends_on_its_seed_alone() -> None:
    state = random.getstate()
    first, again, other = (table(SINGLES, 20, Random(seed))[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert random.getstate() == state


def test_grown_trees_part_lines_and_keep_fractions_whole(tmp_path: Path) -> None:
    model = as_onnx(grown(0), ROW_COLUMNS).SerializeToString()
    (tmp_path / ROWS).write_bytes(gzip.compress(model))
    judge = Detector(tmp_path, [ROWS]).likely_rows
    lines = np.concatenate([line(6), line(6) + np.array([0, 2.5, 0, 2.5], np.float32)])
    assert [len(row) for row in find_rows(lines, 1.0, judge)] == [6, 6]
    assert len(bands_of(fraction(6))) == 3 and len(find_rows(fraction(6), 1.0, judge)) == 1


def test_trees_for_other_measures_of_gaps_are_refused(tmp_path: Path) -> None:
    model = as_onnx(grown(0), ROW_COLUMNS[::-1]).SerializeToString()
    (tmp_path / ROWS).write_bytes(gzip.compress(model))
    with pytest.raises(MissingError, match="other features"):
        Detector(tmp_path, [ROWS])
