"""CTC decoding against definitions: all paths summed by hand, and never an invalid label."""

from __future__ import annotations

import itertools
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmer_cli.expr.tokens import join
from hmer_cli.expr.validity import problems
from hmer_cli.recognition.ctc import align, beam, greedy, likelihood
from hmer_cli.recognition.units import BLANK, Units

UNITS = Units(["x", "y", "\\frac", "{", "}", "^"])
PLAIN = Units(["x", "y", "2"])


def frames(seed: int, count: int, units: Units, peak: float = 1.0) -> np.ndarray:
    """Random log-probabilities, (count, len(units))."""
    scores = np.random.default_rng(seed).normal(0, peak, (count, len(units)))
    return (scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))).astype(np.float32)


def collapsed(path: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(unit for unit, _ in itertools.groupby(path) if unit != BLANK)


def summed(rows: np.ndarray) -> dict[tuple[int, ...], float]:
    """The probability of every label, over all paths."""
    totals: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(rows.shape[1]), repeat=len(rows)):
        p = math.exp(sum(float(rows[t, unit]) for t, unit in enumerate(path)))
        totals[collapsed(path)] = totals.get(collapsed(path), 0.0) + p
    return totals


@pytest.mark.parametrize("seed", range(8))
def test_a_wide_beam_finds_the_most_probable_label_and_its_probability(seed: int) -> None:
    rows = frames(seed, 5, PLAIN)
    totals = summed(rows)
    best = beam(rows, PLAIN, width=200)[0]
    assert best.units == max(totals, key=lambda label: totals[label])
    assert math.exp(best.score) == pytest.approx(totals[best.units], rel=1e-4)


def test_the_likelihood_of_a_label_is_that_of_all_its_paths() -> None:
    rows = frames(3, 4, PLAIN)
    totals = summed(rows)
    labels = sorted(totals)
    assert () in labels
    found = np.exp(likelihood(rows, [*labels, (1, 1, 1)]))
    assert found[:-1] == pytest.approx([totals[label] for label in labels], rel=1e-4)
    assert found[-1] == 0  # it needs five frames


def test_labels_by_the_hundred_are_scored_alike_in_little_memory() -> None:
    rows = frames(1, 240, PLAIN)
    labels = [tuple(1 + (i + j) % 2 for j in range(100 - i % 7)) for i in range(130)]
    tracemalloc.start()
    found = likelihood(rows, labels)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20e6  # one after the other, as they may be; at once 50 MB
    assert found == pytest.approx([likelihood(rows, [label])[0] for label in labels])


def test_a_bonus_prefers_the_longer_of_labels_that_are_about_as_likely() -> None:
    rows = np.log(np.array([[0.55, 0.45, 0, 0], [0.01, 0, 0.99, 0]], np.float32) + 1e-9)
    assert beam(rows, PLAIN)[0].units == (2,)
    best = beam(rows, PLAIN, bonus=0.5)[0]
    assert best.units == (1, 2)
    assert math.exp(best.score) == pytest.approx(0.45 * 0.99, rel=1e-4)  # without the bonus


@given(st.integers(0, 10_000), st.integers(1, 12))
def test_every_hypothesis_is_a_valid_label(seed: int, count: int) -> None:
    found = beam(frames(seed, count, UNITS, peak=3.0), UNITS, width=5)
    assert found
    for hypothesis in found:
        assert problems(join(UNITS.decode(hypothesis.units))) == []
    assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)


def test_open_groups_are_closed_when_nothing_better_is_known() -> None:
    rows = np.full((2, len(UNITS)), -50.0, np.float32)
    rows[0, UNITS.index("\\frac {")] = rows[1, UNITS.index("x")] = 0.0
    (only,) = beam(rows, UNITS, width=1)
    assert join(UNITS.decode(only.units)) == r"\frac { x } { }"


def test_greedy_merges_repeats_and_keeps_what_a_blank_parts() -> None:
    rows = np.log(np.eye(len(PLAIN), dtype=np.float32)[[1, 1, 0, 1, 2, 2, 0]] + 1e-9)
    assert greedy(rows) == (1, 1, 2)


@given(st.integers(0, 10_000), st.integers(1, 12))
def test_the_alignment_gives_each_unit_frames_of_its_own_in_order(seed: int, count: int) -> None:
    rows = frames(seed, count, PLAIN, peak=2.0)
    label = greedy(rows)
    places = align(rows, label)
    assert len(places) == len(label)
    starts = [place.start for place in places]
    assert starts == sorted(set(starts))
    for place, after in itertools.pairwise(places):
        assert place.start < place.end <= after.start
    for place, unit in zip(places, label, strict=True):
        inside = np.exp(rows[place.start : place.end, unit].max())
        assert place.confidence == pytest.approx(float(inside), rel=1e-5)


def test_a_label_too_long_for_its_frames_has_no_place_and_no_confidence() -> None:
    places = align(frames(1, 2, PLAIN), [1, 1, 2])
    assert [(p.start, p.end, p.confidence) for p in places] == [(0, 2, 0.0)] * 3
