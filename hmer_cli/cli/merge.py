"""``hmer merge``: options and help.

The work is done by `hmer_cli.commands.shards`, which is imported when the command is called.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hmer_cli import console
from hmer_cli.cli.shared import CorrectionsOption, QuietOption, SpellingOption, StrictOption, end


def merge(
    out: Annotated[
        str,
        typer.Argument(
            metavar="OUT",
            help="A file of any format of convert --out, or -; -.jsonl and its like after --.",
        ),
    ],
    shards: Annotated[
        list[Path],
        typer.Argument(
            metavar="SHARD", help="What convert --shard wrote, of all parts.", show_default=False
        ),
    ],
    corrections: CorrectionsOption = None,
    spelling: SpellingOption = "typed",
    quiet: QuietOption = False,
    strict: StrictOption = False,
) -> None:
    """Put the shards of a conversion together, as if it had been one run."""
    from hmer_cli.commands import convert as verb
    from hmer_cli.commands import shards as parts

    console.set_loudness(-int(quiet))
    records = parts.merge([out], shards, corrections=corrections or (), spelling=spelling)
    end(verb.outcome(records, strict=strict))
