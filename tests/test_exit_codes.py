"""The exit code of a command tells the worst of what happened, and what was read is delivered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from handmade import FakeRecogniser, cross, encoded
from test_convert import failed, record

from hmer_cli.commands.convert import outcome
from hmer_cli.document.records import Record
from hmer_cli.errors import StrictError

Run = Callable[..., int]
BUG = replace(failed("c"), internal=True)


@pytest.mark.parametrize(
    ("records", "strict", "code"),
    [
        ([record()], True, None),
        ([record(), failed("b")], False, 1),
        ([record(), record(status="low")], False, None),
        ([record(), record(status="low")], True, 4),
        ([failed("b"), record(status="low")], True, 4),
        ([record(), failed("b")], True, 1),
        ([BUG, record(status="low")], False, 70),
        ([BUG, failed("b"), record(status="low")], True, 70),
    ],
)
def test_the_exit_code_tells_the_worst_of_it(
    records: list[Record], strict: bool, code: int | None
) -> None:
    error = outcome(records, strict=strict)
    assert (error and error.exit_code) == code
    assert isinstance(error, StrictError) == (code == 4)


@pytest.fixture
def run(invoke: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """The command line beside a folder of a good and a damaged image; gives its exit code."""
    monkeypatch.chdir(tmp_path)
    for module in ("api", "commands.shards", "commands.eval"):
        recogniser = FakeRecogniser(confidence=0.3)
        monkeypatch.setattr(f"hmer_cli.{module}.LazyRecogniser", lambda *_, of=recogniser, **__: of)
    Path("set").mkdir()
    Path("set/a.png").write_bytes(encoded(cross()))
    Path("set/b.png").write_bytes(encoded(cross())[:60])
    Path("set/caption.txt").write_text("a\tx ^ { 2 }\nb\ty\n")
    return invoke


SHARD = ("convert", "set", "--no-cache", "--shard", "1/1", "--out", "s.jsonl")


@pytest.mark.parametrize(("strict", "code"), [((), 1), (("--strict",), 4)])
def test_a_damaged_input_and_a_doubtful_reading_are_told_by_the_exit_code(
    strict: tuple[str, ...], code: int, run: Run
) -> None:
    assert run("convert", "set", "--no-cache", "--out", "o.md", *strict) == code
    assert run(*SHARD, *strict) == code
    assert run("merge", "m.md", "s.jsonl", *strict) == code
    assert Path("m.md").read_text() == Path("o.md").read_text()
    assert "x^2" in Path("m.md").read_text()


def test_a_damaged_input_of_other_commands_is_told_by_the_exit_code(run: Run) -> None:
    assert run("eval", "set", "--predictions", "p.tsv") == 1
    assert Path("p.tsv").read_text().count("\n") == 3
    assert run("generate", "--out", "g", "--latex", "x", "--latex", r"\frac { a") == 1
    assert Path("g/caption.txt").read_text().count("\n") == 1
