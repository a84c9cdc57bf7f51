r"""Tokens of a label -> how many of its brackets have no partner, and labels that mend that.

Brackets pair within one row: the label itself, the braces of an argument, or one cell of a grid.
An interval may open with one bracket and close with another, such as ``[ a , b )``, and square
brackets may look either way, as in ``] a , b [``. ``\{`` before a grid stands for ``cases``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from hmer_cli.expr.commands import STRUCTURE

_OPENING = {"(": "(", "[": "(", r"\{": "{", r"\langle": "<"}
_CLOSING = {")": "(", "]": "(", r"\}": "{", r"\rangle": "<"}
_PARTNERS = {
    "(": (")",),
    ")": ("(",),
    "[": ("]", ")"),
    "]": ("[", "("),
    r"\{": (r"\}",),
    r"\}": (r"\{",),
    r"\langle": (r"\rangle",),
    r"\rangle": (r"\langle",),
}
_BARS = frozenset(("|", r"\|"))


def unpaired(tokens: Sequence[str]) -> int:
    r"""The brackets ``( ) [ ] \{ \} \langle \rangle`` that have no partner in their row.

    A bar may be the partner of an angle, as in kets.
    """
    if _PARTNERS.keys().isdisjoint(tokens):
        return 0
    count = 0
    rows = [_Row()]
    for i, token in enumerate(tokens):
        if token == "{" or token.startswith(r"\begin"):
            rows.append(_Row())
        elif (token == "}" or token.startswith(r"\end")) and len(rows) > 1:
            count += rows.pop().count
        elif token in ("&", r"\\"):
            count += rows[-1].count
            rows[-1] = _Row()
        elif not (token == r"\{" and "".join(tokens[i + 1 : i + 2]).startswith(r"\begin")):
            rows[-1].add(token)
    return count + sum(row.count for row in rows)


def repaired(tokens: Sequence[str]) -> list[list[str]]:
    """The labels with fewer unpaired brackets that differ by one bracket.

    The bracket is inserted, or stands in place of another symbol. Some may be no valid labels.
    """
    count = unpaired(tokens)
    if not count:
        return []
    lacking = {partner for token in tokens for partner in _PARTNERS.get(token, ())}
    found = []
    for i in range(len(tokens) + 1):
        ends = {i, i + 1} if i < len(tokens) and tokens[i] not in STRUCTURE else {i}
        for bracket, end in product(sorted(lacking), sorted(ends)):
            label = [*tokens[:i], bracket, *tokens[end:]]
            if unpaired(label) < count:
                found.append(label)
    return found


class _Row:
    """The brackets of one row: those that are open, and those that closed nothing."""

    def __init__(self) -> None:
        self.open: list[str] = []
        self.closed: list[str] = []
        self.bars = 0

    def add(self, token: str) -> None:
        self.bars += token in _BARS
        if token in _OPENING:
            self.open.append(token)
        elif token in _CLOSING:
            if self.open and _OPENING[self.open[-1]] == _CLOSING[token]:
                self.open.pop()
            else:
                self.closed.append(token)

    @property
    def count(self) -> int:
        left = [*self.open, *self.closed]
        squares = sum(token in "[]" for token in left)
        angles = sum(token in (r"\langle", r"\rangle") for token in left)
        return len(left) - squares + squares % 2 - min(angles, self.bars)
