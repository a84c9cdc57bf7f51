"""What disturbed runs leave: python benchmarks/interruptions.py [kills full many ctrl-c].

``hmer convert`` writes the examples in four formats, once undisturbed; then
``kills``: SIGKILL at random moments, with a fresh cache each sixth time; ``full``: outputs, then
the cache, on a disk too small for them (a tmpfs, so as root); ``many``: eight runs at once with
one cache and the same outputs; ``ctrl-c``: SIGINT to every command at work. After each disturbance
the outputs are those of before or the undisturbed ones, nothing else lies beside them, and a last
run gives the undisturbed bytes; after SIGINT a run ends within two seconds with 130. A line starts
with ``!`` where that is not so.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
INPUTS = sorted([*EXAMPLES.glob("*.inkml"), *EXAMPLES.glob("*.png")])
FORMATS = ("tex", "md", "jsonl", "html")
FRESH = 6  # of so many kills, the first finds no cache; convention
PATIENCE = 120.0  # seconds
PROMPT = 2.0  # seconds that a run may take to end after SIGINT

Bytes = dict[str, bytes | None]


def main() -> None:
    """Print a line a disturbance and, last, how many went wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kinds", nargs="*", choices=[*KINDS, []], help="all if none is named")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        begun = time.monotonic()
        if run(folder / "out", folder / "cache") != 0:
            sys.exit("the undisturbed run failed")
        seconds, wanted = time.monotonic() - begun, outputs(folder / "out")
        print(f"  undisturbed: {seconds:.1f} s")
        rng = random.Random(options.seed)
        wrong = 0
        for kind in options.kinds or KINDS:
            place = folder / kind
            place.mkdir()
            for good, line in KINDS[kind](place, wanted, seconds, options.kills, rng):
                wrong += not good
                print(f"{' ' if good else '!'} {kind}: {line}", flush=True)
    print(f"{wrong} wrong")
    sys.exit(wrong > 0)


def command(out: Path, cache: Path) -> list[str]:
    """``hmer convert`` of the examples into all formats."""
    named = [word for kind in FORMATS for word in ("--out", str(out / f"o.{kind}"))]
    return [*hmer("convert"), *map(str, INPUTS), "--cache-dir", str(cache), *named]


def hmer(*arguments: str) -> list[str]:
    """The command line of hmer in this checkout."""
    return [sys.executable, "-m", "hmer_cli", *arguments]


def started(words: list[str], cwd: Path | None = None) -> subprocess.Popen[bytes]:
    """A silent run in a session of its own."""
    return subprocess.Popen(
        words, cwd=cwd, env=os.environ | {"PYTHONPATH": str(ROOT)}, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )  # fmt: skip


def run(out: Path, cache: Path) -> int:
    """The exit code of a whole run."""
    out.mkdir(exist_ok=True)
    return started(command(out, cache)).wait(PATIENCE)


def outputs(out: Path) -> Bytes:
    """The bytes of every output, None for one that is not there."""
    paths = {kind: out / f"o.{kind}" for kind in FORMATS}
    return {kind: path.read_bytes() if path.exists() else None for kind, path in paths.items()}


def whole(out: Path, wanted: Bytes) -> str:
    """What is wrong with a folder of outputs: parts of one, or what else lies there."""
    wrong = [k for k, found in outputs(out).items() if found not in (None, wanted[k])]
    other = {path.name for path in out.iterdir()} - {f"o.{kind}" for kind in FORMATS}
    return " ".join([*(f"{kind} differs" for kind in wrong), *sorted(other)])


Lines = Iterator[tuple[bool, str]]


