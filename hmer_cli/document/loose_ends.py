r"""Signs of the text around a formula, read with it: ``(as x \to \infty)`` gives ``\infty )``.

Input: a reading with token boxes. Output: the reading without a bracket at an end whose partner is
not there, an arrow or a comma before it, an arrow, a question mark or a tick after it, and letters
with a colon before it, as ``Ex:``; their ink is taken off the box.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hmer_cli.document.records import RegionReading
from hmer_cli.expr.validity import problems
from hmer_cli.geometry import Box

_OPENING, _CLOSING = frozenset(("(", "[")), frozenset((")", "]", r"\}"))
_ARROWS = frozenset((r"\rightarrow", r"\to", r"\longrightarrow"))
_BEFORE = _ARROWS | {",", ";", "?"}  # an arrow that points at a formula
_AFTER = _ARROWS | {"?", "/", r"\Rightarrow", r"\mapsto"}  # as a tick is read: /
_FEWEST = 3  # tokens that are left: what is shorter may be half an interval
_NAME = 2, 4  # letters before a colon; one may be the name of a map


def without_loose_ends(expression: RegionReading) -> RegionReading:
    """The expression without loose signs at its ends; as it is where there are none."""
    reading = expression.reading
    tokens = [token.token for token in reading.tokens]
    if reading.label.split() != tokens:
        return expression
    first, last = _ends(tokens)
    if last - first == len(tokens) or problems(" ".join(tokens[first:last])):
        return expression
    kept = reading.tokens[first:last]
    x0, _, x1, _ = expression.box
    left = (kept[0].box[0] + reading.tokens[first - 1].box[2]) / 2 if first else x0
    right = (kept[-1].box[2] + reading.tokens[last].box[0]) / 2 if last < len(tokens) else x1
    if not x0 <= left < right <= x1:
        return expression
    shares = (left - x0) / (x1 - x0), (right - x0) / (x1 - x0)
    return replace(
        expression,
        region=between(expression.region, *shares),
        box=between(expression.box, *shares),
        reading=replace(reading, label=" ".join(tokens[first:last]), tokens=kept),
    )


def _ends(tokens: Sequence[str]) -> tuple[int, int]:
    """Where the formula begins and ends."""
    first, last = _after_name(tokens), len(tokens)
    while last - first > _FEWEST:
        inner = tokens[first:last]
        if inner[0] in _BEFORE or _is_lone_first(inner):
            first += 1
        elif inner[-1] in _AFTER or _is_lone_last(inner):
            last -= 1
        else:
            break
    return first, last


def _after_name(tokens: Sequence[str]) -> int:
    """Where the formula begins after letters with a colon."""
    at = tokens.index(":") if ":" in tokens else 0
    letters = all(len(token) == 1 and token.isalpha() for token in tokens[:at])
    named = letters and _NAME[0] <= at <= _NAME[1] and len(tokens) - at > _FEWEST
    return at + 1 if named else 0


def _is_lone_last(tokens: Sequence[str]) -> bool:
    """Whether the last bracket closes what nothing opened."""
    depth = [_opens(token) - (token in _CLOSING) for token in tokens]
    return tokens[-1] in _CLOSING and sum(depth) == -1 and _lowest(depth[:-1]) >= 0


def _opens(token: str) -> int:
    return int(token in _OPENING or token == r"\{")


def _is_lone_first(tokens: Sequence[str]) -> bool:
    """Whether the first bracket opens what nothing closes."""
    depth = [(token in _CLOSING) - _opens(token) for token in reversed(tokens)]
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
