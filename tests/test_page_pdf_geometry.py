"""What is found on a PDF page is told, and written, where it stands, however the page lies."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from handmade import FakeRecogniser, open_pages
from pdfs import CROSS, made, stream

from hmer_cli.commands.convert import convert
from hmer_cli.page.load.pdf import Pdf
from hmer_cli.page.load.pdf_geometry import DPI, PageGeometry
from hmer_cli.page.load.worker import MEMORY, Meta, Worker

MARK = 38.5, 28.5, 81.5, 91.5
"""x0, y0, x1, y1 of the ink of `CROSS` in the units of the file, y up."""

BOXES = {
    "plain": "/MediaBox[0 0 160 120]",
    "swapped": "/MediaBox[160 120 0 0]",
    "half swapped": "/MediaBox[160 0 0 120]",
    "elsewhere": "/MediaBox[-30 -45 150 140]",
    "cropped": "/MediaBox[0 0 160 120]/CropBox[21 12 133 107]",
    "crop beyond": "/MediaBox[10 4 160 120]/CropBox[-50 9 400 300]",
    "crop swapped": "/MediaBox[160 120 0 0]/CropBox[133 107 21 12]",
    "unit": "/MediaBox[0 0 160 120]/UserUnit 2.5",
    "unit elsewhere": "/MediaBox[160 120 -7 -5]/CropBox[5 3 150 110]/UserUnit 9 0 R",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


TURNS = [f"/Rotate {turn}" for turn in (0, 90, 180, 270)]


def pages_of(*keys: str, above: str = "", content: str = CROSS) -> bytes:
    """A PDF of a page with each of these keys; those ``above`` are of the node that all inherit
    from."""
    pages = range(10, 10 + len(keys))
    kids = " ".join(f"{number} 0 R" for number in pages)
    objects: dict[int, str | bytes] = {
        1: "<</Type/Catalog/Pages 2 0 R>>",
        2: f"<</Type/Pages/Kids[{kids}]/Count {len(keys)}{above}>>",
        4: stream(content),
        9: "2.5",
    }
    page = "/Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<<>>"
    own = {n: f"<<{page}{each}>>" for n, each in zip(pages, keys, strict=True)}
    return made({**objects, **own})


def assert_told_where_it_stands(
    data: bytes, unit: float = 1.0, mark: tuple[float, ...] = MARK
) -> None:
    """Regions are those of the ink as PDFium draws it at DPI; their texts lie over it."""
    pdfium = pytest.importorskip("pypdfium2")
    pytest.importorskip("pikepdf")
    Path("a.pdf").write_bytes(data)
    records = convert(["a.pdf"], ["o.pdf"], layout="expression", recogniser=FakeRecogniser())
    original, written = pdfium.PdfDocument("a.pdf"), pdfium.PdfDocument("o.pdf")
    assert len(records) == len(original) == len(written)
    scale = DPI / 72 * unit
    for number, record in enumerate(records):
        drawn = original[number].render(scale=scale, grayscale=True).to_numpy()
        rows, columns = np.nonzero(drawn.reshape(drawn.shape[:2]) < 128)
        seen = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        assert record.region == pytest.approx(seen, abs=2 * scale)
        text = written[number].get_textpage()
        assert text.get_text_bounded().strip() == "x^2"
        boxes = np.array([text.get_rect(i) for i in range(text.count_rects())])
        left, foot, right, top = (*boxes[:, :2].min(0), *boxes[:, 2:].max(0))
        room = 0.6  # of a unit; letters are not as high as what they are written over
        assert mark[0] - room <= left < right <= mark[2] + room
        assert mark[1] - room <= foot < top <= mark[3] + room
        size = max(mark[2] - mark[0], mark[3] - mark[1])
        off = abs(left + right - mark[0] - mark[2]), abs(foot + top - mark[1] - mark[3])
        assert max(off) / 2 <= 0.2 * size


@pytest.mark.parametrize("name", BOXES)
def test_every_box_and_rotation(name: str) -> None:
    data = pages_of(*(f"{BOXES[name]}{turn}" for turn in TURNS))
    assert_told_where_it_stands(data, 2.5 if "UserUnit" in BOXES[name] else 1.0)


def test_a_crop_box_beside_the_page_leaves_the_whole_page() -> None:
    whole = "/MediaBox[0 0 160 120]"
    pixels = [Pdf(pages_of(whole + box), "a.pdf").draw(1) for box in ("", "/CropBox[500 9 600 90]")]
    assert np.array_equal(*pixels)


@pytest.mark.parametrize("turn", [0, 90, -90, 540])
def test_boxes_and_rotation_that_are_inherited(turn: int) -> None:
    above = f"/MediaBox[150 140 -30 -45]/CropBox[20 10 133 110]/Rotate {turn}"
    assert_told_where_it_stands(pages_of("", above=above))


class Here(Worker):
    """Calls in this process, in which limits can be set."""

    def call(
        self, function: str, meta: Meta, data: bytes, key: str, memory: int = MEMORY
    ) -> tuple[Meta, bytearray]:
        module, _, name = function.partition(":")
        answer, pixels = getattr(import_module(module), name)({**meta, "key": key}, data)
        return answer, bytearray(pixels)


@pytest.fixture
def reduced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages are drawn with fewer pixels than they have at DPI."""
    monkeypatch.setattr("hmer_cli.page.load.pdf_geometry.MAX_DRAWN", 30_000)
    monkeypatch.setattr("hmer_cli.document.pipeline.Worker", Here)
    monkeypatch.setattr("hmer_cli.page.load.pdf.SHARED", Here())


@pytest.mark.usefixtures("reduced")
@pytest.mark.parametrize("name", ["swapped", "cropped", "unit elsewhere"])
def test_pages_that_are_drawn_below_the_resolution(name: str) -> None:
    data = pages_of(*(f"{BOXES[name]}{turn}" for turn in TURNS))
    geometry = Pdf(data, "a.pdf").geometry(1)
    assert geometry is not None
    assert 2 * geometry.drawn[0] * geometry.drawn[1] < geometry.whole[0] * geometry.whole[1]
    assert_told_where_it_stands(data, 2.5 if "UserUnit" in BOXES[name] else 1.0)


@pytest.mark.usefixtures("reduced")
def test_strokes_of_a_page_that_is_drawn_below_the_resolution() -> None:
    waves = [f"20 {y} m 60 {y + 34} 80 {y - 30} 120 {y + 4} c S" for y in (40, 50, 60, 70)]
    data = pages_of("/MediaBox[0 0 140 110]", content="2 w 1 J " + " ".join(waves))
    Path("a.pdf").write_bytes(data)
    (page,) = open_pages("a.pdf")
    assert page.redrawn
    assert_told_where_it_stands(data, mark=(19, 37, 121, 76))


def test_what_is_drawn_and_what_is_written_are_each_others_inverse() -> None:
    for quarters in range(4):
        geometry = PageGeometry((5, 7, 105, 57), quarters, 2.0)
        a, b, c, d, e, f = geometry.to_file()
        p, q, r, s, t, u = geometry.shown()
        (across, down), (width, height) = geometry.whole, geometry.size
        for x, y in ((0, 0), (100, 30), (across, down)):
            there = a * x + c * y + e, b * x + d * y + f
            back = p * there[0] + r * there[1] + t, q * there[0] + s * there[1] + u
            assert back == pytest.approx((x * width / across, y * height / down))
