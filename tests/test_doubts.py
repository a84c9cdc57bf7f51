"""Notations that no label can say are low in the record, and say why."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from handmade import FakeRecogniser, example_image
from numpy.typing import NDArray

from hmer_cli.commands.convert import convert
from hmer_cli.document.doubts import doubt_of, is_chemistry

Pixels = NDArray[np.uint8]
DIVIDED = r"1 2 \sqrt { 3 4 5 }"


def divided(tick: bool, bulge: bool = False) -> Pixels:
    """12 before 345 under a bar, whose stem has a tick as that of a root, or none."""
    page = np.full((160, 520), 255, np.uint8)
    cv2.putText(page, "12", (20, 120), cv2.FONT_HERSHEY_SIMPLEX, 2.4, 0, 4, cv2.LINE_AA)
    cv2.putText(page, "345", (200, 120), cv2.FONT_HERSHEY_SIMPLEX, 2.4, 0, 4, cv2.LINE_AA)
    stem = [(160, 132), (185, 40), (430, 40)]
    if bulge:
        stem = [(160, 132), (176, 100), (176, 70), (162, 40), (430, 40)]
    stem = [(136, 88), (148, 84), *stem] if tick else stem
    cv2.polylines(page, [np.array(stem)], False, 0, 4, cv2.LINE_AA)
    return page


@pytest.mark.parametrize("bulge", [False, True])
def test_a_long_division_is_told_from_a_root_by_its_stem(bulge: bool) -> None:
    assert "long division" in doubt_of(divided(False, bulge), DIVIDED)
    assert doubt_of(divided(True), DIVIDED) == ""
    assert doubt_of(divided(False, bulge), r"\sqrt { 3 4 5 }") == ""


@pytest.mark.parametrize("name", ["basel", "derivative", "integral", "limit", "pythagoras"])
@pytest.mark.parametrize("scale", [0.4, 1.0, 2.0])
def test_a_formula_of_ours_is_not_doubted(name: str, scale: float) -> None:
    image = cv2.resize(example_image(name), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    assert doubt_of(np.asarray(image, np.uint8), "x = 1") == ""


def test_a_line_through_the_writing_and_a_scribble_are_crossings_out() -> None:
    for left, right in ((20, 20), (30, -30)):
        struck = example_image("pythagoras")
        height, width = struck.shape
        cv2.line(struck, (10, height // 2 + left), (width - 10, height // 2 + right), 0, 3)
        assert "crossed out" in doubt_of(struck, "x = 1")
    scribbled = example_image("pythagoras")
    zigzag = [(200 + 5 * i, 40 if i % 2 else 90) for i in range(12)]
    cv2.polylines(scribbled, [np.array(zigzag)], False, 0, 2, cv2.LINE_AA)
    assert "crossed out" in doubt_of(scribbled, "x = 1")


@pytest.mark.parametrize(
    "label",
    [
        r"2 H _ { 2 } + O _ { 2 } = 2 H _ { 2 } O",
        r"N H _ { 4 } C l + N a O H = N a C l + N H _ { 3 } \uparrow + H _ { 2 } O",
        r"C H _ { 4 } + 2 O _ { 2 } \rightarrow C O _ { 2 } + 2 H _ { 2 } O",
        r"2 H ^ { 2 } + O _ { 2 } = 2 H _ { 2 } O",
        r"N _ { 2 } + O _ { 2 } = 2 N O",
        r"H _ { 2 } + F _ { 2 } \rightarrow 2 H F",
        r"C ( s ) + O _ { 2 } ( g ) \rightarrow C O _ { 2 } ( g )",
        r"N a O H + H C l = N a C l + H O H",
        r"F e ^ { 3 + } + 3 O H ^ { - } = F e ( O H ) _ { 3 } \downarrow",
        r"B ( O H ) _ { 3 } + H _ { 2 } O = H _ { 3 } O ^ { + } + B O ( O H ) _ { 2 } ^ { - }",
        r"C _ { 1 2 } H _ { 2 2 } O _ { 1 1 } + H _ { 2 } O = 2 C _ { 6 } H _ { 1 2 } O _ { 6 }",
    ],
)
def test_an_equation_of_chemistry_is_one(label: str) -> None:
    assert is_chemistry(label)


@pytest.mark.parametrize(
    "label",
    [
        "P V = N K T",
        "F ( b ) - F ( a )",
        r"H _ { 1 } + H _ { 2 } = H _ { 3 }",
        r"N _ { H } = N _ { S } + C",
        r"A + B = C O",
        r"E = m c ^ { 2 }",
        "O A = O B = O C",
        "B C = 2 C H",
        r"O B = O C \rightarrow B H = H C",
        r"B C ^ { 2 } = B H ^ { 2 } + H C ^ { 2 }",
        r"C H ^ { 2 } = B H \times H A",
        r"O B _ { 2 } ^ { \prime } = O C _ { 2 } ^ { \prime }",
        r"C O _ { 2 } = B H \times H O _ { 2 }",
        "P ( H ) = P ( B H ) + P ( C H )",
        r"H _ { 2 } = H _ { 1 } + O _ { 2 }",
        r"O B _ { 1 } + B _ { 1 } C _ { 2 } = O C _ { 2 }",
        "",
    ],
)
def test_letters_of_mathematics_are_no_chemistry(label: str) -> None:
    assert not is_chemistry(label)


@pytest.mark.parametrize(
    "label", [r"x = \underline { - 1 2 }", r"x = \underline { \underline { - 1 2 } }"]
)
def test_a_result_with_a_line_below_is_no_sum_in_columns(label: str) -> None:
    assert doubt_of(example_image("pythagoras"), label) == ""


def test_the_record_is_low_and_names_the_reason(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "x.png"), divided(False))
    reader = FakeRecogniser(DIVIDED, 0.9)
    (record,) = convert([str(tmp_path / "x.png")], [], layout="expression", recogniser=reader)
    assert record.status == "low"
    assert record.confidence <= 0.25
    assert record.error == "may be a long division, which is not read"
    column = FakeRecogniser(r"\underline { - 1 9 9 9 }", 0.9)
    (record,) = convert([str(tmp_path / "x.png")], [], layout="expression", recogniser=column)
    assert record.status == "low"
    assert "sum in columns" in (record.error or "")
