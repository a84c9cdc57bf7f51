"""Nothing leaves the machine: no socket is opened, and no file appears but hmer's own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
EXAMPLES = REPOSITORY / "examples"

SECONDS = 60
"""The first look-up of the telemetry's server came ten seconds after the start, later ones every
twenty; all commands run beside each other, so the test takes little longer than this."""

COMMANDS = {
    "convert": ["energy.inkml", "basel.png", "notes.pdf", "--out", "eqs.tex", "--out", "eqs.html"],
    "watch": ["convert", ".", "--watch", "--out", "eqs.md"],
    "eval": ["labelled", "--predictions", "eval.tsv"],
    "compare": ["a.tsv", "b.tsv"],
    "render": ["energy.inkml", "--out", "images"],
    "generate": ["--latex", "x + 1", "--engine", "hmeg", "--out", "hands"],
    "weights": ["verify"],
}

STAYING = f"""
import os, signal, sys, threading, time
started = time.monotonic()
signal.signal(signal.SIGINT, signal.default_int_handler)
from hmer_cli.cli import main
if sys.argv[1] == "watch":
    del sys.argv[1]
    threading.Timer({SECONDS}, os.kill, [os.getpid(), signal.SIGINT]).start()
try:
    main()
finally:
    time.sleep(max(0, started + {SECONDS} - time.monotonic()))
"""
"""A command in a process that then stays."""

API = f"""
import time
from hmer_cli import Converter
assert all(Converter(cache=False).read(name) for name in ("energy.inkml", "notes.pdf"))
time.sleep({SECONDS})
"""

SHARDS = f"""
import sys, time
from hmer_cli.cli import main
for words in ("convert energy.inkml --shard 1/1 --out part.jsonl", "merge eqs.tex part.jsonl"):
    sys.argv[1:] = words.split()
    try:
        main()
    except SystemExit as end:
        assert not end.code
time.sleep({SECONDS})
"""

RECIPE = """
split = ""
valid = ""
calibration = ""
[model]
stem = 8
low = 16
mid = 16
high = 32
context = 1
lstm = 16
decoder = 1
[schedule]
images = 20
interval = 10
pixels = 40000
pool = 20
"""


def start(folder: Path, code: str, *args: str) -> subprocess.Popen[bytes]:
    """Python under strace, with a home and a temporary folder of its own in the folder."""
    (folder / "home" / "tmp").mkdir(parents=True)
    (folder / "labelled").mkdir()
    for name in ("energy.inkml", "notes.pdf", "basel.png", "labelled/energy.inkml"):
        (folder / name).write_bytes((EXAMPLES / Path(name).name).read_bytes())
    (folder / "labelled" / "caption.txt").write_text("energy\tE = m c ^ { 2 }\n")
    for name in ("a.tsv", "b.tsv"):
        (folder / name).write_text("name\ttruth\tprediction\nx\tx + 1\tx + 1\n")
    (folder / "tiny.toml").write_text(RECIPE)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ORT", "XDG", "HMER", "MPL"))}
    home = folder / "home"
    env = {"HOME": str(home), "TMPDIR": str(home / "tmp"), "PYTHONPATH": str(REPOSITORY)}
    env["OMP_NUM_THREADS"] = "1"  # ten of them run beside each other
    strace = ["strace", "-f", "-q", "--seccomp-bpf", "-e", "trace=network", "-o", "network.log"]
    command = [*strace, sys.executable, "-B", "-c", code, *args]
    with (folder / "said").open("wb") as said:
        return subprocess.Popen(command, cwd=folder, env={**kept, **env}, stdout=said, stderr=said)


NAME_SERVICE = re.compile(r'socket\(AF_UNIX|sun_path="/var/run/nscd/socket"')


def sockets(log: Path) -> list[str]:
    """What was called for a socket, but for that of the C library to a name service on the same
    machine, when it looks up the name of the user."""
    called = [
        line for line in log.read_text().splitlines() if re.search("(socket|connect)\\(", line)
    ]
    return [line for line in called if not NAME_SERVICE.search(line)]


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_no_command_opens_a_socket_or_leaves_a_foreign_file(tmp_path: Path) -> None:
    runs = {"api": start(tmp_path / "api", API), "merge": start(tmp_path / "merge", SHARDS)}
    for verb, args in COMMANDS.items():
        runs[verb] = start(tmp_path / verb, STAYING, verb, *args)
    if all(map(find_spec, ("torch", "onnx", "msgspec"))):
        args = "tiny.toml", "--data", "labelled", "--out", "run"
        runs["train"] = start(tmp_path / "train", STAYING, "train", *args)
    ended = {verb: run.wait() for verb, run in runs.items()}
    said = {verb: (tmp_path / verb / "said").read_text() for verb in runs}
    assert ended == dict.fromkeys(runs, 0), said
    if "train" in runs:
        assert (tmp_path / "train" / "run" / "tiny.onnx").exists()
    for verb in runs:
        assert sockets(tmp_path / verb / "network.log") == [], verb
        home = tmp_path / verb / "home"
        left = {path.relative_to(home).parts for path in home.rglob("*") if path.is_file()}
        assert {parts for parts in left if parts[:2] != (".cache", "hmer")} == set(), verb


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


def test_hmer_that_is_imported_first_turns_telemetry_off_for_all() -> None:
    first = in_python(f"import hmer_cli\n{LATE}")
    assert not first.returncode, first.stderr
