"""What the network's views of parts say about boxes that may hold one expression each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hmer_cli.geometry import iou
from hmer_cli.page.detect.candidates import Line
from hmer_cli.page.detect.component_graph import Predictions, SomeViews
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

_SURE = 0.01  # no share is nearer to nought or one than this
_STRANGER = 0.03  # parts less likely to be mathematics than this have no say
_MANY = 2000  # boxes at a time, so that memory stays flat
_WHOLE = 1500  # parts; of more, each box hears those near it alone: their links are a square table
_LOCAL = 256  # boxes at a time then


def network_features(
    views: Predictions, parts: InkComponents, boxes: Floats, room: float
) -> Floats:
    """What the parts in and around (R, 4) boxes say of them, (R, OPINIONS).

    ``room`` is what people leave around the ink of an expression, in pixels.
    """
    chosen = np.flatnonzero(views.maths > _STRANGER)
    found = np.zeros((len(boxes), NETWORK_FEATURES), np.float32)
    whole = len(chosen) <= _WHOLE
    few = views.of(chosen if whole else chosen[:0])
    order = np.arange(len(boxes)) if whole else np.argsort(boxes[:, 1], kind="stable")
    size = _MANY if whole else _LOCAL
    for start in range(0, len(boxes), size):
        which = order[start : start + size]
        near = chosen if whole else _near(views, parts, boxes[which], chosen, room)
        found[which] = _told(few if whole else views.of(near), parts, near, boxes[which], room)
    return found


def _near(
    views: Predictions, parts: InkComponents, boxes: Floats, chosen: NDArray[np.int64], room: float
) -> NDArray[np.int64]:
    """The chosen parts that have a say of some boxes: those beside them down the page, those that
    expect their expression there, and their neighbours."""
    top, foot = boxes[:, 1].min() - room, boxes[:, 3].max() + room
    told = np.zeros(len(parts), bool)
    told[chosen] = True
    beside = (parts.boxes[:, 3] >= top) & (parts.boxes[:, 1] <= foot)
    near = views.links.around(np.flatnonzero(told & beside))
    expect = np.flatnonzero((views.boxes[:, 3] >= top) & (views.boxes[:, 1] <= foot))
    both = np.union1d(near, expect)
    return both[told[both]]


def _told(
    few: SomeViews, parts: InkComponents, chosen: NDArray[np.int64], boxes: Floats, room: float
) -> Floats:
    """What the chosen parts, whose views are ``few``, say of boxes, (R, OPINIONS)."""
    spread = np.array([-1, -1, 1, 1], np.float32) * room
    middle = (parts.boxes[chosen, :2] + parts.boxes[chosen, 2:]) / np.float32(2)
    within = (middle >= boxes[:, None, :2]) & (middle <= boxes[:, None, 2:])
    inside = np.asarray(within.all(2), dtype=np.float32)
    told = _of_boxes(few, inside, boxes + spread, parts.unit)
    return np.concatenate([told, _of_links(few, inside, middle[:, 0])], 1).astype(np.float32)


def gap_scores(line: Line, views: Predictions) -> Floats:
    """How likely an expression ends at each gap of a line, by the links across it, (G - 1, 2):
    between the two groups beside the gap, and between all before it and all behind it."""
    count = len(line.members)
    if count < 2:
        return np.zeros((0, 2), np.float32)
    group = np.repeat(np.arange(count), [len(members) for members in line.members])
    members = np.concatenate(line.members)
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    tables = []
    for links in views.links.between(members):
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


def _of_boxes(views: SomeViews, inside: Floats, boxes: Floats, unit: float) -> Floats:
    """How well boxes are those that their parts think of, (R, 18); ``inside`` (R, N), 1 or 0."""
    count = np.maximum(inside.sum(1), 1)
    weight = inside * views.maths
    total = np.maximum(weight.sum(1), _SURE)
    mean = weight @ views.boxes / total[:, None]
    spread = np.sqrt(np.maximum(weight @ views.boxes**2 / total[:, None] - mean**2, 0))
    fit = iou(boxes[:, None], views.boxes[None])
    held = inside > 0
    columns = [
        np.log(count),
        total / count,
        inside @ np.log(np.maximum(views.maths, _SURE)) / count,
        np.where(held, views.maths, 1).min(1, initial=1),
        (fit * weight).sum(1) / total,
        np.where(held, fit, 0).max(1, initial=0),
        np.where(held, fit, 1).min(1, initial=1),
        iou(mean, boxes),
        ((fit > 0.5) * weight).sum(1) / total,
        ((fit > 0.5) * views.maths * (1 - inside)).sum(1),
    ]
    return np.concatenate([np.stack(columns, 1), (mean - boxes) / unit, spread / unit], 1)


def _of_links(views: SomeViews, inside: Floats, x: Floats) -> Floats:
    """How strongly the parts inside are linked to each other and to others, (R, 11)."""
    likely = np.clip(views.same, _SURE, 1 - _SURE)
    behind = views.same * (x[None] > x[:, None])
    ahead = views.known * (x[None] > x[:, None])
    same, same_out = _sums(inside, views.same)
    known, known_out = _sums(inside, views.known)
    joined, _ = _sums(inside, views.known * np.log(likely))
    _, parted = _sums(inside, views.known * np.log(1 - likely))
    _, right = _sums(inside, behind)
    _, right_known = _sums(inside, ahead)
    own = _share(inside @ views.same, inside @ views.known)
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
