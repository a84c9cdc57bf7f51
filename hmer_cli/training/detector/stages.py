"""Learn to find regions: pages with known boxes -> weights/hmer-*.onnx*.

    python train/regions.py --data ../shared/data --fonts FOLDER --out weights

needs torch, lightgbm and onnx; reading needs none of them. The network for pages (context.py) and
each of the three ensembles are made five times, without one fifth of the pages each time, and
judge the pages they never saw; that is what the next one is grown on, and what ``hmer eval``
scores. Photos made of the pages stay with their page; pages in English (english.py, notes.py) share
a fifth with all pages of the same writers and fonts; neither carries a score. Pages and networks
are kept in a folder, so that a run that was broken off goes on where it was.
"""

from __future__ import annotations

import argparse
import gzip
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import context
import numpy as np
import onnx
import torch
from pages import Array, Example, english, scans
from ship import SHIPPED, enter
from trees import MEASURE, Trees, answer, as_onnx, grow

from hmer_cli.metrics.regions import PageOutcome, as_tables, overlaps
from hmer_cli.page.detect import detector, search
from hmer_cli.page.detect.candidate_features import (
    PADDING,
    MeasuredCandidates,
    measure_candidates,
    measure_lines,
)
from hmer_cli.page.detect.component_graph import (
    ComponentGraph,
    Predictions,
    component_graph,
    predict,
)
from hmer_cli.page.detect.gap_features import cut_features

GOOD = 0.6  # the IoU from which on a candidate counts as the expression
HALF = 0.5  # the IoU from which on it is at least half of one: all of these are kept
NEAR = 0.45  # the IoU from which on a candidate shows where people draw edges
KEPT = 0.3  # of the other candidates: there are many, and they are much alike
PHOTOS, ENGLISH, LECTURES = 2, 80, 300
SPARED = re.compile(r"photo-[1-9]$|notes-\d*[124578]$")  # for the networks alone
STEPS = 20_000  # half pages that each network is shown
NOTES = {
    detector.CONTEXT: "looks at all parts of a page together",
    detector.CUTS: "says where a line of writing is cut",
    detector.RUNS: "finds the expressions of a page",
    detector.EDGES: "says where people draw the edges of boxes",
}
TREES = {detector.CUTS: 150, detector.RUNS: 180, detector.EDGES: 60}


@dataclass
class Case:
    """A page, what the network is told of it, and what was found out about it so far."""

    page: Example
    told: ComponentGraph
    views: Predictions | None = None
    runs: MeasuredCandidates | None = None


def main() -> None:
    """Train, grow, score and write."""
    options = _options()
    torch.set_num_threads(max(options.threads, 1))
    started = time.perf_counter()
    signer = detector.shipped().kinds
    cases = [Case(page, component_graph(page.parts, signer)) for page in _pages(options)]
    _say(f"{len(cases)} pages", started)

    networks = [_network(fold, cases, options) for fold in range(detector.FOLDS)]
    cases = [case for case in cases if not SPARED.search(case.page.name)]
    for case in cases:
        answers = context.answers(networks[case.page.fold], case.told)
        case.views = predict(case.page.parts, case.told, *answers)
    _say("networks", started)

    cuts = _grow(cases, detector.CUTS, _cuts, options.threads)
    for case in cases:
        cutter = partial(answer, cuts[case.page.fold])
        assert case.views is not None
        case.runs = measure_candidates(case.page.parts, signer, cutter, case.views)
    _say("cuts", started)

    runs = _grow(cases, detector.RUNS, _candidates, options.threads)
    _say("runs", started)
    edges = _edges(cases, options.threads)
    _say("edges", started)
    grown = {
        detector.CUTS: cuts,
        detector.RUNS: runs,
        detector.EDGES: [trees for fold in edges for trees in fold],
    }
    models = {name: as_onnx(trees) for name, trees in grown.items()}
    _write(models | {detector.CONTEXT: context.as_onnx(networks, cases[0].told)}, options.out)
    for scored in (True, False):
        chosen = [case for case in cases if case.page.scored == scored]
        for least in (0.15, 0.2, 0.25, 0.3, 0.35, 0.4):
            if chosen:
                _report(chosen, runs, edges, least, "scans" if scored else "others")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--fonts", type=Path, help="folder of handwriting fonts")
    parser.add_argument("--english", type=int, default=ENGLISH, help="pages to make")
    parser.add_argument("--lectures", type=int, default=LECTURES, help="pages of notes to make")
    parser.add_argument("--every", type=int, default=1, help="N: every Nth page with boxes")
    parser.add_argument("--photos", type=int, default=PHOTOS, help="of each of these")
    parser.add_argument("--steps", type=int, default=STEPS, help="half pages a network is shown")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--kept", type=Path, default=Path("runs/pages"), help="folder to go on from"
    )
    parser.add_argument("--out", type=Path, default=Path("weights"))
    return parser.parse_args()


def _say(what: str, started: float) -> None:
    sys.stderr.write(f"{time.perf_counter() - started:6.0f} s  {what}\n")


def _pages(options: argparse.Namespace) -> list[Example]:
    options.kept.mkdir(parents=True, exist_ok=True)
    zipped = options.data / "scan-pages.zip"
    pages = list(scans(zipped, options.every, options.photos, options.kept))
    if options.fonts:
        counts = options.english, options.lectures
        pages += english(options.data, options.fonts, *counts, options.kept)
    return [page for page in pages if len(page.parts)]


