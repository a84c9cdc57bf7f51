"""Records and pages a minute of ``hmer convert`` on many small pages, plain and on Ray (Linux).

    python benchmarks/ray_pages.py [--pages 2000] [--seed 7] [--folder DIR] [--only plain two one]

The pages, made into ``DIR/pages``, are white images of one short expression of the formula grammar,
every twentieth of two, drawn by the ink engine with symbols of some 25 pixels. Three runs without
a cache, each in a process of its own, write ``DIR/<run>.jsonl``: ``plain`` (``-j 1``), ``one``
(``--engine ray -j 1``) and ``two`` (``--engine ray -j 2``, one of whose workers is killed with
SIGKILL when both together have used half of the CPU time of the plain run). Exit code 1 if one of
them differs from the plain run's by a byte. The load of the machine stands beside each figure.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np

from hmer_cli.expr.latex import normalise
from hmer_cli.ink.render import Image
from hmer_cli.synthesis.engine import InkEngine
from hmer_cli.synthesis.formula_grammar import FormulaGrammar

ROOT = Path(__file__).resolve().parent.parent
WORKER = b"ray::MapWorker"  # how Ray names its actors of Ray Data in /proc
RUNS = {"plain": ["-j", "1"], "two": ["--engine", "ray", "-j", "2"]}
RUNS |= {"one": ["--engine", "ray", "-j", "1"]}
SIZES = (0.5, 0.7)  # of the engine's 40 pixels a symbol # convention
SHORTEST_OF = 3  # samples of the grammar # convention
MARGIN, GAP = 30, 40  # pixels # convention
TWO_EVERY = 20  # pages # convention
EVERY = 2.0  # seconds between two looks at the workers # convention


def main() -> int:
    """Make the pages, run, print a table; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--folder", type=Path, default=Path("ray-pages"))
    parser.add_argument("--only", nargs="*", choices=list(RUNS), default=list(RUNS))
    options = parser.parse_args()
    make_pages(options.folder / "pages", options.pages, options.seed)
    show("run", "seconds", "CPU seconds", "pages a minute", "load", "killed", "equals plain")
    show(*["---"] * 7)
    alike = [measured(name, options.folder, options.pages) for name in options.only]
    return int(not all(alike))


def make_pages(folder: Path, count: int, seed: int) -> None:
    """Write the pages, PNG files, where they are not yet; page i depends on seed and i alone."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        file = folder / f"page-{index:05}.png"
        if not file.exists():
            rng = np.random.default_rng((seed, index))
            cv2.imwrite(str(file), page(2 if index % TWO_EVERY == 0 else 1, rng))


def page(count: int, rng: np.random.Generator) -> Image:
    """A page of so many expressions of one writer: (H, W) uint8, dark ink on white."""
    engine, grammar = InkEngine(), FormulaGrammar()
    style, size = int(rng.integers(2**32)), float(rng.uniform(*SIZES))
    images = []
    for _ in range(count):
        label = normalise(min((grammar.sample(rng) for _ in range(SHORTEST_OF)), key=len))
        drawn = engine.write(label, style, rng).image
        images.append(cv2.resize(drawn, None, fx=size, fy=size, interpolation=cv2.INTER_AREA))
    height = sum(image.shape[0] + GAP for image in images) - GAP + 2 * MARGIN
    sheet = np.full((height, max(i.shape[1] for i in images) + 2 * MARGIN), 255, np.uint8)
    y = MARGIN
    for image in images:
        sheet[y : y + image.shape[0], MARGIN : MARGIN + image.shape[1]] = image
        y += image.shape[0] + GAP
    return sheet


def measured(name: str, folder: Path, pages: int) -> bool:
    """Run once and print its row; whether its records are those of the plain run."""
    out, figures = folder / f"{name}.jsonl", folder / "plain.json"
    half = json.loads(figures.read_text())["cpu"] / 2 if name == "two" else None
    found = run(["convert", "pages", "--no-cache", "--out", out.name, *RUNS[name]], folder, half)
    if name == "plain":
        figures.write_text(json.dumps(found))
    alike = out.read_bytes() == (folder / "plain.jsonl").read_bytes()
    show(
        name, f"{found['seconds']:.0f}", f"{found['cpu']:.0f}",
        f"{60 * pages / found['seconds']:.0f}", f"{found['load']:.1f}",
        str(found["killed"] or "-"), "yes" if alike else "NO",
    )  # fmt: skip
    return alike


def run(arguments: list[str], folder: Path, half: float | None) -> dict[str, Any]:
    """Run hmer; wall and CPU seconds, median load, and what was killed.

    With ``half``, one worker is killed when all together have used that many seconds of CPU time.
    Raises CalledProcessError where hmer fails, RuntimeError where there was nothing to kill.
    """
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "hmer_cli", *arguments]
    start, before = time.monotonic(), os.times()
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, cwd=folder, env=environment)
    used: dict[int, float] = {}
    loads, killed = [], None
    while process.poll() is None:
        loads.append(os.getloadavg()[0])
        for pid, name in descendants(process.pid):
            if name.startswith(WORKER):
                used[pid] = cpu_seconds(pid)
        if half is not None and killed is None and sum(used.values()) >= half:
            killed = f"{max(used)} after {time.monotonic() - start:.0f} s"
            os.kill(max(used), signal.SIGKILL)
        time.sleep(EVERY)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    if half is not None and (killed is None or len(used) < 3):
        raise RuntimeError(f"no worker was killed and replaced: {used}")
    after = os.times()
    cpu = sum(used.values()) or after.children_user + after.children_system
    cpu -= 0 if used else before.children_user + before.children_system
    seconds = time.monotonic() - start
    return {"seconds": seconds, "cpu": cpu, "load": median(loads), "killed": killed}


def descendants(pid: int) -> Iterator[tuple[int, bytes]]:
    """Every process below this one, and its command line."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parents[int(folder.name)] = int(fields(folder)[1])
    below = {pid}
    for _ in range(8):  # generations
        below |= {child for child, parent in parents.items() if parent in below}
    for child in below - {pid}:
        with suppress(OSError):
            yield child, Path(f"/proc/{child}/cmdline").read_bytes()


def fields(folder: Path) -> list[str]:
    """The fields of ``stat`` in a folder of /proc after the name, see proc(5)."""
    return (folder / "stat").read_text().rpartition(")")[2].split()


def cpu_seconds(pid: int) -> float:
    """CPU time of a process; 0 where it is no more."""
    with suppress(OSError):
        user, system = fields(Path(f"/proc/{pid}"))[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return 0.0


def show(*cells: str) -> None:
    """Print a row of a Markdown table."""
    print("|", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    sys.exit(main())
