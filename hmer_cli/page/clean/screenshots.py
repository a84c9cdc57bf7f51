"""Screenshots: the photo between bars of one shade, and the bars of apps for notes.

Input: (H, W). Output: the rows of the photo, or None; the image without bars. Viewers and
messengers fit a photo to the width of the screen; above and below it the screen has one shade, and
words and buttons are in its outermost rows alone. A light bar beside a dark photo, or a dark one
beside a sheet, would decide whether the image is a board, and its words would be read. Apps for
notes have the time, a title and round buttons on bars of another shade than their page.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.clean.letters import is_flat
from hmer_cli.page.load.images import Pixels

_TALL = 1.6  # times as high as wide: screens of phones; sheets of paper are less
_SAME = 2  # gray levels: largest deviation from the shade of a bar
_BAR, _PHOTO = 0.95, 0.5  # of a row: least share of that shade in a bar, and largest in a photo
_LEAST, _BARS = 0.12, 0.2  # of the height: least height of a photo, and of both bars together
_WORDS = 0.14  # of the height, from the head and the foot: where a screen has words
_LINES = 8  # pixels: rows between a bar and a photo, which a block of JPEG mixes

_SCREEN = 480  # pixels: least sides of a screenshot of a program; smaller images are crops
_HIGH = 0.12  # of the height: largest height of the bars at the head or the foot of an app
_OTHER = 4  # gray levels: least difference of a bar from the page
_EVEN, _UNCUT = 0.5, 0.8  # of a row of a bar: least share of its shade; of the rows where it ends
_PAGE = 0.6  # of a screenshot: least share of the shade of its page, which a photo has not
_LOW = 0.035  # of the height: largest height of words and buttons in a bar; handwriting is higher
_INK = 40  # gray levels: least difference of writing from the page


def without_bars(image: Pixels) -> Pixels:
    """A screenshot of an app for notes with its bars in the shade of its page; ``image`` and the
    result: (H, W). Other images are returned as they are."""
    if min(image.shape) < _SCREEN:
        return image
    page = int(np.bincount(image[::2, ::2].ravel(), minlength=256).argmax())
    off = np.abs(image.astype(np.int16) - page)
    if float((off <= _SAME).mean()) < _PAGE:
        return image
    head, foot = _bar(image, page), _bar(image[::-1], page)
    rest = off[head : len(image) - foot]
    if not (head or foot) or not bool((rest >= _INK).any()):
        return image
    cleaned = image.copy()
    cleaned[:head], cleaned[len(image) - foot :] = page, page
    return cleaned


def _bar(image: Pixels, page: int) -> int:
    """How many rows from the first on are bars, one or several; 0 where there is none."""
    outer = image[: round(_HIGH * len(image)) + 1]
    shades = np.median(outer, axis=1)
    ends = np.flatnonzero(np.abs(shades - page) < _OTHER)
    if not len(ends) or ends[0] < 2:
        return 0
    end = int(ends[0])
    share = (np.abs(outer[: end + 1] - shades[: end + 1, None]) <= _SAME).mean(axis=1)
    is_even = float(np.median(share)) >= _EVEN and share[end - 1 :].min() >= _UNCUT
    ink = np.abs(outer[:end] - shades[:end, None]) >= _INK
    stats = cv2.connectedComponentsWithStats(ink.astype(np.uint8))[2][1:]
    is_low = stats[:, cv2.CC_STAT_HEIGHT].max(initial=0) <= _LOW * len(image)
    return end if is_even and is_low else 0


def photo_in_screenshot(image: Pixels) -> tuple[int, int] | None:
    """The first row of the photo and the row after its last; None where there is no such photo."""
    height, width = image.shape
    if height < _TALL * width:
        return None
    shades = [float(np.median(bar)) for bar in _outer(image)]
    if abs(shades[0] - shades[1]) > _SAME:
        return None
    same = np.abs(image.astype(np.int16) - round(shades[0])) <= _SAME
    share = same.mean(1)
    top, foot = _longest(share < _BAR, _LINES)
    top, foot = _within(share <= _PHOTO, top, foot)
    if foot - top < _LEAST * height or height - (foot - top) < _BARS * height or top == 0:
        return None
    words = np.flatnonzero(share < _BAR)
    words = words[(words < top - _LINES) | (words >= foot + _LINES)]
    outermost = np.minimum(words, height - 1 - words) < _WORDS * height
    photo = image[top:foot]
    if foot == height or not outermost.all() or is_flat(photo, np.ones(photo.shape, bool)):
        return None
    return top, foot


def _outer(image: Pixels) -> tuple[Pixels, Pixels]:
    """The outermost rows, where bars have their shade between words."""
    rows = max(1, round(_WORDS * len(image) / 2))
    return image[:rows], image[-rows:]


def _longest(rows: NDArray[np.bool_], gap: int) -> tuple[int, int]:
    """The longest run of true rows, in which so many may be false; (0, 0) where none is true."""
    there = np.flatnonzero(rows)
    if not len(there):
        return 0, 0
    parts = np.split(there, np.flatnonzero(np.diff(there) > gap + 1) + 1)
    longest = max(parts, key=lambda part: int(part[-1] - part[0]))
    return int(longest[0]), int(longest[-1]) + 1


def _within(rows: NDArray[np.bool_], top: int, foot: int) -> tuple[int, int]:
    """The range without the rows at its ends that are no photo; a few at the edge are a mixture."""
    there = np.flatnonzero(rows[top:foot])
    if not len(there) or there[0] > _LINES or foot - top - 1 - there[-1] > _LINES:
        return 0, 0  # ends softly, as a shadow does
    return top + int(there[0]), top + int(there[-1]) + 1
