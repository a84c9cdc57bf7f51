"""CNN and Transformer, image -> label, one unit at a time (Vaswani et al., 2017).

Images (B, 1, H, W) uint8 -> logits (B, L, V). A CNN feature map with a 2-D position code goes
through a Transformer encoder of N cells; an autoregressive decoder attends to it. The columns of
the encoder also learn by CTC, which teaches attention where to look (Watanabe et al., IEEE JSTSP
2017). Other letters as in `hmer_cli.networks.ctc_model`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from hmer_cli.networks.backbones import BACKBONES, normalised
from hmer_cli.networks.layers import KeysValues, place, sinusoid_of
from hmer_cli.recognition.beam_search import Step
from hmer_cli.recognition.canvas_recogniser import transcribe
from hmer_cli.recognition.units import BLANK, Units


@dataclass(frozen=True)
class TransformerShape:
    """The dimensions of a `Transcriber`; ``longest`` is the maximal length of a label in units."""

    units: int
    backbone: str = "resnet18"
    pretrained: bool = False
    frozen: int = 0
    channels: int = 256
    heads: int = 8
    encoder: int = 2
    decoder: int = 4
    feed: int = 1024
    dropout: float = 0.2
    longest: int = 160


class Attention(nn.Module):
    """Multi-head attention to keys and values that can be cached.

    Its weights are not dropped: PyTorch's fused attention on CPUs knows no dropout.
    """

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(channels, channels)
        self.key_value = nn.Linear(channels, 2 * channels)
        self.out = nn.Linear(channels, channels)

    def project(self, x: Tensor) -> KeysValues:
        """(B, N, C) -> its keys and values."""
        b, n, c = x.shape
        k, v = self.key_value(x).view(b, n, 2, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        return k, v

    def forward(self, x: Tensor, cached: KeysValues, causal: bool = False) -> Tensor:
        """x (B, L, C) attends to cached keys and values."""
        b, n, c = x.shape
        q = self.query(x).view(b, n, self.heads, c // self.heads).transpose(1, 2)
        y = functional.scaled_dot_product_attention(q, *cached, is_causal=causal)
        return self.out(y.transpose(1, 2).reshape(b, n, c))


class Layer(nn.Module):
    """Pre-norm layer of the decoder."""

    def __init__(self, shape: TransformerShape) -> None:
        super().__init__()
        c = shape.channels
        self.own, self.cross = (Attention(c, shape.heads) for _ in range(2))
        self.own_norm, self.cross_norm, self.feed_norm = (nn.LayerNorm(c) for _ in range(3))
        self.feed = nn.Sequential(
            nn.Linear(c, shape.feed), nn.ReLU(), nn.Dropout(shape.dropout), nn.Linear(shape.feed, c)
        )
        self.drop = nn.Dropout(shape.dropout)

    def forward(
        self, x: Tensor, past: KeysValues | None, memory: KeysValues
    ) -> tuple[Tensor, KeysValues]:
        """x (B, L, C) after cached units (L is then 1) -> output and new cache."""
        y = self.own_norm(x)
        cache = self.own.project(y)
        if past is not None:
            cache = torch.cat([past[0], cache[0]], dim=2), torch.cat([past[1], cache[1]], dim=2)
        x = x + self.drop(self.own(y, cache, causal=past is None))
        x = x + self.drop(self.cross(self.cross_norm(x), memory))
        return x + self.drop(self.feed(self.feed_norm(x))), cache


@dataclass
class DecoderState:
    """Keys and values, for each decoder layer: ``maps`` of the image, ``past`` of the units so far.

    ``length`` is the number of these units.
    """

    maps: list[KeysValues]
    past: list[KeysValues] = field(default_factory=list)
    length: int = 0

    def select(self, rows: Tensor) -> DecoderState:
        """The same for these rows of the batch, in their order."""
        return DecoderState(
            [(k[rows], v[rows]) for k, v in self.maps],
            [(k[rows], v[rows]) for k, v in self.past],
            self.length,
        )


class Transcriber(nn.Module):
    """CNN backbone, Transformer encoder, autoregressive Transformer decoder."""

    def __init__(self, shape: TransformerShape) -> None:
        super().__init__()
        c = shape.channels
        self.backbone = BACKBONES[shape.backbone]()
        self.enter = nn.Linear(self.backbone.channels, c)
        layer = nn.TransformerEncoderLayer(
            c, shape.heads, shape.feed, shape.dropout, batch_first=True, norm_first=True
        )
        layer.self_attn.dropout = 0.0
        self.encoder = nn.TransformerEncoder(
            layer, shape.encoder, nn.LayerNorm(c), enable_nested_tensor=False
        )
        self.embed = nn.Embedding(shape.units, c)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.decoder))
        self.drop = nn.Dropout(shape.dropout)
        self.norm = nn.LayerNorm(c)
        self.out = nn.Linear(c, shape.units)
        self.columns = nn.Linear(c, shape.units)
        nn.init.normal_(self.embed.weight, std=c**-0.5)

    def encode(self, images: Tensor) -> tuple[DecoderState, Tensor]:
        """Pictures (B, 1, H, W) uint8 -> the decoder's state before the first unit, and
        CTC log-probabilities (B, W / 4, V) of the columns."""
        x = self.enter(self.backbone(normalised(images)).permute(0, 2, 3, 1))
        b, h, w, c = x.shape
        memory = self.encoder((x + place(h, w, c, x.device)).flatten(1, 2))
        frames = self.columns(memory.view(b, h, w, c).mean(dim=1)).float().log_softmax(dim=2)
        return DecoderState([layer.cross.project(memory) for layer in self._layers()]), frames

    def decode_step(self, state: DecoderState, units: Tensor) -> tuple[Tensor, DecoderState]:
        """Units (B, L) -> logits of the next of each (B, L, V), and the decoder's new state.

        BLANK is the start symbol in the input and the end symbol in the output.
        """
        c, end = self.embed.embedding_dim, state.length + units.shape[1]
        where = torch.arange(end, device=units.device)[state.length :]
        x = self.drop(self.embed(units) * math.sqrt(c) + sinusoid_of(where, c))
        past: list[KeysValues] = []
        for i, layer in enumerate(self._layers()):
            x, cache = layer(x, state.past[i] if state.past else None, state.maps[i])
            past.append(cache)
        return self.out(self.norm(x)).float(), DecoderState(state.maps, past, end)

    def forward(self, images: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures and the units before each -> logits of the next, (B, L + 1, V), and frames."""
        state, frames = self.encode(images)
        return self.decode_step(state, before)[0], frames

    def _layers(self) -> list[Layer]:
        return [layer for layer in self.layers if isinstance(layer, Layer)]


