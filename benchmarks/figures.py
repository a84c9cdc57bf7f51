"""Figures of the README: data folder -> the Markdown table, every figure measured anew.

Scores come from ``hmer eval --json``; times are medians of repeated runs of the command, memory is
the largest resident set of any of them. Run it on a quiet machine::

    python benchmarks/figures.py --data ../shared/data [--only WORD] [--runs 5]
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
HMER = [sys.executable, "-m", "hmer_cli"]
# Folders and archives that a row's command names, in the folder of the data.
DATA = ("crohme.zip", "crohme2014-offline.zip", "scan-crops.zip", "notes-truth/")


class Bench:
    """Runs commands in a temporary folder, each scored one once."""

    def __init__(self, data: Path, work: Path, runs: int) -> None:
        self.data = data
        self.work = work
        self.runs = runs
        self.scores = cache(self._scores)

    def arguments(self, command: str) -> list[str]:
        """The command of a row as it can be run here."""
        words = shlex.split(command.removeprefix("/usr/bin/time -v ").removeprefix("time "))
        if words[0] == "hmer":
            words[:1] = HMER
        places = {name: str(self.data / name) for name in DATA} | {
            "examples/limit.png": str(ROOT / "examples/limit.png"),
            "2014/": str(self.images) if "2014/" in words else "",
        }
        return [places.get(word, word) for word in words]

    @cached_property
    def images(self) -> Path:
        """The images of the CROHME 2014 test, out of their archive."""
        folder = self.work / "2014"
        with zipfile.ZipFile(self.data / "crohme2014-offline.zip") as archive:
            archive.extractall(folder)
        return folder

    def _scores(self, command: str) -> dict[str, Any]:
        """What ``hmer eval`` writes with ``--json``."""
        file = self.work / "scores.json"
        if "notes-truth" in command:
            command += f" --pages {shlex.quote(str(self.data / 'notes'))}"
        file.unlink(missing_ok=True)
        self.run([*self.arguments(command), "--json", str(file)])
        if not file.is_file():  # nothing could be scored: such a run ends with 1, too
            raise SystemExit(f"{command} has no scores")
        found: dict[str, Any] = json.loads(file.read_text("utf-8"))
        return found

    def run(self, arguments: list[str]) -> tuple[float, float, float]:
        """Wall seconds, CPU seconds and peak memory (MB) of one run; exit code 1 is a result."""
        paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        start = time.perf_counter()
        process = subprocess.Popen(
            arguments, cwd=self.work, stdout=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": paths, "HMER_CACHE": str(self.work / "cache")},
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 1):
            raise SystemExit(f"{shlex.join(arguments)} ended with {process.returncode}")
        return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024

    def timed(self, command: str, runs: int | None = None) -> tuple[float, float, float]:
        """Medians of wall and CPU seconds, and the largest peak, after one run that warms up."""
        arguments = self.arguments(command)
        self.run(arguments)
        taken = [self.run(arguments) for _ in range(runs or self.runs)]
        walls, cpus, peaks = zip(*taken, strict=True)
        return statistics.median(walls), statistics.median(cpus), max(peaks)


@dataclass(frozen=True)
class Row:
    """A row of the table: what, which command (none: that of the row above), and how to measure."""

    what: str
    command: str
    measure: Callable[[Bench], str]


def share(number: float | None, digits: int = 1) -> str:
    """A share as per cent."""
    return "none" if number is None else f"{100 * number:.{digits}f} %"


def keys(command: str, *names: str) -> Callable[[Bench], str]:
    """Some scores of a run of ``hmer eval``."""
    return lambda bench: ", ".join(share(bench.scores(command)[name]) for name in names)


def cost(command: str, runs: int | None = None) -> Callable[[Bench], str]:
    """Time and peak memory of a command."""

    def measure(bench: Bench) -> str:
        wall, _, peak = bench.timed(command, runs)
        return f"{wall:.{0 if wall >= 10 else 1}f} s, {peak:.0f} MB"

    return measure


def displayed(bench: Bench) -> str:
    """Displayed expressions of the pages: found, found and right."""
    kind = bench.scores(NOTES)["display"]
    return f"{share(kind['recall'], 0)}, {share(kind['right_share'], 0)}"


def inline(bench: Bench) -> str:
    """Inline expressions of the pages, and the precision of both kinds."""
    scores = bench.scores(NOTES)
    kind = scores["inline"]
    found = f"{share(kind['recall'], 0)}, {share(kind['right_share'], 0)}"
    return f"{found}; {share(scores['precision'], 0)}"


def rate(bench: Bench) -> str:
    """Expressions a second of the run that scored them."""
    scores = bench.scores(INK)
    return f"{scores['n'] / scores['seconds']:.0f} a second"


def wheel(bench: Bench) -> str:
    """Size of the wheel."""
    bench.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", ".", str(ROOT)])
    return f"{max(path.stat().st_size for path in bench.work.glob('*.whl')) / 1e6:.0f} MB"


def installed(bench: Bench) -> str:
    """Size of a fresh installation, its weights apart."""
    venv = bench.work / "venv"
    bench.run([sys.executable, "-m", "venv", str(venv)])
    bench.run([str(venv / "bin/pip"), "install", "-q", str(ROOT)])
    sizes = ((p, p.lstat().st_size) for p in venv.rglob("*") if p.is_file() or p.is_symlink())
    return f"{sum(size for path, size in sizes if '_weights' not in path.parts) / 1e6:.0f} MB"


def cpu(command: str) -> Callable[[Bench], str]:
    """CPU seconds of a command."""
    return lambda bench: f"{bench.timed(command)[1]:.1f} s"


def start_up(bench: Bench) -> str:
    """Wall seconds of the help."""
    return f"{bench.timed('hmer --help', 20)[0]:.2f} s"


INK = "hmer eval crohme.zip --split test2014"
CTC = "hmer eval crohme.zip --split test2014 --ctc"
OFFLINE = "hmer eval crohme2014-offline.zip"
FREE = "hmer eval crohme.zip --split test2014 --model hmer-free"
FREE_OFFLINE = "hmer eval crohme2014-offline.zip --model hmer-free"
CROPS = "hmer eval scan-crops.zip"
NOTES = "hmer eval notes-truth/"
COLD = "/usr/bin/time -v hmer convert examples/limit.png --no-cache"
ALL = "/usr/bin/time -v hmer convert 2014/ --no-cache --out eqs.tex"
AGAIN = "/usr/bin/time -v hmer convert 2014/ --out eqs.tex"
GENERATE = "time hmer generate --count 300 --jobs 1 --out out/"

ROWS = (
    Row("CROHME 2014 test (986), from ink: ExpRate", INK, keys(INK, "exprate")),
    Row("the same: WER, CER", "", keys(INK, "wer", "cer")),
    Row("the same by CTC alone: ExpRate, WER", CTC, keys(CTC, "exprate", "wer")),
    Row("CROHME 2014 test, offline images: ExpRate, WER", OFFLINE, keys(OFFLINE, "exprate", "wer")),
    Row(
        "the 2014 test by hmer-free, free for every use, from ink: ExpRate, WER",
        FREE,
        keys(FREE, "exprate", "wer"),
    ),
    Row("the same from its offline images", FREE_OFFLINE, keys(FREE_OFFLINE, "exprate", "wer")),
    Row("741 scanned crops: WER, ExpRate", CROPS, keys(CROPS, "wer", "exprate")),
    Row(
        "9 pages of notes, end to end: displayed equations found, found and right", NOTES, displayed
    ),
    Row("the same, inline expressions; precision", "", inline),
    Row("one image, cold start: time, peak memory", COLD, cost(COLD)),
    Row("the 986 images converted: time, peak memory", ALL, cost(ALL, 1)),
    Row("the same once more, from the cache", AGAIN, cost(AGAIN)),
    Row("the same expressions scored from ink: rate", INK, rate),
    Row("300 generated expressions with all their files: CPU time", GENERATE, cpu(GENERATE)),
    Row("`hmer --help`", "", start_up),
    Row("size of the wheel", "pip wheel --no-deps .", wheel),
    Row("size of the installation, without the weights", "du -sh .venv", installed),
)


def main() -> None:
    """Measure the rows that are asked for, and print them as they are done."""
    parser = argparse.ArgumentParser(description="Print the README's table of figures.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the research data")
    parser.add_argument("--only", default="", help="rows whose text or command holds this")
    parser.add_argument("--runs", type=int, default=5, help="timed runs of a command")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        bench = Bench(given.data.resolve(), Path(work), given.runs)
        print("| what | figure | command |\n|---|---|---|")
        for row in ROWS:
            if given.only in f"{row.what} {row.command}":
                command = f"`{row.command}`" if row.command else ""
                print(f"| {row.what} | {row.measure(bench)} | {command} |", flush=True)


if __name__ == "__main__":
    main()
