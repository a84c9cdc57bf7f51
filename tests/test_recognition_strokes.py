"""What the graph model sees of strokes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmer_cli.recognition.strokes import CHANNELS, POINTS, stroke_features

places = st.integers(-300, 300).map(float)
strokes = st.lists(st.tuples(places, places), min_size=1, max_size=12).map(
    lambda points: np.array(points, np.float32)
)


@given(st.lists(strokes, min_size=1, max_size=6))
def test_any_ink_is_told_in_finite_numbers(ink: list[np.ndarray]) -> None:
    told = stroke_features(ink)
    assert told.shapes.shape == (len(ink), CHANNELS, POINTS)
    assert np.isfinite(told.shapes).all() and np.isfinite(told.boxes).all()
    assert np.abs(told.shapes).max() <= 1.001
    assert (told.boxes[:, :2] <= told.boxes[:, 2:]).all()
    assert told.boxes[:, :2].min(axis=0) == pytest.approx(-told.boxes[:, 2:].max(axis=0), abs=1e-3)


@given(st.lists(strokes, min_size=1, max_size=6), st.sampled_from([0.5, 4.0]), places, places)
def test_neither_the_unit_nor_the_place_of_ink_matters(
    ink: list[np.ndarray], scale: float, x: float, y: float
) -> None:
    told, moved = stroke_features(ink), stroke_features([stroke * scale + (x, y) for stroke in ink])
    assert np.allclose(told.boxes, moved.boxes, atol=1e-3)
    assert np.allclose(told.shapes[:, :2], moved.shapes[:, :2], atol=1e-2)


def test_points_lie_at_equal_distances_however_fast_the_pen_was() -> None:
    slow = np.array([(x, 0) for x in (0, 1, 2, 3, 90)], np.float32)
    told = stroke_features([slow, np.array([(0, 50), (0, 90)], np.float32)])
    assert told.shapes[0, 0] == pytest.approx(np.linspace(-1, 1, POINTS), abs=1e-5)
    assert told.shapes[1, 1] == pytest.approx(np.linspace(-1, 1, POINTS), abs=1e-5)
    assert np.allclose(told.shapes[:, 2:].mean(axis=2), [[1, 0], [0, 1]])


def test_a_dot_stays_small_beside_the_rest() -> None:
    bar = np.array([(0, 0), (0, 30)], np.float32)
    dot = np.array([(10, 30), (10.5, 30.5)], np.float32)
    told = stroke_features([bar, dot])
    assert np.abs(told.shapes[1, :2]).max() < 0.3
    assert np.abs(told.shapes[0, :2]).max() == pytest.approx(1)


def test_strokes_keep_their_order_and_their_direction() -> None:
    there = np.array([(0, 0), (30, 10)], np.float32)
    back, other = there[::-1], there + np.array([50, 0], np.float32)
    assert np.allclose(
        stroke_features([there, other]).boxes, stroke_features([other, there]).boxes[::-1]
    )
    shapes = stroke_features([there]).shapes[0], stroke_features([back]).shapes[0]
    assert np.allclose(shapes[0][:2], shapes[1][:2, ::-1], atol=1e-5)
    assert np.allclose(shapes[0][2:], -shapes[1][2:], atol=1e-5)
