"""Distances of sets: nothing between equal ones, and what theory says of known ones."""

from __future__ import annotations

import numpy as np
import pytest

from hmer_cli.metrics.distances import frechet, patches, sliced

RNG = np.random.default_rng(0)
POINTS = RNG.standard_normal((5000, 3))


def test_the_frechet_distance_of_normals_is_that_of_their_means_and_deviations() -> None:
    assert frechet(POINTS, POINTS) == pytest.approx(0, abs=1e-6)
    # |shift|² + (2 - 1)² in each of three dimensions
    assert frechet(POINTS, 2 * POINTS + np.array([3, 0, 0])) == pytest.approx(9 + 3, rel=0.05)


def test_the_sliced_distance_of_moved_points_is_the_mean_of_the_move_s_projections() -> None:
    assert sliced(POINTS, POINTS[::-1]) == pytest.approx(0, abs=1e-9)
    # the mean of |cos| over directions of space is one half
    assert sliced(POINTS, POINTS + np.array([4, 0, 0])) == pytest.approx(2, rel=0.15)


def test_patches_have_ink_in_their_middle() -> None:
    image = np.full((40, 60), 255, np.uint8)
    image[3:6, 5:50] = 0
    found = patches([image])
    assert found.shape == (20_000, 256)
    assert (found.reshape(-1, 16, 16)[:, 8, 8] == 1).all()
