"""Photos are turned upright as their camera says, in EXIF or HEIC, whatever else stands there."""

from __future__ import annotations

import io
import struct
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from handmade import CROSS_BOX, cross, encoded
from PIL import Image
from test_page_open import close, only_page

from hmer_cli.errors import InputError
from hmer_cli.page.ink_box import ink_box
from hmer_cli.page.load.arrays import as_file
from hmer_cli.page.load.images import decode, decode_reduced, measure, measure_squaring


def test_a_photo_is_turned_upright_as_its_camera_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the top of the scene is the right side of the pixels
    turned = np.rot90(cross(), 1)
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(np.ascontiguousarray(turned), "JPEG", exif=exif))
    page = only_page(path)
    assert page.image.shape == (120, 160)
    assert close(ink_box(page.image), CROSS_BOX)


ODD_ENTRIES = {
    "a unit as text": (0x0128, 2, 2, b"2\0\0\0"),
    "a width below nothing": (0x0100, 9, 1, b"\xff\xff\xff\xff"),
    "a number too large": (0x0115, 4, 1, b"\x70\x11\x01\0"),
}


@pytest.mark.parametrize("way", ["a file", "a PIL image", "read reduced"])
@pytest.mark.parametrize("odd", ODD_ENTRIES)
def test_an_odd_entry_beside_the_orientation_refuses_no_photo(
    odd: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = sorted([(0x0112, 3, 1, b"\6\0\0\0"), ODD_ENTRIES[odd]])
    table = b"".join(struct.pack("<HHI4s", *entry) for entry in entries)
    exif = b"Exif\0\0II*\0\x08\0\0\0\x02\0" + table + bytes(4)
    photo = encoded(np.ascontiguousarray(np.rot90(cross(), 1)), "JPEG", exif=exif)
    if way == "a PIL image":
        photo = as_file(Image.open(io.BytesIO(photo)))
    elif way == "read reduced":
        monkeypatch.setattr("hmer_cli.page.load.images.AMPLE", 120 * 160 // 4)
    pixels, factor = decode_reduced(photo, "x")
    assert pixels.shape == (120 // factor, 160 // factor)


HEIC = Path(__file__).parent / "fixtures" / "cross.heic"
"""Made by pillow-heif 1.8: the cross lying on its side, and an orientation that says so."""


def test_a_heic_photo_is_read_upright_where_the_package_is_there() -> None:
    if not any(find_spec(package) for package in ("pi_heif", "pillow_heif")):
        pytest.skip("neither pi-heif nor pillow-heif is installed")
    page = only_page(HEIC)
    assert page.image.shape == (120, 160)
    assert close(ink_box(page.image), CROSS_BOX)


def test_the_size_of_a_heic_photo_is_known_before_it_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader = pytest.importorskip("pi_heif")
    monkeypatch.setattr(reader.HeifFile, "to_pillow", lambda self: pytest.fail("decoded"))
    data = HEIC.read_bytes()
    assert measure(data, "x") == 120 * 160
    assert measure_squaring(data, "x") == (1.0, 1.0)


def test_a_heic_photo_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("pi_heif", "pillow_heif"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=r'cross.heic: .*hmer-cli\[heic\]", or save it as JPEG'):
        only_page(HEIC)


@pytest.mark.parametrize("length", [12, 40, 600, 1300])
def test_a_cut_off_heic_is_refused(length: int) -> None:
    with pytest.raises(InputError, match=r"cut\.heic"):
        decode(HEIC.read_bytes()[:length], "cut.heic")


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "group4"])
@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_large_tiff_is_turned_once(
    orientation: int, compression: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    mode = "1" if compression == "group4" else "L"
    tags = {"compression": compression, "tiffinfo": {0x0112: orientation}}
    data = encoded(cross(), "TIFF", mode, **tags)
    whole = ink_box(decode(data, "x"))
    monkeypatch.setattr("hmer_cli.page.load.images.AMPLE", 6000)
    small, factor = decode_reduced(data, "x")
    assert factor == 2 and whole is not None
    assert close(ink_box(small), tuple(side // 2 for side in whole))
