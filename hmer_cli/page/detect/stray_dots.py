"""Dots that a pen left above a line and that belong to no sign.

Input and output: the image of one expression, (H, W), dark ink on white. A dot of a sign has ink
below it (an accent), a stem beside it (i and j, written slanting), other dots near it, or letters
as high as it is beside it (a product, a decimal point). A single dot with none of these, above the
gap between two letters, is painted over. A prime is longer than it is wide, and begins right behind
its letter.
"""

from __future__ import annotations

import cv2
import numpy as np

from hmer_cli.page.detect.components import find_components
from hmer_cli.page.detect.equations import MOST_PARTS, with_unit_of_letters
from hmer_cli.page.detect.integral import Floats
from hmer_cli.page.load.images import Pixels

_STUDIED = 1754  # pixels of the longer side, as the search sees a page

# Chosen on photos of notes; lengths in letter heights.
_DOT = 0.35  # largest side of a dot
_ROUND = 0.55, 0.75  # least width by length of a dot; of one that may be a prime
_PRIME = 0.4  # largest distance of a prime from its letter
_STEM = 0.45, 0.4, 1.0  # largest width and least height of a stem; so near to the dot
_OTHERS = 2.0  # distance within which another dot makes it a sign
_ROOM = 0.08  # least white to the letters beside it, across and below
_NEAR = 1.5  # largest distance of those letters


def remove_stray_dots(image: Pixels) -> Pixels:
    """The image without dots above its line that are of no sign; itself if there are none.

    ``image`` and the result: (H, W), dark ink on evenly white paper.
    """
    scale = max(1.0, max(image.shape) / _STUDIED)
    size = (max(1, round(image.shape[1] / scale)), max(1, round(image.shape[0] / scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if scale > 1 else image
    parts = find_components(np.asarray(small, np.uint8))
    if not 3 < len(parts) <= MOST_PARTS:
        return image
    unit = with_unit_of_letters(parts).unit
    boxes = parts.boxes / unit
    dots = (boxes[:, 2:] - boxes[:, :2]).max(1) <= _DOT
    cleaned = image
    places = np.flatnonzero(dots)
    for index in places:
        others = boxes[places[places != index]]
        round_ = _roundness(parts.ink, parts.boxes[index])
        if not _is_stray(boxes[index], others, boxes[~dots], round_):
            continue
        x0, y0, x1, y1 = parts.boxes[index] * scale
        edge = max(3, round(0.05 * unit * scale))
        cleaned = cleaned.copy() if cleaned is image else cleaned
        left, top = max(0, int(x0) - edge), max(0, int(y0) - edge)
        cleaned[top : int(np.ceil(y1)) + edge, left : int(np.ceil(x1)) + edge] = 255
    return cleaned


def _roundness(ink: Pixels, box: Floats) -> float:
    """The width of what is in a box by its length, whichever way it slants; 1 of a disc."""
    x0, y0, x1, y1 = np.rint(box).astype(int).tolist()
    points = np.stack(np.nonzero(ink[y0:y1, x0:x1]))
    if points.shape[1] < 2:
        return 1.0
    short, long = np.linalg.eigvalsh(np.cov(points) + np.eye(2) / 12)  # of pixels, not of points
    return float(np.sqrt(short / long))


def _is_stray(dot: Floats, others: Floats, letters: Floats, roundness: float) -> bool:
    """Whether a dot (4,) is above a gap of the letters (N, 4), far from ``others`` (M, 4)."""
    middle = dot.reshape(2, 2).mean(0)
    if len(others) and (np.abs(others.reshape(-1, 2, 2).mean(1) - middle).max(1) < _OTHERS).any():
        return False
    left = letters[letters[:, 2] <= dot[0] - _ROOM]
    right = letters[letters[:, 0] >= dot[2] + _ROOM]
    if len(left) + len(right) < len(letters) or not len(left) or not len(right):
        return False
    before, after = left[np.argmax(left[:, 2])], right[np.argmin(right[:, 0])]
    if max(dot[0] - before[2], after[0] - dot[2]) > _NEAR:
        return False
    if roundness < _ROUND[int(dot[0] - before[2] <= _PRIME)]:
        return False
    size = letters[:, 2:] - letters[:, :2]
    away = np.maximum(letters[:, 0] - dot[2], dot[0] - letters[:, 2])
    stems = (size[:, 0] <= _STEM[0]) & (size[:, 1] >= _STEM[1]) & (away <= _STEM[2])
    return bool(not stems.any() and dot[3] + _ROOM <= min(before[1], after[1]))
