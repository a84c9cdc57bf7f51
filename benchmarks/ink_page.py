"""CPU time of a page of ink up to recognition: a page of hmer's own hand, as note apps write it.

python benchmarks/ink_page.py [--strokes 1500]

For each kind of file: the strokes out of the file, the page drawn and cleaned, its expressions
searched for; seconds of one core, the second of two runs, models loaded. OMP_NUM_THREADS=1 keeps
OpenCV and ONNX Runtime to one core.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hmer_cli.ink.ink import Ink
from hmer_cli.ink.notes import kind_of
from hmer_cli.page.load import pdf_strokes
from hmer_cli.page.load.pages import open_sheets
from hmer_cli.page.load.sources import Source
from hmer_cli.page.regions import find_regions
from hmer_cli.synthesis.engine import InkEngine

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from inkfiles import lines, moved, outlines, pdf, xopp

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


def seconds(run: Callable[[], object]) -> float:
    """CPU time of this process, of the second of two runs."""
    run()
    begun = time.process_time()
    run()
    return time.process_time() - begun


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--strokes", type=int, default=1500)
    page = page_of(parser.parse_args().strokes)
    print("| file | strokes | extraction | drawing | search |")
    print("|---|---|---|---|---|")
    for name, make in KINDS.items():
        row = " | ".join(f"{taken:.2f} s" for taken in measured(name, make(page)))
        print(f"| {name} | {len(page.strokes)} | {row} |")


def measured(name: str, data: bytes) -> tuple[float, float, float]:
    """The seconds of extraction, of drawing and of the search."""
    (sheet,) = open_sheets(Source(name, name, lambda: data))
    kind = kind_of(data)

    def extract() -> object:
        if kind is not None:
            return kind.read(data, name)
        return pdf_strokes.strokes({"key": name, "number": 1}, data)

    page = sheet.draw()
    return seconds(extract), seconds(sheet.draw), seconds(lambda: find_regions(page))


if __name__ == "__main__":
    main()
