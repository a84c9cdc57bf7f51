"""Line reader: features of a line of text -> CTC log-probabilities of characters.

Features (B, T, C) -> frames (B, T / 4, V). One-dimensional convolutions, then bidirectional LSTM
layers, as in Carbune et al., "Fast multi-language LSTM-based online handwriting recognition"
(IJDAR 2020), on resampled points in place of Bezier curves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from hmer_cli.recognition.line_features import FEATURES

EPSILON = 1e-5
"""Of batch normalisation."""


@dataclass(frozen=True)
class LineShape:
    """The dimensions of a line reader: channels of its convolutions, cells of its LSTM layers."""

    units: int
    narrow: int = 96
    wide: int = 128
    cells: int = 144
    layers: int = 3
    dropout: float = 0.2

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for the checkpoint and the weights."""
        return asdict(self)


class LineModel(nn.Module):
    """Convolutions at one, two and four points a step, LSTM layers, characters."""

    def __init__(self, shape: LineShape) -> None:
        super().__init__()
        self.shape = shape
        self.front = nn.Sequential(
            *_conv(FEATURES, shape.narrow, 1),
            *_conv(shape.narrow, shape.wide, 2),
            *_conv(shape.wide, shape.wide, 2),
        )
        self.drop = nn.Dropout(shape.dropout)
        self.lstm = nn.LSTM(
            shape.wide,
            shape.cells,
            shape.layers,
            batch_first=True,
            bidirectional=True,
            dropout=shape.dropout,
        )
        self.out = nn.Linear(2 * shape.cells, shape.units)

    def forward(self, features: Tensor) -> Tensor:
        """Features (B, T, C) -> log-probabilities (B, ceil(T / 4), V)."""
        x = self.front(features.transpose(1, 2)).transpose(1, 2)
        x, _ = self.lstm(self.drop(x))
        return self.out(self.drop(x)).log_softmax(dim=2)

    @torch.no_grad()
    def unfold_batch_norm(self, batches: Iterable[Tensor]) -> None:
        """Give batch normalisation the statistics of these features (B, T, C), and parameters that
        undo them: the outputs stay, and are the same in training. For weights that were folded."""
        norms = [layer for layer in self.front if isinstance(layer, nn.BatchNorm1d)]
        seen: list[list[Tensor]] = [[] for _ in norms]
        hooks = [
            norm.register_forward_pre_hook(
                lambda _, given, kept=kept: kept.append(given[0].transpose(0, 1).flatten(1))
            )
            for norm, kept in zip(norms, seen, strict=True)
        ]
        self.eval()
        for features in batches:
            self.front(features.transpose(1, 2))
        for norm, kept, hook in zip(norms, seen, hooks, strict=True):
            hook.remove()
            values = torch.cat(kept, 1)
            mean, variance = values.mean(1), values.var(1, correction=0)
            old_mean, old_variance = norm.running_mean, norm.running_var
            assert old_mean is not None and old_variance is not None
            scale = norm.weight / (old_variance + EPSILON).sqrt()
            norm.bias.add_(scale * (mean - old_mean))
            norm.weight.copy_(scale * (variance + EPSILON).sqrt())
            old_mean.copy_(mean)
            old_variance.copy_(variance)


def _conv(c_in: int, c_out: int, stride: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv1d(c_in, c_out, 5, stride, 2, bias=False)
    return convolution, nn.BatchNorm1d(c_out, EPSILON), nn.ReLU()
