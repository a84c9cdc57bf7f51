"""The Typer application: every command by its name, in the order of the help text.

``hmer --version`` and ``hmer --help`` are answered here.
"""

from __future__ import annotations

from typing import Annotated

import typer

from hmer_cli import __version__, interrupts
from hmer_cli.cli import compare, convert, eval, generate, merge, render, train, weights
from hmer_cli.cli.shared import Command

app = typer.Typer(
    name="hmer",
    help="Handwritten mathematics in, LaTeX out.\n\n"
    "`hmer photo.jpg` is short for `hmer convert photo.jpg`.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
    interrupts.watch()


app.command(cls=Command)(convert.convert)
app.command(cls=Command, short_help="Put the shards of a conversion together.")(merge.merge)
app.command(cls=Command)(render.render)
app.command(cls=Command, short_help="Train a recogniser, or everything that ships.")(train.train)
app.command("eval", cls=Command, short_help="Score the recogniser on a labelled data set.")(
    eval.evaluate
)
app.command(cls=Command, short_help="Compare the predictions of two models.")(compare.compare)
app.command(cls=Command)(generate.generate)
app.add_typer(weights.weights, name="weights")
