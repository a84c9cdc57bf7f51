"""The number of an exercise stands before an expression and is none of it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from hmer_cli.page.detect.components import find_components
from hmer_cli.page.detect.item_numbers import number_of_item, without_item_number
from hmer_cli.page.detect.search import prepare_page
from hmer_cli.page.load.pages import Page

Pixels = NDArray[np.uint8]


def write(page: Pixels, text: str, x: int, y: int, step: int = 42) -> None:
    """Letters 42 pixels high, each by itself."""
    for place, letter in enumerate(text):
        at = (x + step * place, y)
        cv2.putText(page, letter, at, cv2.FONT_HERSHEY_SIMPLEX, 1.9, 0, 4, cv2.LINE_AA)


def one_row() -> Pixels:
    page = np.full((160, 800), 255, np.uint8)
    write(page, "a-b+c", 300, 100)
    return page


def several_rows() -> Pixels:
    page = np.full((420, 700), 255, np.uint8)
    for row, x in enumerate((240, 280, 330)):
        write(page, "a-b+c", x, 100 + 120 * row)
    return page


def dotted(page: Pixels) -> None:
    write(page, "9", 60, 100)
    cv2.circle(page, (112, 98), 5, 0, -1, cv2.LINE_AA)


def dashed(page: Pixels) -> None:
    write(page, "3", 60, 100)
    cv2.line(page, (112, 84), (132, 84), 0, 4)


def ringed(page: Pixels) -> None:
    write(page, "9", 62, 100)
    cv2.circle(page, (80, 80), 42, 0, 3, cv2.LINE_AA)


@pytest.mark.parametrize("draw", [dotted, ringed])
def test_a_number_far_before_one_row_is_left_out(draw: object) -> None:
    page, bare = one_row(), one_row()
    assert callable(draw)
    draw(page)
    assert (without_item_number(page) == bare).all()


def test_a_number_before_a_single_fraction_warns_of_nothing(
    recwarn: pytest.WarningsRecorder,
) -> None:
    page = np.full((260, 900), 255, np.uint8)
    dotted(page)
    cv2.line(page, (250, 100), (600, 100), 0, 4)
    write(page, "a+b", 300, 80)
    write(page, "c+d", 300, 160)
    without_item_number(page)
    prepare_page(Page.of("x.png", 1, page))
    assert not recwarn.list


@pytest.mark.parametrize("draw", [dotted, dashed, ringed])
def test_a_number_in_the_margin_of_several_rows_is_left_out_of_the_search(draw: object) -> None:
    page = several_rows()
    assert callable(draw)
    draw(page)
    found = prepare_page(Page.of("x.png", 1, page))
    assert found.parts.boxes[:, 0].min() > 200
    assert (found.image[:, :200] == 255).all()


def test_a_number_before_rows_that_reach_into_each_other_is_left_out() -> None:
    page = np.full((420, 700), 255, np.uint8)
    dashed(page)
    for row, x in enumerate((240, 280, 330, 280)):
        write(page, "a-b+c", x, 100 + 70 * row)
        cv2.line(page, (x + 60, 80 + 70 * row), (x + 40, 150 + 70 * row), 0, 4)
    found = prepare_page(Page.of("x.png", 1, page))
    assert found.parts.boxes[:, 0].min() > 200


@pytest.mark.parametrize("draw", [dotted, dashed])
def test_what_stands_before_a_matrix_of_many_rows_is_the_expression(draw: object) -> None:
    page = np.full((344, 700), 255, np.uint8)
    assert callable(draw)
    draw(page[90:])
    for x, foot in ((188, 202), (452, 438)):
        cv2.polylines(page, [np.array([(foot, 60), (x, 60), (x, 284), (foot, 284)])], False, 0, 4)
    for row in range(4):
        write(page, "5 2 1", 218, 106 + 56 * row)
    assert (without_item_number(page) == page).all()


@pytest.mark.parametrize("text", ["9.x=1", "3-x=1", "abc=x", "2.5+x"])
@pytest.mark.parametrize("rows", [1, 2])
def test_signs_that_stand_close_are_the_expression(text: str, rows: int) -> None:
    page = np.full((300, 700), 255, np.uint8)
    for row in range(rows):
        write(page, text, 60, 100 + 130 * row)
    assert number_of_item(find_components(page)) is None
    assert (without_item_number(page) == page).all()


@pytest.mark.parametrize("white", [12, 18, 22])
def test_the_point_of_a_number_above_an_indented_row_is_the_expression(white: int) -> None:
    page = np.full((300, 700), 255, np.uint8)
    write(page, "0", 60, 100)
    cv2.circle(page, (110, 98), 5, 0, -1, cv2.LINE_AA)
    write(page, "5x=2", 113 + white, 100, 58)
    write(page, "x=4", 171 + white, 230, 58)
    assert number_of_item(find_components(page)) is None


def test_rows_that_begin_below_a_number_keep_it() -> None:
    page = several_rows()
    dotted(page)
    write(page, "x=1", 60, 220 + 190)
    assert number_of_item(find_components(page)) is None


def test_a_root_over_a_digit_is_no_ring() -> None:
    page = one_row()
    write(page, "9", 70, 100)
    cv2.polylines(page, [np.array([(40, 70), (50, 112), (64, 40), (125, 40)])], False, 0, 3)
    assert number_of_item(find_components(page)) is None
