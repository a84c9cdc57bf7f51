"""Training tables of the boosted trees: features, targets and weights of gaps and candidates.

A `Case` is a page with the predictions of the networks for it. Gaps are labelled by whether an
expression ends there, candidates by their IoU with the true boxes, edges by their distance from
the ink to the true box.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from hmer_cli.geometry import iou_table
from hmer_cli.page.detect import detector
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
from hmer_cli.page.detect.detector import Detector
from hmer_cli.page.detect.gap_features import cut_features
from hmer_cli.training.detector.examples import Array, Example

GOOD = 0.6  # least IoU of a positive candidate
HALF = 0.5  # least IoU of candidates that are all kept
NEAR = 0.45  # least IoU of candidates for the regression of margins
KEPT = 0.3  # share of the other candidates: there are many, and they are similar

Table = tuple[Array, Array, Array]
"""Features (N, F), targets (N,) or (N, 4), and weights (N,)."""


@dataclass(frozen=True)
class Case:
    """A page, the inputs of the component network for it, and the network's predictions."""

    page: Example
    told: ComponentGraph
    views: Predictions

    def runs(self, known: Detector) -> MeasuredCandidates:
        """The candidates of the page; ``known`` has the trees for gaps."""
        cutter = partial(known.likely_cuts, fold=self.page.fold)
        return measure_candidates(self.page.parts, known.kinds, cutter, self.views)


def cases(pages: Iterable[Example], known: Detector) -> Iterator[Case]:
    """The pages with out-of-fold predictions of the component network."""
    for page in pages:
        told = component_graph(page.parts, known.kinds)
        yield Case(page, told, predict(page.parts, told, *known.answers(told, page.fold)))


def gaps(case: Case, known: Detector) -> Table:
    """Every gap of every line, whether an expression ends there, and weights, all one."""
    parts, owner, features, ends = case.page.parts, case.page.owners(), [], []
    for line, groups, kinds in measure_lines(parts, known.kinds, case.views):
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


def candidates(case: Case, known: Detector) -> Table:
    """The features of candidates, whether they are expressions, and their weights.

    Most that are none are left out, and those kept weigh more for it.
    """
    runs = case.runs(known)
    best = _overlaps(runs, case.page).max(1, initial=0)
    random = np.random.default_rng(len(best))
    kept = (best > HALF) | (random.random(len(best)) < KEPT)
    best = best[kept]
    return runs.features[kept], best > GOOD, np.where(best > HALF, 1, 1 / KEPT)


def edges(case: Case, known: Detector) -> Table:
    """Features of candidates near a true box, its margins (N, 4) beyond their edges in letter
    heights, and unit weights; empty for pages without drawn boxes."""
    if not len(case.page.truth) or not case.page.annotated:
        return np.zeros((0, 1), np.float32), np.zeros((0, 4)), np.zeros(0)
    runs = case.runs(known)
    fit = _overlaps(runs, case.page)
    near = fit.max(1) > NEAR
    away = case.page.truth[fit.argmax(1)[near]] - runs.boxes[near]
    outward = away * [-1, -1, 1, 1] / case.page.parts.unit
    return runs.features[near], np.clip(outward, 0, detector.ROOM), np.ones(int(near.sum()))


def _overlaps(runs: MeasuredCandidates, page: Example) -> Array:
    """The IoU of candidates, with some room around their ink, and true boxes, (R, M)."""
    room = np.array([-1, -1, 1, 1]) * PADDING * page.parts.unit
    found: Array = iou_table((runs.boxes + room).tolist(), page.truth.tolist())
    return found.reshape(len(runs.boxes), len(page.truth))
