"""The hmeg engine: HMEG's networks lay an expression out and paint it. It has no strokes.

Two things are ours and not the networks': neighbours that run into each other are moved apart, and
function names are painted letter by letter, as they were learnt too seldom.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmer_cli.errors import HmerError, InputError, MissingError
from hmer_cli.expr.node import Tree, walk
from hmer_cli.expr.tokens import tokenize
from hmer_cli.expr.tree import parse
from hmer_cli.ink.render import WHITE
from hmer_cli.models.session import Session, open_session
from hmer_cli.synthesis.engine import PADDING, Handwriting
from hmer_cli.synthesis.font import WORD_GAP, WORDS, sample
from hmer_cli.synthesis.graph_arrays import GraphArrays, reach
from hmer_cli.synthesis.separation import Boxes, separate
from hmer_cli.synthesis.symbol_graph import SymbolGraph

METADATA = "hand"
"""The key of the file's metadata under which it says what it knows."""

_FIRST = 2
"""The index of the first token learnt; before it stand the padding and the unknown."""

_HANDS, _TURNS = 0.9, 0.45
"""Latents are drawn nearer to the usual by these factors: what is rare is seldom legible."""

_CONTRAST = 1.7
"""The odds of ink are raised to this power: what the networks are unsure of is grey."""

_NARROW, _HOPELESS = 0.1, 5.0
"""Aspects deviate by so much at least; further off than this, in deviations, all are equal."""

_LEAST = 0.05
"""Neighbours are so far apart at least, in the usual size of a symbol."""

