r"""Whole pages as documents: words and mathematics in reading order, as Markdown or LaTeX.

Input: the records of pages, the words of each page, and the pictures of its drawings. Output: the
text of a document. An expression that stands in a line of words is set in the line, others by
themselves (`page_layout`). Doubtful words and expressions, and ink that was not read, are marked by
``[?]``.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby

import hmer_cli
from hmer_cli.console import one_line
from hmer_cli.document.formats.wording import in_markdown
from hmer_cli.document.page_blocks import Block, Item
from hmer_cli.document.page_layout import blocks
from hmer_cli.document.records import Record, TextWord
from hmer_cli.expr.displays import is_display, within
from hmer_cli.geometry import Box

Text = Mapping[tuple[str, int | None], Sequence[TextWord]]
"""The words of each page, by its source and number."""

Drawn = Mapping[tuple[str, int | None], Sequence[tuple[Box, str]]]
"""The drawings of each page, with the names of their pictures as the document shows them."""

Turns = Mapping[tuple[str, int | None], int]
"""Source and page -> how its source lies: `hmer_cli.geometry.quarters_of`."""

Format = Callable[[Sequence[Record], Text, Drawn, Turns], str]

_DOUBTED = 0.5  # confidence: less is marked # convention

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#$~^|&])")
_AT_START = re.compile(r"^(\d+)([.)])|^([-+=:])")
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{sign: "\\" + sign for sign in "{}$&#_%"},
}

_UNREAD = (r"\[?\]", r"\hmerlow{}")

MARK = f"<!-- Handwritten pages read by hmer {hmer_cli.__version__} -->"
"""The first line of Markdown, by which it is known as hmer's."""

_HEAD = r"""% Handwritten pages read by hmer {version}.
\documentclass{{article}}
\ifdefined\Umathchar\else % XeTeX and LuaTeX set Unicode
\usepackage[T1]{{fontenc}}
\fi
\usepackage{{amsmath,amssymb,graphicx}}
\IfFileExists{{mathtools.sty}}{{\usepackage{{mathtools}}}}{{}}
\setlength{{\parindent}}{{0pt}}
\setlength{{\parskip}}{{\medskipamount}}
\newcommand{{\hmerlow}}{{\textsuperscript{{[?]}}}}
"""

_LACKS = r"""
% pdfTeX shows signs that its fonts lack as ?; XeTeX and LuaTeX set those of the font.
\ifdefined\DeclareUnicodeCharacter
\def\hmerlacks#1#2{\ifcsname u8:\detokenize{#2}\endcsname\else\DeclareUnicodeCharacter{#1}{?}\fi}
"""


def markdown(
    records: Sequence[Record], text: Text, drawn: Drawn | None = None, turns: Turns | None = None
) -> str:
    """The pages of all records as Markdown, a heading for each source."""
    parts = [MARK]
    for source, pages in _by_source(records, text, drawn or {}, turns or {}):
        parts.append(f"# {_MARKDOWN.sub(_escaped, one_line(source))}")
        last: int | None = None  # number of the list item before
        for block in (block for page in pages for block in page):
            number = _number(block)
            if number is not None and last is not None and number != last + 1:
                parts.append("<!-- -->")  # a list has numbers that follow each other
            parts.append(_markdown(block))
            last = number
    return "\n\n".join(parts) + "\n"


def latex(
    records: Sequence[Record], text: Text, drawn: Drawn | None = None, turns: Turns | None = None
) -> str:
    """The pages of all records as a LaTeX document that compiles by itself."""
    parts: list[str] = []
    for source, pages in _by_source(records, text, drawn or {}, turns or {}):
        parts.append(f"\\section*{{{_tex(source)}}}\n")
        for page in pages:
            for is_list, some in groupby(page, key=lambda block: block.kind == "item"):
                told = [_latex(block) for block in some]
                if is_list:
                    told = ["\\begin{itemize}", *told, "\\end{itemize}"]
                    parts.append("\n".join(told) + "\n")
                else:
                    parts += [each + "\n" for each in told]
    body = "\n".join([*parts, "\\end{document}\n"])
    head = _HEAD.format(version=hmer_cli.__version__)
    return f"{head}{_lacking(body)}\\begin{{document}}\n\n{body}"


def _lacking(body: str) -> str:
    """Declarations of the signs that fonts may lack; none where all are ASCII."""
    foreign = sorted({sign for sign in body if not sign.isascii()})
    declared = (f"\\hmerlacks{{{ord(sign):04X}}}{{{sign}}}\n" for sign in foreign)
    return f"{_LACKS.lstrip()}{''.join(declared)}\\fi\n" if foreign else ""


