"""Phrases about a record in documents: its source, its reliability, the punctuation after it.

Input: a record. Output: text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from hmer_cli.console import one_line
from hmer_cli.document.ids import Named, named
from hmer_cli.document.records import Record
from hmer_cli.expr.label_limits import label_says_all
from hmer_cli.expr.latex import normalise
from hmer_cli.expr.names import with_names
from hmer_cli.expr.to_latex import latex_of_tokens, split_punctuation, to_latex
from hmer_cli.expr.tokens import join, tokenize
from hmer_cli.expr.tree import parse, to_tokens
from hmer_cli.expr.validity import problems


def expressions(records: Sequence[Record]) -> list[Named]:
    """The records with their ids, which stay the same when another one is dismissed."""
    return [each for each in named(records) if not each.record.dismissed]


def verdict(record: Record) -> str:
    """The provenance of a record and what to think of it, on one line."""
    if record.status == "failed":
        return one_line(judged(record))
    place = [record.source]
    if record.page is not None:
        place.append(f"page {record.page}")
    if record.region is not None:
        place.append("region " + " ".join(f"{number:g}" for number in record.region))
    return one_line(f"{', '.join(place)}: {judged(record)}")


def judged(record: Record) -> str:
    """What to think of a record."""
    if record.status == "failed":
        return f"failed: {record.error}"
    if record.correction is not None:
        return f"corrected by hand, low: {record.error}" if record.error else "corrected by hand"
    sure = f"confidence {record.confidence:.2f}"
    if record.status == "ok":
        return sure
    what = "low" if record.usable else "not valid LaTeX"
    return f"{sure}, {what}: {record.error or 'check it'}"


def code(text: str) -> str:
    """Text as Markdown code, with a fence longer than any run of backticks in it."""
    text = one_line(text)
    fence = "`"
    while fence in text:
        fence += "`"
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def in_markdown(latex: str) -> str:
    """LaTeX in one line, as Markdown may take another for an item of a list or a heading, and with
    a blank behind what it may take for the beginning of HTML (``a<b>c``)."""
    return _TAG.sub("< ", _BREAKS.sub(" ", latex))


def sentence(record: Record) -> tuple[str, str]:
    """The LaTeX without the punctuation after it, and that; all of what a person typed."""
    label, end = split_punctuation(record.label)
    if record.correction is not None or not end:
        return record.latex, ""
    return latex_of_tokens(label) if record.in_tokens else to_latex(label), end


def sayable(record: Record) -> bool:
    """Whether formats other than LaTeX can say it; a person may type what no label can hold."""
    if record.status == "failed" or problems(record.label):
        return False
    return record.correction is None or label_says_all(record.correction)


def said(record: Record) -> str:
    """The label of what is `sayable`, with the names in it as signs of `hmer_cli.expr.names`."""
    if record.correction is not None:
        return normalise(record.correction, typed=True, named=True)
    return join(to_tokens(with_names(parse(tokenize(record.label)))))


def plain(text: str) -> str:
    """Without what XML cannot hold; see ``console.one_line`` for the other control characters."""
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)


_BREAKS = re.compile(r"[ \t]*[\r\n]\s*")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_NO_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
