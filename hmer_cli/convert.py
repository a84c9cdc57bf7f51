"""``hmer convert``: inputs -> pages -> regions -> readings -> records -> outputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from hmer_cli import console
from hmer_cli.errors import HmerError, InputError, StrictError, UsageError
from hmer_cli.expr.validity import problems
from hmer_cli.outputs import STDOUT, Output
from hmer_cli.page.open import PageRange
from hmer_cli.page.regions import Layout
from hmer_cli.page.sources import Source, find_sources
from hmer_cli.pipeline import Options, PageRead, read_pages
from hmer_cli.reader import LazyReader, Reader
from hmer_cli.records import Box, Evidence, Record
from hmer_cli.results import Expression, Results, setting_of

LOW = 0.5
"""Under this confidence an expression is more likely wrong than right."""


def convert(
    inputs: Sequence[str],
    outs: Sequence[str] = (STDOUT,),
    *,
    pages: str | None = None,
    layout: Layout = "auto",
    model: str | None = None,
    charset: str | None = None,
    jobs: int | None = None,
    corrections: Mapping[str, str] | None = None,
    cache: Path | None = None,
    recogniser: Reader | None = None,
) -> list[Record]:
    """Read every expression in ``inputs`` and write them to every one of ``outs``.

    ``pages`` chooses pages of PDFs and TIFFs (``1-4,7``); ``jobs`` threads prepare pages while
    others are read, and change no byte of what is written. ``corrections`` are labels by the key
    of their region. What was read is kept in the folder ``cache``, where one is given, for later
    runs. The records are in the order of the inputs. An input that fails is told on stderr and
    in its record, and stops no other; when none gave an expression, only .jsonl and stdout are
    written and a document stays as it was.

    Raises UsageError and OutputError before anything is read, MissingError without weights.
    """
    outputs = [Output.parse(out) for out in dict.fromkeys(outs)]
    if jobs is not None and jobs < 1:
        raise UsageError(f"--jobs {jobs}: there must be at least one")
    options = Options(
        PageRange.parse(pages) if pages is not None else None,
        layout,
        jobs,
        pictures=any(output.shows_evidence for output in outputs),
    )
    for output in outputs:
        output.check()
    reader = recogniser or _load(model, charset)
    with _results(reader, layout, cache) as results:
        records = list(read_records(inputs, reader, results, options, corrections or {}))
        _deliver(records, outputs)
    return records


def outcome(records: Sequence[Record], *, strict: bool = False) -> HmerError | None:
    """What the run's exit code should say: nothing where all went well."""
    failed = sum(record.status == "failed" for record in records)
    doubtful = sum(record.status == "low" for record in records)
    if strict and doubtful:
        return StrictError(f"{doubtful} of {len(records)} expressions are low or not valid LaTeX")
    if failed:
        return InputError(f"{failed} failed, {len(records) - failed} converted")
    return None


def read_records(
    inputs: Sequence[str],
    reader: Reader,
    results: Results,
    options: Options,
    corrections: Mapping[str, str],
) -> Iterator[Record]:
    """The records of all inputs, in their order; failures are said as they come."""
    sources = _once(find_sources(inputs))
    with console.progress("reading", len(sources)) as advance:
        for page in read_pages(sources, reader, results, options, advance):
            for record in _records(page, reader, results, options, corrections):
                if record.error and record.status == "failed":
                    console.say(record.error)
                yield record


def _load(model: str | None, charset: str | None) -> Reader:
    return LazyReader(model, charset)


def _results(reader: Reader, layout: Layout, folder: Path | None) -> Results:
    """Results are kept where the reader says who it is: others may read otherwise next time."""
    identity = getattr(reader, "identity", None)
    if identity is None or folder is None:
        return Results(None, layout)
    return Results(folder, setting_of(identity, layout))


def _once(sources: Iterable[Source]) -> list[Source]:
    """Each file once, however often it is named."""
    kept: dict[str, Source] = {}
    for source in sources:
        if source.key in kept:
            console.say(f"{source.name}: given more than once, converted once")
        kept.setdefault(source.key, source)
    return list(kept.values())


def _records(
    page: PageRead,
    reader: Reader,
    results: Results,
    options: Options,
    corrections: Mapping[str, str],
) -> Iterator[Record]:
    if page.error is not None:
        yield _failure(page, None, str(page.error), reader.model)
    if page.result is None:
        return
    if not page.result.expressions:
        nothing = InputError(f"{page.source}: no ink on page {page.number}", "is it blank?")
        yield _failure(page, None, str(nothing), page.result.model)
    picture = results.picture(page.key) if options.pictures else None
    for each in page.result.expressions:
        record = _record(page, each, page.result.model)
        if each.key in corrections:
            record = _corrected(record, corrections[each.key])
        if picture is not None:
            tokens = each.reading.tokens if record.latex == each.reading.label else ()
            record = replace(record, evidence=Evidence(each.key, each.box, tokens, picture))
        yield record


def _record(page: PageRead, expression: Expression, model: str) -> Record:
    reading = expression.reading
    if not reading.label.strip():
        message = f"{page.source}: nothing was read on page {page.number}"
        return _failure(page, expression.region, message, model)
    found = problems(reading.label)
    return Record(
        source=page.source,
        page=page.number,
        region=expression.region,
        latex=reading.label,
        confidence=reading.confidence,
        status="low" if found or reading.confidence < LOW else "ok",
        error=found[0].message if found else None,
        model=model,
    )


def _corrected(record: Record, label: str) -> Record:
    """What a person typed stands, unless LaTeX would stumble over it."""
    found = problems(label)
    return replace(
        record,
        latex=label,
        confidence=1.0,
        status="low" if found else "ok",
        error=found[0].message if found else None,
    )


def _failure(page: PageRead, region: Box | None, error: str, model: str) -> Record:
    message = console.one_line(error)
    return Record(page.source, page.number, region, "", 0.0, "failed", message, model)


def _deliver(records: Sequence[Record], outputs: Sequence[Output]) -> None:
    nothing = all(record.status == "failed" for record in records)
    for output in outputs:
        if nothing and not output.is_log:
            console.say(f"{output.path}: left as it was, as nothing was read")
        else:
            output.write(records)
