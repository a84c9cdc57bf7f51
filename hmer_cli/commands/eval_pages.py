"""``hmer eval`` on labelled pages: regions and readings scored end to end.

Input: pages with true expressions. Output: an `EndToEnd` evaluation of what ``hmer convert`` gives.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from hmer_cli import console
from hmer_cli.api import Converter
from hmer_cli.datasets.pages import PageDataset, TruePage
from hmer_cli.document.build_records import records_of
from hmer_cli.document.corrections import Corrections
from hmer_cli.document.ids import by_line, named
from hmer_cli.document.pipeline import Options
from hmer_cli.document.records import Record
from hmer_cli.metrics.pages import PageScore, ReadExpression, as_json, as_tables, as_tsv, score_page
from hmer_cli.metrics.regions import PageOutcome
from hmer_cli.metrics.tables import Table
from hmer_cli.page.load.pages import PageRange
from hmer_cli.recognition.lazy import Reader


@dataclass(frozen=True)
class PageEvaluation:
    """The score of every page, in the order of their names; ``seconds`` of wall time."""

    dataset: str
    model: str
    pages: tuple[PageScore, ...]
    seconds: float

    @property
    def outcomes(self) -> tuple[PageOutcome, ...]:
        """The boxes of every page."""
        return tuple(page.regions for page in self.pages)

    @property
    def failed(self) -> int:
        """The number of pages that could not be read."""
        return sum(page.error is not None for page in self.pages)

    def as_json(self) -> str:
        """The scores and every page, as a JSON object."""
        return as_json(self.pages, self.dataset, self.model, self.seconds)

    def as_tsv(self) -> str:
        """Every true expression with its reading, one a line."""
        return as_tsv(self.pages)

    def as_tables(self) -> list[Table]:
        """Tables of the scores, of the worst pages and of the worst readings."""
        return as_tables(self.pages, self.model, self.seconds)


def evaluate(dataset: PageDataset, reader: Reader) -> PageEvaluation:
    """Convert the pages and score the records.

    Raises MissingError if the weights of the detector are not installed.
    """
    converter = Converter(recogniser=reader)
    started = time.perf_counter()
    with console.progress("reading", len(dataset.pages)) as advance:
        groups = groupby(dataset.pages, key=lambda page: page.source.name)
        scores = [
            score for _, group in groups for score in _scored(list(group), converter, advance)
        ]
    seconds = time.perf_counter() - started
    return PageEvaluation(dataset.path, reader.model, tuple(scores), seconds)


def _scored(
    pages: Sequence[TruePage], converter: Converter, advance: console.Advance
) -> Iterator[PageScore]:
    """The scores of pages of one file."""
    numbers = PageRange(tuple((page.number, page.number) for page in pages), "those with a truth")
    reads = list(converter.read_sources([pages[0].source], Options(numbers)))
    whole = named(list(records_of(reads, Corrections())))
    records = [each.record for each in by_line(whole)]
    errors = {read.number: str(read.error) for read in reads if read.error is not None}
    errors |= {record.page: str(record.error) for record in records if record.internal}
    bugs = {record.page for record in records if record.internal}
    for page in pages:
        error = errors.get(page.number, errors.get(None))
        if error is None and all(read.number != page.number for read in reads):
            error = str(page.absent())
        if error is not None:
            console.say(error)
        mine = [_read(record) for record in records if record.page == page.number and record.region]
        score = score_page(page.name, page.expressions or (), mine, page.skip, error)
        yield replace(score, is_bug=not bugs.isdisjoint((page.number, None)))
        advance(1, 0)


def _read(record: Record) -> ReadExpression:
    assert record.region is not None
    ok = record.status == "ok"
    return ReadExpression(record.region, record.label, record.confidence, ok)
