"""A synthetic writer: glyphs, slant, spacing and layout style, constant over a page.

Input: a word or a label. Output: strokes (N, 2) in pixels, from the origin on, y down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hmer_cli.expr.tokens import tokenize
from hmer_cli.expr.tree import parse
from hmer_cli.synthesis.font import FontWriter, knows
from hmer_cli.synthesis.glyph import GlyphWriter, join
from hmer_cli.synthesis.layout import layout
from hmer_cli.synthesis.layout_statistics import LayoutStyle, learnt
from hmer_cli.synthesis.pen_kinematics import link
from hmer_cli.synthesis.strokes import fill
from hmer_cli.synthesis.writer_style import WriterStyle
from hmer_cli.training.compose.consistent_hand import ConsistentHand
from hmer_cli.training.compose.symbol_bank import SymbolBank
from hmer_cli.training.page_synthesis.sheet import Random

Strokes = list[NDArray[np.floating]]

SHARE_OF_OWN_FONT = 0.25  # of the writers use the project's own font


@dataclass(frozen=True)
class Writer:
    """The parameters of a writer.

    Attributes:
        hand: source of glyphs.
        style: layout of formulas.
        x: x height in pixels.
        gap: space between the letters of a word, in x heights.
        blank: space between words, in x heights.
        lean: slant, as horizontal shift per height.
        wide: horizontal scale of letters.
        joined: whether the letters of a word are joined.
        random: source of all randomness.
    """

    hand: GlyphWriter
    style: LayoutStyle
    x: float
    gap: float
    blank: float
    lean: float
    wide: float
    joined: bool
    random: Random

    @classmethod
    def sample(cls, bank: SymbolBank, random: Random) -> Writer:
        """A random writer: one of the bank, or of the project's own font."""
        x = float(random.uniform(12, 24))
        manner = WriterStyle.of(int(random.integers(2**63)))
        own = random.random() < SHARE_OF_OWN_FONT
        hand: GlyphWriter = (
            FontWriter(random, manner) if own else ConsistentHand(bank.hand(random), random)
        )
        lean, wide = random.normal((0.05, 1), (0.15, 0.1))
        return cls(
            hand=hand,
            style=LayoutStyle(learnt(), random, {}, float(random.uniform(0.4, 1.0))),
            x=x,
            gap=float(random.uniform(-0.02, 0.35)),
            blank=float(random.uniform(0.7, 1.6)),
            lean=0.0 if own else float(np.clip(lean, -0.25, 0.4)),
            wide=float(np.clip(wide, 0.75, 1.3)),
            joined=own and manner.joined,
            random=random,
        )

    @property
    def space(self) -> float:
        """Space between two words, in pixels."""
        return self.blank * self.x

    def word(self, text: str) -> Strokes:
        """Strokes of a word from (0, 0) on, on the baseline; unknown characters are left out."""
        strokes: Strokes = []
        end = 0.0
        run: list[str] = [sign for sign in text if knows(sign)]
        if self.joined and len(run) > 1 and text.isalpha():
            glyphs = [self.hand.glyph(sign) for sign in run]
            return self._placed(join(text, glyphs, self.gap, link).strokes)
        for sign in run:
            glyph = self.hand.glyph(sign)
            moved = np.array([end - glyph.box[0], self.random.normal(0, 0.03)])
            strokes += [stroke + moved for stroke in glyph.strokes]
            end += glyph.width + self.gap * float(self.random.uniform(0.5, 1.5))
        return self._placed(strokes)

    def maths(self, label: str) -> Strokes:
        """Strokes of an expression, likewise. Raises as `parse` and `layout` do."""
        tree = parse(tokenize(label))
        strokes, _ = fill(layout(tree, self.hand, self.style), 1.0)
        return self._placed(strokes)

    def _placed(self, strokes: Sequence[NDArray[np.floating]]) -> Strokes:
        if not strokes:
            return []
        matrix = np.array([[self.wide, 0], [-self.lean, 1]]) * self.x
        placed = [stroke @ matrix for stroke in strokes]
        left = min(float(stroke[:, 0].min()) for stroke in placed)
        return [stroke - np.array([left, 0]) for stroke in placed]


def placed(strokes: Strokes, x: float, y: float) -> Strokes:
    """The strokes moved by (x, y)."""
    shift = np.array([x, y])
    return [stroke + shift for stroke in strokes]


def right_of(strokes: Strokes) -> float:
    """The largest x of the strokes."""
    return max(float(stroke[:, 0].max()) for stroke in strokes)
