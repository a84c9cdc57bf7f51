"""A sheet that nobody wrote on holds no mathematics, whatever is printed on it; a single sign does.

Sheets and signs are drawn here: printed lines straight and through, a hand's short, bent, uneven.
"""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
from handmade import encoded

from hmer_cli import Converter
from hmer_cli.page.load.images import Pixels
from hmer_cli.page.load.pages import Page
from hmer_cli.page.regions import find_regions

SIZES = {"page": (1400, 1000), "crop": (420, 900), "strip": (300, 1400)}


def blank(size: str = "page") -> Pixels:
    return np.full(SIZES[size], 250, np.uint8)


def ruled(
    image: Pixels, step: float, shade: int = 120, thick: int = 2, inset: float = 0.0
) -> Pixels:
    height, width = image.shape
    for y in np.arange(0.7 * step, height - 4, step):
        ends = (round(inset * width), round(y)), (round((1 - inset) * width), round(y))
        cv2.line(image, *ends, shade, thick, cv2.LINE_AA)
    return image


def squared(image: Pixels, step: float, shade: int = 150) -> Pixels:
    return ruled(ruled(image, step, shade, 1).T.copy(), step, shade, 1).T.copy()


def dotted(image: Pixels, step: int) -> Pixels:
    for y in range(step // 2, image.shape[0], step):
        for x in range(step // 2, image.shape[1], step):
            cv2.circle(image, (x, y), 2, 90, -1, cv2.LINE_AA)
    return image


def scanned(image: Pixels, angle: float = 0.6) -> Pixels:
    """Aslant, blurred, with grain, as JPEG."""
    height, width = image.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1)
    aslant = cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    grain = np.random.default_rng(2).normal(0, 4, image.shape)
    soft = np.clip(cv2.GaussianBlur(aslant, (0, 0), 0.7) + grain, 0, 255).astype(np.uint8)
    data = cv2.imencode(".jpg", soft, [cv2.IMWRITE_JPEG_QUALITY, 75])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)


def stroke(image: Pixels, start: tuple[int, int], end: tuple[int, int], seed: int = 0) -> None:
    """A stroke of a hand: it bends by some hundredths of its length."""
    along = np.linspace(0, 1, 24)[:, None]
    across = np.array([start[1] - end[1], end[0] - start[0]])
    bend = 0.03 * np.sin(np.pi * along) + 0.012 * np.sin((5 + seed) * along)
    points = np.array(start) + along * np.subtract(end, start) + bend * across
    cv2.polylines(image, [np.round(points).astype(np.int32)], False, 30, 4, cv2.LINE_AA)


