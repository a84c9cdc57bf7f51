"""What a camera makes of a sheet: view, light, shadows, blur, noise.

Input: a sheet with ink (H, W, 3), BGR, 0 to 1, larger than what is seen of it. Output: a `Photo`.
Method: each pixel of the photo is looked up on the sheet through a homography and a bend; light and
shadows are multiplied, glare is added, then the picture is blurred, noisy and perhaps reduced.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Pixels = NDArray[np.uint8]
Strokes = list[NDArray[np.float64]]
Box = tuple[float, float, float, float]

TILTS = {"tilted": (5.0, 12.0), "neighbours": (0.0, 2.0)}
"""Degrees, at random to either side, where a kind has others than 0 to 4."""


ROOM = 0.4
"""Between ink and box, in heights of a sign: people leave 0 to 1.5."""


@dataclass(frozen=True)
class Photo:
    """The picture, (H, W, 3), BGR, and the box of each line that is to be read."""

    pixels: Pixels
    boxes: list[Box]
    quality: int
    """Of JPEG; 0 is PNG."""


@dataclass(frozen=True)
class View:
    """A sheet (H, W, 3), the lines on it that are to be read, and the ``frame`` (width, height)
    that is looked at, ``pad`` from its left and upper edges; signs are ``scale`` high."""

    sheet: Floats
    lines: list[Strokes]
    frame: NDArray[np.float64]
    pad: float
    scale: float


def taken(kind: str, view: View, rng: np.random.Generator) -> Photo:
    """A photo of a sheet."""
    across = _seen_through(kind, view, rng)
    seen = cv2.remap(view.sheet, *across, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    photo: Floats = np.asarray(seen, np.float32)
    boxes = _boxes(view, across)
    shape = photo.shape[0], photo.shape[1]
    if kind in ("desk", "black paper", "curled"):
        _desk(photo, kind, view, across, rng)
    if kind == "spiral":
        _spiral(photo, view, rng)
    photo *= _light(kind, shape, rng)[..., None]
    photo *= 1 + rng.normal(0, 0.02, 3).astype(np.float32)
    if kind.endswith("shadow") or rng.random() < 0.12:
        photo *= _shadow(shape, kind == "hard shadow", rng)[..., None]
    if kind == "whiteboard":
        photo += _glare(shape, rng)[..., None]
    return _recorded(kind, photo, boxes, view.scale, rng)


def _seen_through(kind: str, view: View, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Where each pixel of the photo lies on the sheet: x and y, (H, W) each."""
    width, height = (int(length) for length in view.frame)
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    low, high = TILTS.get(kind, (0.0, 4.0))
    angle = np.radians(rng.uniform(low, high)) * rng.choice((-1, 1))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    middle = np.array([width, height]) / 2
    jitter = rng.normal(0, 0.03, (4, 2)) * min(width, height)
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    bend = rng.uniform(0.25, 0.5) * view.scale if kind == "curled" else 0.03 * view.scale
    wave = bend * np.sin(np.pi * x / width * rng.uniform(0.8, 1.6) + rng.uniform(0, 6))
    across = np.zeros_like(x), np.zeros_like(y)
    for grown in (1.0, 1.1, 1.25, 1.4):
        there = (grown * (corners - middle) @ turn + jitter) + middle + view.pad
        matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), there.astype(np.float32))
        points = cv2.perspectiveTransform(np.stack([x, y], 2).reshape(-1, 1, 2), matrix)
        on = points.reshape(height, width, 2)
        across = on[..., 0] - 0.5, on[..., 1] + wave - 0.5
        if _all_seen(view, across):
            break
    return across[0].astype(np.float32), across[1].astype(np.float32)


def _all_seen(view: View, across: tuple[Floats, Floats]) -> bool:
    """Whether all ink that is to be read is on the photo, with a little room."""
    edges = [[e[0], e[:, -1], e[-1, ::-1], e[::-1, 0]] for e in across]
    outline = np.stack([np.concatenate(edge) for edge in edges], 1).astype(np.float32)[:, None]
    points = np.concatenate([stroke for line in view.lines for stroke in line])
    room = 0.25 * view.scale
    return all(
        cv2.pointPolygonTest(outline, (float(x), float(y)), True) > room for x, y in points[::5]
    )


