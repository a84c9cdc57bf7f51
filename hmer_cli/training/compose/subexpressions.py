"""Sub-expressions: parts of a label that are labels of their own.

Input: an example. Output: spans of tokens, such as an argument or a side of an equation.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hmer_cli.expr.commands import COVERS, FONTS, GRIDS, PLACERS, STACKS

_ARGUMENTS = dict.fromkeys(STACKS | PLACERS, 2) | dict.fromkeys(COVERS | FONTS, 1) | {"\\sqrt": 1}
_GRIDS = {rf"\begin{{{name}}}": rf"\end{{{name}}}" for name in GRIDS}
_SCRIPTS = ("_", "^", "\\limits")

Span = tuple[int, int]
"""Start and end of a run of tokens, end not included."""


def closing(tokens: Sequence[str], start: int, pair: tuple[str, str] = ("{", "}")) -> int:
    """The index after the bracket that closes the one at ``start``."""
    depth = 0
    for i in range(start, len(tokens)):
        depth += (tokens[i] == pair[0]) - (tokens[i] == pair[1])
        if depth == 0:
            return i + 1
    return len(tokens)


def atoms(tokens: Sequence[str], span: Span) -> tuple[list[Span], list[Span]]:
    """The atoms of one level of a label, and the rows inside them.

    An atom is a symbol with all its arguments and scripts, `\\frac { a } { b } ^ { 2 }` say, or a
    whole grid.
    """
    found: list[Span] = []
    rows: list[Span] = []
    i, end = span
    while i < end:
        start, token = i, tokens[i]
        i = _head(tokens, start)
        arguments = _ARGUMENTS.get(token, 0)
        while i < end and (arguments or tokens[i] in _SCRIPTS):
            if tokens[i] == "\\limits":
                i += 1
                continue
            opening = i if arguments else i + 1
            i = closing(tokens, opening)
            if not (arguments and token in FONTS):  # without its font it is another sign
                rows.append((opening + 1, i - 1))
            arguments = max(0, arguments - 1)
        found.append((start, min(i, end)))
    return found, rows


def _head(tokens: Sequence[str], start: int) -> int:
    """The index after a sign, with what belongs to it before its arguments and scripts."""
    token = tokens[start]
    if token == "{":
        return closing(tokens, start)
    if token in _GRIDS:
        return closing(tokens, start, (token, _GRIDS[token]))
    if token == "\\sqrt" and start + 1 < len(tokens) and tokens[start + 1] == "[":
        return closing(tokens, start + 1, ("[", "]"))
    return start + 1


def levels(tokens: Sequence[str]) -> list[list[Span]]:
    """Every level of a label (the whole, each group) as its list of atoms."""
    waiting: list[Span] = [(0, len(tokens))]
    result = []
    while waiting:
        span = waiting.pop()
        if span[0] < span[1]:
            found, groups = atoms(tokens, span)
            result.append(found)
            waiting.extend(groups)
    return result


def sample(tokens: Sequence[str], rng: np.random.Generator) -> Span:
    """A random sub-expression: a run of neighbouring atoms of one level, long levels preferred."""
    choices = levels(tokens)
    weights = np.array([len(level) for level in choices], float)
    level = choices[rng.choice(len(choices), p=weights / weights.sum())]
    length = int(rng.integers(1, len(level) + 1))
    first = int(rng.integers(0, len(level) - length + 1))
    return level[first][0], level[first + length - 1][1]
