r"""Random trees: expressions that nobody wrote, in which every token of a vocabulary has its turn.

Signs are chosen the likelier the rarer they are in the training labels, so that ``\xi`` is
seen as well as ``x``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from hmer_cli.expr.commands import STRUCTURE
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
from hmer_cli.synthesis.layout import DELIMITERS

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
_FEW = 30.0
"""A token counts as if it had been seen so often more."""

Tokens = list[str]


class Choices:
    """Tokens by their kind, each the likelier the rarer it is."""

    def __init__(self, vocabulary: Vocabulary, counts: Mapping[str, int] | None = None) -> None:
        self.kinds: dict[str, Tokens] = {}
        for token in vocabulary:
            if token not in STRUCTURE:
                self.kinds.setdefault(exchange_class(token), []).append(token)
        counts = counts or {}
        self._ends = {
            kind: np.cumsum([(_FEW + counts.get(token, 0)) ** -0.5 for token in tokens])
            for kind, tokens in self.kinds.items()
        }

    def one(self, kind: str, rng: np.random.Generator) -> str:
        """A token of the kind, or a letter where the vocabulary has none of it."""
        ends = self._ends.get(kind)
        if ends is None:
            kind, ends = next(iter(self._ends.items()))
        return self.kinds[kind][int(np.searchsorted(ends, rng.random() * ends[-1]))]

    def like(self, token: str, rng: np.random.Generator) -> str:
        """A token that can stand where this one stands; itself where its place is its own."""
        kind = exchange_class(token)
        if token in STRUCTURE or kind not in _EXCHANGED:
            return token
        if kind in LETTERS and rng.random() < 0.3:
            kind = LETTERS[int(rng.integers(len(LETTERS)))]
        return self.one(kind, rng)


GRAFTED = frozenset((*LETTERS, "digit", "sign", "relation"))
"""Kinds of tokens whose ink has one size and place in its line."""

_EXCHANGED = (*LETTERS, "digit", "sign", "relation", "function", "sum", "int", "lim")


class RandomTrees:
    """Writes random labels of a vocabulary."""

    def __init__(self, vocabulary: Vocabulary, counts: Mapping[str, int] | None = None) -> None:
        self.vocabulary = vocabulary
        self.choices = Choices(vocabulary, counts)
        self.grids = [name for name in DELIMITERS if rf"\begin{{{name}}}" in vocabulary]
        self.dotted = all(dots in vocabulary for dots in CELL_DOTS)
        shapes: tuple[tuple[float, Callable[[_Writing], Tokens], str], ...] = (
            (5.0, _Writing.letter, ""),
            (2.5, _Writing.number, ""),
            (4.0, _Writing.scripted, "^"),
            (2.0, _Writing.fraction, r"\frac"),
            (1.0, _Writing.root, r"\sqrt"),
            (1.6, _Writing.bracketed, ""),
            (2.0, _Writing.function, ""),
            (1.6, _Writing.limited, r"\limits"),
            (1.2, _Writing.covered, ""),
            (1.2, _Writing.special, ""),
            (0.6, _Writing.blackboard, r"\mathbb"),
            (1.0, _Writing.calligraphic, r"\mathcal"),
            (0.7, _Writing.binomial, r"\binom"),
            (0.4, _Writing.placed, r"\overset"),
            (0.4, _Writing.braced, r"\underbrace"),
        )
        kept = [entry for entry in shapes if not entry[2] or entry[2] in vocabulary]
        self.shapes = [shape for _, shape, _ in kept]
        self.ends = np.cumsum([weight for weight, _, _ in kept])

    def sample(self, rng: np.random.Generator) -> str:
        """One label of about 3 to 25 tokens; a matrix in one of eight."""
        writing = _Writing(self, rng, int(rng.integers(3, 22)))
        tokens = writing.start()
        if self.grids and rng.random() < 0.125:
            return join([*tokens, *writing.grid(), *writing.few(SEPARATORS[:1], 0.1)])
        return join([*tokens, *writing.row(0), *writing.asked()])


class _Writing:
    """One label in the making; ``left`` tokens are still to be written, roughly."""

    def __init__(self, inventor: RandomTrees, rng: np.random.Generator, left: int) -> None:
        self.by = inventor
        self.rng = rng
        self.left = left

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def of(self, tokens: Sequence[str]) -> Tokens:
        """One of the tokens that are in the vocabulary, if any is."""
        known = [token for token in tokens if token in self.by.vocabulary]
        return [known[int(self.rng.integers(len(known)))]] if known else []

    def few(self, tokens: Sequence[str], share: float) -> Tokens:
        return self.of(tokens) if self.chance(share) else []

    def start(self) -> Tokens:
        return self.few(LEADING, 0.04)

    def asked(self) -> Tokens:
        """A question at the end, now and then."""
        question = self.few(("?",), 0.03)
        return [*self.few(("=",), 0.5), *question] if question else []

    def row(self, depth: int) -> Tokens:
        """Factors with signs and relations between them."""
        out: Tokens = [*self.few(("-",), 0.07)]
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
            listed = self.few(ELLIPSES, 0.3)
            comma = self.of(SEPARATORS[:1]) if listed or self.chance(0.5) else self.of(SEPARATORS)
            return [*comma, *listed, *(comma if listed else [])]
        self.left -= 1
        return [self.by.choices.one(kind, self.rng)] if kind else []

    def factor(self, depth: int) -> Tokens:
        """Something that can be multiplied."""
        ends = self.by.ends
        deep = depth > 1 or self.left < 2
        most = ends[min(1, len(ends) - 1)] if deep else ends[-1]
        shape = self.by.shapes[int(np.searchsorted(ends, self.rng.random() * most))]
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
        return self.by.choices.one(kind, self.rng)

    def letter(self) -> Tokens:
        return [self.sign()]

    def number(self) -> Tokens:
        digits = [
            self.by.choices.one("digit", self.rng) for _ in range(int(self.rng.integers(1, 4)))
        ]
        if len(digits) > 1:
            digits[1:1] = self.few((".",), 0.15)
        if degrees := self.few((r"\circ",), 0.08):
            return [*digits, "^", "{", *degrees, "}"]
        return [*digits, *self.few(POSTFIXES, 0.1)]

    def scripted(self) -> Tokens:
        base = [self.sign()] if self.chance(0.8) else self.covered()
        tokens = list(base)
        if self.chance(0.5) and "_" in self.by.vocabulary:
            tokens += ["_", *self.group(4)]
        if len(tokens) == len(base) or self.chance(0.4):
            raised = self.few(_RAISED, 0.3)
            tokens += ["^", *(["{", *raised, "}"] if raised else self.group(4))]
        return tokens

    def fraction(self) -> Tokens:
        return [r"\frac", *self.group(), *self.group()]

    def root(self) -> Tokens:
        indexed = "[" in self.by.vocabulary and self.chance(0.25)
        index = ["[", *self.number()[:1], "]"] if indexed else []
        return [r"\sqrt", *index, *self.group()]

    def bracketed(self) -> Tokens:
        pairs = [pair for pair in PAIRS if all(token in self.by.vocabulary for token in pair)]
        if not pairs:
            return self.letter()
        left, right = pairs[int(self.rng.integers(len(pairs)))]
        return [left, *self.group(8)[1:-1], right]

    def function(self) -> Tokens:
        name = self.by.choices.one("function", self.rng)
        return [name, *(self.letter() if self.chance(0.6) else self.bracketed())]

    def limited(self) -> Tokens:
        kind = ("sum", "int", "lim")[int(self.rng.integers(3))]
        operator = [self.by.choices.one(kind, self.rng)]
        if exchange_class(operator[0]) in ("sum", "int", "lim") and self.chance(0.85):
            operator += [r"\limits", "_", *self.group(4)]
            if kind != "lim" and self.chance(0.8):
                operator += ["^", *self.group(3)]
        return [*operator, *self.letter()]

    def covered(self) -> Tokens:
        if self.chance(0.4) and (line := self.of(_LINES)):
            return [*line, *self.group(4)]
        cover = self.of(COVERED)
        return [*cover, "{", self.sign(), "}"] if cover else self.letter()

    def special(self) -> Tokens:
        return [*self.of(PREFIXES), *self.letter()]

    def blackboard(self) -> Tokens:
        return [r"\mathbb", "{", *self.of(BLACKBOARD), "}"]

    def calligraphic(self) -> Tokens:
        return [r"\mathcal", "{", *self.of(CALLIGRAPHIC), "}"]

    def binomial(self) -> Tokens:
        return [r"\binom", *self.group(4), *self.group(4)]

    def placed(self) -> Tokens:
        """Something small over or under a relation or a letter."""
        placer = self.of((r"\overset", r"\overset", r"\underset"))
        return [*placer, *self.group(3), "{", *(self.of(_PLACED_ON) or self.letter()), "}"]

    def braced(self) -> Tokens:
        """A brace with what it says, mostly."""
        known = [pair for pair in _BRACES if pair[0] in self.by.vocabulary]
        brace, script = known[int(self.rng.integers(len(known)))]
        said = [script, *self.group(4)] if self.chance(0.8) else []
        return [brace, *self.group(6), *said]

    def grid(self) -> Tokens:
        """A matrix, a column vector or cases, with something before it now and then."""
        name = self.by.grids[int(self.rng.integers(len(self.by.grids)))]
        dotted = self.by.dotted and name != "cases" and self.chance(0.3)
        height = 3 if dotted else int(self.rng.integers(2, 4))
        width = 2 if name == "cases" else int(self.rng.integers(1, 4))
        self.depth, self.left = 1, 4 * height * width
        tokens = self.few(("A", "M", "f", "x"), 0.4)
        if tokens or self.chance(0.2):
            tokens += ["="]
        tokens.append(rf"\begin{{{name}}}")
        for r in range(height):
            tokens += [r"\\"] if r else []
            for c in range(width):
                tokens += ["&"] if c else []
                dots = _dots(r, c) if dotted else self.few(CELL_DOTS, 0.06)
                tokens += dots or self.group(4)[1:-1]
        return [*tokens, rf"\end{{{name}}}"]


def _dots(row: int, column: int) -> Tokens:
    """What stands for the rest in a matrix of any size: in its second row and second column."""
    down, across = row == 1, column == 1
    return [r"\ddots"] if down and across else [r"\vdots"] * down + [r"\cdots"] * across
