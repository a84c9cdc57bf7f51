"""Removes the printed lines of ruled and squared paper, and keeps the writing on them.

Input and output: (H, W), dark ink on white. Method: faint horizontal and vertical pieces are
chained across the page; long chains, even in spacing and gray level, are lines. Each is erased
except where strokes run across or along it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.load.images import Pixels

Mask = NDArray[np.uint8]
Path = NDArray[np.float64]

_FAINT = (20, 60)  # gray levels below the paper: thresholds of the two passes
_THICKEST = 430  # largest thickness of a line: longer side of the page / this
_SHORTEST = 30  # least length of an unbroken piece: width / this
_UNBROKEN = 8  # least length of the longest piece of a line: width / this
_COVERED = 0.35  # of the width: least total length of the pieces of a line
_REACH = 0.5  # of the width: least distance from its first piece to its last
_STRAY = 0.01  # of the gap between two of its pieces: largest deviation of the second,
_BEND, _LONG = 0.02, 6  # and the same where both are at least this part of the width long
_OTHERS = 5  # lines on a page from which _BROKEN applies instead of _WHOLE
_BROKEN = 20  # with many lines, least length of the longest piece: width / this
_WHOLE, _ACROSS = 3, 0.75  # with few lines that and on pages _REACH: bars of fractions are no line
_EVEN = 0.15  # of the spacing: largest deviation of a line
_SMOOTH = 31  # pixels: window of the mean along a line, for its centre
_BARE = 0.3  # quantile of the weight along a line that is its own, without writing
_SPANS = 12  # spans of a line in which that quantile is taken
_HEAVY = 1.6  # times its own weight: a line with a stroke along it
_STROKE = 8  # pixels: least length of such a stroke
_CROSSED = 2.2  # times its own weight: a line crossed by a stroke
_DARKER = 35  # gray levels below the lines at a crossing of lines: ink
_GAP = 12  # longest piece that is left of a line: width / this
_OUTSIDE, _AS_DARK = 0.2, 20  # share of a piece beside its line; gray levels darker than that
_THINNER = 0.8  # of the thickness of the line: pieces are thinner, bars of writing are not

_CUT_OUT = 600  # pixels of the shorter side: smaller images are crops of one formula
_STEM = 50  # gray levels: a line so much darker than the others is a stem
_TALLEST = 300  # pixels: largest length of stems in large writing
_TINY = 200  # pixels of the longer side: in smaller images strokes are as thin as lines
_GRID = 5, 3  # least number of lines of a crop's paper: short lines, crossed by stems; long ones
_AT_EVEN = 0.7  # least share of even distances between such lines
_FAINTER = 0.7, 200  # or largest share of the ink's darkness, and least length in pixels

_GRAIN = 15  # gray levels: fainter than this is paper
_LIGHTER = 0.6  # of the ink's darkness: pieces of printed lines are lighter
_PIECE = 110  # least length of such a piece: longer side of the page / this
_MANY = 6  # times the longer side: least total length of such pieces
_MORE = 1.5  # the same on a page where other lines were found
_CLOSED = 3  # times its pixels: more has no image after a closing by three of them


@dataclass
class _Chain:
    """Collinear pieces from left to right: their ends, slope, total and largest length."""

    ends: list[tuple[float, float]]
    slope: float
    covered: int
    longest: int

    def crosses(self, width: int, unbroken: int = _UNBROKEN, reach: float = _REACH) -> bool:
        """Whether the pieces are a line across a page of this width."""
        return (
            self.covered >= _COVERED * width
            and self.ends[-1][0] - self.ends[0][0] >= reach * width
            and self.longest >= width / unbroken
        )

    def path(self, width: int) -> Path:
        """The height at each column, from one side of the page to the other, (W,)."""
        (x0, y0), (x1, y1) = self.ends[0], self.ends[-1]
        first, last = (0.0, y0 - self.slope * x0), (float(width), y1 + self.slope * (width - x1))
        x, y = zip(*sorted([first, *self.ends, last]), strict=True)
        return np.interp(np.arange(width), x, y)


@dataclass(frozen=True)
class _Line:
    """A line across an image: its mean height, gray level and, where nothing is written on it, the
    top row, (N,), of its ``thick`` pixels in each of N columns."""

    height: float
    shade: float
    top: NDArray[np.int64]
    columns: NDArray[np.int64]
    thick: int

    def mark(self, mask: Mask) -> None:
        """Set the line's pixels to 1."""
        rows = (self.top + np.arange(self.thick)[:, None]).clip(0, len(mask) - 1)
        np.put(mask, rows * mask.shape[1] + self.columns, 1)


