r"""Equations with commas between them, read as one -> one reading each.

Input: a reading with token boxes. Output: ``a = 1 , b = 2`` as ``a = 1`` and ``b = 2``, each with
its part of the box; anything else as it is. A comma parts two equations if each side has a relation
and the white after it is that of a list and not that of two coordinates. It parts neither letters
with the same bounds, ``1 \leq i , j \leq n``, nor a quantifier from what it is said of.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median

from hmer_cli.document.bracket_depths import depths
from hmer_cli.document.loose_ends import between
from hmer_cli.document.records import RegionReading
from hmer_cli.expr.symbol_classes import LETTERS, STATEMENT_RELATIONS, exchange_class
from hmer_cli.expr.validity import problems

_WAYS = frozenset(("<", r"\leq", r"\ll")), frozenset((">", r"\geq", r"\gg"))
_QUANTIFIERS = frozenset((r"\forall", r"\exists"))
_WHITE = 0.5  # symbol heights after the comma: less is no list # convention


def parted_at_commas(expression: RegionReading, quarters: int = 0) -> list[RegionReading]:
    """The equations of a list from left to right; the expression itself where it is none. Its
    source is so many ``quarters`` turned to its page."""
    reading = expression.reading
    tokens = [token.token for token in reading.tokens]
    if reading.label.split() != tokens:
        return [expression]
    ends = [-1, *_cuts(tokens, [token.box for token in reading.tokens]), len(tokens)]
    spans = [(first + 1, last) for first, last in pairwise(ends)]
    labels = [" ".join(tokens[first:last]) for first, last in spans]
    if len(spans) == 1 or any(problems(label) for label in labels):
        return [expression]
    return [_part(expression, *span, quarters) for span in spans]


def _cuts(tokens: Sequence[str], boxes: Sequence[tuple[float, ...]]) -> list[int]:
    """The places of the commas that part equations."""
    symbol = median(box[3] - box[1] for box in boxes) if boxes else 0.0
    cuts: list[int] = []
    depth, related = depths(tokens), -1  # the place of the last relation since the last cut
    for at, token in enumerate(tokens):
        if depth[at]:
            continue
        if token in _QUANTIFIERS:
            break
        if token == "," and related >= 0 and at < len(tokens) - 1:
            white = boxes[at + 1][0] - boxes[at][2]
            after = _relation_after(at, tokens, depth) if white >= _WHITE * symbol else None
            if after is not None and not _bound(tokens[related : after + 1]):
                cuts.append(at)
                related = -1
        elif token in STATEMENT_RELATIONS:
            related = at
    return cuts


def _relation_after(comma: int, tokens: Sequence[str], depth: Sequence[int]) -> int | None:
    """The place of the relation of the equation that begins behind a comma; None for none."""
    for at in range(comma + 1, len(tokens)):
        if depth[at] < 0 or (depth[at] == 0 and tokens[at] in _QUANTIFIERS | {","}):
            return None
        if depth[at] == 0 and tokens[at] in STATEMENT_RELATIONS:
            return at if at > comma + 1 else None
    return None


def _bound(tokens: Sequence[str]) -> bool:
    """Whether two inequalities of one direction have letters and commas alone between them."""
    depth, plain = 0, []
    for token in tokens[1:-1]:
        depth += (token == "{") - (token == "}")
        if depth == 0 and token not in ("_", "^", "}"):
            plain.append(token)
    letters = all(exchange_class(token) in LETTERS for token in plain[::2])
    one_way = any({tokens[0], tokens[-1]} <= way for way in _WAYS)
    return one_way and letters and set(plain[1::2]) == {","}


def _part(expression: RegionReading, first: int, last: int, quarters: int) -> RegionReading:
    """The tokens from ``first`` to before ``last``, which may be a comma, by themselves."""
    reading = expression.reading
    x0, _, x1, _ = expression.box
    left = x0 if first == 0 else min(token.box[0] for token in reading.tokens[first:last])
    right = x1 if last == len(reading.tokens) else reading.tokens[last].box[0]
    shares = (left - x0) / max(x1 - x0, 1e-9), (right - x0) / max(x1 - x0, 1e-9)
    kept = reading.tokens[first:last]
    label = " ".join(token.token for token in kept)
    return replace(
        expression,
        region=between(expression.region, *shares, quarters),
        box=between(expression.box, *shares),
        key=hashlib.sha256(f"{expression.key} {first} {last}".encode()).hexdigest(),
        reading=replace(reading, label=label, tokens=kept, alternatives=()),
        words="",
    )
