"""Symbol substitution: real expressions in which other ink or other symbols replace some symbols.

Input: an example and a symbol bank. Output: an example with the layout of the writer.
Recomposition (`hmer_cli.training.compose.recompose`) makes a new layout instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hmer_cli.expr.symbol_classes import exchange_class
from hmer_cli.synthesis.glyph import Points
from hmer_cli.synthesis.layout_statistics import extents
from hmer_cli.synthesis.random_trees import GRAFTED, Choices
from hmer_cli.training.compose.baselines import PlacedSymbol, placed_symbols
from hmer_cli.training.compose.examples import Example
from hmer_cli.training.compose.symbol_bank import BankHand, SymbolBank

_NEW_SIGN, _NEW_INK = 0.3, 0.35
"""How often a sign becomes another, everywhere alike, and how often its ink is another's."""

_ROOM, _NARROWED = 1.3, 0.7
"""No ink is wider than so many times what it replaces; it gives way down to this share of it."""


@dataclass(frozen=True)
class SymbolSubstitution:
    """Exchanges ink and signs of training examples for those of a bank."""

    bank: SymbolBank
    choices: Choices

    def graft(self, example: Example, rng: np.random.Generator) -> Example:
        """The example with some of its signs written by another hand, some of them as others.

        What has no known ink, is no letter, digit or operator, or finds no fitting ink stays.
        """
        rows = placed_symbols(example, extents())
        if rows is None:
            return example
        hand = self.bank.hand(rng)
        sights = [sight for row in rows for sight in row.walk() if _free(sight)]
        new = {
            token: self.choices.like(token, rng) if rng.random() < _NEW_SIGN else token
            for token in dict.fromkeys(sight.node.symbol for sight in sights)
        }
        kept = _agreed(sights, new, hand, rng)
        return _replaced(example, kept)


Written = tuple[str, list[Points]]
"""A token and the strokes that now write it."""


def _free(sight: PlacedSymbol) -> bool:
    """Whether the sign may be another's: one of its line, with nothing written into it."""
    return exchange_class(sight.node.symbol) in GRAFTED and "inside" not in sight.rows


def _agreed(
    sights: Sequence[PlacedSymbol], new: dict[str, str], hand: BankHand, rng: np.random.Generator
) -> dict[int, Written]:
    """New ink by symbol; a sign becomes another only if that fits wherever it stands."""
    found: dict[int, Written] = {}
    for token, other in new.items():
        here = [sight for sight in sights if sight.node.symbol == token]
        inks = [_fitted(sight, other, hand) for sight in here]
        for sight, ink in zip(here, inks, strict=True):
            if token == other:
                if ink is not None and rng.random() < _NEW_INK:
                    found[sight.symbol] = other, ink
            elif all(i is not None for i in inks):
                found[sight.symbol] = other, ink or []
    return found


def _fitted(sight: PlacedSymbol, token: str, hand: BankHand) -> list[Points] | None:
    """Ink of the token on the sign's line, in the middle of its place; None where it is too wide.

    Also None where nobody has the token.
    """
    try:
        glyph = hand.glyph(token)
    except KeyError:
        return None
    left, _, right, _ = sight.box
    unit = sight.line.unit
    room = _ROOM * max(right - left, 0.5 * unit)
    narrowed = min(1.0, room / max(glyph.width * unit, 1e-6))
    if narrowed < _NARROWED:
        return None
    middle = (glyph.box[0] + glyph.box[2]) / 2
    scale = np.array([narrowed * unit, unit], np.float32)
    shift = np.array([(left + right) / 2 - middle * scale[0], sight.line.base], np.float32)
    return [(stroke * scale + shift).astype(np.float32) for stroke in glyph.strokes]


def _replaced(example: Example, found: dict[int, Written]) -> Example:
    """The example with the new strokes of some symbols, and their tokens."""
    assert example.places is not None
    strokes: list[Points] = []
    symbols: list[tuple[int, ...]] = []
    tied = {i for members in example.symbols for i in members}
    for place, members in enumerate(example.symbols):
        ink = found[place][1] if place in found else [example.strokes[i] for i in members]
        symbols.append(tuple(range(len(strokes), len(strokes) + len(ink))))
        strokes += ink
    strokes += [stroke for i, stroke in enumerate(example.strokes) if i not in tied]
    tokens = tuple(
        found[place][0] if place in found else token
        for token, place in zip(example.tokens, example.places, strict=True)
    )
    return Example(tuple(strokes), tokens, tuple(symbols), example.places)
