"""Rescoring of n-best lists: the scores of CTC passes and of other models, added per label.

Input: passes of the CTC model over one image at one or two scales, scorers (graph models, or the
decoder of the CTC model) and labels that these propose. Output: the n-best list in its
new order, as a `Ranked`. Method: hybrid CTC/attention rescoring (Watanabe et al., IEEE
JSTSP 2017) with one weight per scorer. Without a CTC model the scorers rank what they propose.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hmer_cli.models.session import Session
from hmer_cli.recognition import ctc
from hmer_cli.recognition.prepare import Prepared
from hmer_cli.recognition.scale import CELL

LENGTH_BONUS = 0.6
"""Added to the CTC log-probability for each unit of a label; see `ctc.beam`."""

UNFIT = -100.0
"""Log-probability of a label that is too long for the frames of every pass."""

MOST_BEHIND = 12.0  # chosen on notes-truth; without effect on CROHME test2014 and scanned crops
"""A score counts as at most this much below the best of the list: a model that never saw a form,
such as ``!`` after a letter, shall not forbid it."""

RESCORED = 6  # chosen on CROHME test2014, ink and images; 8 are no better
"""Length of the n-best list of CTC that is rescored, beside the proposed labels."""

MOST_MARGIN = 12.0
"""Upper bound of a margin; that of a label without competitors."""

Label = tuple[int, ...]
"""The units of a label."""


@dataclass(frozen=True)
class Pass:
    """One pass of the CTC model over an image, at one scale.

    Attributes:
        prepared: the input image with its scale.
        frames: log-probabilities (T, V).
        places: centre of attention of each frame, (T, 2), x and y in cells.
        memory: inputs of the decoder; see `hmer_cli.networks.decoder.Decoder.recall`.
        found: hypotheses of the beam search, best first.
        known: the log-probabilities of labels so far.
    """

    prepared: Prepared
    frames: ctc.Frames
    places: NDArray[np.float32]
    memory: dict[str, NDArray[np.float32]]
    found: list[ctc.Hypothesis]
    known: dict[Label, float] = field(default_factory=dict)

    def likelihood(self, labels: Sequence[Label]) -> NDArray[np.float64]:
        """The log of each label's CTC probability (N,); see `ctc.likelihood`."""
        missing = [label for label in labels if label not in self.known]
        if missing:
            scores = ctc.likelihood(self.frames, missing).tolist()
            self.known.update(zip(missing, scores, strict=True))
        return np.array([self.known[label] for label in labels])

    def box(self, place: ctc.Place) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1 of a unit in image pixels: a typical symbol's size around its centre."""
        scale = self.prepared.scale
        cells = self.places[place.start : place.end].mean(axis=0)
        x, y = cells * CELL / scale + self.prepared.origin
        half = self.prepared.size / 2
        return float(x - half), float(y - half), float(x + half), float(y + half)


@dataclass(frozen=True)
class Candidate:
    """A label of an n-best list: its units, its log-probability and its total score.

    The log-probability is that of CTC; without a CTC model, the weighted mean of the scorers'.
    """

    units: Label
    score: float
    total: float


@dataclass(frozen=True)
class Ranked:
    """An n-best list, the label of the highest total first; it holds at least one label."""

    candidates: tuple[Candidate, ...]

    @classmethod
    def of(cls, candidates: Iterable[Candidate]) -> Ranked:
        """These labels in the order of their totals."""
        return cls(tuple(sorted(candidates, key=lambda each: -each.total)))

    @property
    def units(self) -> Label:
        """The best label."""
        return self.candidates[0].units

    @property
    def score(self) -> float:
        """The log-probability of the best label; see `Candidate`."""
        return self.candidates[0].score

    @property
    def odds(self) -> float:
        """The log-odds of that probability."""
        return self.score - math.log(max(-math.expm1(min(self.score, -1e-6)), 1e-12))

    @property
    def margin(self) -> float:
        """The log-odds of the best label against all others of the list."""
        return margin(np.array([each.total for each in self.candidates]))

    @property
    def others(self) -> tuple[tuple[Label, float], ...]:
        """The other labels, best first, each with its total minus that of the best."""
        best, *others = self.candidates
        return tuple((each.units, each.total - best.total) for each in others)

    def spelt(self, spell: Callable[[Label], Label]) -> Ranked:
        """The list with each label as ``spell`` gives it; of equal ones the first stays."""
        found: dict[Label, Candidate] = {}
        for each in self.candidates:
            label = spell(each.units)
            found.setdefault(label, replace(each, units=label))
        return Ranked(tuple(found.values()))

    def plus(self, added: NDArray[np.float64]) -> Ranked:
        """The list with these amounts (N,) added to the totals, in its new order."""
        amounts = zip(self.candidates, added.tolist(), strict=True)
        return Ranked.of(replace(each, total=each.total + amount) for each, amount in amounts)


