"""The command line as a user and a script meet it."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from handmade import EARLIER, INKML, FakeRecogniser, cross, encoded, paged
from typer.main import get_command

import hmer_cli
import hmer_cli.api
import hmer_cli.commands.clipboard
import hmer_cli.commands.convert
import hmer_cli.commands.eval
import hmer_cli.commands.train
from hmer_cli import console
from hmer_cli.cli import app
from hmer_cli.errors import InputError, MissingError
from hmer_cli.models.registry import default_name

HEAVY = ("numpy", "cv2", "PIL", "lxml", "onnxruntime", "jiwer", "pypdfium2", "torch", "rich")
MAIN = "import sys; sys.argv[0] = 'hmer'; from hmer_cli.cli import main; main()"

Run = Callable[..., int]


@pytest.fixture
def run(invoke: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """The command line in an empty folder; gives its exit code."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(hmer_cli.api, "LazyRecogniser", lambda *options: FakeRecogniser())
    return invoke


def commands(command: Any, *words: str) -> dict[tuple[str, ...], Any]:
    """Every command and group of commands by the words that call it."""
    found = {words: command}
    for name, inner in getattr(command, "commands", {}).items():
        found |= commands(inner, *words, name)
    return found


COMMANDS = commands(get_command(app))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_and_option_is_explained(words: tuple[str, ...]) -> None:
    assert COMMANDS[words].help
    assert [p.name for p in COMMANDS[words].params if not getattr(p, "help", None)] == []


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_imports_nothing_heavy(words: tuple[str, ...]) -> None:
    code = f"{MAIN[:-6]}\ntry: main()\nfinally: print(*sys.modules, file=sys.stderr)"
    command = [sys.executable, "-c", code, *words, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"Usage: {' '.join(['hmer', *words])} ")
    assert not {name.split(".")[0] for name in done.stderr.split()} & set(HEAVY)


