"""The CTC model: image -> feature map -> context -> frames -> log-probabilities.

Shapes use B batch, H and W pixels, h and w cells of the feature map (8 x 8 pixels each),
C channels, T frames, L label length, V output units. Parts that share one encoder:

- ``order``: which cells hold a symbol and which of two comes first, so that frames follow the
  label through fractions and scripts;
- ``frames``: CTC log-probabilities (Graves et al., ICML 2006);
- ``second``: the same again, by self-conditioned on all frames of the first pass; the output;
- ``decoder``: a small Transformer that scores a given label from both ends (hybrid CTC/attention,
  Watanabe et al., IEEE JSTSP 2017), used to rescore the CTC beam in one parallel step;
- ``symbols``: which symbol has its centre in each cell, a training signal that the trace
  groups of the ink give for free and that takes CTC off its all-blank plateau.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from hmer_cli.networks.decoder import Decoder
from hmer_cli.networks.layers import (
    Layer,
    Residual,
    SpatialDropout,
    conv,
    mask_bias,
    place,
    sinusoid,
)
from hmer_cli.networks.reading_order import ReadingOrder
from hmer_cli.recognition.scale import CELL, SLOT


@dataclass(frozen=True)
class Shape:
    """The dimensions of a model; stored beside its weights.

    Of its ``channels`` the first is ink, the others, if any, the motion of the pen.
    """

    units: int
    symbols: int
    channels: int = 1
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


class Encoder(nn.Module):
    """Strided residual network, (B, channels, H, W) -> (B, C, H / 8, W / 8)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.stem = nn.Sequential(conv(1, shape.stem, 2), nn.ReLU(), conv(shape.stem, shape.low, 2))
        self.motion = motion_encoder(shape) if shape.channels > 1 else None
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
        self.thin = SpatialDropout()

    def forward(self, x: Tensor) -> Tensor:
        """Ink 1 on paper 0, with the motion of its pen or alone -> features."""
        low = self.stem(x[:, :1])
        if self.motion is not None and x.shape[1] > 1:
            low = low + self.motion(x[:, 1:])
        return self.thin(self.high(self.mid(torch.relu(low))))


def motion_encoder(shape: Shape) -> nn.Sequential:
    """Encoder of the pen motion channels, added to the ink's; zero at first and where unknown.

    Without batch norm, so that unknown motion, all zeros, adds exactly nothing.
    """
    first = nn.Conv2d(shape.channels - 1, shape.stem, 3, 2, 1, bias=False)
    second = nn.Conv2d(shape.stem, shape.low, 3, 2, 1, bias=False)
    nn.init.zeros_(second.weight)
    return nn.Sequential(first, nn.ReLU(), second)


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
        bias = mask_bias(mask.reshape(b, 1, 1, h * w))
        x = x.reshape(b, h * w, c)
        for layer in self.layers:
            x = layer(x, bias)
        return self.norm(x).view(b, h, w, c), mask


class FrameHead(nn.Module):
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


class SelfConditionedHead(nn.Module):
    """Second CTC pass: corrects the first by self- and cross-attention (to the feature map).

    CTC takes its frames to be independent. Conditioned on the posteriors of all of them
    (self-conditioned CTC, Nozaki and Komatsu, Interspeech 2021), the frames can be consistent, and
    find symbols that the first pass missed. The correction is zero at initialisation.
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


@dataclass
class Outputs:
    """All outputs of the model; N = h * w cells, row by row.

    first and frames (B, T, V) log-probabilities of the first pass and the second; memory (B, T + M,
    C) of the decoder and its bias; presence (B, N) and before (B, N, N) log-odds; there and rank
    (B, N), see `ReadingOrder.ranks`; symbols (B, S + 1, h, w) scores.
    """

    first: Tensor
    frames: Tensor
    memory: Tensor
    bias: Tensor
    presence: Tensor
    before: Tensor
    there: Tensor
    rank: Tensor
    symbols: Tensor


class CtcModel(nn.Module):
    """The whole recogniser."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.encoder = Encoder(shape)
        self.symbols = nn.Conv2d(shape.high, shape.symbols + 1, 1)
        self.context = Context(shape)
        self.order = ReadingOrder(shape.high)
        self.frames = FrameHead(shape)
        self.second = SelfConditionedHead(shape)
        self.decoder = Decoder(shape.units, shape.high, shape.heads, shape.decoder)

    def read(self, images: Tensor, sizes: Tensor, length: Tensor | None = None) -> Outputs:
        """Images (B, channels, H, W), ink 1 on paper 0, H a multiple of 16, W of 8.

        ``sizes`` (B, 2) are theirs in cells; ``length`` is the number of frames; without it, two
        slots more than there are symbols.
        """
        features = self.encoder(images)
        memory, mask = self.context(features, sizes)
        cells = self.order.cells(features, memory)
        bias = mask_bias(mask.flatten(1))[:, None, None]
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
        memory, bias = self.decoder.recall(x, memory, bias)
        return Outputs(first, frames, memory, bias, presence, before, there, rank, symbols)

    def forward(self, images: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """CTC log-probabilities (B, T, V), the place of each frame, and the decoder's memory.

        Places are (B, T, 2): x, y in cells; the last two are those of `Decoder.recall`.
        """
        outputs = self.read(images, sizes)
        frames = torch.arange(outputs.frames.shape[1], device=images.device)
        places = self.order.places(outputs.there, outputs.rank, frames, images.shape[3] // CELL)
        return outputs.frames, places, outputs.memory, outputs.bias
