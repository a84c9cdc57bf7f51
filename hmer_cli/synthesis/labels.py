"""Sources of labels for synthesis: spans of real formulas, substitutions, random trees, exercises.

Input: a vocabulary, raw LaTeX formulas and training labels. Output: objects whose
``sample(rng)`` gives a label within the vocabulary.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from hmer_cli.errors import InputError
from hmer_cli.expr.commands import FONTS
from hmer_cli.expr.latex import normalise
from hmer_cli.expr.node import Node, Tree, rebuild, walk
from hmer_cli.expr.symbol_classes import LAYOUT_CLASSES, PAIRS
from hmer_cli.expr.tokens import Vocabulary, join, tokenize
from hmer_cli.expr.tree import LabelError, parse, to_tokens
from hmer_cli.synthesis.exercises import Exercises
from hmer_cli.synthesis.random_trees import (
    BLACKBOARD,
    CALLIGRAPHIC,
    COVERED,
    Choices,
    RandomTrees,
)

SHORTEST, LONGEST = 3, 32
"""Tokens of a span of a formula."""  # convention

_WHOLE, _MOST = 0.4, 64
"""Probability that a formula within the maximal length is taken whole."""  # convention

_VARIED = 0.3
"""Probability that a symbol of an exercise is substituted."""  # convention

_ENDED, _MARKS = 0.2, (".", ",")
"""Share of spans that get a final mark, as formulas within a text have."""  # convention

_ATTEMPTS = 50

_WORD = 3
"""More plain letters in a row than this are a word, not mathematics."""  # convention


class LabelSource(Protocol):
    """A distribution of labels."""

    def sample(self, rng: np.random.Generator) -> str:
        """One label within the vocabulary. Raises InputError if there is none."""
        ...


class Formulas:
    """Spans of real formulas, cut at relations, binary operators and commas.

    ``sources`` are raw LaTeX, a formula each; they are parsed on first use.
    """

    def __init__(self, sources: Sequence[str], vocabulary: Vocabulary) -> None:
        self.sources = sources
        self.vocabulary = vocabulary
        self._pieces: dict[int, list[str]] = {}
        self._wholes: dict[int, str] = {}

    def sample(self, rng: np.random.Generator) -> str:
        """A whole formula, or the longer of two of its spans (short ones are too many).

        A share of _ENDED ends in a full stop or a comma.
        Raises InputError if 50 attempts give none.
        """
        for _ in range(_ATTEMPTS if self.sources else 0):
            index = int(rng.integers(len(self.sources)))
            pieces = self.pieces(index)
            whole = self._wholes.get(index) if rng.random() < _WHOLE else None
            if pieces or whole:
                drawn = rng.integers(len(pieces), size=2) if pieces else ()
                piece = whole or max((pieces[i] for i in drawn), key=len)
                mark = _MARKS[int(rng.integers(len(_MARKS)))]
                ended = mark in self.vocabulary and rng.random() < _ENDED
                return f"{piece} {mark}" if ended else piece
        raise InputError("no formula can be written with this vocabulary", "give other formulas")

    def pieces(self, index: int) -> list[str]:
        """The pieces of one formula."""
        if index not in self._pieces:
            tree = self._read(self.sources[index])
            whole = [token for node in tree for token in to_tokens((node,))]
            if SHORTEST <= len(whole) <= _MOST and _whole(tree) and self._known(whole):
                self._wholes[index] = join(whole)
            rows = [tree, *(row for node in walk(tree) for row in node.rows)]
            found = [tokens for row in rows if row for tokens in _spans(row)]
            self._pieces[index] = [join(tokens) for tokens in found if self._known(tokens)]
        return self._pieces[index]

    def _read(self, source: str) -> Tree:
        """The tree of a formula without the marks at its end; empty where it is none."""
        try:
            tree = rebuild(parse(tokenize(normalise(source))), self._plain)
        except (LabelError, ValueError):
            return ()
        while tree and LAYOUT_CLASSES.get(tree[-1].symbol) == "mark" and not any(tree[-1].rows):
            tree = tree[:-1]
        return tree

    def _plain(self, node: Node) -> Node:
        """Letters without the fonts that the stroke font or the vocabulary lacks."""
        font, _, letter = node.symbol.partition(" ")
        shown = {r"\mathbb": BLACKBOARD, r"\mathcal": CALLIGRAPHIC}.get(font, ())
        if font in FONTS and not (font in self.vocabulary and letter[2:3] in shown):
            return replace(node, symbol=letter[2:-2])
        return node

    def _known(self, tokens: Sequence[str]) -> bool:
        return all(token in self.vocabulary for token in tokens)


class Substitutions:
    """Training labels with symbols replaced by others of the same exchange class."""

    def __init__(self, labels: Iterable[str], vocabulary: Vocabulary) -> None:
        self.labels = [label for label in labels if _canonical(label)]
        counts = Counter(token for label in self.labels for token in tokenize(label))
        self.choices = Choices(vocabulary, counts)
        self.covers = [token for token in COVERED if token in vocabulary]
        self.pairs = [pair for pair in PAIRS if all(token in vocabulary for token in pair)]

    def sample(self, rng: np.random.Generator, share: float = 0.5) -> str:
        """A label with each distinct symbol replaced throughout with probability ``share``."""
        return self.vary(self.labels[int(rng.integers(len(self.labels)))], share, rng)

    def vary(self, label: str, share: float, rng: np.random.Generator) -> str:
        """The label with each distinct symbol replaced throughout with this probability."""
        tokens = tokenize(label)
        new = {token: self._other(token, share, rng) for token in dict.fromkeys(tokens)}
        if self.pairs and rng.random() < share and tokens.count("(") == tokens.count(")"):
            left, right = self.pairs[int(rng.integers(len(self.pairs)))]
            new |= {"(": [left], ")": [right]}
        kept = [i >= 2 and tokens[i - 2] in FONTS for i in range(len(tokens))]  # \mathbb { R }
        return join(
            part
            for token, own in zip(tokens, kept, strict=True)
            for part in ([token] if own else new[token])
        )

    def _other(self, token: str, share: float, rng: np.random.Generator) -> list[str]:
        other = self.choices.like(token, rng) if rng.random() < share else token
        if self.covers and len(token) == 1 and token.isalpha() and rng.random() < 0.05:
            return [self.covers[int(rng.integers(len(self.covers)))], "{", other, "}"]
        return [other]


@dataclass(frozen=True)
class Varied:
    """Labels of a source, half of them with substitutions."""

    source: LabelSource
    substitutions: Substitutions

    def sample(self, rng: np.random.Generator) -> str:
        """A label of the source, in half of all cases with a few symbols replaced."""
        label = self.source.sample(rng)
        return self.substitutions.vary(label, _VARIED, rng) if rng.random() < 0.5 else label


@dataclass(frozen=True)
class Mixture:
    """A mixture of sources with their weights."""

    sources: tuple[tuple[float, LabelSource], ...]

    def sample(self, rng: np.random.Generator) -> str:
        """A label of one of the sources."""
        shares = np.cumsum([share for share, _ in self.sources])
        chosen = int(np.searchsorted(shares, rng.random() * shares[-1]))
        return self.sources[chosen][1].sample(rng)


class BalancedLabels:
    """Rejection sampling towards rare tokens.

    Of ``tries`` labels of a source, the one whose rarest token was sampled least so far.
    """

    def __init__(self, source: LabelSource, tries: int) -> None:
        self.source = source
        self.tries = tries
        self.counts: Counter[str] = Counter()

    def sample(self, rng: np.random.Generator) -> str:
        """A label; depends on the labels sampled before."""
        found = [tokenize(self.source.sample(rng)) for _ in range(self.tries)]
        chosen = min(found, key=lambda tokens: min(self.counts[token] for token in tokens))
        self.counts.update(set(chosen))
        return join(chosen)


def mixture(
    vocabulary: Vocabulary,
    labels: Sequence[str] = (),
    formulas: Sequence[str] = (),
    shares: tuple[float, float, float, float] = (0.35, 0.2, 0.15, 0.3),
) -> Mixture:
    """Formulas, training labels, random trees and exercises in these shares.

    The shares of empty sources go to the others in proportion.
    """
    exercises = Varied(Exercises(vocabulary), Substitutions((), vocabulary))
    sources: list[tuple[float, LabelSource]] = [(shares[2], RandomTrees(vocabulary))]
    if shares[3]:
        sources.append((shares[3], exercises))
    if labels and shares[1]:
        sources.insert(0, (shares[1], Substitutions(labels, vocabulary)))
    if formulas and shares[0]:
        sources.insert(0, (shares[0], Formulas(formulas, vocabulary)))
    return Mixture(tuple(sources))


def _canonical(label: str) -> bool:
    tokens = tokenize(label)
    try:
        return bool(tokens) and to_tokens(parse(tokens)) == tokens
    except LabelError:
        return False


def _spans(row: Tree) -> list[list[str]]:
    """The tokens of every span of nodes between two cuts that is a complete expression."""
    spelled = [to_tokens((node,)) for node in row]
    cuts = sorted({0, len(row), *(c for i, node in enumerate(row) for c in _around(i, node))})
    found = []
    for n, start in enumerate(cuts):
        for end in cuts[n + 1 :]:
            length = sum(len(tokens) for tokens in spelled[start:end])
            if length > LONGEST:
                break
            if length >= SHORTEST and _whole(row[start:end]):
                found.append([token for tokens in spelled[start:end] for token in tokens])
    return found


def _around(index: int, node: Node) -> tuple[int, ...]:
    kind = LAYOUT_CLASSES.get(node.symbol)
    if kind == "relation" or node.symbol in (",", ".", ";"):
        return index, index + 1
    return (index,) if node.symbol in ("+", "-", r"\pm") else ()


def _is_letter(node: Node) -> bool:
    return len(node.symbol) == 1 and node.symbol.islower() and not any(node.rows)


def _whole(row: Tree) -> bool:
    """Whether brackets are balanced and no operator lacks an operand at an end."""
    depth = letters = 0
    for node in row:
        letters = letters + 1 if _is_letter(node) else 0
        kind = LAYOUT_CLASSES.get(node.symbol)
        depth += (kind == "open") - (kind == "close")
        if depth < 0 or letters > _WORD or not node.symbol:
            return False
    ends = LAYOUT_CLASSES.get(row[0].symbol), LAYOUT_CLASSES.get(row[-1].symbol)
    bars = sum(node.symbol == "|" for node in row)
    idle = row[0].symbol in (",", ".", ";") or ends[1] in ("relation", "sign", "mark")
    return depth == 0 and bars % 2 == 0 and not idle
