r"""Joins the lines of a derivation, aligned on their relations, to one ``aligned`` expression.

Input: the readings of a page with token boxes. Output: the readings with lines joined; or all of
them as the rows of one expression.

::

    f = a + b        ->   \begin{aligned} f & = a + b \\ & = c \end{aligned}
      = c
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

from hmer_cli.document.bracket_depths import depths
from hmer_cli.document.records import RegionReading
from hmer_cli.expr.symbol_classes import ALIGNED_RELATIONS, CLOSING, OPENING
from hmer_cli.expr.validity import problems
from hmer_cli.geometry import union
from hmer_cli.recognition.reading import Reading, TokenReading

_BEGIN, _NEXT, _END = r"\begin{aligned}", r"\\", r"\end{aligned}"
_BRACKETS = OPENING | CLOSING
_UNREAD = "a formula of it was not read"

# In symbol sizes; conventions.
_CONTINUED = 1.2  # largest horizontal offset of the relation of a line that begins with it
_BESIDE = 0.6  # the same of a line with a left side, which may be aligned by chance
_BELOW = 2.0  # largest vertical gap between two lines
_OVER = 0.5  # largest overlap of two lines, as a share of the lower one's height


@dataclass(frozen=True)
class _Line:
    """An expression that may be a line; ``at``: the index of its first top-level relation."""

    expression: RegionReading
    at: int

    @property
    def relation(self) -> float:
        """The x of the relation's middle."""
        x0, _, x1, _ = self.tokens[self.at].box
        return (x0 + x1) / 2

    @property
    def symbol(self) -> float:
        """The size of a symbol."""
        return median(t.box[3] - t.box[1] for t in self.tokens)

    @property
    def tokens(self) -> tuple[TokenReading, ...]:
        return self.expression.reading.tokens


def group_derivations(
    expressions: Sequence[RegionReading], alone: Container[str] = ()
) -> list[list[RegionReading]]:
    """The expressions of a page, the lines of each derivation in one group.

    A line continues the one above if the vertical gap is small and their first top-level relations
    are in one column; the tolerance is larger for a line that begins with its relation. Invalid
    LaTeX is not joined. A derivation takes the position of its first line; its confidence is the
    product of the lines', its key the hash of their keys. Expressions whose key is in ``alone`` are
    not joined.

    ``expressions`` are in reading order; their boxes are those on the deskewed page.
    """
    groups: list[list[RegionReading]] = []
    lasts: list[_Line | None] = []
    for expression in expressions:
        line = None if expression.key in alone else _line(expression)
        home = _home(lasts, line) if line else None
        if home is None:
            groups.append([expression])
            lasts.append(line)
        else:
            groups[home].append(expression)
            lasts[home] = line
    return groups


def joined(group: Sequence[RegionReading]) -> RegionReading:
    """The lines of a derivation as one expression; a group of one is that expression."""
    return group[0] if len(group) == 1 else _joined(group)


def in_rows(expressions: Sequence[RegionReading]) -> RegionReading:
    r"""All expressions of an image that is taken for one: a derivation, or rows that begin in one
    column, ``\begin{aligned} & a = b \\ & c = d \end{aligned}``. Its tokens are none where those
    of a row are not known. It is in doubt where nothing was read of a row.
    """
    rows = [joined(group) for group in group_derivations(expressions)]
    if len(rows) == 1:
        return rows[0]
    read = [row for row in rows if row.reading.label]
    labels = [f"& {row.reading.label}" for row in read]
    label = f"{_BEGIN} {rf' {_NEXT} '.join(labels)} {_END}" if read else ""
    tokens = tuple(_row_tokens(read))
    placed = " ".join(token.token for token in tokens) == label
    found = _as_one(expressions, label, tokens if placed else ())
    return found if len(read) in (0, len(rows)) else replace(found, doubt=_UNREAD)


def joined_key(group: Sequence[RegionReading]) -> str:
    """The key of the lines as one expression, without joining them; of two lines at least."""
    return hashlib.sha256(" ".join(expression.key for expression in group).encode()).hexdigest()


def _line(expression: RegionReading) -> _Line | None:
    """The expression as a line; None if it has no relation or is no valid row of ``aligned``."""
    tokens = [token.token for token in expression.reading.tokens]
    if expression.reading.label.split() != tokens or problems(expression.reading.label):
        return None
    depth = depths(tokens)
    places = [*_relations(tokens, depth)]
    if not places and any(depth[-1:]):  # [ 0 , 1 [ = I
        plain = [" " if token in _BRACKETS else token for token in tokens]
        places = [*_relations(tokens, depths(plain))]
    return _Line(expression, places[0]) if places else None


def _relations(tokens: Sequence[str], depth: Sequence[int]) -> Iterator[int]:
    """The places of the relations that stand in no group."""
    for at, token in enumerate(tokens):
        if depth[at] == 0 and token in ALIGNED_RELATIONS:
            yield at


def _home(lasts: Sequence[_Line | None], line: _Line) -> int | None:
    """The index of the group that the line continues: the nearest above it."""
    above = [i for i, last in enumerate(lasts) if last is not None and _continues(last, line)]
    return max(above, key=lambda i: _foot(lasts[i]), default=None)


def _foot(line: _Line | None) -> float:
    return line.expression.box[3] if line else 0.0


def _continues(last: _Line, line: _Line) -> bool:
    symbol = (last.symbol + line.symbol) / 2
    room = _BESIDE if line.at else _CONTINUED
    upper, lower = last.expression.box, line.expression.box
    white = lower[1] - upper[3]
    overlap = _OVER * min(upper[3] - upper[1], lower[3] - lower[1])
    return (
        abs(line.relation - last.relation) <= room * symbol
        and -overlap <= white <= _BELOW * symbol
        and lower[1] + lower[3] > upper[1] + upper[3]
    )


def _joined(group: Sequence[RegionReading]) -> RegionReading:
    tokens = tuple(_tokens(group))
    return _as_one(group, " ".join(token.token for token in tokens), tokens)


def _as_one(
    group: Sequence[RegionReading], label: str, tokens: tuple[TokenReading, ...]
) -> RegionReading:
    confidence = 1.0
    for expression in group:
        confidence *= expression.reading.confidence
    return RegionReading(
        union([expression.region for expression in group]),
        union([expression.box for expression in group]),
        joined_key(group),
        Reading(label, round(confidence, 4), tokens),
        doubt=next((expression.doubt for expression in group if expression.doubt), ""),
    )


def _tokens(group: Sequence[RegionReading]) -> Iterator[TokenReading]:
    """The tokens of all lines with the alignment tokens between them, which have empty boxes."""
    yield _structure(_BEGIN, group[0].box[:2])
    for number, expression in enumerate(group):
        line = _line(expression)
        assert line is not None
        if number:
            yield _structure(_NEXT, group[number - 1].box[2:])
        for at, token in enumerate(line.tokens):
            if at == line.at:
                yield _structure("&", token.box[:2])
            yield token
    yield _structure(_END, group[-1].box[2:])


def _row_tokens(rows: Sequence[RegionReading]) -> Iterator[TokenReading]:
    """The tokens of all rows, as `_tokens` has those of lines."""
    for number, row in enumerate(rows):
        if number:
            yield _structure(_NEXT, rows[number - 1].box[2:])
        else:
            yield _structure(_BEGIN, row.box[:2])
        yield _structure("&", row.box[:2])
        yield from row.reading.tokens
    if rows:
        yield _structure(_END, rows[-1].box[2:])


def _structure(token: str, place: tuple[float, float]) -> TokenReading:
    """A token without ink."""
    return TokenReading(token, 1.0, (*place, *place))
