"""Removes frames, strips and cut off lines along the edges of an image.

Input and output: (H, W). Screenshots, form fields and table cells have a line or a strip along an
edge, final answers are boxed, and crops contain the lower ends of the line above. The recogniser
would take such lines for roots or bars. Method: connected components, measured against the edges.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.clean.blank_paper import thickness_of
from hmer_cli.page.clean.illumination import is_light_on_dark, paper_level
from hmer_cli.page.clean.letters import SHADE, STROKE
from hmer_cli.page.load.images import Pixels

_INK = 190  # gray levels: threshold of ink, including gray lines of one pixel
_DEEP = 0.012, 4  # of the shorter side, and pixels: largest distance of a line from the edge,
_SLANT = 0.03  # but no more of that side: signs of a tight crop are as straight as that
_LINE = 0.8  # of an edge: least length of a line along it
_STRIP = 0.7, 0.25  # of an edge: least length of a strip; of the image: largest depth
_WHOLE, _TIGHT = 0.97, 2  # of an edge: a line from side to side; edges that a tight crop touches
_ALONG, _SLENDER = 0.5, 0.1  # of an edge, of its height: what is along that or so narrow is a line
_SAME = 0.5, 1.7  # of the pen of the signs: range of the thickness of a bar from side to side
_OTHER, _EVEN = 60, 40  # gray levels: a strip differs so much from the paper, and so little inside
_SHARP = 3, 0.002  # pixels, and of an edge: within so many rows a strip ends
_HARD = 0.5  # of the difference from the paper: least step there; shadows are soft
_LETTER = 4, 0.005, 0.25  # pixels, and of an edge: least and largest size of a letter in a strip
_LETTERS = 2  # least number of them: a speck is none
_DARKEST = 0.5  # percent of an image: writing covers more, noise of a sign less
_SIDE = 0.85  # of each side of a frame: least share that is drawn
_BAND = 0.12  # of the shorter side of a frame: largest deviation of its sides
_WITHIN = 0.97  # of all other ink: least share inside a frame
_FEWEST = 2  # components inside a frame; a sign such as a circled dot may enclose one
_FOOT = 0.3  # of the height of the writing: largest height of remains of other lines
_FEET = 2  # least number of such remains; a single one may be a bar of the formula


def without_strips(image: Pixels) -> Pixels:
    """The image with even strips of another shade along its edges painted over.

    ``image`` and the result: (H, W), light or dark: a light bar over a dark page is one, the rim
    round a thick sign that fills most of its crop is none.
    """
    if min(image.shape) < 16:
        return image
    paper = _paper(image)
    cleaned = image
    for turn in range(4):
        side = np.rot90(cleaned, turn)
        count = _strip(side[: round(_STRIP[1] * len(side)) + 1], paper)
        if not count:
            continue
        rest = np.abs(side[count + 1 :].astype(np.int16) - round(paper)) > _OTHER
        if not _is_bar(rest, count, turn % 2 == 0):
            cleaned = cleaned.copy() if cleaned is image else cleaned
            np.rot90(cleaned, turn)[: count + 1] = round(paper)
    return cleaned


def _paper(image: Pixels) -> float:
    """The gray level of the paper: of the rim, if that is lighter than the rest and the rest is a
    sign; of the rest, where something is written on it, darker or lighter; of a board that is
    less than half of the picture."""
    some = image[::2, ::2]
    usual, paper = float(np.median(some)), paper_level(some)
    level, _ = cv2.threshold(some, 0, 255, cv2.THRESH_OTSU)
    if usual > level and _is_deep(some <= level) and is_light_on_dark(image):
        return float(np.median(some[some <= level]))
    if paper > usual:
        is_written = float(np.percentile(some, _DARKEST)) < usual - _OTHER
        if is_written or is_light_on_dark(image):
            return usual
    return paper


def _is_deep(dark: NDArray[np.bool_]) -> bool:
    """Whether more rows or columns are mostly dark than a strip has: it is no bar of a program."""
    along = max(float((dark.mean(axis=axis) > 0.5).mean()) for axis in (0, 1))
    return along > _STRIP[1]


def _strip(side: Pixels, paper: float) -> int:
    """How many rows from the first on are even, and of another shade; 0 where all of them are, or
    they are paper in the shade: that ends softly, or aslant and is written on."""
    reach = max(_SHARP[0], round(_SHARP[1] * side.shape[1]))
    for count, row in enumerate(side):
        low, high = np.percentile(row, (3, 97))
        if abs(float(np.median(row)) - paper) > _OTHER and high - low < _EVEN:
            continue
        end = side[max(count - reach, 0) : count + reach]
        if count and _ends_level(end, paper):
            return count
        is_strip = count and _ends_aslant(end, paper) and not _is_written(side[:count], paper)
        return count if is_strip else 0
    return 0


def _ends_level(rows: Pixels, paper: float) -> bool:
    """Whether another shade ends within these rows."""
    return bool(np.ptp(np.median(rows, axis=1)) >= _step(rows, paper))


def _step(rows: Pixels, paper: float) -> float:
    """The least step from the shade of the first row to the paper that is hard."""
    return _HARD * abs(float(np.median(rows[0])) - paper)


def _ends_aslant(rows: Pixels, paper: float) -> bool:
    """Whether another shade ends within a few pixels of the last row."""
    wanted = _step(rows, paper)
    last = cv2.medianBlur(np.ascontiguousarray(rows[-1:]), 5)[0].astype(np.float32)
    step = np.abs(last[len(rows) :] - last[: -len(rows)]) >= wanted
    there = np.abs(last - paper) <= _OTHER
    return bool((step & (there[len(rows) :] | there[: -len(rows)])).any())


def _is_written(strip: Pixels, paper: float) -> bool:
    """Whether a strip holds letters: dark ones on paper in the shade, light ones on dark paper."""
    shade = np.median(strip, axis=1).astype(np.float32)[:, None]
    darker = (shade - strip > STROKE * shade) & (shade >= SHADE * paper)
    lighter = strip - shade > STROKE * max(paper, float(shade.max()))
    least = max(_LETTER[0], round(_LETTER[1] * strip.shape[1]))
    for strokes in (darker, lighter):
        _, _, stats, _ = cv2.connectedComponentsWithStats(strokes.astype(np.uint8), connectivity=8)
        sizes = stats[1:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1].max(axis=1)
        if ((sizes >= least) & (sizes < _LETTER[2] * strip.shape[1])).sum() >= _LETTERS:
            return True
    return False


def without_borders(image: Pixels) -> Pixels:
    """The image without lines along its edges, frames and remains of other lines.

    ``image`` and the result: (H, W), dark ink on evenly white paper.
    """
    if min(image.shape) < 16:
        return image
    cleaned = _without_lines(image)
    ink = (cleaned < _INK).astype(np.uint8)
    count, marks, table, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    if count < 3:
        return cleaned
    labels, stats = np.asarray(marks, np.int32), np.asarray(table, np.int32)
    found = _strips(labels, stats) | _frames(labels, stats)
    found |= _feet(labels, stats, found)
    if not found[1:].any() or found[1:].all():
        return cleaned
    gone = cv2.dilate(found[labels].astype(np.uint8), np.ones((3, 3), np.uint8))
    kept = (ink > 0) & ~found[labels]
    result = cleaned.copy()
    result[(gone > 0) & ~kept] = 255
    return result


def _without_lines(image: Pixels) -> Pixels:
    """Without straight lines at the edge, where a crop cut through a form or a cell."""
    short = min(image.shape)
    deep = max(min(_DEEP[1], math.ceil(_SLANT * short)), round(_DEEP[0] * short))
    cleaned = image.copy()
    for turn in range(4):
        side = np.rot90(cleaned, turn)  # a view: its first row is the edge
        share = (side[: deep + 1] < _INK).mean(1)
        lines = np.flatnonzero(share[:deep] >= _LINE)
        if not len(lines) or share[deep] >= _LINE:
            continue
        is_whole = turn % 2 == 0 and share[lines].max() >= _WHOLE
        if not _is_bar(side[deep + 1 :] < _INK, len(lines), is_whole):
            side[: lines[-1] + 2] = 255
    return cleaned


def _is_bar(rest: NDArray[np.bool_], pen: float, is_whole: bool) -> bool:
    """Whether a line of this thickness above the ``rest`` of a crop is a sign, such as a vinculum.

    The crop is cut at its ink, so that high signs touch the edge across, and some a side. A level
    line from side to side may be a rule, or else it is drawn with their pen.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(rest.astype(np.uint8))
    wide, high = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    signs = (high >= _FOOT * len(rest)) & (wide >= _SLENDER * high)
    signs[0] = False
    sides = labels[:, 0], labels[:, -1]
    for side in sides:  # but no lines along it
        signs &= np.bincount(side, minlength=count) < _ALONG * len(side)
    across = labels[-1]
    if not signs[across].any() or (across > 0).mean() >= _ALONG:  # a line, and what it joins
        return False
    own = thickness_of(signs[labels].astype(np.uint8))
    is_alike = _SAME[0] * own <= pen <= _SAME[1] * own
    return is_alike if is_whole else any(bool(signs[side].any()) for side in sides)


