"""CPU time of a page of ink, from the file to its regions: 1,500 strokes, as note apps write them.

python benchmarks/ink_page.py [FILE ...] [--strokes 1500] [--reading]

Pages of hmer's own hand in three kinds of file, or those of the files given; of images, too.
``opening`` is all from the bytes of the file to the page: strokes out of it, PDF drawn, image
cleaned; ``search`` finds the regions and cuts them out; ``all in`` is both. ``--reading`` adds the
recogniser, which is counted by itself, as it grows with the number of expressions. Seconds of one
core, the best of three runs after a first, models loaded. OMP_NUM_THREADS=1 keeps OpenCV and BLAS
to one core; PDFs are opened in this process, so that nothing is left out.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hmer_cli.ink.ink import Ink
from hmer_cli.page.load.pages import Page, Sheet, open_sheets
from hmer_cli.page.load.sources import Source
from hmer_cli.page.load.worker import Meta, Worker
from hmer_cli.page.regions import find_regions
from hmer_cli.recognition.recogniser import Recogniser
from hmer_cli.synthesis.engine import InkEngine

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from inkfiles import lines, moved, outlines, pdf, xopp  # type: ignore[import-not-found]

LABELS = (
    r"\frac { a + 1 } { b ^ { 2 } } = x",
    r"\int _ { 0 } ^ { 1 } f ( x ) d x = \pi",
    r"e ^ { i \phi } = \cos \phi + i \sin \phi",
    r"x _ { n + 1 } = x _ { n } - \frac { f } { g }",
)
ROW, SIZE, GAP = 30, 7, 20  # points: of rows, of typical strokes, between expressions
KINDS: dict[str, Callable[[Ink], bytes]] = {
    ".xopp": lambda ink: xopp([ink]),
    "PDF, stroked paths": lambda ink: pdf(lines(ink)),
    "PDF, filled outlines": lambda ink: pdf(outlines(ink)),
}


def page_of(count: int) -> Ink:
    """A page of so many strokes, in rows of expressions."""
    engine, rng = InkEngine(), np.random.default_rng(1)
    strokes: list[np.ndarray] = []
    x, y = 20.0, 20.0
    while len(strokes) < count:
        ink = engine.write(LABELS[len(strokes) % len(LABELS)], 3, rng).ink
        assert ink is not None
        scale = SIZE / float(np.median([np.ptp(s, axis=0).max() for s in ink.strokes]))
        left, _, right, _ = ink.box()
        if x + (right - left) * scale > 580:
            x, y = 20.0, y + ROW
        strokes += moved(ink, x, y, scale).strokes
        x += (right - left) * scale + GAP
    return Ink(tuple(strokes[:count]))


class Here(Worker):
    """Calls functions in this process, whose CPU time is measured."""

    def call(
        self,
        function: str,
        meta: Meta,
        data: bytes,
        key: str,
        memory: int = 0,
        seconds: int = 0,
    ) -> tuple[Meta, bytearray]:
        """As `Worker.call`."""
        module, _, name = function.partition(":")
        answer, content = getattr(importlib.import_module(module), name)({**meta, "key": key}, data)
        return answer, bytearray(content)


def seconds(run: Callable[[], object]) -> float:
    """CPU time of this process, the least of three runs after a first."""
    run()
    taken = []
    for _ in range(3):
        begun = time.process_time()
        run()
        taken.append(time.process_time() - begun)
    return min(taken)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--strokes", type=int, default=1500)
    parser.add_argument("--reading", action="store_true")
    given = parser.parse_args()
    recogniser = Recogniser.load() if given.reading else None
    if given.files:
        files = {path.name: path.read_bytes() for path in given.files}
    else:
        page = page_of(given.strokes)
        files = {name: make(page) for name, make in KINDS.items()}
    print("| page | strokes | regions | opening | search | all in | reading |")
    print("|---|---|---|---|---|---|---|")
    for name, data in files.items():
        for number in range(len(sheets(name, data))):
            print(measured(name, data, number, recogniser), flush=True)


def sheets(name: str, data: bytes) -> list[Sheet]:
    """The pages of a file, opened anew."""
    return open_sheets(Source(name, name, lambda: data), worker=Here())


def measured(name: str, data: bytes, number: int, recogniser: Recogniser | None) -> str:
    """The row of a page."""

    def opened() -> Page:
        return sheets(name, data)[number].draw()

    page = opened()
    regions = find_regions(page)
    opening, search = seconds(opened), seconds(lambda: find_regions(page))
    reading = "-"
    if recogniser is not None:
        begun = time.process_time()
        recogniser.read([region.seen for region in regions])
        reading = f"{time.process_time() - begun:.2f} s"
    strokes = len(page.ink) if page.ink is not None else 0
    times = f"{opening:.2f} s | {search:.2f} s | {opening + search:.2f} s | {reading}"
    return f"| {name}, {number + 1} | {strokes} | {len(regions)} | {times} |"


if __name__ == "__main__":
    main()
