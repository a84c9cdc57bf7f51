"""Plain text formats: one line per expression, .jsonl, .csv and Markdown.

Input: records. Output: text.
"""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Sequence
from csv import writer as csv_writer

from hmer_cli.console import one_line
from hmer_cli.document.formats.wording import (
    code,
    expressions,
    in_markdown,
    judged,
    sentence,
    verdict,
)
from hmer_cli.document.ids import Named, by_line, named
from hmer_cli.document.records import PUBLIC, Record
from hmer_cli.expr.displays import is_display, within
from hmer_cli.expr.to_latex import latex_of_tokens, to_latex
from hmer_cli.expr.validity import problems


def lines(records: Sequence[Record]) -> str:
    """One line a record: its LaTeX, or a comment that says what failed.

    Failures are left out on a terminal, where stderr has reported them.
    """
    watched = sys.stdout is not None and sys.stdout.isatty()
    return "".join(
        f"{_line(record)}\n"
        for record in records
        if not record.dismissed and not (watched and record.status == "failed")
    )


def _line(record: Record) -> str:
    if not record.usable:
        return f"% {verdict(record)}"
    mark = f" % low {record.confidence:.2f}" if record.status == "low" else ""
    doubt = f": {record.error}" if record.error else ""
    return one_line(record.latex + mark + doubt)


def _json(content: object) -> str:
    """As JSON in one line, also for readers that split at U+2028, with what a terminal would obey
    (C1 controls) or hide (marks of direction) as an escape."""
    text = json.dumps(content, ensure_ascii=False)
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else json.dumps(sign)[1:-1] for sign in text)


def jsonl(records: Sequence[Record]) -> str:
    """One JSON object a line; derivations line by line."""
    kept = (each for each in by_line(named(records)) if not each.record.dismissed)
    return "".join(_json(_public(each)) + "\n" for each in kept)


def _public(each: Named) -> dict[str, object]:
    record = each.record
    fields = {name: getattr(record, name) for name in PUBLIC}
    others = [
        {
            "latex": _spelt(other.label, record.in_tokens),
            "label": other.label,
            "confidence": other.confidence,
        }
        for other in record.alternatives
    ]
    tokens = [
        {"token": token.token, "confidence": token.confidence, "box": token.box}
        for token in record.tokens
    ]
    names = {"id": each.id, "alias": each.alias, "derivation": each.derivation}
    return names | fields | {"alternatives": others, "tokens": tokens}


def _spelt(label: str, in_tokens: bool) -> str:
    """Another reading, as the one that was taken is spelt; as it is where it is not LaTeX."""
    if in_tokens:
        return latex_of_tokens(label)
    return label if problems(label) else to_latex(label)


_FORMULA = re.compile(r'(^|;)(?="*[=+\-@])')
_COLUMNS = "id alias source page x0 y0 x1 y1 latex confidence status error".split()


def csv(records: Sequence[Record]) -> str:
    """A table with a head: an expression a row, the columns parted by commas (RFC 4180, but
    for the ends of lines, a line feed).

    A blank before =, +, - or @ at the beginning, and behind a semicolon, which parts columns where
    the comma is in numbers, keeps spreadsheets from taking it for a formula of theirs; to LaTeX it
    is nothing.
    """
    buffer = io.StringIO()
    writer = csv_writer(buffer, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for each in by_line(named(records)):
        record = each.record
        if not record.dismissed:
            box = record.region or ("",) * 4
            cells = (each.id, each.alias, record.source, record.page, *box, record.latex)
            row = (*cells, record.confidence, record.status, record.error)
            writer.writerow([_cell(value) for value in row])
    return buffer.getvalue()


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    return _FORMULA.sub(r"\1 ", one_line(value))


def markdown(records: Sequence[Record]) -> str:
    """A heading a source, a display an expression, with its id and what is doubtful about it."""
    parts = []
    source = None
    for each in expressions(records):
        record = each.record
        if record.source != source:
            source = record.source
            parts.append(f"## {code(source)}\n")
        if record.status == "failed":
            parts.append(f"**failed**: {code(record.error or '')}\n")
            continue
        latex, end = sentence(record) if record.usable else (record.latex, "")
        latex = within(latex) if is_display(latex) else latex
        follows = f", followed by {code(end)}" if end else ""
        parts.append(f"{code(each.id)} ({code(each.alias)}): {judged(record)}{follows}\n")
        shown = (
            f"$$\n{in_markdown(latex)}\n$$"
            if record.usable
            else f"```latex\n{one_line(latex)}\n```"
        )
        parts.append(f"{shown}\n")
    return "\n".join(parts)
