"""Which boxes of a page are near each other: pairs without an N x N table.

Input: N boxes (x0, y0, x1, y1). Output: blocks of rows with the boxes that can be near them.
Method: boxes sorted by their top are taken in blocks, and only boxes within a reach above or below
a block are compared with it (a one-dimensional grid, sufficient for pages, whose lines are short).
Memory is flat, time is N times the boxes of a few lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.detect.integral import Floats

Indices = NDArray[np.int64]

Relation = Callable[[Indices, Indices], NDArray[np.bool_]]
"""(R,) and (C,) indices of boxes to an (R, C) table: whether they are related."""

_BLOCK = 256  # rows compared at once; convention


def blocks(boxes: Floats, reach: float) -> Iterator[tuple[Indices, Indices]]:
    """Blocks of indices, and the indices, ascending, of all boxes whose distance down the page
    from one of the block is at most ``reach``."""
    order = np.argsort(boxes[:, 1], kind="stable").astype(np.int64)
    for start in range(0, len(order), _BLOCK):
        rows = order[start : start + _BLOCK]
        yield rows, within(boxes, rows, reach)


def within(boxes: Floats, rows: Indices, reach: float) -> Indices:
    """The indices of the boxes no further above or below all of the rows than ``reach``."""
    top, foot = boxes[rows, 1].min() - reach, boxes[rows, 3].max() + reach
    return np.flatnonzero((boxes[:, 3] >= top) & (boxes[:, 1] <= foot))


def gaps(boxes: Floats, others: Floats) -> tuple[Floats, Floats]:
    """White between boxes across and down, (R, C) each; negative where they overlap."""
    # One axis at a time: NumPy is slow where the last axis has two elements.
    across, down = (
        np.maximum.outer(boxes[:, axis], others[:, axis])
        - np.minimum.outer(boxes[:, axis + 2], others[:, axis + 2])
        for axis in range(2)
    )
    return across, down


def related(boxes: Floats, relation: Relation, reach: float) -> tuple[Indices, Indices]:
    """All pairs of related boxes; those further apart down the page than ``reach`` never are."""
    found = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
    for rows, columns in blocks(boxes, reach):
        row, column = np.nonzero(relation(rows, columns))
        found.append((rows[row], columns[column]))
    return np.concatenate([r for r, _ in found]), np.concatenate([c for _, c in found])


def connected(count: int, rows: Indices, columns: Indices) -> list[Indices]:
    """The connected sets of ``count`` items under a symmetric relation given by its pairs.

    Each ascending, in the order of their first items.
    """
    label = labels(count, rows, columns)
    order = np.argsort(label, kind="stable")
    ends = np.flatnonzero(np.diff(label[order])) + 1
    return np.split(order, ends) if count else []


def labels(count: int, rows: Indices, columns: Indices) -> Indices:
    """The first item of the connected set of each of ``count`` items, (N,).

    ``rows`` and ``columns`` are the pairs of a symmetric relation. Method: the least label is
    passed on along all pairs, with pointer jumping, until nothing changes.
    """
    label = np.arange(count)
    while True:
        before = label.copy()
        np.minimum.at(label, rows, label[columns])
        label = label[label]
        if (label == before).all():
            return label
