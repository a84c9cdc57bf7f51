"""Ink in the box of a formula that is not the formula's."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from hmer_cli.document.foreign_ink import foreign_ink, marks_below, on_bar, without_ink
from hmer_cli.document.formula_growth import with_dots
from hmer_cli.geometry import Box
from hmer_cli.ink.ink import Ink
from hmer_cli.ink.render import legible_ink_image
from hmer_cli.page.detect.integral import Floats
from hmer_cli.page.regions import Region

UNIT = 20.0
LETTERS = ((0, 0, 20, 20), (30, 0, 50, 20), (60, 0, 80, 20))


def parts(*boxes: tuple[float, ...]) -> Floats:
    """Boxes of parts, (N, 4)."""
    return np.array(boxes, np.float32)


@pytest.mark.parametrize(
    ("mark", "others", "found"),
    [
        ((0, 26, 80, 30), (), True),  # a rule under three letters
        ((0, 26, 80, 30), ((30, 36, 50, 56),), False),  # with a denominator: a fraction
        ((0, -10, 80, -6), (), False),  # a line over letters
        ((90, 8, 130, 12), (), False),  # a long minus
        ((20, 26, 60, 36), ((0, 24, 14, 40), (66, 24, 80, 40)), False),  # an arrow under a name
        ((30, 26, 50, 29), (), False),  # under one letter
    ],
)
def test_a_rule_below_a_formula_is_none_of_it(
    mark: Box, others: tuple[Box, ...], found: bool
) -> None:
    marks = marks_below(parts(*LETTERS, mark, *others), UNIT)
    assert bool(marks[3]) is found
    assert not np.delete(marks, 3).any()


@pytest.mark.parametrize("sides", [4, 3])
def test_a_frame_around_a_formula_is_none_of_it(sides: int) -> None:
    image = np.full((100, 200), 255, np.uint8)
    corners = np.array([(20, 20), (20, 80), (160, 80), (160, 20)], np.int32)
    cv2.polylines(image, [corners], sides == 4, 0, 2)
    letters = [(x, 40.0, x + 20, 60.0) for x in (40.0, 80.0, 120.0)]
    gone = foreign_ink(parts(*letters, (19, 19, 162, 82)), image, UNIT)
    assert gone.tolist() == [False, False, False, sides == 4]


@pytest.mark.parametrize(
    ("bar", "half"),
    [((-2, 13, 24, 15), True), ((-2, -6, 24, -4), True), ((-2, 40, 24, 42), False)],
)
def test_what_a_bar_runs_along_is_half_of_a_fraction(bar: tuple[int, ...], half: bool) -> None:
    letters = np.array([(0, 0, 9, 10), (12, 0, 20, 10)], np.float32)
    others = np.array([(30, 0, 40, 10), bar], np.float32)
    assert on_bar(letters, others, 10.0) is half


def test_foreign_ink_goes_from_the_image_and_from_the_strokes() -> None:
    image = np.full((60, 120), 255, np.uint8)
    image[10:30, 10:30] = image[10:30, 40:60] = 0
    image[34:38, 10:60] = 0
    strokes = [np.array([(x, 110), (x + 20, 130)], np.float32) for x in (110, 140)]
    rule = np.array([(110, 136), (160, 137)], np.float32)
    written = legible_ink_image(Ink((*strokes, rule)))
    region = Region((100, 100, 220, 160), image, (100, 100), written)
    own = parts((110, 110, 130, 130), (140, 110, 160, 130))
    found = without_ink(region, parts((110, 134, 160, 138)), own)
    assert (found.image[:32] == image[:32]).all()
    assert (found.image[32:] == 255).all()
    assert found.written is not None
    assert len(found.written.ink.strokes) == 2


def test_a_formula_takes_in_the_dots_at_its_end_and_above_its_letters() -> None:
    dots = ((90, 16, 94, 20), (106, 16, 110, 20), (122, 16, 126, 20))
    there = parts(*LETTERS, *dots, (37, -14, 43, -8))
    free = np.array([False] * 3 + [True] * 4)
    assert with_dots((0, 0, 80, 20), there, free, UNIT) == (0, -14, 126, 20)


def test_a_full_stop_and_a_dot_below_other_ink_stay() -> None:
    there = parts(*LETTERS, (90, 16, 94, 20), (37, -14, 43, -8), (30, -38, 50, -18))
    free = np.array([False] * 3 + [True] * 3)
    assert with_dots((0, 0, 80, 20), there, free, UNIT) == (0, 0, 80, 20)
