"""The order in which the expressions of a page are read, by their boxes."""

from __future__ import annotations

import random

import pytest

from hmer_cli.geometry import Box
from hmer_cli.page.detect.search import in_reading_order

ORDERED: dict[str, list[Box]] = {
    "rows that climb": [
        *((0, 40, 200, 80), (400, 20, 600, 60), (800, 0, 1000, 40)),
        *((0, 120, 200, 160), (400, 100, 600, 140), (800, 80, 1000, 120)),
    ],
    "rows that fall": [(0, 0, 200, 40), (400, 20, 600, 60), (800, 40, 1000, 80)],
    "a fraction right of a flat formula": [
        *((0, 0, 100, 20), (150, 30, 250, 50), (300, 0, 400, 80), (0, 100, 90, 120)),
    ],
    "two lines right of the lower half of a matrix": [
        *((0, 0, 100, 100), (205, 41, 300, 61), (200, 80, 300, 100)),
    ],
    "neighbours whose boxes touch": [(0, 10, 105, 50), (100, 0, 200, 44)],
    "a column whose lines step": [(0, 0, 100, 40), (90, 30, 190, 70), (180, 60, 280, 100)],
}


@pytest.mark.parametrize("boxes", ORDERED.values(), ids=ORDERED.keys())
def test_rows_are_read_from_left_to_right_and_from_the_top_down(boxes: list[Box]) -> None:
    for seed in range(6):
        mixed = random.Random(seed).sample(boxes, len(boxes))
        assert in_reading_order(mixed) == boxes


def test_boxes_that_precede_each_other_in_a_circle_are_each_there_once() -> None:
    circle: list[Box] = [(0, 0, 100, 100), (110, 40, 300, 200), (50, 90, 200, 110)]
    assert sorted(in_reading_order(circle * 2)) == sorted(circle * 2)
    assert in_reading_order([]) == []
