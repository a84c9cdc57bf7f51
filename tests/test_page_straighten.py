"""Photos of sheets and tilted scans become upright pages whose boxes are still the photo's."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from handmade import cross, encoded
from numpy.typing import NDArray
from PIL import Image

from hmer_cli.page.clean.deskew import clean_and_straight
from hmer_cli.page.clean.illumination import clean
from hmer_cli.page.clean.sheet import find_sheet
from hmer_cli.page.detect.overlay import as_png
from hmer_cli.page.load.pages import Page
from hmer_cli.page.regions import find_regions

Pixels = NDArray[np.uint8]
Corners = list[tuple[float, float]]

SHEETS: list[Corners] = [
    [(150, 120), (750, 130), (760, 990), (140, 980)],
    [(230, 150), (800, 90), (720, 1000), (90, 900)],
    [(80, 200), (830, 260), (760, 1080), (170, 1010)],
]


def written(height: int = 1000, width: int = 700) -> Pixels:
    """A sheet full of lines of small letters."""
    page = np.full((height, width), 235, np.uint8)
    for y in range(60, height - 30, 45):
        cv2.putText(
            page, "a b c d e f g h i k", (50, y), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 40, 2, cv2.LINE_AA
        )
    return page


def on_table(sheet: Pixels, corners: Corners, table: int = 90) -> Pixels:
    """A photo, 900 wide and 1150 high, of the sheet with its corners there."""
    height, width = sheet.shape
    flat = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    matrix = cv2.getPerspectiveTransform(flat, np.array(corners, np.float32))
    photo = np.full((1150, 900), table, np.uint8)
    cv2.warpPerspective(sheet, matrix, (900, 1150), photo, cv2.INTER_AREA, cv2.BORDER_TRANSPARENT)
    grain = np.random.default_rng(1).normal(0, 3, photo.shape)
    return np.clip(cv2.GaussianBlur(photo, (0, 0), 0.8) + grain, 0, 255).astype(np.uint8)


def tilted(page: Pixels, angle: float) -> Pixels:
    height, width = page.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -angle, 1)
    return np.asarray(cv2.warpAffine(page, matrix, (width, height), borderValue=235), np.uint8)


@pytest.mark.parametrize("corners", SHEETS)
def test_a_sheet_on_a_table_is_found_to_the_pixel(corners: Corners) -> None:
    found = find_sheet(on_table(written(), corners))
    assert found is not None
    assert np.abs(found - np.array(corners)).max() < 4


def test_a_sheet_half_in_the_shade_is_taken_whole() -> None:
    photo = on_table(written(), SHEETS[1], table=40)
    photo[600:] = photo[600:] * 0.55
    found = find_sheet(photo)
    assert found is not None
    assert np.abs(found - np.array(SHEETS[1])).max() < 6


def test_a_table_in_the_light_as_bright_as_paper_in_the_shade_is_no_sheet() -> None:
    shade = np.interp(np.arange(900), (380, 560), (0.45, 1.0))
    photo = (on_table(written(), SHEETS[1], table=110) * shade).astype(np.uint8)
    found = find_sheet(photo)
    assert found is not None
    assert np.abs(found - np.array(SHEETS[1])).max() < 6


def shaded() -> Pixels:
    page = written()
    page[:, 260:] = page[:, 260:] * 0.5
    page[:90], page[900:] = page[:90] * 0.5, page[900:] * 0.5
    page[:, :60] = page[:, :60] * 0.5
    return page


def cut_off() -> Pixels:
    return on_table(written(), [(150, -80), (750, -80), (760, 990), (140, 980)])


@pytest.mark.parametrize(
    "image",
    [written(), 255 - written(), shaded(), cross(), np.full((900, 700), 128, np.uint8)],
    ids=["page", "board", "light through a window", "crop", "nothing"],
)
def test_without_a_clear_outline_nothing_is_done(image: Pixels) -> None:
    assert find_sheet(image) is None
    level, to_source = clean_and_straight(image)
    assert to_source is None
    assert (level == clean(image)).all()


def test_the_table_beside_a_sheet_that_is_cut_off_becomes_paper() -> None:
    image = cut_off()
    assert find_sheet(image) is None
    cleaned, to_source = clean_and_straight(image)
    assert to_source is None
    assert cleaned[:, :120].min() > 240  # the table and its grain are gone
    kept = np.s_[:940, 200:700]
    assert abs(cleaned[kept].astype(int) - clean(image)[kept]).max() < 5


def slope(image: Pixels) -> float:
    """Degrees by which the lines were found to fall to the right."""
    _, back = clean_and_straight(image)
    return 0.0 if back is None else float(np.degrees(np.arctan2(back[1, 0], back[0, 0])))


@pytest.mark.parametrize("angle", [-6.0, -2.5, 2.0, 4.7])
@pytest.mark.parametrize("dark", [False, True])
def test_the_tilt_of_the_lines_is_measured(angle: float, dark: bool) -> None:
    page = tilted(written(), angle)
    assert slope(255 - page if dark else page) == pytest.approx(angle, abs=0.3)


def test_level_pages_and_crops_have_no_tilt() -> None:
    assert slope(written()) == 0
    assert slope(cross()) == 0
    assert slope(tilted(cross(400, 900), 5)) == 0


@pytest.mark.parametrize("corners", SHEETS)
def test_boxes_found_on_the_level_page_lie_where_the_photo_shows_them(corners: Corners) -> None:
    sheet = written()
    cv2.rectangle(sheet, (300, 480), (420, 540), 235, -1)
    cv2.rectangle(sheet, (320, 490), (400, 530), 0, -1)
    page = Page.of("photo", 1, on_table(sheet, corners))
    blobs = cv2.morphologyEx(255 - page.image, cv2.MORPH_OPEN, np.ones((15, 15)))
    x, y, w, h = cv2.boundingRect((blobs > 128).astype(np.uint8))
    x0, y0, x1, y1 = page.in_source((x, y, x + w, y + h))
    flat = np.array([(0, 0), (700, 0), (700, 1000), (0, 1000)], np.float32)
    there = cv2.getPerspectiveTransform(flat, np.array(corners, np.float32))
    block = np.array([[(320, 490), (401, 490), (401, 531), (320, 531)]], np.float64)
    wanted = cv2.perspectiveTransform(block, there)[0]
    assert np.abs(np.array([x0, y0]) - wanted.min(0)).max() < 5
    assert np.abs(np.array([x1, y1]) - wanted.max(0)).max() < 5


def test_a_box_round_a_slanted_line_has_no_more_room_than_on_the_level_page() -> None:
    sheet = written()
    sheet[440:560] = 235
    cv2.line(sheet, (80, 500), (620, 500), 0, 4)
    scan = tilted(sheet, 4.7)
    page = Page.of("scan", 1, scan)
    assert page.to_source is not None
    bars = cv2.morphologyEx(255 - page.image, cv2.MORPH_OPEN, np.ones((1, 200)))
    x, y, w, h = cv2.boundingRect((bars > 128).astype(np.uint8))
    found = page.in_source((x - 10, y - 10, x + w + 10, y + h + 10))
    slanted = np.ptp(np.array(found).reshape(2, 2), axis=0)
    rise, run = 540 * np.sin(np.radians(4.7)), 540 * np.cos(np.radians(4.7))
    assert slanted == pytest.approx([run + 20, rise + 24], abs=8)


def test_a_tilted_scan_loses_nothing_at_its_corners() -> None:
    page = np.full((1000, 700), 235, np.uint8)
    page[40:-40, 40:-40] = written()[40:-40, 40:-40]
    level, to_source = clean_and_straight(tilted(page, 5))
    assert to_source is not None
    corners = np.array([[(0, 0), (700, 0), (700, 1000), (0, 1000)]], np.float64)
    there = cv2.perspectiveTransform(corners, np.linalg.inv(to_source))[0]
    assert there.min() > -1
    assert (there < (level.shape[1] + 1, level.shape[0] + 1)).all()


def test_a_sheet_written_on_aslant_is_turned_without_the_table_around_it() -> None:
    corners = SHEETS[0]
    photo = on_table(tilted(written(), 5), corners, table=30)
    level, to_source = clean_and_straight(photo)
    assert to_source is not None
    assert slope(level) == 0
    around = np.concatenate([level[:20].ravel(), level[-20:].ravel()])
    assert np.median(around) > 200
    assert (around < 100).mean() < 0.05


def test_a_small_sheet_keeps_its_sharpness() -> None:
    sheet = written(620, 440)
    corners = [(230.0, 265.0), (670.0, 265.0), (670.0, 885.0), (230.0, 885.0)]
    photo = on_table(sheet, corners)
    level, to_source = clean_and_straight(photo)
    assert to_source is not None
    shown = clean(photo[265:885, 230:670])
    level = np.asarray(cv2.resize(level, (440, 620)), np.uint8)
    strokes = shown < 120
    assert np.abs(level[strokes].astype(float) - shown[strokes]).mean() < 15


def test_what_hmer_saw_is_a_picture_with_frames_round_the_regions() -> None:
    page = Page.of("cross.png", 1, np.asarray(Image.open(io.BytesIO(encoded(cross())))))
    places = [region.place for region in find_regions(page)]
    picture = np.asarray(Image.open(io.BytesIO(as_png(page, places))))
    red = (picture[..., 0] > 180) & (picture[..., 1] < 100)
    x, y, w, h = cv2.boundingRect(red.astype(np.uint8))
    assert picture.shape == (120, 160, 3)
    assert x <= 38 and y <= 28 and x + w >= 83 and y + h >= 93


@pytest.mark.data
@pytest.mark.slow
def test_photos_of_real_pages_keep_what_they_kept(data_file: Callable[[str], Path]) -> None:
    script = Path(__file__).parent.parent / "train" / "benchmarks" / "photos.py"
    pages = str(data_file("scan-pages.zip"))
    run = subprocess.run(
        [sys.executable, str(script), pages, "--every", "24"],
        capture_output=True,
        text=True,
        check=True,
    )
    *_, line = run.stdout.splitlines()
    assert float(line.split()[1].rstrip("%")) >= 92, run.stdout


def with_shadow(image: Pixels, begins: float) -> Pixels:
    """The right part in the shade of something with a sharp edge."""
    light = np.where(np.arange(image.shape[1]) > begins * image.shape[1], 0.55, 1.0)
    soft = cv2.GaussianBlur(np.tile(light, (image.shape[0], 1)), (0, 0), 3)
    return (image * soft).astype(np.uint8)


def test_writing_in_the_shade_is_no_surroundings() -> None:
    page, dark = written(), np.s_[:, 210:330]
    cleaned, _ = clean_and_straight(with_shadow(page, 0.28))
    assert (cleaned[dark] < 128).mean() > 0.8 * (page[dark] < 128).mean()


def test_large_writing_in_the_shade_is_no_surroundings() -> None:
    crop = np.full((420, 800), 235, np.uint8)
    cv2.putText(crop, "cos(0)=1", (40, 270), cv2.FONT_HERSHEY_SIMPLEX, 5, 40, 12, cv2.LINE_AA)
    cleaned, _ = clean_and_straight(with_shadow(crop, 0.45))
    assert (cleaned[:, 400:] < 128).mean() > 0.5 * (crop[:, 400:] < 128).mean()


def test_a_table_with_nothing_on_it_stays_surroundings() -> None:
    image = cut_off()
    image[:, :140] = 130  # as bright as paper in the shade, and without writing
    assert clean_and_straight(image)[0][:, :120].min() > 240


@pytest.mark.parametrize("angle", [-5.0, 4.0])
def test_the_corners_of_a_page_that_was_turned_are_as_bright_as_the_paper_near(
    angle: float,
) -> None:
    page = written()
    page = (tilted(page, angle) * np.linspace(0.35, 1, page.shape[1])).astype(np.uint8)
    cleaned, to_source = clean_and_straight(page)
    assert to_source is not None
    height, width = cleaned.shape
    for corner in (np.s_[:25, :25], np.s_[:25, -25:], np.s_[-25:, :25], np.s_[-25:, -25:]):
        assert cleaned[corner].min() > 225


def line(page: Pixels, y: int, pen: int, text: str = "3x + 2y = 14 - 5z") -> None:
    cv2.putText(page, text, (110, y), cv2.FONT_HERSHEY_SIMPLEX, 1.4, pen, 4, cv2.LINE_AA)


@pytest.mark.parametrize("ground", [225, 200, 120])
def test_writing_round_a_white_panel_of_a_slide_stays(ground: int) -> None:
    slide = np.full((1600, 1200), ground, np.uint8)
    slide[300:1200, 80:1120] = 255
    for y in range(370, 1190, 82):
        line(slide, y, 40)
    line(slide, 180, 40, "a + b = c")
    line(slide, 1400, 40, "x = 3")
    cleaned = Page.of("slide.png", 1, slide).image
    assert cleaned.shape == slide.shape
    for rows in (np.s_[130:200], np.s_[1350:1420]):
        assert (cleaned[rows] < 128).sum() > 0.8 * (slide[rows] < 80).sum()


def test_a_sheet_on_a_table_of_one_gray_level_is_found_still() -> None:
    photo = np.full((1600, 1200), 120, np.uint8)
    photo[300:1500, 180:1020] = 235
    for y in range(370, 1490, 82):
        cv2.putText(photo, "a b c d e", (220, y), cv2.FONT_HERSHEY_SIMPLEX, 1.4, 40, 4)
    assert find_sheet(photo) is not None


@pytest.mark.parametrize(
    ("paper", "card"),
    [(0, (80, 100, 620, 1100)), (60, (80, 100, 620, 1100)), (30, (0, 0, 560, 1200))],
)
@pytest.mark.parametrize("lines", [2, 7])
def test_light_notes_on_dark_paper_under_a_white_picture_stay(
    paper: int, card: tuple[int, int, int, int], lines: int
) -> None:
    top, left, foot, right = card
    page = np.full((1600, 1200), paper, np.uint8)
    page[top:foot, left:right] = 255
    for y in range(top + 100, foot - 40, 110):
        line(page, y, 20, "Exercise: solve for x")
    for y in range(740, 740 + 120 * lines, 120):
        line(page, y, 240)
    cleaned = Page.of("notes.png", 1, page).image
    assert cleaned.shape == page.shape
    notes = np.s_[660:]
    written = (page[notes] > 128).sum()
    assert 0.8 * written < (cleaned[notes] < 128).sum() < 1.2 * written
    if not top:  # the picture is as wide as the page
        assert (cleaned[:520] < 128).mean() < 0.1
