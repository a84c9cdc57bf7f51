"""Text of a line <-> tokens of the line reader: characters, a sign for spaces, one for formulas."""

from __future__ import annotations

from collections.abc import Iterable

SPACE = "␣"
"""The token between words."""

MATH = "□"
"""The token that stands for a whole formula among words."""


def characters(text: str) -> tuple[str, ...]:
    """The tokens of a text."""
    return tuple(SPACE if c == " " else c for c in text)


def text_of(tokens: Iterable[str]) -> str:
    """The text that tokens are."""
    return "".join(" " if token == SPACE else token for token in tokens)
