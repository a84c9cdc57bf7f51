"""Pencil beside print, and gray or yellow pens beside black ones: kept, or said to be too pale."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from handmade import FakeRecogniser, encoded
from numpy.typing import NDArray

from hmer_cli.commands.convert import convert
from hmer_cli.page.clean.pale_writing import too_pale, with_pale_writing
from hmer_cli.page.detect.search import prepare_page
from hmer_cli.page.drawn_boxes import cut_out
from hmer_cli.page.load.colour import as_gray
from hmer_cli.page.load.pages import Page
from hmer_cli.page.regions import find_regions

Gray = NDArray[np.uint8]


def written(*rows: tuple[str, int], size: float = 2, thick: int = 4) -> Gray:
    """Rows of writing, each of its gray level, on white."""
    image = np.full((40 + 110 * len(rows), 800), 255, np.uint8)
    for number, (text, level) in enumerate(rows):
        place = 60, 100 + 110 * number
        cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, level, thick, cv2.LINE_AA)
    return image


@pytest.mark.parametrize("level", [160, 175])
def test_the_answer_in_pencil_belongs_to_the_printed_formula(level: int) -> None:
    image = written(("3 + 4 - 2 =", 0))
    cv2.putText(image, "25", (600, 100), cv2.FONT_HERSHEY_SIMPLEX, 2, level, 4, cv2.LINE_AA)
    (region,) = find_regions(Page.of("x", 1, image), "expression")
    assert region.box[2] > 650
    right = region.image[:, -60:]
    assert right.min() < 60  # as dark as the rest


def test_a_drawn_box_and_its_key_hold_the_pencil_as_a_found_one_does() -> None:
    image = written(*[("x = 3a + 5b", 0)] * 4, size=1.6)
    cv2.putText(image, "= 25", (500, 100), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 165, 4, cv2.LINE_AA)
    (dark,) = with_pale_writing(image)
    boxes = [(40.0, 40.0, 750.0, 130.0)]
    (drawn,), (found,) = (cut_out(Page("x", 1, each), boxes) for each in (image, dark))
    assert drawn is not None and found is not None
    assert drawn.box[2] > 580  # = 25 begins at 500
    assert (drawn.box, drawn.key) == (found.box, found.key)
    assert drawn.image[:, -60:].min() < 60


@pytest.mark.parametrize("level", [165, 195])
def test_the_printed_frame_round_pencil_stays_as_pale_as_it_is(level: int) -> None:
    image = np.pad(
        written(*[("x = 3a + 5b", 0)] * 4, size=1.6), ((0, 200), (0, 0)), constant_values=255
    )
    cv2.putText(
        image, "y = 2z + 8c", (100, 580), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 165, 4, cv2.LINE_AA
    )
    cv2.rectangle(image, (60, 500), (700, 640), level, 3)
    (dark,) = with_pale_writing(image)
    assert dark[510:630, 70:690].min() < 60
    sides = dark[495:646, 55:66], dark[495:506, 55:706], dark[495:646, 695:706]
    assert all(side.min() == level for side in sides)


def shining_through() -> Gray:
    back = written(("ab = 2 + 5e", 120), ("cos x + 3", 120), size=2)[:, ::-1]
    front = written(("2x + 1 = 5", 0), ("3y = 9", 0), size=1.6)
    return np.minimum(front, cv2.GaussianBlur(back, (0, 0), 4)).astype(np.uint8)


def grain() -> Gray:
    noise = np.random.default_rng(0).normal(235, 25, (260, 800))
    return np.minimum(written(("2x + 1 = 5", 0), ("3y = 9", 0)), noise.clip(150, 255)).astype(
        np.uint8
    )


def watermark() -> Gray:
    image = written(("2x + 1 = 5", 0), ("3y = 9", 0))
    cv2.putText(image, "DRAFT", (20, 250), cv2.FONT_HERSHEY_SIMPLEX, 8, 175, 45, cv2.LINE_AA)
    return np.minimum(image, written(("2x + 1 = 5", 0), ("3y = 9", 0))).astype(np.uint8)


@pytest.mark.parametrize("made", [shining_through, grain, watermark])
def test_what_is_no_writing_stays_as_pale_as_it_is(made: object) -> None:
    image = made()  # type: ignore[operator]
    (same,) = with_pale_writing(image)
    assert same is image
    assert not too_pale(image)


def test_what_is_too_pale_is_said_and_what_stands_beside_it_is_doubtful(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    pale = [(315.0 + 40 * i, 60.0, 345.0 + 40 * i, 100.0) for i in range(3)]
    monkeypatch.setattr("hmer_cli.page.detect.search.too_pale", lambda image: pale)
    Path("x.png").write_bytes(encoded(written(("3 + 4 - 2", 0))))
    (record,) = convert(["x.png"], ["o.jsonl"], layout="expression", recogniser=FakeRecogniser())
    assert (record.status, record.error) == ("low", "not read with it: ink far paler than the rest")
    assert (
        "x.png: page 1: not read: 3 signs of ink far paler than the rest" in capsys.readouterr().err
    )


@pytest.mark.parametrize("pen", [(255, 230, 0), (255, 255, 0)])
def test_a_yellow_pen_beside_black_is_ink(pen: tuple[int, ...]) -> None:
    image = np.full((300, 900, 3), 255, np.uint8)
    for y, colour in ((100, (0, 0, 0)), (240, pen)):
        place = (60, y)
        cv2.putText(image, "a b + d", place, cv2.FONT_HERSHEY_SIMPLEX, 2, colour, 4, cv2.LINE_AA)
    gray = prepare_page(Page.of("x", 1, as_gray(image))).image < 128
    assert np.count_nonzero(gray[150:]) > 0.6 * np.count_nonzero(gray[:150])
