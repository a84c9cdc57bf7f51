"""A longer search: python tests/fuzz/run.py KIND... [--minutes 60] [--jobs 2] [--findings FOLDER].

With atheris (pip install atheris) the mutations are led by the coverage of hmer's code, else they
are those of the tests, numbered on. The kinds take turns of some minutes, each turn a process of
its own, until each has had its minutes of CPU time. They are counted in FOLDER/spent.json, so that
a search that was ended goes on where it was. A finding ends the kind; its bytes are written to
FOLDER. To keep it from coming back, mend the reader and put the file into ``corpus/KIND``.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

_NOT_LED = {"image"}  # atheris keeps every array that is compared: 1 MB an image
_SLOW = 20  # seconds for one input; convention
_TURN = 2  # minutes by the clock: atheris keeps arrays that are compared, some 10 MB a second
_STEP = 1_000_000  # mutations that no turn reaches


def main() -> int:
    """Run every kind; the number of kinds with a finding."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND")
    parser.add_argument("--minutes", type=float, default=60, help="of CPU time for each kind")
    parser.add_argument("--jobs", type=int, default=1, help="kinds at a time")
    parser.add_argument("--findings", type=Path, default=Path("findings"))
    parser.add_argument("--plain", action="store_true", help="without atheris")
    parser.add_argument("--turn", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.findings.mkdir(parents=True, exist_ok=True)
    if options.turn is not None:
        led = find_spec("atheris") is not None and not options.plain
        search = _led if led and options.kinds[0] not in _NOT_LED else _plain
        return search(options.kinds[0], options.minutes, options.findings, options.turn)
    kinds = options.kinds or sorted(path.name for path in (ROOT / "tests/fuzz/corpus").iterdir())
    turns = Search(kinds, options.minutes, options.findings, ["--plain"] * options.plain)
    with ThreadPoolExecutor(options.jobs) as pool:
        for job in [pool.submit(turns.work) for _ in range(options.jobs)]:
            job.result()
    return len(turns.found)


class Search:
    """Turns of kinds, the one with the least CPU time next, by as many threads as call `work`."""

    def __init__(self, kinds: list[str], minutes: float, findings: Path, flags: list[str]) -> None:
        self.minutes, self.findings, self.flags = minutes, findings, flags
        self.waiting, self.found = set(kinds), set[str]()
        self.lock = threading.Lock()
        self.file = findings / "spent.json"
        spent = json.loads(self.file.read_text()) if self.file.is_file() else {}
        self.spent: dict[str, list[float]] = {kind: [0, 0] for kind in kinds} | spent
        """Minutes and turns of each kind."""

    def work(self) -> None:
        """Give turns until every kind has had its minutes or a finding."""
        while kind := self._next():
            minutes, turn = self.spent[kind]
            used, code = self._turn(kind, min(_TURN, self.minutes - minutes), int(turn))
            with self.lock:
                self.spent[kind] = [round(minutes + used, 2), turn + 1]
                self.file.write_text(json.dumps(self.spent, indent=1))
                (self.found if code else self.waiting).add(kind)

    def _next(self) -> str:
        with self.lock:
            waiting = [kind for kind in self.waiting if self.spent[kind][0] < self.minutes]
            kind = min(waiting, key=lambda kind: self.spent[kind], default="")
            self.waiting.discard(kind)
            return kind

    def _turn(self, kind: str, minutes: float, turn: int) -> tuple[float, int]:
        """Minutes of CPU time that were used, and the exit status."""
        command = [sys.executable, __file__, kind, "--turn", str(turn), "--minutes", str(minutes)]
        running = subprocess.Popen([*command, "--findings", str(self.findings), *self.flags])
        _, status, usage = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
        return (usage.ru_utime + usage.ru_stime) / 60, running.returncode


def _plain(kind: str, minutes: float, findings: Path, turn: int) -> int:
    """The mutations of a turn, after those of the tests."""
    from mutations import mutated
    from targets import TARGETS, seeds

    _silence()
    files, target, end = seeds(kind), TARGETS[kind], time.monotonic() + 60 * minutes
    start = _STEP * (turn + 1)
    for number in itertools.count(start):
        if time.monotonic() > end:
            print(f"{kind}: mutations {start} to {number - 1}, nothing found", flush=True)
            break
        data, began = mutated(files, number), time.process_time()
        try:
            target(data)
            slow = time.process_time() - began
            assert slow < _SLOW, f"{slow:.0f} s"
        except Exception:
            (findings / f"{kind}-{number}").write_bytes(data)
            print(f"{kind}: mutation {number}\n{traceback.format_exc()}", flush=True)
            return 1
    return 0


def _led(kind: str, minutes: float, findings: Path, turn: int) -> int:
    """Mutations led by coverage, by libFuzzer; what it keeps lies beside the findings."""
    import atheris

    with atheris.instrument_imports(include=["hmer_cli"]):
        from targets import CORPUS, TARGETS
    _silence()
    kept = findings / "kept" / kind
    kept.mkdir(parents=True, exist_ok=True)
    flags = [
        f"-max_total_time={60 * minutes:.0f}", f"-timeout={_SLOW}", "-rss_limit_mb=2500",
        "-max_len=20000", "-print_final_stats=1", f"-seed={turn + 1}", "-verbosity=0",
        f"-artifact_prefix={findings}/{kind}-",
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *flags, str(kept), str(CORPUS / kind)], TARGETS[kind])
    atheris.Fuzz()
    return 0


def _silence() -> None:
    """What hmer says of bad input is not looked at."""
    from hmer_cli import console

    console._write = lambda text: None


if __name__ == "__main__":
    sys.exit(main())
