"""A bracket of the text around a formula, read with it: ``(as x \\to \\infty)`` gives ``x \\to
\\infty )``. A closing bracket at the end without its partner, or an opening one at the start, is
taken off the reading and its ink off the box.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hmer_cli.document.records import RegionReading
from hmer_cli.geometry import Box

_OPENING, _CLOSING = frozenset(("(", "[")), frozenset((")", "]"))
_FEWEST = 3  # tokens besides: what is shorter may be half an interval


def without_lone_bracket(expression: RegionReading) -> RegionReading:
    """The expression without a lone bracket at an end; as it is where there is none."""
    reading = expression.reading
    tokens = [token.token for token in reading.tokens]
    if reading.label.split() != tokens or len(tokens) <= _FEWEST:
        return expression
    first, last = int(_is_lone_first(tokens)), len(tokens) - int(_is_lone_last(tokens))
    if last - first == len(tokens):
        return expression
    kept = reading.tokens[first:last]
    x0, _, x1, _ = expression.box
    left = (kept[0].box[0] + reading.tokens[0].box[2]) / 2 if first else x0
    right = (kept[-1].box[2] + reading.tokens[-1].box[0]) / 2 if last < len(tokens) else x1
    if not x0 <= left < right <= x1:
        return expression
    shares = (left - x0) / (x1 - x0), (right - x0) / (x1 - x0)
    return replace(
        expression,
        region=between(expression.region, *shares),
        box=between(expression.box, *shares),
        reading=replace(reading, label=" ".join(tokens[first:last]), tokens=kept),
    )


def _is_lone_last(tokens: Sequence[str]) -> bool:
    """Whether the last bracket closes what nothing opened."""
    depth = [(token in _OPENING) - (token in _CLOSING) for token in tokens]
    return tokens[-1] in _CLOSING and sum(depth) == -1 and _lowest(depth[:-1]) >= 0


def _is_lone_first(tokens: Sequence[str]) -> bool:
    """Whether the first bracket opens what nothing closes."""
    depth = [(token in _CLOSING) - (token in _OPENING) for token in reversed(tokens)]
    return tokens[0] in _OPENING and sum(depth) == -1 and _lowest(depth[:-1]) >= 0


def _lowest(steps: Sequence[int]) -> int:
    lowest = total = 0
    for step in steps:
        total += step
        lowest = min(lowest, total)
    return lowest


def between(box: Box, left: float, right: float) -> Box:
    """The part of a box between two shares of its width."""
    x0, y0, x1, y1 = box
    return round(x0 + left * (x1 - x0), 2), y0, round(x0 + right * (x1 - x0), 2), y1
