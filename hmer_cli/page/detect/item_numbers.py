"""Numbers of exercises in front of an expression: ``9.``, ``3 -`` and numbers in a circle.

Input: connected components of a photo of one or a few expressions. Output: the column at which the
expressions begin; all ink to the left of it is the number. Method: the leftmost parts of the row
that reaches farthest left must have the shape of a number with its mark, and must be apart from
what follows: either all other rows begin to the right of it, and behind a dot there is no less
white than is usual on its row, or the white behind it is wider than any other on its row. Pages
with more ink are left as they are.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.detect.components import InkComponents, find_components
from hmer_cli.page.detect.equations import MOST_PARTS, SIGNS, SPECK, with_unit_of_letters
from hmer_cli.page.detect.integral import Floats
from hmer_cli.page.detect.rows import bands_of, levelled
from hmer_cli.page.load.images import Pixels

Indices = NDArray[np.int64]

# All chosen on photos of answers to exercises; lengths in letter heights.
_STUDIED = 1754  # pixels of the longer side, as the search sees a page
_DIGIT, _DIGITS = (0.5, 1.4), 2  # least height and largest width of a digit; digits of a number
_DOT = 0.45  # largest side of a dot
_DASH = 0.15, 1.0, 0.35  # least and largest width of a dash, largest height
_HANGING = {"dot": 0.4, "dash": 0.9, "ring": 0.2}  # white behind, where other rows are indented
_ALONE = {"dot": 1.3, "ring": 0.3}  # white behind, where there is one row
_WIDER = 1.3  # times the white before a dot or dash, and any other on a single row
_RING, _ROUND = 1.3, (0.6, 1.8)  # least height of a ring; range of its width by its height
_INSIDE = 0.35  # of the height of a ring: least height of the digit inside
_FLAT = 0.2, 2.0  # so low and so wide is what is left of a ruled line
_ROWS = 5.0  # rows that reach into each other are so high together
_BRACKET = 0.7  # of that: as high as no sign of such rows is, but the brackets of a matrix


def number_of_item(parts: InkComponents) -> float | None:
    """The column in pixels of the parts up to which all ink is a number; None without one."""
    if not SIGNS < len(parts) <= MOST_PARTS:
        return None
    unit = with_unit_of_letters(parts).unit
    size = (parts.boxes[:, 2:] - parts.boxes[:, :2]) / unit
    signs = (size.max(1) >= SPECK) | (size.min(1) >= SPECK / 2)
    signs &= ~((size[:, 1] <= _FLAT[0]) & (size[:, 0] >= _FLAT[1]))
    boxes = parts.boxes[signs] / unit
    if len(boxes) <= SIGNS:
        return None
    level = levelled(boxes)
    rows = [row for row in bands_of(level) if len(row) >= SIGNS]
    first = int(np.argmin(boxes[:, 0]))
    own = next((row for row in rows if first in row), None)
    if own is None:
        return None
    own = own[np.argsort(boxes[own, 0], kind="stable")]
    columns = _columns(boxes, own)
    found = _ring(boxes, columns, parts.ink, unit) or _marked_number(level, columns)
    if found is None or sum(map(len, columns[found[0] :])) < SIGNS:
        return None
    count, kind = found
    several = len(rows) > 1 or _holds_rows(level[own])
    end = float(boxes[np.concatenate(columns[:count]), 2].max())
    rest = np.delete(boxes, np.concatenate(columns[:count]), 0)
    if rest[:, 0].min() <= end or not _is_apart(boxes, columns, count, kind, several):
        return None
    return (end + float(rest[:, 0].min())) / 2 * unit


def _holds_rows(row: Floats) -> bool:
    """Whether a row is several that reach into each other, and no matrix, by its parts (N, 4)."""
    height = float(np.ptp(row[:, [1, 3]]))
    return height >= _ROWS and float((row[:, 3] - row[:, 1]).max()) < _BRACKET * height


def without_item_number(image: Pixels) -> Pixels:
    """The image of one expression without the number in front of it.

    ``image`` and the result: (H, W), dark ink on evenly white paper.
    """
    scale = max(1.0, max(image.shape) / _STUDIED)
    size = (max(1, round(image.shape[1] / scale)), max(1, round(image.shape[0] / scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if scale > 1 else image
    column = number_of_item(find_components(np.asarray(small, np.uint8)))
    if column is None:
        return image
    bare = image.copy()
    bare[:, : round(column * scale)] = 255
    return bare


def _columns(boxes: Floats, row: Indices) -> list[Indices]:
    """The parts of a row, those above each other together, from left to right."""
    reach = np.maximum.accumulate(boxes[row, 2])
    return np.split(row, np.flatnonzero(boxes[row[1:], 0] > reach[:-1]) + 1)


def _ring(
    boxes: Floats, columns: list[Indices], ink: NDArray[np.uint8], unit: float
) -> tuple[int, str] | None:
    """One column, where it is a ring or a frame round one or two digits."""
    own = boxes[columns[0]]
    outer = own[np.argmax((own[:, 2:] - own[:, :2]).prod(1))]
    wide, high = outer[2:] - outer[:2]
    inner = own[(own[:, 0] > outer[0]) & (own[:, 2] < outer[2])]
    inner = inner[(inner[:, 1] > outer[1]) & (inner[:, 3] < outer[3])]
    if high < _RING or not _ROUND[0] <= wide / high <= _ROUND[1]:
        return None
    if not 1 <= len(inner) <= _DIGITS or len(inner) + 1 != len(own):
        return None
    if (inner[:, 3] - inner[:, 1]).max() < _INSIDE * high or not _encloses(ink, outer * unit):
        return None
    return 1, "ring"


def _encloses(ink: NDArray[np.uint8], box: Floats) -> bool:
    """Whether a line round the middle of a box is closed, small gaps aside."""
    x0, y0, x1, y1 = np.rint(box).astype(int).tolist()
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink[y0:y1, x0:x1], connectivity=8)
    outer = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_WIDTH] * stats[1:, cv2.CC_STAT_HEIGHT]))
    gap = max(3, (x1 - x0) // 6) | 1
    line = np.pad((labels == outer).astype(np.uint8), gap)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (gap, gap))
    line = np.asarray(cv2.morphologyEx(line, cv2.MORPH_CLOSE, kernel), np.uint8)
    outside = np.zeros((line.shape[0] + 2, line.shape[1] + 2), np.uint8)
    cv2.floodFill(line, outside, (0, 0), 1)
    return bool((line == 0).mean() >= 0.1)


def _marked_number(boxes: Floats, columns: list[Indices]) -> tuple[int, str] | None:
    """How many columns are digits with a dot or a dash behind, and which of both."""
    for count in range(1, min(_DIGITS, len(columns) - 2) + 1):
        digit = boxes[columns[count - 1]]
        tall = digit[np.argmax(digit[:, 3] - digit[:, 1])]
        others = len(digit) - 1  # at most a line under it
        if tall[3] - tall[1] < _DIGIT[0] or np.ptp(digit[:, [0, 2]]) > _DIGIT[1] or others > 1:
            return None
        mark = boxes[columns[count]]
        kind = _kind(mark[0], tall) if len(mark) == 1 else None
        if kind is not None:
            return count + 1, kind
    return None


def _kind(mark: Floats, digit: Floats) -> str | None:
    """Whether a part behind a digit is a dot on its line, or a dash beside it."""
    wide, high = (mark[2:] - mark[:2]).tolist()
    place = (mark[[1, 3]].mean() - digit[1]) / (digit[3] - digit[1])
    if max(wide, high) <= _DOT and 0.6 <= place <= 1.3:
        return "dot"
    if _DASH[0] <= wide <= _DASH[1] and high <= _DASH[2] and wide > high and 0.2 <= place <= 1.2:
        return "dash"
    return None


def _is_apart(boxes: Floats, columns: list[Indices], count: int, kind: str, rows: bool) -> bool:
    """Whether the white behind the number parts it from the row."""
    gaps = [
        float(boxes[right, 0].min() - boxes[left, 2].max()) for left, right in pairwise(columns)
    ]
    behind, before = gaps[count - 1], gaps[count - 2] if count > 1 else 0.0
    if behind < _WIDER * before:
        return False
    after = gaps[count:]
    if rows:  # a decimal point stands closer to its digits than they do to each other
        usual = float(np.median(after)) if kind == "dot" and after else 0.0
        return behind >= max(_HANGING[kind], usual)
    return kind in _ALONE and (
        behind >= _ALONE[kind] and (kind == "ring" or behind >= _WIDER * max(after, default=0.0))
    )
