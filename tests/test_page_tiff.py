"""TIFF: each of its pages is found and drawn, and nothing else in it."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from handmade import cross, open_pages
from PIL import Image, TiffImagePlugin

from hmer_cli.errors import InputError
from hmer_cli.page.load.tiff import MAX_FRAMES, directories


def chain(links: list[int]) -> bytes:
    """A TIFF of one empty directory after another, linked as given."""
    first = 8
    body = b"".join(struct.pack("<HI", 0, first + 6 * link if link >= 0 else 0) for link in links)
    return struct.pack("<2sHI", b"II", 42, first) + body + bytes(16)


def test_the_pages_of_a_tiff_are_found_by_one_walk() -> None:
    count = 5000
    assert len(directories(chain([*range(1, count), -1]), "x.tif")) == count
    assert len(directories(chain([1, 2, 0]), "x.tif")) == 3
    with pytest.raises(InputError, match="more than 10,000 pages"):
        directories(chain([*range(1, MAX_FRAMES + 2), -1]), "x.tif")


def test_each_page_of_a_tiff_is_drawn(tmp_path: Path) -> None:
    pages = [np.roll(cross(), 3 * n, 1) for n in range(5)]
    for big in (False, True):
        first, *others = [Image.fromarray(page) for page in pages]
        path = tmp_path / "x.tif"
        first.save(path, save_all=True, append_images=others, big_tiff=big)
        for page, wanted in zip(open_pages(str(path)), pages, strict=True):
            assert np.abs(page.image.astype(int) - wanted).max() <= 2


@pytest.mark.parametrize("big", [False, True])
def test_smaller_copies_and_masks_in_a_tiff_are_no_pages(tmp_path: Path, big: bool) -> None:
    path = tmp_path / "x.tif"
    image, small = Image.fromarray(cross()), Image.fromarray(cross()).resize((40, 30))
    image.save(path, big_tiff=big)
    for kind, subfile in ((small, 1), (image, 4), (small, 5), (image, 2)):  # 2: of several pages
        with TiffImagePlugin.AppendingTiffWriter(str(path)) as appended:
            kind.save(appended, "TIFF", tiffinfo={254: subfile}, big_tiff=big)
    assert [page.image.shape for page in open_pages(str(path))] == 2 * [cross().shape]
    small.save(path, big_tiff=big, tiffinfo={254: 1})
    assert len(list(open_pages(str(path)))) == 1
