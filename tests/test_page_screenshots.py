"""Of a screenshot of a phone that shows a photo, the photo is read and not the screen around it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from hmer_cli.page.clean.screenshots import photo_in_screenshot
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
