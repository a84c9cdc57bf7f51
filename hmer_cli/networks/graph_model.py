"""The graph model: nodes of an expression (N, ...) -> log-probabilities of labels.

Stroke and image models make different errors, so each can rescore the other's n-best list (Zhang,
Du and Dai, IEEE TMM 2019; Wang et al., ICDAR 2019, multi-modal attention). The primitives of an
expression are the nodes of a graph (Wang et al., Pattern Recognition 2021; Wu et al., AAAI 2021):
strokes of the pen or, where there is only an image, its connected components (Mahdavi et al., ICDAR
2019) or the strokes of its skeleton (Chan, arXiv 1905.06749). Convolutions encode the shape of
each, self-attention with relation biases its place, and a Transformer decoder scores labels in both
directions. Letters as in `hmer_cli.networks.ctc_model`; N nodes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from hmer_cli.networks.decoder import Decoder
from hmer_cli.networks.layers import Layer, conv, mask_bias, sinusoid_of
from hmer_cli.recognition.components import SIDE
from hmer_cli.recognition.graph_decoder import COMPONENT, PIECE, STROKE
from hmer_cli.recognition.pieces import LAYERS
from hmer_cli.recognition.strokes import CHANNELS, POINTS

MOST_APART = 4
"""Distances in writing order are clipped at this many strokes."""

_LOW = 0.02
"""Typical symbols: no side of a box counts as shorter."""


@dataclass(frozen=True)
class GraphShape:
    """The dimensions of a model; stored beside its weights."""

    units: int
    symbols: int
    channels: int = 192
    heads: int = 4
    curves: tuple[int, int] = (48, 96)
    pictures: tuple[int, int, int] = (24, 48, 96)
    relations: int = 32
    layers: int = 5
    decoder: int = 3
    fronts: tuple[str, ...] = (STROKE, COMPONENT)

    def to_dict(self) -> dict[str, object]:
        """As plain data, for the checkpoint."""
        return asdict(self)


class BoxEncoder(nn.Module):
    """A node's box -> features (B, N, C)."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.box = nn.Linear(2 + 2 * (c // 2), c)
        self.norm = nn.LayerNorm(c)

    def forward(self, x: Tensor, boxes: Tensor) -> Tensor:
        """Shape features (B, N, C) and boxes (B, N, 4) -> their sum (B, N, C)."""
        sides = (boxes[..., 2:] - boxes[..., :2]).clamp(min=_LOW).log()
        centres = (boxes[..., :2] + boxes[..., 2:]) * 2
        codes = sinusoid_of(centres, x.shape[2] // 2).flatten(2)
        found: Tensor = self.norm(x + self.box(torch.cat([sides, codes], dim=2)))
        return found


class StrokeEncoder(nn.Module):
    """A stroke's shape and box -> features (B, N, C)."""

    def __init__(self, shape: GraphShape) -> None:
        super().__init__()
        c = shape.channels
        self.curve = _curve(shape)
        self.enter = nn.Linear(c * POINTS // 4, c)
        self.place = BoxEncoder(c)

    def forward(self, shapes: Tensor, boxes: Tensor) -> Tensor:
        """(B, N, CHANNELS, P) and (B, N, 4), see `StrokeFeatures`, -> (B, N, C)."""
        x = self.enter(self.curve(shapes.flatten(0, 1)).flatten(1))
        placed: Tensor = self.place(x.view(*boxes.shape[:2], -1), boxes)
        return placed


class ComponentEncoder(nn.Module):
    """A component's picture and box -> features (B, N, C)."""

    def __init__(self, shape: GraphShape) -> None:
        super().__init__()
        c = shape.channels
        self.picture = _picture(shape, 1)
        self.enter = nn.Linear(shape.pictures[-1] * (SIDE // 8) ** 2, c)
        self.place = BoxEncoder(c)

    def forward(self, pictures: Tensor, boxes: Tensor) -> Tensor:
        """(B, N, SIDE, SIDE) and (B, N, 4), see `Components`, -> (B, N, C)."""
        ink = pictures.flatten(0, 1)[:, None].float() / 255
        x = self.enter(self.picture(ink).flatten(1))
        placed: Tensor = self.place(x.view(*boxes.shape[:2], -1), boxes)
        return placed


class Piece(nn.Module):
    """The shape, the picture and the box of a stroke of a skeleton -> features (B, N, C)."""

    def __init__(self, shape: GraphShape) -> None:
        super().__init__()
        c = shape.channels
        self.curve, self.picture = _curve(shape), _picture(shape, LAYERS)
        self.trace = nn.Linear(c * POINTS // 4, c)
        self.enter = nn.Linear(shape.pictures[-1] * (SIDE // 8) ** 2, c)
        self.place = BoxEncoder(c)

    def forward(self, shapes: Tensor, pictures: Tensor, boxes: Tensor) -> Tensor:
        """What `Pieces` holds of each, (B, N, ...), -> (B, N, C)."""
        ink = pictures.flatten(0, 1).float() / 255
        x = self.trace(self.curve(shapes.flatten(0, 1)).flatten(1))
        x = x + self.enter(self.picture(ink).flatten(1))
        placed: Tensor = self.place(x.view(*boxes.shape[:2], -1), boxes)
        return placed


FRONTS: dict[str, type[nn.Module]] = {
    STROKE: StrokeEncoder,
    COMPONENT: ComponentEncoder,
    PIECE: Piece,
}
"""The fronts by their names."""


def _curve(shape: GraphShape) -> nn.Sequential:
    first, second = shape.curves
    return nn.Sequential(
        nn.Conv1d(CHANNELS, first, 5, 1, 2),
        nn.ReLU(),
        nn.Conv1d(first, second, 3, 2, 1),
        nn.ReLU(),
        nn.Conv1d(second, shape.channels, 3, 2, 1),
        nn.ReLU(),
    )


def _picture(shape: GraphShape, layers: int) -> nn.Sequential:
    first, second, third = shape.pictures
    return nn.Sequential(
        conv(layers, first, 2),
        nn.ReLU(),
        conv(first, second),
        nn.ReLU(),
        conv(second, second, 2),
        nn.ReLU(),
        conv(second, third),
        nn.ReLU(),
        conv(third, third, 2),
        nn.ReLU(),
    )


class RelationBias(nn.Module):
    """Where nodes stand to each other -> a bias of the attention, for each layer and head."""

    def __init__(self, shape: GraphShape) -> None:
        super().__init__()
        self.layers, self.heads = shape.layers, shape.heads
        self.where = nn.Linear(8, shape.relations)
        self.when = nn.Embedding(2 * MOST_APART + 2, shape.relations)
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
        apart = (index[None] - index[:, None]).clamp(-MOST_APART, MOST_APART) + MOST_APART + 1
        when = self.when(apart[None] * ordered.long()[:, None, None])
        found = self.out(torch.relu(self.where(where) + when))
        return found.view(b, n, n, self.layers, self.heads).permute(3, 0, 4, 1, 2)


def asinh(x: Tensor) -> Tensor:
    """As `torch.asinh`, of which the exporter to ONNX knows nothing."""
    return x.sign() * torch.log(x.abs() + torch.sqrt(x * x + 1))


class GraphModel(nn.Module):
    """The whole model."""

    def __init__(self, shape: GraphShape) -> None:
        super().__init__()
        c = shape.channels
        self.shape = shape
        for name in shape.fronts:
            self.add_module(name, FRONTS[name](shape))
        self.relations = RelationBias(shape)
        self.layers = nn.ModuleList(Layer(c, shape.heads) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(c)
        self.names = nn.Linear(c, shape.symbols + 1)
        self.follower, self.followed = nn.Linear(c, c), nn.Linear(c, c)
        self.end = nn.Parameter(torch.zeros(c))
        self.decoder = Decoder(shape.units, c, shape.heads, shape.decoder)

    def encode(
        self, x: Tensor, boxes: Tensor, ordered: Tensor, there: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Nodes (B, N, C), those that are ``there`` (B, N), -> features (B, N, C), bias.

        ``ordered`` (B,) says whether they are in the order in which they were written.
        """
        bias = mask_bias(there)[:, None, None]
        for layer, relation in zip(self.layers, self.relations(boxes, ordered), strict=True):
            x = layer(x, bias + relation)
        return self.norm(x), bias

    def decoder_memory(self, features: Tensor) -> Tensor:
        """Features (B, N, C) -> the memory (B, N, C) of the decoder."""
        memory: Tensor = self.decoder.look(features)
        return memory

    def follows(self, features: Tensor, bias: Tensor) -> Tensor:
        """Scores (B, N, N + 1) of which stroke is of the sign that comes next, the last: none."""
        asked = self.follower(features) * features.shape[2] ** -0.5
        scores = asked @ self.followed(features).transpose(1, 2) + bias[:, 0]
        return torch.cat([scores, (asked @ self.end)[..., None]], dim=2)

    def forward(self, x: Tensor, boxes: Tensor, ordered: Tensor) -> Tensor:
        """One expression, (1, N, C), (1, N, 4) and (1,), -> the decoder's `project`."""
        there = torch.ones(boxes.shape[:2], dtype=torch.bool, device=boxes.device)
        features, _ = self.encode(x, boxes, ordered, there)
        return self.decoder.project(self.decoder_memory(features))


class DecodeStep(nn.Module):
    """One decoding step of a graph model; parameters keep the names they have in the model.

    Its attention is an output where it ``attends``.
    """

    def __init__(self, reader: GraphModel, attends: bool = False) -> None:
        super().__init__()
        self.decoder, self.attends = reader.decoder, attends

    def forward(
        self, memory: Tensor, past: Tensor, units: Tensor, directions: Tensor
    ) -> tuple[Tensor, ...]:
        """See `Decoder.decode_step`."""
        found = self.decoder.decode_step(memory, past, units, directions)
        return found if self.attends else found[:2]


class NodeEncoder(nn.Module):
    """One node encoder of a graph model; parameters keep the names they have in the model."""

    def __init__(self, reader: GraphModel, front: str) -> None:
        super().__init__()
        self.front = front
        self.add_module(front, getattr(reader, front))

    def forward(self, *given: Tensor) -> Tensor:
        """Inputs of the nodes of one expression, each (N, ...) -> features (1, N, C)."""
        features: Tensor = getattr(self, self.front)(*(x[None] for x in given))
        return features
