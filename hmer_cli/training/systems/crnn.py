"""The seed's recognisers (Monawwar and Chung, 2025): a CNN, a BiLSTM, CTC over columns.

As in CRNN (Shi et al., IEEE TPAMI 2017). What the seed got wrong is put right: every label that
does not fit the frames is counted, the units come from the training labels alone, repeats are
merged once, and no decoding ever sees a truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from hmer_cli.errors import UsageError
from hmer_cli.networks.backbones import ACROSS, BACKBONES, check
from hmer_cli.recognition.ctc import beam, greedy
from hmer_cli.training.batches.pictures import Album, Pictures, PictureSystem, normalised
from hmer_cli.training.losses import ctc
from hmer_cli.training.recipe import Recipe


@dataclass(frozen=True)
class CrnnShape:
    """The dimensions of a CRNN.

    ``rows`` keeps the height of the map as features of its columns, which are averaged otherwise.
    The first ``frozen`` stages of a ``pretrained`` backbone are not trained. ``dropout`` is that
    of the columns, ``dropout_lstm`` that of what each layer of the BiLSTM says.
    """

    units: int
    backbone: str = "plain"
    pretrained: bool = False
    frozen: int = 0
    rows: bool = False
    lstm: int = 256
    layers: int = 1
    dropout: float = 0.0
    dropout_lstm: float = 0.0


class Crnn(nn.Module):
    """Picture -> columns -> BiLSTM -> CTC frames, one for every 4 pixels of width."""

    def __init__(self, shape: CrnnShape, height: int) -> None:
        super().__init__()
        self.rows = shape.rows
        self.backbone = BACKBONES[shape.backbone]()
        features = self.backbone.channels
        features *= height // self.backbone.down if shape.rows else 1
        self.lstm = nn.LSTM(
            features,
            shape.lstm,
            shape.layers,
            batch_first=True,
            bidirectional=True,
            dropout=shape.dropout_lstm if shape.layers > 1 else 0.0,
        )
        self.drop, self.drop_lstm = nn.Dropout(shape.dropout), nn.Dropout(shape.dropout_lstm)
        self.out = nn.Linear(2 * shape.lstm, shape.units)

    def forward(self, images: Tensor) -> Tensor:
        """Pictures (B, 1, H, W) uint8 -> log-probabilities (B, W / 4, V)."""
        x = self.backbone(normalised(images))
        x = x.flatten(1, 2) if self.rows else x.mean(dim=2)
        x, _ = self.lstm(self.drop(x.transpose(1, 2)).float())
        return self.out(self.drop_lstm(x)).float().log_softmax(dim=2)


class CrnnSystem(PictureSystem):
    """CTC over the columns of a picture."""

    model: Crnn
    dimensions: CrnnShape

    def __init__(self, recipe: Recipe, tokens: Sequence[str]) -> None:
        super().__init__(recipe, tokens)
        try:
            self.dimensions = CrnnShape(units=len(self.units), **recipe.model)
        except TypeError as error:
            raise UsageError(f"recipe {recipe.name}: [model] {error}", "see CrnnShape") from error
        check(self.dimensions.backbone, recipe.canvas.height, recipe.canvas.width)
        self.shape = asdict(self.dimensions)
        self.model = Crnn(self.dimensions, recipe.canvas.height)
        frames = recipe.canvas.width // ACROSS
        self.album = Album(self.units, recipe.canvas, frames, recipe.schedule.pixels)

    def losses(self, model: nn.Module, batch: Pictures) -> tuple[Tensor, dict[str, Tensor]]:
        """The CTC loss a unit; what does not fit teaches nothing, and is counted as tight."""
        with torch.autocast(batch.images.device.type, torch.bfloat16):
            frames = model(batch.images)
        loss = ctc(frames, batch.labels, batch.lengths, tight=True)
        return loss, {"ctc": loss}

    def read(self, model: nn.Module, batch: Pictures, width: int = 1) -> list[list[str]]:
        """The tokens of each image; greedily, or by a beam of more than 1."""
        with torch.autocast(batch.images.device.type, torch.bfloat16):
            rows = model(batch.images).cpu().numpy()
        if width == 1:
            return [self.units.decode(greedy(row)) for row in rows]
        return [self.units.decode(beam(row, self.units, width)[0].units) for row in rows]
