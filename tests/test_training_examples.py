"""Tokens tied to strokes, sub-expressions of them, and other hands made of the same ink."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmer_cli.expr.validity import problems
from hmer_cli.ink.ink import Ink, Symbol
from hmer_cli.training.augment.ink import Spread, augment
from hmer_cli.training.compose import subexpressions
from hmer_cli.training.compose.examples import UNTIED, example, written_tokens

LABEL = r"\frac { x ^ { 2 } } { \sqrt [ 3 ] { y } } + 1"
WRITTEN = ["\\frac", "x", "2", "\\sqrt", "3", "y", "+", "1"]


def square(x: float, y: float, side: float = 10.0) -> np.ndarray:
    corners = [(0, 0), (side, 0), (side, side), (0, side), (0, 0)]
    return np.array(corners, np.float32) + np.array([x, y], np.float32)


def ink(names: list[str]) -> Ink:
    """A square for each symbol, side by side; the plus has two strokes."""
    strokes: list[np.ndarray] = []
    symbols = []
    for i, name in enumerate(names):
        members = (len(strokes), len(strokes) + 1) if name == "+" else (len(strokes),)
        strokes += [square(20.0 * i + j, 5.0 * j) for j in range(len(members))]
        symbols.append(Symbol(members, "-" if name == "\\frac" else name))
    return Ink(tuple(strokes), tuple(symbols))


def test_each_written_token_is_tied_to_its_symbol_and_braces_to_none() -> None:
    tied = example(ink(WRITTEN), LABEL)
    assert tied.places is not None
    names = [WRITTEN[p] for p in tied.places if p != UNTIED]
    assert names == WRITTEN
    for token, place in zip(tied.tokens, tied.places, strict=True):
        assert place == UNTIED or WRITTEN[place] == token


@pytest.mark.parametrize("names", [WRITTEN[:-1], [*WRITTEN[:-1], "7"], WRITTEN[::-1]])
def test_symbols_that_contradict_the_label_are_not_tied(names: list[str]) -> None:
    assert example(ink(names), LABEL).places is None


def test_brackets_of_a_root_are_not_ink_but_others_are() -> None:
    tokens = r"\sqrt [ 3 ] { [ x ] }".split()
    told = dict(zip(range(len(tokens)), written_tokens(tokens), strict=True))
    assert [i for i, here in told.items() if here] == [0, 2, 5, 6, 7]


def test_a_part_has_the_ink_of_its_tokens_and_no_more() -> None:
    whole = example(ink(WRITTEN), LABEL)
    start = whole.tokens.index("+")
    part = whole.part((start, start + 2))
    assert part is not None
    assert part.tokens == ("+", "1")
    assert part.places == (0, 1)
    assert [len(members) for members in part.symbols] == [2, 1]
    np.testing.assert_array_equal(part.strokes[2], whole.strokes[-1])


@given(st.integers(0, 2**32 - 1))
def test_every_sub_expression_is_a_valid_label(seed: int) -> None:
    tokens = (
        r"\sum \limits _ { i = 1 } ^ { n } \frac { x _ { i } ^ { 2 } } { 2 } + \sqrt { y }".split()
    )
    start, end = subexpressions.sample(tokens, np.random.default_rng(seed))
    assert start < end
    assert problems(" ".join(tokens[start:end])) == []


@pytest.mark.parametrize(
    ("label", "rows"),
    [
        (r"\begin{bmatrix} a & b \\ c & d \end{bmatrix} x", [[(0, 9), (9, 10)]]),
        (r"\hat { x y } + 1", [[(0, 5), (5, 6), (6, 7)], [(2, 3), (3, 4)]]),
        (r"\mathbb { R } ^ { n }", [[(0, 8)], [(6, 7)]]),
        (r"\sqrt [ 3 ] { x }", [[(0, 7)], [(5, 6)]]),
    ],
)
def test_atoms_keep_what_belongs_to_them(label: str, rows: list[list[tuple[int, int]]]) -> None:
    assert subexpressions.levels(label.split()) == rows


@given(st.integers(0, 2**32 - 1))
def test_another_hand_has_the_same_strokes_near_the_same_places(seed: int) -> None:
    whole = ink(WRITTEN)
    symbols = [symbol.strokes for symbol in whole.symbols]
    rng = np.random.default_rng(seed)
    other = augment(whole.strokes, symbols, 10.0, rng, Spread())
    assert [len(stroke) for stroke in other] == [len(stroke) for stroke in whole.strokes]
    centres = np.array([stroke.mean(axis=0)[0] for stroke in other])
    assert (np.diff(centres[[0, 3, 5]]) > 0).all()


def test_without_spread_nothing_moves() -> None:
    whole = ink(WRITTEN)
    none = Spread(0, 0, 0, 0, 0, 0, 0)
    symbols = [symbol.strokes for symbol in whole.symbols]
    same = augment(whole.strokes, symbols, 10.0, np.random.default_rng(0), none)
    for old, new in zip(whole.strokes, same, strict=True):
        np.testing.assert_allclose(old, new, atol=1e-3)
