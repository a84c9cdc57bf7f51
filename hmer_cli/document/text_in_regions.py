r"""What regions of a page hold that is no formula -> words of its text.

Input: regions with their readings, and formulas whose loose ends were cut off. Output: words, each
on a line of its own: layout joins them to the lines that they stand in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from statistics import mean

from hmer_cli.document.records import RegionReading, TextWord, Transform
from hmer_cli.document.unread_ink import as_sign
from hmer_cli.expr.to_latex import to_latex
from hmer_cli.geometry import Box, bounding_box, projected, union
from hmer_cli.recognition.reading import Reading, TokenReading

_BRACES = {r"\{": "{", r"\}": "}"}


def as_words(box: Box, reading: Reading, words: str, sure: float) -> TextWord:
    """A region that is these ``words``, of which the line reader is so ``sure``, or says in its
    signs what they say."""
    said = (words, sure) if words else (reading.label.replace(" ", ""), float(reading.confidence))
    return TextWord(said[0], box, 0, round(said[1], 4))


def as_sign_alone(box: Box, reading: Reading) -> TextWord:
    """A region that reads as no formula: a sign of mathematics, or ink that was not read."""
    return as_sign(TextWord("", box, 0, 0.0, "unread"), reading)


def cut_off(
    expression: RegionReading, whole: RegionReading, to_source: Transform | None
) -> Iterator[TextWord]:
    """What stands before and after the ``whole`` formula in the expression that it was cut out of:
    numbers and letters are text, signs mathematics, which makes no line of words."""
    tokens, kept = expression.reading.tokens, whole.reading.tokens
    if len(kept) == len(tokens):
        return
    starts = range(len(tokens) - len(kept) + 1)
    first = next((i for i in starts if tokens[i : i + len(kept)] == kept), None)
    if first is None:
        return
    for end in (tokens[:first], tokens[first + len(kept) :]):
        for _, some in groupby(end, key=lambda token: _is_command(token.token)):
            yield _end(list(some), to_source)


def _is_command(token: str) -> bool:
    return token.startswith("\\") and token not in _BRACES


def _end(tokens: Sequence[TokenReading], to_source: Transform | None) -> TextWord:
    names = [token.token for token in tokens]
    is_text = any(name.isalnum() for name in names)
    box = union([token.box for token in tokens])
    said = "".join(_BRACES.get(name, name) for name in names)
    return TextWord(
        said if is_text else to_latex(" ".join(names)),
        box if to_source is None else bounding_box(projected([box], to_source)),
        0,
        round(mean(token.confidence for token in tokens), 4),
        "" if is_text else "math",
    )


def below(text: Sequence[TextWord], words: Sequence[TextWord]) -> tuple[TextWord, ...]:
    """The text of a page and these words, each on a line of its own."""
    first = 1 + max((word.line for word in text), default=-1)
    return *text, *(replace(word, line=first + i) for i, word in enumerate(words))
