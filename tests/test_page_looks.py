"""What several looks at a page say of its expressions, made one."""

from __future__ import annotations

import numpy as np
import pytest

from hmer_cli.page.detect.ensemble import Candidates, fuse_boxes
from hmer_cli.page.detect.search import non_maximum_suppression


def seen(*rows: tuple[float, float, float]) -> Candidates:
    """Candidates 10 high, each by its left edge, its width and how likely it is, with a frame 1
    pixel around it."""
    boxes = np.array([(x, 0, x + w, 10) for x, w, _ in rows], np.float32).reshape(-1, 4)
    likely = np.array([likely for *_, likely in rows], np.float32)
    return Candidates(boxes, boxes + np.array([-1, -1, 1, 1], np.float32), likely)


def test_what_only_one_look_sees_is_half_as_likely() -> None:
    told = fuse_boxes([seen((0, 50, 0.9), (100, 40, 0.8)), seen((0, 50, 0.5))])
    assert told.likely.tolist() == pytest.approx([0.7, 0.4, 0.7])
    assert told.frames[1].tolist() == [99, -1, 141, 11]


def test_a_frame_is_the_mean_of_those_that_were_drawn() -> None:
    told = fuse_boxes([seen((0, 50, 0.9)), seen((1, 50, 0.9))])
    assert told.frames.tolist() == [[-0.5, -1, 51.5, 11]] * 2
    assert len(non_maximum_suppression(told.boxes, told.likely)) == 1


def test_a_look_that_sees_nothing_halves_all() -> None:
    told = fuse_boxes([seen((0, 50, 0.9)), seen()])
    assert told.likely.tolist() == pytest.approx([0.45])


def test_one_look_has_the_only_say() -> None:
    alone = seen((0, 50, 0.9), (20, 50, 0.3))
    assert fuse_boxes([alone]) is alone
