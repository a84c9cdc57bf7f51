"""Recognition metrics: WER, CER, ExpRate, token confusions.

Input: pairs of true and predicted labels (space-separated tokens). Output: shares. Method:
Levenshtein alignment of tokens and of characters. Predictions are not post-processed with the
truth. An empty truth stands for an unknown one (its file could not be read): it adds no tokens,
and every prediction of it is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jiwer

from hmer_cli.errors import InputError
from hmer_cli.expr import tree
from hmer_cli.expr.commands import UNWRITTEN
from hmer_cli.expr.tokens import join, tokenize

SHORT = 14
"""Tokens of the longest expression that Monawwar and Chung (2025) count as short."""

LENGTHS = {
    "short": (0, SHORT),
    "long": (SHORT + 1, None),
    "0-4": (0, 4),
    "5-9": (5, 9),
    "10-14": (10, 14),
    "15-19": (15, 19),
    "20-29": (20, 29),
    "30+": (30, None),
}
"""Groups by the length of the truth: name to the fewest and the most tokens, both included."""


@dataclass(frozen=True)
class Pair:
    """The true and the predicted label of one expression."""

    truth: str
    prediction: str


@dataclass(frozen=True)
class Scores:
    """Scores of a set of pairs; every rate is a share (0 to 1), WER and CER may exceed 1."""

    n: int
    wer: float
    cer: float
    exprate: float
    exprate1: float
    exprate2: float
    structure_exprate: float


@dataclass(frozen=True)
class Confusion:
    """``truth`` was read as ``prediction``, ``count`` times.

    An inserted token has an empty ``truth``, a token left out an empty ``prediction``.
    """

    truth: str
    prediction: str
    count: int


def score(pairs: Sequence[Pair]) -> Scores:
    """Every score of a set of pairs; ``structure_exprate`` is the share whose trees are equal but
    for their symbols.

    Raises:
        ValueError: the set is empty.
    """
    if not pairs:
        raise ValueError("no pairs to score")
    edits = token_edits(pairs)
    return Scores(
        n=len(pairs),
        wer=sum(edits) / _total(len(tokenize(pair.truth)) for pair in pairs),
        cer=sum(character_edits(pairs)) / _total(len(_spelled(pair.truth)) for pair in pairs),
        exprate=exprate(pairs, edits, 0),
        exprate1=exprate(pairs, edits, 1),
        exprate2=exprate(pairs, edits, 2),
        structure_exprate=sum(map(same_structure, pairs)) / len(pairs),
    )


def score_by_length(pairs: Sequence[Pair]) -> dict[str, Scores]:
    """The scores of each group of ``LENGTHS`` that has a pair in it."""
    lengths = [len(tokenize(pair.truth)) for pair in pairs]
    groups = {
        name: [pair for pair, n in zip(pairs, lengths, strict=True) if _within(n, *bounds)]
        for name, bounds in LENGTHS.items()
    }
    return {name: score(group) for name, group in groups.items() if group}


def token_edits(pairs: Sequence[Pair]) -> list[int]:
    """Levenshtein distance of each pair, counted in tokens."""
    return [sum(map(_cost, chunks)) for chunks in _token_alignments(pairs).alignments]


def character_edits(pairs: Sequence[Pair]) -> list[int]:
    """Levenshtein distance of each pair, counted in characters with the spaces between tokens."""
    if not pairs:
        return []
    aligned = jiwer.process_characters(*_columns(pairs))
    return [sum(map(_cost, chunks)) for chunks in aligned.alignments]


def exprate(pairs: Sequence[Pair], edits: Sequence[int], at_most: int) -> float:
    """Share of the pairs with at most so many token edits; ``edits`` is one count a pair. Nothing
    is no reading, however short the truth."""
    good = [
        n <= at_most and is_known(pair) and bool(tokenize(pair.prediction))
        for pair, n in zip(pairs, edits, strict=True)
    ]
    return sum(good) / len(good)


def is_known(pair: Pair) -> bool:
    """Whether the truth is known."""
    return bool(tokenize(pair.truth))


def same_structure(pair: Pair) -> bool:
    """Whether both labels have equal symbol layout trees, whatever their symbols.

    A label that is no valid tree equals only itself, token by token.
    """
    truth, prediction = tokenize(pair.truth), tokenize(pair.prediction)
    if not truth or not prediction:
        return False
    if truth == prediction:
        return True
    try:
        return _shape(tree.parse(truth)) == _shape(tree.parse(prediction))
    except InputError:
        return False


def _shape(row: tree.Tree) -> tuple[object, ...]:
    """The row without its symbols: which relation leads from each node to which rows."""
    return tuple(
        (*map(_shape, (node.above, node.below, node.sup, node.sub, node.inside)), _cells(node))
        for node in row
    )


def _cells(node: tree.Node) -> tuple[object, ...]:
    return tuple(tuple(map(_shape, row)) for row in node.cells)


def confusions(pairs: Sequence[Pair]) -> list[Confusion]:
    """Token substitutions, deletions and insertions, the most frequent first."""
    counts = Counter(_confused(_token_alignments(pairs)))
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [Confusion(*both, count) for both, count in ranked]


def symbol_confusions(pairs: Sequence[Pair]) -> list[Confusion]:
    """`confusions` of the tokens that are written: no braces, scripts or cells."""
    return confusions([Pair(_written(pair.truth), _written(pair.prediction)) for pair in pairs])


def _written(label: str) -> str:
    return join(token for token in tokenize(label) if token not in UNWRITTEN)


def _confused(aligned: jiwer.WordOutput) -> Iterator[tuple[str, str]]:
    columns = zip(aligned.references, aligned.hypotheses, aligned.alignments, strict=True)
    for truth, prediction, chunks in columns:
        for chunk in chunks:
            lost = truth[chunk.ref_start_idx : chunk.ref_end_idx]
            made = prediction[chunk.hyp_start_idx : chunk.hyp_end_idx]
            if chunk.type == "substitute":
                yield from zip(lost, made, strict=True)
            elif chunk.type == "delete":
                yield from ((token, "") for token in lost)
            elif chunk.type == "insert":
                yield from (("", token) for token in made)


def _token_alignments(pairs: Sequence[Pair]) -> jiwer.WordOutput:
    if not pairs:
        return jiwer.WordOutput([], [], [], 0.0, 0.0, 0.0, 0.0, 0, 0, 0, 0)
    return jiwer.process_words(*_columns(pairs))


def _columns(pairs: Sequence[Pair]) -> tuple[list[str], list[str]]:
    return [_spelled(p.truth) for p in pairs], [_spelled(p.prediction) for p in pairs]


def _spelled(label: str) -> str:
    return join(tokenize(label))


def _cost(chunk: jiwer.AlignmentChunk) -> int:
    if chunk.type == "equal":
        return 0
    return max(chunk.ref_end_idx - chunk.ref_start_idx, chunk.hyp_end_idx - chunk.hyp_start_idx)


def _total(counts: Iterator[int]) -> int:
    """The sum, at least 1, so that a set without one known truth still has a finite rate."""
    return max(1, sum(counts))


def _within(n: int, fewest: int, most: int | None) -> bool:
    return fewest <= n and (most is None or n <= most)
