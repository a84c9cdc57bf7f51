"""Glyph network: textures of symbols from a conditional VAE with a latent per expression.

Input: tokens and latents. Output: textures (N, 1, R, R). HMEG refines a soft mask per symbol; here
the masks are also trained on real symbols, since two CPU cores allow little adversarial training
(Kingma and Welling, ICLR 2014; Sohn et al., NeurIPS 2015). Latents: the form, one of a few
prototypes of the token (1 with or without a foot); the hand, shared by the symbols of an
expression; and an individual variation. All are sampled in generation.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hmer_cli.networks.hmeg.graphs import UNKNOWN
from hmer_cli.networks.hmeg.placement import R

SIZES = 3
"""What is known of a symbol beside its token: logarithms of width and height, the pen."""


@dataclass(frozen=True)
class Sizes:
    """The dimensions of the networks; ``widths`` are the decoder's channels from 4 to 32 px."""

    symbol: int = 32
    hand: int = 16
    turn: int = 16
    forms: int = 6
    features: int = 3
    widths: tuple[int, ...] = (64, 48, 32, 16)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Normal:
    """Independent normal distributions: mean and logarithm of the variance, both (N, D)."""

    mean: Tensor
    spread: Tensor

    def sample(self, generator: torch.Generator) -> Tensor:
        """One value of each, with gradients to both."""
        return self.at(torch.randn(self.mean.shape, generator=generator))

    def at(self, noise: Tensor) -> Tensor:
        """The value for this noise, (N, D)."""
        return self.mean + noise * torch.exp(self.spread / 2)

    def distance(self, other: Normal | None = None) -> Tensor:
        """Kullback-Leibler distance from another, or from the standard normal, in nats: (N,)."""
        if other is None:
            return (self.mean**2 + self.spread.exp() - 1 - self.spread).sum(-1) / 2
        off = ((self.mean - other.mean) ** 2 + self.spread.exp()) / other.spread.exp()
        return (off - 1 + other.spread - self.spread).sum(-1) / 2


