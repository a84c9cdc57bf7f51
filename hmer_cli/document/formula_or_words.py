"""Whether what was read among words is a formula, by its reading.

Input: the reading of a region of a page with words, and the words that it may be. Output: whether
it is these words; whether what the search did not find is a formula.
"""

from __future__ import annotations

import re

from hmer_cli.document.line_words import spells
from hmer_cli.expr.symbol_classes import ALIGNED_RELATIONS
from hmer_cli.recognition.reading import Reading

# Chosen on notes-truth.
_PARTS, _LONG, _FORMULA = 3, 5, 0.3  # tokens of a formula, or its confidence,
_CERTAIN = 0.85  # which is that of one without a relation

_RELATIONS = ALIGNED_RELATIONS | {"\\to", "\\rightarrow", "\\in"}
_DIMENSIONS = re.compile("[1-4] D")  # as in "3D"


def is_words(reading: Reading, words: str) -> bool:
    """Whether a region among text is the ``words`` that it may be: its signs are their letters, or
    it is no equation, and in doubt."""
    if spells(reading.label, words) or _DIMENSIONS.fullmatch(reading.label):
        return True
    equation = not _RELATIONS.isdisjoint(reading.label.split())
    return bool(words) and not equation and reading.confidence < _CERTAIN


def is_formula(reading: Reading) -> bool:
    """Whether what was added reads as a formula: with a relation, and long or not in great doubt,
    or very surely."""
    tokens = reading.label.split()
    if _RELATIONS.isdisjoint(tokens):
        return len(tokens) > _PARTS and reading.confidence >= _CERTAIN
    return len(tokens) >= _LONG or reading.confidence >= _FORMULA
