"""The style of a synthetic writer: the parameters that are constant over all of their symbols.

Input: a seed. Output: a `WriterStyle`, drawn from distributions set by hand (convention).
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hmer_cli.synthesis.glyph import Points
from hmer_cli.synthesis.layout_statistics import families

_MOST = 1.6
"""Habits are clipped to this number of standard deviations."""  # convention


@dataclass(frozen=True)
class WriterStyle:
    """One writer. Lengths are in x heights unless noted.

    ``slant`` is the lean to the right over the height; ``wide``, ``high`` and ``deep`` are how wide
    letters are, how high they rise over an x and how deep they reach below the line, as shares of
    the mean. ``angular`` is the weight of straight chords against curves, ``tempo`` the median
    response in points (see `pen_kinematics.impulse_response`). ``deviation`` is the deviation of
    the writer's control points from the font's, ``jitter`` that of one symbol from the next of its
    token, in hundredths of an x height. ``landing`` and ``leaving`` are the hooks of long strokes,
    ``pen`` the width of the line, ``even`` the factor on layout noise, ``slope`` and ``wave`` those
    of the baseline. ``joined``: words are cursive. ``habits`` are the z-scores of families of
    layout measures.
    """

    seed: int
    slant: float
    wide: float
    high: float
    deep: float
    angular: float
    tempo: float
    deviation: float
    jitter: float
    landing: Points
    leaving: Points
    pen: float
    even: float
    slope: float
    wave: float
    joined: bool
    habits: Mapping[str, float]

    @classmethod
    def of(cls, seed: int) -> WriterStyle:
        """The style of the writer with this number."""
        rng = np.random.default_rng(seed)
        hooks = rng.normal(0, 1, (2, 2)) * rng.exponential(0.035, (2, 1))
        return cls(
            seed=seed,
            slant=float(np.clip(rng.normal(0.02, 0.16), -0.28, 0.42)),
            wide=math.exp(rng.normal(0, 0.14)),
            high=float(np.clip(rng.normal(1.03, 0.12), 0.8, 1.2)),
            deep=float(np.clip(rng.normal(1, 0.2), 0.6, 1.4)),
            angular=rng.uniform(-0.2, 0.5),
            tempo=rng.integers(3, 13) / 4,
            deviation=rng.uniform(2, 6),
            jitter=rng.uniform(0.8, 2.4),
            landing=hooks[0].astype(np.float32),
            leaving=(hooks[1] + (0.02, 0)).astype(np.float32),
            pen=rng.uniform(0.06, 0.12),
            even=rng.uniform(0.3, 0.8),
            slope=rng.normal(0, 0.015),
            wave=rng.normal(0, 0.05),
            joined=bool(rng.random() < 0.5),
            habits={
                family: float(np.clip(rng.standard_normal(), -_MOST, _MOST))
                for family in families()
            },
        )

    def form(
        self, token: str, shares: Sequence[float], points: int
    ) -> tuple[int, NDArray[np.float64]]:
        """The writer's variant of a token, and the offsets of its control points.

        ``shares`` are the frequencies of the variants. The offsets are (points, 2), in hundredths
        of an x height.
        """
        rng = np.random.default_rng((self.seed, zlib.crc32(token.encode())))
        variant = int(rng.choice(len(shares), p=np.array(shares) / sum(shares)))
        return variant, rng.normal(0, self.deviation, (points, 2))
