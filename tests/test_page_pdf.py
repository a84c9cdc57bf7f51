"""PDFs are drawn as a viewer shows them, by one renderer, and none takes more than its share."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
import zlib
from collections.abc import Callable
from functools import partialmethod
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from handmade import FakeRecogniser, cross, encoded, open_pages, paged
from pdfs import CROSS, made, one_page, stream
from PIL import Image

from hmer_cli.commands import convert as verb
from hmer_cli.errors import InputError, MissingError, UsageError
from hmer_cli.geometry import MAX_SIDE
from hmer_cli.page.ink_box import ink_box
from hmer_cli.page.load import pdf as pdf_module
from hmer_cli.page.load.decode_apart import TiffDecoder
from hmer_cli.page.load.pdf import MAX_PAGES, Pdf, Renderer
from hmer_cli.page.load.pdf_geometry import DPI, MAX_DRAWN
from hmer_cli.page.load.tiff import directories
from hmer_cli.page.load.worker import MAX_ENDED, Worker, WorkerError

SCALE = DPI / 72


def close(box: tuple[float, ...] | None, wanted: tuple[float, ...], by: float = 5) -> bool:
    return box is not None and all(abs(a - b) <= by for a, b in zip(box, wanted, strict=True))


SCALED = tuple(v * SCALE for v in (39, 29, 81, 91))


def drawn(data: bytes, renderer: Renderer = "pdfium") -> np.ndarray:
    return Pdf(data, "x.pdf", renderer).draw(1)


def test_pages_are_drawn_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "notes.pdf"
    path.write_bytes(paged([cross(), 255 - cross()]))
    pages = list(open_pages(str(path)))
    assert [page.number for page in pages] == [1, 2]
    for page in pages:
        assert np.allclose(page.image.shape, (120 * SCALE, 160 * SCALE), atol=1)
        assert close(ink_box(page.image), SCALED, by=8)


@pytest.mark.parametrize(
    "before", [b"\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 900 + b"\r\n\r\n"]
)
def test_a_header_behind_something_else(before: bytes, tmp_path: Path) -> None:
    (tmp_path / "notes.pdf").write_bytes(before + one_page())
    (page,) = open_pages(str(tmp_path / "notes.pdf"))
    assert close(ink_box(page.image), SCALED)


@pytest.mark.poppler
def test_poppler_draws_the_same_page_where_it_is_asked_for() -> None:
    if not shutil.which("pdftoppm"):
        pytest.skip("pdftoppm is not installed")
    page = "/CropBox[20 0 160 120]/UserUnit 2"
    image, other = drawn(one_page(page=page)), drawn(one_page(page=page), "poppler")
    assert np.allclose(image.shape, other.shape, atol=2)
    found = ink_box(other)
    assert found is not None
    assert close(ink_box(image), found)


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
def test_the_same_pdf_gives_the_same_bytes_with_and_without_poppler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notes.pdf").write_bytes(paged([cross(), cross(200, 300)]))
    outputs = []
    for name in ("without", "with"):
        folder = tmp_path / name
        folder.mkdir()
        if name == "with":  # one that would leave a trace
            (folder / "pdftoppm").write_text(f"#!/bin/sh\ntouch {tmp_path}/called\nexit 1\n")
            (folder / "pdftoppm").chmod(0o755)
        monkeypatch.setenv("PATH", str(folder))
        verb.convert(["notes.pdf"], [f"{name}.jsonl"], recogniser=FakeRecogniser())
        outputs.append(Path(f"{name}.jsonl").read_bytes())
    assert outputs[0] == outputs[1]
    assert not Path("called").exists()


def test_poppler_that_is_not_there_is_told_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    arguments = (["x.pdf"], [str(tmp_path / "o.tex")])
    with pytest.raises(MissingError, match="poppler is not installed"):
        verb.convert(*arguments, pdf_renderer="poppler", recogniser=FakeRecogniser())
    with pytest.raises(UsageError, match="pdfium or poppler"):
        verb.convert(*arguments, pdf_renderer="cairo", recogniser=FakeRecogniser())  # type: ignore[arg-type]


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
@pytest.mark.parametrize(
    ("script", "said"),
    [("exec sleep 300", "more than 1 s"), ("echo P6", "cannot be drawn"), ("exit 1", "cannot be")],
)
def test_poppler_that_fails_or_hangs_is_told_and_leaves_no_file(
    script: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "tmp").mkdir()
    (tmp_path / "bin" / "pdftoppm").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "bin" / "pdftoppm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr(pdf_module, "_POPPLER_SECONDS", 1)
    with pytest.raises(InputError, match=said):
        Pdf(one_page(), "a.pdf", "poppler").draw(1)
    assert os.listdir(tmp_path / "tmp") == []


def test_what_is_cropped_away_is_not_drawn() -> None:
    image = drawn(one_page(page="/CropBox[60 0 160 120]"))
    assert np.allclose(image.shape, (120 * SCALE, 100 * SCALE), atol=1)
    assert close(ink_box(image), (0, SCALED[1], SCALED[2] - 60 * SCALE, SCALED[3]))


@pytest.mark.parametrize("unit", [0.5, 2, 10])
def test_a_user_unit_scales_the_page(unit: float) -> None:
    image = drawn(one_page(page=f"/UserUnit {unit}"))
    assert np.allclose(image.shape, (120 * SCALE * unit, 160 * SCALE * unit), atol=unit + 1)
    assert close(ink_box(image), tuple(v * unit for v in SCALED), by=5 * max(1, unit))


def test_a_user_unit_is_found_in_packed_objects() -> None:
    body = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 160 120]/Contents 4 0 R/UserUnit 2>>"
    packed = zlib.compress(f"3 0 {body}".encode())
    extra = "/Type/ObjStm/N 1/First 4/Filter/FlateDecode"
    objects: dict[int, str | bytes] = {
        1: "<</Type/Catalog/Pages 2 0 R>>",
        2: "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        4: stream(CROSS),
        5: stream(packed, extra),
    }
    data = made(objects)
    start = data.index(b"xref")
    rows = b"".join(
        bytes([kind]) + place.to_bytes(4, "big") + bytes([last])
        for kind, place, last in [
            (0, 0, 0),
            *((1, data.index(b"%d 0 obj" % n), 0) for n in (1, 2)),
            (2, 5, 0),
            *((1, data.index(b"%d 0 obj" % n), 0) for n in (4, 5)),
            (1, start, 0),
        ]
    )
    table = stream(rows, "/Type/XRef/Size 7/W[1 4 1]/Root 1 0 R")
    whole = data[:start] + b"6 0 obj\n" + table + b"\nendobj\nstartxref\n%d\n%%%%EOF\n" % start
    assert np.allclose(drawn(whole).shape, (240 * SCALE, 320 * SCALE), atol=2)


def test_writing_in_form_fields_is_drawn() -> None:
    look = stream(
        "3 w 0 60 m 40 0 l S 40 60 m 0 0 l S", "/Type/XObject/Subtype/Form/BBox[0 0 40 60]"
    )
    field = (
        b"<</Type/Annot/Subtype/Widget/FT/Tx/T(a)/Rect[40 30 80 90]/F 4/AP<</N 6 0 R>>/P 3 0 R>>"
    )
    image = drawn(
        one_page(
            "", page="/Annots[5 0 R]", catalogue="/AcroForm<</Fields[5 0 R]>>", o5=field, o6=look
        )
    )
    assert close(ink_box(image), SCALED)


@pytest.mark.parametrize("colour", ["1 0.4 0.7", "0.3 1 0.4", "0.4 0.8 1", "1 0.7 0.2", "1 1 0"])
def test_what_a_highlighter_went_over_is_paper(colour: str) -> None:
    marker = f"q /M gs {colour} rg 20 45 120 30 re f Q"
    states = "<</ExtGState<</M<</BM/Multiply>>>>>>"
    page = "[0 0 595 842]"
    image = drawn(one_page(f"{CROSS} {marker}", page, resources=states))
    plain = drawn(one_page(CROSS, page))
    assert np.mean(np.abs(image.astype(int) - plain) > 40) < 0.0005


def test_a_large_page_is_drawn_with_fewer_pixels() -> None:
    for box in ("[0 0 20000 20000]", "[0 0 300 14400]", "[0 0 14400 20]"):
        image = drawn(one_page(box=box))
        assert image.size <= MAX_DRAWN * 1.01
        assert max(image.shape) <= MAX_SIDE


@pytest.mark.parametrize("count", [2, 40, 1_000_000])
def test_pages_are_counted_and_not_believed(count: int) -> None:
    assert Pdf(one_page(count=count), "x.pdf").page_count == 1


def test_too_many_pages_are_refused() -> None:
    pages = MAX_PAGES + 1
    objects: dict[int, str | bytes] = {
        1: "<</Type/Catalog/Pages 2 0 R>>",
        2: f"<</Type/Pages/Kids[{'3 0 R ' * pages}]/Count {pages}>>",
        3: "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
    }
    with pytest.raises(InputError, match=r"x.pdf: more than 20,000 pages; split it"):
        Pdf(made(objects), "x.pdf")


FORM = "/Type/XObject/Subtype/Form/BBox[0 0 612 792]"


def endless() -> bytes:
    """A form that draws itself twice."""
    inside = stream("/X Do /X Do", f"{FORM}/Resources<</XObject<</X 5 0 R>>>>")
    return one_page("/X Do", resources="<</XObject<</X 5 0 R>>>>", o5=inside)


def pattern() -> bytes:
    """One page full of tiles a ten-thousandth of a point apart."""
    keys = "/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 1 1]"
    tile = stream("0 0 1 1 re f", f"{keys}/XStep 0.0001/YStep 0.0001/Resources<<>>")
    content = "/Pattern cs /P scn 0 0 160 120 re f"
    return one_page(content, resources="<</Pattern<</P 5 0 R>>>>", o5=tile)


def bomb() -> bytes:
    """A gigabyte of blanks in two layers of Flate."""
    blanks = zlib.compress(zlib.compress(b" " * (1 << 30), 9), 9)
    return one_page(stream(blanks, "/Filter[/FlateDecode/FlateDecode]"))


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less processor time a call; time by the clock would end good files of a busy machine."""
    monkeypatch.setattr(Worker, "call", partialmethod(Worker.call, seconds=2))


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("hostile", [endless, pattern])
def test_a_page_that_never_ends_is_given_up_and_others_are_read(
    hostile: Callable[[], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.pdf").write_bytes(hostile())
    Path("b.pdf").write_bytes(paged([cross()]))
    Path("c.png").write_bytes(encoded(cross()))
    first, *others = verb.convert(
        ["a.pdf", "b.pdf", "c.png"], ["o.jsonl"], jobs=1, recogniser=FakeRecogniser()
    )
    assert first.status == "failed"
    assert first.error.startswith("a.pdf: page 1 takes ")
    assert [record.status for record in others] == ["ok", "ok"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux")
def test_a_page_that_takes_all_memory_is_given_up() -> None:
    with pytest.raises(InputError, match="page 1"):
        Pdf(bomb(), "x.pdf").draw(1)
    assert Pdf(one_page(), "y.pdf").draw(1).min() < 64


@pytest.mark.usefixtures("hasty")
def test_after_some_such_pages_the_others_are_not_tried() -> None:
    pdf = Pdf(endless(), "x.pdf")
    for _ in range(MAX_ENDED):
        with pytest.raises(InputError, match="takes "):
            pdf.draw(1)
    with pytest.raises(InputError, match="not drawn, as 3 before it took too much"):
        pdf.draw(1)


def test_pages_that_take_too_much_here_and_there_do_not_cost_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pdf, call = Pdf(paged([cross()] * 5), "x.pdf"), Pdf._call

    def slow(self: Pdf, function: str, meta: dict[str, int], *more: str) -> object:
        if function == "draw" and meta["number"] % 2:
            raise WorkerError("time")
        return call(self, function, meta, *more)

    monkeypatch.setattr(Pdf, "_call", slow)
    drawn = []
    for number in range(1, 6):
        with contextlib.suppress(InputError):
            pdf.geometry(number)
            pdf.draw(number)
            drawn.append(number)
    assert drawn == [2, 4]


def test_pages_of_a_tiff_that_take_too_much_leave_the_others_untried() -> None:
    buffer, answers = io.BytesIO(), iter([*"x.xxxx"])
    pages = [Image.fromarray(cross())] * 6
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:], compression="tiff_lzw")

    def call(*given: object, **limits: object) -> object:
        if next(answers) == "x":
            raise WorkerError("time")
        return {"shape": (1, 1), "factor": 1}, b"0"

    worker = cast(Worker, SimpleNamespace(call=call))
    decoder = TiffDecoder(buffer.getvalue(), "x.tif", worker)
    said = []
    for frame in directories(buffer.getvalue(), "x.tif"):
        try:
            said.append(str(decoder.decode_reduced(frame)[1]))
        except InputError as error:
            said.append(error.what.removeprefix("x.tif: "))
    slow = "decoding it takes too much time"
    assert said == [slow, "1", *[slow] * 3, "not decoded, as 3 pages before took too much"]


def test_a_stopped_worker_refuses_and_one_that_was_killed_is_started_again() -> None:
    worker = Worker()
    pdf = Pdf(one_page(), "x.pdf", worker=worker)
    assert worker._process is not None
    worker._process.kill()
    worker._process.wait()
    assert pdf.draw(1).min() < 64
    worker.stop()
    with pytest.raises(WorkerError, match="stopped"):
        worker.call("hmer_cli.page.load.pdfium:count", {"most": 1}, b"", "")


def test_the_worker_imports_no_more_than_it_needs() -> None:
    worker = Worker()
    answer, _ = worker.call("handmade_worker:modules", {}, b"", "")
    worker.stop()
    heavy = {"torch", "onnxruntime", "cv2", "rich", "typer", "PIL"}
    assert heavy.isdisjoint(answer["modules"]), os.getpid()
