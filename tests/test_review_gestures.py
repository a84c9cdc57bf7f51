"""Gestures of the review page in a real browser, with a mouse and at a phone's width."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import Chromium
from test_review import Scribe, folder, ids, needs_chromium, text

from hmer_cli.commands.convert import convert

__all__ = ["folder"]

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(params=["desk", "phone"])
def page(request: pytest.FixtureRequest, browser: Chromium, folder: Path) -> Iterator[Chromium]:
    """The review page on a wide screen and on a narrow one, as one who never saw it sees it."""
    phone = request.param == "phone"
    browser.size(*((390, 780) if phone else (1280, 900)), mobile=phone)
    browser.open(folder / "review.html")
    browser.run("localStorage.clear()")
    browser.open(folder / "review.html")
    yield browser
    assert browser.troubles() == []
    assert browser.run("document.documentElement.scrollWidth") <= (390 if phone else 1280)
    browser.size(1280, 900)


def latex(page: Chromium, card: str) -> str:
    return text(page, f"#{card} .latex")


def badge(page: Chromium, card: str) -> str:
    return text(page, f"#{card} .badge")


def exported(page: Chromium) -> list[dict[str, object]]:
    return json.loads(page.run("corrections()"))["corrections"]


def test_another_reading_is_one_key_or_one_tap_away(page: Chromium) -> None:
    page.click("#notes-p1-r1 h3")
    page.key("1")
    assert (latex(page, "notes-p1-r1"), badge(page, "notes-p1-r1")) == ("x^3", "corrected")
    page.key("2")
    assert [entry["latex"] for entry in exported(page)] == ["\\chi"]
    page.click("#notes-p1-r1 .others [data-n='1']")
    assert latex(page, "notes-p1-r1") == "x^3"
    assert page.run("document.querySelector('.others [aria-pressed=true]').dataset.n") == "1"
    page.key("0")
    assert (latex(page, "notes-p1-r1"), badge(page, "notes-p1-r1")) == ("x^2", "ok")
    page.key("7")
    assert exported(page) == []


def test_each_change_can_be_taken_back(page: Chromium) -> None:
    assert page.run("document.querySelector('#undo').disabled")
    page.click("#notes-p1-r1 h3")
    page.key("1")
    page.click("#notes-p3-r1 [data-do=drop]")
    page.click("#undo")
    assert (badge(page, "notes-p3-r1"), badge(page, "notes-p1-r1")) == ("ok", "corrected")
    page.key("u")
    assert (latex(page, "notes-p1-r1"), badge(page, "notes-p1-r1")) == ("x^2", "ok")
    assert page.run("document.querySelector('#undo').disabled")
    assert exported(page) == []


def test_many_are_dismissed_at_once_and_taken_back_at_once(page: Chromium) -> None:
    assert not page.run("document.querySelector('#bar').checkVisibility()")
    page.click("#notes-p1-r1 .choose")
    page.click("#notes-p3-r1 .choose")
    assert text(page, "#bar-count") == "2 chosen"
    page.click("#bar-drop")
    assert not page.run("document.querySelector('#bar').checkVisibility()")
    badges = [badge(page, f"notes-p{i}-r1") for i in (1, 2, 3)]
    assert badges == ["not mathematics", "low", "not mathematics"]
    assert [entry["latex"] for entry in exported(page)] == ["", ""]
    page.click("#undo")
    assert exported(page) == []


def test_a_button_of_a_card_is_for_that_card_whatever_is_chosen(page: Chromium) -> None:
    page.click("#notes-p1-r1 .choose")
    page.click("#notes-p2-r1 .choose")
    page.click("#notes-p3-r1 [data-do=drop]")
    badges = [badge(page, f"notes-p{i}-r1") for i in (1, 2, 3)]
    assert badges == ["ok", "low", "not mathematics"]
    assert text(page, "#bar-count") == "2 chosen"


def test_all_that_a_filter_leaves_are_dismissed_with_keys(page: Chromium, folder: Path) -> None:
    page.key("/")
    page.type("notes")
    page.key("Escape")
    page.click("#notes-p1-r1 h3")
    page.key("v")
    page.click("#bar-all")
    assert text(page, "#bar-count") == f"{len(ids(page))} chosen" == "3 chosen"
    page.key("x")
    (folder / "c.json").write_text(page.run("corrections()"), "utf-8")
    records = convert(
        [str(folder / "notes.pdf")], ["-.jsonl"], corrections=[folder / "c.json"],
        recogniser=Scribe(),
    )  # fmt: skip
    assert [record.dismissed for record in records] == [True] * 3


def test_all_shown_are_chosen_in_one_step(page: Chromium) -> None:
    page.click("#notes-p1-r1 .choose")
    page.run("calls = 0; let before = showChosen; showChosen = () => { calls++; before(); }; 0")
    page.click("#bar-all")
    assert text(page, "#bar-count") == "3 chosen"
    assert page.run("[...document.querySelectorAll('.choose')].every(box => box.checked)")
    assert page.run("calls") == 1


def test_the_sheet_follows_as_one_scrolls(page: Chromium) -> None:
    page.run("order.value = 'page'; order.dispatchEvent(new Event('change'))")
    page.run("cards.forEach(card => card.style.minHeight = '120vh')")
    page.click("#notes-p1-r1 h3")
    assert text(page, "#sheet-name").endswith("page 1")
    for number in (2, 3, 1):
        page.run(
            f"document.querySelector('#notes-p{number}-r1').scrollIntoView({{block: 'start'}});"
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
        if page.run("narrow.matches"):  # the page is a sheet of its own there, opened by a button
            assert page.run("document.querySelector('[aria-current]').id") == "notes-p1-r1"
        else:
            assert text(page, "#sheet-name").endswith(f"page {number}")
            assert page.run("document.querySelector('[aria-current]').id") == f"notes-p{number}-r1"


def typed(page: Chromium, card: str, latex: str) -> None:
    page.click(f"#{card} [data-do=edit]")
    page.run("document.querySelector('textarea').select()")
    page.type(latex)
    page.key("Enter")


def test_what_was_typed_stands_again_after_it_was_no_mathematics(
    page: Chromium, folder: Path
) -> None:
    typed(page, "notes-p2-r1", r"\dfrac12")
    page.key("x")
    assert badge(page, "notes-p2-r1") == "not mathematics"
    page.open(folder / "review.html")
    page.click("#notes-p2-r1 [data-do=drop]")
    assert [entry["latex"] for entry in exported(page)] == [r"\dfrac12"]
    page.click("#notes-p2-r1 .choose")
    page.key("x")
    page.click("#notes-p2-r1 .choose")
    page.click("#notes-p3-r1 .choose")
    page.click("#bar-drop")
    assert [entry["latex"] for entry in exported(page)] == ["", ""]
    page.click("#notes-p2-r1 .choose")
    page.click("#notes-p3-r1 .choose")
    page.click("#bar-drop")
    assert [entry["latex"] for entry in exported(page)] == [r"\dfrac12"]
    assert badge(page, "notes-p3-r1") == "ok"


def test_two_pages_that_are_open_keep_what_was_typed_in_each(page: Chromium, folder: Path) -> None:
    typed(page, "notes-p2-r1", "a")
    elsewhere = "{...JSON.parse(localStorage.getItem(STORE)), elsewhere: {latex: 'b'}}"
    page.run(f"localStorage.setItem(STORE, JSON.stringify({elsewhere}))")
    typed(page, "notes-p1-r1", "c")
    page.key("u")
    page.run("exportAll()")
    kept = json.loads(page.run("localStorage.getItem(STORE)"))
    assert sorted(edit["latex"] for edit in kept.values()) == ["a", "b"]


def test_what_an_older_export_lacks_is_still_a_change(page: Chromium, folder: Path) -> None:
    typed(page, "notes-p1-r1", "a")
    typed(page, "notes-p2-r1", r"$\dfrac12$")
    (folder / "older.json").write_text(page.run("corrections()"), "utf-8")
    typed(page, "notes-p1-r1", "b")
    page.run("exportAll()")
    convert(
        [str(folder / "notes.pdf")], [str(folder / "older.html")],
        corrections=[folder / "older.json"], recogniser=Scribe(),
    )  # fmt: skip
    page.open(folder / "older.html")
    assert latex(page, "notes-p1-r1") == "b"
    assert text(page, "#summary") == "3 expressions · 2 corrected · 1 not applied yet"
    assert [entry["latex"] for entry in exported(page)] == ["b", r"\dfrac12"]


def test_a_region_where_nothing_was_read_stays_no_mathematics(page: Chromium, folder: Path) -> None:
    scribe = Scribe()
    scribe.labels = {"x ^ { 2 }": 0.9}
    convert([str(folder / "notes.pdf")], [str(folder / "one.html")], recogniser=scribe)
    for state in ("failed", "not mathematics"):
        page.open(folder / "one.html")
        assert badge(page, "notes-p2-r1") == state
        page.click("#notes-p2-r1 [data-do=drop]")
    assert badge(page, "notes-p2-r1") == "failed"
    assert exported(page) == []