class Decoder(nn.Module):
    """Token, form, size, hand and turn -> texture.

    A cascade of refinements (Chen and Koltun, ICCV 2017) at 8, 16 and 32 px: each sees what the
    coarser one made and the prototype at its own size, and all are told the rest.
    """

    hand_mean: Tensor
    hand_axes: Tensor

    def __init__(self, tokens: int, sizes: Sizes) -> None:
        super().__init__()
        count, first = tokens + UNKNOWN + 1, sizes.widths[0]
        self.symbol = nn.Embedding(count, sizes.symbol)
        self.prototypes = nn.Parameter(torch.full((count, sizes.forms, R, R), -2.0))
        self.habits = nn.Parameter(torch.zeros(count, sizes.forms, 2 * sizes.turn))
        self.register_buffer("hand_mean", torch.zeros(sizes.hand))
        self.register_buffer("hand_axes", torch.eye(sizes.hand))
        told = sizes.symbol + sizes.hand + sizes.turn + SIZES
        self.start = nn.Linear(told, first * 16)
        pairs = list(zip(sizes.widths[:-1], sizes.widths[1:], strict=True))
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(a + (i > 0), b, 4, 2, 1) for i, (a, b) in enumerate(pairs)
        )
        self.norms = nn.ModuleList(nn.GroupNorm(4, b, affine=False) for _, b in pairs)
        self.styles = nn.ModuleList(nn.Linear(told, 2 * b) for _, b in pairs)
        last = sizes.widths[-1]
        self.blend = nn.Conv2d(last + 1, last, 3, padding=1)
        self.ink = nn.Conv2d(last, 1 + sizes.features, 3, padding=1)

    def hand(self, noise: Tensor) -> Tensor:
        """The hands that people have, for noise: (B, D) both."""
        return self.hand_mean + noise @ self.hand_axes.T

    def usual(self, symbols: Tensor, forms: Tensor) -> Normal:
        """The turns that people give these forms of these tokens, (N,) both: a learnt prior."""
        return Normal(*_rows(self.habits, symbols, forms).chunk(2, dim=-1))

    def forward(
        self, symbols: Tensor, forms: Tensor, size: Tensor, hand: Tensor, turn: Tensor
    ) -> Tensor:
        """All (N, ...) -> (N, 1 + features, R, R): logits of ink first, features of its look."""
        told = torch.cat([self.symbol(symbols), size, hand, turn], dim=-1)
        prototype = _rows(self.prototypes, symbols, forms)[:, None]
        x = F.leaky_relu(self.start(told), 0.2).unflatten(1, (self.start.out_features // 16, 4, 4))
        for up, norm, style in zip(self.ups, self.norms, self.styles, strict=True):
            gain, shift = style(told)[..., None, None].chunk(2, dim=1)
            x = F.leaky_relu(norm(up(x)) * (1 + gain) + shift, 0.2)
            x = torch.cat([x, F.avg_pool2d(prototype, R // x.shape[-1])], dim=1)
        seen = self.ink(F.leaky_relu(self.blend(x), 0.2))
        return torch.cat([seen[:, :1] + prototype, seen[:, 1:]], dim=1)


class Encoder(nn.Module):
    """Textures of people -> the hand of each expression, and the turn of each symbol."""

    def __init__(self, tokens: int, sizes: Sizes, width: int = 128) -> None:
        super().__init__()
        self.look = nn.Sequential(
            nn.Conv2d(1, 24, 4, 2, 1), nn.LeakyReLU(0.2),
            nn.Conv2d(24, 48, 4, 2, 1), nn.LeakyReLU(0.2),
            nn.Conv2d(48, 64, 4, 2, 1), nn.LeakyReLU(0.2),
            nn.Flatten(),
        )  # fmt: skip
        self.symbol = nn.Embedding(tokens + UNKNOWN + 1, sizes.symbol)
        self.seen = nn.Linear(64 * 16 + sizes.symbol + SIZES, width)
        self.hand = nn.Linear(width, 2 * sizes.hand)
        self.turn = nn.Linear(width + sizes.hand, 2 * sizes.turn)

    def forward(
        self,
        textures: Tensor,
        symbols: Tensor,
        size: Tensor,
        owner: Tensor,
        generator: torch.Generator,
    ) -> tuple[Normal, Normal, Tensor, Tensor]:
        """Textures (N, 1, R, R) of 0 to 1, tokens (N,), sizes (N, 3), the expression of each (N,).

        Returns the distributions of hands (B, D) and turns (N, D), and a sample of each, the
        hands' for every symbol.
        """
        seen = torch.cat([self.look(textures), self.symbol(symbols), size], dim=-1)
        seen = F.leaky_relu(self.seen(seen), 0.2)
        B = int(owner.max()) + 1
        count = torch.bincount(owner, minlength=B).clamp(min=1)[:, None]
        mean = torch.zeros(B, seen.shape[1]).index_add(0, owner, seen) / count
        hands = Normal(*self.hand(mean).chunk(2, dim=-1))
        hand = hands.sample(generator)[owner]
        turns = Normal(*self.turn(torch.cat([seen, hand], dim=-1)).chunk(2, dim=-1))
        return hands, turns, hand, turns.sample(generator)


def _rows(table: Tensor, symbols: Tensor, forms: Tensor) -> Tensor:
    """What a table (V, K, ...) holds of these forms of these tokens, (N, ...)."""
    return table.flatten(0, 1)[symbols * table.shape[1] + forms]


def sized(boxes: Tensor, pens: Tensor, unit: float) -> Tensor:
    """The decoder's sizes, (N, 3), of boxes (N, 4) and pens (N,) in pixels."""
    sides = (boxes[:, 2:] - boxes[:, :2]).clamp(min=1.0) / unit
    return torch.cat([sides.log(), pens[:, None] * 4 / unit], dim=-1)


assert R == 32, "the decoder doubles 4 px three times"
