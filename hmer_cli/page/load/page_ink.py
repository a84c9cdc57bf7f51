"""Strokes of a page beside its image.

Input: strokes in page pixels, and regions. Output: the strokes inside a region, if these account
for all ink that is visible there; otherwise the image is recognised.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.geometry import Box
from hmer_cli.ink.ink import Ink, Stroke
from hmer_cli.ink.render import InkImage, legible_ink_image
from hmer_cli.page.clean.deskew import Homography
from hmer_cli.page.load.images import Pixels

_SAMPLES = 16  # points per stroke by which it is located
_BLANK, _NEAR = 224, 5  # gray levels, and pixels of a square: paper where none in it is darker
_GONE = 8  # pixels of blank paper along a stroke, 1 mm: it is covered there; convention
_MOST = 5_000  # points along a stroke that are looked at
_SEEN = 0.6  # least share of samples on dark pixels of a visible stroke
_INSIDE = 0.5  # least share of samples in a box of a stroke that belongs to it
_CUT, _LEVEL = 0.2, 0.8  # of the samples in the box, and at its height: a stroke that it cuts
_UNEXPLAINED = 0.12  # largest share of dark pixels of a box that strokes do not cover
_COVERED, _SIGN = 0.2, 0.3  # share of a sign that strokes cover; of the page: no sign is longer
_PICTURE = 0.5  # of the page's area: an image that is larger is its paper; convention
_BETWEEN = 1.3  # typical strokes of white between lines: more than any of CROHME 2014 has inside
_LINE = 3  # least number of strokes above and below a gap between lines
_INK = 160  # gray levels: threshold that includes soft edges and thin lines
_BROAD = 2.0  # times the pens of the dark strokes: what is broader, and pale, is a marker
_DOT = 2.0  # times its pen: what is shorter is a dot
_STRAIGHT = 0.02  # of its length: no more does a line of printed paper leave its chord
_EDGE = 3  # pixels: strokes are drawn wider by this, for soft edges and rounding
_FIXED = 4  # bits of OpenCV's fixed point


@dataclass(frozen=True)
class PageInk:
    """N strokes in the order of drawing and the width of the pen of each, in pixels of an image of
    ``shape`` (H, W); and the boxes of ``images``, of ``stamps`` that show one, and of what is
    ``printed``, that the page shows beside them. ``levels`` are the gray levels of the strokes, on
    white, where they are known; else there are none."""

    strokes: tuple[Stroke, ...]
    pens: tuple[float, ...]
    shape: tuple[int, int]
    images: tuple[Box, ...] = ()
    stamps: tuple[Box, ...] = ()
    printed: tuple[Box, ...] = ()
    levels: tuple[float, ...] = ()

    def __len__(self) -> int:
        return len(self.strokes)

    @cached_property
    def samples(self) -> NDArray[np.float64]:
        """(N, _SAMPLES, 2) points at equal distances along each stroke."""
        return _along(self.strokes)

    @cached_property
    def _ends(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The top and the foot of each stroke, (N,) each."""
        return self.samples[..., 1].min(axis=1), self.samples[..., 1].max(axis=1)

    @cached_property
    def _usual(self) -> float:
        """The longer side of a typical stroke."""
        return float(np.median(self._lengths))

    @cached_property
    def in_lines(self) -> bool:
        """Whether the strokes stand in lines with more white between than one expression has."""
        ends = np.array([(s[:, 1].min(), s[:, 1].max()) for s in self.strokes])
        ends = ends[ends[:, 0].argsort()]
        white = ends[1:, 0] - np.maximum.accumulate(ends[:, 1])[:-1]
        above = np.arange(1, len(ends))
        lines = (above >= _LINE) & (len(ends) - above >= _LINE)
        return bool((lines & (white > _BETWEEN * self._usual)).any())

    @cached_property
    def cover(self) -> Pixels:
        """1 where a stroke is or may be, else 0, (H, W)."""
        mask = np.zeros(self.shape, np.uint8)
        limit = 2.0**30 / (1 << _FIXED)
        for stroke, pen in zip(self.strokes, self.pens, strict=True):
            line = np.clip((stroke.astype(np.float64) - 0.5), -limit, limit) * (1 << _FIXED)
            width = max(1, min(round(pen) + _EDGE, 255))
            cv2.polylines(mask, [np.round(line).astype(np.int32)], False, 1, width, 8, _FIXED)
        return mask

    def moved(self, homography: Homography, shape: tuple[int, int]) -> PageInk:
        """The same ink in another image, of this shape."""
        lengths = np.cumsum([len(stroke) for stroke in self.strokes])
        points = np.concatenate(self.strokes).astype(np.float64)
        there = cv2.perspectiveTransform(points[None], homography)[0].astype(np.float32)
        images, stamps, printed = (
            tuple(moved(box, homography) for box in boxes)
            for boxes in (self.images, self.stamps, self.printed)
        )
        strokes = tuple(np.split(there, lengths[:-1]))
        return PageInk(strokes, self.pens, shape, images, stamps, printed, self.levels)

    def chosen(self, which: NDArray[np.bool_]) -> PageInk:
        """Some of the strokes."""
        return self._of(np.nonzero(which)[0].tolist())

    def _of(self, places: Sequence[int], strokes: Sequence[Stroke] | None = None) -> PageInk:
        """The ``strokes``, else those at these places, with the pens and levels of these."""
        chosen = [self.strokes[i] for i in places] if strokes is None else strokes
        pens, levels = (
            tuple(each[i] for i in places) if each else () for each in (self.pens, self.levels)
        )
        return replace(self, strokes=tuple(chosen), pens=pens, levels=levels)

    def seen_on(self, image: Pixels, shown: Pixels) -> PageInk:
        """The strokes that can be seen on the image: neither hidden, covered, white nor cut off; of
        those that white paint covers in part, the rest.

        ``shown`` is the image with its pale writing dark. Pale strokes are seen where they have
        half of their own depth; markers and the dots and lines of printed paper, pale as they are,
        are none.
        """
        found = self._parts_on(image)
        if not len(found):
            return found
        dark = found._reach(image, _INK)
        own = np.array(found.levels or [0.0])
        pale = ~dark & found._reach(shown, np.maximum(_INK, (255 + own) / 2))
        pens = np.array(found.pens)
        pale &= pens <= _BROAD * np.median(pens[dark] if dark.any() else pens)
        for printed in (found._lengths <= _DOT * pens, found._are_straight):
            if 2 * (pale & printed).sum() > pale.sum():
                pale &= ~printed
        return found.chosen(dark | pale)

    @property
    def _are_straight(self) -> NDArray[np.bool_]:
        """Which strokes are straight, (N,)."""
        begins = self.samples[:, :1]
        chords = self.samples[:, -1:] - begins
        lengths = np.hypot(chords[..., 0], chords[..., 1])
        away = self.samples - begins
        off = np.abs(away[..., 0] * chords[..., 1] - away[..., 1] * chords[..., 0]).max(axis=1)
        return np.asarray(off <= _STRAIGHT * (lengths**2)[:, 0], np.bool_)

    @property
    def _lengths(self) -> NDArray[np.float64]:
        """The longer side of each stroke, (N,)."""
        return np.array([np.ptp(stroke, axis=0).max() for stroke in self.strokes], np.float64)

    def _parts_on(self, image: Pixels) -> PageInk:
        darkest = cv2.erode(image, np.ones((_NEAR, _NEAR), np.uint8))
        parts = [_uncovered(stroke, np.asarray(darkest)) for stroke in self.strokes]
        places = [i for i, each in enumerate(parts) for _ in each]
        return self._of(places, [part for each in parts for part in each])

    def _reach(self, image: Pixels, level: float | NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which strokes are darker than a level on most of their way, (N,)."""
        darkest = np.asarray(cv2.erode(image, np.ones((3, 3), np.uint8)))
        height, width = image.shape
        columns, rows = np.floor(self.samples).astype(np.int64).transpose(2, 0, 1)
        within = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
        there = darkest[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]
        dark = there < np.reshape(level, (-1, 1))
        return np.asarray((dark & within).mean(axis=1) >= _SEEN)

    def inside(self, box: Box) -> Ink | None:
        """The strokes that belong to a box; None where there are none.

        Most of them lies in it, or they stand in its line and only reach beyond its ends.
        """
        x0, y0, x1, y1 = box
        top, foot = self._ends
        near = np.flatnonzero((foot >= y0) & (top <= y1))
        x, y = self.samples[near].transpose(2, 0, 1)
        beside, below = (x >= x0) & (x <= x1), (y >= y0) & (y <= y1)
        share = (beside & below).mean(axis=1)
        cut = (share > _CUT) & (below.mean(axis=1) > _LEVEL)
        found = near[(share > _INSIDE) | cut]
        return Ink(tuple(self.strokes[i] for i in found)) if len(found) else None

    def is_apart(self, box: Box) -> bool:
        """Whether a sign of the page in this box is neither strokes nor printed."""
        x0, y0, x1, y1 = box
        x, y = (x0 + x1) / 2, (y0 + y1) / 2
        printed = any(a <= x <= c and b <= y <= d for a, b, c, d in self.printed)
        return not printed and self.inside(box) is None

    def explains(self, image: Pixels, origin: tuple[int, int]) -> bool:
        """Whether what is dark on a part of the page, (H, W) with its corner there, is strokes."""
        left, top = origin
        height, width = image.shape
        cover = self.cover[top : top + height, left : left + width]
        dark = image[: cover.shape[0], : cover.shape[1]] < _INK
        return bool((dark & (cover == 0)).sum() <= _UNEXPLAINED * max(dark.sum(), 1))

    def signs_beside(self, image: Pixels, origin: tuple[int, int] = (0, 0)) -> NDArray[np.bool_]:
        """Where a part of the page, (H, W) with its corner there, shows components of the size of
        signs that neither strokes cover nor print is; on pasted pictures signs may be small."""
        left, top = origin
        dark = (image < _INK).astype(np.uint8)
        for x0, y0, x1, y1 in self.printed:
            x, y = max(0, int(x0) - left - _EDGE), max(0, int(y0) - top - _EDGE)
            dark[y : max(0, int(y1) - top + _EDGE), x : max(0, int(x1) - left + _EDGE)] = 0
        count, labels, stats, middles = cv2.connectedComponentsWithStats(dark, connectivity=8)
        cover = self.cover[top : top + image.shape[0], left : left + image.shape[1]]
        inside = labels[: cover.shape[0], : cover.shape[1]]
        covered = np.bincount(inside[cover > 0], minlength=count)
        size = stats[:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1]
        least = np.where(self._on_picture(middles + origin), _EDGE, self._usual / 2)
        signs = (covered < _COVERED * stats[:, cv2.CC_STAT_AREA]) & (size.max(1) >= least)
        signs &= (size < _SIGN * max(self.shape)).all(1)
        signs[0] = False
        return cv2.dilate(signs[labels].astype(np.uint8), np.ones((_EDGE, _EDGE), np.uint8)) > 0

    def _on_picture(self, points: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Whether points of the page (N, 2) lie on an image or a stamp that is but a part of it."""
        found = np.zeros(len(points), np.bool_)
        for x0, y0, x1, y1 in (*self.images, *self.stamps):
            if (x1 - x0) * (y1 - y0) < _PICTURE * math.prod(self.shape):
                found |= ((points >= (x0, y0)) & (points <= (x1, y1))).all(axis=1)
        return found

    def written(self, box: Box, image: Pixels, origin: tuple[int, int]) -> InkImage | None:
        """What is written in a box, to be read by its strokes; None where they are not all of it.

        ``image`` is the box as it is cut from the page, with its corner at ``origin``.
        """
        ink = self.inside(box) if len(self) else None
        if ink is None or not self.explains(image, origin):
            return None
        if self.signs_beside(self._without_images(image, origin), origin).any():
            return None
        return legible_ink_image(ink)

    def _without_images(self, image: Pixels, origin: tuple[int, int]) -> Pixels:
        """A part of the page with its images white: what is left of their paper is no sign."""
        bare, (left, top) = image.copy(), origin
        for x0, y0, x1, y1 in self.images:
            x, y = max(0, int(x0) - left), max(0, int(y0) - top)
            bare[y : max(0, int(y1) - top + 1), x : max(0, int(x1) - left + 1)] = 255
        return bare


def _uncovered(stroke: Stroke, darkest: Pixels) -> list[Stroke]:
    """The parts of a stroke (N, 2) where the page shows something; ``darkest`` (H, W) is the
    darkest level near each pixel."""
    along = np.concatenate([[0.0], np.hypot(*np.diff(stroke, axis=0).T).cumsum()])
    count = min(int(along[-1]), _MOST) + 2
    asked = np.union1d(along, np.linspace(0.0, along[-1], count))
    points = np.stack([np.interp(asked, along, column) for column in stroke.T], axis=1)
    height, width = darkest.shape
    x, y = np.floor(points).astype(np.int64).T
    within = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    blank = within & (darkest[y.clip(0, height - 1), x.clip(0, width - 1)] >= _BLANK)
    kept = np.ones(len(points), bool)
    for begin, end in _runs(blank):
        kept[begin:end] = asked[end - 1] - asked[begin] < _GONE
    if kept.all():
        return [stroke]
    return [
        points[begin:end].astype(np.float32)
        for begin, end in _runs(kept)
        if asked[end - 1] - asked[begin] >= _NEAR
    ]


def _runs(mask: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """The beginning and the end of each run of what is true."""
    edges = np.flatnonzero(np.diff(np.pad(mask.astype(np.int8), 1)))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def moved(box: Box, homography: Homography) -> Box:
    """The box round a box in another image."""
    x0, y0, x1, y1 = box
    corners = np.array([[(x0, y0), (x1, y0), (x1, y1), (x0, y1)]], np.float64)
    (there,) = cv2.perspectiveTransform(corners, homography)
    (left, top), (right, foot) = there.min(0).tolist(), there.max(0).tolist()
    return left, top, right, foot


def page_ink(
    strokes: Sequence[NDArray[np.floating]],
    pens: Sequence[float],
    shape: tuple[int, int],
    levels: Sequence[float] = (),
) -> PageInk:
    """Ink of strokes (N, 2) and their pens in pixels; and their gray levels, if known."""
    lines = tuple(s.astype(np.float32) for s in strokes)
    return PageInk(lines, tuple(pens), shape, levels=tuple(levels))


def _along(strokes: Sequence[Stroke]) -> NDArray[np.float64]:
    """Points at equal distances along each of N strokes, (N, _SAMPLES, 2)."""
    points = np.concatenate(strokes).astype(np.float64)
    counts = np.array([len(stroke) for stroke in strokes])
    first = np.cumsum(counts) - counts
    last = first + counts - 1
    steps = np.hypot(*np.diff(points, axis=0, prepend=points[:1]).T)
    steps[first[1:]] = 1.0  # from one stroke to the next: none is sampled there
    along = steps.cumsum()
    share = np.linspace(0.0, 1.0, _SAMPLES)
    asked = along[first, None] + share * (along[last] - along[first])[:, None]
    found = np.interp(asked, along, points[:, 0] + 1j * points[:, 1])
    found[:, [0, -1]] = (points[:, 0] + 1j * points[:, 1])[np.stack([first, last], 1)]
    return np.stack([found.real, found.imag], axis=-1)
