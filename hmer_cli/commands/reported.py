"""Records -> lines on stderr: what failed and, with --verbose, what was read.

Input: the records of a run, as they come. Output: the same, unchanged. Pages of one source that
failed for one reason share a line, as a book of prose may have hundreds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from hmer_cli import console
from hmer_cli.document.records import Record

_NAMED = 20  # runs of pages named in a line # convention


def reported(records: Iterable[Record]) -> Iterator[Record]:
    """The records, each reported: failures once all of their source are there."""
    for _, group in groupby(records, key=lambda record: record.source):
        failed: dict[str, list[Record]] = {}
        for record in group:
            if record.has_failed:
                failed.setdefault(_reason(record), []).append(record)
            else:
                _tell(record)
            yield record
        for alike in failed.values():
            console.say(_line(alike))


def _tell(record: Record) -> None:
    if record.prose:
        console.detail(f"{record.source}, page {record.page}: words alone")
    else:
        sure = f"{record.status} {record.confidence:.2f}"
        console.detail(f"{record.source}, page {record.page}: {sure}, {record.latex}")


def _reason(record: Record) -> str:
    """The error without the number of the page."""
    return re.sub(rf"\bpage {record.page}\b", "page", record.error or "")


def _line(alike: Sequence[Record]) -> str:
    """What went wrong on the first of these pages, and which are the others."""
    first, *others = alike
    pages = sorted({record.page for record in others if record.page} - {first.page})
    if not pages:
        return str(first.error)
    return f"{first.error} (page{'s' * (len(pages) > 1)} {_runs(pages)}: the same)"


def _runs(pages: Sequence[int]) -> str:
    """``2-4, 7``."""
    runs = [
        [page for _, page in run]
        for _, run in groupby(enumerate(pages), key=lambda each: each[1] - each[0])
    ]
    named = [f"{run[0]}-{run[-1]}" if run[1:] else str(run[0]) for run in runs]
    more = [f"{len(runs) - _NAMED} more"] if len(runs) > _NAMED else []
    return ", ".join(named[:_NAMED] + more)
