"""Exercises: labels as school, calculus and linear algebra write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hmer_cli.errors import InputError
from hmer_cli.expr.tokens import Vocabulary, tokenize
from hmer_cli.expr.tree import parse, to_tokens
from hmer_cli.expr.validity import problems
from hmer_cli.synthesis.exercises import Exercises
from hmer_cli.synthesis.labels import Formulas

VOCABULARY = Vocabulary.load(Path(__file__).parent.parent / "train" / "vocabulary-2.txt")


def labels(count: int) -> list[str]:
    rng = np.random.default_rng(5)
    exercises = Exercises(VOCABULARY)
    return [exercises.sample(rng) for _ in range(count)]


def test_exercises_are_valid_labels_of_the_vocabulary() -> None:
    for label in labels(400):
        tokens = tokenize(label)
        assert problems(label) == []
        assert to_tokens(parse(tokens)) == tokens
        assert all(token in VOCABULARY for token in tokens)


@pytest.mark.parametrize(
    "part",
    [
        r"\int \sec",
        r"\ln |",
        r"| + C",
        r"d x",
        r"\begin{pmatrix}",
        r"\begin{bmatrix}",
        r"\begin{cases}",
        r"^ { \prime }",
        r"\times",
        r"\partial",
        r"\rangle",
        r"\csc",
        r"\arctan",
        r"\omega",
        r"\rho",
        r"\lim \limits",
        r"= O (",
        r"! }",
        r"\pi /",
        r"\xi \in [",
        r". 7",
    ],
)
def test_what_people_write_is_there(part: str) -> None:
    assert sum(part in label for label in labels(1500)) >= 3


def test_a_vocabulary_without_the_signs_is_told() -> None:
    with pytest.raises(InputError, match="no exercise"):
        Exercises(Vocabulary(["x"])).sample(np.random.default_rng(0))


def test_formulas_come_whole_too_without_the_mark_at_their_end() -> None:
    formula = r"\int \frac { d x } { 1 + x ^ { 2 } } = \arctan x + C ."
    source = Formulas([formula], VOCABULARY)
    rng = np.random.default_rng(0)
    found = {source.sample(rng) for _ in range(60)}
    assert formula[:-2] in found and len(found) > 3
