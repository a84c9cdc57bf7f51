"""A longer search: python tests/fuzz/run.py KIND... [--minutes 60] [--from N] [--findings FOLDER].

With atheris (pip install atheris) the mutations are led by the coverage of hmer's code, else they
are those of the tests, numbered on. Each kind runs in a process of its own for its share of the
time. A finding ends the kind; its bytes are written to the folder of findings. To keep it from
coming back, mend the reader and put the file into ``corpus/KIND``.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import time
import traceback
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

_NOT_LED = {"image"}  # atheris keeps every array that is compared: 1 MB an image
_SLOW = 20  # seconds for one input; convention


def main() -> int:
    """Run every kind; the number of kinds with a finding."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND")
    parser.add_argument("--minutes", type=float, default=60, help="for each kind")
    parser.add_argument("--from", type=int, default=1000, dest="start", help="first mutation")
    parser.add_argument("--findings", type=Path, default=Path("findings"))
    parser.add_argument("--plain", action="store_true", help="without atheris")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.findings.mkdir(parents=True, exist_ok=True)
    led = find_spec("atheris") is not None and not options.plain
    if options.one:
        search = _led if led and options.kinds[0] not in _NOT_LED else _plain
        return search(options.kinds[0], options.minutes, options.findings, options.start)
    kinds = options.kinds or sorted(path.name for path in (ROOT / "tests/fuzz/corpus").iterdir())
    failed = 0
    for kind in kinds:
        command = [sys.executable, __file__, kind, "--one", "--minutes", str(options.minutes)]
        command += ["--findings", str(options.findings), "--from", str(options.start)]
        failed += subprocess.run([*command, *["--plain"] * options.plain]).returncode != 0
    return failed


def _plain(kind: str, minutes: float, findings: Path, start: int) -> int:
    """The mutations from number ``start`` on."""
    from mutations import mutated
    from targets import TARGETS, seeds

    _silence()
    files, target, end = seeds(kind), TARGETS[kind], time.monotonic() + 60 * minutes
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


def _led(kind: str, minutes: float, findings: Path, start: int) -> int:
    """Mutations led by coverage, by libFuzzer; what it keeps lies beside the findings."""
    import atheris

    with atheris.instrument_imports(include=["hmer_cli"]):
        from targets import CORPUS, TARGETS
    _silence()
    kept = findings / "kept" / kind
    kept.mkdir(parents=True, exist_ok=True)
    flags = [
        f"-max_total_time={60 * minutes:.0f}", f"-timeout={_SLOW}", "-rss_limit_mb=2500",
        "-max_len=20000", "-print_final_stats=1", f"-seed={start}", "-verbosity=0",
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
