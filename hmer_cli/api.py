"""The Python API: images and documents in, expressions out; the commands are built on it.

A `Converter` is made once and used often, from any thread; it can be pickled, to be sent to worker
processes. What it gives are frozen dataclasses of plain values; ``to_dict`` makes them ready for
JSON, and a notebook shows an `Expression` typeset.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, get_args

from hmer_cli import console
from hmer_cli.console import one_line
from hmer_cli.document.aligned import in_rows
from hmer_cli.document.build_records import page_records
from hmer_cli.document.cache import Cache
from hmer_cli.document.cache_key import setting_of
from hmer_cli.document.corrections import Corrections
from hmer_cli.document.ids import Named, Namer, by_line, ink_id, source_ids
from hmer_cli.document.pipeline import Options, read_pages
from hmer_cli.document.records import PageRead, Status
from hmer_cli.errors import HmerError, InputError, UsageError
from hmer_cli.expr.to_latex import to_latex
from hmer_cli.expr.to_mathml import to_mathml
from hmer_cli.expr.tree import LabelError
from hmer_cli.expr.validity import problems
from hmer_cli.geometry import Box
from hmer_cli.models.registry import cache_dir
from hmer_cli.page.load.arrays import Given, as_file
from hmer_cli.page.load.pages import PageRange
from hmer_cli.page.load.pdf import Renderer, check_renderer
from hmer_cli.page.load.sources import Source, find_sources, sources_in
from hmer_cli.page.regions import Layout
from hmer_cli.recognition.lazy import LazyRecogniser, Reader

_UNNAMED = "image"


@dataclass(frozen=True)
class Token:
    """One token of an expression, and where it was read.

    Attributes:
        token: the token in the label's spelling, such as ``x``, ``^`` or ``\\frac``.
        confidence: how sure the recogniser is of it, 0 to 1.
        box: x0, y0, x1, y1 in the units of the expression's ``box``; a symbol's size around the
            place that was looked at. What has no ink, such as a brace, lies between the symbols
            that it joins.
    """

    token: str
    confidence: float
    box: Box


@dataclass(frozen=True)
class Alternative:
    """Another reading of an expression.

    Attributes:
        latex: its LaTeX, as of the expression itself.
        label: its tokens, separated by spaces.
        confidence: the probability that it is the right one, 0 to 1.
    """

    latex: str
    label: str
    confidence: float


@dataclass(frozen=True)
class Expression:
    """One expression that was read.

    Attributes:
        id: such as ``qzkpwvmtlxso``: made of its ink, so that it stays the same when the file
            gets another name or more pages.
        alias: such as ``notes-p2-r1``: the stem of the source, the page, the expression on it.
            ``hmer convert`` gives it the same id and alias.
        derivation: of a line of a derivation the id that all its lines share; else None.
        latex: its LaTeX as a person types it, to be pasted; empty where nothing was read.
        label: its tokens, separated by spaces, in the spelling of the field's data sets.
        mathml: the same as Presentation MathML, a ``math`` element to put into HTML, whose
            parts name their token by its index in ``tokens`` as ``data-t``; None where the label
            is not LaTeX.
        confidence: the probability that the label is right to the last token, 0 to 1.
        status: ``ok``; ``low`` where the confidence is under a half or ``error`` says why it is
            doubtful; ``failed`` where nothing was read.
        error: why LaTeX would refuse it, what else speaks against it (it may be words, or crossed
            out), or why nothing was read; None where there is no such reason.
        box: x0, y0, x1, y1 in pixels of the page (PDF pages at 200 dpi), upright by EXIF; of InkML
            in the units of its ink. None where nothing was found.
        tokens: those of the label, in its order; none with weights that do not place them.
        alternatives: up to four other readings, the likeliest first.
        source: the path as it was given, or the name.
        page: the number of the page, from 1.
        model: the name of the weights.
    """

    id: str
    alias: str
    derivation: str | None
    latex: str
    label: str
    mathml: str | None
    confidence: float
    status: Status
    error: str | None
    box: Box | None
    tokens: tuple[Token, ...]
    alternatives: tuple[Alternative, ...]
    source: str
    page: int
    model: str

    def to_dict(self) -> dict[str, Any]:
        """All attributes by their names, ready for JSON; boxes and tokens are lists."""
        return _plain(asdict(self))

    def _repr_latex_(self) -> str | None:
        """What a notebook shows; nothing but the ``repr`` where there is no valid LaTeX."""
        return None if self.mathml is None else rf"$\displaystyle {self.latex}$"


@dataclass(frozen=True)
class ConvertedPage:
    """A page and its expressions.

    Attributes:
        source: the path as it was given, or the name.
        number: counted from 1; None where the file could not be opened.
        expressions: in reading order; none where the page holds no mathematics.
        error: why the page could not be read; None where it could.
    """

    source: str
    number: int | None
    expressions: tuple[Expression, ...]
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """All attributes by their names, ready for JSON."""
        return _plain(asdict(self))


class Converter:
    """Reads handwritten mathematics.

    The networks are loaded when there is first something to read. One converter serves any
    number of threads, and can be pickled: its copies load them once a process.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        layout: Layout = "auto",
        charset: str | os.PathLike[str] | None = None,
        *,
        jobs: int | None = None,
        cache: bool | str | os.PathLike[str] = False,
        pdf_renderer: Renderer = "pdfium",
        recogniser: Reader | None = None,
    ) -> None:
        """Check the arguments; nothing is loaded yet.

        Args:
            model: weights, by name or as a file; the default weights if None.
            layout: what ``pages`` takes images and PDF pages for: one ``expression`` each, a
                ``page`` of notes to be searched, or ``auto`` to let it look.
            charset: limits the tokens of answers: ``crohme``, or a file of one token a line.
            jobs: threads that prepare pages while others are read; changes no answer.
            cache: keeps what was read for later runs: True in the user's cache folder, or a
                folder.
            pdf_renderer: what draws the pages of PDFs, ``pdfium`` or ``poppler``.
            recogniser: anything that reads images, in the place of the model.

        Raises:
            UsageError: an argument is wrong.
            MissingError: there are no such weights.
        """
        if layout not in get_args(Layout):
            raise UsageError(f"layout {layout!r} is not known", "name auto, expression or page")
        if jobs is not None and not isinstance(jobs, int):
            raise UsageError(f"jobs {jobs!r}: is no whole number", "give one, or None")
        if jobs is not None and jobs < 1:
            raise UsageError(f"jobs {jobs}: there must be at least one")
        if recogniser is not None and (model is not None or charset is not None):
            raise UsageError("a recogniser of your own has its own model and charset")
        check_renderer(pdf_renderer)
        self.layout: Layout = layout
        self.pdf_renderer: Renderer = pdf_renderer
        self.jobs = jobs
        self.reader: Reader = recogniser or LazyRecogniser(
            _text("model", model), _text("charset", charset)
        )
        self._cache = _cache_folder(cache)

    def pages(
        self, source: Given, pages: str | int | None = None, *, name: str | None = None
    ) -> Iterator[ConvertedPage]:
        """Every page of a source with its expressions, one after the other as they are read.

        Args:
            source: a path (an image, a PDF, InkML, a zip archive, a folder or a glob of them), the
                bytes of a file, a file open in binary mode, a PIL image, or an array (H, W),
                (H, W, 2) of gray and alpha, (H, W, 3) of RGB or (H, W, 4) of RGBA, of whole
                numbers, truth values or floats, ink dark or bright.
            pages: those to read of files with several, as ``1-4,7`` or ``3-``; all if None.
            name: what ``source`` is called where it is no path; ``image`` if None.

        Raises:
            UsageError: an argument is wrong; raised at once.
            InputError: the file cannot be opened, or its only page cannot be read. Of a file of
                several pages, a folder or an archive, each page and file that cannot be read is a
                page with an ``error`` instead.
        """
        chosen = None if pages is None else PageRange.parse(str(pages))
        name = str(name or _UNNAMED)
        sources = _sources(source, name)
        return self._pages(sources, chosen, self.layout, _is_alone(source, name, sources))

    def read(self, image: Given, *, name: str | None = None) -> Expression:
        """The one expression in an image, or in InkML: a system beside a brace and the formulas
        above or below it, too, as rows of one ``aligned``.

        Args:
            image: as the ``source`` of ``pages``; of several pages, the first is read.
            name: what it is called where it is no path; ``image`` if None.

        Returns:
            The expression; where the image holds no ink, one whose ``status`` is ``failed``.

        Raises:
            UsageError: it is none of these, or a folder or a pattern with several files.
            InputError: it cannot be read, or is an archive of several files.
        """
        name = str(name or _UNNAMED)
        sources = _sources(image, name)
        if len(sources) != 1:
            raise _several(image, name, len(sources))
        (page,) = self._page_reads(sources, PageRange.parse("1"), "expression", True)
        found = page.result.expressions
        if len(found) > 1:
            page = replace(page, result=replace(page.result, expressions=(in_rows(found),)))
        converted = _converted(page, Namer(source_ids([page.source])))
        if converted.expressions:
            return converted.expressions[0]
        return _nothing(converted, self.reader.model)

    def results(self, layout: Layout | None = None, text: bool = False) -> Cache:
        """What was read before, with the words or without, where it is kept; to be closed."""
        if self._cache is None or getattr(self.reader, "identity", None) is None:
            return Cache(None, layout or self.layout)
        return Cache(self._cache, self.setting(layout, text))

    def setting(self, layout: Layout | None = None, text: bool = False) -> str:
        """All that readings depend on besides the page; of equal settings are equal readings."""
        layout = layout or self.layout
        identity = getattr(self.reader, "identity", None)
        return layout if identity is None else setting_of(identity, layout, self.pdf_renderer, text)

    def read_sources(
        self,
        sources: Iterable[Source],
        options: Options,
        advance: Callable[[int, int], None] = lambda done, found: None,
    ) -> Iterator[PageRead]:
        """Every page of every source as it was read, in their order: what all else rests on."""
        with self.results(options.layout, options.text) as results:
            yield from read_pages(sources, self.reader, results, options, advance)

    def _pages(
        self, sources: list[Source], chosen: PageRange | None, layout: Layout, alone: bool
    ) -> Iterator[ConvertedPage]:
        """The pages of the sources with their expressions named, as `_page_reads` gives them."""
        namer = Namer(source_ids(source.name for source in sources))
        for page in self._page_reads(sources, chosen, layout, alone):
            yield _converted(page, namer)

    def _page_reads(
        self, sources: list[Source], chosen: PageRange | None, layout: Layout, alone: bool
    ) -> Iterator[PageRead]:
        """The pages of the sources; a file that is given ``alone`` raises the error of its only
        page."""
        options = Options(chosen, layout, self.jobs, renderer=self.pdf_renderer)
        read = self.read_sources(sources, options)
        for first in islice(read, 1):
            more = list(islice(read, 1)) if alone and first.error is not None else []
            if alone and first.error is not None and not more:
                raise first.error
            yield from (first, *more)
        yield from read


