"""What the graph model sees of an image."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmer_cli.recognition.components import SIDE, components

boxes = st.tuples(st.integers(0, 150), st.integers(0, 70), st.integers(1, 40), st.integers(1, 40))


def page(*boxes: tuple[int, int, int, int], ink: int = 255) -> np.ndarray:
    image = np.zeros((120, 200), np.uint8)
    for x, y, w, h in boxes:
        image[y : y + h, x : x + w] = ink
    return image


@given(st.lists(boxes, min_size=1, max_size=8))
def test_every_component_is_told_and_every_pixel_knows_its_own(
    drawn: list[tuple[int, int, int, int]],
) -> None:
    image = page(*drawn)
    found = components(image)
    assert found is not None
    seen, where = found
    assert seen.pictures.shape == (len(seen.boxes), SIDE, SIDE)
    assert (seen.pictures.max(axis=(1, 2)) == 255).all()
    assert (seen.boxes[:, :2] < seen.boxes[:, 2:]).all()
    assert seen.boxes[:, :2].min(axis=0) == pytest.approx(-seen.boxes[:, 2:].max(axis=0), abs=1e-3)
    assert (np.diff(seen.boxes[:, 0]) >= 0).all()
    assert set(np.unique(where)) - {-1} == set(range(len(seen.boxes)))
    assert (where[image == 0] == -1).all()


def test_a_picture_shows_its_component_alone_and_in_its_shape() -> None:
    ring = np.zeros((60, 60), np.uint8)
    cv2.circle(ring, (30, 30), 25, 255, 3)
    ring[28:32, 20:40] = 255  # a bar within it
    found = components(ring)
    assert found is not None
    around, within = found[0].pictures
    assert around[SIDE // 2, SIDE // 2] == 0 < around[SIDE // 2].max()
    rows, columns = (np.ptp(axis) + 1 for axis in np.nonzero(within))
    assert columns == pytest.approx(5 * rows, abs=4)


def test_neither_the_scale_nor_the_place_matters() -> None:
    small = page((10, 10, 8, 20), (30, 15, 10, 10), (50, 10, 14, 20))
    large = cv2.resize(small, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    moved = np.roll(small, (30, 60), axis=(0, 1))
    found = [components(image) for image in (small, large, moved)]
    told, grown, gone = (both[0] for both in found if both is not None)
    assert np.allclose(told.boxes, grown.boxes, atol=1e-3)
    assert np.allclose(told.boxes, gone.boxes, atol=1e-3)
    assert (told.pictures == gone.pictures).all()


def test_a_dot_stays_small_beside_the_rest_and_dirt_is_left_out() -> None:
    found = components(page((10, 10, 20, 40), (60, 46, 4, 4), (90, 20, 1, 1)))
    assert found is not None
    bar, dot = found[0].pictures
    assert (dot > 0).sum() < 0.8 * (bar > 0).sum()


def test_no_ink_is_none() -> None:
    assert components(page()) is None
    assert components(page((10, 10, 20, 20), ink=60)) is None