def equals(image: Pixels, size: int = 60) -> Pixels:
    middle, half = image.shape[0] // 2, image.shape[1] // 2
    stroke(image, (half - size, middle - size // 3), (half + size, middle - size // 3 - 3))
    stroke(image, (half - size + 4, middle + 8), (half + size - 6, middle + 14), seed=2)
    return image


def minus(image: Pixels) -> Pixels:
    middle, half = image.shape[0] // 2, image.shape[1] // 2
    stroke(image, (half - 50, middle), (half + 45, middle + 4))
    return image


def one(image: Pixels) -> Pixels:
    middle, half = image.shape[0] // 2, image.shape[1] // 2
    stroke(image, (half, middle - 60), (half - 4, middle + 60))
    return image


def dots(image: Pixels) -> Pixels:
    middle, half = image.shape[0] // 2, image.shape[1] // 2
    for x in (-40, 0, 44):
        cv2.circle(image, (half + x, middle + x // 14), 6, 20, -1, cv2.LINE_AA)
    return image


def count(image: Pixels) -> int:
    return len(find_regions(Page.of("a.png", 1, image)))


def with_holes(image: Pixels) -> Pixels:
    for y in (250, 700, 1150):
        cv2.circle(image, (35, y), 14, 60, -1, cv2.LINE_AA)
    return image


def with_margin_line(image: Pixels) -> Pixels:
    cv2.line(image, (120, 0), (120, image.shape[0]), 140, 2, cv2.LINE_AA)
    return image


def with_shadow(image: Pixels) -> Pixels:
    fall = np.linspace(1, 0.15, 20)
    image[:, -20:] = (image[:, -20:] * fall).astype(np.uint8)
    return image


def with_staple(image: Pixels) -> Pixels:
    cv2.line(image, (50, 42), (76, 28), 110, 2, cv2.LINE_AA)
    return image


def with_number(image: Pixels) -> Pixels:
    cv2.putText(image, "12", (490, 1360), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 40, 2, cv2.LINE_AA)
    return image


def with_frame(image: Pixels) -> Pixels:
    cv2.rectangle(image, (40, 40), (960, 1360), 90, 3)
    return image


SHEETS = {
    "narrow": lambda: ruled(blank(), 38),
    "wide, pale, inset": lambda: ruled(blank(), 80, 200, 3, 0.06),
    "black": lambda: ruled(blank(), 50, 20, 1),
    "thick": lambda: ruled(blank(), 60, 140, 5),
    "squared": lambda: squared(blank(), 30),
    "partly squared": lambda: squared(blank("strip"), 90),
    "ruled strip": lambda: ruled(blank("strip"), 120, 120, 2),
    "two rules": lambda: ruled(blank("crop"), 190, 20, 3),
    "one rule": lambda: ruled(blank("crop"), 290, 90, 2, 0.05),
    "dotted": lambda: dotted(blank(), 34),
    "margin line": lambda: with_margin_line(blank()),
    "margin line and rules": lambda: with_margin_line(ruled(blank(), 50)),
    "holes": lambda: with_holes(ruled(blank(), 55)),
    "shadow": lambda: with_shadow(blank()),
    "staple": lambda: with_staple(blank()),
    "number": lambda: with_number(blank()),
    "number and rules": lambda: with_number(ruled(blank(), 44)),
    "frame": lambda: with_frame(blank()),
    "all": lambda: with_staple(with_shadow(with_holes(with_margin_line(blank())))),
}


@pytest.mark.parametrize("way", ["clean", "scanned"])
@pytest.mark.parametrize("name", SHEETS)
def test_what_is_printed_is_no_mathematics(name: str, way: str) -> None:
    sheet = SHEETS[name]()
    assert count(scanned(sheet) if way == "scanned" else sheet) == 0


@pytest.mark.parametrize("sign", [equals, minus, one, dots], ids=lambda sign: sign.__name__)
@pytest.mark.parametrize(
    "name", ["plain", "narrow", "squared", "plain crop", "ruled crop", "number"]
)
@pytest.mark.parametrize("way", ["clean", "scanned"])
def test_a_single_sign_is_an_expression(name: str, sign: object, way: str) -> None:
    sheets = {
        "plain": blank,
        "plain crop": lambda: blank("crop"),
        "ruled crop": lambda: ruled(blank("crop"), 110, 190),
    }
    sheet = sheets.get(name) or SHEETS[name]
    assert callable(sign)
    image = sign(sheet())
    assert count(scanned(image) if way == "scanned" else image) == 1


@pytest.mark.parametrize("sign", [equals, minus, one], ids=lambda sign: sign.__name__)
@pytest.mark.parametrize("room", [3, 10])
def test_a_sign_that_is_cut_out_tightly_is_an_expression(sign: object, room: int) -> None:
    assert callable(sign)
    image = sign(blank())
    rows, columns = np.nonzero(image < 128)
    cut = image[
        rows.min() - room : rows.max() + room + 1, columns.min() - room : columns.max() + room + 1
    ]
    for times in (1, 4):
        assert count(cv2.resize(cut, None, fx=times, fy=times)) == 1


def test_a_line_at_the_head_of_a_page_is_no_page_number() -> None:
    image = blank()
    for x in range(100, 460, 60):
        stroke(image, (x, 62), (x + 30, 90))
        stroke(image, (x + 28, 60), (x, 92), seed=x)
    assert count(image) == 1


def lit(image: Pixels) -> Pixels:
    """In light that falls from one side."""
    return (image * np.linspace(0.6, 1, image.shape[1])).astype(np.uint8)


def from_aside(image: Pixels, angle: float) -> Pixels:
    """In perspective, aslant."""
    height, width = image.shape
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    turn = np.radians(angle)
    way = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    off = np.array([(-0.01, 0.02), (0.03, -0.03), (0.0, 0.02), (-0.03, 0.01)]) * (width, height)
    middle = corners.mean(0)
    seen = ((corners - middle) @ way * 1.15 + middle + off).astype(np.float32)
    there = cv2.getPerspectiveTransform(corners, seen)
    return np.asarray(
        cv2.warpPerspective(image, there, (width, height), borderMode=cv2.BORDER_REPLICATE),
        np.uint8,
    )


PHOTOS = {
    "ruled": lambda: ruled(blank(), 40, 150),
    "pale": lambda: ruled(blank(), 40, 215),
    "squared": lambda: squared(blank(), 32),
    "bold and fine": lambda: ruled(squared(blank(), 32, 190), 160, 120, 3),
}


@pytest.mark.parametrize(
    ("name", "angle"),
    [
        *itertools.product(("ruled", "pale", "bold and fine"), (0.0, 5.0, -5.0)),
        ("squared", 0.0),
    ],
)
def test_rules_in_a_photo_are_no_mathematics(name: str, angle: float) -> None:
    assert count(scanned(from_aside(lit(PHOTOS[name]()), angle), 0)) == 0


@pytest.mark.parametrize("angle", [0.0, 5.0])
@pytest.mark.parametrize("name", PHOTOS)
def test_a_sign_on_rules_in_a_photo_is_an_expression(name: str, angle: float) -> None:
    image = equals(PHOTOS[name](), 70)
    assert count(scanned(from_aside(lit(image), angle), 0)) > 0


def test_a_row_of_ones_is_an_expression() -> None:
    image = np.full((160, 420), 250, np.uint8)
    for x in range(50, 400, 55):
        stroke(image, (x, 15), (x - 4, 145), seed=x)
    assert count(image) == 1


ROOT = (
    [(4, 36), (8, 34), (12, 54), (16, 10), (58, 9)],
    [(22, 22), (34, 20), (29, 50)],
    [(52, 22), (40, 23), (39, 34), (50, 36), (50, 48), (38, 50)],
)
FRACTION = (
    [(12, 48), (120, 46)],
    [(26, 12), (27, 44)],
    [(50, 14), (42, 14), (42, 24), (51, 23), (51, 15), (49, 40)],
    [(80, 14), (70, 14), (70, 24), (81, 23), (82, 15), (80, 42)],
    [(36, 52), (37, 80)],
    [(62, 50), (62, 82)],
)


@pytest.mark.parametrize("thick", [2, 3, 4, 5])
@pytest.mark.parametrize("strokes", [ROOT, FRACTION], ids=["root", "fraction"])
def test_a_small_image_of_straight_strokes_is_an_expression(
    strokes: tuple[list[tuple[int, int]], ...], thick: int
) -> None:
    """In few pixels every row of writing is a line through much of the image."""
    for scale in np.arange(0.6, 1.6, 0.1):
        drawn = [(np.array(stroke) * scale).astype(np.int32) for stroke in strokes]
        width, height = np.concatenate(drawn).max(0) + 12
        image = np.full((height, width), 255, np.uint8)
        cv2.polylines(image, drawn, False, 0, thick)
        assert count(image) == 1, f"{scale:.1f}"


def test_writing_on_dots_is_no_prose() -> None:
    image = dotted(blank("crop"), 36)
    for x in range(200, 700, 120):
        stroke(image, (x, 150), (x + 60, 280))
        stroke(image, (x + 60, 150), (x, 280), seed=x)
    assert count(image) == 1


def test_a_page_number_and_a_shadow_at_the_edge_are_no_mathematics() -> None:
    image = with_number(blank())
    for y in range(1290, 1380, 15):
        cv2.line(image, (990, y), (999, y + 6), 60, 2, cv2.LINE_AA)
    assert count(image) == 0


def test_a_sign_on_a_sheet_is_read_and_a_blank_sheet_is_told() -> None:
    converter = Converter()
    nothing = converter.read(encoded(ruled(blank(), 50)))
    assert (nothing.status, nothing.latex) == ("failed", "")
    assert converter.read(encoded(equals(blank("crop")))).latex == "="
