"""The motion of the pen beside the ink."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmer_cli.ink.motion import CHANNELS, motion
from hmer_cli.ink.render import draw

RIGHT = np.array([[10, 20], [30, 20]], np.float32)
DOWN = np.array([[20, 10], [20, 30]], np.float32)

points = st.lists(
    st.tuples(st.floats(-20, 80, width=32), st.floats(-20, 80, width=32)), min_size=1, max_size=6
)


def test_directions_are_those_of_the_pen() -> None:
    across = motion([RIGHT], (40, 40), 2.0)[:, 20, 20]
    back = motion([RIGHT[::-1]], (40, 40), 2.0)[:, 20, 20]
    down = motion([DOWN], (40, 40), 2.0)[:, 20, 20]
    assert across[:2].tolist() == [127, 0]
    assert back[:2].tolist() == [-127, 0]
    assert down[:2].tolist() == [0, 127]


def test_a_stroke_begins_low_and_ends_high() -> None:
    along = motion([RIGHT], (40, 40), 2.0)[2, 20, 11:30].astype(int)
    assert (np.diff(along) >= 0).all()
    assert along[0] < -90
    assert along[-1] > 90


def test_the_later_of_two_strokes_is_seen_where_they_cross() -> None:
    first, second = motion([RIGHT, DOWN], (40, 40), 2.0), motion([DOWN, RIGHT], (40, 40), 2.0)
    assert first[:2, 20, 20].tolist() == [0, 127]
    assert second[:2, 20, 20].tolist() == [127, 0]


def test_strokes_are_told_apart_by_their_number() -> None:
    rows = [np.array([[5, y], [35, y]], np.float32) for y in range(5, 36, 6)]
    numbers = [int(motion(rows, (40, 40), 2.0)[3, y, 20]) for y in range(5, 36, 6)]
    assert len(set(numbers[:5])) == 5
    assert numbers[5] == numbers[0]
    assert int(motion(rows, (40, 40), 2.0, first=1)[3, 5, 20]) == numbers[1]


@given(st.lists(points, min_size=1, max_size=4), st.floats(1, 5))
def test_all_ink_has_its_motion_and_paper_has_none(
    drawn: list[list[tuple[float, float]]], pen: float
) -> None:
    strokes = [np.array(stroke, np.float32) for stroke in drawn]
    shape = (60, 60)
    found = motion(strokes, shape, pen)
    assert found.shape == (CHANNELS, *shape)
    covered = motion(strokes, shape, pen, first=1).any(axis=0) | found.any(axis=0)
    ink = draw(strokes, shape, pen)
    assert covered[ink < 80].all()
    assert not covered[draw(strokes, shape, pen + 6) > 250].any()


def test_no_strokes_are_no_motion() -> None:
    assert not motion([], (20, 30), 2.0).any()


def test_motion_drawn_in_pieces_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    strokes = [RIGHT, DOWN, RIGHT[::-1] + 3]
    whole = motion(strokes, (40, 40), 4.0)
    monkeypatch.setattr("hmer_cli.ink.motion._AT_ONCE", 7)
    assert (motion(strokes, (40, 40), 4.0) == whole).all()
