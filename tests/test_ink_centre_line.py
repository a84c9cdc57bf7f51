"""Outlines of a pen become its centre line: the stroke that was written, and its width."""

from __future__ import annotations

import numpy as np
import pytest
from inkfiles import INK, outline, read, written
from numpy.typing import NDArray

from hmer_cli.ink.centre_line import centre_line, pen_width


def evenly(line: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """``count`` points at equal distances along a line (N, 2)."""
    along = np.concatenate([[0.0], np.hypot(*np.diff(line, axis=0).T).cumsum()])
    asked = np.linspace(0, along[-1], count)
    return np.stack([np.interp(asked, along, column) for column in line.T], axis=1)


def test_a_pen_has_the_width_that_its_outline_says() -> None:
    assert pen_width(20 * 3 + np.pi * 9 / 4, 2 * 20 + np.pi * 3) == pytest.approx(3)


@pytest.mark.parametrize("seed", range(4))
def test_the_centre_line_of_an_outline_is_the_stroke_itself(seed: int) -> None:
    for stroke in written(r"\beta x + 8 \alpha", seed).strokes:
        found = centre_line(np.asarray(outline(stroke, 1.4), np.float64))
        assert found is not None and found.misfit < 0.35
        assert found.pen == pytest.approx(1.4, abs=0.45)
        dense = evenly(stroke.astype(np.float64), 300)
        near = np.hypot(*(found.points[:, None] - dense[None]).transpose(2, 0, 1))
        for away in (near.min(axis=1), near.min(axis=0)):
            assert away.mean() < 0.3 * 1.4 and away.max() < 1.5 * 1.4


def test_outlines_in_svg_are_strokes() -> None:
    paths = "".join(
        f"<path d='M{' L'.join(f'{x:.3f} {y:.3f}' for x, y in outline(s, 1.4).tolist())} Z'/>"
        for s in INK.strokes
    )
    (found,) = read(f"<svg>{paths}</svg>".encode())
    assert len(found.strokes) == len(INK.strokes)
