"""Printed lines leave the page, and take nothing of the writing with them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from hmer_cli.page.clean.ruled_lines import remove_rules

Pixels = NDArray[np.uint8]

SHADES = [90, 150, 200, 222]


def blank(height: int = 1000, width: int = 700) -> Pixels:
    return np.full((height, width), 255, np.uint8)


def ruled(page: Pixels, shade: int, tilt: int = 0, squared: bool = False) -> Pixels:
    height, width = page.shape
    lines = np.full_like(page, 255)
    for y in range(60, height, 50):
        cv2.line(lines, (0, y), (width, y + tilt), shade, 1, cv2.LINE_AA)
    for x in range(30, width, 50) if squared else ():
        cv2.line(lines, (x, 0), (x - tilt, height), shade, 1, cv2.LINE_AA)
    return np.minimum(page, lines)


def ink(page: Pixels) -> int:
    return int((page < 220).sum())


@pytest.mark.parametrize("shade", SHADES)
@pytest.mark.parametrize("tilt", [0, 7, -12])
def test_a_ruled_page_is_empty_without_its_lines(shade: int, tilt: int) -> None:
    assert ink(remove_rules(ruled(blank(), shade, tilt))) == 0


def test_squared_paper_too() -> None:
    page = ruled(blank(), 120, tilt=4, squared=True)
    assert ink(remove_rules(page)) < ink(page) / 100


@pytest.mark.parametrize("shade", SHADES)
def test_a_fraction_bar_between_the_lines_stays(shade: int) -> None:
    page = blank()
    cv2.line(page, (200, 233), (420, 235), 0, 3, cv2.LINE_AA)
    written = page < 128
    assert (remove_rules(ruled(page, shade))[written] < 128).all()


@pytest.mark.parametrize("shade", SHADES)
def test_strokes_that_cross_a_line_are_not_cut(shade: int) -> None:
    page = blank()
    cv2.line(page, (200, 90), (260, 300), 0, 4, cv2.LINE_AA)
    cv2.ellipse(page, (400, 185), (30, 45), 0, 0, 360, 0, 4, cv2.LINE_AA)
    count, _ = cv2.connectedComponents((page < 128).astype(np.uint8))
    left = (remove_rules(ruled(page, shade)) < 220).astype(np.uint8)
    found, _ = cv2.connectedComponents(left)
    assert found == count


@pytest.mark.parametrize("shade", SHADES)
def test_an_equals_sign_on_a_line_stays_and_the_line_beside_it_goes(shade: int) -> None:
    page = blank()
    for y in range(160, 900, 100):
        for y0 in (y - 12, y):
            cv2.line(page, (300, y0), (340, y0), 0, 3, cv2.LINE_AA)
    seen = remove_rules(ruled(page, shade))
    assert (seen[page < 128] < 128).mean() > 0.99
    assert ink(seen) < 1.3 * ink(page)


def test_a_line_in_small_pieces_among_writing_goes_with_its_neighbours() -> None:
    page = blank()
    for x in range(20, 680, 32):
        cv2.putText(page, "M", (x, 418), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 0, 3, cv2.LINE_AA)
    seen = remove_rules(ruled(page, 120))
    assert (seen[page < 128] < 128).all()
    assert ink(seen) < 1.1 * ink(page)


def test_fraction_bars_beside_each_other_are_no_line() -> None:
    page = blank()
    for x in (60, 200, 340, 480):
        cv2.line(page, (x, 500), (x + 100, 501), 0, 2, cv2.LINE_AA)
    assert np.array_equal(remove_rules(page), page)


def test_a_page_without_lines_stays_as_it_is() -> None:
    page = blank()
    for x in range(60, 640, 60):
        cv2.putText(page, "x+y", (x, 400), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 0, 2, cv2.LINE_AA)
    cv2.line(page, (100, 500), (330, 505), 0, 3, cv2.LINE_AA)
    assert np.array_equal(remove_rules(page), page)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (3, 3)])
def test_pages_of_next_to_nothing_are_no_trouble(shape: tuple[int, int]) -> None:
    assert remove_rules(np.zeros(shape, np.uint8)).shape == shape


def grid_in_pieces(page: Pixels, shade: int) -> Pixels:
    """Squares whose lines come and go, as light ones do on a photo."""
    lines = np.full_like(page, 255)
    for at in range(30, max(page.shape), 24):
        for start in range((at * 7) % 30, max(page.shape), 44):
            cv2.line(lines, (start, at), (start + 26, at), shade, 1)
            cv2.line(lines, (at, start), (at, start + 26), shade, 1)
    return np.minimum(page, lines)


@pytest.mark.parametrize("shade", [170, 205])
def test_a_grid_in_pieces_leaves_and_the_writing_stays(shade: int) -> None:
    page = blank()
    for y in range(80, 900, 90):
        cv2.putText(page, "x+y=2z", (90, y), cv2.FONT_HERSHEY_SIMPLEX, 1.4, 0, 3, cv2.LINE_AA)
        cv2.line(page, (420, y), (600, y + 3), 40, 3, cv2.LINE_AA)
    seen = remove_rules(grid_in_pieces(page, shade))
    assert (seen[page < 128] < 128).all()
    assert ink(seen) < 1.1 * ink(page)


def test_a_few_faint_strokes_are_writing() -> None:
    page = blank()
    for y in range(80, 900, 90):
        cv2.putText(page, "x+y=2z", (90, y), cv2.FONT_HERSHEY_SIMPLEX, 1.4, 0, 3, cv2.LINE_AA)
        cv2.line(page, (420, y + 20), (520, y + 20), 170, 2)
    assert np.array_equal(remove_rules(page), page)


def test_the_bar_of_a_crop_is_no_line_of_its_paper_however_it_bends() -> None:
    crop = blank(150, 380)
    bar = np.array([(x, round(70 + 9 * np.sin(x / 120))) for x in range(10, 366, 4)])
    cv2.polylines(crop, [bar], False, 0, 4)
    for y in (50, 135):
        cv2.putText(crop, "az(1+a)", (30, y), cv2.FONT_HERSHEY_SIMPLEX, 2.0, 0, 4, cv2.LINE_AA)
    assert (remove_rules(crop, cut_out=True) == crop).all()


def test_nothing_is_left_of_a_bent_line_under_writing() -> None:
    page = blank(250, 1700)
    for place in range(8):
        at = (200 + 170 * place, 130)
        cv2.putText(page, "5", at, cv2.FONT_HERSHEY_SIMPLEX, 3.0, 60, 6, cv2.LINE_AA)
    lined = page.copy()
    for y in (40, 140, 240):
        bend = np.array([(x, round(y + 3 * np.sin(x / 500))) for x in range(0, 1700, 10)])
        cv2.polylines(lined, [bend], False, 180, 2, cv2.LINE_AA)
    left = remove_rules(lined, cut_out=True)
    assert (left[page < 100] < 100).all()
    assert ((left < 200) & (page == 255)).sum() < 0.03 * ((lined < 200) & (page == 255)).sum()


@pytest.mark.parametrize("shape", [(1300, 1800), (1654, 2339), (2340, 1080), (3024, 4032)])
@pytest.mark.parametrize("thick", [8, 14])
def test_a_bar_as_wide_as_half_of_the_page_stays_at_every_size(
    shape: tuple[int, int], thick: int
) -> None:
    page = blank(*shape)
    bar = np.s_[600 : 600 + thick, shape[1] // 5 : shape[1] * 4 // 5]
    page[bar] = 30
    assert (remove_rules(page)[bar] < 128).all()


def test_a_bar_of_a_thin_pen_on_a_page_of_one_fraction_stays() -> None:
    page = blank(640, 1000)
    page[320:322, 200:800] = 30
    assert (remove_rules(page)[320:322, 200:800] < 128).all()
