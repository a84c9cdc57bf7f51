"""Archives of files, and the packages of note-taking apps, which are none."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from handmade import FakeRecogniser, open_pages
from test_page_sources import PNG, folder, names, put, zipped

from hmer_cli.commands import convert as verb
from hmer_cli.errors import InputError

__all__ = ["folder"]


@pytest.fixture
def said() -> list[str]:
    return []


PACKAGES = {
    "x.xopp": ["content.xml", "META-INF/version", "thumbnails/thumbnail.png"],
    "x.goodnotes": ["index.notes.pb", "thumbnail.jpg"],
    "x.note": ["x/Session.plist", "x/thumb.png"],
    "x.sdocx": ["note.note", "media/a.png"],
    "x.rmdoc": ["1.content", "1/2.rm", "thumbnail.png"],
    "x.pptx": ["ppt/presentation.xml", "docProps/thumbnail.jpeg"],
    "x.docx": ["word/document.xml", "word/media/image1.png"],
    "x.odt": ["mimetype", "META-INF/manifest.xml", "Thumbnails/thumbnail.png"],
    "x.abc": ["preview.png"],
}


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_is_no_archive_of_its_thumbnail(
    invoke: Callable[..., int],
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    put({name: zipped(dict.fromkeys(PACKAGES[name], PNG)), "good.png": PNG})
    monkeypatch.setattr("hmer_cli.api.LazyRecogniser", lambda model, charset: FakeRecogniser())
    assert invoke("convert", name, "good.png", "--out", "o.tex") == 1
    first = capsys.readouterr().err.splitlines()[0]
    assert first.startswith(f"hmer: {name}: ")
    assert "export it as PDF" in first
    assert "good-p1-r1" in Path("o.tex").read_text()


def test_a_notebook_of_a_tablet_hides_no_other_file_of_its_archive(said: list[str]) -> None:
    own = ["a1.content", "a1.metadata", "a1.pdf", "a1/p.rm", "a1.thumbnails/p.png"]
    put({"in.zip": zipped(dict.fromkeys([*own, "photo.png", "b/a1.pdf", "note.txt"], PNG))})
    assert names("in.zip", say=said.append) == ["in.zip", "in.zip/b/a1.pdf", "in.zip/photo.png"]
    assert said[0].startswith("in.zip: 1 file passed over (1 .txt)")
    put({"alone.zip": zipped(dict.fromkeys(own, PNG))})
    assert names("alone.zip", say=said.append) == ["alone.zip"]
    assert len(said) == 1


def test_a_package_renamed_to_zip_is_known_by_what_is_in_it() -> None:
    put({"x.zip": zipped(dict.fromkeys(PACKAGES["x.xopp"], PNG))})
    with pytest.raises(InputError, match=r"x.zip: Xournal\+\+ notes.*export (it|them) as PDF"):
        list(open_pages("x.zip"))


@pytest.mark.parametrize(
    ("name", "data", "what"),
    [
        ("x.xopp", b"\x1f\x8b\x08\0" + bytes(20), r"Xournal\+\+"),
        ("x.xoj", b'<?xml version="1.0"?><xournal version="0.4">', r"Xournal\+\+"),
        ("x.rm", b"reMarkable .lines file, version=6", "reMarkable"),
        ("x.one", b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d" + bytes(9), "OneNote"),
        ("x.note", b"noteSN_FILE_VER_20230015", "Supernote"),
        ("x.jnt", b"\1\2\3", r"notes \(.jnt\)"),
    ],
)
def test_files_of_notes_say_how_to_export(name: str, data: bytes, what: str) -> None:
    put({f"in/{name}": data})
    for place in (f"in/{name}", "in"):
        with pytest.raises(InputError, match=rf"in/{name}: .*{what}.*export (it|them) as PDF"):
            list(open_pages(place))


@pytest.mark.parametrize(("name", "data", "said"), [
    ("x.excalidraw.md", b"---\n# Drawing\n", "inside Markdown; export it as .excalidraw or SVG"),
    ("x.rtf", rb"{\rtf1\ansi x}", "a text document (RTF); export it as PDF"),
])  # fmt: skip
def test_what_an_app_packs_into_text_is_named(name: str, data: bytes, said: str) -> None:
    put({name: data})
    with pytest.raises(InputError, match=re.escape(f"{name}: ") + f".*{re.escape(said)}"):
        list(open_pages(name))


def test_a_picture_with_an_archive_behind_it_is_a_picture() -> None:
    put({"x.png": PNG + zipped({"other.png": PNG})})
    assert names("x.png") == ["x.png"]


def test_two_files_of_one_name_in_an_archive_are_told(said: list[str]) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.png", b"old")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.png", PNG)
    put({"x.zip": buffer.getvalue()})
    (page,) = open_pages("x.zip")
    assert page.image.min() < 64
    names("x.zip", say=said.append)
    assert said == ["x.zip: holds several files of one name; the last of them is taken"]


def raw_named(raw: bytes) -> bytes:
    """A zip as old programs write it: the bytes of the name, and no flag that says UTF-8."""
    data = zipped({"n" * len(raw): PNG})
    return data.replace(b"n" * len(raw), raw)


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("作业第1页.png", "gbk"),
        ("作业第1页.png", "utf-8"),
        ("été Übung 3.png", "cp437"),
        ("ñandú.png", "cp437"),
        ("plain.png", "ascii"),
    ],
)
def test_names_in_archives_are_read_as_they_were_meant(name: str, encoding: str) -> None:
    put({"x.zip": raw_named(name.encode(encoding))})
    (page,) = open_pages("x.zip")
    assert page.source == f"x.zip/{name}"


def test_a_zip_of_a_later_version_is_told_and_the_others_read() -> None:
    data = bytearray(zipped({"a.png": PNG}))
    at = data.index(b"PK\1\2") + 6
    data[at : at + 2] = struct.pack("<H", 99)
    put({"x.zip": bytes(data), "good.png": PNG})
    first, second = verb.convert(["x.zip", "good.png"], ["o.jsonl"], recogniser=FakeRecogniser())
    assert (first.status, second.status) == ("failed", "ok")
    assert (
        first.error
        == "x.zip: cannot be unpacked (zip file version 9.9); unpack the archive yourself"
    )