def remove_rules(image: Pixels, cut_out: bool = False) -> Pixels:
    """The page without its printed horizontal and vertical lines.

    A printed line is thin, straight for longer than any fraction bar, and continues behind the
    writing. Where a stroke crosses it, the line is thicker, and is kept. In a small image, or one
    that is ``cut_out``, bars and stems of the formula cross it too: there, lines must be many and
    evenly spaced, or fainter than the ink.
    ``image`` and the result: (H, W), dark ink on evenly white paper.
    """
    cut_out = cut_out or is_cut_out(image)
    if max(image.shape) < _TINY:
        return image
    across, shade = _rules(image, cut_out)
    down, other = _rules(np.asarray(cv2.transpose(image), dtype=np.uint8), cut_out)
    down = np.asarray(cv2.transpose(down), dtype=np.uint8)
    if not (across.any() or down.any()):
        return remove_faint_rules(image, _MANY)
    reach = 2 * _thickest(image) + 1
    along = cv2.dilate(across, np.ones((1, reach), np.uint8))
    upright = cv2.dilate(down, np.ones((reach, 1), np.uint8))
    crossings = np.asarray(cv2.bitwise_and(along, upright), dtype=np.uint8)
    crossings[image <= min(shade, other) - _DARKER] = 0
    cleaned = image | 255 * (across | down | crossings)
    _remove_remains(cleaned, image, across, shade)
    _remove_remains(cleaned.T, image.T, np.asarray(down.T), other)
    return remove_faint_rules(cleaned, _MORE)


def is_cut_out(image: Pixels) -> bool:
    """Whether an image is so small that `remove_rules` takes it for ``cut_out``."""
    return min(image.shape) < _CUT_OUT


