"""Examples of lines -> batches of features: ink as it was written, and skeletons of its images."""

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
from hmer_cli.recognition.line_features import line_features, unit_of
from hmer_cli.recognition.skeleton import skeleton
from hmer_cli.recognition.units import Units, frames_needed
from hmer_cli.training.augment.ink import affine
from hmer_cli.training.batches.targets import Targets, shifted
from hmer_cli.training.compose.examples import Example, ImageExample
from hmer_cli.training.compose.lines import Composer

STRIDE = 4
"""Points for each frame."""

_X_HEIGHT, _PEN = (9.0, 26.0), (0.1, 0.3)
"""Pixels of a unit in images, and the width of the pen in units: ranges."""

_STILL = 18.0, 0.16
"""The same of the images that are scored."""

_ROOM = 8
_STRETCH, _SHEAR, _ROTATION, _WOBBLE, _ZOOM = 0.12, 0.2, 0.015, 0.06, 0.1
"""Augmentation: standard deviations, as those of `augment.ink.Spread`."""

Features = NDArray[np.float32]


@dataclass(frozen=True)
class Lines(Targets):
    """features (B, T, FEATURES), zeros beyond the end of each."""

    features: Tensor


def image_example(example: Example) -> Example:
    """The example as an image of its ink."""
    return Example((), example.tokens, image=ImageExample(_drawn(example.strokes, *_STILL)))


def still(example: Example) -> Features:
    """The features of an example as it is."""
    if example.image is None:
        return line_features(example.strokes)
    return _of_skeleton((example.image.pixels > 127).astype(np.uint8), example.strokes, 1.0)


def jittered(example: Example, images: float, rng: np.random.Generator) -> Features:
    """The features of an example in another hand, a share of them as ``images`` tell them."""
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
    """Smooth noise (P, 2) along strokes that have these ends, as of `augment.ink.wobble`."""
    count = np.diff(ends, prepend=0)
    owner = np.repeat(np.arange(len(ends)), count)
    share = (np.arange(ends[-1]) - (ends - count)[owner]) / np.maximum(count - 1, 1)[owner]
    waves = np.stack([np.ones_like(share), np.cos(np.pi * share), np.cos(2 * np.pi * share)])
    bends = rng.normal(0, size / 2, (len(ends), 2, 3))
    return np.einsum("pac,cp->pa", bends[owner], waves).astype(np.float32)


def _drawn(strokes: Sequence[Stroke], size: float, pen: float) -> NDArray[np.uint8]:
    """Ink (H, W), bright on black, with ``size`` pixels a unit and a ``pen`` of so many units."""
    scale = size / unit_of(strokes)
    points = np.concatenate(list(strokes))
    low, extent = points.min(axis=0), np.ptp(points, axis=0) * scale
    width, height = np.ceil(extent + 2 * _ROOM).astype(int).tolist()
    placed = [((s - low) * scale + _ROOM).astype(np.float32) for s in strokes]
    return np.asarray(255 - draw(placed, (height, width), max(1.2, size * pen)))


def _worn(ink: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A mask of ink whose edges are ragged and whose lines are wider or thinner."""
    soft = cv2.GaussianBlur(ink, (0, 0), float(rng.uniform(0.3, 1.2)))
    noise = rng.normal(0, float(rng.uniform(0, 40)), ink.shape).astype(np.float32)
    grain = cv2.GaussianBlur(noise, (0, 0), 0.8)
    return np.asarray(soft + grain > rng.uniform(70, 150), np.uint8)


def _of_skeleton(mask: NDArray[np.uint8], strokes: Sequence[Stroke], zoom: float) -> Features:
    """Features of the skeleton of a mask; where nothing is left of the ink, of its strokes."""
    found = skeleton(mask)
    if found is None or not found.strokes:
        return line_features(strokes, zoom=zoom)
    return line_features(found.strokes, skeleton=True, zoom=zoom)


@dataclass(frozen=True)
class LineBatches:
    """Examples -> batches of about ``points`` points, those of like length together."""

    units: Units
    points: int
    pool: int
    images: float
    shown: int

    def batches(self, examples: Iterable[Example], rng: np.random.Generator) -> Iterator[Lines]:
        """Jittered lines for as long as there are examples."""
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

    def stills(self, examples: Sequence[Example]) -> Iterator[tuple[list[int], Lines]]:
        """Every example as it was written, in batches, with its place in the sequence."""
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
