"""Removes the marks of a second pen that cross the writing, such as a teacher's tick.

Input and output: RGB, (H, W, 3). Long connected components of the rarer colour that meet the other
ink in several places are replaced by paper, and by ink where they covered it. Terms written in
another colour stay, as they cross nothing; so do level lines through the middle of the writing,
which is crossed out and must not be read as if it were not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]

_STUDIED = 1000  # pixels of the longer side at which strokes are studied
_PAPER = 600  # pixels of the longer side at which the paper is estimated
_FAINTEST = 60  # gray levels below the paper, in the weakest colour: threshold of ink
_SATURATED = 0.3, 0.6  # of the contrast: largest saturation of a gray pen, least of a coloured one
_BETWEEN = 0.25  # largest share of ink between both, relative to saturated ink
_OTHER_HUE = 30  # of 180, as OpenCV counts them: 60 degrees
_RARE = 0.005, 0.4  # of the ink: range of the share of the rarer colour
_LONG = 2.0  # in median lengths of the other components: least length of a correction
_MOST = 0.6  # least share of the rarer ink that crosses, else it is writing
_TINT = 40, 0.001  # least difference of colours, and of the image that has it
_ACROSS = 1.8  # in stroke widths: largest length of its way under the other ink
_DEEP, _INSIDE = 0.6, 0.55  # of its depth: how far that way reaches at least; share of it inside
_NEAR = 3  # pixels: what is so near is met
_MEETINGS = 2  # least number of places where it meets the other ink
_LEVEL = 6.0  # of a line that crosses out: least width by height of its way,
_REACH = 0.5, 80  # of this percentile of the lengths, as half of the letters may be cut in two:
# half of its largest thickness, and how near ink beside it is looked for
_STRUCK = 0.33  # least share of the columns with ink above or below it that have both

# Chosen on photos of corrected answers, and on scans of notes in three colours, which must stay.


class _Ink(NamedTuple):
    rare: Mask
    main: Mask
    paper: Pixels


def without_corrections(colours: Pixels) -> Pixels:
    """The image without strokes of a second pen that cross the first; itself if there are none.

    ``colours`` and the result: RGB, (H, W, 3).
    """
    small = _resized(colours, min(1.0, _PAPER / max(colours.shape[:2])))
    if np.mean(extremes(small)[1] > _TINT[0]) < _TINT[1]:
        return colours
    scale = min(1.0, _STUDIED / max(colours.shape[:2]))
    study = _resized(colours, scale) if scale < 1 else colours
    ink = _two_inks(study)
    if ink is None:
        return colours
    crossing, struck = _crossing(ink)
    if np.count_nonzero(crossing | struck) < _MOST * np.count_nonzero(ink.rare):
        return colours
    if not crossing.any():
        return colours
    width = 2 * int(np.ceil(cv2.distanceTransform(crossing.astype(np.uint8), cv2.DIST_L2, 3).max()))
    around = _dilated(crossing, 2) & ~_eroded_out(ink.main, crossing)
    bridged = _bridges(ink.main, around, width)
    height, breadth = colours.shape[:2]
    result = colours.copy()
    there = _enlarged(around, breadth, height)
    paper = cv2.resize(ink.paper, (breadth, height), interpolation=cv2.INTER_LINEAR)
    result[there] = paper[there]
    result[_enlarged(bridged, breadth, height)] = np.median(study[ink.main], axis=0)
    return result


def _two_inks(study: Pixels) -> _Ink | None:
    """The ink of the rarer and of the commoner colour; None where there is one, or a dark board."""
    paper = _paper(study)
    if paper is None:
        return None
    even = np.asarray(cv2.divide(study, np.maximum(paper, 1), scale=255), dtype=np.uint8)
    weakest, chroma = extremes(even)
    ink = weakest < 255 - _FAINTEST
    taken = 255 - weakest.astype(np.float32)
    coloured = ink & (chroma > _SATURATED[1] * taken)
    total = np.count_nonzero(ink)
    if np.count_nonzero(coloured) < max(_RARE[0] * total, 1):
        return None
    rare = coloured
    if np.count_nonzero(coloured) > total / 2:  # a blue pen, say: what differs from it in hue
        hue = cv2.cvtColor(even, cv2.COLOR_RGB2HSV)[..., 0].astype(np.int16)
        common = int(np.argmax(np.bincount(hue[coloured], minlength=180)))
        apart = np.abs(hue - common)
        rare = coloured & (np.minimum(apart, 180 - apart) > _OTHER_HUE)
    else:
        between = np.count_nonzero(ink & (chroma > _SATURATED[0] * taken) & ~coloured)
        if between > _BETWEEN * np.count_nonzero(coloured):
            return None
    rare = _opened(rare)
    if not _RARE[0] * total < np.count_nonzero(rare) < _RARE[1] * total:
        return None
    return _Ink(rare, ink & ~_dilated(rare, 1), paper)


def _paper(study: Pixels) -> Pixels | None:
    """The colour of the paper at each pixel, (H, W, 3); None for a dark background."""
    small = _resized(study, min(1.0, _PAPER / max(study.shape[:2])))
    if np.median(small) < 110:
        return None
    size = max(15, max(small.shape[:2]) // 8) | 1
    paper = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((size, size), np.uint8))
    height, width = study.shape[:2]
    paper = cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(paper, dtype=np.uint8)


def _crossing(ink: _Ink) -> tuple[Mask, Mask]:
    """The components of the rarer colour that are long and meet the other ink in some places; and
    those of them that cross it out."""
    joined = _closed(ink.rare, 9) & (ink.rare | ink.main)  # the other pen may lie on top
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined.astype(np.uint8), connectivity=8)
    lengths = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1)
    main = ink.main.astype(np.uint8)
    _, marks, others, _ = cv2.connectedComponentsWithStats(main, connectivity=8)
    sizes = others[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1)
    sizes, pieces = sizes[sizes > 5], np.asarray(marks, np.int32)
    found, struck = np.zeros_like(ink.rare), np.zeros_like(ink.rare)
    if not len(sizes):
        return found, struck
    reach = max(_NEAR, round(_REACH[0] * float(np.percentile(sizes, _REACH[1]))))
    for number in np.flatnonzero(lengths > _LONG * np.median(sizes)):
        if number == 0:
            continue
        x, y, width, height = stats[number, :4].tolist()
        around = np.s_[
            max(0, y - reach) : y + height + reach, max(0, x - _NEAR) : x + width + _NEAR
        ]
        component = labels[around] == number
        met = (_dilated(component, _NEAR) & ink.main[around] & ~component).astype(np.uint8)
        if cv2.connectedComponents(met, connectivity=8)[0] - 1 >= _MEETINGS:
            out = _is_struck(component, ink.main[around], pieces[around], reach)
            (struck if out else found)[around] |= component & ink.rare[around]
    return found, struck


def _is_struck(stroke: Mask, main: Mask, marks: NDArray[np.int32], reach: int) -> bool:
    """Whether a stroke is level and goes through the middle of what it meets of the other ink,
    whose components are ``marks``; an underline has ink below it in few places."""
    columns = np.flatnonzero(stroke.any(axis=0))
    own = stroke[:, columns]
    first, last = own.argmax(axis=0), len(own) - 1 - own[::-1].argmax(axis=0)
    low, high = np.percentile((first + last) / 2, (5, 95))
    if _LEVEL * (high - low) > len(columns) or np.median(last - first) >= 2 * reach:
        return False
    touched = np.isin(marks, np.unique(marks[_dilated(stroke, _NEAR) & main]))
    near = np.arange(len(own))[:, None]
    over, under = (near < first) & (near >= first - reach), (near > last) & (near <= last + reach)
    ink, met = main[:, columns], (main & touched)[:, columns]
    above, below = (ink & over).any(axis=0), (met & under).any(axis=0)
    both = above & below
    places = np.count_nonzero(np.diff(np.pad(both.astype(np.int8), 1)) == 1)
    return bool(places >= _MEETINGS and both.sum() >= _STRUCK * (above | below).sum())


def _bridges(main: Mask, around: Mask, width: int) -> Mask:
    """The other ink under the crossing stroke: straight from where it goes in to where it goes out.

    ``width`` is that of the crossing stroke. Pairs of ends on both sides of it are joined, the
    nearest first, and then single ends with the nearest one that is joined.
    """
    count, _, _, places = cv2.connectedComponentsWithStats(
        (_dilated(around, 2) & main & ~around).astype(np.uint8), connectivity=8
    )
    ends = np.asarray(places[1:], np.float64)
    depth = np.asarray(cv2.distanceTransform(around.astype(np.uint8), cv2.DIST_L2, 3), np.float32)
    deepest = float(depth.max())
    thick = cv2.distanceTransform((main & ~around).astype(np.uint8), cv2.DIST_L2, 3)
    pen = max(1, round(2 * float(np.percentile(thick[thick > 0], 80)) - 1)) if count > 1 else 1
    lines = sorted(
        (length, a, b)
        for length, a, b in _near_pairs(ends, _ACROSS * (width + 4))
        if _goes_across(ends[a], ends[b], depth, deepest)
    )
    drawn, joined = np.zeros(main.shape, np.uint8), set[int]()
    for most in (0, 1):  # of the two ends, joined before
        for _, a, b in lines:
            if len(joined & {a, b}) <= most and not {a, b} <= joined:
                start, end = (tuple(np.rint(ends[i]).astype(int).tolist()) for i in (a, b))
                cv2.line(drawn, start, end, 1, pen)
                joined |= {a, b}
    return np.asarray((drawn > 0) & around)


def _near_pairs(ends: NDArray[np.float64], most: float) -> Iterator[tuple[float, int, int]]:
    """The pairs of ends (N, 2) that are no further apart than that, with their distances."""
    for a in range(len(ends)):
        apart = np.hypot(*(ends[a] - ends[a + 1 :]).T)
        for b in np.flatnonzero(apart <= most).tolist():
            yield float(apart[b]), a, a + 1 + b


def _goes_across(
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    depth: NDArray[np.float32],
    deepest: float,
) -> bool:
    """Whether a line between two ends goes through the middle of the crossing stroke.

    ``depth`` (H, W) is how far inside of it each pixel is, at most ``deepest``.
    """
    points = start + np.linspace(0, 1, 16)[:, None] * (end - start)
    x, y = np.rint(points).astype(int).T
    inside = depth[y.clip(0, depth.shape[0] - 1), x.clip(0, depth.shape[1] - 1)]
    return bool(inside.max() >= _DEEP * deepest and (inside > 0).mean() >= _INSIDE)


def _eroded_out(main: Mask, crossing: Mask) -> Mask:
    """The other ink that is farther from the crossing than the fringe between two colours."""
    return main & ~_dilated(crossing, 1)


def extremes(colours: Pixels) -> tuple[Pixels, Pixels]:
    """The weakest of the three colours, and how far the strongest is above it, (H, W) each."""
    red, green, blue = cv2.split(colours)
    weakest = cv2.min(cv2.min(red, green), blue)
    chroma = cv2.subtract(cv2.max(cv2.max(red, green), blue), weakest)
    return np.asarray(weakest, dtype=np.uint8), np.asarray(chroma, dtype=np.uint8)


def _resized(colours: Pixels, scale: float) -> Pixels:
    height, width = (max(1, round(side * scale)) for side in colours.shape[:2])
    small = cv2.resize(colours, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)


def _enlarged(mask: Mask, width: int, height: int) -> Mask:
    there = cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    return np.asarray(there > 0)


def _dilated(mask: Mask, by: int) -> Mask:
    kernel = np.ones((2 * by + 1, 2 * by + 1), np.uint8)
    return np.asarray(cv2.dilate(mask.astype(np.uint8), kernel) > 0)


def _closed(mask: Mask, size: int) -> Mask:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, kernel) > 0)


def _opened(mask: Mask) -> Mask:
    """Without the coloured fringe that cameras and compression leave along black strokes."""
    kernel = np.ones((2, 2), np.uint8)
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, kernel) > 0)
