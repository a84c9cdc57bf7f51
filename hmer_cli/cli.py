"""The command line: each command imports its verb when it is called, and calls it."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Annotated

import typer

from hmer_cli import __version__, console
from hmer_cli.errors import HmerError

BUG_EXIT = 70
INTERRUPTED_EXIT = 130

app = typer.Typer(
    name="hmer",
    help="Handwritten mathematics in, LaTeX out.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line and exit with the code that DESIGN gives every kind of end."""
    try:
        app()
    except HmerError as error:
        console.say(error)
        sys.exit(error.exit_code)
    except SystemExit as end:
        if end.code == INTERRUPTED_EXIT:
            console.say("interrupted; outputs are as they were")
        raise
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED_EXIT)
    except Exception as error:
        if os.environ.get("HMER_DEBUG"):
            traceback.print_exc()
        console.say(
            f"this is a bug in hmer {__version__}, please report it with the output of the same "
            f"command under HMER_DEBUG=1: {type(error).__name__}: {error}"
        )
        sys.exit(BUG_EXIT)


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
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="Images, InkML, PDFs, zip archives, folders of them, globs, or - for stdin.",
            show_default=False,
        ),
    ],
    out: Annotated[
        list[str] | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="A .tex, .md or .jsonl file; may be given more than once. "
            "- is stdout, one expression a line (the default); -.jsonl is that format on stdout.",
            show_default=False,
        ),
    ] = None,
    pages: Annotated[
        str | None, typer.Option(metavar="PAGES", help="Pages of PDFs and TIFFs, as 1-4,7 or 3-.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="Weights: a name or a file.")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Threads that prepare pages; all cores if unset."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 4 if an expression is low or not valid.")
    ] = False,
) -> None:
    """Read handwriting and write LaTeX.

    Exit codes: 0 all done, 1 some inputs failed and the rest is delivered, 2 wrong usage,
    3 weights or a dependency missing, 4 with --strict something low or invalid, 5 cannot write,
    70 a bug in hmer, 130 interrupted.
    """
    from hmer_cli.convert import convert as run
    from hmer_cli.convert import outcome

    records = run(inputs, out or ["-"], pages=pages, model=model, jobs=jobs)
    error = outcome(records, strict=strict)
    if error is not None:
        raise error


if __name__ == "__main__":
    main()
