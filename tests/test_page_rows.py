"""One expression or several rows of them: told by the white between and by what stands there."""

from __future__ import annotations

from itertools import permutations

import cv2
import numpy as np
import pytest
from handmade import example_image
from numpy.typing import NDArray

from hmer_cli.page.detect.components import find_components
from hmer_cli.page.detect.detector import shipped
from hmer_cli.page.detect.rows import find_rows
from hmer_cli.page.load.pages import Page
from hmer_cli.page.regions import find_regions

Pixels = NDArray[np.uint8]
NAMES = ("basel", "derivative", "integral", "limit", "pythagoras")


def stacked(names: tuple[str, ...], white: int = 60) -> Pixels:
    """Examples below each other."""
    images = [example_image(name) for name in names]
    width = max(image.shape[1] for image in images)
    rows: list[Pixels] = []
    for image in images:
        room = ((0, white), (0, width - image.shape[1]))
        rows.append(np.pad(image, room, constant_values=255))
    return np.concatenate(rows)


def turned(image: Pixels, angle: float) -> Pixels:
    height, width = image.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1)
    return np.asarray(cv2.warpAffine(image, turn, (width, height), borderValue=255), np.uint8)


def regions(image: Pixels) -> int:
    return len(find_regions(Page.of("x.png", 1, image)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scale", [0.5, 1.0, 2.5])
def test_a_formula_stays_one_however_many_white_rows_it_has(name: str, scale: float) -> None:
    image = cv2.resize(example_image(name), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    assert regions(np.asarray(image, np.uint8)) == 1


@pytest.mark.parametrize("pair", list(permutations(NAMES, 2))[::3])
@pytest.mark.parametrize("white", [20, 120])
def test_two_formulas_below_each_other_are_two(pair: tuple[str, str], white: int) -> None:
    assert regions(stacked(pair, white)) == 2


def test_many_rows_are_found_from_the_top_down() -> None:
    parts = find_components(stacked(("pythagoras", "basel", "integral", "derivative")))
    rows = find_rows(parts.boxes, parts.unit, shipped().likely_rows)
    assert len(rows) == 4
    tops = [parts.boxes[row, 1].min() for row in rows]
    assert tops == sorted(tops)
    assert sorted(np.concatenate(rows)) == list(range(len(parts)))


@pytest.mark.parametrize("angle", [-3.0, 3.0])
def test_rows_that_slope_are_rows(angle: float) -> None:
    page = np.pad(stacked(("pythagoras", "derivative"), 40), 60, constant_values=255)
    parts = find_components(turned(page, angle))
    assert len(find_rows(parts.boxes, parts.unit, shipped().likely_rows)) == 2


def test_a_brace_holds_rows_together() -> None:
    rows = stacked(("pythagoras", "pythagoras"), 30)
    image = np.pad(rows, ((30, 30), (120, 30)), constant_values=255)
    height = image.shape[0]
    points = [(90, 40), (60, 60), (60, height // 2 - 20), (35, height // 2)]
    points += [(60, height // 2 + 20), (60, height - 90), (90, height - 70)]
    cv2.polylines(image, [np.array(points, np.int32)], False, 0, 4, cv2.LINE_AA)
    assert regions(image) == 1


def test_where_the_search_finds_nothing_the_whole_is_read() -> None:
    image = np.full((420, 1200), 255, np.uint8)
    for x in range(30, 1200, 30):  # two rows of crosses: many parts, and no expression
        size = 4 + x % 7  # equal ones would be print
        for y in (30, 390):
            cv2.line(image, (x - size, y), (x + size, y), 0, 2)
            cv2.line(image, (x, y - size), (x, y + size), 0, 2)
    assert regions(image) >= 1


def bar_between(above: str, below: str, bar: bool) -> Pixels:
    """Two rows of letters with a sloping bar between them, as long as both."""
    page = np.full((300, 620), 255, np.uint8)
    for text, y in ((above, 110), (below, 250)):
        for place, letter in enumerate(text):
            at = (60 + 62 * place, y)
            cv2.putText(page, letter, at, cv2.FONT_HERSHEY_SIMPLEX, 2.6, 0, 5, cv2.LINE_AA)
    if bar:
        cv2.line(page, (30, 140), (590, 156), 0, 5, cv2.LINE_AA)
    return page


def test_a_bar_as_long_as_both_rows_makes_them_a_fraction() -> None:
    assert regions(bar_between("az(1+az)", "(1-az)3", True)) == 1
    assert regions(bar_between("a+z=1+az", "z=1-az", False)) == 2


def test_limits_over_and_under_a_sum_are_no_rows() -> None:
    page = np.full((420, 700), 255, np.uint8)
    cv2.polylines(
        page, [np.array([(220, 120), (60, 130), (150, 200), (60, 280), (230, 290)])], False, 0, 5
    )
    for text, x, y, size in (("10000", 60, 80, 1.8), ("n=1", 90, 350, 1.6), ("(1-n)", 280, 230, 3)):
        for place, letter in enumerate(text):
            at = (x + round(22 * size) * place, y)
            cv2.putText(page, letter, at, cv2.FONT_HERSHEY_SIMPLEX, size, 0, 5, cv2.LINE_AA)
    assert regions(page) == 1


def test_a_row_that_is_crossed_out_is_a_row() -> None:
    page = stacked(("pythagoras", "limit"))
    height, width = example_image("pythagoras").shape
    for left, right in ((55, 103), (110, 55)):
        cv2.line(page, (10, left), (width - 10, min(right, height - 10)), 0, 3)
    assert regions(page) == 2