def _boxes(view: View, across: tuple[Floats, Floats]) -> list[Box]:
    """The box of each line on the photo."""
    found: list[Box] = []
    for line in view.lines:
        drawn = np.zeros(view.sheet.shape[:2], np.uint8)
        for stroke in line:
            points = np.round(stroke).astype(np.int32).reshape(-1, 1, 2)
            cv2.polylines(drawn, [points], isClosed=False, color=255, thickness=3)
        x, y, width, height = cv2.boundingRect(cv2.remap(drawn, *across, cv2.INTER_NEAREST))
        room = ROOM * view.scale
        found.append((x - room, y - room, x + width + room, y + height + room))
    return found


def _desk(
    photo: Floats, kind: str, view: View, across: tuple[Floats, Floats], rng: np.random.Generator
) -> None:
    """The desk beyond one to three edges of the sheet, with the shade of its edge."""
    points = np.concatenate([stroke for line in view.lines for stroke in line])
    low, high = points.min(axis=0), points.max(axis=0)
    first, last = np.full(2, view.pad), view.pad + view.frame
    beyond = np.full(photo.shape[:2], 1e6, np.float32)
    sides = rng.permutation(4)[: rng.choice((1, 2, 3))]
    for side in sides:
        axis, where = side % 2, rng.uniform(0.25, 0.7)
        if side < 2:
            edge = first[axis] + where * (low[axis] - first[axis])
            beyond = np.minimum(beyond, across[axis] - edge)
        else:
            edge = last[axis] - where * (last[axis] - high[axis])
            beyond = np.minimum(beyond, edge - across[axis])
    shape = beyond.shape
    bases = ((0.16, 0.24, 0.38), (0.45, 0.6, 0.72), (0.15, 0.15, 0.16), (0.7, 0.72, 0.72))
    which = 3 if kind == "black paper" else rng.choice(4, p=(0.4, 0.25, 0.25, 0.1))
    base = np.array(bases[which])
    fibres = cv2.GaussianBlur(rng.normal(0, 1, shape).astype(np.float32), (0, 0), 12, sigmaY=0.8)
    grained = (0.8, 0.8, 0.4, 0.15)[which]
    table = (
        base * (1 + grained * fibres[..., None]) * (1 + 0.08 * _noise(shape, 80, rng)[..., None])
    )
    table *= 1 - 0.45 * np.exp(-np.clip(-beyond, 0, None) / (0.25 * view.scale))[..., None]
    inside = np.clip(beyond + 0.5, 0, 1)[..., None]
    photo *= inside
    photo += (1 - inside) * table.astype(np.float32)


