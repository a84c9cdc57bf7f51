"""Bidirectional Transformer decoder: encoded image and labels -> log-probabilities of the labels.

Letters as in `hmer_cli.networks.ctc_model`. The module is shared by the CTC model, whose n-best
list it rescores, and the graph model, which it also decodes autoregressively.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from hmer_cli.networks.layers import Layer, mask_bias, sinusoid, sinusoid_of


class Decoder(nn.Module):
    """Scores a label, read forwards and backwards, given the frames and the map.

    Read from both ends, a wrong unit seldom looks right twice (bidirectional training, Zhao et al.,
    ICDAR 2021, section 3.3). All units of a label take one parallel step.
    """

    def __init__(self, units: int, c: int, heads: int, depth: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(units, c)
        self.direction = nn.Parameter(torch.zeros(2, c))
        self.look = nn.Linear(c, c)
        self.layers = nn.ModuleList(Layer(c, heads, cross=True) for _ in range(depth))
        self.norm = nn.LayerNorm(c)
        self.out = nn.Linear(c, units)

    def recall(self, features: Tensor, memory: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """Frame features (B, T, C), map (B, M, C) and its bias -> both concatenated, their bias."""
        t, c = features.shape[1:]
        features = features + sinusoid(t, c, features.device)
        attended = torch.cat([features, self.look(memory).to(features.dtype)], dim=1)
        everywhere = torch.zeros_like(features[:, None, None, :, 0], dtype=bias.dtype)
        return attended, torch.cat([everywhere, bias], dim=3)

    def forward(self, memory: Tensor, bias: Tensor, labels: Tensor) -> Tensor:
        """Memory and bias of `recall`, labels (B, 2, L) -> log-probabilities (B, 2, L, V).

        The second label of each pair is the first reversed, see `backwards`; both start with
        unit 0. At each place the scores are those of the next unit; unit 0 stands for the start
        and, as an answer, for the end.
        """
        b, both, n = labels.shape
        c = memory.shape[2]
        x = self.embed(labels) * math.sqrt(c) + sinusoid(n, c, labels.device)
        # Both directions in one row, so that keys and values of the memory are computed once.
        x = (x + self.direction[:, None]).view(b, both * n, c)
        label = torch.arange(both, device=labels.device).repeat_interleave(n)
        place = torch.arange(n, device=labels.device).repeat(both)
        known = (label[:, None] == label[None]) & (place[:, None] >= place[None])
        causal = mask_bias(known)[None, None]
        for layer in self.layers:
            x = layer(x, causal, memory, bias)
        return self.out(self.norm(x)).float().log_softmax(dim=2).view(b, both, n, -1)

    def project(self, memory: Tensor) -> Tensor:
        """Memory (B, M, C) -> its keys and values in every layer, (layers, 2, B, heads, M, d)."""
        return torch.stack([torch.stack(layer.cross.project(memory)) for layer in self._layers()])

    def decode_step(
        self, memory: Tensor, past: Tensor, units: Tensor, directions: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Log-probabilities (B, L, V) of what follows each of the units (B, L), one decoding step.

        ``memory`` (see `project`) is of one image; ``past`` (layers, 2, B, heads, P, d) are the
        keys and values of the P units before, the second result those with the new ones;
        ``directions`` (B,) are 0 for labels read forwards, 1 for backwards. The third result
        (B, L, M) is the attention of the last layer to the memory, the mean over its heads.
        """
        before, n, c = past.shape[4], units.shape[1], self.embed.embedding_dim
        place = torch.arange(before + n, device=units.device)
        causal = mask_bias(place[before:, None] >= place[None])
        x = self.embed(units) * math.sqrt(c) + sinusoid_of(place[before:], c)
        x = x + self.direction[directions][:, None]
        everywhere = torch.zeros(1, device=units.device)
        now, weights = [], x
        for layer, attended, old in zip(self._layers(), memory, past, strict=True):
            y = layer.norm(x)
            own = torch.cat([old, torch.stack(layer.attention.project(y))], dim=3)
            now.append(own)
            x = x + layer.attention.attend(y, (own[0], own[1]), causal)
            weights = layer.cross.weigh(layer.cross_norm(x), attended[0], everywhere)
            x = x + layer.cross.combine(weights, attended[1])
            x = x + layer.feed(layer.feed_norm(x))
        return self.out(self.norm(x)).log_softmax(dim=2), torch.stack(now), weights.mean(dim=1)

    def _layers(self) -> list[Any]:
        return list(self.layers)

    def likelihood(self, memory: Tensor, bias: Tensor, labels: Tensor) -> Tensor:
        """The logs of the probabilities of labels (B, L), unit 0 beyond their ends: (B, 2)."""
        both = both_directions(labels)
        before, after = nn.functional.pad(both, (1, 0)), nn.functional.pad(both, (0, 1))
        scores = self(memory, bias, before).gather(3, after[..., None]).squeeze(3)
        lengths = (labels > 0).sum(dim=1)[:, None, None]
        within = torch.arange(after.shape[2], device=labels.device) <= lengths
        return (scores * within).sum(dim=2)


def both_directions(labels: Tensor) -> Tensor:
    """Labels (B, L), unit 0 beyond their ends, in both directions: (B, 2, L)."""
    return torch.stack([labels, backwards(labels)], dim=1)


def backwards(labels: Tensor) -> Tensor:
    """Labels (B, L), unit 0 beyond their ends, with the units of each reversed."""
    lengths = (labels > 0).sum(dim=1, keepdim=True)
    place = lengths - 1 - torch.arange(labels.shape[1], device=labels.device)[None]
    return labels.gather(1, place.clamp(min=0)) * (place >= 0)
