"""What hostile files do to a run: python benchmarks/attack.py FILE_OR_FOLDER... [--interrupt 3].

Every file goes through ``hmer convert`` (corrections with ``--corrections``, the truth of a page
through ``hmer eval``) beside one good file, which must be delivered all the same. A row says the
file, the exit code, wall and CPU seconds and the peak memory of all processes of the run, whether
the good file was delivered, and the last line about the hostile one. Marked with ``!`` is what
passes --seconds of CPU or --memory, had to be killed, has no good neighbour (but where nothing is
read, with 2), ends with 70 or a traceback. With
``--interrupt S`` each run is sent SIGINT after S seconds; the wall time is then that until its end.
"""

from __future__ import annotations

import argparse
import gzip
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GOOD = ROOT / "examples" / "energy.inkml"
NO_INPUTS = (".py", ".sh", ".md", ".txt")
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@dataclass(frozen=True)
class Run:
    """One run of hmer: its exit code (None: it had to be killed), costs, words and delivery."""

    code: int | None
    wall: float
    cpu: float
    peak: int
    said: str
    delivered: bool


def main() -> None:
    """Print a row a file and, last, how many are marked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--seconds", type=float, default=20, help="of CPU time, before a mark")
    parser.add_argument("--memory", type=int, default=1500, help="MB, before a mark")
    parser.add_argument("--give-up", type=float, default=120, help="seconds until a run is killed")
    parser.add_argument("--interrupt", type=float, help="seconds until SIGINT is sent")
    options = parser.parse_args()
    marked = 0
    for file in every_file(options.files):
        with tempfile.TemporaryDirectory() as folder:
            run = measured(file, Path(folder), options.give_up, options.interrupt)
        if options.interrupt is None:
            bad = (
                run.code in (None, 70)
                or not (run.delivered or run.code == 2)
                or "Traceback" in run.said
            )
            bad |= run.cpu > options.seconds or run.peak > options.memory << 20
        else:
            bad = run.code is None or run.wall > 2 or "Traceback" in run.said
        marked += bad
        print(row(file, run, bad), flush=True)
    print(f"{marked} marked")


def every_file(paths: list[Path]) -> Iterator[Path]:
    """The files named and those in folders named; scripts and notes are no attack."""
    for path in paths:
        inside = sorted(path.iterdir()) if path.is_dir() else [path]
        yield from (file for file in inside if file.is_file() and file.suffix not in NO_INPUTS)


def row(file: Path, run: Run, bad: bool) -> str:
    """One line of the table, in Markdown."""
    code = "killed" if run.code is None else str(run.code)
    about = [line for line in run.said.splitlines() if line.strip()]
    line = next((line for line in about if file.stem in line), about[-1] if about else "")
    cells = [
        file.name, code, f"{run.wall:.1f}", f"{run.cpu:.1f}", f"{run.peak >> 20}",
        "yes" if run.delivered else "no", line.replace("|", "\\|")[:160],
    ]  # fmt: skip
    return f"| {'!' if bad else ' '} | {' | '.join(cells)} |"


def measured(file: Path, folder: Path, most: float, interrupt: float | None) -> Run:
    """Run hmer on the file in this empty folder."""
    arguments, is_delivered = attack(file, folder)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "HMER_CACHE": str(folder / "cache")}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "hmer_cli.cli", *arguments], cwd=folder, env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )  # fmt: skip
    watch = Watch(process.pid)

    try:
        if interrupt is not None:
            try:
                process.wait(interrupt)
            except subprocess.TimeoutExpired:
                start = time.monotonic()
                process.send_signal(signal.SIGINT)
        _, output = process.communicate(timeout=most)
        code: int | None = process.returncode
    except subprocess.TimeoutExpired:
        code = None
        os.killpg(process.pid, signal.SIGKILL)
        _, output = process.communicate()
    wall, peak = time.monotonic() - start, watch.end()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(code, wall, cpu, peak, output.decode(errors="replace"), is_delivered())


def attack(file: Path, folder: Path) -> tuple[list[str], Callable[[], bool]]:
    """The arguments of hmer, and what tells afterwards whether the good file was delivered."""
    data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else None
    name = file.stem if data is not None else file.name
    place = folder / name
    if data is None:
        shutil.copyfile(file, place)
    else:
        place.write_bytes(data)
    good = shutil.copyfile(GOOD, folder / GOOD.name)
    if name.startswith("page_") and name.endswith(".json"):
        place.rename(folder / "page.json")
        for image in ("page.png", "other.png"):
            shutil.copyfile(ROOT / "examples" / "lecture.png", folder / image)
        (folder / "other.json").write_text('{"formulas": [[100, 100, 400, 200]]}')
        scores = folder / "scores.json"
        return ["eval", ".", "--worst", "worst", "--json", str(scores)], scores.exists
    out = folder / "out.jsonl"
    arguments = ["convert", "--out", str(out), good.name]
    if name.endswith(".json"):
        arguments += ["--corrections", name]
        return arguments, lambda: out.exists() and GOOD.name in out.read_text("utf-8")
    return (
        [*arguments, name],
        lambda: (
            out.exists()
            and '"status":"ok"'
            in next(
                (
                    line.replace(" ", "")
                    for line in out.read_text("utf-8").splitlines()
                    if GOOD.name in line
                ),
                "",
            )
        ),
    )


class Watch:
    """The most memory that the processes of a session held together, looked at often."""

    def __init__(self, session: int) -> None:
        self._session, self._most, self._ended = session, 0, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._ended.wait(0.1):
            self._most = max(self._most, sum(resident(self._session)))

    def end(self) -> int:
        """Bytes."""
        self._ended.set()
        self._thread.join()
        return self._most


def resident(session: int) -> Iterator[int]:
    """The resident bytes of each process of a session, by /proc."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if int((folder / "stat").read_text().rpartition(")")[2].split()[3]) == session:
                yield int((folder / "statm").read_text().split()[1]) * PAGE
        except (OSError, ValueError, IndexError):
            continue


if __name__ == "__main__":
    main()
