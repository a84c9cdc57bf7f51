"""Looks at one image, and the label that they agree on: CTC, and a judge of what it proposes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hmer_cli.models.session import Session
from hmer_cli.recognition import ctc
from hmer_cli.recognition.prepare import Prepared
from hmer_cli.recognition.scale import CELL

LENGTH_BONUS = 0.6
"""For each unit of a label, beside the log of its CTC probability; see `decode.beam`."""

UNFIT = -100.0
"""The log of the probability of a label that fits the frames of no look."""

RESCORED = 8
"""Of how many labels of CTC's judges are asked, beside those proposed."""

MOST_MARGIN = 12.0
"""No label leads by more."""

Label = tuple[int, ...]
"""The units of a label."""


@dataclass(frozen=True)
class Pass:
    """One pass over an image: frames (T, V), where each looked in cells (T, 2), its hypotheses.

    ``seen`` is what the decoder is given; see `hmer_cli.networks.decoder.Decoder.recall`.
    """

    prepared: Prepared
    frames: ctc.Frames
    places: NDArray[np.float32]
    seen: dict[str, NDArray[np.float32]]
    found: list[ctc.Hypothesis]

    def box(self, place: ctc.Place, symbol: float) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1 of a unit in pixels of the image: a symbol's size around its place."""
        scale = self.prepared.scale
        cells = self.places[place.start : place.end].mean(axis=0)
        x, y = cells * CELL / scale + self.prepared.origin
        half = symbol / scale / 2
        return float(x - half), float(y - half), float(x + half), float(y + half)


@dataclass(frozen=True)
class Ranked:
    """The label that was chosen: its units, the log of its CTC probability, and its ``margin``.

    That is the log-odds that it is right and none of the others that were weighed. ``others`` are
    these, best first, each with how far its score is behind that of the chosen one.
    """

    units: Label
    score: float
    margin: float
    others: tuple[tuple[Label, float], ...] = ()

    @property
    def odds(self) -> float:
        """The log-odds of what CTC says of it."""
        return self.score - math.log(max(-math.expm1(min(self.score, -1e-6)), 1e-12))


Prior = Callable[[Sequence[Label]], NDArray[np.float64]]
"""Labels -> the log of how often people write such ones, up to a constant."""


class Scorer(Protocol):
    """Says how likely labels are, (N,) logs, by what it knows beside the frames of CTC."""

    @property
    def weight(self) -> float:
        """How much it counts beside CTC."""
        ...

    def __call__(self, labels: Sequence[Label]) -> NDArray[np.float64]:
        """The log of each label's probability."""
        ...


@dataclass(frozen=True)
class DecoderScorer:
    """The decoder, which knows what the looks have seen; see `Decoder.likelihood`."""

    session: Session
    looks: Sequence[Pass]
    weight: float = 0.3

    def __call__(self, labels: Sequence[Label]) -> NDArray[np.float64]:
        """The log of each label's probability, that of the looks' mean."""
        return log_mean([likelihood(self.session, look.seen, labels) for look in self.looks])


def rescore(
    looks: Sequence[Pass],
    judges: Sequence[Scorer] = (),
    proposed: Sequence[Label] = (),
    prior: Prior | None = None,
) -> Ranked:
    """The hypothesis of any look, or label ``proposed``, that all looks and judges find best.

    CTC's probability is the mean over the looks: one that sees nothing clearly says little for
    any label, and so nothing against those of another. Judges are asked about the RESCORED
    likeliest. The ``prior`` of a label counts beside all of them.
    """
    found = {hypothesis.units for look in looks for hypothesis in look.found}
    # Where there is ink there is something to say.
    labels = sorted({*found, *proposed} - {()}) or [()]
    scores = log_mean([ctc.likelihood(look.frames, labels) for look in looks])
    scores = np.maximum(scores, UNFIT)
    bonus = LENGTH_BONUS * np.array([len(label) for label in labels])
    total = scores + bonus + (prior(labels) if prior else 0.0)
    order = np.argsort(-total, kind="stable")
    if judges and len(labels) > 1:
        also = [i for i in order[RESCORED:] if labels[i] in proposed]
        order = np.concatenate([order[:RESCORED], np.array(also, order.dtype)])
        total, bonus = total[order], bonus[order]
        for judge in judges:
            total = total + judge.weight * (judge([labels[i] for i in order]) + bonus)
        ranked = np.argsort(-total, kind="stable")
        order, total = order[ranked], total[ranked]
    else:
        total = total[order]
    best = int(order[0])
    behind = (total[1:] - total[0]).tolist()
    others = tuple(zip((labels[i] for i in order[1:]), behind, strict=True))
    return Ranked(labels[best], float(scores[best]), margin(total), others)


def margin(total: NDArray[np.float64]) -> float:
    """The log-odds of the best of these, the logs of what each has for it, against all others."""
    best, *others = np.sort(total)[::-1]
    return min(MOST_MARGIN, float(best - np.logaddexp.reduce(others))) if others else MOST_MARGIN


def log_mean(scores: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The logs of probabilities (N,) that several looks give -> that of their mean."""
    mean: NDArray[np.float64] = np.logaddexp.reduce(scores, axis=0) - np.log(len(scores))
    return mean


def likelihood(
    session: Session,
    given: Mapping[str, NDArray[np.float32]],
    labels: Sequence[Label],
) -> NDArray[np.float64]:
    """The log of each label's probability in a decoder, the mean of both directions."""
    padded = np.zeros((len(labels), max(map(len, labels))), np.int64)
    for row, label in zip(padded, labels, strict=True):
        row[: len(label)] = label
    (scores,) = session.run(["scores"], {**given, "labels": padded})
    mean: NDArray[np.float64] = scores.mean(axis=1, dtype=np.float64)
    return mean
