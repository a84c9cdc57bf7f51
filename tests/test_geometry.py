"""Boxes: what they share, and what holds them all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmer_cli.geometry import Box, area, bounds, inside, iou, iou_table, projected, union

coordinates = st.integers(-40, 40).map(float)
boxes = st.tuples(coordinates, coordinates, coordinates, coordinates)
SQUARE: Box = (0, 0, 10, 10)


@given(boxes, boxes)
def test_iou_is_a_share_the_same_both_ways_and_that_of_two_empty_boxes_is_nought(
    a: Box, b: Box
) -> None:
    shared = float(iou(a, b))
    assert 0 <= shared <= 1
    assert shared == float(iou(b, a))
    if area(a) == 0 or area(b) == 0:
        assert shared == 0


@given(st.lists(boxes, min_size=1, max_size=5), st.lists(boxes, min_size=1, max_size=5))
def test_the_table_holds_each_with_each(some: list[Box], others: list[Box]) -> None:
    table = iou_table(some, others)
    assert table.tolist() == [[float(iou(a, b)) for b in others] for a in some]


@given(st.lists(boxes, min_size=1, max_size=5))
def test_the_union_of_tuples_is_the_bounds_of_an_array(some: list[Box]) -> None:
    assert union(some) == tuple(bounds(np.array(some)))


def test_float32_stays_float32_and_tuples_are_exact() -> None:
    array = np.array([SQUARE], np.float32)
    assert iou(array, array).dtype == np.float32
    assert iou(SQUARE, SQUARE).dtype == np.float64
    assert inside((5, 0, 15, 10), SQUARE) == pytest.approx(0.5)
    assert inside((5, 5, 5, 9), SQUARE) == 0


def test_a_box_after_a_homography_is_the_box_round_its_corners() -> None:
    turned = (0.0, -1.0, 100.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)  # a quarter turn
    assert projected([(10, 20, 30, 25)], turned).tolist() == [[75, 10, 80, 30]]
    nearer = (2.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 4.0)
    assert projected([(10, 20, 30, 26)], nearer).tolist() == [[5, 10, 15, 13]]
