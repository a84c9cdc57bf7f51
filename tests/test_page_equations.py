"""Lines of equations on photos of a few lines: found by their equals signs, cut by themselves."""

from __future__ import annotations

from itertools import chain, pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from handmade import open_pages
from numpy.typing import NDArray
from test_page_grouping import components

from hmer_cli.page.crops import Crops
from hmer_cli.page.detect import grouping
from hmer_cli.page.detect.components import InkComponents
from hmer_cli.page.detect.equations import are_equations, free_parts, within
from hmer_cli.page.detect.grouping import complete_rows
from hmer_cli.page.detect.line_growth import Line, continues, equals_signs, grow
from hmer_cli.page.regions import find_regions

Boxes = NDArray[np.float32]
Sign = tuple[float, float, float, float]
UNIT = 20.0
NOTHING = np.zeros((0, 4), np.float32)


def letters(left: float, top: float, count: int) -> list[Sign]:
    return [(left + 26 * i, top, left + 26 * i + 18, top + 20) for i in range(count)]


def equals(left: float, top: float) -> list[Sign]:
    return [(left, top + 6, left + 16, top + 9), (left, top + 13, left + 16, top + 16)]


def equation(left: float, top: float, slope: float = 0.0) -> list[Sign]:
    """Two letters, an equals sign and three letters; ``slope`` in pixels down for each across."""
    signs = [
        *letters(left, top, 2),
        *equals(left + 52, top),
        *letters(left + 78, top, 3),
    ]
    return [
        (x0, y0 + slope * (x0 - left), x1, y1 + slope * (x0 - left)) for x0, y0, x1, y1 in signs
    ]


def array(signs: list[Sign]) -> Boxes:
    return np.array(signs, np.float32)


def hull(signs: list[Sign]) -> list[float]:
    table = array(signs)
    return [*table[:, :2].min(0).tolist(), *table[:, 2:].max(0).tolist()]


def test_two_bars_alike_are_an_equals_sign_and_a_fraction_is_none() -> None:
    bar, above, below = (0, 30, 30, 33), (8, 5, 24, 25), (8, 38, 24, 58)
    signs = array([*equals(100, 0), bar, above, below])
    assert [pair.tolist() for pair in equals_signs(signs, UNIT)] == [[0, 1]]


@pytest.mark.parametrize("slope", [0.0, 0.08, -0.08])
def test_tightly_written_equations_are_found_line_by_line(slope: float) -> None:
    """Each line begins 26 pixels below the last, with letters of 20, as the search missed all."""
    lines = [equation(40 + 10 * i, 26 * i, slope) for i in range(4)]
    found = complete_rows(NOTHING, components(*chain.from_iterable(lines)))
    assert np.allclose(sorted(found.tolist()), sorted(hull(line) for line in lines))


def test_a_missed_equation_between_two_found_ones_is_added() -> None:
    lines = [equation(40, 40 * i) for i in range(3)]
    boxes = np.array([hull(lines[0]), hull(lines[2])], np.float32)
    found = complete_rows(boxes, components(*chain.from_iterable(lines)))
    assert sorted(found.tolist()) == sorted(hull(line) for line in lines)


def test_an_equals_sign_takes_an_operand_that_stands_apart() -> None:
    line = [(0, 0, 18, 20), *equals(60, 0), *letters(120, 0, 3)]
    seed = Line(array(line[1:3])[0], array(line[1:3]))
    (grown,) = grow([seed], array([line[0], *line[3:]]), UNIT)
    assert len(grown.signs) == len(line)


def test_the_number_of_an_exercise_is_not_taken_into_its_line() -> None:
    signs = equation(100, 0)
    number = [(46, 0, 60, 20), (66, 16, 70, 20)]  # a digit and a dot
    found = complete_rows(NOTHING, components(*number, *signs, *equation(100, 60)))
    assert hull(signs) in found.tolist()


def test_a_brace_beside_several_lines_belongs_to_none_of_them() -> None:
    brace, upper, lower = (10.0, 0.0, 22.0, 90.0), equation(40, 5), equation(40, 60)
    found = complete_rows(NOTHING, components(brace, *upper, *lower))
    assert sorted(found.tolist()) == [hull(upper), hull(lower)]


def test_the_limits_of_a_sum_are_no_line_of_their_own() -> None:
    lower = [(10, 62, 20, 74), *[(x, y + 50, x + 10, y + 52) for x, y in ((24, 16), (24, 20))]]
    limits = [*lower, (38, 62, 46, 74), (52, 62, 60, 74)]
    formula = [(5, 0, 60, 58), *letters(70, 15, 2), *equals(126, 15), *letters(150, 15, 2)]
    parts = components(*formula, *limits)
    assert not are_equations(parts)
    whole = np.array([hull([*formula, *limits])], np.float32)
    assert complete_rows(whole, parts).tolist() == whole.tolist()


def test_equations_below_each_other_are_lines_and_beside_each_other_are_not() -> None:
    assert are_equations(components(*equation(0, 0), *equation(10, 40)))
    assert not are_equations(components(*equation(0, 0), *equation(300, 40)))
    assert not are_equations(components(*letters(0, 0, 6), *letters(0, 40, 6)))


