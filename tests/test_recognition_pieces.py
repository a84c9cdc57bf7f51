"""What the graph model sees of an image by the strokes of its skeleton."""

from __future__ import annotations

import cv2
import numpy as np

from hmer_cli.recognition.components import SIDE
from hmer_cli.recognition.pieces import LAYERS, pieces


def cross(pen: int = 4) -> np.ndarray:
    """A bar across a stem, and a dot beside them."""
    ink = np.zeros((80, 140), np.uint8)
    cv2.line(ink, (20, 40), (80, 40), 255, pen)
    cv2.line(ink, (50, 10), (50, 70), 255, pen)
    cv2.circle(ink, (110, 65), 3, 255, -1)
    return ink


def test_signs_that_touch_are_apart_each_with_its_picture_and_what_is_around_it() -> None:
    found = pieces(cross())
    assert found is not None
    seen, where = found
    assert seen.shapes.shape[0] == seen.boxes.shape[0] == 3
    assert seen.pictures.shape == (3, LAYERS, SIDE, SIDE)
    bar, _, _ = seen.pictures
    alone, around = (layer > 127 for layer in bar)
    assert around.sum() > 1.5 * alone.sum() and not (alone & ~around).any()
    rows, columns = (np.ptp(axis) + 1 for axis in np.nonzero(alone))
    assert columns > 3 * rows
    assert ((where >= 0) == (cross() > 0)).all()


def test_boxes_are_of_the_strokes_about_the_middle() -> None:
    found = pieces(cross())
    assert found is not None
    boxes = found[0].boxes
    assert np.allclose(boxes[:, :2].min(axis=0), -boxes[:, 2:].max(axis=0), atol=1e-3)
    width, height = (boxes[0, 2:] - boxes[0, :2]).tolist()
    assert width > 10 * height


def test_a_dot_stays_small_in_its_picture() -> None:
    found = pieces(cross())
    assert found is not None
    _, stem, dot = found[0].pictures[:, 0] > 127
    assert 0 < dot.sum() < 0.7 * SIDE**2 and stem.sum() > 40


def test_dirt_is_left_out_unless_there_is_nothing_else() -> None:
    ink = cross()
    ink[5, 120] = 255
    found = pieces(ink)
    assert found is not None and len(found[0].boxes) == 3
    speck = np.zeros((40, 40), np.uint8)
    speck[20, 20] = 255
    found = pieces(speck)
    assert found is not None and len(found[0].boxes) == 1


def test_no_ink_is_none() -> None:
    assert pieces(np.zeros((40, 60), np.uint8)) is None
    assert pieces(np.full((40, 60), 60, np.uint8)) is None


def test_ink_at_the_border_and_all_black_is_told() -> None:
    assert pieces(np.full((40, 60), 255, np.uint8)) is not None
    ink = np.zeros((40, 60), np.uint8)
    ink[0], ink[:, -1] = 255, 255
    assert pieces(ink) is not None


def test_no_sign_of_a_long_expression_is_left_out() -> None:
    ink = np.zeros((160, 16 * 40), np.uint8)
    for i in range(300):
        x, y = 4 + 16 * (i % 40), 4 + 20 * (i // 40)
        cv2.line(ink, (x, y), (x, y + (2 if i % 3 else 12)), 255, 2)  # two in three are dots
    found = pieces(ink)
    assert found is not None and len(found[0].boxes) == 300
    assert ((found[1] >= 0) == (ink > 0)).all()
