"""What was read: a formula, or the words that its line says."""

from __future__ import annotations

import pytest

from hmer_cli.document.build_records import page_records
from hmer_cli.document.corrections import Corrections
from hmer_cli.document.formula_or_words import is_formula, is_words
from hmer_cli.document.records import PageRead, RegionReading, Result
from hmer_cli.recognition.reading import Reading


def test_what_was_added_has_to_read_as_a_formula() -> None:
    assert is_formula(Reading("x = 1", 0.9))
    assert not is_formula(Reading("x = 1", 0.2))
    assert is_formula(Reading("x = f ( 1 )", 0.2))
    assert not is_formula(Reading("( E V T )", 0.7))
    assert is_formula(Reading("c \\cdot g ( x )", 0.9))


def test_what_the_line_says_is_a_word_is_one_unless_it_is_an_equation_or_read_surely() -> None:
    assert is_words(Reading("b / c", 0.7), "because")
    assert not is_words(Reading("b / c", 0.9), "because")
    assert not is_words(Reading("b = c", 0.7), "because")
    assert not is_words(Reading("b / c", 0.7), "")
    assert is_words(Reading("N _ { 0 }", 0.9), "No")
    assert is_words(Reading("3 D", 0.8), "")
    assert not is_words(Reading(r"\exists x _ { 0 }", 0.6), "I to")
    assert is_words(Reading(r"\exists x _ { 0 }", 0.4), "I to")
    assert is_words(Reading("C a s e", 0.8), "Case")
    assert is_words(Reading("o = s", 0.4), "or is", 0.9)
    assert not is_words(Reading("o = s", 0.6), "or is", 0.9)


@pytest.mark.parametrize(("confidence", "status"), [(0.7, "low"), (0.95, "ok")])
def test_what_may_be_words_is_low_unless_it_is_read_surely(confidence: float, status: str) -> None:
    box = (0.0, 0.0, 9.0, 9.0)
    read = RegionReading(box, box, "", Reading("x + 1", confidence), "to see")
    result = PageRead("a.png", 1, Result("", (read,)))
    (record,) = page_records(result, Corrections())
    assert record.status == status
    assert (record.error or "").endswith("to see") == (status == "low")
