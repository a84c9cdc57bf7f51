r"""Pages of notes composed of handwriting that was written elsewhere: words and formulas, in rows.

Input: formulas of one writer with their symbols, the words of another, a random generator. Output:
a `ComposedPage`: strokes in points of an A4 page, and its true expressions. Headings, prose with
formulas among the words, derivations, chains, numbered exercises, lists, framed results, cases and
matrices stand below each other, in one or two columns. Pieces are `Written` on a baseline; letters
of formulas are as high as those of the words beside them, or a little less.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hmer_cli.datasets.pages import Kind, TrueExpression
from hmer_cli.expr.symbol_classes import STATEMENT_RELATIONS
from hmer_cli.expr.tokens import join, tokenize
from hmer_cli.ink.ink import Ink, Stroke
from hmer_cli.training.page_synthesis.handwriting import Hand, Written

SIZE = 595.0, 842.0
"""Of a page, in points."""

_MARGIN, _GUTTER = 42.0, 26.0  # points
_ROOM = 0.35  # letter heights of a true box round its ink
_BEGIN, _END = r"\begin{bmatrix}", r"\end{bmatrix}"
_PEN = 0.11, 0.2  # letter heights
_OFTEN = 2  # times that a formula may be written on a page
_MARK = "mark"
"""The label of what begins an item."""
_BETWEEN, _AFTER_MARK = (0.7, 1.4), (0.8, 1.8)  # letter heights of white in a row, after a mark
_SHORT = 15.0, 1.9, 1.1  # letter heights of a formula among words: wide, above, below the baseline


@dataclass(frozen=True)
class ComposedPage:
    """Strokes in points, a pen's width, and what is written."""

    strokes: tuple[Stroke, ...]
    pen: float
    expressions: tuple[TrueExpression, ...]


def joined(pieces: Sequence[Written], label: str, gaps: float = 0.7) -> Written:
    """Pieces side by side as one formula."""
    strokes: list[Stroke] = []
    x = 0.0
    for piece in pieces:
        strokes += piece.moved(x, 0)
        x += piece.width + gaps
    return Written(tuple(strokes), label)


