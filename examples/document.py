"""A page of notes beside the document that hmer makes of it: docs/document.png.

Input: an image of a page. Output: a PNG with the page on the left, and on the right the LaTeX of
``hmer convert --document``, compiled by pdflatex.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pypdfium2

HEIGHT, ROOM = 700, 24  # pixels of the picture, and around each half


def compiled(page: str, folder: Path) -> np.ndarray:
    """The first page of the document, gray (H, W), trimmed to its ink."""
    convert = [sys.executable, "-m", "hmer_cli", "convert", page, "--document"]
    subprocess.run([*convert, "--out", str(folder / "page.tex")], check=True)
    latex = ["pdflatex", "-interaction=batchmode", "-halt-on-error", "page.tex"]
    subprocess.run(latex, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    document = pypdfium2.PdfDocument(folder / "page.pdf")
    image = document[0].render(scale=3, grayscale=True).to_numpy()
    drawn = np.asarray(image).reshape(image.shape[:2])
    drawn = drawn[: round(0.8 * len(drawn))]  # without the number of the page
    rows, columns = np.flatnonzero((drawn < 128).any(1)), np.flatnonzero((drawn < 128).any(0))
    return drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def half(image: np.ndarray) -> np.ndarray:
    """An image at the height of the picture, white around it."""
    high = HEIGHT - 2 * ROOM
    scale = min(high / image.shape[0], 1.2 * high / image.shape[1])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    below = HEIGHT - ROOM - small.shape[0]
    return cv2.copyMakeBorder(small, ROOM, below, ROOM, ROOM, cv2.BORDER_CONSTANT, value=[255])


def main(page: str, out: str) -> None:
    """Draw the picture of an image of a page."""
    with tempfile.TemporaryDirectory() as folder:
        right = half(compiled(page, Path(folder)))
    image = cv2.imread(page, cv2.IMREAD_GRAYSCALE)
    assert image is not None, page
    line = np.full((HEIGHT, 2), 200, np.uint8)
    cv2.imwrite(out, np.hstack([half(image), line, right]))


if __name__ == "__main__":
    main(*sys.argv[1:])
