"""Odd but plausible arguments: one line says what is wrong, and nothing is lost."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from handmade import INKML, FakeRecogniser, cross, encoded

Run = Callable[..., int]


@pytest.fixture
def run(invoke: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs the command line in an empty folder; gives its exit code."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hmer_cli.api.LazyRecogniser", lambda *given, **named: FakeRecogniser())
    monkeypatch.setattr("hmer_cli.commands.eval.LazyRecogniser", lambda *a, **k: FakeRecogniser())
    return invoke


@pytest.mark.parametrize(
    "args",
    [
        ("convert", "a.png", "--out", ""),
        ("convert", "a.png", "--debug="),
        ("convert", "a.png", "--cache-dir", ""),
        ("render", "a.inkml", "-o", ""),
        ("generate", "-o", "", "--latex", "x"),
        ("generate", "-o", "g", "--latex", ""),
        ("eval", ""),
        ("merge", "", "s.jsonl"),
        ("merge", "o.tex", ""),
        ("weights", "verify", ""),
    ],
)
def test_an_empty_name_is_not_the_current_folder(
    args: tuple[str, ...], run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.png").write_bytes(encoded(cross()))
    before = os.listdir(".")
    assert run(*args) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "empty; is a variable of the shell not set?" in said
    assert os.listdir(".") == before


def test_an_empty_input_stops_no_other(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.png").write_bytes(encoded(cross()))
    Path("a.inkml").write_text(INKML)
    assert run("convert", "", "a.png", "-o", "o.tex") == 1
    assert run("convert", "", "a.png", "-o", "ink/") == 1
    assert run("render", "", "a.inkml", "-o", "r") == 1
    assert capsys.readouterr().err.count("an input without a name") == 3
    assert Path("o.tex").exists()
    assert Path("r/a.png").exists()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("convert", "a.png", "--no-cache", "--cache-dir", "c"), "--no-cache and --cache-dir"),
        (("convert", "a.png", "--watch", "--copy", "-o", "o.tex"), "--copy"),
        (
            ("eval", "set", "--json", "j", "--predictions", "./j"),
            "cannot hold scores and predictions",
        ),
        (("generate", "-o", "g", "--count", "1000000000000"), "count 1000000000000"),
    ],
)
def test_options_that_contradict_are_wrong_usage(
    args: tuple[str, ...], said: str, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.png").write_bytes(encoded(cross()))
    assert run(*args) == 2
    assert said in capsys.readouterr().err
    assert os.listdir(".") == ["a.png"]


@pytest.mark.parametrize("name", ["set/caption.txt", "set/a.png", "set/../set/caption.txt"])
def test_scores_replace_no_file_of_the_data_set(
    name: str, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("set").mkdir()
    Path("set/a.png").write_bytes(encoded(cross()))
    Path("set/caption.txt").write_text("a.png\tx ^ { 2 }\n")
    before = Path(name).read_bytes()
    for option in ("--json", "--predictions"):
        assert run("eval", "set", option, name) == 2
        assert f"{name}: is a file of the data set" in capsys.readouterr().err
    assert Path(name).read_bytes() == before
    for _ in range(2):  # its own files it replaces
        assert run("eval", "set", "--json", "set/j.json", "--predictions", "set/p.tsv") == 0


def test_formulas_may_come_from_standard_input(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"x\n\ny^2\n")))
    assert run("generate", "-o", "g", "--from", "-") == 0
    assert Path("g/caption.txt").read_text() == "00001\tx\n00002\ty ^ { 2 }\n"
    for name, said in (("nowhere", "No such file"), (".", "Is a directory")):
        assert run("generate", "-o", "h", "--from", name) == 1
        assert f"hmer: {name}: cannot be read ({said}" in capsys.readouterr().err


@pytest.mark.skipif(not os.path.exists("/dev/stdout"), reason="no /dev/stdout on this system")
def test_an_output_may_link_to_a_pipe(run: Run) -> None:
    Path("a.png").write_bytes(encoded(cross()))
    reading, writing = os.pipe()
    os.symlink(f"/proc/self/fd/{writing}", "o.tex")
    assert run("convert", "a.png", "-o", "o.tex") == 0
    os.close(writing)
    with open(reading, "rb") as pipe:
        assert pipe.read().startswith(b"% Handwritten expressions")
    assert Path("o.tex").is_symlink()


def test_merge_names_only_what_it_writes(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("merge", "ink/", "s.jsonl") == 2
    assert "labelled handwriting" not in capsys.readouterr().err
