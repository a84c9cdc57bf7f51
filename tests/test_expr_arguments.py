"""Functions get their arguments; what has one is left as it is."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmer_cli.expr.arguments import argued
from hmer_cli.recognition.rescoring import Candidate, Ranked

TOKENS = r"\log \sin _ ^ { } x 2 - = ( ) + \frac | &".split()


@pytest.mark.parametrize(
    ("label", "wanted"),
    [
        (r"\log _ { c } ^ { a } = 1", r"\log _ { c } a = 1"),
        (r"\log _ { c } ^ { ( a b ) }", r"\log _ { c } ( a b )"),
        (r"\frac { \log _ { b } ^ { x } } { 2 }", r"\frac { \log _ { b } x } { 2 }"),
        (r"b \log _ { 2 }", r"b \log 2"),
        (r"\sin _ { 9 0 ^ { \circ } } = 1", r"\sin 9 0 ^ { \circ } = 1"),
        (
            r"x ^ { \log _ { x } ^ { \log _ { 3 } ^ { b } } }",
            r"x ^ { \log _ { x } \log _ { 3 } b }",
        ),
    ],
)
def test_a_script_with_nothing_behind_it_is_the_argument(label: str, wanted: str) -> None:
    assert argued(label.split()) == wanted.split()


@pytest.mark.parametrize(
    "label",
    [
        r"\log _ { 2 } ^ { 3 } x",
        r"\sin ^ { 2 } x + \cos ^ { 2 } x = 1",
        r"\log _ { a } | x |",
        r"\log _ { a } - x",
        r"\log _ { a } ( b )",
        r"\sin ^ { 2 }",
        r"\cos ^ { - 1 } + 1",
        r"\log",
        r"\max _ { x }",
        r"\sin ^ { \prime } = \cos",
        r"\cos ^ { \prime \prime } = - \cos",
        r"\sin ^ { ( n ) } = \cos",
        r"\sin ^ { n } + \cos ^ { n } = 1",
        r"\log _ { a } ^ { \prime } = g",
        r"\log _ { a } ^ { ( n ) } = g",
        r"\log _ { a } ^ { \dagger } = g",
        r"\log _ { * } = g",
        r"\log _ { a } : x",
        r"\log _ { a } \circ f",
        r"f \circ \log _ { a }",
    ],
)
def test_what_has_an_argument_stays(label: str) -> None:
    assert argued(label.split()) == label.split()


@given(st.lists(st.sampled_from(TOKENS), max_size=16))
def test_only_scripts_are_taken_away_and_all_at_once(tokens: list[str]) -> None:
    found = argued(tokens)
    gone = Counter(tokens) - Counter(found)
    assert not Counter(found) - Counter(tokens)
    assert gone.keys() <= {"_", "^", "{", "}"}
    assert argued(found) == found


def test_labels_that_become_equal_stay_once() -> None:
    listed = Ranked((Candidate((1, 2), -1.0, 9.0), Candidate((2,), -2.0, 8.0)))
    assert listed.spelt(lambda label: label[-1:]) == Ranked((Candidate((2,), -1.0, 9.0),))
