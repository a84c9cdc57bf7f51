"""A correction in another colour is taken out; what was written in several colours stays."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from hmer_cli.document.doubts import doubt_of
from hmer_cli.page.load import pens
from hmer_cli.page.load.colour import as_gray
from hmer_cli.page.load.pages import Page
from hmer_cli.page.load.pens import Pixels, without_corrections
from hmer_cli.page.regions import find_regions

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


def struck(pen: tuple[int, int, int], *points: tuple[int, int]) -> Pixels:
    """Three lines of writing, of which a second pen crosses the first."""
    page = np.full((500, 900, 3), 252, np.uint8)
    for y, text in ((120, "x + 2y = 13"), (260, "x + 2y = 14"), (400, "x = 4, y = 5")):
        cv2.putText(page, text, (60, y), cv2.FONT_HERSHEY_SIMPLEX, 2.4, BLACK, 5, cv2.LINE_AA)
    cv2.polylines(page, [np.array(points)], False, pen, 5, cv2.LINE_AA)
    return page


STRIKES = {
    "one line": [(50, 100), (200, 95), (400, 102), (600, 92)],
    "aslant": [(50, 125), (600, 75)],
    "there and back": [(50, 95), (600, 92), (600, 108), (50, 110)],
}


@pytest.mark.parametrize("way", STRIKES)
@pytest.mark.parametrize("pen", [RED, (30, 60, 220)])
def test_what_another_colour_crosses_out_stays_crossed_out(
    pen: tuple[int, int, int], way: str
) -> None:
    page = struck(pen, *STRIKES[way])
    line = cv2.erode((np.abs(page.astype(int) - pen).max(2) < 40).astype(np.uint8), np.ones((3, 3)))
    assert (as_gray(page)[line > 0] < 128).mean() > 0.95


@pytest.mark.parametrize("way", ["one line", "aslant"])
def test_a_line_that_another_colour_crosses_out_is_doubted(way: str) -> None:
    line = as_gray(struck(RED, *STRIKES[way])[40:150])
    (region,) = find_regions(Page.of("x", 1, line), "expression")
    assert "crossed out" in doubt_of(region.image, "x + 2 y = 1 3")


MARKS = {
    "an underline": [(40, 126), (620, 123)],
    "a circle": [(330 + round(200 * np.cos(a)), 100 + round(45 * np.sin(a)))
                 for a in np.linspace(0, 2 * np.pi, 40)],
    "a tick": [(200, 60), (270, 150), (450, 20)],
}  # fmt: skip


@pytest.mark.parametrize("mark", MARKS)
def test_underlines_circles_and_ticks_that_meet_the_writing_are_taken_out(mark: str) -> None:
    marked, bare = struck(RED, *MARKS[mark]), as_gray(struck(BLACK))
    spoiled = np.abs(bare.astype(int) - cv2.cvtColor(marked, cv2.COLOR_RGB2GRAY)) > 60
    left = np.abs(bare.astype(int) - as_gray(marked)) > 60
    assert left.sum() < 0.25 * spoiled.sum()


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


def test_of_a_page_crossed_column_by_column_only_near_ends_are_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = np.full((800, 1000, 3), 255, np.uint8)
    for y in range(60, 800, 60):
        for x in range(60, 960, 36):
            cross(page, x, y, BLACK)
    for x in range(70, 960, 72):
        zigzag = [(x + 5 * (y // 40 % 2), y) for y in range(40, 780, 40)]
        cv2.polylines(page, [np.array(zigzag)], False, RED, 3, cv2.LINE_AA)
    compared = []
    across = pens._goes_across
    monkeypatch.setattr(pens, "_goes_across", lambda *a: compared.append(1) or across(*a))
    assert (without_corrections(page) != page).any()
    assert 0 < len(compared) < 5000  # of 200,000 pairs
