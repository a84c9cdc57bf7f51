"""What the user has is not overwritten; what files claim is not believed."""

from __future__ import annotations

import gzip
import json
import ntpath
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from handmade import INKML, FakeRecogniser, cross, encoded

from hmer_cli import files
from hmer_cli.commands.convert import convert
from hmer_cli.commands.generate import generate
from hmer_cli.commands.render import render_inputs
from hmer_cli.data.captions import parse_captions
from hmer_cli.datasets.expressions import open_dataset
from hmer_cli.datasets.pages import _truth
from hmer_cli.document import cache
from hmer_cli.document.corrections import Correction, Corrections
from hmer_cli.document.formats import jsonl
from hmer_cli.document.records import Record
from hmer_cli.errors import InputError, OutputError, UsageError
from hmer_cli.ink import strokes
from hmer_cli.ink.inkml import read_inkml
from hmer_cli.ink.notes import kind_of
from hmer_cli.ink.render import Readable
from hmer_cli.metrics.overlays import picture
from hmer_cli.metrics.regions import PageOutcome
from hmer_cli.recognition.reading import Reading, TokenReading


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def ink(path: str, label: str = "x") -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    note = f'<annotation type="truth">{label}</annotation>'
    Path(path).write_text(INKML.replace("<trace", f"{note}<trace", 1))


@pytest.mark.parametrize(
    ("out", "given", "wrong"),
    [
        (r"D:\notes\out", r"C:\notes", None),
        (r"C:\notes and more", r"C:\notes", None),
        (r"C:\notes\out", r"C:\notes", "lies in"),
        (r"c:\NOTES\out", r"C:\notes", "lies in"),
        (r"c:\notes", r"C:\Notes", "is"),
        (r"C:\Notes", r"c:\notes\in", "holds"),
    ],
)
def test_outputs_are_apart_from_inputs_as_windows_compares_paths(
    monkeypatch: pytest.MonkeyPatch, out: str, given: str, wrong: str | None
) -> None:
    with monkeypatch.context() as windows:
        windows.setattr(os, "path", ntpath)
        windows.setattr(ntpath, "isdir", lambda path: True)
        windows.setattr(ntpath, "exists", lambda path: True)
        said = None
        try:
            files.check_apart(out, [given], above=True)  # type: ignore[arg-type]
        except UsageError as error:
            said = str(error)
    assert (said is None) if wrong is None else f"{wrong} the input {given}" in str(said)


def test_render_never_writes_into_an_input() -> None:
    ink("in/energy.inkml")
    captions = "energy\tx\nimg001\ty\nimg002\tz\n"
    Path("in/caption.txt").write_text(captions)
    for out in ("in", "in/out"):
        with pytest.raises(UsageError, match="apart from the inputs"):
            render_inputs(["in"], out)
    assert Path("in/caption.txt").read_text() == captions
    assert sorted(path.name for path in Path("in").iterdir()) == ["caption.txt", "energy.inkml"]


def test_render_keeps_the_captions_and_images_of_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ink("in/energy.inkml")
    ink("in/taken.inkml")
    Path("out").mkdir()
    Path("out/caption.txt").write_text("img001\ty\ntaken\tthe user's\n")
    Path("out/taken.png").write_bytes(b"the user's own")
    for _ in range(2):
        with pytest.raises(OutputError, match="not hmer's"):
            render_inputs(["in"], "out")
        lines = parse_captions(Path("out/caption.txt").read_bytes())
        found = [(line.key, line.label) for line in lines]
        assert found == [("img001", "y"), ("taken", "the user's"), ("energy", "x")]
        assert Path("out/taken.png").read_bytes() == b"the user's own"
    render_inputs(["in/energy.inkml"], "out", size=300)  # its own image may change
    render_inputs(["in/energy.inkml"], "out", size=200)


def test_names_that_render_writes_are_found_again() -> None:
    for name in (" lead", "x.png", "plain"):
        ink(f"in/{name}.inkml", "y")
    render_inputs(["in"], "out")
    samples = open_dataset("out")
    assert [sample.error for sample in samples] == [None] * 3
    assert {sample.label for sample in samples} == {"y"}


def test_generate_replaces_nothing_but_its_own() -> None:
    Path("mine").mkdir()
    for name in ("caption.txt", "00001.png"):
        Path("mine", name).write_text("the user's own")
        with pytest.raises(OutputError, match="not hmer's"):
            generate("mine", ["x"])
        assert Path("mine", name).read_text() == "the user's own"
        Path("mine", name).unlink()
    generate("mine", ["x"])
    generate("mine", ["y"])
    assert Path("mine/caption.txt").read_text() == "00001\ty\n"


