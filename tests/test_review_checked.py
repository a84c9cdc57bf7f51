"""Readings that a person says are right, on the review page and after convert took the export."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from chromium import Chromium
from test_review import Scribe, browser, folder, ids, needs_chromium, page, text
from test_review_gestures import badge, exported, typed

from hmer_cli.commands.convert import convert
from hmer_cli.document.records import Record

__all__ = ["browser", "folder", "page"]

pytestmark = needs_chromium

LOW = "notes-p2-r1"
FIRST = "notes-p1-r1"


def pressed(page: Chromium, card: str) -> str:
    return page.run(
        f"document.querySelector('#{card} [data-do=right]').getAttribute('aria-pressed')"
    )


def applied(page: Chromium, folder: Path) -> list[Record]:
    (folder / "c.json").write_text(page.run("corrections()"), "utf-8")
    return convert(
        [str(folder / "notes.pdf")], [str(folder / "again.html")],
        corrections=[folder / "c.json"], recogniser=Scribe(),
    )  # fmt: skip


def test_a_doubtful_reading_that_is_right_is_ok_from_then_on(page: Chromium, folder: Path) -> None:
    page.click(".chips label:nth-child(2)")
    assert ids(page) == [LOW]
    page.click(f"#{LOW} h3")
    page.key("r")
    assert ids(page) == []
    page.open(folder / "review.html")
    assert (badge(page, LOW), pressed(page, LOW)) == ("checked", "true")
    assert text(page, "#summary") == "3 expressions · 1 failed · 1 checked · 1 not applied yet"
    assert page.run(f"document.querySelector('#{LOW} .unsure')") is None
    assert [entry["latex"] for entry in exported(page)] == [r"\frac{a}{b}"]
    record = applied(page, folder)[1]
    assert (record.latex, record.status, record.confidence) == (r"\frac{a}{b}", "ok", 1.0)
    page.open(folder / "again.html")
    assert badge(page, LOW) == "checked"
    assert text(page, "#summary") == "3 expressions · 1 checked"
    assert not page.run(f"document.querySelector('#{LOW} [data-do=right]').checkVisibility()")
    assert page.run("stored().size") == 0
    assert [entry["latex"] for entry in exported(page)] == [r"\frac{a}{b}"]


def test_it_is_taken_back_by_the_same_key_and_by_undo(page: Chromium) -> None:
    page.click(f"#{LOW} [data-do=right]")
    page.click(f"#{LOW} [data-do=right]")
    assert (badge(page, LOW), pressed(page, LOW)) == ("low", "false")
    page.click(f"#{LOW} [data-do=right]")
    page.key("u")
    assert badge(page, LOW) == "low"
    assert exported(page) == []


def test_it_stays_right_where_the_editor_is_left_as_it_was_and_mathematics_again(
    page: Chromium,
) -> None:
    page.click(f"#{LOW} [data-do=right]")
    page.click(f"#{LOW} h3")
    page.key("e")
    page.key("Enter")
    assert badge(page, LOW) == "checked"
    page.key("x")
    assert badge(page, LOW) == "not mathematics"
    page.key("x")
    assert badge(page, LOW) == "checked"
    page.key("r")
    assert badge(page, LOW) == "low"


def test_the_key_says_why_a_correction_is_not_checked(page: Chromium, folder: Path) -> None:
    typed(page, FIRST, "x^3")
    page.key("r")
    assert "corrected" in text(page, "#toast")
    page.key("u")
    page.key("r")
    applied(page, folder)
    page.open(folder / "again.html")
    page.click(f"#{FIRST} h3")
    page.key("r")
    assert "applied" in text(page, "#toast")


def test_every_card_is_described_by_what_is_there(page: Chromium) -> None:
    missing = "!document.getElementById(id)"
    named = "[...cards].flatMap(c => c.getAttribute('aria-describedby').split(' '))"
    assert page.run(f"{named}.filter(id => {missing})") == []


def test_many_are_right_at_once(page: Chromium) -> None:
    typed(page, "notes-p3-r1", "z")
    for card in (FIRST, LOW, "notes-p3-r1"):
        page.click(f"#{card} .choose")
    page.click("#bar-right")
    badges = [badge(page, card) for card in (FIRST, LOW, "notes-p3-r1")]
    assert badges == ["checked", "checked", "corrected"]
    page.key("u")
    assert [badge(page, card) for card in (FIRST, LOW)] == ["ok", "low"]


def test_what_is_chosen_is_copied_in_its_order(page: Chromium) -> None:
    page.run("navigator.clipboard.writeText = async (text) => { window.copied = text }")
    page.run("order.value = 'page'; arrange()")
    page.click(f"#{LOW} .choose")
    page.click(f"#{FIRST} .choose")
    page.key("c")
    assert page.run("copied").split("\n") == ["x^2", r"\frac{a}{b}"]
    assert "2 expressions" in text(page, "#toast")
    page.click(f"#{LOW} .choose")
    page.click("#bar-copy")
    assert page.run("copied") == "x^2"


def test_what_was_typed_since_holds(page: Chromium) -> None:
    page.click(f"#{FIRST} [data-do=right]")
    page.key("1")
    assert badge(page, FIRST) == "corrected"
    assert not page.run(f"document.querySelector('#{FIRST} [data-do=right]').checkVisibility()")
    page.key("r")
    assert [entry["latex"] for entry in exported(page)] == ["x^3"]


@pytest.mark.parametrize("label", ["", r"\frac { a < b"])
def test_what_convert_would_refuse_is_not_said_to_be_right(
    browser: Chromium, folder: Path, label: str
) -> None:
    scribe = Scribe()
    scribe.labels = {"x ^ { 2 }": 0.9, label: 0.2} if label else {"x ^ { 2 }": 0.9}
    convert([str(folder / "notes.pdf")], [str(folder / "bad.html")], recogniser=scribe)
    browser.open(folder / "bad.html")
    browser.run("localStorage.clear()")
    browser.open(folder / "bad.html")
    browser.click(f"#{LOW} h3")
    browser.key("r")
    assert exported(browser) == []
    assert ("Edit it first" if label else "no reading here") in text(browser, "#toast")
    assert json.loads(browser.run("localStorage.getItem(STORE) ?? '{}'")) == {}
