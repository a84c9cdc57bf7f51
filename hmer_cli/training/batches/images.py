"""Examples -> batches of images and targets, bucketed by height and width.

Input: examples with strokes or images. Output: `Batch`, images (B, C, H, W) with labels, symbol
cells and their order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hmer_cli.ink.motion import CHANNELS, TURNS, Motion, motion
from hmer_cli.ink.render import draw
from hmer_cli.recognition.prepare import LONGEST, TALLEST, brighten
from hmer_cli.recognition.scale import CELL, MIN_WIDTH, PADDING, SLOT, SYMBOL, symbol_size
from hmer_cli.recognition.units import Units, frames_needed
from hmer_cli.training.augment.camera import Warp, degrade, prepared
from hmer_cli.training.augment.ink import Points, Spread, augment
from hmer_cli.training.batches.targets import Targets, shifted
from hmer_cli.training.compose import subexpressions
from hmer_cli.training.compose.examples import (
    UNTIED,
    Centres,
    Example,
    ImageExample,
    written_tokens,
)
from hmer_cli.training.compose.recompose import Invention
from hmer_cli.training.recipe import Drawing, Recomposition

Item = TypeVar("Item")

UNKNOWN = -1
"""Target of a cell whose content is unknown; ignored by losses."""

_OWN = 0.1  # convention
"""Share of own examples beside synthetic ones, where nothing else is learnt from."""

_FINEST, _BILEVEL_PEN = 2.2, (2.0, 4.5)
"""Largest scale of bilevel images before they are shrunk; range of their pen widths in pixels."""

_TURNED = 0.03
"""Share of strokes whose direction is reversed."""

_BUCKET = 32
"""Images whose heights round up to the same multiple share batches."""


@dataclass(frozen=True)
class Drawn:
    """One training image (H, W) uint8, ink 255 on black, with its targets.

    ``count`` is the number of symbols; ``centres`` is None where they are not known, ``motion``
    where that of the pen is not.
    """

    image: NDArray[np.uint8]
    label: list[int]
    count: int
    centres: Centres | None
    motion: Motion | None = None

    @property
    def infeasible(self) -> bool:
        """Whether the label needs more CTC frames than its symbols give."""
        return frames_needed(self.label) > SLOT * (self.count + 2)

    @property
    def length(self) -> int:
        """The number of frames that the image is given."""
        return max(frames_needed(self.label), SLOT * (self.count + 2))


def measure(strokes: Sequence[Points]) -> float:
    """The typical symbol size of strokes in their units, as measured on their image."""
    points = np.concatenate(list(strokes))
    low, high = points.min(axis=0), points.max(axis=0)
    sides = [float(np.ptp(stroke, axis=0).max()) for stroke in strokes]
    rough = max(float(np.median(sides)), float((high - low).max()) / 60, 1e-6)
    scale = 24 / rough
    width, height = np.ceil((high - low) * scale).astype(int) + 8
    image = 255 - draw([(s - low) * scale + 4 for s in strokes], (int(height), int(width)), 2.0)
    return (symbol_size(image) or 24) / scale


@dataclass(frozen=True)
class Painter:
    """Renders examples as inputs of the CTC model, with or without augmentation."""

    units: Units
    drawing: Drawing
    spread: Spread

    def paint(self, example: Example, progress: float, rng: np.random.Generator) -> Drawn:
        """One augmented image of the example, at the symbol size for this progress of the run.

        Examples without strokes are only scaled.
        """
        grown = min(1.0, progress / self.drawing.grown)
        symbol = self.drawing.small + (SYMBOL - self.drawing.small) * grown
        symbol *= float(np.exp(rng.normal(0, self.drawing.zoom)))
        if example.image is not None:
            return self._shown(example, example.image, symbol)
        size = measure(example.strokes)
        strokes = augment(example.strokes, example.symbols, size, rng, self.spread)
        pen = float(rng.uniform(*self.drawing.pen))
        margins = PADDING + rng.integers(-3, 6, 4)
        strokes, shape = placed(strokes, symbol / measure(strokes), margins)
        chance = rng.random() - self.drawing.degraded
        moved = None
        if chance < 0:
            warp = Warp.sample(shape, rng, self.drawing.degradation)
            strokes = [warp.points(stroke) for stroke in strokes]
            image = prepared(degrade(draw(strokes, warp.shape, pen), rng, self.drawing.degradation))
        elif chance < self.drawing.bilevel:
            image = bilevel(strokes, shape, rng)
        else:
            image = 255 - draw(strokes, shape, pen)
            if chance < self.drawing.bilevel + self.drawing.moved:
                moved = motion(turned(strokes, rng), shape, pen, int(rng.integers(TURNS)))
        return self._drawn(example, image, _centres(example, strokes), moved)

    def still(self, example: Example, symbol: float = SYMBOL, pen: float = 2.0) -> Drawn:
        """The example without augmentation."""
        if example.image is not None:
            return self._shown(example, example.image, symbol)
        scale = symbol / measure(example.strokes)
        strokes, shape = placed(example.strokes, scale, np.full(4, PADDING))
        image, moved = 255 - draw(strokes, shape, pen), motion(strokes, shape, pen)
        return self._drawn(example, image, _centres(example, strokes), moved)

    def _shown(self, example: Example, shown: ImageExample, symbol: float) -> Drawn:
        image, scale = resized(shown.pixels, symbol / SYMBOL)
        centres = shown.centres and [(y * scale, x * scale, token) for y, x, token in shown.centres]
        return self._drawn(example, image, centres)

    def _drawn(
        self,
        example: Example,
        image: NDArray[np.uint8],
        centres: Centres | None,
        moved: Motion | None = None,
    ) -> Drawn:
        label = self.units.encode(example.tokens)
        return Drawn(image, label, sum(written_tokens(example.tokens)), centres, moved)


def chosen(
    example: Example, drawing: Drawing, progress: float, rng: np.random.Generator
) -> Example:
    """The example itself, or a sub-expression of it."""
    first, last = drawing.parts
    grown = min(1.0, progress / drawing.grown)
    if rng.random() < first + (last - first) * grown:
        return example.part(subexpressions.sample(example.tokens, rng)) or example
    return example


def turned(strokes: Sequence[Points], rng: np.random.Generator) -> list[Points]:
    """Strokes, a few of them with reversed direction."""
    return [stroke[::-1] if rng.random() < _TURNED else stroke for stroke in strokes]


def bilevel(
    strokes: Sequence[Points], shape: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Strokes as in a bilevel image after preparation: jagged lines of any width, shrunk.

    The result (H, W) has ink 255.
    """
    finer = float(np.exp(rng.uniform(0, np.log(_FINEST))))
    larger = round(shape[0] * finer), round(shape[1] * finer)
    image = draw([stroke * finer for stroke in strokes], larger, rng.uniform(*_BILEVEL_PEN))
    ink = np.where(image < 128, 255, 0).astype(np.uint8)
    small = cv2.resize(ink, shape[::-1], interpolation=cv2.INTER_AREA)
    return brighten(np.asarray(small, np.uint8))


