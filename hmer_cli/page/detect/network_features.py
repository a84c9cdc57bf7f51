"""Features of candidate boxes and gaps from the component network.

Input: its predictions for each component (probability of mathematics, box of the expression, links
to neighbours) and boxes, each perhaps one expression. Output: a row of features a box, for the
boosted trees.
"""

from __future__ import annotations

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
    links = predictions.links.among(told)
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
    links: Links,
    parts: InkComponents,
    near: NDArray[np.int64],
    boxes: Floats,
    room: float,
) -> Floats:
    """Features (R, NETWORK_FEATURES) of boxes by the ``near`` components."""
    spread = np.array([-1, -1, 1, 1], np.float32) * room
    middle = (parts.boxes[:, :2] + parts.boxes[:, 2:]) / np.float32(2)
    here = middle[near]
    x, y = here[:, 0], here[:, 1]
    left, top, right, foot = boxes.T[..., None]
    inside = (x >= left) & (x <= right) & (y >= top) & (y <= foot)
    told = _of_boxes(
        predictions.maths[near], predictions.boxes[near], inside, boxes + spread, parts.unit
    )
    linked = _of_links(links, near, inside, middle[:, 0])
    return np.concatenate([told, linked], 1).astype(np.float32)


def gap_scores(line: Line, predictions: Predictions) -> Floats:
    """One minus the mean link probability across each gap of a line, (G - 1, 2): between the two
    groups beside the gap, and between all groups before it and all behind it."""
    count = len(line.members)
    if count < 2:
        return np.zeros((0, 2), np.float32)
    group = np.repeat(np.arange(count), [len(members) for members in line.members])
    members = np.concatenate(line.members)
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    tables = []
    for links in predictions.links.between(members):
        tables.append(np.add.reduceat(np.add.reduceat(links, starts, 0), starts, 1))
    same, known = tables
    beside = np.arange(count - 1)
    near = _share(same[beside, beside + 1], known[beside, beside + 1])
    across = [_crossing(table) for table in tables]
    return 1 - np.stack([near, _share(*across)], 1).astype(np.float32)


def _crossing(links: Floats) -> Floats:
    """The sum of the links over each gap of a line: (G, G) to (G - 1,)."""
    sums = links.cumsum(0).cumsum(1)
    before = np.arange(len(links) - 1)
    return np.asarray(sums[before, -1] - sums[before, before], dtype=np.float32)


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


def _of_links(links: Links, near: NDArray[np.int64], held: NDArray[np.bool_], x: Floats) -> Floats:
    """Sums of links between the components inside, and from these to others, (R, 11).

    ``held`` (R, n) marks the ``near`` components inside, ``x`` (N,) are their centres.
    """
    box, place = np.nonzero(held)
    member, pair = links.pairs_of(near[place])
    column = np.full(links.count, -1)
    column[near] = np.arange(len(near))
    at = column[links.columns[pair]]
    to_inside = (at >= 0) & held[box[member], at]
    likely = np.clip(links.same, _SURE, 1 - _SURE)
    value, right = links.same[pair], x[links.columns[pair]] > x[links.rows[pair]]

    out, out_right = ~to_inside, ~to_inside & right
    log, log_rest = np.log(likely)[pair], np.log(1 - likely)[pair]
    kinds = (to_inside * value, to_inside, out * value, out, to_inside * log, out * log_rest,
             out_right * value, out_right)  # fmt: skip
    # Pairs are in the order of boxes: their sums are differences of running ones.
    ends = np.searchsorted(box[member], np.arange(len(held) + 1))
    running = np.zeros((len(kinds), len(pair) + 1))
    np.cumsum(kinds, axis=1, out=running[:, 1:])
    totals = running[:, ends[1:]] - running[:, ends[:-1]]
    same, known, same_out, known_out, joined, parted, right_out, right_known = totals
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
        _weakest(box, member[to_inside], value[to_inside], len(held)),
        joined / 2 + parted,
    ]
    return np.stack(columns, 1).astype(np.float32)


def _weakest(
    box: NDArray[np.int64], member: NDArray[np.int64], value: Floats, boxes: int
) -> Floats:
    """The least share that a part has in common with the others in its box, (R,).

    ``box`` (M,) are those of the parts inside; each link has the place of its part there, and a
    value.
    """
    some = np.bincount(member, value, len(box)).astype(np.float32)
    own = _share(some, np.bincount(member, minlength=len(box)).astype(np.float32))
    least = np.ones(boxes, np.float32)
    np.minimum.at(least, box, own)
    return least
