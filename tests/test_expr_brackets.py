"""Brackets without a partner, counted in labels."""

from __future__ import annotations

import pytest

from hmer_cli.expr.brackets import repaired, unpaired
from hmer_cli.expr.commands import STRUCTURE


@pytest.mark.parametrize(
    ("label", "count"),
    [
        ("x", 0),
        ("( x )", 0),
        ("( x", 1),
        ("x )", 1),
        (") x (", 2),
        ("[ a , b )", 0),
        ("( a , b ]", 0),
        ("] a , b [", 0),
        ("[ a , b [", 0),
        ("[ a , b", 1),
        (r"\{ x )", 2),
        (r"\{ \begin{matrix} x \\ y \end{matrix}", 0),
        (r"( \begin{matrix} a & ( b \\ c & d \end{matrix} )", 1),
        (r"\frac { ( a } { b ) }", 2),
        ("( x ^ { 2 ) }", 2),
        (r"\sqrt [ 3 ] { x }", 0),
        (r"\langle u | v \rangle", 0),
        (r"| u \rangle", 0),
        (r"u \rangle", 1),
        ("P ( x | y )", 0),
    ],
)
def test_brackets_pair_within_a_row(label: str, count: int) -> None:
    assert unpaired(label.split()) == count


@pytest.mark.parametrize(
    ("label", "mended"),
    [
        (r"\frac { \sin ( n \pi } { n }", r"\frac { \sin ( n \pi ) } { n }"),
        ("2 1 x + 1 )", "2 ( x + 1 )"),
        ("x ^ { 2 } = o ( x ^ { 3 } 1", "x ^ { 2 } = o ( x ^ { 3 } )"),
        (r"\{ a , b ^ { 2 }", r"\{ a , b ^ { 2 } \}"),
    ],
)
def test_one_bracket_mends_a_label(label: str, mended: str) -> None:
    found = repaired(label.split())
    assert mended.split() in found
    assert all(unpaired(each) < unpaired(label.split()) for each in found)


def test_a_label_with_paired_brackets_is_left_as_it_is() -> None:
    assert repaired("( a , b ]".split()) == []


@pytest.mark.parametrize("label", [r"\hat { x } )", r"\begin{cases} x ) \\ y \end{cases}"])
def test_nothing_but_symbols_gives_way_to_a_bracket(label: str) -> None:
    kept = [token for token in label.split() if token in STRUCTURE]
    found = repaired(label.split())
    assert found
    assert all([token for token in each if token in STRUCTURE] == kept for each in found)
