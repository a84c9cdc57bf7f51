"""Stroke extraction from images: ink mask -> skeleton -> branches -> strokes.

Input: a mask (H, W). Output: a `Skeleton`: strokes as points, and the stroke nearest to each ink
pixel. Method: thinning, tracing of branches between junctions, removal of spurs and small loops,
and joining of branches that continue straight through a junction (Chan, "Stroke extraction for
offline handwritten mathematical expression recognition", arXiv 1905.06749). Distances are in
pixels; those given as a pair are a multiple of half the pen width plus a constant.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.ink.thinning import AROUND, DEGREE, LINKED, Mask, neighbours, thinned

Floats = NDArray[np.float64]

MOST = 1024
"""Maximal number of strokes; the longest are kept. A line of text has a few hundred."""

_SPUR = 1.5, 1.5
"""Maximal length of a spur: a short branch at the end of a thick line."""

_BRIDGE = 1.5, 1.0
"""Junctions closer than this are merged: an oblique crossing makes two."""

_LOOP = 2.0, 4.0
"""A loop shorter than this is a hole in the ink."""

_AHEAD = 2.0, 5.0
"""Distance over which the direction of a branch is measured, after the first half pen."""

_STRAIGHT = -0.35
"""Maximal cosine of the directions of two branches that continue each other."""

_MOST_ENDS = 64
"""Branches that meet in a junction of more ends are not joined: it is no writing, and their pairs
would be many."""

_SMOOTH = 2
"""Half width, in points, of the moving average over a stroke."""

_OPEN = 2.5
"""Maximal distance of the ends of a closed stroke."""

_DOWN = 1.5
"""Weight of downward relative to rightward motion in choosing the direction of a stroke."""


@dataclass(frozen=True)
class Skeleton:
    """The N strokes of one image, from left to right.

    Attributes:
        strokes: points (P, 2), x and y in pixels, from the upper or left end.
        where: (H, W), the index of the nearest stroke for each ink pixel, -1 elsewhere.
    """

    strokes: list[NDArray[np.float32]]
    where: NDArray[np.int32]


def skeleton(mask: Mask, most: int = MOST) -> Skeleton | None:
    """The strokes of a mask (H, W), 1 for ink, the ``most`` longest; None without ink."""
    padded = np.pad(mask, 1)
    lines = thinned(padded)
    graph = _Graph.trace(lines, cv2.distanceTransform(padded, cv2.DIST_L2, 3))
    graph.clean()
    chains, owners = graph.chains()
    if not chains:
        return None
    strokes = _smoothed(graph.points, chains)
    lengths = np.array([len(stroke) for stroke in strokes])
    kept = np.sort(np.argsort(-lengths, kind="stable")[:most])
    left = [strokes[i][:, 0].min() for i in kept]
    kept = kept[np.argsort(left, kind="stable")]
    places = np.full(len(strokes) + 1, -1, np.int32)
    places[kept] = np.arange(len(kept))
    directed = [_directed(strokes[i]) - np.float32(1) for i in kept]
    return Skeleton(directed, _nearest(padded, graph.points, places[owners])[1:-1, 1:-1])


def _nearest(mask: Mask, points: Floats, owners: NDArray[np.int32]) -> NDArray[np.int32]:
    """The owner of the nearest pixel of the skeleton, for each pixel of the mask; -1 elsewhere."""
    x, y = points[: len(owners)][owners >= 0].astype(np.int64).T
    empty = np.ones_like(mask)
    empty[y, x] = 0
    _, labels = cv2.distanceTransformWithLabels(
        empty, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    owner = np.full(len(x) + 1, -1, np.int32)
    owner[labels[y, x]] = owners[owners >= 0]
    return np.where(mask > 0, owner[labels], np.int32(-1))


class _Graph:
    """The branches of a skeleton between its junctions.

    ``points`` (P + J, 2) are the places of the P pixels and of the J junctions, ``radii`` the half
    pens there. ``branches`` are pixels in their order, by number; ``ends`` the junctions at which
    these begin and end, -1 for none, J in all. ``knots`` are the pixels of each junction.
    """

    def __init__(
        self,
        points: Floats,
        radii: Floats,
        branches: dict[int, list[int]],
        ends: dict[int, tuple[int, int]],
        knots: list[list[int]],
    ) -> None:
        self.count = len(radii)
        self.branches, self.ends, self.knots = branches, ends, knots
        self.pixels, self.radii = points, radii
        self.points = points
        self.reach: dict[int, float] = {}

    @classmethod
    def trace(cls, lines: Mask, width: NDArray[Any]) -> _Graph:
        """The graph of a skeleton (H, W), nothing of which touches the border."""
        y, x = np.nonzero(lines)
        codes = neighbours(lines)[y, x]
        links, knot = LINKED[codes], DEGREE[codes] >= 3
        index = np.full(lines.shape, -1, np.int32)
        index[y, x] = np.arange(len(x))
        beside = np.stack([index[y + row, x + column] for row, column in AROUND], axis=1)
        beside[(links[:, None] >> np.arange(8) & 1) == 0] = -1
        marked = np.zeros_like(lines)
        marked[y[knot], x[knot]] = 1
        count, labels = cv2.connectedComponents(marked)
        junction = np.where(knot, labels[y, x] - 1, -1)
        knots: list[list[int]] = [[] for _ in range(count - 1)]
        for i in np.flatnonzero(knot).tolist():
            knots[junction[i]].append(i)
        branches, ends = _walked(np.sort(beside, axis=1)[:, :-3:-1], junction)
        points = np.stack([x, y], axis=1).astype(np.float64)
        return cls(points, width[y, x].astype(np.float64), branches, ends, knots)

    def clean(self) -> None:
        """Remove artefacts of the pen width: small loops, double junctions, spurs."""
        reach = [float(self.radii[knots].max()) for knots in self.knots]
        root, merged = list(range(len(self.knots))), [deque(knots) for knots in self.knots]
        for i in sorted(self.branches, key=lambda i: len(self.branches[i])):
            a, b = (_root(root, j) for j in self.ends[i])
            length = len(self.branches[i])
            if min(a, b) < 0 or length > _limit(_LOOP, max(reach[a], reach[b])):
                continue
            if a != b and length > _limit(_BRIDGE, max(reach[a], reach[b])):
                continue
            if a != b:
                root[b] = a
                reach[a] = max(reach[a], reach[b])
                merged[a], merged[b] = _joined(merged[a], merged[b]), deque()
                merged[a].extend(self.branches[i])
            del self.branches[i]
        self.knots = [list(knots) for knots in merged]
        self.ends = {
            i: (_root(root, self.ends[i][0]), _root(root, self.ends[i][1])) for i in self.branches
        }
        self._prune(reach)
        kept = {j for ends in self.ends.values() for j in ends}
        blobs = [knots for j, knots in enumerate(self.knots) if knots and j not in kept]
        for new, knots in enumerate(blobs, max(self.branches, default=-1) + 1):
            self.branches[new], self.ends[new] = knots[:1], (-1, -1)
        centres = [
            self.pixels[knots].mean(axis=0) if knots else np.zeros(2) for knots in self.knots
        ]
        self.points = np.concatenate([self.pixels, np.reshape(centres, (-1, 2))])
        self.reach = dict(enumerate(reach))

    def _prune(self, reach: list[float]) -> None:
        degree = [0] * len(self.knots)
        for ends in self.ends.values():
            for j in ends:
                if j >= 0:
                    degree[j] += 1
        for i in sorted(self.branches, key=lambda i: len(self.branches[i])):
            a, b = self.ends[i]
            j = max(a, b)
            if min(a, b) >= 0 or j < 0 or degree[j] < 3:
                continue
            if len(self.branches[i]) <= _limit(_SPUR, reach[j]):
                degree[j] -= 1
                del self.branches[i], self.ends[i]

    def chains(self) -> tuple[list[list[int]], NDArray[np.int32]]:
        """Strokes as indices of points, and the index of the stroke of each pixel, -1 for none."""
        links = self._links()
        owners = np.full(self.count, -1, np.int32)
        chains: list[list[int]] = []
        done: set[int] = set()
        free = {self.count + j for j, knots in enumerate(self.knots) if knots}
        begins = [(i, side) for i in self.branches for side in (0, 1) if (i, side) not in links]
        for i, side in [*begins, *((i, 0) for i in self.branches)]:
            if i not in done:
                chain = self._followed(i, side, links, done)
                owners[[p for p in chain if p < self.count]] = len(chains)
                for p in set(chain) & free:
                    knots = self.knots[p - self.count]
                    owners[knots] = np.where(owners[knots] < 0, len(chains), owners[knots])
                free.difference_update(chain)
                chains.append(chain)
        return chains, owners

    def _followed(
        self, i: int, side: int, links: dict[tuple[int, int], tuple[int, int]], done: set[int]
    ) -> list[int]:
        """Indices of the points from one side of a branch, through linked branches, to the end."""
        start = self.ends[i][side]
        chain = [self.count + start] if start >= 0 else []
        while i not in done:
            done.add(i)
            chain += self.branches[i][::-1] if side else self.branches[i]
            if (end := self.ends[i][1 - side]) >= 0:
                chain.append(self.count + end)
            i, side = links.get((i, 1 - side), (i, side))
        return chain

    def _links(self) -> dict[tuple[int, int], tuple[int, int]]:
        """Pairs of branch ends that continue each other through their junction."""
        meeting: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for i, ends in self.ends.items():
            for side, j in enumerate(ends):
                if j >= 0:
                    meeting[j].append((i, side))
        links: dict[tuple[int, int], tuple[int, int]] = {}
        for j, at in meeting.items():
            if len(at) == 2:
                links[at[0]], links[at[1]] = at[1], at[0]
                continue
            if len(at) > _MOST_ENDS:
                continue
            directions = [self._direction(j, i, side) for i, side in at]
            pairs = sorted(
                (u[0] * v[0] + u[1] * v[1], a, b)
                for b, v in enumerate(directions)
                for a, u in enumerate(directions[:b])
            )
            for cosine, a, b in pairs:
                if cosine < _STRAIGHT and at[a] not in links and at[b] not in links:
                    links[at[a]], links[at[b]] = at[b], at[a]
        return links

    def _direction(self, j: int, i: int, side: int) -> tuple[float, float]:
        """Unit vector of the direction in which a branch leaves its junction."""
        branch, reach = self.branches[i], self.reach[j]
        last = len(branch) - 1
        first = min(round(reach), last)
        ahead = min(first + math.ceil(_limit(_AHEAD, reach)), last)
        (x0, y0), (x1, y1) = (
            self.points[branch[last - k] if side else branch[k]] for k in (first, ahead)
        )
        if first == last:
            x0, y0 = self.points[self.count + j]
        length = math.hypot(x1 - x0, y1 - y0) or 1.0
        return (x1 - x0) / length, (y1 - y0) / length


def _limit(of_pen: tuple[float, float], reach: float) -> float:
    return of_pen[0] * reach + of_pen[1]


def _root(root: list[int], j: int) -> int:
    while j >= 0 and root[j] != j:
        above = root[root[j]]
        root[j] = above  # which halves the way of the next search
        j = above
    return j


def _joined(one: deque[int], other: deque[int]) -> deque[int]:
    """Both after each other, in the time that the shorter takes."""
    if len(one) >= len(other):
        one.extend(other)
        return one
    other.extendleft(reversed(one))
    return other


def _walked(
    beside: NDArray[np.int32], junction: NDArray[np.int32]
) -> tuple[dict[int, list[int]], dict[int, tuple[int, int]]]:
    """Branches, and the junctions at their ends, of pixels that are joined to two at most.

    ``beside`` (P, 2) are these, -1 for none. Those of junctions, where ``junction`` is not -1, may
    be joined to more.
    """
    at = np.where(beside >= 0, junction[beside], -1)
    free = np.where(at < 0, beside, -1)
    done = (junction >= 0).tolist()
    starts = np.flatnonzero((free < 0).any(axis=1)).tolist() + list(range(len(free)))
    on, met = free.tolist(), at.tolist()
    branches: dict[int, list[int]] = {}
    ends: dict[int, tuple[int, int]] = {}
    for start in starts:
        if done[start]:
            continue
        path, here = [start], start
        while here >= 0:
            done[here] = True
            one, other = on[here]
            here = -1
            if one >= 0 and not done[one]:
                here = one
            elif other >= 0 and not done[other]:
                here = other
            if here >= 0:
                path.append(here)
        last = path[-1]
        both = max(met[start]), max(met[last])
        ends[len(branches)] = both if last != start else (met[start][0], met[start][1])
        if len(path) > 2 and min(on[start]) >= 0:  # a ring, whose end is its beginning
            path.append(start)
        branches[len(branches)] = path
    return branches, ends


def _smoothed(points: Floats, chains: list[list[int]]) -> list[NDArray[np.float32]]:
    """The places of the points of each chain, averaged over those around them, ends kept."""
    lengths = np.array([len(chain) for chain in chains])
    ends = np.cumsum(lengths)
    at = np.arange(ends[-1])
    first, last = np.repeat(ends - lengths, lengths), np.repeat(ends - 1, lengths)
    half = np.minimum(_SMOOTH, np.minimum(at - first, last - at))
    places = points[np.concatenate(chains)]
    sums = np.concatenate([np.zeros((1, 2)), np.cumsum(places, axis=0)])
    means = (sums[at + half + 1] - sums[at - half]) / (2 * half + 1)[:, None]
    return np.split(means.astype(np.float32), ends[:-1])


def _directed(stroke: NDArray[np.float32]) -> NDArray[np.float32]:
    """The stroke from its upper or left end on; a closed one from the top, to the left."""
    x, y = (stroke[-1] - stroke[0]).tolist()
    if len(stroke) < 4 or math.hypot(x, y) > _OPEN:
        return stroke if x + _DOWN * y >= 0 else stroke[::-1]
    ring = np.roll(stroke[:-1], -int(stroke[:-1, 1].argmin()), axis=0)
    ring = np.concatenate([ring, ring[:1]])
    (x0, y0), (x1, y1) = ring[:-1].T.astype(np.float64), ring[1:].T.astype(np.float64)
    return ring if float((x0 * y1 - x1 * y0).sum()) <= 0 else ring[::-1]
