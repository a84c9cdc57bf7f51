"""A correction in another colour is taken out; what was written in several colours stays."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from hmer_cli.page.load import pens
from hmer_cli.page.load.colour import as_gray
from hmer_cli.page.load.pens import Pixels, without_corrections

BLACK, BLUE = (20, 20, 25), (30, 60, 190)
RED, ORANGE = (215, 30, 35), (230, 110, 20)


def sums(colour: tuple[int, int, int], size: int = 1) -> Pixels:
    """A row of crosses, as plus signs and letters are, on white."""
    page = np.full((200 * size, 600 * size, 3), 255, np.uint8)
    for x in range(60, 560, 90):
        cross(page, x * size, 100 * size, colour, size)
    return page


def cross(page: Pixels, x: int, y: int, colour: tuple[int, int, int], size: int = 1) -> None:
    for dx, dy in ((20, 25), (20, -25)):
        ends = (x - dx * size, y - dy * size), (x + dx * size, y + dy * size)
        cv2.line(page, *ends, colour, 4 * size, cv2.LINE_AA)


def tick(page: Pixels, colour: tuple[int, int, int], size: int = 1) -> None:
    points = np.array([[(200, 60), (270, 170), (450, 20)]]) * size
    cv2.polylines(page, points, False, colour, 5 * size, cv2.LINE_AA)


@pytest.mark.parametrize("size", [1, 5])
@pytest.mark.parametrize(("ink", "pen"), [(BLACK, RED), (BLACK, ORANGE), (BLUE, RED)])
def test_a_tick_over_the_writing_is_taken_out(
    ink: tuple[int, int, int], pen: tuple[int, int, int], size: int
) -> None:
    plain, corrected = sums(ink, size), sums(ink, size)
    tick(corrected, pen, size)
    spoiled = np.abs(as_gray(plain).astype(int) - cv2.cvtColor(corrected, cv2.COLOR_RGB2GRAY)) > 60
    left = np.abs(as_gray(plain).astype(int) - as_gray(corrected)) > 60
    assert left.sum() < 0.15 * spoiled.sum()


def test_a_term_in_another_colour_stays() -> None:
    page = sums(BLACK)
    for x in (150, 420):
        page[:, x - 45 : x + 45] = 255
        cross(page, x, 100, RED)
    assert np.array_equal(without_corrections(page), page)


def test_a_pen_that_writes_is_kept_though_it_crosses_rules() -> None:
    page = np.full((600, 600, 3), 255, np.uint8)
    for y in range(80, 600, 60):
        cv2.line(page, (0, y), (599, y), (120, 150, 230), 2)
    for y in range(60, 560, 60):
        for x in range(60, 560, 70):
            cross(page, x, y, RED if y % 120 else BLACK)
    kept = without_corrections(page)
    assert np.abs(kept.astype(int) - page).max() == 0


def test_writing_in_one_colour_stays() -> None:
    for colour in (BLACK, BLUE, RED, (90, 90, 95)):
        page = sums(colour)
        assert np.array_equal(without_corrections(page), page)


def test_of_a_page_crossed_out_line_by_line_only_near_ends_are_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = np.full((800, 1000, 3), 255, np.uint8)
    for y in range(60, 800, 60):
        for x in range(60, 960, 36):
            cross(page, x, y, BLACK)
        zigzag = [(x, y + 5 * (x // 40 % 2)) for x in range(50, 980, 40)]
        if y < 500:
            cv2.polylines(page, [np.array(zigzag)], False, RED, 3, cv2.LINE_AA)
    compared = []
    across = pens._goes_across
    monkeypatch.setattr(pens, "_goes_across", lambda *a: compared.append(1) or across(*a))
    assert (without_corrections(page) != page).any()
    assert 0 < len(compared) < 5000  # of 200,000 pairs
