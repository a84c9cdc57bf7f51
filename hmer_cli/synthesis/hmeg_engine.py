"""The hmeg engine: HMEG's networks predict boxes and generate pixels; there are no strokes.

Input: a label and the number of a writer. Output: a `Handwriting` without ink. Method: symbol graph
-> layout network -> soft masks -> image generator (Gao, Chen et al., CVPR 2024). Added to the
paper: overlapping neighbours are separated (`separation`), and function names are generated letter
by letter, as they are rare in the training set.
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
"""The key of the file's metadata that holds the fields of `Networks` as JSON."""

_FIRST = 2
"""The index of the first token; 0 is padding, 1 an unknown token."""

_TRUNCATION, _TURN_TRUNCATION = 0.9, 0.45
"""Truncation of the latents (as a factor): samples far from the mean are often illegible."""

_CONTRAST = 1.7
"""Exponent on the odds of ink: sharpens pixels that the generator left grey."""

_NARROW, _HOPELESS = 0.1, 5.0
"""Lower bound of the deviation of log aspects, and clipping of their z-score."""

_LEAST = 0.05
"""The least gap between neighbours, in the usual size of a symbol."""

_HABIT = 0.9
"""Correlation of the latents of a writer's symbols of one token."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Networks:
    """A weights file: its session and its metadata.

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
        """Open a weights file; raises MissingError if there is none, or it is of another kind."""
        try:
            session = open_session(path)
            metadata = json.loads(session.get_modelmeta().custom_metadata_map[METADATA])
        except HmerError:
            raise
        except Exception as error:  # ONNX Runtime's own errors share no base class
            raise MissingError(
                f"{path}: is no generator of handwriting", "install again"
            ) from error
        tables = np.array(metadata.pop("forms")), np.array(metadata.pop("aspects"))
        return cls(session, tuple(metadata.pop("tokens")), *tables, **metadata)

    @cached_property
    def index(self) -> Mapping[str, int]:
        """The place of each token."""
        return {token: i for i, token in enumerate(self.tokens)}


@cache
def _networks(path: Path) -> Networks:
    return Networks.load(path)


@dataclass(frozen=True)
class Writer:
    """One writer: the latents that are constant over all symbols, and the pen in pixels."""

    seed: int
    style: Floats
    hand: Floats
    pen: float

    @classmethod
    def of(cls, seed: int, known: Networks) -> Writer:
        """The writer with this number."""
        rng = np.random.default_rng(seed)
        style = rng.standard_normal(known.style).astype(np.float32)
        hand = _TRUNCATION * rng.standard_normal(known.hand)
        return cls(seed, style, hand.astype(np.float32), float(rng.uniform(*known.pens)))

    def form(self, token: str, aspect: float, known: Networks) -> tuple[int, Floats]:
        """Index of the form that the writer gives a token in a box of this aspect; its latent."""
        rng = np.random.default_rng((self.seed, zlib.crc32(token.encode())))
        mean, spread = known.aspects[known.index[token]].T
        spread = np.maximum(spread, _NARROW)
        off = np.clip((np.log(aspect) - mean) / spread, -_HOPELESS, _HOPELESS)
        shares = known.forms[known.index[token]] * np.exp(-(off**2) / 2) / spread
        form = int(rng.choice(len(shares), p=shares / shares.sum()))
        return form, rng.standard_normal(known.turn).astype(np.float32)


class HmegEngine:
    """Symbol graph -> layout -> masks -> image (Gao, Chen et al., CVPR 2024)."""

    def __init__(self, weights: Path) -> None:
        self._weights = weights

    def check(self, label: str) -> None:
        """Raise InputError for tokens not in the training set, MissingError without weights."""
        self._tree(label)

    def write(self, label: str, style: int, rng: np.random.Generator) -> Handwriting:
        """The label in the style of one writer, its symbols about 24 pixels large."""
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
        """The network inputs that choose how each symbol is written in its box."""
        aspects = ((placed[:, 2] - placed[:, 0]) / (placed[:, 3] - placed[:, 1])).tolist()
        forms = [writer.form(t, a, known) for t, a in zip(signs, aspects, strict=True)]
        chance = rng.standard_normal((len(forms), known.turn))
        turns = _HABIT * np.stack([turn for _, turn in forms]) + (1 - _HABIT**2) ** 0.5 * chance
        return {
            "forms": np.array([form for form, _ in forms], np.int64),
            "turns": (_TURN_TRUNCATION * turns).astype(np.float32),
        }

    def _blank(
        self, graph: SymbolGraph, writer: Writer, known: Networks
    ) -> dict[str, NDArray[Any]]:
        """All inputs of the networks, with placeholders for those of the generator."""
        size, arrays = len(graph.symbols), GraphArrays.of(graph)
        return {
            "symbols": np.array([_FIRST + known.index[t] for t in graph.symbols], np.int64),
            "relations": graph.relations.astype(np.int64),
            "reaches": reach(size),
            "parents": arrays.parents,
            "beside": arrays.beside,
            "chain": arrays.chain,
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
    """(N, 4) left edge, y of the middle, width, height -> left, top, right, bottom."""
    x, y, w, h = boxes.T.astype(float)
    return np.stack([x, y - h / 2, x + w, y + h / 2], axis=1)


def on_canvas(boxes: Boxes, pen: float, known: Networks) -> tuple[Floats, tuple[int, int]]:
    """Boxes in symbol sizes -> boxes in pixels, grown by the pen; and the canvas's (H, W)."""
    corners = boxes * known.unit
    corners += known.margin - np.tile(corners[:, :2].min(axis=0), 2)
    room = pen / 2 + known.edge
    corners += np.array([-room, -room, room, room])
    right, bottom = corners[:, 2:].max(axis=0) + known.margin
    return corners.astype(np.float32), (8 * -int(-bottom // 8), 8 * -int(-right // 8))


def spelled(
    symbols: Sequence[str], placed: Floats, known: Networks
) -> tuple[tuple[str, ...], Floats]:
    """Symbols and boxes with function names split into letters."""
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
    """The boxes (N, 4) of the letters of a word in its box, as in the stroke font."""
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
    """The image cropped to its boxes plus PADDING."""
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
