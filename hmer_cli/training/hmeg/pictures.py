"""Training data of HMEG's painter: an image and a texture of every symbol.

Input: labelled ink. Output: batches of images, boxes and textures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hmer_cli.ink.ink import Ink, Stroke
from hmer_cli.ink.render import WHITE, draw
from hmer_cli.networks.hmeg.graphs import UNKNOWN
from hmer_cli.networks.hmeg.painter import EDGE, MARGIN, UNIT
from hmer_cli.networks.hmeg.placement import R, crop
from hmer_cli.training.hmeg.layouts import Layout, layout_of

PENS = (1.6, 2.8)
"""People's pens in pixels: a fifteenth to a ninth of a symbol."""


BENT = r"\sqrt"
_FINE = 2
"""Textures are taken from drawings so many times as large."""


@dataclass(frozen=True)
class Picture:
    """One expression: its layout, and its strokes in pixels of a canvas.

    ``boxes`` (N, 4) float32 are left, top, right, bottom of each symbol with the pen's line;
    ``textures`` (N, R, R) uint8 are the share of ink, 255 for all.
    """

    layout: Layout
    strokes: tuple[tuple[Stroke, ...], ...]
    boxes: NDArray[np.float32]
    textures: NDArray[np.uint8]
    pen: float

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the canvas, multiples of 8."""
        right, bottom = self.boxes[:, 2].max(), self.boxes[:, 3].max()
        return _whole(float(bottom)), _whole(float(right))

    def image(self, shape: tuple[int, int] | None = None) -> NDArray[np.float32]:
        """The share of ink, 0 to 1, on a canvas at least as large as its own."""
        every = [stroke for strokes in self.strokes for stroke in strokes]
        paper = draw(every, shape or self.shape, self.pen)
        return np.asarray(1 - paper / WHITE, np.float32)


def picture_of(ink: Ink, pen: float) -> Picture | None:
    """The picture of a labelled ink whose symbols are known, else None."""
    layout = layout_of(ink)
    if layout is None:
        return None
    whole = np.array([ink.box(symbol.strokes) for symbol in ink.symbols], np.float64)
    sides = (whole[:, 2:] - whole[:, :2]).max(1)
    unit = float(np.exp(np.log(np.maximum(sides, 1e-6)).mean()))
    scale = UNIT / unit
    origin = whole[:, :2].min(0) - MARGIN / scale
    strokes = tuple(
        tuple(((ink.strokes[i] - origin) * scale).astype(np.float32) for i in symbol.strokes)
        for symbol in ink.symbols
    )
    room = pen / 2 + EDGE
    boxes = (whole - np.tile(origin, 2)) * scale + np.array([-room, -room, room, room])
    textures = [
        texture(own, box, pen, symbol == BENT)
        for own, box, symbol in zip(strokes, boxes, layout.graph.symbols, strict=True)
    ]
    return Picture(layout, strokes, boxes.astype(np.float32), np.stack(textures), pen)


def texture(
    strokes: Sequence[Stroke], box: NDArray[np.floating], pen: float, bent: bool
) -> NDArray[np.uint8]:
    """The ink of one symbol, seen in its box: (R, R) uint8."""
    corner = np.floor(box[:2])
    moved = [((stroke - corner) * _FINE).astype(np.float32) for stroke in strokes]
    inner = (box - np.tile(corner, 2)) * _FINE
    shape = (int(np.ceil(inner[3])) + 2, int(np.ceil(inner[2])) + 2)
    ink = torch.from_numpy(255.0 - draw(moved, shape, pen * _FINE).astype(np.float32))
    where = torch.from_numpy(inner[None].astype(np.float32))
    seen = crop(ink[None, None], where, torch.tensor([float(bent)]))[0, 0]
    return np.asarray(seen.round().clamp(0, 255).numpy(), np.uint8)


def pictures_of(inks: Iterable[Ink], most: tuple[int, int, int], seed: int = 0) -> list[Picture]:
    """Pictures of all inks that have one, each in a pen of its own.

    ``most`` are symbols, height and width in pixels; what is larger is left out.
    """
    rng = np.random.default_rng(seed)
    found = []
    for ink in inks:
        one = picture_of(ink, float(rng.uniform(*PENS)))
        if one and len(one.boxes) <= most[0] and one.shape[0] <= most[1]:
            found += [one] if one.shape[1] <= most[2] else []
    return found


@dataclass(frozen=True)
class Symbols:
    """A batch of N symbols of B expressions, not padded.

    textures (N, 1, R, R) of 0 to 1; symbols, owner (N,) int64: the token's index and the
    expression; boxes (N, 4); bent, pens (N,).
    """

    textures: Tensor
    symbols: Tensor
    owner: Tensor
    boxes: Tensor
    bent: Tensor
    pens: Tensor

    @classmethod
    def of(cls, pictures: Sequence[Picture], tokens: Sequence[str]) -> Symbols:
        """The symbols of some pictures; ``tokens`` are the ones learnt."""
        index = {token: i for i, token in enumerate(tokens, start=UNKNOWN + 1)}
        every = [token for one in pictures for token in one.layout.graph.symbols]
        counts = torch.tensor([len(one.boxes) for one in pictures])
        textures = np.concatenate([one.textures for one in pictures])
        return cls(
            torch.from_numpy(textures).view(-1, 1, R, R).float() / 255,
            torch.tensor([index.get(token, UNKNOWN) for token in every]),
            torch.repeat_interleave(torch.arange(len(pictures)), counts),
            torch.from_numpy(np.concatenate([one.boxes for one in pictures])),
            torch.tensor([float(token == BENT) for token in every]),
            torch.repeat_interleave(torch.tensor([one.pen for one in pictures]), counts),
        )


def chances(pictures: Sequence[Picture]) -> NDArray[np.float64]:
    """How likely each picture is taken: rare symbols make theirs more likely, by a square root."""
    counts = Counter(t for one in pictures for t in one.layout.graph.symbols)
    worth = [
        float(np.mean([counts[t] ** -0.5 for t in one.layout.graph.symbols])) for one in pictures
    ]
    return np.array(worth) / sum(worth)


def _whole(length: float) -> int:
    return int(np.ceil((length + MARGIN) / 8)) * 8
