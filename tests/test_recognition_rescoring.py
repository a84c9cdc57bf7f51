"""Rescoring: the label on which several passes over one image and other models agree best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from hmer_cli.recognition.confidence import confidence
from hmer_cli.recognition.ctc import Hypothesis, Place
from hmer_cli.recognition.prepare import Prepared
from hmer_cli.recognition.rescoring import (
    MOST_MARGIN,
    RESCORED,
    UNFIT,
    Candidate,
    DecoderScorer,
    Pass,
    Ranked,
    log_mean,
    margin,
    rescore,
)

NOWHERE = Prepared(np.zeros((8, 8), np.uint8), 1.0, 22.0, (0.0, 0.0))


def one_pass(*frames: tuple[float, ...], found: tuple[tuple[int, ...], ...]) -> Pass:
    """Frames of a blank and units 1, 2, ..., as probabilities, and the labels found in them."""
    logs = np.log(np.array(frames, np.float32))
    return Pass(NOWHERE, logs, np.zeros((len(frames), 2), np.float32), {}, hypotheses(*found))


def hypotheses(*labels: tuple[int, ...]) -> list[Hypothesis]:
    return [Hypothesis(label, 0.0) for label in labels]


def test_an_uncertain_pass_does_not_outvote_a_certain_one() -> None:
    clear = one_pass((0.02, 0.97, 0.01), found=((1,),))
    blurred = one_pass((0.4, 0.001, 0.599), found=((2,),))
    assert rescore([clear]).units == (1,)
    assert rescore([blurred]).units == (2,)
    assert rescore([clear, blurred]).units == rescore([blurred, clear]).units == (1,)


def test_the_score_is_the_mean_probability_of_the_passes() -> None:
    passes = [one_pass((0.1, 0.9), found=((1,),)), one_pass((0.5, 0.5), found=((1,),))]
    assert np.exp(rescore(passes).score) == pytest.approx(0.7)
    assert log_mean([np.log([0.2, 0.4])]) == pytest.approx(np.log([0.2, 0.4]))


def test_a_label_too_long_for_every_pass_has_a_probability_all_the_same() -> None:
    assert rescore([one_pass((0.1, 0.9), found=((1, 1, 1),))]).score == UNFIT


class Shortest:
    """A scorer that prefers the shortest label, and counts the labels it is given."""

    def __init__(self, weight: float = 0.3) -> None:
        self.weight = weight
        self.counts: list[int] = []

    def __call__(
        self, labels: Sequence[tuple[int, ...]], totals: np.ndarray | None = None
    ) -> np.ndarray:
        self.counts.append(len(labels))
        return np.array([-50.0 * len(label) for label in labels])


EVEN = one_pass((0.3, 0.4, 0.3), (0.9, 0.05, 0.05), (0.3, 0.3, 0.4), found=((1,), (1, 2)))


def test_a_scorer_chooses_among_the_hypotheses_of_ctc() -> None:
    assert rescore([EVEN]).units == (1, 2)
    assert rescore([EVEN], [Shortest()]).units == (1,)


def test_the_other_labels_follow_from_the_likeliest_on() -> None:
    passes = [one_pass((0.1, 0.5, 0.25, 0.15), found=((2,), (1,), (3,)))]
    chosen = rescore(passes)
    assert [units for units, _ in chosen.others] == [(2,), (3,)]
    behind = np.exp([score for _, score in chosen.others])
    assert behind == pytest.approx([0.25 / 0.5, 0.15 / 0.5])
    rescored = rescore([EVEN], [Shortest()])
    assert [units for units, _ in rescored.others] == [(1, 2)] and rescored.others[0][1] < 0


def test_scorers_that_disagree_are_weighed_against_each_other() -> None:
    for most in (1, -1):
        assert rescore([EVEN], [Shortest(0.3), Shortest(-0.1 * most)]).units == (1,)
        assert rescore([EVEN], [Shortest(-0.3), Shortest(0.1 * most)]).units == (1, 2)


class Blind(Shortest):
    """A scorer that never saw the label (1,), and forbids it."""

    def __call__(
        self, labels: Sequence[tuple[int, ...]], totals: np.ndarray | None = None
    ) -> np.ndarray:
        return np.array([-500.0 if label == (1,) else -1.0 for label in labels])


def test_one_model_alone_forbids_no_label() -> None:
    clear = one_pass((0.001, 0.998, 0.001), found=((1,), (2,)))
    assert rescore([clear], [Blind(0.3)]).units == (1,)
    assert rescore([clear], [Blind(0.3), Shortest(0.3)]).units == (1,)
    unfit = (1, 1, 1)  # for the frames of the pass
    assert rescore([clear], [Blind(40.0)], [unfit]).units == unfit


def test_the_best_hypotheses_of_ctc_and_all_proposed_labels_are_rescored() -> None:
    scorer = Shortest()
    many = one_pass(*[(0.02,) + (0.02,) * 49] * 3, found=tuple((i,) for i in range(1, 40)))
    rescore([many, many], [scorer])
    rescore([many, many], [scorer], [(3, 3), (5, 5), (7, 7)])
    assert scorer.counts == [RESCORED, RESCORED + 3]


def test_a_label_that_no_pass_found_can_be_the_best() -> None:
    unheard = one_pass((0.3, 0.4, 0.3), (0.9, 0.05, 0.05), (0.3, 0.3, 0.4), found=((1, 2),))
    assert rescore([unheard], [Shortest()], [(1,)]).units == (1,)
    assert rescore([unheard], [], [(1,)]).units == (1, 2)


class Session:
    """A decoder of one thought."""

    def run(self, _: list[str], feed: dict[str, np.ndarray]) -> list[np.ndarray]:
        return [np.log(np.stack([feed["seen"], feed["seen"]], axis=1))]


def test_the_score_of_the_decoder_is_the_mean_probability_of_the_passes() -> None:
    passes = [replace(EVEN, memory={"seen": np.array(p)}) for p in ([0.2, 0.1], [0.4, 0.5])]
    scorer = DecoderScorer(Session(), passes)  # type: ignore[arg-type]
    assert np.exp(scorer([(1,), (2,)])) == pytest.approx([0.3, 0.3])


def test_the_lead_is_the_odds_against_all_others() -> None:
    assert margin(np.log([0.6, 0.3, 0.1])) == pytest.approx(np.log(0.6 / 0.4))
    assert margin(np.log([0.2, 0.5])) == pytest.approx(np.log(0.5 / 0.2))
    assert margin(np.array([-3.0])) == MOST_MARGIN
    assert margin(np.array([0.0, -90.0])) == MOST_MARGIN


def test_without_ctc_the_scorers_rank_what_they_propose() -> None:
    ranked = rescore([], [Shortest(3.0), Shortest(1.0)], [(1,), (1, 2)])
    assert ranked.units == (1,)
    assert ranked.score == pytest.approx(-50)  # their mean
    alone = rescore([], [Shortest()], [(1, 2)])
    assert (alone.units, alone.score) == ((1, 2), -100)
    prior = rescore([], [Shortest(1e-3)], [(1,), (1, 2)], lambda labels: np.array([0.0, 5.0]))
    assert prior.units == (1, 2)


def test_a_label_that_no_model_believes_in_has_no_confidence() -> None:
    best = Ranked((Candidate((1,), -1500.0, -1500.0),))
    assert confidence(best, (1.0, 0.5, 0.0)) == pytest.approx(0.0)


@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_boxes_have_the_size_of_a_symbol_however_much_the_image_was_shrunk(scale: float) -> None:
    seen = Prepared(np.zeros((8, 8), np.uint8), scale, 26.0, (5.0, 7.0))
    first = replace(one_pass((0.1, 0.9), found=((1,),)), prepared=seen)
    assert first.box(Place(0, 1, 1.0)) == (5 - 13, 7 - 13, 5 + 13, 7 + 13)
