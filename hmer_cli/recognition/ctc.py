"""CTC decoding: greedy, prefix beam search, likelihood of given labels, forced alignment.

Input: frames, log-probabilities (T, V) float32, where unit 0 is the blank. Output: labels as unit
indices, scores, or the frames of each unit. After Graves et al., ICML 2006, and Hannun et al.,
arXiv 1408.2873, with a grammar that excludes labels that are no LaTeX.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hmer_cli.expr.grammar import Prefix
from hmer_cli.recognition.units import BLANK, Units

Frames = NDArray[np.float32]

NEVER = -math.inf
"""The logarithm of the probability 0."""

_TINY = 1e-300  # convention
_AT_A_TIME = 32  # labels: a long label with all that mends its brackets filled half a GB
_UNLIKELY = -6.0  # convention
"""Units below this log-probability in a frame do not extend a hypothesis."""


@dataclass(frozen=True)
class Hypothesis:
    """Units with the log of their CTC probability, summed over all alignments found."""

    units: tuple[int, ...]
    score: float


class _Node:
    """A prefix in the tree of all that the search has met, with the grammar's state after it."""

    __slots__ = ("children", "last", "prefix", "state")

    def __init__(self, prefix: tuple[int, ...], state: Prefix) -> None:
        self.prefix, self.state = prefix, state
        self.last = prefix[-1] if prefix else BLANK
        self.children: dict[int, _Node | None] = {}

    def child(self, unit: int, units: Units) -> _Node | None:
        """The prefix with one more unit; None where the grammar has none."""
        state = extended(self.state, units.names[unit])
        found = None if state is None else _Node((*self.prefix, unit), state)
        self.children[unit] = found
        return found


_Beam = tuple[float, tuple[int, ...], _Node, float, float, float]
"""The negative of what it is compared by and the prefix, by which beams are sorted; its node, the
log-probabilities that it ends in a blank, that it ends in a unit, and the sum of both."""


def log_add(a: float, b: float) -> float:
    """log(exp a + exp b)."""
    if a < b:
        a, b = b, a
    return a if b == NEVER else a + math.log1p(math.exp(b - a))


def greedy(frames: Frames) -> tuple[int, ...]:
    """The best unit of each frame, repeats merged, blanks dropped."""
    best = frames.argmax(axis=1)
    changed = np.append(True, best[1:] != best[:-1])
    return tuple(int(unit) for unit in best[changed] if unit != BLANK)


@lru_cache(maxsize=65_536)
def extended(state: Prefix, name: str) -> Prefix | None:
    """The grammar's state after a unit's tokens; None where they cannot stand there."""
    reached: Prefix | None = state
    for token in name.split():
        reached = reached.extend(token) if reached else None
    return reached


def beam(frames: Frames, units: Units, width: int = 10, bonus: float = 0.0) -> list[Hypothesis]:
    """Prefix beam search (Hannun et al., 2014) under the grammar of labels, best first.

    Every hypothesis is a valid label; there is always one, at worst the empty label or one whose
    open groups were closed. ``bonus`` is added for each unit when hypotheses are compared, since
    most errors of CTC are deletions.
    """
    beams: list[_Beam] = [(0.0, (), _Node((), Prefix()), 0.0, NEVER, 0.0)]
    most = min(width, len(units))
    for row, above in zip(frames, frames > _UNLIKELY, strict=True):
        best = np.flatnonzero(above)
        if len(best) > most:
            best = best[np.argpartition(row[best], -most)[-most:]]
        scored = zip(best.tolist(), row[best].tolist(), strict=True)
        likely = [(unit, score) for unit, score in scored if unit != BLANK]
        blank = float(row[BLANK])
        if not likely:  # every prefix stays, in the same order
            stay = [(each, each[-1] + blank) for each in beams]
            beams = [(*each[:3], total, NEVER, total) for each, total in stay]
            continue
        grown = []
        for node, (kept, unit) in _step(beams, blank, likely, units).items():
            total = kept if unit == NEVER else log_add(kept, unit)
            key = -total - bonus * len(node.prefix)
            grown.append((key, node.prefix, node, kept, unit, total))
        beams = sorted(grown)[:width]
    return _finish(beams, units)


def _step(
    beams: Sequence[_Beam], blank: float, likely: Sequence[tuple[int, float]], units: Units
) -> dict[_Node, list[float]]:
    """One frame: every prefix stays, repeats its last unit, or grows.

    The nodes with the log-probabilities that they end in a blank, and that they end in a unit.
    """
    after: dict[_Node, list[float]] = {}
    for _, _, node, ended, repeating, total in beams:
        kept = after.get(node)
        if kept is None:
            kept = after[node] = [NEVER, NEVER]
        kept[0] = total + blank
        last, children = node.last, node.children
        for unit, p in likely:
            start = total
            if unit == last:
                kept[1] = log_add(kept[1], repeating + p)
                start = ended
            if start == NEVER:
                continue
            child = children[unit] if unit in children else node.child(unit, units)
            if child is None:
                continue
            grown = after.get(child)
            if grown is None:
                after[child] = [NEVER, start + p]
            else:
                grown[1] = start + p if grown[1] == NEVER else log_add(grown[1], start + p)
    return after


