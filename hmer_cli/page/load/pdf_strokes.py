"""PDF bytes -> the strokes of a page, packed for transfer, and the boxes of what else it shows.

Runs in a worker process, as ``pdfium.py``.
"""

from __future__ import annotations

import numpy as np
import pypdfium2 as pdfium
from numpy.typing import NDArray

from hmer_cli.page.load.pdf_ink import page_strokes
from hmer_cli.page.load.pdf_objects import Colour
from hmer_cli.page.load.pdfium import open_page
from hmer_cli.page.load.worker import Meta


def strokes(meta: Meta, data: bytes) -> tuple[Meta, bytes]:
    """The strokes of page ``number`` (from 1): ``{"lengths", "pens", "levels", "images", "stamps",
    "print", "width"}`` and the points.

    Points are float32, x and y in turn, in points of the page as it is shown, whose width is
    ``width``; one length, one pen and one gray level on white a stroke, one box an image, a stamp
    and a piece of print.
    """
    try:
        page = open_page(meta, data)
        found = page_strokes(page)
    except pdfium.PdfiumError as error:
        return {"error": str(error), "lengths": []}, b""
    points = [stroke.points.astype("<f4") for stroke in found.strokes]
    answer = {
        "lengths": [len(each) for each in points],
        "pens": [stroke.pen for stroke in found.strokes],
        "levels": [_level(stroke.colour) for stroke in found.strokes],
        "images": found.images,
        "stamps": found.stamps,
        "print": found.printed,
        "width": page.get_width(),
    }
    return answer, b"".join(each.tobytes() for each in points)


def _level(colour: Colour) -> float:
    """How bright a colour is on white (ITU-R BT.601), 0 to 255."""
    red, green, blue, alpha = colour
    return 255 - (255 - (0.299 * red + 0.587 * green + 0.114 * blue)) * alpha / 255


def unpacked(answer: Meta, data: bytes | bytearray) -> list[NDArray[np.float32]]:
    """The strokes (N, 2) of such an answer; none where there are none."""
    lengths = answer["lengths"]
    points = np.frombuffer(data, "<f4").reshape(-1, 2).astype(np.float32)
    return np.split(points, np.cumsum(lengths)[:-1]) if lengths else []
