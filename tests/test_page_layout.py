"""Where the expressions are: on pages among other things, in crops everywhere."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from handmade import INKML, cross
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hmer_cli.errors import MissingError, UsageError
from hmer_cli.metrics.regions import PageOutcome, matches, score
from hmer_cli.page.clean.illumination import clean
from hmer_cli.page.detect.components import find_components
from hmer_cli.page.detect.detector import Detector, fold_of
from hmer_cli.page.detect.search import (
    Box,
    find_boxes,
    in_reading_order,
    non_maximum_suppression,
    prepare_page,
    with_margins,
)
from hmer_cli.page.load.images import decode
from hmer_cli.page.load.pages import Page, open_pages
from hmer_cli.page.regions import Layout, find_regions

Pixels = NDArray[np.uint8]


def notes(height: int = 1754, width: int = 1240, letter: float = 0.8) -> Pixels:
    """Lines of writing all down a page."""
    page = np.full((height, width), 255, np.uint8)
    for y in range(120, height - 80, 70):
        cv2.putText(
            page, "a b c d e f g h i", (90, y), cv2.FONT_HERSHEY_SIMPLEX, letter, 0, 2, cv2.LINE_AA
        )
    return page


def as_page(image: Pixels) -> Page:
    return Page("page.png", 1, clean(image))


def test_a_crop_is_one_region_and_a_page_is_searched() -> None:
    assert len(find_regions(as_page(cross()))) == 1
    searched = find_regions(as_page(notes()))
    assert [r.box for r in searched] == [r.box for r in find_regions(as_page(notes()), "page")]


def test_expression_takes_a_page_as_a_whole() -> None:
    (region,) = find_regions(as_page(notes()), "expression")
    x0, y0, x1, y1 = region.box
    assert y0 < 130 and y1 > 1550


def test_a_page_can_be_asked_for_where_nobody_would_see_one() -> None:
    for region in find_regions(as_page(cross()), "page"):
        assert region.box[2] <= 160 and region.box[3] <= 120


def test_an_unknown_layout_is_wrong_usage() -> None:
    layout: Layout = "table"  # type: ignore[assignment]
    with pytest.raises(UsageError, match="table"):
        find_regions(as_page(cross()), layout)


@pytest.mark.parametrize("layout", ["auto", "expression", "page"])
def test_ink_is_one_expression_whatever_the_layout(tmp_path: Path, layout: Layout) -> None:
    (tmp_path / "x.inkml").write_text(INKML)
    (page,) = open_pages(str(tmp_path / "x.inkml"))
    assert len(find_regions(page, layout)) == 1


@pytest.mark.parametrize("layout", ["auto", "expression", "page"])
@pytest.mark.parametrize("shape", [(1, 1), (40, 3), (300, 200)])
def test_a_page_without_ink_has_no_regions(shape: tuple[int, int], layout: Layout) -> None:
    assert find_regions(as_page(np.full(shape, 255, np.uint8)), layout) == []


def test_regions_are_found_where_they_are_at_any_resolution() -> None:
    page = notes()
    large = cv2.resize(page, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    wanted = find_boxes(prepare_page(as_page(page)))
    found = find_boxes(prepare_page(as_page(np.asarray(large, np.uint8))))
    halves = [tuple(v / 2 for v in box) for box in found]
    assert matches(halves, wanted, 0.5) >= 0.8 * len(wanted)  # type: ignore[arg-type]


def test_regions_lie_inside_the_page() -> None:
    page = notes(letter=1.4)
    for x0, y0, x1, y1 in find_boxes(prepare_page(as_page(page))):
        assert 0 <= x0 < x1 <= page.shape[1] and 0 <= y0 < y1 <= page.shape[0]


def test_parts_are_measured_without_gaps_or_holes_in_the_numbers() -> None:
    parts = find_components(notes())
    assert len(parts) == len(parts.features) > 100
    assert np.isfinite(parts.features).all()


def test_pages_are_looked_at_sharpened_and_read_as_they_are() -> None:
    page = np.full((600, 800), 255, np.uint8)
    for y in range(60, 560, 50):
        for x in range(60, 740, 30):  # pairs of strokes that a soft picture joins
            page[y : y + 20, x : x + 3] = page[y : y + 20, x + 6 : x + 9] = 0
    soft = Page("scan.png", 1, cv2.GaussianBlur(page, (0, 0), 1.3))
    levelled = replace(soft, to_source=np.eye(3))
    pairs = 10 * 23
    assert len(prepare_page(soft).parts) == pairs
    assert len(prepare_page(levelled).parts) == 2 * pairs
    assert (prepare_page(levelled).image == soft.image).all()


def test_thousands_of_faint_dashes_are_no_parts() -> None:
    page = notes()
    plain, random = len(find_components(page)), np.random.default_rng(0)
    for x, y in random.integers(0, (1230, 1750), (6000, 2)):
        dash = page[y, x : x + 5]
        dash[:] = np.minimum(dash, random.integers(165, 185))
    assert len(find_components(page)) == pytest.approx(plain, rel=0.1)


def test_specks_are_no_parts() -> None:
    page = cross()
    page[10, 10:12] = 0
    assert len(find_components(page)) == 1


def test_reading_goes_by_rows_and_not_by_tops() -> None:
    left, right, below = (0, 12, 50, 40), (60, 5, 90, 45), (10, 60, 40, 80)
    assert in_reading_order([below, right, left]) == [left, right, below]


@given(
    st.lists(
        st.tuples(*[st.floats(0, 100)] * 2, *[st.floats(1, 50)] * 2).map(
            lambda v: (v[0], v[1], v[0] + v[2], v[1] + v[3])
        ),
        unique=True,
        max_size=8,
    ),
    st.randoms(),
)
def test_reading_order_does_not_depend_on_who_came_first(boxes: list[Box], random) -> None:  # type: ignore[no-untyped-def]
    shuffled = random.sample(boxes, len(boxes))
    assert in_reading_order(shuffled) == in_reading_order(boxes)
    assert sorted(in_reading_order(boxes)) == sorted(boxes)


def test_of_overlapping_candidates_the_likeliest_is_taken() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 12, 10], [40, 0, 50, 10], [80, 0, 90, 10]], np.float32)
    likely = np.array([0.5, 0.8, 0.6, 0.1], np.float32)
    assert non_maximum_suppression(boxes, likely).tolist() == [1, 2]


def test_of_candidates_that_are_all_sure_the_widest_is_taken() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 12, 10], [0, 0, 14, 10]], np.float32)
    assert non_maximum_suppression(boxes, np.array([0.97, 0.93, 0.85], np.float32)).tolist() == [1]


def test_a_frame_is_drawn_around_the_ink() -> None:
    ink = np.array([[10, 20, 50, 30]], np.float32)
    beyond = np.array([[0, 0.5, 1, 1.5]], np.float32)
    assert with_margins(ink, beyond, 10).tolist() == [[10, 15, 60, 45]]


def test_weights_that_are_missing_are_told(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="missing"):
        Detector(tmp_path)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("name", ["scan-crops.zip", "crohme2014-offline.zip"])
def test_images_of_one_expression_stay_whole(data_file: Callable[[str], Path], name: str) -> None:
    pages = islice(open_pages(str(data_file(name))), 0, None, 10)
    cut = [page.source for page in pages if len(find_regions(page)) != 1]
    assert len(cut) <= 1, cut  # of 75 and 99


@pytest.mark.data
@pytest.mark.slow
def test_real_pages_keep_the_score_they_had(data_file: Callable[[str], Path]) -> None:
    outcomes = []
    with zipfile.ZipFile(data_file("scan-pages.zip")) as archive:
        for name in sorted(n for n in archive.namelist() if n.endswith(".json"))[::16]:
            data = archive.read(name.replace(".json", ".jpg"))
            truth = json.loads(archive.read(name))["formulas"]
            found = find_boxes(
                prepare_page(Page.of(name, 1, decode(data, name))), fold=fold_of(data)
            )
            outcomes.append(PageOutcome(name, found, truth))
    assert score(outcomes)[0].f1 > 0.6
