"""Every option of a command reaches the function that does its work."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from hmer_cli.cli import app

READING = ["--pages", "2-", "--layout", "page", "--model", "w.onnx", "--charset", "crohme"]
READING += ["--pdf-renderer", "poppler", "--jobs", "3", "--cache-dir", "kept"]
READ = {
    "inputs": ["a.png"], "pages": "2-", "layout": "page", "model": "w.onnx", "charset": "crohme",
    "pdf_renderer": "poppler", "cache": Path("kept"),
}  # fmt: skip
SPELT = ["--corrections", "c.json", "--corrections", "d.json", "--spelling", "tokens"]
SPELLING = {"corrections": [Path("c.json"), Path("d.json")], "spelling": "tokens"}
SHOWN = ["--document", "--watch", "--debug", "seen", "--paste", "--copy"]

CALLS: dict[str, tuple[str, list[str], dict[str, Any]]] = {
    "convert": (
        "convert.convert",
        ["a.png", "--out", "o.md", "--out", "p.tex", *READING, *SPELT, *SHOWN],
        READ | SPELLING | {
            "outs": ["o.md", "p.tex"], "jobs": 3, "document": True, "watch": True,
            "debug": Path("seen"), "paste": True, "copy": True,
        },
    ),
    "convert, in shards": (
        "shards.convert_shard",
        ["a.png", "--out", "s.jsonl", "--shard", "1/2", "--pictures", *READING],
        READ | {"outs": ["s.jsonl"], "shard": "1/2", "pictures": True, "jobs": 3},
    ),
    "convert, on Ray": (
        "convert_on_ray.convert_on_ray",
        ["a.png", "--out", "o.md", "--engine", "ray", "--ray-address", "auto", *READING, *SPELT],
        READ | SPELLING | {"outs": ["o.md"], "address": "auto", "readers": 3},
    ),
    "merge": (
        "shards.merge",
        ["o.tex", "s.jsonl", "t.jsonl", *SPELT],
        {"outs": ["o.tex"], "shards": [Path("s.jsonl"), Path("t.jsonl")], **SPELLING},
    ),
    "eval": (
        "eval.run",
        ["set", "--split", "test2014", "--limit", "7", "--sample", "5", "--seed", "3", "--pages",
         "there", "--json", "s.json", "--predictions", "p.tsv", "--worst", "w", "--lg", "graphs",
         "--model", "w.onnx", "--charset", "crohme", "--ctc"],
        {"dataset": "set", "split": "test2014", "limit": 7, "sample": 5, "seed": 3,
         "pages": "there", "json_file": "s.json", "predictions": "p.tsv", "worst": "w",
         "lg": "graphs", "model": "w.onnx", "charset": "crohme", "ctc": True},
    ),
    "generate": (
        "generate.generate",
        ["--out", "g", "--latex", "x", "--latex", "y", "--from", "f.txt", "--count", "9", "--seed",
         "3", "--style", "ann", "--engine", "hmeg", "--page", "--jobs", "3", "--force"],
        {"out_dir": "g", "latex": ["x", "y"], "source": "f.txt", "count": 9, "seed": 3,
         "style": "ann", "engine": "hmeg", "page": True, "jobs": 3, "force": True},
    ),
    "render": (
        "render.render_inputs",
        ["a.inkml", "--out", "r", "--size", "99", "--padding", "5", "--pen", "3.5", "--force"],
        {"inputs": ["a.inkml"], "out_dir": "r", "size": 99, "padding": 5, "pen": 3.5,
         "force": True},
    ),
}  # fmt: skip

AT_ONCE = {"--no-cache", "--quiet", "--verbose", "--strict"}
"""Options that the command line itself obeys."""


@pytest.mark.parametrize("call", CALLS)
def test_every_option_that_is_given_arrives(
    invoke: Callable[..., int], call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, words, expected = CALLS[call]
    module, _, function = f"hmer_cli.commands.{name}".rpartition(".")
    work = import_module(module)
    takes = inspect.signature(getattr(work, function))
    given: list[dict[str, Any]] = []

    def record(*args: object, **named: object) -> None:
        given.append(takes.bind(*args, **named).arguments)

    monkeypatch.setattr(work, function, record)
    for each in {work, import_module("hmer_cli.commands.convert")}:
        monkeypatch.setattr(each, "outcome", lambda *_, **__: None, raising=False)
    assert invoke(call.partition(",")[0], *words) == 0
    assert given == [expected]


@pytest.mark.parametrize("command", sorted({call.partition(",")[0] for call in CALLS}))
def test_no_option_is_left_out_of_these_calls(command: str) -> None:
    words = {word for call in CALLS if call.partition(",")[0] == command for word in CALLS[call][1]}
    options = get_command(app).commands[command].params  # type: ignore[attr-defined]
    known = {each.opts[0] for each in options if each.param_type_name == "option"}
    assert known - AT_ONCE <= words
