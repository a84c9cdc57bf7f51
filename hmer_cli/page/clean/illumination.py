"""Illumination: any page -> dark ink on evenly white paper.

Input and output: (H, W). Method: chalk on boards is inverted; the paper's shade, estimated by
morphological closing, is divided out (flat-field correction).
"""

from __future__ import annotations

import cv2
import numpy as np

from hmer_cli.page.load.images import Pixels, shrunk

_STUDY_SIZE = 1024  # pixels of the longer side at which the paper is estimated
_BOARD = 1.2  # least ratio of bright to dark detail on a board
_BROAD, _CHALK = 5, 20  # parts of the longer side: least breadth of a board, and largest of chalk
_ROUGH = 256  # pixels of the longer side at which a board is looked for
_GRAIN = 16  # gray levels: smaller differences are texture of the paper
_MOSTLY_INK = 64  # gray levels: a rim so much lighter than most of an image is the paper


def clean(image: Pixels) -> Pixels:
    """Invert boards, and divide by the shade of the paper.

    ``image`` and the result: (H, W), 0 black to 255 white.
    """
    if min(image.shape) == 0 or image.min() == image.max():
        return image
    return flatten(255 - image if is_light_on_dark(image) else image)


def is_light_on_dark(image: Pixels) -> bool:
    """Whether the strokes are lighter than their background.

    A wide median removes thin strokes; the sign of the difference is that of their contrast. This
    also holds under shadows, unlike a global threshold. In a tight crop of a sign the strokes are
    not thin; where they are all that is dark, they are ink.
    """
    small = shrunk(image, _STUDY_SIZE)
    window = min(max(15, max(small.shape) // 8), 255) | 1
    room = window // 2  # mirrored, or a frame of one pixel would be repeated in all of it
    wide = cv2.copyMakeBorder(small, room, room, room, room, cv2.BORDER_REFLECT)
    paper = cv2.medianBlur(wide, window)[room:-room, room:-room]
    difference = small.astype(np.int16) - paper
    lighter = int(difference[difference > _GRAIN].sum())
    darker = -int(difference[difference < -_GRAIN].sum())
    return lighter > _BOARD * darker and _may_be_board(shrunk(small, _ROUGH))


def _may_be_board(small: Pixels) -> bool:
    """Whether most of an image is dark, or something dark, but for chalk on it, is broad."""
    level, _ = cv2.threshold(small, 0, 255, cv2.THRESH_OTSU)
    if np.median(small) <= level:
        return True
    chalk, broad = (
        np.ones((max(small.shape) // part | 1,) * 2, np.uint8) for part in (_CHALK, _BROAD)
    )
    dark = np.pad((small <= level).astype(np.uint8), len(broad))  # what is outside is not
    closed = cv2.morphologyEx(dark, cv2.MORPH_CLOSE, chalk)
    return bool(cv2.erode(closed, broad).any())


def flatten(image: Pixels) -> Pixels:
    """Divide by the shade of the paper, so that paper is 255 everywhere."""
    small = shrunk(image, _STUDY_SIZE)
    size = max(15, max(small.shape) // 16) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    paper = cv2.blur(cv2.morphologyEx(small, cv2.MORPH_CLOSE, kernel), (size, size))
    height, width = image.shape
    paper = cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.divide(image, np.maximum(paper, 1), scale=255), dtype=np.uint8)


def paper_level(image: Pixels) -> float:
    """The gray level of the paper of an evenly lit image (H, W): that of most pixels, or of the rim
    where most are ink, as round a single thick bar."""
    usual = float(np.median(image))
    rim = float(np.median(np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])))
    return rim if rim - usual > _MOSTLY_INK else usual
