"""Lines of a drawing that are pieces of one stroke, or the lines of the paper.

Input: `Painted` lines in the order of drawing. Output: whole strokes. Method: a line goes on where
the one before it in another element ended, as programs write that draw each piece as wide as the
pen was pressed there; level lines of two points and one length that span the page are printed, and
so are dots that are alike and stand in rows and columns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import replace

import numpy as np

from hmer_cli.geometry import Box
from hmer_cli.ink.painted import Painted

_TOUCHING = 0.05  # widths of the pen between two pieces of a stroke; convention
_SPAN, _RULES, _LEVEL = 0.6, 3, 1e-3  # of the page; lines of one length; as in PDF
_DOTS, _DOT = 20, 2.0  # least number of dots of a paper; their size, in widths of their line,
_TINY, _SAME = 0.02, 1e-4  # or in parts of all that is drawn; how far they are from their rows
_ROWS, _PLACES = 4, 3.0  # least number of rows and of columns; most crossings of them to a dot
_PIECES = 3  # in a row: two lines may begin where the other ends, as two strokes do


def whole(painted: Sequence[Painted], elements: Sequence[int], page: Box | None) -> list[Painted]:
    """The strokes; ``elements`` are the numbers of those that drew the lines."""
    return _without_dots(_without_rules(_joined(painted, elements), page))


def _joined(items: Sequence[Painted], owners: Sequence[int]) -> list[Painted]:
    """Runs of lines that go on where the one before them ended, as one each."""
    runs: list[list[Painted]] = []
    for number, item in enumerate(items):
        other = number > 0 and owners[number] != owners[number - 1]
        if other and _goes_on(items[number - 1], item):
            runs[-1].append(item)
        else:
            runs.append([item])
    return [item for run in runs for item in ([_as_one(run)] if _is_one(run) else run)]


def _is_one(run: Sequence[Painted]) -> bool:
    """Whether lines are pieces of one stroke: some in a row, or of different widths."""
    return len(run) >= _PIECES or (len(run) == 2 and run[0].width != run[1].width)


def _goes_on(last: Painted, item: Painted) -> bool:
    if last.fill is not None or item.fill is not None or last.line != item.line:
        return False
    if last.erases or item.erases or any(each.closed and each.extent > 0 for each in (last, item)):
        return False  # a pen at rest leaves a piece without extent, which is closed
    room = _TOUCHING * max(last.width, item.width)
    return bool(np.abs(last.points[-1] - item.points[0]).max() <= room)


def _as_one(run: Sequence[Painted]) -> Painted:
    points = [run[0].points, *(item.points[1:] for item in run[1:])]
    width = float(np.median([item.width for item in run]))
    return replace(run[0], points=np.concatenate(points), width=width)


def _without_rules(items: Sequence[Painted], page: Box | None) -> list[Painted]:
    """Level and upright lines of two points that span the page and have others of their length."""
    if page is None:
        return list(items)
    size = page[2] - page[0], page[3] - page[1]
    lengths = [_machine_length(item) for item in items]
    alike = Counter(lengths)
    return [
        item
        for item, length in zip(items, lengths, strict=True)
        if length is None
        or alike[length] < _RULES
        or (length[0] < _SPAN * size[0] and length[1] < _SPAN * size[1])
    ]


def _machine_length(item: Painted) -> tuple[float, float] | None:
    """Width and height of a line of two points that is level or upright; else None."""
    if len(item.points) != 2 or item.closed or item.erases:
        return None
    wide, high = np.ptp(item.points, axis=0).round(1).tolist()
    return (wide, high) if min(wide, high) <= _LEVEL * max(wide, high) else None


def _without_dots(items: Sequence[Painted]) -> list[Painted]:
    """What is left without the dots of a paper: many that are alike, in rows and columns."""
    if len(items) < _DOTS:
        return list(items)
    boxes = np.array([item.box for item in items])
    side = float((boxes[:, 2:].max(axis=0) - boxes[:, :2].min(axis=0)).max())
    alike: dict[Hashable, list[int]] = {}
    for number, item in enumerate(items):
        if item.extent <= max(_TINY * side if item.fill is not None else 0, _DOT * item.width):
            size = round(item.extent / max(side, 1e-9), 4)
            alike.setdefault((item.line, item.fill, item.erases, size), []).append(number)
    printed: set[int] = set()
    for numbers in alike.values():
        places = np.round(boxes[numbers, :2] / max(_SAME * side, 1e-9))
        columns, rows = (len(np.unique(places[:, axis])) for axis in (0, 1))
        is_grid = min(columns, rows) >= _ROWS and columns * rows <= _PLACES * len(numbers)
        if len(numbers) >= _DOTS and is_grid:
            printed.update(numbers)
    return [item for number, item in enumerate(items) if number not in printed]
