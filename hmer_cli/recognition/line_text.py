"""Text of a line <-> tokens of the line reader.

Tokens are characters, one for spaces, and one that stands for a formula.
"""

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
