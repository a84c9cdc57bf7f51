"""Signs that their neighbours decide."""

from __future__ import annotations

import numpy as np
import pytest

from hmer_cli.document.region_readings import region_reading
from hmer_cli.document.sign_syntax import with_decided_signs
from hmer_cli.page.regions import Region
from hmer_cli.recognition.reading import Reading, TokenReading


def read(label: str) -> Reading:
    tokens = tuple(TokenReading(token, 0.9, (0.0, 0.0, 9.0, 9.0)) for token in label.split())
    return Reading(label, 0.6, tokens)


@pytest.mark.parametrize(
    ("label", "better"),
    [
        (r"( \cdot 7 5 - x )", "( . 7 5 - x )"),
        (r"x = \cdot 5", "x = . 5"),
        (r"2 \cdot 5", r"2 \cdot 5"),
        (r"\langle \cdot , \cdot \rangle", r"\langle \cdot , \cdot \rangle"),
        (r"7 8 , 5 4 \subset m ^ { 2 }", "7 8 , 5 4 c m ^ { 2 }"),
        (r"A _ { 1 } \subset B", r"A _ { 1 } \subset B"),
        (r"A \subset B", r"A \subset B"),
        (r"0 \subset V _ { 1 } \subset V", r"0 \subset V _ { 1 } \subset V"),
        (r"0 \subset m \subset R", r"0 \subset m \subset R"),
        (r"2 \subset B", r"2 \subset B"),
        (r"1 0 \subset m", "1 0 c m"),
        (r"2 . 0 \subset m", "2 . 0 c m"),
    ],
)
def test_a_sign_that_cannot_be_is_the_one_that_looks_like_it(label: str, better: str) -> None:
    found = with_decided_signs(read(label))
    assert found.label == better
    assert [token.token for token in found.tokens] == better.split()


def test_a_character_set_without_the_other_sign_keeps_to_it() -> None:
    reading = read(r"( \cdot 5 )")
    assert with_decided_signs(reading, frozenset((r"\cdot", "5"))) == reading
    assert with_decided_signs(reading, frozenset((".", "5"))).label == "( . 5 )"


def test_what_a_page_gives_has_such_signs() -> None:
    region = Region((0.0, 0.0, 9.0, 9.0), np.full((9, 9), 255, np.uint8))
    assert region_reading(region, read(r"5 4 \subset m")).reading.label == "5 4 c m"
