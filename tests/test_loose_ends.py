"""Signs of the text around a formula, read with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hmer_cli.document.loose_ends import without_loose_ends
from hmer_cli.document.records import RegionReading
from hmer_cli.recognition.reading import Alternative, Reading, TokenReading


def read(label: str) -> RegionReading:
    """Tokens of 10 pixels beside each other; the source is twice as large."""
    tokens = [
        TokenReading(token, 0.9, (10.0 * i, 0.0, 10.0 * i + 8, 8.0))
        for i, token in enumerate(label.split())
    ]
    width = 10.0 * len(tokens)
    reading = Reading(label, 0.8, tuple(tokens))
    return RegionReading((100.0, 0.0, 100 + 2 * width, 16.0), (0.0, 0.0, width, 8.0), "k", reading)


def test_a_closing_bracket_that_nothing_opens_goes_with_its_ink() -> None:
    found = without_loose_ends(read(r"x \rightarrow \infty )"))
    assert found.reading.label == r"x \rightarrow \infty"
    assert len(found.reading.tokens) == 3
    assert found.box == (0, 0, 29, 8)
    assert found.region == (100, 0, 158, 16)


def test_an_opening_bracket_that_nothing_closes_goes_too() -> None:
    found = without_loose_ends(read("( x = f ( 1 )"))
    assert found.reading.label == "x = f ( 1 )"
    assert found.box[0] == 9


@pytest.mark.parametrize(
    "label",
    ["( a , b ]", "f ( x )", "x = o ( x", "1 ) + x", "a )", r"x ) ^ { 2 }", "( ( x ) + 1 )", "x"],
)
def test_other_brackets_stay(label: str) -> None:
    expression = read(label)
    assert without_loose_ends(expression) is expression


def test_other_readings_lose_the_same_ends_and_are_no_more_than_others() -> None:
    expression = read(r"( x \rightarrow \infty")
    others = (
        r"( x \rightarrow \alpha",
        r"x \rightarrow \infty",
        r"c x \rightarrow \infty",
        r"( x",
        "(",
        r"( x \rightarrow \infty )",
    )
    alternatives = tuple(Alternative(other, 0.1 / (i + 1)) for i, other in enumerate(others))
    expression = replace(expression, reading=replace(expression.reading, alternatives=alternatives))
    found = without_loose_ends(expression).reading
    assert found.label == r"x \rightarrow \infty"
    assert found.alternatives == (
        Alternative(r"x \rightarrow \alpha", 0.1),
        Alternative("x", 0.025),
        Alternative(r"x \rightarrow \infty )", 0.1 / 6),
    )


@pytest.mark.parametrize(
    ("label", "kept"),
    [
        (r"h ^ { 2 } = O ( h ) \}", "h ^ { 2 } = O ( h )"),
        (r"\rightarrow g ( h ) \rightarrow 0", r"g ( h ) \rightarrow 0"),
        (r"\begin{matrix} 1 & 2 \end{matrix} \rightarrow", r"\begin{matrix} 1 & 2 \end{matrix}"),
        ("f = O ( g ) ?", "f = O ( g )"),
        ("n ^ { 2 } = O ( n ) / )", "n ^ { 2 } = O ( n )"),
        ("E x : C ( 1 )", "C ( 1 )"),
        ("S o l : x = 2", "x = 2"),
        (r"E x : \lim _ { x \rightarrow 0 } x = 0", r"\lim _ { x \rightarrow 0 } x = 0"),
        (", a + b = c", "a + b = c"),
        ("7 ) x + 2 = 5", "x + 2 = 5"),
        ("b ) ( x + 2 ) = 5", "( x + 2 ) = 5"),
    ],
)
def test_signs_of_the_text_around_a_formula_go(label: str, kept: str) -> None:
    assert without_loose_ends(read(label)).reading.label == kept


@pytest.mark.parametrize(
    "label",
    [
        r"f : A \rightarrow B",
        r"g f : X \rightarrow Y",
        r"D f : U \rightarrow V",
        r"i d : x \mapsto x",
        "A B : B C = 2 : 3",
        "A C B : x = 2",
        "x y : 2 = z",
        "D f : = f ( x )",
        r"x \in \{ 1 , 2 \}",
        "a / b",
        r"x \rightarrow \infty",
        "= - x",
        "n ! =",
        "2 + 3 = ?",
        "? = 2 + 3",
        "7 ) + x",
        "y = f ( 7 )",
    ],
)
def test_signs_of_a_formula_stay(label: str) -> None:
    expression = read(label)
    assert without_loose_ends(expression) is expression


def test_the_number_of_an_equation_beyond_white_goes() -> None:
    expression = read("y = x + 1 ( 7 )")
    tokens = expression.reading.tokens
    moved = [replace(t, box=(t.box[0] + 40, 0.0, t.box[2] + 40, 8.0)) for t in tokens[5:]]
    reading = replace(expression.reading, tokens=(*tokens[:5], *moved))
    apart = replace(expression, reading=reading, box=(0.0, 0.0, 120.0, 8.0))
    assert without_loose_ends(apart).reading.label == "y = x + 1"
    assert without_loose_ends(expression) is expression
