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


def beam_search(
    step: Step, units: Units, width: int, longest: int, count: int
) -> tuple[list[Path], list[Path]]:
    """Up to ``count`` complete labels, best first, and the prefixes of the last step.

    ``width`` is the number of prefixes kept, ``longest`` the maximal length in units. BLANK is the
    start and end symbol; only units that the grammar allows extend a prefix.
    """
    paths, last, parents = [Path((), 0.0, Prefix())], [BLANK], [0]
    ended: list[Path] = []
    for _ in range(longest):
        rows = step(last, parents)
        grown: list[tuple[Path, int]] = []
        for row, path in enumerate(paths):
            for unit in np.argsort(-rows[row], kind="stable")[: width + 1].tolist():
                score = path.score + float(rows[row, unit])
                if unit == BLANK:
                    if path.state.complete:
                        ended.append(Path(path.units, score, path.state))
                elif (state := extended(path.state, units.names[unit])) is not None:
                    grown.append((Path((*path.units, unit), score, state), row))
        ended = sorted(ended, key=lambda path: -path.score)[:count]
        least = ended[-1].score if len(ended) == count else -np.inf
        grown = sorted(grown, key=lambda entry: -entry[0].score)[:width]
        grown = [entry for entry in grown if entry[0].score > least]
        if not grown:
            break
        paths, parents = [path for path, _ in grown], [row for _, row in grown]
        last = [path.units[-1] for path in paths]
    return ended, paths
