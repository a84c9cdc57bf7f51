"""HMEG's layout network (Gao, Chen et al., CVPR 2024) and its discriminators.

A symbol graph and a writer's style, which is noise, become a box for every symbol. The graph
convolutions are the triple networks of Johnson et al., CVPR 2018 (sg2im), over all pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hmer_cli.networks.hmeg.graphs import UNKNOWN, Graphs
from hmer_cli.synthesis.graph_arrays import REACHES
from hmer_cli.synthesis.symbol_graph import Relation

_THIN = 0.002


@dataclass(frozen=True)
class Shape:
    """The dimensions of the network.

    HMEG has a width of 512; 64 is what two CPU cores train in minutes. ``chained``: boxes are
    predicted relative to the parent in the tree (ours), not to the whole expression (HMEG's).
    """

    width: int = 64
    layers: int = 5
    noise: int = 64
    chained: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


class Convolution(nn.Module):
    """One graph convolution: each pair sends a message to its first symbol.

    The triple (first, pair, second) goes through one hidden layer, which becomes the pair's new
    vector. All pairs exist in both directions, so each symbol receives the messages of all its
    pairs. Those of neighbours are summed, beside the mean over all: with sg2im's mean alone their
    weight would shrink in long expressions.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(width, width)
        self.second = nn.Linear(width, width, bias=False)
        self.pair = nn.Linear(width, width, bias=False)
        self.update = nn.Sequential(nn.Linear(3 * width, width), nn.ReLU(), nn.Linear(width, width))
        self.norm = nn.LayerNorm(width)

    def forward(
        self, node: Tensor, pair: Tensor, near: Tensor, share: Tensor
    ) -> tuple[Tensor, Tensor]:
        """node (B, N, D), pair (B, N, N, D); near and share (B, N, N) weigh the pairs."""
        hidden = F.relu(self.first(node)[:, :, None] + self.second(node)[:, None] + self.pair(pair))
        raw = [torch.einsum("bij,bijd->bid", weight, hidden) for weight in (share, near)]
        return self.norm(node + self.update(torch.cat([node, *raw], dim=-1))), pair + hidden


class Trunk(nn.Module):
    """Embedded symbols and relations through the convolutions."""

    def __init__(self, symbols: int, width: int, layers: int, extra: int) -> None:
        super().__init__()
        self.symbol = nn.Embedding(symbols, width, padding_idx=0)
        self.relation = nn.Embedding(len(Relation), width)
        self.reach = nn.Embedding(2 * len(REACHES) + 1, width)
        self.extra = nn.Linear(extra, width)
        self.layers = nn.ModuleList(Convolution(width) for _ in range(layers))

    def forward(
        self, symbols: Tensor, relations: Tensor, reaches: Tensor, mask: Tensor, extra: Tensor
    ) -> Tensor:
        """Vectors of the symbols, (B, N, D); ``extra`` (B, N, E) is what else is known of each."""
        node = self.symbol(symbols) + self.extra(extra)
        pair = self.relation(relations) + self.reach(reaches)
        pairs = mask[:, :, None] * mask[:, None]
        near = pairs * (relations != Relation.NONE)
        share = pairs / pairs.sum(-1, keepdim=True).clamp(min=1)
        for layer in self.layers:
            node, pair = layer(node, pair, near, share)
        return node


class Attention(nn.Module):
    """The global vector: a weighted mean over the symbols, with learned weights."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.score = nn.Linear(width, 1)
        self.value = nn.Linear(width, width)

    def forward(self, node: Tensor, mask: Tensor) -> Tensor:
        """(B, N, D) -> (B, D)."""
        score = self.score(node)[..., 0].masked_fill(mask == 0, -torch.inf)
        return torch.einsum("bn,bnd->bd", score.softmax(-1), self.value(node))


class LayoutNetwork(nn.Module):
    """Graphs and styles -> boxes, and the raw outputs relative to the parents."""

    def __init__(self, tokens: Sequence[str], shape: Shape) -> None:
        super().__init__()
        self.tokens, self.shape = tuple(tokens), shape
        width = shape.width
        self.trunk = Trunk(len(tokens) + UNKNOWN + 1, width, shape.layers, shape.noise)
        self.attention = Attention(width)
        self.head = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 4))

    def forward(self, graphs: Graphs, style: Tensor) -> tuple[Tensor, Tensor]:
        """``style`` (B, 64) -> boxes and parts, both (B, N, 4), 0 in the padding.

        Boxes are left edge, middle, width, height. Parts are the same for a network that is not
        chained, else as in `parts`.
        """
        extra = style[:, None].expand(-1, graphs.symbols.shape[1], -1)
        node = self.trunk(graphs.symbols, graphs.relations, graphs.reaches, graphs.mask, extra)
        whole = self.attention(node, graphs.mask)[:, None].expand_as(node)
        raw = self.head(torch.cat([node, whole], dim=-1))
        raw = torch.cat([raw[..., :2], F.softplus(raw[..., 2:]) + _THIN], dim=-1)
        raw = raw * graphs.mask[..., None]
        return (composed(graphs, raw) if self.shape.chained else raw), raw


def parts(graphs: Graphs, boxes: Tensor) -> Tensor:
    """Each box as it stands to the one before it in the tree, (B, N, 4).

    The left edge is relative to that one's right edge if it stands beside it, else from its left
    edge; the middle from its middle. Width and height stay.
    """
    before = boxes.gather(1, graphs.parents[..., None].expand_as(boxes))
    edge = before[..., 0] + graphs.beside * before[..., 2]
    first = graphs.parents == torch.arange(boxes.shape[1], device=boxes.device)
    place = torch.stack([boxes[..., 0] - edge, boxes[..., 1] - before[..., 1]], dim=-1)
    place = torch.where(first[..., None], boxes[..., :2], place)
    return torch.cat([place, boxes[..., 2:]], dim=-1) * graphs.mask[..., None]


def composed(graphs: Graphs, raw: Tensor) -> Tensor:
    """The boxes that have these `parts`: sums along the tree, so gradients reach every part."""
    widths = raw[..., 2].gather(1, graphs.parents)
    x = raw[..., 0] + graphs.beside * widths
    place = torch.einsum("bij,bjc->bic", graphs.chain, torch.stack([x, raw[..., 1]], dim=-1))
    return torch.cat([place, raw[..., 2:]], dim=-1) * graphs.mask[..., None]


class Discriminator(nn.Module):
    """A discriminator of some symbols of an expression: their tokens, relations and boxes.

    Boxes are relative to the first symbol, in units of the mean of their longer sides, so that
    absolute position and size are not visible.
    """

    def __init__(self, symbols: int, width: int = 64, layers: int = 2) -> None:
        super().__init__()
        self.trunk = Trunk(symbols, width, layers, extra=5)
        self.attention = Attention(width)
        self.head = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, graphs: Graphs, boxes: Tensor, chosen: Tensor) -> Tensor:
        """``chosen`` (B, K) int64 are the symbols to look at, -1 for none -> scores (B,)."""
        mask = (chosen >= 0).float()
        at = chosen.clamp(min=0)
        chosen_boxes = boxes.gather(1, at[..., None].expand(-1, -1, 4))
        place = chosen_boxes[..., :2] + chosen_boxes[..., 2:] * chosen_boxes.new_tensor([0.5, 0.0])
        sides = chosen_boxes[..., 2:].amax(-1)
        unit = ((sides * mask).sum(1) / mask.sum(1)).clamp(min=1e-3)[:, None, None]
        chosen_boxes = torch.cat([place - place[:, :1], chosen_boxes[..., 2:]], dim=-1) / unit
        first = torch.zeros_like(chosen_boxes[..., :1])
        first[:, 0] = 1
        node = self.trunk(
            graphs.symbols.gather(1, at),
            _square(graphs.relations, at),
            _square(graphs.reaches, at),
            mask,
            torch.cat([chosen_boxes, first], dim=-1) * mask[..., None],
        )
        whole = self.attention(node, mask)
        return self.head(torch.cat([node[:, 0], whole], dim=-1))[:, 0]


def _square(table: Tensor, at: Tensor) -> Tensor:
    """The rows and columns of (B, N, N) tables that are named in (B, K)."""
    K, N = at.shape[1], table.shape[2]
    rows = table.gather(1, at[..., None].expand(-1, K, N))
    return rows.gather(2, at[:, None].expand(-1, K, K))
