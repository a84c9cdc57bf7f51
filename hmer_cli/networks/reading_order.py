"""Reading-order head: 2-D feature map -> soft gathering of its cells into frames, in label order.

Each cell has a presence (a symbol has its centre there), each pair of cells a precedence; ranks
follow from both. Letters as in `hmer_cli.networks.ctc_model`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hmer_cli.networks.layers import mask_bias
from hmer_cli.recognition.scale import SLOT

FAINT = 0.05
"""Presences under this count as none, lest the empty cells of a large image add up."""


class ReadingOrder(nn.Module):
    """The two-dimensional map -> frames in the order of the label.

    CTC needs frames in the order of its target, and in a fraction columns have none. So the order
    is read off the map: each cell has the log-odds that a symbol has its centre there
    (``presence``), each pair of cells those of which comes first (``before``, initially the left).
    The presences that come before a cell add up to its rank; frame t then gathers the cells whose
    rank is near t / SLOT. All of it is differentiable, and the trace groups of the ink supervise
    presence and precedence directly.
    """

    KEYS = 64

    def __init__(self, c: int) -> None:
        super().__init__()
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
        presence = self.presence(cells).squeeze(2).float() + mask_bias(mask)
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
        """The place on the map of each of the frames (T,), (B, T, 2): x, y in cells.

        Unlike the frame's content, its place is never nothing: a closing brace beyond the last
        symbol is where that symbol is.
        """
        offset = (rank[:, None] + 1) * SLOT - frames[None, :, None]
        near = there[:, None] * torch.exp(-2 * offset.abs()) + 1e-30 * there[:, None]
        cell = torch.arange(rank.shape[1], device=rank.device)
        centres = torch.stack([cell % w, cell // w], dim=1).float() + 0.5
        return near @ centres / near.sum(dim=2, keepdim=True).clamp(min=1e-35)
