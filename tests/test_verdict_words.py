"""A word is no formula: what is letters alone is low, and says why."""

from __future__ import annotations

import pytest

from hmer_cli.document.build_records import is_word


@pytest.mark.parametrize("label", ["N e d", "a r e a", "s o l u t i o n"])
def test_letters_that_could_be_a_word_are_one(label: str) -> None:
    assert is_word(label)


@pytest.mark.parametrize("label", ["x y z", "a b", "A B C", "a + e", r"\sin a", "x ^ { a }", ""])
def test_products_names_and_formulas_are_none(label: str) -> None:
    assert not is_word(label)