def _spiral(photo: Floats, view: View, rng: np.random.Generator) -> None:
    """Holes and wires along the left or the upper edge, where there is room beside the ink."""
    height, width = photo.shape[:2]
    down = rng.random() < 0.6
    pitch, at = 0.9 * view.scale, 0.35 * view.scale
    for along in np.arange(0.4 * pitch, height if down else width, pitch):
        x, y = (at, along) if down else (along, at)
        where, size = (int(x), int(y)), max(2, int(0.13 * view.scale))
        cv2.circle(photo, where, size, (0.2, 0.2, 0.2), -1, cv2.LINE_AA)
        edge = (0, int(y - 0.2 * view.scale)) if down else (int(x - 0.2 * view.scale), 0)
        cv2.line(photo, where, edge, (0.45, 0.45, 0.47), max(2, size // 2), cv2.LINE_AA)


def _noise(shape: tuple[int, ...], sigma: float, rng: np.random.Generator) -> Floats:
    """Smooth noise of deviation about 1, (H, W)."""
    small = rng.normal(0, 1, (int(shape[0] / sigma) + 4, int(shape[1] / sigma) + 4))
    size = (shape[1], shape[0])
    return np.asarray(cv2.resize(small.astype(np.float32), size, interpolation=cv2.INTER_CUBIC))


def _light(kind: str, shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Uneven light, (H, W): a slope over the picture, a darker rim, on bent pages the bend."""
    height, width = shape
    x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    way, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.25)
    light = rng.uniform(0.72, 0.98) * (1 + strength * (np.cos(way) * x + np.sin(way) * y))
    light *= 1 - rng.uniform(0, 0.15) * (x**2 + y**2) / 2
    if kind == "curled":
        light *= 1 + 0.15 * np.sin(2.5 * x + rng.uniform(0, 6))
    return light.astype(np.float32)


def _shadow(shape: tuple[int, int], hard: bool, rng: np.random.Generator) -> Floats:
    """The shadow of a phone, of a hand or of a head, (H, W), with soft or hard edges."""
    height, width = shape
    dark, long = np.zeros(shape, np.uint8), max(shape)
    x, way = rng.uniform(0.2, 0.8) * width, float(rng.uniform(-35, 35))
    if rng.random() < 0.5:  # a phone, from beyond the edge on
        across = rng.uniform(0.3, 0.6) * width
        corners = cv2.boxPoints(((x, height), (across, rng.uniform(0.7, 1.5) * height), way))
        cv2.fillPoly(dark, [corners.astype(np.int32)], 255)
    else:  # a hand with fingers
        cv2.ellipse(dark, ((x, height), (0.5 * long, 0.4 * long), way), 255, -1)
        for finger in np.linspace(-0.7, 0.4, 4):
            end = x + 0.5 * long * np.sin(finger), height - 0.55 * long * np.cos(finger)
            start, tip = (int(x), int(height)), (int(end[0]), int(end[1]))
            cv2.line(dark, start, tip, 255, int(0.09 * long))
    sigma = rng.uniform(0.002, 0.005) * long if hard else rng.uniform(0.02, 0.06) * long
    soft = cv2.GaussianBlur(dark, (0, 0), sigma).astype(np.float32) / 255
    darker = 1 - np.float32(rng.uniform(0.3, 0.6)) * soft
    return np.asarray(np.rot90(darker, 2) if rng.random() < 0.3 else darker)


def _glare(shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Lamps that a whiteboard mirrors, (H, W)."""
    light = np.zeros(shape, np.float32)
    for _ in range(rng.choice((1, 2))):
        middle = rng.uniform(0, 1, 2) * (shape[1], shape[0])
        size = rng.uniform(0.05, 0.25, 2) * max(shape)
        cv2.ellipse(light, ((middle[0], middle[1]), (size[0], size[1]), 20.0), 1.0, -1)
    return cv2.GaussianBlur(light, (0, 0), 0.03 * max(shape)) * np.float32(rng.uniform(0.2, 0.5))


def _recorded(
    kind: str, photo: Floats, boxes: list[Box], scale: float, rng: np.random.Generator
) -> Photo:
    """Blur, noise and the size of the file."""
    if kind == "blurred":
        length = int(rng.uniform(0.06, 0.13) * scale) | 1
        kernel = np.zeros((length, length), np.float32)
        end = rng.uniform(0, 2 * np.pi)
        step = (length // 2) * np.array([np.cos(end), np.sin(end)])
        middle = length // 2
        first, last = middle - step, middle + step
        cv2.line(kernel, (int(first[0]), int(first[1])), (int(last[0]), int(last[1])), 1.0)
        photo = np.asarray(cv2.filter2D(photo, -1, kernel / kernel.sum()), np.float32)
    photo = np.asarray(cv2.GaussianBlur(photo, (0, 0), rng.uniform(0.5, 1.0)), np.float32)
    grain = cv2.GaussianBlur(rng.normal(0, 1, photo.shape).astype(np.float32), (0, 0), 0.6)
    photo = photo + rng.uniform(0.008, 0.03) * grain
    small = rng.uniform(11, 16) / scale if kind == "small" else 1.0
    if small < 1:
        size = max(1, round(photo.shape[1] * small)), max(1, round(photo.shape[0] * small))
        photo = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.float32)
        boxes = [(small * x0, small * y0, small * x1, small * y1) for x0, y0, x1, y1 in boxes]
    quality = int(rng.integers(45, 70) if kind == "small" else rng.integers(60, 94))
    pixels = np.round(255 * np.clip(photo, 0, 1)).astype(np.uint8)
    return Photo(pixels, boxes, quality)
