"""Corrections that are known by their place alone stay doubtful until a person keeps them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from chromium import Chromium
from handmade import encoded
from test_review import active, browser, ids, needs_chromium, text

from hmer_cli.document.build_records import records_of
from hmer_cli.document.corrections import Corrections
from hmer_cli.document.records import PageRead, Picture, Record, RegionReading, Result
from hmer_cli.document.review import review
from hmer_cli.geometry import Box
from hmer_cli.recognition.reading import Reading, TokenReading

__all__ = ["browser"]

NOW: Box = (10, 10, 110, 30)
THEN = [10, 10, 70, 30]
TOKENS = tuple(
    TokenReading(token, 0.9, (10.0 + 20 * i, 10.0, 25.0 + 20 * i, 30.0))
    for i, token in enumerate("x = 1 + y".split())
)
GIVEN = {"latex": "x=7", "source": "a.png", "page": 1, "box": THEN, "key": "then", "file": "f" * 64}


def corrected(folder: Path, *lines: dict[str, object]) -> Record:
    """The record of a region that has grown since, after these corrections; its review page."""
    blank = encoded(np.full((100, 200), 255, np.uint8), "WEBP")
    reading = RegionReading(NOW, NOW, "now", Reading("x = 1 + y", 0.9, TOKENS))
    page = PageRead(
        "a.png", 1, Result("m", (reading,)), "f" * 64, picture=Picture(200, 100, lambda: blank)
    )
    given = {"hmer": "corrections", "version": 1, "corrections": lines}
    (folder / "c.json").write_text(json.dumps(given), "utf-8")
    (record,) = records_of([page], Corrections.load([folder / "c.json"]))
    (folder / "r.html").write_text(review([record]), "utf-8")
    return record


def exported(page: Chromium) -> list[dict[str, object]]:
    return json.loads(page.run("corrections()"))["corrections"]


@pytest.fixture
def page(browser: Chromium, tmp_path: Path) -> Chromium:
    assert corrected(tmp_path, GIVEN).status == "low"
    browser.open(tmp_path / "r.html")
    browser.run("localStorage.clear()")
    browser.open(tmp_path / "r.html")
    return browser


@needs_chromium
def test_it_is_among_the_low_ones_and_no_export_makes_it_sure(
    page: Chromium, tmp_path: Path
) -> None:
    assert text(page, "#summary") == "1 expression · 1 low"
    assert text(page, ".badge") == "corrected, low"
    page.click(".chips label:nth-child(2)")
    assert ids(page) == [active(page)] == ["a-p1-r1"]
    assert "when its box was smaller" in text(page, ".note")
    assert exported(page) == [GIVEN]
    page.key("x")
    page.click(".chips label:nth-child(1)")
    page.key("x")
    assert text(page, ".badge") == "corrected, low"
    assert exported(page) == [GIVEN]
    assert corrected(tmp_path, *exported(page)).status == "low"
    assert page.troubles() == []


@needs_chromium
def test_it_is_sure_when_it_was_kept_in_its_editor(page: Chromium, tmp_path: Path) -> None:
    page.key("e")
    page.key("Enter")
    assert text(page, "#summary") == "1 expression · 1 corrected · 1 not applied yet"
    page.open(tmp_path / "r.html")
    assert text(page, ".badge") == "corrected"
    assert exported(page) == [GIVEN | {"key": "now", "box": [*NOW]}]
    assert corrected(tmp_path, *exported(page)).status == "ok"
    page.open(tmp_path / "r.html")
    assert text(page, "#summary") == "1 expression · 1 corrected"
    assert page.run("stored().size") == 0
