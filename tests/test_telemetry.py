"""Nothing leaves the machine: no socket is opened, and no file appears but hmer's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
EXAMPLES = REPOSITORY / "examples"

COMMANDS = {
    "convert": ["energy.inkml", "notes.pdf", "--out", "eqs.tex"],
    "eval": ["labelled"],
    "generate": ["--latex", "x + 1", "--engine", "hmeg", "--out", "hands"],
}

LINGER = """
import sys, time
from hmer_cli.cli import main
try:
    main()
finally:
    time.sleep(35)
"""
"""A command in a process that then stays: the first look-up of the telemetry's server came ten
seconds after the start, later ones every twenty."""


def start(folder: Path, *args: str) -> subprocess.Popen[bytes]:
    """A command under strace, with a home and a temporary folder of its own in the folder."""
    (folder / "home" / "tmp").mkdir(parents=True)
    for name in ("energy.inkml", "notes.pdf", "basel.png"):
        (folder / name).write_bytes((EXAMPLES / name).read_bytes())
    (folder / "labelled").mkdir()
    (folder / "basel.png").rename(folder / "labelled" / "basel.png")
    (folder / "labelled" / "caption.txt").write_text("basel\tx + 1\n")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ORT", "XDG", "HMER"))}
    home = folder / "home"
    env = {"HOME": str(home), "TMPDIR": str(home / "tmp"), "PYTHONPATH": str(REPOSITORY)}
    strace = ["strace", "-f", "-q", "-e", "trace=network", "-o", "network.log"]
    command = [*strace, sys.executable, "-B", "-c", LINGER, *args]
    return subprocess.Popen(command, cwd=folder, env={**kept, **env})


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_no_command_opens_a_socket_or_leaves_a_foreign_file(tmp_path: Path) -> None:
    runs = {verb: start(tmp_path / verb, verb, *args) for verb, args in COMMANDS.items()}
    assert {verb: run.wait() for verb, run in runs.items()} == dict.fromkeys(COMMANDS, 0)
    for verb in COMMANDS:
        assert "socket(" not in (tmp_path / verb / "network.log").read_text()
        home = tmp_path / verb / "home"
        left = {path.relative_to(home).parts for path in home.rglob("*") if path.is_file()}
        assert {parts for parts in left if parts[:2] != (".cache", "hmer")} == set()


def in_python(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if key != "ORT_DISABLE_TELEMETRY"}
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**kept, "PYTHONPATH": str(REPOSITORY), **env},
    )


LATE = """
import onnxruntime
from hmer_cli.recognition.recogniser import Recogniser
Recogniser.load()
"""


def test_nothing_is_read_where_telemetry_was_on_before(tmp_path: Path) -> None:
    late = in_python(LATE, HOME=str(tmp_path), TMPDIR=str(tmp_path))
    assert late.returncode == 1
    assert "MissingError: onnxruntime was imported before hmer" in late.stderr
    assert not in_python(LATE, ORT_DISABLE_TELEMETRY="1").returncode
