"""Features of candidate boxes and gaps from the component network.

Input: its predictions for each component (probability of mathematics, box of the expression, links
to neighbours) and boxes, each perhaps one expression. Output: a row of features a box, for the
boosted trees.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hmer_cli.geometry import iou
from hmer_cli.page.detect.candidates import Line
from hmer_cli.page.detect.component_graph import Links, Predictions
from hmer_cli.page.detect.components import InkComponents
from hmer_cli.page.detect.integral import Floats

_EDGES = ("left", "top", "right", "bottom")
OPINION_COLUMNS = (
    *("parts_log", "maths_mean", "maths_log", "maths_least"),
    *("fit_mean", "fit_best", "fit_worst", "mean_box_fit", "fitting_share", "fitting_outside"),
    *(f"mean_box_{edge}" for edge in _EDGES),
    *(f"box_deviation_{edge}" for edge in _EDGES),
    *("links_inside", "links_inside_log", "links_outside", "links_outside_sum"),
    *("links_outside_log", "links_right_sum", "links_right", "links_left_sum", "links_left"),
    *("links_weakest", "links_log"),
)
"""The names of what the component network's predictions say of a box, in their order."""

NETWORK_FEATURES = len(OPINION_COLUMNS)

_SURE = 0.01  # probabilities are clipped to this distance from 0 and 1
_STRANGER = 0.03  # components of lower probability of being mathematics are ignored
_TOGETHER = 256  # boxes per block: boxes near each other share their components, which are few


def network_features(
    predictions: Predictions, parts: InkComponents, boxes: Floats, room: float
) -> Floats:
    """Features (R, NETWORK_FEATURES) of boxes (R, 4) around ink.

    ``room`` is the margin of annotated boxes around the ink, in pixels. Only components at the
    height of a block of boxes are used: the time is linear in the size of the page.
    """
    told = predictions.maths > _STRANGER
    middle = (parts.boxes[:, 0] + parts.boxes[:, 2]) / np.float32(2)
    links = _LinkSums.of(predictions.links.among(told), middle)
    found = np.zeros((len(boxes), NETWORK_FEATURES), np.float32)
    order = np.argsort(boxes[:, 1], kind="stable")
    for start in range(0, len(boxes), _TOGETHER):
        which = order[start : start + _TOGETHER]
        near = np.flatnonzero(told & _near(predictions, parts, boxes[which], room))
        found[which] = _block_features(predictions, links, parts, near, boxes[which], room)
    return found


def _near(
    predictions: Predictions, parts: InkComponents, boxes: Floats, room: float
) -> NDArray[np.bool_]:
    """The components that matter for some boxes: those at the same height, and those whose
    predicted box is."""
    top, foot = boxes[:, 1].min() - room, boxes[:, 3].max() + room
    beside = (parts.boxes[:, 3] >= top) & (parts.boxes[:, 1] <= foot)
    expect = (predictions.boxes[:, 3] >= top) & (predictions.boxes[:, 1] <= foot)
    return np.asarray(beside | expect)


def _block_features(
    predictions: Predictions,
    links: _LinkSums,
    parts: InkComponents,
    near: NDArray[np.int64],
    boxes: Floats,
    room: float,
) -> Floats:
    """Features (R, NETWORK_FEATURES) of boxes by the ``near`` components."""
    spread = np.array([-1, -1, 1, 1], np.float32) * room
    here = (parts.boxes[near, :2] + parts.boxes[near, 2:]) / np.float32(2)
    x, y = here.T[..., None]
    left, top, right, foot = boxes.T
    inside = (x >= left) & (x <= right) & (y >= top) & (y <= foot)
    held, around = np.ascontiguousarray(inside.T), boxes + spread
    told = _of_boxes(predictions.maths[near], predictions.boxes[near], held, around, parts.unit)
    linked = _of_links(links, near, inside)
    return np.concatenate([told, linked], 1).astype(np.float32)


def gap_scores(line: Line, predictions: Predictions) -> Floats:
    """One minus the mean link probability across each gap of a line, (G - 1, 2): between the two
    groups beside the gap, and between all groups before it and all behind it."""
    count = len(line.members)
    if count < 2:
        return np.zeros((0, 2), np.float32)
    links = predictions.links
    group = np.full(links.count, -1)
    members = np.concatenate(line.members)
    group[members] = np.repeat(np.arange(count), [len(members) for members in line.members])
    which, pair = links.pairs_of(members)
    left, right = group[members[which]], group[links.columns[pair]]
    over = left < right  # each pair once; the others of a pair may be in no group
    left, right, same = left[over], right[over], links.same[pair[over]].astype(np.float64)
    beside = right == left + 1
    near = _per_gap(left[beside], same[beside], count)
    # Over a gap lead the links that began before it and have not ended yet.
    across = [
        (began - ended).cumsum()
        for began, ended in zip(
            _per_gap(left, same, count), _per_gap(right, same, count), strict=True
        )
    ]
    return 1 - np.stack([_share(*near), _share(*across)], 1).astype(np.float32)


