"""Positions of the cells of a matrix, from the boxes of their contents.

Input: boxes of the cells, in x heights. Output: row, column and shift (x, y) of each.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from hmer_cli.geometry import Box
from hmer_cli.synthesis.layout_statistics import LayoutStyle

_AXIS = -0.5
"""The middle of a matrix above the baseline, in x heights."""

_LEAST = 0.6
"""The least gap between cells, in x heights: letters of one cell are nearer to each other."""

_EMPTY = (0.0, -1.0, 0.0, 0.0)


def arrange(
    cells: Sequence[Sequence[Box]], style: LayoutStyle, name: str
) -> Iterator[tuple[tuple[int, int], float, float]]:
    """Row, column and shift (x, y) of every cell; boxes and shifts in x heights.

    Columns are left-aligned in ``cases`` and in a fifth of all other grids, else centred; rows are
    aligned on their baselines, with jitter, which leaves a column clear of the one before.
    """
    normal = style.rng.normal
    boxes = [
        [box if box[2] > box[0] or box[3] > box[1] else _EMPTY for box in row] for row in cells
    ]
    columns = max(len(row) for row in boxes)
    widths = [max(b[2] - b[0] for row in boxes for b in row[c : c + 1]) for c in range(columns)]
    left = name == "cases" or style.rng.random() < 0.2
    space = max(float(normal(1.1, 0.35)), _LEAST)
    leading = max(float(normal(0.6, 0.2)), 0.3)
    baselines = _baselines(boxes, leading)
    for r, row in enumerate(boxes):
        x, end = 0.0, -math.inf
        for c, box in enumerate(row):
            free = 0.0 if left else (widths[c] - (box[2] - box[0])) / 2
            jitter = normal(0, (0.1, 0.06))
            start = max(x + free + float(jitter[0]), end + _LEAST)
            yield (r, c), start - box[0], baselines[r] + float(jitter[1])
            end = start + box[2] - box[0]
            x += widths[c] + space


def _baselines(boxes: Sequence[Sequence[Box]], leading: float) -> list[float]:
    """The y of the rows' baselines, so that the middle of all lies on the axis."""
    baselines: list[float] = []
    end = 0.0
    for row in boxes:
        top, bottom = min(box[1] for box in row), max(box[3] for box in row)
        baselines.append(end - top)
        end += bottom - top + leading
    shift = _AXIS - (end - leading) / 2
    return [y + shift for y in baselines]
