"""Regions cut on the review page, with a mouse and at a phone's width, and what convert reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import Chromium
from handmade import FakeRecogniser, cross, encoded
from test_recut import LEFT, PAIR, RIGHT, boxes
from test_review import needs_chromium, text

from hmer_cli.commands.convert import convert, outcome
from hmer_cli.document.records import Record

pytestmark = needs_chromium

EXAMPLES = Path(__file__).parent.parent / "examples"
HALVES = [(4, 3, 8, 9), (18, 3, 22, 9)]
"""Where the two crosses lie, in tens of pixels."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image whose two crosses are one region for hmer, and its review page."""
    folder = tmp_path_factory.mktemp("regions")
    (folder / "pair.png").write_bytes(encoded(PAIR))
    convert([str(folder / "pair.png")], [str(folder / "r.html")], recogniser=FakeRecogniser())
    return folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(params=["desk", "phone"])
def page(request: pytest.FixtureRequest, browser: Chromium, folder: Path) -> Iterator[Chromium]:
    phone = request.param == "phone"
    browser.size(*((390, 780) if phone else (1280, 900)), mobile=phone)
    browser.open(folder / "r.html")
    browser.run("localStorage.clear()")
    browser.open(folder / "r.html")
    if phone:
        browser.click("#pair-p1-r1 [data-do=page]")
    yield browser
    assert browser.troubles() == []
    assert browser.run("document.documentElement.scrollWidth") <= (390 if phone else 1280)
    browser.size(1280, 900)


def drag(page: Chromium, start: tuple[float, float], end: tuple[float, float]) -> None:
    """From one point of the page's image to another."""
    there = page.run(
        f"{json.dumps([start, end])}.map(([x, y]) => new DOMPoint(x, y)"
        ".matrixTransform(document.querySelector('#sheet-page svg').getScreenCTM()))"
        ".map(({x, y}) => [x, y])"
    )
    page.drag(*map(tuple, there))


def converted(page: Chromium, folder: Path) -> list[Record]:
    """What convert makes of the export, whose review page is then opened."""
    (folder / "c.json").write_text(page.run("corrections()"), "utf-8")
    records = convert(
        [str(folder / "pair.png")], [str(folder / "again.html")], corrections=[folder / "c.json"],
        recogniser=FakeRecogniser(),
    )  # fmt: skip
    assert outcome(records) is None
    return records


def split(page: Chromium) -> None:
    page.click("#sheet-split")
    drag(page, (130, 20), (130, 100))


def regions(page: Chromium) -> int:
    """How many are drawn on the page."""
    return page.run("document.querySelectorAll('#sheet-page rect[data-i]').length")


def test_a_region_is_split_by_a_line_and_read_as_two(page: Chromium, folder: Path) -> None:
    split(page)
    assert regions(page) == 2
    assert boxes(converted(page, folder)) == HALVES


def test_a_tap_splits_across_the_longer_side(page: Chromium, folder: Path) -> None:
    page.click("#sheet-split")
    drag(page, (130, 60), (130, 60))
    assert boxes(converted(page, folder)) == HALVES


def test_a_missed_region_is_drawn_and_read(page: Chromium, folder: Path) -> None:
    page.click("#sheet-draw")
    drag(page, (RIGHT[0], RIGHT[1]), (RIGHT[2], RIGHT[3]))
    assert regions(page) == 2
    assert HALVES[1] in boxes(converted(page, folder))


def test_a_region_drawn_round_others_replaces_them(page: Chromium, folder: Path) -> None:
    split(page)
    page.click("#sheet-draw")
    drag(page, (20, 10), (255, 112))
    assert regions(page) == 1
    assert boxes(converted(page, folder)) == [(4, 3, 22, 9)]


def test_chosen_regions_are_merged(page: Chromium, folder: Path) -> None:
    split(page)
    close(page)
    for card in page.run("[...document.querySelectorAll('.card.cut')].map(c => c.id)"):
        page.click(f"#{card} .choose")
    page.click("#bar-merge")
    (record,) = converted(page, folder)
    assert boxes([record]) == [(4, 3, 22, 9)]


def test_an_edge_is_moved(page: Chromium, folder: Path) -> None:
    right = page.run("document.querySelector('#sheet-page .here').getBBox().x") + page.run(
        "document.querySelector('#sheet-page .here').getBBox().width"
    )
    drag(page, (right, 60), (130, 60))
    assert regions(page) == 1
    assert boxes(converted(page, folder)) == HALVES[:1]


def close(page: Chromium) -> None:
    if page.run("sheet.classList.contains('open')"):
        page.click("#sheet-close")


def test_latex_typed_for_a_new_region_is_taken_as_it_is(page: Chromium, folder: Path) -> None:
    page.click("#sheet-draw")
    drag(page, (LEFT[0], LEFT[1]), (LEFT[2], LEFT[3]))
    close(page)
    page.click(".card.cut [data-do=edit]")
    page.type(r"\frac12")
    page.key("Enter")
    assert page.run("document.querySelector('.card.cut mfrac') !== null")
    latex = {record.latex: record.correction for record in converted(page, folder)}
    assert latex == {"x^2": None, r"\frac12": r"\frac12"}


def test_each_cut_can_be_taken_back(page: Chromium) -> None:
    before = page.run("corrections()")
    split(page)
    cut = page.run("corrections()")
    close(page)
    page.click(".card.cut [data-do=drop]")
    assert page.run("corrections()") not in (before, cut)
    page.click("#undo")
    assert json.loads(page.run("corrections()")) == json.loads(cut)
    page.click("#undo")
    assert page.run("corrections()") == before
    assert regions(page) == 1
    assert page.run("document.querySelectorAll('.card:not([hidden])').length") == 1


def test_cuts_outlive_the_page_until_they_are_applied_and_after_that_too(
    page: Chromium, folder: Path
) -> None:
    split(page)
    page.open(folder / "r.html")
    assert len(page.run("[...document.querySelectorAll('.card.cut')]")) == 2
    cut = json.loads(page.run("corrections()"))["corrections"]
    assert len(cut) == 1
    converted(page, folder)
    page.open(folder / "again.html")
    assert text(page, "#summary") == "2 expressions"
    assert page.run("[...document.querySelectorAll('.card.cut')].length") == 0
    again = json.loads(page.run("corrections()"))["corrections"]
    assert [entry["regions"] for entry in again] == [entry["regions"] for entry in cut]
    assert boxes(converted(page, folder)) == HALVES


def test_a_region_is_drawn_on_a_page_where_nothing_was_found(
    browser: Chromium, folder: Path
) -> None:
    (folder / "lone.png").write_bytes(encoded(cross(400, 400)))
    inputs = [str(folder / "lone.png"), str(EXAMPLES / "lecture.png")]
    options = {"layout": "page", "recogniser": FakeRecogniser()}
    none, *_ = convert(inputs, [str(folder / "lone.html")], **options)  # type: ignore[arg-type]
    assert none.status == "failed"
    browser.open(folder / "lone.html")
    assert text(browser, "#sheet-name").endswith("lone.png, page 1")
    browser.click("#sheet-draw")
    drag(browser, (20, 20), (120, 120))
    (folder / "lone.json").write_text(browser.run("corrections()"), "utf-8")
    applied = {"corrections": [folder / "lone.json"], **options}
    (record,) = convert(inputs[:1], [str(folder / "o.md")], **applied)  # type: ignore[arg-type]
    assert (record.status, boxes([record])) == ("ok", HALVES[:1])
    assert browser.troubles() == []
