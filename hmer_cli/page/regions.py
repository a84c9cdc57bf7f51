"""Regions of a page: boxes that hold one expression each, with their images.

Input: a cleaned `Page` and the layout option. Output: `Region` objects in reading order. An image
of one expression has one region, the box of all its ink. Ink in several rows (``detect/rows.py``)
is a page, which is searched (``detect/search.py``) and whose boxes are completed
(``detect/grouping.py``); if nothing is found, it is read as one expression, unless it is prose.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from hmer_cli.errors import InputError, MissingError, UsageError
from hmer_cli.geometry import Box, shift, union
from hmer_cli.ink.render import InkImage, Readable
from hmer_cli.page.clean.blank_paper import is_blank, printed_dots
from hmer_cli.page.clean.blots import remove_blots
from hmer_cli.page.clean.crossed_out import without_crossed_out
from hmer_cli.page.clean.faint import remove_faint, remove_light_specks
from hmer_cli.page.clean.pale_writing import with_pale_writing
from hmer_cli.page.clean.ruled_lines import is_cut_out, remove_rules
from hmer_cli.page.crops import Crops
from hmer_cli.page.detect.bands import cut_into_bands
from hmer_cli.page.detect.detector import shipped
from hmer_cli.page.detect.equations import are_equations, share_of_ink
from hmer_cli.page.detect.grouping import begins_with_brace, complete_rows, join_bracketed
from hmer_cli.page.detect.integral import Floats
from hmer_cli.page.detect.item_numbers import without_item_number
from hmer_cli.page.detect.rows import are_rows, find_rows
from hmer_cli.page.detect.search import (
    FEWEST_PARTS,
    HANDWRITTEN,
    PreparedPage,
    find_boxes,
    in_reading_order,
    is_page,
    prepare_page,
)
from hmer_cli.page.detect.stray_dots import remove_stray_dots
from hmer_cli.page.ink_box import bounding_box, dust_size, has_ink, ink_box, ink_mask
from hmer_cli.page.load.images import Pixels
from hmer_cli.page.load.pages import Page

Layout = Literal["auto", "expression", "page"]
"""How an image is divided; ``auto`` decides by its rows and size."""

_MARGIN = 4
_FEWEST, _LOWEST = 6, 2.2  # parts, and letter heights: less is one row
_MOST_SIGNS = 1_000  # parts of one expression; the fullest of the photos in field has 326
_MOST = 0.85  # of the ink: what is left is a number of an exercise, a dot or a rim
_PROSE = 3  # rows of writing in which no expression was found: these are words


@dataclass(frozen=True)
class Region:
    """``box`` is x0, y0, x1, y1 in pixels of the source, for ink in its units.

    ``image`` is the cut out part of the page with a small margin, (H, W), dark ink on white; its
    top left corner lies at ``origin`` in the page's image. Where its strokes are known, it is to
    be read as ``written``, at the size that suits its signs; the units of that ink are pixels of
    the page's image, unless it is all of the page. ``lines`` are those beside a brace, each to be
    read by itself: a case each; so is what stands ``before`` the brace, as `f(x) =` does, where all
    is one expression.
    """

    box: Box
    image: Pixels
    origin: tuple[int, int] = (0, 0)
    written: InkImage | None = None
    lines: tuple[Region, ...] = ()
    before: Region | None = None

    @property
    def seen(self) -> Readable:
        """Input of the recogniser: ink with strokes if known, else the image."""
        return self.image if self.written is None else self.written

    @property
    def place(self) -> Box:
        """The box of ``image`` in pixels of the page's image."""
        (left, top), (height, width) = self.origin, self.image.shape
        return left, top, left + width, top + height

    def on_page(self, box: Box) -> Box:
        """A box on what is ``seen``, in pixels of the page's image."""
        (x0, y0, x1, y1), (x, y), scale = box, self.origin, 1.0
        if self.written is not None and self.written.image is not self.image:
            (scale, _, x), (_, _, y), _ = self.written.to_ink.tolist()
        return x0 * scale + x, y0 * scale + y, x1 * scale + x, y1 * scale + y

    @property
    def key(self) -> str:
        """SHA-256 of the ink, black or white and trimmed: the same wherever on a page it lies."""
        mask = ink_mask(self.image)
        x0, y0, x1, y1 = bounding_box(mask, dust_size(mask)) or (0, 0, *reversed(mask.shape))
        ink = mask[y0:y1, x0:x1]
        return hashlib.sha256(b"%d %d " % ink.shape + np.packbits(ink).tobytes()).hexdigest()


