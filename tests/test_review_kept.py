"""Regions cut on a review page stay in the browser, whatever becomes of its file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from chromium import Chromium
from handmade import FakeRecogniser, cross, encoded, paged
from PIL import Image
from test_derivations import FIRST, SECOND, THIRD
from test_recut import LEFT, PAIR, RIGHT, boxes
from test_review import needs_chromium, text
from test_review_cuts import reviewed
from test_review_regions import (
    EXAMPLES,
    HALVES,
    browser,
    close,
    converted,
    drag,
    folder,
    page,
    split,
)

from hmer_cli.commands.convert import convert
from hmer_cli.document.records import Record, RegionReading

__all__ = ["browser", "folder", "page"]

pytestmark = needs_chromium


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


def typed(page: Chromium, card: str, latex: str) -> None:
    page.click(f"{card} [data-do=edit]")
    page.type(latex)
    page.key("Enter")


def test_what_is_typed_for_a_cut_after_its_export_is_not_lost(page: Chromium, folder: Path) -> None:
    split(page)
    close(page)
    cut = page.run("corrections()")
    typed(page, ".card.cut", r"\frac12")
    (folder / "c.json").write_text(cut, "utf-8")
    again = [str(folder / "again.html")]
    options = {"corrections": [folder / "c.json"], "recogniser": FakeRecogniser()}
    convert([str(folder / "pair.png")], again, **options)  # type: ignore[arg-type]
    page.open(folder / "again.html")
    assert page.run("[...document.querySelectorAll('.card.cut')].length") == 1
    assert text(page, "#summary").startswith("2 expressions")
    records = converted(page, folder)
    assert boxes(records) == HALVES
    assert [record.latex for record in records] == [r"\frac12", "x^2"]
    page.open(folder / "again.html")
    assert page.run("[...document.querySelectorAll('.card.cut')].length") == 0


def test_a_cut_of_a_half_after_its_export_is_not_lost(page: Chromium, folder: Path) -> None:
    split(page)
    exported = page.run("corrections()")
    page.click("#sheet-split")
    drag(page, (60, 60), (60, 60))
    close(page)
    assert len(page.run("[...document.querySelectorAll('.card.cut')]")) == 3
    (folder / "c.json").write_text(exported, "utf-8")
    again = [str(folder / "again.html")]
    options = {"corrections": [folder / "c.json"], "recogniser": FakeRecogniser()}
    convert([str(folder / "pair.png")], again, **options)  # type: ignore[arg-type]
    page.open(folder / "again.html")
    assert len(page.run("[...document.querySelectorAll('.card.cut')]")) == 2
    assert text(page, "#summary").startswith("3 expressions")
    assert len(converted(page, folder)) == 3


def test_cuts_outlive_a_change_of_the_file(page: Chromium, tmp_path: Path) -> None:
    def version(pixels: np.ndarray, name: str, **options: object) -> list[Record]:
        (tmp_path / "a.png").write_bytes(encoded(pixels))
        given = {"recogniser": FakeRecogniser(), **options}
        return convert([str(tmp_path / "a.png")], [str(tmp_path / name)], **given)  # type: ignore[arg-type]

    def opened(name: str) -> None:
        page.open(tmp_path / name)
        if page.run("narrow.matches"):
            page.click(".to-page")

    version(PAIR, "one.html")
    opened("one.html")
    split(page)
    other = np.hstack([cross(), cross(), cross()])
    version(other, "other.html")
    page.open(tmp_path / "other.html")
    assert "another version" in text(page, "#toast")
    assert page.run("[...document.querySelectorAll('.card.cut')].length") == 0
    longer = np.vstack([np.full((40, PAIR.shape[1]), 255, np.uint8), PAIR])
    version(longer, "longer.html")
    page.open(tmp_path / "longer.html")
    assert page.run("[...document.querySelectorAll('.card.cut')].length") == 2
    (tmp_path / "c.json").write_text(page.run("corrections()"), "utf-8")
    records = version(longer, "again.html", corrections=[tmp_path / "c.json"])
    assert boxes(records) == [(4, 7, 8, 13), (18, 7, 22, 13)]
    page.open(tmp_path / "again.html")
    assert page.run("storedRecuts()") == []
    opened("longer.html")
    split(page)
    (tmp_path / "c.json").write_text(page.run("corrections()"), "utf-8")
    version(PAIR, "last.html", corrections=[tmp_path / "c.json"])
    page.open(tmp_path / "last.html")
    assert page.run("storedRecuts()") == []


def elsewhere(page: Chromium, /, **changes: object) -> None:
    """A second page that is open with the same file keeps a cut of its own."""
    changed = f"{{...JSON.parse(localStorage.getItem(CUTS))[0], ...{json.dumps(changes)}}}"
    kept = f"[{changed}, ...JSON.parse(localStorage.getItem(CUTS))]"
    page.run(f"localStorage.setItem(CUTS, JSON.stringify({kept}))")


def test_two_pages_that_are_open_keep_the_cuts_of_each(page: Chromium, folder: Path) -> None:
    split(page)
    elsewhere(page, id="other", replaces=[], regions=[{"box": [150, 0, 160, 10]}])
    page.run("drawRegion([100, 0, 110, 10])")
    assert page.run("storedRecuts().map(({id}) => id)[0]") == "other"
    page.run("undo()")
    page.open(folder / "r.html")
    assert page.run("[...document.querySelectorAll('.card.cut')].length") == 3
    page.run("uncut(entries.find(({box}) => box[0] === 150))")
    page.open(folder / "r.html")
    assert boxes(converted(page, folder)) == HALVES


def test_cuts_of_two_pages_that_are_open_do_not_undo_each_other(
    page: Chromium, folder: Path
) -> None:
    split(page)
    elsewhere(page, id="other", regions=[{"box": LEFT}, {"box": RIGHT}])
    page.open(folder / "r.html")
    assert page.run("[...document.querySelectorAll('.card.cut')].length") == 2
    assert page.run("recuts.length") == page.run("storedRecuts().length") == 1
    assert boxes(converted(page, folder)) == HALVES


def test_of_cuts_of_two_pages_that_are_open_each_place_is_read_once(
    page: Chromium, folder: Path
) -> None:
    split(page)
    half, other = page.run("recuts[0].regions.map(({box}) => box)")
    elsewhere(page, id="other", regions=[{"box": LEFT, "latex": "a"}, {"box": [170, 0, 180, 10]}])
    page.open(folder / "r.html")
    kept = [{"box": LEFT, "latex": "a"}, {"box": [170, 0, 180, 10]}, {"box": other}]
    assert page.run("recutState()[0].regions") == kept
    page.run("localStorage.clear()")
    page.open(folder / "r.html")
    page.run("splitAt(entries[0], [130, 20], [130, 100])")
    elsewhere(page, id="other", regions=[{"box": [half[0], half[1], other[2], other[3]]}])
    page.open(folder / "r.html")
    assert page.run("recutState()[0].regions") == [{"box": half}, {"box": other}]


def test_of_latex_typed_for_one_place_in_two_pages_the_later_holds(
    page: Chromium, folder: Path
) -> None:
    page.run("drawRegion([160, 20, 240, 105]); change(entries.at(-1), 'new')")
    near = [158, 22, 240, 104]
    elsewhere(page, id="other", replaces=[], regions=[{"box": near, "latex": "old"}])
    page.open(folder / "r.html")
    kept = page.run("recutState().flatMap(({regions}) => regions.map(({latex}) => latex))")
    assert kept == ["new"]


def test_an_export_has_what_was_cut_in_another_window(page: Chromium, folder: Path) -> None:
    split(page)
    elsewhere(page, id="other", replaces=[], regions=[{"box": [150, 0, 160, 10]}])
    page.run("exportAll()")
    assert page.run("[...document.querySelectorAll('.card.cut')].length") == 3
    exported = page.run("corrections()")
    assert exported.count('"regions"') == 2
    page.run("undo(); exportAll()")
    assert page.run("corrections()") == exported


def test_an_export_keeps_the_cuts_that_a_newer_page_has_applied(page: Chromium) -> None:
    split(page)
    before = page.run("corrections()")
    elsewhere(page, id="other", replaces=[], regions=[{"box": [150, 0, 160, 10]}])
    other = page.run("JSON.stringify(storedRecuts().filter(({id}) => id === 'other'))")
    page.run("localStorage.removeItem(CUTS); exportAll()")
    assert page.run("corrections()") == before
    page.run(f"localStorage.setItem(CUTS, {json.dumps(other)}); exportAll()")
    assert page.run("corrections()").count('"regions"') == before.count('"regions"') + 1


def test_cuts_of_two_lines_of_a_derivation_hold_against_lines_that_were_left(
    browser: Chromium, folder: Path
) -> None:
    reviewed(browser, folder, FIRST, SECOND, THIRD)

    def drawn(line: RegionReading) -> list[int]:
        x0, y0, x1, y1 = map(round, line.box)
        box = [x0 - 2, y0 - 2, x1 + 2, y1 + 2]
        browser.run(f"drawRegion({box})")
        return box

    first = drawn(FIRST)
    cut = browser.run("storedRecuts()[0]")
    browser.click("#undo")
    third = drawn(THIRD)
    elsewhere(browser, **cut)
    browser.open(folder / "page.html")
    found = browser.run("standing(0).map(({box}) => box)")
    assert sorted(found) == sorted([first, [*map(round, SECOND.box)], third])


def test_a_region_is_drawn_on_a_page_beside_others_of_its_file(
    browser: Chromium, tmp_path: Path
) -> None:
    lecture = np.asarray(Image.open(EXAMPLES / "lecture.png").convert("L"))
    (tmp_path / "a.tiff").write_bytes(paged([cross(400, 400), lecture], "TIFF"))
    given, options = [str(tmp_path / "a.tiff")], {"layout": "page", "recogniser": FakeRecogniser()}
    before = convert(given, [str(tmp_path / "r.html")], **options)  # type: ignore[arg-type]
    assert {record.page for record in before} == {2}
    browser.open(tmp_path / "r.html")
    browser.run("localStorage.clear()")
    empty = "document.querySelector('.card.empty')"
    style = f"getComputedStyle({empty})"
    assert browser.run(f"{style}.borderLeftColor === {style}.borderRightColor")
    assert browser.run(f"{empty}.querySelector('.math')") is None
    browser.click(".card.empty .to-page")
    browser.key("n")
    drag(browser, (20, 20), (120, 120))
    assert not browser.run(f"{empty}.checkVisibility()")
    (tmp_path / "c.json").write_text(browser.run("corrections()"), "utf-8")
    applied = {"corrections": [tmp_path / "c.json"], **options}
    after = convert(given, [str(tmp_path / "again.html")], **applied)  # type: ignore[arg-type]
    assert boxes(after[:1]) == HALVES[:1]
    assert [record.key for record in after[1:]] == [record.key for record in before]
    browser.click(".card.cut [data-do=drop]")
    assert browser.run(f"{empty}.checkVisibility()")
    browser.open(tmp_path / "again.html")
    assert browser.run(empty) is None
    assert browser.run("storedRecuts()") == []
    assert browser.troubles() == []
