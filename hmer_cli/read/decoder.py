"""The decoder: how likely a whole label is, given what was seen of an image."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from hmer_cli.read.layers import Layer, hide, sinusoid


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
        """Features of frames (B, T, C), map (B, M, C) and its bias -> both as one, and its bias."""
        t, c = features.shape[1:]
        features = features + sinusoid(t, c, features.device)
        seen = torch.cat([features, self.look(memory).to(features.dtype)], dim=1)
        everywhere = torch.zeros_like(features[:, None, None, :, 0], dtype=bias.dtype)
        return seen, torch.cat([everywhere, bias], dim=3)

    def forward(self, seen: Tensor, bias: Tensor, labels: Tensor) -> Tensor:
        """What `recall` gave, labels (B, 2, L) -> log-probabilities (B, 2, L, V).

        The second label of each pair is the first turned round, see `backwards`; both start with
        unit 0. At each place the scores are those of the next unit; unit 0 stands for the start
        and, as an answer, for the end.
        """
        b, both, n = labels.shape
        c = seen.shape[2]
        x = self.embed(labels) * math.sqrt(c) + sinusoid(n, c, labels.device)
        # One row of both, so that what they look at is prepared once.
        x = (x + self.direction[:, None]).view(b, both * n, c)
        label = torch.arange(both, device=labels.device).repeat_interleave(n)
        place = torch.arange(n, device=labels.device).repeat(both)
        known = (label[:, None] == label[None]) & (place[:, None] >= place[None])
        causal = hide(known)[None, None]
        for layer in self.layers:
            x = layer(x, causal, seen, bias)
        return self.out(self.norm(x)).float().log_softmax(dim=2).view(b, both, n, -1)

    def likelihood(self, seen: Tensor, bias: Tensor, labels: Tensor) -> Tensor:
        """The logs of the probabilities of labels (B, L), unit 0 beyond their ends: (B, 2)."""
        read = both_ways(labels)
        before, after = nn.functional.pad(read, (1, 0)), nn.functional.pad(read, (0, 1))
        scores = self(seen, bias, before).gather(3, after[..., None]).squeeze(3)
        lengths = (labels > 0).sum(dim=1)[:, None, None]
        there = torch.arange(after.shape[2], device=labels.device) <= lengths
        return (scores * there).sum(dim=2)


def both_ways(labels: Tensor) -> Tensor:
    """Labels (B, L), unit 0 beyond their ends, as they are and turned round: (B, 2, L)."""
    return torch.stack([labels, backwards(labels)], dim=1)


def backwards(labels: Tensor) -> Tensor:
    """Labels (B, L), unit 0 beyond their ends, each with its units turned round."""
    lengths = (labels > 0).sum(dim=1, keepdim=True)
    place = lengths - 1 - torch.arange(labels.shape[1], device=labels.device)[None]
    return labels.gather(1, place.clamp(min=0)) * (place >= 0)