_HABIT = 0.9
"""How far (as a correlation) a writer's symbols of one token are alike."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Networks:
    """A weights file: the session that runs it and what it says of itself.

    ``forms`` (V, K): how often each token is written in each of its forms, ``aspects`` (V, K, 2)
    the mean and the deviation of their width over height, as logarithms. ``unit`` is the usual
    size of a symbol, ``margin`` the white round all, ``edge`` what a box holds beside the pen's
    line, ``pens`` the thinnest and the widest, all in pixels; ``style``, ``hand`` and ``turn`` are
    how many numbers each takes.
    """

    session: Session
    tokens: tuple[str, ...]
    forms: NDArray[np.float64]
    aspects: NDArray[np.float64]
    unit: float
    margin: float
    edge: float
    pens: tuple[float, float]
    style: int
    hand: int
    turn: int

    @classmethod
    def load(cls, path: Path) -> Networks:
        """Raises MissingError where there is no such file or it is no hand."""
        try:
            session = open_session(path)
            said = json.loads(session.get_modelmeta().custom_metadata_map[METADATA])
        except HmerError:
            raise
        except Exception as error:  # ONNX Runtime's own errors share no base class
            raise MissingError(f"{path}: no hand can be read from it", "install again") from error
        tables = np.array(said.pop("forms")), np.array(said.pop("aspects"))
        return cls(session, tuple(said.pop("tokens")), *tables, **said)

    @cached_property
    def index(self) -> Mapping[str, int]:
        """The place of each token."""
        return {token: i for i, token in enumerate(self.tokens)}


@cache
def _networks(path: Path) -> Networks:
    return Networks.load(path)


@dataclass(frozen=True)
class Writer:
    """One writer: what stays the same in all that he paints."""

    seed: int
    style: Floats
    hand: Floats
    pen: float

    @classmethod
    def of(cls, seed: int, known: Networks) -> Writer:
        """The writer with this number."""
        rng = np.random.default_rng(seed)
        style = rng.standard_normal(known.style).astype(np.float32)
        hand = _HANDS * rng.standard_normal(known.hand)
        return cls(seed, style, hand.astype(np.float32), float(rng.uniform(*known.pens)))

    def form(self, token: str, aspect: float, known: Networks) -> tuple[int, Floats]:
        """The form that he gives a token in a box of this width over height, and the turn."""
        rng = np.random.default_rng((self.seed, zlib.crc32(token.encode())))
        mean, spread = known.aspects[known.index[token]].T
        spread = np.maximum(spread, _NARROW)
        off = np.clip((np.log(aspect) - mean) / spread, -_HOPELESS, _HOPELESS)
        shares = known.forms[known.index[token]] * np.exp(-(off**2) / 2) / spread
        form = int(rng.choice(len(shares), p=shares / shares.sum()))
        return form, rng.standard_normal(known.turn).astype(np.float32)


class HmegEngine:
    """Paints: symbol graph -> layout -> masks -> image (Gao, Chen et al., CVPR 2024)."""

    def __init__(self, weights: Path) -> None:
        self._weights = weights

    def check(self, label: str) -> None:
        """Raises InputError for what the networks have not learnt; MissingError without them."""
        self._tree(label)

    def write(self, label: str, style: int, rng: np.random.Generator) -> Handwriting:
        """The label in one hand, its symbols about 24 pixels large."""
        tree, known = self._tree(label), _networks(self._weights)
        graph, writer = SymbolGraph.of(tree), Writer.of(style, known)
        (boxes,) = known.session.run(["boxes"], self._blank(graph, writer, known))
        boxes = separate(tree, cornered(boxes), _LEAST)
        placed, shape = on_canvas(boxes, writer.pen, known)
        signs, at = spelled(graph.symbols, placed, known)
        feed = self._blank(SymbolGraph(signs, np.zeros((len(signs),) * 2, np.int8)), writer, known)
        feed |= self._forms(signs, writer, known, at, rng)
        feed |= {"placed": at, "ys": _centres(shape[0]), "xs": _centres(shape[1])}
        (ink,) = known.session.run(["ink"], feed)
        ink = np.clip(ink.astype(np.float64), 0, 1)
        ink, paper = ink**_CONTRAST, (1 - ink) ** _CONTRAST
        image = np.round(WHITE * paper / (ink + paper)).astype(np.uint8)
        return trimmed(label, image, graph.symbols, placed)

    def _tree(self, label: str) -> Tree:
        tree, known = parse(tokenize(label)), _networks(self._weights).index
        for node in walk(tree):
            symbol = node.symbol
            if symbol not in known:
                what = symbol or "an empty group"
                raise InputError(f"{what}: the hmeg engine has not learnt it", "use --engine ink")
        if not tree:
            raise InputError("nothing to write", "give an expression")
        return tree

    def _forms(
        self,
        signs: Sequence[str],
        writer: Writer,
        known: Networks,
        placed: Floats,
        rng: np.random.Generator,
    ) -> dict[str, NDArray[Any]]:
        """How each symbol is written in its box: the inputs that say so."""
        aspects = ((placed[:, 2] - placed[:, 0]) / (placed[:, 3] - placed[:, 1])).tolist()
        ways = [writer.form(t, a, known) for t, a in zip(signs, aspects, strict=True)]
        chance = rng.standard_normal((len(ways), known.turn))
        turns = _HABIT * np.stack([turn for _, turn in ways]) + (1 - _HABIT**2) ** 0.5 * chance
        return {
            "forms": np.array([form for form, _ in ways], np.int64),
            "turns": (_TURNS * turns).astype(np.float32),
        }

    def _blank(
        self, graph: SymbolGraph, writer: Writer, known: Networks
    ) -> dict[str, NDArray[Any]]:
        """All inputs of the networks, where nothing is painted yet."""
        size, wiring = len(graph.symbols), GraphArrays.of(graph)
        return {
            "symbols": np.array([_FIRST + known.index[t] for t in graph.symbols], np.int64),
            "relations": graph.relations.astype(np.int64),
            "reaches": reach(size),
            "parents": wiring.parents,
            "beside": wiring.beside,
            "chain": wiring.chain,
            "style": writer.style,
            "placed": np.tile(np.array([0, 0, 8, 8], np.float32), (size, 1)),
            "pen": np.array(writer.pen, np.float32),
            "forms": np.zeros(size, np.int64),
            "hand": writer.hand,
            "turns": np.zeros((size, known.turn), np.float32),
            "ys": _centres(8),
            "xs": _centres(8),
        }


def cornered(boxes: NDArray[np.floating]) -> Boxes:
    """Left edge, middle, width, height -> left, top, right, bottom."""
    x, y, w, h = boxes.T.astype(float)
    return np.stack([x, y - h / 2, x + w, y + h / 2], axis=1)


def on_canvas(boxes: Boxes, pen: float, known: Networks) -> tuple[Floats, tuple[int, int]]:
    """Corners in symbols -> those in pixels, with room for the pen; the canvas's shape."""
    corners = boxes * known.unit
    corners += known.margin - np.tile(corners[:, :2].min(axis=0), 2)
    room = pen / 2 + known.edge
    corners += np.array([-room, -room, room, room])
    right, bottom = corners[:, 2:].max(axis=0) + known.margin
    return corners.astype(np.float32), (8 * -int(-bottom // 8), 8 * -int(-right // 8))


def spelled(
    symbols: Sequence[str], placed: Floats, known: Networks
) -> tuple[tuple[str, ...], Floats]:
    """What is painted where: the letters of function names, each in its part of the box."""
    signs: list[str] = []
    boxes: list[Floats] = []
    for symbol, box in zip(symbols, placed, strict=True):
        letters = WORDS.get(symbol, "")
        if letters and known.index.keys() >= set(letters):
            signs += letters
            boxes.append(_parts(letters, box))
        else:
            signs.append(symbol)
            boxes.append(box[None])
    return tuple(signs), np.concatenate(boxes)


def _parts(letters: str, box: Floats) -> Floats:
    """Where the letters of a word stand in its box, as they do in our font: (N, 4)."""
    glyphs = [sample(letter) for letter in letters]
    steps = np.cumsum([0.0] + [glyph.width + WORD_GAP for glyph in glyphs])
    parts = np.array(
        [(x, g.box[1], x + g.width, g.box[3]) for x, g in zip(steps, glyphs, strict=False)]
    )
    low, high = parts[:, :2].min(axis=0), parts[:, 2:].max(axis=0)
    scale = (box[2:] - box[:2]) / (high - low)
    return ((parts - np.tile(low, 2)) * np.tile(scale, 2) + np.tile(box[:2], 2)).astype(np.float32)


def trimmed(
    label: str, image: NDArray[np.uint8], symbols: tuple[str, ...], placed: Floats
) -> Handwriting:
    """The painted image with as much white round its boxes as the other engine leaves."""
    image = np.pad(image, PADDING, constant_values=WHITE)
    low = np.floor(placed[:, :2].min(axis=0)).astype(int)
    high = np.ceil(placed[:, 2:].max(axis=0)).astype(int) + 2 * PADDING
    image = np.ascontiguousarray(image[low[1] : high[1], low[0] : high[0]])
    at = placed.astype(float) + PADDING - np.tile(low, 2)
    boxes = tuple(
        (symbol, (float(x0), float(y0), float(x1), float(y1)))
        for symbol, (x0, y0, x1, y1) in zip(symbols, at, strict=True)
    )
    return Handwriting(label, image, boxes)


def _centres(length: int) -> Floats:
    return np.arange(length, dtype=np.float32) + np.float32(0.5)
