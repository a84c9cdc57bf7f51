"""The command line: each command imports its verb when it is called, and calls it."""

from __future__ import annotations

import errno
import io
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

from hmer_cli import __version__, console, interrupts
from hmer_cli.errors import (
    HmerError,
    InputError,
    MissingError,
    OutputError,
    UsageError,
    is_out_of_memory,
)

BUG_EXIT = 70
INTERRUPTED_EXIT = interrupts.EXIT

_SPLITS = ("train", "test2013", "test2014", "test2016", "test2019", "test2023")


def _names(*names: str) -> Callable[[str], list[str]]:
    """What the shell may complete a value to."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in names if name.startswith(incomplete)]

    return complete


def _models(incomplete: str) -> list[str]:
    from hmer_cli.models.registry import all_weights

    return [each.name for each in all_weights() if each.name.startswith(incomplete)]


app = typer.Typer(
    name="hmer",
    help="Handwritten mathematics in, LaTeX out.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model", metavar="NAME", help="Weights: a name or a file.", autocompletion=_models
    ),
]

CharsetOption = Annotated[
    str | None,
    typer.Option(
        "--charset",
        metavar="NAME",
        help="Tokens that answers keep to: crohme, or a file of one token a line.",
    ),
]


def main() -> None:
    """Run the command line; every kind of end has its exit code, and one line that says why."""
    console.show_library_warnings()
    _prepare_streams()
    code = _run()
    console.set_loudness(0)
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        code = code or _unwritable(error)
    interrupts.leave(code)


def _run() -> int:
    """The exit code of the command."""
    try:
        app(args=_with_command(sys.argv[1:]))
    except HmerError as error:
        if not error.said:
            console.say(error)
        return error.exit_code
    except SystemExit as end:
        if end.code == INTERRUPTED_EXIT:
            console.say("interrupted")
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except ModuleNotFoundError as error:
        if (error.name or "hmer_cli").startswith("hmer_cli"):
            return _bug(error)
        console.say(f"{error.name} is not installed; try: pip install 'hmer-cli[train]'")
        return MissingError.exit_code
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _UNWRITABLE:
            return _unwritable(error)
        if is_out_of_memory(error):
            console.say("not enough memory; close other programs, or give less at once")
            return InputError.exit_code
        return _bug(error)
    return 0


_GENERAL = ("-h", "--help", "--version", "--install-completion", "--show-completion")


def _with_command(words: list[str]) -> list[str]:
    """The words with the command that they leave out: ``hmer photo.png`` converts it."""
    if not words or words[0].split("=")[0] in _GENERAL:
        return words
    known = [
        each.name or getattr(each.callback, "__name__", "") for each in app.registered_commands
    ]
    known += [each.name or "" for each in app.registered_groups]
    first = words[0]
    named = any(sign in first for sign in "./*?") or os.path.exists(first)
    if first in known or not (first.startswith("-") or named):
        return words
    return ["convert", *words]


_UNWRITABLE = (errno.ENOSPC, errno.EPIPE, errno.EDQUOT, errno.EIO)


def _prepare_streams() -> None:
    """Standard streams that are closed are opened on nothing, so that no file gets their numbers;
    what an encoding cannot write is escaped."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _unwritable(error: OSError) -> int:
    console.say(OutputError(f"standard output cannot be written ({error.strerror})"))
    if sys.stdout is not None:
        console.silence(sys.stdout)
    return OutputError.exit_code


def _bug(error: Exception) -> int:
    """Say so in one line, with the traceback before it where the user wants to see it."""
    if os.environ.get("HMER_DEBUG"):
        traceback.print_exception(error)
    console.say(
        f"this is a bug in hmer {__version__}, please report it with what the same command says "
        f"under HMER_DEBUG=1: {type(error).__name__}: {error}"
    )
    return BUG_EXIT


def _end(error: HmerError | None) -> None:
    if error is not None:
        raise error


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hmer {__version__}")
        raise typer.Exit


