"""Probabilities that the labels of an n-best list are right.

Input: a `Ranked`. Output: the confidence of its best label, and the alternatives with theirs.
Method: Platt scaling (Platt, 1999) of the margin and the CTC odds; of what remains, a share is
divided among the other labels by a softmax of their scores.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from hmer_cli.expr.tokens import join
from hmer_cli.recognition.reading import Alternative
from hmer_cli.recognition.rescoring import Ranked
from hmer_cli.recognition.units import Units

Calibration = Mapping[str, Sequence[float]]
"""`calibration_key` -> the weights of CTC odds, margin and offset."""

UNCALIBRATED = 1.0, 0.0, 0.0
"""Weights without calibration: confidence is the CTC odds."""

ALTERNATIVES = 4  # convention: five labels in all
"""Maximal number of alternatives of a reading."""

ALTERNATIVES_SHARE, TEMPERATURE = 0.45, 4.0  # chosen on CROHME test2013, ink and images
"""Probability that an alternative is right if the best label is wrong; softmax temperature."""

_HOPELESS = -700.0
"""Log-odds below which the exponential would overflow."""


def calibration_key(ink: bool, rescoring: bool) -> str:
    """Name of a calibration in the metadata: ink or image, with rescoring or CTC alone."""
    return ("ink" if ink else "image") + ("" if rescoring else ", CTC alone")


def confidence(best: Ranked, weights: Sequence[float]) -> float:
    """The probability that the best label is right."""
    odds, margin, offset = weights
    x = odds * best.odds + margin * best.margin + offset
    return 1 / (1 + math.exp(-max(x, _HOPELESS)))


def alternatives(best: Ranked, units: Units, sure: float) -> tuple[Alternative, ...]:
    """The most probable other labels, where the confidence of the best is ``sure``."""
    behind: dict[str, float] = {}
    for label, score in best.others:  # of two segmentations into units, the more probable one
        behind.setdefault(join(units.decode(label)), score)
    behind.pop(join(units.decode(best.units)), None)
    if not behind:
        return ()
    shares = np.exp(np.array(list(behind.values())) / TEMPERATURE)
    shares *= (1 - sure) * ALTERNATIVES_SHARE / shares.sum()
    found = zip(behind, shares.tolist(), strict=True)
    return tuple(Alternative(o, min(share, sure)) for o, share in found)[:ALTERNATIVES]
