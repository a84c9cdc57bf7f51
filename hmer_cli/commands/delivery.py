"""Pages that were read -> records, written to every output of a run.

Input: pages, or records, and outputs. Output: the records; files, stdout, and lines on stderr on
what was corrected, written and counted. Used by all engines of ``hmer convert`` and by ``hmer
merge``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence

from hmer_cli import console
from hmer_cli.commands.apart import Destination
from hmer_cli.commands.reported import reported
from hmer_cli.document.build_records import records_of
from hmer_cli.document.corrections import Corrections
from hmer_cli.document.records import PageRead, Record, Spelling, count, spelt_in_tokens
from hmer_cli.errors import HmerError, input_error


class Records(list[Record]):
    """The records of a run; ``unused`` says where corrections stand that hit nothing."""

    unused: Sequence[str] = ()


def collect(pages: Iterable[PageRead], corrections: Corrections, spelling: Spelling) -> Records:
    """The records of the pages, each reported as it comes."""
    records = Records()
    for record in reported(records_of(pages, corrections)):
        records.append(spelt_in_tokens(record) if spelling == "tokens" else record)
    records.unused = corrections.unused()
    return records


def deliver_pages(
    pages: Iterable[PageRead],
    outputs: Sequence[Destination],
    corrections: Corrections,
    spelling: Spelling,
    start: float,
) -> list[Record]:
    """The records of pages that were read elsewhere, reported and written to every output.

    Their regions cannot be cut anew. ``start``: when the run began, by ``time.monotonic``.
    Raises OutputError.
    """
    records = collect(pages, corrections, spelling)
    report_unused(records, corrections.recuts)
    deliver_all(records, outputs)
    sum_up(records, outputs, time.monotonic() - start)
    return records


def deliver_all(
    records: Sequence[Record],
    outputs: Sequence[Destination],
    say: Callable[[object], None] = console.say,
) -> None:
    """Write every output, even if others fail.

    Raises the last HmerError; the others are given to ``say``.
    """
    errors: list[HmerError] = []
    for output in outputs:
        if output.is_empty(records) and not output.is_log:
            kept = output.path is not None and output.path.exists()
            what = "left as it was" if kept else "not written"
            read = any(record.status != "failed" for record in records)
            why = "nothing is left to show" if read else "nothing was read"
            say(f"{output.path}: {what}, as {why}")
            continue
        try:
            output.write(records)
        except HmerError as error:
            errors.append(error)
        except Exception as error:
            errors.append(input_error(str(output.path or "standard output"), error))
    for other in errors[:-1]:
        say(str(other))
    if errors:
        raise errors[-1]


def report_unused(records: Records, needing_pages: Collection[str] = ()) -> None:
    """Say which corrections hit nothing; those ``needing_pages`` had none that could be read."""
    for where in records.unused:
        if where in needing_pages:
            console.say(f"{where} needs the pages again: give it to hmer convert, without Ray")
        else:
            console.say(f"{where} hits nothing: its ink and its place are not among the inputs")


def sum_up(records: Sequence[Record], outputs: Sequence[Destination], seconds: float) -> None:
    """Print one line of statistics on stderr, unless all output goes to stdout."""
    if all(output.path is None for output in outputs):
        return
    found = sum(record.status != "failed" for record in records)
    failed = sum(record.has_failed for record in records)
    low = sum(record.status == "low" for record in records)
    dismissed = sum(record.dismissed for record in records)
    corrected = sum(record.correction is not None for record in records)
    pages = len({(record.source, record.page) for record in records if record.page is not None})
    console.note(
        f"{count(found - dismissed, 'expression')} on {count(pages, 'page')}, "
        f"{f'{corrected} corrected, ' if corrected else ''}{low} low, {failed} failed, "
        f"{seconds:.1f} s"
    )