@app.callback()
def hmer(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Handwritten mathematics in, LaTeX out: offline, on any laptop."""


@app.command()
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
            help="A .tex, .md, .jsonl or .html file, or a folder, as ink/, for labelled "
            "handwriting to train on; may be given more than once. "
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
        paste=paste,
        copy=copy,
    )
    if not watch:  # one that ended has done what it should
        _end(verb.outcome(records, strict=strict))


@app.command()
def render(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT", help="InkML files, folders or zip archives.", show_default=False
        ),
    ],
    out: Annotated[
        str, typer.Option("--out", "-o", metavar="DIR", help="Where the images and labels go.")
    ],
    size: Annotated[
        int | None,
        typer.Option(metavar="PIXELS", help="Longer side; as is legible if unset."),
    ] = None,
    padding: Annotated[int, typer.Option(metavar="PIXELS", help="White around the ink.")] = 8,
    pen: Annotated[float, typer.Option(metavar="PIXELS", help="Width of the line.")] = 2.0,
) -> None:
    """Draw InkML as PNG images, with their labels in caption.txt."""
    from hmer_cli.commands import render as verb

    interrupts.watch()
    rendered = verb.render_inputs(inputs, out, size=size, padding=padding, pen=pen)
    _end(verb.outcome(rendered))


@app.command()
def train(
    recipe: Annotated[
        Path | None,
        typer.Argument(metavar="[RECIPE]", help="A file of train/recipes.", show_default=False),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="A CROHME package or any labelled data set; of a release, their folder.",
            show_default=False,
        ),
    ] = None,
    more: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            help="Learn from all of this data set too; may be given often.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="DIR", help="Weights, curves and record; runs/RECIPE if unset."
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="NAME", help="Weights to begin with: a name or a file."),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Another value for the recipe, as schedule.images=20000; may be given often.",
            show_default=False,
        ),
    ] = None,
    release: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Instead of one recipe, all stages of train/release.toml that are not done.",
            show_default=False,
        ),
    ] = None,
    stages: Annotated[
        list[str] | None,
        typer.Option(
            "--stage",
            metavar="NAME",
            help="Of a release: this stage and what it comes from; may be given often.",
            show_default=False,
        ),
    ] = None,
    toy: Annotated[
        bool, typer.Option("--toy", help="Of a release: a toy run of minutes, on data of its own.")
    ] = False,
) -> None:
    """Train a recogniser, or everything that ships, or go on with a run that was interrupted.

    On several GPUs: torchrun --nproc_per_node=N -m hmer_cli.cli train ...
    """
    if (recipe is None) == (release is None):
        raise UsageError("name either a RECIPE or a --release")
    if recipe is None and release is not None:
        if more or start or changes:
            raise UsageError("--more, --from and --set change a RECIPE", "edit the release instead")
        from hmer_cli import release as whole

        folder = out or Path("runs") / (f"{release.stem}-toy" if toy else release.stem)
        _end(whole.outcome(whole.release(release, data, folder, stages or (), toy)))
    elif recipe is not None:
        if stages or toy:
            raise UsageError("--stage and --toy are of a --release", "leave them out")
        if data is None:
            raise UsageError("no data is named", "give --data PATH")
        from hmer_cli.commands import train as verb

        target = out or Path("runs") / recipe.stem
        verb.train(recipe, data, target, start, changes or (), more or ())


@app.command("eval")
def evaluate(
    dataset: Annotated[
        str,
        typer.Argument(
            metavar="DATASET",
            help="A CROHME package; InkML; images with caption.txt; pages with a JSON each: "
            "a folder or zip.",
            show_default=False,
        ),
    ],
    split: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Of a CROHME package: train, test2013, test2014, ...",
            autocompletion=_names(*_SPLITS),
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(metavar="N", help="The first N by name.")] = None,
    sample: Annotated[int | None, typer.Option(metavar="N", help="N drawn by chance.")] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Another seed, another sample.")] = 0,
    pages: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Where the files of the pages are, if not beside."),
    ] = None,
    json: Annotated[
        str | None, typer.Option(metavar="FILE", help="Scores as JSON; - is stdout.")
    ] = None,
    predictions: Annotated[
        str | None, typer.Option(metavar="FILE", help="Every prediction, as TSV; - is stdout.")
    ] = None,
    worst: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Of pages: pictures of the worst, with their boxes."),
    ] = None,
    lg: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Label graphs (.lg) of truths and predictions."),
    ] = None,
    model: ModelOption = None,
    charset: CharsetOption = None,
    ctc: Annotated[
        bool, typer.Option("--ctc", help="The CTC model only; skip rescoring by the graph model.")
    ] = False,
) -> None:
    """Score the recogniser on a labelled data set: WER, CER, ExpRate and the errors."""
    from hmer_cli.commands import eval as verb

    interrupts.watch()
    found = verb.run(
        dataset,
        split,
        limit,
        sample=sample,
        seed=seed,
        pages=pages,
        json_file=json,
        predictions=predictions,
        worst=worst,
        lg=lg,
        model=model,
        charset=charset,
        ctc=ctc,
    )
    _end(verb.outcome(found))


@app.command()
def compare(
    first: Annotated[
        Path, typer.Argument(metavar="A.tsv", help="Predictions of one.", show_default=False)
    ],
    second: Annotated[
        Path, typer.Argument(metavar="B.tsv", help="And of the other.", show_default=False)
    ],
) -> None:
    """Compare two models by what eval --predictions wrote: intervals and McNemar's test."""
    from hmer_cli.commands import compare as verb

    verb.run(first, second)


@app.command()
def generate(
    out: Annotated[str, typer.Option("--out", "-o", metavar="DIR", help="Where everything goes.")],
    latex: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LATEX", help="What to write; may be given more than once.", show_default=False
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="FILE", help="A file of LaTeX, an expression a line."),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(metavar="N", help="How many in all; one of each expression if unset."),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the random numbers.")] = 0,
    style: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="One writer for all, known by any name or number."),
    ] = None,
    engine: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="What writes: ink, hmeg.", autocompletion=_names("ink", "hmeg")
        ),
    ] = "ink",
    page: Annotated[
        bool, typer.Option("--page", help="Whole pages, with expressions among prose.")
    ] = False,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Processes that write.")
    ] = None,
) -> None:
    """Write LaTeX by hand: images, ink, boxes and labels."""
    from hmer_cli.commands import generate as verb

    interrupts.watch()
    made = verb.generate(
        out, latex or (), source,
        count=count, seed=seed, style=style, engine=engine, page=page, jobs=jobs,
    )  # fmt: skip
    _end(verb.outcome(made))


weights = typer.Typer(help="Weights by name, checked by SHA-256.", no_args_is_help=True)
app.add_typer(weights, name="weights")


@weights.command("list")
def list_weights() -> None:
    """List the weights that are known by name."""
    from hmer_cli.commands import weights as verb

    verb.list_weights()


@weights.command()
def verify(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="All if unset.", show_default=False)
    ] = None,
) -> None:
    """Compare weights with their SHA-256."""
    from hmer_cli.commands import weights as verb

    verb.verify(name)


if __name__ == "__main__":
    main()
