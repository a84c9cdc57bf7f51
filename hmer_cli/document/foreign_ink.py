"""Ink in the box of a formula that is not the formula's -> the region without it.

Input: the parts in the box, and the page. Output: which of them are foreign: rules that mark the
formula from below, and frames around it; and the region in whose image and ink they are not.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.geometry import Box, iou
from hmer_cli.ink.ink import Ink
from hmer_cli.ink.render import InkImage, legible_ink_image
from hmer_cli.page.detect.integral import Floats
from hmer_cli.page.load.images import Pixels
from hmer_cli.page.regions import Region

# In letter heights; chosen on notes-truth.
_MARK = 1.8, 0.9, 3.0  # a mark is so wide, so low, and so many times as wide as high
_ABOVE = 1.2  # from what is marked down to the mark
_SIGN = 0.5  # what is marked is so high, or higher
_BESIDE = 0.8  # what stands so near beside it, at its height, makes it a sign of a line
_BAR = 1.0, 0.5, 0.7  # a bar is so wide and so low; of the line it runs along so much
_FRAME = 2.5, 1.5, 2  # a frame is so wide and so high, and around more parts than that
_WIDE, _CLOSED = 0.5, 0.9  # of its height and of its columns: what is between top and foot
_SOFT = 3  # pixels: soft edges of strokes
_MOSTLY = 0.7  # of a stroke's points: those of foreign ink lie in its boxes
_INK = 160  # gray levels: what is darker


def foreign_ink(parts: Floats, image: Pixels, unit: float) -> NDArray[np.bool_]:
    """Which parts (N, 4) in the box of a formula of a page are frames or marks of it."""
    gone = frames(parts, image, unit)
    gone[~gone] = marks_below(parts[~gone], unit)
    return gone


def marks_below(parts: Floats, unit: float) -> NDArray[np.bool_]:
    """Which parts (N, 4) run along the foot of others, with nothing below and nothing beside."""
    x0, y0, x1, y1 = parts.T
    width, high = x1 - x0, y1 - y0
    flat = (width >= _MARK[0] * unit) & (high <= _MARK[1] * unit) & (width >= _MARK[2] * high)
    found = np.zeros(len(parts), bool)
    for i in np.flatnonzero(flat):
        middle_x, middle_y = (x0 + x1) / 2, (y0[i] + y1[i]) / 2
        others = ~found & (np.arange(len(parts)) != i)
        over = others & (middle_x >= x0[i]) & (middle_x <= x1[i])
        below = over & ((y0 + y1) / 2 > middle_y)
        near = np.abs(y0[i] - y1) <= _ABOVE * unit
        above = over & (high >= _SIGN * unit) & (y1 <= y1[i]) & near
        gap = np.maximum(x0 - x1[i], x0[i] - x1)
        beside = others & (gap >= 0) & (gap <= _BESIDE * unit) & (y0 < middle_y) & (y1 > middle_y)
        found[i] = above.any() and not below.any() and not beside.any()
    return found


def on_bar(line: Floats, others: Floats, unit: float) -> bool:
    """Whether a bar among the ``others`` (N, 4) runs along a line of parts, right below or above
    it, as along half of a fraction."""
    (x0, y0), (x1, y1) = line[:, :2].min(0), line[:, 2:].max(0)
    left, top, right, foot = others.T
    flat = (right - left >= _BAR[0] * unit) & (foot - top <= _BAR[1] * unit)
    near = (top >= y0 - unit) & (foot <= y1 + unit)
    along = np.minimum(right, x1) - np.maximum(left, x0) >= _BAR[2] * (x1 - x0)
    return bool((flat & near & along).any())


def frames(parts: Floats, image: Pixels, unit: float) -> NDArray[np.bool_]:
    """Which parts (N, 4) of a page run all the way around several others."""
    x0, y0, x1, y1 = parts.T
    middle_x, middle_y = (x0 + x1) / 2, (y0 + y1) / 2
    found = np.zeros(len(parts), bool)
    large = (x1 - x0 >= _FRAME[0] * unit) & (y1 - y0 >= _FRAME[1] * unit)
    for i in np.flatnonzero(large):
        inside = (middle_x > x0[i]) & (middle_x < x1[i]) & (middle_y > y0[i]) & (middle_y < y1[i])
        if inside.sum() > _FRAME[2]:
            mask = _component(image, parts[i])
            found[i] = _surrounds(mask) and _surrounds(mask.T)
    return found


def _component(image: Pixels, part: Floats) -> NDArray[np.bool_]:
    """The pixels of a part of the page, the largest component in its box."""
    x0, y0, x1, y1 = part.astype(int).tolist()
    ink = (image[max(0, y0) : y1 + 1, max(0, x0) : x1 + 1] < _INK).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    if len(stats) < 2:
        return np.zeros_like(ink, bool)
    sizes = stats[1:, cv2.CC_STAT_WIDTH] + stats[1:, cv2.CC_STAT_HEIGHT]
    return np.asarray(labels == 1 + int(sizes.argmax()))


def _surrounds(mask: NDArray[np.bool_]) -> bool:
    """Whether there is ink at the top and the foot of nearly all columns but the outermost."""
    high, width = mask.shape
    inner = mask[:, width // 10 : width - width // 10]
    top, foot = inner.argmax(0), high - inner[::-1].argmax(0)
    return bool((inner.any(0) & (foot - top >= _WIDE * high)).mean() >= _CLOSED)


def without_ink(region: Region, foreign: Floats, own: Floats) -> Region:
    """The region without the ``foreign`` parts (N, 4), in pixels of the page; ``own`` stay."""
    left, top = region.origin
    shift = np.array([left, top, left, top], np.float32)
    image = _erased(region.image, foreign - shift, own - shift)
    written = None if region.written is None else _left(region.written, foreign, own)
    return replace(region, image=image, written=written)


def _erased(image: Pixels, foreign: Floats, own: Floats) -> Pixels:
    """The image with paper in place of the components that lie in foreign boxes."""
    ink = (image < _INK).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    boxes = stats[:, [0, 1, 0, 1]].astype(np.float32)
    boxes[:, 2:] += stats[:, 2:4]
    gone = np.array([_belongs(box.tolist(), foreign, own) for box in boxes])
    gone[0] = False
    mask = cv2.dilate(gone[labels].astype(np.uint8), np.ones((_SOFT, _SOFT), np.uint8)) > 0
    kept = cv2.dilate((~gone[labels] & (ink > 0)).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    done = image.copy()
    done[mask & ~kept] = 255
    return done


def _belongs(box: Box, foreign: Floats, own: Floats) -> bool:
    """Whether a component is one of the foreign parts rather than of its own."""
    return _likeness(box, foreign) > _likeness(box, own)


def _likeness(box: Box, parts: Floats) -> float:
    """The largest IoU of a box with one of the parts, each a pixel larger: strokes may be flat."""
    grown = np.array([0, 0, 1, 1], np.float32)
    return float(iou(np.asarray(box) + grown, parts + grown).max(initial=0.0))


def _left(written: InkImage, foreign: Floats, own: Floats) -> InkImage | None:
    """The strokes that are none of the foreign parts; None where none is left."""
    kept = []
    for stroke in written.ink.strokes:
        (x0, y0), (x1, y1) = stroke.min(0).tolist(), stroke.max(0).tolist()
        held = [
            box
            for box in foreign
            if ((stroke >= box[:2] - _SOFT) & (stroke <= box[2:] + _SOFT)).all(1).mean() >= _MOSTLY
        ]
        if not held or not _belongs((x0, y0, x1, y1), foreign, own):
            kept.append(stroke)
    if len(kept) == len(written.ink.strokes):
        return written
    return legible_ink_image(Ink(tuple(kept))) if kept else None
