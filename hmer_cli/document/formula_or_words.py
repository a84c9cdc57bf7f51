"""Whether what was read among words is a formula, by its reading.

Input: the reading of a region of a page with words, and the words that it may be. Output: whether
it is these words; whether what the search did not find is a formula.
"""

from __future__ import annotations

import re

from hmer_cli.document.line_words import is_without_doubt, spells
from hmer_cli.expr.symbol_classes import STATEMENT_RELATIONS
from hmer_cli.recognition.reading import Reading

# Chosen on notes-truth.
_PARTS, _LONG, _FORMULA = 3, 5, 0.3  # tokens of a formula, or its confidence,
_CERTAIN = 0.85  # which is that of one without a relation,
_SIGNED = 0.5  # or of one with signs that no word looks like, or with one among sure words

_SIGNS = frozenset((r"\exists", r"\forall", r"\prime", r"\infty", r"\partial", "(", "["))
_DIMENSIONS = re.compile("[1-4] D")  # as in "3D"


def is_words(reading: Reading, words: str, sure: float = 0.0) -> bool:
    """Whether a region among text is the ``words`` that it may be: its signs are their letters, or
    it is no equation, and in doubt. What no word looks like, as a quantifier, may be in more doubt;
    an equation must not be in as much, where the words are ``sure`` (0 to 1)."""
    if spells(reading.label, words) or _DIMENSIONS.fullmatch(reading.label):
        return True
    tokens = reading.label.split()
    equation = not STATEMENT_RELATIONS.isdisjoint(tokens)
    if not words or (equation and not is_without_doubt(words, sure)):
        return False
    signed = equation or not _SIGNS.isdisjoint(tokens)
    return reading.confidence < (_SIGNED if signed else _CERTAIN)


def is_formula(reading: Reading) -> bool:
    """Whether what was added reads as a formula: with a relation, and long or not in great doubt,
    or very surely."""
    tokens = reading.label.split()
    if STATEMENT_RELATIONS.isdisjoint(tokens):
        return len(tokens) > _PARTS and reading.confidence >= _CERTAIN
    return len(tokens) >= _LONG or reading.confidence >= _FORMULA