def _strips(labels: NDArray[np.int32], stats: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Which components lie along most of an edge and are shallow.

    In a crop that is cut at its ink, so that others touch two further edges, they are signs, but
    for a level line from side to side (see `_is_bar`).
    """
    found, whole = np.zeros((2, len(stats)), bool)
    free: list[NDArray[np.int32]] = []
    for turn in range(4):
        side = np.rot90(labels, turn)
        size = cv2.CC_STAT_WIDTH if turn % 2 else cv2.CC_STAT_HEIGHT
        along = np.bincount(side[0], minlength=len(stats)) / side.shape[1]
        strip = (along >= _STRIP[0]) & (stats[:, size] <= _STRIP[1] * len(side))
        strip[0] = False
        level = strip & (along >= _WHOLE) & (turn % 2 == 0)
        for index in np.flatnonzero(level):
            pen = stats[index, cv2.CC_STAT_AREA] / stats[index, cv2.CC_STAT_WIDTH]
            strip[index] = not _is_bar((side > 0) & (side != index), float(pen), True)
        whole |= strip & level
        found |= strip
        if not strip.any():
            free.append(side[0])
    is_tight = sum(bool((~found)[edge][edge > 0].any()) for edge in free) >= _TIGHT
    return whole if is_tight else found


def _frames(labels: NDArray[np.int32], stats: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Which components enclose all other ink."""
    found = np.zeros(len(stats), bool)
    area = stats[1:, cv2.CC_STAT_AREA].sum()
    left, top = stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_TOP]
    right, foot = left + stats[:, cv2.CC_STAT_WIDTH], top + stats[:, cv2.CC_STAT_HEIGHT]
    order = np.argsort(-(right - left) * (foot - top))
    for index in order[:4]:
        if index == 0:
            continue
        x0, y0, x1, y1 = left[index], top[index], right[index], foot[index]
        inside = (left > x0) & (right < x1) & (top > y0) & (foot < y1) & ~found
        inside[0] = False
        others = (
            area - stats[index, cv2.CC_STAT_AREA] - stats[1:][found[1:], cv2.CC_STAT_AREA].sum()
        )
        if (
            inside.sum() >= _FEWEST
            and stats[inside, cv2.CC_STAT_AREA].sum() >= _WITHIN * others
            and _goes_round(labels[y0:y1, x0:x1] == index)
        ):
            found[index] = True
    return found


