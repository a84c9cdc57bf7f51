"""``hmer convert --shard`` and ``hmer merge``: inputs -> parts -> one output.

Input of a shard: the same inputs for all. Output: a .jsonl of results, which merge joins.
"""

from __future__ import annotations

import time
from collections.abc import Sequence, Set
from dataclasses import replace
from pathlib import Path

from hmer_cli import console, files
from hmer_cli.api import Converter
from hmer_cli.commands.apart import apart
from hmer_cli.commands.convert import once
from hmer_cli.commands.delivery import deliver_pages, sum_up
from hmer_cli.commands.reported import reported
from hmer_cli.document.build_records import records_of
from hmer_cli.document.corrections import Corrections
from hmer_cli.document.formats import STDOUT, Output
from hmer_cli.document.formats.text import jsonl
from hmer_cli.document.pipeline import Options, read_pages
from hmer_cli.document.records import Record, Spelling
from hmer_cli.document.shards import Part, Shard, is_shard, merged, part_of, shard_file
from hmer_cli.errors import UsageError
from hmer_cli.page.load.pages import PageRange
from hmer_cli.page.load.pdf import Renderer, check_renderer
from hmer_cli.page.load.sources import STDIN, expanded, find_sources
from hmer_cli.page.regions import Layout
from hmer_cli.recognition.lazy import LazyRecogniser, Reader


def convert_shard(
    inputs: Sequence[str],
    outs: Sequence[str],
    shard: str,
    *,
    pages: str | None = None,
    layout: Layout = "auto",
    model: str | None = None,
    charset: str | None = None,
    jobs: int | None = None,
    cache: Path | None = None,
    pdf_renderer: Renderer = "pdfium",
    pictures: bool = False,
    recogniser: Reader | None = None,
) -> list[Record]:
    """Read the inputs that belong to part ``I/N`` and write their results, for `merge`.

    The results are written even where every input failed or the part is empty, as all parts are
    needed. ``pictures`` keeps those of the pages, which some formats show. The other arguments are
    those of `convert.convert`; corrections and spelling are for `merge`.

    Raises UsageError and OutputError before anything is read, MissingError without weights.
    """
    outputs = [Output.parse(out) for out in dict.fromkeys(outs)]
    if any(output.format is not jsonl for output in outputs):
        raise UsageError(
            "--shard writes results for hmer merge", "give --out a name that ends in .jsonl"
        )
    if not inputs or STDIN in inputs:
        raise UsageError("--shard needs files or folders", "name them")
    chosen = PageRange.parse(pages) if pages is not None else None
    check_renderer(pdf_renderer)
    inputs = apart(inputs, outputs)
    options = Options(chosen, layout, jobs, pictures, renderer=pdf_renderer)
    converter = Converter(
        layout=layout,
        jobs=jobs,
        cache=cache or False,
        pdf_renderer=pdf_renderer,
        recogniser=recogniser or LazyRecogniser(model, charset),
    )
    start = time.monotonic()
    part = _part(inputs, Shard.parse(shard))
    with converter.results() as results:
        with console.progress("reading", len(part.sources)) as advance:
            found = list(read_pages(part.sources, converter.reader, results, options, advance))
        records = list(reported(records_of(found, Corrections())))
        text = shard_file(part, found, f"{converter.setting()} {pages}")
        for output in outputs:
            replace(output, format=lambda _: text).write(records)
    console.note(f"shard {shard}: {len(part.sources)} of {part.inputs} inputs")
    sum_up(records, outputs, time.monotonic() - start)
    return records


def _part(inputs: Sequence[str], shard: Shard) -> Part:
    sources = once(find_sources(inputs, console.say))
    with console.progress("choosing", len(sources)) as advance:
        return part_of(sources, shard, advance)


def merge(
    outs: Sequence[str],
    shards: Sequence[Path],
    *,
    corrections: Sequence[Path] = (),
    spelling: Spelling = "typed",
) -> list[Record]:
    """Put the results of all shards together and write them to every one of ``outs``: the same
    bytes that the undivided run writes.

    Raises UsageError where a shard is missing, given twice, damaged or made of other inputs or with
    other options, and where an output would replace a shard or what was read; OutputError.
    """
    outputs = [Output.parse(out) for out in dict.fromkeys(outs)]
    if not shards:
        raise UsageError("there is nothing to merge", "name the output, then all shards")
    for output in outputs:
        if output.path is not None and is_shard(output.path):
            what = f"{output.path} holds the results of a shard"
            raise UsageError(what, "name the output first, then the shards")
        output.check()
    applied = Corrections.load([Path(name) for name in expanded(corrections)])
    start = time.monotonic()
    pages = merged([Path(name) for name in expanded(shards)])
    _check_apart(outputs, {page.source for page in pages})
    bare = any(page.picture is None for page in pages if page.error is None)
    for output in (each for each in outputs if each.shows_evidence and bare):
        what = f"{output.path or STDOUT}: shows pages, of which these shards hold no pictures"
        raise UsageError(what, "convert them with --pictures")
    return deliver_pages(pages, outputs, applied, spelling, start)


def _check_apart(outputs: Sequence[Output], sources: Set[str]) -> None:
    """Raise UsageError where an output would replace a file that was read, or an archive of it."""
    for path in (each.path for each in outputs if each.path is not None and each.path.exists()):
        for there in (Path(files.resolved(source)) for source in sources):
            if path == there or path in there.parents:
                raise UsageError(f"{path}: was read into these shards", "name another file")
