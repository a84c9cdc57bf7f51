"""Recomposition: new training expressions laid out from the ink of real symbols."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hmer_cli.expr.tokens import tokenize
from hmer_cli.expr.tree import parse, to_tokens
from hmer_cli.learn import spans
from hmer_cli.learn.bank import SymbolBank
from hmer_cli.learn.examples import UNTIED, UNWRITTEN, Example
from hmer_cli.learn.labels import Source
from hmer_cli.write.fill import fill
from hmer_cli.write.glyph import Points
from hmer_cli.write.layout import DELIMITERS, layout
from hmer_cli.write.measures import Measures, Style, learnt

_FONTS = frozenset({r"\mathbb"})
_SILENT = UNWRITTEN | {"&", r"\\"}
_BARE = frozenset(
    rf"\{end}{{{name}}}"
    for name, sides in DELIMITERS.items()
    for end, side in zip(("begin", "end"), sides, strict=True)
    if not side
)
"""Ends of a grid at which nothing is written."""

_UNIT = 100.0
"""The height of an x in the units of the strokes."""

_SLOPE, _WAVE, _BEND = 0.02, 0.06, 0.3
"""How far a line of writing rises, in its length, and strays from straight, in x heights; and how
fast it bends, in radians an x height."""


@dataclass(frozen=True)
class Recomposer:
    """Writes labels with the ink of a bank, in a layout as people's is."""

    bank: SymbolBank
    measures: Measures | None = None

    def example(self, label: str, rng: np.random.Generator) -> Example:
        """A new example of the label, in the hand of one writer; the same for the same ``rng``.

        Raises LabelError for what is no label, KeyError where neither the bank nor the font has a
        sign, ValueError where nothing of it is written.
        """
        tree = parse(tokenize(label))
        tokens = tuple(to_tokens(tree))
        style = Style(self.measures or learnt(), rng)
        strokes, symbols = fill(layout(tree, self.bank.hand(rng), style), _UNIT)
        places = tie(tokens)
        if max(places) + 1 != len(symbols):
            raise ValueError(f"{len(symbols)} signs written for {label!r}")
        return Example(_sloped(strokes, rng), tokens, symbols, places)

    def sample(self, labels: Source, rng: np.random.Generator) -> Example:
        """A new example of a label from this source."""
        return self.example(labels.sample(rng), rng)


def tie(tokens: Sequence[str]) -> tuple[int, ...]:
    r"""The sign of each token, counted in the order of the label; UNTIED for what leaves no ink.

    A letter in a font is one sign of two tokens, ``\mathbb`` and the letter.
    """
    places = [UNTIED] * len(tokens)
    following = 0
    index_ends = _index_brackets(tokens)
    for i, token in enumerate(tokens):
        if token in _SILENT or token in _BARE or i in index_ends:
            continue
        if i >= 2 and tokens[i - 2] in _FONTS and tokens[i - 1] == "{":
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
            found |= {i + 1, spans.closing(tokens, i + 1, ("[", "]")) - 1}
    return found


def _sloped(strokes: Sequence[Points], rng: np.random.Generator) -> tuple[Points, ...]:
    """The strokes on a line that is neither level nor straight."""
    points = np.concatenate(list(strokes))
    x = points[:, 0] / _UNIT
    slope, wave = rng.normal(0, (_SLOPE, _WAVE))
    bend = np.sin(x * _BEND + rng.uniform(0, 2 * np.pi))
    points[:, 1] += ((slope * x + wave * bend) * _UNIT).astype(np.float32)
    return tuple(np.split(points, np.cumsum([len(s) for s in strokes])[:-1]))
