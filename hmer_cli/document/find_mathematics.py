"""A page -> its regions that hold mathematics, and what else there is on it.

Input: a cleaned page and the layout option. Output: `MathRegions`: what the search finds
(``page/regions.py``), as the words of the page leave it (``page_words.py``), with the page's text
where that is asked for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from hmer_cli.document.left_out import doubts_beside_pale
from hmer_cli.document.math_regions import MathRegions, together
from hmer_cli.document.page_text import PageText
from hmer_cli.document.page_words import WordFinder
from hmer_cli.page.detect.search import MOST_PARTS, PreparedPage
from hmer_cli.page.load.pages import Page
from hmer_cli.page.regions import Layout, Preparations, Region, find_regions
from hmer_cli.recognition.line_reader import LineReader, shipped_lines


def find_mathematics(page: Page, layout: Layout, text: bool = False) -> MathRegions:
    """The regions of a page, as `find_regions` has them, without those that the words of the page
    show to be none; with its ``text`` where that is asked for.

    As they are where the page is one expression, or the weights that read words are not installed.
    """
    prepared = Preparations()
    found = _found(page, layout, text, prepared)
    pale = tuple(page.in_source(box) for box in prepared.too_pale())
    return replace(
        found,
        upright=found.upright or prepared.needs_no_turn(not found.regions),
        doubts=doubts_beside_pale(found.regions, found.doubts, pale),
        too_pale=pale,
    )


def _found(page: Page, layout: Layout, text: bool, prepared: Preparations) -> MathRegions:
    regions = find_regions(page, layout, prepared)
    reader = shipped_lines() if layout != "expression" else None
    bands = prepared.on_page(page) if reader is not None else []
    if reader is None or not bands:
        return MathRegions.of(regions)
    tops = [top for top, _ in bands]
    mine: list[list[Region]] = [[] for _ in bands]
    for region in regions:
        mine[max(0, bisect_right(tops, region.origin[1]) - 1)].append(region)
    each = zip(bands, mine, strict=True)
    return together([_refined(page, found, own, reader, text) for (_, found), own in each])


def _refined(
    page: Page, found: PreparedPage, regions: Sequence[Region], reader: LineReader, text: bool
) -> MathRegions:
    """The regions of a page, or of a band of it, without those that are words."""
    if not 0 < len(found.parts) <= MOST_PARTS:
        return MathRegions.of(regions)
    finder = WordFinder(page, found, reader)
    refined = finder.refined(regions)
    if not text:
        return refined
    besides = PageText(page, found, finder.read_text)
    drawings = besides.drawings(refined.regions)
    words, unread = besides.words(refined.regions, drawings)
    return replace(refined, text=words, unread=unread, drawings=drawings)
