"""Features of candidate boxes: what the trees that score candidates take as input.

Input: the connected components of a page, the predictions of the component network, and scores of
gaps. Output: `MeasuredCandidates`, boxes (R, 4) with features (R, F) by the names in
`CANDIDATE_COLUMNS`: sums over the groups of a run, its position in the line, the white around it,
and what the component network predicts for its box.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.detect.candidates import Indices, Line, find_lines
from hmer_cli.page.detect.component_graph import Predictions, SymbolClassifier
from hmer_cli.page.detect.components import PART_COLUMNS, InkComponents
from hmer_cli.page.detect.gap_features import (
    GAP_SCORES,
    GROUP_COLUMNS,
    PARTING_COLUMNS,
    SUM_COLUMNS,
    GroupSum,
    cut_features,
    group_features,
    part_features,
    prefixed,
    white_between,
)
from hmer_cli.page.detect.integral import Floats, IntegralImages
from hmer_cli.page.detect.network_features import (
    NETWORK_FEATURES,
    OPINION_COLUMNS,
    network_features,
)
from hmer_cli.page.detect.symbol_classes import SYMBOL_CLASSES, symbol_features

GapScorer = Callable[[Floats], Floats]
"""Features of gaps (C, F) -> probabilities (C,) that an expression ends there."""

PADDING = 0.35  # letter heights: margin of annotated boxes around the ink
_MANY = 8_000  # candidates: twice as many as on any page of scan-pages and notes; of so many,
_HIGHEST = 13.0  # letter heights: those that are higher than any one expression are left out
_SIDES = ((0, -3.0), (2, 3.0), (1, -1.5), (3, 1.5))  # an edge, and letter heights beyond it

_CUTS = ("before", "after", "most", "total", "inside", "whole", "ends", "ends_less_most")
_WINDOWS = ("inside", "left", "right", "above", "below")
CANDIDATE_COLUMNS = (
    *prefixed("sum_is", SYMBOL_CLASSES),
    *prefixed("mean_is", SYMBOL_CLASSES),
    *("width", "height", "aspect"),
    *prefixed("sum", SUM_COLUMNS),
    *prefixed("mean", SUM_COLUMNS[1:]),
    *("maths_share", "area_share", "parts_per_width"),
    *("rest_parts", "rest_maths_share", "share_of_line"),
    *("groups", "groups_before", "groups_after"),
    *prefixed("line", SUM_COLUMNS),
    *prefixed("white", ("before", "after", "widest", "mean")),
    *prefixed("white", ("before_less_widest", "after_less_widest", "ends", "median")),
    *prefixed("first", GROUP_COLUMNS),
    *prefixed("last", GROUP_COLUMNS),
    *prefixed("previous", GROUP_COLUMNS),
    *prefixed("next", GROUP_COLUMNS),
    *(f"{kind}_{name}" for kind in ("cut", *PARTING_COLUMNS) for name in _CUTS),
    *(f"{where}_{what}" for where in _WINDOWS for what in ("parts", "maths", "unlikely", "mass")),
    *prefixed("page", ("maths", "parts", "maths_share", "pen")),
    *OPINION_COLUMNS,
)
"""The names of the features of a candidate, in their order."""


@dataclass(frozen=True)
class MeasuredCandidates:
    """R candidates: ``boxes`` (R, 4) in pixels and ``features`` (R, F)."""

    boxes: Floats
    features: Floats


def measure_candidates(
    parts: InkComponents,
    classify: SymbolClassifier,
    score_gaps: GapScorer,
    predictions: Predictions,
) -> MeasuredCandidates:
    """The candidates of a page, given the predictions of the component network."""
    lines = measure_lines(parts, classify, predictions, each_once=True)
    if not lines:
        return MeasuredCandidates(np.zeros((0, 4), np.float32), np.zeros((0, 0), np.float32))
    gaps = [cut_features(line, parts, groups, kinds, predictions) for line, groups, kinds in lines]
    cuts = np.split(score_gaps(np.concatenate(gaps)), np.cumsum([len(gap) for gap in gaps])[:-1])
    runs = [line.runs() for line, _, _ in lines]
    found, chosen, places = _distinct([hulls for _, _, hulls in runs], parts.unit)
    features = np.zeros((len(found), len(CANDIDATE_COLUMNS)), np.float32)
    for (line, groups, kinds), gap, cut, run, one, place in zip(
        lines, gaps, cuts, runs, chosen, places, strict=True
    ):
        if not len(one):
            continue
        first, last, hulls = (each[one] for each in run)
        inside = _in_line(line, first, last, hulls, groups, kinds, parts.unit)
        ends = [_cut(each, first, last) for each in (cut, *gap[:, GAP_SCORES].T)]
        own = np.concatenate([inside, *ends], 1)
        features[place, : own.shape[1]] = own
    around = _around(found, parts, predictions.maths)
    start = len(CANDIDATE_COLUMNS) - NETWORK_FEATURES
    features[:, start - around.shape[1] : start] = around
    features[:, start:] = network_features(predictions, parts, found, PADDING * parts.unit)
    return MeasuredCandidates(found, features)


def _distinct(hulls: Sequence[Floats], unit: float) -> tuple[Floats, list[Indices], list[Indices]]:
    """The different boxes (R, 4) among the runs of all lines, in ascending order; and for each
    line which of its runs are the first with their box, and the places of these boxes.

    Where there are very many, those higher than any expression are left out.
    """
    every = np.concatenate(hulls)
    one = _first_of_each(every)
    if len(one) > _MANY:
        one = one[every[one, 3] - every[one, 1] <= _HIGHEST * unit]
    order = np.argsort(one)
    ends = np.searchsorted(one[order], np.cumsum([0, *map(len, hulls)]))
    places = [order[start:end] for start, end in pairwise(ends)]
    before = np.cumsum([0, *map(len, hulls)])
    return every[one], [one[place] - at for place, at in zip(places, before, strict=False)], places


def _first_of_each(boxes: Floats) -> Indices:
    """The first place of each different box, boxes ascending: ``np.unique`` of rows, as numbers."""
    whole = boxes.astype(np.int64)
    if (whole != boxes).any() or whole.min(initial=0) < 0 or whole.max(initial=0) >= 1 << 15:
        return np.asarray(np.unique(boxes, axis=0, return_index=True)[1])
    keys = ((whole[:, 0] << 15 | whole[:, 1]) << 15 | whole[:, 2]) << 15 | whole[:, 3]
    return np.asarray(np.unique(keys, return_index=True)[1])


def measure_lines(
    parts: InkComponents,
    classify: SymbolClassifier,
    predictions: Predictions,
    each_once: bool = False,
) -> list[tuple[Line, Floats, Floats]]:
    """Every line with features of its groups: sums (G, P) and symbol class probabilities (G, K).

    With ``each_once`` without those of the same groups as one before.
    """
    lines = list(find_lines(parts, predictions.maths, predictions.links))
    if each_once:
        known: dict[bytes, Line] = {}
        for line in lines:
            known.setdefault(b"|".join(group.tobytes() for group in line.members), line)
        lines = list(known.values())
    if not lines:
        return []
    every = np.concatenate([line.boxes for line in lines])
    boxes, which = np.unique(every, axis=0, return_inverse=True)
    signs = classify(symbol_features(parts.ink, boxes, parts.unit))[which.reshape(-1)]
    ends = np.cumsum([len(line.boxes) for line in lines])[:-1]
    kinds = part_features(parts, predictions.maths)
    members = [group for line in lines for group in line.members]
    starts = np.cumsum([0, *map(len, members)])[:-1]
    sums = np.add.reduceat(kinds[np.concatenate(members)], starts, 0)
    return list(zip(lines, np.split(sums, ends), np.split(signs, ends), strict=True))


def _cut(cut: Floats, first: Indices, last: Indices) -> Floats:
    """Gap probabilities at the start, at the end and inside of each run, (R, 8)."""
    ends = np.concatenate([[1.0], cut, [1.0]]).astype(np.float32)
    whole = np.concatenate([[0.0], np.cumsum(np.log(np.clip(1 - ends[1:-1], 1e-3, 1)))])
    before, after = ends[first], ends[last + 1]
    inside = whole[last] - whole[first]
    most, total = _inner(ends, first, last)
    sure = np.log(before * after + 1e-3) + inside
    edges = np.minimum(before, after)
    return _column(before, after, most, total, inside, sure, edges, edges - most)


def _in_line(
    line: Line,
    first: Indices,
    last: Indices,
    hulls: Floats,
    groups: Floats,
    kinds: Floats,
    unit: float,
) -> Floats:
    """Features of each run and of its position in the line, (R, F)."""
    sums = np.concatenate([np.zeros((1, groups.shape[1]), np.float32), np.cumsum(groups, 0)])
    own, whole = sums[last + 1] - sums[first], sums[-1]
    size = (hulls[:, 2:] - hulls[:, :2]) / unit
    span = (line.boxes[:, 2].max() - line.boxes[:, 0].min()) / unit
    rest = whole - own
    count, mass, maths = own[:, : GroupSum.MATHS].T
    rest_share = rest[:, GroupSum.MATHS_MASS] / np.maximum(rest[:, GroupSum.MASS], 1e-3)
    described = np.concatenate([group_features(line, groups, unit), kinds], 1)
    signs = np.concatenate([np.zeros((1, kinds.shape[1]), np.float32), np.cumsum(kinds, 0)])
    signs = signs[last + 1] - signs[first]
    white = white_between(line, unit)
    before, after = white[first], white[last + 1]
    widest, total = _inner(white, first, last)
    columns: list[Floats] = [
        signs,
        signs / (last - first + 1)[:, None],
        size,
        np.log(size[:, :1] / size[:, 1:]),
        own,
        own[:, 1:] / count[:, None],
        _column(maths / mass, own[:, GroupSum.AREA] / size.prod(1), count / size[:, 0]),
        _column(rest[:, GroupSum.PARTS], rest_share, size[:, 0] / span),
        _column(last - first + 1, first, len(groups) - 1 - last),
        np.broadcast_to(whole[None] / whole[GroupSum.PARTS], own.shape),
        _column(before, after, widest, total / np.maximum(last - first, 1)),
        _column(before - widest, after - widest, np.minimum(before, after)),
        np.full((len(first), 1), np.median(white[1:-1]) if len(groups) > 1 else -1),
        described[first],
        described[last],
        np.where((first > 0)[:, None], described[first - 1], -1),
        np.where((last + 1 < len(groups))[:, None], described[(last + 1) % len(groups)], -1),
    ]
    return np.concatenate(columns, 1).astype(np.float32)


def _inner(white: Floats, first: Indices, last: Indices) -> tuple[Floats, Floats]:
    """The widest white inside each run and the sum of all, (R,) each; 0 for a single group."""
    count = len(white) - 1
    widest = np.zeros((count, int((last - first).max()) + 1), np.float32)
    for far in range(1, widest.shape[1]):
        here = white[far:count]
        before = widest[: count - far, far - 1]
        widest[: count - far, far] = np.maximum(before, here) if far > 1 else here
    sums = np.cumsum(white)
    return widest[first, last - first], np.asarray(sums[last] - sums[first], dtype=np.float32)


def _around(boxes: Floats, parts: InkComponents, maths: Floats) -> Floats:
    """Sums over the components inside each box, beside it and on the page, (R, F)."""
    sums = IntegralImages(parts.ink.shape)
    middle = np.stack([parts.boxes[:, [0, 2]].mean(1), parts.boxes[:, [1, 3]].mean(1)], 1)
    for values in (np.ones(len(parts)), maths, parts.mass, parts.mass * maths, maths < 0.5):
        sums.add(middle, values)
    columns: list[NDArray[np.generic]] = []
    for window in (boxes, *(_beyond(boxes, edge, reach * parts.unit) for edge, reach in _SIDES)):
        seen = sums.within(window)
        share = seen[:, 3] / np.maximum(seen[:, 2], 1)
        columns += [seen[:, 0], share, seen[:, 4], seen[:, 2] / parts.unit**2]
    page = np.array([maths.mean(), len(parts), parts.mass @ maths / parts.mass.sum()])
    columns += [np.full(len(boxes), value, np.float32) for value in page]
    columns.append(
        np.full(len(boxes), parts.features[0, PART_COLUMNS.index("page_pen")], np.float32)
    )
    return _column(*columns)


def _beyond(boxes: Floats, edge: int, reach: float) -> Floats:
    """Strips (R, 4) along one edge of the boxes, outside of them."""
    strips = boxes.copy()
    strips[:, (edge + 2) % 4] = boxes[:, edge]
    strips[:, edge] += reach
    return strips


def _column(*values: NDArray[np.generic]) -> Floats:
    return np.stack(values, 1).astype(np.float32)
