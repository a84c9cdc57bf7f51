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
from hmer_cli.document.corrections import Corrections
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


def test_latex_of_a_region_stays_with_its_ink_where_its_edge_is_moved(
    page: Chromium, folder: Path
) -> None:
    page.run("change(entries[0], 'y=1')")
    x0, y0, x1, y1 = page.run("entries[0].box")
    drag(page, (x1, 60), (x1 + 12, 60))
    assert text(page, "#toast") == "Edge moved (Undo or u takes it back)"
    assert "What you typed stays if" in text(page, ".card.cut .note")
    assert [record.correction for record in converted(page, folder)] == ["y=1"]
    drag(page, (x1 + 12, 60), (130, 60))
    (half,) = converted(page, folder)
    assert (half.latex, half.correction, boxes([half])) == ("x^2", None, HALVES[:1])
    page.click("#undo") if not page.run("narrow.matches") else page.run("undo()")
    page.run("undo(); toggle(entries[0])")
    page.run(f"drawRegion([{x0} - 3, {y0} - 3, {x1} + 3, {y1} + 3])")
    assert [record.correction for record in converted(page, folder)] == [None]


def test_latex_of_a_new_region_stays_where_that_is_drawn_anew_or_its_edge_is_moved(
    page: Chromium, folder: Path
) -> None:
    page.run("drawRegion([150, 20, 240, 105]); change(entries.at(-1), 'z=2')")
    page.run("drawRegion([152, 20, 242, 105])")
    assert "what you typed stays: check it" in text(page, "#toast")
    page.click(".card.cut [data-do=page]") if not page.run("narrow.matches") else None
    drag(page, (242, 60), (250, 60))
    assert text(page, "#toast").startswith("Edge moved; what you typed stays: check it")
    assert page.run("recutState().flatMap(({regions}) => regions)") == [
        {"box": [152, 20, 250, 105], "latex": "z=2"}
    ]
    assert "z=2" in [record.correction for record in converted(page, folder)]


def test_taking_a_cut_back_waits_for_what_is_being_typed_of_it(page: Chromium) -> None:
    split(page)
    close(page)
    page.click(".card.cut [data-do=edit]")
    page.type(r"\frac12")
    page.run("undo()")
    assert page.run("document.querySelector('.card.cut.editing textarea').value") == r"\frac12"
    assert "Keep or cancel first" in text(page, "#toast")
    page.key("Escape")
    page.run("undo()")
    assert page.run("document.querySelector('.card.cut')") is None


def test_a_region_that_is_drawn_is_seen_whatever_the_filter(page: Chromium) -> None:
    close(page)
    page.click(".chips label:nth-child(3)")
    page.run("drawRegion([150, 0, 160, 10])")
    seen = "[...document.querySelectorAll('[aria-current]')].map(c => c.checkVisibility() && c.id)"
    assert page.run(seen) == ["new-1-1"]
    page.key("u")
    assert page.run(seen) == ["pair-p1-r1"]


def test_a_box_without_a_width_or_height_is_refused(page: Chromium, folder: Path) -> None:
    page.run("splitAt(entries[0], [entries[0].box[0] + 0.4, 20], [entries[0].box[0] + 0.4, 90])")
    assert "inside its box" in text(page, "#toast")
    page.click("#sheet-draw")
    drag(page, (20, 60), (200, 60))
    assert "Draw a box round it" in text(page, "#toast")
    assert json.loads(page.run("corrections()"))["corrections"] == []


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


def test_new_regions_that_are_chosen_are_taken_away_and_come_back_at_once(page: Chromium) -> None:
    split(page)
    page.run("drawRegion([150, 0, 160, 10])")
    cut = json.loads(page.run("corrections()"))
    close(page)
    first, _, third = page.run("[...document.querySelectorAll('.card.cut')].map(c => c.id)")
    page.click(f"#{first} .choose")
    page.click(f"#{third} .choose")
    page.click("#bar-drop")
    assert text(page, "#toast").startswith("2 taken away")
    assert page.run("[...document.querySelectorAll('.card.cut')].length") == 1
    page.click("#undo")
    assert json.loads(page.run("corrections()")) == cut
    page.click("#undo")
    page.click("#undo")
    assert page.run("document.querySelector('#undo').disabled")


