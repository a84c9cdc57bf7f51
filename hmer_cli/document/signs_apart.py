"""Ink in no region of a page that has no words -> regions of what may be mathematics all the same.

Input: a page and the regions that were found on it. Output: regions of single signs, and of a few
in another hand, which are too little for the search. Method: parts of the size of signs, as dark
as what is read, whose surroundings meet are one region.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hmer_cli.geometry import Box, bounding_box, inside_of, iou_table
from hmer_cli.page.detect.components import PART_COLUMNS
from hmer_cli.page.detect.integral import Floats
from hmer_cli.page.detect.neighbours import connected
from hmer_cli.page.detect.search import PreparedPage
from hmer_cli.page.load.pages import Page
from hmer_cli.page.regions import Region
from hmer_cli.page.text_regions import region_of

# Chosen on drawn sheets of expressions of CROHME's training set, and on field.
_FEWEST = 2  # regions: what is beside a single expression or a system is cut off
_AS_DARK = 0.7  # of the ink that is read: no shadow of a fold
_SIGN = 0.4, 0.6, 12.0  # letter heights: least of both sides of a sign, least and most of one
_AROUND = 0.5  # of its longer side: the surroundings of a part
_MOST = 40  # parts: more are a drawing


def signs_apart(page: Page, found: PreparedPage, regions: Sequence[Region]) -> list[Region]:
    """The regions of signs that stand by themselves."""
    if len(regions) < _FEWEST or any(region.lines for region in regions):
        return []
    parts = found.parts.boxes * found.scale
    read = inside_of(parts, [region.place for region in regions])
    if not read.any():
        return []
    dark = found.parts.features[:, PART_COLUMNS.index("darkness")]
    drawn = dark >= _AS_DARK * np.median(dark[read])
    boxes = groups_of_signs(parts[drawn & ~read], found.parts.unit * found.scale)
    return [region_of(page, found, box) for box in boxes if not page.is_cut_off(box)]


def groups_of_signs(free: Floats, unit: float) -> list[Box]:
    """The boxes round groups of parts, (N, 4), a sign at least in each; none where parts are too
    many for signs. What is too large for one is left out, with what it touches or holds."""
    thick, least, most = (size * unit for size in _SIGN)
    free = free[_sides(free).max(1, initial=0) >= least]
    large = _sides(free).max(1, initial=0) > most
    free = free[~large & ~(iou_table(_around(free), free[large]) > 0).any(1)]
    if not 0 < len(free) <= _MOST:
        return []
    sides, around = _sides(free), _around(free)
    groups = connected(len(free), *np.nonzero(iou_table(around, around) > 0))
    signs = [group for group in groups if sides[group].min(1).max() >= thick]  # no bars alone
    return [bounding_box(free[group]) for group in signs]


def _around(boxes: Floats) -> Floats:
    """The surroundings of parts."""
    reach = _AROUND * _sides(boxes).max(1, initial=0)
    return boxes + np.array([-1, -1, 1, 1], np.float32) * reach[:, None]


def _sides(boxes: Floats) -> Floats:
    return boxes[:, 2:] - boxes[:, :2]
