"""Calibration metrics: expected calibration error, and errors among low-confidence answers.

Input: confidences (0 to 1) and whether each answer is right. Output: a share, 0 to 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def expected_calibration_error(
    confidences: Sequence[float], right: Sequence[bool], bins: int = 15
) -> float:
    """Mean gap between confidence and share of right answers, over bins of equal mass.

    Equal mass rather than equal width (Nixon et al., Measuring Calibration in Deep Learning,
    2019): no bin is empty, and no bin of two answers weighs as much as one of two hundred.

    Raises:
        ValueError: there are no answers.
    """
    sure, correct = _ranked(confidences, right)
    parts = np.array_split(np.arange(len(sure)), min(bins, len(sure)))
    gaps = [abs(float(np.sum(sure[part] - correct[part]))) for part in parts]
    return sum(gaps) / len(sure)


def wrong_caught(
    confidences: Sequence[float], right: Sequence[bool], reviewed: float = 0.1
) -> float | None:
    """Recall of wrong answers in the least confident share ``reviewed`` of all answers.

    That share is rounded up to whole answers. None if no answer is wrong.

    Raises:
        ValueError: there are no answers.
    """
    _, correct = _ranked(confidences, right)
    wrong = 1.0 - correct
    if all(right):
        return None
    return float(wrong[: math.ceil(round(reviewed * len(wrong), 6))].sum() / wrong.sum())


def _ranked(confidences: Sequence[float], right: Sequence[bool]) -> tuple[Floats, Floats]:
    """Confidences in rising order, and the correctness (0 to 1) of each answer.

    Answers of equal confidence get their mean, so that no score depends on their order.
    """
    if not len(confidences) or len(confidences) != len(right):
        raise ValueError("one confidence for each of at least one answer is needed")
    levels, level, counts = np.unique(
        np.asarray(confidences, dtype=np.float64), return_inverse=True, return_counts=True
    )
    means = np.bincount(level, weights=np.asarray(right, dtype=np.float64)) / counts
    return np.repeat(levels, counts), np.repeat(means, counts)
