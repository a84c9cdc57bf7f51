"""What the model sees: the same ink however large, faint or wide the paper is."""

from __future__ import annotations

import tracemalloc

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from hmer_cli.page.load.pages import Page
from hmer_cli.page.regions import Region, find_regions
from hmer_cli.recognition.prepare import LARGEST, LONGEST, TALLEST, Limits, prepare
from hmer_cli.recognition.scale import MIN_WIDTH, PADDING, SYMBOL, symbol_size

Pixels = NDArray[np.uint8]


def crosses(size: int, count: int = 3, ink: int = 0, paper: int = 255) -> Pixels:
    """A row of crosses of ``size`` pixels each."""
    page = np.full((3 * size, (2 * count + 1) * size), paper, np.uint8)
    for i in range(count):
        x, y = (2 * i + 1) * size, size
        pen = max(1, size // 12)
        cv2.line(page, (x, y), (x + size, y + size), ink, pen, cv2.LINE_AA)
        cv2.line(page, (x + size, y), (x, y + size), ink, pen, cv2.LINE_AA)
    return page


@pytest.mark.parametrize("size", [12, 25, 60, 150, 400])
def test_symbols_come_out_at_one_size_whatever_they_measured(size: int) -> None:
    seen = prepare(crosses(size))
    assert seen is not None
    assert symbol_size(seen.pixels) == pytest.approx(SYMBOL, rel=0.15)
    assert seen.pixels.shape[0] == pytest.approx(SYMBOL + 2 * PADDING, abs=4)


def between_brackets(inside: Pixels, height: int) -> Pixels:
    """An image of ink, between brackets of this height."""
    rows = (height + 40 - inside.shape[0]) // 2
    page = np.pad(inside, ((rows, rows), (60, 60)), constant_values=255)
    for x, hook in ((20, 12), (page.shape[1] - 20, -12)):
        corners = np.array([(x + hook, 20), (x, 20), (x, 20 + height), (x + hook, 20 + height)])
        cv2.polylines(page, [corners.astype(np.int32)], False, 0, 3)
    return page


def test_large_brackets_round_a_few_letters_do_not_make_these_small() -> None:
    column = np.concatenate([crosses(30, 1)[20:70]] * 3)
    assert symbol_size(255 - between_brackets(column, 160)) == pytest.approx(30, rel=0.15)


def test_dots_between_tall_signs_are_not_what_is_typical() -> None:
    dots = np.full((100, 120), 255, np.uint8)
    for x in (20, 60, 100):
        cv2.circle(dots, (x, 95), 4, 0, -1)
    assert symbol_size(255 - between_brackets(dots, 60)) == pytest.approx(60, rel=0.15)


def test_margins_of_paper_change_nothing_but_the_origin() -> None:
    page = crosses(40)
    wide = np.pad(page, ((100, 30), (70, 200)), constant_values=255)
    near, far = prepare(page), prepare(wide)
    assert near is not None
    assert far is not None
    np.testing.assert_array_equal(near.pixels, far.pixels)
    assert far.origin == (near.origin[0] + 70, near.origin[1] + 100)


def test_faint_ink_on_gray_paper_is_seen_like_black_on_white() -> None:
    strong, faint = prepare(crosses(40)), prepare(crosses(40, ink=150, paper=220))
    assert strong is not None
    assert faint is not None
    assert strong.pixels.shape == pytest.approx(faint.pixels.shape, abs=2)
    assert strong.pixels.mean() == pytest.approx(faint.pixels.mean(), rel=0.1)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_page_of_one_tone_holds_no_ink(level: int) -> None:
    assert prepare(np.full((50, 80), level, np.uint8)) is None


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (0, 7)])
def test_images_of_no_size_hold_no_ink(shape: tuple[int, int]) -> None:
    assert prepare(np.zeros(shape, np.uint8)) is None


def test_a_single_dot_is_an_image_too() -> None:
    page = np.full((40, 40), 255, np.uint8)
    page[20, 20] = 0
    seen = prepare(page)
    assert seen is not None
    assert seen.pixels.shape[1] >= MIN_WIDTH


@pytest.mark.parametrize("pen", [8, 12, 20])
@pytest.mark.parametrize("end", [(300, 400), (500, 200)], ids=["one", "minus"])
def test_a_single_thick_stroke_is_ink_though_it_fills_its_region(
    pen: int, end: tuple[int, int]
) -> None:
    page = np.full((600, 800), 255, np.uint8)
    cv2.line(page, (300, 200), end, 20, pen, cv2.LINE_AA)
    (region,) = find_regions(Page.of("1.jpg", 1, page))
    assert np.median(region.image) < 128
    assert prepare(region.image) is not None
    broken = region.image.copy()
    broken[broken.shape[0] // 2 - 2 :, broken.shape[1] // 2 - 2 :] = 255
    assert region.key != Region(region.box, broken).key


def test_dust_far_from_the_writing_is_left_out_and_dots_near_it_stay() -> None:
    page = np.pad(crosses(40), ((200, 200), (200, 200)), constant_values=255)
    page[20:23, 30:33] = 0
    dotted = page.copy()
    x0, y0 = 200 + 5 * 40 + 45, 200 + 2 * 40
    dotted[y0 : y0 + 6, x0 : x0 + 6] = 0
    clean, near = prepare(page), prepare(dotted)
    assert clean is not None
    assert near is not None
    assert clean.pixels.shape[1] == pytest.approx(5 * SYMBOL + 2 * PADDING, abs=12)
    assert near.pixels.shape[1] > clean.pixels.shape[1]


def test_very_long_writing_is_shrunk_to_fit() -> None:
    page = crosses(20, count=200)
    seen = prepare(page)
    assert seen is not None
    assert seen.pixels.shape[1] <= LONGEST + 4 * PADDING
    assert seen.pixels.shape[0] <= TALLEST


def test_places_lead_back_to_the_image() -> None:
    page = np.full((300, 400), 255, np.uint8)
    cv2.rectangle(page, (200, 100), (260, 160), 0, 5)
    seen = prepare(page)
    assert seen is not None
    ys, xs = np.nonzero(seen.pixels > 127)
    assert xs.min() / seen.scale + seen.origin[0] == pytest.approx(198, abs=4)
    assert ys.max() / seen.scale + seen.origin[1] == pytest.approx(162, abs=6)


def test_what_is_no_writing_stays_small_enough_to_be_read() -> None:
    grain = np.full((600, 2000), 255, np.uint8)
    grain[::8, ::8] = grain[1::8, ::8] = grain[::8, 1::8] = 0  # symbols of two pixels
    tracemalloc.start()
    found = prepare(grain)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found is not None
    assert found.pixels.size < 1.2 * LARGEST
    assert most < 300e6  # bytes, for nineteen thousand specks


def test_limits_are_those_of_the_model_that_sees_the_image() -> None:
    page = crosses(20, count=60)
    near, far = prepare(page, 40), prepare(page, 40, limits=Limits(6000, 512, 600_000))
    assert near is not None and far is not None
    assert symbol_size(near.pixels) < 30
    assert symbol_size(far.pixels) == pytest.approx(40, rel=0.15)


@pytest.mark.parametrize("count", [3, 200])
def test_the_size_of_symbols_is_known_however_much_the_image_was_shrunk(count: int) -> None:
    seen = prepare(crosses(24, count=count))
    assert seen is not None
    assert seen.size == pytest.approx(24, rel=0.15)
