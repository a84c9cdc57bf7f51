"""Inks and captions out of folders and archives, the hostile ones too."""

from __future__ import annotations

import errno
import os
import unicodedata
import zipfile
from pathlib import Path
from typing import Literal

import pytest
from handmade import inks_of

from hmer_cli.data import store
from hmer_cli.data.captions import parse_captions
from hmer_cli.data.store import open_store
from hmer_cli.errors import InputError

DOT = b"<ink><trace>1 2</trace></ink>"
LABELLED = b'<ink><annotation type="truth">x^2</annotation><trace>1 2</trace></ink>'


@pytest.fixture(params=["folder", "zip"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def pack(tmp_path: Path, kind: str, files: dict[str, bytes]) -> Path:
    if kind == "zip":
        with zipfile.ZipFile(tmp_path / "pack.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in reversed(files.items()):
                archive.writestr(name, data)
        return tmp_path / "pack.zip"
    for name, data in files.items():
        path = tmp_path / "pack" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "pack"


def test_nested_inks_come_sorted_and_the_bad_ones_are_told(tmp_path: Path, kind: str) -> None:
    files = {
        "b/2.inkml": DOT,
        "b/1.inkml": b"",
        "a/deep/er/x.INKML": DOT,
        "c d/\u6570\u5b66 \u03c0.inkml": DOT,
        "b/readme.txt": b"no ink",
        ".hidden.inkml": DOT,
        "__MACOSX/b/2.inkml": b"shadow",
    }
    bad: list[InputError] = []
    inks = inks_of(pack(tmp_path, kind, files), report=bad.append)
    assert [ink.name for ink in inks] == [
        "a/deep/er/x.INKML",
        "b/2.inkml",
        "c d/\u6570\u5b66 \u03c0.inkml",
    ]
    assert [
        str(error).endswith("b/1.inkml: the file is empty; give an InkML file") for error in bad
    ]
    assert len(bad) == 1


def test_without_a_report_a_bad_file_raises(tmp_path: Path, kind: str) -> None:
    with pytest.raises(InputError, match=r"1\.inkml: the file is empty"):
        inks_of(pack(tmp_path, kind, {"1.inkml": b""}))


def test_nearest_caption_labels_an_ink_and_else_its_own_truth(tmp_path: Path, kind: str) -> None:
    files = {
        "caption.txt": b"1\ta\n2\tb\n",
        "train/caption.txt": b"1.inkml c d\n",
        "1.inkml": LABELLED,
        "train/1.inkml": LABELLED,
        "train/2.inkml": LABELLED,
        "train/3.inkml": LABELLED,
    }
    path = pack(tmp_path, kind, files)
    labels = {ink.name: ink.label for ink in inks_of(path)}
    assert labels == {
        "1.inkml": "a",
        "train/1.inkml": "c d",
        "train/2.inkml": "b",
        "train/3.inkml": "x ^ { 2 }",
    }


def test_one_file_is_a_source_whatever_its_ending(tmp_path: Path) -> None:
    (tmp_path / "ink.xml").write_bytes(DOT)
    assert [ink.name for ink in inks_of(tmp_path / "ink.xml")] == ["ink.xml"]


def test_captions_with_tab_or_space_endings_folders_and_bom() -> None:
    data = "\ufeffa\tx y\r\nb.png z\nimg/c.d.bmp\tw\n\n e f \tv\na\tlater\nlone\n".encode()
    found = [(line.key, line.label) for line in parse_captions(data)]
    first = [("a", "x y"), ("b", "z"), ("c.d", "w"), ("e f", "v")]
    assert found == [*first, ("a", "later"), ("lone", "")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_captions_with_the_line_ends_of_every_system(end: str) -> None:
    lines = parse_captions(end.join(("1\tx", "", "2\ty", "")).encode())
    assert [(line.key, line.label) for line in lines] == [("1", "x"), ("2", "y")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_captions_in_utf_16_are_refused(tmp_path: Path, kind: str, encoding: str) -> None:
    files = {"1.inkml": DOT, "caption.txt": "1\tx\n".encode(encoding)}
    with pytest.raises(InputError, match=r"caption\.txt: not in UTF-8; save it with"):
        inks_of(pack(tmp_path, kind, files))


@pytest.mark.parametrize("root", ["", "./", "moved/from/"])
def test_lines_that_name_a_folder_are_for_the_files_in_it(
    tmp_path: Path, kind: str, root: str
) -> None:
    lines = "".join(f"{root}{name}\n" for name in ("a/1.inkml\tx", "b/1.inkml\ty", "a/2\tz"))
    names = ("a/1", "a/2", "b/1", "b/2", "c/1")
    files = {f"{name}.inkml": DOT for name in names} | {"caption.txt": lines.encode()}
    labels = {ink.name: ink.label for ink in inks_of(pack(tmp_path, kind, files))}
    assert [labels[f"{name}.inkml"] for name in ("a/1", "a/2", "b/1")] == ["x", "z", "y"]
    assert labels["c/1.inkml"] is None
    assert root == "moved/from/" or labels["b/2.inkml"] is None


def test_a_line_without_a_folder_is_for_what_no_other_names(tmp_path: Path, kind: str) -> None:
    files = {f"{folder}/1.inkml": DOT for folder in "ab"} | {"caption.txt": b"1\tx\nb/1\ty\n"}
    assert [ink.label for ink in inks_of(pack(tmp_path, kind, files))] == ["x", "y"]


def test_names_agree_however_their_accents_are_encoded(tmp_path: Path, kind: str) -> None:
    name = unicodedata.normalize("NFD", "\u00e9t\u00e9")
    files = {f"{name}.inkml": DOT, "caption.txt": "\u00e9t\u00e9\tx\n".encode()}
    assert [ink.label for ink in inks_of(pack(tmp_path, kind, files))] == ["x"]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_folders_agree_however_their_accents_are_encoded(
    tmp_path: Path, kind: str, form: Literal["NFC", "NFD"]
) -> None:
    folder = unicodedata.normalize(form, "\u00dcbung")
    files = {f"{folder}/{name}.inkml": DOT for name in ("a/2", "b/2")}
    files[f"{folder}/caption.txt"] = b"a/2.inkml\tz\n"
    assert [ink.label for ink in inks_of(pack(tmp_path, kind, files))] == ["z", None]


@pytest.mark.parametrize(
    "name", ["../../evil.inkml", "/evil.inkml", "C:evil.inkml", "a/../../evil.inkml"]
)
def test_names_that_point_out_of_an_archive_are_refused(tmp_path: Path, name: str) -> None:
    bad: list[InputError] = []
    path = pack(tmp_path, "zip", {name: DOT, "good.inkml": DOT})
    assert [ink.name for ink in inks_of(path, report=bad.append)] == ["good.inkml"]
    (error,) = bad
    assert "points out of the archive" in str(error)
    assert [file.name for file in tmp_path.rglob("*")] == ["pack.zip"]


def test_zip_bombs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MAX_BYTES", 10_000)
    path = pack(tmp_path, "zip", {"bomb.inkml": b" " * 10_001, "good.inkml": DOT})
    bad: list[InputError] = []
    assert [ink.name for ink in inks_of(path, report=bad.append)] == ["good.inkml"]
    assert "bomb.inkml: larger than" in str(bad[0])
    monkeypatch.setattr(store, "MAX_TOTAL", 10_000)
    with pytest.raises(InputError, match="unpacks to more than"):
        open_store(path)


def test_damaged_archives_are_told_and_read_as_far_as_they_go(tmp_path: Path) -> None:
    path = pack(tmp_path, "zip", {"1.inkml": DOT * 50, "2.inkml": DOT})
    data = bytearray(path.read_bytes())
    at = data.index(b"1.inkml") + len(b"1.inkml")
    data[at : at + 20] = bytes(20)
    path.write_bytes(data)
    bad: list[InputError] = []
    assert [ink.name for ink in inks_of(path, report=bad.append)] == ["2.inkml"]
    assert "1.inkml: cannot be unpacked" in str(bad[0])


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        open_store(tmp_path / "nothing")


def test_paths_that_may_not_or_cannot_be_looked_at_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("x" * 5000, "a\0b"):
        with pytest.raises(InputError, match="cannot be read"):
            open_store(tmp_path / name)
    locked = tmp_path / "pack" / "locked"
    locked.mkdir(parents=True)
    scandir = os.scandir

    def guarded(path: str) -> object:
        if Path(path) == locked:
            raise PermissionError(errno.EACCES, "Permission denied", str(locked))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)  # root, who runs many a test, may read it all
    with pytest.raises(InputError, match=r"locked: cannot be read \(Permission denied\)"):
        open_store(tmp_path / "pack")
