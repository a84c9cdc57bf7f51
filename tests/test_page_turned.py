"""Pages that lie on their side or upside down without a tag, and pages far longer than wide."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hmer_cli.commands.convert import convert
from hmer_cli.page.detect.bands import cut_into_bands
from hmer_cli.page.load.pages import Page
from hmer_cli.page.regions import find_regions

Pixels = NDArray[np.uint8]
EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def formula(name: str) -> Pixels:
    image = cv2.imread(str(EXAMPLES / f"{name}.png"), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    return np.asarray(image, np.uint8)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_formula_is_read_and_placed_in_the_file(tmp_path: Path, quarters: int) -> None:
    image = np.ascontiguousarray(np.rot90(formula("pythagoras"), quarters))
    cv2.imwrite(str(tmp_path / "x.png"), image)
    (record,) = convert([str(tmp_path / "x.png")], [])
    assert record.latex == "a ^ { 2 } + b ^ { 2 } = c ^ { 2 }"
    rows, columns = np.nonzero(image < 128)
    wanted = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    assert record.region is not None
    assert max(abs(a - b) for a, b in zip(record.region, wanted, strict=True)) <= 3


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_points_of_a_turned_page_lead_back_to_the_source(quarters: int) -> None:
    image = np.full((90, 140), 255, np.uint8)
    image[20:30, 100:125] = 0
    turned = Page("x.png", 1, image).turned(quarters)
    rows, columns = np.nonzero(turned.image < 128)
    box = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    found = turned.in_source(tuple(map(float, box)))  # type: ignore[arg-type]
    assert found == pytest.approx((100, 20, 125, 30), abs=1)


@given(st.integers(1, 4000), st.integers(100, 400), st.integers(0, 2**32 - 1))
def test_bands_cover_a_page_once(height: int, width: int, seed: int) -> None:
    rows = np.random.default_rng(seed).random(height) < 0.5
    image = np.where(rows[:, None], np.uint8(0), np.uint8(255)) + np.zeros((1, width), np.uint8)
    bands = cut_into_bands(image)
    assert [first for first, _ in bands] == [0, *(last for _, last in bands[:-1])]
    assert bands[-1][1] == height and all(first < last for first, last in bands)
    assert len(bands) == 1 or max(last - first for first, last in bands) <= 1.41 * width + 1


def test_formulas_all_down_an_endless_page_are_found_where_they_are() -> None:
    names = ("pythagoras", "basel", "integral", "derivative") * 4
    page = np.full((500 * len(names), 1100), 255, np.uint8)
    for index, name in enumerate(names):
        image = formula(name)
        page[500 * index + 90 :, 200:][: image.shape[0], : image.shape[1]] = image
    regions = find_regions(Page.of("x.png", 1, page))
    assert len(regions) == len(names)
    for index, region in enumerate(regions):
        assert 500 * index < region.box[1] < region.box[3] < 500 * (index + 1)
        left, top, right, foot = (round(edge) for edge in region.place)
        assert (page[top:foot, left:right] < 128).any()
