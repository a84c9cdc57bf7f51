"""Fusion of the candidates of several views of one page (as it is, and sharpened).

Input: candidates with probabilities, a set per view. Output: all candidates, with mean
probabilities and mean frames of those that match by IoU. After Solovyev, Wang and Gabruseva,
Weighted boxes fusion, Image and Vision Computing 107 (2021), section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hmer_cli.geometry import iou
from hmer_cli.page.detect.integral import Floats

_MANY = 256  # candidates per block, to bound memory
_SAME = 0.9  # IoU of the ink boxes of one candidate in two views


@dataclass(frozen=True)
class Candidates:
    """N candidates: ``boxes`` (N, 4) around their ink, ``frames`` (N, 4) with the margins of
    annotated boxes, ``likely`` (N,) the probability of being exactly one expression."""

    boxes: Floats
    frames: Floats
    likely: Floats

    def moved(self, down: float) -> Candidates:
        """The same so many pixels further down."""
        way = np.array([0, down, 0, down], np.float32)
        return Candidates(self.boxes + way, self.frames + way, self.likely)

    @classmethod
    def together(cls, several: Sequence[Candidates]) -> Candidates:
        """Those of several parts of one page."""
        return cls(
            np.concatenate([each.boxes for each in several]),
            np.concatenate([each.frames for each in several]),
            np.concatenate([each.likely for each in several]),
        )


def fuse_boxes(looks: Sequence[Candidates]) -> Candidates:
    """The candidates of all views, each with the mean probability and the mean frame over views.

    The probability is 0 in a view without a matching candidate. Unlike in weighted boxes fusion
    every candidate stays, since expressions may overlap.
    """
    if len(looks) == 1:
        return looks[0]
    matched = [[_match(own, other) for other in looks] for own in looks]
    boxes = np.concatenate([look.boxes for look in looks])
    likely = np.concatenate([np.mean([matching for matching, _ in row], 0) for row in matched])
    frames = np.concatenate([_mean(row) for row in matched])
    return Candidates(boxes, frames.astype(np.float32), likely.astype(np.float32))


def _match(own: Candidates, other: Candidates) -> tuple[Floats, Floats]:
    """Probability and frame in another view of each of our candidates, (N,) and (N, 4)."""
    if own is other:
        return own.likely, own.frames
    if not len(own.boxes) or not len(other.boxes):
        return np.zeros_like(own.likely), own.frames
    best, which = [], []
    for start in range(0, len(own.boxes), _MANY):
        same = iou(own.boxes[start : start + _MANY, None], other.boxes[None]) >= _SAME
        matching = np.where(same, other.likely, 0)
        best.append(matching.max(1))
        which.append(matching.argmax(1))
    return np.concatenate(best), other.frames[np.concatenate(which)]


def _mean(row: Sequence[tuple[Floats, Floats]]) -> Floats:
    """The mean frame over the views that have the candidate."""
    there = np.stack([matching > 0 for matching, _ in row]).astype(np.float32)
    frames = np.stack([frame for _, frame in row])
    return np.asarray((frames * there[..., None]).sum(0) / there.sum(0)[:, None])
