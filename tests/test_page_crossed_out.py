"""What is crossed out beside an expression is not read with it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from hmer_cli.page.clean.crossed_out import without_crossed_out
from hmer_cli.page.load.images import Pixels
from hmer_cli.page.load.pages import Page
from hmer_cli.page.regions import find_regions


def lines(crossed: tuple[int, ...], pen: int = 3) -> Pixels:
    """Two lines of signs, of which these are crossed out."""
    page = np.full((300, 500), 255, np.uint8)
    for number, text in enumerate(("a + b = 8", "x - 3 = 4")):
        foot = 100 + 120 * number
        cv2.putText(page, text, (60, foot), cv2.FONT_HERSHEY_SIMPLEX, 2, 0, pen)
        if number in crossed:
            x = np.arange(50, 380)
            zigzag = np.stack([x, foot - 22 + 20 * np.sin(x / 5)], 1).astype(np.int32)
            cv2.polylines(page, [zigzag], False, 0, pen, cv2.LINE_AA)
            cv2.line(page, (45, foot - 20), (390, foot - 25), 0, pen, cv2.LINE_AA)
    return page


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("scale", [0.5, 1, 4])
def test_a_line_that_is_crossed_out_is_left_out(first: bool, scale: float) -> None:
    size = round(500 * scale), round(300 * scale)
    page = cv2.resize(lines((0,) if first else (1,)), size, interpolation=cv2.INTER_AREA)
    seen = Page.of("photo.png", 1, np.asarray(page, np.uint8))
    (region,) = find_regions(seen)
    _, top, _, foot = np.array(region.box) / scale
    assert (top > 130) if first else (foot < 130)


@pytest.mark.parametrize("pen", [2, 3, 7, 11])
def test_what_is_not_crossed_out_is_left_as_it_is(pen: int) -> None:
    page = lines((), pen)
    assert without_crossed_out(page) is page


def test_what_is_all_that_is_written_is_left() -> None:
    page = lines((0, 1))
    assert without_crossed_out(page) is page
