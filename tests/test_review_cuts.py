"""Regions drawn over lines of a derivation, or over each other: what convert makes of the cuts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from chromium import Chromium
from handmade import encoded
from test_derivations import FIRST, SECOND, THIRD, line
from test_review import needs_chromium
from test_review_regions import browser, folder

from hmer_cli.document.build_records import records_of
from hmer_cli.document.corrections import Corrections
from hmer_cli.document.records import PageRead, Picture, RegionReading, Result
from hmer_cli.document.review import review
from hmer_cli.geometry import Box

__all__ = ["browser", "folder"]

pytestmark = needs_chromium


def reviewed(browser: Chromium, folder: Path, *readings: RegionReading) -> PageRead:
    """A page with these readings, whose review page is opened on a desk."""
    blank = encoded(np.full((200, 400), 255, np.uint8), "WEBP")
    result = Result("fake", readings)
    page = PageRead("a.png", 1, result, file="f" * 64, picture=Picture(400, 200, lambda: blank))
    (folder / "page.html").write_text(review(list(records_of([page], Corrections()))), "utf-8")
    browser.open(folder / "page.html")
    browser.run("localStorage.clear()")
    browser.open(folder / "page.html")
    return page


def applied(page: PageRead, corrections: Path) -> tuple[Result, object, object]:
    """What convert makes of the cuts of a page."""

    def read(boxes: Sequence[Box]) -> list[RegionReading]:
        return [replace(FIRST, box=box) for box in boxes]

    return Corrections.load([corrections]).recut(page.file, 1, page.result, read)


def test_a_cut_is_found_by_what_stands_when_it_is_applied(browser: Chromium, folder: Path) -> None:
    reviewed(browser, folder, *(line(x, 100, y) for x, y in (("a", 50), ("b", 100), ("c", 150))))
    for y in (50, 100, 150):
        browser.run(f"drawRegion([95, {y} - 20, 125, {y} + 20])")
    cuts = json.loads(browser.run("corrections()"))["corrections"]
    near = [[anchor["key"][0] for anchor in cut["near"]] for cut in cuts]
    assert near == [["b", "c"], ["c"], ["a", "b"]]
    browser.open(folder / "page.html")
    assert json.loads(browser.run("corrections()"))["corrections"] == cuts


def test_a_line_of_a_derivation_that_is_drawn_anew_takes_no_other_with_it(
    browser: Chromium, folder: Path
) -> None:
    lines = (FIRST, SECOND, THIRD)
    page = reviewed(browser, folder, *lines)
    assert browser.run("entries.length") == 1
    x0, y0, x1, y1 = FIRST.box
    browser.run(f"drawRegion([{x0 - 2}, {y0 - 2}, {x1 + 2}, {y1 + 2}])")
    found = browser.run("standing(0).map(({box}) => box)")
    assert found == [[*map(round, SECOND.box)], [*map(round, THIRD.box)], [98, 33, 202, 67]]
    assert browser.run("active === cards.at(-1)")
    (folder / "c.json").write_text(browser.run("corrections()"), "utf-8")
    result, *_ = applied(page, folder / "c.json")
    assert sorted([*each.box] for each in result.expressions) == sorted(found)
    browser.click("#undo")
    assert browser.run("standing(0).length") == 1


def test_a_derivation_that_is_no_mathematics_stays_that_when_a_line_of_it_is_drawn_anew(
    browser: Chromium, folder: Path
) -> None:
    page = reviewed(browser, folder, FIRST, SECOND, THIRD)
    browser.key("x")
    x0, y0, x1, y1 = FIRST.box
    browser.run(f"drawRegion([{x0 - 2}, {y0 - 2}, {x1 + 2}, {y1 + 2}])")
    for _ in ("drawn", "kept"):
        assert browser.run("standing(0).map(({box}) => box)") == [[98, 33, 202, 67]]
        (folder / "c.json").write_text(browser.run("corrections()"), "utf-8")
        result, *_ = applied(page, folder / "c.json")
        assert [each.box for each in result.expressions] == [(98, 33, 202, 67)]
        browser.open(folder / "page.html")
    browser.run("uncut(standing(0)[0])")
    assert browser.run("standing(0).map(isGone)") == [True]
