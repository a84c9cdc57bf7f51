"""Signs that no model reads surely are told by their ink."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from hmer_cli.document.overlooked import with_overlooked
from hmer_cli.document.region_readings import region_reading
from hmer_cli.geometry import Box
from hmer_cli.ink.ink import Ink
from hmer_cli.ink.render import InkImage
from hmer_cli.page.regions import Region
from hmer_cli.recognition.reading import Reading, TokenReading

SIDE = 24.0  # of a typical symbol
Stroke = NDArray[np.float32]


def read(*placed: tuple[str, float, float]) -> Reading:
    """A reading of tokens round these points."""
    half = SIDE / 2
    tokens = tuple(
        TokenReading(name, 0.9, (x - half, y - half, x + half, y + half)) for name, x, y in placed
    )
    return Reading(" ".join(token.token for token in tokens), 0.6, tokens)


def raised(name: str, x: float, y: float, how: str = "^") -> list[tuple[str, float, float]]:
    return [(how, x, y), ("{", x, y), (name, x, y), ("}", x, y)]


def line(*points: tuple[float, float]) -> Stroke:
    return np.array(points, np.float32)


def letter(x: float, y: float) -> list[Stroke]:
    """A cross."""
    return [line((x - 8, y - 9), (x + 8, y + 9)), line((x + 8, y - 9), (x - 8, y + 9))]


def loop(box: Box) -> Stroke:
    x0, y0, x1, y1 = box
    return line((x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0))


def ink(*strokes: Stroke) -> InkImage:
    """What is seen of strokes; no reading of theirs looks at the image."""
    return InkImage(Ink(tuple(strokes)), np.full((8, 8), 255, np.uint8), tuple(strokes), 2.0)


def picture(*strokes: Stroke) -> NDArray[np.uint8]:
    image = np.full((120, 200), 255, np.uint8)
    for stroke in strokes:
        cv2.polylines(image, [stroke.astype(np.int32)], False, 0, 3)
    return image


BAR, DOT = line((72, 30), (69, 52)), line((68, 60), (70, 60))


@pytest.mark.parametrize("name", [r"\prime", "1"])
@pytest.mark.parametrize("seen", [ink, picture])
def test_a_raised_bar_over_a_dot_is_a_factorial(name: str, seen: object) -> None:
    assert callable(seen)
    reading = read(("x", 50, 55), *raised(name, 70, 42))
    assert with_overlooked(seen(*letter(50, 55), BAR, DOT), reading).label == "x !"


@pytest.mark.parametrize("dot", [(100, 60), (69, 100), (69, 10)])
def test_a_prime_with_a_dot_elsewhere_is_a_prime(dot: tuple[int, int]) -> None:
    x, y = dot
    reading = read(("x", 50, 55), *raised(r"\prime", 70, 42), ("=", 120, 50))
    seen = ink(*letter(50, 55), BAR, line((x, y), (x + 2, y)), *letter(120, 50))
    assert with_overlooked(seen, reading) == reading


def test_a_prime_that_stands_apart_at_the_end_is_a_quotation_mark() -> None:
    reading = read(("a", 20, 55), ("=", 50, 55), ("0", 80, 55), *raised(r"\prime", 124, 40))
    signs = [*letter(20, 55), line((42, 52), (58, 52)), line((42, 58), (58, 58))]
    zero = loop((72, 46, 88, 64))
    mark = line((124, 34), (123, 46))
    assert with_overlooked(ink(*signs, zero, mark), reading).label == "a = 0"
    near = line((94, 34), (93, 46))
    assert with_overlooked(ink(*signs, zero, near), reading) == reading


def test_a_prime_beside_its_sign_stays_where_other_ink_stands_apart() -> None:
    reading = read(("f", 20, 55), *raised(r"\prime", 34, 40))
    stop = line((90, 62), (92, 62))
    seen = ink(*letter(20, 55), line((34, 34), (33, 46)), stop)
    assert with_overlooked(seen, reading) == reading


def test_a_slash_of_its_own_before_what_was_read_as_below_is_a_slash() -> None:
    reading = read(("a", 40, 50), *raised("4", 70, 62, "_"))
    slash = line((48, 72), (62, 36))
    four = loop((64, 54, 76, 70))
    assert with_overlooked(ink(*letter(40, 50), slash, four), reading).label == "a / 4"
    assert with_overlooked(ink(*letter(40, 50), four), reading) == reading


def test_a_stroke_of_an_x_is_no_slash() -> None:
    reading = read(("x", 40, 50), *raised("0", 58, 62, "_"))
    cross = [line((32, 40), (48, 56)), line((52, 38), (33, 62))]
    assert with_overlooked(ink(*cross, loop((54, 58, 62, 68))), reading) == reading


def test_the_long_stroke_of_a_letter_is_no_slash() -> None:
    reading = read(("Y", 40, 46), *raised("2", 60, 62, "_"))
    strokes = [line((34, 34), (44, 44)), line((56, 32), (38, 62))]
    assert with_overlooked(ink(*strokes, loop((60, 56, 72, 68))), reading) == reading


def test_a_leg_of_the_letter_before_is_no_slash() -> None:
    reading = read(("V", 40, 50), *raised("n", 66, 62, "_"))
    legs = [line((32, 36), (42, 64)), line((42, 64), (54, 36))]
    assert with_overlooked(ink(*legs, loop((60, 56, 72, 68))), reading) == reading


def test_a_slash_has_no_script() -> None:
    reading = read(("a", 40, 50), ("/", 54, 54), *raised("2", 70, 62, "_"))
    seen = ink(*letter(40, 50), line((48, 72), (62, 36)), loop((64, 54, 76, 70)))
    assert with_overlooked(seen, reading).label == "a / 2"


def test_a_limit_is_no_factorial() -> None:
    below = raised("0", 50, 70, "_")
    reading = read((r"\int", 50, 50), *below, *raised("1", 70, 42), ("x", 100, 50))
    seen = ink(*letter(50, 55), BAR, DOT, *letter(100, 50))
    assert with_overlooked(seen, reading) == reading


def test_what_a_page_gives_has_such_signs() -> None:
    reading = read(("x", 50, 55), *raised(r"\prime", 70, 42))
    image = picture(*letter(50, 55), BAR, DOT)
    found = region_reading(Region((0.0, 0.0, 200.0, 120.0), image), reading)
    assert found.reading.label == "x !"


def test_a_function_has_a_derivative_and_no_factorial() -> None:
    reading = read(("f", 50, 55), *raised(r"\prime", 70, 42))
    assert with_overlooked(ink(*letter(50, 55), BAR, DOT), reading) == reading


def test_a_character_set_without_the_sign_gets_none() -> None:
    reading = read(("x", 50, 55), *raised("1", 70, 42))
    seen = ink(*letter(50, 55), BAR, DOT)
    assert with_overlooked(seen, reading, frozenset("x1{}^")) == reading
