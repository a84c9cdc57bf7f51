"""Readings of boxes that a person drew on a page.

Input: a page, boxes in pixels of its image. Output: a `RegionReading` a box, cached by page and
box.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import cached_property

from hmer_cli.document import cases
from hmer_cli.document.orientation import as_read
from hmer_cli.document.records import RegionReading, Result, Transform
from hmer_cli.geometry import Box
from hmer_cli.page.drawn_boxes import cut_out
from hmer_cli.page.load.pages import Page
from hmer_cli.page.regions import Region
from hmer_cli.recognition.lazy import Reader
from hmer_cli.recognition.reading import Reading


class PageBoxes:
    """Reads boxes of one page, which is drawn when the first of them is not known yet."""

    def __init__(
        self,
        draw: Callable[[], Page],
        to_source: Transform | None,
        reader: Reader,
        known: Callable[[Box], Result | None],
        keep: Callable[[Box, Result], None],
        reading_of: Callable[[Region, Reading], RegionReading],
    ) -> None:
        """``to_source`` is that of the page as it was read, which may have been turned."""
        self._draw, self._to_source = draw, to_source
        self._reader, self._known, self._keep = reader, known, keep
        self._reading_of = reading_of

    def read(self, boxes: Sequence[Box]) -> list[RegionReading]:
        """One reading a box, empty where it holds no ink. Raises InputError."""
        return [self._read(box) for box in boxes]

    def _read(self, box: Box) -> RegionReading:
        known = self._known(box)
        if known is not None:
            return known.expressions[0]
        (region,) = cut_out(self._page, [box])
        if region is None:
            key = hashlib.sha256(f"no ink {box}".encode()).hexdigest()
            return RegionReading(self._page.in_source(box), box, key, Reading("", 0.0))
        reading = cases.reading_of(region, iter(self._reader.read(cases.to_read(region))))
        found = self._reading_of(region, reading)
        self._keep(box, Result(self._reader.model, (found,), self._to_source))
        return found

    @cached_property
    def _page(self) -> Page:
        """The page, the way up in which it was read."""
        return as_read(self._draw(), self._to_source)
