r"""Signs of the text around a formula, read with it: ``(as x \to \infty)`` gives ``\infty )``.

Input: a reading with token boxes. Output: the reading without a bracket at an end whose partner is
not there, an arrow or a comma before it, an arrow, a question mark or a tick after it, a name with
a colon before it, as ``Ex:``, the number of an exercise before it, as ``7)`` or ``7.``, and the
number of an equation after it, as ``(7)`` beyond white; their ink is taken off the box. What then
ends with a sign that something has to follow is doubted, since the rest of it is in no region, and
so is what begins as an item of a list does, with its number.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace
from statistics import median

from hmer_cli.document.line_words import FUNCTIONS
from hmer_cli.document.records import RegionReading
from hmer_cli.expr.symbol_classes import ALIGNED_RELATIONS
from hmer_cli.expr.validity import problems
from hmer_cli.geometry import Box
from hmer_cli.recognition.reading import Alternative, Reading, TokenReading, distinct

_OPENING, _CLOSING = frozenset(("(", "[")), frozenset((")", "]", r"\}"))
_ARROWS = frozenset((r"\rightarrow", r"\to", r"\longrightarrow"))
_BEFORE = _ARROWS | {",", ";", "?"}  # an arrow that points at a formula
_AFTER = _ARROWS | {"?", "/", r"\Rightarrow", r"\mapsto"}  # as a tick is read: /
_FEWEST = 3  # tokens that are left: what is shorter may be half an interval
_ITEMS, _DIGITS = frozenset("abcdefgh"), 2  # letters and digits that number # convention
_BEHIND_DOT = 1.5  # symbol heights from the dot of a number to the middle of what follows
_APART = 2.0  # symbol heights of white before the number of an equation # convention
_OPEN = frozenset(r"+ - \pm \mp \times \cdot \div < > \leq \geq \neq \in \rightarrow".split())
"""Signs that something has to follow; an equals sign may wait for its value."""
_UNFINISHED = "ends with a sign that something follows: is the rest missing?"
_NUMBERED = "begins with a number and a mark: is it the number of an item?"
_MARKS = frozenset((".", ",", ")", "/", r"\cdot"))  # as which a dot or a bracket behind it is read
_SAME_COLUMN = 1.5  # symbol heights between the numbers of two items
_RUN = 3  # items of a list that does not begin with 1
_NAME = 2, 4  # letters before a colon; one may be the name of a map
_BEGINNING = frozenset((r"\frac", r"\sqrt", r"\int", r"\sum", r"\prod", "|", r"\{"))
_OF_MAPS = _ARROWS | {r"\mapsto", r"\hookrightarrow"}


def of_list(expressions: Sequence[RegionReading]) -> list[bool]:
    """Which expressions of a page are items of a list: they begin with numbers that follow each
    other down a column, from 1 or three of them and more."""
    begins = [_number(each.reading.label.split()) for each in expressions]
    boxes = [each.box for each in expressions]
    heights = [t.box[3] - t.box[1] for each in expressions for t in each.reading.tokens]
    near = _SAME_COLUMN * median(heights) if heights else 0.0

    def follows(one: int, other: int) -> bool:
        below = boxes[one][3] <= (boxes[other][1] + boxes[other][3]) / 2
        return below and abs(boxes[one][0] - boxes[other][0]) <= near

    items = [False] * len(boxes)
    numbered = sorted((n, i) for i, n in enumerate(begins) if n)
    for first, i in numbered:
        run = [i]
        for number, j in numbered:
            if number == first + len(run) and follows(run[-1], j):
                run.append(j)
        if len(run) >= _RUN or (len(run) > 1 and first == 1):
            for j in run:
                items[j] = True
    return items


def _number(tokens: Sequence[str]) -> int | None:
    """The number of up to two digits that a label begins with, a mark and no digit behind it."""
    at = next((i for i, token in enumerate(tokens) if not token.isdigit()), 0)
    if not 0 < at <= _DIGITS or len(tokens) - at <= _FEWEST or tokens[at] not in _MARKS:
        return None
    return None if tokens[at + 1].isdigit() else int("".join(tokens[:at]))


def without_loose_ends(
    expression: RegionReading, quarters: int = 0, item: bool = False
) -> RegionReading:
    """The expression without loose signs at its ends, doubted where something has to follow, and
    where it begins as an item does; as it is where there are none. Its source is so many
    ``quarters`` turned to its page; ``item``: it is one of a list with numbers."""
    kept = _trimmed(expression, quarters, item)
    tokens = kept.reading.label.split()
    if kept.doubt or len(tokens) < 2:
        return kept
    if tokens[-1] in _OPEN:
        return replace(kept, doubt=_UNFINISHED)
    numbered = _is_numbered(tokens) or (item and _number(tokens) is not None)
    return replace(kept, doubt=_NUMBERED) if numbered else kept


def _is_numbered(tokens: Sequence[str]) -> bool:
    """Whether a label begins with what may be the number of an item: with a bracket that nothing
    opened, the only comma, or a dot that is no product's."""
    if _number(tokens) is None:
        return False
    at, mark = next(each for each in enumerate(tokens) if not each[1].isdigit())
    if mark == ".":
        return tokens[at + 1] not in _OPENING
    return mark in (",", ")") and tokens.count(mark) - (mark == ")") * tokens.count("(") == 1


