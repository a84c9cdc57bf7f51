"""convert --watch: what arrives is read once it is complete, what changes is read again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from handmade import FakeRecogniser, cross, encoded, open_pages

from hmer_cli.commands.convert import convert
from hmer_cli.document import watch
from hmer_cli.ink.render import Readable, image_of
from hmer_cli.page.regions import find_regions
from hmer_cli.recognition.reading import Reading

Step = Callable[[], object]


class Counting(FakeRecogniser):
    """Reads the width of each image."""

    def read(self, images: Sequence[Readable]) -> list[Reading]:
        self.batches.append(len(images))
        return [Reading(" ".join(str(image_of(image).shape[1])), 0.9) for image in images]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notes").mkdir()


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakeRecogniser]:
    """Watches the notes; between two looks it takes one step, and at the end it is interrupted."""

    def run(
        *steps: Step,
        inputs: Sequence[str] = ("notes",),
        corrections: Sequence[Path] = (),
        debug: Path | None = None,
    ) -> FakeRecogniser:
        todo = iter(steps)

        def pause() -> None:
            step = next(todo, None)
            if step is None:
                raise KeyboardInterrupt
            step()

        monkeypatch.setattr(watch, "pause", pause)
        reader = Counting()
        convert(
            inputs, ["o.jsonl", "o.tex"], watch=True, corrections=corrections, debug=debug,
            recogniser=reader,
        )  # fmt: skip
        return reader

    return run


def page(name: str, width: int = 200) -> None:
    stretched = cross(width=width)
    stretched[60, 20 : width - 20] = 0
    Path("notes", name).write_bytes(encoded(stretched))


def sources() -> list[str]:
    lines = Path("o.jsonl").read_text().splitlines()
    return [record["source"] for record in map(json.loads, lines) if record["status"] != "failed"]


def nothing() -> None:
    """A look at which nothing has changed."""


def test_what_arrives_is_read_and_takes_its_place(watched, capsys) -> None:  # type: ignore[no-untyped-def]
    page("b.png")
    seen: list[list[str]] = []
    reader = watched(
        lambda: page("a.png", 250),
        lambda: seen.append(sources()),  # it could still be growing
        lambda: seen.append(sources()),
        nothing,
    )
    assert seen == [["notes/b.png"], ["notes/a.png", "notes/b.png"]]
    assert reader.batches == [1, 1]
    told = capsys.readouterr().err.splitlines()
    assert told == [
        "hmer: watching for changes; Ctrl-C ends it",
        "hmer: notes/a.png: new, 1 expression",
    ]


def test_what_changes_is_read_again_and_what_goes_is_dropped(watched, capsys) -> None:  # type: ignore[no-untyped-def]
    page("a.png")
    page("b.png")
    before = ["notes/a.png", "notes/b.png"]
    labels: list[object] = []

    def look() -> None:
        lines = Path("o.jsonl").read_text().splitlines()
        labels.append([json.loads(line)["latex"] for line in lines])

    reader = watched(
        look, lambda: page("b.png", 300), nothing, look, Path("notes/a.png").unlink, look
    )
    assert [len(each) for each in labels] == [2, 2, 1]  # type: ignore[arg-type]
    assert labels[0][1] != labels[1][1] == labels[2][0]  # type: ignore[index]
    assert sources() == before[1:]
    assert reader.batches == [2, 1]
    told = capsys.readouterr().err.splitlines()[1:]
    assert told == ["hmer: notes/b.png: changed, 1 expression", "hmer: notes/a.png: gone"]


def test_a_file_is_not_read_while_it_grows(watched) -> None:  # type: ignore[no-untyped-def]
    page("a.png")
    whole = encoded(cross())
    grown = Path("notes/b.png")
    pieces = [lambda size=size: grown.write_bytes(whole[:size]) for size in (20, 100, 200, None)]
    reader = watched(*pieces, nothing, nothing)
    assert reader.batches == [1, 1]
    assert sources() == ["notes/a.png", "notes/b.png"]


def test_a_broken_file_is_told_once_and_read_when_it_is_mended(watched, capsys) -> None:  # type: ignore[no-untyped-def]
    page("a.png")
    broken = Path("notes/b.png")
    watched(lambda: broken.write_bytes(b"broken"), *[nothing] * 4, lambda: page("b.png"), nothing)
    assert sources() == ["notes/a.png", "notes/b.png"]
    assert capsys.readouterr().err.count("not a kind of file") == 1


def test_a_folder_that_is_empty_at_first_is_waited_for(watched, capsys) -> None:  # type: ignore[no-untyped-def]
    gone = Path("notes/a.png").unlink
    watched(
        nothing,
        lambda: page("a.png"),
        *[nothing] * 2,
        gone,
        *[nothing] * 2,
        lambda: page("a.png"),
        nothing,
    )
    told = capsys.readouterr().err.splitlines()
    assert [line.rpartition(": ")[2] for line in told if line.startswith("hmer: notes/")] == [
        "new, 1 expression",
        "gone",
        "new, 1 expression",
    ]
    assert not any(line.startswith("hmer: notes: gone") for line in told)
    assert not any(line.startswith("hmer: notes: new") for line in told)
    assert sources() == ["notes/a.png"]


def test_an_archive_that_is_made_again_is_read_again(watched) -> None:  # type: ignore[no-untyped-def]
    def pack(*names: str) -> None:
        with zipfile.ZipFile("pages.part", "w") as archive:
            for name in names:
                archive.writestr(name, encoded(cross()))
        os.replace("pages.part", "pages.zip")

    pack("x.png")
    watched(lambda: pack("y.png", "z.png"), nothing, inputs=["pages.zip"])
    assert sources() == ["pages.zip/y.png", "pages.zip/z.png"]


def test_an_output_that_cannot_be_written_for_a_while_ends_nothing(watched, capsys) -> None:  # type: ignore[no-untyped-def]
    page("a.png")

    def block() -> None:
        page("b.png")
        os.unlink("o.jsonl")
        os.mkdir("o.jsonl")

    def free() -> None:
        os.rmdir("o.jsonl")
        page("c.png")

    watched(block, nothing, free, nothing)
    assert sources() == ["notes/a.png", "notes/b.png", "notes/c.png"]
    assert "o.jsonl: cannot be written" in capsys.readouterr().err


def test_outputs_that_cannot_be_written_are_told_once(watched, capsys) -> None:  # type: ignore[no-untyped-def]
    page("a.png")

    def block() -> None:
        for name in ("o.jsonl", "o.tex"):
            os.unlink(name)
            os.mkdir(name)
        page("b.png")

    watched(block, nothing, nothing, nothing, lambda: [os.rmdir("o.jsonl"), os.rmdir("o.tex")])
    said = capsys.readouterr().err
    assert [said.count(f"{name}: cannot") for name in ("o.jsonl", "o.tex")] == [1, 1]


def test_pictures_of_files_of_one_name_do_not_replace_each_other(watched) -> None:  # type: ignore[no-untyped-def]
    for name in "ab":
        Path("notes", name).mkdir()
    page("a/1.png")
    watched(lambda: page("b/1.png", width=300), nothing, nothing, debug=Path("seen"))
    assert len(list(Path("seen").iterdir())) == 2


def test_corrections_are_applied_when_they_are_saved(watched, capsys) -> None:  # type: ignore[no-untyped-def]
    page("a.png")
    page("b.png", 300)
    (region,) = find_regions(next(open_pages("notes/a.png")))
    saved = Path("corrections.json")

    def save(*entries: dict[str, str]) -> None:
        saved.write_text(json.dumps({"hmer": "corrections", "version": 1, "corrections": entries}))

    save()
    reader = watched(
        lambda: saved.write_text('{"hmer":'),
        *[nothing] * 3,
        lambda: page("c.png", 250),
        *[nothing] * 2,
        lambda: save({"key": region.key, "latex": "y"}),
        nothing,
        corrections=[saved],
    )
    lines = Path("o.jsonl").read_text().splitlines()
    assert [json.loads(line)["latex"] == "y" for line in lines] == [True, False, False]
    assert reader.batches == [2, 1]
    told = capsys.readouterr().err.splitlines()[1:]
    assert [line.split(":")[1].strip() for line in told] == [
        "--corrections corrections.json",
        "notes/c.png",
        "notes/a.png",
    ]


def test_corrections_that_hit_nothing_are_told(watched, capsys) -> None:  # type: ignore[no-untyped-def]
    page("a.png")
    entry = {"latex": "x", "key": "0" * 64, "source": "b.png", "page": 1}
    content = {"hmer": "corrections", "version": 1, "corrections": [entry]}
    Path("c.json").write_text(json.dumps(content))
    watched(lambda: page("b.png"), nothing, nothing, corrections=[Path("c.json")])
    assert capsys.readouterr().err.count("correction 1 (b.png, page 1) hits nothing") == 1


def test_they_are_told_again_when_an_input_is_gone_by_then(watched, capsys) -> None:  # type: ignore[no-untyped-def]
    page("a.png")
    page("b.png")
    saved = Path("c.json")

    def save(latex: str) -> None:
        entry = {"latex": latex, "key": "0" * 64, "source": "b.png", "page": 1}
        content = {"hmer": "corrections", "version": 1, "corrections": [entry]}
        saved.write_text(json.dumps(content))

    save("x")
    watched(
        Path("notes/b.png").unlink, nothing, lambda: save("x y"), nothing, nothing,
        corrections=[saved],
    )  # fmt: skip
    assert capsys.readouterr().err.count("correction 1 (b.png, page 1) hits nothing") == 2


@pytest.mark.parametrize(
    "args", [("notes",), ("notes", "--out", "-.jsonl"), ("-", "--out", "o.tex")]
)
def test_what_cannot_be_watched_is_wrong_usage(
    invoke: Callable[..., int],
    args: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert invoke("convert", "--watch", *args) == 2
    assert "watch" in capsys.readouterr().err


DRIVER = f"""
import signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
signal.signal(signal.SIGINT, signal.default_int_handler)
import hmer_cli.api
from handmade import FakeRecogniser

hmer_cli.api.LazyRecogniser = lambda model, charset: FakeRecogniser()
from hmer_cli.cli import main
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to a process")
def test_ctrl_c_ends_it_well() -> None:
    page("a.png")
    Path("notes/broken.png").write_bytes(b"broken")
    command = [sys.executable, "-c", DRIVER, "convert", "--watch", "notes", "--out", "o.jsonl"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    while "watching" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")
    assert sources() == ["notes/a.png"]
