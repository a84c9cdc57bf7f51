"""Images of the CRNN (Monawwar and Chung, 2025) and the Transformer: stretched to one fixed size.

Input: examples. Output: batches (B, 1, H, W) uint8 with labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hmer_cli.console import Say
from hmer_cli.ink.render import Image
from hmer_cli.networks.backbones import Backbone, begin
from hmer_cli.recognition.canvas import CanvasSize, draw_pixels, draw_strokes
from hmer_cli.recognition.units import Units, frames_needed
from hmer_cli.training.batches.targets import Targets, shifted
from hmer_cli.training.compose.examples import Example
from hmer_cli.training.recipe import Canvas
from hmer_cli.training.systems.base import Progress, System


@dataclass(frozen=True)
class Pictures(Targets):
    """images (B, 1, H, W) uint8, dark ink on white, all of one size."""

    images: Tensor


def picture(example: Example, canvas: CanvasSize, turned: float = 0.0) -> Image:
    """The example on the canvas, ``turned`` clockwise before, in radians."""
    if example.image is not None:
        return draw_pixels(example.image.pixels, canvas, turned)
    return draw_strokes(example.strokes, canvas, turned)


def jittered(example: Example, canvas: Canvas, rng: np.random.Generator) -> Image:
    """The picture with the ink turned a little, in another brightness and contrast."""
    angle = float(np.deg2rad(rng.normal(0, canvas.rotation)))
    image = picture(example, canvas, angle).astype(np.float32)
    image = np.clip(image * rng.uniform(1 - canvas.brightness, 1 + canvas.brightness), 0, 255)
    mean = image.mean()
    image = mean + (image - mean) * rng.uniform(1 - canvas.contrast, 1 + canvas.contrast)
    return np.clip(image, 0, 255).astype(np.uint8)


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

    def validation_batches(
        self, examples: Sequence[Example]
    ) -> Iterator[tuple[list[int], Pictures]]:
        """Validation batches: every example without augmentation, with its index."""
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
    draws_loss = True

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

    def validation_batches(
        self, examples: Sequence[Example]
    ) -> Iterator[tuple[list[int], Pictures]]:
        """Validation batches: every example without augmentation, with its index."""
        return self.album.validation_batches([self.known(example) for example in examples])