class Preparations:
    """A page made ready for the search, once; where it is long, each of its bands."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, int], PreparedPage] = {}

    def __call__(self, page: Page, above: int = 0) -> PreparedPage:
        """This page, or a band of it that begins ``above`` so many rows."""
        place = above, len(page.image)
        if place not in self._found:
            self._found[place] = prepare_page(page)
        return self._found[place]

    def needs_no_turn(self, nothing: bool) -> bool:
        """Whether there is more ink apart than on any page of handwriting or, where ``nothing``
        was found in it, less than a row has."""
        counts = [len(found.parts) for found in self._found.values()]
        return max(counts, default=0) > HANDWRITTEN or (nothing and 0 < sum(counts) < _FEWEST)

    def too_pale(self) -> list[Box]:
        """The boxes of signs that are too pale to be read, in pixels of the page."""
        return [
            shift(box, 0, above)
            for (above, _), found in self._found.items()
            for box in found.too_pale
        ]

    def on_page(self, page: Page) -> list[tuple[int, PreparedPage]]:
        """What was made ready, from the top down, each with its first row; in pixels of the page,
        and no more to be searched."""
        whole = 0, len(page.image)
        cut = sorted(place for place in self._found if place != whole)
        if not cut:
            return [(0, found) for found in self._found.values()]
        image = np.full_like(page.image, 255)
        bands = []
        for above, height in cut:
            found = self._found[above, height]
            image[above : above + height] = found.image
            down = np.array([0, above, 0, above], np.float32) / np.float32(found.scale)
            boxes = found.parts.boxes + down
            parts = replace(found.parts, boxes=boxes)
            item = found.item
            if item is not None:
                item = np.pad(item, ((above, 0), (0, 0)), constant_values=255)
            held = replace(found, image=image, parts=parts, sharp=None, item=item)
            bands.append((above, held))
        return bands


def find_regions(
    page: Page, layout: Layout = "auto", prepare: Preparations | None = None
) -> list[Region]:
    """The regions of the page in reading order; none where it holds no ink or, if it is a page
    of notes, no mathematics.

    Where the strokes are known, and are all that a box holds, it is read by them. ``prepare``
    keeps what was made of the page, for others to look at. Raises UsageError for a layout that
    there is not, MissingError where the weights that find regions are not installed, unless all is
    one expression.
    """
    if layout not in get_args(Layout):
        raise UsageError(f"layout {layout!r} is not known", "name auto, expression or page")
    prepare = prepare or Preparations()
    if page.written is not None and not _is_searched(page, layout, prepare):
        return [_all_ink(page, page.written)]
    if not has_ink(page.image):
        return []
    if layout == "expression":
        return find_system(page, prepare) or _whole(page)
    bands = cut_into_bands(page.image)
    if len(bands) > 1:
        return [region for band in bands for region in _in_band(page, *band, prepare)]
    found = prepare(page)
    in_lines = page.redrawn and page.ink is not None and page.ink.in_lines
    asked = layout == "page" or in_lines
    boxes = _searched(page, found) if asked or _may_be_page(found) else []
    searched = asked or is_page(found.parts) or _has_rows(found, boxes)
    nothing = layout == "page" and page.written is None  # is the answer, where nothing is found
    many = len(found.parts) > _MOST_SIGNS
    lines = not searched and not many and are_equations(found.parts)
    looked = many or searched or lines or len(boxes) > 1
    regions = _regions(page, found, boxes) if looked else []
    if many or (searched and (regions or nothing or _has_prose(found))):
        return regions
    if lines and len(regions) > 1:
        return regions
    if any(region.lines for region in regions):
        return regions
    return _whole(page) if page.written is None else [_all_ink(page, page.written)]


def _is_searched(page: Page, layout: Layout, prepare: Preparations) -> bool:
    """Whether a page of nothing but ink is taken for more than one expression."""
    if layout != "auto" or page.ink is None:
        return layout == "page"
    if page.ink.in_lines or len(page.ink) < 2 * _FEWEST:
        return page.ink.in_lines
    parts = prepare(page).parts
    return (len(page.ink) >= FEWEST_PARTS and is_page(parts)) or are_equations(parts)


def _in_band(page: Page, top: int, foot: int, prepare: Preparations) -> list[Region]:
    """The regions between two rows of a long page, by a search at its own resolution."""
    band = page.band(top, foot)
    if not has_ink(band.image):
        return []
    found = prepare(band, top)
    return _regions(page, found, _searched(page, found), top)


def _whole(page: Page) -> list[Region]:
    """All ink as one expression, without the lines of its paper."""
    cut_out = page.bare if is_cut_out(page.image) else remove_rules(page.image, cut_out=True)
    (whole,) = with_pale_writing(cut_out)
    bare = remove_faint(without_crossed_out(remove_blots(whole)))
    bare = remove_stray_dots(without_item_number(remove_light_specks(bare)))
    if is_blank(ink_mask(page.image), ink_mask(bare), dust_size(bare)):
        return []
    box = ink_box(bare)
    if box is None:
        bare, box = page.image, ink_box(page.image)
    return [] if box is None else [cut_region(page, bare, box, _MARGIN)]


def find_system(page: Page, prepare: Preparations) -> list[Region]:
    """The system of equations beside a brace and what stands beside it, where these are nearly all
    ink; else none. What stands before the brace, as `f(x) =` does, is one expression with it.

    Nor is there one where the weights that find regions were left out: an expression is read
    without them.
    """
    found = prepare(page)
    if len(found.parts) > _MOST_SIGNS or not begins_with_brace(found.parts):
        return []
    try:
        regions = _regions(page, found, _searched(page, found))
    except MissingError:
        return []
    if not any(region.lines for region in regions):
        return []
    read = share_of_ink([region.place for region in regions], found.parts, found.scale)
    return _as_one(page, regions, found) if read >= _MOST else []


def _as_one(page: Page, regions: list[Region], found: PreparedPage) -> list[Region]:
    """The regions, a system and what stands before its brace, on its rows, as one."""
    before = [each for each in regions if not each.lines]
    systems = [each for each in regions if each.lines]
    if len(before) != 1 or len(systems) != 1:
        return regions
    one, other = before[0].place, systems[0].place
    shared = min(one[3], other[3]) - max(one[1], other[1])
    lower = min(one[3] - one[1], other[3] - other[1])
    if one[2] > other[0] + found.parts.unit * found.scale or shared < lower / 2:
        return regions
    whole = cut_region(page, found.image, union([one, other]), 0)
    return [replace(whole, lines=systems[0].lines, before=before[0])]


def _may_be_page(found: PreparedPage) -> bool:
    """Whether two rows of writing could be there at all: most images of one expression are low."""
    boxes = found.parts.boxes
    if len(boxes) < _FEWEST:
        return False
    return bool(boxes[:, 3].max() - boxes[:, 1].min() > _LOWEST * found.parts.unit)


def _has_rows(found: PreparedPage, boxes: Sequence[Box]) -> bool:
    """Whether the ink stands in several rows, by the white between or by what was found there."""
    if not _may_be_page(found):
        return False
    parts, judge = found.parts, shipped().likely_rows
    there = np.array(boxes, np.float32).reshape(-1, 4) / found.scale
    if are_rows(parts.boxes, parts.unit, there, judge):
        return True
    return len(find_rows(parts.boxes, parts.unit, judge)) > 1


def _has_prose(found: PreparedPage) -> bool:
    """Whether so many rows are written that no single expression is read where none was found."""
    parts = found.parts
    dots = printed_dots(parts.boxes, max(found.image.shape) / found.scale)
    written = parts.boxes[~dots]
    rows = find_rows(written, parts.unit, shipped().likely_rows)
    return len([row for row in rows if len(row) >= _FEWEST]) >= _PROSE


def _searched(page: Page, found: PreparedPage) -> list[Box]:
    """The boxes of its expressions; raises InputError, by its name, where it is too full."""
    try:
        return find_boxes(found)
    except InputError as error:
        raise InputError(f"{page.source}: page {page.number}: {error.what}", error.remedy) from None


def _all_ink(page: Page, written: InkImage) -> Region:
    """All the ink of a page, as it is."""
    return Region(written.ink.box(), page.image, written=written)


def _regions(page: Page, found: PreparedPage, boxes: Sequence[Box], above: int = 0) -> list[Region]:
    """The regions of boxes with what stands beside them: braces, and signs at the ends of lines.

    What was ``found`` begins ``above`` so many rows of the page.
    """
    there = np.array(boxes, np.float32).reshape(-1, 4) / found.scale
    whole = complete_rows(there, found.parts)
    if not len(whole):
        return []
    alone, bracketed = join_bracketed(whole, found.parts)
    scaled = [_scaled(each.box, found.scale) for each in bracketed]
    lines = {
        box: [_scaled(line, found.scale) for line in each.lines]
        for box, each in zip(scaled, bracketed, strict=True)
    }
    others = [_scaled(box, found.scale) for box in alone]
    if scaled:
        beside = [shift(box, 0, above) for box in scaled]
        before = np.any([each.has_before(alone, found.parts.unit) for each in bracketed], 0)
        others = [
            box
            for box, is_before in zip(others, before, strict=True)
            if is_before or not page.is_of_neighbour(shift(box, 0, above), beside)
        ]
    ordered = in_reading_order([*others, *scaled])
    crops = Crops(found.image, [part for box in ordered for part in lines.get(box) or [box]])
    regions: list[Region] = []
    for box in ordered:
        cases = tuple(_alone(page, crops, line, above) for line in lines.get(box, ()))
        if cases:
            region = cut_region(page, found.image, box, 0, above)
        else:
            region = _alone(page, crops, box, above)
        regions.append(replace(region, lines=cases))
    return regions


def _scaled(box: Floats, scale: float) -> Box:
    x0, y0, x1, y1 = (box * scale).tolist()
    return x0, y0, x1, y1


def cut_region(page: Page, image: Pixels, box: Box, margin: int, above: int = 0) -> Region:
    """The region round a box of the image, which begins ``above`` so many rows of the page's.

    Its image is a copy, so that a region does not keep the whole page in memory.
    """
    left, top = max(0, int(box[0]) - margin), max(0, int(box[1]) - margin)
    right, foot = int(np.ceil(box[2])) + margin, int(np.ceil(box[3])) + margin
    cut, origin = image[top:foot, left:right].copy(), (left, top + above)
    there = shift(box, 0, above)
    ink = None if page.ink is None else page.ink.written(there, cut, origin)
    return Region(page.in_source(there), cut, origin, ink)


def _alone(page: Page, crops: Crops, box: Box, above: int = 0) -> Region:
    """The region of a box without the ink of its neighbours; ``above`` as in `cut_region`."""
    image, (left, top) = crops.cut(box)
    image = remove_stray_dots(remove_light_specks(remove_faint(image)))
    there, origin = shift(box, 0, above), (left, top + above)
    ink = None if page.ink is None else page.ink.written(there, image, origin)
    return Region(page.in_source(there), image, origin, ink)
