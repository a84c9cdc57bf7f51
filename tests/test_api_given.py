"""What a script gives the Python API, and does between two calls: files, folders, processes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import warnings
import zipfile
from collections.abc import Callable
from typing import IO, Any

import numpy as np
import pytest
from handmade import FakeRecogniser, cross, encoded
from PIL import Image

from hmer_cli import Converter, InputError
from hmer_cli.page.load import arrays, images

FREE = "hmer-free.onnx.gz"


def fake(**options: Any) -> Converter:
    return Converter(recogniser=FakeRecogniser(), **options)


def _damaged_gzip(data: bytes) -> IO[bytes]:
    return gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(data)[:-20]))


def _damaged_bzip2(data: bytes) -> IO[bytes]:
    return bz2.BZ2File(io.BytesIO(bz2.compress(data)[:60]))


def _damaged_zip(data: bytes) -> IO[bytes]:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.png", data)
    raw = bytearray(packed.getvalue())
    raw[100] ^= 1
    return zipfile.ZipFile(io.BytesIO(raw)).open("a.png")


def _damaged_xz(data: bytes) -> IO[bytes]:
    packed = lzma.compress(data)
    return lzma.LZMAFile(io.BytesIO(packed[:60] + b"xxxx" + packed[64:]))


DAMAGED: dict[str, Callable[[bytes], IO[bytes]]] = {
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
