"""The recogniser as a pure module: image -> feature map -> context -> frames -> log-probabilities.

Shapes use B batch, H and W pixels, h and w cells of the feature map (8 x 8 pixels each),
C channels, T frames, L label length, V output units. Four outputs share one encoder:

- ``frames``: CTC log-probabilities (Graves et al., ICML 2006), the pass that answers alone;
- ``decoder``: a small Transformer that scores a given label (hybrid CTC/attention, Watanabe
  et al., IEEE JSTSP 2017), used to rescore the CTC beam in one parallel step;
- ``symbols``: which symbol has its centre in each cell, a training signal that the trace
  groups of the ink give for free and that takes CTC off its all-blank plateau.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Shape:
    """The dimensions of a model; stored beside its weights."""

    units: int
    symbols: int
    stem: int = 32
    low: int = 96
    mid: int = 128
    high: int = 256
    blocks: tuple[int, int] = (2, 3)
    context: int = 3
    heads: int = 4
    rows: int = 4
    lstm: int = 256
    decoder: int = 2
    frames_per_column: int = 2

    def to_dict(self) -> dict[str, object]:
        """As plain data, for the checkpoint."""
        return asdict(self)


def conv(c_in: int, c_out: int, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    """Convolution and batch norm, without bias."""
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(c_out)
    )


class Residual(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut (He et al., CVPR 2016)."""

    def __init__(self, c_in: int, c_out: int, stride: int = 1) -> None:
        super().__init__()
        self.first = conv(c_in, c_out, stride)
        self.second = conv(c_out, c_out)
        same = c_in == c_out and stride == 1
        self.shortcut = nn.Identity() if same else conv(c_in, c_out, stride, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, c_in, H, W) -> (B, c_out, H / stride, W / stride)."""
        return torch.relu(self.second(torch.relu(self.first(x))) + self.shortcut(x))


class Encoder(nn.Module):
    """Strided residual network, (B, 1, H, W) -> (B, C, H / 8, W / 8)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            conv(1, shape.stem, 2), nn.ReLU(), conv(shape.stem, shape.low, 2), nn.ReLU()
        )
        mid, high = shape.blocks
        self.mid = nn.Sequential(
            *(Residual(shape.low if i == 0 else shape.mid, shape.mid) for i in range(mid))
        )
        self.high = nn.Sequential(
            *(
                Residual(shape.mid if i == 0 else shape.high, shape.high, 2 if i == 0 else 1)
                for i in range(high)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """Ink 1 on paper 0 -> features."""
        return self.high(self.mid(self.stem(x)))


def sinusoid(n: int, dim: int, device: torch.device) -> Tensor:
    """Sine and cosine position code (Vaswani et al., 2017, section 3.5), (n, dim)."""
    rate = torch.exp(torch.arange(0, dim, 2, device=device) * (-math.log(1000.0) / dim))
    angle = torch.arange(n, device=device)[:, None] * rate
    return torch.cat([angle.sin(), angle.cos()], dim=1)


class Attention(nn.Module):
    """Multi-head attention with an additive bias."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(dim, dim)
        self.key_value = nn.Linear(dim, 2 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, x: Tensor, memory: Tensor, bias: Tensor) -> Tensor:
        """x (B, N, C) attends to memory (B, M, C); bias is added to the (B, heads, N, M) scores."""
        b, n, c = x.shape
        d = c // self.heads
        q = self.query(x).view(b, n, self.heads, d).transpose(1, 2)
        k, v = self.key_value(memory).view(b, -1, 2, self.heads, d).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(2, 3) * d**-0.5 + bias).softmax(dim=3)
        return self.out((weights.to(v.dtype) @ v).transpose(1, 2).reshape(b, n, c))


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

    def forward(
        self,
        x: Tensor,
        bias: Tensor,
        memory: Tensor | None = None,
        memory_bias: Tensor | None = None,
    ) -> Tensor:
        """(B, N, C) -> (B, N, C)."""
        y = self.norm(x)
        x = x + self.attention(y, y, bias)
        if self.cross is not None and self.cross_norm is not None:
            assert memory is not None and memory_bias is not None
            x = x + self.cross(self.cross_norm(x), memory, memory_bias)
        return x + self.feed(self.feed_norm(x))


class Context(nn.Module):
    """Self-attention over the two-dimensional map, two rows of cells to a place."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        c = shape.high
        self.merge = nn.Linear(2 * c, c)
        self.layers = nn.ModuleList(Layer(c, shape.heads) for _ in range(shape.context))
        self.norm = nn.LayerNorm(c)

    def forward(self, features: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, C, h, w), h even, and sizes (B, 2) in cells -> memory and its mask.

        Memory is (B, h / 2, w, C); the mask, (B, h / 2, w), is true on the image.
        """
        b, c, h, w = features.shape
        x = features.permute(0, 2, 3, 1).reshape(b, h // 2, 2, w, c)
        x = self.merge(x.transpose(2, 3).reshape(b, h // 2, w, 2 * c))
        h = h // 2
        x = x + place(h, w, c, x.device)
        rows = torch.arange(h, device=x.device)[None, :, None] < ((sizes[:, :1, None] + 1) // 2)
        columns = torch.arange(w, device=x.device)[None, None, :] < sizes[:, 1:, None]
        mask = rows & columns
        bias = hide(mask.reshape(b, 1, 1, h * w))
        x = x.reshape(b, h * w, c)
        for layer in self.layers:
            x = layer(x, bias)
        return self.norm(x).view(b, h, w, c), mask


def place(h: int, w: int, c: int, device: torch.device) -> Tensor:
    """Position code of a map, (h, w, c): half the channels tell the row, half the column."""
    rows, columns = sinusoid(h, c // 2, device), sinusoid(w, c // 2, device)
    return torch.cat(
        [rows[:, None].expand(h, w, c // 2), columns[None].expand(h, w, c // 2)], dim=2
    )


def hide(mask: Tensor) -> Tensor:
    """0 where the mask is true, a large negative number elsewhere."""
    return torch.zeros(mask.shape, device=mask.device).masked_fill(~mask, -1e4)


class Frames(nn.Module):
    """Memory -> columns with their height kept as features -> BiLSTM -> CTC frames."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        c = shape.high
        self.rows = nn.Linear(c, shape.rows)
        self.squeeze = nn.Linear(shape.rows * c, c)
        self.lstm = nn.LSTM(c, shape.lstm, 2, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * shape.lstm, shape.frames_per_column * shape.units)
        self.shape = shape

    def forward(self, memory: Tensor, mask: Tensor) -> Tensor:
        """(B, h, w, C) -> log-probabilities (B, T, V), T = frames_per_column * w."""
        b, h, w, c = memory.shape
        scores = self.rows(memory) + hide(mask)[..., None]
        weights = scores.softmax(dim=1).permute(0, 2, 3, 1)
        columns = weights.to(memory.dtype) @ memory.transpose(1, 2)
        x = torch.relu(self.squeeze(columns.reshape(b, w, -1)))
        x, _ = self.lstm(x.float())
        frames = self.out(x).view(b, w * self.shape.frames_per_column, self.shape.units)
        return frames.float().log_softmax(dim=2)


class Decoder(nn.Module):
    """Scores a label given the memory; all its units in one parallel step."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        c = shape.high
        self.embed = nn.Embedding(shape.units, c)
        self.layers = nn.ModuleList(Layer(c, shape.heads, cross=True) for _ in range(shape.decoder))
        self.norm = nn.LayerNorm(c)
        self.out = nn.Linear(c, shape.units)

    def forward(self, memory: Tensor, mask: Tensor, label: Tensor) -> Tensor:
        """Label (B, L) that starts with unit 0 -> log-probabilities of the next unit (B, L, V).

        Unit 0 stands for the start and, as an answer, for the end.
        """
        b, n = label.shape
        c = memory.shape[-1]
        x = self.embed(label) * math.sqrt(c) + sinusoid(n, c, label.device)
        causal = hide(torch.ones(n, n, device=label.device).tril().bool())[None, None]
        memory = memory.reshape(b, -1, c)
        memory_bias = hide(mask.reshape(b, 1, 1, -1))
        for layer in self.layers:
            x = layer(x, causal, memory, memory_bias)
        return self.out(self.norm(x)).float().log_softmax(dim=2)


class Reader(nn.Module):
    """The whole recogniser."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.encoder = Encoder(shape)
        self.symbols = nn.Conv2d(shape.high, shape.symbols + 1, 1)
        self.context = Context(shape)
        self.frames = Frames(shape)
        self.decoder = Decoder(shape)

    def encode(self, images: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Images (B, 1, H, W), ink 1 on paper 0, H a multiple of 16, W of 8; sizes (B, 2) in cells.

        Gives features (B, C, h, w), memory (B, h / 2, w, C) and its mask (B, h / 2, w).
        """
        features = self.encoder(images)
        memory, mask = self.context(features, sizes)
        return features, memory, mask

    def forward(self, images: Tensor, sizes: Tensor) -> Tensor:
        """CTC log-probabilities (B, T, V); frames past an image's own width are to be ignored."""
        _, memory, mask = self.encode(images, sizes)
        return self.frames(memory, mask)
