"""Perspective and slope: photos and scans -> upright pages.

Input: (H, W). Output: the rectified image, and a homography (3, 3) back to the source's pixels.
Method: the corners of the sheet (`hmer_cli.page.clean.sheet`), then the angle at which the
projection profile of the ink rows is sharpest.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.clean.borders import without_strips
from hmer_cli.page.clean.illumination import clean
from hmer_cli.page.clean.screenshots import photo_in_screenshot, without_bars
from hmer_cli.page.clean.sheet import Corners, find_sheet
from hmer_cli.page.clean.surroundings import without_surroundings
from hmer_cli.page.load.images import Pixels, shrunk

Homography = NDArray[np.float64]
"""(3, 3): maps points (x, y, 1) of one image to another; (0, 0) is a corner."""

Shape = tuple[int, ...]
"""Height and width."""

_STUDIED = 1000  # pixels of the longer side at which the slope is measured
_STEEPEST = 8.0  # degrees: largest slope that is corrected
_FINEST = 0.1
_LEAST = 1.5  # degrees: smaller slopes are left, as rotation blurs
_CLEARER = 1.15  # least gain in sharpness of the profile by rotation
_FILLED, _WINDOW = 640, 5  # pixels of the longer side at which paper is a median, and the part of
# it that is the window: wider than writing and what else an edge shows
_PARTS = 60  # connected components: fewer make no page with lines


def clean_and_straight(image: Pixels) -> tuple[Pixels, Homography | None]:
    """The rectified sheet with level lines on evenly white paper (see `clean`), and the homography
    from there to ``image``.

    None where nothing is to be turned. Of a screenshot the photo in it is taken, or the bars of an
    app are painted over. Where no whole sheet is found, strips along the edges and what lies beside
    a sheet that is cut off are painted as paper. ``image``: (H, W), light or dark.
    """
    photo = photo_in_screenshot(image)
    image = without_bars(image) if photo is None else image[photo[0] : photo[1]]
    level, back, cleaned = _straightened(image)
    if photo is not None:
        back = _shift(0, photo[0]) if back is None else _shift(0, photo[0]) @ back
    return clean(level) if cleaned is None else cleaned, back


def _straightened(image: Pixels) -> tuple[Pixels, Homography | None, Pixels | None]:
    """The same as it was photographed, the homography, and the first `clean`, if measuring the
    slope took that already."""
    back = None
    sheet = find_sheet(image)
    if sheet is not None:
        shape, back = _from_above(sheet)
        image = _seen(image, shape, back)
    else:
        image = without_strips(without_surroundings(image))  # a strip of a wedge hides the rest
    studied = clean(shrunk(image, _STUDIED))
    angle = _skew(studied)
    if angle:  # of the sheet alone: the table beyond its corners would be ink
        shape, turn = _turned(image.shape, angle)
        image, back = _seen(image, shape, turn), turn if back is None else back @ turn
    same = not angle and studied.shape == image.shape
    return image, back, studied if same else None


def _from_above(corners: Corners) -> tuple[Shape, Homography]:
    """The shape of the rectified sheet, and the homography back."""
    sides = np.hypot(*(np.roll(corners, -1, 0) - corners).T)
    width, height = round(max(sides[0], sides[2])), round(max(sides[1], sides[3]))
    flat = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    back = cv2.getPerspectiveTransform(flat, corners.astype(np.float32))
    return (height, width), np.asarray(back, np.float64)


def _turned(shape: Shape, angle: float) -> tuple[Shape, Homography]:
    """Shape of the whole image after a rotation that levels lines falling to the right by ``angle``
    degrees, and the homography back."""
    height, width = shape
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    taller = round(height * cos + width * abs(sin))
    wider = round(width * cos + height * abs(sin))
    turn = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0, 0, 1]])
    return (taller, wider), _shift(width / 2, height / 2) @ turn @ _shift(-wider / 2, -taller / 2)


def _seen(image: Pixels, shape: Shape, back: Homography) -> Pixels:
    """The image warped to this shape by ``back``; outside, the shade of the nearest paper."""
    there = _shift(-0.5, -0.5) @ back @ _shift(0.5, 0.5)  # OpenCV's points are pixels' middles
    size, cubic = shape[::-1], cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    seen = cv2.warpPerspective(image, there, size, flags=cubic, borderMode=cv2.BORDER_REPLICATE)
    nearest = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    inside = cv2.warpPerspective(np.ones_like(image), there, size, flags=nearest)
    if inside.all():
        return np.asarray(seen, np.uint8)
    inside = cv2.erode(inside, np.ones((5, 5), np.uint8))  # the last pixels are half the table's
    paper = shrunk(image, _FILLED)
    paper = np.asarray(cv2.medianBlur(paper, max(3, max(paper.shape) // _WINDOW | 1)), np.uint8)
    scale = np.diag([paper.shape[1] / image.shape[1], paper.shape[0] / image.shape[0], 1.0])
    there = _shift(-0.5, -0.5) @ scale @ back @ _shift(0.5, 0.5)
    linear = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    fill = cv2.warpPerspective(paper, there, size, flags=linear, borderMode=cv2.BORDER_REPLICATE)
    return np.where(inside > 0, seen, fill).astype(np.uint8)


def _shift(x: float, y: float) -> Homography:
    return np.array([[1.0, 0, x], [0, 1, y], [0, 0, 1]])


def _skew(page: Pixels) -> float:
    """Slope of the lines of writing or of the paper, in degrees to the right; 0 if unclear.

    The ink of straight lines, counted row by row, changes most from row to row when they are
    level (W. Postl, Detection of linear oblique structures and skew scan in digitized documents,
    ICPR 1986). ``page``: (H, W), cleaned.
    """
    otsu, _ = cv2.threshold(page, 0, 255, cv2.THRESH_OTSU)
    ink = (page <= min(otsu, 200)).astype(np.uint8)
    parts, labels, stats, _ = cv2.connectedComponentsWithStats(ink)
    if parts <= _PARTS:
        return 0.0
    narrow = stats[:, cv2.CC_STAT_HEIGHT] < max(page.shape) / 8  # not borders and drawings
    y, x = np.nonzero(narrow[labels] & (ink > 0))
    if not len(x):
        return 0.0
    points = np.stack([x, y], 1).astype(np.float32) - (page.shape[1] / 2, page.shape[0] / 2)
    best = max(np.arange(-_STEEPEST, _STEEPEST + 0.1, 0.5), key=lambda a: _clarity(points, a))
    finer = np.arange(best - 0.5, best + 0.5 + _FINEST / 2, _FINEST)
    best = max(finer, key=lambda a: _clarity(points, a))
    clear = _clarity(points, best) >= _CLEARER * _clarity(points, 0.0)
    return float(best) if clear and _LEAST <= abs(best) <= _STEEPEST else 0.0


def _clarity(points: NDArray[np.floating], angle: float) -> float:
    """Sharpness of the projection profile of the rows after rotation by ``angle``."""
    slope = np.radians(angle)
    rows = points[:, 1] * np.cos(slope) - points[:, 0] * np.sin(slope)
    counts = np.bincount(((rows - rows.min()) / 2).astype(np.int64))
    return float((np.diff(counts.astype(np.float64)) ** 2).sum())
