"""HMEG's painter: symbols in their boxes to an image, and the discriminators of what it paints.

Every symbol's texture is placed in its box (differentiably, see `placement`); what they make
together is the layout that a cascaded refinement network (Chen and Koltun, ICCV 2017) turns into
the image at three scales. The whole is narrow: HMEG has up to 1024 channels and 256 px, this 16
channels and symbols of 24 px.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hmer_cli.networks.hmeg.glyphs import Decoder, Sizes, sized
from hmer_cli.networks.hmeg.graphs import UNKNOWN
from hmer_cli.networks.hmeg.placement import place

UNIT = 24.0
"""The usual size of a symbol (the mean of their longer sides) in pixels."""

MARGIN = 6.0
"""White round an expression, in pixels."""

EDGE = 0.75
"""Margin of boxes around the pen's line, in pixels, for its soft edge."""

CHANNELS = 16, 12, 8
"""Of the refinements at a quarter of the image's size, at half of it, and at all of it."""

_FULL = 0.995
"""No ink is darker than this, so that ink under ink keeps a gradient."""


class Refinement(nn.Module):
    """A cascade over the whole image: input of each module is the layout at its scale, and the last
    output."""

    def __init__(self, layout: int) -> None:
        super().__init__()
        before = (0, *CHANNELS[:-1])
        self.modules_ = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(layout + a, b, 3, padding=1), nn.LeakyReLU(0.2),
                nn.Conv2d(b, b, 3, padding=1), nn.LeakyReLU(0.2),
            )
            for a, b in zip(before, CHANNELS, strict=True)
        )  # fmt: skip
        self.change = nn.Conv2d(CHANNELS[-1], 1, 1)
        nn.init.zeros_(self.change.weight)
        nn.init.zeros_(self.change.bias)  # type: ignore[arg-type]

    def forward(self, layout: Tensor) -> Tensor:
        """(B, C, H, W), sides multiples of 4, -> what to add to the logits of ink, (B, 1, H, W)."""
        x: Tensor | None = None
        for i, module in enumerate(self.modules_):
            scale = 2 ** (len(CHANNELS) - 1 - i)
            seen = F.avg_pool2d(layout, scale) if scale > 1 else layout
            if x is not None:
                seen = torch.cat([seen, F.interpolate(x, scale_factor=2.0)], dim=1)
            x = module(seen)
        return self.change(x)


class Painter(nn.Module):
    """Symbols, boxes and styles -> images. Begins as its decoder alone: nothing is refined."""

    def __init__(self, tokens: int, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.decoder = Decoder(tokens, sizes)
        self.refinement = Refinement(1 + sizes.features)

    def textures(
        self,
        symbols: Tensor,
        forms: Tensor,
        boxes: Tensor,
        pens: Tensor,
        hand: Tensor,
        turn: Tensor,
    ) -> Tensor:
        """Textures (N, 1 + features, R, R): the share of ink first, 0 to 1."""
        drawn = self.decoder(symbols, forms, sized(boxes, pens, UNIT), hand, turn)
        ink = torch.sigmoid(drawn[:, :1])
        return torch.cat([ink, ink * torch.tanh(drawn[:, 1:])], dim=1)

    def forward(
        self,
        textures: Tensor,
        boxes: Tensor,
        bent: Tensor,
        belongs: Tensor,
        ys: Tensor,
        xs: Tensor,
    ) -> Tensor:
        """Textures in their boxes, (N, 4) in pixels, -> logits of ink, (B, 1, H, W).

        ``belongs`` (B, N) is 1 where a symbol belongs to an image; ``ys`` and ``xs`` are the
        pixels' centres.
        """
        placed = place(textures, boxes, bent, ys, xs)
        dense = -torch.log1p(-_FULL * placed[:, :1].clamp(0, 1))
        together = torch.cat([dense, placed[:, 1:]], dim=1)
        layout = torch.einsum("bn,ncyx->bcyx", belongs, together)
        ink = (1 - torch.exp(-layout[:, :1])).clamp(1 - _FULL, _FULL)
        return torch.logit(ink) + self.refinement(torch.cat([ink, layout[:, 1:]], dim=1))


class PatchDiscriminator(nn.Module):
    """A discriminator of patches of 22 px (Isola et al., CVPR 2017)."""

    def __init__(self) -> None:
        super().__init__()
        self.near = nn.Sequential(nn.Conv2d(1, 16, 4, 2, 1), nn.LeakyReLU(0.2))
        self.far = nn.Sequential(nn.Conv2d(16, 32, 4, 2, 1), nn.LeakyReLU(0.2))
        self.score = nn.Conv2d(32, 1, 4, 1, 1)

    def forward(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(B, 1, H, W), 0 to 1 -> scores of patches, and intermediate features."""
        near = self.near(images)
        far = self.far(near)
        return self.score(far), [near, far]


class SymbolDiscriminator(nn.Module):
    """A discriminator of what lies in a symbol's box; it also names the token (AC-GAN)."""

    def __init__(self, tokens: int) -> None:
        super().__init__()
        count = tokens + UNKNOWN + 1
        self.look = nn.Sequential(
            nn.Conv2d(1, 16, 4, 2, 1), nn.LeakyReLU(0.2),
            nn.Conv2d(16, 32, 4, 2, 1), nn.LeakyReLU(0.2),
            nn.Conv2d(32, 64, 4, 2, 1), nn.LeakyReLU(0.2),
            nn.Flatten(),
        )  # fmt: skip
        self.size = nn.Linear(3, 96)
        self.hidden = nn.Linear(64 * 16, 96)
        self.symbol = nn.Embedding(count, 96)
        self.real = nn.Linear(96, 1)
        self.name = nn.Linear(96, count)

    def forward(self, textures: Tensor, symbols: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 1, R, R) of 0 to 1 -> scores (N,) given the token, and logits of tokens (N, V)."""
        seen = F.leaky_relu(self.hidden(self.look(textures)) + self.size(size), 0.2)
        return self.real(seen)[:, 0] + (self.symbol(symbols) * seen).mean(-1), self.name(seen)


def on_canvas(boxes: Tensor, mask: Tensor, pens: Tensor) -> tuple[Tensor, tuple[int, int]]:
    """A layout network's boxes on a canvas: (B, N, 4) -> (M, 4), height and width in pixels.

    Left edge, middle, width, height in the usual size of a symbol become left, top, right, bottom
    in pixels, with room for the pens (M,); M are the symbols that are no padding.
    """
    x, y, w, h = boxes.unbind(-1)
    corners = torch.stack([x, y - h / 2, x + w, y + h / 2], dim=-1) * UNIT
    low = corners[..., :2].detach().masked_fill(mask[..., None] == 0, torch.inf).amin(1)
    corners = corners - torch.cat([low, low], dim=-1)[:, None] + MARGIN
    room = (pens / 2 + EDGE)[:, None] * torch.tensor([-1.0, -1.0, 1.0, 1.0])
    placed = corners[mask > 0] + room
    right, bottom = placed.detach()[:, 2:].amax(0).tolist()
    return placed, (whole(bottom), whole(right))


def whole(length: float) -> int:
    """Pixels for this length and a margin: a multiple of 8."""
    return 8 * -int(-(length + MARGIN) // 8)


def centres(shape: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """The middles of the rows and columns of a canvas."""
    return torch.arange(shape[0]) + 0.5, torch.arange(shape[1]) + 0.5
