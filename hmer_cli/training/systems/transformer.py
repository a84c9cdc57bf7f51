"""Training of the Transformer: cross-entropy of the next unit, teacher forcing, and CTC.

The network and its decoding are `hmer_cli.networks.transformer`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from torch import Tensor, nn

from hmer_cli.networks.backbones import ACROSS, check
from hmer_cli.networks.transformer import Transcriber, TransformerShape, beam, greedy
from hmer_cli.training.batches.pictures import Album, Pictures, PictureSystem
from hmer_cli.training.losses import ctc, next_unit
from hmer_cli.training.precision import autocast
from hmer_cli.training.recipe import Recipe
from hmer_cli.training.systems.base import described


class TransformerSystem(PictureSystem):
    """Cross-entropy of the next unit, with CTC of the encoder's columns beside it."""

    model: Transcriber
    dimensions: TransformerShape

    def __init__(self, recipe: Recipe, tokens: Sequence[str]) -> None:
        super().__init__(recipe, tokens)
        with described(recipe, TransformerShape):
            self.dimensions = TransformerShape(units=len(self.units), **recipe.model)
            check(self.dimensions.backbone, recipe.canvas)
            self.model = Transcriber(self.dimensions)
        self.shape = asdict(self.dimensions)
        frames = recipe.canvas.width // ACROSS
        self.album = Album(self.units, recipe.canvas, frames, recipe.schedule.pixels)

    def losses(self, model: nn.Module, batch: Pictures) -> tuple[Tensor, dict[str, Tensor]]:
        """Cross-entropy of the next unit, all units before it being right, and CTC of columns."""
        weights = self.recipe.losses
        with autocast(batch.images.device):
            scores, frames = model(batch.images, batch.before)
        parts = {
            "decoder": next_unit(scores, batch.after, weights.smoothing),
            "ctc": ctc(frames, batch.labels, batch.lengths, zero_infinity=True),
        }
        return weights.decoder * parts["decoder"] + weights.ctc * parts["ctc"], parts

    def read(self, model: nn.Module, batch: Pictures, width: int = 1) -> list[list[str]]:
        """The tokens of each image; greedily, or by a beam of more than 1."""
        assert isinstance(model, Transcriber)
        longest = self.dimensions.longest
        with autocast(batch.images.device):
            if width == 1:
                found = greedy(model, batch.images, longest)
            else:
                found = beam(model, batch.images, self.units, width, longest)
        return [self.units.decode(units) for units in found]
