"""Features of the pen's way along a line of text."""

from __future__ import annotations

import tracemalloc

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hmer_cli.ink.ink import Stroke
from hmer_cli.recognition.line_features import FEATURES, line_features, placed_features


def wave(letters: int = 6) -> list[Stroke]:
    """Letters like an n, each a stroke, beside each other."""
    t = np.linspace(0, 2 * np.pi, 30)
    letter = np.stack([t * 3, 10 * np.cos(t)], axis=1)
    return [(letter + np.array([25 * i, 0])).astype(np.float32) for i in range(letters)]


@given(st.floats(0.05, 50), st.floats(-1000, 1000), st.floats(-1000, 1000))
def test_neither_place_nor_size_of_the_line_changes_its_features(
    scale: float, x: float, y: float
) -> None:
    there = [(s.astype(np.float64) * scale + (x, y)).astype(np.float32) for s in wave()]
    here, moved = line_features(wave()), line_features(there)
    assert abs(len(here) - len(moved)) <= 1
    if len(here) == len(moved):
        assert np.median(np.abs(here - moved)) < 0.01


def test_a_dot_and_a_long_line_have_features() -> None:
    for strokes in ([np.zeros((1, 2), np.float32)], [np.array([[0, 0], [900, 0]], np.float32)]):
        found = line_features(strokes)
        assert found.shape[1] == FEATURES
        assert len(found) >= 2
        assert np.isfinite(found).all()


def test_places_are_where_the_strokes_are() -> None:
    features, x = placed_features(wave())
    assert len(features) == len(x)
    assert x.min() >= -0.01
    assert x.max() <= 25 * 5 + 6 * np.pi + 0.01
    assert (np.diff(x) >= -0.01).all()


def test_pieces_of_a_skeleton_go_from_left_to_right_whatever_their_order() -> None:
    strokes = wave()
    forwards, backwards = (
        placed_features(some, skeleton=True)[1] for some in (strokes, strokes[::-1])
    )
    assert np.allclose(forwards, backwards)
    assert forwards[0] < forwards[-1]


def test_dots_far_apart_take_no_more_memory_than_a_line() -> None:
    dots = [np.array([(x, 0)], np.float32) for x in (0, 3e6)]
    tracemalloc.start()
    found = line_features(dots)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert np.isfinite(found).all() and most < 10e6  # bytes
