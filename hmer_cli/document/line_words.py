"""Words of a line as the line reader reads it: which are words, which are mathematics.

Input: words with their places and confidences, and the boxes of the line's ink. Output: what may be
words, the word that each part of the ink belongs to, and how likely each word is mathematics.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.detect.integral import Floats
from hmer_cli.recognition.line_reader import LineReading, LineWord

FUNCTIONS = frozenset(
    "log ln lg exp sin cos tan cot sec arcsin arccos arctan sinh cosh tanh lim limsup liminf max "
    "min sup inf arg argmin argmax det dim ker deg gcd mod div curl grad rank tr sgn erf".split()
)
"""Names of functions, which are words of mathematics."""

COMMON = frozenset("of in is as to if or on at by be we so it no an and for all the".split())
"""Words that stand beside formulas, the shorter of which signs may look like."""

_ALIKE = {"0": "o", r"\circ": "o", r"\sigma": "o", "1": "l", "5": "s", "9": "g", r"\in": "e"}
_STRUCTURE = frozenset(("^", "_", "{", "}"))

# Chosen on notes-truth.
_LETTERS, _SURE, _DOUBTED = 3, 0.6, 0.45  # letters, and their confidence: words without a doubt
_SHORT = 4  # letters of a word that a formula may look like
_CUT_OFF = 3, 0.75  # the same of a word that is cut off
_RUN = 6, 0.6  # the same of several words together
_BEFORE = 0.6  # confidence of a common word before a formula; after one, scripts look like words
_HALF = 0.5  # letter heights: half a letter, which a word reaches beyond the middle of its last
_LETTER_SPACE, _LEFT_OUT = 0.35, 3  # letter heights of white, and how many letters are left out
_REACH = 0.9  # letter heights that a word may reach beyond that, beside a formula


def words_alone(reading: LineReading) -> str:
    """The text of a line that may be nothing but words, else nothing."""
    words = [word for word in reading.words if letters(word)]
    if any(word.is_math for word in reading.words) or _is_short(words):
        return ""
    if any(plain(word) in FUNCTIONS for word in words):
        return ""
    return reading.text if confidence(words) >= _DOUBTED else ""


def _is_short(words: Sequence[LineWord]) -> bool:
    """Whether words are so few letters that signs may look like them."""
    common = len(words) == 1 and plain(words[0]) in COMMON
    return sum(map(letters, words)) < _LETTERS and not common


def spells(label: str, words: str) -> bool:
    """Whether the signs of a formula are the letters of these words: ``N _ { 0 }`` is "No"."""
    signs = [_ALIKE.get(token, token) for token in label.split() if token not in _STRUCTURE]
    said = "".join(c for c in words.lower() if c.isalpha())
    return bool(said) and "".join(signs).lower() == said


def without_doubt(reading: LineReading) -> bool:
    """Whether words that a line says are so clear that no formula reader is asked."""
    words = [word for word in reading.words if letters(word)]
    return is_without_doubt(reading.text, confidence(words))


def is_without_doubt(text: str, sure: float) -> bool:
    """The same of a text, of which the reader is so sure."""
    return sum(c.isalpha() for c in text) >= _LETTERS and sure >= _SURE


def are_short(reading: LineReading) -> bool:
    """Whether a line says nothing but short words, as ``for``, which ``f''(r)`` looks like."""
    return all(letters(word) <= _SHORT for word in reading.words)


def confidence(words: Sequence[LineWord]) -> float:
    """The mean of their characters'; 0 of none."""
    total = sum(map(letters, words))
    return sum(word.confidence * letters(word) for word in words) / max(total, 1)


def letters(word: LineWord) -> int:
    """How many letters a word has."""
    return sum(c.isalpha() for c in word.text)


def plain(word: LineWord) -> str:
    """The letters of a word, small."""
    return "".join(c for c in word.text.lower() if c.isalpha())


def is_word(word: LineWord, fewest: int, least: float) -> bool:
    """Whether a word has so many letters, and is so sure."""
    enough = letters(word) >= fewest and word.confidence >= least
    return enough and not word.is_math and plain(word) not in FUNCTIONS


def formulas(words: Sequence[LineWord]) -> Iterator[tuple[int, int]]:
    """The first and the last word of each formula of a line, without the words around them.

    Words cut off what stands before, after and between if they are clear: one that is sure, or
    several together.
    """
    clear = _clear(words)
    maths = [i for i, word in enumerate(words) if word.is_math]
    first = None
    for i in range(len(words) + 1):
        if i < len(words) and not clear[i]:
            first = i if first is None else first
        elif first is not None:
            if any(first <= at < i for at in maths):
                yield first, i - 1
            first = None


