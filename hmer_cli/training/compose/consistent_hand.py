"""A writer whose symbols look alike over an expression or a page.

Input: a source of glyphs, perhaps by many writers. Output: glyphs, few of each token, in the
proportions of one writer.
"""

from __future__ import annotations

import numpy as np

from hmer_cli.expr.symbol_classes import layout_class
from hmer_cli.synthesis.glyph import Glyph, GlyphWriter
from hmer_cli.synthesis.writer_style import WriterStyle

VARIANTS = 4  # glyphs of one symbol that a writer has at most


class ConsistentHand:
    """A `GlyphWriter` that reuses at most `VARIANTS` glyphs of each symbol.

    Letters have the slant, the width, the ascenders and the descenders of the ``writer_style``, if
    there is one.
    """

    def __init__(
        self,
        hand: GlyphWriter,
        random: np.random.Generator,
        writer_style: WriterStyle | None = None,
    ) -> None:
        self.hand, self.random, self.writer_style = hand, random, writer_style
        self._known: dict[str, list[Glyph]] = {}

    def glyph(self, token: str, aspect: float | None = None) -> Glyph:
        """As `GlyphWriter`; glyphs of a given aspect ratio are sampled each time."""
        if aspect is not None:
            return self.hand.glyph(token, aspect)
        known = self._known.setdefault(token, [])
        if not known or (len(known) < VARIANTS and self.random.random() < 0.3):
            known.append(self._styled(self.hand.glyph(token)))
        return known[int(self.random.integers(len(known)))]

    def _styled(self, glyph: Glyph) -> Glyph:
        style = self.writer_style
        if style is None or layout_class(glyph.token) != "letter":
            return glyph
        x, y = glyph.points.T
        over, under = np.clip(y + 1, None, 0), np.clip(y, 0, None)
        y = y + (style.high - 1) * over + (style.deep - 1) * under
        points = np.stack([style.wide * x - style.slant * y, y], 1)
        return Glyph.of(glyph.token, np.split(points, np.cumsum(glyph.lengths)[:-1]))
