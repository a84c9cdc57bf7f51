"""Readings that the other readings of a page decide."""

from __future__ import annotations

import pytest

from hmer_cli.document.page_agreement import agreeing
from hmer_cli.document.records import RegionReading
from hmer_cli.recognition.reading import Alternative, Reading, TokenReading

BOX = (0.0, 0.0, 9.0, 9.0)


def read(label: str, confidence: float, **others: float) -> RegionReading:
    """A reading with alternatives, whose names have ``J`` for a space."""
    tokens = tuple(TokenReading(token, 0.9, BOX) for token in label.split())
    alternatives = tuple(Alternative(o.replace("J", " "), p) for o, p in others.items())
    return RegionReading(BOX, BOX, label, Reading(label, confidence, tokens, alternatives))


def labels(*expressions: RegionReading) -> list[str]:
    """The labels after all."""
    return [each.reading.label for each in agreeing(expressions)]


SMALL = [read("f ( x ) = x + 1", 0.95), read("x _ { 0 } = 2 x", 0.9), read("x = y", 0.9)]


def test_a_doubtful_capital_is_small_where_the_page_has_it_small() -> None:
    *_, expression = agreeing([*SMALL, read("X + 1 = 2", 0.4, **{"xJ+J1J=J2": 0.2})])
    reading = expression.reading
    assert reading.label == "x + 1 = 2"
    assert [token.token for token in reading.tokens] == ["x", "+", "1", "=", "2"]
    assert 0.4 < reading.confidence < 0.6
    assert reading.alternatives[0].label == "X + 1 = 2"


def test_it_stays_where_the_page_has_it_or_the_reader_is_sure() -> None:
    large = [read("X = A X", 0.9), read("X + Y", 0.9)]
    doubtful = read("X + 1 = 2", 0.4, **{"xJ+J1J=J2": 0.2})
    assert labels(*SMALL, *large, doubtful)[-1] == "X + 1 = 2"
    sure = read("X + 1 = 2", 0.95, **{"xJ+J1J=J2": 0.02})
    assert labels(*SMALL, sure)[-1] == "X + 1 = 2"
    assert labels(doubtful) == ["X + 1 = 2"]


@pytest.mark.parametrize(("sure", "label"), [(0.84, "x + 1 = 2"), (0.85, "X + 1 = 2")])
def test_a_reading_is_sure_from_85_in_100_on(sure: float, label: str) -> None:
    doubtful = read("X + 1 = 2", sure, **{"xJ+J1J=J2": 0.14})
    assert labels(*SMALL * 3, doubtful)[-1] == label


def test_signs_between_the_same_neighbours_are_the_same() -> None:
    others = [read("y = ( x - 3 )", 0.9), read("z = ( x - 3 ) + 1", 0.9)]
    doubtful = read("( x - 5 ) = 0", 0.3, **{"(JxJ-J3J)J=J0": 0.25})
    assert labels(*others, doubtful)[-1] == "( x - 3 ) = 0"


def test_a_sign_that_the_reading_has_elsewhere_stays() -> None:
    others = [read("g ( x ) = 1", 0.9), read("f ( x ) = 2", 0.9)]
    doubtful = read("f ( n ) = n", 0.3, **{"fJ(JxJ)J=Jn": 0.25})
    assert labels(*others, doubtful)[-1] == "f ( n ) = n"
    events = [read("P ( A ) = 1 - P ( C ) - P ( A )", 0.9)] * 4
    product = "P ( A B ) = P ( A ) P ( B )"
    other = product[:-3].replace(" ", "J") + "AJ)"
    assert labels(*events, read(product, 0.5, **{other: 0.2}))[-1] == product


STATISTICS = [
    read(r"E ( X ) = \mu", 0.95),
    read("V ( X ) = E ( X ^ { 2 } ) - E ( X ) ^ { 2 }", 0.95),
    read("P ( X < a ) = 1 - P ( X > a )", 0.95),
    read("Y = a X + b", 0.95),
    read("P ( a < X < b ) = F _ { X } ( b ) - F _ { X } ( a )", 0.95),
]


@pytest.mark.parametrize(
    "label",
    [
        "P ( X = x ) = p ( x )",
        r"F _ { X } ( x ) = P ( X \leq x )",
        r"f _ { X } ( x ) \geq 0",
    ],
)
def test_a_reading_with_both_cases_of_a_letter_keeps_them(label: str) -> None:
    alone = read(label, 0.7)
    listed = read(label, 0.6, **{label.replace("x", "X").replace(" ", "J"): 0.3})
    assert labels(*STATISTICS, alone)[-1] == label
    assert labels(*STATISTICS, listed)[-1] == label
    assert labels(*STATISTICS, read("E ( x ) = 1", 0.7))[-1] == "E ( X ) = 1"


def test_labels_of_other_structure_are_never_chosen() -> None:
    doubtful = read("X ^ { 1 }", 0.3, **{"xJ1": 0.29, "xJ_J{J1J}": 0.28})
    assert labels(*SMALL, doubtful)[-1] == "X ^ { 1 }"


def test_the_other_case_need_not_be_among_the_alternatives_where_the_page_is_full_of_it() -> None:
    many = [read("x + x + x + x = x", 0.9)] * 4
    assert labels(*many, read("X + 1 = 2", 0.4))[-1] == "x + 1 = 2"
    assert labels(*SMALL, read("X + 1 = 2", 0.4))[-1] == "X + 1 = 2"


def test_a_character_set_without_the_other_case_keeps_to_it() -> None:
    page = [*SMALL * 3, read("X + 1 = 2", 0.4)]
    assert agreeing(page)[-1].reading.label == "x + 1 = 2"
    assert agreeing(page, frozenset("X+12="))[-1].reading.label == "X + 1 = 2"


def test_what_is_chosen_has_four_other_readings_at_most_the_likeliest_first() -> None:
    many = [read("x + x + x + x = x", 0.9)] * 4
    others = {"aJ+J1J=J2": 0.3, "bJ+J1J=J2": 0.1, "cJ+J1J=J2": 0.1, "dJ+J1J=J2": 0.01}
    *_, expression = agreeing([*many, read("X + 1 = 2", 0.4, **others)])
    assert expression.reading.label == "x + 1 = 2"
    left = [other.label[0] for other in expression.reading.alternatives]
    assert left == ["a", "b", "c", "X"]