def _by_source(
    records: Sequence[Record], text: Text, drawn: Drawn, turns: Turns
) -> Iterable[tuple[str, list[list[Block]]]]:
    """The blocks of each page of each source, with its file's name, if no other has it."""
    pages: dict[str, dict[int | None, list[Record]]] = {}
    for source, number in text:
        pages.setdefault(source, {})[number] = []
    for record in records:
        pages.setdefault(record.source, {}).setdefault(record.page, []).append(record)
    names = {source: re.split(r"[/\\]", source)[-1] for source in pages}
    shared = Counter(names.values())
    for source, numbers in pages.items():
        yield (
            names[source] if shared[names[source]] == 1 else source,
            [
                blocks(found, text.get(place, ()), drawn.get(place, ()), turns.get(place, 0))
                for number, found in numbers.items()
                for place in [(source, number)]
            ],
        )


def _number(block: Block) -> int | None:
    """That of a list item; None for all else."""
    digits = re.search(r"\d+", block.number)
    return int(digits[0]) if digits else None


def _markdown(block: Block) -> str:
    (first, *_) = block.items
    if block.kind == "drawing":
        return f"![drawing]({first.drawing})"
    if block.kind == "display":
        if first.record is not None and not first.record.latex:
            return _UNREAD[0]
        if first.record is not None and not first.record.usable:
            return f"```latex\n{first.record.latex}\n```"
        return f"$$\n{in_markdown(_display(block))}\n$$"
    told = _spaced(_markdown_item(item) for item in block.items)
    told = _AT_START.sub(lambda m: f"{m[1]}\\{m[2]}" if m[1] else f"\\{m[3]}", told)
    number = _number(block)
    before = {"heading": "## ", "item": "- " if number is None else f"{number}. "}
    return before.get(block.kind, "") + told


def _markdown_item(item: Item) -> str:
    mark = _UNREAD[0] if _is_doubtful(item) else ""
    if item.word is not None and item.word.mark != "math":
        return _MARKDOWN.sub(_escaped, item.word.text) + mark
    return f"${in_markdown(_math(item))}${mark}"


def _latex(block: Block) -> str:
    (first, *_) = block.items
    if block.kind == "drawing":
        picture = rf"\includegraphics[width=0.5\linewidth]{{{first.drawing}}}"
        return f"\\begin{{center}}\n{picture}\n\\end{{center}}"
    if block.kind == "display":
        if first.record is not None and not first.record.latex:
            return _UNREAD[1]
        if first.record is not None and not first.record.usable:
            return f"\\begin{{verbatim}}\n{first.record.latex}\n\\end{{verbatim}}"
        if len(block.items) == 1 and first.record is not None and is_display(first.record.latex):
            # A mark within it might stand in its last fraction or behind its number.
            mark = f"\n{_UNREAD[1]}" if _is_doubtful(first) else ""
            return first.record.latex.strip() + mark
        return f"\\begin{{equation*}}\n{_display(block)}\n\\end{{equation*}}"
    told = _spaced(_latex_item(item) for item in block.items)
    if block.kind == "heading":
        return f"\\subsection*{{{told}}}"
    if block.kind == "item":
        label = f"[{{{_tex(block.number)}}}]" if block.number else ""
        return f"\\item{label} {{}}{told}"
    return told


def _latex_item(item: Item) -> str:
    mark = _UNREAD[1] if _is_doubtful(item) else ""
    if item.word is not None and item.word.mark != "math":
        return _tex(item.word.text) + mark
    return f"${_math(item)}${mark}"


def _spaced(items: Iterable[str]) -> str:
    """The items of a line with spaces between; ink that was not read is marked once in a row."""
    told = [list(same) for _, same in groupby(items)]
    return " ".join(item for same in told for item in (same[:1] if same[0] in _UNREAD else same))


def _display(block: Block) -> str:
    """The expressions and signs of a row, marked if one of them is doubtful."""
    mark = r" \qquad \text{[?]}" if any(map(_is_doubtful, block.items)) else ""
    return r" \qquad ".join(map(_math, block.items)) + mark


def _math(item: Item) -> str:
    if item.word is not None:
        return item.word.text
    assert item.record is not None
    return within(item.record.latex)


def _is_doubtful(item: Item) -> bool:
    if item.word is not None:
        return item.word.confidence < _DOUBTED
    return item.record is not None and item.record.status == "low"


def _tex(text: str) -> str:
    """The text as LaTeX sets it; what has no glyph, such as a byte of an undecodable name, as ?."""
    signs = unicodedata.normalize("NFC", " ".join(text.split()))
    return "".join(_LATEX.get(sign, sign if sign.isprintable() else "?") for sign in signs)


def _escaped(match: re.Match[str]) -> str:
    return "\\" + match[1]