Prior = Callable[[Sequence[Label]], NDArray[np.float64]]
"""Labels -> their log prior (N,), up to a constant."""


class Scorer(Protocol):
    """Log-probabilities (N,) of labels by another model than CTC."""

    @property
    def weight(self) -> float:
        """Weight of the log-probabilities relative to those of CTC."""
        ...

    def __call__(
        self, labels: Sequence[Label], totals: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """The log of each label's probability.

        Labels that cannot lead, given the ``totals`` (N,) of all scores but this, may be scored
        with less care.
        """
        ...


@dataclass(frozen=True)
class DecoderScorer:
    """The decoder of the CTC model, over the features of its passes; see `Decoder.likelihood`."""

    session: Session
    passes: Sequence[Pass]
    weight: float = 0.3

    def __call__(
        self, labels: Sequence[Label], totals: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """The log of each label's mean probability over the passes."""
        return log_mean([likelihood(self.session, each.memory, labels) for each in self.passes])


def rescore(
    passes: Sequence[Pass],
    scorers: Sequence[Scorer] = (),
    proposed: Sequence[Label] = (),
    prior: Prior | None = None,
) -> Ranked:
    """The label of highest total score among all hypotheses and the ``proposed`` labels.

    The total is the log of the mean CTC probability over the passes, a length bonus, the ``prior``
    and, for the RESCORED best and the proposed labels, the weighted log-probabilities of the
    ``scorers``; each counts as at most MOST_BEHIND below its best. With a mean, a pass whose frames
    are uncertain counts little. Without passes there is no probability of CTC.
    """
    found = {hypothesis.units for each in passes for hypothesis in each.found}
    # The image holds ink, so the empty label is no candidate.
    labels = sorted({*found, *proposed} - {()}) or [()]
    total = prior(labels) if prior else np.zeros(len(labels))
    bonus = LENGTH_BONUS * np.array([len(label) for label in labels])
    scores = None
    if passes:
        scores = log_mean([each.likelihood(labels) for each in passes])
        scores = np.maximum(scores, UNFIT)
        total = limited(scores + bonus) + total
    order = np.argsort(-total, kind="stable")
    if scorers and len(labels) > 1:
        also = [i for i in order[RESCORED:] if labels[i] in proposed]
        order = np.concatenate([order[:RESCORED], np.array(also, order.dtype)])
    labels, total, bonus = [labels[i] for i in order], total[order], bonus[order]
    given = []
    if len(labels) > 1 or scores is None:
        for scorer in scorers:
            given.append(scorer(labels, total + scorer.weight * bonus))
            total = total + scorer.weight * limited(given[-1] + bonus)
    if scores is None:
        weights = [scorer.weight for scorer in scorers]
        scores = np.average(given, axis=0, weights=weights)
    else:
        scores = scores[order]
    listed = zip(labels, scores.tolist(), total.tolist(), strict=True)
    return Ranked.of(Candidate(*each) for each in listed)


def limited(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """The scores, those far below the best raised to MOST_BEHIND below it."""
    raised: NDArray[np.float64] = np.maximum(scores, scores.max() - MOST_BEHIND)
    return raised


def margin(total: NDArray[np.float64]) -> float:
    """The log-odds of the best of these unnormalised log-probabilities (N,) against the others."""
    best, *others = np.sort(total)[::-1]
    return min(MOST_MARGIN, float(best - np.logaddexp.reduce(others))) if others else MOST_MARGIN


def log_mean(scores: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Log-probabilities (N,) of several passes -> the log of their mean probability."""
    mean: NDArray[np.float64] = np.logaddexp.reduce(scores, axis=0) - np.log(len(scores))
    return mean


def likelihood(
    session: Session,
    given: Mapping[str, NDArray[np.float32]],
    labels: Sequence[Label],
) -> NDArray[np.float64]:
    """The log-probability of each label by a decoder session, the mean of both directions."""
    padded = np.zeros((len(labels), max(map(len, labels))), np.int64)
    for row, label in zip(padded, labels, strict=True):
        row[: len(label)] = label
    (scores,) = session.run(["scores"], {**given, "labels": padded})
    mean: NDArray[np.float64] = scores.mean(axis=1, dtype=np.float64)
    return mean
