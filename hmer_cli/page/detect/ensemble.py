"""Several looks at one page -> where its expressions may be, as they see it together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hmer_cli.geometry import iou
from hmer_cli.page.detect.integral import Floats

_MANY = 256  # candidates compared at once, so that memory stays flat
_SAME = 0.9  # IoU of the ink's boxes: candidates that are the same in two looks


@dataclass(frozen=True)
class Candidates:
    """N boxes that hold one expression each, or do not: ``boxes`` (N, 4) around their ink,
    ``frames`` (N, 4) as people would draw them, ``likely`` (N,) how likely they are such."""

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
    """The candidates of all looks, each as likely as all find it in the mean, its frame the mean of
    theirs.

    A candidate is nothing to a look that has none like it. After R. Solovyev, W. Wang and
    T. Gabruseva, Weighted boxes fusion, Image and Vision Computing 107 (2021), section 3; here
    each candidate stays, since some overlap others rightly.
    """
    if len(looks) == 1:
        return looks[0]
    told = [[_as_told(own, other) for other in looks] for own in looks]
    boxes = np.concatenate([look.boxes for look in looks])
    likely = np.concatenate([np.mean([says for says, _ in row], 0) for row in told])
    frames = np.concatenate([_mean(row) for row in told])
    return Candidates(boxes, frames.astype(np.float32), likely.astype(np.float32))


def _as_told(own: Candidates, other: Candidates) -> tuple[Floats, Floats]:
    """How likely the other look finds each of our candidates, (N,), and its frame of it, (N, 4)."""
    if own is other:
        return own.likely, own.frames
    if not len(own.boxes) or not len(other.boxes):
        return np.zeros_like(own.likely), own.frames
    best, which = [], []
    for start in range(0, len(own.boxes), _MANY):
        same = iou(own.boxes[start : start + _MANY, None], other.boxes[None]) >= _SAME
        says = np.where(same, other.likely, 0)
        best.append(says.max(1))
        which.append(says.argmax(1))
    return np.concatenate(best), other.frames[np.concatenate(which)]


def _mean(row: Sequence[tuple[Floats, Floats]]) -> Floats:
    """The mean of the frames of those looks that have the candidate at all."""
    there = np.stack([says > 0 for says, _ in row]).astype(np.float32)
    frames = np.stack([frame for _, frame in row])
    return np.asarray((frames * there[..., None]).sum(0) / there.sum(0)[:, None])