def _remove_remains(image: Pixels, before: Pixels, across: Mask, shade: float) -> None:
    """Paint over what is left of horizontal lines: flat, thinner than they are and no darker.

    ``image``, (H, W), is changed; ``across`` marks the lines of this ``shade``, which were removed
    from what it was ``before``.
    """
    if not across.any() or shade > 255 - _GRAIN:
        return
    reach = _thickest(image)
    thick = float((before[across > 0] < (255 + shade) / 2).mean()) * (2 * reach + 1)
    ink = np.ascontiguousarray(image < (255 + shade) / 2).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    gap = np.ones((1, image.shape[1] // _GAP | 1), np.uint8)
    near = cv2.morphologyEx(np.ascontiguousarray(across), cv2.MORPH_CLOSE, gap)
    near = cv2.dilate(near, np.ones((2 * reach + 1, 1), np.uint8))  # lines are not quite straight
    outside = np.bincount(labels[near == 0], minlength=count)
    darkest = np.full(count, 255, np.uint8)
    inside = ink > 0
    np.minimum.at(darkest, np.asarray(labels, np.int32)[inside], image[inside])
    area, width = stats[:, cv2.CC_STAT_AREA], stats[:, cv2.CC_STAT_WIDTH]
    flat = (stats[:, cv2.CC_STAT_HEIGHT] <= 2 * reach) & (area <= _THINNER * thick * width)
    remains = flat & (outside <= _OUTSIDE * area) & (darkest >= shade - _AS_DARK)
    remains[0] = False
    soft = cv2.dilate(remains[labels].astype(np.uint8), np.ones((5, 3), np.uint8)) > 0
    image[soft & (remains[labels] | (ink == 0))] = 255


def remove_faint_rules(image: Pixels, many: float) -> Pixels:
    """The page without straight pieces, horizontal or vertical, that are much fainter than its ink.

    A light line on a photo is broken into many pieces. They are kept if their total length is less
    than ``many`` times the longer side. ``image`` and the result: as above.
    """
    shade = np.asarray(cv2.bitwise_not(image), dtype=np.uint8)
    some = shade[::3, ::3]
    some = some[some > 4 * _GRAIN]
    if not len(some):
        return image
    least = math.ceil(_LIGHTER * np.percentile(some, 90))
    bold = np.asarray(cv2.inRange(shade, np.array(least), np.array(255)), dtype=np.uint8)
    faint = np.asarray(cv2.inRange(shade, np.array(_GRAIN + 1), np.array(least - 1)), np.uint8)
    faint &= _far(bold, 3)
    thin = faint & _far(bold, 5)  # without the soft edges of strokes
    longest = max(image.shape)
    if _CLOSED * cv2.countNonZero(thin) <= many * longest:
        return image
    thin &= np.bitwise_not(cv2.morphologyEx(thin, cv2.MORPH_OPEN, np.ones((6, 6), np.uint8)))
    pieces = np.zeros(image.shape, np.uint8)
    for turn in (1, -1):  # across, and down
        along = np.ones((1, longest // _PIECE + 1)[::turn], np.uint8)
        joined = cv2.morphologyEx(thin, cv2.MORPH_CLOSE, np.ones((3, 1)[::turn], np.uint8))
        found = cv2.morphologyEx(joined, cv2.MORPH_OPEN, along)
        if cv2.countNonZero(found) > many * longest:
            ends = cv2.dilate(found, np.ones((3, 9)[::turn], np.uint8))  # and their soft edges
            pieces |= np.asarray(ends, np.uint8)
    return np.asarray(image | (pieces & faint), dtype=np.uint8)


def _far(mask: Mask, size: int) -> Mask:
    """255 where no pixel of a mask of 0 and 255 is in a square of this size around."""
    near = cv2.dilate(mask, np.ones((size, size), np.uint8))
    return np.asarray(cv2.bitwise_not(near), dtype=np.uint8)


def _thickest(image: Pixels) -> int:
    return max(4, round(max(image.shape) / _THICKEST))


def _rules(image: Pixels, cut_out: bool) -> tuple[Mask, float]:
    """Mask of the horizontal lines, and their gray level.

    Faint lines pass the first threshold only. Dark ones have soft edges and their true thickness
    at the second, which also separates adjacent lines.
    """
    across, found = np.zeros_like(image), list[_Line]()
    paths, count = list[Path](), -1
    for faint in _FAINT:
        left = np.where(across, 255, image).astype(np.uint8) if across.any() else image
        before, count = count, int(np.count_nonzero(left < 255 - faint))
        if count == before and not paths:  # the same ink, in which there was no line
            continue
        paths = _paths(left, faint, _REACH if cut_out else _ACROSS)
        lines = [_line(left, path) for path in paths]
        for line in lines:
            line.mark(across)
        found += lines
    if cut_out:
        return _of_paper(image, [line for line in found if len(line.top)])
    return across, min((line.shade for line in found), default=255.0)


def _of_paper(image: Pixels, found: list[_Line]) -> tuple[Mask, float]:
    """The lines of a crop's paper, without much darker ones (stems); and their gray level."""
    across, usual = np.zeros_like(image), float(np.median([line.shade for line in found] or 255))
    if image.shape[1] < _TALLEST:
        found = [line for line in found if line.shade >= usual - _STEM]
    found = [line for line in found if line.shade < 255 - _GRAIN]  # others are nowhere bare
    shade = min((line.shade for line in found), default=255.0)
    if not _is_paper(image, [line.height for line in found], shade):
        return across, 255.0
    for line in found:
        line.mark(across)
    return across, shade


def _is_paper(image: Pixels, heights: list[float], shade: float) -> bool:
    """Whether lines across a crop belong to its paper, and are no bars of a formula."""
    if not heights:
        return False
    share, length = _FAINTER
    fewest = _GRID[image.shape[1] >= length]
    if len(heights) >= fewest:
        gaps = np.diff(np.sort(heights))
        steps = gaps[gaps > _thickest(image)]
        if len(steps) >= fewest - 1:
            steps = steps / np.median(steps)
            even = np.abs(steps - np.maximum(np.rint(steps), 1)) <= _EVEN
            if even.mean() >= _AT_EVEN:
                return True
    dark = 255.0 - image
    ink = dark[dark > 4 * _GRAIN]
    usual = float(np.percentile(ink, 90)) if len(ink) else 0.0
    return image.shape[1] >= length and 255 - shade < share * usual


def _paths(image: Pixels, faint: int, few: float) -> list[Path]:
    """The y, (W,) each, of lines at least ``faint`` levels below the paper; few reach ``few``."""
    ink = np.asarray(cv2.threshold(image, 254 - faint, 1, cv2.THRESH_BINARY_INV)[1], np.uint8)
    reach, width = _thickest(image) + 1 | 1, image.shape[1]  # odd: OpenCV shifts even openings
    upright = np.ones((reach, 1), np.uint8)
    there, thin = _around(ink, reach), np.zeros_like(image)
    thin[there] = ink[there] - cv2.morphologyEx(ink[there], cv2.MORPH_OPEN, upright)
    found = [c.path(width) for c in _crossing(_chains(*_pieces(thin, width)), width, few)]
    return found + _hidden(found, thin)


def _line(image: Pixels, path: Path) -> _Line:
    """The line along a path; writing along or across it makes it heavier than usual."""
    height, width = image.shape
    x, reach = np.arange(width), _thickest(image)
    first = path.round().astype(np.int64) - 2 * reach
    rows = first + np.arange(4 * reach + 1)[:, None]
    band = 255 - image[rows.clip(0, height - 1), x].astype(np.float32)
    band[(rows < 0) | (rows >= height)] = 0
    seen = cv2.blur(band, (_SMOOTH, 1))[reach:-reach]
    middle = reach + seen.argmax(0)
    rows = middle + np.arange(-reach, reach + 1)[:, None]
    heavy = band[rows, x].sum(0)
    usual = _usual(heavy)
    written = (heavy > _HEAVY * usual).astype(np.uint8)[None]
    written = cv2.morphologyEx(written, cv2.MORPH_OPEN, np.ones((1, _STROKE), np.uint8))[0]
    bare = (written == 0) & (heavy <= _CROSSED * usual)
    shade = 255 - float(np.median(band[middle, x][bare])) if bare.any() else 255.0
    top = (first + middle - reach)[bare]
    return _Line(float(path.mean()), shade, top, x[bare], 2 * reach + 1)


def _usual(heavy: NDArray[np.float32]) -> NDArray[np.float64]:
    """The usual weight of a line without writing, (W,), which varies along it."""
    bold = heavy > 3 * _GRAIN
    there = bold if bold.sum() >= _COVERED * len(bold) else heavy > _GRAIN  # one pixel, pale
    if not there.any():
        return np.zeros(len(heavy))
    whole = _bare(heavy[there])
    spans = zip(np.array_split(heavy, _SPANS), np.array_split(there, _SPANS), strict=True)
    near = [_bare(span[own]) if own.any() else whole for span, own in spans]
    middles = (np.arange(_SPANS) + 0.5) * len(heavy) / _SPANS
    return np.interp(np.arange(len(heavy)), middles, np.clip(near, whole / 2, 2 * whole))


def _bare(heavy: NDArray[np.float32]) -> float:
    """The quantile _BARE; ``np.quantile`` takes many times as long for few values."""
    at = _BARE * (len(heavy) - 1)
    ordered = np.sort(heavy)[int(at) : int(at) + 2]
    return float(ordered[0] + (at - int(at)) * (ordered[-1] - ordered[0]))


def _pieces(thin: Mask, width: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Connected components that are long and flat."""
    rows, columns = _around(thin, 9)
    linked = cv2.morphologyEx(thin[rows, columns], cv2.MORPH_CLOSE, np.ones((3, 9), np.uint8))
    linked = cv2.morphologyEx(linked, cv2.MORPH_OPEN, np.ones((1, 15), np.uint8))
    linked = cv2.morphologyEx(linked, cv2.MORPH_CLOSE, np.ones((3, 5), np.uint8))
    _, found, stats, _ = cv2.connectedComponentsWithStats(linked, connectivity=8)
    labels = np.zeros(thin.shape, np.int32)
    labels[rows, columns] = found
    stats[:, :2] += (columns.start, rows.start)
    long = stats[:, cv2.CC_STAT_WIDTH] >= width / _SHORTEST
    flat = stats[:, cv2.CC_STAT_HEIGHT] <= 4 + stats[:, cv2.CC_STAT_WIDTH] / 12
    stats = np.where((long & flat)[:, None], stats, 0)
    return labels, np.asarray(stats, np.int32)


def _around(mask: Mask, margin: int) -> tuple[slice, slice]:
    """The rows and columns of a mask that hold all that is not 0, and a margin."""
    x, y, width, height = cv2.boundingRect(mask)
    left, top = max(0, x - margin), max(0, y - margin)
    return slice(top, y + height + margin), slice(left, x + width + margin)


def _chains(labels: NDArray[np.int32], stats: NDArray[np.int32]) -> list[_Chain]:
    """The pieces, chained with those that they continue."""
    order = np.argsort(stats[:, 0])
    candidates = order[(order > 0) & (stats[order, cv2.CC_STAT_WIDTH] > 0)].tolist()
    least = max(labels.shape[1], 2 * _CUT_OUT) / _LONG
    chains: list[_Chain] = []
    tails = np.zeros((len(candidates), 4))  # of each chain: x, y of its end, slope, longest piece
    for index in candidates:
        x0, _, w, _, _ = stats[index].tolist()
        left, right = _ends(labels, stats, index)
        slope, ends = (right - left) / max(w, 1), [(float(x0), left), (float(x0 + w), right)]
        x, y, slopes, longest = tails[: len(chains)].T
        gap = x0 - x
        off = np.abs(y + slopes * gap - left)
        bend = np.where(np.minimum(w, longest) >= least, _BEND, _STRAY)
        off[(gap <= -w / 2) | (off > 3 + bend * np.abs(gap))] = math.inf
        best = int(off.argmin()) if np.isfinite(off).any() else len(chains)
        if best == len(chains):
            chains.append(_Chain(ends, slope, w, w))
        else:
            chain = chains[best]
            total = chain.covered + w
            chain.slope = (chain.slope * chain.covered + slope * w) / total
            chain.ends += ends
            chain.covered, chain.longest = total, max(chain.longest, w)
        tails[best] = (*ends[1], chains[best].slope, chains[best].longest)
    return chains


def _crossing(chains: list[_Chain], width: int, few: float) -> list[_Chain]:
    """The chains across; if they are few, only those with a long piece that reach ``few``."""
    found = [chain for chain in chains if chain.crosses(width)]
    least = (_BROKEN, _REACH) if len(found) >= _OTHERS else (_WHOLE, few)
    return [chain for chain in chains if chain.crosses(width, *least)]


def _hidden(paths: list[Path], thin: Mask) -> list[Path]:
    """Further lines between these, by even spacing, where thin ink follows them."""
    if len(paths) < _OTHERS:
        return []
    heights = np.stack(paths)
    heights = heights[heights.mean(1).argsort()]
    gaps = np.diff(heights.mean(1))
    spacing = max(float(np.median(gaps)), 1.0)
    near = cv2.dilate(thin, np.ones((5, 1), np.uint8))
    found = []
    for above, below, gap in zip(heights, heights[1:], gaps, strict=False):
        count = round(gap / spacing)
        if count < 2 or abs(gap / spacing - count) > _EVEN:
            continue
        for share in np.arange(1, count) / count:
            path = above + share * (below - above)
            rows = path.round().astype(np.int64).clip(0, len(thin) - 1)
            if near[rows, np.arange(len(path))].mean() >= _COVERED:
                found.append(path)
    return found


def _ends(labels: NDArray[np.int32], stats: NDArray[np.int32], index: int) -> tuple[float, float]:
    """The y of the left and the right end of a piece."""
    x, y, w, h, _ = stats[index].tolist()
    rows = np.arange(y, y + h)
    sides = labels[y : y + h, x : x + min(w, 8)], labels[y : y + h, max(x, x + w - 8) : x + w]
    left, right = ((side == index).sum(1) for side in sides)
    return float(rows @ left / max(left.sum(), 1)), float(rows @ right / max(right.sum(), 1))
