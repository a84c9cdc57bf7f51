"""Strokes out of an image: thinned, cut at junctions, joined where they go straight on."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hmer_cli.ink.skeleton import MOST, skeleton
from hmer_cli.ink.thinning import thinned


def drawn(*lines: list[tuple[int, int]], pen: int = 4, closed: bool = False) -> np.ndarray:
    mask = np.zeros((90, 140), np.uint8)
    for line in lines:
        cv2.polylines(mask, [np.array(line, np.int32)], closed, 1, pen)
    return mask


def strokes(mask: np.ndarray) -> list[np.ndarray]:
    found = skeleton(mask)
    assert found is not None
    return found.strokes


@pytest.mark.parametrize("pen", [1, 2, 3, 5, 8])
def test_a_line_is_one_stroke_along_it(pen: int) -> None:
    (stroke,) = strokes(drawn([(20, 20), (100, 60)], pen=pen))
    assert np.hypot(*(stroke[0] - (20, 20))) < 2 + pen
    assert np.hypot(*(stroke[-1] - (100, 60))) < 2 + pen
    across = np.abs((stroke - (20, 20)) @ (np.array([-40, 80]) / np.hypot(40, 80)))
    assert across.max() < 1.5


@pytest.mark.parametrize("pen", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("lean", [0, 15, 30])
def test_a_cross_is_two_strokes(pen: int, lean: int) -> None:
    found = strokes(drawn([(30, 45), (100, 45)], [(65 + lean, 10), (65 - lean, 80)], pen=pen))
    assert len(found) == 2
    flat, steep = sorted(found, key=lambda s: float(np.ptp(s[:, 1])))
    assert np.ptp(flat[:, 0]) > 60 and np.ptp(steep[:, 1]) > 60


def test_what_meets_another_line_ends_there() -> None:
    found = strokes(drawn([(20, 20), (100, 20)], [(60, 20), (60, 80)]))
    assert len(found) == 2
    bar, stem = sorted(found, key=lambda s: float(np.ptp(s[:, 1])))
    assert np.ptp(bar[:, 0]) > 70 and abs(stem[0, 1] - 20) < 3  # it begins at the bar


@pytest.mark.parametrize("pen", [1, 3, 6])
def test_a_ring_is_one_closed_stroke_from_its_top_to_the_left(pen: int) -> None:
    mask = np.zeros((90, 90), np.uint8)
    cv2.circle(mask, (45, 45), 30, 1, pen)
    (ring,) = strokes(mask)
    assert np.hypot(*(ring[0] - ring[-1])) < 3
    assert ring[0, 1] < 18 and ring[len(ring) // 4, 0] < 30


def test_strokes_are_told_from_the_left_each_from_its_upper_or_left_end() -> None:
    found = strokes(drawn([(120, 70), (120, 20)], [(60, 40), (20, 40)], [(100, 20), (70, 70)]))
    starts = [stroke[0] for stroke in found]
    assert np.allclose(starts, [(20, 40), (100, 20), (120, 20)], atol=4)


def test_a_dot_is_a_stroke_too() -> None:
    mask = drawn([(20, 20), (20, 80)])
    for side in (1, 2, 3, 6):
        dotted = mask.copy()
        dotted[40 : 40 + side, 60 : 60 + side] = 1
        line, dot = strokes(dotted)
        assert np.ptp(line[:, 1]) > 50
        assert np.hypot(*(dot.mean(axis=0) - (59.5 + side / 2, 39.5 + side / 2))) < 2


def test_every_pixel_of_the_ink_is_of_the_stroke_that_is_near() -> None:
    mask = drawn([(30, 45), (100, 45)], [(65, 10), (65, 80)], pen=5)
    found = skeleton(mask)
    assert found is not None
    assert ((found.where >= 0) == (mask > 0)).all()
    for point in ((35, 45), (95, 45), (65, 15), (65, 75)):
        nearest = [np.hypot(*(stroke - point).T).min() for stroke in found.strokes]
        assert found.where[point[1], point[0]] == int(np.argmin(nearest))


masks = arrays(
    np.uint8, st.tuples(st.integers(1, 24), st.integers(1, 24)), elements=st.integers(0, 1)
)


@settings(max_examples=200, deadline=None)
@given(masks)
def test_any_ink_has_strokes_and_each_its_pixels(mask: np.ndarray) -> None:
    found = skeleton(mask)
    if not mask.any():
        assert found is None
        return
    assert found is not None
    assert ((found.where >= 0) == (mask > 0)).all()
    assert set(np.unique(found.where)) - {-1} == set(range(len(found.strokes)))
    for stroke in found.strokes:
        assert np.isfinite(stroke).all() and (stroke > -1).all()
        assert (stroke < np.array(mask.shape)[::-1]).all()


@settings(max_examples=100, deadline=None)
@given(masks)
def test_thinning_keeps_what_holds_together(mask: np.ndarray) -> None:
    lines = thinned(mask)
    assert not (lines & ~mask).any()
    assert cv2.connectedComponents(lines)[0] == cv2.connectedComponents(mask)[0]


def test_thousands_of_specks_are_told_in_part() -> None:
    rng = np.random.default_rng(0)
    noise = (rng.random((300, 900)) < 0.2).astype(np.uint8)
    found = skeleton(noise)
    assert found is not None and len(found.strokes) == MOST
    few = skeleton(noise, most=9)
    assert few is not None and len(few.strokes) == 9


def test_noise_that_holds_together_takes_time_in_proportion() -> None:
    rng = np.random.default_rng(0)
    noise = (rng.random((300, 1400)) < 0.5).astype(np.uint8)
    begun = time.process_time()
    assert skeleton(noise) is not None
    assert time.process_time() - begun < 15  # 1 s, and 50 s where junctions were merged one by one
