"""Boxes that a person drew on a page -> regions, trimmed to their ink.

Input: a page, boxes in pixels of its image. Output: a `Region` a box, whose lines are those beside
a brace, and what stands before it, where all that a box holds is such a system: drawn or found, it
is read the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hmer_cli.errors import InputError
from hmer_cli.geometry import Box, shift
from hmer_cli.page.clean.pale_writing import with_pale_writing
from hmer_cli.page.ink_box import ink_box
from hmer_cli.page.load.images import Pixels
from hmer_cli.page.load.pages import Page
from hmer_cli.page.regions import Preparations, Region, cut_region, find_system

_ROOM = 4  # pixels round a system that its soft edges may take # convention


def cut_out(page: Page, boxes: Sequence[Box]) -> list[Region | None]:
    """The regions that a person drew boxes round; None where there is no ink."""
    image = page.bare if boxes else page.image
    if boxes and not page.redrawn:
        image, shown = with_pale_writing(image, page.image)
        page = replace(page, image=shown)
    height, width = image.shape
    found: list[Region | None] = []
    for x0, y0, x1, y1 in boxes:
        left, top = max(0, int(x0)), max(0, int(y0))
        right, foot = min(width, int(np.ceil(x1))), min(height, int(np.ceil(y1)))
        inside = image[top:foot, left:right]
        ink = ink_box(inside) if inside.size else None
        if ink is None:
            found.append(None)
            continue
        region = cut_region(page, image, shift(ink, left, top), 0)
        system = _system(page, image, (left, top, right, foot))
        if system is not None:
            region = replace(region, lines=system.lines, before=system.before)
        found.append(region)
    return found


def _system(page: Page, image: Pixels, box: tuple[int, int, int, int]) -> Region | None:
    """The system of equations that is all the ink in a box; else None."""
    alone = replace(page, image=_only(page.image, box))
    try:
        systems = find_system(alone, Preparations())
    except InputError:  # too full to be searched
        return None
    for system in systems:
        x0, y0, x1, y1 = (int(edge) for edge in system.place)
        rest = _only(image, box)
        rest[max(0, y0 - _ROOM) : y1 + _ROOM, max(0, x0 - _ROOM) : x1 + _ROOM] = 255
        if ink_box(rest) is None:
            return system
    return None


def _only(image: Pixels, box: tuple[int, int, int, int]) -> Pixels:
    """An image of the same size with what is in a box, (H, W)."""
    left, top, right, foot = box
    alone = np.full_like(image, 255)
    alone[top:foot, left:right] = image[top:foot, left:right]
    return alone
