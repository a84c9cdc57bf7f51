"""Distances between two sets of images: Fréchet and sliced Wasserstein.

Input: features or patches, (N, D) each. Output: a distance, 0 for equal sets.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hmer_cli.ink.render import Image

Floats = NDArray[np.floating]

_PATCHES = 20_000
_PATCH = 16
_PROJECTIONS = 256


def frechet(one: Floats, other: Floats) -> float:
    """The Fréchet distance of two sets of features, (N, D) each, modelled as normal distributions.

    FID (Heusel et al., NeurIPS 2017) is this distance for features of an Inception network; other
    features are not comparable with it. It is biased upwards for few samples.
    """
    means = one.mean(0) - other.mean(0)
    a, b = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    roots = np.sqrt(np.maximum(np.linalg.eigvals(np.atleast_2d(a) @ np.atleast_2d(b)).real, 0))
    return float(means @ means + np.trace(np.atleast_2d(a + b)) - 2 * roots.sum())


def patches(images: Sequence[Image], seed: int = 0) -> NDArray[np.float32]:
    """Patches of 16 x 16 pixels with ink at their centre: (N, 256) float32, N <= 20,000, ink 1."""
    rng = np.random.default_rng(seed)
    found = []
    each = -(-_PATCHES // len(images))
    half = _PATCH // 2
    for image in images:
        ink = np.pad(1 - image.astype(np.float32) / 255, half)
        ys, xs = np.nonzero(ink > 0.5)
        if not len(ys):
            continue
        for i in rng.integers(len(ys), size=each):
            y, x = int(ys[i]) - half, int(xs[i]) - half
            found.append(ink[y : y + _PATCH, x : x + _PATCH].ravel())
    return np.stack(found).astype(np.float32)[rng.permutation(len(found))[:_PATCHES]]


def sliced(one: Floats, other: Floats, seed: int = 0) -> float:
    """The sliced Wasserstein distance of two sets of points, (N, D) each.

    The mean over 256 random directions of the 1-D Wasserstein distance of the projections (Rabin et
    al., SSVM 2011); without Laplacian pyramids.
    """
    rng = np.random.default_rng(seed)
    directions = rng.standard_normal((one.shape[1], _PROJECTIONS))
    directions /= np.linalg.norm(directions, axis=0)
    count = min(len(one), len(other))
    a, b = (np.sort(points[:count] @ directions, axis=0) for points in (one, other))
    return float(np.abs(a - b).mean())
