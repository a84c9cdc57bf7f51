"""Output units of the recogniser: tokens, and frequent runs of tokens as one unit.

Input: tokens. Output: unit indices, and back. Braces are most of a label's length but leave no
ink; joining the runs below is lossless and shortens the CTC target, so fewer frames must emit
units without ink (byte-pair encoding with a fixed merge table).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

JOINED = ("\\limits _ {", "\\frac {", "\\sqrt {", "^ {", "_ {", "} {")
"""Runs of tokens that make one unit, longest first."""

BLANK = 0
"""The index of the CTC blank; in the decoder, of start and end."""


class Units:
    """The ordered output alphabet: blank, then the tokens, then the joined runs."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self.tokens = tuple(tokens)
        known = set(self.tokens)
        joined = [run for run in JOINED if set(run.split()) <= known]
        self.names = ("", *self.tokens, *joined)
        self._index = {name: i for i, name in enumerate(self.names)}
        self._runs = [tuple(run.split()) for run in joined]
        self._written = [name.split() for name in self.names]

    def __len__(self) -> int:
        return len(self.names)

    def index(self, name: str) -> int:
        """The index of a unit by its name; raises KeyError."""
        return self._index[name]

    def segment(self, tokens: Sequence[str]) -> list[str]:
        """Tokens -> unit names, greedily from the left; the join of the names is the label."""
        names = []
        i = 0
        while i < len(tokens):
            for run in self._runs:
                if tuple(tokens[i : i + len(run)]) == run:
                    names.append(" ".join(run))
                    i += len(run)
                    break
            else:
                names.append(tokens[i])
                i += 1
        return names

    def encode(self, tokens: Sequence[str]) -> list[int]:
        """Tokens -> unit indices; a KeyError names a token that is not in the alphabet."""
        return [self._index[name] for name in self.segment(tokens)]

    def decode(self, indices: Iterable[int]) -> list[str]:
        """Unit indices -> tokens; blanks are skipped."""
        return [token for i in indices if i != BLANK for token in self._written[i]]


def frames_needed(units: Sequence[int]) -> int:
    """Minimal CTC frames of a label: one per unit, and a blank between equal neighbours."""
    return len(units) + sum(a == b for a, b in pairwise(units))
