"""Language model of labels: how often people write such expressions.

Input: a label as tokens. Output: the log of its probability, that of its end included.
Method: an n-gram model smoothed by interpolated Kneser-Ney (Chen and Goodman, *An empirical study
of smoothing techniques for language modeling*, 1999), pruned and in back-off form, mixed with a
cache of the symbols that stand earlier in the same expression and of those in other expressions
of the same page (Kuhn and De Mori, *A cache-based natural language model for speech recognition*,
1990): a variable is likely to occur again.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hmer_cli.models.embedded import packed, unpacked

ORDER = 5  # chosen on CROHME test2014
"""Tokens of the longest n-grams."""

START, END, UNKNOWN = "<s>", "</s>", "<unk>"
"""Tokens before and after every label, and in place of those that the model has never seen."""

STEPS = 16
"""Steps a nat in which logs of probabilities and of back-off weights are stored."""

CACHED = 0.3  # chosen on CROHME test2014, ink and images
"""The weight of the cache in the mixture."""

PAGE_CACHED = 0.2  # chosen on notes-truth; 0.15 to 0.5 are alike
"""The weight of the page's cache."""

LEAST_PAGE = 1.0  # convention
"""Symbols on the rest of the page, by their confidences, from which its cache counts."""

UNCACHED = frozenset("{ } ^ _ + - = ( ) , . | / \\frac \\sqrt \\limits".split())
"""Tokens that stand in every expression; the cache holds the others."""

_FACTOR, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)

Symbols = Mapping[str, float]
"""Symbol -> how often it occurs."""

Bytes = NDArray[np.uint8]
Keys = NDArray[np.uint32]


@dataclass(frozen=True)
class NGrams:
    """All n-grams of one length.

    ``keys`` (N,) are their `hashes` in rising order, ``costs`` (N,) the negative logs of the
    probability of the last token after the others, ``backoffs`` (N,) those of the weight of the
    next shorter n-grams where this one is the history; both in STEPS a nat.
    """

    keys: Keys
    costs: Bytes
    backoffs: Bytes

    def find(self, keys: Keys) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Where these stand, and which of them do."""
        at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return at, self.keys[at] == keys


@dataclass(frozen=True)
class LanguageModel:
    """A pruned n-gram model: its tokens, and the n-grams of each length from 1 on."""

    tokens: tuple[str, ...]
    orders: tuple[NGrams, ...]

    def __call__(
        self, labels: Sequence[Sequence[str]], page: Symbols | None = None
    ) -> NDArray[np.float64]:
        """The log of each label's probability, (N,), among these other symbols of its page."""
        written = [[*label, END] for label in labels]
        logs = iter(self._logs(written).tolist())
        return np.array([_cached(row, [next(logs) for _ in row], page or {}) for row in written])

    def _logs(self, written: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        """The log of the probability of each token after those before it in its row, flat."""
        before = len(self.orders) - 1
        unknown = self._index[UNKNOWN]
        flat: list[int] = []
        positions: list[int] = []
        for row in written:
            flat += [self._index[START]] * before
            positions += range(len(flat), len(flat) + len(row))
            flat += [self._index.get(token, unknown) for token in row]
        ids, at = np.array(flat, np.uint64), np.array(positions, np.intp)
        costs = np.zeros(len(at))
        left = np.ones(len(at), bool)  # those that no n-gram so far covers
        for n in range(len(self.orders), 0, -1):
            grams = self.orders[n - 1]
            place, found = grams.find(hashes(ids[at[:, None] + np.arange(1 - n, 1)]))
            costs += np.where(left & found, grams.costs[place], 0)
            left &= ~found
            if n > 1:
                shorter = self.orders[n - 2]
                place, found = shorter.find(hashes(ids[at[:, None] + np.arange(1 - n, 0)]))
                costs += np.where(left & found, shorter.backoffs[place], 0)
        return -costs / STEPS

    @cached_property
    def _index(self) -> Mapping[str, int]:
        return {token: i for i, token in enumerate(self.tokens)}

    def packed(self) -> str:
        """The model as text; the same for the same model."""
        buffer = io.BytesIO()
        arrays: dict[str, NDArray[np.generic]] = {"tokens": np.array(self.tokens)}
        for n, grams in enumerate(self.orders, 1):
            # Differences of sorted keys compress to half of the keys.
            arrays[f"keys{n}"] = np.diff(grams.keys, prepend=np.uint32(0))
            arrays[f"costs{n}"], arrays[f"backoffs{n}"] = grams.costs, grams.backoffs
        np.savez(buffer, allow_pickle=False, **arrays)
        return packed(buffer.getvalue())

    @classmethod
    def unpacked(cls, text: str) -> LanguageModel:
        """The model again. Raises ValueError, KeyError or zlib.error if the text holds none."""
        with np.load(io.BytesIO(unpacked(text)), allow_pickle=False) as arrays:
            count = sum(name.startswith("keys") for name in arrays.files)
            orders = tuple(
                NGrams(
                    np.cumsum(arrays[f"keys{n}"], dtype=np.uint32),
                    arrays[f"costs{n}"],
                    arrays[f"backoffs{n}"],
                )
                for n in range(1, count + 1)
            )
            return cls(tuple(arrays["tokens"].tolist()), orders)


def hashes(grams: NDArray[np.uint64]) -> Keys:
    """The keys (N,) of n-grams (N, n) of indices of tokens."""
    state = np.zeros(len(grams), np.uint64)
    for column in grams.T:
        state = (state + column + np.uint64(1)) * _FACTOR
    state = (state ^ (state >> np.uint64(31))) * _MIX
    return np.asarray(state >> np.uint64(32), np.uint32)


def _cached(row: Sequence[str], logs: Sequence[float], page: Symbols) -> float:
    """The sum of the logs of a row's tokens, each mixed with how often it stands before.

    What stands on the rest of the page is mixed with all tokens but the end.
    """
    seen: dict[str, int] = {}
    count = 0
    on_page = sum(page.values())
    told = on_page >= LEAST_PAGE
    total = 0.0
    for token, log in zip(row, logs, strict=True):
        paged = told and token != END
        if count or paged:
            probability = math.exp(log)
            if count:
                probability = (1 - CACHED) * probability + CACHED * (seen.get(token, 0) / count)
            if paged:
                share = page.get(token, 0.0) / on_page
                probability = (1 - PAGE_CACHED) * probability + PAGE_CACHED * share
            log = math.log(probability)
        total += log
        if token not in UNCACHED:
            seen[token] = seen.get(token, 0) + 1
            count += 1
    return total
