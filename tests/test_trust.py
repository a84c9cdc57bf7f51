"""No failure of one input, of the log or of the surroundings drops the results of the others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from handmade import INKML, FakeRecogniser, cross, encoded, paged

from hmer_cli import files
from hmer_cli.commands.convert import convert, outcome
from hmer_cli.commands.delivery import deliver_all
from hmer_cli.document import build_records, pipeline, watch
from hmer_cli.document.find_mathematics import find_mathematics
from hmer_cli.document.formats import Output
from hmer_cli.document.math_regions import MathRegions
from hmer_cli.errors import HmerError, MissingError, OutputError, UsageError
from hmer_cli.ink.render import Readable, image_of
from hmer_cli.page.load.pages import Page
from hmer_cli.page.regions import Layout
from hmer_cli.recognition.reading import Reading

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HMER_CACHE", str(tmp_path / "cache"))


def images(count: int = 3) -> list[str]:
    names = [f"{i}.png" for i in range(count)]
    for i, name in enumerate(names):
        Path(name).write_bytes(encoded(cross(width=200 + i)))
    return names


class Choking(FakeRecogniser):
    """Reads everything but images of one width."""

    def __init__(self, width: int, error: Exception) -> None:
        super().__init__()
        self.width, self.error = width, error

    def read(self, images: Sequence[Readable]) -> list[Reading]:
        if any(image_of(image).shape[1] == self.width for image in images):
            raise self.error
        return super().read(images)


def width_of(name: str) -> int:
    """That of the region of an image, as a recogniser is shown it."""
    seen: list[int] = []

    class Noting(FakeRecogniser):
        def read(self, images: Sequence[Readable]) -> list[Reading]:
            seen.extend(image_of(image).shape[1] for image in images)
            return super().read(images)

    convert([name], ["noted.jsonl"], recogniser=Noting())
    return seen[0]


def wide() -> str:
    image = cross(width=400)
    image[60, 20:380] = 0
    Path("wide.png").write_bytes(encoded(image))
    return "wide.png"


@pytest.mark.parametrize("error", [RuntimeError("boom"), KeyError("x"), IndexError("y")])
def test_fault_while_one_page_is_read_is_its_record_alone(error: Exception) -> None:
    names = [*images(), wide()]
    reader = Choking(width_of("wide.png"), error)
    records = convert(names, ["o.jsonl", "o.tex"], recogniser=reader)
    assert [record.status for record in records] == ["ok", "ok", "ok", "failed"]
    assert "bug in hmer" in str(records[-1].error)
    assert "report" in str(records[-1].error)
    assert len(Path("o.jsonl").read_text().splitlines()) == 4
    assert Path("o.tex").read_text().count(r"\hmerexpression{") == 3
    ended = outcome(records)
    assert isinstance(ended, HmerError)
    assert ended.exit_code == 70


def test_fault_before_the_reading_is_its_record_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(page: Page, layout: Layout, text: bool) -> MathRegions:
        if page.source == "1.png":
            raise ZeroDivisionError("in the search")
        return find_mathematics(page, layout, text)

    monkeypatch.setattr(pipeline, "find_mathematics", find)
    records = convert(images(), ["o.jsonl"], recogniser=FakeRecogniser())
    assert [record.status for record in records] == ["ok", "failed", "ok"]
    assert "ZeroDivisionError" in str(records[1].error)


def test_fault_after_the_reading_is_its_record_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def group(expressions: Sequence[object], *given: object) -> Sequence[object]:
        if len(expressions) == 1 and expressions[0].region[2] > 150:  # type: ignore[attr-defined]
            raise RecursionError("too deep")
        return [[expression] for expression in expressions]

    monkeypatch.setattr(build_records, "group_derivations", group)
    records = convert([*images(1), wide()], ["o.jsonl"], recogniser=FakeRecogniser())
    assert [record.status for record in records] == ["ok", "failed"]


def test_memory_that_runs_out_is_no_bug() -> None:
    names = [*images(), wide()]
    for error in (MemoryError(), RuntimeError("std::bad_alloc")):
        reader = Choking(width_of("wide.png"), error)
        records = convert(names, ["o.jsonl"], recogniser=reader)
        assert "not enough memory" in str(records[-1].error)
        ended = outcome(records)
        assert isinstance(ended, HmerError)
        assert ended.exit_code == 1


def test_missing_weights_end_the_run() -> None:
    with pytest.raises(MissingError):
        convert(images(), ["o.jsonl"], recogniser=Choking(width_of("0.png"), MissingError("gone")))


def test_input_that_cannot_even_be_found_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    from hmer_cli.page.load import sources

    def expand(name: str, *more: Any) -> object:
        if name == "bad.zip":
            raise NotImplementedError("zip file version 9.9")
        return true_expand(name, *more)

    true_expand = sources._expand
    monkeypatch.setattr(sources, "_expand", expand)
    records = convert(["bad.zip", *images(1)], ["o.jsonl"], recogniser=FakeRecogniser())
    assert [record.status for record in records] == ["failed", "ok"]


def test_output_that_fails_costs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    true_replace = files.replace

    def full(path: Path, data: bytes) -> bool:
        if path.suffix in (".tex", ".md"):
            raise OutputError(f"{path}: cannot be written (No space left on device)")
        return true_replace(path, data)

    monkeypatch.setattr(files, "replace", full)
    with pytest.raises(OutputError, match="No space"):
        convert(images(1), ["o.tex", "o.md", "o.jsonl"], recogniser=FakeRecogniser())
    assert json.loads(Path("o.jsonl").read_text())["status"] == "ok"


def test_output_that_cannot_be_made_costs_no_other() -> None:
    def broken(_: object) -> str:
        raise ValueError("no format")

    Path("o.jsonl").touch()
    outputs = [Output(Path("x.tex"), broken), Output.parse("o.jsonl")]
    with pytest.raises(HmerError) as caught:
        deliver_all(convert(images(1), ["-"], recogniser=FakeRecogniser()), outputs)
    assert caught.value.exit_code == 70
    assert Path("o.jsonl").read_text()


@needs_full
def test_full_disk_is_told_with_its_own_remedy() -> None:
    with pytest.raises(OutputError, match="free some disk space"):
        files.replace(FULL, b"data")


def command(*arguments: str, **streams: object) -> subprocess.CompletedProcess[bytes]:
    program = [sys.executable, "-m", "hmer_cli.cli", *arguments]
    return subprocess.run(program, timeout=120, **streams)  # type: ignore[call-overload]


@needs_full
def test_log_that_cannot_be_written_costs_no_output() -> None:
    images(1)
    for log in (FULL.open("wb"), subprocess.DEVNULL):
        done = command("convert", "none.png", "0.png", "--no-cache", "--out", "x.tex", stderr=log)
        assert done.returncode == 1
        assert r"\hmerexpression{" in Path("x.tex").read_text()
        Path("x.tex").unlink()


@needs_full
@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["weights", "list"]])
def test_standard_output_that_is_full_is_told(arguments: list[str]) -> None:
    done = command(*arguments, stdout=FULL.open("wb"), stderr=subprocess.PIPE)
    assert done.returncode == 5
    assert b"cannot be written" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_standard_output_that_is_closed_is_told() -> None:
    images(1)
    shell = f"exec {sys.executable} -m hmer_cli.cli convert 0.png --no-cache >&-"
    done = subprocess.run(["sh", "-c", shell], stderr=subprocess.PIPE, timeout=120)
    assert (done.returncode, b"closed" in done.stderr) == (5, True)
    done = subprocess.run(["sh", "-c", shell.replace(">&-", "-o x.tex 2>&-")], timeout=120)
    assert done.returncode == 0
    assert r"\hmerexpression{" in Path("x.tex").read_text()


@pytest.mark.skipif(os.name != "posix", reason="folders in use cannot be removed")
def test_folder_that_is_gone_is_told(
    invoke: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    image = Path(images(1)[0]).absolute()
    Path("gone").mkdir()
    monkeypatch.chdir("gone")
    os.rmdir("../gone")
    assert invoke("convert", str(image), "--out", "y.tex") == 5
    assert "folder is gone" in capsys.readouterr().err
    out = str(image.with_name("y.jsonl"))
    monkeypatch.setattr("hmer_cli.api.LazyRecogniser", lambda *_: FakeRecogniser())
    assert invoke("convert", "b.png", str(image), "--out", out) == 1
    assert "b.png: no such file or folder" in capsys.readouterr().err
    records = [json.loads(line) for line in Path(out).read_text().splitlines()]
    assert [record["status"] for record in records] == ["failed", "ok"]


def test_debug_pictures_go_nowhere_near_the_inputs() -> None:
    Path("in/deep").mkdir(parents=True)
    Path("in/scan.png").write_bytes(encoded(cross()))
    own = encoded(cross(width=300))
    Path("in/scan-p1.png").write_bytes(own)
    for inputs, debug in ((["in"], "in"), (["in"], "in/deep"), (["in/scan.png"], "in")):
        with pytest.raises(UsageError, match="apart from the inputs"):
            convert(inputs, ["o.tex"], recogniser=FakeRecogniser(), debug=Path(debug))
    assert Path("in/scan-p1.png").read_bytes() == own


def test_debug_pictures_replace_only_their_like(capsys: pytest.CaptureFixture[str]) -> None:
    images(2)
    Path("d").mkdir()
    Path("d/0-p1.png").write_bytes(b"the user's own")
    for width in (220, 240):
        Path("1.png").write_bytes(encoded(cross(width=width)))
        records = convert(
            ["0.png", "1.png"], ["o.tex"], recogniser=FakeRecogniser(), debug=Path("d")
        )
        assert [record.status for record in records] == ["ok", "ok"]
        assert "0-p1.png: is there, and not hmer's" in capsys.readouterr().err
    assert Path("d/0-p1.png").read_bytes() == b"the user's own"
    assert b"Software\0hmer" in Path("d/1-p1.png").read_bytes()
    assert "1-p1.png" not in capsys.readouterr().err


def test_long_names_cost_no_output() -> None:
    name = f"{'n' * 248}.png"
    Path(name).write_bytes(encoded(cross()))
    convert([name, *images(1)], ["o.tex"], recogniser=FakeRecogniser(), debug=Path("d"))
    assert Path("o.tex").read_text().count(r"\hmerexpression{") == 2
    assert len(os.listdir("d")) == 2


def test_watch_delivers_what_it_could_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("notes").mkdir()
    Path("notes/a.png").write_bytes(encoded(cross()))
    out = Path("o.tex")

    def block() -> None:
        out.unlink()
        out.mkdir()
        Path("notes/b.png").write_bytes(encoded(cross()))

    steps: list[Callable[[], object]] = [block, *[lambda: None] * 3, out.rmdir, lambda: None]

    def run(steps: Sequence[Callable[[], object]]) -> None:
        todo = iter(steps)

        def pause() -> None:
            step = next(todo, None)
            if step is None:
                raise KeyboardInterrupt
            step()

        monkeypatch.setattr(watch, "pause", pause)
        convert(["notes"], ["o.tex"], watch=True, recogniser=FakeRecogniser())

    run(steps)
    assert out.read_text().count(r"\hmerexpression{") == 2
    said = capsys.readouterr().err
    assert said.count("cannot be written") == 1
    assert "delivered" in said
    Path("notes/b.png").unlink()
    with pytest.raises(OutputError):
        run(steps[:4])


def test_ink_and_page_are_unharmed() -> None:
    Path("a.inkml").write_text(INKML)
    Path("b.pdf").write_bytes(paged([cross(), np.full((120, 160), 255, np.uint8)]))
    records = convert(["a.inkml", "b.pdf"], ["o.jsonl"], recogniser=FakeRecogniser())
    assert outcome(records) is None


def test_terminal_that_knows_no_letters_but_ascii_gets_the_scores() -> None:
    Path("set").mkdir()
    Path("set/\u00e9\U0001d54f.inkml").write_text(INKML)
    Path("set/caption.txt").write_text("\u00e9\U0001d54f\tx + 1\n", encoding="utf-8")
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for narrow in ({"PYTHONIOENCODING": "ascii"}, locale):
        pipe, env = subprocess.PIPE, {**os.environ, **narrow}
        done = command("eval", "set", "--predictions", "-", env=env, stdout=pipe, stderr=pipe)
        assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr
        assert b"x + 1" in done.stdout


def test_blank_page_is_not_looked_at_from_all_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    turned: list[object] = []
    monkeypatch.setattr(pipeline, "upright", lambda *given: turned.append(given))
    Path("blank.png").write_bytes(encoded(np.full((300, 200), 255, np.uint8)))
    (record,) = convert(["blank.png"], ["o.jsonl"], recogniser=FakeRecogniser())
    assert "nothing to read" in str(record.error)
    assert turned == []
