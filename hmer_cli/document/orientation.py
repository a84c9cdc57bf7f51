"""Orientation of pages without an orientation tag: upright, on a side, or upside down.

Input: a page read with low confidence. Output: the page turned by a multiple of 90 degrees, if it
is read with far higher confidence so. Candidates are chosen cheaply, by the mean log-probability of
the CTC model's best path over a few regions turned in place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from hmer_cli.document.records import Transform
from hmer_cli.geometry import bounds
from hmer_cli.page.load.pages import Page
from hmer_cli.page.regions import Layout, Region, find_regions
from hmer_cli.recognition.lazy import Reader, TellsCertainty
from hmer_cli.recognition.reading import Reading

DOUBTFUL = 0.6
"""Mean confidence: a page read with less may lie on its side or upside down."""

_CLEARER = 0.65, 0.2  # mean confidence of the other way up, at least, and so much more
_PIXELS = 16_000_000  # that are looked at of each way up: more than most photos have
_TRIED = 4  # regions that are read of each way up
_SIGNS = 5  # that leave ink, at least: few strokes look like signs from any side
_CERTAIN = 0.7  # of the log-probability of the page as it lies; chosen on CROHME 2014 offline
_SHARE = 0.6  # of the tokens that are read of the page as it lies: else most ink is left unread
_WIDE = 1.7  # times as wide as high: no expression on its side, chosen on CROHME 2014 offline
_STRUCTURE = {"{", "}", "^", "_", "\\frac", "\\limits"}  # tokens that leave no ink of a letter


def upright(
    draw: Callable[[], Page],
    regions: Sequence[Region],
    readings: Sequence[Reading],
    reader: Reader,
    layout: Layout,
) -> Page | None:
    """The page turned; None where it stays as it lies.

    ``regions`` and ``readings`` are those of the page as it lies, which ``draw`` draws again
    where a turn is likely; ``layout`` is as in ``find_regions``.
    """
    sure = mean_confidence(readings)
    if sure >= DOUBTFUL or not isinstance(reader, TellsCertainty):
        return None
    least, tokens = max(_CLEARER[0], sure + _CLEARER[1]), _SHARE * _count(readings)
    turns = _likely_turns(regions, reader)
    if not turns:
        return None
    page, best = draw(), 0
    tried = page.reduced(_PIXELS)
    for quarters in turns:
        found = find_regions(tried.turned(quarters), layout)
        widest = sorted(found, key=lambda region: -region.image.shape[1])[:_TRIED]
        read = reader.read([region.seen for region in widest]) if widest else []
        whole = _count(read) * len(found) / max(len(widest), 1)
        if _signs(read) >= _SIGNS and whole >= tokens and mean_confidence(read) >= least:
            least, best = mean_confidence(read), quarters
    return page.turned(best) if best else None


def as_read(page: Page, to_source: Transform | None) -> Page:
    """The page, the way up in which it was read; ``to_source`` is what `transform_of` gave then."""
    for quarters in range(4):
        turned = page.turned(quarters) if quarters else page
        there = transform_of(turned)
        if there is None or to_source is None:
            same = there is to_source
        else:
            same = np.allclose(there, to_source)
        if same:
            return turned
    return page


def transform_of(page: Page) -> Transform | None:
    """What leads from pixels of the page's image to those of the source or the units of its ink."""
    return None if page.to_source is None else tuple(map(float, page.to_source.ravel()))


def mean_confidence(readings: Sequence[Reading]) -> float:
    """Of all tokens, so that a region of one sign counts little; 0 where nothing was read."""
    total = _count(readings)
    return sum(r.confidence * len(r.label.split()) for r in readings) / total if total else 0.0


def _count(readings: Sequence[Reading]) -> int:
    return sum(len(reading.label.split()) for reading in readings)


def _signs(readings: Sequence[Reading]) -> int:
    """How many tokens stand for ink and not for structure."""
    tokens = (token for reading in readings for token in reading.label.split())
    return sum(token not in _STRUCTURE for token in tokens)


def _likely_turns(regions: Sequence[Region], reader: TellsCertainty) -> list[int]:
    """The turns to the left, in right angles, that the CTC model finds clearer than none."""
    if not regions:
        return [1, 2, 3]
    largest = sorted(regions, key=lambda region: -region.image.size)[:_TRIED]
    x0, y0, x1, y1 = bounds(np.array([region.place for region in regions], np.float32))
    wide = x1 - x0 > _WIDE * (y1 - y0)  # together: the pieces of one on its side may be wide
    turns = [2] if wide else [1, 2, 3]
    images = [np.rot90(region.image, q) for q in (0, *turns) for region in largest]
    certain = np.reshape(reader.certainty(images), (-1, len(largest))).mean(1)
    return [q for q, value in zip(turns, certain[1:], strict=True) if value > _CERTAIN * certain[0]]
