"""Images whose pixels are not square, as of a fax, are read as they look; boxes are the file's."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from handmade import CROSS_BOX, cross, encoded, open_pages
from numpy.typing import NDArray
from PIL import Image

from hmer_cli.page.ink_box import ink_box
from hmer_cli.page.load.arrays import as_file
from hmer_cli.page.load.images import decode_reduced, measure_squaring
from hmer_cli.page.load.pages import Page
from hmer_cli.page.regions import find_regions


def squashed(factor: float = 204 / 98) -> NDArray[np.uint8]:
    """The cross as a fax has it: as wide, and of so many times fewer rows."""
    page = cross()
    size = page.shape[1], round(page.shape[0] / factor)
    return np.asarray(cv2.resize(page, size, interpolation=cv2.INTER_AREA), np.uint8)


def only_page(path: Path) -> Page:
    (page,) = open_pages(str(path))
    return page


def close(box: tuple[float, ...] | None, wanted: tuple[float, ...], by: float = 3) -> bool:
    return box is not None and all(abs(a - b) <= by for a, b in zip(box, wanted, strict=True))


@pytest.mark.parametrize("kind", ["TIFF", "JPEG", "PNG", "fax"])
def test_pixels_are_square_and_boxes_those_of_the_file(kind: str, tmp_path: Path) -> None:
    fax = {"compression": "group4"} if kind == "fax" else {}
    data = encoded(squashed(), "TIFF" if fax else kind, "1" if fax else "L", dpi=(204, 98), **fax)
    path = tmp_path / "fax"
    path.write_bytes(data)
    page = only_page(path)
    assert page.image.shape == pytest.approx(cross().shape, abs=2)
    assert close(ink_box(page.image), CROSS_BOX)
    (region,) = find_regions(page, "expression")
    x0, y0, x1, y1 = CROSS_BOX
    assert close(region.box, (x0, y0 * 98 / 204, x1, y1 * 98 / 204), 6)
    assert page.size == squashed().shape


def test_the_coarser_side_is_enlarged_whichever_it_is(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(encoded(np.ascontiguousarray(squashed().T), dpi=(98, 204)))
    assert only_page(path).image.shape == pytest.approx(cross().T.shape, abs=2)


def test_the_resolutions_turn_with_the_photo(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = np.ascontiguousarray(np.rot90(squashed(), 1))
    path = tmp_path / "x.jpg"
    path.write_bytes(encoded(lying, "JPEG", dpi=(98, 204), exif=exif))
    page = only_page(path)
    assert page.image.shape == pytest.approx(cross().shape, abs=2)
    assert close(ink_box(page.image), CROSS_BOX)


@pytest.mark.parametrize("dpi", [(72, 72), (204, 196), (1, 300), (96, 0)])
def test_other_resolutions_change_nothing(dpi: tuple[int, int]) -> None:
    data = encoded(cross(), "JPEG", dpi=dpi)
    assert measure_squaring(data, "x") == (1.0, 1.0)


def test_a_fax_given_as_a_pil_image_is_the_same() -> None:
    fax = Image.open(io.BytesIO(encoded(squashed(), "TIFF", dpi=(204, 98))))
    assert measure_squaring(as_file(fax), "x") == pytest.approx((1.0, 204 / 98), rel=0.01)
    for copy in (fax.resize(cross().shape[::-1]), fax.transpose(Image.Transpose.ROTATE_90)):
        assert "dpi" in copy.info  # of the file, which says nothing of what was made from it
        assert measure_squaring(as_file(copy), "x") == (1.0, 1.0)
    plain = Image.fromarray(cross())
    assert b"pHYs" not in as_file(plain)
    assert decode_reduced(as_file(plain), "x")[0].shape == cross().shape


@pytest.mark.parametrize("loaded", [False, True])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_fax_on_its_side_is_stretched_the_same_way_as_a_pil_image(
    orientation: int, loaded: bool
) -> None:
    tags = {"tiffinfo": {0x0112: orientation}, "dpi": (204, 98)}
    data = encoded(squashed(), "TIFF", **tags)
    image = Image.open(io.BytesIO(data))
    if loaded:
        image.load()
    given = as_file(image)
    assert measure_squaring(given, "x") == pytest.approx(measure_squaring(data, "x"), rel=1e-3)
    assert decode_reduced(given, "x")[0].shape == decode_reduced(data, "x")[0].shape
