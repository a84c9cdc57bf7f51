"""Image augmentation by pen and paper: line width, gaps, clutter, ruling, bleed-through, shading.

Input and output: ink, float32 (H, W), the coverage of each pixel from 0 (bare paper) to 1, or
paper, float32 (H, W), its reflectance. Lengths are pixels at a symbol size of about 22 pixels.
Every function takes a random generator and returns a new array. Method: morphology, and low-pass
noise as spatially varying parameters. `hmer_cli.training.augment.camera` models the camera.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.float32]

_BANK = (1024, 2048)
_LOST = 0.1
"""The share of a sign's ink that cropping may take."""  # convention

_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


@cache
def _bank() -> Gray:
    """White noise that `field` cuts from: sampling it per image would dominate the run time."""
    return np.random.default_rng(0).standard_normal(_BANK, np.float32)


def field(shape: tuple[int, int], length: float, rng: np.random.Generator) -> Gray:
    """Noise (H, W) of mean 0 and deviation about 1; its correlation length is ``length`` pixels."""
    length = max(length, 1.0)
    rows, columns = (int(np.ceil(n / length)) + 2 for n in shape)
    bank = _bank()
    if rows > bank.shape[0] or columns > bank.shape[1]:
        bank = np.tile(bank, (-(-rows // bank.shape[0]), -(-columns // bank.shape[1])))
    y = rng.integers(bank.shape[0] - rows + 1)
    x = rng.integers(bank.shape[1] - columns + 1)
    cut = bank[y : y + rows, x : x + columns]
    if length > 1:
        size = (round(columns * length), round(rows * length))
        cut = np.asarray(cv2.resize(cut, size, interpolation=cv2.INTER_CUBIC), np.float32)
    return cut[: shape[0], : shape[1]]


def blurred(image: Gray, sigma: float) -> Gray:
    """Gaussian blur."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32)


# Pens --------------------------------------------------------------------------------------------


def widened(ink: Gray, rng: np.random.Generator, change: tuple[float, float]) -> Gray:
    """Line width that varies along the strokes.

    ``change`` is the range of the mean: 1 makes lines two pixels wider, -1 two pixels thinner.
    """
    mean = rng.uniform(*change)
    press = mean + rng.uniform(0, 0.3) * field(ink.shape, rng.uniform(8, 24), rng)
    press = np.clip(press, -0.5, 1)
    wider = cv2.dilate(ink, _CROSS) - ink
    thinner = ink - cv2.erode(ink, _CROSS)
    return ink + np.where(press > 0, press * wider, press * thinner).astype(np.float32)


def bold(ink: Gray, rng: np.random.Generator) -> Gray:
    """Lines two to four pixels wider, as of a felt pen: neighbouring symbols may touch."""
    size = 2 * int(rng.choice([1, 1, 1, 2])) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray(cv2.dilate(ink, disc), np.float32)


def filled(ink: Gray, rng: np.random.Generator) -> Gray:
    """Blur, then a steep threshold: a low one fills loops, a high one breaks thin lines."""
    soft = blurred(ink, rng.uniform(0.8, 1.8))
    inside = soft[ink > 0.5]
    if not inside.size:
        return ink
    level = rng.uniform(0.3, 0.75) * float(np.median(inside))
    return np.clip((soft - level) * np.float32(rng.uniform(3, 12)) + 0.5, 0, 1) * (soft > 0.05)


def cut(ink: Gray, rng: np.random.Generator) -> Gray:
    """Cropping into the ink: one to five pixels of it are lost on one side, but of no sign more
    than a tenth of its ink, as the label stays: a 9 without its stem is a 0."""
    mask = (ink > 0.2).astype(np.uint8)
    x, y, w, h = cv2.boundingRect(mask)
    lost = int(rng.integers(1, 6))
    out = ink.copy()
    side = int(rng.integers(4))
    if min(w, h) <= 4 * lost:
        return out
    signs = cv2.connectedComponents(mask)[1]
    most = _LOST * np.bincount(signs.ravel())
    for depth in range(lost, 0, -1):
        gone = (np.s_[: y + depth], np.s_[y + h - depth :], np.s_[:, : x + depth])
        where = (*gone, np.s_[:, x + w - depth :])[side]
        share = np.bincount(signs[where].ravel(), minlength=len(most))
        if (share[1:] <= most[1:]).all():
            out[where] = 0
            break
    return out


def lined(ink: Gray, rng: np.random.Generator) -> Gray:
    """Parts of neighbouring lines of text at the edges of the image, where there is room.

    They are bands of the ink itself, rolled along the edge.
    """
    x, y, w, h = cv2.boundingRect((ink > 0.2).astype(np.uint8))
    H, W = ink.shape
    free = y, H - y - h, x, W - x - w
    out = ink.copy()
    for side in range(4):
        upright = side >= 2
        most = min(free[side] - 5, (w if upright else h) // 2)
        if most < 4 or rng.random() < 0.4:
            continue
        depth = _along(rng, 3, most)
        band = np.roll(ink, int(rng.integers(H if upright else W)), axis=0 if upright else 1)
        target = out
        if upright:  # the same as above and below, with rows and columns exchanged
            band, target = band.T, out.T
        begin, end, length = (x, x + w, W) if upright else (y, y + h, H)
        if side % 2 == 0:
            target[:depth] = np.maximum(target[:depth], band[end - depth : end])
        else:
            target[length - depth :] = np.maximum(
                target[length - depth :], band[begin : begin + depth]
            )
    return out


def framed(ink: Gray, rng: np.random.Generator) -> Gray:
    """A frame around the ink, or some of its sides, where there is room."""
    x, y, w, h = cv2.boundingRect((ink > 0.2).astype(np.uint8))
    H, W = ink.shape
    if not w:
        return ink
    mask = np.zeros(ink.shape, np.uint8)
    top, bottom = _along(rng, 0, max(y - 4, 0)), _along(rng, min(y + h + 4, H - 1), H - 1)
    left, right = _along(rng, 0, max(x - 4, 0)), _along(rng, min(x + w + 4, W - 1), W - 1)
    corners = (left, top), (right, top), (right, bottom), (left, bottom)
    room = y - 4, W - x - w - 4, H - y - h - 4, x - 4
    for i in range(4):
        if room[i] > 0 and rng.random() < 0.75:
            width = int(rng.integers(1, 4))
            cv2.line(mask, corners[i], corners[(i + 1) % 4], 255, width, cv2.LINE_AA)
    return np.maximum(ink, mask * np.float32(rng.uniform(0.5, 1) / 255))


def pressed(ink: Gray, rng: np.random.Generator) -> Gray:
    """Darkness that varies along the strokes, as with pen pressure."""
    pale = rng.uniform(0.1, 0.35) * (1 + field(ink.shape, rng.uniform(6, 30), rng))
    return ink * (1 - np.clip(pale, 0, 0.5))


def pencil(ink: Gray, rng: np.random.Generator) -> Gray:
    """Pencil: coverage follows the grain of the paper."""
    bare = rng.uniform(0.15, 0.4) * (1 + field(ink.shape, rng.uniform(1, 2), rng))
    return ink * (1 - np.clip(bare, 0, 0.8))


def skipping(ink: Gray, rng: np.random.Generator) -> Gray:
    """Small gaps in the lines, as of a ballpoint pen."""
    gaps = np.clip(2 * field(ink.shape, rng.uniform(2, 5), rng) - rng.uniform(2.4, 3.4), 0, 1)
    return ink * (1 - rng.uniform(0.4, 0.9) * gaps)


def ragged(ink: Gray, rng: np.random.Generator) -> Gray:
    """Rough edges, as of ink that spreads along paper fibres."""
    rough = rng.uniform(0.03, 0.14) * field(ink.shape, rng.uniform(1, 2.5), rng)
    level = rng.uniform(0.3, 0.48)
    soaked = (blurred(ink, rng.uniform(0.6, 1.0)) + rough - level) * rng.uniform(2, 4) + 0.5
    return np.where(soaked > 0.1, np.clip(soaked, 0, 1), 0).astype(np.float32)


def neighboured(ink: Gray, rng: np.random.Generator) -> Gray:
    """Fragments of neighbouring writing at the border, where there is room.

    They are patches of the ink itself, at least five pixels away from it.
    """
    x, y, w, h = cv2.boundingRect((ink > 0.2).astype(np.uint8))
    H, W = ink.shape
    gap = 5
    out = ink.copy()
    free = ((0, y - gap, 0, W), (y + h + gap, H, 0, W), (0, H, 0, x - gap), (0, H, x + w + gap, W))
    for side in rng.permutation(4)[: rng.integers(1, 3)]:
        top, bottom, left, right = free[side]
        upright = side >= 2
        width = int(rng.integers(2, 6)) if upright else int(rng.integers(6, 60))
        height = int(rng.integers(4, 15)) if upright else int(rng.integers(2, 9))
        height, width = min(height, bottom - top, h), min(width, right - left, w)
        if height < 2 or width < 2:
            continue
        at_y, at_x = _along(rng, top, bottom - height), _along(rng, left, right - width)
        from_y, from_x = _along(rng, y, y + h - height), _along(rng, x, x + w - width)
        bit = ink[from_y : from_y + height, from_x : from_x + width]
        out[at_y : at_y + height, at_x : at_x + width] = bit
    return out


def _along(rng: np.random.Generator, low: int, high: int) -> int:
    return int(rng.integers(low, high + 1))


# Sheets ------------------------------------------------------------------------------------------


def fibrous(paper: Gray, rng: np.random.Generator) -> Gray:
    """Paper texture: fine grain and coarse variation of reflectance."""
    grain = rng.uniform(0.002, 0.012) * field(paper.shape, rng.uniform(1, 2.5), rng)
    clouds = rng.uniform(0.003, 0.02) * field(paper.shape, rng.uniform(5, 25), rng)
    return paper * (1 + grain + clouds)


def ruled(paper: Gray, rng: np.random.Generator, depth: float) -> Gray:
    """Ruled lines whose reflectance is lower by the share ``depth``."""
    mask = _rules(paper.shape, rng.uniform(38, 80), rng.normal(0, 0.008), rng)
    return paper * (1 - np.float32(depth) * mask)


def squared(paper: Gray, rng: np.random.Generator, depth: float) -> Gray:
    """Squared paper whose lines have a reflectance lower by the share ``depth``."""
    pitch, slope = rng.uniform(14, 36), rng.normal(0, 0.008)
    mask = _rules(paper.shape, pitch, slope, rng)
    mask = np.maximum(mask, _rules(paper.shape[::-1], pitch, -slope, rng).T)
    return paper * (1 - np.float32(depth) * mask)


def _rules(shape: tuple[int, int], pitch: float, slope: float, rng: np.random.Generator) -> Gray:
    """Horizontal lines, 0 to 1, in half of the cases broken or dotted, as in scans."""
    mask = _lines(shape, pitch, slope, rng)
    if rng.random() < 0.5:
        kept = field(shape, rng.uniform(8, 40), rng) + rng.uniform(-0.5, 1.5)
        mask *= np.clip(2 * kept, 0, 1)
    if rng.random() < 0.15:
        period = rng.uniform(3, 7)
        mask *= (np.arange(shape[1]) % period < 0.6 * period).astype(np.float32)
    return mask


def _lines(shape: tuple[int, int], pitch: float, slope: float, rng: np.random.Generator) -> Gray:
    """Antialiased lines ``pitch`` pixels apart, 0.5 to 1.7 pixels wide, rising by ``slope``."""
    H, W = shape
    rise, fine = slope * W, 16
    starts = np.arange(rng.uniform(0, pitch) - abs(rise), H + abs(rise), pitch)
    ends = [[[-fine, round(y * fine)], [W * fine, round((y + rise) * fine)]] for y in starts]
    canvas = np.zeros(shape, np.uint8)
    cv2.polylines(canvas, list(np.array(ends, np.int32)), False, 255, 1, cv2.LINE_AA, 4)
    width = rng.uniform(0.5, 1.7)
    if width > 1:
        grown = cv2.dilate(canvas, np.ones((2, 1), np.uint8))
        canvas = np.asarray(cv2.addWeighted(canvas, 2 - width, grown, width - 1, 0), np.uint8)
    return canvas * np.float32(min(width, 1) / 255)


def margined(paper: Gray, rng: np.random.Generator, depth: float) -> Gray:
    """The vertical line of a margin, its reflectance lower by the share ``depth``."""
    H, W = paper.shape
    mask = np.zeros(paper.shape, np.uint8)
    x = int(rng.integers(W))
    cv2.line(mask, (x, -1), (round(x + rng.normal(0, 0.01) * H), H), 255, 1, cv2.LINE_AA)
    return paper * (1 - mask * np.float32(depth / 255))


def bled(paper: Gray, ink: Gray, rng: np.random.Generator, depth: float) -> Gray:
    """Bleed-through: the ink mirrored, moved and blurred, lowers reflectance by up to ``depth``."""
    back = ink[:, ::-1] if rng.random() < 0.7 else ink[::-1]
    back = np.roll(back, (_along(rng, 0, ink.shape[0]), _along(rng, 0, ink.shape[1])), (0, 1))
    soft = blurred(back, rng.uniform(0.5, 1.6))
    patches = np.clip(0.7 + field(ink.shape, 40, rng), 0, 1)
    return paper * (1 - np.float32(depth) * soft * patches)


def specked(paper: Gray, rng: np.random.Generator) -> Gray:
    """Dust: dots and short hairs, one pixel wide."""
    mask = np.zeros(paper.shape, np.uint8)
    H, W = paper.shape
    for _ in range(1 + rng.poisson(H * W / 12000)):
        x, y = rng.uniform(0, (W, H)) * 16
        dx, dy = rng.normal(0, rng.choice([4, 4, 4, 30]), 2)
        ends = np.array([[x, y], [x + dx, y + dy]], np.int32)
        cv2.polylines(mask, [ends], False, int(rng.integers(60, 255)), 1, cv2.LINE_AA, 4)
    return paper * (1 - mask * np.float32(rng.uniform(0.3, 0.9) / 255))


def shaded(paper: Gray, rng: np.random.Generator) -> Gray:
    """Uneven light: a gradient, low-pass noise, and in three of ten a shadow with a soft edge."""
    H, W = paper.shape
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.ogrid[-0.5 : 0.5 : H * 1j, -0.5 : 0.5 : W * 1j]
    side = (np.cos(angle) * x + np.sin(angle) * y).astype(np.float32)
    light = 1 - rng.uniform(0, 0.4) * (side + 0.5)
    light -= rng.uniform(0, 0.06) * field(paper.shape, rng.uniform(0.5, 1.5) * max(H, 40), rng)
    if rng.random() < 0.3:
        edge = (side - rng.uniform(-0.4, 0.4)) * max(H, W) / rng.uniform(4, 40)
        light *= 1 - rng.uniform(0.1, 0.5) / (1 + np.exp(np.clip(edge, -30, 30)))
    return paper * np.clip(light, 0.2, 1).astype(np.float32)
