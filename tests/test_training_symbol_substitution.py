"""Grafting: other ink and other signs in the places of an expression, all else as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hmer_cli.expr.symbol_classes import exchange_class
from hmer_cli.expr.tokens import Vocabulary, join
from hmer_cli.expr.validity import problems
from hmer_cli.synthesis.random_trees import GRAFTED, Choices
from hmer_cli.training.compose.examples import Example
from hmer_cli.training.compose.recompose import Recomposer
from hmer_cli.training.compose.symbol_bank import SymbolBank
from hmer_cli.training.compose.symbol_substitution import SymbolSubstitution

VOCABULARY = Vocabulary.load(Path(__file__).parent.parent / "train" / "vocabulary.txt")
BANK = SymbolBank()
SUBSTITUTION = SymbolSubstitution(BANK, Choices(VOCABULARY))
LABEL = r"x + x ^ { 2 3 } = \frac { 1 3 } { \sqrt { y } } ( a - 1 )"


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


WRITTEN = Recomposer(BANK).example(LABEL, rng(0))


def box(example: Example, symbol: int) -> tuple[np.ndarray, np.ndarray]:
    ink = np.concatenate([example.strokes[i] for i in example.symbols[symbol]])
    return ink.min(axis=0), ink.max(axis=0)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_changed_expression_is_one_of_the_same_structure(seed: int) -> None:
    made = SUBSTITUTION.substituted(WRITTEN, rng(seed))
    assert problems(join(made.tokens)) == []
    assert made.places == WRITTEN.places
    changed = {}
    for old, new in zip(WRITTEN.tokens, made.tokens, strict=True):
        assert old == new or exchange_class(old) in GRAFTED
        assert changed.setdefault(old, new) == new, "the same sign, the same everywhere"
        assert new in VOCABULARY


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_new_ink_stands_where_the_old_stood(seed: int) -> None:
    made = SUBSTITUTION.substituted(WRITTEN, rng(seed))
    assert sorted(i for members in made.symbols for i in members) == list(range(len(made.strokes)))
    for symbol in range(len(made.symbols)):
        (low, high), (old_low, old_high) = box(made, symbol), box(WRITTEN, symbol)
        middle = (low[0] + high[0]) / 2
        assert old_low[0] - 1 <= middle <= old_high[0] + 1
        assert low[1] < old_high[1] + 60 and high[1] > old_low[1] - 60  # units of the x: 100


def test_signs_and_ink_are_exchanged_and_the_same_for_the_same_seed() -> None:
    made = [SUBSTITUTION.substituted(WRITTEN, rng(seed)) for seed in range(20)]
    again = [SUBSTITUTION.substituted(WRITTEN, rng(seed)) for seed in range(20)]
    assert len({m.tokens for m in made}) > 10
    for one, other in zip(made, again, strict=True):
        assert one.tokens == other.tokens
        assert all(np.array_equal(a, b) for a, b in zip(one.strokes, other.strokes, strict=True))


def test_ink_of_which_nobody_knows_what_it_is_stays() -> None:
    unknown = Example(WRITTEN.strokes, WRITTEN.tokens)
    assert SUBSTITUTION.substituted(unknown, rng(0)) is unknown
