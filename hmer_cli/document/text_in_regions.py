"""What regions of a page hold that is no formula -> words of its text.

Input: regions with their readings. Output: words, each on a line of its own: layout joins them to
the lines that they stand in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hmer_cli.document.records import TextWord
from hmer_cli.document.unread_ink import as_sign
from hmer_cli.geometry import Box
from hmer_cli.recognition.reading import Reading


def as_words(box: Box, reading: Reading, words: str, sure: float) -> TextWord:
    """A region that is these ``words``, of which the line reader is so ``sure``, or says in its
    signs what they say."""
    said = (words, sure) if words else (reading.label.replace(" ", ""), float(reading.confidence))
    return TextWord(said[0], box, 0, round(said[1], 4))


def as_sign_alone(box: Box, reading: Reading) -> TextWord:
    """A region that reads as no formula: a sign of mathematics, or ink that was not read."""
    return as_sign(TextWord("", box, 0, 0.0, "unread"), reading)


def below(text: Sequence[TextWord], words: Sequence[TextWord]) -> tuple[TextWord, ...]:
    """The text of a page and these words, each on a line of its own."""
    first = 1 + max((word.line for word in text), default=-1)
    return *text, *(replace(word, line=first + i) for i, word in enumerate(words))
