"""Writing that is far paler than the rest of an image -> as dark as the rest: pencil beside print.

Input and output: (H, W), dark ink on evenly white paper, without printed lines. `faint` takes what
is so pale for a watermark, for grain, or for what shines through the paper. Writing differs from
these in its connected components: they have the size and the thickness of strokes, edges as sharp
as those of the dark ink (paper blurs what shines through), and end where they end, where grain and
shadows go on at half of their depth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.geometry import Box
from hmer_cli.page.clean.faint import INK, SOFT, STRONG, WEAK, usual_depth
from hmer_cli.page.clean.remembered import remembered
from hmer_cli.page.load.images import Pixels, shrunk

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]

_STUDIED = 1754  # pixels of the longer side, as in `detect.search`

# Chosen on scan-pages with half of each page at 0.3 of its depth, and on notes, through whose
# paper the back shines.
_PALEST, _SEEN = 0.25, 0.15  # of the usual depth: what is paler is not surely writing; is not seen
_HIGH, _WIDE = (0.5, 8.0), 20.0  # letter heights: range of the height of a sign; largest width
_PEN, _SLENDER = (0.4, 3.0), 0.35  # of the pen of the dark ink; of its size: thickness of a sign
_BENT = 1.2  # times the diagonal of its box: least length of a sign; pieces of rules are straight
_SHARP = 0.83, 0.75  # of the sharpness of the dark ink: least of writing, which has 0.9, where what
# shines through has 0.75; and of what stands beside it
_GROWN = 2.2, 4.0  # of its area: largest area at half of its depth, of the same
_AT = 0.8, 0.95  # quantiles of the steps in a component, and of its depth: its sharpness
_ROOM = 6  # pixels round a component in which it is looked for at half of its depth
_SHARE = 1 / 3  # least share of signs among what is as large
_NOTABLE = 3, 0.5  # signs that are too pale: least number, and share among what is as large
_FAR, _BESIDE = 6.0, 1.5  # heights of such signs: so near to one that is bent are straight ones; to
# these, dots and bars
_FRAME = 2.0, 0.25, 0.8  # letter heights: least size of a frame; depth in which its sides are
# looked for; least part of each side that is drawn # convention
_LETTER = 8  # pixels: smaller components may be specks
_MOST = 1_500  # components of the size of signs: more are grain


def with_pale_writing(image: Pixels, *others: Pixels) -> tuple[Pixels, ...]:
    """The image with its pale writing dark, and ``others``, which show the same, likewise.

    Each (H, W); they are themselves where there is none.
    """
    found = _pale_writing(shrunk(image, _STUDIED))
    if found is None:
        return image, *others
    writing, factor = found
    there = cv2.dilate(writing.astype(np.uint8), np.ones((3, 3), np.uint8))
    there = cv2.resize(there, image.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return tuple(_darker(each, there > 0, factor) for each in (image, *others))


def _darker(image: Pixels, there: Mask, factor: float) -> Pixels:
    result = image.copy()
    result[there] = np.rint(255 - np.minimum(factor * (255.0 - image[there]), 255))
    return result


def too_pale(image: Pixels) -> list[Box]:
    """The boxes of signs that are so pale, beside the rest, that `remove_faint` leaves them out.

    ``image``: (H, W), with its pale writing dark. A watermark of letters is among them.
    """
    small = shrunk(image, _STUDIED)
    dark = _Dark.of(small)
    if dark is None:
        return []
    kept = cv2.dilate(dark.is_dark[dark.parts.labels].astype(np.uint8), np.ones((SOFT, SOFT)))
    rest = np.where(kept > 0, 255, small).astype(np.uint8)
    paper = 255 - int(np.median(small))
    least = paper + int(max(_SEEN * dark.usual, INK / 2))
    if np.count_nonzero(rest < 255 - least) < _LETTER * dark.pen:
        return []
    parts = _Parts.of(rest, least)
    like = parts.is_sign(dark.unit, dark.pen) & ~parts.is_frame(dark.unit)
    found = _Signs.of(parts, rest, like, dark)
    bent = found.clear & (parts.bent >= _BENT)
    if bent.sum() < max(_NOTABLE[0], _NOTABLE[1] * (like & (parts.bent >= _BENT)).sum()):
        return []
    boxes = parts.stats[bent, :4] * (max(image.shape) / max(small.shape))
    return [(x, y, x + width, y + height) for x, y, width, height in boxes.tolist()]


def _pale_writing(image: Pixels) -> tuple[Mask, float] | None:
    """Where pale writing is, (H, W), and how many times deeper the dark ink is; None without."""
    dark = _Dark.of(image)
    if dark is None:
        return None
    parts, pale = dark.parts, ~dark.is_dark
    pale[0] = False
    pale &= ~parts.is_frame(dark.unit)
    like = pale & parts.is_sign(dark.unit, dark.pen)
    large = like & (parts.darkest >= _PALEST * dark.usual)
    bent = large & (parts.bent >= _BENT)
    if not bent.any():
        return None
    found = _Signs.of(parts, image, like, dark)
    sure = bent & found.clear
    if not sure.any() or sure.sum() < _SHARE * bent.sum():
        return None
    signs = large & found.clear & parts.is_near(sure, _FAR)
    others = found.likely | (pale & ~like & (found.sharp >= _SHARP[0]))
    writing = signs | (others & parts.is_near(signs, _BESIDE))
    return writing[parts.labels], dark.usual / float(np.median(parts.darkest[signs]))


@dataclass(frozen=True)
class _Parts:
    """The connected components of ink, (N,) each; the first is the paper.

    ``labels`` (H, W); ``size`` (N, 2) is width and height, ``pen`` the thickness in pixels,
    ``bent`` the length in diagonals of its box, and ``darkest`` the greatest depth.
    """

    labels: NDArray[np.int32]
    stats: NDArray[np.int32]
    size: NDArray[np.int32]
    pen: Floats
    bent: Floats
    darkest: NDArray[np.uint8]

    @classmethod
    def of(cls, image: Pixels, least: int) -> _Parts:
        """The components deeper than ``least``."""
        depth = 255 - image
        ink = (depth > least).astype(np.uint8)
        count, marks, table, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
        labels, stats = np.asarray(marks, np.int32), np.asarray(table, np.int32)
        there = ink > 0
        darkest = np.zeros(count, np.uint8)
        np.maximum.at(darkest, labels[there], depth[there])
        rim = there & (cv2.erode(ink, np.ones((3, 3), np.uint8)) == 0)
        outline = np.bincount(labels[rim], minlength=count)
        size = stats[:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1].copy()
        size[0] = 0
        pen = 2 * stats[:, cv2.CC_STAT_AREA] / np.maximum(outline, 1)
        bent = outline / 2 / np.maximum(np.hypot(*size.T), 1)
        return cls(labels, stats, size, pen, bent, darkest)

    def is_sign(self, unit: float, pen: float) -> Mask:
        """Which have the size and the thickness of signs, beside letters of this height and pen."""
        width, height = self.size.T
        longer = np.maximum(width, height)
        return np.asarray(
            (height >= max(_HIGH[0] * unit, _LETTER / 2))
            & (height <= _HIGH[1] * unit)
            & (width <= _WIDE * unit)
            & (self.pen >= _PEN[0] * pen)
            & (self.pen <= np.minimum(_PEN[1] * pen, _SLENDER * longer))
        )

    def is_frame(self, unit: float) -> Mask:
        """Which are drawn along all four sides of their box: answer boxes, frames, and grids."""
        least, depth, drawn = _FRAME
        deep = max(1, round(depth * unit))
        frames = np.zeros(len(self.size), bool)
        for index in np.flatnonzero(self.size.min(1) >= least * unit).tolist():
            x, y, width, height = self.stats[index, :4].tolist()
            own = self.labels[y : y + height, x : x + width] == index
            sides = (
                own[:deep].any(0),
                own[-deep:].any(0),
                own[:, :deep].any(1),
                own[:, -deep:].any(1),
            )
            frames[index] = min(side.mean() for side in sides) >= drawn
        return frames

    def steps(self, image: Pixels) -> Floats:
        """How sharp each is: the steps from pixel to pixel in it, of its depth above the paper."""
        there = self.labels > 0
        step = cv2.morphologyEx(image, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))[there]
        depth = (int(np.median(image)) - image[there].astype(np.int16)).clip(1)
        labels = self.labels[there]
        steep, deep = (
            self._quantile(*each, labels) for each in zip((step, depth), _AT, strict=True)
        )
        return np.asarray(steep / np.maximum(deep, 1))

    def _quantile(
        self, values: NDArray[np.integer], at: float, labels: NDArray[np.int32]
    ) -> Floats:
        """The quantile of the values of the pixels of each label, (N,)."""
        order = np.lexsort((values, labels))
        counts = np.bincount(labels, minlength=len(self.stats))
        place = counts.cumsum() - counts + np.rint(at * (counts - 1)).astype(np.int64)
        found = np.zeros(len(counts))
        found[counts > 0] = values[order][place[counts > 0]]
        return found

    def growth(self, index: int, depth: Pixels) -> float:
        """How many times its area a component has at half of its depth."""
        x, y, width, height, area = self.stats[index].tolist()
        place = np.s_[max(0, y - _ROOM) : y + height + _ROOM, max(0, x - _ROOM) : x + width + _ROOM]
        half = (depth[place] > self.darkest[index] / 2).astype(np.uint8)
        marks = np.asarray(cv2.connectedComponents(half, connectivity=8)[1], np.int32)
        own = np.unique(marks[(self.labels[place] == index) & (marks > 0)])
        return float(np.isin(marks, own).sum() / area)

    def is_near(self, signs: Mask, heights: float) -> Mask:
        """Which have their middle no more than so many of their heights from one of these."""
        room = heights * float(np.median(self.size[signs, 1]))
        middle = self.stats[:, :2] + self.size / 2
        first, last = self.stats[signs, :2] - room, self.stats[signs, :2] + self.size[signs] + room
        near = np.zeros(len(middle), bool)
        for low, high in zip(first, last, strict=True):
            near |= ((middle >= low) & (middle <= high)).all(1)
        near[0] = False
        return near


@dataclass(frozen=True)
class _Dark:
    """The dark ink of an image: which of its ``parts`` it is, and which of these are ``letters``;
    its ``usual`` depth, how high its letters are, and its pen."""

    image: Pixels
    parts: _Parts
    is_dark: Mask
    letters: Mask
    usual: float
    unit: float
    pen: float

    @staticmethod
    @remembered
    def of(image: Pixels) -> _Dark | None:
        """That of an image; None where there are no dark letters."""
        usual = usual_depth(255 - image)
        if usual is None:
            return None
        parts = _Parts.of(image, int(max(WEAK * usual, INK / 2)))
        is_dark = parts.darkest >= math.ceil(STRONG * usual)
        letters = is_dark & (parts.size.max(1) >= _LETTER)
        if not letters.any():
            return None
        unit, pen = (float(np.median(each[letters])) for each in (parts.size[:, 1], parts.pen))
        return _Dark(image, parts, is_dark, letters, usual, unit, pen)

    @cached_property
    def sharp(self) -> float:
        """How sharp it is, by `_Parts.steps`."""
        return float(np.median(self.parts.steps(self.image)[self.letters]))


@dataclass(frozen=True)
class _Signs:
    """How ``sharp`` components are beside the dark ink, and which are ``clear`` signs or ``likely``
    ones, (N,) each."""

    sharp: Floats
    clear: Mask
    likely: Mask

    @classmethod
    def of(cls, parts: _Parts, image: Pixels, like: Mask, dark: _Dark) -> _Signs:
        """Those among what is ``like`` a sign."""
        sharp = parts.steps(image) / max(dark.sharp, 1e-9)
        grown = np.full(len(like), np.inf)
        studied = np.flatnonzero(like & (sharp >= _SHARP[1])).tolist()
        for index in studied if len(studied) <= _MOST else ():
            grown[index] = parts.growth(index, 255 - image)
        clear = (sharp >= _SHARP[0]) & (grown <= _GROWN[0])
        return cls(sharp, clear, grown <= _GROWN[1])
