"""Confidence that means what it says: Platt scaling on expressions the model never saw."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hmer_cli.errors import InputError
from hmer_cli.learn.datasets import Sample
from hmer_cli.read.recogniser import Recogniser

_CHUNK = 64
"""Images held at a time, to be read side by side."""


def calibrate(recogniser: Recogniser, samples: Sequence[Sample]) -> tuple[float, float]:
    """Slope and offset that turn the log-odds of a reading into those of its being right.

    ``recogniser`` must itself be uncalibrated, and the samples none of its training data.
    """
    odds, right = [], []
    for start in range(0, len(samples), _CHUNK):
        images, truths = [], []
        for sample in samples[start : start + _CHUNK]:
            try:
                image = sample.seen()
            except InputError:
                continue
            if sample.label:
                images.append(image)
                truths.append(sample.label)
        for reading, truth in zip(recogniser.read(images), truths, strict=True):
            p = min(max(reading.confidence, 1e-9), 1 - 1e-9)
            odds.append(np.log(p / (1 - p)))
            right.append(reading.label == truth)
    return platt(odds, right)


def platt(odds: Sequence[float], right: Sequence[bool], steps: int = 50) -> tuple[float, float]:
    """Logistic regression of one variable by Newton's method, with the targets of Platt (1999).

    The targets are drawn in from 0 and 1 by the counts, so that it converges on any data;
    without data, confidence stays as it is.
    """
    if not odds:
        return 1.0, 0.0
    x = np.stack([np.asarray(odds, float), np.ones(len(odds))], axis=1)
    y = np.asarray(right, bool)
    high, low = (y.sum() + 1) / (y.sum() + 2), 1 / ((~y).sum() + 2)
    target = np.where(y, high, low)
    weights = np.array([0.0, np.log((y.sum() + 1) / ((~y).sum() + 1))])
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        curve = (x * (p * (1 - p))[:, None]).T @ x + 1e-6 * np.eye(2)
        weights = weights - np.linalg.solve(curve, x.T @ (p - target))
    return float(weights[0]), float(weights[1])