class TranscriberEncoder(nn.Module):
    """The part of a `Transcriber` that looks at the image, with the parameters' names."""

    def __init__(self, model: Transcriber) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures (B, 1, H, W) uint8 -> frames (B, T, V), memory (layers, 2, B, heads, N, d)."""
        state, frames = self.model.encode(images)
        return frames, _stacked(state.maps)


class TranscriberStep(nn.Module):
    """One decoding step of a `Transcriber`."""

    def __init__(self, model: Transcriber) -> None:
        super().__init__()
        self.model = model

    def forward(self, memory: Tensor, past: Tensor, units: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probabilities (B, V) of what follows units (B, 1), and their keys and values with
        those of the P units before, ``past`` (layers, 2, B, heads, P, d).

        ``memory`` is of one image.
        """
        memory = memory.expand(-1, -1, units.shape[0], -1, -1, -1)
        state = DecoderState(_pairs(memory), _pairs(past), past.shape[4])
        scores, after = self.model.decode_step(state, units)
        return scores[:, -1].log_softmax(dim=1), _stacked(after.past)


def _stacked(pairs: Sequence[KeysValues]) -> Tensor:
    return torch.stack([torch.stack(pair) for pair in pairs])


def _pairs(stacked: Tensor) -> list[KeysValues]:
    return [(pair[0], pair[1]) for pair in stacked]


@torch.no_grad()
def greedy(model: Transcriber, images: Tensor, longest: int) -> list[list[int]]:
    """Units of each image by greedy decoding, at most ``longest``."""
    state, _ = model.encode(images)
    unit = torch.full((len(images), 1), BLANK, device=images.device)
    ended = torch.zeros_like(unit, dtype=torch.bool)
    found = []
    for _ in range(longest):
        scores, state = model.decode_step(state, unit)
        unit = scores.argmax(dim=2).masked_fill(ended, BLANK)
        ended = ended | (unit == BLANK)
        found.append(unit)
        if ended.all():
            break
    return [[u for u in row if u != BLANK] for row in torch.cat(found, dim=1).tolist()]


@torch.no_grad()
def beam(
    model: Transcriber, images: Tensor, units: Units, width: int, longest: int
) -> list[list[int]]:
    """The best label of each image that the grammar allows; see `transcribe`."""
    encoded, frames = model.encode(images)
    found = []
    for i, row in enumerate(frames.cpu().numpy()):
        start = encoded.select(torch.tensor([i], device=images.device))
        labels = transcribe(_steps(model, start), row, units, width, longest)
        found.append(list(labels[0][0]))
    return found


def _steps(model: Transcriber, state: DecoderState) -> Step:
    """The decoder of one image, which keeps keys and values of the units before."""
    device = state.maps[0][0].device

    def step(last: Sequence[int], parents: Sequence[int]) -> NDArray[np.float32]:
        nonlocal state
        state = state.select(torch.tensor(parents, device=device))
        scores, state = model.decode_step(state, torch.tensor(last, device=device)[:, None])
        rows: NDArray[np.float32] = scores[:, -1].log_softmax(dim=1).cpu().numpy()
        return rows

    return step
