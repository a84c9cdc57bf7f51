"""A writer's manner: all that stays the same through everything one person writes."""

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
"""No habit is further from the usual, in standard deviations."""


@dataclass(frozen=True)
class WriterStyle:
    """One hand. Lengths are in x heights, unless said otherwise.

    ``slant`` is the lean to the right over the height; ``wide``, ``high`` and ``deep`` are how wide
    letters are, how high they rise over an x and how deep they reach below the line, as shares of
    the usual. ``angular`` is how far curves become straight lines, ``tempo`` how far the pen lags
    behind its aim (see `motion.answer`). ``own`` is how far the writer's letters are from the
    font's, ``unrest`` how far one letter is from the next of its kind, in hundredths of an x.
    ``landing`` and ``leaving`` are the hooks of long strokes, ``pen`` the width of the line,
    ``even`` the share of the usual unevenness of a layout, ``slope`` and ``wave`` are those of the
    line of writing. ``joined``: letters of a word hang together. ``habits`` are the writer's
    deviations from the usual layout, by families of measures.
    """

    seed: int
    slant: float
    wide: float
    high: float
    deep: float
    angular: float
    tempo: float
    own: float
    unrest: float
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
        """The manner of the writer with this number."""
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
            own=rng.uniform(2, 6),
            unrest=rng.uniform(0.8, 2.4),
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

    @classmethod
    def named(cls, name: str) -> WriterStyle:
        """The manner of the writer with this name; numbers are names, too."""
        return cls.of(zlib.crc32(name.encode("utf-8", "surrogateescape")))

    def form(
        self, token: str, shares: Sequence[float], points: int
    ) -> tuple[int, NDArray[np.float64]]:
        """Which way to write a token is the writer's, and how his points lie off.

        ``shares`` are those of the writers who write it in each way. The second is (points, 2), in
        hundredths of an x, for outlines of at most that many points.
        """
        rng = np.random.default_rng((self.seed, zlib.crc32(token.encode())))
        way = int(rng.choice(len(shares), p=np.array(shares) / sum(shares)))
        return way, rng.normal(0, self.own, (points, 2))
