"""Comparison of two models on one data set.

Input: predictions of both for the same expressions. Output: differences with intervals and a
p-value: percentile bootstrap over expressions, paired (Efron and Tibshirani, 1993), and McNemar's
exact test on the expressions that only one model got right.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hmer_cli.errors import InputError
from hmer_cli.expr.tokens import tokenize
from hmer_cli.metrics.scores import Pair, is_known, same_structure, token_edits
from hmer_cli.metrics.tables import Table, percent

RESAMPLES = 10_000  # convention
COVERED = 0.95  # convention

CHUNK = 1_000_000
"""Resampled expressions that are looked at together, for the memory's sake."""

Shares = NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """A score of both models, 0 to 1, and the interval of the second less the first."""

    name: str
    first: float
    second: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """Differences over ``n`` expressions; how many only the first or the second model had right."""

    n: int
    differences: tuple[Difference, ...]
    only_first: int
    only_second: int

    @property
    def p_value(self) -> float:
        """McNemar's exact test, two-sided: were both models as good, how rare would this be."""
        fewer, both = min(self.only_first, self.only_second), self.only_first + self.only_second
        tail = sum(math.comb(both, k) for k in range(fewer + 1))
        return min(1.0, float(2 * tail / 2**both) if both < 1000 else 2 * _tail(fewer, both))


def _tail(fewer: int, both: int) -> float:
    """As many or fewer heads of so many coins, by the normal distribution with its correction."""
    z = (fewer + 0.5 - both / 2) / math.sqrt(both / 4)
    return 0.5 * math.erfc(-z / math.sqrt(2))


def compare(first: Mapping[str, Pair], second: Mapping[str, Pair], seed: int = 0) -> Comparison:
    """The comparison of predictions by the name of the expression.

    Raises InputError where they are not of the same expressions with the same truths.
    """
    if first.keys() != second.keys():
        only = sorted(first.keys() ^ second.keys())
        raise InputError(f"{len(only)} expressions are in one file only, as {only[0]}")
    names = sorted(first)
    if not names:
        raise InputError("there are no predictions to compare")
    for name in names:
        if tokenize(first[name].truth) != tokenize(second[name].truth):
            raise InputError(f"{name}: the two files have different truths")
    sides = [[side[name] for name in names] for side in (first, second)]
    draws = np.random.default_rng(seed).integers(0, len(names), (RESAMPLES, len(names)), np.int32)
    edits = [np.array(token_edits(side), float) for side in sides]
    known = np.array([is_known(pair) for pair in sides[0]])
    rights = [((each == 0) & known).astype(float) for each in edits]
    shapes = [np.array([same_structure(pair) for pair in side], float) for side in sides]
    lengths = np.array([len(tokenize(pair.truth)) for pair in sides[0]], float)
    ones = np.ones(len(names))
    return Comparison(
        len(names),
        (
            _difference("ExpRate", rights, ones, draws),
            _difference("ExpRate of structure", shapes, ones, draws),
            _difference("WER", edits, lengths, draws),
        ),
        int(((rights[0] > 0) & (rights[1] == 0)).sum()),
        int(((rights[1] > 0) & (rights[0] == 0)).sum()),
    )


def _difference(
    name: str, counts: list[Shares], whole: Shares, draws: NDArray[np.int32]
) -> Difference:
    """Of the rate counts / whole, over the sums of each resample."""
    change = counts[1] - counts[0]
    some = np.array_split(draws, max(1, draws.size // CHUNK))
    changes = np.concatenate([change[d].sum(1) / np.maximum(whole[d].sum(1), 1) for d in some])
    low, high = np.quantile(changes, ((1 - COVERED) / 2, (1 + COVERED) / 2))
    first, second = (float(each.sum() / max(whole.sum(), 1)) for each in counts)
    return Difference(name, first, second, float(low), float(high))


def as_table(comparison: Comparison) -> Table:
    """The comparison, a score a row."""
    rows = [
        (
            each.name,
            percent(each.first),
            percent(each.second),
            percent(each.second - each.first),
            f"{percent(each.low)} to {percent(each.high)}",
        )
        for each in comparison.differences
    ]
    rows.append(
        (
            "right alone",
            str(comparison.only_first),
            str(comparison.only_second),
            "McNemar",
            f"p = {comparison.p_value:.3g}",
        )
    )
    columns = ("score", "first", "second", "second - first", f"{COVERED:.0%} interval")
    return Table(f"{comparison.n} expressions", columns, tuple(rows))
