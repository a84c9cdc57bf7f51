"""The Typer application: every command by its name, in the order of the help text.

``hmer --version`` and ``hmer --help`` are answered here.
"""

from __future__ import annotations

from typing import Annotated

import typer

from hmer_cli import __version__
from hmer_cli.cli import compare, convert, eval, generate, merge, render, train, weights

app = typer.Typer(
    name="hmer",
    help="Handwritten mathematics in, LaTeX out.",
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


app.command()(convert.convert)
app.command()(merge.merge)
app.command()(render.render)
app.command()(train.train)
app.command("eval")(eval.evaluate)
app.command()(compare.compare)
app.command()(generate.generate)
app.add_typer(weights.weights, name="weights")
