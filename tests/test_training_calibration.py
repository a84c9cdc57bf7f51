"""Platt scaling finds the odds again that answers were drawn with."""

from __future__ import annotations

import numpy as np
import pytest

from hmer_cli.training.export.calibration import platt


@pytest.mark.parametrize("wanted", [(1.0, 0.0, 0.0), (0.4, 0.2, -1.0), (0.0, 2.0, 0.5)])
def test_weights_and_offset_are_found_again(wanted: tuple[float, ...]) -> None:
    rng = np.random.default_rng(7)
    evidence = rng.normal(0, 2, (20_000, 2))
    odds = evidence @ wanted[:2] + wanted[2]
    right = rng.random(len(odds)) < 1 / (1 + np.exp(-odds))
    assert platt(evidence, list(right)) == pytest.approx(wanted, abs=0.08)


@pytest.mark.parametrize("right", [True, False])
def test_answers_that_all_agree_give_a_sure_and_finite_confidence(right: bool) -> None:
    slope, offset = platt([[0.0], [1.0], [2.0]], [right] * 3)
    assert np.isfinite([slope, offset]).all()
    assert (slope + offset > 0) == right
