"""The strokes of handwriting come out of a PDF, and what is no handwriting does not."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from handmade import open_pages
from inkfiles import INK, SIZE, ink_annotation, lines, moved, outlines, pdf

from hmer_cli.geometry import inside_of
from hmer_cli.ink.ink import Ink
from hmer_cli.ink.render import render
from hmer_cli.page.detect.search import prepare_page
from hmer_cli.page.load.pages import Page
from hmer_cli.page.load.pdf_geometry import DPI
from hmer_cli.page.load.worker import Meta, Worker, WorkerError
from hmer_cli.page.regions import find_regions

SCALE = DPI / 72


def opened(data: bytes, tmp_path: Path) -> Page:
    (tmp_path / "x.pdf").write_bytes(data)
    (page,) = open_pages(str(tmp_path / "x.pdf"))
    return page


def assert_ink(page: Page, ink: Ink = INK, scale: float = SCALE, tolerance: float = 1.5) -> None:
    assert page.ink is not None
    assert len(page.ink) == len(ink.strokes)
    for one, other in zip(page.ink.strokes, ink.strokes, strict=True):
        assert np.abs(one.min(0) - other.min(0) * scale).max() <= tolerance
        assert np.abs(one.max(0) - other.max(0) * scale).max() <= tolerance


def test_stroked_paths_are_strokes_and_are_read_as_such(tmp_path: Path) -> None:
    page = opened(pdf(lines(INK)), tmp_path)
    assert_ink(page)
    (region,) = find_regions(page)
    assert region.written is not None and len(region.written.strokes) == len(INK.strokes)


PENS = ["0.65 0.65 0.65", "0.7 0.7 0.7", "0.67 0.75 0.9", "0.9 0.67 0.75", "0.75 0.86 0.75"]


@pytest.mark.parametrize("pen", PENS)
def test_pale_pens_are_ink_beside_black_ones(tmp_path: Path, pen: str) -> None:
    pale = f"q {pen} RG {lines(moved(INK, 350, 650))} Q\n"
    page = opened(pdf(many() + pale), tmp_path)
    black = opened(pdf(many() + lines(moved(INK, 350, 650))), tmp_path)
    assert page.ink is not None and page.redrawn
    assert len(page.ink) == 9 * len(INK.strokes)
    assert (page.image == black.image).all()


PAPER = {
    "a broad marker": "q 0.7 0.85 0.7 RG 9 w 400 150 m 440 154 l 500 148 l 560 151 l S Q\n",
    "dots": "q 0.75 0.75 0.8 RG 1.5 w 1 J "
    + "".join(f"{x} {y} m {x} {y} l S\n" for x in range(400, 580, 30) for y in range(20, 240, 40))
    + "Q\n",
    "lines of isometric paper": "q 0.82 0.82 0.82 RG 1 w "
    + "".join(f"{x} 20 m {x + 120} 228 l S\n" for x in range(400, 460, 12))
    + "".join(f"{x} 228 m {x + 120} 20 l S\n" for x in range(400, 460, 12))
    + "Q\n",
}


@pytest.mark.parametrize("what", PAPER)
def test_pale_markers_and_what_is_printed_on_paper_are_no_ink(tmp_path: Path, what: str) -> None:
    bare, page = opened(pdf(many()), tmp_path), opened(pdf(PAPER[what] + many()), tmp_path)
    assert bare.ink is not None and page.ink is not None and page.redrawn
    assert len(page.ink) == len(bare.ink)
    assert (page.image == bare.image).all()


@pytest.mark.parametrize(("level", "is_read"), [(175, True), (200, False)])
def test_pale_pencil_in_a_pasted_picture_is_read_or_told(
    tmp_path: Path, level: int, is_read: bool
) -> None:
    shown, entry, objects, high, _ = pasted(144, False, level)
    found = prepare_page(opened(pdf(shown + many(), page=entry, objects=objects), tmp_path))
    rows, columns = place_of(50, 700 - high, 194, 700)
    picture = [(columns.start, rows.start, columns.stop, rows.stop)]
    read = inside_of(found.parts.boxes * found.scale, picture)
    told = inside_of(np.array(found.too_pale).reshape(-1, 4), picture)
    assert (read.sum() > 4, told.sum() > 2) == (is_read, not is_read)


def pasted(width: int, as_stamp: bool, level: int = 0) -> tuple[str, str, list[str], float, float]:
    """A picture of ink, so many points wide, at (50, 100): content, entry and objects of its page,
    its height, and the share of it that is dark. ``level`` is that of the ink."""
    drawn = render(INK, size=400, pen=4.0)
    drawn = (255 - (255 - drawn) * ((255 - level) / 255)).astype(np.uint8)
    rows, columns = drawn.shape
    high = width * rows / columns
    names, look = "/Resources<</XObject<</P 5 0 R>>>>", f"q {columns} 0 0 {rows} 0 0 cm /P Do Q"
    objects = [
        f"<</Type/XObject/Subtype/Image/Width {columns}/Height {rows}/ColorSpace/DeviceGray"
        f"/BitsPerComponent 8/Filter/ASCIIHexDecode/Length {2 * drawn.size + 1}>>"
        f"stream\n{drawn.tobytes().hex()}>\nendstream",
        f"<</Type/XObject/Subtype/Form/BBox[0 0 {columns} {rows}]{names}/Length {len(look)}>>"
        f"stream\n{look}\nendstream",
        f"<</Type/Annot/Subtype/Stamp/Rect[50 100 {50 + width} {100 + high}]/F 4/AP<</N 6 0 R>>>>",
    ]
    content = "" if as_stamp else f"q {width} 0 0 {high} 50 100 cm /P Do Q\n"
    return content, names + "/Annots[7 0 R]" * as_stamp, objects, high, (drawn < 128).mean()


@pytest.mark.parametrize("as_stamp", [False, True], ids=["image", "stamp"])
@pytest.mark.parametrize("width", [120, 60])
def test_what_a_pasted_picture_shows_stays_beside_the_strokes(
    tmp_path: Path, width: int, as_stamp: bool
) -> None:
    shown, entry, objects, high, dark = pasted(width, as_stamp)
    bare = opened(pdf(many()), tmp_path)
    page = opened(pdf(shown + many(), page=entry, objects=objects), tmp_path)
    assert bare.redrawn and page.redrawn
    place = place_of(50, 700 - high, 50 + width, 700)
    assert not (bare.image[place] < 128).any()
    assert (page.image[place] < 128).mean() > 0.9 * dark
    page.image[place] = 255
    assert (page.image == bare.image).all()


def many() -> str:
    return "".join(lines(moved(INK, 50 + 200 * (n % 2), 40 + 60 * n)) for n in range(8))


def place_of(left: float, top: float, right: float, foot: float) -> tuple[slice, slice]:
    return np.s_[int(top * SCALE) : int(foot * SCALE), int(left * SCALE) : int(right * SCALE)]


def test_bars_of_a_ruler_are_seen_though_they_may_be_rules(tmp_path: Path) -> None:
    bars = "2 w " + "".join(f"{x} 700 m {x + 24} 700 l S\n" for x in (400, 450, 500))
    page = opened(pdf(many() + bars), tmp_path)
    assert page.redrawn and page.ink is not None
    assert (page.image[place_of(395, 95, 530, 105)] < 128).sum() > 100 * SCALE
    rows, columns = place_of(395, 30, 530, 110)
    for right, is_whole in ((columns.stop, False), (columns.start, True)):
        box = (0.0, float(rows.start), float(right), float(rows.stop))
        read = page.ink.written(box, page.image[rows, :right], (0, rows.start))
        assert (read is not None) is is_whole


def test_writing_that_was_pasted_thrice_is_seen(tmp_path: Path) -> None:
    pasted = "".join(outlines(moved(INK, 60, 600 + 60 * n, 0.6)) for n in range(3))
    own = "".join(
        outlines(moved(INK, 50 + 250 * (n % 2), 20 + 50 * (n // 2), 1 + n / 99)) for n in range(20)
    )
    page = opened(pdf(own + pasted), tmp_path)
    bare = opened(pdf(pasted), tmp_path)
    assert page.redrawn
    place = place_of(40, 595, 580, 790)
    assert (page.image[place] < 128).sum() > 0.6 * (bare.image[place] < 128).sum() > 0


PRINT = {
    "a heading": "BT /F 20 Tf 400 150 Td (Heading) Tj ET\n",
    "boxes": "".join(f"1 w 400 {y} 20 20 re S\n" for y in (100, 150, 200)),
    "bullets": "".join(f"400 {y} m 408 {y + 9} l 416 {y} l 408 {y - 9} l f\n"
                       for y in (100, 150, 200)),
}  # fmt: skip


@pytest.mark.parametrize("what", PRINT)
def test_print_beside_strokes_is_left_out(tmp_path: Path, what: str) -> None:
    fonts = "/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>"
    page = opened(pdf(many() + PRINT[what], page=fonts), tmp_path)
    assert page.redrawn
    assert (page.image[place_of(390, 560, 580, 790)] > 128).all()


def test_filled_outlines_are_strokes_too(tmp_path: Path) -> None:
    assert_ink(opened(pdf(outlines(INK)), tmp_path), tolerance=4)


def test_outlines_with_a_line_round_them_are_no_loops(tmp_path: Path) -> None:
    page = opened(pdf("0.4 w " + outlines(INK).replace(" h f", " b")), tmp_path)
    assert_ink(page, tolerance=4)
    assert page.ink is not None
    assert not any(np.array_equal(stroke[0], stroke[-1]) for stroke in page.ink.strokes)


def test_strokes_are_in_the_order_of_drawing(tmp_path: Path) -> None:
    turned = Ink(INK.strokes[::-1])
    assert_ink(opened(pdf(lines(turned)), tmp_path), turned)


def test_lines_of_ink_annotations_are_strokes(tmp_path: Path) -> None:
    entry, objects = ink_annotation(INK)
    assert_ink(opened(pdf("", page=entry, objects=objects), tmp_path))


def test_a_thick_pen_of_ink_annotations_is_read_by_its_strokes(tmp_path: Path) -> None:
    entry, objects = ink_annotation(INK, pen=3.0)
    page = opened(pdf("", page=entry, objects=objects), tmp_path)
    assert page.ink is not None and page.redrawn
    assert page.ink.pens == pytest.approx([3 * SCALE] * len(INK.strokes), rel=0.01)


def test_forms_within_forms_keep_their_matrices(tmp_path: Path) -> None:
    form = (
        "<</Type/XObject/Subtype/Form/BBox[-999 -999 1999 1999]/Matrix[{}]{}/Length {}>>"
        "stream\n{}\nendstream"
    )
    inner = lines(moved(INK, 60, 60, 1.0))
    middle = "q 1 0 0 1 20 -30 cm /B Do Q"
    data = pdf("q .5 0 0 .5 0 0 cm /A Do Q", page="/Resources<</XObject<</A 5 0 R>>>>", objects=[
        form.format("1 0 0 1 10 10", "/Resources<</XObject<</B 6 0 R>>>>", len(middle), middle),
        form.format("2 0 0 2 0 0", "", len(inner), inner),
    ])  # fmt: skip
    page = opened(data, tmp_path)
    assert page.ink is not None and page.redrawn  # where they were not seen, they would be no ink
    corner = np.concatenate(page.ink.strokes).min(axis=0) / SCALE
    height = SIZE[1] - (2 * (SIZE[1] - 60) - 30 + 10) / 2
    assert corner == pytest.approx([(2 * 60 + 20 + 10) / 2, height], abs=1)


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_turned_and_cropped_pages_hold_their_strokes(tmp_path: Path, turn: int) -> None:
    page = opened(pdf(lines(INK), page=f"/Rotate {turn}/CropBox[20 300 500 780]"), tmp_path)
    assert page.ink is not None and page.redrawn
    assert len(page.ink) == len(INK.strokes)


def graph(function: Callable[[float], float]) -> str:
    """The graph of a function as programs draw it, where a pixel on the way is left out."""
    points = [(60 + x, 400 + function(x)) for x in range(0, 400, 2) if x % 14 or not x]
    moves = " ".join(f"{x:.3f} {y:.3f} {'l' if x > 60 else 'm'}" for x, y in points)
    return f"{moves} S\n"


def circle() -> str:
    angles = np.linspace(0, 6, 20)
    return " ".join(
        f"{100 + 3 * np.cos(a):.3f} {100 + 3 * np.sin(a):.3f} {'l' if a else 'm'}" for a in angles
    )


OTHERS = {
    "highlighter": "q /G gs 1 1 0 RG 20 w 50 730 m 300 730 l S Q\n",
    "white": "q 1 1 1 RG 5 w 20 100 m 90 200 l 100 300 l S Q\n",
    "rules": "".join(f"20 {y} m 580 {y} l S\n" for y in range(20, 800, 24)),
    "grid": "".join(f"{x} 100 m {x} 300 l S\n" for x in range(20, 580, 20)),
    "box": "300 300 100 50 re S\n",
    "bullets": "".join(f"{x} 99 m {x + 5} 105 l {x + 9} 96 l {x} 92 l f\n" for x in (9, 50, 90)),
    "off the page": "-500 -500 m -400 -450 l -410 -380 l S\n",
    "clip": "q 0 0 600 800 re W n 10 10 m 20 30 l 25 12 l n Q\n",
    "drawn thrice": lines(INK) * 2,
    "a plot": "1 w 60 300 400 200 re S\n"
    + "".join(f"{x} 300 m {x} 304 l S\n" for x in range(60, 460, 40))
    + "".join(graph(lambda x, k=k: 80 * math.sin(x / 60 + k)) for k in range(4)),
    "markers of a plot": "".join(
        f"q 1 0 0 1 {10 * i} {i * i % 37} cm {circle()} h S Q\n" for i in range(30)
    ),
    "nothing": "1 1 m 1 1 l n\n",
}  # fmt: skip


@pytest.mark.parametrize("what", OTHERS)
def test_what_is_no_handwriting_is_no_stroke(tmp_path: Path, what: str) -> None:
    resources = "/Resources<</ExtGState<</G<</CA .4/ca .4/BM/Multiply>>>>>>"
    page = opened(pdf(OTHERS[what] + lines(INK), page=resources), tmp_path)
    assert_ink(page)


def test_outlines_drawn_thrice_are_there_once(tmp_path: Path) -> None:
    assert_ink(opened(pdf(outlines(INK) * 3), tmp_path), tolerance=4)


@pytest.mark.parametrize("what", ["a plot", "markers of a plot"])
def test_a_plot_is_not_handwriting(tmp_path: Path, what: str) -> None:
    assert opened(pdf(OTHERS[what]), tmp_path).ink is None


@pytest.mark.parametrize("drawn", [lines, outlines, lambda ink: ""])
def test_dots_are_strokes(tmp_path: Path, drawn: Callable[[Ink], str]) -> None:
    dotted = Ink((*INK.strokes, np.array([[130, 62]], np.float32)))
    page, objects = ("", []) if drawn(dotted) else ink_annotation(dotted)
    found = opened(pdf(drawn(dotted), page=page, objects=objects), tmp_path).ink
    assert found is not None and len(found) == len(dotted.strokes)
    assert np.abs(found.strokes[-1].mean(0) / SCALE - dotted.strokes[-1][0]).max() < 0.5


@pytest.mark.parametrize("names", ["A", "AB"])
def test_forms_that_draw_themselves_end(tmp_path: Path, names: str) -> None:
    forms = []
    for i in range(len(names)):
        following = names[(i + 1) % len(names)]
        content = f"/{following} Do {lines(INK) if i == 0 else ''}"
        number = 5 + (i + 1) % len(names)
        forms.append(
            f"<</Type/XObject/Subtype/Form/BBox[0 0 600 800]/Resources<</XObject"
            f"<</{following} {number} 0 R>>>>/Length {len(content)}>>stream\n{content}\nendstream"
        )
    page = "/Resources<</XObject<</A 5 0 R>>>>"
    assert_ink(opened(pdf("/A Do", page=page, objects=forms), tmp_path))


def test_pieces_drawn_one_by_one_are_one_stroke(tmp_path: Path) -> None:
    pieces = "".join(
        f"{1 + 0.1 * (i % 3)} w {x0:.3f} {SIZE[1] - y0:.3f} m {x1:.3f} {SIZE[1] - y1:.3f} l S\n"
        for stroke in INK.strokes
        for i, ((x0, y0), (x1, y1)) in enumerate(pairwise(stroke))
    )
    assert_ink(opened(pdf(pieces), tmp_path))


@pytest.mark.parametrize("side", ["end", "middle"])
def test_what_white_paint_covers_is_gone(tmp_path: Path, side: str) -> None:
    x = 60 + 300 * np.linspace(0, 1, 40) ** 1.3
    bar = Ink((np.stack([x, 300 + np.arange(40) % 2], axis=1).astype(np.float32),))
    left, right = (280, 420) if side == "end" else (180, 240)
    white = f"q 1 1 1 RG 20 w {left} {SIZE[1] - 300} m {right} {SIZE[1] - 300} l S Q\n"
    page = opened(pdf(lines(INK) + lines(bar) + white), tmp_path)
    assert page.ink is not None and page.redrawn
    assert len(page.ink) == len(INK.strokes) + (1 if side == "end" else 2)
    covered = np.s_[int(290 * SCALE) : int(310 * SCALE), int(left * SCALE) : int(right * SCALE)]
    assert (page.image[covered] > 128).all()


def test_a_plot_of_very_many_paths_is_left_to_the_picture(tmp_path: Path) -> None:
    spots = "".join(
        f"{i % 600} {i // 200} m {i % 600 + 3} {i // 200 + 2} l S\n" for i in range(100_000)
    )
    assert opened(pdf(spots), tmp_path).ink is None


def test_a_scan_beside_strokes_is_read_from_the_picture(tmp_path: Path) -> None:
    noise = "".join(f"{x} {y} 4 4 re f\n" for x in range(60, 200, 7) for y in range(690, 745, 7))
    page = opened(pdf(noise + lines(INK)), tmp_path)
    assert page.ink is not None and not page.redrawn
    (region,) = find_regions(page, "expression")
    assert region.written is None


@pytest.mark.parametrize(
    "odd",
    [
        "1 0 0 1 9e37 9e37 cm 9e37 9e37 m 9e38 1 l S",
        "1e30 0 0 1e30 0 0 cm 10 10 m 9e9 9e9 l S",
        "1e20 0 0 1e20 0 0 cm " + 3 * "1 1 m 2 1 l 2 2 l h S 9 9 m 8 1 l 2 7 l h S ",
    ],
)
def test_infinite_far_and_missing_points_harm_nobody(tmp_path: Path, odd: str) -> None:
    assert_ink(opened(pdf(f"q {odd} Q 5 5 l S 7 m S\n" + lines(INK)), tmp_path))


def test_outlines_with_holes_are_one_stroke(tmp_path: Path) -> None:
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    rings = [
        [f"{415 + r * np.cos(a):.2f} {665 + 2 * r * np.sin(a):.2f}" for a in angles]
        for r in (14, 12)
    ]
    round_ = "".join(f"{ring[0]} m {' l '.join(ring[1:])} l h " for ring in rings)
    page = opened(pdf(outlines(INK) + round_ + "f*\n"), tmp_path)
    assert page.ink is not None and len(page.ink) == len(INK.strokes) + 1
    box = np.concatenate([page.ink.strokes[-1].min(0), page.ink.strokes[-1].max(0)]) / SCALE
    assert box.tolist() == pytest.approx([402, 108, 428, 162], abs=1.5)


def test_a_slow_pen_on_a_coarse_digitiser_draws_no_graph(tmp_path: Path) -> None:
    rises = [0, 0, -1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, -1, 0]
    x = 300 + 0.587 * np.arange(len(rises) + 1)
    bar = np.stack([x, 100 + 0.587 * np.concatenate([[0], np.cumsum(rises)])], 1)
    ink = Ink((*INK.strokes, bar.astype(np.float32)))
    assert_ink(opened(pdf(lines(ink)), tmp_path), ink)


def test_a_page_whose_strokes_take_too_much_is_read_as_a_picture_and_said_to_be(
    invoke: Callable[..., int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    call = Worker.call

    def busy(self: Worker, function: str, *given: Any, **limits: Any) -> tuple[Meta, bytearray]:
        if function.endswith(":strokes"):
            raise WorkerError("time")
        return call(self, function, *given, **limits)

    monkeypatch.setattr(Worker, "call", busy)
    file = tmp_path / "a.pdf"
    file.write_bytes(pdf(lines(INK)))
    assert invoke("convert", str(file), "--no-cache", "--out", str(tmp_path / "a.jsonl")) == 0
    assert "a.pdf: page 1: read as a picture, as finding its strokes" in capsys.readouterr().err
    assert json.loads((tmp_path / "a.jsonl").read_text())["latex"]
