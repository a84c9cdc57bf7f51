"""Filled regions with holes -> the strokes of the pen that left them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from hmer_cli.ink.region_lines import Tracer, regions

SQUARE = np.array([[0, 0], [10, 0], [10, 10], [0, 10]], np.float64)


def united(stroke: NDArray[np.float64], pen: float) -> list[NDArray[np.float64]]:
    """The outline of a stroke and its holes, as programs unite them."""
    scale = 16
    mask = np.zeros((1600, 1600), np.uint8)
    line = np.round(stroke * scale).astype(np.int32)
    cv2.polylines(mask, [line], False, 1, round(pen * scale))
    rings, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_TC89_L1)
    found = [ring[:, 0].astype(np.float64) / scale for ring in rings]
    return sorted(found, key=lambda ring: -float(np.ptp(ring, axis=0).max()))


def curve(x: float, y: float, start: float, end: float, radius: float = 15) -> NDArray[np.float64]:
    angle = np.radians(np.linspace(start, end, 60))
    return np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=1)


EIGHT = np.concatenate([curve(50, 35, 90, 450), curve(50, 65, -90, -450)])
BAR = np.stack([np.linspace(36, 64, 30), np.full(30, 50.0)], axis=1)
LETTER_E = np.concatenate([BAR, curve(50, 50, 0, -310)])


@pytest.mark.parametrize(
    ("stroke", "holes"), [(curve(50, 50, 0, 360), 1), (EIGHT, 2), (LETTER_E, 1)]
)
def test_signs_with_holes_are_lines(stroke: NDArray[np.float64], holes: int) -> None:
    outside, *inside = united(stroke, 4)
    assert len(inside) == holes
    found = Tracer().lines(outside, inside)
    assert found is not None and found.misfit < 0.25
    assert found.pen == pytest.approx(4, abs=0.6)
    places = np.concatenate(found.lines)
    away = np.hypot(*(stroke[:, None] - places[None]).transpose(2, 0, 1))
    assert away.min(axis=1).max() < 3 and away.min(axis=0).max() < 1.5


def test_a_branch_that_the_pen_went_back_on_is_kept() -> None:
    tree = np.array([[20, 20], [50, 20], [50, 50], [50, 20], [80, 20]], np.float64)
    (outside,) = united(tree, 3)
    found = Tracer().lines(outside)
    assert found is not None
    places = np.concatenate(found.lines)
    assert np.hypot(*(places - (50, 50)).T).min() < 3
    assert np.hypot(*(places - (80, 20)).T).min() < 3


def test_a_blot_is_no_line() -> None:
    found = Tracer().lines(SQUARE, [SQUARE / 4 + 6])
    assert found is None or found.misfit > 0.35


@pytest.mark.parametrize(("even_odd", "turned", "expected"), [
    (True, False, {0: [1], 2: []}), (True, True, {0: [1], 2: []}),
    (False, False, {0: []}), (False, True, {0: [1], 2: []}),
])  # fmt: skip
def test_the_rule_of_filling_tells_holes(
    even_odd: bool, turned: bool, expected: dict[int, list[int]]
) -> None:
    hole = SQUARE * 0.6 + 2
    rings = [SQUARE, hole[::-1] if turned else hole, SQUARE * 0.2 + 4]
    assert regions(rings, even_odd) == expected


def test_rings_without_number_are_not_compared() -> None:
    assert regions([SQUARE] * 4000, True) is None
    assert regions([(SQUARE - 5) * 0.999**n for n in range(2000)], True) is None


def test_regions_beyond_counting_are_given_up() -> None:
    nought = [np.array([[0, 0], [900, 0], [900, 900], [0, 900]], np.float64)]
    nought.append(nought[0] * 0.98 + 9)
    tracer = Tracer()
    found = [tracer.lines(nought[0], nought[1:]) for _ in range(40)]
    assert found[0] is not None and found[-1] is None
