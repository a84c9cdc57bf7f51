"""Photos and screenshots composed of handwritten ink: what `composed_photos.py` is measured on.

Input: handwritten lines, the kind of the photo and a random generator. Output: a `Photo`, pixels
(H, W, 3) in BGR and the box of each line in them. Method: the ink is drawn on a sheet that is
larger than what is seen, which `photo_camera.py` takes a photo of. Nothing of
``hmer_cli.training.augment`` is used, so that recognisers are not measured on what they were
trained on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from photo_camera import ROOM, Box, Floats, Photo, View, taken

Strokes = list[NDArray[np.float64]]
Colour = tuple[float, float, float]

WRITTEN = (
    "plain", "ruled", "squared", "tilted", "soft shadow", "hard shadow", "desk", "neighbours",
    "curled", "spiral", "crossed out", "highlighter", "small", "blurred", "several", "words",
    "whiteboard", "blackboard", "black paper",
)  # fmt: skip
"""What is photographed."""

SCREENS = ("app, light", "app, dark")
KINDS = (*WRITTEN, *SCREENS)

_SUPER = 4  # pixels of drawing for one of the sheet
_CREAM: Colour = (0.86, 0.92, 0.94)


@dataclass(frozen=True)
class Line:
    """A handwritten line whose signs are about one unit high, and whether it is to be read."""

    strokes: Strokes
    read: bool = True

    @property
    def size(self) -> tuple[float, float]:
        """Its width and height."""
        width, height = np.ptp(np.concatenate(self.strokes), axis=0)
        return float(width), float(height)


@dataclass(frozen=True)
class Placed:
    """A line at a place of the sheet, with its signs ``scale`` pixels high."""

    line: Line
    at: tuple[float, float]
    scale: float

    @property
    def points(self) -> Strokes:
        """The strokes in pixels of the sheet."""
        low = np.concatenate(self.line.strokes).min(axis=0)
        return [(stroke - low) * self.scale + self.at for stroke in self.line.strokes]

    @property
    def box(self) -> Box:
        """The box of the strokes."""
        width, height = (self.scale * length for length in self.line.size)
        return self.at[0], self.at[1], self.at[0] + width, self.at[1] + height

    @property
    def roomy_box(self) -> Box:
        """The box with the room that people leave."""
        x0, y0, x1, y1 = self.box
        room = ROOM * self.scale
        return x0 - room, y0 - room, x1 + room, y1 + room


@dataclass(frozen=True)
class Pen:
    """A pen: its colour, width in heights of a sign, how much it covers, and how grainy it is."""

    colour: Colour
    width: float
    cover: float = 0.95
    grain: float = 0.1


def pen_for(kind: str, rng: np.random.Generator) -> Pen:
    """A pen that people use on such a surface."""
    if kind == "blackboard":
        chalk = ((0.93, 0.95, 0.95), (0.55, 0.92, 0.95), (0.85, 0.8, 0.98))[rng.choice(3)]
        return Pen(chalk, rng.uniform(0.09, 0.14), 0.9, 0.6)
    if kind == "black paper":
        return Pen((0.93, 0.93, 0.93), rng.uniform(0.05, 0.08), 0.95, 0.15)
    if kind == "whiteboard":
        marker = ((0.15, 0.12, 0.12), (0.6, 0.2, 0.1), (0.15, 0.12, 0.7), (0.25, 0.45, 0.1))
        return Pen(marker[rng.choice(4, p=(0.4, 0.35, 0.15, 0.1))], rng.uniform(0.08, 0.13), 0.85)
    blues = ((0.45, 0.2, 0.12), (0.6, 0.25, 0.1), (0.2, 0.17, 0.17), (0.12, 0.1, 0.1))
    which = rng.random()
    if which < 0.25:  # pencil
        return Pen((0.33, 0.32, 0.32), rng.uniform(0.045, 0.075), rng.uniform(0.55, 0.8), 0.5)
    if which < 0.45:  # felt
        return Pen(blues[rng.choice(4)], rng.uniform(0.08, 0.12), 0.97, 0.05)
    return Pen(blues[rng.choice(4)], rng.uniform(0.04, 0.065), rng.uniform(0.8, 0.95), 0.25)


def compose(kind: str, lines: list[Line], spare: list[Line], rng: np.random.Generator) -> Photo:
    """A picture of such a kind; ``spare``: ink for what is beside the lines."""
    if kind in SCREENS:
        return _screen(kind, lines, rng)
    scale = float(rng.uniform(34, 75)) if kind != "small" else float(rng.uniform(30, 45))
    placed, block = _below_each_other(lines, scale, kind == "words", rng)
    room = scale * rng.uniform((0.4, 0.5), (2.5, 3.5), (2, 2))
    if rng.random() < 0.25 or kind in ("desk", "spiral"):
        room += np.outer(rng.uniform(0.2, 0.5, 2), (block[0], max(block)))
    if kind == "neighbours":
        room[:, 1] = scale * rng.uniform(1.6, 2.2, 2)
    if kind == "crossed out":
        room[:, 1] += (0, scale * (1.2 + spare[0].size[1]))
    frame = np.asarray(block) + room.sum(axis=0)
    shrink = min(1.0, 1500 / frame.max())
    scale, frame, room = scale * shrink, frame * shrink, room * shrink
    pad = 0.3 * frame.max() + 40
    move = room[0] + pad
    placed = [
        replace(p, at=(shrink * p.at[0] + move[0], shrink * p.at[1] + move[1]), scale=scale)
        for p in placed
    ]
    placed += _beside(kind, placed, spare, frame, pad, rng)
    sheet = _surface(kind, frame + 2 * pad, scale, rng)
    if kind == "highlighter":
        _highlight(sheet, placed[0].box, rng)
    pen = pen_for(kind, rng)
    for each in placed:
        _write(sheet, each, pen, rng)
    lines_on_it = [each.points for each in placed if each.line.read]
    return taken(kind, View(sheet, lines_on_it, frame, pad, scale), rng)


def _below_each_other(
    lines: list[Line], scale: float, row: bool, rng: np.random.Generator
) -> tuple[list[Placed], tuple[float, float]]:
    """The lines from the origin on, in one ``row`` or below each other, and their extent."""
    placed: list[Placed] = []
    x, y, gap = 0.0, 0.0, scale * rng.uniform(0.8, 1.8)
    tall = max(line.size[1] for line in lines) * scale
    for line in lines:
        width, height = line.size[0] * scale, line.size[1] * scale
        if row:
            placed.append(Placed(line, (x, (tall - height) / 2), scale))
            x += width + 0.9 * scale
            continue
        placed.append(Placed(line, (rng.uniform(0, 0.6) * scale, y), scale))
        y += height + gap
    boxes = np.array([each.box for each in placed])
    return placed, (float(boxes[:, 2].max()), float(boxes[:, 3].max()))


def _beside(
    kind: str,
    placed: list[Placed],
    spare: list[Line],
    frame: NDArray[np.float64],
    pad: float,
    rng: np.random.Generator,
) -> list[Placed]:
    """What is written beside: lines that the picture cuts, or a line that is crossed out."""
    scale = placed[0].scale
    others = [replace(line, read=False) for line in spare]
    if kind == "neighbours":
        left = pad + rng.uniform(-0.5, 0.3, 2) * frame[0]
        inner = placed[0].box[1] - pad, pad + frame[1] - placed[-1].box[3]
        shown = [
            min(rng.uniform(0.3, 0.7) * line.size[1] * scale, free - 0.5 * scale)
            for line, free in zip(others, inner, strict=True)
        ]
        above = Placed(others[0], (left[0], pad + shown[0] - others[0].size[1] * scale), scale)
        below = Placed(others[1], (left[1], pad + frame[1] - shown[1]), scale)
        return [[above], [below], [above, below]][rng.choice(3)]
    if kind != "crossed out":
        return []
    line = others[0]
    width, height = line.size
    y = placed[-1].box[3] + scale * rng.uniform(0.6, 1.0)
    ends = np.array([(-0.2, 0.55), (width + 0.3, 0.45)]) * (1, height)
    strike = ends + rng.normal(0, 0.08, (2, 2))
    strokes = [*Placed(line, (0, 0), 1).points, strike]
    if rng.random() < 0.6:
        zigzag = np.linspace(0, width, int(4 * width) + 4)
        strokes.append(np.stack([zigzag, height * (0.5 + 0.3 * np.sin(9 * zigzag))], 1))
    return [Placed(Line(strokes, read=False), (placed[0].at[0], y), scale)]


def _surface(
    kind: str, size: NDArray[np.float64], scale: float, rng: np.random.Generator
) -> Floats:
    """What is written on, (H, W, 3), 0 to 1."""
    width, height = (int(length) for length in size)
    if kind == "blackboard":
        base: Colour = ((0.22, 0.3, 0.2), (0.2, 0.21, 0.2))[rng.choice(2)]
    elif kind == "black paper":
        base = (0.11, 0.11, 0.12)
    else:
        base = (0.94, 0.94, 0.94) if rng.random() < 0.6 or kind == "whiteboard" else _CREAM
    sheet = np.full((height, width, 3), base, np.float32)
    if kind == "blackboard":  # wiped
        sheet += 0.02 * _cloud((height, width), 90, rng)[..., None]
    if kind not in ("whiteboard",):
        grain = cv2.GaussianBlur(rng.normal(0, 1, (height, width)).astype(np.float32), (0, 0), 0.8)
        sheet += 0.012 * grain[..., None]
    pitch = scale * rng.uniform(1.3, 2.0)
    tint = np.array(((0.82, 0.68, 0.6), (0.75, 0.72, 0.7), (0.8, 0.75, 0.55))[rng.choice(3)])
    thick = max(1, round(scale * 0.03))
    squared = kind == "squared" or (kind in ("spiral", "curled", "desk") and rng.random() < 0.3)
    ruled = kind == "ruled" or (kind in ("spiral", "words", "several") and rng.random() < 0.5)
    if squared:
        pitch *= 0.5
        for x in np.arange(rng.uniform(0, pitch), width, pitch):
            sheet[:, int(x) : int(x) + thick] *= tint / 0.94
    if squared or ruled:
        for y in np.arange(rng.uniform(0, pitch), height, pitch):
            sheet[int(y) : int(y) + thick] *= tint / 0.94
    return sheet


def _cloud(shape: tuple[int, int], sigma: float, rng: np.random.Generator) -> Floats:
    """Smooth noise of deviation 1, (H, W)."""
    small = rng.normal(0, 1, (int(shape[0] / sigma) + 4, int(shape[1] / sigma) + 4))
    grown = cv2.resize(small.astype(np.float32), shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(grown, np.float32)


def _highlight(sheet: Floats, box: Box, rng: np.random.Generator) -> None:
    """A highlighter over a line, or over a part of it."""
    x0, y0, x1, y1 = box
    if rng.random() < 0.5:
        x0, x1 = sorted(rng.uniform(x0, x1, 2))
        x1 = max(x1, x0 + 0.3 * (box[2] - box[0]))
    colour = ((0.45, 1.0, 1.0), (0.6, 1.0, 0.6), (0.95, 0.7, 1.0), (0.4, 0.8, 1.0))[rng.choice(4)]
    over = np.zeros(sheet.shape[:2], np.float32)
    y = (y0 + y1) / 2
    ends = [(int(x0 - 8), int(y + rng.normal(0, 3))), (int(x1 + 8), int(y + rng.normal(0, 3)))]
    cv2.line(over, ends[0], ends[1], 1.0, max(4, int(0.9 * (y1 - y0))), cv2.LINE_AA)
    sheet *= 1 - 0.85 * over[..., None] * (1 - np.array(colour, np.float32))


def _mask(placed: Placed, pen: Pen) -> tuple[Floats, int, int]:
    """How much of each pixel the pen covers, 0 to 1, and where its corner lies on the sheet."""
    room = 4
    x0, y0, x1, y1 = placed.box
    left, top = int(x0) - room, int(y0) - room
    size = (int(y1) - top + 2 * room), (int(x1) - left + 2 * room)
    mask = np.zeros((size[0] * _SUPER, size[1] * _SUPER), np.uint8)
    thick = max(_SUPER, round(pen.width * placed.scale * _SUPER))
    for stroke in placed.points:
        points = np.round((stroke - (left, top)) * _SUPER).astype(np.int32)
        cv2.polylines(mask, [points.reshape(-1, 1, 2)], isClosed=False, color=255, thickness=thick)
        if np.ptp(points, axis=0).max() < thick:
            cv2.circle(mask, tuple(map(int, points[0])), int(0.7 * thick), 255, -1)
    small = cv2.resize(mask, size[::-1], interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) / 255, left, top


def _write(sheet: Floats, placed: Placed, pen: Pen, rng: np.random.Generator) -> None:
    """The ink on the sheet, as far as it lies on it."""
    mask, left, top = _mask(placed, pen)
    height, width = sheet.shape[:2]
    y0, x0 = max(0, -top), max(0, -left)
    y1, x1 = min(mask.shape[0], height - top), min(mask.shape[1], width - left)
    if y1 <= y0 or x1 <= x0:
        return
    pressed = 1 - pen.grain * np.clip(np.abs(rng.normal(0, 0.6, mask.shape)), 0, 1)
    pressed *= 1 - 0.12 * np.abs(_cloud((mask.shape[0], mask.shape[1]), 25, rng))
    alpha = (pen.cover * mask * np.clip(pressed, 0, 1)).astype(np.float32)[y0:y1, x0:x1, None]
    part = sheet[top + y0 : top + y1, left + x0 : left + x1]
    part += alpha * (np.array(pen.colour, np.float32) - part)


def _screen(kind: str, lines: list[Line], rng: np.random.Generator) -> Photo:
    """A screenshot of an app for notes: bars at the head and perhaps the foot, ink between."""
    tall = rng.random() < 0.6
    width, height = ((720, 1520), (1280, 880), (1080, 1400))[0 if tall else rng.choice((1, 2))]
    dark = kind.endswith("dark")
    back, front = ((30, 28, 28), (225, 225, 225)) if dark else ((255, 255, 255), (60, 55, 50))
    sheet: Floats = np.full((height, width, 3), back, np.float32) / 255
    head, foot = int(rng.uniform(0.06, 0.11) * height), int(rng.uniform(0, 0.07) * height)
    dots = rng.random()
    faint: Floats = np.array(back, np.float32) / 255 + (0.12 if dark else -0.12)
    for row in range(head + 20, height, 36):
        if dots < 0.2:
            sheet[row : row + 2, 18::36] = faint
        elif dots < 0.4:
            sheet[row] = faint
    scale = float(rng.uniform(0.035, 0.07) * width)
    placed, block = _below_each_other(lines, scale, False, rng)
    shrink = min(1.0, 0.85 * width / block[0], 0.75 * (height - head - foot) / block[1])
    x = rng.uniform(0.05, 0.95) * (width - shrink * block[0] - 40) + 20
    free = height - head - foot - shrink * block[1] - 40
    y = head + 20 + (rng.uniform(0, 0.1) if rng.random() < 0.5 else rng.uniform(0, 1)) * free
    placed = [
        replace(p, at=(shrink * p.at[0] + x, shrink * p.at[1] + y), scale=shrink * scale)
        for p in placed
    ]
    inks = ((front, 4), ((220, 140, 60) if dark else (180, 60, 20), 2), ((90, 90, 240), 1))
    colour, _ = inks[rng.choice(3, p=np.array([w for _, w in inks]) / 7)]
    b, g, r = (c / 255 for c in colour)
    for each in placed:
        _write(sheet, each, Pen((b, g, r), rng.uniform(0.05, 0.11), 1.0, 0.0), rng)
    picture = np.round(255 * np.clip(sheet, 0, 1)).astype(np.uint8)
    _bars(picture, head, foot, dark, rng)
    quality = 0 if rng.random() < 0.6 else int(rng.integers(60, 92))
    return Photo(picture, [each.roomy_box for each in placed], quality)


def _bars(
    picture: NDArray[np.uint8], head: int, foot: int, dark: bool, rng: np.random.Generator
) -> None:
    """The bars of a phone and of an app, with the time, a battery, a title and round buttons."""
    height, width = picture.shape[:2]
    bar = int(rng.integers(40, 60)) if dark else int(rng.integers(225, 250))
    text = (230, 230, 230) if dark else (70, 70, 70)
    picture[:head], picture[height - foot :] = bar, bar
    font, size = cv2.FONT_HERSHEY_SIMPLEX, head / 150
    line = int(0.35 * head)
    cv2.putText(picture, "12:41", (20, line), font, size, text, 1, cv2.LINE_AA)
    cv2.rectangle(picture, (width - 60, line - 12), (width - 30, line), text, 1)
    cv2.putText(picture, "< Notes", (20, int(0.85 * head)), font, 1.4 * size, text, 2, cv2.LINE_AA)
    for y, count in ((int(0.75 * head), 3), (height - foot // 2, 5 if foot > 30 else 0)):
        for i in range(count):
            x = int(width * (0.6 + 0.12 * i if count == 3 else 0.1 + 0.2 * i))
            cv2.circle(picture, (x, y), max(4, min(head, foot or head) // 6), text, 2, cv2.LINE_AA)
