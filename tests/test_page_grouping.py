"""Lines beside a brace, and the lines of photos that hold a few: whole, each by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from handmade import FakeRecogniser, open_pages
from numpy.typing import NDArray

from hmer_cli import Converter
from hmer_cli.commands.convert import convert
from hmer_cli.document.boxes import PageBoxes
from hmer_cli.document.cases import reading_of, to_read
from hmer_cli.document.region_readings import region_reading
from hmer_cli.errors import MissingError
from hmer_cli.geometry import Box, shift
from hmer_cli.page import regions
from hmer_cli.page.detect import detector
from hmer_cli.page.detect.components import InkComponents
from hmer_cli.page.detect.grouping import Bracketed, complete_rows, join_bracketed
from hmer_cli.page.drawn_boxes import cut_out
from hmer_cli.page.load.pages import Page
from hmer_cli.page.regions import Layout, Region, find_regions
from hmer_cli.recognition.reading import Reading, TokenReading

Boxes = NDArray[np.float32]
UNIT = 20.0
BRACE = (0, 0, 12, 110)


def line(left: float, top: float, count: int) -> list[tuple[float, ...]]:
    """Signs a letter high, a third of one apart."""
    return [(left + 26 * i, top, left + 26 * i + 20, top + 20) for i in range(count)]


def components(*boxes: tuple[float, ...]) -> InkComponents:
    table = np.array(boxes, np.float32)
    mass = np.full(len(table), 50, np.float32)
    nothing = np.zeros((len(table), 0), np.float32)
    return InkComponents(table, mass, UNIT, nothing, np.zeros((1, 1), np.uint8))


def box(signs: Sequence[tuple[float, ...]]) -> Boxes:
    table = np.array(signs, np.float32)
    return np.concatenate([table[:, :2].min(0), table[:, 2:].max(0)])


UPPER, LOWER = line(30, 10, 5), line(30, 80, 5)


def test_a_brace_and_its_lines_are_one_and_each_line_a_case() -> None:
    boxes = np.stack([box(UPPER), box(LOWER[:3])])  # the search left two signs out
    alone, found = join_bracketed(boxes, components(BRACE, *UPPER, *LOWER))
    assert not len(alone)
    assert found[0].box.tolist() == box([BRACE, *UPPER, *LOWER]).tolist()
    assert found[0].lines.tolist() == [box(UPPER).tolist(), box(LOWER).tolist()]


def test_rows_of_a_matrix_are_not_taken_apart() -> None:
    boxes, bracket = np.stack([box(UPPER), box(LOWER)]), (165, 0, 177, 110)
    _, found = join_bracketed(boxes, components(BRACE, *UPPER, *LOWER, bracket))
    assert len(found) == 1
    assert not len(found[0].lines)


@pytest.mark.parametrize(
    "tall",
    [
        (0, -200, 12, 400),  # a line of the margin
        (0, 0, 12, 30),  # beside the upper line alone
        (-200, 0, -188, 110),  # far away
    ],
)
def test_what_is_no_brace_holds_nothing(tall: tuple[float, ...]) -> None:
    boxes = np.stack([box(UPPER), box(LOWER)])
    alone, found = join_bracketed(boxes, components(tall, *UPPER, *LOWER))
    assert len(alone) == 2
    assert not found


def test_signs_at_the_ends_of_a_line_and_whole_lines_left_out_are_taken_in() -> None:
    upper, middle, lower = line(60, 0, 6), line(60, 60, 5), line(60, 120, 4)
    boxes = np.stack([box(upper[1:4]), box(lower)])
    found = complete_rows(boxes, components(*upper, *middle, *lower))
    assert sorted(found.tolist()) == sorted(box(each).tolist() for each in (upper, middle, lower))


def test_the_number_of_an_exercise_and_a_drawing_stay_out() -> None:
    signs = line(100, 0, 6)
    number = [(40, 0, 55, 20), (62, 8, 74, 11)]  # a digit and a dash
    drawing = [(400, 0, 520, 130)]
    found = complete_rows(box(signs)[None], components(*signs, *number, *drawing))
    assert found.tolist() == [box(signs).tolist()]


def test_on_a_page_that_is_mostly_prose_nothing_is_added() -> None:
    signs, prose = line(60, 0, 4), line(60, 60, 12) + line(60, 120, 12)
    found = complete_rows(box(signs)[None], components(*signs, *prose))
    assert found.tolist() == [box(signs).tolist()]


def region(left: int, top: int, lines: tuple[Region, ...] = ()) -> Region:
    image = np.full((20, 50), 255, np.uint8)
    return Region((0.0, 0.0, 1.0, 1.0), image, (left, top), lines=lines)


def test_cases_are_as_sure_as_all_their_lines_and_tokens_lie_where_they_were_read() -> None:
    whole = region(10, 10, (region(20, 10), region(20, 60)))
    read = [Reading("x", 0.9, (TokenReading("x", 0.9, (1.0, 2.0, 3.0, 4.0)),))] * 2
    assert len(to_read(whole)) == 2
    reading = reading_of(whole, iter(read))
    assert reading.label == r"\begin{cases} x \\ x \end{cases}"
    assert reading.confidence == pytest.approx(0.81)
    assert [t.token for t in reading.tokens] == reading.label.split()
    assert [t.box for t in reading.tokens if t.token == "x"] == [(11, 2, 13, 4), (11, 52, 13, 54)]
    assert reading_of(whole, iter([read[0], Reading("y", 0.9)])).tokens == ()  # as those unknown


def test_of_a_system_a_line_that_nothing_was_read_of_is_a_doubt() -> None:
    whole = region(10, 10, (region(20, 10), region(20, 60), region(20, 110)))
    matrix = r"A = \begin{matrix} 1 \\ 2 \end{matrix}"
    first, nothing = Reading(matrix, 0.9), Reading("", 0.0)
    reading = reading_of(whole, iter([first, nothing, Reading("y", 0.9)]))
    assert reading.label == rf"\begin{{cases}} {matrix} \\ y \end{{cases}}"
    assert region_reading(whole, reading).doubt == "a line of it was not read"
    complete = reading_of(whole, iter([first] * 3))
    assert region_reading(whole, complete).doubt == ""
    assert reading_of(whole, iter([nothing] * 3)) == nothing
    assert region_reading(whole, nothing).doubt == ""


def test_lines_stay_as_sure_where_what_stands_before_their_brace_was_not_read() -> None:
    whole = replace(region(10, 10, (region(70, 10), region(70, 60))), before=region(10, 30))
    reading = reading_of(whole, iter([Reading("", 0.0), Reading("x", 0.9), Reading("y", 0.9)]))
    assert reading.label == r"\begin{cases} x \\ y \end{cases}"
    assert reading.confidence == pytest.approx(0.81)
    assert region_reading(whole, reading).doubt == "a line of it was not read"


def system(path: Path) -> list[Box]:
    """Writes two lines beside a brace; the boxes of the lines."""
    example = Path(__file__).resolve().parents[1] / "examples" / "pythagoras.png"
    shown = cv2.imread(str(example), cv2.IMREAD_GRAYSCALE)
    assert shown is not None
    high, wide = shown.shape
    sheet = np.full((2 * high + 300, wide + 200), 255, np.uint8)
    tops = 40, high + 200
    for top in tops:
        sheet[top : top + high, 120 : 120 + wide] = shown
    foot = tops[1] + high
    spine = [(80, 50), (68, 70), (68, foot // 2), (54, foot // 2 + 20), (68, foot // 2 + 40)]
    spine += [(68, foot - 50), (80, foot - 30)]
    cv2.polylines(sheet, [np.array(spine, np.int32)], False, 0, 5)
    cv2.imwrite(str(path), sheet)
    return [(120.0, float(top), 120.0 + wide, float(top + high)) for top in tops]


@pytest.mark.parametrize("layout", ["auto", "expression"])
def test_a_system_of_equations_is_read_line_by_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: Layout
) -> None:
    """Whatever finds the lines: here they are given."""
    lines = system(tmp_path / "system.png")
    monkeypatch.setattr(regions, "find_boxes", lambda found: lines)
    reader = FakeRecogniser("x = y")
    (record,) = convert([str(tmp_path / "system.png")], (), layout=layout, recogniser=reader)
    assert record.latex == r"\begin{cases} x = y \\ x = y \end{cases}"


def test_a_system_that_a_person_drew_a_box_round_is_read_line_by_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = system(tmp_path / "system.png")
    monkeypatch.setattr(regions, "find_boxes", lambda found: lines)
    (page,) = open_pages(str(tmp_path / "system.png"))
    height, width = page.image.shape
    whole, line, nothing = cut_out(page, [(0, 0, width, height), lines[0], (0, 0, 30, 30)])
    assert whole is not None and len(whole.lines) == 2
    assert line is not None and not line.lines
    assert nothing is None
    reader = FakeRecogniser("x = y")
    read = PageBoxes(
        lambda: page, None, reader, lambda box: None, lambda box, result: None, region_reading
    ).read([(0, 0, width, height)])
    assert [each.reading.label for each in read] == [r"\begin{cases} x = y \\ x = y \end{cases}"]
    page.image[40:60, 5:25] = 0  # something else, which the lines would leave out
    (mixed,) = cut_out(replace(page), [(0, 0, width, height)])
    assert mixed is not None and not mixed.lines


def definition(path: Path, room: int) -> list[Box]:
    """Writes `f(x) =` before a brace and two lines; the boxes of all three."""
    sheet = np.full((400, 700), 255, np.uint8)
    spine = [(360, 60), (335, 75), (335, 180), (312, 200), (335, 220), (335, 325), (360, 340)]
    cv2.polylines(sheet, [np.array(spine, np.int32)], False, 0, 4, cv2.LINE_AA)
    for text, place in (("f(x)=", (40, 215)), ("x+1=2", (400, 130)), ("x-3=7", (400, 310))):
        cv2.putText(sheet, text, place, cv2.FONT_HERSHEY_SIMPLEX, 2, 0, 4)
    cv2.imwrite(str(path), sheet[40:362, 41 - room : 600])
    x = 41.0 - room
    return [
        (41 - x, 120.0, 265 - x, 190.0),
        (400 - x, 40.0, 575 - x, 95.0),
        (400 - x, 220.0, 575 - x, 275.0),
    ]


@pytest.mark.parametrize("layout", ["auto", "expression"])
@pytest.mark.parametrize("room", [30, 2])  # of a tight crop, in which all is beside an edge
@pytest.mark.parametrize("asked", [True, False])
def test_what_stands_before_a_brace_is_read_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: Layout, room: int, asked: bool
) -> None:
    boxes = definition(tmp_path / "f.png", room)
    monkeypatch.setattr(regions, "find_boxes", lambda found: boxes if asked else boxes[1:])
    monkeypatch.setattr(regions, "_has_rows", lambda found, boxes: True)
    (page,) = open_pages(tmp_path / "f.png")
    *apart, system = find_regions(page, layout)
    first = system.before if layout == "expression" else apart[0]
    assert first is not None and first.box[0] <= room + 4 and not first.lines
    assert len(apart) == (layout == "auto") and len(system.lines) == 2


def test_a_function_that_is_defined_by_cases_is_one_expression_where_all_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boxes = definition(tmp_path / "f.png", 30)
    monkeypatch.setattr(regions, "find_boxes", lambda found: boxes)
    reader = FakeRecogniser("x = y")
    (record,) = convert([str(tmp_path / "f.png")], (), layout="expression", recogniser=reader)
    assert record.latex == r"x = y\begin{cases} x = y \\ x = y \end{cases}"
    assert record.region is not None and record.region[0] <= 34


def test_a_box_round_a_definition_by_cases_holds_what_stands_before_its_brace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boxes = definition(tmp_path / "f.png", 30)
    monkeypatch.setattr(regions, "find_boxes", lambda found: boxes)
    (page,) = open_pages(tmp_path / "f.png")
    height, width = page.image.shape
    (drawn,) = cut_out(page, [(0, 0, width, height)])
    (found,) = find_regions(page, "expression")
    assert drawn is not None and drawn.before is not None and len(drawn.lines) == 2
    assert found.before is not None and drawn.before.box == found.before.box
    assert np.allclose(drawn.box, found.box, atol=4)


@pytest.mark.parametrize("below", [False, True])
def test_a_formula_above_or_below_a_system_is_an_expression_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: bool
) -> None:
    boxes = definition(tmp_path / "f.png", 30)
    both = cv2.imread(str(tmp_path / "f.png"), cv2.IMREAD_GRAYSCALE)
    assert both is not None
    first = both[115:195, 20:280].copy()
    both = np.pad(both, ((120, 120), (0, 0)), constant_values=255)
    both[:, 20:280] = 255
    top = 450 if below else 10
    both[top : top + 80, 20:280] = first
    cv2.imwrite(str(tmp_path / "f.png"), both)
    x0, _, x1, _ = boxes[0]
    there = [(x0, top + 5.0, x1, top + 75.0), *(shift(each, 0, 120) for each in boxes[1:])]
    monkeypatch.setattr(regions, "find_boxes", lambda found: there)
    (page,) = open_pages(tmp_path / "f.png")
    found = find_regions(page, "expression")
    assert [len(each.lines) for each in found] == ([2, 0] if below else [0, 2])
    assert not any(each.before for each in found)
    read = Converter(recogniser=FakeRecogniser("x = y")).read(tmp_path / "f.png")
    rows = ["x = y", r"\begin{cases} x = y \\ x = y \end{cases}"]
    first, second = reversed(rows) if below else rows
    assert read.latex == rf"\begin{{aligned}} & {first} \\ & {second} \end{{aligned}}"
    assert (read.status, read.tokens) == ("ok", ())  # this reader places none
    assert read.confidence == pytest.approx(0.9**3)
    assert read.box is not None and read.box[3] - read.box[1] > 300


def test_where_much_ink_is_beside_a_system_an_expression_is_read_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boxes = definition(tmp_path / "f.png", 30)
    monkeypatch.setattr(regions, "find_boxes", lambda found: boxes[1:])
    monkeypatch.setattr(regions, "complete_rows", lambda boxes, parts: boxes)
    (page,) = open_pages(tmp_path / "f.png")
    (whole,) = find_regions(page, "expression")
    assert whole.box[0] <= 34 and not whole.lines


def test_rows_of_another_system_that_are_cut_off_stand_before_no_brace() -> None:
    system = Bracketed(np.array([100, 0, 400, 200], np.float32), np.zeros((0, 4), np.float32))
    seen = [(5, 80, 90, 120), (5, 20, 90, 60), (5, 140, 90, 180), (0, 80, 30, 120)]
    before = system.has_before(np.array(seen, np.float32), UNIT)
    assert before.tolist() == [True, False, False, False]


def test_only_rows_at_the_edge_beside_a_system_are_of_another_one() -> None:
    page = Page("x", 1, np.full((400, 800), 255, np.uint8), size=(400, 800))
    system = [(200.0, 150.0, 500.0, 250.0)]
    beside, below, foot = (700, 160, 800, 190), (0, 300, 800, 340), (300, 370, 400, 400)
    assert [page.is_of_neighbour(box, system) for box in (beside, below, foot)] == [
        True,
        False,
        True,
    ]
    assert not page.is_of_neighbour(beside, [])
    crop = replace(page, size=(110, 800))
    tight = [(2.0, 3.0, 500.0, 108.0)]
    assert not crop.is_of_neighbour((600, 40, 798, 70), tight)


def test_an_expression_is_read_where_the_weights_that_find_regions_were_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system(tmp_path / "system.png")
    monkeypatch.setattr(detector, "shipped_dir", lambda: tmp_path)
    detector.shipped.cache_clear()
    reader = FakeRecogniser("x = y")
    (record,) = convert([str(tmp_path / "system.png")], (), layout="expression", recogniser=reader)
    assert record.latex == "x = y"
    with pytest.raises(MissingError, match="--layout expression"):
        convert([str(tmp_path / "system.png")], (), layout="page", recogniser=reader)
    detector.shipped.cache_clear()
