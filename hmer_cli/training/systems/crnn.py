"""Training of the CRNN baseline (Monawwar and Chung, 2025): CTC loss over columns.

Differs from the paper's code: labels that need more frames are counted, the units come from the
training labels alone, and repeats are merged once. The network is `hmer_cli.networks.crnn`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from torch import Tensor, nn

from hmer_cli.networks.backbones import ACROSS, check
from hmer_cli.networks.crnn import Crnn, CrnnShape
from hmer_cli.recognition.ctc import beam, greedy
from hmer_cli.training.batches.pictures import Album, Pictures, PictureSystem
from hmer_cli.training.losses import ctc
from hmer_cli.training.precision import autocast
from hmer_cli.training.recipe import Recipe
from hmer_cli.training.systems.base import described


class CrnnSystem(PictureSystem):
    """CTC over the columns of a picture."""

    model: Crnn
    dimensions: CrnnShape

    def __init__(self, recipe: Recipe, tokens: Sequence[str]) -> None:
        super().__init__(recipe, tokens)
        with described(recipe, CrnnShape):
            self.dimensions = CrnnShape(units=len(self.units), **recipe.model)
            check(self.dimensions.backbone, recipe.canvas)
            self.model = Crnn(self.dimensions, recipe.canvas.height)
        self.shape = asdict(self.dimensions)
        frames = recipe.canvas.width // ACROSS
        self.album = Album(self.units, recipe.canvas, frames, recipe.schedule.pixels)

    def losses(self, model: nn.Module, batch: Pictures) -> tuple[Tensor, dict[str, Tensor]]:
        """The CTC loss per unit; infeasible labels have no gradient and are counted."""
        with autocast(batch.images.device):
            frames = model(batch.images)
        loss = ctc(frames, batch.labels, batch.lengths, zero_infinity=True)
        return loss, {"ctc": loss}

    def read(self, model: nn.Module, batch: Pictures, width: int = 1) -> list[list[str]]:
        """The tokens of each image; greedily, or by a beam of more than 1."""
        with autocast(batch.images.device):
            rows = model(batch.images).cpu().numpy()
        if width == 1:
            return [self.units.decode(greedy(row)) for row in rows]
        return [self.units.decode(beam(row, self.units, width)[0].units) for row in rows]