def test_the_version_is_the_packages(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == 0
    assert capsys.readouterr().out == f"hmer {hmer_cli.__version__}\n"


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("convert",),
        ("convrt", "a.png"),
        ("convert", "a.png", "--colour"),
        ("convert", "a.png", "--jobs", "0"),
        ("convert", "a.png", "--jobs", "many"),
        ("convert", "a.png", "--out", "eqs.doc"),
        ("convert", "a.pdf", "--pages", "last"),
        ("render", "a.inkml"),
        ("weights", "polish"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_so_on_stderr(
    args: tuple[str, ...], run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*args) == 2
    said = capsys.readouterr()
    assert said.out == "" or not args
    assert said.err or not args


@pytest.mark.parametrize(
    ("args", "named"),
    [
        (("--engine", "ray", "--document"), "--document"),
        (("--engine", "ray", "--watch"), "--watch"),
        (("--watch", "--strict"), "--strict"),
        (("--shard", "1/2", "--document"), "--document"),
        (("--shard", "1/2", "--engine", "ray"), "--engine ray"),
        (("--pictures",), "--pictures is of --shard"),
        (("--engine", "ray", "--pictures"), "--pictures is of --shard"),
        (("--ray-address", "auto"), "--ray-address"),
    ],
)
def test_options_that_exclude_each_other_are_named_and_nothing_is_written(
    args: tuple[str, ...], named: str, run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    out = "notes.jsonl" if "--shard" in args else "notes.md"
    assert run("convert", "a.png", "--out", out, *args) == 2
    assert named in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_missing_weights_exit_with_3(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def load(model: str | None, charset: str | None) -> FakeRecogniser:
        raise MissingError(f"no weights {model!r}", "see: hmer weights list")

    monkeypatch.setattr(hmer_cli.api, "LazyRecogniser", load)
    Path("o.tex").write_text(EARLIER)
    assert run("convert", "a.png", "--model", "best", "-o", "o.tex") == 3
    assert capsys.readouterr().err == "hmer: no weights 'best'; see: hmer weights list\n"
    assert Path("o.tex").read_text() == EARLIER


def test_a_missing_dependency_exits_with_3_and_its_remedy(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def load(model: str | None, charset: str | None) -> FakeRecogniser:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(hmer_cli.api, "LazyRecogniser", load)
    assert run("convert", "a.png") == 3
    assert "torch is not installed; try: pip install" in capsys.readouterr().err


@pytest.mark.parametrize("debug", [False, True])
def test_a_bug_is_one_line_and_exits_with_70(
    debug: bool, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def load(model: str | None, charset: str | None) -> FakeRecogniser:
        raise ZeroDivisionError("by\nnothing")

    monkeypatch.setattr(hmer_cli.api, "LazyRecogniser", load)
    monkeypatch.setenv("HMER_DEBUG", "1" if debug else "")
    assert run("convert", "a.png") == 70
    said = capsys.readouterr().err
    assert "this is a bug in hmer" in said
    assert said.endswith("ZeroDivisionError: by nothing\n")
    assert ("Traceback" in said) == debug


def test_strict_delivers_and_exits_with_4(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a.png").write_bytes(encoded(cross()))
    fake = FakeRecogniser("x", 0.2)
    monkeypatch.setattr(hmer_cli.api, "LazyRecogniser", lambda model, charset: fake)
    assert run("convert", "a.png", "--out", "o.md") == 0
    os.unlink("o.md")
    assert run("convert", "a.png", "--out", "o.md", "--strict") == 4
    assert "low" in Path("o.md").read_text()


def test_a_pipe_in_a_pipe_out_and_nothing_said(
    run: Run, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(paged([cross()] * 3)))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert run("convert", "-", "--pages", "2-", "--out", "-.jsonl") == 0
    said = capfd.readouterr()
    fields = [json.loads(line) for line in said.out.splitlines()]
    assert [(each["source"], each["page"]) for each in fields] == [("-", 2), ("-", 3)]
    assert said.err == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion_knows_the_commands(shell: str) -> None:
    words = {"COMP_WORDS": "hmer con", "COMP_CWORD": "1"}
    typer = {"_TYPER_COMPLETE_ARGS": "hmer con", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    environment = os.environ | words | typer | {"_HMER_COMPLETE": f"complete_{shell}"}
    done = subprocess.run(
        [sys.executable, "-c", MAIN], env=environment, capture_output=True, text=True, check=False
    )
    assert "convert" in done.stdout
    assert "render" not in done.stdout


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("convert --engine ", {"local", "ray"}),
        ("convert --layout p", {"page"}),
        ("convert --spelling t", {"typed", "tokens"}),
        ("convert --charset ", {"crohme"}),
        ("generate --engine ", {"ink", "hmeg"}),
        ("eval data --split test20", {f"test20{year}" for year in (13, 14, 16, 19, 23)}),
        ("eval data --model hmer-w", {default_name()}),
        ("weights verify hmer-ha", {"hmer-hand-1"}),
    ],
)
def test_shell_completion_offers_values(typed: str, offered: set[str]) -> None:
    words = ["hmer", *typed.split(" ")]
    given = {"COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    environment = os.environ | given | {"_HMER_COMPLETE": "complete_bash"}
    done = subprocess.run(
        [sys.executable, "-c", MAIN], env=environment, capture_output=True, text=True, check=False
    )
    assert set(done.stdout.split()) == offered


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_drawn_on_a_terminal_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    shown = []
    for stderr in (Terminal(), io.StringIO()):
        monkeypatch.setattr(sys, "stderr", stderr)
        with console.progress("reading", 2) as advance:
            advance(1, 3)
            console.say("a word between")
        shown.append(stderr.getvalue())
    assert "reading" in shown[0]
    assert "1/5" in shown[0]
    assert "hmer: a word between" in shown[0]
    assert shown[1] == "hmer: a word between\n"


def test_what_is_said_is_one_line_without_terminal_codes() -> None:
    assert console.one_line("a\n\x1b[2Jb\u202e\tc") == "a \\x1b[2Jb\\u202e c"


def test_a_broken_pipe_is_no_bug(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a.png").write_bytes(encoded(cross()))
    reading, writing = os.pipe()
    os.close(reading)
    with pytest.raises(OSError, match=os.strerror(errno.EPIPE)):
        os.write(writing, b"x")
    with os.fdopen(writing, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        assert run("convert", "a.png") == 5


def test_render_draws_what_it_can_and_tells_the_rest(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("ink").mkdir()
    Path("ink/cross.inkml").write_text(INKML)
    Path("ink/empty.inkml").write_bytes(b"")
    assert run("render", "ink", "--out", "drawn", "--size", "128") == 1
    assert Path("drawn/cross.png").read_bytes().startswith(b"\x89PNG")
    assert "empty.inkml" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "out", "more"),
    [
        ((), "runs/small", ()),
        (("--out", "here"), "here", ()),
        (("--more", "a", "--more", "b.zip"), "runs/small", [Path("a"), Path("b.zip")]),
    ],
)
def test_train_knows_where_a_run_lies_and_all_that_it_learns_from(
    given: tuple[str, ...],
    out: str,
    more: Sequence[Path],
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    called: list[tuple[object, ...]] = []
    verb = types.SimpleNamespace(train=lambda *given: called.append(given))
    monkeypatch.setitem(sys.modules, "hmer_cli.commands.train", verb)
    monkeypatch.setattr(hmer_cli.commands, "train", verb, raising=False)
    assert run("train", "recipes/small.toml", "--data", "crohme.zip", *given) == 0
    recipe, data = Path("recipes/small.toml"), Path("crohme.zip")
    assert called == [(recipe, data, Path(out), None, (), more)]


def test_the_shipped_weights_are_listed_on_stdout(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("weights", "list") == 0
    said = capsys.readouterr()
    assert "licence" in said.out
    assert said.err == ""


def test_weights_that_nobody_knows_exit_with_3(run: Run) -> None:
    assert run("weights", "verify", "nobody") == 3


def test_a_data_set_that_is_not_there_is_told(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("eval", "nowhere", "--json", "-") == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "hmer: nowhere: " in said.err


def test_an_input_needs_no_command(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.png").write_bytes(encoded(cross()))
    assert run("a.png", "--no-cache") == run("-q", "a.png", "--no-cache") == 0
    assert capsys.readouterr().out == "x^2\n" * 2
    assert run("none.png") == 1
    assert capsys.readouterr().err.count("hmer: ") == 1
    assert run("convrt") == 2


def test_folders_of_outputs_are_made_and_a_quiet_run_says_nothing(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.png").write_bytes(encoded(cross()))
    assert run("convert", "a.png", "-q", "--no-cache", "--out", "new/folder/o.md") == 0
    assert Path("new/folder/o.md").exists()
    assert capsys.readouterr().err == ""
    assert run("convert", "a.png", "-v", "--no-cache", "--out", "o.md") == 0
    assert "a.png, page 1: ok 0.90, x^2" in capsys.readouterr().err


def test_the_clipboard_gives_and_takes(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []
    monkeypatch.setattr(hmer_cli.commands.clipboard, "paste", lambda: encoded(cross()))
    monkeypatch.setattr(hmer_cli.commands.clipboard, "copy", taken.append)
    assert run("--paste", "--copy", "--no-cache") == 0
    assert taken == ["x^2"]
    blank = 255 | cross()
    monkeypatch.setattr(hmer_cli.commands.clipboard, "paste", lambda: encoded(blank))
    assert run("--paste", "--copy", "--no-cache") == 1
    assert taken == ["x^2"]  # what may be tried again stays there


def test_a_clipboard_without_a_picture_stops_no_other_input(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nothing() -> bytes:
        raise InputError("--paste: the clipboard holds no picture", "copy one, then try again")

    monkeypatch.setattr(hmer_cli.commands.clipboard, "paste", nothing)
    Path("a.png").write_bytes(encoded(cross()))
    assert run("a.png", "--paste", "--no-cache", "--out", "o.jsonl") == 1
    records = [json.loads(line) for line in Path("o.jsonl").read_text().splitlines()]
    assert [(each["source"], each["latex"]) for each in records] == [
        ("clipboard", ""), ("a.png", "x^2")]  # fmt: skip
    capsys.readouterr()
    assert run("--paste", "--no-cache") == 1
    said = capsys.readouterr().err
    assert said == "hmer: --paste: the clipboard holds no picture; copy one, then try again\n"


def test_a_machine_without_clipboard_is_told(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyperclip", None)
    Path("a.png").write_bytes(encoded(cross()))
    assert run("a.png", "--copy", "--no-cache") == 3
    assert "hmer-cli[clipboard]" in capsys.readouterr().err
    monkeypatch.setenv("PATH", "")
    assert run("--paste") in (1, 3)
    assert "--paste" in capsys.readouterr().err


def test_a_list_that_is_piped_is_not_cut(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    from hmer_cli.models.registry import all_weights

    assert run("weights", "list") == 0
    said = capsys.readouterr().out
    assert all(each.entry.note in said for each in all_weights() if each.path)
