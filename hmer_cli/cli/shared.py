"""What several commands share: types of options with their help and completion, and their end.

``Annotated`` types for the parameters of commands. Nothing here imports a model before it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from hmer_cli.errors import HmerError


def completes_to(*names: str) -> Callable[[str], list[str]]:
    """A function from what is typed to those ``names`` that begin so."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in names if name.startswith(incomplete)]

    return complete


def completes_to_weights(incomplete: str) -> list[str]:
    """Names of known weights that begin so."""
    from hmer_cli.models.registry import all_weights

    return [each.name for each in all_weights() if each.name.startswith(incomplete)]


ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help="Weights: a name or a file.",
        autocompletion=completes_to_weights,
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


def end(error: HmerError | None) -> None:
    """Raise the outcome of a command, if it is an error; its class holds the exit code."""
    if error is not None:
        raise error
