r"""A plus after a limit is the side it is taken from."""

from __future__ import annotations

import pytest

from hmer_cli.document.one_sided_limits import with_sides
from hmer_cli.recognition.reading import Reading, TokenReading

LIMIT = r"\lim \limits _ { x \rightarrow 0 }"


def read(label: str) -> Reading:
    """Tokens beside each other."""
    places = enumerate(label.split())
    tokens = tuple(TokenReading(token, 0.9, (i, 0.0, i + 1.0, 1.0)) for i, token in places)
    return Reading(label, 0.8, tokens)


def test_a_plus_after_a_limit_is_raised() -> None:
    found = with_sides(read(f"{LIMIT} + f ( x ) + {LIMIT} + 2"))
    side = r"\lim \limits _ { x \rightarrow 0 ^ { + } }"
    assert found.label == f"{side} f ( x ) + {side} 2"
    assert [token.token for token in found.tokens] == found.label.split()


@pytest.mark.parametrize(
    "label", [f"{LIMIT} - f", f"{LIMIT} f + g", r"x _ { 0 } + 1", r"\lim \limits _ { x } + 1"]
)
def test_other_signs_stay(label: str) -> None:
    reading = read(label)
    assert with_sides(reading) is reading
