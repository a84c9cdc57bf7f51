"""CRNN (Shi et al., IEEE TPAMI 2017): image -> columns -> BiLSTM -> CTC log-probabilities.

Images (B, 1, H, W) uint8, dark ink on white, of one fixed size -> (B, W / 4, V). It is the model of
Monawwar and Chung (2025), with any of `hmer_cli.networks.backbones`.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from hmer_cli.networks.backbones import BACKBONES, normalised


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
        features *= self.backbone.rows(height) if shape.rows else 1
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
        x, _ = self.lstm(self.drop(x.transpose(1, 2)))
        return self.out(self.drop_lstm(x)).float().log_softmax(dim=2)
