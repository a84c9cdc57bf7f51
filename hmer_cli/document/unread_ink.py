"""Ink among words that is in no region and no word -> a sign of mathematics, where it is one.

Input: the words of a page, some of them ink that was not read, the regions of that ink, and the
reader of formulas. Output: the words; ink that is read as signs has their LaTeX: the "r" of "let r
be a root" is mathematics, but too little of it for the search. Punctuation and common words are
text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from hmer_cli.document.line_words import COMMON
from hmer_cli.document.records import TextWord
from hmer_cli.expr.to_latex import to_latex
from hmer_cli.expr.validity import problems
from hmer_cli.page.regions import Region
from hmer_cli.recognition.lazy import Reader
from hmer_cli.recognition.reading import Reading

_LEAST = 0.3  # confidence of a reading that is shown; chosen on notes-truth
_MARKS = "()[],.!?"  # of punctuation


def with_signs(
    words: Sequence[TextWord], regions: Sequence[Region], reader: Reader
) -> Iterator[TextWord]:
    """The words, those that were not read with what their ``regions`` say, one for each."""
    readings = iter(reader.read([region.seen for region in regions]) if regions else ())
    for word in words:
        yield as_sign(word, next(readings)) if word.mark == "unread" else word


def as_sign(word: TextWord, reading: Reading) -> TextWord:
    """Ink that was not read as a word with what the reader of formulas says, where it is sure."""
    sure = reading.confidence >= _LEAST
    if not (sure and reading.label.strip()) or problems(reading.label):
        return word
    latex, confidence = to_latex(reading.label), round(float(reading.confidence), 4)
    said = reading.label.replace(" ", "")
    if said.strip(_MARKS).lower() in COMMON | {""}:
        return replace(word, text=said, confidence=confidence, mark="")
    return replace(word, text=latex, confidence=confidence, mark="math")