def test_what_is_being_typed_for_a_new_region_outlives_other_cuts(page: Chromium) -> None:
    split(page)
    close(page)
    page.click(".card.cut [data-do=edit]")
    page.type(r"\frac12")
    page.run("drawRegion([150, 0, 160, 10])")
    page.click("#undo")
    assert page.run("document.querySelector('.card.cut.editing textarea').value") == r"\frac12"
    page.run("drawRegion([20, 10, 255, 112])")
    assert page.run("document.querySelector('textarea')") is None
    page.click("#undo")
    assert text(page, ".card.cut .latex") == r"\frac12"
    assert page.run("document.querySelector('.card.cut mfrac') !== null")


def test_what_lies_in_a_new_box_goes_on_the_page_as_in_convert(
    page: Chromium, folder: Path
) -> None:
    split(page)
    close(page)
    converted(page, folder)
    page.open(folder / "again.html")
    page.click("#pair-p1-r1 [data-do=page]")
    assert regions(page) == 2
    right = page.run("(b => b.x + b.width)(document.querySelector('#sheet-page .here').getBBox())")
    drag(page, (right, 60), (250, 60))
    assert regions(page) == 1
    assert boxes(converted(page, folder)) == [(4, 3, 22, 9)]


def test_what_was_drawn_in_a_region_stays_when_that_is_cut(page: Chromium, folder: Path) -> None:
    page.click("#sheet-draw")
    drag(page, (RIGHT[0], RIGHT[1]), (RIGHT[2], RIGHT[3]))
    close(page)
    page.click("#pair-p1-r1 [data-do=page]")
    right = page.run("(b => b.x + b.width)(document.querySelector('#sheet-page .here').getBBox())")
    for edge, there in ((right, 130), (130, 120)):
        drag(page, (edge, 60), (there, 60))
        assert regions(page) == 2
        assert boxes(converted(page, folder)) == HALVES


def test_what_is_chosen_stays_chosen_when_another_region_is_cut(page: Chromium) -> None:
    split(page)
    close(page)
    page.click(".card.cut .choose")
    page.run("drawRegion([150, 0, 160, 10])")
    assert text(page, "#bar-count") == "1 chosen"
    assert page.run("document.querySelectorAll('.choose:checked').length") == 1
    page.click("#undo")
    page.click("#undo")
    assert not page.run("document.querySelector('#bar').checkVisibility()")


def test_latex_of_a_new_region_that_convert_will_refuse_is_named(
    page: Chromium, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    split(page)
    close(page)
    for latex, fault in ((r"\frac{a", "no } closes it"), (r"\phantom{x}", "says nothing")):
        page.click(".card.cut [data-do=edit]")
        page.run("document.querySelector('textarea').select()")
        page.type(latex)
        page.key("Enter")
        assert fault in text(page, ".card.cut .note")
        (folder / "c.json").write_text(page.run("corrections()"), "utf-8")
        Corrections.load([folder / "c.json"])
        assert fault in capsys.readouterr().err


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
    browser.click("#sheet-split")
    drag(browser, (20, 20), (120, 120))
    assert "no region to split" in text(browser, "#toast")
    browser.click("#sheet-draw")
    drag(browser, (20, 20), (120, 120))
    (folder / "lone.json").write_text(browser.run("corrections()"), "utf-8")
    applied = {"corrections": [folder / "lone.json"], **options}
    (record,) = convert(inputs[:1], [str(folder / "o.md")], **applied)  # type: ignore[arg-type]
    assert (record.status, boxes([record])) == ("ok", HALVES[:1])
    assert browser.troubles() == []