class Composer:
    """Fills one page from the top down."""

    def __init__(
        self, hand: Hand, words: Sequence[Written], columns: int, rng: np.random.Generator
    ) -> None:
        self._hand, self._rng = hand, rng
        self._count = dict.fromkeys(range(len(hand.formulas)), 0)
        self._words = [*words]
        self._next = int(rng.integers(len(words)))
        self._unit = float(rng.uniform(5.6, 7.6) if columns == 1 else rng.uniform(4.8, 6.0))
        self._lead = float(rng.uniform(3.3, 4.4)) * self._unit
        self._width = (SIZE[0] - 2 * _MARGIN - (columns - 1) * _GUTTER) / columns
        self._lefts = [_MARGIN + i * (self._width + _GUTTER) for i in range(columns)]
        self._pen = float(rng.uniform(*_PEN)) * self._unit
        self._strokes: list[Stroke] = []
        self._truths: list[TrueExpression] = []
        self._left, self._base, self._foot = self._lefts.pop(0), _MARGIN, _MARGIN

    def page(self) -> ComposedPage:
        """The page with as many blocks as it has room for."""
        blocks: list[tuple[float, Callable[[], None]]] = [
            (5, self._prose), (3, self._display), (2, self._derivation), (1.5, self._chain),
            (1.5, self._exercises), (1.2, self._list), (0.8, self._framed), (0.8, self._cases),
            (0.8, self._matrix),
        ]  # fmt: skip
        shares = np.array([share for share, _ in blocks])
        self._heading()
        while True:
            below = SIZE[1] - _MARGIN - self._lead
            if self._base > below and not self._lefts:
                break
            if self._base > below:
                self._left, self._base, self._foot = self._lefts.pop(0), _MARGIN, _MARGIN
            with suppress(LookupError):  # every such formula was written
                blocks[int(self._rng.choice(len(blocks), p=shares / shares.sum()))][1]()
                self._base += float(self._rng.uniform(0.1, 0.8)) * self._unit
        return ComposedPage(tuple(self._strokes), self._pen, tuple(self._truths))

    def _chance(self, share: float) -> bool:
        return bool(self._rng.random() < share)

    def _word(self) -> Written:
        self._next = (self._next + 1) % len(self._words)
        return self._words[self._next]

    def _formula(self, short: bool = False, widest: float = 1.0) -> Written:
        """One that fits, and was not written yet; among words a low one."""

        def fits(formula: Written) -> bool:
            _, y0, wide, y1 = formula.box
            low = wide <= _SHORT[0] and y0 >= -_SHORT[1] and y1 <= _SHORT[2]
            return wide <= widest * self._width / self._unit and (low or not short)

        return self._drawn(fits)

    def _side(self, widest: float) -> Written:
        """The same, without a relation."""

        def fits(formula: Written) -> bool:
            near = formula.width <= widest * self._width / self._unit
            return near and STATEMENT_RELATIONS.isdisjoint(tokenize(formula.label))

        return self._drawn(fits)

    def _drawn(self, fits: Callable[[Written], bool]) -> Written:
        """One of those written least often. Raises LookupError where each was, often enough."""
        formulas = self._hand.formulas
        known = [at for at in self._count if fits(formulas[at])]
        least = min((self._count[at] for at in known), default=_OFTEN)
        if least >= _OFTEN:
            raise LookupError
        at = int(self._rng.choice([at for at in known if self._count[at] == least]))
        self._count[at] += 1
        return formulas[at]

    def _symbol(self, *names: str) -> Written | None:
        """One of these, as the writer writes it; None where he never does."""
        known = [each for name in names for each in self._hand.symbols.get(name, ())]
        return known[int(self._rng.integers(len(known)))] if known else None

    def _row(self, pieces: Sequence[Written], x: float = 0.0, kind: Kind = "display") -> bool:
        """Write pieces as the next row, ``x`` points from the left; whether there was room."""
        tops = [piece.box[1] for piece in pieces]
        feet = [piece.box[3] for piece in pieces]
        room = (0.5 * self._unit) - min(0.0, *tops) * self._unit
        self._base = max(self._base + self._lead, self._foot + room)
        self._foot = self._base + max(feet) * self._unit
        if self._foot > SIZE[1] - _MARGIN / 2:
            return False
        for piece in pieces:
            scale = self._unit * float(self._rng.uniform(0.82, 1.0) if piece.label else 1.0)
            strokes = piece.moved(self._left + x, self._base, scale)
            self._strokes += strokes
            x0, y0, x1, y1 = Ink(strokes).box()
            if piece.label and piece.label != _MARK:
                room = _ROOM * self._unit
                box = (x0 - room, y0 - room, x1 + room, y1 + room)
                self._truths.append(TrueExpression(box, piece.label, kind))
            white = _AFTER_MARK if piece.label == _MARK else _BETWEEN
            x += x1 - x0 + float(self._rng.uniform(*white)) * self._unit
        return True

    def _text(self, pieces: Sequence[Written], indent: float = 0.0) -> None:
        """Words and formulas, in as many rows as it takes."""
        row: list[Written] = []
        x = indent
        for piece in pieces:
            wide = (piece.width + 1.2) * self._unit
            if row and x + wide > self._width:
                self._row(row, indent, "inline")
                row, x = [], indent
            row.append(piece)
            x += wide
        if row:
            self._row(row, indent, "inline" if len(row) > 1 else "display")

    def _heading(self) -> None:
        words = [self._word() for _ in range(int(self._rng.integers(1, 4)))]
        self._unit *= 1.3
        self._row(words)
        self._unit /= 1.3
        if self._chance(0.6):
            end = self._left + sum(word.width + 1 for word in words) * self._unit * 1.3
            self._line((self._left, self._foot + 2), (end, self._foot + 2 + self._rng.normal(0, 2)))
        self._foot += self._unit

    def _prose(self) -> None:
        pieces = []
        for _ in range(int(self._rng.integers(2, 5))):
            pieces += [self._word() for _ in range(int(self._rng.integers(3, 9)))]
            with suppress(LookupError):
                pieces += [self._formula(short=True)] if self._chance(0.8) else []
        self._text([*pieces, *(self._word() for _ in range(3))])

    def _display(self) -> None:
        formula = self._formula(widest=0.9)
        self._row([formula], self._indent(formula))

    def _indent(self, formula: Written) -> float:
        free = self._width - formula.width * self._unit
        return max(0.0, free * float(self._rng.uniform(0.1, 0.5)))

    def _chain(self) -> None:
        equals = self._symbol("=")
        if equals is None:
            return
        sides = [self._side(0.3) for _ in range(int(self._rng.integers(2, 4)))]
        label = " = ".join(side.label for side in sides)
        pieces = [piece for side in sides for piece in (side, equals)][:-1]
        self._row([joined(pieces, label)], self._indent(joined(pieces, label)))

    def _derivation(self) -> None:
        equals = self._symbol("=")
        if equals is None:
            return
        left, right = self._side(0.3), self._side(0.5)
        self._row([joined([left, equals, right], f"{left.label} = {right.label}")], self._unit)
        begin = (1 + 0.9 * (left.width + 0.7)) * self._unit
        for _ in range(int(self._rng.integers(1, 4))):
            right = self._side(0.5)
            self._row([joined([equals, right], f"= {right.label}")], begin)

    def _exercises(self) -> None:
        after = ")" if self._chance(0.5) else "."
        for number in range(1, int(self._rng.integers(3, 6))):
            sign = self._symbol(str(number))
            if sign is None:
                break
            mark = (self._symbol(")") if after == ")" else None) or _dot()
            formula = self._formula(widest=0.75)
            self._row([joined([sign, mark], _MARK, 0.2), formula], 0.0)

    def _list(self) -> None:
        sign = _dot(-0.5) if self._chance(0.5) else _stroke((0, -0.5), (0.8, -0.5))
        mark = replace(sign, label=_MARK)
        for _ in range(int(self._rng.integers(2, 5))):
            if self._chance(0.5):
                self._row([mark, self._formula(widest=0.8)], self._unit)
                continue
            words = [self._word() for _ in range(int(self._rng.integers(2, 5)))]
            self._text([mark, *words, self._formula(short=True)], self._unit)

    def _framed(self) -> None:
        formula = self._formula(widest=0.7)
        self._foot += self._unit
        if not self._row([formula], self._indent(formula)):
            return
        x0, y0, x1, y1 = self._truths[-1].box
        room = 0.5 * self._unit
        corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]) + room * np.array(
            [[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]
        )
        corners += self._rng.normal(0, 0.15 * self._unit, corners.shape)
        self._strokes.append(_between(corners))
        self._foot = float(corners[:, 1].max())

    def _cases(self) -> None:
        rows = [self._formula(True), self._formula(True)]
        feet: list[float] = []
        high = 0.0
        for row in rows:
            high += max(1.6, -row.box[1] + 0.5) if feet else 0.0
            feet.append(high)
            high += max(0.6, row.box[3] + 0.3)
        top, foot = rows[0].box[1], feet[-1] + rows[1].box[3]
        shift = -(top + foot) / 2 - 0.5
        label = rf"\begin{{cases}} {rows[0].label} \\ {rows[1].label} \end{{cases}}"
        strokes = [*_brace(top + shift - 0.3, foot + shift + 0.3).strokes]
        for row, y in zip(rows, feet, strict=True):
            strokes += row.moved(1.5, y + shift)
        before = [self._symbol(*names) for names in ("fghyu", ("=",))]
        known = [sign for sign in before if sign is not None]
        system = Written(tuple(strokes), label)
        if len(known) == 2:
            system = joined([*known, system], join([*(k.label for k in known), *tokenize(label)]))
        self._row([system], self._unit)

    def _matrix(self) -> None:
        """Two rows of two signs in brackets."""
        signs = [self._symbol(*"0123456789abcdxyz") for _ in range(4)]
        cells = [sign for sign in signs if sign is not None]
        if len(cells) < len(signs):
            return
        middle = 0.9 + max(cells[0].width, cells[2].width) + 1.2
        low = max(1.2, max(cell.box[3] for cell in cells[:2]) - cells[2].box[1] - 0.5)
        places = [(0.9, -0.9), (middle, -0.9), (0.9, low), (middle, low)]
        both = zip(cells, places, strict=True)
        strokes = [stroke for cell, place in both for stroke in cell.moved(*place)]
        x0, y0, x1, y1 = Ink(tuple(strokes)).box()
        for x, back in ((x0 - 0.6, 0.5), (x1 + 0.6, -0.5)):
            corners = [(x + back, y0 - 0.3), (x, y0 - 0.3), (x, y1 + 0.3), (x + back, y1 + 0.3)]
            strokes.append(_between(np.array(corners)))
        a, b, c, d = (cell.label for cell in cells)
        label = join([_BEGIN, a, "&", b, r"\\", c, "&", d, _END])
        self._row([Written(tuple(strokes), label)], self._unit * float(self._rng.uniform(1, 8)))

    def _line(self, begin: tuple[float, float], end: tuple[float, float]) -> None:
        self._strokes.append(_between(np.array([begin, end])))


def _between(corners: NDArray[np.float64]) -> Stroke:
    """A stroke with points along the lines from corner to corner."""
    steps = np.linspace(0, len(corners) - 1, 12 * (len(corners) - 1) + 1)
    places = np.arange(len(corners))
    return np.stack([np.interp(steps, places, corners[:, i]) for i in (0, 1)], 1).astype(np.float32)


def _stroke(begin: tuple[float, float], end: tuple[float, float]) -> Written:
    return Written((_between(np.array([begin, end])),))


def _dot(y: float = -0.05) -> Written:
    return _stroke((0, y), (0.12, y + 0.08))


def _brace(top: float, foot: float) -> Written:
    """An opening brace from ``top`` to ``foot``."""
    middle, turn = (top + foot) / 2, 0.4
    ends = [(1.0, top), (0.6, top + 0.1), (0.55, top + turn), (0.5, middle - turn), (0.0, middle),
            (0.5, middle + turn), (0.55, foot - turn), (0.6, foot - 0.1), (1.0, foot)]  # fmt: skip
    return Written((_between(np.array(ends)),))
