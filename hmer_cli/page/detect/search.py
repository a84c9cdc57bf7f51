"""Detection of the expressions on a page: candidates -> scores -> fusion -> suppression.

Input: a cleaned page. Output: boxes in reading order. Method: connected components, candidate runs
along lines, scores of boosted trees over features of a component network, fusion over two views of
the page, and greedy non-maximum suppression.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.errors import InputError
from hmer_cli.geometry import Box, area, inside_of, intersection
from hmer_cli.page.clean.faint import remove_faint
from hmer_cli.page.clean.pale_writing import too_pale, with_pale_writing
from hmer_cli.page.clean.ruled_lines import remove_rules
from hmer_cli.page.detect.candidate_features import measure_candidates
from hmer_cli.page.detect.component_graph import component_graph, predict
from hmer_cli.page.detect.components import InkComponents, find_components, letter_height
from hmer_cli.page.detect.detector import Detector, shipped
from hmer_cli.page.detect.ensemble import Candidates, fuse_boxes
from hmer_cli.page.detect.integral import Floats
from hmer_cli.page.detect.item_numbers import number_of_item
from hmer_cli.page.load.images import Pixels
from hmer_cli.page.load.pages import Page

STUDIED = 1754  # pixels of the longer side: A4 at 150 dpi; finer detail does not help
HANDWRITTEN = 3_000
"""Parts: the fullest page of handwriting in scan-pages and notes has fewer. More are print, which
one look tells, and which does not lie on its side."""
MOST_PARTS = 30_000
"""Parts of a page that is searched: 25,800 letters of print take 9 s and 0.6 GB, but 43,000 squares
in a grid 36 s, since every two beside each other could be one expression."""
_AT_ONCE = 5_000  # parts that are searched together: memory grows with them
LEAST = 0.4  # candidates less likely than this are no regions
SURE = 0.88  # suppression prefers the wider box above this score, as scores are saturated there
SHARED = 0.35  # largest overlap of two regions, as a share of the smaller one

_LARGER = 1.4  # times the letter height of the page: another hand
_HOPELESS = 0.1  # candidates less likely than this in one look are not taken to the others

_SOFT = 2.0  # pixels: standard deviation of the blur of an unsharp mask,
_SHARPER = 1.0  # and how much of what that blur takes away is put on top

_NEAR_CUT = 2.0  # letter heights: so far from an even cut a whiter row is looked for

_PAGE_HEIGHT = 13  # letter heights of ink from top to bottom: more than any one expression has
FEWEST_PARTS = 60  # connected parts: fewer make no page


@dataclass(frozen=True)
class PreparedPage:
    """A page made ready for the search.

    ``image`` is the page without its printed lines, to be read; ``parts`` are those of the page as
    it is looked at, whose pixels are ``scale`` pixels of the page each way. ``sharp`` is the page
    sharpened, for a second look, where the first was not of that. ``item`` are the columns at its
    left that hold the number of an exercise, which is in none of these. ``too_pale`` are the boxes
    of signs that are left out for that, in pixels of the page.
    """

    image: Pixels
    parts: InkComponents
    scale: float
    sharp: Pixels | None = None
    item: Pixels | None = None
    too_pale: tuple[Box, ...] = ()


def prepare_page(page: Page) -> PreparedPage:
    """Remove printed lines and the number of an exercise, and find the components.

    Pages are searched in two views, original and sharpened; warped pages, which are blurred, in
    the sharpened view alone, and pages redrawn from strokes in the original one. ``image`` of the
    result is never sharpened: the recogniser was trained on soft ink.
    """
    if page.redrawn:
        scale = max(1.0, max(page.image.shape) / STUDIED)
        parts = _parts(page.image, scale)
        return PreparedPage(page.image, parts, scale, too_pale=page.too_pale)
    sharp = _sharpened(page.image)
    seen = sharp if page.warped else page.image
    bare = remove_rules(seen) if page.warped else page.bare
    image = np.where(bare == seen, page.image, 255).astype(np.uint8)
    image, bare, sharp = with_pale_writing(image, bare, sharp)
    scale = max(1.0, max(image.shape) / STUDIED)
    parts = _parts(bare, scale)
    number = number_of_item(parts)
    item = None
    if number is not None:
        width = round(number * scale)
        item = image[:, :width].copy()
        image, bare, sharp = (_blank_left(each, width) for each in (image, bare, sharp))
        parts = _parts(bare, scale)
    pale = tuple(too_pale(image))
    return PreparedPage(image, parts, scale, None if page.warped else sharp, item, pale)


def _parts(image: Pixels, scale: float) -> InkComponents:
    """The components at the scale of the search, without faint grain."""
    if scale == 1:
        return find_components(remove_faint(image))
    size = (max(1, round(image.shape[1] / scale)), max(1, round(image.shape[0] / scale)))
    small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return find_components(remove_faint(small))


def _blank_left(image: Pixels, width: int) -> Pixels:
    """The image, its leftmost columns paper."""
    blank = image.copy()
    blank[:, :width] = 255
    return blank


def _sharpened(image: Pixels) -> Pixels:
    """Unsharp masking with deviation _SOFT and amount _SHARPER. (H, W)."""
    soft = cv2.GaussianBlur(image, (0, 0), _SOFT)
    return np.asarray(cv2.addWeighted(image, 1 + _SHARPER, soft, -_SHARPER, 0), dtype=np.uint8)


def is_page(parts: InkComponents) -> bool:
    """Whether the ink is too much and too tall to be a single expression."""
    if len(parts) < FEWEST_PARTS:
        return False
    top, foot = parts.boxes[:, 1].min(), parts.boxes[:, 3].max()
    return bool(foot - top > _PAGE_HEIGHT * parts.unit)


def find_boxes(
    found: PreparedPage, detector: Detector | None = None, fold: int | None = None
) -> list[Box]:
    """The boxes of the expressions in pixels of the page, in reading order.

    ``fold`` is that of a page which the detector was grown on, so that it is judged by trees
    that never saw it. Raises MissingError where the detector is not installed, InputError where
    there are more than MOST_PARTS parts.
    """
    detector = detector or shipped()
    if len(found.parts) > MOST_PARTS:
        raise InputError(
            f"not searched for mathematics: {len(found.parts)} separate pieces of ink, more than "
            f"{MOST_PARTS}",
            "crop it to the handwriting",
        )
    looks = [found.parts]
    if found.sharp is not None and len(found.parts) <= HANDWRITTEN:
        looks.append(_parts(remove_rules(found.sharp), found.scale))
    boxes = _found(looks, detector, fold)
    larger = _larger(found, boxes)
    if larger is not None:
        boxes = np.concatenate([boxes, _found([larger], detector, fold)])
    return in_reading_order([(x0, y0, x1, y1) for x0, y0, x1, y1 in (boxes * found.scale).tolist()])


def _found(looks: Sequence[InkComponents], detector: Detector, fold: int | None) -> Floats:
    """The boxes of the expressions by one look or more, (N, 4) in pixels of the search."""
    seen = [_searched(parts, detector, fold) for parts in looks if len(parts)]
    if not seen:
        return np.zeros((0, 4), np.float32)
    told = fuse_boxes(seen)
    frames = told.frames[non_maximum_suppression(told.boxes, told.likely)]
    height, width = looks[0].ink.shape
    return np.clip(frames, 0, [width, height, width, height])


def _larger(found: PreparedPage, boxes: Floats) -> InkComponents | None:
    """The parts in none of the boxes, where they are of a larger hand than the rest of the page:
    in letter heights of their own they may be expressions."""
    whole = found.parts
    free = ~inside_of(whole.boxes, boxes)
    if free.all() or not free.any():
        return None
    if letter_height(whole.boxes[free]) < _LARGER * whole.unit:
        return None
    image = found.image.copy()
    for x0, y0, x1, y1 in np.rint(boxes * found.scale).astype(int):
        image[y0:y1, x0:x1] = 255
    return _parts(image, found.scale)


def _searched(parts: InkComponents, detector: Detector, fold: int | None) -> Candidates:
    """The candidates of a page; of very many parts, of one band after the other."""
    bands = [
        _candidates(band, detector, fold).moved(top)
        for top, band in in_bands(parts, _AT_ONCE)
        if len(band)
    ]
    return bands[0] if len(bands) == 1 else Candidates.together(bands)


def in_bands(parts: InkComponents, most: int) -> list[tuple[int, InkComponents]]:
    """Bands of a page of about ``most`` parts each, from the top down, with their first rows.

    They end where few parts are cut; a part is in the band that holds its middle.
    """
    height = len(parts.ink)
    count = -(-len(parts) // most)
    if count < 2:
        return [(0, parts)]
    middle = parts.boxes[:, 1::2].mean(1)
    ends = np.quantile(middle, np.arange(1, count) / count).astype(int)
    crossed = np.zeros(height + 1, np.int64)
    np.add.at(crossed, parts.boxes[:, 1].astype(int), 1)
    np.add.at(crossed, parts.boxes[:, 3].astype(int), -1)
    crossed = crossed.cumsum()
    reach = max(1, round(_NEAR_CUT * parts.unit))
    cuts = [0]
    for end in ends.tolist():
        low = max(cuts[-1], end - reach)
        cuts.append(low + int(np.argmin(crossed[low : end + reach + 1])))
    cuts.append(height)
    return [(top, _band(parts, middle, top, foot)) for top, foot in pairwise(cuts) if top < foot]


def _band(parts: InkComponents, middle: Floats, top: int, foot: int) -> InkComponents:
    kept = (middle >= top) & (middle < foot)
    boxes = parts.boxes[kept]
    boxes[:, 1::2] = np.clip(boxes[:, 1::2] - top, 0, foot - top)
    ink = parts.ink[top:foot]
    return InkComponents(boxes, parts.mass[kept], parts.unit, parts.features[kept], ink)


def _candidates(parts: InkComponents, detector: Detector, fold: int | None) -> Candidates:
    told = component_graph(parts, detector.kinds)
    seen = predict(parts, told, *detector.answers(told, fold))
    cutter = partial(detector.likely_cuts, fold=fold)
    runs = measure_candidates(parts, detector.kinds, cutter, seen)
    likely = detector.likely_runs(runs.features, fold)
    kept = likely >= _HOPELESS
    boxes, features = runs.boxes[kept], runs.features[kept]
    frames = with_margins(boxes, detector.edges(features, fold), parts.unit)
    return Candidates(boxes, frames, likely[kept])


def with_margins(boxes: Floats, beyond: Floats, unit: float) -> Floats:
    """(R, 4) boxes of ink as people would draw them: ``beyond`` (R, 4), in letter heights."""
    return np.asarray(boxes + np.array([-1, -1, 1, 1], np.float32) * beyond * unit)


def in_reading_order(boxes: Sequence[Box]) -> list[Box]:
    """Boxes as they are read: along rows from left to right, from the top down.

    Of two beside each other that share half of the lower one's height the left one comes first,
    of two above each other the one whose middle is higher: a topological order, as rows may climb.
    Where it leaves a choice, or goes in a circle, the box with the highest middle is next.
    """
    if not boxes:
        return []
    array = np.asarray(boxes, np.float64)
    behind = [_read_after(box, array) for box in array]
    waiting = np.sum(behind, 0)
    left = sorted(range(len(boxes)), key=lambda i: (boxes[i][1] + boxes[i][3], boxes[i]))
    ordered = list[Box]()
    while left:
        place = next((i for i in left if not waiting[i]), left[0])
        left.remove(place)
        waiting -= behind[place]
        ordered.append(boxes[place])
    return ordered


def _read_after(box: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of ``boxes`` (N, 4) are read after a ``box`` (4,)."""
    shared = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    width, height = np.minimum(box[2:] - box[:2], boxes[:, 2:] - boxes[:, :2]).T
    beside = (shared[:, 1] >= height / 2) & (shared[:, 0] <= width / 4)
    below = boxes[:, 1] + boxes[:, 3] > box[1] + box[3]
    return np.asarray(np.where(beside, boxes[:, 0] > box[0], (shared[:, 0] > 0) & below))


def non_maximum_suppression(
    boxes: Floats, likely: Floats, least: float = LEAST
) -> NDArray[np.int64]:
    """Greedy non-maximum suppression: indices of the kept candidates, most probable first.

    ``boxes`` (N, 4) are those of the ink, ``likely`` (N,) their scores; of scores above SURE the
    wider box is first.
    """
    width = boxes[:, 2] - boxes[:, 0]
    areas = area(boxes)
    kept: list[int] = []
    for index in np.lexsort((-width, -np.minimum(likely, SURE))):
        if likely[index] < least:
            break
        common = intersection(boxes[kept], boxes[index]) / np.minimum(areas[kept], areas[index])
        if not (common > SHARED).any():
            kept.append(int(index))
    return np.array(kept, dtype=np.int64)
