"""Punch holes and dark rims leave a scan; what is written in its margins does not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from handmade import cross
from numpy.typing import NDArray

from hmer_cli.page.clean.margins import remove_holes

Pixels = NDArray[np.uint8]


def scan(height: int = 1600, width: int = 1130) -> Pixels:
    """A page with writing in its margins too."""
    page = np.full((height, width), 255, np.uint8)
    for x, y in ((20, 120), (300, 400), (1000, 800), (15, 1500), (600, 1580)):
        cv2.putText(page, "x=8.", (x, y), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 20, 4, cv2.LINE_AA)
    return page


def punched(page: Pixels, shade: int) -> Pixels:
    holed = page.copy()
    for y in (330, 1250):
        cv2.circle(holed, (55, y), 22, shade, -1)
    return holed


@pytest.mark.parametrize("shade", [0, 90, 190])
def test_holes_are_filled_and_the_writing_beside_them_stays(shade: int) -> None:
    page = scan()
    assert np.array_equal(remove_holes(punched(page, shade)), page)


def test_holes_along_the_top_too() -> None:
    page = np.ascontiguousarray(np.rot90(scan()))
    holed = np.ascontiguousarray(np.rot90(punched(scan(), 60)))
    assert np.array_equal(remove_holes(holed), page)


@pytest.mark.parametrize("edge", ["left", "top", "all"])
def test_a_dark_rim_is_paper(edge: str) -> None:
    page, rim = scan(), scan()
    rim[:, : 14 if edge != "top" else 0] = 10
    rim[: 14 if edge != "left" else 0] = 10
    if edge == "all":
        rim[-14:], rim[:, -14:] = 10, 10
    seen = remove_holes(rim)
    assert (seen[20:-20, 20:-20] == page[20:-20, 20:-20]).all()
    assert (seen[:100, :12] == 255).all()


def test_one_thick_dot_in_the_margin_is_no_hole() -> None:
    page = scan()
    cv2.circle(page, (50, 700), 18, 0, -1)
    assert remove_holes(page) is page


@pytest.mark.parametrize("image", [scan(), cross(), 255 - cross(300, 200)])
def test_without_holes_and_rims_nothing_changes(image: Pixels) -> None:
    assert remove_holes(image) is image


def close_up() -> Pixels:
    """A photo of one formula, whose brace near the edge is as thick as a hole."""
    page = np.full((1100, 1700), 255, np.uint8)
    cv2.line(page, (60, 150), (60, 960), 30, 17, cv2.LINE_AA)
    for y in (170, 430, 950):  # where the pen stops or turns
        cv2.circle(page, (60, y), 18, 30, -1)
    for y in (250, 550, 900):
        cv2.putText(page, "x + 8 = 3", (150, y), cv2.FONT_HERSHEY_SIMPLEX, 7, 30, 17, cv2.LINE_AA)
    return page


@pytest.mark.parametrize("formula", [True, False])
def test_thick_strokes_near_an_edge_are_no_holes(formula: bool) -> None:
    page = close_up()
    if not formula:
        page[:, 140:] = 255  # the brace alone
    assert remove_holes(page) is page


@pytest.mark.parametrize("dot", [8, 9, 10])
@pytest.mark.parametrize("paper", ["plain", "ruled"])
def test_decimal_points_of_a_thick_pen_beside_an_edge_are_no_holes(dot: int, paper: str) -> None:
    page = np.full((640, 1200), 255, np.uint8)
    if paper == "ruled":
        page[40::80], page[41::80] = 170, 170
    for sign, x in (("3", 30), ("5", 360), ("+", 560), ("2", 800), ("8", 1050)):
        size = 6 if sign == "8" else 9
        cv2.putText(page, sign, (x, 610), cv2.FONT_HERSHEY_SIMPLEX, size, 0, 11, cv2.LINE_AA)
    for x in (290, 1020):
        cv2.circle(page, (x, 604), dot, 0, -1)
    assert remove_holes(page) is page


def test_holes_of_a_blank_page_and_of_one_with_a_dark_picture_are_filled() -> None:
    blank = np.full((1600, 1130), 255, np.uint8)
    assert (remove_holes(punched(blank, 30)) == 255).all()
    page = scan()
    page[900:1300, 300:900] = 40
    assert np.array_equal(remove_holes(punched(page, 30)), page)


def test_holes_on_a_ruled_page_are_filled() -> None:
    page = scan()
    page[60::60] = 150
    holed = punched(page, 40)
    seen = remove_holes(holed)
    assert (seen[320:340, 45:65] > 100).all() and (seen[1240:1260, 45:65] > 100).all()
