"""Synthetic photographs of pages: page -> photo and the homography between both.

Input: a page, (H, W) uint8, dark ink on white. Output: the photo, likewise, and a matrix (3, 3).
Method: ruling, perspective, a background, uneven light, blur, noise and JPEG compression in turn.
The page detector is trained and measured on them (``train/benchmarks/photos.py``).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.geometry import Box
from hmer_cli.page.clean.illumination import clean
from hmer_cli.page.clean.ruled_lines import remove_rules
from hmer_cli.page.load.images import Pixels
from hmer_cli.training.augment import paper as papers
from hmer_cli.training.augment.camera import compressed, noisy

Matrix = NDArray[np.float64]

PAPERS = ("plain", "ruled", "squared")

_LINED = 0.01
"""Least share of pixels that ruled lines cover on a ruled page."""


def photographed(
    page: Pixels, rng: np.random.Generator, paper: str = "plain"
) -> tuple[Pixels, Matrix]:
    """A photo (H', W') of the page (H, W), and the homography from page to photo pixels.

    ``paper`` is one of PAPERS; the ruling is drawn onto the page.
    """
    light: NDArray[np.float32] = page.astype(np.float32) / np.float32(255)
    lines: NDArray[np.float32] = np.ones_like(light)
    if paper == "ruled":
        lines = papers.ruled(lines, rng, float(rng.uniform(0.15, 0.45)))
    elif paper == "squared":
        lines = papers.squared(lines, rng, float(rng.uniform(0.1, 0.3)))
    light = np.minimum(light, lines) * np.float32(rng.uniform(0.85, 1))
    shape, matrix = _view(page.shape, rng)
    table = _table(shape, rng)
    size = shape[::-1]
    shown = cv2.warpPerspective(light, matrix, size, flags=cv2.INTER_CUBIC)
    there = cv2.warpPerspective(np.ones_like(light), matrix, size)
    photo = papers.shaded(np.where(there > 0.5, shown, table).astype(np.float32), rng)
    photo = noisy(papers.blurred(photo, rng.uniform(0.5, 1.0)), rng)
    photo = compressed(photo, int(rng.integers(70, 95)))
    return np.round(255 * np.clip(photo, 0, 1)).astype(np.uint8), matrix


def lined(page: Pixels) -> bool:
    """Whether the page, (H, W), already has ruled lines."""
    cleaned = clean(page)
    return float((remove_rules(cleaned) != cleaned).mean()) > _LINED


def _view(shape: tuple[int, ...], rng: np.random.Generator) -> tuple[tuple[int, int], Matrix]:
    """Shape of the photo, and a homography of small random perspective and rotation."""
    H, W = shape
    corners = np.array([(0, 0), (W, 0), (W, H), (0, H)], np.float64)
    angle = rng.normal(0, 0.05)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    ends = corners @ turn + rng.uniform(-0.05, 0.05, (4, 2)) * (W, H)
    room = rng.uniform(0.04, 0.2, 4) * max(H, W)
    low = ends.min(axis=0) - room[:2]
    width, height = np.ceil(ends.max(axis=0) - low + room[2:]).astype(int)
    matrix = cv2.getPerspectiveTransform(
        corners.astype(np.float32), (ends - low).astype(np.float32)
    )
    return (int(height), int(width)), np.asarray(matrix, np.float64)


def _table(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """A background texture (H, W), darker than paper, with horizontal grain."""
    grain = papers.field((shape[0], max(1, shape[1] // 40)), rng.uniform(2, 12), rng)
    wood = cv2.resize(grain, shape[::-1], interpolation=cv2.INTER_CUBIC)
    clouds = papers.field(shape, rng.uniform(40, 200), rng)
    return np.clip(rng.uniform(0.15, 0.55) * (1 + 0.08 * wood + 0.05 * clouds), 0.03, 0.7)


def moved(box: Box, matrix: Matrix) -> Box:
    """The bounding box of a box under a homography."""
    x0, y0, x1, y1 = box
    corners = np.array([[[x0, y0], [x1, y0], [x1, y1], [x0, y1]]], np.float64)
    ends = cv2.perspectiveTransform(corners, matrix)[0]
    (left, top), (right, foot) = ends.min(axis=0).tolist(), ends.max(axis=0).tolist()
    return left, top, right, foot
