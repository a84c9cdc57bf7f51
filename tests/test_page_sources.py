"""What people name is found in their order, and nothing in it is passed over in silence."""

from __future__ import annotations

import io
import os
import random
import struct
import sys
import zipfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
from handmade import EARLIER, INKML, FakeRecogniser, cross, encoded, open_pages
from hypothesis import given
from hypothesis import strategies as st

from hmer_cli.commands import convert as verb
from hmer_cli.data.store import open_store
from hmer_cli.document.formats import FORMATS, Output
from hmer_cli.errors import InputError, UsageError
from hmer_cli.files import check_apart, signed
from hmer_cli.page.load import earlier_outputs, written
from hmer_cli.page.load.sources import by_number, find_sources, in_number_order

NUMBERED = ["page1.png", "page2.png", "page3.png", "page10.png", "page11.png", "page20.png"]
PHONE = ["IMG (1).png", "IMG (2).png", "IMG (10).png"]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(files: dict[str, bytes]) -> None:
    for name, data in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(data)


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def names(*inputs: str, say: Callable[[str], None] = lambda line: None) -> list[str]:
    return [source.name for source in find_sources(inputs, say)]


PNG = encoded(cross())


@pytest.mark.parametrize("wanted", [NUMBERED, PHONE, ["ch2/p9.png", "ch2/p10.png", "ch10/p1.png"]])
def test_numbers_count_as_numbers(wanted: list[str]) -> None:
    put({f"in/{name}": PNG for name in sorted(wanted)})
    put({"all.zip": zipped(dict.fromkeys(sorted(wanted), PNG))})
    assert names("in") == [f"in/{name}" for name in wanted]
    assert names("in/**/*.png") == [f"in/{name}" for name in wanted]
    assert names("all.zip") == [f"all.zip/{name}" for name in wanted]


def test_what_a_shell_sorted_is_sorted_by_number_and_what_a_person_ordered_is_not() -> None:
    assert in_number_order(["a.pdf", *sorted(NUMBERED), "b.pdf"]) == ["a.pdf", *NUMBERED, "b.pdf"]
    by_locale = ["IMG (10).png", "IMG (1).png", "IMG (2).png"]  # punctuation counts last there
    assert in_number_order(by_locale) == PHONE
    for kept in (["p3.png", "p1.png", "p2.png"], ["b.png", "a.png"], ["x2/a.png", "x1/a.png"]):
        assert in_number_order(kept) == kept


@given(st.lists(st.text("ab/01 9", max_size=8), max_size=8))
def test_the_order_loses_and_invents_nothing(some: list[str]) -> None:
    assert sorted(in_number_order(some)) == sorted(some)
    assert sorted(some, key=by_number) == sorted(sorted(some), key=by_number)


def test_what_is_read_when_named_is_read_in_a_folder_and_the_rest_is_counted(
    said: list[str],
) -> None:
    kinds = {".jfif": "JPEG", ".jpe": "JPEG", ".gif": "GIF", ".avif": "AVIF", "": "PNG"}
    put({f"in/page{ending}": encoded(cross(), kind) for ending, kind in kinds.items()})
    put({"in/ink.xml": INKML.encode(), "in/feed.xml": b"<rss/>", "in/data": b"\1\2\3"})
    put({"in/a.svg": b"<svg/>", "in/b.svg": b"<svg/>", "in/eqs.tex": b"x", "in/.hidden": b"x"})
    read = ["ink.xml", "page", "page.avif", "page.gif", "page.jfif", "page.jpe"]
    assert names("in", say=said.append) == [f"in/{name}" for name in read]
    (line,) = said
    assert line.startswith("in: 4 files passed over (2 .svg, 1 .xml, 1 without ending); hmer reads")
    assert "SVG" not in line
    assert line.endswith("; ink in .svg is read where it is named: in/*.svg")
    for page in open_pages("in"):
        assert page.image.min() < 64


def test_drawings_and_json_are_read_where_they_are_named(said: list[str]) -> None:
    drawing = b"<svg><path stroke='red' d='M1 1L2 2'/></svg>"
    put({"in/a.svg": drawing, "in/b.json": b"[[[1, 2], [3, 4]]]", "in/c.excalidraw": b"{}"})
    with zipfile.ZipFile("in.zip", "w") as archive:
        archive.write("in/a.svg", "a.svg")
    for place, how in (
        ("in", "ink in .excalidraw and .json and .svg is read where it is named: "
               "in/*.excalidraw in/*.json in/*.svg"),
        ("in.zip", "ink in .svg is read where it is unpacked and named: *.svg"),
    ):  # fmt: skip
        (source,) = find_sources([place], said.append)
        with pytest.raises(InputError, match="nothing to convert") as caught:
            source.read()
        assert how in str(caught.value)
        assert how in said[-1]
    assert names("in/*.svg", "in/b.json") == ["in/a.svg", "in/b.json"]
    assert [page.source for page in open_pages("in/*.svg")] == ["in/a.svg"]


