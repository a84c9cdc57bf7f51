"""Recognisers on a fixed canvas: what they say besides the best label."""

from __future__ import annotations

from typing import Any

import numpy as np
from handmade import cross

from hmer_cli.recognition.canvas_recogniser import CanvasRecogniser
from hmer_cli.recognition.weights_file import WeightsFile


class Fake:
    """A session whose network says ``x``, less surely nothing, and less surely ``y``."""

    def run(self, *_: Any) -> list[np.ndarray]:
        return [np.log(np.array([[[0.3, 0.6, 0.1]]], np.float32))]


def test_another_reading_says_something() -> None:
    metadata = {"name": "fake", "tokens": ["x", "y"], "canvas": {}}
    reader = CanvasRecogniser(WeightsFile(Fake(), metadata, {}), threads=1)
    (reading,) = reader.read([cross()])
    assert reading.label == "x"
    assert [other.label for other in reading.alternatives] == ["y"]