def _finish(beams: Sequence[_Beam], units: Units) -> list[Hypothesis]:
    """The complete hypotheses; if there is none, the best prefix with its groups closed."""
    found = [
        Hypothesis(node.prefix, total) for _, _, node, _, _, total in beams if node.state.complete
    ]
    if not found:
        _, prefix, best, _, _, total = beams[0]
        end = [units.index(token) for token in best.state.closing()]
        found = [Hypothesis((*prefix, *end), total)]
    return found


def likelihood(frames: Frames, labels: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    """The log of each label's CTC probability, over all alignments (Graves et al., 2006, 4.1).

    Probabilities are scaled to a maximum of 1 in each frame, so that they do not vanish.
    """
    longest = max(map(len, labels))
    states = np.zeros((len(labels), 2 * longest + 1), np.int64)
    for row, label in zip(states, labels, strict=True):
        row[1 : 2 * len(label) : 2] = label
    ends = np.array([2 * len(label) for label in labels])
    probabilities = np.exp(frames.astype(np.float64))
    parts = -(-len(labels) // _AT_A_TIME)
    split = zip(np.array_split(states, parts), np.array_split(ends, parts), strict=True)
    return np.concatenate([_likelihood(probabilities, *part) for part in split])


def _likelihood(
    probabilities: NDArray[np.float64], states: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Of labels as ``states`` (N, S): units between blanks, more blanks after their ``ends``."""
    skip = np.zeros(states.shape)
    skip[:, 3::2] = states[:, 3::2] != states[:, 1:-2:2]
    skip = skip[:, 2:]
    emitted = probabilities[:, states]
    score = np.zeros(states.shape)
    score[:, :2] = emitted[0, :, :2]
    scales = np.ones((len(emitted), len(states)))
    moved, skipped = np.empty_like(score), np.empty_like(skip)
    for emission, scale in zip(emitted[1:], scales[1:], strict=True):
        np.multiply(score[:, :-2], skip, out=skipped)
        moved[:, 0] = score[:, 0]
        np.add(score[:, 1:], score[:, :-1], out=moved[:, 1:])
        moved[:, 2:] += skipped
        moved *= emission
        np.maximum(moved.max(axis=1), _TINY, out=scale)
        np.divide(moved, scale[:, None], out=score)
    rows = np.arange(len(states))
    last = score[rows, ends] + np.where(ends > 0, score[rows, ends - 1], 0.0)
    with np.errstate(divide="ignore"):
        total: NDArray[np.float64] = np.log(last) + np.log(scales).sum(axis=0)
    return total


@dataclass(frozen=True)
class Place:
    """The frames of a unit, [start, end), and its highest probability in them."""

    start: int
    end: int
    confidence: float


def align(frames: Frames, label: Sequence[int]) -> list[Place]:
    """The most probable alignment of a label with the frames (Viterbi), a `Place` per unit.

    If the label needs more frames than there are, every unit gets all frames and confidence 0.
    """
    states = [BLANK]
    for unit in label:
        states += [unit, BLANK]
    steps = _best_path(frames, np.array(states))
    if steps is None:
        return [Place(0, len(frames), 0.0)] * len(label)
    places = []
    for i, unit in enumerate(label):
        here = np.flatnonzero(steps == 2 * i + 1)
        confidence = float(np.exp(frames[here, unit].max()))
        places.append(Place(int(here[0]), int(here[-1]) + 1, confidence))
    return places


def _best_path(frames: Frames, states: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """The best state of each frame (Graves et al., 2006, figure 3); None if there is no path."""
    count = len(states)
    skip = np.zeros(count, bool)
    skip[3::2] = states[3::2] != states[1:-2:2]
    score = np.full(count, -np.inf)
    score[:2] = frames[0, states[:2]]
    back = np.zeros((len(frames), count), np.int64)
    for t in range(1, len(frames)):
        moves = np.full((3, count), -np.inf)
        moves[0] = score
        moves[1, 1:] = score[:-1]
        moves[2, 2:] = np.where(skip[2:], score[:-2], -np.inf)
        back[t] = moves.argmax(axis=0)
        score = moves.max(axis=0) + frames[t, states]
    state = count - 1 if count == 1 or score[-1] >= score[-2] else count - 2
    if score[state] == -np.inf:
        return None
    path = np.zeros(len(frames), np.int64)
    for t in range(len(frames) - 1, -1, -1):
        path[t] = state
        state -= back[t, state]
    return path
