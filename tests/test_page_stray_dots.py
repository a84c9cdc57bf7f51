"""A dot that the pen left above a line is no sign; dots of signs stay."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from hmer_cli.page.detect.stray_dots import remove_stray_dots

Pixels = NDArray[np.uint8]
EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def line(text: str = "3x-4y=4") -> Pixels:
    page = np.full((200, 90 + 70 * len(text)), 255, np.uint8)
    for place, letter in enumerate(text):
        at = (40 + 70 * place, 140)
        cv2.putText(page, letter, at, cv2.FONT_HERSHEY_SIMPLEX, 2.4, 0, 4, cv2.LINE_AA)
    return page


@pytest.mark.parametrize("letter", ["y", "x", "a"])
@pytest.mark.parametrize("slant", [0, 4, 8])
def test_primes_stay(letter: str, slant: int) -> None:
    page = line(f"{letter}=3x")
    rows, columns = np.nonzero(page[:, 30:105] < 128)
    x, y = 30 + int(columns.max()) + 8, int(rows.min())
    cv2.line(page, (x + slant, y - 12), (x, y - 4), 0, 4, cv2.LINE_AA)
    assert (remove_stray_dots(page) == page).all()


def test_a_dot_over_a_gap_goes() -> None:
    page = line()
    rows, columns = np.nonzero(page[:, 40:180] < 128)
    gap = np.setdiff1d(np.arange(columns.min(), columns.max()), columns)
    x, y = 40 + int(np.median(gap)), int(rows.min()) - 14
    dotted = page.copy()
    cv2.circle(dotted, (x, y), 5, 0, -1, cv2.LINE_AA)
    assert (remove_stray_dots(dotted) == page).all()


@pytest.mark.parametrize("text", ["xi+j=1", "2i-4", "a:b=3", "1.5+x", "x!=6"])
def test_dots_of_signs_stay(text: str) -> None:
    page = line(text)
    assert (remove_stray_dots(page) == page).all()


@pytest.mark.parametrize(("x", "y"), [(68, 60), (138, 120), (95, 138)])
def test_accents_products_and_points_stay(x: int, y: int) -> None:
    page = line()
    cv2.circle(page, (x, y), 5, 0, -1, cv2.LINE_AA)
    assert (remove_stray_dots(page) == page).all()


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.png")), ids=lambda path: path.stem)
def test_examples_stay_as_they_are(path: Path) -> None:
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    assert (remove_stray_dots(np.asarray(image, np.uint8)) == image).all()
