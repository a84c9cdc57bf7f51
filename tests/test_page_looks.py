"""What several looks at a page say of its expressions, made one."""

from __future__ import annotations

import numpy as np
import pytest
from inkfiles import moved, written

from hmer_cli.ink.render import draw
from hmer_cli.page.detect.ensemble import Candidates, fuse_boxes
from hmer_cli.page.detect.search import non_maximum_suppression
from hmer_cli.page.load.pages import Page
from hmer_cli.page.regions import find_regions

SMALL = (  # label, corner, height
    (r"y = r \sin \theta", (80, 60), 50),
    (r"a ^ { 2 } + b ^ { 2 } = c ^ { 2 }", (80, 200), 70),
    (r"x _ { 1 } + x _ { 2 } = - \frac { b } { a }", (80, 380), 110),
    ("f ( x ) = 2 x + 1", (500, 60), 50),
)


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


@pytest.mark.parametrize(
    ("label", "height"),
    [(r"\int C d s", 300), ("F < Z _ { d }", 220), ("u = 1 - x ^ { 2 }", 150), ("N + c = 5", 200)],
)
def test_an_expression_in_a_larger_hand_than_the_page_is_found(label: str, height: int) -> None:
    strokes = []
    for each, (x, y), high in (*SMALL, (label, (150, 700), height)):
        ink = written(each)
        _, top, _, foot = ink.box()
        strokes += moved(ink, x, y, high / (foot - top)).strokes
    regions = find_regions(Page("a", 1, draw(strokes, (1400, 1000), 4)))
    assert len(regions) == len(SMALL) + 1
    assert regions[-1].box[1] > 600
