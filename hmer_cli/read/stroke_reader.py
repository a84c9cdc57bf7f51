"""The stroke reader: how likely a label is, given the strokes of the pen alone.

Who knows how the pen went errs elsewhere than who sees the ink (Zhang, Du and Dai, IEEE TMM 2019;
Wang et al., ICDAR 2019, multi-modal attention), so either can judge what the other proposes. Here
the strokes of an expression are the nodes of a graph (Wang et al., Pattern Recognition 2021; Wu et
al., AAAI 2021): convolutions along each tell its shape, attention among them where it stands, and a
decoder says labels from both ends. Letters as in `hmer_cli.read.model`; N strokes, P points.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from hmer_cli.read.decoder import Decoder
from hmer_cli.read.layers import Layer, hide, sinusoid_of
from hmer_cli.read.strokes import CHANNELS, POINTS

APART = 4
"""Strokes written further apart than this are told apart no further."""

_LOW = 0.02
"""Typical symbols: no side of a box counts as shorter."""


@dataclass(frozen=True)
class StrokeShape:
    """The dimensions of a model; stored beside its weights."""

    units: int
    symbols: int
    channels: int = 192
    heads: int = 4
    curves: tuple[int, int] = (48, 96)
    relations: int = 32
    layers: int = 5
    decoder: int = 3

    def to_dict(self) -> dict[str, object]:
        """As plain data, for the checkpoint."""
        return asdict(self)


class Stroke(nn.Module):
    """A stroke's shape and box -> features (B, N, C)."""

    def __init__(self, shape: StrokeShape) -> None:
        super().__init__()
        first, second = shape.curves
        c = shape.channels
        self.curve = nn.Sequential(
            nn.Conv1d(CHANNELS, first, 5, 1, 2),
            nn.ReLU(),
            nn.Conv1d(first, second, 3, 2, 1),
            nn.ReLU(),
            nn.Conv1d(second, c, 3, 2, 1),
            nn.ReLU(),
        )
        self.enter = nn.Linear(c * POINTS // 4, c)
        self.box = nn.Linear(2 + 2 * (c // 2), c)
        self.norm = nn.LayerNorm(c)

    def forward(self, shapes: Tensor, boxes: Tensor) -> Tensor:
        """(B, N, CHANNELS, P) and (B, N, 4), see `Traces`, -> (B, N, C)."""
        b, n = boxes.shape[:2]
        x = self.curve(shapes.flatten(0, 1)).flatten(1)
        x = self.enter(x).view(b, n, -1)
        sides = (boxes[..., 2:] - boxes[..., :2]).clamp(min=_LOW).log()
        centres = (boxes[..., :2] + boxes[..., 2:]) * 2
        codes = sinusoid_of(centres, x.shape[2] // 2).flatten(2)
        return self.norm(x + self.box(torch.cat([sides, codes], dim=2)))


class Relations(nn.Module):
    """Where strokes stand to each other -> a bias of the attention, for each layer and head."""

    def __init__(self, shape: StrokeShape) -> None:
        super().__init__()
        self.layers, self.heads = shape.layers, shape.heads
        self.where = nn.Linear(8, shape.relations)
        self.when = nn.Embedding(2 * APART + 2, shape.relations)
        self.out = nn.Linear(shape.relations, shape.layers * shape.heads)

    def forward(self, boxes: Tensor, ordered: Tensor) -> Tensor:
        """Boxes (B, N, 4), whether their order is known (B,) -> (layers, B, heads, N, N)."""
        b, n = boxes.shape[:2]
        low, high = boxes[..., :2], boxes[..., 2:]
        middle, log = (low + high) / 2, (high - low).amax(dim=2).clamp(min=_LOW).log()
        ahead = low[:, None] - high[:, :, None]
        behind = low[:, :, None] - high[:, None]
        between = middle[:, None] - middle[:, :, None]
        sizes = torch.stack([log[:, None].expand(b, n, n), log[:, :, None].expand(b, n, n)], dim=3)
        where = torch.cat([ahead, behind, between], dim=3)
        where = torch.cat([asinh(2 * where), sizes], dim=3)
        index = torch.arange(n, device=boxes.device)
        apart = (index[None] - index[:, None]).clamp(-APART, APART) + APART + 1
        when = self.when(apart[None] * ordered.long()[:, None, None])
        found = self.out(torch.relu(self.where(where) + when))
        return found.view(b, n, n, self.layers, self.heads).permute(3, 0, 4, 1, 2)


def asinh(x: Tensor) -> Tensor:
    """As `torch.asinh`, of which the exporter to ONNX knows nothing."""
    return x.sign() * torch.log(x.abs() + torch.sqrt(x * x + 1))


class StrokeReader(nn.Module):
    """The whole model."""

    def __init__(self, shape: StrokeShape) -> None:
        super().__init__()
        c = shape.channels
        self.shape = shape
        self.stroke = Stroke(shape)
        self.relations = Relations(shape)
        self.layers = nn.ModuleList(Layer(c, shape.heads) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(c)
        self.names = nn.Linear(c, shape.symbols + 1)
        self.follower, self.followed = nn.Linear(c, c), nn.Linear(c, c)
        self.end = nn.Parameter(torch.zeros(c))
        self.decoder = Decoder(shape.units, c, shape.heads, shape.decoder)

    def look(
        self, shapes: Tensor, boxes: Tensor, ordered: Tensor, there: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Strokes (B, N, ...), those that are ``there`` (B, N), -> features (B, N, C), their bias.

        ``ordered`` (B,) says whether they are in the order in which they were written.
        """
        x = self.stroke(shapes, boxes)
        bias = hide(there)[:, None, None]
        for layer, relation in zip(self.layers, self.relations(boxes, ordered), strict=True):
            x = layer(x, bias + relation)
        return self.norm(x), bias

    def seen(self, features: Tensor) -> Tensor:
        """Features (B, N, C) -> what the decoder looks at."""
        looked: Tensor = self.decoder.look(features)
        return looked

    def follows(self, features: Tensor, bias: Tensor) -> Tensor:
        """Scores (B, N, N + 1) of which stroke is of the sign that comes next, the last: none."""
        asked = self.follower(features) * features.shape[2] ** -0.5
        scores = asked @ self.followed(features).transpose(1, 2) + bias[:, 0]
        return torch.cat([scores, (asked @ self.end)[..., None]], dim=2)

    def forward(self, shapes: Tensor, boxes: Tensor) -> Tensor:
        """One expression, (N, CHANNELS, P) and (N, 4) -> what the decoder keeps of it."""
        there = torch.ones(boxes.shape[:1], dtype=torch.bool, device=boxes.device)[None]
        features, _ = self.look(shapes[None], boxes[None], there[:, 0], there)
        return self.decoder.keep(self.seen(features))


class Saying(nn.Module):
    """The decoder of a stroke reader going on with labels, its parameters under their names."""

    def __init__(self, reader: StrokeReader) -> None:
        super().__init__()
        self.decoder = reader.decoder

    def forward(
        self, kept: Tensor, past: Tensor, units: Tensor, ways: Tensor
    ) -> tuple[Tensor, Tensor]:
        """See `Decoder.say`."""
        return self.decoder.say(kept, past, units, ways)
