"""Streaming pipeline: sources -> sheets -> pages -> regions -> readings, in input order.

Pages are prepared in threads, a few ahead, and recognised in batches; cached results (`cache`) are
not recomputed.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import cv2

from hmer_cli import console
from hmer_cli.console import Advance
from hmer_cli.document.boxes import PageBoxes
from hmer_cli.document.cache import Cache
from hmer_cli.document.cases import reading_of, readings_of
from hmer_cli.document.comma_lists import parted_at_commas
from hmer_cli.document.corrections import Corrections
from hmer_cli.document.find_mathematics import find_mathematics
from hmer_cli.document.formula_or_words import is_formula, is_words
from hmer_cli.document.left_out import doubts_beside, said_of, said_of_page
from hmer_cli.document.loose_ends import of_list, without_loose_ends
from hmer_cli.document.math_regions import NO_REGIONS, MathRegions
from hmer_cli.document.orientation import (
    DOUBTFUL,
    as_read,
    mean_confidence,
    transform_of,
    upright,
)
from hmer_cli.document.page_agreement import agreeing
from hmer_cli.document.page_files import PageFiles
from hmer_cli.document.records import (
    PageRead,
    Picture,
    RegionReading,
    Result,
    TextWord,
    Transform,
)
from hmer_cli.document.region_readings import handwriting_of, region_reading
from hmer_cli.document.region_trust import trusted
from hmer_cli.document.text_in_regions import as_sign_alone, as_words, below, cut_off
from hmer_cli.document.unread_ink import with_signs
from hmer_cli.errors import InputError, input_error
from hmer_cli.geometry import Box, quarters_of
from hmer_cli.models.session import cores
from hmer_cli.page.ink_box import ink_box
from hmer_cli.page.load.images import MAX_PIXELS, Pixels
from hmer_cli.page.load.pages import Page, PageRange, Sheet, open_sheets
from hmer_cli.page.load.pdf import Renderer
from hmer_cli.page.load.sources import Source
from hmer_cli.page.load.worker import Worker
from hmer_cli.page.regions import Layout, Region
from hmer_cli.recognition.lazy import Reader, allowed_tokens
from hmer_cli.recognition.reading import Reading
from hmer_cli.recognition.thread_pool import Gate, finished, submitted

IN_FLIGHT = MAX_PIXELS
"""Pixels of the pages prepared at a time, so that memory does not grow with ``jobs``."""

_JOBS = 4  # more only fill the memory with pages: reading takes longer than preparing
_SHOWN = 1600  # pixels of the longer side of a picture
_QUALITY = 60


@dataclass(frozen=True)
class Options:
    """How pages are read.

    ``pages`` are those of PDFs and TIFFs; ``jobs`` threads prepare pages while others are read;
    ``pictures`` of the pages are stored if an output shows them; ``look`` is called with every page
    and its regions; readings come with their ``handwriting`` if an output needs it; both bypass the
    cache. ``text``: words are read, too; ``batch``: regions recognised at a time; ``renderer``
    renders the pages of PDFs; ``corrections`` may cut their regions anew.
    """

    pages: PageRange | None = None
    layout: Layout = "auto"
    jobs: int | None = None
    pictures: bool = False
    look: Callable[[Page, Sequence[Region]], None] | None = None
    handwriting: bool = False
    text: bool = False
    batch: int = 8  # after as many at most, what was read is safe
    renderer: Renderer = "pdfium"
    corrections: Corrections | None = None


@dataclass(frozen=True)
class _Work:
    """A page in the pipeline.

    ``known`` is its cached result; ``sheet`` is set until it is rendered, then ``drawn``; it stays
    ``opened`` where corrections may need it again; ``found`` are the regions to be recognised.
    """

    source: str
    original: Callable[[], bytes]
    number: int | None = None
    file: str = ""
    key: str = ""
    known: Result | None = None
    sheet: Sheet | None = None
    opened: Sheet | None = None
    drawn: Sheet | None = None
    found: MathRegions = NO_REGIONS
    picture: Picture | None = None
    to_source: Transform | None = None
    error: InputError | None = None

    @property
    def regions(self) -> tuple[Region, ...]:
        """The regions to be recognised."""
        return self.found.regions


def read_pages(
    sources: Iterable[Source],
    reader: Reader,
    results: Cache | PageFiles,
    options: Options,
    advance: Advance,
) -> Iterator[PageRead]:
    """Every page of every source, in order; a page that fails has an ``error``."""
    worker = Worker()
    try:
        work = _opened(sources, results, options, advance, worker)
        for batch in _batches(_prepared(work, options), options.batch):
            yield from _read(batch, reader, results, options)
            advance(len(batch), 0)
    finally:  # before the interpreter waits for threads that may wait for the worker
        worker.stop()


def _opened(
    sources: Iterable[Source],
    results: Cache | PageFiles,
    options: Options,
    advance: Advance,
    worker: Worker,
) -> Iterator[_Work]:
    for source in sources:
        try:
            data = source.read()
            held = _holding(source, data)
            sheets = open_sheets(held, options.pages, options.renderer, worker)
        except Exception as error:
            yield _Work(source.name, source.read, error=input_error(source.name, error))
            continue
        advance(0, len(sheets) - 1)
        digest = hashlib.sha256(data).hexdigest()
        for sheet in sheets:
            if sheet.ink is not None and sheet.ink.left_out:
                console.say(f"{sheet.source}: page {sheet.number}: {said_of(sheet.ink)}")
            yield _looked_up(source, sheet, digest, results, options)


def _holding(source: Source, data: bytes) -> Source:
    return replace(source, read=lambda: data)


def _looked_up(
    source: Source, sheet: Sheet, digest: str, results: Cache | PageFiles, options: Options
) -> _Work:
    key = results.key(digest, sheet.number)
    opened = sheet if options.corrections is not None else None
    work = _Work(source.name, source.read, sheet.number, digest, key, sheet=sheet, opened=opened)
    if options.look is not None or options.handwriting:
        return work
    known = results.find(key)
    shown = not options.pictures or results.picture(key) is not None
    return replace(work, known=known, sheet=None if known and shown else sheet)


def _prepared(work: Iterable[_Work], options: Options) -> Iterator[_Work]:
    """Pages rendered in threads, a few ahead, in order."""
    jobs = options.jobs or min(_JOBS, cores())
    gate = Gate(IN_FLIGHT)
    pool = ThreadPoolExecutor(jobs)
    waiting: deque[Future[_Work]] = deque()
    prepare = partial(_prepare, options=options, gate=gate)
    try:
        for each in work:
            known = each.sheet is None
            waiting.append(finished(each) if known else submitted(pool, prepare, each))
            if len(waiting) > jobs:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _prepare(work: _Work, options: Options, gate: Gate) -> _Work:
    assert work.sheet is not None
    try:
        with gate.taking(work.sheet.measure()):
            return _prepared_page(work, work.sheet, options)
    except Exception as error:
        what = f"{work.source}: page {work.number}"
        return replace(work, sheet=None, error=input_error(what, error))


def _prepared_page(work: _Work, sheet: Sheet, options: Options) -> _Work:
    page = sheet.draw() if work.known is None else as_read(sheet.draw(), work.known.to_source)
    found = NO_REGIONS if work.known else find_mathematics(page, options.layout, options.text)
    found = replace(found, doubts=doubts_beside(found.regions, found.doubts, sheet.ink))
    for what in said_of_page(page, found.too_pale):
        console.say(f"{work.source}: page {work.number}: {what}")
    picture = _picture(page.image) if options.pictures else None
    if options.look is not None:
        options.look(page, found.regions)
    blank = not found.regions and ink_box(page.image) is None  # whichever way up
    drawn = None if work.known or page.written or blank or found.upright else sheet
    return replace(
        work,
        sheet=None,
        drawn=drawn,
        found=found,
        picture=picture,
        to_source=transform_of(page),
    )


def _picture(image: Pixels) -> Picture:
    height, width = image.shape
    scale = min(1.0, _SHOWN / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    data = cv2.imencode(".webp", small, [cv2.IMWRITE_WEBP_QUALITY, _QUALITY])[1].tobytes()
    return Picture(width, height, lambda: data)


def _batches(pages: Iterable[_Work], most: int) -> Iterator[list[_Work]]:
    """Group pages into batches by their regions alone, so that batches are deterministic."""
    batch: list[_Work] = []
    count = pixels = 0
    for page in pages:
        batch.append(page)
        count += max(1, len(page.regions))
        pixels += sum(region.image.size for region in page.regions)
        if count >= most or pixels >= MAX_PIXELS // 4:
            yield batch
            batch, count, pixels = [], 0, 0
    if batch:
        yield batch


def _read(
    batch: Sequence[_Work], reader: Reader, results: Cache | PageFiles, options: Options
) -> Iterator[PageRead]:
    """Recognise the regions of the batch; new results are cached before they are yielded."""
    batch, found = _recognised(batch, reader, options)
    done = [pair for pair in zip(batch, found, strict=True) if pair[0].error is None]
    results.keep(
        {work.key: result for work, result in done if work.known is None},
        {work.key: work.picture for work, _ in done if work.picture is not None},
    )
    for work, result in zip(batch, found, strict=True):
        picture = (results.picture(work.key) or work.picture) if options.pictures else None
        page = PageRead(work.source, work.number, result, work.file, work.error, picture)
        page = replace(page, original=work.original)
        try:
            yield _recut(page, work.opened, reader, results, options)
        except Exception as error:
            yield replace(page, error=input_error(f"{work.source}: page {work.number}", error))


def _recut(
    page: PageRead,
    sheet: Sheet | None,
    reader: Reader,
    results: Cache | PageFiles,
    options: Options,
) -> PageRead:
    """The page with the regions that a person cut, read anew."""
    if page.error is not None or sheet is None or options.corrections is None:
        return page

    def key(box: Box) -> str:
        return results.key(f"{page.file} {box}", sheet.number)

    def reading_of(region: Region, reading: Reading) -> RegionReading:
        found = region_reading(region, reading, allowed=allowed_tokens(reader))
        if not options.handwriting:
            return found
        return replace(found, handwriting=handwriting_of(region, page.result.to_source))

    boxes = PageBoxes(
        sheet.draw,
        page.result.to_source,
        reader,
        known=lambda box: None if options.handwriting else results.find(key(box)),
        keep=lambda box, result: results.keep({key(box): result}, {}),
        reading_of=reading_of,
    )
    result, typed, recuts = options.corrections.recut(
        page.file, sheet.number, page.result, boxes.read
    )
    entries = tuple(recut.entry() for recut in recuts)
    return replace(page, result=result, typed=typed, recuts=entries)


def _recognised(
    batch: Sequence[_Work], reader: Reader, options: Options
) -> tuple[Sequence[_Work], list[Result]]:
    """The batch and the results of its pages; after an error, page by page."""
    try:
        readings = iter(readings_of([work.regions for work in batch], reader))
        read = [(work, _result(work, readings, reader, options)) for work in batch]
        pairs = [_upright(*each, reader, options) for each in read]
        return [work for work, _ in pairs], [trusted(result) for _, result in pairs]
    except Exception as error:
        if len(batch) == 1:
            failure = input_error(f"{batch[0].source}: page {batch[0].number}", error)
            work = replace(batch[0], known=None, found=NO_REGIONS, picture=None, error=failure)
            return [work], [Result("", ())]
        input_error("the run", error)  # raised where it concerns all of them
    singles = [_recognised([work], reader, options) for work in batch]
    return [work for (work,), _ in singles], [result for _, (result,) in singles]


def _result(work: _Work, readings: Iterator[Reading], reader: Reader, options: Options) -> Result:
    if work.known is not None or work.error is not None:
        return work.known or Result("", ())  # to name weights would be to load them
    among_text = options.layout != "expression" and len(work.regions) > 1
    turned = quarters_of(work.to_source)
    allowed = allowed_tokens(reader)
    said: list[TextWord] = []
    read: list[tuple[Region, RegionReading]] = []
    both = zip(work.found, work.found.about, strict=True)
    for (region, words, sure, added, doubt), about in both:
        reading = reading_of(region, readings)
        if among_text and is_words(reading, words, sure):
            said.append(as_words(region.box, reading, words, sure))
        elif added and not is_formula(reading):
            said.append(as_sign_alone(region.box, reading))
        else:
            expression = region_reading(region, reading, words, doubt, allowed)
            read.append((region, replace(expression, surroundings=about)))
    found: list[RegionReading] = []
    agreed = agreeing([expression for _, expression in read], allowed)
    for (region, _), expression, item in zip(read, agreed, of_list(agreed), strict=True):
        whole = without_loose_ends(expression, turned, item) if among_text else expression
        said += cut_off(expression, whole, work.to_source)
        parts = parted_at_commas(whole, turned) if among_text else [expression]
        same = parts[0].reading.label == expression.reading.label
        if options.handwriting and same:  # else the ink holds more than the label says
            parts = [replace(parts[0], handwriting=handwriting_of(region, work.to_source))]
        found += parts
    if not options.text:
        return Result(reader.model, tuple(found), work.to_source)
    text = tuple(with_signs(work.found.text, work.found.unread, reader))
    shown = below(text, said)
    return Result(reader.model, tuple(found), work.to_source, shown, work.found.drawings)


def _upright(work: _Work, result: Result, reader: Reader, options: Options) -> tuple[_Work, Result]:
    """The page and its result, or those of the way up that is read with far more confidence."""
    readings = [expression.reading for expression in result.expressions]
    if work.drawn is None or work.error is not None or mean_confidence(readings) >= DOUBTFUL:
        return work, result
    turned = upright(work.drawn.draw, work.regions, readings, reader, options.layout)
    if turned is None:
        return work, result
    picture = _picture(turned.image) if options.pictures else None
    maths = find_mathematics(turned, options.layout, options.text)
    if options.look is not None:
        options.look(turned, maths.regions)
    work = replace(work, found=maths, picture=picture, to_source=transform_of(turned))
    anew = iter(readings_of([work.regions], reader))
    return work, _result(work, anew, reader, options)
