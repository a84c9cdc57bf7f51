"""Corners of a sheet of paper in a photo.

Input: a photo (H, W). Output: four corners, or None. Method: the largest bright quadrilateral over
several thresholds, or else the largest that edges enclose, with a step of brightness along its
sides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

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

Corners = NDArray[np.float64]
"""(4, 2): x and y of top left, top right, bottom right, bottom left; (0, 0) is the picture's."""

_STUDIED = 640  # pixels of the longer side at which the sheet is searched
_LEVELS = 12  # number of thresholds
_EDGES = 12  # gray levels from pixel to pixel: edges of a sheet are steeper, of shadows softer
_SMALLEST = 0.25  # of the image: least area of a sheet
_FILLED = 0.96  # least share of the quadrilateral that the sheet covers, and vice versa
_EDGE = 2.5  # pixels: a side nearer to the image's edge may continue beyond it
_STEP = 25.0  # gray levels: least step from table to sheet, along each side
_SQUARE = (55.0, 125.0)  # degrees: range of the angles of the corners
_BAR = 0.07  # of the image: along its top and foot viewers have bars with words of their own
_WRITTEN = 0.35  # largest ratio of strokes per pixel outside and inside the sheet


def find_sheet(image: Pixels) -> Corners | None:
    """The corners of a sheet on a darker background; None if unclear.

    Looks at many levels for a bright shape with four straight sides, none of them cut off by the
    picture's edge, and takes the largest: what lies in the light on a sheet half in the shade is
    such a shape too. Where a table in the light is as bright as paper in the shade, no level tells
    them apart, but edges do. ``image``: (H, W), 0 black to 255 white.
    """
    small = shrunk(image, _STUDIED)
    if min(small.shape) < 64:
        return None
    blank = without_dark(small)
    if blank.max() - blank.min() <= _STEP:
        return None
    for masks in (_bright(blank), _enclosed(blank)):
        found = [each for each in _shapes(masks) if _is_sheet(each, small, blank)]
        if found:
            break
    else:
        return None
    corners = max(found, key=_area)
    height, width = image.shape
    return corners * (width / small.shape[1], height / small.shape[0])


def _bright(blank: Pixels) -> Iterator[Pixels]:
    """Mask of the largest bright area at each threshold."""
    low, high = np.percentile(blank, (2, 98))
    seen = -1
    for level in np.linspace(low, high, _LEVELS + 2)[1:-1]:
        bright = (blank > level).astype(np.uint8)
        before, seen = seen, cv2.countNonZero(bright)
        if seen != before:  # as many pixels above a higher level are the same
            yield from _large(bright, 1)


def _enclosed(blank: Pixels) -> Iterator[Pixels]:
    """Masks of the two largest areas without edges: a sheet and what it lies on."""
    square = np.ones((3, 3), np.uint8)
    flat = cv2.morphologyEx(blank, cv2.MORPH_GRADIENT, square) <= _EDGES
    for mask in _large(flat.astype(np.uint8), 2):
        yield np.asarray(cv2.dilate(mask, square), np.uint8)


