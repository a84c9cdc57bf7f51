"""``hmer convert``: images, PDFs, InkML -> pages -> regions -> readings -> records -> files.

Built on `hmer_cli.api.Converter` and `hmer_cli.document.pipeline`; adds outputs, corrections,
``--watch``, ``--debug`` and the clipboard.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache as cache_calls
from functools import partial
from pathlib import Path

from hmer_cli import console, files
from hmer_cli.api import Converter
from hmer_cli.commands import clipboard
from hmer_cli.commands.apart import Destination, apart
from hmer_cli.commands.delivery import (
    Records,
    collect,
    deliver_all,
    report_unused,
    sum_up,
)
from hmer_cli.document.cache import Cache
from hmer_cli.document.corrections import Corrections
from hmer_cli.document.formats import STDOUT, Output
from hmer_cli.document.ids import ink_id, source_ids
from hmer_cli.document.labelled import LabelledFolder
from hmer_cli.document.pipeline import Options, read_pages
from hmer_cli.document.records import PageRead, Record, Spelling, count
from hmer_cli.document.watch import watch_sources
from hmer_cli.document.whole_pages import Document, WholePages, as_document
from hmer_cli.errors import (
    HmerError,
    InputError,
    InternalError,
    OutputError,
    StrictError,
    UsageError,
)
from hmer_cli.page.detect.overlay import as_png
from hmer_cli.page.load.pages import Page, PageRange
from hmer_cli.page.load.pdf import Renderer, check_renderer
from hmer_cli.page.load.sources import STDIN, Source, expanded, find_sources, refused
from hmer_cli.page.regions import Layout, Region
from hmer_cli.recognition.lazy import Reader


def convert(
    inputs: Sequence[str],
    outs: Sequence[str] = (STDOUT,),
    *,
    pages: str | None = None,
    layout: Layout = "auto",
    model: str | None = None,
    charset: str | None = None,
    jobs: int | None = None,
    corrections: Sequence[Path] = (),
    cache: Path | None = None,
    debug: Path | None = None,
    watch: bool = False,
    pdf_renderer: Renderer = "pdfium",
    spelling: Spelling = "typed",
    paste: bool = False,
    copy: bool = False,
    document: bool = False,
    recogniser: Reader | None = None,
) -> list[Record]:
    """Read every expression in ``inputs`` and write them to every one of ``outs``; one that ends
    in a slash is a folder of labelled handwriting (see `hmer_cli.document.labelled`).

    ``pages`` chooses pages of files with several (``1-4,7``); ``jobs`` threads prepare pages while
    others are read; the output does not depend on it. ``corrections`` are files from review pages;
    later ones take precedence. Results are cached in the folder ``cache``, if given; images of the
    cleaned pages with their regions are saved in ``debug``. With ``watch``, new and changed inputs
    are converted until KeyboardInterrupt. ``pdf_renderer`` renders the pages of PDFs. ``spelling``
    is that of the LaTeX: ``typed`` as a person types it, or ``tokens`` as the field's data sets
    have it. With a ``document``, .md and .tex are of the whole pages, words and mathematics.
    ``paste`` also reads the image on the clipboard, ``copy`` puts the LaTeX there.

    The records are in the order of the inputs. Errors of an input are reported on stderr and in its
    record, and the others are still converted. If no input gave an expression, only .jsonl and
    stdout are written; documents are left unchanged.

    Raises UsageError and OutputError before anything is read, MissingError without weights.
    """
    whole = WholePages()
    outputs = _destinations(outs, whole if document else None)
    chosen = PageRange.parse(pages) if pages is not None else None
    _check_usage(inputs, outputs, jobs, watch, paste, copy)
    corrections = [Path(name) for name in expanded(corrections)]
    pasted = [_clipboard()] if paste else []
    check_renderer(pdf_renderer)
    inputs = apart(inputs, outputs, debug)
    options = Options(
        chosen,
        layout,
        jobs,
        pictures=document or any(output.shows_evidence for output in outputs),
        handwriting=any(isinstance(output, LabelledFolder) for output in outputs),
        renderer=pdf_renderer,
        text=document,
    )
    converter = Converter(
        model,
        layout,
        charset,
        jobs=jobs,
        cache=cache or False,
        pdf_renderer=pdf_renderer,
        recogniser=recogniser,
    )
    with converter.results(text=document) as results:
        run = _Run(converter.reader, results, options, corrections, debug, spelling, whole)
        if watch:
            return run.watch(inputs, outputs)
        return run.convert(pasted, inputs, outputs, copy)


def outcome(records: Sequence[Record], *, strict: bool = False) -> HmerError | None:
    """The error that determines the exit code; None for success. A bug of hmer comes first."""
    failed = sum(record.has_failed for record in records)
    doubtful = sum(record.status == "low" for record in records)
    internal = any(record.internal for record in records)
    unused = records.unused if isinstance(records, Records) else ()
    if strict and doubtful and not internal:
        return StrictError(f"{doubtful} of {len(records)} expressions are low or not valid LaTeX")
    if failed:
        error = InputError(f"{failed} failed, {count(len(records) - failed, 'expression')} read")
        error.said = len(records) == 1  # the reason is on stderr already
        if internal:
            error.exit_code = InternalError.exit_code
        return error
    if unused:
        return InputError(f"{count(len(unused), 'correction')} hit nothing; the rest is delivered")
    return None


@dataclass(frozen=True)
class _Run:
    """The parameters of a conversion, which ``watch`` repeats."""

    reader: Reader
    results: Cache
    options: Options
    corrections: Sequence[Path]
    debug: Path | None
    spelling: Spelling
    whole: WholePages

    def read(self, sources: Sequence[Source], among: Sequence[Source] = ()) -> Records:
        """The records of the sources, in their order; failures are reported on stderr.

        ``among``: all sources, where these are some of them. Raises UsageError before anything is
        read.
        """
        corrections = Corrections.load(self.corrections)
        options = replace(self.options, corrections=corrections if corrections.recuts else None)
        if self.debug is not None:
            names = source_ids(source.name for source in among or sources)
            options = replace(options, look=partial(_save, self.debug, names))
        with console.progress("reading", len(sources)) as advance:
            pages = read_pages(sources, self.reader, self.results, options, advance)
            self.whole.forget(source.name for source in sources)
            return collect(self._noted(pages), corrections, self.spelling)

    def convert(
        self,
        pasted: Sequence[Source],
        inputs: Sequence[str],
        outputs: Sequence[Destination],
        copy: bool,
    ) -> Records:
        """Read what was ``pasted`` and the ``inputs``; write the outputs. Raises OutputError."""
        start = time.monotonic()
        named = find_sources(inputs, console.say) if inputs else []
        records = self.read([*pasted, *once(named)])
        report_unused(records)
        deliver_all(records, outputs)
        if copy:
            _copy(records)
        sum_up(records, outputs, time.monotonic() - start)
        return records

    def watch(self, inputs: Sequence[str], outputs: Sequence[Destination]) -> list[Record]:
        """Convert the inputs, then what arrives and changes; see `watch_sources`."""
        say = cache_calls(console.say)  # each line once, not at every poll
        find = partial(find_sources, inputs, say)
        deliver = partial(deliver_all, outputs=outputs, say=say)
        return watch_sources(find, self._read_again, deliver, self.corrections)

    def _read_again(self, sources: Sequence[Source], among: Sequence[Source]) -> Records:
        """As `read`; corrections that hit nothing are reported where all sources are read."""
        records = self.read(sources, among)
        if len(sources) == len(among):
            report_unused(records)
        return records

    def _noted(self, pages: Iterable[PageRead]) -> Iterator[PageRead]:
        """The pages, whose words and drawings are kept."""
        for page in pages:
            self.whole.add(page)
            yield page


def _destinations(outs: Sequence[str], whole: WholePages | None) -> list[Destination]:
    """The outputs by their names, each once; documents are of ``whole`` pages if given.

    Raises UsageError for unknown formats, and if none of the outputs is of ``whole`` pages.
    """
    outputs: list[Destination] = []
    for out in dict.fromkeys(outs):
        output = LabelledFolder.parse(out) or Output.parse(out, folders=True)
        if whole is not None and isinstance(output, Output):
            output = as_document(output, whole)
        outputs.append(output)
    if whole is not None and not any(isinstance(output, Document) for output in outputs):
        raise UsageError(
            "--document: no output is a document", "add --out NAME.md, NAME.tex, -.md or -.tex"
        )
    return outputs


def _check_usage(
    inputs: Sequence[str],
    outputs: Sequence[Destination],
    jobs: int | None,
    watch: bool,
    paste: bool,
    copy: bool,
) -> None:
    if not inputs and not paste:
        raise UsageError("there is nothing to convert", "name an image, or give --paste")
    if paste and watch:
        raise UsageError("the clipboard cannot be watched", "name files or folders")
    if jobs is not None and jobs < 1:
        raise UsageError(f"--jobs {jobs}: there must be at least one")
    if watch and STDIN in inputs:
        raise UsageError("standard input cannot be watched", "name files or folders")
    if watch and any(output.path is None for output in outputs):
        raise UsageError("--watch writes files only", "name one with --out")
    if watch and copy:
        raise UsageError("--watch copies nothing", "leave --copy or --watch out")


def _clipboard() -> Source:
    """The picture there; like any input, one that is not there is reported in its turn."""
    try:
        picture = clipboard.paste()
    except InputError as error:
        return refused("clipboard", error)
    return Source("clipboard", "clipboard", lambda: picture)


def _copy(records: Sequence[Record]) -> None:
    """Put the LaTeX on the clipboard; where nothing was read, what is there may be what was to be
    read, and stays."""
    found = [each.latex for each in records if each.usable and not each.dismissed]
    if found:
        clipboard.copy("\n".join(found))
    else:
        console.say("--copy: the clipboard is left as it was, as nothing was read")


def once(sources: Iterable[Source]) -> list[Source]:
    """The sources without duplicates, with a message for each duplicate."""
    kept: dict[str, Source] = {}
    for source in sources:
        if source.key in kept:
            console.say(f"{source.name}: given more than once, converted once")
        kept.setdefault(source.key, source)
    return list(kept.values())


def _save(folder: Path, names: Mapping[str, str], page: Page, regions: Sequence[Region]) -> None:
    """Save the cleaned page with its regions and ids, named after its source; see ``source_ids``.

    A file that cannot be written is reported on stderr and does not end the run.
    """
    ids = [ink_id(region.key) for region in regions]
    picture = as_png(page, [region.place for region in regions], ids)
    try:
        name = f"{names[page.source]}-p{page.number}.png"
        files.replace_own(folder / name, picture, "overlay")
    except OutputError as error:
        console.say(error)
