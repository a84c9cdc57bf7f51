"""Regions of a page against the words that stand on it.

Pages are of squares: filled ones are signs of mathematics, hollow ones are letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import cast

import cv2
import numpy as np
import pytest

from hmer_cli.document import find_mathematics as mathematics
from hmer_cli.document.find_mathematics import find_mathematics
from hmer_cli.document.math_regions import MathRegions
from hmer_cli.document.page_words import WordFinder
from hmer_cli.document.signs_apart import groups_of_signs
from hmer_cli.geometry import Box
from hmer_cli.ink.render import Readable, image_of
from hmer_cli.page import regions
from hmer_cli.page.detect.search import PreparedPage, prepare_page
from hmer_cli.page.load.pages import Page
from hmer_cli.page.regions import Region, cut_region
from hmer_cli.recognition.line_reader import LineReader, LineReading, LineWord
from hmer_cli.recognition.line_text import MATH

SIDE, STEP = 20, 26
ROWS = 60


def page(*rows: str) -> Page:
    """A page with a row of squares for each text: `x` is mathematics, `a` a letter."""
    image = np.full((60 + ROWS * len(rows), 900), 255, np.uint8)
    for number, row in enumerate(rows):
        for place, sign in enumerate(row):
            if sign != " ":
                x, y = 30 + STEP * place, 30 + ROWS * number
                thickness = -1 if sign == "x" else 3
                cv2.rectangle(image, (x, y), (x + SIDE, y + SIDE), 0, thickness)
    return Page("page.png", 1, image)


class SquareReader:
    """Reads such squares: those near each other are a word or a formula."""

    sure = 0.95

    def read(self, seen: Readable, second_pass: bool = False) -> LineReading:
        """The squares from left to right."""
        ink = (image_of(seen) < 128).astype(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(ink)
        parts = sorted(stats[1:].tolist())
        words, number = [], 0
        told = []
        for i, (x, _, width, height, mass) in enumerate(parts):
            maths = mass > 0.8 * width * height
            if i and (x - sum(parts[i - 1][0:3:2]) > STEP or maths != told[-1][1]):
                number += 1
            told.append((number, maths, x, x + width))
        for _, group in groupby(told, key=lambda each: each[:2]):
            signs = list(group)
            text = MATH if signs[0][1] else "abcdefghij"[: len(signs)]
            words.append(LineWord(text, signs[0][2], signs[-1][3], self.sure))
        return LineReading(tuple(words))


def refined(there: Page, *found: tuple[int, int, int]) -> MathRegions:
    """What is left of regions, each a row and the first and last of its squares."""
    prepared = prepare_page(there)
    regions = []
    for row, first, last in found:
        x, y = 30 + STEP * first, 30 + ROWS * row
        box = (x - 2, y - 2, 30 + STEP * last + SIDE + 2, y + SIDE + 2)
        regions.append(cut_region(there, prepared.image, box, 0))
    return WordFinder(there, prepared, cast(LineReader, SquareReader())).refined(regions)


def squares(region: Region) -> tuple[int, int]:
    """The first and the last square of a region."""
    left, right = region.place[0], region.place[2]
    return round((left - 28) / STEP), round((right - SIDE - 32) / STEP)


def test_words_alone_are_left_out() -> None:
    there = page("aaaa aaa xxxx", "aaaaa aaaa")
    kept = refined(there, (0, 9, 12), (1, 0, 4))
    assert [squares(region) for region in kept.regions] == [(9, 12)]
    assert not kept.upright  # a few letters may be signs on their side


def test_a_region_that_is_said_to_be_a_short_word_is_left_to_the_reader_of_formulas() -> None:
    found = refined(page("aaa xxxx aaaaaa", "aaaaaa"), (0, 0, 2), (0, 4, 7), (0, 9, 14))
    assert [squares(region) for region in found.regions] == [(0, 2), (4, 7)]
    assert found.words == ("abc", "")
    assert not refined(page("aaa aaaaaa", "aaaaaa"), (0, 0, 2), (0, 4, 9)).regions


def test_a_page_with_a_line_of_words_lies_upright() -> None:
    there = page("aaaa aaa xxxx", "aaaaaaa aaaaaaa aaaaaaa")
    assert refined(there, (0, 9, 12), (1, 0, 22)).upright


def test_on_pages_of_another_language_regions_stay_as_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(SquareReader, "sure", 0.4)
    there = page("aaaa xxxx aaaa", "aaaaa aaaa", "aaaaaaaa", "aaaaaaa aaaa")
    kept = refined(there, (0, 0, 13), (1, 0, 4))
    assert [squares(region) for region in kept.regions] == [(0, 13), (0, 4)]


def test_a_sign_apart_on_a_page_without_words_is_doubted_and_not_lost() -> None:
    there = page("xxxxxx", "xxxx      x", "xxxxx")
    kept = refined(there, (0, 0, 5), (1, 0, 3), (2, 0, 4))
    assert [squares(region) for region in kept.regions] == [(0, 5), (0, 3), (10, 10), (0, 4)]
    assert [bool(doubt) for doubt in kept.doubts] == [False, False, True, False]


def test_a_faint_mark_apart_is_no_sign() -> None:
    there = page("xxxxxx", "xxxx      x", "xxxxx")
    column = 30 + STEP * 10 - 3
    there.image[:, column:] = 255 - (255 - there.image[:, column:]) // 3
    kept = refined(there, (0, 0, 5), (1, 0, 3), (2, 0, 4))
    assert len(kept.regions) == 3


def test_a_sign_apart_among_words_is_left_to_them() -> None:
    there = page("xxxxxx aaaa", "xxxx        x", "aaaaa aaaa")
    kept = refined(there, (0, 0, 5), (1, 0, 3))
    assert [squares(region) for region in kept.regions] == [(0, 5), (0, 3)]


@pytest.mark.parametrize(
    ("size", "count"),
    [((20, 20), 1), ((90, 160), 1), ((20, 300), 0), ((60, 4), 0), ((6, 6), 0)],
    ids=["letter", "large letter", "arrow", "bar", "dot"],
)
def test_what_stands_apart_has_the_size_of_a_sign(size: tuple[int, int], count: int) -> None:
    alone = np.array([(100, 100, 100 + size[0], 100 + size[1])], np.float32)
    assert len(groups_of_signs(alone, 20)) == count
    assert groups_of_signs(np.zeros((0, 4), np.float32), 20) == []


def test_signs_near_each_other_stand_apart_together() -> None:
    row = np.array([(30 * i, 0, 30 * i + 20, 20) for i in (0, 1, 2, 9)], np.float32)
    assert groups_of_signs(row, 20) == [(0, 0, 80, 20), (270, 0, 290, 20)]
    many = np.concatenate([row + np.array([0, 60, 0, 60]) * i for i in range(20)])
    assert groups_of_signs(many.astype(np.float32), 20) == []


def test_signs_apart_are_found_beside_a_line_down_the_page_and_not_in_a_graph() -> None:
    signs = np.array([(100, 100, 120, 120), (300, 100, 320, 120), (500, 300, 520, 320)], np.float32)
    margin = np.array([(600, 50, 604, 450)], np.float32)
    assert len(groups_of_signs(np.concatenate([signs, margin]), 20)) == 3
    graph = np.array([(250, 50, 510, 350)], np.float32)
    assert groups_of_signs(np.concatenate([signs, graph]), 20) == [(100, 100, 120, 120)]


def test_words_at_the_ends_of_a_formula_are_cut_off() -> None:
    (region,) = refined(page("aaaa xxxx aaaa", "aaa"), (0, 0, 13)).regions
    assert squares(region) == (5, 8)


def test_pieces_of_one_formula_are_joined_and_those_with_words_between_are_not() -> None:
    joined = refined(page("xxx xx xxx", "aaa"), (0, 0, 2), (0, 7, 9))
    assert [squares(region) for region in joined.regions] == [(0, 9)]
    apart = refined(page("xxx aaa xxx", "aaa"), (0, 0, 2), (0, 8, 10))
    assert [squares(region) for region in apart.regions] == [(0, 2), (8, 10)]


def test_pieces_with_nothing_between_stay_two() -> None:
    apart = refined(page("xxx    xxx", "aaa"), (0, 0, 2), (0, 7, 9))
    assert len(apart.regions) == 2


def test_pieces_that_share_ink_are_one() -> None:
    joined = refined(page("xxxxxxxx", "aaa"), (0, 0, 4), (0, 3, 7))
    assert [squares(region) for region in joined.regions] == [(0, 7)]


@pytest.mark.parametrize(("place", "thick"), [(4, 4), (2, 4), (2, 10)])
def test_pieces_on_either_side_of_an_equals_sign_at_an_end_are_one(place: int, thick: int) -> None:
    there = page("xxx xxxx", "aaa")
    image = there.image.copy()
    x, y = 30 + STEP * place, 30
    image[y : y + STEP, x : x + STEP] = 255
    for row in (y + 9 - thick, y + 14):
        image[row : row + thick, x : x + SIDE + 1] = 0
    joined = refined(Page("page.png", 1, image), (0, 0, 2), (0, 4, 7))
    assert [squares(region) for region in joined.regions] == [(0, 7)]
    assert len(refined(there, (0, 0, 2), (0, 4, 7)).regions) == 2


def with_brackets(places: Sequence[int]) -> Page:
    """A page with slender bars in place of these squares."""
    there = page("xxxxxxx", "aaa")
    image = there.image.copy()
    for place in places:
        x, y = 30 + STEP * place, 30
        image[y - 4 : y + STEP, x - 2 : x + STEP] = 255
        image[y - 3 : y + SIDE + 3, x + 8 : x + 14] = 0
    return Page("page.png", 1, image)


def test_a_bracket_and_the_next_one_right_beside_it_are_of_one_formula() -> None:
    joined = refined(with_brackets([2, 3]), (0, 0, 2), (0, 3, 6))
    assert len(joined.regions) == 1
    assert len(refined(with_brackets([2]), (0, 0, 2), (0, 3, 6)).regions) == 2


def test_a_formula_grows_by_the_signs_beside_it_and_by_no_words() -> None:
    (region,) = refined(page("aaaa xxxxxx aaa", "aaa"), (0, 7, 9)).regions
    assert squares(region) == (5, 10)
    (region,) = refined(page("aaaa xxxx", "aaa"), (0, 5, 8)).regions
    assert squares(region) == (5, 8)


def with_bars(there: Page, *bars: tuple[int, float, int, int]) -> Page:
    """The page with bars: the row and the place each is in, its width and its height; a square is
    replaced."""
    image = there.image.copy()
    for row, place, width, height in bars:
        x, y, cell = 30 + round(STEP * place), 30 + ROWS * row, 30 + STEP * int(place)
        image[y - 1 : y + SIDE + 3, cell - 1 : cell + SIDE + 3] = 255
        foot = y + SIDE if width == height else y + SIDE // 2 + height // 2
        image[foot - height : foot, x : x + width] = 0
    return Page("page.png", 1, image)


def test_the_number_of_an_exercise_is_of_no_formula() -> None:
    rows = page("xx xxxxx", "xx xxx", "aaa")
    numbered = with_bars(rows, (0, 1, 5, 5), (1, 1, 5, 5))
    found = refined(numbered, (0, 0, 7), (1, 0, 5))
    assert [squares(region) for region in found.regions] == [(3, 7), (3, 5)]
    assert not any(found.doubts)
    alone = refined(with_bars(rows, (0, 1, 5, 5)), (0, 0, 7), (1, 0, 5))
    assert [squares(region) for region in alone.regions] == [(3, 7), (0, 5)]
    decimal = with_bars(page("xxxxxxxx", "xxxxxx", "aaa"), (0, 1.5, 5, 5), (1, 1.5, 5, 5))
    kept = refined(decimal, (0, 0, 7), (1, 0, 5))
    assert [squares(region) for region in kept.regions] == [(0, 7), (0, 5)]


def test_a_dash_that_begins_an_item_is_no_minus() -> None:
    listed = with_bars(page("x xxxx", "x aaaa aaaa"), (0, 0, 16, 4), (1, 0, 16, 4))
    (region,) = refined(listed, (0, 0, 5)).regions
    assert squares(region) == (2, 5)
    signs = with_bars(page("x xxxx", "x xxx", "aaa"), (0, 0, 16, 4), (1, 0, 16, 4))
    found = refined(signs, (0, 0, 5), (1, 0, 4))
    assert [squares(region) for region in found.regions] == [(0, 5), (0, 4)]


@pytest.mark.parametrize(("place", "width", "first"), [(0.4, 28, 0), (0, 16, 2)])
def test_three_lines_that_begin_with_a_minus_are_no_list_unless_it_stands_apart(
    place: float, width: int, first: int
) -> None:
    rows = page("x xxxx", "x xxx", "x xxxx", "aaa")
    signs = with_bars(rows, *((row, place, width, 4) for row in range(3)))
    found = refined(signs, (0, 0, 5), (1, 0, 4), (2, 0, 5))
    assert [squares(region) for region in found.regions] == [(first, 5), (first, 4), (first, 5)]


def test_letters_that_stand_nearer_to_their_word_than_to_the_formula_are_of_the_word() -> None:
    (region,) = refined(page("xxxx aaaaa", "aaa"), (0, 0, 5)).regions
    assert squares(region) == (0, 3)
    (region,) = refined(page("aaaaa xxxx", "aaa"), (0, 4, 9)).regions
    assert squares(region) == (6, 9)
    (region,) = refined(page("xxxx a aaaa", "aaa"), (0, 0, 5)).regions
    assert squares(region) == (0, 5)


def test_a_formula_that_ends_at_an_equals_sign_grows_by_what_is_less_likely(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(SquareReader, "sure", 0.35)
    there = page("xxx xxx", "aaa")
    assert [squares(r) for r in refined(there, (0, 0, 2)).regions] == [(0, 2)]
    image = there.image.copy()
    x, y = 30 + STEP * 2, 30
    image[y : y + STEP, x : x + STEP] = 255
    for row in (y + 5, y + 14):
        image[row : row + 4, x : x + SIDE + 1] = 0
    (region,) = refined(Page("page.png", 1, image), (0, 0, 2)).regions
    assert squares(region) == (0, 6)


def test_a_bracket_right_beside_a_formula_is_taken_whatever_the_line_says() -> None:
    there = page("xxx aaaa", "aaa")
    image = there.image.copy()
    x, y = 30 + STEP * 4, 30
    image[y : y + SIDE + 2, x - STEP :] = 255
    cv2.rectangle(image, (x - STEP, y - 4), (x - STEP + 10, y + SIDE + 4), 0, 3)  # read as words
    (region,) = refined(Page("page.png", 1, image), (0, 0, 2)).regions
    assert region.place[2] >= x - STEP + 10


@pytest.mark.parametrize(("sure", "doubt"), [(0.45, "ink right beside it was not read"), (0.9, "")])
def test_ink_right_beside_a_formula_that_is_no_sure_word_is_a_doubt(
    sure: float, doubt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SquareReader, "sure", sure)
    found = refined(page("xxxaa", "aaa"), (0, 0, 2))
    assert [squares(region) for region in found.regions] == [(0, 2)]
    assert found.doubts == (doubt,)


def test_words_below_in_the_box_of_a_formula_are_left_out() -> None:
    there = page("xxxx", "aaaa aaaa")
    prepared = prepare_page(there)
    tall = cut_region(there, prepared.image, (28, 28, 30 + STEP * 4, 30 + ROWS + SIDE + 2), 0)
    finder = WordFinder(there, prepared, cast(LineReader, SquareReader()))
    words = np.zeros(len(finder.parts), bool)
    words[finder.parts[:, 1] > 60] = True
    alone = finder._alone(tall, words)
    assert alone.place[3] < 60
    assert (alone.image < 128).sum() == 4 * (SIDE + 1) ** 2


def test_words_inside_a_region_part_two_formulas() -> None:
    found = refined(page("xxx aaaa aaaa xxx", "aaa"), (0, 0, 16))
    assert [squares(region) for region in found.regions] == [(0, 2), (14, 16)]


def test_a_formula_in_no_region_is_added() -> None:
    found = refined(page("xxxx", "aaaa xxxx aaa"), (0, 0, 3))
    assert [squares(region) for region in found.regions] == [(0, 3), (5, 8)]
    assert found.added == (False, True)


def test_one_expression_that_is_all_there_is_stays() -> None:
    found = refined(page("aaaa"), (0, 0, 3))
    assert len(found.regions) == 1


def test_a_region_in_a_word_of_its_line_is_that_word() -> None:
    found = refined(page("aaaa aaaaaa aaa", "xxxxx"), (0, 5, 6), (1, 0, 4))
    assert found.words == ("abcdef", "")


def test_without_the_weights_regions_are_as_the_search_found_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mathematics, "shipped_lines", lambda: None)
    regions = find_mathematics(page("aaaa aaa xxxx", "aaaaa aaaa"), "page")
    assert not any(regions.added)
    assert not any(regions.words)


def test_a_long_page_is_looked_through_band_by_band(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = ["xxxxxxx", "aaaaaa aaaaaaa"] * 20
    there = page(*rows)
    monkeypatch.setattr(mathematics, "shipped_lines", SquareReader)

    def first_three(found: PreparedPage) -> list[Box]:
        """The search: of each row of the band the first three squares."""
        boxes = found.parts.boxes * found.scale
        lines = {top: boxes[boxes[:, 1] == top] for top in np.unique(boxes[:, 1])}
        starts = [line[np.argsort(line[:, 0])][:3] for line in lines.values()]
        return [(*map(float, x[:, :2].min(0)), *map(float, x[:, 2:].max(0))) for x in starts]

    monkeypatch.setattr(regions, "find_boxes", first_three)
    found = find_mathematics(there, "page", text=True)
    assert [squares(region) for region in found.regions] == [(0, 6)] * 20
    assert [round(region.place[1] / ROWS) for region in found.regions] == [*range(0, 40, 2)]
    assert [word.text for word in found.text] == ["abcdef", "abcdefg"] * 20
    assert len({word.line for word in found.text}) == 20
