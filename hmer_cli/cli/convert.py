"""``hmer convert``: options and help.

The work is done by `convert`, `shards` or `convert_on_ray` of `hmer_cli.commands`, which are
imported when the command is called.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypedDict

import typer

from hmer_cli import console
from hmer_cli.cli.shared import (
    CharsetOption,
    CorrectionsOption,
    ModelOption,
    QuietOption,
    SpellingOption,
    StrictOption,
    end,
)
from hmer_cli.errors import UsageError

InputsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="INPUT",
        help="Images, PDFs, ink (InkML, Xournal++, reMarkable, SVG, JSON), zip archives, "
        "folders of them, globs, or - for stdin.",
        show_default=False,
    ),
]
OutOption = Annotated[
    list[str] | None,
    typer.Option(
        "--out",
        "-o",
        metavar="FILE",
        help="A .tex, .md, .jsonl, .csv, .docx, .typ, .mathml, .svg, .pdf, .page.zip, "
        ".fragment.html or .html (review page) file, or a folder, as ink/, for labelled "
        "handwriting to train on; may be given more than once. "
        "- is stdout, one expression a line (the default); -.jsonl is that format on stdout.",
        show_default=False,
    ),
]
PagesOption = Annotated[
    str | None,
    typer.Option(metavar="PAGES", help="Pages to read of PDFs, TIFFs and notes, as 1-4,7 or 3-."),
]
JobsOption = Annotated[
    int | None, typer.Option("--jobs", "-j", min=1, help="Threads that prepare pages.")
]
Layout = Literal["auto", "expression", "page"]
"""As in `hmer_cli.page.regions`, which takes too long to import for a help text."""

LayoutOption = Annotated[
    Layout, typer.Option(help="What images and PDF pages hold: one expression, or notes to search.")
]
Renderer = Literal["pdfium", "poppler"]
"""As in `hmer_cli.page.load.pdf`."""

RendererOption = Annotated[
    Renderer,
    typer.Option(help="What draws PDFs; poppler, if installed, for those PDFium cannot draw."),
]
CacheDirOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Where what was read is kept for later runs; the user's cache folder if unset.",
    ),
]
NoCacheOption = Annotated[
    bool, typer.Option("--no-cache", help="Read everything anew and keep nothing.")
]
DocumentOption = Annotated[
    bool, typer.Option("--document", help="Whole pages in .md and .tex, words and mathematics.")
]
WatchOption = Annotated[
    bool, typer.Option("--watch", help="Go on, and convert what arrives or changes.")
]
DebugOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Save each page as hmer saw it, with its regions."),
]
PasteOption = Annotated[bool, typer.Option("--paste", help="Read the picture on the clipboard.")]
CopyOption = Annotated[bool, typer.Option("--copy", help="Put the LaTeX on the clipboard, too.")]
ShardOption = Annotated[
    str | None,
    typer.Option(
        metavar="I/N", help="Read part I of N, and write results for hmer merge (.jsonl)."
    ),
]
PicturesOption = Annotated[
    bool,
    typer.Option("--pictures", help="With --shard: keep what .html, .pdf and .page.zip show."),
]
EngineOption = Annotated[
    Literal["local", "ray"],
    typer.Option(help="Threads of this process, or workers of Ray, of which --jobs is how many."),
]
RayAddressOption = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="A cluster of Ray, as auto or ray://HOST:PORT."),
]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Say what was read of each expression.")
]


def convert(
    inputs: InputsArgument = None,
    out: OutOption = None,
    pages: PagesOption = None,
    model: ModelOption = None,
    charset: CharsetOption = None,
    corrections: CorrectionsOption = None,
    jobs: JobsOption = None,
    layout: LayoutOption = "auto",
    pdf_renderer: RendererOption = "pdfium",
    cache_dir: CacheDirOption = None,
    no_cache: NoCacheOption = False,
    spelling: SpellingOption = "typed",
    document: DocumentOption = False,
    watch: WatchOption = False,
    debug: DebugOption = None,
    paste: PasteOption = False,
    copy: CopyOption = False,
    shard: ShardOption = None,
    pictures: PicturesOption = False,
    engine: EngineOption = "local",
    ray_address: RayAddressOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    strict: StrictOption = False,
) -> None:
    """Read handwriting and write LaTeX.

    Exit codes: 0 all done, 1 some inputs failed and the rest is delivered, 2 wrong usage,
    3 weights or a dependency missing, 4 with --strict something low or invalid, 5 cannot write,
    70 a bug in hmer, 130 interrupted.
    """
    from hmer_cli.commands import convert as verb
    from hmer_cli.models.registry import cache_dir as usual

    console.set_loudness(int(verbose) - int(quiet))
    if pictures and shard is None:
        raise UsageError("--pictures is of --shard", "give both or none")
    if no_cache and cache_dir is not None:
        raise UsageError("--no-cache and --cache-dir exclude each other", "give one of them")
    if watch and strict:
        raise UsageError("--watch has no exit code for --strict", "give one of them")
    here = bool(document or watch or debug or paste or copy)
    _check_engine(engine, shard, ray_address, here, bool(corrections or spelling != "typed"))
    named, outs, corrected = inputs or [], out or ["-"], corrections or ()
    cache = None if no_cache else cache_dir or usual()
    shared: _Shared = {
        "pages": pages,
        "layout": layout,
        "model": model,
        "charset": charset,
        "pdf_renderer": pdf_renderer,
    }
    if shard is not None:
        from hmer_cli.commands.shards import convert_shard

        records = convert_shard(
            named, outs, shard, jobs=jobs, cache=cache, pictures=pictures, **shared
        )
    elif engine == "ray":
        from hmer_cli.commands.convert_on_ray import convert_on_ray

        cache = None if no_cache else cache_dir  # the user's folder is of one machine
        records = convert_on_ray(
            named, outs, address=ray_address, readers=jobs,
            corrections=corrected, cache=cache, spelling=spelling, **shared,
        )  # fmt: skip
    else:
        records = verb.convert(
            named, outs, jobs=jobs, corrections=corrected, cache=cache, debug=debug,
            watch=watch, spelling=spelling, document=document, paste=paste, copy=copy, **shared,
        )  # fmt: skip
    if not watch:  # one that ended has done what it should
        end(verb.outcome(records, strict=strict))


class _Shared(TypedDict):
    """Options that every engine takes."""

    pages: str | None
    layout: Layout
    model: str | None
    charset: str | None
    pdf_renderer: Renderer


def _check_engine(
    engine: str, shard: str | None, ray_address: str | None, here: bool, later: bool
) -> None:
    """Raise UsageError for options that exclude each other.

    ``here``: whether an option of the local engine is given; ``later``: one of `hmer merge`.
    """
    if engine == "ray" and shard is not None:
        raise UsageError("--shard and --engine ray both divide the inputs", "give one of them")
    if ray_address is not None and engine != "ray":
        raise UsageError("--ray-address is of --engine ray", "give both or none")
    if shard is not None and (here or later):
        raise UsageError(
            "--corrections, --spelling, --document, --watch, --debug, --paste, --copy "
            "are not for a shard",
            "give the first two to hmer merge",
        )
    if engine == "ray" and here:
        raise UsageError(
            "--document, --watch, --debug, --paste and --copy are not for --engine ray",
            "leave --engine out",
        )
