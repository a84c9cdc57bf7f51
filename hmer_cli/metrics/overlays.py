"""Pictures of pages with found and true boxes.

Input: an image and a `PageOutcome`. Output: a PIL image.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from hmer_cli.geometry import Box, shift
from hmer_cli.metrics.regions import THRESHOLDS, PageOutcome, pairs

RIGHT, EXCESS, MISSED = "#009e73", "#d55e00", "#0072b2"
"""Colours that are distinct for colour-blind people (Okabe and Ito, 2008)."""

_INK = "#202020"
_FADED = 0.5  # of the page's contrast, so that the boxes stand out
_DASH = 10  # pixels


def picture(image: NDArray[np.uint8], outcome: PageOutcome) -> Image.Image:
    """The page with its boxes under a legend.

    True positives: green, with the true box dashed. False positives: orange. False negatives: blue
    and dashed. ``image`` is (H, W), dark ink on white, in the pixels of the boxes.
    """
    size = max(16, image.shape[1] // 60)
    faded = (255 - (255 - image.astype(np.float32)) * _FADED).astype(np.uint8)
    drawn = Image.new("RGB", (image.shape[1], image.shape[0] + 2 * size), "white")
    drawn.paste(Image.fromarray(faded), (0, 2 * size))
    pen = ImageDraw.Draw(drawn)
    _legend(pen, outcome, size)
    matched = pairs(outcome.found, outcome.truth, THRESHOLDS[0])
    right, known = {found for found, _ in matched}, {true for _, true in matched}
    for index, box in enumerate(outcome.truth):
        colour = RIGHT if index in known else MISSED
        _dashed(pen, shift(_clipped(box, image), 0, 2 * size), colour)
    for index, box in enumerate(outcome.found):
        colour = RIGHT if index in right else EXCESS
        pen.rectangle(shift(_clipped(box, image), 0, 2 * size), outline=colour, width=3)
    return drawn


def _clipped(box: Box, image: NDArray[np.uint8]) -> Box:
    """The box with its edges at most a little outside of the image; truths may be far off."""
    height, width = image.shape
    x0, y0, x1, y1 = np.nan_to_num(box, nan=0.0)
    edge = 2.0 * _DASH
    (x0, x1), (y0, y1) = (
        np.clip(sorted(pair), -edge, length + edge)
        for pair, length in (((x0, x1), width), ((y0, y1), height))
    )
    return float(x0), float(y0), float(x1), float(y1)


def _legend(pen: ImageDraw.ImageDraw, outcome: PageOutcome, size: int) -> None:
    hits = outcome.hits(THRESHOLDS[0])
    font = ImageFont.load_default(size)
    x = float(size)
    for text, colour in (
        (f"{outcome.name}: {len(outcome.truth)} true, {len(outcome.found)} found", _INK),
        (f"{hits} right", RIGHT),
        (f"{len(outcome.found) - hits} in excess", EXCESS),
        (f"{len(outcome.truth) - hits} not found (dashed)", MISSED),
    ):
        pen.text((x, size / 3), text, fill=colour, font=font)
        x += font.getlength(text) + size


def _dashed(pen: ImageDraw.ImageDraw, box: Box, colour: str) -> None:
    x0, y0, x1, y1 = box
    for x in np.arange(x0, x1, 2 * _DASH):
        for y in (y0, y1):
            pen.line((x, y, min(x + _DASH, x1), y), fill=colour, width=2)
    for y in np.arange(y0, y1, 2 * _DASH):
        for x in (x0, x1):
            pen.line((x, y, x, min(y + _DASH, y1)), fill=colour, width=2)
