r"""Random symbol layout trees that cover every token of a vocabulary.

Input: a vocabulary, token counts of the training labels, a random generator. Output: labels.
Symbols are sampled with weight (count + 30) ** -0.5, so that ``\xi`` occurs as well as ``x``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from hmer_cli.expr.commands import GRID_DELIMITERS, STRUCTURE
from hmer_cli.expr.symbol_classes import (
    CELL_DOTS,
    ELLIPSES,
    LEADING,
    LETTERS,
    PAIRS,
    POSTFIXES,
    PREFIXES,
    SEPARATORS,
    exchange_class,
)
from hmer_cli.expr.tokens import Vocabulary, join

COVERED = (r"\hat", r"\bar", r"\tilde", r"\vec", r"\dot", r"\ddot")
"""Covers of a single letter."""

BLACKBOARD = (*"ACDEFHKNPQRTZ1",)
"""Letters that the font has in ``\\mathbb``."""

CALLIGRAPHIC = (*"ABCDEFGHIJKLMNOPQRSTUVWXYZ",)
"""Letters that the font has in ``\\mathcal``."""

_LINES = (r"\overline", r"\underline", r"\overrightarrow")
_BRACES = ((r"\underbrace", "_"), (r"\overbrace", "^"))
_PLACED_ON = ("=", r"\rightarrow", r"\sim", r"\leq", r"\equiv", "x", "X")
_RAISED = (r"\prime", "*", r"\dagger", r"\star", r"\circ", r"\perp", "+", "-")
_SMOOTHING = 30.0
"""Added to the count of every token."""  # convention

Tokens = list[str]


class Choices:
    """Tokens of a vocabulary by exchange class, rare ones with a higher weight."""

    def __init__(self, vocabulary: Vocabulary, counts: Mapping[str, int] | None = None) -> None:
        self.kinds: dict[str, Tokens] = {}
        for token in vocabulary:
            if token not in STRUCTURE:
                self.kinds.setdefault(exchange_class(token), []).append(token)
        counts = counts or {}
        self._ends = {
            kind: np.cumsum([(_SMOOTHING + counts.get(token, 0)) ** -0.5 for token in tokens])
            for kind, tokens in self.kinds.items()
        }

    def one(self, kind: str, rng: np.random.Generator) -> str:
        """A token of the class; of the first class if the vocabulary has none of it."""
        ends = self._ends.get(kind)
        if ends is None:
            kind, ends = next(iter(self._ends.items()))
        return self.kinds[kind][int(np.searchsorted(ends, rng.random() * ends[-1]))]

    def like(self, token: str, rng: np.random.Generator) -> str:
        """A token that can replace this one; itself if none can."""
        kind = exchange_class(token)
        if token in STRUCTURE or kind not in _EXCHANGED:
            return token
        if kind in LETTERS and rng.random() < 0.3:
            kind = LETTERS[int(rng.integers(len(LETTERS)))]
        return self.one(kind, rng)


GRAFTED = frozenset((*LETTERS, "digit", "sign", "relation"))
"""Exchange classes whose members have like sizes and places in their line."""

_EXCHANGED = (*LETTERS, "digit", "sign", "relation", "function", "sum", "int", "lim")


class RandomTrees:
    """Samples random labels of a vocabulary."""

    def __init__(self, vocabulary: Vocabulary, counts: Mapping[str, int] | None = None) -> None:
        self.vocabulary = vocabulary
        self.choices = Choices(vocabulary, counts)
        self.grids = [name for name in GRID_DELIMITERS if rf"\begin{{{name}}}" in vocabulary]
        self.dotted = all(dots in vocabulary for dots in CELL_DOTS)
        shapes: tuple[tuple[float, Callable[[_Derivation], Tokens], str], ...] = (
            (5.0, _Derivation.letter, ""),
            (2.5, _Derivation.number, ""),
            (4.0, _Derivation.scripted, "^"),
            (2.0, _Derivation.fraction, r"\frac"),
            (1.0, _Derivation.root, r"\sqrt"),
            (1.6, _Derivation.bracketed, ""),
            (2.0, _Derivation.function, ""),
            (1.6, _Derivation.limited, r"\limits"),
            (1.2, _Derivation.covered, ""),
            (1.2, _Derivation.special, ""),
            (0.6, _Derivation.blackboard, r"\mathbb"),
            (1.0, _Derivation.calligraphic, r"\mathcal"),
            (0.7, _Derivation.binomial, r"\binom"),
            (0.4, _Derivation.placed, r"\overset"),
            (0.4, _Derivation.braced, r"\underbrace"),
        )
        kept = [entry for entry in shapes if not entry[2] or entry[2] in vocabulary]
        self.shapes = [shape for _, shape, _ in kept]
        self.ends = np.cumsum([weight for weight, _, _ in kept])

    def sample(self, rng: np.random.Generator) -> str:
        """One label of about 3 to 25 tokens; a matrix in one of eight."""
        derivation = _Derivation(self, rng, int(rng.integers(3, 22)))
        tokens = derivation.leading()
        if self.grids and rng.random() < 0.125:
            return join([*tokens, *derivation.grid(), *derivation.maybe(SEPARATORS[:1], 0.1)])
        return join([*tokens, *derivation.row(0), *derivation.question_mark()])


class _Derivation:
    """The derivation of one label; ``left``: the budget of tokens."""

    def __init__(self, trees: RandomTrees, rng: np.random.Generator, left: int) -> None:
        self.trees = trees
        self.rng = rng
        self.left = left

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def choose(self, tokens: Sequence[str]) -> Tokens:
        """One of the tokens that are in the vocabulary, if any is."""
        known = [token for token in tokens if token in self.trees.vocabulary]
        return [known[int(self.rng.integers(len(known)))]] if known else []

    def maybe(self, tokens: Sequence[str], share: float) -> Tokens:
        return self.choose(tokens) if self.chance(share) else []

    def leading(self) -> Tokens:
        return self.maybe(LEADING, 0.04)

    def question_mark(self) -> Tokens:
        """``= ?`` at the end, in 3 of 100 labels."""
        question = self.maybe(("?",), 0.03)
        return [*self.maybe(("=",), 0.5), *question] if question else []

    def row(self, depth: int) -> Tokens:
        """Factors with signs and relations between them."""
        out: Tokens = [*self.maybe(("-",), 0.07)]
        first = True
        while first or (self.left > 0 and not (depth and self.chance(0.35 * depth))):
            if not first:
                out += self.between(depth)
            out += self.factor(depth)
            first = False
        return out

    def between(self, depth: int) -> Tokens:
        kinds = ("", "sign", "relation", "list") if depth < 2 else ("", "sign")
        kind = kinds[int(self.rng.integers(len(kinds)))]
        if kind == "list":
            listed = self.maybe(ELLIPSES, 0.3)
            comma = (
                self.choose(SEPARATORS[:1])
                if listed or self.chance(0.5)
                else self.choose(SEPARATORS)
            )
            return [*comma, *listed, *(comma if listed else [])]
        self.left -= 1
        return [self.trees.choices.one(kind, self.rng)] if kind else []

    def factor(self, depth: int) -> Tokens:
        """A factor: one of the shapes, simple ones only when the budget is spent."""
        ends = self.trees.ends
        deep = depth > 1 or self.left < 2
        most = ends[min(1, len(ends) - 1)] if deep else ends[-1]
        shape = self.trees.shapes[int(np.searchsorted(ends, self.rng.random() * most))]
        before = self.left
        self.depth = depth
        tokens = shape(self)
        self.left = min(self.left, before - len(tokens))
        return tokens

    def group(self, most: int = 6) -> Tokens:
        """A small row in braces."""
        before, depth = self.left, self.depth
        self.left = min(self.left, int(self.rng.integers(1, most)))
        tokens = ["{", *self.row(depth + 1), "}"]
        self.left, self.depth = before - len(tokens), depth
        return tokens

    def sign(self) -> str:
        kind = (*LETTERS, "lower", "lower", "other")[int(self.rng.integers(7))]
        return self.trees.choices.one(kind, self.rng)

    def letter(self) -> Tokens:
        return [self.sign()]

    def number(self) -> Tokens:
        digits = [
            self.trees.choices.one("digit", self.rng) for _ in range(int(self.rng.integers(1, 4)))
        ]
        if len(digits) > 1:
            digits[1:1] = self.maybe((".",), 0.15)
        if degrees := self.maybe((r"\circ",), 0.08):
            return [*digits, "^", "{", *degrees, "}"]
        return [*digits, *self.maybe(POSTFIXES, 0.1)]

    def scripted(self) -> Tokens:
        base = [self.sign()] if self.chance(0.8) else self.covered()
        tokens = list(base)
        if self.chance(0.5) and "_" in self.trees.vocabulary:
            tokens += ["_", *self.group(4)]
        if len(tokens) == len(base) or self.chance(0.4):
            raised = self.maybe(_RAISED, 0.3)
            tokens += ["^", *(["{", *raised, "}"] if raised else self.group(4))]
        return tokens

    def fraction(self) -> Tokens:
        return [r"\frac", *self.group(), *self.group()]

    def root(self) -> Tokens:
        indexed = "[" in self.trees.vocabulary and self.chance(0.25)
        index = ["[", *self.number()[:1], "]"] if indexed else []
        return [r"\sqrt", *index, *self.group()]

    def bracketed(self) -> Tokens:
        pairs = [pair for pair in PAIRS if all(token in self.trees.vocabulary for token in pair)]
        if not pairs:
            return self.letter()
        left, right = pairs[int(self.rng.integers(len(pairs)))]
        return [left, *self.group(8)[1:-1], right]

    def function(self) -> Tokens:
        name = self.trees.choices.one("function", self.rng)
        return [name, *(self.letter() if self.chance(0.6) else self.bracketed())]

    def limited(self) -> Tokens:
        kind = ("sum", "int", "lim")[int(self.rng.integers(3))]
        operator = [self.trees.choices.one(kind, self.rng)]
        if exchange_class(operator[0]) in ("sum", "int", "lim") and self.chance(0.85):
            operator += [r"\limits", "_", *self.group(4)]
            if kind != "lim" and self.chance(0.8):
                operator += ["^", *self.group(3)]
        return [*operator, *self.letter()]

    def covered(self) -> Tokens:
        if self.chance(0.4) and (line := self.choose(_LINES)):
            return [*line, *self.group(4)]
        cover = self.choose(COVERED)
        return [*cover, "{", self.sign(), "}"] if cover else self.letter()

    def special(self) -> Tokens:
        return [*self.choose(PREFIXES), *self.letter()]

    def blackboard(self) -> Tokens:
        return [r"\mathbb", "{", *self.choose(BLACKBOARD), "}"]

    def calligraphic(self) -> Tokens:
        return [r"\mathcal", "{", *self.choose(CALLIGRAPHIC), "}"]

    def binomial(self) -> Tokens:
        return [r"\binom", *self.group(4), *self.group(4)]

    def placed(self) -> Tokens:
        """A short row over or under a relation or a letter."""
        placer = self.choose((r"\overset", r"\overset", r"\underset"))
        return [*placer, *self.group(3), "{", *(self.choose(_PLACED_ON) or self.letter()), "}"]

    def braced(self) -> Tokens:
        """An over- or underbrace, in 4 of 5 cases annotated."""
        known = [pair for pair in _BRACES if pair[0] in self.trees.vocabulary]
        brace, script = known[int(self.rng.integers(len(known)))]
        annotation = [script, *self.group(4)] if self.chance(0.8) else []
        return [brace, *self.group(6), *annotation]

    def grid(self) -> Tokens:
        """A matrix, a column vector or cases, in 2 of 5 cases after a letter."""
        name = self.trees.grids[int(self.rng.integers(len(self.trees.grids)))]
        dotted = self.trees.dotted and name != "cases" and self.chance(0.3)
        height = 3 if dotted else int(self.rng.integers(2, 4))
        width = 2 if name == "cases" else int(self.rng.integers(1, 4))
        self.depth, self.left = 1, 4 * height * width
        tokens = self.maybe(("A", "M", "f", "x"), 0.4)
        if tokens or self.chance(0.2):
            tokens += ["="]
        tokens.append(rf"\begin{{{name}}}")
        for r in range(height):
            tokens += [r"\\"] if r else []
            for c in range(width):
                tokens += ["&"] if c else []
                dots = _dots(r, c) if dotted else self.maybe(CELL_DOTS, 0.06)
                tokens += dots or self.group(4)[1:-1]
        return [*tokens, rf"\end{{{name}}}"]


def _dots(row: int, column: int) -> Tokens:
    """The dots of a matrix of any size: in its second row and second column."""
    down, across = row == 1, column == 1
    return [r"\ddots"] if down and across else [r"\vdots"] * down + [r"\cdots"] * across
