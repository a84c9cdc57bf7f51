"""Building blocks of the recognisers: convolutions, attention, position codes, dropout.

Letters as in `hmer_cli.networks.ctc_model`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


def conv(c_in: int, c_out: int, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    """Convolution and batch norm, without bias."""
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(c_out)
    )


class DropPath(nn.Module):
    """Stochastic depth (Huang et al., ECCV 2016): training leaves a branch out for some images.

    ``share`` of the images skip it; it is scaled up for the others.
    """

    share = 0.0

    def forward(self, branch: Tensor) -> Tensor:
        """(B, ...) -> (B, ...)."""
        return drop_mask(branch, (branch.shape[0],), self.share) if self.training else branch


class SpatialDropout(nn.Module):
    """Channels of a map that training hides (Tompson et al., CVPR 2015, SpatialDropout)."""

    share = 0.0

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, C, h, w)."""
        return drop_mask(features, features.shape[:2], self.share) if self.training else features


def set_drop_rates(model: nn.Module, skipped: float, dropped: float) -> None:
    """Set the rates of stochastic depth and of spatial dropout in all of a model."""
    for module in model.modules():
        if isinstance(module, DropPath):
            module.share = skipped
        elif isinstance(module, SpatialDropout):
            module.share = dropped


def drop_mask(x: Tensor, leading: Sequence[int], share: float) -> Tensor:
    """Zeros for a share of the places in the leading dimensions, as much more for the rest."""
    if not share:
        return x
    shape = [*leading, *[1] * (x.ndim - len(leading))]
    kept = torch.rand(shape, device=x.device) >= share
    return x * (kept / (1 - share)).to(x.dtype)


class Residual(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut (He et al., CVPR 2016)."""

    def __init__(self, c_in: int, c_out: int, stride: int = 1) -> None:
        super().__init__()
        self.first = conv(c_in, c_out, stride)
        self.second = conv(c_out, c_out)
        same = c_in == c_out and stride == 1
        self.shortcut = nn.Identity() if same else conv(c_in, c_out, stride, kernel=1)
        self.skip = DropPath()

    def forward(self, x: Tensor) -> Tensor:
        """(B, c_in, H, W) -> (B, c_out, H / stride, W / stride)."""
        return torch.relu(self.skip(self.second(torch.relu(self.first(x)))) + self.shortcut(x))


def sinusoid(n: int, dim: int, device: torch.device) -> Tensor:
    """Sine and cosine position code (Vaswani et al., 2017, section 3.5), (n, dim)."""
    return sinusoid_of(torch.arange(n, device=device), dim)


def sinusoid_of(places: Tensor, dim: int) -> Tensor:
    """The same code of any places (...): (..., dim)."""
    half = torch.arange(0, dim, 2, device=places.device)
    angle = places[..., None] * torch.exp(half * (-math.log(1000.0) / dim))
    return torch.cat([angle.sin(), angle.cos()], dim=-1)


def place(h: int, w: int, c: int, device: torch.device) -> Tensor:
    """Position code of a map, (h, w, c): half the channels tell the row, half the column."""
    rows, columns = sinusoid(h, c // 2, device), sinusoid(w, c // 2, device)
    return torch.cat(
        [rows[:, None].expand(h, w, c // 2), columns[None].expand(h, w, c // 2)], dim=2
    )


def mask_bias(mask: Tensor) -> Tensor:
    """0 where the mask is true, a large negative number elsewhere."""
    return torch.zeros(mask.shape, device=mask.device).masked_fill(~mask, -1e4)


KeysValues = tuple[Tensor, Tensor]
"""Keys and values of attention, each (B, heads, M, d)."""


class Attention(nn.Module):
    """Multi-head attention with an additive bias; ValueError where its heads do not divide it."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        if heads < 1 or dim % heads:
            raise ValueError(f"{dim} channels cannot be divided among {heads} heads")
        self.heads = heads
        self.query = nn.Linear(dim, dim)
        self.key_value = nn.Linear(dim, 2 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, x: Tensor, memory: Tensor, bias: Tensor) -> Tensor:
        """x (B, N, C) attends to memory (B or 1, M, C); bias is added to the scores.

        These are (B, heads, N, M).
        """
        return self.attend(x, self.project(memory), bias)

    def project(self, memory: Tensor) -> KeysValues:
        """Memory (B, M, C) -> its keys and values."""
        b, m, c = memory.shape
        k, v = self.key_value(memory).view(b, m, 2, self.heads, c // self.heads).unbind(2)
        return k.transpose(1, 2), v.transpose(1, 2)

    def attend(self, x: Tensor, projected: KeysValues, bias: Tensor) -> Tensor:
        """x (B, N, C) attends to keys and values, of B or 1."""
        keys, values = projected
        return self.combine(self.weigh(x, keys, bias), values)

    def weigh(self, x: Tensor, keys: Tensor, bias: Tensor) -> Tensor:
        """How much x (B, N, C) attends to each of M keys, (B, heads, N, M)."""
        b, n, c = x.shape
        q = self.query(x).view(b, n, self.heads, c // self.heads).transpose(1, 2)
        return (q @ keys.transpose(2, 3) * keys.shape[3] ** -0.5 + bias).softmax(dim=3)

    def combine(self, weights: Tensor, values: Tensor) -> Tensor:
        """Values by their weights (B, heads, N, M) -> (B, N, C)."""
        b, heads, n, _ = weights.shape
        mixed = (weights.to(values.dtype) @ values).transpose(1, 2)
        return self.out(mixed.reshape(b, n, heads * values.shape[3]))


class Layer(nn.Module):
    """Pre-norm Transformer layer; with ``cross`` it also attends to a memory."""

    def __init__(self, dim: int, heads: int, cross: bool = False) -> None:
        super().__init__()
        self.attention = Attention(dim, heads)
        self.norm = nn.LayerNorm(dim)
        self.cross = Attention(dim, heads) if cross else None
        self.cross_norm = nn.LayerNorm(dim) if cross else None
        self.feed_norm = nn.LayerNorm(dim)
        self.feed = nn.Sequential(nn.Linear(dim, 3 * dim), nn.ReLU(), nn.Linear(3 * dim, dim))
        self.skip = DropPath()

    def forward(
        self,
        x: Tensor,
        bias: Tensor,
        memory: Tensor | None = None,
        memory_bias: Tensor | None = None,
    ) -> Tensor:
        """(B, N, C) -> (B, N, C)."""
        y = self.norm(x)
        x = x + self.skip(self.attention(y, y, bias))
        if self.cross is not None and self.cross_norm is not None:
            assert memory is not None and memory_bias is not None
            x = x + self.skip(self.cross(self.cross_norm(x), memory, memory_bias))
        return x + self.skip(self.feed(self.feed_norm(x)))