def _trimmed(expression: RegionReading, quarters: int, item: bool) -> RegionReading:
    """The expression without loose signs at its ends."""
    reading = expression.reading
    tokens = [token.token for token in reading.tokens]
    if reading.label.split() != tokens:
        return expression
    first, last = _ends(tokens, _is_number(reading.tokens), item)
    last = _before_number(reading.tokens[:last])
    label = " ".join(tokens[first:last])
    if last - first == len(tokens) or problems(label):
        return expression
    kept = reading.tokens[first:last]
    x0, _, x1, _ = expression.box
    left = (kept[0].box[0] + reading.tokens[first - 1].box[2]) / 2 if first else x0
    right = (kept[-1].box[2] + reading.tokens[last].box[0]) / 2 if last < len(tokens) else x1
    if not x0 <= left < right <= x1:
        return expression
    shares = (left - x0) / (x1 - x0), (right - x0) / (x1 - x0)
    return replace(
        expression,
        region=between(expression.region, *shares, quarters),
        box=between(expression.box, *shares),
        reading=Reading(label, reading.confidence, kept, _alike(reading, first, last)),
    )


def _alike(reading: Reading, first: int, last: int) -> tuple[Alternative, ...]:
    """The alternatives with the same signs at their ends, without these; what reads those as other
    signs is none of the rest."""
    tokens = reading.label.split()
    before, after = tokens[:first], tokens[last:]
    found = []
    for other in reading.alternatives:
        signs = other.label.split()
        end = len(signs) - len(after)
        label = " ".join(signs[first:end])
        if signs[:first] == before and signs[end:] == after and label and not problems(label):
            found.append(replace(other, label=label))
    return distinct(" ".join(tokens[first:last]), found)


def _ends(tokens: Sequence[str], numbered: bool, item: bool) -> tuple[int, int]:
    """Where the formula begins and ends; ``numbered``: a dot in front is none of a product."""
    first, last = _after_name(tokens) or _after_item(tokens, numbered), len(tokens)
    if item and not first and _is_numbered(tokens):
        first = 1 + next(i for i, token in enumerate(tokens) if token in _MARKS)
    while last - first > _FEWEST:
        inner = tokens[first:last]
        if _is_loose(inner[0], inner[1], _BEFORE) or _is_lone_first(inner):
            first += 1
        elif _is_loose(inner[-1], inner[-2], _AFTER) or _is_lone_last(inner):
            last -= 1
        else:
            break
    return first, last


def _is_loose(sign: str, beside: str, loose: Container[str]) -> bool:
    """Whether a sign at an end is of the text; ``= ?`` asks for a value."""
    return sign in loose and not (sign == "?" and beside in ALIGNED_RELATIONS)


def _after_name(tokens: Sequence[str]) -> int:
    """Where the formula begins after letters with a colon that are a name, as ``E x :`` is, and no
    term of a ratio, no map and nothing that is defined: ``A B : B C = 2``, ``g f : X \\to Y``."""
    at = tokens.index(":") if ":" in tokens else 0
    name, formula = "".join(tokens[:at]), tokens[at + 1 :]
    short = len(name) == at and _NAME[0] <= at <= _NAME[1] and len(formula) >= _FEWEST
    if not short or not name.isalpha() or not name.istitle():
        return 0
    return 0 if formula[0] == "=" or ":" in formula or _has_map(formula) else at + 1


