"""Degradation of rendered images to what scanners and phones give.

Input: a clean rendering (H, W) and a random generator. Output: the degraded image (H, W), as the
recogniser prepares it. `degrade` works at the scale of training, where a symbol measures about 22
pixels: pen, paper, then camera. Geometric changes are separate, in `Warp`, so that they also apply
to targets.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.clean.illumination import flatten
from hmer_cli.recognition.prepare import brighten, stretch
from hmer_cli.training.augment import paper as sheet
from hmer_cli.training.augment.degradation import Degradation
from hmer_cli.training.augment.paper import Gray, blurred, field

Pixels = NDArray[np.uint8]

WHITE = np.float32(255)


DEFAULT = Degradation()


def degrade(image: Pixels, rng: np.random.Generator, strength: Degradation = DEFAULT) -> Pixels:
    """The image as a scan or a photo; no ink moves, and the shape stays.

    ``image`` and the result: (H, W), dark ink on light paper. The same state of ``rng`` gives the
    same image.
    """
    ink = np.asarray(1 - image / WHITE, np.float32)
    ink = _penned(ink, rng, strength)
    depth = 1.0
    if rng.random() < strength.faded:
        depth = rng.uniform(*strength.ink_depth)
    paper = _papered(ink, depth, rng, strength)
    photo = _taken(paper * (1 - np.float32(depth) * ink), rng, strength)
    return np.round(255 * np.clip(photo, 0, 1)).astype(np.uint8)


def prepared(image: Pixels) -> Pixels:
    """Dark ink on paper (H, W) -> input of the recogniser: bright on black, paper cleaned.

    These are the steps of `page.clean` and `recognition.prepare` without a change of scale. Black
    where there is no ink.
    """
    ink = stretch(flatten(image))
    return np.zeros_like(image) if ink is None else brighten(ink)


@dataclass(frozen=True)
class Warp:
    """A geometric distortion: rotation, perspective and a sheet that is not flat.

    Points (x, y) are continuous, (0, 0) the corner of the first pixel, as in `ink.render`. A point
    is first bent, ``p + amplitude * sin(frequency . p + phase)`` for each row of ``waves``, then
    goes through ``matrix``, a homography (3, 3). ``shape`` (H, W) is that of the result.
    """

    shape: tuple[int, int]
    matrix: NDArray[np.float64]
    waves: NDArray[np.float64]
    """Rows of amplitude x, y (pixels), frequency x, y (radians a pixel), phase (radians)."""

    @classmethod
    def sample(
        cls, shape: tuple[int, int], rng: np.random.Generator, strength: Degradation = DEFAULT
    ) -> Warp:
        """A warp of images of ``shape``, which keeps all of the image and may add room around."""
        H, W = shape
        corners = np.array([(0, 0), (W, 0), (W, H), (0, H)], np.float64)
        moved_to, waves = corners, np.zeros((0, 5))
        tilted = _happens(strength.tilted, rng)
        if tilted or rng.random() < strength.warped:
            angle = rng.normal(0, 0.12 if tilted else 0.02)
            turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
            moved_to = corners @ turn + rng.normal(0, 0.015 * H + 0.005 * W, (4, 2))
            waves = _waves(rng)
        room = np.zeros(4)
        if rng.random() < strength.roomy:
            room = np.floor(rng.uniform(0, strength.room, 4)) * (rng.random(4) < 0.4)
        slack = np.ceil(np.abs(waves[:, :2]).sum(axis=0))
        low = np.floor(moved_to.min(axis=0)) - slack - room[:2]
        width, height = np.ceil(moved_to.max(axis=0)) + slack + room[2:] - low
        ends = (moved_to - low).astype(np.float32)
        matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), ends)
        return cls((int(height), int(width)), np.asarray(matrix, np.float64), waves)

    def points(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """Where the points (N, 2) of the image are after the warp: strokes, or symbols' centres."""
        bent = points + self._bend(points)
        ends = np.column_stack([bent, np.ones(len(bent))]) @ self.matrix.T
        return (ends[:, :2] / ends[:, 2:]).astype(np.float32)

    def origins(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """Where points (N, 2) of the warped image were before: the inverse of ``points``."""
        ends = np.column_stack([points, np.ones(len(points))]) @ np.linalg.inv(self.matrix).T
        bent = ends[:, :2] / ends[:, 2:]
        start = bent
        for _ in range(4):
            start = bent - self._bend(start)
        return start.astype(np.float32)

    def image(self, image: Pixels) -> Pixels:
        """The warped image; what was outside the paper is white."""
        step = 8
        height, width = self.shape
        rows, columns = -(-height // step) + 2, -(-width // step) + 2
        y, x = np.mgrid[:rows, :columns] * step - step / 2
        coarse = self.origins(np.column_stack([x.ravel(), y.ravel()])) - 0.5
        size = (columns * step, rows * step)
        grid = cv2.resize(coarse.reshape(rows, columns, 2), size)
        x, y = cv2.split(grid[step : step + height, step : step + width])
        return np.asarray(cv2.remap(image, x, y, cv2.INTER_CUBIC, borderValue=255), np.uint8)

    def _bend(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        phases = points @ self.waves[:, 2:4].T + self.waves[:, 4]
        return np.asarray(np.sin(phases) @ self.waves[:, :2], np.float64)


def _waves(rng: np.random.Generator) -> NDArray[np.float64]:
    """Three sine waves in random directions, up to some 1.5 pixels high."""
    angle, length = rng.uniform(0, 2 * np.pi, 3), rng.uniform(60, 300, 3)
    frequency = np.stack([np.cos(angle), np.sin(angle)], axis=1) * (2 * np.pi / length)[:, None]
    return np.column_stack([rng.normal(0, 0.7, (3, 2)), frequency, rng.uniform(0, 2 * np.pi, 3)])


# Stages ------------------------------------------------------------------------------------------


def _happens(share: float, rng: np.random.Generator) -> bool:
    """Whether a step of probability ``share`` happens; none drawn for probability 0."""
    return share > 0 and bool(rng.random() < share)


def _penned(ink: Gray, rng: np.random.Generator, strength: Degradation) -> Gray:
    for step in (sheet.cut, sheet.neighboured, sheet.lined, sheet.framed, sheet.bold):
        if _happens(getattr(strength, step.__name__), rng):
            ink = step(ink, rng)
    if rng.random() < strength.widened:
        ink = sheet.widened(ink, rng, strength.change)
    for step in (sheet.filled, sheet.ragged, sheet.pressed, sheet.pencil, sheet.skipping):
        if _happens(getattr(strength, step.__name__), rng):
            ink = step(ink, rng)
    return ink


def _papered(ink: Gray, depth: float, rng: np.random.Generator, strength: Degradation) -> Gray:
    """What prints on the paper is faint beside the ink, which takes ``depth`` of the light."""
    paper = np.ones_like(ink)
    if rng.random() < strength.ruled:
        paper = sheet.ruled(paper, rng, depth * rng.uniform(*strength.rule_depth))
    if rng.random() < strength.squared:
        paper = sheet.squared(paper, rng, depth * rng.uniform(*strength.square_depth))
    if rng.random() < strength.margined:
        paper = sheet.margined(paper, rng, depth * rng.uniform(*strength.rule_depth))
    if rng.random() < strength.bled:
        paper = sheet.bled(paper, ink, rng, depth * rng.uniform(*strength.bleed_depth))
    for step in (sheet.specked, sheet.fibrous, sheet.shaded):
        if rng.random() < getattr(strength, step.__name__):
            paper = step(paper, rng)
    return paper


def _taken(photo: Gray, rng: np.random.Generator, strength: Degradation) -> Gray:
    """Lens, sensor and file, at a random resolution."""
    H, W = photo.shape
    resampled = rng.random() < strength.resampled
    if resampled:
        photo = _resized(photo, float(rng.uniform(*strength.finer)))
    if rng.random() < strength.softened:
        photo = blurred(photo, rng.uniform(*strength.softness))
    for step in (moved, striped, noisy, sharpened, whitened, binarised):
        if rng.random() < getattr(strength, step.__name__):
            photo = step(photo, rng)
    if rng.random() < strength.compressed:
        photo = compressed(photo, int(rng.integers(*strength.quality, endpoint=True)))
    if resampled:
        photo = np.asarray(cv2.resize(photo, (W, H), interpolation=cv2.INTER_CUBIC), np.float32)
    return photo


def _resized(photo: Gray, scale: float) -> Gray:
    size = tuple(max(1, round(n * scale)) for n in photo.shape[::-1])
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(photo, size, interpolation=method), np.float32)


# Cameras and scanners: float32 (H, W), 0 black to 1 white ----------------------------------------


def moved(photo: Gray, rng: np.random.Generator) -> Gray:
    """Motion blur."""
    reach, angle = rng.uniform(1, 2.2), rng.uniform(0, np.pi)
    kernel = np.zeros((7, 7), np.uint8)
    tip = np.array([np.cos(angle), np.sin(angle)]) * reach
    ends = np.round((np.stack([3 - tip, 3 + tip])) * 16).astype(np.int32)
    cv2.polylines(kernel, [ends], False, 255, 1, cv2.LINE_AA, 4)
    return np.asarray(cv2.filter2D(photo, -1, kernel / np.float32(kernel.sum())), np.float32)


def striped(photo: Gray, rng: np.random.Generator) -> Gray:
    """Stripes of a scanner's sensor."""
    long = photo.shape[int(rng.integers(2))]
    stripe = rng.uniform(0.005, 0.03) * field((1, long), rng.uniform(1, 4), rng)[0]
    return photo * (1 + (stripe[:, None] if long == photo.shape[0] else stripe))


def noisy(photo: Gray, rng: np.random.Generator) -> Gray:
    """Sensor noise."""
    return photo + 0.025 * rng.random() ** 2 * field(photo.shape, rng.uniform(1, 1.6), rng)


def sharpened(photo: Gray, rng: np.random.Generator) -> Gray:
    """Unsharp masking, with halos."""
    return photo + rng.uniform(0.3, 1.0) * (photo - blurred(photo, rng.uniform(0.8, 1.6)))


def whitened(photo: Gray, rng: np.random.Generator) -> Gray:
    """What scanning apps do: shade divided out, paper to pure white, the faint with it."""
    flat = np.asarray(flatten(_bytes(photo)) / WHITE, np.float32)
    depth = _depth(flat)
    white = 1 - rng.uniform(0, 0.3) * depth
    black = (1 - depth) * rng.uniform(0, 1)
    return np.clip((flat - black) / (white - black), 0, 1)


def binarised(photo: Gray, rng: np.random.Generator) -> Gray:
    """Black or white, by a threshold that follows the paper, at twice the resolution or so."""
    fine = flatten(_bytes(_resized(photo, rng.uniform(1.6, 2.4))))
    below = rng.uniform(80, 110) * _depth(photo)
    window = int(rng.integers(12, 40)) * 2 + 1
    black = cv2.adaptiveThreshold(
        fine, 255, cv2.ADAPTIVE_THRESH_GAUSSIAN_C, cv2.THRESH_BINARY, window, below
    )
    size = photo.shape[::-1]
    return np.asarray(cv2.resize(black, size, interpolation=cv2.INTER_AREA) / WHITE, np.float32)


def _depth(photo: Gray) -> float:
    """How much darker than the paper the ink is, about; at least a quarter."""
    some = photo[::2, ::2]
    darker = np.clip(np.median(some) - some - 0.05, 0, None)
    return max(0.25, float((darker**2).sum() / max(darker.sum(), 1e-6)))


def compressed(photo: Gray, quality: int) -> Gray:
    """JPEG compression."""
    _, data = cv2.imencode(".jpg", _bytes(photo), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.float32) / WHITE


def _bytes(photo: Gray) -> Pixels:
    return (255 * np.clip(photo, 0, 1)).astype(np.uint8)