def _goes_round(own: NDArray[np.bool_]) -> bool:
    """Whether ink is near each side of its box, along nearly all of it."""
    band = max(3, round(_BAND * min(own.shape)))
    sides = own[:band].any(0), own[-band:].any(0), own[:, :band].any(1), own[:, -band:].any(1)
    return all(float(side.mean()) >= _SIDE for side in sides)


def _feet(
    labels: NDArray[np.int32], stats: NDArray[np.int32], gone: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Which components are remains of the lines above and below.

    They touch the upper or lower edge, are low beside the writing, and white is between. In a crop
    that is cut at its ink, so that high ones touch the edge across and some a side, they are dots,
    hats and bars.
    """
    height = len(labels)
    top = stats[:, cv2.CC_STAT_TOP]
    foot = top + stats[:, cv2.CC_STAT_HEIGHT]
    found = np.zeros(len(stats), bool)
    there = ~gone
    there[0] = False
    for turn, near, far in ((0, top, foot), (2, height - foot, height - top)):
        touching = there & (near <= 0)
        rest = there & ~touching
        if touching.sum() < _FEET or not rest.any():
            continue
        begins, reach = near[rest].min(), far[rest].max()
        high = rest & (stats[:, cv2.CC_STAT_HEIGHT] >= _FOOT * height)
        across, sides = np.rot90(labels, turn)[-1], there[labels[:, [0, -1]]]
        is_tight = bool(high[across].any() and sides.any())
        if not is_tight and far[touching].max() < min(begins, _FOOT * (reach - begins)):
            found |= touching
    return found
