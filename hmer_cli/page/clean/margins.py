"""Removes punch holes and the dark rims of scans.

Input and output: (H, W), dark ink on white. Method: morphological opening leaves what is thicker
than a pen stroke; discs in line along a margin are holes, bars along an edge are rims.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.load.images import Pixels, shrunk

_STUDIED = 1000  # pixels of the longer side
_SMALLEST = 600  # pixels of the shorter side: smaller images are no scanned pages
_DARK = 215  # gray levels: threshold between paper and background
_RIM = 7, 0.3  # pixels: least thickness, above a pen's; of the side: least length
_HOLE = 13, 48  # pixels: least diameter, above a pen's; largest, with its shadow
_PENS = 3  # times the pen's width: least diameter, which is 6 mm (ISO 838); felt-tips draw 2 mm
_AROUND = 1.5  # radii of a hole: where nothing leads on from it
_LED_ON = 6  # pixels: broadest line or stroke of a thin pen that meets a hole
_MARGIN = 0.08  # of width and height: where holes lie
_ALIGNED = 0.02, 0.08  # of the page: largest deviation of holes from a line, least distance


def remove_holes(image: Pixels) -> Pixels:
    """The page without its punch holes and dark rims; writing is too thin to be either.

    ``image`` and the result: (H, W), dark ink on evenly white paper.
    """
    if min(image.shape) < _SMALLEST:
        return image
    small = shrunk(image, _STUDIED)
    dark = (small < _DARK).astype(np.uint8)
    found = _rims(dark)
    for x, y, radius in _holes(dark, found.copy()):
        cv2.circle(found, (x, y), radius, 1, -1)
    if not found.any():
        return image
    height, width = image.shape
    there = cv2.resize(found, (width, height), interpolation=cv2.INTER_NEAREST)
    cleaned = image.copy()
    cleaned[there > 0] = 255
    return cleaned


def _rims(dark: Pixels) -> Pixels:
    """1 where a thick dark bar runs along an edge of the image."""
    thick, share = _RIM
    room = cv2.copyMakeBorder(dark, thick, thick, thick, thick, cv2.BORDER_REPLICATE)
    opened = cv2.morphologyEx(room, cv2.MORPH_OPEN, np.ones((thick, thick), np.uint8))
    opened = opened[thick:-thick, thick:-thick]
    _, labels = cv2.connectedComponents(opened, connectivity=8)
    rims = np.zeros(labels.max() + 1, bool)
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        rims |= np.bincount(edge, minlength=len(rims)) >= share * len(edge)
    rims[0] = False
    return np.asarray(cv2.dilate(rims[labels].astype(np.uint8), np.ones((5, 5))), dtype=np.uint8)


def _holes(dark: Pixels, rims: Pixels) -> list[tuple[int, int, int]]:
    """Centres and radii of the holes along the edges; none where the pen is as thick as they."""
    broad, most = _HOLE
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (broad, broad))
    opened = cv2.morphologyEx(dark, cv2.MORPH_OPEN, disc)
    count, labels, stats, middles = cv2.connectedComponentsWithStats(opened, connectivity=8)
    sizes = stats[:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1].max(axis=1)
    radii = sizes * 0.65 + 3
    thick = [i for i in range(1, count) if broad <= sizes[i] <= most]
    round_ = [i for i in thick if _stands_alone(dark, middles[i], radii[i])]
    size = np.array(dark.shape[::-1])
    apart = np.minimum(middles, size - middles) / size
    if (apart[thick] > _MARGIN).all(axis=1).sum() > len(thick) / 2:
        return []
    holes = []
    for axis in (0, 1):
        for low in (True, False):
            place = middles[:, axis] / size[axis]
            there = [i for i in round_ if (place[i] if low else 1 - place[i]) < _MARGIN]
            holes += [i for i in there if _in_line(middles / max(size), i, there, axis)]
    if holes:
        strokes = dark & (1 - rims) & ~np.isin(labels, thick)
        by_pen = _is_by_pen(strokes.astype(np.uint8))
        holes = [i for i in holes if not by_pen(int(sizes[i]))]
    x, y = middles[:, 0], middles[:, 1]
    return [(round(x[i]), round(y[i]), round(radii[i])) for i in holes]


def _is_by_pen(strokes: Pixels) -> Callable[[int], bool]:
    """Tells of a diameter whether a pen that most of the strokes are of draws dots so large."""
    most = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_HOLE[1], _HOLE[1]))
    pictures = cv2.morphologyEx(strokes, cv2.MORPH_OPEN, most)
    strokes = strokes & np.asarray(1 - pictures, np.uint8)

    @cache
    def is_by_pen(diameter: int) -> bool:
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (math.ceil(diameter / _PENS),) * 2)
        broad = cv2.morphologyEx(strokes, cv2.MORPH_OPEN, disc)
        return 2 * cv2.countNonZero(broad) > cv2.countNonZero(strokes)

    return is_by_pen


def _stands_alone(dark: Pixels, middle: NDArray[np.float64], radius: float) -> bool:
    """Whether no broad stroke leads on from a disc: in close-ups, pens draw discs of that size."""
    far = _AROUND * radius
    turns = np.linspace(0, 2 * np.pi, round(2 * np.pi * far), endpoint=False)
    x, y = (middle[:, None] + far * np.array([np.cos(turns), np.sin(turns)])).round().astype(int)
    inside = (x >= 0) & (y >= 0) & (x < dark.shape[1]) & (y < dark.shape[0])
    met = np.zeros(len(turns), bool)
    met[inside] = dark[y[inside], x[inside]] > 0
    clear = np.flatnonzero(~np.concatenate([met, met, [False]]))
    return bool(np.diff(clear, prepend=-1).max() - 1 <= _LED_ON)


def _in_line(places: NDArray[np.float64], index: int, others: list[int], axis: int) -> bool:
    off = np.abs(places[others] - places[index])
    return bool(((off[:, axis] < _ALIGNED[0]) & (off[:, 1 - axis] > _ALIGNED[1])).any())
