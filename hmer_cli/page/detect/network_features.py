"""Features of candidate boxes and gaps from the predictions of the component network.

Input: `Predictions` of a page and boxes (R, 4). Output: features (R, F) by the names in
`OPINION_COLUMNS`: probabilities of the components inside, agreement of their predicted boxes with
the box, and links inside and across its border.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hmer_cli.geometry import iou
from hmer_cli.page.detect.candidates import Line
from hmer_cli.page.detect.component_graph import DensePredictions, Predictions
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
"""Names of the features of a box, in their order (kept for shipped trees)."""

NETWORK_FEATURES = len(OPINION_COLUMNS)

_SURE = 0.01  # probabilities are clipped to this distance from 0 and 1
_STRANGER = 0.03  # components of lower probability of being mathematics are ignored
_MANY = 2000  # boxes per block, to bound memory
_WHOLE = 1500  # components; of more, only those near a block of boxes are used
_LOCAL = 256  # boxes per block then


def network_features(
    predictions: Predictions, parts: InkComponents, boxes: Floats, room: float
) -> Floats:
    """Features (R, NETWORK_FEATURES) of boxes (R, 4) around ink.

    ``room`` is the margin of annotated boxes around the ink, in pixels.
    """
    chosen = np.flatnonzero(predictions.maths > _STRANGER)
    found = np.zeros((len(boxes), NETWORK_FEATURES), np.float32)
    whole = len(chosen) <= _WHOLE
    few = predictions.of(chosen if whole else chosen[:0])
    order = np.arange(len(boxes)) if whole else np.argsort(boxes[:, 1], kind="stable")
    size = _MANY if whole else _LOCAL
    for start in range(0, len(boxes), size):
        which = order[start : start + size]
        near = chosen if whole else _near(predictions, parts, boxes[which], chosen, room)
        found[which] = _block_features(
            few if whole else predictions.of(near), parts, near, boxes[which], room
        )
    return found


def _near(
    predictions: Predictions,
    parts: InkComponents,
    boxes: Floats,
    chosen: NDArray[np.int64],
    room: float,
) -> NDArray[np.int64]:
    """The chosen components that are relevant to a block of boxes: those at the same height, those
    whose predicted box is, and the neighbours of the former."""
    top, foot = boxes[:, 1].min() - room, boxes[:, 3].max() + room
    is_chosen = np.zeros(len(parts), bool)
    is_chosen[chosen] = True
    beside = (parts.boxes[:, 3] >= top) & (parts.boxes[:, 1] <= foot)
    near = predictions.links.around(np.flatnonzero(is_chosen & beside))
    predicted = np.flatnonzero((predictions.boxes[:, 3] >= top) & (predictions.boxes[:, 1] <= foot))
    both = np.union1d(near, predicted)
    return both[is_chosen[both]]


def _block_features(
    few: DensePredictions,
    parts: InkComponents,
    chosen: NDArray[np.int64],
    boxes: Floats,
    room: float,
) -> Floats:
    """Features (R, NETWORK_FEATURES) of boxes, by the predictions ``few`` of the chosen parts."""
    spread = np.array([-1, -1, 1, 1], np.float32) * room
    middle = (parts.boxes[chosen, :2] + parts.boxes[chosen, 2:]) / np.float32(2)
    within = (middle >= boxes[:, None, :2]) & (middle <= boxes[:, None, 2:])
    inside = np.asarray(within.all(2), dtype=np.float32)
    of_boxes = _of_boxes(few, inside, boxes + spread, parts.unit)
    return np.concatenate([of_boxes, _of_links(few, inside, middle[:, 0])], 1).astype(np.float32)


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


def _share(some: Floats, whole: Floats) -> Floats:
    return np.asarray(some / np.maximum(whole, _SURE), dtype=np.float32)


def _of_boxes(predictions: DensePredictions, inside: Floats, boxes: Floats, unit: float) -> Floats:
    """Agreement of boxes with those predicted for the components in them, (R, 18).

    ``inside`` (R, N) is 1 for components in a box, else 0.
    """
    count = np.maximum(inside.sum(1), 1)
    weight = inside * predictions.maths
    total = np.maximum(weight.sum(1), _SURE)
    mean = weight @ predictions.boxes / total[:, None]
    spread = np.sqrt(np.maximum(weight @ predictions.boxes**2 / total[:, None] - mean**2, 0))
    fit = iou(boxes[:, None], predictions.boxes[None])
    held = inside > 0
    columns = [
        np.log(count),
        total / count,
        inside @ np.log(np.maximum(predictions.maths, _SURE)) / count,
        np.where(held, predictions.maths, 1).min(1, initial=1),
        (fit * weight).sum(1) / total,
        np.where(held, fit, 0).max(1, initial=0),
        np.where(held, fit, 1).min(1, initial=1),
        iou(mean, boxes),
        ((fit > 0.5) * weight).sum(1) / total,
        ((fit > 0.5) * predictions.maths * (1 - inside)).sum(1),
    ]
    return np.concatenate([np.stack(columns, 1), (mean - boxes) / unit, spread / unit], 1)


def _of_links(predictions: DensePredictions, inside: Floats, x: Floats) -> Floats:
    """Sums of links between the components inside, and from these to others, (R, 11)."""
    likely = np.clip(predictions.same, _SURE, 1 - _SURE)
    behind = predictions.same * (x[None] > x[:, None])
    ahead = predictions.known * (x[None] > x[:, None])
    same, same_out = _sums(inside, predictions.same)
    known, known_out = _sums(inside, predictions.known)
    joined, _ = _sums(inside, predictions.known * np.log(likely))
    _, parted = _sums(inside, predictions.known * np.log(1 - likely))
    _, right = _sums(inside, behind)
    _, right_known = _sums(inside, ahead)
    own = _share(inside @ predictions.same, inside @ predictions.known)
    columns = [
        _share(same, known),
        joined / np.maximum(known, 1),
        _share(same_out, known_out),
        same_out,
        parted,
        right,
        _share(right, right_known),
        same_out - right,
        _share(same_out - right, known_out - right_known),
        np.where(inside > 0, own, 1).min(1, initial=1),
        joined / 2 + parted,
    ]
    return np.stack(columns, 1)


def _sums(inside: Floats, links: Floats) -> tuple[Floats, Floats]:
    """The sums of the links between parts inside, and from there to the others, (R,) each."""
    within = ((inside @ links) * inside).sum(1)
    return within, inside @ links.sum(1) - within
