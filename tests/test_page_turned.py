"""Pages that lie on their side or upside down without a tag, and pages far longer than wide."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from handmade import FakeRecogniser, example_image
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hmer_cli.commands.convert import convert
from hmer_cli.document import orientation
from hmer_cli.document.records import Record
from hmer_cli.ink.render import Readable, image_of
from hmer_cli.page import regions
from hmer_cli.page.detect.bands import cut_into_bands
from hmer_cli.page.detect.search import prepare_page
from hmer_cli.page.load.pages import Page
from hmer_cli.page.regions import find_regions
from hmer_cli.recognition.reading import Reading, TokenReading

Pixels = NDArray[np.uint8]


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_formula_is_read_and_placed_in_the_file(tmp_path: Path, quarters: int) -> None:
    image = turned_file(tmp_path, "pythagoras", quarters)
    (record,) = convert([str(tmp_path / "x.png")], [])
    assert record.latex == "a^2+b^2 = c^2"
    rows, columns = np.nonzero(image < 128)
    wanted = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    assert record.region is not None
    assert max(abs(a - b) for a, b in zip(record.region, wanted, strict=True)) <= 3


@pytest.mark.parametrize(("name", "quarters"), [("basel", 3), ("limit", 3), ("basel", 1)])
def test_a_formula_that_falls_into_columns_on_its_side_is_turned(
    tmp_path: Path, name: str, quarters: int
) -> None:
    turned_file(tmp_path, name, quarters)
    (record,) = convert([str(tmp_path / "x.png")], [])
    assert record.status == "ok"
    assert ("\\sum" if name == "basel" else "\\lim") in record.latex


def turned_file(folder: Path, name: str, quarters: int) -> Pixels:
    image = np.ascontiguousarray(np.rot90(example_image(name), quarters))
    cv2.imwrite(str(folder / "x.png"), image)
    return image


def test_a_turned_page_is_looked_at_as_often_as_one_that_lies_upright() -> None:
    page = Page.of("x.png", 1, example_image("pythagoras"))
    upright, turned = prepare_page(page), prepare_page(page.turned(1).turned(3))
    assert upright.sharp is not None and turned.sharp is not None
    assert (turned.sharp == upright.sharp).all() and (turned.image == upright.image).all()


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_points_of_a_turned_page_lead_back_to_the_source(quarters: int) -> None:
    image = np.full((90, 140), 255, np.uint8)
    image[20:30, 100:125] = 0
    turned = Page("x.png", 1, image).turned(quarters)
    rows, columns = np.nonzero(turned.image < 128)
    box = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    found = turned.in_source(tuple(map(float, box)))  # type: ignore[arg-type]
    assert found == pytest.approx((100, 20, 125, 30), abs=1)


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_the_room_round_the_ink_is_on_the_same_side_in_the_source(quarters: int) -> None:
    image = np.full((90, 140), 255, np.uint8)
    image[20:30, 100:125] = 0
    turned = Page("x.png", 1, image).turned(quarters)
    assert turned.to_source is not None
    wanted = np.array([(95, 18), (137, 41)], np.float64)
    there = cv2.perspectiveTransform(wanted[None], np.linalg.inv(turned.to_source))[0]
    found = turned.in_source((*there.min(0).tolist(), *there.max(0).tolist()))
    assert found == pytest.approx((95, 18, 137, 41))


@given(st.integers(1, 4000), st.integers(1, 400), st.integers(0, 2**32 - 1))
@example(2000, 1, 0)
def test_bands_cover_a_page_once(height: int, width: int, seed: int) -> None:
    rows = np.random.default_rng(seed).random(height) < 0.5
    image = np.where(rows[:, None], np.uint8(0), np.uint8(255)) + np.zeros((1, width), np.uint8)
    bands = cut_into_bands(image)
    assert [first for first, _ in bands] == [0, *(last for _, last in bands[:-1])]
    assert bands[-1][1] == height and all(first < last for first, last in bands)
    assert len(bands) == 1 or max(last - first for first, last in bands) <= 1.41 * width + 1


@pytest.mark.parametrize("gray", [60, 190, 215])
def test_bands_end_between_lines_of_any_ink(gray: int) -> None:
    image = np.full((3600, 1000), 255, np.uint8)
    for top in range(20, 3560, 57):
        image[top : top + 38, 100:900] = gray
    cuts = [last for _, last in cut_into_bands(image)[:-1]]
    assert cuts
    assert (image[cuts] == 255).all()


@pytest.mark.parametrize("shape", [(2400, 1080), (3840, 1644)])
def test_a_long_screen_is_one_page(shape: tuple[int, int]) -> None:
    assert cut_into_bands(np.full(shape, 255, np.uint8)) == [(0, shape[0])]


def test_formulas_all_down_an_endless_page_are_found_where_they_are() -> None:
    names = ("pythagoras", "basel", "integral", "derivative") * 4
    page = np.full((500 * len(names), 1100), 255, np.uint8)
    for index, name in enumerate(names):
        image = example_image(name)
        page[500 * index + 90 :, 200:][: image.shape[0], : image.shape[1]] = image
    regions = find_regions(Page.of("x.png", 1, page))
    assert len(regions) == len(names)
    for index, region in enumerate(regions):
        assert 500 * index < region.box[1] < region.box[3] < 500 * (index + 1)
        left, top, right, foot = (round(edge) for edge in region.place)
        assert (page[top:foot, left:right] < 128).any()


def test_small_writing_on_an_endless_page_is_no_dust() -> None:
    image = cv2.resize(
        example_image("pythagoras"), None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA
    )
    page = np.full((26_000, 700), 255, np.uint8)
    for top in (300, 14_000):
        page[top:, 100:][: image.shape[0], : image.shape[1]] = image
    assert len(find_regions(Page("x.png", 1, page))) == 2


class Doubting(FakeRecogniser):
    """Reads whatever stands upright with confidence, counts what it reads, and doubts the rest."""

    def __init__(self, label: str) -> None:
        super().__init__(label)
        self.seen: list[Pixels] = []

    def read(self, images: Sequence[Readable]) -> list[Reading]:
        shown = [np.asarray(image_of(image)) for image in images]
        self.seen += shown
        return [Reading(self.label, 0.9 if self.stands(image) else 0.2) for image in shown]

    def certainty(self, images: Sequence[Readable]) -> list[float]:
        return [-0.1 if self.stands(np.asarray(image_of(image))) else -0.4 for image in images]

    @staticmethod
    def stands(image: Pixels) -> bool:
        return bool((image[: len(image) // 2] < 128).sum() > (image[len(image) // 2 :] < 128).sum())


def heavy_above() -> Pixels:
    """A wide row of strokes with far more ink in its upper half."""
    image = np.full((120, 400), 255, np.uint8)
    for left in range(40, 340, 60):
        cv2.rectangle(image, (left, 40), (left + 30, 52), 0, -1)
        cv2.line(image, (left + 15, 50), (left + 15, 80), 0, 2)
    return image


class Placing(Doubting):
    """As it, with one token over all of the image."""

    def read(self, images: Sequence[Readable]) -> list[Reading]:
        readings = super().read(images)
        sizes = (image_of(image).shape for image in images)
        return [
            Reading(each.label, each.confidence, (TokenReading("a", 0.9, (0, 0, wide, high)),))
            for each, (high, wide) in zip(readings, sizes, strict=True)
        ]


@pytest.mark.parametrize("quarters", [0, 2])
def test_tokens_of_a_turned_page_are_in_the_file_where_their_region_is(
    tmp_path: Path, quarters: int
) -> None:
    image = np.pad(heavy_above(), ((0, 90), (0, 150)), constant_values=255)
    image = np.ascontiguousarray(np.rot90(image, quarters))
    cv2.imwrite(str(tmp_path / "a.png"), image)
    (record,) = convert(
        [str(tmp_path / "a.png")], (), recogniser=Placing("a + b = c"), layout="expression"
    )
    assert record.status == "ok" and record.region is not None
    (token,) = record.tokens
    assert token.box == pytest.approx(record.region, abs=20)  # the paper round the ink


def read_with(reader: Doubting, image: Pixels, folder: Path) -> str:
    cv2.imwrite(str(folder / "a.png"), image)
    result = convert([str(folder / "a.png")], (), recogniser=reader, layout="expression")
    return result[0].status


def test_a_page_that_reads_worse_every_other_way_is_not_read_again(tmp_path: Path) -> None:
    reader = Doubting("a + b = c")
    reader.stands = lambda image: False  # type: ignore[method-assign]
    assert read_with(reader, heavy_above(), tmp_path) == "low"
    assert len(reader.seen) == 1


@pytest.mark.parametrize(("label", "status"), [("a + b = c", "ok"), ("a = c", "low")])
def test_a_turn_must_say_more_than_a_few_signs(tmp_path: Path, label: str, status: str) -> None:
    upside_down = np.ascontiguousarray(heavy_above()[::-1, ::-1])
    assert read_with(Doubting(label), upside_down, tmp_path) == status


def test_a_large_page_is_turned_by_a_smaller_copy_and_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upside_down = np.ascontiguousarray(heavy_above()[::-1, ::-1])
    cv2.imwrite(str(tmp_path / "a.png"), upside_down)

    def read() -> tuple[list[tuple[int, ...]], list[Record]]:
        reader = Doubting("a + b = c")
        records = convert([str(tmp_path / "a.png")], (), recogniser=reader, layout="expression")
        return [image.shape for image in reader.seen], records

    (*_, whole), [usual] = read()
    monkeypatch.setattr(orientation, "_PIXELS", upside_down.size // 4)
    (_, tried, last), [large] = read()
    assert large.status == usual.status == "ok"
    assert large.region == usual.region
    assert tried[0] < whole[0] == last[0]


def test_a_page_read_before_is_shown_as_it_was_read(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.ascontiguousarray(heavy_above()[::-1, ::-1]))

    def shown(*outs: str) -> str:
        reader = Doubting("a + b = c")
        reader.identity = "doubting"  # type: ignore[attr-defined]
        for out in outs:  # the first keeps no pictures
            convert(
                [str(path)], [str(tmp_path / out)],
                cache=tmp_path / f"cache-{outs[0]}", recogniser=reader, layout="expression",
            )  # fmt: skip
        return (tmp_path / outs[-1]).read_text("utf-8")

    assert shown("first.jsonl", "later.html") == shown("at-once.html")


def test_debug_shows_a_turned_page_as_it_was_read(tmp_path: Path) -> None:
    for name, image in ("turned", heavy_above()[::-1, ::-1]), ("upright", heavy_above()):
        path = tmp_path / name / "a.png"
        path.parent.mkdir()
        cv2.imwrite(str(path), np.ascontiguousarray(image))
        convert(
            [str(path)], (),
            debug=tmp_path / f"{name}-seen", recogniser=Doubting("a + b = c"), layout="expression",
        )  # fmt: skip
    seen = [tmp_path / f"{name}-seen" / "a-p1.png" for name in ("turned", "upright")]
    assert seen[0].read_bytes() == seen[1].read_bytes()


@pytest.mark.slow
def test_a_page_of_specks_is_searched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has 21,750 parts, and each of its turns would take seconds."""
    black = np.random.default_rng(1).random((6000, 6000)) < 0.02
    specks = np.where(black, 0, 255).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "specks.png"), specks)
    searched = []
    search = regions.find_boxes
    monkeypatch.setattr(regions, "find_boxes", lambda *of: searched.append(of) or search(*of))
    records = convert([str(tmp_path / "specks.png")], [])
    assert len(searched) <= 1
    assert all(record.status != "ok" for record in records)
