"""Frames, strips, boxes and cut off lines along the edges are no ink; a root and a bar are."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from handmade import example_image
from numpy.typing import NDArray

from hmer_cli.page.clean.borders import without_borders, without_strips
from hmer_cli.page.clean.illumination import is_light_on_dark
from hmer_cli.page.clean.ruled_lines import remove_rules
from hmer_cli.page.clean.surroundings import without_surroundings
from hmer_cli.page.ink_box import ink_box
from hmer_cli.page.load.pages import Page
from hmer_cli.page.regions import find_regions

Pixels = NDArray[np.uint8]
NAMES = ("basel", "limit", "pythagoras")


def same_box(image: Pixels, name: str, off: int = 3) -> bool:
    """Whether the ink is where that of the example is."""
    found, wanted = ink_box(image), ink_box(example_image(name))
    assert found is not None and wanted is not None
    return max(abs(a - b) for a, b in zip(found, wanted, strict=True)) <= off


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("pen", [1, 2, 3])
@pytest.mark.parametrize("shade", [0, 90, 128])
def test_a_frame_at_the_edge_is_dropped(name: str, pen: int, shade: int) -> None:
    image = example_image(name)
    framed = np.full_like(image, shade)
    framed[pen:-pen, pen:-pen] = image[pen:-pen, pen:-pen]
    assert same_box(Page.of("x.png", 1, framed).image, name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sides", [1, 2, 3])
def test_part_of_a_frame_is_dropped(name: str, sides: int) -> None:
    image = example_image(name)
    for turn in range(sides):
        np.rot90(image, turn)[:2] = 60
    assert same_box(Page.of("x.png", 1, image).image, name)


@pytest.mark.parametrize("name", NAMES)
def test_a_box_drawn_round_the_answer_is_dropped(name: str) -> None:
    image = np.pad(example_image(name), 20, constant_values=255)
    height, width = image.shape
    corners = [(14, 10), (width - 9, 15), (width - 13, height - 8), (9, height - 14)]
    cv2.polylines(image, [np.array(corners, np.int32)], True, 0, 3, cv2.LINE_AA)
    assert same_box(without_borders(image)[20:-20, 20:-20], name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("turn", range(4))
def test_a_light_strip_of_a_dark_page_is_dropped(name: str, turn: int) -> None:
    image = (30 + (255 - example_image(name)) // 2).astype(np.uint8)
    np.rot90(image, turn)[:10] = 240
    assert is_light_on_dark(image)
    assert same_box(Page.of("x.png", 1, image).image, name)


def test_what_is_left_of_the_line_above_is_dropped() -> None:
    image = example_image("basel")
    for x in range(60, 400, 40):
        cv2.line(image, (x, 0), (x + 12, 5), 0, 3)
    assert same_box(without_borders(image), "basel")


def test_a_root_and_a_bar_in_a_tight_crop_stay() -> None:
    root = np.full((90, 300), 255, np.uint8)
    points = [(0, 50), (12, 45), (28, 88), (45, 2), (298, 4)]
    cv2.polylines(root, [np.array(points, np.int32)], False, 0, 3, cv2.LINE_AA)
    cv2.putText(root, "a + b", (80, 70), cv2.FONT_HERSHEY_SIMPLEX, 1.5, 0, 3, cv2.LINE_AA)
    assert (without_borders(root) == root).all()
    bar = np.full((120, 200), 255, np.uint8)
    cv2.line(bar, (0, 60), (199, 58), 0, 3, cv2.LINE_AA)
    for y in (45, 112):
        cv2.putText(bar, "abcd", (20, y), cv2.FONT_HERSHEY_SIMPLEX, 1.4, 0, 3, cv2.LINE_AA)
    assert (without_borders(bar) == bar).all()
    assert (remove_rules(bar) == bar).all()


@pytest.mark.parametrize("room", [0, 1])
def test_signs_at_the_edges_of_a_small_tight_crop_stay(room: int) -> None:
    image = np.full((44, 100), 255, np.uint8)
    for points in (
        [(3, 2), (4, 41)],
        [(25, 18), (45, 40)],
        [(45, 18), (25, 40)],
        [(96, 2), (97, 41)],
    ):
        cv2.polylines(image, [np.array(points, np.int32)], False, 0, 2)  # |x|
    ink = np.argwhere(image < 128)
    (top, left), (foot, right) = ink.min(0), ink.max(0) + 1
    tight = np.pad(image[top:foot, left:right], room, constant_values=255)
    assert (without_borders(tight) == tight).all()


def test_a_stem_at_the_edge_of_a_tight_crop_stays_and_a_rule_from_side_to_side_does_not() -> None:
    image = np.full((120, 300), 255, np.uint8)
    for points in ([(6, 40), (80, 112)], [(80, 40), (6, 112)], [(130, 75), (200, 75)]):
        cv2.polylines(image, [np.array(points, np.int32)], False, 0, 8)  # x -
    ruled = np.pad(image[30:, :206], ((0, 8), (0, 0)), constant_values=0)
    ruled[20:40, :4] = ruled[20:40, -4:] = 0  # what is cut at both sides
    cv2.line(image, (294, 6), (294, 112), 0, 8)  # 1
    ink = np.argwhere(image < 128)
    (top, left), (foot, right) = ink.min(0), ink.max(0) + 1
    tight = image[top:foot, left:right]
    assert (without_borders(tight) == tight).all()
    assert (without_borders(ruled)[-8:] == 255).all()


@pytest.mark.parametrize("pen", [1, 2])
def test_a_frame_of_a_small_image_is_dropped(pen: int) -> None:
    image = np.full((60, 160), 255, np.uint8)
    cv2.polylines(image, [np.array([(30, 15), (50, 45)], np.int32)], False, 0, 3)
    cv2.polylines(image, [np.array([(50, 15), (30, 45)], np.int32)], False, 0, 3)
    framed = np.zeros_like(image)
    framed[pen:-pen, pen:-pen] = image[pen:-pen, pen:-pen]
    assert (without_borders(framed) == image).all()


@pytest.mark.parametrize("name", NAMES)
def test_one_formula_on_squared_paper_loses_the_squares_alone(name: str) -> None:
    image = example_image(name)
    squared = image.copy()
    squared[8::24] = np.minimum(squared[8::24], 170)
    squared[:, 8::24] = np.minimum(squared[:, 8::24], 170)
    (region,) = find_regions(Page.of("x.png", 1, squared))
    box = region.box
    wanted = ink_box(image)
    assert wanted is not None
    assert max(abs(a - b) for a, b in zip(box, wanted, strict=True)) <= 8


def test_polarity_is_told_from_the_whole_and_not_from_a_frame() -> None:
    strip = np.full((107, 730), 235, np.uint8)
    cv2.putText(strip, "x + y = 2", (60, 60), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 120, 2, cv2.LINE_AA)
    strip[0] = strip[-1] = 60
    strip[:, 0] = strip[:, -1] = 60
    assert not is_light_on_dark(strip)
    assert is_light_on_dark(255 - strip)
    assert (without_strips(strip)[10:-10, 10:-10] == strip[10:-10, 10:-10]).all()


@pytest.mark.parametrize(("high", "wide", "thick"), [(30, 100, 18), (40, 200, 26), (60, 300, 40)])
@pytest.mark.parametrize("shade", [0, 70])
def test_a_thick_bar_that_fills_most_of_its_crop_keeps_its_paper(
    high: int, wide: int, thick: int, shade: int
) -> None:
    image = np.full((high, wide), 255, np.uint8)
    top = (high - thick) // 2
    image[top : top + thick, 5:-5] = shade
    assert without_strips(image) is image
    page = Page.of("bar.png", 1, image)
    assert ((page.image < 128) == (image < 128)).mean() > 0.98


@pytest.mark.parametrize(("paper", "ink"), [(40, 230), (150, 30)])
def test_light_bars_over_and_under_a_darker_page_with_writing_are_strips(
    paper: int, ink: int
) -> None:
    page = np.full((400, 600), paper, np.uint8)
    for y in (120, 220, 320):
        cv2.putText(page, "x + y = 2", (80, y), cv2.FONT_HERSHEY_SIMPLEX, 2, ink, 4, cv2.LINE_AA)
    between = cv2.copyMakeBorder(page, 20, 20, 0, 0, cv2.BORDER_CONSTANT, value=250)
    plain = cv2.copyMakeBorder(page, 20, 20, 0, 0, cv2.BORDER_CONSTANT, value=paper)
    assert np.array_equal(without_strips(between), plain)


def cut_at_its_ink(image: Pixels) -> Pixels:
    ink = np.argwhere(image < 190)
    (top, left), (foot, right) = ink.min(0), ink.max(0) + 1
    return image[top:foot, left:right]


def parts(image: Pixels) -> int:
    return cv2.connectedComponents((image < 128).astype(np.uint8))[0] - 1


@pytest.mark.parametrize(
    "strokes",
    [
        [[(60, 70), (70, 70)], [(90, 70), (100, 70)]],  # dots
        [[(30, 60), (50, 40), (70, 60)], [(130, 60), (150, 40), (170, 60)]],  # hats
        [[(42, 70), (116, 70)]],  # a level bar
        [[(30, 181), (80, 181)], [(110, 181), (160, 181)]],  # underlined twice
    ],
    ids=["dots", "hats", "overline", "underlines"],
)
def test_accents_at_the_edge_of_a_tight_crop_stay(strokes: list[list[tuple[int, int]]]) -> None:
    image = np.full((240, 240), 255, np.uint8)
    for points in ([(45, 100), (110, 160)], [(110, 100), (45, 160)], [(150, 100), (152, 160)]):
        cv2.polylines(image, [np.array(points, np.int32)], False, 0, 6, cv2.LINE_AA)  # x 1
    for points in strokes:
        cv2.polylines(image, [np.array(points, np.int32)], False, 0, 6, cv2.LINE_AA)
    tight = cut_at_its_ink(image)
    assert parts(Page.of("x.png", 1, tight).image) == parts(tight) == 2 + len(strokes)


def test_a_level_bar_over_all_of_a_tight_crop_stays() -> None:
    image = np.full((200, 260), 255, np.uint8)
    for points in ([(70, 90), (130, 150)], [(130, 90), (70, 150)], [(160, 90), (200, 150)]):
        cv2.line(image, points[0], points[1], 0, 5)
    image[50:55, 50:216] = 0
    tight = cut_at_its_ink(image)
    assert (Page.of("x.png", 1, tight).image < 128).sum() == (tight < 128).sum()


@pytest.mark.parametrize(("soft", "shade"), [(4, 0.6), (60, 0.6), (200, 0.6), (400, 0.55)])
def test_a_short_line_in_the_shade_along_an_edge_stays(soft: int, shade: float) -> None:
    page = np.full((2000, 1500), 255, np.uint8)
    for y in range(200, 1500, 170):
        cv2.putText(page, "3x + 2y = 14 - 5z + 7", (120, y), cv2.FONT_HERSHEY_SIMPLEX, 2.2, 60, 5)
    cv2.putText(page, "x = 3", (160, 1870), cv2.FONT_HERSHEY_SIMPLEX, 1.4, 60, 4)
    light = 1 - (1 - shade) / (1 + np.exp(-(np.arange(2000) - 1680) / (soft / 4)))
    grain = np.random.default_rng(0).normal(0, 3, page.shape)
    photo = np.clip(205 * light[:, None] * (page / 255) + grain, 0, 255).astype(np.uint8)
    cleaned = Page.of("photo.jpg", 1, photo).image
    there = np.s_[1800:1900, 150:420]
    assert (cleaned[there] < 128).sum() > 0.7 * (page[there] < 128).sum()


@pytest.mark.parametrize("level", [60, 170])
def test_the_bar_of_a_program_with_its_words_is_dropped(level: int) -> None:
    page = np.full((900, 1400), 255, np.uint8)
    cv2.putText(page, "x = 3", (160, 500), cv2.FONT_HERSHEY_SIMPLEX, 3, 40, 7)
    bare = page.copy()
    page[:40] = level
    cv2.putText(
        page, "1 / 12", (1200, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255 if level < 128 else 0
    )
    assert (without_strips(page) == bare).all()


def test_an_even_strip_that_ends_in_a_step_is_dropped_from_a_photo() -> None:
    grain = np.random.default_rng(0).normal(0, 3, (900, 700))
    page = np.full((900, 700), 205, np.uint8)
    cv2.putText(page, "x = 3", (160, 500), cv2.FONT_HERSHEY_SIMPLEX, 1.4, 60, 4)
    page[:40] = 90
    photo = np.clip(cv2.GaussianBlur(page, (0, 0), 1) + grain, 0, 255).astype(np.uint8)
    assert without_strips(photo)[:40].min() == np.median(photo)


@pytest.mark.parametrize("share", [0.3, 0.45])
@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_chalk_on_a_board_that_is_less_than_half_of_the_picture_stays(
    share: float, turn: int
) -> None:
    height, width = (900, 1200) if turn % 2 == 0 else (1200, 900)
    grain = np.random.default_rng(0).normal(0, 3, (height, width))
    ink = np.zeros((height, width), np.uint8)
    for y, text, size in ((700, "x + y", 2), (780, "x", 2), (802, "1", 1), (780, "   = a + b", 2)):
        x = 135 if size == 1 else 100
        at = x, height - 900 + y
        cv2.putText(ink, text, at, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, size, 255, 3, cv2.LINE_AA)
    board = np.where(np.arange(height)[:, None] < round((1 - share) * height), 215, 70)
    photo = cv2.GaussianBlur((board + (230.0 - board) * (ink / 255)).astype(np.uint8), (3, 3), 0)
    photo = np.rot90(np.clip(photo + grain, 0, 255).astype(np.uint8), turn)
    chalk = np.rot90(ink > 128, turn)
    found = without_strips(np.ascontiguousarray(photo))
    assert (found == photo)[chalk].all()


@pytest.mark.parametrize("turn", range(4))
def test_a_bright_desk_beside_dark_paper_is_no_ink(turn: int) -> None:
    grain = np.random.default_rng(0).normal(0, 1, (700, 1100)).astype(np.float32)
    fibres = cv2.GaussianBlur(grain, (0, 0), 8, sigmaY=1.5)
    desk = np.clip(175 + 90 * fibres, 60, 250)
    paper = np.full(desk.shape, 28, np.uint8)
    cv2.putText(paper, "x = 3", (450, 400), cv2.FONT_HERSHEY_SIMPLEX, 4, 235, 9, cv2.LINE_AA)
    on_it = np.zeros_like(desk)
    cv2.fillPoly(on_it, [np.array([(190, 0), (230, 560), (1100, 530), (1100, 0)])], 1)
    photo = np.where(on_it > 0, paper, desk) + 2 * grain
    photo = np.rot90(np.clip(photo, 0, 255).astype(np.uint8), turn)
    page = Page.of("", 1, np.ascontiguousarray(photo))
    box = ink_box(page.bare)
    wanted = np.argwhere(np.rot90(paper, turn) > 200)[:, ::-1]
    assert box is not None
    assert np.abs(page.in_source(box) - np.concatenate([wanted.min(0), wanted.max(0)])).max() < 12


def test_a_bright_sheet_with_dark_writing_beside_a_board_with_chalk_stays() -> None:
    photo = np.full((700, 1100), 60, np.uint8)
    for row in range(5):
        cv2.putText(photo, "a + b = c", (30, 120 + 130 * row), cv2.FONT_HERSHEY_SIMPLEX, 3, 230, 9)
    photo[:, 800:] = 215
    for row in range(12):
        cv2.putText(photo, "x=y", (850, 80 + 55 * row), cv2.FONT_HERSHEY_SIMPLEX, 1.5, 40, 4)
    assert np.array_equal(without_surroundings(photo), photo)
