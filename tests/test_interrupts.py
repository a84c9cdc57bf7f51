"""Ctrl-C ends a run whatever its threads are at, with code 130, one line and no traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from handmade import EARLIER, cross, encoded

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

SLOW = """
import os, sys, time
from hmer_cli import cli
from hmer_cli.document import pipeline

def slow(*given):
    os.write(1, b"searching\\n")
    time.sleep(300)

pipeline.find_mathematics = slow
sys.argv = ["hmer", "convert", "a.png", "b.png", "--no-cache", "--out", "o.tex", *sys.argv[1:]]
cli.main()
"""


def started(folder: Path, *options: str) -> subprocess.Popen[bytes]:
    """A run whose pages take five minutes each, at its first page."""
    for name in ("a.png", "b.png"):
        (folder / name).write_bytes(encoded(cross()))
    (folder / "o.tex").write_text(EARLIER)
    return running(SLOW, folder, options, b"searching\n")


def running(
    code: str, folder: Path, options: Iterable[str], word: bytes
) -> subprocess.Popen[bytes]:
    """A run of this code that has said this word."""
    run = subprocess.Popen(
        [sys.executable, "-c", code, *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        # background jobs of a shell, and so their children, ignore the signal
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    assert run.stdout is not None
    assert run.stdout.readline() == word
    return run


@pytest.mark.parametrize("times", [1, 3])
def test_ctrl_c_waits_for_no_page(times: int, tmp_path: Path) -> None:
    run = started(tmp_path)
    for _ in range(times):
        run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=60)
    assert run.returncode == 130
    assert said.decode().splitlines() == ["hmer: interrupted"]
    assert (tmp_path / "o.tex").read_text() == EARLIER
    assert sorted(os.listdir(tmp_path)) == ["a.png", "b.png", "o.tex"]


def end_of(folder: Path, *arguments: str) -> tuple[int, bytes]:
    """The exit code of Python in a folder whose modules come first, and what it says."""
    run = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])},
        # background jobs of a shell, and so their children, ignore the signal
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    return run.returncode, run.stderr


WRAPPED = """
import os, signal, sys
from hmer_cli import cli
from hmer_cli.recognition import expression_recogniser

def session(path):
    try:
        os.kill(os.getpid(), signal.SIGINT)
        raise RuntimeError("not interrupted")
    except KeyboardInterrupt:
        raise ImportError("numpy failed to import") from None  # as C code does that imports it

expression_recogniser.open_session = session
sys.argv = ["hmer", "convert", "a.png", "--no-cache", "--out", "o.tex"]
cli.main()
"""


def test_ctrl_c_that_a_library_swallows_is_one_still(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(cross()))
    assert end_of(tmp_path, "-c", WRAPPED) == (130, b"hmer: interrupted\n")


KILL = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"


@pytest.mark.parametrize(
    "module",
    [KILL, f"try: exec({KILL!r})\nexcept BaseException: 1 / 0\n"],
    ids=["raised", "replaced"],
)
def test_ctrl_c_during_the_imports_leaves_no_traceback(module: str, tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text(module)
    end = end_of(tmp_path, "-m", "hmer_cli", "--version")
    assert end == (130, b"hmer: interrupted\n")


SWALLOWED = """
import os, signal, sys
from hmer_cli import cli
from hmer_cli.commands import compare

def run(*given):
    try:
        os.kill(os.getpid(), signal.SIGINT)
        os.getpid()
    except KeyboardInterrupt:
        raise RuntimeError("Error calling __set_name__") from None  # as Python 3.11 makes of it

compare.run = run
sys.argv = ["hmer", "compare", "a", "b"]
cli.main()
"""


def test_ctrl_c_that_becomes_another_error_is_no_bug(tmp_path: Path) -> None:
    assert end_of(tmp_path, "-c", SWALLOWED) == (130, b"hmer: interrupted\n")


ON_RAY = """
import os, signal, sys, time
from types import SimpleNamespace
from hmer_cli import cli, ray_cluster
from hmer_cli.commands import compare

def init(**settings):
    os.write(1, settings["_temp_dir"].encode())
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)
    finally:
        time.sleep(60)

def run(*given):
    with ray_cluster.connected():
        pass

ray_cluster.load_ray = lambda: SimpleNamespace(
    init=init, shutdown=lambda: None, is_initialized=lambda: False
)
compare.run = run
sys.argv = ["hmer", "compare", "a", "b"]
cli.main()
"""


def test_ctrl_c_while_ray_starts_is_said_and_leaves_no_folder(tmp_path: Path) -> None:
    run = running(f"print(flush=True)\n{ON_RAY}", tmp_path, (), b"\n")
    folder, said = run.communicate(timeout=60)
    assert (run.returncode, said) == (130, b"hmer: interrupted\n")
    assert folder and not Path(folder.decode()).exists()


WAITING = """
import os, sys, threading, time
from hmer_cli import cli
from hmer_cli.commands import compare, train

def slow(*given):
    threading.Thread(target=time.sleep, args=(300,)).start()  # which the interpreter waits for
    os.write(1, b"at work\\n")
    time.sleep(300)

compare.run = train.train = slow
sys.argv = ["hmer", *sys.argv[1:]]
cli.main()
"""


@pytest.mark.parametrize("args", [["compare", "a", "b"], ["train", "r.toml", "--data", "d"]])
def test_ctrl_c_ends_any_command(args: list[str], tmp_path: Path) -> None:
    run = running(WAITING, tmp_path, args, b"at work\n")
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=60)
    assert (run.returncode, said) == (130, b"hmer: interrupted\n")


GENERATE = """
import os, sys
from hmer_cli import cli

os.setpgid(0, 0)  # as a shell gives each job a group, which Ctrl-C is for
os.write(1, b"at work\\n")
sys.argv = ["hmer", "generate", "--out", "o", "--count", "100000", "--jobs", "2"]
cli.main()
"""


def wait_until(happened: Callable[[], bool]) -> None:
    for _ in range(600):
        if happened():
            return
        time.sleep(0.1)
    pytest.fail("it did not happen")


@pytest.mark.parametrize(
    ("number", "to_all", "written"),
    [(signal.SIGINT, True, 0), (signal.SIGINT, False, 5), (signal.SIGKILL, False, 5)],
)
def test_processes_of_a_run_that_ends_end_with_it_and_say_nothing(
    number: int, to_all: bool, written: int, tmp_path: Path
) -> None:
    run = running(GENERATE, tmp_path, (), b"at work\n")
    made = tmp_path / "o"
    wait_until(lambda: (made / "gallery.html").exists() and len([*made.glob("*.png")]) >= written)
    time.sleep(0.3)  # the processes are starting, or writing
    (os.killpg if to_all else os.kill)(run.pid, number)
    try:
        _, said = run.communicate(timeout=60)  # until every process has closed its outputs
    finally:
        with suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
    killed = number == signal.SIGKILL
    assert (run.returncode, said) == ((-9, b"") if killed else (130, b"hmer: interrupted\n"))
    assert not [name for name in os.listdir(made) if name.startswith(".hmer-")]
