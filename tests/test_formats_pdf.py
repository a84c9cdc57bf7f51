"""Searchable PDF, beside PAGE-XML: pages, places, and what a PDF of notes has beside its pages."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import numpy as np
import pytest
from handmade import FakeRecogniser, cross, encoded, paged
from pdfs import one_page, with_object_stream
from test_formats import _here

from hmer_cli.commands.convert import convert
from hmer_cli.commands.shards import convert_shard, merge
from hmer_cli.document import pdf_overlay
from hmer_cli.document.formats import pdf
from hmer_cli.page.load.worker import WorkerError

__all__ = ["_here"]


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")
def test_pages_without_mathematics_are_in_no_archive_and_no_pdf() -> None:
    pikepdf = pytest.importorskip("pikepdf")
    Path("a.png").write_bytes(encoded(cross()))
    Path("blank.png").write_bytes(encoded(np.full((300, 300), 255, np.uint8)))
    convert(["a.png", "blank.png"], ["o.page.zip", "o.pdf"], recogniser=FakeRecogniser())
    with zipfile.ZipFile("o.page.zip") as archive:
        assert archive.namelist() == ["a-p1.png", "page/a-p1.xml"]
    with pikepdf.open("o.pdf") as document:
        assert len(document.pages) == 1


def test_the_pages_of_a_pdf_stay_where_all_on_them_was_dismissed() -> None:
    pikepdf = pytest.importorskip("pikepdf")
    Path("a.pdf").write_bytes(paged([cross(), np.full((120, 160), 255, np.uint8)]))
    Path("b.png").write_bytes(encoded(cross()))
    read = convert(["a.pdf", "b.png"], ["o.csv"], recogniser=FakeRecogniser())
    entries = [{"key": each.key, "latex": ""} for each in read]
    content = {"hmer": "corrections", "version": 1, "corrections": entries}
    Path("c.json").write_text(json.dumps(content))
    given = [Path("c.json")]
    convert(["a.pdf", "b.png"], ["o.pdf"], corrections=given, recogniser=FakeRecogniser())
    with pikepdf.open("o.pdf") as document:
        pages = [pikepdf.parse_content_stream(page) for page in document.pages]
    assert len(pages) == 2
    assert "Tj" not in {str(operator) for page in pages for _, operator in page}


def test_no_file_is_made_of_no_page(capsys: pytest.CaptureFixture[str]) -> None:
    pikepdf = pytest.importorskip("pikepdf")
    Path("a.png").write_bytes(encoded(cross()))
    outs = ["o.pdf", "o.page.zip"]
    (read,) = convert(["a.png"], outs, recogniser=FakeRecogniser())
    entries = [{"key": read.key, "latex": ""}]
    Path("c.json").write_text(
        json.dumps({"hmer": "corrections", "version": 1, "corrections": entries})
    )
    given = [Path("c.json")]
    before = [Path(out).read_bytes() for out in outs]
    outs += ["n.pdf", "n.page.zip", "n.csv"]
    convert(["a.png"], outs, corrections=given, recogniser=FakeRecogniser())
    assert [Path(out).read_bytes() for out in outs[:2]] == before
    assert not Path("n.pdf").exists() and not Path("n.page.zip").exists() and Path("n.csv").exists()
    said = capsys.readouterr().err
    assert "o.pdf: left as it was, as nothing is left to show" in said
    assert "n.page.zip: not written, as nothing is left to show" in said
    with pikepdf.open("o.pdf") as document:
        assert len(document.pages) == 1


def test_a_pdf_from_an_archive_or_standard_input_keeps_all_its_pages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pikepdf = pytest.importorskip("pikepdf")
    data = paged([cross(), np.full((120, 160), 255, np.uint8)])
    with zipfile.ZipFile("in.zip", "w") as archive:
        archive.writestr("a.pdf", data)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    convert(["in.zip", "-"], ["o.pdf"], recogniser=FakeRecogniser())
    with pikepdf.open("o.pdf") as document:
        assert len(document.pages) == 4
        texts = [str(pikepdf.parse_content_stream(page)).count("Tj") for page in document.pages]
    assert texts == [1, 0, 1, 0]


@pytest.mark.parametrize("change", ["moved", "changed"])
def test_a_pdf_that_is_not_there_to_be_merged_is_said(
    change: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pikepdf = pytest.importorskip("pikepdf")
    pages = [cross(), np.full((120, 160), 255, np.uint8)]
    Path("a.pdf").write_bytes(paged(pages))
    Path("b.png").write_bytes(encoded(cross()))
    shard = ["a.pdf", "b.png"], ["s.jsonl"], "1/1"
    convert_shard(*shard, pictures=True, recogniser=FakeRecogniser())
    merge(["all.pdf"], [Path("s.jsonl")])
    assert "a.pdf" not in capsys.readouterr().err
    Path("a.pdf").write_bytes(paged(pages[::-1])) if change == "changed" else Path("a.pdf").unlink()
    Path("b.png").unlink()  # of an image, its cleaned picture is all that is shown
    merge(["some.pdf"], [Path("s.jsonl")])
    (line,) = capsys.readouterr().err.splitlines()[:-1]
    assert line.startswith("hmer: a.pdf: cannot be opened again for .pdf")
    for name, count in (("all.pdf", 3), ("some.pdf", 2)):
        with pikepdf.open(name) as document:
            assert len(document.pages) == count


def is_kept(data: bytes, others: Sequence[str], capsys: pytest.CaptureFixture[str]) -> bool:
    """Whether the one page of a PDF stays as it is in ``o.pdf``, beside others; else a line says
    that it is a picture there."""
    pikepdf = pytest.importorskip("pikepdf")
    Path("a.pdf").write_bytes(data)
    records = convert(["a.pdf", *others], ["o.pdf"], recogniser=FakeRecogniser())
    assert {record.status for record in records} == {"ok"}
    line = "a.pdf: cannot be opened again for .pdf, which shows its pages with mathematics alone"
    said = line in capsys.readouterr().err
    with pikepdf.open("o.pdf") as pdf:
        texts = [str(pikepdf.parse_content_stream(page)).count("Tj") for page in pdf.pages]
        pictures = ["/XObject" in page.Resources for page in pdf.pages]
    assert texts == [1] * (1 + len(others))
    assert pictures == [said, *[True] * len(others)]
    return not said


OTHERS = pytest.mark.parametrize("others", [[], ["b.png"]])


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux alone")
@OTHERS
def test_a_pdf_that_unpacks_to_too_much_is_shown_as_pictures(
    others: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("b.png").write_bytes(encoded(cross()))
    bomb = with_object_stream(b"<</A(%s)>>" % bytes(120 << 20), "/Foo 6 0 R")
    monkeypatch.setattr(pdf_overlay, "MEMORY", 100 << 20)
    assert not is_kept(bomb, others, capsys)
    assert is_kept(with_object_stream(b"<</A(a)>>", "/Foo 6 0 R"), others, capsys)


@pytest.mark.parametrize("reason", ["time", "crash"])
def test_a_pdf_that_takes_too_much_is_shown_as_pictures(
    reason: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def call(*_: object) -> NoReturn:
        raise WorkerError(reason)

    monkeypatch.setattr(pdf_overlay, "SHARED", SimpleNamespace(call=call))
    assert not is_kept(one_page(), [], capsys)


def test_a_busy_machine_fails_no_large_pdf(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pikepdf")
    timer = threading.Timer
    waited: list[float] = []

    def noted(seconds: float, *arguments: Any) -> threading.Timer:
        waited.append(seconds)
        return timer(seconds, *arguments)

    monkeypatch.setattr(threading, "Timer", noted)
    assert is_kept(one_page(), [], capsys)
    assert max(waited) >= 12 * pdf_overlay.SECONDS


def test_a_pdf_that_cannot_be_merged_leaves_nothing_of_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def left_behind(_: object) -> NoReturn:
        raise TypeError("no dictionary")

    monkeypatch.setattr(pdf, "left_behind", left_behind)
    Path("b.png").write_bytes(encoded(cross()))
    assert not is_kept(one_page(), ["b.png"], capsys)


@OTHERS
@pytest.mark.parametrize(
    ("page", "catalogue", "kept"),
    [
        ("/Resources<</Font 7>>", "", False),
        ("/Resources 5", "", True),
        ("", "/OCProperties<</OCGs[5 null(a)]/D<</BaseState/OFF/ON[6]/Order[(a)]>>>>", True),
        ("", "/OCProperties<</OCGs 5/D 6>>", True),
        ("", "/OCProperties<</OCGs[5]/D<</OFF[6]>>>>", True),
    ],
)
def test_a_pdf_with_damaged_parts_costs_no_output(
    page: str, catalogue: str, kept: bool, others: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("b.png").write_bytes(encoded(cross()))
    assert is_kept(one_page(page=page, catalogue=catalogue), others, capsys) == kept


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")
@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_notes_are_searched_where_they_are_written(turn: int) -> None:
    pikepdf = pytest.importorskip("pikepdf")
    blank = np.full((120, 160), 255, np.uint8)
    with pikepdf.open(io.BytesIO(paged([blank, cross(), blank]))) as pdf:
        for page in pdf.pages:
            page.obj["/Rotate"] = turn
            page.cropbox = [10, 5, *list(page.mediabox)[2:]]
        pdf.save("a.pdf")
    Path("b.png").write_bytes(encoded(cross(300, 400)))
    records = convert(["a.pdf", "b.png"], ["o.pdf"], recogniser=FakeRecogniser())
    with pikepdf.open("o.pdf") as pdf:
        assert len(pdf.pages) == 4  # all pages are kept, and those of the PDF as they were
    assert [record.page for record in records] == [2, 1]
    for record_, number in zip(records, (2, 4), strict=True):
        arguments = [
            "pdftotext",
            "-bbox",
            "-cropbox",
            "-f",
            str(number),
            "-l",
            str(number),
            "o.pdf",
            "-",
        ]
        found = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
        (word,) = re.findall(r'<word xMin="(.*)" yMin="(.*)" xMax="(.*)" yMax="(.*)">(.*)<', found)
        assert word[4] == "x^2"
        x0, y0, x1, y1 = (float(edge) * 200 / 72 for edge in word[:4])
        assert record_.region
        left, top, right, foot = record_.region
        assert left - 6 <= x0 < x1 <= right + 6 and top - 6 <= y0 < y1 <= foot + 6
        assert x1 - x0 > 0.9 * (right - left)
    drawn = ["pdftoppm", "-r", "200", "-gray", "-f", "2", "-l", "2"]
    seen = [subprocess.run([*drawn, name], capture_output=True, check=True).stdout
            for name in ("a.pdf", "o.pdf")]  # fmt: skip
    assert seen[0] == seen[1]


def with_layers(name: str, base: str) -> None:
    """A page over which another layer is hidden, with what viewers show beside pages."""
    pikepdf = pytest.importorskip("pikepdf")
    with pikepdf.open(io.BytesIO(paged([cross()]))) as pdf:
        (page,) = pdf.pages
        shown, hidden = (
            pdf.make_indirect(pikepdf.Dictionary(Type=pikepdf.Name.OCG, Name=pikepdf.String(name)))
            for name in ("notes", "answers")
        )
        page.add_resource(shown, pikepdf.Name.Properties, pikepdf.Name("/Shown"))
        page.add_resource(hidden, pikepdf.Name.Properties, pikepdf.Name("/Hidden"))
        page.contents_add(b"/OC /Hidden BDC 0 0 40 40 re f EMC /OC /Shown BDC 0 0 9 9 re f EMC")
        first = {"/BaseState": pikepdf.Name(base)}
        first |= {"/ON": pikepdf.Array([shown])} if base == "/OFF" else {}
        first |= {"/OFF": pikepdf.Array([hidden])} if base == "/ON" else {}
        groups = pikepdf.Array([shown, hidden])
        pdf.Root.OCProperties = pikepdf.Dictionary({"/OCGs": groups, "/D": first})
        labels = pikepdf.Array([0, pikepdf.Dictionary(S=pikepdf.Name.r)])
        pdf.Root.PageLabels = pikepdf.Dictionary(Nums=labels)
        pdf.Root.AcroForm = pikepdf.Dictionary(Fields=pikepdf.Array())
        with pdf.open_outline() as outline:
            outline.root.append(pikepdf.OutlineItem("Chapter 1", 0))
        pdf.docinfo["/Title"], pdf.docinfo["/Producer"] = "Notes", "an app"
        pdf.save(name, object_stream_mode=pikepdf.ObjectStreamMode.generate)


@pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="pdftoppm is not installed")
@pytest.mark.parametrize("others", [[], ["b.pdf", "c.png"]])
def test_what_a_pdf_has_beside_its_pages_stays_or_is_named(
    others: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    pikepdf = pytest.importorskip("pikepdf")
    with_layers("a.pdf", "/ON")
    with_layers("b.pdf", "/OFF")
    Path("c.png").write_bytes(encoded(cross()))
    convert(["a.pdf", *others], ["o.pdf"], recogniser=FakeRecogniser())
    convert(["a.pdf", *others], ["o.pdf"], recogniser=FakeRecogniser())  # which may be replaced
    for number, name in enumerate(["a.pdf", *others[:1]], 1):
        drawn = ["pdftoppm", "-r", "72", "-gray", "-f"]
        seen = [subprocess.run([*drawn, page, "-l", page, file], capture_output=True, check=True)
                for page, file in ((str(number), "o.pdf"), ("1", name))]  # fmt: skip
        assert seen[0].stdout == seen[1].stdout
    said = capsys.readouterr().err
    left = "left out of .pdf, which holds other files, too: outline, form fields, page labels;"
    assert [f"{name}: {left}" in said for name in ("a.pdf", "b.pdf")] == [bool(others)] * 2
    with pikepdf.open("o.pdf") as pdf, pdf.open_outline() as outline:
        assert [item.title for item in outline.root] == ([] if others else ["Chapter 1"])
        assert ("/PageLabels" in pdf.Root) == ("/AcroForm" in pdf.Root) == (not others)
        assert pdf.docinfo.get("/Title") == (None if others else "Notes")
