"""The engine protocol, and the ink engine that draws labels with strokes.

Input: a label (space-separated LaTeX tokens), the number of a writer and a random generator.
Output: a `Handwriting`: image, boxes of symbols and, from the ink engine, strokes.
Method of the ink engine: label -> symbol layout tree -> boxes (`layout`) -> strokes of the stroke
font (`font`) -> antialiased image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hmer_cli.errors import InputError
from hmer_cli.expr.commands import GRID_DELIMITERS
from hmer_cli.expr.node import Node, Tree, walk
from hmer_cli.expr.tokens import tokenize
from hmer_cli.expr.tree import parse
from hmer_cli.geometry import Box
from hmer_cli.ink.ink import Ink, Symbol
from hmer_cli.ink.render import Image, draw, fit, legible_size
from hmer_cli.synthesis.font import FontWriter, knows
from hmer_cli.synthesis.glyph import Points
from hmer_cli.synthesis.layout import layout
from hmer_cli.synthesis.layout_statistics import LayoutStyle, learnt
from hmer_cli.synthesis.pen_kinematics import drift
from hmer_cli.synthesis.strokes import fill
from hmer_cli.synthesis.writer_style import WriterStyle

PADDING = 8
"""White around an expression, in pixels."""

_UNIT = 100.0
_DIGITS = 2
_PEN = (1.5, 6.0)
"""The thinnest and the widest pen, in pixels."""  # convention


@dataclass(frozen=True)
class Handwriting:
    """A synthetic handwritten expression.

    ``image`` (H, W) uint8, dark ink on white; ``boxes`` one (token, box in pixels) for every symbol
    with ink, in the order of the label. ``ink`` holds the strokes in pixels and ``pen`` the width
    of their line in pixels; ``ink`` is None from an engine that generates pixels only.
    """

    label: str
    image: Image
    boxes: tuple[tuple[str, Box], ...]
    ink: Ink | None = None
    pen: float = 0.0


class Engine(Protocol):
    """Renders labels as handwriting; equal arguments and ``rng`` state give equal results."""

    def check(self, label: str) -> None:
        """Raise InputError, with the reason, if the engine cannot render the label."""
        ...

    def write(self, label: str, style: int, rng: np.random.Generator) -> Handwriting:
        """The label in the style of writer number ``style``; raises as `check`."""
        ...


class InkEngine:
    """Renders strokes of the stroke font in a layout with CROHME's statistics."""

    def check(self, label: str) -> None:
        """Raise InputError if the font lacks a symbol or the label has none."""
        self._tree(label)

    def write(self, label: str, style: int, rng: np.random.Generator) -> Handwriting:
        """The label in the style of one writer, its symbols about 40 pixels large."""
        writer_style = WriterStyle.of(style)
        strokes, symbols, tokens = inscribe(self._tree(label), writer_style, rng)
        ink = Ink(
            tuple(strokes),
            tuple(Symbol(members, token) for members, token in zip(symbols, tokens, strict=True)),
            label,
            f"${label}$",
        )
        size = legible_size(ink, padding=PADDING)
        x0, y0, x1, y1 = ink.box()
        scale = (size - 2 * PADDING) / max(x1 - x0, y1 - y0, 1e-6)
        return drawn(
            fit(ink, size, PADDING), float(np.clip(writer_style.pen * _UNIT * scale, *_PEN))
        )

    def _tree(self, label: str) -> Tree:
        tree = parse(tokenize(label))
        for node in walk(tree):
            _check(node)
        if not any(_has_ink(node) for node in walk(tree)):
            raise InputError("nothing to write", "give an expression")
        return tree


def inscribe(
    tree: Tree, writer_style: WriterStyle, rng: np.random.Generator
) -> tuple[list[Points], tuple[tuple[int, ...], ...], list[str]]:
    """Strokes, the stroke indices of each symbol, and its token; x height is 100 units.

    Raises KeyError and ValueError as `layout`.
    """
    writer = FontWriter(rng, writer_style)
    marks = layout(
        tree, writer, LayoutStyle(learnt(), rng, dict(writer_style.habits), writer_style.even)
    )
    strokes, symbols = fill(marks, _UNIT)
    phase = rng.uniform(0, 2 * np.pi)
    line = drift(strokes, _UNIT, writer_style.slope, writer_style.wave, phase)
    return line, symbols, [mark.token for mark in marks]


def drawn(ink: Ink, pen: float) -> Handwriting:
    """Draw ink given in pixels with a pen of that width; the boxes include the pen's width."""
    strokes = tuple(np.round(stroke, _DIGITS) for stroke in ink.strokes)
    ink = Ink(strokes, ink.symbols, ink.label, ink.truth)
    _, _, right, bottom = ink.box()
    shape = (int(np.ceil(bottom + PADDING)), int(np.ceil(right + PADDING)))
    boxes = tuple((s.label, _covered(ink, s.strokes, pen)) for s in ink.symbols)
    return Handwriting(ink.label or "", draw(strokes, shape, pen), boxes, ink, pen)


def _covered(ink: Ink, strokes: Sequence[int], pen: float) -> Box:
    x0, y0, x1, y1 = ink.box(strokes)
    return x0 - pen / 2, y0 - pen / 2, x1 + pen / 2, y1 + pen / 2


def _has_ink(node: Node) -> bool:
    """Whether the symbol of a node is drawn; a bare matrix has no delimiters."""
    return bool(node.symbol) and not (node.cells and not any(GRID_DELIMITERS[node.symbol[7:-1]]))


def _check(node: Node) -> None:
    symbol = node.symbol
    if node.cells:
        if symbol[7:-1] not in GRID_DELIMITERS:
            what = "each line by itself" if "aligned" in symbol else "another matrix"
            raise InputError(f"{symbol} is not in the stroke font", f"write {what}")
    elif symbol and not knows(symbol):
        raise InputError(f"{symbol} is not in the stroke font", "leave it out")
