"""Removes the table beside a sheet that reaches one to three edges of a photo.

Input and output: (H, W). What lies beside the sheet is darker, even after a morphological closing
that removes writing, meets the sheet in a steep straight step, and touches the edge of the picture;
so does paper in the shade, but it is written on. The table is painted in the shade of the paper
next to it, so that its texture is not taken for ink. Dark paper under a white picture does so, too:
its light writing is made dark.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.clean.illumination import is_light_on_dark
from hmer_cli.page.clean.letters import (
    SHADE,
    dark_letters,
    is_flat,
    is_lettered,
    light_letters,
    without_dark,
    without_light,
)
from hmer_cli.page.load.images import Pixels, shrunk

_STUDIED = 640  # pixels of the longer side, as in `sheet`
_SMALLEST = 400  # pixels of the longer side: smaller images are crops
_SHARE = 0.02, 0.75  # of the image: range of the area of the surroundings
_ALONG = 0.25  # of an edge of the image: least length along it
_DARKER = 0.72  # of the paper's brightness: upper bound, chosen on photos of notes
_STEP = 0.15  # of the paper's brightness: least step within _REACH pixels of the border
_REACH = 6  # pixels
_STEEP = 0.6  # of the border: least share with such a step; shadows are soft
_EVEN = 0.05  # of the paper's brightness: largest steps from pixel to pixel of paper in the shade
_WRITTEN, _SOME = 0.05, 0.0015  # share of strokes, of that in the light, and at all: much writing
_LETTER = 4  # part of the longer side: largest stroke
_ROOM = 5  # pixels: margin by which the mask is dilated
_DIM = 128  # gray levels: darker pictures may be of boards
_NOTES = 0.2  # of the image: least area of dark paper; a dark bar of a program is smaller
_RIM = 5  # pixels: breadth of the border of dark paper, which is neither light nor dark


def without_surroundings(image: Pixels) -> Pixels:
    """The image with paper painted over the surroundings of the sheet; itself if there are none.

    Dark paper with light writing beside a picture becomes light. Of boards what is lighter beside
    them is painted over. ``image`` and the result: (H, W), 0 black to 255 white.
    """
    if max(image.shape) < _SMALLEST or min(image.shape) < _SMALLEST // 4:
        return image
    small = shrunk(image, _STUDIED)
    blank = without_dark(small)
    beside, notes = _beside(small, blank)
    is_dark = float(np.median(blank)) < _DIM
    if ((beside | notes).any() or is_dark) and is_light_on_dark(image):
        return 255 - _without_light(255 - image)
    if not (beside | notes).any():
        return image
    square = np.ones((2 * _ROOM + 1,) * 2, np.uint8)
    rim = cv2.dilate(notes, square[:_RIM, :_RIM]) - cv2.erode(notes, square[:_RIM, :_RIM])
    beside = np.asarray(cv2.bitwise_or(cv2.dilate(beside, square), rim), np.uint8)
    paper = _spread(blank, beside | notes)
    shape = image.shape[::-1]
    there = cv2.resize(beside, shape, interpolation=cv2.INTER_NEAREST) > 0
    shade = cv2.resize(paper, shape, interpolation=cv2.INTER_LINEAR)
    if notes.any():
        dark = cv2.resize(notes, shape, interpolation=cv2.INTER_NEAREST) > 0
        ground = cv2.resize(without_light(small), shape, interpolation=cv2.INTER_LINEAR)
        image = np.where(dark, cv2.subtract(shade, cv2.subtract(image, ground)), image)
    return np.where(there, shade, image).astype(np.uint8)


def _without_light(board: Pixels) -> Pixels:
    """A board, or dark paper, without what is lighter beside it, where that is written on neither
    dark nor light; ``board`` and the result: (H, W), inverted."""
    small = shrunk(board, _STUDIED)
    blank = without_dark(small)
    beside, notes = _beside(small, blank)
    light = light_letters(small, without_light(small), float(blank.max()))
    if notes.any() or not beside.any() or is_lettered(light, _inner(beside > 0)):
        return board
    beside = np.asarray(cv2.dilate(beside, np.ones((2 * _ROOM + 1,) * 2, np.uint8)), np.uint8)
    shape = board.shape[::-1]
    there = cv2.resize(beside, shape, interpolation=cv2.INTER_NEAREST) > 0
    shade = cv2.resize(_spread(blank, beside), shape, interpolation=cv2.INTER_LINEAR)
    return np.where(there, shade, board).astype(np.uint8)


def _beside(small: Pixels, blank: Pixels) -> tuple[Pixels, Pixels]:
    """Masks of darker areas along the edges of the image: those without writing, and those with
    light writing."""
    level, _ = cv2.threshold(blank, 0, 255, cv2.THRESH_OTSU)
    dark = (blank <= level).astype(np.uint8)
    paper = float(np.median(blank[dark == 0])) if (dark == 0).any() else 0.0
    count, labels, stats, _ = cv2.connectedComponentsWithStats(dark, connectivity=4)
    found, notes = np.zeros((2, *blank.shape), np.uint8)
    for index in range(1, count):
        share = stats[index, cv2.CC_STAT_AREA] / blank.size
        own = labels == index
        if (
            _SHARE[0] <= share <= _SHARE[1]
            and _along_edges(own)
            and float(np.median(blank[own])) < _DARKER * paper
            and _is_steep(own, blank, paper)
            and not _is_written(own, small, blank, paper)
        ):
            lines = _with_lines(own)
            if share >= _NOTES and _is_dark_paper(lines, small, paper):
                notes[lines] = 1
            else:
                found[own] = 1
    return (found if found.mean() <= _SHARE[1] else np.zeros_like(found)), notes


def _along_edges(own: NDArray[np.bool_]) -> bool:
    edges = (own[0], own[-1], own[:, 0], own[:, -1])
    return any(float(edge.mean()) >= _ALONG for edge in edges)


def _is_steep(own: NDArray[np.bool_], blank: Pixels, paper: float) -> bool:
    """Whether brightness has a step along most of the border inside the image."""
    mask = own.astype(np.uint8)
    ring = cv2.dilate(mask, np.ones((3, 3), np.uint8)) - mask
    square = np.ones((2 * _REACH + 1,) * 2, np.uint8)
    step = cv2.dilate(blank, square).astype(np.int16) - cv2.erode(blank, square)
    return bool(ring.any()) and float((step[ring > 0] > _STEP * paper).mean()) >= _STEEP


def _is_written(own: NDArray[np.bool_], small: Pixels, blank: Pixels, paper: float) -> bool:
    """Whether there is dark writing: then it is paper, in the shade."""
    if not _is_even(own, blank, paper):
        return False
    strokes, inner = dark_letters(small, blank, _LETTER), _inner(own)
    outside = float(strokes[~own].mean()) if not own.all() else 0.0
    is_much = float(strokes[inner].mean()) > max(_WRITTEN * outside, _SOME)
    return is_much or is_lettered(strokes, inner)


def _is_dark_paper(own: NDArray[np.bool_], small: Pixels, paper: float) -> bool:
    """Whether there is light writing on the dark ground of a program."""
    inner = _inner(own)
    if not is_flat(small, inner):
        return False
    return is_lettered(light_letters(small, without_light(small), paper, _LETTER), inner)


def _is_even(own: NDArray[np.bool_], blank: Pixels, paper: float) -> bool:
    """Whether an area is as bright and even as paper in the shade is, but for its rim."""
    inner = _inner(own)
    if float(np.median(blank[own])) < SHADE * paper:
        return False
    step = cv2.morphologyEx(blank, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))[inner]
    return bool(inner.any()) and float(np.percentile(step, 90)) <= _EVEN * paper


def _with_lines(own: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The area with its holes no higher or no wider than a line: light writing on it is closed."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((~own).astype(np.uint8), connectivity=8)
    sides = stats[:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1].min(axis=1)
    lines = sides < max(own.shape) / _LETTER
    lines[np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])] = False
    return np.asarray(own | lines[labels], np.bool_)


def _inner(own: NDArray[np.bool_]) -> NDArray[np.bool_]:
    size = 2 * _ROOM + 1
    return np.asarray(cv2.erode(own.astype(np.uint8), np.ones((size, size), np.uint8)) > 0, bool)


def _spread(blank: Pixels, beside: Pixels) -> Pixels:
    """The shade of the paper, extrapolated into the mask ``beside`` by a normalised blur."""
    known = 1 - beside.astype(np.float32)
    size = max(blank.shape) // 4 | 1
    weight = cv2.blur(known, (size, size), borderType=cv2.BORDER_CONSTANT)
    sums = cv2.blur(known * blank, (size, size), borderType=cv2.BORDER_CONSTANT)
    middle = float(np.median(blank[beside == 0])) if (beside == 0).any() else 255.0
    near = np.where(weight > 1e-3, sums / np.maximum(weight, 1e-3), middle)
    return np.clip(np.where(beside > 0, near, blank), 0, 255).astype(np.uint8)
