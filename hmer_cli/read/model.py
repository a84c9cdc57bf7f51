"""The recogniser as a pure module: image -> feature map -> context -> frames -> log-probabilities.

Shapes use B batch, H and W pixels, h and w cells of the feature map (8 x 8 pixels each),
C channels, T frames, L label length, V output units. Parts that share one encoder:

- ``order``: which cells hold a symbol and which of two comes first, so that frames follow the
  label through fractions and scripts;
- ``frames``: CTC log-probabilities (Graves et al., ICML 2006);
- ``second``: the same again, by frames that know what all the others said, the pass that answers;
- ``decoder``: a small Transformer that scores a given label from both ends (hybrid CTC/attention,
  Watanabe et al., IEEE JSTSP 2017), used to rescore the CTC beam in one parallel step;
- ``symbols``: which symbol has its centre in each cell, a training signal that the trace
  groups of the ink give for free and that takes CTC off its all-blank plateau.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from hmer_cli.read.scale import CELL, SLOT

FAINT = 0.05
"""Presences under this count as none, lest the empty cells of a large image add up."""


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
    lstm: int = 256
    second: int = 2
    decoder: int = 3

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
        """x (B, N, C) attends to memory (B or 1, M, C); bias is added to the scores.

        These are (B, heads, N, M).
        """
        b, n, c = x.shape
        d = c // self.heads
        q = self.query(x).view(b, n, self.heads, d).transpose(1, 2)
        k_v = self.key_value(memory).view(memory.shape[0], -1, 2, self.heads, d)
        k, v = k_v.permute(2, 0, 3, 1, 4)
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


class ReadingOrder(nn.Module):
    """The two-dimensional map -> frames in the order of the label.

    CTC needs frames in the order of its target, and in a fraction columns have none. So the order
    is read off the map: each cell says how surely a symbol has its centre there (``presence``)
    and, for each pair of cells, which comes first (``before``, left before right to begin with).
    The presences that come before a cell add up to its rank; frame t then gathers the cells whose
    rank is near t / SLOT. All of it is differentiable, and the trace groups of the ink teach
    presence and precedence directly.
    """

    KEYS = 64

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        c = shape.high
        self.split = nn.Linear(c, 2 * c)
        self.skip = nn.Linear(c, c)
        self.norm = nn.LayerNorm(c)
        self.presence = nn.Linear(c, 1)
        nn.init.constant_(self.presence.bias, -3.0)  # most cells are empty
        self.query_key = nn.Linear(c, 2 * self.KEYS)
        self.rightwards = nn.Parameter(torch.tensor(0.5))

    def cells(self, features: Tensor, memory: Tensor) -> Tensor:
        """Features (B, C, h, w) and memory (B, h / 2, w, C) -> (B, h * w, C), row by row."""
        b, c, h, w = features.shape
        upper_lower = self.split(memory).view(b, h // 2, w, 2, c).transpose(2, 3)
        flat = features.permute(0, 2, 3, 1).reshape(b, h * w, c)
        return self.norm(upper_lower.reshape(b, h * w, c) + self.skip(flat))

    def scores(self, cells: Tensor, mask: Tensor, w: int) -> tuple[Tensor, Tensor]:
        """Log-odds of presence (B, N) and of precedence (B, N, N): that j comes before i."""
        presence = self.presence(cells).squeeze(2).float() + hide(mask)
        query, key = self.query_key(cells).chunk(2, dim=2)
        pairs = (query @ key.transpose(1, 2)).float() * self.KEYS**-0.5
        x = (torch.arange(mask.shape[1], device=cells.device) % w).float()
        return presence, pairs - pairs.transpose(1, 2) + self.rightwards * (x[:, None] - x[None])

    @staticmethod
    def ranks(presence: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """Presence 0 to 1 and rank, the number of symbols that come before, each (B, N)."""
        there = (torch.sigmoid(presence) - FAINT).clamp(min=0) / (1 - FAINT)
        weighed = torch.sigmoid(before) * there[:, None]
        return there, weighed.sum(dim=2) - 0.5 * there

    @staticmethod
    def gather(there: Tensor, rank: Tensor, length: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The share of each cell in each frame (B, T, N), T = ``length``; frames' mass and offset.

        Mass (B, T, 1) tells how much is near, offset (B, T, 1) how far behind or ahead it lies.
        """
        # A tensor, not an int: the traced graph must find its own length.
        frame = torch.arange(length, device=rank.device)[None, :, None]  # type: ignore[call-overload]
        offset = (rank[:, None] + 1) * SLOT - frame
        near = there[:, None] * torch.exp(-0.5 * offset**2)
        mass = near.sum(dim=2, keepdim=True)
        share = near / (mass + 1e-3)
        return share, mass, (share * offset.clamp(-SLOT, SLOT)).sum(dim=2, keepdim=True)

    @staticmethod
    def places(there: Tensor, rank: Tensor, frames: Tensor, w: int) -> Tensor:
        """Where on the map each of the frames (T,) looks, (B, T, 2): x, y in cells.

        Unlike the frame's content, its place is never nothing: a closing brace beyond the last
        symbol is where that symbol is.
        """
        offset = (rank[:, None] + 1) * SLOT - frames[None, :, None]
        near = there[:, None] * torch.exp(-2 * offset.abs()) + 1e-30 * there[:, None]
        cell = torch.arange(rank.shape[1], device=rank.device)
        centres = torch.stack([cell % w, cell // w], dim=1).float() + 0.5
        return near @ centres / near.sum(dim=2, keepdim=True).clamp(min=1e-35)


class Frames(nn.Module):
    """Gathered cells -> BiLSTM -> CTC frames."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        c = shape.high
        self.enter = nn.Linear(c + 2, c)
        self.lstm = nn.LSTM(c, shape.lstm, 2, batch_first=True, bidirectional=True)
        self.leave = nn.Linear(2 * shape.lstm, c)
        self.out = nn.Linear(2 * shape.lstm, shape.units)

    def forward(self, gathered: Tensor, mass: Tensor, offset: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, C) and (B, T, 1) twice -> log-probabilities (B, T, V) and features (B, T, C)."""
        x = torch.cat([gathered, mass.to(gathered.dtype), offset.to(gathered.dtype)], dim=2)
        x, _ = self.lstm(torch.relu(self.enter(x)).float())
        return self.out(x).float().log_softmax(dim=2), self.leave(x)


class Second(nn.Module):
    """CTC frames once more, corrected by what the first pass said and by a look at the map.

    CTC takes its frames to be independent. Told the answers of all of them (self-conditioned CTC,
    Nozaki and Komatsu, Interspeech 2021), the frames can agree, and find on the map what was
    passed over. It begins as the first pass: the correction is nothing at first.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        c = shape.high
        self.said = nn.Linear(shape.units, c)
        self.layers = nn.ModuleList(Layer(c, shape.heads, cross=True) for _ in range(shape.second))
        self.norm = nn.LayerNorm(c)
        self.out = nn.Linear(c, shape.units)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(
        self, frames: Tensor, features: Tensor, memory: Tensor, bias: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Frames (B, T, V), features (B, T, C), map (B, M, C), its bias -> the first two anew."""
        t, c = features.shape[1:]
        x = features + self.said(frames.exp()) + sinusoid(t, c, features.device)
        everywhere = torch.zeros(1, 1, 1, 1, device=features.device)
        for layer in self.layers:
            x = layer(x, everywhere, memory, bias)
        x = self.norm(x)
        return (frames + self.out(x).float()).log_softmax(dim=2), x


class Decoder(nn.Module):
    """Scores a label, read forwards and backwards, given the frames and the map.

    Read from both ends, a wrong unit seldom looks right twice (bidirectional training, Zhao et al.,
    ICDAR 2021, section 3.3). All units of a label take one parallel step.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        c = shape.high
        self.embed = nn.Embedding(shape.units, c)
        self.direction = nn.Parameter(torch.zeros(2, c))
        self.look = nn.Linear(c, c)
        self.layers = nn.ModuleList(Layer(c, shape.heads, cross=True) for _ in range(shape.decoder))
        self.norm = nn.LayerNorm(c)
        self.out = nn.Linear(c, shape.units)

    def recall(self, features: Tensor, memory: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """Features of frames (B, T, C), map (B, M, C) and its bias -> both as one, and its bias."""
        t, c = features.shape[1:]
        features = features + sinusoid(t, c, features.device)
        seen = torch.cat([features, self.look(memory).to(features.dtype)], dim=1)
        everywhere = torch.zeros_like(features[:, None, None, :, 0], dtype=bias.dtype)
        return seen, torch.cat([everywhere, bias], dim=3)

    def forward(self, seen: Tensor, bias: Tensor, label: Tensor, direction: int) -> Tensor:
        """What `recall` gave, label (B, L) that starts with unit 0 -> log-probabilities (B, L, V).

        At each place they are those of the next unit; unit 0 stands for the start and, as an
        answer, for the end. In ``direction`` 1, labels are read backwards, see `backwards`.
        """
        n, c = label.shape[1], seen.shape[2]
        x = self.embed(label) * math.sqrt(c) + sinusoid(n, c, label.device)
        x = x + self.direction[direction]
        causal = hide(torch.ones(n, n, device=label.device).tril().bool())[None, None]
        for layer in self.layers:
            x = layer(x, causal, seen, bias)
        return self.out(self.norm(x)).float().log_softmax(dim=2)

    def likelihood(self, seen: Tensor, bias: Tensor, labels: Tensor) -> Tensor:
        """The logs of the probabilities of labels (B, L), unit 0 beyond their ends: (B, 2)."""
        lengths = (labels > 0).sum(dim=1, keepdim=True)
        there = torch.arange(labels.shape[1] + 1, device=labels.device)[None] <= lengths
        both = []
        for direction, read in enumerate((labels, backwards(labels))):
            before = nn.functional.pad(read, (1, 0))
            after = nn.functional.pad(read, (0, 1))
            scores = self(seen, bias, before, direction).gather(2, after[:, :, None]).squeeze(2)
            both.append((scores * there).sum(dim=1))
        return torch.stack(both, dim=1)


def backwards(labels: Tensor) -> Tensor:
    """Labels (B, L), unit 0 beyond their ends, each with its units turned round."""
    lengths = (labels > 0).sum(dim=1, keepdim=True)
    place = lengths - 1 - torch.arange(labels.shape[1], device=labels.device)[None]
    return labels.gather(1, place.clamp(min=0)) * (place >= 0)


@dataclass
class Read:
    """All that a pass over a batch says; N = h * w cells, row by row.

    first and frames (B, T, V) log-probabilities of the first pass and the second; seen (B, T + M,
    C) and its bias for the decoder; presence (B, N) and before (B, N, N) log-odds; there and rank
    (B, N), see `ReadingOrder.ranks`; symbols (B, S + 1, h, w) scores.
    """

    first: Tensor
    frames: Tensor
    seen: Tensor
    bias: Tensor
    presence: Tensor
    before: Tensor
    there: Tensor
    rank: Tensor
    symbols: Tensor


class Reader(nn.Module):
    """The whole recogniser."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.encoder = Encoder(shape)
        self.symbols = nn.Conv2d(shape.high, shape.symbols + 1, 1)
        self.context = Context(shape)
        self.order = ReadingOrder(shape)
        self.frames = Frames(shape)
        self.second = Second(shape)
        self.decoder = Decoder(shape)

    def read(self, images: Tensor, sizes: Tensor, length: Tensor | None = None) -> Read:
        """Images (B, 1, H, W), ink 1 on paper 0, H a multiple of 16, W of 8; sizes (B, 2) in cells.

        ``length`` is the number of frames; without it, two slots more than there are symbols.
        """
        features = self.encoder(images)
        memory, mask = self.context(features, sizes)
        cells = self.order.cells(features, memory)
        bias = hide(mask.flatten(1))[:, None, None]
        mask = mask.repeat_interleave(2, dim=1).flatten(1)
        presence, before = self.order.scores(cells, mask, features.shape[3])
        there, rank = self.order.ranks(presence, before)
        if length is None:
            length = (there.sum(dim=1).max().ceil().long() + 2) * SLOT
        share, mass, offset = self.order.gather(there, rank, length)
        first, x = self.frames(share.to(cells.dtype) @ cells, mass, offset)
        memory = memory.flatten(1, 2)
        frames, x = self.second(first, x, memory, bias)
        symbols = self.symbols(features)
        seen, bias = self.decoder.recall(x, memory, bias)
        return Read(first, frames, seen, bias, presence, before, there, rank, symbols)

    def forward(self, images: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """CTC log-probabilities (B, T, V), where each frame looked, and what the decoder sees.

        Places are (B, T, 2): x, y in cells; the last two are those of `Decoder.recall`.
        """
        found = self.read(images, sizes)
        frames = torch.arange(found.frames.shape[1], device=images.device)
        places = self.order.places(found.there, found.rank, frames, images.shape[3] // CELL)
        return found.frames, places, found.seen, found.bias
