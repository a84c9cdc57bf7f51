"""Examples of lines of text -> batches of features.

Features are those of ink as it was written, or of the skeletons of rendered images.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hmer_cli.ink.ink import Stroke
from hmer_cli.ink.render import draw
from hmer_cli.ink.skeleton import skeleton
from hmer_cli.recognition.line_features import line_features, unit_of
from hmer_cli.recognition.units import Units, frames_needed
from hmer_cli.training.augment.ink import affine
from hmer_cli.training.batches.targets import Targets, shifted
from hmer_cli.training.compose.examples import Example, ImageExample
from hmer_cli.training.compose.lines import Composer

STRIDE = 4
"""Points per CTC frame."""

_X_HEIGHT, _PEN = (9.0, 26.0), (0.08, 0.4)
"""Ranges of the unit (x height) in pixels of images, and of the pen width in units."""

_STILL = 18.0, 0.16
"""The same for validation images, fixed."""

_ROOM = 8
_STRETCH, _SHEAR, _ROTATION, _WOBBLE, _ZOOM = 0.12, 0.2, 0.015, 0.06, 0.1
"""Augmentation: standard deviations, as those of `augment.ink.Spread`."""

Features = NDArray[np.float32]


@dataclass(frozen=True)
class Lines(Targets):
    """features (B, T, FEATURES), zeros beyond the end of each."""

    features: Tensor


def image_example(example: Example) -> Example:
    """The example rendered: an image in place of its strokes."""
    return Example((), example.tokens, image=ImageExample(_drawn(example.strokes, *_STILL)))


def still(example: Example) -> Features:
    """Features (T, FEATURES) of an example without augmentation."""
    if example.image is None:
        return line_features(example.strokes)
    return _of_skeleton((example.image.pixels > 127).astype(np.uint8), example.strokes, 1.0)


def jittered(example: Example, images: float, rng: np.random.Generator) -> Features:
    """Features (T, FEATURES) of an augmented example; a share ``images`` is rendered first."""
    unit = unit_of(example.strokes)
    points = np.concatenate(example.strokes)
    ends = np.cumsum([len(s) for s in example.strokes])
    points = affine(points, points.mean(axis=0), rng, _STRETCH, _ROTATION, _SHEAR)
    strokes = np.split(points + _bends(ends, _WOBBLE * unit, rng), ends[:-1])
    zoom = float(np.exp(rng.normal(0, _ZOOM)))
    if rng.random() >= images:
        return line_features(strokes, zoom=zoom)
    size = float(np.exp(rng.uniform(*np.log(_X_HEIGHT))))
    ink = _drawn(strokes, size, float(rng.uniform(*_PEN)))
    return _of_skeleton(_worn(ink, rng), strokes, zoom)


def _bends(ends: NDArray[np.intp], size: float, rng: np.random.Generator) -> Features:
    """Smooth noise (P, 2) along strokes with these ends, as by `augment.ink.wobble`."""
    count = np.diff(ends, prepend=0)
    owner = np.repeat(np.arange(len(ends)), count)
    share = (np.arange(ends[-1]) - (ends - count)[owner]) / np.maximum(count - 1, 1)[owner]
    waves = np.stack([np.ones_like(share), np.cos(np.pi * share), np.cos(2 * np.pi * share)])
    bends = rng.normal(0, size / 2, (len(ends), 2, 3))
    return np.einsum("pac,cp->pa", bends[owner], waves).astype(np.float32)


def _drawn(strokes: Sequence[Stroke], size: float, pen: float) -> NDArray[np.uint8]:
    """Image (H, W), bright on black: ``size`` pixels per unit, a pen ``pen`` units wide."""
    scale = size / unit_of(strokes)
    points = np.concatenate(list(strokes))
    low, extent = points.min(axis=0), np.ptp(points, axis=0) * scale
    width, height = np.ceil(extent + 2 * _ROOM).astype(int).tolist()
    placed = [((s - low) * scale + _ROOM).astype(np.float32) for s in strokes]
    return np.asarray(255 - draw(placed, (height, width), max(1.2, size * pen)))


def _worn(ink: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A binary mask of the ink with rough edges and random line width."""
    soft = cv2.GaussianBlur(ink, (0, 0), float(rng.uniform(0.3, 1.2)))
    noise = rng.normal(0, float(rng.uniform(0, 40)), ink.shape).astype(np.float32)
    grain = cv2.GaussianBlur(noise, (0, 0), 0.8)
    return (soft + grain > rng.uniform(70, 150)).astype(np.uint8)


def _of_skeleton(mask: NDArray[np.uint8], strokes: Sequence[Stroke], zoom: float) -> Features:
    """Features of the skeleton of a mask; of the strokes if no skeleton is left."""
    found = skeleton(mask)
    if found is None or not found.strokes:
        return line_features(strokes, zoom=zoom)
    return line_features(found.strokes, skeleton=True, zoom=zoom)


@dataclass(frozen=True)
class LineBatches:
    """Examples -> batches of at most ``points`` points, grouped by length.

    ``pool`` examples are sorted at a time and shown ``shown`` times; ``images`` is the share that
    is rendered.
    """

    units: Units
    points: int
    pool: int
    images: float
    shown: int

    def batches(self, examples: Iterable[Example], rng: np.random.Generator) -> Iterator[Lines]:
        """Batches of augmented lines until the examples end."""
        pool: list[tuple[Features, list[int]]] = []
        for example in Composer(rng).composed(examples):
            label = self.units.encode(example.tokens)
            pool.append((jittered(example, self.images, rng), label))
            if len(pool) == self.pool:
                for _ in range(self.shown):
                    groups = list(self._groups(pool))
                    for i in rng.permutation(len(groups)):
                        yield self._batch([pool[k] for k in groups[i]])
                pool = []

    def validation_batches(self, examples: Sequence[Example]) -> Iterator[tuple[list[int], Lines]]:
        """Validation batches: every example without augmentation, with its index."""
        drawn = [(still(e), self.units.encode(e.tokens)) for e in examples]
        for group in self._groups(drawn):
            yield group, self._batch([drawn[k] for k in group])

    def _groups(self, drawn: Sequence[tuple[Features, list[int]]]) -> Iterator[list[int]]:
        order = sorted(range(len(drawn)), key=lambda i: len(drawn[i][0]))
        group: list[int] = []
        for i in order:
            if group and len(drawn[i][0]) * (len(group) + 1) > self.points:
                yield group
                group = []
            group.append(i)
        if group:
            yield group

    def _batch(self, drawn: Sequence[tuple[Features, list[int]]]) -> Lines:
        labels = [label for _, label in drawn]
        longest = max(len(found) for found, _ in drawn)
        longest = max(longest, STRIDE * max(frames_needed(label) for label in labels))
        features = np.zeros((len(drawn), longest, drawn[0][0].shape[1]), np.float32)
        tight = 0
        for row, (found, label) in zip(features, drawn, strict=True):
            row[: len(found)] = found
            tight += frames_needed(label) * STRIDE > len(found)
        return Lines(*shifted(labels), tight, torch.from_numpy(features))
