"""Removes the rings and holes of a spiral binding along a side of a sheet.

Input and output: (H, W), dark ink on evenly white paper. Method: connected components of equal size
and shape that stand on one straight line in even distances along most of the image, and reach
further to both ends than the writing, which is on one side of it. A column of zeros or of signs is
as even, and ends where its table does. The printed lines of the sheet are no writing: they end
where it does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.clean.ruled_lines import remove_rules
from hmer_cli.page.load.images import Pixels, shrunk

_STUDIED = 1000  # pixels of the longer side
_SMALLEST = 200  # pixels of the shorter side: smaller images are crops
_DARK = 190  # gray levels: threshold of ink, as in `borders`
_RING = 4, 0.05  # pixels, and of the longer side: least and largest size of a hole with its ring
_FEWEST, _SPAN = 12, 0.6  # holes; of the side: distance from the first to the last
_STEEPEST, _STEP = 12, 0.5  # degrees: slopes that are tried
_OFF = 4  # pixels: largest distance of a middle from the line, on either side
_ALIKE, _MOST = 0.3, 0.8  # largest deviation of sizes and distances; share that has no more
_SHAPE, _CELLS = 0.8, (8, 8)  # least likeness to the mean shape, as drawn in so many cells
_AROUND = 1.5, 2.0  # sizes of a hole: what is so near to the line, and no larger, is a ring of it
_WITHIN = 0.9  # of all other ink: least share that is on one side of the line
_FURTHER, _STRAY = 0.5, 0.01  # of a distance: that the row is longer than other ink, but so much


class _Binding(NamedTuple):
    """The components of its ``row``, and which of all belong to its ``rings``, (N,)."""

    row: list[int]
    rings: NDArray[np.bool_]


def remove_spirals(image: Pixels) -> Pixels:
    """The page without the rings of its binding; ``image`` and the result: (H, W)."""
    if min(image.shape) < _SMALLEST:
        return image
    small = shrunk(image, _STUDIED)
    bare = remove_rules(small)
    for seen in (small, bare):  # printed lines join rings
        dark, gone = _rings(seen, bare)
        if gone.any():
            break
    else:
        return image
    soft = cv2.dilate(gone.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    mask = (soft & ~((dark > 0) & ~gone)).astype(np.uint8)
    there = cv2.resize(mask, image.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return np.where(there > 0, 255, image).astype(np.uint8)


def _rings(small: Pixels, bare: Pixels) -> tuple[Pixels, NDArray[np.bool_]]:
    """1 where a page is dark, and the mask of the rings there; ``bare`` is it without its lines."""
    dark = (small < _DARK).astype(np.uint8)
    count, marks, table, places = cv2.connectedComponentsWithStats(dark, connectivity=8)
    labels, stats = np.asarray(marks, np.int32), np.asarray(table, np.int32)
    middles, area = np.asarray(places, np.float64), stats[:, cv2.CC_STAT_AREA]
    size = stats[:, 2:4].max(1).astype(np.float64)
    size[0] = 0
    written = np.bincount(labels[bare < _DARK], minlength=count)
    gone = np.zeros(count, bool)
    for across, side in zip((middles, middles[:, ::-1]), dark.shape, strict=True):
        found = _binding(across, size, area, written, side)
        if found is not None and _are_alike([labels[_box(stats[i])] == i for i in found.row]):
            gone |= found.rings
    return dark, np.asarray(gone[labels], np.bool_)


def _binding(
    places: NDArray[np.float64],
    size: NDArray[np.float64],
    area: NDArray[np.int32],
    written: NDArray[np.int64],
    side: int,
) -> _Binding | None:
    """The components on an upright line that are even; None where there is none.

    ``places`` (N, 2) are middles, x across the line and y along it, on a ``side`` so long;
    ``written`` is the area of each without printed lines.
    """
    rings = np.flatnonzero((size >= _RING[0]) & (size <= _RING[1] * side))
    if len(rings) < _FEWEST:
        return None
    for slope, on in _lines(places[rings]):
        row = rings[on][np.argsort(places[rings[on], 1])]
        if not _is_even(places[row, 1], size[row], area[row], side):
            continue
        across = places[:, 0] - slope * places[:, 1]
        off, usual = across - np.median(across[row]), float(np.median(size[row]))
        found = (np.abs(off) <= _AROUND[0] * usual) & (size <= _AROUND[1] * usual)
        found[0] = False
        rest = ~found & (written > 0)
        rest[0] = False
        beyond = float(written[rest & (off > 0)].sum()), float(written[rest & (off < 0)].sum())
        if max(beyond) < _WITHIN * sum(beyond) or not rest.any():
            continue
        if _is_longer(places[row, 1], places[rest, 1], written[rest]):
            return _Binding(row.tolist(), found)
    return None


def _lines(places: NDArray[np.float64]) -> Iterator[tuple[float, NDArray[np.bool_]]]:
    """The slopes, dx by dy, with what stands on the fullest line of each, the fullest first."""
    found = []
    for angle in np.arange(-_STEEPEST, _STEEPEST + _STEP / 2, _STEP):
        slope = float(np.tan(np.radians(angle)))
        across = places[:, 0] - slope * places[:, 1]
        order = np.sort(across)
        counts = np.searchsorted(order, order + 2 * _OFF, "right") - np.arange(len(order))
        best = int(counts.argmax())
        if counts[best] >= _FEWEST:
            on = (across >= order[best]) & (across <= order[best] + 2 * _OFF)
            found.append((int(counts[best]), slope, on))
    for _, slope, on in sorted(found, key=lambda each: -each[0])[:5]:
        yield slope, on


def _is_even(
    y: NDArray[np.float64], size: NDArray[np.float64], area: NDArray[np.int32], side: int
) -> bool:
    """Whether a row of components is long, of one size, and in even distances."""
    if y[-1] - y[0] < _SPAN * side:
        return False
    return all(
        float((np.abs(each / np.median(each) - 1) <= _ALIKE).mean()) >= _MOST
        for each in (size, area, np.maximum(np.diff(y), 1e-9))
    )


def _is_longer(
    row: NDArray[np.float64], rest: NDArray[np.float64], area: NDArray[np.int64]
) -> bool:
    """Whether a row reaches further than the rest at both of its ends."""
    order = np.argsort(rest)
    ink = area[order].cumsum() / area.sum()
    begin, end = rest[order[np.searchsorted(ink, (_STRAY, 1 - _STRAY))]]
    further = _FURTHER * float(np.median(np.diff(row)))
    return bool(row[0] + further <= begin and end <= row[-1] - further)


def _box(stats: NDArray[np.int32]) -> tuple[slice, slice]:
    x, y, width, height = stats[:4].tolist()
    return slice(y, y + height), slice(x, x + width)


def _are_alike(shapes: Sequence[NDArray[np.bool_]]) -> bool:
    """Whether most of these masks have the same shape, as digits have not."""
    drawn = [cv2.resize(s.astype(np.float32), _CELLS, interpolation=cv2.INTER_AREA) for s in shapes]
    cells = np.stack(drawn)
    off = np.abs(cells - cells.mean(0)).mean((1, 2))
    return float((1 - off >= _SHAPE).mean()) >= _MOST
