"""Training of the CTC model that ships, `hmer_cli.networks.ctc_model`.

Losses: CTC of both passes, decoder, symbols and reading order (`hmer_cli.training.losses`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from torch import Tensor, nn

from hmer_cli.errors import UsageError
from hmer_cli.ink.motion import CHANNELS
from hmer_cli.networks.ctc_model import CtcModel, Shape
from hmer_cli.networks.layers import set_drop_rates
from hmer_cli.recognition.ctc import beam, greedy
from hmer_cli.training import checkpoint
from hmer_cli.training.batches.images import Batch, Painter, bucketed, collate, stream
from hmer_cli.training.compose.examples import Example
from hmer_cli.training.export.onnx import restore
from hmer_cli.training.export.transfer import symbol_names, transfer
from hmer_cli.training.losses import losses
from hmer_cli.training.precision import autocast
from hmer_cli.training.recipe import Recipe
from hmer_cli.training.systems.base import Progress, System, described


class CtcSystem(System[Batch]):
    """Trains reading order and CTC, with symbol positions from the trace groups of the ink."""

    model: CtcModel

    def __init__(self, recipe: Recipe, tokens: Sequence[str]) -> None:
        super().__init__(recipe, tokens)
        self.symbols = {name: i for i, name in enumerate(symbol_names(tokens))}
        with described(recipe, Shape):
            shape = Shape(units=len(self.units), symbols=len(self.symbols) - 1, **recipe.model)
            self.model = CtcModel(shape)
        if shape.channels not in (1, 1 + CHANNELS):
            remedy = f"1 for images alone, {1 + CHANNELS} with the motion of the pen"
            raise UsageError(f"recipe {recipe.name}: {shape.channels} channels", remedy)
        self.shape = shape.to_dict()
        set_drop_rates(self.model, recipe.skipped, recipe.dropped)
        self.painter = Painter(self.units, recipe.drawing, recipe.spread)

    def batches(
        self, examples: Iterable[Example], progress: Progress, rng: np.random.Generator
    ) -> Iterator[Batch]:
        """Augmented images at the scale of their symbols, bucketed by height and width."""
        schedule = self.recipe.schedule
        return stream(
            self.painter, examples, self.symbols, progress, rng, schedule.pixels, schedule.pool
        )

    def validation_batches(self, examples: Sequence[Example]) -> Iterator[tuple[list[int], Batch]]:
        """Validation batches: every example without augmentation, with its index."""
        drawn = [self.painter.still(self.known(example)) for example in examples]
        place = {id(d): i for i, d in enumerate(drawn)}
        for group in bucketed(drawn, self.recipe.schedule.pixels):
            yield [place[id(d)] for d in group], collate(group, self.symbols)

    def losses(self, model: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """See `hmer_cli.training.losses`."""
        assert isinstance(model, CtcModel)
        return losses(model, batch, self.recipe.losses)

    def read(self, model: nn.Module, batch: Batch, width: int = 1) -> list[list[str]]:
        """The tokens of each image; greedily, or by a beam of more than 1."""
        assert isinstance(model, CtcModel)
        images = batch.given(model.shape.channels)
        with autocast(images.device):
            frames, *_ = model(images, batch.sizes)
        rows = frames.float().cpu().numpy()
        if width == 1:
            return [self.units.decode(greedy(row)) for row in rows]
        return [self.units.decode(beam(row, self.units, width)[0].units) for row in rows]

    def begin_with(self, weights: Path) -> float:
        """Copy the parameters of a weights file or checkpoint that fit; returns their share."""
        if weights.suffix == ".pt":
            content = checkpoint.read(weights, ("average", "tokens"))
            return transfer(content["average"], content["tokens"], self.model, self.units.tokens)
        found, metadata = restore(weights)
        return transfer(found, metadata["tokens"], self.model, self.units.tokens)
