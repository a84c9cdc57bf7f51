r"""The order in which people write the symbols of an expression, which is not that of its label.

Input: an example whose strokes were made in the order of its label. Output: the same with its
strokes in a sampled order. In CROHME's training ink three of four fraction bars are written after
the numerator; that hats and bars come after what they stand over, and that some write superscripts
before subscripts, are conventions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hmer_cli.expr.commands import COVERS
from hmer_cli.training.compose.examples import UNTIED, Example
from hmer_cli.training.compose.subexpressions import closing

_BAR_FIRST, _COVER_FIRST, _UPPER_FIRST = 0.23, 0.1, 0.3
"""Shares of expressions in which the bar is written before the numerator, a cover before what it
covers, and an upper script or limit before the lower one."""


def in_writing_order(example: Example, rng: np.random.Generator) -> Example:
    """The example with its strokes in the order in which one person could have written them.

    ``example`` has ``places``, and every stroke is of one symbol.
    """
    assert example.places is not None
    bar, cover, upper = rng.random(3) < (_BAR_FIRST, _COVER_FIRST, _UPPER_FIRST)
    order = list(range(len(example.symbols)))
    for i in reversed(range(len(example.tokens))):  # what is inside has its order by then
        token = example.tokens[i]
        if (token == r"\frac" and not bar) or (token in COVERS and not cover):
            order = _behind(order, example.places[i], _held(example, i + 1))
        elif token == "_" and upper:
            end = closing(example.tokens, i + 1)
            if example.tokens[end : end + 1] == ("^",):
                order = _exchanged(order, _held(example, i + 1), _held(example, end + 1))
    strokes = [example.strokes[i] for place in order for i in example.symbols[place]]
    ends = np.cumsum([0, *(len(example.symbols[place]) for place in order)]).tolist()
    symbols = {place: tuple(range(*ends[n : n + 2])) for n, place in enumerate(order)}
    return replace(
        example,
        strokes=tuple(strokes),
        symbols=tuple(symbols[place] for place in range(len(order))),
    )


def _held(example: Example, opening: int) -> set[int]:
    """The symbols of the group that opens at a token."""
    assert example.places is not None
    within = slice(opening, closing(example.tokens, opening))
    return set(example.places[within]) - {UNTIED}


def _behind(order: Sequence[int], place: int, held: set[int]) -> list[int]:
    """The order with a symbol behind those of a group."""
    others = [each for each in order if each != place]
    at = max((i + 1 for i, each in enumerate(others) if each in held), default=order.index(place))
    return [*others[:at], place, *others[at:]]


def _exchanged(order: Sequence[int], first: set[int], second: set[int]) -> list[int]:
    """The order with two neighbouring groups exchanged."""
    if not first or not second:
        return list(order)
    start = min(i for i, each in enumerate(order) if each in first)
    before, after = order[:start], order[start:]
    rest = [each for each in after if each not in first | second]
    groups = [[each for each in after if each in group] for group in (second, first)]
    return [*before, *groups[0], *groups[1], *rest]
