"""The renderer: the seed equation, the width of the pen, where the ink lies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hmer_cli.ink.ink import Ink
from hmer_cli.ink.render import draw, fit, legible_size, render


def ink(*strokes: list[tuple[float, float]]) -> Ink:
    return Ink(tuple(np.array(stroke, np.float32) for stroke in strokes))


def darkness(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    return (255.0 - image) / 255.0


def centre(image: NDArray[np.uint8]) -> tuple[float, float]:
    """Where the ink's weight lies: x, y."""
    dark = darkness(image)
    rows, columns = np.indices(dark.shape) + 0.5
    return float((dark * columns).sum() / dark.sum()), float((dark * rows).sum() / dark.sum())


sides = st.floats(0.01, 1e5)


@given(sides, sides, st.integers(20, 300), st.integers(0, 9))
def test_seed_equation(width: float, height: float, size: int, padding: int) -> None:
    fitted = fit(ink([(-7, 5), (-7 + width, 5 + height)]), size, padding)
    x0, y0, x1, y1 = fitted.box()
    scale = (size - 2 * padding) / max(width, height)
    assert (x0, y0) == (padding, padding)
    assert x1 - x0 == pytest.approx(width * scale, rel=1e-2, abs=1e-3)
    assert y1 - y0 == pytest.approx(height * scale, rel=1e-2, abs=1e-3)


@pytest.mark.parametrize(
    ("width", "height", "shape"),
    [(300, 100, (96, 256)), (100, 300, (256, 96)), (1, 1, (256, 256)), (1000, 0, (16, 256))],
)
def test_image_is_trimmed_to_the_ink_plus_padding(
    width: float, height: float, shape: tuple[int, int]
) -> None:
    image = render(ink([(5, 5), (5 + width, 5 + height)]))
    assert (image.shape, image.dtype) == (shape, np.uint8)
    assert image.min() < 60
    assert (image[0] == 255).all()
    assert (image[:, 0] == 255).all()


@pytest.mark.parametrize("strokes", [[[(3, 4)]], [[(3, 4), (3, 4)]], [[(3, 4)], [(3, 4)]]])
def test_ink_without_extent_is_a_dot_in_the_middle(
    strokes: list[list[tuple[float, float]]],
) -> None:
    image = render(ink(*strokes), padding=8, pen=4)
    assert image.shape == (16, 16)
    assert centre(image) == pytest.approx((8, 8), abs=0.2)
    assert darkness(image).sum() == pytest.approx(np.pi * 4, rel=0.3)


@pytest.mark.parametrize("pen", [0.5, 1, 1.3, 2, 2.5, 3, 4.7, 8])
@pytest.mark.parametrize("count", [2, 2000])
def test_pen_is_as_wide_as_asked_however_many_the_points(pen: float, count: int) -> None:
    widths = []
    for angle in np.linspace(0, np.pi, 13):
        way = 60 * np.array([np.cos(angle), np.sin(angle)])
        line = np.linspace(100.3 - way, 100.3 + way, count, dtype=np.float32)
        ends = np.pi / 4 * pen**2
        widths.append((darkness(draw([line], (200, 200), pen)).sum() - ends) / 120)
    assert np.mean(widths) == pytest.approx(pen, rel=0.13)
    assert np.std(widths) < 0.12 * pen


@given(st.floats(10, 30), st.floats(10, 30), st.sampled_from([1.0, 2.0, 3.5]))
def test_ink_lies_where_it_was_put_to_a_part_of_a_pixel(x: float, y: float, pen: float) -> None:
    cross = [np.array([(x - 5, y), (x + 5, y)]), np.array([(x, y - 5), (x, y + 5)])]
    image = draw([stroke.astype(np.float32) for stroke in cross], (40, 40), pen)
    assert centre(image) == pytest.approx((x, y), abs=0.15)


def test_lines_have_soft_edges() -> None:
    image = draw([np.array([(5, 5), (60, 35)], np.float32)], (40, 64), 2)
    assert len(np.unique(image)) > 20


def test_what_lies_outside_is_cut_off() -> None:
    inside = draw([np.array([(-1e9, 5), (1e9, 5)], np.float32)], (10, 20), 2)
    assert (inside[4:6] < 60).all()
    assert (inside[[0, 1, 2, 7, 8, 9]] == 255).all()
    assert (draw([np.array([(50, 50), (60, 60)], np.float32)], (10, 20), 2) == 255).all()


def test_no_strokes_leave_the_paper_white() -> None:
    assert (draw([], (7, 9), 2) == np.full((7, 9), 255)).all()


def test_legible_size_grows_with_the_number_of_symbols() -> None:
    def row(count: int) -> Ink:
        return ink(*([(30 * i, 0), (30 * i + 20, 20)] for i in range(count)))

    assert legible_size(row(2)) < legible_size(row(10)) < legible_size(row(40))
    fitted = fit(row(10), legible_size(row(10), symbol=40), 8)
    assert np.ptp(fitted.strokes[0], axis=0) == pytest.approx((40, 40), rel=0.02)
    assert legible_size(ink([(1, 1)])) == 64
    assert legible_size(row(1000)) == 4096


@pytest.mark.parametrize("dots", [3, 9])
@pytest.mark.parametrize("size", [0.0, 0.8, 2.0])
def test_dots_have_no_part_in_how_large_symbols_are_drawn(dots: int, size: float) -> None:
    letters = [[(0.0, 0.0), (20.0, 20.0)], [(400.0, 0.0), (420.0, 30.0)]]
    dotted = [[(30.0 + 9 * i, 20.0), (30 + 9 * i + size, 20 - size)] for i in range(dots)]
    assert legible_size(ink(*letters, *dotted)) == legible_size(ink(*letters))


@pytest.mark.parametrize("taps", [9, 11, 200])
def test_a_page_on_which_most_strokes_are_taps_is_drawn_legibly(taps: int) -> None:
    letters = [[(30.0 * i, 0.0), (30.0 * i + 20, 20.0)] for i in range(10)]
    dots = [[(3.0 * i % 280, 40.0)] for i in range(taps)]
    assert legible_size(ink(*letters, *dots)) >= legible_size(ink(*letters))
    assert legible_size(ink(*dots)) == 64
