"""Three dots at the end of a formula."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from handmade import FakeRecogniser, encoded

from hmer_cli import Converter
from hmer_cli.document.ellipses import with_ellipsis
from hmer_cli.ink.render import Readable
from hmer_cli.recognition.charset import CHARSETS
from hmer_cli.recognition.lazy import LazyRecogniser
from hmer_cli.recognition.reading import Reading, TokenReading


def image(dots: int, drop: int = 0) -> np.ndarray:
    """Four letters and so many dots after them, each ``drop`` pixels below the one before."""
    found = np.full((60, 300), 255, np.uint8)
    for x in range(10, 130, 30):
        found[10:30, x : x + 20] = 0
    for number in range(dots):
        y = 26 + drop * number
        found[y : y + 4, 135 + 15 * number :][:, :4] = 0
    return found


def read(label: str) -> Reading:
    """Tokens with boxes that do not matter."""
    return Reading(label, 0.5, tuple(TokenReading(t, 0.9, (0, 0, 9, 9)) for t in label.split()))


def test_a_row_of_three_dots_that_was_read_as_one_is_an_ellipsis() -> None:
    found = with_ellipsis(image(3), read("a + b c ."))
    assert found.label == r"a + b c \ldots"
    assert [token.token for token in found.tokens] == found.label.split()
    assert with_ellipsis(image(4), read("a + b c . .")).label == r"a + b c \ldots"


def test_the_comma_before_the_dots_stays() -> None:
    assert with_ellipsis(image(3), read("1 , 2 , .")).label == r"1 , 2 , \ldots"
    assert with_ellipsis(image(3), read("1 , 2 , . ,")).label == r"1 , 2 , \ldots"
    assert with_ellipsis(image(3), read("1 , 2 . ,")).label == r"1 , 2 \ldots"
    assert with_ellipsis(image(3), read("1 , 2 , , , ,")).label == r"1 , 2 , \ldots"


@pytest.mark.parametrize("dots", [", , ,", ", , .", ". . ."])
def test_dots_that_were_read_as_commas_are_the_ellipsis(dots: str) -> None:
    assert with_ellipsis(image(3), read(f"a + b c {dots}")).label == r"a + b c \ldots"


class Dotted(FakeRecogniser):
    """Reads three dots as one; its character set is ``charset``."""

    charset: frozenset[str] | None = None

    def read(self, images: Sequence[Readable]) -> list[Reading]:
        return [read("a + b c .") for _ in images]


def test_a_character_set_without_an_ellipsis_gets_none(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(image(3).repeat(4, 0).repeat(4, 1)))
    reader, found = Dotted(), []
    for reader.charset in (None, frozenset((".", r"\ldots")), frozenset(".")):
        page = Converter(recogniser=reader).read(tmp_path / "a.png")
        found.append(page.label)
    assert found == [r"a + b c \ldots", r"a + b c \ldots", "a + b c ."]
    assert LazyRecogniser(charset="crohme").charset == CHARSETS["crohme"]


@pytest.mark.parametrize(
    ("dots", "drop", "label"),
    [(1, 0, "a + b c ."), (2, 0, "a + b c ."), (3, 9, "a + b c ."), (3, 0, "a + b c")],
)
def test_other_dots_stay(dots: int, drop: int, label: str) -> None:
    reading = read(label)
    assert with_ellipsis(image(dots, drop), reading) is reading
