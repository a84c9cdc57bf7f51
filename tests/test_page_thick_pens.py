"""Thick pens: their strokes are ink throughout, and what else is broad and dark is not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from hmer_cli.page.clean.illumination import flatten
from hmer_cli.page.load.images import Pixels
from hmer_cli.page.load.pages import Page


def seven(size: int, room: int, shade: int) -> Pixels:
    """A sign of a pen of a tenth of its height, cut out of paper with so much room."""
    page = np.full((2 * size, 2 * size), 245, np.uint8)
    strokes = np.array([(0.6, 0.5), (1.2, 0.5), (0.8, 1.5)]) * size
    cv2.polylines(page, [strokes.astype(np.int32)], False, shade, size // 10, cv2.LINE_AA)
    ink = np.argwhere(page < 128)
    (top, left), (foot, right) = ink.min(0), ink.max(0) + 1
    return np.pad(page[top:foot, left:right], room, constant_values=245)


@pytest.mark.parametrize("shade", [0, 10, 60, 90])
@pytest.mark.parametrize(("size", "room"), [(300, 0), (300, 3), (300, 20), (1200, 20)])
def test_strokes_of_a_thick_pen_are_not_hollowed_out(size: int, room: int, shade: int) -> None:
    sign = seven(size, room, shade)
    ink = sign < 128
    seen = Page.of("7.png", 1, sign).image
    assert (seen[ink] < 128).mean() > 0.98
    assert (seen[~ink] < 128).mean() < 0.02


def test_what_is_broad_and_dark_on_a_page_of_writing_or_softly_so_is_no_stroke() -> None:
    page = np.full((900, 700), 240, np.uint8)
    for row in range(100, 850, 90):
        cv2.putText(page, "x + y = 23 z", (40, row), cv2.FONT_HERSHEY_SIMPLEX, 1.5, 60, 3)
    page[650:800, 450:640] = 30  # a picture
    assert flatten(page)[700:750, 500:600].min() > 200
    shade = np.full((200, 260), 240.0)
    shade[60:140, 60:200] = 40
    soft = cv2.GaussianBlur(shade, (0, 0), 20).astype(np.uint8)
    assert flatten(soft)[100, 130] > 200
    corner = np.full((900, 700), 240, np.uint8)
    corner[600:, 500:] = 40  # of the table
    assert flatten(corner)[750, 620] > 200
