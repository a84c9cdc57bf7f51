"""Scores of the confidences, against cases that can be counted by hand."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmer_cli.metrics.calibration import expected_calibration_error, wrong_caught

levels = st.integers(0, 10).map(lambda n: n / 10)
answers = st.lists(st.tuples(levels, st.booleans()), min_size=1, max_size=60)


def test_confidences_that_keep_their_word_have_no_error() -> None:
    confidences = [0.5] * 4 + [1.0] * 4
    right = [True, False, False, True] + [True] * 4
    assert expected_calibration_error(confidences, right, bins=2) == pytest.approx(0.0)


def test_overconfidence_is_its_size() -> None:
    assert expected_calibration_error([0.9] * 10, [True] * 5 + [False] * 5) == pytest.approx(0.4)
    assert expected_calibration_error([1.0], [False]) == 1.0


def test_bins_of_equal_mass() -> None:
    confidences = [0.0, 0.2, 0.8, 1.0]
    right = [False, True, False, True]
    assert expected_calibration_error(confidences, right, bins=1) == pytest.approx(0.0)
    assert expected_calibration_error(confidences, right, bins=2) == pytest.approx(0.4)
    assert expected_calibration_error(confidences, right, bins=4) == pytest.approx(0.4)


def test_a_good_confidence_catches_what_is_wrong() -> None:
    confidences = [n / 20 for n in range(20)]
    right = [False] * 4 + [True] * 16
    assert wrong_caught(confidences, right) == 0.5
    assert wrong_caught(confidences, right, reviewed=0.2) == 1.0
    assert wrong_caught(confidences, right[::-1]) == 0.0


def test_a_confidence_that_says_nothing_catches_its_share() -> None:
    right = [False] * 35 + [True] * 35
    assert wrong_caught([0.5] * 70, right) == pytest.approx(0.1)


def test_without_wrong_answers_there_is_nothing_to_catch() -> None:
    assert wrong_caught([0.1, 0.9], [True, True]) is None


@pytest.mark.parametrize("measure", [expected_calibration_error, wrong_caught])
def test_no_answers(measure: object) -> None:
    assert callable(measure)
    with pytest.raises(ValueError, match="at least one"):
        measure([], [])


@given(answers, st.randoms(use_true_random=False))
def test_order_does_not_matter(given_: list[tuple[float, bool]], order: random.Random) -> None:
    shuffled = list(given_)
    order.shuffle(shuffled)
    for measure in (expected_calibration_error, wrong_caught):
        assert measure(*zip(*given_, strict=True)) == pytest.approx(
            measure(*zip(*shuffled, strict=True))
        )


@given(answers)
def test_both_are_shares(given_: list[tuple[float, bool]]) -> None:
    confidences, right = zip(*given_, strict=True)
    assert 0 <= expected_calibration_error(confidences, right) <= 1
    caught = wrong_caught(confidences, right)
    assert (caught is None) == all(right)
    assert caught is None or 0 <= caught <= 1
