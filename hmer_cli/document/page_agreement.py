r"""Readings of a page that another reading of it decides: ``X \in [a, b]`` beside many an ``x``.

Input: the readings of a page with their alternatives. Output: the same; where an alternative of a
reading differs from it in signs alone that the rest of the page has far more often, as small and
capital letters of one shape or signs between the same neighbours, that alternative takes its place.
Method: the odds of the two times those of their differing signs on the rest of the page.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import replace

from hmer_cli.document.records import RegionReading
from hmer_cli.expr.symbol_classes import LETTERS, exchange_class
from hmer_cli.recognition.confidence import ALTERNATIVES
from hmer_cli.recognition.reading import Alternative, Reading

_ALIKE = frozenset("ckopsuvwxyz")  # letters whose capitals have the same shape
_STRUCTURE = frozenset(("{", "}", "^", "_"))
_SURE = 0.85  # confidence from which a reading stays as it is; chosen on notes-truth
_UNSEEN = 0.08  # of a reading's confidence: what one that is not among its alternatives has
_TOLD = math.log(2)  # log-odds that the page must have, at least # convention

Evidence = Counter[tuple[str, ...]]
"""How often signs, and signs between two neighbours, are read, times the confidences."""


def agreeing(
    expressions: Sequence[RegionReading], allowed: Container[str] | None = None
) -> list[RegionReading]:
    """The expressions of a page, each with the reading that the others speak for; ``allowed`` are
    the tokens of the character set, if there is one."""
    counts = [_evidence(expression.reading) for expression in expressions]
    total = sum(counts, Evidence())
    return [
        replace(expression, reading=_chosen(expression.reading, total - own, allowed))
        for expression, own in zip(expressions, counts, strict=True)
    ]


def _evidence(reading: Reading) -> Evidence:
    """The signs of a reading, alone and between their neighbours."""
    tokens = reading.label.split()
    found = Evidence()
    for at, token in enumerate(tokens):
        if token not in _STRUCTURE:
            found[(token,)] += reading.confidence  # type: ignore[assignment]
            found[_among(tokens, at)] += reading.confidence  # type: ignore[assignment]
    return found


def _among(tokens: Sequence[str], at: int) -> tuple[str, ...]:
    """A sign between the neighbours that it has in the label."""
    return (*tokens[max(0, at - 1) : at], "|", tokens[at], "|", *tokens[at + 1 : at + 2])


def _chosen(reading: Reading, page: Evidence, allowed: Container[str] | None) -> Reading:
    """The reading, or the alternative that the page speaks for."""
    others = [*reading.alternatives, *_other_cases(reading, allowed)]
    if reading.confidence >= _SURE or not others:
        return reading
    best = max(((_odds(reading, other, page), other) for other in others), key=lambda each: each[0])
    odds, other = best
    swapped = _swapped(reading, other) if odds > 0 else None
    if swapped is None:
        return reading
    both = reading.confidence + other.confidence
    share = 1 / (1 + math.exp(-odds))
    old = Alternative(reading.label, round(both * (1 - share), 4))
    rest = [old, *(each for each in reading.alternatives if each is not other)]
    rest.sort(key=lambda each: -each.confidence)
    return replace(
        swapped, confidence=round(both * share, 4), alternatives=tuple(rest[:ALTERNATIVES])
    )


def _other_cases(reading: Reading, allowed: Container[str] | None) -> Iterator[Alternative]:
    """The reading with one of its letters small for capital or the other way round."""
    tokens = reading.label.split()
    for letter in sorted({token for token in tokens if token.lower() in _ALIKE}):
        if allowed is not None and letter.swapcase() not in allowed:
            continue
        other = " ".join(t.swapcase() if t == letter else t for t in tokens)
        if all(other != each.label for each in reading.alternatives):
            yield Alternative(other, _UNSEEN * reading.confidence)


def _odds(reading: Reading, other: Alternative, page: Evidence) -> float:
    """The log-odds of an alternative against a reading; -inf where they differ otherwise."""
    tokens, others = reading.label.split(), other.label.split()
    at = list(_differing(tokens, others))
    if not at or other.confidence <= 0 or reading.confidence <= 0:
        return -math.inf
    told = 0.0
    same = {token for i, token in enumerate(tokens) if i not in at}
    letters = {token for token in same if exchange_class(token) in LETTERS}
    for ours, theirs in {(tokens[i], others[i]) for i in at}:
        if ours.lower() == theirs.lower() and ours.lower() in _ALIKE:
            if theirs in tokens:
                return -math.inf  # it tells the two cases apart: P ( X = x )
            told += math.log((1 + page[(theirs,)]) / (1 + page[(ours,)]))
        elif tokens.count(ours) > others.count(theirs):
            return -math.inf  # the rest of this reading speaks for it
        elif {ours, theirs} <= letters:
            return -math.inf  # it has both: P ( A B ) = P ( A ) P ( B )
    for i in at:
        told += math.log((1 + page[_among(others, i)]) / (1 + page[_among(tokens, i)]))
    return told + math.log(other.confidence / reading.confidence) if told >= _TOLD else -math.inf


def _differing(tokens: Sequence[str], others: Sequence[str]) -> Iterator[int]:
    """The places at which two labels of equal length differ; none where structure differs."""
    if len(tokens) != len(others):
        return
    places = [i for i, ours in enumerate(tokens) if ours != others[i]]
    if not any({tokens[i], others[i]} & _STRUCTURE for i in places):
        yield from places


def _swapped(reading: Reading, other: Alternative) -> Reading | None:
    """The reading with the signs of the alternative; None where its tokens are not its label's."""
    labels = other.label.split()
    if [token.token for token in reading.tokens] != reading.label.split():
        return None
    tokens = zip(reading.tokens, labels, strict=True)
    named = tuple(replace(token, token=label) for token, label in tokens)
    return replace(reading, label=other.label, tokens=named)
