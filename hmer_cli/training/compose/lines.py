"""Composition of training examples of the line reader.

Input: transcribed lines, and formulas. Output: `Example` objects: whole lines, parts of lines,
lines with formulas inserted, one or several with a comma or a short word between them, and formulas
alone, whose label is `MATH`. Method: a line with N spaces is split into words at its N widest gaps,
if these are clearly wider than all others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from hmer_cli.datasets.lines import WrittenLine
from hmer_cli.ink.ink import Stroke
from hmer_cli.recognition.line_features import unit_of
from hmer_cli.recognition.line_text import MATH, SPACE, characters
from hmer_cli.recognition.strokes import stroke_size
from hmer_cli.training.compose.examples import Example
from hmer_cli.training.compose.subexpressions import sample

_T = TypeVar("_T")

_CLEAR = 1.25
"""Least ratio of the narrowest gap between words to the widest gap within one."""

_UNEVEN = 2.5
"""Largest ratio, either way, of a word's width per character to that of its line."""

_RARE = 8
"""Lines with a character that occurs in fewer lines are left out."""

_PARTS = 2
"""Parts of a formula that are tried."""

_TEXT = frozenset("-.,/()[]!'|:?;*")
"""Signs of words."""

_WORDS = frozenset("an as at be by do he if in is it me my no of on or so to up us we".split())
_WORD = 3
"""Words of two letters, and the letters in a row that are taken for a word: formulas of textbooks
have words in them, which are no mathematics here."""

_BETWEEN = _WORDS | {"and", "for", "has", "let", "then", "with"}
"""Words that are written between two formulas."""

_MARKS = (",", ".")
"""Marks that are written after a formula,"""

_MARK = 0.7, 0.3
"""their largest extent, and how far below the middle of the line they are at least, in units."""

_OPENING, _CLOSING = frozenset(("(", "[", "{", r"\{")), frozenset((")", "]", "}", r"\}"))

_KEPT = 400
"""Size of the pools of formulas, of words between them and of marks after them."""

_ALONE, _PART, _MIXED = 0.12, 0.35, 0.4
"""Shares of formulas that are examples by themselves, of lines cut to some of their words, and of
lines with formulas inserted."""

_ANOTHER = 0.45
"""Chance of one more formula in a line, after each."""

_SERIES, _MARKED = 0.4, 0.15
"""Chance that another formula follows a formula at once, and that a mark follows one by itself."""

_COMMA = 0.6
"""Chance that it is a comma that stands between two formulas, else a short word."""

_TO_MARK = (0.05, 0.6)
"""Range of the white before a mark, in units."""

_LETTER = 1.5
"""Height of a typical symbol of a formula, in units of the line."""


def line_examples(
    lines: Sequence[WrittenLine], known: frozenset[str] | None = None
) -> list[Example]:
    """Examples whose symbols are words, if these are known.

    Left out are lines with characters that are not ``known``, or rare where it is None.
    """
    if known is None:
        counts: dict[str, int] = {}
        for line in lines:
            for c in set(line.text):
                counts[c] = counts.get(c, 0) + 1
        known = frozenset(c for c, n in counts.items() if n >= _RARE)
    return [
        Example(line.strokes, characters(line.text), words_of(line))
        for line in lines
        if known.issuperset(line.text)
    ]


def formula_examples(formula: Example, longest: int, rng: np.random.Generator) -> Iterator[Example]:
    """A formula, and as many parts of it as are written among words, as examples of `MATH`.

    None has more than ``longest`` tokens, words in it, or a comma outside of brackets.
    """
    if _is_one(formula.tokens, longest):
        yield Example(formula.strokes, (MATH,))
    for _ in range(_PARTS if formula.places is not None else 0):
        part = formula.part(sample(formula.tokens, rng))
        if part is not None and _is_one(part.tokens, longest) and not _is_of_text(part):
            yield Example(part.strokes, (MATH,))


def _is_one(tokens: Sequence[str], longest: int) -> bool:
    """Whether this is one formula among words, and not too long."""
    return len(tokens) <= longest and not _has_words(tokens) and not _is_list(tokens)


