"""Ruled and squared paper: its lines found and taken out, the writing on them left whole."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.images import Pixels

Mask = NDArray[np.uint8]

_FAINT = (20, 60)  # gray levels below the paper at which lines are looked for
_THICKEST = 430  # a printed line is no thicker than this part of the page's longer side
_SHORTEST = 30  # and its unbroken pieces no shorter than this part of the way across
_UNBROKEN = 8  # but one of them no shorter than this part: a row of minus signs has none
_COVERED = 0.35  # of the way across: what a line's pieces add up to
_REACH = 0.5  # of the way across: from a line's first piece to its last
_DARKER = 35  # gray levels below the line's own: that is ink which lies along it,
_STROKE = 4  # pixels, where it is as long as this

_GRAIN = 15  # gray levels: what is fainter is paper
_LIGHTER = 0.6  # of the ink's darkness: pieces of printed lines have less
_PIECE = 110  # a piece is no shorter than this part of the page's longer side
_MANY = 6  # times the longer side: pieces together longer than this are of printed lines


@dataclass
class _Chain:
    """Pieces that continue each other from left to right."""

    pieces: list[int]
    x0: int
    x: int
    y: float
    slope: float
    covered: int
    longest: int

    def crosses(self, width: int) -> bool:
        """Whether the pieces make a line across a page of this width."""
        return (
            self.covered >= _COVERED * width
            and self.x - self.x0 >= _REACH * width
            and self.longest >= width / _UNBROKEN
        )


def without_rules(image: Pixels) -> Pixels:
    """The page without the lines that were printed on it across and down.

    A printed line is thin, straight for longer than any fraction bar, and goes on behind the
    writing. Where a stroke crosses it, it is thicker than a line, and stays.
    ``image`` and the result: (H, W), dark ink on evenly white paper.
    """
    across, shade = _rules(image)
    down, other = _rules(np.ascontiguousarray(image.T))
    down = np.ascontiguousarray(down.T)
    reach = 2 * _thickest(image) + 1
    along = cv2.dilate(across, np.ones((1, reach), np.uint8))
    upright = cv2.dilate(down, np.ones((reach, 1), np.uint8))
    crossings = np.asarray(cv2.bitwise_and(along, upright), dtype=np.uint8)
    crossings[image <= min(shade, other) - _DARKER] = 0
    cleaned = image.copy()
    cleaned[(across | down | crossings) > 0] = 255
    return without_pieces(cleaned)


def without_pieces(image: Pixels) -> Pixels:
    """The page without straight pieces across and down that are much fainter than its ink.

    A light line on a photo is seen here and lost there, so that no piece of it crosses the page.
    But there are many of them: a page that has few keeps them. ``image`` and the result: as above.
    """
    shade = 255 - image
    some = shade[::3, ::3]
    some = some[some > 4 * _GRAIN]
    if not len(some):
        return image
    bold = (shade >= _LIGHTER * np.percentile(some, 90)).astype(np.uint8)
    faint = ((shade > _GRAIN) & (bold == 0)).astype(np.uint8)
    faint[cv2.dilate(bold, np.ones((3, 3), np.uint8)) > 0] = 0  # the soft edges of strokes
    thin = faint.copy()
    thin[cv2.dilate(bold, np.ones((5, 5), np.uint8)) > 0] = 0
    thin[cv2.morphologyEx(thin, cv2.MORPH_OPEN, np.ones((6, 6), np.uint8)) > 0] = 0
    longest = max(image.shape)
    pieces = np.zeros_like(faint)
    for turn in (1, -1):  # across, and down
        along = np.ones((1, longest // _PIECE + 1)[::turn], np.uint8)
        joined = cv2.morphologyEx(thin, cv2.MORPH_CLOSE, np.ones((3, 1)[::turn], np.uint8))
        found = cv2.morphologyEx(joined, cv2.MORPH_OPEN, along)
        if int(found.sum()) > _MANY * longest:
            pieces |= cv2.dilate(found, np.ones((3, 9)[::turn], np.uint8))  # soft edges and ends
    return np.where(pieces & faint, 255, image).astype(np.uint8)


def _thickest(image: Pixels) -> int:
    return max(4, round(max(image.shape) / _THICKEST))


def _rules(image: Pixels) -> tuple[Mask, float]:
    """Where the lines across are, 1 there and 0 elsewhere, and how dark they are.

    Faint lines are seen at the first level only; dark ones are soft at their edges, and look as
    thin as they are at the second.
    """
    across, shade = np.zeros_like(image), 255.0
    for faint in _FAINT:
        found, line = _rules_at(image, faint)
        across |= found
        shade = min(shade, line)
    return across, shade


def _rules_at(image: Pixels, faint: int) -> tuple[Mask, float]:
    """The lines that are ``faint`` gray levels below the paper and more, and their soft edges."""
    thickest = _thickest(image)
    ink = (image < 255 - faint).astype(np.uint8)
    upright = cv2.getStructuringElement(cv2.MORPH_RECT, (1, thickest + 1))
    thin = np.asarray(ink - cv2.morphologyEx(ink, cv2.MORPH_OPEN, upright), dtype=np.uint8)
    labels, stats, centres = _pieces(thin, image.shape[1])
    chosen = _members(labels, stats, centres, image.shape[1])
    if not chosen.any():
        return np.zeros_like(thin), 255.0
    found = (chosen[labels] & (thin > 0)).astype(np.uint8)
    middle = found & (image <= cv2.erode(image, np.ones((3, 1), np.uint8)))
    line = float(np.median(image[middle > 0]))
    edge = cv2.dilate(found, np.ones((2 * (faint // _FAINT[0]) + 1, 1), np.uint8))
    thick = np.asarray(cv2.subtract(ink, thin), dtype=np.uint8)
    writing = thick | _along(image, found, line)
    return np.asarray(edge & (writing == 0), dtype=np.uint8), line


def _along(image: Pixels, found: Mask, line: float) -> Mask:
    """Strokes that lie on a line: darker than it for longer than grain is."""
    dark = found & (image <= line - _DARKER).astype(np.uint8)
    strokes = cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((1, _STROKE), np.uint8))
    return np.asarray(cv2.dilate(strokes, np.ones((3, 3), np.uint8)), dtype=np.uint8)


def _pieces(
    thin: Mask, width: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
    """The connected thin things that are long and flat."""
    linked = cv2.morphologyEx(thin, cv2.MORPH_CLOSE, np.ones((3, 9), np.uint8))
    linked = cv2.morphologyEx(linked, cv2.MORPH_OPEN, np.ones((1, 15), np.uint8))
    linked = cv2.morphologyEx(linked, cv2.MORPH_CLOSE, np.ones((3, 5), np.uint8))
    _, labels, stats, centres = cv2.connectedComponentsWithStats(linked, connectivity=8)
    long = stats[:, cv2.CC_STAT_WIDTH] >= width / _SHORTEST
    flat = stats[:, cv2.CC_STAT_HEIGHT] <= 4 + stats[:, cv2.CC_STAT_WIDTH] / 12
    stats = np.where((long & flat)[:, None], stats, 0)
    return np.asarray(labels, np.int32), np.asarray(stats, np.int32), np.asarray(centres)


def _members(
    labels: NDArray[np.int32],
    stats: NDArray[np.int32],
    centres: NDArray[np.float64],
    width: int,
) -> NDArray[np.bool_]:
    """Which pieces belong to a line that crosses the page."""
    candidates = [i for i in np.argsort(stats[:, 0]) if i and stats[i, cv2.CC_STAT_WIDTH]]
    chains: list[_Chain] = []
    for index in candidates:
        x0, _, w, _, _ = stats[index]
        left, right = _ends(labels, stats, index)
        slope = (right - left) / max(w, 1)
        best = None
        for chain in chains:
            gap = x0 - chain.x
            off = abs(chain.y + chain.slope * gap - left)
            if -w / 2 < gap and off <= 3 + 0.01 * abs(gap) and (best is None or off < best[0]):
                best = (off, chain)
        if best is None:
            chains.append(_Chain([index], x0, x0 + w, right, slope, w, w))
            continue
        chain = best[1]
        total = chain.covered + w
        chain.slope = (chain.slope * chain.covered + slope * w) / total
        chain.pieces.append(index)
        chain.covered, chain.x, chain.y = total, x0 + w, right
        chain.longest = max(chain.longest, w)
    chosen = np.zeros(len(stats), dtype=bool)
    for chain in chains:
        if chain.crosses(width):
            chosen[chain.pieces] = True
    return chosen


def _ends(labels: NDArray[np.int32], stats: NDArray[np.int32], index: int) -> tuple[float, float]:
    """The heights at which a piece begins and ends."""
    x, y, w, h, _ = stats[index]
    piece = labels[y : y + h, x : x + w] == index
    rows = np.arange(y, y + h)[:, None]
    left, right = piece[:, :8], piece[:, -8:]
    return (
        float((rows * left).sum() / max(left.sum(), 1)),
        float((rows * right).sum() / max(right.sum(), 1)),
    )
