"""The rings of a spiral binding leave a page; rows of writing that are nearly as even stay."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from hmer_cli.page.clean.ruled_lines import remove_rules
from hmer_cli.page.clean.spirals import remove_spirals
from hmer_cli.page.ink_box import ink_box

Pixels = NDArray[np.uint8]


def sheet() -> Pixels:
    page = np.full((750, 1000), 255, np.uint8)
    cv2.putText(page, "a+b=7", (350, 420), cv2.FONT_HERSHEY_SIMPLEX, 3, 20, 6, cv2.LINE_AA)
    return page


def bound(slope: float) -> Pixels:
    """The sheet with holes and wires along its left side, which leans by so much."""
    page = sheet()
    for y in range(15, 740, 32):
        x = round(90 + slope * y)
        cv2.circle(page, (x, y), 6, 60, -1, cv2.LINE_AA)
        cv2.ellipse(page, (x - 12, y - 2), (14, 4), 0, 0, 360, 120, 2, cv2.LINE_AA)
    return page


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("slope", [0.0, 0.08])
def test_a_binding_along_any_side_is_no_ink(turn: int, slope: float) -> None:
    page, wanted = (np.ascontiguousarray(np.rot90(each, turn)) for each in (bound(slope), sheet()))
    assert ink_box(remove_spirals(page)) == ink_box(wanted)


@pytest.mark.parametrize("pitch", [56, 70])
def test_printed_lines_that_meet_the_rings_keep_no_ring(pitch: int) -> None:
    page = sheet()
    for y in range(20, 740, 48):
        cv2.circle(page, (25, y), 7, 50, -1, cv2.LINE_AA)
        cv2.line(page, (0, y - 12), (25, y), 110, 4, cv2.LINE_AA)
    for y in range(30, 750, pitch):
        page[y : y + 2] = np.minimum(page[y : y + 2], 170)
    assert ink_box(remove_rules(remove_spirals(page))) == ink_box(sheet())


@pytest.mark.parametrize("number", ["10110100110101101101", "12345678901234567890"])
def test_digits_in_the_squares_of_a_sheet_stay(number: str) -> None:
    page = sheet()
    for place, digit in enumerate(number):
        cv2.putText(page, digit, (20 + 48 * place, 700), cv2.FONT_HERSHEY_SIMPLEX, 1, 20, 3)
    assert np.array_equal(remove_spirals(page), page)


@pytest.mark.parametrize("column", [0, 1])
@pytest.mark.parametrize("sign", ["0", "+"])
def test_a_column_of_equal_signs_stays(sign: str, column: int) -> None:
    page = np.full((1000, 900), 255, np.uint8)
    for row in range(15):
        for place, words in enumerate((sign, f"{37 * row + 3}")):
            at = 60 + 100 * (place ^ column), 80 + 60 * row
            cv2.putText(page, words, at, cv2.FONT_HERSHEY_SIMPLEX, 1, 20, 3)
    assert np.array_equal(remove_spirals(page), page)


def test_a_number_of_many_zeros_stays() -> None:
    page = np.full((250, 1000), 255, np.uint8)
    cv2.putText(page, "1" + 18 * "0", (20, 150), cv2.FONT_HERSHEY_SIMPLEX, 2.2, 20, 4)
    assert np.array_equal(remove_spirals(page), page)