def _converted(page: PageRead, namer: Namer) -> ConvertedPage:
    records = map(namer.name, page_records(page, Corrections()))
    expressions = tuple(map(_expression, by_line(records)))
    error = None if page.error is None else one_line(page.error)
    return ConvertedPage(page.source, page.number, expressions, error)


def _expression(named: Named) -> Expression:
    record = named.record
    return Expression(
        id=named.id,
        alias=named.alias,
        derivation=named.derivation,
        latex=record.latex,
        label=record.label,
        mathml=_mathml(record.label),
        confidence=record.confidence,
        status=record.status,
        error=record.error,
        box=record.region,
        tokens=tuple(Token(token.token, token.confidence, token.box) for token in record.tokens),
        alternatives=tuple(
            Alternative(_latex(other.label), other.label, other.confidence)
            for other in record.alternatives
        ),
        source=record.source,
        page=record.page or 1,
        model=record.model,
    )


def _nothing(page: ConvertedPage, model: str) -> Expression:
    number = page.number or 1
    stem = source_ids([page.source])[page.source]
    why = f"{page.source}: nothing to read on page {number}; is it blank?"
    own = ink_id(f"failed {page.source} {number}")
    return Expression(
        own, f"{stem}-p{number}-r1", None, "", "", None, 0.0, "failed", why, None, (), (),
        page.source, number, model,
    )  # fmt: skip