def _has_map(tokens: Sequence[str]) -> bool:
    """Whether an arrow of a map stands outside braces."""
    depth = 0
    for token in tokens:
        depth += (token == "{") - (token == "}")
        if depth == 0 and token in _OF_MAPS:
            return True
    return False


def _is_number(tokens: Sequence[TokenReading]) -> bool:
    """Whether white follows the first dot, which would be none in a number or a product."""
    at = next((i for i, token in enumerate(tokens[:-1]) if token.token == "."), None)
    if at is None:
        return False
    (x0, _, x1, _), (left, _, right, _) = tokens[at].box, tokens[at + 1].box
    symbol = median(token.box[3] - token.box[1] for token in tokens)
    return (left + right - x0 - x1) / 2 >= _BEHIND_DOT * symbol


def _after_item(tokens: Sequence[str], numbered: bool) -> int:
    """Where the formula begins after the number of an exercise: ``7 ) x = 1``, ``7 . x = 1`` where
    it is ``numbered``; a dot before a digit is a decimal point."""
    at = next((i for i, token in enumerate(tokens) if token in (")", ".")), 0)
    number, bracket = "".join(tokens[:at]), tokens[at : at + 1] == [")"]
    item = number.isdigit() or (bracket and at == 1 and number in _ITEMS)
    if not item or at > _DIGITS or len(tokens) - at <= _FEWEST:
        return 0
    begins = _is_sign(tokens[at + 1]) and (bracket or (numbered and not tokens[at + 1].isdigit()))
    return at + 1 if begins and sum(map(_steps, tokens)) == -int(bracket) else 0


def _is_sign(token: str) -> bool:
    """Whether a formula may begin with it, and a bracket before it is closed for no script."""
    return token.isalnum() or token in _OPENING or token in _BEGINNING or token[1:] in FUNCTIONS


def _steps(token: str) -> int:
    return _opens(token) - (token in _CLOSING)


def _before_number(tokens: Sequence[TokenReading]) -> int:
    """Where an equation ends before its number, which stands apart."""
    names = [token.token for token in tokens]
    at = len(names) - 1 - names[::-1].index("(") if "(" in names else 0
    number = "".join(names[at + 1 : -1])
    if at <= _FEWEST or names[-1] != ")" or not number.isdigit() or len(number) > _DIGITS:
        return len(names)
    symbol = median(token.box[3] - token.box[1] for token in tokens)
    apart = tokens[at].box[0] - max(token.box[2] for token in tokens[:at]) >= _APART * symbol
    return at if apart and not ALIGNED_RELATIONS.isdisjoint(names[:at]) else len(names)


def _is_lone_last(tokens: Sequence[str]) -> bool:
    """Whether the last bracket closes what nothing opened."""
    depth = [*map(_steps, tokens)]
    return tokens[-1] in _CLOSING and sum(depth) == -1 and _lowest(depth[:-1]) >= 0


def _opens(token: str) -> int:
    return int(token in _OPENING or token == r"\{")


def _is_lone_first(tokens: Sequence[str]) -> bool:
    """Whether the first bracket opens what nothing closes."""
    depth = [(token in _CLOSING) - _opens(token) for token in reversed(tokens)]
    return tokens[0] in _OPENING and sum(depth) == -1 and _lowest(depth[:-1]) >= 0


def _lowest(steps: Sequence[int]) -> int:
    lowest = total = 0
    for step in steps:
        total += step
        lowest = min(lowest, total)
    return lowest


def between(box: Box, left: float, right: float, quarters: int = 0) -> Box:
    """The part of a box between two shares of its width; of one of a source that is so many
    quarters turned to its page, of what is its width on the page."""
    x0, y0, x1, y1 = box
    if quarters in (2, 3):  # to the right of the page, the source goes left or up
        left, right = 1 - right, 1 - left
    if quarters in (1, 3):
        return x0, round(y0 + left * (y1 - y0), 2), x1, round(y0 + right * (y1 - y0), 2)
    return round(x0 + left * (x1 - x0), 2), y0, round(x0 + right * (x1 - x0), 2), y1
