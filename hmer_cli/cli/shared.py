"""Parts that several commands share: types of options and commands, completion, outcomes.

Models are looked up only when a value is completed.
"""

from __future__ import annotations

import glob
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperCommand

from hmer_cli.errors import HmerError, MissingError, UsageError


def completes_to(*names: str) -> Callable[[str], list[str]]:
    """A function from what is typed to those ``names`` that begin so."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in names if name.startswith(incomplete)]

    return complete


def completes_to_weights(incomplete: str) -> list[str]:
    """Names of the weights of the index that begin so."""
    from hmer_cli.models.registry import all_weights

    return [each.name for each in all_weights() if each.name.startswith(incomplete)]


def completes_to_recognisers(incomplete: str) -> list[str]:
    """The recognisers of the index, and the files of weights and folders whose path begins so."""
    from hmer_cli.models.registry import all_weights

    names: list[str] = []
    with suppress(MissingError):
        names += [each.name for each in all_weights() if each.entry.recogniser]
    paths = [Path(name) for name in sorted(glob.glob(f"{glob.escape(incomplete)}*"))]
    names += [str(path) for path in paths if path.name.endswith((".onnx", ".onnx.gz"))]
    names += [f"{path}/" for path in paths if path.is_dir()]
    return [name for name in names if name.startswith(incomplete)]


ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help="Weights: a name or a file.",
        autocompletion=completes_to_recognisers,
    ),
]

CharsetOption = Annotated[
    str | None,
    typer.Option(
        "--charset",
        metavar="NAME",
        help="Tokens that answers keep to: crohme, or a file of one token a line.",
        autocompletion=completes_to("crohme"),
    ),
]


CorrectionsOption = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE",
        help="What a review page exported, to apply; may be given more than once.",
        show_default=False,
    ),
]

SpellingOption = Annotated[
    Literal["typed", "tokens"],
    typer.Option(help="LaTeX as a person types it, or the tokens of the field's data sets."),
]

QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Say only what went wrong.")]

ForceOption = Annotated[
    bool, typer.Option("--force", help="Remove what earlier runs left in the folder.")
]

StrictOption = Annotated[
    bool, typer.Option("--strict", help="Exit with 4 if an expression is low or not valid.")
]


class Command(TyperCommand):
    """A command that refuses empty values: an empty path would be the current folder, where nobody
    wants what a script writes whose variable is not set."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Raises UsageError; an empty one of several inputs is an error of that input alone."""
        given, _, _ = self.make_parser(ctx).parse_args(args=list(args))
        for param in self.params:
            value = given.get(param.name or "")
            values = value if isinstance(value, list | tuple) else [value]
            if "" in values and param.name != "inputs":
                name = param.opts[0] if param.opts[0].startswith("-") else param.metavar
                raise UsageError(f"{name}: empty", "is a variable of the shell not set?")
        return super().parse_args(ctx, args)


def end(error: HmerError | None) -> None:
    """Raise the outcome of a command, if it is an error; its class holds the exit code."""
    if error is not None:
        raise error
