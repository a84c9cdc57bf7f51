"""SVG elements and path data are read as strokes, up to their errors."""

from __future__ import annotations

import numpy as np
import pytest
from inkfiles import read

from hmer_cli.ink.svg_path import path_lines


@pytest.mark.parametrize(("element", "points"), [
    ("<path stroke='red' d='m1 2 3 4h5v-6z'/>", [(1, 2), (4, 6), (9, 6), (9, 0), (1, 2)]),
    ("<polyline stroke='red' points='1,2 3,4'/>", [(1, 2), (3, 4)]),
    ("<line stroke='red' x1='1' y1='2' x2='3px' y2='4'/>", [(1, 2), (3, 4)]),
    ("<g transform='translate(10) scale(2)'><path style='stroke:#000' d='M1 2L3 4'/></g>",
     [(12, 4), (16, 8)]),
    ("<g transform='rotate(90 1 1)'><path stroke='red' d='M1 1L2 1'/></g>", [(1, 1), (1, 2)]),
])  # fmt: skip
def test_svg_is_read_with_its_transforms(element: str, points: list[tuple[int, int]]) -> None:
    (ink,) = read(f"<svg xmlns='http://www.w3.org/2000/svg'>{element}</svg>".encode())
    assert ink.strokes[0] == pytest.approx(np.array(points))


@pytest.mark.parametrize(
    "path", ["M0 0 C0 10 10 10 10 0", "M0 0 Q5 10 10 0", "M0 0 A5 5 0 0 0 10 0"]
)
def test_curves_of_svg_go_where_they_should(path: str) -> None:
    (ink,) = read(f"<svg><path stroke='red' d='{path}'/></svg>".encode())
    assert ink.strokes[0][[0, -1]] == pytest.approx(np.array([(0, 0), (10, 0)]), abs=1e-5)
    assert ink.strokes[0][:, 1].max() >= 4.5


@pytest.mark.parametrize("path", [
    "M0 0h10a5 5 0 01 5 5v20h30",
    "M0 0h10a5 5 0 015 5v20h30",
    "M0 0h10a5,5,0,0,1,5,5v20h30",
    "M0,0H10A5 5-0 01 15 5V25H45",
])  # fmt: skip
def test_flags_of_arcs_may_touch_what_follows(path: str) -> None:
    (ink,) = read(f"<svg><path stroke='red' d='{path}'/></svg>".encode())
    (stroke,) = ink.strokes
    assert stroke[[0, 1, -3, -2, -1]] == pytest.approx(
        np.array([(0, 0), (10, 0), (15, 5), (15, 25), (45, 25)]), abs=1e-4
    )
    arc = stroke[1:-2]
    assert np.hypot(*(arc - [10, 5]).T) == pytest.approx(np.full(len(arc), 5), abs=1e-4)


def test_arcs_in_a_row_need_no_space_and_an_error_in_one_ends_the_path() -> None:
    for path in ("M0 0a5 5 0 0110 10 5 5 0 10.5.5", "M0 0a5 5 0 0110 10 5 5 0 10.5.5 5 5 0 21 9 9"):
        (ink,) = read(f"<svg><path stroke='red' d='{path}'/></svg>".encode())
        (stroke,) = ink.strokes
        assert np.abs(stroke - [10, 10]).sum(axis=1).min() < 1e-4
        assert stroke[-1] == pytest.approx(np.array([10.5, 10.5]), abs=1e-4)


@pytest.mark.parametrize(("bad", "drawn"), [
    ("M 10 10 L 20 20 L undefined", 3), ("M 10 10 L NaN 20 L 30 30", 2), ("-7 7 L 9 9", 2),
])  # fmt: skip
def test_a_bad_path_is_drawn_up_to_its_error_and_named(bad: str, drawn: int) -> None:
    paths = "".join(f"<path stroke='red' d='{d}'/>" for d in ("M0 0L9 9", bad, "M0 50L9 59"))
    (ink,) = read(f"<svg>{paths}</svg>".encode())
    assert (len(ink.strokes), [each.what for each in ink.left_out]) == (drawn, ["damaged path"])


@pytest.mark.parametrize(
    "path", ["M1 1L2 2M9 9", "M9 9M1 1L2 2", "M1 1L2 2Z M1 1", "M1 1L2 2m3 3z"]
)
def test_a_move_alone_draws_nothing(path: str) -> None:
    lines = path_lines(path, "x")
    assert [line.tolist()[:2] for line, _ in lines][:1] == [[[1, 1], [2, 2]]]
    assert len(lines) == 1 + path.endswith("m3 3z")  # which is a dot of a round pen
    assert path_lines("L1 1L2 2", "x") == []


def test_path_data_of_digits_alone_takes_no_long_time() -> None:
    (ink,) = read(b"<svg><path stroke='red' d='M0 0L5 5C%s'/></svg>" % (b"1" * 100_000))
    assert ink.strokes[0].tolist() == [[0, 0], [5, 5]]


@pytest.mark.parametrize("hidden", [
    "<defs><path stroke='red' d='M0 0L9 9'/></defs>",
    "<path stroke='red' opacity='.3' d='M0 0L9 9'/>",
    "<g style='display:none'><path stroke='red' d='M0 0L9 9'/></g>",
])  # fmt: skip
def test_svg_that_is_not_shown_is_no_stroke(hidden: str) -> None:
    (ink,) = read(f"<svg>{hidden}<path stroke='red' d='M1 1L2 2'/></svg>".encode())
    assert len(ink.strokes) == 1
