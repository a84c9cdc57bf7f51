"""What is no writing on an image of one expression: watermarks, grain, corners, paper edges."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from hmer_cli.page.clean.blots import remove_blots
from hmer_cli.page.clean.faint import remove_faint, remove_light_specks
from hmer_cli.page.ink_box import ink_box
from hmer_cli.page.load.colour import as_gray
from hmer_cli.page.load.images import AMPLE, decode, decode_reduced
from hmer_cli.page.load.pages import Page, open_sheets
from hmer_cli.page.load.pens import without_corrections
from hmer_cli.page.load.sources import Source
from hmer_cli.page.regions import find_regions

Gray = NDArray[np.uint8]


def formula(dark: int = 40, paper: int = 255) -> Gray:
    image = np.full((300, 600), paper, np.uint8)
    cv2.putText(image, "2x + 1 = 5", (90, 150), cv2.FONT_HERSHEY_SIMPLEX, 2, dark, 4, cv2.LINE_AA)
    return image


def test_a_watermark_goes_and_pencil_of_one_darkness_stays() -> None:
    image = formula()
    marked = image.copy()
    cv2.putText(marked, "SAMPLE", (150, 280), cv2.FONT_HERSHEY_SIMPLEX, 2, 215, 3, cv2.LINE_AA)
    assert ink_box(remove_faint(marked)) == ink_box(image)
    assert (remove_faint(marked) < 200).sum() == (image < 200).sum()
    pencil = formula(dark=190)
    assert ((remove_faint(pencil) < 220) == (pencil < 220)).all()


def test_pencil_stays_beside_a_black_thing() -> None:
    image = np.full((900, 1200), 255, np.uint8)
    for y in range(100, 500, 80):
        cv2.putText(image, "2x + 1 = 5", (90, y), cv2.FONT_HERSHEY_SIMPLEX, 2, 172, 3)
    pencil = int((image < 200).sum())
    image[500:860, 900:1130] = 10
    assert (remove_faint(image)[:490] < 200).sum() == pencil


def test_a_paler_last_sign_is_within_the_box() -> None:
    image = np.full((300, 700), 255, np.uint8)
    cv2.putText(image, "3+4-2=", (90, 150), cv2.FONT_HERSHEY_SIMPLEX, 2, 10, 4, cv2.LINE_AA)
    narrow = ink_box(image)
    cv2.putText(image, "5", (520, 150), cv2.FONT_HERSHEY_SIMPLEX, 2, 150, 4, cv2.LINE_AA)
    box = ink_box(image)
    assert narrow is not None and box is not None
    assert box[0] == narrow[0] and box[2] >= 550


def test_no_rim_of_grain_is_left_around_strokes() -> None:
    rng = np.random.default_rng(0)
    image = np.minimum(formula(), rng.integers(236, 246, (300, 600))).astype(np.uint8)
    cleaned = remove_faint(image)
    assert abs(float(np.median(cleaned)) - float(np.median(image))) <= 1


def test_dark_corners_and_the_edge_of_the_sheet_are_no_ink() -> None:
    image, wanted = formula(), ink_box(formula())
    corner = image.copy()
    cv2.fillPoly(corner, [np.array([(0, 299), (0, 240), (160, 299)])], 20)
    assert ink_box(remove_blots(corner)) == wanted
    edge = image.copy()
    cv2.line(edge, (0, 12), (599, 18), 60, 3)
    assert ink_box(remove_blots(edge)) == wanted


def test_the_upright_edge_of_another_sheet_is_no_ink() -> None:
    image = np.pad(formula(), ((200, 200), (100, 200)), constant_values=255)
    wanted = ink_box(image)
    cv2.line(image, (812, 0), (840, 699), 60, 4)
    assert ink_box(remove_blots(image)) == wanted


def test_what_lies_beyond_the_edge_of_the_sheet_is_no_ink() -> None:
    image = np.pad(formula(), ((0, 300), (0, 0)), constant_values=255)
    wanted = ink_box(image)
    cv2.line(image, (0, 480), (599, 490), 60, 4)
    cv2.line(image, (60, 560), (90, 540), 60, 3)
    assert ink_box(remove_blots(image)) == wanted


def drawn(words: str, *lines: tuple[int, int, int, int], step: int = 110, size: float = 2) -> Gray:
    """A tight crop of rows of signs, 100 pixels high and ``step`` wide, and lines beside them."""
    image = np.full((1000, 1600), 255, np.uint8)
    for row, signs in enumerate(words.split("/")):
        for column, sign in enumerate(signs):
            place = 300 + step * column, 400 + 100 * row
            cv2.putText(image, sign, place, cv2.FONT_HERSHEY_SIMPLEX, size, 0, 4, cv2.LINE_AA)
    for x0, y0, x1, y1 in lines:
        cv2.line(image, (x0, y0), (x1, y1), 0, 4)
    left, top, right, foot = ink_box(image) or (0, 0, 1, 1)
    return image[top:foot, left:right]


@pytest.mark.parametrize(
    "crop",
    [
        drawn("123/456/789", (240, 330, 240, 620), (610, 330, 610, 620)),
        drawn("x", (250, 250, 252, 460), (390, 250, 392, 460)),
        drawn("1/2", (250, 300, 250, 560), (410, 300, 410, 560), (290, 433, 360, 433)),
        drawn("xdx", (230, 240, 240, 500)),
        drawn("x=1/y=2/z=3", (240, 310, 240, 620)),
        drawn("x+x+x", (860, 290, 861, 490)),
        drawn("x+x+x+x+x+x+x+x/     n", (300, 452, 1220, 453), step=60),
    ],
    ids=["determinant", "absolute", "fraction", "integral", "system", "bar", "mean"],
)
def test_the_highest_signs_of_a_tight_crop_stay(crop: Gray) -> None:
    assert np.array_equal(remove_blots(crop), crop)


@pytest.mark.parametrize("words", ["1 7", "|x|", "1  x"])
def test_upright_signs_of_a_tight_crop_stay(words: str) -> None:
    image = np.full((300, 900), 255, np.uint8)
    cv2.putText(image, words, (60, 200), cv2.FONT_HERSHEY_SIMPLEX, 5, 0, 6, cv2.LINE_AA)
    x0, y0, x1, y1 = ink_box(image) or (0, 0, 1, 1)
    crop = image[y0:y1, x0:x1]
    assert np.array_equal(remove_blots(crop), crop)


def test_bars_of_the_formula_stay() -> None:
    image = np.full((220, 400), 255, np.uint8)
    cv2.line(image, (0, 110), (399, 112), 0, 4)
    for y in (90, 190):
        cv2.putText(image, "abcd", (40, y), cv2.FONT_HERSHEY_SIMPLEX, 2.4, 0, 4, cv2.LINE_AA)
    assert (remove_blots(image) == image).all()


def test_a_thick_coloured_pen_is_no_marker_and_a_marker_is_none_of_the_ink() -> None:
    pen = np.full((300, 600, 3), 255, np.uint8)
    cv2.putText(pen, "F(b) - F(a)", (20, 170), cv2.FONT_HERSHEY_SIMPLEX, 2.6, (90, 150, 220), 18)
    cv2.line(pen, (150, 160), (190, 190), (60, 120, 188), 8)
    assert np.median(as_gray(pen)[(pen != 255).any(2)]) < 170
    marked = np.full((300, 600, 3), 255, np.uint8)
    cv2.rectangle(marked, (60, 120), (540, 165), (255, 240, 80), -1)
    cv2.putText(marked, "x + y = z + 2", (90, 155), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (30, 30, 30), 3)
    assert np.median(as_gray(marked)[125:160, 62:80]) > 240


ORANGE = (255, 149, 0)


def two_pens(paper: int, pen: tuple[int, ...], other: tuple[int, ...]) -> Gray:
    """The same in a pen and below it in another one, (600, 900, 3)."""
    image = np.full((600, 900, 3), paper, np.uint8)
    for y, colour in ((150, pen), (400, other)):
        where = (image, "a b + d", (60, y), cv2.FONT_HERSHEY_SIMPLEX, 2)
        cv2.putText(*where, colour, 4, cv2.LINE_AA)
    return image


def seen(image: Gray) -> tuple[int, int]:
    """Dark pixels of the upper and the lower half, without what is faint."""
    found = remove_faint(Page.of("x", 1, as_gray(image)).image) < 128
    return np.count_nonzero(found[:300]), np.count_nonzero(found[300:])


@pytest.mark.parametrize("pen", [
    ORANGE, (230, 110, 20), (52, 199, 89), (0, 255, 255), (255, 105, 180),
])  # fmt: skip
def test_a_bright_pen_beside_black_is_no_watermark(pen: tuple[int, ...]) -> None:
    black, coloured = seen(two_pens(255, (0, 0, 0), pen))
    assert coloured > 0.8 * black > 0


@pytest.mark.parametrize("pen", [(0, 80, 255), (94, 92, 230), (200, 0, 0)])
def test_a_deep_pen_beside_white_on_black_is_no_watermark(pen: tuple[int, ...]) -> None:
    white, coloured = seen(two_pens(0, (255, 255, 255), pen))
    assert coloured > 0.8 * white > 0


def test_an_exponent_in_orange_belongs_to_its_formula() -> None:
    image = np.full((140, 420, 3), 255, np.uint8)
    where = (image, "x + y = z", (20, 100), cv2.FONT_HERSHEY_SIMPLEX, 2)
    cv2.putText(*where, (0, 0, 0), 4, cv2.LINE_AA)
    cv2.putText(image, "2", (345, 50), cv2.FONT_HERSHEY_SIMPLEX, 1.1, ORANGE, 3, cv2.LINE_AA)
    (region,) = find_regions(Page.of("x", 1, as_gray(image)), "expression")
    assert region.box[1] < 35


def coloured_paper(what: str) -> Gray:
    image = two_pens(255, (0, 0, 0), (0, 0, 0))
    for y in range(40, 600, 40):
        if what in ("rules", "grid"):
            cv2.line(image, (0, y), (899, y), (100, 180, 255), 2)
        for x in range(30, 900, 40) if what == "dots" else ():
            cv2.circle(image, (x, y), 2, ORANGE, -1)
    for x in range(30, 900, 40) if what == "grid" else ():
        cv2.line(image, (x, 0), (x, 599), (100, 180, 255), 2)
    if what == "highlighter":
        cv2.line(image, (60, 520), (400, 540), ORANGE, 20, cv2.LINE_AA)
    if what == "photo":
        sheet = two_pens(235, (40, 40, 50), (240, 150, 30)).astype(np.float64)
        image = sheet * (1.0, 0.97, 0.9) + np.random.default_rng(0).normal(0, 3, (600, 900, 1))
    if what == "JPEG":
        _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 30])
        image = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
    return np.clip(image, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("what", ["rules", "grid", "dots", "highlighter", "photo", "JPEG"])
def test_only_pens_are_darker_than_their_brightness(what: str) -> None:
    image = coloured_paper(what)
    assert (as_gray(image) == cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_huge_photo_is_read_reduced_with_boxes_of_its_own_pixels(
    kind: str, orientation: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from io import BytesIO

    monkeypatch.setattr("hmer_cli.page.load.images.AMPLE", 600 * 300 // 4)
    file, exif = BytesIO(), Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(formula()).convert("RGB").save(file, kind, exif=exif)
    data = file.getvalue()
    pixels, factor = decode_reduced(data, "x")
    assert factor == 2
    height, width = decode(data, "x").shape
    assert pixels.shape == (height // 2, width // 2)
    (sheet,) = open_sheets(Source("x", "x", lambda: data))
    small, full = sheet.draw(), Page.of("x", 1, decode(data, "x"))
    (a,), (b,) = find_regions(small, "expression"), find_regions(full, "expression")
    assert np.abs(np.subtract(a.box, b.box)).max() <= 6


def test_a_huge_picture_with_a_transparent_colour_is_reduced_on_white(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from io import BytesIO

    monkeypatch.setattr("hmer_cli.page.load.images.AMPLE", 600 * 300 // 4)
    colours, file = Image.fromarray(formula()).convert("RGB"), BytesIO()
    keyed = Image.eval(colours, lambda level: 0 if level > 250 else max(level, 40))
    keyed.save(file, "PNG", transparency=(0, 0, 0))  # what is clear is black, if it is seen
    pixels, factor = decode_reduced(file.getvalue(), "x")
    assert factor == 2
    assert np.median(pixels) == 255 and pixels.min() < 100


def test_a_huge_scan_in_a_tiff_is_read_reduced() -> None:
    from io import BytesIO

    scan, file = np.full((5600, 5600), 255, np.uint8), BytesIO()
    cv2.putText(scan, "x = 1", (900, 3000), cv2.FONT_HERSHEY_SIMPLEX, 40, 0, 60)
    Image.fromarray(scan).convert("1").save(file, "TIFF", compression="group4")
    page = open_sheets(Source("x", "x", file.getvalue))[0].draw()
    assert page.image.shape == (2800, 2800) and page.size == (5600, 5600)
    rows, columns = np.nonzero(page.image < 128)
    box = (float(columns.min()), float(rows.min()), float(columns.max()), float(rows.max()))
    rows, columns = np.nonzero(scan < 128)
    there = (columns.min(), rows.min(), columns.max(), rows.max())
    assert np.abs(np.subtract(page.in_source(box), there)).max() <= 6


def test_most_photos_are_read_in_full() -> None:
    assert AMPLE >= 24_000_000  # a camera of today


def test_dots_of_a_printed_line_go_and_those_of_the_pen_stay() -> None:
    image = np.full((60, 200), 255, np.uint8)
    cv2.putText(image, "16 cm", (10, 44), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 30, 4, cv2.LINE_AA)
    cv2.circle(image, (190, 42), 2, 30, -1)
    dotted = image.copy()
    dotted[50:52, 3:190:9] = np.minimum(dotted[50:52, 3:190:9], 110)
    assert (remove_light_specks(image) == image).all()
    assert ((remove_light_specks(dotted) < 200) == (image < 200)).all()


def test_the_rim_of_a_pen_that_is_taken_out_is_no_marker() -> None:
    image = np.full((80, 180, 3), (164, 160, 152), np.uint8)
    for x, digit in zip(range(10, 160, 35), "58163", strict=True):
        for y in (38, 72):
            cv2.putText(image, digit, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (70, 65, 60), 2, 16)
    tick = np.array([[85, 56], [110, 60], [140, 52], [179, 36]])
    cv2.polylines(image, [tick], False, (253, 88, 97), 3, cv2.LINE_AA)
    image = cv2.GaussianBlur(image, (0, 0), 1.15)
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 82])
    seen = cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    seen = np.asarray(seen, np.uint8)
    kept = (without_corrections(seen) == seen).all(2)
    gray = cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY)
    assert 0 < kept.mean() < 1
    assert (as_gray(seen)[kept] == gray[kept]).all()
