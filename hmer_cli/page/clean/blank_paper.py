"""Tells sheets that nobody has written on, by what is left of their rules, holes, page numbers.

Input: the ink of an image, 1 where it is, (H, W), before and after its printed lines are removed.
Output: whether all of it belongs to the paper. Method: connected components. Printed lines run
through most of the image, are thin, and straighter than a hand draws; those of squared paper are
found by runs along both axes (morphological opening), those that a photo breaks and bends by the
sharpest projection profile; dots by their number, equal size and even distances. On a page, what
lies in its outer margin is no mathematics by itself.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.load.images import Pixels

Stats = NDArray[np.int32]

# Chosen on drawn sheets, and on signs of MathBrush drawn on such.
_PAGE = 600  # pixels of the shorter side: less is no page
_MARGIN = 0.075, 0.05  # of height and width: the outer margin of a page
_RIM = 0.02  # of the height: what lies so near to the edge is its shadow
_NUMBER = 0.015, 0.1, 6  # of height and width: a page number; its parts, at most
_CORNER, _STAPLE = 0.1, 0.04  # of the sides: where staples are; of the longer side: their length
_SPAN = 0.6  # of the image: least length of a printed line
_SLENDER = 6, 12  # times as long as its box is deep, and as it is thick: a line
_STRAIGHT = 0.0017  # of the length: largest deviation (root mean square) of a
# printed line; of 123 bars of MathBrush none is below 0.0022 of its length
_KNOT = 3.0  # times as thick as it is: a line is nowhere thicker
_MANY = 4  # lines: more than a sign has bars
_BARS = 12  # parts: more than an expression of nothing but bars has
_EDGE = 0.02  # of the height: a sign that is cut out tightly reaches as near to both edges
_PIECES, _PIECEWISE = 6, 0.85  # pieces of lines, more than a sign has; share of straight ones
_RUN = 12, 60  # times the thickness, and part of the longer side: least run of a printed line
_OFF_LINE = 0.03  # of a grid: largest share that is on no run
_GRID, _SIDES = 5, 3  # least number of lines of a grid, and of a frame
_ACROSS = 0.3  # of a grid: least length of its lines
_DOTS, _EQUAL, _DOT = 20, 0.7, 0.015  # least number of printed dots; share of equal ones; of the
# longer side: their size
_SOFT, _STUDIED, _EVEN = 0.025, 100, 0.2  # of the longer side: their size with soft edges; dots
# whose neighbours are looked at; largest deviation of the distances
_DASH, _DASHED = 6, 0.6  # times as thick as long: a piece of a line; least share of these
_WAYS = (  # the steepest slope of lines and how many are tried at most, the same of their change
    # from the head to the foot, and pixels that are a row
    (0.14, 57, 0.08, 9, 4),
    (0.006, 13, 0.012, 9, 1),
)
_POINTS, _CELLS, _BENT = 20_000, 24, 0.004  # pixels that are studied; parts of the width; of the
# longer side: how far lines bend
_FREE = 0.75  # of the height of all lines: least share that lies between them
_SHEET = 100  # times as long as its lines are thick: less is the size of writing
_SPECK, _FINER = 0.012, 0.8  # of the longer side: largest speck beside broken lines; times as
# thick as these: a piece of a finer line, and no stroke
_THICKER = 1.5  # times as thick: a piece of such a line
_REMAINS = 2, 0.04  # pixels thicker than the line that it lies on, and of the longer side: length


def is_blank(ink: Pixels, bare: Pixels, dust: int) -> bool:
    """Whether all ink of an image is of its paper.

    ``ink`` and ``bare``: (H, W), 1 for ink, with and without printed lines; parts whose longer side
    is not above ``dust`` pixels are none.
    """
    count, labels, stats = _parts(bare, dust)
    if not count:
        return not _may_be_sign(ink, dust)
    rest = ~_in_margin(stats, ink.shape)
    rest[rest] = ~_dots(stats[rest], ink.shape)
    if not rest.any():
        return True
    left = stats[rest]
    straight = np.array([_is_line(_own(labels, part)) for part in stats])
    through = straight & _runs_through(stats, ink.shape)
    if through.any() and not _is_cut_tightly(stats[through], ink.shape):
        rest &= ~through
    if rest.sum() >= _PIECES and _are_pieces(labels, stats[rest], straight[rest]):
        return True
    rest &= ~_remains(ink, stats, dust)
    if all(_is_grid(labels, part, ink.shape) for part in stats[rest]):
        return True
    span = (left[:, 2] >= _SPAN * ink.shape[1]) & (left[:, 3] >= _SPAN * ink.shape[0])
    if len(left) < _BARS and not span.any():  # may be signs: 11111
        return False
    own = np.isin(labels, left[:, 5]).astype(np.uint8)
    return _are_broken_lines(own, thickness_of(own))


def _parts(ink: Pixels, dust: int) -> tuple[int, NDArray[np.int32], Stats]:
    """Number, labels (H, W) and statistics (N, 6) of the components, the last of which is the
    label; dust aside."""
    _, labels, table, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    stats = np.concatenate([table, np.arange(len(table))[:, None]], 1)[1:]
    stats = stats[stats[:, 2:4].max(1) > dust]
    return len(stats), np.asarray(labels, np.int32), np.asarray(stats, np.int32)


def _may_be_sign(ink: Pixels, dust: int) -> bool:
    """Whether ink that was taken for printed lines may be a sign of a few strokes, as an equals
    sign: short bars, or bars that a hand drew."""
    count, labels, stats = _parts(ink, dust)
    if not 0 < count <= _MANY:
        return False
    rest = ~_in_margin(stats, ink.shape)
    through = _runs_through(stats, ink.shape)
    lines = np.array([_is_line(_own(labels, part)) for part in stats])
    grids = np.array([_is_grid(labels, part, ink.shape) for part in stats])
    tight = _is_cut_tightly(stats, ink.shape)
    return bool((rest & ~grids & ~(through & lines & (not tight))).any())


def _in_margin(stats: Stats, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which parts lie in the outer margin of a page, or are a staple in its corner."""
    height, width = shape
    if min(shape) < _PAGE:
        return np.zeros(len(stats), bool)
    x, y, wide, high = stats[:, :4].T
    right, foot = width - x - wide, height - y - high
    deep, side = _MARGIN[0] * height, _MARGIN[1] * width
    low, narrow, most = _NUMBER
    upright = (x + wide <= side) | (width - x <= side)
    corner = (np.minimum(x, right) <= _CORNER * width) & (np.minimum(y, foot) <= _CORNER * height)
    staple = corner & (np.maximum(wide, high) <= _STAPLE * max(shape)) & (high < wide)
    level = (high <= low * height) & (wide <= narrow * width) & ~upright & ~staple
    level &= (y + high <= deep) | (height - y <= deep)
    for head in (True, False):  # a number each
        own = level & ((y < height / 2) == head)
        if own.sum() > most or (own.any() and np.ptp(x[own]) > narrow * width):
            level[own] = False
    level |= (y + high <= _RIM * height) | (height - y <= _RIM * height)
    return np.asarray(level | upright | staple, bool)


