"""Every kind of file gives the same page: dark ink on white paper, upright."""

from __future__ import annotations

import io
import os
import struct
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from handmade import CROSS_BOX, INKML, cross, encoded, open_pages, paged
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hmer_cli.errors import InputError, UsageError
from hmer_cli.page.clean.illumination import clean, is_light_on_dark
from hmer_cli.page.detect.components import find_components
from hmer_cli.page.ink_box import ink_box
from hmer_cli.page.load.images import decode, decode_reduced
from hmer_cli.page.load.pages import Page, PageRange
from hmer_cli.page.load.sources import find_sources
from hmer_cli.page.regions import find_regions


def close(box: tuple[float, ...] | None, wanted: tuple[int, ...], by: int = 2) -> bool:
    return box is not None and all(abs(a - b) <= by for a, b in zip(box, wanted, strict=True))


def only_page(path: Path) -> Page:
    (page,) = open_pages(str(path))
    return page


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("PNG", "L"),
        ("PNG", "1"),
        ("PNG", "P"),
        ("PNG", "RGB"),
        ("PNG", "RGBA"),
        ("PNG", "LA"),
        ("PNG", "I;16"),
        ("JPEG", "L"),
        ("JPEG", "RGB"),
        ("JPEG", "CMYK"),
        ("TIFF", "L"),
        ("TIFF", "1"),
        ("TIFF", "CMYK"),
        ("TIFF", "I;16"),
        ("TIFF", "F"),
        ("BMP", "L"),
        ("BMP", "1"),
        ("WEBP", "RGB"),
    ],
)
def test_every_format_and_depth_shows_the_same_ink(tmp_path: Path, kind: str, mode: str) -> None:
    if mode == "I;16":
        buffer = io.BytesIO()
        Image.fromarray(cross().astype(np.uint16) * 257).save(buffer, kind)
        data = buffer.getvalue()
    else:
        data = encoded(cross(), kind, mode)
    path = tmp_path / "cross.bin"
    path.write_bytes(data)
    page = only_page(path)
    assert page.image.dtype == np.uint8
    assert page.image.shape == (120, 160)
    assert page.image[0, 0] > 240
    assert close(ink_box(page.image), CROSS_BOX)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_eight_bits_in_a_file_of_sixteen_are_not_black(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "cross.bin"
    Image.fromarray(cross().astype(np.uint16)).save(path, kind)
    assert np.array_equal(only_page(path).image > 128, cross() > 128)


def test_white_on_black_becomes_dark_on_white(tmp_path: Path) -> None:
    path = tmp_path / "board.bmp"
    path.write_bytes(encoded(255 - cross(), "BMP"))
    assert np.abs(only_page(path).image.astype(int) - cross()).max() <= 2


@pytest.mark.parametrize("ink", [0, 255])
def test_transparent_paper_shows_its_ink_dark_or_bright(tmp_path: Path, ink: int) -> None:
    pixels = np.full((120, 160, 4), ink, np.uint8)
    pixels[..., 3] = 255 - cross()
    path = tmp_path / "sticker.png"
    Image.fromarray(pixels).save(path)
    assert close(ink_box(only_page(path).image), CROSS_BOX)


def test_a_bitmap_whose_writer_left_its_alpha_empty_is_not_blank(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = np.stack([cross()] * 4, axis=-1)
    pixels[..., 3] = 0
    height, width = cross().shape
    header = struct.pack("<IiiHHIIiiII", 124, width, -height, 1, 32, 3, 0, 0, 0, 0, 0)
    header += struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) + b"BGRs" + bytes(64)
    start = 14 + len(header)
    head = b"BM" + struct.pack("<IHHI", start + pixels.nbytes, 0, 0, start)
    path = tmp_path / "x.bmp"
    path.write_bytes(head + header + pixels.tobytes())
    assert close(ink_box(only_page(path).image), CROSS_BOX)
    monkeypatch.setattr("hmer_cli.page.load.images.AMPLE", pixels.size // 8)
    reduced, factor = decode_reduced(path.read_bytes(), "x.bmp")
    assert factor == 2
    assert (reduced.min(), reduced.max()) == (0, 255)


PENS = {
    "red": (210, 30, 40),
    "orange": (255, 140, 0),
    "sky": (60, 150, 255),
    "pink": (255, 80, 160),
}
MARKERS = {"yellow": (255, 255, 90), "green": (150, 255, 120), "pink": (255, 150, 200)}


@pytest.mark.parametrize("pen", PENS)
def test_every_pen_on_the_page_is_ink_beside_a_black_one(tmp_path: Path, pen: str) -> None:
    page = np.full((600, 900, 3), 250, np.uint8)
    for y, colour in ((150, (20, 20, 20)), (400, PENS[pen])):
        cv2.putText(page, "a b c d", (60, y), cv2.FONT_HERSHEY_SIMPLEX, 2, colour, 3, cv2.LINE_AA)
    Image.fromarray(page).save(tmp_path / "pens.png")
    parts = find_components(only_page(tmp_path / "pens.png").image)
    assert (parts.boxes[:, 1] < 275).sum() == (parts.boxes[:, 1] > 275).sum() == 4


@pytest.mark.parametrize("light", [1.0, 0.6])
@pytest.mark.parametrize("marker", MARKERS)
def test_a_marker_is_no_ink_and_hides_none(tmp_path: Path, marker: str, light: float) -> None:
    plain = np.full((900, 700, 3), 255, np.uint8)
    cv2.putText(plain, "x + y = z", (60, 420), cv2.FONT_HERSHEY_SIMPLEX, 2, (30, 30, 60), 3)
    lit = plain.copy()
    cv2.line(lit, (40, 400), (420, 405), MARKERS[marker], 60)
    page = np.minimum(plain, lit) * np.linspace(1, light, 700)[None, :, None]
    Image.fromarray(page.astype(np.uint8)).save(tmp_path / "marked.png")
    seen = only_page(tmp_path / "marked.png").image
    written = plain.max(axis=2) < 128
    assert np.median(seen[written]) < 90
    assert (seen[cv2.dilate(written.astype(np.uint8), np.ones((9, 9))) == 0] > 225).all()


@pytest.mark.parametrize("paper", [(255, 255, 255), (250, 240, 205)])
@pytest.mark.parametrize("marker", MARKERS)
def test_a_marker_over_all_of_a_formula_is_no_ink_and_hides_none(
    tmp_path: Path, marker: str, paper: tuple[int, int, int]
) -> None:
    plain = np.full((600, 800, 3), 255, np.uint8)
    cv2.putText(plain, "x + y", (220, 320), cv2.FONT_HERSHEY_SIMPLEX, 3, (30, 30, 60), 6)
    written = plain.max(axis=2) < 128
    lit = np.full_like(plain, 255)
    cv2.rectangle(lit, (190, 190), (620, 400), MARKERS[marker], -1)
    page = np.minimum(plain, lit) * (np.array(paper) / 255) * np.linspace(1, 0.6, 800)[:, None]
    Image.fromarray(page.astype(np.uint8)).save(tmp_path / "marked.png")
    seen = only_page(tmp_path / "marked.png").image
    assert np.median(seen[written]) < 90
    assert (seen[cv2.dilate(written.astype(np.uint8), np.ones((9, 9))) == 0] > 200).all()


@pytest.mark.parametrize("beside", ["", "a+b=7"])
@pytest.mark.parametrize("pen", ["red", "blue", "orange"])
@pytest.mark.parametrize("note", ["yellow", "green"])
def test_writing_on_a_coloured_note_on_white_paper_stays_dark(
    tmp_path: Path, note: str, pen: str, beside: str
) -> None:
    page = np.full((600, 800, 3), 245, np.uint8)
    paper = {"yellow": (250, 228, 96), "green": (170, 230, 120)}[note]
    cv2.rectangle(page, (220, 130), (600, 470), paper, -1)
    cv2.putText(page, beside, (250, 220), cv2.FONT_HERSHEY_SIMPLEX, 2, (25, 25, 60), 6)
    colour = {"red": (210, 40, 48), "blue": (38, 52, 200), "orange": (235, 120, 20)}[pen]
    cv2.putText(page, "x+y", (290, 380), cv2.FONT_HERSHEY_SIMPLEX, 3, colour, 8)
    written = (page == colour).all(axis=2)
    Image.fromarray(page).save(tmp_path / "note.png")
    seen = only_page(tmp_path / "note.png").image
    assert np.median(seen[written]) < 190


def test_a_shadow_over_the_page_is_no_ink() -> None:
    shade = np.linspace(250, 90, 160)[None, :].repeat(120, axis=0)
    photo = (cross() / 255.0 * shade).astype(np.uint8)
    assert close(ink_box(clean(photo)), CROSS_BOX, by=3)


@given(st.integers(1, 6), st.booleans())
def test_polarity_is_told_for_any_pen(pen: int, light: bool) -> None:
    page = np.full((90, 130), 255, np.uint8)
    cv2.ellipse(page, (65, 45), (40, 30), 0, 0, 320, 0, pen, cv2.LINE_AA)
    assert is_light_on_dark(255 - page if light else page) is light


@pytest.mark.parametrize("size", [40, 120, 300])
@pytest.mark.parametrize("room", [0, 3])
def test_a_sign_of_a_thick_pen_in_a_tight_crop_is_dark_on_light(size: int, room: int) -> None:
    page = np.full((2 * size, 2 * size), 255, np.uint8)
    seven = np.array([(0.6, 0.5), (1.2, 0.5), (0.8, 1.5)]) * size
    cv2.polylines(page, [seven.astype(np.int32)], False, 0, size // 10, cv2.LINE_AA)
    ink = np.argwhere(page < 128)
    (top, left), (foot, right) = ink.min(0), ink.max(0) + 1
    tight = np.pad(page[top:foot, left:right], room, constant_values=255)
    assert not is_light_on_dark(tight)
    assert len(find_regions(Page.of("7.png", 1, tight))) == 1


def test_a_board_on_a_bright_wall_is_light_on_dark() -> None:
    photo = np.full((450, 600), 200, np.uint8)
    photo[125:325, 150:450] = 60
    for x in range(170, 430, 15):
        for y in range(145, 310, 20):
            cv2.line(photo, (x, y), (x + 10, y + 12), 190, 2, cv2.LINE_AA)
    assert is_light_on_dark(photo)


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_a_page_of_one_shade_holds_no_region(shade: int) -> None:
    image = np.full((50, 70), shade, np.uint8)
    assert find_regions(Page("p", 1, clean(image))) == []


def test_paper_grain_is_no_ink() -> None:
    grain = np.random.default_rng(7).normal(235, 3, (200, 300)).clip(0, 255).astype(np.uint8)
    assert find_regions(Page("p", 1, clean(grain))) == []


def test_dust_far_from_the_ink_does_not_widen_its_box() -> None:
    page = cv2.resize(cross(), (1600, 1200), interpolation=cv2.INTER_LINEAR)
    page[1190:1192, 1590:1592] = 0
    assert close(ink_box(page), tuple(10 * v for v in CROSS_BOX), by=20)


def test_chosen_pages_of_pdf_and_tiff(tmp_path: Path) -> None:
    chosen = PageRange.parse("3-,1")
    for kind in ("PDF", "TIFF"):
        path = tmp_path / f"notes.{kind.lower()}"
        path.write_bytes(paged([cross()] * 4, kind))
        assert [page.number for page in open_pages(str(path), chosen)] == [1, 3, 4]


def test_a_page_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "notes.pdf"
    path.write_bytes(paged([cross()]))
    with pytest.raises(InputError, match="no page among 7; it has 1"):
        list(open_pages(str(path), PageRange.parse("7")))


@pytest.mark.parametrize("text", ["", "0", "a", "4-2", "1,,2", "-3", "1-2-3", "1 2"])
def test_page_ranges_that_mean_nothing_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        PageRange.parse(text)


@given(st.lists(st.integers(1, 30), min_size=1), st.integers(30, 40))
def test_page_ranges_choose_what_they_name(numbers: list[int], count: int) -> None:
    text = ",".join(map(str, numbers))
    assert PageRange.parse(text).of(count, "x") == sorted(set(numbers))


def test_inkml_is_known_by_its_content_and_keeps_its_ink(tmp_path: Path) -> None:
    path = tmp_path / "cross.xml"
    path.write_text(INKML)
    page = only_page(path)
    assert page.written is not None
    assert len(page.written.ink.strokes) == 2
    (region,) = find_regions(page)
    assert region.box == (0, 0, 20, 40)
    assert region.image.min() < 64 < 192 < region.image.max()


def names(*inputs: object) -> list[str]:
    return [source.name for source in find_sources([str(i) for i in inputs])]


def test_folders_are_searched_to_the_bottom_in_sorted_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("b.PNG", "a/z.jpg", "a/b/y.inkml", "readme.txt", ".hidden.png", ".git/x.png"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"x")
    assert names(".") == ["a/b/y.inkml", "a/z.jpg", "b.PNG"]
    assert names("a", "*.PNG") == ["a/b/y.inkml", "a/z.jpg", "b.PNG"]
    assert names("**/*.jpg") == ["a/z.jpg"]


def test_a_locked_folder_is_told_and_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("open/a.png", "locked/b.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"x")
    scandir = os.scandir

    def guarded(path: str) -> object:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    locked, opened = find_sources([str(tmp_path)])
    assert opened.name.endswith("open/a.png")
    with pytest.raises(InputError, match=r"locked: cannot be read \(Permission denied\)"):
        locked.read()


def test_archives_are_read_in_place(tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("two.png", encoded(cross()))
        archive.writestr("one/ink.inkml", INKML)
        archive.writestr("__MACOSX/one/._ink.inkml", b"shadow")
        archive.writestr("notes.txt", b"text")
    assert names(path) == [f"{path}/one/ink.inkml", f"{path}/two.png"]
    assert [page.written is None for page in open_pages(str(path))] == [False, True]


def test_standard_input_is_known_by_its_content(monkeypatch: pytest.MonkeyPatch) -> None:
    for data in (encoded(cross()), paged([cross()]), INKML.encode()):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        (page,) = open_pages("-")
        assert page.source == "-"
        assert page.image.min() < 64


@given(st.binary(max_size=200), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"BM", b"%PDF-", b"<"]))
def test_no_bytes_break_more_than_their_own_file(tail: bytes, head: bytes) -> None:
    path = Path(f"{head!r}")
    from hmer_cli.page.load.pages import open_sheets
    from hmer_cli.page.load.sources import Source

    try:
        pages = [s.draw() for s in open_sheets(Source(str(path), "k", lambda: head + tail))]
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert all(page.image.ndim == 2 for page in pages)


@given(st.integers(0, 725))
def test_a_cut_off_png_is_refused(length: int) -> None:
    data = encoded(cross())
    cut = data[: min(length, len(data) - 30)]  # the last pixels lie before that
    with pytest.raises(InputError):
        decode(cut, "cut.png")


def test_one_pixel_that_is_no_number_does_not_blank_a_float_tiff(tmp_path: Path) -> None:
    for odd in (np.nan, np.inf, -np.inf):
        pixels = cross().astype(np.float32)
        pixels[5, 5] = odd
        Image.fromarray(pixels).save(tmp_path / "x.tif")
        page = only_page(tmp_path / "x.tif")
        assert close(ink_box(page.image[10:]), (38, 18, 83, 83))


@pytest.mark.parametrize("size", [(40_000, 2), (2, 40_000)])
def test_an_image_with_an_endless_side_is_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("1", size).save(tmp_path / "x.png")
    with pytest.raises(InputError, match="over the limit of 32767 a side"):
        only_page(tmp_path / "x.png")


@pytest.mark.parametrize("room", [0, 6])
def test_bright_writing_that_fills_a_dark_image_is_no_sheet_on_a_table(room: int) -> None:
    page = np.full((130, 460), 255, np.uint8)
    for place, letter in enumerate("a2+b2=c2"):
        at = (4 + 56 * place, 105 - 30 * (letter == "2"))
        cv2.putText(page, letter, at, cv2.FONT_HERSHEY_SIMPLEX, 2.4, 0, 4, cv2.LINE_AA)
    rows, columns = np.nonzero(page < 128)
    tight = page[
        max(0, rows.min() - room) : rows.max() + 1 + room,
        max(0, columns.min() - room) : columns.max() + 1 + room,
    ]
    seen = Page.of("x.png", 1, (255 - tight).astype(np.uint8)).image
    assert (seen[tight < 60] < 128).mean() > 0.98
