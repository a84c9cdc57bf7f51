"""Grow the trees that find regions: pages with known boxes -> weights/hmer-*.onnx.

    python train/regions.py --pages ../shared/data/scan-pages.zip \
        --inks ../shared/data/crohme.zip --fonts FOLDER --out weights

needs lightgbm and onnx; reading needs neither. Each of the three ensembles is grown five
times, without one fifth of the pages each time, and judges the pages it never saw; that is what
the next ensemble is grown on, and what ``hmer eval`` scores. Pages in English are made here
(english.py) and share a fifth with all pages in the same font; they carry no score.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import onnx
from english import english_page
from photos import moved
from ship import SHIPPED, enter
from trees import Array, Trees, answer, as_onnx, grow

from hmer_cli.judge.regions import PageOutcome, as_tables, overlaps
from hmer_cli.learn.bank import SymbolBank
from hmer_cli.learn.datasets import open_dataset
from hmer_cli.page import detector, layout
from hmer_cli.page.cuts import cut_features
from hmer_cli.page.images import Pixels, decode
from hmer_cli.page.open import Box, Page
from hmer_cli.page.runs import Runs, find_runs, look_at

INSIDE = 0.6  # of a part's box that has to be in a true box for the part to belong to it
GOOD = 0.6  # the IoU from which on a candidate counts as the expression
KEPT = 0.3  # of the candidates that are none: there are many, and they are much alike
ENGLISH = 80
NOTES = {
    detector.PARTS: "tells mathematics from prose in the parts of a page",
    detector.CUTS: "says where a line of writing is cut",
    detector.RUNS: "finds the expressions of a page",
}
TREES = {detector.PARTS: 150, detector.CUTS: 150, detector.RUNS: 180}


@dataclass
class Example:
    """A page, its true boxes in pixels of its study, and what was found out about it."""

    name: str
    fold: int
    scored: bool
    study: layout.Study
    truth: Array
    features: Array = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    owner: Array = field(default_factory=lambda: np.zeros(0, int))
    likely: Array = field(default_factory=lambda: np.zeros(0, np.float32))
    runs: Runs | None = None


def main() -> None:
    """Grow, score and write."""
    options = _options()
    started = time.perf_counter()
    TREES.update({name: round(trees * options.trees) for name, trees in TREES.items()})
    examples = list(_scans(options.pages, options.every))
    if options.fonts:
        examples += _english(options.inks, options.fonts, options.english)
    for example in examples:
        example.owner = _owners(example)
        example.features = layout.part_features(example.study.parts, detector.shipped().kinds)
    _say(f"{len(examples)} pages", started)

    parts = _grow(examples, detector.PARTS, lambda e: (e.features, e.owner >= 0), options.threads)
    for example in examples:
        example.likely = answer(parts[example.fold], example.features)
    _say("parts", started)

    signer = detector.shipped().kinds
    cuts = _grow(examples, detector.CUTS, _cuts, options.threads)
    for example in examples:
        cutter = partial(answer, cuts[example.fold])
        example.runs = find_runs(example.study.parts, example.likely, signer, cutter)
    _say("cuts", started)

    runs = _grow(examples, detector.RUNS, _candidates, options.threads)
    _say("runs", started)
    options.out.mkdir(exist_ok=True)
    for name, grown in ((detector.PARTS, parts), (detector.CUTS, cuts), (detector.RUNS, runs)):
        onnx.save(as_onnx(grown), options.out / name)
        if options.out.resolve() == SHIPPED:
            enter(SHIPPED / name, NOTES[name])
    for scored in (True, False):
        chosen = [example for example in examples if example.scored == scored]
        for least in (0.15, 0.2, 0.25, 0.3, 0.35, 0.4):
            if chosen:
                _report(chosen, runs, least, "scans" if scored else "English")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=Path, required=True, help="zip of pages with boxes")
    parser.add_argument("--inks", help="CROHME package to write English pages with")
    parser.add_argument("--fonts", type=Path, help="folder of handwriting fonts")
    parser.add_argument("--english", type=int, default=ENGLISH, help="pages to make")
    parser.add_argument("--every", type=int, default=1, help="N: every Nth page with boxes")
    parser.add_argument("--threads", type=int, default=0, help="0: as many as there are cores")
    parser.add_argument("--trees", type=float, default=1.0, help="times the usual number")
    parser.add_argument("--out", type=Path, default=Path("weights"))
    return parser.parse_args()


def _say(what: str, started: float) -> None:
    sys.stderr.write(f"{time.perf_counter() - started:6.0f} s  {what}\n")


def _scans(path: Path, every: int) -> Iterator[Example]:
    with zipfile.ZipFile(path) as archive:
        for name in sorted(n for n in archive.namelist() if n.endswith(".json"))[::every]:
            data = archive.read(name[: -len(".json")] + ".jpg")
            boxes = [tuple(box) for box in json.loads(archive.read(name))["formulas"]]
            study, truth = _studied(decode(data, name), boxes)
            yield Example(name, detector.fold_of(data), True, study, truth)


def _english(inks: str, folder: Path, count: int) -> Iterator[Example]:
    found = (path for path in folder.rglob("*") if path.suffix in (".ttf", ".otf", ".woff"))
    fonts = sorted(found, key=lambda path: path.name)
    samples = [s for s in open_dataset(inks, "train") if s.error is None and s.ink and s.label]
    written = [s.ink.with_label(s.label) for s in samples if len(s.ink.strokes) > 1]
    bank = SymbolBank.build(written)
    for number in range(count):
        fold = number % detector.FOLDS
        mine, random = fonts[fold :: detector.FOLDS], np.random.default_rng(number)
        image, boxes = english_page(written[::3], bank, mine, random)
        yield Example(f"english-{number}", fold, False, *_studied(image, boxes))


def _studied(image: Pixels, boxes: Sequence[Box]) -> tuple[layout.Study, Array]:
    """A page as ``hmer convert`` opens it, and where its true boxes are there."""
    page = Page.of("page", 1, image)
    if page.to_source is not None:
        level = np.linalg.inv(page.to_source)
        boxes = [moved(box, level) for box in boxes]
    study = layout.study(page.image)
    return study, np.array(boxes, float).reshape(-1, 4) / study.scale


def _owners(example: Example) -> Array:
    """The true box that each part belongs to, -1 for none."""
    boxes, truth = example.study.parts.boxes[:, None], example.truth[None]
    if not len(example.truth):
        return np.full(len(boxes), -1)
    sides = np.minimum(boxes[..., 2:], truth[..., 2:]) - np.maximum(boxes[..., :2], truth[..., :2])
    inside = np.maximum(sides, 0).prod(-1) / (boxes[..., 2:] - boxes[..., :2]).prod(-1)
    return np.where(inside.max(1) >= INSIDE, inside.argmax(1), -1)


def _cuts(example: Example) -> tuple[Array, Array]:
    """Every gap of every line, and whether an expression ends there."""
    parts, features, ends = example.study.parts, [], []
    for line, groups, kinds in look_at(parts, example.likely, detector.shipped().kinds):
        owners = np.array([_usual(example.owner[members]) for members in line.members])
        features.append(cut_features(line, parts, groups, kinds))
        ends.append((owners[1:] != owners[:-1]) | (owners[1:] < 0))
    if not features:
        return np.zeros((0, 1), np.float32), np.zeros(0, bool)
    return np.concatenate(features), np.concatenate(ends)


def _usual(values: Array) -> int:
    found, counts = np.unique(values, return_counts=True)
    return int(found[counts.argmax()])


def _candidates(example: Example) -> tuple[Array, Array]:
    """The features of candidates and whether they are expressions, most that are none left out."""
    assert example.runs is not None
    room = np.array([-1, -1, 1, 1]) * layout.PADDING * example.study.parts.unit
    boxes = example.runs.boxes + room
    best = overlaps(boxes, example.truth).max(1, initial=0)
    random = np.random.default_rng(len(best))
    kept = (best > GOOD) | (random.random(len(best)) < KEPT)
    return example.runs.features[kept], best[kept] > GOOD


def _grow(
    examples: Sequence[Example],
    name: str,
    table: Callable[[Example], tuple[Array, Array]],
    threads: int,
) -> list[Trees]:
    """One ensemble a fold, grown without it."""
    tables = [table(example) for example in examples]
    features = np.concatenate([x for x, y in tables if len(y)])
    truth = np.concatenate([y for _, y in tables])
    folds = np.repeat([example.fold for example in examples], [len(y) for _, y in tables])
    weights = np.where(truth | (name != detector.RUNS), 1, 1 / KEPT)
    return grow(features, truth, weights, folds, TREES[name], threads)


def _report(examples: Sequence[Example], grown: list[Trees], least: float, what: str) -> None:
    outcomes = []
    for example in examples:
        assert example.runs is not None
        answers = answer(grown[example.fold], example.runs.features)
        room = np.array([-1, -1, 1, 1]) * layout.PADDING * example.study.parts.unit
        found = example.runs.boxes[layout.select(example.runs, answers, least)] + room
        outcomes.append(PageOutcome(example.name, found.tolist(), example.truth.tolist()))
    rows = {row[0]: row[1:] for row in as_tables(outcomes, 0.0)[0].rows}
    for score in ("precision", "recall", "F1"):
        sys.stderr.write(f"{what} from {least}: {score} {' '.join(rows[score])}\n")


if __name__ == "__main__":
    main()
