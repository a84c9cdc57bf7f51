"""The export of the review page, and what convert takes of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from chromium import Chromium
from test_review import (
    Scribe,
    browser,
    folder,
    needs_chromium,
    page,
    text,
)

from hmer_cli.commands.convert import convert
from hmer_cli.document.records import Spelling

__all__ = ["browser", "folder", "page"]


def corrected(page: Chromium) -> None:
    """One expression is typed anew, another dismissed."""
    page.click("#notes-p2-r1 [data-do=edit]")
    page.run("document.querySelector('textarea').select()")
    page.type(r"\frac12 + \alpha'")
    page.key("Enter")
    page.click("#notes-p3-r1 [data-do=drop]")


@needs_chromium
def test_corrections_outlive_the_page_and_can_be_taken_back(page: Chromium, folder: Path) -> None:
    corrected(page)
    page.open(folder / "review.html")
    assert text(page, "#summary").endswith("2 corrected · 2 not applied yet")
    assert text(page, "#notes-p3-r1 .badge") == "not mathematics"
    assert text(page, "#notes-p2-r1 .badge") == "corrected"
    page.click("#notes-p3-r1 [data-do=drop]")
    page.click("#notes-p2-r1 [data-do=edit]")
    page.click("[data-do=revert]")
    page.click(".editor .main")
    assert text(page, "#summary") == "3 expressions · 1 low · 1 failed"
    assert page.run("document.querySelector('#export').disabled")


@needs_chromium
def test_an_export_is_applied_by_convert_and_then_done(page: Chromium, folder: Path) -> None:
    corrected(page)
    exported = page.download("#export", "corrections.json")
    lines = exported.read_text("utf-8").splitlines()
    assert len([line for line in lines if '"latex"' in line]) == 2

    (folder / "renamed.pdf").write_bytes((folder / "notes.pdf").read_bytes())
    again, log = folder / "again.html", folder / "again.jsonl"
    records = convert(
        [str(folder / "renamed.pdf")],
        [str(again), str(log)],
        corrections=[exported],
        recogniser=Scribe(),
    )
    (folder / "renamed.pdf").unlink()
    latex = [json.loads(line)["latex"] for line in log.read_text("utf-8").splitlines()]
    assert latex == ["x^2", r"\frac12 + \alpha'"]
    assert [record.dismissed for record in records] == [False, False, True]

    page.open(again)
    assert text(page, "#summary") == "3 expressions · 2 corrected"
    assert text(page, "#renamed-p2-r1 .badge") == "corrected"
    assert text(page, "#renamed-p3-r1 .badge") == "not mathematics"
    assert page.download("#export", "corrections.json")


@needs_chromium
def test_an_export_waits_for_what_is_being_typed(page: Chromium, folder: Path) -> None:
    corrected(page)
    page.click("#notes-p1-r1 [data-do=edit]")
    page.type("z")
    page.run("URL.createObjectURL = () => { throw Error('exported') }")
    page.click("#export")
    assert "Keep or cancel first" in text(page, "#toast")
    assert page.troubles() == []
    leaving = "!dispatchEvent(new Event('beforeunload', {cancelable: true}))"
    assert page.run(leaving)
    page.key("Enter")
    assert not page.run(leaving)
    page.open(folder / "review.html")
    assert page.download("#export", "corrections.json").read_text().count("latex") == 3


@needs_chromium
def test_an_export_has_what_was_typed_in_another_window(page: Chromium) -> None:
    corrected(page)
    key = page.run("entries.find(({alias}) => alias === 'notes-p1-r1').key")
    kept = json.dumps({**page.run("Object.fromEntries(stored())"), key: {"latex": "z"}})
    page.run(f"localStorage.setItem(STORE, {json.dumps(kept)})")
    page.run("exportAll()")
    assert text(page, "#notes-p1-r1 .latex") == "z"
    page.key("u")
    said = [entry["latex"] for entry in json.loads(page.run("corrections()"))["corrections"]]
    assert sorted(said) == [r"\frac12 + \alpha'", "z"]
    assert page.run(f"stored().get({json.dumps(key)}).latex") == "z"


@needs_chromium
def test_an_export_keeps_what_a_newer_page_has_applied(page: Chromium) -> None:
    corrected(page)
    before = page.run("corrections()")
    page.run("localStorage.setItem(STORE, '{}')")  # as the page of the next run does
    page.run("exportAll()")
    assert page.run("corrections()") == before


@needs_chromium
def test_no_latex_is_not_copied_over_what_was(page: Chromium) -> None:
    page.run("navigator.clipboard.writeText = () => { throw Error('copied') }")
    page.key("j")
    page.key("x")
    page.key("c")
    assert "no LaTeX" in text(page, "#toast")


@needs_chromium
def test_an_export_can_be_fetched_after_the_click(page: Chromium) -> None:
    """WebKit does so, on iOS not before the reader agreed."""
    page.run("window.gone = []; URL.revokeObjectURL = (url) => gone.push(url)")
    corrected(page)
    page.download("#export", "corrections.json")
    assert page.run("new Promise((done) => setTimeout(() => done(gone), 500))") == []


@needs_chromium
@pytest.mark.parametrize("spelling", ["typed", "tokens"])
def test_an_applied_correction_is_shown_and_exported_as_it_was_typed(
    page: Chromium, folder: Path, spelling: Spelling
) -> None:
    typed = r"{\bf x} \over \text{area}"
    page.click("#notes-p2-r1 [data-do=edit]")
    page.run("document.querySelector('textarea').select()")
    page.type(typed)
    page.key("Enter")
    exported = page.download("#export", "corrections.json")
    convert(
        [str(folder / "notes.pdf")], [str(folder / "again.html")], corrections=[exported],
        recogniser=Scribe(), spelling=spelling,
    )  # fmt: skip
    page.open(folder / "again.html")
    assert text(page, "#notes-p2-r1 .math mfrac mi") == "x"
    for card in ("notes-p1-r1", "notes-p2-r1"):
        page.click(f"#{card} [data-do=drop]")
        page.click(f"#{card} [data-do=drop]")
    page.click("#notes-p1-r1 [data-do=edit]")
    page.click("[data-do=revert]")
    page.click(".editor .main")
    assert text(page, "#notes-p2-r1 .math mfrac mi") == "x"
    assert text(page, "#notes-p2-r1 .latex") == typed
    found = json.loads(page.run("corrections()"))["corrections"]
    assert [entry["latex"] for entry in found] == [typed]
