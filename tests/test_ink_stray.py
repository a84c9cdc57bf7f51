"""Points and marks far from all other ink: left out and said, while real dots and primes stay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from handmade import open_pages
from hypothesis import given
from hypothesis import strategies as st
from inkfiles import written

from hmer_cli.ink.ink import Ink, Stroke
from hmer_cli.ink.inkml import write_inkml
from hmer_cli.ink.stray import without_strays

INK = written(r"x ^ { 2 } + y _ { 1 } = \sqrt { 5 }")
X0, Y0, X1, Y1 = INK.box()
LONG = max(X1 - X0, Y1 - Y0)


def line(*points: tuple[float, float]) -> Stroke:
    return np.array(points, np.float32)


def dense(*points: tuple[float, float]) -> Stroke:
    """A line with a point every fiftieth of its way."""
    corners = np.array(points)
    places = np.linspace(0, len(corners) - 1, 50 * (len(corners) - 1) + 1)
    columns = [np.interp(places, np.arange(len(corners)), column) for column in corners.T]
    return np.stack(columns, axis=1).astype(np.float32)


def with_strokes(*strokes: Stroke) -> Ink:
    return Ink((*INK.strokes, *strokes))


@pytest.mark.parametrize("away", [2, 10, 1000, 100_000])
@pytest.mark.parametrize("mark", [line((0, 0)), line((0, 0), (3, 4)), line((0, 0), (0, 0))])
def test_marks_far_away_are_left_out(away: float, mark: Stroke) -> None:
    for way in ((away, 0), (0, -away), (-away, away)):
        there = mark + np.array([X1 + LONG * way[0], Y1 + LONG * way[1]], np.float32)
        found = without_strays(with_strokes(there.astype(np.float32)))
        assert found.strokes == INK.strokes
        assert [(e.what, e.box, e.doubtful) for e in found.left_out] == [("stray mark", None, True)]


def test_two_marks_in_two_places_are_left_out() -> None:
    ink = with_strokes(line((X1 + 5 * LONG, Y0)), line((X0 - 9 * LONG, Y1)))
    assert without_strays(ink).strokes == INK.strokes


@given(st.floats(-1.4, 1.4), st.floats(-1.4, 1.4), st.integers(1, 3))
def test_what_is_no_farther_than_the_ink_is_long_stays(x: float, y: float, count: int) -> None:
    dots = [line((X1 + LONG * x / 1.5, Y0 + LONG * y / 1.5 + 9 * n)) for n in range(count)]
    ink = with_strokes(*dots)
    assert without_strays(ink) is ink


def test_writing_in_two_places_stays() -> None:
    far = [(stroke + np.array([0, 9 * LONG])).astype(np.float32) for stroke in INK.strokes]
    assert len(without_strays(with_strokes(*far)).strokes) == 2 * len(INK.strokes)
    large = dense((X1 + 5 * LONG, Y0), (X1 + 6 * LONG, Y1))
    assert len(without_strays(with_strokes(large)).strokes) == len(INK.strokes) + 1
    few = Ink((line((0, 0)), line((9, 0)), line((500, 0))))
    assert without_strays(few) is few  # an ellipsis, perhaps


@pytest.mark.parametrize("place", [0, 20, -1])
@pytest.mark.parametrize("count", [1, 2])
def test_points_to_which_the_pen_jumps_are_left_out(place: int, count: int) -> None:
    stroke = dense((X0, Y0), (X1, Y1))
    glitch = np.full((count, 2), -4 * LONG, np.float32)
    parts = {0: [glitch, stroke], -1: [stroke, glitch]}
    jumped = np.concatenate(parts.get(place, [stroke[:place], glitch, stroke[place:]]))
    found = without_strays(with_strokes(jumped))
    assert found.strokes[-1].tolist() == stroke.tolist()
    assert [each.what for each in found.left_out] == ["stray point"] * count


def test_a_point_that_jumps_in_several_strokes_is_left_out_of_each() -> None:
    stroke = dense((X0, Y0), (X1, Y1))
    jumped = np.concatenate([stroke, line((-9 * LONG, -9 * LONG))])
    found = without_strays(with_strokes(jumped, jumped))
    assert [len(each) for each in found.strokes[-2:]] == [len(stroke)] * 2


@pytest.mark.parametrize("stroke", [
    line((X0, Y1), (X0 + 5, Y1 + 9), (X0 + 9, Y0), (X1 + 3 * LONG, Y0)),  # a long root, few points
    dense((X0, Y0), (X1 + 5 * LONG, Y0)),  # a long bar
    np.concatenate([dense((X0, Y0), (X0 + 9, Y0)), line((X1 + 0.9 * LONG, Y0))]),  # near enough
])  # fmt: skip
def test_long_lines_stay(stroke: Stroke) -> None:
    ink = with_strokes(stroke)
    assert without_strays(ink) is ink


def test_a_page_of_ink_is_drawn_without_strays(tmp_path: Path) -> None:
    path = tmp_path / "x.inkml"
    path.write_bytes(write_inkml(with_strokes(line((1e6, 1e6)))))
    (page,) = open_pages(path)
    assert page.written is not None
    assert page.written.ink.box() == pytest.approx(INK.box(), abs=0.01)
    assert max(page.image.shape) < 2000
