"""Sub-expressions: parts of a label that are expressions of their own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

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
    """The atoms of one level of a label, and the groups inside them.

    An atom is a symbol with all its arguments and scripts, `\\frac { a } { b } ^ { 2 }` say.
    """
    found: list[Span] = []
    groups: list[Span] = []
    i, end = span
    while i < end:
        start = i
        token = tokens[i]
        i += 1
        if token == "\\sqrt" and i < end and tokens[i] == "[":
            i = closing(tokens, i, ("[", "]"))
        arguments = {"\\frac": 2, "\\sqrt": 1, "{": 0}.get(token, 0)
        if token == "{":
            i = closing(tokens, start)
            groups.append((start + 1, i - 1))
        while i < end and (arguments or tokens[i] in ("_", "^", "\\limits", "\\prime")):
            if tokens[i] == "{":
                arguments -= 1
                after = closing(tokens, i)
                groups.append((i + 1, after - 1))
                i = after
            elif tokens[i] in ("_", "^"):
                after = closing(tokens, i + 1)
                groups.append((i + 2, after - 1))
                i = after
            else:
                i += 1
        found.append((start, min(i, end)))
    return found, groups


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
