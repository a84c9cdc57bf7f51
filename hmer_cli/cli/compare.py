"""``hmer compare``: options and help.

The work is done by `hmer_cli.commands.compare`, which is imported when the command is called.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


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
