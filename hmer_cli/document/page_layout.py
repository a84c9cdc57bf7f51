"""Words, expressions and drawings of a page -> its blocks in reading order.

Input: records, words by line, and drawings with their boxes. Output: headings, list items,
paragraphs, displays and drawings. Method: words make rows, with the expressions that stand in them;
recursive XY cuts (Nagy and Seth 1984) part columns where white runs down beside several rows; rows
that follow each other closely, with none between that ends early, are one paragraph.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, groupby
from math import inf
from statistics import mean, median

from hmer_cli.document.page_blocks import (
    NO_WORDS,
    SHARED,
    Block,
    Item,
    in_row,
    is_equation_number,
    is_text,
    side_by_side,
)
from hmer_cli.document.records import Record, TextWord
from hmer_cli.geometry import Box, union

# Conventions; lengths in heights of a line.
_NEAR, _APART = 4.0, 1.3  # from an expression to a word of its line; between two paragraphs
_SHORT = 0.4  # of the width of a column: a row that ends so far left ends a paragraph
_BESIDE, _ROOM = 3.0, 0.5  # between two pieces of one row, and how far they reach into others
_GUTTER, _ROWS = 3.0, 3  # white between two columns, and the rows that each has at least
_BAND = 0.3  # white between two parts of a page with columns of their own
_HANGING = 1.0  # so far left of its item a row of it may begin
_LARGER, _LONGEST, _READ = 1.4, 8, 0.5  # a heading: height, words, their confidence
_LEFT = 0.4  # of the width of the text: a heading begins there
_BULLETS = ("-", r"\cdot", r"\bullet")
_NUMBER = re.compile(r"\(?\d{1,2}[.)]")


def blocks(
    records: Sequence[Record],
    words: Sequence[TextWord],
    drawings: Sequence[tuple[Box, str]] = (),
    quarters: int = 0,
) -> list[Block]:
    """The blocks of a page in reading order; ``quarters`` turns its source lies askew, as of
    `hmer_cli.geometry.quarters_of`."""
    lines = [list(line) for _, line in groupby(words, key=lambda word: word.line)]
    rows = [[Item(_upright(word.box, quarters), word) for word in line] for line in lines]
    heights = [_height(row) for row in rows]
    alone = [
        Block("drawing", (Item(_upright(box, quarters), drawing=name),)) for box, name in drawings
    ]
    homes = _homes(records, rows, heights, quarters)
    usual = median(heights or [_high(item) for item, _ in homes] or [1.0])
    for item, home in homes:
        if home is None:
            alone.append(Block("display", (item,)))
        else:
            rows[home].append(item)
    row_blocks = [_row(row, usual, rows) for row in _whole_rows(rows, usual)]
    return [
        block
        for column in _columns([*row_blocks, *alone], usual)
        for block in _paragraphs(column, usual)
    ]


def _upright(box: Box, quarters: int) -> Box:
    """A box of the source as it lies to each other on the page."""
    x0, y0, x1, y1 = box
    turned = ((x0, y0, x1, y1), (y0, -x1, y1, -x0), (-x1, -y1, -x0, -y0), (-y1, x0, -y0, x1))
    return turned[quarters]


def _high(item: Item) -> float:
    """The height of an expression, of a derivation that of a line of it."""
    lines = len(item.record.lines) if item.record is not None else 0
    return max((item.box[3] - item.box[1]) / max(lines, 1), 1.0)


def _homes(
    records: Sequence[Record],
    rows: Sequence[Sequence[Item]],
    heights: Sequence[float],
    quarters: int,
) -> list[tuple[Item, int | None]]:
    """The expressions with the lines of words that they stand in, None by themselves.

    A derivation of which a line stands among words is none: its lines are set each by itself.
    """
    found: list[tuple[Item, int | None]] = []
    for record in records:
        if record.region is None or record.dismissed:
            continue
        place = _upright(record.region, quarters)
        lines = [
            Item(_upright(each.region, quarters), record=each)
            for each in record.lines
            if each.region
        ]
        homes = [_line_of(line, rows, heights) for line in lines]
        if record.correction is None and any(home is not None for home in homes):
            found += _usable(zip(lines, homes, strict=True))
        elif lines:
            found.append((Item(place, record=record), None))
        else:
            item = Item(place, record=record)
            found += _usable([(item, _line_of(item, rows, heights))])
    return _with_neighbours(found, heights)


def _with_neighbours(
    found: Sequence[tuple[Item, int | None]], heights: Sequence[float]
) -> list[tuple[Item, int | None]]:
    """The same; what stands beside an expression of a line of words is of that line, too."""
    homes = [home for _, home in found]
    waiting = [home for home in homes if home is not None]
    while waiting:
        home = waiting.pop()
        held = [item for (item, _), at in zip(found, homes, strict=True) if at == home]
        for i, (item, _) in enumerate(found):
            record = item.record
            if homes[i] is not None or record is None or record.lines or not record.usable:
                continue
            if any(in_row(item.box, other.box, _NEAR * heights[home]) for other in held):
                homes[i] = home
                waiting.append(home)
    return [(item, home) for (item, _), home in zip(found, homes, strict=True)]


def _usable(found: Iterable[tuple[Item, int | None]]) -> Iterator[tuple[Item, int | None]]:
    """The same; what does not compile is shown as it was read, by itself."""
    for item, home in found:
        yield item, home if item.record is not None and item.record.usable else None


def _line_of(item: Item, rows: Sequence[Sequence[Item]], heights: Sequence[float]) -> int | None:
    """The line of words that an expression stands in; None where it stands by itself."""
    x0, y0, x1, y1 = item.box
    best: tuple[float, int] | None = None
    for number, (row, height) in enumerate(zip(rows, heights, strict=True)):
        if is_equation_number(row) and row[0].box[0] >= x1:
            continue  # its number makes no line of words of it
        for word in row:
            if word.word is None or word.word.mark in NO_WORDS:
                continue
            shared = min(y1, word.box[3]) - max(y0, word.box[1])
            away = max(word.box[0] - x1, x0 - word.box[2], 0.0)
            low = min(y1 - y0, word.box[3] - word.box[1])
            if shared >= SHARED * low and away <= _NEAR * height:
                best = min(best or (away, number), (away, number))
    return None if best is None else best[1]


def _whole_rows(rows: Sequence[list[Item]], usual: float) -> list[list[Item]]:
    """The rows from left to right, pieces that stand beside each other or in each other as one."""
    whole: list[list[Item]] = []
    extents: list[Box] = []
    for place, row in sorted(((_extent(row), row) for row in rows), key=lambda each: each[0][0]):
        for at, extent in enumerate(extents):
            if _is_beside(extent, place, usual) or _is_within(whole[at], extent, place, usual):
                whole[at] += row
                extents[at] = _extent(whole[at])
                break
        else:
            whole.append(list(row))
            extents.append(place)
    return [sorted(row, key=lambda item: item.box[0]) for row in whole]


def _extent(row: Sequence[Item]) -> Box:
    """The place of a row, as high as its words in the median: tall signs reach into others."""
    x0, y0, x1, y1 = union([item.box for item in row])
    tops, feet = [item.box[1] for item in row], [item.box[3] for item in row]
    return (x0, median(tops), x1, median(feet)) if len(row) > 2 else (x0, y0, x1, y1)


def _is_beside(left: Box, right: Box, usual: float) -> bool:
    shared = min(left[3], right[3]) - max(left[1], right[1])
    level = shared >= SHARED * min(left[3] - left[1], right[3] - right[1])
    return level and -usual <= right[0] - left[2] <= _BESIDE * usual


def _is_within(row: Sequence[Item], extent: Box, place: Box, usual: float) -> bool:
    """Whether there is white in a row of this ``extent`` where another has its place."""
    if not (extent[0] < place[0] and place[2] < extent[2] and in_row(extent, place, 0.0)):
        return False
    room = _ROOM * usual
    left = [item.box for item in row if item.box[2] <= place[0] + room]
    right = [item.box for item in row if item.box[0] >= place[2] - room]
    if not left or not right or len(left) + len(right) < len(row):
        return False
    beside = max(left, key=lambda box: box[2]), min(right, key=lambda box: box[0])
    return all(in_row(box, place, _BESIDE * usual) for box in beside)


def _row(row: Sequence[Item], usual: float, rows: Sequence[Sequence[Item]]) -> Block:
    """A row as a heading, the beginning of a list item, or a part of a paragraph."""
    first = row[0].word
    if _is_heading(row, usual) and _is_at_left(row, rows):
        return Block("heading", tuple(row))
    if first is not None and len(row) > 1 and _NUMBER.fullmatch(first.text):
        return Block("item", tuple(row[1:]), first.text)
    if first is not None and len(row) > 1 and first.text in _BULLETS:
        return Block("item", tuple(row[1:]))
    item = any(each.word is not None and each.word.mark == "item" for each in row[:1])
    return Block("item" if item else "paragraph", tuple(row))


def _is_heading(row: Sequence[Item], usual: float) -> bool:
    """Whether a short row is of words alone, and larger than usual or underlined."""
    words = [item.word for item in row if item.word is not None]
    if len(words) < len(row) or len(row) > _LONGEST or any(w.mark in NO_WORDS for w in words):
        return False
    underlined = all(word.mark == "underlined" for word in words)
    if sum(c.isalpha() for word in words for c in word.text) < 3:
        return False
    if mean(word.confidence for word in words) < _READ:
        return False
    return underlined or (len(row) > 1 and _height(row) >= _LARGER * usual)


def _is_at_left(row: Sequence[Item], rows: Sequence[Sequence[Item]]) -> bool:
    """Whether a row begins in the left part of the page: notes in its margin are no headings."""
    x0, _, x1, _ = union([item.box for each in rows for item in each])
    return row[0].box[0] <= x0 + _LEFT * (x1 - x0)


def _columns(some: Sequence[Block], usual: float) -> list[list[Block]]:
    """The blocks of each column from the top down; columns from left to right."""
    sides = _sides(some, usual)
    if sides is not None:
        return [column for side in sides for column in _columns(side, usual)]
    bands = _bands(some, usual)
    whole = union([block.box for block in some] or [(0.0, 0.0, 0.0, 0.0)])
    columns: list[list[Block]] = [[]]
    while bands:
        count = _most_bands(bands, whole, usual)
        if count:
            columns += [*_columns(_flat(bands[:count]), usual), []]
        else:
            columns[-1] += bands[0]
        bands = bands[count or 1 :]
    rows = [side_by_side(column, usual) for column in columns if column]
    return [sorted(column, key=lambda block: _middle(block.box)) for column in rows]


def _flat(bands: Sequence[Sequence[Block]]) -> list[Block]:
    return [block for band in bands for block in band]


def _most_bands(bands: Sequence[Sequence[Block]], whole: Box, usual: float) -> int:
    """Of how many bands from the first, in this box, the blocks have two sides; 0 for none.

    White between columns shrinks with every band, and the rows beside it grow in number.
    """
    most = 0
    columns: list[tuple[float, float, int]] = []  # left, right, rows of words
    for count, band in enumerate(bands, 1):
        columns = _apart(columns, band, usual)
        left, right, _ = columns[0]
        if max(left - whole[0], whole[2] - right) < _GUTTER * usual:
            break  # one column of full width, beside which none will be
        rows = [*accumulate(rows for _, _, rows in columns)]
        if any(min(before, rows[-1] - before) >= _ROWS for before in rows[:-1]):
            most = count
    return most


def _apart(
    columns: Sequence[tuple[float, float, int]], band: Sequence[Block], usual: float
) -> list[tuple[float, float, int]]:
    """The columns with the blocks of one more band, from left to right, with white between."""
    more = [(block.box[0], block.box[2], int(is_text(block))) for block in band]
    done: list[tuple[float, float, int]] = []
    for left, right, rows in sorted([*columns, *more]):
        if done and left - done[-1][1] < _GUTTER * usual:
            first, reached, before = done.pop()
            left, right, rows = first, max(reached, right), before + rows
        done.append((left, right, rows))
    return done


def _sides(some: Sequence[Block], usual: float) -> tuple[list[Block], list[Block]] | None:
    """The blocks left and right of the widest white that runs down all of them, if several rows
    of words stand on each side."""
    ordered = sorted(some, key=lambda block: block.box[0])
    rows = [*accumulate(map(is_text, ordered), initial=0)]
    best: tuple[float, int] | None = None
    reached = ordered[0].box[2] if ordered else 0.0
    for at, block in enumerate(ordered[1:], 1):
        white = block.box[0] - reached
        if white >= _GUTTER * usual and min(rows[at], rows[-1] - rows[at]) >= _ROWS:
            best = max(best or (white, at), (white, at))
        reached = max(reached, block.box[2])
    return None if best is None else (ordered[: best[1]], ordered[best[1] :])


def _bands(some: Sequence[Block], usual: float) -> list[list[Block]]:
    """The blocks in bands with white between, from the top down."""
    bands: list[list[Block]] = []
    foot = -inf  # pages that were turned lie above zero
    for block in sorted(some, key=lambda block: block.box[1]):
        if not bands or block.box[1] - foot > _BAND * usual:
            bands.append([])
        bands[-1].append(block)
        foot = max(foot, block.box[3])
    return bands


def _paragraphs(column: Sequence[Block], usual: float) -> list[Block]:
    """The blocks of a column, rows that follow each other as one paragraph or list item."""
    done: list[Block] = []
    left, _, right, _ = union([block.box for block in column])
    full = right - _SHORT * (right - left)
    foot, begin, end = 0.0, left, left
    for block in column:
        last = done[-1] if done else None
        if last is not None and last.kind in ("paragraph", "item") and block.kind == "paragraph":
            close = block.box[1] - foot <= _APART * usual and end >= full
            close &= block.box[2] > begin
            inside = block.box[0] >= last.box[0] - _HANGING * usual
            if close and (last.kind == "paragraph" or inside):
                done[-1] = Block(last.kind, (*last.items, *block.items), last.number)
                begin, _, end, foot = block.box
                continue
        done.append(block)
        begin, _, end, foot = block.box
    return done


def _middle(box: Box) -> float:
    return (box[1] + box[3]) / 2


def _height(row: Sequence[Item]) -> float:
    return max(median(item.box[3] - item.box[1] for item in row), 1.0)
