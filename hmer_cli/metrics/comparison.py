"""Comparison of two models on one data set.

Input: predictions of both for the same expressions. Output: differences with intervals and a
p-value: percentile bootstrap over expressions, paired (Efron and Tibshirani, 1993), and McNemar's
exact test on the expressions that only one model got right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
        tail = ways = 1
        for k in range(fewer):
            ways = ways * (both - k) // (k + 1)  # both over k + 1
            tail += ways
        return min(1.0, 2 * tail / (1 << both))


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
    edits = [np.array(token_edits(side), float) for side in sides]
    known = np.array([is_known(pair) for pair in sides[0]])
    rights = [((each == 0) & known).astype(float) for each in edits]
    shapes = [np.array([same_structure(pair) for pair in side], float) for side in sides]
    lengths = np.array([len(tokenize(pair.truth)) for pair in sides[0]], float)
    ones = np.ones(len(names))
    rates = [
        ("ExpRate", rights, ones),
        ("ExpRate of structure", shapes, ones),
        ("WER", edits, lengths),
    ]
    return Comparison(
        len(names),
        _differences(rates, seed),
        int(((rights[0] > 0) & (rights[1] == 0)).sum()),
        int(((rights[1] > 0) & (rights[0] == 0)).sum()),
    )


def _differences(
    rates: Sequence[tuple[str, list[Shares], Shares]], seed: int
) -> tuple[Difference, ...]:
    """Of rates counts / whole, each with its name, over the sums of each resample."""
    changes = np.concatenate(
        [
            [
                (counts[1] - counts[0])[drawn].sum(1) / np.maximum(whole[drawn].sum(1), 1)
                for _, counts, whole in rates
            ]
            for drawn in _resamples(len(rates[0][2]), seed)
        ],
        axis=1,
    )
    lows, highs = np.quantile(changes, ((1 - COVERED) / 2, (1 + COVERED) / 2), axis=1)
    found = []
    for (name, counts, whole), low, high in zip(rates, lows, highs, strict=True):
        first, second = (float(each.sum() / max(whole.sum(), 1)) for each in counts)
        found.append(Difference(name, first, second, float(low), float(high)))
    return tuple(found)


def _resamples(n: int, seed: int) -> Iterator[NDArray[np.int32]]:
    """The expressions of all resamples, some rows at a time: the numbers are those that one draw
    of all would give."""
    rng, most = np.random.default_rng(seed), max(1, CHUNK // n)
    for done in range(0, RESAMPLES, most):
        yield rng.integers(0, n, (min(most, RESAMPLES - done), n), np.int32)


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