def test_it_is_said_on_standard_error_and_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    put({"in/a.png": PNG, "in/b.svg": b"<svg/>"})
    records = verb.convert(["in"], ["o.tex"], recogniser=FakeRecogniser())
    assert [record.status for record in records] == ["ok"]
    assert capsys.readouterr().err.startswith("hmer: in: 1 file passed over (1 .svg)")


@pytest.mark.parametrize("ending", [each for each in FORMATS if not Output.parse(each).is_readable])
def test_what_hmer_wrote_is_passed_over_unsaid(said: list[str], ending: str) -> None:
    put({"in/b.png": PNG, f"in/eqs{ending}": b"<x>"})
    with zipfile.ZipFile("in.zip", "w") as archive:
        for path in Path("in").iterdir():
            archive.write(path)
    assert names("in", "in.zip", say=said.append) == ["in/b.png", "in.zip/in/b.png"]
    assert said == []


def test_a_damaged_file_of_an_archive_stops_no_other() -> None:
    data = zipped({"a.png": PNG, "b.png": PNG})
    put({"in.zip": data.replace(PNG, b"\0" * len(PNG), 1)})  # its checksum is wrong now
    damaged, sound = find_sources(["in.zip"])
    with pytest.raises(InputError, match=r"in\.zip/a\.png: cannot be unpacked"):
        damaged.read()
    assert (sound.name, sound.read()) == ("in.zip/b.png", PNG)


LONG = '{"files": ["a.inkml"]}' + " " * 200_000


