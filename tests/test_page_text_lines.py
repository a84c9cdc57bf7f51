"""Connected parts of a page -> lines of writing."""

from __future__ import annotations

import numpy as np

from hmer_cli.page.detect.text_lines import text_lines


def row(y: float, count: int = 8, gap: float = 1.5) -> list[list[float]]:
    """Letters of 10 pixels on a line."""
    return [[i * 10 * gap, y, i * 10 * gap + 10, y + 10] for i in range(count)]


def test_two_rows_are_two_lines_from_the_top_down_and_left_to_right() -> None:
    boxes = np.array([*row(60)[::-1], *row(20)], np.float32)
    upper, lower = text_lines(boxes, 10.0)
    assert upper.tolist() == list(range(8, 16))
    assert lower.tolist() == list(range(7, -1, -1))


def test_columns_are_lines_of_their_own() -> None:
    right = np.array(row(20), np.float32) + np.array([400, 0, 400, 0], np.float32)
    assert len(text_lines(np.concatenate([np.array(row(20), np.float32), right]), 10.0)) == 2


def test_dots_are_of_the_line_that_they_are_nearest_to() -> None:
    dot, comma = [31.0, 14.0, 33.0, 16.0], [95.0, 69.0, 97.0, 73.0]
    boxes = np.array([*row(20), *row(60), dot, comma], np.float32)
    upper, lower = text_lines(boxes, 10.0)
    assert 16 in upper
    assert 17 in lower


def test_what_is_far_too_high_for_a_letter_is_in_no_line() -> None:
    boxes = np.array([*row(40), [200, 0, 210, 100]], np.float32)
    (line,) = text_lines(boxes, 10.0)
    assert 8 not in line


def test_no_parts_make_no_lines() -> None:
    assert text_lines(np.zeros((0, 4), np.float32), 10.0) == []
