"""Illumination: any page -> dark ink on evenly white paper.

Input and output: (H, W). Method: chalk on boards is inverted; the paper's shade, estimated by
morphological closing, is divided out (flat-field correction).
"""

from __future__ import annotations

import cv2
import numpy as np

from hmer_cli.page.load.images import Pixels, shrunk

_STUDY_SIZE = 1024  # the paper is studied at this size at most: it has no fine detail
_BOARD = 1.2  # times as much light as dark detail: of photos with both, most are of paper
_GRAIN = 16  # gray levels: what differs less from the paper is its grain


def clean(image: Pixels) -> Pixels:
    """Chalk on a board turned into ink on paper, and the paper's own shade divided out.

    ``image`` and the result: (H, W), 0 black to 255 white.
    """
    if min(image.shape) == 0 or image.min() == image.max():
        return image
    return flatten(255 - image if is_light_on_dark(image) else image)


def is_light_on_dark(image: Pixels) -> bool:
    """Whether the strokes are lighter than what they are written on.

    Strokes are thin: a wide median removes them, and what it removed says on which side of the
    paper they were. That holds under shadows, where one threshold for the page does not.
    """
    small = shrunk(image, _STUDY_SIZE)
    window = min(max(15, max(small.shape) // 8), 255) | 1
    room = window // 2  # mirrored, or a frame of one pixel would be repeated in all of it
    wide = cv2.copyMakeBorder(small, room, room, room, room, cv2.BORDER_REFLECT)
    paper = cv2.medianBlur(wide, window)[room:-room, room:-room]
    difference = small.astype(np.int16) - paper
    lighter = int(difference[difference > _GRAIN].sum())
    darker = -int(difference[difference < -_GRAIN].sum())
    return lighter > _BOARD * darker


def flatten(image: Pixels) -> Pixels:
    """Divide by the shade of the paper, so that white is 255 from edge to edge."""
    small = shrunk(image, _STUDY_SIZE)
    size = max(15, max(small.shape) // 16) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    paper = cv2.blur(cv2.morphologyEx(small, cv2.MORPH_CLOSE, kernel), (size, size))
    height, width = image.shape
    paper = cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.divide(image, np.maximum(paper, 1), scale=255), dtype=np.uint8)
