"""``hmer convert --engine ray``: files -> workers of Ray -> pages -> outputs.

Input: files, folders and addresses. Output: the files of `convert`, with the same bytes. Pages are
read by `hmer_cli.ray_data`; records are made and written in this process, in the order of inputs.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

from hmer_cli import console
from hmer_cli.commands.apart import apart
from hmer_cli.commands.convert import once
from hmer_cli.commands.delivery import deliver_pages
from hmer_cli.commands.remote_sources import is_remote, remote_sources, without_password
from hmer_cli.document.corrections import Corrections
from hmer_cli.document.formats import STDOUT, Output
from hmer_cli.document.pipeline import Options
from hmer_cli.document.records import Record, Spelling
from hmer_cli.errors import InputError, UsageError
from hmer_cli.page.load.earlier_outputs import without_outputs
from hmer_cli.page.load.pages import PageRange
from hmer_cli.page.load.pdf import Renderer, check_renderer
from hmer_cli.page.load.sources import (
    STDIN,
    Source,
    expanded,
    find_sources,
    in_number_order,
    refused,
)
from hmer_cli.page.regions import Layout
from hmer_cli.ray_cluster import connected
from hmer_cli.ray_data import Job, read_sources


def convert_on_ray(
    inputs: Sequence[str],
    outs: Sequence[str] = (STDOUT,),
    *,
    address: str | None = None,
    readers: int | None = None,
    pages: str | None = None,
    layout: Layout = "auto",
    model: str | None = None,
    charset: str | None = None,
    corrections: Sequence[Path] = (),
    cache: Path | None = None,
    pdf_renderer: Renderer = "pdfium",
    spelling: Spelling = "typed",
    job: Job | None = None,
) -> list[Record]:
    """`convert.convert` with ``readers`` workers of Ray, on the cluster at ``address`` if given.

    Inputs may also be addresses such as ``s3://bucket/folder``. Workers open the files, so all
    machines must have them, and the folder ``cache``, under the same paths. Records and outputs
    equal those of `convert.convert`. ``job`` replaces ``model``, ``charset`` and all other options
    of reading, for tests.

    Raises UsageError, OutputError and MissingError before anything is read; MissingError also if a
    machine has another version of hmer or other weights.
    """
    outputs = [Output.parse(out) for out in dict.fromkeys(outs)]
    if not inputs or STDIN in inputs:
        raise UsageError("--engine ray needs files, folders or addresses", "name them")
    chosen = PageRange.parse(pages) if pages is not None else None
    check_renderer(pdf_renderer)
    inputs = apart(inputs, outputs)
    applied = Corrections.load([Path(name) for name in expanded(corrections)])
    shown = any(output.shows_evidence for output in outputs)
    options = Options(chosen, layout, pictures=shown, renderer=pdf_renderer)
    job = job or Job.of(options, model, charset, cache)
    start = time.monotonic()
    # all at once: outputs alone would be read
    names, alone = without_outputs(in_number_order(inputs), console.say)
    sources = once(each for name in names for each in _sources(name, alone))
    with (
        open(os.devnull, "w") as null,
        redirect_stdout(null),  # Ray prints that a worker died
        connected(address, readers) as cluster,
        console.progress("reading", len(sources)) as advance,
    ):
        read = read_sources(sources, job, cluster, advance)
    return deliver_pages(read, outputs, applied, spelling, start)


def _sources(name: str, alone: bool) -> list[Source]:
    if not is_remote(name):
        return list(find_sources([name], console.say, alone))
    try:
        return remote_sources(name, console.say)
    except InputError as error:
        return [refused(without_password(name), error)]
