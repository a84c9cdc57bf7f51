"""Lists of equations that were read as one expression."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from hmer_cli.document.comma_lists import parted_at_commas
from hmer_cli.document.loose_ends import between
from hmer_cli.document.records import RegionReading
from hmer_cli.expr.validity import problems
from hmer_cli.geometry import Box
from hmer_cli.recognition.reading import Reading, TokenReading

STEP = 20.0


def read(label: str, white: float = 30.0) -> RegionReading:
    """A reading whose tokens stand beside each other, with ``white`` after each comma."""
    tokens, x = [], 0.0
    for token in label.split():
        tokens.append(TokenReading(token, 0.9, (x, 0.0, x + 16, 20.0)))
        x += STEP + (white if token == "," else 0)
    box = (0.0, 0.0, x, 20.0)
    return RegionReading(box, box, "key", Reading(label, 0.8, tuple(tokens)))


def test_equations_with_commas_between_are_one_each() -> None:
    whole = read("x ^ { 2 } = 1 , y = f ( a , b ) , z < 0")
    parts = parted_at_commas(whole)
    assert [part.reading.label for part in parts] == ["x ^ { 2 } = 1", "y = f ( a , b )", "z < 0"]
    assert len({part.key for part in parts}) == 3
    assert not any(problems(part.reading.label) for part in parts)
    for part, after in pairwise(parts):
        assert part.box[2] <= after.box[0]
    assert parts[0].box[0] == whole.box[0]
    assert parts[-1].box[2] == whole.box[2]


def test_parts_that_end_elsewhere_have_other_keys() -> None:
    """A correction of the one is none of the other."""
    one, *_ = parted_at_commas(read("a = 1 , b = 2 , c = 3"))
    more, *_ = parted_at_commas(read("a = 1 . b = 2 , c = 3"))
    same, *_ = parted_at_commas(read("a = 7 , b = 2 . c = 3"))
    assert one.key == same.key != more.key


@pytest.mark.parametrize(
    "label",
    [
        "i = 1 , 2 , 3",
        "f ( x = 1 , y = 2 )",
        r"A = \langle x > 0 , y > 0 \rangle",
        r"D = \langle x , y | x ^ { 2 } = 1 , x y = y x \rangle",
        "x , y = 0",
        "x _ { i = 1 , j = 2 }",
        r"\begin{cases} x = 1 , y = 2 \\ z = 3 \end{cases}",
        "x = 1 , = 2",
        r"1 \leq i , j \leq n",
        "0 < a , b _ { 1 , 2 } , c < 1",
        r"\forall x \in A , f ( x ) = 0",
        r"f ( x ) = 0 , \forall x \in A",
        r"\exists x \in A , \forall y \in B : x < y",
        "x = 1 ,",
    ],
)
def test_what_is_no_list_of_equations_stays_whole(label: str) -> None:
    assert [part.reading.label for part in parted_at_commas(read(label))] == [label]


@pytest.mark.parametrize(
    ("label", "parts"),
    [
        ("x > 0 , y > 0", ["x > 0", "y > 0"]),
        ("0 < x < 1 , 1 < y < 2", ["0 < x < 1", "1 < y < 2"]),
        (r"x \leq a , y \geq b", [r"x \leq a", r"y \geq b"]),
        ("x = a , b = y", ["x = a", "b = y"]),
        (r"L | 0 \rangle = 0 , k \geq 1", [r"L | 0 \rangle = 0", r"k \geq 1"]),
        ("x = 1 , 0 < a , b < 1", ["x = 1", "0 < a , b < 1"]),
    ],
)
def test_inequalities_of_their_own_are_one_each(label: str, parts: list[str]) -> None:
    assert [part.reading.label for part in parted_at_commas(read(label))] == parts


def test_a_comma_without_white_parts_nothing() -> None:
    assert len(parted_at_commas(read("x = 1 , y = 2", white=0.0))) == 1


@pytest.mark.parametrize(
    ("quarters", "first"),
    [(0, (0, 0, 30, 8)), (1, (0, 0, 40, 2)), (2, (10, 0, 40, 8)), (3, (0, 6, 40, 8))],
)
def test_a_part_lies_in_a_turned_source_where_it_is_written(quarters: int, first: Box) -> None:
    share = 0.75 if quarters in (0, 2) else 0.25
    assert between((0, 0, 40, 8), 0, share, quarters) == first


def test_parts_of_a_sideways_page_lie_one_below_the_other_in_its_source() -> None:
    whole = replace(read("x = 1 , y = 2"), region=(5.0, 100.0, 25.0, 300.0))
    one, two = parted_at_commas(whole, 1)
    assert one.region[::2] == two.region[::2] == (5.0, 25.0)
    assert 100 == one.region[1] < one.region[3] < two.region[1] < two.region[3] == 300
    one, two = parted_at_commas(whole, 3)
    assert 100 == two.region[1] < two.region[3] < one.region[1] < one.region[3] == 300
