"""Forms: clusters of the shapes of each token.

Input: textures of symbols. Output: a few prototypes a token, by k-means, and the form of each
symbol.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from hmer_cli.networks.hmeg.graphs import UNKNOWN
from hmer_cli.networks.hmeg.placement import R
from hmer_cli.training.hmeg.pictures import Picture

_EACH = 15
"""A form is the mean of so many symbols at least, by many hands: no one's own."""

_MOST = 500
"""Symbols of a token that are looked at."""

_ROUNDS = 8
_COARSE = 2
_LEAST = 0.02
_NARROW = 0.1
_HOPELESS = 5.0


@dataclass(frozen=True)
class Forms:
    """means (V, K, R, R), the share of ink of each form of each token learnt; share (V, K) says how
    often it is written, 0 for forms that a token does not have; aspect (V, K, 2) are mean and
    deviation of the logarithm of width over height: a 1 with a foot is wider than one without."""

    means: Tensor
    share: Tensor
    aspect: Tensor

    @classmethod
    def of(cls, pictures: Sequence[Picture], tokens: Sequence[str], most: int, seed: int) -> Forms:
        """At most so many forms for each token."""
        rng = np.random.default_rng(seed)
        found: dict[str, list[NDArray[np.uint8]]] = {token: [] for token in tokens}
        sides: dict[str, list[float]] = {token: [] for token in tokens}
        for i in rng.permutation(len(pictures)).tolist():
            one = pictures[i]
            width, height = (one.boxes[:, 2:] - one.boxes[:, :2]).T
            aspects = np.log(width / height).tolist()
            for token, texture, aspect in zip(
                one.layout.graph.symbols, one.textures, aspects, strict=True
            ):
                if token in found and len(found[token]) < _MOST:
                    found[token].append(texture)
                    sides[token].append(aspect)
        means = torch.zeros(len(tokens), most, R, R)
        share = torch.zeros(len(tokens), most)
        aspect = torch.zeros(len(tokens), most, 2)
        for row, token in enumerate(tokens):
            seen = torch.from_numpy(np.stack(found[token])).float() / 255
            belongs = _clusters(seen, min(most, max(1, len(seen) // (2 * _EACH))), rng)
            kept = [k for k in range(int(belongs.max()) + 1) if (belongs == k).sum() >= _EACH]
            groups = [belongs == k for k in kept] or [belongs >= 0]
            for k, group in enumerate(groups):
                means[row, k], share[row, k] = seen[group].mean(0), float(group.sum())
                own = torch.tensor(sides[token])[group]
                spread = own.std(correction=0).clamp(min=_NARROW)
                aspect[row, k] = torch.stack([own.mean(), spread])
        return cls(means, share / share.sum(1, keepdim=True), aspect)

    def logits(self) -> Tensor:
        """What the prototypes begin with, (V, K, R, R)."""
        return torch.logit(self.means.clamp(_LEAST, 1 - _LEAST))

    def nearest(self, textures: Tensor, symbols: Tensor) -> Tensor:
        """The form of each texture (N, 1, R, R) of a token (N,): (N,) int64."""
        row = (symbols - UNKNOWN - 1).clamp(min=0)
        off = ((_soft(textures) - _soft(self.means)[row]) ** 2).sum((2, 3))
        return off.masked_fill(self.share[row] == 0, torch.inf).argmin(1)

    def sample(self, symbols: Tensor, size: Tensor, generator: torch.Generator) -> Tensor:
        """Forms as often as people write them in boxes of these sizes, (N, 3): (N,) int64."""
        row = (symbols - UNKNOWN - 1).clamp(min=0)
        mean, spread = self.aspect[row].unbind(-1)
        off = ((size[:, :1] - size[:, 1:2]).detach() - mean) / spread.clamp(min=_NARROW)
        # no worse than hopeless, so that boxes like nobody's have a form, too
        fit = torch.exp(-(off.clamp(-_HOPELESS, _HOPELESS) ** 2) / 2) / spread.clamp(min=_NARROW)
        return torch.multinomial(self.share[row] * fit, 1, generator=generator)[:, 0]


def _clusters(seen: Tensor, count: int, rng: np.random.Generator) -> Tensor:
    """The cluster of each texture (N, R, R), by k-means."""
    flat = _soft(seen[:, None]).flatten(1)
    centres = flat[torch.from_numpy(rng.permutation(len(flat))[:count])]
    for _ in range(_ROUNDS):
        belongs = torch.cdist(flat, centres).argmin(1)
        centres = torch.stack(
            [flat[belongs == k].mean(0) if (belongs == k).any() else centres[k]
             for k in range(len(centres))]
        )  # fmt: skip
    return belongs


def _soft(textures: Tensor) -> Tensor:
    """Smaller and blurred, (N, C, R, R) -> (N, C, R / 2, R / 2), so that near misses are near."""
    return F.avg_pool2d(F.avg_pool2d(textures, 3, 1, 1), _COARSE)
