"""Illumination: any page -> dark ink on evenly white paper.

Input and output: (H, W). Method: chalk on boards is inverted; the paper's shade, estimated by
morphological closing, is divided out (flat-field correction). The kernel is broader than the
thickest stroke of a crop of a few signs.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.load.images import Pixels, shrunk

_STUDY_SIZE = 1024  # pixels of the longer side at which the paper is estimated
_BOARD = 1.2  # least ratio of bright to dark detail on a board
_BROAD, _CHALK = 5, 20  # parts of the longer side: least breadth of a board, and largest of chalk
_ROUGH = 256  # pixels of the longer side at which a board is looked for
_GRAIN = 16  # gray levels: smaller differences are texture of the paper
_MOSTLY_INK = 64  # gray levels: a rim so much lighter than most of an image is the paper
_BROADER = 1.25  # times the thickness of a stroke: the kernel, beyond its soft rim
_SHADE = 0.42  # of the paper: ink is darker, most shadows are not, as in `surroundings`
_STEEP = 0.5, 0.6  # of the contrast: least step at the rim of ink; of the rim: where it is so steep
_CROP = 400  # pixels of the longer side: smaller images are crops, as in `surroundings`
_INK = 190  # gray levels: threshold of ink on flattened paper, as in `borders`
_SIGN, _FEW = 8, 12  # pixels: least sides of a sign; most of them whose pen is a 20th of the image:
# a row of six, each four pens broad with the gap, in two parts each


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
    paper = _paper(small, size)
    broad = _broadest(small, size)
    if broad > size and _is_of_few_signs(small, paper):
        paper = _paper(shrunk(small, max(1, round(max(small.shape) * size / broad))), size)
    height, width = image.shape
    paper = np.asarray(cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    return np.asarray(cv2.divide(image, np.maximum(paper, 1), scale=255), dtype=np.uint8)


def _paper(small: Pixels, size: int) -> Pixels:
    """The shade of the paper: what is dark and thinner than ``size`` pixels is closed."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    closed = cv2.morphologyEx(small, cv2.MORPH_CLOSE, kernel)
    return np.asarray(cv2.blur(closed, (size, size)), np.uint8)


def _broadest(small: Pixels, size: int) -> float:
    """How broad a kernel closes the thickest stroke, in pixels; 0 where ``size`` closes all.

    A stroke is as dark as ink, has a steep rim, and but for small crops touches no edge. Of a
    kernel at the edge only half is on the image.
    """
    rough = shrunk(small, _ROUGH)
    scale = max(small.shape) / max(rough.shape)
    level, _ = cv2.threshold(rough, 0, 255, cv2.THRESH_OTSU)
    if level >= rough.max():
        return 0.0
    paper = float(np.median(rough[rough > level]))
    dark = np.pad((rough <= level).astype(np.uint8), 1)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(dark, connectivity=8)
    radii = cv2.distanceTransform(dark, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    sides = stats[:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1].min(1)
    sides[0] = 0
    broadest = 0.0
    for index in np.flatnonzero(sides * 2 * _BROADER * scale > size):
        own = labels[1:-1, 1:-1] == index
        touches = any(edge.any() for edge in (own[0], own[-1], own[:, 0], own[:, -1]))
        thick = (2 * float(radii[1:-1, 1:-1][own].max(initial=0)) - 1) * scale
        broad = thick * _BROADER * (2 if touches else 1)
        if broad <= max(size, broadest) or (touches and max(small.shape) >= _CROP):
            continue
        if _is_ink(own, rough, paper):
            broadest = broad
    return broadest


def _is_ink(own: NDArray[np.bool_], rough: Pixels, paper: float) -> bool:
    """Whether something dark is as dark as ink and has a steep rim: shadows are soft."""
    shade = float(np.median(rough[own]))
    if shade > _SHADE * paper:
        return False
    rim = cv2.dilate(own.astype(np.uint8), np.ones((3, 3), np.uint8)) - own
    step = cv2.morphologyEx(rough, cv2.MORPH_GRADIENT, np.ones((5, 5), np.uint8))[rim > 0]
    return bool(step.size) and float((step >= _STEEP[0] * (paper - shade)).mean()) >= _STEEP[1]


def _is_of_few_signs(small: Pixels, paper: Pixels) -> bool:
    """Whether an image shows no more signs than so broad a pen can write: a page has more."""
    ink = cv2.divide(small, np.maximum(paper, 1), scale=255) < _INK
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    sides = stats[1:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1].min(1)
    return int((sides >= _SIGN).sum()) <= _FEW


def paper_level(image: Pixels) -> float:
    """The gray level of the paper of an evenly lit image (H, W): that of most pixels, or of the rim
    where most are ink, as round a single thick bar."""
    usual = float(np.median(image))
    rim = float(np.median(np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])))
    return rim if rim - usual > _MOSTLY_INK else usual