def are_beside_formulas(words: Sequence[LineWord]) -> bool:
    """Whether there are words without a doubt on a line, and formulas that are as clear."""
    maths = [word for word in words if word.is_math]
    inside = {i for first, last in formulas(words) for i in range(first, last + 1)}
    others = [word for i, word in enumerate(words) if i not in inside]
    if not maths or min(word.confidence for word in maths) < _SURE:
        return False
    return is_without_doubt(" ".join(word.text for word in others), confidence(others))


def _clear(words: Sequence[LineWord]) -> list[bool]:
    """Which words are none of a formula: at its ends each, inside of it several in a row."""
    maths = [i for i, word in enumerate(words) if word.is_math]
    clear = [False] * len(words)
    if not maths:
        return clear
    for i, word in enumerate(words):
        common = plain(word) in COMMON and not word.is_math
        if i < maths[0]:
            clear[i] = (common and word.confidence >= _BEFORE) or is_word(word, *_CUT_OFF)
        elif i > maths[-1]:
            clear[i] = (common and word.confidence >= _CUT_OFF[1]) or is_word(word, *_CUT_OFF)
    clear = _from_ends(clear, maths[0], maths[-1])
    for run in _runs(words):
        some = [words[i] for i in run]
        if sum(map(letters, some)) >= _RUN[0] and confidence(some) >= _RUN[1]:
            for i in run:
                clear[i] = True
    return clear


def _from_ends(clear: list[bool], first: int, last: int) -> list[bool]:
    """Those that are reached from an end over nothing but clear ones."""
    done = [False] * len(clear)
    for i in range(first):
        if not clear[i]:
            break
        done[i] = True
    for i in range(len(clear) - 1, last, -1):
        if not clear[i]:
            break
        done[i] = True
    return done


def _runs(words: Sequence[LineWord]) -> Iterator[list[int]]:
    """The words of two letters and more that follow each other, with no formula between."""
    run: list[int] = []
    for i, word in enumerate(words):
        if not word.is_math and letters(word) >= 2 and plain(word) not in FUNCTIONS:
            run.append(i)
        elif run:
            yield run
            run = []
    if run:
        yield run


def likely_maths(words: Sequence[LineWord]) -> list[float]:
    """How likely each word is mathematics: formulas as they are read, and single letters and names
    of functions beside them as much."""
    likely = [word.confidence if word.is_math else 0.0 for word in words]
    for order in (range(1, len(words)), range(len(words) - 2, -1, -1)):
        step = -1 if order.step > 0 else 1
        for i in order:
            word = words[i]
            single = len(word.text) == 1 or plain(word) in FUNCTIONS
            if not word.is_math and single:
                likely[i] = max(likely[i], likely[i + step])
    return likely


def owners(parts: Floats, words: Sequence[LineWord], left: float, unit: float) -> NDArray[np.intp]:
    """The word that each part (N, 4) is of; words begin ``left`` of where the page does.

    The line reader says where the letters of a word stand, but of a formula one place alone. So
    what stands between a word and a formula is the formula's, if it is not next to the word.
    """
    middle = (parts[:, 0] + parts[:, 2]) / 2 - left
    begins = np.array([word.left for word in words])
    ends = np.array([word.right for word in words])
    away = np.maximum(begins[None] - middle[:, None], middle[:, None] - ends[None])
    away = np.maximum(away, 0)
    held = np.asarray(away.argmin(axis=1))
    order = np.argsort(begins, kind="stable")
    for i, x in enumerate(middle.tolist()):
        if words[held[i]].is_math or away[i, held[i]] <= (_HALF + _REACH) * unit:
            continue
        before = order[begins[order] <= x]
        after = order[begins[order] > x]
        beside = [*before[-1:].tolist(), *after[:1].tolist()]
        maths = [at for at in beside if words[at].is_math]
        held[i] = maths[0] if len(maths) == 1 else held[i]
    return _whole_words(parts, held, words, unit)


def _whole_words(
    parts: Floats, held: NDArray[np.intp], words: Sequence[LineWord], unit: float
) -> NDArray[np.intp]:
    """The same with letters that the reader left out at the ends of words: they follow closely."""
    order = np.argsort(parts[:, 0], kind="stable")
    for step in (1, -1):
        way = order[::step]
        taken = 0
        for one, other in itertools.pairwise(way.tolist()):
            word = words[held[one]]
            white = max(parts[one, 0], parts[other, 0]) - min(parts[one, 2], parts[other, 2])
            follows = words[held[other]].is_math and white <= _LETTER_SPACE * unit
            long = not word.is_math and letters(word) >= _LETTERS
            taken = taken + 1 if follows and long and taken < _LEFT_OUT else 0
            if taken:
                held[other] = held[one]
    return held
