r"""A plus after a limit is the side it is taken from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from handmade import FakeRecogniser, cross, encoded

from hmer_cli import Converter
from hmer_cli.document.one_sided_limits import with_sides
from hmer_cli.ink.render import Readable
from hmer_cli.recognition.reading import Alternative, Reading, TokenReading

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


class Sided(FakeRecogniser):
    """Reads the side of a limit as a sign of the line, and as the second best where it stands."""

    def read(self, images: Sequence[Readable]) -> list[Reading]:
        others = (rf"{LIMIT[:-2]} ^ {{ + }} }} f", rf"{LIMIT} t f", rf"{LIMIT} t f")
        found = read(f"{LIMIT} + f")
        return [replace(found, alternatives=tuple(Alternative(o, 0.1) for o in others))]


def test_the_answer_is_none_of_its_alternatives(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(cross()))
    found = Converter(recogniser=Sided()).read(tmp_path / "a.png")
    assert found.latex == r"\lim_{x \rightarrow 0^+} f"
    assert [other.label for other in found.alternatives] == [f"{LIMIT} t f"]


@pytest.mark.parametrize(
    "label", [f"{LIMIT} - f", f"{LIMIT} f + g", r"x _ { 0 } + 1", r"\lim \limits _ { x } + 1"]
)
def test_other_signs_stay(label: str) -> None:
    reading = read(label)
    assert with_sides(reading) is reading
