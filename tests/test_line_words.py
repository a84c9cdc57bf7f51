"""What the words of a line say about the ink between and beside them."""

from __future__ import annotations

import numpy as np

from hmer_cli.document.formula_growth import apart, grown, runs
from hmer_cli.document.line_words import (
    formulas,
    likely_maths,
    owners,
    spells,
    without_doubt,
    words_alone,
)
from hmer_cli.recognition.line_reader import LineReading, LineWord
from hmer_cli.recognition.line_text import MATH

UNIT = 20.0


def words(*told: tuple[str, float, float, float]) -> tuple[LineWord, ...]:
    """Words with where they begin and end, and their confidence."""
    return tuple(LineWord(*each) for each in told)


def signs(*middles: float) -> np.ndarray:
    """A sign 16 wide for each middle."""
    return np.array([(x - 8, 0, x + 8, 20) for x in middles], np.float32)


def test_ink_between_a_word_and_a_formula_is_of_the_formula_unless_it_is_next_to_the_word() -> None:
    told = words(("if", 10, 20, 0.9), (MATH, 80, 80, 0.9), ("then", 200, 240, 0.9))
    found = owners(signs(10, 22, 78, 100, 122, 144, 190, 215), told, 0.0, UNIT)
    assert found.tolist() == [0, 0, 1, 1, 1, 1, 2, 2]


def test_letters_left_out_at_the_end_of_a_word_are_of_the_word() -> None:
    told = words((MATH, 10, 10, 0.9), ("early", 120, 190, 0.9))
    found = owners(signs(10, 30, 80, 100, 120, 140, 160), told, 0.0, UNIT)
    assert found.tolist() == [0, 0, 1, 1, 1, 1, 1]


def test_words_part_formulas_where_several_stand_together() -> None:
    several = words((MATH, 0, 0, 0.9), ("grows", 1, 2, 0.8), ("fast", 3, 4, 0.7), (MATH, 5, 5, 0.5))
    assert list(formulas(several)) == [(0, 0), (3, 3)]
    one = words((MATH, 0, 0, 0.9), ("lim", 1, 2, 0.9), (MATH, 5, 5, 0.5))
    assert list(formulas(one)) == [(0, 2)]


def test_a_small_word_is_cut_off_before_a_formula_sooner_than_after_it() -> None:
    """Scripts, which stand at the end, look like such words."""
    told = words(("on", 0, 1, 0.65), (MATH, 2, 2, 0.9), ("to", 3, 4, 0.65))
    assert list(formulas(told)) == [(1, 2)]


def test_what_looks_like_a_word_and_touches_a_formula_is_of_it() -> None:
    parts, owner = signs(10, 30, 50, 90), np.array([0, 0, 1, 2])
    least = np.array([-np.inf, 10.0, 10.0])
    (whole,) = apart(parts, owner, [(0, 0)], least)
    assert len(whole) == 3
    (alone,) = apart(signs(10, 30, 70, 90), owner, [(0, 0)], least)
    assert len(alone) == 2


def test_runs_end_where_much_white_is() -> None:
    taken = np.array([True, True, False, True, True])
    found = list(runs(signs(10, 30, 50, 70, 200), taken, 44.0))
    assert [run[:, 0].tolist() for run in found] == [[2, 22], [62], [192]]


def test_single_letters_beside_a_formula_are_as_likely_mathematics() -> None:
    told = words((MATH, 0, 0, 0.9), ("a", 1, 1, 0.7), ("root", 2, 3, 0.9), ("b", 4, 4, 0.9))
    assert likely_maths(told) == [0.9, 0.9, 0.0, 0.0]


def test_a_common_word_of_two_letters_may_be_a_word_but_is_not_left_out_for_it() -> None:
    no = LineReading(words(("No", 0, 9, 0.75)))
    assert words_alone(no) == "No"
    assert not without_doubt(no)
    assert not words_alone(LineReading(words(("xy", 0, 9, 0.9))))


def test_a_formula_grows_by_signs_on_its_level_and_by_its_base_and_not_over_white() -> None:
    box = (100.0, 0.0, 160.0, 20.0)
    beside = np.array([(166, 2, 180, 20), (60, 8, 90, 36), (220, 0, 240, 20), (166, 30, 180, 50)])
    likely = np.array([0.9, 0.9, 0.9, 0.9])
    assert grown(box, beside.astype(np.float32), likely, UNIT, 0.5) == (60, 0, 180, 36)
    assert grown(box, beside.astype(np.float32), 0.5 * likely, UNIT, 0.5) == box


def test_a_dash_far_before_a_formula_begins_an_item_and_is_no_minus() -> None:
    box, likely = (100.0, 0.0, 160.0, 20.0), np.ones(1)
    dash = np.array([[50, 8, 70, 12]], np.float32)
    assert grown(box, dash, likely, UNIT, 0.5) == box
    assert grown(box, dash + np.float32([20, 0, 20, 0]), likely, UNIT, 0.5)[0] == 70
    equals = np.array([[50, 5, 70, 8], [50, 12, 70, 15]], np.float32)
    assert grown(box, equals, np.ones(2), UNIT, 0.5)[0] == 50


def test_a_formula_whose_signs_spell_the_words_is_these_words() -> None:
    assert spells("N _ { 0 }", "No")
    assert spells("S _ { o }", "So")
    assert not spells("x _ { 0 }", "to")
    assert not spells("x", "")
