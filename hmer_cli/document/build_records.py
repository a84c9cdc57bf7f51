"""What is said of the pages: a record for each expression on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from hmer_cli import console
from hmer_cli.document.aligned import join_derivations
from hmer_cli.document.corrections import Correction, Corrections
from hmer_cli.document.records import Evidence, PageRead, Record, RegionReading
from hmer_cli.errors import InputError, InternalError, input_error
from hmer_cli.expr.to_latex import to_latex
from hmer_cli.expr.validity import problems
from hmer_cli.geometry import Box

LOW = 0.5
"""Under this confidence an expression is more likely wrong than right."""


def records_of(pages: Iterable[PageRead], corrections: Corrections) -> Iterator[Record]:
    """The records of all pages, in their order, corrected.

    A page without mathematics is a failure only where its whole source has none: notes have
    title pages and prose.
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
        yield _failure(page, None, InputError(nothing, "is it blank, or prose alone?"))
    yield from page_records(page, corrections)


def page_records(page: PageRead, corrections: Corrections) -> Iterator[Record]:
    """The records of the expressions on one page, in their order, corrected."""
    # A line that was corrected by itself stays the line that it was then.
    for expression in join_derivations(page.result.expressions, corrections):
        place = (page.file, page.number or 1, expression.box)
        yield _record(page, expression, corrections.find(expression.key, *place))


def _record(page: PageRead, expression: RegionReading, correction: Correction | None) -> Record:
    """What a person typed stands as it is; it was found to be sound when it was loaded."""
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
    return Record(
        source=page.source,
        page=page.number,
        region=expression.region,
        latex=correction.typed if correction else label if found else to_latex(label),
        label=label,
        confidence=confidence,
        status="low" if found or confidence < LOW else "ok",
        error=found[0].message if found else None,
        model=page.result.model,
        correction=correction.typed if correction else None,
        tokens=reading.tokens,
        evidence=evidence,
    )


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