def _per_gap(
    gap: NDArray[np.int64], same: NDArray[np.float64], groups: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The sum of links at each gap of a line of so many groups, and their number, (G - 1,) each."""
    total = np.bincount(gap, same, groups).astype(np.float64)
    number = np.bincount(gap, minlength=groups).astype(np.float64)
    return total[: groups - 1], number[: groups - 1]


def _share(some: NDArray[np.floating], whole: NDArray[np.floating]) -> Floats:
    return np.asarray(some / np.maximum(whole, _SURE), dtype=np.float32)


def _of_boxes(
    maths: Floats, expected: Floats, held: NDArray[np.bool_], boxes: Floats, unit: float
) -> Floats:
    """Agreement of boxes with those predicted for the components in them, (R, 18).

    ``maths`` (N,) and ``expected`` (N, 4) are predictions, ``held`` (R, N) marks those inside.
    """
    inside = held.astype(np.float32)
    count = np.maximum(inside.sum(1), 1)
    weight = inside * maths
    total = np.maximum(weight.sum(1), _SURE)
    mean = weight @ expected / total[:, None]
    spread = np.sqrt(np.maximum(weight @ expected**2 / total[:, None] - mean**2, 0))
    fit = iou(boxes[:, None], expected[None])
    columns = [
        np.log(count),
        total / count,
        inside @ np.log(np.maximum(maths, _SURE)) / count,
        np.where(held, maths, 1).min(1, initial=1),
        (fit * weight).sum(1) / total,
        np.where(held, fit, 0).max(1, initial=0),
        np.where(held, fit, 1).min(1, initial=1),
        iou(mean, boxes),
        ((fit > 0.5) * weight).sum(1) / total,
        ((fit > 0.5) * maths * (1 - inside)).sum(1),
    ]
    return np.concatenate([np.stack(columns, 1), (mean - boxes) / unit, spread / unit], 1)


@dataclass(frozen=True)
class _LinkSums:
    """What is summed over links: ``totals`` (N, K) of those of each component; K are the
    probability p, 1, log p, log (1 - p), and p and 1 of links to the right.

    ``both`` (E, K) are the sums of a link and the same one from its other end.
    """

    links: Links
    both: NDArray[np.float64]
    totals: NDArray[np.float64]

    @classmethod
    def of(cls, links: Links, x: Floats) -> _LinkSums:
        """Of links between parts at ``x`` (N,)."""
        likely = np.clip(links.same, _SURE, 1 - _SURE)
        right = x[links.columns] > x[links.rows]
        apart = x[links.columns] != x[links.rows]  # of both ends, one leads to the right
        two = np.full_like(likely, 2)
        logs = np.log(likely), np.log(1 - likely)
        columns = (links.same, two / 2, *logs, links.same * right, right)
        both = (2 * links.same, two, 2 * logs[0], 2 * logs[1], links.same * apart, apart)
        totals = _sums(np.stack(columns, 1).astype(np.float64), links.starts)
        return cls(links, np.stack(both, 1).astype(np.float64), totals)


def _sums(values: NDArray[np.float64], ends: NDArray[np.int64]) -> NDArray[np.float64]:
    """The sums of (P, K) values from each of S + 1 ends to the next, (S, K)."""
    running = np.zeros((len(values) + 1, values.shape[1]))
    np.cumsum(values, axis=0, out=running[1:])
    return running[ends[1:]] - running[ends[:-1]]


def _of_links(sums: _LinkSums, near: NDArray[np.int64], held: NDArray[np.bool_]) -> Floats:
    """Sums of links between the components inside, and from these to others, (R, 11).

    ``held`` (n, R) marks the ``near`` components inside each box.
    """
    links = sums.links
    place = np.full(links.count, -1)
    place[near] = np.arange(len(near))
    row, pair = links.pairs_of(near)
    column = place[links.columns[pair]]
    once = column > row
    row, column, pair = row[once], column[once], pair[once]
    link, box = np.nonzero(held[row] & held[column])
    within = _of_each(box, sums.both[pair[link]], held.shape[1])
    part, box_of_part = np.nonzero(held)
    # What leads out is all that the parts have but for the links between them.
    without = _of_each(box_of_part, sums.totals[near[part]], held.shape[1]) - within
    same, known, joined, *_ = within.T
    same_out, known_out, _, parted, right_out, right_known = without.T
    columns = [
        _share(same, known),
        joined / np.maximum(known, 1),
        _share(same_out, known_out),
        same_out,
        parted,
        right_out,
        _share(right_out, right_known),
        same_out - right_out,
        _share(same_out - right_out, known_out - right_known),
        _weakest(box, row[link], column[link], links.same[pair[link]], held),
        joined / 2 + parted,
    ]
    return np.stack(columns, 1).astype(np.float32)


def _weakest(
    box: NDArray[np.int64],
    row: NDArray[np.int64],
    column: NDArray[np.int64],
    value: Floats,
    held: NDArray[np.bool_],
) -> Floats:
    """The least share that a part has in common with the others in its box, (R,).

    Links (L,) have a ``value`` and join two of the parts in a ``box``, ``held`` (n, R) marks those
    in each.
    """
    parts, boxes = held.shape
    ends = np.concatenate([row, column]) * boxes + np.concatenate([box, box])
    total = np.bincount(ends, np.concatenate([value, value]), held.size).astype(np.float64)
    number = np.bincount(ends, minlength=held.size).astype(np.float64)
    share = _share(total, number).reshape(parts, boxes)
    return np.asarray(np.where(held, share, np.float32(1)).min(0, initial=1))


def _of_each(
    box: NDArray[np.int64], values: NDArray[np.float64], count: int
) -> NDArray[np.float64]:
    """The sums of values (L, K), each of a ``box`` (L,), for each of so many boxes, (R, K)."""
    return np.stack([np.bincount(box, column, count) for column in values.T], 1)
