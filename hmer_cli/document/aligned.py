r"""Lines of a derivation -> one expression, where they are aligned on their relations.

::

    f = a + b        ->   \begin{aligned} f & = a + b \\ & = c \end{aligned}
      = c
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from hmer_cli.document.records import RegionReading
from hmer_cli.expr.commands import GRIDS
from hmer_cli.expr.symbol_classes import ALIGNED_RELATIONS
from hmer_cli.expr.validity import problems
from hmer_cli.geometry import union
from hmer_cli.recognition.reading import Reading, TokenReading

_BEGIN, _END = r"\begin{aligned}", r"\end{aligned}"
_OPENING = {"{", *(rf"\begin{{{name}}}" for name in GRIDS)}
_CLOSING = {"}", *(rf"\end{{{name}}}" for name in GRIDS)}

_CONTINUED = 1.2  # symbols across: how far a line that begins with a relation may be off
_BESIDE = 0.6  # and one with a left side of its own, which may stand there by chance
_BELOW = 2.0  # symbols down: more white than that between two lines parts them
_OVER = 0.5  # of the lower line: two lines that overlap by more are none below each other


@dataclass(frozen=True)
class _Line:
    """An expression that may be a line: where its first relation is, ``at`` among its tokens."""

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


def join_derivations(
    expressions: Sequence[RegionReading], alone: Container[str] = ()
) -> list[RegionReading]:
    """The expressions of a page with the lines of each derivation joined to one ``aligned``.

    A line belongs to the one above when little white is between them and their first relations,
    those in scripts and fractions aside, stand in one column; a line that begins with its
    relation is given more room. What LaTeX would refuse is left alone. A derivation stands where
    its first line stood; its confidence is that all lines are right, its key that of their keys.
    Expressions whose key is in ``alone`` stay so.

    ``expressions`` are in reading order. What is measured is what the reader saw: their boxes on
    the page as it was straightened, not their regions in the source.
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
    return [group[0] if len(group) == 1 else _joined(group) for group in groups]


def _line(expression: RegionReading) -> _Line | None:
    """The expression as a line; None where it has no relation or cannot stand in ``aligned``."""
    tokens = [token.token for token in expression.reading.tokens]
    if expression.reading.label.split() != tokens or problems(expression.reading.label):
        return None
    depth = 0
    for at, token in enumerate(tokens):
        depth += (token in _OPENING) - (token in _CLOSING)
        if depth == 0 and token in ALIGNED_RELATIONS:
            return _Line(expression, at)
    return None


def _home(lasts: Sequence[_Line | None], line: _Line) -> int | None:
    """The group that the line goes on with: the nearest above it."""
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
    confidence = 1.0
    for expression in group:
        confidence *= expression.reading.confidence
    key = hashlib.sha256(" ".join(expression.key for expression in group).encode()).hexdigest()
    return RegionReading(
        union([expression.region for expression in group]),
        union([expression.box for expression in group]),
        key,
        Reading(" ".join(t.token for t in tokens), round(confidence, 4), tokens),
    )


def _tokens(group: Sequence[RegionReading]) -> Iterator[TokenReading]:
    """The tokens of all lines, and between them what aligns them, where that is on the page."""
    yield _structure(_BEGIN, group[0].box[:2])
    for number, expression in enumerate(group):
        line = _line(expression)
        assert line is not None
        if number:
            yield _structure(r"\\", group[number - 1].box[2:])
        for at, token in enumerate(line.tokens):
            if at == line.at:
                yield _structure("&", token.box[:2])
            yield token
    yield _structure(_END, group[-1].box[2:])


def _structure(token: str, place: tuple[float, float]) -> TokenReading:
    """A token without ink."""
    return TokenReading(token, 1.0, (*place, *place))
