"""Confidence that means what it says: Platt scaling on expressions the model never saw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from hmer_cli.datasets.expressions import Sample
from hmer_cli.errors import InputError
from hmer_cli.expr.tokens import join
from hmer_cli.ink.render import Readable
from hmer_cli.recognition.recogniser import Recogniser, basis

_CHUNK = 64
"""Images held at a time, to be read side by side."""

Weights = tuple[float, ...]
"""How much each of the things that speak for a label counts, and the offset."""


def calibrate(weights: Path, samples: Sequence[Sample]) -> dict[str, Weights]:
    """What turns the odds and the lead of a choice into the log-odds of its being right.

    Once for ink that knows how it was written, once for its images, and for CTC alone. The samples
    must be none of the training data. Raises as `Recogniser.load` does.
    """
    found = {}
    for rescoring in (True, False):
        recogniser = Recogniser.load(str(weights), rescoring=rescoring)
        for written, way in ((True, Sample.readable), (False, Sample.image)):
            evidence, right = _evidence(recogniser, samples, way)
            if right:
                found[basis(written, rescoring)] = platt(evidence, right)
    return found


def _evidence(
    recogniser: Recogniser, samples: Sequence[Sample], way: Callable[[Sample], Readable]
) -> tuple[list[tuple[float, float]], list[bool]]:
    """What speaks for each choice, and whether it is right."""
    evidence, right = [], []
    for start in range(0, len(samples), _CHUNK):
        images, truths = [], []
        for sample in samples[start : start + _CHUNK]:
            try:
                image = way(sample)
            except InputError:
                continue
            if sample.label:
                images.append(image)
                truths.append(sample.label)
        for choice, truth in zip(recogniser.choose(images), truths, strict=True):
            if choice is not None:
                evidence.append((choice.odds, choice.margin))
                right.append(join(recogniser.units.decode(choice.units)) == truth)
    return evidence, right


def platt(evidence: ArrayLike, right: Sequence[bool], steps: int = 50) -> Weights:
    """Logistic regression on ``evidence`` (N, K) by Newton's method, with the targets of Platt.

    These (Platt, 1999) are drawn in from 0 and 1 by the counts, so that it converges on any data;
    the result (K + 1,) ends with the offset.
    """
    x = np.asarray(evidence, float)
    x = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    y = np.asarray(right, bool)
    high, low = (y.sum() + 1) / (y.sum() + 2), 1 / ((~y).sum() + 2)
    target = np.where(y, high, low)
    weights = np.zeros(x.shape[1])
    weights[-1] = np.log((y.sum() + 1) / ((~y).sum() + 1))
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        curve = (x * (p * (1 - p))[:, None]).T @ x + 1e-6 * np.eye(x.shape[1])
        weights = weights - np.linalg.solve(curve, x.T @ (p - target))
    return tuple(weights.tolist())
