"""Of screenshots the photo or the notes are read, and not the screen or the bars around them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from hmer_cli.page.clean.screenshots import photo_in_screenshot
from hmer_cli.page.ink_box import ink_box
from hmer_cli.page.load.pages import Page

Pixels = NDArray[np.uint8]

FIRST, LAST = 420, 780  # rows of the photo
WRITING = 150, 160, 400, 240  # left, top, right and foot of it, in pixels of the photo


def written(image: Pixels, words: str, place: tuple[int, int], shade: int, size: float) -> None:
    cv2.putText(image, words, place, cv2.FONT_HERSHEY_SIMPLEX, size, shade, 3, cv2.LINE_AA)


def photo(board: bool) -> Pixels:
    """A sheet, or a board, in uneven light."""
    light = np.linspace(0.75, 1, 540)[None] * np.linspace(1, 0.85, LAST - FIRST)[:, None]
    shown = (light * (60 if board else 235)).astype(np.uint8)
    written(shown, "x=3+y", (150, 225), 220 if board else 50, 2)
    return shown


def screenshot(bar: int, shown: Pixels) -> Pixels:
    screen = np.full((1200, 540), bar, np.uint8)
    screen[FIRST:LAST] = shown
    written(screen, "14:32", (30, 30), 255 - bar, 0.7)
    written(screen, "Anna", (80, 90), 255 - bar, 0.9)
    cv2.rectangle(screen, (20, 1100), (520, 1160), 255 - bar, 2)
    return screen


@pytest.mark.parametrize("board", [False, True])
@pytest.mark.parametrize("bar", [0, 20, 255])
def test_the_photo_alone_is_a_page_with_dark_writing(bar: int, board: bool) -> None:
    page = Page.of("", 1, screenshot(bar, photo(board)))
    ink = np.argwhere(page.image < 128)[:, ::-1]
    box = page.in_source((*map(float, ink.min(0)), *map(float, ink.max(0) + 1)))
    left, top, right, foot = WRITING
    assert left - 5 <= box[0] and box[2] <= right + 5
    assert FIRST + top - 5 <= box[1] and box[3] <= FIRST + foot + 5
    assert not page.warped


@pytest.mark.parametrize("place", [300, 900])
def test_notes_above_or_below_a_photo_in_them_stay(place: int) -> None:
    notes = screenshot(255, photo(board=False))
    written(notes, "y = 2", (60, place), 30, 1.5)
    assert photo_in_screenshot(notes) is None


def test_a_drawn_page_and_a_photo_that_fills_the_screen_are_no_photo_between_bars() -> None:
    assert photo_in_screenshot(screenshot(0, np.full((LAST - FIRST, 540), 255, np.uint8))) is None
    shown = cv2.resize(photo(board=False), (540, 1200))
    assert photo_in_screenshot(np.asarray(shown, np.uint8)) is None


def app(back: int, bar: int, words: bool = True) -> Pixels:
    """Notes between the bars of an app."""
    screen = np.full((1280, 640), back, np.uint8)
    screen[:110], screen[1200:] = bar, bar
    if words:
        written(screen, "12:41", (30, 40), 255 - back, 0.7)
        written(screen, "< Notes", (30, 90), 255 - back, 0.9)
        for x in (100, 320, 540):
            cv2.circle(screen, (x, 1240), 16, 255 - back, 2, cv2.LINE_AA)
    written(screen, "x=3+y", (150, 225), 255 - back, 2)
    return screen


@pytest.mark.parametrize(("back", "bar"), [(255, 245), (255, 225), (30, 42), (0, 20)])
def test_the_bars_of_an_app_are_no_ink(back: int, bar: int) -> None:
    box = ink_box(Page.of("", 1, app(back, bar)).image)
    assert box is not None and box[1] > 150 and box[3] < 260


def test_writing_at_the_head_of_a_page_without_bars_stays() -> None:
    screen = app(255, 255, words=False)
    written(screen, "a+b", (150, 60), 30, 2)
    box = ink_box(Page.of("", 1, screen).image)
    assert box is not None and box[1] < 50


def test_handwriting_on_a_tinted_band_stays() -> None:
    screen = app(255, 235, words=False)
    written(screen, "x+y", (150, 80), 30, 3)
    box = ink_box(Page.of("", 1, screen).image)
    assert box is not None and box[1] < 70


def test_writing_that_a_bar_would_cut_stays() -> None:
    screen = app(255, 235, words=False)
    for x in range(40, 600, 60):
        cv2.line(screen, (x, 60), (x + 50, 160), 30, 16, cv2.LINE_AA)
    box = ink_box(Page.of("", 1, screen).image)
    assert box is not None and box[1] < 70