class Known(FakeRecogniser):
    identity = "fake"

    def read(self, images: Sequence[Readable]) -> list[Reading]:
        return [Reading("x", 0.9, (TokenReading("x", 0.9, (1, 2, 3, 4)),)) for _ in images]


def test_cache_that_fails_on_the_way_leaves_no_empty_picture(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"{i:02}.png" for i in range(30)]
    for i, name in enumerate(names):
        Path(name).write_bytes(encoded(cross(width=200 + i)))
    true_row = cache._encoded
    calls = 0

    def full(key: str, result: cache.Result) -> bytes:
        nonlocal calls
        calls += 1
        return true_row(key, result)

    monkeypatch.setattr(cache, "_encoded", full)
    true_try = cache.Cache._try

    def failing(self, action):  # type: ignore[no-untyped-def]
        if calls > 12 and self._path is not None:
            self._base.close()
            self._give_up(sqlite3.OperationalError("database or disk is full"))
            self._base = self._opened()
            return None
        return true_try(self, action)

    monkeypatch.setattr(cache.Cache, "_try", failing)
    convert(names, ["o.html"], recogniser=Known(), cache=Path("cache"))
    assert "cannot be used" in capsys.readouterr().err
    page = Path("o.html").read_text()
    assert page.count("data:image/webp;base64,") == 30
    assert 'base64,"' not in page


def test_pictures_that_the_cache_lost_at_once_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a.png").write_bytes(encoded(cross()))
    monkeypatch.setattr(cache.Cache, "picture", lambda self, key: None)
    convert(["a.png"], ["o.html"], recogniser=Known(), cache=Path("cache"))
    assert Path("o.html").read_text().count("data:image/webp;base64,") == 1


def corrections(*entries: dict[str, object], version: object = 1) -> Path:
    path = Path("c.json")
    content = {"hmer": "corrections", "version": version, "corrections": entries}
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    "latex",
    [
        *[r"A^\intersect", r"a \nothing b", r"a \write18 b", r"\input{/etc/passwd}", "~", r"\quad"],
        *[r"\tag{1}", "% note", r"\phantom{x}", " ", r"\rm " * 3000, "x" * 20_000],
    ],
    ids=range(12),
)
def test_correction_that_is_no_mathematics_is_named_and_left_out(
    latex: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = Corrections.load([corrections({"key": "k", "latex": latex}, {"key": "", "latex": "x"})])
    assert found.find("k", "", 1, (0, 0, 1, 1)) is None
    assert "correction 1 is not applied" in capsys.readouterr().err


def test_only_an_empty_correction_dismisses() -> None:
    found = Corrections.load([corrections({"key": "k", "latex": ""})])
    assert found.find("k", "f", 1, (0, 0, 1, 1)) == Correction("", "k")


@pytest.mark.parametrize("box", [[float("nan")] * 4, [10**400, 0, 1, 1], [0, 0, float("inf"), 1]])
def test_correction_of_no_place_is_of_no_region(
    box: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    path = corrections({"file": "f", "page": 1, "box": box, "latex": "x"})
    assert Corrections.load([path]).find("k", "f", 1, (0, 0, 1, 1)) is None
    assert "not applied" in capsys.readouterr().err


def test_corrections_from_windows_are_read_and_from_nowhere_refused() -> None:
    path = corrections({"key": "k", "latex": "x"})
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert Corrections.load([path]).find("k", "", 1, (0, 0, 1, 1))
    with pytest.raises(UsageError, match="version"):
        Corrections.load([corrections(version=True)])
    path.write_text("[" * 100_000)
    with pytest.raises(UsageError, match="not JSON"):
        Corrections.load([path])


def test_generate_guesses_at_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    made = generate("out", [r"A^\intercal", "x"])
    assert (made.written, made.failed) == (1, 1)
    assert "intercal" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        '{"formulas": [[-1e9, -1e9, 1e9, 1e9]]}',
        '{"formulas": [[-1e308, 0, 1e308, 1]]}',
        '{"formulas": [[NaN, 0, 1, 1]]}',
        f'{{"formulas": [[{10**400}, 0, -{10**400}, 1]]}}',
    ],
)
def test_boxes_far_off_the_page_are_drawn_at_its_edge(text: str) -> None:
    truth = _truth(text.encode(), "a.json")
    assert truth is not None
    drawn = picture(np.full((50, 60), 255, np.uint8), PageOutcome("a", [], truth["boxes"]))
    assert drawn.size[0] == 60


def test_json_without_end_is_no_page() -> None:
    with pytest.raises(InputError, match=r"a\.json: no JSON"):
        _truth(b"[" * 100_000, "a.json")


