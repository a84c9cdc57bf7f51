"""Looks at one image, and the label that they agree on: CTC and the decoder together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from hmer_cli.read import decode
from hmer_cli.read.prepare import Prepared
from hmer_cli.read.scale import CELL

BONUS = 0.6
"""For each unit of a label, beside the log of its CTC probability; see `decode.beam`."""

DECODED = 0.3
"""How much what the decoder says of a label counts beside CTC."""

UNFIT = -100.0
"""The log of the probability of a label that fits the frames of no look."""

RESCORED = 4
"""The decoder is asked about this many labels: those that CTC finds likeliest."""


@dataclass(frozen=True)
class Look:
    """One pass over an image: frames (T, V), where each looked in cells (T, 2), its hypotheses.

    ``seen`` is what the decoder is given; see `hmer_cli.read.decoder.Decoder.recall`.
    """

    prepared: Prepared
    frames: decode.Frames
    places: NDArray[np.float32]
    seen: dict[str, NDArray[np.float32]]
    found: list[decode.Hypothesis]

    def box(self, place: decode.Place, symbol: float) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1 of a unit in pixels of the image: a symbol's size around its place."""
        scale = self.prepared.scale
        cells = self.places[place.start : place.end].mean(axis=0)
        x, y = cells * CELL / scale + self.prepared.origin
        half = symbol / scale / 2
        return float(x - half), float(y - half), float(x + half), float(y + half)


def agreed(looks: Sequence[Look], decoder: ort.InferenceSession | None) -> decode.Hypothesis:
    """The hypothesis of any look that all of them together find best.

    Its score is the log of its CTC probability, the mean over the looks: one that sees nothing
    clearly says little for any label, and so nothing against those of another.
    """
    found = {hypothesis.units for look in looks for hypothesis in look.found}
    labels = sorted(found - {()}) or [()]  # where there is ink there is something to say
    bonus = BONUS * np.array([len(label) for label in labels])
    scores = mixed([decode.likelihood(look.frames, labels) for look in looks])
    scores = np.maximum(scores, UNFIT)
    total = scores + bonus
    best = int(np.argmax(total))
    if decoder is not None and len(labels) > 1:
        first = np.argsort(-total, kind="stable")[:RESCORED]
        asked = [labels[i] for i in first]
        said = mixed([decoded(decoder, look, asked) for look in looks])
        best = int(first[np.argmax(total[first] + DECODED * (said + bonus[first]))])
    return decode.Hypothesis(labels[best], float(scores[best]))


def mixed(scores: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The logs of probabilities (N,) that several looks give -> that of their mean."""
    mean: NDArray[np.float64] = np.logaddexp.reduce(scores, axis=0) - np.log(len(scores))
    return mean


def decoded(
    decoder: ort.InferenceSession, look: Look, labels: Sequence[tuple[int, ...]]
) -> NDArray[np.float64]:
    """The log of each label's probability in the decoder, the mean of both directions."""
    padded = np.zeros((len(labels), max(map(len, labels))), np.int64)
    for row, label in zip(padded, labels, strict=True):
        row[: len(label)] = label
    (scores,) = decoder.run(["scores"], {**look.seen, "labels": padded})
    mean: NDArray[np.float64] = scores.mean(axis=1, dtype=np.float64)
    return mean