@pytest.mark.parametrize("manifest", ["[" * 100_000, "{", "[]", '{"files": 1}', LONG], ids=range(5))
def test_a_damaged_list_of_labelled_handwriting_hides_nothing(
    manifest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = {"a.inkml": INKML.encode(), "hmer-files.json": manifest.encode()}
    put({**{f"in/{name}": data for name, data in listed.items()}, "all.zip": zipped(listed)})
    put({"b.inkml": INKML.encode()})
    monkeypatch.setattr(written, "MOST_LISTED", 200_000)
    assert names("in", "b.inkml", "all.zip", ".") == [
        *["in/a.inkml", "b.inkml", "all.zip/a.inkml"],
        *["all.zip/a.inkml", "b.inkml", "in/a.inkml"],
    ]


def test_a_fault_while_one_input_is_looked_at_costs_no_other(
    monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    def looked(path: Path) -> str:
        if path.name == "a.docx":
            raise struct.error("of zipfile")
        return true_look(path)

    true_look = earlier_outputs.as_output
    monkeypatch.setattr(earlier_outputs, "as_output", looked)
    put({"a.docx": b"PK", "b.inkml": INKML.encode(), "old.md": EARLIER.encode()})
    assert names("a.docx", "b.inkml", "old.md", say=said.append) == ["a.docx", "b.inkml"]
    assert said == ["old.md: LaTeX of hmer, passed over"]


def test_no_more_of_a_file_in_an_archive_is_unpacked_than_tells_its_kind() -> None:
    content = INKML.encode() + random.Random(1).randbytes(1 << 20)
    put({"a.zip": zipped({"a.xml": content})})
    data = bytearray(Path("a.zip").read_bytes())
    data[1 << 19] ^= 1
    put({"a.zip": bytes(data)})
    store = open_store("a.zip")
    assert store.head("a.xml", 4096) == content[:4096]
    with pytest.raises(InputError, match="cannot be unpacked"):
        store.read("a.xml")
    assert names("a.zip") == ["a.zip/a.xml"]


def test_a_damaged_archive_ends_no_run() -> None:
    disks = b"PK\6\7" + struct.pack("<LQL", 0, 0, 2) + b"PK\5\6" + bytes(18)  # of zip64
    put({"x.docx": b"PK\3\4" + bytes(100) + disks, "a.zip": disks, "b.inkml": INKML.encode()})
    put({"c.inkml": INKML.encode() + disks})
    given = ["b.inkml", "x.docx", "a.zip", "c.inkml"]
    found = list(find_sources([*given, "."]))
    assert [each.name for each in found] == [*given, "a.zip", "b.inkml", "c.inkml"]
    for source in found:
        damaged = source.name in ("x.docx", "a.zip")
        with pytest.raises(InputError, match="damaged") if damaged else nullcontext():
            source.read()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs on this system")
def test_a_fifo_in_a_folder_is_passed_over(said: list[str]) -> None:
    put({"in/b.png": PNG})
    for name in ("in/a.png", "in/hmer-files.json", "hmer-files.json"):
        os.mkfifo(name)
    assert [page.source for page in open_pages("in")] == ["in/b.png"]
    assert names("in", say=said.append) == ["in/b.png"]
    assert "1 FIFO or device" in said[0]
    assert names("in/*.png", "in") == ["in/a.png", "in/b.png", "in/b.png"]  # and none is opened
    assert names(*os.listdir()) == ["hmer-files.json", "in/b.png"]


def test_archives_in_folders_are_read_and_those_in_archives_are_told(said: list[str]) -> None:
    inner = zipped({"b10.png": PNG, "b9.png": PNG})
    put({"in/a.png": PNG, "in/b.zip": zipped({"c.png": PNG, "d.zip": inner}), "in/e.zip": inner})
    put({"in/f.zip": b"PK\3\4 broken"})
    wanted = ["in/a.png", "in/b.zip/c.png", "in/e.zip/b9.png", "in/e.zip/b10.png", "in/f.zip"]
    assert names("in", say=said.append) == wanted
    assert said[0].startswith("in/b.zip: 1 file passed over (1 .zip)")


def test_standard_input_may_be_an_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    data = zipped({"p10.png": PNG, "p9.png": PNG})
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert [page.source for page in open_pages("-")] == ["-/p9.png", "-/p10.png"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_ink_in_a_multipart_answer_is_read(end: str) -> None:
    parts = [
        "Content-Type: text/html\n\n<html/>",
        f"Content-Type: application/inkml+xml\n\n{INKML}",
    ]
    text = "".join(f"--5282613e\n{part}\n\n" for part in parts) + "--5282613e--\n"
    put({"page.txt": text.replace("\n", end).encode()})
    (page,) = open_pages("page.txt")
    assert page.written is not None
    assert len(page.written.ink.strokes) == 2


def test_drawings_that_hmer_wrote_are_passed_over(said: list[str]) -> None:
    put({
        "a.png": PNG, "a.md": b"", "a-drawings/1.png": signed(PNG, "drawing"),
        "b-drawings/1.png": signed(PNG, "drawing"), "b-drawings/2.png": PNG,
        "c/1.png": signed(PNG, "drawing"), "d-drawings/1.png": signed(PNG),
    })  # fmt: skip
    theirs = ["a.png", "b-drawings/2.png", "c/1.png", "d-drawings/1.png"]
    assert names(".", say=said.append) == theirs
    assert names("*") == theirs
    assert names("**/*.png") == theirs
    assert names("a-drawings/1.png") == ["a-drawings/1.png"]  # named outright
    assert not said
    packed = {path: Path(path).read_bytes() for path in [*theirs, "a-drawings/1.png"]}
    put({"all.zip": zipped(packed)})
    assert names("all.zip") == [f"all.zip/{path}" for path in theirs]


@pytest.mark.parametrize(
    "pattern", ["notes/*", "notes/**/*.pdf", "n*/*.pdf", "**", "notes/al?.pdf"]
)
def test_an_output_among_what_a_pattern_matches_is_wrong_usage(pattern: str) -> None:
    put({"notes/a.pdf": b"", "notes/a.png": PNG})
    with pytest.raises(UsageError, match=r"all\.pdf"):
        check_apart(Path("notes/all.pdf"), [pattern], above=True, file=True)


@pytest.mark.parametrize("pattern", ["notes/*.png", "notes/a*/*", "other/*", "**/*.png"])
def test_an_output_beside_what_a_pattern_matches_is_none(pattern: str) -> None:
    check_apart(Path("notes/all.pdf"), [pattern], above=True, file=True)


def test_a_folder_that_a_pattern_looks_into_is_wrong_usage() -> None:
    Path("notes/debug/x").mkdir(parents=True)
    for pattern in ("notes/**/*.png", "notes/d*/*", "notes/*", "notes/debug/x/*.png"):
        with pytest.raises(UsageError):
            check_apart(Path("notes/debug"), [pattern], above=True)
    check_apart(Path("notes/debug"), ["notes/*.png"], above=True)


def test_a_link_to_nothing_is_no_pattern_whatever_its_name() -> None:
    Path("a.*").symlink_to("nothing")
    (source,) = find_sources(["a.*"])
    with pytest.raises(InputError, match="a link to nothing"):
        source.read()


def test_closed_standard_input_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    (source,) = find_sources(["-"])
    with pytest.raises(InputError, match="standard input is closed"):
        source.read()


def test_addresses_are_told_to_be_downloaded() -> None:
    (source,) = find_sources(["https://example.org/a.png"])
    with pytest.raises(InputError, match=r"https://example\.org/a\.png: hmer opens no network"):
        source.read()
    (source,) = find_sources(["file:///notes/a.png"])
    with pytest.raises(InputError, match=r"file:///notes/a\.png: an address; name the file by its"):
        source.read()
