"""Lexicon of the line reader: a penalty for each word that is in no training text.

Input: the words of the training texts, in lower case, and units of characters. Output: what a
finished word adds to the log-score of a hypothesis of the search (`hmer_cli.recognition.ngrams`).
Words are runs of letters and apostrophes; digits, other signs and formulas cost nothing. A penalty
for unknown words, not a bonus for known ones: with a bonus, long words fall apart into short ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from hmer_cli.recognition.line_text import SPACE, text_of

PENALTY = 3.0  # chosen on the lines that choose the weights; 2 to 4 are alike
"""Subtracted from the log-score for each unknown word."""

_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|')*")


def words(text: str) -> Iterator[str]:
    """The words of a text in lower case, without an ``'s`` at the end."""
    for word in _WORD.findall(text.lower()):
        yield word.rstrip("'").removesuffix("'s")


class Lexicon:
    """Known words, and the tokens of the units in which labels are given."""

    def __init__(self, known: Iterable[str], tokens: Sequence[str]) -> None:
        self._known = frozenset(known)
        self._tokens = tokens
        self.space = tokens.index(SPACE)
        """The unit that ends a word."""
        self._scores = lru_cache(maxsize=20_000)(self._score)

    def score(self, prefix: tuple[int, ...]) -> float:
        """What the last word of ``prefix``, now finished, adds to its log-score."""
        start = len(prefix)
        while start and prefix[start - 1] != self.space:
            start -= 1
        return self._scores(prefix[start:])

    def _score(self, units: tuple[int, ...]) -> float:
        text = text_of(self._tokens[unit] for unit in units)
        return -PENALTY * sum(word not in self._known for word in words(text))