def test_jsonl_holds_no_control_characters() -> None:
    name = "a\x7f\x9b\u2028\u202e\U000e0001é\udc80.png"
    text = jsonl([Record(name, 1, None, "x", 0.9, "ok", None, "m")])
    assert len(text.splitlines()) == 1
    assert text.rstrip("\n").isprintable()
    assert json.loads(text)["source"] == name
    assert "é" in text


def test_input_without_a_name_is_not_the_current_folder(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.png").write_bytes(encoded(cross()))
    (record,) = convert([""], ["o.jsonl"], recogniser=FakeRecogniser())
    assert record.status == "failed"
    assert "without a name" in str(record.error)


def test_user_without_a_home_converts_without_a_cache(
    invoke: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import platformdirs

    def none(*_: object, **__: object) -> str:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(platformdirs, "user_cache_dir", none)
    monkeypatch.delenv("HMER_CACHE", raising=False)
    Path("a.png").write_bytes(encoded(cross()))
    assert invoke("convert", "a.png", "--out", "o.tex") == 0


OTHER_RUN = """
import sys
from pathlib import Path
from hmer_cli.document.cache import Cache, Result
with Cache(Path("cache"), "setting") as cache:
    cache.keep({cache.key("digest", 1): Result("m", ())}, {})
    cache._base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    print("open", flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="locks of POSIX")
def test_damaged_cache_is_not_removed_under_another_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pipe = subprocess.PIPE
    other = subprocess.Popen([sys.executable, "-c", OTHER_RUN], stdin=pipe, stdout=pipe)
    assert other.stdout is not None
    assert other.stdout.readline() == b"open\n"
    path = Path("cache") / cache.FILE
    path.write_bytes(b"damaged " * 1000)  # in place
    before = path.stat().st_ino
    with cache.Cache(Path("cache"), "setting") as found:
        found.keep({found.key("digest", 2): cache.Result("m", ())}, {})
        assert found.find(found.key("digest", 2)) is not None
    assert path.stat().st_ino == before
    assert "nothing is kept" in capsys.readouterr().err
    other.communicate()
    with cache.Cache(Path("cache"), "setting") as found:
        found.keep({found.key("digest", 2): cache.Result("m", ())}, {})
    assert "begun anew" in capsys.readouterr().err


def test_names_that_are_no_utf_8_are_found_again() -> None:
    name = os.fsdecode(b"\xe9t\xe9")
    try:
        ink(f"in/{name}.inkml", "y")
    except OSError:
        pytest.skip("names here are UTF-8")
    render_inputs(["in"], "out")
    (sample,) = open_dataset("out")
    assert (sample.label, sample.error) == ("y", None)
    render_inputs(["in"], "out")
    assert Path("out/caption.txt").read_bytes() == b"\xe9t\xe9\ty\n"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<ink>" + b"<a/>" * 4_000_001 + b"</ink>", "XML tags"),
        (b"<svg " + b"a='' " * 4_000_001 + b"/>", "XML tags"),
        (gzip.compress(b"<xournal>" + b"<a/>" * 4_000_001 + b"</xournal>", 1), "XML tags"),
        (gzip.compress(b"<xournal>" + b"1 " * (33 << 20) + b"</xournal>", 1), "more than 64 MiB"),
        (b"[" + b"[1,2]," * 6_000_000 + b"[1,2]]", "larger than 32 MiB"),
        (b"reMarkable .lines file, version=6" + bytes(17 << 20), "larger than 16 MiB"),
    ],
    ids=["inkml", "svg", "xopp tags", "xopp text", "json", "rm"],
)
def test_small_things_in_millions_are_refused_before_they_are_parsed(
    data: bytes, said: str
) -> None:
    kind = kind_of(data)
    assert kind is not None
    with pytest.raises(InputError, match=said):
        kind.read(data, "a")


def test_strokes_of_inkml_are_counted_where_a_tip_switch_parts_its_traces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert strokes.MAX_STROKES == 100_000  # as SECURITY.md says
    monkeypatch.setattr(strokes, "MAX_STROKES", 10)
    form = '<traceFormat><channel name="X"/><channel name="Y"/><channel name="S"/></traceFormat>'
    parted = f"<ink>{form}<trace>{'0 0 1,0 0 0,' * 10}%s</trace></ink>"
    assert len(read_inkml((parted % "").encode(), "a").strokes) == 10
    with pytest.raises(InputError, match="a: 11 strokes on a page, over the limit of 10"):
        read_inkml((parted % "0 0 1").encode(), "a")