def _latex(label: str) -> str:
    return label if problems(label) else to_latex(label)


def _mathml(label: str) -> str | None:
    try:
        return to_mathml(label) if label else None
    except LabelError:
        return None


def _text(argument: str, path: str | os.PathLike[str] | None) -> str | None:
    if path is None or isinstance(path, str | os.PathLike):
        return None if path is None else os.fspath(path)
    raise UsageError(f"{argument} {path!r} is not understood", "give a name or a file")


def _sources(given: Given, name: str) -> list[Source]:
    """The files that an argument means. Raises UsageError for what is none, InputError."""
    if isinstance(given, str | os.PathLike):
        path = os.fsdecode(given)
        if path == "-":
            raise UsageError("- is for the command line", "give the bytes")
        return list(find_sources([path], console.say))
    return list(sources_in(name, as_file(given), console.say))


def _several(given: object, name: str, count: int) -> HmerError:
    """Why there is no one file to read: a wrong argument, or an archive that holds several."""
    remedy = "give one, or read all with pages()"
    if isinstance(given, str | os.PathLike):
        name = os.fsdecode(given)
        if not os.path.isfile(name):
            return UsageError(f"{name}: {count} files are given", remedy)
    return InputError(f"{name}: holds {count} files", remedy)


def _is_alone(given: object, name: str, sources: Sequence[Source]) -> bool:
    """Whether one file was given, and no folder, archive or pattern that holds one."""
    named = Path(os.fsdecode(given)) if isinstance(given, str | os.PathLike) else Path(name)
    return len(sources) == 1 and Path(sources[0].name) == named


def _cache_folder(cache: bool | str | os.PathLike[str]) -> Path | None:
    if isinstance(cache, bool):
        folder = cache_dir() if cache else None
    elif isinstance(cache, str | os.PathLike):
        folder = Path(cache)
    else:
        raise UsageError(f"cache {cache!r} is not understood", "give True, False or a folder")
    return folder and folder.absolute()  # the current folder may be another when it is used


def _plain(value: Any) -> Any:
    """Tuples as lists, as JSON has them."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, tuple | list) else value
