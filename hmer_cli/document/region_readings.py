"""The reading of a region, whose boxes are on its image -> boxes on the page; and its handwriting.

Input: a region and its reading. Output: a `RegionReading`, rounded, so that results are the same
after they were cached; what stands in the region, as outputs of handwriting need it.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

import cv2
import numpy as np

from hmer_cli.document.cases import unread_line
from hmer_cli.document.doubts import doubt_of
from hmer_cli.document.ellipses import with_ellipsis
from hmer_cli.document.one_sided_limits import with_sides
from hmer_cli.document.overlooked import with_overlooked
from hmer_cli.document.records import Handwriting, RegionReading, Transform
from hmer_cli.document.sign_syntax import with_decided_signs
from hmer_cli.geometry import Box
from hmer_cli.page.regions import Region
from hmer_cli.recognition.reading import Alternative, Reading, TokenReading, distinct


def region_reading(
    region: Region,
    reading: Reading,
    words: str = "",
    doubt: str = "",
    allowed: Container[str] | None = None,
) -> RegionReading:
    """The reading, ``words``, and what is in ``doubt`` or else speaks against it, with token boxes
    in page coordinates, rounded; ``allowed`` are the tokens of its character set, if it has one."""
    reading = with_overlooked(region.seen, with_sides(reading), allowed)
    reading = with_decided_signs(with_ellipsis(region.image, reading, allowed), allowed)
    left, top = region.origin
    height, width = region.image.shape
    tokens = tuple(
        TokenReading(
            token.token, round(float(token.confidence), 4), _rounded(region.on_page(token.box), 1)
        )
        for token in reading.tokens
    )
    alternatives = tuple(
        Alternative(other.label, round(float(other.confidence), 4))
        for other in distinct(reading.label, reading.alternatives)
    )
    return RegionReading(
        _rounded(region.box, 2),
        (left, top, left + width, top + height),
        region.key,
        Reading(reading.label, round(float(reading.confidence), 4), tokens, alternatives),
        words,
        doubt_of(region.image, reading.label) or unread_line(region, reading) or doubt,
    )


def handwriting_of(region: Region, to_source: Transform | None) -> Handwriting:
    """What stands in a region; strokes in pixels of the page's image go to the source's units."""
    if region.written is None:
        return Handwriting(region.image)
    ink = region.written.ink
    if to_source is not None and region.written.image is not region.image:
        matrix = np.array(to_source).reshape(3, 3)
        points = (stroke.astype(np.float64)[None] for stroke in ink.strokes)
        moved = (cv2.perspectiveTransform(each, matrix)[0] for each in points)
        ink = replace(ink, strokes=tuple(each.astype(np.float32) for each in moved))
    return Handwriting(region.image, ink)


def _rounded(box: Box, digits: int) -> Box:
    x0, y0, x1, y1 = (round(float(number), digits) for number in box)
    return x0, y0, x1, y1
