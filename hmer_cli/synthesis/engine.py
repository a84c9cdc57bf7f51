"""Engines: whatever turns a label into handwriting. The ink engine writes with our stroke font."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hmer_cli.errors import InputError
from hmer_cli.expr.node import Node, Tree, walk
from hmer_cli.expr.tokens import tokenize
from hmer_cli.expr.tree import parse
from hmer_cli.ink.ink import Box, Ink, Symbol
from hmer_cli.ink.render import Image, draw, fit, legible_size
from hmer_cli.synthesis.font import FontHand, knows
from hmer_cli.synthesis.glyph import Points
from hmer_cli.synthesis.layout import DELIMITERS, layout
from hmer_cli.synthesis.layout_statistics import LayoutStyle, learnt
from hmer_cli.synthesis.pen_kinematics import drift
from hmer_cli.synthesis.strokes import fill
from hmer_cli.synthesis.writer_style import WriterStyle

PADDING = 8
"""White around an expression, in pixels."""

_UNIT = 100.0
_DIGITS = 2
_PEN = (1.5, 6.0)
"""Pens are never thinner or wider than this, in pixels."""


@dataclass(frozen=True)
class Handwriting:
    """An expression by hand: its image, and a box (pixels of the image) for every sign with ink.

    ``boxes`` are in the order of the label. ``ink`` are the strokes in pixels of the image, with
    its symbols, and ``pen`` the width that they are drawn in; an engine that paints has no ink.
    """

    label: str
    image: Image
    boxes: tuple[tuple[str, Box], ...]
    ink: Ink | None = None
    pen: float = 0.0


class Engine(Protocol):
    """Writes labels; the same arguments and the same state of ``rng`` give the same handwriting."""

    def check(self, label: str) -> None:
        """Raises InputError, with the reason, where the engine cannot write the label."""
        ...

    def write(self, label: str, style: int, rng: np.random.Generator) -> Handwriting:
        """The label in the hand of the writer with the number ``style``; raises as `check`."""
        ...


class InkEngine:
    """Writes with strokes: the font of our own in a layout as people's is."""

    def check(self, label: str) -> None:
        """Raises InputError where the font lacks a sign or nothing is written."""
        self._tree(label)

    def write(self, label: str, style: int, rng: np.random.Generator) -> Handwriting:
        """The label in one hand, its symbols about 40 pixels large."""
        manner = WriterStyle.of(style)
        strokes, symbols, tokens = inscribe(self._tree(label), manner, rng)
        ink = Ink(
            tuple(strokes),
            tuple(Symbol(members, token) for members, token in zip(symbols, tokens, strict=True)),
            label,
            f"${label}$",
        )
        size = legible_size(ink, padding=PADDING)
        x0, y0, x1, y1 = ink.box()
        scale = (size - 2 * PADDING) / max(x1 - x0, y1 - y0, 1e-6)
        return drawn(fit(ink, size, PADDING), float(np.clip(manner.pen * _UNIT * scale, *_PEN)))

    def _tree(self, label: str) -> Tree:
        tree = parse(tokenize(label))
        for node in walk(tree):
            _check(node)
        if not any(node.symbol for node in walk(tree)):
            raise InputError("nothing to write", "give an expression")
        return tree


def inscribe(
    tree: Tree, manner: WriterStyle, rng: np.random.Generator
) -> tuple[list[Points], tuple[tuple[int, ...], ...], list[str]]:
    """Strokes, the strokes of each sign and its token, where an x is 100 units high.

    Raises KeyError and ValueError as `layout`.
    """
    hand = FontHand(rng, manner)
    marks = layout(tree, hand, LayoutStyle(learnt(), rng, dict(manner.habits), manner.even))
    strokes, symbols = fill(marks, _UNIT)
    phase = rng.uniform(0, 2 * np.pi)
    line = drift(strokes, _UNIT, manner.slope, manner.wave, phase)
    return line, symbols, [mark.token for mark in marks]


def drawn(ink: Ink, pen: float) -> Handwriting:
    """The image of ink in pixels, in a pen of that width, with the boxes of what the pen covers."""
    strokes = tuple(np.round(stroke, _DIGITS) for stroke in ink.strokes)
    ink = Ink(strokes, ink.symbols, ink.label, ink.truth)
    _, _, right, bottom = ink.box()
    shape = (int(np.ceil(bottom + PADDING)), int(np.ceil(right + PADDING)))
    boxes = tuple((s.label, _covered(ink, s.strokes, pen)) for s in ink.symbols)
    return Handwriting(ink.label or "", draw(strokes, shape, pen), boxes, ink, pen)


def _covered(ink: Ink, strokes: Sequence[int], pen: float) -> Box:
    x0, y0, x1, y1 = ink.box(strokes)
    return x0 - pen / 2, y0 - pen / 2, x1 + pen / 2, y1 + pen / 2


def _check(node: Node) -> None:
    symbol = node.symbol
    if node.cells:
        if symbol[7:-1] not in DELIMITERS:
            raise InputError(f"{symbol} is no sign of the hand", "write another matrix")
    elif symbol and not knows(symbol):
        raise InputError(f"{symbol} is no sign of the hand", "leave it out")
