"""Kinds of signs, and the lines that they make."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from hmer_cli.page.detect.candidates import find_lines
from hmer_cli.page.detect.component_graph import Links
from hmer_cli.page.detect.components import InkComponents
from hmer_cli.page.detect.detector import shipped
from hmer_cli.page.detect.symbol_classes import SYMBOL_CLASSES, SYMBOL_FEATURES, symbol_features


def drawn(lines: list[list[tuple[int, int]]]) -> tuple[np.ndarray, np.ndarray]:
    """Ink of some strokes on a small page, and its box."""
    ink = np.zeros((90, 90), np.uint8)
    for line in lines:
        cv2.polylines(ink, [np.array(line, np.int32)], False, 1, 3)
    rows, columns = np.nonzero(ink)
    box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    return ink, np.array([box], np.float32)


SIGNS = {
    "relation": [[(30, 40), (55, 40)], [(30, 50), (55, 50)]],
    "plus": [[(40, 30), (40, 56)], [(28, 43), (54, 43)]],
    "bar": [[(20, 40), (70, 40)]],
    "open": [[(45, 20), (38, 30), (36, 42), (38, 54), (45, 64)]],
    "close": [[(38, 20), (45, 30), (47, 42), (45, 54), (38, 64)]],
    "arrow": [[(15, 40), (70, 40)], [(60, 32), (70, 40), (60, 48)]],
}


@pytest.mark.parametrize("kind", SIGNS)
def test_a_plain_sign_is_known_for_what_it_is(kind: str) -> None:
    ink, box = drawn(SIGNS[kind])
    shares = shipped().kinds(symbol_features(ink, box, 25))
    assert shares.shape == (1, len(SYMBOL_CLASSES))
    assert shares.sum() == pytest.approx(1, abs=1e-4)
    assert list(SYMBOL_CLASSES)[int(shares[0].argmax())] == kind


def test_a_sign_looks_the_same_wherever_it_stands() -> None:
    ink, box = drawn(SIGNS["plus"])
    moved = np.roll(ink, (7, 11), (0, 1))
    there = box + np.array([11, 7, 11, 7], np.float32)
    assert (symbol_features(ink, box, 25) == symbol_features(moved, there, 25)).all()
    assert symbol_features(ink, np.zeros((0, 4), np.float32), 25).shape == (0, SYMBOL_FEATURES)


def links_of(same: np.ndarray) -> Links:
    """Links between all parts, from a symmetric table (N, N)."""
    count = len(same)
    return Links.of(np.tile(np.arange(count), (count, 1)), same)


def test_a_raised_script_shares_a_line_with_its_base() -> None:
    boxes = np.array([[0, 100, 20, 130], [22, 78, 40, 96]], np.float32)
    ones = np.ones(2, np.float32)
    parts = InkComponents(
        boxes, ones, 20.0, np.zeros((2, 1), np.float32), np.zeros((200, 200), np.uint8)
    )
    none = links_of(np.zeros((2, 2), np.float32))
    assert max(len(line.members) for line in find_lines(parts, ones, none)) == 2
    parts.boxes[1] -= np.array([0, 40, 0, 40], np.float32)
    assert max(len(line.members) for line in find_lines(parts, ones, none)) == 1


def test_what_the_network_links_is_a_line_however_far_apart() -> None:
    boxes = np.array([[0, 0, 20, 20], [30, 0, 50, 20], [22, 90, 40, 110]], np.float32)
    ones = np.ones(3, np.float32)
    parts = InkComponents(
        boxes, ones, 20.0, np.zeros((3, 1), np.float32), np.zeros((200, 200), np.uint8)
    )
    links = np.array([[0, 0.9, 0.1], [0.9, 0, 0.6], [0.1, 0.6, 0]], np.float32)
    lines = {line.boxes.tobytes() for line in find_lines(parts, ones, links_of(links))}
    assert boxes[[0, 2, 1]].tobytes() in lines
    weak = {line.boxes.tobytes() for line in find_lines(parts, ones, links_of(links / 4))}
    assert boxes[[0, 2, 1]].tobytes() not in weak
