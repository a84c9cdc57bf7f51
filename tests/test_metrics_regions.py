"""What counts as a region found: every box once, the closest first, and nothing left out."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmer_cli.geometry import Box, iou_table
from hmer_cli.metrics.regions import (
    PageOutcome,
    as_json,
    as_tables,
    matches,
    score,
    worst,
)

coordinates = st.integers(0, 40).map(float)
boxes = st.lists(
    st.tuples(coordinates, coordinates, st.integers(1, 20), st.integers(1, 20)).map(
        lambda v: (v[0], v[1], v[0] + v[2], v[1] + v[3])
    ),
    max_size=6,
)
SQUARE: Box = (0, 0, 10, 10)


def shifted(by: float) -> Box:
    return (by, 0, 10 + by, 10)


def test_overlap_is_intersection_over_union() -> None:
    assert iou_table([SQUARE], [shifted(5)])[0, 0] == pytest.approx(50 / 150)
    assert iou_table([SQUARE], [SQUARE])[0, 0] == 1
    assert iou_table([SQUARE], [shifted(10)])[0, 0] == 0


def test_a_box_without_area_overlaps_nothing() -> None:
    assert iou_table([(3, 3, 3, 3)], [(3, 3, 3, 3)])[0, 0] == 0


def test_two_boxes_on_one_truth_are_one_hit() -> None:
    assert matches([SQUARE, shifted(1)], [SQUARE], 0.5) == 1


def test_the_closest_pair_is_matched_first() -> None:
    assert matches([shifted(1), shifted(3)], [SQUARE, shifted(2)], 0.75) == 2


@given(boxes, boxes, st.sampled_from([0.5, 0.75]))
def test_matching_is_symmetric_and_never_more_than_there_are(
    some: list[Box], others: list[Box], threshold: float
) -> None:
    hits = matches(some, others, threshold)
    assert hits == matches(others, some, threshold)
    assert hits <= min(len(some), len(others))


@given(boxes)
def test_the_truth_itself_scores_in_full(truth: list[Box]) -> None:
    (half, strict) = score([PageOutcome("p", truth, truth)])
    assert (half.f1, strict.f1) == ((1, 1) if truth else (None, None))


@given(boxes, boxes)
def test_a_stricter_overlap_finds_no_more(found: list[Box], truth: list[Box]) -> None:
    half, strict = score([PageOutcome("p", found, truth)])
    assert strict.hits <= half.hits


def test_scores_are_over_all_boxes_and_not_a_mean_of_pages() -> None:
    pages = [PageOutcome("a", [SQUARE], [SQUARE] * 3), PageOutcome("b", [SQUARE], [])]
    half, _ = score(pages)
    assert (half.precision, half.recall, half.f1) == (0.5, 1 / 3, 0.4)


def test_a_page_that_failed_costs_its_boxes() -> None:
    pages = [PageOutcome("a", [SQUARE], [SQUARE]), PageOutcome("b", (), [SQUARE], "damaged")]
    assert score(pages)[0].recall == 0.5


def test_the_worst_page_is_the_one_with_most_boxes_wrong() -> None:
    good = PageOutcome("good", [SQUARE], [SQUARE])
    bad = PageOutcome("bad", [shifted(30)], [SQUARE])
    worse = PageOutcome("worse", [], [SQUARE] * 5)
    assert [page.name for page in worst([good, bad, worse])] == ["worse", "bad"]


def test_the_report_names_scores_pages_and_boxes() -> None:
    pages = [PageOutcome("a", [SQUARE], [SQUARE]), PageOutcome("b", [], [SQUARE])]
    content = json.loads(as_json(pages, "set", 1.0))
    assert content["scores"][0]["f1"] == pytest.approx(2 / 3)
    assert content["by_page"][0]["found"] == [list(SQUARE)]
    scores, listed = as_tables(pages, 1.0)
    assert ("F1", "66.67 %", "66.67 %") in scores.rows
    assert listed.rows == (("b", "1", "0", "0"),)


def test_no_pages_have_no_score() -> None:
    assert score([])[0].f1 is None
    assert np.array(iou_table([], [SQUARE])).shape == (0, 1)
