"""Images of the seed's systems (Monawwar and Chung, 2025): stretched to one fixed size.

Input: examples. Output: batches (B, 1, H, W) uint8 with labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hmer_cli.ink.ink import Ink
from hmer_cli.ink.render import WHITE, Image, render
from hmer_cli.networks.backbones import Backbone, begin
from hmer_cli.recognition.units import Units, frames_needed
from hmer_cli.training.batches.targets import Targets, shifted
from hmer_cli.training.compose.examples import Example
from hmer_cli.training.recipe import Canvas
from hmer_cli.training.systems.base import Progress, Say, System

_LIT = 127
"""What is brighter is ink."""


@dataclass(frozen=True)
class Pictures(Targets):
    """images (B, 1, H, W) uint8, dark ink on white, all of one size."""

    images: Tensor


def picture(example: Example, canvas: Canvas, turned: float = 0.0) -> Image:
    """The example drawn as wide or high as the canvas is wide, then stretched over the canvas.

    Before that it is ``turned`` clockwise, in radians.
    """
    if example.image is not None:
        image = _traced(example.image.pixels, canvas, turned)
    else:
        cos, sin = np.cos(turned), np.sin(turned)
        turn = np.array([[cos, -sin], [sin, cos]], np.float32)
        ink = Ink(tuple(stroke @ turn.T for stroke in example.strokes))
        image = render(ink, size=canvas.width, padding=canvas.padding, pen=canvas.pen)
    shape = canvas.width, min(canvas.height, image.shape[0])
    # Lines that shrink fade, but never fall between two pixels.
    image = np.asarray(cv2.resize(image, (image.shape[1], shape[1]), interpolation=cv2.INTER_AREA))
    return np.asarray(cv2.resize(image, (canvas.width, canvas.height)), np.uint8)


def jittered(example: Example, canvas: Canvas, rng: np.random.Generator) -> Image:
    """The picture with the ink turned a little, in another brightness and contrast."""
    angle = float(np.deg2rad(rng.normal(0, canvas.rotation)))
    image = picture(example, canvas, angle).astype(np.float32)
    image = np.clip(image * rng.uniform(1 - canvas.brightness, 1 + canvas.brightness), 0, 255)
    mean = image.mean()
    image = mean + (image - mean) * rng.uniform(1 - canvas.contrast, 1 + canvas.contrast)
    return np.clip(image, 0, 255).astype(np.uint8)


def _traced(ink: NDArray[np.uint8], canvas: Canvas, turned: float) -> Image:
    """Ink bright on black at the size in which strokes are drawn, its lines as thin as theirs."""
    turn = cv2.getRotationMatrix2D((ink.shape[1] / 2, ink.shape[0] / 2), -np.rad2deg(turned), 1)
    ink = np.asarray(cv2.warpAffine(ink, turn, ink.shape[::-1]), np.uint8)
    x, y, width, height = cv2.boundingRect((ink > _LIT).astype(np.uint8))
    if not width:
        return np.full((canvas.height, canvas.width), WHITE, np.uint8)
    scale = (canvas.width - 2 * canvas.padding) / max(width, height)
    shape = max(1, round(width * scale)), max(1, round(height * scale))
    crop = ink[y : y + height, x : x + width]
    large = np.pad(cv2.resize(crop, shape, interpolation=cv2.INTER_LINEAR), 1)
    depth = cv2.distanceTransform((large > _LIT).astype(np.uint8), cv2.DIST_L2, 5)
    pen = 2 * float(np.percentile(depth[depth > 0], 80)) if depth.any() else 0.0
    if pen > canvas.pen:
        # Lines are deepest in their middle, whatever their width there.
        reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (round(pen) | 1, round(pen) | 1))
        middle = (depth > 0) & (depth > cv2.dilate(depth, reach) - (canvas.pen + 1) / 2)
        large = cv2.GaussianBlur(np.where(middle, 255, 0).astype(np.uint8), (3, 3), 0)
    inside = np.asarray(large, np.uint8)[1:-1, 1:-1]
    return np.pad(WHITE - inside, canvas.padding, constant_values=WHITE)


@dataclass(frozen=True)
class Album:
    """Examples -> batches of pictures with their labels.

    Labels that need more than ``frames`` are counted as infeasible; None for no limit.
    """

    units: Units
    canvas: Canvas
    frames: int | None
    pixels: int

    @property
    def count(self) -> int:
        """The pictures of one batch."""
        return max(1, self.pixels // (self.canvas.height * self.canvas.width))

    def batches(self, examples: Iterable[Example], rng: np.random.Generator) -> Iterator[Pictures]:
        """Jittered pictures for as long as there are examples."""
        drawn: list[tuple[Image, Sequence[int]]] = []
        for example in examples:
            label = self.units.encode(example.tokens)
            drawn.append((jittered(example, self.canvas, rng), label))
            if len(drawn) == self.count:
                yield self._batch(drawn)
                drawn = []

    def stills(self, examples: Sequence[Example]) -> Iterator[tuple[list[int], Pictures]]:
        """Every example as it was written, in batches, with its place in the sequence."""
        for start in range(0, len(examples), self.count):
            group = examples[start : start + self.count]
            drawn = [(picture(e, self.canvas), self.units.encode(e.tokens)) for e in group]
            yield list(range(start, start + len(group))), self._batch(drawn)

    def _batch(self, drawn: Sequence[tuple[NDArray[np.uint8], Sequence[int]]]) -> Pictures:
        labels = [label for _, label in drawn]
        limit = np.inf if self.frames is None else self.frames
        infeasible = sum(frames_needed(label) > limit for label in labels)
        images = np.stack([image for image, _ in drawn])[:, None]
        return Pictures(*shifted(labels), infeasible, torch.from_numpy(images))


class PictureShape(Protocol):
    """The dimensions that the families over pictures share."""

    @property
    def backbone(self) -> str:
        """Its name among the backbones."""
        ...

    @property
    def pretrained(self) -> bool:
        """Whether it begins with what it learnt elsewhere."""
        ...

    @property
    def frozen(self) -> int:
        """How many of its stages then stay as they are."""
        ...


class PictureSystem(System[Pictures]):
    """A family whose batches are an album's; what its model and its losses are is its own."""

    dimensions: PictureShape
    album: Album

    def begin(self, say: Say) -> None:
        """Load the backbone's pretrained weights, and freeze its early layers if there are any."""
        if self.dimensions.pretrained:
            backbone = self.model.backbone
            assert isinstance(backbone, Backbone)
            begin(backbone, self.dimensions.backbone, self.dimensions.frozen, say)

    def batches(
        self, examples: Iterable[Example], progress: Progress, rng: np.random.Generator
    ) -> Iterator[Pictures]:
        """Jittered pictures."""
        return self.album.batches(examples, rng)

    def stills(self, examples: Sequence[Example]) -> Iterator[tuple[list[int], Pictures]]:
        """Every example as it was written, in batches, with its place in the sequence."""
        return self.album.stills([self.known(example) for example in examples])
