"""Pages with readings -> records: joins derivations, applies corrections, sets the status."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from hmer_cli import console
from hmer_cli.document.aligned import group_derivations, joined
from hmer_cli.document.corrections import Correction, Corrections
from hmer_cli.document.records import Evidence, PageRead, Record, RegionReading
from hmer_cli.errors import InputError, InternalError, input_error
from hmer_cli.expr.to_latex import to_latex
from hmer_cli.expr.validity import problems
from hmer_cli.geometry import Box

LOW = 0.5
"""Under this confidence an expression is more likely wrong than right."""

_OUTVOTED = 0.85
"""A formula read with more confidence is no words, whatever the line reader says."""

_SHORTEST, _VOWELS = 3, "aeiou"  # convention: a word has three letters, one of them such


def records_of(pages: Iterable[PageRead], corrections: Corrections) -> Iterator[Record]:
    """The records of all pages, in their order, corrected.

    A page without mathematics is a failure only if its whole source has none, as notes have title
    pages and prose.
    """
    for _, group in groupby(pages, key=lambda page: page.source):
        source = list(group)
        empty = not any(page.result.expressions for page in source)
        for page in source:
            try:
                records = list(_with_failures(page, empty, corrections))
            except Exception as error:
                where = f"{page.source}: page {page.number}"
                records = [_failure(page, None, input_error(where, error))]
            yield from records


def _with_failures(page: PageRead, empty: bool, corrections: Corrections) -> Iterator[Record]:
    """The records of one page; ``empty``: no page of its source has an expression."""
    if page.error is not None:
        yield _failure(page, None, page.error)
    elif empty:
        nothing = f"{page.source}: nothing to read on page {page.number}"
        remedy = "no mathematics found: is it blank, or prose alone?"
        yield _failure(page, None, InputError(nothing, remedy))
    yield from page_records(page, corrections)


def page_records(page: PageRead, corrections: Corrections) -> Iterator[Record]:
    """The records of the expressions on one page, in their order, corrected."""
    # A line that was corrected by itself stays the line that it was then.
    for group in group_derivations(page.result.expressions, corrections):
        record = _corrected(page, joined(group), corrections)
        if len(group) > 1:
            lines = tuple(_corrected(page, line, corrections) for line in group)
            record = replace(record, lines=lines)
        yield record


def _corrected(page: PageRead, expression: RegionReading, corrections: Corrections) -> Record:
    place = (page.file, page.number or 1, expression.box)
    return _record(page, expression, corrections.find(expression.key, *place))


def _record(page: PageRead, expression: RegionReading, correction: Correction | None) -> Record:
    """The record of a reading; a correction, which was checked when loaded, replaces it."""
    reading = expression.reading
    evidence = None
    if page.picture is not None:
        evidence = Evidence(expression.key, page.file, expression.box, reading.tokens, page.picture)
    label = reading.label if correction is None else correction.label
    if not label.strip() and correction is None:
        nothing = InputError(f"{page.source}: nothing was read on page {page.number}")
        return replace(_failure(page, expression.region, nothing), evidence=evidence)
    confidence = reading.confidence if correction is None else 1.0
    found = problems(label) if correction is None else []
    doubt = found[0].message if found else None
    if doubt is None and correction is None:
        doubt = _as_words(expression)
    return Record(
        source=page.source,
        page=page.number,
        region=expression.region,
        latex=correction.typed if correction else label if found else to_latex(label),
        label=label,
        confidence=confidence,
        status="low" if doubt or confidence < LOW else "ok",
        error=doubt,
        model=page.result.model,
        correction=correction.typed if correction else None,
        alternatives=reading.alternatives if correction is None else (),
        tokens=reading.tokens,
        evidence=evidence,
    )


def _as_words(expression: RegionReading) -> str | None:
    """Why an expression may be words; None where it is not likely."""
    if is_word(expression.reading.label):
        return "letters alone, as of a word"
    if expression.words and expression.reading.confidence < _OUTVOTED:
        return f"may be words: {expression.words}"
    return None


def is_word(label: str) -> bool:
    """Whether a label is no more than letters that could be a word: some of them vowels.

    Products of variables are seldom as long, or are written with other signs.
    """
    tokens = label.split()
    letters = all(len(token) == 1 and token.isascii() and token.isalpha() for token in tokens)
    lower = sum(token.islower() for token in tokens)
    vowels = sum(token.lower() in _VOWELS for token in tokens)
    return letters and len(tokens) >= _SHORTEST and lower >= len(tokens) - 1 and vowels > 0


def _failure(page: PageRead, region: Box | None, error: InputError) -> Record:
    message = console.one_line(error)
    return Record(
        source=page.source,
        page=page.number,
        region=region,
        latex="",
        confidence=0.0,
        status="failed",
        error=message,
        model=page.result.model,
        internal=isinstance(error, InternalError),
    )