def test_runs_of_one_line_are_joined_at_an_equals_sign_alone() -> None:
    left, right = [*letters(0, 0, 3), *equals(78, 0)], letters(130, 0, 3)
    assert continues(array(left), array(right), UNIT)
    assert not continues(array(left[:3]), array(right), UNIT)
    assert not continues(array(left), array(letters(130, 40, 3)), UNIT)


def written(*lines: tuple[str, int]) -> NDArray[np.uint8]:
    page = np.full((220, 420), 255, np.uint8)
    for text, base in lines:
        cv2.putText(page, text, (20, base), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 30, 3, cv2.LINE_AA)
    return page


def test_a_crop_holds_its_own_tails_and_none_of_its_neighbours() -> None:
    both, lower = written(("gy = 7", 70), ("        b = 5", 112)), written(("        b = 5", 112))
    boxes = [(10.0, 20.0, 400.0, 78.0), (10.0, 66.0, 400.0, 120.0)]
    crops = Crops(both, boxes)
    upper_crop, (_, top) = crops.cut(boxes[0])
    tails = np.flatnonzero((written(("gy = 7", 70)) < 128).any(1))
    assert top + len(upper_crop) > tails[-1]
    crop, (left, top) = crops.cut(boxes[1])
    height, width = crop.shape
    alone = lower[top : top + height, left : left + width]
    assert np.abs(crop.astype(int) - alone)[crop < 128].max() < 40
    assert ((crop < 128) == (alone < 128)).mean() > 0.995


def test_examples_written_below_each_other_are_read_as_lines(tmp_path: Path) -> None:
    """Whatever their number: the search is asked where the white between is narrow, too."""
    folder = Path(__file__).resolve().parents[1] / "examples"
    shown = [
        cv2.imread(str(folder / f"{name}.png"), cv2.IMREAD_GRAYSCALE)
        for name in ("derivative", "pythagoras")
    ]
    width = max(image.shape[1] for image in shown if image is not None)
    rows = []
    for image in shown:
        assert image is not None
        room = width - image.shape[1]
        rows.append(cv2.copyMakeBorder(image, 6, 6, 0, room, cv2.BORDER_CONSTANT, value=255))
    cv2.imwrite(str(tmp_path / "lines.png"), np.concatenate(rows))
    (page,) = open_pages(str(tmp_path / "lines.png"))
    regions = find_regions(page)
    assert len(regions) == len(rows)
    assert all(a.box[1] < b.box[1] for a, b in pairwise(regions))


def test_tightly_written_lines_of_one_ink_file_are_lines(tmp_path: Path) -> None:
    strokes = []
    for row in range(3):
        for x0, y0, x1, y1 in equation(40 + 10 * row, 27 * row):
            flat = y1 - y0 < 5
            points = [(x0, y0), (x1, y0)] if flat else [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
            strokes.append(", ".join(f"{x} {y}" for x, y in points))
    traces = "".join(f"<trace>{stroke}</trace>" for stroke in strokes)
    path = tmp_path / "page.inkml"
    path.write_text(f'<ink xmlns="http://www.w3.org/2003/InkML">{traces}</ink>')
    (page,) = open_pages(str(path))
    assert len(find_regions(page)) == 3
    assert len(find_regions(page, "expression")) == 1


def test_signs_of_a_full_page_are_looked_up_as_they_are_by_every_pair() -> None:
    """Specks, rules, roots over letters, frames round several parts: all kinds, on one page."""
    rng = np.random.default_rng(3)
    places = rng.integers(0, 900, (600, 2))
    sizes = rng.choice([3, 8, 12, 20, 60, 130], (600, 2))
    parts = components(*np.concatenate([places, places + sizes], 1).tolist())
    boxes = array([(0, 0, 300, 200), (500, 500, 560, 900)])
    ink, unit = parts.boxes, parts.unit
    width, height = (ink[:, 2:] - ink[:, :2]).T
    rule = (width > 4 * height) & (width > 5 * unit)
    high = ink[(height >= 0.5 * unit) & (width <= 5 * unit)]
    rule &= [within(high, each[None]).sum() < 2 for each in ink]
    signs = ink[(np.maximum(width, height) >= 0.25 * unit) & ~rule & (height <= 5 * unit)]
    frames = np.array([within(signs, each[None]).sum() > 2 for each in signs])
    assert rule.any() and frames.any()
    assert np.array_equal(free_parts(boxes, parts), signs[~frames & ~within(signs, boxes)])


def test_signs_of_a_page_are_looked_for_once_for_all_its_braces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []
    original = grouping.possible_signs

    def counted(parts: InkComponents) -> Boxes:
        asked.append(len(parts))
        return original(parts)

    monkeypatch.setattr(grouping, "possible_signs", counted)
    braces = [(0.0, top, 12.0, top + 110) for top in range(0, 900, 150)]
    rows = [equation(30, top + down) for top in range(0, 900, 150) for down in (10, 80)]
    boxes = np.array([hull(row) for row in rows], np.float32)
    grouping.join_bracketed(boxes, components(*braces, *chain(*rows)))
    assert asked == [len(braces) + sum(map(len, rows))]
