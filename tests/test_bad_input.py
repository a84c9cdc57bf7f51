"""Whatever is wrong with one input is told in one line, and the others are converted all the same.

Each case runs the command line beside a good input and over the output of an earlier run.
"""

from __future__ import annotations

import io
import json
import os
import re
import signal
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from handmade import EARLIER, ENCRYPTED, INKML, NO_PAGES, FakeRecogniser, cross, encoded, paged
from PIL import Image

import hmer_cli.api
from hmer_cli.commands.reported import reported
from hmer_cli.document.records import Record

Run = Callable[..., int]


@pytest.fixture
def run(invoke: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """The command line in an empty folder with one good input; gives its exit code."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(hmer_cli.api, "LazyRecogniser", lambda model, charset: FakeRecogniser())
    Path("good.png").write_bytes(encoded(cross()))
    return invoke


def blank_png(width: int, height: int) -> bytes:
    """A sound PNG of one shade and any size, a few kilobytes long."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    deflate = zlib.compressobj(9)
    row = b"\0" * (1 + (width + 7) // 8)
    pixels = b"".join(deflate.compress(row) for _ in range(height)) + deflate.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def zipped(data: bytes, encrypted: bool = False) -> bytes:
    """An archive of one image; its flag says encrypted where asked."""
    path = Path("made.zip")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inside.png", data)
    raw = bytearray(path.read_bytes())
    path.unlink()
    if encrypted:
        for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            raw[raw.index(signature) + offset] |= 1
    return bytes(raw)


XML_BOMB = b"""<?xml version="1.0"?><!DOCTYPE ink [<!ENTITY a "1 1, 2 2, ">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>
<ink xmlns="http://www.w3.org/2003/InkML"><trace>&c;</trace></ink>"""

EXTERNAL_ENTITY = b"""<?xml version="1.0"?><!DOCTYPE ink [<!ENTITY x SYSTEM "secret.txt">]>
<ink xmlns="http://www.w3.org/2003/InkML"><trace>&x;</trace></ink>"""

EMPTY_ZIP = b"PK\x05\x06" + b"\0" * 18

WHITE = np.full((60, 80), 255, np.uint8)

BAD: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "empty file": ("x.png", lambda: b"", "empty file"),
    "empty InkML": ("x.inkml", lambda: b"\n", "empty file"),
    "truncated PNG": ("x.png", lambda: encoded(cross())[:300], "truncated"),
    "PNG header alone": ("x.png", lambda: encoded(cross())[:8], "truncated"),
    "truncated JPEG": ("x.jpg", lambda: encoded(cross(), "JPEG")[:700], "truncated"),
    "truncated TIFF": ("x.tif", lambda: encoded(cross(), "TIFF")[:600], "truncated"),
    "one pixel": ("x.png", lambda: encoded(np.zeros((1, 1), np.uint8)), "nothing to read"),
    "all white": ("x.png", lambda: encoded(WHITE), "nothing to read"),
    "all black": ("x.png", lambda: encoded(255 - WHITE), "nothing to read"),
    "all transparent": (
        "x.png",
        lambda: encoded(np.zeros((60, 80, 4), np.uint8), mode="RGBA"),
        "nothing to read",
    ),
    "20,000 x 20,000": (
        "x.png",
        lambda: blank_png(20_000, 20_000),
        "of 400 million pixels, over the limit",
    ),
    "decompression bomb": (
        "x.png",
        lambda: blank_png(120_000, 1_000),
        "of 120 million pixels, over the limit",
    ),
    "encrypted PDF": ("x.pdf", ENCRYPTED.read_bytes, "encrypted PDF; remove its password"),
    "PDF of no pages": ("x.pdf", lambda: NO_PAGES, "PDF without a page"),
    "truncated PDF": ("x.pdf", lambda: paged([cross()])[:200], "truncated PDF"),
    "blank PDF": ("x.pdf", lambda: paged([WHITE]), "nothing to read on page 1"),
    "XML bomb": ("x.inkml", lambda: XML_BOMB, "entit"),
    "external entity": ("x.inkml", lambda: EXTERNAL_ENTITY, "entit"),
    "NaN in a trace": ("x.inkml", lambda: INKML.replace("10 20", "NaN 20").encode(), "NaN"),
    "InkML of no trace": ("x.inkml", lambda: b"<ink></ink>", "no ink"),
    "another XML": ("x.inkml", lambda: b"<gpx><trk/></gpx>", "not InkML"),
    "a web page": ("x.inkml", lambda: b"<html><p>x</p></html>", "a web page"),
    "an SVG without ink": ("x.svg", lambda: b"<svg><path d='M0 0'/></svg>", "no strokes"),
    "text": ("x.png", lambda: b"see attached", "not a kind of file"),
    "zip without images": ("x.zip", lambda: EMPTY_ZIP, "nothing to convert"),
    "zip of a broken image": ("x.zip", lambda: zipped(b"broken"), "not a kind of file"),
    "truncated zip": ("x.zip", lambda: zipped(encoded(cross()))[:-30], "truncated archive"),
    "encrypted zip": ("x.zip", lambda: zipped(encoded(cross()), encrypted=True), "unpack"),
}


def test_pages_of_one_file_that_fail_alike_share_a_line_and_each_has_a_record(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("prose.pdf").write_bytes(paged([WHITE] * 4))
    shard = ["--shard", "1/1"]
    for more in ([], shard):
        assert run("convert", "prose.pdf", "--pages", "1-2,4", "--out", "o.jsonl", *more) == 1
        first, *_ = capsys.readouterr().err.splitlines()
        assert first.startswith("hmer: prose.pdf: nothing to read on page 1; no mathematics found")
        assert first.endswith(" (pages 2, 4: the same)")
    run("convert", "prose.pdf", "--pages", "1-2,4", "--out", "o.jsonl")
    records = [json.loads(line) for line in Path("o.jsonl").read_text().splitlines()]
    assert [(each["page"], f"page {each['page']};" in each["error"]) for each in records] == [
        (1, True), (2, True), (4, True),
    ]  # fmt: skip


def test_pages_that_fail_for_other_reasons_have_lines_of_their_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def failed(page: int, why: str) -> Record:
        error = f"a.pdf: page {page} {why}"
        return Record("a.pdf", page, None, "", confidence=0, status="failed", error=error, model="")

    records = [failed(page, "is dark") for page in (1, 12, 13, 14, 21)] + [failed(2, "is torn")]
    assert list(reported(records)) == records
    assert capsys.readouterr().err.splitlines() == [
        "hmer: a.pdf: page 1 is dark (pages 12-14, 21: the same)",
        "hmer: a.pdf: page 2 is torn",
    ]


@pytest.mark.filterwarnings("ignore:Image size")  # the command line ignores it by itself
@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_told_and_the_others_converted(
    case: str, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    name, data, reason = BAD[case]
    Path(name).write_bytes(data())
    Path("secret.txt").write_text("0 0, 1 1, 2 2")
    assert run("convert", name, "good.png", "--out", "o.jsonl", "--out", "o.tex") == 1
    said = capsys.readouterr()
    assert said.out == ""
    first, summary, last = said.err.splitlines()
    assert first.startswith(f"hmer: {name}")
    assert reason in first
    assert re.fullmatch(r"hmer: 1 expression on [12] pages?, 0 low, 1 failed, .* s", summary)
    assert last == "hmer: 1 failed, 1 expression read"
    bad, good = [json.loads(line) for line in Path("o.jsonl").read_text().splitlines()]
    assert (bad["status"], bad["latex"], bad["confidence"]) == ("failed", "", 0.0)
    assert bad["error"] == first.removeprefix("hmer: ")
    assert (good["source"], good["status"]) == ("good.png", "ok")
    assert "(fake-1)" in Path("o.tex").read_text().splitlines()[0]
    tex = Path("o.tex").read_text()
    assert "{x^2}" in tex and "{good-p1-r1}" in tex


def test_a_trace_of_one_point_is_a_dot(run: Run) -> None:
    Path("dot.inkml").write_text(
        '<ink xmlns="http://www.w3.org/2003/InkML"><trace>5 5</trace></ink>'
    )
    assert run("convert", "dot.inkml", "--out", "o.jsonl") == 0
    assert json.loads(Path("o.jsonl").read_text())["region"] == [5.0, 5.0, 5.0, 5.0]


@pytest.mark.parametrize("name", ["empty", "nowhere", "*.tif", "long" * 100])
def test_an_input_with_nothing_in_it_is_told(
    name: str, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("empty").mkdir()
    Path("o.tex").write_text(EARLIER)
    assert run("convert", name, "--out", "o.tex") == 1
    assert f"hmer: {name}: " in capsys.readouterr().err
    assert Path("o.tex").read_text() == EARLIER


def test_the_same_input_twice_is_said_and_is_no_failure(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("convert", "good.png", ".", "--out", "o.jsonl") == 0
    assert len(Path("o.jsonl").read_text().splitlines()) == 1
    first, _ = capsys.readouterr().err.splitlines()
    assert first == "hmer: good.png: given more than once, converted once"


@pytest.mark.parametrize(
    "name", ["two words.png", "معادله.png", "式 – 1.png", "%$#{}\\~.png", "-odd.png", "a\nb.png"]
)
def test_any_file_name_will_do(name: str, run: Run) -> None:
    Path("in").mkdir()
    Path("in", name).write_bytes(encoded(cross()))
    out = f"{Path(name).stem}.jsonl"
    assert run("convert", "in", f"--out=./{out}", "--out", "o.tex", "--out", "o.md") == 0
    assert json.loads(Path(out).read_text("utf-8"))["source"] == f"in/{name}"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes names that are no text")
def test_a_file_name_that_is_no_text_will_do(run: Run) -> None:
    os.mkdir("in")
    name = os.fsdecode(b"caf\xe9.png")
    Path("in", name).write_bytes(encoded(cross()))
    assert run("convert", "in", "-o", "o.jsonl", "-o", "o.tex", "-o", "o.md") == 0
    assert json.loads(Path("o.jsonl").read_text("utf-8"))["source"] == f"in/{name}"


class Unloaded(FakeRecogniser):
    """Has an identity, as the weights' hash, and cannot be loaded."""

    identity = "fake"

    @property
    def model(self) -> str:  # type: ignore[override]
        raise AssertionError("weights are loaded where there is nothing to read")


def test_weights_are_not_loaded_for_what_cannot_be_read(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hmer_cli.api, "LazyRecogniser", lambda model, charset: Unloaded())
    Path("bad.png").write_bytes(b"")
    assert run("convert", "bad.png", "--out", "o.jsonl") == 1
    assert json.loads(Path("o.jsonl").read_text())["model"] == ""


class Unreached(FakeRecogniser):
    def read(self, images: object) -> list:  # type: ignore[type-arg, override]
        raise AssertionError("the output should have been tried first")


@pytest.mark.parametrize("out", ["good.png/o.tex", "folder.tex", "/proc/o.tex", "o" * 300 + ".tex"])
def test_an_output_that_cannot_be_written_is_found_before_the_work(
    out: str, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("folder.tex").mkdir()
    monkeypatch.setattr(hmer_cli.api, "LazyRecogniser", lambda model, charset: Unreached())
    assert run("convert", "good.png", "--out", "o.md", "--out", out) == 5
    (line,) = capsys.readouterr().err.splitlines()
    assert Path(out).name.split("/")[0] in line
    assert not Path("o.md").exists()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full on this system")
def test_a_full_standard_output_is_no_bug() -> None:
    program = DRIVER.format(tests=str(Path(__file__).parent), read="return super().read(images)")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", program, "convert", "-"],
            input=encoded(cross()),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 5
    assert done.stderr == b"hmer: standard output cannot be written (No space left on device)\n"


DRIVER = """
import signal, sys, time
sys.path.insert(0, {tests!r})
signal.signal(signal.SIGINT, signal.default_int_handler)
import hmer_cli.api
from handmade import FakeRecogniser

class Slow(FakeRecogniser):
    def read(self, images):
        {read}

hmer_cli.api.LazyRecogniser = lambda model, charset: Slow()
from hmer_cli.cli import main
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to a process")
def test_interrupted_in_the_middle_the_earlier_output_stands(tmp_path: Path) -> None:
    (tmp_path / "good.png").write_bytes(encoded(cross()))
    (tmp_path / "o.tex").write_text(EARLIER)
    wait = "print('reading', flush=True); time.sleep(600)"
    program = DRIVER.format(tests=str(Path(__file__).parent), read=wait)
    process = subprocess.Popen(
        [sys.executable, "-c", program, "convert", "good.png", "--out", "o.tex"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "reading\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130
    assert errors == "hmer: interrupted\n"
    assert (tmp_path / "o.tex").read_text() == EARLIER
    assert sorted(os.listdir(tmp_path)) == ["good.png", "o.tex"]


def test_decoder_of_tiff_says_nothing_past_hmer(
    run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    buffer = io.BytesIO()
    Image.fromarray(cross()).save(buffer, "TIFF", compression="tiff_lzw")
    data = bytearray(buffer.getvalue())
    data[8:40] = b"\xff" * 32  # codes that are in no table
    Path("bad.tif").write_bytes(data)
    assert run("convert", "bad.tif", "good.png", "--out", "o.tex") == 1
    said = capfd.readouterr().err.splitlines()
    assert "hmer: bad.tif: damaged or truncated image; save or export it again" in said
    assert all(line.startswith("hmer: ") for line in said)
