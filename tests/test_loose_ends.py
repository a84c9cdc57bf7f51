"""Signs of the text around a formula, read with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from handmade import FakeRecogniser, encoded

from hmer_cli.commands.convert import convert
from hmer_cli.document import pipeline
from hmer_cli.document.loose_ends import of_list, without_loose_ends
from hmer_cli.document.math_regions import MathRegions
from hmer_cli.document.records import RegionReading
from hmer_cli.geometry import Box, union
from hmer_cli.ink.render import Readable, image_of
from hmer_cli.page.load.pages import Page
from hmer_cli.page.regions import cut_region
from hmer_cli.recognition.reading import Alternative, Reading, TokenReading


def read(label: str) -> RegionReading:
    """Tokens of 10 pixels beside each other; the source is twice as large."""
    tokens = [
        TokenReading(token, 0.9, (10.0 * i, 0.0, 10.0 * i + 8, 8.0))
        for i, token in enumerate(label.split())
    ]
    width = 10.0 * len(tokens)
    reading = Reading(label, 0.8, tuple(tokens))
    return RegionReading((100.0, 0.0, 100 + 2 * width, 16.0), (0.0, 0.0, width, 8.0), "k", reading)


def test_a_closing_bracket_that_nothing_opens_goes_with_its_ink() -> None:
    found = without_loose_ends(read(r"x \rightarrow \infty )"))
    assert found.reading.label == r"x \rightarrow \infty"
    assert len(found.reading.tokens) == 3
    assert found.box == (0, 0, 29, 8)
    assert found.region == (100, 0, 158, 16)


@pytest.mark.parametrize(
    ("quarters", "region", "kept"),
    [
        (1, (0, 0, 16, 80), (0, 0, 16, 58)),
        (2, (0, 0, 80, 16), (22, 0, 80, 16)),
        (3, (0, 0, 16, 80), (0, 22, 16, 80)),
    ],
)
def test_of_a_turned_source_the_end_goes_that_is_the_right_on_the_page(
    quarters: int, region: Box, kept: Box
) -> None:
    expression = replace(read(r"x \rightarrow \infty )"), region=region)
    found = without_loose_ends(expression, quarters)
    assert (found.region, found.box) == (kept, (0, 0, 29, 8))


class Ends(FakeRecogniser):
    """Reads a formula with a loose end, and two with a comma between, over all of their images."""

    labels = r"x \rightarrow \infty )", "a = 1 , b = 2"

    def read(self, images: Sequence[Readable]) -> list[Reading]:
        found = []
        for label, image in zip(self.labels, images, strict=True):
            high, wide = image_of(image).shape
            step = wide / len(label.split())
            tokens = tuple(
                TokenReading(token, 0.9, (step * i, 2.0, step * i + 20, high - 2.0))
                for i, token in enumerate(label.split())
            )
            found.append(Reading(label, 0.55, tokens))
        return found


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_parts_of_a_formula_on_a_turned_page_are_where_they_stand_in_the_file(
    quarters: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boxes = [(104, 104, 496, 136), (104, 296, 496, 328)]  # round rows of the dots

    def mathematics(page: Page, layout: str, text: bool = False) -> MathRegions:
        return MathRegions.of([cut_region(page, page.image, box, 0) for box in boxes])

    monkeypatch.setattr(pipeline, "find_mathematics", mathematics)
    monkeypatch.setattr(pipeline, "upright", lambda draw, *_: draw().turned(quarters))
    dots = np.full((600, 600), 255, np.uint8)
    for row, column in np.ndindex(25, 25):
        dots[24 * row + 8 : 24 * row + 16, 24 * column + 8 : 24 * column + 16] = 0
    (tmp_path / "a.png").write_bytes(encoded(dots))
    records = convert([str(tmp_path / "a.png")], (), recogniser=Ends(), layout="page")
    labels = [record.label for record in records]
    assert sorted(labels) == ["a = 1", "b = 2", r"x \rightarrow \infty"]
    for record in records:
        assert record.region is not None
        x0, y0, x1, y1 = union([token.box for token in record.tokens])
        left, top, right, foot = record.region
        assert left - 3 <= x0 and top - 3 <= y0 and x1 <= right + 3 and y1 <= foot + 3
        assert 100 < max(right - left, foot - top) < 320
        assert min(right - left, foot - top) == pytest.approx(32, abs=6)


def test_an_opening_bracket_that_nothing_closes_goes_too() -> None:
    found = without_loose_ends(read("( x = f ( 1 )"))
    assert found.reading.label == "x = f ( 1 )"
    assert found.box[0] == 9


@pytest.mark.parametrize(
    "label",
    ["( a , b ]", "f ( x )", "x = o ( x", "1 ) + x", "a )", r"x ) ^ { 2 }", "( ( x ) + 1 )", "x"],
)
def test_other_brackets_stay(label: str) -> None:
    expression = read(label)
    assert without_loose_ends(expression) is expression


def test_other_readings_lose_the_same_ends_and_are_no_more_than_others() -> None:
    expression = read(r"( x \rightarrow \infty")
    others = (
        r"( x \rightarrow \alpha",
        r"x \rightarrow \infty",
        r"c x \rightarrow \infty",
        r"( x",
        "(",
        r"( x \rightarrow \infty )",
    )
    alternatives = tuple(Alternative(other, 0.1 / (i + 1)) for i, other in enumerate(others))
    expression = replace(expression, reading=replace(expression.reading, alternatives=alternatives))
    found = without_loose_ends(expression).reading
    assert found.label == r"x \rightarrow \infty"
    assert found.alternatives == (
        Alternative(r"x \rightarrow \alpha", 0.1),
        Alternative("x", 0.025),
        Alternative(r"x \rightarrow \infty )", 0.1 / 6),
    )


@pytest.mark.parametrize(
    ("label", "kept"),
    [
        (r"h ^ { 2 } = O ( h ) \}", "h ^ { 2 } = O ( h )"),
        (r"\rightarrow g ( h ) \rightarrow 0", r"g ( h ) \rightarrow 0"),
        (r"\begin{matrix} 1 & 2 \end{matrix} \rightarrow", r"\begin{matrix} 1 & 2 \end{matrix}"),
        ("f = O ( g ) ?", "f = O ( g )"),
        ("n ^ { 2 } = O ( n ) / )", "n ^ { 2 } = O ( n )"),
        ("E x : C ( 1 )", "C ( 1 )"),
        ("S o l : x = 2", "x = 2"),
        (r"E x : \lim _ { x \rightarrow 0 } x = 0", r"\lim _ { x \rightarrow 0 } x = 0"),
        (", a + b = c", "a + b = c"),
        ("7 ) x + 2 = 5", "x + 2 = 5"),
        ("b ) ( x + 2 ) = 5", "( x + 2 ) = 5"),
        (r"3 ) \sin x = 1", r"\sin x = 1"),
        (r"1 2 ) \sum x = 1", r"\sum x = 1"),
    ],
)
def test_signs_of_the_text_around_a_formula_go(label: str, kept: str) -> None:
    assert without_loose_ends(read(label)).reading.label == kept


@pytest.mark.parametrize(
    "label",
    [
        r"f : A \rightarrow B",
        r"g f : X \rightarrow Y",
        r"D f : U \rightarrow V",
        r"i d : x \mapsto x",
        "A B : B C = 2 : 3",
        "A C B : x = 2",
        "x y : 2 = z",
        "D f : = f ( x )",
        r"x \in \{ 1 , 2 \}",
        "a / b",
        r"x \rightarrow \infty",
        "= - x",
        "n ! =",
        "2 + 3 = ?",
        "? = 2 + 3",
        "7 ) + x",
        "7 . 5 x = 3",
        "2 . ( a + b ) = c",
        "7 . + x",
        "a . b = 0",
        "y = f ( 7 )",
    ],
)
def test_signs_of_a_formula_stay(label: str) -> None:
    expression = read(label)
    assert without_loose_ends(expression) is expression


@pytest.mark.parametrize(
    ("label", "kept"),
    [
        (r"2 . \frac { 1 } { 2 } + x", r"\frac { 1 } { 2 } + x"),
        ("1 . ( a + b ) = c", "( a + b ) = c"),
        ("1 . 5 x = c", "1 . 5 x = c"),
    ],
)
def test_a_number_with_a_dot_goes_where_white_follows(label: str, kept: str) -> None:
    expression = read(label)
    tokens = expression.reading.tokens
    moved = [replace(t, box=(t.box[0] + 10, 0.0, t.box[2] + 10, 8.0)) for t in tokens[2:]]
    reading = replace(expression.reading, tokens=(*tokens[:2], *moved))
    box = (0.0, 0.0, expression.box[2] + 10, 8.0)
    found = without_loose_ends(replace(expression, reading=reading, box=box))
    assert found.reading.label == kept


def rows(*labels: str) -> list[RegionReading]:
    """Readings one below the other."""
    found = []
    for number, label in enumerate(labels):
        expression = read(label)
        x0, y0, x1, y1 = expression.box
        below = (x0, y0 + 30 * number, x1, y1 + 30 * number)
        found.append(replace(expression, box=below))
    return found


@pytest.mark.parametrize("mark", [".", ",", ")"])
def test_numbers_that_follow_each_other_in_a_column_go(mark: str) -> None:
    found = rows(f"1 {mark} x = y + 4", f"2 {mark} \\forall x : y", "z = 3", f"3 {mark} a - b")
    assert of_list(found) == [True, True, False, True]
    labels = [
        without_loose_ends(each, 0, item).reading.label
        for each, item in zip(found, of_list(found), strict=True)
    ]
    assert labels == ["x = y + 4", r"\forall x : y", "z = 3", "a - b"]


@pytest.mark.parametrize("label", [r"1 \cdot x = c", "1 / x = c", "1 . ( x + 1 )"])
def test_what_may_be_a_product_keeps_its_number_in_a_list_and_is_doubted(label: str) -> None:
    found = rows(label, label.replace("1", "2", 1))
    assert of_list(found) == [True, True]
    kept = [without_loose_ends(each, 0, item=True) for each in found]
    assert [each.reading.label for each in kept] == [each.reading.label for each in found]
    assert all("number of an item" in each.doubt for each in kept)


@pytest.mark.parametrize(
    "labels",
    [
        (r"2 \cdot x = 6", r"3 \cdot x = 9"),
        ("2 . x = 6", "3 . x = 9"),
        (r"0 , x \in A", r"1 , x \in B"),
        ("1 . 5 x = c", "2 . 5 x = c"),
        ("1 . x = c", "3 . x = c"),
        ("2 . x = c", "1 . x = c"),
        ("1 + x = c", "2 + x = c"),
    ],
)
def test_other_rows_are_no_list(labels: tuple[str, str]) -> None:
    assert of_list(rows(*labels)) == [False, False]


def test_rows_that_begin_elsewhere_are_no_list() -> None:
    one, other = rows("1 . x = c", "2 . x = c")
    x0, y0, x1, y1 = other.box
    assert of_list([one, replace(other, box=(x0 + 50, y0, x1 + 50, y1))]) == [False, False]


@pytest.mark.parametrize("label", ["1 . x = c", r"3 , \frac { 1 } { 2 }", r"2 ) \theta + c"])
def test_a_lone_number_with_a_mark_is_doubted(label: str) -> None:
    found = without_loose_ends(read(label))
    assert found.reading.label == label and "number of an item" in found.doubt


@pytest.mark.parametrize("label", ["1 , x , x ^ 2 , x ^ 3", "2 ( x ) = c", r"2 \cdot x = c"])
def test_lists_and_products_are_not_doubted(label: str) -> None:
    assert not without_loose_ends(read(label)).doubt


@pytest.mark.parametrize("label", ["a + b -", r"n \geq", r"\theta + \theta +"])
def test_a_formula_is_doubted_where_something_has_to_follow(label: str) -> None:
    found = without_loose_ends(read(label))
    assert found.reading.label == label
    assert "rest" in found.doubt


def test_an_empty_reading_has_no_ends() -> None:
    box = (0.0, 0.0, 9.0, 9.0)
    empty = RegionReading(box, box, "k", Reading("", 0.0))
    assert without_loose_ends(empty) is empty


def test_the_number_of_an_equation_beyond_white_goes() -> None:
    expression = read("y = x + 1 ( 7 )")
    tokens = expression.reading.tokens
    moved = [replace(t, box=(t.box[0] + 40, 0.0, t.box[2] + 40, 8.0)) for t in tokens[5:]]
    reading = replace(expression.reading, tokens=(*tokens[:5], *moved))
    apart = replace(expression, reading=reading, box=(0.0, 0.0, 120.0, 8.0))
    assert without_loose_ends(apart).reading.label == "y = x + 1"
    assert without_loose_ends(expression) is expression
