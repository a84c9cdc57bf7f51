"""The review page by keys alone: nothing needs a pointer, and the focus is never lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from chromium import Chromium
from handmade import FakeRecogniser, cross, encoded
from test_recut import boxes
from test_review import needs_chromium, text
from test_review_regions import HALVES, browser, converted, folder, page, regions

from hmer_cli.commands.convert import convert

__all__ = ["browser", "folder", "page"]

pytestmark = needs_chromium

CARD = "pair-p1-r1"


@pytest.fixture
def desk(browser: Chromium, folder: Path) -> Chromium:
    """The review page of one region on a wide screen."""
    browser.size(1280, 900)
    browser.open(folder / "r.html")
    browser.run("localStorage.clear()")
    browser.open(folder / "r.html")
    return browser


def focused(page: Chromium) -> str:
    """The id of what has the focus, or of the card that it is in."""
    return page.run("document.activeElement.id || document.activeElement.closest('.card')?.id")


def press(page: Chromium, button: str) -> None:
    """As one who came to it with Tab."""
    page.run(f"document.querySelector({json.dumps(button)}).focus()")
    page.key("Enter")


def test_a_region_is_split_by_arrows(page: Chromium, folder: Path) -> None:
    page.key("s")
    assert "arrows" in text(page, "#toast")
    for _ in range(3):
        page.key("ArrowRight")
    assert page.run("document.querySelectorAll('#sheet-page .ghost').length") == 1
    page.key("ArrowLeft")
    page.key("Enter")
    assert regions(page) == 2
    assert page.run("tool === null && !document.querySelector('.ghost')")
    assert boxes(converted(page, folder)) == HALVES


def test_a_box_is_moved_and_sized_by_arrows(page: Chromium, folder: Path) -> None:
    before = page.run("entries[0].box")
    page.key("n")
    for key, shift in (("ArrowUp", False), ("ArrowDown", True), ("ArrowRight", True)):
        page.key(key, shift)
    page.key("Enter")
    (after,) = page.run("standing(0).map(({box}) => box)")
    by = [now - then for now, then in zip(after, before, strict=True)]
    step = -by[1]
    assert step > 0
    assert by == [0, -step, step, 0]
    page.key("u")
    assert page.run("standing(0).map(({box}) => box)") == [before]


def test_a_box_that_arrows_move_stays_on_its_page_as_it_is(page: Chromium) -> None:
    left, top, right, foot = page.run("entries[0].box")
    page.key("n")
    page.run("for (let i = 0; i < 300; i++) { aimed('ArrowRight'); aimed('ArrowDown') }")
    width, height = page.run("[pages[0].width, pages[0].height]")
    assert page.run("aim.region") == [width - (right - left), height - (foot - top), width, height]
    page.run("for (let i = 0; i < 300; i++) aimed('ArrowLeft', true)")
    assert page.run("aim.region[2] - aim.region[0]") == 2
    page.run("showSheet(0)")
    page.key("Enter")
    assert page.run("document.querySelectorAll('.card.cut').length") == 0


def test_arrows_without_a_tool_point_at_signs_and_cut_nothing(page: Chromium) -> None:
    page.key("n")
    page.key("ArrowRight")
    page.key("Escape")
    page.key("ArrowRight")
    page.key("Enter")
    assert page.run("document.querySelector('.ghost')") is None
    assert regions(page) == 1


def test_a_change_that_was_taken_back_can_be_done_again(desk: Chromium) -> None:
    desk.key("j")
    desk.key("e")
    desk.run("document.querySelector('textarea').select()")
    desk.type(r"\oint")
    desk.key("Enter")
    desk.run("splitAt(entries[0], [130, 20], [130, 100])")
    for _ in range(2):
        desk.key("u")
    assert (text(desk, f"#{CARD} .badge"), regions(desk)) == ("ok", 1)
    assert not desk.run("document.querySelector('#redo').disabled")
    desk.key("U", shift=True)
    assert text(desk, f"#{CARD} .latex") == r"\oint"
    desk.click("#redo")
    assert regions(desk) == 2
    assert desk.run("document.querySelector('#redo').disabled")
    desk.key("u")
    desk.key("x")
    desk.key("U", shift=True)
    assert text(desk, f"#{CARD} .badge") == "not mathematics"


def test_caps_lock_changes_no_key(desk: Chromium) -> None:
    desk.key("J")
    desk.key("X")
    assert text(desk, f"#{CARD} .badge") == "not mathematics"
    desk.key("U")
    assert text(desk, f"#{CARD} .badge") == "ok"
    desk.key("u", shift=True)
    assert text(desk, f"#{CARD} .badge") == "not mathematics"


def test_the_focus_outlives_what_had_it(desk: Chromium) -> None:
    desk.key("j")
    desk.key("x")
    press(desk, "#undo")
    assert desk.run("document.querySelector('#undo').disabled")
    assert focused(desk) == CARD
    desk.key("v")
    press(desk, "#bar-drop")
    assert focused(desk) == CARD
    desk.key("v")
    press(desk, "#bar-none")
    assert focused(desk) == CARD
    desk.run("splitAt(entries[0], [130, 20], [130, 100])")
    for left in (1, 0):
        press(desk, ".card.cut [data-do=drop]")
        assert desk.run("document.querySelectorAll('.card.cut').length") == left
        assert desk.run("document.activeElement === active && active.checkVisibility()")


def test_what_is_taken_back_is_seen(browser: Chromium, tmp_path: Path) -> None:
    for i in range(12):
        (tmp_path / f"{i:02}.png").write_bytes(encoded(cross(120 + i)))
    convert([str(tmp_path)], [str(tmp_path / "r.html")], recogniser=FakeRecogniser())
    browser.open(tmp_path / "r.html")
    browser.run("localStorage.clear()")
    browser.open(tmp_path / "r.html")
    browser.click(".card:first-of-type [data-do=drop]")
    for _ in range(11):
        browser.key("j")
    browser.key("u")
    seen = "(r => r.top >= 0 && r.bottom <= innerHeight)(cards[0].getBoundingClientRect())"
    assert browser.run(seen)
    assert browser.run("active === cards[0]")


def test_no_key_reaches_what_the_page_covers_on_a_phone(browser: Chromium, folder: Path) -> None:
    browser.size(390, 780, mobile=True)
    browser.open(folder / "r.html")
    press(browser, f"#{CARD} [data-do=page]")
    for _ in range(8):
        here = browser.run(
            "(e => e === document.body || sheet.contains(e))(document.activeElement)"
        )
        assert here
        browser.key("Tab")
    browser.key("s")
    browser.run("document.querySelector('#toast').style.pointerEvents = 'auto'")
    place = "document.querySelector('#toast').getBoundingClientRect()"
    uppermost = "document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2).id"
    assert browser.run(f"(r => {uppermost})({place})") == "toast"
    browser.key("Escape")
    browser.key("Escape")
    assert focused(browser) == CARD
    browser.size(1280, 900)


def wide(tmp_path: Path, label: str) -> Path:
    (tmp_path / "a.png").write_bytes(encoded(cross()))
    convert([str(tmp_path / "a.png")], [str(tmp_path / "r.html")], recogniser=FakeRecogniser(label))
    return tmp_path / "r.html"


def test_a_formula_that_is_scrolled_is_reached_by_keys(browser: Chromium, tmp_path: Path) -> None:
    drawn = "new Promise(done => requestAnimationFrame(() => setTimeout(() => done(0), 50)))"
    reached = "document.querySelector('.math').getAttribute('tabindex')"
    browser.open(wide(tmp_path, " + ".join(["x ^ { 2 }"] * 40)))
    browser.run(drawn)
    assert browser.run(reached) == "0"
    browser.open(wide(tmp_path, "x"))
    browser.run(drawn)
    assert browser.run(reached) is None


def test_arrows_are_for_the_formula_that_has_the_focus(browser: Chromium, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.png").write_bytes(encoded(cross(ord(name))))
    read = FakeRecogniser(" + ".join(["x ^ { 2 }"] * 60))
    convert([str(tmp_path)], [str(tmp_path / "r.html")], recogniser=read)
    browser.open(tmp_path / "r.html")
    browser.run("new Promise(done => requestAnimationFrame(() => setTimeout(() => done(0), 50)))")
    browser.key("j")
    browser.key("j")
    browser.run("cards[0].querySelector('.math').focus()")
    browser.key("ArrowRight")
    assert browser.run("lit.card === cards[0] && active === cards[0]")
    browser.key("ArrowLeft")
    browser.key("ArrowLeft")
    assert browser.run("cards[0].querySelector('.math').scrollLeft") > 0


def test_a_long_formula_is_edited_with_all_of_it_in_sight(
    browser: Chromium, tmp_path: Path
) -> None:
    browser.open(wide(tmp_path, " + ".join(["x ^ { 2 }"] * 60)))
    browser.size(1280, 500)
    browser.key("e")
    place = "document.querySelector('.editor .main').getBoundingClientRect()"
    assert browser.run(f"(r => r.top >= 0 && r.bottom <= innerHeight)({place})")
    area = "document.querySelector('textarea')"
    assert browser.run(f"{area}.scrollHeight <= {area}.clientHeight")
    browser.size(1280, 900)


def test_the_editor_begins_at_the_sign_that_is_pointed_at(
    browser: Chromium, tmp_path: Path
) -> None:
    browser.open(wide(tmp_path, r"\alpha + \frac { a } { b }"))
    for _ in range(4):
        browser.key("ArrowRight")
    browser.key("e")
    area = "document.querySelector('textarea')"
    assert browser.run(f"(a => a.value.slice(a.selectionStart, a.selectionEnd))({area})") == "a"
    browser.type("c")
    browser.key("Enter")
    assert text(browser, ".latex") == r"\alpha+\frac{c}{b}"


def test_keys_of_one_character_can_be_left_to_a_voice(desk: Chromium, folder: Path) -> None:
    desk.key("?")
    desk.key("Enter")
    assert not desk.run("document.querySelector('#help').open")
    desk.key("?")
    desk.click("#keys")
    for _ in range(2):
        desk.key("Escape")
        desk.key("j")
        desk.key("x")
        assert text(desk, f"#{CARD} .badge") == "ok"
        desk.open(folder / "r.html")
    desk.click("#help-button")
    desk.click("#keys")
    desk.key("Escape")
    desk.key("x")
    assert text(desk, f"#{CARD} .badge") == "not mathematics"


def test_the_colours_are_those_that_were_chosen_last(desk: Chromium, folder: Path) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    before = desk.run(ground)
    desk.click("#theme")
    desk.open(folder / "r.html")
    assert desk.run(ground) != before
    desk.run("localStorage.setItem('hmer-theme', 'none')")
    desk.open(folder / "r.html")
    assert desk.run(ground) == before


def test_a_double_click_opens_the_editor_at_the_sign(browser: Chromium, tmp_path: Path) -> None:
    browser.open(wide(tmp_path, r"\alpha + \beta"))
    browser.point_at(".latex [data-t='2']")
    browser.run(
        "document.querySelector(\".latex [data-t='2']\").dispatchEvent("
        "new MouseEvent('dblclick', {bubbles: true}))"
    )
    area = "document.querySelector('textarea')"
    chosen = f"(a => a.value.slice(a.selectionStart, a.selectionEnd))({area})"
    assert browser.run(chosen) == r"\beta"
