"""Recomposition: new expressions laid out from the ink of real symbols.

Input: a label, a symbol bank and a random generator. Output: an `Example`. The layout is that of
`hmer_cli.synthesis.layout`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hmer_cli.datasets.expressions import Sample
from hmer_cli.errors import InputError
from hmer_cli.expr.commands import FONTS, UNWRITTEN
from hmer_cli.expr.tokens import Vocabulary, tokenize
from hmer_cli.expr.tree import parse, to_tokens
from hmer_cli.ink.ink import Ink
from hmer_cli.synthesis.font import FontWriter
from hmer_cli.synthesis.glyph import GlyphWriter, Points
from hmer_cli.synthesis.labels import BalancedLabels, LabelSource, mixture
from hmer_cli.synthesis.layout import layout
from hmer_cli.synthesis.layout_statistics import LayoutStyle, Measures, learnt
from hmer_cli.synthesis.pen_kinematics import drift
from hmer_cli.synthesis.random_trees import Choices
from hmer_cli.synthesis.strokes import fill
from hmer_cli.synthesis.writer_style import WriterStyle
from hmer_cli.training.compose import subexpressions
from hmer_cli.training.compose.consistent_hand import ConsistentHand
from hmer_cli.training.compose.examples import UNTIED, Example, inks
from hmer_cli.training.compose.symbol_bank import SymbolBank
from hmer_cli.training.compose.symbol_substitution import SymbolSubstitution
from hmer_cli.training.compose.writing_order import in_writing_order
from hmer_cli.training.recipe import Recipe, Recomposition

_NEARER = (0.1, 0.45)
"""Range of the reduction of gaps in crowded expressions, in x heights."""

_UNIT = 100.0
"""The height of an x in the units of the strokes."""

_SLOPE, _WAVE = 0.02, 0.06
"""Deviations of the slope of a line (per length) and of its bend (in x heights)."""


@dataclass(frozen=True)
class Recomposer:
    """Writes labels with the ink of a bank, in a layout with the statistics of handwriting.

    ``own`` is the share that our own font writes, ``touching`` that of crowded expressions. With
    ``habits`` an expression is by one hand, in the order in which people write, with scripts and
    limits as near as theirs.
    """

    bank: SymbolBank
    measures: Measures | None = None
    own: float = 0.0
    touching: float = 0.0
    habits: bool = False

    def example(self, label: str, rng: np.random.Generator) -> Example:
        """A new example of the label by one writer; deterministic in ``rng``.

        Raises LabelError for what is no label, KeyError where neither the bank nor the font has a
        sign, ValueError where nothing of it is written.
        """
        tree = parse(tokenize(label))
        tokens = tuple(to_tokens(tree))
        style = LayoutStyle(self.measures or learnt(), rng, near=self.habits)
        if self.touching and rng.random() < self.touching:
            style.tight = float(rng.uniform(*_NEARER))
        strokes, symbols = fill(layout(tree, self._hand(rng), style), _UNIT)
        places = tie(tokens)
        if max(places) + 1 != len(symbols):
            raise ValueError(f"{len(symbols)} signs written for {label!r}")
        example = Example(_sloped(strokes, rng), tokens, symbols, places)
        return in_writing_order(example, rng) if self.habits else example

    def _hand(self, rng: np.random.Generator) -> GlyphWriter:
        if self.own and rng.random() < self.own:
            return FontWriter(rng)
        if not self.habits:
            return self.bank.hand(rng)
        manner = WriterStyle.of(int(rng.integers(2**63)))
        return ConsistentHand(self.bank.hand(rng, forms=False), rng, manner)

    def sample(self, labels: LabelSource, rng: np.random.Generator) -> Example:
        """A new example of a label from this source."""
        return self.example(labels.sample(rng), rng)


@dataclass(frozen=True)
class Invention:
    """A source of synthetic examples: a recomposer, a source of labels, and their vocabulary.

    The ``substitution`` changes symbols of real examples.
    """

    recomposer: Recomposer
    labels: LabelSource
    vocabulary: Vocabulary
    substitution: SymbolSubstitution

    @classmethod
    def build(
        cls,
        inks: Sequence[Ink],
        vocabulary: Vocabulary,
        formulas: Sequence[Path] = (),
        symbols: Sequence[Path] = (),
        plan: Recomposition | None = None,
    ) -> Invention:
        """From labelled training inks, files of raw LaTeX formulas and files of isolated symbols.

        The plan says how they are written.

        Raises InputError where a file cannot be read.
        """
        plan = plan or Recomposition()
        bank = SymbolBank.build(inks, symbols)
        lines = [line for path in formulas for line in _lines(path)]
        written = [ink.label for ink in inks if ink.label]
        counts = Counter(token for label in written for token in tokenize(label))
        substitution = SymbolSubstitution(bank, Choices(vocabulary, counts))
        labels = BalancedLabels(mixture(vocabulary, written, lines, plan.labels), plan.tries)
        recomposer = Recomposer(bank, None, plan.own, plan.touching, plan.habits)
        return cls(recomposer, labels, vocabulary, substitution)

    def sample(self, rng: np.random.Generator) -> Example:
        """A new example; labels with tokens that neither bank nor font has are skipped."""
        while True:
            try:
                return self.recomposer.sample(self.labels, rng)
            except (InputError, KeyError, ValueError):
                continue


def invention_of(
    plan: Recipe, beside_recipe: Path, beside_data: Path, samples: Sequence[Sample]
) -> Invention | None:
    """The source of synthetic expressions, if the recipe uses them."""
    wanted = plan.recomposition
    if not (wanted.share or wanted.grafted or wanted.alone):
        return None
    learned = inks(samples)
    vocabulary = Vocabulary.of_labels(ink.label or "" for ink in learned)
    if wanted.vocabulary:
        vocabulary = Vocabulary.load(beside_recipe / wanted.vocabulary)
    formulas, symbols = (
        [beside_data / name for name in names] for names in (wanted.formulas, wanted.symbols)
    )
    return Invention.build(learned, vocabulary, formulas, symbols, wanted)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}", "give a file of formulas") from error


def tie(tokens: Sequence[str]) -> tuple[int, ...]:
    r"""The index of the symbol of each token, in the order of the label; UNTIED without ink.

    A letter in a font is one sign of two tokens, ``\mathbb`` and the letter.
    """
    places = [UNTIED] * len(tokens)
    following = 0
    index_ends = _index_brackets(tokens)
    for i, token in enumerate(tokens):
        if token in UNWRITTEN or i in index_ends:
            continue
        if i >= 2 and tokens[i - 2] in FONTS and tokens[i - 1] == "{":
            places[i] = places[i - 2]
            continue
        places[i] = following
        following += 1
    return tuple(places)


def _index_brackets(tokens: Sequence[str]) -> set[int]:
    """Where the brackets of roots' indices stand."""
    found: set[int] = set()
    for i, token in enumerate(tokens[:-1]):
        if token == r"\sqrt" and tokens[i + 1] == "[":
            found |= {i + 1, subexpressions.closing(tokens, i + 1, ("[", "]")) - 1}
    return found


def _sloped(strokes: Sequence[Points], rng: np.random.Generator) -> tuple[Points, ...]:
    """The strokes on a line that is neither level nor straight."""
    slope, wave = rng.normal(0, (_SLOPE, _WAVE))
    return tuple(drift(strokes, _UNIT, slope, wave, rng.uniform(0, 2 * np.pi)))
