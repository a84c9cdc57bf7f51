"""``hmer generate``: options and help.

The work is done by `hmer_cli.commands.generate`, which is imported when the command is called.
"""

from __future__ import annotations

from typing import Annotated

import typer

from hmer_cli.cli.shared import ForceOption, completes_to, end

OutOption = Annotated[
    str, typer.Option("--out", "-o", metavar="DIR", help="Where everything goes.")
]
LatexOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="LATEX", help="What to write; may be given more than once.", show_default=False
    ),
]
SourceOption = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="FILE",
        help="A file of LaTeX, an expression a line, or a caption.txt; - is stdin.",
    ),
]
CountOption = Annotated[
    int | None,
    typer.Option(metavar="N", help="How many in all; one of each expression if unset."),
]
SeedOption = Annotated[int, typer.Option(metavar="N", help="Seed of the random numbers.")]
StyleOption = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="One writer style for all; any name or number is one."),
]
EngineOption = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="What writes: ink, hmeg.",
        autocompletion=completes_to("ink", "hmeg"),
    ),
]
PageOption = Annotated[
    bool, typer.Option("--page", help="Whole pages, with expressions among prose.")
]
JobsOption = Annotated[
    int | None, typer.Option("--jobs", "-j", min=1, help="Processes that write.")
]


def generate(
    out: OutOption,
    latex: LatexOption = None,
    source: SourceOption = None,
    count: CountOption = None,
    seed: SeedOption = 0,
    style: StyleOption = None,
    engine: EngineOption = "ink",
    page: PageOption = False,
    jobs: JobsOption = None,
    force: ForceOption = False,
) -> None:
    """Write LaTeX by hand: images, ink, boxes and labels."""
    from hmer_cli.commands import generate as verb

    made = verb.generate(
        out, latex or (), source,
        count=count, seed=seed, style=style, engine=engine, page=page, jobs=jobs,
        force=force,
    )  # fmt: skip
    end(verb.outcome(made))
