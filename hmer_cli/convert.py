"""``hmer convert``: inputs -> pages -> regions -> readings -> records -> outputs."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from hmer_cli import console
from hmer_cli.errors import HmerError, InputError, StrictError, UsageError
from hmer_cli.expr.validity import problems
from hmer_cli.outputs import STDOUT, Output
from hmer_cli.page.images import MAX_PIXELS, Pixels
from hmer_cli.page.open import PageRange, Sheet, open_sheets
from hmer_cli.page.regions import Region, find_regions
from hmer_cli.page.sources import Source, find_sources
from hmer_cli.read.reading import Reading
from hmer_cli.records import Record

LOW = 0.5
"""Under this confidence an expression is more likely wrong than right."""

_BATCH = 32
_JOBS = 4  # more only fill the memory with pages: reading takes longer than preparing


class Reader(Protocol):
    """What convert needs of a Recogniser."""

    @property
    def model(self) -> str:
        """The name of the weights."""
        ...

    def read(self, images: Sequence[Pixels]) -> list[Reading]:
        """One reading an image, in their order."""
        ...


def convert(
    inputs: Sequence[str],
    outs: Sequence[str] = (STDOUT,),
    *,
    pages: str | None = None,
    model: str | None = None,
    charset: str | None = None,
    jobs: int | None = None,
    recogniser: Reader | None = None,
) -> list[Record]:
    """Read every expression in ``inputs`` and write them to every one of ``outs``.

    ``pages`` chooses pages of PDFs and TIFFs (``1-4,7``); ``jobs`` threads prepare pages while
    others are read, and change no byte of what is written. The records are in the order of the
    inputs. An input that fails is told on stderr and in its record, and stops no other; when
    none gave an expression, only .jsonl and stdout are written and a document stays as it was.

    Raises UsageError and OutputError before anything is read, MissingError without weights.
    """
    outputs = [Output.parse(out) for out in dict.fromkeys(outs)]
    chosen = PageRange.parse(pages) if pages is not None else None
    if jobs is not None and jobs < 1:
        raise UsageError(f"--jobs {jobs}: there must be at least one")
    for output in outputs:
        output.check()
    records = list(read_records(inputs, recogniser or _load(model, charset), chosen, jobs))
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
    recogniser: Reader,
    pages: PageRange | None = None,
    jobs: int | None = None,
) -> Iterator[Record]:
    """The records of all inputs, in their order."""
    sources = _once(find_sources(inputs))
    with console.progress("reading", len(sources)) as advance:
        sheets = _sheets(sources, pages, advance)
        for batch in _batches(_prepared(sheets, jobs or min(_JOBS, os.cpu_count() or 1))):
            yield from _read(batch, recogniser)
            advance(len(batch), 0)


def _load(model: str | None, charset: str | None) -> Reader:
    from hmer_cli.read.recogniser import Recogniser

    return Recogniser.load(model, charset=charset)


def _once(sources: Iterable[Source]) -> list[Source]:
    """Each file once, however often it is named."""
    kept: dict[str, Source] = {}
    for source in sources:
        if source.key in kept:
            console.say(f"{source.name}: given more than once, converted once")
        kept.setdefault(source.key, source)
    return list(kept.values())


@dataclass(frozen=True)
class _Prepared:
    """A page ready to be read, or the error that it or its file met."""

    source: str
    page: int | None
    regions: tuple[Region, ...] = ()
    error: InputError | None = None


def _sheets(
    sources: Sequence[Source], pages: PageRange | None, advance: console.Advance
) -> Iterator[Sheet | _Prepared]:
    for source in sources:
        try:
            sheets = open_sheets(source, pages)
        except InputError as error:
            yield _Prepared(source.name, None, error=error)
            continue
        advance(0, len(sheets) - 1)
        yield from sheets


def _prepare(sheet: Sheet | _Prepared) -> _Prepared:
    if isinstance(sheet, _Prepared):
        return sheet
    try:
        regions = find_regions(sheet.draw())
        if not regions:
            raise InputError(f"{sheet.source}: no ink on page {sheet.number}", "is it blank?")
    except InputError as error:
        return _Prepared(sheet.source, sheet.number, error=error)
    return _Prepared(sheet.source, sheet.number, tuple(regions))


def _prepared(sheets: Iterable[Sheet | _Prepared], jobs: int) -> Iterator[_Prepared]:
    """Pages drawn in threads, a few ahead, in their order."""
    pool = ThreadPoolExecutor(jobs)
    waiting: deque[Future[_Prepared]] = deque()
    try:
        for sheet in sheets:
            waiting.append(pool.submit(_prepare, sheet))
            if len(waiting) > jobs:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _batches(pages: Iterable[_Prepared]) -> Iterator[list[_Prepared]]:
    """Pages enough to fill a batch; cut by what is on them, so that batches never vary."""
    batch: list[_Prepared] = []
    count = pixels = 0
    for page in pages:
        batch.append(page)
        count += max(1, len(page.regions))
        pixels += sum(region.image.size for region in page.regions)
        if count >= _BATCH or pixels >= MAX_PIXELS // 4:
            yield batch
            batch, count, pixels = [], 0, 0
    if batch:
        yield batch


def _read(batch: Sequence[_Prepared], recogniser: Reader) -> Iterator[Record]:
    images = [region.image for page in batch for region in page.regions]
    readings = iter(recogniser.read(images) if images else ())
    for page in batch:
        if page.error is not None:
            console.say(page.error)
            yield _failure(page.source, page.page, None, str(page.error), recogniser.model)
        for region in page.regions:
            yield _record(page, region, next(readings), recogniser.model)


def _record(page: _Prepared, region: Region, reading: Reading, model: str) -> Record:
    box = region.box
    corners = (round(box[0], 2), round(box[1], 2), round(box[2], 2), round(box[3], 2))
    if not reading.label.strip():
        message = f"{page.source}: nothing was read on page {page.page}"
        console.say(message)
        return _failure(page.source, page.page, corners, message, model)
    found = problems(reading.label)
    return Record(
        source=page.source,
        page=page.page,
        region=corners,
        latex=reading.label,
        confidence=round(float(reading.confidence), 4),
        status="low" if found or reading.confidence < LOW else "ok",
        error=found[0].message if found else None,
        model=model,
    )


def _failure(
    source: str,
    page: int | None,
    region: tuple[float, float, float, float] | None,
    error: str,
    model: str,
) -> Record:
    return Record(source, page, region, "", 0.0, "failed", console.one_line(error), model)


def _deliver(records: Sequence[Record], outputs: Sequence[Output]) -> None:
    nothing = all(record.status == "failed" for record in records)
    for output in outputs:
        if nothing and not output.is_log:
            console.say(f"{output.path}: left as it was, as nothing was read")
        else:
            output.write(records)