def kills(place: Path, wanted: Bytes, seconds: float, count: int, rng: random.Random) -> Lines:
    """SIGKILL at random moments of runs, every sixth without a cache."""
    out, cache = place / "out", place / "cache"
    out.mkdir()
    for number in range(count):
        fresh = number % FRESH == 0
        if fresh:
            shutil.rmtree(cache, ignore_errors=True)
        after = rng.uniform(0.1, seconds if fresh else 0.7 * seconds)
        process = started(command(out, cache))
        time.sleep(after)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        fault = whole(out, wanted)
        yield not fault, f"after {after:.1f} s {fault or 'whole'}"
        if number % FRESH == FRESH - 1 or number == count - 1:
            code = run(out, cache)
            yield code == 0 and outputs(out) == wanted, f"the run after it ends with {code}"


def many(place: Path, wanted: Bytes, *_: object) -> Lines:
    """Eight runs at once, with one cache and the same outputs."""
    out = place / "out"
    out.mkdir()
    runs = [started(command(out, place / "cache")) for _ in range(8)]
    codes = [process.wait(8 * PATIENCE) for process in runs]
    fault = whole(out, wanted)
    yield not any(codes) and outputs(out) == wanted and not fault, f"codes {codes} {fault}"


def full(place: Path, wanted: Bytes, *_: object) -> Lines:
    """Outputs, then the cache, on a disk that is too small."""
    for size in ("8k", "64k"):
        with disk(place / f"out-{size}", size) as out:
            code, found = run(out, place / "cache"), outputs(out)
            kept = all(data in (None, wanted[kind]) for kind, data in found.items())
            fault = whole(out, wanted)
            yield code == 5 and kept and not fault, f"outputs on {size}: code {code} {fault}"
            subprocess.run(["mount", "-o", "remount,size=64m", str(out)], check=True)
            code = run(out, place / "cache")
            yield code == 0 and outputs(out) == wanted, f"with room again: code {code}"
    with disk(place / "cache-disk", "100k") as cache:
        code = run(place / "out", cache)
        yield code == 0 and outputs(place / "out") == wanted, f"cache on 100k: code {code}"


@contextmanager
def disk(folder: Path, size: str) -> Iterator[Path]:
    """A tmpfs of this size; needs root."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def ctrl_c(place: Path, _: Bytes, seconds: float, *rest: object) -> Lines:
    """SIGINT to each command at work, early and late."""
    shutil.copytree(EXAMPLES, place / "in")
    strokes = sorted(str(path) for path in (place / "in").glob("*.inkml"))
    for number in range(300):
        shutil.copyfile(strokes[number % len(strokes)], place / "in" / f"{number}.inkml")
    (place / "in" / "caption.txt").write_text("".join(f"{i}\tx\n" for i in range(300)))
    runs = {
        "convert": ["convert", "in", "--no-cache", "--out", "o.html"],
        "watch": ["convert", "in", "--watch", "--out", "w.tex"],
        "render": ["render", "in", "--out", "rendered"],
        "eval": ["eval", "in"],
        "generate": ["generate", "--count", "100000", "--out", "made"],
        "generate hmeg": ["generate", "--engine", "hmeg", "--count", "100000", "--out", "made2"],
        "weights verify": ["weights", "verify"],
        "train": [
            *("train", str(ROOT / "train/recipes/seed-baseline.toml"), "--data", "in"),
            *("--out", "run", "--set", "split=", "--set", "valid="),
        ],
    }
    for name, words in runs.items():
        for after in (0.3, 1.0, max(3.0, seconds)):
            process = started(hmer(*words), place)
            try:
                code = process.wait(after)
                yield code == 0, f"{name} had ended before {after:.1f} s with {code}"
                continue
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGINT)
            begun = time.monotonic()
            try:
                code = process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                code = process.wait()
            took = time.monotonic() - begun
            good = code in (130, -signal.SIGINT) and took < PROMPT
            yield good, f"{name} after {after:.1f} s: {code}, {took:.1f} s"


KINDS: dict[str, Callable[..., Lines]] = {
    "kills": kills,
    "full": full,
    "many": many,
    "ctrl-c": ctrl_c,
}

if __name__ == "__main__":
    main()