def _is_list(tokens: Sequence[str]) -> bool:
    """Whether a comma stands outside of all brackets."""
    depth = 0
    for token in tokens:
        depth += (token in _OPENING) - (token in _CLOSING)
        if token == "," and depth <= 0:
            return True
    return False


def _has_words(tokens: Sequence[str]) -> bool:
    """Whether letters in a row spell a word, or are so many that they may."""
    rows = "".join(t if len(t) == 1 and t.isalpha() else " " for t in tokens).lower().split()
    return any(len(row) >= _WORD or row in _WORDS for row in rows)


def _is_of_text(part: Example) -> bool:
    """Whether it is a single sign that words have, too: a letter, a number, a dot."""
    return len(part.symbols) == 1 and (part.tokens[0].isalnum() or part.tokens[0] in _TEXT)


def words_of(line: WrittenLine) -> tuple[tuple[int, ...], ...]:
    """The strokes of each word, from left to right; nothing where gaps do not tell."""
    texts = line.text.split(" ")
    spans = np.array([(s[:, 0].min(), s[:, 0].max()) for s in line.strokes])
    order = np.argsort(spans[:, 0], kind="stable")
    reach = np.maximum.accumulate(spans[order, 1])
    gaps = spans[order, 0][1:] - reach[:-1]
    count = len(texts) - 1
    if len(gaps) < count:
        return ()
    ranked = np.sort(gaps)[::-1]
    after = ranked[count] if len(ranked) > count else 0.0
    if count and ranked[count - 1] <= max(_CLEAR * after, 0):
        return ()
    cuts = np.sort(np.argsort(-gaps, kind="stable")[:count]) + 1
    groups = [sorted(group.tolist()) for group in np.split(order, cuts)]
    usual = float(np.ptp(spans)) / len(line.text)
    for group, text in zip(groups, texts, strict=True):
        width = float(np.ptp(spans[group])) / (len(text) * usual)
        if len(text) > 2 and not 1 / _UNEVEN < width < _UNEVEN:
            return ()
    return tuple(map(tuple, groups))


_Part = tuple[list[Stroke], tuple[str, ...]]
"""What stands between two spaces: strokes and their tokens."""


