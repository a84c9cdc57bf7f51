"""Beam search of an autoregressive decoder under the grammar of labels.

Input: a function that gives the log-probabilities of the next unit. Output: the most probable
labels. The search ends when no prefix can become more probable than the labels found, as a
log-probability never grows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hmer_cli.expr.grammar import Prefix
from hmer_cli.recognition.ctc import extended
from hmer_cli.recognition.units import BLANK, Units


class Step(Protocol):
    """One step of the decoder, which keeps its own cache."""

    def __call__(self, last: Sequence[int], parents: Sequence[int]) -> NDArray[np.float32]:
        """Log-probabilities (n, V) of what follows n hypotheses.

        ``last`` (n,) are their last units, BLANK at the start; ``parents`` (n,) the places, in the
        previous call, of the hypotheses that they extend, to select rows of the cache.
        """
        ...


@dataclass(frozen=True)
class Path:
    """One hypothesis: its units, log-probability and the grammar's state."""

    units: tuple[int, ...]
    score: float
    state: Prefix


START = Path((), 0.0, Prefix())
"""The empty prefix."""


def state_after(prefix: Sequence[int], units: Units) -> Prefix | None:
    """The grammar's state after these units; None where no label begins with them."""
    state: Prefix | None = Prefix()
    for unit in prefix:
        state = extended(state, units.names[unit]) if state else None
    return state


def is_label(units_of_label: Sequence[int], units: Units) -> bool:
    """Whether the grammar lets a label of these units through."""
    state = state_after(units_of_label, units)
    return state is not None and state.complete


def beam_search(
    step: Step, units: Units, width: int, longest: int, count: int, start: Path = START
) -> tuple[list[Path], list[Path]]:
    """Up to ``count`` complete labels, best first, and the prefixes of the last step.

    ``width`` is the number of prefixes kept, ``longest`` the maximal length in units. BLANK is the
    start and end symbol; only units that the grammar allows extend a prefix. All labels begin with
    ``start``.
    """
    paths, last, parents = [start], [start.units[-1] if start.units else BLANK], [0]
    ended: list[Path] = []
    for _ in range(longest):
        grown, complete = _grown(paths, step(last, parents), units, width)
        ended = sorted(ended + complete, key=lambda path: -path.score)[:count]
        least = ended[-1].score if len(ended) == count else -np.inf
        grown = [entry for entry in grown if entry[0].score > least]
        if not grown:
            break
        paths, parents = [path for path, _ in grown], [row for _, row in grown]
        last = [path.units[-1] for path in paths]
    return ended, paths


def _grown(
    paths: Sequence[Path], rows: NDArray[np.float32], units: Units, width: int
) -> tuple[list[tuple[Path, int]], list[Path]]:
    """The ``width`` best longer prefixes, best first, each with its row, and the labels that end.

    Only the ``width`` + 1 likeliest units of each row are considered.
    """
    likely = min(width + 1, rows.shape[1])
    best = np.argpartition(-rows, likely - 1, axis=1)[:, :likely]
    scores = np.take_along_axis(rows, best, axis=1).astype(np.float64)
    scores += np.array([path.score for path in paths])[:, None]
    order = np.argsort(-scores, axis=None, kind="stable")
    followers, totals = best.ravel()[order].tolist(), scores.ravel()[order].tolist()
    grown: list[tuple[Path, int]] = []
    ended: list[Path] = []
    for unit, score, row in zip(followers, totals, (order // likely).tolist(), strict=True):
        path = paths[row]
        if unit == BLANK:
            if path.state.complete:
                ended.append(Path(path.units, score, path.state))
        elif len(grown) < width and score > -np.inf:
            state = extended(path.state, units.names[unit])
            if state is not None:
                grown.append((Path((*path.units, unit), score, state), row))
    return grown, ended
