"""What parts of a page are told of each other, and what their views say of boxes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmer_cli.page.detect.candidates import Line
from hmer_cli.page.detect.component_graph import (
    NEIGHBOURS,
    Links,
    Predictions,
    component_graph,
    nearest,
    predict,
    relations,
)
from hmer_cli.page.detect.components import InkComponents
from hmer_cli.page.detect.detector import shipped
from hmer_cli.page.detect.integral import Floats
from hmer_cli.page.detect.network_features import NETWORK_FEATURES, gap_scores, network_features

places = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=40)


def letters(corners: list[tuple[int, int]]) -> Floats:
    """Boxes of one letter height each way."""
    return np.array([(x, y, x + 1, y + 1) for x, y in corners], np.float32)


def row(count: int, groups: int) -> tuple[InkComponents, Predictions, list[np.ndarray]]:
    """Letters along one line, and views that take them for so many expressions of equal length."""
    boxes = letters([(2 * at, 0) for at in range(count)]) * 10
    owner = np.arange(count) * groups // count
    around = np.stack([boxes[owner == own][[0, -1]].reshape(-1)[[0, 1, 6, 7]] for own in owner])
    ones = np.ones(count, np.float32)
    known = (np.abs(np.subtract.outer(np.arange(count), np.arange(count))) == 1).astype(np.float32)
    same = known * (owner[:, None] == owner)
    parts = InkComponents(
        boxes, ones, 10, np.zeros((count, 10), np.float32), np.zeros((20, 400), np.uint8)
    )
    members = [np.flatnonzero(owner == own) for own in range(groups)]
    rows, columns = np.nonzero(known)
    links = Links(count, rows, columns, same[rows, columns].astype(np.float32))
    return parts, Predictions(ones, around.astype(np.float32), links), members


@given(places)
def test_a_part_looks_at_itself_and_the_nearest(corners: list[tuple[int, int]]) -> None:
    boxes = letters(corners)
    found = nearest(boxes)
    assert found.shape == (len(boxes), NEIGHBOURS)
    assert (found[:, 0] == np.arange(len(boxes))).all()
    for own, others in enumerate(found):
        seen = set(others.tolist())
        assert len(seen) == min(NEIGHBOURS, len(boxes)) and own in seen


@given(places, st.integers(-500, 500), st.integers(-500, 500))
def test_parts_lie_from_each_other_alike_wherever_they_are(
    corners: list[tuple[int, int]], x: int, y: int
) -> None:
    boxes = letters(corners)
    moved = boxes + np.array([x, y, x, y], np.float32)
    near = nearest(boxes)
    assert (nearest(moved) == near).all()
    assert relations(moved, near) == pytest.approx(relations(boxes, near), abs=1e-3)


def test_what_neighbours_say_of_each_other_is_one_answer() -> None:
    boxes = letters([(0, 0), (2, 0), (4, 0)]) * 10
    parts = InkComponents(
        boxes,
        np.ones(3, np.float32),
        10,
        np.zeros((3, 60), np.float32),
        np.zeros((20, 60), np.uint8),
    )
    told = component_graph(parts, shipped().kinds)
    same = np.where(told.neighbours == 0, 0.2, 0.8).astype(np.float32)
    seen = predict(parts, told, np.ones(3, np.float32), np.zeros((3, 4), np.float32), same)
    links = seen.links
    said = dict(zip(zip(links.rows, links.columns, strict=True), links.same, strict=True))
    assert set(said) == {(i, j) for i in range(3) for j in range(3) if i != j}
    assert said[0, 1] == said[1, 0] == pytest.approx(0.5)
    assert seen.boxes[1] == pytest.approx([15, -5, 35, 15])


def test_the_gap_between_two_expressions_is_the_likeliest_cut() -> None:
    parts, seen, _ = row(12, 2)
    line = Line(parts.boxes, tuple(np.array([at]) for at in range(12)))
    cuts = gap_scores(line, seen)
    assert cuts.shape == (11, 2)
    assert (cuts.argmax(0) == 5).all() and np.delete(cuts, 5, 0).max() == 0


def test_the_box_that_its_parts_think_of_is_told_from_others() -> None:
    parts, seen, members = row(12, 3)
    hulls = [(*parts.boxes[m[0], :2], *parts.boxes[m[-1], 2:]) for m in members]
    merged = (*hulls[0][:2], *hulls[1][2:])
    half = (*hulls[0][:2], *parts.boxes[members[0][1], 2:])
    found = network_features(seen, parts, np.array([hulls[0], merged, half], np.float32), 0.0)
    assert found.shape == (3, NETWORK_FEATURES) and np.isfinite(found).all()
    fit, within, across = found[:, 4], found[:, 18], found[:, 20]
    assert fit[0] == pytest.approx(1) and fit[1:].max() < 0.6
    assert within[0] == 1 and within[1] < 1
    assert across[0] == 0 and across[2] > 0


def test_a_page_without_mathematics_has_opinions_all_the_same() -> None:
    parts, seen, _ = row(6, 1)
    none = Predictions(seen.maths * 0, seen.boxes, seen.links)
    found = network_features(none, parts, parts.boxes, 2.0)
    assert found.shape == (6, NETWORK_FEATURES) and np.isfinite(found).all()