@dataclass
class Composer:
    """New lines from a stream of lines and formulas.

    Words that may stand between formulas, and marks after them, are kept in units of their line,
    from its middle.
    """

    rng: np.random.Generator
    formulas: list[Example] = field(default_factory=list)
    between: list[_Part] = field(default_factory=list)
    marks: list[_Part] = field(default_factory=list)

    def composed(self, examples: Iterable[Example]) -> Iterator[Example]:
        """Lines, parts of lines, lines with formulas, formulas."""
        for example in examples:
            if example.tokens == (MATH,):
                self._keep(self.formulas, example)
                if self.rng.random() < _ALONE:
                    yield example
                continue
            if example.symbols:
                self._keep_joints(example)
            chance = self.rng.random()
            if not example.symbols or chance > _PART + _MIXED:
                yield example
            else:
                yield self._words(example, chance < _MIXED and bool(self.formulas))

    def _keep(self, pool: list[_T], one: _T) -> None:
        if len(pool) < _KEPT:
            pool.append(one)
        else:
            pool[self.rng.integers(_KEPT)] = one

    def _keep_joints(self, line: Example) -> None:
        """Keep the words of a line that may stand between formulas, and the marks after words."""
        unit = unit_of(line.strokes)
        origin = np.array([0, np.concatenate(line.strokes)[:, 1].mean()])
        for word, symbol in zip(_texts(line.tokens), line.symbols, strict=True):
            strokes = [((line.strokes[i] - origin) / unit).astype(np.float32) for i in symbol]
            if "".join(word) in _BETWEEN:
                self._keep(self.between, (strokes, word))
            last = max(strokes, key=lambda stroke: float(stroke[:, 0].max()))
            small = np.ptp(last, axis=0).max() <= _MARK[0] and last[:, 1].mean() >= _MARK[1]
            if word[-1] in _MARKS and len(strokes) > 1 and small:
                self._keep(self.marks, ([last], word[-1:]))

    def _words(self, line: Example, mixed: bool) -> Example:
        """Some words of a line that follow each other, and formulas between them."""
        words = _texts(line.tokens)
        most = len(words)
        size = most if mixed else int(min(most, 1 + self.rng.geometric(0.35) - 1))
        start = int(self.rng.integers(most - size + 1))
        unit = unit_of(line.strokes)
        parts = [
            ([line.strokes[i] for i in line.symbols[k]], words[k])
            for k in range(start, start + size)
        ]
        if mixed:
            middle = np.concatenate([s for strokes, _ in parts for s in strokes])[:, 1].mean()
            for _ in range(int(self.rng.geometric(1 - _ANOTHER))):
                place = int(self.rng.integers(len(parts) + 1))
                if not any(MATH in label for _, label in parts[max(0, place - 1) : place + 1]):
                    parts[place:place] = self._formulas(unit, float(middle))
        return self._joined(parts, unit)

    def _formulas(self, unit: float, middle: float) -> list[_Part]:
        """A formula, or several with a comma or a short word between them."""
        parts: list[_Part] = []
        while True:
            formula = self.formulas[self.rng.integers(len(self.formulas))]
            placed: _Part = (self._fitted(formula.strokes, unit, middle), (MATH,))
            another = self.rng.random() < _SERIES
            if self.rng.random() < (_COMMA if another else _MARKED):
                placed = self._marked(placed, "," if another else None, unit, middle)
            parts.append(placed)
            if not another:
                return parts
            if len(placed[1]) == 1 and self.between:
                strokes, word = self.between[self.rng.integers(len(self.between))]
                parts.append((_moved(strokes, unit, (0, middle)), word))

    def _marked(self, formula: _Part, mark: str | None, unit: float, middle: float) -> _Part:
        """A formula with a mark after it, this one or any."""
        marks = [each for each in self.marks if mark is None or each[1] == (mark,)]
        if not marks:
            return formula
        (stroke,), label = marks[self.rng.integers(len(marks))]
        end = max(float(s[:, 0].max()) for s in formula[0])
        x = end + unit * (float(self.rng.uniform(*_TO_MARK)) - float(stroke[:, 0].min()))
        return [*formula[0], *_moved([stroke], unit, (x, middle))], (*formula[1], *label)

    def _fitted(self, strokes: Sequence[Stroke], unit: float, middle: float) -> list[Stroke]:
        """A formula in the size of a line, on its middle."""
        low = np.array([stroke.min(axis=0) for stroke in strokes], np.float64)
        high = np.array([stroke.max(axis=0) for stroke in strokes], np.float64)
        wanted = _LETTER * unit * float(np.exp(self.rng.normal(0, 0.2)))
        scale = wanted / max(stroke_size(low, high), 1e-6)
        centre = (low.min(axis=0) + high.max(axis=0)) / 2
        shift = np.array([0, middle + self.rng.normal(0, 0.25) * unit])
        return [((s - centre) * scale + shift).astype(np.float32) for s in strokes]

    def _joined(self, parts: Sequence[_Part], unit: float) -> Example:
        """Parts beside each other, with a space between them."""
        strokes: list[Stroke] = []
        tokens: list[str] = []
        x = 0.0
        for part, label in parts:
            left = min(float(s[:, 0].min()) for s in part)
            right = max(float(s[:, 0].max()) for s in part)
            shift = np.array([x - left, 0], np.float32)
            strokes += [s + shift for s in part]
            tokens += [*([SPACE] if tokens else []), *label]
            x += right - left + unit * float(self.rng.uniform(0.7, 2.5))
        return Example(tuple(strokes), tuple(tokens))


def _moved(strokes: Sequence[Stroke], unit: float, origin: tuple[float, float]) -> list[Stroke]:
    """Strokes in units from an origin -> strokes."""
    return [(s * unit + np.array(origin)).astype(np.float32) for s in strokes]


def _texts(tokens: Sequence[str]) -> list[tuple[str, ...]]:
    """The tokens of each word."""
    words: list[list[str]] = [[]]
    for token in tokens:
        if token == SPACE:
            words.append([])
        else:
            words[-1].append(token)
    return [tuple(word) for word in words]
