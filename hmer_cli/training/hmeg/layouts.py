"""CROHME's segmented symbols -> layouts: symbol graphs with a box for every symbol.

Input: labelled ink. Output: pairs of `SymbolGraph` and boxes (N, 4).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hmer_cli.expr.tree import LabelError, parse, to_tokens
from hmer_cli.ink.ink import Ink
from hmer_cli.synthesis.symbol_graph import CELL, SymbolGraph
from hmer_cli.training.compose.examples import example

_THINNEST = 0.05
_SESSION = re.compile(r"(\d{6,7}-\d+)-\d+$")


@dataclass(frozen=True)
class Layout:
    """A symbol graph and the boxes of its symbols, by one writer.

    ``boxes`` (N, 4) float32: left edge, middle (y down), width, height; the first symbol's left
    edge and middle are 0, the geometric mean of the symbols' longer sides is 1.
    """

    graph: SymbolGraph
    boxes: NDArray[np.float32]
    writer: str = ""

    @classmethod
    def of(cls, graph: SymbolGraph, corners: NDArray[np.floating], writer: str = "") -> Layout:
        """The layout of boxes as left, top, right, bottom in any unit."""
        sides = corners[:, 2:] - corners[:, :2]
        unit = max(float(np.exp(np.log(np.maximum(sides.max(1), 1e-6)).mean())), 1e-6)
        middle = (corners[:, 1] + corners[:, 3]) / 2
        place = np.stack([corners[:, 0], middle], axis=1)
        boxes = np.concatenate([(place - place[0]) / unit, sides / unit], axis=1)
        boxes[:, 2:] = np.maximum(boxes[:, 2:], _THINNEST)
        return cls(graph, boxes.astype(np.float32), writer)


def corners(boxes: NDArray[np.floating]) -> NDArray[np.float64]:
    """Left edge, middle, width, height -> left, top, right, bottom; (N, 4) both."""
    x, y, w, h = np.asarray(boxes, np.float64).T
    return np.stack([x, y - h / 2, x + w, y + h / 2], axis=1)


def layout_of(ink: Ink) -> Layout | None:
    """The layout of a labelled ink; None where its symbols and its label do not agree."""
    made = example(ink, ink.label or "")
    if made.places is None or not made.symbols:
        return None
    try:
        tree = parse(made.tokens)
    except LabelError:
        return None
    graph = SymbolGraph.of(tree)
    fits = len(graph.symbols) == len(made.symbols) and tuple(to_tokens(tree)) == made.tokens
    if not fits or CELL in graph.symbols or "" in graph.symbols:
        return None
    boxes = np.array([ink.box(members) for members in made.symbols], np.float64)
    return Layout.of(graph, boxes, writer_of(ink))


def layouts_of(inks: Iterable[Ink], most: int = 40) -> list[Layout]:
    """The layouts of all inks that have one, of at most so many symbols."""
    found = (layout_of(ink) for ink in inks)
    return [layout for layout in found if layout and 1 < len(layout.boxes) <= most]


def writer_of(ink: Ink) -> str:
    """Who wrote it, by the file's annotation; MathBrush has none and is told by its sessions."""
    writer = ink.annotations.get("writer", "")
    session = _SESSION.match(ink.name)
    return session[1] if session and not writer else writer or ink.name


def held_out(writer: str, share: int = 10) -> bool:
    """Whether a writer is one of the tenth that nothing is learnt from."""
    return zlib.crc32(writer.encode()) % share == 0


def stacked(layouts: Sequence[Layout]) -> Tensor:
    """The boxes of a batch, (B, N, 4), 0 in the padding."""
    return torch.nn.utils.rnn.pad_sequence(
        [torch.from_numpy(layout.boxes) for layout in layouts], batch_first=True
    )
