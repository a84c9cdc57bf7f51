"""Ink among words that is in no region: read as a sign of mathematics, or marked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hmer_cli.document.records import TextWord
from hmer_cli.document.transcript import latex, markdown
from hmer_cli.document.unread_ink import with_signs
from hmer_cli.ink.render import Readable
from hmer_cli.page.regions import Region
from hmer_cli.recognition.reading import Reading

PAGE = ("notes.pdf", 1)


class Says:
    """A reader that says these labels, one after the other."""

    model = "m"

    def __init__(self, *readings: tuple[str, float]) -> None:
        self._readings = readings

    def read(self, images: Sequence[Readable]) -> list[Reading]:
        assert len(images) == len(self._readings)
        return [Reading(label, confidence) for label, confidence in self._readings]


def line(*texts: str) -> list[TextWord]:
    """Words beside each other; ink that was not read where there is no text."""
    return [
        TextWord(text, (60.0 * i, 0, 60.0 * i + 50, 20), 0, 0.9 if text else 0.0,
                 "" if text else "unread")
        for i, text in enumerate(texts)
    ]  # fmt: skip


def regions(count: int) -> list[Region]:
    return [Region((0, 0, 9, 9), np.zeros((9, 9), np.uint8))] * count


def test_a_single_sign_among_words_is_mathematics() -> None:
    words = tuple(with_signs(line("let", "", "be a root"), regions(1), Says(("r", 0.8))))
    assert markdown([], {PAGE: words}).endswith("\nlet $r$ be a root\n")
    assert "let $r$ be a root" in latex([], {PAGE: words})


def test_signs_in_doubt_are_marked_and_what_nobody_can_read_is_no_sign() -> None:
    reader = Says((r"\xi", 0.4), ("q", 0.1), ("", 0.9), (r"\frac { a }", 0.9))
    words = tuple(with_signs(line("for", "", "", "", ""), regions(4), reader))
    assert markdown([], {PAGE: words}).endswith("\nfor $\\xi$\\[?\\] \\[?\\]\n")


def test_punctuation_and_common_words_are_text() -> None:
    reader = Says((")", 0.9), ("a s", 0.9), ("a b", 0.9))
    words = tuple(with_signs(line("small", "", "", ""), regions(3), reader))
    assert markdown([], {PAGE: words}).endswith("\nsmall ) as $ab$\n")


def test_no_reader_is_asked_where_everything_was_read() -> None:
    assert list(with_signs(line("all", "words"), [], Says())) == line("all", "words")