def resized(ink: NDArray[np.uint8], scale: float) -> tuple[NDArray[np.uint8], float]:
    """Ink (H, W), bright on black, scaled with its contrast restored; and the actual scale."""
    height, width = ink.shape
    scale = min(scale, LONGEST / width, TALLEST / height)
    shape = max(1, round(width * scale)), max(1, round(height * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    image = brighten(np.asarray(cv2.resize(ink, shape, interpolation=method), np.uint8))
    return np.pad(image, ((0, 0), (0, max(0, MIN_WIDTH - image.shape[1])))), scale


def placed(
    strokes: Sequence[Points], scale: float, margins: NDArray[np.int64]
) -> tuple[list[Points], tuple[int, int]]:
    """Strokes in pixels and the shape (H, W) of the paper; margins are left, top, right, bottom."""
    points = np.concatenate(list(strokes))
    low, high = points.min(axis=0), points.max(axis=0)
    extent = np.maximum(high - low, 1e-6)
    scale = min(scale, LONGEST / float(extent[0]), TALLEST / float(extent[1]))
    width, height = (int(n) for n in np.ceil(extent * scale) + margins[:2] + margins[2:])
    return [(s - low) * scale + margins[:2] for s in strokes], (height, max(width, MIN_WIDTH))


def _centres(example: Example, strokes: Sequence[Points]) -> Centres | None:
    if example.places is None:
        return None
    centres = []
    for token, place in zip(example.tokens, example.places, strict=True):
        if place != UNTIED:
            ink = np.concatenate([strokes[i] for i in example.symbols[place]])
            x, y = (ink.min(axis=0) + ink.max(axis=0)) / 2
            centres.append((float(y), float(x), token))
    return centres


@dataclass(frozen=True)
class Batch(Targets):
    """Tensors ready for the model; see `hmer_cli.networks.ctc_model` for the letters.

    Attributes:
        images: (B, 1, H, W) uint8, ink 255.
        motion: (B, 4, H, W) int8, see `hmer_cli.ink.motion`; 0 if unknown.
        sizes: (B, 2) rows and columns in cells.
        cells: (B, h, w) int64, the symbol whose centre is there, 0 for none; UNKNOWN around
            centres, which are not exact.
        order: (B, K) int64, cells of the symbols in the order of the label, padded with UNKNOWN.
        length: number of CTC frames.
    """

    images: Tensor
    motion: Tensor
    sizes: Tensor
    cells: Tensor
    order: Tensor
    length: int

    def given(self, channels: int) -> Tensor:
        """The first ``channels`` input channels of the model, (B, C, H, W), at most 1."""
        images = self.images.float() / 255
        if channels > 1:
            images = torch.cat([images, self.motion.float() / 127], dim=1)
        return images.to(memory_format=torch.channels_last)


def collate(drawn: Sequence[Drawn], symbols: Mapping[str, int]) -> Batch:
    """Pad to the largest: heights to a multiple of two cells, widths of one."""
    height = max(-(-d.image.shape[0] // (2 * CELL)) * 2 * CELL for d in drawn)
    width = max(-(-d.image.shape[1] // CELL) * CELL for d in drawn)
    images = np.zeros((len(drawn), 1, height, width), np.uint8)
    motions = np.zeros((len(drawn), CHANNELS, height, width), np.int8)
    cells = np.zeros((len(drawn), height // CELL, width // CELL), np.int64)
    sizes = np.zeros((len(drawn), 2), np.int64)
    order = np.full((len(drawn), max(len(d.centres or ()) for d in drawn)), UNKNOWN, np.int64)
    for i, d in enumerate(drawn):
        h, w = d.image.shape
        images[i, 0, :h, :w] = d.image
        if d.motion is not None:
            motions[i, :, :h, :w] = d.motion
        sizes[i] = -(-h // CELL), -(-w // CELL)
        if d.centres is None:
            cells[i] = UNKNOWN
        places = [(int(y) // CELL, int(x) // CELL, token) for y, x, token in d.centres or ()]
        for y, x, _ in places:
            cells[i, max(0, y - 1) : y + 2, max(0, x - 1) : x + 2] = UNKNOWN
        for y, x, token in places:
            cells[i, y, x] = symbols[token]
        order[i, : len(places)] = [y * cells.shape[2] + x for y, x, _ in places]
    before, after, lengths = shifted([d.label for d in drawn])
    return Batch(
        before,
        after,
        lengths,
        sum(d.infeasible for d in drawn),
        torch.from_numpy(images),
        torch.from_numpy(motions),
        torch.from_numpy(sizes),
        torch.from_numpy(cells),
        torch.from_numpy(order),
        max(d.length for d in drawn),
    )


def bucketed(drawn: Sequence[Drawn], pixels: int) -> list[list[Drawn]]:
    """Groups of similar height and width whose padded size is about ``pixels``."""
    groups: list[list[Drawn]] = [[]]
    high = wide = 0
    for d in sorted(drawn, key=lambda d: (-(-d.image.shape[0] // _BUCKET), d.image.shape[1])):
        high, wide = max(high, d.image.shape[0]), max(wide, d.image.shape[1])
        if groups[-1] and (len(groups[-1]) + 1) * high * wide > pixels:
            groups.append([])
            high, wide = d.image.shape
        groups[-1].append(d)
    return groups


def mixed(
    examples: Sequence[Example],
    invention: Invention | None,
    plan: Recomposition,
    rng: np.random.Generator,
) -> Iterator[Example]:
    """An endless stream of examples: shuffled passes, with synthetic ones between them.

    Without examples all are synthetic; of a plan of synthetic ones alone, the examples, which are
    then those of ``--more``, are a share of _OWN.
    """
    share = 1 - _OWN if plan.alone else plan.share
    while invention is not None and not examples:
        yield invention.sample(rng)
    while examples:
        for i in rng.permutation(len(examples)):
            example = examples[i]
            if invention is not None:
                while rng.random() < share:
                    yield invention.sample(rng)
                if rng.random() < plan.grafted:
                    example = invention.substitution.substituted(example, rng)
            yield example


def stream(
    painter: Painter,
    examples: Iterable[Example],
    symbols: Mapping[str, int],
    progress: Callable[[], float],
    rng: np.random.Generator,
    pixels: int,
    pool: int,
) -> Iterator[Batch]:
    """Batches of about ``pixels`` padded pixels, of similar images out of a ``pool``."""

    def drawn() -> Iterator[Drawn]:
        for example in examples:
            now = progress()
            yield painter.paint(chosen(example, painter.drawing, now, rng), now, rng)

    for group in pooled(drawn(), pool, lambda waiting: bucketed(waiting, pixels)):
        yield collate(group, symbols)


def echoed(items: Iterable[Item], times: int, apart: int) -> Iterator[Item]:
    """Data echoing (Choi et al., 2019): each item ``times`` times, ``apart`` items between."""
    waiting: deque[tuple[Item, int]] = deque()
    for item in items:
        yield item
        waiting.append((item, times - 1))
        while len(waiting) > apart:
            again, left = waiting.popleft()
            if left:
                yield again
                waiting.append((again, left - 1))


def pooled(
    drawn: Iterable[Item], pool: int, grouped: Callable[[list[Item]], list[list[Item]]]
) -> Iterator[list[Item]]:
    """Groups of similar items out of a ``pool``.

    The next group is always that of the oldest item, so that none waits for long.
    """
    waiting: list[Item] = []
    for item in drawn:
        waiting.append(item)
        if len(waiting) >= pool:
            group = next(g for g in grouped(waiting) if any(d is waiting[0] for d in g))
            gone = set(map(id, group))
            waiting = [d for d in waiting if id(d) not in gone]
            yield group
