"""Output units: brace pairs joined without loss."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmer_cli.recognition.units import Units, frames_needed

TOKENS = ["\\frac", "\\sqrt", "\\limits", "{", "}", "^", "_", "x", "2", "\\sum"]


@given(st.lists(st.sampled_from(TOKENS), max_size=30))
def test_any_tokens_come_back(tokens: list[str]) -> None:
    units = Units(TOKENS)
    assert units.decode(units.encode(tokens)) == tokens


def test_braces_are_not_units_of_their_own_where_they_follow_their_command() -> None:
    units = Units(TOKENS)
    label = r"\frac { x ^ { 2 } } { \sqrt { x } }".split()
    assert units.segment(label) == [
        "\\frac {", "x", "^ {", "2", "}", "} {", "\\sqrt {", "x", "}", "}",
    ]  # fmt: skip


def test_runs_with_a_token_that_is_missing_are_left_out() -> None:
    assert "\\frac {" not in Units(["{", "}", "x"]).names


def test_an_unknown_token_is_named() -> None:
    with pytest.raises(KeyError, match="alpha"):
        Units(TOKENS).encode(["\\alpha"])


def test_equal_neighbours_need_a_blank_between_them() -> None:
    assert frames_needed([1, 2, 3]) == 3
    assert frames_needed([1, 1, 1]) == 5
