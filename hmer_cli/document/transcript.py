r"""Whole pages as documents: words and mathematics in reading order, as Markdown or LaTeX.

Input: the records of pages, and the words of each page. Output: the text of a document. An
expression that stands in a line of words is set in the line, others by themselves; lines that
follow each other closely are one paragraph. Doubtful words and expressions are marked by ``[?]``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median

import hmer_cli
from hmer_cli.document.records import Record, TextWord
from hmer_cli.geometry import Box, union

Text = Mapping[tuple[str, int | None], Sequence[TextWord]]
"""The words of each page, by its source and number."""

# Conventions; the last two in heights of a line.
_DOUBTED = 0.5  # confidence: less is marked
_SHARED = 0.5  # of the lower one's height: what an expression and a line of words share
_NEAR, _APART = 4.0, 1.3  # from an expression to a word of its line; between two paragraphs

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#$~^|])")
_AT_START = re.compile(r"^(\d+)([.)])|^([-+=])")
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{sign: "\\" + sign for sign in "{}$&#_%"},
}

_HEAD = r"""% Handwritten pages read by hmer {version}.
\documentclass{{article}}
\usepackage[T1]{{fontenc}}
\usepackage{{amsmath,amssymb}}
\IfFileExists{{mathtools.sty}}{{\usepackage{{mathtools}}}}{{}}
\setlength{{\parindent}}{{0pt}}
\setlength{{\parskip}}{{\medskipamount}}
\newcommand{{\hmerlow}}{{\textsuperscript{{[?]}}}}
\begin{{document}}
"""


@dataclass(frozen=True)
class _Item:
    """A word or an expression in its place."""

    box: Box
    word: TextWord | None = None
    record: Record | None = None

    @property
    def middle(self) -> float:
        return (self.box[1] + self.box[3]) / 2


@dataclass(frozen=True)
class _Block:
    """A paragraph of words and expressions, or an expression by itself."""

    items: tuple[_Item, ...]
    display: bool


def markdown(records: Sequence[Record], text: Text) -> str:
    """The pages of all records as Markdown, a heading for each source."""
    parts = []
    for source, pages in _by_source(records, text):
        parts.append(f"# {_MARKDOWN.sub(_escaped, source)}")
        for page in pages:
            parts += [_markdown(block) for block in page]
    return "\n\n".join(parts) + "\n"


def latex(records: Sequence[Record], text: Text) -> str:
    """The pages of all records as a LaTeX document that compiles by itself."""
    parts = [_HEAD.format(version=hmer_cli.__version__)]
    for source, pages in _by_source(records, text):
        parts.append(f"\\section*{{{_tex(source)}}}\n")
        for page in pages:
            parts += [_latex(block) + "\n" for block in page]
    return "\n".join([*parts, "\\end{document}\n"])


def _by_source(records: Sequence[Record], text: Text) -> Iterable[tuple[str, list[list[_Block]]]]:
    """The blocks of each page of each source."""
    pages: dict[str, dict[int | None, list[Record]]] = {}
    for source, number in text:
        pages.setdefault(source, {})[number] = []
    for record in records:
        pages.setdefault(record.source, {}).setdefault(record.page, []).append(record)
    for source, numbers in pages.items():
        yield (
            source,
            [_blocks(found, text.get((source, number), ())) for number, found in numbers.items()],
        )


def _blocks(records: Sequence[Record], words: Sequence[TextWord]) -> list[_Block]:
    """The paragraphs and displays of a page, from the top down."""
    lines = [list(line) for _, line in groupby(words, key=lambda word: word.line)]
    rows = [[_Item(word.box, word) for word in line] for line in lines]
    heights = [_height(row) for row in rows]
    shown: list[_Block] = []
    for record in records:
        if record.region is None or record.dismissed:
            continue
        item = _Item(record.region, record=record)
        home = _line_of(item, rows, heights)
        if home is None or record.lines or not record.usable:
            shown.append(_Block((item,), display=True))
        else:
            rows[home].append(item)
    usual = median(heights) if heights else 1.0
    shown += _paragraphs(rows, [block.items[0] for block in shown], usual)
    return sorted(shown, key=lambda block: block.items[0].middle)


def _line_of(item: _Item, rows: Sequence[Sequence[_Item]], heights: Sequence[float]) -> int | None:
    """The line of words that an expression stands in; None where it stands by itself."""
    x0, y0, x1, y1 = item.box
    best: tuple[float, int] | None = None
    for number, (row, height) in enumerate(zip(rows, heights, strict=True)):
        for word in row:
            if word.word is None:
                continue
            shared = min(y1, word.box[3]) - max(y0, word.box[1])
            away = max(word.box[0] - x1, x0 - word.box[2], 0.0)
            low = min(y1 - y0, word.box[3] - word.box[1])
            if shared >= _SHARED * low and away <= _NEAR * height:
                best = min(best or (away, number), (away, number))
    return None if best is None else best[1]


def _paragraphs(
    rows: Sequence[list[_Item]], displays: Sequence[_Item], usual: float
) -> list[_Block]:
    """Lines that follow each other, with no display between, as one paragraph."""
    ordered = sorted(
        (sorted(row, key=lambda item: item.box[0]) for row in rows),
        key=lambda row: union([item.box for item in row])[1],
    )
    blocks: list[list[_Item]] = []
    foot = middle = 0.0
    for row in ordered:
        box = union([item.box for item in row])
        here = (box[1] + box[3]) / 2
        split = any(middle < display.middle < here for display in displays)
        if blocks and not split and box[1] - foot <= _APART * usual:
            blocks[-1] += row
        else:
            blocks.append(list(row))
        foot, middle = box[3], here
    return [_Block(tuple(items), display=False) for items in blocks]


def _height(row: Sequence[_Item]) -> float:
    return max(median(item.box[3] - item.box[1] for item in row), 1.0)


def _markdown(block: _Block) -> str:
    (first, *_) = block.items
    if block.display and first.record is not None:
        if not first.record.usable:
            return f"```latex\n{first.record.latex}\n```"
        mark = r" \tag*{[?]}" if first.record.status == "low" else ""
        return f"$$\n{_body(first.record.latex)}{mark}\n$$"
    told = " ".join(_markdown_item(item) for item in block.items)
    return _AT_START.sub(lambda m: f"{m[1]}\\{m[2]}" if m[1] else f"\\{m[3]}", told)


def _markdown_item(item: _Item) -> str:
    if item.word is not None:
        mark = r"\[?\]" if item.word.confidence < _DOUBTED else ""
        return _MARKDOWN.sub(_escaped, item.word.text) + mark
    assert item.record is not None
    mark = r"\[?\]" if item.record.status == "low" else ""
    return f"${item.record.latex.strip()}${mark}"


def _latex(block: _Block) -> str:
    (first, *_) = block.items
    if block.display and first.record is not None:
        record = first.record
        if not record.usable:
            return f"\\begin{{verbatim}}\n{record.latex}\n\\end{{verbatim}}"
        mark = r" \tag*{[?]}" if record.status == "low" else ""
        return f"\\begin{{equation*}}\n{_body(record.latex)}{mark}\n\\end{{equation*}}"
    return " ".join(_latex_item(item) for item in block.items)


def _latex_item(item: _Item) -> str:
    if item.word is not None:
        mark = r"\hmerlow{}" if item.word.confidence < _DOUBTED else ""
        return _tex(item.word.text) + mark
    assert item.record is not None
    mark = r"\hmerlow{}" if item.record.status == "low" else ""
    return f"${item.record.latex.strip()}${mark}"


_WHOLE = re.compile(
    r"\\begin\{(align|gather|multline|equation)\*?\}(?P<body>.*)\\end\{\1\*?\}", re.DOTALL
)


def _body(text: str) -> str:
    """What stands in a display: an environment that is one of its own as one that stands in one."""
    found = _WHOLE.fullmatch(text.strip())
    if found is None:
        return text.strip()
    inner = {"align": "aligned", "equation": ""}.get(found[1], "gathered")
    body = found["body"].strip()
    return f"\\begin{{{inner}}}{body}\\end{{{inner}}}" if inner else body


def _tex(text: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in text)


def _escaped(match: re.Match[str]) -> str:
    return "\\" + match[1]
