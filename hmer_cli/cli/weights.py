"""``hmer weights``: options and help.

The work is done by `hmer_cli.commands.weights`, which is imported when the command is called.
"""

from __future__ import annotations

from typing import Annotated

import typer

from hmer_cli.cli.shared import Command, completes_to_weights

weights = typer.Typer(help="Weights by name, checked by SHA-256.", no_args_is_help=True)


@weights.command("list", cls=Command)
def list_weights() -> None:
    """List the weights that are known by name."""
    from hmer_cli.commands import weights as verb

    verb.list_weights()


@weights.command(cls=Command)
def verify(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="All if unset.",
            show_default=False,
            autocompletion=completes_to_weights,
        ),
    ] = None,
) -> None:
    """Compare weights with their SHA-256."""
    from hmer_cli.commands import weights as verb

    verb.verify(name)
