"""The review page on paper and in the forced colours of a system with high contrast."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chromium import Chromium
from test_review import browser, folder, needs_chromium, page

__all__ = ["browser", "folder", "page"]

pytestmark = needs_chromium

LIGHT = """
(css => css.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
  .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0))"""


@pytest.fixture(autouse=True)
def screen(page: Chromium) -> Iterator[None]:
    """The screen as it was, after each test."""
    yield
    page.media()


@pytest.mark.parametrize("dark", ["system", "button"])
def test_paper_is_white_whatever_the_screen_is(page: Chromium, dark: str) -> None:
    if dark == "button":
        page.click("#theme")
    page.media("print", prefers_color_scheme="dark" if dark == "system" else "light")
    inks = page.run(
        f"[...document.querySelectorAll('.card h3, .latex, .math, .sure, .where')]"
        f".map(e => {LIGHT}(getComputedStyle(e).color))"
    )
    assert min(1.05 / (ink + 0.05) for ink in inks) > 4.5
    assert page.run("getComputedStyle(document.querySelector('.crop')).filter") == "none"


def test_paper_has_what_was_read_and_nothing_to_press(page: Chromium) -> None:
    page.run("wake(cardOf(entries[0]))")
    page.click("#notes-p1-r1 .choose")
    assert page.run("document.querySelector('.others button').checkVisibility()")
    page.media("print")
    pressed = "[...document.querySelectorAll('button, input, select, #toast')]"
    assert page.run(f"{pressed}.filter(e => e.checkVisibility()).map(e => e.outerHTML)") == []
    assert page.run("document.querySelectorAll('.latex').length") == 3


def test_in_forced_colours_what_is_chosen_and_pointed_at_differs(page: Chromium) -> None:
    page.media(forced_colors="active")
    page.run("wake(cardOf(entries[0])); light(cardOf(entries[0]), 0)")
    look = "e => getComputedStyle(e).backgroundColor"
    for one, other in (
        (".chips input:checked + span", ".chips input:not(:checked) + span"),
        (".others [aria-pressed=true]", ".others [aria-pressed=false]"),
        (".math .hot", ".math [data-t]:not(.hot)"),
        (".latex .hot", ".latex [data-t]:not(.hot)"),
    ):
        both = page.run(f"['{one}', '{other}'].map(s => ({look})(document.querySelector(s)))")
        assert both[0] != both[1], one