def _network(fold: int, cases: Sequence[Case], options: argparse.Namespace) -> context.Network:
    """The network that never saw the pages of a fold, trained unless it was kept."""
    file = options.kept / f"network-{fold}.pt"
    if not file.is_file():
        known = [case for case in cases if case.page.fold != fold]
        lessons = [context.lesson(case.page, case.told) for case in known]
        torch.save(context.train(lessons, options.steps, fold).state_dict(), file)
    network = context.Network()
    network.load_state_dict(torch.load(file))
    return network.eval()


def _cuts(case: Case) -> tuple[Array, Array, Array]:
    """Every gap of every line, whether an expression ends there, and weights, all one."""
    parts, owner, features, ends = case.page.parts, case.page.owners(), [], []
    assert case.views is not None
    for line, groups, kinds in measure_lines(parts, detector.shipped().kinds, case.views):
        owners = np.array([_usual(owner[members]) for members in line.members])
        features.append(cut_features(line, parts, groups, kinds, case.views))
        ends.append((owners[1:] != owners[:-1]) | (owners[1:] < 0))
    if not features:
        return np.zeros((0, 1), np.float32), np.zeros(0, bool), np.zeros(0)
    found = np.concatenate(ends)
    return np.concatenate(features), found, np.ones(len(found))


def _usual(values: Array) -> int:
    found, counts = np.unique(values, return_counts=True)
    return int(found[counts.argmax()])


def _candidates(case: Case) -> tuple[Array, Array, Array]:
    """The features of candidates, whether they are expressions, and their weights.

    Most that are none are left out, and those kept weigh more for it.
    """
    assert case.runs is not None
    best = overlaps(_roomy(case), case.page.truth).max(1, initial=0)
    random = np.random.default_rng(len(best))
    kept = (best > HALF) | (random.random(len(best)) < KEPT)
    best = best[kept]
    return case.runs.features[kept], best > GOOD, np.where(best > HALF, 1, 1 / KEPT)


def _roomy(case: Case) -> Array:
    """The boxes of the candidates with some room around the ink."""
    assert case.runs is not None
    room = np.array([-1, -1, 1, 1]) * PADDING * case.page.parts.unit
    return case.runs.boxes + room


def _grow(
    cases: Sequence[Case],
    name: str,
    table: Callable[[Case], tuple[Array, Array, Array]],
    threads: int,
) -> list[Trees]:
    """One ensemble a fold, grown without it."""
    tables = [table(case) for case in cases]
    features = np.concatenate([x for x, y, _ in tables if len(y)])
    truth = np.concatenate([y for _, y, _ in tables])
    weights = np.concatenate([w for _, _, w in tables])
    folds = np.repeat([case.page.fold for case in cases], [len(y) for _, y, _ in tables])
    return grow(features, truth, weights, folds, TREES[name], threads)


def _write(models: dict[str, onnx.ModelProto], folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name, model in models.items():
        content = model.SerializeToString(deterministic=True)
        if name.endswith(".gz"):  # trees shrink to a fifth
            content = gzip.compress(content, mtime=0)
        (folder / name).write_bytes(content)
        if folder.resolve() == SHIPPED:
            enter(SHIPPED / name, NOTES[name])


def _edges(cases: Sequence[Case], threads: int) -> list[list[Trees]]:
    """Four ensembles a fold, one an edge, grown on what people drew: scans, and photos of them."""
    tables = [(_beyond(case), case.page.fold) for case in cases if "english" not in case.page.name]
    features = np.concatenate([x for (x, _), _ in tables if len(x)])
    beyond = np.concatenate([y for (_, y), _ in tables])
    folds = np.repeat([fold for _, fold in tables], [len(y) for (_, y), _ in tables])
    count, ones = TREES[detector.EDGES], np.ones(len(folds))
    edges = [grow(features, y, ones, folds, count, threads, MEASURE) for y in beyond.T]
    return [list(fold) for fold in zip(*edges, strict=True)]


def _beyond(case: Case) -> tuple[Array, Array]:
    """The features of candidates that are much like a true box, and how far it is beyond them."""
    assert case.runs is not None
    if not len(case.page.truth):
        return np.zeros((0, 1), np.float32), np.zeros((0, 4))
    fit = overlaps(_roomy(case), case.page.truth)
    near = fit.max(1) > NEAR
    away = case.page.truth[fit.argmax(1)[near]] - case.runs.boxes[near]
    outward = away * [-1, -1, 1, 1] / case.page.parts.unit
    return case.runs.features[near], np.clip(outward, 0, detector.ROOM)


def _report(
    cases: Sequence[Case],
    grown: list[Trees],
    edges: list[list[Trees]],
    least: float,
    what: str,
) -> None:
    outcomes = []
    for case in cases:
        assert case.runs is not None
        answers = answer(grown[case.page.fold], case.runs.features)
        chosen = search.non_maximum_suppression(case.runs.boxes, answers, least)
        features = case.runs.features[chosen]
        beyond = np.stack([answer(trees, features) for trees in edges[case.page.fold]], 1)
        beyond = np.clip(beyond, 0, detector.ROOM)
        found = search.with_margins(case.runs.boxes[chosen], beyond, case.page.parts.unit)
        outcomes.append(PageOutcome(case.page.name, found.tolist(), case.page.truth.tolist()))
    rows = {row[0]: row[1:] for row in as_tables(outcomes, 0.0)[0].rows}
    for score in ("precision", "recall", "F1"):
        sys.stderr.write(f"{what} from {least}: {score} {' '.join(rows[score])}\n")


if __name__ == "__main__":
    main()
