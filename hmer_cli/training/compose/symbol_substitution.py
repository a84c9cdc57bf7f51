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
from hmer_cli.training.compose.examples import UNTIED, Example
from hmer_cli.training.compose.symbol_bank import BankHand, SymbolBank

_NEW_SIGN, _NEW_INK = 0.3, 0.35
"""Probabilities of another symbol, the same in all places, and of other ink of a symbol."""

_ROOM, _NARROWED = 1.3, 0.7
"""Largest width relative to the replaced ink; least factor by which new ink is narrowed."""


@dataclass(frozen=True)
class SymbolSubstitution:
    """Replaces ink and symbols of training examples by those of a bank."""

    bank: SymbolBank
    choices: Choices

    def substituted(self, example: Example, rng: np.random.Generator) -> Example:
        """The example with other ink, and other symbols, in some places.

        Symbols that are no letter, digit or operator, or for which no ink fits, stay.
        """
        rows = placed_symbols(example, extents())
        if rows is None:
            return example
        source = self.bank.hand(rng)
        marks = [mark for row in rows for mark in row.walk() if _free(mark)]
        new = {
            token: self.choices.like(token, rng) if rng.random() < _NEW_SIGN else token
            for token in dict.fromkeys(mark.node.symbol for mark in marks)
        }
        kept = _agreed(marks, new, source, rng)
        return _replaced(example, kept)


Written = tuple[str, list[Points]]
"""A token and its new strokes."""


def _free(mark: PlacedSymbol) -> bool:
    """Whether the symbol may be replaced: of an exchange class, with no content inside."""
    return exchange_class(mark.node.symbol) in GRAFTED and "inside" not in mark.rows


def _agreed(
    marks: Sequence[PlacedSymbol], new: dict[str, str], source: BankHand, rng: np.random.Generator
) -> dict[int, Written]:
    """New ink by symbol; a symbol is exchanged only if the new one fits in all its places."""
    found: dict[int, Written] = {}
    for token, other in new.items():
        here = [mark for mark in marks if mark.node.symbol == token]
        inks = [_fitted(mark, other, source) for mark in here]
        for mark, ink in zip(here, inks, strict=True):
            if token == other:
                if ink is not None and rng.random() < _NEW_INK:
                    found[mark.symbol] = other, ink
            elif all(i is not None for i in inks):
                found[mark.symbol] = other, ink or []
    return found


def _fitted(mark: PlacedSymbol, token: str, source: BankHand) -> list[Points] | None:
    """Ink of the token on the line of the mark, centred; None if too wide or not in the bank."""
    try:
        glyph = source.glyph(token)
    except KeyError:
        return None
    left, _, right, _ = mark.box
    unit = mark.line.unit
    room = _ROOM * max(right - left, 0.5 * unit)
    narrowed = min(1.0, room / max(glyph.width * unit, 1e-6))
    if narrowed < _NARROWED:
        return None
    middle = (glyph.box[0] + glyph.box[2]) / 2
    scale = np.array([narrowed * unit, unit], np.float32)
    shift = np.array([(left + right) / 2 - middle * scale[0], mark.line.base], np.float32)
    return [(stroke * scale + shift).astype(np.float32) for stroke in glyph.strokes]


def _replaced(example: Example, found: dict[int, Written]) -> Example:
    """The example with the new strokes of some symbols, and their tokens.

    Strokes stay in the order in which they were written; new ones are written when the first of
    those was that they replace.
    """
    assert example.places is not None
    tied = {i for members in example.symbols for i in members}
    written = [(i, UNTIED, s) for i, s in enumerate(example.strokes) if i not in tied]
    for place, members in enumerate(example.symbols):
        if place in found:
            written += [(min(members), place, stroke) for stroke in found[place][1]]
        else:
            written += [(i, place, example.strokes[i]) for i in members]
    written.sort(key=lambda each: each[0])
    symbols = [
        tuple(i for i, (_, owner, _) in enumerate(written) if owner == place)
        for place in range(len(example.symbols))
    ]
    tokens = tuple(
        found[place][0] if place in found else token
        for token, place in zip(example.tokens, example.places, strict=True)
    )
    strokes = tuple(stroke for _, _, stroke in written)
    return Example(strokes, tokens, tuple(symbols), example.places)
