"""Recomposition: valid labels of every token, and examples tied to their ink."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmer_cli.expr.commands import COVERS
from hmer_cli.expr.tokens import Vocabulary, join, tokenize
from hmer_cli.expr.tree import LabelError, parse, to_tokens
from hmer_cli.expr.validity import problems
from hmer_cli.synthesis.labels import (
    LONGEST,
    SHORTEST,
    BalancedLabels,
    Formulas,
    LabelSource,
    Substitutions,
    mixture,
)
from hmer_cli.synthesis.random_trees import RandomTrees
from hmer_cli.training.compose import examples
from hmer_cli.training.compose.recompose import Recomposer, tie
from hmer_cli.training.compose.symbol_bank import SymbolBank

VOCABULARY = Vocabulary.load(Path(__file__).parent.parent / "train" / "vocabulary-2.txt")
RECOMPOSER = Recomposer(SymbolBank())
LABELS = [
    r"\frac { d } { d x } x ^ { n } = n x ^ { n - 1 }",
    r"\sum \limits _ { i = 1 } ^ { n } ( a _ { i } + \sqrt [ 3 ] { 2 } ) \leq \sin \theta",
]
FORMULAS = [
    r"{ \cal L } = - { \frac 1 4 } F _ { \mu \nu } F ^ { \mu \nu } + \bar { \psi } \psi \, ,",
    r"A = \left( \begin{array} { c c } a & b \\ c & d \end{array} \right) , \quad x \le y",
]


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def sources() -> dict[str, LabelSource]:
    return {
        "formulas": Formulas(FORMULAS, VOCABULARY),
        "substitutions": Substitutions(LABELS, VOCABULARY),
        "inventor": RandomTrees(VOCABULARY),
        "mixture": mixture(VOCABULARY, LABELS, FORMULAS),
    }


SOURCES = sources()


@settings(max_examples=150)
@given(st.sampled_from(sorted(SOURCES)), st.integers(0, 2**32 - 1))
def test_labels_are_valid_canonical_and_in_the_vocabulary(source: str, seed: int) -> None:
    label = SOURCES[source].sample(rng(seed))
    tokens = tokenize(label)
    assert problems(label) == []
    assert to_tokens(parse(tokens)) == tokens
    assert all(token in VOCABULARY for token in tokens)


def test_random_trees_show_every_token_of_the_vocabulary() -> None:
    inventor = RandomTrees(VOCABULARY)
    generator = rng(0)
    seen = Counter(t for _ in range(3000) for t in tokenize(inventor.sample(generator)))
    assert [token for token in VOCABULARY if seen[token] < 3] == []


def test_rare_tokens_come_more_often_than_by_their_share() -> None:
    inventor = RandomTrees(Vocabulary(["x", "q"]), {"x": 100_000, "q": 10})
    generator = rng(0)
    seen = Counter(t for _ in range(100) for t in tokenize(inventor.sample(generator)))
    assert seen["q"] > 5 * seen["x"] > 0


def test_of_a_few_labels_the_one_of_the_rarest_token_is_taken() -> None:
    class Rare:
        def sample(self, rng: np.random.Generator) -> str:
            return "x + q" if rng.random() < 0.05 else "x + y"

    def share(tries: int) -> float:
        source, generator = BalancedLabels(Rare(), tries), rng(0)
        return sum("q" in source.sample(generator) for _ in range(1000)) / 1000

    assert share(1) < 0.07
    assert share(4) > 0.15


def test_random_trees_hold_what_people_write_where_they_write_it() -> None:
    inventor = RandomTrees(VOCABULARY)
    generator = rng(0)
    labels = " | ".join(inventor.sample(generator) for _ in range(6000))
    for usual in (
        r"0 ^ { \circ }",
        r"^ { \dagger }",
        r" \\ \vdots \\ ",
        r" \\ \vdots & \ddots & \vdots \\ ",
        "= ? |",
    ):
        assert usual in labels


def test_a_small_vocabulary_gets_labels_of_its_own_tokens_only() -> None:
    small = Vocabulary(["{", "}", "^", "x", "y", "1", "+", "="])
    inventor = RandomTrees(small)
    generator = rng(0)
    assert {t for _ in range(300) for t in tokenize(inventor.sample(generator))} <= set(small)


def test_formulas_are_cut_at_relations_and_signs_into_whole_pieces() -> None:
    pieces = Formulas(FORMULAS, VOCABULARY).pieces(0)
    assert r"F _ { \mu \nu } F ^ { \mu \nu }" not in pieces
    assert r"+ \bar { \psi } \psi" in pieces
    assert r"- \frac { 1 } { 4 } F _ { \mu \nu } F ^ { \mu \nu }" in pieces
    assert all(SHORTEST <= len(tokenize(piece)) <= LONGEST for piece in pieces)


def test_some_pieces_end_as_formulas_within_a_text_do() -> None:
    source = Formulas(FORMULAS, VOCABULARY)
    labels = [source.sample(rng(seed)) for seed in range(300)]
    for mark in (".", ","):
        assert 10 < sum(label.endswith(f" {mark}") for label in labels) < 60
    plain = Formulas(FORMULAS, Vocabulary(set(VOCABULARY) - {".", ","}))
    assert not any({".", ","} & set(tokenize(plain.sample(rng(s)))) for s in range(100))


def test_a_matrix_in_brackets_gets_the_spelling_of_a_hand() -> None:
    pieces = Formulas(FORMULAS, VOCABULARY).pieces(1)
    assert r"A = \begin{pmatrix} a & b \\ c & d \end{pmatrix}" in pieces


def test_substitution_keeps_the_structure_and_is_the_same_everywhere() -> None:
    source = Substitutions(["x + x ^ { 2 } = \\frac { x } { y }"], VOCABULARY)
    for seed in range(40):
        tokens = tokenize(source.sample(rng(seed)))
        if not COVERS.intersection(tokens):
            assert tokens[0] == tokens[2] == tokens[10]
            assert [tokens[i] for i in (3, 4, 6, 8)] == ["^", "{", "}", r"\frac"]


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_an_example_ties_every_written_token_to_its_own_strokes(seed: int) -> None:
    label = SOURCES["mixture"].sample(rng(seed))
    made = RECOMPOSER.example(label, rng(seed))
    assert join(made.tokens) == label
    assert made.places is not None
    assert sorted(i for members in made.symbols for i in members) == list(range(len(made.strokes)))
    assert {p for p in made.places if p != examples.UNTIED} == set(range(len(made.symbols)))
    assert all(s.dtype == np.float32 and np.isfinite(s).all() for s in made.strokes)


@pytest.mark.parametrize("label", LABELS)
def test_examples_are_tied_as_those_of_real_ink(label: str) -> None:
    tokens = tokenize(label)
    written = examples.written_tokens(tokens)
    expected, following = [], 0
    for here in written:
        expected.append(following if here else examples.UNTIED)
        following += here
    assert list(tie(tokens)) == expected


@pytest.mark.parametrize(
    ("label", "places"),
    [
        (r"\mathbb { R }", [0, -1, 0, -1]),
        (r"\begin{bmatrix} a & b \\ c \end{bmatrix}", [0, 1, -1, 2, -1, 3, 4]),
        (r"\begin{matrix} a \\ b \end{matrix}", [-1, 0, -1, 1, -1]),
        (r"\begin{cases} a & b \end{cases}", [0, 1, -1, 2, -1]),
        (r"\sqrt [ 3 ] { x } ]", [0, -1, 1, -1, -1, 2, -1, 3]),
        (r"\hat { x }", [0, -1, 1, -1]),
    ],
)
def test_what_leaves_no_ink_is_untied(label: str, places: list[int]) -> None:
    assert list(tie(tokenize(label))) == places


def test_a_recomposed_example_has_its_sub_expressions() -> None:
    made = RECOMPOSER.example(r"a + \frac { x } { y }", rng(1))
    part = made.part((2, 9))
    assert part is not None
    assert join(part.tokens) == r"\frac { x } { y }" and len(part.symbols) == 3


def test_the_same_seed_writes_the_same_and_another_another() -> None:
    first, again, other = (RECOMPOSER.example(LABELS[0], rng(seed)) for seed in (5, 5, 6))
    assert all(np.array_equal(a, b) for a, b in zip(first.strokes, again.strokes, strict=True))
    assert not all(a.shape == b.shape for a, b in zip(first.strokes, other.strokes, strict=False))


def test_what_cannot_be_written_is_told() -> None:
    with pytest.raises(LabelError):
        RECOMPOSER.example("x ^ ^", rng(0))
    with pytest.raises(KeyError):
        RECOMPOSER.example(r"\aleph", rng(0))


@pytest.mark.data
def test_real_formulas_give_pieces(data_file: Callable[[str], Path]) -> None:
    lines = data_file("formulas.txt").read_text(encoding="utf-8").splitlines()[:300]
    source = Formulas(lines, VOCABULARY)
    assert sum(bool(source.pieces(i)) for i in range(len(lines))) > 200
