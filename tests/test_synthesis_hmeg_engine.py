"""The hmeg engine beside its networks: where the letters of a function's name go."""

from __future__ import annotations

import numpy as np

from hmer_cli.commands.generate import ENGINES
from hmer_cli.models.registry import resolve
from hmer_cli.synthesis.hmeg_engine import Networks, spelled


def test_function_names_are_painted_letter_by_letter_in_their_box() -> None:
    known = Networks.load(resolve("hmer-hand-1"))
    placed = np.array([[0, 0, 60, 40], [70, 10, 90, 40]], np.float32)
    signs, at = spelled((r"\lim", "x"), placed, known)
    assert signs == ("l", "i", "m", "x")
    assert (np.diff(at[:3, 0]) > 0).all() and at[0, 1] < at[2, 1]
    assert np.allclose([*at[:3, :2].min(0), *at[:3, 2:].max(0)], placed[0], atol=1e-3)
    assert np.array_equal(at[3], placed[1])


def test_a_function_has_one_box_whatever_it_is_painted_of() -> None:
    done = ENGINES["hmeg"]().write(r"\sin x + 1", 1, np.random.default_rng(0))
    assert [token for token, _ in done.boxes] == [r"\sin", "x", "+", "1"]
