"""Character n-gram model of the line reader, and CTC prefix beam search with it and a lexicon.

Input of the search: CTC frames (T, V) of log-probabilities. Output: the units of the best label.
Method: prefix beam search (Graves and Jaitly, ICML 2014) with n-grams under Witten-Bell smoothing
(Witten and Bell, IEEE Trans. Information Theory, 1991): counts are stored in the weights, and the
distribution over all next units is needed at each step. `language_model` scores whole labels by
pruned Kneser-Ney n-grams of tokens instead, for which it stores probabilities of seen n-grams only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hmer_cli.recognition.ctc import NEVER, log_add
from hmer_cli.recognition.lexicon import Lexicon
from hmer_cli.recognition.units import BLANK

Frames = NDArray[np.float32]

ORDER = 6
"""Characters of an n-gram."""

WIDTH = 16  # chosen on the lines that choose the weights: 8 is 0.2 to 0.6 points worse, 32 as good
"""Prefixes that the search keeps."""

_UNLIKELY = -7.0
"""Units under this log-probability in a frame start no hypothesis."""

_ROUNDING = 1e-6


def count_ngrams(labels: Iterable[Sequence[int]], order: int, least: int) -> dict[str, list[int]]:
    """Counts of units after each context: ``{"3 17": [unit, count, unit, count, ...]}``.

    Contexts have up to ``order - 1`` units, with `BLANK` before the first. Those of two and more
    units are kept if they occur at least ``least`` times.
    """
    counts: dict[tuple[int, ...], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for label in labels:
        told = (BLANK, *label)
        for i in range(1, len(told)):
            for size in range(order):
                if size <= i:
                    counts[told[i - size : i]][told[i]] += 1
    return {
        " ".join(map(str, context)): [n for pair in sorted(after.items()) for n in pair]
        for context, after in sorted(counts.items())
        if len(context) <= 1 or sum(after.values()) >= least
    }


class Ngrams:
    """A Witten-Bell model: log-probabilities (V,) of the next unit given those before it.

    ``table`` is that of `count_ngrams`, ``units`` the size V of the vocabulary.
    """

    def __init__(self, table: Mapping[str, Sequence[int]], units: int) -> None:
        self._units = units
        self._table = table
        self._order = max((len(context.split()) for context in table), default=0)
        self.logs = lru_cache(maxsize=20_000)(self._logs)

    def next(self, prefix: Sequence[int]) -> NDArray[np.float64]:
        """Log-probabilities (V,) after ``prefix``, all units of the text so far."""
        return self.logs((BLANK, *prefix)[-self._order :] if self._order else ())

    def _logs(self, context: tuple[int, ...]) -> NDArray[np.float64]:
        return np.log(self._shares(context))

    def _shares(self, context: tuple[int, ...]) -> NDArray[np.float64]:
        shorter = np.full(self._units, 1 / self._units)
        if context:
            shorter = np.exp(self.logs(context[1:]))
        pairs = self._table.get(" ".join(map(str, context)))
        if pairs is None:
            return shorter
        after = np.array(pairs, np.int64).reshape(-1, 2)
        shares = shorter * len(after)
        shares[after[:, 0]] += after[:, 1]
        return np.asarray(shares / (after[:, 1].sum() + len(after)))


Prefix = tuple[int, ...]
Beam = tuple[float, float, float]
"""Of a prefix: log-probabilities of ending in a blank and in a unit, and the language score."""


@dataclass(frozen=True)
class Hypothesis:
    """A label that the search found: its units, its score, and the language score within it."""

    units: Prefix
    score: float
    language: float


@dataclass(frozen=True)
class LanguageScore:
    """The language score of prefixes: n-grams with their weight, a bonus per unit, a lexicon."""

    ngrams: Ngrams
    weight: float
    bonus: float
    lexicon: Lexicon | None = None

    def added(self, prefix: Prefix, shares: NDArray[np.float64], unit: int) -> float:
        """What ``unit`` adds after ``prefix``, whose n-gram log-probabilities are ``shares``."""
        found = self.weight * shares.item(unit) + self.bonus
        if self.lexicon and unit == self.lexicon.space:
            found += self.lexicon.score(prefix)
        return found

    def at_end(self, prefix: Prefix) -> float:
        """What the end of the line adds."""
        return self.lexicon.score(prefix) if self.lexicon else 0.0


def search(frames: Frames, language: LanguageScore, width: int = WIDTH) -> list[Hypothesis]:
    """The labels of highest score, best first: log-probability of CTC plus language score.

    Keeps ``width`` prefixes.
    """
    beams: dict[Prefix, Beam] = {(): (0.0, NEVER, 0.0)}
    above = frames > _UNLIKELY
    above[:, BLANK] = False
    ends = np.cumsum(above.sum(axis=1)).tolist()
    units = np.nonzero(above)[1].tolist()
    for row, start, end in zip(frames.tolist(), [0, *ends], ends, strict=False):
        if start == end and row[BLANK] > -1e-3:
            beams = {
                prefix: (log_add(blank, unit) + row[BLANK], NEVER, told)
                for prefix, (blank, unit, told) in beams.items()
            }
            continue
        beams = _step(beams, row, units[start:end], language, width)
        ranked = sorted((-_score(beam), prefix) for prefix, beam in beams.items())
        beams = {prefix: beams[prefix] for _, prefix in ranked[:width]}
    found = []
    for prefix, beam in beams.items():
        end = language.at_end(prefix)
        found.append(Hypothesis(prefix, _score(beam) + end, beam[2] + end))
    return sorted(found, key=lambda each: (-each.score, each.units))


def _step(
    beams: Mapping[Prefix, Beam],
    row: Sequence[float],
    likely: Sequence[int],
    language: LanguageScore,
    width: int,
) -> dict[Prefix, Beam]:
    """One frame of the search: each prefix is kept, by a blank or a repeated unit, or extended.

    Extensions that cannot be among the ``width`` best, however likely the text, are left out.
    """
    after: dict[Prefix, Beam] = {}
    silent = row[BLANK]
    totals = [log_add(blank, unit) for blank, unit, _ in beams.values()]
    least = NEVER
    if len(beams) >= width:
        told_all = (beam[2] for beam in beams.values())
        least = min(map(sum, zip(totals, told_all, strict=True))) + silent - _ROUNDING
    parents = {prefix[:-1] for prefix in beams}
    for (prefix, (blank, unit, told)), total in zip(beams.items(), totals, strict=True):
        last = prefix[-1] if prefix else BLANK
        stays = unit + row[last]
        kept = after.get(prefix)
        if kept is None:
            after[prefix] = (total + silent, stays, told)
        else:
            after[prefix] = (log_add(kept[0], total + silent), log_add(kept[1], stays), told)
        needed = least - told - language.bonus  # all that a unit adds but its bonus is negative
        shares = None
        for next_unit in likely:
            start = blank if next_unit == last else total
            score = start + row[next_unit]
            held = prefix in parents and (*prefix, next_unit) in beams
            if start == NEVER or (score < needed and not held):
                continue
            longer = (*prefix, next_unit)
            grown = after.get(longer)
            if grown is not None:
                after[longer] = (grown[0], log_add(grown[1], score), grown[2])
                continue
            shares = language.ngrams.next(prefix) if shares is None else shares
            said = told + language.added(prefix, shares, next_unit)
            if held or score + said >= least:
                after[longer] = (NEVER, score, said)
    return after


def _score(beam: Beam) -> float:
    blank, unit, told = beam
    return (unit if blank == NEVER else log_add(blank, unit)) + told
