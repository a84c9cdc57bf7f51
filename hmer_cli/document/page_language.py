"""The lines of a page -> whether its words are of a language that the line reader cannot read.

Method: lines spread over the page are read until they say enough letters; where the mean
confidence of their words is low, the language or the script is another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hmer_cli.document.line_words import confidence, letters
from hmer_cli.page.text_regions import TextLine
from hmer_cli.recognition.line_reader import LineReading, LineWord

# Chosen on notes-truth.
_FEW_PARTS, FEWEST_LETTERS, _SURE = 6, 20, 0.58
"""Parts of a line that may tell the language of a page; its letters, and their confidence.

Of the nine pages of notes-truth none has less than 0.67, of four of scan-pages, which are Persian,
none more than 0.49.
"""
_LETTERS = 3  # of a word that tells the language
_ENOUGH = 600  # letters that tell it: convention
_SPREAD = 0.618  # the golden section, by whose multiples the lines that are read lie far apart


def is_foreign(lines: Sequence[TextLine], read: Callable[[TextLine], LineReading]) -> bool:
    """Whether the words of lines, by what ``read`` says of each, are of another language."""
    long = [line for line in lines if len(line.parts) >= _FEW_PARTS]
    told: list[LineWord] = []
    for _, line in sorted(enumerate(long), key=lambda each: each[0] * _SPREAD % 1):
        words = [word for word in read(line).words if not word.is_math]
        told += [word for word in words if letters(word) >= _LETTERS]
        if sum(map(letters, told)) >= _ENOUGH:
            break
    return sum(map(letters, told)) >= FEWEST_LETTERS and confidence(told) < _SURE
