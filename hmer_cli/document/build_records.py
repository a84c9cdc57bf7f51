"""Pages with readings -> records, one per expression.

Joins derivations (`aligned`), applies corrections, and sets the status: ok, low or failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from statistics import median

from hmer_cli import console
from hmer_cli.document.aligned import group_derivations, joined
from hmer_cli.document.corrections import Correction, Corrections, typed_correction
from hmer_cli.document.records import Evidence, PageRead, Record, RegionReading, Transform
from hmer_cli.errors import InputError, InternalError, input_error
from hmer_cli.expr.to_latex import to_latex
from hmer_cli.expr.validity import problems
from hmer_cli.geometry import Box, projected
from hmer_cli.recognition.reading import TokenReading

LOW = 0.5
"""Under this confidence an expression is more likely wrong than right."""

_DOUBTFUL = 0.25
"""Confidence of what is read of a notation that no label can say, at most; convention."""

_HALF_SIGN = 0.5
"""Typical signs by which an edge of a region may move and all its signs stay in it; convention."""

_LARGER = "larger"

_OUTVOTED = 0.85
"""A formula read with more confidence is no words, whatever the line reader says."""

_SHORTEST, _VOWELS = 3, "aeiou"  # convention: a word has three letters, one of them such


def records_of(pages: Iterable[PageRead], corrections: Corrections) -> Iterator[Record]:
    """The records of all pages, in their order, corrected.

    A page without mathematics is a failure only if its whole source has none, as notes have title
    pages and prose; it is ``prose`` if that has words, which were asked for.
    """
    for _, group in groupby(pages, key=lambda page: page.source):
        source = list(group)
        empty = not any(page.result.expressions for page in source)
        prose = any(word.is_read for page in source for word in page.result.text)
        beside: tuple[Record, ...] = ()
        if not empty:
            beside = tuple(filter(None, map(_without_any, source)))
        for page in source:
            try:
                records = list(_with_failures(page, empty, prose, corrections))
            except Exception as error:
                where = f"{page.source}: page {page.number}"
                records = [_failure(page, None, input_error(where, error))]
            for record in records:
                yield replace(record, beside=beside)
                beside = ()


def _with_failures(
    page: PageRead, empty: bool, prose: bool, corrections: Corrections
) -> Iterator[Record]:
    """The records of one page; ``empty``: no page of its source has an expression; ``prose``: one
    has words."""
    if page.error is not None:
        yield _failure(page, None, page.error)
    elif empty:
        nothing = f"{page.source}: nothing to read on page {page.number}"
        remedy = "no mathematics found: is it blank, or prose alone?"
        failed = _failure(page, None, InputError(nothing, remedy))
        yield replace(failed, evidence=_whole_page(page), prose=prose)
    yield from page_records(page, corrections)


def _without_any(page: PageRead) -> Record | None:
    """A record of a page on which nothing was found, though on others of its source; None for any
    other, and where it cannot be shown."""
    shown = _whole_page(page)
    if page.error is not None or page.result.expressions or shown is None:
        return None
    found = _failure(page, None, InputError("no mathematics was found on this page"))
    return replace(found, evidence=shown, prose=True)


def _whole_page(page: PageRead) -> Evidence | None:
    """The page on which nothing was found, for a person to show where something is."""
    if page.picture is None:
        return None
    box = (0.0, 0.0, float(page.picture.width), float(page.picture.height))
    return Evidence("", page.file, box, (), page.picture, page.recuts, page.original)


def page_records(page: PageRead, corrections: Corrections) -> Iterator[Record]:
    """The records of the expressions on one page, in their order, corrected."""
    for group in _groups(page, corrections):
        record = _corrected(page, joined(group), corrections)
        if len(group) > 1:
            lines = tuple(_corrected(page, line, corrections) for line in group)
            record = replace(_as_doubtful(record, lines), lines=lines)
        yield record


def _as_doubtful(whole: Record, lines: Sequence[Record]) -> Record:
    """The record of a derivation, which is doubtful where one of its lines is."""
    doubt = next((line.error for line in lines if line.error), None)
    if whole.correction is not None or whole.error is not None or doubt is None:
        return whole
    return replace(whole, status="low", error=doubt)


def _groups(page: PageRead, corrections: Corrections) -> list[list[RegionReading]]:
    """The expressions, the lines of each derivation in one group.

    A line that was corrected by itself stays the line that it was then, unless the derivation was
    corrected as a whole, too. A region that a person cut stays that.
    """
    expressions, place = page.result.expressions, (page.file, page.number or 1)
    cut = {each.key for each in expressions if each.box in page.typed}
    alone = {each.key for each in expressions if corrections.has(each, *place)} | cut
    for group in group_derivations(expressions):
        if len(group) > 1 and corrections.is_of(group, *place):
            alone -= {line.key for line in group}
    return group_derivations(expressions, alone)


def _corrected(page: PageRead, expression: RegionReading, corrections: Corrections) -> Record:
    place = (page.file, page.number or 1, expression.box)
    correction = corrections.find(expression.key, *place)
    latex = page.typed.get(expression.box)
    if correction is None and latex is not None:
        correction = typed_correction(latex)
    other = None if correction is None else _other_box(correction, expression)
    if correction is None or other is None:
        return _record(page, expression, correction)
    if correction.label:
        doubt = f"corrected when its box was {other}"
        record = _record(page, expression, correction)
        evidence = record.evidence
        if evidence is not None and correction.box is not None:
            evidence = replace(evidence, meant=(correction.key, correction.box))
        return replace(record, confidence=LOW, status="low", error=doubt, evidence=evidence)
    if other == _LARGER:
        return _record(page, expression, correction)
    doubt = expression.doubt or f"no mathematics when its box was {other}"  # now it holds more
    return _record(page, replace(expression, doubt=doubt), None)


def _other_box(correction: Correction, expression: RegionReading) -> str | None:
    """How the box of a correction was that is known by its place alone, where that is plainly
    another, so that signs came to the region or went; None where it was as now."""
    old, new = correction.box, expression.box
    if old is None or correction.key == expression.key:
        return None
    heights = [t.box[3] - t.box[1] for t in expression.reading.tokens if t.box[3] > t.box[1]]
    room = _HALF_SIGN * (median(heights) if heights else min(new[3] - new[1], old[3] - old[1]))
    grown = max(old[0] - new[0], old[1] - new[1], new[2] - old[2], new[3] - old[3])
    shrunk = max(new[0] - old[0], new[1] - old[1], old[2] - new[2], old[3] - new[3])
    if max(grown, shrunk) <= room:
        return None
    return _LARGER if grown <= room else "smaller" if shrunk <= room else "another"


def _record(page: PageRead, expression: RegionReading, correction: Correction | None) -> Record:
    """The record of a reading; a correction, which was checked when loaded, replaces it."""
    reading = expression.reading
    evidence = None
    if page.picture is not None:
        evidence = Evidence(
            expression.key,
            page.file,
            expression.box,
            reading.tokens,
            page.picture,
            page.recuts,
            page.original,
            reading.label,
        )
    label = reading.label if correction is None else correction.label
    if not label.strip() and correction is None:
        what = f"{page.source}: nothing was read on page {page.number}"
        nothing = InputError(what, "crop it to one expression, or type it on the review page")
        failed = _failure(page, expression.region, nothing)
        return replace(failed, key=expression.key, evidence=evidence)
    confidence = reading.confidence if correction is None else 1.0
    found = problems(label) if correction is None else []
    doubt = found[0].message if found else None
    if doubt is None and correction is None and expression.doubt:
        doubt, confidence = expression.doubt, min(confidence, _DOUBTFUL)
    elif doubt is None and correction is None:
        doubt = _as_words(expression)
    return Record(
        source=page.source,
        page=page.number,
        region=expression.region,
        latex=correction.typed if correction else label if found else to_latex(label),
        label=label,
        key=expression.key,
        confidence=confidence,
        status="low" if doubt or confidence < LOW else "ok",
        error=doubt,
        model=page.result.model,
        correction=correction.typed if correction else None,
        alternatives=reading.alternatives if correction is None else (),
        tokens=_in_source(reading.tokens, page.result.to_source),
        evidence=evidence,
        handwriting=expression.handwriting,
    )


def _in_source(
    tokens: Sequence[TokenReading], to_source: Transform | None
) -> tuple[TokenReading, ...]:
    """The tokens with the boxes round what theirs on the page's image are in the source."""
    if to_source is None or not tokens:
        return tuple(tokens)
    boxes = projected([token.box for token in tokens], to_source).round(2).tolist()
    return tuple(replace(token, box=tuple(box)) for token, box in zip(tokens, boxes, strict=True))


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