def _large(mask: Pixels, count: int) -> Iterator[Pixels]:
    """The ``count`` largest connected parts of a mask, of those as large as a sheet."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    areas = stats[1:, cv2.CC_STAT_AREA]
    for index in np.argsort(-areas, kind="stable")[:count]:
        if areas[index] >= _SMALLEST * mask.size:
            yield (labels == 1 + index).astype(np.uint8)


def _shapes(masks: Iterable[Pixels]) -> Iterator[Corners]:
    """The corners of those areas that have four straight sides."""
    for mask in masks:
        contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        contour = np.asarray(max(contours, key=cv2.contourArea), np.int32)
        corners = _four_sides(contour)
        if corners is not None and _fits(corners, contour):
            yield corners


def _four_sides(contour: NDArray[np.int32]) -> Corners | None:
    """The corners of a shape with four straight sides, else None."""
    hull = cv2.convexHull(contour)
    length = cv2.arcLength(hull, True)
    for share in (0.02, 0.03, 0.045, 0.065):
        rough = cv2.approxPolyDP(hull, share * length, True)
        if len(rough) == 4:
            break
    else:
        return None
    rough = _ordered(rough.reshape(4, 2).astype(np.float64))
    points = contour.reshape(-1, 2).astype(np.float64)
    sides = [_side(points, rough[i], rough[(i + 1) % 4]) for i in range(4)]
    corners = [np.cross(sides[i - 1], sides[i]) for i in range(4)]
    if any(abs(corner[2]) < 1e-9 for corner in corners):
        return None
    return np.array([corner[:2] / corner[2] + 0.5 for corner in corners])


def _ordered(corners: Corners) -> Corners:
    """Corners in clockwise order from the top left."""
    middle = corners.mean(axis=0)
    around = np.argsort(np.arctan2(*(corners - middle).T[::-1]))
    corners = corners[around]
    return np.roll(corners, -int(corners.sum(axis=1).argmin()), axis=0)


def _side(points: Corners, start: Corners, end: Corners) -> NDArray[np.float64]:
    """The line a x + b y + c = 0 along the outline between two rough corners, (3,)."""
    along = (end - start) / max(float(np.hypot(*(end - start))), 1e-9)
    across = np.array([-along[1], along[0]])
    length, offset = (points - start) @ along, np.abs((points - start) @ across)
    span = float((end - start) @ along)
    inner = (length > 0.08 * span) & (length < 0.92 * span) & (offset < 0.05 * span)
    if inner.sum() < 8:
        return np.cross([*start, 1.0], [*end, 1.0])
    line = cv2.fitLine(points[inner].astype(np.float32), cv2.DIST_HUBER, 0, 0.01, 0.01)
    dx, dy, x, y = line.ravel().astype(np.float64)
    return np.cross([x, y, 1.0], [x + dx, y + dy, 1.0])


def _area(corners: Corners) -> float:
    return float(cv2.contourArea(corners.astype(np.float32)))


def _fits(corners: Corners, contour: NDArray[np.int32]) -> bool:
    """Whether the shape fills its quadrilateral, except for a folded corner."""
    hull = cv2.convexHull(contour).astype(np.float32).reshape(-1, 2)
    shared, _ = cv2.intersectConvexConvex(hull, corners.astype(np.float32))
    covered = float(cv2.contourArea(contour.astype(np.float32)))
    return (
        shared >= _FILLED * max(_area(corners), float(cv2.contourArea(hull)))
        and covered >= _FILLED * _FILLED * shared
    )


def _is_sheet(corners: Corners, small: Pixels, blank: Pixels) -> bool:
    height, width = small.shape
    inside = (corners > _EDGE).all() and (corners < (width - _EDGE, height - _EDGE)).all()
    before, after = np.roll(corners, 1, 0) - corners, np.roll(corners, -1, 0) - corners
    turns = (before * after).sum(1) / np.maximum(np.hypot(*before.T) * np.hypot(*after.T), 1e-9)
    angles = np.degrees(np.arccos(np.clip(turns, -1, 1)))
    return bool(
        inside
        and _area(corners) >= _SMALLEST * small.size
        and ((angles > _SQUARE[0]) & (angles < _SQUARE[1])).all()
        and _steps_up(corners, blank)
        and not _written_outside(corners, small, blank)
    )


def _steps_up(corners: Corners, blank: Pixels) -> bool:
    """Whether the sheet is brighter than its surroundings, along most of each side."""
    middle = corners.mean(axis=0)
    share = np.linspace(0.05, 0.95, 40)[:, None]
    for start, end in zip(corners, np.roll(corners, -1, 0), strict=True):
        points = start + share * (end - start)
        across = np.array([end[1] - start[1], start[0] - end[0]]) / np.hypot(*(end - start))
        across *= np.sign(across @ (middle - start))
        step = _seen(blank, points + 5 * across) - _seen(blank, points - 5 * across)
        if np.mean(step > _STEP) < 0.8:
            return False
    return True


def _seen(image: Pixels, points: Corners) -> NDArray[np.float32]:
    x, y = (points - 0.5).astype(np.float32).T
    seen = cv2.remap(image, x[None], y[None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return seen[0].astype(np.float32)


def _written_outside(corners: Corners, small: Pixels, blank: Pixels) -> bool:
    """Whether there is writing beyond the sides, which are then the edges of a shadow, of a picture
    on dark paper, or of a panel of a slide.

    On ground of one gray level a few letters are writing, but in the bars of a viewer; on a table
    so many as on the sheet.
    """
    sheet = np.zeros_like(small)
    cv2.fillConvexPoly(sheet, np.round(corners).astype(np.int32), 1)
    inner = cv2.erode(sheet, np.ones((9, 9))) > 0
    outer = cv2.dilate(sheet, np.ones((9, 9))) == 0
    if not inner.any() or not outer.any():
        return False
    strokes, paper = dark_letters(small, blank), float(np.median(blank[inner]))
    if is_flat(small, outer):
        bar = round(_BAR * len(outer))
        outer[:bar] = outer[len(outer) - bar :] = False
        light = light_letters(small, without_light(small), paper)
        is_bright = outer.any() and float(np.median(blank[outer])) >= SHADE * paper
        return (is_bright and is_lettered(strokes, outer)) or is_lettered(light, outer)
    return bool(strokes[outer].mean() > _WRITTEN * max(float(strokes[inner].mean()), 0.01))
