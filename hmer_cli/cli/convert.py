"""``hmer convert``: its options, and the call of `hmer_cli.commands.convert`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from hmer_cli import console, interrupts
from hmer_cli.cli.shared import CharsetOption, ModelOption, end


def convert(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT",
            help="Images, InkML, PDFs, zip archives, folders of them, globs, or - for stdin.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        list[str] | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="A .tex, .md, .jsonl or .html file; may be given more than once. "
            "- is stdout, one expression a line (the default); -.jsonl is that format on stdout.",
            show_default=False,
        ),
    ] = None,
    pages: Annotated[
        str | None, typer.Option(metavar="PAGES", help="Pages of PDFs and TIFFs, as 1-4,7 or 3-.")
    ] = None,
    model: ModelOption = None,
    charset: CharsetOption = None,
    corrections: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="What a review page exported, to apply; may be given more than once.",
            show_default=False,
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Threads that prepare pages."),
    ] = None,
    layout: Annotated[
        Literal["auto", "expression", "page"],
        typer.Option(help="What images and PDF pages hold: one expression, or notes to search."),
    ] = "auto",
    pdf_renderer: Annotated[
        Literal["pdfium", "poppler"],
        typer.Option(help="What draws PDFs; poppler, if installed, for those PDFium cannot draw."),
    ] = "pdfium",
    cache_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where what was read is kept for later runs; the user's cache folder if unset.",
        ),
    ] = None,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Read everything anew and keep nothing.")
    ] = False,
    spelling: Annotated[
        Literal["typed", "tokens"],
        typer.Option(help="LaTeX as a person types it, or the tokens of the field's data sets."),
    ] = "typed",
    document: Annotated[
        bool,
        typer.Option("--document", help="Whole pages in .md and .tex, words and mathematics."),
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on, and convert what arrives or changes.")
    ] = False,
    debug: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Save each page as hmer saw it, with its regions."),
    ] = None,
    paste: Annotated[
        bool, typer.Option("--paste", help="Read the picture on the clipboard.")
    ] = False,
    copy: Annotated[
        bool, typer.Option("--copy", help="Put the LaTeX on the clipboard, too.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say only what went wrong.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Say what was read of each expression.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 4 if an expression is low or not valid.")
    ] = False,
) -> None:
    """Read handwriting and write LaTeX.

    Exit codes: 0 all done, 1 some inputs failed and the rest is delivered, 2 wrong usage,
    3 weights or a dependency missing, 4 with --strict something low or invalid, 5 cannot write,
    70 a bug in hmer, 130 interrupted.
    """
    from hmer_cli.commands import convert as verb
    from hmer_cli.models.registry import cache_dir as usual

    interrupts.watch()
    console.set_loudness(int(verbose) - int(quiet))
    records = verb.convert(
        inputs or [],
        out or ["-"],
        pages=pages,
        layout=layout,
        model=model,
        charset=charset,
        jobs=jobs,
        corrections=corrections or (),
        cache=None if no_cache else cache_dir or usual(),
        debug=debug,
        watch=watch,
        pdf_renderer=pdf_renderer,
        spelling=spelling,
        document=document,
        paste=paste,
        copy=copy,
    )
    if not watch:  # one that ended has done what it should
        end(verb.outcome(records, strict=strict))
