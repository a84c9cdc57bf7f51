"""Expressions found in lecture notes, and prose among them.

    python train/benchmarks/prose.py ../shared/data/notes --out notes/

``prose.json`` beside this file holds what a person takes for the expressions of those pages, in
ten thousandths of the page's width: all with a relation, and others of three signs and more; a
chain in one line is one expression. ``besides`` are what may be found and need not be: a letter or
two, words that equal something. A box is prose where less than a third of it is of either. With
``--out`` each page is left there with the boxes found.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from hmer_cli.geometry import Box
from hmer_cli.metrics.regions import PageOutcome, score
from hmer_cli.page.detect.overlay import draw_regions
from hmer_cli.page.detect.search import find_boxes, prepare_page
from hmer_cli.page.load.pages import Page, open_sheets
from hmer_cli.page.load.sources import find_sources

TRUTH = Path(__file__).with_suffix(".json")
LEAST = 0.3  # of a box that is no prose


def main(arguments: Sequence[str]) -> None:
    """What the command at the top says."""
    parser = argparse.ArgumentParser(description="Expressions and prose in lecture notes.")
    parser.add_argument("notes", nargs="+", help="the files that prose.json names, or a folder")
    parser.add_argument("--out", type=Path, help="a folder for the pages with their boxes")
    options = parser.parse_args(arguments)
    truth = json.loads(TRUTH.read_text(encoding="utf-8"))
    outcomes, prose = [], 0
    for source in find_sources(options.notes):
        for page in (sheet.draw() for sheet in open_sheets(source)):
            name = f"{Path(page.source).stem}-{page.number}"
            unit = page.image.shape[1] / 10_000
            wanted, besides = (
                (np.array(truth[name][key]).reshape(-1, 4) * unit).tolist()
                for key in ("expressions", "besides")
            )
            found = find_boxes(prepare_page(page))
            outcomes.append(PageOutcome(name, found, wanted))
            leaked = sum(_held(box, wanted + besides) < LEAST for box in found)
            _say(name, [outcomes[-1]], leaked)
            prose += leaked
            if options.out:
                _show(page, found, options.out / f"{name}.png")
    _say("all", outcomes, prose)


def _held(box: Box, others: Sequence[Box]) -> float:
    """The share of a box that others cover; what several cover counts for each of them."""
    x0, y0, x1, y1 = box
    sides = [
        (min(x1, other[2]) - max(x0, other[0]), min(y1, other[3]) - max(y0, other[1]))
        for other in others
    ]
    return sum(max(w, 0) * max(h, 0) for w, h in sides) / ((x1 - x0) * (y1 - y0))


def _say(name: str, outcomes: Sequence[PageOutcome], prose: int) -> None:
    for at in score(outcomes):
        figures = f"precision {at.precision:.1%}, recall {at.recall:.1%}, F1 {at.f1:.1%}"
        sys.stdout.write(
            f"{name} at {at.threshold}: {at.truth} true, {at.found} found, {figures}\n"
        )
    sys.stdout.write(f"{name}: {prose} of prose\n")
    sys.stdout.flush()


def _show(page: Page, found: list[Box], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(file), draw_regions(page, found))


if __name__ == "__main__":
    main(sys.argv[1:])
