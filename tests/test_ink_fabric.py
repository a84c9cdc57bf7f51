"""Paths of fabric.js lie where its canvas shows them: moved, scaled, mirrored, turned."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_ink_json import read

HOOK = {"type": "path", "stroke": "#000", "strokeWidth": 0, "left": 100, "top": 200,
        "path": [["M", 5, 7], ["L", 35, 7], ["L", 35, 47]]}  # fmt: skip
"""Right, then down: 30 wide and 40 high."""


def points(**changes: Any) -> list[list[float]]:
    (stroke,) = read({"objects": [HOOK | changes]}).strokes
    found: list[list[float]] = np.asarray(stroke, np.float64).round(3).tolist()
    return found


MIDDLE = {"originX": "center", "originY": "center"}  # as of fabric 7 where nothing is said


@pytest.mark.parametrize(("changes", "shown"), [
    ({}, [[100, 200], [130, 200], [130, 240]]),
    (MIDDLE, [[85, 180], [115, 180], [115, 220]]),
    ({"originX": "center"}, [[85, 200], [115, 200], [115, 240]]),
    ({"originY": "center"}, [[100, 180], [130, 180], [130, 220]]),
    ({"originX": "left", "originY": "top"}, [[100, 200], [130, 200], [130, 240]]),
    ({"flipX": True}, [[130, 200], [100, 200], [100, 240]]),
    ({"flipY": True}, [[100, 240], [130, 240], [130, 200]]),
    ({**MIDDLE, "flipX": True, "flipY": True}, [[115, 220], [85, 220], [85, 180]]),
    ({**MIDDLE, "angle": 90}, [[120, 185], [120, 215], [80, 215]]),
    ({**MIDDLE, "angle": 90, "flipX": True}, [[120, 215], [120, 185], [80, 185]]),
    ({"angle": 90}, [[100, 200], [100, 230], [60, 230]]),
    ({**MIDDLE, "scaleX": 2, "scaleY": 0.5}, [[70, 190], [130, 190], [130, 210]]),
    ({"scaleX": 2, "strokeWidth": 6}, [[106, 203], [166, 203], [166, 243]]),
    ({**MIDDLE, "scaleX": 2, "strokeWidth": 6}, [[70, 180], [130, 180], [130, 220]]),
])  # fmt: skip
def test_a_path_lies_where_the_canvas_shows_it(
    changes: dict[str, Any], shown: list[list[float]]
) -> None:
    assert points(**changes) == shown