def _runs_through(stats: Stats, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    height, width = shape
    return np.asarray((stats[:, 2] >= _SPAN * width) | (stats[:, 3] >= _SPAN * height), bool)


def _is_cut_tightly(lines: Stats, shape: tuple[int, ...]) -> bool:
    """Whether a few lines fill the height of an image, as the bars of a sign do in its box."""
    if len(lines) >= _MANY or (lines[:, 3] > lines[:, 2]).any():
        return False
    edge = max(2, _EDGE * shape[0])
    return bool(lines[:, 1].min() <= edge and shape[0] - (lines[:, 1] + lines[:, 3]).max() <= edge)


def _own(labels: NDArray[np.int32], part: Stats) -> NDArray[np.bool_]:
    """Where a part is, in its box."""
    x, y, wide, high = part[:4].tolist()
    return np.asarray(labels[y : y + high, x : x + wide] == part[5], bool)


def _is_line(own: NDArray[np.bool_]) -> bool:
    """Whether ink (H, W) is a line, level or upright, and straighter than a hand draws."""
    long, deep = max(own.shape), min(own.shape)
    there = own.sum(0 if own.shape[1] >= own.shape[0] else 1)
    columns = np.flatnonzero(there)
    thick = float(np.median(there[columns]))
    if long < _SLENDER[0] * deep or long < _SLENDER[1] * thick or there.max() > _KNOT * thick:
        return False
    own = own if own.shape[1] >= own.shape[0] else own.T
    middle = (np.arange(len(own)) @ own)[columns] / there[columns]
    off = middle - np.polyval(np.polyfit(columns, middle, 1), columns)
    return bool(off.std() <= _STRAIGHT * long)


def _are_pieces(labels: NDArray[np.int32], stats: Stats, straight: NDArray[np.bool_]) -> bool:
    """Whether parts are the pieces of printed lines: straight most of them, or all on one line."""
    if stats[straight, 4].sum() >= _PIECEWISE * stats[:, 4].sum():
        return True
    x, y = stats[:, :2].min(0)
    right, foot = (stats[:, :2] + stats[:, 2:4]).max(0)
    within = np.isin(labels[y:foot, x:right], stats[:, 5])
    return max(within.shape) >= _SPAN * max(labels.shape) and _is_line(within)


def _remains(ink: Pixels, stats: Stats, dust: int) -> NDArray[np.bool_]:
    """Which parts are pieces of printed lines, of which more was removed: no thicker than these."""
    most = _REMAINS[1] * max(ink.shape)
    small = stats[:, 2:4].max(1) <= most
    if not small.any():
        return small
    _, labels, whole = _parts(ink, dust)
    through = whole[_runs_through(whole, ink.shape)]
    thick = {int(part[5]): _thickness(labels, part) for part in through}
    for index in np.flatnonzero(small):
        x, y, wide, high = stats[index, :4].tolist()
        there = labels[y : y + high, x : x + wide]
        line = thick.get(int(there.max()), 0.0)
        small[index] = line > 0 and min(wide, high) <= line + _REMAINS[0]
    return small


def _are_broken_lines(own: Pixels, thick: float) -> bool:
    """Whether ink (H, W) is lines through much of the image, whole or broken, and only specks
    besides: rules and grids of photos, which are aslant, uneven and crossed by shadows."""
    if max(own.shape) < _SHEET * thick:
        return False
    soft, run = cv2.dilate(own, np.ones((3, 3), np.uint8)), math.ceil(_DASH * thick)
    across, down = (
        np.asarray(cv2.morphologyEx(soft, cv2.MORPH_OPEN, np.ones(size, np.uint8)), np.uint8)
        for size in ((1, run), (run, 1))
    )
    if int((own & (across | down)).sum()) < _DASHED * own.sum():
        return False
    level, rows = _on_lines(own, thick)
    upright, columns = _on_lines(np.ascontiguousarray(own.T), thick)
    off = own & ~(level | upright.T)
    if rows + columns < _GRID or int(off.sum()) > _OFF_LINE * own.sum():
        return False
    printed = thickness_of(own & ~off)
    _, _, table, _ = cv2.connectedComponentsWithStats(off, connectivity=8)
    long, deep = table[1:, 2:4].max(1), table[1:, 2:4].min(1)
    speck = long <= max(_KNOT * printed, _SPECK * max(own.shape))
    x, y, wide, high, mass = table[1:].T  # a line that an edge cuts short is no stroke
    cut = (x <= 1) | (y <= 1) | (x + wide >= own.shape[1] - 1) | (y + high >= own.shape[0] - 1)
    cut &= mass <= _THICKER * printed * long
    return bool((speck | cut | (deep <= _FINER * printed)).all())


def _on_lines(own: Pixels, thick: float) -> tuple[Pixels, int]:
    """The ink on level or nearly level thin lines through much of the image, and their number.

    Rows are counted along the slope, and its change from the head to the foot as perspective
    makes it, for which the projection profile is sharpest (Postl, 1986, as in ``deskew.py``).
    """
    height, width = own.shape
    y, x = np.nonzero(own)
    step = len(x) // _POINTS + 1
    across, down = x - width / 2, y / height - 0.5

    def rows_at(slope: float, change: float, every: int = 1) -> NDArray[np.int64]:
        moved = y[::every] - across[::every] * (slope + change * down[::every])
        return np.rint(moved + width).astype(np.int64)

    slope = change = 0.0
    for steep, slopes, bent, changes, rough in _WAYS:
        ways = [
            (slope + more, change + other)
            for more in _steps(steep, slopes, width / rough)
            for other in _steps(bent, changes, width / rough / 2)
        ]
        sharp = [float((np.bincount(rows_at(*w, step) // rough) ** 2).sum()) for w in ways]
        slope, change = ways[int(np.argmax(sharp))]
    rows = rows_at(slope, change)
    seen = np.zeros((int(rows.max()) + 3, _CELLS), bool)
    seen[rows + 1, x * _CELLS // width] = True
    around = seen[:-2] | seen[1:-1] | seen[2:]
    lines = np.concatenate([[False], around.sum(1) >= _ACROSS * _CELLS, [False]])
    begins = np.flatnonzero(lines[1:] & ~lines[:-1])
    ends = np.flatnonzero(lines[:-1] & ~lines[1:])
    thin = ends - begins <= _KNOT * thick + _BENT * max(own.shape)
    if (ends - begins)[thin].sum() > (1 - _FREE) * np.ptp(rows):  # rows of small writing
        thin[:] = False
    marks = np.zeros(len(lines) + 2, np.int64)
    np.add.at(marks, begins[thin], 1)
    np.add.at(marks, ends[thin] + 2, -1)
    on = marks.cumsum()[rows + 1] > 0
    found = np.zeros_like(own)
    found[y[on], x[on]] = 1
    return found, int(thin.sum())


def _steps(most: float, count: int, reach: float) -> NDArray[np.float64]:
    """Slopes from -most to most, an odd ``count`` of them or so many that each moves the end of
    a line, at half of ``reach``, by half a row."""
    needed = 2 * math.ceil(most * reach) + 1
    return np.linspace(-most, most, min(count, needed))


def _thickness(labels: NDArray[np.int32], part: Stats) -> float:
    """Of the lines of a part: its area over half its outline."""
    return thickness_of(_own(labels, part).astype(np.uint8))


def thickness_of(own: Pixels) -> float:
    """The thickness of most strokes of a mask, in pixels: twice its area over its outline."""
    mass = int(own.sum())
    rim = mass - int(cv2.erode(own, np.ones((3, 3), np.uint8), borderValue=0).sum())
    return 2.0 * mass / max(rim, 1)


def _is_grid(labels: NDArray[np.int32], part: Stats, shape: tuple[int, ...]) -> bool:
    """Whether a part is level and upright lines and nothing else, more than any sign has; or the
    frame of a page."""
    wide, high = part[2:4].tolist()
    if min(wide, high) < _DOT * max(shape):
        return False
    own = _own(labels, part).astype(np.uint8)
    run = int(max(_RUN[0] * _thickness(labels, part), max(shape) / _RUN[1]))
    soft = cv2.dilate(own, np.ones((3, 3), np.uint8))
    across, down = (
        np.asarray(cv2.morphologyEx(soft, cv2.MORPH_OPEN, np.ones(size, np.uint8)), np.uint8)
        for size in ((1, run), (run, 1))
    )
    lines = cv2.dilate(across | down, np.ones((3, 3), np.uint8))
    if int((own & (lines == 0)).sum()) > _OFF_LINE * own.sum():
        return False
    level, upright = _long(across, 2, wide), _long(down, 3, high)
    if level >= 2 and upright >= 2 and level + upright >= _GRID:
        return True
    frame = wide >= _SPAN * shape[1] and high >= _SPAN * shape[0] and min(shape) >= _PAGE
    return frame and level + upright >= _SIDES


def _long(runs: Pixels, side: int, whole: int) -> int:
    """The number of components that run along much of a grid."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(runs, connectivity=8)
    return int((stats[1:, side] >= _ACROSS * whole).sum())


def _dots(stats: Stats, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    return _alike(stats[:, 2:4].max(1, initial=0), _DOT * max(shape))


def printed_dots(boxes: NDArray[np.float32], longest: float) -> NDArray[np.bool_]:
    """Which boxes, (N, 4) on an image with this longer side, are dots of dotted paper: alike, and
    evenly spaced, which small letters are not."""
    found = _alike((boxes[:, 2:] - boxes[:, :2]).max(1, initial=0), _SOFT * longest)
    if found.any():
        middles = (boxes[found, :2] + boxes[found, 2:]) / 2
        some = middles[:: len(middles) // _STUDIED + 1]
        apart = np.hypot(*(some[:, None] - middles[None]).transpose(2, 0, 1))
        nearest = np.where(apart > 0, apart, np.inf).min(1)
        even = np.abs(nearest / np.median(nearest) - 1) <= _EVEN
        found &= bool(even.mean() >= _EQUAL)
    return found


def _alike(size: NDArray[np.number], most: float) -> NDArray[np.bool_]:
    """Which of the parts of this size are many, small, and most of all of one size."""
    if len(size) < _DOTS:
        return np.zeros(len(size), bool)
    usual = float(np.median(size))
    alike = np.abs(size - usual) <= max(2.0, usual / 3)
    return np.asarray(alike & bool(usual <= most and alike.mean() >= _EQUAL), bool)
