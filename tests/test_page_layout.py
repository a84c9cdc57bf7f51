"""Blocks of a page in reading order: headings, lists, columns, paragraphs and drawings."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import chain
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmer_cli.document import page_layout
from hmer_cli.document.page_blocks import Block, Item
from hmer_cli.document.page_layout import blocks
from hmer_cli.document.records import Mark, Record, TextWord
from hmer_cli.document.transcript import latex, markdown
from hmer_cli.geometry import Box, quarters_of

PAGE = ("notes.pdf", 1)


def row(text: str, x: float, line: int, *, mark: Mark = "", high: float = 20.0) -> list[TextWord]:
    """A row of words, ten pixels a letter, rows forty apart."""
    words = []
    for word in text.split():
        box = (x, 40.0 * line, x + 10 * len(word), 40.0 * line + high)
        words.append(TextWord(word, box, line, 0.9, mark))
        x = box[2] + 10
    return words


def numbered(rows: list[list[TextWord]]) -> list[TextWord]:
    """The words of rows, each row a line of its own."""
    return [replace(word, line=n) for n, words in enumerate(rows) for word in words]


def text(block: Block) -> str:
    """The words of a block."""
    return " ".join(item.word.text for item in block.items if item.word is not None)


def expression(label: str, box: Box, lines: tuple[Record, ...] = ()) -> Record:
    return Record("notes.pdf", 1, box, label, label=label, confidence=0.9, status="ok",
                  error=None, model="m", lines=lines)  # fmt: skip


def test_larger_rows_and_underlined_ones_are_headings() -> None:
    rows = [row("Big heading", 0, 0, high=36), row("some words that follow here", 0, 2),
            row("Taylor series", 0, 4, mark="underlined"), row("more words come below", 0, 6),
            row("margin note", 230, 8, mark="underlined")]  # fmt: skip
    found = blocks([], numbered(rows))
    kinds = [(block.kind, text(block)) for block in found]
    assert [told for kind, told in kinds if kind == "heading"] == ["Big heading", "Taylor series"]
    assert "## Taylor series" in markdown([], {PAGE: numbered(rows)})
    assert r"\subsection*{Taylor series}" in latex([], {PAGE: numbered(rows)})


def test_bullets_and_numbers_begin_items_which_go_on_in_their_next_rows() -> None:
    first = row("limits of functions and of", 40, 0)
    first[0] = replace(first[0], mark="item")
    rows = [first, row("their sums", 40, 1), row("2. derivatives", 40, 2), row("and", 0, 6)]
    found = blocks([], numbered(rows))
    assert [(block.kind, block.number) for block in found] == [
        ("item", ""), ("item", "2."), ("paragraph", "")]  # fmt: skip
    assert text(found[0]) == "limits of functions and of their sums"
    told = markdown([], {PAGE: numbered(rows)})
    assert "- limits of functions and of their sums\n\n2. derivatives\n" in told
    document = latex([], {PAGE: numbered(rows)})
    assert document.count(r"\begin{itemize}") == 1
    assert r"\item[{2.}] {}derivatives" in document


def test_numbers_of_exercises_that_do_not_follow_each_other_are_kept() -> None:
    rows = [row(f"{n} derive it", 0, 2 * i) for i, n in enumerate(["2.", "3.", "(9)", "1)"])]
    told = markdown([], {PAGE: numbered(rows)}).split("\n\n", 2)[2]
    # CommonMark counts on from the first number of a list, which the comments part.
    assert re.findall(r"<!-- -->|\d+\.", told) == ["2.", "3.", "<!-- -->", "9.", "<!-- -->", "1."]


def test_a_dash_that_was_read_begins_an_item() -> None:
    words = row("- limits of functions", 0, 0)
    signs = [replace(words[0], mark="math"), *words[1:]]
    for line in (words, signs):
        (block,) = blocks([], line)
        assert (block.kind, text(block)) == ("item", "limits of functions")


def columns(count: int) -> list[TextWord]:
    left = [row(f"left row number {n}", 0, n) for n in range(count)]
    right = [row(f"right row number {n}", 400, n) for n in range(count)]
    return numbered([each for pair in zip(left, right, strict=True) for each in pair])


def test_expressions_of_one_row_of_a_column_are_all_there() -> None:
    shown = [expression(c, (400 + 90 * i, 260, 440 + 90 * i, 280)) for i, c in enumerate("abc")]
    title = [replace(w, line=99) for w in row("a title over both of the columns of this", 0, -2)]
    assert "a \\qquad b \\qquad c" in markdown(shown, {PAGE: [*title, *columns(6)]})


PLACES = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 9)), max_size=8, unique=True)


@given(PLACES, st.integers(0, 8))
def test_every_expression_stands_in_the_document_once(
    places: list[tuple[int, int]], count: int
) -> None:
    labels = "abcdefgh"[: len(places)]
    shown = [
        expression(label, (50.0 * x, 40.0 * y + 10, 50.0 * x + 40, 40.0 * y + 30))
        for label, (x, y) in zip(labels, places, strict=True)
    ]
    items = [item for block in blocks(shown, columns(count)) for item in block.items]
    assert sorted(item.record.latex for item in items if item.record) == list(labels)


@given(st.integers(3, 12))
def test_a_column_is_read_to_its_foot_before_the_next(count: int) -> None:
    told = [word.split()[0] for block in blocks([], columns(count)) for word in [text(block)]]
    assert told == sorted(told)
    title = row("a title over both of the columns of this page here", 0, -2)
    rows = [replace(word, line=99) for word in title]
    first, *_ = blocks([], [*rows, *columns(count)])
    assert text(first).startswith("a title")


ROWS = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 30)), min_size=1, max_size=3)


@given(st.lists(ROWS, max_size=14))
def test_columns_run_over_as_many_bands_as_white_runs_down(
    bands: list[list[tuple[int, int]]],
) -> None:
    places = [[(10.0 * x, 0.0, 10.0 * (x + wide), 20.0) for x, wide in band] for band in bands]
    found = [
        [Block("paragraph", (Item(box, TextWord("a", box, 0, 0.9)),)) for box in band]
        for band in places
    ]
    parted = [n for n in range(len(bands) + 1) if page_layout._sides([*chain(*found[:n])], 20)]
    whole = (0.0, 0.0, 600.0, 20.0)
    assert page_layout._most_bands(found, whole, 20) == max(parted, default=0)


def test_ten_times_the_rows_take_no_thousand_times_the_time() -> None:
    def time(count: int) -> float:
        rows = [row("a row of words that is long", 0, n) for n in range(count)]
        started = process_time()
        blocks([], numbered(rows))
        return process_time() - started

    time(20)
    assert time(400) < 200 * max(time(40), 0.01)


def test_what_stands_in_the_white_of_a_line_is_of_that_line() -> None:
    rows = [row("take", 0, 0) + row("steps", 120, 0), row("two", 60, 0)]
    (block,) = blocks([], numbered(rows))
    assert text(block) == "take two steps"


def test_rows_beside_each_other_that_are_few_are_no_columns() -> None:
    words = numbered([row("one", 0, 0), row("two", 400, 0), row("three", 0, 1)])
    assert [text(block) for block in blocks([], words)] == ["one", "two", "three"]


def test_lines_that_stand_among_words_are_no_derivation_in_a_document() -> None:
    one, two = expression("x < 1", (60, 0, 100, 20)), expression("y < 2", (60, 40, 100, 60))
    whole = expression(r"\begin{aligned} .. \end{aligned}", (60, 0, 100, 60), (one, two))
    words = numbered([row("since", 0, 0), row("since", 0, 1)])
    assert "since $x < 1$" in markdown([whole], {PAGE: words})
    assert r"\begin{aligned}" in markdown([whole], {PAGE: []})


def test_a_drawing_stands_where_it_is_drawn() -> None:
    words = numbered([row("before it", 0, 0), row("after it", 0, 10)])
    drawn = {PAGE: [((0.0, 80.0, 200.0, 300.0), "notes-drawings/1.png")]}
    told = markdown([], {PAGE: words}, drawn)
    assert told.endswith("before it\n\n![drawing](notes-drawings/1.png)\n\nafter it\n")
    assert r"\includegraphics[width=0.5\linewidth]{notes-drawings/1.png}" in latex(
        [], {PAGE: words}, drawn
    )


def test_ink_that_was_not_read_is_marked_once_in_a_row() -> None:
    words = row("see here", 0, 0)
    unread = [TextWord("", (x, 0, x + 10, 20), 0, 0.0, "unread") for x in (100, 120)]
    assert markdown([], {PAGE: [*words, *unread]}).endswith("\nsee here \\[?\\]\n")


def test_expressions_of_one_row_are_one_display_from_left_to_right() -> None:
    rows = numbered([row("some words that stand above", 0, 0), row("and some words below", 0, 9)])
    right = expression("b", (300, 196, 400, 216))
    left, under = expression("a", (20, 202, 120, 222)), expression("c", (20, 240, 120, 260))
    found = markdown([right, left, under], {PAGE: rows})
    assert "$$\na \\qquad b\n$$\n\n$$\nc\n$$" in found
    assert "a \\qquad b" in latex([right, left, under], {PAGE: rows})


def test_what_stands_beside_an_expression_of_a_line_is_of_that_line() -> None:
    words = row("is it", 300, 0)
    near, next_to_it = expression("g", (200, 0, 290, 20)), expression("f", (60, 0, 180, 20))
    far = expression("h", (60, 60, 180, 80))
    (line, shown) = blocks([near, next_to_it, far], words)
    assert [item.record.latex for item in line.items if item.record] == ["f", "g"]
    assert shown.kind == "display"


def askew(box: Box, quarters: int) -> Box:
    """A box of an upright page, 400 x 300, in a source that so many quarters turn to the page."""
    x0, y0, x1, y1 = box
    for _ in range(quarters):
        x0, y0, x1, y1 = 400 - y1, x0, 400 - y0, x1
    return x0, y0, x1, y1


@pytest.mark.parametrize("quarters", range(4))
def test_a_page_photographed_askew_reads_as_one_that_is_upright(quarters: int) -> None:
    words = [row("first line of words", 0, 0), row("second line of words", 0, 5)]
    boxes: list[Box] = [(0, 80, 60, 100), (150, 82, 210, 102), (0, 120, 60, 140)]
    shown = [expression(n, askew(b, quarters)) for n, b in zip("abc", boxes, strict=True)]
    turned = [replace(word, box=askew(word.box, quarters)) for word in numbered(words)]
    found = markdown(shown[::-1], {PAGE: turned}, turns={PAGE: quarters})
    upright = [expression(n, b) for n, b in zip("abc", boxes, strict=True)]
    assert found == markdown(upright, {PAGE: numbered(words)})
    assert found.endswith(
        "first line of words\n\n$$\na \\qquad b\n$$\n\n$$\nc\n$$\n\nsecond line of words\n"
    )


@pytest.mark.parametrize("quarters", range(4))
def test_columns_of_a_page_photographed_askew_are_read_one_after_the_other(quarters: int) -> None:
    title = [replace(w, line=99) for w in row("a title over both of the columns of this", 0, 0)]
    body = [replace(w, box=(w.box[0], w.box[1] + 80, w.box[2], w.box[3] + 80)) for w in columns(4)]
    turned = [replace(word, box=askew(word.box, quarters)) for word in [*title, *body]]
    first, *sides = [text(block) for block in blocks([], turned, quarters=quarters)]
    assert first.startswith("a title")
    assert [set(side.split()[::4]) for side in sides] == [{"left"}, {"right"}]


def test_formulas_of_one_row_are_one_display_where_there_are_no_words() -> None:
    boxes: list[Box] = [(300, 2, 360, 22), (0, 0, 60, 20), (0, 60, 60, 80)]
    shown = [expression(n, b) for n, b in zip("bac", boxes, strict=True)]
    assert markdown(shown, {}).endswith("$$\na \\qquad b\n$$\n\n$$\nc\n$$\n")


def test_the_turn_of_a_page_is_that_of_what_leads_to_its_source() -> None:
    turns = [
        quarters_of((c, -s, 0, s, c, 0, 0, 0, 1)) for c, s in ((1, 0.1), (0, 1), (-1, 0), (0.1, -1))
    ]
    assert (quarters_of(None), turns) == (0, [0, 1, 2, 3])


def equations(*rows: str) -> tuple[list[Record], list[TextWord]]:
    """Rows of words, below each an equation, and its number at the right edge of the page."""
    above = [row(text, 0, 0) for text in rows]
    words = [
        replace(word, box=(word.box[0], y, word.box[2], y + 20))
        for n, some in enumerate(above)
        for word in some
        for y in [100.0 + 80 * n]
    ]
    shown = [expression(f"x = {n}", (100, 130 + 80 * n, 200, 156 + 80 * n)) for n in range(3)]
    tags = [
        [TextWord(f"({n + 1})", (1000, 126 + 80 * n, 1030, 150 + 80 * n), 0, 0.9)] for n in range(3)
    ]
    at = iter(words)
    return shown, numbered([[next(at) for _ in some] for some in above] + tags)


@pytest.mark.parametrize(
    "rows",
    [
        ("Let us say", "so that", "and hence"),
        tuple(f"a long row of words {'that goes on ' * 6} number {n}" for n in "abc"),
    ],
    ids=["short", "full"],
)
def test_the_number_of_an_equation_is_in_its_display(rows: tuple[str, str, str]) -> None:
    shown, words = equations(*rows)
    told = markdown(shown, {PAGE: words}).split("\n\n", 2)[2]
    lines = [part for n, text in enumerate(rows)
             for part in (text, f"$$\nx = {n} \\qquad ({n + 1})\n$$")]  # fmt: skip
    assert " ".join(told.split()) == " ".join(" ".join(lines).split())


def test_the_number_of_an_equation_near_it_makes_no_line_of_words() -> None:
    tags = [TextWord("(1)", (160, 0, 190, 20), 0, 0.9), TextWord("(2)", (155, 40, 185, 60), 1, 0.9)]
    one = expression("x = y", (0, 0, 100, 20))
    (block,) = blocks([one], tags[:1])
    assert (block.kind, text(block)) == ("display", "(1)")
    derivation = expression("d", (0, 0, 100, 60), (one, expression("y = z", (0, 40, 100, 60))))
    (block,) = blocks([derivation], tags)
    assert (block.kind, text(block)) == ("display", "(1) (2)")


def test_numbers_by_themselves_make_no_column() -> None:
    rows = [row(text, 0, 2 * n) for n, text in enumerate(["one row", "and more", "the last"])]
    page = numbered([*rows, *(row("17", 900, 2 * n) for n in range(3))])
    assert [text(block) for block in blocks([], page)] == [
        "one row", "17", "and more", "17", "the last", "17"]  # fmt: skip


def test_a_number_beyond_words_is_not_of_the_expression_before_them() -> None:
    words = numbered([row("for all of these", 400, 0), row("(1)", 900, 0)])
    found = blocks([expression("x = y", (0, 0, 100, 20))], words)
    told = {block.kind: text(block) for block in found}
    assert told == {"display": "", "paragraph": "for all of these (1)"}
