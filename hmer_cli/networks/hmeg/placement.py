r"""Textures into boxes and back, differentiable in the boxes.

A texture is a square of R x R texels that fills its box. Boxes are upright, so placing one is two
matrix products, one for the rows and one for the columns, with the tents of bilinear interpolation
as weights: the spatial transformer (Jaderberg et al., NeurIPS 2015) without rotation. As the tents
depend on the box, every loss on the canvas reaches its four numbers.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

R = 32
"""Texels along each side of a texture."""

_HOOK = 0.8
"""Largest width of a radical's hook relative to its height; it is half of the texture."""
_THIN = 1e-3


def place(textures: Tensor, boxes: Tensor, bent: Tensor, ys: Tensor, xs: Tensor) -> Tensor:
    """Each texture on a canvas of its own: (N, C, R, R) -> (N, C, H, W), 0 outside its box.

    ``boxes`` (N, 4) are left, top, right, bottom in pixels; ``ys`` (H,) and ``xs`` (W,) are the
    centres of the canvas's pixels. ``bent`` (N,) is 1 for radicals, whose hook keeps its width.
    """
    rows, columns = weights(boxes, bent, ys, xs)
    return torch.einsum("nyr,ncrs,nxs->ncyx", rows, textures, columns)


def weights(boxes: Tensor, bent: Tensor, ys: Tensor, xs: Tensor) -> tuple[Tensor, Tensor]:
    """What each texel adds to each row and column of the canvas: (N, H, R) and (N, W, R)."""
    x0, y0, x1, y1 = boxes.unbind(-1)
    width, height = (x1 - x0).clamp(min=_THIN), (y1 - y0).clamp(min=_THIN)
    down = (ys[None] - y0[:, None]) / height[:, None]
    along = _straightened(xs[None] - x0[:, None], width, height, bent)
    return _tents(down, R / height), _tents(along, R / width)


def crop(canvas: Tensor, boxes: Tensor, bent: Tensor) -> Tensor:
    """What lies in each box, as a texture: (N, C, H, W) -> (N, C, R, R).

    Boxes larger than the texture are averaged, not sampled. Beside the canvas all is 0.
    """
    x0, y0, x1, y1 = boxes.unbind(-1)
    width, height = (x1 - x0).clamp(min=_THIN), (y1 - y0).clamp(min=_THIN)
    H, W = canvas.shape[-2:]
    edges = torch.arange(R + 1, device=canvas.device) / R
    down = y0[:, None] + height[:, None] * edges
    along = x0[:, None] + _bent(edges, width, height, bent)
    return torch.einsum("nry,ncyx,nsx->ncrs", _means(down, H), canvas, _means(along, W))


def _straightened(x: Tensor, width: Tensor, height: Tensor, bent: Tensor) -> Tensor:
    """Pixels from the left edge, (N, W), -> the share of the texture that lies left of them."""
    plain = x / width[:, None]
    hook = torch.minimum(_HOOK * height, width / 2)[:, None]
    kneed = torch.where(x < hook, x / hook, 1 + (x - hook) / (width[:, None] - hook)) / 2
    return torch.where(bent[:, None] > 0, kneed, plain)


def _bent(shares: Tensor, width: Tensor, height: Tensor, bent: Tensor) -> Tensor:
    """The inverse: shares of the texture -> pixels from the left edge, (N, S)."""
    plain = shares * width[:, None]
    hook = torch.minimum(_HOOK * height, width / 2)[:, None]
    twice = 2 * shares[None]
    kneed = torch.where(twice < 1, twice * hook, hook + (twice - 1) * (width[:, None] - hook))
    return torch.where(bent[:, None] > 0, kneed, plain)


def _tents(shares: Tensor, dense: Tensor) -> Tensor:
    """(N, P) places in a texture, from 0 to 1, -> (N, P, R) weights of its texels.

    ``dense`` (N,) is how many texels there are for a pixel: where there are several their mean
    counts, so thin symbols keep their grey.
    """
    texel = torch.arange(R, device=shares.device)
    reach = dense.clamp(min=1)[:, None, None]
    return F.relu(1 - (shares[..., None] * R - 0.5 - texel).abs() / reach) / reach


def _means(edges: Tensor, size: int) -> Tensor:
    """(N, R + 1) edges in pixels -> (N, R, size) weights of pixels, which add up to 1."""
    middle = (edges[:, 1:] + edges[:, :-1]) / 2
    reach = (edges[:, 1:] - edges[:, :-1]).clamp(min=1)
    pixel = torch.arange(size, device=edges.device) + 0.5
    return F.relu(1 - (middle[..., None] - pixel).abs() / reach[..., None]) / reach[..., None]
