"""What a script gives the Python API, and does between two calls: files, folders, processes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import shutil
import sqlite3
import time
import warnings
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from handmade import FakeRecogniser, cross, encoded
from PIL import Image

from hmer_cli import Converter, HmerError, InputError, MissingError, UsageError
from hmer_cli.document import cache
from hmer_cli.document.aligned import in_rows
from hmer_cli.document.records import RegionReading
from hmer_cli.ink.render import Readable
from hmer_cli.models.registry import shipped_dir
from hmer_cli.page.load import arrays, images
from hmer_cli.page.load.pages import open_sheets
from hmer_cli.page.load.sources import Source
from hmer_cli.recognition import lazy
from hmer_cli.recognition.reading import Reading, TokenReading

FREE = "hmer-free.onnx.gz"


def fake(**options: Any) -> Converter:
    return Converter(recogniser=FakeRecogniser(), **options)


def row(label: str, top: float, placed: bool = True) -> RegionReading:
    boxes = [(20.0 * i, top, 20.0 * i + 10, top + 10) for i in range(len(label.split()))]
    tokens = tuple(map(TokenReading, label.split(), [0.9] * len(boxes), boxes)) if placed else ()
    box = (0.0, top, 100.0, top + 10)
    return RegionReading(box, box, f"key {top}", Reading(label, 0.9, tokens))


def test_rows_of_an_image_are_one_expression_with_all_their_tokens() -> None:
    found = in_rows([row("a + b", 0), row("c", 300)])
    assert found.reading.label == r"\begin{aligned} & a + b \\ & c \end{aligned}"
    assert " ".join(token.token for token in found.reading.tokens) == found.reading.label
    assert found.reading.confidence == pytest.approx(0.81)
    assert (found.box, found.doubt) == ((0, 0, 100, 310), "")
    assert in_rows([row("a + b", 0), row("c", 300, placed=False)]).reading.tokens == ()
    derivation = in_rows([row("a = b", 0), row("c = d", 15)])
    assert derivation.reading.label == r"\begin{aligned} a & = b \\ c & = d \end{aligned}"


def test_a_row_that_was_not_read_is_a_doubt() -> None:
    found = in_rows([row("a", 0), row("", 300)])
    assert found.reading.label == r"\begin{aligned} & a \end{aligned}"
    assert found.doubt == "a formula of it was not read"
    assert in_rows([row("", 0), row("", 300)]).reading.label == ""


def _damaged_gzip(data: bytes) -> arrays.BinaryFile:
    return gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(data)[:-20]))


def _damaged_bzip2(data: bytes) -> arrays.BinaryFile:
    return bz2.BZ2File(io.BytesIO(bz2.compress(data)[:60]))


def _damaged_zip(data: bytes) -> arrays.BinaryFile:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.png", data)
    raw = bytearray(packed.getvalue())
    raw[100] ^= 1
    return zipfile.ZipFile(io.BytesIO(raw)).open("a.png")


def _damaged_xz(data: bytes) -> arrays.BinaryFile:
    packed = lzma.compress(data)
    return lzma.LZMAFile(io.BytesIO(packed[:60] + b"xxxx" + packed[64:]))


DAMAGED: dict[str, Callable[[bytes], arrays.BinaryFile]] = {
    "gzip": _damaged_gzip,
    "bzip2": _damaged_bzip2,
    "xz": _damaged_xz,
    "zip": _damaged_zip,
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_open_file_is_an_input_error(kind: str) -> None:
    with pytest.raises(InputError, match="the open file cannot be read"):
        fake().read(DAMAGED[kind](encoded(cross())))


class WholeOnly:
    """Takes no number of bytes."""

    def read(self) -> bytes:
        return encoded(cross())


def test_bytes_and_open_files_have_the_limit_of_files(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(cross())
    monkeypatch.setattr(arrays, "_PIECE", 10)
    assert fake().read(io.BytesIO(data)).status == fake().read(WholeOnly()).status == "ok"
    monkeypatch.setattr(arrays, "MAX_BYTES", len(data) - 1)
    taken = io.BytesIO(data * 9)
    for given in (data, bytearray(data), taken, WholeOnly()):
        with pytest.raises(InputError, match="larger than"):
            fake().read(given)
    assert taken.tell() < len(data) + 10


def test_an_archive_of_several_files_is_an_input_that_cannot_be_read(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(encoded(cross()))
    packed = tmp_path.parent / "homework.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in tmp_path.iterdir():
            archive.write(path, path.name)
    with packed.open("rb") as upload, pytest.raises(InputError, match=r"homework.zip: holds 2"):
        fake().read(upload, name="homework.zip")
    with pytest.raises(InputError, match=r"homework.zip: holds 2 files; give one"):
        fake().read(packed)
    with pytest.raises(UsageError, match="2 files are given"):
        fake().read(tmp_path)


def test_the_current_folder_may_change_before_the_first_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(shipped_dir() / FREE, tmp_path / "own.onnx.gz")
    monkeypatch.chdir(tmp_path)
    converter = Converter(model="own.onnx.gz", cache="kept")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert converter.read(cross()).model == "hmer-free"
    assert (tmp_path / "kept").is_dir()


def test_weights_that_are_gone_are_missing(tmp_path: Path) -> None:
    shutil.copy(shipped_dir() / FREE, tmp_path / "own.onnx.gz")
    converters = [Converter(model=tmp_path / "own.onnx.gz", cache=kept) for kept in (False, True)]
    (tmp_path / "own.onnx.gz").unlink()
    for converter in converters:
        with pytest.raises(MissingError, match=r"own.onnx.gz cannot be read"):
            converter.read(cross())


class PageReader(FakeRecogniser):
    """As the readers that are loaded are asked."""

    def read_pages(self, pages: Sequence[Sequence[Readable]]) -> list[list[Reading]]:
        return [self.read(page) for page in pages]


def test_copies_in_one_process_load_the_weights_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[Path] = []

    def load(path: Path, *options: object) -> PageReader:
        loaded.append(path)
        time.sleep(0.2)
        return PageReader()

    monkeypatch.setattr(lazy, "load", load)
    (tmp_path / "a.onnx").write_bytes(b"1")
    task = pickle.dumps(Converter(model=tmp_path / "a.onnx").read)
    for _ in range(3):  # as a worker process does, each time with another copy
        assert pickle.loads(task)(cross()).status == "ok"
    assert len(loaded) == 1
    (tmp_path / "a.onnx").write_bytes(b"22")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: pickle.loads(task)(cross()), range(4)))
    assert len(loaded) == 2


def test_a_copy_caches_under_the_weights_that_it_loads(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"1")
    reader = lazy.LazyRecogniser(str(tmp_path / "a.onnx"))
    known, task = reader.identity, pickle.dumps(reader)
    assert pickle.loads(task).identity == known
    (tmp_path / "a.onnx").write_bytes(b"22")
    assert pickle.loads(task).identity != known


def test_hmer_leaves_the_warnings_of_a_program_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    data, tiff = encoded(cross()), encoded(cross(), "TIFF")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", cross().size - 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = list(warnings.filters)
        for given in (data, tiff):
            assert np.array_equal(images.decode(given, "x"), cross())
            assert images.measure(given, "x") == cross().size
        assert warnings.filters == before
        with pytest.raises(Image.DecompressionBombWarning):
            Image.open(io.BytesIO(data))


def test_a_cache_is_written_only_where_there_is_something_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = 1000
    written: list[str] = []
    monkeypatch.setattr(cache, "_today", lambda: day)
    touch = cache._touch

    def touched(base: sqlite3.Connection, seen: Sequence[str]) -> None:
        written.append("used")
        touch(base, seen)

    monkeypatch.setattr(cache, "_touch", touched)
    monkeypatch.setattr(cache, "_delete_oldest", lambda *limit: written.append("sorted"))
    reader = FakeRecogniser()
    reader.identity = "fake"  # type: ignore[attr-defined]
    converter = Converter(cache=tmp_path, recogniser=reader)
    for _ in range(2):
        converter.read(cross())
    assert not written
    day += 1
    for _ in range(2):
        converter.read(cross())
    assert written == ["used"]
    with sqlite3.connect(tmp_path / cache.FILE) as base:
        assert base.execute("SELECT used FROM results").fetchall() == [(1001,)]
    base.close()
    monkeypatch.setattr(cache, "LIMIT", 1 << 10)
    for width in (200, 200, 210):  # the second is known, the third is more than a 64th
        converter.read(cross(width=width))
    assert written == ["used", "sorted", "sorted"]


def test_an_archive_among_the_files_of_a_dataset_is_not_called_damaged() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.png", encoded(cross()))
    for data, what in ((packed.getvalue(), "an archive"), (packed.getvalue()[:-30], "damaged")):
        with pytest.raises(HmerError, match=f"a.zip: {what}"):
            open_sheets(Source("a.zip", "a.zip", lambda data=data: data))  # type: ignore[misc]
