"""What several looks at one image agree on."""

from __future__ import annotations

import numpy as np
import pytest

from hmer_cli.read.decode import Hypothesis
from hmer_cli.read.looks import RESCORED, UNFIT, Look, agreed, mixed
from hmer_cli.read.prepare import Prepared

NOWHERE = Prepared(np.zeros((8, 8), np.uint8), 1.0, (0.0, 0.0))


def look(*frames: tuple[float, ...], found: tuple[tuple[int, ...], ...]) -> Look:
    """Frames of a blank and units 1, 2, ..., as probabilities, and the labels found in them."""
    logs = np.log(np.array(frames, np.float32))
    return Look(NOWHERE, logs, np.zeros((len(frames), 2), np.float32), {}, hypotheses(*found))


def hypotheses(*labels: tuple[int, ...]) -> list[Hypothesis]:
    return [Hypothesis(label, 0.0) for label in labels]


def test_a_look_that_sees_nothing_clearly_does_not_outvote_one_that_does() -> None:
    clear = look((0.02, 0.97, 0.01), found=((1,),))
    blurred = look((0.4, 0.001, 0.599), found=((2,),))
    assert agreed([clear], None).units == (1,)
    assert agreed([blurred], None).units == (2,)
    assert agreed([clear, blurred], None).units == agreed([blurred, clear], None).units == (1,)


def test_the_score_is_the_mean_probability_of_the_looks() -> None:
    looks = [look((0.1, 0.9), found=((1,),)), look((0.5, 0.5), found=((1,),))]
    assert np.exp(agreed(looks, None).score) == pytest.approx(0.7)
    assert mixed([np.log([0.2, 0.4])]) == pytest.approx(np.log([0.2, 0.4]))


def test_a_label_that_fits_no_look_has_a_probability_all_the_same() -> None:
    assert agreed([look((0.1, 0.9), found=((1, 1, 1),))], None).score == UNFIT


class Decoder:
    """Finds the shortest label likeliest, and counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def run(self, _: list[str], feed: dict[str, np.ndarray]) -> list[np.ndarray]:
        labels = feed["labels"]
        self.asked.append(len(labels))
        return [np.repeat(-50.0 * (labels > 0).sum(axis=1, keepdims=True), 2, axis=1)]


def test_the_decoder_chooses_among_what_ctc_proposes() -> None:
    even = look((0.3, 0.4, 0.3), (0.9, 0.05, 0.05), (0.3, 0.3, 0.4), found=((1,), (1, 2)))
    assert agreed([even], None).units == (1, 2)
    assert agreed([even], Decoder()).units == (1,)  # type: ignore[arg-type]


def test_the_decoder_is_asked_about_a_few_labels_only() -> None:
    decoder = Decoder()
    many = look(*[(0.02,) + (0.02,) * 49] * 3, found=tuple((i,) for i in range(1, 40)))
    agreed([many, many], decoder)  # type: ignore[arg-type]
    assert decoder.asked == [RESCORED, RESCORED]
