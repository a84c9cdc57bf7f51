"""Platt scaling finds the odds again that answers were drawn with, and each answer has its own."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from hmer_cli.ink.render import Image
from hmer_cli.page import regions
from hmer_cli.page.load.sources import Source
from hmer_cli.synthesis.engine import InkEngine
from hmer_cli.training.export import calibration
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


class Counting:
    """A recogniser whose odds of an image are the number of those that it read before."""

    model = "counting"
    units = SimpleNamespace(decode=lambda units: [f"{units}"])

    def __init__(self) -> None:
        self.count = 0

    def rank(self, images: Sequence[Any]) -> list[Any]:
        first, self.count = self.count, self.count + len(images)
        return [
            SimpleNamespace(odds=float(i), margin=0.0, units=i) for i in range(first, self.count)
        ]


def test_samples_after_a_system_of_equations_keep_their_own_odds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def line(label: str, seed: int) -> Image:
        return InkEngine().write(label, seed, np.random.default_rng(seed)).image

    rows = line("2 x + 3 y = 1 2", 1), line("x - y = 2", 2)
    high, wide = (max(row.shape[axis] for row in rows) for axis in (0, 1))
    system = np.full((3 * high + 300, wide + 200), 255, np.uint8)
    foot = 2 * high + 200
    boxes = []
    for row, top in zip(rows, (40, high + 200), strict=True):
        system[top : top + row.shape[0], 120 : 120 + row.shape[1]] = row
        boxes.append((120.0, float(top), 120.0 + row.shape[1], float(top + row.shape[0])))
    brace = [(80, 50), (68, 70), (68, foot // 2), (54, foot // 2 + 20), (68, foot // 2 + 40)]
    brace += [(68, foot - 50), (80, foot - 30)]
    cv2.polylines(system, [np.array(brace, np.int32)], False, 0, 5)
    monkeypatch.setattr(regions, "find_boxes", lambda found: boxes)  # whatever finds the lines

    pictures = {"both": system, "2": line("a + b", 3), "4": line("u - v", 4)}

    def source_of(sample: Any) -> Source:
        data = cv2.imencode(".png", pictures[sample.label])[1].tobytes()
        return Source("same.png", "same.png", lambda: data)

    samples: list[Any] = [
        SimpleNamespace(label=label, name="same", file=None) for label in pictures
    ]
    reader: Any = Counting()
    evidence, right = calibration._evidence(reader, samples, source_of)
    assert reader.count == 4
    assert (evidence, right) == ([(2.0, 0.0), (3.0, 0.0)], [True, False])
